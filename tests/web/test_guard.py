"""The door of a view, and what another site's page may not post."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select
from werkzeug.exceptions import NotFound, Unauthorized

from quizsvc.audit import AuditEntry
from quizsvc.core.access import Grant, Identity, Permission, Role
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.throttle import ThrottleBucket
from quizsvc.web import guard
from tests.conftest import NOON

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
    for context in reversed(contexts):
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


# what a denied page leaves in the audit log


def noted() -> list[tuple[str, str, str]]:
    db.session.rollback()
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
    return [(row.actor, row.object, row.detail) for row in rows if row.action == "access.denied"]


def denied(entered: Any, path: str = "/staff/x", identity: Identity | None = LIN) -> None:
    entered(identity, path=path)
    with pytest.raises(NotFound):
        guard.check(Permission.SEE_NAMES, "yg/sy/704/")


def test_denied_unit_is_noted_with_who_what_and_which_right(entered: Any, at: Any) -> None:
    denied(entered, "/staff/rounds/1/classes/2?show=undone")

    assert noted() == [("staff:7", "page:/staff/rounds/1/classes/2", '{"needed":"see_names"}')]


def test_denied_view_is_noted(entered: Any, at: Any) -> None:
    entered(Identity(8, "班长", (Grant(Role.MONITOR, "yg/sy/703/"),)))
    with pytest.raises(NotFound):
        view("x")

    assert noted() == [("staff:8", "page:/staff/x", '{"needed":"see_names"}')]


def test_granted_page_and_stranger_leave_nothing(entered: Any, at: Any) -> None:
    entered(LIN)
    guard.check(Permission.SEE_NAMES, "yg/sy/703/")
    denied(entered, identity=None)

    assert noted() == []


def test_same_page_is_noted_once_a_minute(entered: Any, at: Any) -> None:
    for _ in range(3):
        denied(entered)
    at(NOON + timedelta(seconds=60))
    denied(entered)

    assert len(noted()) == 2


def test_one_person_cannot_flood_the_log(entered: Any, at: Any) -> None:
    for number in range(guard.DENIED_A_MINUTE + 10):
        denied(entered, f"/staff/{number}")
    denied(entered, identity=Identity(8, "别人", ()))

    assert [actor for actor, _, _ in noted()] == ["staff:7"] * guard.DENIED_A_MINUTE + ["staff:8"]
    assert db.session.query(ThrottleBucket).count() == guard.DENIED_A_MINUTE + 3


def test_odd_and_long_addresses_can_be_noted(entered: Any, at: Any) -> None:
    denied(entered, "/staff/%00%ff情" + "x" * 500)

    (_, page, _), *rest = noted()
    assert (page[:42], len(page), rest) == ("page:/staff/%00%EF%BF%BD%E6%83%85xxxxxxxxx", 205, [])
