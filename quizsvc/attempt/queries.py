"""Reads of the attempts: one attempt with all its page needs, a device's attempts, a class's seats."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Label,
    Result,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from quizsvc.attempt.models import Attempt, ItemSum, Late, Participant, Player
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import itemstats, marking, window
from quizsvc.core.itemstats import ItemCount
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Unknown
from quizsvc.db import db, run, subtree
from quizsvc.link.models import Link
from quizsvc.link.queries import UnknownLink
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Unit
from quizsvc.rulebook.queries import RELEASED

REVIEWS = ("score", "answers", "key", "explanation")
NOTHING_SAVED = Saved(0, ())


class UnknownAttempt(Unknown):
    """No such attempt, or a receipt that nobody got."""

    def __init__(self) -> None:
        super().__init__("没有找到这次作答。请重新扫班级二维码，或问问老师。")


@dataclass(frozen=True, slots=True)
class Progress:
    """One attempt, as far as writing needs it."""

    attempt_id: str
    paper_id: int
    seed: str
    form: tuple[tuple[int, int], ...]
    answers: Mapping[int, Saved]
    device_hash: str | None
    deadline: datetime
    policy: str  # what becomes of it when it is not handed in
    pace: str
    item_s: int | None
    started_at: datetime
    saved_at: datetime | None
    submitted_at: datetime | None
    voided: bool

    def over(self, at: datetime) -> bool:
        """Say whether nothing can change any more: submitted, void, or past the last moment the round takes it."""
        return self.submitted_at is not None or self.voided or self.arrival(at) == "over"

    def arrival(self, at: datetime) -> window.Arrival:
        """Tell how the clock takes what arrives now."""
        return window.arrival(at, self.deadline, self.policy)

    @property
    def shown_from(self) -> datetime:
        """When the item that is on was first to be seen, where items come one by one."""
        return self.saved_at or self.started_at

    def differing(self, incoming: Mapping[int, Saved]) -> list[int]:
        """List the positions of a body whose choice is not the stored one; what it leaves out is no difference."""
        return sorted(
            position
            for position, saved in incoming.items()
            if set(saved.chosen) != set(self.answers.get(position, NOTHING_SAVED).chosen)
        )


@dataclass(frozen=True, slots=True)
class Sheet(Progress):
    """One attempt with the facts of its round, class and seat."""

    participant_id: int
    round_id: int
    unit_id: int
    code: str
    title: str
    identity: str
    is_test: bool
    class_name: str
    unit_path: str
    term: str
    frozen_at: datetime
    organisers: tuple[str, ...]
    hotline: str
    kind: str
    per: str
    round_code: str
    seat: int | None
    nickname: str
    player_device: str | None
    """The phone the player goes on with; older goes keep the one they were made on."""
    enrolment_id: int | None
    period: str
    ordinal: int
    allowed: int
    resume: str | None
    receipt: str | None
    window_closes_at: datetime
    limited: bool
    overdue: bool
    late: bool
    score: int | None
    out_of: int
    correct: tuple[bool, ...] | None
    threshold_permyriad: int
    review_after_submit: tuple[str, ...]
    review_after_close: tuple[str, ...]
    another_is_open: bool

    @property
    def is_contest(self) -> bool:
        """Say whether prizes may be won here."""
        return self.kind == "contest"

    def of_phone(self, device: str) -> bool:
        """Say whether a phone may read it: it was made there, or its player goes on there."""
        return device_hash(device) in (self.device_hash, self.player_device)

    @property
    def who(self) -> str:
        """Name the seat or the player as they are called on their own pages."""
        return self.nickname if self.seat is None else f"{self.seat} 号"

    @property
    def reveals_at(self) -> datetime:
        """From when on the class is shown what it may see after closing: not while anybody may still hand in late."""
        waits_s = window.GRACE_S + window.LATE_S if self.policy == "accept_flagged" else 0
        return self.window_closes_at + timedelta(seconds=waits_s)

    def published(self, at: datetime) -> frozenset[str]:
        """List what the class may see of its results, each of their own; in a contest others still answer the same."""
        if at >= self.reveals_at:
            return frozenset(self.review_after_close)
        shown = frozenset(self.review_after_submit)
        return shown & {"score"} if self.kind == "contest" else shown

    def lapsed(self, at: datetime) -> bool:
        """Say whether the clock has voided it, or is about to: not handed in, in a round where that does not count."""
        if self.policy != "reject" or self.submitted_at is not None:
            return False
        return self.overdue if self.voided else self.over(at)

    def shown(self, at: datetime) -> frozenset[str]:
        """List what may be shown of the result; never a key while the person may still answer the same items."""
        if self.voided or self.lapsed(at):
            return frozenset()
        allowed = set(self.published(at))
        if self.another_is_open or self.submitted_at is None:  # the window may still be prolonged
            allowed -= {"answers", "key", "explanation"}
        return frozenset(allowed)

    def tokens(self) -> dict[int, tuple[str, ...]]:
        """Return the saved choices by position."""
        return {position: saved.chosen for position, saved in self.answers.items()}


@dataclass(frozen=True, slots=True)
class DeviceAttempt:
    """What a phone did before behind the same link."""

    attempt_id: str
    seat: int
    submitted: bool
    answered: int


@dataclass(frozen=True, slots=True)
class Go:
    """One attempt of a participant, as far as starting the next one needs it."""

    attempt_id: str
    items: tuple[int, ...]
    device_hash: str | None
    resume: str | None
    started_at: datetime
    submitted_at: datetime | None
    period: str
    paper_id: int | None
    """None: the round's own."""


