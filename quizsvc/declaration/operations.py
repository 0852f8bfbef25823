"""The use cases of a declaration: declare on a phone, take it back, promote, and erase what leads to a head."""

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import not_, or_, select, update

from quizsvc import audit, clock, vault
from quizsvc.audit import Actor
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import adoption, document, linkcode, roundkind
from quizsvc.core.adoption import Adoption
from quizsvc.core.document import Document
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, insert_unless_there, operation, run
from quizsvc.declaration import queries
from quizsvc.declaration.models import Declaration, ItemState, Population, Referral, Total
from quizsvc.declaration.queries import Entry, Given, Line, NotApproved, Read
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster

VISITOR: Final = Actor("visitor")
RECEIPT_LENGTH: Final = 8
SHORTEST_REASON: Final = 4
LONGEST_REASON: Final = 100
MOST_ERASED: Final = 500
_PROOFS: Final = tuple(adoption.PROOFS)  # from the weakest to the strongest
_TRACES: Final = ("enrolment_id", "device_hash", "receipt", "name", "signature", "referral_id", "void_reason")


class SeatTaken(Refusal):
    """One neutral sentence for a seat that is declared elsewhere, excused or unknown."""

    def __init__(self, seat: int | None) -> None:
        super().__init__(f"{seat} 号现在不能交。" if seat else "这台手机现在不能交。", status=409)
        self.seat = seat


class SaidYes(Refusal):
    """A receipt that said yes is not turned into a no by itself."""

    def __init__(self, receipt: str) -> None:
        super().__init__("之前已经回过“是”，这次没有改动。想改成“否”，请告诉老师。", status=409)
        self.receipt = receipt


class NoRoom(Refusal):
    """Nothing new is taken while the disk is nearly full."""

    def __init__(self) -> None:
        super().__init__("现在暂时不能交，已经交过的都在。请过几分钟再试。", status=503)


class TooOften(Refusal):
    """The head has declared as often as the round allows."""

    def __init__(self) -> None:
        super().__init__("改的次数用完了，这次没有改动。还要改的，请告诉老师。", status=409)


class OtherPhone(Refusal):
    """Only the phone it was made on may do this."""

    def __init__(self) -> None:
        super().__init__("这一份不是用这台手机交的，在这里不能改。请用原来的手机，或请老师帮忙。", status=403)


class NotYet(Refusal):
    """The day on which this may be erased has not come."""

    def __init__(self, on: date) -> None:
        super().__init__(f"{on:%Y-%m-%d} 才可以清除，现在还没有到。", status=409)


@operation
def declare(
    *,
    code: str,
    seat: int | None,
    given: Given,
    device: str,
    by: str,
    key_file: Path,
    at: datetime,
    room: bool = True,
) -> str:
    """Store what a head declares and return its receipt; the same again from the same phone changes nothing."""
    entry = _entry(code, seat, device, at)
    read = queries.read(entry.paper_id, entry.approval, given)
    if entry.standing is not None:
        read = _carried(entry.standing, read)
        known = _known(entry, entry.standing, read, device, seat)
        if known is not None:
            return known
    if not room:
        raise NoRoom
    stored = _store(entry, read, device, by, key_file, at)
    if stored is not None:
        return stored
    entry = _entry(code, seat, device, at)  # another request was a moment earlier
    known = None if entry.standing is None else _known(entry, entry.standing, read, device, seat)
    if known is None:
        raise SeatTaken(seat)
    return known


def _entry(code: str, seat: int | None, device: str, at: datetime) -> Entry:
    entry = queries.entry(code, seat, device)
    if entry.kind not in roundkind.DECLARATIONS:
        raise queries.OtherKind
    entry.window.check(at)
    if entry.identity == "anonymous":
        if seat is not None or not device:
            raise SeatTaken(seat)
    elif entry.enrolment_id is None or entry.exempt:
        raise SeatTaken(seat)
    return entry


def _known(entry: Entry, standing: Line, read: Read, device: str, seat: int | None) -> str | None:
    """Return the receipt of what stands when nothing is to be changed; None when it may be replaced."""
    if not standing.of_phone(device) or standing.receipt is None:
        raise SeatTaken(seat)
    if entry.kind == "pledge":
        return standing.receipt
    if entry.kind == "receipt":
        if standing.met and not read.met:
            raise SaidYes(standing.receipt)
        same = standing.met == read.met
    else:
        same = standing.helped == read.helped and queries.items_of(standing.id) == read.items
    if same:
        return standing.receipt
    if queries.declared(standing) >= entry.attempts:
        raise TooOften
    return None


