"""Reads of a contest: standing, counts, boards, who is flagged and excluded."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt, Late, Participant, Player
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.contest.models import Appeal, Board, Flag, Progress, Ruling, Score
from quizsvc.core import integrity, readingtime, window
from quizsvc.core import standing as order
from quizsvc.core.indicators import Rate
from quizsvc.core.masking import masked_nickname
from quizsvc.db import UtcDateTime, db, paths_to
from quizsvc.link.queries import SCHOOLS
from quizsvc.paper import queries as paper
from quizsvc.rollup.queries import utc_hour
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Unit
from quizsvc.rulebook import queries as rulebook

OVERLAP: Final = timedelta(seconds=60)
"""A go may be committed this much later than the moment it carries; so much is looked at again."""

CLEARED: Final = "cleared"
EXCLUDED: Final = "excluded"
RESTORED: Final = "restored"

BATCH: Final = 500
MOST_TOUCHED: Final = 1_000_000
A_DAY: Final = timedelta(days=1)
COUNTED_FOR: Final = timedelta(days=31)
"""So long after the end a contest is looked after: appeals, late answers and goes voided since."""


@dataclass(frozen=True, slots=True)
class Rank:
    """A player in the standing."""

    rank: int
    participant_id: int
    entry_id: str
    points: int
    used_s: int
    reached_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """Heads of a contest; `qualified` have reached the first step of the rules in one go and are not excluded."""

    players: int
    goes: int
    qualified: int
    flagged: int
    excluded: int


def excluded_ids(round_id: int | InstrumentedAttribute[int]) -> Select[int]:
    """Select the participants whose last ruling excludes them."""
    later = aliased(Ruling, name="later")
    after = exists().where(later.participant_id == Ruling.participant_id, later.id > Ruling.id)
    return select(Ruling.participant_id).where(
        Ruling.round_id == round_id, Ruling.verdict == EXCLUDED, ~after
    )


def excluded(round_id: int) -> frozenset[int]:
    """Return the participants who are excluded at present (1 statement)."""
    return frozenset(db.session.scalars(excluded_ids(round_id)))


def unruled(round_id: int) -> Sequence[ColumnElement[bool]]:
    """Tell, over Flag, which flags nobody has ruled on since they were found."""
    ruled = exists().where(Ruling.participant_id == Flag.participant_id, Ruling.at >= Flag.found_at)
    return Flag.round_id == round_id, ~ruled


def pending(round_id: int) -> int:
    """Count the flagged players nobody has ruled on since (1 statement)."""
    heads = select(func.count(Flag.participant_id.distinct())).where(*unruled(round_id))
    return db.session.execute(heads).scalar_one()


def open_appeals(round_id: int) -> int:
    """Count the appeals that wait for an answer (1 statement)."""
    waiting = select(func.count()).where(Appeal.round_id == round_id, Appeal.answered_at.is_(None))
    return db.session.execute(waiting).scalar_one()


def settled(round_id: int, at: datetime) -> bool:
    """Say whether the scores hold all that was handed in or voided until then, on its way or not (2 statements)."""
    seen_until = db.session.execute(
        select(Progress.seen_until).where(Progress.round_id == round_id)
    ).scalar_one_or_none()
    if seen_until is None:
        return False
    since = seen_until - OVERLAP
    unseen = or_(Attempt.submitted_at.between(since, at), Attempt.voided_at.between(since, at))
    left = select(exists().where(Attempt.round_id == round_id, unseen))
    return not db.session.execute(left).scalar_one()


def entries(round_id: int, at_least: int) -> list[str]:
    """List the entry ids that reached a step (1/100 %) in one go, sorted, without the excluded (1 statement)."""
    found = db.session.scalars(
        select(Player.entry_id)
        .join(Score, Score.participant_id == Player.participant_id)
        .where(
            Score.round_id == round_id,
            Score.best_permyriad >= at_least,
            Score.participant_id.not_in(excluded_ids(round_id)),
        )
    )
    return sorted(found)


def standing(round_id: int, limit: int) -> list[Rank]:
    """List the best players with a point by the rules, shared ranks, the excluded left out (2 statements)."""
    strategy = strategy_of(rulebook.in_force(round_id))
    rows = db.session.execute(
        select(Score.participant_id, Player.entry_id, Score.points, Score.used_s, Score.reached_at)
        .join(Player, Player.participant_id == Score.participant_id)
        .where(*ranked_scores(round_id))
        .order_by(*ordering(strategy), Player.entry_id)
        .limit(limit)
    ).all()
    keys = [tuple(getattr(row, key) for key in order.STRATEGIES[strategy].keys) for row in rows]
    return [Rank(rank, *row) for rank, row in zip(order.ranks(keys), rows, strict=True)]


def counts(round_id: int) -> Counts:
    """Count the heads of a contest (4 statements)."""
    least = least_of(rulebook.in_force(round_id))
    out = Score.participant_id.in_(excluded_ids(round_id))
    players, goes, qualified = db.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Score.goes), 0),
            func.count().filter(Score.best_permyriad >= least, ~out),
        ).where(Score.round_id == round_id)
    ).one()
    flagged = db.session.execute(
        select(func.count(Flag.participant_id.distinct())).where(Flag.round_id == round_id)
    ).scalar_one()
    return Counts(players, int(goes), qualified, flagged, len(excluded(round_id)))


def strategy_of(version: rulebook.VersionRow | None) -> str:
    """Name the strategy of the rules; without rules nobody plays, and any would do."""
    return version.rules.strategy if version else "best"


def least_of(version: rulebook.VersionRow | None) -> int:
    """Return the first step of the rules, in 1/100 percent."""
    return next(iter(version.rules.qualifies if version else ()), 10000)


def ranked_scores(round_id: int) -> Sequence[ColumnElement[bool]]:
    """Tell, over Score, who is ranked: with a point, not excluded."""
    return (
        Score.round_id == round_id,
        Score.points > 0,
        Score.participant_id.not_in(excluded_ids(round_id)),
    )


def ordering(strategy: str) -> list[ColumnElement[Any]]:
    """Write the order of a strategy in SQL, as core.standing.sort_key has it."""
    return [
        Score.points.desc() if key == "points" else getattr(Score, key)
        for key in order.STRATEGIES[strategy].keys
    ]


@dataclass(frozen=True, slots=True)
class Looked:
    """How far the scores of a round follow its goes."""

    seen_until: datetime
    looked_until: datetime
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """A contest whose scores are to be kept, with what is announced about it."""

    round: RoundRow
    version: rulebook.VersionRow

    @property
    def over_at(self) -> datetime:
        """From when on nothing can be handed in any more, late or not."""
        waits_s = window.GRACE_S + (window.LATE_S if self.round.late == "accept_flagged" else 0)
        return self.round.closes_at + timedelta(seconds=waits_s)

    @property
    def names(self) -> bool:
        """Say whether single players may stand on a board: never minors, never pupils behind seats."""
        return self.round.is_public and not self.version.rules.minors


def progress(round_id: int) -> Looked | None:
    """Tell how far the scores are, None before the first count (1 statement)."""
    row = db.session.execute(
        select(Progress.seen_until, Progress.looked_until, Progress.counted_at).where(
            Progress.round_id == round_id
        )
    ).one_or_none()
    return None if row is None else Looked(*row)


def contest_of(round_: RoundRow, at: datetime | None = None) -> Open | None:
    """Return an announced contest, None where there is none (1 statement)."""
    version = rulebook.in_force(round_.id, at) if round_.is_contest else None
    return None if version is None else Open(round_, version)


def to_count(at: datetime) -> list[int]:
    """List the announced contests that have begun and are not over for more than a month (1 statement)."""
    rows = db.session.scalars(
        select(Round.id)
        .where(
            Round.kind == rulebook.CONTEST,
            rulebook.RELEASED,
            Round.opens_at <= at,
            Round.closes_at > at - COUNTED_FOR,
        )
        .order_by(Round.id)
    )
    return list(rows)


def held_up(round_id: int) -> datetime | None:
    """Return the earliest moment a go that is still open may be said to have ended at; None without one (1 statement).

    The sweeper hands in what the clock has ended, and dates it back to its deadline.
    """
    ends_at = func.coalesce(Attempt.limit_ends_at, Round.closes_at)
    earliest, closes_at = db.session.execute(
        select(func.min(ends_at, type_=UtcDateTime), func.min(Round.closes_at, type_=UtcDateTime))
        .select_from(Attempt)
        .join(Round, Round.id == Attempt.round_id)
        .where(Attempt.round_id == round_id, Attempt.submitted_at.is_(None), Attempt.voided_at.is_(None))
    ).one()
    return min(earliest, closes_at) if earliest else None


def touched(round_id: int, since: datetime) -> list[int]:
    """List the participants whose goes have changed since a moment (2 statements)."""
    moved = {one.participant_id for one in attempt.goes_since(round_id, since, MOST_TOUCHED)}
    accepted = db.session.scalars(
        select(Attempt.participant_id)
        .join(Late, Late.attempt_id == Attempt.id)
        .where(Attempt.round_id == round_id, Late.accepted_at >= since)
    )
    return sorted(moved.union(accepted))


def participants_after(round_id: int, participant_id: int, limit: int) -> list[int]:
    """List the next participants of a round by number (1 statement)."""
    rows = db.session.scalars(
        select(Participant.id)
        .where(Participant.round_id == round_id, Participant.id > participant_id)
        .order_by(Participant.id)
        .limit(limit)
    )
    return list(rows)


@dataclass(frozen=True, slots=True)
class CountedGo:
    """A go as the scores need it."""

    period: str
    score: int
    out_of: int
    used_s: int
    items: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """A player with the goes that stand."""

    participant_id: int
    unit_id: int
    place_id: int | None
    trade_id: int | None
    goes: tuple[CountedGo, ...]


def counted(round_id: int, participant_ids: Sequence[int], until: datetime | None) -> list[Counted]:
    """Return players with their goes, those handed in until a moment or all; some have none (2 statements)."""
    in_time = Attempt.submitted_at.is_not(None) if until is None else Attempt.submitted_at <= until
    goes: dict[int, list[CountedGo]] = {}
    for row in db.session.execute(
        select(
            Attempt.participant_id, Attempt.period, Attempt.score, Attempt.out_of, Attempt.started_at,
            Attempt.submitted_at, Attempt.form,
        )
        .where(
            Attempt.round_id == round_id, Attempt.participant_id.in_(participant_ids),
            in_time, Attempt.voided_at.is_(None),
        )
    ):  # fmt: skip
        used_s = (row.submitted_at - row.started_at) // timedelta(seconds=1)
        goes.setdefault(row.participant_id, []).append(
            CountedGo(row.period, row.score, row.out_of, used_s, len(row.form), row.submitted_at)
        )
    people = db.session.execute(
        select(Participant.id, Participant.unit_id, Player.place_id, Player.trade_id)
        .outerjoin(Player, Player.participant_id == Participant.id)
        .where(Participant.id.in_(participant_ids))
        .order_by(Participant.id)
    )
    return [Counted(*row, goes=tuple(goes.get(row.id, ()))) for row in people]


def floor_s(round_id: int) -> int:
    """Say how many seconds an item of the round takes at the least: of its quickest paper (2 statements, then 1)."""
    ids = {campaign.round_of(round_id).paper_id, *campaign.round_papers(round_id).values()}
    return min(_paper_floor_s(paper.frozen(paper_id)) for paper_id in ids)


def _paper_floor_s(frozen: paper.FrozenPaper) -> int:
    return integrity.floor_s(readingtime.item_seconds(one.item, one.item.audiences) for one in frozen.items)


def flags_of(participant_ids: Sequence[int], kind: str) -> dict[int, dict[str, Any]]:
    """Return the details of one kind of flag on some participants (1 statement)."""
    rows = db.session.execute(
        select(Flag.participant_id, Flag.detail).where(
            Flag.participant_id.in_(participant_ids), Flag.kind == kind
        )
    )
    return {row.participant_id: row.detail for row in rows}


def seen_in(round_id: int, begins: datetime) -> dict[str, dict[int, dict[str, int]]]:
    """Look for signs among the goes of one tile: kind -> participant -> figures (up to 5 statements, twins apart)."""
    ends = begins + integrity.TILE
    in_tile = (Attempt.submitted_at >= begins, Attempt.submitted_at < ends, Attempt.voided_at.is_(None))
    goes = db.session.execute(
        select(
            Attempt.participant_id,
            Attempt.unit_id,
            Attempt.score,
            Attempt.out_of,
        ).where(Attempt.round_id == round_id, *in_tile)
    ).all()
    if not goes:
        return {}
    alike = integrity.alike(_answered(round_id, goes, begins, ends))
    shared = integrity.shared(_phones(round_id, ends))
    rushed = integrity.bursts(*_joined(round_id, begins, ends))
    return {
        "same_answers": {one: {"players": players} for one, players in alike.items()},
        "same_device": {one: {"players": players} for one, players in shared.items()},
        "burst": {one: {"joined": joined, "usual": usual} for one, (joined, usual) in rushed.items()},
    }


def next_tile(round_id: int, begins: datetime) -> datetime | None:
    """Return the beginning of the next tile with a go handed in, None when there is none (1 statement)."""
    first = db.session.execute(
        select(func.min(Attempt.submitted_at, type_=UtcDateTime)).where(
            Attempt.round_id == round_id, Attempt.submitted_at >= begins, Attempt.voided_at.is_(None)
        )
    ).scalar_one()
    return None if first is None else integrity.tile_of(first)


def _answered(
    round_id: int, goes: Sequence[Row[*tuple[Any, ...]]], begins: datetime, ends: datetime
) -> list[integrity.Answered]:
    """Of the good goes with a mistake, return those that may have a twin: same unit, same points."""
    twins: dict[tuple[int, int, int], set[int]] = {}
    for go in goes:
        if go.score < go.out_of and integrity.good(go.score, go.out_of):
            twins.setdefault((go.unit_id, go.score, go.out_of), set()).add(go.participant_id)
    ids = sorted(
        {one for players in twins.values() if len(players) >= integrity.MANY_ALIKE for one in players}
    )
    found = []
    for start in range(0, len(ids), BATCH):
        for player, theirs in attempt.contest_goes(round_id, ids[start : start + BATCH]).items():
            found += [
                integrity.Answered(player, go.unit_id, go.answers_hash, go.submitted_at)
                for go in theirs
                if begins <= go.submitted_at < ends
                and go.score < go.out_of
                and integrity.good(go.score, go.out_of)
                and go.answers_hash
            ]
    return found


def _phones(round_id: int, ends: datetime) -> list[tuple[str, int]]:
    """List who handed in from a phone that several players used within a day."""
    of_day = (
        Attempt.round_id == round_id,
        Attempt.submitted_at >= ends - A_DAY,
        Attempt.submitted_at < ends,
        Attempt.voided_at.is_(None),
        Attempt.device_hash.is_not(None),
    )
    several = func.count(Attempt.participant_id.distinct()) >= integrity.MANY_PLAYERS
    phones = select(Attempt.device_hash).where(*of_day).group_by(Attempt.device_hash).having(several)
    rows = db.session.execute(
        select(Attempt.device_hash, Attempt.participant_id)
        .where(*of_day, Attempt.device_hash.in_(phones))
        .distinct()
    )
    return [(row.device_hash or "", row.participant_id) for row in rows]


def _joined(
    round_id: int, begins: datetime, ends: datetime
) -> tuple[list[integrity.Joined], dict[int, Fraction]]:
    """Return who joined behind which link in each minute of a tile, and what is usual there."""
    # not one join: the database would pair everybody of the tile with everybody
    joined_at = {
        row.participant_id: row.joined_at
        for row in db.session.execute(
            select(Player.participant_id, Player.joined_at).where(
                Player.round_id == round_id, Player.joined_at >= begins, Player.joined_at < ends
            )
        )
    }
    minutes: dict[tuple[int, datetime], set[int]] = {}
    for row in db.session.execute(
        select(Attempt.link_id, Attempt.participant_id).where(
            Attempt.round_id == round_id, Attempt.started_at >= begins, Attempt.started_at < ends
        )
    ):
        if row.participant_id in joined_at:
            minute = joined_at[row.participant_id].replace(second=0, microsecond=0)
            minutes.setdefault((row.link_id, minute), set()).add(row.participant_id)
    full = {key: players for key, players in minutes.items() if len(players) >= integrity.MANY_JOINS}
    if not full:
        return [], {}
    past = db.session.execute(
        select(
            Attempt.link_id,
            func.count(Attempt.participant_id.distinct()).label("players"),
            func.count(utc_hour(Attempt.started_at).distinct()).label("hours"),
        )
        .where(
            Attempt.round_id == round_id,
            Attempt.link_id.in_({link for link, _ in full}),
            Attempt.started_at < begins,
        )
        .group_by(Attempt.link_id)
    )
    usual = {row.link_id: Fraction(row.players, 60 * row.hours) for row in past}
    return [
        integrity.Joined(link, minute, tuple(sorted(players)))
        for (link, minute), players in sorted(full.items())
    ], usual


TOP: Final = 50
CLEAN, FLAGGED, OUT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A board as it was kept."""

    stage: str
    as_of: datetime
    body: dict[str, Any]


