"""Every route says who may enter; every unsafe one refuses what another site's page sends."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule

from quizsvc.core.access import Permission, Role
from quizsvc.web.guard import PUBLIC
from tests import make
from tests.signing import signed_in
from tests.support import Browser, Watch

PUBLIC_BLUEPRINTS = {
    "attempt", "declaration", "survey", "rights", "rulebook", "contest", "prize", "assets", "health", "draw",
}  # fmt: skip
PUBLIC_STAFF = {"staff.sign_in", "staff.sign_in_code", "staff.sign_out", "staff.accept"}
PUBLIC_OTHERS = {"link.public_poster"}
WITHOUT_TOKEN = {
    "attempt",
    "declaration",
    "rights",
    "contest",
    "prize",
    "survey",
}  # no ambient right is used there: docs/decisions/0003


def rules(app: Flask, method: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if method in rule.methods]


def filling(converter: BaseConverter, number: int) -> Any:
    if isinstance(converter, IntegerConverter):
        return number
    return min(converter.items) if isinstance(converter, AnyConverter) else "x"


def address(app: Flask, rule: Rule, number: int = 1) -> str:
    values = {name: filling(converter, number) for name, converter in rule._converters.items()}
    method = "POST" if "POST" in rule.methods else None
    return app.url_map.bind("fz.test").build(rule.endpoint, values, method=method)


def test_every_route_declares_its_access(app: Flask) -> None:
    undeclared = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not isinstance(getattr(app.view_functions[rule.endpoint], "access", None), Permission)
        and getattr(app.view_functions[rule.endpoint], "access", None) != PUBLIC
    ]

    assert undeclared == []


def test_only_the_known_routes_are_public(app: Flask) -> None:
    open_ = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].access == PUBLIC
    }

    unexpected = {name for name in open_ if name.partition(".")[0] not in PUBLIC_BLUEPRINTS}
    assert unexpected == PUBLIC_STAFF | PUBLIC_OTHERS


def test_every_guarded_route_lies_under_staff_where_the_identity_is_loaded(app: Flask) -> None:
    outside = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].access != PUBLIC and not rule.rule.startswith("/staff/")
    ]

    assert outside == []


def test_no_unsafe_method_but_post(app: Flask) -> None:
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods}

    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}


def test_every_form_without_the_token_is_refused(app: Flask, at: Any, phone: Browser, watch: Watch) -> None:
    posts = [rule for rule in rules(app, "POST") if rule.endpoint.partition(".")[0] not in WITHOUT_TOKEN]
    start = len(watch.statements)

    for data in ({}, {"csrf_token": "forged"}):
        answers = {rule.endpoint: phone.post(address(app, rule), data=data) for rule in posts}
        passed = {
            endpoint: answer.status_code
            for endpoint, answer in answers.items()
            if answer.status_code != 400 or "这个表单过期了" not in answer.text
        }
        assert passed == {}
    assert len(posts) > 10
    assert watch.written_since(start) == []


def test_token_of_another_session_is_refused(app: Flask, at: Any) -> None:
    people = [make.a_staff(name, name, ("sysadmin", None)) for name in ("one", "two")]
    one, two = (signed_in(app, person) for person in people)
    page = one.get("/staff/account").text
    stolen = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]

    assert two.post("/staff/account/sign-out-everywhere", data={"csrf_token": stolen}).status_code == 400
    assert one.post("/staff/account/sign-out-everywhere", data={"csrf_token": stolen}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://fz.test.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://fz.test", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_every_post_from_another_site_is_refused(
    app: Flask, phone: Browser, watch: Watch, headers: dict[str, str]
) -> None:
    start = len(watch.statements)

    answers = {rule.endpoint: phone.post(address(app, rule), headers=headers) for rule in rules(app, "POST")}

    assert {
        endpoint: answer.status_code for endpoint, answer in answers.items() if answer.status_code != 403
    } == {}
    assert watch.statements[start:] == []


@pytest.mark.parametrize("origin", [None, "null", "http://fz.test", "http://localhost"])
def test_own_pages_and_browsers_that_say_nothing_may_post(
    app: Flask, phone: Browser, origin: str | None
) -> None:
    headers = {"Origin": origin} if origin else {}

    assert (
        phone.post("/c/7K3M9Q2/who", headers=headers).status_code == 404
    )  # no such class, but it was let in


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, 2**63, 10**30])
def test_number_that_no_row_can_have_is_not_found(app: Flask, at: Any, number: int) -> None:
    county = make.a_county()
    grants = [(role.value, county) for role in Role if role is not Role.SYSADMIN]
    browser = signed_in(app, make.a_staff("all", "什么都能做的人", *grants, ("sysadmin", None)))

    numbered = [rule for rule in rules(app, "GET") if "<int:" in rule.rule]
    answers = {rule.rule: browser.get(address(app, rule, number)).status_code for rule in numbered}

    assert {rule: status for rule, status in answers.items() if status != 404} == {}
