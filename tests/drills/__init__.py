"""Drills: the promises of docs/RELIABILITY.md measured on real processes, each beside a planted fault. `make drill`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run showed."""

    held: bool
    said: str


@dataclass(frozen=True, slots=True)
class Drill:
    """One figure: how to run it (True: the full numbers) and the planted faults that must turn it red."""

    figure: str
    promise: str
    run: Callable[[bool], Outcome]
    canaries: dict[str, Callable[[bool], Outcome]]
