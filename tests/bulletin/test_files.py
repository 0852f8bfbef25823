"""What a bulletin looks like as a Word file, as a PDF and as a workbook."""

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree
from python_calamine import CalamineWorkbook

from quizsvc import typesetting
from quizsvc.bulletin import files
from quizsvc.core import bulletin
from quizsvc.core.bulletin import Figures, Head, Issue, Part, Section, Texts
from quizsvc.core.indicators import Rate, Tally

AT = datetime(2026, 12, 12, 15, tzinfo=timezone(timedelta(hours=8)))
FOOT = ("内容指纹 9f86d081", "审计日志 123:9f86", "知晓率的分母是应测人数。")
HOSTILE = "<w:t>&\"' \x00\x0b ]]>𠮷 #panic(1) $a_1$ *b* \\ // @x"
CLEAN = "<w:t>&\"'  ]]>𠮷 #panic(1) $a_1$ *b* \\ // @x"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

needs_typst = pytest.mark.skipif(find_spec("typst") is None, reason="typst is not installed (extra: print)")
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None,
    reason="pdftotext is missing: install poppler-utils to check the printed bulletin",
)


def tally(expected: int, done: int) -> Tally:
    return Tally(
        expected=expected,
        done=done,
        aware=done // 2,
        first_aware=done // 3,
        score=done * 86,
        out_of=done * 100,
    )


def part(number: int, name: str, expected: int = 40, done: int = 39) -> Part:
    return Part(number, name, tally(expected, done), max(expected - done, 0))


def section(*parts: Part, title: str = "反诈知识测试", kind: str = "test", round_id: int = 1) -> Section:
    heads = sum((one.tally for one in parts), Tally.ZERO)
    whole = Part(99, "阳光县", heads, sum(one.missing for one in parts))
    return Section(round_id, title, kind, False, AT + timedelta(days=4), "所学校", whole, parts)


def schools(count: int) -> tuple[Part, ...]:
    return tuple(part(number, f"第{number}小学") for number in range(1, count + 1))


def figures(*sections: Section) -> Figures:
    return Figures("反诈活动", "2026 年秋", "阳光县", "全县", AT, sections)


def issue(*sections: Section, number: str = "教通〔2026〕47 号", **changes: Any) -> Issue:
    told = figures(*(sections or (section(part(1, "河湾小学", 1240, 1200), part(2, "青石小学")),)))
    plain = Issue(
        period="month",
        starts_on=date(2026, 12, 1),
        ends_on=date(2026, 12, 31),
        issue_no=2,
        corrects=0,
        head=Head("关于反诈活动进展情况的通报", "县教育局", number, "各中小学", date(2026, 12, 12)),
        listing="all",
        texts=Texts("现将情况通报如下。", "总体不错。\n还要努力。", demands="请补测。"),
        figures=told,
        before=None,
    )
    return replace(plain, **changes)


def document(body: bytes) -> Element:
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        assert parts.testzip() is None
        read = {path: ElementTree.fromstring(parts.read(path)) for path in parts.namelist()}
    root: Element = read["word/document.xml"]
    styles = {one.get(f"{W}styleId") for one in read["word/styles.xml"].iter(f"{W}style")}
    assert {one.get(f"{W}val") for one in root.iter(f"{W}pStyle")} <= styles
    return root


def said(paragraph: Element) -> str:
    lines = (
        one.text or "" if one.tag == f"{W}t" else "\n"
        for one in paragraph.iter()
        if one.tag in (f"{W}t", f"{W}br")
    )
    return "".join(lines)


def lines(root: Element) -> list[tuple[str, str]]:
    """The style and the text of every paragraph outside tables, and a mark for each table."""
    body = root.find(f"{W}body")
    assert body is not None
    return [
        ("table", "") if one.tag == f"{W}tbl" else (str(style(one)), said(one))
        for one in body
        if one.tag != f"{W}sectPr"
    ]


def style(paragraph: Element) -> str | None:
    named = paragraph.find(f"{W}pPr/{W}pStyle")
    return None if named is None else named.get(f"{W}val")


def grids(root: Element) -> list[list[list[str]]]:
    return [
        [
            ["|".join(map(said, cell.iter(f"{W}p"))) for cell in row.iter(f"{W}tc")]
            for row in table.iter(f"{W}tr")
        ]
        for table in root.iter(f"{W}tbl")
    ]


