"""How full the disk is: nobody new begins where those who have begun might not finish."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from quizsvc.attempt.models import Attempt, Participant
from quizsvc.db import db
from quizsvc.settings import BadSettings, Settings
from quizsvc.web import health
from quizsvc.web.health import Disk
from tests import make
from tests.support import Browser

FULL = Disk(free_mb=12, low_mb=200)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "disk", lambda: FULL)


@pytest.fixture
def code(app: Flask, at: Any) -> str:
    unit = make.a_class(make.a_school(make.a_county()), pupils=3)
    return make.a_link(make.a_round(unit), unit, code="7K3M9Q8").code


def start(phone: Browser, code: str, seat: int) -> Any:
    phone.post(f"/c/{code}/who", data={"seat": seat, "s": ""})
    return phone.post(f"/c/{code}/start", data={"seat": seat, "s": ""})


def test_disk_is_the_one_of_the_file(app: Flask) -> None:
    seen = health.disk()

    if db.engine.dialect.name == "postgresql":
        assert seen is None
        assert health.room_to_begin()
    else:
        assert seen is not None
        assert seen.low_mb == app.config["SETTINGS"].low_disk_mb
        assert seen.free_mb > 0


@pytest.mark.parametrize(("free", "low"), [(199, True), (200, False), (201, False)])
def test_disk_is_low_below_the_mark(free: int, low: bool) -> None:
    assert Disk(free_mb=free, low_mb=200).low is low


def test_nobody_new_begins_on_a_full_disk(app: Flask, phone: Browser, code: str, full_disk: None) -> None:
    page = start(phone, code, 1)

    assert (page.status_code, page.headers["Retry-After"]) == (503, "60")
    assert "已经开始的可以接着做、照常交卷" in page.text
    assert db.session.scalar(select(func.count()).select_from(Attempt)) == 0
    assert db.session.scalar(select(func.count()).select_from(Participant)) == 0


def test_who_has_begun_goes_on_and_hands_in_on_a_full_disk(
    app: Flask, phone: Browser, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = start(phone, code, 1).headers["Location"]
    monkeypatch.setattr(health, "disk", lambda: FULL)

    assert start(phone, code, 1).headers["Location"] == begun
    assert phone.get(begun).status_code == 200
    assert phone.post(f"{begun}/submit", data={}).status_code == 303


def test_without_the_guard_somebody_new_would_begin(
    app: Flask, phone: Browser, code: str, full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "room_to_begin", lambda: True)

    assert start(phone, code, 1).status_code == 303


def test_full_disk_shows_in_readyz_but_keeps_it_ready(
    app: Flask, phone: Browser, full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "require_current_revision", lambda _engine: None)
    page = phone.get("/readyz")

    assert (page.status_code, page.text.splitlines()[0]) == (200, "ready")
    assert "磁盘只剩 12 MB（少于 200 MB）" in page.text


def test_mark_of_the_disk_is_a_setting(tmp_path: Any) -> None:
    environ = {"QUIZSVC_MODE": "demo", "QUIZSVC_INSTANCE": str(tmp_path)}

    assert Settings.from_environ(environ).low_disk_mb == 200
    assert Settings.from_environ({**environ, "QUIZSVC_LOW_DISK_MB": "0"}).low_disk_mb == 0
    with pytest.raises(BadSettings, match="QUIZSVC_LOW_DISK_MB"):
        Settings.from_environ({**environ, "QUIZSVC_LOW_DISK_MB": "-1"})
