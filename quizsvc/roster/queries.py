"""SELECTs over the roster: units, places, names behind places, head-counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)

from quizsvc.core import rosterplan
from quizsvc.core.masking import masked_name as masked
from quizsvc.core.refusal import NotYours
from quizsvc.db import UtcDateTime, db, paths_to, run, subtree
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Person, Unit


class UnknownUnit(NotYours):
    """A unit that is not there, or not for this person."""

    def __init__(self) -> None:
        super().__init__("没有找到这个单位，或者它不归你管。")


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A node of the organisation tree."""

    id: int
    parent_id: int | None
    path: str
    code: str
    name: str
    kind: str
    position: int


@dataclass(frozen=True, slots=True)
class Place:
    """An expected place in a class: its seat, whether a person stands behind it, whether it is excused."""

    enrolment_id: int
    seat: int
    person_id: int | None
    exempt: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """The denominator of a unit: heads on the freeze date, and how many of them are excused."""

    expected: int
    exempt: int


_UNIT = (Unit.id, Unit.parent_id, Unit.path, Unit.code, Unit.name, Unit.kind, Unit.position)


UnitSelect = Select[int, int | None, str, str, str, str, int]
PlaceSelect = Select[int, int, int | None, bool]


def _units(statement: UnitSelect) -> list[UnitRow]:
    return [UnitRow(*row) for row in db.session.execute(statement)]


def _one_unit(statement: UnitSelect) -> UnitRow:
    found = _units(statement)
    if not found:
        raise UnknownUnit
    return found[0]


def unit(unit_id: int) -> UnitRow:
    """Return a unit by its id."""
    return _one_unit(select(*_UNIT).where(Unit.id == unit_id))


def unit_at(path: str) -> UnitRow:
    """Return a unit by its path; the slash at the end may be missing."""
    return _one_unit(select(*_UNIT).where(Unit.path == f"{path.strip('/')}/"))


def units(ids: Iterable[int]) -> dict[int, UnitRow]:
    """Return units by their ids; unknown ids are absent."""
    return {row.id: row for row in _units(select(*_UNIT).where(Unit.id.in_(set(ids))))}


def at_paths(paths: Iterable[str]) -> list[UnitRow]:
    """Return the units at some paths, by path; unknown ones are absent."""
    return _units(select(*_UNIT).where(Unit.path.in_(list(paths))).order_by(Unit.path))


def ancestors(path: str) -> list[UnitRow]:
    """List the units from the root down to the one at a path, itself included."""
    return at_paths(paths_to(path))


def children(unit_id: int | None) -> list[UnitRow]:
    """List the units directly under one, in their natural order; None lists the roots."""
    return _units(select(*_UNIT).where(Unit.parent_id == unit_id).order_by(Unit.position, Unit.name, Unit.id))


def under(path: str) -> list[UnitRow]:
    """List a unit and everything under it, by path."""
    low, high = subtree(path)
    return _units(select(*_UNIT).where(Unit.path >= low, Unit.path < high).order_by(Unit.path))


_PLACES: PlaceSelect = (
    select(Enrolment.id, Enrolment.seat, Enrolment.person_id, Exemption.id.is_not(None).label("exempt"))
    .outerjoin(Exemption, and_(Exemption.enrolment_id == Enrolment.id, Exemption.ended_at.is_(None)))
    .where(
        Enrolment.unit_id == bindparam("unit_id"),
        Enrolment.term == bindparam("term"),
        Enrolment.left_at.is_(None),
    )
)
_PLACES_BY_SEAT = _PLACES.order_by(Enrolment.seat)
_PLACE_AT = _PLACES.where(Enrolment.seat == bindparam("seat"))


def _place(row: Row[Any]) -> Place:
    return Place(row.id, row.seat, row.person_id, bool(row.exempt))


def places(unit_id: int, term: str) -> list[Place]:
    """List the places of a class in a term, by seat."""
    return [_place(row) for row in run(_PLACES_BY_SEAT, unit_id=unit_id, term=term)]


def place(unit_id: int, term: str, seat: int) -> Place | None:
    """Return the place at a seat, if there is one."""
    found = run(_PLACE_AT, unit_id=unit_id, term=term, seat=seat).one_or_none()
    return None if found is None else _place(found)


