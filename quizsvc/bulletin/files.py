"""A bulletin as a Word file, as a PDF and as a workbook; the same issue gives the same bytes."""

import html
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from quizsvc import typesetting
from quizsvc.core import bulletin, tablefile
from quizsvc.core.bulletin import Issue, Table
from quizsvc.core.indicators import Rate
from quizsvc.core.refusal import Refusal
from quizsvc.settings import PROJECT
from quizsvc.tables import Cell, Page, book_bytes, percent

TIPS: Final = PROJECT / "question_banks" / "tips.toml"
WORD_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MOST_INSIDE: Final = 12
"""A table with more rows is an annex."""

_PRINT_SOURCE = Path(__file__).parent / "templates" / "bulletin" / "bulletin.typ"
_INSTEAD = "不能直接生成 PDF。可以下载 Word 文件，或者在浏览器里打开通报直接打印；"
_DRAFT = "拟稿，未发"

# What a letter of GB/T 9704 leaves for text: 156 mm between the margins.
_WIDE_PT = 442
_WIDE_TWIPS = 8844
_OFFICE_PT = (18, 34)
_OFFICE_SPACING = 0.06
_MOST_AT_12_PT = 8
_CELL_MARGINS_PT = 3
_LONGEST_LINE = 24  # Latin characters of a name
_LATIN = re.compile("[!-~]+")

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNSAFE_NAME = re.compile(r'[\\/:*?"<>|]')
_UNSAFE_SHEET = re.compile(r"[\[\]:*?/\\]")
_LONGEST_NAME = 200  # bytes; file systems take 255, and an ending follows
_LONGEST_SHEET = 31  # UTF-16 units, as spreadsheet programs count
_TAKEN_SHEETS = ("说明", "history")
_DECIMAL = re.compile(r"\d+\.\d")


