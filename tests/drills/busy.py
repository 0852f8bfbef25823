"""R5: many processes write into one SQLite file at once; each waits its turn, none is refused, nothing is lost."""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from quizsvc import clock, wsgi
from quizsvc.app import create_app
from quizsvc.db import db, operation
from quizsvc.throttle import ThrottleBucket
from tests.drills import Drill, Outcome
from tests.drills._service import environ_of, short

PROCESSES = 8
WRITES = {True: 400, False: 100}
P99_S, LONGEST_S = 0.25, 2.0  # of the full run: the short one may meet a busy machine


@dataclass(frozen=True, slots=True)
class Told:
    """What one process saw: seconds of each write, errors by their first words."""

    seconds: list[float]
    errors: list[str]


@operation
def count_up() -> None:
    """Read a row, then write what was read plus one: the worst case for a deferred transaction."""
    known = db.session.execute(select(ThrottleBucket.count)).scalar_one()
    db.session.execute(update(ThrottleBucket).values(count=known + 1))


def write(app: Flask, times: int, deferred: bool, begin: Barrier, told: Connection) -> None:
    """Write so often, in a process of its own."""
    if deferred:
        connection = Session.connection
        Session.connection = lambda self, **_options: connection(self)  # type: ignore[method-assign]
    seconds, errors = [], []
    with app.app_context():
        begin.wait(60)
        for _ in range(times):
            before = perf_counter()
            try:
                count_up()
            except OperationalError as error:
                errors.append(str(error.orig))
            seconds.append(perf_counter() - before)
    told.send(Told(seconds, errors))


def run(full: bool, deferred: bool = False) -> Outcome:
    """Let all processes write at once and count."""
    with tempfile.TemporaryDirectory(prefix="quizsvc-drill-") as folder:
        app = create_app(wsgi.settings(**short(environ_of(Path(folder)))))
        with app.app_context():
            db.create_all()
            ends_at = clock.now() + timedelta(days=1)
            db.session.add(ThrottleBucket(key="drill", window=0, count=0, ends_at=ends_at))
            db.session.commit()
            db.session.remove()
            db.engine.dispose()  # each process opens its own connection
        told = _all_at_once(app, WRITES[full], deferred)
        with app.app_context():
            counted = db.session.execute(select(ThrottleBucket.count)).scalar_one()
            db.session.remove()
            db.engine.dispose()
    seconds = sorted(second for one in told for second in one.seconds)
    errors = [error for one in told for error in one.errors]
    p99, longest = seconds[len(seconds) * 99 // 100], seconds[-1]
    held = not errors and counted == len(seconds) and (not full or (p99 < P99_S and longest < LONGEST_S))
    return Outcome(
        held,
        f"{len(seconds)} writes of {PROCESSES} processes, {len(errors)} errors, {counted} counted, "
        f"p99 {1000 * p99:.0f} ms, longest {1000 * longest:.0f} ms",
    )


def _all_at_once(app: Flask, times: int, deferred: bool) -> list[Told]:
    context = get_context("fork")
    begin, pipes = context.Barrier(PROCESSES), [context.Pipe(duplex=False) for _ in range(PROCESSES)]
    processes = [context.Process(target=write, args=(app, times, deferred, begin, told)) for _, told in pipes]
    for process in processes:
        process.start()
    told = [coming.recv() for coming, _ in pipes]
    for process in processes:
        process.join()
    return told


DRILL = Drill(
    figure="R5",
    promise="writers wait their turn",
    run=run,
    canaries={"BEGIN without IMMEDIATE": lambda full: run(full, deferred=True)},
)
