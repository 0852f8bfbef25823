"""Which format a file is, by what is in it."""

import io
import time
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc import formats, uploads
from quizsvc.core import exchange
from quizsvc.core.bankfile import Explanation, Item, Option
from quizsvc.formats import sheet
from quizsvc.uploads import Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY
from tests.formats.test_docx import line, word
from tests.patience import in_time

relaxed = settings(deadline=None, database=None)

ITEM = Item(
    code="prize-1",
    kind="single_choice",
    topic="brushing",
    audiences=("junior",),
    difficulty=1,
    stem="收到中奖短信怎么办？",
    options=(Option("转账", belief="small_try_ok"), Option("不理会", key=True), Option("转发")),
    explanation=Explanation("骗人。", "要钱。", "报警。"),
    source="反诈法",
    reviewed_on=date(2026, 11, 15),
)
PLAIN = "1. 收到中奖短信怎么办？\nA. 转账\nB. 不理会\n答案：B\n"
AIKEN = "What is phishing?\nA. A sport\nB. A fraud\nANSWER: B\n"
MOODLE = (
    '<quiz><question type="truefalse"><questiontext><text>刷单违法</text></questiontext>'
    '<answer fraction="100"><text>true</text></answer><answer fraction="0"><text>false</text></answer>'
    "</question></quiz>"
)


def zipped(**members: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return body.getvalue()


def compound(*names: str) -> bytes:
    return uploads.OLE + b"\0" * 504 + b"".join(name.encode("utf-16-le") for name in names)


def items(reading: exchange.Reading) -> list[Item]:
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert rejected == ()
    return [one.item for one in taken]


@pytest.mark.parametrize("form", formats.WRITERS)
def test_every_format_we_write_is_known_again_and_gives_the_same_items(form: str) -> None:
    writer = formats.WRITERS[form]
    both = [
        ITEM,
        replace(
            ITEM,
            code="prize-2",
            stem="别的？",
            kind="true_false",
            options=(Option("对"), Option("不对", key=True)),
        ),
    ]
    body = writer.write(both, VOCABULARY, title="题库")

    assert [writer.losses(one) for one in both] == [(), ()]
    assert items(formats.read(body)) == both


def test_writers_are_what_pages_and_commands_offer() -> None:
    assert {form: (one.label, one.suffix) for form, one in formats.WRITERS.items()} == {
        "toml": ("题库文件 TOML", ".toml"),
        "gift": ("GIFT", ".gift"),
        "moodle": ("Moodle XML", ".xml"),
        "qti": ("QTI 3.0", ".zip"),
        "xlsx": ("表格 XLSX", ".xlsx"),
    }


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (PLAIN, "纯文本"),
        (AIKEN, "Aiken"),
        ("// 一\n::甲::刷单违法 {T}\n", "GIFT"),
        ("$CATEGORY: 甲\n\n刷单违法 {FALSE#错}\n", "GIFT"),
        ("怎么办？{\n=报警\n~转账\n}\n", "GIFT"),
        ("怎么办？{ [html]=报警 ~转账}\n", "GIFT"),
        ("怎么办？{~%100%报警 ~转账}\n", "GIFT"),
        ("题干,选项A,选项B,正确答案\n怎么办？,报警,转账,A\n", "表格"),
        ("题干\t选项A\t选项B\t正确答案\n怎么办？\t报警\t转账\tA\n", "表格"),
        (MOODLE, "Moodle XML"),
        (f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- 题 -->\n<?x y?> {MOODLE}', "Moodle XML"),
        (f"<a>表示链接</a>\n{PLAIN}", "纯文本"),
        (f"<1>\n{PLAIN}", "纯文本"),
        (PLAIN.replace("转账", "转账{x}"), "纯文本"),
        (PLAIN.replace("转账", "转账，a::b，[[item]]"), "纯文本"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_texts_are_told_apart(text: str, form: str, encoding: str) -> None:
    if encoding != "utf-8" and text.startswith("<?xml"):
        text = text.replace("UTF-8", "utf-8" if encoding == "utf-8-sig" else encoding)

    assert formats.read(text.encode(encoding)).form == form


def test_documents_archives_and_sheets_are_told_apart() -> None:
    document = word(*map(line, PLAIN.splitlines()))
    table = formats.WRITERS["xlsx"].write([ITEM], VOCABULARY, title="题库")
    package = formats.WRITERS["qti"].write([ITEM], VOCABULARY, title="题库")
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        item = archive.read("items/prize-1.xml")

    assert formats.read(document).form == "Word"
    assert formats.read(table).form == sheet.FORM
    assert formats.read(package).form == formats.read(item).form == "QTI 3.0"


def test_names_do_not_deceive() -> None:
    assert formats.read(PLAIN.encode(), name="题.docx").form == "纯文本"
    assert formats.read(MOODLE.encode(), name="题.csv").form == "Moodle XML"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("题.csv", sheet.NO_HEADING),
        ("题.TSV", sheet.NO_HEADING),
        ("题.toml", "第 1 行"),
        ("题.gift", ""),
        ("", "没有找到题。"),
    ],
)
def test_name_decides_where_the_content_does_not(name: str, sentence: str) -> None:
    body = "收到中奖短信，不理会".encode()
    if name == "题.gift":
        assert [one.reason for one in formats.read(body, name=name).rejected] != []
        return
    with pytest.raises(Unreadable) as refused:
        formats.read(body, name=name)

    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b" \n", "文件是空的。"),
        (b"1" * (uploads.LARGEST_FILE + 1), formats.TOO_LARGE),
        (b"%PDF-1.7", "PDF 不能导入。请复制里面的文字粘贴，或者用 Word 打开后另存为 docx。"),
        (b"{\\rtf1\\ansi}", "RTF 不能导入，请用 Word 打开后另存为 docx。"),
        (b"MIME-Version: 1.0", "这是网页格式的文件，请用 Word 打开后另存为 docx，或者复制文字粘贴。"),
        (b"\x89PNG\r\n\x1a\n\0\0", formats.UNKNOWN),
        (compound("WordDocument"), "旧的 Word 格式（doc）不能导入，请用 Word 打开后另存为 docx。"),
        (compound("EncryptedPackage"), "这个文件设了密码，请去掉密码再上传。"),
        (zipped(a_txt="x"), formats.UNKNOWN_ARCHIVE),
        (zipped(ppt__slide1_xml="<x/>"), formats.UNKNOWN_ARCHIVE),
        (uploads.ZIP + b"x", formats.UNKNOWN_ARCHIVE),
        (
            zipped(mimetype="application/vnd.oasis.opendocument.text", content_xml="<x/>"),
            "ODT 不能导入，请另存为 docx。",
        ),
        (zipped(mimetype="text/x", content_xml="<x/>"), "压缩包里没有 imsmanifest.xml，不是 QTI 题目包。"),
        (b"<manifest/>", formats.PART_OF_PACKAGE),
        (b'<q:qti-assessment-test xmlns:q="x"/>', formats.PART_OF_PACKAGE),
        (b"<!DOCTYPE html>\n<html><p>1</p></html>", "这是网页，请打开它，复制里面的文字粘贴。"),
        (b"<?xml version='1.0'?><rss/>", formats.UNKNOWN_XML),
    ],
)
def test_what_cannot_be_read_says_what_to_do(body: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable) as refused:
        formats.read(body)

    assert str(refused.value) == sentence


