"""Reads of the declarations: a seat behind a link, a class's seats, a copy by its receipt, heads by unit."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, exists, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute

from quizsvc import vault
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import adoption, document, indicators, signature
from quizsvc.core.adoption import Adoption, Count, Reach
from quizsvc.core.document import Document
from quizsvc.core.indicators import Tally
from quizsvc.core.refusal import NotYours, Refusal, Unknown
from quizsvc.core.window import Window
from quizsvc.db import db, run, subtree
from quizsvc.declaration.models import Declaration, ItemState, Population, Referral, Total
from quizsvc.link.models import Link
from quizsvc.link.queries import UnknownLink
from quizsvc.paper import queries as paper
from quizsvc.paper.queries import Sheet
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Unit
from quizsvc.roster.queries import UnitRow

STANDS: ColumnElement[bool] = and_(Declaration.voided_at.is_(None), Declaration.replaced_at.is_(None))
"""A declaration that counts: neither void nor replaced by a later one of the same head."""

NOT_ASIDE: ColumnElement[bool] = and_(
    Declaration.excused.is_(False),
    or_(
        Declaration.enrolment_id.is_(None),
        Declaration.enrolment_id.not_in(
            # nested, not joined: few are excused, many have declared
            select(Enrolment.id).where(
                Enrolment.id.in_(select(Exemption.enrolment_id).where(Exemption.ended_at.is_(None))),
                Enrolment.left_at.is_(None),
            )
        ),
    ),
)
"""A head that is not excused: those who are stand outside the denominator too."""


class UnknownDeclaration(Unknown):
    """Nobody got this receipt, or it has been erased."""

    def __init__(self) -> None:
        super().__init__("没有找到这一份。请对照自己保存的编号再看一眼，或问问发码的老师。")


class OtherKind(Refusal):
    """The link leads into a round in which nothing is declared."""

    def __init__(self) -> None:
        super().__init__("这个码不是用来交回执或责任书的。请重新扫一次码。", status=404)


class NotApproved(Refusal):
    """A pledge of pupils that nobody has approved."""

    def __init__(self) -> None:
        super().__init__("这份责任书要有上级批准才能请学生签，现在还没有写批准文号。请告诉老师。", status=409)


class NoAnswer(Refusal):
    """Something that must be answered is not."""


@dataclass(frozen=True, slots=True)
class Line:
    """One declaration without the name and the strokes, which `signed` opens."""

    id: str
    round_id: int
    unit_id: int
    enrolment_id: int | None
    paper_id: int
    text_hash: str
    signer: str
    channel: str
    nameless: bool
    met: bool
    helped: bool
    device_hash: str | None
    receipt: str | None
    declared_at: datetime
    noted_on: date | None
    noted_by: str | None
    referral_id: int | None
    replaced_at: datetime | None
    voided_at: datetime | None
    void_reason: str | None

    @property
    def stands(self) -> bool:
        """Say whether it counts."""
        return self.voided_at is None and self.replaced_at is None

    def of_phone(self, device: str) -> bool:
        """Say whether it was made on a phone."""
        return self.device_hash is not None and bool(device) and self.device_hash == device_hash(device)


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat of a class and the declaration that stands for it."""

    enrolment_id: int
    seat: int
    exempt: bool
    declaration: Line | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A live link and its round, as far as declaring needs them, and who declares."""

    link_id: int
    unit_id: int
    round_id: int
    paper_id: int
    window: Window
    kind: str
    identity: str
    attempts: int
    approval: str
    referrals: bool
    enrolment_id: int | None
    """None: the unit has no such seat, or nobody is asked for one."""
    exempt: bool
    standing: Line | None


@dataclass(frozen=True, slots=True)
class Copy:
    """A declaration with the facts of its round and unit, for the copy to keep."""

    line: Line
    round: RoundRow
    unit_name: str
    unit_path: str
    seat: int | None
    code: str | None
    """Of the link it came through; None for a sheet of paper."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, as they wrote it; "" is nothing, or erased."""

    name: str
    strokes: str


