"""R4: every answer that acknowledges a submission leaves after the log of the database has reached the disk."""

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills import Drill, Outcome
from tests.drills._service import Pupil, at_once, home

SUBMITS = {True: 200, False: 40}
CLIENTS = 8
CALLS = "trace=recvfrom,sendto,fdatasync,fsync"
MISSING = "SKIPPED: no strace (Debian: apt install strace)"

_LINE = re.compile(r"^(\d+) +(.*)$")
_PEER = re.compile(r"\d+<TCP(?:v6)?:\[[^\]]*?->([^\]]*)\]>")
_ASKED = re.compile(r'^recvfrom\((\S+), "POST /a/[a-z0-9]+/submit ')
_ANSWERED = re.compile(r'^sendto\((\S+), "HTTP/1\.1 (\d+)')
_SENT = re.compile(r"^sendto\(")
_SYNCED = re.compile(r"^f(?:data)?sync\(\d+<[^>]*-wal>\) += 0$")
_CUT = re.compile(r"^(.*) <unfinished \.\.\.>$")
_GOES_ON = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")


@dataclass
class Order:
    """What the trace shows: acknowledgements, and those of them that left too early."""

    acknowledged: int = 0
    early: int = 0
    _waiting: set[str] = field(default_factory=set)  # connections with a submission that has no answer yet
    _synced: set[str] = field(default_factory=set)  # threads whose last act was to reach the disk
    _cut: dict[str, str] = field(default_factory=dict)

    def read(self, trace: Path) -> "Order":
        """Go through the calls of all threads, as they were made."""
        for line in trace.read_text(errors="replace").splitlines():
            found = _LINE.match(line)
            if found:
                self._call(*found.groups())
        return self

    def _call(self, thread: str, call: str) -> None:
        cut, goes_on = _CUT.match(call), _GOES_ON.match(call)
        if cut:
            self._cut[thread] = cut[1]
            if not _SENT.match(call):  # what is sent counts from its beginning, all else when it is done
                return
            call = cut[1]
        elif goes_on:
            call = self._cut.pop(thread, "") + goes_on[1]
            if _SENT.match(call):
                return
        self._note(thread, call)

    def _note(self, thread: str, call: str) -> None:
        if asked := _ASKED.match(call):
            self._waiting.add(_peer(asked[1]))
        elif _SYNCED.match(call):
            self._synced.add(thread)
        elif _SENT.match(call):
            answered = _ANSWERED.match(call)
            if answered and _peer(answered[1]) in self._waiting:
                self._waiting.discard(_peer(answered[1]))
                if answered[2] in ("200", "303"):
                    self.acknowledged += 1
                    self.early += thread not in self._synced
            self._synced.discard(thread)  # the next answer of this thread needs a sync of its own


def _peer(descriptor: str) -> str:
    found = _PEER.match(descriptor)
    return found[1] if found else descriptor


def there() -> bool:
    """Say whether this machine has what it takes."""
    return shutil.which("strace") is not None


def run(full: bool, synchronous: str = "FULL") -> Outcome:
    """Hand in under strace and look at the order of the calls."""
    if not there():
        return Outcome(synchronous == "FULL" and not os.environ.get("QUIZSVC_TEST_REQUIRE_ALL"), MISSING)
    with home(SUBMITS[full], sqlite_synchronous=synchronous) as place:
        trace = place.folder / "trace"
        under = (
            "strace",
            "-D",
            "-f",
            "-qq",
            "-yy",
            "-s",
            "64",
            "-e",
            CALLS,
            "-e",
            "signal=none",
            "-o",
            str(trace),
        )
        pupils = [Pupil(place.port, *seat) for seat in place.seats(SUBMITS[full])]

        def sit(pupil: Pupil) -> None:
            pupil.start().require(303)
            pupil.save(1, 0).require(204)
            pupil.submit().require(200)

        with place.server(under=under):
            wrong = at_once(CLIENTS, pupils, sit)
        order = Order().read(trace)
    said = f"{order.acknowledged - order.early} of {order.acknowledged} acknowledgements after the disk"
    held = order.acknowledged == len(pupils) and not order.early and not wrong
    return Outcome(held, f"{said}{f'; {wrong[0]}' if wrong else ''}")


DRILL = Drill(
    figure="R4",
    promise="acknowledged is on the disk",
    run=run,
    canaries={"synchronous=NORMAL": lambda full: run(full, "NORMAL")},
)
