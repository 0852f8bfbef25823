"""我的数据 of a player of a contest, and the organizer who answers where there is no teacher."""

from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.models import Player
from quizsvc.core import linkcode
from quizsvc.db import db
from quizsvc.rights import queries
from quizsvc.roster import queries as roster
from quizsvc.upkeep import erase
from tests import make
from tests.attempt.conftest import Pupil, a_classroom
from tests.attempt.players import PlayerPhone, a_city
from tests.conftest import NOON
from tests.desk import Desk
from tests.support import Browser


@pytest.fixture
def player(app: Flask, at: Any, phone: Browser) -> PlayerPhone:
    """小雨点 of 包河区, who has handed in once through the link of 瑶海区."""
    city, east, trades, _ = a_city()
    contest = make.a_contest(
        city, (east,), paper=make.a_paper(items=4, drawn=2), place_root_id=city.id, trade_root_id=trades.id
    )
    player = PlayerPhone(phone, contest.links[0].code, place=str(east.id))
    player.whole_go()
    return player


def data_page(player: PlayerPhone) -> str:
    return f"/r/{player.sheet.receipt}/data"


def test_player_reads_what_is_kept(player: PlayerPhone) -> None:
    page = player.phone.get(data_page(player)).get_data(as_text=True)
    entry = db.session.query(Player.entry_id).scalar()

    for said in (
        "小雨点，从“瑶海区”的码参加",
        linkcode.grouped(entry),
        "瑶海区</dd>",
        "请主办单位更正",
        "抽奖名单里只有编号",
    ):
        assert said in page, said
    assert [
        word
        for word in ("班主任", "老师", "同学", "班级序号", "停下来问问老师", "班级或序号错了")
        if word in page
    ] == []


def test_another_phone_is_asked_for_the_code_and_counted_by_player(app: Flask, player: PlayerPhone) -> None:
    other = app.test_client()
    assert "续答码" in other.get(data_page(player)).get_data(as_text=True)
    statuses = [other.post(data_page(player), data={"resume": "0" * 8}).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    resume = player.sheet.resume
    second = PlayerPhone(app.test_client(), player.code, nickname="晴天")
    second.whole_go()
    theirs = app.test_client().post(data_page(second), data={"resume": second.sheet.resume})
    assert (theirs.status_code, resume is not None) == (200, True)


def test_organizer_answers_and_no_teacher_sees_it(app: Flask, player: PlayerPhone) -> None:
    city = roster.unit_at("hf/")
    organizer = Desk(app, "bureau", ("organizer", city))
    teacher = Desk(app, "lin", ("counselor", roster.unit_at("hf/yh/")))
    outsider = Desk(app, "far", ("organizer", make.a_unit("wh", "芜湖市", "city")))
    player.phone.post(f"{data_page(player)}/ask", data={"kind": "delete"})
    request_id = queries.of_players(["hf/"], NOON)[0].id

    assert "没有要答复的请求" in teacher.page("/staff/requests")
    assert teacher.post(f"/staff/requests/{request_id}/grant").status_code == 404
    assert outsider.post(f"/staff/contests/requests/{request_id}/grant").status_code == 404
    assert "没有要答复的请求" in outsider.page("/staff/contests/requests")
    assert "全民反诈知识竞赛" in organizer.page("/staff/contests/requests")
    answer = organizer.post(f"/staff/contests/requests/{request_id}/grant")
    assert (answer.status_code, answer.location) == (303, "/staff/contests/requests")
    assert erase.carry_out_requests() == 1
    db.session.rollback()
    assert (player.sheet.seed, player.sheet.receipt, player.sheet.score) == ("", None, 20)
    page = player.own_page(player.sheet.round_code)
    assert ("小雨点" in page, "换手机接着参加" in page) == (True, False)


def test_request_of_a_pupil_is_not_the_organizers(app: Flask, at: Any, phone: Browser) -> None:
    room = a_classroom()
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit()
    phone.post(f"/r/{pupil.sheet.receipt}/data/ask", data={"kind": "delete"})
    organizer = Desk(app, "bureau", ("organizer", roster.unit_at("yg/")))
    [row] = queries.of_classes([room.unit.path], NOON)

    assert row.by_player is False
    assert organizer.post(f"/staff/contests/requests/{row.id}/grant").status_code == 404
    assert queries.of_players([""], NOON) == []
