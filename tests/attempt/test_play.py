"""Playing a contest with a nickname: joining, days, papers, the own page, another phone, practice, erasing."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from quizsvc.attempt import operations, queries
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Attempt, Participant, Player
from quizsvc.audit import CLI
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import RoundPaper
from quizsvc.core import linkcode, quota
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.rulebook.models import Version
from quizsvc.throttle import ThrottleBucket
from tests import make
from tests.attempt.conftest import Pupil, a_classroom
from tests.attempt.players import PlayerPhone, a_city, goes
from tests.conftest import NOON
from tests.support import Browser, Watch, sqlite_only

EVE = datetime(2026, 12, 12, 15, 59, tzinfo=UTC)  # 23:59 in China
MIDNIGHT = datetime(2026, 12, 12, 16, 0, tzinfo=UTC)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def contest(app: Flask, at: Any) -> make.Contest:
    """Three goes a day over the districts of a city, and the trades as a second tree."""
    city, east, trades, member = a_city()
    return make.a_contest(
        city, (east, member), paper=make.a_paper(items=6, drawn=3), place_root_id=city.id, trade_root_id=trades.id,
        limit_s=600,
    )  # fmt: skip


@pytest.fixture
def player(contest: make.Contest, phone: Browser) -> PlayerPhone:
    return PlayerPhone(phone, contest.links[0].code)


def counted(*tables: type[Any]) -> list[int]:
    db.session.rollback()
    return [db.session.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]


# --- the page behind the link


@sqlite_only
def test_landing_says_what_it_is_and_asks_for_a_nickname(contest: make.Contest, player: PlayerPhone) -> None:
    page = player.landing()

    for said in (
        "阳光县教育局、阳光县公安局主办", "<h1>全民反诈知识竞赛</h1>", '<b class="n">3</b> 道题', "每天 <b",
        "不收费，不要密码和验证码，不用转发", f'href="/k/{contest.round.code}"', 'name="nickname"',
        "谁能参加：阳光县居民",
    ):  # fmt: skip
        assert said in page, said
    assert re.findall(r"<option[^>]*>([^<]+)</option>", page) == [
        "不在里面，或不想说", "包河区", "瑶海区", "不在里面，或不想说", "移动公司",
    ]  # fmt: skip
    assert "班内序号" not in page


@sqlite_only
def test_phone_has_its_secret_before_it_starts(player: PlayerPhone) -> None:
    player.landing()
    before = player.phone.get_cookie("phone").value
    player.play()

    assert player.phone.get_cookie("phone").value == before
    assert player.sheet.device_hash == queries.device_hash(before)


def test_landing_takes_few_statements_and_none_for_the_next_phone(
    app: Flask, player: PlayerPhone, watch: Watch
) -> None:
    with watch.counting() as cold:
        player.landing()
    with watch.counting() as warm:
        PlayerPhone(app.test_client(), player.code).landing()
    with watch.counting() as joining:
        player.play()
    with watch.counting() as returning:
        player.landing()
    player.submit()
    with watch.counting() as again:
        player.play()

    counts = {"cold": cold, "warm": warm, "joining": joining, "returning": returning, "again": again}
    assert {name: len(seen) for name, seen in counts.items()} == {
        "cold": 6, "warm": 0, "joining": 7, "returning": 2, "again": 3,
    }, counts  # fmt: skip


@sqlite_only
def test_contest_without_announced_rules_waits(app: Flask, at: Any, phone: Browser) -> None:
    city, *_ = a_city()
    contest = make.a_contest(city, published=False)
    player = PlayerPhone(phone, contest.links[0].code)

    assert "规则还没有公布" in player.landing()
    answer = player.play()
    assert (answer.status_code, "规则还没有公布" in answer.get_data(as_text=True)) == (409, True)
    assert counted(Player, Participant, Attempt) == [0, 0, 0]

    make.announce(contest.round)
    assert player.play().status_code == 303


@sqlite_only
@pytest.mark.parametrize(
    ("moment", "said"),
    [(make.OPENS, "还没到开始的时间"), (make.CLOSES, "答题已经结束")],
    ids=["before", "after"],
)
@ON_SQLITE
def test_outside_the_window_the_page_says_when(
    contest: make.Contest, player: PlayerPhone, at: Any, moment: datetime, said: str
) -> None:
    at(moment - timedelta(seconds=1) if moment == make.OPENS else moment)

    answer = player.play()
    assert (answer.status_code, answer.location) == (303, f"/c/{player.code}")
    page = player.landing()
    assert said in page
    assert 'name="nickname"' not in page
    assert counted(Player, Attempt) == [0, 0]


# --- joining


def test_first_start_joins_and_begins(contest: make.Contest, player: PlayerPhone) -> None:
    east = queries.picks(contest.round.place_root_id)
    place = next(one for one, name in east.items() if name == "包河区")
    assert player.play(place=str(place), s="g").status_code == 303

    [row] = db.session.query(Player).all()
    state = player.sheet
    assert (row.nickname, row.place_id, row.trade_id, row.role) == ("小雨点", place, None, "")
    assert (len(row.entry_id), set(row.entry_id) <= set(linkcode.ALPHABET)) == (16, True)
    assert row.entry_id not in player.phone.get(f"/a/{player.attempt_id}").get_data(as_text=True)
    assert (state.who, state.seat, state.enrolment_id, state.period) == ("小雨点", None, None, "2026-12-12")
    assert (state.unit_id, state.ordinal, state.allowed) == (contest.links[0].unit_id, 1, 3)


@sqlite_only
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"nickname": "x"}, "2 到 12 个字"),
        ({"nickname": "13800138000"}, "不要写手机号"),
        ({"nickname": "反诈中心"}, "容易让人误会"),
        ({"place": "999999"}, "请从列表里选所在地"),
        ({"trade": "999999"}, "请从列表里选行业或单位"),
        ({"role": "老师"}, "请选一个角色"),
    ],
)
@ON_SQLITE
def test_joining_with_a_fault_is_shown_again_and_keeps_nothing(
    player: PlayerPhone, fields: dict[str, str], said: str
) -> None:
    answer = player.play(**fields)

    page = answer.get_data(as_text=True)
    assert (answer.status_code, said in page, "<title>错误：" in page) == (400, True, True)
    assert f'value="{fields.get("nickname", "小雨点")}"' in page
    assert counted(Player, Participant, Attempt) == [0, 0, 0]


@sqlite_only
def test_start_without_having_joined_is_refused(player: PlayerPhone) -> None:
    answer = player.phone.post(f"/c/{player.code}/play", data={})

    assert (answer.status_code, "先写好昵称" in answer.get_data(as_text=True)) == (409, True)
    assert counted(Player, Participant) == [0, 0]


@sqlite_only
@pytest.mark.parametrize("fields", [{"place": "x"}, {"trade": "1e3"}])
@ON_SQLITE
def test_picks_no_page_of_ours_sends_are_refused(player: PlayerPhone, fields: dict[str, str]) -> None:
    assert player.play(**fields).status_code == 400
    assert counted(Player) == [0]


@sqlite_only
def test_code_of_a_class_takes_no_players_and_a_contest_no_seats(
    app: Flask, contest: make.Contest, phone: Browser
) -> None:
    room = a_classroom(paper=contest.paper)
    assert PlayerPhone(phone, room.link.code).play().status_code == 409
    assert phone.post(f"/c/{contest.links[0].code}/start", data={"seat": "1"}).status_code == 409
    assert counted(Player, Attempt) == [0, 0]


def test_double_tap_on_join_makes_one_player(app: Flask, player: PlayerPhone) -> None:
    """Two requests of one phone that both saw nobody: the second finds the first one's player."""
    player.landing()
    device = player.phone.get_cookie("phone").value
    entry, nobody = queries.entry_of_phone(player.code, device)
    player.play()
    joining = operations.Joining("小雨点", None, None, "")
    found = _joined_late(entry, joining, device)

    assert nobody.player is None
    assert found == db.session.query(Player.participant_id).scalar()
    assert counted(Player, Participant) == [1, 1]


