"""Board, big screen and appeal on the phone; the fairness desk of the staff."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit
from quizsvc.attempt.models import Player
from quizsvc.audit import AuditDetail
from quizsvc.contest import cli, operations, queries
from quizsvc.contest.models import Board, Ruling, Score
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.roster.models import Headcount, Unit
from tests import make
from tests.conftest import NOON
from tests.contest.field import a_contest, a_go, a_player
from tests.desk import Desk, text_of
from tests.support import Browser, Watch

SECRET = "p" * 22
BOSS = audit.Actor.staff(1)


class Field:
    """A contest with two places and one trade, players in them, and the organizer of the county."""

    def __init__(self, app: Flask, **changes: Any) -> None:
        self.app = app
        self.county = make.a_county()
        self.places = [make.a_unit(f"p{n}", f"第{n}街道", "town", self.county, n) for n in (1, 2)]
        self.trades = make.a_unit("hy", "行业", "bureau", self.county, 9)
        self.trade = make.a_unit("jy", "教育系统", "bureau", self.trades)
        rules = {"board_least": 5, **changes.pop("rules", {})}
        self.made = a_contest(
            self.county, place_root_id=self.county.id, trade_root_id=self.trades.id, rules=rules, **changes
        )
        self.boss = Desk(app, "boss", ("organizer", self.county))

    def plays(self, number: int, place: Unit | None = None, score: int = 50, **changes: Any) -> list[Player]:
        players = []
        for _ in range(number):
            player = a_player(self.made, changes.get("nickname", "路人甲"), place_id=place and place.id,
                              trade_id=changes.get("trade_id"), phone=changes.get("phone"))  # fmt: skip
            a_go(self.made, player, score, used_s=changes.get("used_s", 100))
            players.append(player)
        return players

    def expects(self, unit: Unit, heads: int) -> None:
        make.saved(
            Headcount(unit_id=unit.id, term=make.TERM, expected=heads, set_by="cli", set_at=make.LONG_AGO)
        )

    def count(self, at: Any = NOON) -> None:
        db.session.commit()
        cli.count_round(self.made.round.id, at)

    def rule(self, player: Player, verdict: str, at: Any = NOON, reason: str = "代别人答题") -> None:
        db.session.commit()
        operations.rule(
            round_id=self.made.round.id, participant_id=player.participant_id, verdict=verdict, cause="too_fast",
            reason=reason, actor=BOSS, at=at,
        )  # fmt: skip

    def address(self, tail: str) -> str:
        return f"/k/{self.made.round.code}/{tail}"

    def desk(self, tail: str = "") -> str:
        return f"/staff/contests/{self.made.round.id}/review{tail}"


@pytest.fixture
def field(app: Flask, at: Any) -> Field:
    return Field(app)


def page(phone: Browser, address: str) -> str:
    db.session.commit()
    response = phone.get(address)
    assert response.status_code == 200, response.status_code
    return response.get_data(as_text=True)


def own(phone: Browser) -> Browser:
    phone.set_cookie("phone", SECRET)
    return phone


def test_the_board_masks_names_and_prints_the_chain(field: Field, phone: Browser) -> None:
    field.plays(1, field.places[0], 90, nickname="青禾同学", trade_id=field.trade.id)
    field.plays(1, field.places[1], 90, nickname="白鹭")
    field.count()
    text = text_of(page(phone, field.address("board")))

    assert "青**" in text
    assert "青禾" not in text
    assert "第1街道 · 教育系统" in text
    for line in ("比最好的一次得分，高的在前", "名次并列", "按参赛编号从小到大取"):
        assert line in text
    assert "统计到 12 月 12 日 12:00" in text
    assert "不收费，不要密码和验证码，不用转发" in text


def test_units_are_ranked_by_participation_with_both_numbers(field: Field, phone: Browser) -> None:
    field.plays(8, field.places[0], 90)
    field.plays(5, field.places[1], 40)
    field.expects(field.places[0], 100)
    field.expects(field.places[1], 10)
    field.count()
    text = text_of(page(phone, field.address("board")))

    assert text.index("第2街道") < text.index("第1街道")
    assert "参与率 50.0% （5/10 人）" in text
    assert "参与率 8.0% （8/100 人）" in text


def test_a_unit_with_fewer_than_five_players_is_not_named(field: Field, phone: Browser) -> None:
    field.plays(4, field.places[0])
    field.plays(5, field.places[1])
    field.count()
    body = queries.board(field.made.round.id, "live")
    assert body is not None

    assert [line["name"] for line in body.body["boards"][0]["lines"]] == ["第2街道"]
    assert "另有 1 个单位不到 5 人，不显示" in text_of(page(phone, field.address("board")))


def test_minors_are_never_listed_one_by_one(app: Flask, at: Any, phone: Browser) -> None:
    field = Field(app, rules={"minors": True, "approval": "阳教备 1 号"})
    field.plays(6, field.places[0], 90, nickname="青禾同学", phone=None)
    field.plays(1, field.places[0], 100, nickname="白鹭", phone=SECRET)
    field.count()
    text = text_of(page(own(phone), field.address("board")))
    kept = queries.board(field.made.round.id, "live")

    assert kept is not None
    assert kept.body["leaders"] == []
    assert "青**" not in text
    assert "你现在" not in text
    assert "第1街道" in text


@pytest.mark.parametrize(("board", "sentence"), [("off", "不公布排行榜"), ("hidden", "比赛中不公布")])
def test_a_board_that_is_not_announced_is_not_shown(
    app: Flask, at: Any, phone: Browser, board: str, sentence: str
) -> None:
    field = Field(app, rules={"board": board})
    field.plays(6, field.places[0], nickname="青禾同学", phone=None)
    field.count()
    text = text_of(page(phone, field.address("board")))

    assert sentence in text
    assert "6 人参赛" in text
    assert ("第1街道" in text, "青**" in text) == (False, False)
    hall = text_of(page(phone, field.address("screen")))
    assert ("6 人参赛" in hall, "第1街道" in hall) == (True, False)


def test_players_see_the_frozen_board_and_staff_the_live_one(app: Flask, at: Any, phone: Browser) -> None:
    freezes_at = NOON - timedelta(hours=1)
    field = Field(app, rules={"board": "frozen", "board_freezes_at": freezes_at})
    field.plays(5, field.places[0], nickname="青禾同学")
    late = a_player(field.made, "白鹭", place_id=field.places[0].id, phone=SECRET)
    a_go(field.made, late, 100, submitted_at=NOON - timedelta(minutes=30))
    field.count()
    shown, live = text_of(page(own(phone), field.address("board"))), field.boss.page(field.desk("/board"))

    assert ("已封榜" in shown, "青**" in shown, "白**" in shown) == (True, True, False)
    assert "你现在" not in shown  # the rank would tell what the board hides
    assert "白**" in text_of(live)
    assert "大家看到的是封榜时刻的榜" in text_of(live)


def test_a_phone_that_plays_is_told_its_shared_rank(field: Field, phone: Browser) -> None:
    field.plays(2, None, 90)
    field.plays(1, None, 80, nickname="白鹭", phone=SECRET)
    field.count()

    assert "白鹭，你现在是第 3 名 （" in text_of(page(own(phone), field.address("board")))
    assert "你现在" not in text_of(page(field.app.test_client(), field.address("board")))


def test_in_a_large_field_the_rank_is_worked_out_when_asked_for(
    field: Field, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.plays(1, None, 80, nickname="白鹭", phone=SECRET)
    field.count()
    monkeypatch.setattr("quizsvc.contest.views.RANKED_AT_ONCE", 0)

    assert "看我的名次" in page(own(phone), field.address("board"))
    assert "第 1 名" in text_of(page(phone, field.address("board?mine=1")))


def test_the_excluded_are_not_on_the_board_and_are_told(field: Field, phone: Browser) -> None:
    cheat = field.plays(1, field.places[0], 100, nickname="白鹭", phone=SECRET)[0]
    field.plays(1, field.places[0], 90, nickname="青禾")
    field.count()
    field.rule(cheat, "excluded")
    field.count(NOON + timedelta(seconds=20))
    text = text_of(page(own(phone), field.address("board")))

    assert ("白**" in text, "青**" in text) == (False, True)
    assert "你的成绩目前不计入排名和抽奖" in text
    assert "1 人参赛" in text


def test_unknown_contests_and_other_rounds_have_no_board(field: Field, phone: Browser) -> None:
    test = make.a_round(field.county, field.made.paper, field.made.campaign)
    unannounced = a_contest(field.county, paper=field.made.paper, published=False)

    for code in ("nothing", test.code, unannounced.round.code):
        for tail in ("board", "screen", "screen/live", "appeal"):
            assert phone.get(f"/k/{code}/{tail}").status_code == 404


def test_the_board_before_the_first_count_says_so(field: Field, phone: Browser) -> None:
    assert "还没有成绩" in page(phone, field.address("board"))
    assert "还没有成绩" in page(phone, field.address("screen"))


@pytest.mark.parametrize("players", [3, 12])
def test_pages_take_a_constant_number_of_statements(
    field: Field, phone: Browser, watch: Watch, players: int
) -> None:
    field.plays(players - 1, field.places[0])
    field.plays(1, field.places[1], 80, nickname="白鹭", phone=SECRET, used_s=3)
    field.count()

    def statements(browser: Browser, address: str) -> int:
        with watch.counting() as seen:
            page(browser, address)
        return len(seen)

    stranger = field.app.test_client()
    assert statements(stranger, field.address("board")) == 4
    assert statements(own(phone), field.address("board")) == 8
    assert statements(stranger, field.address("screen")) == 4
    assert statements(stranger, field.address("appeal")) == 2
    assert statements(field.boss.browser, field.desk()) == 14
    assert statements(field.boss.browser, field.desk("?show=all")) == 14


def test_the_big_screen_names_nobody_and_refreshes_itself(field: Field, phone: Browser) -> None:
    field.plays(5, field.places[0], 90, nickname="青禾同学")
    field.count()
    html = page(phone, field.address("screen"))

    assert "第1街道" in html
    assert ("青**" in html, "青禾" in html) == (False, False)
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in html
    assert 'data-every="15"' in html


def test_the_big_screen_is_sent_again_only_when_it_changed(field: Field, phone: Browser) -> None:
    field.plays(5, field.places[0])
    field.count()
    first = phone.get(field.address("screen/live"))
    again = phone.get(field.address("screen/live"), headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert first.headers["X-As-Of"] == "12:00"

    a_go(field.made, a_player(field.made), submitted_at=NOON)
    field.count(NOON + timedelta(seconds=20))
    newer = phone.get(field.address("screen/live"), headers={"If-None-Match": first.headers["ETag"]})
    assert newer.status_code == 200
    assert "6</b> 人参赛" in newer.get_data(as_text=True)


def test_the_worst_items_come_when_all_is_over(field: Field, phone: Browser, at: Any) -> None:
    for player in [a_player(field.made) for _ in range(10)]:
        a_go(field.made, player, 90, correct=[False] + [True] * 9)
    field.count()
    assert "最容易错" not in page(phone, field.address("screen"))

    field.count(at(field.made.round.closes_at + timedelta(minutes=2)))
    text = text_of(page(phone, field.address("screen")))
    assert "大家最容易错的题" in text
    assert "遇到第 brushing-01 种情况，怎么做最稳妥？" in text
    assert "100% 10/10 答错" in text


def test_a_flag_changes_not_a_byte_for_the_player(field: Field, phone: Browser) -> None:
    field.plays(2, None, 80)
    own_player = field.plays(1, None, 90, nickname="白鹭", phone=SECRET)[0]
    field.count()
    addresses = [field.address(tail) for tail in ("board", "appeal", "screen", "me")]
    before = [page(own(phone), address) for address in addresses]

    make.saved(
        queries.Flag(round_id=field.made.round.id, participant_id=own_player.participant_id, kind="too_fast",
                     detail={"goes": 1, "used_s": 3, "items": 10, "floor_s": 30}, found_at=NOON)
    )  # fmt: skip
    field.count()
    assert [page(phone, address) for address in addresses] == before
    assert queries.pending(field.made.round.id) == 1

    field.rule(own_player, "excluded")  # a person's decision does change them
    field.count(NOON + timedelta(seconds=20))
    assert [page(phone, address) for address in addresses[:2]] != before[:2]


def test_the_desk_shows_figures_with_and_without_flagged_and_excluded(field: Field) -> None:
    field.plays(2, None, 100)
    field.plays(1, None, 100, used_s=3)
    cheat = field.plays(1, None, 40)[0]
    field.rule(cheat, "excluded")
    field.count()
    text = text_of(field.boss.page(field.desk()))

    assert "全部 4 4 3/4 75.0% 85.0%" in text
    assert re.search(r"去掉不计入的 3 3 3/3 100% 100%（([\d,]+)/\1 分）", text)
    assert "再去掉有标记、没看过的 2 2 2/2 100% 100%" in text
    assert "1 次太快；最快一次 10 题用了 3 秒，光读题至少要 30 秒" in text


def test_the_desk_lists_by_sign_and_by_decision(field: Field) -> None:
    fast = field.plays(1, None, 100, used_s=3, nickname="白鹭")[0]
    field.count()

    assert "白鹭" in field.boss.page(field.desk())
    assert "白鹭" in field.boss.page(field.desk("?kind=too_fast"))
    assert "白鹭" not in field.boss.page(field.desk("?kind=burst"))
    field.rule(fast, "cleared")
    assert "白鹭" not in field.boss.page(field.desk())
    assert "看过，没有问题" in field.boss.page(field.desk("?show=all&kind=nonsense&after=x"))
    field.rule(fast, "excluded")
    assert "白鹭" in field.boss.page(field.desk("?show=excluded"))


def test_whoever_only_reads_sees_masked_names_and_no_buttons(field: Field) -> None:
    player = field.plays(1, None, 100, used_s=3, nickname="白鹭飞飞")[0]
    field.count()
    auditor = Desk(field.app, "auditor", ("auditor", field.county))

    for tail in ("", f"/{player.participant_id}"):
        html = auditor.page(field.desk(tail))
        assert ("白**" in html, "白鹭" in html, 'name="words"' in html) == (True, False, False)
    response = auditor.post(
        field.desk(f"/{player.participant_id}/excluded"), words="不应当能做", cause="other"
    )
    assert response.status_code == 404


def test_a_case_shows_the_goes_behind_the_figures(field: Field) -> None:
    player = field.plays(1, None, 100, used_s=25, nickname="白鹭")[0]
    field.count()
    text = text_of(field.boss.page(field.desk(f"/{player.participant_id}")))

    assert "12 月 1 日 09:59 阳光县 100/100 10 25 秒 2.5 秒 手机 1" in text
    assert player.entry_id not in text  # nowhere beside a nickname
    assert (player.device_hash or "")[:12] not in text


def test_a_decision_needs_a_reason_and_is_on_record(field: Field) -> None:
    player = field.plays(1, None, 100, used_s=3)[0]
    field.count()
    address = field.desk(f"/{player.participant_id}/excluded")
    for fields in ({"words": "太快", "cause": "too_fast"}, {"words": "三秒答完十题", "cause": "luck"}):
        refused = field.boss.post(address, **fields)
        assert (refused.status_code, db.session.query(Ruling).count()) == (400, 0)

    given = {"words": "三秒答完十题，核实过", "cause": "too_fast"}
    assert field.boss.post(address, **given).status_code == 303
    ruling = db.session.query(Ruling).one()
    assert (ruling.verdict, ruling.cause, ruling.reason) == ("excluded", "too_fast", "三秒答完十题，核实过")
    entry = audit.newest(limit=1)[0]
    assert (entry.action, entry.on) == ("contest.excluded", f"participant:{player.participant_id}")
    assert "三秒" not in entry.detail
    assert db.session.query(AuditDetail.value).filter_by(seq=entry.seq).scalar() == "三秒答完十题，核实过"
    again = field.boss.post(address, **given)
    assert again.status_code == 409
    assert (
        field.boss.post(field.desk(f"/{player.participant_id}/restored"), words="查错了人").status_code == 303
    )
    assert queries.excluded(field.made.round.id) == frozenset()
    assert (
        field.boss.post(field.desk(f"/{player.participant_id}/restored"), words="查错了人").status_code == 409
    )


def test_a_decision_is_about_a_player_of_this_contest(field: Field) -> None:
    player = field.plays(1)[0]
    other = a_contest(field.county, paper=field.made.paper, campaign=field.made.campaign)
    address = f"/staff/contests/{other.round.id}/review/{player.participant_id}"

    assert field.boss.get(address).status_code == 404
    assert field.boss.post(f"{address}/excluded", words="别的一场的人", cause="other").status_code == 404


def test_several_are_cleared_for_one_reason_and_the_excluded_stay_out(field: Field) -> None:
    players = field.plays(3, None, 100, used_s=3)
    honest = field.plays(1)[0]
    field.count()
    field.rule(players[0], "excluded", NOON - timedelta(hours=1))
    ids = [player.participant_id for player in [*players, honest]]

    refused = field.boss.post(field.desk("/cleared"), player=[], words="现场活动，已核实")
    assert refused.status_code == 400
    response = field.boss.post(field.desk("/cleared"), player=ids, words="现场活动，已核实")
    assert response.status_code == 303
    assert queries.excluded(field.made.round.id) == {players[0].participant_id}
    assert {row.participant_id for row in db.session.query(Ruling).filter_by(verdict="cleared")} == {
        players[1].participant_id,
        players[2].participant_id,
    }


def test_a_player_objects_once_and_is_answered(field: Field, phone: Browser) -> None:
    player = field.plays(1, None, 100, used_s=3, nickname="白鹭", phone=SECRET)[0]
    field.count()
    address = field.address("appeal")
    assert "没有要申诉的" in page(own(phone), address)
    assert phone.post(address, data={"words": "我什么也没做"}).status_code == 404

    field.rule(player, "excluded", reason="内部写的原因")
    html = page(phone, address)
    assert "原因类别：作答时间" in html
    assert "内部写的原因" not in html
    assert phone.post(address, data={"words": "冤"}).status_code == 400
    assert phone.post(address, data={"words": "我玩了十天，都背下来了"}).status_code == 303
    assert phone.post(address, data={"words": "我玩了十天，都背下来了"}).status_code == 409
    assert queries.open_appeals(field.made.round.id) == 1
    assert "我玩了十天" in field.boss.page(field.desk(f"/{player.participant_id}"))
    assert "有申诉" in field.boss.page(field.desk("?show=appeals"))

    db.session.commit()
    answering = field.desk(f"/{player.participant_id}/answer")
    assert field.boss.post(answering, words="核对过了，属实，已恢复").status_code == 303
    assert field.boss.post(answering, words="核对过了，属实，已恢复").status_code == 409
    assert "核对过了，属实" in page(phone, address)
    field.rule(player, "restored", reason="申诉属实")
    assert "已恢复计入" in page(phone, address)
    field.rule(player, "excluded", reason="又发现新情况")  # a new exclusion may be objected to anew
    assert phone.post(address, data={"words": "再看一次吧"}).status_code == 303


def test_a_strangers_phone_has_nothing_to_appeal(field: Field, phone: Browser) -> None:
    player = field.plays(1, None, 100, used_s=3)[0]
    field.count()
    field.rule(player, "excluded")

    assert "这台手机没有参加" in page(phone, field.address("appeal"))
    assert phone.post(field.address("appeal"), data={"words": "替别人申诉"}).status_code == 404


def test_appeals_end_with_the_days_for_objections(field: Field, phone: Browser, at: Any) -> None:
    player = field.plays(1, None, 100, used_s=3, phone=SECRET)[0]
    field.rule(player, "excluded")
    ends = field.made.round.closes_at + timedelta(days=field.made.rules.published_days)
    at(ends - timedelta(seconds=1))
    assert "我要申诉" in page(own(phone), field.address("appeal"))

    at(ends)
    assert "截止了" in page(phone, field.address("appeal"))
    assert phone.post(field.address("appeal"), data={"words": "现在才看到"}).status_code == 410


def test_the_desk_says_who_had_decided(field: Field, phone: Browser) -> None:
    player = field.plays(1, None, 100, used_s=3, phone=SECRET)[0]
    field.count()
    field.boss.post(field.desk(f"/{player.participant_id}/excluded"), words="三秒答完十题", cause="other")
    own(phone).post(field.address("appeal"), data={"words": "我是背熟了"})
    other = Desk(field.app, "other", ("organizer", field.county))

    assert "当初是你决定的" in field.boss.page(field.desk(f"/{player.participant_id}"))
    assert "当初是你决定的" not in other.page(field.desk(f"/{player.participant_id}"))


def test_links_are_counted_by_unit(field: Field) -> None:
    far = make.a_link(field.made.round, field.trade, code="C0000Z9")
    for _ in range(2):
        a_go(field.made, a_player(field.made, link=far), 100, link=far)
    field.plays(1)
    field.count()
    lines = queries.by_link(field.made.round.id)

    assert [(line.unit_name, line.players, line.qualified, line.mean.text) for line in lines] == [
        ("教育系统", 2, 2, "100%"),
        ("阳光县", 1, 0, "50.0%"),
    ]


def test_erasing_takes_players_and_leaves_counts(field: Field, phone: Browser) -> None:
    player = field.plays(1, field.places[0], 100, used_s=3, nickname="白鹭", phone=SECRET)[0]
    field.plays(6, field.places[0], 90, nickname="青禾")
    field.count()
    field.rule(player, "excluded")
    own(phone).post(field.address("appeal"), data={"words": "我是背熟了"})
    field.count(NOON + timedelta(seconds=20))
    db.session.commit()

    with pytest.raises(Refusal, match="还没有到"):
        operations.erase_scores(round_id=field.made.round.id, at=NOON)
    due = NOON + timedelta(days=60)
    assert operations.erase_scores(round_id=field.made.round.id, at=due) == 7
    assert operations.erase_scores(round_id=field.made.round.id, at=due) == 0
    for table in (Score, Ruling, queries.Flag, queries.Appeal):
        assert db.session.query(table).count() == 0
    body = db.session.query(Board.body).filter_by(stage="live").scalar()
    assert body["leaders"] == []
    assert body["boards"][0]["lines"][0]["players"] == 6
