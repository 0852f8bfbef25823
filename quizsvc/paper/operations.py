"""Writes of the papers: the freeze."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from quizsvc import audit
from quizsvc.bank.queries import VersionRow
from quizsvc.core import assembly
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation
from quizsvc.paper import queries
from quizsvc.paper.models import Paper

KINDS = ("quiz",)


@operation
def freeze_paper(
    *,
    code: str,
    title: str,
    kind: str,
    blueprint: assembly.Blueprint,
    versions: Sequence[VersionRow],
    topics: Mapping[str, str],
    at: datetime,
    actor: audit.Actor,
) -> int:
    """Freeze rules and pool under their hash; the same paper again is the same row, another one is refused.

    The refs of the blueprint's fixed items are places in `versions`.
    """
    if kind not in KINDS:
        raise Refusal(f"还没有“{kind}”这种试卷。")
    if blueprint.item_count == 0:
        raise Refusal("这份试卷一道题也没有，没有冻结。")
    candidates = [queries.candidate(index, one.bank_code, one.item) for index, one in enumerate(versions)]
    rows = queries.rule_rows(blueprint, candidates, topics)
    if short := queries.shortfall_texts(rows):
        raise queries.Unfillable(short)
    content = queries.content_of(blueprint, versions, topics)
    hashed = queries.content_hash(code=code, title=title, kind=kind, content=content)
    paper_id = db.session.execute(
        insert(Paper)
        .values(code=code, kind=kind, title=title, content=content, content_hash=hashed, frozen_at=at)
        .on_conflict_do_nothing(index_elements=[Paper.code])
        .returning(Paper.id)
    ).scalar_one_or_none()
    if paper_id is None:
        return _already(code, hashed)
    audit.record(
        actor=actor, action="paper.freeze", on=f"paper:{code}", at=at, content_hash=hashed,
        items=blueprint.item_count, points=blueprint.total_points, pool=len(versions),
    )  # fmt: skip
    return int(paper_id)


def _already(code: str, hashed: str) -> int:
    row = db.session.execute(select(Paper.id, Paper.content_hash).where(Paper.code == code)).one()
    if row.content_hash != hashed:
        raise Refusal(f"试卷“{code}”已经冻结，不能再改。要用新的内容，请在组卷规则里换一个代号。", status=409)
    return int(row.id)
