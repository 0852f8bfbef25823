"""SQLite: a copy while others write, and putting one in the place of a database file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from quizsvc.core.refusal import Refusal
from quizsvc.db import BUSY_TIMEOUT_S
from quizsvc.settings import Settings
from quizsvc.upkeep import copies
from quizsvc.upkeep.copies import Facts
from quizsvc.upkeep.progress import Progress

PAGES_A_STEP = 1024
BESIDE = ("-wal", "-shm", "-journal")


def file_of(settings: Settings) -> Path:
    """Return the file of the database."""
    return Path(make_url(settings.database_url).database or "")


def take(settings: Settings, target: Path, progress: Progress) -> Facts:
    """Copy the database as it is at one moment into an empty file, look the copy through and tell what it holds."""
    file = file_of(settings)
    if not file.is_file():
        raise Refusal(f"没有这个数据库文件：{file}。请检查 QUIZSVC_DATABASE_URL。")
    try:
        with closing(_connected(file, BUSY_TIMEOUT_S)) as source, closing(_connected(target)) as copy:
            copy.execute("PRAGMA journal_mode=OFF")
            copy.execute("PRAGMA synchronous=OFF")  # what has to last is the sealed file
            source.execute("BEGIN")  # and a read hold one moment: else each write would start the copy anew
            source.execute("SELECT count(*) FROM sqlite_master")
            source.backup(
                copy,
                pages=PAGES_A_STEP,
                progress=lambda _state, left, whole: progress("复制数据库", whole - left, whole),
            )
        with closing(_connected(target)) as copy:
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no other beside it
    except sqlite3.Error as error:
        raise _unreadable(file, error) from error
    return look_through(target)


def look_through(file: Path) -> Facts:
    """Check every page of a copy and tell what it holds."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            found = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
            if found != "ok":
                raise Refusal(f"数据库有损坏（{found}）。请从较早的备份恢复。")
            return copies.facts(connection)
    except DatabaseError as error:
        raise _unreadable(file, error.orig) from error


def held(settings: Settings) -> int | None:
    """Count the rows there are now; None when the file cannot be read."""
    file = file_of(settings)
    if not file.exists() or not file.stat().st_size:
        return 0
    try:
        return copies.facts_of(settings).held
    except DatabaseError:
        return None


@contextmanager
def replacing(settings: Settings, draft: Path) -> Iterator[None]:
    """Put the draft in the place of the database at the end of the block, at once; what was there stays aside."""
    file = file_of(settings)
    with _alone(file):
        yield
        copies.settle(draft)
        if file.exists() and file.stat().st_size:
            _keep_aside(file)
        for suffix in BESIDE:  # before: another database's log beside the new file would be taken for its own
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        os.replace(draft, file)
        copies.settle(file.parent)


def aside(file: Path) -> Path:
    """Name what a forced restore leaves of the database before."""
    return file.with_name(f"{file.name}.replaced")


def _keep_aside(file: Path) -> None:
    for suffix in ("", *BESIDE):
        old, kept = file.with_name(file.name + suffix), aside(file).with_name(aside(file).name + suffix)
        kept.unlink(missing_ok=True)
        if old.exists():
            os.link(old, kept)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold a database file alone; refuse while somebody else has it open."""
    if not file.exists():
        yield
        return
    with closing(_connected(file)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # refused while any other connection is open
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise _unreadable(file, error) from error
            raise copies.Busy from error
        except sqlite3.DatabaseError:
            pass  # no database at all, or a broken one: nobody can be served from it
        yield


def _unreadable(file: Path, error: object) -> Refusal:
    return Refusal(f"数据库文件用不了：{file}（{error}）。可能磁盘满了、没有权限，或文件已经损坏。")


def _connected(file: Path, timeout_s: float = 0.5) -> sqlite3.Connection:
    address = f"file:{quote(str(file))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)
