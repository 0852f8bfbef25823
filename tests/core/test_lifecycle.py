"""The life of a contest: stages, moves and their order, days that are counted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import lifecycle
from quizsvc.core.lifecycle import (
    Fact,
    Facts,
    Move,
    NotNow,
    Stage,
    check,
    following,
    lapsed,
    line,
    stage,
    until,
)

relaxed = settings(deadline=None, database=None)

OPENS = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
CLOSES = datetime(2026, 12, 10, 10, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MOVES = list(Move)


def facts(*moves: Move) -> Facts:
    done = {move: Fact(CLOSES + timedelta(days=number), "staff:1") for number, move in enumerate(moves)}
    return Facts(opens_at=OPENS, closes_at=CLOSES, done=done)


@pytest.mark.parametrize(
    ("moves", "at", "here"),
    [
        ((), OPENS + TICK, Stage.DRAFT),
        ((Move.PUBLISH,), OPENS - TICK, Stage.PUBLISHED),
        ((Move.PUBLISH,), OPENS, Stage.OPEN),
        ((Move.PUBLISH,), CLOSES - TICK, Stage.OPEN),
        ((Move.PUBLISH,), CLOSES, Stage.OVER),
        (MOVES[:2], CLOSES, Stage.FROZEN),
        (MOVES[:3], CLOSES, Stage.DRAWN),
        (MOVES[:4], CLOSES, Stage.ANNOUNCED),
        (MOVES[:5], CLOSES, Stage.HANDING_OUT),
        (MOVES, CLOSES, Stage.CLOSED),
    ],
)
def test_stage_follows_from_what_has_happened(moves: tuple[Move, ...], at: datetime, here: Stage):
    assert stage(facts(*moves), at) is here


@pytest.mark.parametrize("here", list(Stage))
@pytest.mark.parametrize("move", MOVES)
def test_each_stage_lets_its_own_move_through_and_no_other(move: Move, here: Stage):
    if following(here) is move:
        check(move, here, CLOSES)
        return
    with pytest.raises(NotNow, match=lifecycle.NAMES[here]) as refused:
        check(move, here, CLOSES)

    assert refused.value.status == 409


def test_moves_follow_one_another_to_the_end():
    done: list[Move] = []
    while (move := following(stage(facts(*done), CLOSES))) is not None:
        done.append(move)

    assert done == MOVES
    assert stage(facts(*done), CLOSES) is Stage.CLOSED


@pytest.mark.parametrize("count", range(len(MOVES) + 1))
def test_line_has_one_present_step_and_says_who_made_those_before(count: int):
    known = facts(*MOVES[:count])
    steps = line(known, CLOSES)
    states = [step.state for step in steps]

    assert states.count("now") == 1
    assert states == sorted(states, key=["done", "now", "later"].index)
    assert [step.fact for step in steps if step.fact] == list(known.done.values())
    assert [step.stage for step in steps] == list(lifecycle.LINE)


def test_line_stands_at_playing_until_the_list_is_frozen():
    now = next(step for step in line(facts(Move.PUBLISH), CLOSES) if step.state == "now")

    assert (now.stage, now.fact) == (Stage.OPEN, None)


def test_every_move_says_what_becomes_irreversible():
    assert set(lifecycle.IRREVERSIBLE) == set(lifecycle.MOVE_NAMES) == set(Move)
    assert all(len(text) > 15 and text.endswith("。") for text in lifecycle.IRREVERSIBLE.values())
    assert set(lifecycle.NAMES) == set(Stage)


def test_prizes_are_handed_out_only_after_the_days_for_objections():
    ends = until(CLOSES, 5)
    with pytest.raises(NotNow, match="公示到 12 月 15 日为止"):
        check(Move.HAND_OUT, Stage.ANNOUNCED, ends - TICK, objections_until=ends)

    check(Move.HAND_OUT, Stage.ANNOUNCED, ends, objections_until=ends)


def test_contest_does_not_close_over_a_prize():
    with pytest.raises(NotNow, match="还有 2 份奖"):
        check(Move.CLOSE, Stage.HANDING_OUT, CLOSES, prizes_left=2)

    check(Move.CLOSE, Stage.HANDING_OUT, CLOSES, prizes_left=0)


@pytest.mark.parametrize(
    ("at", "days", "ends"),
    [
        (datetime(2026, 12, 1, 15, 59, tzinfo=UTC), 5, datetime(2026, 12, 6, 16, 0, tzinfo=UTC)),
        (datetime(2026, 12, 1, 16, 0, tzinfo=UTC), 5, datetime(2026, 12, 7, 16, 0, tzinfo=UTC)),
        (datetime(2026, 12, 1, 4, 0, tzinfo=UTC), 0, datetime(2026, 12, 1, 16, 0, tzinfo=UTC)),
        (datetime(2026, 12, 31, 4, 0, tzinfo=UTC), 1, datetime(2027, 1, 1, 16, 0, tzinfo=UTC)),
    ],
)
def test_days_are_whole_days_in_china(at: datetime, days: int, ends: datetime):
    assert until(at, days) == ends


@relaxed
@given(st.integers(0, 400 * 86400), st.integers(0, 90))
def test_span_is_never_shorter_than_its_days_nor_a_day_longer(seconds: int, days: int):
    at = OPENS + timedelta(seconds=seconds)
    span = until(at, days) - at

    assert timedelta(days=days) < span <= timedelta(days=days + 1)


def test_prize_lapses_at_the_moment_its_span_ends():
    ends = until(CLOSES, 30)

    assert (lapsed(ends, ends - TICK), lapsed(ends, ends)) == (False, True)
