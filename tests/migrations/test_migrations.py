"""Migrations: one head, numbered, equal to the models, up and down and up again with rows in the tables."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, DateTime, bindparam, event, inspect, select, text

from quizsvc import audit
from quizsvc.app import create_app
from quizsvc.bank.models import Item, ItemVersion
from quizsvc.core import ledger
from quizsvc.db import Base, db
from quizsvc.settings import PROJECT
from quizsvc.staff.models import Staff
from quizsvc.web.health import WrongRevision, require_current_revision
from tests import make, postgres
from tests.conftest import settings_for

SCRIPTS = ScriptDirectory(str(PROJECT / "migrations"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application on a database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'bare.sqlite'}"
    else:
        url = postgres.fresh_database("migrations")
    app = create_app(settings_for(url, tmp_path))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_revisions_are_numbered_and_have_one_head() -> None:
    revisions = [script.revision for script in SCRIPTS.walk_revisions()]

    assert len(SCRIPTS.get_heads()) == 1
    assert sorted(revisions) == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_migrations_import_nothing_of_ours() -> None:
    files = list((PROJECT / "migrations" / "versions").glob("*.py"))

    assert [file.name for file in files if re.search(r"\bquizsvc\b", file.read_text())] == []


def test_head_equals_the_models(bare: Flask) -> None:
    flask_migrate.upgrade()

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_up_down_up_with_rows_in_the_tables(bare: Flask) -> None:
    flask_migrate.upgrade()
    unit = make.a_class(make.a_school(make.a_county()), pupils=2)
    make.an_attempt(make.a_round(unit), unit, seat=1)
    db.session.remove()

    flask_migrate.downgrade(revision="base")
    left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
    flask_migrate.upgrade()

    assert left == set()
    assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())


def test_sqlite_copies_tables_with_foreign_keys_off_and_on_again_afterwards(bare: Flask) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL alters tables in place
    during: list[int] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def look(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE"):
            driver = connection.connection.driver_connection
            during.append(driver.execute("PRAGMA foreign_keys").fetchone()[0])

    flask_migrate.upgrade()

    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert set(during) == {0}


def test_service_refuses_another_revision_and_names_the_command(bare: Flask) -> None:
    with pytest.raises(WrongRevision, match="quizsvc db upgrade"):
        require_current_revision(db.engine)

    assert bare.test_client().get("/readyz").status_code == 503

    flask_migrate.upgrade()
    require_current_revision(db.engine)
    assert bare.test_client().get("/readyz").status_code == 200


def test_every_wording_from_before_the_review_counts_as_published(bare: Flask) -> None:
    flask_migrate.upgrade(revision="0001")
    added = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    with db.engine.begin() as connection:
        for statement in (
            "INSERT INTO bank_bank (id, code, name, created_at) VALUES (1, 'test', '测试题库', :at)",
            "INSERT INTO bank_item (id, bank_id, code, retired_at) VALUES (1, 1, 'a-1', NULL), (2, 1, 'a-2', :at)",
            "INSERT INTO bank_item_version (id, item_id, number, content, content_hash, created_at)"
            " VALUES (1, 1, 1, '{}', 'h1', :at), (2, 2, 1, '{}', 'h2', :at)",
        ):
            connection.execute(text(statement).bindparams(bindparam("at", added, DateTime(timezone=True))))

    flask_migrate.upgrade()

    versions = db.session.execute(
        select(ItemVersion.state, ItemVersion.origin, ItemVersion.author, ItemVersion.published_at)
    ).all()
    assert [tuple(row) for row in versions] == [("published", "file", "cli", added)] * 2
    assert db.session.scalars(select(Item.retired_by).order_by(Item.id)).all() == [None, "cli"]


def test_audit_log_from_before_the_seals_verifies_and_can_be_sealed(bare: Flask) -> None:
    flask_migrate.upgrade(revision="0003")
    moment, prev = datetime(2026, 11, 1, 4, 0, 0, 250, tzinfo=UTC), ledger.GENESIS
    with db.engine.begin() as connection:
        for seq in (1, 2, 3):
            fact = {"seq": seq, "at": moment, "actor": "cli", "action": "bank.add", "on": "bank:a",
                    "detail": '{"name":"题库"}', "prev": prev}  # fmt: skip
            prev = ledger.entry_hash(**fact)
            insert_old_row(connection, "audit_entry", {**fact, "hash": prev})
            insert_old_row(
                connection, "audit_leaf", {"attempt_id": f"a{seq}", "at": moment, "answers_hash": "0" * 64}
            )
        insert_old_row(connection, "audit_head", {"id": 1, "seq": 3, "hash": prev})

    flask_migrate.upgrade()

    assert audit.seal_leaves(moment) == 3
    found = audit.verify(at=moment, anchors=[ledger.Anchor(3, prev)])
    assert (found.sound, found.entries, found.sealed) == (True, 4, 3)

    flask_migrate.downgrade(revision="0003")

    left = [
        db.session.execute(text(f"SELECT count(*) FROM audit_{name}")).scalar() for name in ("entry", "leaf")
    ]
    assert left == [4, 3]


def insert_old_row(connection: Connection, table: str, row: dict[str, Any]) -> None:
    names = {"on": "object"}
    columns = ", ".join(names.get(name, name) for name in row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(
        text(f"INSERT INTO {table} ({columns}) VALUES ({values})").bindparams(
            *(bindparam("at", type_=DateTime(timezone=True)) for name in row if name == "at")
        ),
        row,
    )


def triggers() -> list[tuple[str, ...]]:
    """Every trigger with what it does."""
    asked = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
        "postgresql": "SELECT tgname, pg_get_triggerdef(t.oid), prosrc FROM pg_trigger t"
        " JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal ORDER BY tgname",
    }
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(asked[db.engine.dialect.name])]


def test_triggers_of_the_migrations_are_those_of_the_models(bare: Flask) -> None:
    flask_migrate.upgrade()
    migrated = triggers()
    flask_migrate.downgrade(revision="base")
    without = triggers()
    db.create_all()

    assert (triggers(), without) == (migrated, [])
    assert [name for name, *_ in migrated if name.startswith("audit_leaf_deleted")] == ["audit_leaf_deleted"]


def test_every_round_from_before_the_late_policies_hands_in_what_was_saved(bare: Flask) -> None:
    flask_migrate.upgrade(revision="0004")
    with db.engine.begin() as connection:
        for statement in A_SITTING_BEFORE_0005:
            connection.execute(
                text(statement).bindparams(bindparam("at", make.OPENS, DateTime(timezone=True)))
            )

    flask_migrate.upgrade(revision="0005")

    with db.engine.connect() as connection:
        facts = [
            connection.execute(text(f"SELECT {columns} FROM {table}")).all()
            for table, columns in (
                ("campaign_round", "late, attempts, threshold_permyriad"),
                ("attempt_participant", "forgiven, extension_s"),
                ("attempt_attempt", "late, score, receipt"),
                ("attempt_late", "number"),
            )
        ]
        checks = {table: {one["name"] for one in inspect(connection).get_check_constraints(table)}
                  for table in ("campaign_round", "attempt_attempt")}  # fmt: skip
    assert facts == [[("submit_from_saved", 3, 8000)], [(0, 60)], [(False, 20, "RECEIPT1")], []]
    assert {"ck_campaign_round_late", "ck_campaign_round_window"} <= checks["campaign_round"]
    assert "ck_attempt_attempt_marked" in checks["attempt_attempt"]

    flask_migrate.downgrade(revision="0004")

    left = db.session.execute(text("SELECT attempts, threshold_permyriad FROM campaign_round")).all()
    assert left == [(3, 8000)]


A_SITTING_BEFORE_0005 = (
    "INSERT INTO roster_unit (id, path, code, name, kind, position, created_at)"
    " VALUES (1, 'yg/', 'yg', '阳光县', 'class', 0, :at)",
    "INSERT INTO roster_enrolment (id, unit_id, term, seat, joined_at) VALUES (1, 1, '2026-2027-1', 1, :at)",
    "INSERT INTO paper_paper (id, code, kind, title, content, content_hash, frozen_at)"
    " VALUES (1, 'p', 'quiz', '试卷', '{}', 'h', :at)",
    "INSERT INTO campaign_campaign (id, code, name, unit_id, term, target_permyriad, target_on, organisers, hotline,"
    " is_test, erase_on, created_at) VALUES (1, 'c', '活动', 1, '2026-2027-1', 10000, '2026-12-20', '[]', '96110',"
    " false, '2027-02-01', :at)",
    "INSERT INTO campaign_round (id, code, campaign_id, paper_id, kind, title, identity, opens_at, closes_at, attempts,"
    " counted, threshold_permyriad, review_after_submit, review_after_close, frozen_at, created_at)"
    " VALUES (1, 'r', 1, 1, 'test', '场次', 'seat', :at, '2026-12-20 10:00:00+00:00', 3, 'best', 8000, '[]', '[]',"
    " :at, :at)",
    "INSERT INTO link_link (id, code, round_id, unit_id, place, phrase_word, phrase_number, poster_number, created_at)"
    " VALUES (1, '7K3M9Q2', 1, 1, '', '青禾', 27, '2026-0001', :at)",
    "INSERT INTO attempt_participant (id, round_id, unit_id, enrolment_id, extension_s, created_at)"
    " VALUES (1, 1, 1, 1, 60, :at)",
    "INSERT INTO attempt_attempt (id, participant_id, round_id, unit_id, link_id, source, period, ordinal, allowed,"
    " seed, form, answers, resume, receipt, started_at, submitted_at, overdue, score, out_of) VALUES ('a', 1, 1, 1, 1,"
    " 'poster', 'round', 1, 3, 's', '[]', '{}', 'RESUME01', 'RECEIPT1', :at, :at, false, 20, 30)",
)


def test_accounts_from_before_the_second_step_keep_their_last_sign_in(bare: Flask) -> None:
    flask_migrate.upgrade(revision="0006")
    moments = [datetime(2026, month, 1, 4, 0, tzinfo=UTC) for month in (9, 10, 11)]
    with db.engine.begin() as connection:
        for number, login in ((1, "lin"), (11, "mei")):
            connection.execute(
                text(
                    "INSERT INTO staff_staff (id, login, name, epoch, created_at)"
                    " VALUES (:id, :login, '某老师', 1, :at)"
                ).bindparams(bindparam("at", moments[0], DateTime(timezone=True)), id=number, login=login)
            )
        for seq, (at, whose) in enumerate(zip(moments, ("staff:1", "staff:1", "staff:11"), strict=True), 1):
            connection.execute(
                text(
                    "INSERT INTO audit_entry (seq, at, actor, action, object, detail, prev, hash) VALUES"
                    " (:seq, :at, :whose, 'staff.signed_in', :whose, '{}', 'p', 'h')"
                ).bindparams(bindparam("at", at, DateTime(timezone=True)), seq=seq, whose=whose)
            )

    flask_migrate.upgrade()
    known = db.session.execute(select(Staff.login, Staff.signed_in_at, Staff.totp_secret).order_by(Staff.id))
    rows = [tuple(row) for row in known]
    db.session.remove()
    flask_migrate.downgrade(revision="0006")

    assert rows == [("lin", moments[1], None), ("mei", moments[2], None)]
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM staff_staff").scalar() == 2


def test_goes_from_before_the_erasing_keep_everything_and_may_lose_it_now(bare: Flask) -> None:
    flask_migrate.upgrade(revision="0005")
    with db.engine.begin() as connection:
        for statement in A_SITTING_BEFORE_0005:
            connection.execute(
                text(statement).bindparams(bindparam("at", make.OPENS, DateTime(timezone=True)))
            )
    before = shape("attempt_attempt"), shape("attempt_participant")

    flask_migrate.upgrade(revision="0006")

    goes = "SELECT seed, resume, receipt, score, late FROM attempt_attempt"
    heads = "SELECT enrolment_id, extension_s, excused FROM attempt_participant"
    assert db.session.execute(text(goes)).all() == [("s", "RESUME01", "RECEIPT1", 20, False)]
    assert db.session.execute(text(heads)).all() == [(1, 60, False)]
    assert shape("attempt_attempt") == before[0]
    assert shape("attempt_participant") == [
        *before[1][:1],
        sorted([*before[1][1], "ix_attempt_participant_excused"]),
    ]

    db.session.execute(text("UPDATE attempt_attempt SET resume = NULL, receipt = NULL"))
    db.session.execute(text("UPDATE attempt_participant SET enrolment_id = NULL"))
    db.session.commit()
    db.session.remove()
    flask_migrate.downgrade(revision="0005")

    assert db.session.execute(text(goes)).all() == [("s", None, None, 20, False)]


def shape(table: str) -> list[list[str | None]]:
    """The names of a table's checks and indexes, each as often as it is there; copying must not lose or double one."""
    look = inspect(db.engine)
    checks = sorted(str(one["name"]) for one in look.get_check_constraints(table))
    partial = {"uq_attempt_attempt_go", "ix_attempt_attempt_open", "ix_attempt_participant_excused"}
    for one in look.get_indexes(table):
        assert (one["name"] in partial) == any("where" in option for option in one.get("dialect_options", {}))
    return [checks, sorted(str(one["name"]) for one in look.get_indexes(table))]
