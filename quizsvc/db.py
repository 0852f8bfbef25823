"""The database handle, the base of all tables, and the one way to write: `@operation`."""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ClassVar, ParamSpec, TypeVar
from weakref import finalize

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    ColumnElement,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    MetaData,
    String,
    Table,
    and_,
    create_engine,
    event,
    false,
    or_,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, QueryableAttribute, registry
from sqlalchemy.types import TypeDecorator

from quizsvc.settings import PROJECT, Settings

P = ParamSpec("P")
R = TypeVar("R")

BUSY_TIMEOUT_S = 15
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.0002, 0.005


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC moment; SQLite keeps it without the zone, we give it back with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all tables: constraint names by convention, moments in UTC.

    Every table is in the register of personal data: it says `about_people = False`, or it names the columns that
    tell nothing about anybody in `plain` and gives each of the others a label of core.retention.
    """

    about_people: ClassVar[bool] = True
    plain: ClassVar[tuple[str, ...]] = ()

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES), type_annotation_map={datetime: UtcDateTime}
    )


PathText = String().with_variant(String(collation="C"), "postgresql")
"""Text compared byte by byte on both databases, so that a range of paths is a subtree."""

db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
migrate = Migrate(directory=str(PROJECT / "migrations"), render_as_batch=True, compare_type=True)


def init_app(app: Flask, settings: Settings) -> None:
    """Bind the database of the settings to the application."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    migrate.init_app(app, db)
    app.teardown_appcontext(lambda _error: let_go())  # before the extension closes the session
    with app.app_context():
        _keep_private(db.engine)
        tune(db.engine, settings)


def let_go() -> None:
    """Close the session; when its connection has died meanwhile, that is dropped and the answer stands."""
    if not db.session.registry.has():
        return
    try:
        db.session.close()
    except DBAPIError:
        db.session().invalidate()


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return the engine's options for the database of the settings."""
    if settings.database_url.startswith("sqlite"):
        return {
            "hide_parameters": True,  # an error's text would hold the row it was about
            "connect_args": {"timeout": BUSY_TIMEOUT_S},
            "pool_size": settings.threads + 2,
        }
    return {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "pool_size": settings.threads + 1,
        "max_overflow": 2,
        "pool_timeout": 10,
        "connect_args": {"connect_timeout": 5},
    }


def _keep_private(engine: Engine) -> None:
    """Create a SQLite file readable by its owner alone: its backups and copies inherit nothing better."""
    if engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:"):
        Path(str(engine.url.database)).touch(mode=0o600, exist_ok=True)


