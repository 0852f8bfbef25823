"""Tables of the attempts: a participant of a round and their goes, answers and marks in one row each."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ANSWERS, LATE, LINKS, label, stays
from quizsvc.db import Base

_HEAD = stays("ties the goes of one head together, so that heads are counted once; after erasing nobody's")
_FACT = stays("without the seat it is a fact about an unknown head, and every rate is made of such")


class Participant(Base):
    """An enrolment in one round; after the campaign's day of erasing a head that nobody knows any more."""

    __tablename__ = "attempt_participant"
    __table_args__ = (
        UniqueConstraint("round_id", "enrolment_id"),
        Index("ix_attempt_participant_excused", "round_id", sqlite_where=text("excused = 1"),
              postgresql_where=text("excused")),
    )  # fmt: skip
    plain = ("round_id", "unit_id")

    id: Mapped[int] = mapped_column(primary_key=True, info=label("pseudonym", _HEAD))
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    enrolment_id: Mapped[int | None] = mapped_column(
        ForeignKey("roster_enrolment.id"), info=label("pseudonym", LINKS)
    )
    extension_s: Mapped[int] = mapped_column(info=label("pseudonym", LINKS))
    # lapses that no longer count: the teacher let go on
    forgiven: Mapped[int] = mapped_column(server_default="0", info=label("pseudonym", LINKS))
    created_at: Mapped[datetime] = mapped_column(info=label("pseudonym", _FACT))
    # taken over from the exemption when the enrolment is let go: stands outside the denominator for good
    excused: Mapped[bool] = mapped_column(server_default=false(), info=label("pseudonym", _FACT))


class Player(Base):
    """Who plays a contest behind a participant: a nickname on one phone. Winners are asked for more, nobody else."""

    __tablename__ = "attempt_player"
    __table_args__ = (UniqueConstraint("round_id", "device_hash"),)
    plain = ("round_id", "place_id", "trade_id", "role")

    participant_id: Mapped[int] = mapped_column(
        ForeignKey("attempt_participant.id"), primary_key=True, info=label("pseudonym", LATE)
    )
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    device_hash: Mapped[str | None] = mapped_column(info=label("technical", LATE))
    nickname: Mapped[str] = mapped_column(info=label("pseudonym", LATE))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    trade_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    role: Mapped[str]  # "" when the round has none
    # 16 characters; stands in the list of the draw and nowhere beside a nickname
    entry_id: Mapped[str] = mapped_column(unique=True, info=label("pseudonym", LATE))
    joined_at: Mapped[datetime] = mapped_column(info=label("pseudonym", LATE))


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
    plain = (
        "round_id", "unit_id", "link_id", "source", "period", "ordinal", "allowed", "paper_id", "form",
        "limit_ends_at", "overdue", "late", "out_of", "voided_at",
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True, info=label("pseudonym", _HEAD))  # 120 random bits
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("attempt_participant.id"), info=label("pseudonym", _HEAD)
    )
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    link_id: Mapped[int] = mapped_column(ForeignKey("link_link.id"), index=True)
    source: Mapped[str]  # poster | group | screen
    period: Mapped[str]  # "round", or the day in China on which it began
    ordinal: Mapped[int]
    allowed: Mapped[int]  # the limit when it started; the constraint holds ordinal to it
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper_paper.id"))  # None: the round's own
    seed: Mapped[str] = mapped_column(info=label("pseudonym", ANSWERS))  # "": the answers have been erased
    form: Mapped[list[list[int]]] = mapped_column(JSON)  # [[index of the item in the paper, points], ...]
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, info=label("pseudonym", ANSWERS))
    # None: the next device that claims the seat goes on
    device_hash: Mapped[str | None] = mapped_column(info=label("technical", LINKS))
    resume: Mapped[str | None] = mapped_column(info=label("secret", LINKS))
    receipt: Mapped[str | None] = mapped_column(unique=True, info=label("pseudonym", LINKS))
    started_at: Mapped[datetime] = mapped_column(info=label("pseudonym", _FACT))
    limit_ends_at: Mapped[datetime | None]  # start + limit + extension; the window may close earlier
    saved_at: Mapped[datetime | None] = mapped_column(info=label("pseudonym", _FACT))
    submitted_at: Mapped[datetime | None] = mapped_column(info=label("pseudonym", _FACT))
    # ended by the clock: submitted from what was saved or, unsubmitted, voided as agreed
    overdue: Mapped[bool]
    # holds answers that came after deadline and grace
    late: Mapped[bool] = mapped_column(server_default=false())
    score: Mapped[int | None] = mapped_column(info=label("pseudonym", _FACT))
    out_of: Mapped[int]
    correct: Mapped[list[bool] | None] = mapped_column(JSON, info=label("pseudonym", _FACT))
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(info=label("words", LINKS))


class Late(Base):
    """Answers that arrived when the clock had closed their attempt: evidence, counted only when a teacher takes them.

    `answers` holds the positions that differ from what counts, `was` everything that counted until then.
    """

    __tablename__ = "attempt_late"
    __table_args__ = (
        CheckConstraint("number BETWEEN 1 AND 5", name="number"),
        CheckConstraint("(accepted_at IS NULL) = (answers_hash IS NULL)", name="accepted"),
        CheckConstraint("accepted_at IS NULL OR acceptable", name="acceptable"),
        Index(
            "uq_attempt_late_accepted", "attempt_id", unique=True,
            sqlite_where=text("accepted_at IS NOT NULL"), postgresql_where=text("accepted_at IS NOT NULL"),
        ),
    )  # fmt: skip
    plain = ("number", "acceptable", "accepted_at")

    attempt_id: Mapped[str] = mapped_column(
        ForeignKey("attempt_attempt.id"), primary_key=True, info=label("pseudonym", LATE)
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # in order of arrival
    at: Mapped[datetime] = mapped_column(info=label("pseudonym", LATE))
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, info=label("pseudonym", LATE))
    acceptable: Mapped[bool]  # it came soon enough, and no answer of the round could be seen by then
    accepted_at: Mapped[datetime | None]
    was: Mapped[dict[str, Any] | None] = mapped_column(JSON, info=label("pseudonym", LATE))
    # of all answers since the acceptance; the audit leaf holds the one of `was`
    answers_hash: Mapped[str | None] = mapped_column(info=label("proof", LATE))


class ItemSum(Base):
    """How a class answered one item of the paper, summed up from first goes whose answers have been erased since."""

    __tablename__ = "attempt_item_sum"
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), primary_key=True)
    item: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # index of the item in the paper
    shown: Mapped[int]
    correct: Mapped[int]
    chosen: Mapped[list[int]] = mapped_column(JSON)  # people per option in written order
    blank: Mapped[int]
