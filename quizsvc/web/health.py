"""/healthz: the process answers. /readyz: the revision and the clock are right, and how full the disk is."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app
from sqlalchemy import Engine

from quizsvc import jobs
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


@dataclass(frozen=True, slots=True)
class Disk:
    """How much room the database file has left, and how much it should have, in MB."""

    free_mb: int
    low_mb: int

    @property
    def low(self) -> bool:
        """Say whether nothing new should begin."""
        return self.free_mb < self.low_mb

    @property
    def sentence(self) -> str:
        """Say it to the operator."""
        return (
            f"磁盘只剩 {self.free_mb} MB（少于 {self.low_mb} MB），请尽快清理。"
            "新的作答已暂停，已经开始的照常保存和交卷。"
        )


def disk() -> Disk | None:
    """Return the room for the SQLite file; None on PostgreSQL, whose disk is somewhere else."""
    if db.engine.dialect.name != "sqlite":
        return None
    file = Path(str(db.engine.url.database))
    free = shutil.disk_usage(file.parent).free
    return Disk(free // 2**20, current_app.config["SETTINGS"].low_disk_mb)


def room_to_begin() -> bool:
    """Say whether somebody new may begin: those who have begun must find room to finish."""
    seen = disk()
    return seen is None or not seen.low


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """Say whether the database is there and of the right revision and the clock right; warn of a full disk."""
    try:
        require_current_revision(db.engine)
    except WrongRevision as wrong:
        return Response(f"{wrong}\n", status=503, mimetype="text/plain")
    trouble = jobs.clock_trouble()
    if trouble is not None:
        return Response(f"{trouble}\n", status=503, mimetype="text/plain")
    seen = disk()
    warning = f"{seen.sentence}\n" if seen is not None and seen.low else ""
    return Response(f"ready\n{warning}", mimetype="text/plain")


def init_app(app: Flask) -> None:
    """Serve the two pages."""
    app.register_blueprint(blueprint)
