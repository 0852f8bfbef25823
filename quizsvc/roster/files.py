"""Roster files: CSV in the encodings schools use, XLSX, XLS and ODS in; rows out. And the templates."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from itertools import islice

import xlsxwriter

from quizsvc.core import unitname
from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import Form, Row, Sheet

MEBIBYTE = 1024 * 1024
LARGEST_FILE = 5 * MEBIBYTE
LARGEST_UNPACKED = 30 * MEBIBYTE
MOST_MEMBERS = 200
MOST_RATIO = 100
MOST_ROWS = 20_000
MOST_COLUMNS = 60
HEADER_WITHIN = 10
TEXT_FORMAT = 49  # the spreadsheet programs' own number for "text"
READER_SECONDS = 10
READER_BYTES = 768 * MEBIBYTE

TOO_LARGE = "文件太大，最大 5 MB。请只留下名单一张表，去掉图片。"

SYNONYMS: dict[str, tuple[str, ...]] = {
    "school": ("学校", "学校名称", "所在学校", "就读学校", "校名", "单位", "单位名称"),
    "college": ("学院", "学院名称", "二级学院", "院系", "系部"),
    "grade": ("年级", "年级名称", "所在年级"),
    "class_name": ("班级", "班级名称", "所在班级", "行政班级", "行政班", "班"),
    "seat": ("座号", "座位号", "班内序号", "序号"),
    "number": ("学号", "学生学号"),
    "name": ("姓名", "学生姓名", "名字"),
    "count": ("人数", "应测人数", "班级人数", "学生人数", "在册人数", "总人数"),
}
"""Field of a row -> headings it is known by, the preferred first."""

_FIELD_OF = {heading: field for field, headings in SYNONYMS.items() for heading in headings}
_DELIMITERS = (",", "\t", ";")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MOST_LINES = MOST_ROWS + HEADER_WITHIN

# The reader allocates the whole rectangle between the first and the last cell, and a failed allocation ends
# its process: five kilobytes with one cell in the last corner are enough. So it runs apart, within limits.
_READER = """
import io, json, sys
try:
    import resource
except ImportError:
    pass
else:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
name = next(
    sheet.name for sheet in book.sheets_metadata
    if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
)
rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=int(sys.argv[3]) + 1)
sys.stdout.write(json.dumps([row[: int(sys.argv[4]) + 1] for row in rows], default=str))
"""


class Unreadable(Refusal):
    """A file that is no roster, too large, or broken."""


def read_roster(body: bytes) -> Sheet:
    """Read a roster file of any of the known kinds; the kind is seen from its content."""
    if not body.strip():
        raise Unreadable("文件是空的。")
    if len(body) > LARGEST_FILE:
        raise Unreadable(TOO_LARGE)
    if body.startswith(_ZIP):
        _refuse_bomb(body)
        return _sheet(_spreadsheet(body))
    if body.startswith(_OLE):
        return _sheet(_spreadsheet(body))
    return _sheet(_csv(_decoded(body)))


def template(form: Form, with_school: bool) -> bytes:
    """Make an empty file to fill in; student numbers are text, so that no leading zero is lost."""
    headings = ["学校"] if with_school else []
    headings += ["年级", "班级", "座号", "学号", "姓名"] if form == "seats" else ["年级", "班级", "人数"]
    body = io.BytesIO()
    book = xlsxwriter.Workbook(body, {"in_memory": True})
    bold = book.add_format({"bold": True, "bottom": 1})
    as_text = book.add_format({"num_format": TEXT_FORMAT})
    sheet = book.add_worksheet("名单")
    for column, heading in enumerate(headings):
        sheet.set_column(column, column, 18, as_text)
        sheet.write_string(0, column, heading, bold)
    sheet.freeze_panes(1, 0)
    notes = book.add_worksheet("填写说明")
    notes.set_column(0, 0, 80)
    for line, text in enumerate(_NOTES[form]):
        notes.write_string(line, 0, text)
    book.close()
    return body.getvalue()


_NOTES: dict[Form, tuple[str, ...]] = {
    "seats": (
        "一行一名学生。年级写“七年级”或“2023级”，班级写“3”“3班”或“七年级（3）班”都可以。",
        "座号是学生在班里的序号，1 到 99，同一个班不能重复。",
        "学号、姓名可以不填：只按座号测试时不需要姓名。填了学号，学生换班、换座号、休学再回来都能认出来。",
        "不要填身份证号、手机号。别的列会被忽略，不会保存。",
    ),
    "counts": (
        "一行一个班。年级写“七年级”或“2023级”，班级写“3”“3班”或“七年级（3）班”都可以。",
        "人数是应该参加测试的人数，0 到 99。导入后座号从 1 排到这个数。",
    ),
}


def _refuse_bomb(body: bytes) -> None:
    """Look at the declared sizes before anything is unpacked."""
    try:
        members = zipfile.ZipFile(io.BytesIO(body)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        raise Unreadable(_BROKEN) from None
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS or unpacked > LARGEST_UNPACKED or unpacked > MOST_RATIO * len(body):
        raise Unreadable("这个表格文件展开后太大，没有打开。请把名单复制到一个新表格里再上传。")


_BROKEN = "打不开这个表格：文件损坏、设了密码，或者不是表格。请用表格软件另存为 XLSX 或 CSV 再上传。"


def _spreadsheet(body: bytes) -> list[list[str]]:
    arguments = [str(number) for number in (READER_BYTES, READER_SECONDS, _MOST_LINES, MOST_COLUMNS)]
    try:
        read = subprocess.run(  # noqa: S603 our own program; the file goes to its standard input
            [sys.executable, "-I", "-c", _READER, *arguments],
            input=body,
            capture_output=True,
            timeout=2 * READER_SECONDS,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise Unreadable(_BROKEN) from None
    return [[_text(cell) for cell in row] for row in json.loads(read.stdout)]


def _text(cell: str | float | bool | None) -> str:
    """Write a cell as its author sees it; a number too long to be exact looks spoilt, as it is."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell)) if abs(cell) < 10**15 else f"{cell:.5E}"
    return "" if cell is None else str(cell)


