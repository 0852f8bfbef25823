"""Who sees which personal column on which page: a table that a page can only leave on purpose. T28.

Every text column that the register of personal data labels holds a value that stands nowhere else; every GET route is
asked as everybody; what comes back is held against the table below. A page that shows one column more, or to one role
more, fails here; so does a line of the table that is no longer true.
"""

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import String, update
from werkzeug.routing import Rule

from quizsvc.attempt import views as doorways
from quizsvc.core.access import TABLE, Permission, Role
from quizsvc.db import Base, db
from quizsvc.web.guard import PUBLIC
from tests.security.furnishing import furnish
from tests.world import (
    PEOPLE,
    PHONE,
    Place,
    World,
    access_of,
    address,
    nothing_is_kept,
    routes,
    signed_cookie,
    who_may,
)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LEFT = {
    "attempt_attempt.id", "audit_leaf.attempt_id", "attempt_late.attempt_id", "rights_request.attempt_id",
    "declaration_declaration.id", "declaration_item.declaration_id", "declaration_item.state", "declaration_item.proof",
}  # fmt: skip
"""The name of an attempt, or of what was declared, is its address: whoever reads the page has asked for it. States are
words of ours."""

ASKING = ("lin", "he", "bureau", "monitor", "auditor", "clerk", "witness", "root")


