"""Sign-ins end when they should: on this device with every copy of its cookie, with the role, the account, the time.

R21, T21. The two keys of a rotation, and how long idle sign-ins last, are told in tests/app and tests/staff.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from quizsvc.app import create_app
from quizsvc.audit import CLI
from quizsvc.core.access import Role
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.staff import operations, queries, views
from quizsvc.staff.models import EndedSignIn, RoleGrant, Staff
from tests import make
from tests.attempt.conftest import CODE
from tests.conftest import NOON
from tests.signing import post, token
from tests.support import Browser

PASSWORD = "青山绿水小船晚霞四个词"
INSIDE = "/staff/account"


@pytest.fixture
def lin(app: Flask, at: Any) -> Staff:
    """A class teacher with a password."""
    person = make.a_staff("lin", "林老师", ("class_teacher", make.a_class(make.a_school(make.a_county()))))
    person.password_hash = queries.HASHER.hash(PASSWORD)
    return make.saved(person)


def enter(browser: FlaskClient, **options: Any) -> Any:
    fields = {"login": "lin", "password": PASSWORD, "csrf_token": token(browser)}
    return browser.post("/staff/sign-in", data=fields, **options)


def cookie(browser: FlaskClient) -> str:
    return browser.get_cookie("quizsvc").value


def holding(app: Flask, value: str) -> Browser:
    """Another browser that got hold of a cookie."""
    browser = app.test_client()
    browser.set_cookie("quizsvc", value)
    return browser


def inside(browser: FlaskClient) -> bool:
    return browser.get(INSIDE).status_code == 200


# Fixation


def test_cookie_somebody_planted_before_the_sign_in_stays_outside(
    lin: Staff, app: Flask, phone: Browser
) -> None:
    attacker = app.test_client()
    token(attacker)  # makes a visitor's session, as looking at the form does
    planted = cookie(attacker)
    victim = holding(app, planted)
    own = token(victim)

    enter(victim)

    assert inside(victim)
    assert cookie(victim) != planted
    assert not inside(holding(app, planted))
    with victim.session_transaction() as session:
        assert session.get("csrf_token") != own


def test_each_sign_in_has_a_key_of_its_own(lin: Staff, app: Flask) -> None:
    keys = set()
    for _ in range(3):
        browser = app.test_client()
        enter(browser)
        with browser.session_transaction() as session:
            keys.add(session["_user_id"])

    assert {key.rpartition(":")[0] for key in keys} == {f"{lin.id}:1"}
    assert len(keys) == 3
    assert min(len(key.rpartition(":")[2]) for key in keys) >= 22  # 128 bits


# Signing out


def test_sign_out_ends_every_copy_of_the_cookie_and_no_other_sign_in(
    lin: Staff, app: Flask, phone: Browser
) -> None:
    elsewhere = app.test_client()
    enter(phone)
    enter(elsewhere)
    copy = holding(app, cookie(phone))
    before = inside(copy)

    post(phone, "/staff/sign-out")

    assert (before, inside(copy), inside(phone), inside(elsewhere)) == (True, False, False, True)


def test_copy_does_not_outlive_a_sign_out_that_came_after_the_session_had_gone_idle(
    lin: Staff, app: Flask, phone: Browser, at: Any
) -> None:
    enter(phone)
    copy = holding(app, cookie(phone))
    at(NOON + timedelta(minutes=20))
    assert inside(copy)  # the copy keeps itself alive
    at(NOON + timedelta(minutes=40))

    post(phone, "/staff/sign-out")

    assert not inside(copy)


def test_copy_outlives_the_sign_out_where_nothing_is_kept_on_the_server(
    lin: Staff, app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the tests above: this is what cookies alone would do."""
    monkeypatch.setattr(operations, "end_sign_in", lambda **_: None)
    enter(phone)
    copy = holding(app, cookie(phone))

    post(phone, "/staff/sign-out")

    assert inside(copy)


def test_ended_sign_ins_are_forgotten_once_they_would_have_ended_anyway(
    lin: Staff, app: Flask, phone: Browser, at: Any
) -> None:
    for hours in (0, 13):
        at(NOON + timedelta(hours=hours))
        enter(phone)
        post(phone, "/staff/sign-out")

    ends = db.session.scalars(select(EndedSignIn.ends_at)).all()
    assert ends == [NOON + timedelta(hours=13 + 12)]
    assert views.LONGEST_S == 12 * 3600


# Everything else that ends a sign-in, whoever holds the cookie


def end_account(lin: Staff) -> None:
    operations.end(staff_id=lin.id, at=NOON, actor=CLI)


def end_everywhere(lin: Staff) -> None:
    operations.end_sign_ins(staff_id=lin.id, at=NOON, actor=CLI)


