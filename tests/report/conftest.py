"""A class of twelve and the people who look at it: its teacher, its monitor, its school, its county."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.models import Attempt
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import assembly, bankfile
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk

RIGHT, WRONG = 1, 0  # written indices in the builder's items


@dataclass
class Room:
    """七年级（3）班 of 实验中学 with its round, link and paper of three items."""

    county: Unit
    school: Unit
    unit: Unit
    paper: Paper
    round: Round
    link: Link

    @property
    def row(self) -> RoundRow:
        db.session.rollback()
        return campaign.round_of(self.round.id)

    def sit(self, seat: int, *picks: int | None, unit: Unit | None = None, **changes: Any) -> Attempt:
        """Submit an attempt that picks these written options, item by item; None leaves an item blank."""
        seed = f"seed-{seat}-{changes.get('ordinal', 1)}"
        right = [pick == RIGHT for pick in picks]
        return make.an_attempt(
            self.round, unit or self.unit, seat, seed=seed, answers=answers_of(seed, picks),
            correct=right, **{"score": 10 * sum(right), "submitted_at": make.OPENS + timedelta(days=1), **changes},
        )  # fmt: skip

    def begin(self, seat: int, answered: int) -> Attempt:
        """Leave an attempt open with so many items answered."""
        seed = f"seed-{seat}-open"
        answers = answers_of(seed, [RIGHT] * answered)
        return make.an_attempt(self.round, self.unit, seat, seed=seed, answers=answers, submitted_at=None)

    def page(self, tail: str = "", unit: Unit | None = None) -> str:
        return f"/staff/rounds/{self.round.id}/classes/{(unit or self.unit).id}{tail}"

    def coverage(self, unit: Unit, tail: str = "") -> str:
        return f"/staff/rounds/{self.round.id}/coverage/{unit.id}{tail}"


def answers_of(seed: str, picks: Sequence[int | None]) -> dict[str, Any]:
    return {
        str(position): [1, [assembly.option_tokens(4, seed=seed, ref=position - 1)[pick]]]
        for position, pick in enumerate(picks, start=1)
        if pick is not None
    }


def a_room(pupils: int = 12, pool: list[bankfile.Item] | None = None, **changes: Any) -> Room:
    county = make.a_county()
    school = make.a_school(county)
    unit = make.a_class(school, pupils=pupils, names=changes.get("identity") == "roster")
    paper = make.a_paper(pool=pool)
    paper.content = {**paper.content, "topics": {"brushing": "刷单返利"}}
    db.session.commit()
    round_ = make.a_round(county, paper=paper, title="反诈测试", **changes)
    return Room(county, school, unit, paper, round_, make.a_link(round_, unit))


@pytest.fixture
def room(app: Flask, at: Any) -> Room:
    return a_room()


@pytest.fixture
def teacher(app: Flask, room: Room) -> Desk:
    return Desk(app, "wang", ("class_teacher", room.unit))


@pytest.fixture
def monitor(app: Flask, room: Room) -> Desk:
    return Desk(app, "ban", ("monitor", room.unit))


@pytest.fixture
def head(app: Flask, room: Room) -> Desk:
    return Desk(app, "zhao", ("school_admin", room.school))


@pytest.fixture
def bureau(app: Flask, room: Room) -> Desk:
    return Desk(app, "li", ("organizer", room.county))
