"""Tables of a contest: scores rolled up from attempts, boards, flags, rulings and appeals."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, LATE, label
from quizsvc.db import Base


class Score(Base):
    """What a player has reached by the strategy of the rules; can be built again from the attempts at any time."""

    __tablename__ = "contest_score"
    __table_args__ = (
        Index("ix_contest_score_standing", "round_id", "points", "used_s", "reached_at"),
        Index("ix_contest_score_place", "round_id", "place_id", "points"),
        Index("ix_contest_score_trade", "round_id", "trade_id", "points"),
    )
    plain = ("round_id", "unit_id", "place_id", "trade_id", "out_of")

    participant_id: Mapped[int] = mapped_column(
        ForeignKey("attempt_participant.id"), primary_key=True, info=label("pseudonym", LATE)
    )
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))  # whose link led here first
    place_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    trade_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    goes: Mapped[int] = mapped_column(info=label("pseudonym", LATE))
    points: Mapped[int] = mapped_column(info=label("pseudonym", LATE))
    out_of: Mapped[int]
    used_s: Mapped[int] = mapped_column(info=label("pseudonym", LATE))
    reached_at: Mapped[datetime] = mapped_column(info=label("pseudonym", LATE))
    best_permyriad: Mapped[int] = mapped_column(info=label("pseudonym", LATE))  # of one go; what qualifies


class Progress(Base):
    """How far the scores of a round follow its attempts."""

    __tablename__ = "contest_progress"
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    seen_until: Mapped[datetime]  # attempts handed in or voided up to here are in the scores
    looked_until: Mapped[datetime]  # goes handed in up to here have been compared with each other
    counted_at: Mapped[datetime]


class Board(Base):
    """A board as it is shown: counts, units, masked leaders."""

    __tablename__ = "contest_board"
    __table_args__ = (CheckConstraint("stage IN ('live', 'frozen', 'final')", name="stage"),)
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[datetime]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class Flag(Base):
    """Something to look at; the player never sees it and nothing follows from it by itself."""

    __tablename__ = "contest_flag"
    __table_args__ = (UniqueConstraint("participant_id", "kind"), Index(None, "round_id", "kind"))
    plain = ("id", "round_id", "kind", "found_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("attempt_participant.id"), info=label("pseudonym", LATE)
    )
    kind: Mapped[str]  # a key of core.integrity.KINDS
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, info=label("pseudonym", LATE))  # figures, no words
    found_at: Mapped[datetime]


class Ruling(Base):
    """What a person decided about a player; the last one counts, none is changed."""

    __tablename__ = "contest_ruling"
    __table_args__ = (
        CheckConstraint("verdict IN ('cleared', 'excluded', 'restored')", name="verdict"),
        Index(None, "round_id", "participant_id"),
    )
    plain = ("id", "round_id", "verdict", "cause", "at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    participant_id: Mapped[int] = mapped_column(
        ForeignKey("attempt_participant.id"), info=label("pseudonym", LATE)
    )
    verdict: Mapped[str]
    # of an exclusion: a key of core.integrity.KINDS or "other"; the player is told it, the reason not
    cause: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(info=label("words", LATE))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Appeal(Base):
    """What an excluded player says against it, once for each exclusion, and the answer."""

    __tablename__ = "contest_appeal"
    __table_args__ = (CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered"),)
    plain = ("round_id", "at", "answered_at")

    ruling_id: Mapped[int] = mapped_column(
        ForeignKey("contest_ruling.id"), primary_key=True, info=label("pseudonym", LATE)
    )
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), index=True)
    words: Mapped[str] = mapped_column(info=label("words", LATE))
    at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(info=label("words", LATE))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))
