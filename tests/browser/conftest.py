"""The application behind a real server, a real Chromium, and phones that note whatever goes wrong on them."""

import re
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy.exc import OperationalError
from waitress import wasyncore
from waitress.server import create_server

from quizsvc import audit
from quizsvc.app import create_app
from quizsvc.attempt import operations, queries
from quizsvc.campaign import queries as campaign
from quizsvc.core import bankfile, linkcode
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.settings import PROJECT, Settings
from tests import make, prerequisites

BANK = PROJECT / "question_banks" / "secondary"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
PHONE = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "has_touch": True, "is_mobile": True}
DEVICE = "a-phone-of-these-tests"
PATIENCE_MS = 15_000  # a busy machine; nothing waits this long when it works


def real_bank() -> list[bankfile.Item]:
    """Read the items that the project ships."""
    return [
        bankfile.item_of(
            {name: str(value) if isinstance(value, date) else value for name, value in entry.items()}
        )
        for file in sorted(BANK.glob("[0-9]*.toml"))
        for entry in tomllib.loads(file.read_text())["item"]
    ]


def of_every_kind(items: list[bankfile.Item], count: int = 10) -> list[bankfile.Item]:
    """Pick items of all kinds, with and without a scene, no two of one twin group; true_false first."""
    chosen: dict[str, bankfile.Item] = {}
    for kind, most in (("true_false", 2), ("multiple_choice", 4), ("single_choice", count)):
        for item in items:
            if item.kind == kind and (item.twin or item.code) not in chosen and len(chosen) < most:
                chosen[item.twin or item.code] = item
    return list(chosen.values())


@dataclass
class Server:
    """The application on a port of its own, with real items and as many classes as the tests ask for."""

    app: Flask
    url: str
    papers: dict[str, int]
    school: Any
    made: int = 0

    def opened(self, pupils: int = 45, paper: str = "mixed", **changes: Any) -> "Room":
        """A new class with an open round of its own."""
        now = datetime.now(UTC)
        self.made += 1
        values = {
            "opens_at": now - timedelta(days=2), "closes_at": now + timedelta(days=8), "frozen_at": now,
        }  # fmt: skip
        with self.app.app_context():
            unit = make.a_class(
                self.school, pupils, code=f"c{self.made}", names=changes.get("identity") == "roster"
            )
            form = db.session.get(Paper, self.papers[paper])
            round_ = make.a_round(unit, paper=form, **{**values, **changes})
            code = linkcode.compose(linkcode.body_from(self.made, linkcode.BODY_LENGTH))
            make.a_link(round_, unit, code=code)
            return Room(self, code, round_.id)

    def sheet_opened(self, kind: str, pupils: int = 45, **changes: Any) -> "Room":
        """A new class with an open round of receipts, pledges, adoption or a survey."""
        with self.app.app_context():
            paper_id = make.a_sheet_paper(kind, **changes.pop("says", {}))
            row = make.a_sheet_round(self.school, kind, paper_id)
            policy = {name: getattr(row, name) for name in ("title", "attempts", "counted", "late")}
        return self.opened(pupils, kind=kind, paper_id=paper_id, **policy, **changes)

    def test_campaign(self) -> Any:
        """A campaign whose rounds do not count."""
        with self.app.app_context():
            return make.a_campaign(self.school, is_test=True)

    def position_of(self, attempt_id: str, kind: str) -> int:
        """Find the first question of a kind in an attempt."""
        with self.app.app_context():
            state = queries.sheet(attempt_id)
            view = paper.view(paper.frozen(state.paper_id), state.form, state.seed)
        return next(item.position for item in view.items if item.kind == kind)

    @contextmanager
    def busy(self, endpoint: str) -> Iterator[None]:
        """Let one view meet a database that is busy."""
        view = self.app.view_functions[endpoint]

        def fail(**_: str) -> None:
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))

        self.app.view_functions[endpoint] = fail
        yield
        self.app.view_functions[endpoint] = view

    def sheet(self, attempt_id: str) -> queries.Sheet:
        """Read an attempt from the database."""
        with self.app.app_context():
            return queries.sheet(attempt_id)


