"""`make bench`: complete sittings against quizsvc and the floor, in turns; what each costs, and the ratio."""

import argparse
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from multiprocessing import TimeoutError as MuchTooSlow
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from types import FrameType
from typing import Any
from unicodedata import east_asian_width

from benchmarks.bank import ASKED
from benchmarks.phone import ADDRESS, LONGEST_REQUEST_S, Seat, Sitting, Wrong, sit_floor, sit_ours
from benchmarks.servers import CPU_SOURCE, Server, free_port

GOAL = 4.0
CLASSES = 20
SEATS = 50
FLOOR_TIMES = 5  # CPU is counted in steps of 10 ms a process: too coarse for few sittings of 2 ms
LEAST_RIGHT = 4  # pupils know 4 to 10 answers of 10, so that most results have something to explain
LONGEST_SEEDING_S = 120
NAMES = {"ours": "quizsvc", "floor": "最小 Flask 程序"}
Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One repetition against one server."""

    seconds: float
    cpu_s: float
    resident: int
    sittings: Sequence[Sitting]

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the server for one sitting."""
        return 1000 * self.cpu_s / len(self.sittings)

    @property
    def per_second(self) -> float:
        """Sittings a second."""
        return len(self.sittings) / self.seconds


@dataclass
class Side:
    """One of the two servers with the seats that are left and what was measured."""

    name: str
    server: Server
    sit: Callable[[Seat], Sitting]
    seats: Iterator[Seat]
    count: int
    parts: list[Part]
    stored: Callable[[], tuple[int, int]]
    verified: int = 0
    points: int = 0

    def run(self, pool: Pool, count: int, label: str) -> Part:
        """Have sittings done by all clients; every one of them was verified when this returns."""
        seats = list(islice(self.seats, count))
        cpu_s, begun = self.server.cpu_s(), perf_counter()
        done: list[Sitting] = []
        coming = pool.imap_unordered(self.sit, seats)
        for _ in seats:
            done.append(coming.next(timeout=LONGEST_REQUEST_S * 4))
            progress(f"{label} {NAMES[self.name]} {len(done)}/{len(seats)}")
        part = Part(perf_counter() - begun, self.server.cpu_s() - cpu_s, self.server.resident(), done)
        progress(
            f"{label} {NAMES[self.name]}：CPU {part.cpu_ms:.2f} 毫秒/份，{part.per_second:.0f} 份/秒",
            stays=True,
        )
        self.verified += len(done)
        self.points += sum(sitting.score for sitting in done)
        return part


