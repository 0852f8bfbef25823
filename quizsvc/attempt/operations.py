"""The use cases of an attempt: start, resume, save, submit, and what a teacher may do about it."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from quizsvc import audit
from quizsvc.attempt import queries
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.attempt.queries import Entry, Go, History, Progress
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import assembly, linkcode, marking
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal
from quizsvc.db import Base, db, insert_unless_there, operation, run
from quizsvc.paper import queries as paper

_attempts = Base.metadata.tables[Attempt.__tablename__]
_OPEN = update(_attempts).where(Attempt.id == bindparam("attempt_id"), Attempt.submitted_at.is_(None))
_STORE = _OPEN.values({name: bindparam(f"new_{name}") for name in ("answers", "saved_at")})
_CLOSE = _OPEN.values(
    {
        name: bindparam(f"new_{name}")
        for name in ("answers", "saved_at", "submitted_at", "overdue", "score", "correct")
    }
).returning(Attempt.id)

PERIOD = "round"
MOST_EXTRA_MINUTES = 120
SHORTEST_REASON = 4


class SeatTaken(Refusal):
    """One neutral sentence for a seat that is finished, begun elsewhere, excused or unknown."""

    def __init__(self, seat: int) -> None:
        super().__init__(f"{seat} 号现在不能开始。", status=409)
        self.seat = seat


class Over(Refusal):
    """The attempt cannot change any more; the page goes to its result."""

    def __init__(self) -> None:
        super().__init__("这次作答已经结束，答案没有再改动。", status=409)


class OtherDevice(Refusal):
    """The attempt is being answered on another phone."""

    def __init__(self) -> None:
        super().__init__("这次作答在另一台手机上。请输入续答码，或请老师帮忙换手机。", status=403)


@dataclass(frozen=True, slots=True)
class Started:
    """Where the phone goes next."""

    attempt_id: str
    over: bool


@operation
def start(*, code: str, seat: int, source: str, device: str, at: datetime) -> Started:
    """Begin an attempt of a seat, or go on with the one this device has; refuse neutrally otherwise."""
    entry, known = _entry(code, seat, at)
    if known.running is not None:
        return _go_on(known.running, seat, device)
    if known.goes and queries.device_hash(device) not in {go.device_hash for go in known.goes}:
        raise SeatTaken(seat)
    if len(known.goes) >= entry.attempts:
        return Started(known.goes[-1].attempt_id, over=True)
    participant_id = known.participant_id or _join(entry, known.enrolment_id, at)
    begun = _begin(entry, participant_id, known, source, device, at)
    if begun is not None:
        return begun
    _, known = _entry(code, seat, at)  # another request was a moment earlier
    if known.running is None:
        raise SeatTaken(seat)
    return _go_on(known.running, seat, device)


def _entry(code: str, seat: int, at: datetime) -> tuple[Entry, History]:
    entry, known = queries.entry(code, seat)
    entry.window.check(at)
    if known is None or known.exempt:
        raise SeatTaken(seat)
    if known.running is not None:
        state = queries.for_writing(known.running.attempt_id)
        if state.over(at):
            _finish(state, at=state.deadline, overdue=True)
            return _entry(code, seat, at)
    return entry, known


def _go_on(running: Go, seat: int, device: str) -> Started:
    if running.device_hash is None:  # the teacher moved the seat to another phone
        _bind(running.attempt_id, device)
    elif running.device_hash != queries.device_hash(device):
        raise SeatTaken(seat)
    return Started(running.attempt_id, over=False)


def _bind(attempt_id: str, device: str) -> None:
    db.session.execute(
        update(Attempt).where(Attempt.id == attempt_id).values(device_hash=queries.device_hash(device))
    )


def _join(entry: Entry, enrolment_id: int, at: datetime) -> int:
    added = run(
        insert_unless_there(Participant, Participant.id),
        round_id=entry.round_id,
        unit_id=entry.unit_id,
        enrolment_id=enrolment_id,
        extension_s=0,
        created_at=at,
    ).scalar_one_or_none()
    if added is not None:
        return int(added)
    known = select(Participant.id).filter_by(round_id=entry.round_id, enrolment_id=enrolment_id)
    return db.session.execute(known).scalar_one()


def _begin(
    entry: Entry, participant_id: int, known: History, source: str, device: str, at: datetime
) -> Started | None:
    frozen = paper.frozen(entry.paper_id)
    seed = secrets.token_hex(16)
    seen = frozenset(index for go in known.goes for index in go.items)
    drawn = assembly.draw(frozen.blueprint, frozen.candidates, seed=seed, seen=seen, fitting=frozen.fits)
    limit_s = entry.limit_s
    attempt_id = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    added = run(
        insert_unless_there(Attempt, Attempt.id),
        id=attempt_id,
        participant_id=participant_id,
        round_id=entry.round_id,
        unit_id=entry.unit_id,
        link_id=entry.link_id,
        source=source,
        period=PERIOD,
        ordinal=len(known.goes) + 1,
        allowed=entry.attempts,
        seed=seed,
        form=[[item.ref, item.points] for item in drawn],
        answers={},
        device_hash=queries.device_hash(device),
        resume=linkcode.body_from(secrets.randbits(40), 8),
        receipt=linkcode.body_from(secrets.randbits(40), 8),
        started_at=at,
        limit_ends_at=None if limit_s is None else at + timedelta(seconds=limit_s + known.extension_s),
        overdue=False,
        out_of=sum(item.points for item in drawn),
    ).scalar_one_or_none()
    return None if added is None else Started(attempt_id, over=False)


@operation
def take_over(*, code: str, seat: int, resume: str, device: str, at: datetime) -> Started:
    """Go on with a seat's newest attempt on this device, proved by its resume code."""
    _, known = queries.entry(code, seat)
    goes = known.goes if known else ()
    if not goes or not secrets.compare_digest(goes[-1].resume.encode(), resume.encode()):
        raise SeatTaken(seat)
    _bind(goes[-1].attempt_id, device)
    return Started(goes[-1].attempt_id, over=goes[-1].submitted_at is not None)


