"""Append-only audit log: who did, saw or exported what; entries are chained by hash."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert as plain_insert
from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base, db, insert, operation, run

GENESIS = "0" * 64


class AuditHead(Base):
    """The last link of the chain; its one row is locked by whoever appends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]


class AuditEntry(Base):
    """One fact; its hash covers its content and the hash before it."""

    __tablename__ = "audit_entry"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(index=True)
    object: Mapped[str]
    detail: Mapped[str]
    prev: Mapped[str]
    hash: Mapped[str]


class AuditLeaf(Base):
    """One submission, written in its own transaction; leaves are many, so they do not queue for the chain."""

    __tablename__ = "audit_leaf"

    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    answers_hash: Mapped[str]


_LEAF = plain_insert(AuditLeaf)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `staff:7`, `cli`, `job`."""

    text: str

    @classmethod
    def staff(cls, staff_id: int) -> "Actor":
        """Name a signed-in staff member."""
        return cls(f"staff:{staff_id}")


CLI = Actor("cli")
JOB = Actor("job")


def record(*, actor: Actor, action: str, on: str, at: datetime, **detail: Any) -> None:
    """Append a fact to the chain; call it inside the operation whose fact it is."""
    session = db.session
    session.execute(insert(AuditHead).values(id=1, seq=0, hash=GENESIS).on_conflict_do_nothing())
    seq = session.execute(
        update(AuditHead).where(AuditHead.id == 1).values(seq=AuditHead.seq + 1).returning(AuditHead.seq)
    ).scalar_one()
    prev = session.execute(select(AuditHead.hash).where(AuditHead.id == 1)).scalar_one()
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    hashed = entry_hash(seq=seq, at=at, actor=actor.text, action=action, on=on, detail=text, prev=prev)
    session.execute(
        insert(AuditEntry).values(
            seq=seq, at=at, actor=actor.text, action=action, object=on, detail=text, prev=prev, hash=hashed
        )
    )
    session.execute(update(AuditHead).where(AuditHead.id == 1).values(hash=hashed))


@operation
def record_alone(*, actor: Actor, action: str, on: str, at: datetime, **detail: Any) -> None:
    """Append a fact that changes nothing else: names were seen, a file was exported."""
    record(actor=actor, action=action, on=on, at=at, **detail)


def record_submission(*, attempt_id: str, answers_hash: str, at: datetime) -> None:
    """Append the leaf of a submission; call it inside the submission's transaction."""
    run(_LEAF, attempt_id=attempt_id, at=at, answers_hash=answers_hash)


def entry_hash(*, seq: int, at: datetime, actor: str, action: str, on: str, detail: str, prev: str) -> str:
    """Hash one entry together with the hash before it."""
    entry = json.dumps(
        [seq, at.isoformat(), actor, action, on, detail], ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(f"{prev}{entry}".encode()).hexdigest()
