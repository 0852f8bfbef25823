"""R23: a limit holds across processes: two of them with fifty threads each let exactly L through, on both databases."""

from datetime import UTC, datetime
from threading import Lock

from flask import Flask

from quizsvc import throttle
from tests.drills import Drill, Outcome, _crowd

THREADS, LIMIT = 50, 37
AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)


class InMemory:
    """The limiter that does not hold: it counts in one process."""

    def __init__(self) -> None:
        self.count, self.lock = 0, Lock()

    def take(self, *, limit: int, text: str, **_: object) -> None:
        """Count here."""
        with self.lock:
            self.count += 1
            if self.count > limit:
                raise throttle.TooMany(text)


def let_through(app: Flask, number: int, limiter: str) -> int:
    """Ask from all threads of this process at once; count who was let through."""
    take = InMemory().take if limiter == "memory" else throttle.take

    def one(_: int) -> bool:
        try:
            take(kind="drill", subject=str(number), limit=LIMIT, window_s=600, at=AT, text="多了。")
        except throttle.TooMany:
            return False
        return True

    return _crowd.in_threads(app, one, THREADS)


def measure(limiter: str, rounds: int, kinds: tuple[str, ...] = _crowd.BOTH) -> Outcome:
    """Ask on the databases and compare."""
    with _crowd.databases(kinds) as made:
        found = {
            name: _crowd.in_processes(let_through, url, folder, rounds, limiter)
            for name, (url, folder) in made.items()
        }
    said = ", ".join(f"{name} {sorted(set(totals))}" for name, totals in found.items())
    held = all(total == LIMIT for totals in found.values() for total in totals)
    asked = _crowd.PROCESSES * THREADS
    return Outcome(held, f"limit {LIMIT}, {asked} at once, {rounds} rounds; let through: {said}")


DRILL = Drill(
    figure="R23",
    promise="a limit holds across processes",
    run=lambda full: measure("database", 40 if full else 3),
    canaries={"counted in memory": lambda _full: measure("memory", 1, ("SQLite",))},
)
