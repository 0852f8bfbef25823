"""Head counts of a round by unit, by question and by day: counted on each read, never stored."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Label,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign, Round, RoundUnit
from quizsvc.campaign.queries import RoundRow
from quizsvc.clock import local_day
from quizsvc.core import itemstats
from quizsvc.core.indicators import Rate, Tally, total
from quizsvc.core.itemstats import ItemCount
from quizsvc.core.progress import Day
from quizsvc.db import db, subtree
from quizsvc.declaration import queries as declaration
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Unit
from quizsvc.survey import queries as survey

SPREAD = 10_000_000
"""ordinal * SPREAD + score sorts the goes of a person by ordinal and keeps the score: no score reaches it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A unit in a round: what stands above, what lies under it, and what of that the round is opened to."""

    unit: roster.UnitRow
    above: tuple[roster.UnitRow, ...]
    """Root first, without the unit itself."""
    under: tuple[roster.UnitRow, ...]
    """By path, the unit itself first."""
    reached: frozenset[int]
    """Ids of the units of `under` that the round is opened to."""


@dataclass(frozen=True, slots=True)
class Level:
    """A unit with the heads of its whole subtree."""

    unit: roster.UnitRow
    tally: Tally
    missing: int
    """Summed unit by unit, so that one class with too many people cannot hide the gap of another."""
    over: int
    """Units in the subtree in which more people took part than are expected."""


def unit_tallies(round_: RoundRow, path: str) -> dict[int, Tally]:
    """Count the heads of each unit under a path with a head-count or attempts (3 statements)."""
    return tallies_among(round_, path, _reached_under(round_.id, path))


def tallies_among(round_: RoundRow, path: str, reached: Container[int]) -> dict[int, Tally]:
    """Count the heads under a path; head-counts are taken of the units in `reached` only (2 statements)."""
    taken = {row.unit_id: row for row in db.session.execute(heads_of_kind(round_), _heads_of(round_, path))}
    expected = roster.expected_by_unit(path, round_.term, round_.frozen_at)
    return _tallies(round_, taken, expected, reached)


def _tallies(
    round_: RoundRow, taken: Mapping[int, Any], expected: Mapping[int, Any], reached: Container[int]
) -> dict[int, Tally]:
    """Put heads and head-counts together; where nobody is asked for a seat, nobody is expected either."""
    units = taken.keys() | {unit_id for unit_id in expected if unit_id in reached}
    due = (
        {}
        if round_.is_nameless
        else {unit_id: expected.get(unit_id) for unit_id in units if unit_id in reached}
    )
    return {unit_id: _tally(due.get(unit_id), taken.get(unit_id)) for unit_id in sorted(units)}


def _tally(counts: Any, heads: Any) -> Tally:
    return Tally(
        expected=max(counts.expected - counts.exempt, 0) if counts else 0,
        exempt=counts.exempt if counts else 0,
        done=heads.done if heads else 0,
        aware=heads.aware if heads else 0,
        first_aware=heads.first_aware if heads else 0,
        full=heads.full if heads else 0,
        score=heads.score if heads else 0,
        out_of=heads.out_of if heads else 0,
        open=heads.open if heads else 0,
    )


@dataclass(frozen=True, slots=True)
class Line:
    """A round of a campaign over a unit: who took part, and who is missing unit by unit."""

    round: RoundRow
    tally: Tally
    missing: int


def lines(campaign_id: int, unit: roster.UnitRow, *, but: int | None = None) -> list[Line]:
    """Count the heads of a unit in every round of a campaign that is opened to it, newest first (5 statements).

    Contests of nicknames are left out: nobody is expected there, and players are not the unit's. `but` is left out
    too; when nothing is left, that takes 1 statement.
    """
    return [
        Line(one, total(tallies.values()), 0 if one.is_nameless else _lacking(tallies.values()))
        for one, tallies in _of_each_round(campaign_id, unit, but=but)[1]
    ]


def levels_by_round(campaign_id: int, unit: roster.UnitRow) -> list[tuple[RoundRow, list[Level]]]:
    """Sum heads up the tree of a unit in every round that `lines` tells of (5 statements)."""
    under, counted = _of_each_round(campaign_id, unit)
    return [(one, levels(under, tallies)) for one, tallies in counted]


def _of_each_round(
    campaign_id: int, unit: roster.UnitRow, *, but: int | None = None
) -> tuple[list[roster.UnitRow], list[tuple[RoundRow, dict[int, Tally]]]]:
    """Return the unit with everything under it, and the heads of each of these units in each round."""
    rounds = [one for one in campaign.rounds_of(campaign_id) if not one.is_public and one.id != but]
    if not rounds:
        return [], []
    opened: dict[int, list[str]] = {}
    for round_id, path in db.session.execute(
        select(RoundUnit.round_id, Unit.path)
        .join(Unit, Unit.id == RoundUnit.unit_id)
        .where(RoundUnit.round_id.in_([one.id for one in rounds]))
    ):
        opened.setdefault(round_id, []).append(path)
    rounds = [one for one in rounds if _meets(unit.path, opened.get(one.id, ()))]
    if not rounds:
        return [], []
    under = roster.under(unit.path)
    taken = _heads_by_round(rounds, unit.path)
    expected = _expected_by_freeze(rounds, unit.path)
    found = []
    for one in rounds:
        tops = frozenset(opened[one.id])
        reached = {below.id for below in under if _lies_in(below.path, tops)}
        found.append((one, _tallies(one, taken.get(one.id, {}), expected[one.frozen_at], reached)))
    return under, found


def _lacking(tallies: Iterable[Tally]) -> int:
    return sum(max(tally.expected - tally.done, 0) for tally in tallies)


def _meets(path: str, opened: Sequence[str]) -> bool:
    return any(path.startswith(one) or one.startswith(path) for one in opened)


def _filled(statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]) -> Select[*tuple[Any, ...]]:
    """Write values into a statement that is filled in by name, so that it can stand beside itself."""

    def fill(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.key in values:
            return literal(values[element.key], element.type)
        return None

    filled: Select[*tuple[Any, ...]] = visitors.replacement_traverse(statement, {}, fill)  # type: ignore[assignment]  # it stays what it was
    return filled


def _heads_by_round(rounds: Sequence[RoundRow], path: str) -> dict[int, dict[int, Row[Any]]]:
    """Ask for all rounds at once: each by the statement of its kind."""
    parts = [_filled(heads_of_kind(one), _heads_of(one, path)).subquery(f"round_{one.id}") for one in rounds]
    whole = union_all(
        *(
            select(literal_column(str(one.id), Integer).label("round_id"), *part.c)
            for one, part in zip(rounds, parts, strict=True)
        )
    )
    heads: dict[int, dict[int, Row[Any]]] = {}
    for row in db.session.execute(whole):
        heads.setdefault(row.round_id, {})[row.unit_id] = row
    return heads


def _expected_by_freeze(rounds: Sequence[RoundRow], path: str) -> dict[datetime, dict[int, Row[Any]]]:
    """Ask for the denominators at all freezes at once."""
    freezes = sorted({one.frozen_at for one in rounds})
    low, high = subtree(path)
    parts = [
        _filled(
            roster.EXPECTED, {"low": low, "high": high, "term": rounds[0].term, "frozen_at": at}
        ).subquery(f"at_{number}")
        for number, at in enumerate(freezes)
    ]
    whole = union_all(
        *(
            select(
                literal_column(str(number), Integer).label("number"),
                part.c.unit_id,
                part.c.expected,
                part.c.exempt,
            )
            for number, part in enumerate(parts)
        )
    )
    expected: dict[datetime, dict[int, Row[Any]]] = {at: {} for at in freezes}
    for row in db.session.execute(whole):
        expected[freezes[row.number]][row.unit_id] = row
    return expected


def levels(units: Sequence[roster.UnitRow], tallies: Mapping[int, Tally]) -> list[Level]:
    """Sum heads up the tree: every unit that carries heads or stands above one that does, by path."""
    inside: dict[str, list[Tally]] = {}
    for unit in units:
        tally = tallies.get(unit.id)
        if tally is None:
            continue
        codes = unit.path.split("/")[:-1]
        for depth in range(1, len(codes) + 1):
            inside.setdefault("/".join(codes[:depth]) + "/", []).append(tally)
    return [
        Level(
            unit=unit,
            tally=total(inside[unit.path]),
            missing=_lacking(inside[unit.path]),
            over=sum(tally.done > tally.expected for tally in inside[unit.path]),
        )
        for unit in units
        if unit.path in inside
    ]


def levels_under(round_: RoundRow, path: str) -> list[Level]:
    """Sum the heads of every unit under a path, up to the unit of the path itself (5 statements)."""
    roster.unit_at(path)
    return levels(roster.under(path), unit_tallies(round_, path))


def surroundings(round_id: int, unit_id: int) -> Surroundings:
    """Return a unit with everything above and under it, and how far the round reaches (1 statement)."""
    parts: dict[str, list[roster.UnitRow]] = {"above": [], "under": [], "opened": []}
    for part, *values in db.session.execute(_surroundings(), {"round_id": round_id, "unit_id": unit_id}):
        parts[part].append(roster.UnitRow(*values))
    if not parts["under"]:
        raise roster.UnknownUnit
    opened_to = frozenset(unit.path for unit in parts["opened"])
    return Surroundings(
        unit=parts["under"][0],
        above=tuple(parts["above"]),
        under=tuple(parts["under"]),
        reached=frozenset(unit.id for unit in parts["under"] if _lies_in(unit.path, opened_to)),
    )


def item_counts(round_: RoundRow, path: str) -> dict[int, ItemCount]:
    """Count the answers to each item of the paper, by its index, over first valid attempts (2 statements).

    Answers that have been erased count on in the sums that were made of them.
    """
    firsts = _first_goes_of_contest() if round_.is_contest else _first_attempts()
    goes = db.session.execute(firsts, _goes_of(round_, path)).all()
    counts = attempt.item_counts(
        paper.frozen(round_.paper_id), [(go.form, go.seed, go.answers) for go in goes]
    )
    for item, count in attempt.item_sums(round_.id, path).items():
        counts[item] = itemstats.plus(counts[item], count) if item in counts else count
    return dict(sorted(counts.items()))


def topic_counts(round_: RoundRow, path: str) -> dict[str, Rate]:
    """Count the right first answers to each topic of a round under a path, of those shown (as item_counts)."""
    items = paper.frozen(round_.paper_id).items
    sums: dict[str, list[int]] = {}
    for index, count in item_counts(round_, path).items():
        of_topic = sums.setdefault(items[index].item.topic, [0, 0])
        of_topic[0] += count.correct
        of_topic[1] += count.shown
    return {topic: Rate(correct, shown) for topic, (correct, shown) in sums.items()}


@dataclass(frozen=True, slots=True)
class ItemUse:
    """One item of a bank in one round: the people who were shown it at their first go, and how they did."""

    code: str
    round_id: int
    title: str
    term: str
    shown: int
    correct: int
    discrimination: float | None
    last_at: datetime


MOST_ATTEMPTS_READ = 20_000


def item_uses(bank: str, paths: Sequence[str]) -> list[ItemUse]:
    """Tell how the items of a bank did in every round within the paths, by code and newest use first (2 statements).

    The newest 20,000 first goes are read: enough to judge an item by, and never the whole county's years.
    """
    codes = {
        paper_id: {index: entry["item"]["code"] for index, entry in enumerate(items) if entry["bank"] == bank}
        for paper_id, items in db.session.execute(
            select(Paper.id, Paper.content["items"]).where(Paper.kind == "quiz")
        )
    }
    used = [paper_id for paper_id, of_bank in codes.items() if of_bank]
    rows = db.session.execute(_newest_first_goes(used, paths)).all()
    answers: dict[tuple[str, int], list[tuple[bool, float]]] = {}
    rounds: dict[int, Row[Any]] = {}
    last_at: dict[tuple[str, int], datetime] = {}
    for row in rows:
        rounds[row.round_id] = row
        others = max(len(row.correct) - 1, 1)
        for (index, _points), right in zip(row.form, row.correct, strict=True):
            code = codes[row.paper_id].get(index)
            if code is not None:
                key = (code, row.round_id)
                answers.setdefault(key, []).append((right, (sum(row.correct) - right) / others))
                last_at[key] = max(row.submitted_at, last_at.get(key, row.submitted_at))
    uses = [
        ItemUse(
            code=code,
            round_id=round_id,
            title=rounds[round_id].title,
            term=rounds[round_id].term,
            shown=len(given),
            correct=sum(right for right, _ in given),
            discrimination=itemstats.discrimination(given),
            last_at=last_at[code, round_id],
        )
        for (code, round_id), given in answers.items()
    ]
    newest_first = sorted(uses, key=lambda use: use.last_at, reverse=True)
    return sorted(newest_first, key=lambda use: use.code)


def _newest_first_goes(papers: Sequence[int], paths: Sequence[str]) -> Select[*tuple[Any, ...]]:
    ranges = [_range(path) for path in paths]
    within = or_(*(and_(Unit.path >= one["low"], Unit.path < one["high"]) for one in ranges), false())
    firsts = (
        select(Attempt.participant_id, func.min(Attempt.ordinal).label("ordinal"))
        .where(
            Attempt.round_id.in_(select(Round.id).where(Round.paper_id.in_(papers), Round.kind == "test")),
            Attempt.unit_id.in_(select(Unit.id).where(within)),
            Attempt.voided_at.is_(None),
            Attempt.submitted_at.is_not(None),
        )
        .group_by(Attempt.participant_id)
        .subquery("firsts")
    )
    go = aliased(Attempt, name="go")
    return (
        select(go.round_id, go.form, go.correct, go.submitted_at, Round.paper_id, Round.title, Campaign.term)
        .join(firsts, and_(firsts.c.participant_id == go.participant_id, firsts.c.ordinal == go.ordinal))
        .join(Round, Round.id == go.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .where(go.voided_at.is_(None), Campaign.is_test.is_(False))
        .order_by(go.submitted_at.desc())
        .limit(MOST_ATTEMPTS_READ)
    )


def daily_done(round_: RoundRow, path: str) -> list[Day]:
    """Count the people who finished for the first time on each day in China (1 statement)."""
    rows = db.session.execute(_first_hours(), _goes_of(round_, path))
    days: Counter[date] = Counter()
    for row in rows:
        days[local_day(datetime.fromisoformat(f"{row.hour}:00+00:00"))] += row.done
    return [Day(on, days[on]) for on in sorted(days)]


class utc_hour(FunctionElement[str]):  # noqa: N801 it reads as an SQL function
    """The hour of a moment as text, 2026-12-02 15: days in China begin on one, and it is cheap to cut out."""

    type = String()
    inherit_cache = True


@compiles(utc_hour, "sqlite")
def _utc_hour_sqlite(element: utc_hour, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"substr({compiler.process(element.clauses, **kwargs)}, 1, 13)"


@compiles(utc_hour, "postgresql")
def _utc_hour_postgresql(element: utc_hour, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **kwargs)} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"


# The statements below are the same for every round and unit: they are written once a process and filled in by name.
_ROUND = bindparam("round_id", type_=Integer)
_LOW, _HIGH = bindparam("low", type_=Unit.path.type), bindparam("high", type_=Unit.path.type)
_LAST = "\x7f"  # sorts after every path


def heads_of_kind(round_: RoundRow) -> Select[*tuple[Any, ...]]:
    """Return the statement that counts the heads of a round by unit."""
    if round_.is_quiz:
        return heads_select(round_.counted)
    return _heads_told(round_.kind)


@cache
def _heads_told(kind: str) -> Select[*tuple[Any, ...]]:
    """Heads that declared or answered: no clock runs, so nobody is open, and there are no points."""
    heads = (survey.HEADS if kind == "survey" else declaration.HEADS).subquery("heads")
    met, none = heads.c.aware, literal_column("0", Integer)
    return select(
        heads.c.unit_id, heads.c.done, met.label("aware"), met.label("first_aware"), met.label("full"),
        none.label("score"), none.label("out_of"), none.label("open"),
    )  # fmt: skip


@cache
def heads_select(counted: str) -> Select[*tuple[Any, ...]]:
    """Group twice over the covering index: goes into persons, persons into the heads of their units."""
    go = Attempt.ordinal * literal(SPREAD, BigInteger) + Attempt.score  # NULL while the go is open
    counted_gos: dict[str, ColumnElement[int | None]] = {
        "best": func.max(Attempt.score),
        "first": func.min(go),
        "last": func.max(go),
    }
    persons = (
        select(
            Attempt.unit_id,
            func.min(go).label("first_go"),
            counted_gos[counted].label("counted_go"),
            func.max(Attempt.out_of).label("out_of"),  # one number a round: one paper, one blueprint
        )
        .where(*_valid())
        .group_by(Attempt.unit_id, Attempt.participant_id)
        .subquery("persons")
    )
    first, score, out_of = (persons.c.first_go % SPREAD, persons.c.counted_go % SPREAD, persons.c.out_of)
    done = persons.c.first_go.is_not(None)
    return select(
        persons.c.unit_id,
        func.count(persons.c.first_go).label("done"),
        _count_if(_met(score, out_of)).label("aware"),
        _count_if(_met(first, out_of)).label("first_aware"),
        _count_if((score == out_of) & (out_of > 0)).label("full"),
        func.coalesce(func.sum(score), 0).label("score"),
        func.coalesce(func.sum(case((done, out_of))), 0).label("out_of"),
        _count_if(~done).label("open"),
    ).group_by(persons.c.unit_id)


def _met(score: ColumnElement[int], out_of: ColumnElement[int]) -> ColumnElement[bool]:
    # the same integers as core.marking.met
    return (out_of > 0) & (score * 10000 >= out_of * bindparam("threshold", type_=Integer))


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _valid() -> tuple[ColumnElement[bool], ...]:
    """Attempts that are not void, of people who are not excused: those stand outside the denominator too."""
    # nested, not joined: SQLite would start the join from the participants, who are many
    excused = select(Exemption.enrolment_id).where(Exemption.ended_at.is_(None))
    there = select(Enrolment.id).where(Enrolment.id.in_(excused), Enrolment.left_at.is_(None))
    aside = select(Participant.id).where(Participant.round_id == _ROUND, Participant.enrolment_id.in_(there))
    erased = select(Participant.id).where(Participant.round_id == _ROUND, Participant.excused)
    return (
        Attempt.round_id == _ROUND,
        Attempt.voided_at.is_(None),
        Attempt.unit_id.in_(select(Unit.id).where(Unit.path >= _LOW, Unit.path < _HIGH)),
        Attempt.participant_id.not_in(aside),
        Attempt.participant_id.not_in(erased),
    )


@cache
def _first_attempts() -> Select[*tuple[Any, ...]]:
    firsts = (
        select(Attempt.participant_id, func.min(Attempt.ordinal).label("ordinal"))
        .where(*_valid(), Attempt.submitted_at.is_not(None))
        .group_by(Attempt.unit_id, Attempt.participant_id)
        .subquery("firsts")
    )
    go = aliased(Attempt, name="go")
    return (
        select(go.form, go.seed, go.answers)
        .join(firsts, and_(firsts.c.participant_id == go.participant_id, firsts.c.ordinal == go.ordinal))
        .where(go.submitted_at.is_not(None), go.voided_at.is_(None), go.seed != "")
    )


@cache
def _first_goes_of_contest() -> Select[*tuple[Any, ...]]:
    """Days begin to count anew, and days and roles have papers of their own: only first goes on the round's own."""
    return (
        select(Attempt.form, Attempt.seed, Attempt.answers)
        .join(Participant, Participant.id == Attempt.participant_id)
        .where(*_valid(), attempt.COUNTED_FIRST, Attempt.paper_id.is_(None), Attempt.seed != "")
    )


