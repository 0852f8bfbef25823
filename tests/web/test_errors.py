"""What a person reads when something is refused, missing, busy or broken."""

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, NotFound, RequestEntityTooLarge, RequestTimeout

from quizsvc.core.refusal import Refusal, Unknown
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


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked")),
        InterfaceError("SELECT", {}, ValueError("gone")),
        PoolTimeout(),
    ],
)
def test_busy_database_is_503_with_a_time_to_come_back(app: Flask, error: Exception) -> None:
    page = answer(app, error)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "已经保存的都在" in page.text
    assert "locked" not in page.text


def test_bug_is_500_without_details(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    page = answer(app, RuntimeError("secret detail"))

    assert page.status_code == 500
    assert "是我们这边的错" in page.text
    assert "secret detail" not in page.text
    assert "/somewhere" in capsys.readouterr().out


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
