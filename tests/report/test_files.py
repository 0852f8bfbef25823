import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from quizsvc import tables
from quizsvc.db import db
from quizsvc.report import files, queries
from quizsvc.rollup import queries as rollup
from quizsvc.tables import Sheet
from tests import make
from tests.conftest import NOON
from tests.report.conftest import RIGHT, WRONG, Room, a_room

EVIL = Sheet(
    title="标题",
    headers=("=cmd()", "人数", "+1"),
    rows=(("@sum", 3, "七年级（3）班"), ("-1", 96.5, None), ("\t=1", 0, "＝1")),
    notes=(("=注意", "=1+1"),),
)


def lines_of(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def book_of(body: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def scores(room: Room) -> Sheet:
    row, unit = room.row, rollup.surroundings(room.round.id, room.unit.id).unit
    return files.scores_sheet(queries.scores(row, unit.id, NOON, names=False), row, unit, who="王敏", at=NOON)


def counts(room: Room, unit: Any) -> Sheet:
    row, around = room.row, rollup.surroundings(room.round.id, unit.id)
    return files.counts_sheet(queries.levels_of(row, around), row, around.unit, who="李科", at=NOON)


def test_csv_begins_with_the_mark_and_guards_every_text() -> None:
    body = tables.csv_bytes(EVIL)
    assert body.startswith(b"\xef\xbb\xbf")
    assert lines_of(body) == [
        ["'=cmd()", "人数", "'+1"],
        ["'@sum", "3", "七年级（3）班"],
        ["'-1", "96.5", ""],
        ["'\t=1", "0", "'＝1"],
        [],
        ["'=注意", "'=1+1"],
    ]


def test_workbook_keeps_numbers_and_guards_every_text() -> None:
    assert book_of(tables.xlsx_bytes(EVIL, NOON)) == {
        "数据": [
            ["'=cmd()", "人数", "'+1"],
            ["'@sum", 3.0, "七年级（3）班"],
            ["'-1", 96.5, ""],
            ["'\t=1", 0.0, "'＝1"],
        ],
        "说明": [["'=注意", "'=1+1"]],
    }


def test_workbook_of_the_same_table_and_moment_is_the_same_file() -> None:
    assert tables.xlsx_bytes(EVIL, NOON) == tables.xlsx_bytes(EVIL, NOON)


def test_scores_sheet_goes_by_seat_with_numbers_as_numbers(room: Room) -> None:
    room.sit(1, RIGHT, WRONG, WRONG)
    room.sit(1, RIGHT, RIGHT, RIGHT, ordinal=2, submitted_at=make.OPENS + timedelta(days=2))
    room.sit(3, RIGHT, RIGHT, RIGHT, late=True)
    sheet = scores(room)
    assert sheet.headers == (
        "座号",
        "首测得分",
        "计入得分",
        "满分",
        "是否达标",
        "交卷时间",
        "迟交",
        "作答次数",
        "状态",
    )
    assert sheet.rows[0] == (1, 10, 30, 30, "达标", "2026-12-03 08:00", None, 2, "已完成")
    assert sheet.rows[1] == (2, None, None, None, None, None, None, 0, "未开始")
    assert sheet.rows[2] == (3, 30, 30, 30, "达标", "2026-12-02 08:00", "迟交", 1, "已完成")
    assert len(sheet.rows) == 12


def test_notes_tell_who_when_what_and_how_many(room: Room) -> None:
    notes = dict(scores(room).notes)
    assert list(notes) == ["单位", "场次", "数据截至", "导出人", "口径", "达标线（%）", "行数"]
    assert (notes["导出人"], notes["数据截至"], notes["行数"]) == ("王敏", "2026-12-12 12:00", 12)
    assert notes["场次"] == f"反诈测试（{room.round.code}）"


def test_a_rehearsal_says_so_in_its_files(room: Room) -> None:
    campaign = db.session.get(make.Campaign, room.round.campaign_id)
    campaign.is_test = True
    db.session.commit()
    assert scores(room).notes[0] == ("注意", "测试·不计入")


def test_names_never_leave_in_the_scores(app: Flask, at: Any) -> None:
    room = a_room(pupils=3, identity="roster")
    room.sit(1, RIGHT, RIGHT, RIGHT)
    text = tables.csv_bytes(scores(room)).decode()
    assert "王敏" in text
    assert "李安航" not in text


def test_counts_sheet_lists_every_level_with_its_sums(room: Room) -> None:
    small = make.a_class(room.school, pupils=4, code="704", name="七年级（4）班")
    for seat in (1, 2, 3):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    room.sit(1, RIGHT, RIGHT, RIGHT, unit=small)
    sheet = counts(room, room.county)
    assert [row[:4] for row in sheet.rows] == [
        ("阳光县", 1, "县区", "yg/"),
        ("阳光县 / 阳光县实验中学", 2, "学校", "yg/sy/"),
        ("阳光县 / 阳光县实验中学 / 七年级（3）班", 3, "班级", "yg/sy/703/"),
        ("阳光县 / 阳光县实验中学 / 七年级（4）班", 3, "班级", "yg/sy/704/"),
    ]
    assert [row[4:] for row in sheet.rows] == [
        (16, 0, 4, 0, 12, 4, 4, 4, 25.0, 25.0, 25.0, None),
        (16, 0, 4, 0, 12, 4, 4, 4, 25.0, 25.0, 25.0, None),
        (12, 0, 3, 0, 9, 3, 3, 3, 25.0, 25.0, 25.0, None),
        (4, 0, 1, 0, 3, None, None, None, 25.0, None, None, None),
    ]


@pytest.mark.parametrize(("done", "rate"), [(1, 8.3), (11, 91.6), (12, 100.0)])
def test_rates_in_files_are_rounded_down(room: Room, done: int, rate: float) -> None:
    for seat in range(1, done + 1):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    assert counts(room, room.unit).rows[0][12] == rate


def test_counts_sheet_of_a_school_begins_with_the_school(room: Room) -> None:
    assert [row[:2] for row in counts(room, room.school).rows] == [
        ("阳光县实验中学", 1),
        ("阳光县实验中学 / 七年级（3）班", 2),
    ]