@cache
def _first_hours() -> Select[*tuple[Any, ...]]:
    firsts = (
        select(func.min(Attempt.submitted_at).label("at"))
        .where(*_valid(), Attempt.submitted_at.is_not(None))
        .group_by(Attempt.unit_id, Attempt.participant_id)
        .subquery("firsts")
    )
    hour: ColumnElement[str] = type_coerce(utc_hour(firsts.c.at), String)
    return select(hour.label("hour"), func.count().label("done")).group_by(hour)


@cache
def _surroundings() -> CompoundSelect[*tuple[Any, ...]]:
    me, parent, top = (aliased(Unit, name=name) for name in ("me", "parent", "top"))
    this = bindparam("unit_id", type_=Integer)
    up = select(Unit.id, Unit.parent_id).where(Unit.id == this).cte("up", recursive=True)
    up = up.union_all(select(parent.id, parent.parent_id).join(up, parent.id == up.c.parent_id))
    above = _unit_select(Unit, "above").join(up, up.c.id == Unit.id).where(Unit.id != this)
    below_end = func.substr(me.path, 1, func.length(me.path) - 1) + "0"  # db.subtree, in SQL
    under = (
        _unit_select(Unit, "under").join(me, me.id == this).where(Unit.path >= me.path, Unit.path < below_end)
    )
    opened = _unit_select(top, "opened").join(RoundUnit, RoundUnit.unit_id == top.id)
    return union_all(above, under, opened.where(RoundUnit.round_id == _ROUND)).order_by("path")