def word(one: Issue, foot: tuple[str, ...] = FOOT) -> Element:
    return document(files.word(one, foot=foot))


def pages(pdf: bytes, folder: Path) -> list[str]:
    """Read a PDF page by page, without blanks."""
    (folder / "b.pdf").write_bytes(pdf)
    command = ["pdftotext", "-raw", "b.pdf", "-"]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return [re.sub(r"[\s\u200b]", "", page) for page in told.removesuffix("\f").split("\f")]


def book(one: Issue) -> CalamineWorkbook:
    body = files.workbook(one, notes=(("单位", "阳光县"),), at=AT)
    return CalamineWorkbook.from_filelike(io.BytesIO(body))


def rows(one: Issue, sheet: int = 0) -> list[list[Any]]:
    return book(one).get_sheet_by_index(sheet).to_python(skip_empty_area=False)


# Name


def test_name_is_the_heading() -> None:
    assert files.name(issue()) == "关于反诈活动进展情况的通报（第 2 期）"


def test_name_has_nothing_that_a_file_system_refuses() -> None:
    head = replace(issue().head, title='..a/b\\c:d*e?"<f>|\u202eg\x00\nh')

    assert files.name(issue(head=head)) == "a-b-c-d-e---f--gh（第 2 期）"


def test_long_name_is_cut_between_characters() -> None:
    found = files.name(issue(head=replace(issue().head, title="国" * 200)))

    assert found == "国" * 66


# Layout


@pytest.mark.parametrize(("count", "inside"), [(1, 1), (12, 1), (13, 0)])
def test_a_single_table_stands_before_the_signature_while_it_is_short(count: int, inside: int) -> None:
    found = files.placed(issue(section(*schools(count))))

    assert (len(found.inside), len(found.annexes)) == (inside, 1 - inside)
    assert [caption for caption, _ in (*found.inside, *found.annexes)] == [
        "反诈知识测试" if inside else "附件 1：反诈知识测试"
    ]


def test_several_tables_are_annexes() -> None:
    two = issue(section(*schools(2)), section(*schools(2), title="家长回执", kind="receipt", round_id=2))

    found = files.placed(two)

    assert found.inside == ()
    assert found.annexes == (("附件 1：反诈知识测试", two.tables[0]), ("附件 2：家长回执", two.tables[1]))


def test_nothing_is_placed_where_no_unit_is_listed() -> None:
    assert files.placed(issue(listing="none")) == files.Placed((), ())


# Word


def test_word_says_everything_in_order() -> None:
    assert lines(word(issue())) == [
        ("Office", "县教育局文件"),
        ("Number", "教通〔2026〕47 号"),
        ("Title", "关于反诈活动进展情况的通报（第 2 期）"),
        ("Addressee", "各中小学："),
        ("BodyText", "现将情况通报如下。"),
        ("Heading1", "一、总体情况"),
        ("BodyText", "总体不错。"),
        ("BodyText", "还要努力。"),
        ("Heading1", "二、下一步要求"),
        ("BodyText", "请补测。"),
        ("Caption", "反诈知识测试"),
        ("table", ""),
        ("Signature", "县教育局"),
        ("Signature", "2026 年 12 月 12 日"),
        *(("Foot", line) for line in FOOT),
    ]


def test_word_puts_annexes_on_a_new_page_behind_the_signature() -> None:
    root = word(
        issue(section(*schools(2)), section(*schools(2), title="家长回执", kind="receipt", round_id=2))
    )

    assert [text or kind for kind, text in lines(root)][-9:] == [
        "县教育局", "2026 年 12 月 12 日", "附件 1：反诈知识测试", "table", "附件 2：家长回执", "table", *FOOT,
    ]  # fmt: skip
    broken = [said(one) for one in root.iter(f"{W}p") if one.find(f"{W}pPr/{W}pageBreakBefore") is not None]
    assert broken == ["附件 1：反诈知识测试"]


def test_letterhead_stands_only_over_a_numbered_letter() -> None:
    without = [kind for kind, _ in lines(word(issue(number="")))]

    assert without[0] == "Title"
    assert {"Office", "Number"} & set(without) == set()


def test_letterhead_without_an_office_keeps_its_number() -> None:
    found = lines(word(issue(head=replace(issue().head, office=""))))

    assert found[:2] == [("Number", "教通〔2026〕47 号"), ("Title", issue().heading)]


