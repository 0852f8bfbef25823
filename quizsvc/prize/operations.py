"""Use cases of the prizes: announce, claim, hand out, end and pass on, close, certify, erase."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select, update

from quizsvc import audit, vault
from quizsvc.attempt import queries as attempt
from quizsvc.audit import Actor
from quizsvc.campaign.queries import round_of
from quizsvc.clock import local_day
from quizsvc.contest import queries as contest
from quizsvc.core import lifecycle, linkcode, masking, telephone
from quizsvc.core.lifecycle import Move
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules
from quizsvc.db import db, insert, operation
from quizsvc.draw import queries as draw
from quizsvc.prize import queries
from quizsvc.prize.models import Award, Certificate, Claim, Handover, PhoneKey
from quizsvc.prize.models import Move as Moved

CODE_LENGTH: Final = 8
LONGEST_NAME: Final = 30
SHORTEST_REASON, LONGEST_REASON = 4, 200
MOST_ERASED: Final = 500
KEY_BYTES: Final = 32
CERTIFICATE_LENGTH: Final = 12

VISITOR: Final = Actor("visitor")
_STAGES: Final = {move: stage for stage, move in queries.MOVES.items()}


class PhoneTaken(Refusal):
    """Another prize of this contest was claimed with the same telephone."""

    def __init__(self) -> None:
        super().__init__("这个手机号已经登记过这次竞赛的另一份奖。一个手机号只能领一份。", status=409)


class AlreadyHandedOut(Refusal):
    """The prize is gone: another clerk was first."""

    def __init__(self) -> None:
        super().__init__("这份奖刚刚已经发出了，不能再发一次。", status=409)


class AlreadyEnded(Refusal):
    """Nobody can take or lose this prize any more."""

    def __init__(self) -> None:
        super().__init__("这份奖已经了结，不能再改。", status=409)


@dataclass(frozen=True, slots=True)
class Passed:
    """What became of a prize that was not taken: who has it now, None when nobody is left."""

    entry_id: str | None
    skipped: int


@operation
def announce(*, round_id: int, key_file: Path, at: datetime, actor: Actor) -> int:
    """Give the winners of the draw their prizes and claim codes; return how many. It happens once."""
    _move(round_id, Move.ANNOUNCE, at=at, actor=actor)
    held = draw.draw_of(round_id)
    rules = queries.drawn_rules(round_id)
    if held is None or rules is None:
        raise Refusal("还没有抽奖结果，不能公示。", status=409)
    winners = sorted(draw.winners(held.id), key=lambda row: (row.tier, row.number))
    players = attempt.players_of_entries(round_id, [row.entry_id for row in winners])
    until = lifecycle.until(at, rules.claim_days)
    codes = _fresh_codes()
    for row in winners:
        who = players.get(row.entry_id)
        db.session.add(
            Award(
                round_id=round_id, tier=row.tier, number=row.number, place=row.place, entry_id=row.entry_id,
                participant_id=who.participant_id if who else None, claim_code=next(codes), granted_at=at,
                claim_until=until,
            )
        )  # fmt: skip
    db.session.flush()
    _keep_phone_key(round_id, key_file)
    audit.record(
        actor=actor,
        action="prize.announced",
        on=f"round:{round_id}",
        at=at,
        prizes=len(winners),
        draw=held.id,
    )
    return len(winners)


@operation
def open_handing_out(*, round_id: int, at: datetime, actor: Actor) -> None:
    """Let clerks hand prizes out, once the days for objections are over."""
    announced = _lock(round_id)
    rules = queries.drawn_rules(round_id)
    ends = lifecycle.until(announced, rules.published_days) if rules and announced else None
    _move(round_id, Move.HAND_OUT, at=at, actor=actor, objections_until=ends)
    audit.record(actor=actor, action="prize.handing_out", on=f"round:{round_id}", at=at)


@operation
def close(*, round_id: int, at: datetime, actor: Actor) -> None:
    """Close a contest of which every prize is handed out, or was given up with nobody left to have it."""
    _lock(round_id)
    _move(round_id, Move.CLOSE, at=at, actor=actor, prizes_left=queries.prizes_left(round_id))
    audit.record(actor=actor, action="prize.closed", on=f"round:{round_id}", at=at)


@operation
def claim(
    *,
    round_id: int,
    award_id: int,
    phone: str,
    name: str,
    guardian: str | None,
    key_file: Path,
    at: datetime,
) -> None:
    """Keep how a winner can be reached, sealed; the caller has proved that the prize is theirs.

    Until the prize is handed out the winner may put a slip of the pen right.
    """
    number = telephone.mobile(phone)
    name = _person(name, "姓名")
    rules = queries.drawn_rules(round_id)
    minors = rules is not None and rules.minors
    guardian = _person(guardian, "监护人姓名") if guardian and minors else None
    row = _locked_award(round_id, award_id)
    if lifecycle.lapsed(row.claim_until, at):
        raise Refusal("领奖的期限已经过了。有疑问请打规则页上的电话。", status=410)
    # the lock on the table of claims is held by now, so that no key is retired between reading the ring and the end
    db.session.execute(select(Claim.award_id).where(Claim.award_id == award_id).with_for_update())
    again = db.session.execute(
        delete(Claim).where(Claim.award_id == award_id).returning(Claim.award_id)
    ).all()
    sealed_key = _phone_key(round_id)
    ring = vault.kept_ring(key_file)

    def sealed(column: str, text: str) -> str:
        return ring.seal(text, place=queries.place(column, award_id))

    kept = db.session.execute(
        insert(Claim)
        .values(
            award_id=award_id, round_id=round_id, phone=sealed("phone", number), name=sealed("name", name),
            guardian=None if guardian is None else sealed("guardian", guardian),
            phone_hash=_phone_hash(number, ring.open(sealed_key, place=queries.key_place(round_id))), claimed_at=at,
            shown=masking.masked_winner(name, number, minors=minors),
        )
        .on_conflict_do_nothing()
        .returning(Claim.award_id)
    ).scalar_one_or_none()  # fmt: skip
    if kept is None:
        raise PhoneTaken
    audit.record(
        actor=VISITOR,
        action="prize.claim_corrected" if again else "prize.claimed",
        on=f"award:{award_id}",
        at=at,
    )


@operation
def hand_over(*, round_id: int, award_id: int, how: str, at: datetime, actor: Actor) -> None:
    """Write down that a prize was handed to its winner; of two clerks at once one is told that it is gone."""
    if how not in queries.HOW_NAMES:
        raise Refusal("请选领奖的方式：当面领，或者邮寄。")
    _locked_award(round_id, award_id)
    stage = _stage(round_id, at)
    if stage is not lifecycle.Stage.HANDING_OUT:
        raise lifecycle.NotNow(f"现在是“{lifecycle.NAMES[stage]}”，还不能发奖。")
    claimed = db.session.execute(select(Claim.award_id).where(Claim.award_id == award_id)).one_or_none()
    if claimed is None:
        raise Refusal("中奖人还没有登记。请他先在自己的手机上填手机号，再来领。", status=409)
    handed = db.session.execute(
        insert(Handover)
        .values(award_id=award_id, at=at, how=how, by=actor.text)
        .on_conflict_do_nothing()
        .returning(Handover.award_id)
    ).scalar_one_or_none()
    if handed is None:
        raise AlreadyHandedOut
    audit.record(actor=actor, action="prize.handed_over", on=f"award:{award_id}", at=at, how=how)


@operation
def decline(*, round_id: int, award_id: int, reason: str, at: datetime, actor: Actor) -> Passed:
    """End a prize whose winner does not want it, and pass it on."""
    return _end(round_id, award_id, "declined", _reason(reason), action="prize.declined", at=at, actor=actor)


@operation
def disqualify(*, round_id: int, award_id: int, reason: str, at: datetime, actor: Actor) -> Passed:
    """End a prize whose winner may not have it, with a reason, and pass it on."""
    return _end(
        round_id, award_id, "disqualified", _reason(reason), action="prize.disqualified", at=at, actor=actor
    )


@operation
def forfeit(*, round_id: int, award_id: int, reason: str, at: datetime, actor: Actor) -> Passed:
    """End a prize for which nobody came in time, and pass it on."""
    reason = _reason(reason)
    until = db.session.execute(
        select(Award.claim_until).where(Award.id == award_id, Award.round_id == round_id)
    ).scalar_one_or_none()
    if until is not None and not lifecycle.lapsed(until, at):
        raise Refusal("领奖的期限还没有到，不能按逾期处理。", status=409)
    return _end(round_id, award_id, "forfeited", reason, action="prize.forfeited", at=at, actor=actor)


@operation
def forfeit_due(*, round_id: int, expected: int, at: datetime, actor: Actor) -> list[Passed]:
    """End all prizes nobody claimed in time; `expected` is how many the person was shown."""
    _lock(round_id)
    due = queries.lapsed(round_id, at)
    if not due:
        raise Refusal("没有逾期的奖。", status=409)
    if len(due) != expected:
        raise Refusal(f"逾期的奖现在是 {len(due)} 份，和刚才看到的不一样，请再看一遍。", status=409)
    return [
        _end(round_id, row.id, "forfeited", "逾期没有登记", action="prize.forfeited", at=at, actor=actor)
        for row in due
    ]


@operation
def issue_certificate(*, round_id: int, participant_id: int, title: str, at: datetime) -> str:
    """Give a certificate its number, once for each title, and return it; the caller has proved who asks."""
    if title not in _titles(round_id, participant_id):
        raise Refusal("这张证书还不能领，或者不归这台手机。", status=409)
    db.session.execute(
        insert(Certificate)
        .values(
            code=linkcode.body_from(secrets.randbits(5 * CERTIFICATE_LENGTH), CERTIFICATE_LENGTH),
            round_id=round_id, participant_id=participant_id, title=title, issued_at=at,
        )
        .on_conflict_do_nothing(index_elements=[Certificate.participant_id, Certificate.title])
    )  # fmt: skip
    return queries.certificates_of([participant_id])[participant_id, title]


@operation
def erase_old_claims(*, at: datetime) -> int:
    """Erase up to 500 contacts of winners whose prize was handed out or lapsed thirty days ago."""
    return _erase(db.session.scalars(queries.old_contacts(at).limit(MOST_ERASED)).all())


@operation
def erase_claims(*, round_id: int, at: datetime) -> int:
    """Erase up to 500 contacts of winners of a round, and with the last of them the key of its telephones."""
    _check_due(round_id, at)
    ids = db.session.scalars(queries.reachable(round_id).limit(MOST_ERASED)).all()
    if not ids:
        db.session.execute(delete(PhoneKey).where(PhoneKey.round_id == round_id))
    return _erase(ids)


@operation
def erase_holders(*, round_id: int, at: datetime) -> int:
    """Cut up to 500 prizes and certificates of a round from their players; codes and reasons go with it."""
    _check_due(round_id, at)
    ids = db.session.scalars(
        select(Award.id).where(Award.round_id == round_id, queries.HELD).limit(MOST_ERASED)
    ).all()
    db.session.execute(
        update(Award)
        .where(Award.id.in_(ids))
        .values(participant_id=None, claim_code=None, end_reason=None)
        .execution_options(synchronize_session=False)
    )
    codes = db.session.scalars(
        select(Certificate.code)
        .where(Certificate.round_id == round_id, Certificate.participant_id.is_not(None))
        .limit(MOST_ERASED)
    ).all()
    db.session.execute(
        update(Certificate)
        .where(Certificate.code.in_(codes))
        .values(participant_id=None)
        .execution_options(synchronize_session=False)
    )
    return len(ids) + len(codes)


def _check_due(round_id: int, at: datetime) -> None:
    on = round_of(round_id).erase_on
    if local_day(at) < on:
        raise Refusal(f"约定从 {on} 起才能清除，还没有到。", status=409)


def _erase(award_ids: Sequence[int]) -> int:
    db.session.execute(
        delete(Claim).where(Claim.award_id.in_(award_ids)).execution_options(synchronize_session=False)
    )
    return len(award_ids)


def _move(
    round_id: int,
    move: Move,
    *,
    at: datetime,
    actor: Actor,
    objections_until: datetime | None = None,
    prizes_left: int = 0,
) -> None:
    """Take a step that is taken once; of two at the same time the second is told where the contest stands now."""
    stage = _stage(round_id, at)
    lifecycle.check(move, stage, at, objections_until=objections_until, prizes_left=prizes_left)
    taken = db.session.execute(
        insert(Moved)
        .values(round_id=round_id, stage=_STAGES[move], at=at, by=actor.text)
        .on_conflict_do_nothing()
        .returning(Moved.round_id)
    ).scalar_one_or_none()
    if taken is None:
        raise lifecycle.NotNow(f"已经有人“{lifecycle.MOVE_NAMES[move]}”了，不能再来一次。")


def _stage(round_id: int, at: datetime) -> lifecycle.Stage:
    round_ = round_of(round_id)
    return lifecycle.stage(queries.facts([round_])[round_id], at)


def _lock(round_id: int) -> datetime | None:
    """Let one at a time pass prizes of a round on; return when its winners were announced."""
    return db.session.execute(
        select(Moved.at).where(Moved.round_id == round_id, Moved.stage == "announced").with_for_update()
    ).scalar_one_or_none()


def _locked_award(round_id: int, award_id: int) -> Award:
    row = db.session.execute(
        select(Award)
        .where(Award.id == award_id, Award.round_id == round_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if row is None:
        raise queries.UnknownAward
    if row.ended_at is not None:
        raise AlreadyEnded
    handed = db.session.execute(select(Handover.at).where(Handover.award_id == award_id)).one_or_none()
    if handed is not None:
        raise AlreadyHandedOut
    return row


def _end(
    round_id: int, award_id: int, kind: str, reason: str, *, action: str, at: datetime, actor: Actor
) -> Passed:
    if _lock(round_id) is None:
        raise queries.UnknownAward
    if _stage(round_id, at) is lifecycle.Stage.CLOSED:
        raise lifecycle.NotNow("竞赛已经结束，不能再改。")
    row = _locked_award(round_id, award_id)
    row.ended_at, row.end_kind, row.end_reason, row.ended_by = at, kind, reason, actor.text
    db.session.flush()
    passed = _pass_on(row, at=at, actor=actor)
    audit.record(
        actor=actor, action=action, on=f"award:{award_id}", at=at, private={"reason": reason},
        to=passed.entry_id, skipped=passed.skipped,
    )  # fmt: skip
    return passed


def _pass_on(ended: Award, *, at: datetime, actor: Actor) -> Passed:
    """Give a prize to the next in line; whoever was excluded meanwhile is written down and skipped."""
    rules = queries.drawn_rules(ended.round_id)
    held = draw.draw_of(ended.round_id)
    if rules is None or held is None:
        raise queries.UnknownAward
    had = set(db.session.scalars(select(Award.entry_id).where(Award.round_id == ended.round_id)))
    out, codes, skipped = contest.excluded(ended.round_id), _fresh_codes(), 0
    for place, entry_id in _in_line(ended, rules, held.id, len(had)):
        if entry_id in had:
            continue
        who = attempt.players_of_entries(ended.round_id, [entry_id]).get(entry_id)
        given = Award(
            round_id=ended.round_id, tier=ended.tier, number=ended.number, place=place, entry_id=entry_id,
            participant_id=who.participant_id if who else None, granted_at=at,
            claim_until=lifecycle.until(at, rules.claim_days),
        )  # fmt: skip
        db.session.add(given)
        if who is None or who.participant_id in out:
            given.ended_at, given.end_kind, given.ended_by = at, "disqualified", actor.text
            given.end_reason = "复核后不计入" if who else "参赛记录已经删除"
            skipped += 1
            db.session.flush()
            continue
        given.claim_code = next(codes)
        db.session.flush()
        return Passed(entry_id, skipped)
    return Passed(None, skipped)


def _in_line(ended: Award, rules: Rules, draw_id: str, awards: int) -> Iterator[tuple[int, str]]:
    """Walk those who come next: in the order drawn after the last that got a prize, or in the final standing."""
    if rules.tiers[ended.tier].by == "standing":
        for number, rank in enumerate(contest.standing(ended.round_id, awards + 1), 1):
            yield number, rank.entry_id
        return
    drawn = [index for index, tier in enumerate(rules.tiers) if tier.by == "draw"]
    last = db.session.execute(
        select(func.max(Award.place)).where(Award.round_id == ended.round_id, Award.tier.in_(drawn))
    ).scalar_one()
    while (following := draw.entry_after(draw_id, last)) is not None:
        last = following[0]
        yield following


def _titles(round_id: int, participant_id: int) -> list[str]:
    """List what somebody may have a certificate of: a prize they got, which nobody ends any more, and the step."""
    rules = queries.drawn_rules(round_id)
    if rules is None:
        return []
    tiers = db.session.scalars(
        select(Award.tier)
        .join(Handover, Handover.award_id == Award.id)
        .where(Award.round_id == round_id, Award.participant_id == participant_id)
    ).all()
    met = draw.draw_of(round_id) is not None and queries.has_met(
        round_id, participant_id, min(rules.qualifies, default=10000)
    )
    return [*(rules.tiers[tier].name for tier in tiers), *([queries.MET] if met else [])]


def _keep_phone_key(round_id: int, key_file: Path) -> None:
    # the lock on the table is held before the ring is read, so that no key is retired meanwhile
    db.session.execute(select(PhoneKey.round_id).where(PhoneKey.round_id == round_id).with_for_update())
    ring = vault.kept_ring(key_file)
    key = ring.seal(secrets.token_hex(KEY_BYTES), place=queries.key_place(round_id))
    db.session.execute(insert(PhoneKey).values(round_id=round_id, key=key))


def _phone_key(round_id: int) -> str:
    sealed = db.session.execute(
        select(PhoneKey.key).where(PhoneKey.round_id == round_id)
    ).scalar_one_or_none()
    if sealed is None:
        raise Refusal("现在不能登记。有疑问请打规则页上的电话。", status=409)
    return sealed


def _phone_hash(number: str, key: str) -> str:
    return hmac.new(bytes.fromhex(key), number.encode(), hashlib.sha256).hexdigest()


def _fresh_codes() -> Iterator[str]:
    """Yield claim codes nobody has: seven random characters and one that tells slips of the pen."""
    known = set(db.session.scalars(select(Award.claim_code).where(Award.claim_code.is_not(None))))
    while True:
        body = linkcode.body_from(secrets.randbits(5 * (CODE_LENGTH - 1)), CODE_LENGTH - 1)
        code = body + linkcode.check_character(body)
        if code not in known:
            known.add(code)
            yield code


def _person(text: str | None, what: str) -> str:
    name = " ".join((text or "").split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Refusal(f"请填{what}，最多 {LONGEST_NAME} 个字。")
    return name


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise Refusal(f"请写明原因，{SHORTEST_REASON} 到 {LONGEST_REASON} 个字。")
    return reason
