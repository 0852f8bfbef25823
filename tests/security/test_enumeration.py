"""Guessing learns nothing: codes, seats, attempts, receipts and links answer alike, and there are too many to guess.

R22, T04, T10. How long the answers take is measured by tests/drills/enumeration.py.
"""

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from quizsvc import throttle
from quizsvc.attempt import operations
from quizsvc.attempt import views as doorways
from quizsvc.attempt.models import Attempt
from quizsvc.audit import CLI
from quizsvc.core import linkcode
from quizsvc.core.access import Role
from quizsvc.db import db
from quizsvc.roster.models import Enrolment, Exemption
from quizsvc.staff import operations as staff
from quizsvc.staff import views as staff_views
from quizsvc.web import phone as phones
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.support import Browser

DRAWN = 4000
REVOKED = linkcode.compose("7K3M91")
NEVER = linkcode.compose("7K3M92")
ENOUGH_BITS = 112
SEATS = 170


@pytest.fixture
def classroom(app: Flask, at: Any) -> Classroom:
    """Seats 171 to 175: numbers that stand nowhere else on a page, so that they can be made equal."""
    room = a_classroom(pupils=5)
    db.session.execute(update(Enrolment).values(seat=Enrolment.seat + SEATS))
    db.session.commit()
    return room


def alike(answer: Any, *typed: str) -> tuple[Any, ...]:
    """Everything an answer tells, with what the asker typed made equal."""
    body = answer.get_data(as_text=True)
    for text in typed:
        body = re.sub(rf"(?<![0-9A-Za-z]){re.escape(text)}(?![0-9A-Za-z])", "TYPED", body)
    headers = [
        (name, value) for name, value in answer.headers if name not in ("Content-Length", "Set-Cookie")
    ]
    cookies = sorted(line.partition("=")[0] for line in answer.headers.getlist("Set-Cookie"))
    return answer.status_code, headers, cookies, body


def told_apart(answers: dict[str, tuple[Any, ...]]) -> dict[str, int]:
    """Number the different answers; one number is one secret kept."""
    seen: list[tuple[Any, ...]] = []
    for answer in answers.values():
        if answer not in seen:
            seen.append(answer)
    return {name: seen.index(answer) for name, answer in answers.items()}


# Codes


CODE_PAGES: dict[str, Callable[[Browser, str], Any]] = {
    "landing": lambda phone, code: phone.get(f"/c/{code}"),
    "landing of a group": lambda phone, code: phone.get(f"/c/{code}?s=g&size=lg"),
    "about": lambda phone, code: phone.get(f"/c/{code}/about"),
    "declare": lambda phone, code: phone.get(f"/c/{code}/declare"),
    "declared": lambda phone, code: phone.post(f"/c/{code}/declare", data={"seat": "171", "yes": "yes"}),
    "who": lambda phone, code: phone.post(f"/c/{code}/who", data={"seat": "171"}),
    "start": lambda phone, code: phone.post(f"/c/{code}/start", data={"seat": "171"}),
    "resume": lambda phone, code: phone.post(f"/c/{code}/resume", data={"seat": "171", "resume": "ABCD1234"}),
    "by script": lambda phone, code: phone.post(
        f"/c/{code}/start", data={"seat": "171"}, headers={"X-Requested-With": "quiz"}
    ),
}


@pytest.mark.parametrize("page", CODE_PAGES)
def test_revoked_code_and_one_never_given_out_are_the_same(
    classroom: Classroom, app: Flask, page: str
) -> None:
    make.a_link(classroom.round, classroom.unit, code=REVOKED, place="走廊", revoked_at=NOON)

    told = {code: alike(CODE_PAGES[page](app.test_client(), code), code) for code in (REVOKED, NEVER)}

    assert told_apart(told) == {REVOKED: 0, NEVER: 0}
    assert told[NEVER][0] == 404