def test_a_draft_is_marked_as_one() -> None:
    found = lines(word(issue(issue_no=0, number="")))

    assert found[:2] == [("Draft", "拟稿，未发"), ("Title", "关于反诈活动进展情况的通报（拟稿）")]
    assert "Draft" not in {kind for kind, _ in lines(word(issue()))}


def test_what_is_left_out_leaves_no_empty_line() -> None:
    bare = issue(head=replace(issue().head, office="", number="", addressee=""), listing="none")

    found = lines(word(bare, foot=()))

    assert found[:2] == [("Title", bare.heading), ("BodyText", "现将情况通报如下。")]
    assert found[-2:] == [("BodyText", "请补测。"), ("Signature", "2026 年 12 月 12 日")]


def test_cells_hold_what_is_told_on_two_lines() -> None:
    one = issue()
    [table] = one.tables

    [grid] = grids(word(one))

    assert grid[0] == list(table.headers)
    assert grid[1:] == [[bulletin.cell_text(cell) for cell in row] for row in table.rows]
    assert grid[1][:5] == ["青石小学", "40", "39", "1", "97.5%\n39/40"]
    assert grid[2][:4] == ["河湾小学", "1,240", "1,200", "40"]


def test_header_row_repeats_and_no_row_is_split() -> None:
    table = next(word(issue()).iter(f"{W}tbl"))

    heads = [row.find(f"{W}trPr/{W}tblHeader") is not None for row in table.iter(f"{W}tr")]
    assert heads == [True, False, False]
    assert len(table.findall(f"{W}tr/{W}trPr/{W}cantSplit")) == 3


@pytest.mark.parametrize(("compared", "columns", "half_points"), [(False, 9, "21"), (True, 10, "21")])
def test_wide_tables_are_smaller(compared: bool, columns: int, half_points: str) -> None:
    one = issue()
    one = replace(one, before=one.figures) if compared else one

    assert sizes(word(one)) == (columns, {half_points})


def test_other_tables_are_not_smaller() -> None:
    assert sizes(word(issue(section(*schools(2)), listing="lacking"))) == (8, {"24"})


def test_a_table_too_wide_for_its_page_is_made_smaller() -> None:
    county = issue(section(part(1, "阳光县", 412_860, 398_740), part(2, "河湾县", 512_860, 498_740)))

    assert sizes(word(replace(county, before=county.figures))) == (10, {"18"})
    assert sizes(word(replace(county, listing="lacking"))) == (8, {"21"})


@pytest.mark.parametrize(("letters", "half_points"), [(4, "68"), (18, "40"), (40, "36")])
def test_letterhead_is_as_large_as_its_line_allows(letters: int, half_points: str) -> None:
    root = word(issue(head=replace(issue().head, office="局" * letters)))

    office = next(one for one in root.iter(f"{W}p") if style(one) == "Office")
    assert {one.get(f"{W}val") for one in office.iter(f"{W}sz")} == {half_points}


def test_no_table_is_made_smaller_than_can_be_read() -> None:
    vast = issue(section(part(1, "全国", 98_765_432_100, 87_654_321_000), part(2, "全省", 10, 9)))

    assert sizes(word(vast)) == (9, {"18"})


def sizes(root: Element) -> tuple[int, set[str | None]]:
    table = next(root.iter(f"{W}tbl"))
    widths = [int(one.get(f"{W}w", "0")) for one in table.iter(f"{W}gridCol")]
    assert 8800 < sum(widths) <= 8844
    return len(widths), {one.get(f"{W}val") for one in table.iter(f"{W}sz")}


