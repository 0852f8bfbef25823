"""R6: the disk fills up while pupils hand in; what was acknowledged is there, and the same processes go on after."""

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.phone import Page
from tests.drills import Drill, Outcome
from tests.drills._service import Home, Pupil, at_once, home, lost

PUPILS = {True: 1000, False: 50}
ROOM_KB = {True: 3000, False: 300}
DISK = "6m"
CLIENTS = 8
FEW_PAGES = 5  # more than the seeded database has, where nothing can be mounted
NO_LIMIT = 2**30


@dataclass
class Small:
    """A place for the database that can be filled and emptied."""

    folder: Path
    conditions: list[str]
    fill: Callable[[int], None]
    empty: Callable[[], None]


@contextmanager
def small() -> Iterator[Small]:
    """Mount a small disk; where that is not allowed, limit the pages of the database."""
    with tempfile.TemporaryDirectory(prefix="quizsvc-drill-") as folder:
        disk, count = Path(folder, "disk"), Path(folder, "pages")
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(disk)]
        if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            count.write_text(str(NO_LIMIT))
            yield Small(
                disk, [f"pages={count}"], lambda _room: _limit(disk, count), lambda: _unlimited(count)
            )
            return
        ballast = disk / "ballast"
        try:
            yield Small(disk, [], lambda room_kb: _fill(ballast, room_kb), ballast.unlink)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(ballast: Path, room_kb: int) -> None:
    seen = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(max(seen.f_bavail * seen.f_frsize - room_kb * 1024, 0)))


def _limit(disk: Path, count: Path) -> None:
    database = next(disk.rglob("quizsvc.sqlite"))
    count.write_text(str(database.stat().st_size // 4096 + FEW_PAGES))


def _unlimited(count: Path) -> None:
    count.write_text(str(NO_LIMIT))


@dataclass
class Seen:
    """What the pupils were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    without_hint: int = 0
    unread: int = 0

    def note(self, page: Page) -> bool:
        """Count an answer; say whether it was a yes."""
        self.statuses[page.status] += 1
        self.without_hint += page.status == 503 and "retry-after" not in page.headers
        return page.status < 400


def run(full: bool, *plants: str) -> Outcome:
    """Fill the disk by handing in, make room, hand in the rest."""
    with small() as disk, home(PUPILS[full], folder=disk.folder) as place:
        pupils = [Pupil(place.port, *seat) for seat in place.seats(PUPILS[full])]
        with place.server(["tests.drills._entry", *disk.conditions, *plants]) as server:
            before = {process.pid for process in server.processes()}
            disk.fill(ROOM_KB[full])
            crowded = _sit(place, pupils)
            disk.empty()
            after = _sit(place, [pupil for pupil in pupils if not pupil.handed_in])
            same = before == {process.pid for process in server.processes()}
        gone = lost(place, pupils)
    refused = crowded.statuses[503]
    odd = {status for seen in (crowded, after) for status in seen.statuses if status >= 400} - {503}
    held = (
        refused > 0 and not gone and not odd and not crowded.without_hint and not crowded.unread
        and not after.statuses[503] and same and all(pupil.handed_in for pupil in pupils)
    )  # fmt: skip
    return Outcome(
        held,
        f"{sum(pupil.handed_in for pupil in pupils)} of {len(pupils)} handed in, {refused} times 503, other errors "
        f"{sorted(odd) or 'none'}, {crowded.unread} pages not read, {gone} lost, "
        f"{'the same' if same else 'OTHER'} processes",
    )


def _sit(place: Home, pupils: list[Pupil]) -> Seen:
    seen = Seen()

    def go_on(pupil: Pupil) -> None:
        begun = bool(pupil.path) or seen.note(pupil.start())
        if begun and (1 in pupil.kept or seen.note(pupil.save(1, pupil.seat))):
            seen.note(pupil.submit())
        seen.unread += pupil.phone.get("landing", f"/c/{pupil.code}").status != 200

    for error in at_once(CLIENTS, pupils, go_on):
        seen.statuses[599] += 1
        print(f"      {type(error).__name__}: {error}")
    return seen


DRILL = Drill(
    figure="R6",
    promise="a full disk loses nothing",
    run=run,
    canaries={"acknowledged although it failed": lambda full: run(full, "acknowledge-anyway")},
)
