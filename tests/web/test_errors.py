"""What a person reads when something is refused, missing, busy or broken."""

import json
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import errors as pg
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, RequestTimeout

from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.db import db
from tests.signing import token
from tests.support import Browser


def answer(app: Flask, error: Exception, **headers: str) -> Any:
    with app.test_request_context("/somewhere", headers=headers):
        made = app.make_response(app.handle_user_exception(error))
        return SimpleNamespace(
            status_code=made.status_code,
            mimetype=made.mimetype,
            headers=made.headers,
            text=made.get_data(as_text=True),
        )


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (Refusal("已经交卷了。", status=409), 409, "已经交卷了。"),
        (Unknown("没有这个班。"), 404, "没有这个班。"),
        (BadRequest(), 400, "刚才提交的内容不完整"),
        (NotFound(), 404, "网址可能抄错了"),
        (RequestEntityTooLarge(), 413, "提交的内容太大"),
        (RequestTimeout(), 408, "刚才提交的内容不完整"),
        (DataError("INSERT", {}, ValueError("NUL")), 400, "刚才提交的内容不完整"),
    ],
)
def test_refusal_shows_one_sentence(app: Flask, error: Exception, status: int, sentence: str) -> None:
    page = answer(app, error)

    assert page.status_code == status
    assert page.mimetype == "text/html"
    assert sentence in page.text
    assert page.text.count("<h1>") == 1


@pytest.mark.parametrize("headers", [{"Accept": "text/plain"}, {"X-Requested-With": "quiz"}])
def test_script_gets_the_sentence_alone(app: Flask, headers: dict[str, str]) -> None:
    page = answer(app, Refusal("已经交卷了。", status=409), **headers)

    assert (page.status_code, page.mimetype, page.text) == (409, "text/plain", "已经交卷了。")


def wrapped(error: Exception, base: type[Exception]) -> Exception:
    """What SQLAlchemy makes of a driver's error."""
    return DBAPIError.instance("UPDATE", {}, error, base)


def sqlite_error(name: str, tmp_path: Path) -> Exception:
    """Bring SQLite into trouble and return what it says."""
    file = tmp_path / "trouble.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as one, ExitStack() as open_:
        one.execute("CREATE TABLE t (x UNIQUE)")
        other = open_.enter_context(closing(sqlite3.connect(file, timeout=0, isolation_level=None)))
        statement = "INSERT INTO t VALUES (1)"
        if name == "locked":
            one.execute("BEGIN IMMEDIATE")
        elif name == "full":
            other.execute("PRAGMA max_page_count=3")
            statement = "INSERT INTO t VALUES (zeroblob(100000))"
        elif name == "read only":
            other.execute("PRAGMA query_only=ON")
        elif name == "cannot be opened":
            other = open_.enter_context(closing(sqlite3.connect(":memory:")))
            statement = f"ATTACH '{tmp_path}/nowhere/x.sqlite' AS gone"
        elif name == "missing column":
            statement = "UPDATE t SET y = 1"
        elif name == "twice":
            one.execute(statement)
        with pytest.raises(sqlite3.Error) as raised:
            other.execute(statement)
        return raised.value


@pytest.mark.parametrize("name", ["locked", "full", "read only", "cannot be opened"])
def test_sqlite_in_trouble_is_503(app: Flask, tmp_path: Path, name: str) -> None:
    page = answer(app, wrapped(sqlite_error(name, tmp_path), sqlite3.Error))

    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "已经保存的都在" in page.text


@pytest.mark.parametrize("name", ["missing column", "twice"])
def test_our_own_mistake_is_500_on_sqlite(app: Flask, tmp_path: Path, name: str) -> None:
    assert answer(app, wrapped(sqlite_error(name, tmp_path), sqlite3.Error)).status_code == 500


