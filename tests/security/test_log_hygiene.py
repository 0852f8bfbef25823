"""What is secret or personal stands in no line of a log and in no address, whatever goes wrong. R27a, T29.

Canaries go through every route as everything one can type, and through every kind of failure; then all that was written
to the logs, and every address that an answer leads to, is searched for them.
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from threading import Thread
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from waitress import wasyncore
from waitress.server import create_server

from quizsvc import clock
from quizsvc.db import db
from quizsvc.roster.models import Person
from quizsvc.settings import PROJECT
from quizsvc.web import logs
from tests import make
from tests.conftest import NOON
from tests.world import (
    PHONE,
    Ledger,
    World,
    address,
    plain_fields,
    routes,
    signed_cookie,
    signed_token,
    who_may,
    with_ids,
)

NAME, NUMBER, TELEPHONE = "金丝雀名", "CANARY-7031", "13800138777"
PASSWORD, TOKEN, ANSWER, SECRET = (
    "canary-password-27",
    "canary-token-in-an-address",
    "canaryanswer",
    "canary" + "s" * 16,
)
CANARIES = (NAME, NUMBER, TELEPHONE, PASSWORD, TOKEN, ANSWER, SECRET, "金丝雀")
TYPED = {
    "name": NAME, "login": f"{NAME}{NUMBER}", "password": PASSWORD, "repeated": PASSWORD, "current": PASSWORD,
    "reason": f"{NAME}住院了{TELEPHONE}", "resume": ANSWER[:8], "note": f"{NAME}{TELEPHONE}", "answer": NAME,
    "pasted": f"班级,座号,学号,姓名\n七年级（3）班,1,{NUMBER},{NAME}\n", "stem": f"{NAME}{TELEPHONE}？", "q1": ANSWER,
}  # fmt: skip


@dataclass
class Heard:
    """Everything that was written: structlog's lines on standard output, and the loggers of libraries."""

    capsys: pytest.CaptureFixture[str]
    caplog: pytest.LogCaptureFixture

    def all(self) -> str:
        out, err = self.capsys.readouterr()
        records = "\n".join(self.caplog.handler.format(record) for record in self.caplog.records)
        return "\n".join((out, err, records))


@pytest.fixture
def heard(
    app: Flask,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Heard]:
    """Logs at their most talkative."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(
        logging.WARNING
    )  # statements are not logged outside of development
    before = structlog.get_config()
    logs.configure("DEBUG")
    yield Heard(capsys, caplog)
    structlog.configure(**before)


def found_in(written: str) -> list[str]:
    return [canary for canary in CANARIES if canary in written]


Ask = Callable[[], Any]


def asked(app: Flask, world: World) -> dict[str, Ask]:
    """Every route with what people type, canaries in it, as somebody who may; drawings take long and are left out."""
    place = with_ids(world.places["own"], token=TOKEN)
    fields = plain_fields(world.places["own"], world.places["school"])
    typed = {name.rpartition(".")[2]: value for name, value in fields.items() if isinstance(value, str)}
    form = {**typed, **TYPED, "csrf_token": signed_token(app)}
    found = {}
    for rule, method in routes(app):
        if rule.rule.endswith((".pdf", "poster.png")):
            continue
        people = who_may(app, world, rule, place)
        cookie = signed_cookie(app, world.people[people[0]] if people else None)
        headers = {
            "Cookie": f"{cookie}; phone={PHONE}",
            "User-Agent": TELEPHONE,
            "X-Forwarded-For": TELEPHONE,
        }
        found[f"{method} {rule.endpoint}"] = partial(
            app.test_client(use_cookies=False).open,
            address(rule, place),
            method=method,
            data=form if method == "POST" else None,
            headers=headers,
        )
    return found


def rename(world: World) -> None:
    """Give the pupils and people of the world the canaries as names."""
    with db.engine.begin() as connection:
        connection.execute(
            text("UPDATE roster_person SET name = :name, student_number = student_number || :number"),
            {"name": NAME, "number": NUMBER},
        )
        connection.execute(text("UPDATE staff_staff SET name = :name WHERE login <> 'root'"), {"name": NAME})
    db.session.expire_all()


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ON_SQLITE
def test_every_route_leaves_its_canaries_out_of_logs_and_addresses(
    app: Flask, world: World, ledger: Ledger, heard: Heard
) -> None:
    rename(world)

    leading: list[str] = []
    statuses = set()
    for answer in (ask() for ask in asked(app, world).values()):
        statuses.add(answer.status_code)
        leading += [
            value
            for name, value in answer.headers
            if name in ("Location", "Content-Location", "Link", "Refresh")
        ]
        if answer.mimetype == "text/html":
            leading += re.findall(r'(?:href|src|action)="([^"]*)"', answer.get_data(as_text=True))

    assert found_in(heard.all()) == []
    assert found_in("\n".join(leading)) == []
    assert {200, 303, 400} <= statuses
    assert len(leading) > 500


FAILURES = {
    "a bug": lambda: ValueError(f"invalid literal for int(): {NAME} {TELEPHONE}"),
    "a key": lambda: KeyError(NUMBER),
    "a constraint": lambda: IntegrityError(
        "INSERT", {"name": NAME}, Exception(f"DETAIL: Key (student_number)=({NUMBER}) already exists.")
    ),
    "a statement": lambda: ProgrammingError("SELECT", [PASSWORD], Exception(f"near {NAME}")),
    "odd data": lambda: DataError("INSERT", {"a": ANSWER}, ValueError(f"{NAME} has NUL")),
    "away": lambda: OperationalError("UPDATE", {"token": TOKEN}, Exception(f"server closed {NAME}")),
}


MET = (
    "GET attempt.landing", "POST attempt.who", "POST attempt.start", "POST attempt.save", "POST attempt.submit",
    "GET attempt.result", "POST staff.sign_in", "POST staff.accept", "POST staff.people_invite", "POST roster.preview",
    "POST bank.preview", "POST seat.release", "GET report.board",
)  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("kind", FAILURES)
def test_failure_in_the_middle_is_told_without_what_it_was_about(
    app: Flask, world: World, ledger: Ledger, heard: Heard, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    asking = asked(app, world)

    def fail() -> None:
        try:
            raise FAILURES[kind]()
        except ValueError as cause:
            raise RuntimeError(f"while reading {NAME}") from cause

    monkeypatch.setattr(clock, "now", fail)
    answers = [asking[name]() for name in MET]

    written = heard.all()
    statuses = [answer.status_code for answer in answers]
    assert statuses.count({"odd data": 400, "away": 503}.get(kind, 500)) > len(MET) // 2
    assert found_in(written) == []
    assert (
        found_in("".join(answer.get_data(as_text=True) for answer in answers if answer.status_code >= 500))
        == []
    )
    assert ('"exception"' in written) == (kind not in ("away", "odd data"))


def test_constraint_of_the_database_names_no_row(app: Flask, at: Any, heard: Heard) -> None:
    """Both databases say which row was in the way; PostgreSQL with its values, SQLAlchemy with all parameters."""
    unit = make.a_class(make.a_school(make.a_county()), names=True)

    def bump() -> str:
        db.session.add(Person(school_id=unit.parent_id, student_number="70301", name=NAME, created_at=NOON))
        db.session.flush()
        return "not reached"

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(app.view_functions, "health.healthz", bump)
        page = FlaskClient(app, app.response_class).get("/healthz")
    db.session.rollback()

    written = heard.all()
    assert page.status_code == 500
    assert (found_in(written), "70301" in written) == ([], False)
    assert "IntegrityError" in written
    assert "test_log_hygiene.py" in written  # it says where


def test_message_of_a_database_error_holds_no_parameters(app: Flask) -> None:
    with pytest.raises(IntegrityError) as told:
        db.session.execute(
            text("INSERT INTO staff_staff (id, login, name, epoch) VALUES (1, :login, :name, 1)"),
            {"login": NAME, "name": NAME},
        )
    db.session.rollback()

    assert "[SQL parameters hidden" in str(told.value)
    assert "[parameters:" not in str(told.value)


def test_unlogged_message_of_an_exception_would_be_found(app: Flask, heard: Heard) -> None:
    """Guards the tests above: with the usual processor the canary is there."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )

    try:
        raise FAILURES["a key"]()
    except KeyError:
        structlog.get_logger().exception("bug")

    assert found_in(heard.all()) == [NUMBER]


