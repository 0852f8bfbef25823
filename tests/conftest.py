"""Fixtures: both databases, the application, browsers that watch what requests do to the database."""

import gc
import os
import re
import socket
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as examples
from jinja2 import FileSystemBytecodeCache

from quizsvc.app import create_app
from quizsvc.attempt import views as doorways
from quizsvc.db import Base, db
from quizsvc.paper import queries as paper
from quizsvc.settings import Settings
from quizsvc.staff import queries as staff
from quizsvc.web import logs
from tests import postgres
from tests.support import Browser, Watch, rewritable

_PATIENT = {
    "deadline": None, "suppress_health_check": [HealthCheck.too_slow],  # a busy machine is no fault
    "derandomize": "RANDOM_EXAMPLES" not in os.environ,  # the same commit, the same verdict
}  # fmt: skip
examples.register_profile("usual", max_examples=30, **_PATIENT)
examples.register_profile("few", max_examples=15, **_PATIENT)
examples.load_profile("few" if os.environ.get("FEW_EXAMPLES") else "usual")

_skipped: list[str] = []

ONE_DATABASE = re.compile(
    r"test_(\w*views|cli|files|preview|pieces)\.py|security/test_(two_step|sessions|peer_attacks|harvest)\.py"
)
"""Tests of pages, commands and files run on SQLite alone. What they ask the database is asked on both by the tests of
queries and operations, and test_access_matrix opens every page on PostgreSQL too."""

NOON = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)  # 12:00 in China, a Saturday in the middle of the demo term

SLOW = re.compile(
    r"tests/(security|formats|upkeep|uploads|benchmarks|migrations|rules)/|app/test_serve\.py|test_(files|headers|\w*views)\.py"
)
"""What `make fast` leaves to `make test`: sweeps over all routes, pages one by one (journeys walk through the main
ones), files as large as they may be, other processes."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read what is left out as a whole."""
    here = f"{collection_path.as_posix()}/"
    slow = "not slow" in config.option.markexpr and SLOW.search(here)
    return True if slow or ("not browser" in config.option.markexpr and "tests/browser/" in here) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes long by the folder it lies in."""
    for item in items:
        if SLOW.search(item.path.as_posix()):
            item.add_marker("slow")


gc.disable()  # until all tests are there: hardly anything of theirs is garbage


def pytest_collection_finish() -> None:
    """Keep the collector of garbage away from what stays until the end: eight thousand tests and all modules."""
    gc.freeze()
    gc.enable()


def settings_for(url: str, instance: Path) -> Settings:
    return Settings(
        mode="demo",
        instance=instance,
        database_url=url,
        secret_key="tests-only-" + "x" * 32,
        public_url="http://fz.test",
        key_file=instance / "keys",
        sqlite_synchronous="NORMAL",
        log_level="ERROR",
    )


@pytest.fixture
def talkative(request: pytest.FixtureRequest) -> Iterator[None]:
    """Log as a service does, whatever the tests before have set; an application of the test sets its own."""
    if "app" in request.fixturenames:
        request.getfixturevalue("app")
    before = structlog.get_config()
    logs.configure("INFO")
    yield
    structlog.configure(**before)


CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOBODYS = CHEAP.hash("nobody's")


@pytest.fixture(autouse=True)
def cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords in no time; tests of the hashing itself are marked `real_passwords`."""
    if request.node.get_closest_marker("real_passwords") is None:
        monkeypatch.setattr(staff, "HASHER", CHEAP)
        monkeypatch.setattr(staff, "DECOY", NOBODYS)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection, every datagram and every question for a name that leaves this machine."""
    here = ("127.0.0.1", "::1", "localhost", "", None)

    def guarded(method: Any) -> Any:
        def only_here(self: socket.socket, *given: Any) -> Any:
            address = given[-1]
            if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in here:
                self.close()
                raise AssertionError(f"a test tried to reach {address}")
            return method(self, *given)

        return only_here

    resolve = socket.getaddrinfo

    def resolved_here(host: Any, *given: Any, **more: Any) -> Any:
        if host not in here:
            raise AssertionError(f"a test tried to reach {host}")
        return resolve(host, *given, **more)

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", resolved_here)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database on both, and on SQLite alone what is marked so or is a module of pages."""
    chosen = any("database_url" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "database_url" not in metafunc.fixturenames or chosen:
        return
    of_pages = ONE_DATABASE.search(metafunc.definition.path.as_posix())
    alone = of_pages or metafunc.definition.get_closest_marker("sqlite_only")
    both = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
    metafunc.parametrize("database_url", both[:1] if alone else both, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('db') / 'test.sqlite'}"
    return postgres.fresh_database("suite")


@pytest.fixture(scope="session")
def application(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application a database; its tables are emptied between tests."""
    app = create_app(settings_for(database_url, tmp_path_factory.mktemp("instance")))
    app.test_client_class = Browser
    # every application and every worker would compile all templates anew
    folder = tmp_path_factory.getbasetemp().parent / "compiled-templates"
    folder.mkdir(exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder))
    with app.app_context():
        db.create_all()
        app.extensions["watch"] = Watch(db.engine)
        yield app
        db.engine.dispose()


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """The application inside its context, on empty tables."""
    with application.app_context():
        yield application
        db.session.rollback()
        db.session.remove()
        empty()
        paper.forget()
        doorways.forget()


@cache
def orders_of_emptying() -> tuple[str, dict[str, str]]:
    """Return how to ask which tables have rows, and how to empty each, those that others point to last."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
    return asked, {name: f"DELETE FROM {name}" for name in names}


def empty() -> None:
    """Empty all tables and start their numbers again; TRUNCATE would take thirty times as long on PostgreSQL."""
    asked, deletes = orders_of_emptying()
    with db.engine.begin() as connection:
        filled = set(connection.exec_driver_sql(asked).scalars())
        orders = [order for name, order in deletes.items() if name in filled]
        if db.engine.dialect.name == "postgresql":
            restart = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
            orders = ["; ".join([*orders, restart])]  # one way there and back
        with rewritable(connection) if filled & {"audit_entry", "audit_leaf"} else nullcontext():
            for order in orders:
                connection.exec_driver_sql(order)


@pytest.fixture
def watch(app: Flask) -> Watch:
    """Counts SQL statements: `with watch.counting() as seen: …; assert len(seen) == 2`."""
    return app.extensions["watch"]


@pytest.fixture
def phone(app: Flask) -> Browser:
    """A phone without any cookie."""
    return app.test_client()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock: `at(moment)`; it starts at NOON."""

    def set_clock(moment: datetime) -> datetime:
        monkeypatch.setattr("quizsvc.clock.now", lambda: moment)
        return moment

    set_clock(NOON)
    return set_clock


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and os.environ.get("QUIZSVC_TEST_REQUIRE_ALL"):
        _skipped.append(f"{report.nodeid}: {report.longrepr}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything must run, a skipped test fails the run."""
    if _skipped:
        print("\nskipped although everything was required:", *_skipped, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
