"""Tables of the rules: the draft an organizer works on, and the versions that have been announced."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, label
from quizsvc.db import Base


class Draft(Base):
    """What the organizer has written so far; may have gaps, is seen by nobody outside."""

    __tablename__ = "rulebook_draft"
    plain = ("round_id", "content", "saved_at")

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Version(Base):
    """Rules as they were announced; never changed, in force from `published_at` until the next version."""

    __tablename__ = "rulebook_version"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("number = 1 OR reason <> ''", name="reason"),
    )
    plain = ("round_id", "number", "content", "hash", "reason", "published_at")

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)  # core.rulebook.written
    hash: Mapped[str]  # SHA-256 of core.rulebook.text, hexadecimal
    reason: Mapped[str]  # why it was changed; "" in the first
    published_at: Mapped[datetime]
    published_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
