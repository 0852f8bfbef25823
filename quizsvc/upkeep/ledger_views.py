"""The page of the audit log: who did what, the newest first, and the anchor to copy."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy import select

from quizsvc import audit
from quizsvc.audit import ACTION_NAMES
from quizsvc.core.access import Permission
from quizsvc.core.ledger import PRIVATE, Entry
from quizsvc.db import db
from quizsvc.staff.models import Staff
from quizsvc.staff.queries import folded
from quizsvc.upkeep.ledger import name_of
from quizsvc.web.guard import guarded, me

blueprint = Blueprint("ledger", __name__, url_prefix="/staff", template_folder="templates")

A_PAGE = 50
MOST_SHOWN = 240
LARGEST_SEQ = 2**31 - 1
ACTORS = {"命令行": "cli", "系统": "job", "访客": "visitor"}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as the page shows it."""

    seq: int
    at: datetime
    actor: str
    who: str
    action: str
    what: str
    on: str
    detail: str


@blueprint.get("/audit")
@guarded(Permission.KEEP_SERVICE)
def entries() -> str:
    """List the entries of an action or an actor, or all of them (5 statements at most)."""
    who, action = request.args.get("who", "").strip()[:80], request.args.get("action", "")
    who = who if who.isprintable() else ""
    before = _seq(request.args.get("before", ""))
    actor = _actor(who)
    known = action in ACTION_NAMES or not action
    found = audit.newest(limit=A_PAGE + 1, before=before, actor=actor, action=action) if known else []
    return render_template(
        "upkeep/audit.html",
        anchor=audit.anchor(),
        lines=_lines(found[:A_PAGE]),
        older=found[A_PAGE - 1].seq if len(found) > A_PAGE else None,
        before=before,
        who=who,
        action=action,
        actions=sorted(ACTION_NAMES.items(), key=lambda one: one[1]),
    )


def _lines(found: list[Entry]) -> list[Line]:
    people = _people({entry.actor for entry in found})
    return [
        Line(
            seq=entry.seq,
            at=entry.at,
            actor=entry.actor,
            who=people.get(entry.actor, entry.actor),
            action=entry.action,
            what=name_of(entry.action),
            on=entry.on,
            detail=_told(entry.detail),
        )
        for entry in found
    ]


def _told(detail: str) -> str:
    """Write a detail for a reader, cut where it gets long; personal values are not shown here."""
    try:
        values = dict(json.loads(detail))
        private = [f"{name}（另存）" for name in values.pop(PRIVATE, {})]
    except (ValueError, TypeError):  # only a row somebody has changed
        return detail[:MOST_SHOWN]
    plain = [
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
    ]
    text = "；".join(plain + private)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _people(actors: set[str]) -> dict[str, str]:
    """Name those who acted (1 statement)."""
    ids = {int(actor.removeprefix("staff:")) for actor in actors if actor.startswith("staff:")}
    rows: Any = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))
    named = {f"staff:{row.id}": "我" if row.id == me().staff_id else row.name for row in rows}
    return {**{slug: name for name, slug in ACTORS.items()}, **named}


def _actor(who: str) -> str:
    """Return whom somebody means: a login, 命令行, 系统, 访客, or an actor as the log writes it."""
    if not who or ":" in who:
        return who
    if who in ACTORS:
        return ACTORS[who]
    staff_id = db.session.execute(select(Staff.id).where(Staff.login == folded(who))).scalar_one_or_none()
    return f"staff:{staff_id}" if staff_id is not None else who


def _seq(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
    return number if 0 < number <= LARGEST_SEQ else None