def test_ten_joins_of_one_phone_at_once_make_one_player(app: Flask, contest: make.Contest) -> None:
    code, ready = contest.links[0].code, Barrier(10)
    joining = operations.Joining("小雨点", None, None, "")

    def join(_: int) -> str:
        with app.app_context():
            ready.wait()
            return operations.play(
                code=code, joining=joining, source="poster", device="D" * 22, at=NOON
            ).attempt_id

    with ThreadPoolExecutor(10) as threads:
        begun = set(threads.map(join, range(10)))

    assert (len(begun), counted(Player, Participant, Attempt)) == (1, [1, 1, 1])


def _joined_late(entry: queries.Entry, joining: operations.Joining, device: str) -> int:
    db.session.rollback()
    participant_id = operations._join_as_player(entry, joining, device, NOON)
    db.session.commit()
    return participant_id


# --- days


def test_three_goes_a_day_and_then_the_next_day(contest: make.Contest, player: PlayerPhone, at: Any) -> None:
    left = []
    for _ in range(3):
        left.append(re.findall(r"还可以答 <b[^>]*>(\d)", player.landing()))
        player.whole_go()
    fourth = player.play()

    assert left == [[], ["2"], ["1"]]
    assert fourth.location == f"/a/{player.attempt_id}/result"
    assert "今天的 <b" in player.landing()
    assert goes() == [("2026-12-12", 1), ("2026-12-12", 2), ("2026-12-12", 3)]

    at(MIDNIGHT)
    assert re.findall(r"还可以答 <b[^>]*>(\d)", player.landing()) == ["3"]
    player.whole_go()
    assert goes()[3:] == [("2026-12-13", 1)]
    assert counted(Player, Participant) == [1, 1]


