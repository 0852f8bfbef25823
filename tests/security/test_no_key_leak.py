"""The key never leaves the server while an attempt can still change: canaries in all that tells, every page read."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.queries import Sheet
from quizsvc.core import bankfile
from quizsvc.web.guard import PUBLIC
from tests import make
from tests.attempt.conftest import CODE, Pupil, a_classroom
from tests.attempt.players import PlayerPhone
from tests.conftest import NOON

CANARY = "金丝雀"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def a_telling_item(code: str) -> bankfile.Item:
    """An item in which everything that tells the key carries the canary."""
    return make.an_item(
        f"{code}-canary",
        topic=f"{CANARY}-topic",
        scene=bankfile.Scene("sms", "1069 开头号码", f"名额有限，先到先得 {code}", tells=("名额有限",)),
        explanation=bankfile.Explanation(f"{CANARY}骗术", f"{CANARY}破绽", f"{CANARY}应对"),
        source=f"{CANARY}来源",
        twin=f"{CANARY}-twin-{code}",
        region=CANARY,
    )


@pytest.fixture
def pupil(app: Flask, at: Any, phone: Any) -> Pupil:
    a_classroom(paper=make.a_paper(pool=[a_telling_item(f"leak-{n}") for n in range(4)]), limit_s=600)
    return Pupil(phone)


def every_page(pupil: Pupil) -> dict[str, str]:
    """Read everything a participant can get, going and coming."""
    phone, pages = pupil.phone, {}
    pages["landing"] = phone.get(f"/c/{CODE}").get_data(as_text=True)
    pages["about"] = phone.get(f"/c/{CODE}/about").get_data(as_text=True)
    pages["who"] = phone.post(f"/c/{CODE}/who", data={"seat": "1"}).get_data(as_text=True)
    started = pupil.start()
    pages["start"] = started.get_data(as_text=True) + str(started.headers)
    for path in ("", "/check", "/result", "/proof", "/practice", "/practice?step=1"):
        answer = phone.get(f"/a/{pupil.attempt_id}{path}")
        pages[f"attempt{path}"] = answer.get_data(as_text=True) + str(answer.headers)
    saved = pupil.save(pupil.tokens(right=lambda position: False))
    stale = pupil.save({1: pupil.tokens()[1]}, seq=1)
    pages["save"] = saved.get_data(as_text=True) + stale.get_data(as_text=True)
    pages["again"] = phone.get(f"/a/{pupil.attempt_id}").get_data(as_text=True)
    pages["receipt"] = phone.get(f"/r/{pupil.sheet.receipt}").get_data(as_text=True)
    return pages


def test_no_page_before_submission_carries_anything_that_tells(pupil: Pupil) -> None:
    pages = every_page(pupil)

    assert [name for name, text in pages.items() if CANARY in text or 'class="mk"' in text] == []
    assert re.search("名额有限", pages["attempt"])


def test_the_canary_is_alive_once_the_attempt_is_over(pupil: Pupil) -> None:
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False))

    assert pupil.result().count(CANARY) == 12
    assert 'class="mk">名额有限' in pupil.result()


def test_moving_the_key_changes_no_byte_of_the_questions(app: Flask, at: Any, phone: Any) -> None:
    from sqlalchemy import update

    from quizsvc.db import db
    from quizsvc.paper import queries as paper
    from quizsvc.paper.models import Paper

    a_classroom()
    pupil = Pupil(phone)
    pupil.start()
    before = phone.get(f"/a/{pupil.attempt_id}").get_data()
    content = db.session.query(Paper.content).scalar()
    for entry in content["items"]:
        for number, option in enumerate(entry["item"]["options"]):
            option["key"] = number == 2
    db.session.execute(update(Paper).values(content=content))
    db.session.commit()
    paper.forget()

    assert phone.get(f"/a/{pupil.attempt_id}").get_data() == before


def test_review_waits_for_its_moment(app: Flask, at: Any, phone: Any) -> None:
    room = a_classroom(
        paper=make.a_paper(pool=[a_telling_item("late-1"), a_telling_item("late-2")]),
        review_after_submit=["score"],
    )
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: position == 1))
    early = pupil.result()
    practice = phone.get(f"/a/{pupil.attempt_id}/practice").status_code
    at(room.round.closes_at + timedelta(seconds=1))
    late = pupil.result()

    assert ("识破了 1 个骗局" in early, CANARY in early, practice) == (True, False, 409)
    assert CANARY in late
    assert room.round.closes_at > NOON


def test_attempt_that_only_the_clock_has_ended_tells_nothing_until_it_is_written(
    app: Flask, at: Any, phone: Any
) -> None:
    """The organizer may prolong the round before the sweeper comes, and then the attempt goes on."""
    room = a_classroom(paper=make.a_paper(pool=[a_telling_item("clock-1"), a_telling_item("clock-2")]))
    pupil = Pupil(phone)
    pupil.start()
    at(room.round.closes_at + timedelta(minutes=2))
    unwritten = pupil.result()
    practice = phone.get(f"/a/{pupil.attempt_id}/practice").status_code
    close_overdue()

    assert (CANARY in unwritten, practice) == (False, 409)
    assert CANARY in pupil.result()


# Contests: others answer the same items until the close, so nothing tells before it, whatever the round's row says.


def every_contest_page(app: Flask, player: PlayerPhone, round_code: str) -> dict[str, str]:
    """Ask every public page of a contest, joining, playing, after handing in, and from another phone."""
    rules = [
        rule for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].access == PUBLIC and "GET" in rule.methods  # type: ignore[attr-defined]
        and rule.rule.startswith(("/c/", "/a/", "/r/", "/k/"))
    ]  # fmt: skip
    pages = {}

    def ask(when: str) -> None:
        state = player.sheet
        values = {"attempt_id": state.attempt_id, "receipt": state.receipt, "number": 1}
        for rule in rules:
            code = round_code if rule.rule.startswith("/k/") else player.code
            given = {name: {**values, "code": code}[name] for name in rule.arguments}
            path = app.url_map.bind("fz.test").build(rule.endpoint, given)
            for phone in (player.phone, app.test_client()):
                answer = phone.get(path, query_string={"all": "1"})
                body = "" if answer.mimetype.startswith("image/") else answer.get_data(as_text=True)
                pages[f"{when} {rule.rule} {phone is player.phone}"] = body + str(answer.headers)

    pages["joining"] = player.landing()
    player.play()
    ask("open")
    player.save(player.tokens(right=lambda position: False))
    player.submit()
    ask("handed in")
    again = player.play()
    pages["again"] = again.get_data(as_text=True)
    ask("second go")
    return pages


@pytest.fixture
def telling_contest(app: Flask, at: Any) -> make.Contest:
    pool = [a_telling_item(f"contest-{n}") for n in range(4)]
    return make.a_contest(
        make.a_county(), paper=make.a_paper(pool=pool, drawn=2)
    )  # its row would show everything


@ON_SQLITE
def test_no_page_of_a_contest_tells_anything_while_it_is_open(
    app: Flask, telling_contest: make.Contest, phone: Any
) -> None:
    player = PlayerPhone(phone, telling_contest.links[0].code)
    pages = every_contest_page(app, player, telling_contest.round.code)

    tells = (CANARY, 'class="mk"', "停下来问问老师</i>", "你选对了", "正确</em>")
    assert [name for name, text in pages.items() if any(tell in text for tell in tells)] == []
    assert len(pages) > 50
    assert "识破了 0 个骗局" in pages["handed in /a/<attempt_id>/result True"]


@ON_SQLITE
def test_canary_of_a_contest_is_alive_after_the_close(
    app: Flask, at: Any, telling_contest: make.Contest, phone: Any
) -> None:
    player = PlayerPhone(phone, telling_contest.links[0].code)
    player.whole_go(wrong=2)
    at(telling_contest.round.closes_at)

    assert player.result().count(CANARY) == 6


@ON_SQLITE
def test_final_tells_nothing_item_by_item(app: Flask, at: Any, phone: Any) -> None:
    pool = [a_telling_item(f"final-{n}") for n in range(3)]
    contest = make.a_contest(make.a_county(), paper=make.a_paper(pool=pool), pace="strict", item_s=30)
    player = PlayerPhone(phone, contest.links[0].code)
    player.play()
    pages = []
    for position in (1, 2, 3):
        pages.append(phone.get(f"/a/{player.attempt_id}").get_data(as_text=True))
        data = {"item": str(position), "q1": player.tokens()[position]}
        answer = phone.post(f"/a/{player.attempt_id}/item", data=data)
        pages.append(answer.get_data(as_text=True) + str(answer.headers))
    pages.append(player.result())

    assert [number for number, text in enumerate(pages) if CANARY in text or 'class="mk"' in text] == []
    assert "识破了 3 个骗局" in pages[-1]


@ON_SQLITE
def test_contest_that_followed_its_row_is_found(
    app: Flask, telling_contest: make.Contest, phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the search: with the rule of tests in place of that of contests, the result page is named."""
    monkeypatch.setattr(Sheet, "published", lambda state, at: frozenset(state.review_after_submit))
    player = PlayerPhone(phone, telling_contest.links[0].code)
    pages = every_contest_page(app, player, telling_contest.round.code)

    told = [name for name, text in pages.items() if CANARY in text]
    assert told == ["handed in /a/<attempt_id>/result True"]
