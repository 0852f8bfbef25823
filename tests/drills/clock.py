"""R9: the machine's clock jumps under a running service, and across a restart; nothing ends early or opens again."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

from benchmarks.servers import Server
from tests.drills import Drill, Outcome
from tests.drills._service import Home, Pupil, home

PUPILS = {True: 100, False: 12}
LIMIT_S = 3600
SWEEP_S = 0.3
WAIT_S = 2.0  # several sweeps
DAY_S = 86_400
JUMPS = {"+1 d": DAY_S, "-1 d": -DAY_S, "+61 s": 61}


class Service:
    """A seeded service whose wall clock is set by a file."""

    def __init__(self, place: Home, *bugs: str) -> None:
        self.place, self.bugs = place, bugs
        self.file = place.folder / "wrong-by"
        self.set(0)

    def set(self, seconds: float) -> None:
        """Put the wall clock wrong by so much; written in one step, the service is reading it."""
        draft = self.file.with_suffix(".new")
        draft.write_text(str(seconds))
        draft.replace(self.file)

    def server(self) -> Server:
        """Start it."""
        conditions = [f"wall={self.file}", f"sweeps={SWEEP_S}", *(f"{bug}={self.file}" for bug in self.bugs)]
        return self.place.server(["tests.drills._entry", *conditions])

    def closed(self) -> int:
        """Count the attempts that the clock has closed."""
        return int(
            self._read("SELECT count(*) FROM attempt_attempt WHERE submitted_at IS NOT NULL AND overdue")
        )

    def limit(self, seconds: int) -> None:
        """Let every attempt that starts from now on last so long."""
        self._read("UPDATE campaign_round SET limit_s = ?", seconds)

    def ends(self, at: datetime) -> None:
        """Let the window close at a moment."""
        self._read(
            "UPDATE campaign_round SET closes_at = ?", at.replace(tzinfo=None).isoformat(" ", "microseconds")
        )

    def _read(self, statement: str, *values: object) -> object:
        with closing(sqlite3.connect(self.place.database, timeout=15)) as opened:
            row = opened.execute(statement, values).fetchone()
            opened.commit()
            return row[0] if row else None


def run(full: bool, *bugs: str) -> Outcome:
    """Jump under way, then restart on a clock that is a day behind."""
    count, said, early, refused = PUPILS[full], [], 0, 0
    with home(2 * count) as place:
        service = Service(place, *bugs)
        service.limit(LIMIT_S)
        pupils = [Pupil(place.port, *seat) for seat in place.seats(2 * count)]
        sitting, late = pupils[:count], pupils[count:]
        with service.server():
            for pupil in sitting:
                pupil.start()
                pupil.save(1, 0)
            for name, seconds in JUMPS.items():
                service.set(seconds)
                time.sleep(WAIT_S)
                early += service.closed()
                refused += sum(pupil.save(2, pupil.seat).status != 204 for pupil in sitting)
                said.append(name)
            service.set(0)
            refused += sum(pupil.submit().status != 200 for pupil in sitting[1:])
            service.ends(datetime.now(UTC) - timedelta(seconds=1))
            time.sleep(WAIT_S)
            over = (
                service.closed() == 1
            )  # whoever has not handed in, by the sweeper, as soon as the jump was over
        service.set(-DAY_S)
        with service.server():
            for pupil in late:
                pupil.start()
            reopened = sum(pupil.path.startswith("/a/") for pupil in late)
            said.append("restart a day behind")
    held = not early and not reopened and not refused and over
    return Outcome(
        held,
        f"{', '.join(said)}: {early} closed early, {refused} answers refused, {reopened} opened again, "
        f"{'closed when it was time' if over else 'NOT closed when it was time'}",
    )


DRILL = Drill(
    figure="R9",
    promise="a clock that jumps ends nothing",
    run=run,
    canaries={"the wall clock itself decides": lambda full: run(full, "wall-directly")},
)