def other_password(lin: Staff) -> None:
    operations.change_password(staff_id=lin.id, password="another good phrase 7", at=NOON)


def take_the_only_role(lin: Staff) -> None:
    grant = db.session.scalars(select(RoleGrant.id).where(RoleGrant.staff_id == lin.id)).one()
    operations.revoke(grant_id=grant, at=NOON, actor=CLI)


@pytest.mark.parametrize("ending", [end_account, end_everywhere, other_password, take_the_only_role])
def test_cookie_and_its_copies_end_at_the_next_request(
    lin: Staff, app: Flask, phone: Browser, ending: Callable[[Staff], None]
) -> None:
    enter(phone)
    copy = holding(app, cookie(phone))
    before = inside(phone), inside(copy)

    ending(lin)

    assert (before, inside(phone), inside(copy)) == ((True, True), False, False)


def test_other_role_is_felt_at_the_next_request_in_both_directions(
    lin: Staff, app: Flask, phone: Browser
) -> None:
    enter(phone)
    asked = [phone.get("/staff/people").status_code]
    school = db.session.scalars(select(RoleGrant.unit_id).where(RoleGrant.staff_id == lin.id)).one()
    grant = operations.grant(staff_id=lin.id, role=Role.SCHOOL_ADMIN, unit_id=school, at=NOON, actor=CLI)
    asked.append(phone.get("/staff/people").status_code)
    operations.revoke(grant_id=grant, at=NOON, actor=CLI)
    asked.append(phone.get("/staff/people").status_code)

    assert asked == [404, 200, 404]


def test_copy_lives_on_where_the_epoch_is_not_looked_at(
    lin: Staff, app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the tests above against a sign-in that ends for another reason."""
    enter(phone)
    known = queries.signed_in
    monkeypatch.setattr(queries, "signed_in", lambda staff_id, _epoch, key: known(staff_id, 2, key))

    end_everywhere(lin)

    assert inside(phone)


# What cookies say about themselves


@pytest.fixture
def secure(tmp_path: Path) -> Flask:
    """The application as it runs under https, on a database of its own."""
    app = create_app(
        Settings(
            mode="production",
            instance=tmp_path,
            database_url=f"sqlite:///{tmp_path / 'secure.sqlite'}",
            secret_key="tests-only-" + "x" * 32,
            public_url="https://fz.test",
            key_file=tmp_path / "keys",
            log_level="CRITICAL",
        )
    )
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


def every_cookie(app: Flask, https: bool) -> dict[str, list[str]]:
    """Walk past every page that sets a cookie; name -> its attributes, sorted."""
    unit = make.a_class(make.a_school(make.a_county()))
    make.a_link(make.a_round(unit), unit, code=CODE)
    browser = FlaskClient(app, app.response_class, use_cookies=True)
    base = f"http{'s' if https else ''}://fz.test"
    answers = [
        browser.get("/staff/sign-in", base_url=base),
        browser.get(f"/c/{CODE}?size=lg", base_url=base),
        browser.post(f"/c/{CODE}/who", data={"seat": "1"}, base_url=base),
        browser.post(f"/c/{CODE}/start", data={"seat": "1"}, base_url=base),
    ]
    lines = [line for answer in answers for line in answer.headers.getlist("Set-Cookie")]
    found = {}
    for line in lines:
        name, *attributes = (part.strip() for part in line.split(";"))
        kept = [part for part in attributes if not part.startswith(("Max-Age", "Expires"))]
        found[name.partition("=")[0]] = sorted(kept)
    return found


EVERY = ["HttpOnly", "Path=/", "SameSite=Lax"]


def test_cookies_under_https_are_secure_and_bound_to_the_host(secure: Flask, at: Any) -> None:
    attributes = sorted([*EVERY, "Secure"])

    assert every_cookie(secure, https=True) == {
        "__Host-quizsvc": attributes,
        "__Host-phone": attributes,
        "__Host-size": attributes,
    }


def test_cookies_under_http_differ_in_nothing_but_that(app: Flask, at: Any) -> None:
    assert every_cookie(app, https=False) == {"quizsvc": EVERY, "phone": EVERY, "size": EVERY}


@pytest.mark.parametrize("planted", ["1", "", "a" * 21, "a" * 23, "../../../etc/passwd...", "é" * 22])
def test_phone_takes_no_secret_that_we_did_not_make(app: Flask, at: Any, planted: str) -> None:
    """A short or strange value somebody put there owns nothing and is replaced."""
    unit = make.a_class(make.a_school(make.a_county()))
    make.a_link(make.a_round(unit), unit, code=CODE)
    browser = app.test_client()
    browser.set_cookie("phone", planted)

    browser.post(f"/c/{CODE}/start", data={"seat": "1"})

    assert browser.get_cookie("phone").value != planted
    assert len(browser.get_cookie("phone").value) == 22
