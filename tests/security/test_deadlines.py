"""T05: the server's clock alone decides. Every hand-in against an oracle of its own; no question before the start."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from math import inf
from typing import Any, Final

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from quizsvc.attempt import operations, queries
from quizsvc.attempt.models import Attempt
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Round
from quizsvc.core import window
from quizsvc.core.marking import Saved
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.paper import queries as paper
from quizsvc.roster.models import Enrolment
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.support import Browser

DEVICE = "d" * 22
TICK = timedelta(microseconds=1)

VERDICTS: Final = {  # how many seconds after the end a hand-in still gets which verdict
    "submit_from_saved": ((60, "accepted"), (inf, "closed")),
    "accept_flagged": ((60, "accepted"), (1860, "late"), (inf, "closed")),
    "reject": ((60, "accepted"), (inf, "void")),
}


@dataclass(frozen=True)
class Case:
    """One sitting; all times in seconds from its start. `after_s` counts from the moment the oracle calls the end."""

    policy: str
    limit_s: int | None
    extra_min: int
    closes_s: int
    link_closes_s: int | None
    after_s: float

    @property
    def end_s(self) -> int:
        ends = [self.closes_s if self.link_closes_s is None else max(self.closes_s, self.link_closes_s)]
        if self.limit_s is not None:
            ends.append(self.limit_s + 60 * self.extra_min)
        return min(ends)

    @property
    def verdict(self) -> str:
        return next(said for until, said in VERDICTS[self.policy] if self.after_s <= until)


EDGES = [-1, 0, 59, 60, 60.000001, 61, 1859, 1860, 1860.000001, 1861, 90_000]
CASES = st.builds(
    Case,
    policy=st.sampled_from(sorted(VERDICTS)),
    limit_s=st.none() | st.integers(60, 4000),
    extra_min=st.sampled_from([0, 0, 1, 30]),
    closes_s=st.integers(2, 8000),
    link_closes_s=st.none() | st.integers(2, 12_000),
    after_s=st.sampled_from(EDGES) | st.integers(0, 4000),
)
TABLE = [
    Case(policy, limit_s, extra_min, 900, link_closes_s, after_s)
    for policy in VERDICTS
    for limit_s, extra_min, link_closes_s in ((None, 0, None), (300, 0, None), (300, 30, 2000))
    for after_s in (60, 61, 1860, 1861)
]
_number = count(1)


@dataclass
class Bench:
    """A class that gets another seat for each case."""

    room: Classroom

    def judge(self, case: Case) -> str:
        """Sit the case with one right answer saved and three handed in, and tell what became of it."""
        seat = next(_number)
        make.saved(Enrolment(unit_id=self.room.unit.id, term=make.TERM, seat=seat, joined_at=make.LONG_AGO))
        self._set(case)
        attempt_id = operations.start(
            code=CODE, seat=seat, source="poster", device=DEVICE, at=NOON
        ).attempt_id
        if case.limit_s and case.extra_min:
            operations.extend(
                round_=campaign.round_of(self.room.round.id), unit_id=self.room.unit.id, seat=seat,
                minutes=case.extra_min, at=NOON, actor=operations.audit.CLI,
            )  # fmt: skip
        right = self._right(attempt_id)
        operations.save(attempt_id=attempt_id, device=DEVICE, incoming={1: right[1]}, at=NOON)
        at = NOON + timedelta(seconds=case.end_s) + timedelta(seconds=case.after_s)
        due = attempt_id in queries.ran_out(at, 10_000)
        said = self._hand_in(attempt_id, right, at)
        return said if due == (said in ("closed", "void")) else f"{said}, but the sweeper thinks otherwise"

    def _set(self, case: Case) -> None:
        ends = NOON + timedelta(seconds=case.closes_s)
        link_ends = None if case.link_closes_s is None else NOON + timedelta(seconds=case.link_closes_s)
        db.session.execute(update(Round).values(late=case.policy, limit_s=case.limit_s, closes_at=ends))
        db.session.execute(update(Link).values(closes_at=link_ends))
        db.session.commit()

    def _right(self, attempt_id: str) -> dict[int, Saved]:
        sheet = queries.sheet(attempt_id)
        frozen = paper.frozen(sheet.paper_id)
        return {
            item.position: Saved(1, tuple(o.token for o in item.options if o.text == "停下来问问老师"))
            for item in paper.view(frozen, sheet.form, sheet.seed).items
        }

    def _hand_in(self, attempt_id: str, body: dict[int, Saved], at: datetime) -> str:
        key: dict[str, Any] = {"attempt_id": attempt_id, "device": DEVICE, "incoming": body, "at": at}
        try:
            operations.submit(**key)
        except operations.Over:
            operations.keep_late(**key)
        row = db.session.get_one(Attempt, attempt_id)
        facts = (row.score, row.late, row.overdue, row.voided_at is not None)
        return {
            (30, False, False, False): "accepted",
            (30, True, False, False): "late",
            (10, False, True, False): "closed",
            (None, False, True, True): "void",
        }.get(facts, str(facts))


@pytest.fixture
def bench(app: Flask, at: Any) -> Bench:
    return Bench(a_classroom(pupils=0))


@settings(max_examples=25, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(case=CASES)
def test_every_hand_in_gets_the_verdict_of_the_rules(bench: Bench, case: Case) -> None:
    assert bench.judge(case) == case.verdict


@settings(max_examples=200, deadline=None, database=None)
@given(case=CASES)
def test_rule_says_what_the_oracle_says(case: Case) -> None:
    end = NOON + timedelta(seconds=case.end_s)

    said = window.arrival(end + timedelta(seconds=case.after_s), end, case.policy)

    assert said == {"accepted": "in_time", "late": "late"}.get(case.verdict, "over")


def no_grace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(window, "GRACE_S", 0)


def everything_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(window, "accepts", lambda at, deadline: True)


def the_class_own_end_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(queries, "_deadline", lambda limit, closes, link_closes: min(limit or closes, closes))


def late_is_not_told(patch: pytest.MonkeyPatch) -> None:
    finish = operations._finish
    patch.setattr(operations, "_finish", lambda state, **facts: finish(state, **{**facts, "late": False}))


def the_sweeper_never_waits(patch: pytest.MonkeyPatch) -> None:
    due = queries._due
    patch.setattr(queries, "_due", lambda before: due(before + timedelta(seconds=1800)))


@pytest.mark.parametrize(
    "planted",
    [no_grace, everything_counts, the_class_own_end_is_forgotten, late_is_not_told, the_sweeper_never_waits],
)
def test_a_wrong_clock_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, planted: Callable[[pytest.MonkeyPatch], None]
) -> None:
    planted(monkeypatch)

    for case in TABLE:
        if bench.judge(case) != case.verdict:
            return
    pytest.fail("nobody noticed")


def test_table_of_verdicts_has_every_one(bench: Bench) -> None:
    assert {case.verdict for case in TABLE} == {"accepted", "late", "closed", "void"}


# --- the timer starts with the first look at the questions

STEM = re.compile(r"遇到第 \S+ 种情况")


def reachable(app: Flask, method: str, attempt_id: str) -> list[str]:
    """Every address of the pupils' pages, filled with what a pupil can know."""
    known = {"code": CODE, "attempt_id": attempt_id, "receipt": "0000ZZZZ"}
    return [
        app.url_map.bind("fz.test").build(
            rule.endpoint, {name: known[name] for name in rule.arguments}, method=method
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("attempt.") and method in rule.methods
    ]


def showing_questions(app: Flask, phone: Browser, attempt_id: str) -> list[str]:
    pages = {address: phone.get(address) for address in reachable(app, "GET", attempt_id)}
    pages |= {
        f"POST {address}": phone.post(address, data={"seat": "1", "step": "0"})
        for address in reachable(app, "POST", attempt_id)
        if not address.endswith("/start")
    }
    return [address for address, page in pages.items() if STEM.search(page.get_data(as_text=True))]


def test_no_route_shows_a_question_before_an_attempt_was_started(app: Flask, at: Any, phone: Browser) -> None:
    room = a_classroom(limit_s=600)
    somebody = Pupil(app.test_client(), 2)
    somebody.start()

    for attempt_id in ("x" * 24, somebody.attempt_id):
        assert showing_questions(app, phone, attempt_id) == []
    assert db.session.query(Attempt).count() == 1

    pupil = Pupil(phone)
    pupil.start()
    assert pupil.sheet.deadline == NOON + timedelta(seconds=600)
    assert f"/a/{pupil.attempt_id}" in showing_questions(app, phone, pupil.attempt_id)
    assert len(reachable(app, "GET", "x")) > 10
    assert room.round.limit_s == 600


def test_starting_again_starts_no_second_clock(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom(limit_s=600)
    pupil = Pupil(phone)
    pupil.start()
    began = pupil.sheet.deadline

    for seconds in (1, 300, 599):
        at(NOON + timedelta(seconds=seconds))
        pupil.start(started_at="2020-01-01", limit_ends_at="2030-01-01", at="0", begin="1")
        assert pupil.sheet.deadline == began
    at(NOON + timedelta(seconds=661))
    assert phone.get(f"/a/{pupil.attempt_id}").headers["Location"].endswith("/result")
