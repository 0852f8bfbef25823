"""The use cases of an attempt: start, resume, save, submit, and what a teacher may do about it."""

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from quizsvc import audit, clock
from quizsvc.attempt import queries
from quizsvc.attempt.models import Attempt, ItemSum, Late, Participant, Player
from quizsvc.attempt.queries import Entry, Go, History, Playing, Progress, Sheet
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import assembly, itemstats, linkcode, marking, nickname, pacing, quota, retention, window
from quizsvc.core.itemstats import ItemCount
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal
from quizsvc.core.roundkind import QUIZZES
from quizsvc.db import Base, db, insert, insert_unless_there, operation, run
from quizsvc.paper import queries as paper

_attempts = Base.metadata.tables[Attempt.__tablename__]
_OPEN = update(_attempts).where(Attempt.id == bindparam("attempt_id"), Attempt.submitted_at.is_(None))
_STORE = _OPEN.values({name: bindparam(f"new_{name}") for name in ("answers", "saved_at")})
_CLOSE = _OPEN.values(
    {
        name: bindparam(f"new_{name}")
        for name in ("answers", "saved_at", "submitted_at", "overdue", "late", "score", "correct")
    }
).returning(Attempt.id)

_VOID = _OPEN.where(Attempt.voided_at.is_(None)).values(
    {name: bindparam(f"new_{name}") for name in ("voided_at", "void_reason", "overdue")}
)

MOST_EXTRA_MINUTES = 120
MOST_LAPSES = 3
MOST_LATE_BODIES = 5
SHORTEST_REASON = 4
LAPSED = "到时没有交，按本场约定不计"
MOST_ERASED = 500
ENTRY_LENGTH = 16
RECEIPT_LENGTH = 8
_TRACES = ("device_hash", "resume", "receipt", "void_reason")


class SeatTaken(Refusal):
    """One neutral sentence for a seat that is finished, begun elsewhere, excused or unknown."""

    def __init__(self, seat: int) -> None:
        super().__init__(f"{seat} 号现在不能开始。", status=409)
        self.seat = seat


class Over(Refusal):
    """The attempt cannot change any more; the page goes to its result."""

    def __init__(self) -> None:
        super().__init__("这次作答已经结束，答案没有再改动。", status=409)


class TooManyLapses(Refusal):
    """The clock has voided so many goes of this seat that its pupil should not go on alone."""

    def __init__(self, seat: int) -> None:
        super().__init__(
            f"{seat} 号开始过好几次都没来得及交。请找老师看一下，老师点一下就可以再做。", status=409
        )


class OtherDevice(Refusal):
    """The attempt is being answered on another phone."""

    def __init__(self) -> None:
        super().__init__("这次作答在另一台手机上。请输入续答码，或请老师帮忙换手机。", status=403)


class NoRoom(Refusal):
    """Nobody new may begin, so that those who have begun can finish."""

    def __init__(self) -> None:
        super().__init__(
            "现在暂时不能开始新的作答，已经开始的可以接着做、照常交卷。请过几分钟再试，或告诉老师。",
            status=503,
        )


class NotAnnounced(Refusal):
    """The rules of the contest have not been announced, so nobody may begin."""

    def __init__(self) -> None:
        super().__init__("这次竞赛的规则还没有公布，公布以后才能开始答。请过些时候再来。", status=409)


class NoQuestions(Refusal):
    """The link leads to something that is read and signed, or asked without marks."""

    def __init__(self) -> None:
        super().__init__("这个码不是用来答题的，请返回重新打开。", status=409)


class NotJoined(Refusal):
    """This phone has no player yet."""

    def __init__(self) -> None:
        super().__init__("这台手机还没有参加，请先写好昵称再开始。", status=409)


class BadJoining(Refusal):
    """A nickname that is none, or a pick that is not in its list."""


class NoPlayers(Refusal):
    """The link leads into a round of seats."""

    def __init__(self) -> None:
        super().__init__("这个码要点班内序号参加，请返回重新打开。", status=409)


class WrongCode(Refusal):
    """Nobody got this code for another phone; which half of it is wrong is not said."""

    def __init__(self) -> None:
        super().__init__("换机码对不上，请看清 16 位，再写一次。", status=403)


