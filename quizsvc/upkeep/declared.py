"""What must hold of receipts, pledges, adoption and surveys: each check yields what is wrong, else None."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from quizsvc.audit import AuditLeaf
from quizsvc.campaign.models import Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import adoption, document
from quizsvc.core.adoption import Adoption
from quizsvc.core.document import Document
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.declaration.models import Declaration, ItemState
from quizsvc.declaration.queries import EXCUSED, STANDS, declared_hash
from quizsvc.paper import queries as paper
from quizsvc.survey.models import Box, Turnout

BATCH = 500
SHAPELESS = (Refusal, ValueError, TypeError, LookupError, AttributeError)
"""What reading raises where somebody has put content of another shape."""


def heads() -> Iterator[str | None]:
    """Each head stands once: a seat, or a phone where nobody is asked for one."""
    for head, told in ((Declaration.enrolment_id, "名册位置"), (Declaration.device_hash, "同一台手机")):
        yield from _twice(head, told)


def _twice(head: InstrumentedAttribute[Any], told: str) -> Iterator[str | None]:
    nameless = Declaration.nameless.is_(head is Declaration.device_hash)
    rows = select(Declaration.round_id, func.count().label("standing")).where(
        STANDS, nameless, head.is_not(None)
    )
    for row in _rows(rows.group_by(Declaration.round_id, head)):
        yield f"场次 {row.round_id} 里，{told}有 {row.standing} 份算数的" if row.standing > 1 else None


def texts() -> Iterator[str | None]:
    """What was signed is the text of the round's paper, to the letter."""
    rows = select(
        Declaration.round_id, Declaration.paper_id, Declaration.text_hash, Round.kind, Round.paper_id.label("opened"),
        func.count().label("rows"), func.min(Declaration.id).label("first"),
    ).join(Round, Round.id == Declaration.round_id)  # fmt: skip
    grouped = (Declaration.round_id, Declaration.paper_id, Declaration.text_hash, Round.kind, Round.paper_id)
    for row in _rows(rows.group_by(*grouped)):
        yield _text_fault(row)
    signed = (
        select(Declaration.id, Declaration.text_hash, Declaration.met, AuditLeaf.answers_hash)
        .join(Round, Round.id == Declaration.round_id)
        .join(AuditLeaf, AuditLeaf.attempt_id == Declaration.id)
        .where(Round.kind != "adoption", Declaration.channel == "phone")
    )
    for row in _rows(signed):
        sound = row.answers_hash == declared_hash(row.text_hash, row.met, ())
        yield None if sound else f"签名 {row.id} 和签的时候记下的指纹不同"


def _text_fault(row: Row[Any]) -> str | None:
    if row.paper_id != row.opened:
        return f"签名 {row.first} 等 {row.rows} 份，不是场次 {row.round_id} 的那一份文本"
    try:
        sheet = paper.sheet(row.paper_id)
    except SHAPELESS:
        return f"场次 {row.round_id} 的文本读不出来"
    if sheet.kind != row.kind:
        return f"场次 {row.round_id} 和它的文本不是一个种类"
    said = document.digest(sheet.body) if isinstance(sheet.body, Document) else sheet.content_hash
    if row.text_hash != said:
        return f"签名 {row.first} 等 {row.rows} 份，签的文本和定稿的不同"
    return None


def items() -> Iterator[str | None]:
    """Items stand under adoption alone, each item of the paper once, and what they say makes the whole."""
    columns = (Declaration.id, Declaration.paper_id, Declaration.met, Round.kind, ItemState.item, ItemState.state,
               ItemState.steps)  # fmt: skip
    rows = (
        select(*columns)
        .join(Round, Round.id == Declaration.round_id)
        .outerjoin(ItemState, ItemState.declaration_id == Declaration.id)
        .where(or_(Round.kind == "adoption", ItemState.item.is_not(None)))
        .order_by(Declaration.id, ItemState.item)
    )
    for declaration_id, found in groupby(_rows(rows), key=lambda row: row.id):
        fault = _items_fault(list(found))
        yield f"填报 {declaration_id}：{fault}" if fault else None


def _items_fault(rows: list[Row[Any]]) -> str | None:
    first = rows[0]
    if first.kind != "adoption":
        return "不是使用情况，却有一项一项的内容"
    try:
        body = paper.sheet(first.paper_id).body
    except SHAPELESS:
        return None  # texts() tells it
    if not isinstance(body, Adoption):
        return None
    if [row.item for row in rows] != list(range(len(body.items))):
        return "填的项目和调查表上的不一样"
    for row in rows:
        item = body.items[row.item]
        if row.steps >> len(item.steps) or (row.state == "na" and not item.may_not_apply):
            return f"第 {row.item + 1} 项填的，调查表上没有"
    if first.met != adoption.met(row.state for row in rows):
        return "记的是不是全部做到，和各项对不上"
    return None


def boxes() -> Iterator[str | None]:
    """A box holds as many answers as it says, and in each unit as many lie as have turned out."""
    lying: Counter[tuple[int, int]] = Counter()
    for row in _rows(
        select(Box.round_id, Box.unit_id, Box.kind, Box.number, Box.count.label("told"), Box.answers)
    ):
        held = len(row.answers)
        wrong = held != row.told
        yield (
            f"场次 {row.round_id} 单位 {row.unit_id} 第 {row.number} 箱记的是 {row.told} 份，有 {held} 份"
            if wrong
            else None
        )
        if row.kind == "choices":
            lying[row.round_id, row.unit_id] += held
    turned: Counter[tuple[int, int]] = Counter()
    for row in _rows(
        select(Turnout.round_id, Turnout.unit_id, func.count().label("heads")).group_by(
            Turnout.round_id, Turnout.unit_id
        )
    ):
        turned[row.round_id, row.unit_id] = row.heads
    for round_id, unit_id in sorted(lying.keys() | turned.keys()):
        ours, theirs = turned[round_id, unit_id], lying[round_id, unit_id]
        yield (
            None if ours == theirs else f"场次 {round_id} 单位 {unit_id} 有 {ours} 人答过，答案有 {theirs} 份"
        )


def counted_one_by_one(round_: RoundRow) -> dict[int, Counter[str]]:
    """Count the heads of a round without questions by their own unit, one after the other, by the rules alone."""
    found: dict[int, Counter[str]] = {}
    if round_.is_survey:
        for row in _rows(select(Turnout.unit_id).where(Turnout.round_id == round_.id)):
            found.setdefault(row.unit_id, Counter()).update(("done", "aware", "first_aware", "full"))
        return found
    declared = select(Declaration.unit_id, Declaration.met).where(
        Declaration.round_id == round_.id,
        Declaration.voided_at.is_(None),
        Declaration.replaced_at.is_(None),
        ~EXCUSED,
    )
    for row in _rows(declared):
        heads_of = found.setdefault(row.unit_id, Counter())
        heads_of["done"] += 1
        heads_of.update(dict.fromkeys(("aware", "first_aware", "full"), int(row.met)))
    return found


def _rows(statement: Any) -> Iterator[Row[Any]]:
    return iter(db.session.execute(statement, execution_options={"yield_per": BATCH}))
