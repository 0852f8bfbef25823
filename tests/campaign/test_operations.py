"""Opening campaigns and rounds: what is kept, what is refused, what is audited."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from quizsvc.audit import CLI, AuditEntry
from quizsvc.campaign import operations, queries
from quizsvc.campaign.models import Campaign, OfficialAccount, Round, RoundUnit
from quizsvc.campaign.operations import CampaignPlan, RoundPlan
from quizsvc.core.refusal import Refusal
from quizsvc.core.window import Closed, NotOpenYet
from quizsvc.db import db
from tests import make
from tests.campaign.conftest import County, a_picture

NOON = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
PLAN = {
    "code": "2026-autumn", "name": "2026 秋季反诈测试", "term": make.TERM, "target_on": date(2026, 12, 20),
    "organisers": ("阳光县教育局", "阳光县公安局"), "erase_on": date(2027, 2, 1),
}  # fmt: skip


def campaign_plan(county: County, **changes: Any) -> CampaignPlan:
    return CampaignPlan(**{**PLAN, "unit_id": county.unit.id, **changes})


def round_plan(county: County, **changes: Any) -> RoundPlan:
    values = {
        "code": "autumn-1", "title": "六分钟，练一次识骗", "paper_id": county.paper.id,
        "unit_ids": (county.school.id,), "opens_at": NOON + timedelta(days=1),
        "closes_at": NOON + timedelta(days=8),
    }  # fmt: skip
    return RoundPlan(**{**values, **changes})


def open_round(county: County, **changes: Any) -> int:
    return operations.open_round(
        campaign_id=county.campaign.id, plan=round_plan(county, **changes), at=NOON, actor=CLI
    )


def audited() -> list[tuple[str, str, str]]:
    rows = db.session.execute(
        select(AuditEntry.actor, AuditEntry.action, AuditEntry.object).order_by(AuditEntry.seq)
    )
    return [tuple(row) for row in rows]


def counts() -> tuple[int, ...]:
    tables = (Campaign, Round, RoundUnit, OfficialAccount, AuditEntry)
    return tuple(db.session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


@pytest.fixture
def unchanged(county: County) -> Iterator[None]:
    """Nothing may be left of what was refused."""
    before = counts()
    yield
    db.session.rollback()
    assert counts() == before


def test_campaign_keeps_what_was_decided(county: County) -> None:
    campaign_id = operations.open_campaign(
        plan=campaign_plan(county, is_test=True, hotline="0571-96110"), at=NOON, actor=CLI
    )

    row = queries.campaign_of(campaign_id)
    assert (row.code, row.name, row.unit_path, row.term) == (
        "2026-autumn",
        "2026 秋季反诈测试",
        "yg/",
        make.TERM,
    )
    assert (row.organisers, row.hotline) == (("阳光县教育局", "阳光县公安局"), "0571-96110")
    assert (row.is_test, row.target_permyriad) == (True, 10000)
    assert (row.target_on, row.erase_on) == (date(2026, 12, 20), date(2027, 2, 1))
    assert audited() == [("cli", "campaign.open", f"campaign:{campaign_id}")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code": "秋季"}, "代号只用"),
        ({"code": "x"}, "代号只用"),
        ({"code": "-a"}, "代号只用"),
        ({"name": " "}, "活动名称"),
        ({"name": "长" * 61}, "活动名称"),
        ({"name": "两\n行"}, "活动名称"),
        ({"term": "2026-2028-1"}, "学期要写成"),
        ({"organisers": ()}, "至少写一个主办单位"),
        ({"organisers": ("局", "")}, "主办单位"),
        ({"hotline": "打我"}, "咨询电话"),
        ({"target_permyriad": 0}, "目标知晓率"),
        ({"target_permyriad": 10001}, "目标知晓率"),
        ({"erase_on": date(2026, 12, 20)}, "清除个人信息"),
        ({"unit_id": 999_999}, "没有这个单位"),
        ({"code": "autumn"}, "已经有代号"),
    ],
)
def test_campaign_that_contradicts_itself_is_refused(
    county: County, unchanged: None, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence):
        operations.open_campaign(plan=campaign_plan(county, **changes), at=NOON, actor=CLI)


def test_dry_run_checks_and_leaves_nothing(county: County, unchanged: None) -> None:
    operations.open_campaign(plan=campaign_plan(county), at=NOON, actor=CLI, dry_run=True)
    operations.open_round(
        campaign_id=county.campaign.id, plan=round_plan(county), at=NOON, actor=CLI, dry_run=True
    )
    operations.set_account(
        campaign_id=county.campaign.id, position=1, name="反诈中心", image=a_picture(), at=NOON, actor=CLI,
        dry_run=True,
    )  # fmt: skip


def test_round_keeps_what_was_decided_and_freezes_heads_at_its_opening(county: County) -> None:
    round_id = open_round(
        county, identity="roster", limit_s=1200, late="reject", attempts=1, counted="first", threshold_permyriad=9000,
        review_after_submit=("answers", "score"), review_after_close=("explanation", "key", "answers", "score"),
    )  # fmt: skip

    row = queries.round_of(round_id)
    assert (row.code, row.paper_id, row.kind, row.identity) == ("autumn-1", county.paper.id, "test", "roster")
    assert (row.opens_at, row.closes_at) == (NOON + timedelta(days=1), NOON + timedelta(days=8))
    assert (row.limit_s, row.late, row.attempts, row.counted) == (1200, "reject", 1, "first")
    assert row.threshold_permyriad == 9000
    assert row.review_after_submit == ("score", "answers")
    assert row.review_after_close == ("score", "answers", "key", "explanation")
    assert row.revealed_by_closing() == ("key", "explanation")
    assert row.frozen_at == row.opens_at
    assert queries.round_paths(round_id) == ("yg/sy/",)
    assert audited() == [("cli", "round.open", f"round:{round_id}")]


def test_round_by_default_has_no_limit_three_attempts_and_counts_the_best(county: County) -> None:
    row = queries.round_of(open_round(county))
    assert (row.identity, row.limit_s, row.attempts, row.counted) == ("seat", None, 3, "best")
    assert (row.late, row.threshold_permyriad) == ("submit_from_saved", 8000)
    assert row.review_after_submit == row.review_after_close == operations.ALL_PARTS


def test_units_under_another_chosen_unit_are_left_out(county: County) -> None:
    chosen = (county.class_1.id, county.school.id, county.grade.id, county.other_class.id)
    round_id = open_round(county, unit_ids=chosen)
    assert queries.round_paths(round_id) == ("yg/sy/", "yg/yz/801/")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code": "A"}, "代号只用"),
        ({"title": ""}, "场次标题"),
        ({"kind": "raffle"}, "场次种类"),
        ({"identity": "nickname"}, "认人方式"),
        ({"late": "whenever"}, "到时没交的处理"),
        ({"counted": "worst"}, "计分方式"),
        ({"closes_at": NOON + timedelta(days=1)}, "结束时间要在开始时间之后"),
        ({"opens_at": NOON - timedelta(days=2), "closes_at": NOON}, "已经过去"),
        ({"frozen_at": NOON + timedelta(days=9)}, "冻结时间"),
        ({"limit_s": 59}, "限时"),
        ({"limit_s": 7 * 86400 + 1}, "限时"),
        ({"attempts": 0}, "次数"),
        ({"attempts": 21}, "次数"),
        ({"threshold_permyriad": 0}, "知晓标准"),
        ({"threshold_permyriad": 10001}, "知晓标准"),
        ({"review_after_submit": ("score", "photo")}, "交卷后能看的内容只有"),
        ({"review_after_close": ("photo",), "review_after_submit": ()}, "结束后能看的内容只有"),
        ({"review_after_submit": ("key",)}, "交卷后要看正确答案"),
        (
            {"review_after_submit": ("score",), "review_after_close": ("score", "explanation")},
            "结束后要看正确答案",
        ),
        ({"review_after_submit": ("score", "answers"), "review_after_close": ("score",)}, "看过的收不回来"),
        ({"closes_at": datetime(2027, 1, 31, 16, 0, tzinfo=UTC)}, "清除个人信息的日子（2 月 1 日）"),
        ({"paper_id": 999_999}, "没有这份试卷"),
        ({"unit_ids": ()}, "至少选一个"),
        ({"unit_ids": (999_999,)}, "不在这个活动的范围（阳光县）"),
    ],
)
def test_round_that_contradicts_itself_is_refused(
    county: County, unchanged: None, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Refusal, match=sentence):
        open_round(county, **changes)


def test_round_may_close_on_the_day_before_erasure(county: County) -> None:
    closes_at = datetime(2027, 1, 31, 15, 59, tzinfo=UTC)  # 23:59 in China
    assert queries.round_of(open_round(county, closes_at=closes_at)).closes_at == closes_at


def test_round_over_a_unit_outside_the_campaign_is_refused(county: County, unchanged: None) -> None:
    with pytest.raises(Refusal, match="不在这个活动的范围"):
        open_round(county, unit_ids=(county.school.id, county.elsewhere.id))


def test_round_over_a_unit_whose_name_begins_alike_is_refused(county: County, unchanged: None) -> None:
    narrow = make.a_campaign(county.school, code="narrow")
    branch = make.a_school(county.unit, "sy2", "实验中学分校")
    plan = round_plan(county, unit_ids=(branch.id,))
    with pytest.raises(Refusal, match="不在这个活动的范围"):
        operations.open_round(campaign_id=narrow.id, plan=plan, at=NOON, actor=CLI)
    db.session.delete(narrow)
    db.session.commit()


def test_round_on_a_paper_that_is_no_test_is_refused(county: County, unchanged: None) -> None:
    county.paper.kind = "pledge"
    db.session.commit()
    with pytest.raises(Refusal, match="不是试卷"):
        open_round(county)


def test_round_of_a_taken_code_or_an_unknown_campaign_is_refused(county: County) -> None:
    open_round(county)
    with pytest.raises(Refusal, match="已经有代号是“autumn-1”的场次"):
        open_round(county)
    with pytest.raises(queries.UnknownCampaign):
        operations.open_round(campaign_id=999_999, plan=round_plan(county), at=NOON, actor=CLI)


def test_close_early_ends_a_running_round_now(county: County) -> None:
    round_id = make.a_round(county.school, county.paper).id
    operations.close_early(round_id=round_id, at=NOON, actor=CLI)

    assert queries.round_of(round_id).window().state(NOON) == "closed"
    assert audited()[-1] == ("cli", "round.close", f"round:{round_id}")
    with pytest.raises(Closed):
        operations.close_early(round_id=round_id, at=NOON + timedelta(seconds=1), actor=CLI)


def test_close_early_of_a_round_that_has_not_begun_is_refused(county: County) -> None:
    round_id = open_round(county)
    opens_at = queries.round_of(round_id).opens_at
    with pytest.raises(NotOpenYet):
        operations.close_early(round_id=round_id, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="刚刚开始"):
        operations.close_early(round_id=round_id, at=opens_at, actor=CLI)


def test_prolong_moves_the_end_and_only_later(county: County) -> None:
    round_id = make.a_round(county.school, county.paper).id
    later = make.CLOSES + timedelta(days=2)
    operations.prolong(round_id=round_id, closes_at=later, at=NOON, actor=CLI)

    assert queries.round_of(round_id).closes_at == later
    assert audited()[-1] == ("cli", "round.prolong", f"round:{round_id}")
    with pytest.raises(Refusal, match="要比现在的结束时间晚"):
        operations.prolong(round_id=round_id, closes_at=later, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="清除个人信息"):
        operations.prolong(round_id=round_id, closes_at=later + timedelta(days=90), at=NOON, actor=CLI)


def test_prolong_of_a_closed_round_is_refused_once_answers_were_shown(county: County) -> None:
    shown = make.a_round(county.school, county.paper)
    hidden = make.a_round(county.school, county.paper, review_after_submit=["score"])
    after = make.CLOSES + timedelta(hours=1)
    later = after + timedelta(days=1)

    operations.prolong(round_id=shown.id, closes_at=later, at=after, actor=CLI)
    with pytest.raises(Refusal, match="答案也已经公布"):
        operations.prolong(round_id=hidden.id, closes_at=later, at=after, actor=CLI)
    operations.prolong(round_id=hidden.id, closes_at=later, at=NOON, actor=CLI)
    assert [queries.round_of(row.id).closes_at for row in (shown, hidden)] == [later, later]


def test_account_is_set_and_replaced_at_its_position(county: County) -> None:
    for position, name in ((2, "终结诈骗"), (1, "阳光反诈"), (2, "国家反诈中心")):
        operations.set_account(
            campaign_id=county.campaign.id,
            position=position,
            name=name,
            image=a_picture(),
            at=NOON,
            actor=CLI,
        )

    assert queries.accounts(county.campaign.id) == (
        queries.AccountRow(1, "阳光反诈"),
        queries.AccountRow(2, "国家反诈中心"),
    )
    assert queries.account_image(county.campaign.id, 2) == a_picture()
    assert audited()[-1] == ("cli", "campaign.account", f"campaign:{county.campaign.id}")
    with pytest.raises(queries.UnknownAccount):
        queries.account_image(county.campaign.id, 3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"position": 0}, "位置"),
        ({"position": 4}, "位置"),
        ({"name": " "}, "公众号名称"),
        ({"name": "长" * 31}, "公众号名称"),
        ({"image": b"<svg/>"}, "PNG"),
        ({"image": a_picture() + b"0" * 200 * 1024}, "PNG"),
        ({"campaign_id": 999_999}, "没有这个活动"),
    ],
)
def test_account_that_cannot_be_printed_is_refused(
    county: County, unchanged: None, changes: dict[str, Any], sentence: str
) -> None:
    values = {
        "campaign_id": county.campaign.id,
        "position": 1,
        "name": "终结诈骗",
        "image": a_picture(),
        **changes,
    }
    with pytest.raises(Refusal, match=sentence):
        operations.set_account(**values, at=NOON, actor=CLI)
