"""`quizsvc serve` under conditions a drill sets, with a known bug planted if asked for: for the drills only.

python -m tests.drills._entry CONDITION[=VALUE]…   (wall=FILE: the wall clock is wrong by the seconds in a file)
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from quizsvc import clock, jobs, serve, wsgi
from quizsvc.core import window
from quizsvc.db import db
from quizsvc.web import errors


def pages(_app: Flask, file: str) -> None:
    """Let the database have only so many pages as a file says, where no small disk can be mounted."""

    @event.listens_for(db.engine, "begin")
    def limit(connection: Any) -> None:
        connection.connection.cursor().execute(f"PRAGMA max_page_count={int(Path(file).read_text())}")


def acknowledge_anyway(app: Flask, _value: str) -> None:
    """Swallow what the database says and answer as if all were stored."""

    def fine(error: OperationalError) -> ResponseReturnValue:
        if request.path.endswith("/submit"):
            return Response(request.path.replace("/submit", "/result"), mimetype="text/plain")
        return Response(status=204) if request.path.endswith("/save") else errors.busy(error)

    app.register_error_handler(OperationalError, fine)


def wrong_by(file: str) -> Callable[[], float]:
    """Return a wall clock that is wrong by as many seconds as a file says."""
    return lambda: time.time() + float(Path(file).read_text())


def wall_directly(_app: Flask, file: str) -> None:
    """Decide by the wall clock, whatever it says."""
    read = wrong_by(file)
    clock.now = lambda: datetime.fromtimestamp(read(), UTC)
    jobs.clock_trouble = lambda: None


def sweeps(_app: Flask, seconds: str) -> None:
    """Sweep so often, and leave no grace after a deadline."""
    serve.SWEEP_EVERY_S = float(seconds)  # type: ignore[assignment]
    serve.DUTIES[:] = [(name, 0, duty) for name, _, duty in serve.DUTIES]
    window.GRACE_S = 0


CONDITIONS: dict[str, Callable[[Flask, str], None]] = {
    "pages": pages,
    "acknowledge-anyway": acknowledge_anyway,
    "wall-directly": wall_directly,
    "sweeps": sweeps,
}


def main() -> None:
    """Set the conditions, then serve."""
    settings = wsgi.settings()
    wanted = {name: value for name, _, value in (argument.partition("=") for argument in sys.argv[1:])}
    if "wall" in wanted:
        clock.RUNNING = clock.Clock(wrong_by(wanted.pop("wall")))
    application = wsgi.application(settings)
    with application.app_context():
        for name, value in wanted.items():
            CONDITIONS[name](application, value)
    serve.run(application, settings, serve.listen(settings.host, settings.port))


if __name__ == "__main__":
    main()
