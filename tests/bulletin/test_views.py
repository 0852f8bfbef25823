"""The list, the desk, what was issued, the week's reminders: pages, files and who gets where."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bulletin import operations, queries
from quizsvc.core import bulletin
from quizsvc.db import db
from tests import make
from tests.bulletin.conftest import Drive
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.support import Watch

HOME = "/staff/bulletins"
Staff = Callable[..., Desk]


def begun(desk: Desk, drive: Drive, period: str = "month") -> str:
    answer = desk.post(f"{HOME}/new/{drive.campaign.id}/{drive.county.id}", period=period)
    assert answer.status_code == 303, text_of(answer.get_data(as_text=True))
    return str(answer.location)


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the first form that has a title."""
    form = re.search(r'<form method="post">(?:(?!</form>).)*name="title".*?</form>', page, re.S).group()
    found = dict(
        re.findall(
            r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', re.sub(r"<input[^>]*radio[^>]*>", "", form)
        )
    )
    found |= dict(re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', form, re.S))
    found["listing"] = re.search(r'<input checked[^>]*value="(\w+)"', form).group(1)
    return {name: unescape(value) for name, value in found.items() if name != "csrf_token"}


def seen(page: str) -> str:
    return unescape(re.search(r'name="seen"[^>]*value="([^"]+)"', page).group(1))


def issued(desk: Desk, drive: Drive) -> str:
    """Issue a bulletin by its pages; return its address."""
    address = begun(desk, drive)
    answer = desk.post(f"{address}/issue", seen=seen(desk.page(f"{address}/preview")))
    assert answer.status_code == 303
    return str(answer.location)


def test_a_bulletin_is_begun_edited_looked_at_and_issued(bureau: Desk, drive: Drive) -> None:
    assert f"{HOME}/new/{drive.campaign.id}/{drive.county.id}" in bureau.page(HOME)
    assert "月通报" in bureau.page(f"{HOME}/new/{drive.campaign.id}/{drive.county.id}")
    address = begun(bureau, drive)
    typed = fields(bureau.page(address))
    assert typed["opening"].startswith(
        "截至 2026 年 12 月 12 日 12:00，全县应测 16 人，已测 8 人，完成率 50.0%（8/16）"
    )

    typed |= {
        "number": "阳教办通〔2026〕47 号",
        "addressee": "各学校：",
        "demands": "请在 12 月 16 日前补到 99.5%。",
        "listing": "all",
    }
    saved = bureau.post(address, **typed, step="preview")
    assert (saved.status_code, saved.location) == (303, f"{address}/preview")
    preview = text_of(bureau.page(saved.location))
    assert "这些数字不在数据里，请再核对：99.5" in preview
    assert "阳光县教育局文件 阳教办通〔2026〕47 号" in preview
    assert "拟稿，未发" in preview

    answer = bureau.post(f"{address}/issue", seen=seen(bureau.page(f"{address}/preview")))
    page = text_of(bureau.page(answer.location))
    assert "（第 1 期）" in page
    assert "各学校：" in page
    assert "拟稿" not in page
    assert "二、其他事项 风险告知回执：应交 16 人，已交 1 人，回执率 6.2% （1/16）" in page
    assert re.search(r"数据指纹 [0-9a-f]{16} · 操作记录链头 \d+:[0-9a-f]{16}", page)
    assert bureau.get(address).status_code == 404
    home = bureau.page(HOME)
    assert str(answer.location) in home
    assert "正在拟的" not in home


def test_what_is_empty_or_too_long_is_asked_for_again_and_nothing_is_lost(bureau: Desk, drive: Drive) -> None:
    address = begun(bureau, drive)
    typed = fields(bureau.page(address))

    answer = bureau.post(address, **{**typed, "title": "", "demands": "请自查。", "overall": "长" * 4001})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "标题：请填写这一项" in text_of(page)
    assert "请自查。" in page
    assert queries.draft(int(address.rpartition("/")[2])).issue.texts.demands != "请自查。"


def test_a_draft_that_somebody_else_saved_keeps_what_was_typed_on_the_page(
    bureau: Desk, drive: Drive, at: Any
) -> None:
    address = begun(bureau, drive)
    typed = fields(bureau.page(address))
    at(NOON + timedelta(minutes=1))
    assert bureau.post(address, **{**typed, "demands": "甲写的。"}).status_code == 303

    answer = bureau.post(address, **{**typed, "demands": "乙写的。"})

    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    assert "刚才有别人改过" in page
    assert "乙写的。" in page


@pytest.mark.parametrize("act", ["figures", "issue", "discard"])
@pytest.mark.parametrize("told", ["", "yesterday", "2026-12-12T12:00:00", "0001-01-01T00:00:00+00:00"])
def test_a_page_that_does_not_say_which_draft_it_showed_is_refused(
    bureau: Desk, drive: Drive, act: str, told: str
) -> None:
    address = begun(bureau, drive)

    assert bureau.post(f"{address}/{act}", seen=told).status_code == 400
    assert bureau.get(address).status_code == 200


def test_figures_are_taken_again_and_a_draft_is_thrown_away(bureau: Desk, drive: Drive) -> None:
    address = begun(bureau, drive)
    make.an_attempt(drive.test, drive.classes[0], 9)

    bureau.post(f"{address}/figures", seen=seen(bureau.page(address)))
    assert "已测 9 人" in bureau.page(address)
    bureau.post(f"{address}/discard", seen=seen(bureau.page(address)))
    assert bureau.get(address).status_code == 404
    assert "拟稿已删掉" in bureau.page(HOME)


def test_what_cannot_be_reported_is_said_on_the_page(bureau: Desk, drive: Drive) -> None:
    answer = bureau.post(f"{HOME}/new/{drive.campaign.id}/{drive.classes[0].id}", period="month")

    assert (answer.status_code, "班级不用出通报" in answer.get_data(as_text=True)) == (400, True)
    assert (
        bureau.post(f"{HOME}/new/{drive.campaign.id}/{drive.county.id}", period="decade").status_code == 400
    )
    other = make.a_campaign(drive.schools[0])
    assert bureau.get(f"{HOME}/new/{other.id}/{drive.county.id}").status_code == 404


@pytest.mark.parametrize(("form", "begins"), [("pdf", b"%PDF"), ("docx", b"PK"), ("xlsx", b"PK")])
def test_files_of_an_issue_are_the_same_each_time(
    bureau: Desk, drive: Drive, form: str, begins: bytes
) -> None:
    address = issued(bureau, drive)

    first, second = bureau.get(f"{address}.{form}"), bureau.get(f"{address}.{form}")

    assert first.data.startswith(begins)
    assert first.data == second.data
    assert "%E7%AC%AC%201%20%E6%9C%9F" in first.headers["Content-Disposition"]  # 第 1 期


def test_a_draft_can_be_shown_to_whoever_has_to_agree(bureau: Desk, drive: Drive) -> None:
    address = begun(bureau, drive)

    assert bureau.get(f"{address}.pdf").data.startswith(b"%PDF")
    assert bureau.get(f"{address}.docx").data.startswith(b"PK")
    assert bureau.get(f"{address}.xlsx").status_code == 404


def test_a_mistake_leads_to_a_correction_and_the_old_issue_says_so(bureau: Desk, drive: Drive) -> None:
    wrong = issued(bureau, drive)
    assert "写错了，拟一期更正" in bureau.page(wrong)

    draft = bureau.post(f"{wrong}/correct").location
    assert "这一期更正第 1 期" in bureau.page(draft)
    bureau.post(f"{draft}/issue", seen=seen(bureau.page(f"{draft}/preview")))

    page = bureau.page(wrong)
    assert "已由第 2 期更正" in page
    assert "拟一期更正" not in page
    assert "已更正" in bureau.page(HOME)


def test_teachers_under_the_unit_read_what_was_issued_and_nothing_else(
    staff: Staff, bureau: Desk, drive: Drive
) -> None:
    address, draft = issued(bureau, drive), begun(bureau, drive)
    teacher, other = (
        staff("class_teacher", drive.classes[1]),
        staff("class_teacher", make.a_unit("xx", "邻县", "county")),
    )

    assert address in teacher.page(HOME)
    page = teacher.page(address)
    assert "第二小学" in page
    assert "拟一期更正" not in page
    assert teacher.get(f"{address}.pdf").status_code == 200
    assert teacher.get(draft).status_code == 404
    assert teacher.post(f"{address}/correct").status_code == 404
    assert other.get(address).status_code == 404
    assert address not in other.page(HOME)


def test_a_school_writes_its_own_and_not_the_countys(staff: Staff, drive: Drive) -> None:
    head = staff("school_admin", drive.schools[0])
    home = head.page(HOME)

    assert f"{HOME}/new/{drive.campaign.id}/{drive.schools[0].id}" in home
    assert f'/{drive.county.id}"' not in home
    assert head.get(f"{HOME}/new/{drive.campaign.id}/{drive.county.id}").status_code == 404
    answer = head.post(f"{HOME}/new/{drive.campaign.id}/{drive.schools[0].id}", period="week")
    assert "七年级（3）班" in head.page(f"{answer.location}/preview")


def test_a_campaign_of_nicknames_alone_has_nothing_to_report(bureau: Desk, drive: Drive) -> None:
    other = make.a_campaign(drive.county, name="全民竞赛")
    make.a_round(
        drive.county, campaign=other, paper_id=drive.test.paper_id, kind="contest", identity="nickname"
    )

    assert "全民竞赛" not in bureau.page(HOME)


def test_issues_that_a_test_campaign_would_have_are_not_offered(bureau: Desk, drive: Drive) -> None:
    drive.campaign.is_test = True
    db.session.commit()

    home = bureau.page(HOME)
    assert "/new/" not in home
    assert "/week/" not in home
    assert "还没有发出的通报" in home


def test_the_week_of_my_class_is_counts_only(staff: Staff, drive: Drive) -> None:
    teacher = staff("class_teacher", drive.classes[0])
    address = f"{HOME}/week/{drive.campaign.id}/{drive.classes[0].id}"

    assert address in teacher.page(HOME)
    page = text_of(teacher.page(address))
    assert "七年级（3）班 还差 12 人次 。" in page
    assert "反诈知识测试：已完成 8/10，还差 2 人" in page
    assert "记一条：" in page
    assert "三年级" not in page
    assert teacher.get(f"{HOME}/week/{drive.campaign.id}/{drive.classes[1].id}").status_code == 404


def test_the_week_of_a_county_names_the_schools(bureau: Desk, drive: Drive) -> None:
    page = text_of(bureau.page(f"{HOME}/week/{drive.campaign.id}/{drive.county.id}"))

    assert "2 个班里， 2 个还差人 。" in page
    assert "第二小学 三年级（1）班 还差 11 人次" in page


def test_a_week_without_anything_says_so(bureau: Desk, drive: Drive, at: Any) -> None:
    at(make.CLOSES.replace(year=2027))
    desk = Desk(bureau.browser.application, "later", ("organizer", drive.county))

    assert "没有要提醒的" in desk.page(f"{HOME}/week/{drive.campaign.id}/{drive.county.id}")


def test_lists_take_as_many_statements_however_long_they_are(
    app: Flask, bureau: Desk, drive: Drive, watch: Watch
) -> None:
    issued(bureau, drive)
    begun(bureau, drive)
    with watch.counting() as few:
        bureau.page(HOME)
    for school in drive.schools:
        draft_id = operations.begin(
            campaign_id=drive.campaign.id, unit_id=school.id, period="month", at=NOON, actor=CLI
        )
        operations.issue(draft_id=draft_id, seen=queries.draft(draft_id).saved_at, at=NOON, actor=CLI)
        operations.begin(campaign_id=drive.campaign.id, unit_id=school.id, period="week", at=NOON, actor=CLI)
        make.a_campaign(drive.county)
    with watch.counting() as many:
        page = bureau.page(HOME)

    assert len(few) == len(many)
    assert page.count("（第 1 期）") == 3


def test_coverage_and_board_lead_to_the_bulletins(staff: Staff, bureau: Desk, drive: Drive) -> None:
    coverage = bureau.page(f"/staff/rounds/{drive.test.id}/coverage/{drive.county.id}")
    board = staff("class_teacher", drive.classes[0]).page(
        f"/staff/rounds/{drive.test.id}/classes/{drive.classes[0].id}"
    )

    assert f"{HOME}/new/{drive.campaign.id}/{drive.county.id}" in coverage
    assert f"{HOME}/week/{drive.campaign.id}/{drive.classes[0].id}" in board


def test_periods_are_offered_as_the_rules_name_them(bureau: Desk, drive: Drive) -> None:
    page = bureau.page(f"{HOME}/new/{drive.campaign.id}/{drive.county.id}")

    assert [name for name in bulletin.PERIODS.values() if name in page] == list(bulletin.PERIODS.values())
