"""Every student page for people who use a screen reader, a keyboard, dark mode, large text or a thumb."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PHONE, Phone, Server
from tests.browser.surface import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("barriers")]

REFUSED = (  # what the console says about pages that are refusals
    "(FORBIDDEN)",
    "(NOT FOUND)",
    "(CONFLICT)",
    "net::ERR_FAILED",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}  # all that a scheme changes
AXE = """
rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] }).then(found => found.violations.map(
  one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 120) + ' ' + node.failureSummary).join(' | ')))
"""

# Focuses every control in turn; lists those that are then off the screen or under something else.
UNREACHABLE = """
() => [...document.querySelectorAll('a[href], button, input:not([type=hidden])')].filter(one => {
  if (!one.getClientRects().length || getComputedStyle(one).visibility === 'hidden') return false;
  if (one.closest('details:not([open])')) return false;  // its content is reached once it is open
  document.activeElement.blur();
  one.focus();
  const box = one.getClientRects()[0], x = box.left + box.width / 2, y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y), whole = one.closest('label') || one;
  return document.activeElement !== one || box.left < 0 || box.right > 320 || !top || !whole.contains(top);
}).map(one => one.outerHTML.slice(0, 160))
"""
SMALL = """
() => [...document.querySelectorAll('.seat button, label.opt, .btn, .top a, .qrow a, .sum a')]
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.width && (box.width < 44 || box.height < 44))
  .map(([one, box]) => one.outerHTML.slice(0, 100) + ' ' + box.width + ' x ' + box.height)
"""


@pytest.fixture(scope="module")
def walked(chromium: Browser, server: Server) -> Iterator[Phone]:
    """A phone that lets a test add its own script and style, and on which colours change at once.

    One for all pages: what a browser has compiled once it does not compile again.
    """
    context = chromium.new_context(**{**PHONE, "bypass_csp": True, "reduced_motion": "reduce"})
    phone = Phone(server, context, context.new_page(), REFUSED)
    phone.watch(phone.page)
    yield phone
    context.close()


@pytest.fixture
def zoomable(walked: Phone) -> Iterator[Phone]:
    """The phone as it was at first, which is on no page and knows nobody."""
    walked.page.goto("about:blank")
    walked.page.set_viewport_size(PHONE["viewport"])
    walked.context.clear_cookies()
    walked.complaints.clear()
    yield walked
    walked.context.unroute_all()
    assert walked.complaints == []


def violations(page: Page, scheme: str, rules: list[str] | dict[str, object] = RULES) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    return [f"{scheme}: {found}" for found in page.evaluate(AXE, rules)]


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_known_barrier(zoomable: Phone, server: Server, name: str) -> None:
    PAGES[name](zoomable, server)
    page = zoomable.page
    page.evaluate(AXE_SCRIPT)

    assert violations(page, "light") + violations(page, "dark", COLOURS) == []
    assert page.evaluate(SMALL) == []

    page.set_viewport_size({"width": 320, "height": 640})
    page.add_style_tag(content="html { font-size: 200% !important }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(UNREACHABLE) == []


@pytest.mark.parametrize("width", [320, 360, 375, 412, 430])
def test_seats_fit_a_thumb_at_every_width(phone: Phone, server: Server, width: int) -> None:
    phone.page.set_viewport_size({"width": width, "height": 800})
    PAGES["landing"](phone, server)

    assert phone.page.locator(".seat button").count() == 45
    assert phone.page.evaluate(SMALL) == []


def test_bars_do_not_cover_a_phone_on_its_side(phone: Phone, server: Server) -> None:
    phone.page.set_viewport_size({"width": 812, "height": 375})
    PAGES["question-single"](phone, server)
    bars = phone.page.eval_on_selector_all(
        ".qtop, .dock", "all => all.map(one => getComputedStyle(one).position)"
    )

    assert bars == ["static", "static"]


def test_dark_phones_get_dark_pages(phones: Callable[..., Phone], server: Server) -> None:
    dark = phones(color_scheme="dark")
    PAGES["landing"](dark, server)

    assert dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 21, 27)"
