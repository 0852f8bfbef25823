"""`make crash`, `make crash-full`: hand in while everything is killed; exit 1 unless all is there, once."""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from flask import Flask
from sqlalchemy import func, select, update

from benchmarks.servers import Server, free_port
from benchmarks.sittings import progress, seed
from quizsvc import wsgi
from quizsvc.app import create_app
from quizsvc.attempt.models import Attempt
from quizsvc.campaign.models import Round
from quizsvc.db import db
from tests import postgres
from tests.crash import harness
from tests.crash.faulty import BUGS, LIMITS, OVERDUE, SWEEPERS
from tests.crash.verdict import Verdict, judge
from tests.drills import durability

SEATS = 50
EVERY_S = 1.0
CLIENTS = 16
WALKERS = {True: 1000, False: 50}  # from an attempt that lasts so many seconds:
LIMIT_S = 3
LONGEST_SWEEP_S = 60
ADDRESS = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Storm:
    """How much is handed in, and how often something dies."""

    submissions: int
    clients: int
    fault: float
    every_s: float
    events: int  # kills, or restarts of the database, that there must have been at least


SHORT = {"sqlite": Storm(220, 16, 0.004, 1.0, 3), "postgres": Storm(200, 16, 0.004, 1.0, 3)}
FULL = {"sqlite": Storm(20_000, 16, 0.004, 0.8, 300), "postgres": Storm(10_000, 16, 0.004, 3.0, 50)}
CANARY = {"sqlite": Storm(250, 16, 0.01, 2.0, 1), "postgres": Storm(150, 16, 0.004, 2.5, 1)}


def main() -> None:
    """Run one storm a database, or every planted bug."""
    options = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--full", action="store_true", help="20,000 and 10,000 submissions")
    options.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    options.add_argument("--bug", choices=sorted(BUGS), help="plant one: the run must turn red")
    options.add_argument("--canaries", action="store_true", help="plant each bug in turn; all must be caught")
    given = options.parse_args()
    databases = given.database or ["sqlite", "postgres"]
    if "postgres" in databases and postgres.binaries() is None:
        print(postgres.MISSING, file=sys.stderr)
        databases.remove("postgres")
    if given.canaries:
        raise SystemExit(_canaries())
    clean = True
    for database in databases:
        storm = (FULL if given.full else SHORT)[database]
        verdict, events = _storm(database, storm, given.bug or "")
        enough = events >= storm.events
        print(
            f"{database}: {storm.submissions} submissions, {events} kills and restarts, {verdict.stuck} stuck"
        )
        print(verdict, flush=True)
        clean = clean and verdict.clean and enough
    if "sqlite" in databases and not given.bug:
        left = WALKERS[given.full]
        verdict = _limits(left)
        print(f"sqlite: {left} walked away, {SWEEPERS} sweepers closed for them, {verdict.stuck} stuck")
        print(verdict, flush=True)
        clean = clean and verdict.clean
    raise SystemExit(not clean)


def _canaries() -> int:
    caught = [_caught(bug) for bug in BUGS]
    if durability.there():
        outcome = durability.run(
            False, "NORMAL"
        )  # no kill shows it: the system keeps what a dead process wrote
        print(f"synchronous-normal: {'MISSED' if outcome.held else 'caught'}, {outcome.said}", flush=True)
        caught.append(not outcome.held)
    else:
        print(f"synchronous-normal: {durability.MISSING}", flush=True)
        caught += [False] if os.environ.get("QUIZSVC_TEST_REQUIRE_ALL") else []
    print(f"caught {sum(caught)} of {len(caught)}")
    return len(caught) - sum(caught)


def _caught(bug: str) -> bool:
    database = "postgres" if bug == "errors-not-mapped" else "sqlite"
    if database == "postgres" and postgres.binaries() is None:
        print(f"{bug}: {postgres.MISSING}", flush=True)
        return False
    verdict = _limits(WALKERS[False], bug) if bug == OVERDUE else _storm(database, CANARY[database], bug)[0]
    print(f"{bug}: {'MISSED' if verdict.clean else 'caught'}, {verdict}", flush=True)
    return not verdict.clean