def names(enrolment_ids: Iterable[int]) -> dict[int, str]:
    """Return the full names behind places; places without a name are absent."""
    rows = db.session.execute(
        select(Enrolment.id, Person.name)
        .join(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.id.in_(set(enrolment_ids)), Person.name != "")
    )
    return {enrolment_id: name for enrolment_id, name in rows}


def masked_name(enrolment_id: int) -> str | None:
    """Return the name behind a place as a stranger may see it; None when no name is kept."""
    name = names([enrolment_id]).get(enrolment_id)
    return None if name is None else masked(name)


def _expected_select() -> Select[int, int, int]:
    low: BindParameter[str] = bindparam("low")
    high: BindParameter[str] = bindparam("high")
    term: BindParameter[str] = bindparam("term")
    in_time = Headcount.set_at <= bindparam("frozen_at", type_=UtcDateTime)
    rank = func.row_number().over(
        partition_by=Headcount.unit_id,
        order_by=(
            case((in_time, 0), else_=1),
            case((in_time, Headcount.set_at)).desc(),
            Headcount.set_at,
            case((in_time, -Headcount.id), else_=Headcount.id),
        ),
    )
    counted = (
        select(Headcount.unit_id, Headcount.expected, rank.label("rank"))
        .join(Unit, Unit.id == Headcount.unit_id)
        .where(Headcount.term == term, Unit.path >= low, Unit.path < high)
        .subquery()
    )
    excused = (
        select(Enrolment.unit_id, func.count().label("exempt"))
        .join(Unit, Unit.id == Enrolment.unit_id)
        # nested, not joined: SQLite would read every enrolment of the term to find the few that are excused
        .where(Enrolment.id.in_(select(Exemption.enrolment_id).where(Exemption.ended_at.is_(None))))
        .where(Enrolment.term == term, Enrolment.left_at.is_(None), Unit.path >= low, Unit.path < high)
        .group_by(Enrolment.unit_id)
        .subquery()
    )
    return (
        select(counted.c.unit_id, counted.c.expected, func.coalesce(excused.c.exempt, 0).label("exempt"))
        .outerjoin(excused, excused.c.unit_id == counted.c.unit_id)
        .where(counted.c.rank == 1)
    )


EXPECTED = _expected_select()
"""Unit, expected and exempt under a path (low, high) for a term at a freeze; to be run or joined to."""


def expected_by_unit(path: str, term: str, frozen_at: datetime) -> dict[int, Expected]:
    """Return the denominators under a path: the head-count at the freeze, else the first after it."""
    low, high = subtree(path)
    rows = run(EXPECTED, low=low, high=high, term=term, frozen_at=frozen_at)
    return {row.unit_id: Expected(row.expected, row.exempt) for row in rows}


@dataclass(frozen=True, slots=True)
class ClassLine:
    """A class in a table: its head-count, who set it and when, its places; None where nothing was set."""

    unit: UnitRow
    group: str
    expected: int | None
    set_by: str | None
    set_at: datetime | None
    places: int
    named: int
    exempt: int


@dataclass(frozen=True, slots=True)
class HeadcountRow:
    """One head-count of a class, as it was set."""

    expected: int
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class ExemptionRow:
    """Somebody excused, by seat."""

    enrolment_id: int
    seat: int
    reason: str
    approved_by: str
    approved_at: datetime
    ended_at: datetime | None


def terms(path: str) -> list[str]:
    """List the terms that have head-counts under a path, newest first."""
    low, high = subtree(path)
    rows = db.session.execute(
        select(Headcount.term)
        .join(Unit, Unit.id == Headcount.unit_id)
        .where(Unit.path >= low, Unit.path < high)
        .distinct()
        .order_by(Headcount.term.desc())
    )
    return list(rows.scalars())


