"""The proof of a draw in a real browser: the reader's phone checks it, notices changes; the stage steps on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from quizsvc.core import draw as lots
from quizsvc.db import db
from quizsvc.draw import queries
from quizsvc.draw.models import Piece
from tests import make
from tests.browser.conftest import Phone, Server
from tests.drills import draws

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def draw_id(server: Server) -> str:
    """A contest that has been drawn."""
    with server.app.app_context():
        paper = db.session.get(make.Paper, server.papers["single"])
        contest = make.a_contest(server.school, doors=(server.school,), paper=paper)
        return make.a_draw(contest.round).id


def checked(phone: Phone, draw_id: str) -> None:
    phone.visit(f"/d/{draw_id}")
    phone.page.click("text=开始验算")


def test_the_readers_phone_checks_the_draw(phone: Phone, draw_id: str) -> None:
    checked(phone, draw_id)

    expect(phone.page.locator("#verify")).to_contain_text("可以验证：全部一致")
    expect(phone.page.locator(".verdicts .other")).to_have_count(0)
    expect(phone.page.locator(".verdicts .same")).to_have_count(7)
    expect(phone.page.locator(".nojs")).to_be_hidden()


def test_a_changed_file_is_noticed(phone: Phone, server: Server, draw_id: str) -> None:
    with server.app.app_context():
        body = queries.body(draw_id, lots.ORDER).splitlines(keepends=True)
        body[3], body[4] = body[4], body[3]
        swapped = update(Piece).where(Piece.draw_id == draw_id, Piece.file == lots.ORDER)
        db.session.execute(swapped.values(body=b"".join(body)))
        db.session.commit()
    checked(phone, draw_id)

    expect(phone.page.locator("#verify")).to_contain_text("有不一致的地方")
    expect(phone.page.locator(".verdicts .other").nth(1)).to_contain_text("抽出的顺序")


def test_without_script_the_page_points_to_the_program(phones: Callable[..., Phone], draw_id: str) -> None:
    phone = phones(java_script_enabled=False)
    phone.visit(f"/d/{draw_id}")

    expect(phone.page.locator(".nojs")).to_contain_text("verify.py")
    expect(phone.page.locator("#verify button")).to_be_hidden()
    phone.page.fill("#entry", "0" * 16)
    phone.follow("text=查一下")
    expect(phone.page.locator(".found")).to_contain_text("不在抽奖名单里")


def test_keys_and_clicks_step_through_the_ceremony(phones: Callable[..., Phone], draw_id: str) -> None:
    phone = phones(viewport={"width": 1280, "height": 720}, is_mobile=False, has_touch=False)
    phone.visit(f"/d/{draw_id}/stage")
    phone.page.keyboard.press("ArrowRight")
    phone.page.wait_for_url("**?step=1")
    phone.page.locator("h1").click()
    phone.page.wait_for_url("**?step=2")
    phone.page.keyboard.press("ArrowLeft")
    phone.page.wait_for_url("**?step=1")
    phone.page.click("text=下一步")
    phone.page.wait_for_url("**?step=2")

    width = phone.page.evaluate("document.documentElement.scrollWidth")
    height = phone.page.evaluate("document.documentElement.scrollHeight")
    assert (width, height) == (1280, 720)


def test_three_programs_judge_the_same_draws_alike(phone: Phone) -> None:
    phone.visit("/")
    phone.page.evaluate(draws.script())

    assert draws.disagreements(60, phone.page) == (0, 40)
