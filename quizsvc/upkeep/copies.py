"""What a copy of either database holds, and how one is told apart from an empty one."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, column, func, inspect, select, table
from sqlalchemy.engine import make_url

from quizsvc import db as database
from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries as paper
from quizsvc.settings import Settings

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KIND_NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}

_revisions = table("alembic_version", column("version_num"))
_head = table("audit_head", column("seq"), column("hash"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database holds, as far as a manifest tells it."""

    server: str
    revision: str
    rows: Mapping[str, int]
    audit_seq: int
    audit_hash: str

    @property
    def held(self) -> int:
        """Count the rows that somebody would miss."""
        return sum(count for name, count in self.rows.items() if name != _revisions.name)


class Busy(Refusal):
    """The service runs on the database that is to be replaced."""

    def __init__(self) -> None:
        super().__init__("这个数据库正在使用，没有改动它：请先停止服务，再恢复。", status=409)


def kind_of(settings: Settings) -> str:
    """Say which kind of database the settings name."""
    return make_url(settings.database_url).get_backend_name()


def facts(connection: Connection) -> Facts:
    """Count every table; inside one transaction all figures are of one moment."""
    names = sorted(inspect(connection).get_table_names())
    rows = {
        name: connection.execute(select(func.count()).select_from(table(name))).scalar_one() for name in names
    }
    revision = connection.execute(select(_revisions)).scalar() if _revisions.name in names else None
    head = connection.execute(select(_head)).one_or_none() if _head.name in names else None
    version = ".".join(map(str, connection.dialect.server_version_info or ()))
    return Facts(version, revision or "", rows, head.seq if head else 0, head.hash if head else "")


def facts_of(settings: Settings) -> Facts:
    """Count what the database of the settings holds."""
    engine = database.connect(settings)
    try:
        with engine.connect() as connection:
            return facts(connection)
    finally:
        engine.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[None]:
    """Let queries look at another database than that of the service."""
    app = Flask("quizsvc")
    app.config["SETTINGS"] = settings
    database.init_app(app, settings)
    paper.forget()  # papers are remembered by number, and another database has others
    try:
        with app.app_context():
            try:
                yield
            finally:
                database.db.session.rollback()
                database.db.session.remove()
                database.db.engine.dispose()
    finally:
        paper.forget()


def settle(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
