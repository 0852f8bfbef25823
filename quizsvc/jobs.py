"""Leases: which process may run a periodic job now. Knows no slice."""

from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.db import Base, db, insert, operation


class JobLease(Base):
    """One periodic job and until when somebody has it."""

    __tablename__ = "jobs_lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


@operation
def due(*, name: str, holder: str, every_s: int, at: datetime) -> bool:
    """Take the lease of a job for one period; False when another process has it."""
    db.session.execute(insert(JobLease).values(name=name, holder="", until=at).on_conflict_do_nothing())
    taken = db.session.execute(
        update(JobLease)
        .where(JobLease.name == name, or_(JobLease.until <= at, JobLease.holder == holder))
        .values(holder=holder, until=at + timedelta(seconds=every_s))
        .returning(JobLease.name)
    )
    return taken.scalar_one_or_none() is not None
