"""Two processes of many threads that do the same thing at the same moment, on a database of either kind.

python -m tests.drills._crowd MODULE FUNCTION URL FOLDER ROUNDS [ARGUMENT]: one of the processes.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Barrier

from flask import Flask

from quizsvc.app import create_app
from quizsvc.db import db
from quizsvc.settings import PROJECT
from tests import postgres
from tests.conftest import settings_for

PROCESSES = 2
LONGEST_S = 120
BOTH = ("SQLite", "PostgreSQL")


@contextmanager
def application(url: str, folder: Path) -> Iterator[Flask]:
    """An application of this process on a database that others share."""
    app = create_app(settings_for(url, folder))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@contextmanager
def databases(kinds: tuple[str, ...] = BOTH) -> Iterator[dict[str, tuple[str, Path]]]:
    """An empty database of each kind with our tables: its address and a folder beside it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {"SQLite": (f"sqlite:///{folder / 'drill.sqlite'}", folder)}
        if "PostgreSQL" in kinds:
            with postgres.cluster() as cluster:
                made["PostgreSQL"] = (cluster.database("drill"), folder)
                _create(made)
                yield made
        else:
            _create(made)
            yield made


def _create(made: dict[str, tuple[str, Path]]) -> None:
    for url, folder in made.values():
        with application(url, folder):
            db.create_all()


def in_threads(app: Flask, work: Callable[[int], bool], times: int) -> int:
    """Do the same in so many threads, all let go at once; count the successes."""
    gate = Barrier(times, timeout=LONGEST_S)

    def one(number: int) -> bool:
        gate.wait()
        with app.app_context():
            try:
                return work(number)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(times) as pool:
        return sum(pool.map(one, range(times)))


def in_processes(
    part: Callable[[Flask, int, str], int], url: str, folder: Path, rounds: int, argument: str
) -> list[int]:
    """Let every process do its part at the same moment, round after round; add up what each says."""
    command = [sys.executable, "-m", "tests.drills._crowd", part.__module__, part.__name__]
    children = [
        subprocess.Popen(
            [*command, url, str(folder), str(rounds), argument],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    try:
        for process in children:
            process.stdout.readline()
        totals = []
        for _ in range(rounds):
            for process in children:
                process.stdin.write("go\n")
                process.stdin.flush()
            totals.append(sum(_said(process) for process in children))
        return totals
    finally:
        for process in children:
            process.communicate(timeout=LONGEST_S)


def _said(process: "subprocess.Popen[str]") -> int:
    """Read the number among whatever the process has logged."""
    heard = []
    for line in process.stdout:
        if line.startswith("="):
            return int(line[1:])
        heard.append(line)
    raise RuntimeError("a process ended:\n" + "".join(heard)[-3000:])


def main() -> None:
    """Be one of the processes: say ready; for each line that comes, do the part and say its number."""
    module, function, url, folder, rounds, argument = sys.argv[1:]
    part = getattr(import_module(module), function)
    with application(url, Path(folder)) as app:
        print("ready", flush=True)
        for number in range(int(rounds)):
            sys.stdin.readline()
            print(f"={part(app, number, argument)}", flush=True)


if __name__ == "__main__":
    main()
