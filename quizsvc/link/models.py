"""Table of the links: the printed doors of units into rounds."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base


class Link(Base):
    """The door of one unit (and place) into one round. The code is what is printed; where it leads may change."""

    __tablename__ = "link_link"
    about_people = False
    __table_args__ = (
        Index(
            "uq_link_link_door", "round_id", "unit_id", "place",
            unique=True, sqlite_where=text("revoked_at IS NULL"), postgresql_where=text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), index=True)
    place: Mapped[str]  # "" is the classroom
    phrase_word: Mapped[str]
    phrase_number: Mapped[int]
    poster_number: Mapped[str] = mapped_column(unique=True)
    closes_at: Mapped[datetime | None]  # later than the round's close: this class has more time
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
