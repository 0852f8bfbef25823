"""A survey in a real browser: questions come and go at once, and what was typed is kept until it is sent."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from quizsvc.core import linkcode
from tests import make
from tests.browser.conftest import Phone, Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CODE = linkcode.compose("5RVEYB")
KEPT = "JSON.stringify(sessionStorage)"


def test_questions_come_and_go_and_what_was_typed_is_kept_until_it_is_sent(
    phone: Phone, server: Server
) -> None:
    now = datetime.now(UTC)
    hours = {"opens_at": now - timedelta(hours=1), "closes_at": now + timedelta(hours=1)}
    with server.app.app_context():
        make.a_survey(server.school, code=CODE, identity="anonymous", **hours)
    page = phone.page
    phone.visit(f"/c/{CODE}/survey")
    expect(page.locator("#q1")).to_be_hidden()

    page.click("#q0 .opt >> nth=0")
    page.click("#q1 .rate label >> nth=3")
    page.fill("[name=q2]", "写到一半")
    phone.visit(f"/c/{CODE}/survey")

    expect(page.locator("#q1")).to_be_visible()
    expect(page.locator("[name=q1][value='4']")).to_be_checked()
    expect(page.locator("[name=q2]")).to_have_value("写到一半")
    page.click("#q0 .opt >> nth=1")
    expect(page.locator("#q1")).to_be_hidden()
    phone.follow("#send")
    expect(page.locator("h1")).to_have_text("收到了，谢谢")
    assert page.evaluate(KEPT) == "{}"