class OnePhoneOnePlayer(Refusal):
    """The phone to change to has a player of its own."""

    def __init__(self) -> None:
        super().__init__("这台手机上已经有一位参加的人，不能再换进来一位。", status=409)


class WrongPace(Refusal):
    """The whole sheet is not saved or handed in where items come one by one, nor the other way round."""

    def __init__(self) -> None:
        super().__init__("这一场是一题一题作答的，请回到答题页，一题一题往下答。", status=409)


@dataclass(frozen=True, slots=True)
class Joining:
    """What somebody writes who joins a contest; a pick of None is a place or trade that is not in the list."""

    nickname: str
    place_id: int | None
    trade_id: int | None
    role: str


@dataclass(frozen=True, slots=True)
class Started:
    """Where the phone goes next."""

    attempt_id: str
    over: bool


@operation
def start(*, code: str, seat: int, source: str, device: str, at: datetime, room: bool = True) -> Started:
    """Begin an attempt of a seat while there is room, or go on with the one this device has; else refuse neutrally."""
    entry, known = _entry(code, seat, at)
    if known.running is not None:
        return _go_on(known.running, seat, device)
    if known.goes and queries.device_hash(device) not in {go.device_hash for go in known.goes}:
        raise SeatTaken(seat)
    if _left(entry, known.goes, at) == 0:
        return Started(known.goes[-1].attempt_id, over=True)
    if not entry.released:
        raise NotAnnounced
    if not room:
        raise NoRoom
    participant_id = known.participant_id or _join(entry, known.enrolment_id, at)
    _check_lapses(entry, known, seat, device)
    begun = _begin(entry, participant_id, known.goes, source, device, at, extension_s=known.extension_s)
    if begun is not None:
        if entry.kind == "contest":
            _enter(entry, participant_id, at)
        return begun
    _, known = _entry(code, seat, at)  # another request was a moment earlier
    if known.running is None:
        raise SeatTaken(seat)
    return _go_on(known.running, seat, device)


def _entry(code: str, seat: int, at: datetime) -> tuple[Entry, History]:
    entry, known = queries.entry(code, seat)
    if entry.kind not in QUIZZES:
        raise NoQuestions
    entry.window.check(at)
    if known is None or known.exempt or entry.identity == "nickname":
        raise SeatTaken(seat)
    if known.running is not None:
        state = queries.for_writing(known.running.attempt_id)
        if state.over(at):
            _end(state, at)
            return _entry(code, seat, at)
    return entry, known


def _check_lapses(entry: Entry, known: History, seat: int, device: str) -> None:
    if known.participant_id is None or len(known.goes) + known.lapsed < entry.attempts + MOST_LAPSES:
        return
    # another phone learns no more than of any seat that is taken
    raise TooManyLapses(seat) if queries.lapsed_on(known.participant_id, device) else SeatTaken(seat)


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


def _left(entry: Entry, goes: Sequence[Go], at: datetime) -> int:
    return quota.left(
        entry.attempts, [go.period for go in goes], quota.period(entry.per, clock.local_day(at))
    )


def _begin(
    entry: Entry,
    participant_id: int,
    goes: Sequence[Go],
    source: str,
    device: str,
    at: datetime,
    *,
    extension_s: int = 0,
    role: str = "",
) -> Started | None:
    own = entry.paper_id if entry.kind != "contest" else _paper_of(entry, role, at)
    other = None if own == entry.paper_id else own
    frozen = paper.frozen(own)
    seed = secrets.token_hex(16)
    seen = frozenset(index for go in goes if go.paper_id == other for index in go.items)
    drawn = assembly.draw(frozen.blueprint, frozen.candidates, seed=seed, seen=seen, fitting=frozen.fits)
    limit_s = entry.limit_s
    attempt_id = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    period = quota.period(entry.per, clock.local_day(at))
    added = run(
        insert_unless_there(Attempt, Attempt.id),
        id=attempt_id,
        participant_id=participant_id,
        round_id=entry.round_id,
        unit_id=entry.unit_id,
        link_id=entry.link_id,
        source=source,
        period=period,
        ordinal=sum(go.period == period for go in goes) + 1,
        allowed=entry.attempts,
        paper_id=other,
        seed=seed,
        form=[[item.ref, item.points] for item in drawn],
        answers={},
        device_hash=queries.device_hash(device),
        resume=linkcode.body_from(secrets.randbits(40), 8),
        receipt=linkcode.body_from(secrets.randbits(5 * RECEIPT_LENGTH), RECEIPT_LENGTH),
        started_at=at,
        limit_ends_at=None if limit_s is None else at + timedelta(seconds=limit_s + extension_s),
        overdue=False,
        late=False,
        out_of=sum(item.points for item in drawn),
    ).scalar_one_or_none()
    return None if added is None else Started(attempt_id, over=False)


