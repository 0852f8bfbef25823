"""The only reader of the environment: settings and application for any WSGI server (`quizsvc.wsgi:application()`)."""

import os

from flask import Flask

from quizsvc.app import create_app
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.web.health import require_current_revision


def settings(**overrides: str) -> Settings:
    """Return the settings of this environment; overrides are QUIZSVC_* variables by their short names."""
    given = {f"QUIZSVC_{name.upper()}": value for name, value in overrides.items()}
    return Settings.from_environ({**os.environ, **given})


def application(chosen: Settings | None = None) -> Flask:
    """Return the application; refuse to start on a database of another revision."""
    app = create_app(chosen or settings())
    with app.app_context():
        require_current_revision(db.engine)
        db.engine.dispose()  # a process forked from here opens its own connections
    return app
