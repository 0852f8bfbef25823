"""Reads over the banks: what they hold now, how an item came to its wording, what an import would change."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Select, and_, func, select

from quizsvc.bank.models import DRAFT, FILE, PUBLISHED, REVIEWED, WEB, Bank, Item, ItemVersion, Origin
from quizsvc.core import bankfile, exchange
from quizsvc.core.bankfile import Severity
from quizsvc.core.refusal import Unknown
from quizsvc.db import db

RETIRED = "retired"
MOST_ALIKE = 5
STATE_NAMES = {DRAFT: "草稿", REVIEWED: "已审", PUBLISHED: "已发布", RETIRED: "停用"}
_PERSON = "staff:"


class UnknownBank(Unknown):
    """No bank has this code."""

    def __init__(self) -> None:
        super().__init__("没有这个题库。")


class UnknownItem(Unknown):
    """The bank has no such item, or the item no such version."""

    def __init__(self) -> None:
        super().__init__("题库里没有这道题。")


@dataclass(frozen=True, slots=True)
class BankRow:
    """One bank: its live items, the wordings they have had, and how many of them wait for somebody."""

    code: str
    name: str
    items: int
    versions: int
    drafts: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One wording of one item."""

    version_id: int
    item_id: int
    number: int
    bank_code: str
    item: bankfile.Item


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item as the desk sees it: its newest wording, whatever state that is in."""

    version_id: int
    item_id: int
    number: int
    bank_code: str
    bank_name: str
    item: bankfile.Item
    wording_state: str
    author: str
    reviewed_by: str | None
    retired_at: datetime | None

    @property
    def state(self) -> str:
        """Return the state of the item: that of its newest wording, unless it is retired."""
        return self.wording_state if self.retired_at is None else RETIRED


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording in the history of an item."""

    number: int
    created_at: datetime
    content_hash: str
    item: bankfile.Item
    state: str
    origin: str
    author: str
    reviewed_by: str | None
    reviewed_at: datetime | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """An item and all its wordings, newest first."""

    bank_code: str
    bank_name: str
    code: str
    retired_at: datetime | None
    wordings: tuple[Wording, ...]

    def wording(self, number: int | None) -> Wording:
        """Return the wording of a number, the newest for None."""
        if number is None:
            return self.wordings[0]
        found = next((wording for wording in self.wordings if wording.number == number), None)
        if found is None:
            raise UnknownItem
        return found

    @property
    def published(self) -> Wording | None:
        """Return the wording that papers draw."""
        return next((wording for wording in self.wordings if wording.state == PUBLISHED), None)


@dataclass(slots=True)
class _Stored:
    """What a bank holds of an item, without the contents."""

    item_id: int
    retired_at: datetime | None
    retired_by: str | None
    version_id: int = 0
    number: int = 0
    content_hash: str = ""
    origin: str = ""
    state: str = ""
    hashes: set[str] = field(default_factory=set)
    from_file: bool = False

    def decided_by_hand(self, content_hash: str) -> bool:
        """Say whether somebody changed or retired it on the pages since a file said this."""
        if self.retired_at is not None and (self.retired_by or "").startswith(_PERSON):
            return True
        return self.origin == WEB and content_hash != self.content_hash and content_hash in self.hashes


