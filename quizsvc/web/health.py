"""Is the process alive, is the database of the right revision: /healthz and /readyz."""

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response
from sqlalchemy import Engine

from quizsvc.db import db
from quizsvc.settings import PROJECT
from quizsvc.web.guard import public

blueprint = Blueprint("health", __name__)


class WrongRevision(Exception):
    """The database is not at the revision of this program; the text says which command mends it."""


def require_current_revision(engine: Engine) -> None:
    """Refuse to run on a database of another revision."""
    head = ScriptDirectory(str(PROJECT / "migrations")).get_current_head()
    with engine.connect() as connection:
        at = MigrationContext.configure(connection).get_current_revision()
    if at != head:
        raise WrongRevision(
            f"数据库版本是 {at or '空'}，程序需要 {head}。请先备份，再运行：quizsvc db upgrade"
        )


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """Say whether the database is there and of the right revision."""
    try:
        require_current_revision(db.engine)
    except WrongRevision as wrong:
        return Response(f"{wrong}\n", status=503, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")


def init_app(app: Flask) -> None:
    """Serve the two pages."""
    app.register_blueprint(blueprint)
