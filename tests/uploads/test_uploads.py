"""Files from strangers: what is opened, what is refused before anything is unpacked, and what is said."""

import io
import stat
import struct
import zipfile

import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quizsvc import uploads
from quizsvc.uploads import Unreadable

BROKEN, BOMB = "打不开。", "太大了。"
OUTSIDE = "压缩包里有指向别处的文件名，没有打开。请重新打包再上传。"


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content, packing)
    return body.getvalue()


def book(*rows: tuple[object, ...]) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
    return body.getvalue()


def opened(body: bytes) -> uploads.Archive:
    return uploads.archive(body, broken=BROKEN, too_much=BOMB)


def rows(body: bytes, most_rows: int = 10, most_columns: int = 5) -> list[list[object]]:
    return uploads.spreadsheet(
        body, most_rows=most_rows, most_columns=most_columns, broken=BROKEN, too_much=BOMB
    )


def refusal(body: bytes, *, member: str = "") -> str:
    with pytest.raises(Unreadable) as refused:
        opened(body).read(member)
    return refused.value.text


# --- archives


def test_an_archive_gives_its_members_and_no_folders():
    archive = opened(packed(("a/", b""), ("a/b.xml", b"<x/>"), ("题.txt", "对".encode())))
    assert archive.names == ("a/b.xml", "题.txt")
    assert archive.read("题.txt").decode() == "对"


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/passwd", "..", "..\\a", "a\\..\\b", "\\a", "a/.."]
    + ["../" * depth + "etc/passwd" for depth in range(1, 47)]
    + ["a/" * depth + "../" * (depth + 1) + "x" for depth in range(1, 47)],
)  # fmt: skip
def test_names_that_lead_outside_are_refused(name: str):
    assert refusal(packed(("fine.xml", b"x"), (name, b"x"))) == OUTSIDE


@pytest.mark.parametrize("name", ["a..b", "...", "..a/b", "a/...", "a b", "甲/乙.xml"])
def test_names_with_dots_that_lead_nowhere_are_read(name: str):
    assert opened(packed((name, b"x"))).read(name) == b"x"


def test_a_symbolic_link_is_refused():
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refusal(packed((link, b"/etc/passwd"))) == OUTSIDE


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_may_ask_for_gigabytes_is_refused(packing: int):
    assert refusal(packed(("a", b"x"), packing=packing)) == BROKEN


@pytest.mark.parametrize(
    "members",
    [
        [(f"{number}", b"x") for number in range(uploads.MOST_MEMBERS + 1)],
        [("a", b"\0" * (uploads.LARGEST_UNPACKED + 1))],
        [("a", b"\0" * 1_000_000)],
    ],
    ids=["members", "unpacked", "ratio"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(members: list[tuple[str, bytes]]):
    assert refusal(packed(*members)) == BOMB


def test_as_many_members_as_are_allowed():
    assert len(opened(packed(*((f"{number}", b"x") for number in range(uploads.MOST_MEMBERS)))).names) == 200


def test_a_member_that_lies_about_its_size_is_not_unpacked_further():
    body = packed(("a", b"\0" * 100_000))
    lie = body.replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    assert refusal(lie, member="a") == "压缩包里的“a”打不开，可能损坏或者加了密码。"


def test_a_member_may_be_too_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "LARGEST_MEMBER", 10)
    body = packed(("a", b"x" * 10), ("b", b"x" * 11))
    assert opened(body).read("a") == b"x" * 10
    assert refusal(body, member="b") == "压缩包里的“b”太大，没有打开。"


def test_an_encrypted_a_damaged_and_a_missing_member_are_refused():
    body = packed(("a", b"x" * 100))
    at = body.index(b"PK\x01\x02")
    encrypted = body[:6] + b"\x01" + body[7 : at + 8] + b"\x01" + body[at + 9 :]
    damaged = body[:31] + bytes(255 - byte for byte in body[31:at]) + body[at:]
    for broken, name in ((encrypted, "a"), (damaged, "a"), (body, "b")):
        assert refusal(broken, member=name) == f"压缩包里的“{name}”打不开，可能损坏或者加了密码。"


@example(171, b"\x00")  # a member without a name
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4))
@settings(deadline=None, database=None, max_examples=300)
def test_whatever_is_damaged_there_is_a_sentence(place: int, junk: bytes):
    body = packed(("a", b"x" * 100), ("b.xml", b"<x/>"), packing=zipfile.ZIP_DEFLATED)
    damaged = body[:place] + junk + body[place + len(junk) :]
    try:
        archive = opened(damaged)
        said = [archive.read(name) for name in archive.names]
    except Unreadable as refused:
        said = [refused.text.partition("“")[0]]
    assert set(said) <= {b"x" * 100, b"<x/>", BROKEN, BOMB, OUTSIDE, "压缩包里的"}


