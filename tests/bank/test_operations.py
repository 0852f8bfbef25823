"""Writes of the banks: versions are added, never changed; only what somebody has read is published."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from quizsvc.audit import CLI, Actor, AuditEntry
from quizsvc.bank import operations, queries
from quizsvc.bank.operations import Imported
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests.conftest import NOON
from tests.make import an_item
from tests.support import Watch

TWO = [an_item("brushing-01"), an_item("brushing-02")]
WORDS = bankfile.Vocabulary({"brushing": "刷单返利"}, {"first_payout_real": "先收到过小额返利，平台就是真的"})
LIN, HE = Actor.staff(7), Actor.staff(8)
EDITED = replace(TWO[0], stem="换一种问法，怎么做最稳妥？")


def imported(items: Sequence[bankfile.Item], **changes: Any) -> Imported:
    values: dict[str, Any] = {"code": "test", "name": "测试题库", "at": NOON, "actor": CLI}
    return operations.import_bank(items=items, **{**values, **changes})


def stored() -> list[tuple[Any, ...]]:
    """Every version row as the database holds it, byte for byte."""
    columns = "id, item_id, number, CAST(content AS TEXT), content_hash"
    return [
        tuple(row) for row in db.session.execute(text(f"SELECT {columns} FROM bank_item_version ORDER BY id"))
    ]


def test_import_of_new_items(app: Flask) -> None:
    assert imported(TWO) == Imported(new=2, changed=0, same=0, retired=0, revived=0)
    assert [(row.number, row.bank_code, row.item) for row in queries.latest()] == [
        (1, "test", TWO[0]),
        (1, "test", TWO[1]),
    ]


def test_import_of_the_same_items_again_changes_nothing(app: Flask) -> None:
    imported(TWO)
    before = stored()

    assert imported(TWO, at=NOON + timedelta(days=1)) == Imported(
        new=0, changed=0, same=2, retired=0, revived=0
    )
    assert stored() == before


def test_edit_makes_a_new_version_and_leaves_the_old_one_byte_identical(app: Flask) -> None:
    imported(TWO)
    before = stored()
    edited = replace(TWO[0], stem="换一种问法，怎么做最稳妥？")

    assert imported([edited, TWO[1]]) == Imported(new=0, changed=1, same=1, retired=0, revived=0)
    after = stored()
    assert after[:2] == before
    assert [(row.number, row.item) for row in queries.latest()] == [(2, edited), (1, TWO[1])]


def test_edit_taken_back_is_a_third_version(app: Flask) -> None:
    for items in (TWO, [replace(TWO[0], difficulty=3), TWO[1]], TWO):
        imported(items)

    history = queries.history("test", "brushing-01")
    assert [(wording.number, wording.item.difficulty) for wording in history.wordings] == [
        (3, 1),
        (2, 3),
        (1, 1),
    ]


def test_missing_items_stay_unless_they_are_to_be_retired(app: Flask) -> None:
    imported(TWO)

    assert imported(TWO[:1]).retired == 0
    assert len(queries.latest()) == 2
    assert imported(TWO[:1], retire_missing=True).retired == 1
    assert [row.item.code for row in queries.latest()] == ["brushing-01"]
    assert imported(TWO[:1], retire_missing=True).retired == 0


def test_retired_item_that_is_back_in_the_files_is_in_use_again(app: Flask) -> None:
    imported(TWO)
    imported(TWO[:1], retire_missing=True)

    assert imported(TWO) == Imported(new=0, changed=0, same=2, retired=0, revived=1)
    assert len(queries.latest()) == 2


def test_banks_do_not_touch_each_other(app: Flask) -> None:
    imported(TWO)

    assert imported(TWO[:1], code="other", name="另一个", retire_missing=True).new == 1
    assert [(row.code, row.name, row.items, row.versions) for row in queries.banks()] == [
        ("other", "另一个", 1, 1),
        ("test", "测试题库", 2, 2),
    ]


def test_import_takes_the_new_name_of_a_bank(app: Flask) -> None:
    imported(TWO)
    imported(TWO, name="新名字")

    assert [row.name for row in queries.banks()] == ["新名字"]


def test_repeated_code_is_refused_and_nothing_is_written(app: Flask) -> None:
    with pytest.raises(Refusal, match="题号有重复"):
        imported([TWO[0], TWO[0]])

    assert queries.banks() == []


def test_import_is_audited(app: Flask) -> None:
    imported(TWO)
    imported([replace(TWO[0], difficulty=3)], retire_missing=True)

    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    assert [(entry.action, entry.object, json.loads(entry.detail)) for entry in entries] == [
        ("bank.import", "bank:test",
         {"origin": "file", "new": ["brushing-01", "brushing-02"], "changed": [], "same": 0, "retired": [],
          "revived": [], "kept": [], "published": []}),
        ("bank.import", "bank:test",
         {"origin": "file", "new": [], "changed": ["brushing-01"], "same": 0, "retired": ["brushing-02"],
          "revived": [], "kept": [], "published": []}),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 30])
def test_import_takes_as_many_statements_for_many_items(app: Flask, watch: Watch, count: int) -> None:
    items = [an_item(f"brushing-{number:02}") for number in range(count)]

    with watch.counting() as seen:
        imported(items)

    assert len(seen) == 7, "\n".join(seen)


def test_two_imports_at_once_make_one_version_each_item(app: Flask) -> None:
    start = threading.Barrier(2)
    results: list[Imported] = []

    def run() -> None:
        with app.app_context():
            start.wait()
            results.append(imported(TWO))
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()  # else this thread goes on reading the state before
    assert sorted(result.new for result in results) == [0, 2]
    assert len(stored()) == 2


def saved(item: bankfile.Item, opened: int, actor: Actor = LIN) -> int:
    return operations.save_item(
        bank_code="test", item=item, opened=opened, vocabulary=WORDS, at=NOON, actor=actor
    )


def approved(number: int, code: str = "brushing-01", actor: Actor = HE) -> None:
    operations.approve(
        bank_code="test", item_code=code, number=number, vocabulary=WORDS, at=NOON, actor=actor
    )


def published(code: str | None = None) -> int:
    return operations.publish(bank_code="test", item_code=code, vocabulary=WORDS, at=NOON, actor=HE)


def states() -> list[tuple[str, int, str]]:
    return [(row.item.code, row.number, row.state) for row in queries.newest("test")]


def actions() -> list[tuple[str, str, dict[str, Any]]]:
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    return [(entry.action, entry.actor, json.loads(entry.detail)) for entry in entries]


def test_edit_on_the_pages_is_a_draft_that_papers_do_not_draw(app: Flask) -> None:
    imported(TWO)

    assert saved(EDITED, opened=1) == 2
    assert states() == [("brushing-01", 2, "draft"), ("brushing-02", 1, "published")]
    assert [row.item for row in queries.latest("test")] == TWO


def test_draft_is_drawn_after_review_and_publication(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)
    before = stored()

    approved(2)
    assert states()[0] == ("brushing-01", 2, "reviewed")
    assert [row.item for row in queries.latest("test")] == TWO
    assert published() == 1

    assert states()[0] == ("brushing-01", 2, "published")
    assert [row.item for row in queries.latest("test")] == [EDITED, TWO[1]]
    assert stored() == before
    newest = queries.history("test", "brushing-01").wordings[0]
    assert (newest.author, newest.reviewed_by, newest.reviewed_at, newest.published_at, newest.origin) == (
        LIN.text, HE.text, NOON, NOON, "web",
    )  # fmt: skip
    assert [(action, actor) for action, actor, _ in actions()[1:]] == [
        ("bank.edit", LIN.text), ("bank.review", HE.text), ("bank.publish", HE.text),
    ]  # fmt: skip


def test_edit_of_a_reviewed_item_is_a_draft_again(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)
    approved(2)

    assert saved(replace(EDITED, difficulty=3), opened=2) == 3
    assert states()[0] == ("brushing-01", 3, "draft")
    with pytest.raises(Refusal, match="没有已审的题"):
        published()


def test_saving_the_same_again_writes_nothing(app: Flask) -> None:
    imported(TWO)
    before = stored()

    assert saved(TWO[0], opened=1) == 1
    assert (stored(), len(actions())) == (before, 1)


def test_edit_over_somebody_elses_is_refused(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)
    before = stored()

    with pytest.raises(operations.Stale) as refused:
        saved(replace(TWO[0], difficulty=3), opened=1, actor=HE)

    assert (refused.value.status, stored()) == (409, before)


def test_new_item_needs_a_free_and_plain_code(app: Flask) -> None:
    imported(TWO)

    assert saved(an_item("brushing-03"), opened=0) == 1
    for code, sentence in (("brushing-01", "已经有题在用"), ("刷单", "题号只能用"), ("x" * 61, "题号只能用")):
        with pytest.raises(Refusal, match=sentence):
            saved(an_item(code), opened=0)
    with pytest.raises(queries.UnknownItem):
        saved(an_item("nothing"), opened=1)
    with pytest.raises(queries.UnknownBank):
        operations.save_item(bank_code="nothing", item=TWO[0], opened=0, vocabulary=WORDS, at=NOON, actor=LIN)


def test_draft_may_lack_explanation_and_source_until_its_review(app: Flask) -> None:
    imported([])
    bare = replace(TWO[0], source="", explanation=bankfile.Explanation("", "", ""))

    assert saved(bare, opened=0) == 1
    with pytest.raises(operations.Faulty, match="来源没有写。解析没有写"):
        approved(1)
    assert states() == [("brushing-01", 1, "draft")]


def test_item_without_a_key_is_not_even_a_draft(app: Flask) -> None:
    imported([])

    with pytest.raises(operations.Faulty, match="没有标出正确答案"):
        saved(replace(TWO[0], options=(bankfile.Option("甲"), bankfile.Option("乙"))), opened=0)
    assert states() == []


def test_review_is_of_the_wording_that_was_read(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)
    saved(replace(EDITED, difficulty=3), opened=2)

    with pytest.raises(operations.Stale):
        approved(2)
    approved(3)
    with pytest.raises(Refusal, match="已经审过"):
        approved(3)
    with pytest.raises(queries.UnknownItem):
        approved(1, code="nothing")


def test_publication_of_one_item_leaves_the_others(app: Flask) -> None:
    imported([])
    for item in TWO:
        saved(item, opened=0)
        approved(1, code=item.code)

    assert published("brushing-02") == 1
    assert states() == [("brushing-01", 1, "reviewed"), ("brushing-02", 1, "published")]
    assert actions()[-1][2] == {"items": [["brushing-02", 1]]}


def test_publication_stops_at_an_item_that_is_no_longer_fit(app: Flask) -> None:
    imported([])
    for item in TWO:
        saved(item, opened=0)
        approved(1, code=item.code)

    with pytest.raises(operations.Faulty, match="brushing-01：主题“brushing”不在词表里"):
        operations.publish(
            bank_code="test", vocabulary=bankfile.Vocabulary({}, WORDS.beliefs), at=NOON, actor=HE
        )
    assert [state for _, _, state in states()] == ["reviewed", "reviewed"]


def test_retired_item_is_not_drawn_until_it_is_brought_back(app: Flask) -> None:
    imported(TWO)

    operations.retire(bank_code="test", item_code="brushing-01", at=NOON, actor=LIN)
    assert [row.item.code for row in queries.latest()] == ["brushing-02"]
    assert states()[0] == ("brushing-01", 1, "retired")
    with pytest.raises(Refusal, match="已经停用"):
        operations.retire(bank_code="test", item_code="brushing-01", at=NOON, actor=LIN)

    operations.bring_back(bank_code="test", item_code="brushing-01", at=NOON, actor=LIN)
    assert len(queries.latest()) == 2
    with pytest.raises(Refusal, match="没有停用"):
        operations.bring_back(bank_code="test", item_code="brushing-01", at=NOON, actor=LIN)
    with pytest.raises(queries.UnknownItem):
        operations.retire(bank_code="test", item_code="nothing", at=NOON, actor=LIN)
    assert [action for action, _, _ in actions()] == ["bank.import", "bank.retire", "bank.bring-back"]


def test_files_leave_what_was_changed_on_the_pages_since(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)

    assert imported(TWO) == Imported(new=0, changed=0, same=1, retired=0, revived=0, kept=1)
    assert states()[0] == ("brushing-01", 2, "draft")


def test_files_that_have_changed_too_win(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)
    changed = replace(TWO[0], difficulty=3)

    assert imported([changed, TWO[1]]) == Imported(new=0, changed=1, same=1, retired=0, revived=0)
    assert [row.item for row in queries.latest("test")] == [changed, TWO[1]]


def test_files_that_took_over_the_edit_publish_it(app: Flask) -> None:
    imported(TWO)
    saved(EDITED, opened=1)

    assert imported([EDITED, TWO[1]]) == Imported(new=0, changed=0, same=2, retired=0, revived=0, published=1)
    assert [row.item for row in queries.latest("test")] == [EDITED, TWO[1]]
    assert imported([EDITED, TWO[1]]).published == 0


def test_files_do_not_bring_back_what_somebody_retired(app: Flask) -> None:
    imported(TWO)
    operations.retire(bank_code="test", item_code="brushing-01", at=NOON, actor=LIN)

    for items in (TWO, [replace(TWO[0], difficulty=3), TWO[1]]):
        assert imported(items) == Imported(new=0, changed=0, same=1, retired=0, revived=0, kept=1)
    assert [row.item.code for row in queries.latest()] == ["brushing-02"]


def test_items_of_the_pages_are_never_missing_from_the_files(app: Flask) -> None:
    imported(TWO[:1])
    saved(TWO[1], opened=0)

    assert imported(TWO[:1], retire_missing=True).retired == 0
    assert states()[1] == ("brushing-02", 1, "draft")


def test_import_by_hand_makes_drafts_and_brings_back(app: Flask) -> None:
    imported(TWO)
    operations.retire(bank_code="test", item_code="brushing-02", at=NOON, actor=LIN)
    items = [EDITED, TWO[1], an_item("brushing-03")]

    done = imported(items, name=None, origin="web", publish=False, actor=LIN)

    assert done == Imported(new=1, changed=1, same=1, retired=0, revived=1)
    assert states() == [
        ("brushing-01", 2, "draft"),
        ("brushing-02", 1, "published"),
        ("brushing-03", 1, "draft"),
    ]
    assert [row.name for row in queries.banks()] == ["测试题库"]


def test_import_by_hand_into_no_bank_is_refused(app: Flask) -> None:
    with pytest.raises(queries.UnknownBank):
        imported(TWO, name=None, origin="web")


def test_import_of_what_was_previewed_is_refused_when_the_bank_has_moved_on(app: Flask) -> None:
    imported(TWO)
    digest = queries.compared("test", [EDITED], origin="web").digest
    saved(replace(TWO[0], difficulty=3), opened=1)

    with pytest.raises(operations.Moved):
        imported([EDITED], name=None, origin="web", publish=False, previewed=digest)
    assert states()[0][1] == 2


def test_new_bank_needs_a_name_and_a_free_plain_code(app: Flask) -> None:
    def add(code: str, name: str) -> None:
        operations.add_bank(code=code, name=name, at=NOON, actor=LIN)

    add("rural", " 乡村题库 ")

    assert [(row.code, row.name, row.items, row.versions) for row in queries.banks()] == [
        ("rural", "乡村题库", 0, 0)
    ]
    for code, name, sentence in (
        ("rural", "又一个", "已经有题库"),
        ("Ru ral", "甲", "代号只能用"),
        ("a", " ", "名字"),
    ):
        with pytest.raises(Refusal, match=sentence):
            add(code, name)
    assert len(actions()) == 1


def test_two_edits_at_once_make_one_version(app: Flask) -> None:
    imported(TWO)
    start = threading.Barrier(2)
    results: list[object] = []

    def run(difficulty: int) -> None:
        with app.app_context():
            start.wait()
            try:
                results.append(saved(replace(TWO[0], difficulty=difficulty), opened=1))
            except operations.Stale:
                results.append("stale")
            db.session.remove()

    threads = [threading.Thread(target=run, args=(difficulty,)) for difficulty in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()  # else this thread goes on reading the state before
    assert sorted(map(str, results)) == ["2", "stale"]
    assert len(stored()) == 3
