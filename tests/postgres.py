"""A throw-away PostgreSQL cluster for the tests: started on first use, ended with the test run."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
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


@cache
def server() -> str:
    """Start the cluster once and return its address without a database name."""
    given = os.environ.get("QUIZSVC_TEST_POSTGRES")
    if given:
        return given.rstrip("/")
    programs = binaries()
    if programs is None:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="quizsvc-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    as_user = {"user": user} if os.geteuid() == 0 else {}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "quizsvc", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **as_user,
    )  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
             "-c", f"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "full_page_writes=off",
             "-c", "max_connections=120"],
            stdout=log, stderr=log, cwd=folder, **as_user,
        )  # fmt: skip

    def stop() -> None:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    address = f"postgresql+psycopg://quizsvc@127.0.0.1:{port}"
    for _ in range(100):
        try:
            psycopg.connect(f"host=127.0.0.1 port={port} user=quizsvc dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return address
    raise RuntimeError((folder / "log").read_text())


def fresh_database(name: str) -> str:
    """Create an empty database and return its address."""
    address = server()
    plain = address.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(f"{plain}/postgres", autocommit=True) as connection:
        name = f"{name}_{os.getpid()}"
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{address}/{name}"
