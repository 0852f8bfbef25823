"""Every route x every person x own, neighbour's, foreign and upper unit, expected from the table in core.access.

T12 of the threat model: nobody reaches another class by changing a number in an address. The routes come from the
URL map, so a new route is tested from its first day; an argument the registry does not know fails with its name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from quizsvc.campaign.models import OfficialAccount
from quizsvc.core import linkcode
from quizsvc.core.access import Identity, permits, scopes
from quizsvc.db import db
from quizsvc.paper.models import Draft, Paper
from quizsvc.roster.models import Enrolment, Unit
from quizsvc.staff import queries as staff
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from quizsvc.web import qr
from quizsvc.web.guard import PUBLIC
from tests import make
from tests.conftest import NOON
from tests.signing import signed_in

PEOPLE = {
    "lin": ("class_teacher", "own"),
    "wang": ("class_teacher", "neighbour"),
    "tutor": ("counselor", "school"),
    "he": ("school_admin", "school"),
    "bureau": ("organizer", "county"),
    "outsider": ("organizer", "other county"),
    "stranger": ("class_teacher", "foreign"),
    "monitor": ("monitor", "own"),
    "auditor": ("auditor", "county"),
    "root": ("sysadmin", None),
    "nobody": None,
}
WHERE = ("own", "neighbour", "foreign", "school")
REFUSED = {401, 403, 404}
CODES = [linkcode.compose(f"7K3M9{number}") for number in range(4)]


@dataclass(frozen=True, slots=True)
class Place:
    """A unit with everything that hangs on it, by the name of the route's argument."""

    path: str
    campaign_path: str
    ids: dict[str, Any]


def an_account_of(unit: Unit) -> tuple[Staff, int]:
    person = make.a_staff(f"of-{unit.id}", "某老师", ("class_teacher", unit))
    return person, db.session.scalars(select(RoleGrant.id).where(RoleGrant.staff_id == person.id)).one()


def a_draft_of(paper: Paper) -> Draft:
    """A draft that a form of the paper's items can be shown of."""
    names = [f"{one['bank']}/{one['item']['code']}" for one in paper.content["items"]]
    return make.saved(
        Draft(code="draft", kind="quiz", title="草稿", audience=None, banks=["test"], rules=[],
              fixed=[{"item": name, "points": 10} for name in names], revision=1, author="cli", updated_at=NOON,
              paper_id=None)
    )  # fmt: skip


def a_place(unit: Unit, county: Unit, round_: Any, draft_id: int, number: int) -> Place:
    is_class = unit.kind == "class"
    person, grant_id = an_account_of(unit)
    link = make.a_link(round_, unit, code=CODES[number]) if is_class else None
    attempt = make.an_attempt(round_, unit, 1) if is_class else None
    token = f"token-{number}"
    make.saved(
        Invitation(staff_id=person.id, token_hash=staff.token_hash(token), created_at=NOON,
                   expires_at=NOON + timedelta(days=1))
    )  # fmt: skip
    enrolments = db.session.scalars(select(Enrolment.id).where(Enrolment.unit_id == unit.id)).all()
    return Place(
        unit.path,
        county.path,
        {
            "unit_id": unit.id,
            "round_id": round_.id,
            "campaign_id": round_.campaign_id,
            "paper_id": round_.paper_id,
            "draft_id": draft_id,
            "paper.part": "key",
            "position": 1,
            "seat": 1,
            "enrolment_id": enrolments[0] if enrolments else 0,
            "staff_id": person.id,
            "grant_id": grant_id,
            "token": token,
            "attempt_id": attempt.id if attempt else "none",
            "receipt": attempt.receipt if attempt else "none",
            "poster_number": link.poster_number if link else "2026-0001",
            "form": "xlsx",
            "name": "desk.css",
            "report.code": "test",
            "bank.code": "test",
            "bank.item_code": "brushing-01",
            "attempt.code": CODES[number],
            "roster.form": "seats",
        },
    )


@pytest.fixture
def world(app: Flask, at: Any) -> dict[str, Any]:
    """Two counties, two schools, three classes, one round in each county, and all the people."""
    county, other_county = make.a_county(), make.a_unit("xh", "新河县", "county")
    school, other_school = make.a_school(county), make.a_school(other_county, "xs", "新河中学")
    own, neighbour = make.a_class(school, code="703"), make.a_class(school, code="704")
    foreign = make.a_class(other_school, code="901")
    paper = make.a_paper()
    draft = a_draft_of(paper)
    here, there = make.a_round(county, paper=paper), make.a_round(other_county, paper=paper)
    for round_ in (here, there):
        make.saved(
            OfficialAccount(
                campaign_id=round_.campaign_id, position=1, name="阳光反诈", image=qr.png("http://fz.test/")
            )
        )
    units = {"own": own, "neighbour": neighbour, "school": school, "county": county, "foreign": foreign,
             "other county": other_county, None: None}  # fmt: skip
    people = {
        name: make.a_staff(name, name, (held[0], units[held[1]])) for name, held in PEOPLE.items() if held
    }
    places = {
        "own": a_place(own, county, here, draft.id, 0),
        "neighbour": a_place(neighbour, county, here, draft.id, 1),
        "foreign": a_place(foreign, other_county, there, draft.id, 2),
        "school": a_place(school, county, here, draft.id, 3),
    }
    return {"people": people, "places": places}


