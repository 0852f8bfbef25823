"""R19: a hundred names that lead elsewhere, on every route that takes a name: nothing outside is read or written.

T19, T25 of the threat model. What is opened is heard from the interpreter itself, whichever way it is opened. Names
inside archives are the affair of test_hostile_uploads.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter, Rule

from quizsvc.web import assets
from tests.security.hostile import Asked, sent
from tests.security.sweep import send
from tests.world import (
    Ledger,
    Upload,
    World,
    access_of,
    arguments,
    routes,
    signed_cookie,
    signed_token,
    who_may,
    written,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

GOALS = (
    "etc/passwd",
    "proc/self/environ",
    "quizsvc/settings.py",
    "instance/secret_key",
    "instance/quizsvc.sqlite",
)
WAYS = (
    "../{}", "../../{}", "../../../../../../../../{}", "/{}", "//{}", "\\{}", "..\\..\\..\\{}", "....//....//{}",
    "..;/{}", "./.././{}", "%2e%2e%2f{}", "%252e%252e%252f{}", "..%c0%af{}", "．．／{}", "‥/{}", "file:///{}", "~/{}",
    "{}\0.css", "C:\\{}", "desk.css/../../{}",
)  # fmt: skip
NAMES = [
    way.format(goal.replace("/", next((one for one in ("%252f", "%2f", "\\") if one in way), "/")))
    for goal in GOALS
    for way in WAYS
]
SENTINELS = tuple(goal.rpartition("/")[2] for goal in GOALS)
FILES = ("assets.file", "bank.export", "roster.template")
"""What takes every name; other routes take a dozen each, others for each route."""

_heard: list[str] = []
_listening = [False]


def _hear(event: str, given: tuple[Any, ...]) -> None:
    if _listening[0] and event.startswith(("open", "os.", "shutil.", "tempfile.")):
        _heard.append(f"{event} {given!r}")


@cache
def _begin_to_hear() -> None:
    sys.addaudithook(_hear)  # for good, so that no test before pays for it


@contextmanager
def listening() -> Iterator[list[str]]:
    """Hear what a block asks the system for, as far as it has to do with where the names lead."""
    _begin_to_hear()
    led: list[str] = []
    _heard.clear()
    _listening[0] = True
    try:
        yield led
    finally:
        _listening[0] = False
        led += [one for one in _heard if any(sentinel in one for sentinel in SENTINELS)]


def named(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Every route with every argument that is a name."""
    for rule, method in routes(app):
        for name in sorted(rule.arguments):
            if not isinstance(rule._converters[name], IntegerConverter):
                yield rule, method, name


def headers(app: Flask, world: World, rule: Rule) -> dict[str, str]:
    people = who_may(app, world, rule, world.places["own"])
    cookie = signed_cookie(app, world.people[people[0]] if people else None)
    return {"HTTP_COOKIE": cookie, "HTTP_X_CSRFTOKEN": signed_token(app)}


def led(app: Flask, world: World, endpoint: str = "") -> tuple[list[str], int]:
    """Ask for all names, everywhere or at one endpoint; say what led outside, and how many there were."""
    wrong, count = [], 0
    for number, (rule, method, name) in enumerate(named(app)):
        if endpoint not in ("", rule.endpoint):
            continue
        values = {one: value.encode() for one, value in arguments(rule, world.places["own"]).items()}
        sending = headers(app, world, rule)
        for one in NAMES if rule.endpoint in FILES else NAMES[number % 8 :: 8]:
            asked = Asked(method, written(rule, {**values, name: one.encode()}), headers=sending)
            with listening() as heard:
                answer = send(app, asked)
            count += 1
            if heard or answer.status_code >= 500 or b"root:" in answer.data:
                wrong.append(f"{method} {rule.rule} {one!r}: {answer.status_code} {heard}")
    return wrong, count


def test_names_in_addresses_lead_nowhere(app: Flask, world: World, ledger: Ledger) -> None:
    wrong, count = led(app, world)

    assert wrong == []
    assert count > 600
    assert len(set(NAMES)) == 100


def test_names_of_uploaded_files_lead_nowhere(app: Flask, world: World, ledger: Ledger) -> None:
    place = world.places["own"]
    routes_ = {
        f"/staff/roster/{place.ids['unit_id']}/preview": ("he", "file", [("term", "2026-2027-1")]),
        "/staff/banks/test/import/preview": (
            "bureau", "file", [("topic", "brushing"), ("audience", "junior"), ("difficulty", "1")]),
        f"/staff/campaigns/{place.ids['campaign_id']}/accounts/1": ("bureau", "image", [("name", "公众号")]),
    }  # fmt: skip
    for path, (who, field, others) in routes_.items():
        sending = {
            "HTTP_COOKIE": signed_cookie(app, world.people[who]),
            "HTTP_X_CSRFTOKEN": signed_token(app),
        }
        for one in NAMES[::5]:
            asked = Asked("POST", path.encode(), headers=sending)
            with listening() as heard:
                answer = send(app, sent(asked, [*others, (field, Upload(one, b"canary"))]))
            assert (heard, answer.status_code < 500) == ([], True), (path, one)


def test_name_that_is_joined_would_be_noticed(
    app: Flask, world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(name: str) -> bytes | tuple[str, int]:
        try:
            return (assets.FOLDER / unquote(name).replace("\\", "/")).read_bytes()
        except (OSError, ValueError):
            return "", 404

    careless.access = access_of(app, next(rule for rule, _ in routes(app) if rule.endpoint == "assets.file"))  # type: ignore[attr-defined]
    monkeypatch.setitem(app.view_functions, "assets.file", careless)

    wrong, _ = led(app, world, "assets.file")

    assert len(wrong) >= 5
