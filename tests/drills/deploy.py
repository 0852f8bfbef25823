"""R8: a new program with a new column is put in place while pupils save; nobody notices."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep

from alembic.script import ScriptDirectory

from benchmarks.bank import ASKED
from benchmarks.phone import Page, Phone
from benchmarks.servers import Server
from quizsvc.settings import PROJECT
from tests import postgres
from tests.drills import Drill, Outcome
from tests.drills._service import Home, Pupil, home, lost

PUPILS = {True: 2000, False: 150}
PUPILS_ON_POSTGRES = 500
RESTARTS = {True: 9, False: 1}  # with the old program, before and after the one that brings the new one
CLIENTS = 8
TRIES = 4
LONGEST_S = 240  # of a machine that does other things as well
PAUSE_S = 0.03  # of a client after each save: pupils think, and the machine is theirs and the service's
REFUSED = "would not start"
OLD, NEW = "ok\n", "ok, new\n"

MIGRATION = '''"""drill

Revision ID: {revision}
Revises: {before}
"""

import sqlalchemy as sa
from alembic import op


revision = '{revision}'
down_revision = '{before}'


def upgrade():
    {step}
'''
EXPAND = "op.add_column('attempt_attempt', sa.Column('drilled', sa.String(), nullable=True))"
CONTRACT = "op.alter_column('attempt_attempt', 'saved_at', new_column_name='stored_at')"


def checkout(folder: Path) -> None:
    """Lay the program somewhere of its own, where it can be changed under the running service."""
    for part in ("quizsvc", "migrations"):
        shutil.copytree(PROJECT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))


def pull(folder: Path, step: str) -> None:
    """Change the program: a migration, a model that has its column, a page by which one can tell."""
    head = ScriptDirectory(str(folder / "migrations")).get_current_head()
    revision = f"{int(head or 0) + 1:04}"
    text = MIGRATION.format(revision=revision, before=head, step=step)
    (folder / "migrations" / "versions" / f"{revision}_drill.py").write_text(text)
    _change(
        folder / "quizsvc/attempt/models.py",
        r"^    void_reason: .*$",
        r"\g<0>\n    drilled: Mapped[str | None]",
    )
    _change(folder / "quizsvc/web/health.py", r'Response\("ok\\n"', 'Response("ok, new\\\\n"')


def _change(file: Path, pattern: str, to: str) -> None:
    text, count = re.subn(pattern, to, file.read_text(), flags=re.M)
    if count != 1:
        raise RuntimeError(f"{file.name} is not as the drill expects it")
    file.write_text(text)


def upgrade(place: Home, folder: Path) -> None:
    """Bring the database to the revision of the new program."""
    command = [sys.executable, "-m", "quizsvc.cli", "db", "upgrade"]
    subprocess.run(command, cwd=folder, env=place.environ, check=True, capture_output=True, timeout=LONGEST_S)


@dataclass
class Crowd:
    """Pupils who begin, save again and again, and hand in when they are told to."""

    pupils: list[Pupil]
    over: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    saves: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> list[threading.Thread]:
        """Let them sit, each on a connection of its own."""
        groups = [self.pupils[number::CLIENTS] for number in range(CLIENTS)]
        threads = [threading.Thread(target=self._sit, args=[group], daemon=True) for group in groups]
        for thread in threads:
            thread.start()
        return threads

    def _sit(self, group: list[Pupil]) -> None:
        for time in itertools.count():
            last = self.over.is_set()
            for pupil in group:
                if not pupil.path:
                    self._insist(pupil, pupil.start)
                if pupil.path:
                    self._insist(pupil, partial(pupil.save, time % ASKED + 1, time + pupil.seat))
                    self.saves += 1
                sleep(PAUSE_S)
            if last:
                break
        for pupil in group:
            self._insist(pupil, pupil.submit)
            pupil.phone.connection.close()

    def _insist(self, pupil: Pupil, ask: Callable[[], Page]) -> None:
        """Ask again on a new connection when one was cut, as the pages do; to be refused is never right."""
        for _ in range(TRIES):
            try:
                status = ask().status
            except (OSError, HTTPException) as broken:
                pupil.phone = Phone(pupil.phone.port, pupil.phone.cookies)
                with self.lock:
                    self.refused += isinstance(broken, ConnectionRefusedError)
                    self.cut[type(broken).__name__] += 1
                sleep(PAUSE_S)
            else:
                with self.lock:
                    self.statuses[status] += 1
                return


def run(full: bool) -> Outcome:
    """Deploy in the middle, on SQLite and with the full numbers on PostgreSQL as well."""
    outcomes = [_run(PUPILS[full], RESTARTS[full], on_postgres=False)]
    if full and postgres.binaries() is not None:
        outcomes.append(_run(PUPILS_ON_POSTGRES, 1, on_postgres=True))
    return Outcome(all(one.held for one in outcomes), "; ".join(one.said for one in outcomes))


def _run(count: int, restarts: int, *, on_postgres: bool) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="quizsvc-drill-") as folder,
        home(count, on_postgres=on_postgres) as place,
    ):
        program = Path(folder)
        checkout(program)
        crowd = Crowd([Pupil(place.port, *seat) for seat in place.seats(count)])
        with place.server(within=program) as server:
            threads = crowd.begin()
            for _ in range(restarts - restarts // 2):
                begin_anew(server, place, OLD)
            pull(program, EXPAND)
            server.process.send_signal(signal.SIGHUP)  # too early: the new program would refuse this database
            wait_for(lambda: REFUSED in place.log.read_text(), place)
            upgrade(place, program)
            os.kill(server.processes()[1].pid, signal.SIGKILL)  # the one started again is of the old program
            begin_anew(server, place, NEW)
            for _ in range(restarts // 2):
                begin_anew(server, place, NEW)
            crowd.over.set()
            for thread in threads:
                thread.join()
        return _outcome(crowd, place, restarts + 1)


def begin_anew(server: Server, place: Home, answers: str) -> None:
    """Send SIGHUP and wait until only new processes are there, which answer as they should."""
    before = {process.pid for process in server.processes()[1:]}

    def all_new() -> bool:
        now = {process.pid for process in server.processes()[1:]}
        there = not before & now and len(now) > int(place.environ["QUIZSVC_PROCESSES"])
        return there and Phone(place.port).get("health", "/healthz").text == answers

    server.process.send_signal(signal.SIGHUP)
    wait_for(all_new, place)


def wait_for(true: Callable[[], bool], place: Home) -> None:
    """Look until something is true."""
    give_up = monotonic() + LONGEST_S
    while not true():
        if monotonic() > give_up:
            raise RuntimeError(f"the service did not begin anew:\n{place.log.read_text()[-2000:]}")
        sleep(0.2)


def contracted(full: bool) -> Outcome:
    """Take a column away that the running program uses."""
    with tempfile.TemporaryDirectory(prefix="quizsvc-drill-") as folder, home(CLIENTS) as place:
        program = Path(folder)
        checkout(program)
        crowd = Crowd([Pupil(place.port, *seat) for seat in place.seats(CLIENTS)])
        with place.server(within=program):
            threads = crowd.begin()
            pull(program, CONTRACT)
            upgrade(place, program)
            crowd.over.set()
            for thread in threads:
                thread.join()
    return _outcome(crowd, None, 0)


def _outcome(crowd: Crowd, place: Home | None, restarts: int) -> Outcome:
    gone = lost(place, crowd.pupils) if place else 0
    failed = sum(count for status, count in crowd.statuses.items() if status >= 500)
    odd = sum(count for status, count in crowd.statuses.items() if 400 <= status < 500)
    handed_in = sum(pupil.handed_in for pupil in crowd.pupils)
    cut = sum(crowd.cut.values())  # what the killed process was answering: at most a request of each client
    held = not (gone or failed or odd or crowd.refused or cut > CLIENTS) and handed_in == len(crowd.pupils)
    again = f"{cut} sent again {dict(crowd.cut) if crowd.cut else ''}".rstrip()
    return Outcome(
        held,
        f"{handed_in} of {len(crowd.pupils)} handed in, {restarts} restarts, {crowd.saves} saves, {failed} times 5xx, "
        f"{odd} times 4xx, {crowd.refused} refused, {again}, {gone} lost",
    )


DRILL = Drill(
    figure="R8",
    promise="a deploy during a test is not noticed",
    run=run,
    canaries={"contract step applied early": contracted},
)
