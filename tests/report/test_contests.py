"""Contests stand outside awareness and coverage: in no list, and the pages of a class do not break on them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import RoundPaper
from quizsvc.report import queries
from quizsvc.rollup import queries as rollup
from tests import make
from tests.attempt.conftest import Classroom, Pupil, a_classroom
from tests.attempt.players import PlayerPhone
from tests.conftest import NOON
from tests.desk import Desk

TOMORROW: datetime = NOON + timedelta(days=1)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def played(app: Flask, at: Any) -> Classroom:
    """A contest of seats whose second day has a paper of its own; seat 1 has played on both days."""
    room = a_classroom(kind="contest", per="day", attempts=2, review_after_submit=["score"])
    make.announce(room.round)
    scene = make.a_paper(pool=[make.an_item(f"scene-{n}") for n in range(3)])
    make.saved(RoundPaper(round_id=room.round.id, day="2026-12-13", role="", paper_id=scene.id))
    pupil = Pupil(app.test_client())
    for moment, wrong in ((NOON, 1), (TOMORROW, 2), (TOMORROW, 3)):
        at(moment)
        pupil.start()
        pupil.submit(pupil.tokens(lambda position, wrong=wrong: position > wrong))
    return room


def test_contest_is_in_no_list_of_rates(app: Flask, played: Classroom) -> None:
    path = played.unit.path
    assert queries.my_classes([path], TOMORROW) == []
    assert queries.my_rounds([path]) == []
    assert [one.id for one in campaign.rounds_over([path])] == [played.round.id]
    assert rollup.item_uses("test", [path]) == []
    teacher = Desk(app, "wang", ("class_teacher", played.unit))
    assert "现在没有正在进行的场次" in teacher.page("/staff/classes")


@ON_SQLITE
def test_pages_of_the_class_stand_on_a_contest(app: Flask, played: Classroom) -> None:
    teacher = Desk(app, "wang", ("class_teacher", played.unit))
    here = f"/staff/rounds/{played.round.id}/classes/{played.unit.id}"
    for page in ("", "/scores", "/items", "/seats/1"):
        teacher.page(here + page)
    for form in ("csv", "xlsx"):
        assert teacher.get(f"{here}/scores.{form}").status_code == 200


def test_questions_of_a_contest_are_counted_once_a_head_on_its_own_paper(played: Classroom) -> None:
    counts = rollup.item_counts(campaign.round_of(played.round.id), played.unit.path)

    assert {index: count.shown for index, count in counts.items()} == {0: 1, 1: 1, 2: 1}
    assert sum(count.correct for count in counts.values()) == 2


def test_coverage_of_a_contest_of_nicknames_does_not_break(app: Flask, at: Any) -> None:
    county = make.a_county()
    contest = make.a_contest(county, paper=make.a_paper(items=3))
    PlayerPhone(app.test_client(), contest.links[0].code).whole_go()
    desk = Desk(app, "bureau", ("organizer", county))

    assert desk.get(f"/staff/rounds/{contest.round.id}/coverage/{county.id}").status_code == 200
    assert contest.round.title not in desk.get("/staff/coverage").text
