"""The freeze: only what can be filled, and never changed again."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from quizsvc.audit import AuditEntry
from quizsvc.core import bankfile
from quizsvc.core.assembly import Rule
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.paper import queries
from tests.make import an_item
from tests.paper.conftest import TOPICS, a_plan, frozen_id, imported

BRUSHING = [an_item(f"brushing-{number}") for number in range(3)]
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
    assert refused.value.text == "试卷“semester”已经冻结，不能再改。要用新的内容，请在组卷规则里换一个代号。"
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
