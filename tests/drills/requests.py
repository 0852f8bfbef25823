"""R12: everything hostile that is known, at every route, on both databases; then raw octets at a real server."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from unittest.mock import patch
from urllib.parse import urlsplit

from benchmarks.servers import Server, free_port
from benchmarks.sittings import seed
from quizsvc.app import create_app
from quizsvc.attempt import forms
from quizsvc.db import db
from quizsvc.web import guard
from tests import postgres
from tests.conftest import NOON, settings_for
from tests.drills import Drill, Outcome
from tests.security.hostile import CORPUS, Hostile
from tests.security.sweep import swept, targets, thinned, trials
from tests.support import Browser, Watch
from tests.world import build, fingerprint, nothing_is_kept

ADDRESS = "127.0.0.1"
SHORT_STEP = {"sqlite": 80, "postgres": 200}
PATIENCE_S = 8.0
NOT_IMPLEMENTED = 501  # what the server itself says to a coding of no standard
SHOWN = 5
START = "POST /c/<code>/start"


def attacked(
    database: str, *, step: int, corpus: Sequence[Hostile] = tuple(CORPUS), label: str = ""
) -> tuple[int, list[str]]:
    """Send the corpus into an application of its own; with step 1 every variant to every route, or to one."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="quizsvc-requests-")))
        url = (
            open_.enter_context(postgres.cluster()).database("requests")
            if database == "postgres"
            else f"sqlite:///{folder}/quizsvc.sqlite"
        )
        open_.enter_context(patch("quizsvc.clock.now", lambda: NOON))
        app = create_app(replace(settings_for(url, folder), log_level="CRITICAL"))
        app.test_client_class = Browser
        open_.enter_context(app.app_context())
        open_.callback(db.engine.dispose)
        db.create_all()
        app.extensions["watch"] = Watch(db.engine)
        world = build(app)
        ledger = open_.enter_context(nothing_is_kept(app))
        found = targets(app, world, world.places["own"], label)
        before = fingerprint()
        count, wrong = swept(
            app, trials(found, corpus) if step == 1 else thinned(found, step, corpus), ledger
        )
        db.session.rollback()
        return count, wrong if fingerprint() == before else [*wrong, "the database is another"]


LINES: dict[str, bytes] = {
    "no request": b"\r\n\r\n",
    "octets": bytes(range(256)) * 20 + b"\r\n\r\n",
    "a handshake of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "no version": b"GET /healthz\r\n\r\n",
    "another version": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a version of words": b"GET /healthz HTTP/one\r\nHost: x\r\n\r\n",
    "spaces": b"GET  /  HTTP/1.1  \r\nHost: x\r\n\r\n",
    "a method of octets": b"\xff\xfe / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long method": b"A" * 20_000 + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long address": b"GET /" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "a broken whole address": b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an address of octets": b"GET /\xff\x80?\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\n y\r\n\r\n",
    "a header without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a space before the colon": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "10,000 headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
    "a header of 1 MB": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    "length and chunks": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"0\r\n\r\nGET /staff/people HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 44\r\n\r\na=bc",
    "a negative length": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a signed length": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\na=bc",
    "an endless length": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "too much": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n" + b"x" * 400_000,
    "another coding": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two codings": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a hidden coding": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a broken chunk": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n0\r\n\r\n",
    "a huge chunk": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab",
    "a long extension of a chunk": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;"
                                   + b"x" * 300_000 + b"\r\na\r\n0\r\n\r\n",
    "50 requests at once": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50,
    "a body that never comes": b"POST /c/x/who HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
    "one octet": b"G",
    "nothing": b"",
}  # fmt: skip
"""What no browser sends; each is answered with no more than 4xx, dropped, or waited for."""

HARMLESS = (
    "no request", "spaces", "a whole address", "an asterisk", "two hosts", "bare line feeds", "no host",
    "another version", "10,000 headers", "50 requests at once", "a folded header", "no version", "a long method",
)  # fmt: skip
"""What may be answered as if it were well."""
WAITING = (
    "no request",
    "bare line feeds",
    "a body that never comes",
    "half a head",
    "one octet",
    "nothing",
    "a huge chunk",
    "a handshake of TLS",
)

SLOW = ("a body that never comes", "half a head", "one octet")


def told(port: int, octets: bytes, wait_s: float) -> bytes:
    """Send octets and return what comes back until the server is silent."""
    answer = b""
    with socket.create_connection((ADDRESS, port), timeout=wait_s) as connection, suppress(OSError):
        connection.settimeout(wait_s)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(octets)
        while part := connection.recv(65536):
            answer += part
            connection.settimeout(0.05)
    return answer


