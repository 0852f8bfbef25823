"""The doctor and contests: days, roles, items one by one and erased players are sound; what is planted is named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from quizsvc import audit
from quizsvc.attempt import operations as attempts
from quizsvc.attempt.models import Player
from quizsvc.campaign.models import RoundPaper
from quizsvc.db import db
from quizsvc.upkeep import invariants
from tests import make
from tests.attempt.conftest import Pupil, a_classroom
from tests.attempt.players import PlayerPhone, a_city
from tests.conftest import NOON
from tests.upkeep.test_doctor import run

TOMORROW = NOON + timedelta(days=1)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def faults(at: datetime = TOMORROW) -> dict[str, tuple[str, ...]]:
    return {one.id: one.examples for one in invariants.examine(at) if one.faults}


@pytest.fixture
def contests(app: Flask, at: Any) -> make.Contest:
    """Two players over two days with a paper of the second day, a final item by item, and a contest of seats."""
    city, east, *_ = a_city()
    common = make.a_paper(items=4, drawn=2)
    contest = make.a_contest(city, (city, east), paper=common)
    scene = make.a_paper(pool=[make.an_item(f"scene-{n}") for n in range(3)], drawn=2)
    make.saved(RoundPaper(round_id=contest.round.id, day="2026-12-13", role="", paper_id=scene.id))
    final = make.a_contest(
        city, paper=common, campaign=contest.campaign, pace="strict", item_s=30, per="round"
    )
    room = a_classroom(kind="contest", paper=common, review_after_submit=["score"])
    make.announce(room.round)
    first = PlayerPhone(app.test_client(), contest.links[0].code)
    first.whole_go(wrong=1)
    pupil = Pupil(app.test_client())
    pupil.start()
    pupil.submit(pupil.tokens())
    finalist = PlayerPhone(app.test_client(), final.links[0].code)
    finalist.play()
    for position in (1, 2):
        data = {"item": str(position), "q1": finalist.tokens()[position]}
        finalist.phone.post(f"/a/{finalist.attempt_id}/item", data=data)
    at(TOMORROW)
    first.code = contest.links[1].code  # a go that counts for another unit than the player's first
    first.whole_go()
    audit.seal_leaves(TOMORROW)
    return contest


def test_contests_are_sound(contests: make.Contest) -> None:
    assert faults() == {}


def test_contest_is_sound_when_its_players_are_erased(contests: make.Contest, at: Any) -> None:
    later = at(datetime(2027, 2, 2, tzinfo=UTC))
    rounds = db.session.execute(text("SELECT DISTINCT round_id FROM attempt_player")).scalars().all()
    db.session.rollback()
    for round_id in rounds:
        attempts.erase_players(round_id=round_id, at=later)
    assert db.session.query(Player).count() == 0
    assert faults().keys() <= {"I11"}


@pytest.mark.parametrize(
    ("planted", "red", "said"),
    [
        (
            "UPDATE attempt_attempt SET period = '2026-12-14' WHERE period = '2026-12-13'", "I6",
            "2026-12-13 开始，却算在 2026-12-14",
        ),
        ("UPDATE rulebook_version SET published_at = '2026-12-30 00:00:00'", "I6", "规则还没有公布就开始了"),
        (
            "UPDATE attempt_attempt SET answers = '{}', score = 0, correct = '[false, false]'"
            " WHERE period = 'round' AND round_id = (SELECT id FROM campaign_round WHERE pace = 'strict')",
            "I4", "没有答到最后一题就交了卷",
        ),
        (
            "UPDATE attempt_participant SET enrolment_id = (SELECT max(id) FROM roster_enrolment)"
            " WHERE enrolment_id IS NULL AND id = (SELECT min(id) FROM attempt_participant)",
            "I1", "又有座位又有昵称",
        ),
        ("UPDATE attempt_attempt SET receipt = NULL WHERE period = '2026-12-12'", "I2", "没有回执"),
    ],
)  # fmt: skip
@ON_SQLITE
def test_planted_fault_is_named(contests: make.Contest, planted: str, red: str, said: str) -> None:
    run([planted])

    found = faults()
    assert (red in found, any(said in one for one in found.get(red, ()))) == (True, True), found
