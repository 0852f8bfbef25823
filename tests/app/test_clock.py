"""The clock in eight kinds of weather: nothing ends early, nothing ended opens again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from quizsvc import clock
from quizsvc.clock import TOLERANCE, Clock
from quizsvc.core import window

DEADLINE = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
DAY_S = 86_400.0


class Weather:
    """A wall clock that goes with the true time until somebody sets it, and a steady one."""

    def __init__(self, begins: datetime = DEADLINE - timedelta(minutes=10)) -> None:
        self.true = begins.timestamp()
        self.off = 0.0  # of the wall clock from the true time
        self.pace = 1.0  # of the wall clock
        self.begun = self.true

    def wall(self) -> float:
        return self.true + self.off

    def steady(self) -> float:
        return self.true - self.begun

    def passes(self, seconds: float) -> None:
        self.true += seconds
        self.off += seconds * (self.pace - 1)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.true, UTC)


@pytest.fixture
def weather() -> Weather:
    return Weather()


@pytest.fixture
def ours(weather: Weather) -> Clock:
    return Clock(weather.wall, weather.steady)


def early_and_reopened(
    weather: Weather, read: Callable[[], datetime], seconds: int = 1800
) -> tuple[int, int]:
    """Look every second: how often it was over before the true deadline, and how often open after it was over."""
    early = reopened = 0
    was_over = False
    for _ in range(seconds):
        over = not window.accepts(read(), DEADLINE)
        early += over and weather.now() <= DEADLINE
        reopened += was_over and not over
        was_over = was_over or over
        weather.passes(1)
    return early, reopened


@pytest.mark.parametrize("off", [DAY_S, -DAY_S, 61.0, -61.0, 29.0, -29.0])
def test_jump_ends_nothing_early_and_opens_nothing_again(weather: Weather, ours: Clock, off: float) -> None:
    ours.now()
    weather.off = off

    assert early_and_reopened(weather, ours.now) == (0, 0)


@pytest.mark.parametrize("off", [DAY_S, -DAY_S])
def test_wall_time_itself_would_have_done_so(weather: Weather, off: float) -> None:
    weather.passes(0 if off > 0 else 1000)
    over_before = not window.accepts(weather.now(), DEADLINE)
    weather.off = off

    early, _ = early_and_reopened(weather, lambda: datetime.fromtimestamp(weather.wall(), UTC), seconds=10)

    assert (
        early > 0
        if off > 0
        else over_before and window.accepts(datetime.fromtimestamp(weather.wall(), UTC), DEADLINE)
    )


def test_jump_is_told_while_it_lasts(weather: Weather, ours: Clock) -> None:
    assert ours.jumped() is None
    weather.off = 61.0
    assert ours.jumped() == timedelta(seconds=61)
    weather.passes(600)
    assert ours.jumped() == timedelta(seconds=61)
    weather.off = 0.0
    assert ours.jumped() is None
    assert ours.now() == weather.now()


@pytest.mark.usefixtures("talkative")
def test_jump_is_logged_once_a_minute(weather: Weather, ours: Clock) -> None:
    weather.off = DAY_S
    with structlog.testing.capture_logs() as logs:
        for _ in range(150):
            ours.now()
            weather.passes(1)

    assert [(line["event"], line["seconds"]) for line in logs] == [("the clock has jumped", 86400)] * 3


def test_small_step_back_stands_still_and_never_runs_backwards(weather: Weather, ours: Clock) -> None:
    before = ours.now()
    weather.off = -20.0
    weather.passes(5)
    assert ours.now() == before
    weather.passes(20)
    assert ours.now() == before + timedelta(seconds=5)


def test_leap_second_that_the_wall_repeats_is_not_repeated(weather: Weather, ours: Clock) -> None:
    weather.passes(1)
    last = ours.now()
    weather.off = -1.0  # 23:59:60 told as a second 23:59:59
    assert ours.now() == last
    weather.passes(2)
    assert ours.now() == last + timedelta(seconds=1)


def test_frozen_wall_is_left_behind_after_half_a_minute(weather: Weather, ours: Clock) -> None:
    weather.pace = 0.0
    assert early_and_reopened(weather, ours.now) == (0, 0)
    assert abs(ours.now() - weather.now()) < timedelta(seconds=31)


def test_slow_slew_is_followed_for_ever(weather: Weather, ours: Clock) -> None:
    weather.pace = 1.0005  # the most that NTP slews: 43 seconds a day
    for _ in range(24 * 14):
        weather.passes(3600)
        assert ours.jumped() is None
    assert weather.off > 600
    assert ours.now() == datetime.fromtimestamp(weather.wall(), UTC)


def test_two_small_steps_in_a_minute_are_a_jump(weather: Weather, ours: Clock) -> None:
    for off in (20.0, 40.0):
        weather.off = off
        weather.passes(20)
        ours.now()

    assert ours.jumped() is not None


def test_two_processes_with_different_offsets_end_within_the_grace(weather: Weather) -> None:
    fast, slow = (Clock(lambda off=off: weather.wall() + off, weather.steady) for off in (25.0, -25.0))  # type: ignore[misc]

    for one in (fast, slow):
        assert abs(one.now() - weather.now()) < TOLERANCE
    weather.true = DEADLINE.timestamp()
    assert window.accepts(fast.now(), DEADLINE)  # on time everywhere, however the processes differ


def test_no_clock_changes_in_china_when_others_change_theirs() -> None:
    for moment in (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)):
        assert clock.SHANGHAI.utcoffset(moment) == timedelta(hours=8)
    assert clock.local_day(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)).isoformat() == "2027-01-01"


def test_next_program_goes_on_with_the_clock_of_the_one_before(weather: Weather, ours: Clock) -> None:
    weather.off = DAY_S
    ours.now()
    weather.passes(3)
    after = Clock(weather.wall, weather.steady)

    after.go_on(ours.anchor)

    assert after.now() == weather.now()
    assert after.jumped() == timedelta(days=1)


def test_start_before_the_mark_goes_on_from_the_mark(weather: Weather, ours: Clock) -> None:
    mark = weather.now() + timedelta(days=1)
    ours.start_at(mark)
    weather.passes(60)

    assert ours.now() == mark + timedelta(seconds=60)
    assert ours.jumped() == timedelta(days=-1)


def test_start_after_the_mark_changes_nothing(weather: Weather, ours: Clock) -> None:
    ours.start_at(weather.now() - timedelta(days=1))

    assert (ours.now(), ours.jumped()) == (weather.now(), None)


def test_now_is_that_of_the_running_clock() -> None:
    before = clock.RUNNING.now()

    assert before <= clock.now() <= clock.RUNNING.now()
    assert clock.jumped() is None
