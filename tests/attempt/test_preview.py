"""The real page of the pupils beside a paper: nothing of it is kept, and only our own pages may frame it."""

import re
from typing import Any

import pytest
from flask import Flask

from quizsvc.core.assembly import Rule
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.roster.models import Unit
from quizsvc.web.assets import ASSETS, asset
from tests import make
from tests.attempt.conftest import CODE, Pupil, a_classroom
from tests.desk import Desk, text_of
from tests.make import an_item
from tests.paper.conftest import a_draft, frozen_id, imported
from tests.paper.conftest import a_plan as a_paper_plan
from tests.support import Browser, Watch


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


@pytest.fixture
def addresses(app: Flask, at: Any) -> tuple[str, str]:
    """The previews of a draft and of a paper, four of six items each."""
    imported(*(an_item(f"brushing-{number}") for number in range(6)))
    draft_id, paper_id = a_draft(Rule(4, 10)), frozen_id(a_paper_plan(Rule(4, 10)))
    return f"/staff/papers/drafts/{draft_id}/preview", f"/staff/papers/{paper_id}/preview"


@pytest.mark.parametrize("kind", [0, 1], ids=["draft", "paper"])
def test_preview_is_for_those_who_manage_banks(
    app: Flask, phone: Browser, addresses: tuple[str, str], kind: int
) -> None:
    teacher = Desk(app, "lin", ("class_teacher", make.a_class(make.a_school(make.a_county()))))

    assert teacher.get(addresses[kind]).status_code == 404
    assert phone.get(addresses[kind]).status_code == 303


@pytest.mark.parametrize("kind", [0, 1], ids=["draft", "paper"])
def test_preview_is_one_form_of_its_seed(bureau: Desk, addresses: tuple[str, str], kind: int) -> None:
    pages = [bureau.page(f"{addresses[kind]}?seed={seed}") for seed in ("a", "a", "b", "c", "d")]

    assert [page.count("<fieldset") for page in pages] == [4] * 5
    assert pages[0] == pages[1]
    assert len(set(pages)) > 2
    assert bureau.page(addresses[kind]) == bureau.page(f"{addresses[kind]}?seed=1")


def test_preview_is_the_page_the_pupils_get(app: Flask, at: Any) -> None:
    a_classroom()
    bureau = Desk(app, "bureau", ("organizer", db.session.get(Unit, 1)))
    pupil = Pupil(app.test_client())
    pupil.start()
    state = pupil.sheet

    real = pupil.phone.get(f"/a/{pupil.attempt_id}").text
    shown = bureau.page(f"/staff/papers/{state.paper_id}/preview?seed={state.seed}")

    assert questions(shown) == questions(real)
    assert f'src="{asset("quiz.js")}"' in shown


def questions(page: str) -> list[str]:
    """The questions of a page, without the tokens of their options and in one order."""
    parts = re.findall(r"<fieldset.*?</fieldset>", page, re.S)
    return sorted(text_of(re.sub(r"第&nbsp;\d+&nbsp;题", "", part)) for part in parts)


@pytest.mark.parametrize("kind", [0, 1], ids=["draft", "paper"])
def test_preview_may_lie_in_frames_of_our_own_alone(
    bureau: Desk, addresses: tuple[str, str], kind: int
) -> None:
    answer = bureau.get(addresses[kind])

    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_pages_of_pupils_may_lie_in_no_frame(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom()
    pupil = Pupil(phone)
    pupil.start()

    for address in (f"/c/{CODE}", f"/a/{pupil.attempt_id}"):
        answer = phone.get(address)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "data-preview" not in answer.text


@pytest.mark.parametrize("kind", [0, 1], ids=["draft", "paper"])
def test_size_and_scheme_are_of_this_page_alone(bureau: Desk, addresses: tuple[str, str], kind: int) -> None:
    answer = bureau.get(f"{addresses[kind]}?size=lg&scheme=dark")
    plain = bureau.page(f"{addresses[kind]}?size=md&scheme=light")

    assert 'data-size="lg" data-preview="1" data-theme="dark"' in answer.text
    assert asset("preview_dark.css") in answer.text
    assert "Set-Cookie" not in answer.headers
    assert '<html lang="zh-CN" data-preview="1" data-theme="light">' in plain
    assert asset("preview_dark.css") not in plain


def test_dark_of_the_preview_is_the_dark_of_the_phones() -> None:
    tokens, preview = (ASSETS[name].body.decode() for name in ("tokens.css", "preview_dark.css"))
    dark = tokens.partition("@media (prefers-color-scheme:dark){:root:not([data-theme=light]){")[2].partition(
        "}"
    )[0]

    assert dict(re.findall(r"--(\w+):([^;}]+)", preview)) == dict(re.findall(r"--(\w+):([^;}]+)", dark))
    marked = re.search(r"\[data-theme=light\]\) \.mk\{([^}]*)\}", tokens)[1]
    assert f".mk{{{marked}}}" in preview


@pytest.mark.parametrize("kind", [0, 1], ids=["draft", "paper"])
def test_preview_stores_nothing_and_its_form_leads_nowhere(
    bureau: Desk, phone: Browser, watch: Watch, addresses: tuple[str, str], kind: int
) -> None:
    start = len(watch.statements)
    page = bureau.page(addresses[kind])
    action = re.search(r'<form id="paper"[^>]*action="([^"]+)" data-save="([^"]+)"', page)

    assert [phone.post(address, data={"q1": "aaaa"}).status_code for address in action.groups()] == [404, 404]
    assert [table for table in watch.written_since(start) if not table.startswith("audit_")] == []


def test_preview_tells_no_key(bureau: Desk, addresses: tuple[str, str]) -> None:
    for address in addresses:
        page = bureau.page(address)
        for secret in ("风险提示单 2023", "先给小利", "first_payout_real", "brushing-0"):
            assert secret not in re.sub(r"遇到第 \S+ 种情况", "", page)


def test_preview_of_an_empty_draft_is_told_inside_the_frame(bureau: Desk) -> None:
    imported(an_item("a"))

    answer = bureau.get(f"/staff/papers/drafts/{a_draft(rules=())}/preview")

    assert answer.status_code == 409
    assert "试卷上还没有题" in answer.text
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_preview_of_what_is_not_there_is_404(bureau: Desk) -> None:
    assert bureau.get("/staff/papers/drafts/7/preview").status_code == 404
    assert bureau.get("/staff/papers/7/preview").status_code == 404


@pytest.mark.parametrize("count", [4, 40])
def test_preview_takes_as_many_statements_for_many_items(bureau: Desk, watch: Watch, count: int) -> None:
    imported(*(an_item(f"brushing-{number:02}") for number in range(count)))
    address = f"/staff/papers/drafts/{a_draft(Rule(count, 1))}/preview"

    with watch.counting() as seen:
        bureau.page(address)

    assert len(seen) == 3  # who one is, the draft, the items


def test_landing_promises_the_minutes_of_the_paper(app: Flask, at: Any, phone: Browser) -> None:
    long = [an_item(f"brushing-{number}", stem="字" * 400) for number in range(6)]
    room = a_classroom(paper=make.a_paper(pool=long))

    page = text_of(phone.get(f"/c/{CODE}").text)

    assert "约 10 分钟" in page
    assert paper.minutes(paper.frozen(room.round.paper_id)) == 10
