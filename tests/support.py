"""What tests lean on: a watch over SQL, and a browser that fails on requests that misuse the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import g, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

_WRITES = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
_ALLOWED_ON_GET = ("audit_", "throttle_")


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
        found = _WRITES.match(statement)
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
        return [found.group(2) for s in self.statements[start:] if (found := _WRITES.match(s))]


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
        if method in ("GET", "HEAD"):
            bad = [table for table in written if not table.startswith(_ALLOWED_ON_GET)]
            assert not bad, f"GET {response.request.path} wrote {bad}"
        assert not watch.unsaved, f"{method} {response.request.path} left uncommitted: {watch.unsaved}"
        return response
