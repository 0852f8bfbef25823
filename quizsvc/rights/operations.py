"""Requests about one's own data: asked by the participant, decided by the class's teacher, carried out, erased."""

from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select, update

from quizsvc import audit
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt
from quizsvc.clock import local_day
from quizsvc.core import retention
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert_unless_there, operation, run
from quizsvc.rights import queries
from quizsvc.rights.models import CORRECT, DELETE, GRANTED, LAPSED, OPEN, REFUSED, Request

LONGEST_NOTE = 100
SHORTEST_ANSWER, LONGEST_ANSWER = 4, 200
MOST_REQUESTS = 10
MOST_ERASED = 500
KINDS = {CORRECT: "更正", DELETE: "删除"}


class AlreadyAsked(Refusal):
    """There is an open request of this kind about the attempt."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"已经提过{KINDS[kind]}的请求了，正在等老师答复，不用再提。", status=409)


class Decided(Refusal):
    """Somebody has decided the request before."""

    def __init__(self) -> None:
        super().__init__("这个请求已经答复过了。", status=409)


@operation
def ask(*, attempt_id: str, kind: str, reason: str, note: str, at: datetime) -> None:
    """Ask for a correction or a deletion of what is kept of a submitted attempt; the caller has proved it is theirs."""
    note = " ".join(note.split())
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise Refusal(f"补充说明最多 {LONGEST_NOTE} 个字。")
    if kind not in KINDS or (reason not in queries.REASONS if kind == CORRECT else reason):
        raise Refusal("请先选一个原因，再提交。")
    state = attempt.for_writing(attempt_id)  # locked, so that those who ask at once are counted one by one
    found = db.session.execute(
        select(Attempt.round_id, Attempt.unit_id, Attempt.receipt).where(Attempt.id == attempt_id)
    ).one()
    if state.submitted_at is None or found.receipt is None:
        raise Refusal("这次作答没有交卷，或者已经删除，不能再提请求。", status=409)
    made = db.session.execute(select(func.count()).where(Request.attempt_id == attempt_id)).scalar_one()
    if made >= MOST_REQUESTS:
        raise Refusal("请求提得太多了，请直接找班主任。", status=429)
    asked = run(
        insert_unless_there(Request, Request.id),
        round_id=found.round_id,
        unit_id=found.unit_id,
        attempt_id=attempt_id,
        receipt_hash=queries.receipt_hash(found.receipt),
        kind=kind,
        reason=reason,
        note=note,
        state=OPEN,
        asked_at=at,
        answer="",
    ).scalar_one_or_none()
    if asked is None:
        raise AlreadyAsked(kind)


@operation
def decide(*, request_id: int, granted: bool, answer: str, at: datetime, actor: audit.Actor) -> None:
    """Grant or refuse a request; a refusal tells the participant why."""
    answer = " ".join(answer.split())
    if not granted and len(answer) < SHORTEST_ANSWER:
        raise Refusal(f"不同意要写明原因，至少 {SHORTEST_ANSWER} 个字，同学看得到。")
    if len(answer) > LONGEST_ANSWER or not answer.isprintable():
        raise Refusal(f"答复最多 {LONGEST_ANSWER} 个字。")
    row = queries.request_of(request_id)
    decided = db.session.execute(
        update(Request)
        .where(Request.id == request_id, Request.state == OPEN)
        .values(
            state=GRANTED if granted else REFUSED, answer=answer, decided_at=at, decided_by=actor.text,
            done_at=case((Request.kind == CORRECT, at)) if granted else None,
        )
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()  # fmt: skip
    if decided is None:
        raise Decided
    words = {name: text for name, text in (("note", row.note), ("answer", answer)) if text}
    audit.record(
        actor=actor,
        action="rights.granted" if granted else "rights.refused",
        on=f"request:{request_id}",
        at=at,
        private=words,
        erase_on=min(local_day(at) + retention.REQUESTS_STAY, row.erase_on),
        kind=row.kind,
    )


@operation
def carry_out(*, request_id: int, at: datetime) -> None:
    """Write down that a deletion has been done; what else was asked about the attempt lapses with it."""
    attempt_id = db.session.execute(
        update(Request)
        .where(Request.id == request_id, Request.done_at.is_(None))
        .values(done_at=at)
        .returning(Request.attempt_id)
    ).scalar_one_or_none()
    db.session.execute(
        update(Request)
        .where(Request.attempt_id == attempt_id, Request.state == OPEN)
        .values(state=LAPSED, decided_at=at)
        .execution_options(synchronize_session=False)
    )


@operation
def erase_old(*, at: datetime) -> int:
    """Erase the words of up to 500 requests that were decided long enough ago; what became of them stays."""
    return _erase(queries.worded(at), at)


@operation
def erase_of_round(*, round_id: int, at: datetime) -> int:
    """Erase the words of up to 500 requests of a round whose goes are erased; open ones lapse with them."""
    return _erase(queries.of_rounds([round_id]), at)


def _erase(condition: ColumnElement[bool], at: datetime) -> int:
    ids = db.session.scalars(select(Request.id).where(condition).limit(MOST_ERASED)).all()
    db.session.execute(
        update(Request)
        .where(Request.id.in_(ids))
        .values(
            attempt_id=None, receipt_hash=None, reason="", note="", answer="",
            state=case((Request.state == OPEN, LAPSED), else_=Request.state),
            decided_at=func.coalesce(Request.decided_at, at),
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return len(ids)
