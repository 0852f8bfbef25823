"""Browsers of staff who have just signed in, for tests that make the people themselves (tests.desk makes one)."""

import re
from typing import Any

from flask import Flask

from quizsvc import clock
from quizsvc.staff.models import Staff
from tests.support import Browser


def signed_in(app: Flask, staff: Staff) -> Browser:
    """A browser in which this person has just signed in."""
    browser = app.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = f"{staff.id}:{staff.epoch}"
        session["since"] = session["seen"] = int(clock.now().timestamp())
    return browser


def token(browser: Browser) -> str:
    """The token of this browser's forms."""
    page = browser.get("/staff/account")
    if page.status_code == 303:
        page = browser.get("/staff/sign-in")
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]


def post(browser: Browser, address: str, **fields: Any) -> Any:
    """Post a form of a staff page."""
    return browser.post(address, data={"csrf_token": token(browser), **fields})
