"""Tables of the papers: rules and pool frozen under a content hash, and drafts of what will be frozen."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, label
from quizsvc.db import Base


class Paper(Base):
    """Rules and the item versions they draw from; never changed once written.

    `content` of a quiz holds "blueprint", "topics" (slug to name) and "items" ({"version", "bank", "item"}), of all
    others "sheet": a document, an adoption survey or a questionnaire of core. `content_hash` is the SHA-256 of it
    together with code, title and kind.
    """

    __tablename__ = "paper_paper"
    about_people = False

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # quiz | receipt | pledge | adoption | survey
    title: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    content_hash: Mapped[str]
    frozen_at: Mapped[datetime]


class Draft(Base):
    """A paper in the making. `revision` grows with every change; once `paper_id` is set nothing changes any more.

    `banks` are codes of banks that the rules draw from; `rules` are rules without their empty fields; `fixed` holds
    {"item": "bank/code", "points"} in the order of the paper. A rule without an audience takes the draft's.
    """

    __tablename__ = "paper_draft"
    plain = (
        "id", "code", "kind", "title", "audience", "banks", "rules", "fixed", "revision", "updated_at", "paper_id",
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # quiz
    title: Mapped[str]
    audience: Mapped[str | None]
    banks: Mapped[list[str]] = mapped_column(JSON)
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    fixed: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    revision: Mapped[int]
    author: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))  # who changed it last
    updated_at: Mapped[datetime]
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper_paper.id"))


class SheetDraft(Base):
    """A text or a survey in the making, as it is typed. Once `paper_id` is set nothing changes any more."""

    __tablename__ = "paper_sheet_draft"
    plain = ("id", "code", "kind", "source", "revision", "updated_at", "paper_id")

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # receipt | pledge | adoption | survey
    source: Mapped[str]  # in the notation of core.sheettext
    revision: Mapped[int]
    author: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))  # who changed it last
    updated_at: Mapped[datetime]
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper_paper.id"))