def _paper_of(entry: Entry, role: str, at: datetime) -> int:
    day = clock.local_day(at).isoformat()
    return quota.paper_of(campaign.round_papers(entry.round_id), entry.paper_id, day=day, role=role)


@operation
def play(
    *, code: str, joining: Joining | None, source: str, device: str, at: datetime, room: bool = True
) -> Started:
    """Begin a go of this phone's player, who joins with the first; go on with the one that runs."""
    entry, known = _playing(code, device, at)
    if known.running is not None:
        return Started(known.running.attempt_id, over=False)
    if known.goes and _left(entry, known.goes, at) == 0:
        return Started(known.goes[-1].attempt_id, over=True)
    if not entry.released:
        raise NotAnnounced
    if not room:
        raise NoRoom
    if known.player is None:
        if joining is None:
            raise NotJoined
        role = _checked(entry, joining).role
        participant_id = _join_as_player(entry, joining, device, at)
    else:
        role, participant_id = known.player.role, known.player.participant_id
    begun = _begin(entry, participant_id, known.goes, source, device, at, role=role)
    if begun is not None:
        return begun
    _, known = _playing(code, device, at)  # another request was a moment earlier
    newest = known.running or known.goes[-1]
    return Started(newest.attempt_id, over=newest.submitted_at is not None)


def _playing(code: str, device: str, at: datetime) -> tuple[Entry, Playing]:
    entry, known = queries.entry_of_phone(code, device)
    if entry.identity != "nickname":
        raise NoPlayers
    entry.window.check(at)
    if known.running is not None:
        state = queries.for_writing(known.running.attempt_id)
        if state.over(at):
            _end(state, at)
            return _playing(code, device, at)
    return entry, known


def _checked(entry: Entry, joining: Joining) -> Joining:
    """Refuse a name that is none, or a pick that is not in its list."""
    try:
        nickname.read(joining.nickname)
    except Refusal as refusal:
        raise BadJoining(refusal.text) from refusal
    round_ = campaign.round_of(entry.round_id)
    for root_id, chosen, what in (
        (round_.place_root_id, joining.place_id, "所在地"),
        (round_.trade_root_id, joining.trade_id, "行业或单位"),
    ):
        if chosen is not None and chosen not in queries.picks(root_id, but=round_.trade_root_id):
            raise BadJoining(f"请从列表里选{what}。")
    roles = quota.roles(campaign.round_papers(entry.round_id))
    if joining.role not in (roles or ("",)):
        raise BadJoining("请选一个角色，题目按角色出。")
    return joining


def _join_as_player(entry: Entry, joining: Joining, device: str, at: datetime) -> int:
    participant_id: int = db.session.execute(
        insert(Participant)
        .values(
            round_id=entry.round_id, unit_id=entry.unit_id, enrolment_id=None, extension_s=0, created_at=at
        )
        .returning(Participant.id)
    ).scalar_one()
    added = _enter(
        entry,
        participant_id,
        at,
        device_hash=queries.device_hash(device),
        nickname=nickname.read(joining.nickname),
        place_id=joining.place_id,
        trade_id=joining.trade_id,
        role=joining.role,
    )
    if added:
        return participant_id
    db.session.execute(delete(Participant).where(Participant.id == participant_id))
    known = queries.player_on_phone(entry.round_id, device)  # another request was a moment earlier
    if known is None:
        raise NotJoined
    return known.participant_id


