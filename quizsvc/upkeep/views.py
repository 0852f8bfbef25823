"""The operators' page: how the service is, in plain words, and what to do about what is red."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, text

from quizsvc import audit, clock
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt
from quizsvc.audit import AuditLeaf
from quizsvc.core.access import Permission
from quizsvc.core.ledger import Anchor
from quizsvc.db import db
from quizsvc.upkeep import backup, copies, doctor
from quizsvc.web.guard import guarded

blueprint = Blueprint("upkeep", __name__, url_prefix="/staff", template_folder="templates")

MOST_COUNTED = 10_000
WORST_FIRST = ("fault", "notice", "ok")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database holds at a moment."""

    kind: str
    size: str
    head: Anchor
    sealed: int
    unsealed: int
    running: int
    ran_out: int


@blueprint.get("/upkeep")
@guarded(Permission.KEEP_SERVICE)
def state() -> ResponseReturnValue:
    """Show how the service is."""
    at = clock.now()
    conditions = list(doctor.surroundings(current_app.config["SETTINGS"], at))
    faults = [one.name for one in conditions if one.state == "fault"]
    conditions.sort(key=lambda one: WORST_FIRST.index(one.state))
    return render_template(
        "upkeep/state.html", at=at, conditions=conditions, faults=faults, figures=_figures(at)
    )


def _figures(at: datetime) -> Figures:
    unsealed, _oldest = audit.waiting()
    leaves = db.session.execute(select(func.count()).select_from(AuditLeaf)).scalar_one()
    open_ = select(func.count()).where(Attempt.submitted_at.is_(None), Attempt.voided_at.is_(None))
    return Figures(
        kind=copies.KIND_NAMES[db.engine.dialect.name],
        size=backup.size_text(_database_bytes()),
        head=audit.anchor(),
        sealed=leaves - unsealed,
        unsealed=unsealed,
        running=db.session.execute(open_).scalar_one(),
        ran_out=len(attempt.ran_out(at, MOST_COUNTED)),
    )


def _database_bytes() -> int:
    if db.engine.dialect.name == "sqlite":
        file = Path(str(db.engine.url.database))
        parts = (file, file.with_name(f"{file.name}-wal"))
        return sum(part.stat().st_size for part in parts if part.exists())
    size: int = db.session.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    return size
