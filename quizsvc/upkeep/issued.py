"""What must hold of issued bulletins: each check yields what is wrong, else None."""

import json
from collections.abc import Iterator

from sqlalchemy import select

from quizsvc.audit import AuditEntry
from quizsvc.bulletin.models import Issued
from quizsvc.core import bulletin
from quizsvc.db import db

BATCH = 50


def unchanged() -> Iterator[str | None]:
    """What was issued has the fingerprint that was printed, and the audit log has it too, at the place it names."""
    rows = db.session.execute(
        select(Issued, AuditEntry.hash, AuditEntry.action, AuditEntry.detail)
        .outerjoin(AuditEntry, AuditEntry.seq == Issued.anchor_seq)
        .order_by(Issued.id),
        execution_options={"yield_per": BATCH},
    )
    for row, entry_hash, action, detail in rows:
        told = f"通报 {row.id}（第 {row.issue_no} 期）"
        if bulletin.digest(row.content) != row.hash:
            yield f"{told}的内容和发出时的指纹不同"
        elif (entry_hash, action) != (row.anchor_hash, "bulletin.issued"):
            yield f"{told}在操作记录里找不到"
        else:
            yield None if json.loads(detail)["hash"] == row.hash else f"{told}的指纹和操作记录里的不同"
