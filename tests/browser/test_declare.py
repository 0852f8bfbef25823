"""Signing and answering on a phone: a finger on the pad, the copy to keep, questions that come and go."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Phone, Server
from tests.browser.surface import sheet_page, signed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_finger_signs_and_the_copy_shows_it(phone: Phone, server: Server) -> None:
    sheet_page("receipt")(phone, server)
    page = phone.page
    page.check("input[name='yes'][value='yes']", force=True)
    page.fill("#seat", "7")
    page.fill("#name", "王小明")
    pad = page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 70, steps=5)
    page.mouse.up()
    strokes = page.input_value("input[name='strokes']")
    phone.follow("text=签好，交回")

    assert strokes.startswith("M")
    assert page.locator(f"svg path[d='{strokes}']").count() == 1
    assert page.get_by_text("王小明").count() == 1


def test_another_phone_sees_the_copy_without_a_name(
    phones: Callable[..., Phone], phone: Phone, server: Server
) -> None:
    signed(phone, server)
    address = phone.page.url
    other = phones()
    other.page.goto(address)

    assert other.page.locator("h1").count() == 1
    assert "王小明" not in other.page.content()
    assert "王小明" in phone.page.content()


def test_question_comes_with_the_answer_that_asks_for_it_and_what_was_typed_outlasts_a_reload(
    phone: Phone, server: Server
) -> None:
    sheet_page("survey", identity="anonymous")(phone, server)
    page = phone.page
    asked = page.locator("fieldset[data-if]")
    hidden = asked.nth(1).is_hidden()
    page.get_by_text("收到过", exact=True).click()
    come = asked.nth(1).is_visible()
    page.locator("textarea").fill("多讲讲")
    page.reload()
    kept = page.locator("textarea").input_value()
    phone.follow("#send")

    assert (hidden, come, kept) == (True, True, "多讲讲")
    assert page.evaluate("sessionStorage.length") == 0
