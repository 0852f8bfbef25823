"""Servers started for a measurement, on a free port, and what they cost as the system counts it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from benchmarks.phone import ADDRESS

LONGEST_START_S = 40
LONGEST_STOP_S = 15
PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()
CPU_SOURCE = "/proc" if HAS_PROC else "ps"


@dataclass(frozen=True, slots=True)
class Process:
    """One process: CPU seconds with those of its ended children, resident bytes."""

    pid: int
    parent: int
    cpu_s: float
    resident: int


class Server:
    """A server process with its children; ends with the `with` block."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        port: int,
        ready: str,
        log: Path,
        environ: Mapping[str, str] | None = None,
        within: Path | None = None,
        under: Sequence[str] = (),
    ) -> None:
        self.port = port
        self.ready = ready
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*under, sys.executable, "-m", *arguments], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, env=environ, cwd=within, start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> "Server":
        """Wait until it answers."""
        give_up = monotonic() + LONGEST_START_S
        while not self._answers():
            if self.process.poll() is not None or monotonic() > give_up:
                self.stop()
                raise RuntimeError(
                    f"the server did not start:\n{self.log.read_text(errors='replace')[-3000:]}"
                )
            sleep(0.05)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    def _answers(self) -> bool:
        connection = HTTPConnection(ADDRESS, self.port, timeout=5)
        try:
            connection.request("GET", self.ready)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Ask it to end; end what is left of its own processes by their ids."""
        if self.process.poll() is not None:
            return
        ours = [process.pid for process in self.processes()]
        self.process.terminate()
        try:
            self.process.wait(LONGEST_STOP_S)
        except subprocess.TimeoutExpired:
            for pid in ours:
                _kill(pid)
            self.process.wait(LONGEST_STOP_S)

    def processes(self) -> list[Process]:
        """List it and everything under it."""
        everything = _from_proc() if HAS_PROC else _from_ps()
        found = [process for process in everything if process.pid == self.process.pid]
        for parent in found:  # grows while it is walked: children of children
            found += [process for process in everything if process.parent == parent.pid]
        return found

    def cpu_s(self) -> float:
        """Sum the CPU seconds of all its processes so far."""
        return sum(process.cpu_s for process in self.processes())

    def resident(self) -> int:
        """Sum the resident bytes of all its processes; pages they share are counted in each."""
        return sum(process.resident for process in self.processes())


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _from_proc() -> list[Process]:
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = []
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            stat = (folder / "stat").read_text(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
        cpu = sum(map(int, fields[11:15])) / tick  # utime stime cutime cstime
        found.append(Process(int(folder.name), int(fields[1]), cpu, int(fields[21]) * page))
    return found


def _from_ps() -> list[Process]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "rss=", "-o", "time="],
        capture_output=True, text=True, check=True, timeout=10,
    ).stdout  # fmt: skip
    found = []
    for line in listing.splitlines():
        pid, parent, resident, time = line.split()
        found.append(Process(int(pid), int(parent), _seconds(time), int(resident) * 1024))
    return found


def _seconds(time: str) -> float:
    """Read [[days-]hours:]minutes:seconds."""
    days, _, rest = time.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + int(days or 0) * 86400