def _carried(standing: Line, read: Read) -> Read:
    """What was checked or verified of an item before stays so while it stays adopted."""
    before = {one.item: one for one in queries.items_of(standing.id)} if read.items else {}

    def carried(one: queries.Item) -> queries.Item:
        old = before.get(one.item)
        if old is None or (old.state, one.state) != ("adopted", "adopted"):
            return one
        return replace(one, proof=max(old.proof, one.proof, key=_PROOFS.index))

    return replace(read, items=tuple(carried(one) for one in read.items))


def _store(entry: Entry, read: Read, device: str, by: str, key_file: Path, at: datetime) -> str | None:
    if entry.standing is not None and not _replace(entry.standing, at):
        return None
    declaration_id = base64.b32encode(secrets.token_bytes(15)).decode().lower()
    # the lock on the table is held from here on, so that no key is retired between reading the ring and the end
    run(select(Declaration.id).where(Declaration.id == declaration_id).with_for_update())
    ring = vault.kept_ring(key_file) if read.name else None

    def sealed(column: str, text: str) -> str | None:
        return ring.seal(text, place=queries.place_of(column, declaration_id)) if ring and text else None

    nameless = entry.identity == "anonymous"
    receipt = linkcode.body_from(secrets.randbits(5 * RECEIPT_LENGTH), RECEIPT_LENGTH)
    added = run(
        insert_unless_there(Declaration, Declaration.id),
        id=declaration_id, round_id=entry.round_id, unit_id=entry.unit_id,
        enrolment_id=None if nameless else entry.enrolment_id, link_id=entry.link_id, paper_id=entry.paper_id,
        text_hash=read.text_hash, signer=read.signer, channel="phone", nameless=nameless, met=read.met,
        helped=read.helped, device_hash=queries.device_hash(device), receipt=receipt,
        name=sealed("name", read.name), signature=sealed("signature", read.strokes), declared_at=at,
        referral_id=_referral(entry, by), excused=False,
    ).scalar_one_or_none()  # fmt: skip
    if added is None:
        return None
    _keep_items(declaration_id, read.items)
    audit.record_submission(
        attempt_id=declaration_id,
        answers_hash=queries.declared_hash(read.text_hash, read.met, read.items),
        at=at,
    )
    return receipt


def _replace(standing: Line, at: datetime) -> bool:
    replaced = db.session.execute(
        update(Declaration)
        .where(Declaration.id == standing.id, queries.STANDS)
        .values(replaced_at=at)
        .returning(Declaration.id)
        .execution_options(synchronize_session=False)
    )
    return replaced.first() is not None


def _keep_items(declaration_id: str, items: Sequence[queries.Item]) -> None:
    """Add the items of a declaration, inside an operation."""
    db.session.add_all(
        ItemState(
            declaration_id=declaration_id, item=one.item, state=one.state, steps=one.steps, proof=one.proof
        )
        for one in items
    )
    db.session.flush()


def _referral(entry: Entry, by: str) -> int | None:
    """Whose promotion code led here; an update keeps the first one, and nobody leads to themselves."""
    if entry.standing is not None and entry.standing.referral_id is not None:
        return entry.standing.referral_id
    if not by or not entry.referrals:
        return None
    own = Referral.enrolment_id.is_distinct_from(entry.enrolment_id)
    return db.session.execute(
        select(Referral.id).where(Referral.round_id == entry.round_id, Referral.code == by, own)
    ).scalar_one_or_none()


@operation
def delete_signature(*, receipt: str, device: str, at: datetime) -> None:
    """Clear name and strokes at once, asked by the phone they came from; a pledge without them is void."""
    line = queries.line(receipt)
    if not line.of_phone(device):
        raise OtherPhone
    # with it go the names under what it replaced; a copy that was replaced takes nothing from the one that stands
    db.session.execute(
        update(Declaration)
        .where(
            Declaration.round_id == line.round_id,
            Declaration.enrolment_id == line.enrolment_id,
            Declaration.device_hash == line.device_hash,
            or_(Declaration.id == line.id, not_(queries.STANDS)),
        )
        .values(name=None, signature=None)
    )
    void = line.stands and _is_pledge(line)
    if void:
        taken_back = {"voided_at": at, "void_reason": "签的人删除了签名"}
        db.session.execute(update(Declaration).where(Declaration.id == line.id).values(taken_back))
    audit.record(
        actor=VISITOR, action="declaration.signature_deleted", on=f"declaration:{line.id}", at=at, void=void
    )


