"""Reads of the bulletins: figures taken now, drafts, issues, and the reminders of a week."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from quizsvc.bulletin.models import Draft, Issued
from quizsvc.campaign.models import Campaign
from quizsvc.campaign.queries import CampaignRow, RoundRow
from quizsvc.clock import SHANGHAI, local_day
from quizsvc.core import bulletin, notices, roundkind, unitname
from quizsvc.core.bulletin import Figures, Issue, Part, Section, Topic
from quizsvc.core.indicators import Tally
from quizsvc.core.ledger import Anchor
from quizsvc.core.refusal import NotYours
from quizsvc.core.term import term_label
from quizsvc.db import db, touching, within
from quizsvc.link import queries as link
from quizsvc.paper import queries as paper
from quizsvc.rollup import queries as rollup
from quizsvc.rollup.queries import Level
from quizsvc.roster.models import Unit
from quizsvc.roster.queries import UnitRow

MOST_TOPIC_HEADS: Final = 10_000
"""Above this, a bulletin tells no topics: every answer would have to be read for one page."""


class UnknownBulletin(NotYours):
    """There is no such bulletin, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("没有这份通报，或者不归您管。")


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A bulletin that is being written."""

    id: int
    campaign_id: int
    unit_path: str
    issue: Issue
    corrects_id: int | None
    saved_at: datetime
    saved_by: str


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A bulletin as it was issued."""

    id: int
    campaign_id: int
    unit_path: str
    issue: Issue
    hash: str
    issued_at: datetime
    issued_by: str
    anchor: Anchor
    corrected_by: int | None
    """Number of the later issue that takes its place."""

    @property
    def foot(self) -> tuple[str, ...]:
        """Return the small print under it."""
        return bulletin.foot(self.hash, self.anchor.short)


@dataclass(frozen=True, slots=True)
class Line:
    """A bulletin in a list."""

    id: int
    campaign_name: str
    unit_name: str
    unit_path: str
    period: str
    heading: str
    moment: datetime
    """When it was issued, or last saved."""
    corrected: bool


def figures(campaign: CampaignRow, unit: UnitRow, at: datetime) -> Figures:
    """Take the figures of a unit in a campaign as they are now (5 statements, and 2 for the topics of a test)."""
    counted = rollup.levels_by_round(campaign.id, unit)
    newest = max((one for one, _ in counted if one.kind == "test"), key=_begun, default=None)
    kinds = list(roundkind.WORDS)
    counted.sort(key=lambda one: (one[0] is not newest, kinds.index(one[0].kind), _begun(one[0])))
    return Figures(
        campaign=campaign.name,
        term=term_label(campaign.term),
        unit=unit.name,
        scope=unitname.SCOPE_WORDS.get(unit.kind, unit.name),
        at=at.astimezone(SHANGHAI).replace(second=0, microsecond=0),
        sections=tuple(_section(one, levels, unit, topics=one is newest) for one, levels in counted),
    )


def _begun(round_: RoundRow) -> tuple[datetime, int]:
    return round_.opens_at, round_.id


def _section(round_: RoundRow, levels: Sequence[Level], unit: UnitRow, *, topics: bool) -> Section:
    whole = next(
        (_part(one) for one in levels if one.unit.id == unit.id), Part(unit.id, unit.name, Tally.ZERO, 0)
    )
    parts = [one for one in levels if one.unit.parent_id == unit.id]
    return Section(
        round_id=round_.id,
        title=round_.title,
        kind=round_.kind,
        nameless=round_.is_nameless,
        closes_at=round_.closes_at.astimezone(SHANGHAI),
        counter=unitname.counter(one.unit.kind for one in parts),
        whole=whole,
        parts=tuple(_part(one) for one in parts),
        topics=_topics(round_, unit) if topics and whole.tally.done <= MOST_TOPIC_HEADS else (),
    )


def _part(level: Level) -> Part:
    return Part(level.unit.id, level.unit.name, level.tally, level.missing)


def _topics(round_: RoundRow, unit: UnitRow) -> tuple[Topic, ...]:
    names = paper.frozen(round_.paper_id).topics
    return tuple(
        Topic(names.get(code, code), rate.part, rate.whole)
        for code, rate in rollup.topic_counts(round_, unit.path).items()
    )


def draft(draft_id: int) -> DraftRow:
    """Return a draft."""
    asked = select(Draft, Unit.path).join(Unit, Unit.id == Draft.unit_id).where(Draft.id == draft_id)
    found = db.session.execute(asked).one_or_none()
    if found is None:
        raise UnknownBulletin
    row, path = found
    return DraftRow(
        id=row.id,
        campaign_id=row.campaign_id,
        unit_path=path,
        issue=bulletin.issue_read(row.content),
        corrects_id=row.corrects_id,
        saved_at=row.saved_at,
        saved_by=row.saved_by,
    )


