"""The door of a view, and what another site's page may not post."""

from typing import Any

import pytest
from flask import Flask, g
from werkzeug.exceptions import NotFound, Unauthorized

from quizsvc.core.access import Grant, Identity, Permission, Role
from quizsvc.core.refusal import Refusal
from quizsvc.web import guard

LIN = Identity(7, "林老师", (Grant(Role.CLASS_TEACHER, "yg/sy/703/"),))


@guard.guarded(Permission.SEE_NAMES)
def view(word: str) -> str:
    """Say the word."""
    return word


@guard.public
def open_view() -> str:
    """Say nothing."""
    return ""


def inside(app: Flask, identity: Identity | None, method: str = "GET", path: str = "/staff/x?y=1") -> Any:
    context = app.test_request_context(path, method=method)
    context.push()
    g.identity = identity
    return context


@pytest.fixture
def entered(app: Flask) -> Any:
    contexts = []

    def enter(identity: Identity | None, **request: str) -> None:
        contexts.append(inside(app, identity, **request))

    yield enter
    for context in contexts:
        g.pop("identity", None)
        context.pop()


def test_views_carry_their_access() -> None:
    assert (view.access, open_view.access) == (Permission.SEE_NAMES, guard.PUBLIC)
    assert (view.__name__, view.__doc__) == ("view", "Say the word.")


def test_who_has_the_permission_somewhere_enters(entered: Any) -> None:
    entered(LIN)

    assert view("x") == "x"
    assert view(word="y") == "y"


def test_who_has_it_nowhere_finds_nothing(entered: Any) -> None:
    entered(Identity(8, "班长", (Grant(Role.MONITOR, "yg/sy/703/"),)))

    with pytest.raises(NotFound):
        view("x")


def test_nobody_is_sent_to_sign_in_and_back(entered: Any) -> None:
    entered(None)

    answer = view("x")

    assert (answer.status_code, answer.location) == (303, "/staff/sign-in?next=/staff/x?y%3D1")


def test_nobody_who_posts_is_told_to_sign_in(entered: Any) -> None:
    entered(None, method="POST")

    with pytest.raises(Unauthorized):
        view("x")


def test_check_asks_for_the_unit(entered: Any) -> None:
    entered(LIN)

    guard.check(Permission.SEE_NAMES, "yg/sy/703/")
    assert guard.may(Permission.SEE_NAMES, "yg/sy/703/")
    assert not guard.may(Permission.SEE_NAMES, "yg/sy/704/")
    for path in ("yg/sy/704/", "yg/sy/", "yg/sy/7030/", ""):
        with pytest.raises(NotFound):
            guard.check(Permission.SEE_NAMES, path)


def test_actor_is_the_signed_in_person(entered: Any) -> None:
    entered(LIN)

    assert guard.actor().text == "staff:7"
    assert guard.me() == LIN


def test_actors_are_named_to_whoever_reads(entered: Any) -> None:
    entered(LIN)

    named = {text: guard.who(text) for text in ("staff:7", "staff:8", "cli", "job", None)}
    assert named == {"staff:7": "我", "staff:8": "8 号账号", "cli": "命令行", "job": "系统", None: ""}


def test_nobody_has_no_name(entered: Any) -> None:
    entered(None)

    with pytest.raises(NotFound):
        guard.me()


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, False),
        ("HEAD", {"Origin": "https://evil.example"}, False),
        ("POST", {}, False),
        ("POST", {"Origin": "null"}, False),
        ("POST", {"Origin": "http://fz.test"}, False),
        ("POST", {"Origin": "http://localhost"}, False),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Sec-Fetch-Site": "none"}, False),
        ("POST", {"Origin": "https://evil.example"}, True),
        ("POST", {"Origin": "http://fz.test:8000"}, True),
        ("POST", {"Origin": "http://xfz.test"}, True),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, True),
    ],
)
def test_posts_from_elsewhere_are_refused(
    app: Flask, method: str, headers: dict[str, str], refused: bool
) -> None:
    with app.test_request_context("/c/X/who", method=method, headers=headers):
        if refused:
            with pytest.raises(Refusal) as told:
                guard.refuse_foreign_origin()
            assert told.value.status == 403
        else:
            assert guard.refuse_foreign_origin() is None