def _enter(entry: Entry, participant_id: int, at: datetime, **known: Any) -> bool:
    """Give a participant an entry of the contest, once; False when the phone, or the seat, has one."""
    blank = {"device_hash": None, "nickname": "", "place_id": None, "trade_id": None, "role": ""}
    added = run(
        insert_unless_there(Player, Player.participant_id),
        participant_id=participant_id,
        round_id=entry.round_id,
        entry_id=linkcode.body_from(secrets.randbits(5 * ENTRY_LENGTH), ENTRY_LENGTH),
        joined_at=at,
        **{**blank, **known},
    ).scalar_one_or_none()
    return added is not None


@operation
def change_phone(*, change: str, device: str, at: datetime) -> Started:
    """Go on with a player on this phone, proved by the change code: a receipt and its resume code in one."""
    found = queries.change(change[:RECEIPT_LENGTH])
    if (
        found is None
        or found.resume is None
        or not secrets.compare_digest(found.resume.encode(), change[RECEIPT_LENGTH:].encode())
    ):
        raise WrongCode
    mine = queries.player_on_phone(found.round_id, device)
    if mine is not None and mine.participant_id != found.participant_id:
        raise OnePhoneOnePlayer
    now = queries.device_hash(device)
    try:
        db.session.execute(
            update(Player).where(Player.participant_id == found.participant_id).values(device_hash=now)
        )
    except IntegrityError as taken:
        raise OnePhoneOnePlayer from taken
    # what was handed in keeps the phone it was made on: who looks for one phone of many players must see it
    db.session.execute(
        update(Attempt)
        .where(Attempt.participant_id == found.participant_id, Attempt.submitted_at.is_(None))
        .values(device_hash=now)
    )
    return Started(found.attempt_id, over=found.over)


@operation
def answer_item(
    *, attempt_id: str, device: str, position: int, chosen: tuple[str, ...], at: datetime
) -> bool:
    """Store the item that is on, blank when its time is over, no other; say whether it was the last."""
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    if state.pace != "strict":
        raise WrongPace
    if state.over(at):
        raise Over
    if position != pacing.on(state.answers, len(state.form)):
        return False  # a second tap, or the way back
    in_time = pacing.accepts(at, state.shown_from, state.item_s)
    answers = {**state.answers, position: Saved(1, chosen if in_time else ())}
    if pacing.on(answers, len(state.form)) is not None:
        _store(state, answers, at)
        return False
    _finish(state, at=at, answers=answers)
    return True


@operation
def take_over(*, code: str, seat: int, resume: str, device: str, at: datetime) -> Started:
    """Go on with a seat's newest attempt on this device, proved by its resume code."""
    _, known = queries.entry(code, seat)
    goes = known.goes if known else ()
    code_kept = goes[-1].resume if goes else None
    if code_kept is None or not secrets.compare_digest(code_kept.encode(), resume.encode()):
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
    """Close an attempt with its answers, once; the same request again changes nothing, other answers are refused."""
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    _require_sheet(state)
    if not state.over(at):
        _finish(state, at=at, late=state.arrival(at) == "late", answers=_merged(state, incoming).answers)
        return
    lapsed = state.submitted_at is None and state.policy == "reject"
    if state.voided or lapsed or state.differing(incoming):
        raise Over
    if state.submitted_at is None:
        _end(state, at)


@operation
def keep_late(*, attempt_id: str, device: str, incoming: Mapping[int, Saved], at: datetime) -> bool:
    """End an attempt whose time is over and keep what arrived for it as evidence; say whether it was kept.

    Of the first five bodies the answers are kept that differ from those that count; the same body again is no other.
    """
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    if state.submitted_at is None and not state.voided and state.over(at):
        _end(state, at)
    sheet = queries.sheet(attempt_id)
    if sheet.submitted_at is None or sheet.voided or not sheet.overdue:
        return False
    answers = _merged(state, incoming).answers
    _chosen(state, answers)
    other = queries.packed({position: answers[position] for position in sheet.differing(answers)})
    kept = db.session.execute(select(Late.answers, Late.accepted_at).filter_by(attempt_id=attempt_id)).all()
    if other in [row.answers for row in kept]:
        return True
    if not other or len(kept) >= MOST_LATE_BODIES or any(row.accepted_at for row in kept):
        return False
    db.session.execute(
        insert(Late).values(
            attempt_id=attempt_id,
            number=len(kept) + 1,
            at=at,
            answers=other,
            acceptable=_acceptable(sheet, at),
        )
    )
    return True


