"""A contest that is over, counted and ready to be frozen, with the people around it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask

from quizsvc.contest.cli import count_round
from quizsvc.core.rulebook import Source
from quizsvc.db import db
from quizsvc.roster.models import Unit
from tests import make
from tests.contest.field import a_go, a_player
from tests.desk import Desk

OVER = datetime(
    2026, 12, 20, 12, 0, tzinfo=UTC
)  # two hours after the contest has closed, an hour before the dice
DRAW_AT = datetime(2026, 12, 20, 13, 10, tzinfo=UTC)
DICE = (Source(kind="dice", name="现场掷骰子", at=DRAW_AT, bits=67),)
VALUE = "4163352634112233445566" + "1266"


@dataclass
class Stage:
    """A contest with those who played it, best first, the organizer, the witness and a clerk."""

    app: Flask
    set_clock: Callable[[datetime], datetime]
    county: Unit
    contest: make.Contest
    entries: list[str]
    organizer: Desk
    witness: Desk
    clerk: Desk

    @property
    def round_id(self) -> int:
        return self.contest.round.id

    @property
    def desk(self) -> str:
        return f"/staff/contests/{self.round_id}/draw"

    def later(self, moment: datetime) -> None:
        """Let time pass; nobody has been signed out meanwhile."""
        self.set_clock(moment)
        for desk in (self.organizer, self.witness, self.clerk):
            with desk.browser.session_transaction() as session:
                session.update(since=int(moment.timestamp()), seen=int(moment.timestamp()))

    def freeze(self, **fields: Any) -> Any:
        return self.organizer.post(
            f"{self.desk}/freeze", **{"confirmation": self.contest.round.code, **fields}
        )

    def record(self, who: Desk | None = None, value: str = VALUE, **fields: Any) -> Any:
        given = {"value0": value, "again0": value, "proof": "公证员在台上掷，三方在场",
                 "confirmation": self.contest.round.code}  # fmt: skip
        return (who or self.witness).post(f"{self.desk}/value", **{**given, **fields})


def build(app: Flask, at: Any, scores: tuple[int, ...] = (100,) * 8 + (92, 91, 90), **rules: Any) -> Stage:
    """Make a contest with one player for each score; a later player was slower."""
    county = make.a_county()
    contest = make.a_contest(
        county, paper=make.a_paper(items=10), rules={"sources": DICE, "draw_at": DRAW_AT, **rules}
    )
    players = [a_player(contest, f"青禾{number}号") for number in range(len(scores))]
    for number, (player, score) in enumerate(zip(players, scores, strict=True)):
        a_go(contest, player, score, used_s=100 + number)
    db.session.commit()
    count_round(contest.round.id, at(OVER))
    return Stage(
        app, at, county, contest, [player.entry_id for player in players],
        Desk(app, "bureau", ("organizer", county)), Desk(app, "notary", ("witness", county)),
        Desk(app, "clerk", ("clerk", county)),
    )  # fmt: skip


@pytest.fixture
def ended(app: Flask, at: Any) -> Callable[..., Stage]:
    """Make a contest that is over; scores and changes of its rules may be given."""
    return partial(build, app, at)


@pytest.fixture
def stage(ended: Callable[..., Stage]) -> Stage:
    """A contest with eight players at full marks, three at 90, two prizes by standing and thirteen by lot."""
    return ended()