def test_go_begun_before_midnight_counts_for_its_own_day(player: PlayerPhone, at: Any) -> None:
    at(EVE)
    player.play()
    first = player.attempt_id
    at(MIDNIGHT + timedelta(minutes=3))
    player.play()
    went_on = player.attempt_id
    player.submit(player.tokens())
    for _ in range(4):
        player.whole_go()

    assert went_on == first
    assert goes() == [("2026-12-12", 1), ("2026-12-13", 1), ("2026-12-13", 2), ("2026-12-13", 3)]


def test_round_without_days_has_one_period(app: Flask, at: Any, phone: Browser) -> None:
    city, *_ = a_city()
    contest = make.a_contest(city, paper=make.a_paper(items=4, drawn=2), per="round", attempts=2)
    player = PlayerPhone(phone, contest.links[0].code)
    for day in range(3):
        at(NOON + timedelta(days=day))
        player.whole_go()

    assert goes() == [("round", 1), ("round", 2)]
    assert "这一场的 <b" in player.landing()


def test_constraint_holds_the_quota_when_the_count_fails(
    player: PlayerPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the tests of days: with a rule that always grants one more go, the database still refuses the fourth."""
    monkeypatch.setattr(quota, "left", lambda allowed, periods, now: 1)
    for _ in range(3):
        player.whole_go()

    with pytest.raises(IntegrityError):
        operations.play(
            code=player.code, joining=None, source="poster", device=player.phone.get_cookie("phone").value, at=NOON
        )  # fmt: skip
    assert len(goes()) == 3


def test_fifty_starts_at_once_make_exactly_the_quota(app: Flask, contest: make.Contest) -> None:
    device, code = "D" * 22, contest.links[0].code
    operations.play(
        code=code,
        joining=operations.Joining("小雨点", None, None, ""),
        source="poster",
        device=device,
        at=NOON,
    )
    ready = Barrier(10)

    def often(_: int) -> list[str]:
        ids = []
        with app.app_context():
            ready.wait()
            for _ in range(5):
                begun = operations.play(code=code, joining=None, source="poster", device=device, at=NOON)
                ids.append(begun.attempt_id)
                if not begun.over:
                    operations.submit(attempt_id=begun.attempt_id, device=device, incoming={}, at=NOON)
        return ids

    with ThreadPoolExecutor(10) as threads:
        told = [one for ids in threads.map(often, range(10)) for one in ids]

    assert len(told) == 50
    assert goes() == [("2026-12-12", 1), ("2026-12-12", 2), ("2026-12-12", 3)]


def test_go_through_another_unit_counts_for_that_unit(contest: make.Contest, player: PlayerPhone) -> None:
    player.whole_go()
    player.code = contest.links[1].code
    player.whole_go()

    first, second = (link.unit_id for link in contest.links)
    assert db.session.query(Participant.unit_id).all() == [(first,)]
    rows = db.session.query(Attempt.unit_id).order_by(Attempt.ordinal)
    assert [row.unit_id for row in rows] == [first, second]


# --- papers of a day and of a role


def test_every_day_has_its_paper(app: Flask, contest: make.Contest, player: PlayerPhone, at: Any) -> None:
    scene = make.a_paper(pool=[make.an_item(f"scene-{n}") for n in range(6)], drawn=3)
    make.saved(RoundPaper(round_id=contest.round.id, day="2026-12-13", role="", paper_id=scene.id))
    player.whole_go(wrong=1)
    at(MIDNIGHT)
    player.whole_go(wrong=1)
    second = player.sheet
    player.whole_go(wrong=2)

    rows = db.session.query(Attempt).order_by(Attempt.started_at, Attempt.ordinal).all()
    assert [row.paper_id for row in rows] == [None, scene.id, scene.id]
    assert [row.score for row in rows] == [20, 20, 10]
    assert (second.paper_id, player.sheet.paper_id) == (scene.id, scene.id)
    # what was seen is told apart by paper: three of six, then the other three
    assert sorted(index for row in rows[1:] for index, _ in row.form) == [0, 1, 2, 3, 4, 5]


@sqlite_only
def test_role_picks_the_paper(app: Flask, contest: make.Contest, player: PlayerPhone) -> None:
    papers = {
        role: make.a_paper(pool=[make.an_item(f"{code}-{n}") for n in range(3)])
        for role, code in (("家长", "parents"), ("学生", "pupils"))
    }
    for role, paper in papers.items():
        make.saved(RoundPaper(round_id=contest.round.id, day="", role=role, paper_id=paper.id))

    page = player.landing()
    assert re.findall(r'name="role" value="([^"]+)"', page) == ["学生", "家长"]
    assert player.play().status_code == 400
    assert player.play(role="老人").status_code == 400
    player.play(role="家长")
    assert player.sheet.paper_id == papers["家长"].id
    assert queries.player(player.sheet.participant_id).role == "家长"


# --- the result and the own page


@sqlite_only
def test_result_shows_the_score_and_nothing_of_the_answers_while_others_play(
    contest: make.Contest, player: PlayerPhone, at: Any
) -> None:
    player.play()
    at(NOON + timedelta(seconds=83))
    player.submit(player.tokens(right=lambda position: position > 1))
    page = player.result()
    entry = db.session.query(Player.entry_id).scalar()

    for said in ("识破了 2 个骗局", "现在不看答案", "今天还有 2 次", linkcode.grouped(entry)):
        assert said in page, said
    assert re.search(r"用时 <span class=\"n\">1</span>&nbsp;分&nbsp;<span class=\"n\">23</span>", page)
    assert [word for word in ("停下来问问老师", "先给小利", "你的选择", "正确", "全班") if word in page] == []
    assert player.phone.get(f"/a/{player.attempt_id}/practice").status_code == 409

    at(make.CLOSES)
    after = player.result()
    assert ("先给小利" in after, "停下来问问老师" in after) == (True, True)
    assert player.phone.get(f"/a/{player.attempt_id}/practice").status_code == 200


@sqlite_only
def test_own_page_shows_goes_by_day_and_the_entry(
    contest: make.Contest, player: PlayerPhone, at: Any, watch: Watch
) -> None:
    place = str(next(iter(queries.picks(contest.round.place_root_id))))
    player.play(place=place)
    player.submit(player.tokens())
    at(MIDNIGHT)
    player.whole_go(wrong=1)
    player.play()
    code = contest.round.code
    with watch.counting() as seen:
        page = player.own_page(code)

    assert len(seen) == 4  # the round, the player, the goes, the names of the picks
    entry = db.session.query(Player.entry_id).scalar()
    for said in (
        "<h1>小雨点</h1>",
        "包河区",
        linkcode.grouped(entry),
        "接着答（已答 0 / 3 题）",
        "12 月 13 日</h2>",
        "12 月 12 日</h2>",
    ):
        assert said in page, said
    assert re.findall(r'<b class="n">(\d+)</b> 分', page) == ["20", "30"]
    assert f'href="/k/{contest.round.code}"' in page


@sqlite_only
def test_own_page_is_the_phones_own(app: Flask, contest: make.Contest, player: PlayerPhone) -> None:
    player.whole_go()
    entry = db.session.query(Player.entry_id).scalar()
    other = PlayerPhone(app.test_client(), player.code)

    page = other.own_page(contest.round.code)
    assert ("还没有参赛记录" in page, "小雨点" in page, linkcode.grouped(entry) in page) == (
        True,
        False,
        False,
    )
    assert other.phone.get(f"/a/{player.attempt_id}/result").status_code == 403


@sqlite_only
def test_round_of_seats_has_no_own_page(app: Flask, at: Any, phone: Browser) -> None:
    room = a_classroom()
    assert phone.get(f"/k/{room.round.code}/me").status_code == 404
    assert phone.get("/k/none/me").status_code == 404


# --- another phone


def change_code(player: PlayerPhone, round_code: str) -> str:
    return re.findall(r'<p class="n entry">([0-9A-Z-]+)</p>', player.own_page(round_code))[0]


def test_change_code_goes_on_with_everything_on_another_phone(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    first = player.attempt_id
    player.play()
    code = change_code(player, contest.round.code)
    new = PlayerPhone(app.test_client(), player.code)
    answer = new.phone.post(f"/k/{contest.round.code}/me", data={"resume": code.lower().replace("-", " ")})

    assert (answer.status_code, answer.location) == (303, f"/k/{contest.round.code}/me")
    assert "<h1>小雨点</h1>" in new.own_page(contest.round.code)
    assert new.phone.get(f"/a/{first}/result").status_code == 200
    new.play()
    assert new.attempt_id == player.attempt_id
    assert "还没有参赛记录" in player.own_page(contest.round.code)
    hashes = [row.device_hash for row in db.session.query(Attempt.device_hash).order_by(Attempt.ordinal)]
    assert hashes == [queries.device_hash(one.phone.get_cookie("phone").value) for one in (player, new)]
    assert "另一台手机" in player.phone.get(f"/a/{player.attempt_id}").get_data(as_text=True)
    assert counted(Player, Attempt) == [1, 2]


@sqlite_only
def test_change_code_is_taken_behind_the_link_too(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    code = change_code(player, contest.round.code)

    assert app.test_client().post(f"/c/{player.code}/resume", data={"resume": code}).status_code == 303


@sqlite_only
@ON_SQLITE
def test_wrong_change_code_is_refused_and_counted(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    code = change_code(player, contest.round.code).replace("-", "")
    wrong = code[:8] + ("0" * 8 if code[8:] != "0" * 8 else "1" * 8)
    other = app.test_client()
    statuses = [
        other.post(f"/k/{contest.round.code}/me", data={"resume": wrong}).status_code for _ in range(11)
    ]
    unknown = other.post(f"/k/{contest.round.code}/me", data={"resume": "0" * 16})

    assert statuses == [403] * 10 + [429]
    assert (unknown.status_code, "换机码对不上" in unknown.get_data(as_text=True)) == (403, True)
    kinds = sorted(key.partition(":")[0] for key in db.session.execute(select(ThrottleBucket.key)).scalars())
    assert kinds == ["receipt", "resume"]


@sqlite_only
def test_change_code_of_another_contest_is_unknown(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    code = change_code(player, contest.round.code)
    other = make.a_contest(make.a_unit("wh", "芜湖市", "city"), paper=contest.paper)

    assert app.test_client().post(f"/k/{other.round.code}/me", data={"resume": code}).status_code == 403


@sqlite_only
def test_phone_that_plays_takes_no_second_player(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    other = PlayerPhone(app.test_client(), player.code, nickname="晴天")
    other.whole_go()
    answer = other.phone.post(
        f"/k/{contest.round.code}/me", data={"resume": change_code(player, contest.round.code)}
    )

    assert (answer.status_code, "已经有一位" in answer.get_data(as_text=True)) == (409, True)
    assert "<h1>晴天</h1>" in other.own_page(contest.round.code)


def test_forgotten_phone_is_nobodys_until_its_change_code_comes(
    app: Flask, contest: make.Contest, player: PlayerPhone
) -> None:
    player.whole_go()
    code = change_code(player, contest.round.code)
    player.phone.post(f"/a/{player.attempt_id}/forget")

    db.session.rollback()
    for column in (Player.device_hash, Attempt.device_hash):
        assert db.session.execute(select(column)).scalars().all() == [None]
    assert app.test_client().post(f"/k/{contest.round.code}/me", data={"resume": code}).status_code == 303


# --- practice


@sqlite_only
def test_practice_keeps_nothing_and_tells_at_once(
    app: Flask, contest: make.Contest, phone: Browser, watch: Watch
) -> None:
    practice = make.a_paper(pool=[make.an_item(f"practice-{n}") for n in range(2)])
    contest.round.practice_paper_id = practice.id
    db.session.commit()
    code = contest.links[0].code
    assert f'href="/c/{code}/practice"' in phone.get(f"/c/{code}").get_data(as_text=True)
    first = phone.get(f"/c/{code}/practice").location
    assert re.fullmatch(rf"/c/{code}/practice\?seed=[0-9a-f]{{8}}", first)

    page = phone.get(first).get_data(as_text=True)
    assert phone.get(first).get_data(as_text=True) == page  # the same items until another group is asked for
    assert "先给小利" not in page
    tokens = re.findall(r'value="([a-z2-7]{4})"><span data-k="[A-D]">([^<]+)', page)
    key = next(token for token, text in tokens if text == "停下来问问老师")
    other = next(token for token, text in tokens if text != "停下来问问老师")
    with watch.counting() as seen:
        wrong = phone.post(first, data={"step": "0", "q1": other}).get_data(as_text=True)
        right = phone.post(first, data={"step": "0", "q1": key}).get_data(as_text=True)
    assert ("再想一想" in wrong, "先给小利" in right, f"{first}&amp;step=1" in right) == (True, True, True)
    assert "练完了" in phone.get(f"{first}&step=2").get_data(as_text=True)
    assert [one for one in seen if not one.startswith("SELECT")] == []
    assert counted(Player, Participant, Attempt) == [0, 0, 0]


@sqlite_only
def test_contest_without_practice_has_no_such_page(contest: make.Contest, phone: Browser) -> None:
    assert phone.get(f"/c/{contest.links[0].code}/practice").status_code == 404
    assert phone.post(f"/c/{contest.links[0].code}/practice", data={"step": "0"}).status_code == 404


@sqlite_only
def test_practice_of_a_group_that_is_none_is_refused(contest: make.Contest, phone: Browser) -> None:
    contest.round.practice_paper_id = contest.paper.id
    db.session.commit()
    assert phone.post(f"/c/{contest.links[0].code}/practice?seed=x", data={"step": "0"}).status_code == 400


# --- the clock


def test_sweeper_hands_in_what_a_player_left(player: PlayerPhone, at: Any) -> None:
    player.play()
    player.save({1: player.tokens()[1]})
    at(NOON + timedelta(seconds=661))

    assert close_overdue() == 1
    state = player.sheet
    assert (state.score, state.overdue, state.submitted_at) == (10, True, NOON + timedelta(seconds=600))
    late = player.submit(player.tokens())
    page = late.get_data(as_text=True)
    assert (late.status_code, "小雨点" in page, "已按到时存好的答案交卷" in page) == (409, True, True)


# --- what the slices behind are told


def test_queries_tell_players_and_goes(
    app: Flask, contest: make.Contest, player: PlayerPhone, at: Any
) -> None:
    player.play()
    at(NOON + timedelta(seconds=40))
    player.submit(player.tokens())
    other = PlayerPhone(app.test_client(), player.code, nickname="晴天")
    other.play()
    round_id, one, two = contest.round.id, player.sheet.participant_id, other.sheet.participant_id

    row = queries.player(one)
    assert (row.nickname, row.round_id, row.joined_at) == ("小雨点", round_id, NOON)
    assert queries.players(round_id, [one, two, 999_999]).keys() == {one, two}
    assert queries.players_of_entries(round_id, [row.entry_id, "0" * 16]) == {row.entry_id: row}
    assert queries.player_on_phone(round_id, player.phone.get_cookie("phone").value) == row
    assert queries.player_on_phone(round_id, "x" * 22) is None
    assert queries.unfinished(round_id) == 1
    assert queries.goes_since(round_id, NOON, 10) == [queries.Touched(one, NOON + timedelta(seconds=40))]
    assert queries.goes_since(round_id, NOON + timedelta(seconds=41), 10) == []
    [go] = queries.contest_goes(round_id, [one, two])[one]
    assert (go.score, go.out_of, go.used_s, go.items, go.period) == (30, 30, 40, 3, "2026-12-12")


@ON_SQLITE
def test_equal_answers_have_one_hash_on_every_sheet(app: Flask, at: Any) -> None:
    city, *_ = a_city()
    contest = make.a_contest(city, paper=make.a_paper(items=3))
    hashes = []
    for wrong in (0, 0, 1):
        player = PlayerPhone(app.test_client(), contest.links[0].code)
        player.whole_go(wrong=3 * wrong)
        [go] = queries.contest_goes(contest.round.id, [player.sheet.participant_id])[
            player.sheet.participant_id
        ]
        hashes.append(go.answers_hash)

    assert hashes[0] == hashes[1] != hashes[2]


def test_voided_go_is_told_once_and_counts_no_more(contest: make.Contest, player: PlayerPhone) -> None:
    player.whole_go()
    participant_id = player.sheet.participant_id
    db.session.execute(update(Attempt).values(voided_at=NOON + timedelta(hours=1)))
    db.session.commit()

    touched = queries.goes_since(contest.round.id, NOON + timedelta(minutes=1), 10)
    assert touched == [queries.Touched(participant_id, NOON + timedelta(hours=1))]
    assert queries.contest_goes(contest.round.id, [participant_id]) == {}
    assert "这次作答已经作废" in player.result()


# --- erasing


def test_erased_players_are_unknown(contest: make.Contest, player: PlayerPhone, at: Any) -> None:
    player.whole_go()
    receipt, participant_id = player.sheet.receipt, player.sheet.participant_id
    with pytest.raises(operations.NotYet):
        operations.erase_players(round_id=contest.round.id, at=NOON)

    later = at(datetime(2027, 2, 2, tzinfo=UTC))
    assert [operations.erase_players(round_id=contest.round.id, at=later) for _ in range(2)] == [1, 0]
    with pytest.raises(queries.UnknownAttempt):
        queries.sheet(player.attempt_id)
    statuses = [
        player.phone.get(path).status_code
        for path in (f"/a/{player.attempt_id}", f"/a/{player.attempt_id}/result", f"/r/{receipt}")
    ]
    assert statuses == [404, 404, 404]
    assert "还没有参赛记录" in player.own_page(contest.round.code)
    assert queries.contest_goes(contest.round.id, [participant_id])[participant_id][0].score == 30


# --- a contest of seats


def test_seat_gets_an_entry_with_its_first_go_and_days_of_its_own(
    app: Flask, at: Any, phone: Browser
) -> None:
    room = a_classroom(kind="contest", per="day", attempts=1, review_after_submit=["score"], limit_s=600)
    pupil = Pupil(phone)
    refused = pupil.start()
    assert (refused.status_code, "规则还没有公布" in refused.get_data(as_text=True)) == (409, True)
    assert counted(Player, Attempt) == [0, 0]

    make.announce(room.round)
    assert "规则和奖项" in phone.get(f"/c/{pupil.code}").get_data(as_text=True)
    pupil.start()
    pupil.submit(pupil.tokens())
    [row] = db.session.query(Player).all()
    assert (row.nickname, row.device_hash, row.participant_id) == ("", None, pupil.sheet.participant_id)
    assert pupil.sheet.who == "1 号"
    assert linkcode.grouped(row.entry_id) in pupil.result()
    assert pupil.start().location.endswith("/result")
    at(MIDNIGHT)
    pupil.start()
    pupil.submit()
    assert goes() == [("2026-12-12", 1), ("2026-12-13", 1)]
    assert counted(Player) == [1]


@sqlite_only
def test_tests_make_no_players_and_ask_for_no_rules(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom()
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())

    assert counted(Player, Version) == [0, 0]
    assert goes() == [("round", 1)]


def test_erased_seat_with_an_entry_left_is_unknown_too(app: Flask, at: Any, phone: Browser) -> None:
    room = a_classroom(kind="contest", review_after_submit=["score"])
    make.announce(room.round)
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())
    operations.erase_places(round_id=room.round.id, at=datetime(2027, 2, 2, tzinfo=UTC))

    assert counted(Player) == [1]
    with pytest.raises(queries.UnknownAttempt):
        queries.sheet(pupil.attempt_id)


@sqlite_only
def test_teacher_cannot_give_time_to_nobody(contest: make.Contest, player: PlayerPhone) -> None:
    """The operations of a seat do not find players: there is no seat to name."""
    player.play()
    row = campaign.round_of(contest.round.id)
    with pytest.raises(Refusal, match="没有这个序号"):
        operations.extend(round_=row, unit_id=contest.links[0].unit_id, seat=1, minutes=5, at=NOON, actor=CLI)