@dataclass(frozen=True, slots=True)
class Comparison:
    """What items would change in a bank: their codes, and of each known one its newest wording.

    kept: decided on the pages since the file said so; unpublished: the same, but not published yet
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]
    unpublished: tuple[str, ...]
    revived: tuple[str, ...]
    missing: tuple[str, ...]
    item_ids: Mapping[str, int]
    version_ids: Mapping[str, int]
    numbers: Mapping[str, int]

    @property
    def digest(self) -> str:
        """Name what would happen, so that a confirmation can be refused when the bank has moved on."""
        happens = [
            *([code, 0] for code in self.new),
            *([code, self.numbers[code]] for code in (*self.changed, *self.revived)),
        ]
        return hashlib.sha256(json.dumps(sorted(happens)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Planned:
    """One item of a file and the wording it would replace; `place` is where the file has it.

    notes: sentences about what the file says of it and the item does not
    """

    place: str
    item: bankfile.Item
    before: bankfile.Item | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """What the lint says of an item of a file, at its place."""

    place: str
    item: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file of questions would change in a bank; `rejected` are those that cannot be taken.

    notes: sentences about all of them, also those that would stand beside more than MOST_ALIKE
    """

    form: str
    notes: tuple[str, ...]
    new: tuple[Planned, ...]
    changed: tuple[Planned, ...]
    same: tuple[Planned, ...]
    revived: tuple[Planned, ...]
    rejected: tuple[exchange.Rejected, ...]
    remarks: tuple[Remark, ...]
    digest: str

    @property
    def items(self) -> tuple[bankfile.Item, ...]:
        """Return every item that can be taken."""
        return tuple(one.item for one in (*self.new, *self.changed, *self.same))

    @property
    def changes(self) -> int:
        """Return how many items would not be as they were."""
        back = {one.item.code for one in self.revived} - {one.item.code for one in self.changed}
        return len(self.new) + len(self.changed) + len(back)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items there are of each sort; the keys are slugs, in the order they are told in."""

    items: int
    scenes: int
    genuine: int
    twins: int
    by_topic: Mapping[str, int]
    by_kind: Mapping[str, int]
    by_audience: Mapping[str, int]
    by_difficulty: Mapping[int, int]


def counts(items: Sequence[bankfile.Item]) -> Counts:
    """Count items by topic, kind, audience and difficulty; an item for two audiences counts in both."""
    kinds = Counter(item.kind for item in items)
    audiences = Counter(audience for item in items for audience in item.audiences)
    levels = Counter(item.difficulty for item in items)
    return Counts(
        items=len(items),
        scenes=sum(item.scene is not None for item in items),
        genuine=sum(item.genuine for item in items),
        twins=len({item.twin for item in items} - {None}),
        by_topic=dict(Counter(item.topic for item in items)),
        by_kind={kind: kinds[kind] for kind in bankfile.KINDS if kinds[kind]},
        by_audience={slug: audiences[slug] for slug in bankfile.AUDIENCES if audiences[slug]},
        by_difficulty={level: levels[level] for level in bankfile.DIFFICULTY_NAMES if levels[level]},
    )


def banks() -> list[BankRow]:
    """List the banks by code."""
    newest = _newest(ItemVersion.state, Item.bank_id).where(Item.retired_at.is_(None)).subquery()
    waiting = [func.count().filter(newest.c.state == state) for state in (DRAFT, REVIEWED)]
    live = (
        select(newest.c.bank_id, func.count().label("items"), *waiting).group_by(newest.c.bank_id).subquery()
    )
    versions = (
        select(Item.bank_id, func.count().label("versions"))
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .group_by(Item.bank_id)
        .subquery()
    )
    counted = [func.coalesce(column, 0) for column in (live.c[1], versions.c.versions, live.c[2], live.c[3])]
    found = db.session.execute(
        select(Bank.code, Bank.name, *counted)
        .outerjoin(live, live.c.bank_id == Bank.id)
        .outerjoin(versions, versions.c.bank_id == Bank.id)
    )
    return sorted((BankRow(*row) for row in found), key=lambda row: row.code)


def bank(code: str) -> BankRow:
    """Return one bank."""
    row = next((row for row in banks() if row.code == code), None)
    if row is None:
        raise UnknownBank
    return row


def latest(bank_code: str | None = None) -> list[VersionRow]:
    """List the newest published wording of every live item, of one bank or of all: what papers draw from."""
    query = _newest(ItemVersion.content, state=PUBLISHED).where(Item.retired_at.is_(None))
    if bank_code is not None:
        query = query.where(Bank.code == bank_code)
    rows = (
        VersionRow(row.version_id, row.item_id, row.number, row.bank_code, bankfile.item_of(row.content))
        for row in db.session.execute(query)
    )
    return sorted(rows, key=lambda row: (row.bank_code, row.item.code))


def newest(bank_code: str | None = None) -> list[ItemRow]:
    """List the newest wording of every item, live or retired, in any state, by bank and code."""
    query = _newest(
        Bank.name, Item.retired_at, ItemVersion.content, ItemVersion.state, ItemVersion.author,
        ItemVersion.reviewed_by,
    )  # fmt: skip
    if bank_code is not None:
        query = query.where(Bank.code == bank_code)
    rows = (
        ItemRow(
            row.version_id, row.item_id, row.number, row.bank_code, row.name, bankfile.item_of(row.content),
            row.state, row.author, row.reviewed_by, row.retired_at,
        )
        for row in db.session.execute(query)
    )  # fmt: skip
    return sorted(rows, key=lambda row: (row.bank_code, row.item.code))


def faults(
    rows: Iterable[ItemRow], item: bankfile.Item, vocabulary: bankfile.Vocabulary, today: date
) -> tuple[bankfile.Fault, ...]:
    """Find what is wrong with an item among the live items of its bank."""
    others = [row.item for row in rows if row.retired_at is None and row.item.code != item.code]
    return tuple(
        fault for fault in bankfile.lint([*others, item], vocabulary, today) if fault.item == item.code
    )


def history(bank_code: str, item_code: str) -> History:
    """Return an item with all its wordings; live or retired."""
    rows = db.session.execute(
        select(
            Bank.name, Item.retired_at, ItemVersion.number, ItemVersion.created_at, ItemVersion.content_hash,
            ItemVersion.content, ItemVersion.state, ItemVersion.origin, ItemVersion.author,
            ItemVersion.reviewed_by, ItemVersion.reviewed_at, ItemVersion.published_at,
        )
        .join(Item, Item.bank_id == Bank.id)
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .where(Bank.code == bank_code, Item.code == item_code)
        .order_by(ItemVersion.number.desc())
    ).all()  # fmt: skip
    if not rows:
        raise UnknownItem
    wordings = tuple(
        Wording(
            row.number, row.created_at, row.content_hash, bankfile.item_of(row.content), row.state, row.origin,
            row.author, row.reviewed_by, row.reviewed_at, row.published_at,
        )
        for row in rows
    )  # fmt: skip
    return History(bank_code, rows[0].name, item_code, rows[0].retired_at, wordings)


def compared(bank_code: str, items: Sequence[bankfile.Item], *, origin: Origin = FILE) -> Comparison:
    """Compare items with what their bank holds; wordings are equal when their content hashes are.

    Files under question_banks/ yield to what was decided on the pages since; an import by hand is such a decision.
    """
    stored = _stored(bank_code)
    hashes = {item.code: bankfile.content_hash(item) for item in items}
    live = {code for code, row in stored.items() if row.retired_at is None}
    known = [code for code in hashes if code in stored]
    kept = [code for code in known if origin == FILE and stored[code].decided_by_hand(hashes[code])]
    taken = [code for code in known if code not in kept]
    same = [code for code in taken if stored[code].content_hash == hashes[code]]
    return Comparison(
        new=tuple(code for code in hashes if code not in stored),
        changed=tuple(code for code in taken if code not in same),
        same=tuple(same),
        kept=tuple(kept),
        unpublished=tuple(code for code in same if stored[code].state != PUBLISHED),
        revived=tuple(code for code in taken if code not in live),
        missing=tuple(sorted(code for code in live - hashes.keys() if stored[code].from_file)),
        item_ids={code: row.item_id for code, row in stored.items()},
        version_ids={code: row.version_id for code, row in stored.items()},
        numbers={code: row.number for code, row in stored.items()},
    )


def plan_import(
    bank_code: str,
    reading: exchange.Reading,
    defaults: exchange.Defaults,
    vocabulary: bankfile.Vocabulary,
    *,
    allowed: frozenset[str] = bankfile.DRAFT_RULES,
) -> ImportPlan:
    """Say what the questions of a file would change in a bank; nothing is changed.

    An item with an error of the lint is rejected, unless the error is one of the allowed rules.
    """
    rows = {row.item.code: row for row in newest(bank_code)}
    known = {code: row.item for code, row in rows.items()}
    taken, rejected = exchange.take(reading, known, defaults, vocabulary)
    codes = {one.item.code for one in taken}
    others = [row.item for code, row in rows.items() if code not in codes and row.retired_at is None]
    told: dict[str, list[bankfile.Fault]] = {code: [] for code in codes}
    for fault in bankfile.lint([*others, *(one.item for one in taken)], vocabulary, defaults.day):
        if fault.item in told:
            told[fault.item].append(fault)
    stops = {
        code: "".join(one.text for one in found if one.severity == "error" and one.rule not in allowed)
        for code, found in told.items()
    }
    fit = [one for one in taken if not stops[one.item.code]]
    found = compared(bank_code, [one.item for one in fit], origin=WEB)
    noted = Counter(note for one in fit for note in one.notes)
    common = {note: number for note, number in noted.items() if number > MOST_ALIKE}
    planned = {
        one.item.code: Planned(
            one.draft.place,
            one.item,
            known.get(one.item.code),
            tuple(note for note in one.notes if note not in common),
        )
        for one in fit
    }
    return ImportPlan(
        form=reading.form,
        notes=(*reading.notes, *(f"{number} 道题：{note}" for note, number in common.items())),
        new=tuple(planned[code] for code in found.new),
        changed=tuple(planned[code] for code in found.changed),
        same=tuple(planned[code] for code in found.same),
        revived=tuple(planned[code] for code in found.revived),
        rejected=(
            *rejected,
            *(
                exchange.Rejected(one.draft.place, " ".join(one.item.stem.split())[:40], stops[one.item.code])
                for one in taken
                if stops[one.item.code]
            ),
        ),
        remarks=tuple(
            Remark(one.draft.place, one.item.code, fault.severity, fault.text)
            for one in fit
            for fault in told[one.item.code]
        ),
        digest=found.digest,
    )


def _stored(bank_code: str) -> dict[str, _Stored]:
    """Read every wording of a bank without its content, and sum them up by item."""
    rows = db.session.execute(
        select(
            Item.code, Item.id, Item.retired_at, Item.retired_by, ItemVersion.id.label("version_id"),
            ItemVersion.number, ItemVersion.content_hash, ItemVersion.origin, ItemVersion.state,
        )
        .join(Bank, Bank.id == Item.bank_id)
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .where(Bank.code == bank_code)
        .order_by(Item.code, ItemVersion.number)
    )  # fmt: skip
    found: dict[str, _Stored] = {}
    for row in rows:
        one = found.setdefault(row.code, _Stored(row.id, row.retired_at, row.retired_by))
        one.version_id, one.number, one.content_hash = row.version_id, row.number, row.content_hash
        one.origin, one.state = row.origin, row.state
        one.hashes.add(row.content_hash)
        one.from_file = one.from_file or row.origin == FILE
    return found


def _newest(*columns: object, state: str | None = None) -> Select[*tuple[object, ...]]:
    numbers = select(ItemVersion.item_id, func.max(ItemVersion.number).label("number")).group_by(
        ItemVersion.item_id
    )
    if state is not None:
        numbers = numbers.where(ItemVersion.state == state)
    newest = numbers.subquery()
    return (
        select(
            ItemVersion.id.label("version_id"),
            ItemVersion.item_id,
            ItemVersion.number,
            Bank.code.label("bank_code"),
            *columns,
        )
        .join(newest, and_(newest.c.item_id == ItemVersion.item_id, newest.c.number == ItemVersion.number))
        .join(Item, Item.id == ItemVersion.item_id)
        .join(Bank, Bank.id == Item.bank_id)
    )