def test_same_issue_gives_the_same_word_file() -> None:
    first, again = (files.word(issue(), foot=FOOT) for _ in range(2))

    assert first == again
    assert first != files.word(issue(issue_no=3), foot=FOOT)
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {one.date_time for one in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.namelist()[0] == "[Content_Types].xml"


def test_every_part_of_the_word_file_is_announced() -> None:
    with zipfile.ZipFile(io.BytesIO(files.word(issue(), foot=FOOT))) as parts:
        types = ElementTree.fromstring(parts.read("[Content_Types].xml"))
        links = ElementTree.fromstring(parts.read("word/_rels/document.xml.rels"))
        listed = {one for one in parts.namelist() if one.startswith("word/") and one.endswith(".xml")}

    assert {one.get("PartName", "").lstrip("/") for one in types} - {""} == listed
    assert {f"word/{one.get('Target')}" for one in links} == listed - {"word/document.xml"}


def test_hostile_text_comes_through_everywhere() -> None:
    head = Head(HOSTILE, HOSTILE, HOSTILE, HOSTILE, date(2026, 12, 12))
    texts = Texts(HOSTILE.replace("\x0b", ""), demands="请补测。")
    one = issue(section(part(1, HOSTILE), part(2, "青石小学"), title=HOSTILE), head=head, texts=texts)

    root = word(one, foot=(HOSTILE,))

    told = [text for _, text in lines(root) if "panic" in text]
    assert told == [
        f"{CLEAN}文件", CLEAN, f"{CLEAN}（第 2 期）", f"{CLEAN}：", CLEAN, CLEAN, CLEAN, CLEAN,
    ]  # fmt: skip
    assert [row[0] for row in grids(root)[0]] == ["学校", CLEAN, "青石小学"]


# PDF


@needs_typst
def test_same_issue_gives_the_same_pdf() -> None:
    first, again, other = (files.pdf(issue(issue_no=number), foot=FOOT) for number in (2, 2, 3))

    assert first.startswith(b"%PDF")
    assert first == again
    assert first != other


@needs_typst
@needs_poppler
def test_pdf_says_everything_in_order(tmp_path: Path) -> None:
    one = issue()

    page = "".join(pages(files.pdf(one, foot=FOOT), tmp_path))

    place = 0
    for text in (text for _, text in lines(word(one))):
        place = page.index(re.sub(r"\s", "", text), place)
    assert page.startswith("县教育局文件教通〔2026〕47号关于反诈活动")
    assert "青石小学4039197.5%39/40" in page


@needs_typst
@needs_poppler
def test_pdf_puts_annexes_on_a_new_page_and_repeats_the_header(tmp_path: Path) -> None:
    first, *others = pages(files.pdf(issue(section(*schools(40))), foot=FOOT), tmp_path)

    assert first.endswith("县教育局2026年12月12日—1—")
    assert others[0].startswith("附件1：反诈知识测试学校应测已测还差")
    assert [re.sub("^附件1：反诈知识测试", "", page)[:8] for page in others] == ["学校应测已测还差"] * len(
        others
    )
    assert len(others) >= 2
    assert re.sub("[—0-9]+$", "", others[-1]).endswith("知晓率的分母是应测人数。")
    assert len(re.findall(r"第\d+小学", "".join(others))) == 40


@needs_typst
@needs_poppler
def test_pdf_has_a_letterhead_or_a_mark_only_where_they_belong(tmp_path: Path) -> None:
    plain = pages(files.pdf(issue(number=""), foot=()), tmp_path)
    draft = pages(files.pdf(issue(number="", issue_no=0), foot=()), tmp_path)

    assert plain[0].startswith("关于反诈活动进展情况的通报（第2期）各中小学：")
    assert draft[0].startswith("拟稿，未发关于反诈活动进展情况的通报（拟稿）各中小学：")


@needs_typst
@needs_poppler
def test_hostile_text_is_printed_as_it_is(tmp_path: Path) -> None:
    head = Head(HOSTILE, HOSTILE, HOSTILE, HOSTILE, date(2026, 12, 12))
    one = issue(section(part(1, HOSTILE), title=HOSTILE), head=head, texts=Texts(HOSTILE.replace("\x0b", "")))

    text = "".join(pages(files.pdf(one, foot=(HOSTILE,)), tmp_path))

    visible = "#panic(1)$a_1$*b*\\//@x"
    assert text.count(visible) == 9


@needs_typst
@needs_poppler
def test_only_the_shipped_font_is_used(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(files.pdf(issue(), foot=FOOT))
    command = ["pdffonts", "b.pdf"]
    listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    names = {line.split()[0].partition("+")[2] for line in listed.splitlines()[2:]}
    assert names == {"QuizsvcSansSC-Regular-Identity-H", "QuizsvcSansSC-Bold-Identity-H"}


@needs_typst
@needs_poppler
@pytest.mark.parametrize(
    "text", ["国" * 120, "W" * 120, "Internationalisation " * 6], ids=["han", "run", "words"]
)
def test_long_text_stays_inside_the_margins(text: str, tmp_path: Path) -> None:
    one = issue(
        section(part(1, text, 123456, 98765), part(2, "青石小学", 123456, 100000), title=text),
        head=Head(text, text, text, text, date(2026, 12, 12)),
        texts=Texts(text),
    )
    one = replace(one, before=one.figures)
    (tmp_path / "b.pdf").write_bytes(files.pdf(one, foot=(text,)))
    command = ["pdftotext", "-bbox", "b.pdf", "-"]
    told = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    found = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)"', told)

    assert min(float(left) for left, _ in found) >= 28 / 25.4 * 72 - 2
    assert max(float(right) for _, right in found) <= (210 - 26) / 25.4 * 72 + 2


def test_without_typst_another_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "typst", None)

    with pytest.raises(typesetting.NotInstalled, match="可以下载 Word 文件"):
        files.pdf(issue(), foot=FOOT)


