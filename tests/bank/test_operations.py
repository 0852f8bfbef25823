"""The import: versions are added, never changed; files are taken whole or not at all."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from quizsvc.audit import CLI, AuditEntry
from quizsvc.bank import operations, queries
from quizsvc.bank.operations import Imported
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests.conftest import NOON
from tests.make import an_item
from tests.support import Watch

TWO = [an_item("brushing-01"), an_item("brushing-02")]


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
         {"new": ["brushing-01", "brushing-02"], "changed": [], "same": 0, "retired": [], "revived": []}),
        ("bank.import", "bank:test",
         {"new": [], "changed": ["brushing-01"], "same": 0, "retired": ["brushing-02"], "revived": []}),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 30])
def test_import_takes_as_many_statements_for_many_items(app: Flask, watch: Watch, count: int) -> None:
    items = [an_item(f"brushing-{number:02}") for number in range(count)]

    with watch.counting() as seen:
        imported(items)

    assert len(seen) == 9, "\n".join(seen)


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