def _limits(count: int, bug: str = "") -> Verdict:
    """Let everybody walk away from an attempt that lasts seconds, and look at what the sweepers made of it."""
    with TemporaryDirectory(prefix="quizsvc-crash-") as folder:
        port = free_port()
        environ = _environ(Path(folder), port, f"sqlite:///{folder}/quizsvc.sqlite")
        doors = seed(environ, -(-count // SEATS))
        app = create_app(wsgi.settings(**_short(environ)))
        with app.app_context():
            db.session.execute(update(Round).values(limit_s=LIMIT_S))
            db.session.commit()
        log = Path(folder, "server.log")
        arguments = ["tests.crash.faulty", "0", LIMITS, *([bug] if bug else [])]
        with Server(arguments, port=port, ready="/readyz", log=log, environ=environ):
            journal = harness.run(
                port, harness.places_of(doors, SEATS, count), CLIENTS, lambda _number, _journal: None,
                harness.Pupil.walk_away,
            )  # fmt: skip
            _wait_until_all_are_closed(app)
        return judge(app, journal)


def _wait_until_all_are_closed(app: Flask) -> None:
    give_up = monotonic() + LONGEST_SWEEP_S
    open_ = select(func.count()).select_from(Attempt).where(Attempt.submitted_at.is_(None))
    with app.app_context():
        while db.session.scalar(open_) and monotonic() < give_up:
            db.session.rollback()
            sleep(EVERY_S)
        sleep(EVERY_S)  # whoever closes twice does it now
        db.session.remove()
        db.engine.dispose()


def _storm(database: str, storm: Storm, bug: str) -> tuple[Verdict, int]:
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="quizsvc-crash-")))
        cluster = open_.enter_context(postgres.cluster(durable=True)) if database == "postgres" else None
        port = free_port()
        environ = _environ(
            folder, port, cluster.database("crash") if cluster else f"sqlite:///{folder}/quizsvc.sqlite"
        )
        doors = seed(environ, -(-storm.submissions // SEATS))
        log = folder / "server.log"
        server = open_.enter_context(
            Server(["tests.crash.faulty", str(storm.fault), *([bug] if bug else [])],
                   port=port, ready="/readyz", log=log, environ=environ)
        )  # fmt: skip
        begun = monotonic()

        def shown(number: int, journal: harness.Journal) -> None:
            rate = number / max(monotonic() - begun, 0.001)
            progress(f"{database} {number}/{storm.submissions}，{rate:.0f} 份/秒，重发 {journal.retries} 次")

        with harness.Killer(server, storm.every_s), _restarting(cluster, storm.every_s) as restarts:
            journal = harness.run(
                port, harness.places_of(doors, SEATS, storm.submissions), storm.clients, shown
            )
        for line in journal.stuck[:5]:
            print(line, file=sys.stderr)
        server.stop()
        for line in _bugs(log.read_text(errors="replace"))[:3]:
            print(line, file=sys.stderr)
        events = harness.fault_deaths(log.read_text(errors="replace")) + len(restarts)
        app = create_app(wsgi.settings(**_short(environ)))
        verdict = judge(app, journal)
        return verdict, events


def _bugs(log: str) -> list[str]:
    """What the service itself called its own fault."""
    return [line for line in log.splitlines() if '"bug"' in line]


def _environ(folder: Path, port: int, database: str) -> dict[str, str]:
    ours = {
        "MODE": "demo", "INSTANCE": str(folder), "HOST": ADDRESS, "PORT": str(port), "DATABASE_URL": database,
        "PUBLIC_URL": f"http://{ADDRESS}:{port}", "PROCESSES": "2", "THREADS": "4", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIZSVC_")}
    return kept | {f"QUIZSVC_{name}": value for name, value in ours.items()}


def _short(environ: dict[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("QUIZSVC_").lower(): value
        for name, value in environ.items()
        if name.startswith("QUIZSVC_")
    }


@contextmanager
def _restarting(cluster: "postgres.Cluster | None", every_s: float) -> Iterator[list[float]]:
    """Stop the database without warning and start it again, every other time; else end its sessions."""
    over, events = threading.Event(), list[float]()

    def work() -> None:
        acts: tuple[Callable[[], None], ...] = (
            (cluster.restart_at_once, cluster.kill_a_backend) if cluster else ()
        )
        while acts and not over.wait(every_s):
            acts[len(events) % len(acts)]()
            events.append(monotonic())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield events
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
