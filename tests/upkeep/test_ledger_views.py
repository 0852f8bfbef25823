"""The page of the audit log."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit
from quizsvc.audit import ACTION_NAMES, CLI, JOB, Actor
from quizsvc.core.access import Role
from quizsvc.upkeep import ledger_views
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.support import Watch


@pytest.fixture
def keeper(app: Flask, at: Any) -> Desk:
    return Desk(app, "root", ("sysadmin", None))


def recorded(actor: Actor = CLI, action: str = "bank.add", on: str = "bank:a", **detail: Any) -> None:
    audit.record_alone(actor=actor, action=action, on=on, at=NOON, **detail)


def rows(page: str) -> list[str]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [text_of(row).strip() for row in body.split("</tr>") if row.strip()]


def test_entries_are_told_in_chinese_newest_first(app: Flask, keeper: Desk) -> None:
    lin = make.a_staff("lin", "林老师")
    recorded()
    recorded(JOB, "submissions.sealed", "submissions", count=3)
    recorded(Actor.staff(lin.id), "attempt.extend", "attempt:x", minutes=5)
    recorded(Actor.staff(keeper.staff_id), "attempt.void", "participant:1", private={"reason": "李明病了"})
    recorded(Actor.staff(999), "bank.import", "bank:a", new=["a-1", "a-2"])

    assert rows(keeper.page("/staff/audit")) == [
        '5 12 月 12 日 12:00 staff:999 导入题库 bank:a new ["a-1", "a-2"]',
        "4 12 月 12 日 12:00 我 作废一个序号的作答 participant:1 reason（另存）",
        "3 12 月 12 日 12:00 林老师 给一个序号加时间 attempt:x minutes 5",
        "2 12 月 12 日 12:00 系统 封存一批交卷 submissions count 3",
        "1 12 月 12 日 12:00 命令行 新建题库 bank:a",
    ]


def test_words_about_people_are_not_on_the_page(app: Flask, keeper: Desk) -> None:
    recorded(private={"reason": "李明病了"})

    assert "李明" not in keeper.page("/staff/audit")


def test_anchor_can_be_copied(app: Flask, keeper: Desk) -> None:
    recorded()
    page = keeper.page("/staff/audit")

    assert audit.anchor().grouped in page
    assert f'quizsvc audit verify --anchor "{audit.anchor().short}"' in page


def test_empty_log_says_so(app: Flask, keeper: Desk) -> None:
    assert "没有符合筛选的记录" in keeper.page("/staff/audit")


def test_pages_go_back_to_the_first_entry(app: Flask, keeper: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_views, "A_PAGE", 2)
    for _ in range(5):
        recorded()
    seen, address = [], "/staff/audit"
    while address:
        page = keeper.page(address)
        seen.append([int(row.split()[0]) for row in rows(page)])
        older = page.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        address = older if "更早的" in page else ""

    assert seen == [[5, 4], [3, 2], [1]]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("action=bank.edit", [3]),
        ("who=命令行", [1]),
        ("who=cli", [1]),
        ("who=系统", [2]),
        ("who=LIN", [3]),
        ("who=staff:999", [4]),
        ("who=nobody", []),
        ("who=lin&action=bank.add", []),
        ("action=nothing", []),
        ("before=3", [2, 1]),
        ("before=0", [4, 3, 2, 1]),
        ("before=99999999999999999999", [4, 3, 2, 1]),
        ("before=²", [4, 3, 2, 1]),
        ("before=-1", [4, 3, 2, 1]),
        ("who=%00", [4, 3, 2, 1]),
    ],
)
def test_entries_can_be_chosen(app: Flask, keeper: Desk, query: str, shown: list[int]) -> None:
    lin = make.a_staff("lin", "林老师")
    for actor, action in ((CLI, "bank.add"), (JOB, "bank.add"), (Actor.staff(lin.id), "bank.edit")):
        recorded(actor, action)
    recorded(Actor.staff(999))

    assert [int(row.split()[0]) for row in rows(keeper.page(f"/staff/audit?{query}"))] == shown


def test_page_takes_the_same_statements_for_any_number_of_entries(
    app: Flask, keeper: Desk, watch: Watch
) -> None:
    taken = []
    for number in (1, 120):
        for index in range(number):
            recorded(Actor.staff(make.a_staff(f"s{number}-{index}", "某老师").id))
        with watch.counting() as seen:
            keeper.page("/staff/audit")
        taken.append(len(seen))

    assert taken[0] == taken[1] <= 5


def test_long_and_odd_details_are_cut_and_shown_as_they_are(app: Flask, keeper: Desk) -> None:
    assert ledger_views._told(f'{{"a":"{"x" * 999}"}}') == f"a {'x' * 238}…"
    assert ledger_views._told("no json") == "no json"
    assert ledger_views._told("3") == "3"
    assert ledger_views._told('{"private":3}') == '{"private":3}'


def test_only_sysadmins_see_page_and_entry_in_the_navigation(app: Flask, keeper: Desk) -> None:
    county = make.a_county()
    others = [Desk(app, role.value, (role.value, county)) for role in Role if role is not Role.SYSADMIN]

    assert ">操作记录</a>" in keeper.page("/staff/account")
    assert [one.get("/staff/audit").status_code for one in others] == [404] * len(others)
    assert not any("操作记录" in one.page("/staff/account") for one in others)


def test_denied_pages_are_on_the_page(app: Flask, keeper: Desk) -> None:
    lin = Desk(app, "lin", ("class_teacher", make.a_county()))
    lin.get("/staff/audit?who=cli")

    assert rows(keeper.page("/staff/audit")) == [
        "1 12 月 12 日 12:00 lin 想打开不归自己管的页面 page:/staff/audit needed keep_service"
    ]


def test_every_action_can_be_chosen(app: Flask, keeper: Desk) -> None:
    page = keeper.page("/staff/audit")

    assert all(f'<option value="{action}">{name}</option>' in page for action, name in ACTION_NAMES.items())
    assert page.count("<option") == len(ACTION_NAMES) + 1


def test_moments_are_those_of_china(app: Flask, keeper: Desk) -> None:
    audit.record_alone(actor=CLI, action="bank.add", on="bank:a", at=NOON + timedelta(hours=12))

    assert "12 月 13 日 00:00" in rows(keeper.page("/staff/audit"))[0]