def board(round_id: int, stage: str) -> BoardRow | None:
    """Return a kept board (1 statement)."""
    row = db.session.execute(
        select(Board.stage, Board.as_of, Board.body).where(Board.round_id == round_id, Board.stage == stage)
    ).one_or_none()
    return None if row is None else BoardRow(*row)


def boards(round_id: int) -> dict[str, datetime]:
    """Tell which boards are kept, and as of when (1 statement)."""
    rows = db.session.execute(select(Board.stage, Board.as_of).where(Board.round_id == round_id))
    return {row.stage: row.as_of for row in rows}


def decided_at(round_id: int) -> datetime | None:
    """Return when somebody was last ruled on, or flagged (1 statement)."""
    ruled = select(func.max(Ruling.at, type_=UtcDateTime)).where(Ruling.round_id == round_id)
    found = select(func.max(Flag.found_at, type_=UtcDateTime)).where(Flag.round_id == round_id)
    moments = db.session.execute(select(ruled.scalar_subquery(), found.scalar_subquery())).one()
    return max((moment for moment in moments if moment), default=None)


def suspects(round_id: int) -> Select[int]:
    """Select the participants with a flag that nobody has cleared since."""
    cleared = exists().where(
        Ruling.participant_id == Flag.participant_id,
        Ruling.at >= Flag.found_at,
        Ruling.verdict != EXCLUDED,
    )
    return select(Flag.participant_id).where(Flag.round_id == round_id, ~cleared)


