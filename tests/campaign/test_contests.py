"""Opening contests: what they may be, what is refused, from the page and from the command line."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from quizsvc.audit import CLI, AuditEntry
from quizsvc.campaign import operations, queries
from quizsvc.campaign.cli import round_
from quizsvc.campaign.models import Round, RoundPaper
from quizsvc.campaign.operations import RoundPlan
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link import operations as links
from quizsvc.paper.models import Paper
from tests import make
from tests.campaign.conftest import County
from tests.desk import Desk, text_of

NOON = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CONTEST: dict[str, Any] = {
    "code": "contest-1", "title": "全民反诈知识竞赛", "kind": "contest", "identity": "nickname", "per": "day",
    "opens_at": datetime(2026, 12, 13, 16, 0, tzinfo=UTC), "closes_at": datetime(2026, 12, 20, 16, 0, tzinfo=UTC),
    "review_after_submit": ("score",),
}  # fmt: skip


def another_paper(code: str, items: int = 5, drawn: int = 3) -> Paper:
    return make.a_paper(pool=[make.an_item(f"{code}-{n}") for n in range(items)], drawn=drawn)


def opened(county: County, **changes: Any) -> queries.RoundRow:
    values = {**CONTEST, "paper_id": county.paper.id, "unit_ids": (county.unit.id,), **changes}
    plan = RoundPlan(**values)
    return queries.round_of(
        operations.open_round(campaign_id=county.campaign.id, plan=plan, at=NOON, actor=CLI)
    )


def test_contest_keeps_what_was_decided(county: County) -> None:
    practice, scene = another_paper("practice"), another_paper("scene")
    row = opened(
        county, pace="strict", item_s=30, limit_s=600, practice_paper_id=practice.id, place_root_id=county.unit.id,
        trade_root_id=county.school.id, papers={("2026-12-15", ""): scene.id},
    )  # fmt: skip

    assert (row.kind, row.is_contest, row.is_public, row.per, row.pace, row.item_s) == (
        "contest", True, True, "day", "strict", 30,
    )  # fmt: skip
    assert (row.practice_paper_id, row.place_root_id, row.trade_root_id) == (
        practice.id, county.unit.id, county.school.id,
    )  # fmt: skip
    assert queries.round_papers(row.id) == {("2026-12-15", ""): scene.id}
    assert row.review_after_submit == ("score",)
    told = json.loads(db.session.query(AuditEntry.detail).filter_by(action="round.open").scalar())
    assert (told["kind"], told["papers"]) == ("contest", [["2026-12-15", "", scene.id]])


def test_contest_of_seats_needs_nothing_more(county: County) -> None:
    row = opened(county, identity="seat", per="round")
    assert (row.is_contest, row.is_public) == (True, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identity": "roster"}, "认人方式只能是：nickname、seat"),
        ({"per": "week"}, "次数"),
        ({"pace": "slow"}, "作答方式"),
        ({"late": "accept_flagged"}, "不收迟交的"),
        ({"late": "reject"}, "不收迟交的"),
        ({"counted": "first"}, "最好的一次"),
        ({"review_after_submit": ("score", "answers", "key")}, "交卷后只能看得分"),
        ({"review_after_submit": ("answers",)}, "交卷后只能看得分"),
        ({"item_s": 30}, "每题限时只在一题一题作答时才有"),
        ({"pace": "strict"}, "一题一题作答要限时"),
        ({"pace": "strict", "item_s": 4}, "5 到 600 秒"),
        ({"pace": "strict", "item_s": 601}, "5 到 600 秒"),
        ({"papers": {("2026-12-13", ""): 1}}, "2026-12-13 不在开放的日子里"),
        ({"papers": {("2026-12-22", ""): 1}}, "2026-12-22 不在开放的日子里"),
        ({"papers": {("", f"角色{n}"): 1 for n in range(9)}}, "8 种角色"),
        ({"papers": {("2026-12-14", ""): 999_999}}, "都要是已定稿的测试卷"),
        ({"practice_paper_id": 999_999}, "都要是已定稿的测试卷"),
        ({"place_root_id": 999_999}, "所在地要选一个下面有"),
        ({"trade_root_id": 999_999}, "行业要选一个下面有"),
        ({"identity": "seat", "place_root_id": 1}, "点序号的竞赛不问"),
        ({"identity": "seat", "papers": {("", "家长"): 1}}, "点序号的竞赛不问"),
    ],
)
@ON_SQLITE
def test_contest_that_would_not_be_fair_is_refused(
    county: County, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refusal, match=said):
        opened(county, **changes)
    db.session.rollback()
    assert (db.session.query(Round).count(), db.session.query(RoundPaper).count()) == (0, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"per": "day"}, {"pace": "strict"}, {"item_s": 30}, {"practice_paper_id": 1}, {"place_root_id": 1},
        {"trade_root_id": 1}, {"papers": {("", "家长"): 1}},
    ],
)  # fmt: skip
@ON_SQLITE
def test_test_has_nothing_that_only_contests_have(county: County, changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="只有竞赛才有"):
        opened(county, **{"kind": "test", "identity": "seat", "per": "round", **changes})


def test_papers_of_another_weight_are_refused(county: County) -> None:
    scene = another_paper("scene", drawn=4)
    with pytest.raises(Refusal, match=r"各份试卷的题数和总分要一样.*3 题 30 分.*4 题 40 分"):
        opened(county, papers={("2026-12-15", ""): scene.id})


def test_practice_with_items_of_the_contest_is_refused(county: County) -> None:
    scene = another_paper("scene")
    with pytest.raises(Refusal, match="练习卷里有 5 道竞赛的题（例如 brushing-01）"):
        opened(county, practice_paper_id=county.paper.id)
    with pytest.raises(Refusal, match="练习卷里有 5 道竞赛的题（例如 scene-0）"):
        opened(county, practice_paper_id=scene.id, papers={("2026-12-15", ""): scene.id})


def test_places_and_trades_are_two_trees(county: County) -> None:
    with pytest.raises(Refusal, match="两个不同的上级"):
        opened(county, place_root_id=county.unit.id, trade_root_id=county.unit.id)


def test_contest_ends_for_everybody_at_once_and_for_good(county: County) -> None:
    row = opened(county)
    links.issue_links(round_id=row.id, unit_ids=[county.school.id], at=NOON, actor=CLI)
    later = row.closes_at + timedelta(days=1)
    with pytest.raises(Refusal, match="结束时间对谁都一样"):
        links.extend(link_id=1, closes_at=later, at=NOON, actor=CLI)
    operations.prolong(round_id=row.id, closes_at=later, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="竞赛已经结束，不能再延长"):
        operations.prolong(round_id=row.id, closes_at=later + timedelta(days=1), at=later, actor=CLI)


# --- the page


FORM = {
    "title": "全民反诈知识竞赛", "code": "contest-1", "opens_at": "2026-12-14T00:00", "closes_at": "2026-12-21T00:00",
    "identity": "nickname", "limit_min": "10", "attempts": "3", "per": "day", "pace": "sheet", "item_s": "",
    "threshold_percent": "80", "papers": "", "practice_paper_id": "0", "place_root_id": "0", "trade_root_id": "0",
    "review_after_close": ["score", "answers", "key", "explanation"],
}  # fmt: skip


def posted(bureau: Desk, county: County, **changes: Any) -> Any:
    values = {**FORM, "paper_id": str(county.paper.id), "unit_ids": [str(county.unit.id)], **changes}
    return bureau.post(f"/staff/campaigns/{county.campaign.id}/rounds/new?kind=contest", **values)


def test_contest_is_opened_from_its_own_form(county: County, bureau: Desk) -> None:
    scene, practice = another_paper("scene"), another_paper("practice")
    answer = posted(
        bureau, county, papers=f"2026-12-15 {scene.code}\r\n\r\n2026-12-16 {scene.code}",
        practice_paper_id=str(practice.id), place_root_id=str(county.unit.id),
    )  # fmt: skip

    assert answer.status_code == 303, answer.text
    row = queries.round_by_code("contest-1")
    assert (row.kind, row.identity, row.per, row.late, row.counted) == (
        "contest", "nickname", "day", "submit_from_saved", "best",
    )  # fmt: skip
    assert (row.review_after_submit, row.review_after_close) == (
        ("score",), ("score", "answers", "key", "explanation"),
    )  # fmt: skip
    assert list(queries.round_papers(row.id)) == [("2026-12-15", ""), ("2026-12-16", "")]
    raw = bureau.page(answer.location)
    page = text_of(raw)
    for address in (f"/staff/contests/{row.id}", "/staff/contests/requests"):
        assert f'href="{address}"' in raw
    for said in (
        "每人每天 3 次，成绩和名次按公布的规则计", "自己起昵称", "从“阳光县”的下一级里挑", practice.code,
        f"2026-12-15 {scene.code}；2026-12-16 {scene.code}", "公布以后才能开始答",
    ):  # fmt: skip
        assert said in page, said


def test_each_form_asks_for_its_own(county: County, bureau: Desk) -> None:
    here = f"/staff/campaigns/{county.campaign.id}/rounds/new"
    plain, contest = bureau.page(here), bureau.page(f"{here}?kind=contest")
    asked = [set(re.findall(r'name="([a-z_]+)"', page)) for page in (plain, contest)]

    assert asked[1] - asked[0] == {
        "per", "pace", "item_s", "papers", "practice_paper_id", "place_root_id", "trade_root_id",
    }  # fmt: skip
    assert asked[0] - asked[1] == {"late", "counted", "review_after_submit"}
    assert f'href="{here}?kind=contest"' in bureau.page(f"/staff/campaigns/{county.campaign.id}")
    assert 'value="nickname"' not in plain
    assert "别人还在答同样的题" in contest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"papers": "scenes-1"}, "第 1 行没有看懂"),
        ({"papers": "2026-12-15 none"}, "没有代号是“none”的试卷"),
        ({"pace": "strict", "limit_min": ""}, "一题一题作答要限时"),
        ({"item_s": "3"}, "每题限时（秒）"),
        ({"practice_paper_id": "999999"}, "练习卷"),
        ({"identity": "roster"}, "认人方式"),
    ],
)
@ON_SQLITE
def test_contest_form_with_faults_is_shown_again(
    county: County, bureau: Desk, changes: dict[str, str], said: str
) -> None:
    answer = posted(bureau, county, **changes)

    page = answer.get_data(as_text=True)
    assert (answer.status_code, said in page, "新建有奖竞赛" in page) == (400, True, True)
    assert db.session.query(Round).count() == 0


# --- the command line


def test_contest_is_opened_from_the_command_line(app: Flask, county: County, at: Any) -> None:
    at(NOON)
    scene, practice = another_paper("scene"), another_paper("practice")
    words = [
        "open", "--campaign", "autumn", "--code", "c-1", "--paper", county.paper.code, "--unit", "yg/", "--kind",
        "contest", "--identity", "nickname", "--opens", "2026-12-14T00:00", "--closes", "2026-12-20T00:00", "--per",
        "day", "--pace", "strict", "--item-s", "20", "--practice", practice.code, "--places", "yg/", "--trades",
        "yg/sy/", "--also", f"2026-12-15 {scene.code}",
    ]  # fmt: skip
    said = CliRunner().invoke(round_, words, obj=None, catch_exceptions=False)

    assert said.output == "已写入：场次 c-1\n"
    row = queries.round_by_code("c-1")
    assert (row.pace, row.item_s, row.per, row.review_after_submit, row.place_root_id, row.trade_root_id) == (
        "strict", 20, "day", ("score",), county.unit.id, county.school.id,
    )  # fmt: skip
    assert queries.round_papers(row.id) == {("2026-12-15", ""): scene.id}
