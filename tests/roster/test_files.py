"""Roster files in every encoding and form schools send, and files that are none."""

import io
import struct
import zipfile
from datetime import date

import pytest
import xlsxwriter

from quizsvc.core.rosterplan import LISTED, Form, Row, Sheet
from quizsvc.roster import files
from quizsvc.roster.files import Unreadable, read_roster

TEXT = "学校,年级,班级,座号,学号,姓名\r\n实验中学,七年级,3,1,0012,李明\r\n\r\n实验中学,七年级,3,2,,\r\n"
SHEET = Sheet(
    "seats",
    (
        Row(2, "实验中学", "", "七年级", "3", "1", "0012", "李明"),
        Row(4, "实验中学", "", "七年级", "3", "2"),
    ),
)
BROKEN = "打不开这个表格：文件损坏、设了密码，或者不是表格。请用表格软件另存为 XLSX 或 CSV 再上传。"
NO_HEADING = (
    "没有找到表头。名单要有“班级、座号”（可以加学号、姓名），只报人数的要有“班级、人数”或“企业、人数”。"
)
BOMB = "这个表格文件展开后太大，没有打开。请把名单复制到一个新表格里再上传。"


def workbook(*cells: tuple[int, int, object], hidden_first: bool = False) -> bytes:
    body = io.BytesIO()
    book = xlsxwriter.Workbook(body, {"default_date_format": "yyyy-mm-dd"})
    if hidden_first:
        hidden = book.add_worksheet("旧名单")
        hidden.write(0, 0, "不要读这张")
    sheet = book.add_worksheet("名单")
    if hidden_first:
        sheet.activate()
        sheet.set_first_sheet()
        hidden.hide()
    for row, column, value in cells:
        sheet.write(row, column, value)
    book.close()
    return body.getvalue()


def table(*lines: tuple[object, ...]) -> bytes:
    return workbook(*((r, c, value) for r, line in enumerate(lines) for c, value in enumerate(line)))


