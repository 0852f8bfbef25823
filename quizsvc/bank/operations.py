"""Writes of the banks: imports, new wordings, their review and publication, what is taken out of use."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from quizsvc import audit, clock
from quizsvc.bank import queries
from quizsvc.bank.models import DRAFT, FILE, PUBLISHED, REVIEWED, WEB, Bank, Item, ItemVersion, Origin
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation

LONGEST_NAME = 60
LONGEST_CODE = 60
_CODE = re.compile(r"[a-z0-9][a-z0-9-]*")


class Stale(Refusal):
    """Somebody else has written a newer wording meanwhile."""

    def __init__(self) -> None:
        super().__init__(
            "这道题刚刚有人改过，已经有更新的版本，没有保存你这一份。请打开最新的版本，再改一次。", status=409
        )


class Moved(Refusal):
    """A bank is no longer as it was previewed."""

    def __init__(self) -> None:
        super().__init__("预览之后题库有了变动，没有导入。请重新上传，再看一遍。", status=409)


class Faulty(Refusal):
    """An item that the lint does not let through."""

    def __init__(self, faults: Sequence[bankfile.Fault]) -> None:
        said: dict[str, str] = {}
        for fault in faults:
            said[fault.item] = said.get(fault.item, "") + fault.text
        super().__init__("".join(["还有要改的地方。", *(f"{code}：{text}" for code, text in said.items())]))


@dataclass(frozen=True, slots=True)
class Imported:
    """How many items an import made, changed, left as they were, took out of use and brought back.

    kept: left alone because somebody decided otherwise on the pages; published: same as before, now published
    """

    new: int
    changed: int
    same: int
    retired: int
    revived: int
    kept: int = 0
    published: int = 0


@operation
def add_bank(*, code: str, name: str, at: datetime, actor: audit.Actor) -> None:
    """Make an empty bank."""
    name = name.strip()
    _require_code(code)
    if not name or len(name) > LONGEST_NAME:
        raise Refusal(f"请写题库的名字，不超过 {LONGEST_NAME} 个字。")
    statement = insert(Bank).values(code=code, name=name, created_at=at).on_conflict_do_nothing()
    if db.session.execute(statement.returning(Bank.id)).first() is None:
        raise Refusal("这个代号已经有题库在用，请换一个。", status=409)
    audit.record(actor=actor, action="bank.add", on=f"bank:{code}", at=at, name=name)


@operation
def import_bank(
    *,
    code: str,
    name: str | None,
    items: Sequence[bankfile.Item],
    at: datetime,
    actor: audit.Actor,
    retire_missing: bool = False,
    origin: Origin = FILE,
    publish: bool = True,
    previewed: str | None = None,
) -> Imported:
    """Bring items of a bank to the state of a file: a changed one gets a new version, no version ever changes.

    Without a name the bank must be there already; `previewed` is the digest of what somebody saw and confirmed.
    """
    wanted = {item.code: item for item in items}
    if len(wanted) < len(items):
        raise Refusal("题号有重复，没有导入。请先运行 quizsvc bank check。")
    bank_id = _locked(code) if name is None else _named(code, name, at)
    found = queries.compared(code, items, origin=origin)
    if previewed is not None and previewed != found.digest:
        raise Moved
    item_ids = {**found.item_ids, **_added(bank_id, found.new)}
    _add_versions(
        [
            (item_ids[item_code], found.numbers.get(item_code, 0) + 1, wanted[item_code])
            for item_code in (*found.new, *found.changed)
        ],
        origin=origin,
        state=PUBLISHED if publish else DRAFT,
        at=at,
        actor=actor,
    )
    published = found.unpublished if publish else ()
    _publish([found.version_ids[item_code] for item_code in published], at)
    _bring_back([item_ids[item_code] for item_code in found.revived])
    retired = found.missing if retire_missing else ()
    _retire([item_ids[item_code] for item_code in retired], at, actor)
    imported = Imported(
        new=len(found.new), changed=len(found.changed), same=len(found.same), retired=len(retired),
        revived=len(found.revived), kept=len(found.kept), published=len(published),
    )  # fmt: skip
    audit.record(
        actor=actor, action="bank.import", on=f"bank:{code}", at=at, origin=origin, new=list(found.new),
        changed=list(found.changed), same=imported.same, retired=list(retired), revived=list(found.revived),
        kept=list(found.kept), published=list(published),
    )  # fmt: skip
    return imported


@operation
def save_item(
    *,
    bank_code: str,
    item: bankfile.Item,
    opened: int,
    vocabulary: bankfile.Vocabulary,
    at: datetime,
    actor: audit.Actor,
) -> int:
    """Write a new wording as a draft and return its number; one that says the same is not written.

    `opened` is the number of the wording that the writer had before them, 0 for a new item.
    """
    if not _CODE.fullmatch(item.code) or len(item.code) > LONGEST_CODE:
        raise Refusal("题号只能用小写字母、数字和连字符，例如 brushing-01。")
    _require_fit([item], vocabulary, at, allowed=bankfile.DRAFT_RULES)
    bank_id = _locked(bank_code)
    newest = _newest(bank_id, item.code)
    if newest is None and opened:
        raise queries.UnknownItem
    if newest is not None and not opened:
        raise Refusal(f"题号“{item.code}”已经有题在用，请换一个。", status=409)
    if newest is not None and newest.number != opened:
        raise Stale
    if newest is not None and newest.content_hash == bankfile.content_hash(item):
        return opened
    item_id = newest.item_id if newest else _added(bank_id, [item.code])[item.code]
    _add_versions([(item_id, opened + 1, item)], origin=WEB, state=DRAFT, at=at, actor=actor)
    audit.record(
        actor=actor, action="bank.edit", on=f"bank:{bank_code}", at=at, item=item.code, number=opened + 1
    )
    return opened + 1


@operation
def approve(
    *,
    bank_code: str,
    item_code: str,
    number: int,
    vocabulary: bankfile.Vocabulary,
    at: datetime,
    actor: audit.Actor,
) -> None:
    """Mark a draft as reviewed, exactly the wording that the reviewer has read."""
    newest = _newest(_locked(bank_code), item_code)
    if newest is None:
        raise queries.UnknownItem
    if newest.number != number:
        raise Stale
    if newest.state != DRAFT:
        raise Refusal("这一版已经审过了。", status=409)
    _require_fit([bankfile.item_of(newest.content)], vocabulary, at)
    db.session.execute(
        update(ItemVersion)
        .where(ItemVersion.id == newest.id)
        .values(state=REVIEWED, reviewed_by=actor.text, reviewed_at=at)
    )
    audit.record(
        actor=actor, action="bank.review", on=f"bank:{bank_code}", at=at, item=item_code, number=number
    )


@operation
def publish(
    *,
    bank_code: str,
    vocabulary: bankfile.Vocabulary,
    at: datetime,
    actor: audit.Actor,
    item_code: str | None = None,
) -> int:
    """Let papers draw what has been reviewed, of one item or of the whole bank; return how many wordings."""
    _locked(bank_code)
    reviewed = [
        row
        for row in queries.newest(bank_code)
        if row.state == REVIEWED and item_code in (None, row.item.code)
    ]
    if not reviewed:
        raise Refusal("没有已审的题可以发布。请先审题。", status=409)
    _require_fit([row.item for row in reviewed], vocabulary, at)
    _publish([row.version_id for row in reviewed], at)
    audit.record(
        actor=actor, action="bank.publish", on=f"bank:{bank_code}", at=at,
        items=[[row.item.code, row.number] for row in reviewed],
    )  # fmt: skip
    return len(reviewed)


@operation
def retire(*, bank_code: str, item_code: str, at: datetime, actor: audit.Actor) -> None:
    """Take an item out of use; papers that have it keep it."""
    item = _item(_locked(bank_code), item_code)
    if item.retired_at is not None:
        raise Refusal("这道题已经停用了。", status=409)
    _retire([item.id], at, actor)
    audit.record(actor=actor, action="bank.retire", on=f"bank:{bank_code}", at=at, item=item_code)


@operation
def bring_back(*, bank_code: str, item_code: str, at: datetime, actor: audit.Actor) -> None:
    """Take an item into use again."""
    item = _item(_locked(bank_code), item_code)
    if item.retired_at is None:
        raise Refusal("这道题没有停用。", status=409)
    _bring_back([item.id])
    audit.record(actor=actor, action="bank.bring-back", on=f"bank:{bank_code}", at=at, item=item_code)


def _require_code(code: str) -> None:
    if not _CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        raise Refusal("题库代号只能用小写字母、数字和连字符，例如 secondary。")


def _named(code: str, name: str, at: datetime) -> int:
    """Make or rename the bank; its row stays locked until the end: two writers of one bank queue here."""
    _require_code(code)
    bank_id: int = db.session.execute(
        insert(Bank)
        .values(code=code, name=name, created_at=at)
        .on_conflict_do_update(index_elements=[Bank.code], set_={"name": name})
        .returning(Bank.id)
    ).scalar_one()
    return bank_id


def _locked(code: str) -> int:
    bank_id = db.session.scalar(select(Bank.id).where(Bank.code == code).with_for_update())
    if bank_id is None:
        raise queries.UnknownBank
    return bank_id


def _item(bank_id: int, code: str) -> Row[int, datetime | None]:
    item = db.session.execute(
        select(Item.id, Item.retired_at).where(Item.bank_id == bank_id, Item.code == code)
    ).first()
    if item is None:
        raise queries.UnknownItem
    return item


def _newest(bank_id: int, code: str) -> Row[int, int, int, str, str, dict[str, Any]] | None:
    return db.session.execute(
        select(
            ItemVersion.id,
            ItemVersion.item_id,
            ItemVersion.number,
            ItemVersion.state,
            ItemVersion.content_hash,
            ItemVersion.content,
        )
        .join(Item, Item.id == ItemVersion.item_id)
        .where(Item.bank_id == bank_id, Item.code == code)
        .order_by(ItemVersion.number.desc())
        .limit(1)
    ).first()


def _require_fit(
    items: Sequence[bankfile.Item],
    vocabulary: bankfile.Vocabulary,
    at: datetime,
    allowed: frozenset[str] = frozenset(),
) -> None:
    found = bankfile.lint(items, vocabulary, clock.local_day(at))
    stops = [fault for fault in found if fault.severity == "error" and fault.rule not in allowed]
    if stops:
        raise Faulty(stops)


def _added(bank_id: int, codes: Sequence[str]) -> dict[str, int]:
    if not codes:
        return {}
    rows = [{"bank_id": bank_id, "code": code} for code in codes]
    added = db.session.execute(insert(Item).returning(Item.code, Item.id), rows)
    return {code: item_id for code, item_id in added}


def _add_versions(
    wordings: Sequence[tuple[int, int, bankfile.Item]],
    *,
    origin: Origin,
    state: str,
    at: datetime,
    actor: audit.Actor,
) -> None:
    rows = [
        {
            "item_id": item_id,
            "number": number,
            "content": bankfile.content_of(item),
            "content_hash": bankfile.content_hash(item),
            "created_at": at,
            "state": state,
            "origin": origin,
            "author": actor.text,
            "published_at": at if state == PUBLISHED else None,
        }
        for item_id, number, item in wordings
    ]
    if rows:
        db.session.execute(insert(ItemVersion), rows)


def _publish(version_ids: Sequence[int], at: datetime) -> None:
    if version_ids:
        db.session.execute(
            update(ItemVersion)
            .where(ItemVersion.id.in_(version_ids))
            .values(state=PUBLISHED, published_at=at)
        )


def _retire(item_ids: Sequence[int], at: datetime, actor: audit.Actor) -> None:
    if item_ids:
        db.session.execute(
            update(Item).where(Item.id.in_(item_ids)).values(retired_at=at, retired_by=actor.text)
        )


def _bring_back(item_ids: Sequence[int]) -> None:
    if item_ids:
        db.session.execute(update(Item).where(Item.id.in_(item_ids)).values(retired_at=None, retired_by=None))
