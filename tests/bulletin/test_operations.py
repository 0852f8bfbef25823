"""Taking figures, writing, issuing: what is issued stays, numbers follow each other, nothing is overwritten."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from quizsvc import audit
from quizsvc.audit import CLI, AuditEntry
from quizsvc.bulletin import operations, queries
from quizsvc.bulletin.models import Draft, Issued
from quizsvc.bulletin.queries import DraftRow, IssuedRow
from quizsvc.campaign.models import Campaign
from quizsvc.core import bulletin
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.roster.models import Unit
from tests import make
from tests.bulletin.conftest import Drive
from tests.conftest import NOON

MONTH = timedelta(days=30)


def begun(drive: Drive, **given: Any) -> DraftRow:
    values = {
        "campaign_id": drive.campaign.id,
        "unit_id": drive.county.id,
        "period": "month",
        "at": NOON,
        "actor": CLI,
    }
    return queries.draft(operations.begin(**{**values, **given}))


def saved(row: DraftRow, *, listing: str = "all", at: Any = None, **texts: str) -> DraftRow:
    operations.save(
        draft_id=row.id, head=row.issue.head, listing=listing, texts=replace(row.issue.texts, **texts),
        seen=row.saved_at, at=at or row.saved_at + timedelta(minutes=1), actor=CLI,
    )  # fmt: skip
    return queries.draft(row.id)


def issued(row: DraftRow, at: Any = None) -> IssuedRow:
    return queries.issued(
        operations.issue(draft_id=row.id, seen=row.saved_at, at=at or NOON + timedelta(hours=1), actor=CLI)
    )


def test_a_draft_holds_the_figures_of_its_moment_and_sentences_made_of_them(drive: Drive) -> None:
    issue = begun(drive).issue

    assert (issue.issue_no, issue.period, issue.listing, issue.before) == (0, "month", "lacking", None)
    assert (issue.head.office, issue.head.number, issue.head.addressee) == ("阳光县教育局", "", "各单位")
    assert issue.texts == bulletin.texts(issue.figures)
    make.an_attempt(drive.test, drive.classes[0], 9)
    assert begun(drive).issue == issue


def test_one_draft_of_a_kind_at_a_time(drive: Drive) -> None:
    first = begun(drive)

    assert begun(drive, at=NOON + MONTH) == first
    assert begun(drive, period="week").id != first.id
    assert begun(drive, unit_id=drive.schools[0].id).id != first.id


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"unit": "class"}, "班级不用出通报"),
        ({"unit": "outside"}, "不在这个活动的范围里"),
        ({"period": "decade"}, "请选周报"),
        ({"campaign": "test"}, "测试活动不计入"),
        ({"campaign": "empty"}, "还没有场次"),
    ],
)
def test_what_no_bulletin_is_written_about(drive: Drive, change: dict[str, str], sentence: str) -> None:
    outside = make.a_unit("else", "邻县", "county")
    units = {"class": drive.classes[0].id, "outside": outside.id}
    campaigns = {
        "test": make.a_campaign(drive.county, is_test=True).id, "empty": make.a_campaign(drive.county).id,
    }  # fmt: skip
    given: dict[str, Any] = {"period": change["period"]} if "period" in change else {}
    given |= {"unit_id": units[change["unit"]]} if "unit" in change else {}
    given |= {"campaign_id": campaigns[change["campaign"]]} if "campaign" in change else {}

    with pytest.raises(Refusal, match=sentence):
        begun(drive, **given)
    db.session.rollback()
    assert db.session.query(Draft).count() == 0
    assert db.session.query(AuditEntry).count() == 0


def test_what_is_issued_is_numbered_fingerprinted_and_in_the_audit_log(drive: Drive) -> None:
    row = issued(saved(begun(drive), demands="请各校自查。"))

    assert (row.issue.issue_no, row.issue.texts.demands, row.issue.listing) == (1, "请各校自查。", "all")
    assert row.hash == bulletin.digest(bulletin.issue_written(row.issue))
    assert row.anchor == audit.anchor()
    entry = db.session.execute(select(AuditEntry).where(AuditEntry.seq == row.anchor.seq)).scalar_one()
    assert (entry.action, entry.object) == ("bulletin.issued", f"unit:{drive.county.id}")
    assert row.hash in entry.detail
    assert db.session.query(Draft).count() == 0


def test_the_next_issue_follows_and_is_compared_with_the_last(drive: Drive) -> None:
    first = issued(saved(begun(drive)))
    make.an_attempt(drive.test, drive.classes[1], 1)

    second = begun(drive, at=NOON + MONTH)
    assert second.issue.before == first.issue.figures
    assert second.issue.listing == "all"
    assert "与上一期（截至 12 月 12 日）相比，完成率升" in second.issue.texts.overall
    assert issued(second, NOON + MONTH).issue.issue_no == 2
    assert issued(begun(drive, period="week")).issue.issue_no == 1


def test_what_was_issued_stays_when_everything_else_changes(drive: Drive) -> None:
    row = issued(begun(drive))
    make.an_attempt(drive.test, drive.classes[0], 9)
    db.session.get(Unit, drive.county.id).name = "月光县"
    db.session.get(Campaign, drive.campaign.id).name = "新的活动"
    db.session.commit()

    assert queries.issued(row.id) == row


def test_figures_taken_again_leave_edited_sentences_alone(drive: Drive) -> None:
    row = saved(begun(drive), demands="请各校自查。")
    make.an_attempt(drive.test, drive.classes[0], 9)

    operations.take_again(draft_id=row.id, seen=row.saved_at, at=NOON + MONTH, actor=CLI)

    fresh = queries.draft(row.id).issue
    assert fresh.figures.sections[0].whole.tally.done == 9
    assert "已测 9 人" in fresh.texts.opening
    assert (fresh.texts.demands, fresh.listing) == ("请各校自查。", "all")


@pytest.mark.parametrize("act", ["save", "take_again", "issue", "discard"])
def test_a_draft_that_somebody_else_has_saved_is_left_alone(drive: Drive, act: str) -> None:
    old = begun(drive)
    new = saved(old, demands="甲写的。")
    given: dict[str, Any] = {"draft_id": old.id, "seen": old.saved_at, "at": NOON, "actor": CLI}
    given |= {"head": old.issue.head, "listing": "none", "texts": old.issue.texts} if act == "save" else {}

    with pytest.raises(operations.ChangedMeanwhile):
        getattr(operations, act)(**given)

    db.session.rollback()
    assert queries.draft(old.id) == new
    assert db.session.query(Issued).count() == 0


def test_a_draft_can_be_thrown_away(drive: Drive) -> None:
    row = begun(drive)
    operations.discard(draft_id=row.id, seen=row.saved_at, at=NOON, actor=CLI)

    with pytest.raises(queries.UnknownBulletin):
        queries.draft(row.id)
    assert [one.action for one in audit.newest(limit=9)] == ["bulletin.discarded", "bulletin.begun"]
    assert begun(drive).id


def test_a_mistake_is_mended_by_a_later_issue_and_only_once(drive: Drive) -> None:
    wrong = issued(saved(begun(drive), demands="请各校自查。"))
    make.an_attempt(drive.test, drive.classes[0], 9)
    mend = queries.draft(operations.correct(bulletin_id=wrong.id, at=NOON + MONTH, actor=CLI))

    assert mend.issue.figures.sections[0].whole.tally.done == 9
    assert "已测 9 人" in mend.issue.texts.opening
    assert mend.issue.texts.demands == "请各校自查。"
    right = issued(mend, NOON + MONTH)
    assert right.issue.heading.endswith("（第 2 期，更正第 1 期）")
    assert queries.issued(wrong.id) == replace(wrong, corrected_by=2)
    with pytest.raises(Refusal, match="已经由第 2 期更正过了"):
        operations.correct(bulletin_id=wrong.id, at=NOON + MONTH, actor=CLI)
    db.session.rollback()
    assert queries.draft_of(drive.campaign.id, drive.county.id, "month") is None


def test_a_correction_waits_for_the_draft_that_is_being_written(drive: Drive) -> None:
    wrong = issued(begun(drive))
    row = begun(drive)

    with pytest.raises(Refusal, match="有一份同类的拟稿还没发出"):
        operations.correct(bulletin_id=wrong.id, at=NOON, actor=CLI)
    db.session.rollback()
    assert queries.draft(row.id) == row


def test_two_who_issue_at_once_issue_once(app: Flask, drive: Drive) -> None:
    row, both = begun(drive), Barrier(2)

    def press(_: int) -> str:
        with app.app_context():
            both.wait()
            try:
                operations.issue(draft_id=row.id, seen=row.saved_at, at=NOON, actor=CLI)
            except (operations.ChangedMeanwhile, queries.UnknownBulletin) as refusal:
                return type(refusal).__name__
            return "issued"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(press, range(2)))

    db.session.rollback()
    assert outcomes[1] == "issued"
    assert outcomes[0] in ("ChangedMeanwhile", "UnknownBulletin")
    assert db.session.query(Issued).count() == 1


def test_two_who_begin_at_once_write_one_draft(app: Flask, drive: Drive) -> None:
    both = Barrier(2)
    given = {
        "campaign_id": drive.campaign.id,
        "unit_id": drive.county.id,
        "period": "month",
        "at": NOON,
        "actor": CLI,
    }

    def press(_: int) -> int:
        with app.app_context():
            both.wait()
            return operations.begin(**given)

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(press, range(2)))) == 1
    db.session.rollback()
    assert db.session.query(Draft).count() == 1
