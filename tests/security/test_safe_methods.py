"""R20: reading changes nothing, and nothing is changed by what another site's page can make a browser send.

T20 of the threat model. Every safe route as everybody who may see it; every unsafe one signed in as somebody who may,
with a form that would be granted, in six bad ways.
"""

from dataclasses import replace

import pytest
from flask import Flask

from quizsvc import app as wiring
from quizsvc.db import db
from quizsvc.roster.models import Unit
from quizsvc.web import guard
from tests.security.hostile import Asked, Plain
from tests.security.sweep import Target, send, targets
from tests.world import Ledger, World, fingerprint, signed_token

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WITHOUT_TOKEN = ("/a/", "/c/", "/k/", "/r/", "/y/")
"""No ambient right is used there: docs/decisions/0003."""


def without(asked: Asked, **headers: str) -> Asked:
    """The request without its token, with other headers."""
    kept = {name: value for name, value in (asked.headers or {}).items() if name != "HTTP_X_CSRFTOKEN"}
    return replace(asked, headers={**kept, **headers})


def bad_forms(app: Flask, world: World, plain: Plain) -> dict[str, Asked]:
    """The six ways."""
    other = signed_token(app, "b" * 40)
    form = plain.form([*plain.fields, ("csrf_token", signed_token(app))])
    return {
        "no token": without(plain.asked),
        "forged token": without(plain.form([*plain.fields, ("csrf_token", f"{signed_token(app)[:-4]}AAAA")])),
        "token of another session": without(plain.form([*plain.fields, ("csrf_token", other)])),
        "form as text": without(replace(form, content_type="text/plain")),
        "cross origin": plain.asked.with_headers(HTTP_ORIGIN="https://evil.example"),
        "cross site": plain.asked.with_headers(HTTP_SEC_FETCH_SITE="cross-site"),
    }


def by_token(name: str) -> bool:
    return "token" in name or name == "form as text"


def exempt(target: Target) -> bool:
    return target.label.removeprefix("POST ").startswith(WITHOUT_TOKEN)


def passed(app: Flask, world: World, ledger: Ledger, found: list[Target]) -> tuple[list[str], int]:
    """Make every bad request; say which were not refused, and how many there were."""
    wrong, count = [], 0
    for target in found:
        if not target.label.startswith("POST"):
            continue
        for name, asked in bad_forms(app, world, target.any_plain).items():
            if by_token(name) and exempt(target):
                continue
            ledger.clear()
            answer = send(app, asked)
            count += 1
            expected = 400 if by_token(name) else 403
            if answer.status_code != expected or ledger.commits or ledger.parameters:
                wrong.append(f"{target.label} with {name}: {answer.status_code}, wrote {ledger.parameters}")
    return wrong, count


def test_every_bad_form_is_refused_and_writes_nothing(app: Flask, world: World, ledger: Ledger) -> None:
    before = fingerprint()
    found = targets(app, world, world.places["own"])

    wrong, count = passed(app, world, ledger, found)

    assert wrong == []
    assert count > 250
    assert fingerprint() == before


def test_view_without_protection_would_be_noticed(
    app: Flask, world: World, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = "POST /staff/roster/<int:unit_id>/exempt"
    found = targets(app, world, world.places["own"], label)
    monkeypatch.setattr(wiring.csrf, "_exempt_views", {"quizsvc.roster.views.exempt"})
    monkeypatch.setattr(guard, "_host_of", lambda _: "fz.test")

    wrong, _ = passed(app, world, ledger, found)

    assert {one.rpartition(" with ")[2].partition(":")[0] for one in wrong} == {
        *("no token", "forged token", "token of another session", "cross origin")
    }


def test_reading_changes_nothing(app: Flask, world: World) -> None:
    """Nothing is held back here: what a page would keep is kept, and the browser fails on it too."""
    found = [one for one in targets(app, world, world.places["own"]) if one.label.startswith("GET")]
    before, count = fingerprint(), 0

    for target in found:
        for number, plain in enumerate(target.plains.values()):
            for method in ("GET",) if number else ("GET", "HEAD", "OPTIONS"):
                answer = send(app, replace(plain.asked, method=method))
                count += 1
                assert answer.status_code < 500 or answer.status_code == target.usual, target.label

    assert fingerprint() == before
    assert count > 300


def write() -> str:
    db.session.execute(db.update(Unit).values(position=7))
    db.session.commit()
    return "shown"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_page_that_writes_would_be_noticed(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setitem(app.view_functions, "health.healthz", write)
    before = fingerprint()

    with pytest.raises(AssertionError, match="wrote"):
        send(app, Asked(method, b"/healthz"))

    assert fingerprint() != before