def _acceptable(sheet: Sheet, at: datetime) -> bool:
    """Say whether a teacher may count answers that arrived at a moment: docs/decisions/0017."""
    soon = window.arrival(at, sheet.deadline, "accept_flagged") != "over"
    return soon and sheet.published(at) <= {"score"}


@operation
def submit_overdue(*, attempt_id: str, at: datetime) -> bool:
    """End an attempt whose time is over, as its round has it; False when there is nothing (more) to end."""
    state = queries.for_writing(attempt_id)
    if state.submitted_at is not None or state.voided or not state.over(at):
        return False
    _end(state, at)
    return True


def _end(state: Progress, at: datetime) -> None:
    """What the clock does with an attempt that was not handed in."""
    if state.policy == "reject":
        run(_VOID, attempt_id=state.attempt_id, new_voided_at=at, new_void_reason=LAPSED, new_overdue=True)
        return
    if state.saved_at is not None and state.arrival(state.saved_at) == "late":
        _finish(state, at=state.saved_at, overdue=True, late=True)
    else:
        _finish(state, at=state.deadline, overdue=True)


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
    if queries.for_writing(running.attempt_id).over(at):  # its result may have been looked at already
        raise Refusal("这个序号的时间已经到了，不能再加时间。需要的话请作废，让同学重新做。", status=409)
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
    if not known.goes and not known.lapsed:
        raise Refusal("这个序号还没有作答，不需要作废。", status=409)
    ids = [go.attempt_id for go in known.goes]
    db.session.execute(update(Attempt).where(Attempt.id.in_(ids)).values(voided_at=at, void_reason=reason))
    forgiven = {"forgiven": Participant.forgiven + known.lapsed}
    db.session.execute(update(Participant).where(Participant.id == known.participant_id).values(forgiven))
    audit.record(
        actor=actor,
        action="attempt.void",
        on=f"participant:{known.participant_id}",
        at=at,
        attempts=ids,
        lapses=known.lapsed,
        private={"reason": reason},
        erase_on=round_.erase_on,
    )
    return len(ids)


@operation
def accept_late(
    *,
    round_: RoundRow,
    unit_id: int,
    seat: int,
    attempt_id: str,
    number: int,
    reason: str,
    at: datetime,
    actor: audit.Actor,
) -> None:
    """Count answers that came after the clock had closed a seat's attempt, flagged; once an attempt, with a reason."""
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Refusal(f"请写清为什么算数，至少 {SHORTEST_REASON} 个字。")
    if attempt_id not in {go.attempt_id for go in _seat(round_, unit_id, seat).goes}:
        raise queries.UnknownAttempt
    state = queries.for_writing(attempt_id)
    bodies = {body.number: body for body in db.session.scalars(select(Late).filter_by(attempt_id=attempt_id))}
    body = bodies.get(number)
    if body is None or state.voided:
        raise queries.UnknownAttempt
    if not body.acceptable:
        raise Refusal("这份答案到得太晚，或者那时已经能看到答案，只能留作记录，不能算数。", status=409)
    if any(one.accepted_at for one in bodies.values()):
        raise Refusal("这一次已经算过一份迟到的答案，不能再换。", status=409)
    answers = {**state.answers, **queries.unpacked(body.answers)}
    marks, was, stored = _marks(state, answers), queries.packed(state.answers), queries.packed(answers)
    answers_hash = audit.answers_hash(stored)
    db.session.execute(
        update(Attempt)
        .where(Attempt.id == attempt_id)
        .values(answers=stored, score=marks.score, correct=list(marks.correct), late=True)
    )
    db.session.execute(
        update(Late)
        .where(Late.attempt_id == attempt_id, Late.number == number)
        .values(accepted_at=at, was=was, answers_hash=answers_hash)
    )
    audit.record(
        actor=actor,
        action="attempt.late_accepted",
        on=f"attempt:{attempt_id}",
        at=at,
        number=number,
        was=audit.answers_hash(was),
        answers_hash=answers_hash,
        private={"reason": reason},
        erase_on=round_.erase_on,
    )


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
    _require_sheet(state)
    if state.over(at):
        raise Over
    return state


