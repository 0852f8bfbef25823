"""Backups: whole while others write, sealed, refused when touched, and put back only where nothing is lost."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select, text

from quizsvc import audit, serve, vault
from quizsvc.core.refusal import Refusal
from quizsvc.db import connect, db
from quizsvc.settings import Settings
from quizsvc.staff.models import Staff
from quizsvc.upkeep import archive, backup, copies, postgres_copy, sqlite_copy
from quizsvc.vault import Unopenable
from tests import make, postgres
from tests.conftest import NOON
from tests.upkeep import county

SECOND = timedelta(seconds=1)
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(autouse=True)
def current(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the tests have no revision; here they are what the program needs."""
    monkeypatch.setattr(backup, "require_current_revision", lambda _engine: None)


@pytest.fixture
def settings(app: Flask) -> Settings:
    return app.config["SETTINGS"]


@pytest.fixture
def empty(settings: Settings, tmp_path: Path) -> Settings:
    """The settings of an empty database of the same kind."""
    if copies.kind_of(settings) == copies.POSTGRESQL:
        return replace(settings, database_url=postgres.fresh_database("restored"))
    return replace(settings, database_url=f"sqlite:///{tmp_path / 'new' / 'quizsvc.sqlite'}")


@pytest.fixture
def command(app: Flask, at: Any) -> Callable[..., Result]:
    def run(*words: object, typed: str | None = None) -> Result:
        db.session.remove()
        return app.test_cli_runner().invoke(backup.backup, [str(word) for word in words], input=typed)

    return run


def on_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def refused(done: Result) -> str:
    assert isinstance(done.exception, Refusal), (done.exception, done.output)
    return done.exception.text


def made(settings: Settings, folder: Path, moment: Any = NOON) -> backup.Made:
    return backup.create(settings, folder, moment)


# --- there and back


