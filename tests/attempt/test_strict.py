"""Finals: one item a request, no way back, the server keeps the clock."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt import operations
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Late
from quizsvc.core import pacing
from quizsvc.db import db
from tests import make
from tests.attempt.conftest import Pupil, a_classroom
from tests.attempt.players import PlayerPhone
from tests.conftest import NOON
from tests.support import Browser, Watch


class Finalist(PlayerPhone):
    """Answers what the page shows, as a phone without script does."""

    def page(self) -> str:
        return self.phone.get(f"/a/{self.attempt_id}").get_data(as_text=True)

    def on(self) -> int:
        return int(re.findall(r'name="item" value="(\d+)"', self.page())[0])

    def answer(self, position: int, right: bool = True, **fields: Any) -> Any:
        chosen = self.tokens(right=lambda _: right)[position]
        return self.post(position, q1=chosen, **fields)

    def post(self, position: int | str, **fields: Any) -> Any:
        return self.phone.post(f"/a/{self.attempt_id}/item", data={"item": str(position), **fields})

    def stored(self) -> dict[int, bool]:
        """Which positions are stored, and whether they hold a choice."""
        return {position: bool(saved.chosen) for position, saved in self.sheet.answers.items()}


@pytest.fixture
def contest(app: Flask, at: Any) -> make.Contest:
    return make.a_contest(
        make.a_county(), paper=make.a_paper(items=3), pace="strict", item_s=30, limit_s=300, attempts=1
    )


@pytest.fixture
def finalist(contest: make.Contest, phone: Browser) -> Finalist:
    final = Finalist(phone, contest.links[0].code)
    final.play()
    return final


def later(at: Any, seconds: float) -> datetime:
    moment: datetime = at(NOON + timedelta(seconds=seconds))
    return moment


def test_page_holds_one_item_and_no_other(finalist: Finalist) -> None:
    page = finalist.page()
    stems = re.findall(r"遇到第 (brushing-\d+) 种情况", page)

    assert (len(stems), page.count('<fieldset class="q on"'), finalist.on()) == (1, 1, 1)
    assert len(re.findall(r'name="q1" value="[a-z2-7]{4}"', page)) == 4
    for said in ("1 / 3", 'data-left="30"', "交了就不能回头", "5:00", "确定，下一题"):
        assert said in page, said
    assert "quiz.js" not in page


def test_items_come_one_by_one_to_the_end(finalist: Finalist, at: Any) -> None:
    told = []
    for position in (1, 2, 3):
        later(at, 10 * position)
        told.append((finalist.on(), finalist.answer(position, right=position != 2).location))

    here = f"/a/{finalist.attempt_id}"
    assert told == [(1, here), (2, here), (3, f"{here}/result")]
    state = finalist.sheet
    assert (state.score, state.correct, state.submitted_at) == (
        20, (True, False, True), NOON + timedelta(seconds=30),
    )  # fmt: skip
    assert "识破了 2 个骗局" in finalist.result()


def test_there_is_no_way_back_and_no_way_ahead(finalist: Finalist) -> None:
    finalist.answer(1)
    before = finalist.sheet.answers
    answers = [finalist.answer(1, right=False), finalist.answer(3), finalist.post(99), finalist.post(0)]

    assert [one.location for one in answers] == [f"/a/{finalist.attempt_id}"] * 4
    assert (finalist.sheet.answers, finalist.on()) == (before, 2)


def test_reload_shows_the_same_item_and_its_own_clock(finalist: Finalist, at: Any) -> None:
    finalist.answer(1)
    later(at, 12)
    page = finalist.page()

    assert finalist.page() == page
    assert (finalist.on(), 'data-left="18"' in page, 'data-left="288"' in page) == (2, True, True)


@pytest.mark.parametrize(("after_s", "counts"), [(30, True), (33, True), (33.5, False), (200, False)])
def test_answer_after_the_items_time_is_a_blank_and_the_page_goes_on(
    finalist: Finalist, at: Any, after_s: float, counts: bool
) -> None:
    later(at, after_s)
    answer = finalist.answer(1)

    assert answer.location == f"/a/{finalist.attempt_id}"
    assert (finalist.stored(), finalist.on()) == ({1: counts}, 2)
    page = finalist.page()
    assert f'data-left="{30}"' in page  # the next item begins when this one was stored


def test_item_without_a_choice_is_stored_blank(finalist: Finalist) -> None:
    assert finalist.post(1).location == f"/a/{finalist.attempt_id}"
    assert finalist.stored() == {1: False}


def test_whole_go_ends_with_its_own_limit(finalist: Finalist, at: Any) -> None:
    finalist.answer(1)
    later(at, 361)
    answer = finalist.answer(2)

    assert answer.location == f"/a/{finalist.attempt_id}/result"
    assert close_overdue() == 1
    state = finalist.sheet
    assert (state.score, state.overdue, finalist.stored()) == (10, True, {1: True})
    assert finalist.phone.get(f"/a/{finalist.attempt_id}").location.endswith("/result")


@pytest.mark.parametrize("path", ["save", "submit"])
@pytest.mark.parametrize("after_s", [0, 400])
def test_whole_sheet_is_neither_saved_nor_handed_in(
    finalist: Finalist, at: Any, path: str, after_s: int
) -> None:
    fields = finalist.fields(finalist.tokens(), 1)
    later(at, after_s)
    answers = [
        finalist.phone.post(f"/a/{finalist.attempt_id}/{path}", data={**fields, **step})
        for step in ({}, {"step": "check"})
    ]

    assert [(one.status_code, "一题一题作答" in one.get_data(as_text=True)) for one in answers] == [
        (409, True)
    ] * 2
    assert (finalist.sheet.answers, finalist.sheet.submitted_at, db.session.query(Late).count()) == (
        {},
        None,
        0,
    )


def test_check_page_leads_back_to_the_item(finalist: Finalist) -> None:
    assert finalist.phone.get(f"/a/{finalist.attempt_id}/check").location == f"/a/{finalist.attempt_id}"


def test_items_are_refused_where_the_sheet_is_whole(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom()
    pupil = Pupil(phone)
    pupil.start()
    answer = phone.post(f"/a/{pupil.attempt_id}/item", data={"item": "1"})

    assert (answer.status_code, pupil.sheet.answers) == (409, {})


@pytest.mark.parametrize(
    "fields", [{"item": ""}, {"item": "x"}, {"item": "1", "q1": "nope!"}, {"item": "1", "q1": "aaaa"}]
)
def test_fields_no_page_of_ours_sends_are_refused(finalist: Finalist, fields: dict[str, str]) -> None:
    answer = finalist.phone.post(f"/a/{finalist.attempt_id}/item", data=fields)

    assert (answer.status_code, finalist.sheet.answers) == (400, {})


def test_another_phone_answers_nothing(app: Flask, finalist: Finalist) -> None:
    other = app.test_client()
    assert other.post(f"/a/{finalist.attempt_id}/item", data={"item": "1"}).status_code == 403
    assert finalist.sheet.answers == {}


def two_at_once(app: Flask, finalist: Finalist) -> list[bool]:
    """Answer the item that is on twice at the same moment, once right and once wrong."""
    device = finalist.phone.get_cookie("phone").value
    right, wrong = (tuple(finalist.tokens(right=lambda _, one=one: one)[1]) for one in (True, False))
    db.session.rollback()
    ready = Barrier(2)

    def post(chosen: tuple[str, ...]) -> bool:
        with app.app_context():
            ready.wait()
            return operations.answer_item(
                attempt_id=finalist.attempt_id, device=device, position=1, chosen=chosen, at=NOON
            )

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(post, (right, wrong)))


def test_two_posts_of_one_item_at_once_store_one(app: Flask, finalist: Finalist) -> None:
    assert two_at_once(app, finalist) == [False, False]
    assert (finalist.stored(), finalist.on()) == ({1: True}, 2)


def test_rule_that_lets_one_go_back_is_found(
    app: Flask, finalist: Finalist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the tests above: with a rule that keeps the first item on, the way back is open and they would see it."""
    finalist.answer(1)
    before = finalist.sheet.answers
    monkeypatch.setattr(pacing, "on", lambda stored, items: 1)
    finalist.answer(1, right=False)

    assert finalist.sheet.answers != before


def test_item_takes_few_statements(finalist: Finalist, watch: Watch) -> None:
    chosen = finalist.tokens()[1]
    finalist.page()
    with watch.counting() as page:
        finalist.page()
    with watch.counting() as stored:
        finalist.post(1, q1=chosen)

    assert (len(page), len(stored)) == (1, 2), (page, stored)


def test_page_works_without_script_and_shows_nothing_from_elsewhere(finalist: Finalist) -> None:
    answer = finalist.phone.get(f"/a/{finalist.attempt_id}")
    page = answer.get_data(as_text=True)

    assert not re.search(r"\son\w+=|\sstyle=|<script>|<style", page)
    assert "jsonly" not in page
    assert "no-store" in answer.headers["Cache-Control"]
