"""Phones that hand in while processes are killed, and what the database must hold afterwards."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from queue import Empty, SimpleQueue

from benchmarks.bank import ASKED
from benchmarks.phone import Page, Phone, choices_on
from benchmarks.servers import Server

TWIN_SHARE = 0.2
LEFT_OUT_SHARE = 0.1  # of the submits, those that rely on what was saved before
LONGEST_SITTING_S = 60
PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

Answers = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A seat behind a link."""

    code: str
    seat: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A submission the server said yes to, with the answers it said yes to."""

    attempt_id: str
    handed_in: Answers


@dataclass
class Journal:
    """What the phones were told."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, status: int) -> None:
        """Count a response."""
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def retried(self) -> None:
        """Count a request that got no answer, or 503."""
        with self.lock:
            self.retries += 1


class Stuck(Exception):
    """A pupil could not go on within a minute."""


class Pupil:
    """One sitting that does not give up: every request is repeated until it is answered."""

    def __init__(self, port: int, place: Place, journal: Journal) -> None:
        self.port, self.place, self.journal = port, place, journal
        self.chance = random.Random(f"{place.code} {place.seat}")
        self.cookies: dict[str, str] = {}
        self.give_up = time.monotonic() + LONGEST_SITTING_S

    def sit(self) -> None:
        """Confirm, start, save a few, hand in, look at the result."""
        seat = [("seat", str(self.place.seat)), ("s", "")]
        self.ask("POST", f"/c/{self.place.code}/who", seat)
        if self.chance.random() < TWIN_SHARE:  # the first answer never came
            self.ask("POST", f"/c/{self.place.code}/start", seat)
        path = self.ask("POST", f"/c/{self.place.code}/start", seat).headers["location"]
        page = self.ask("GET", path)
        offered = choices_on(page.text)
        answers = {position: self.chance.choice(tokens) for position, tokens in offered.items()}
        saved = dict(list(answers.items())[: self.chance.randrange(ASKED + 1)])
        for position, token in saved.items():
            self.ask("POST", f"{path}/save", _fields({position: token}, 1), by_script=True)
        other = {**answers, ASKED: next(one for one in offered[ASKED] if one != answers[ASKED])}
        twins = self.chance.random() < TWIN_SHARE
        self.hand_in(path, (answers, other) if twins else (answers,), saved)
        self.ask("GET", f"{path}/result")

    def walk_away(self) -> None:
        """Start, save, and never come back: what was acknowledged until the time was over counts."""
        seat = [("seat", str(self.place.seat)), ("s", "")]
        self.ask("POST", f"/c/{self.place.code}/who", seat)
        path = self.ask("POST", f"/c/{self.place.code}/start", seat).headers["location"]
        saved: dict[int, str] = {}
        for position, tokens in choices_on(self.ask("GET", path).text).items():
            token = self.chance.choice(tokens)
            answer = self.ask(
                "POST", f"{path}/save", _fields({position: token}, 1), by_script=True, refusals=(409,)
            )
            if answer.status == 409:
                break
            saved[position] = token
        with self.journal.lock:
            self.journal.acknowledged.append(Acknowledged(path.removeprefix("/a/"), saved))

    def hand_in(self, path: str, bodies: Sequence[Answers], saved: Answers) -> None:
        """Submit all bodies at once, one time in ten without what was saved before.

        Twins differ in one answer, so one of them is told that other answers count already: that is as good as a yes
        where the other one was told yes, and nothing at all where nobody was.
        """
        left_out = saved if self.chance.random() < LEFT_OUT_SHARE and len(bodies) == 1 else {}
        told: list[Page | Exception] = [Stuck()] * len(bodies)
        refusals = (409,) if len(bodies) > 1 else ()

        def send(number: int) -> None:
            sent = {position: token for position, token in bodies[number].items() if position not in left_out}
            try:
                fields = _fields(
                    sent, 2 + number
                )  # each newer than the one before: none may win by age alone
                told[number] = self.ask("POST", f"{path}/submit", fields, by_script=True, refusals=refusals)
            except Stuck as stuck:
                told[number] = stuck

        threads = [threading.Thread(target=send, args=[number]) for number in range(1, len(bodies))]
        for thread in threads:
            thread.start()
        send(0)
        for thread in threads:
            thread.join()
        said_yes = [
            Acknowledged(path.removeprefix("/a/"), body)
            for body, one in zip(bodies, told, strict=True)
            if isinstance(one, Page) and one.status == 200
        ]
        with self.journal.lock:
            self.journal.acknowledged += said_yes
        for one in told:
            if isinstance(one, Exception):
                raise one
        if not said_yes:
            raise Stuck(f"POST {path}/submit: every twin was told that another one counts")

    def ask(
        self,
        method: str,
        path: str,
        fields: Sequence[tuple[str, str]] = (),
        *,
        by_script: bool = False,
        refusals: Collection[int] = (),
    ) -> Page:
        """Ask until there is an answer that is not 503; a refusal is none, but for those that are expected."""
        pause = PAUSE_S
        while time.monotonic() < self.give_up:
            phone = Phone(self.port, self.cookies)
            with suppress(OSError, HTTPException):
                page = (
                    phone.get("", path)
                    if method == "GET"
                    else phone.post("", path, fields, by_script=by_script)
                )
                self.journal.note(page.status)
                if page.status < 400 or page.status in refusals:
                    return page
                if page.status != 503:
                    raise Stuck(f"{method} {path}: {page.status}")
            phone.connection.close()
            self.journal.retried()
            time.sleep(pause * self.chance.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE_S)
        raise Stuck(f"{method} {path}: no answer for {LONGEST_SITTING_S} s")


def _fields(answers: Answers, sequence: int) -> list[tuple[str, str]]:
    return [
        pair
        for position, token in answers.items()
        for pair in ((f"n{position}", str(sequence)), (f"q{position}", token))
    ]


def run(
    port: int,
    places: Sequence[Place],
    clients: int,
    shown: Callable[[int, Journal], None],
    sit: Callable[[Pupil], None] = Pupil.sit,
) -> Journal:
    """Have every seat sit once."""
    journal, waiting, done = Journal(), SimpleQueue[Place](), SimpleQueue[Place]()
    for place in places:
        waiting.put(place)

    def work() -> None:
        while True:
            try:
                place = waiting.get_nowait()
            except Empty:
                return
            try:
                sit(Pupil(port, place, journal))
            except Stuck as stuck:
                with journal.lock:
                    journal.stuck.append(f"{place.code} {place.seat}: {stuck}")
            done.put(place)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for number in range(1, len(places) + 1):
        done.get()
        shown(number, journal)
    return journal


class Killer:
    """Kills a worker from outside every now and then, until it is told to stop."""

    def __init__(self, server: Server, every_s: float) -> None:
        self.server, self.every_s = server, every_s
        self.kills = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "Killer":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, so that the last processes can answer in peace."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        chance = random.Random(2026)
        while not self._over.wait(self.every_s * chance.uniform(0.5, 1.5)):
            workers = [process.pid for process in self.server.processes()[1:]]
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    self.kills += 1


def fault_deaths(log: str) -> int:
    """Count the workers that ended, however, as the parent noted it."""
    return sum("process ended" in line for line in log.splitlines())


def places_of(doors: Sequence[Mapping[str, str]], seats: int, count: int) -> list[Place]:
    """Spread sittings over the classes, a seat each."""

    def every() -> Iterator[Place]:
        for seat in range(1, seats + 1):
            for door in doors:
                yield Place(door["code"], seat)

    return [place for place, _ in zip(every(), range(count), strict=False)]
