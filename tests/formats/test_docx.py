"""Questions in Word documents, built part by part."""

import io
import time
import zipfile

import pytest

from quizsvc.core.exchange import Reading
from quizsvc.formats import docx, plaintext
from quizsvc.uploads import Unreadable
from tests.patience import in_time

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMES = (
    f'xmlns:w="{WORD}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml"'
)
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def packed(**parts: str) -> bytes:
    """A document of its parts by the names they have under word/."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        for name, text in parts.items():
            archive.writestr(f"word/{name}.xml", text)
    return body.getvalue()


def word(*paragraphs: str, **parts: str) -> bytes:
    document = f"<w:document {NAMES}><w:body>{''.join(paragraphs)}</w:body></w:document>"
    return packed(document=document, **parts)


def run(text: str) -> str:
    return f'<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def line(text: str, *, list_: str = "", level: int = 0, style: str = "") -> str:
    """A paragraph, in a list if it is told which."""
    numbering = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_}"/></w:numPr>' if list_ else ""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{numbering}</w:pPr>{run(text)}</w:p>"


def level(number: int, form: str, text: str, start: int = 1) -> str:
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def lists(*levels: str, overrides: str = "") -> str:
    """List 1, and list 2 that is the same one with what it overrides."""
    return (
        f'<w:numbering {NAMES}><w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        f'<w:num w:numId="2"><w:abstractNumId w:val="0"/>{overrides}</w:num></w:numbering>'
    )


PAPER = lists(level(0, "decimal", "%1."), level(1, "upperLetter", "%2."))


def questions(reading: Reading) -> list[tuple[str, list[str]]]:
    """Stem and choices of every question, those that are right with a star."""
    return [
        (draft.stem, [f"{'*' if choice.key else ''}{choice.text}" for choice in draft.choices])
        for draft in reading.drafts
    ]


def clean(body: bytes) -> list[tuple[str, list[str]]]:
    reading = docx.read(body)
    assert reading.rejected == ()
    return questions(reading)


def lines(*paragraphs: str, **parts: str) -> str:
    """What stands between the stem and the answer of one question."""
    body = word(line("1. 题"), *paragraphs, line("A. 一"), line("B. 二"), line("答案：A"), **parts)
    ((stem, _),) = clean(body)
    return stem.removeprefix("题\n")


def test_paragraphs_are_lines() -> None:
    reading = docx.read(
        word(*map(line, ("1. 怎么办？", "A. 转账", "B. 报警", "答案：B", "2. 坏的", "C. 错")))
    )

    assert (reading.form, reading.notes) == ("Word", ())
    assert questions(reading) == [("怎么办？", ["转账", "*报警"])]
    assert [draft.place for draft in reading.drafts] == ["第 1 段"]
    assert [one.place for one in reading.rejected] == ["第 5 段"]


def test_numbers_that_word_draws_are_written() -> None:
    asked = [line("怎么办？", list_="1"), line("转账", list_="1", level=1), line("报警", list_="1", level=1)]
    body = word(*asked, line("答案：B"), *asked, line("答案：A"), numbering=PAPER)

    assert clean(body) == [("怎么办？", ["转账", "*报警"]), ("怎么办？", ["*转账", "报警"])]


def test_questions_without_drawn_numbers_may_be_answered_at_the_end() -> None:
    asked = [line("甲", list_="1"), line("对的", list_="1", level=1), line("错的", list_="1", level=1)]

    assert clean(word(*asked, *asked, line("答案：1.A 2.B"), numbering=PAPER)) == [
        ("甲", ["*对的", "错的"]),
        ("甲", ["对的", "*错的"]),
    ]


@pytest.mark.parametrize(
    ("form", "text", "start", "written"),
    [
        ("decimal", "（%1）", 1, "（1） 甲"),
        ("decimal", "(%1)", 3, "(3) 甲"),
        ("chineseCounting", "第%1点", 9, "第九点 甲"),
        ("chineseCountingThousand", "%1：", 10, "十： 甲"),
        ("japaneseCounting", "%1：", 21, "二十一： 甲"),
        ("ideographDigital", "%1：", 30, "三十： 甲"),
        ("chineseCounting", "%1：", 0, "零： 甲"),
        ("chineseCounting", "（%1）", 100, "（100） 甲"),
        ("ideographTraditional", "%1：", 2, "乙： 甲"),
        ("ideographTraditional", "注%1：", 11, "注11： 甲"),
        ("lowerLetter", "注%1：", 3, "注c： 甲"),
        ("upperRoman", "（%1）", 4, "（4） 甲"),
        ("none", "", 1, "甲"),
        ("none", "注%1", 1, "注 甲"),
    ],
)
def test_forms_of_numbers(form: str, text: str, start: int, written: str) -> None:
    assert lines(line("甲", list_="1"), numbering=lists(level(0, form, text, start))) == written


def test_letters_and_bullets_become_options() -> None:
    letters = lists(level(0, "upperLetter", "%1、"))
    bullets = lists(level(0, "bullet", "\uf0b7"))
    options = [line("转账", list_="1"), line("报警", list_="1")]

    for numbering in (letters, bullets):
        body = word(line("1. 怎么办？"), *options, line("答案：B"), numbering=numbering)
        assert clean(body) == [("怎么办？", ["转账", "*报警"])]


def test_levels_above_are_written_and_levels_below_begin_again() -> None:
    numbering = lists(level(0, "decimal", "节%1"), level(1, "decimal", "节%1-%2"))
    one, two = line("甲", list_="1"), line("乙", list_="1", level=1)

    assert lines(two, one, two, two, one, two, numbering=numbering) == "\n".join(
        ["节1-1 乙", "节1 甲", "节1-1 乙", "节1-2 乙", "节2 甲", "节2-1 乙"]
    )


def test_list_goes_on_in_its_other_name_unless_it_is_told_to_begin_anew() -> None:
    mark = level(0, "decimal", "注%1")
    anew = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    first, second = line("甲", list_="1"), line("乙", list_="2")

    assert lines(first, second, numbering=lists(mark)) == "注1 甲\n注2 乙"
    assert lines(first, second, second, numbering=lists(mark, overrides=anew)) == "注1 甲\n注7 乙\n注8 乙"


def test_style_may_put_a_paragraph_in_a_list() -> None:
    styles = (
        f'<w:styles {NAMES}><w:style w:styleId="Base"><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr>'
        '</w:pPr></w:style><w:style w:styleId="Mine"><w:basedOn w:val="Base"/></w:style></w:styles>'
    )
    numbering = lists(level(0, "decimal", "注%1"), level(1, "decimal", "点%2"))
    out = (
        '<w:p><w:pPr><w:pStyle w:val="Mine"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>'
        + run("丙")
        + "</w:p>"
    )

    written = lines(
        line("甲", style="Mine"), line("乙", style="None"), out, numbering=numbering, styles=styles
    )

    assert written == "点1 甲\n乙\n丙"


@pytest.mark.parametrize("list_", ["9", "x"])
def test_lists_that_are_not_there_draw_nothing(list_: str) -> None:
    assert lines(line("甲", list_=list_), numbering=PAPER) == lines(line("甲", list_=list_)) == "甲"


def test_numbers_that_are_none_are_taken_as_the_first() -> None:
    numbering = lists(level(0, "decimal", "注%1")).replace('w:start w:val="1"', 'w:start w:val="many"')

    assert (
        lines(line("甲", list_="1").replace('ilvl w:val="0"', 'ilvl w:val="99"'), numbering=numbering)
        == "注1 甲"
    )


def test_empty_paragraphs_are_counted_but_not_written() -> None:
    assert (
        lines(line(" ", list_="1"), line("甲", list_="1"), numbering=lists(level(0, "decimal", "注%1")))
        == "注2 甲"
    )


def test_runs_tabs_and_breaks() -> None:
    tabs = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="420"/></w:tabs></w:pPr>'
    text = f'<w:p>{tabs}{run("甲")}<w:r><w:tab/><w:t>乙</w:t><w:br/><w:t>丙</w:t><w:br w:type="page"/><w:cr/></w:r>'
    text += "<w:hyperlink><w:r><w:t>丁</w:t><w:noBreakHyphen/><w:t>戊\n己</w:t></w:r></w:hyperlink>"
    text += "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath></w:p>"

    assert lines(text) == "甲\t乙\n丙\n丁-戊 己x"


def test_ticks_of_symbol_fonts() -> None:
    def judged(font: str, character: str) -> bytes:
        return word(
            f'<w:p><w:r><w:t>1. 刷单违法（</w:t><w:sym w:font="{font}" w:char="{character}"/><w:t>）</w:t></w:r></w:p>'
        )

    for font, character in (("Wingdings", "F0FC"), ("Wingdings 2", "F050"), ("Wingdings", "00FE")):
        assert clean(judged(font, character)) == [("刷单违法", ["*对", "不对"])]
    assert clean(judged("Wingdings 2", "F04F")) == [("刷单违法", ["对", "*不对"])]
    for font, character in (("Symbol", "F0FC"), ("Wingdings", "tick")):
        assert docx.read(judged(font, character)).drafts == ()


def test_deleted_and_moved_revisions_are_left_out() -> None:
    text = (
        '<w:p><w:pPr><w:pPrChange><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:pPrChange></w:pPr>'
        f"{run('留')}<w:del><w:r><w:delText>去</w:delText><w:t>去</w:t></w:r></w:del><w:ins>{run('来')}</w:ins>"
        f"<w:moveFrom>{run('走')}</w:moveFrom><w:moveTo>{run('到')}</w:moveTo></w:p>"
    )

    assert lines(text, numbering=lists(level(0, "decimal", "注%1"))) == "留来到"


def test_deleted_paragraph_is_not_counted() -> None:
    gone = (
        '<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:rPr><w:del/></w:rPr></w:pPr>'
        "<w:del><w:r><w:delText>去</w:delText></w:r></w:del></w:p>"
    )

    assert lines(gone, line("甲", list_="1"), numbering=lists(level(0, "decimal", "注%1"))) == "注1 甲"


def test_text_boxes_are_read_once() -> None:
    box = f"<w:txbxContent>{line('框里')}</w:txbxContent>"
    text = (
        f"<w:p>{run('框外')}<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )

    assert lines(text) == "框里\n框外"


def cells(*texts: str) -> str:
    return f"<w:tr>{''.join(f'<w:tc>{line(text)}</w:tc>' for text in texts)}</w:tr>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(rows)}</w:tbl>"


def test_cells_are_paragraphs() -> None:
    inner = f"<w:tr><w:tc>{table(cells('C. 丙'))}{line('D. 丁')}</w:tc></w:tr>"
    body = word(line("1. 怎么办？"), table(cells("A. 甲", "B. 乙"), inner), line("答案：D"))

    assert clean(body) == [("怎么办？", ["甲", "乙", "丙", "*丁"])]


def test_table_of_answers() -> None:
    asked = [line(f"{number}. 题{number}\u000a") + line("A. 甲") + line("B. 乙") for number in (1, 2, 3)]
    body = word(*asked, table(cells("题号", "1", "2", "3"), cells("答案", "A", "B", "B")))

    assert [choices for _, choices in clean(body)] == [["*甲", "乙"], ["甲", "*乙"], ["甲", "*乙"]]


@pytest.mark.parametrize("picture", ["<a:blip/>", "<v:imagedata/>", "<w:object><OLEObject/></w:object>"])
def test_pictures_are_told(picture: str) -> None:
    body = word(f"<w:p>{run('1. 刷单违法（√）')}<w:r><w:drawing>{picture}</w:drawing></w:r></w:p>")
    reading = docx.read(body)

    assert questions(reading) == [("刷单违法", ["*对", "不对"])]
    assert reading.notes == (docx.NO_PICTURES,)


def test_strict_documents_are_read_too() -> None:
    strict = f"<w:document {NAMES}><w:body>{line('刷单违法（√）')}</w:body></w:document>".replace(
        WORD, "http://purl.oclc.org/ooxml/wordprocessingml/main"
    )

    assert clean(packed(document=strict)) == [("刷单违法", ["*对", "不对"])]


def test_elements_in_odd_places_do_no_harm() -> None:
    odd = "<w:t>甲</w:t><w:r/><w:tc/><w:b/><w:tr></w:tr>"

    assert lines(odd) == "题"


# --- what is not opened


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "文件是空的。"),
        (b"PK\x03\x04", docx.BROKEN),
        (packed(styles="<x/>"), docx.BROKEN),
        (packed(document="<w:document>"), docx.BROKEN),
        (packed(document='<?xml version="1.0" encoding="gbk"?><x/>'), docx.BROKEN),
        (packed(document='<?xml version="1.0" encoding="none"?><x/>'), docx.BROKEN),
        (word(line("没有题")), plaintext.NOTHING),
        (b"PK\x03\x04" + b"x" * 5 * 1024 * 1024, docx.TOO_LARGE),
    ],
)
def test_what_is_no_document_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable) as refused:
        docx.read(body)

    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE x>",
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
@pytest.mark.parametrize("part", ["document", "numbering", "styles"])
def test_declarations_are_refused(part: str, declaration: str) -> None:
    parts = {"document": f"<w:document {NAMES}/>", part: f"{declaration}<x>&b;</x>"}

    with pytest.raises(Unreadable, match="DTD"):
        docx.read(packed(**parts))


@pytest.mark.parametrize(
    "content",
    [
        "<w:p>" * 100_000 + "</w:p>" * 100_000,
        "<w:tbl><w:tr><w:tc>" * 2000 + line("甲") * 2000 + "</w:tc></w:tr></w:tbl>" * 2000,
        "<w:p/>" * (plaintext.MOST_LINES + 1),
        "<w:r/>" * (docx.MOST_ELEMENTS + 1),
    ],
    ids=["paragraphs in paragraphs", "tables in tables", "paragraphs", "elements"],
)
def test_documents_made_to_be_slow_are_refused_soon(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quizsvc.uploads.MOST_RATIO", 10_000)
    body = word(content)
    start = time.process_time()

    with pytest.raises(Unreadable):
        docx.read(body)

    assert in_time(time.process_time() - start, 5)


def test_archive_that_unfolds_too_far_is_refused() -> None:
    with pytest.raises(Unreadable, match=docx.TOO_MUCH):
        docx.read(word(" " * 2_000_000))
