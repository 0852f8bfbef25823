"""Reads of the requests: those of a receipt, those of a teacher's classes, those to be carried out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from quizsvc.attempt.models import Attempt, Participant
from quizsvc.campaign.models import Campaign, Round
from quizsvc.clock import local_day
from quizsvc.core import retention
from quizsvc.core.refusal import NotYours
from quizsvc.db import db, within
from quizsvc.rights.models import DELETE, GRANTED, OPEN, Request
from quizsvc.roster.models import Enrolment, Unit

REASONS: Final = {
    "not_me": "不是我本人做的",
    "wrong_place": "班级或序号错了",
    "other": "其他",
}
"""Why somebody wants something corrected, as it is chosen; a request to delete needs no reason."""


class UnknownRequest(NotYours):
    """No such request, or not of a class of the asker."""

    def __init__(self) -> None:
        super().__init__("没有找到这个请求，或者它不归你管。")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request with its class and round; `seat` is None once it is not known any more."""

    id: int
    kind: str
    state: str
    reason: str
    note: str
    answer: str
    asked_at: datetime
    decided_at: datetime | None
    done_at: datetime | None
    attempt_id: str | None
    round_id: int
    round_title: str
    unit_id: int
    unit_name: str
    unit_path: str
    erase_on: date
    seat: int | None
    by_player: bool
    """Asked by a player of a contest, who has no teacher: the organizer answers."""

    @property
    def due_on(self) -> date:
        """Until when it is to be answered: 15 working days, holidays not counted."""
        return retention.answer_due_on(local_day(self.asked_at))

    @property
    def reason_text(self) -> str:
        """The reason in words; empty when none was asked for."""
        return REASONS.get(self.reason, "")


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of an attempt beside what its own pages show."""

    source: str
    extension_s: int
    saved_at: datetime | None
    void_reason: str | None
    erase_on: date


def held(attempt_id: str) -> Held:
    """Return what is kept of an attempt beside what its own pages show (1 statement)."""
    row = db.session.execute(
        select(
            Attempt.source, Participant.extension_s, Attempt.saved_at, Attempt.void_reason, Campaign.erase_on
        )
        .join(Participant, Participant.id == Attempt.participant_id)
        .join(Round, Round.id == Attempt.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .where(Attempt.id == attempt_id)
    ).one()
    return Held(*row)


def receipt_hash(receipt: str) -> str:
    """Return what a request keeps of the receipt it was made with."""
    return hashlib.sha256(receipt.encode()).hexdigest()


def of_receipt(receipt: str) -> list[RequestRow]:
    """List the requests that were made with a receipt, newest first (1 statement)."""
    return _rows(_requests().where(Request.receipt_hash == receipt_hash(receipt)).order_by(*_NEWEST))


def of_classes(paths: Sequence[str], at: datetime) -> list[RequestRow]:
    """List the requests of pupils in some subtrees: open ones by age, then those decided lately (1 statement)."""
    return _listed(paths, at, ~_BY_PLAYER)


def of_players(paths: Sequence[str], at: datetime) -> list[RequestRow]:
    """List the requests of players of contests in some subtrees, in the same order (1 statement)."""
    return _listed(paths, at, _BY_PLAYER)


def _listed(paths: Sequence[str], at: datetime, whose: ColumnElement[bool]) -> list[RequestRow]:
    lately = or_(Request.state == OPEN, Request.decided_at > retention.requests_go(at))
    rows = _rows(
        _requests().where(within(Unit.path, paths), whose, lately).order_by(Request.asked_at, Request.id)
    )
    return sorted(rows, key=lambda row: row.state != OPEN)


def waiting(paths: Sequence[str]) -> int:
    """Count the open requests of pupils in some subtrees (1 statement)."""
    count = (
        select(func.count())
        .select_from(Request)
        .join(Unit, Unit.id == Request.unit_id)
        .join(Round, Round.id == Request.round_id)
    )
    return db.session.execute(
        count.where(within(Unit.path, paths), ~_BY_PLAYER, Request.state == OPEN)
    ).scalar_one()


def request_of(request_id: int) -> RequestRow:
    """Return a request, or refuse when there is none (1 statement)."""
    found = _rows(_requests().where(Request.id == request_id))
    if not found:
        raise UnknownRequest
    return found[0]


def to_carry_out() -> list[RequestRow]:
    """List the deletions that were granted and not carried out yet, oldest first (1 statement)."""
    granted = (Request.state == GRANTED, Request.kind == DELETE, Request.done_at.is_(None))
    return _rows(_requests().where(*granted, Request.attempt_id.is_not(None)).order_by(Request.id))


def worded(at: datetime) -> ColumnElement[bool]:
    """Tell which requests were decided long enough ago and still have their words."""
    return and_(Request.decided_at <= retention.requests_go(at), _KEPT)


def of_rounds(round_ids: Sequence[int]) -> ColumnElement[bool]:
    """Tell which requests of rounds still have their words."""
    return and_(Request.round_id.in_(round_ids), _KEPT)


def count_of(condition: ColumnElement[bool]) -> int:
    """Count what one of these tells (1 statement)."""
    return db.session.execute(select(func.count()).select_from(Request).where(condition)).scalar_one()


_KEPT = or_(Request.receipt_hash.is_not(None), Request.attempt_id.is_not(None))
_BY_PLAYER = Round.identity == "nickname"
_NEWEST = (Request.asked_at.desc(), Request.id.desc())


def _requests() -> Select[Any]:
    return (
        select(
            Request.__table__, Round.title.label("round_title"), Campaign.erase_on,
            Unit.name.label("unit_name"), Unit.path.label("unit_path"), Enrolment.seat,
            _BY_PLAYER.label("by_player"),
        )
        .join(Unit, Unit.id == Request.unit_id)
        .join(Round, Round.id == Request.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .outerjoin(Attempt, Attempt.id == Request.attempt_id)
        .outerjoin(Participant, Participant.id == Attempt.participant_id)
        .outerjoin(Enrolment, Enrolment.id == Participant.enrolment_id)
    )  # fmt: skip


def _rows(statement: Select[Any]) -> list[RequestRow]:
    return [_row(row) for row in db.session.execute(statement)]


def _row(row: Row[Any]) -> RequestRow:
    return RequestRow(
        id=row.id,
        kind=row.kind,
        state=row.state,
        reason=row.reason,
        note=row.note,
        answer=row.answer,
        asked_at=row.asked_at,
        decided_at=row.decided_at,
        done_at=row.done_at,
        attempt_id=row.attempt_id,
        round_id=row.round_id,
        round_title=row.round_title,
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        unit_path=row.unit_path,
        erase_on=row.erase_on,
        seat=row.seat,
        by_player=bool(row.by_player),
    )
