"""Windows, deadlines and grace, with their exact edges."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.window import (
    GRACE_S,
    LATE_S,
    Closed,
    NotOpenYet,
    Window,
    accepts,
    arrival,
    deadline,
    seconds_left,
)

relaxed = settings(deadline=None, database=None)

OPENS = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
CLOSES = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
WINDOW = Window(OPENS, CLOSES)
TICK = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)

moments = st.timedeltas(timedelta(0), timedelta(days=30)).map(lambda later: OPENS + later)
spans = st.integers(0, 100_000)


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (OPENS - TICK, "before"),
        (OPENS, "open"),
        (OPENS + TICK, "open"),
        (CLOSES - TICK, "open"),
        (CLOSES, "closed"),
        (CLOSES + TICK, "closed"),
    ],
)
def test_window_state_includes_the_opening_and_excludes_the_closing(at: datetime, state: str):
    assert WINDOW.state(at) == state


@pytest.mark.parametrize("closes_at", [OPENS, OPENS - SECOND])
def test_window_that_closes_no_later_than_it_opens_is_never_open(closes_at: datetime):
    window = Window(OPENS, closes_at)

    assert [window.state(OPENS + shift) for shift in (-SECOND, -TICK, 0 * TICK, TICK)] == [
        "before",
        "before",
        "closed",
        "closed",
    ]


def test_check_before_opening_is_refused_with_the_opening_time():
    with pytest.raises(NotOpenYet) as refusal:
        WINDOW.check(OPENS - TICK)

    assert (refusal.value.status, refusal.value.opens_at) == (409, OPENS)
    assert refusal.value.text == "活动还没有开始，到开放时间再来就可以答题。"


def test_check_from_the_closing_on_is_refused_with_the_closing_time():
    with pytest.raises(Closed) as refusal:
        WINDOW.check(CLOSES)

    assert (refusal.value.status, refusal.value.closed_at) == (410, CLOSES)
    assert refusal.value.text == "活动已经结束，现在不能再答题了。"


@pytest.mark.parametrize("at", [OPENS, CLOSES - TICK])
def test_check_inside_is_silent(at: datetime):
    WINDOW.check(at)

    assert WINDOW.state(at) == "open"


@pytest.mark.parametrize(
    ("started_at", "limit_s", "extension_s", "ends_at"),
    [
        (OPENS, 600, 0, OPENS + 600 * SECOND),
        (OPENS, 600, 120, OPENS + 720 * SECOND),
        (OPENS, 0, 0, OPENS),
        (OPENS, None, 0, CLOSES),
        (OPENS, None, 600, CLOSES),
        (CLOSES - 600 * SECOND, 600, 0, CLOSES),
        (CLOSES - 599 * SECOND, 600, 0, CLOSES),
        (CLOSES - 601 * SECOND, 600, 0, CLOSES - SECOND),
        (CLOSES - 601 * SECOND, 600, 1, CLOSES),
        (CLOSES - 601 * SECOND, 600, 3600, CLOSES),
        (CLOSES - TICK, 600, 0, CLOSES),
    ],
)
def test_deadline_is_the_earlier_of_limit_and_closing(
    started_at: datetime, limit_s: int | None, extension_s: int, ends_at: datetime
):
    assert deadline(started_at, CLOSES, limit_s, extension_s) == ends_at


@pytest.mark.parametrize(
    ("late", "accepted"),
    [
        (-SECOND, True),
        (0 * SECOND, True),
        (TICK, True),
        (60 * SECOND - TICK, True),
        (60 * SECOND, True),
        (60 * SECOND + TICK, False),
        (timedelta(days=1), False),
    ],
)
def test_accepts_up_to_and_including_sixty_seconds_late(late: timedelta, accepted: bool):
    assert GRACE_S == 60
    assert accepts(CLOSES + late, CLOSES) is accepted


@pytest.mark.parametrize("policy", ["submit_from_saved", "accept_flagged", "reject"])
@pytest.mark.parametrize(
    ("after", "taken", "where_one_waits"),
    [
        (-SECOND, "in_time", "in_time"),
        (60 * SECOND, "in_time", "in_time"),
        (60 * SECOND + TICK, "over", "late"),
        (1860 * SECOND, "over", "late"),
        (1860 * SECOND + TICK, "over", "over"),
        (timedelta(days=9), "over", "over"),
    ],
)
def test_only_a_round_that_waits_takes_what_is_late(
    after: timedelta, taken: str, where_one_waits: str, policy: str
):
    expected = where_one_waits if policy == "accept_flagged" else taken

    assert LATE_S == 1800
    assert arrival(CLOSES + after, CLOSES, policy) == expected


@pytest.mark.parametrize(
    ("before", "seconds"),
    [
        (90 * SECOND, 90),
        (90 * SECOND - TICK, 89),
        (SECOND, 1),
        (SECOND - TICK, 0),
        (0 * SECOND, 0),
        (-TICK, 0),
        (-90 * SECOND, 0),
        (timedelta(days=2), 172_800),
    ],
)
def test_seconds_left_is_rounded_down_and_never_negative(before: timedelta, seconds: int):
    assert seconds_left(CLOSES - before, CLOSES) == seconds


@relaxed
@given(moments, moments, st.none() | spans, spans, spans)
def test_deadline_never_outlasts_the_window_and_more_extension_never_shortens_it(
    started_at: datetime, closes_at: datetime, limit_s: int | None, extension_s: int, more_s: int
):
    ends_at = deadline(started_at, closes_at, limit_s, extension_s)

    assert ends_at <= closes_at
    assert deadline(started_at, closes_at, limit_s, extension_s + more_s) >= ends_at


@relaxed
@given(moments, moments)
def test_whoever_has_seconds_left_is_accepted(at: datetime, ends_at: datetime):
    assert accepts(at, ends_at) or seconds_left(at, ends_at) == 0
