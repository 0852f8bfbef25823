"""What posters, screens and messages say of receipts, pledges, adoption and surveys."""

from typing import Any

from flask import Flask

from quizsvc.core import linkcode
from quizsvc.link import queries, views
from tests import make
from tests.desk import Desk, text_of
from tests.support import sqlite_only

pytestmark = sqlite_only


def test_posters_screens_and_messages_ask_for_what_the_round_is(app: Flask, at: Any) -> None:
    county = make.a_county()
    unit = make.a_class(make.a_school(county))
    desk = Desk(app, "bureau", ("organizer", county))
    for number, (kind, identity, asked, step) in enumerate(
        (
            ("receipt", "seat", "请家长用微信扫码，读完告知书，选“是”或“否”。", "点孩子的序号"),
            ("pledge", "roster", "微信扫码，读完责任书全文，再签名。", "点自己的序号"),
            ("adoption", "anonymous", "一项一项看做到了没有", "直接打开"),
            ("survey", "seat", "答几个问题，不记名", "点自己的序号"),
        )
    ):
        round_ = make.a_sheet_round(unit, kind, identity=identity)
        make.a_link(round_, unit, code=linkcode.compose(f"P0STE{number}"))
        here = f"/staff/links/{round_.id}/{unit.id}"
        poster = text_of(desk.page(f"{here}/poster"))
        assert asked in poster
        assert step in poster
        assert "分钟" not in poster
        assert "道题" not in poster
        screen = text_of(desk.page(f"{here}/projector"))
        assert step in screen
        assert "解析" not in screen
        door = queries.door_of(round_.id, unit.id)
        said = views.invitation(door, door.address("https://fz.example", "g"))
        assert views.WITHOUT_MARKS[kind]["asked"] in said
        assert len(said) <= views.LONGEST_INVITATION
        assert "识骗" not in said
    assert desk.get(f"{here}/poster.pdf").data.startswith(b"%PDF")


def test_nameless_rounds_have_a_door_for_every_unit_without_parts(app: Flask, at: Any) -> None:
    county = make.a_county()
    village = make.a_unit("cun", "东村", "village", county)
    unit = make.a_class(make.a_school(county))
    round_ = make.a_sheet_round(county, "survey", identity="anonymous")
    asked = make.a_sheet_round(county, "survey")
    assert {one.id for one in queries.classes(queries.campaign.round_of(round_.id), "yg/")} == {
        village.id,
        unit.id,
    }
    assert [one.id for one in queries.classes(queries.campaign.round_of(asked.id), "yg/")] == [unit.id]
