"""R12: whatever a client sends, every route answers soon, never with an error of ours, and keeps nothing it refused.

T08, T18, T26, T27 of the threat model. Here every class meets every forty-eighth route, other ones for each class;
`make drill ARGS="R12"` sends everything, to both databases and to a real server.
"""

from typing import Any

import pytest
from flask import Flask, abort, request
from markupsafe import Markup

from quizsvc.attempt import forms
from quizsvc.db import db, operation
from quizsvc.roster.models import Unit
from tests import make
from tests.security.hostile import CORPUS, FOR_POSTGRES
from tests.security.sweep import Target, swept, targets, thinned, trials
from tests.support import sqlite_only
from tests.world import Ledger, World, fingerprint

EVERY_ROUTE = 48
OF_THESE = 64


@pytest.fixture
def found(app: Flask, world: World, ledger: Ledger) -> list[Target]:
    return targets(app, world, world.places["own"])


def test_classes_are_many_and_have_names_of_their_own() -> None:
    assert len({hostile.name for hostile in CORPUS}) == len(CORPUS) > 200


@sqlite_only
def test_most_plain_forms_are_granted(found: list[Target]) -> None:
    """Guards the sweep against forms that are refused before anything of them is read.

    A contest stands at one stage only, so what belongs to the other stages is refused.
    """
    posts = [target for target in found if target.label.startswith("POST")]

    assert sum(target.usual < 400 for target in posts) > 0.6 * len(posts)
    assert sum(bool(target.any_plain.fields) for target in posts) > 0.6 * len(posts)


def test_nothing_hostile_breaks_a_route(app: Flask, found: list[Target], ledger: Ledger) -> None:
    on_sqlite = (
        db.engine.dialect.name == "sqlite"
    )  # PostgreSQL has its own opinion of values, of nothing else
    chosen = thinned(found, EVERY_ROUTE) if on_sqlite else thinned(found, OF_THESE, FOR_POSTGRES)
    before = fingerprint()

    count, wrong = swept(app, chosen, ledger)

    assert wrong == []
    assert count > (600 if on_sqlite else 20)
    assert fingerprint() == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_careless_reader_would_be_noticed(
    app: Flask, world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = targets(app, world, world.places["own"], "POST /c/<code>/start")
    monkeypatch.setattr(forms, "seat_from", lambda fields: int(fields.get("seat", "")))

    _, wrong = swept(app, trials(start), ledger)

    assert {one.rpartition(": ")[2] for one in wrong} == {"answered 500"}
    assert any(one.startswith("field: fraction on POST /c/<code>/start as the phone") for one in wrong)


def a_refusal_that_is_kept() -> Any:
    operation(lambda: db.session.add(make_unit()))()
    abort(400)


def make_unit() -> Unit:
    return Unit(
        parent_id=None, path="zz/", code="zz", name="z", kind="county", position=0, created_at=make.LONG_AGO
    )


def work_in_pieces() -> str:
    for _ in range(2):
        operation(lambda: db.session.execute(db.update(Unit).values(position=1)))()
    return "done"


PLANTED = {
    "kept": a_refusal_that_is_kept,
    "committed in pieces": work_in_pieces,
    "sent markup back": lambda: str(Markup(request.query_string.decode())) + request.args.get("page", ""),
    "showed its inside": lambda: "Traceback (most recent call last)",
    "led to": lambda: ("", 303, {"Location": request.args.get("page", "/")}),
    "answered 500": lambda: 1 // 0,
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_would_be_noticed(
    app: Flask, world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sign_out = targets(app, world, world.places["own"], "POST /staff/sign-out")
    monkeypatch.setitem(app.view_functions, "staff.sign_out", PLANTED[name])

    corpus = [hostile for hostile in CORPUS if hostile.name in ("query: markup", "query: other site")]

    _, wrong = swept(app, trials(sign_out, corpus), ledger)

    assert any(name in one for one in wrong)
