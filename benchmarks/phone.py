"""A phone that sits the quiz as a browser would, times each request and checks every answer it gets."""

import gzip
import http.client
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from time import perf_counter
from urllib.parse import urlencode

from benchmarks.bank import ASKED, POINTS, RIGHT

ADDRESS = "127.0.0.1"
LONGEST_REQUEST_S = 20
_CHOICE = re.compile(r'name="q(\d+)" value="([^"]+)"[^>]*>\s*<span[^>]*>([^<]+)</span>')
_OUR_SCORE = re.compile(r'<b class="n">(\d+)</b><br><span class="xs">分</span>')
_OUR_RIGHT = re.compile(r"<title>答对 (\d+) 题")
_FLOOR_SCORE = re.compile(r'<b id="score">(\d+)</b>')


class Wrong(Exception):
    """A response is not what a correct server answers; the text says what was asked and what came."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One sitting to do: behind which link, in which class, how many answers are to be right."""

    port: int
    code: str
    class_name: str
    number: int
    right: int
    saves: int = 0

    @property
    def score(self) -> int:
        """What the result page has to show."""
        return self.right * POINTS


@dataclass(frozen=True, slots=True)
class Timed:
    """One request as the phone saw it; bytes are what arrived, status line and headers included."""

    name: str
    seconds: float
    received: int


@dataclass(frozen=True, slots=True)
class Sitting:
    """One complete sitting whose score was read back and agreed."""

    seconds: float
    requests: tuple[Timed, ...]
    score: int


@dataclass(frozen=True, slots=True)
class Page:
    """A response, unzipped."""

    asked: str
    status: int
    headers: Mapping[str, str]
    text: str

    def require(self, status: int, *parts: str) -> "Page":
        """Refuse another status, or a page without one of the parts."""
        if self.status != status:
            raise Wrong(f"{self.asked}: {self.status} instead of {status}\n{self.text[:2000]}")
        for part in parts:
            if part not in self.text:
                raise Wrong(f"{self.asked}: no {part!r} in\n{self.text[:2000]}")
        return self

    def location(self) -> str:
        """Return where a 303 points."""
        self.require(303)
        return self.headers["location"]


@dataclass
class Phone:
    """One keep-alive connection with its own cookies."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    timed: list[Timed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=LONGEST_REQUEST_S)

    def get(self, name: str, path: str) -> Page:
        """Open a page."""
        return self._ask(name, "GET", path, None, {})

    def post(
        self, name: str, path: str, fields: Sequence[tuple[str, str]], *, by_script: bool = False
    ) -> Page:
        """Send a form, or (by_script) what the page's script sends."""
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{ADDRESS}:{self.port}",
        }
        if by_script:
            headers["X-Requested-With"] = "quiz"
        return self._ask(name, "POST", path, urlencode(fields), headers)

    def _ask(self, name: str, method: str, path: str, body: str | None, headers: dict[str, str]) -> Page:
        headers |= {"Accept-Encoding": "gzip", "Accept": "text/html,*/*", "User-Agent": "quizsvc-benchmark"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        before = perf_counter()
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        raw = answer.read()
        seconds = perf_counter() - before
        lines = answer.getheaders()
        received = len(raw) + 17 + sum(len(key) + len(value) + 4 for key, value in lines)
        self.timed.append(Timed(name, seconds, received))
        for key, value in lines:
            if key.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie.strip()] = content
        plain = gzip.decompress(raw) if answer.getheader("Content-Encoding") == "gzip" else raw
        known = {key.lower(): value for key, value in lines}
        return Page(f"{method} {path}", answer.status, known, plain.decode())

    def sat(self, seat: Seat, begun: float) -> Sitting:
        """Put the phone away."""
        seconds = perf_counter() - begun
        self.connection.close()
        return Sitting(seconds, tuple(self.timed), seat.score)