@dataclass(frozen=True, slots=True)
class History:
    """A seat in a round: its place, its participant (None before the first go) and the goes."""

    enrolment_id: int
    exempt: bool
    participant_id: int | None
    extension_s: int
    lapsed: int
    """Goes the clock has voided, without those a teacher has forgiven."""
    goes: tuple[Go, ...]

    @property
    def running(self) -> Go | None:
        """The go that is not submitted."""
        return _running(self.goes)


@dataclass(frozen=True, slots=True)
class Playing:
    """A phone in a contest: its player, None before joining, and the goes, oldest first."""

    player: "PlayerRow | None"
    goes: tuple[Go, ...]

    @property
    def running(self) -> Go | None:
        """The go that is not submitted."""
        return _running(self.goes)


def _running(goes: Sequence[Go]) -> Go | None:
    return next((go for go in goes if go.submitted_at is None), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A live link and its round, as far as starting needs them."""

    link_id: int
    unit_id: int
    round_id: int
    paper_id: int
    window: window.Window
    attempts: int
    limit_s: int | None
    kind: str
    identity: str
    per: str
    released: bool
    """It is no contest, or its rules have been announced."""


@dataclass(frozen=True, slots=True)
class SeatState:
    """How far one seat is, for the class's own teacher."""

    enrolment_id: int
    seat: int
    exempt: bool
    state: str  # none | open | done
    answered: int
    items: int
    attempts: int
    open_id: str | None
    first_score: int | None
    counted_score: int | None
    out_of: int
    first_met: bool
    met: bool
    late: bool
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class LateBody:
    """Answers that arrived after the clock had closed their attempt, as the class's own teacher sees them."""

    attempt_id: str
    ordinal: int
    number: int
    at: datetime
    different: int
    acceptable: bool
    accepted: bool
    settled: bool
    """One of the attempt's late bodies has been accepted: there is nothing left to decide."""


def device_hash(device: str) -> str:
    """Return what is stored of a device's secret."""
    return hashlib.sha256(device.encode()).hexdigest()


def unpacked(answers: Mapping[str, Any]) -> dict[int, Saved]:
    """Return stored answers as values."""
    return {int(position): Saved(seq, tuple(chosen)) for position, (seq, chosen) in answers.items()}


def packed(answers: Mapping[int, Saved]) -> dict[str, Any]:
    """Return answers as they are stored."""
    return {str(position): [saved.seq, list(saved.chosen)] for position, saved in sorted(answers.items())}


PAPER_ID: Label[int] = func.coalesce(Attempt.paper_id, Round.paper_id).label("of_paper_id")
"""The paper of an attempt: its own where the round has one a day or a role, else the round's."""

KNOWN: ColumnElement[bool] = or_(Enrolment.id.is_not(None), Player.nickname != "")
"""There is a seat or a nickname behind the participant; when both are erased, nobody knows the head any more."""

_other = aliased(Attempt)


def _sheets() -> Select[Any]:
    another = exists().where(
        _other.participant_id == Attempt.participant_id,
        _other.id != Attempt.id,
        _other.submitted_at.is_(None),
        _other.voided_at.is_(None),
    )
    return (
        select(
            Attempt.__table__,
            PAPER_ID, Round.title, Round.identity, Round.closes_at, Round.late.label("policy"),
            Round.kind, Round.pace, Round.item_s, Round.per, Round.code.label("round_code"),
            Round.threshold_permyriad,
            Round.review_after_submit, Round.review_after_close,
            Link.code, Link.closes_at.label("link_closes_at"),
            Round.frozen_at, Campaign.term, Campaign.is_test, Campaign.organisers, Campaign.hotline,
            Unit.name.label("class_name"), Unit.path.label("unit_path"),
            Enrolment.seat, Enrolment.id.label("enrolment_id"), Player.nickname,
            Player.device_hash.label("player_device"),
            another.label("another_is_open"),
        )
        .join(Participant, Participant.id == Attempt.participant_id)
        .outerjoin(Enrolment, Enrolment.id == Participant.enrolment_id)
        .outerjoin(Player, Player.participant_id == Participant.id)
        .join(Round, Round.id == Attempt.round_id)
        .join(Link, Link.id == Attempt.link_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .join(Unit, Unit.id == Attempt.unit_id)
        .where(KNOWN)
    )  # fmt: skip


_BY_ID = _sheets().where(Attempt.id == bindparam("attempt_id"))
_FOR_WRITING = (
    select(
        Attempt.id, PAPER_ID, Attempt.seed, Attempt.form, Attempt.answers, Attempt.device_hash,
        Attempt.started_at, Attempt.limit_ends_at, Round.closes_at, Link.closes_at.label("link_closes_at"),
        Round.late.label("policy"), Round.pace, Round.item_s, Attempt.saved_at, Attempt.submitted_at, Attempt.voided_at,
    )
    .join(Round, Round.id == Attempt.round_id)
    .join(Link, Link.id == Attempt.link_id)
    .where(Attempt.id == bindparam("attempt_id"))
    .with_for_update(of=Attempt)
)  # fmt: skip
_BY_RECEIPT = _sheets().where(Attempt.receipt == bindparam("receipt"), Attempt.submitted_at.is_not(None))


def sheet(attempt_id: str) -> Sheet:
    """Return one attempt (1 statement)."""
    return _sheet(run(_BY_ID, attempt_id=attempt_id).one_or_none())


def sheet_by_receipt(receipt: str) -> Sheet:
    """Return the submitted attempt of a receipt (1 statement)."""
    return _sheet(run(_BY_RECEIPT, receipt=receipt).one_or_none())


def for_writing(attempt_id: str) -> Progress:
    """Return one attempt, locked until the operation ends (on SQLite the operation holds the whole file)."""
    row = run(_FOR_WRITING, attempt_id=attempt_id).one_or_none()
    if row is None:
        raise UnknownAttempt
    return Progress(**_progress(row))


def _progress(row: Row[Any]) -> dict[str, Any]:
    return {
        "attempt_id": row.id,
        "paper_id": row.of_paper_id,
        "seed": row.seed,
        "form": tuple((index, points) for index, points in row.form),
        "answers": unpacked(row.answers),
        "device_hash": row.device_hash,
        # a link that was repointed may close earlier than the attempt began
        "deadline": max(_deadline(row.limit_ends_at, row.closes_at, row.link_closes_at), row.started_at),
        "policy": row.policy,
        "pace": row.pace,
        "item_s": row.item_s,
        "started_at": row.started_at,
        "saved_at": row.saved_at,
        "submitted_at": row.submitted_at,
        "voided": row.voided_at is not None,
    }


def _sheet(row: Row[Any] | None) -> Sheet:
    if row is None:
        raise UnknownAttempt
    return Sheet(
        **_progress(row),
        participant_id=row.participant_id,
        round_id=row.round_id,
        unit_id=row.unit_id,
        code=row.code,
        title=row.title,
        identity=row.identity,
        is_test=row.is_test,
        class_name=row.class_name,
        unit_path=row.unit_path,
        term=row.term,
        frozen_at=row.frozen_at,
        organisers=tuple(row.organisers),
        hotline=row.hotline,
        kind=row.kind,
        per=row.per,
        round_code=row.round_code,
        seat=row.seat,
        nickname=row.nickname or "",
        player_device=row.player_device,
        enrolment_id=row.enrolment_id,
        period=row.period,
        ordinal=row.ordinal,
        allowed=row.allowed,
        resume=row.resume,
        receipt=row.receipt,
        window_closes_at=_deadline(None, row.closes_at, row.link_closes_at),
        limited=row.limit_ends_at is not None,
        overdue=row.overdue,
        late=row.late,
        score=row.score,
        out_of=row.out_of,
        correct=None if row.correct is None else tuple(row.correct),
        threshold_permyriad=row.threshold_permyriad,
        review_after_submit=tuple(row.review_after_submit),
        review_after_close=tuple(row.review_after_close),
        another_is_open=row.another_is_open,
    )


_lapse = aliased(Attempt)
_HAS_LAPSED = (
    _lapse.round_id == Participant.round_id, _lapse.unit_id == Participant.unit_id,
    _lapse.participant_id == Participant.id,
    _lapse.submitted_at.is_(None), _lapse.voided_at.is_not(None), _lapse.overdue,
)  # fmt: skip
_LAPSES = select(func.count()).where(*_HAS_LAPSED).correlate(Participant).scalar_subquery()
_LAPSED = func.coalesce(_LAPSES - Participant.forgiven, 0)
_HISTORY_COLUMNS = (
    Enrolment.id.label("enrolment_id"), Exemption.id.is_not(None).label("exempt"),
    Participant.id.label("participant_id"), Participant.extension_s,
    Attempt.id, Attempt.form, Attempt.device_hash, Attempt.resume, Attempt.started_at, Attempt.submitted_at,
    Attempt.period, Attempt.paper_id.label("other_paper_id"),
)  # fmt: skip
_ENTRY_COLUMNS = (
    Link.id.label("link_id"), Link.unit_id, Link.round_id, Link.closes_at.label("link_closes_at"),
    Round.paper_id, Round.opens_at, Round.closes_at, Round.attempts, Round.limit_s, Round.kind, Round.identity,
    Round.per, RELEASED.label("released"),
)  # fmt: skip
_GO_BY_GO = (Attempt.period, Attempt.ordinal)


def _with_goes(seats: Select[*tuple[Any, ...]], round_id: Any) -> Select[Any]:
    """Join to seats what has happened on them in a round, by ordinal."""
    return (
        seats.outerjoin(Exemption, and_(Exemption.enrolment_id == Enrolment.id, Exemption.ended_at.is_(None)))
        .outerjoin(
            Participant, and_(Participant.enrolment_id == Enrolment.id, Participant.round_id == round_id)
        )
        .outerjoin(Attempt, and_(Attempt.participant_id == Participant.id, Attempt.voided_at.is_(None)))
        .order_by(*_GO_BY_GO)
    )


_HISTORY = _with_goes(
    select(*_HISTORY_COLUMNS).where(
        Enrolment.unit_id == bindparam("unit_id"), Enrolment.term == bindparam("term"),
        Enrolment.seat == bindparam("seat"), Enrolment.left_at.is_(None),
    ).add_columns(_LAPSED.label("lapsed")),
    bindparam("round_id"),
)  # fmt: skip
_ENTRY = _with_goes(
    select(
        *_ENTRY_COLUMNS, *_HISTORY_COLUMNS, case((Round.late == "reject", _LAPSED), else_=0).label("lapsed"),
    )
    .select_from(Link)
    .join(Round, Round.id == Link.round_id)
    .join(Campaign, Campaign.id == Round.campaign_id)
    .outerjoin(
        Enrolment,
        and_(
            Enrolment.unit_id == Link.unit_id, Enrolment.term == Campaign.term,
            Enrolment.seat == bindparam("seat"), Enrolment.left_at.is_(None),
        ),
    )
    .where(Link.code == bindparam("code"), Link.revoked_at.is_(None)),
    Link.round_id,
)  # fmt: skip


def entry(code: str, seat: int) -> tuple[Entry, History | None]:
    """Return the live link of a code and the history of a seat behind it, or refuse the code (1 statement)."""
    rows = run(_ENTRY, code=code, seat=seat).all()
    if not rows:
        raise UnknownLink
    return _entry(rows[0]), _history(rows)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        link_id=row.link_id,
        unit_id=row.unit_id,
        round_id=row.round_id,
        paper_id=row.paper_id,
        window=window.Window(row.opens_at, _deadline(None, row.closes_at, row.link_closes_at)),
        attempts=row.attempts,
        limit_s=row.limit_s,
        kind=row.kind,
        identity=row.identity,
        per=row.per,
        released=bool(row.released),
    )


def history(round_: RoundRow, unit_id: int, seat: int) -> History | None:
    """Return a seat with its attempts that are not void, by ordinal; None when there is no such seat (1 statement)."""
    rows = run(_HISTORY, round_id=round_.id, unit_id=unit_id, term=round_.term, seat=seat).all()
    return _history(rows)


def _history(rows: Sequence[Row[Any]]) -> History | None:
    if not rows or rows[0].enrolment_id is None:
        return None
    first = rows[0]
    return History(
        enrolment_id=first.enrolment_id,
        exempt=bool(first.exempt),
        participant_id=first.participant_id,
        extension_s=first.extension_s or 0,
        lapsed=first.lapsed,
        goes=_goes(rows),
    )


def _goes(rows: Sequence[Row[Any]]) -> tuple[Go, ...]:
    return tuple(
        Go(
            attempt_id=row.id,
            items=tuple(index for index, _ in row.form),
            device_hash=row.device_hash,
            resume=row.resume,
            started_at=row.started_at,
            submitted_at=row.submitted_at,
            period=row.period,
            paper_id=row.other_paper_id,
        )
        for row in rows
        if row.id is not None
    )


_OF_DEVICE = (
    select(Attempt.id, Enrolment.seat, Attempt.submitted_at, Attempt.answers)
    .join(Participant, Participant.id == Attempt.participant_id)
    .join(Enrolment, Enrolment.id == Participant.enrolment_id)
    .where(
        Attempt.round_id == bindparam("round_id"),
        Attempt.unit_id == bindparam("unit_id"),
        Attempt.device_hash == bindparam("device_hash"),
        Attempt.voided_at.is_(None),
    )
    .order_by(Attempt.started_at.desc())
)


def of_device(round_id: int, unit_id: int, device: str) -> list[DeviceAttempt]:
    """List what a phone did in a class's round, one line a seat, newest first (1 statement)."""
    newest: dict[int, DeviceAttempt] = {}
    for row in run(_OF_DEVICE, round_id=round_id, unit_id=unit_id, device_hash=device_hash(device)):
        newest.setdefault(
            row.seat, DeviceAttempt(row.id, row.seat, row.submitted_at is not None, answered(row.answers))
        )
    return list(newest.values())


def answered(answers: Mapping[str, Any]) -> int:
    """Count the items that have a choice."""
    return sum(1 for _, chosen in answers.values() if chosen)


_HEADS = roster.EXPECTED.subquery("heads")
_DONE = select(func.count(Attempt.participant_id.distinct())).where(
    Attempt.round_id == bindparam("round_id"),
    Attempt.unit_id == bindparam("unit_id"),
    Attempt.submitted_at.is_not(None),
    Attempt.voided_at.is_(None),
)
_CLASS_PROGRESS = select(
    _DONE.scalar_subquery().label("done"),
    func.coalesce(func.max(_HEADS.c.expected - _HEADS.c.exempt), 0).label("expected"),
).where(_HEADS.c.unit_id == bindparam("unit_id"))


def class_progress(state: Sheet) -> tuple[int, int]:
    """Count the people of a class with a submitted attempt, and those who are expected (1 statement)."""
    low, high = subtree(state.unit_path)
    row = run(
        _CLASS_PROGRESS, round_id=state.round_id, unit_id=state.unit_id, low=low, high=high, term=state.term,
        frozen_at=state.frozen_at,
    ).one()  # fmt: skip
    return row.done, row.expected


def starts_by_source(round_id: int, unit_id: int) -> dict[str, int]:
    """Count the started attempts of a class by where the link was found (1 statement)."""
    rows = db.session.execute(
        select(Attempt.source, func.count())
        .where(Attempt.round_id == round_id, Attempt.unit_id == unit_id)
        .group_by(Attempt.source)
    )
    return {source: count for source, count in rows}


def seats_of(round_: RoundRow, unit_id: int) -> list[SeatState]:
    """List the seats of a class with how far each is (2 statements)."""
    rows = db.session.execute(
        select(
            Participant.enrolment_id, Attempt.id, Attempt.ordinal, Attempt.answers, Attempt.form, Attempt.score,
            Attempt.out_of, Attempt.submitted_at, Attempt.late,
        )
        .join(Attempt, Attempt.participant_id == Participant.id)
        .where(Attempt.round_id == round_.id, Attempt.unit_id == unit_id, Attempt.voided_at.is_(None))
        .order_by(*_GO_BY_GO)
    ).all()  # fmt: skip
    goes: dict[int, list[Row[Any]]] = {}
    for row in rows:
        goes.setdefault(row.enrolment_id, []).append(row)
    return [
        _seat_state(round_, place, goes.get(place.enrolment_id, ()))
        for place in roster.places(unit_id, round_.term)
    ]


def _seat_state(round_: RoundRow, place: roster.Place, goes: Sequence[Row[Any]]) -> SeatState:
    done = [go for go in goes if go.submitted_at is not None]
    running = next((go for go in goes if go.submitted_at is None), None)
    first = done[0].score if done else None
    counted = counted_score([go.score for go in done], round_.counted)
    out_of = done[0].out_of if done else 0
    return SeatState(
        enrolment_id=place.enrolment_id,
        seat=place.seat,
        exempt=place.exempt,
        state="done" if done else "open" if running else "none",
        answered=answered(running.answers) if running else 0,
        items=len(goes[-1].form) if goes else 0,
        attempts=len(goes),
        open_id=running.id if running else None,
        first_score=first,
        counted_score=counted,
        out_of=out_of,
        first_met=first is not None and marking.met(first, out_of, round_.threshold_permyriad),
        met=counted is not None and marking.met(counted, out_of, round_.threshold_permyriad),
        late=any(go.late for go in done),
        submitted_at=done[-1].submitted_at if done else None,
    )


def counted_score(scores: Sequence[int], counted: str) -> int | None:
    """Pick the score that counts from the scores in order of the goes."""
    if not scores:
        return None
    return {"best": max(scores), "first": scores[0], "last": scores[-1]}[counted]


def ran_out(at: datetime, limit: int) -> list[str]:
    """List open attempts that the clock has ended, oldest first (1 statement)."""
    # the same moments as core.window.arrival
    ended = at - timedelta(seconds=window.GRACE_S)
    waits = Round.late == "accept_flagged"
    rows = db.session.execute(
        select(Attempt.id)
        .join(Round, Round.id == Attempt.round_id)
        .join(Link, Link.id == Attempt.link_id)
        .where(Attempt.submitted_at.is_(None), Attempt.voided_at.is_(None))
        .where(or_(~waits & _due(ended), waits & _due(ended - timedelta(seconds=window.LATE_S))))
        .order_by(Attempt.started_at)
        .limit(limit)
    )
    return [row.id for row in rows]


def _due(before: datetime) -> ColumnElement[bool]:
    """The deadline of an attempt lies before a moment."""
    closed = and_(Round.closes_at < before, func.coalesce(Link.closes_at, Round.closes_at) < before)
    return and_(Attempt.started_at < before, or_(Attempt.limit_ends_at < before, closed))


def late_bodies(attempt_ids: Sequence[str]) -> list[LateBody]:
    """List what arrived for these attempts when the clock had closed them, in order of arrival (1 statement)."""
    rows = db.session.execute(
        select(Late, Attempt.ordinal)
        .join(Attempt, Attempt.id == Late.attempt_id)
        .where(Late.attempt_id.in_(attempt_ids))
        .order_by(Late.at, Late.attempt_id, Late.number)
    ).all()
    settled = {late.attempt_id for late, _ in rows if late.accepted_at is not None}
    return [
        LateBody(
            attempt_id=late.attempt_id,
            ordinal=ordinal,
            number=late.number,
            at=late.at,
            different=len(late.answers),
            acceptable=late.acceptable,
            accepted=late.accepted_at is not None,
            settled=late.attempt_id in settled,
        )
        for late, ordinal in rows
    ]


def lapsed_on(participant_id: int, device: str) -> bool:
    """Say whether this phone began one of the goes that the clock has voided (1 statement)."""
    found = db.session.execute(
        select(_lapse.id)
        .join(Participant, Participant.id == _lapse.participant_id)
        .where(Participant.id == participant_id, *_HAS_LAPSED, _lapse.device_hash == device_hash(device))
        .limit(1)
    )
    return found.first() is not None


def _deadline(
    limit_ends_at: datetime | None, round_closes_at: datetime, link_closes_at: datetime | None
) -> datetime:
    closes_at = max(round_closes_at, link_closes_at or round_closes_at)
    return min(limit_ends_at or closes_at, closes_at)


# What of people is in a round, for erasing it; every condition is also the operation's, and is false afterwards.

EXCUSED: ColumnElement[bool] = or_(
    Participant.excused,
    exists().where(
        Exemption.enrolment_id == Participant.enrolment_id,
        Exemption.ended_at.is_(None),
        Enrolment.id == Participant.enrolment_id,
        Enrolment.left_at.is_(None),
    ),
)
"""A participant who stands outside the denominator: excused now, or when the seat was let go."""

_earlier = aliased(Attempt)
COUNTED_FIRST: ColumnElement[bool] = and_(
    Attempt.submitted_at.is_not(None),
    Attempt.voided_at.is_(None),
    ~EXCUSED,
    ~exists().where(
        _earlier.participant_id == Attempt.participant_id,
        or_(
            _earlier.period < Attempt.period,
            and_(_earlier.period == Attempt.period, _earlier.ordinal < Attempt.ordinal),
        ),
        _earlier.submitted_at.is_not(None),
        _earlier.voided_at.is_(None),
    ),
)
"""A first go, the kind that item statistics are made of."""

SEATED: ColumnElement[bool] = Participant.enrolment_id.is_not(None)
TRACED: ColumnElement[bool] = or_(
    Attempt.device_hash.is_not(None),
    Attempt.resume.is_not(None),
    Attempt.receipt.is_not(None),
    Attempt.void_reason.is_not(None),
)
ANSWERED: ColumnElement[bool] = Attempt.seed != ""


@dataclass(frozen=True, slots=True)
class Heads:
    """What is left of a class when nobody knows any more who sat where."""

    scores: tuple[tuple[int, int], ...]
    """The score that counts, and out of how many, of each head in the denominator that is done."""
    unseated: bool
    """The way from heads to seats has been erased, or is being erased."""


def heads_of(round_: RoundRow, unit_id: int) -> Heads:
    """Return the scores of a class by head (1 statement)."""
    rows = db.session.execute(
        select(
            Participant.id, Participant.enrolment_id, Attempt.score, Attempt.out_of, EXCUSED.label("excused")
        )
        .join(Attempt, Attempt.participant_id == Participant.id)
        .where(Attempt.round_id == round_.id, Attempt.unit_id == unit_id, Attempt.voided_at.is_(None))
        .order_by(Participant.id, *_GO_BY_GO)
    ).all()
    done: dict[int, list[int]] = {}
    out_of: dict[int, int] = {}
    for row in rows:
        if row.score is not None and not row.excused:
            done.setdefault(row.id, []).append(row.score)
            out_of.setdefault(row.id, row.out_of)
    counted = {head: counted_score(scores, round_.counted) for head, scores in done.items()}
    return Heads(
        scores=tuple((score, out_of[head]) for head, score in counted.items() if score is not None),
        unseated=any(row.enrolment_id is None for row in rows),
    )


def unseated(round_id: int, unit_id: int) -> bool:
    """Say whether the way from heads to seats has been erased in a class (1 statement)."""
    gone = exists().where(
        Participant.round_id == round_id, Participant.unit_id == unit_id, Participant.enrolment_id.is_(None)
    )
    return bool(db.session.execute(select(gone)).scalar_one())


def erasable(round_ids: Sequence[int]) -> dict[str, int]:
    """Count what leads from the goes of rounds to people (4 statements).

    The names are "places", "traces", "late" and "answers".
    """
    of_rounds = Attempt.round_id.in_(round_ids)
    counts = {
        "places": select(func.count()).where(Participant.round_id.in_(round_ids), SEATED),
        "traces": select(func.count()).where(of_rounds, TRACED),
        "late": select(func.count()).select_from(Late).join(Attempt, Attempt.id == Late.attempt_id).where(of_rounds),
        "answers": select(func.count()).where(of_rounds, ANSWERED),
    }  # fmt: skip
    return {name: db.session.execute(count).scalar_one() for name, count in counts.items()}


def players_of(round_id: int) -> Select[int]:
    """Select the players of a round who are still known."""
    return select(Player.participant_id).where(Player.round_id == round_id)


def left_of(round_ids: Sequence[int]) -> dict[str, int]:
    """Count what stays of rounds after erasing: "heads", "attempts" (2 statements)."""
    counts = {
        "heads": select(func.count()).where(Participant.round_id.in_(round_ids)),
        "attempts": select(func.count()).where(Attempt.round_id.in_(round_ids)),
    }
    return {name: db.session.execute(count).scalar_one() for name, count in counts.items()}


def classes_of(round_ids: Sequence[int]) -> list[tuple[int, int]]:
    """List the rounds and classes in which somebody began (1 statement)."""
    rows = db.session.execute(
        select(Attempt.round_id, Attempt.unit_id)
        .where(Attempt.round_id.in_(round_ids))
        .distinct()
        .order_by(Attempt.round_id, Attempt.unit_id)
    )
    return [(round_id, unit_id) for round_id, unit_id in rows]


def item_counts(
    frozen: paper.FrozenPaper, goes: Iterable[tuple[paper.FormItems, str, Mapping[str, Any]]]
) -> dict[int, ItemCount]:
    """Count the answers to each item of a paper, by its index; a go is its form, seed and stored answers."""
    answers: dict[int, list[tuple[frozenset[int], int, frozenset[int]]]] = {}
    for form, seed, saved in goes:
        tokens = {position: one.chosen for position, one in unpacked(saved).items()}
        chosen = paper.chosen_indices(frozen, form, seed, tokens)
        for (index, _points), picked in zip(form, chosen, strict=True):
            entry = frozen.items[index]
            answers.setdefault(index, []).append((entry.key, len(entry.item.options), picked))
    return {index: itemstats.tally(answers[index]) for index in sorted(answers)}


def item_sums(round_id: int, path: str) -> dict[int, ItemCount]:
    """Return the sums of erased answers of a round under a path, by item (1 statement)."""
    low, high = subtree(path)
    rows = db.session.execute(
        select(ItemSum.item, ItemSum.shown, ItemSum.correct, ItemSum.chosen, ItemSum.blank)
        .join(Unit, Unit.id == ItemSum.unit_id)
        .where(ItemSum.round_id == round_id, Unit.path >= low, Unit.path < high)
    )
    sums: dict[int, ItemCount] = {}
    for row in rows:
        count = ItemCount(row.shown, row.correct, tuple(row.chosen), row.blank)
        sums[row.item] = itemstats.plus(sums[row.item], count) if row.item in sums else count
    return sums


# What the slices behind ask of a contest: who plays, and the goes that count.


@dataclass(frozen=True, slots=True)
class PlayerRow:
    """Who plays a contest behind a participant; in a seat contest `nickname` is empty."""

    participant_id: int
    round_id: int
    nickname: str
    place_id: int | None
    trade_id: int | None
    role: str
    entry_id: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Touched:
    """A participant something happened to: a go was handed in or voided."""

    participant_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ContestGo:
    """A go that was handed in and stands, as scores and flags need it."""

    attempt_id: str
    period: str
    score: int
    out_of: int
    started_at: datetime
    submitted_at: datetime
    used_s: int
    """Whole seconds by the server's clock."""
    items: int
    device_hash: str | None
    answers_hash: str
    """Of the options chosen, whatever their order on the sheet was; empty once the answers are erased."""
    unit_id: int


_PLAYER_COLUMNS = (
    Player.participant_id, Player.round_id, Player.nickname, Player.place_id, Player.trade_id, Player.role,
    Player.entry_id, Player.joined_at,
)  # fmt: skip
_PLAYER_ON_PHONE = select(*_PLAYER_COLUMNS).where(
    Player.round_id == bindparam("round_id"), Player.device_hash == bindparam("device_hash")
)


def player(participant_id: int) -> PlayerRow | None:
    """Return the player behind a participant (1 statement)."""
    return _one_player(
        db.session.execute(select(*_PLAYER_COLUMNS).where(Player.participant_id == participant_id))
    )


def player_on_phone(round_id: int, device: str) -> PlayerRow | None:
    """Return the player of a round whose phone this is (1 statement)."""
    return _one_player(run(_PLAYER_ON_PHONE, round_id=round_id, device_hash=device_hash(device)))


def players(round_id: int, participant_ids: Collection[int]) -> dict[int, PlayerRow]:
    """Return those of these participants who are players of a round (1 statement)."""
    here = (Player.round_id == round_id, Player.participant_id.in_(participant_ids))
    rows = db.session.execute(select(*_PLAYER_COLUMNS).where(*here))
    return {row.participant_id: PlayerRow(*row) for row in rows}


def players_of_entries(round_id: int, entry_ids: Collection[str]) -> dict[str, PlayerRow]:
    """Return the players of a round behind these entries (1 statement)."""
    here = (Player.round_id == round_id, Player.entry_id.in_(entry_ids))
    rows = db.session.execute(select(*_PLAYER_COLUMNS).where(*here))
    return {row.entry_id: PlayerRow(*row) for row in rows}


def unfinished(round_id: int) -> int:
    """Count the goes of a round that are neither handed in nor void (1 statement)."""
    return db.session.execute(
        select(func.count()).where(
            Attempt.round_id == round_id, Attempt.submitted_at.is_(None), Attempt.voided_at.is_(None)
        )
    ).scalar_one()


def goes_since(round_id: int, since: datetime, limit: int) -> list[Touched]:
    """List participants of a round with a go handed in or voided since a moment, by their newest (1 statement).

    What the clock has ended is handed in at its deadline, which lies before the moment the sweeper comes by: whoever
    follows the goes begins a little earlier than where the last look ended.
    """
    newest = func.max(func.coalesce(Attempt.voided_at, Attempt.submitted_at)).label("newest")
    rows = db.session.execute(
        select(Attempt.participant_id, newest)
        .where(Attempt.round_id == round_id, or_(Attempt.submitted_at >= since, Attempt.voided_at >= since))
        .group_by(Attempt.participant_id)
        .order_by(newest, Attempt.participant_id)
        .limit(limit)
    )
    return [Touched(row.participant_id, row.newest) for row in rows]


def contest_goes(round_id: int, participant_ids: Collection[int]) -> dict[int, list[ContestGo]]:
    """Return the goes that stand of these participants, in the order of handing in (1 statement)."""
    rows = db.session.execute(
        select(
            Attempt.participant_id, Attempt.id, Attempt.period, Attempt.score, Attempt.out_of, Attempt.started_at,
            Attempt.submitted_at, Attempt.form, Attempt.answers, Attempt.seed, Attempt.device_hash, Attempt.unit_id,
            PAPER_ID,
        )
        .join(Round, Round.id == Attempt.round_id)
        .where(
            Attempt.round_id == round_id, Attempt.participant_id.in_(participant_ids),
            Attempt.submitted_at.is_not(None), Attempt.voided_at.is_(None),
        )
        .order_by(Attempt.submitted_at, Attempt.id)
    )  # fmt: skip
    goes: dict[int, list[ContestGo]] = {}
    for row in rows:
        goes.setdefault(row.participant_id, []).append(
            ContestGo(
                attempt_id=row.id,
                period=row.period,
                score=row.score,
                out_of=row.out_of,
                started_at=row.started_at,
                submitted_at=row.submitted_at,
                used_s=(row.submitted_at - row.started_at) // timedelta(seconds=1),
                items=len(row.form),
                device_hash=row.device_hash,
                answers_hash=_same_answers(row),
                unit_id=row.unit_id,
            )
        )
    return goes


def _same_answers(row: Row[Any]) -> str:
    """Hash what was chosen by item and option, so that equal answers are equal on every sheet."""
    if row.seed == "":
        return ""
    tokens = {position: one.chosen for position, one in unpacked(row.answers).items()}
    chosen = paper.chosen_indices(paper.frozen(row.of_paper_id), row.form, row.seed, tokens)
    by_item = sorted((index, sorted(picked)) for (index, _), picked in zip(row.form, chosen, strict=True))
    return hashlib.sha256(repr((row.of_paper_id, by_item)).encode()).hexdigest()


def picks(root_id: int | None, *, but: int | None = None) -> dict[int, str]:
    """Return the units right under a root that a player may pick, without one of them; none without a root."""
    if root_id is None:
        return {}
    return {unit.id: unit.name for unit in roster.children(root_id) if unit.id != but}


_PLAY = (
    select(
        *_ENTRY_COLUMNS, *(column.label(f"player_{column.key}") for column in _PLAYER_COLUMNS),
        Attempt.id, Attempt.form, Attempt.device_hash, Attempt.resume, Attempt.started_at, Attempt.submitted_at,
        Attempt.period, Attempt.paper_id.label("other_paper_id"),
    )
    .select_from(Link)
    .join(Round, Round.id == Link.round_id)
    .outerjoin(
        Player, and_(Player.round_id == Link.round_id, Player.device_hash == bindparam("device_hash"))
    )
    .outerjoin(
        Attempt, and_(Attempt.participant_id == Player.participant_id, Attempt.voided_at.is_(None))
    )
    .where(Link.code == bindparam("code"), Link.revoked_at.is_(None))
    .order_by(*_GO_BY_GO)
)  # fmt: skip


def entry_of_phone(code: str, device: str) -> tuple[Entry, Playing]:
    """Return the live link of a code and what this phone has played behind it, or refuse the code (1 statement)."""
    rows = run(_PLAY, code=code, device_hash=device_hash(device)).all()
    if not rows:
        raise UnknownLink
    first = rows[0]._mapping
    known = {field.name: first[f"player_{field.name}"] for field in fields(PlayerRow)}
    player = None if known["participant_id"] is None else PlayerRow(**known)
    return _entry(rows[0]), Playing(player, _goes(rows))


@dataclass(frozen=True, slots=True)
class GoLine:
    """One go of a player, for their own page; `code` is the link it came through."""

    attempt_id: str
    code: str
    period: str
    ordinal: int
    started_at: datetime
    submitted_at: datetime | None
    score: int | None
    out_of: int
    answered: int
    items: int
    change_code: str
    """The receipt and the resume code in one: whoever has it goes on with the player on another phone."""

    @property
    def used_s(self) -> int | None:
        """Whole seconds by the server's clock; None while it runs."""
        return (
            None
            if self.submitted_at is None
            else (self.submitted_at - self.started_at) // timedelta(seconds=1)
        )


_GO_LINES = (
    select(
        Attempt.id, Link.code, Attempt.period, Attempt.ordinal, Attempt.started_at, Attempt.submitted_at,
        Attempt.score, Attempt.out_of, Attempt.answers, Attempt.form, Attempt.receipt, Attempt.resume,
    )
    .join(Link, Link.id == Attempt.link_id)
    .where(Attempt.participant_id == bindparam("participant_id"), Attempt.voided_at.is_(None))
    .order_by(*_GO_BY_GO)
)  # fmt: skip


def goes_of(participant_id: int) -> list[GoLine]:
    """List the goes of a player that are not void, oldest first (1 statement)."""
    return [
        GoLine(
            attempt_id=row.id,
            code=row.code,
            period=row.period,
            ordinal=row.ordinal,
            started_at=row.started_at,
            submitted_at=row.submitted_at,
            score=row.score,
            out_of=row.out_of,
            answered=answered(row.answers),
            items=len(row.form),
            change_code=f"{row.receipt}{row.resume}" if row.receipt and row.resume else "",
        )
        for row in run(_GO_LINES, participant_id=participant_id)
    ]


@dataclass(frozen=True, slots=True)
class Change:
    """What a change code leads to, once its second half has been compared."""

    participant_id: int
    round_id: int
    attempt_id: str
    resume: str | None
    over: bool


def change(receipt: str) -> Change | None:
    """Return the player and the go of the first half of a change code; None when nobody got it (1 statement)."""
    row = db.session.execute(
        select(Attempt.participant_id, Attempt.round_id, Attempt.id, Attempt.resume, Attempt.submitted_at)
        .join(Player, Player.participant_id == Attempt.participant_id)
        .where(Attempt.receipt == receipt, Attempt.voided_at.is_(None), Player.nickname != "")
    ).one_or_none()
    if row is None:
        return None
    return Change(row.participant_id, row.round_id, row.id, row.resume, row.submitted_at is not None)


def _one_player(found: Result[Any]) -> PlayerRow | None:
    row: Any = found.one_or_none()
    return None if row is None else PlayerRow(*row)
