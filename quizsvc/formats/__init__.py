"""Question files of other systems: bytes in, a Reading out; items in, bytes out. Knows no slice."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Protocol

from quizsvc import uploads
from quizsvc.core.bankfile import Item, Vocabulary
from quizsvc.core.exchange import Reading
from quizsvc.formats import docx, gift, markup, moodle, plaintext, qti, sheet, toml
from quizsvc.uploads import Unreadable

TOO_LARGE = "文件太大，最大 5 MB。请去掉图片，或者分成几份。"
UNKNOWN = "认不出这个文件。能导入的有：Word（docx）、表格、纯文本、GIFT、Aiken、Moodle XML、QTI 和 TOML。"
UNKNOWN_ARCHIVE = "压缩包里没有认识的题目。能导入的压缩包只有 QTI 题目包，其他文件请解压后一个一个上传。"
UNKNOWN_XML = "这个 XML 文件里没有认识的题目。能导入的有 Moodle XML 和 QTI。"
PART_OF_PACKAGE = "这只是 QTI 题目包里的一个文件，请上传整个压缩包（ZIP）。"

_OTHERS = {
    b"%PDF": "PDF 不能导入。请复制里面的文字粘贴，或者用 Word 打开后另存为 docx。",
    b"{\\rtf": "RTF 不能导入，请用 Word 打开后另存为 docx。",
    b"MIME-Version": "这是网页格式的文件，请用 Word 打开后另存为 docx，或者复制文字粘贴。",
    b"Rar!": "RAR 不能导入，请解压后上传里面的文件。",
    b"7z\xbc\xaf": "7z 不能导入，请解压后上传里面的文件。",
}
_OLD_WORD = "旧的 Word 格式（doc）不能导入，请用 Word 打开后另存为 docx。"
_PROTECTED = "这个文件设了密码，请去掉密码再上传。"
_WEB_PAGE = "这是网页，请打开它，复制里面的文字粘贴。"
_OTHER_DOCUMENTS = {
    b"application/vnd.oasis.opendocument.text": "ODT 不能导入，请另存为 docx。",
    b"application/vnd.oasis.opendocument.presentation": "演示文稿不能导入，请复制里面的文字粘贴。",
}
_SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"

# every alternative ends where the next one begins, so a text is looked through once
_ROOT = re.compile(
    r"\s*+(?:<\?[^<>]*+>\s*+|<!--(?s:.*?)-->\s*+|<![A-Z][^<>]*+>\s*+)*+<(?:[\w.-]++:)?+([A-Za-z_][\w.-]*+)"
)
_ITEM = re.compile(r"^[^\S\n]*+\[\[[^\S\n]*+item[^\S\n]*+\]\]", re.MULTILINE)
_GIFT = re.compile(
    r"^[^\S\n]*+(?:\$CATEGORY:|::[^:\n]{1,300}+::)"
    r"|(?<!\\)\{(?:\s|\[[a-z]{1,9}\])*+(?:[=~#]|(?:TRUE|FALSE|T|F)\s*+[}#])",
    re.MULTILINE,
)


class Write(Protocol):
    """Write items as a file; the title is for whoever opens it."""

    def __call__(self, items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
        """Return the file."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A format a bank can leave in.

    losses: what a file of it cannot carry of an item; empty when importing it gives the same item
    """

    label: str
    suffix: str
    mimetype: str
    write: Write
    losses: Callable[[Item], tuple[str, ...]]


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "toml": Writer("题库文件 TOML", ".toml", "application/toml", toml.write, toml.losses),
        "gift": Writer("GIFT", ".gift", "text/plain", gift.write, gift.losses),
        "moodle": Writer("Moodle XML", ".xml", "application/xml", moodle.write, moodle.losses),
        "qti": Writer("QTI 3.0", ".zip", "application/zip", qti.write, qti.losses),
        "xlsx": Writer(
            "表格 XLSX",
            ".xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            sheet.write,
            sheet.losses,
        ),
    }
)


def read(body: bytes, *, name: str = "") -> Reading:
    """Read a file of questions; what it is tells its content, and its name where that tells nothing."""
    uploads.checked(body, too_large=TOO_LARGE)
    for beginning, reason in _OTHERS.items():
        if body.startswith(beginning):
            raise Unreadable(reason)
    if body.startswith(uploads.ZIP):
        return _read_archive(body)
    if body.startswith(uploads.OLE):
        return _read_compound(body)
    text = uploads.text(body, broken=UNKNOWN)
    root = _ROOT.match(text)
    known = _read_xml(body, root[1]) if root else None
    if known is not None:
        return known
    if text.lstrip().startswith(("<?xml", "<!DOCTYPE")):
        markup.tree(body, broken=UNKNOWN_XML)
        raise Unreadable(UNKNOWN_XML)
    return _read_text(body, text, PurePath(name).suffix.lower())


def _read_archive(body: bytes) -> Reading:
    archive = uploads.archive(body, broken=UNKNOWN_ARCHIVE, most_members=qti.MOST_MEMBERS)
    if docx.DOCUMENT in archive.names:
        return docx.read(body)
    mimetype = archive.read("mimetype").strip() if "mimetype" in archive.names else b""
    if mimetype in _OTHER_DOCUMENTS:
        raise Unreadable(_OTHER_DOCUMENTS[mimetype])
    if mimetype == _SPREADSHEET or any(one.startswith("xl/") for one in archive.names):
        return sheet.read(body)
    if any(one.endswith(".xml") and not one.startswith("ppt/") for one in archive.names):
        return qti.read_package(body)
    raise Unreadable(UNKNOWN_ARCHIVE)


def _read_compound(body: bytes) -> Reading:
    """Old office files are file systems, whose names are written in UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in body:
        raise Unreadable(_PROTECTED)
    if "WordDocument".encode("utf-16-le") in body:
        raise Unreadable(_OLD_WORD)
    return sheet.read(body)


def _read_xml(body: bytes, root: str) -> Reading | None:
    name = root.lower().removeprefix("qti-").replace("-", "")
    if name == "quiz":
        return moodle.read(body)
    if name in ("assessmentitem", "questestinterop"):
        return qti.read_item(body)
    if name in ("manifest", "assessmenttest", "assessmentsection"):
        raise Unreadable(PART_OF_PACKAGE)
    if name == "html":
        raise Unreadable(_WEB_PAGE)
    return None


def _read_text(body: bytes, text: str, suffix: str) -> Reading:
    if _ITEM.search(text) or suffix == ".toml":
        return toml.read(text)
    if _GIFT.search(text) or suffix == ".gift":
        return gift.read(text)
    if suffix in (".csv", ".tsv") or sheet.is_table(text):
        return sheet.read(body)
    return plaintext.read(text)
