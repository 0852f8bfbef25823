"""R7: backups taken while phones hand in, each restored, looked through and held against what the phones were told."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from quizsvc import clock, wsgi
from quizsvc.attempt.models import Attempt
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.upkeep import backup, copies, sqlite_copy
from tests import postgres
from tests.drills import Drill, Outcome
from tests.drills._service import Home, Pupil, at_once, home, short

BACKUPS = {copies.SQLITE: {True: 20, False: 2}, copies.POSTGRESQL: {True: 20, False: 1}}
PUPILS = {True: 3000, False: 100}
BETWEEN = {True: 30, False: 10}  # so many hand in before the next copy begins
CLIENTS = 6
LONGEST_WAIT_S = 60
BIG_MB, GIGABYTE, LONGEST_S = 200, 10**9, 600
CLONES = 20_000
TEMPLATES = 600  # forms of ten items: more than a process remembers the layout of

Acknowledged = Mapping[str, Mapping[int, str]]
"""Attempt -> position -> the option that was stored when the server said yes to handing in."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A copy, what had been acknowledged before it was begun, and a way to open it as a database."""

    before: Acknowledged
    opened: Callable[[], tuple[Settings, Sequence[str]]]


Take = Callable[[Settings, Path, int], Callable[[], tuple[Settings, Sequence[str]]]]


def by_command(settings: Settings, folder: Path, number: int) -> Callable[[], tuple[Settings, Sequence[str]]]:
    """Make a backup as the command does; opening it is restoring it, and whatever that finds is a fault."""
    made = backup.create(
        settings, folder, clock.now() + timedelta(seconds=number)
    )  # files are named by the second

    def restored() -> tuple[Settings, Sequence[str]]:
        target = _empty(settings, folder / f"restored-{number}.sqlite", number)
        looked = backup.restore(target, made.file)
        found = [one.line for one in looked.findings if one.faults]
        return target, [*looked.faults, *found, *([looked.note] if looked.note else [])]

    return restored


def by_copying_the_file(
    settings: Settings, folder: Path, number: int
) -> Callable[[], tuple[Settings, Sequence[str]]]:
    """Copy the file alone, as one would by hand."""
    copied = folder / f"copied-{number}.sqlite"
    shutil.copyfile(sqlite_copy.file_of(settings), copied)
    return lambda: (replace(settings, database_url=f"sqlite:///{copied}"), ())


def run(full: bool) -> Outcome:
    """Take and restore on both databases; in the full run also restore a big file."""
    databases = [False, *([True] if postgres.binaries() else [])]
    outcomes = [drill(full, on_postgres=one) for one in databases]
    if full:
        outcomes.append(big())
    return Outcome(
        all(one.held for one in outcomes) and len(databases) == 2, "; ".join(one.said for one in outcomes)
    )


def drill(full: bool, *, on_postgres: bool = False, take: Take = by_command) -> Outcome:
    """Take copies while phones hand in, then open each."""
    with home(PUPILS[full], on_postgres=on_postgres) as place:
        settings = wsgi.settings(**short(place.environ))
        folder = place.folder / "backups"
        folder.mkdir()
        with place.server():
            taken, handed_in = _under_load(place, settings, folder, take, full)
        begun = monotonic()
        missing, faults = 0, []
        for one in taken:
            lost, found = _looked(one)
            missing += lost
            faults += found
        seconds = (monotonic() - begun) / len(taken)
    for fault in faults[:5]:
        print(f"      {fault}")
    fewest = min(len(one.before) for one in taken)
    return Outcome(
        not missing and not faults and 0 < fewest < handed_in,
        f"{'PostgreSQL' if on_postgres else 'SQLite'}: {len(taken)} copies while {handed_in} handed in, "
        f"{missing} acknowledgements missing, {len(faults)} faults, {seconds:.1f} s each to restore and look through",
    )


def _under_load(
    place: Home, settings: Settings, folder: Path, take: Take, full: bool
) -> tuple[list[Taken], int]:
    acknowledged: dict[str, dict[int, str]] = {}
    enough = threading.Event()

    def sit(pupil: Pupil) -> None:
        if enough.is_set() or pupil.start().status != 303:
            return
        for position in (1, 2):
            pupil.save(position, pupil.seat)
        if pupil.submit().status == 200:
            acknowledged[pupil.attempt_id] = dict(pupil.kept)

    pupils = [Pupil(place.port, *seat) for seat in place.seats(PUPILS[full])]
    crowd = threading.Thread(target=at_once, args=[CLIENTS, pupils, sit], daemon=True)
    crowd.start()
    taken = []
    for number in range(BACKUPS[copies.kind_of(settings)][full]):
        give_up = monotonic() + LONGEST_WAIT_S
        while len(acknowledged) < (number + 1) * BETWEEN[full] and monotonic() < give_up:
            sleep(0.02)
        before = dict(acknowledged)
        taken.append(Taken(before, take(settings, folder, number)))
    enough.set()
    crowd.join()
    return taken, len(acknowledged)


def _looked(one: Taken) -> tuple[int, list[str]]:
    """Count the acknowledgements that a copy has not got, and tell what else is wrong with it."""
    try:
        target, faults = one.opened()
        with copies.opened(target):
            there = {
                row.id: {int(position): chosen[0] for position, (_, chosen) in row.answers.items() if chosen}
                for row in db.session.execute(
                    select(Attempt.id, Attempt.answers).where(Attempt.submitted_at.is_not(None))
                )
            }
    except (Refusal, DBAPIError) as unusable:
        return len(one.before), [str(unusable)]
    return sum(there.get(attempt) != kept for attempt, kept in one.before.items()), list(faults)


