"""R35: two hundred phones claim one seat at once; one of them gets it, on both databases, round after round."""

from datetime import UTC, datetime
from threading import local
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from quizsvc import clock
from quizsvc.attempt import operations, queries
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.db import db
from quizsvc.paper import queries as paper
from tests import make
from tests.drills import Drill, Outcome, _crowd

THREADS = 100
CODE = "7K3M9Q8"
AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)


def look_first() -> None:
    """Plant the fault: whether a seat is free is asked before the transaction that takes it."""
    start, entry, looked = operations.start, queries.entry, local()

    def looked_before(**given: Any) -> operations.Started:
        looked.saw = entry(given["code"], given["seat"])
        db.session.rollback()
        return start(**given)

    operations.start = looked_before
    queries.entry = lambda _code, _seat: looked.saw


def claimed(app: Flask, number: int, start: str) -> int:
    """Claim one seat from all phones of this process at once; count those that were let in."""
    clock.now = lambda: AT
    paper.forget()
    if start == "look" and not number:
        look_first()

    def one(_: int) -> bool:
        phone = FlaskClient(app, app.response_class, use_cookies=True)
        answer = phone.post(f"/c/{CODE}/start", data={"seat": str(number + 1)})
        if answer.status_code not in (303, 409):
            raise RuntimeError(f"a phone got {answer.status_code}")
        return answer.status_code == 303

    return _crowd.in_threads(app, one, THREADS)


def measure(start: str, rounds: int, kinds: tuple[str, ...] = _crowd.BOTH) -> Outcome:
    """Claim on the databases and compare what phones were told with what is stored."""
    told, stored = {}, {}
    with _crowd.databases(kinds) as made:
        for name, (url, folder) in made.items():
            with _crowd.application(url, folder):
                _a_class(rounds)
                if start == "look":
                    with db.engine.begin() as connection:
                        connection.exec_driver_sql("DROP INDEX uq_attempt_attempt_go")
            told[name] = _crowd.in_processes(claimed, url, folder, rounds, start)
            with _crowd.application(url, folder):
                stored[name] = _attempts_of_seats()
    said = ", ".join(f"{name} {_spread(told[name])} (stored {_spread(stored[name])})" for name in told)
    held = all(found[name] == [1] * rounds for found in (told, stored) for name in found)
    phones = _crowd.PROCESSES * THREADS
    return Outcome(held, f"{phones} phones, {rounds} seats; winners of a seat: {said}")


def _a_class(pupils: int) -> None:
    unit = make.a_class(make.a_school(make.a_county()), pupils=pupils)
    make.a_link(make.a_round(unit), unit, code=CODE)


def _attempts_of_seats() -> list[int]:
    counted = (
        select(func.count(Attempt.id))
        .join(Participant, Participant.id == Attempt.participant_id)
        .group_by(Participant.enrolment_id)
    )
    return list(db.session.scalars(counted))


def _spread(counts: list[int]) -> str:
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


DRILL = Drill(
    figure="R35",
    promise="two hundred phones on one seat make one attempt",
    run=lambda full: measure("constraint", 50 if full else 3),
    canaries={"looked first, inserted afterwards": lambda _full: measure("look", 2, ("SQLite",))},
)