def test_code_before_and_after_its_time_tells_its_class_but_neither_seats_nor_questions(
    classroom: Classroom, phone: Browser, at: Any
) -> None:
    """Decided otherwise than for revoked ones: who did the quiz finds the own result by the same poster."""
    for moment in (classroom.round.opens_at, classroom.round.closes_at):
        at(moment + timedelta(seconds=1 if moment == classroom.round.closes_at else -1))
        doorways.forget()
        page = phone.get(f"/c/{CODE}").text
        assert 'name="seat"' not in page
        started = phone.post(f"/c/{CODE}/start", data={"seat": "171"})
        assert (started.status_code, started.location) == (303, f"/c/{CODE}")
    assert db.session.query(Attempt).count() == 0


# Seats


@pytest.fixture
def seats(classroom: Classroom, app: Flask) -> dict[str, str]:
    """A seat of every state, seen by somebody else's phone."""
    done, running = Pupil(app.test_client(), 171), Pupil(app.test_client(), 172)
    done.start()
    done.submit(done.tokens())
    running.start()
    excused = db.session.scalars(select(Enrolment).filter_by(seat=173)).one()
    make.saved(Exemption(enrolment_id=excused.id, reason="休学", approved_by="cli", approved_at=NOON))
    left = db.session.scalars(select(Enrolment).filter_by(seat=174)).one()
    left.left_at = NOON
    make.saved(left)
    doorways.forget()
    return {"done": "171", "running": "172", "excused": "173", "left": "174", "unknown": "179"}


def test_start_tells_no_seat_from_another(seats: dict[str, str], app: Flask) -> None:
    told = {
        name: alike(app.test_client().post(f"/c/{CODE}/start", data={"seat": seat}), seat)
        for name, seat in seats.items()
    }

    assert set(told_apart(told).values()) == {0}
    assert told["unknown"][0] == 409


def test_resume_tells_neither_the_seat_nor_how_near_the_code_was(seats: dict[str, str], app: Flask) -> None:
    right = db.session.scalars(select(Attempt.resume).where(Attempt.submitted_at.is_(None))).one()
    guesses = {"far": "00000000", "near": right[:-1] + ("0" if right[-1] != "0" else "1")}

    told = {
        f"{name} {guess}": alike(
            app.test_client().post(f"/c/{CODE}/resume", data={"seat": seat, "resume": code}), seat, code
        )
        for name, seat in seats.items()
        for guess, code in guesses.items()
    }

    assert set(told_apart(told).values()) == {0}


def test_question_whether_it_is_you_tells_nothing_of_a_seat_on_the_poster(
    seats: dict[str, str], app: Flask
) -> None:
    asked = {
        name: alike(app.test_client().post(f"/c/{CODE}/who", data={"seat": seat}), seat)
        for name, seat in seats.items()
    }

    assert told_apart(asked) == {"done": 0, "running": 0, "excused": 1, "left": 1, "unknown": 1}


