"""What tests lean on: a watch over SQL, and a browser that fails on requests that misuse the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import g, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event

sqlite_only = pytest.mark.sqlite_only
WRITES = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
ALLOWED_ON_GET = ("audit_", "throttle_")


@contextmanager
def rewritable(connection: Connection) -> Iterator[None]:
    """Let rows of the audit log be changed and deleted, as somebody with all rights over the database can."""
    tables = [name for name in ("audit_entry", "audit_leaf") if _has_rows(connection, name)]
    if connection.dialect.name == "postgresql":
        for name in tables:
            connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        yield
        for name in tables:
            connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")
        return
    triggers = connection.exec_driver_sql(
        "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%'"
    ).all()
    mine = [(name, sql) for name, table, sql in triggers if table in tables]
    for name, _ in mine:
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    yield
    for _, sql in mine:
        connection.exec_driver_sql(sql)


def _has_rows(connection: Connection, table: str) -> bool:
    return connection.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1").first() is not None


class Watch:
    """Everything that reaches the database, in order."""

    def __init__(self, engine: Engine) -> None:
        self.statements: list[str] = []
        self.unsaved: list[str] = []
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)
        event.listen(engine, "rollback", self._commit)

    def _statement(self, _c: Any, _cursor: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if statement.startswith(("BEGIN", "PRAGMA")):
            return
        self.statements.append(statement)
        found = WRITES.match(statement)
        if found:
            self.unsaved.append(found.group(2))

    def _commit(self, _connection: Any) -> None:
        self.unsaved.clear()

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements of a block."""
        start = len(self.statements)
        seen: list[str] = []
        yield seen
        seen.extend(self.statements[start:])

    def written_since(self, start: int) -> list[str]:
        """List the tables written since a mark."""
        return [found.group(2) for s in self.statements[start:] if (found := WRITES.match(s))]


class Browser(FlaskClient):
    """A test client that fails when a GET writes a slice's table or a request leaves writes uncommitted."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        follow = kwargs.pop("follow_redirects", False)
        response = self._watched(*args, **kwargs)
        while follow and response.status_code in (301, 302, 303, 307, 308):
            response = self._watched(response.headers["Location"])
        return response

    def _watched(self, *args: Any, **kwargs: Any) -> Any:
        for name in list(g) if has_app_context() else ():
            g.pop(name)  # the test's own context outlives a request, and a request starts with nothing
        watch: Watch = self.application.extensions["watch"]
        watch.unsaved.clear()
        start = len(watch.statements)
        response = super().open(*args, **kwargs)
        method = response.request.method
        written = watch.written_since(start)
        if method in ("GET", "HEAD", "OPTIONS"):
            bad = [table for table in written if not table.startswith(ALLOWED_ON_GET)]
            assert not bad, f"GET {response.request.path} wrote {bad}"
        assert not watch.unsaved, f"{method} {response.request.path} left uncommitted: {watch.unsaved}"
        return response
