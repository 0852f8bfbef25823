"""Writes of the banks: the import of a bank's files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update

from quizsvc import audit
from quizsvc.bank import queries
from quizsvc.bank.models import Bank, Item, ItemVersion
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation


@dataclass(frozen=True, slots=True)
class Imported:
    """How many items an import made, changed, left as they were, took out of use and brought back."""

    new: int
    changed: int
    same: int
    retired: int
    revived: int


@operation
def import_bank(
    *,
    code: str,
    name: str,
    items: Sequence[bankfile.Item],
    at: datetime,
    actor: audit.Actor,
    retire_missing: bool = False,
) -> Imported:
    """Bring a bank to the state of its files: a changed item gets a new version, no version ever changes."""
    wanted = {item.code: item for item in items}
    if len(wanted) < len(items):
        raise Refusal("题号有重复，没有导入。请先运行 quizsvc bank check。")
    bank_id = db.session.execute(
        insert(Bank)
        .values(code=code, name=name, created_at=at)
        .on_conflict_do_update(index_elements=[Bank.code], set_={"name": name})
        .returning(Bank.id)
    ).scalar_one()  # the row stays locked until the end: two imports of one bank queue here
    found = queries.compared(code, items)
    item_ids = {**found.item_ids, **_added(bank_id, found.new)}
    versions = [
        {
            "item_id": item_ids[item_code],
            "number": found.numbers.get(item_code, 0) + 1,
            "content": bankfile.content_of(wanted[item_code]),
            "content_hash": bankfile.content_hash(wanted[item_code]),
            "created_at": at,
        }
        for item_code in (*found.new, *found.changed)
    ]
    if versions:
        db.session.execute(insert(ItemVersion), versions)
    _retire([item_ids[revived] for revived in found.revived], None)
    retired = found.missing if retire_missing else ()
    _retire([item_ids[missing] for missing in retired], at)
    imported = Imported(len(found.new), len(found.changed), len(found.same), len(retired), len(found.revived))
    audit.record(
        actor=actor, action="bank.import", on=f"bank:{code}", at=at, new=list(found.new),
        changed=list(found.changed), same=imported.same, retired=list(retired), revived=list(found.revived),
    )  # fmt: skip
    return imported


def _added(bank_id: int, codes: Sequence[str]) -> dict[str, int]:
    if not codes:
        return {}
    rows = [{"bank_id": bank_id, "code": code} for code in codes]
    added = db.session.execute(insert(Item).returning(Item.code, Item.id), rows)
    return {code: item_id for code, item_id in added}


def _retire(item_ids: Sequence[int], at: datetime | None) -> None:
    if item_ids:
        db.session.execute(update(Item).where(Item.id.in_(item_ids)).values(retired_at=at))