def _empty(settings: Settings, file: Path, number: int) -> Settings:
    """Make an empty database beside that of the settings."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == copies.SQLITE:
        return replace(settings, database_url=f"sqlite:///{file}")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE restored_{number}"))
    engine.dispose()
    return replace(
        settings, database_url=url.set(database=f"restored_{number}").render_as_string(hide_password=False)
    )


# --- a big file


def big() -> Outcome:
    """Multiply what was handed in until the file is big, then time the way back."""
    with home(TEMPLATES) as place:
        settings = wsgi.settings(**short(place.environ))
        with place.server():
            at_once(CLIENTS, [Pupil(place.port, *seat) for seat in place.seats(TEMPLATES)], _hand_in)
        file = sqlite_copy.file_of(settings)
        while file.stat().st_size < BIG_MB * 10**6:
            multiply(file)
        begun = monotonic()
        made = backup.create(settings, place.folder / "backups", clock.now())
        created_s = monotonic() - begun
        stages: dict[str, float] = {}
        begun = monotonic()
        looked = backup.restore(
            _empty(settings, place.folder / "big.sqlite", 0), made.file,
            show=lambda step, _done, _whole: stages.setdefault(step, monotonic() - begun) and None,
        )  # fmt: skip
        whole_s = monotonic() - begun
        back_s = stages["逐份核对"]
    size = made.manifest.dump_bytes
    gigabyte_s = whole_s * GIGABYTE / size
    faulty = [one.line for one in looked.findings if one.faults]
    print("\n".join(f"      {line}" for line in faulty), end="")
    return Outcome(
        not looked.faults and not faulty and gigabyte_s < LONGEST_S,
        f"SQLite of {size / 1e6:.0f} MB with {looked.findings[0].checked:,} attempts: backup "
        f"{size / 1e6 / created_s:.0f} MB/s ({made.size / size:.0%} of the size), back {size / 1e6 / back_s:.0f} MB/s, "
        f"with every invariant {whole_s:.0f} s; 1 GB would take {back_s * GIGABYTE / size:.0f} s, and "
        f"{gigabyte_s:.0f} s with every invariant",
    )


def _hand_in(pupil: Pupil) -> None:
    pupil.start()
    for position in range(1, 11):
        pupil.save(position, pupil.seat)
    pupil.submit()


def multiply(file: Path) -> None:
    """Let a new class of many seats hand in what others handed in: rows as the service writes them, by SQL alone."""
    with closing(sqlite3.connect(file)) as connection, connection:
        column_names = [row[1] for row in connection.execute("PRAGMA table_info(attempt_attempt)")]
        own = {
            "id": "c.id", "participant_id": "c.participant_id", "unit_id": "c.unit_id", "ordinal": "1",
            "receipt": "upper(hex(randomblob(8)))", "resume": "upper(hex(randomblob(4)))",
        }  # fmt: skip
        values = ", ".join(own.get(name, f"t.{name}") for name in column_names)
        for statement in (
            *_SEATS,
            f"INSERT INTO attempt_attempt ({', '.join(column_names)}) SELECT {values} {_FROM}",
            "INSERT INTO audit_leaf (attempt_id, at, answers_hash)"
            f" SELECT c.id, t.submitted_at, l.answers_hash {_FROM} JOIN audit_leaf l ON l.attempt_id = t.id",
            "DROP TABLE clone",
            "DROP TABLE template",
        ):
            connection.execute(statement)


_UNIT = "(SELECT max(id) FROM roster_unit)"
_FROM = "FROM clone c JOIN attempt_attempt t ON t.id = c.template"
_SEATS = (
    "CREATE TEMP TABLE template AS SELECT row_number() OVER (ORDER BY id) - 1 AS number, id FROM attempt_attempt"
    " WHERE submitted_at IS NOT NULL AND ordinal = 1",
    "INSERT INTO roster_unit (parent_id, path, code, name, kind, position, created_at)"
    " SELECT parent_id, 'bx/xx/big' || id || '/', 'big' || id, '大班', 'class', id, created_at FROM roster_unit"
    f" WHERE id = {_UNIT}",
    "WITH RECURSIVE numbers(seat) AS (SELECT 1 UNION ALL SELECT seat + 1 FROM numbers"
    f" WHERE seat < {CLONES}) INSERT INTO roster_enrolment (unit_id, term, seat, joined_at)"
    f" SELECT {_UNIT}, one.term, numbers.seat, one.joined_at"
    " FROM numbers, (SELECT term, joined_at FROM roster_enrolment LIMIT 1) one",
    "INSERT INTO attempt_participant (round_id, unit_id, enrolment_id, extension_s, created_at)"
    f" SELECT 1, unit_id, id, 0, joined_at FROM roster_enrolment WHERE unit_id = {_UNIT}",
    "CREATE TEMP TABLE clone AS"
    " SELECT lower(hex(randomblob(12))) AS id, p.id AS participant_id, p.unit_id, t.id AS template"
    " FROM attempt_participant p JOIN template t ON t.number = p.id % (SELECT count(*) FROM template)"
    f" WHERE p.unit_id = {_UNIT}",
)

DRILL = Drill(
    figure="R7",
    promise="a backup taken at any moment comes back whole",
    run=run,
    canaries={"the file is copied without its log": lambda _full: drill(False, take=by_copying_the_file)},
)
