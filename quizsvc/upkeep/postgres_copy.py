"""PostgreSQL: pg_dump and pg_restore, found, asked for the right version, and never given a password in sight."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from quizsvc.core.refusal import Refusal
from quizsvc.db import connect
from quizsvc.settings import Settings
from quizsvc.upkeep import copies
from quizsvc.upkeep.copies import Facts
from quizsvc.upkeep.progress import Progress

DEBIAN = Path("/usr/lib/postgresql")
LOOK_EVERY_S = 0.2
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


def take(settings: Settings, target: Path, progress: Progress) -> Facts:
    """Dump the database as it is at one moment into an empty file, and tell what it held then."""
    engine = connect(settings)
    try:
        with engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            facts = copies.facts(connection)
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            with _address(settings, target.parent) as address, target.open("wb") as dump:
                _run(
                    [program("pg_dump", major(facts.server)), "--format=custom", "--compress=0",
                     f"--snapshot={snapshot}", f"--dbname={address}"],
                    dump, lambda: progress("复制数据库", min(target.stat().st_size, size), size),
                )  # fmt: skip
            progress("复制数据库", size, size)
            return facts
    finally:
        engine.dispose()


def look_through(dump: Path, server: str) -> None:
    """Let pg_restore read the list of what a dump holds."""
    with dump.with_name(f"{dump.name}.list").open("wb") as listed:
        _run([program("pg_restore", major(server)), "--list", str(dump)], listed)
    if b" TABLE DATA " not in Path(listed.name).read_bytes():
        raise Refusal("备份里没有一张表，不能用。")


def held(settings: Settings) -> int:
    """Count the rows there are now."""
    return copies.facts_of(settings).held


def put(settings: Settings, dump: Path, server: str) -> None:
    """Fill the database from a dump; what is in it goes. Refuse while somebody else is connected."""
    engine = connect(settings)
    try:
        with engine.begin() as connection:
            if connection.execute(_OTHERS).scalar_one():
                raise copies.Busy
            _clear(connection)
    finally:
        engine.dispose()
    with _address(settings, dump.parent) as address:
        _run(
            [program("pg_restore", major(server)), "--clean", "--if-exists", "--no-owner", "--no-privileges",
             "--single-transaction", "--exit-on-error", f"--dbname={address}", str(dump)],
            subprocess.DEVNULL,
        )  # fmt: skip


_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_TABLES = text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")


def _clear(connection: Connection) -> None:
    """Drop every table, also those that a newer program made: pg_restore knows only its own."""
    for name in connection.execute(_TABLES).scalars().all():
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name} CASCADE")


def major(server: str) -> int:
    """Return the major version: pg_dump may be newer than the server, never older."""
    return int(server.partition(".")[0])


def program(name: str, at_least: int) -> str:
    """Find one of PostgreSQL's programs, on the PATH or in Debian's versioned folders, the newest there is."""
    found = [path for path in (shutil.which(name), *map(str, DEBIAN.glob(f"*/bin/{name}"))) if path]
    versions = {path: _version(path) for path in found}
    newest = max(found, key=versions.__getitem__, default="")
    if versions.get(newest, 0) < at_least:
        raise Refusal(
            f"没有找到 PostgreSQL {at_least} 或更新的 {name}。请先安装，"
            f"例如 Debian/Ubuntu：apt install postgresql-client-{at_least}。"
        )
    return newest


def _version(path: str) -> int:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 a program we found by name
    found = _VERSION.search(told)
    return int(found[1]) if found else 0


def _run(command: Sequence[str], output: BinaryIO | int, waiting: Callable[[], None] = lambda: None) -> None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE)  # noqa: S603 as above
    with process:
        while True:
            try:
                _, said = process.communicate(timeout=LOOK_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                waiting()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or ["没有说明原因"]
        raise Refusal(f"{Path(command[0]).name} 没有做成：{lines[-1]}")


@contextmanager
def _address(settings: Settings, folder: Path) -> Iterator[str]:
    """Write the database's address for libpq; a password goes into a file, since anybody may list commands."""
    url = make_url(settings.database_url)
    values = {
        **url.translate_connect_args(username="user", database="dbname"),
        **{name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()},
    }
    password = values.pop("password", None)
    if password is not None:
        secret = folder / "password"
        secret.touch(mode=0o600)
        guarded = str(password).replace("\\", "\\\\").replace(":", "\\:")
        secret.write_text(f"*:*:*:*:{guarded}\n")
        values["passfile"] = str(secret)
    try:
        yield " ".join(f"{name}='{_escaped(str(value))}'" for name, value in values.items())
    finally:
        if password is not None:
            secret.unlink()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