def test_backup_comes_back_with_every_row_and_no_plain_copy_stays(
    app: Flask, settings: Settings, empty: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    county.at_work()
    make.a_staff("wang", "王小敏的名字")
    head = audit.anchor()
    done = command("create", "--to", tmp_path / "backups")
    file = tmp_path / "backups" / "quizsvc-20261212-120000.qsb"

    assert done.exit_code == 0, done.output
    assert f"操作记录链头：{head}" in done.stdout
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    assert file.stat().st_mode & 0o077 == 0
    assert "王小敏".encode() not in file.read_bytes()
    assert settings.key_file.read_bytes().strip() not in file.read_bytes()

    target = empty.database_url if not on_sqlite() else sqlite_copy.file_of(empty)
    back = command("restore", file, "--to", target, "--anchor", str(head))
    assert back.exit_code == 0, (back.output, back.exception)
    assert "2026 秋季反诈测试" in back.stdout
    assert "1 个场次，交卷 6 份，作废 1 份" in back.stdout
    assert "I5 重新判分，分数一模一样：6 / 6 ✓" in back.stdout
    assert "和抄下的链头一致" in back.stdout
    with copies.opened(empty):
        assert db.session.scalar(select(func.count()).select_from(Staff).where(Staff.login == "wang")) == 1


def test_copy_is_of_one_moment_however_much_is_written_meanwhile(
    app: Flask, settings: Settings, empty: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_copy, "PAGES_A_STEP", 5)
    program, steps = postgres_copy.program, []

    def write(*_: object) -> None:
        steps.append(_)
        audit.record_alone(actor=audit.CLI, action="test", on="x", at=NOON)

    def found(*words: Any) -> str:
        write()
        return program(*words)

    monkeypatch.setattr(postgres_copy, "program", found)
    write()
    whole = backup.create(
        settings, tmp_path, NOON, lambda step, *_: write(_) if step == "复制数据库" else None
    )

    assert whole.manifest.audit_seq == whole.manifest.rows["audit_entry"] == 1
    assert audit.anchor().seq > 1
    if on_sqlite():  # a copy that starts anew with each write would never end: each step comes once
        copied = [step for step in steps if step]
        assert len(copied) == len(set(copied)) > 1
    looked = backup.restore(empty, whole.file)
    assert looked.faults == ()


@sqlite_only
def test_plain_copy_of_the_file_would_not_do(app: Flask, settings: Settings, tmp_path: Path) -> None:
    """The canary of the one above: what is committed last lies in the log beside the file."""
    with (
        db.engine.begin() as connection
    ):  # so that the next commit is not the one after which SQLite writes it back
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    audit.record_alone(actor=audit.CLI, action="test", on="x", at=NOON)
    (tmp_path / "copied.sqlite").write_bytes(sqlite_copy.file_of(settings).read_bytes())
    copied = copies.facts_of(replace(settings, database_url=f"sqlite:///{tmp_path / 'copied.sqlite'}"))

    assert copied.rows.get("audit_entry") != 1
    assert made(settings, tmp_path).manifest.rows["audit_entry"] == 1


@sqlite_only
def test_backup_of_another_revision_can_be_made_and_says_what_to_run(
    app: Flask, settings: Settings, empty: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    whole = made(settings, tmp_path)
    looked = backup.restore(empty, whole.file)

    assert (looked.faults, looked.findings) == ((), ())
    assert "quizsvc db upgrade" in looked.note


# --- what is refused


@sqlite_only
def test_wrong_key_cut_and_changed_files_are_one_sentence_each(
    app: Flask, settings: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    file = made(settings, tmp_path).file
    whole = file.read_bytes()
    assert command("verify", file).exit_code == 0

    told = set()
    for broken in (
        whole[:-1],
        whole[: len(whole) // 2],
        whole[:60],
        whole + b"x",
        _flipped(whole, 70),
        _flipped(whole, -9),
    ):
        file.write_bytes(broken)
        told.add(refused(command("verify", file)))
    assert told == {vault.CUT_OR_CHANGED}
    file.write_bytes(b"PK" + whole)
    assert refused(command("verify", file)) == "这不是本系统加密的文件。"

    file.write_bytes(whole)
    settings.key_file.rename(tmp_path / "keys")
    assert refused(command("verify", file)).startswith("没有密钥文件")
    vault.kept_ring(settings.key_file)
    assert refused(command("verify", file)).startswith("缺少密钥")
    (tmp_path / "keys").rename(settings.key_file)
    assert command("verify", file).exit_code == 0


def _flipped(whole: bytes, place: int) -> bytes:
    place %= len(whole)
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


@sqlite_only
def test_verify_looks_at_what_is_inside(
    app: Flask, settings: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    county.at_work()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE paper_paper SET title = 'x'")
    done = command("verify", made(settings, tmp_path).file)

    assert refused(done) == "备份里的内容有上面这些问题。"
    assert "I9 试卷定稿后没有变过：0 / 1 ✗" in done.stdout


def test_restore_refuses_a_database_with_rows_and_another_kind(
    app: Flask, settings: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    make.a_county()
    file = made(settings, tmp_path).file
    db.session.remove()
    db.engine.dispose()

    assert "已经有数据，没有动它" in refused(command("restore", file))
    assert "名字不对" in refused(command("restore", file, "--force", typed="something\n"))
    other = "postgresql+psycopg://nobody@127.0.0.1:1/x" if on_sqlite() else tmp_path / "other.sqlite"
    assert "不能恢复到别的数据库" in refused(command("restore", file, "--to", other))
    assert not (tmp_path / "other.sqlite").exists()


def test_forced_restore_waits_for_the_service_to_stop_and_then_replaces_what_was_there(
    app: Flask, settings: Settings, empty: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    file = made(settings, tmp_path).file
    backup.restore(empty, file)
    engine = connect(empty)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE newer (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO newer VALUES (1)")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1")).one()
        with pytest.raises(copies.Busy):
            backup.restore(empty, file, overwriting=True)
    engine.dispose()
    assert copies.facts_of(empty).rows["newer"] == 1
    name = Path(empty.database_url).name
    target = sqlite_copy.file_of(empty) if on_sqlite() else empty.database_url
    if on_sqlite():
        for suffix in sqlite_copy.BESIDE:
            target.with_name(target.name + suffix).write_bytes(b"of another database")
    done = command("restore", file, "--to", target, "--force", typed=f"{name}\n")

    assert done.exit_code == 0, (done.output, done.exception)
    assert "newer" not in copies.facts_of(empty).rows
    if on_sqlite():
        assert target.with_name("quizsvc.sqlite.replaced").exists()


@sqlite_only
def test_broken_database_can_be_replaced_and_stays_aside(
    app: Flask, settings: Settings, empty: Settings, tmp_path: Path
) -> None:
    file, target = made(settings, tmp_path).file, sqlite_copy.file_of(empty)
    target.parent.mkdir()
    target.write_bytes(b"no database at all" * 1000)
    with pytest.raises(Refusal, match="已经有数据"):
        backup.restore(empty, file)
    backup.restore(empty, file, overwriting=True)

    assert copies.facts_of(empty).rows == archive.manifest_of(backup._ring(settings), file).rows
    assert sqlite_copy.aside(target).read_bytes().startswith(b"no database at all")


# --- what goes wrong on the way


@sqlite_only
def test_full_disk_is_a_sentence_and_leaves_nothing(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Iterator[bytes]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archive, "write", full)
    with pytest.raises(Refusal, match="No space left on device"):
        made(settings, tmp_path)

    assert list(tmp_path.iterdir()) == []


@sqlite_only
def test_file_that_does_not_read_back_is_no_backup(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = archive.write

    def torn(ring: Any, manifest: Any, plain: Path, target: Path, show: Any) -> None:
        write(ring, manifest, plain, target, show)
        target.write_bytes(target.read_bytes()[:-1])

    monkeypatch.setattr(archive, "write", torn)
    with pytest.raises(Unopenable):
        made(settings, tmp_path)

    assert list(tmp_path.iterdir()) == []


@sqlite_only
def test_what_an_interrupted_run_left_is_deleted_and_two_at_once_are_refused(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    left = tmp_path / f"{backup.MAKING}dead"
    left.mkdir()
    (left / "dump").write_text("names of pupils")
    with backup._writing(tmp_path):
        with pytest.raises(Refusal, match="正在做另一份备份"):
            made(settings, tmp_path)
        assert not left.exists()

    made(settings, tmp_path)
    with pytest.raises(Refusal, match="请过一秒再试"):
        made(settings, tmp_path)


@sqlite_only
def test_database_that_is_not_there_or_damaged_is_a_sentence(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    gone = replace(settings, database_url=f"sqlite:///{tmp_path / 'gone.sqlite'}")
    with pytest.raises(Refusal, match="没有这个数据库文件"):
        made(gone, tmp_path / "backups")
    with closing(sqlite3.connect(tmp_path / "gone.sqlite")) as connection:
        connection.execute("CREATE TABLE a (b TEXT)")
        connection.executemany("INSERT INTO a VALUES (?)", [("x" * 500,)] * 500)
        connection.commit()
    whole = (tmp_path / "gone.sqlite").read_bytes()
    (tmp_path / "gone.sqlite").write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    with pytest.raises(Refusal, match="损坏"):
        made(gone, tmp_path / "backups")

    assert list((tmp_path / "backups").iterdir()) == []


@sqlite_only
def test_missing_pg_dump_says_what_to_install(
    app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_copy, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refusal, match="postgresql-client-16"):
        postgres_copy.program("pg_dump", 16)
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.9 (Debian)'\n")
    old.chmod(0o700)
    with pytest.raises(Refusal, match="PostgreSQL 15 或更新的 pg_dump"):
        postgres_copy.program("pg_dump", 15)

    assert postgres_copy.program("pg_dump", 14) == str(old)


@sqlite_only
def test_password_is_in_a_private_file_and_not_in_the_command(settings: Settings, tmp_path: Path) -> None:
    url = r"postgresql+psycopg://me:p%3Ass%5C%27@db.example/quiz?sslmode=require"
    with postgres_copy._address(replace(settings, database_url=url), tmp_path) as address:
        secret = tmp_path / "password"
        assert address == f"host='db.example' dbname='quiz' user='me' sslmode='require' passfile='{secret}'"
        assert secret.read_text() == "*:*:*:*:p\\:ss\\\\'\n"
        assert secret.stat().st_mode & 0o077 == 0

    assert not secret.exists()


# --- how many stay


def test_newest_and_one_a_day_stay() -> None:
    names = [f"quizsvc-202612{day:02}-{hour:02}0000.qsb" for day in range(1, 13) for hour in (8, 12, 20)]
    kept = backup.newest_of(names, newest=4, days=5)

    assert kept == sorted(
        ["quizsvc-20261212-200000.qsb", "quizsvc-20261212-120000.qsb", "quizsvc-20261212-080000.qsb",
         *(f"quizsvc-202612{day:02}-200000.qsb" for day in (11, 10, 9, 8))], reverse=True,
    )  # fmt: skip


@sqlite_only
def test_keep_deletes_older_ones_once_the_new_one_is_there(
    app: Flask, at: Any, command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for minute in range(3):
        at(NOON + timedelta(minutes=minute))
        assert command("create", "--to", tmp_path).exit_code == 0
    (tmp_path / "quizsvc-notes.qsb").touch()
    (tmp_path / "other.txt").touch()

    def fail(*_: object) -> None:
        raise Refusal("磁盘满了。")

    at(NOON + timedelta(minutes=3))
    with monkeypatch.context() as broken:
        broken.setattr(archive, "unpack", fail)
        assert refused(command("create", "--to", tmp_path, "--keep", "1")) == "磁盘满了。"
    assert len(backup.files_in(tmp_path)) == 3
    assert "删除了较早的 2 份" in command("create", "--to", tmp_path, "--keep", "2").stdout
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "other.txt", "quizsvc-20261212-120200.qsb", "quizsvc-20261212-120300.qsb", "quizsvc-notes.qsb",
    ]  # fmt: skip


@sqlite_only
def test_list_tells_what_is_in_each_file(
    app: Flask, settings: Settings, command: Callable[..., Result], tmp_path: Path
) -> None:
    kept = made(settings, tmp_path).manifest
    (tmp_path / "quizsvc-20261111-000000.qsb").write_bytes(b"x")
    first, second, last = command("list", tmp_path).stdout.splitlines()

    assert first.startswith("quizsvc-20261212-120000.qsb\t")
    assert f"{kept.total:,} 行" in first
    assert second.endswith("这不是本系统加密的文件。")
    assert last == "共 2 份"


# --- the sweeper's


@pytest.fixture
def automatic(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], backup_dir=tmp_path))
    return tmp_path


def at_minutes(at: Any, folder: Path, *minutes: int) -> list[str]:
    """The times of day of the backups that are made when the sweeper asks at these minutes after noon."""
    for minute in minutes:
        at(NOON + timedelta(minutes=minute))
        backup.make_due()
    return [one.name[17:21] for one in reversed(backup.files_in(folder))]


@sqlite_only
def test_one_an_hour_and_four_while_a_round_is_open(app: Flask, at: Any, automatic: Path) -> None:
    assert at_minutes(at, automatic, 0, 15, 45, 60, 75) == ["1200", "1300"]

    make.a_round(make.a_county())
    assert at_minutes(at, automatic, 90, 105) == ["1200", "1300", "1330", "1345"]


@sqlite_only
def test_nothing_is_made_where_no_folder_is_set(app: Flask, at: Any) -> None:
    backup.make_due()

    assert audit.newest(limit=1, action=backup.MADE) == []


@sqlite_only
def test_class_with_more_time_counts_as_open(app: Flask, at: Any, automatic: Path) -> None:
    unit = make.a_class(make.a_county())
    round_ = make.a_round(unit, closes_at=NOON - SECOND)
    assert at_minutes(at, automatic, 0, 15) == ["1200"]

    make.a_link(round_, unit, closes_at=NOON + timedelta(hours=1))
    assert at_minutes(at, automatic, 30, 61) == ["1200", "1230"]


@sqlite_only
def test_failure_is_written_down_and_does_not_stop_the_sweeper(
    app: Flask, at: Any, automatic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    automatic.chmod(0o700)
    monkeypatch.setattr(backup, "create", lambda *_: (_ for _ in ()).throw(Refusal("磁盘满了。")))
    backup.make_due()

    assert [one.detail for one in audit.newest(limit=9)] == ['{"why":"磁盘满了。"}']
    assert backup.files_in(automatic) == []


@sqlite_only
def test_every_copy_of_the_database_is_in_the_log(app: Flask, at: Any, automatic: Path) -> None:
    backup.make_due()
    entry = audit.newest(limit=1)[0]

    assert (entry.actor, entry.action, entry.on) == (
        "job",
        "backup.create",
        "backup:quizsvc-20261212-120000.qsb",
    )


@sqlite_only
def test_bars_are_drawn_for_every_step(app: Flask, settings: Settings, tmp_path: Path) -> None:
    steps: dict[str, tuple[int, int]] = {}
    backup.create(settings, tmp_path, NOON, lambda step, done, whole: steps.__setitem__(step, (done, whole)))

    assert all(done == whole for done, whole in steps.values())
    assert {"计算指纹", "压缩并加密", "核对备份"} <= steps.keys()


@sqlite_only
def test_sweeper_is_told_to_make_them(app: Flask) -> None:
    assert ("backup", backup.QUARTER_S, backup.make_due) in serve.DUTIES


@sqlite_only
def test_first_backup_asks_to_keep_the_key_elsewhere(
    app: Flask,
    settings: Settings,
    command: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = replace(settings, key_file=tmp_path / "keys", backup_dir=tmp_path / "backups")
    monkeypatch.setitem(app.config, "SETTINGS", fresh)

    assert "请另存一份到别处" in command("create").stdout
    monkeypatch.setattr("quizsvc.clock.now", lambda: NOON + SECOND)
    assert "请另存一份到别处" not in command("create").stdout
    assert len(backup.files_in(tmp_path / "backups")) == 2