def _require_sheet(state: Progress) -> None:
    if state.pace != "sheet":
        raise WrongPace


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
    _chosen(state, answers)
    run(_STORE, attempt_id=state.attempt_id, new_answers=queries.packed(answers), new_saved_at=at)


def _finish(
    state: Progress,
    *,
    at: datetime,
    overdue: bool = False,
    late: bool = False,
    answers: Mapping[int, Saved] | None = None,
) -> None:
    answers = state.answers if answers is None else answers
    marks = _marks(state, answers)
    stored = queries.packed(answers)
    closed = run(
        _CLOSE,
        attempt_id=state.attempt_id,
        new_answers=stored,
        new_saved_at=at,
        new_submitted_at=at,
        new_overdue=overdue,
        new_late=late,
        new_score=marks.score,
        new_correct=list(marks.correct),
    ).scalar_one_or_none()
    if closed is not None:
        audit.record_submission(attempt_id=state.attempt_id, answers_hash=audit.answers_hash(stored), at=at)


def _chosen(state: Progress, answers: Mapping[int, Saved]) -> tuple[frozenset[int], ...]:
    """The options chosen, position by position; refuses what is not on the paper."""
    tokens = {position: saved.chosen for position, saved in answers.items()}
    return paper.chosen_indices(paper.frozen(state.paper_id), state.form, state.seed, tokens)


def _marks(state: Progress, answers: Mapping[int, Saved]) -> marking.Marks:
    return marking.mark(paper.keyed(paper.frozen(state.paper_id), state.form), _chosen(state, answers))


# Erasing: batches of one transaction each, to be called until they return 0; docs/PRIVACY.md says when and what.


class NotYet(Refusal):
    """The day on which this may be erased has not come."""

    def __init__(self, on: date) -> None:
        super().__init__(f"{on:%Y-%m-%d} 才可以清除，现在还没有到。", status=409)


