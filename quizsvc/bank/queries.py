"""Reads over the banks: what they hold now, how an item came to its wording, what an import would change."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, func, select

from quizsvc.bank.models import Bank, Item, ItemVersion
from quizsvc.core import bankfile
from quizsvc.core.refusal import Unknown
from quizsvc.db import db


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
    """One bank: its live items, and the wordings they have had."""

    code: str
    name: str
    items: int
    versions: int


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One wording of one item."""

    version_id: int
    item_id: int
    number: int
    bank_code: str
    item: bankfile.Item


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording in the history of an item."""

    number: int
    created_at: datetime
    content_hash: str
    item: bankfile.Item


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a bank's files would change: items by their codes, and the newest number of each known one."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    revived: tuple[str, ...]
    missing: tuple[str, ...]
    item_ids: Mapping[str, int]
    numbers: Mapping[str, int]


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
    found = db.session.execute(
        select(
            Bank.code,
            Bank.name,
            func.count(Item.id.distinct()).filter(Item.retired_at.is_(None)),
            func.count(ItemVersion.id),
        )
        .outerjoin(Item, Item.bank_id == Bank.id)
        .outerjoin(ItemVersion, ItemVersion.item_id == Item.id)
        .group_by(Bank.code, Bank.name)
    )
    return sorted((BankRow(*row) for row in found), key=lambda row: row.code)


def latest(bank_code: str | None = None) -> list[VersionRow]:
    """List the newest wording of every live item, of one bank or of all, by bank and code."""
    query = _newest(ItemVersion.content).where(Item.retired_at.is_(None))
    if bank_code is not None:
        query = query.where(Bank.code == bank_code)
    rows = (
        VersionRow(row.version_id, row.item_id, row.number, row.bank_code, bankfile.item_of(row.content))
        for row in db.session.execute(query)
    )
    return sorted(rows, key=lambda row: (row.bank_code, row.item.code))


def history(bank_code: str, item_code: str) -> History:
    """Return an item with all its wordings; live or retired."""
    rows = db.session.execute(
        select(
            Bank.name, Item.retired_at,
            ItemVersion.number, ItemVersion.created_at, ItemVersion.content_hash, ItemVersion.content,
        )
        .join(Item, Item.bank_id == Bank.id)
        .join(ItemVersion, ItemVersion.item_id == Item.id)
        .where(Bank.code == bank_code, Item.code == item_code)
        .order_by(ItemVersion.number.desc())
    ).all()  # fmt: skip
    if not rows:
        raise UnknownItem
    wordings = tuple(
        Wording(row.number, row.created_at, row.content_hash, bankfile.item_of(row.content)) for row in rows
    )
    return History(bank_code, rows[0].name, item_code, rows[0].retired_at, wordings)


def compared(bank_code: str, items: Sequence[bankfile.Item]) -> Comparison:
    """Compare items with what their bank holds; wordings are equal when their content hashes are."""
    stored = {
        row.code: row
        for row in db.session.execute(
            _newest(Item.code, Item.retired_at, ItemVersion.content_hash).where(Bank.code == bank_code)
        )
    }
    hashes = {item.code: bankfile.content_hash(item) for item in items}
    live = {code for code, row in stored.items() if row.retired_at is None}
    known = [code for code in hashes if code in stored]
    return Comparison(
        new=tuple(code for code in hashes if code not in stored),
        changed=tuple(code for code in known if stored[code].content_hash != hashes[code]),
        same=tuple(code for code in known if stored[code].content_hash == hashes[code]),
        revived=tuple(code for code in known if code not in live),
        missing=tuple(sorted(live - hashes.keys())),
        item_ids={code: row.item_id for code, row in stored.items()},
        numbers={code: row.number for code, row in stored.items()},
    )


def _newest(*columns: object) -> Select[*tuple[object, ...]]:
    newest = (
        select(ItemVersion.item_id, func.max(ItemVersion.number).label("number"))
        .group_by(ItemVersion.item_id)
        .subquery()
    )
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
