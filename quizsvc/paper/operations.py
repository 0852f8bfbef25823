"""Writes of the papers: the freeze."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from quizsvc import audit
from quizsvc.bank.queries import VersionRow
from quizsvc.core import assembly, bankfile
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
    content = content_of(blueprint, versions, topics)
    hashed = content_hash(code=code, title=title, kind=kind, content=content)
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


def content_of(
    blueprint: assembly.Blueprint, versions: Sequence[VersionRow], topics: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a paper keeps: rules, every wording whole, the names of its topics."""
    used = sorted({version.item.topic for version in versions})
    return {
        "blueprint": queries.written(blueprint),
        "items": [
            {"version": one.version_id, "bank": one.bank_code, "item": bankfile.content_of(one.item)}
            for one in versions
        ],
        "topics": {topic: topics.get(topic, topic) for topic in used},
    }


def content_hash(*, code: str, title: str, kind: str, content: Mapping[str, Any]) -> str:
    """Name a paper by everything it says: SHA-256 over its canonical JSON."""
    whole = {"code": code, "title": title, "kind": kind, "content": content}
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _already(code: str, hashed: str) -> int:
    row = db.session.execute(select(Paper.id, Paper.content_hash).where(Paper.code == code)).one()
    if row.content_hash != hashed:
        raise Refusal(f"试卷“{code}”已经冻结，不能再改。要用新的内容，请在组卷规则里换一个代号。", status=409)
    return int(row.id)