@dataclass
class Room:
    """One class behind one link."""

    server: Server
    code: str
    round_id: int

    @property
    def address(self) -> str:
        return f"{self.server.url}/c/{self.code}"

    def started(self, seat: int = 27, device: str = DEVICE) -> str:
        """Begin an attempt without a browser; a phone gets it with `own`."""
        with self.server.app.app_context():
            begun = operations.start(
                code=self.code, seat=seat, source="poster", device=device, at=datetime.now(UTC)
            )
        return begun.attempt_id

    def tokens(self, attempt_id: str, right: Callable[[int], bool]) -> dict[int, queries.Saved]:
        """Answer every item, right or with its first wrong option."""
        with self.server.app.app_context():
            state = queries.sheet(attempt_id)
            frozen = paper.frozen(state.paper_id)
            view = paper.view(frozen, state.form, state.seed)
        answers = {}
        for item, (index, _) in zip(view.items, state.form, strict=True):
            keys = {option.text for option in frozen.items[index].item.options if option.key}
            wanted = [o.token for o in item.options if (o.text in keys) == right(item.position)]
            answers[item.position] = queries.Saved(1, tuple(wanted if right(item.position) else wanted[:1]))
        return answers

    def practice_token(self, attempt_id: str, right: bool) -> str:
        """Return an option of the first practice item, the key or not."""
        with self.server.app.app_context():
            state = queries.sheet(attempt_id)
            frozen = paper.frozen(state.paper_id)
            index = state.form[0][0]
            item = paper.view(frozen, ((index, 1),), f"{state.seed}|practice|0").items[0]
            keys = {option.text for option in frozen.items[index].item.options if option.key}
        return next(option.token for option in item.options if (option.text in keys) == right)

    def hand_in(self, attempt_id: str, right: Callable[[int], bool]) -> None:
        """Submit an attempt without a browser."""
        incoming = self.tokens(attempt_id, right)
        with self.server.app.app_context():
            operations.submit(attempt_id=attempt_id, device=DEVICE, incoming=incoming, at=datetime.now(UTC))

    def void(self, attempt_id: str) -> None:
        """Let the teacher give the seat free again."""
        with self.server.app.app_context():
            state = queries.sheet(attempt_id)
            operations.release(
                round_=campaign.round_of(self.round_id),
                unit_id=state.unit_id,
                seat=state.seat,
                reason="序号点错了",
                at=datetime.now(UTC),
                actor=audit.CLI,
            )

    def submitted(self, right: Callable[[int], bool] = lambda position: True, seat: int = 27) -> str:
        """Begin and submit an attempt without a browser."""
        attempt_id = self.started(seat)
        self.hand_in(attempt_id, right)
        return attempt_id


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Run the application on 127.0.0.1 the way `quizsvc serve` does, by the real clock."""
    settings = Settings(
        mode="demo",
        instance=folder,
        database_url=f"sqlite:///{folder / 'quizsvc.sqlite'}",
        secret_key="tests-only-" + "x" * 32,
        public_url="http://fz.test",
        key_file=folder / "keys",
        sqlite_synchronous="NORMAL",
        log_level="CRITICAL",
    )
    app = create_app(settings)
    waiting = create_server(app, host="127.0.0.1", port=0, threads=4, ident=None)
    thread = threading.Thread(target=waiting.run)
    with app.app_context():
        db.create_all()
        school = make.a_school(make.a_county())
        made = Server(app, f"http://127.0.0.1:{waiting.effective_port}", papers(), school)
    thread.start()
    try:
        yield made
    finally:
        waiting.trigger.pull_trigger(lambda: wasyncore.close_all(waiting._map))
        thread.join()
        waiting.task_dispatcher.shutdown()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The application behind a real server, for all tests of this folder."""
    with serving(tmp_path_factory.mktemp("browser")) as made:
        yield made