def _decoded(body: bytes) -> str:
    try:
        if body.startswith(_UTF16):
            text = body.decode("utf-16")
        else:
            try:
                text = body.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = body.decode("gb18030")
    except UnicodeDecodeError:
        raise Unreadable(_BROKEN) from None
    if "\0" in text:
        raise Unreadable(_BROKEN)
    return text


def _csv(text: str) -> list[list[str]]:
    """Read with the delimiter under which most headings are found."""
    best: list[list[str]] = []
    most = -1
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            rows = list(islice(reader, _MOST_LINES + 1))
        except csv.Error:
            continue
        known = max((len(_columns(row)) for row in rows[:HEADER_WITHIN]), default=0)
        if known > most:
            best, most = rows, known
    return best


def _columns(header: Sequence[str]) -> dict[str, list[int]]:
    """Find the known headings of a row: field -> columns."""
    found: dict[str, dict[str, list[int]]] = {}
    for column, cell in enumerate(header):
        heading = unitname.tidy(cell).strip("*").removesuffix("(必填)").removesuffix("(选填)")
        if heading in _FIELD_OF:
            found.setdefault(_FIELD_OF[heading], {}).setdefault(heading, []).append(column)
    return {
        field: next(headings[heading] for heading in SYNONYMS[field] if heading in headings)
        for field, headings in found.items()
    }


def _sheet(rows: Sequence[Sequence[str]]) -> Sheet:
    if any(len(row) > MOST_COLUMNS for row in rows):
        raise Unreadable(f"列太多，最多 {MOST_COLUMNS} 列。请只留下名单需要的几列。")
    at, columns = _header(rows)
    if len(rows) - at - 1 > MOST_ROWS:
        raise Unreadable(f"名单太长，一次最多 {MOST_ROWS:,} 行。请分成几个文件。")
    form: Form = "seats" if "seat" in columns else "counts"
    return Sheet(form, tuple(_rows(rows[at + 1 :], at + 2, columns)))


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    for at, row in enumerate(rows[:HEADER_WITHIN]):
        found = _columns(row)
        if len(found) < 2 and "seat" not in found:
            continue
        for field, columns in found.items():
            if len(columns) > 1:
                raise Unreadable(f"“{SYNONYMS[field][0]}”这一列出现了两次，请去掉一列。")
        if "seat" not in found and "count" not in found:
            raise Unreadable("缺少“座号”一列（只报人数的，写“人数”）。")
        return at, {field: columns[0] for field, columns in found.items()}
    raise Unreadable("没有找到表头。名单要有“班级、座号”（可以加学号、姓名），只报人数的要有“班级、人数”。")


def _rows(rows: Iterable[Sequence[str]], line: int, columns: dict[str, int]) -> Iterable[Row]:
    found = 0
    for number, row in enumerate(rows, start=line):
        cells = {field: row[column].strip() if column < len(row) else "" for field, column in columns.items()}
        if any(cells.values()):
            found += 1
            yield Row(number, **cells)
    if not found:
        raise Unreadable("表头下面没有名单。")
