"""The doctor on receipts, pledges, adoption and surveys: sound as made, and each planted fault is its own line's."""

from typing import Any

from flask import Flask
from sqlalchemy import select, text

from quizsvc import audit
from quizsvc.core import questionnaire
from quizsvc.db import db
from quizsvc.declaration.models import Declaration
from quizsvc.declaration.queries import Item, declared_hash, items_of
from quizsvc.upkeep import invariants
from tests import make
from tests.conftest import NOON
from tests.support import sqlite_only

YES = (Item(0, "adopted", 3, "declared"), Item(1, "na", 0, "declared"))
PARTLY = (Item(0, "partial", 1, "declared"), Item(1, "adopted", 0, "declared"))
PLANTED = {
    "I7": ["UPDATE roster_unit SET path = 'yg/zz/703/' WHERE code = '703'"],
    "I9": ["UPDATE paper_paper SET title = '改过的' WHERE kind = 'receipt'"],
    "I14": [
        "UPDATE declaration_declaration SET text_hash = '00' WHERE id = :receipt",
        "UPDATE declaration_declaration SET paper_id = :paper WHERE id = :receipt",
        "UPDATE declaration_declaration SET met = NOT met WHERE id = :receipt",
    ],
    "I15": [
        "DELETE FROM declaration_item WHERE item = 1",
        "UPDATE declaration_item SET item = 7 WHERE item = 1",
        "UPDATE declaration_item SET steps = 4 WHERE item = 0",
        "UPDATE declaration_item SET state = 'na' WHERE item = 0",
        "UPDATE declaration_item SET state = 'not' WHERE item = 1",
        "UPDATE declaration_item SET declaration_id = :receipt WHERE declaration_id = :partly",
    ],
    "I16": [
        "UPDATE survey_box SET count = count + 1",
        "DELETE FROM survey_turnout",
        "UPDATE survey_box SET answers = '[]', count = 0",
    ],
}


LOOKED_AT = ("I7", "I8", "I9", "I13", "I14", "I15", "I16")


def at_work() -> dict[str, Any]:
    """A class with receipts, two adoption answers and a survey; what is planted names some of it."""
    unit = make.a_class(make.a_school(make.a_county()), pupils=6)
    drive = make.a_campaign(unit)
    receipt, adoption = (make.a_sheet_round(unit, kind, campaign=drive) for kind in ("receipt", "adoption"))
    make.a_sheet_round(unit, "adoption", campaign=drive, identity="anonymous")
    make.a_survey(
        unit, questionnaire.Question("choice", "好不好？", True, options=("好", "不好")), campaign=drive,
        answers=[{0: 0}, {0: 1}],
    )  # fmt: skip
    first = make.a_declaration(receipt, unit, 1)
    make.a_declaration(receipt, unit, 2, met=False)
    make.a_declaration(receipt, unit, 3, met=False, replaced_at=NOON)
    make.a_declaration(receipt, unit, 3)
    make.a_declaration(adoption, unit, 1, YES)
    partly = make.a_declaration(adoption, unit, 2, PARTLY, met=False)
    for row in db.session.scalars(select(Declaration)).all():
        items = items_of(row.id)
        audit.record_submission(
            attempt_id=row.id, answers_hash=declared_hash(row.text_hash, row.met, items), at=row.declared_at
        )
    db.session.commit()
    kept = {"receipt": first.id, "paper": adoption.paper_id, "partly": partly.id}
    audit.seal_leaves(NOON)
    return kept


def red() -> list[str]:
    """Look without letting go of the transaction, so that what is planted need not be mended."""
    found = []
    for check in invariants.CHECKS:
        tally = invariants.Tally()
        if check.id in LOOKED_AT and check.look is not None:
            check.look(tally, NOON)
        found += [check.id] if tally.faults else []
    return found


def test_sheets_as_they_are_made_are_sound(app: Flask, at: Any) -> None:
    at_work()
    found = {one.id: one for one in invariants.examine(NOON)}
    assert [one.line for one in found.values() if one.faults] == []
    assert {name: found[name].checked for name in ("I13", "I14", "I15", "I16")} == {
        "I13": 5, "I14": 6, "I15": 2, "I16": 2,
    }  # fmt: skip


@sqlite_only
def test_each_planted_fault_is_told_by_its_own_line(app: Flask, at: Any) -> None:
    values = at_work()
    for name, statements in PLANTED.items():
        for statement in statements:
            needed = {key: value for key, value in values.items() if f":{key}" in statement}
            db.session.execute(text(statement), needed)
            db.session.expire_all()
            assert red() == [name], statement
            db.session.rollback()


@sqlite_only
def test_head_that_stands_twice_is_told(app: Flask, at: Any) -> None:
    values = at_work()
    db.session.execute(text("DROP INDEX uq_declaration_declaration_head"))
    twice = (
        "UPDATE declaration_declaration SET replaced_at = NULL WHERE round_id = ("
        "SELECT round_id FROM declaration_declaration WHERE id = :receipt)"
    )
    db.session.execute(text(twice), {"receipt": values["receipt"]})
    assert "I13" in red()
    db.session.rollback()