@dataclass(frozen=True, slots=True)
class Item:
    """How far a head has come with one item of an adoption survey."""

    item: int
    state: str
    steps: int
    proof: str


@dataclass(frozen=True, slots=True)
class Picked:
    """What was picked of one item to adopt, and at its check; None: nothing there."""

    chosen: tuple[str, ...]
    check: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody has filled in, as it came.

    `yes` is the answer of a receipt and the tick of a pledge, `items` are those of an adoption survey by index.
    """

    yes: bool | None = None
    items: Mapping[int, Picked] = field(default_factory=dict)
    name: str = ""
    strokes: str = ""
    helped: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """What was filled in, checked against the sheet."""

    met: bool
    items: tuple[Item, ...]
    name: str
    strokes: str
    helped: bool
    signer: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion code as its owner sees it."""

    code: str
    came: int


def read(paper_id: int, approval: str, given: Given) -> Read:
    """Return what was filled in as it is stored, or say what is missing."""
    sheet = paper.sheet(paper_id)
    if isinstance(sheet.body, Document):
        return _signed(sheet.body, approval, given)
    if isinstance(sheet.body, Adoption):
        return _adopted(sheet, sheet.body, given)
    raise OtherKind


def _signed(body: Document, approval: str, given: Given) -> Read:
    if body.kind == "pledge" and body.signer == "student" and not approval:
        raise NotApproved
    if given.yes is None:
        raise NoAnswer("请选“是”或“否”。" if body.kind == "receipt" else "请先打勾，表示你同意上面的内容。")
    if body.kind == "pledge" and not given.yes:
        raise NoAnswer("请先打勾，表示你同意上面的内容。不想签也可以，直接关掉这一页就行。")
    return Read(
        met=given.yes,
        items=(),
        name=signature.read_name(given.name),
        strokes=signature.read_strokes(given.strokes),
        helped=given.helped,
        signer=body.signer,
        text_hash=document.digest(body),
    )


def _adopted(sheet: Sheet, body: Adoption, given: Given) -> Read:
    items = []
    for index, item in enumerate(body.items):
        picked = given.items.get(index, Picked(()))
        if not picked.chosen:
            raise NoAnswer(f"第 {index + 1} 项还没有选。")
        state, steps = adoption.state(item, picked.chosen)
        items.append(Item(index, state, steps, adoption.proof(item, state, picked.check)))
    return Read(
        met=adoption.met([item.state for item in items]),
        items=tuple(items),
        name="",
        strokes="",
        helped=given.helped,
        signer="",
        text_hash=sheet.content_hash,
    )


