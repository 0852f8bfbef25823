"""Every route x every person x own, neighbour's, foreign and upper unit, expected from the table in core.access.

T12 of the threat model: nobody reaches another class by changing a number in an address. The routes come from the
URL map, so a new route is tested from its first day; an argument the registry does not know fails with its name.

`make drill-full` tries everybody everywhere. `make test` tries each person on each route at one place, where the table
lets them in or where it does not, in turn from route to route and from person to person; a teacher, a school and a
county are tried at both.
"""

import os
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from quizsvc.core.access import Identity
from quizsvc.db import db
from quizsvc.web.guard import PUBLIC
from tests.support import sqlite_only
from tests.world import (
    PEOPLE,
    WHERE,
    Ledger,
    Place,
    World,
    access_of,
    address,
    permitted,
    routes,
    signed_cookie,
    with_ids,
)

REFUSED = {401, 403, 404}
WHOLE = "WHOLE" in os.environ
TWICE = ("lin", "he", "bureau")
"""Who has a place of their own and a neighbour's, at each level."""


@pytest.fixture(autouse=True)
def without_token(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)  # tests/rules holds the token


def asked(app: Flask, world: World, name: str, method: str, whole: str) -> Any:
    cookie = signed_cookie(app, world.people[name]) if name in world.people else ""
    return app.test_client(use_cookies=False).open(whole, method=method, headers={"Cookie": cookie})


def fault(rule: Rule, where: str, known: bool, answer: Any, nobody: bool) -> str | None:
    """Say what is wrong with an answer, if anything."""
    method, status = answer.request.method, answer.status_code
    if status >= 500:
        return f"broke with {status}"
    if nobody:
        sent = status == 303 and answer.location.startswith("/staff/sign-in?next=/staff/")
        return None if (sent if method == "GET" else status == 401) else f"let nobody in with {status}"
    if not known:
        return None if status == 404 else f"answered {status}, not 404"
    if where == "school" and status == 404:
        return None  # a school has no link, no seat, no attempt of its own
    return f"kept out with {status}" if status in REFUSED else None


def tried(
    rule: Rule, access: Any, identity: Identity | None, places: list[Place], turn: int, *, both_sides: bool
) -> list[Place]:
    """Choose where somebody tries a route: a place of each answer or of one, the turn decides which."""
    if WHOLE:
        return places
    inside = [place for place in places if permitted(rule, access, identity, place)]
    outside = [place for place in places if place not in inside]
    both = [some[turn // 2 % len(some)] for some in (inside, outside) if some]
    return both if both_sides else [both[turn % len(both)]]


# The table does not depend on the database: everybody on SQLite; on PostgreSQL whoever sees most, at home.
EVERYBODY = [
    *(("sqlite", name) for name in PEOPLE),
    pytest.param("postgres", "bureau", marks=pytest.mark.postgres),
]


@pytest.mark.parametrize(("database_url", "name"), EVERYBODY, indirect=["database_url"], scope="session")
def test_guarded_routes_follow_the_table(app: Flask, world: World, ledger: Ledger, name: str) -> None:
    identity, person = world.identities[name], list(PEOPLE).index(name)
    everywhere = [world.places[where] for where in WHERE]
    if db.engine.dialect.name != "sqlite":
        everywhere = everywhere[:1]

    faults, count = [], 0
    for number, (rule, method) in enumerate(routes(app)):
        access = access_of(app, rule)
        if access == PUBLIC:
            continue
        places = everywhere if rule.arguments else everywhere[:1]
        for place in tried(rule, access, identity, places, number + person, both_sides=name in TWICE):
            answer = asked(app, world, name, method, address(rule, place))
            known = permitted(rule, access, identity, place)
            wrong = fault(rule, place.name, known, answer, nobody=identity is None)
            count += 1
            if wrong:
                faults.append(f"{method} {rule.rule} of {place.name}: {wrong}")

    assert faults == []
    assert count > 100


@pytest.mark.parametrize(
    ("database_url", "name"),
    [("sqlite", "lin"), ("sqlite", "root")],
    indirect=["database_url"],
    scope="session",
)
def test_public_routes_know_nobody(app: Flask, world: World, ledger: Ledger, name: str) -> None:
    place = world.places["own"]

    faults, count = [], 0
    for rule, method in routes(app):
        if access_of(app, rule) != PUBLIC or rule.endpoint.startswith("staff."):
            continue
        whole = address(rule, place)
        answers = [asked(app, world, who, method, whole).status_code for who in ("nobody", name)]
        count += 1
        if answers[0] != answers[1] or answers[0] in (401, 500):
            faults.append(f"{method} {whole}: {answers}")

    assert faults == []
    assert count > 10


@sqlite_only
def test_round_that_is_not_open_to_the_unit_is_not_there(app: Flask, world: World, ledger: Ledger) -> None:
    """Each number alone is the outsider's to use, or nobody's secret; together they are no page."""
    mixed = with_ids(world.places["foreign"], round_id=world.places["own"].ids["round_id"])
    both = [(rule, method) for rule, method in routes(app) if {"round_id", "unit_id"} <= rule.arguments]

    answers = {
        f"{method} {rule.rule} {name}": asked(app, world, name, method, address(rule, mixed)).status_code
        for rule, method in both
        for name in ("outsider", "stranger")
    }

    assert {what: status for what, status in answers.items() if status != 404} == {}
    assert len(answers) > 20


@sqlite_only
def test_every_person_may_do_something_and_not_everything(app: Flask, world: World) -> None:
    """Guards the matrix against a table that allows or refuses all."""
    for name in world.people:
        identity = world.identities[name]
        answers = {
            permitted(rule, access_of(app, rule), identity, world.places[where])
            for rule, _ in routes(app)
            if access_of(app, rule) != PUBLIC
            for where in WHERE
        }
        assert answers == {True, False}, name
