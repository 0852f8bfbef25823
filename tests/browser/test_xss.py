"""A real Chromium before pages in which every text is hostile: it asks nothing, runs nothing, loads nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from quizsvc.core import bankfile, linkcode
from quizsvc.staff.models import Staff
from tests import make
from tests.browser.conftest import Phone, Room, Server
from tests.security.injections import all_of
from tests.world import signed_cookie

pytestmark = pytest.mark.browser

CODE = linkcode.compose("H0STXS")


def a_hostile_item(number: int) -> bankfile.Item:
    text = all_of(number)
    return make.an_item(
        f"hostile-{number:02}",
        stem=text,
        scene=bankfile.Scene("sms", text, f"{text} 名额有限 {text}", tells=("名额有限",)),
        options=(bankfile.Option(f"甲 {text}", key=True), bankfile.Option(f"乙 {text}")),
        explanation=bankfile.Explanation(text, text, text),
        source=text,
    )


def a_hostile_room(server: Server) -> tuple[Room, list[str], Staff]:
    """A class in which every name and text holds all payloads, the pages of its teacher, and the teacher."""
    now = datetime.now(UTC)
    with server.app.app_context():
        school = make.a_unit("hostile", all_of(1), "school")
        unit = make.a_class(school, 3, code="hostile", name=all_of(2), names=True)
        campaign = make.a_campaign(school, name=all_of(3), organisers=[all_of(4)], hotline=all_of(5))
        round_ = make.a_round(
            unit, make.a_paper(pool=[a_hostile_item(6), a_hostile_item(7)]), campaign, title=all_of(8),
            identity="roster", opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=1), frozen_at=now,
        )  # fmt: skip
        make.a_link(round_, unit, code=CODE, phrase_word=all_of(9))
        teacher = make.a_staff("hostile", all_of(10), ("class_teacher", unit), ("organizer", school))
        of_class = f"/staff/rounds/{round_.id}/classes/{unit.id}"
        pages = [
            of_class, f"{of_class}/scores", f"/staff/links/{round_.id}/{unit.id}/poster", "/staff/people",
            "/staff/banks/test/hostile-06", f"/staff/campaigns/{campaign.id}",
        ]  # fmt: skip
        return Room(server, CODE, round_.id), pages, teacher


def test_no_text_runs_a_script(phones: Callable[..., Phone], server: Server) -> None:
    """A dialog, an error on the console, a refused script or a request elsewhere is a complaint that fails the test."""
    room, staff_pages, teacher = a_hostile_room(server)
    phone = phones()
    phone.page.on("dialog", lambda dialog: phone.complaints.append(f"dialog: {dialog.message}"))
    phone.own()
    over = room.submitted(right=lambda position: False, seat=1)
    running = room.started(2)
    cookie = signed_cookie(server.app, teacher)
    name, _, value = cookie.partition("=")
    phone.context.add_cookies([{"name": name, "value": value, "url": server.url}])

    pages = [f"/c/{CODE}", f"/c/{CODE}/about", f"/a/{running}", f"/a/{over}/result?all=1",
             f"/a/{over}/practice", f"/a/{over}/proof", *staff_pages]  # fmt: skip
    seen = []
    for path in pages:
        phone.visit(path)
        seen.append(phone.page.locator("body").inner_text())
        inline = "[onerror], [onload], [onclick], [onmouseover], [ontoggle], [onfocus], script:not([src])"
        assert phone.page.locator(inline).count() == 0, path
        assert phone.page.locator("iframe, object, embed, base, marquee, video").count() == 0, path

    assert [path for path, text in zip(pages, seen, strict=True) if "alert(1)" not in text] == []


def test_a_text_written_as_markup_is_complained_about(phones: Callable[..., Phone], server: Server) -> None:
    """Guards the test above: the policy refuses the script, and that is heard."""
    phone = phones(expects=("Content Security Policy",))
    phone.visit("/")

    with phone.page.expect_console_message(lambda message: "Content Security Policy" in message.text) as told:
        phone.page.evaluate("document.body.innerHTML += '<img src=data:, onerror=alert(1)>'")

    assert "inline event handler" in told.value.text
