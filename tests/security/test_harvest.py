"""T07: nobody leafs through the bank: a start is drawn once, and goes that lapse are counted too."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Attempt
from quizsvc.campaign import queries as campaign
from quizsvc.db import db
from tests import make
from tests.attempt.conftest import Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.support import Browser

LAPSE_S = 700


@pytest.fixture
def room(app: Flask, at: Any) -> Classroom:
    """Two goes a pupil, three items of a bank of twelve, ten minutes; what is not handed in does not count."""
    return a_classroom(paper=make.a_paper(items=12, drawn=3), attempts=2, limit_s=600, late="reject")


def papers_seen(pupil: Pupil, set_clock: Any, starts: int, first_at_s: int = 0) -> list[Any]:
    """Start and let lapse, again and again; tell what each start answered."""
    answers = []
    for number in range(starts):
        set_clock(NOON + timedelta(seconds=first_at_s + number * LAPSE_S))
        answers.append(pupil.start())
    set_clock(NOON + timedelta(seconds=first_at_s + starts * LAPSE_S))
    close_overdue()
    return answers


def drawn() -> int:
    db.session.rollback()
    return db.session.query(Attempt).count()


def test_starting_again_gives_the_same_questions(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom(paper=make.a_paper(items=12, drawn=3))
    pupil = Pupil(phone)

    forms = set()
    for _ in range(5):
        pupil.start()
        forms.add((pupil.attempt_id, pupil.sheet.form, pupil.sheet.seed))

    assert len(forms) == 1


def test_lapses_are_counted_and_the_pupil_sent_to_the_teacher(
    room: Classroom, at: Any, phone: Browser
) -> None:
    pupil = Pupil(phone)

    answers = papers_seen(pupil, at, 7)

    assert [answer.status_code for answer in answers] == [303] * 5 + [409] * 2
    assert "请找老师看一下" in answers[-1].get_data(as_text=True)
    assert drawn() == 2 + operations.MOST_LAPSES


def test_handing_in_and_lapsing_share_the_count(room: Classroom, at: Any, phone: Browser) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())

    answers = papers_seen(pupil, at, 6)

    assert [answer.status_code for answer in answers] == [303] * 4 + [409] * 2
    assert drawn() == 5


def test_another_phone_is_told_no_more_than_of_any_seat(room: Classroom, at: Any, app: Flask) -> None:
    papers_seen(Pupil(app.test_client()), at, 5)
    stranger, done = Pupil(app.test_client(), 1), Pupil(app.test_client(), 2)
    done.start()

    pages = [
        Pupil(app.test_client(), seat).start().get_data(as_text=True).replace(f"{seat} 号", "N 号")
        for seat in (1, 2)
    ]

    assert stranger.start().status_code == 409
    assert pages[0].replace('value="1"', "") == pages[1].replace('value="2"', "")
    assert "请找老师" not in pages[0]


def test_teacher_lets_the_pupil_begin_again(room: Classroom, at: Any, phone: Browser) -> None:
    pupil = Pupil(phone)
    papers_seen(pupil, at, 6)
    round_ = campaign.round_of(room.round.id)
    assert queries.history(round_, room.unit.id, 1).lapsed == 5

    operations.release(
        round_=round_, unit_id=room.unit.id, seat=1, reason="教室断网了", at=NOON, actor=audit.Actor.staff(7)
    )

    assert queries.history(round_, room.unit.id, 1).lapsed == 0
    answers = papers_seen(pupil, at, 6, first_at_s=6 * LAPSE_S)
    assert [answer.status_code for answer in answers] == [303] * 5 + [409]


def test_uncounted_lapses_would_be_seen(
    room: Classroom, at: Any, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_check_lapses", lambda *_: None)

    papers_seen(Pupil(phone), at, 8)

    assert drawn() == 8