def class_lines(path: str, term: str) -> list[ClassLine]:
    """List the units under a path that have none beneath them, in natural order; three statements."""
    found = {row.path: row for row in under(path)}
    parents = {row.parent_id for row in found.values()}
    low, high = subtree(path)
    newest = _newest_headcounts(term, path)
    heads = {
        unit_id: (expected, set_by, set_at)
        for unit_id, expected, set_by, set_at in db.session.execute(
            select(newest.c.unit_id, newest.c.expected, newest.c.set_by, newest.c.set_at)
        )
    }
    places_there = {
        unit_id: (live, named, exempt)
        for unit_id, live, named, exempt in db.session.execute(
            select(Enrolment.unit_id, func.count(), func.count(Enrolment.person_id), func.count(Exemption.id))
            .join(Unit, Unit.id == Enrolment.unit_id)
            .outerjoin(Exemption, and_(Exemption.enrolment_id == Enrolment.id, Exemption.ended_at.is_(None)))
            .where(Enrolment.term == term, Enrolment.left_at.is_(None), Unit.path >= low, Unit.path < high)
            .group_by(Enrolment.unit_id)
        )
    }
    return [
        ClassLine(
            row,
            _group(row, path, found),
            *heads.get(row.id, (None, None, None)),
            *places_there.get(row.id, (0, 0, 0)),
        )
        for row in sorted(found.values(), key=lambda row: _order(row, found))
        if row.id not in parents
    ]


def _group(row: UnitRow, path: str, found: dict[str, UnitRow]) -> str:
    """Name the grade or college a class is listed under; none for the unit the list is about."""
    over = row.path[: -len(row.code) - 1]
    return found[over].name if over in found and over != path else ""


def _order(row: UnitRow, found: dict[str, UnitRow]) -> list[tuple[int, str]]:
    ends = [at + 1 for at, character in enumerate(row.path) if character == "/"]
    above = [found[row.path[:end]] for end in ends if row.path[:end] in found]
    return [(unit.position, unit.name) for unit in above]


def headcount_history(unit_id: int, term: str) -> list[HeadcountRow]:
    """List the head-counts of a class in a term, newest first."""
    rows = db.session.execute(
        select(Headcount.expected, Headcount.set_by, Headcount.set_at)
        .where(Headcount.unit_id == unit_id, Headcount.term == term)
        .order_by(Headcount.set_at.desc(), Headcount.id.desc())
    )
    return [HeadcountRow(*row) for row in rows]


def newest_headcounts(term: str, path: str) -> dict[int, int]:
    """Return the head-count in force now of every unit under a path."""
    newest = _newest_headcounts(term, path)
    rows = db.session.execute(select(newest.c.unit_id, newest.c.expected))
    return {unit_id: expected for unit_id, expected in rows}


def live_places(term: str, path: str) -> dict[int, int]:
    """Count the places of every unit under a path; units without any are absent."""
    low, high = subtree(path)
    rows = db.session.execute(
        select(Enrolment.unit_id, func.count())
        .join(Unit, Unit.id == Enrolment.unit_id)
        .where(Enrolment.term == term, Enrolment.left_at.is_(None), Unit.path >= low, Unit.path < high)
        .group_by(Enrolment.unit_id)
    )
    return {unit_id: count for unit_id, count in rows}


def exemptions(unit_id: int, term: str) -> list[ExemptionRow]:
    """List the exemptions of a class in a term, ended ones too, by seat and time."""
    rows = db.session.execute(
        select(
            Exemption.enrolment_id,
            Enrolment.seat,
            Exemption.reason,
            Exemption.approved_by,
            Exemption.approved_at,
            Exemption.ended_at,
        )
        .join(Enrolment, Enrolment.id == Exemption.enrolment_id)
        .where(Enrolment.unit_id == unit_id, Enrolment.term == term, Enrolment.left_at.is_(None))
        .order_by(Enrolment.seat, Exemption.approved_at, Exemption.id)
    )
    return [ExemptionRow(*row) for row in rows]


def plan_import(unit_id: int, term: str, sheet: rosterplan.Sheet) -> rosterplan.Plan:
    """Say what the import of a file into a unit would change; five statements for any number of rows."""
    lineage = tuple(_known_unit(row) for row in ancestors(unit(unit_id).path))
    target = lineage[-1].path
    scope = rosterplan.scope(lineage)
    below = tuple(_known_unit(row) for row in under(target) if row.path != target)
    known = rosterplan.Known(lineage, below, known_places(scope, term), _persons(scope))
    return rosterplan.plan(sheet, known)


