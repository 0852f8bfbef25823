"""The doctor: a sound county is sound, every planted fault turns exactly its own line red, and nothing is written."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from quizsvc import audit, jobs
from quizsvc.attempt import operations as attempts
from quizsvc.attempt.models import Attempt, Late
from quizsvc.db import db
from quizsvc.upkeep import backup, doctor, erase, invariants
from quizsvc.web import health
from tests.conftest import NOON
from tests.support import Watch, rewritable
from tests.upkeep import county

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True, scope="session")
SOUND = dict.fromkeys((f"I{number}" for number in range(1, 18)), 0)


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of the tests have no revision; here they are what the program needs."""
    monkeypatch.setattr(doctor, "require_current_revision", lambda _engine: None)


def red(**options: Any) -> list[str]:
    return [one.id for one in invariants.examine(NOON, **options) if one.faults]


def conditions(app: Flask, at: Any = NOON, **changes: Any) -> dict[str, doctor.Condition]:
    settings = replace(app.config["SETTINGS"], **changes)
    return {one.name: one for one in doctor.surroundings(settings, at)}


def test_sound_county_has_no_fault_and_says_what_was_looked_at(app: Flask, at: Any) -> None:
    county.at_work()
    found = {one.id: one for one in invariants.examine(NOON)}

    assert {name: one.faults for name, one in found.items()} == SOUND
    assert found["I5"].line == "I5 重新判分，分数一模一样：6 / 6 ✓"
    assert found["I10"].line == "I10 中奖与抽奖记录一致：不适用，还没有抽奖"


def test_empty_database_is_sound(app: Flask) -> None:
    assert red() == []


