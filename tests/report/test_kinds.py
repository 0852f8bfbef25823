"""Receipts, pledges, adoption and surveys beside the test: my classes, the strip, coverage, files."""

import csv
import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from quizsvc.campaign.models import Campaign
from quizsvc.db import db
from tests import make
from tests.desk import Desk, text_of
from tests.report.conftest import RIGHT, Room
from tests.support import Watch, sqlite_only

pytestmark = sqlite_only


@dataclass
class Drive:
    """A campaign with a test, receipts, an adoption survey and a nameless survey over one class."""

    receipt: Any
    adoption: Any
    survey: Any


@pytest.fixture
def drive(room: Room) -> Drive:
    campaign = db.session.get(Campaign, room.round.campaign_id)
    receipt, adoption, survey = (
        make.a_sheet_round(
            room.county,
            kind,
            campaign=campaign,
            opens_at=make.OPENS + timedelta(hours=hour),
            identity=identity,
        )
        for hour, (kind, identity) in enumerate(
            (("receipt", "seat"), ("adoption", "seat"), ("survey", "anonymous")), start=1
        )
    )
    room.sit(1, RIGHT, RIGHT, RIGHT)
    for seat in range(1, 12):
        make.a_declaration(receipt, room.unit, seat, met=seat != 3)
    return Drive(receipt, adoption, survey)


def test_my_classes_have_a_row_for_every_round_with_its_own_numbers(
    room: Room, drive: Drive, teacher: Desk
) -> None:
    page = teacher.page("/staff/classes")
    said = text_of(page)
    assert "回执 风险告知回执 11/12 91.6% 还差 1 人" in said
    assert "使用情况 反诈工具使用情况 0/12 0.0% 还差 12 人" in said
    assert "问卷 反诈宣传问卷 0 份" in said
    assert "测试 反诈测试 1/12 8.3% 还差 11 人" in said
    assert f'href="/staff/rounds/{drive.receipt.id}/declarations/{room.unit.id}"' in page
    assert f'href="/staff/rounds/{drive.survey.id}/surveys' in page or "survey" in page


def test_board_tells_the_other_rounds_of_the_class_in_five_statements(
    room: Room, drive: Drive, teacher: Desk, watch: Watch
) -> None:
    teacher.page(room.page())
    with watch.counting() as seen:
        page = teacher.page(room.page())
    assert len(seen) == 17  # 13 with no other round
    said = text_of(page).partition("这个班的其他事项")[2]
    assert "风险告知回执 回执 已交 11/12 91.6% 1" in said
    assert "反诈工具使用情况 使用情况 已填 0/12 0.0% 12" in said
    assert "反诈宣传问卷 问卷 已答 0 份 — —" in said
    assert "反诈测试" not in said.partition("知晓率 =")[0]
    address = f"/staff/rounds/{drive.receipt.id}/classes/{room.unit.id}"
    moved = teacher.get(address)
    assert (moved.status_code, moved.location) == (
        303, f"/staff/rounds/{drive.receipt.id}/declarations/{room.unit.id}",
    )  # fmt: skip
    for tail in ("/scores", "/scores.xlsx", "/items", "/live"):
        assert teacher.get(f"{address}{tail}").status_code == 404, tail


def test_coverage_speaks_of_receipts_in_their_words(room: Room, drive: Drive, bureau: Desk) -> None:
    address = f"/staff/rounds/{drive.receipt.id}/coverage/{room.county.id}"
    said = text_of(bureau.page(address))
    assert "全县 12 名学生已有 11 人交了， 还差 1 人" in said
    assert "回执率 91.6% 11/12" in said
    assert "知晓率 83.3% 10/12" in said
    assert "应交 12 人" in said
    assert "首测" not in said
    assert "满分率" not in said
    assert "同一个活动的其他事项" in said
    assert "反诈测试 测试 已测 1/12 8.3% 11" in said
    rows = list(csv.reader(io.StringIO(bureau.get(f"{address}/counts.csv").data.decode("utf-8-sig"))))
    assert rows[0][4:] == ["应交", "免", "已交", "还差", "回执率（%）", "知晓率人数", "知晓率（%）"]
    assert rows[1][4:] == ["12", "0", "11", "1", "91.6", "10", "83.3"]


def test_nameless_rounds_count_sheets_and_no_rate(room: Room, drive: Drive, bureau: Desk) -> None:
    loose = make.a_sheet_round(
        room.county,
        "adoption",
        campaign=db.session.get(Campaign, room.round.campaign_id),
        identity="anonymous",
    )
    make.a_declaration(loose, room.unit, None)
    address = f"/staff/rounds/{loose.id}/coverage/{room.school.id}"
    said = text_of(bureau.page(address))
    assert "全校收到 1 份，不认人，不算比率。" in said
    assert "填报率" not in said.partition("同一个活动")[0]
    assert "七年级（3）班 1 份" in said
    assert "请核对" not in said
    rows = list(csv.reader(io.StringIO(bureau.get(f"{address}/counts.csv").data.decode("utf-8-sig"))))
    assert rows[1][4:] == ["", "", "1", "", "", "", ""]


def test_coverage_leads_to_the_list_of_units_and_to_each_item(room: Room, drive: Drive, bureau: Desk) -> None:
    units = "/staff/rounds/{}/declarations?under={}"
    items = "/staff/rounds/{}/adoption/{}"
    for round_, links in ((drive.receipt, [units]), (drive.adoption, [units, items])):
        page = bureau.page(f"/staff/rounds/{round_.id}/coverage/{room.county.id}")
        wanted = [link.format(round_.id, room.county.id) for link in links]
        assert [link for link in wanted if f'href="{link}"' not in page] == []
        assert {bureau.get(link).status_code for link in wanted} == {200}


def test_rounds_stand_under_their_campaign(room: Room, drive: Drive, bureau: Desk, watch: Watch) -> None:
    other = make.a_campaign(room.county, name="另一个活动")
    make.a_sheet_round(room.county, "pledge", campaign=other, opens_at=make.OPENS + timedelta(hours=2))
    said = text_of(bureau.page("/staff/coverage"))
    assert said.index("2026 秋季反诈测试") < said.index("反诈测试 测试") < said.index("另一个活动")
    assert said.count("2026 秋季反诈测试") == 1
    assert "风险告知回执 回执 回执率、知晓率" in said
    assert "反诈责任书 责任书 签订率" in said


def test_receipts_of_a_class_have_their_own_reminder(room: Room, drive: Drive, teacher: Desk) -> None:
    page = teacher.page(f"/staff/rounds/{drive.receipt.id}/declarations/{room.unit.id}")
    said = text_of(page)
    assert "风险告知回执：已交 11/12，还差 1 人。请还没交的家长在" in said
    assert "各位家长好。" in said
    assert "分钟" not in said.partition("提醒文字")[2]
