"""`make drill`: run the drills and print a table; exit 1 when a promise did not hold or a planted fault was missed."""

import argparse
from importlib import import_module
from pathlib import Path
from time import monotonic

from tests.drills import Drill


def drills() -> list[Drill]:
    """Find every drill beside this file, in the order of the figures."""
    modules = sorted(
        file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_")
    )
    found: list[Drill] = [import_module(f"tests.drills.{name}").DRILL for name in modules]
    return sorted(found, key=lambda drill: int(drill.figure.removeprefix("R").rstrip("ab")))


def main() -> None:
    """Run all drills, or those named."""
    known = drills()
    options = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    options.add_argument("figures", nargs="*", help="only these, for example R4 R7")
    options.add_argument("--full", action="store_true", help="the whole numbers of docs/RELIABILITY.md")
    options.add_argument("--no-canaries", action="store_true", help="leave the planted faults out")
    given = options.parse_args()
    unknown = set(given.figures) - {drill.figure for drill in known}
    if unknown:
        options.error(f"no such figure: {' '.join(sorted(unknown))}")
    held = [
        _run(drill, given.full, not given.no_canaries)
        for drill in known
        if given.figures in ([], None) or drill.figure in given.figures
    ]
    print(f"{sum(held)} of {len(held)} drills held")
    raise SystemExit(not all(held))


def _run(drill: Drill, full: bool, canaries: bool) -> bool:
    begun = monotonic()
    outcome = drill.run(full)
    _say(drill.figure, "held" if outcome.held else "FAILED", drill.promise, outcome.said, begun)
    held = outcome.held
    for name, planted in drill.canaries.items() if canaries else ():
        begun = monotonic()
        caught = planted(full)
        _say("", "MISSED" if caught.held else "caught", name, caught.said, begun)
        held = held and not caught.held
    return held


def _say(figure: str, verdict: str, what: str, said: str, begun: float) -> None:
    print(f"{figure:5} {verdict:7} {what}: {said} ({monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
