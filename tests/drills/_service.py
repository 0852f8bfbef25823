"""A service of its own for a drill: a seeded county, the real server, phones that sit in it."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from sqlalchemy import select

from benchmarks.phone import ADDRESS, Page, Phone, choices_on
from benchmarks.servers import Server, free_port
from benchmarks.sittings import SEATS, seed
from quizsvc import wsgi
from quizsvc.app import create_app
from quizsvc.attempt.models import Attempt
from quizsvc.db import db
from tests import postgres

SERVE = ("quizsvc.cli", "serve")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a drill keeps its service: settings as environment, and the doors of its classes."""

    folder: Path
    environ: Mapping[str, str]
    doors: Sequence[Mapping[str, str]]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.environ["QUIZSVC_PORT"])

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "quizsvc.sqlite"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def server(
        self, arguments: Sequence[str] = SERVE, *, within: Path | None = None, under: Sequence[str] = ()
    ) -> Server:
        """Start the service, perhaps that of another folder, under another program, or an entry of the drills."""
        return Server(
            arguments, port=self.port, ready="/healthz", log=self.log, environ=self.environ,
            within=within, under=under,
        )  # fmt: skip

    def seats(self, count: int) -> list[tuple[str, int]]:
        """List so many seats: code of the link, number."""
        every = [(door["code"], seat) for door in self.doors for seat in range(1, SEATS + 1)]
        return every[:count]


def environ_of(folder: Path, database: str = "", **settings: str) -> dict[str, str]:
    """Return the settings of an instance of its own, whatever the caller's environment says."""
    port = free_port()
    ours = {
        "MODE": "demo", "INSTANCE": str(folder), "HOST": ADDRESS, "PORT": str(port),
        "DATABASE_URL": database or f"sqlite:///{folder}/quizsvc.sqlite",
        "PUBLIC_URL": f"http://{ADDRESS}:{port}", "PROCESSES": "2", "THREADS": "1", "LOW_DISK_MB": "0",
        "LOG_LEVEL": "WARNING", **{name.upper(): value for name, value in settings.items()},
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIZSVC_")}
    return kept | {f"QUIZSVC_{name}": value for name, value in ours.items()}


_lifetime = ExitStack()


@cache
def _seeded(classes: int) -> tuple[Path, list[dict[str, str]]]:
    """Seed a SQLite county once; every drill starts from a copy."""
    folder = Path(_lifetime.enter_context(tempfile.TemporaryDirectory(prefix="quizsvc-seed-")))
    return folder, seed(environ_of(folder), classes)


@contextmanager
def home(
    seats: int, *, folder: Path | None = None, on_postgres: bool = False, **settings: str
) -> Iterator[Home]:
    """Make a seeded county for so many pupils, in a folder that is given or passes away."""
    classes = -(-seats // SEATS)
    with ExitStack() as open_:
        made = (
            folder or Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="quizsvc-drill-"))) / "home"
        )
        made.mkdir(exist_ok=True)
        if on_postgres:
            cluster = open_.enter_context(postgres.cluster(durable=True))
            environ = environ_of(made, cluster.database("drill"), **settings)
            yield Home(made, environ, seed(environ, classes))
            return
        source, doors = _seeded(classes)
        shutil.copytree(source, made, dirs_exist_ok=True)
        yield Home(made, environ_of(made, **settings), doors)


class Pupil:
    """A pupil with one phone on one connection, who notes what was acknowledged."""

    def __init__(self, port: int, code: str, seat: int) -> None:
        self.phone, self.code, self.seat = Phone(port), code, seat
        self.path = ""
        self.offered: dict[int, list[str]] = {}
        self.kept: dict[int, str] = {}
        self.handed_in = False
        self._sequence = 0

    @property
    def attempt_id(self) -> str:
        """The attempt in the address of the questions."""
        return self.path.removeprefix("/a/")

    def start(self) -> Page:
        """Confirm the seat and begin."""
        fields = [("seat", str(self.seat)), ("s", "")]
        self.phone.post("who", f"/c/{self.code}/who", fields)
        page = self.phone.post("start", f"/c/{self.code}/start", fields)
        if page.status == 303:
            self.path = page.headers["location"]
            self.offered = choices_on(self.phone.get("questions", self.path).text)
        return page

    def save(self, position: int, choice: int) -> Page:
        """Choose an option of a question and have it stored."""
        token = self.offered[position][choice % len(self.offered[position])]
        self._sequence += 1
        page = self.phone.post(
            "save",
            f"{self.path}/save",
            [(f"n{position}", str(self._sequence)), (f"q{position}", token)],
            by_script=True,
        )
        if page.status == 204:
            self.kept[position] = token
        return page

    def submit(self) -> Page:
        """Hand in what was stored, as it is."""
        page = self.phone.post("submit", f"{self.path}/submit", [], by_script=True)
        self.handed_in = self.handed_in or page.status == 200
        return page


def stored(place: Home) -> dict[str, tuple[bool, dict[int, str]]]:
    """Read what the database holds: attempt -> whether it is handed in, the option chosen at each position."""
    app = create_app(wsgi.settings(**short(place.environ)))
    with app.app_context():
        rows = db.session.execute(select(Attempt.id, Attempt.submitted_at, Attempt.answers)).all()
        db.session.remove()
        db.engine.dispose()
    return {
        attempt_id: (
            submitted_at is not None,
            {int(position): chosen[0] for position, (_, chosen) in answers.items() if chosen},
        )
        for attempt_id, submitted_at, answers in rows
    }


def short(environ: Mapping[str, str]) -> dict[str, str]:
    """Return our variables of an environment by their short names."""
    return {
        name.removeprefix("QUIZSVC_").lower(): value
        for name, value in environ.items()
        if name.startswith("QUIZSVC_")
    }


def lost(place: Home, pupils: Sequence[Pupil]) -> int:
    """Count the pupils of whom something acknowledged is not there."""
    there = stored(place)
    return sum(
        (pupil.handed_in and not there[pupil.attempt_id][0])
        or any(there[pupil.attempt_id][1].get(position) != token for position, token in pupil.kept.items())
        if pupil.attempt_id in there
        else bool(pupil.handed_in or pupil.kept)
        for pupil in pupils
    )


def at_once(clients: int, things: Sequence[T], act: Callable[[T], object]) -> list[Exception]:
    """Do something with each of them, by so many at a time; return what went wrong."""
    waiting, wrong = SimpleQueue[T](), list[Exception]()
    for thing in things:
        waiting.put(thing)

    def work() -> None:
        while True:
            try:
                thing = waiting.get_nowait()
            except Empty:
                return
            try:
                act(thing)
            except Exception as error:  # noqa: BLE001 the drill says what it was
                wrong.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong
