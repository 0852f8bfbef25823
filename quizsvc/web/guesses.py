"""Limits on guessing what opens an attempt: one count each, whichever page is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from quizsvc import clock, throttle
from quizsvc.core.refusal import Refusal

WINDOW_S = 600
UNKNOWN_CODES = 2000
UNKNOWN_RECEIPTS = 300
RESUME_CODES = 10


@contextmanager
def counting_unknown_codes(unknown: type[Refusal]) -> Iterator[None]:
    """Count a code of a link that is refused as `unknown`; too many are refused for everybody."""
    try:
        yield
    except unknown:
        _count_unknown_code(clock.now())
        raise


def _count_unknown_code(at: datetime) -> None:
    throttle.take(
        kind="code",
        subject="all",
        limit=UNKNOWN_CODES,
        window_s=WINDOW_S,
        at=at,
        text="试错的网址太多了，请过十分钟再试。",
    )


def count_unknown_receipt(at: datetime) -> None:
    """Count a receipt that nobody got; too many in ten minutes are refused for everybody."""
    throttle.take(
        kind="receipt",
        subject="all",
        limit=UNKNOWN_RECEIPTS,
        window_s=WINDOW_S,
        at=at,
        text="查询太多了，请过十分钟再试。",
    )


def count_resume_code(unit_id: int, seat: int, at: datetime) -> None:
    """Count a resume code tried for a seat, right or wrong."""
    throttle.take(
        kind="resume",
        subject=f"{unit_id}:{seat}",
        limit=RESUME_CODES,
        window_s=WINDOW_S,
        at=at,
        text="续答码试得太多了，请过十分钟再试，或请老师帮忙换手机。",
    )


def count_change_code(participant_id: int, at: datetime) -> None:
    """Count a code for another phone tried for a player, right or wrong."""
    throttle.take(
        kind="resume",
        subject=f"player:{participant_id}",
        limit=RESUME_CODES,
        window_s=WINDOW_S,
        at=at,
        text="换机码试得太多了，请过十分钟再试。",
    )