def test_chain_of_failures_is_told_with_every_place(heard: Heard) -> None:
    def inner() -> None:
        raise KeyError(NAME)

    try:
        try:
            inner()
        except KeyError as error:
            raise RuntimeError(NUMBER) from error
    except RuntimeError:
        structlog.get_logger().exception("bug")

    told = json.loads(heard.capsys.readouterr().out)["exception"]
    assert found_in(told) == []
    assert re.findall(r"builtins\.(\w+)", told) == ["RuntimeError", "KeyError"]
    assert re.search(r"test_log_hygiene\.py:\d+ inner", told)


@pytest.mark.parametrize("path", [f"/staff/accept/{TOKEN}", f"/staff/people?q={NUMBER}"])
def test_server_that_meets_a_failure_writes_no_address(heard: Heard, path: str) -> None:
    """What waitress does when not even our page for failures can be made."""

    def broken(_environ: Any, _start: Any) -> list[bytes]:
        raise ValueError(NAME)

    server = create_server(broken, host="127.0.0.1", port=0, threads=1, ident=None)
    thread = Thread(target=server.run)
    thread.start()
    connection = HTTPConnection("127.0.0.1", server.effective_port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
    finally:
        connection.close()
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()

    written = heard.all()
    assert answer.status == 500
    assert found_in(body) == []
    assert found_in(written) == []
    assert "builtins.ValueError" in written


def test_sign_in_and_its_refusals_are_logged_without_what_was_typed(
    app: Flask, at: Any, heard: Heard
) -> None:
    browser = app.test_client(use_cookies=False)
    headers = {"Cookie": signed_cookie(app, None)}
    for _ in range(2):
        browser.post(
            "/staff/sign-in",
            data={"login": NAME, "password": PASSWORD, "csrf_token": signed_token(app)},
            headers=headers,
        )

    assert found_in(heard.all()) == []
    rows = db.session.execute(text("SELECT actor, object, detail FROM audit_entry")).all()
    assert found_in(repr(rows)) == []
    assert len(rows) == 2


def test_forms_that_put_what_is_typed_into_an_address_are_known() -> None:
    """A new one fails here until somebody has thought about what people will type into it; none is about pupils."""
    searching = {
        file.name
        for file in (PROJECT / "quizsvc").rglob("*.html")
        if re.search(r'<form[^>]*method="get"', file.read_text())
    }

    assert searching == {
        "desk.html", "banks.html", "history.html",  # questions
        "_parts.html",  # questions, terms
        "front.html",  # the code of a poster
        "audit.html",  # actions, days, numbers of accounts
        "people.html",  # colleagues
        "change.html",  # a round to compare with, chosen from a list
        "proof.html",  # an entry of a draw; the whole list is published
        "counter.html",  # the code a winner shows; alone it opens nothing
    }  # fmt: skip