def _is_pledge(line: Line) -> bool:
    body = paper.sheet(line.paper_id).body
    return isinstance(body, Document) and body.kind == "pledge"


@operation
def void(*, declaration_id: str, reason: str, erase_on: date, at: datetime, actor: Actor) -> None:
    """Let a declaration no longer count, with a reason; it stays, and its seat is free again."""
    reason = _reason(reason)
    voided = db.session.execute(
        update(Declaration)
        .where(Declaration.id == declaration_id, queries.STANDS)
        .values(voided_at=at, void_reason=reason)
        .returning(Declaration.id)
        .execution_options(synchronize_session=False)
    )
    if voided.first() is None:
        raise Refusal("这一份已经作废，或者已经换成新的了。", status=409)
    audit.record(
        actor=actor,
        action="declaration.void",
        on=f"declaration:{declaration_id}",
        at=at,
        private={"reason": reason},
        erase_on=erase_on,
    )


@operation
def make_referral(*, receipt: str, device: str, at: datetime) -> str:
    """Give the head of a declaration a promotion code, once, because they asked for it; return it."""
    copy = queries.copy(receipt)
    line = copy.line
    if not line.of_phone(device):
        raise OtherPhone
    if not copy.round.referrals or line.enrolment_id is None or not line.stands:
        raise Refusal("这里没有推广码。", status=409)
    copy.round.window().check(at)
    run(
        insert_unless_there(Referral, Referral.id),
        round_id=line.round_id, unit_id=line.unit_id, enrolment_id=line.enrolment_id,
        code=linkcode.body_from(secrets.randbits(40), 8), made_at=at,
    )  # fmt: skip
    made = queries.promotion(line.round_id, line.enrolment_id)
    if made is None:
        raise Refusal("推广码没有做成，请再点一次。", status=409)
    return made.code


# Erasing: batches of one transaction each, to be called until they return 0; docs/PRIVACY.md says when and what.


@operation
def erase_declarations(*, round_id: int, at: datetime) -> int:
    """Let go of the seats, phones, names and receipts of up to 500 declarations; what was declared stays, of nobody."""
    _lock_due(round_id, at)
    ids = db.session.scalars(
        select(Declaration.id).where(Declaration.round_id == round_id, queries.LINKED).limit(MOST_ERASED)
    ).all()
    db.session.execute(
        update(Declaration)
        .where(Declaration.id.in_(ids))
        .values(excused=queries.EXCUSED, **dict.fromkeys(_TRACES)),
        execution_options={"synchronize_session": False},
    )
    return len(ids)


@operation
def erase_referrals(*, round_id: int, at: datetime) -> int:
    """Cut up to 500 promotion codes of a round from their heads; the codes go with it."""
    _lock_due(round_id, at)
    ids = db.session.scalars(
        select(Referral.id).where(Referral.round_id == round_id, queries.OWNED).limit(MOST_ERASED)
    ).all()
    db.session.execute(
        update(Referral)
        .where(Referral.id.in_(ids))
        .values(enrolment_id=None, code=None)
        .execution_options(synchronize_session=False)
    )
    return len(ids)


def _lock_due(round_id: int, at: datetime) -> None:
    """Let those who erase in a round queue, and refuse before its day."""
    on: date = db.session.execute(
        select(Campaign.erase_on)
        .join(Round, Round.campaign_id == Campaign.id)
        .where(Round.id == round_id)
        .with_for_update(of=Round, key_share=True)
    ).scalar_one()
    if clock.local_day(at) < on:
        raise NotYet(on)


# The staff's side.