def test_seats_are_told_apart_by_a_kinder_sentence(
    seats: dict[str, str], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the comparison: one word more for one state, and it is seen."""
    plain = operations.SeatTaken.__init__

    def kinder(refusal: operations.SeatTaken, seat: int) -> None:
        plain(refusal, seat)
        refusal.status = 404 if seat == 179 else 409

    monkeypatch.setattr(operations.SeatTaken, "__init__", kinder)
    monkeypatch.delitem(app.error_handler_spec["attempt"][None], operations.SeatTaken)

    told = {
        name: alike(app.test_client().post(f"/c/{CODE}/start", data={"seat": seat}), seat)
        for name, seat in seats.items()
    }

    assert told_apart(told)["unknown"] != told_apart(told)["running"]


# Attempts, receipts, invitations


def test_attempt_of_another_phone_tells_only_that_it_is_there(seats: dict[str, str], app: Flask) -> None:
    """Its name has 120 random bits: who has it saw the address; the answers and the score stay shut."""
    ids = db.session.scalars(select(Attempt.id)).all()
    pages = [
        app.test_client().get(f"/a/{one}{part}")
        for one in ids
        for part in ("", "/check", "/result", "/proof", "/practice")
    ]
    posts = [
        app.test_client().post(f"/a/{one}/{part}", data={"n1": "1", "q1": "abcd", "step": "0"})
        for one in ids
        for part in ("save", "submit", "practice")
    ]

    assert {answer.status_code for answer in pages + posts} == {403}
    assert [word for word in ("识破", "回执", "答对", "题干") if word in "".join(p.text for p in pages)] == []


def missed_before(times: int) -> None:
    """Let so many receipts have been asked for in vain in the last ten minutes."""
    at = NOON + timedelta(seconds=600)
    key = f"receipt:{hashlib.sha256(b'all').hexdigest()[:32]}"
    make.saved(throttle.ThrottleBucket(key=key, window=int(NOON.timestamp()) // 600, count=times, ends_at=at))


RECEIPTS = ("/r/{}", "/r/{}.png")


@pytest.mark.parametrize("path", RECEIPTS)
def test_receipt_of_an_open_attempt_and_an_unknown_one_are_the_same(
    classroom: Classroom, app: Flask, phone: Browser, path: str
) -> None:
    Pupil(app.test_client(), 171).start()
    receipt = db.session.scalars(select(Attempt.receipt)).one()

    told = {code: alike(phone.get(path.format(code)), code) for code in (receipt, "00000000")}

    assert set(told_apart(told).values()) == {0}
    assert told[receipt][0] == 404


@pytest.mark.parametrize("path", RECEIPTS)
def test_guessing_receipts_is_one_limit_for_both_ways(
    classroom: Classroom, phone: Browser, path: str
) -> None:
    missed_before(297)

    asked = [one.format(f"0000000{number}") for number in range(2) for one in RECEIPTS]
    statuses = [phone.get(one).status_code for one in (*asked, path.format("00000009"))]

    assert statuses == [404, 404, 404, 429, 429]


def test_every_kind_of_useless_invitation_but_ones_own_is_the_same(
    classroom: Classroom, app: Flask, phone: Browser
) -> None:
    issued = staff.invite(
        login="wang", name="王老师", role=Role.CLASS_TEACHER, unit_id=classroom.unit.id, at=NOON, actor=CLI
    )
    tokens = ["x", "x" * 43, issued.token[:-1], issued.token.swapcase(), f"{issued.token}x"]

    told = {token: alike(phone.get(f"/staff/accept/{token}"), token) for token in tokens}

    assert set(told_apart(told).values()) == {0}
    assert "王老师" not in told["x"][3]


# How much there is to guess


def bits(values: list[str]) -> float:
    """Estimate the random bits of one text: the entropy of each place over all draws, added up."""
    assert len({len(value) for value in values}) == 1
    total = 0.0
    for place in zip(*values, strict=True):
        counts = Counter(place)
        total -= sum(n / len(values) * math.log2(n / len(values)) for n in counts.values())
    return total


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What a start would insert, instead of inserting it."""
    inserted: list[dict[str, Any]] = []

    class Done:
        def scalar_one_or_none(self) -> None:
            return None

    def keep(_statement: Any, **values: Any) -> Done:
        inserted.append(values)
        return Done()

    monkeypatch.setattr(operations, "run", keep)
    return inserted


def drawn_attempts(classroom: Classroom, inserted: list[dict[str, Any]], times: int) -> None:
    entry, known = operations._entry(CODE, 171, NOON)
    for _ in range(times):
        operations._begin(entry, 1, known.goes, "poster", "d" * 22, NOON)


def test_names_of_attempts_and_secrets_of_phones_are_beyond_guessing(
    classroom: Classroom, no_database: list[dict[str, Any]]
) -> None:
    drawn_attempts(classroom, no_database, DRAWN // 4)
    ids = [values["id"] for values in no_database]

    assert len(set(ids)) == len(ids)
    assert bits(ids) > ENOUGH_BITS
    assert bits([values["seed"] for values in no_database]) > ENOUGH_BITS
    assert bits([phones.fresh() for _ in range(DRAWN)]) > ENOUGH_BITS
    assert bits([values["receipt"] for values in no_database]) > 39
    assert bits([values["resume"] for values in no_database]) > 39
    assert staff_views.SIGN_IN_BYTES * 8 >= 128
    assert staff.TOKEN_BYTES * 8 >= 256


def test_estimate_sees_a_generator_that_counts() -> None:
    counted = [f"{number:024}" for number in range(DRAWN)]

    assert bits(counted) < 16
