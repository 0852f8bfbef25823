"""Roster files: CSV in the encodings schools use, XLSX, XLS and ODS in; rows out. And the templates."""

import io
from collections.abc import Collection, Iterable, Sequence

import xlsxwriter

from quizsvc import uploads
from quizsvc.core import unitname
from quizsvc.core.rosterplan import LISTED, Form, Row, Sheet
from quizsvc.uploads import LARGEST_FILE as LARGEST_FILE
from quizsvc.uploads import Unreadable as Unreadable

MOST_ROWS = 20_000
MOST_COLUMNS = 60
HEADER_WITHIN = 10
TEXT_FORMAT = 49  # the spreadsheet programs' own number for "text"

TOO_LARGE = "文件太大，最大 5 MB。请只留下名单一张表，去掉图片。"

SYNONYMS: dict[str, tuple[str, ...]] = {
    "school": ("学校", "学校名称", "所在学校", "就读学校", "校名", "单位", "单位名称"),
    "college": ("学院", "学院名称", "二级学院", "院系", "系部"),
    "grade": ("年级", "年级名称", "所在年级"),
    "class_name": ("班级", "班级名称", "所在班级", "行政班级", "行政班", "班"),
    "seat": ("座号", "座位号", "班内序号", "序号"),
    "number": ("学号", "学生学号"),
    "name": ("姓名", "学生姓名", "名字"),
    "count": ("人数", "应测人数", "班级人数", "学生人数", "在册人数", "总人数", "应签人数"),
    "company": ("企业", "企业名称", "公司", "公司名称"),
    "village": ("村社区", "村(社区)", "村/社区", "村、社区"),
    "department": ("部门", "部门名称", "科室", "处室"),
}
"""Field of a row, or kind of the units a file lists -> headings it is known by, the preferred first."""

_FIELD_OF = {heading: field for field, headings in SYNONYMS.items() for heading in headings}
_MOST_LINES = MOST_ROWS + HEADER_WITHIN
_BROKEN = "打不开这个表格：文件损坏、设了密码，或者不是表格。请用表格软件另存为 XLSX 或 CSV 再上传。"
_TOO_MUCH = "这个表格文件展开后太大，没有打开。请把名单复制到一个新表格里再上传。"


def read_roster(body: bytes) -> Sheet:
    """Read a roster file of any of the known kinds; the kind is seen from its content."""
    uploads.checked(body, too_large=TOO_LARGE)
    if body.startswith((uploads.ZIP, uploads.OLE)):
        return _sheet(_spreadsheet(body))
    return _sheet(_csv(uploads.text(body, broken=_BROKEN)))


def template(form: Form, with_school: bool) -> bytes:
    """Make an empty file to fill in; student numbers are text, so that no leading zero is lost."""
    headings = ["学校"] if with_school else []
    headings += ["年级", "班级", "座号", "学号", "姓名"] if form == "seats" else ["年级", "班级", "人数"]
    if form in LISTED:
        headings = [unitname.KIND_NAMES[form], "人数"]
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


_COUNT_NOTE = "人数是应该参加的人数，0 到 99。导入后座号从 1 排到这个数。不要写姓名，别的列不会保存。"
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
    "company": ("一行一家企业，写全称。人数里只算要签字、要填报的人，例如负责人和财务人员。", _COUNT_NOTE),
    "village": ("一行一个村或社区。人数里只算要签字、要填报的人，例如村社区的工作人员。", _COUNT_NOTE),
    "department": ("一行一个部门，写全称。人数是这个部门要签字、要填报的人数。", _COUNT_NOTE),
}


def _spreadsheet(body: bytes) -> list[list[str]]:
    rows = uploads.spreadsheet(
        body, most_rows=_MOST_LINES, most_columns=MOST_COLUMNS, broken=_BROKEN, too_much=_TOO_MUCH
    )
    return [[uploads.cell_text(cell) for cell in row] for row in rows]


def _csv(text: str) -> list[list[str]]:
    return uploads.delimited(
        text,
        most_rows=_MOST_LINES,
        most_columns=MOST_COLUMNS,
        header_within=HEADER_WITHIN,
        known=lambda row: len(_columns(row)),
    )


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
    form = _form(columns)
    if form in LISTED:  # 序号 is a running number here, and nobody's name is asked for
        columns = {"unit_name": columns[form], "count": columns["count"]}
    return Sheet(form, tuple(_rows(rows[at + 1 :], at + 2, columns)))


def _form(columns: Collection[str]) -> Form:
    listed = [kind for kind in LISTED if kind in columns]
    if not listed:
        return "seats" if "seat" in columns else "counts"
    first, *others = (
        SYNONYMS[field][0]
        for field in (*listed, "school", "college", "grade", "class_name")
        if field in columns
    )
    if others:
        raise Unreadable(
            f"“{first}”和“{others[0]}”不能写在一份名单里。企业、村社区、部门各用一份，只要名称和“人数”两列。"
        )
    if "count" not in columns:
        raise Unreadable(f"缺少“人数”一列：名单要有“{first}、人数”，人数是要签字、要填报的人数。")
    return listed[0]


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, dict[str, int]]:
    for at, row in enumerate(rows[:HEADER_WITHIN]):
        found = _columns(row)
        if len(found) < 2 and "seat" not in found:
            continue
        for field, columns in found.items():
            if len(columns) > 1:
                raise Unreadable(f"“{SYNONYMS[field][0]}”这一列出现了两次，请去掉一列。")
        if not found.keys() & {"seat", "count", *LISTED}:
            raise Unreadable("缺少“座号”一列（只报人数的，写“人数”）。")
        return at, {field: columns[0] for field, columns in found.items()}
    raise Unreadable(
        "没有找到表头。名单要有“班级、座号”（可以加学号、姓名），只报人数的要有“班级、人数”或“企业、人数”。"
    )


def _rows(rows: Iterable[Sequence[str]], line: int, columns: dict[str, int]) -> Iterable[Row]:
    found = 0
    for number, row in enumerate(rows, start=line):
        cells = {field: row[column].strip() if column < len(row) else "" for field, column in columns.items()}
        if any(cells.values()):
            found += 1
            yield Row(number, **cells)
    if not found:
        raise Unreadable("表头下面没有名单。")
