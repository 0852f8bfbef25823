"""Reads of the surveys: who has answered, which options are full, what was answered as far as it may be shown."""

import hmac
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, select

from quizsvc import vault
from quizsvc.campaign.queries import RoundRow, UnknownRound
from quizsvc.core import questionnaire, wording
from quizsvc.core.questionnaire import FEWEST_SHOWN, Questionnaire, Result
from quizsvc.db import db, subtree
from quizsvc.link.models import Link
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Unit
from quizsvc.survey.models import Box, Taken, Turnout
from quizsvc.vault import Key

CHOICES = -1
"""The question of boxes that hold a whole set of choices and numbers."""

ERASED = "x"
"""What a head begins with that was drawn anew on the day of erasing; a keyed one never does."""

_LAST = "\x7f"  # sorts after every path


def seat_subject(enrolment_id: int) -> str:
    """Name a seat, to be hashed."""
    return f"seat:{enrolment_id}"


def phone_subject(device: str) -> str:
    """Name a phone, to be hashed."""
    return f"phone:{device}"


def heads(key_file: Path, round_id: int, subject: str) -> tuple[str, ...]:
    """Return what stands for somebody in a round, under the newest key first and then under all that were before it."""
    return tuple(_head(key, round_id, subject) for key in vault.ring_for_backups(key_file).keys)


def _head(key: Key, round_id: int, subject: str) -> str:
    own = hmac.digest(key.secret, b"quizsvc survey head", "sha256")
    return hmac.new(own, f"{round_id}|{subject}".encode(), "sha256").hexdigest()


def body(round_: RoundRow) -> Questionnaire:
    """Return the questions of a survey; a round of another kind is none."""
    found = paper.sheet(round_.paper_id).body if round_.kind == "survey" else None
    if not isinstance(found, Questionnaire):
        raise UnknownRound
    return found


def answered(round_id: int, known_as: Iterable[str]) -> bool:
    """Say whether somebody has answered (1 statement)."""
    found = select(Turnout.head).where(Turnout.round_id == round_id, Turnout.head.in_(list(known_as)))
    return db.session.execute(found).first() is not None


def turned_out(round_: RoundRow, unit_id: int, *, key_file: Path) -> frozenset[int]:
    """Return the places of a class that have answered, by enrolment (2 statements)."""
    there = set(
        db.session.scalars(
            select(Turnout.head).where(Turnout.round_id == round_.id, Turnout.unit_id == unit_id)
        )
    )
    keys = vault.ring_for_backups(key_file).keys
    return frozenset(
        place.enrolment_id
        for place in roster.places(unit_id, round_.term)
        if any(_head(key, round_.id, seat_subject(place.enrolment_id)) in there for key in keys)
    )


def full(round_id: int) -> frozenset[tuple[int, int]]:
    """Return the options nobody can take any more, each with its question (1 statement)."""
    rows = db.session.execute(
        select(Taken.question, Taken.option).where(Taken.round_id == round_id, Taken.taken >= Taken.capacity)
    )
    return frozenset((question, option) for question, option in rows)


def _heads_select() -> Select[int, int, int]:
    low, high = bindparam("low", type_=Unit.path.type), bindparam("high", type_=Unit.path.type)
    return (
        select(Turnout.unit_id, func.count().label("done"), func.count().label("aware"))
        .where(
            Turnout.round_id == bindparam("round_id", type_=Integer),
            Turnout.unit_id.in_(select(Unit.id).where(Unit.path >= low, Unit.path < high)),
        )
        .group_by(Turnout.unit_id)
    )


HEADS = _heads_select()
"""Unit, done and aware of a round under a path (round_id, low, high). Who is excused after having answered still
counts: nothing tells which row that is."""


