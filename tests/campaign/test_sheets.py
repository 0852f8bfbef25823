"""Opening receipts, pledges, adoption and surveys: one policy for everybody, and who may be asked."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from quizsvc.audit import CLI, AuditEntry
from quizsvc.campaign import operations, queries
from quizsvc.campaign.cli import round_ as round_commands
from quizsvc.campaign.models import Round
from quizsvc.campaign.operations import RoundPlan
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests import make
from tests.campaign.conftest import County
from tests.desk import Desk, text_of

NOON = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def a_plan(county: County, kind: str, paper_id: int | None = None, **changes: Any) -> RoundPlan:
    plan = RoundPlan(
        code=f"{kind}-1", title="回执", paper_id=paper_id or make.a_sheet_paper(kind), unit_ids=(county.unit.id,),
        opens_at=datetime(2026, 12, 13, tzinfo=UTC), closes_at=datetime(2026, 12, 20, tzinfo=UTC), kind=kind,
    )  # fmt: skip
    return replace(plan.settled(), **changes)


def opened(county: County, plan: RoundPlan) -> queries.RoundRow:
    return queries.round_of(
        operations.open_round(campaign_id=county.campaign.id, plan=plan, at=NOON, actor=CLI)
    )


def test_kinds_decide_their_policy_and_identities(county: County) -> None:
    for kind, attempts, identity in (
        ("receipt", 3, "roster"), ("pledge", 1, "seat"), ("adoption", 20, "anonymous"), ("survey", 1, "anonymous"),
    ):  # fmt: skip
        row = opened(county, a_plan(county, kind, identity=identity))
        assert (row.kind, row.attempts, row.identity, row.counted, row.late, row.threshold_permyriad) == (
            kind, attempts, identity, "last", "reject", 10000,
        )  # fmt: skip
        assert (row.limit_s, row.pace, row.review_after_submit, row.review_after_close) == (
            None,
            "sheet",
            (),
            (),
        )
        assert (row.is_quiz, row.is_survey, row.is_declaration) == (
            False, kind == "survey", kind != "survey",
        )  # fmt: skip
        assert row.is_nameless == (identity == "anonymous")
    told = json.loads(db.session.query(AuditEntry.detail).order_by(AuditEntry.seq.desc()).first().detail)
    assert (told["kind"], told["approval"], told["referrals"]) == ("survey", "", False)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("receipt", {"attempts": 2}, "对谁都一样"),
        ("receipt", {"limit_s": 600}, "对谁都一样"),
        ("survey", {"counted": "best"}, "对谁都一样"),
        ("pledge", {"late": "submit_from_saved"}, "对谁都一样"),
        ("adoption", {"review_after_close": ("score",)}, "对谁都一样"),
        ("adoption", {"threshold_permyriad": 6000}, "对谁都一样"),
        ("receipt", {"identity": "anonymous"}, "认人方式只能是：seat、roster"),
        ("pledge", {"identity": "nickname"}, "认人方式只能是：seat、roster"),
        ("survey", {"identity": "roster"}, "认人方式只能是：seat、anonymous"),
        ("receipt", {"approval": "阳教发 12 号"}, "批准文号只有学生签的责任书才写"),
        ("pledge", {"approval": "阳教发 12 号"}, "批准文号只有学生签的责任书才写"),
        ("pledge", {"referrals": True}, "推广码只有"),
        ("adoption", {"referrals": True, "identity": "anonymous"}, "推广码只有"),
        ("receipt", {"per": "day"}, "只有竞赛才有"),
    ],
)
@ON_SQLITE
def test_sheets_that_would_not_be_alike_for_everybody_are_refused(
    county: County, kind: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Refusal, match=said):
        opened(county, a_plan(county, kind, **changes))
    db.session.rollback()
    assert db.session.query(Round).count() == 0


@ON_SQLITE
def test_pupils_pledge_nothing_without_an_approval(county: County) -> None:
    of_pupils = make.a_sheet_paper("pledge", signer="student")
    for approval in ("", " "):
        with pytest.raises(Refusal, match="要有上级的批准"):
            opened(county, a_plan(county, "pledge", of_pupils, approval=approval).settled())
        db.session.rollback()
    row = opened(county, a_plan(county, "pledge", of_pupils, approval="阳教发〔2026〕12 号"))
    assert row.approval == "阳教发〔2026〕12 号"


@ON_SQLITE
def test_papers_of_another_kind_are_refused(county: County) -> None:
    for kind, paper_id in (("pledge", make.a_sheet_paper("receipt")), ("survey", county.paper.id)):
        with pytest.raises(Refusal, match="不能用在"):
            opened(county, a_plan(county, kind, paper_id))
        db.session.rollback()
    with pytest.raises(Refusal, match="这一份不是试卷"):
        opened(county, replace(a_plan(county, "receipt"), kind="test", review_after_close=("score",)))


@ON_SQLITE
def test_pages_ask_of_each_kind_only_what_matters(county: County, bureau: Desk) -> None:
    of_pupils = make.a_sheet_paper("pledge", signer="student", title="学生责任书")
    home = f"/staff/campaigns/{county.campaign.id}"
    assert bureau.get(f"{home}/rounds/new?kind=quiz").status_code == 404
    form = bureau.page(f"{home}/rounds/new?kind=pledge")
    assert 'name="approval"' in form
    assert [
        name
        for name in ("limit_min", "attempts", "threshold_percent", "referrals")
        if f'name="{name}"' in form
    ] == []
    assert "学生责任书" in form
    assert county.paper.title not in form

    fields = {
        "title": "责任书", "code": "pledge-1", "paper_id": str(of_pupils), "unit_ids": str(county.school.id),
        "opens_at": "2026-12-14T08:00", "closes_at": "2026-12-20T18:00", "identity": "seat",
    }  # fmt: skip
    refused = bureau.post(f"{home}/rounds/new?kind=pledge", **fields)
    assert (refused.status_code, "要有上级的批准" in refused.text) == (400, True)
    bureau.post(f"{home}/rounds/new?kind=pledge", **fields, approval="阳教发 12 号")
    row = queries.round_by_code("pledge-1")
    said = text_of(bureau.page(f"/staff/rounds/{row.id}"))
    assert "种类 责任书" in said
    assert "批准文号 阳教发 12 号" in said
    assert "知晓标准" not in said
    assert "责任书“学生责任书”已定稿" in text_of(bureau.page(home))

    again = bureau.page(f"{home}/rounds/new?kind=pledge&again={row.id}")
    assert 'value="责任书"' in again
    assert 'value="阳教发 12 号"' in again
    assert f'value="{county.school.id}" checked' in again


@ON_SQLITE
def test_command_opens_sheets_and_refuses_what_only_quizzes_have(app: Flask, county: County) -> None:
    make.a_sheet_paper("adoption")
    code = db.session.query(make.Paper.code).filter_by(kind="adoption").scalar()
    words = ["open", "--campaign", "autumn", "--code", "a-1", "--paper", code, "--unit", "yg/", "--kind", "adoption",
             "--opens", "2026-12-14T08:00", "--closes", "2026-12-20T18:00", "--referrals"]  # fmt: skip
    refused = app.test_cli_runner().invoke(round_commands, [*words, "--attempts", "2"])
    assert isinstance(refused.exception, Refusal)
    assert app.test_cli_runner().invoke(round_commands, words).exit_code == 0
    row = queries.round_by_code("a-1")
    assert (row.title, row.attempts, row.referrals) == ("反诈工具使用情况", 20, True)
