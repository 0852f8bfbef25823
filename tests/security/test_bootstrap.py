"""A fresh installation has no account; the first comes from the command line, by a link that works once. T35."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import func, select

from quizsvc import wsgi
from quizsvc.app import create_app
from quizsvc.cli import main
from quizsvc.db import Base, db
from quizsvc.settings import Settings
from quizsvc.staff import queries
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from tests.conftest import settings_for
from tests.signing import token
from tests.support import Browser, Watch

PASSWORD = "青山绿水小船晚霞四个词"
EVERY_SERVICE_HAS_TRIED = [
    ("admin", "admin"), ("admin", "123456"), ("admin", "password"), ("root", "root"), ("sysadmin", "sysadmin"),
    ("quizsvc", "quizsvc"), ("test", "test"), ("demo", "demo"),
]  # fmt: skip


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `quizsvc db upgrade` leaves."""
    folder = tmp_path_factory.mktemp("upgraded")
    app = create_app(settings_for(f"sqlite:///{folder / 'upgraded.sqlite'}", folder))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    return folder / "upgraded.sqlite"


@pytest.fixture
def fresh(tmp_path: Path, upgraded: Path, at: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """A new installation, in production."""
    url = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    shutil.copyfile(upgraded, tmp_path / "fresh.sqlite")
    for name, value in {
        "MODE": "production", "INSTANCE": str(tmp_path), "DATABASE_URL": url, "PUBLIC_URL": "https://fz.test",
        "SECRET_KEY": "tests-only-" + "x" * 32, "LOG_LEVEL": "ERROR",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"QUIZSVC_{name}", value)
    app = create_app(wsgi.settings())
    app.test_client_class = Browser
    with app.app_context():
        app.extensions["watch"] = Watch(db.engine)
        yield app
        db.session.remove()
        db.engine.dispose()


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def browser(app: Flask) -> Browser:
    opened: Browser = app.test_client()
    opened.environ_base |= {"wsgi.url_scheme": "https", "HTTP_HOST": "fz.test"}
    return opened


def enter(opened: Browser, login: str, password: str) -> int:
    fields = {"login": login, "password": password, "csrf_token": token(opened)}
    return int(opened.post("/staff/sign-in", data=fields).status_code)


def link_in(printed: str) -> str:
    return re.search(r"https://fz\.test(/staff/accept/[A-Za-z0-9_-]{43})\b", printed)[1]


def test_fresh_database_holds_nobody_and_nothing(fresh: Flask) -> None:
    counted = {
        name: db.session.scalar(select(func.count()).select_from(table))
        for name, table in Base.metadata.tables.items()
    }

    assert {name: rows for name, rows in counted.items() if rows} == {}
    assert queries.everybody() == []


def test_nobody_gets_in_with_what_every_service_has_tried(fresh: Flask) -> None:
    opened = browser(fresh)

    assert {enter(opened, login, password) for login, password in EVERY_SERVICE_HAS_TRIED} == {400}
    assert opened.get("/staff/").status_code == 303
    assert opened.get("/staff/accept/x").status_code == 404


def test_no_page_makes_the_first_account(fresh: Flask) -> None:
    """No set-up page waits for whoever comes first."""
    public = [
        rule.rule
        for rule in fresh.url_map.iter_rules()
        if fresh.view_functions[rule.endpoint].access == "public"  # type: ignore[attr-defined]
    ]

    assert [rule for rule in public if re.search("setup|install|register|sign-?up|first", rule)] == []


def test_first_account_comes_from_the_command_line_by_a_link_that_works_once(fresh: Flask) -> None:
    done = command("staff", "invite", "root", "管理员", "--role", "sysadmin")
    opened, thief = browser(fresh), browser(fresh)
    path = link_in(done.output)

    before = db.session.execute(select(Staff.password_hash, Staff.login)).one()
    set_ = opened.post(path, data={"csrf_token": token(opened), "password": PASSWORD, "repeated": PASSWORD})
    again = thief.post(path, data={"csrf_token": token(thief), "password": "x" * 20, "repeated": "x" * 20})

    assert (done.exit_code, before) == (0, (None, "root"))
    assert (set_.status_code, again.status_code) == (303, 410)
    assert opened.get("/staff/account").status_code == 200
    assert thief.get("/staff/account").status_code == 303
    assert enter(browser(fresh), "root", PASSWORD) == 303
    assert path.rpartition("/")[2] not in "".join(db.session.scalars(select(Invitation.token_hash)))


@pytest.mark.parametrize("password", ["12345", "root", "管理员", "password123", ""])
def test_first_password_may_not_be_easy(fresh: Flask, password: str) -> None:
    path = link_in(command("staff", "invite", "root", "管理员", "--role", "sysadmin").output)
    opened = browser(fresh)

    answer = opened.post(path, data={"csrf_token": token(opened), "password": password, "repeated": password})

    assert answer.status_code == 400
    assert db.session.scalars(select(Staff.password_hash)).one() is None


def test_account_nobody_has_accepted_opens_to_nobody(fresh: Flask) -> None:
    command("staff", "invite", "root", "管理员", "--role", "sysadmin")

    assert [enter(browser(fresh), "root", word) for word in ("", "root", "管理员")] == [400, 400, 400]
    assert db.session.scalars(select(RoleGrant.role)).all() == ["sysadmin"]


def test_service_makes_its_own_secret_and_no_two_have_the_same(tmp_path: Path) -> None:
    made = {
        Settings.from_environ(
            {"QUIZSVC_INSTANCE": str(tmp_path / name), "QUIZSVC_PUBLIC_URL": "https://fz.test"}
        ).secret_key
        for name in ("one", "two")
    }

    assert len(made) == 2
    assert min(map(len, made)) >= 43


@pytest.mark.parametrize(
    "command_line", [["staff", "invite", "x"], ["staff", "invite", "x", "某", "--role", "root"]]
)
def test_no_account_without_a_name_and_a_role(fresh: Flask, command_line: list[str]) -> None:
    assert command(*command_line).exit_code == 2
    assert queries.everybody() == []