def declared_hash(text_hash: str, met: bool, items: Sequence[Item]) -> str:
    """Hash what was declared, as the leaf in the audit chain holds it; nothing in it tells who."""
    states = [[one.item, one.state, one.steps, one.proof] for one in items]
    canonical = json.dumps([text_hash, bool(met), states], separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def device_hash(device: str) -> str:
    """Return what is stored of a device's secret."""
    return hashlib.sha256(device.encode()).hexdigest()


LINE: tuple[Any, ...] = tuple(
    getattr(Declaration, one.name).label(f"line_{one.name}") for one in fields(Line)
)
"""What a SELECT needs so that `line_of` can read its rows."""


def line_of(row: Row[Any]) -> Line | None:
    """Read a declaration out of a row that has LINE among its columns; None where an outer join found none."""
    values = {one.name: row._mapping[f"line_{one.name}"] for one in fields(Line)}
    return None if values["id"] is None else Line(**values)


def _entries(of_head: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Link.id.label("link_id"), Link.unit_id.label("link_unit_id"), Link.closes_at.label("link_closes_at"),
            Round.id.label("of_round_id"), Round.paper_id.label("round_paper_id"), Round.opens_at, Round.closes_at,
            Round.kind, Round.identity, Round.attempts, Round.approval, Round.referrals,
            Enrolment.id.label("found_id"), Exemption.id.is_not(None).label("exempt"), *LINE,
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
        .outerjoin(Exemption, and_(Exemption.enrolment_id == Enrolment.id, Exemption.ended_at.is_(None)))
        .outerjoin(Declaration, and_(Declaration.round_id == Link.round_id, of_head, STANDS))
        .where(Link.code == bindparam("code"), Link.revoked_at.is_(None))
    )  # fmt: skip


_BY_SEAT = _entries(Declaration.enrolment_id == Enrolment.id)
# written as in the index: SQLite finds no index for "nameless = 1"
_NAMELESS: Any = text("declaration_declaration.nameless")
_BY_PHONE = _entries(and_(_NAMELESS, Declaration.device_hash == bindparam("device_hash")))


def entry(code: str, seat: int | None, device: str) -> Entry:
    """Return the live link of a code and what a seat, or this phone, has declared behind it (1 statement)."""
    if seat is None:
        row = run(_BY_PHONE, code=code, seat=0, device_hash=device_hash(device)).one_or_none()
    else:
        row = run(_BY_SEAT, code=code, seat=seat).one_or_none()
    if row is None:
        raise UnknownLink
    return Entry(
        link_id=row.link_id,
        unit_id=row.link_unit_id,
        round_id=row.of_round_id,
        paper_id=row.round_paper_id,
        window=Window(row.opens_at, max(row.closes_at, row.link_closes_at or row.closes_at)),
        kind=row.kind,
        identity=row.identity,
        attempts=row.attempts,
        approval=row.approval,
        referrals=bool(row.referrals),
        enrolment_id=row.found_id,
        exempt=bool(row.exempt),
        standing=line_of(row),
    )


def declared(standing: Line) -> int:
    """Count how often the head of a standing declaration has declared, without what is void (1 statement)."""
    head = (
        and_(Declaration.nameless, Declaration.device_hash == standing.device_hash)
        if standing.nameless
        else Declaration.enrolment_id == standing.enrolment_id
    )
    return db.session.execute(
        select(func.count()).where(
            Declaration.round_id == standing.round_id, head, Declaration.voided_at.is_(None)
        )
    ).scalar_one()


_OF_UNIT = select(*LINE).where(
    Declaration.round_id == bindparam("round_id"), Declaration.unit_id == bindparam("unit_id"), STANDS
)  # fmt: skip


def seats_of(round_: RoundRow, unit_id: int) -> list[Seat]:
    """List the seats of a class with the declaration that stands for each (2 statements)."""
    lines = {
        line.enrolment_id: line
        for row in run(_OF_UNIT, round_id=round_.id, unit_id=unit_id)
        if (line := line_of(row)) is not None
    }
    return [
        Seat(place.enrolment_id, place.seat, place.exempt, lines.get(place.enrolment_id))
        for place in roster.places(unit_id, round_.term)
    ]


_BY_RECEIPT = select(*LINE).where(Declaration.receipt == bindparam("receipt"))


def line(receipt: str) -> Line:
    """Return the declaration of a receipt, standing or not (1 statement)."""
    row = run(_BY_RECEIPT, receipt=receipt).one_or_none()
    found = None if row is None else line_of(row)
    if found is None:
        raise UnknownDeclaration
    return found


_COPY = (
    select(
        *LINE, *campaign.ROUND_COLUMNS, Unit.name.label("unit_name"), Unit.path.label("unit_path"),
        Enrolment.seat, Link.code,
    )
    .join(Round, Round.id == Declaration.round_id)
    .join(Campaign, Campaign.id == Round.campaign_id)
    .join(campaign.HomeUnit, campaign.HomeUnit.id == Campaign.unit_id)
    .join(Unit, Unit.id == Declaration.unit_id)
    .outerjoin(Enrolment, Enrolment.id == Declaration.enrolment_id)
    .outerjoin(Link, Link.id == Declaration.link_id)
    .where(Declaration.receipt == bindparam("receipt"))
)  # fmt: skip


def copy(receipt: str) -> Copy:
    """Return the declaration of a receipt with its round and unit (1 statement)."""
    row = run(_COPY, receipt=receipt).one_or_none()
    found = None if row is None else line_of(row)
    if row is None or found is None:
        raise UnknownDeclaration
    return Copy(
        line=found,
        round=campaign.round_row(row._mapping),
        unit_name=row.unit_name,
        unit_path=row.unit_path,
        seat=row.seat,
        code=row.code,
    )


_OF_DEVICE = (
    select(*LINE, Enrolment.seat)
    .outerjoin(Enrolment, Enrolment.id == Declaration.enrolment_id)
    .where(
        Declaration.round_id == bindparam("round_id"), Declaration.unit_id == bindparam("unit_id"),
        Declaration.device_hash == bindparam("device_hash"), STANDS,
    )
    .order_by(Declaration.declared_at.desc())
)  # fmt: skip


def of_device(round_id: int, unit_id: int, device: str) -> list[tuple[int | None, Line]]:
    """List what stands of a phone behind a link, with the seat, newest first (1 statement)."""
    if not device:
        return []
    rows = run(_OF_DEVICE, round_id=round_id, unit_id=unit_id, device_hash=device_hash(device))
    return [(row.seat, found) for row in rows if (found := line_of(row)) is not None]


def items_of(declaration_id: str) -> tuple[Item, ...]:
    """List how far a head has come, item by item (1 statement)."""
    return items_of_many([declaration_id]).get(declaration_id, ())


def items_of_many(declaration_ids: Collection[str]) -> dict[str, tuple[Item, ...]]:
    """List how far some heads have come, item by item (1 statement)."""
    found: dict[str, tuple[Item, ...]] = {}
    for row in db.session.execute(
        select(ItemState.declaration_id, ItemState.item, ItemState.state, ItemState.steps, ItemState.proof)
        .where(ItemState.declaration_id.in_(declaration_ids))
        .order_by(ItemState.declaration_id, ItemState.item)
    ):
        found[row.declaration_id] = (*found.get(row.declaration_id, ()), Item(*row[1:]))
    return found


def place_of(column: str, declaration_id: str) -> str:
    """Name the place for which a value is sealed: declaration_declaration.name:<id>."""
    return vault.place(Declaration.__table__.c[column], declaration_id)


def signatures(declaration_ids: Sequence[str], ring: vault.KeyRing) -> dict[str, Signature]:
    """Open the names and strokes of some declarations; for their own phone, and SEE_SIGNATURES (1 statement)."""
    rows = db.session.execute(
        select(Declaration.id, Declaration.name, Declaration.signature).where(
            Declaration.id.in_(declaration_ids)
        )
    )

    def opened(column: str, declaration_id: str, sealed: str | None) -> str:
        return "" if sealed is None else ring.open(sealed, place=place_of(column, declaration_id))

    return {
        row.id: Signature(opened("name", row.id, row.name), opened("signature", row.id, row.signature))
        for row in rows
    }


HEADS: Select[*tuple[Any, ...]] = (
    select(
        Declaration.unit_id, func.count().label("done"), func.count(case((Declaration.met, 1))).label("aware")
    )
    .where(
        Declaration.round_id == bindparam("round_id"), STANDS, NOT_ASIDE,
        Declaration.unit_id.in_(
            select(Unit.id).where(Unit.path >= bindparam("low"), Unit.path < bindparam("high"))
        ),
    )
    .group_by(Declaration.unit_id)
)  # fmt: skip
"""Unit, heads that have declared and heads of those that met, for a round under a path (low, high)."""


_PROMOTION = (
    select(
        Referral.code,
        select(func.count())
        .where(Declaration.round_id == Referral.round_id, Declaration.referral_id == Referral.id, STANDS)
        .correlate(Referral)
        .scalar_subquery()
        .label("came"),
    )
    .where(
        Referral.round_id == bindparam("round_id"), Referral.enrolment_id == bindparam("enrolment_id"),
        Referral.code.is_not(None),
    )
)  # fmt: skip


def promotion(round_id: int, enrolment_id: int | None) -> Promotion | None:
    """Return the promotion code of a head and how many came by it; None before there is one (1 statement)."""
    if enrolment_id is None:
        return None
    row = run(_PROMOTION, round_id=round_id, enrolment_id=enrolment_id).one_or_none()
    return None if row is None else Promotion(row.code, row.came)


# What of people is in a round, for erasing it; every condition is also the operation's, and is false afterwards.

EXCUSED: ColumnElement[bool] = or_(
    Declaration.excused,
    exists().where(
        Exemption.enrolment_id == Declaration.enrolment_id,
        Exemption.ended_at.is_(None),
        Enrolment.id == Declaration.enrolment_id,
        Enrolment.left_at.is_(None),
    ),
)
"""A head that stands outside the denominator: excused now, or when the seat was let go."""

LINKED: ColumnElement[bool] = or_(
    *(
        column.is_not(None)
        for column in (
            Declaration.enrolment_id, Declaration.device_hash, Declaration.receipt, Declaration.name,
            Declaration.signature, Declaration.referral_id, Declaration.void_reason,
        )
    )
)  # fmt: skip
"""Something still leads from a declaration to a head or a phone."""

OWNED: ColumnElement[bool] = or_(Referral.enrolment_id.is_not(None), Referral.code.is_not(None))
"""Something still leads from a promotion code to its head."""


def erasable(round_ids: Collection[int]) -> dict[str, int]:
    """Count what is left to erase in some rounds: declarations, referrals (1 statement)."""
    row = db.session.execute(
        select(
            select(func.count())
            .where(Declaration.round_id.in_(round_ids), LINKED)
            .scalar_subquery()
            .label("d"),
            select(func.count()).where(Referral.round_id.in_(round_ids), OWNED).scalar_subquery().label("r"),
        )
    ).one()
    return {"declarations": row.d, "referrals": row.r}


# The staff's side.

_LAST = "\x7f"  # sorts after every path

STATE_NAMES: Final = {"adopted": "做到了", "partial": "做了一部分", "not": "还没有", "na": "不适用"}
CHANNEL_NAMES: Final = {"phone": "手机", "paper": "纸质"}


class NotHere(NotYours):
    """The round is not opened to this unit, or it is of another kind."""

    def __init__(self) -> None:
        super().__init__("这一场没有开到这个单位，可能网址抄错了。")


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit of a list: its own heads, without its parts, and what stands above it."""

    unit: UnitRow
    above: str
    tally: Tally
    missing: int


@dataclass(frozen=True, slots=True)
class Typed:
    """A number somebody has typed: how many live here, or how many of them have adopted an item."""

    unit_id: int
    item: int | None
    number: int
    source: str
    on: date | None
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Signer:
    """A declaration in a list of those who signed, with where the head belongs."""

    line: Line
    seat: int | None
    unit_name: str


@dataclass(frozen=True, slots=True)
class Archived:
    """A declaration in the archive of a unit: what was signed, and by whom as it was written."""

    line: Line
    round_title: str
    kind: str
    unit_name: str
    seat: int | None
    name: str
    items: tuple[Item, ...]


def listed(seats: Sequence[int]) -> str:
    """Write seats for a sentence."""
    return "、".join(f"{seat} 号" for seat in seats)


def span(paths: Sequence[str]) -> tuple[str, str]:
    """Return one range of paths that holds some subtrees, and what lies between them."""
    ranges = [subtree(path) if path else ("", _LAST) for path in paths]
    return min((low for low, _ in ranges), default=_LAST), max((high for _, high in ranges), default=_LAST)


def lines_of(round_: RoundRow, paths: Sequence[str]) -> list[UnitLine]:
    """List the units of a round within some subtrees, each with its own heads: nobody yet, then some, then all (4).

    A unit without parts is listed also before anybody has counted its heads.
    """
    low, high = span(paths)
    opened = campaign.round_paths(round_.id)
    near = _units_between(low, high)
    expected = {row.unit_id: row for row in _expected(round_, low, high)}
    heads = {row.unit_id: row for row in run(HEADS, round_id=round_.id, low=low, high=high)}
    names, parents = {unit.path: unit.name for unit in near}, {unit.parent_id for unit in near}
    lines = []
    for unit in near:
        mine = unit.path.startswith(opened) and unit.path.startswith(tuple(paths))
        if not mine or (unit.id in parents and unit.id not in expected and unit.id not in heads):
            continue
        tally = _tally(expected.get(unit.id), heads.get(unit.id))
        above = names.get(unit.path[: -len(unit.code) - 1], "")
        lines.append(UnitLine(unit, above, tally, indicators.missing(tally)))
    return sorted(lines, key=_unsigned_first)


def tally_of(round_: RoundRow, unit: UnitRow) -> Tally:
    """Count the heads of one unit, without its parts (2 statements)."""
    low, high = unit.path, f"{unit.path} "  # a code begins with something later
    expected = {row.unit_id: row for row in _expected(round_, low, high)}
    heads = {row.unit_id: row for row in run(HEADS, round_id=round_.id, low=low, high=high)}
    return _tally(expected.get(unit.id), heads.get(unit.id))


def has_parts(unit_id: int) -> bool:
    """Say whether a unit has others under it (1 statement)."""
    return db.session.execute(select(Unit.id).where(Unit.parent_id == unit_id).limit(1)).first() is not None


def _units_between(low: str, high: str) -> list[UnitRow]:
    rows = db.session.execute(
        select(Unit.id, Unit.parent_id, Unit.path, Unit.code, Unit.name, Unit.kind, Unit.position)
        .where(Unit.path >= low, Unit.path < high)
        .order_by(Unit.path)
    )
    return [UnitRow(*row) for row in rows]


def _expected(round_: RoundRow, low: str, high: str) -> Sequence[Row[Any]]:
    return run(roster.EXPECTED, low=low, high=high, term=round_.term, frozen_at=round_.frozen_at).all()


def _tally(expected: Row[Any] | None, heads: Row[Any] | None) -> Tally:
    return Tally(
        expected=max(expected.expected - expected.exempt, 0) if expected else 0,
        exempt=expected.exempt if expected else 0,
        done=heads.done if heads else 0,
        aware=heads.aware if heads else 0,
        first_aware=heads.aware if heads else 0,
        full=heads.aware if heads else 0,
    )


def _unsigned_first(line: UnitLine) -> tuple[int, str, int, str]:
    tally = line.tally
    rank = 0 if not tally.done else 1 if line.missing or not tally.expected else 2
    return rank, line.unit.path[: -len(line.unit.code) - 1], line.unit.position, line.unit.path


_ITEM_COUNTS = (
    select(
        Declaration.unit_id, ItemState.item, ItemState.state, ItemState.proof, func.count().label("heads")
    )
    .join(ItemState, ItemState.declaration_id == Declaration.id)
    .where(
        Declaration.round_id == bindparam("round_id"), STANDS, NOT_ASIDE,
        Declaration.unit_id.in_(
            select(Unit.id).where(Unit.path >= bindparam("low"), Unit.path < bindparam("high"))
        ),
    )
    .group_by(Declaration.unit_id, ItemState.item, ItemState.state, ItemState.proof)
)  # fmt: skip


def item_counts(round_id: int, path: str) -> dict[int, dict[int, Count]]:
    """Count how many have come how far with each item, by unit without its parts (1 statement)."""
    low, high = span([path])
    found: dict[int, dict[int, Count]] = {}
    for row in run(_ITEM_COUNTS, round_id=round_id, low=low, high=high):
        of_unit = found.setdefault(row.unit_id, {})
        of_unit[row.item] = of_unit.get(row.item, Count()) + _count(row.state, row.proof, row.heads)
    return found


def _count(state: str, proof: str, heads: int) -> Count:
    known = {proof: heads} if state == "adopted" and proof != "declared" else {}
    return Count(**{"not_" if state == "not" else state: heads}, **known)


def populations(round_id: int, path: str) -> dict[int, Typed]:
    """Return how many people live in the units under a path, as it was typed last (1 statement)."""
    newest = (
        select(func.max(Population.id)).where(Population.round_id == round_id).group_by(Population.unit_id)
    )
    rows = _typed_people(Population.id.in_(newest), _within(Population.unit_id, path))
    return {row.unit_id: row for row in rows}


def totals(round_id: int, path: str) -> dict[int, dict[int, Typed]]:
    """Return how many had adopted an item in the units under a path, as it was counted last (1 statement)."""
    newest = select(func.max(Total.id)).where(Total.round_id == round_id).group_by(Total.unit_id, Total.item)
    found: dict[int, dict[int, Typed]] = {}
    for row in _typed_totals(Total.id.in_(newest), _within(Total.unit_id, path)):
        found.setdefault(row.unit_id, {})[row.item or 0] = row
    return found


def typed(round_id: int, unit_id: int) -> list[Typed]:
    """List every population and total that was typed for a unit, newest first (2 statements)."""
    people = _typed_people(Population.round_id == round_id, Population.unit_id == unit_id)
    counted = _typed_totals(Total.round_id == round_id, Total.unit_id == unit_id)
    return sorted([*people, *counted], key=lambda row: row.set_at, reverse=True)


def _typed_people(*conditions: ColumnElement[bool]) -> list[Typed]:
    rows = db.session.execute(
        select(Population.unit_id, Population.people, Population.source, Population.set_by, Population.set_at)
        .where(*conditions)
        .order_by(Population.id.desc())
    )
    return [Typed(row.unit_id, None, row.people, row.source, None, row.set_by, row.set_at) for row in rows]


def _typed_totals(*conditions: ColumnElement[bool]) -> list[Typed]:
    rows = db.session.execute(
        select(
            Total.unit_id,
            Total.item,
            Total.adopted,
            Total.source,
            Total.counted_on,
            Total.set_by,
            Total.set_at,
        )
        .where(*conditions)
        .order_by(Total.id.desc())
    )
    return [Typed(*row) for row in rows]


def _within(column: InstrumentedAttribute[int], path: str) -> ColumnElement[bool]:
    low, high = span([path])
    return column.in_(select(Unit.id).where(Unit.path >= low, Unit.path < high))


def reaches(round_: RoundRow, path: str, items: int) -> tuple[list[UnitRow], dict[int, tuple[Reach, ...]]]:
    """List what a round touches from a unit down, by path, with what is known of each item there (6 statements)."""
    low, high = span([path])
    units = _units_between(low, high)
    opened = campaign.round_paths(round_.id)
    expected = {row.unit_id: max(row.expected - row.exempt, 0) for row in _expected(round_, low, high)}
    counts, people, counted = (
        item_counts(round_.id, path), populations(round_.id, path), totals(round_.id, path)
    )  # fmt: skip
    found: dict[int, tuple[Reach, ...]] = {}
    parts: dict[int | None, list[tuple[Reach, ...]]] = {}
    for unit in reversed(units):  # every unit after all that is under it
        typed_here = people.get(unit.id)
        below = parts.get(unit.id, [])
        found[unit.id] = tuple(
            adoption.reach(
                counts.get(unit.id, {}).get(number, Count()),
                expected.get(unit.id, 0) if unit.path.startswith(opened) else 0,
                typed_here.number if typed_here else None,
                one.number if (one := counted.get(unit.id, {}).get(number)) else None,
                [part[number] for part in below],
            )
            for number in range(items)
        )
        parts.setdefault(unit.parent_id, []).append(found[unit.id])
    touched = [
        unit
        for unit in units
        if unit.path.startswith(opened) or any(one.startswith(unit.path) for one in opened)
    ]
    return touched, found


def referred(round_id: int, path: str) -> tuple[int, int]:
    """Count the promotion codes given out under a path, and those who came by one (1 statement)."""
    codes = select(func.count()).where(Referral.round_id == round_id, _within(Referral.unit_id, path))
    owners = select(Referral.id).where(Referral.round_id == round_id, _within(Referral.unit_id, path))
    came = select(func.count()).where(Declaration.referral_id.in_(owners), STANDS)
    row = db.session.execute(select(codes.scalar_subquery(), came.scalar_subquery())).one()
    return row[0], row[1]


def earlier_of(round_id: int, enrolment_id: int) -> list[Line]:
    """List what a head declared before, or what was voided, newest first (1 statement)."""
    rows = db.session.execute(
        select(*LINE)
        .where(Declaration.round_id == round_id, Declaration.enrolment_id == enrolment_id, ~STANDS)
        .order_by(Declaration.declared_at.desc(), Declaration.id)
    )
    return [found for row in rows if (found := line_of(row)) is not None]


def signers(round_id: int, path: str) -> list[Signer]:
    """List what stands under a path, by unit and seat (1 statement)."""
    rows = run(
        select(*LINE, Enrolment.seat, Unit.name.label("unit_name"))
        .join(Unit, Unit.id == Declaration.unit_id)
        .outerjoin(Enrolment, Enrolment.id == Declaration.enrolment_id)
        .where(Declaration.round_id == round_id, STANDS, _within(Declaration.unit_id, path))
        .order_by(Unit.path, Enrolment.seat, Declaration.declared_at, Declaration.id)
    )
    return [Signer(found, row.seat, row.unit_name) for row in rows if (found := line_of(row)) is not None]


def archive(round_: RoundRow, path: str, ring: vault.KeyRing) -> list[Archived]:
    """List every declaration of a round's term under a path, void and replaced ones too (2 statements)."""
    of_term = (
        Campaign.term == round_.term, Campaign.is_test.is_(round_.is_test), _within(Declaration.unit_id, path)
    )  # fmt: skip
    items: dict[str, tuple[Item, ...]] = {}
    for row in db.session.execute(
        select(ItemState.declaration_id, ItemState.item, ItemState.state, ItemState.steps, ItemState.proof)
        .join(Declaration, Declaration.id == ItemState.declaration_id)
        .join(Round, Round.id == Declaration.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .where(*of_term)
        .order_by(ItemState.declaration_id, ItemState.item)
    ):
        items[row.declaration_id] = (*items.get(row.declaration_id, ()), Item(*row[1:]))
    rows = run(
        select(
            *LINE, Declaration.name, Enrolment.seat, Unit.name.label("unit_name"), Round.title.label("title"),
            Round.kind.label("kind"),
        )
        .join(Round, Round.id == Declaration.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .join(Unit, Unit.id == Declaration.unit_id)
        .outerjoin(Enrolment, Enrolment.id == Declaration.enrolment_id)
        .where(*of_term)
        .order_by(Unit.path, Round.opens_at, Round.id, Enrolment.seat, Declaration.declared_at, Declaration.id)
    )  # fmt: skip
    return [
        Archived(
            line=found,
            round_title=row.title,
            kind=row.kind,
            unit_name=row.unit_name,
            seat=row.seat,
            name="" if row.name is None else ring.open(row.name, place=place_of("name", found.id)),
            items=items.get(found.id, ()),
        )
        for row in rows
        if (found := line_of(row)) is not None
    ]
