"""One item a request: which is on, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from quizsvc.core import pacing

SHOWN = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stored", "on"), [((), 1), ((1,), 2), ((1, 2), 3), ((1, 2, 3), None), ((2,), 1), ((1, 3), 2)]
)
def test_first_item_that_is_not_stored_is_on(stored: tuple[int, ...], on: int | None) -> None:
    assert pacing.on(stored, 3) == on


def test_item_ends_after_its_seconds() -> None:
    assert pacing.ends_at(SHOWN, 30) == SHOWN + timedelta(seconds=30)
    assert pacing.ends_at(SHOWN, None) is None


@pytest.mark.parametrize(
    ("after_s", "counts"), [(0, True), (30, True), (33, True), (33.001, False), (900, False)]
)
def test_answer_counts_up_to_three_seconds_after_the_end(after_s: float, counts: bool) -> None:
    assert pacing.accepts(SHOWN + timedelta(seconds=after_s), SHOWN, 30) is counts


def test_answer_always_counts_where_items_have_no_limit() -> None:
    assert pacing.accepts(SHOWN + timedelta(days=1), SHOWN, None)
