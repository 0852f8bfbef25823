"""R37: a hundred phones answer a survey at once: of an option with forty places forty get one, no answer is lost.

In every other round they choose an option without limit, so that nothing but the box itself makes them queue.
"""

from datetime import UTC, datetime
from threading import local
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from quizsvc import clock
from quizsvc.core import linkcode
from quizsvc.core.questionnaire import Question
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.survey import operations
from quizsvc.survey.models import Box, Taken, Turnout
from tests import make
from tests.drills import Drill, Outcome, _crowd

THREADS = 50
PLACES = 40
AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
ROOM = Question("choice", "去哪一场？", True, options=("上午", "下午"), capacities=(PLACES, None))
UNCHECKED = (
    "DROP TABLE survey_taken",
    "CREATE TABLE survey_taken (round_id INTEGER, question INTEGER, option INTEGER, capacity INTEGER, taken INTEGER,"
    " PRIMARY KEY (round_id, question, option))",
)


def code_of(number: int) -> str:
    """Return the code of the survey of a round of this drill."""
    return linkcode.compose(f"5RV{number:03}")


def look_first() -> None:
    """Plant a fault: whether a place is free is asked before the transaction that takes it."""
    answer, looked = operations.answer, local()

    def looked_before(**given: Any) -> bool:
        looked.taken = db.session.execute(select(func.max(Taken.taken))).scalar_one() or 0
        db.session.rollback()
        return answer(**given)

    def take(round_id: int, _asked: Any, answers: Any) -> None:
        if looked.taken >= PLACES:
            raise operations.OptionsFull([0])
        values = {"round_id": round_id, "question": 0, "option": answers[0]}
        if db.session.get(Taken, tuple(values.values())) is None:
            db.session.add(Taken(**values, capacity=PLACES, taken=0))
            db.session.flush()
        db.session.execute(update(Taken).filter_by(**values).values(taken=Taken.taken + 1))

    operations.answer, operations._take = looked_before, take


def unlocked() -> None:
    """Plant a fault: a box is read without the lock that keeps others from putting something in meanwhile."""

    def read(here: Any, number: int) -> list[dict[str, Any]]:
        return list(db.session.execute(select(Box.answers).filter_by(**here, number=number)).scalar_one())

    operations._locked = read


FAULTS = {"look": look_first, "unlocked": unlocked}


def answered(app: Flask, number: int, fault: str) -> int:
    """Answer from all phones of this process at once; count those that were told it was received."""
    clock.now = lambda: AT
    paper.forget()
    if fault in FAULTS and not number:
        FAULTS[fault]()

    def one(_: int) -> bool:
        phone = FlaskClient(app, app.response_class, use_cookies=True)
        answer = phone.post(f"/c/{code_of(number)}/survey", data={"q0": str(number % 2)})
        if answer.status_code not in (303, 409) and fault not in FAULTS:
            raise RuntimeError(f"a phone got {answer.status_code}")
        return answer.status_code == 303

    return _crowd.in_threads(app, one, THREADS)


def measure(fault: str, rounds: int, kinds: tuple[str, ...] = _crowd.BOTH) -> Outcome:
    """Answer on the databases and compare what phones were told with what is stored."""
    told: dict[str, list[int]] = {}
    stored: dict[str, list[tuple[int, int, int]]] = {}
    with _crowd.databases(kinds) as made:
        for name, (url, folder) in made.items():
            with _crowd.application(url, folder):
                county = make.a_county()
                ids = [
                    make.a_survey(county, ROOM, identity="anonymous", code=code_of(number)).id
                    for number in range(rounds)
                ]
                if fault == "look":
                    with db.engine.begin() as connection:
                        for statement in UNCHECKED:
                            connection.exec_driver_sql(statement)
            told[name] = _crowd.in_processes(answered, url, folder, rounds, fault)
            with _crowd.application(url, folder):
                stored[name] = [_stored(round_id) for round_id in ids]
    everybody = _crowd.PROCESSES * THREADS
    wanted = [everybody if number % 2 else PLACES for number in range(rounds)]
    held = all(
        told[name] == wanted
        and stored[name] == [(0 if one == everybody else one, one, one) for one in wanted]
        for name in made
    )
    said = "; ".join(
        f"{name}: told {sorted(set(told[name]))}, taken, heads and answers {sorted(set(stored[name]))}"
        for name in told
    )
    return Outcome(held, f"{everybody} phones, {PLACES} places, {rounds} rounds; {said}")


def _stored(round_id: int) -> tuple[int, int, int]:
    taken = db.session.execute(select(func.sum(Taken.taken)).where(Taken.round_id == round_id)).scalar_one()
    heads = db.session.execute(
        select(func.count()).select_from(Turnout).where(Turnout.round_id == round_id)
    ).scalar_one()
    boxes = db.session.scalars(select(Box.answers).where(Box.round_id == round_id)).all()
    return int(taken or 0), heads, sum(map(len, boxes))


DRILL = Drill(
    figure="R37",
    promise="a hundred phones on forty places take forty, and all their answers are there",
    run=lambda full: measure("none", 20 if full else 2),
    canaries={
        "looked first, counted afterwards": lambda _full: measure("look", 1, ("SQLite",)),
        "a box is read without its lock": lambda _full: measure("unlocked", 2),
    },
)
