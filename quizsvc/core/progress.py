"""The way to 100 %, day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Day:
    """How many people finished on one day.

    on: a calendar day in the school's own time zone
    done: heads, >= 0
    """

    on: date
    done: int


def cumulative(days: Sequence[Day], first: date, last: date) -> tuple[int, ...]:
    """Add days up into a curve without gaps.

    days: any order, days may be absent or repeated (repeats add up)
    first, last: both are in the curve; when last is before first the curve is empty
    return: heads done by the end of each day from first to last; what was done before first is in the
        first value, what came after last is in none

    >>> first, last = date(2026, 12, 1), date(2026, 12, 3)
    >>> cumulative([Day(last, 4), Day(first, 2)], first, last)
    (2, 2, 6)
    """
    span = last.toordinal() - first.toordinal() + 1
    steps = [0] * max(span, 0)
    for day in days:
        place = max(day.on.toordinal() - first.toordinal(), 0)
        if place < span:
            steps[place] += day.done
    done = 0
    curve = []
    for step in steps:
        done += step
        curve.append(done)
    return tuple(curve)


def pace_needed(missing: int, days_left: int) -> int:
    """Tell how many people a day are needed to reach everyone in time.

    missing: heads not done yet; 0 or below means nobody is missing
    days_left: days that remain, today included; 0 or below means all are needed at once
    return: heads a day, rounded up, so that the pace suffices; 0 when nobody is missing

    >>> pace_needed(8, 3), pace_needed(8, 0)
    (3, 8)
    """
    if missing <= 0:
        return 0
    return -(-missing // days_left) if days_left > 0 else missing
