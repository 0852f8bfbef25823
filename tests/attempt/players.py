"""A phone in a contest of nicknames, which knows the key."""

import re
from typing import Any

from quizsvc.attempt.models import Attempt
from quizsvc.db import db
from quizsvc.roster.models import Unit
from tests import make
from tests.attempt.conftest import Pupil
from tests.support import Browser


class PlayerPhone(Pupil):
    """Joins behind a link and plays; `say` is what it writes when it joins."""

    def __init__(self, phone: Browser, code: str, **say: str) -> None:
        super().__init__(phone, code=code)
        self.say = {"nickname": "小雨点", **say}

    def play(self, **fields: str) -> Any:
        """Begin, or go on."""
        answer = self.phone.post(f"/c/{self.code}/play", data={**self.say, **fields})
        found = re.fullmatch(r"/a/([a-z2-7]+)(/result)?", answer.headers.get("Location", ""))
        if found:
            self.attempt_id = found[1]
        return answer

    def whole_go(self, wrong: int = 0) -> Any:
        """Play a go to its end, with so many wrong answers."""
        self.play()
        return self.submit(self.tokens(right=lambda position: position > wrong))

    def landing(self) -> str:
        return self.phone.get(f"/c/{self.code}").get_data(as_text=True)

    def own_page(self, round_code: str) -> str:
        return self.phone.get(f"/k/{round_code}/me").get_data(as_text=True)


def a_city() -> tuple[Unit, Unit, Unit, Unit]:
    """A city with two districts, and a tree of trades beside it with one member unit."""
    city = make.a_unit("hf", "合肥市", "city")
    east = make.a_unit("yh", "瑶海区", "county", city)
    make.a_unit("bh", "包河区", "county", city)
    trades = make.a_unit("hy", "行业", "company", city)
    return city, east, trades, make.a_unit("yd", "移动公司", "company", trades)


def goes() -> list[tuple[str, int]]:
    """Period and ordinal of every go, in order."""
    db.session.rollback()
    rows = db.session.query(Attempt.period, Attempt.ordinal).order_by(Attempt.period, Attempt.ordinal)
    return [tuple(row) for row in rows]
