"""R14: every id of an address or a form, replaced by that of a sibling or of another county, opens nothing.

T12, T19 of the threat model. The answer is the one for a number that no row has, byte for byte, so that not even
existence shows; nothing of the other place is in it, and nothing is kept.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, product
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from quizsvc.core.access import permits
from quizsvc.web import guard
from quizsvc.web.guard import PUBLIC
from tests.security.hostile import Asked, urlencoded
from tests.security.sweep import seals, send, targets
from tests.world import (
    FAR,
    PHONE,
    Ledger,
    Place,
    World,
    access_of,
    address,
    known,
    plain_fields,
    routes,
    signed_cookie,
    signed_token,
    who_may,
    with_ids,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OTHERS = ("neighbour", "foreign")
NOBODYS = 999_999_999
IDS = ("unit", "unit_id", "unit_ids", "round_id", "campaign_id", "staff_id", "enrolment_id", "seal")
"""What a field or a name of a query is called that says which row is meant."""

PUPILS = ("李安航", "李宁航", "李远航", "李*航")
SECRETS = {
    "neighbour": ("七年级（4）班", *PUPILS),
    "foreign": ("新河", *PUPILS, *(str(FAR + number) for number in range(4))),
}
"""What pages of a place show: its units, its campaign, its accounts, its pupils; numbers of its rows."""

_TOKEN = re.compile(rb'name="csrf_token"[^>]*>')


@dataclass(frozen=True, slots=True)
class Swap:
    """One id of another place in a request that would be granted, and the same with an id of nothing."""

    label: str
    asked: Asked
    nobodys: Asked | None
    secrets: tuple[str, ...]


def beyond(rule: Rule, access: Any, world: World, name: str, argument: str, other: Place) -> bool:
    """Say whether what an argument names there is out of somebody's reach."""
    path = other.campaign_path if argument in ("campaign_id", "round_id") else other.path
    return not permits(world.identities[name], access, path)


def in_addresses(app: Flask, world: World) -> Iterator[Swap]:
    """Every argument that differs between the places, one at a time, as somebody who may enter the own one alone."""
    own, turn = world.places["own"], count()
    for rule, method in routes(app):
        access = access_of(app, rule)
        if access == PUBLIC:
            continue
        for argument, where in product(sorted(rule.arguments), OTHERS):
            other = world.places[where]
            if other.ids.get(argument) == own.ids.get(argument):
                continue
            theirs = known(other.ids, rule.endpoint, argument)
            people = [
                name
                for name in who_may(app, world, rule, own)
                if beyond(rule, access, world, name, argument, other)
            ]
            if theirs is None or not people:
                continue
            name = people[next(turn) % len(people)]
            headers = {
                "HTTP_COOKIE": signed_cookie(app, world.people[name]),
                "HTTP_X_CSRFTOKEN": signed_token(app),
            }
            asked, nobodys = (
                Asked(method, address(rule, with_ids(own, **{argument: value})).encode(), headers=headers)
                for value in (theirs, NOBODYS)
            )
            yield Swap(
                f"{method} {rule.rule} {argument} of {where} as {name}", asked, nobodys, SECRETS[where]
            )


def in_fields(app: Flask, world: World) -> Iterator[Swap]:
    """Every field and every name of a query that says which row is meant, to one of another county."""
    school = world.places["school"]
    ids = world.places["foreign"].ids
    theirs = {"unit": ids["unit_id"], "unit_ids": ids["unit_id"], **ids}
    sealed = seals(app, world, school, plain_fields(school, school))
    for target in targets(app, world, world.places["own"]):
        name = next(iter(target.plains))  # somebody of the own county
        plain = target.plains[name]
        for field in plain.names:
            if field in IDS:
                asked = [plain.query(urlencoded([(field, value)])) for value in (theirs[field], NOBODYS)]
                yield Swap(f"{target.label} ?{field} as {name}", *asked, SECRETS["foreign"])
        for field, _ in plain.fields:
            if field in IDS:
                values = (sealed["roster.seal"], "") if field == "seal" else (theirs[field], NOBODYS)
                asked = [
                    plain.form([(one, value if one == field else old) for one, old in plain.fields])
                    for value in values
                ]
                yield Swap(f"{target.label} {field}= as {name}", *asked, SECRETS["foreign"])


def of_the_phone(app: Flask, world: World) -> Iterator[Swap]:
    """Attempts of other phones. Who knows the secret address of one reads which class and seat it is, no more."""
    for rule, method in routes(app):
        if "attempt_id" not in rule.arguments or access_of(app, rule) != PUBLIC:
            continue
        for where in OTHERS:
            theirs = world.places[where].ids["attempt_id"]
            ids = dict.fromkeys(("attempt_id", f"{rule.endpoint}.attempt_id"), theirs)
            whole = address(rule, with_ids(world.places["own"], **ids))
            asked = Asked(method, whole.encode(), headers={"HTTP_COOKIE": f"phone={PHONE}"})
            yield Swap(f"{method} {rule.rule} of {where}", asked, None, PUPILS)


def faults(app: Flask, ledger: Ledger, swap: Swap) -> list[str]:
    """Say what is wrong with the answers to a swap."""
    ledger.clear()
    answer = send(app, swap.asked)
    text = answer.data.decode("utf-8", "replace")
    wrong = [f"shows {secret}" for secret in swap.secrets if secret in text]
    if ledger.commits:
        wrong.append(f"kept {ledger.commits}")
    if not 400 <= answer.status_code < 500:
        wrong.append(f"answered {answer.status_code} {answer.headers.get('Location')}")
    if swap.nobodys is not None:
        other = send(app, swap.nobodys)
        if (answer.status_code, _TOKEN.sub(b"", answer.data)) != (
            other.status_code,
            _TOKEN.sub(b"", other.data),
        ):
            wrong.append(f"tells it from nothing: {answer.status_code}, {other.status_code}")
    return [f"{swap.label}: {one}" for one in wrong]


def test_no_id_of_another_place_opens_anything(app: Flask, world: World, ledger: Ledger) -> None:
    swaps = [*in_addresses(app, world), *in_fields(app, world), *of_the_phone(app, world)]

    assert [fault for swap in swaps for fault in faults(app, ledger, swap)] == []
    assert len(swaps) > 120


def test_missing_check_would_be_noticed(
    app: Flask, world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    swaps = list(in_addresses(app, world))
    monkeypatch.setattr(guard, "permits", lambda *_: True)

    wrong = {swap.label: faults(app, ledger, swap) for swap in swaps}

    assert {fault.rpartition(": ")[2].split()[0] for one in wrong.values() for fault in one} >= {
        "shows",
        "kept",
        "answered",
    }
    assert sum(map(bool, wrong.values())) > len(swaps) / 3
