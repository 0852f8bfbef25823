"""Staff pages of the papers."""

import re
from typing import Any

import pytest
from flask import Flask

from quizsvc.core.assembly import Rule
from quizsvc.paper import queries
from tests import make
from tests.desk import Desk, text_of
from tests.make import an_item
from tests.paper.conftest import a_plan, frozen_id, imported
from tests.support import Browser, Watch


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


@pytest.fixture
def paper(app: Flask) -> queries.FrozenPaper:
    """Two of three items."""
    imported(*(an_item(f"brushing-{number}") for number in range(3)))
    return queries.frozen(frozen_id(a_plan(Rule(2, 10, topic="brushing"))))


@pytest.mark.parametrize("address", ["/staff/papers", "/staff/papers/{id}", "/staff/papers/{id}?seed=a"])
def test_pages_are_for_those_who_manage_banks(
    app: Flask, at: Any, phone: Browser, paper: queries.FrozenPaper, address: str
) -> None:
    school = make.a_school(make.a_county())
    teacher = Desk(app, "lin", ("class_teacher", make.a_class(school)))
    admin = Desk(app, "he", ("school_admin", school))
    address = address.format(id=paper.id)

    assert teacher.get(address).status_code == 404
    assert admin.get(address).status_code == 404
    assert phone.get(address).status_code == 303


def test_list_is_friendly_without_any_paper(bureau: Desk) -> None:
    page = bureau.page("/staff/papers")

    assert "还没有试卷。" in page
    assert "<table" not in page


def test_list_tells_papers(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = text_of(bureau.page("/staff/papers")).replace("\u00a0", " ")

    assert f"反诈知识测试 semester 测试 2 20 3 12 月 12 日 12:00 {paper.content_hash[:8]}" in page


def test_unknown_paper_is_404(bureau: Desk) -> None:
    assert bureau.get("/staff/papers/77").status_code == 404


def test_paper_page_tells_rules_choice_total_and_hash(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = bureau.page(f"/staff/papers/{paper.id}")

    assert "刷单返利 2 20 3 组" in text_of(page)
    assert "合计 2 20 3 题" in text_of(page)
    assert f'title="{paper.content_hash}"' in page
    assert "抽出的一份" not in page


def test_sample_is_one_form_with_its_key(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = bureau.page(f"/staff/papers/{paper.id}?seed=one")

    assert re.findall(r"第&nbsp;(\d+)&nbsp;题", page) == ["1", "2"]
    assert page.count("✓ 正确") == 2
    assert page.count("停下来问问老师") == 2


def test_sample_of_a_seed_is_always_the_same_and_the_button_draws_another(
    bureau: Desk, paper: queries.FrozenPaper
) -> None:
    address = f"/staff/papers/{paper.id}"
    samples = [bureau.page(f"{address}?seed=one").split('id="sample"')[1] for _ in range(2)]
    buttons = re.findall(r'href="([^"]+seed=[^"]+)"', bureau.page(address) + bureau.page(address))

    assert samples[0] == samples[1]
    assert len(set(buttons)) == 2
    assert bureau.get(buttons[0].split("#")[0]).status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_pages_take_as_many_statements_for_many_items(
    app: Flask, bureau: Desk, watch: Watch, count: int
) -> None:
    imported(*(an_item(f"brushing-{number:02}") for number in range(count)))
    for number in range(count):
        frozen_id(a_plan(Rule(count, 10), code=f"paper-{number:02}"))
    [newest, *_] = queries.papers()
    bureau.page("/staff/papers")
    counts = []
    for address in ("/staff/papers", f"/staff/papers/{newest.id}", f"/staff/papers/{newest.id}?seed=a"):
        with watch.counting() as seen:
            bureau.page(address)
        counts.append(len([statement for statement in seen if "paper_" in statement]))
        assert len(seen) == counts[-1] + 1, "\n".join(seen)

    assert counts == [1, 1, 0]
