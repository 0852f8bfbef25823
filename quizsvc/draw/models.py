"""Tables of the draw: the frozen list, notices, the one result, its published files and its winners."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, label, stays
from quizsvc.db import Base

_PUBLISHED = stays("it is published as proof of the draw; when the player's row is gone it is nobody's")


class Draw(Base):
    """The list of a contest, frozen once, with what was announced before anybody could know the public value."""

    __tablename__ = "draw_draw"
    plain = (
        "round_id",
        "id",
        "rules_version",
        "rules_hash",
        "list_hash",
        "entries",
        "waves",
        "sources",
        "frozen_at",
    )

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)  # stands in the address and in the seed
    rules_version: Mapped[int]
    rules_hash: Mapped[str]
    list_hash: Mapped[str]
    entries: Mapped[int]
    waves: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # [{"at_least": permyriad, "entries": n}]
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # of the rules in force
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Notice(Base):
    """What has to be said about a draw between freezing and drawing: a source that failed, another time."""

    __tablename__ = "draw_notice"
    plain = ("draw_id", "number", "text", "at")

    draw_id: Mapped[str] = mapped_column(ForeignKey("draw_draw.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Result(Base):
    """The public value and what follows from it: one row a draw, so nobody draws twice."""

    __tablename__ = "draw_result"
    __table_args__ = (CheckConstraint("drawn_by <> frozen_by", name="two_people"),)
    plain = ("draw_id", "public_value", "proof", "seed", "order_hash", "drawn_at")

    draw_id: Mapped[str] = mapped_column(ForeignKey("draw_draw.id"), primary_key=True)
    public_value: Mapped[str]
    proof: Mapped[str]  # where the value can be looked up, or who threw the dice before whom
    seed: Mapped[str]
    order_hash: Mapped[str]
    drawn_at: Mapped[datetime]
    frozen_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
    drawn_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Piece(Base):
    """A published file of a draw, in pieces that are never changed."""

    __tablename__ = "draw_piece"
    plain = ("draw_id", "file", "number")

    draw_id: Mapped[str] = mapped_column(ForeignKey("draw_draw.id"), primary_key=True)
    file: Mapped[str] = mapped_column(primary_key=True)  # entries.txt, order.txt, waves.txt, rules.json
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(info=label("pseudonym", _PUBLISHED))


class Winner(Base):
    """Who holds which prize when the draw is made; what becomes of it later stands in prize_award."""

    __tablename__ = "draw_winner"
    __table_args__ = (
        UniqueConstraint("draw_id", "entry_id"),
        CheckConstraint("by IN ('draw', 'standing')", name="by"),
    )
    plain = ("draw_id", "tier", "number", "by", "place")

    draw_id: Mapped[str] = mapped_column(ForeignKey("draw_draw.id"), primary_key=True)
    tier: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False
    )  # index in the tiers of the rules
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # 1, 2, … within the tier
    by: Mapped[str]
    place: Mapped[int]  # in the order drawn, or in the final standing; from 1
    entry_id: Mapped[str] = mapped_column(info=label("pseudonym", _PUBLISHED))
