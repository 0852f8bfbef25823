"""Erasing reaches the disk: what stood in every labelled column is in no byte of the database afterwards.

The canaries are planted by the register of personal data: a column that is added tomorrow is in it by itself.
"""

import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import JSON, Column, String, event, select, update

from quizsvc import audit, throttle
from quizsvc.app import create_app
from quizsvc.attempt.models import Attempt, Late, Participant, Player
from quizsvc.campaign.models import Campaign, Round
from quizsvc.contest.models import Appeal, Flag, Ruling, Score
from quizsvc.db import Base, db, operation
from quizsvc.declaration.models import Referral
from quizsvc.paper.models import Paper
from quizsvc.prize.models import Award, Certificate, Claim
from quizsvc.rights import operations as requests
from quizsvc.roster.models import Enrolment, Exemption, Unit
from quizsvc.staff import operations as staff
from quizsvc.staff.models import EndedSignIn, Invitation, RecoveryCode
from quizsvc.survey.models import Turnout
from quizsvc.survey.queries import ERASED
from quizsvc.throttle import ThrottleBucket
from quizsvc.upkeep import erase
from tests import make, postgres
from tests.conftest import NOON, settings_for

AFTERWARDS = datetime(2027, 12, 31, 4, tzinfo=UTC)  # by now everything has gone that does not stay
PLANTED = re.compile(rb"CANARY:([a-z_]+\.[a-z_]+):")


def cleared() -> list[Column[Any]]:
    """The labelled columns whose rule is not that they stay."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "kept" in column.info and not column.info["kept"].stays
    ]


def plantable(column: Column[Any]) -> bool:
    return isinstance(column.type, String | JSON) and not column.foreign_keys


def a_county_full_of_people() -> None:
    """At least one row in every table that has something to erase."""
    school = make.a_school(make.a_county())
    unit = make.a_class(school, names=True)
    round_ = make.a_round(school, title="反诈测试")
    attempt = make.an_attempt(round_, unit, 1, voided_at=NOON, void_reason="不是本人")
    make.saved(
        Late(attempt_id=attempt.id, number=1, at=NOON, answers={}, acceptable=True, accepted_at=NOON, was={},
             answers_hash="h")
    )  # fmt: skip
    enrolment = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=2).one()
    make.saved(Exemption(enrolment_id=enrolment.id, reason="住院", approved_by="cli", approved_at=NOON))
    person = make.a_staff("wang", "王敏", ("class_teacher", unit))
    person.ended_at, person.password_hash, person.totp_secret = NOON, "hash", "sealed"
    make.saved(
        Invitation(
            staff_id=person.id, token_hash="token", expires_at=NOON, used_at=None, created_at=make.OPENS
        )
    )
    make.saved(RecoveryCode(staff_id=person.id, code_hash="code", created_at=NOON))
    make.saved(EndedSignIn(key_hash="key", ends_at=NOON))
    make.saved(ThrottleBucket(key="who", window=1, count=1, ends_at=NOON))
    a_contest_with_a_winner(unit, round_)
    what_was_signed(unit, round_)
    requests.ask(attempt_id=attempt.id, kind="correct", reason="other", note="说明", at=NOON)
    typed()


def what_was_signed(unit: Unit, round_: Round) -> None:
    """A receipt of which everything is kept, a promotion code, and a turnout."""
    campaign = db.session.get_one(Campaign, round_.campaign_id)
    receipt, asked = (make.a_sheet_round(unit, kind, campaign=campaign) for kind in ("receipt", "survey"))
    make.a_declaration(
        receipt, unit, 1, name="sealed", signature="sealed", voided_at=NOON, void_reason="写错了"
    )
    enrolment = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=1).one()
    make.saved(
        Referral(round_id=receipt.id, unit_id=unit.id, enrolment_id=enrolment.id, code="CODE", made_at=NOON)
    )
    make.saved(Turnout(round_id=asked.id, head="head", unit_id=unit.id))


def a_contest_with_a_winner(unit: Unit, round_: Round) -> None:
    """A player of whom everything is kept that a contest may keep."""
    contest = make.a_round(
        unit,
        paper=db.session.get_one(Paper, round_.paper_id),
        campaign=db.session.get_one(Campaign, round_.campaign_id),
        kind="contest",
        identity="nickname",
    )
    player = make.saved(
        Participant(round_id=contest.id, unit_id=unit.id, enrolment_id=None, extension_s=0, created_at=NOON)
    )
    key = {"participant_id": player.id, "round_id": contest.id}
    make.saved(
        Player(**key, device_hash="phone", nickname="青禾", role="", entry_id="E" * 16, joined_at=NOON)
    )
    make.saved(
        Score(**key, unit_id=unit.id, goes=1, points=1, out_of=1, used_s=1, reached_at=NOON, best_permyriad=1)
    )
    make.saved(Flag(**key, kind="too_fast", detail={}, found_at=NOON))
    ruling = make.saved(Ruling(**key, verdict="excluded", reason="查过了", at=NOON, by="staff:1"))
    make.saved(
        Appeal(
            ruling_id=ruling.id,
            round_id=contest.id,
            words="不是我",
            at=NOON,
            answer="再看看",
            answered_at=NOON,
        )
    )
    award = make.saved(
        Award(
            **key, tier=0, number=1, entry_id="E" * 16, place=1, claim_code="CODE", granted_at=NOON, claim_until=NOON,
            ended_at=NOON, end_kind="declined", end_reason="不要了",
        )
    )  # fmt: skip
    make.saved(
        Claim(award_id=award.id, round_id=contest.id, phone="sealed", phone_hash="hash", name="sealed",
              guardian="sealed", shown="masked", claimed_at=NOON)
    )  # fmt: skip
    make.saved(Certificate(**key, code="CERTIFICATE0", title="参赛", issued_at=NOON))


@operation
def typed() -> None:
    audit.record(actor=audit.CLI, action="test", on="test", at=NOON, private={"reason": "说明"})


def plant() -> set[str]:
    """Put a canary into every text of the register; return the columns."""
    for column in filter(plantable, cleared()):
        table, keys = column.table, [*column.table.primary_key]
        for row in db.session.execute(select(*keys)).all():
            text = f"CANARY:{column}:{row[0]}"
            value: Any = {"1": [1, [text]]} if isinstance(column.type, JSON) else text
            here = [key == found for key, found in zip(keys, row, strict=True)]
            db.session.execute(update(table).where(*here).values({column: value}))
    db.session.commit()
    return {str(column) for column in filter(plantable, cleared())}


def erase_everything(at: Any) -> None:
    """The command, and the two tables that clean themselves whenever they are used."""
    at(AFTERWARDS)
    throttle.take(kind="k", subject="s", limit=1, window_s=60, at=AFTERWARDS, text="")
    staff.end_sign_in(sign_in="s", at=AFTERWARDS)
    outcome = erase.carry_out(on=AFTERWARDS.date(), at=AFTERWARDS, actor=audit.JOB)
    assert outcome.busy == ()
    if db.engine.dialect.name == "postgresql":
        assert erase.wipe({ThrottleBucket, EndedSignIn}) == ()
    else:
        erase.wipe({ThrottleBucket})


def found_in(files: Iterator[Path]) -> Counter[str]:
    return Counter(
        name.decode() for file in files if file.is_file() for name in PLANTED.findall(file.read_bytes())
    )


def files_of_sqlite(folder: Path) -> Iterator[Path]:
    """The file, its log and index, and a copy that is made now."""
    with sqlite3.connect(folder / "test.sqlite") as now, sqlite3.connect(folder / "copy.sqlite") as copy:
        now.backup(copy)
    copy.close()
    now.close()
    return folder.glob("*.sqlite*")


def files_of_postgresql() -> Iterator[Path]:
    """The files of all tables and indexes of this database, as they are on the disk now."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        if not os.access(folder, os.R_OK):
            pytest.skip(f"the cluster's files cannot be read by this user: {folder}")
        paths = connection.exec_driver_sql(
            "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't')"
            " AND pg_relation_filepath(oid) LIKE 'base/%%' AND relnamespace <> 'pg_catalog'::regnamespace"
        ).scalars()
        return iter([folder / path for path in paths])


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'test.sqlite'}", tmp_path))
    with app.app_context():
        db.create_all()
        a_county_full_of_people()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def on_postgresql(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(postgres.fresh_database("erasure"), tmp_path))
    with app.app_context():
        db.create_all()
        a_county_full_of_people()
        yield app
        db.session.remove()
        db.engine.dispose()


