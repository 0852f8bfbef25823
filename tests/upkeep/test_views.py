"""The operators' page: plain words, what to do when something is red, always the same number of statements."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit, jobs
from quizsvc.upkeep import backup, doctor
from tests import make
from tests.conftest import NOON
from tests.signing import signed_in
from tests.support import Browser, Watch
from tests.upkeep import county


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "require_current_revision", lambda _engine: None)


@pytest.fixture
def operator(app: Flask, at: Any) -> Browser:
    return signed_in(app, make.a_staff("root", "管理员", ("sysadmin", None)))


def test_page_tells_how_the_service_is(app: Flask, operator: Browser, current: None) -> None:
    county.at_work()
    jobs.mark(at=NOON)
    audit.record_alone(actor=audit.JOB, action=backup.MADE, on="backup:x", at=NOON, bytes=12_340_000)
    page = operator.get("/staff/upkeep").text

    assert '<b class="n">1</b> 份' in page  # running
    assert '<b class="n">3</b> 份，等着封存 3 份' in page
    assert "12.3 MB" in page
    assert audit.anchor().hash[:16] in page
    assert 'href="/staff/upkeep" aria-current="page"' in page


def test_page_says_what_to_do_about_what_is_red(app: Flask, operator: Browser) -> None:
    audit.record_alone(actor=audit.JOB, action=backup.FAILED, on="backup", at=NOON, why="磁盘满了。")
    page = operator.get("/staff/upkeep").text

    faults = re.search(r"件事要处理</b>([^：]+)：照那一行写的做", page)[1].split("、")
    assert {"版本", "备份"} <= set(faults)
    assert page.index("自动备份没有做成") < page.index("✓ 正常")
    assert "自动备份没有做成：磁盘满了。" in page
    assert "quizsvc db upgrade" in page


def test_page_costs_the_same_however_much_there_is(
    app: Flask, at: Any, operator: Browser, current: None, watch: Watch
) -> None:
    jobs.mark(at=NOON)
    operator.get("/staff/upkeep")
    with watch.counting() as little:
        operator.get("/staff/upkeep")
    county.at_work()
    for minute in range(3):
        audit.record_alone(
            actor=audit.JOB, action=backup.MADE, on="backup:x", at=NOON + timedelta(minutes=minute), bytes=1
        )
    with watch.counting() as much:
        operator.get("/staff/upkeep")

    assert len(much) == len(little)


def test_page_is_for_whoever_keeps_the_service_alone(app: Flask, at: Any, phone: Browser) -> None:
    teacher = signed_in(app, make.a_staff("bureau", "李科", ("organizer", make.a_county())))

    assert teacher.get("/staff/upkeep").status_code == 404
    assert "/staff/upkeep" not in teacher.get("/staff/account").text
    assert phone.get("/staff/upkeep").status_code == 303
