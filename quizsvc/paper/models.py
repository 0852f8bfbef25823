"""Table of the papers: rules and pool, frozen under a content hash."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Paper(Base):
    """Rules and the item versions they draw from; never changed once written.

    `content` holds "blueprint", "topics" (slug to name) and "items" ({"version", "bank", "item"}); `content_hash` is
    the SHA-256 of it together with code, title and kind.
    """

    __tablename__ = "paper_paper"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # quiz
    title: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_hash: Mapped[str]
    frozen_at: Mapped[datetime]