def test_no_byte_is_left_on_sqlite(on_sqlite: Flask, at: Any, tmp_path: Path) -> None:
    planted = plant()
    before = found_in(files_of_sqlite(tmp_path))

    erase_everything(at)

    assert set(before) == planted
    assert len(planted) > 15
    assert found_in(files_of_sqlite(tmp_path)) == {}
    assert still_filled() == []


def test_bytes_are_left_when_deletes_are_not_wiped(on_sqlite: Flask, at: Any, tmp_path: Path) -> None:
    """The canary of the test before."""
    plant()
    db.session.remove()
    db.engine.dispose()

    @event.listens_for(db.engine, "connect")
    def leave_it(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA secure_delete=OFF")

    erase_everything(at)

    assert found_in(tmp_path.glob("test.sqlite*")).total() > 0
    assert still_filled() == []


@pytest.mark.postgres
def test_no_byte_is_left_on_postgresql(
    on_postgresql: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = plant()
    before = found_in(files_of_postgresql())
    with monkeypatch.context() as plainly:  # the canary: what a plain VACUUM leaves
        plainly.setattr(erase, "_rewrite", vacuum)
        erase_everything(at)
    left = found_in(files_of_postgresql())

    assert erase.wipe({mapper.class_ for mapper in Base.registry.mappers}) == ()

    assert set(before) == planted
    assert left.total() > 0
    assert found_in(files_of_postgresql()) == {}
    assert still_filled() == []


def vacuum(table: str) -> bool:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f'VACUUM "{table}"')
    return True


@pytest.mark.postgres
def test_table_in_use_is_wiped_by_the_next_run(
    on_postgresql: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "LOCK_WITHIN_S", 0.05)
    plant()
    at(AFTERWARDS)
    with db.engine.connect() as reader:
        reader.execute(select(Attempt.id))
        busy = erase.carry_out(on=AFTERWARDS.date(), at=AFTERWARDS, actor=audit.JOB).busy

    later = AFTERWARDS + timedelta(hours=1)
    assert busy == ("attempt_attempt",)
    assert erase.carry_out(on=AFTERWARDS.date(), at=later, actor=audit.JOB).busy == ()


def still_filled() -> list[str]:
    """The labelled columns that should be empty by now and are not: numbers, moments and references too."""
    db.session.rollback()
    return [
        str(column)
        for column in cleared()
        for value in db.session.execute(select(column)).scalars()
        if not (value in (None, "", 0, {}) or replaced(column, value))
    ]


def replaced(column: Column[Any], value: Any) -> bool:
    """Logins, names and heads of surveys are replaced; a bucket and an ended sign-in of today are younger than that."""
    if column.table.name == "survey_turnout":
        return bool(value.startswith(ERASED))
    return column.table.name in ("throttle_bucket", "staff_ended_sign_in") or value in ("#1", "已停用的账号")
