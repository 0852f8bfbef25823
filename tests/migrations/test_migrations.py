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
from sqlalchemy import DateTime, bindparam, event, inspect, select, text

from quizsvc.app import create_app
from quizsvc.bank.models import Item, ItemVersion
from quizsvc.db import Base, db
from quizsvc.settings import PROJECT
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
