from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import rulebook, standing
from quizsvc.core.indicators import Rate
from quizsvc.core.standing import Heads, Tally, ranked, ranks, sort_key, tally, unit_board

T = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Go:
    score: int
    used_s: int = 100
    at_s: int = 0
    period: str = "2026-12-01"
    out_of: int = 100

    @property
    def submitted_at(self) -> datetime:
        return T + timedelta(seconds=self.at_s, microseconds=700_000)


def after(seconds: int) -> datetime:
    return T + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("strategy", "goes", "reached"),
    [
        ("best", [Go(80), Go(90, 200, 60)], Tally(90, 100, 200, after(60))),
        ("best", [Go(90, 200), Go(90, 150, 60)], Tally(90, 100, 150, after(60))),
        ("best", [Go(90, 150, 60), Go(90, 150, 30)], Tally(90, 100, 150, after(30))),
        ("best", [Go(0, 10, 5), Go(0, 20, 3)], Tally(0, 100, 10, after(5))),
        ("best", [Go(50, out_of=50), Go(60)], Tally(60, 100, 100, after(0))),
        ("score", [Go(80), Go(90, 200, 60)], Tally(90, 100, 200, after(60))),
        (
            "daily_sum",
            [Go(80, 100, 9), Go(90, 90, 50), Go(70, 60, 86_400, "2026-12-02")],
            Tally(160, 200, 150, after(86_400)),
        ),
        ("daily_sum", [Go(80, 100, 9), Go(0, 5, 86_400, "2026-12-02")], Tally(80, 200, 100, after(9))),
        ("daily_sum", [Go(0, 7, 9), Go(0, 5, 86_400, "2026-12-02")], Tally(0, 200, 5, after(86_400))),
    ],
)
def test_tally_follows_the_strategy(strategy: str, goes: list[Go], reached: Tally) -> None:
    for order in permutations(goes):
        assert tally(order, strategy) == reached


def test_tally_of_an_unknown_strategy_is_an_error() -> None:
    with pytest.raises(KeyError):
        tally([Go(1)], "luck")


def test_tally_needs_a_go() -> None:
    with pytest.raises(ValueError, match="empty"):
        tally([], "best")


@pytest.mark.parametrize(
    ("strategy", "players", "expected"),
    [
        ("best", {"A": (90, 100, 0), "B": (100, 300, 9)}, [(1, "B"), (2, "A")]),
        ("best", {"A": (90, 100, 0), "B": (90, 99, 9)}, [(1, "B"), (2, "A")]),
        ("best", {"A": (90, 100, 9), "B": (90, 100, 8)}, [(1, "B"), (2, "A")]),
        ("best", {"B": (90, 100, 9), "A": (90, 100, 9), "C": (80, 1, 1)}, [(1, "A"), (1, "B"), (3, "C")]),
        ("best", {"A": (0, 1, 1), "B": (10, 900, 9)}, [(1, "B")]),
        ("best", {}, []),
        ("score", {"B": (90, 100, 0), "A": (90, 999, 9), "C": (80, 1, 1)}, [(1, "A"), (1, "B"), (3, "C")]),
        ("daily_sum", {"A": (170, 200, 5), "B": (170, 190, 9)}, [(1, "B"), (2, "A")]),
    ],
)
def test_players_are_ranked_by_the_printed_chain(
    strategy: str, players: dict[str, tuple[int, int, int]], expected: list[tuple[int, str]]
) -> None:
    tallies = {
        one: Tally(points, 100, used_s, after(at_s)) for one, (points, used_s, at_s) in players.items()
    }

    assert ranked(tallies, strategy) == expected


def test_equal_everything_shares_a_rank_and_the_next_is_counted_on() -> None:
    same = Tally(90, 100, 60, T)

    assert ranked({"C": same, "A": same, "B": same, "D": Tally(80, 100, 1, T)}, "best") == [
        (1, "A"), (1, "B"), (1, "C"), (4, "D"),
    ]  # fmt: skip


@pytest.mark.parametrize("strategy", sorted(standing.STRATEGIES))
def test_a_go_without_points_moves_no_rank(strategy: str) -> None:
    goes = [Go(80, 100, 9), Go(70, 60, 86_400, "2026-12-02")]
    nothing = [Go(0, 1, 1), Go(0, 3, 200_000, "2026-12-03")]

    assert sort_key(tally([*goes, *nothing], strategy), strategy) == sort_key(tally(goes, strategy), strategy)


def test_every_strategy_of_the_rules_prints_its_chain() -> None:
    default = rulebook.Rules.__dataclass_fields__["strategy"].default

    assert default in standing.STRATEGIES
    for strategy in standing.STRATEGIES.values():
        assert strategy.keys[0] == "points"
        assert len(strategy.chain) == len(strategy.keys) + 2  # and who shares, and who wins at an edge
        assert any("并列" in line for line in strategy.chain)