def body_of(contest: Open) -> dict[str, Any]:
    """Put a board together from the scores as they are: one pass over them, and the first fifty players."""
    round_id, rules = contest.round.id, contest.version.rules
    rows = _groups(contest)
    figures = {
        "all": _sum(rows),
        "counted": _sum(row for row in rows if row.state != OUT),
        "clean": _sum(row for row in rows if row.state == CLEAN),
    }
    counted_rows = [row for row in rows if row.state != OUT]
    trees = {
        "按地区": (contest.round.place_root_id, "place_id"),
        "按行业": (contest.round.trade_root_id, "trade_id"),
    }
    found = [
        _tree_board(contest, name, root_id, column, counted_rows)
        for name, (root_id, column) in trees.items()
        if root_id is not None
    ]
    if not found:
        found = [_unit_board(contest, counted_rows)]
    return {
        "version": contest.version.number,
        "strategy": rules.strategy,
        "figures": figures,
        "boards": found,
        "leaders": leaders(round_id) if contest.names else [],
        "worst": [],
    }


def _groups(contest: Open) -> Sequence[Row[*tuple[Any, ...]]]:
    state = case(
        (Score.participant_id.in_(excluded_ids(contest.round.id)), OUT),
        (Score.participant_id.in_(suspects(contest.round.id)), FLAGGED),
        else_=CLEAN,
    ).label("state")
    by_unit = contest.round.place_root_id is None and contest.round.trade_root_id is None
    unit_id = Score.unit_id if by_unit else null()
    return db.session.execute(
        select(
            state,
            Score.place_id,
            Score.trade_id,
            unit_id.label("unit_id"),
            func.count().label("players"),
            func.sum(Score.goes).label("goes"),
            func.count().filter(Score.best_permyriad >= least_of(contest.version)).label("qualified"),
            func.sum(Score.points).label("points"),
            func.sum(Score.out_of).label("out_of"),
        )
        .where(Score.round_id == contest.round.id)
        .group_by(state, Score.place_id, Score.trade_id, *([Score.unit_id] if by_unit else []))
    ).all()