def test_county_is_sound_before_and_after_its_people_are_erased(app: Flask, at: Any) -> None:
    county.at_work()
    one = db.session.query(Attempt).filter_by(ordinal=2).one().id
    db.session.rollback()
    attempts.erase_attempt(attempt_id=one, at=NOON, actor=audit.CLI)
    assert red() == []

    for day in (date(2027, 2, 1), date(2027, 7, 20)):  # the seats go first, the answers 150 days later
        later = at(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
        erase.carry_out(on=day, at=later, actor=audit.CLI)
        audit.seal_leaves(later)
        assert [found.id for found in invariants.examine(later) if found.faults] == []


PLANTED = {
    "I1": [
        "DROP INDEX uq_attempt_attempt_go",
        "UPDATE attempt_attempt SET ordinal = 1 WHERE ordinal = 2",
    ],
    "I2": ["UPDATE attempt_attempt SET receipt = NULL WHERE submitted_at IS NOT NULL AND ordinal = 2"],
    "I3": ["DELETE FROM audit_leaf WHERE block IS NULL AND attempt_id = :loose"],
    "I4": ["""UPDATE attempt_attempt SET answers = '{"1": [1, ["ZZZZ"]]}' WHERE submitted_at IS NULL"""],
    "I5": ["UPDATE attempt_attempt SET score = score - 10 WHERE ordinal = 2"],
    "I6": ["UPDATE attempt_attempt SET limit_ends_at = started_at WHERE ordinal = 2"],
    "I7": ["UPDATE roster_unit SET path = 'yg/zz/703/' WHERE code = '703'"],
    "I8": ["UPDATE roster_headcount SET expected = -1 WHERE id = 1"],
    "I9": ["UPDATE paper_paper SET title = '另一个标题'"],
    "I11": ["UPDATE campaign_campaign SET erase_on = '2026-12-10'"],
    "I12": ["INSERT INTO campaign_round_unit (round_id, unit_id) VALUES (1, 4711)"],
}
MENDED = {
    "I1": [
        "UPDATE attempt_attempt SET ordinal = 2 WHERE id = :second",
        "CREATE UNIQUE INDEX uq_attempt_attempt_go ON attempt_attempt (participant_id, period, ordinal)"
        " WHERE voided_at IS NULL",
    ],
    "I2": ["UPDATE attempt_attempt SET receipt = 'MENDED00' WHERE receipt IS NULL"],
    "I3": ["INSERT INTO audit_leaf (attempt_id, at, answers_hash) VALUES (:loose, :loose_at, :loose_hash)"],
    "I4": ["UPDATE attempt_attempt SET answers = '{}' WHERE submitted_at IS NULL"],
    "I5": ["UPDATE attempt_attempt SET score = score + 10 WHERE ordinal = 2"],
    "I6": ["UPDATE attempt_attempt SET limit_ends_at = NULL WHERE ordinal = 2"],
    "I7": ["UPDATE roster_unit SET path = 'yg/sy/703/' WHERE code = '703'"],
    "I8": ["UPDATE roster_headcount SET expected = 6 WHERE id = 1"],
    "I9": ["UPDATE paper_paper SET title = '反诈知识测试'"],
    "I11": ["UPDATE campaign_campaign SET erase_on = '2027-02-01'"],
    "I12": ["DELETE FROM campaign_round_unit WHERE unit_id = 4711"],
}


@contextmanager
def unguarded() -> Iterator[Connection]:
    """A transaction of somebody with all rights over the database: past triggers and references."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            own = connection.connection.driver_connection
            own.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            if db.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            with rewritable(connection):
                yield connection
        if db.engine.dialect.name == "sqlite":
            own.execute("PRAGMA foreign_keys=ON")


def run(statements: list[str], **values: Any) -> None:
    db.session.rollback()
    with unguarded() as connection:
        for statement in statements:
            needed = {name: value for name, value in values.items() if f":{name}" in statement}
            connection.execute(text(statement), needed)


def test_each_planted_fault_turns_exactly_its_own_invariant_red(app: Flask, at: Any) -> None:
    county.at_work()
    loose = db.session.query(audit.AuditLeaf).filter(audit.AuditLeaf.block.is_(None)).first()
    values = {
        "second": db.session.query(Attempt).filter_by(ordinal=2).one().id,
        "loose": loose.attempt_id,
        "loose_at": loose.at,
        "loose_hash": loose.answers_hash,
    }
    seen = {}
    for name, statements in PLANTED.items():
        run(statements, **values)
        seen[name] = red()
        run(MENDED[name], **values)

    assert seen == {name: [name] for name in PLANTED}
    assert red() == []


def test_chain_that_was_rewritten_turns_its_invariant_red(app: Flask, at: Any) -> None:
    county.at_work()
    run(["UPDATE audit_entry SET detail = '{}' WHERE seq = (SELECT max(seq) FROM audit_entry)"])

    assert red() == ["I3"]


def test_late_answers_that_nobody_accepted_in_the_log_turn_red(app: Flask, at: Any) -> None:
    """Somebody with all rights over the database makes everything fit but the chain."""
    county.at_work()
    row = db.session.query(Attempt).filter_by(overdue=True).one()
    counted = dict(row.answers)
    row.late = True
    db.session.add(
        Late(
            attempt_id=row.id, number=1, at=NOON, answers={"1": counted["1"]}, acceptable=True, accepted_at=NOON,
            was=counted, answers_hash=audit.answers_hash(counted),
        )
    )  # fmt: skip
    db.session.commit()

    assert red() == ["I2"]


@sqlite_only
def test_faults_are_all_counted_and_five_are_told(app: Flask, at: Any) -> None:
    county.at_work()
    run(["UPDATE attempt_attempt SET correct = '[true]' WHERE submitted_at IS NOT NULL"])
    found = next(one for one in invariants.examine(NOON) if one.id == "I5")

    assert (found.checked, found.faults, len(found.examples)) == (6, 6, 5)
    assert found.line.splitlines()[0] == "I5 重新判分，分数一模一样：0 / 6 ✗"
    assert found.line.splitlines()[-1] == "    还有 1 处"


@sqlite_only
def test_content_that_cannot_be_read_is_told_and_does_not_end_the_check(app: Flask, at: Any) -> None:
    county.at_work()
    run(["""UPDATE attempt_attempt SET answers = '[1, 2]' WHERE ordinal = 2"""])

    assert red() == ["I2", "I4"]


@sqlite_only
def test_text_that_is_no_json_ends_reading_the_attempts_alone(app: Flask, at: Any) -> None:
    county.at_work()
    run(["UPDATE attempt_attempt SET form = 'torn' WHERE ordinal = 2"])

    assert red() == ["I4"]


@sqlite_only
def test_quick_look_leaves_out_what_reads_every_attempt(app: Flask, at: Any) -> None:
    county.at_work()
    run(PLANTED["I5"] + PLANTED["I9"])

    assert red(quick=True) == ["I9"]
    assert [one.id for one in invariants.examine(NOON, quick=True) if one.note] == [
        "I2", "I4", "I5", "I6", "I7", "I8", "I10", "I12", "I14", "I15", "I16",
    ]  # fmt: skip


def test_nothing_is_written_and_the_database_itself_would_refuse_it(
    app: Flask, at: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    county.at_work()
    start = len(watch.statements)
    assert red() == []
    assert watch.written_since(start) == []

    def write(_tally: invariants.Tally, _at: Any) -> None:
        db.session.execute(text("UPDATE paper_paper SET title = 'x'"))

    monkeypatch.setattr(invariants, "CHECKS", (invariants.Check("I3", "x", False, write),))
    with pytest.raises(DBAPIError):
        red()
    db.session.rollback()
    jobs.mark(at=NOON)  # the connection may write again afterwards
    assert jobs.last_mark() == NOON


# --- what is around the database


@sqlite_only
def test_surroundings_that_are_well_say_so(app: Flask, at: Any, current: None) -> None:
    jobs.mark(at=NOON - timedelta(seconds=40))
    audit.record_alone(
        actor=audit.JOB, action=backup.MADE, on="backup:x", at=NOON - timedelta(minutes=5), bytes=12_340_000
    )
    found = conditions(app)

    states = {
        name: one.state for name, one in found.items() if name not in ("磁盘", "落盘", "密钥文件", "时钟")
    }
    assert states == dict.fromkeys(("版本", "签名密钥", "备份", "定时任务"), "ok")
    assert found["备份"].line == "备份：最近一份在 5 分钟前，12.3 MB，做完就读回核对过 ✓"
    assert found["定时任务"].text == "40 秒前运行过"


def test_command_tells_every_line_and_exits_with_what_is_wrong(app: Flask, at: Any, current: None) -> None:
    county.at_work()
    run(PLANTED["I9"])
    done = app.test_cli_runner().invoke(doctor.doctor, [])

    assert "查出问题：" in done.exception.text
    assert done.exception.text.endswith("I9。")
    lines = done.stdout.splitlines()
    assert "I8 应测人数等于名册减免测：2 / 2 ✓" in lines
    assert lines[lines.index("I9 试卷定稿后没有变过：0 / 1 ✗") + 1].startswith("    试卷 paper-")


@sqlite_only
def test_command_as_json_for_a_machine(app: Flask, at: Any, current: None) -> None:
    done = app.test_cli_runner().invoke(doctor.doctor, ["--json", "--quick"])
    told = json.loads(done.stdout)

    assert [one["id"] for one in told["invariants"]] == list(SOUND)
    assert {one["name"] for one in told["surroundings"]} >= {"版本", "时钟", "落盘", "备份", "定时任务"}
    assert told["sound"] is (done.exception is None)


@sqlite_only
def test_other_revision_is_a_fault_and_nothing_else_is_looked_at(app: Flask, at: Any) -> None:
    done = app.test_cli_runner().invoke(doctor.doctor, [])

    assert "版本" in done.exception.text
    assert "I1 " not in done.stdout


@sqlite_only
@pytest.mark.parametrize(
    ("since", "changes", "state"),
    [
        (timedelta(hours=3), {"backup_dir": Path("/backups")}, "fault"),
        (timedelta(hours=1), {"backup_dir": Path("/backups")}, "ok"),
        (timedelta(hours=25), {}, "ok"),
        (timedelta(hours=27), {}, "notice"),
    ],
)
def test_old_backup_is_told(
    app: Flask, at: Any, since: timedelta, changes: dict[str, Any], state: str
) -> None:
    audit.record_alone(actor=audit.CLI, action=backup.MADE, on="backup:x", at=NOON - since, bytes=1)

    assert conditions(app, **changes)["备份"].state == state


@sqlite_only
def test_failed_backup_is_a_fault_until_the_next_one(app: Flask, at: Any) -> None:
    assert conditions(app)["备份"].state == "notice"
    audit.record_alone(actor=audit.JOB, action=backup.FAILED, on="backup", at=NOON, why="磁盘满了。")
    assert conditions(app)["备份"] == doctor.Condition(
        "备份", "fault", "0 秒前，自动备份没有做成：磁盘满了。"
    )
    audit.record_alone(actor=audit.JOB, action=backup.MADE, on="backup:x", at=NOON, bytes=1)
    assert conditions(app)["备份"].state == "ok"


@sqlite_only
@pytest.mark.parametrize(("mode", "state"), [(0o640, "fault"), (0o604, "fault"), (0o600, "ok")])
def test_keys_that_others_can_read_are_a_fault(
    app: Flask, at: Any, tmp_path: Path, mode: int, state: str
) -> None:
    for name in ("keys", "secret_key"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    found = conditions(app, key_file=tmp_path / "keys", instance=tmp_path)

    assert [found[name].state for name in ("密钥文件", "签名密钥")] == [state, state]


@sqlite_only
def test_signing_key_of_more_than_a_year_is_told(app: Flask, at: Any, tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch(mode=0o600)
    made = (NOON - timedelta(days=400)).timestamp()
    os.utime(tmp_path / "secret_key", (made, made))

    assert conditions(app, instance=tmp_path)["签名密钥"].state == "notice"


@sqlite_only
@pytest.mark.parametrize(("low_mb", "state"), [(0, "ok"), (10**12, "fault")])
def test_room_for_backups_is_looked_at_even_before_the_folder_is_there(
    app: Flask, at: Any, tmp_path: Path, low_mb: int, state: str
) -> None:
    found = conditions(app, backup_dir=tmp_path / "new" / "backups", low_disk_mb=low_mb)

    assert found["备份的磁盘"].state == state


@sqlite_only
def test_sweeper_that_has_stopped_is_told(app: Flask, at: Any) -> None:
    assert conditions(app)["定时任务"].state == "notice"
    jobs.mark(at=NOON - timedelta(minutes=6))
    assert conditions(app)["定时任务"].text.startswith("6 分钟前运行过，后来停了")


@sqlite_only
def test_disk_and_clock_that_are_not_well_are_faults(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "disk", lambda: health.Disk(free_mb=10, low_mb=200))
    monkeypatch.setattr(jobs, "clock_trouble", lambda: "本机时钟快了")
    found = conditions(app)

    assert found["时钟"] == doctor.Condition("时钟", "fault", "本机时钟快了")
    assert found["磁盘"].text.startswith("磁盘只剩 10 MB")


def test_durability_is_read_from_the_database(app: Flask, at: Any) -> None:
    expected = (
        "notice" if db.engine.dialect.name == "sqlite" else "fault"
    )  # the tests' databases are made fast

    assert conditions(app)["落盘"].state == expected
