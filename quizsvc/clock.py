"""The only reader of the clock: it never runs backwards and does not follow a jump (docs/decisions/0022)."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from zoneinfo import ZoneInfo

import structlog

log = structlog.get_logger()

SHANGHAI = ZoneInfo("Asia/Shanghai")

TOLERANCE = timedelta(seconds=30)
"""How far the wall clock may be from the steady one; half the grace after a deadline, so nothing ends early."""
_TOLERANCE_S = TOLERANCE.total_seconds()
_ABSORBED = 1 / 60  # small steps become part of the steady clock, a second a minute at most
_WARN_EVERY_S = 60
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former counts while a machine sleeps

Seconds = Callable[[], float]


def _steady() -> float:
    return time.clock_gettime(_STEADY)


class Clock:
    """The wall clock, held against one that nobody can set."""

    def __init__(self, wall: Seconds = time.time, steady: Seconds = _steady) -> None:
        self._wall, self._steady = wall, steady
        self._lock = Lock()
        self._expected, self._since = wall(), steady()
        self._newest = self._expected
        self._warned = float("-inf")

    @property
    def anchor(self) -> tuple[float, float]:
        """The wall time that goes with a steady time: another process of this machine can go on from it."""
        return self._expected, self._since

    def go_on(self, anchor: tuple[float, float]) -> None:
        """Go on as the process did whose anchor this is."""
        self._expected, self._since = anchor
        self._newest = self._expected

    def start_at(self, moment: datetime) -> None:
        """Go on from a moment, unless it is later already."""
        if self.now() < moment:
            self._expected, self._since = moment.timestamp(), self._steady()
            self._newest = self._expected

    def now(self) -> datetime:
        """Return the moment everything is decided by, aware UTC."""
        with self._lock:
            seconds, ahead = self._look()
            if abs(ahead) > _TOLERANCE_S and self._since - self._warned >= _WARN_EVERY_S:
                self._warned = self._since
                log.warning("the clock has jumped", seconds=round(ahead))
            self._newest = max(self._newest, seconds)
            return datetime.fromtimestamp(self._newest, UTC)

    def jumped(self) -> timedelta | None:
        """Return how far the wall clock is ahead of ours when it is not followed, else None."""
        with self._lock:
            _, ahead = self._look()
        return timedelta(seconds=ahead) if abs(ahead) > _TOLERANCE_S else None

    def _look(self) -> tuple[float, float]:
        wall, steady = self._wall(), self._steady()
        elapsed = steady - self._since
        expected = self._expected + elapsed
        ahead = wall - expected
        if abs(ahead) > _TOLERANCE_S:
            self._expected, self._since = expected, steady
            return expected, ahead
        most = elapsed * _ABSORBED
        self._expected, self._since = expected + min(max(ahead, -most), most), steady
        return wall, ahead


RUNNING = Clock()
"""The clock of this process; processes forked from it go on with it."""


def now() -> datetime:
    """Return the present moment, aware UTC."""
    return RUNNING.now()


def jumped() -> timedelta | None:
    """Return how far the machine's clock is ahead of ours when it is not followed, else None."""
    return RUNNING.jumped()


def local_day(at: datetime) -> date:
    """Return the calendar day of a moment in China."""
    return at.astimezone(SHANGHAI).date()
