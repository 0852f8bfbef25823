"""The first account and the rest by command line."""

import json
import re
from datetime import timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.staff import cli, operations, queries
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from tests import make
from tests.conftest import NOON
from tests.staff import second_step

GOOD = "青山绿水小船晚霞四个词"


@pytest.fixture
def run(app: Flask, at: object):
    def command(*words: str) -> Result:
        return app.test_cli_runner().invoke(cli.staff, list(words))

    return command


def counted(*tables: type) -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(table)) for table in tables]


def test_first_account_comes_from_the_command_line(run) -> None:
    done = run("invite", "root", "管理员", "--role", "sysadmin")

    assert done.exit_code == 0, done.output
    token = re.search(r"^http://fz\.test/staff/accept/([\w-]{43})$", done.output, re.M)[1]
    assert operations.accept(token=token, password=GOOD, at=NOON).epoch == 2
    assert queries.credentials("root").match(GOOD)


@pytest.mark.parametrize("path", ["yg/sy", "yg/sy/", "/yg/sy/"])
def test_invitation_to_a_unit(run, path: str) -> None:
    make.a_school(make.a_county())

    done = run("invite", "he", "何主任", "--role", "school_admin", "--unit", path)

    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[0] == "已邀请 1 人：何主任（he），阳光县实验中学 学校管理员"
    assert [held.path for held in queries.person_by_login("he").grants] == ["yg/sy/"]


@pytest.mark.parametrize(
    "words",
    [
        ("invite", "wang", "王老师", "--role", "class_teacher", "--unit", "yg/sy/703"),
        ("link", "lin"),
        ("end", "lin"),
        ("grant", "lin", "--role", "auditor", "--unit", "yg/sy/703"),
        ("revoke", "lin", "--role", "class_teacher", "--unit", "yg/sy/703"),
        ("reset-two-step", "lin"),
    ],
)
def test_rehearsal_writes_nothing_and_the_command_does(run, app: Flask, words: tuple[str, ...]) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    second_step.turned_on(app, make.a_staff("lin", "林老师", ("class_teacher", unit)))

    def state() -> list[object]:
        return [*counted(Staff, RoleGrant, Invitation), queries.everybody()]

    before = state()
    rehearsed = run(*words, "--dry-run")
    after_rehearsal = state()
    done = run(*words)

    assert (rehearsed.exit_code, done.exit_code) == (0, 0), rehearsed.output + done.output
    assert rehearsed.output.startswith("预演：")
    assert rehearsed.output.endswith("没有写入。\n")
    assert after_rehearsal == before
    assert state() != before


@pytest.mark.parametrize(
    "words",
    [
        ("invite", "lin", "林老师", "--role", "auditor", "--unit", "yg/sy/703"),
        ("invite", "bad login", "王老师", "--role", "auditor", "--unit", "yg/sy/703"),
        ("invite", "wang", "王老师", "--role", "auditor"),
        ("invite", "wang", "王老师", "--role", "auditor", "--unit", "yg/none"),
        ("invite", "wang", "王老师", "--role", "class_teacher", "--unit", "yg"),
        ("link", "nobody"),
        ("end", "nobody"),
        ("grant", "lin", "--role", "sysadmin", "--unit", "yg"),
        ("revoke", "lin", "--role", "auditor", "--unit", "yg/sy/703"),
    ],
)
@pytest.mark.parametrize("rehearsal", [(), ("--dry-run",)])
def test_what_cannot_be_done_is_refused_in_rehearsal_too(
    run, words: tuple[str, ...], rehearsal: tuple[str, ...]
) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    make.a_staff("lin", "林老师", ("class_teacher", unit))

    done = run(*words, *rehearsal)

    assert done.exit_code == 1
    assert isinstance(done.exception, Refusal)
    assert counted(Staff, RoleGrant, Invitation) == [1, 1, 0]


def test_unknown_role_is_refused(run) -> None:
    assert run("invite", "wang", "王老师", "--role", "king").exit_code == 2


def test_list_names_accounts_states_and_grants(run) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    make.a_staff("lin", "林老师", ("class_teacher", unit))
    make.a_staff("free", "没有授权的人")

    done = run("list")

    assert done.output.splitlines() == [
        "free\t没有授权的人\t等待设置密码\t没有授权",
        "lin\t林老师\t等待设置密码\t七年级（3）班 班主任",
        "共 2 个账号",
    ]


def test_list_as_json(run) -> None:
    make.a_staff("root", "管理员", ("sysadmin", None))

    assert json.loads(run("list", "--json").output) == [
        {
            "login": "root",
            "name": "管理员",
            "state": "invited",
            "created_at": make.LONG_AGO.isoformat(),
            "signed_in_at": None,
            "two_step": False,
            "grants": [{"role": "sysadmin", "unit": ""}],
        }
    ]


def test_second_step_that_is_not_there_cannot_be_reset(run) -> None:
    make.a_staff("lin", "林老师")

    rehearsed, done = run("reset-two-step", "lin", "--dry-run"), run("reset-two-step", "lin")

    assert (rehearsed.exit_code, "不用重设" in rehearsed.output) == (0, True)
    assert (done.exit_code, isinstance(done.exception, Refusal)) == (1, True)


def test_stale_accounts_are_listed_longest_unused_first(run) -> None:
    for login, days, ended in (
        ("new", 10, None),
        ("old", 200, None),
        ("older", 300, None),
        ("gone", 400, NOON),
    ):
        staff = make.a_staff(login, login)
        staff.signed_in_at, staff.ended_at = NOON - timedelta(days=days), ended
        make.saved(staff)
    make.a_staff("never", "从未登录")  # made in September

    half_a_year, hundred_days = run("stale"), run("stale", "--days", "100")

    assert half_a_year.output.splitlines() == [
        "older\tolder\t2026-02-15",
        "old\told\t2026-05-26",
        "共 2 个账号 180 天没有登录",
    ]
    assert hundred_days.output.splitlines()[2] == "never\t从未登录\t从未（2026-09-01 开通）"
    assert [row["login"] for row in json.loads(run("stale", "--json").output)] == ["older", "old"]
