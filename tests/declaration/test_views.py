"""The pages of a receipt, a pledge and an adoption survey, as a phone without script walks through them."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask

from quizsvc.db import db
from quizsvc.declaration.models import Declaration
from quizsvc.roster.models import Enrolment, Exemption, Person
from tests import make
from tests.conftest import NOON
from tests.declaration.conftest import CODE, Scene, a_scene
from tests.support import Browser, Watch, sqlite_only

pytestmark = sqlite_only
PAGE = f"/c/{CODE}/declare"
FILLED = {"seat": "2", "yes": "yes", "name": "王秀英", "strokes": "M1 2L30 40"}
ADOPTED = {"seat": "2", "i0": ["0", "1"], "k0": "0", "i1": "na"}


@pytest.fixture(autouse=True)
def noon(at: Any) -> Any:
    return at


def rows() -> list[Declaration]:
    db.session.rollback()
    return db.session.query(Declaration).order_by(Declaration.declared_at, Declaration.id).all()


def sent(phone: Browser, **changes: Any) -> Any:
    phone.get(PAGE)
    return phone.post(PAGE, data={**FILLED, **changes})


def test_receipt_is_read_signed_and_kept(phone: Browser, app: Flask, watch: Watch) -> None:
    a_scene()
    page = phone.get(f"/c/{CODE}?by=AAAAAAAA", follow_redirects=True).text
    assert all(point in page for point in make.a_document().points)
    assert "孩子的班内序号" in page

    answer = sent(phone, helped="1")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/y/{rows()[0].receipt}")
    copy = phone.get(answer.headers["Location"]).text
    for shown in ("王秀英", "M1 2L30 40", rows()[0].text_hash, "由别人帮忙填写", "2026 年 12 月 12 日"):
        assert shown in copy
    assert sent(phone).headers["Location"] == answer.headers["Location"]
    with watch.counting() as seen:
        again = phone.get(PAGE).text
    assert ("2 号已经交过" in again, len(seen)) == (True, 3)

    stranger = app.test_client()
    assert "phone=" in stranger.get(PAGE).headers["Set-Cookie"]  # an answer that is lost can be repeated
    seen = stranger.get(answer.headers["Location"]).text
    assert ("王" in seen, "M1 2" in seen, rows()[0].text_hash in seen) == (False, False, True)
    assert stranger.get(f"{answer.headers['Location']}/print").status_code == 403
    assert stranger.get(f"{answer.headers['Location']}.png").mimetype == "image/png"
    taken = sent(stranger)
    assert (taken.status_code, "2 号现在不能交" in taken.text, len(rows())) == (409, True, 1)


def test_no_is_thanked_and_may_become_yes(phone: Browser) -> None:
    a_scene()
    no = phone.get(sent(phone, yes="no").headers["Location"]).text
    assert "谢谢如实告诉我们" in no
    assert "改成“是”" in no

    yes = sent(phone)

    assert "✓ 已知晓" in phone.get(yes.headers["Location"]).text
    assert {row.met: row.replaced_at is None for row in rows()} == {False: False, True: True}
    refused = sent(phone, yes="no")
    assert (refused.status_code, yes.headers["Location"] in refused.text) == (409, True)


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [({"seat": "二"}, "seat"), ({"yes": ""}, "answer"), ({"name": "a1"}, "name"), ({"strokes": "M1 1C2 2"}, "sign")],
)  # fmt: skip
def test_what_is_missing_is_told_on_the_page_and_nothing_is_lost(
    phone: Browser, changes: dict[str, str], anchor: str
) -> None:
    a_scene()

    answer = sent(phone, **changes)

    assert (answer.status_code, rows()) == (400, [])
    assert f'<a href="#{anchor}">' in answer.text
    assert answer.text.count("王秀英") == ("name" not in changes)


def test_name_on_the_roster_is_asked_back_before_anything_is_stored(phone: Browser) -> None:
    a_scene(identity="roster", names=True)
    name = db.session.query(Person).filter_by(student_number="70302").one().name

    asked = sent(phone, helped="1")
    assert (asked.status_code, rows()) == (200, [])
    assert f"是{name[0]}*{name[-1]}吗？" in asked.text
    assert name not in asked.text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text)

    stored = phone.post(PAGE, data={key: unescape(value) for key, value in hidden})

    assert stored.status_code == 303
    assert [(row.helped, row.name is not None) for row in rows()] == [(True, True)]
    assert sent(phone, seat="9").status_code == 409


@pytest.mark.parametrize("identity", ["seat", "roster"])
def test_seat_of_another_phone_tells_nothing_that_an_unknown_one_does_not(
    phone: Browser, app: Flask, identity: str
) -> None:
    a_scene(identity=identity, names=True)
    sent(phone, seat="1", sure="1")
    excused = db.session.query(Enrolment).filter_by(seat=2).one().id
    make.saved(Exemption(enrolment_id=excused, reason="休学", approved_by="cli", approved_at=make.LONG_AGO))

    told = {
        sent(app.test_client(), seat=str(seat), sure="1").text.replace(f"{seat} 号", "") for seat in (1, 2, 9)
    }

    assert len(told) == 1


def test_pledge_prints_for_both_sides_and_never_changes(phone: Browser) -> None:
    scene = a_scene("pledge")
    address = sent(phone).headers["Location"]
    before = articles(phone.get(f"{address}/print").text)
    assert len(before) == 2
    assert "甲方" in before[0]
    assert "乙方" in before[1]

    renamed(scene)
    other = make.a_sheet_paper(make.a_document("pledge", title="新的责任书", points=("新的一条。",)))
    make.a_sheet_round(scene.county, "pledge", other, campaign=None)

    assert articles(phone.get(f"{address}/print").text) == before
    assert "六班" in phone.get(address).text


def renamed(scene: Scene) -> None:
    scene.unit.name = "改名六班"
    scene.round.title = "改了名的场次"
    db.session.commit()


def articles(page: str) -> list[str]:
    return re.findall(r"<article.*?</article>", page, re.S)


def test_deleting_the_signature_takes_the_pledge_back(phone: Browser) -> None:
    a_scene("pledge")
    address = sent(phone).headers["Location"]
    data = phone.get(f"{address}/data").text
    assert ("2027 年 2" in data, "删除签名，这份责任书作废" in data) == (True, True)

    assert phone.post(f"{address}/unsign").headers["Location"] == f"{address}/data"

    assert "王秀英" not in phone.get(f"{address}/data").text
    assert "这一份已经作废" in phone.get(address).text


def test_adoption_is_filled_in_updated_and_promoted(phone: Browser, app: Flask, at: Any) -> None:
    a_scene("adoption", referrals=True)
    phone.get(PAGE)
    half = phone.post(PAGE, data={**ADOPTED, "i0": "0"})
    assert re.findall(r'name="(i\d)" value="(\w+)" checked', phone.get(PAGE).text) == [
        ("i0", "0"),
        ("i1", "na"),
    ]
    assert "做了一部分（下载）" in phone.get(half.headers["Location"]).text.replace("</b>", "")
    at(NOON + timedelta(hours=1))
    answer = phone.post(PAGE, data=ADOPTED)
    copy = phone.get(answer.headers["Location"]).text
    assert "答对核对题" in copy
    assert "做一个推广码" in copy

    phone.post(f"{answer.headers['Location']}/promote")
    copy = phone.get(answer.headers["Location"]).text
    code = re.search(r"推广码 ([0-9A-Z-]{9})", copy)[1].replace("-", "")
    assert phone.get(f"{answer.headers['Location']}/promote.png").mimetype == "image/png"
    other = app.test_client()
    assert f'name="by" value="{code}"' in other.get(f"/c/{CODE}?by={code}", follow_redirects=True).text
    other.post(PAGE, data={**ADOPTED, "seat": "3", "by": code})

    assert '来过 <b class="n">1</b> 位' in phone.get(answer.headers["Location"]).text
    assert sum(row.referral_id is not None for row in rows()) == 1


def test_anonymous_adoption_asks_for_no_seat(phone: Browser) -> None:
    a_scene("adoption", identity="anonymous")
    assert 'name="seat"' not in phone.get(PAGE).text

    first = phone.post(PAGE, data=ADOPTED)
    again = phone.post(PAGE, data=ADOPTED)

    assert (first.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    assert "没有记序号" in phone.get(f"{first.headers['Location']}/data").text


def test_outside_its_window_the_page_says_when_and_takes_nothing(phone: Browser, at: Any) -> None:
    a_scene()
    at(make.OPENS - timedelta(days=1))
    assert "还没到开始的时间" in phone.get(PAGE).text
    at(make.CLOSES + timedelta(days=1))

    assert phone.post(PAGE, data={**FILLED, "seat": "二"}).headers["Location"] == PAGE
    assert "已经截止了" in phone.get(PAGE).text
    assert rows() == []


def test_code_of_a_test_and_unknown_receipts_are_not_found(phone: Browser) -> None:
    scene = a_scene()
    scene.round.kind = "test"
    db.session.commit()

    assert [phone.get(address).status_code for address in (PAGE, "/y/ZZZZZZZZ", "/c/0000000/declare")] == [
        404
    ] * 3
