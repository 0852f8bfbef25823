"""Tables of the attempts: a participant of a round and their goes, answers and marks in one row each."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Participant(Base):
    """An enrolment in one round."""

    __tablename__ = "attempt_participant"
    __table_args__ = (UniqueConstraint("round_id", "enrolment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("roster_enrolment.id"))
    extension_s: Mapped[int]
    created_at: Mapped[datetime]


class Attempt(Base):
    """One go. `form` is what was drawn, `answers` what was saved: {position: [sequence, [tokens]]}."""

    __tablename__ = "attempt_attempt"
    __table_args__ = (
        Index(
            "uq_attempt_attempt_go", "participant_id", "period", "ordinal",
            unique=True, sqlite_where=text("voided_at IS NULL"), postgresql_where=text("voided_at IS NULL"),
        ),
        Index("ix_attempt_attempt_rollup", "round_id", "unit_id", "participant_id", "submitted_at", "ordinal",
              "score", "out_of", "voided_at"),
        Index(
            "ix_attempt_attempt_open", "round_id", "limit_ends_at",
            sqlite_where=text("submitted_at IS NULL AND voided_at IS NULL"),
            postgresql_where=text("submitted_at IS NULL AND voided_at IS NULL"),
        ),
        CheckConstraint("ordinal BETWEEN 1 AND allowed", name="allowed"),
        CheckConstraint("score BETWEEN 0 AND out_of", name="score"),
        CheckConstraint("(submitted_at IS NULL) = (score IS NULL)", name="marked"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)  # 120 random bits
    participant_id: Mapped[int] = mapped_column(ForeignKey("attempt_participant.id"))
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("link_link.id"), index=True)
    source: Mapped[str]  # poster | group | screen
    period: Mapped[str]  # "round"
    ordinal: Mapped[int]
    allowed: Mapped[int]  # the limit when it started; the constraint holds ordinal to it
    seed: Mapped[str]
    form: Mapped[list[list[int]]] = mapped_column(JSON)  # [[index of the item in the paper, points], ...]
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    device_hash: Mapped[str | None]  # None: the next device that claims the seat goes on
    resume: Mapped[str]
    receipt: Mapped[str] = mapped_column(unique=True)
    started_at: Mapped[datetime]
    limit_ends_at: Mapped[datetime | None]  # start + limit + extension; the window may close earlier
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    overdue: Mapped[bool]  # submitted by the clock from what was saved
    score: Mapped[int | None]
    out_of: Mapped[int]
    correct: Mapped[list[bool] | None] = mapped_column(JSON)
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None]