@cache
def _reach() -> CompoundSelect[*tuple[Any, ...]]:
    under = select(_part("under"), Unit.id, Unit.path).where(Unit.path >= _LOW, Unit.path < _HIGH)
    opened = select(_part("opened"), Unit.id, Unit.path).join(RoundUnit, RoundUnit.unit_id == Unit.id)
    return union_all(under, opened.where(RoundUnit.round_id == _ROUND))


def _reached_under(round_id: int, path: str) -> frozenset[int]:
    rows = db.session.execute(_reach(), {"round_id": round_id, **_range(path)}).all()
    opened_to = frozenset(row.path for row in rows if row.part == "opened")
    return frozenset(row.id for row in rows if row.part == "under" and _lies_in(row.path, opened_to))


def _part(name: str) -> Label[str]:
    return literal_column(f"'{name}'", String).label("part")


def _unit_select(unit: type[Unit], part: str) -> Select[*tuple[Any, ...]]:
    return select(
        _part(part), unit.id, unit.parent_id, unit.path, unit.code, unit.name, unit.kind, unit.position,
    )  # fmt: skip


def _range(path: str) -> dict[str, str]:
    low, high = subtree(path) if path else ("", _LAST)
    return {"low": low, "high": high}


def _goes_of(round_: RoundRow, path: str) -> dict[str, Any]:
    return {"round_id": round_.id, **_range(path)}


def _heads_of(round_: RoundRow, path: str) -> dict[str, Any]:
    return {"threshold": round_.threshold_permyriad, **_goes_of(round_, path)}


def _lies_in(path: str, opened_to: frozenset[str]) -> bool:
    codes = path.split("/")[:-1]
    return any("/".join(codes[:depth]) + "/" in opened_to for depth in range(1, len(codes) + 1))
