"""Reading aloud on the pages of a test: what is on the screen and nothing else, and only where the text is large."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Phone, Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# A voice that notes what it is given, and is through with it at once.
VOICE = """
window.said = [];
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
Object.defineProperty(window, 'speechSynthesis', { value: {
  getVoices: function () { return [{ lang: 'zh-CN' }]; },
  cancel: function () {},
  speak: function (one) { window.said.push(one.text); setTimeout(function () { one.onend(); }, 0); }
} });
"""
ON_SCREEN = """
[].map.call(document.querySelectorAll('.q.on .sim, .q.on h2, .q.on .many, .q.on .opt span'), one => one.innerText)
"""


def test_large_text_reads_the_question_on_the_screen_and_normal_text_has_no_button(
    phone: Phone, server: Server
) -> None:
    page = phone.page
    page.add_init_script(VOICE)
    room = server.opened()
    attempt_id = phone.begin(room)
    button = page.get_by_role("button", name="读给我听")
    expect(page.locator(".q.on h2")).to_be_visible()
    expect(page.locator("[data-aloud], script[src*=aloud]")).to_have_count(0)

    page.goto(f"{room.address}?size=lg")
    expect(button).to_be_visible()
    first = server.position_of(attempt_id, "multiple_choice")
    phone.visit(f"/a/{attempt_id}#q{first}")
    for shown in (first, first % 10 + 1):
        page.evaluate("at => { window.said = []; location.hash = '#q' + at; }", shown)
        expect(page.locator(f"#q{shown}.on")).to_be_visible()
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        heard = page.evaluate("said")
        assert heard == page.evaluate(ON_SCREEN)
        assert len(heard) >= 3