def repacked(body: bytes, member: str, content: bytes) -> bytes:
    """The same archive with other content in one member."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == member else old.read(info))
    return made.getvalue()


def refusal(body: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        read_roster(body)
    return refused.value.text


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("gb18030"),
        TEXT.replace(",", "\t").encode("utf-16"),
        TEXT.replace(",", ";").encode("gb18030"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace(",", "\t").encode(),
    ],
    ids=[
        "utf-8",
        "utf-8-bom",
        "utf-16-le",
        "utf-16-be",
        "gb18030",
        "tab-utf-16",
        "semicolon",
        "lf",
        "pasted",
    ],
)
def test_text_files_in_every_encoding(body: bytes):
    assert read_roster(body) == SHEET


def test_a_rare_character_of_gb18030_survives():
    body = "班级,座号,姓名\n3,1,𠮷㛃\n".encode("gb18030")
    assert read_roster(body).rows[0].name == "𠮷㛃"


def test_a_spreadsheet_gives_what_its_author_sees():
    body = table(
        ("班级", "座号", "学号", "姓名"), ("七（3）班", 1.0, 13800000000.0, "李明"), (3, "02", "0012", ""),
        (3, 3, 2.0260301123456e17, ""), (True, 4.5, date(2026, 9, 1), None),
    )  # fmt: skip
    assert read_roster(body).rows == (
        Row(2, class_name="七（3）班", seat="1", number="13800000000", name="李明"),
        Row(3, class_name="3", seat="02", number="0012"),
        Row(4, class_name="3", seat="3", number="2.02603E+17"),
        Row(5, class_name="True", seat="4.5", number="2026-09-01"),
    )


def test_the_first_visible_sheet_is_read_and_lines_are_counted_as_shown():
    body = workbook(
        (1, 1, "七年级学生名单"), (3, 1, "班级"), (3, 2, "座号"), (5, 1, "3"), (5, 2, 7), hidden_first=True
    )  # fmt: skip
    assert read_roster(body) == Sheet("seats", (Row(6, class_name="3", seat="7"),))


@pytest.mark.parametrize("heading", [heading for headings in files.SYNONYMS.values() for heading in headings])
def test_every_heading_is_known(heading: str):
    field = next(field for field, headings in files.SYNONYMS.items() if heading in headings)
    others = {"class_name": "班级", "seat": "座号"}
    others.pop(field, None)
    if field == "count":
        others.pop("seat")
    if field in LISTED:
        field, others = "unit_name", {"count": "人数"}
    body = f" {heading} *,{','.join(others.values())}\nx{',y' * len(others)}\n".encode()
    assert getattr(read_roster(body).rows[0], field) == "x"


def test_columns_that_are_not_asked_for_are_dropped():
    body = "班级,座号,身份证号,手机\n3,1,110101201001011234,13800000000\n".encode()
    assert read_roster(body) == Sheet("seats", (Row(2, class_name="3", seat="1"),))


def test_a_seat_heading_wins_over_a_running_number():
    body = "序号,班级,座号\n101,3,1\n".encode()
    assert read_roster(body).rows == (Row(2, class_name="3", seat="1"),)


def test_a_list_of_companies_is_read_without_names_and_running_numbers():
    body = "序号,企业名称,人数,姓名\n101,东工有限公司,3,李明\n".encode()
    assert read_roster(body) == Sheet("company", (Row(2, unit_name="东工有限公司", count="3"),))
    assert read_roster("村（社区）,应签人数\n东村,9\n".encode()).form == "village"


def test_a_file_of_head_counts():
    body = "年级,班级,班级人数\n七年级,3,45\n".encode()
    assert read_roster(body) == Sheet("counts", (Row(2, grade="七年级", class_name="3", count="45"),))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "文件是空的。"),
        (b" \n\t ", "文件是空的。"),
        ("甲,乙\n1,2\n".encode(), NO_HEADING),
        ("班级,姓名\n3,李明\n".encode(), "缺少“座号”一列（只报人数的，写“人数”）。"),
        ("企业,姓名\n东工,李明\n".encode(),
         "缺少“人数”一列：名单要有“企业、人数”，人数是要签字、要填报的人数。"),
        ("班级,座号,企业\n3,1,东工\n".encode(),
         "“企业”和“班级”不能写在一份名单里。企业、村社区、部门各用一份，只要名称和“人数”两列。"),
        ("部门,村社区,人数\n教务处,东村,1\n".encode(),
         "“村社区”和“部门”不能写在一份名单里。企业、村社区、部门各用一份，只要名称和“人数”两列。"),
        ("班级,座号,姓名,姓名\n3,1,李明,李父\n".encode(), "“姓名”这一列出现了两次，请去掉一列。"),
        ("班级,座号\n,\n\n".encode(), "表头下面没有名单。"),
        ("班级,座号\n".encode() + b"3,1\n" * 20_001, "名单太长，一次最多 20,000 行。请分成几个文件。"),
        (("班级,座号" + ",x" * 59 + "\n3,1\n").encode(), "列太多，最多 60 列。请只留下名单需要的几列。"),
        (b"x" * (5 * 1024 * 1024 + 1), "文件太大，最大 5 MB。请只留下名单一张表，去掉图片。"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, BROKEN),
        ("班级,座号\n3,1\0\n".encode(), BROKEN),
        (b"\xff\xfe\x00\xd8", BROKEN),
        (b"PK\x03\x04" + b"a" * 200, BROKEN),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, BROKEN),
        ('"班级,座号\n'.encode() + b"3,1\n" * 50_000, NO_HEADING),
    ],
    ids=["empty", "blank", "no-heading", "no-seat", "no-count", "mixed", "two-kinds", "twice",
         "no-rows", "long", "wide", "large", "png", "nul", "half-a-character", "no-zip", "no-xls", "open-quote"],
)  # fmt: skip
def test_files_that_are_refused(body: bytes, text: str):
    assert refusal(body) == text


def test_the_last_row_and_column_that_are_allowed():
    body = ("班级,座号" + ",x" * 58 + "\n").encode() + b"3,1\n" * 20_000
    assert len(read_roster(body).rows) == 20_000


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    sheet = b"<worksheet><sheetData></sheetData>" + b" " * (40 * 1024 * 1024) + b"</worksheet>"
    assert refusal(repacked(table(("班级", "座号")), "xl/worksheets/sheet1.xml", sheet)) == BOMB


def test_too_many_members_are_refused():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(201):
            archive.writestr(f"{number}.xml", "x")
    assert refusal(made.getvalue()) == BOMB


def test_a_bomb_that_lies_about_its_size_ends_only_its_reader():
    sheet = b"<worksheet><sheetData></sheetData>" + b" " * (40 * 1024 * 1024) + b"</worksheet>"
    body = repacked(table(("班级", "座号")), "xl/worksheets/sheet1.xml", sheet)
    lie = body.replace(struct.pack("<I", len(sheet)), struct.pack("<I", 1000))
    assert refusal(lie) == BROKEN


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ((1_048_575, 16_383), BROKEN),
        ((1_048_575, 0), "名单太长，一次最多 20,000 行。请分成几个文件。"),
        ((0, 16_383), "列太多，最多 60 列。请只留下名单需要的几列。"),
    ],
    ids=["corner", "row", "column"],
)
def test_one_cell_far_away_is_refused(cell: tuple[int, int], text: str):
    """The reader aborts its process over the corner: it must not be ours."""
    assert refusal(workbook((0, 0, "班级"), (0, 1, "座号"), (1, 0, "3"), (1, 1, 1), (*cell, "z"))) == text


def test_entities_are_not_expanded():
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "' + b"&a;" * 1000 + b'">]>'
    sheet = laughs + b"<worksheet><sheetData><row><c t='str'><v>&b;</v></c></row></sheetData></worksheet>"
    with pytest.raises(Unreadable):
        read_roster(repacked(table(("班级", "座号")), "xl/worksheets/sheet1.xml", sheet))


@pytest.mark.parametrize("cut", [100, 1000, 3000])
def test_a_cut_off_spreadsheet_is_refused(cut: int):
    assert refusal(table(("班级", "座号"), ("3", 1))[:cut]) == BROKEN


@pytest.mark.parametrize(
    ("form", "with_school"),
    [("seats", True), ("seats", False), ("counts", True), *((kind, True) for kind in LISTED)],
)
def test_the_template_can_be_filled_in_and_read_back(form: Form, with_school: bool):
    body = files.template(form, with_school)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert 'numFmtId="49"' in archive.read("xl/styles.xml").decode()  # text: leading zeros stay
    assert refusal(body) == "表头下面没有名单。"