MOST_PEOPLE: Final = 100_000_000
SHORTEST_SOURCE: Final = 2
LONGEST_SOURCE: Final = 60


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of a pile of paper sheets: the seats written down, and those that had declared before."""

    entered: tuple[int, ...]
    known: tuple[int, ...]


@operation
def enter_papers(
    *, round_: RoundRow, unit_id: int, answers: Mapping[int, bool], on: date, at: datetime, actor: Actor
) -> Entered:
    """Write down what came back on paper, by seat; all or nothing, and who has declared before is left alone."""
    text_hash, signer = _paper_text(round_, answers)
    _check_day(round_, on, at)
    seats = {one.seat: one for one in queries.seats_of(round_, unit_id)}
    strange = sorted(seat for seat in answers if seat not in seats or seats[seat].exempt)
    if strange:
        raise Refusal(
            f"一份也没有录：这里没有 {queries.listed(strange)}，或者已经免了。请改好再点一次。", status=409
        )
    fresh = {
        seats[seat].enrolment_id: seat for seat in sorted(answers) if seats[seat].declaration is None
    }  # fmt: skip
    same: dict[str, Any] = {
        "round_id": round_.id, "unit_id": unit_id, "paper_id": round_.paper_id, "text_hash": text_hash,
        "signer": signer, "channel": "paper", "nameless": False, "helped": False, "declared_at": at, "noted_on": on,
        "noted_by": actor.text, "excused": False,
    }  # fmt: skip
    rows = [
        {"id": _new_id(), "enrolment_id": enrolment_id, "met": answers[seat], **same}
        for enrolment_id, seat in fresh.items()
    ]
    added = (
        db.session.execute(
            insert(Declaration)
            .values(rows)
            .on_conflict_do_nothing()  # a phone was a moment earlier: it stands
            .returning(Declaration.id, Declaration.enrolment_id, Declaration.met)
        ).all()
        if rows
        else []
    )
    for row in added:
        audit.record_submission(
            attempt_id=row.id, answers_hash=queries.declared_hash(text_hash, row.met, ()), at=at
        )
    entered = tuple(sorted(fresh[row.enrolment_id] for row in added))
    if entered:
        audit.record(
            actor=actor,
            action="declaration.papers_entered",
            on=f"round:{round_.id}/unit:{unit_id}",
            at=at,
            declarations=sorted(row.id for row in added),
            text_hash=text_hash,
            noted_on=on,
        )
    return Entered(entered, tuple(sorted(set(answers) - set(entered))))


def _paper_text(round_: RoundRow, answers: Mapping[int, bool]) -> tuple[str, str]:
    """Return the hash of the text on the sheets and who signs it, or say why these sheets cannot be written down."""
    body = paper.sheet(round_.paper_id).body if round_.kind in ("receipt", "pledge") else None
    if not isinstance(body, Document) or round_.identity == "anonymous":
        raise Refusal("这一场不能录入纸质回执。", status=409)
    if body.kind == "pledge" and body.signer == "student" and not round_.approval:
        raise NotApproved
    if not answers:
        raise Refusal("还没有勾座号。请先勾好，再点录入。")
    if body.kind == "pledge" and not all(answers.values()):
        raise Refusal("责任书签了才录入，没有签的不用勾。")
    return document.digest(body), body.signer


def _check_day(round_: RoundRow, on: date, at: datetime) -> None:
    """Refuse a day on which nobody can have signed this text in this round."""
    today = clock.local_day(at)
    first = clock.local_day(paper.sheet(round_.paper_id).frozen_at)
    last = clock.local_day(round_.closes_at)
    if today >= round_.erase_on:
        raise Refusal("这一场已经按约定清除到人的记录，不能再录入。", status=409)
    if on > today:
        raise Refusal("纸上的日期还没有到，请再看一下。")
    if not first <= on <= last:
        raise Refusal(f"纸上的日期要在 {first} 到 {last} 之间：定稿以后、截止以前。请再看一下。")


def _new_id() -> str:
    return base64.b32encode(secrets.token_bytes(15)).decode().lower()


@operation
def void_pile(
    *, round_: RoundRow, unit_id: int, entered_at: datetime, reason: str, at: datetime, actor: Actor
) -> int:
    """Void every sheet that was entered in one go and still stands, with a reason; return how many."""
    reason = _reason(reason)
    voided = db.session.scalars(
        update(Declaration)
        .where(
            Declaration.round_id == round_.id, Declaration.unit_id == unit_id, Declaration.channel == "paper",
            Declaration.declared_at == entered_at, queries.STANDS,
        )
        .values(voided_at=at, void_reason=reason)
        .returning(Declaration.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not voided:
        raise Refusal("这一批已经作废了。", status=409)
    audit.record(
        actor=actor,
        action="declaration.pile_void",
        on=f"round:{round_.id}/unit:{unit_id}",
        at=at,
        declarations=sorted(voided),
        private={"reason": reason},
        erase_on=round_.erase_on,
    )
    return len(voided)


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal(f"请写清作废的原因，{SHORTEST_REASON} 到 {LONGEST_REASON} 个字。")
    return reason


@operation
def verify(
    *,
    round_: RoundRow,
    unit_id: int,
    picks: Collection[tuple[int, int]],
    at: datetime,
    actor: Actor,
    seen: bool = True,
) -> int:
    """Note that a teacher has seen what heads say they have adopted, by seat and item, or take it back; how many."""
    if not picks:
        raise Refusal("还没有勾。请先勾上当面看过的，再点记下。")
    lines = {one.seat: one.declaration for one in queries.seats_of(round_, unit_id)}
    # until this is over no update of a head may put another row in the place of the one that was seen
    wanted = [line.id for seat, _ in picks if (line := lines.get(seat))]
    run(select(Declaration.id).where(Declaration.id.in_(wanted), queries.STANDS).with_for_update())
    items = queries.items_of_many([line.id for line in lines.values() if line])
    changed = []
    for seat, number in sorted(picks):
        line = lines.get(seat)
        found = next((one for one in items.get(line.id, ()) if one.item == number), None) if line else None
        if line is None or found is None or found.state != "adopted":
            raise Refusal(
                f"一项也没有记：{seat} 号的第 {number + 1} 项现在不是“做到了”。请刷新再看一下。", status=409
            )
        if (found.proof == "verified") is not seen:
            changed.append((line.id, number))
    for declaration_id, number in changed:
        db.session.execute(
            update(ItemState)
            .where(ItemState.declaration_id == declaration_id, ItemState.item == number)
            .values(proof="verified" if seen else "declared")
            .execution_options(synchronize_session=False)
        )
    if changed:
        audit.record(
            actor=actor,
            action="declaration.verified" if seen else "declaration.unverified",
            on=f"round:{round_.id}/unit:{unit_id}",
            at=at,
            items=changed,
        )
    return len(changed)


@operation
def set_population(
    *, round_: RoundRow, unit_id: int, people: int, source: str, at: datetime, actor: Actor
) -> None:
    """Type how many people live in a unit, its parts included; what was typed before stays, the newest counts."""
    _adoption(round_)
    if not 0 <= people <= MOST_PEOPLE:
        raise Refusal("常住人口要写 0 到 1 亿之间的整数。")
    values: dict[str, Any] = {"people": people, "source": _source(source)}
    db.session.add(
        Population(round_id=round_.id, unit_id=unit_id, set_at=at, set_by=actor.text, **values)
    )  # fmt: skip
    audit.record(
        actor=actor, action="declaration.population", on=f"round:{round_.id}/unit:{unit_id}", at=at, **values
    )


@operation
def set_total(
    *,
    round_: RoundRow,
    unit_id: int,
    item: int,
    adopted: int,
    counted_on: date,
    source: str,
    at: datetime,
    actor: Actor,
) -> None:
    """Type how many people of a unit, its parts included, had adopted an item when somebody counted."""
    items = _adoption(round_).items
    if not 0 <= item < len(items) or all(one.basis != "population" for one in items[item].targets):
        raise Refusal("这一项没有按常住人口定的目标，不用填人工统计。")
    path = roster.unit(unit_id).path
    lives = queries.populations(round_.id, path).get(unit_id)
    if lives is None:
        raise Refusal("请先填这个单位的常住人口，再填做到的人数。", status=409)
    if not 0 <= adopted <= lives.number:
        raise Refusal(f"做到的人数要写 0 到 {lives.number} 之间的整数，不能比常住人口多。")
    if counted_on > clock.local_day(at):
        raise Refusal("统计的日期还没有到，请再看一下。")
    values: dict[str, Any] = {
        "item": item,
        "adopted": adopted,
        "source": _source(source),
        "counted_on": counted_on,
    }
    db.session.add(Total(round_id=round_.id, unit_id=unit_id, set_at=at, set_by=actor.text, **values))
    audit.record(
        actor=actor, action="declaration.total", on=f"round:{round_.id}/unit:{unit_id}", at=at, **values
    )


def _adoption(round_: RoundRow) -> Adoption:
    body = paper.sheet(round_.paper_id).body if round_.kind == "adoption" else None
    if not isinstance(body, Adoption):
        raise Refusal("这一场不是安装统计，没有常住人口要填。", status=409)
    return body


def _source(text: str) -> str:
    source = " ".join(text.split())
    if not SHORTEST_SOURCE <= len(source) <= LONGEST_SOURCE:
        raise Refusal(f"请写数字从哪里来，{SHORTEST_SOURCE} 到 {LONGEST_SOURCE} 个字，例如 2025 年户籍统计。")
    return source