def draft_of(campaign_id: int, unit_id: int, period: str) -> int | None:
    """Return the draft that is being written for a unit and a period."""
    same = (Draft.campaign_id == campaign_id, Draft.unit_id == unit_id, Draft.period == period)
    return db.session.execute(select(Draft.id).where(*same)).scalar_one_or_none()


def issued(bulletin_id: int) -> IssuedRow:
    """Return a bulletin as it was issued."""
    later = aliased(Issued)
    found = db.session.execute(
        select(Issued, Unit.path, later.issue_no)
        .join(Unit, Unit.id == Issued.unit_id)
        .outerjoin(later, later.corrects_id == Issued.id)
        .where(Issued.id == bulletin_id)
    ).one_or_none()
    if found is None:
        raise UnknownBulletin
    row, path, corrected_by = found
    return IssuedRow(
        id=row.id,
        campaign_id=row.campaign_id,
        unit_path=path,
        issue=bulletin.issue_read(row.content),
        hash=row.hash,
        issued_at=row.issued_at,
        issued_by=row.issued_by,
        anchor=Anchor(row.anchor_seq, row.anchor_hash),
        corrected_by=corrected_by,
    )


def newest(campaign_id: int, unit_id: int, period: str) -> Issued | None:
    """Return the last issue of a unit and a period."""
    same = (Issued.campaign_id == campaign_id, Issued.unit_id == unit_id, Issued.period == period)
    asked = select(Issued).where(*same).order_by(Issued.issue_no.desc()).limit(1)
    return db.session.execute(asked).scalar_one_or_none()


def issues_for(paths: Sequence[str]) -> list[Line]:
    """List what has been issued by the units at and under some paths, and by those above them, newest first."""
    later = aliased(Issued)
    rows = db.session.execute(
        select(Issued, Campaign.name, Unit.name, Unit.path, later.id)
        .join(Campaign, Campaign.id == Issued.campaign_id)
        .join(Unit, Unit.id == Issued.unit_id)
        .outerjoin(later, later.corrects_id == Issued.id)
        .where(touching(Unit.path, paths))
        .order_by(Issued.issued_at.desc(), Issued.id.desc())
    )
    return [
        _line(one, named, one.issued_at, corrected=corrected_by is not None)
        for one, *named, corrected_by in rows
    ]


def drafts_in(paths: Sequence[str]) -> list[Line]:
    """List what is being written for the units at and under some paths, newest first."""
    rows = db.session.execute(
        select(Draft, Campaign.name, Unit.name, Unit.path)
        .join(Campaign, Campaign.id == Draft.campaign_id)
        .join(Unit, Unit.id == Draft.unit_id)
        .where(within(Unit.path, paths))
        .order_by(Draft.saved_at.desc(), Draft.id.desc())
    )
    return [_line(one, named, one.saved_at, corrected=False) for one, *named in rows]


def _line(one: Draft | Issued, named: Sequence[str], moment: datetime, *, corrected: bool) -> Line:
    campaign_name, unit_name, unit_path = named
    return Line(
        id=one.id,
        campaign_name=campaign_name,
        unit_name=unit_name,
        unit_path=unit_path,
        period=one.period,
        heading=bulletin.issue_read(one.content).heading,
        moment=moment,
        corrected=corrected,
    )


@dataclass(frozen=True, slots=True)
class Reminder:
    """What a class is reminded of this week."""

    unit: UnitRow
    above: str
    """What stands between the unit that is looked at and the class: 实验中学 七年级."""
    missing: int
    text: str


def reminders(
    drive: CampaignRow, unit: UnitRow, *, public_url: str, tip: str, at: datetime
) -> list[Reminder]:
    """Write the week's reminder of every class under a unit, most missing first (6 statements)."""
    monday, sunday = bulletin.span("week", local_day(at))
    rounds = {
        one.id: (one, {level.unit.id: level.tally for level in levels}, {level.unit for level in levels})
        for one, levels in rollup.levels_by_round(drive.id, unit)
        if local_day(one.opens_at) <= sunday and local_day(one.closes_at) >= monday
    }
    doors = link.doors_into(list(rounds), unit.path) if rounds else {}
    units = {one.id: one for _, _, reached in rounds.values() for one in reached}
    with_parts = {one.parent_id for one in units.values()}
    names = {one.path: one.name for one in units.values() if one.id in with_parts and one.id != unit.id}
    found = []
    for one in units.values():
        if one.id in with_parts:
            continue
        told = [
            link.notice(
                round_,
                one.name,
                tallies[one.id],
                doors.get((round_.id, one.id)),
                public_url=public_url,
                at=at,
            )
            for round_, tallies, _ in rounds.values()
            if one.id in tallies
        ]
        text = notices.weekly_text(told, unit_name=one.name, monday=monday, tip=tip)
        between = sorted(
            (path, other) for path, other in names.items() if path != one.path and one.path.startswith(path)
        )
        above = " ".join(other for _, other in between)
        found.append(Reminder(one, above, sum(each.missing for each in told if not each.nameless), text))
    return sorted(found, key=lambda one: (one.missing == 0, one.unit.path))