def papers() -> dict[str, int]:
    """Freeze the whole bank (ten are drawn), ten items of every kind, and four with a single choice."""
    items = real_bank()
    whole = make.a_paper(pool=items, drawn=10)
    single = [item for item in items if item.kind == "single_choice"]
    return {
        "whole": whole.id,
        "mixed": part_of(whole, of_every_kind(items)),
        "single": part_of(whole, of_every_kind(single, 4)),
    }


def part_of(whole: Paper, items: list[bankfile.Item]) -> int:
    """Freeze a paper of some items of another, all drawn."""
    wanted = {item.code for item in items}
    content = {
        "blueprint": {"rules": [{"count": len(wanted), "points": 10}], "fixed": []},
        "items": [entry for entry in whole.content["items"] if entry["item"]["code"] in wanted],
    }
    return make.saved(
        Paper(code=f"part-{len(wanted)}", kind="quiz", title="反诈知识测试", content=content,
              content_hash="1" * 64, frozen_at=make.LONG_AGO)
    ).id  # fmt: skip


@pytest.fixture(autouse=True)
def own_papers() -> Iterator[None]:
    """Papers are remembered by number for the whole process; this server's are not the other tests'."""
    paper.forget()
    yield
    paper.forget()


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """Run this machine's Chromium."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    installed = prerequisites.chromium()
    if installed is None:
        pytest.skip(next(line for line in prerequisites.missing() if "Chromium" in line))
    with launched(installed) as browser:
        yield browser


@dataclass
class Phone:
    """One browser context with one page; notes console errors and requests to anywhere else."""

    server: Server
    context: BrowserContext
    page: Page
    expects: tuple[str, ...] = ()
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> Page:
        """Note what goes wrong on a page."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self._note(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", lambda request: self._elsewhere(request.url))
        return page

    def _note(self, text: str) -> None:
        if not any(expected in text for expected in self.expects):
            self.complaints.append(text)

    def _elsewhere(self, url: str) -> None:
        if not url.startswith((f"{self.server.url}/", "data:")):
            self.complaints.append(f"request to {url}")

    def own(self, device: str = DEVICE) -> None:
        """Make this phone the device of attempts that were begun without a browser."""
        self.context.add_cookies([{"name": "phone", "value": device, "url": self.server.url}])

    def begin(self, room: Room, seat: int = 27) -> str:
        """Scan, tap the seat, confirm; return the attempt."""
        self.page.goto(room.address)
        self.follow(f"button[value='{seat}']")
        self.follow("text=是我，开始答题")
        return self.attempt_id

    @property
    def attempt_id(self) -> str:
        return re.search(r"/a/([a-z2-7]+)", self.page.url)[1]

    def visit(self, path: str) -> None:
        self.page.goto(self.server.url + path)

    def follow(self, selector: str) -> None:
        """Click what leads to another page and wait until that page is there: a click does not wait."""
        with self.page.expect_navigation():
            self.page.click(selector)

    def tap(self, option: int = 0) -> str:
        """Choose an option of the question on the screen; return its token."""
        choice = self.page.locator(".q.on .opt").nth(option)
        choice.click()
        return choice.locator("input").get_attribute("value") or ""

    def tab(self) -> Page:
        """Open a second tab."""
        return self.watch(self.context.new_page())


@pytest.fixture
def phones(chromium: Browser, server: Server) -> Iterator[Callable[..., Phone]]:
    """Phones of 390 × 844; `expects` are parts of console errors that belong to the test."""
    opened: list[Phone] = []

    def another(expects: tuple[str, ...] = (), **options: Any) -> Phone:
        context = chromium.new_context(**{**PHONE, **options})
        phone = Phone(server, context, context.new_page(), expects)
        phone.watch(phone.page)
        opened.append(phone)
        return phone

    yield another
    for phone in opened:
        phone.context.close()
    assert [complaint for phone in opened for complaint in phone.complaints] == []


@pytest.fixture
def phone(phones: Callable[..., Phone]) -> Phone:
    return phones()