@operation
def save(*, attempt_id: str, device: str, incoming: Mapping[int, Saved], at: datetime) -> Mapping[int, Saved]:
    """Store answers, newer sequence first; return what the phone should show where the stored answer won."""
    state = _open_sheet(attempt_id, device, at)
    merged = _merged(state, incoming)
    _store(state, merged.answers, at)
    return {position: merged.answers[position] for position in merged.stale}


@operation
def submit(*, attempt_id: str, device: str, incoming: Mapping[int, Saved], at: datetime) -> None:
    """Close an attempt with its answers, once; the same request again changes nothing."""
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    if state.voided:
        raise Over
    if state.submitted_at is not None:
        return
    if state.over(at):
        _finish(state, at=state.deadline, overdue=True)
    else:
        _finish(state, at=at, overdue=False, answers=_merged(state, incoming).answers)


@operation
def submit_overdue(*, attempt_id: str, at: datetime) -> bool:
    """Close an attempt that the clock has ended, from what was saved; False when it was closed already."""
    state = queries.for_writing(attempt_id)
    if state.submitted_at is not None or state.voided or not state.over(at):
        return False
    _finish(state, at=state.deadline, overdue=True)
    return True


@operation
def transfer(*, round_: RoundRow, unit_id: int, seat: int, at: datetime, actor: audit.Actor) -> None:
    """Let a seat's open attempt go on with the next phone that claims the seat."""
    running = _running(_seat(round_, unit_id, seat))
    db.session.execute(update(Attempt).where(Attempt.id == running.attempt_id).values(device_hash=None))
    audit.record(actor=actor, action="attempt.transfer", on=f"attempt:{running.attempt_id}", at=at)


