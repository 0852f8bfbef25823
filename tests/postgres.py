"""A throw-away PostgreSQL cluster for the tests: started on first use, ended with the test run."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import pytest

MISSING = "PostgreSQL tests skipped: no initdb found (install the server package, Debian: postgresql)"


def binaries() -> Path | None:
    """Find the server's binaries: on the PATH or in Debian's versioned folders."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster of its own."""

    programs: Path
    folder: Path
    port: int
    durable: bool

    @property
    def address(self) -> str:
        """Its address without a database name."""
        return f"postgresql+psycopg://quizsvc@127.0.0.1:{self.port}"

    def database(self, name: str) -> str:
        """Create an empty database and return its address."""
        with self._connected() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"{self.address}/{name}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        careless = ("fsync", "full_page_writes", "synchronous_commit", "autovacuum", "jit")
        fast = [] if self.durable else [word for name in careless for word in ("-c", f"{name}=off")]
        options = [
            "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=120",
            "-c", f"unix_socket_directories={self.folder}", *fast,
        ]  # fmt: skip
        self._control("start", "-w", "-o", " ".join(options), "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """End it and delete it."""
        self._control("stop", "-m", "fast", "-w")
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart_at_once(self) -> None:
        """Stop it as a crash would, and start it again: it recovers from its log."""
        self._control("stop", "-m", "immediate", "-w")
        self.start()

    def kill_a_backend(self) -> None:
        """End every session of others, in the middle of whatever they do."""
        with suppress(psycopg.OperationalError), self._connected() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    def _connected(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=quizsvc dbname=postgres", autocommit=True
        )

    def _control(self, *arguments: str) -> None:
        run_as_owner([self.programs / "pg_ctl", "-D", self.folder / "data", *arguments], self.folder)


def run_as_owner(command: list[str | Path], folder: Path) -> None:
    """Run a program of the server as somebody who is not root."""
    as_user = {"user": "postgres"} if os.geteuid() == 0 else {}
    subprocess.run(
        command, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, **as_user,
    )  # fmt: skip


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a throw-away cluster; without durability it is fast and must not be killed."""
    programs = binaries()
    if programs is None:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="quizsvc-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run_as_owner(
        [programs / "initdb", "-D", folder / "data", "-U", "quizsvc", "--auth=trust", "-E", "UTF8",
         "--locale=C.UTF-8", "-N"], folder,
    )  # fmt: skip
    running = Cluster(programs, folder, port, durable)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@cache
def server() -> str:
    """Start the cluster of the tests once and return its address without a database name."""
    given = os.environ.get("QUIZSVC_TEST_POSTGRES")
    if given:
        return given.rstrip("/")
    lifetime = ExitStack()
    running = lifetime.enter_context(cluster())
    atexit.register(lifetime.close)
    return running.address


def fresh_database(name: str) -> str:
    """Create an empty database and return its address."""
    address = server()
    plain = address.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        name = f"{name}_{os.getpid()}"
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{address}/{name}"
