"""Files from strangers, read within limits: texts of any encoding, archives member by member, spreadsheets apart."""

import csv
import io
import json
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from quizsvc.core.refusal import Refusal

MEBIBYTE = 1024 * 1024
LARGEST_FILE = 5 * MEBIBYTE
LARGEST_UNPACKED = 30 * MEBIBYTE
LARGEST_MEMBER = 8 * MEBIBYTE
MOST_MEMBERS = 200
MOST_RATIO = 100
MOST_CHARACTERS = 8_000_000
READER_SECONDS = 10
READER_BYTES = 768 * MEBIBYTE

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TOO_MUCH = "这个文件展开后太大，没有打开。请把内容复制到一个新文件里再上传。"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = (",", "\t", ";")
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may ask for gigabytes to unpack one byte
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, LookupError, ValueError, ArithmeticError),
    *(NotImplementedError, RuntimeError, EOFError, OSError),
)
_OVERFULL = 3  # how the reader ends when a sheet says more than MOST_CHARACTERS

# The reader allocates the whole rectangle between the first and the last cell, and a failed allocation ends
# its process: five kilobytes with one cell in the last corner are enough. So it runs apart, within limits. What
# it hands over is bounded too: one long text that a million cells refer to would fill this process instead.
_READER = """
import io, json, sys
try:
    import resource
except ImportError:
    pass
else:
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), int(sys.argv[1])))
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum
book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
name = next(
    sheet.name for sheet in book.sheets_metadata
    if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
)
rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False, nrows=int(sys.argv[3]) + 1)
lines, left = [], int(sys.argv[5])
for row in rows:
    line = json.dumps(row[: int(sys.argv[4]) + 1], default=str, ensure_ascii=False)
    left -= len(line)
    if left < 0:
        sys.exit(int(sys.argv[6]))
    lines.append(line)
sys.stdout.buffer.write("\\n".join(lines).encode())
"""


class Unreadable(Refusal):
    """A file that is not what it should be, too large, or broken."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP archive whose declared sizes are within the limits; nothing of it is ever written to a disk."""

    names: tuple[str, ...]
    _zip: zipfile.ZipFile

    def read(self, name: str) -> bytes:
        """Unpack one member, no further than it may be long."""
        try:
            with self._zip.open(name) as member:
                body = member.read(LARGEST_MEMBER + 1)
        except _DAMAGE:
            raise Unreadable(f"压缩包里的“{name[:60]}”打不开，可能损坏或者加了密码。") from None
        if len(body) > LARGEST_MEMBER:
            raise Unreadable(f"压缩包里的“{name[:60]}”太大，没有打开。")
        return body


def checked(body: bytes, *, too_large: str) -> bytes:
    """Refuse an empty file and one over the limit."""
    if not body.strip():
        raise Unreadable("文件是空的。")
    if len(body) > LARGEST_FILE:
        raise Unreadable(too_large)
    return body


def archive(
    body: bytes, *, broken: str, too_much: str = TOO_MUCH, most_members: int = MOST_MEMBERS
) -> Archive:
    """Open an archive; look at the declared sizes and the names before anything is unpacked."""
    try:
        opened = zipfile.ZipFile(io.BytesIO(body))
        members = opened.infolist()
    except _DAMAGE:
        raise Unreadable(broken) from None
    unpacked = sum(member.file_size for member in members)
    if len(members) > most_members or unpacked > LARGEST_UNPACKED or unpacked > MOST_RATIO * len(body):
        raise Unreadable(too_much)
    if any(_leads_outside(member) for member in members):
        raise Unreadable("压缩包里有指向别处的文件名，没有打开。请重新打包再上传。")
    if any(not member.filename or member.compress_type not in _PACKINGS for member in members):
        raise Unreadable(broken)
    names = tuple(member.filename for member in members if not member.is_dir())
    return Archive(names, opened)


def _leads_outside(member: zipfile.ZipInfo) -> bool:
    """Nothing is ever written under these names; but no program that means well makes them."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or stat.S_ISLNK(member.external_attr >> 16)


def spreadsheet(
    body: bytes, *, most_rows: int, most_columns: int, broken: str, too_much: str = TOO_MUCH
) -> list[list[Any]]:
    """Read the first visible sheet of XLSX, XLS or ODS in a process of its own: rows of raw cells."""
    if body.startswith(ZIP):
        archive(body, broken=broken, too_much=too_much)
    limits = (READER_BYTES, READER_SECONDS, most_rows, most_columns, MOST_CHARACTERS, _OVERFULL)
    try:
        read = subprocess.run(  # noqa: S603 our own program; the file goes to its standard input
            [sys.executable, "-I", "-c", _READER, *map(str, limits)],
            input=body,
            capture_output=True,
            timeout=2 * READER_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as ended:
        raise Unreadable(too_much if ended.returncode == _OVERFULL else broken) from None
    except subprocess.TimeoutExpired:
        raise Unreadable(broken) from None
    return [json.loads(line) for line in read.stdout.splitlines()]


def delimited(
    text: str, *, most_rows: int, most_columns: int, header_within: int, known: Callable[[Sequence[str]], int]
) -> list[list[str]]:
    """Read a CSV with the delimiter under which a first row has most known headings; one row more than asked."""
    best: list[list[str]] = []
    most = -1
    for delimiter in _DELIMITERS:
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            rows = list(islice(reader, most_rows + 1))
        except csv.Error:
            continue
        found = max((known(row[:most_columns]) for row in rows[:header_within]), default=0)
        if found > most:
            best, most = rows, found
    return best


def cell_text(cell: str | float | bool | None) -> str:
    """Write a cell as its author sees it; a number too long to be exact looks spoilt, as it is."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell)) if abs(cell) < 10**15 else f"{cell:.5E}"
    return "" if cell is None else str(cell)


def text(body: bytes, *, broken: str) -> str:
    """Decode a text as schools save them: UTF-8, UTF-16 with its mark, or GB18030."""
    decodings: Sequence[Callable[[bytes], str]] = (
        (lambda raw: raw.decode("utf-16"),)
        if body.startswith(_UTF16)
        else (lambda raw: raw.decode("utf-8-sig"), lambda raw: raw.decode("gb18030"))
    )
    for decode in decodings:
        try:
            found = decode(body)
        except UnicodeDecodeError:
            continue
        if "\0" in found:
            break
        return found
    raise Unreadable(broken)