# --- spreadsheets


def test_a_spreadsheet_gives_raw_cells():
    assert rows(book(("对", 1, 2.5, True), (None, "=x"))) == [["对", 1.0, 2.5, True], ["", 0.0, "", ""]]


def test_one_row_and_one_column_more_than_asked_are_handed_over():
    found = rows(book(*(["x"] * 9 for _ in range(20))), most_rows=10, most_columns=5)
    assert (len(found), {len(row) for row in found}) == (11, {6})


def test_a_long_text_that_many_cells_refer_to_is_refused():
    body = book(*(["长" * 32_000] * 10 for _ in range(30)))
    assert len(body) < 10_000
    with pytest.raises(Unreadable) as refused:
        rows(body, most_rows=20_000, most_columns=60)
    assert refused.value.text == BOMB


@pytest.mark.parametrize(
    "body", [b"PK\x03\x04" + b"a" * 99, uploads.OLE + b"\0" * 4096, b"x", packed(("a", b"x"))]
)
def test_what_is_no_spreadsheet_is_refused(body: bytes):
    with pytest.raises(Unreadable) as refused:
        rows(body)
    assert refused.value.text == BROKEN


def test_a_reader_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "READER_SECONDS", 0.01)
    with pytest.raises(Unreadable) as refused:
        rows(book(("x",)))
    assert refused.value.text == BROKEN


# --- texts and cells


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_texts_as_schools_save_them(encoding: str):
    assert uploads.text("题目，𠮷 🇨🇳".encode(encoding), broken=BROKEN) == "题目，𠮷 🇨🇳"


@pytest.mark.parametrize(
    "body", ["题目A".encode("utf-16-le"), b"a\0b", b"\xff\xfe\x00\xd8", b"\xff" * 9, b"\xef\xbb\xbf\xff"]
)
def test_what_is_no_text_is_refused(body: bytes):
    with pytest.raises(Unreadable) as refused:
        uploads.text(body, broken=BROKEN)
    assert refused.value.text == BROKEN


@pytest.mark.parametrize(
    ("cell", "text"),
    [(None, ""), ("x", "x"), (3.0, "3"), (2.5, "2.5"), (-0.0, "0"), (1e15, "1.00000E+15"), (True, "True"), (7, "7"),
     (float("nan"), "nan"), (float("inf"), "inf")],
)  # fmt: skip
def test_cells_as_their_author_sees_them(cell: object, text: str):
    assert uploads.cell_text(cell) == text


def test_the_delimiter_is_the_one_under_which_headings_are_known():
    def known(row):
        return len({"题干", "答案"} & set(row))

    def read(text: str) -> list[list[str]]:
        return uploads.delimited(text, most_rows=2, most_columns=2, header_within=1, known=known)

    assert read("题干;答案\na,b;c\n") == [["题干", "答案"], ["a,b", "c"]]
    assert read('题干,答案\n"a\nb",c\n') == [["题干", "答案"], ["a\nb", "c"]]
    assert read("题干\n1\n2\n3\n4\n") == [["题干"], ["1"], ["2"]]
    assert read("x" * 200_000) == []


@pytest.mark.parametrize(
    ("body", "text"), [(b"", "文件是空的。"), (b" \n", "文件是空的。"), (b"xx", "太大。")]
)
def test_empty_files_and_large_ones_are_refused(body: bytes, text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "LARGEST_FILE", 1)
    assert uploads.checked(b"x", too_large="太大。") == b"x"
    with pytest.raises(Unreadable) as refused:
        uploads.checked(body, too_large="太大。")
    assert refused.value.text == text