@pytest.fixture
def nothing_is_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let every commit roll back, so that one request of the matrix does not change the next one's world."""

    def start() -> None:
        monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)  # tests/rules holds the token
        monkeypatch.setattr(Session, "commit", Session.rollback)

    return start


def address(app: Flask, rule: Rule, place: Place) -> str:
    blueprint = rule.endpoint.partition(".")[0]
    values = {}
    for name in rule.arguments:
        known = [key for key in (f"{blueprint}.{name}", name) if key in place.ids]
        assert known, f"{rule.endpoint} has an argument the matrix does not know: {name}; add it to a_place()"
        values[name] = place.ids[known[0]]
    return app.url_map.bind("fz.test").build(
        rule.endpoint, values, method=min(rule.methods - {"HEAD", "OPTIONS"})
    )


def governing_path(rule: Rule, place: Place) -> str | None:
    """The unit whose permission decides; None when the permission anywhere is enough."""
    if rule.arguments & {"unit_id", "staff_id", "grant_id", "enrolment_id"}:
        return place.path
    if rule.arguments & {"campaign_id", "round_id"}:
        return place.campaign_path
    return None


def permitted(rule: Rule, access: Any, person: Identity | None, place: Place) -> bool:
    path = governing_path(rule, place)
    mine = scopes(person, access)
    if rule.endpoint == "campaign.account_image":  # printed on posters of every class of the campaign
        return any(one.startswith(path) or path.startswith(one) for one in mine)
    return bool(mine) if path is None else permits(person, access, path)


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule, method


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


@pytest.mark.parametrize("name", PEOPLE)
def test_guarded_routes_follow_the_table(
    app: Flask, world: dict[str, Any], nothing_is_kept: Callable[[], None], name: str
) -> None:
    person = world["people"].get(name)
    identity = staff.identity_of(person.id, 1) if person else None
    nothing_is_kept()

    faults, asked = [], 0
    for rule, method in routes(app):
        access = app.view_functions[rule.endpoint].access
        if access == PUBLIC:
            continue
        for where in WHERE if rule.arguments else WHERE[:1]:
            place = world["places"][where]
            browser = signed_in(app, person) if person else app.test_client()
            answer = browser.open(address(app, rule, place), method=method)
            known = permitted(rule, access, identity, place)
            wrong = fault(rule, where, known, answer, nobody=person is None)
            asked += 1
            if wrong:
                faults.append(f"{method} {rule.rule} of {where}: {wrong}")

    assert faults == []
    assert asked > 100


@pytest.mark.parametrize("name", ["lin", "root"])
def test_public_routes_know_nobody(
    app: Flask, world: dict[str, Any], nothing_is_kept: Callable[[], None], name: str
) -> None:
    nothing_is_kept()
    place = world["places"]["own"]

    faults, asked = [], 0
    for rule, method in routes(app):
        if app.view_functions[rule.endpoint].access != PUBLIC or rule.endpoint.startswith("staff."):
            continue
        whole = address(app, rule, place)
        answers = [
            browser.open(whole, method=method)
            for browser in (app.test_client(), signed_in(app, world["people"][name]))
        ]
        asked += 1
        if answers[0].status_code != answers[1].status_code or answers[0].status_code in (401, 500):
            faults.append(f"{method} {whole}: {[answer.status_code for answer in answers]}")

    assert faults == []
    assert asked > 10


def test_round_that_is_not_open_to_the_unit_is_not_there(
    app: Flask, world: dict[str, Any], nothing_is_kept: Callable[[], None]
) -> None:
    """Each number alone is the outsider's to use, or nobody's secret; together they are no page."""
    nothing_is_kept()
    foreign, own = world["places"]["foreign"], world["places"]["own"]
    mixed = Place(foreign.path, own.campaign_path, {**foreign.ids, "round_id": own.ids["round_id"]})
    both = [(rule, method) for rule, method in routes(app) if {"round_id", "unit_id"} <= rule.arguments]

    answers = {
        f"{method} {rule.rule} {name}": signed_in(app, world["people"][name])
        .open(address(app, rule, mixed), method=method)
        .status_code
        for rule, method in both
        for name in ("outsider", "stranger")
    }

    assert {what: status for what, status in answers.items() if status != 404} == {}
    assert len(answers) > 20


def test_every_person_may_do_something_and_not_everything(app: Flask, world: dict[str, Any]) -> None:
    """Guards the matrix against a table that allows or refuses all."""
    for name, person in world["people"].items():
        identity = staff.identity_of(person.id, 1)
        answers = {
            permitted(rule, app.view_functions[rule.endpoint].access, identity, world["places"][where])
            for rule, _ in routes(app)
            if app.view_functions[rule.endpoint].access != PUBLIC
            for where in WHERE
        }
        assert answers == {True, False}, name