@operation
def forget_device(*, attempt_id: str, device: str, at: datetime) -> None:
    """Forget on which phone an attempt was handed in, asked by this phone; the resume code still opens it."""
    state = queries.for_writing(attempt_id)
    _require_device(state, device)
    if not state.over(at):
        raise Refusal("这次作答还没有交卷，交卷以后才能让手机忘掉它。", status=409)
    db.session.execute(update(Attempt).where(Attempt.id == attempt_id).values(device_hash=None))
    whose = select(Attempt.participant_id).where(Attempt.id == attempt_id).scalar_subquery()
    player_id = db.session.execute(
        update(Player)
        .where(Player.participant_id == whose, Player.nickname != "")
        .values(device_hash=None)
        .returning(Player.participant_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if player_id is not None:  # a nickname has nothing but its phone: all its goes leave it
        db.session.execute(
            update(Attempt).where(Attempt.participant_id == player_id).values(device_hash=None)
        )


@operation
def erase_players(*, round_id: int, at: datetime) -> int:
    """Erase up to 500 players of a round: nickname, phone, picks and entry; the goes stay, of unknown heads."""
    _lock_due(round_id, at, lambda erase_on: erase_on)
    ids = db.session.scalars(queries.players_of(round_id).limit(MOST_ERASED)).all()
    db.session.execute(delete(Player).where(Player.participant_id.in_(ids)))
    return len(ids)


@operation
def erase_places(*, round_id: int, at: datetime) -> int:
    """Let go of the seats of up to 500 heads of a round: who was excused stays so, without a name for it."""
    _lock_due(round_id, at, lambda erase_on: erase_on)
    chosen = select(Participant.id).where(Participant.round_id == round_id, queries.SEATED).limit(MOST_ERASED)
    ids = db.session.scalars(chosen).all()
    db.session.execute(
        update(Participant)
        .where(Participant.id.in_(ids))
        .values(excused=queries.EXCUSED, enrolment_id=None, extension_s=0, forgiven=0),
        execution_options={"synchronize_session": False},
    )
    return len(ids)


@operation
def erase_traces(*, round_id: int, unit_id: int, at: datetime) -> int:
    """Erase phone, codes, receipt, words and late bodies of up to 500 goes of a class."""
    _lock_due(round_id, at, lambda erase_on: erase_on)
    ids = db.session.scalars(_of_class(round_id, unit_id, queries.TRACED)).all()
    _erase(ids, {name: None for name in _TRACES})
    return len(ids)


@operation
def erase_answers(*, round_id: int, unit_id: int, at: datetime) -> int:
    """Erase the answers of up to 500 goes of a class; how often each was chosen is added to the class's sums."""
    _lock_due(round_id, at, retention.answers_go_on)
    ids = db.session.scalars(_of_class(round_id, unit_id, queries.ANSWERED)).all()
    _sum_up(round_id, unit_id, ids)
    _erase(ids, {"answers": {}, "seed": ""})
    return len(ids)


@operation
def erase_attempt(*, attempt_id: str, at: datetime, actor: audit.Actor) -> bool:
    """Erase what one submitted attempt holds, as was asked; its head and score stay. False: it was done before."""
    state = queries.for_writing(attempt_id)
    if state.submitted_at is None:
        raise Refusal("这次作答还没有交卷，不能删除。", status=409)
    found = select(Attempt.round_id, Attempt.unit_id).where(Attempt.id == attempt_id, queries.ANSWERED)
    kept = db.session.execute(found).one_or_none()
    if kept is None:
        return False
    _lock_round(kept.round_id)
    _sum_up(kept.round_id, kept.unit_id, [attempt_id])
    _erase([attempt_id], {**{name: None for name in _TRACES}, "answers": {}, "seed": ""})
    audit.record(actor=actor, action="attempt.erased", on=f"attempt:{attempt_id}", at=at)
    return True


def _lock_round(round_id: int) -> date:
    """Let those who erase in a round queue; attempts, which only point at it, do not wait."""
    erase_on: date = db.session.execute(
        select(Campaign.erase_on)
        .join(Round, Round.campaign_id == Campaign.id)
        .where(Round.id == round_id)
        .with_for_update(of=Round, key_share=True)
    ).scalar_one()
    return erase_on


def _lock_due(round_id: int, at: datetime, goes_on: Callable[[date], date]) -> None:
    on = goes_on(_lock_round(round_id))
    if clock.local_day(at) < on:
        raise NotYet(on)


def _of_class(round_id: int, unit_id: int, condition: ColumnElement[bool]) -> Select[str]:
    here = (Attempt.round_id == round_id, Attempt.unit_id == unit_id)
    return select(Attempt.id).where(*here, condition).limit(MOST_ERASED)


def _erase(ids: Sequence[str], values: Mapping[str, Any]) -> None:
    if "receipt" in values:
        db.session.execute(delete(Late).where(Late.attempt_id.in_(ids)))
    db.session.execute(update(Attempt).where(Attempt.id.in_(ids)).values(values))


def _sum_up(round_id: int, unit_id: int, ids: Sequence[str]) -> None:
    """Add the first goes among these to the sums of their class."""
    # an item's sum belongs to the round's own paper; other papers, of a day or a role, have no sums
    goes = db.session.execute(
        select(Round.paper_id, Attempt.form, Attempt.seed, Attempt.answers)
        .join(Round, Round.id == Attempt.round_id)
        .join(Participant, Participant.id == Attempt.participant_id)
        .where(Attempt.id.in_(ids), Attempt.paper_id.is_(None), queries.COUNTED_FIRST)
    ).all()
    if not goes:
        return
    counts = queries.item_counts(
        paper.frozen(goes[0].paper_id), [(go.form, go.seed, go.answers) for go in goes]
    )
    here = (ItemSum.round_id == round_id, ItemSum.unit_id == unit_id)
    known = {row.item: row for row in db.session.scalars(select(ItemSum).where(*here))}
    for item, count in counts.items():
        row = known.get(item)
        if row is None:
            row = ItemSum(
                round_id=round_id, unit_id=unit_id, item=item, shown=0, correct=0, chosen=[], blank=0
            )
            db.session.add(row)
        whole = itemstats.plus(count, ItemCount(row.shown, row.correct, tuple(row.chosen), row.blank))
        row.shown, row.correct, row.blank = whole.shown, whole.correct, whole.blank
        row.chosen = list(whole.chosen)