@operation
def extend(
    *, round_: RoundRow, unit_id: int, seat: int, minutes: int, at: datetime, actor: audit.Actor
) -> None:
    """Give a participant more time, in force at once in the attempt that is running."""
    if round_.limit_s is None:
        raise Refusal("这一场不限时，不需要加时间。", status=409)
    if not 1 <= minutes <= MOST_EXTRA_MINUTES:
        raise Refusal(f"加时要写 1 到 {MOST_EXTRA_MINUTES} 分钟。")
    known = _seat(round_, unit_id, seat)
    running = _running(known)
    extension_s = known.extension_s + minutes * 60
    ends_at = running.started_at + timedelta(seconds=round_.limit_s + extension_s)
    db.session.execute(
        update(Participant).where(Participant.id == known.participant_id).values(extension_s=extension_s)
    )
    db.session.execute(update(Attempt).where(Attempt.id == running.attempt_id).values(limit_ends_at=ends_at))
    audit.record(
        actor=actor, action="attempt.extend", on=f"attempt:{running.attempt_id}", at=at, minutes=minutes
    )


@operation
def release(
    *, round_: RoundRow, unit_id: int, seat: int, reason: str, at: datetime, actor: audit.Actor
) -> int:
    """Void all attempts of a seat, so that its pupil can begin again; kept, never counted."""
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Refusal(f"请写清作废的原因，至少 {SHORTEST_REASON} 个字。")
    known = _seat(round_, unit_id, seat)
    if not known.goes:
        raise Refusal("这个序号还没有作答，不需要作废。", status=409)
    ids = [go.attempt_id for go in known.goes]
    db.session.execute(update(Attempt).where(Attempt.id.in_(ids)).values(voided_at=at, void_reason=reason))
    audit.record(
        actor=actor,
        action="attempt.void",
        on=f"participant:{known.participant_id}",
        at=at,
        attempts=ids,
        reason=reason,
    )
    return len(ids)


def _seat(round_: RoundRow, unit_id: int, seat: int) -> History:
    known = queries.history(round_, unit_id, seat)
    if known is None:
        raise Refusal("这个班没有这个序号。", status=404)
    return known


def _running(known: History) -> Go:
    if known.running is None:
        raise Refusal("这个序号现在没有进行中的作答。", status=409)
    return known.running


def _require_device(state: Progress, device: str) -> None:
    if state.device_hash is None or not secrets.compare_digest(
        state.device_hash, queries.device_hash(device)
    ):
        raise OtherDevice


def _open_sheet(attempt_id: str, device: str, at: datetime) -> Progress:
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    if state.over(at):
        raise Over
    return state


def _merged(state: Progress, incoming: Mapping[int, Saved]) -> marking.Merged:
    # Sequence 0 comes from a page without script: one page, one person, so what arrives last is the newest.
    numbered = {
        position: saved
        if saved.seq
        else Saved(state.answers.get(position, Saved(0, ())).seq + 1, saved.chosen)
        for position, saved in incoming.items()
    }
    return marking.merge(state.answers, numbered)


def _store(state: Progress, answers: Mapping[int, Saved], at: datetime) -> None:
    frozen = paper.frozen(state.paper_id)
    tokens = {position: saved.chosen for position, saved in answers.items()}
    paper.chosen_indices(frozen, state.form, state.seed, tokens)  # refuses what is not on the paper
    run(_STORE, attempt_id=state.attempt_id, new_answers=queries.packed(answers), new_saved_at=at)


def _finish(
    state: Progress, *, at: datetime, overdue: bool, answers: Mapping[int, Saved] | None = None
) -> None:
    answers = state.answers if answers is None else answers
    frozen = paper.frozen(state.paper_id)
    tokens = {position: saved.chosen for position, saved in answers.items()}
    chosen = paper.chosen_indices(frozen, state.form, state.seed, tokens)
    marks = marking.mark(paper.keyed(frozen, state.form), chosen)
    stored = queries.packed(answers)
    closed = run(
        _CLOSE,
        attempt_id=state.attempt_id,
        new_answers=stored,
        new_saved_at=at,
        new_submitted_at=at,
        new_overdue=overdue,
        new_score=marks.score,
        new_correct=list(marks.correct),
    ).scalar_one_or_none()
    if closed is not None:
        canonical = json.dumps(stored, sort_keys=True, separators=(",", ":"))
        answers_hash = hashlib.sha256(canonical.encode()).hexdigest()
        audit.record_submission(attempt_id=state.attempt_id, answers_hash=answers_hash, at=at)
