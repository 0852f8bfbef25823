"""Leases run a job once a period; a clock that cannot be trusted ends nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from flask import Flask
from sqlalchemy import select

from quizsvc import clock, jobs, serve
from quizsvc.attempt.cli import attempt
from quizsvc.audit import AuditEntry
from quizsvc.clock import Clock
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.jobs import JobLease
from quizsvc.upkeep.timekeeping import clock as timekeeping
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


class Machine:
    """A machine whose wall clock somebody sets."""

    def __init__(self) -> None:
        self.true = datetime.now(UTC).timestamp()
        self.begun, self.off = self.true, 0.0

    def wall(self) -> float:
        return self.true + self.off

    def steady(self) -> float:
        return self.true - self.begun


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(clock, "RUNNING", Clock(made.wall, made.steady))
    return made


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    done: list[str] = []

    def breaks() -> None:
        raise RuntimeError("a duty that fails")

    duties = [("first", 30, breaks), ("second", 30, lambda: done.append("second"))]
    monkeypatch.setattr(serve, "DUTIES", duties)
    return done


def due(at: datetime, holder: str = "a") -> bool:
    return jobs.due(name="job", holder=holder, every_s=60, at=at)


def test_job_is_due_once_a_period_whoever_asks(app: Flask) -> None:
    assert due(NOON)
    assert not due(NOON + timedelta(seconds=59), "b")
    assert not due(NOON + timedelta(seconds=59))
    assert due(NOON + MINUTE, "b")


def test_mark_never_goes_back(app: Flask) -> None:
    assert jobs.last_mark() is None
    for at in (NOON, NOON + MINUTE, NOON):
        jobs.mark(at=at)

    assert jobs.last_mark() == NOON + MINUTE


def test_accepted_clock_takes_back_the_mark_and_leases_of_the_wrong_time(app: Flask) -> None:
    jobs.mark(at=NOON + timedelta(days=1))
    assert due(NOON + timedelta(days=1))

    jobs.accept_clock(at=NOON)

    assert jobs.last_mark() == NOON
    assert due(NOON)


def test_right_clock_is_no_trouble(app: Flask, machine: Machine) -> None:
    jobs.mark(at=clock.now())

    assert jobs.clock_trouble() is None


@pytest.mark.parametrize(
    ("off", "said"),
    [(86_400, "快了 24 小时"), (-7_200, "慢了 2 小时"), (61, "快了 61 秒"), (300, "快了 5 分钟")],
)
def test_jump_is_trouble(app: Flask, machine: Machine, off: int, said: str) -> None:
    machine.off = off

    assert said in (jobs.clock_trouble() or "")


def test_clock_before_the_mark_is_trouble(app: Flask, machine: Machine) -> None:
    jobs.mark(at=clock.now() + timedelta(hours=3))

    assert "还早 3 小时" in (jobs.clock_trouble() or "")


def test_clock_beside_the_databases_is_trouble(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Machine()
    wrong.off = 120.0
    monkeypatch.setattr(clock, "RUNNING", Clock(wrong.wall, wrong.steady))

    trouble = jobs.clock_trouble() or ""

    assert ("和数据库的时钟差" in trouble) is (db.engine.dialect.name == "postgresql")


@pytest.mark.usefixtures("talkative")
def test_sweeper_does_every_duty_and_survives_one_that_fails(
    app: Flask, machine: Machine, swept: list[str]
) -> None:
    with structlog.testing.capture_logs() as logs:
        serve._sweep("me")

    assert swept == ["second"]
    assert [line["event"] for line in logs] == ["sweep failed"]
    assert jobs.last_mark() is not None


@pytest.mark.usefixtures("talkative")
def test_sweeper_does_nothing_while_the_clock_has_jumped(
    app: Flask, machine: Machine, swept: list[str]
) -> None:
    machine.off = 61.0
    with structlog.testing.capture_logs() as logs:
        serve._sweep("me")

    assert swept == []
    assert jobs.last_mark() is None
    assert "nothing is swept" in [line["event"] for line in logs]

    machine.off = 0.0
    serve._sweep("me")
    assert swept == ["second"]


def test_trouble_with_the_clock_shows_in_readyz(
    app: Flask, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quizsvc.web.health.require_current_revision", lambda _engine: None)
    phone = app.test_client()
    assert phone.get("/readyz").status_code == 200

    machine.off = 3600.0

    assert phone.get("/readyz").status_code == 503
    assert "时钟" in phone.get("/readyz").text


def test_operator_closes_nothing_while_the_clock_is_wrong(app: Flask, machine: Machine) -> None:
    machine.off = 3600.0

    refused = app.test_cli_runner().invoke(attempt, ["submit-overdue"])

    assert isinstance(refused.exception, Refusal)
    assert "快了 60 分钟" in refused.exception.text


def test_operator_accepts_the_clock(app: Flask, machine: Machine) -> None:
    def said(word: str) -> str:
        result = app.test_cli_runner().invoke(timekeeping, [word], catch_exceptions=False)
        return result.output

    assert "没有需要确认的" in said("accept")
    jobs.mark(at=clock.now() + timedelta(days=1))
    assert "还早 24 小时" in said("show")

    assert "重启" in said("accept")

    assert "时钟正常" in said("show")
    assert db.session.scalars(select(AuditEntry.action)).all() == ["clock.accept"]
    assert db.session.get(JobLease, jobs.MARK) is not None
