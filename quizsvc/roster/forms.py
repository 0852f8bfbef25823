"""Posted fields of the roster pages, and the sealed rows that a preview hands to its confirmation."""

from dataclasses import astuple, dataclass
from datetime import datetime

from werkzeug.datastructures import FileStorage, MultiDict

from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import Row, Sheet
from quizsvc.core.term import term_label
from quizsvc.web import sealing

PURPOSE = "roster.import"
LONGEST_NUMBER = 6


class Expired(Refusal):
    """A preview that is too old, or was never ours."""

    def __init__(self) -> None:
        super().__init__("这次预览已经过期，没有导入。请重新上传名单。")


@dataclass(frozen=True, slots=True)
class Previewed:
    """What somebody saw in a preview and may now confirm."""

    unit_id: int
    staff_id: int
    term: str
    digest: str
    sheet: Sheet


def term_from(fields: MultiDict[str, str]) -> str:
    """Read the term."""
    term = fields.get("term", "").strip()
    term_label(term)
    return term


def number_from(fields: MultiDict[str, str], name: str, label: str) -> int:
    """Read a whole number."""
    text = fields.get(name, "").strip()
    if not text.isdecimal() or len(text) > LONGEST_NUMBER:
        raise Refusal(f"{label}要写一个整数。")
    return int(text)


def roster_from(fields: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> bytes:
    """Read the file, or else the lines pasted from a spreadsheet."""
    file = files.get("file")
    body = file.read() if file else b""
    body = body or fields.get("pasted", "").strip("\r\n").encode()
    if not body.strip():
        raise Refusal("请选一个名单文件，或者把表格里的几列粘贴到下面的框里。")
    return body


def sealed(previewed: Previewed, *, at: datetime) -> str:
    """Write what was previewed as one signed, compressed text."""
    rows = [astuple(row) for row in previewed.sheet.rows]
    seen = [
        previewed.unit_id,
        previewed.staff_id,
        previewed.term,
        previewed.digest,
        previewed.sheet.form,
        rows,
    ]
    return sealing.sealed(seen, purpose=PURPOSE, at=at)


def opened(text: str, *, at: datetime) -> Previewed:
    """Read what was previewed; refuse what is not ours or older than an hour."""
    try:
        unit_id, staff_id, term, digest, form, rows = sealing.opened(text, purpose=PURPOSE, at=at)
    except sealing.Broken:
        raise Expired from None
    return Previewed(unit_id, staff_id, term, digest, Sheet(form, tuple(Row(*row) for row in rows)))
