"""Limits kept as rows, so that they hold across processes: `take` a place in a window or be refused."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.refusal import Refusal
from quizsvc.core.retention import COUNTERS, label
from quizsvc.db import Base, db, insert, operation


class TooMany(Refusal):
    """The limit of a window is used up."""

    def __init__(self, text: str) -> None:
        super().__init__(text, status=429)


class ThrottleBucket(Base):
    """How often something happened in one window."""

    __tablename__ = "throttle_bucket"
    plain = ("window", "count", "ends_at")

    key: Mapped[str] = mapped_column(primary_key=True, info=label("technical", COUNTERS))
    window: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(index=True)


@operation
def take(*, kind: str, subject: str, limit: int, window_s: int, at: datetime, text: str) -> None:
    """Count one event of a subject; beyond the limit of the window refuse with the given sentence."""
    db.session.execute(delete(ThrottleBucket).where(ThrottleBucket.ends_at < at - timedelta(days=1)))
    if counted(kind=kind, subject=subject, window_s=window_s, at=at) > limit:
        db.session.commit()  # the refused try counts too
        raise TooMany(text)


def counted(*, kind: str, subject: str, window_s: int, at: datetime) -> int:
    """Count one event of a subject, inside an operation; return which of the window it is, 1 for the first."""
    key = f"{kind}:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"
    window = int(at.timestamp()) // window_s
    ends_at = at + timedelta(seconds=window_s)
    first = insert(ThrottleBucket).values(key=key, window=window, count=1, ends_at=ends_at)
    count: int = db.session.execute(
        first.on_conflict_do_update(
            index_elements=[ThrottleBucket.key, ThrottleBucket.window],
            set_={"count": ThrottleBucket.count + 1},
        ).returning(ThrottleBucket.count)
    ).scalar_one()
    return count
