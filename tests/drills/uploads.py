"""R18: files as large as they may be, full of what may cost more than its length: time, memory, nothing else."""

from collections.abc import Iterable

from quizsvc.uploads import LARGEST_FILE
from tests.drills import Drill, Outcome
from tests.security import test_hostile_uploads as hostile


def run(full: bool, most_seconds: float = hostile.MOST_SECONDS) -> Outcome:
    """Let both readers read each file in a process of its own; the short run takes every sixth."""
    files = hostile.full(LARGEST_FILE)
    chosen = list(files)[:: 1 if full else 6]
    grounds = hostile.Grounds()
    found = {
        (name, reader): trial for name in chosen for reader, trial in grounds.read(files[name][0]()).items()
    }
    grounds.close()
    ended = [name for (name, _), trial in found.items() if trial is None]
    trials = [trial for trial in found.values() if trial is not None]
    slowest = _worst(trial["seconds"] for trial in trials)
    largest = _worst(trial["bytes"] for trial in trials)
    asked = sum(len(trial["asked"]) for trial in trials)
    held = not ended and not asked and slowest < most_seconds and largest < hostile.MOST_BYTES
    said = f"{len(found)} readings of 5 MB, longest {slowest:.1f} s, most {largest / hostile.MEBIBYTE:.0f} MB"
    return Outcome(held, f"{said}, {asked} files or sockets asked for, {len(ended)} processes ended")


def _worst(values: Iterable[float]) -> float:
    return max(values, default=0.0)


DRILL = Drill(
    figure="R18",
    promise="a file that means harm costs less than 2 s and 200 MB",
    run=run,
    canaries={"a bound that no reader keeps": lambda _full: run(full=False, most_seconds=0.001)},
)
