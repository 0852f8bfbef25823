"""Tables of the bulletins: what is being written, and what has been issued."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, label
from quizsvc.db import Base


class Draft(Base):
    """A bulletin that is being written: figures of one moment, and sentences that may still change."""

    __tablename__ = "bulletin_draft"
    __table_args__ = (
        UniqueConstraint("campaign_id", "unit_id", "period"),
        CheckConstraint("period IN ('week', 'month', 'year')", name="period"),
    )
    plain = ("id", "campaign_id", "unit_id", "period", "corrects_id", "content", "saved_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign_campaign.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), index=True)
    period: Mapped[str]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("bulletin_issue.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)  # core.bulletin.issue_written, with the number 0
    saved_at: Mapped[datetime]
    saved_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Issued(Base):
    """A bulletin as it was issued; never changed. A mistake is mended by a later issue."""

    __tablename__ = "bulletin_issue"
    __table_args__ = (
        UniqueConstraint("campaign_id", "unit_id", "period", "issue_no"),
        CheckConstraint("period IN ('week', 'month', 'year')", name="period"),
        CheckConstraint("issue_no >= 1", name="issue_no"),
    )
    plain = (
        "id", "campaign_id", "unit_id", "period", "issue_no", "corrects_id", "content", "hash", "issued_at",
        "anchor_seq", "anchor_hash",
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign_campaign.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), index=True)
    period: Mapped[str]
    issue_no: Mapped[int]
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("bulletin_issue.id"), unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)  # core.bulletin.issue_written
    hash: Mapped[str]  # core.bulletin.digest of the content
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
    # where the audit log stood once the issue was in it
    anchor_seq: Mapped[int]
    anchor_hash: Mapped[str]
