"""Tables of the banks: a bank, its items, and each item's immutable wordings."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, label
from quizsvc.db import Base

State = Literal["draft", "reviewed", "published"]
Origin = Literal["file", "web"]

DRAFT: State = "draft"
REVIEWED: State = "reviewed"
PUBLISHED: State = "published"
FILE: Origin = "file"
WEB: Origin = "web"


class Bank(Base):
    """A folder under question_banks/, or one that somebody made on the pages."""

    __tablename__ = "bank_bank"
    about_people = False

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Item(Base):
    """One question; what it says is in its versions. `retired_by` tells an import whether it may bring it back."""

    __tablename__ = "bank_item"
    __table_args__ = (UniqueConstraint("bank_id", "code"),)
    plain = ("id", "bank_id", "code", "retired_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("bank_bank.id"))
    code: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))


class ItemVersion(Base):
    """One immutable wording of an item; only its state moves, from draft over reviewed to published."""

    __tablename__ = "bank_item_version"
    __table_args__ = (
        UniqueConstraint("item_id", "number"),
        CheckConstraint("state IN ('draft', 'reviewed', 'published')", name="state"),
        CheckConstraint("origin IN ('file', 'web')", name="origin"),
    )
    plain = (
        "id", "item_id", "number", "content", "content_hash", "created_at", "state", "origin", "reviewed_at",
        "published_at",
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("bank_item.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
    state: Mapped[str]
    origin: Mapped[str]
    author: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
    reviewed_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))
    reviewed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