def known_places(path: str, term: str) -> tuple[rosterplan.KnownPlace, ...]:
    """Return all places under a path in a term, those that were left too, older ones first."""
    low, high = subtree(path)
    rows = db.session.execute(
        select(Enrolment.id, Unit.path, Enrolment.seat, Enrolment.person_id, Enrolment.left_at.is_(None))
        .join(Unit, Unit.id == Enrolment.unit_id)
        .where(Enrolment.term == term, Unit.path >= low, Unit.path < high)
        .order_by(Enrolment.left_at, Enrolment.id)
    )
    return tuple(
        rosterplan.KnownPlace(enrolment_id, at, seat, person_id, bool(live))
        for enrolment_id, at, seat, person_id, live in rows
    )


def _persons(path: str) -> tuple[rosterplan.KnownPerson, ...]:
    low, high = subtree(path)
    rows = db.session.execute(
        select(Person.id, Unit.path, Person.student_number, Person.name)
        .join(Unit, Unit.id == Person.school_id)
        .where(Unit.path >= low, Unit.path < high)
    )
    return tuple(rosterplan.KnownPerson(*row) for row in rows)


def _known_unit(row: UnitRow) -> rosterplan.KnownUnit:
    return rosterplan.KnownUnit(row.path, row.code, row.name, row.kind, row.position)


def _newest_headcounts(term: str, path: str) -> Subquery:
    low, high = subtree(path)
    rank = func.row_number().over(
        partition_by=Headcount.unit_id, order_by=(Headcount.set_at.desc(), Headcount.id.desc())
    )
    ranked = (
        select(
            Headcount.unit_id,
            Headcount.expected,
            Headcount.set_by,
            Headcount.set_at,
            rank.label("rank"),
        )
        .join(Unit, Unit.id == Headcount.unit_id)
        .where(Headcount.term == term, Unit.path >= low, Unit.path < high)
        .subquery()
    )
    return select(ranked).where(ranked.c.rank == 1).subquery()


# Names and reasons that are to be erased. `spared` are paths whose classes another campaign still needs.


def named_terms() -> list[str]:
    """List the terms in which a name or the reason of an exemption is kept (2 statements)."""
    named = db.session.scalars(select(Enrolment.term).where(Enrolment.person_id.is_not(None)).distinct())
    excused = db.session.scalars(
        select(Enrolment.term)
        .join(Exemption, Exemption.enrolment_id == Enrolment.id)
        .where(Exemption.reason != "")
        .distinct()
    )
    return sorted({*named, *excused})


def named_places(term: str, path: str, spared: Iterable[str]) -> Select[int]:
    """Select the places with a name in a term, under a path ("" is everywhere) and not under a spared one."""
    return (
        select(Enrolment.id)
        .join(Unit, Unit.id == Enrolment.unit_id)
        .where(Enrolment.term == term, Enrolment.person_id.is_not(None), *_covered(path, spared))
    )


def reasons(term: str, path: str, spared: Iterable[str]) -> Select[int]:
    """Select the exemptions with a reason in a term, under a path and not under a spared one."""
    return (
        select(Exemption.id)
        .join(Enrolment, Enrolment.id == Exemption.enrolment_id)
        .join(Unit, Unit.id == Enrolment.unit_id)
        .where(Enrolment.term == term, Exemption.reason != "", *_covered(path, spared))
    )


def persons_without_places() -> Select[int]:
    """Select the persons who stand behind no place any more."""
    return select(Person.id).where(~exists().where(Enrolment.person_id == Person.id))


def count_of(chosen: Select[int]) -> int:
    """Count what one of these selects (1 statement)."""
    return db.session.execute(select(func.count()).select_from(chosen.subquery())).scalar_one()


def _covered(path: str, spared: Iterable[str]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if path:
        low, high = subtree(path)
        conditions.append(and_(Unit.path >= low, Unit.path < high))
    for low, high in map(subtree, spared):
        conditions.append(or_(Unit.path < low, Unit.path >= high))
    return conditions
