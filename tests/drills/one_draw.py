"""R36: a hundred people record a value at once and one result stands, on both databases; one person alone cannot."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from quizsvc.audit import Actor
from quizsvc.campaign.models import Round
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.draw import operations, queries
from quizsvc.draw.models import Draw, Result
from tests import make
from tests.drills import Drill, Outcome, _crowd

THREADS = 50
FREEZER, WITNESS = Actor("staff:1"), Actor("staff:2")
AT = make.DRAW_AT + timedelta(minutes=1)
KEYS = (
    ("draw_result", "pk_draw_result"),
    ("draw_piece", "pk_draw_piece"),
    ("draw_winner", "pk_draw_winner"),
    ("draw_winner", "uq_draw_winner_draw_id_entry_id"),
)


def recorded(app: Flask, number: int, who: str) -> int:
    """Record a value for one draw from all threads of this process at once; count those that were taken.

    `who` is "many", or "alone" for the one who froze the list, who tries it with the last draw.
    """
    rounds = db.session.execute(select(Round.id, Round.code).order_by(Round.id)).all()
    round_id, code = rounds[-1 if who == "alone" else number]
    draw = queries.draw_of(round_id)
    assert draw is not None
    values = [f"{first:02} 27 28 29 30 31 + 07" for first in range(1, 11)]
    ready = [queries.drawn(draw, [value] * len(draw.sources)) for value in values]
    db.session.remove()

    def one(thread: int) -> bool:
        try:
            operations.run_draw(
                drawn=ready[thread % len(ready)], proof="公证处在场", confirmation=code, code=code, at=AT,
                actor=FREEZER if who == "alone" else WITNESS,
            )  # fmt: skip
        except (Refusal, SQLAlchemyError):
            return False
        return True

    return _crowd.in_threads(app, one, THREADS)


def measure(rounds: int, *, keys: bool = True) -> Outcome:
    """Record on both databases; hold what people were told against what is stored, for each draw."""
    held, most = True, []
    with _crowd.databases() as made:
        for name, (url, folder) in made.items():
            with _crowd.application(url, folder):
                _frozen(rounds + 1)
                if not keys and name == "PostgreSQL":
                    _without_keys()
            told = _crowd.in_processes(recorded, url, folder, rounds, "many")
            told += _crowd.in_processes(recorded, url, folder, 1, "alone")
            with _crowd.application(url, folder):
                stored = _results()
            held = held and told == stored == [1] * rounds + [0]
            most.append(f"{name} {max(stored[:-1])}, alone {stored[-1]}")
    people = THREADS * _crowd.PROCESSES
    return Outcome(held, f"{people} at once, {rounds} draws; most results of one: {'; '.join(most)}")


def _frozen(rounds: int) -> None:
    county, paper = make.a_county(), make.a_paper(items=10)
    for _ in range(rounds):
        make.a_draw(make.a_contest(county, paper=paper, doors=(county,)).round, drawn=False)


def _without_keys() -> None:
    with db.engine.begin() as connection:
        for table, key in KEYS:
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {key}")


def _results() -> list[int]:
    counted = (
        select(func.count(Result.draw_id))
        .select_from(Draw)
        .outerjoin(Result, Result.draw_id == Draw.id)
        .group_by(Draw.round_id)
        .order_by(Draw.round_id)
    )
    return list(db.session.scalars(counted))


DRILL = Drill(
    figure="R36",
    promise="a list is drawn once, and by two people",
    run=lambda full: measure(10 if full else 2),
    canaries={"the keys of result, files and winners are dropped": lambda _full: measure(2, keys=False)},
)
