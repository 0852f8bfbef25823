"""No cell of any file that leaves the service starts a formula, no text is lost, numbers stay numbers. R17, T17."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from quizsvc import tables
from quizsvc.core import bankfile, cells
from quizsvc.formats import sheet as questions
from quizsvc.roster import files as roster
from quizsvc.settings import PROJECT
from quizsvc.tables import Sheet
from tests import make
from tests.conftest import NOON

PACKAGE = PROJECT / "quizsvc"
LETTERS = "=+-@\t\r\n\0＝＋－＠ \u3000\ufeff\u200b\u00a0'\"a1中"
EVERY = ["".join(text) for length in range(4) for text in product(LETTERS, repeat=length)]
"""All texts of up to three of the characters that matter: more than nine thousand."""

COMMANDS = [
    "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","点我")', "@SUM(1+1)*cmd|' /C calc'!A0", "+86 138", "-1+1", "－1",
    "\ufeff=1+1", " \t=1", "=1\n=2", "'=1", 'DDE("a";"b")', "\u202e=1", "a,=1", '"=1"', "\u2066=1",
]  # fmt: skip
NUMBERS = [0, -5, 12.5, -0.5, 10**9]


def first_visible(text: str) -> str:
    """What a spreadsheet program sees first: after blanks and characters without a shape."""
    return next(
        (
            one
            for one in text
            if one in cells.DANGEROUS or not (one.isspace() or unicodedata.category(one) == "Cf")
        ),
        "",
    )


def table(texts: Sequence[str]) -> Sheet:
    """The texts in every place of a table: title, headings, cells, notes; numbers beside them."""
    rows = tuple((text, NUMBERS[place % len(NUMBERS)], None) for place, text in enumerate(texts))
    return Sheet(
        title=texts[0] if texts else "", headers=("一", "二", "三"), rows=rows, notes=(("注", "=1"),)
    )


def csv_rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def workbook(body: bytes) -> tuple[list[list[object]], str]:
    """The rows of the first sheet as a spreadsheet program reads them, and the source of all sheets."""
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        source = "".join(parts.read(name).decode() for name in parts.namelist() if "/worksheets/" in name)
    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False), source


# CSV


def check_csv(texts: Sequence[str]) -> None:
    rows = csv_rows(tables.csv_bytes(table(texts)))[1 : len(texts) + 1]

    assert [row[0] for row in rows if first_visible(row[0]) in cells.DANGEROUS] == []
    assert [text for text, row in zip(texts, rows, strict=True) if row[0] not in (text, f"'{text}")] == []
    assert [float(row[1]) for row in rows] == [NUMBERS[place % len(NUMBERS)] for place in range(len(texts))]


def test_no_text_is_a_formula_in_csv_and_every_text_comes_back() -> None:
    check_csv([*EVERY, *COMMANDS])
    assert len(EVERY) > 9000


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=12), max_size=30))
def test_any_text_comes_back_from_csv(texts: list[str]) -> None:
    check_csv(texts)


def test_headings_and_notes_are_guarded_too() -> None:
    sheet = Sheet("t", ("=1", "@x"), (), (("+1", "-1"), ("注", 5)))

    assert csv_rows(tables.csv_bytes(sheet)) == [["'=1", "'@x"], [], ["'+1", "'-1"], ["注", "5"]]


# XLSX


def visible(text: object) -> str:
    """A text as XML can carry it: line ends are one, and what cannot stand in XML is left out of the comparison."""
    return re.sub(
        r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", str(text).replace("\r\n", "\n").replace("\r", "\n")
    )


def check_workbook(texts: Sequence[str]) -> None:
    rows, source = workbook(tables.xlsx_bytes(table(texts), NOON))

    assert "<f>" not in source
    assert "<hyperlink" not in source
    for place, text in enumerate(texts):
        cell, number, _ = (*rows[place + 1], "", "")[:3]
        assert number == NUMBERS[place % len(NUMBERS)]
        assert isinstance(number, float | int)
        assert visible(cell) in (visible(text), f"'{visible(text)}"), repr(text)
        assert first_visible(str(cell)) not in cells.DANGEROUS, repr(text)


def test_no_text_is_a_formula_in_a_workbook_and_every_text_comes_back() -> None:
    check_workbook([*EVERY, *COMMANDS])


# Files that must be read back: a question keeps its text, and a string cell is no formula


def an_item(number: int, text: str) -> bankfile.Item:
    return make.an_item(
        f"cell-{number:02}",
        stem=f"{text}？",
        options=(bankfile.Option(f"{text}甲", key=True), bankfile.Option(f"{text}乙")),
        explanation=bankfile.Explanation(f"{text}。", f"{text}！", f"{text}；"),
        source=f"{text} 2023",
    )


def test_questions_leave_as_string_cells_and_come_back_unchanged() -> None:
    items = [an_item(number, text.strip()) for number, text in enumerate(COMMANDS)]

    body = questions.write(items, bankfile.Vocabulary({"brushing": "刷单返利"}, {}), title="=1")
    rows, source = workbook(body)

    assert "<f>" not in source
    assert "<hyperlink" not in source
    stem = rows[0].index(questions.SYNONYMS["stem"][0])
    assert [row[stem] for row in rows[1:]] == [item.stem for item in items]
    assert {cell for row in rows for cell in row if isinstance(cell, float)} == set()


@pytest.mark.parametrize(
    "body", [questions.template(), roster.template("seats", True), roster.template("counts", False)]
)
def test_templates_hold_no_formula(body: bytes) -> None:
    _, source = workbook(body)

    assert "<f>" not in source


# What these tests would find, and what they would miss


def stripped(text: str) -> str:
    return text.lstrip("=+-@＝＋－＠ ")


def only_the_first_character(text: str) -> str:
    return f"'{text}" if text[:1] in cells.DANGEROUS else text


@pytest.mark.parametrize("guard", [str, stripped, only_the_first_character])
@pytest.mark.parametrize("check", [check_csv, check_workbook])
def test_weaker_guards_are_found(
    monkeypatch: pytest.MonkeyPatch, guard: Callable[[str], str], check: Callable[[Sequence[str]], None]
) -> None:
    monkeypatch.setattr(tables, "guarded", guard)

    with pytest.raises(AssertionError):
        check(["a", " =1", "=1"])


def test_no_other_module_writes_tables() -> None:
    """A new writer fails here until it is guarded and tested above."""
    writing = re.compile(r"xlsxwriter\.Workbook|csv\.(?:writer|DictWriter)|Workbook\(")
    found = {
        str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py") if writing.search(file.read_text())
    }

    assert found == {
        "tables.py",
        "roster/files.py",  # templates: our own words alone
        "formats/sheet.py",
        "demo.py",  # a roster that the demo reads itself
    }
