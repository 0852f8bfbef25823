"""The editor, the page before publishing, and what everybody reads."""

import hashlib
import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from quizsvc.campaign.models import Campaign, Round
from quizsvc.core import rulebook
from quizsvc.db import db
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Unit
from quizsvc.rulebook import queries
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.support import Browser, Watch

CALM = "不收费、不要密码验证码、不用转发。"


@pytest.fixture(autouse=True)
def before_the_start(at: Any) -> None:
    at(make.OPENS.replace(month=11))


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the editor, untouched."""
    form = re.search(r'<form class="stack" id="rules".*?</form>', page, re.S).group()
    found = dict(re.findall(r'<input[^>]*name="([\w-]+)"[^>]*?value="([^"]*)"', form))
    found |= {
        name: text.removeprefix("\r\n").removeprefix("\n")
        for name, text in re.findall(r'<textarea[^>]*name="([\w-]+)"[^>]*>(.*?)</textarea>', form, re.S)
    }
    for name, options in re.findall(r'<select[^>]*name="([\w-]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option selected value="(\w+)"', options)
        found[name] = chosen.group(1) if chosen else ""
    for box in re.findall(r'<input[^>]*type="checkbox"[^>]*>', form):
        if "checked" not in box:
            found.pop(re.search(r'name="([\w-]+)"', box).group(1), None)
    return {name: unescape(value) for name, value in found.items() if name != "csrf_token"}


def address(contest: Round, part: str = "") -> str:
    return f"/staff/contests/{contest.id}/rules{part}"


def complete(desk: Desk, contest: Round, **changes: str) -> dict[str, str]:
    """The suggested texts with what only the organizer knows."""
    return {
        **fields(desk.page(address(contest))),
        "tiers-0-item": "平板电脑", "tiers-1-item": "耳机", "tiers-2-item": "杯子",
        "tiers-0-value_yuan": "1500", "tiers-1-value_yuan": "200", "tiers-2-value_yuan": "0",
        "sources-0-kind": "drand", "sources-0-name": "drand 第 5000000 轮", "sources-0-at": "2026-12-22T12:00",
        "published_where": "县教育局网站", "contact": "县教育局 96110", **changes,
    }  # fmt: skip


def publish(desk: Desk, contest: Round, **given: str) -> Any:
    page = desk.page(address(contest, "/publish"))
    hidden = {
        name: value
        for name, value in re.findall(r'name="(looked_at|after)" type="hidden" value="(\w*)"', page)
    }
    return desk.post(address(contest, "/publish"), **{**hidden, "confirmation": "quiz-2026", **given})


# --- the editor


def test_organizer_fills_in_few_fields_and_publishes(bureau: Desk, contest: Round, phone: Browser) -> None:
    first = bureau.page(address(contest))
    assert "还没有公布" in first
    assert phone.get("/k/quiz-2026").status_code == 404

    saved = bureau.post(address(contest), step="publish", **complete(bureau, contest))
    assert (saved.status_code, saved.location) == (303, address(contest, "/publish"))
    done = publish(bureau, contest)
    assert (done.status_code, done.location) == (303, address(contest))

    page = text_of(phone.get("/k/quiz-2026").get_data(as_text=True))
    assert "共 26 份奖品" in page
    assert CALM in page
    assert "drand 第 5000000 轮（2026年12月22日 12:00）" in page
    assert "现行第 1 版" in bureau.page(address(contest))


def test_suggested_texts_lack_what_only_the_organizer_knows(bureau: Desk, contest: Round) -> None:
    page = text_of(bureau.page(address(contest)))

    assert "还缺 9 处 奖项 ：一等奖：请写明奖品是什么。 奖项 ：一等奖：请写明每份价值多少元" in page
    for missing in ("公开号码 ：公开号码合起来至少要有 64 比特", "在哪里公示 ：", "投诉和咨询 ："):
        assert missing in page


def test_editor_gives_back_what_was_saved(bureau: Desk, contest: Round) -> None:
    bureau.post(address(contest), step="save", **complete(bureau, contest, minors="y", qualifies="100；87.5"))
    first = queries.draft(contest.id).rules

    assert (first.minors, first.qualifies, first.sources[0].bits) == (True, (10000, 8750), 256)
    again = fields(bureau.page(address(contest)))
    assert bureau.post(address(contest), step="save", **again).status_code == 303
    assert queries.draft(contest.id).rules == first


def test_rows_are_added_and_taken_away_without_saving(bureau: Desk, contest: Round) -> None:
    sent = complete(bureau, contest)

    more = bureau.post(address(contest), step="add-tier", **sent)
    assert more.status_code == 200
    assert {name for name in fields(more.get_data(as_text=True)) if name.endswith("-item")} == {
        f"tiers-{place}-item" for place in range(4)
    }
    fewer = fields(bureau.post(address(contest), step="drop-tier:tiers-0", **sent).get_data(as_text=True))
    assert [value for name, value in fewer.items() if name.endswith("-item")] == ["耳机", "杯子"]
    none = fields(bureau.post(address(contest), step="drop-source:sources-0", **sent).get_data(as_text=True))
    assert [name for name in none if name.startswith("sources")] == []
    bare = {name: value for name, value in sent.items() if not name.startswith("sources")}
    one = fields(bureau.post(address(contest), step="add-source", **bare).get_data(as_text=True))
    assert "sources-0-name" in one
    full = {**sent, **{f"tiers-{place}-name": "奖" for place in range(12)}}
    still = fields(bureau.post(address(contest), step="add-tier", **full).get_data(as_text=True))
    assert len([name for name in still if name.endswith("-item")]) == rulebook.MOST_TIERS
    assert queries.draft(contest.id) is None


def test_what_is_missing_is_listed_while_typing(bureau: Desk, contest: Round) -> None:
    sent = complete(bureau, contest)

    def told(**changes: str) -> str:
        answer = bureau.post(address(contest), step="check", **{**sent, **changes})
        assert answer.status_code == 200
        return text_of(re.search("<aside.*</aside>", answer.get_data(as_text=True), re.S).group())

    assert "内容齐了" in told()
    assert "还缺 1 处 税费 ：请写明税费由谁承担。" in told(tax=" ")
    for unreadable in ({"qualifies": "?"}, {"draw_at": "0001-01-01T00:00"}, {"who": "\x00"}):
        assert "有的地方还读不出来" in told(**unreadable)
    assert queries.draft(contest.id) is None


def test_blank_rows_are_no_rows(bureau: Desk, contest: Round) -> None:
    blank = {
        "tiers-3-name": "",
        "tiers-3-number": "",
        "tiers-3-by": "draw",
        "sources-1-kind": "dice",
        "sources-1-name": "",
    }

    bureau.post(address(contest), step="save", **complete(bureau, contest), **blank)

    draft = queries.draft(contest.id).rules
    assert (len(draft.tiers), len(draft.sources)) == (3, 1)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("qualifies", "很多", "请写百分数"),
        ("qualifies", "", "请填写这一项"),
        ("qualifies", "，", "请写百分数"),
        ("published_days", "x", "公示天数："),
        ("tiers-0-number", "100001", "名额："),
        ("sources-0-at", "", "请写明什么时候开出"),
        ("sources-0-at", "0001-01-01T00:00", "年份要在 2020 到 2099 之间"),
        ("strategy", "luck", "怎么排名次："),
        ("who", "字" * 1001, "最多写 1000 个字"),
        ("contact", "a\x00b", "显示不出来的字符"),
        ("contact", "\ufffe", "显示不出来的字符"),
    ],
)
def test_fault_is_told_and_nothing_typed_is_lost(
    bureau: Desk, contest: Round, field: str, typed: str, said: str
) -> None:
    answer = bureau.post(
        address(contest), step="save", **complete(bureau, contest, **{field: typed, "tax": "另写"})
    )
    page = answer.get_data(as_text=True)

    assert answer.status_code == 400
    assert said in text_of(page)
    assert fields(page)["tax"] == "另写"
    assert queries.draft(contest.id) is None


def test_odd_names_of_rows_are_not_there(bureau: Desk, contest: Round) -> None:
    odd = {
        "tiers-²-name": "x",
        "tiers-99999-name": "x",
        "sources--1-name": "x",
        "tiers-x": "y",
        "step": "drop-tier:",
    }

    assert bureau.post(address(contest), **{**complete(bureau, contest), **odd}).status_code == 200
    assert (
        bureau.post(
            address(contest), step="save", **complete(bureau, contest), **{"tiers-²-name": "x"}
        ).status_code
        == 303
    )
    assert len(queries.draft(contest.id).rules.tiers) == 3


@pytest.mark.parametrize("seen", ["", "x", "2026-11-01T00:00:00", "0001-01-01T00:00:00+14:00"])
def test_draft_saved_by_somebody_else_is_shown_before_it_is_lost(
    bureau: Desk, contest: Round, seen: str
) -> None:
    sent = complete(bureau, contest)
    bureau.post(address(contest), step="save", **{**sent, "who": "别人写的"})

    late = bureau.post(address(contest), step="save", **{**sent, "who": "我写的", "seen": seen})
    page = late.get_data(as_text=True)

    assert late.status_code == 409
    assert "刚才有别人保存过" in page
    assert queries.draft(contest.id).rules.who == "别人写的"
    bureau.post(address(contest), step="save", **fields(page))
    assert queries.draft(contest.id).rules.who == "我写的"


def test_preview_is_what_everybody_will_see(bureau: Desk, contest: Round, phone: Browser) -> None:
    assert bureau.get(address(contest, "/preview")).status_code == 409
    bureau.post(address(contest), step="save", **complete(bureau, contest))

    preview = text_of(bureau.page(address(contest, "/preview")))
    publish(bureau, contest)
    public = text_of(phone.get("/k/quiz-2026").get_data(as_text=True))

    assert "这是预览，还没有公布" in preview
    rules = preview[preview.index("每人每天可以答 3 次，") :].strip()
    assert rules in public


# --- publishing


def test_page_before_publishing_says_what_cannot_be_taken_back(bureau: Desk, contest: Round) -> None:
    assert bureau.get(address(contest, "/publish")).status_code == 409
    bureau.post(address(contest), step="save", **complete(bureau, contest, tax=""))
    held = text_of(bureau.page(address(contest, "/publish")))
    assert "还不能公布 税费 ：请写明税费由谁承担。" in held
    assert "公布以后就不能收回" not in held

    bureau.post(address(contest), step="save", **complete(bureau, contest, tax="主办单位付"))
    page = text_of(bureau.page(address(contest, "/publish")))
    assert "公布以后就不能收回" in page
    assert "奖品、名额、价值、谁可以参加" in page


def test_wrong_confirmation_or_another_draft_publishes_nothing(bureau: Desk, contest: Round) -> None:
    bureau.post(address(contest), step="save", **complete(bureau, contest))

    for given in (
        {"confirmation": "quiz"},
        {"looked_at": "0" * 64},
        {"after": "1"},
        {"after": "²"},
        {"after": ""},
    ):
        answer = publish(bureau, contest, **given)
        assert 400 <= answer.status_code < 500
        assert "没有公布" in answer.get_data(as_text=True)

    assert queries.versions(contest.id) == []


def test_change_after_the_start_is_dated_and_told(
    app: Flask, county: Unit, bureau: Desk, contest: Round, phone: Browser, at: Any
) -> None:
    bureau.post(address(contest), step="save", **complete(bureau, contest))
    publish(bureau, contest)
    at(NOON)
    bureau = Desk(app, "bureau-2", ("organizer", county))  # the other sign-in has run out by then
    sent = fields(bureau.page(address(contest)))
    bureau.post(address(contest), step="save", **{**sent, "tiers-0-number": "9"})
    assert "比赛已经开始，“奖项”不能再改。" in bureau.page(address(contest, "/publish"))
    assert publish(bureau, contest, reason="试试").status_code == 409

    sent = fields(bureau.page(address(contest)))
    bureau.post(address(contest), step="save", **{**sent, "tiers-0-number": "1", "contact": "新电话 12345"})
    before = text_of(bureau.page(address(contest, "/publish")))
    assert "和现行第 1 版的不同 投诉和咨询 县教育局 96110 新电话 12345" in before
    assert publish(bureau, contest).status_code == 400
    assert publish(bureau, contest, reason="电话换了").status_code == 303

    page = text_of(phone.get("/k/quiz-2026").get_data(as_text=True))
    assert "开赛后规则有更新 第 2 版 ，12 月 12 日 12:00：电话换了" in page
    assert "这一版改了什么 为什么改：电话换了 投诉和咨询 县教育局 96110 新电话 12345" in page
    old = text_of(phone.get("/k/quiz-2026/rules/1").get_data(as_text=True))
    assert "这是旧版规则 现在照 第 2 版 办。" in old
    assert "县教育局 96110" in old
    assert "新电话" not in old
    assert "和现行的规则完全一样" in bureau.page(address(contest, "/publish"))


def test_round_that_changed_since_is_told_until_a_new_version(bureau: Desk, contest: Round) -> None:
    bureau.post(address(contest), step="save", **complete(bureau, contest))
    publish(bureau, contest)
    warning = "规则写的和场次不一致"
    assert warning not in bureau.page(address(contest))
    db.session.execute(update(Round).values(closes_at=make.CLOSES.replace(hour=11)))
    db.session.commit()

    assert warning in bureau.page(address(contest))
    assert "截止时间 2026年12月20日 18:00 2026年12月20日 19:00" in text_of(bureau.page(address(contest)))
    assert publish(bureau, contest, reason="延长一小时").status_code == 303
    assert warning not in bureau.page(address(contest))


# --- everybody


def test_published_text_is_sent_as_it_is_hashed(county: Unit, phone: Browser) -> None:
    contest = make.a_contest(county, paper=make.a_paper(), code="quiz-2026")

    answer = phone.get("/k/quiz-2026/rules/1.json")

    assert answer.mimetype == "application/json"
    assert answer.get_data() == rulebook.text(rulebook.written(contest.rules)).encode()
    assert hashlib.sha256(answer.get_data()).hexdigest() == queries.in_force(contest.round.id).hash
    assert queries.in_force(contest.round.id).hash[:16] in phone.get("/k/quiz-2026").get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    ["nothing", "quiz-2026", "test-1", "quiz-2026/rules/0", "quiz-2026/rules/2", "quiz-2026/rules/9.json"],
)
def test_what_is_not_announced_is_not_there(county: Unit, contest: Round, phone: Browser, path: str) -> None:
    make.a_round(county, paper=db.session.get(Paper, contest.paper_id), code="test-1")
    if "/" in path:
        make.announce(contest)

    answer = phone.get(f"/k/{path}")

    assert answer.status_code == 404
    assert "没有这个竞赛，或者规则还没有公布。" in answer.get_data(as_text=True)


def test_page_leads_on_while_the_contest_runs_and_after(county: Unit, phone: Browser, at: Any) -> None:
    contest = make.a_contest(county, paper=make.a_paper(), code="quiz-2026", rules={"board": "off"})

    running = phone.get("/k/quiz-2026").get_data(as_text=True)
    assert "请扫本单位的二维码参赛" in running
    assert 'href="/k/quiz-2026/me"' in running
    assert 'href="/k/quiz-2026/board"' not in running
    at(contest.round.closes_at)
    assert "比赛已经结束" in phone.get("/k/quiz-2026").get_data(as_text=True)


def test_test_campaign_is_marked_everywhere(bureau: Desk, contest: Round, phone: Browser) -> None:
    db.session.execute(update(Campaign).values(is_test=True))
    db.session.commit()
    assert "测试活动不能设奖品" in bureau.page(address(contest))

    make.announce(contest, tiers=())

    for page in (phone.get("/k/quiz-2026").get_data(as_text=True), bureau.page(address(contest))):
        assert "测试·不计入" in page
    assert "没有奖品" in phone.get("/k/quiz-2026").get_data(as_text=True)


def test_pages_cost_the_same_whatever_is_on_them(
    county: Unit, contest: Round, bureau: Desk, phone: Browser, watch: Watch
) -> None:
    def counted(browser: Any, path: str) -> int:
        with watch.counting() as seen:
            assert browser.get(path).status_code == 200
        return len(seen)

    costs = []
    for number in range(3):
        make.announce(contest, contact=f"电话 {number}")
        costs.append((counted(phone, "/k/quiz-2026"), counted(phone, "/k/quiz-2026/rules/1")))

    assert costs == [(2, 2)] * 3
    bureau.post(address(contest), step="save", **fields(bureau.page(address(contest))))
    assert [counted(bureau, address(contest, part)) for part in ("", "/preview", "/publish")] == [8, 5, 6]


def test_only_organizers_of_the_campaign_write_rules(app: Flask, contest: Round, county: Unit) -> None:
    elsewhere = make.a_unit("hb", "湖滨县", "county")
    strangers = (Desk(app, "hb", ("organizer", elsewhere)), Desk(app, "clerk", ("clerk", county)))

    for desk in strangers:
        for part in ("", "/preview", "/publish"):
            assert desk.get(address(contest, part)).status_code == 404
            assert desk.post(address(contest, part)).status_code in (404, 405)


def test_round_that_is_no_contest_has_no_rules(bureau: Desk, county: Unit) -> None:
    test = make.a_round(county, paper=make.a_paper(pool=[make.an_item("x-1")]))

    answer = bureau.get(address(test))

    assert answer.status_code == 409
    assert "这个场次不是竞赛" in answer.get_data(as_text=True)
