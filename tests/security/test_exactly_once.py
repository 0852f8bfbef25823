"""T01, T02, T08: a submission counts once whatever is sent again; nothing but answers is taken from the client."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import select, update

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.audit import AuditLeaf
from quizsvc.core.marking import Saved
from quizsvc.db import db, insert, operation
from tests.attempt.conftest import Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.support import Browser

ROUNDS = 5


@pytest.fixture
def classroom(app: Flask, at: Any) -> Classroom:
    return a_classroom()


def rows(*tables: type[Any]) -> list[dict[str, Any]]:
    """Every column of every row, in order."""
    db.session.rollback()
    return [
        dict(row)
        for table in tables
        for row in db.session.execute(
            select(table.__table__).order_by(*table.__table__.primary_key)
        ).mappings()
    ]


# --- one after the other


def test_replayed_hand_in_gives_the_same_result_and_changes_nothing(
    classroom: Classroom, phone: Browser
) -> None:
    pupil = Pupil(phone)
    pupil.start()
    tokens = pupil.tokens()
    first = pupil.submit(tokens)
    stored, page = rows(Attempt, AuditLeaf), pupil.result()

    bodies: list[Mapping[int, list[str]]] = [tokens, {}, {2: tokens[2]}]
    answers = [pupil.submit(body) for body in bodies]

    assert [one.headers["Location"] for one in answers] == [first.headers["Location"]] * 3
    assert (rows(Attempt, AuditLeaf), pupil.result()) == (stored, page)


def test_other_answers_are_told_what_counts_and_change_nothing(classroom: Classroom, phone: Browser) -> None:
    pupil = Pupil(phone)
    pupil.start()
    tokens, wrong = pupil.tokens(), pupil.tokens(right=lambda position: False)
    pupil.submit({1: tokens[1], 2: tokens[2]})
    stored = rows(Attempt, AuditLeaf)
    receipt = pupil.sheet.receipt

    answers = [pupil.submit(body) for body in ({1: wrong[1]}, {3: tokens[3]}, {**tokens, 2: wrong[2]})]

    for answer in answers:
        page = answer.get_data(as_text=True)
        assert (answer.status_code, f"{receipt[:4]}-{receipt[4:]}" in page) == (409, True)
    assert rows(Attempt, AuditLeaf) == stored


def test_taking_an_answer_back_is_another_answer(classroom: Classroom, phone: Browser) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())
    taken_back = {"n1": "9"}  # a sequence and no choice, as the script sends it
    same = {"n1": "9", "q1": pupil.tokens()[1]}

    codes = [
        phone.post(f"/a/{pupil.attempt_id}/submit", data=data).status_code for data in (taken_back, same)
    ]

    assert codes == [409, 303]


# --- at once


def two_bodies_at_once(app: Flask, seats: int = ROUNDS) -> list[list[str]]:
    """Hand in different answers from two threads at the same moment, a seat after the other; tell who was told what."""
    told = []
    for seat in range(1, seats + 1):
        pupil = Pupil(app.test_client(), seat)
        pupil.start()
        device = pupil.phone.get_cookie("phone").value
        tokens, wrong = pupil.tokens(), pupil.tokens(right=lambda position: False)
        bodies = [
            {place: Saved(n + 1, tuple(one[place])) for place in one} for n, one in enumerate((tokens, wrong))
        ]
        db.session.rollback()
        told.append(_race(app, pupil.attempt_id, device, bodies))
    return told


def _race(app: Flask, attempt_id: str, device: str, bodies: list[dict[int, Saved]]) -> list[str]:
    together = Barrier(len(bodies))

    def hand_in(body: dict[int, Saved]) -> str:
        with app.app_context():
            together.wait(10)
            try:
                operations.submit(attempt_id=attempt_id, device=device, incoming=body, at=NOON)
            except operations.Over:
                return "over"
            finally:
                db.session.remove()
            return "yes"

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(hand_in, bodies))


def faults(told: list[list[str]]) -> list[str]:
    """What must hold after races: one yes a seat, its answers stored, one leaf that fits."""
    db.session.rollback()
    attempts = db.session.scalars(select(Attempt).order_by(Attempt.participant_id)).all()
    leaves = {leaf.attempt_id: leaf for leaf in db.session.scalars(select(AuditLeaf))}
    found = [f"told {one}" for one in told if sorted(one) != ["over", "yes"]]
    for attempt, said in zip(attempts, told, strict=True):
        won = 30 if said[0] == "yes" else 0
        if attempt.score != won:
            found.append(f"{attempt.score} stored, {won} acknowledged")
        if leaves.pop(attempt.id).answers_hash != audit.answers_hash(attempt.answers):
            found.append("the leaf holds other answers")
    return found + [f"leaf of nothing {key}" for key in leaves]


def test_of_two_bodies_at_once_one_is_stored_and_the_other_told_so(app: Flask, at: Any) -> None:
    a_classroom(pupils=ROUNDS)

    told = two_bodies_at_once(app)

    assert faults(told) == []


def test_a_check_outside_the_transaction_would_be_seen(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, whatever = queries.for_writing, operations._CLOSE._clone()
    whatever._where_criteria = whatever._where_criteria[:1]  # its id alone, open or not

    @operation
    def once(**facts: Any) -> None:
        db.session.execute(insert(AuditLeaf).values(**facts).on_conflict_do_nothing())

    monkeypatch.setattr(operations, "_CLOSE", whatever)
    monkeypatch.setattr(queries, "for_writing", lambda key: replace(read(key), submitted_at=None))
    monkeypatch.setattr(audit, "record_submission", once.__wrapped__)
    a_classroom(pupils=1)

    told = two_bodies_at_once(app, seats=1)

    assert told == [["yes", "yes"]]
    assert faults(told) != []


# --- nothing but answers is taken


FORGED = {
    "id": "forged", "score": "30", "correct": "[true]", "receipt": "FORGED00", "resume": "FORGED00", "seed": "forged",
    "ordinal": "2", "allowed": "20", "device_hash": "f" * 64, "form": "[[0,30]]", "answers": "{'1': [9, ['aaaa']]}",
}  # fmt: skip


def forged_fields() -> dict[str, str]:
    """Every column of an attempt and its participant, with a value that would show."""
    names = [column.name for table in (Attempt, Participant) for column in table.__table__.columns]
    return {name: FORGED.get(name, "2020-01-01 00:00:00" if name.endswith("_at") else "7") for name in names}


def differences(before: list[dict[str, Any]], after: list[dict[str, Any]], *expected: str) -> set[str]:
    """Columns that hold something else, but for those that had to change."""
    assert len(before) == len(after)
    pairs = zip(before, after, strict=True)
    return {name for was, now in pairs for name in was if was[name] != now[name]} - set(expected)


def test_no_column_is_taken_from_a_post(classroom: Classroom, phone: Browser) -> None:
    forged = forged_fields()
    pupil = Pupil(phone)

    pupil.start(**forged)
    begun = rows(Participant, Attempt)
    phone.post(f"/a/{pupil.attempt_id}/save", data=forged)
    saved = rows(Participant, Attempt)
    phone.post(f"/a/{pupil.attempt_id}/submit", data=forged)
    handed_in = rows(Participant, Attempt)

    attempt = begun[-1]
    assert len(forged) > 25
    assert [name for name, value in forged.items() if str({**begun[0], **attempt}[name]) == value] == []
    assert (attempt["started_at"], attempt["allowed"], attempt["out_of"]) == (NOON, 3, 30)
    assert differences(begun, saved, "saved_at") == set()
    assert differences(saved, handed_in, "saved_at", "submitted_at", "score", "correct") == set()
    assert (handed_in[-1]["score"], handed_in[-1]["submitted_at"], handed_in[-1]["correct"]) == (
        0,
        NOON,
        [False] * 3,
    )


def test_a_view_that_took_a_column_would_be_seen(
    classroom: Classroom, app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    @operation
    def careless(*, attempt_id: str) -> None:
        values = {name: request.form[name] for name in ("resume", "seed") if name in request.form}
        db.session.execute(update(Attempt).where(Attempt.id == attempt_id).values(values))

    def save(attempt_id: str) -> str:
        careless(attempt_id=attempt_id)
        return ""

    pupil = Pupil(phone)
    pupil.start()
    begun = rows(Participant, Attempt)
    monkeypatch.setitem(app.view_functions, "attempt.save", save)

    phone.post(f"/a/{pupil.attempt_id}/save", data=forged_fields())

    assert differences(begun, rows(Participant, Attempt), "saved_at") == {"resume", "seed"}


@pytest.mark.parametrize("step", ["save", "submit"])
def test_another_ones_attempt_is_not_reached_by_its_id(classroom: Classroom, app: Flask, step: str) -> None:
    mine, other = Pupil(app.test_client(), 1), Pupil(app.test_client(), 2)
    mine.start()
    other.start()
    stored = rows(Attempt, AuditLeaf)
    post: Callable[..., Any] = mine.phone.post

    answers = [
        post(f"/a/{other.attempt_id}/{step}", data=other.fields(other.tokens())),
        post(f"/a/{'x' * 24}/{step}", data={}),
    ]

    assert [answer.status_code for answer in answers] == [403, 404]
    assert rows(Attempt, AuditLeaf) == stored
