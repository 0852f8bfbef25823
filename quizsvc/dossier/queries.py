"""What a class did in a term, seat by seat: tests, receipts, pledges, what is in use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.clock import local_day
from quizsvc.core import roundkind
from quizsvc.core.adoption import PROOFS, Adoption
from quizsvc.declaration import queries as declaration
from quizsvc.paper import queries as paper
from quizsvc.report import queries as report
from quizsvc.rollup import queries as rollup
from quizsvc.roster import queries as roster
from quizsvc.roster.queries import UnitRow

KINDS = tuple(kind for kind in roundkind.WORDS if kind != "contest")


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One seat in one test."""

    round: RoundRow
    seat: int
    who: str | None
    score: report.ScoreRow


@dataclass(frozen=True, slots=True)
class SignedLine:
    """One seat in one round of receipts or pledges; everything but the seat is None until it has declared."""

    round: RoundRow
    seat: int
    who: str | None
    state: str
    met: bool | None
    channel: str | None
    declared_at: datetime | None
    text_hash: str | None


@dataclass(frozen=True, slots=True)
class UseLine:
    """One item of an adoption survey as one seat has answered it."""

    round: RoundRow
    seat: int
    who: str | None
    item: str
    state: str
    proof: str | None


@dataclass(frozen=True, slots=True)
class File:
    """The class file of a term."""

    unit: UnitRow
    term: str
    named: bool
    lines: tuple[rollup.Line, ...]
    scores: tuple[ScoreLine, ...]
    receipts: tuple[SignedLine, ...]
    pledges: tuple[SignedLine, ...]
    uses: tuple[UseLine, ...]
    erased: tuple[RoundRow, ...]
    """Rounds of which nothing leads to a seat any more: their counts stand among the lines."""


def class_file(unit: UnitRow, term: str, at: datetime, *, names: bool) -> File:
    """Gather the file of a class; with `names`, whoever has one in the roster is named."""
    rounds = [
        one
        for one in campaign.rounds_over([unit.path], kinds=KINDS)
        if one.term == term and not one.is_test and not one.is_nameless
    ]
    campaigns = sorted({one.campaign_id for one in rounds})
    lines = tuple(line for campaign_id in campaigns for line in rollup.lines(campaign_id, unit))
    kept = [one for one in rounds if local_day(at) < one.erase_on]
    places = {place.enrolment_id: place.seat for place in roster.places(unit.id, term)}
    known: Mapping[int, str] = roster.names(list(places)) if names else {}
    who = {places[enrolment_id]: name for enrolment_id, name in known.items()}
    return File(
        unit=unit,
        term=term,
        named=bool(who),
        lines=lines,
        scores=tuple(
            ScoreLine(one, row.seat, who.get(row.seat), row)
            for one in kept
            if one.kind == "test"
            for row in report.scores(one, unit.id, at, names=False).rows
        ),
        receipts=tuple(_signed(kept, "receipt", unit, who)),
        pledges=tuple(_signed(kept, "pledge", unit, who)),
        uses=tuple(_used(kept, unit, who)),
        erased=tuple(one for one in rounds if one not in kept),
    )


def _signed(rounds: list[RoundRow], kind: str, unit: UnitRow, who: Mapping[int, str]) -> Iterator[SignedLine]:
    for one in rounds:
        for seat in declaration.seats_of(one, unit.id) if one.kind == kind else ():
            line = seat.declaration
            yield SignedLine(
                round=one,
                seat=seat.seat,
                who=who.get(seat.seat),
                state="免" if seat.exempt else one.words.done if line else f"没{one.words.verb}",
                met=None if line is None else line.met,
                channel=None if line is None else declaration.CHANNEL_NAMES[line.channel],
                declared_at=None if line is None else line.declared_at,
                text_hash=None if line is None else line.text_hash[:8],
            )


def _used(rounds: list[RoundRow], unit: UnitRow, who: Mapping[int, str]) -> Iterator[UseLine]:
    for one in rounds:
        if one.kind != "adoption":
            continue
        body = paper.sheet(one.paper_id).body
        if not isinstance(body, Adoption):
            continue
        seats = declaration.seats_of(one, unit.id)
        items = declaration.items_of_many([seat.declaration.id for seat in seats if seat.declaration])
        for seat in seats:
            told = {row.item: row for row in items.get(seat.declaration.id, ())} if seat.declaration else {}
            for number, item in enumerate(body.items):
                row = told.get(number)
                state = "免" if seat.exempt else declaration.STATE_NAMES[row.state] if row else "没填"
                proof = PROOFS[row.proof] if row and row.state == "adopted" else None
                yield UseLine(one, seat.seat, who.get(seat.seat), item.text, state, proof)
