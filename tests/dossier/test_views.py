"""The class file: seat by seat, names for the class's own teachers alone, and every export on record."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from quizsvc.audit import AuditEntry
from quizsvc.campaign.models import Campaign
from quizsvc.db import db
from quizsvc.declaration.queries import Item
from tests import make
from tests.desk import Desk
from tests.report.conftest import RIGHT, WRONG, Room, a_room
from tests.support import sqlite_only

pytestmark = sqlite_only
SHEETS = ["汇总", "测试", "回执", "责任书", "使用情况", "说明"]


@pytest.fixture
def room(app: Flask, at: Any) -> Room:
    """A class of three with names: a test, receipts, pledges, adoption, and a campaign that does not count."""
    room = a_room(pupils=3, identity="roster")
    campaign = db.session.get(Campaign, room.round.campaign_id)
    receipt, pledge, adoption = (
        make.a_sheet_round(room.county, kind, campaign=campaign, opens_at=make.OPENS + timedelta(hours=hour))
        for hour, kind in enumerate(("receipt", "pledge", "adoption"), start=1)
    )
    practice = make.a_campaign(room.county, is_test=True)
    make.a_sheet_round(room.county, campaign=practice, title="不算数的")
    room.sit(1, RIGHT, RIGHT, RIGHT)
    room.sit(2, RIGHT, WRONG, WRONG)
    make.a_declaration(receipt, room.unit, 1)
    make.a_declaration(receipt, room.unit, 2, met=False)
    make.a_declaration(pledge, room.unit, 3, channel="paper")
    make.a_declaration(
        adoption, room.unit, 1, (Item(0, "adopted", 3, "checked"), Item(1, "na", 0, "declared"))
    )
    return room


def opened(desk: Desk, room: Room, query: str = "") -> dict[str, list[list[Any]]]:
    answer = desk.get(f"/staff/classes/{room.unit.id}/file.xlsx{query}")
    assert answer.status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_file_holds_every_round_of_the_term_by_seat(app: Flask, room: Room) -> None:
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    assert f"/staff/classes/{room.unit.id}/file.xlsx?term=2026-2027-1" in teacher.page(room.page())
    book = opened(teacher, room)
    assert list(book) == SHEETS
    assert book["汇总"][1:] == [
        ["使用情况", "反诈工具使用情况", 3, 1, 2, 33.3, 33.3],
        ["责任书", "反诈责任书", 3, 1, 2, 33.3, ""],
        ["回执", "风险告知回执", 3, 2, 1, 66.6, 33.3],
        ["测试", "反诈测试", 3, 2, 1, 66.6, 33.3],
    ]
    assert [row[1:7] for row in book["测试"][1:]] == [
        [1, "李安航", 30, 30, 30, "达标"], [2, "李宁航", 10, 10, 30, "再练一练"], [3, "李远航", "", "", "", ""],
    ]  # fmt: skip
    assert [row[1:6] for row in book["回执"][1:]] == [
        [1, "李安航", "已交", "是", "手机"], [2, "李宁航", "已交", "否", "手机"], [3, "李远航", "没交", "", ""],
    ]  # fmt: skip
    assert [row[3:5] for row in book["责任书"][1:]] == [["没签", ""], ["没签", ""], ["已签", "纸质"]]
    assert [row[1:] for row in book["使用情况"][1:4]] == [
        [1, "李安航", "装了国家反诈中心 App 吗？", "做到了", "答对核对题"],
        [1, "李安航", "关注了学校公众号吗？", "不适用", ""],
        [2, "李宁航", "装了国家反诈中心 App 吗？", "没填", ""],
    ]
    assert "不算数的" not in str(book)
    told = db.session.query(AuditEntry).filter_by(action="dossier.exported").one()
    assert (told.object, json.loads(told.detail)["names"], json.loads(told.detail)["rows"]) == (
        f"unit:{room.unit.id}", True, 15,
    )  # fmt: skip
    assert opened(teacher, room, "?term=2025-2026-1")["汇总"][1:] == []
    assert teacher.get(f"/staff/classes/{room.unit.id}/file.xlsx?term=soon").status_code == 400


def test_file_is_its_own_teachers_and_no_school_has_one(app: Flask, room: Room) -> None:
    neighbour = make.a_class(room.school, 2, "704", "七年级（4）班")
    other = Desk(app, "zhao", ("class_teacher", neighbour))
    monitor = Desk(app, "ban", ("monitor", room.unit))
    counselor = Desk(app, "tutor", ("counselor", room.school))
    assert {
        desk.get(f"/staff/classes/{room.unit.id}/file.xlsx").status_code for desk in (other, monitor)
    } == {404}
    assert counselor.get(f"/staff/classes/{room.school.id}/file.xlsx").status_code == 404
    book = opened(other, Room(**{**vars(room), "unit": neighbour}))
    assert [row[1] for row in book["回执"][1:]] == [1, 2]
    assert book["回执"][0][:3] == ["场次", "座号", "状态"]  # nobody there has a name


def test_what_was_erased_is_counted_and_not_listed(app: Flask, room: Room, at: Any) -> None:
    at(datetime(2027, 2, 1, 4, tzinfo=UTC))
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    book = opened(teacher, room, "?term=2026-2027-1")
    assert len(book["汇总"]) == 5
    assert [len(book[name]) for name in SHEETS[1:5]] == [1, 1, 1, 1]
    assert "已按约定删除到座位的对应关系" in str(book["说明"])
