"""Reads of the rules: the version in force, all versions, the draft, and what the round says at this moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select

from quizsvc.campaign.models import Campaign, Round, RoundPaper
from quizsvc.campaign.queries import UnknownRound
from quizsvc.core import rulebook
from quizsvc.db import db
from quizsvc.paper.models import Paper
from quizsvc.rulebook.models import Draft, Version

CONTEST: Final = "contest"

RELEASED: Final = or_(
    Round.kind != CONTEST, select(Version.round_id).where(Version.round_id == Round.id).exists()
)
"""Over Round: it is no contest, or its rules have been announced; before that nobody may start."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """Rules as they were announced, cut off from the database."""

    round_id: int
    number: int
    hash: str
    rules: rulebook.Rules
    content: Mapping[str, Any]
    reason: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class DraftRow:
    """What the organizer has saved; the round in it is the one of that moment."""

    rules: rulebook.Rules
    saved_at: datetime
    saved_by: str


def in_force(round_id: int, at: datetime | None = None) -> VersionRow | None:
    """Return the version that was in force at a moment, or the newest; None before the first."""
    until = () if at is None else (Version.published_at <= at,)
    row = db.session.execute(
        select(Version).where(Version.round_id == round_id, *until).order_by(Version.number.desc()).limit(1)
    ).scalar_one_or_none()
    return None if row is None else _version(row)


def versions(round_id: int) -> list[VersionRow]:
    """List the announced versions of a round, oldest first."""
    rows = db.session.execute(
        select(Version).where(Version.round_id == round_id).order_by(Version.number)
    ).scalars()
    return [_version(row) for row in rows]


def draft(round_id: int) -> DraftRow | None:
    """Return the draft of a round, None when nothing has been saved."""
    row = db.session.get(Draft, round_id)
    return None if row is None else DraftRow(rulebook.read(row.content), row.saved_at, row.saved_by)


def facts(round_id: int) -> rulebook.Round:
    """Return what the rules say that the round decides, as it is now (2 statements)."""
    row = db.session.execute(
        select(Round, Campaign.organisers, Campaign.is_test)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .where(Round.id == round_id)
    ).one_or_none()
    if row is None:
        raise UnknownRound
    played = select(RoundPaper.paper_id).where(RoundPaper.round_id == round_id)
    hashes = db.session.execute(
        select(Paper.content_hash).where(or_(Paper.id == row.Round.paper_id, Paper.id.in_(played)))
    ).scalars()
    return rulebook.Round(
        title=row.Round.title,
        organisers=tuple(row.organisers),
        opens_at=row.Round.opens_at,
        closes_at=row.Round.closes_at,
        attempts=row.Round.attempts,
        per=row.Round.per,
        limit_s=row.Round.limit_s,
        pace=row.Round.pace,
        item_s=row.Round.item_s,
        papers=tuple(sorted(hashes)),
        is_test=row.is_test,
    )


def _version(row: Version) -> VersionRow:
    return VersionRow(
        row.round_id, row.number, row.hash, rulebook.read(row.content), row.content, row.reason,
        row.published_at, row.published_by,
    )  # fmt: skip
