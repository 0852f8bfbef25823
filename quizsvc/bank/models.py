"""Tables of the banks: a bank, its items, and each item's immutable wordings."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Bank(Base):
    """A folder under question_banks/."""

    __tablename__ = "bank_bank"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]


class Item(Base):
    """One question; what it says is in its versions."""

    __tablename__ = "bank_item"
    __table_args__ = (UniqueConstraint("bank_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    bank_id: Mapped[int] = mapped_column(ForeignKey("bank_bank.id"))
    code: Mapped[str]
    retired_at: Mapped[datetime | None]


class ItemVersion(Base):
    """One immutable wording of an item."""

    __tablename__ = "bank_item_version"
    __table_args__ = (UniqueConstraint("item_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("bank_item.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_hash: Mapped[str]
    created_at: Mapped[datetime]
