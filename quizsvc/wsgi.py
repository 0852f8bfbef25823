"""The only reader of the environment: settings and application for any WSGI server (`quizsvc.wsgi:application()`)."""

import json
import os
from dataclasses import asdict, dataclass

from flask import Flask

from quizsvc import clock, jobs
from quizsvc.app import create_app
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.web.health import require_current_revision

_HANDOVER = "QUIZSVC_HANDOVER"  # from a server to the program that takes its place: not for people


@dataclass(frozen=True, slots=True)
class Handover:
    """What a server leaves to the program that takes its place: its socket, its processes, its clock."""

    socket: int
    processes: list[int]
    anchor: list[float]

    def environ(self) -> dict[str, str]:
        """Return the environment of the next program."""
        return {**os.environ, _HANDOVER: json.dumps(asdict(self))}


def settings(**overrides: str) -> Settings:
    """Return the settings of this environment; overrides are QUIZSVC_* variables by their short names."""
    given = {f"QUIZSVC_{name.upper()}": value for name, value in overrides.items()}
    return Settings.from_environ({**os.environ, **given})


def handover() -> Handover | None:
    """Return what the server before has left, once; its clock goes on here."""
    left = os.environ.pop(_HANDOVER, None)
    if left is None:
        return None
    taken = Handover(**json.loads(left))
    expected, since = taken.anchor
    clock.RUNNING.go_on((expected, since))
    return taken


def application(chosen: Settings | None = None) -> Flask:
    """Return the application, all of it read; refuse to start on a database of another revision."""
    app = create_app(chosen or settings())
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(
            name
        )  # kept: what runs is what was there at the start, also during an upgrade
    with app.app_context():
        require_current_revision(db.engine)
        marked = jobs.last_mark()
        if marked is not None:
            clock.RUNNING.start_at(marked)
        db.session.remove()
        db.engine.dispose()  # a process forked from here opens its own connections
    return app
