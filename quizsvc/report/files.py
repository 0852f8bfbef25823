"""Tables as files: CSV with a byte order mark, and XLSX; no text can start a formula, numbers stay numbers."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import xlsxwriter

from quizsvc.campaign.queries import RoundRow
from quizsvc.clock import SHANGHAI
from quizsvc.core import indicators
from quizsvc.core.cells import guarded
from quizsvc.core.indicators import Rate
from quizsvc.core.ledger import Anchor
from quizsvc.core.unitname import KIND_NAMES
from quizsvc.report.queries import Scores
from quizsvc.rollup.queries import Level
from quizsvc.roster.queries import UnitRow

Cell = str | int | float | None

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MIMETYPES = {"csv": CSV, "xlsx": XLSX}

WIDEST = 40
RATES_MEAN = (
    "完成率=已测÷应测；首测知晓率=第一次就达标的人数÷应测；学后知晓率=计分作答达标的人数÷应测。"
    "没有参加的人在分母里；一律舍去尾数。"
)
SCORES_MEAN = "首测是第一次有效作答的得分；计入是按场次规则取的得分；作废的作答不在内。"
ERASED = "已按约定删除到座位的对应关系，这里没有到座位的成绩；人数和比率不变。"
FEW_HIDDEN = f"应测不满 {indicators.SMALLEST_SHOWN} 人的单位只列人数，不列达标情况。"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table to be exported, with what must be told about it."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[tuple[str, Cell], ...]


def csv_bytes(sheet: Sheet) -> bytes:
    """Write a table as CSV, its notes below an empty line."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (sheet.headers, *sheet.rows, (), *sheet.notes):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(sheet: Sheet, at: datetime) -> bytes:
    """Write a table as a workbook, its notes on a second sheet."""
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True}) as book:
        book.set_properties({"title": sheet.title, "created": at.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        table, notes = book.add_worksheet("数据"), book.add_worksheet("说明")
        for number, row in enumerate((sheet.headers, *sheet.rows)):
            _write_row(table, number, row, None if number else bold)
        for number, note in enumerate(sheet.notes):
            _write_row(notes, number, note)
        table.freeze_panes(1, 0)
        for column, width in enumerate(_widths(sheet)):
            table.set_column(column, column, width)
        notes.set_column(0, 0, 12)
        notes.set_column(1, 1, 80)
    return body.getvalue()


def anchored(sheet: Sheet, place: Anchor) -> Sheet:
    """Add where the audit log stood when the table was issued: the log cannot be rewritten unnoticed any more."""
    notes: tuple[tuple[str, Cell], ...] = (("链头", place.short), ("链头全文", str(place)))
    return replace(sheet, notes=sheet.notes + notes)


def scores_sheet(scores: Scores, round_: RoundRow, unit: UnitRow, *, who: str, at: datetime) -> Sheet:
    """Lay out the scores of a class by seat: no names leave the page, and nobody is ranked."""
    return Sheet(
        title=f"{unit.name} {round_.title} 成绩",
        headers=("座号", "首测得分", "计入得分", "满分", "是否达标", "交卷时间", "迟交", "作答次数", "状态"),
        rows=tuple(
            (
                row.seat,
                row.first,
                row.counted,
                row.out_of or None,
                None if row.counted is None else "达标" if row.met else "再练一练",
                _local(row.submitted_at) if row.submitted_at else None,
                "迟交" if row.late else None,
                row.attempts,
                row.state,
            )
            for row in scores.rows
        ),
        notes=_notes(
            round_, unit, len(scores.rows), ERASED if scores.erased else SCORES_MEAN, who=who, at=at
        ),
    )


def counts_sheet(
    levels: Sequence[Level], round_: RoundRow, unit: UnitRow, *, who: str, at: datetime
) -> Sheet:
    """Lay out the head counts of a unit and everything under it."""
    depth = unit.path.count("/")
    names = {level.unit.path: level.unit.name for level in levels}
    return Sheet(
        title=f"{unit.name} {round_.title} 覆盖",
        headers=(
            "单位", "层级", "类型", "编号", "应测", "免测", "已测", "进行中", "还差", "首测达标", "学后达标",
            "满分人数", "完成率（%）", "首测知晓率（%）", "学后知晓率（%）", "需核对",
        ),
        rows=tuple(_counts_row(level, depth, names) for level in levels),
        notes=_notes(round_, unit, len(levels), f"{RATES_MEAN}{FEW_HIDDEN}", who=who, at=at),
    )  # fmt: skip


def _counts_row(level: Level, depth: int, names: dict[str, str]) -> tuple[Cell, ...]:
    unit, tally = level.unit, level.tally
    hidden = indicators.hidden_small(tally.expected)
    codes = unit.path.split("/")[:-1]
    above = ["/".join(codes[:length]) + "/" for length in range(depth, len(codes))]
    return (
        " / ".join(names[path] for path in (*above, unit.path) if path in names),
        len(codes) - depth + 1,
        KIND_NAMES.get(unit.kind, unit.kind),
        unit.path,
        tally.expected,
        tally.exempt,
        tally.done,
        tally.open,
        level.missing,
        None if hidden else tally.first_aware,
        None if hidden else tally.aware,
        None if hidden else tally.full,
        _percent(indicators.coverage(tally)),
        None if hidden else _percent(indicators.first_awareness(tally)),
        None if hidden else _percent(indicators.awareness(tally)),
        "已测多于应测" if level.over else None,
    )


def _percent(rate: Rate) -> float | None:
    return None if rate.permyriad is None else rate.permyriad // 10 / 10


def _notes(
    round_: RoundRow, unit: UnitRow, rows: int, meaning: str, *, who: str, at: datetime
) -> tuple[tuple[str, Cell], ...]:
    notes: list[tuple[str, Cell]] = [
        ("单位", unit.name),
        ("场次", f"{round_.title}（{round_.code}）"),
        ("数据截至", _local(at)),
        ("导出人", who),
        ("口径", meaning),
        ("达标线（%）", round_.threshold_permyriad / 100),
        ("行数", rows),
    ]
    return ((("注意", round_.watermark),) if round_.watermark else ()) + tuple(notes)


def _local(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _write_row(
    worksheet: "xlsxwriter.worksheet.Worksheet",
    number: int,
    row: Sequence[Cell],
    look: "xlsxwriter.format.Format | None" = None,
) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            worksheet.write_string(number, column, guarded(cell), look)
        elif cell is not None:
            worksheet.write_number(number, column, cell, look)


def _widths(sheet: Sheet) -> list[int]:
    """Widths in characters; a Chinese one is as wide as two."""
    return [
        min(max(_width(cell) for cell in column) + 2, WIDEST)
        for column in zip(sheet.headers, *sheet.rows, strict=True)
    ]


def _width(cell: Cell) -> int:
    return 0 if cell is None else sum(1 + (ord(character) > 0x2E80) for character in str(cell))
