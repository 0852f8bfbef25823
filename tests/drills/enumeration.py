"""R22: how long an answer takes tells nothing, and a million guesses at attempts and receipts find none."""

import base64
import random
import re
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from quizsvc import clock, throttle
from quizsvc.attempt.models import Attempt
from quizsvc.core import linkcode
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.staff import queries as staff
from tests import make
from tests.attempt.conftest import CODE
from tests.drills import Drill, Outcome, _crowd

AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
REVOKED, NEVER = linkcode.compose("7K3M91"), linkcode.compose("7K3M92")
MOST_MS = 2.0
BATCH = 10_000

Ask = Callable[[FlaskClient], object]


def prepare() -> None:
    """Make a class with a seat of each kind, one revoked link, and one account with a password."""
    clock.now = lambda: AT
    paper.forget()
    unit = make.a_class(make.a_school(make.a_county()), pupils=3)
    round_ = make.a_round(unit)
    make.a_link(round_, unit, code=CODE)
    make.a_link(round_, unit, code=REVOKED, place="走廊", revoked_at=AT)
    make.an_attempt(round_, unit, 1, device_hash="d" * 64, ordinal=1, allowed=3)
    make.an_attempt(round_, unit, 2, submitted_at=None)
    person = make.a_staff("lin", "林老师", ("class_teacher", unit))
    person.password_hash = staff.HASHER.hash("青山绿水小船晚霞四个词")
    make.saved(person)


def a_start(seat: int) -> Ask:
    return lambda phone: phone.post(f"/c/{CODE}/start", data={"seat": str(seat)})


def a_landing(code: str) -> Ask:
    return lambda phone: phone.get(f"/c/{code}")


def a_sign_in(login: str, form: dict[str, str]) -> Ask:
    return lambda browser: browser.post(
        "/staff/sign-in", data={"login": login, "password": "wrong-wrong", **form}
    )


def tried(app: Flask) -> dict[str, tuple[Ask, Ask, FlaskClient]]:
    """Two askings each that must not be told apart: one about what is there, one about what is not."""
    phone, browser = (
        FlaskClient(app, app.response_class),
        FlaskClient(app, app.response_class, use_cookies=True),
    )
    page = browser.get("/staff/sign-in").text
    form = {"csrf_token": re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)[0]}
    return {
        "code": (a_landing(REVOKED), a_landing(NEVER), phone),
        "finished seat": (a_start(1), a_start(9), phone),
        "running seat": (a_start(2), a_start(9), phone),
        "login": (a_sign_in("lin", form), a_sign_in("nobody", form), browser),
    }


def difference_ms(
    known: Ask, unknown: Ask, client: FlaskClient, tries: int, stopwatch: Callable[[], float]
) -> float:
    """Ask in turns, in an order that chance decides, and compare the medians.

    Neighbours on a busy machine move a median too, but not three times in a row; what the code does it does each time.
    """
    chance, least = random.Random(1), float("inf")
    for _ in range(3):
        took: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(tries):
            for is_known in chance.sample((True, False), 2):
                before = stopwatch()
                (known if is_known else unknown)(client)
                took[is_known].append(stopwatch() - before)
        least = min(least, 1000 * abs(median(took[True]) - median(took[False])))
        if least < MOST_MS:
            break
    return least


def stopwatch_for(what: str, database: str) -> Callable[[], float]:
    """A password is checked, and SQLite works, inside this process: its own time tells, whoever else is busy."""
    return process_time if what == "login" or database == "SQLite" else perf_counter


def hits(values: Iterable[str], column: object) -> int:
    """Look so many guesses up at once."""
    return int(db.session.scalar(select(func.count()).select_from(Attempt).where(column.in_(list(values)))))


def guessed(number: int) -> tuple[int, int]:
    """Guess names of attempts and receipts by the way they are made; count what was found."""
    found = [0, 0]
    for start in range(0, number, BATCH):
        size = min(BATCH, number - start)
        ids = [base64.b32encode(secrets.token_bytes(15)).decode().lower() for _ in range(size)]
        receipts = [linkcode.body_from(secrets.randbits(40), 8) for _ in range(size)]
        found[0] += hits(ids, Attempt.id)
        found[1] += hits(receipts, Attempt.receipt)
    return found[0], found[1]


def measure(
    tries: int, guesses: int, only: tuple[str, ...] = (), kinds: tuple[str, ...] = _crowd.BOTH
) -> Outcome:
    """Time the pairs and guess, on the databases."""
    said, held = [], True
    with _crowd.databases(kinds) as made:
        for name, (url, folder) in made.items():
            with _crowd.application(url, folder) as app:
                prepare()
                pairs = {what: pair for what, pair in tried(app).items() if not only or what in only}
                slower = {
                    what: difference_ms(
                        *pair, tries // 10 if what == "login" else tries, stopwatch_for(what, name)
                    )
                    for what, pair in pairs.items()
                }
                found = guessed(guesses)
                live = hits(db.session.scalars(select(Attempt.id)), Attempt.id)
            held = held and max(slower.values()) < MOST_MS and found == (0, 0) and live == 2
            times = ", ".join(f"{what} {ms:.2f} ms" for what, ms in slower.items())
            said.append(f"{name} {times}, {found[0]} + {found[1]} found")
    return Outcome(held, f"{tries} tries a pair, {guesses:,} guesses twice; {'; '.join(said)}")


def limits_are_off(run: Callable[[], Outcome]) -> Outcome:
    """Take the limits away: they would stop the clock after some tries."""
    take = throttle.take
    throttle.take = lambda **_: None
    try:
        return run()
    finally:
        throttle.take = take


def early_return(_full: bool) -> Outcome:
    """Plant the fault: an unknown login is refused without the work of checking a password."""
    match = staff.Credentials.match
    staff.Credentials.match = lambda found, password: found.staff_id is not None and match(found, password)
    try:
        return limits_are_off(lambda: measure(60, 0, ("login",), ("SQLite",)))
    finally:
        staff.Credentials.match = match


DRILL = Drill(
    figure="R22",
    promise="guessing learns nothing, neither from time nor by luck",
    run=lambda full: limits_are_off(lambda: measure(2000, 1_000_000) if full else measure(150, 50_000)),
    canaries={"unknown login refused early": early_return},
)
