"""Leases: which process may run a periodic job now, and whether its clock may be trusted. Knows no slice."""

from datetime import datetime, timedelta

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc import clock
from quizsvc.db import Base, db, insert, operation

MARK = "clock"


class JobLease(Base):
    """One periodic job and until when somebody has it; the row "clock" keeps the last moment the service has worked."""

    __tablename__ = "jobs_lease"
    about_people = False

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]


@operation
def due(*, name: str, holder: str, every_s: int, at: datetime) -> bool:
    """Take a job for one period; False when it was taken in this period already, by whomever."""
    db.session.execute(insert(JobLease).values(name=name, holder="", until=at).on_conflict_do_nothing())
    taken = db.session.execute(
        update(JobLease)
        .where(JobLease.name == name, JobLease.until <= at)
        .values(holder=holder, until=at + timedelta(seconds=every_s))
        .returning(JobLease.name)
    )
    return taken.scalar_one_or_none() is not None


@operation
def mark(*, at: datetime) -> None:
    """Keep a moment as the last the service has worked, unless a later one is kept."""
    later = case((JobLease.until < at, at), else_=JobLease.until)
    marked = insert(JobLease).values(name=MARK, holder="", until=at)
    db.session.execute(marked.on_conflict_do_update(index_elements=[JobLease.name], set_={"until": later}))


@operation
def accept_clock(*, at: datetime) -> None:
    """Take the machine's present time for right, although the service has worked at a later one."""
    accepted = insert(JobLease).values(name=MARK, holder="", until=at)
    db.session.execute(accepted.on_conflict_do_update(index_elements=[JobLease.name], set_={"until": at}))
    db.session.execute(
        update(JobLease).where(JobLease.until > at).values(until=at)
    )  # leases of the wrong time


def last_mark() -> datetime | None:
    """Return the last moment the service has worked, as far as it is kept (1 statement)."""
    return db.session.execute(select(JobLease.until).where(JobLease.name == MARK)).scalar_one_or_none()


def clock_trouble() -> str | None:
    """Say why this machine's clock may not end anything now, in a sentence for the operator (1 to 2 statements)."""
    jumped = clock.jumped()
    if jumped is not None:
        return (
            f"本机时钟突然{'快' if jumped > timedelta(0) else '慢'}了 {_length(jumped)}，服务没有跟着变。"
            "请校准时钟；如果现在的时间是对的，请重启服务。到时自动交卷已暂停。"
        )
    ours, marked = clock.RUNNING.now(), last_mark()
    if marked is not None and marked - ours > clock.TOLERANCE:
        return f"本机时钟比服务上次工作的时间还早 {_length(marked - ours)}，请校准时钟。到时自动交卷已暂停。"
    if db.engine.dialect.name == "sqlite":
        return None
    apart = db.session.execute(select(func.clock_timestamp())).scalar_one() - clock.RUNNING.now()
    if abs(apart) > clock.TOLERANCE:
        return f"本机时钟和数据库的时钟差 {_length(apart)}，请校准时钟。到时自动交卷已暂停。"
    return None


def _length(span: timedelta) -> str:
    seconds = round(abs(span).total_seconds())
    if seconds < 120:
        return f"{seconds} 秒"
    return f"{seconds // 60} 分钟" if seconds < 7200 else f"{seconds // 3600} 小时"