def test_old_and_open_sheets_go_to_the_reader_of_sheets() -> None:
    for body in (compound("Workbook"), zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet")):
        with pytest.raises(Unreadable) as refused:
            formats.read(body)
        assert str(refused.value) == sheet.BROKEN


@pytest.mark.parametrize("root", ["quiz", "assessmentItem", "x"])
def test_declarations_are_refused(root: str) -> None:
    body = f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a "b">]><{root}>&a;</{root}>'

    with pytest.raises(Unreadable, match="DTD"):
        formats.read(body.encode())


@pytest.mark.parametrize(
    "piece", ["<!--", "<?", "<!A ", "{", "::", "[[", "{ ", "{[a]", "<a", " ", "::a", "\\{", "{T "]
)
def test_telling_formats_apart_takes_no_time(piece: str) -> None:
    body = (piece * (1_000_000 // len(piece)) + "x").encode()
    start = time.process_time()

    with suppress(Unreadable):
        formats.read(body)

    assert in_time(time.process_time() - start, 2)


@given(
    st.binary(max_size=80) | st.text(max_size=60).map(str.encode),
    st.sampled_from(("", "a.csv", "a.gift", "a.toml")),
)
@relaxed
def test_every_file_is_read_or_refused_with_a_sentence(body: bytes, name: str) -> None:
    reading = None
    try:
        reading = formats.read(body, name=name)
    except Unreadable as refused:
        sentence = str(refused)
    assert sentence.endswith("。") if reading is None else reading.drafts or reading.rejected
