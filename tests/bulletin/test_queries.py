"""What a bulletin says in numbers, who sees which, and the reminders of a week."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.bulletin import queries
from quizsvc.campaign import queries as campaign
from quizsvc.core.bulletin import Part
from quizsvc.core.indicators import Tally
from quizsvc.db import db
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Unit
from tests import make
from tests.bulletin.conftest import Drive
from tests.conftest import NOON
from tests.support import Watch

URL = "http://fz.test"
BOTH = ["阳光县", "阳光县实验中学"]


def taken(drive: Drive, unit: Unit) -> queries.Figures:
    return queries.figures(campaign.campaign_of(drive.campaign.id), roster.unit(unit.id), NOON)


def reminders(drive: Drive, unit: Unit, at: Any = NOON) -> list[queries.Reminder]:
    drive_row, unit_row = campaign.campaign_of(drive.campaign.id), roster.unit(unit.id)
    return queries.reminders(drive_row, unit_row, public_url=URL, tip="先挂断。", at=at)


def test_figures_tell_every_round_and_the_units_right_below(drive: Drive) -> None:
    figures = taken(drive, drive.county)

    assert (figures.unit, figures.scope, figures.sections[0].counter) == ("阳光县", "全县", "所学校")
    test, receipts = figures.sections
    assert (test.title, test.whole.missing) == ("反诈知识测试", 8)
    assert test.whole.tally == Tally(16, 8, 6, 6, 6, 200, 240)
    assert test.parts == (
        Part(drive.schools[1].id, "第二小学", Tally(6), 6),
        Part(drive.schools[0].id, "阳光县实验中学", Tally(10, 8, 6, 6, 6, 200, 240), 2),
    )
    assert (receipts.kind, receipts.whole.tally.done, receipts.whole.tally.expected) == ("receipt", 1, 16)
    assert [(one.name, one.correct, one.shown) for one in test.topics] == [("brushing", 0, 24)]


def test_figures_of_a_school_tell_its_classes(drive: Drive) -> None:
    figures = taken(drive, drive.schools[0])

    assert (figures.scope, figures.sections[0].counter) == ("全校", "个班")
    assert [one.name for one in figures.sections[0].parts] == ["七年级（3）班"]


def test_figures_agree_with_the_coverage_page(drive: Drive) -> None:
    round_ = campaign.round_of(drive.test.id)
    whole = taken(drive, drive.county).sections[0].whole

    assert whole.tally == sum(
        (one for one in queries.rollup.unit_tallies(round_, drive.county.path).values()), Tally()
    )


def test_the_newest_test_comes_first_and_public_contests_are_left_out(drive: Drive) -> None:
    make.a_round(
        drive.county,
        campaign=drive.campaign,
        title="第二次测试",
        paper_id=drive.test.paper_id,
        opens_at=make.OPENS + timedelta(days=1),
    )
    make.a_round(
        drive.county,
        campaign=drive.campaign,
        title="抽奖",
        paper_id=drive.test.paper_id,
        kind="contest",
        identity="nickname",
    )

    assert [one.title for one in taken(drive, drive.county).sections] == [
        "第二次测试", "反诈知识测试", "风险告知回执",
    ]  # fmt: skip


def test_a_campaign_without_a_test_begins_with_another_round(drive: Drive) -> None:
    other = make.a_campaign(drive.county)
    make.a_sheet_round(drive.county, "pledge", campaign=other)
    figures = queries.figures(campaign.campaign_of(other.id), roster.unit(drive.county.id), NOON)

    assert [one.kind for one in figures.sections] == ["pledge"]
    assert figures.sections[0].topics == ()


def test_topics_are_left_out_where_too_many_answers_would_be_read(drive: Drive, monkeypatch: Any) -> None:
    monkeypatch.setattr(queries, "MOST_TOPIC_HEADS", 7)

    assert taken(drive, drive.county).sections[0].topics == ()


def test_figures_take_as_many_statements_however_many_there_are(drive: Drive, watch: Watch) -> None:
    taken(drive, drive.county)  # papers are read once a process
    with watch.counting() as few:
        taken(drive, drive.county)
    for number in range(4):
        unit = make.a_class(drive.schools[0], 2, f"80{number}", f"八年级（{number}）班")
        make.a_sheet_round(unit, campaign=drive.campaign, paper_id=drive.receipts.paper_id)
    with watch.counting() as many:
        taken(drive, drive.county)

    assert len(few) == len(many) <= 10


@pytest.mark.parametrize(
    ("whose", "seen"),
    [("county", BOTH), ("school", BOTH), ("class", BOTH), ("other school", BOTH[:1]), ("nobody", [])],
)
def test_issues_reach_those_above_in_and_under_the_unit(drive: Drive, whose: str, seen: list[str]) -> None:
    for unit in (drive.county, drive.schools[0]):
        make.a_bulletin(drive.campaign, unit)
        make.a_bulletin_draft(drive.campaign, unit)
    paths = {
        "county": [drive.county.path], "school": [drive.schools[0].path], "class": [drive.classes[0].path],
        "other school": [drive.schools[1].path], "nobody": [],
    }[whose]  # fmt: skip

    assert sorted(one.unit_name for one in queries.issues_for(paths)) == seen
    drafts = {"county": 2, "school": 1}.get(whose, 0)
    assert len(queries.drafts_in(paths)) == drafts


def test_reminders_tell_each_class_its_own_counts_and_nothing_of_anybody(drive: Drive) -> None:
    first, second = reminders(drive, drive.county)

    assert (first.unit.name, first.missing, first.above) == ("三年级（1）班", 11, "第二小学")
    assert first.text.splitlines()[0] == "【三年级（1）班】本周反诈提醒（12 月 7 日至 12 月 13 日）"
    assert second.text.splitlines() == [
        "【七年级（3）班】本周反诈提醒（12 月 7 日至 12 月 13 日）",
        "1. 风险告知回执：已交 0/10，还差 10 人。12 月 20 日 18:00 截止。",
        "2. 反诈知识测试：已完成 8/10，还差 2 人。12 月 20 日 18:00 截止：微信扫班级海报上的码，"
        "或打开 http://fz.test/c/7K3M9Q2?s=g ，先核对“青禾 27”。",
        "记一条：先挂断。",
        "页面不会要密码、验证码和银行卡，也不会让你转账。",
    ]


def test_reminders_tell_of_rounds_of_this_week_alone(drive: Drive) -> None:
    assert reminders(drive, drive.county, NOON - timedelta(days=30)) == []
    begins = reminders(drive, drive.county, make.OPENS - timedelta(hours=20))
    assert "12 月 1 日 08:00 开始。" in begins[0].text or "明天 08:00 开始。" in begins[0].text
    assert reminders(drive, drive.county, make.CLOSES + timedelta(days=5)) == []


def test_reminders_take_as_many_statements_however_many_classes(drive: Drive, watch: Watch) -> None:
    with watch.counting() as few:
        reminders(drive, drive.county)
    for number in range(5):
        make.a_class(drive.schools[0], 2, f"80{number}", f"八年级（{number}）班")
    with watch.counting() as many:
        found = reminders(drive, drive.county)

    assert len(few) == len(many) <= 8
    assert len(found) == 7


def test_an_unknown_number_is_refused(app: Flask) -> None:
    for read in (queries.draft, queries.issued):
        with pytest.raises(queries.UnknownBulletin):
            read(7)
    db.session.rollback()
