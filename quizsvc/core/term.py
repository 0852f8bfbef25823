"""The semester of a day, and its name."""

import re
from datetime import date

from quizsvc.core.refusal import Refusal

AUTUMN_FROM_MONTH = 8
SPRING_FROM_MONTH = 2

_TERM = re.compile(r"([0-9]{4})-([0-9]{4})-([12])")


class MistypedTerm(Refusal):
    """A text that names no semester."""

    def __init__(self) -> None:
        """Say how a semester is written."""
        super().__init__("学期要写成“2026-2027-1”这样：两个相连的年份，再加 1（秋季）或 2（春季）。")


def term_of(day: date) -> str:
    """Name the semester a day belongs to; holidays belong to the semester they lead into.

    day: a calendar day in the school's own time zone
    return: "2026-2027-1" for 1 August 2026 to 31 January 2027, "2026-2027-2" for 1 February to 31 July 2027
    Source: how Chinese schools write a school year and its semester, from September to the next summer

    >>> term_of(date(2027, 1, 31)), term_of(date(2027, 2, 1))
    ('2026-2027-1', '2026-2027-2')
    """
    begins = day.year if day.month >= AUTUMN_FROM_MONTH else day.year - 1
    half = 2 if SPRING_FROM_MONTH <= day.month < AUTUMN_FROM_MONTH else 1
    return f"{begins:04d}-{begins + 1:04d}-{half}"


def term_label(term: str) -> str:
    """Write a semester as people say it, by the calendar year it is lived in.

    term: as term_of returns it
    return: "2026 年秋季学期" or "2027 年春季学期"
    raise MistypedTerm: the text is not a semester, or its two years do not follow each other

    >>> term_label("2026-2027-2")
    '2027 年春季学期'
    """
    found = _TERM.fullmatch(term)
    if found is None or int(found[2]) != int(found[1]) + 1:
        raise MistypedTerm
    return f"{found[1]} 年秋季学期" if found[3] == "1" else f"{found[2]} 年春季学期"


def ends_on(term: str) -> date:
    """Tell the last day of a semester.

    term: as term_of returns it
    return: 31 January for the autumn semester, 31 July for the spring semester
    raise MistypedTerm: as term_label

    >>> ends_on("2026-2027-1"), ends_on("2026-2027-2")
    (datetime.date(2027, 1, 31), datetime.date(2027, 7, 31))
    """
    term_label(term)
    year = int(term[5:9])
    return date(year, 1, 31) if term[-1] == "1" else date(year, 7, 31)
