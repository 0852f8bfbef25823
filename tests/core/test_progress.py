"""Curves and paces."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.progress import Day, cumulative, pace_needed

relaxed = settings(deadline=None, database=None)

FIRST = date(2026, 12, 1)


def day(offset: int, done: int) -> Day:
    return Day(FIRST + timedelta(days=offset), done)


@pytest.mark.parametrize(
    ("days", "length", "curve"),
    [
        ([], 3, (0, 0, 0)),
        ([day(0, 2), day(2, 4)], 3, (2, 2, 6)),
        ([day(2, 4), day(0, 2)], 3, (2, 2, 6)),
        ([day(1, 2), day(1, 3)], 3, (0, 5, 5)),
        ([day(-5, 7), day(0, 1)], 2, (8, 8)),
        ([day(1, 1), day(2, 9)], 2, (0, 1)),
        ([day(0, 1)], 1, (1,)),
        ([day(0, 1), day(-1, 1)], 0, ()),
        ([day(0, 1), day(-1, 1)], -3, ()),
    ],
)
def test_cumulative_has_one_value_a_day(days: list[Day], length: int, curve: tuple[int, ...]):
    assert cumulative(days, FIRST, FIRST + timedelta(days=length - 1)) == curve


@relaxed
@given(st.lists(st.builds(day, st.integers(-5, 30), st.integers(0, 50))))
def test_cumulative_never_falls_and_ends_at_everybody(days: list[Day]):
    curve = cumulative(days, FIRST, FIRST + timedelta(days=30))

    assert list(curve) == sorted(curve)
    assert curve[-1] == sum(one.done for one in days)


@pytest.mark.parametrize(
    ("missing", "days_left", "pace"),
    [
        (8, 3, 3),
        (9, 3, 3),
        (10, 3, 4),
        (1, 30, 1),
        (8, 1, 8),
        (8, 0, 8),
        (8, -2, 8),
        (0, 3, 0),
        (-1, 3, 0),
        (0, 0, 0),
    ],
)
def test_pace_needed_is_rounded_up(missing: int, days_left: int, pace: int):
    assert pace_needed(missing, days_left) == pace


@relaxed
@given(st.integers(1, 10_000), st.integers(1, 365))
def test_pace_needed_suffices_and_one_less_does_not(missing: int, days_left: int):
    pace = pace_needed(missing, days_left)

    assert pace * days_left >= missing > (pace - 1) * days_left