def sit_ours(seat: Seat) -> Sitting:
    """Sit once at quizsvc: landing, seat, start, questions, saves, submit, result."""
    phone, begun = Phone(seat.port), perf_counter()
    number = str(seat.number)
    phone.get("landing", f"/c/{seat.code}").require(200, seat.class_name, f'name="seat" value="{number}"')
    phone.post("who", f"/c/{seat.code}/who", [("s", ""), ("seat", number)]).require(
        200, f"{seat.class_name}，{number} 号"
    )
    started = phone.post("start", f"/c/{seat.code}/start", [("seat", number), ("s", "")])
    paper = started.location()
    page = phone.get("questions", paper).require(
        200, f"{seat.class_name} {number} 号", f'action="{paper}/submit"'
    )
    answers = _answers(page, seat)
    sequences = dict.fromkeys(range(1, ASKED + 1), 0)
    for place in range(seat.saves):
        position, token = answers[place % ASKED]
        sequences[position] += 1
        fields = [(f"n{position}", str(sequences[position])), (f"q{position}", token)]
        phone.post("save", f"{paper}/save", fields, by_script=True).require(204)
    fields = []
    for position, token in answers:
        fields += [(f"n{position}", str(sequences[position] or 1)), (f"q{position}", token)]
    handed_in = phone.post("submit", f"{paper}/submit", fields, by_script=True).require(200)
    if handed_in.text != f"{paper}/result":
        raise Wrong(f"{handed_in.asked}: {handed_in.text!r} instead of the result's address")
    shown = phone.get("result", handed_in.text).require(200, f"{number} 号")
    _require_number(shown, _OUR_RIGHT, seat.right)
    _require_number(shown, _OUR_SCORE, seat.score * 100 // (ASKED * POINTS))
    return phone.sat(seat, begun)


def sit_floor(seat: Seat) -> Sitting:
    """Sit once at the floor: quiz, submit, result."""
    phone, begun = Phone(seat.port), perf_counter()
    page = phone.get("questions", f"/q/{seat.code}").require(200, seat.code)
    answers = [(f"q{position}", value) for position, value in _answers(page, seat)]
    handed_in = phone.post("submit", f"/q/{seat.code}", [("seat", str(seat.number)), *answers])
    shown = phone.get("result", handed_in.location()).require(200, f"{seat.code} {seat.number} 号")
    _require_number(shown, _FLOOR_SCORE, seat.score)
    return phone.sat(seat, begun)


def choices_on(text: str) -> dict[int, list[str]]:
    """Find the options a page of questions offers, by position."""
    offered: dict[int, list[str]] = {}
    for position, value, _ in _CHOICE.findall(text):
        offered.setdefault(int(position), []).append(value)
    return offered


def _answers(page: Page, seat: Seat) -> list[tuple[int, str]]:
    """Choose as many right answers as the seat is to have, in places that differ from seat to seat."""
    offered: dict[int, list[tuple[str, bool]]] = {}
    for position, value, text in _CHOICE.findall(page.text):
        offered.setdefault(int(position), []).append((value, unescape(text).endswith(RIGHT)))
    if sorted(offered) != list(range(1, ASKED + 1)):
        raise Wrong(f"{page.asked}: asks {sorted(offered)} instead of {ASKED} questions")
    chance = random.Random(f"{seat.code} {seat.number}")
    knows = set(chance.sample(range(1, ASKED + 1), seat.right))
    answers = []
    for position in sorted(offered):
        fitting = [value for value, is_right in offered[position] if is_right == (position in knows)]
        if sum(is_right for _, is_right in offered[position]) != 1:
            raise Wrong(f"{page.asked}: question {position} has not exactly one right option")
        answers.append((position, chance.choice(fitting)))
    return answers


def _require_number(page: Page, pattern: re.Pattern[str], expected: int) -> None:
    found = pattern.search(page.text)
    if found is None or int(found[1]) != expected:
        shown = "nothing" if found is None else found[1]
        raise Wrong(f"{page.asked}: shows {shown} instead of {expected}\n{page.text[:3000]}")