@pytest.mark.parametrize(
    "kind",
    [
        pg.DiskFull, pg.TooManyConnections, pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.OutOfMemory,
        pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable, pg.QueryCanceled, pg.IoError,
        pg.ReadOnlySqlTransaction, pg.ConnectionFailure, psycopg.OperationalError, psycopg.InterfaceError,
    ],
)  # fmt: skip
def test_postgresql_in_trouble_is_503(app: Flask, kind: type[psycopg.Error]) -> None:
    page = answer(app, wrapped(kind("detail"), psycopg.Error))

    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "detail" not in page.text


@pytest.mark.parametrize(
    "kind", [pg.UniqueViolation, pg.UndefinedColumn, pg.InFailedSqlTransaction, pg.SyntaxError]
)
def test_our_own_mistake_is_500_on_postgresql(app: Flask, kind: type[psycopg.Error]) -> None:
    assert answer(app, wrapped(kind("detail"), psycopg.Error)).status_code == 500


def test_pool_that_is_empty_is_503(app: Flask) -> None:
    assert answer(app, PoolTimeout()).status_code == 503


def test_without_the_mapping_trouble_would_be_a_bug(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quizsvc.web.errors.is_ours", lambda _error: True)

    assert answer(app, wrapped(pg.DiskFull("detail"), psycopg.Error)).status_code == 500


def test_writer_that_waits_too_long_is_503(
    app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # there rows are locked, not the file
    monkeypatch.setattr("quizsvc.db.BUSY_TIMEOUT_S", 0.01)
    fields = {"csrf_token": token(phone), "login": "nobody", "password": "x"}
    with closing(sqlite3.connect(str(db.engine.url.database), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        page = phone.post("/staff/sign-in", data=fields)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")


def test_refusal_for_the_moment_says_when_to_come_back(app: Flask) -> None:
    page = answer(app, Refusal("现在暂时不能开始。", status=503))

    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")


@pytest.mark.usefixtures("talkative")
def test_bug_is_500_without_details(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    page = answer(app, RuntimeError("secret detail"))

    assert page.status_code == 500
    assert "是我们这边的错" in page.text
    assert "secret detail" not in page.text
    told = json.loads(capsys.readouterr().out)
    assert (told["event"], told["level"], told["route"]) == ("bug", "error", None)
    assert told["exception"].startswith("builtins.RuntimeError (")


def test_sentence_of_a_refusal_is_escaped(app: Flask) -> None:
    assert "<script>" not in answer(app, Refusal("<script>alert(1)</script>")).text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/healthz", 405), ("GET", "/staff/sign-out", 405)],
)
def test_wrong_way_in_is_told_kindly(
    app: Flask, at: Any, phone: Browser, method: str, path: str, status: int
) -> None:
    page = phone.open(path, method=method)

    assert page.status_code == status
    assert page.text.count("<h1>") == 1


def test_too_large_a_form_is_refused(app: Flask, at: Any, phone: Browser) -> None:
    fields = {"csrf_token": token(phone), "login": "x" * 300_000, "password": "x"}

    assert phone.post("/staff/sign-in", data=fields).status_code == 413


def test_too_many_fields_are_refused(app: Flask, at: Any, phone: Browser) -> None:
    parts = {f"f{number}": "x" for number in range(2001)}

    answer = phone.post("/staff/sign-in", data=parts, content_type="multipart/form-data")

    assert answer.status_code == 413


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "\U0010ffff", "' OR 1=1 --", "%00", "\x1b[31m"])
def test_odd_text_is_no_bug_on_either_database(app: Flask, at: Any, phone: Browser, text: str) -> None:
    fields = {"csrf_token": token(phone), "login": text.encode("utf-8", "surrogatepass"), "password": "x"}

    assert phone.post("/staff/sign-in", data=fields).status_code == 400


@pytest.mark.usefixtures("talkative")
def test_form_without_a_valid_token_is_noted_with_its_route_only(
    app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = app.test_client().post("/staff/sign-in", data={"login": "lin", "csrf_token": "forged"})
    told = json.loads(capsys.readouterr().out)

    assert refused.status_code == 400
    assert told.keys() == {"event", "route", "level", "timestamp"}
    assert (told["event"], told["route"]) == ("form without a valid token", "/staff/sign-in")
