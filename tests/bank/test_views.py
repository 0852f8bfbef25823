"""Staff pages of the banks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bank import operations
from quizsvc.core import bankfile
from tests import make
from tests.conftest import NOON
from tests.desk import Desk
from tests.support import Browser, Watch

SCENE = bankfile.Scene("sms", "1069 开头号码", "三倍赔付 <b>名额有限</b>", ("三倍赔付",))


def imported(*items: bankfile.Item) -> None:
    operations.import_bank(code="test", name="测试题库", items=items, at=NOON, actor=CLI)


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


@pytest.mark.parametrize("address", ["/staff/banks", "/staff/banks/test", "/staff/banks/test/brushing-01"])
def test_pages_are_for_those_who_manage_banks(app: Flask, at: Any, phone: Browser, address: str) -> None:
    imported(make.an_item())
    school = make.a_school(make.a_county())
    teacher = Desk(app, "lin", ("class_teacher", make.a_class(school)))
    admin = Desk(app, "he", ("school_admin", school))

    assert teacher.get(address).status_code == 404
    assert admin.get(address).status_code == 404
    assert phone.get(address).status_code == 303


@pytest.mark.parametrize(
    "address", ["/staff/banks/nothing", "/staff/banks/test/nothing", "/staff/banks/nothing/brushing-01",
                "/staff/banks/test/brushing-01?version=2"]
)  # fmt: skip
def test_unknown_bank_item_or_version_is_404(bureau: Desk, address: str) -> None:
    imported(make.an_item())

    assert bureau.get(address).status_code == 404


def test_list_is_friendly_without_any_bank(bureau: Desk) -> None:
    page = bureau.page("/staff/banks")

    assert "还没有题库。" in page
    assert "<table" not in page


def test_bank_page_counts_and_lists(bureau: Desk) -> None:
    imported(
        make.an_item("brushing-01", scene=SCENE),
        make.an_item("police-01", topic="fake_police", difficulty=3, audiences=("senior",)),
    )

    page = bureau.page("/staff/banks/test")

    assert '<b>容易 <span class="n">1</span> · 较难 <span class="n">1</span></b>' in page
    assert "冒充公检法及政府机关" in page
    assert [code in page for code in ("brushing-01", "police-01")] == [True, True]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("topic=brushing", ["a-1", "b-1"]),
        ("topic=fake_police", ["c-1"]),
        ("kind=single_choice", ["a-1", "b-1", "c-1"]),
        ("kind=multiple_choice", []),
        ("audience=senior", ["b-1", "c-1"]),
        ("difficulty=2&topic=brushing", ["b-1"]),
        ("topic=", ["a-1", "b-1", "c-1"]),
        ("topic=<script>", []),
    ],
)
def test_bank_page_filters_items(bureau: Desk, query: str, shown: list[str]) -> None:
    imported(
        make.an_item("a-1"),
        make.an_item("b-1", audiences=("junior", "senior"), difficulty=2),
        make.an_item("c-1", topic="fake_police", audiences=("senior",)),
    )

    page = bureau.page(f"/staff/banks/test?{query}")

    assert [code for code in ("a-1", "b-1", "c-1") if f"/staff/banks/test/{code}" in page] == shown
    assert "<script>" not in page.replace("<script src=", "")


def test_item_page_shows_the_item_whole(bureau: Desk) -> None:
    imported(
        make.an_item(
            scene=SCENE, twin="pair-a", region="阳光县", valid_until=(NOON + timedelta(days=99)).date()
        )
    )

    page = bureau.page("/staff/banks/test/brushing-01")

    assert "<mark>三倍赔付</mark> &lt;b&gt;名额有限&lt;/b&gt;" in page
    for text in ("停下来问问老师", "✓ 正确", "先给小利。", "要先付钱。", "停下，告诉老师。", "风险提示单 2023",
                 "pair-a", "阳光县", "2027-03-21", "2026-11-15", "刷单返利", "先收到过小额返利"):  # fmt: skip
        assert text in page, text
    assert page.count("✓ 正确") == 1


def test_item_page_shows_earlier_wordings(bureau: Desk) -> None:
    first = make.an_item()
    imported(first)
    imported(replace(first, stem="换一种问法？"))

    newest = bureau.page("/staff/banks/test/brushing-01")
    earlier = bureau.page("/staff/banks/test/brushing-01?version=1")

    assert ("换一种问法？" in newest, first.stem in newest, "旧版本" in newest) == (True, False, False)
    assert ("换一种问法？" in earlier, first.stem in earlier, "旧版本" in earlier) == (False, True, True)


@pytest.mark.parametrize(
    ("address", "statements"), [("/staff/banks", 1), ("/staff/banks/test", 2), ("/staff/banks/test/b-00", 1)]
)
def test_pages_take_as_many_statements_for_many_items(
    bureau: Desk, watch: Watch, address: str, statements: int
) -> None:
    bureau.get("/staff/banks")
    for count in (1, 30):
        imported(*(make.an_item(f"b-{number:02}") for number in range(count)))
        with watch.counting() as seen:
            assert bureau.get(address).status_code == 200
        of_bank = [statement for statement in seen if "bank_" in statement]
        assert len(of_bank) == statements, "\n".join(seen)
        assert len(seen) == statements + 1, "\n".join(seen)