@given(st.lists(st.integers(0, 5), max_size=30))
def test_a_rank_counts_those_before(keys: list[int]) -> None:
    keys = sorted(keys)

    assert ranks(keys) == [1 + sum(other < key for other in keys) for key in keys]


@pytest.mark.parametrize(
    ("board", "at_s", "final", "shown"),
    [
        ("off", 0, False, "off"), ("off", 99, True, "off"), ("open", 0, False, "live"), ("open", 99, True, "final"),
        ("hidden", 0, False, "hidden"), ("hidden", 99, True, "final"), ("frozen", 9, False, "live"),
        ("frozen", 10, False, "frozen"), ("frozen", 10, True, "final"),
    ],
)  # fmt: skip
def test_players_see_the_board_that_was_announced(board: str, at_s: int, final: bool, shown: str) -> None:
    assert standing.stage(board, after(10), after(at_s), final=final) == shown


def test_a_frozen_board_without_a_moment_stays_live() -> None:
    assert standing.stage("frozen", None, T, final=False) == "live"


def test_every_kind_of_board_of_the_rules_has_a_stage() -> None:
    shown = {board: standing.stage(board, T, T, final=False) for board in rulebook.BOARDS}

    assert shown == {"off": "off", "open": "live", "frozen": "frozen", "hidden": "hidden"}


def board(least: int = 10, **units: tuple[int, int, int, int | None]) -> tuple[str, dict[str, Any]]:
    return unit_board(
        {
            name: (Heads(players, points, out_of), expected)
            for name, (players, points, out_of, expected) in units.items()
        },
        least,
    )


def test_units_are_ranked_by_participation_not_by_size() -> None:
    by, lines = board(big=(500, 40_000, 50_000, 5_000), small=(40, 2_000, 4_000, 50))

    assert "参与率" in by
    assert [(name, line.rank) for name, line in lines.items()] == [("small", 1), ("big", 2)]
    assert lines["big"].participation == Rate(500, 5_000)


def test_equal_participation_is_decided_by_the_mean_then_shared() -> None:
    _, lines = board(
        a=(10, 500, 1_000, 20),
        b=(10, 600, 1_000, 20),
        c=(20, 1_200, 2_000, 40),
        d=(10, 900, 1_000, 40),
    )

    assert [(name, line.rank) for name, line in lines.items()] == [("b", 1), ("c", 1), ("a", 3), ("d", 4)]


def test_rates_are_rounded_down_before_they_are_compared() -> None:
    _, lines = board(a=(33_333, 0, 100, 100_000), b=(33_339, 0, 100, 100_000))

    assert (lines["a"].rank, lines["b"].rank) == (1, 1)
    assert (lines["a"].participation.permyriad, lines["b"].participation.text) == (3333, "33.3%")


def test_a_unit_below_the_least_number_is_shown_and_not_ranked() -> None:
    _, lines = board(10, ten=(10, 5, 10, 100), nine=(9, 9, 10, 10))

    assert (lines["ten"].rank, lines["nine"].rank) == (1, None)
    assert lines["nine"].participation == Rate(9, 10)


@pytest.mark.parametrize(("players", "hidden"), [(0, False), (1, True), (4, True), (5, False)])
def test_fewer_than_five_players_are_hidden(players: int, hidden: bool) -> None:
    _, lines = board(1, unit=(players, players, 10 * players, 8))

    assert (lines["unit"].heads is None) == hidden
    assert (lines["unit"].participation is None) == hidden
    if hidden:
        assert (lines["unit"].rank, lines["unit"].mean) == (None, None)


def test_without_head_counts_the_mean_decides() -> None:
    by, lines = board(a=(10, 500, 1_000, None), b=(10, 600, 1_000, None))

    assert "平均得分率" in by
    assert [(name, line.rank, line.participation) for name, line in lines.items()] == [
        ("b", 1, None),
        ("a", 2, None),
    ]


def test_a_unit_without_a_head_count_is_not_ranked_among_those_with_one() -> None:
    _, lines = board(a=(10, 500, 1_000, 20), b=(10, 1_000, 1_000, None))

    assert (lines["a"].rank, lines["b"].rank) == (1, None)
    assert lines["b"].mean == Rate(1_000, 1_000)


def test_heads_are_summed_and_the_rate_follows() -> None:
    together = Heads(10, 900, 1_000) + Heads(90, 900, 9_000)

    assert together == Heads(100, 1_800, 10_000)
    assert standing.Line(None, together, None).mean == Rate(
        1_800, 10_000
    )  # the mean of the means would be 50 %


def test_nobody_has_no_mean() -> None:
    assert standing.Line(None, Heads(), 10).mean is None
