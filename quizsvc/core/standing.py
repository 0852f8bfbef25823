"""Standing of a contest: goes into a tally, tallies into shared ranks, heads of units into boards."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar

from quizsvc.core.indicators import Rate, hidden_small

Key = TypeVar("Key", bound=Hashable)


class Go(Protocol):
    """One go that has been handed in and is not void, whatever else it carries.

    period: the day in China on which it began, or "round"
    score, out_of: points, 0 <= score <= out_of
    used_s: seconds between start and end by the server's clock, >= 0
    submitted_at: aware
    """

    @property
    def period(self) -> str: ...  # noqa: D102 the class says it
    @property
    def score(self) -> int: ...  # noqa: D102
    @property
    def out_of(self) -> int: ...  # noqa: D102
    @property
    def used_s(self) -> int: ...  # noqa: D102
    @property
    def submitted_at(self) -> datetime: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Tally:
    """What a player has reached.

    points, out_of: of the go that counts, or summed over the days, 0 <= points <= out_of
    used_s: seconds of what brought the points, >= 0
    reached_at: aware, whole seconds; when the points were complete
    """

    points: int
    out_of: int
    used_s: int
    reached_at: datetime


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to order players.

    name: zh-CN
    chain: zh-CN, what decides first, second and so on, as it is printed under the board
    keys: the fields of a tally that decide, in the same order; points fall, everything else rises
    """

    name: str
    chain: tuple[str, ...]
    keys: tuple[str, ...]


_SHARED: Final = "都一样的名次并列，后面的名次照人数往后排（1、1、3）"
_EDGE: Final = "按名次发的奖如果正好在并列处不够分，按参赛编号从小到大取"

STRATEGIES: Final[Mapping[str, Strategy]] = {
    "best": Strategy(
        "最好的一次",
        (
            "比最好的一次得分，高的在前",
            "得分一样，那一次用时少的在前（服务器计时，到秒）",
            "用时也一样，交卷早的在前（到秒）",
            _SHARED,
            _EDGE,
        ),
        ("points", "used_s", "reached_at"),
    ),
    "score": Strategy(
        "最高得分",
        ("比最好的一次得分，高的在前，不比快慢", _SHARED, _EDGE),
        ("points",),
    ),
    "daily_sum": Strategy(
        "每天最好的一次相加",
        (
            "每天取最好的一次，得分相加，高的在前",
            "合计一样，这几次用时加起来少的在前（服务器计时，到秒）",
            "用时也一样，先达到这个合计的在前（到秒）",
            _SHARED,
            _EDGE,
        ),
        ("points", "used_s", "reached_at"),
    ),
}
"""Name in the rules -> how players are ordered."""


LIVE: Final = "live"
FROZEN: Final = "frozen"
FINAL: Final = "final"
OFF: Final = "off"
HIDDEN: Final = "hidden"


def stage(board: str, freezes_at: datetime | None, at: datetime, *, final: bool) -> str:
    """Tell which board players see.

    board: a key of core.rulebook.BOARDS
    freezes_at: aware; when a frozen board stops
    at: aware
    final: whether the final board is there
    return: OFF for good when none was announced, FINAL as soon as it is there; before, HIDDEN when it was announced
        so, FROZEN from its moment on, else LIVE
    Source: features.md F-044
    """
    if board == "off":
        return OFF
    if final:
        return FINAL
    if board == "hidden":
        return HIDDEN
    return FROZEN if board == "frozen" and freezes_at is not None and at >= freezes_at else LIVE


def tally(goes: Sequence[Go], strategy: str) -> Tally:
    """Sum up what a player has reached.

    goes: of one player, in any order, at least one
    strategy: a key of STRATEGIES
    return: of the best go (more points, then less time, then earlier); "daily_sum" adds the best go of each period,
        and a day without a point takes no time and completes nothing
    raise ValueError: there are no goes
    raise KeyError: there is no such strategy
    Source: features.md F-043
    """
    STRATEGIES[strategy]
    if strategy != "daily_sum":
        return _of(min(goes, key=_quality))
    days: dict[str, Go] = {}
    for go in goes:
        days[go.period] = min(days.get(go.period, go), go, key=_quality)
    scored = [go for go in days.values() if go.score]
    if not scored:
        best = _of(min(goes, key=_quality))
        return Tally(0, sum(go.out_of for go in days.values()), best.used_s, best.reached_at)
    return Tally(
        points=sum(go.score for go in scored),
        out_of=sum(go.out_of for go in days.values()),
        used_s=sum(go.used_s for go in scored),
        reached_at=max(_second(go.submitted_at) for go in scored),
    )


def sort_key(reached: Tally, strategy: str) -> tuple[Any, ...]:
    """Make what a player is ordered by; equal keys share a rank.

    reached: of the player
    strategy: a key of STRATEGIES
    return: ascending is better
    raise KeyError: there is no such strategy
    """
    return tuple(
        -reached.points if key == "points" else getattr(reached, key) for key in STRATEGIES[strategy].keys
    )


