"""R10: answers under a bad network and a phone that dies, in a real Chromium with a clock that can be turned."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route

from quizsvc.core import marking
from tests import prerequisites
from tests.browser.conftest import DEVICE, PATIENCE_MS, PHONE, Room, Server, launched, serving
from tests.drills import Drill, Outcome

CUTS = {True: 50, False: 4}
STEPS = 12
LOSS_BOUND_MS = 10_000
LONGEST_BACK_OFF_MS = 32_000
SETTLED = "() => document.getElementById('save').dataset.s !== 'wait'"  # as a function: text is forbidden by our policy


@dataclass
class Network:
    """What happens to saves on their way: lost going, lost coming, twice, or late and out of order."""

    chance: random.Random
    faulty: bool
    late: list[Request] = field(default_factory=list)

    def carry(self, route: Route) -> None:
        """Treat one request."""
        fate = (
            self.chance.choice(("goes", "goes", "lost", "answer lost", "twice", "late", "late"))
            if self.faulty
            else "goes"
        )
        if fate in ("answer lost", "twice"):
            route.fetch()
        if fate == "late":
            self.late.append(route.request)
        if fate in ("goes", "twice"):
            route.continue_()
        else:
            route.abort()

    def deliver_late(self, context: BrowserContext) -> None:
        """Let what was held back arrive now, newest first."""
        while self.late:
            held = self.late.pop()
            context.request.post(held.url, data=held.post_data, headers=held.headers, max_redirects=0)


@dataclass
class Sitting:
    """What the pupil did: choices in order with the page's time, and what the page has called saved."""

    chosen: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    acknowledged: dict[int, int] = field(
        default_factory=dict
    )  # position -> number of choices that were saved
    clock_ms: int = 0

    def allowed(self, position: int, *, network_was_good: bool) -> set[str]:
        """Name the answers the server may hold for a question after the phone is gone."""
        choices = self.chosen[position]
        kept = self.acknowledged.get(position, 0)
        if network_was_good:
            kept = max(kept, sum(made + LOSS_BOUND_MS <= self.clock_ms for made, _ in choices))
        return {token for _, token in choices[max(kept - 1, 0) :]} | ({""} if kept == 0 else set())


def _wait(page: Page, sitting: Sitting, ms: int) -> None:
    page.clock.fast_forward(ms)
    sitting.clock_ms += ms
    page.wait_for_timeout(60)
    if page.evaluate("document.getElementById('save').dataset.s") == "ok":
        sitting.acknowledged = {position: len(made) for position, made in sitting.chosen.items()}


def _opened(context: BrowserContext, room: Room, attempt_id: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.clock.install(time=0)
    page.goto(f"{room.server.url}/a/{attempt_id}")
    return page


def _cut(server: Server, chromium: Browser, number: int) -> str | None:
    """Play one sitting that is cut short; say what was lost, if anything."""
    chance = random.Random(number)
    room = server.opened(1, paper="single")
    attempt_id = room.started(seat=1)
    network, sitting = Network(chance, faulty=bool(number % 2)), Sitting()
    context = _phone(chromium, server)
    try:
        context.route("**/save", network.carry)
        page = _opened(context, room, attempt_id)
        for _ in range(STEPS):
            _step(page, sitting, chance)
            if chance.random() < 0.15:
                network.deliver_late(context)
        page.close()
        network.deliver_late(context)
        lost = _after_the_phone_died(server, sitting, attempt_id, network_was_good=not network.faulty)
        if lost is None:
            network.faulty = False
            lost = _after_it_was_opened_again(server, _opened(context, room, attempt_id), sitting, attempt_id)
        return lost and f"cut {number}: {lost}"
    finally:
        context.close()


def _phone(chromium: Browser, server: Server) -> BrowserContext:
    context = chromium.new_context(**PHONE)
    context.add_cookies([{"name": "phone", "value": DEVICE, "url": server.url}])
    return context


def _step(page: Page, sitting: Sitting, chance: random.Random) -> None:
    count = page.locator("fieldset.q").count()
    position = chance.randint(1, count)
    page.evaluate(f"location.hash = '#q{position}'")
    page.wait_for_selector(f"fieldset.q.on:nth-of-type({position}), #q{position}.on")
    options = page.locator(".q.on .opt")
    option = options.nth(chance.randrange(options.count()))
    option.click()
    token = option.locator("input").get_attribute("value") or ""
    sitting.chosen.setdefault(position, []).append((sitting.clock_ms, token))
    _wait(page, sitting, chance.choice((100, 400, 1100, 3000, 12_000)))


def _stored(server: Server, attempt_id: str) -> dict[int, str]:
    return {position: "".join(saved.chosen) for position, saved in server.sheet(attempt_id).answers.items()}


def _after_the_phone_died(
    server: Server, sitting: Sitting, attempt_id: str, *, network_was_good: bool
) -> str | None:
    stored = _stored(server, attempt_id)
    for position in sitting.chosen:
        allowed = sitting.allowed(position, network_was_good=network_was_good)
        if stored.get(position, "") not in allowed:
            return f"question {position} holds {stored.get(position)!r}, not one of {sorted(allowed)}"
    return None


def _after_it_was_opened_again(server: Server, page: Page, sitting: Sitting, attempt_id: str) -> str | None:
    for _ in range(3):
        page.clock.fast_forward(LONGEST_BACK_OFF_MS)
        page.wait_for_function(SETTLED)
    newest = {position: choices[-1][1] for position, choices in sitting.chosen.items()}
    stored = _stored(server, attempt_id)
    return None if stored == newest else f"opened again: {stored} instead of {newest}"


def _cuts(number: int) -> list[str]:
    program = prerequisites.chromium()
    if program is None:
        return ["no Chromium"]
    with (
        TemporaryDirectory(prefix="quizsvc-autosave-") as folder,
        serving(Path(folder)) as server,
        launched(program) as chromium,
    ):
        return [lost for cut in range(number) if (lost := _cut(server, chromium, cut))]


def run(full: bool) -> Outcome:
    """Cut many sittings short."""
    lost = _cuts(CUTS[full])
    return Outcome(
        not lost, lost[0] if lost else f"{CUTS[full]} cuts, nothing acknowledged or older than 10 s lost"
    )


def _what_comes_last_wins(_full: bool) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(marking, "merge", lambda saved, incoming: marking.Merged({**saved, **incoming}, ()))
        lost = _cuts(6)
    return Outcome(not lost, lost[0] if lost else "nothing lost")


CANARIES: dict[str, Callable[[bool], Outcome]] = {"a stale save wins": _what_comes_last_wins}
DRILL = Drill("R10", "a bad network and a dead phone lose at most the last 10 s", run, CANARIES)