def tune(engine: Engine, settings: Settings) -> None:
    """Set SQLite up for durability: WAL, full sync, foreign keys, wiped deletes; reads deferred, writes immediate."""
    if engine.dialect.name != "sqlite":
        return
    turns = _Turns(engine.url.database)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={settings.sqlite_synchronous}",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"busy_timeout={BUSY_TIMEOUT_S * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
            try:
                turns.begin(cursor)
            except sqlite3.OperationalError as unavailable:  # SQLAlchemy wraps no error of a listener
                raise OperationalError("BEGIN IMMEDIATE", None, unavailable) from unavailable
        else:
            cursor.execute("BEGIN DEFERRED")


class _Turns:
    """A queue of processes before a SQLite file: whoever is first in it asks for the write lock, often and alone.

    SQLite's own waiting asks ever less often and so starves those who wait longest. The queue decides nothing: the
    write lock does, whoever does not queue is only less fair, and a process that dies leaves the queue.
    """

    def __init__(self, database: str | None) -> None:
        self._database = None if database == ":memory:" else database
        self._file: int | None = None

    def begin(self, cursor: Any) -> None:
        """Begin a write transaction when it is our turn; whoever is first gives up after the busy timeout."""
        file = self._file or self._opened()
        if file is None:
            cursor.execute("BEGIN IMMEDIATE")
            return
        fcntl.lockf(
            file, fcntl.LOCK_EX
        )  # the lock is this process's, not its children's; threads have their own
        try:
            cursor.execute("PRAGMA busy_timeout=0")
            self._ask(cursor)
        finally:
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
            fcntl.lockf(file, fcntl.LOCK_UN)

    def _opened(self) -> int | None:
        if not self._database:
            return None
        try:
            self._file = os.open(f"{self._database}-queue", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # no place for it: we wait as SQLite does
            return None
        finalize(self, os.close, self._file)
        return self._file

    def _ask(self, cursor: Any) -> None:
        give_up, pause_s = monotonic() + BUSY_TIMEOUT_S, FIRST_PAUSE_S
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > give_up:
                    raise
                sleep(pause_s)
                pause_s = min(1.5 * pause_s, LONGEST_PAUSE_S)
            else:
                return


def connect(settings: Settings) -> Engine:
    """Return an engine outside any application (tests, tools), tuned the same way."""
    engine = create_engine(settings.database_url, **engine_options(settings))
    tune(engine, settings)
    return engine


_INSERTS: dict[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_writing = threading.Lock()  # SQLite's busy handler is unfair; threads of one process queue here instead


@contextmanager
def _transaction() -> Iterator[None]:
    session = db.session()
    if session.info.get("operation"):
        raise RuntimeError("an operation may not call another: it would commit twice")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("unsaved changes made outside an operation")
    session.rollback()  # ends the read snapshot, so that the write sees the newest rows
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    with _writing if on_sqlite else nullcontext():
        session.info["operation"] = True
        try:
            session.info["connection"] = session.connection(
                execution_options={"sqlite_begin": "IMMEDIATE"} if on_sqlite else {}
            )
            yield
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info.pop("operation")
            session.info.pop("connection", None)


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function one use case: one write transaction, committed once at its end or rolled back whole."""

    @wraps(function)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        with _transaction():
            return function(*args, **kwargs)

    whole.is_operation = True  # type: ignore[attr-defined]  # tests/rules look for it
    return whole


def insert(table: type[Base] | Table) -> Any:
    """Return an INSERT that knows ON CONFLICT on the database in use."""
    return _INSERTS[db.engine.dialect.name](table)


def insert_unless_there(table: type[Base], returning: InstrumentedAttribute[Any]) -> Any:
    """Return an INSERT, built once, whose conflict is somebody else's row and not an error."""
    return _insert_unless_there(db.engine.dialect.name, table, returning)


@cache
def _insert_unless_there(dialect: str, table: type[Base], returning: InstrumentedAttribute[Any]) -> Any:
    return _INSERTS[dialect](table).on_conflict_do_nothing().returning(returning)


def run(statement: Executable, **values: Any) -> CursorResult[Any]:
    """Run a statement that was built once, in the session's transaction but without its unit of work.

    The pupils' pages use it: building a statement anew costs several times what the database takes to run it.
    """
    session = db.session()
    connection: Connection = session.info.get("connection") or session.connection()
    return connection.execute(statement, values)


def subtree(path: str) -> tuple[str, str]:
    """Return the half-open range of paths [low, high) of a unit and everything under it ("a/b/" -> "a/b/", "a/b0")."""
    return path, path[:-1] + "0"


def within(column: QueryableAttribute[str], paths: Iterable[str]) -> ColumnElement[bool]:
    """Ask whether a path lies in one of some subtrees; "" is the whole installation."""
    wanted = set(paths)
    if "" in wanted:
        return true()
    ranges = [subtree(path) for path in sorted(wanted)]
    return or_(false(), *(and_(column >= low, column < high) for low, high in ranges))


def touching(column: QueryableAttribute[str], paths: Iterable[str]) -> ColumnElement[bool]:
    """Ask whether a path lies in one of some subtrees, or leads to one."""
    wanted = set(paths)
    return or_(within(column, wanted), column.in_({one for path in wanted for one in paths_to(path)}))


def paths_to(path: str) -> list[str]:
    """List the paths from the root down to a unit, its own included ("a/b/" -> "a/", "a/b/")."""
    return [path[: end + 1] for end, character in enumerate(path) if character == "/"]