def labelled() -> Iterator[tuple[str, Any, Any]]:
    """Every text column that is about somebody: its name, its table, itself."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.info and isinstance(column.type, String) and f"{table.name}.{column.name}" not in LEFT:
                yield f"{table.name}.{column.name}", table, column


FIXED = {
    "attempt_attempt.device_hash", "attempt_attempt.receipt", "attempt_attempt.seed", "attempt_late.answers_hash",
    "staff_staff.password_hash", "staff_staff.totp_secret", "staff_invitation.token_hash", "throttle_bucket.key",
    "staff_ended_sign_in.key_hash", "rights_request.receipt_hash", "rights_request.reason", "audit_detail.salt",
    "staff_recovery_code.code_hash", "audit_leaf.answers_hash",
    "declaration_declaration.device_hash", "declaration_declaration.receipt", "declaration_declaration.name",
    "declaration_declaration.signature", "survey_turnout.head", "declaration_referral.code",
    "prize_claim.phone", "prize_claim.phone_hash", "prize_claim.name", "prize_claim.guardian", "prize_award.claim_code",
}  # fmt: skip
"""Columns whose own values are looked for: they must fit other rows, and are like no other text anyway."""


def mark(world: World) -> dict[str, set[str]]:
    """Put a value of its own into every labelled column of the own county; return column -> values to look for."""
    looked_for: dict[str, set[str]] = defaultdict(set)
    for number, (name, table, column) in enumerate(labelled()):
        for row in db.session.execute(table.select()).mappings().all():
            if row[column.name] is None:
                continue
            value = str(row[column.name])
            if name not in FIXED and table.name != "audit_entry":
                value = f"kanari{number:02}z{len(looked_for[name]):02}"
                same = [one == row[one.name] for one in table.primary_key.columns]
                db.session.execute(update(table).where(*same).values({column.name: value}))
            if len(value) >= 7:
                looked_for[name].add(value.replace("-", ""))
    db.session.commit()
    db.session.expire_all()
    doorways.forget()
    return looked_for


def texts(answer: Any) -> str:
    """What a person gets to read, tables of a workbook included."""
    if answer.data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
            return "".join(parts.read(name).decode(errors="replace") for name in parts.namelist())
    return answer.data.decode(errors="replace") + str(answer.headers)


def asking(app: Flask, world: World, only: str) -> Iterator[tuple[Rule, Place, str]]:
    """Every GET route at the own class, at its school where it is about units, and everybody who may; "" is a pupil."""
    for rule, method in routes(app):
        drawn = rule.rule.endswith((".pdf", ".png", ".svg")) or rule.endpoint == "assets.file"
        if method != "GET" or drawn or not rule.endpoint.startswith(only):
            continue
        for where in ("own", "school") if "unit_id" in rule.arguments else ("own",):
            place = world.places[where]
            people = [name for name in ASKING if name in who_may(app, world, rule, place)]
            for person in [""] if access_of(app, rule) == PUBLIC else people:
                yield rule, place, person


def seen(app: Flask, world: World, looked_for: dict[str, set[str]], only: str = "") -> dict[str, set[str]]:
    """Ask and read; column -> "page: role" wherever a value of it stood."""
    found: dict[str, set[str]] = defaultdict(set)
    own = {name: (one.login, one.name) for name, one in world.people.items()}
    for rule, place, person in asking(app, world, only):
        cookie = signed_cookie(app, world.people[person]) if person else f"phone={PHONE}"
        client = app.test_client(use_cookies=False)
        told = texts(client.get(address(rule, place), headers={"Cookie": cookie})).replace("-", "")
        for mine in own.get(person, ()):
            told = told.replace(mine, "")
        for column, values in looked_for.items():
            if any(value in told for value in values):
                found[column].add(f"{rule.endpoint}: {PEOPLE[person][0] if person else 'pupil'}")
    return found


MANAGING = {"organizer", "school_admin", "sysadmin"}
CONTESTS = {"organizer", "auditor", "witness", "clerk"}

SHOWN: dict[str, dict[str, set[str]]] = {
    "roster_person.name": {
        "report.board": {"class_teacher"}, "report.scores": {"class_teacher"}, "dossier.class_file": {"class_teacher"},
    },
    "declaration_declaration.receipt": {
        **{f"declaration.{page}": {"pupil"} for page in ("copy", "data", "page", "printed")},
        "declarations.copies": {"class_teacher", "school_admin"},
    },
    **{
        column: {"declarations.adoption": {"class_teacher", "organizer", "school_admin"}}
        for column in ("declaration_population.set_by", "declaration_total.set_by")
    },
    "roster_exemption.reason": {"roster.unit": {"school_admin"}},
    "roster_exemption.approved_by": {"roster.unit": {"school_admin"}},
    "roster_headcount.set_by": {"roster.unit": {"school_admin"}},
    "attempt_attempt.receipt": {
        page: {"pupil"} for page in ("attempt.proof", "attempt.receipt", "attempt.result", "rights.data")
    },
    "attempt_attempt.resume": {"attempt.questions": {"pupil"}},
    "rights_request.answer": {"requests.listed": {"class_teacher"}},
    "staff_staff.login": {
        "staff.accept": {"pupil"}, "staff.people": MANAGING, "staff.people_person": MANAGING,
    },
    "staff_staff.name": {
        "staff.accept": {"pupil"}, "staff.people": MANAGING, "staff.people_person": MANAGING,
    },
    "bank_item_version.author": {"bank.history": {"organizer"}, "bank.item": {"organizer"}},
    "bank_item_version.reviewed_by": {"bank.history": {"organizer"}, "bank.item": {"organizer"}},
    "attempt_player.nickname": {"review.case": {"organizer"}},
    **{
        column: {
            "draw_desk.desk": {"organizer", "witness"}, "draw_desk.protocol": CONTESTS, "prizes.console": CONTESTS,
        }
        for column in ("draw_draw.frozen_by", "draw_result.drawn_by")
    },
    "draw_winner.entry_id": {"draw.proof": {"pupil"}, "draw_desk.protocol": CONTESTS},
    "prize_claim.shown": {
        "prizes.award": {"organizer"}, "prizes.awards": {"organizer"},
        "prizes.winners_file": {"organizer", "auditor", "witness"},
    },
    "prize_handover.by": {"prizes.awards": {"organizer"}},
    "prize_move.by": {"prizes.console": CONTESTS},
    "rulebook_version.published_by": {"prizes.console": CONTESTS},
    "contest_ruling.reason": {"review.case": {"organizer", "auditor"}},
    "contest_ruling.by": {"review.case": {"organizer", "auditor"}},
    "contest_appeal.words": {"review.case": {"organizer", "auditor"}},
    "contest_appeal.answer": {"review.case": {"organizer", "auditor"}},
    "contest_appeal.answered_by": {"review.case": {"organizer", "auditor"}},
    "audit_entry.actor": {"ledger.entries": {"sysadmin"}},
    "audit_entry.object": {"ledger.entries": {"sysadmin"}},
}  # fmt: skip
"""Column -> page -> who sees it there; what is not here stands on no page. "pupil" has no sign-in (staff.accept: who
was sent the link). One's own name and login are in the head of every page and left out."""


def as_table(found: dict[str, set[str]]) -> dict[str, dict[str, set[str]]]:
    table: dict[str, dict[str, set[str]]] = {}
    for column, places in found.items():
        for place in places:
            page, _, role = place.partition(": ")
            table.setdefault(column, {}).setdefault(page, set()).add(role)
    return table


@ON_SQLITE
def test_pages_show_what_the_table_says(app: Flask, world: World) -> None:
    furnish(world)
    looked_for = mark(world)

    with nothing_is_kept(app):
        found = seen(app, world, looked_for)

    assert as_table(found) == SHOWN
    assert len(looked_for) > 20


@ON_SQLITE
def test_one_right_too_many_is_seen(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the table: monitors who may see names are found on the page of the class."""
    furnish(world)
    looked_for = mark(world)
    for permission in (Permission.SEE_NAMES, Permission.SEE_SEATS):
        monkeypatch.setitem(TABLE, permission, TABLE[permission] | {Role.MONITOR})

    with nothing_is_kept(app):
        found = seen(app, world, looked_for, only="report.")

    assert as_table(found)["roster_person.name"] == {
        "report.board": {"class_teacher", "monitor"}, "report.scores": {"class_teacher", "monitor"},
    }  # fmt: skip
