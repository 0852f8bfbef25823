"""Table of the requests that participants make about their own data."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, REQUESTS, label
from quizsvc.db import Base

CORRECT: Final = "correct"
DELETE: Final = "delete"

OPEN: Final = "open"
GRANTED: Final = "granted"
REFUSED: Final = "refused"
LAPSED: Final = "lapsed"


class Request(Base):
    """A request to correct or to delete what is kept of one attempt, and what became of it.

    The receipt is kept as a hash: it leads back to the request even when the attempt has forgotten its receipt.
    """

    __tablename__ = "rights_request"
    __table_args__ = (
        Index(
            "uq_rights_request_open", "attempt_id", "kind",
            unique=True, sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("kind IN ('correct', 'delete')", name="kind"),
        CheckConstraint("state IN ('open', 'granted', 'refused', 'lapsed')", name="state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided"),
    )  # fmt: skip
    plain = ("id", "round_id", "unit_id", "kind", "state", "asked_at", "decided_at", "done_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), index=True)
    attempt_id: Mapped[str | None] = mapped_column(
        ForeignKey("attempt_attempt.id"), info=label("pseudonym", REQUESTS)
    )
    receipt_hash: Mapped[str | None] = mapped_column(index=True, info=label("pseudonym", REQUESTS))
    kind: Mapped[str]
    reason: Mapped[str] = mapped_column(info=label("words", REQUESTS))  # a key of operations.REASONS
    note: Mapped[str] = mapped_column(info=label("words", REQUESTS))
    state: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(info=label("words", REQUESTS))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))
    done_at: Mapped[datetime | None]  # granted: what was asked for has been carried out