@dataclass(frozen=True, slots=True)
class Placed:
    """The tables of a bulletin, each with its caption: before the signature, or on a new page behind it."""

    inside: tuple[tuple[str, Table], ...]
    annexes: tuple[tuple[str, Table], ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """A table to be drawn. rows: lines of each cell; shares: of the width, by column; pt: size of its text."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], ...], ...]
    shares: tuple[int, ...]
    pt: float


@dataclass(frozen=True, slots=True)
class _Sheet:
    """All that is drawn, in its order; "" where there is nothing."""

    draft: str
    office: str
    office_pt: float
    number: str
    title: str
    addressee: str
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    inside: tuple[_Grid, ...]
    signature: tuple[str, ...]
    annexes: tuple[_Grid, ...]
    foot: tuple[str, ...]


class NoTips(Refusal):
    """The file of tips is not one."""

    def __init__(self, why: str) -> None:
        super().__init__(f"每周一条的文件 {TIPS.name} 读不懂：{why}", status=500)


@cache
def tips() -> tuple[str, ...]:
    """Read the tips of the weekly reminder, in the order in which they are told; read once a process."""
    try:
        entries = tablefile.read(TIPS.read_bytes(), form="toml").values.get("tip", [])
    except (OSError, tablefile.Unreadable) as fault:
        raise NoTips(str(fault)) from fault
    found = tuple(str(entry["text"]) for entry in entries if isinstance(entry, dict) and entry.get("text"))
    if not found:
        raise NoTips("里面一条也没有。")
    return found


def name(issue: Issue) -> str:
    """Name the files of a bulletin, without an ending."""
    heading = "".join(one for one in _UNSAFE_NAME.sub("-", _plain(issue.heading)) if one.isprintable())
    return heading.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" .")


def placed(issue: Issue) -> Placed:
    """Decide where the tables stand: a single short one before the signature, otherwise all as annexes."""
    found = issue.tables
    if len(found) == 1 and len(found[0].rows) <= MOST_INSIDE:
        return Placed(((found[0].title, found[0]),), ())
    return Placed(
        (), tuple((f"附件 {number}：{one.title}", one) for number, one in enumerate(found, start=1))
    )


def workbook(issue: Issue, *, notes: tuple[tuple[str, Cell], ...], at: datetime) -> bytes:
    """Write the tables of a bulletin with all its parts, each rate as a number and the heads it is made of."""
    found = bulletin.tables(issue.figures, issue.before, "all")
    names = _sheet_names([one.title for one in found])
    pages = [_page(*both) for both in zip(names, found, strict=True)]
    return book_bytes(_plain(issue.heading), pages, notes, at)


def pdf(issue: Issue, *, foot: tuple[str, ...]) -> bytes:
    """Print a bulletin in the layout of an official letter; `foot` stands small at its end."""
    return typesetting.typeset(_PRINT_SOURCE, {"sheet": asdict(_sheet(issue, foot))}, instead=_INSTEAD)


def word(issue: Issue, *, foot: tuple[str, ...]) -> bytes:
    """Write a bulletin for Word and WPS in the layout of the PDF, to be worked on."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as parts:
        for path, text in (*_FIXED_PARTS, ("word/document.xml", _document(_sheet(issue, foot)))):
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # otherwise it tells on which system it was written
            parts.writestr(entry, _XML + text)
    return body.getvalue()


def _sheet(issue: Issue, foot: Iterable[str]) -> _Sheet:
    head, day = issue.head, issue.head.dated_on
    office = _plain(f"{head.office}文件") if head.number and head.office else ""
    tables = placed(issue)
    return _Sheet(
        draft="" if issue.issue_no else _DRAFT,
        office=office,
        office_pt=_office_pt(office),
        number=_plain(head.number),
        title=_plain(issue.heading),
        addressee=_plain(f"{head.addressee}：") if head.addressee else "",
        parts=tuple(
            (_plain(heading), tuple(map(_plain, lines)))
            for heading, lines in bulletin.paragraphs(issue.texts)
        ),
        inside=tuple(_grid(*one) for one in tables.inside),
        signature=tuple(filter(None, (_plain(head.office), f"{day.year} 年 {day.month} 月 {day.day} 日"))),
        annexes=tuple(_grid(*one) for one in tables.annexes),
        foot=tuple(map(_plain, foot)),
    )


def _plain(text: str) -> str:
    """Leave out what no XML file may hold."""
    return _FORBIDDEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")


def _office_pt(text: str) -> float:
    """As large as fits a line, within bounds."""
    smallest, largest = _OFFICE_PT
    fitting = _WIDE_PT / max(len(text) * (1 + _OFFICE_SPACING), 1)
    return min(largest, max(smallest, int(fitting)))


def _grid(caption: str, table: Table) -> _Grid:
    rows = tuple(
        tuple(tuple(_plain(bulletin.cell_text(cell)).split("\n")) for cell in row) for row in table.rows
    )
    headers = tuple(map(_plain, table.headers))
    sizes = (10.5, 9) if len(headers) > _MOST_AT_12_PT else (12, 10.5, 9)
    for pt in sizes:
        shares = _shares(headers, rows, pt)
        if sum(shares) <= _WIDE_PT:
            break
    return _Grid(_plain(caption), headers, rows, shares, pt)


def _shares(headers: Sequence[str], rows: Sequence[Sequence[Sequence[str]]], pt: float) -> tuple[int, ...]:
    """How wide the columns are, in points: numbers are never broken, and names take what is left."""
    whole = 6 if pt == 12 else 4  # short headers stay on one line
    others = [
        max(_least(line, whole) for line in (headers[column], *(one for row in rows for one in row[column])))
        for column in range(1, len(headers))
    ]
    names = max(_breadth(line) for row in rows for line in row[0])
    taken = [round(breadth * pt / 2) + _CELL_MARGINS_PT for breadth in others]
    wanted = round(min(names, _LONGEST_LINE) * pt / 2) + _CELL_MARGINS_PT
    return (max(round(4 * pt), min(wanted, _WIDE_PT - sum(taken))), *taken)


def _breadth(text: str) -> int:
    """Breadth in Latin characters; a Chinese one is as broad as two."""
    return sum(1 + (unicodedata.east_asian_width(one) in "WFA") for one in text)


def _least(text: str, whole: int) -> int:
    """The breadth that a text needs when it may go on two lines, but only between words."""
    breadth = _breadth(text)
    if breadth <= whole:
        return breadth
    return max((breadth + 1) // 2, *map(len, _LATIN.findall(text)), 0)


# Workbook


def _sheet_names(titles: Iterable[str]) -> list[str]:
    """Make names that spreadsheet programs take: short, without their own signs, each once."""
    taken, found = set(_TAKEN_SHEETS), []
    for title in titles:
        base = "".join(one for one in _UNSAFE_SHEET.sub(" ", _plain(title)) if one.isprintable()).strip(" '")
        number, made = 1, _cut(base, "")
        while not made or made.lower() in taken:
            number += 1
            made = _cut(base, f"（{number}）")
        taken.add(made.lower())
        found.append(made)
    return found


def _cut(base: str, ending: str) -> str:
    room = 2 * (_LONGEST_SHEET - len(ending))
    return base.encode("utf-16-le")[:room].decode("utf-16-le", errors="ignore").strip(" '") + ending


def _page(sheet_name: str, table: Table) -> Page:
    rates = {column for row in table.rows for column, cell in enumerate(row) if isinstance(cell, Rate)}
    headers: list[str] = []
    for column, header in enumerate(table.headers):
        headers += [f"{header}（%）", f"{header}人数"] if column in rates else [header]
    rows = tuple(tuple(_cells(row, rates)) for row in table.rows)
    return Page(sheet_name, tuple(headers), rows)


def _cells(row: Sequence[bulletin.Cell], rates: set[int]) -> Iterator[Cell]:
    for column, cell in enumerate(row):
        if isinstance(cell, Rate):
            yield from (percent(cell), cell.part)
        elif column in rates:
            yield from (cell, None)
        else:
            # means come as they are printed; a name stands in the first column alone
            yield float(cell) if column and isinstance(cell, str) and _DECIMAL.fullmatch(cell) else cell


# Word: the few parts that a document must have, ECMA-376 Part 1


def _document(sheet: _Sheet) -> str:
    blocks = "".join(_blocks(sheet))
    # A4 in twips; margins 37, 26, 35 and 28 mm; the page number 7 mm below the text
    place = (
        '<w:sectPr><w:footerReference w:type="default" r:id="rId3"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="2098" w:right="1474" w:bottom="1984" w:left="1588" w:header="851" w:footer="1220"'
        ' w:gutter="0"/></w:sectPr>'
    )
    return f"<w:document {_SPACES}><w:body>{blocks}{place}</w:body></w:document>"


def _blocks(sheet: _Sheet) -> Iterator[str]:
    if sheet.draft:
        yield _paragraph("Draft", sheet.draft)
    if sheet.number:
        if sheet.office:
            yield _paragraph("Office", sheet.office, look=_size(sheet.office_pt))
        yield _paragraph("Number", sheet.number)
    yield _paragraph("Title", sheet.title)
    if sheet.addressee:
        yield _paragraph("Addressee", sheet.addressee)
    for heading, lines in sheet.parts:
        if heading:
            yield _paragraph("Heading1", heading)
        yield from (_paragraph("BodyText", line) for line in lines)
    for grid in sheet.inside:
        yield from _table(grid)
    yield from _together("Signature", sheet.signature)
    for number, grid in enumerate(sheet.annexes):
        yield from _table(grid, "" if number else "<w:pageBreakBefore/>")
    yield from _together("Foot", sheet.foot)


def _together(style: str, lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield _paragraph(style, line, "" if number == len(lines) else "<w:keepNext/>")


def _table(grid: _Grid, place: str = "") -> Iterator[str]:
    yield _paragraph("Caption", grid.caption, place)
    widths = [_WIDE_TWIPS * share // sum(grid.shares) for share in grid.shares]
    look = _size(grid.pt)
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    headers = "".join(
        _cell(width, _paragraph("CellHead", header, look=look))
        for width, header in zip(widths, grid.headers, strict=True)
    )
    yield f"<w:tbl>{_TABLE_LOOK}<w:tblGrid>{columns}</w:tblGrid>"
    yield f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{headers}</w:tr>"
    for row in grid.rows:
        cells = "".join(
            _cell(width, _paragraph("Cell", "\n".join(lines), look=look))
            for width, lines in zip(widths, row, strict=True)
        )
        yield f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"
    yield "</w:tbl>"


def _cell(width: int, paragraph: str) -> str:
    place = f'<w:tcPr><w:tcW w:w="{width}" w:type="dxa"/><w:vAlign w:val="center"/></w:tcPr>'
    return f"<w:tc>{place}{paragraph}</w:tc>"


def _paragraph(style: str, text: str, place: str = "", *, look: str = "") -> str:
    lines = (f'<w:t xml:space="preserve">{html.escape(line, quote=False)}</w:t>' for line in text.split("\n"))
    run = f"<w:rPr>{look}</w:rPr>" if look else ""
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{place}</w:pPr><w:r>{run}{"<w:br/>".join(lines)}</w:r></w:p>'
    )


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OPENXML = "http://schemas.openxmlformats.org"
_SPACES = (
    f'xmlns:w="{_OPENXML}/wordprocessingml/2006/main" xmlns:r="{_OPENXML}/officeDocument/2006/relationships"'
)
_LINE = 'w:val="single" w:sz="4" w:space="0" w:color="000000"'
_TABLE_LOOK = (
    f'<w:tblPr><w:tblW w:w="{_WIDE_TWIPS}" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders>'
    + "".join(f"<w:{side} {_LINE}/>" for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    + '</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar><w:top w:w="40" w:type="dxa"/>'
    '<w:left w:w="28" w:type="dxa"/><w:bottom w:w="40" w:type="dxa"/><w:right w:w="28" w:type="dxa"/>'
    "</w:tblCellMar></w:tblPr>"
)


def _font(family: str) -> str:
    # Digits and quotation marks in the Chinese font too, as in any official letter.
    return f'<w:rFonts w:ascii="{family}" w:hAnsi="{family}" w:eastAsia="{family}" w:cs="{family}"/>'


def _size(pt: float) -> str:
    return f'<w:sz w:val="{round(2 * pt)}"/><w:szCs w:val="{round(2 * pt)}"/>'


_SONG, _HEI, _FANGSONG = _font("宋体"), _font("黑体"), _font("仿宋")
_BOLD = "<w:b/><w:bCs/>"
_RED = '<w:color w:val="D7000F"/>'
_CENTRED = '<w:jc w:val="center"/>'
_INDENT = '<w:ind w:firstLineChars="200" w:firstLine="640"/>'
_NATURAL = 'w:line="240" w:lineRule="auto"'
_BODY = 'w:line="580" w:lineRule="exact"'

_STYLES = (
    ("Normal", "Normal", f"<w:spacing {_BODY}/>", ""),
    ("Draft", "拟稿", '<w:spacing w:after="240"/>', _HEI + _size(14)),
    (
        "Office",
        "发文机关标志",
        f"<w:keepNext/><w:spacing {_NATURAL}/>{_CENTRED}",
        f'{_SONG}{_BOLD}{_RED}<w:spacing w:val="20"/>',
    ),
    (
        "Number",
        "发文字号",
        '<w:keepNext/><w:pBdr><w:bottom w:val="single" w:sz="16" w:space="6" w:color="D7000F"/></w:pBdr>'
        f'<w:spacing w:before="340" w:after="624" {_NATURAL}/>{_CENTRED}',
        "",
    ),
    (
        "Title",
        "Title",
        f'<w:keepNext/><w:spacing w:after="397" w:line="660" w:lineRule="exact"/>{_CENTRED}',
        _SONG + _BOLD + _size(22),
    ),
    ("Addressee", "主送机关", "", ""),
    ("BodyText", "Body Text", f'{_INDENT}<w:jc w:val="both"/>', ""),
    ("Heading1", "heading 1", f'<w:keepNext/>{_INDENT}<w:jc w:val="both"/><w:outlineLvl w:val="0"/>', _HEI),
    (
        "Caption",
        "caption",
        f'<w:keepNext/><w:spacing w:before="240" w:after="80" {_NATURAL}/>{_CENTRED}',
        _HEI + _size(12),
    ),
    ("CellHead", "表头", f"<w:keepNext/><w:spacing {_NATURAL}/>{_CENTRED}", _HEI),
    ("Cell", "表格", f"<w:spacing {_NATURAL}/>{_CENTRED}", ""),
    (
        "Signature",
        "Signature",
        f'<w:spacing w:before="794" {_BODY}/><w:ind w:right="1280"/><w:contextualSpacing/>'
        '<w:jc w:val="right"/>',
        "",
    ),
    (
        "Foot",
        "出处",
        f'<w:keepLines/><w:spacing w:before="400" {_NATURAL}/><w:contextualSpacing/>',
        f'<w:color w:val="595959"/>{_size(9)}',
    ),
    ("PageNumber", "footer", f"<w:spacing {_NATURAL}/>{_CENTRED}", _SONG + _size(14)),
)


def _style(code: str, called: str, place: str, look: str) -> str:
    first = ' w:default="1"' if code == "Normal" else ' w:customStyle="1"' if not called.isascii() else ""
    based = "" if code == "Normal" else '<w:basedOn w:val="Normal"/>'
    follows = '<w:next w:val="BodyText"/>' if code == "Heading1" else ""
    return (
        f'<w:style w:type="paragraph" w:styleId="{code}"{first}><w:name w:val="{called}"/>{based}{follows}'
        f"<w:qFormat/><w:pPr>{place}</w:pPr><w:rPr>{look}</w:rPr></w:style>"
    )


def _field(code: str) -> str:
    return (
        f'<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> {code} '
        '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )


_PARTS = (("styles", "styles"), ("settings", "settings"), ("footer1", "footer"))
_ML = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_RELATIONS = f"{_OPENXML}/package/2006/relationships"
_FIXED_PARTS = (
    (
        "[Content_Types].xml",
        f'<Types xmlns="{_OPENXML}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_ML}.document.main+xml"/>'
        + "".join(
            f'<Override PartName="/word/{part}.xml" ContentType="{_ML}.{kind}+xml"/>' for part, kind in _PARTS
        )
        + "</Types>",
    ),
    (
        "_rels/.rels",
        f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Target="word/document.xml"'
        f' Type="{_OPENXML}/officeDocument/2006/relationships/officeDocument"/></Relationships>',
    ),
    (
        "word/_rels/document.xml.rels",
        f'<Relationships xmlns="{_RELATIONS}">'
        + "".join(
            f'<Relationship Id="rId{number}" Target="{part}.xml"'
            f' Type="{_OPENXML}/officeDocument/2006/relationships/{kind}"/>'
            for number, (part, kind) in enumerate(_PARTS, start=1)
        )
        + "</Relationships>",
    ),
    (
        "word/styles.xml",
        f"<w:styles {_SPACES}><w:docDefaults><w:rPrDefault><w:rPr>{_FANGSONG}{_size(16)}"
        '<w:lang w:val="zh-CN" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>'
        + "".join(_style(*one) for one in _STYLES)
        + "</w:styles>",
    ),
    (
        "word/settings.xml",
        f'<w:settings {_SPACES}><w:compat><w:compatSetting w:name="compatibilityMode"'
        ' w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat></w:settings>',
    ),
    (
        "word/footer1.xml",
        f'<w:ftr {_SPACES}><w:p><w:pPr><w:pStyle w:val="PageNumber"/></w:pPr><w:r><w:t xml:space="preserve">— '
        f'</w:t></w:r>{_field("PAGE")}<w:r><w:t xml:space="preserve"> —</w:t></w:r></w:p></w:ftr>',
    ),
)
