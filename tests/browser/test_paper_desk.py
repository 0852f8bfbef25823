"""The desk of a paper in a real browser: with script nothing jumps, without it all works; the phone is real."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.core.assembly import Rule
from quizsvc.paper import operations, queries
from tests.browser.conftest import Phone, Server
from tests.desk import Desk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Opened = Callable[..., Page]
SCREEN = {"viewport": {"width": 1280, "height": 1000}, "is_mobile": False, "has_touch": False}


@pytest.fixture
def desk(server: Server, phones: Callable[..., Phone]) -> Opened:
    """The browser of somebody who manages banks, before a new draft that draws two items."""
    plan = queries.Plan("desk", "期末卷", "quiz", ("test",), (Rule(2, 10),), (), {})
    with server.app.app_context():
        draft_id = operations.create_draft(start=plan, at=clock.now(), actor=CLI)
        bureau = Desk(server.app, f"bureau-{draft_id}", ("organizer", server.school))

    def opened(**options: Any) -> Page:
        phone = phones(**{**SCREEN, **options})
        name = server.app.config["SESSION_COOKIE_NAME"]
        session = bureau.browser.get_cookie(name)
        phone.context.add_cookies([{"name": name, "value": session.value, "url": server.url}])
        phone.visit(f"/staff/papers/drafts/{draft_id}")
        return phone.page

    return opened


def glass(page: Page) -> FrameLocator:
    return page.frame_locator("#glass")


def press(page: Page, place: str) -> None:
    """Click into the scaled frame the way a mouse does."""
    frame = page.locator("#glass").bounding_box()
    inside = glass(page).locator(place).first.evaluate("one => one.getBoundingClientRect().toJSON()")
    scale = frame["width"] / 390
    x, y = inside["x"] + inside["width"] / 2, inside["y"] + 20
    page.mouse.click(frame["x"] + x * scale, frame["y"] + y * scale)


def test_step_changes_the_paper_and_leaves_the_page_where_it_is(desk: Opened) -> None:
    page = desk()
    page.evaluate("window.stays = true; document.getElementById('stock').scrollTop = 400; scrollTo(0, 60)")
    chosen = page.locator("#stock button").nth(6)
    name = chosen.get_attribute("value")

    chosen.click()
    expect(page.locator(f"[id='item-{name}']")).to_be_visible()

    assert page.evaluate("[stays, document.getElementById('stock').scrollTop]") == [True, 400]
    assert page.evaluate("document.activeElement.id") == f"bank-{name}"
    expect(page.locator("#head h1")).to_contain_text("每人 3 道题")
    expect(glass(page).locator("#pos")).to_have_text("1 / 3")

    page.click("text=换一题")
    expect(page.locator("#m > .toast")).to_contain_text("换成了")
    expect(page.locator(f"[id='item-{name}']")).to_have_count(0)
    assert page.evaluate("[stays, !!document.activeElement.closest('.fixed2')]") == [True, True]


def test_phone_shows_the_real_page_and_sends_nothing(desk: Opened) -> None:
    page = desk()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)

    press(page, ".q.on .opt")

    expect(glass(page).locator("#save")).to_have_text("预览不保存")
    expect(glass(page).locator("input:checked")).to_have_count(1)
    assert sent == []


def test_phone_shows_large_and_dark(desk: Opened) -> None:
    page = desk(color_scheme="light")

    page.click("#phone >> text=大字")
    page.click("#phone >> text=深色")

    expect(glass(page).locator("html[data-size=lg][data-theme=dark]")).to_have_count(1)
    expect(glass(page).locator("body")).to_have_css("background-color", "rgb(15, 21, 27)")
    expect(page.locator("body")).to_have_css("background-color", "rgb(247, 244, 238)")


def test_everything_works_without_script(desk: Opened) -> None:
    page = desk(java_script_enabled=False)
    chosen = page.locator("#stock button").nth(3)
    name = chosen.get_attribute("value")

    chosen.click()
    expect(page.locator(f"[id='item-{name}']")).to_be_visible()
    page.fill(f"[id='item-{name}'] input[name=points]", "7")
    page.click("text=改分")
    expect(page.locator("#head h1")).to_contain_text("满分 27 分")
    page.click("text=移走")

    expect(page.locator(f"[id='item-{name}']")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_desk_is_no_wider_than_the_screen(desk: Opened, width: int) -> None:
    page = desk(viewport={"width": width, "height": 844})

    assert page.evaluate("document.documentElement.scrollWidth") == width
