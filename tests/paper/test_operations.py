"""The freeze: only what can be filled, and never changed again. Drafts: change by change, nobody over another."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from quizsvc.audit import Actor, AuditEntry
from quizsvc.bank import queries as bank
from quizsvc.core import bankfile
from quizsvc.core.assembly import Rule
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.paper import operations, queries
from tests.conftest import NOON
from tests.make import an_item
from tests.paper.conftest import TOPICS, a_desk, a_draft, a_plan, frozen_id, imported

BRUSHING = [an_item(f"brushing-{number}") for number in range(3)]
LATER, LIN = NOON + timedelta(hours=1), Actor.staff(7)
POLICE = [an_item(f"police-{number}", topic="police") for number in range(3)]


def stored() -> list[tuple[Any, ...]]:
    """Every paper as the database holds it, byte for byte."""
    columns = "id, code, kind, title, CAST(content AS TEXT), content_hash"
    return [tuple(row) for row in db.session.execute(text(f"SELECT {columns} FROM paper_paper ORDER BY id"))]


def test_freeze_keeps_rules_wordings_and_topic_names(app: Flask) -> None:
    imported(*BRUSHING, *POLICE)

    paper = queries.frozen(frozen_id(a_plan(Rule(2, 10, topic="police"))))

    assert (paper.code, paper.kind, paper.title) == ("semester", "quiz", "反诈知识测试")
    assert paper.blueprint.rules == (Rule(2, 10, topic="police"),)
    assert [item.item for item in paper.items] == POLICE
    assert paper.topics == {"police": "冒充公检法"}


def test_freeze_again_is_the_same_paper(app: Flask) -> None:
    imported(*BRUSHING)
    first = frozen_id(a_plan())
    before = stored()

    assert frozen_id(a_plan()) == first
    assert stored() == before


def test_other_content_under_a_code_is_refused(app: Flask) -> None:
    imported(*BRUSHING)
    frozen_id(a_plan())
    before = stored()

    with pytest.raises(Refusal) as refused:
        frozen_id(a_plan(Rule(3, 10)))

    assert refused.value.status == 409
    assert refused.value.text == "试卷“semester”已经冻结，不能再改。要用新的内容，请换一个代号。"
    assert stored() == before


def test_edit_of_an_item_leaves_frozen_papers_byte_identical(app: Flask) -> None:
    imported(*BRUSHING)
    paper_id = frozen_id(a_plan())
    before, shown = stored(), [one.item for one in queries.frozen(paper_id).items]

    imported(*(replace(item, stem="换一种问法？", difficulty=3) for item in BRUSHING))
    queries.forget()

    assert stored() == before
    assert [one.item for one in queries.frozen(paper_id).items] == shown
    assert queries.frozen(frozen_id(a_plan(code="next"))).items[0].item.stem == "换一种问法？"


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ((Rule(5, 10, topic="police", kind="single_choice"),), "冒充公检法×单选：需 5，缺 2"),
        ((Rule(4, 10, topic="police"), Rule(5, 10, topic="brushing")),
         "冒充公检法：需 4，缺 1；刷单返利：需 5，缺 2"),
        ((Rule(3, 10, topic="police"), Rule(4, 10)), "任意题：需 4，缺 1"),
        ((Rule(1, 10, topic="police", difficulty=3),), "冒充公检法×较难：需 1，缺 1"),
        ((Rule(5, 10, topic="police", audience="junior"),), "冒充公检法：需 5，缺 2"),
        ((Rule(1, 10, audience="junior"), Rule(1, 10, audience="senior")), "高中：需 1，缺 1"),
    ],
    ids=["one rule", "two rules", "rules overlap", "no such item", "audience common to all", "audiences differ"],
)  # fmt: skip
def test_freeze_tells_the_exact_shortfall_of_every_rule(
    app: Flask, rules: tuple[Rule, ...], text: str
) -> None:
    imported(*BRUSHING, *POLICE)

    with pytest.raises(queries.Unfillable) as refused:
        frozen_id(a_plan(*rules))

    assert refused.value.status == 409
    assert refused.value.text == f"题不够，试卷没有冻结：{text}。"
    assert stored() == []


def test_twins_are_one_choice(app: Flask) -> None:
    imported(*(replace(item, twin="pair") for item in BRUSHING[:2]), BRUSHING[2])

    with pytest.raises(queries.Unfillable, match="任意题：需 3，缺 1"):
        frozen_id(a_plan(Rule(3, 10)))


def test_fixed_items_of_one_group_cannot_meet(app: Flask) -> None:
    imported(*(replace(item, twin="pair") for item in BRUSHING[:2]))

    with pytest.raises(queries.Unfillable, match="固定题：需 2，缺 1"):
        frozen_id(a_plan(fixed=(("test/brushing-0", 10), ("test/brushing-1", 10)), rules=()))


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"rules": ()}, "一道题也没有"), ({"kind": "horoscope"}, "还没有“horoscope”这种试卷")],
)
def test_freeze_refuses_what_is_no_paper(app: Flask, changes: dict[str, Any], text: str) -> None:
    imported(*BRUSHING)

    with pytest.raises(Refusal, match=text):
        frozen_id(replace(a_plan(), **changes))

    assert stored() == []


def test_hash_covers_everything(app: Flask) -> None:
    imported(*BRUSHING)
    plan = a_plan()
    pool = queries.pool(plan)
    content = queries.content_of(pool.blueprint, pool.versions, TOPICS)
    values: dict[str, Any] = {"code": "a", "title": "b", "kind": "quiz", "content": content}
    first = bankfile.content_of(BRUSHING[0])
    others = [
        {**values, "code": "c"},
        {**values, "title": "c"},
        {**values, "kind": "survey"},
        {**values, "content": {**content, "topics": {"brushing": "别的名字"}}},
        {**values, "content": {**content, "blueprint": {"rules": [], "fixed": []}}},
        {**values, "content": {**content, "items": content["items"][:2]}},
        *(
            {
                **values,
                "content": {**content, "items": [{**content["items"][0], "item": {**first, name: "x"}}]},
            }
            for name in first
        ),
    ]

    hashes = {queries.content_hash(**other) for other in (values, *others)}

    assert len(hashes) == 1 + len(others)


def test_stored_hash_is_that_of_the_stored_content(app: Flask) -> None:
    imported(*BRUSHING)
    frozen_id(a_plan())
    queries.forget()

    [(_, code, kind, title, content, hashed)] = stored()

    assert hashed == queries.content_hash(code=code, title=title, kind=kind, content=json.loads(content))


def test_freeze_is_audited_once(app: Flask) -> None:
    imported(*BRUSHING)
    paper = queries.frozen(frozen_id(a_plan()))
    frozen_id(a_plan())

    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "paper.freeze")).all()

    assert [(entry.object, json.loads(entry.detail)) for entry in entries] == [
        ("paper:semester", {"content_hash": paper.content_hash, "items": 2, "points": 20, "pool": 3})
    ]


def test_two_freezes_at_once_make_one_paper(app: Flask) -> None:
    imported(*BRUSHING)
    plan = a_plan()
    pool = queries.pool(plan)
    db.session.rollback()  # else this thread goes on reading the state before
    start = threading.Barrier(2)
    ids: list[int] = []

    def run() -> None:
        with app.app_context():
            start.wait()
            ids.append(frozen_id(plan, pool))
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert len(stored()) == 1


# drafts


def changed(draft_id: int, operation: Any, **values: Any) -> queries.DraftRow:
    """Change a draft at its newest revision; return what it is then."""
    revision = queries.draft(draft_id).revision
    operation(draft_id=draft_id, revision=revision, at=LATER, actor=LIN, **values)
    return queries.draft(draft_id)


def version(name: str) -> bank.VersionRow:
    return next(one for one in bank.latest() if queries.name_of(one) == name)


def test_draft_begins_with_a_plan(app: Flask) -> None:
    rules = (Rule(2, 10, audience="junior"), Rule(1, 5, topic="police", audience="senior"))

    row = queries.draft(a_draft(*rules, banks=("test", "other"), fixed=(("test/a", 3),)))

    assert row == queries.DraftRow(
        row.id, "semester", "quiz", "反诈知识测试", None, ("test", "other"), rules, (("test/a", 3),), 1, "cli", NOON,
        None,
    )  # fmt: skip


def test_code_that_is_taken_gets_a_number(app: Flask) -> None:
    imported(*BRUSHING)
    frozen_id(a_plan(code="semester"))

    codes = [queries.draft(a_draft(code=code)).code for code in ("semester", "semester", "sem", "semester-2")]

    assert codes == ["semester-2", "semester-3", "sem", "semester-2-2"]


def test_settings_are_kept_and_told_who_changed_them(app: Flask) -> None:
    row = changed(
        a_draft(Rule(1, 1, audience="junior")), operations.settle_draft,
        code="next", title="新的标题", audience="senior", banks=["b", "a"],
    )  # fmt: skip

    assert (row.code, row.title, row.audience, row.banks) == ("next", "新的标题", "senior", ("b", "a"))
    assert (row.revision, row.author, row.updated_at) == (2, "staff:7", LATER)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"title": ""}, "标题要写"),
        ({"title": "长" * 61}, "标题要写"),
        ({"code": ""}, "代号只能用"),
        ({"code": "-a"}, "代号只能用"),
        ({"code": "a b"}, "代号只能用"),
        ({"code": "a" * 61}, "代号只能用"),
        ({"banks": []}, "至少要选一个题库"),
        ({"code": "other-draft"}, "已经有草稿或试卷用了代号“other-draft”"),
        ({"code": "a-paper"}, "已经有草稿或试卷用了代号“a-paper”"),
    ],
)
def test_odd_settings_are_refused_and_change_nothing(
    app: Flask, values: dict[str, Any], sentence: str
) -> None:
    imported(*BRUSHING)
    frozen_id(a_plan(code="a-paper"))
    a_draft(code="other-draft")
    draft_id = a_draft(code="mine")
    before = queries.draft(draft_id)

    with pytest.raises(Refusal, match=sentence):
        changed(
            draft_id, operations.settle_draft,
            **{"code": "mine", "title": "标题", "audience": None, "banks": ["test"], **values},
        )  # fmt: skip

    assert queries.draft(draft_id) == before


def test_rules_are_added_changed_and_removed(app: Flask) -> None:
    draft_id = a_draft(Rule(1, 1, audience="junior"), Rule(2, 2, audience="senior"))

    changed(draft_id, operations.add_rule, rule=Rule(3, 3, topic="police"))
    changed(draft_id, operations.change_rule, place=0, rule=Rule(9, 9, kind="true_false"))
    row = changed(draft_id, operations.remove_rule, place=1)

    assert row.rules == (Rule(9, 9, kind="true_false"), Rule(3, 3, topic="police"))
    assert row.revision == 4


def test_items_are_added_swapped_scored_moved_and_removed(app: Flask) -> None:
    imported(*BRUSHING, *POLICE)
    draft_id = a_draft(rules=())

    for name in ("test/brushing-0", "test/police-1", "test/brushing-2"):
        row = changed(draft_id, operations.add_item, version=version(name), points=10)
    assert row.fixed == (("test/brushing-0", 10), ("test/police-1", 10), ("test/brushing-2", 10))

    changed(draft_id, operations.set_points, item="test/police-1", points=5)
    row = changed(draft_id, operations.swap_item, item="test/police-1", version=version("test/police-2"))
    assert row.fixed[1] == ("test/police-2", 5)

    row = changed(draft_id, operations.remove_item, item="test/brushing-0")
    assert row.fixed == (("test/police-2", 5), ("test/brushing-2", 10))


@pytest.mark.parametrize(
    ("item", "by", "order"),
    [("a", 1, "bac"), ("b", 1, "acb"), ("c", 1, "abc"), ("a", -1, "abc"), ("b", -1, "bac"), ("c", -1, "acb")],
)
def test_item_moves_one_place_and_stays_at_the_end(app: Flask, item: str, by: int, order: str) -> None:
    draft_id = a_draft(rules=(), fixed=tuple((one, 1) for one in "abc"))

    row = changed(draft_id, operations.move_item, item=item, by=by)

    assert "".join(name for name, _ in row.fixed) == order


def test_item_is_on_a_paper_once(app: Flask) -> None:
    imported(*BRUSHING)
    draft_id = a_draft(rules=(), fixed=(("test/brushing-0", 1), ("test/brushing-1", 1)))

    with pytest.raises(Refusal, match="已经在试卷上了"):
        changed(draft_id, operations.add_item, version=version("test/brushing-0"), points=1)
    with pytest.raises(Refusal, match="已经在试卷上了"):
        changed(draft_id, operations.swap_item, item="test/brushing-1", version=version("test/brushing-0"))


def test_paper_has_an_end(app: Flask) -> None:
    full = a_draft(Rule(operations.MOST_ITEMS, 1))
    many = a_draft(*[Rule(1, 1, audience="junior")] * operations.MOST_RULES, code="many")

    with pytest.raises(Refusal, match="最多 200 道题"):
        changed(full, operations.add_rule, rule=Rule(1, 1))
    with pytest.raises(Refusal, match="最多 200 道题"):
        changed(full, operations.change_rule, place=0, rule=Rule(201, 1))
    with pytest.raises(Refusal, match="最多 40 条规则"):
        changed(many, operations.add_rule, rule=Rule(1, 1))
    with pytest.raises(Refusal, match="最多 200 道题"):
        a_draft(Rule(201, 1), code="over")
    assert [one.code for one in queries.drafts()] == ["many", "semester"]


CHANGES: list[tuple[Any, dict[str, Any]]] = [
    (operations.settle_draft, {"code": "x", "title": "x", "audience": None, "banks": ["test"]}),
    (operations.add_rule, {"rule": Rule(1, 1)}),
    (operations.change_rule, {"place": 0, "rule": Rule(1, 1)}),
    (operations.remove_rule, {"place": 0}),
    (operations.add_item, {"version": bank.VersionRow(9, 9, 1, "test", an_item("z")), "points": 1}),
    (operations.swap_item, {"item": "a", "version": bank.VersionRow(9, 9, 1, "test", an_item("z"))}),
    (operations.set_points, {"item": "a", "points": 2}),
    (operations.move_item, {"item": "a", "by": 1}),
    (operations.remove_item, {"item": "a"}),
    (operations.discard_draft, {}),
]


@pytest.mark.parametrize(("operation", "values"), CHANGES, ids=[one.__name__ for one, _ in CHANGES])
def test_change_of_what_somebody_else_changed_is_refused(
    app: Flask, operation: Any, values: dict[str, Any]
) -> None:
    draft_id = a_draft(Rule(3, 3), fixed=(("a", 1), ("b", 1)))
    before = changed(draft_id, operations.set_points, item="b", points=9)

    with pytest.raises(operations.DraftChanged) as refused:
        operation(draft_id=draft_id, revision=1, at=LATER, actor=LIN, **values)

    assert refused.value.status == 409
    assert queries.draft(draft_id) == before


@pytest.mark.parametrize(("operation", "values"), CHANGES, ids=[one.__name__ for one, _ in CHANGES])
def test_frozen_draft_never_changes_again(app: Flask, operation: Any, values: dict[str, Any]) -> None:
    imported(*BRUSHING)
    draft_id = a_draft(Rule(1, 10))
    freeze_it(draft_id)
    before = queries.draft(draft_id)

    with pytest.raises(operations.DraftFrozen):
        operation(draft_id=draft_id, revision=before.revision, at=LATER, actor=LIN, **values)
    assert queries.draft(draft_id) == before


@pytest.mark.parametrize(("operation", "values"), CHANGES, ids=[one.__name__ for one, _ in CHANGES])
def test_change_of_a_draft_that_is_not_there_is_refused(
    app: Flask, operation: Any, values: dict[str, Any]
) -> None:
    with pytest.raises(queries.UnknownDraft):
        operation(draft_id=1, revision=1, at=LATER, actor=LIN, **values)


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        (operations.change_rule, {"place": 1, "rule": Rule(1, 1)}),
        (operations.remove_rule, {"place": 1}),
        (operations.set_points, {"item": "z", "points": 2}),
    ],
)
def test_change_of_a_part_that_is_not_there_is_refused(
    app: Flask, operation: Any, values: dict[str, Any]
) -> None:
    draft_id = a_draft(Rule(3, 3), fixed=(("a", 1),))

    with pytest.raises(operations.DraftChanged):
        changed(draft_id, operation, **values)


def test_discarded_draft_is_gone_and_audited(app: Flask) -> None:
    draft_id = a_draft()

    operations.discard_draft(draft_id=draft_id, revision=1, at=LATER, actor=LIN)

    assert queries.drafts() == []
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    assert [(one.action, one.actor, json.loads(one.detail)) for one in entries] == [
        ("paper.draft", "cli", {"code": "semester"}),
        ("paper.discard_draft", "staff:7", {"code": "semester"}),
    ]


def freeze_it(draft_id: int) -> int:
    desk = a_desk(draft_id)
    return operations.freeze_draft(
        draft_id=draft_id, revision=desk.draft.revision, pool=desk.pool, topics=TOPICS, at=LATER, actor=LIN
    )


def test_frozen_draft_is_the_paper_its_blueprint_would_have_made(app: Flask) -> None:
    imported(*BRUSHING, *POLICE)
    rules, fixed = (Rule(2, 10, topic="brushing", audience="junior"),), (("test/police-1", 5),)
    draft_id = a_draft(*rules, fixed=fixed)

    paper = queries.frozen(freeze_it(draft_id))

    assert queries.draft(draft_id).paper_id == paper.id
    assert frozen_id(a_plan(*rules, fixed=fixed)) == paper.id  # the same content under the same code


def test_draft_that_cannot_be_filled_is_not_frozen(app: Flask) -> None:
    imported(*BRUSHING)
    draft_id = a_draft(Rule(9, 10))

    with pytest.raises(queries.Unfillable):
        freeze_it(draft_id)

    assert (stored(), queries.draft(draft_id).paper_id) == ([], None)


def test_of_two_changes_at_once_one_is_refused(app: Flask) -> None:
    draft_id = a_draft(rules=(), fixed=(("a", 1),))
    db.session.rollback()  # else this thread goes on reading the state before
    start = threading.Barrier(2)
    refused: list[str] = []

    def run(points: int) -> None:
        with app.app_context():
            start.wait()
            try:
                operations.set_points(
                    draft_id=draft_id, revision=1, item="a", points=points, at=LATER, actor=LIN
                )
            except operations.DraftChanged as refusal:
                refused.append(refusal.text)
            db.session.remove()

    threads = [threading.Thread(target=run, args=(points,)) for points in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    row = queries.draft(draft_id)
    assert (len(refused), row.revision) == (1, 2)
    assert row.fixed[0][1] in (5, 6)