def ranks(keys: Iterable[Hashable]) -> list[int]:
    """Give ranks to players in order: those with equal keys share one, and the next rank counts them all.

    keys: of all players from the first on, equal ones beside each other
    return: as many ranks, from 1

    >>> ranks("aabcc")
    [1, 1, 3, 4, 4]
    """
    given: list[int] = []
    before: Hashable = None
    for place, key in enumerate(keys, 1):
        given.append(given[-1] if given and key == before else place)
        before = key
    return given


def ranked(players: Mapping[str, Tally], strategy: str) -> list[tuple[int, str]]:
    """Order players for prizes that go by rank.

    players: tally by entry id
    strategy: a key of STRATEGIES
    return: (shared rank, entry id) of everybody with a point, best first; among equals the lower entry id first, so
        that a prize at the edge of a shared rank has one owner
    raise KeyError: there is no such strategy
    Source: docs/algorithms/standing.md
    """
    order = sorted(
        (sort_key(reached, strategy), entry_id) for entry_id, reached in players.items() if reached.points
    )
    return list(zip(ranks(key for key, _ in order), (entry_id for _, entry_id in order), strict=True))


@dataclass(frozen=True, slots=True)
class Heads:
    """Players of a unit, and what they have reached together; the only thing that is summed.

    players: >= 0
    points, out_of: summed over their tallies, 0 <= points <= out_of
    """

    players: int = 0
    points: int = 0
    out_of: int = 0

    def __add__(self, other: "Heads") -> "Heads":
        """Add heads to heads."""
        return Heads(self.players + other.players, self.points + other.points, self.out_of + other.out_of)


@dataclass(frozen=True, slots=True)
class Line:
    """A unit on a board.

    rank: shared; None for a unit that is not ranked
    heads: its players; None when they are so few that they are hidden
    expected: its head-count, None without one
    """

    rank: int | None
    heads: Heads | None
    expected: int | None

    @property
    def participation(self) -> Rate | None:
        """Tell what share of the head-count plays.

        return: players of expected, rounded down when shown; None without a head-count, or hidden
        """
        if self.heads is None or not self.expected:
            return None
        return Rate(self.heads.players, self.expected)

    @property
    def mean(self) -> Rate | None:
        """Tell the mean as a share of the points.

        return: points of out_of; None when nobody plays, or hidden
        """
        return Rate(self.heads.points, self.heads.out_of) if self.heads and self.heads.out_of else None


@dataclass(frozen=True, slots=True)
class _Place:
    by: str
    keys: Callable[[Line], tuple[int, ...]] = field(repr=False)


BY_RATE: Final = _Place(
    "按参与率（参赛人数 ÷ 应参加人数）从高到低，一样的比平均得分率",
    lambda line: (-_permyriad(line.participation), -_permyriad(line.mean)),
)
BY_MEAN: Final = _Place("按平均得分率（得分合计 ÷ 满分合计）从高到低", lambda line: (-_permyriad(line.mean),))


def unit_board(units: Mapping[Key, tuple[Heads, int | None]], least: int) -> tuple[str, dict[Key, Line]]:
    """Rank units that share nobody.

    units: heads and head-count (None without one) of each
    least: so many players a unit needs to be ranked, >= 1
    return: zh-CN what decides, and the units, ranked ones first; one with 1 to 4 players is hidden. By participation
        as soon as one unit has a head-count, and then those without one are not ranked; else by the mean
    Source: features.md F-045, ux.md 4.4

    >>> unit_board({"a": (Heads(40, 300, 400), 80), "b": (Heads(40, 200, 400), 50)}, 30)[1]["b"].rank
    1
    """
    how = BY_RATE if any(expected for _, expected in units.values()) else BY_MEAN
    lines = {
        key: Line(None, None if hidden_small(heads.players) else heads, expected)
        for key, (heads, expected) in units.items()
    }
    fit = sorted(
        (how.keys(line), place) for place, line in enumerate(lines.values()) if _fits(line, least, how)
    )
    names = list(lines)
    order = [names[place] for _, place in fit]
    board = {
        key: Line(rank, lines[key].heads, lines[key].expected)
        for key, rank in zip(order, ranks(key for key, _ in fit), strict=True)
    }
    return how.by, board | {key: line for key, line in lines.items() if key not in board}


def _fits(line: Line, least: int, how: _Place) -> bool:
    if line.heads is None or line.heads.players < least:
        return False
    return how is BY_MEAN or line.participation is not None


def _permyriad(rate: Rate | None) -> int:
    return (rate and rate.permyriad) or 0


def _quality(go: Go) -> tuple[int, int, datetime]:
    return -go.score, go.used_s, go.submitted_at


def _of(go: Go) -> Tally:
    return Tally(go.score, go.out_of, go.used_s, _second(go.submitted_at))


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
