"""Codes of receipts, pledges, adoption and surveys: the door leads on, and nothing of an attempt ever begins there."""

from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt import operations, queries
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.core import linkcode
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests import make
from tests.conftest import NOON
from tests.desk import Desk
from tests.support import sqlite_only

pytestmark = sqlite_only
CODES = {
    kind: linkcode.compose(f"K1ND0{n}") for n, kind in enumerate(("receipt", "pledge", "adoption", "survey"))
}


@pytest.fixture
def rounds(app: Flask, at: Any) -> dict[str, Any]:
    unit = make.a_class(make.a_school(make.a_county()))
    made = {kind: make.a_sheet_round(unit, kind) for kind in CODES}
    for kind, round_ in made.items():
        make.a_link(round_, unit, code=CODES[kind])
    return {**made, "unit": unit}


def test_codes_lead_to_the_page_of_their_kind_with_all_that_the_address_says(
    app: Flask, rounds: dict[str, Any]
) -> None:
    phone = app.test_client()
    for kind, page in (
        ("receipt", "declare"),
        ("pledge", "declare"),
        ("adoption", "declare"),
        ("survey", "survey"),
    ):
        answer = phone.get(f"/c/{CODES[kind]}?by=ABCD2345&s=g")
        assert (answer.status_code, answer.location) == (303, f"/c/{CODES[kind]}/{page}?by=ABCD2345&s=g")


def test_no_kind_without_questions_ever_starts_an_attempt(app: Flask, rounds: dict[str, Any]) -> None:
    phone = app.test_client()
    for kind, code in CODES.items():
        for form in ({"seat": "1"}, {"seat": "99"}):
            assert phone.post(f"/c/{code}/who", data=form).status_code == 409, kind
            assert phone.post(f"/c/{code}/start", data=form).status_code == 409, kind
        assert phone.post(f"/c/{code}/play", data={"nickname": "小雨点"}).status_code == 409, kind
        assert phone.post(f"/c/{code}/resume", data={"seat": "1", "resume": "R0000000"}).status_code == 409, (
            kind
        )
        with pytest.raises(operations.NoQuestions):
            operations.start(code=code, seat=1, source="poster", device="p" * 22, at=NOON)
        db.session.rollback()
    assert (db.session.query(Attempt).count(), db.session.query(Participant).count()) == (0, 0)
    with pytest.raises(Refusal):
        operations.take_over(code=CODES["receipt"], seat=1, resume="R0000000", device="p" * 22, at=NOON)


def test_about_says_what_is_kept_of_each_kind(app: Flask, rounds: dict[str, Any]) -> None:
    phone = app.test_client()
    said = {kind: phone.get(f"/c/{code}/about").get_data(as_text=True) for kind, code in CODES.items()}
    assert "名字和签名加密保存" in said["receipt"]
    assert "谁答了什么，谁也查不到" in said["survey"]
    assert "签名" not in said["survey"]
    assert "每一项做到了没有" in said["adoption"]


def test_seat_pages_of_attempts_know_no_other_kind(app: Flask, rounds: dict[str, Any]) -> None:
    unit = rounds["unit"]
    teacher = Desk(app, "wang", ("class_teacher", unit))
    for kind in CODES:
        address = f"/staff/rounds/{rounds[kind].id}/classes/{unit.id}/seats/1"
        assert teacher.get(address).status_code == 404
        assert teacher.post(f"{address}/release", reason="写错了").status_code == 404
    assert queries.entry(CODES["receipt"], 1)[0].kind == "receipt"