# Workbook


def test_workbook_splits_rates_into_numbers() -> None:
    assert rows(issue()) == [
        [
            "学校", "应测", "已测", "还差", "完成率（%）", "完成率人数", "首测知晓率（%）", "首测知晓率人数",
            "学后知晓率（%）", "学后知晓率人数", "平均分", "名次",
        ],
        ["青石小学", 40, 39, 1, 97.5, 39, 32.5, 13, 47.5, 19, 86, 1],
        ["河湾小学", 1240, 1200, 40, 96.7, 1200, 32.2, 400, 48.3, 600, 86, 2],
    ]  # fmt: skip


def test_workbook_lists_all_units_whatever_the_bulletin_lists() -> None:
    one = issue(section(part(1, "满员小学", 40, 40), part(2, "青石小学")), listing="none")

    assert [row[0] for row in rows(one)] == ["学校", "满员小学", "青石小学"]


def test_workbook_hides_what_is_too_small_and_leaves_nobody_blank() -> None:
    one = issue(section(part(1, "=1+1", 3, 2), part(2, "青石小学"), part(3, "新校", 0, 2)))

    found = {row[0]: row[1:] for row in rows(one)[1:]}

    assert found["'=1+1"] == [3, 2, 1, 66.6, 2, "人数太少", "", "人数太少", "", "—", "—"]
    assert found["新校（人数要核对）"] == [0, 2, 0, "", 2, "", 0, "", 1, 86, "—"]


def test_a_unit_named_like_a_formula_or_a_number_is_text() -> None:
    one = issue(section(part(1, "=1+1"), part(2, "12.5")))
    with zipfile.ZipFile(io.BytesIO(files.workbook(one, notes=(), at=AT))) as parts:
        source = "".join(parts.read(path).decode() for path in parts.namelist() if "/worksheets/" in path)

    assert "<f>" not in source
    assert sorted(str(row[0]) for row in rows(one)[1:]) == ["'=1+1", "12.5"]
    assert {type(row[0]) for row in rows(one)} == {str}


def test_workbook_ends_with_the_notes() -> None:
    one = issue()

    assert book(one).sheet_names == ["反诈知识测试", "说明"]
    assert rows(one, 1) == [["单位", "阳光县"]]


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["测试", "测试", "测试"], ["测试", "测试（2）", "测试（3）"]),
        (["Test", "tEST"], ["Test", "tEST（2）"]),
        (["说明", "History"], ["说明（2）", "History（2）"]),
        (["a[b]:*?/\\c", "'x'", "", "\x00\x0b"], ["a b      c", "x", "（2）", "（3）"]),
        (["国" * 40, "国" * 40], ["国" * 31, "国" * 28 + "（2）"]),
        (["𠮷" * 20], ["𠮷" * 15]),
    ],
)
def test_sheet_names_are_what_spreadsheet_programs_take(titles: Sequence[str], names: Sequence[str]) -> None:
    one = issue(*(section(*schools(1), title=title, round_id=n) for n, title in enumerate(titles, start=1)))

    assert book(one).sheet_names == [*names, "说明"]


def test_rates_are_never_rounded_up() -> None:
    [found] = rows(issue(section(part(1, "大校", 99_999, 99_998))))[1:]

    assert Rate(99_998, 99_999).text == "99.9%"
    assert found[4:6] == [99.9, 99_998]