def statuses(answer: bytes) -> list[int]:
    """Return the statuses of the answers in what came back."""
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return [int(line.split(b" ")[1]) for line in lines]


def others_are_served(port: int) -> float:
    """Ask for a page as anybody, and return how long it took; a minute when it never came."""
    begun = monotonic()
    answer = told(port, b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", PATIENCE_S)
    return monotonic() - begun if statuses(answer) == [200] else 60.0


def bombarded(port: int, connections: int) -> tuple[int, list[str]]:
    """Send every shape, then hold many half-sent requests open while others ask."""
    wrong, slowest = [], 0.0
    for name, octets in LINES.items():
        answer = told(port, octets, 0.3 if name in WAITING else PATIENCE_S)
        seen = statuses(answer)
        if any(status >= 500 and status != NOT_IMPLEMENTED for status in seen) or b"Traceback" in answer:
            wrong.append(f"{name}: {seen}")
        if name not in HARMLESS and any(status < 400 for status in seen):
            wrong.append(f"{name}: {seen}, taken")
        slowest = max(slowest, others_are_served(port))
    with ExitStack() as open_:
        for number in range(connections):
            one = open_.enter_context(socket.create_connection((ADDRESS, port), timeout=PATIENCE_S))
            one.sendall(LINES[SLOW[number % len(SLOW)]])
        slowest = max(slowest, *(others_are_served(port) for _ in range(5)))
    if slowest > PATIENCE_S:
        wrong.append("others were not served")
    return len(LINES) + connections, wrong


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Run the real server over a small county."""
    port = free_port()
    ours = {
        "MODE": "demo", "INSTANCE": str(folder), "HOST": ADDRESS, "PORT": str(port), "PROCESSES": "2", "THREADS": "2",
        "DATABASE_URL": f"sqlite:///{folder}/quizsvc.sqlite", "PUBLIC_URL": f"http://{ADDRESS}:{port}",
        "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIZSVC_")}
    environ = kept | {f"QUIZSVC_{name}": value for name, value in ours.items()}
    seed(environ, 1)
    with Server(
        ["quizsvc.cli", "serve"], port=port, ready="/readyz", log=folder / "log", environ=environ
    ) as server:
        yield server


def raw(connections: int) -> tuple[int, list[str]]:
    """Send raw octets to the real server; it must be the same processes afterwards."""
    with TemporaryDirectory(prefix="quizsvc-requests-") as name, served(Path(name)) as server:
        before = {process.pid for process in server.processes()}
        count, wrong = bombarded(server.port, connections)
        if {process.pid for process in server.processes()} != before:
            wrong.append("a process ended")
        log = server.log.read_text(errors="replace")
        return count, [
            *wrong,
            *(line[:300] for line in log.splitlines() if '"bug"' in line or "Traceback" in line),
        ]


def run(full: bool) -> Outcome:
    """Attack both databases in process, then the server over its socket."""
    said, held = [], True
    for database in ("sqlite", "postgres"):
        if database == "postgres" and postgres.binaries() is None:
            said.append("no PostgreSQL here")
            continue
        count, wrong = attacked(database, step=1 if full else SHORT_STEP[database])
        said.append(f"{database} {count} requests, {len(wrong)} faults")
        said += wrong[:SHOWN]
        held = held and not wrong and (not full or count >= 5000)
    count, wrong = raw(300 if full else 40)
    said += [f"raw {count} requests, {len(wrong)} faults", *wrong[:SHOWN]]
    return Outcome(held and not wrong, f"{len(CORPUS)} classes; " + "; ".join(said))


def a_number_taken_for_granted(_full: bool) -> Outcome:
    """Read the seat with int() alone."""
    with patch.object(forms, "seat_from", lambda fields: int(fields.get("seat", ""))):
        count, wrong = attacked("sqlite", step=1, label=START)
    return Outcome(not wrong, f"{count} requests, {len(wrong)} faults")


def an_origin_taken_for_granted(_full: bool) -> Outcome:
    """Take apart what a browser says its origin is, whatever it says."""
    with patch.object(guard, "_host_of", lambda origin: urlsplit(origin).netloc):
        count, wrong = attacked("sqlite", step=1, label=START)
    return Outcome(not wrong, f"{count} requests, {len(wrong)} faults")


DRILL = Drill(
    figure="R12",
    promise="hostile requests at every route: no error of ours, nothing kept of what was refused",
    run=run,
    canaries={
        "a seat read by int() alone": a_number_taken_for_granted,
        "an Origin taken apart without care": an_origin_taken_for_granted,
    },
)