def progress(text: str, *, stays: bool = False) -> None:
    """Show how far it is; what does not stay is shown on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="\n" if stays else "", file=sys.stderr, flush=True)
    elif stays:
        print(text, file=sys.stderr, flush=True)


def seed(environ: dict[str, str], classes: int) -> list[dict[str, str]]:
    """Build the county in a process of its own; this one stays free of the program it measures."""
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.county", "--classes", str(classes), "--seats", str(SEATS)],
        env=environ, capture_output=True, text=True, timeout=LONGEST_SEEDING_S, check=False,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"the county was not built:\n{made.stderr[-3000:]}")
    doors: list[dict[str, str]] = json.loads(made.stdout)
    return doors


def our_environ(given: argparse.Namespace, folder: Path, port: int) -> dict[str, str]:
    """Return the settings of an instance of its own, whatever the caller's environment says."""
    ours = {
        "MODE": "demo", "INSTANCE": str(folder), "HOST": ADDRESS, "PORT": str(port),
        "PUBLIC_URL": f"http://{ADDRESS}:{port}", "SQLITE_SYNCHRONOUS": "FULL",
        "PROCESSES": str(given.processes), "THREADS": str(given.threads),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUIZSVC_")}
    return kept | {f"QUIZSVC_{name}": value for name, value in ours.items()}


def our_side(given: argparse.Namespace, folder: Path, warm_up: int, open_: ExitStack) -> Side:
    """Build and start quizsvc."""
    port = free_port()
    environ = our_environ(given, folder, port)
    needed = warm_up + given.sittings * given.repeat
    doors = seed(environ, max(CLASSES, math.ceil(needed / SEATS)))
    server = Server(
        ["quizsvc.cli", "serve"], port=port, ready="/readyz", log=folder / "ours.log", environ=environ
    )
    seats = (
        Seat(port, door["code"], door["name"], number, right(number + place), given.saves)
        for number in range(1, SEATS + 1)
        for place, door in enumerate(doors)
    )
    return Side(
        "ours", open_.enter_context(server), sit_ours, seats, given.sittings, [],
        lambda: read(
            folder / "quizsvc.sqlite",
            "SELECT count(*), sum(score) FROM attempt_attempt JOIN audit_leaf ON attempt_id = id "
            "WHERE submitted_at IS NOT NULL AND voided_at IS NULL",
        ),
    )  # fmt: skip


def floor_side(given: argparse.Namespace, folder: Path, open_: ExitStack) -> Side:
    """Start the floor."""
    port, database = free_port(), folder / "floor.sqlite"
    server = Server(
        [
            "benchmarks.floor", "--database", str(database), "--port", str(port),
            "--processes", str(given.processes), "--threads", str(given.threads),
        ],
        port=port, ready="/q/ready", log=folder / "floor.log",
    )  # fmt: skip
    seats = (
        Seat(port, f"C{place // SEATS:05}", "", place % SEATS + 1, right(place))
        for place in range(given.sittings * given.repeat * FLOOR_TIMES * 2)
    )
    return Side(
        "floor", open_.enter_context(server), sit_floor, seats, given.sittings * FLOOR_TIMES, [],
        lambda: read(database, "SELECT count(*), sum(score) FROM sitting"),
    )  # fmt: skip


def right(place: int) -> int:
    """Say how many answers of a seat are right."""
    return LEAST_RIGHT + place % (ASKED - LEAST_RIGHT + 1)


def read(database: Path, question: str) -> tuple[int, int]:
    """Ask a server's database how many sittings it keeps and how many points they have."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=15)) as opened:
        count, points = opened.execute(question).fetchone()
        return int(count), int(points or 0)


def measure(given: argparse.Namespace) -> tuple[Side, Side]:
    """Run everything."""
    warm_up = given.warm_up
    with ExitStack() as open_:
        folder = Path(open_.enter_context(TemporaryDirectory(prefix="quizsvc-bench-")))
        progress("准备数据，启动两个服务…")
        ours = our_side(given, folder, warm_up, open_)
        floor = floor_side(given, folder, open_)
        pool = open_.enter_context(get_context("spawn").Pool(given.clients))
        for side in (ours, floor):
            side.run(pool, warm_up, "预热")
        for turn in range(given.repeat):
            for side in (ours, floor) if turn % 2 == 0 else (floor, ours):
                side.parts.append(side.run(pool, side.count, f"第 {turn + 1}/{given.repeat} 轮"))
        for side in (ours, floor):
            if side.stored() != (side.verified, side.points):
                raise Wrong(f"{side.name}: stored {side.stored()}, shown {(side.verified, side.points)}")
    return ours, floor


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the 50th, 95th and 99th percentile in milliseconds (nearest rank)."""
    ordered = sorted(values)
    return {
        f"p{share}": round(1000 * ordered[math.ceil(share / 100 * len(ordered)) - 1], 2)
        for share in (50, 95, 99)
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the least, the middle and the greatest value."""
    return {"min": round(min(values), 3), "median": round(median(values), 3), "max": round(max(values), 3)}


def summary(side: Side) -> dict[str, Any]:
    """Put one side's repetitions together."""
    sittings = [sitting for part in side.parts for sitting in part.sittings]
    requests: dict[str, list[float]] = {}
    for sitting in sittings:
        for timed in sitting.requests:
            requests.setdefault(timed.name, []).append(timed.seconds)
    return {
        "verified": side.verified,
        "cpu_ms": spread([part.cpu_ms for part in side.parts]),
        "per_second": spread([part.per_second for part in side.parts]),
        "sitting_ms": percentiles([sitting.seconds for sitting in sittings]),
        "request_ms": {name: percentiles(seconds) for name, seconds in requests.items()},
        "requests": sum(len(sitting.requests) for sitting in sittings) / len(sittings),
        "bytes": round(sum(one.received for sitting in sittings for one in sitting.requests) / len(sittings)),
        "resident_mb": round(max(part.resident for part in side.parts) / 2**20),
    }


def report(given: argparse.Namespace, ours: Side, floor: Side) -> dict[str, Any]:
    """Put both sides and their ratio together."""
    if not all(part.cpu_s for part in (*ours.parts, *floor.parts)):
        raise RuntimeError("CPU 计得太粗，量不出来：请把 --sittings 加大。")
    ratio = spread([a.cpu_ms / b.cpu_ms for a, b in zip(ours.parts, floor.parts, strict=True)])
    return {
        "options": {name: value for name, value in vars(given).items() if name != "json"},
        "cpu_source": CPU_SOURCE,
        "ours": summary(ours),
        "floor": summary(floor),
        "ratio": ratio,
        "goal": GOAL,
        "reached": ratio["median"] <= GOAL,
    }


def show(found: dict[str, Any]) -> None:
    """Print the report as a table."""
    options, ours, floor = found["options"], found["ours"], found["floor"]
    print(
        f"每轮 {options['sittings']} 份完整作答，对照 {options['sittings'] * FLOOR_TIMES} 份；"
        f"{options['repeat']} 轮交替，{options['clients']} 个客户端，"
        f"每份自动保存 {options['saves']} 次，服务 {options['processes']} 进程 × {options['threads']} 线程"
    )
    print(f"成绩逐份核对无误：{ours['verified']} 份、{floor['verified']} 份（含预热），与数据库一致\n")
    rows: list[Row] = [
        ("", NAMES["ours"], NAMES["floor"]),
        ("服务端 CPU 毫秒/份", *both(found, "cpu_ms", ranged)),
        ("份/秒", *both(found, "per_second", ranged)),
        ("整份毫秒 p50/p95/p99", *both(found, "sitting_ms", slashed)),
        ("请求数/份", *both(found, "requests", lambda value: f"{value:g}")),
        ("收到字节/份", *both(found, "bytes", lambda value: f"{value:,}")),
        ("内存 MB（各进程相加）", *both(found, "resident_mb", str)),
    ]
    for name in ours["request_ms"]:
        beside = floor["request_ms"].get(name)
        rows.append((f"  {name} 毫秒", slashed(ours["request_ms"][name]), slashed(beside) if beside else ""))
    for row in rows:
        print("".join(cell + " " * max(1, 26 - width(cell)) for cell in row).rstrip())
    verdict = "达到" if found["reached"] else "没有达到"
    print(f"\nCPU 之比 {ranged(found['ratio'])}，目标 ≤ {found['goal']:g}：{verdict}")
    if found["cpu_source"] != "/proc":
        print("这台机器没有 /proc，CPU 来自 ps，较粗：请把 --sittings 加大。")


def both(found: dict[str, Any], name: str, write: Callable[[Any], str]) -> tuple[str, str]:
    """Write one figure of both sides."""
    return write(found["ours"][name]), write(found["floor"][name])


def ranged(value: dict[str, float]) -> str:
    """Write the median with its range."""
    return f"{value['median']:.2f}（{value['min']:.2f}–{value['max']:.2f}）"


def slashed(value: dict[str, float]) -> str:
    """Write three percentiles."""
    return " / ".join(f"{value[name]:.1f}" for name in ("p50", "p95", "p99"))


def width(text: str) -> int:
    """Count the columns a text takes on a terminal."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def positive(text: str) -> int:
    """Read a number of at least one."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the options."""
    options = argparse.ArgumentParser(
        prog="benchmarks.sittings", description="完整作答的开销，与最小 Flask 程序对比"
    )
    options.add_argument("--sittings", type=positive, default=200, help="每轮作答份数（默认 200）")
    options.add_argument("--clients", type=positive, default=8, help="同时作答的客户端（默认 8）")
    options.add_argument("--repeat", type=positive, default=5, help="轮数（默认 5）")
    options.add_argument(
        "--saves", type=int, default=0, choices=range(101), metavar="N", help="每份自动保存次数（默认 0）"
    )
    options.add_argument("--warm-up", type=positive, default=32, help="先空跑多少份（默认 32）")
    options.add_argument("--processes", type=positive, default=4, help="服务进程数（默认 4）")
    options.add_argument("--threads", type=positive, default=1, help="每个进程的线程数（默认 1）")
    options.add_argument(
        "--longest", type=positive, default=1200, metavar="S", help="总时限，秒（默认 1200）"
    )
    options.add_argument("--json", action="store_true", help="输出 JSON")
    return options.parse_args(arguments)


def out_of_time(_signal: int, _frame: FrameType | None) -> None:
    """End the run; the servers end with it."""
    raise TimeoutError("the measurement took longer than --longest")


def main() -> None:
    """Measure and print."""
    given = parsed()
    signal.signal(signal.SIGALRM, out_of_time)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
    signal.alarm(given.longest)
    try:
        found = report(given, *measure(given))
    except (Wrong, RuntimeError, TimeoutError, MuchTooSlow) as failed:
        sys.exit(f"测速没有完成：{failed}")
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        show(found)


if __name__ == "__main__":
    main()