@dataclass(frozen=True, slots=True)
class UnitCount:
    """A unit in which answers lie, and whether its results may be shown."""

    unit: roster.UnitRow
    answers: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Results:
    """What a unit, or the whole round, has answered.

    `answers` are those that may be counted now: while the survey runs the newest wait, so that nobody can watch
    one arrive. `results` is empty when nothing may be shown. `helped` are those of them that somebody was helped
    with; 0 also when it may not be told, and for any unit that is less than the whole round.
    """

    over: bool
    turnout: int
    answers: int
    shown: bool
    results: dict[int, Result]
    helped: int
    parts: tuple[UnitCount, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What was written to one question; `covered` when a listed word is in it."""

    question: int
    n: int
    texts: tuple[tuple[str, bool], ...]


def is_over(round_: RoundRow, at: datetime) -> bool:
    """Say whether nobody can answer any more behind any link of the round (1 statement)."""
    longest = db.session.execute(
        select(func.max(Link.closes_at)).where(Link.round_id == round_.id, Link.revoked_at.is_(None))
    ).scalar_one()
    return at >= (round_.closes_at if longest is None else max(round_.closes_at, longest))


def results(round_: RoundRow, path: str, at: datetime) -> Results:
    """Count what was answered under a path, "" for all, as far as it may be shown (5 statements; of all 6)."""
    asked, over = body(round_), is_over(round_, at)
    low, high = subtree(path) if path else ("", _LAST)
    within = (Unit.path >= low, Unit.path < high)
    turnout = db.session.execute(
        select(func.count())
        .select_from(Turnout)
        .join(Unit, Unit.id == Turnout.unit_id)
        .where(Turnout.round_id == round_.id, *within)
    ).scalar_one()
    counts = _counts(round_.id, over)
    showable = questionnaire.showable(counts)
    inside = {one: count for one, count in counts.items() if one.startswith(path)}
    shown, whole = path in showable, inside == counts and round_.campaign_unit_path.startswith(path)
    return Results(
        over=over,
        turnout=turnout,
        answers=sum(inside.values()),
        shown=shown,
        results=questionnaire.results(asked, _answers(round_.id, over), path) if shown else {},
        helped=questionnaire.helped(one for _, one in _lists(round_.id, over)) if shown and whole else 0,
        parts=_parts(path, inside, showable),
    )


def _parts(path: str, inside: Mapping[str, int], showable: Container[str]) -> tuple[UnitCount, ...]:
    """The units right under a path, with what lies in them."""
    below: dict[str, int] = {}
    for one, count in inside.items():
        code = one[len(path) :].partition("/")[0]
        if code:
            below[f"{path}{code}/"] = below.get(f"{path}{code}/", 0) + count
    units = roster.at_paths(sorted(below)) if below else []
    return tuple(UnitCount(unit, below[unit.path], unit.path in showable) for unit in units)


def words(round_: RoundRow, at: datetime) -> list[Words]:
    """List what was written in the whole round, question by question, as far as it may be shown (2 statements)."""
    asked = body(round_)
    rows = db.session.execute(
        select(Box.question, Box.answers)
        .where(Box.round_id == round_.id, Box.kind == "words", *_visible(is_over(round_, at)))
        .order_by(Box.question, Box.number)
    )
    texts: dict[int, list[str]] = {}
    for question, answers in rows:
        texts.setdefault(question, []).extend(one[str(question)] for one in answers)
    return [
        Words(
            question,
            len(written),
            tuple((text, bool(wording.found(text, asked.words))) for text in sorted(written)),
        )
        for question, written in texts.items()
        if len(written) >= FEWEST_SHOWN
    ]


def _visible(over: bool) -> tuple[ColumnElement[bool], ...]:
    return () if over else (Box.number > 0,)


def _counts(round_id: int, over: bool) -> dict[str, int]:
    """How many answers lie in each unit, by path."""
    rows = db.session.execute(
        select(Unit.path, func.sum(Box.count))
        .join(Unit, Unit.id == Box.unit_id)
        .where(Box.round_id == round_id, Box.kind == "choices", *_visible(over))
        .group_by(Unit.path)
    )
    return {path: int(count) for path, count in rows if count}


def _answers(round_id: int, over: bool) -> Iterator[tuple[str, questionnaire.Answers]]:
    return ((path, questionnaire.loaded(one)) for path, one in _lists(round_id, over))


def _lists(round_id: int, over: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    boxes = (
        select(Unit.path, Box.answers)
        .join(Unit, Unit.id == Box.unit_id)
        .where(Box.round_id == round_id, Box.kind == "choices", *_visible(over))
    )
    for path, answers in db.session.execute(boxes):
        for one in answers:
            yield path, one
