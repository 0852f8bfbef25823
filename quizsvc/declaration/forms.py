"""Posted fields of the declarations' pages, read into plain values; whatever is malformed is refused with 400."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from werkzeug.datastructures import MultiDict

from quizsvc.core.adoption import Adoption
from quizsvc.core.refusal import Refusal
from quizsvc.core.sheettext import Body
from quizsvc.declaration.queries import Given, Picked

MOST_SEATS = 9999
MOST_PICKS = 10
_NUMBER = re.compile(r"[0-9]{1,4}")
_BY = re.compile(r"[0-9A-Z]{8}")
_KEPT = re.compile(r"seat|yes|name|strokes|helped|by|[ik][0-9]{1,2}")
_PICKS = re.compile(r"yes|no|na|[0-9]")


class Unreadable(Refusal):
    """A posted form that no page of ours sends."""

    def __init__(self) -> None:
        super().__init__("没有看懂提交的内容。请返回上一页再试一次。")


class BadSeat(Refusal):
    """A seat that is no number."""

    def __init__(self) -> None:
        super().__init__("请写序号，用数字，例如 12。")


def seat_from(fields: Mapping[str, str]) -> int:
    """Read the seat number, typed with full-width figures too."""
    text = fields.get("seat", "").strip()[:8]
    digits = "".join(str(int(one)) for one in text if one.isdecimal())
    if len(digits) != len(text) or not _NUMBER.fullmatch(digits) or not 1 <= int(digits) <= MOST_SEATS:
        raise BadSeat
    return int(digits)


def given_from(fields: MultiDict[str, str], body: Body) -> Given:
    """Read what was filled in: `yes`, i<item> its picks and k<item> its check, name, strokes, helped."""
    return Given(
        yes={"yes": True, "no": False}.get(fields.get("yes", "")),
        items=_items_from(fields, len(body.items)) if isinstance(body, Adoption) else {},
        name=fields.get("name", ""),
        strokes=fields.get("strokes", ""),
        helped=fields.get("helped") == "1",
    )


def _items_from(fields: MultiDict[str, str], items: int) -> dict[int, Picked]:
    picked = {}
    for index in range(items):
        chosen = tuple(dict.fromkeys(fields.getlist(f"i{index}")))
        check = fields.get(f"k{index}", "")
        if len(chosen) > MOST_PICKS or not all(_PICKS.fullmatch(one) for one in chosen):
            raise Unreadable
        if check and not (check.isascii() and check.isdigit() and len(check) == 1):
            raise Unreadable
        if chosen:
            picked[index] = Picked(chosen, int(check) if check else None)
    return picked


def kept_from(fields: MultiDict[str, str]) -> list[tuple[str, str]]:
    """List what a page of ours sends, to be sent again with the confirmation."""
    return [(name, value) for name, value in fields.items(multi=True) if _KEPT.fullmatch(name)]


def by_from(fields: Mapping[str, str]) -> str:
    """Read whose promotion code led here; anything else is nobody's."""
    code = fields.get("by", "").strip().upper()
    return code if _BY.fullmatch(code) else ""


def receipt_from(text: str) -> str:
    """Read a receipt as it is stored: capitals, without blanks, look-alikes put right."""
    return text.upper().translate(str.maketrans("OIL", "011", " -\u3000"))[:16]


# The staff's side.

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEEN = re.compile(r"([0-9]{1,9})-([0-9]{1,2})")


def answers_from(fields: MultiDict[str, str]) -> dict[int, bool]:
    """Read which seats were ticked as yes and which as no; both at once is refused by its seat."""
    yes, no = ({_seat(text) for text in fields.getlist(name)} for name in ("yes", "no"))
    both = sorted(yes & no)
    if both:
        raise Refusal(f"{both[0]} 号同时勾了“是”和“否”。请只留一个，再点录入。")
    return {seat: seat in yes for seat in sorted(yes | no)}


def day_from(fields: Mapping[str, str], name: str, label: str) -> date:
    """Read a day as the browser's field writes it."""
    text = fields.get(name, "").strip()
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise Refusal(f"{label}没有看懂，请写成 2026-12-12 这样。") from None


def heads_from(fields: Mapping[str, str], name: str, label: str) -> int:
    """Read a number of people; blanks and commas between the digits are no matter."""
    text = fields.get(name, "").translate(str.maketrans("", "", " ,，\u3000")).strip()
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Refusal(f"{label}要写整数，只写数字。")
    return int(text)


def seen_from(fields: MultiDict[str, str]) -> set[tuple[int, int]]:
    """Read what a teacher has ticked as seen: seat and item."""
    found = [_SEEN.fullmatch(text) for text in fields.getlist("seen")]
    if not all(found):
        raise Unreadable
    return {(int(one[1]), int(one[2])) for one in found if one}


def moment_from(fields: Mapping[str, str], name: str) -> datetime:
    """Read a moment as our own page writes it."""
    try:
        found = datetime.fromisoformat(fields.get(name, ""))
    except ValueError:
        raise Unreadable from None
    if found.tzinfo is None:
        raise Unreadable
    return found


def unit_from(text: str) -> int:
    """Read the number of a unit out of an address."""
    return _seat(text)


def _seat(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise Unreadable
    return int(text)