_FIGURES: Final = ("players", "goes", "qualified", "points", "out_of")


def _sum(rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[str, int]:
    sums = dict.fromkeys(_FIGURES, 0)
    for row in rows:
        for name in _FIGURES:
            sums[name] += int(getattr(row, name))
    return sums


def _heads(rows: Iterable[Row[*tuple[Any, ...]]], column: str) -> dict[int, order.Heads]:
    heads: dict[int, order.Heads] = {}
    for row in rows:
        unit_id = getattr(row, column)
        if unit_id is not None:
            heads[unit_id] = heads.get(unit_id, order.Heads()) + order.Heads(
                int(row.players), int(row.points), int(row.out_of)
            )
    return heads


def _tree_board(
    contest: Open, name: str, root_id: int, column: str, rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[str, Any]:
    """Rank what lies right under a root; everything below counts towards it."""
    under = roster.under(roster.unit(root_id).path)
    # where the trades lie within the places, they are none
    units = [one for one in under if one.parent_id == root_id and one.id != contest.round.trade_root_id]
    units.sort(key=lambda one: (one.position, one.name, one.id))
    paths = {one.id: one.path for one in under}
    expected: Counter[int] = Counter()
    for unit_id, heads in _expected(contest, roster.unit(root_id).path).items():
        expected.update({one.id: heads for one in units if paths[unit_id].startswith(one.path)})
    return _written(contest, name, {one.id: one.name for one in units}, _heads(rows, column), expected)


def _unit_board(contest: Open, rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, Any]:
    """Rank the units whose links were used."""
    heads = _heads(rows, "unit_id")
    names = _long_names(roster.units(heads).values())
    expected = _expected(contest, contest.round.campaign_unit_path)
    return _written(contest, "按单位", names, heads, expected)


def _expected(contest: Open, path: str) -> dict[int, int]:
    found = roster.expected_by_unit(path, contest.round.term, contest.round.frozen_at)
    return {unit_id: max(heads.expected - heads.exempt, 0) for unit_id, heads in found.items()}


def _long_names(units: Iterable[roster.UnitRow]) -> dict[int, str]:
    """Name units by their path, classes with their school."""
    rows = sorted(units, key=lambda one: one.path)
    above = {
        one.path: one
        for one in roster.at_paths({path for row in rows for path in paths_to(row.path)[:-1]})
        if one.kind in SCHOOLS
    }
    return {
        row.id: " ".join([*(above[path].name for path in paths_to(row.path)[:-1] if path in above), row.name])
        for row in rows
    }


def _written(
    contest: Open,
    name: str,
    names: Mapping[int, str],
    heads: Mapping[int, order.Heads],
    expected: Mapping[int, int],
) -> dict[str, Any]:
    by, lines = order.unit_board(
        {one: (heads.get(one, order.Heads()), expected.get(one)) for one in names},
        contest.version.rules.board_least,
    )
    shown = [(names[one], line) for one, line in lines.items() if line.heads and line.heads.players]
    return {
        "name": name,
        "by": by,
        "rated": any(expected.get(one) for one in names),
        "least": contest.version.rules.board_least,
        "hidden": sum(line.heads is None for line in lines.values()),
        "lines": [
            {
                "name": unit_name,
                "rank": line.rank,
                "expected": line.expected,
                "players": line.heads.players,
                "points": line.heads.points,
                "out_of": line.heads.out_of,
            }
            for unit_name, line in shown
            if line.heads
        ],
    }


def leaders(round_id: int) -> list[dict[str, Any]]:
    """Write the first fifty players as everybody may see them: a masked nickname, their units (4 statements)."""
    best = standing(round_id, TOP)
    players = attempt.players(round_id, [one.participant_id for one in best])
    units = roster.units(
        unit_id for one in players.values() for unit_id in (one.place_id, one.trade_id) if unit_id is not None
    )
    return [
        {
            "rank": one.rank,
            "name": masked_nickname(players[one.participant_id].nickname),
            "units": [
                units[unit_id].name
                for unit_id in (players[one.participant_id].place_id, players[one.participant_id].trade_id)
                if unit_id is not None
            ],
            "points": one.points,
            "used_s": one.used_s,
        }
        for one in best
        if one.participant_id in players
    ]


def own_rank(contest: Open, participant_id: int) -> int | None:
    """Return the shared rank of a player as of now; None without a point, or excluded (2 statements)."""
    round_id, strategy = contest.round.id, contest.version.rules.strategy
    mine = db.session.execute(
        select(Score.points, Score.used_s, Score.reached_at).where(
            Score.participant_id == participant_id, *ranked_scores(round_id)
        )
    ).one_or_none()
    if mine is None:
        return None
    better: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key in order.STRATEGIES[strategy].keys:
        column, value = getattr(Score, key), getattr(mine, key)
        better.append(and_(*equal, column > value if key == "points" else column < value))
        equal.append(column == value)
    ahead = select(func.count()).where(*ranked_scores(round_id), or_(*better))
    return int(db.session.execute(ahead).scalar_one()) + 1


@dataclass(frozen=True, slots=True)
class RulingRow:
    """What somebody decided about a player, and the appeal against it."""

    id: int
    round_id: int
    participant_id: int
    verdict: str
    cause: str
    reason: str
    at: datetime
    by: str
    appeal: str | None
    appealed_at: datetime | None
    answer: str
    answered_at: datetime | None
    answered_by: str | None


def rulings(round_id: int, participant_id: int) -> list[RulingRow]:
    """List the rulings on a player, oldest first (1 statement)."""
    rows: Iterable[Row[*tuple[Any, ...]]] = db.session.execute(
        select(
            Ruling.id, Ruling.round_id, Ruling.participant_id, Ruling.verdict, Ruling.cause, Ruling.reason,
            Ruling.at, Ruling.by,
            Appeal.words, Appeal.at.label("appealed_at"), func.coalesce(Appeal.answer, "").label("answer"),
            Appeal.answered_at, Appeal.answered_by,
        )
        .outerjoin(Appeal, Appeal.ruling_id == Ruling.id)
        .where(Ruling.round_id == round_id, Ruling.participant_id == participant_id)
        .order_by(Ruling.id)
    )  # fmt: skip
    return [RulingRow(*row) for row in rows]


def clearable(round_id: int, participant_ids: Sequence[int]) -> list[int]:
    """List those of some players who wait to be looked at and are not excluded (1 statement)."""
    rows = db.session.scalars(
        select(Flag.participant_id)
        .distinct()
        .where(
            *unruled(round_id),
            Flag.participant_id.in_(participant_ids),
            Flag.participant_id.not_in(excluded_ids(round_id)),
        )
        .order_by(Flag.participant_id)
    )
    return list(rows)


def is_out(round_id: int, participant_id: int) -> bool:
    """Say whether the last ruling excludes a player (1 statement)."""
    made = rulings(round_id, participant_id)
    return bool(made) and made[-1].verdict == EXCLUDED


def erase_on(round_id: int) -> date:
    """Return the day on which what is kept of the players goes (1 statement)."""
    return campaign.round_of(round_id).erase_on


def remembered(round_id: int) -> CompoundSelect[int]:
    """Select the participants of a round of whom a score, a flag or a ruling is kept."""
    return union(
        *(select(table.participant_id).where(table.round_id == round_id) for table in (Score, Flag, Ruling))
    )


PAGE: Final = 50
WORST_OF: Final = 5000
WORST_LEAST: Final = 10
SHOWS: Final = {
    "open": "等待查看",
    "appeals": "申诉",
    "excluded": "不计入的",
    "all": "全部标记",
}
"""What the desk lists, and how a tab of it is called."""


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A sign with its figures."""

    kind: str
    detail: Mapping[str, int]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A player on the desk."""

    participant_id: int
    nickname: str
    unit_name: str
    goes: int
    points: int
    out_of: int
    used_s: int
    flags: tuple[FlagRow, ...]
    verdict: str | None
    appealed: bool


def cases(round_id: int, show: str, kind: str, after: int) -> list[CaseRow]:
    """List a page of players with signs or rulings, by number (6 statements, or 1 when there are none)."""
    waiting = select(Ruling.participant_id).join(Appeal, Appeal.ruling_id == Ruling.id)
    chosen: Mapping[str, Select[int]] = {
        "open": select(Flag.participant_id).where(*unruled(round_id)),
        "appeals": waiting.where(Ruling.round_id == round_id, Appeal.answered_at.is_(None)),
        "excluded": excluded_ids(round_id),
        "all": select(Flag.participant_id).where(Flag.round_id == round_id),
    }
    of_kind = [Participant.id.in_(select(Flag.participant_id).where(Flag.kind == kind))] if kind else []
    ids = db.session.scalars(
        select(Participant.id)
        .where(
            Participant.round_id == round_id,
            Participant.id > after,
            Participant.id.in_(chosen[show]),
            *of_kind,
        )
        .order_by(Participant.id)
        .limit(PAGE)
    ).all()
    return _cases(round_id, ids)


def case_of(round_id: int, participant_id: int) -> CaseRow | None:
    """Return a player as the desk shows them, None when the round has no such player (6 statements)."""
    ids = db.session.scalars(
        select(Participant.id).where(Participant.round_id == round_id, Participant.id == participant_id)
    ).all()
    return next(iter(_cases(round_id, ids)), None)


def _cases(round_id: int, ids: Sequence[int]) -> list[CaseRow]:
    if not ids:
        return []
    players = attempt.players(round_id, ids)
    flags: dict[int, list[FlagRow]] = {}
    for row in db.session.execute(
        select(Flag.participant_id, Flag.kind, Flag.detail, Flag.found_at)
        .where(Flag.participant_id.in_(ids))
        .order_by(Flag.participant_id, Flag.id)
    ):
        flags.setdefault(row.participant_id, []).append(FlagRow(row.kind, row.detail, row.found_at))
    ruled = {
        row.participant_id: row
        for row in db.session.execute(
            select(
                Ruling.participant_id,
                Ruling.verdict,
                and_(Appeal.ruling_id.is_not(None), Appeal.answered_at.is_(None)).label("appealed"),
            )
            .outerjoin(Appeal, Appeal.ruling_id == Ruling.id)
            .where(Ruling.participant_id.in_(ids))
            .order_by(Ruling.id)
        )
    }
    scores = {
        row.participant_id: row
        for row in db.session.execute(
            select(Score.participant_id, Score.goes, Score.points, Score.out_of, Score.used_s).where(
                Score.participant_id.in_(ids)
            )
        )
    }
    found = []
    for row in db.session.execute(
        select(Participant.id, Unit.name)
        .join(Unit, Unit.id == Participant.unit_id)
        .where(Participant.id.in_(ids))
        .order_by(Participant.id)
    ):
        score, ruling, player = scores.get(row.id), ruled.get(row.id), players.get(row.id)
        found.append(
            CaseRow(
                participant_id=row.id,
                nickname=player.nickname if player else "",
                unit_name=row.name,
                goes=score.goes if score else 0,
                points=score.points if score else 0,
                out_of=score.out_of if score else 0,
                used_s=score.used_s if score else 0,
                flags=tuple(flags.get(row.id, ())),
                verdict=ruling.verdict if ruling else None,
                appealed=bool(ruling and ruling.appealed),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class LinkLine:
    """What came through the links of one unit."""

    unit_id: int
    unit_name: str
    unit_path: str
    players: int
    goes: int
    qualified: int
    points: int
    out_of: int

    @property
    def mean(self) -> Rate:
        """The mean as a share of the points."""
        return Rate(self.points, self.out_of)


def by_link(round_id: int) -> list[LinkLine]:
    """Sum up the players, the excluded left out, by the unit whose link led them here first (2 statements)."""
    version = rulebook.in_force(round_id)
    players = func.count().label("players")
    rows: Iterable[Row[*tuple[Any, ...]]] = db.session.execute(
        select(
            Score.unit_id,
            Unit.name,
            Unit.path,
            players,
            func.sum(Score.goes),
            func.count().filter(Score.best_permyriad >= least_of(version)),
            func.sum(Score.points),
            func.sum(Score.out_of),
        )
        .join(Unit, Unit.id == Score.unit_id)
        .where(Score.round_id == round_id, Score.participant_id.not_in(excluded_ids(round_id)))
        .group_by(Score.unit_id, Unit.name, Unit.path)
        .order_by(players.desc(), Unit.path)
    )
    return [LinkLine(row[0], row[1], row[2], *(int(figure) for figure in row[3:])) for row in rows]


def worst(contest: Open) -> list[dict[str, Any]]:
    """Write the three items most were wrong about, of the newest 5,000 first goes (1 statement, then the papers)."""
    shown: Counter[tuple[int, int]] = Counter()
    wrong: Counter[tuple[int, int]] = Counter()
    for row in db.session.execute(
        select(Attempt.form, Attempt.correct, attempt.PAPER_ID)
        .join(Round, Round.id == Attempt.round_id)
        .where(
            Attempt.round_id == contest.round.id,
            Attempt.ordinal == 1,
            Attempt.submitted_at.is_not(None),
            Attempt.voided_at.is_(None),
        )
        .order_by(Attempt.submitted_at.desc())
        .limit(WORST_OF)
    ):
        for (index, _), right in zip(row.form, row.correct or (), strict=True):
            shown[row.of_paper_id, index] += 1
            wrong[row.of_paper_id, index] += not right
    enough = [key for key in shown if shown[key] >= WORST_LEAST and wrong[key]]
    enough.sort(key=lambda key: (-wrong[key] * 10000 // shown[key], key))
    return [
        {
            "stem": paper.frozen(paper_id).items[index].item.stem,
            "wrong": wrong[paper_id, index],
            "shown": shown[paper_id, index],
        }
        for paper_id, index in enough[:3]
    ]
