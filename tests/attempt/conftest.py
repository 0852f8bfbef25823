"""A class of three behind one link, and a phone that walks through it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from quizsvc.attempt import queries
from quizsvc.campaign.models import Round
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.paper import queries as paper
from quizsvc.roster.models import Unit
from tests import make
from tests.support import Browser

CODE = "7K3M9Q8"


@dataclass
class Classroom:
    """七年级（3）班 with an open round over a paper of three items."""

    unit: Unit
    round: Round
    link: Link


@pytest.fixture
def classroom(app: Any, at: Any) -> Classroom:
    return a_classroom()


def a_classroom(pupils: int = 3, **changes: Any) -> Classroom:
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=pupils, names=changes.get("identity") == "roster")
    round_ = make.a_round(unit, **changes)
    return Classroom(unit, round_, make.a_link(round_, unit, code=CODE))


class Pupil:
    """One seat behind one phone; knows the key, so that tests can answer right or wrong."""

    def __init__(self, phone: Browser, seat: int = 1, code: str = CODE) -> None:
        self.phone, self.seat, self.code, self.attempt_id = phone, seat, code, ""

    def start(self, **fields: str) -> Any:
        answer = self.phone.post(f"/c/{self.code}/start", data={"seat": str(self.seat), **fields})
        found = re.fullmatch(r"/a/([a-z2-7]+)(/result)?", answer.headers.get("Location", ""))
        if found:
            self.attempt_id = found[1]
        return answer

    @property
    def sheet(self) -> queries.Sheet:
        db.session.rollback()
        return queries.sheet(self.attempt_id)

    def tokens(self, right: Callable[[int], bool] = lambda position: True) -> dict[int, list[str]]:
        """The tokens to post for each position: the key, or one wrong option."""
        state = self.sheet
        frozen = paper.frozen(state.paper_id)
        view = paper.view(frozen, state.form, state.seed)
        chosen = {}
        for item, (index, _) in zip(view.items, state.form, strict=True):
            source = frozen.items[index].item
            keys = {option.text for option in source.options if option.key}
            wanted = [o.token for o in item.options if (o.text in keys) == right(item.position)]
            chosen[item.position] = wanted if right(item.position) else wanted[:1]
        return chosen

    def fields(self, chosen: Mapping[int, list[str]], seq: Mapping[int, int] | int = 0) -> dict[str, Any]:
        """The posted form: `seq` 0 is a page without script."""
        data: dict[str, Any] = {}
        for position, tokens in chosen.items():
            number = seq if isinstance(seq, int) else seq[position]
            data[f"n{position}"] = str(number or "")
            data[f"q{position}"] = tokens
        return data

    def save(self, chosen: Mapping[int, list[str]], seq: Mapping[int, int] | int = 1) -> Any:
        return self.phone.post(
            f"/a/{self.attempt_id}/save", data=self.fields(chosen, seq), headers={"X-Requested-With": "quiz"}
        )

    def submit(self, chosen: Mapping[int, list[str]] | None = None, **fields: str) -> Any:
        data = {**self.fields(chosen or {}), **fields}
        return self.phone.post(f"/a/{self.attempt_id}/submit", data=data)

    def result(self) -> str:
        return self.phone.get(f"/a/{self.attempt_id}/result").get_data(as_text=True)
