"""A staff member's browser: signed in without the password page, posts with the form token."""

import re
from html import unescape
from typing import Any

from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from quizsvc import clock
from quizsvc.roster.models import Unit
from tests import make
from tests.support import Browser

TOKEN = "a" * 40


class Desk:
    """One staff member with grants (role, unit), before a screen."""

    def __init__(self, app: Flask, login: str, *grants: tuple[str, Unit | None]) -> None:
        person = make.a_staff(login, login, *grants)
        self.staff_id: int = person.id
        self.browser: Browser = app.test_client()
        self._token = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(TOKEN)
        seen = int(clock.now().timestamp())
        with self.browser.session_transaction() as session:
            session.update(
                {"_user_id": f"{person.id}:{person.epoch}", "since": seen, "seen": seen, "csrf_token": TOKEN}
            )

    def get(self, address: str) -> Any:
        return self.browser.get(address)

    def page(self, address: str) -> str:
        answer = self.browser.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, address: str, **fields: Any) -> Any:
        return self.browser.post(address, data={"csrf_token": self._token, **fields})


def text_of(page: str) -> str:
    """The words of a page, without tags, entities and doubled or hard spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))
