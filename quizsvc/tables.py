"""Tables as files: CSV with a byte order mark, and XLSX; no text can start a formula, numbers stay numbers."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import xlsxwriter

from quizsvc.clock import SHANGHAI
from quizsvc.core.cells import guarded
from quizsvc.core.indicators import Rate
from quizsvc.core.ledger import Anchor

Cell = str | int | float | None

MIMETYPES: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
WIDEST = 40


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table to be exported, with what must be told about it."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One sheet of a workbook of several."""

    name: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def csv_bytes(sheet: Sheet) -> bytes:
    """Write a table as CSV, its notes below an empty line."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in (sheet.headers, *sheet.rows, (), *sheet.notes):
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(sheet: Sheet, at: datetime) -> bytes:
    """Write a table as a workbook, its notes on a second sheet."""
    return book_bytes(sheet.title, [Page("数据", sheet.headers, sheet.rows)], sheet.notes, at)


def book_bytes(title: str, pages: Iterable[Page], notes: Sequence[tuple[str, Cell]], at: datetime) -> bytes:
    """Write several tables as one workbook, the notes on its last sheet."""
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"in_memory": True}) as book:
        book.set_properties({"title": title, "created": at.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        for page in pages:
            table = book.add_worksheet(page.name)
            for number, row in enumerate((page.headers, *page.rows)):
                _write_row(table, number, row, None if number else bold)
            table.freeze_panes(1, 0)
            for column, width in enumerate(_widths(page)):
                table.set_column(column, column, width)
        told = book.add_worksheet("说明")
        for number, note in enumerate(notes):
            _write_row(told, number, note)
        told.set_column(0, 0, 12)
        told.set_column(1, 1, 80)
    return body.getvalue()


def file_bytes(sheet: Sheet, form: str, at: datetime) -> bytes:
    """Write a table in one of the forms of MIMETYPES."""
    return csv_bytes(sheet) if form == "csv" else xlsx_bytes(sheet, at)


def anchored(sheet: Sheet, place: Anchor) -> Sheet:
    """Add where the audit log stood when the table was issued: the log cannot be rewritten unnoticed any more."""
    return replace(sheet, notes=sheet.notes + anchor_notes(place))


def anchor_notes(place: Anchor) -> tuple[tuple[str, Cell], ...]:
    """Say where the audit log stood."""
    return (("链头", place.short), ("链头全文", str(place)))


def local(at: datetime | None) -> str:
    """Write a moment as a wall clock in China shows it, nothing for none."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""


def percent(rate: Rate) -> float | None:
    """Write a rate as a number with one decimal, rounded down; None when there is nobody to speak of."""
    return None if rate.permyriad is None else rate.permyriad // 10 / 10


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


def _widths(page: Page) -> list[int]:
    """Widths in characters; a Chinese one is as wide as two."""
    return [
        min(max(_width(cell) for cell in column) + 2, WIDEST)
        for column in zip(page.headers, *page.rows, strict=True)
    ]


def _width(cell: Cell) -> int:
    return 0 if cell is None else sum(1 + (ord(character) > 0x2E80) for character in str(cell))
