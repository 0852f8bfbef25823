"""Filters, files for staff, health."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask

from quizsvc.web import filters, health
from quizsvc.web.download import attachment, picture
from tests.support import Browser

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 12, 20), "12 月 20 日"),
        (datetime(2026, 12, 20, 15, 59, tzinfo=UTC), "12 月 20 日"),
        (datetime(2026, 12, 20, 16, 0, tzinfo=UTC), "12 月 21 日"),
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), "1 月 1 日"),
    ],
)
def test_day_is_the_day_in_china(value: date, text: str) -> None:
    assert filters.day(value) == text.replace(" ", NBSP)


def test_moment_and_time_are_those_in_china() -> None:
    at = datetime(2026, 12, 20, 10, 5, tzinfo=UTC)

    assert filters.moment(at) == "12 月 20 日 18:05".replace(" ", NBSP)
    assert filters.clock_time(at) == "18:05"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (41286, "41,286")])
def test_thousands_are_set_apart(value: int, text: str) -> None:
    assert filters.thousands(value) == text


def test_every_filter_is_there_for_templates(app: Flask) -> None:
    assert [
        name
        for name in ("day", "moment", "clock_time", "thousands", "grouped")
        if name not in app.jinja_env.filters
    ] == []


def test_file_is_sent_under_a_chinese_name_that_cannot_break_the_header(app: Flask) -> None:
    with app.test_request_context():
        answer = attachment(b"x", name='成绩 "7"\r\nX: y.csv', mimetype="text/csv")

    named = "%E6%88%90%E7%BB%A9%20%227%22%0D%0AX%3A%20y.csv"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{named}"
    assert answer.mimetype == "text/csv"


def test_picture_is_shown_in_the_page(app: Flask) -> None:
    with app.test_request_context():
        answer = picture(b"x", "image/png")

    assert (answer.mimetype, "Content-Disposition" in answer.headers) == ("image/png", False)


def test_health_answers_without_the_database(app: Flask, phone: Browser, watch: Any) -> None:
    with watch.counting() as seen:
        answer = phone.get("/healthz")

    assert (answer.status_code, answer.text, seen) == (200, "ok\n", [])


def test_readiness_names_the_command_when_the_revision_is_wrong(app: Flask, phone: Browser) -> None:
    answer = phone.get("/readyz")  # the tests' tables are made without migrations

    assert answer.status_code == 503
    assert "quizsvc db upgrade" in answer.text


def test_readiness_at_the_right_revision(app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.ScriptDirectory, "get_current_head", lambda _script: None)

    assert (phone.get("/readyz").status_code, phone.get("/readyz").text) == (200, "ready\n")
