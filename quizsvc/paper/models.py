"""Table of the papers: rules and pool, frozen under a content hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Paper(Base):
    """Rules and the item versions they draw from; never changed once written.

    `content` = {"blueprint": …, "items": [{"version": id, "item": wording}, …]}; `content_hash` is its SHA-256.
    """

    __tablename__ = "paper_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # quiz
    title: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_hash: Mapped[str]
    frozen_at: Mapped[datetime]
