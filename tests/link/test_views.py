"""Pages of links and posters: what they show, what they let through, what they keep to themselves."""

import re
from datetime import timedelta
from html import unescape
from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.db import db
from quizsvc.link import operations, queries, views
from quizsvc.link.views import LONGEST_INVITATION
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.link.conftest import Town
from tests.support import Browser, Watch

GETS = ("", "/qr.png", "/qr.svg", "/projector", "/poster", "/poster.pdf", "/poster.png")
POSTS = ("/issue", "/repoint", "/revoke", "/extend")
UNKNOWN = "这个码现在不能用。请对照教室里的新海报，或问问老师。"


def of_class(town: Town, tail: str = "", unit: Any = None) -> str:
    return f"/staff/links/{town.round.id}/{(unit or town.class_1).id}{tail}"


def under(town: Town, unit: Any, tail: str = "") -> str:
    return f"/staff/links/{town.round.id}/under/{unit.id}{tail}"


def issue(town: Town, *units: Any, place: str = "") -> None:
    operations.issue_links(
        round_id=town.round.id, unit_ids=[unit.id for unit in units], place=place, at=NOON, actor=CLI
    )


def door(town: Town, unit: Any = None, place: str = "") -> queries.Door:
    db.session.rollback()
    found = queries.door_of(town.round.id, (unit or town.class_1).id, place)
    assert found is not None
    return found


def scanned(picture: bytes) -> list[str]:
    with Image.open(BytesIO(picture)) as image:
        return sorted(code.text for code in zxingcpp.read_barcodes(image.convert("L")))


def test_one_click_gives_every_class_of_a_school_its_link(town: Town, admin: Desk) -> None:
    page = admin.page(under(town, town.school))
    assert "阳光县实验中学：还差 2 个班 没有链接" in text_of(page)
    assert page.count(">发放班级链接<") == 1
    assert admin.post(under(town, town.school, "/issue")).location == under(town, town.school)

    page = admin.page(under(town, town.school))
    assert "新发 2 个链接，原有的 0 个不变" in page
    assert "阳光县实验中学：2 个班都有链接" in text_of(page)
    assert ">发放班级链接<" not in page
    assert re.findall(r'<b class="n">(\w{7})</b>', page) == [
        door(town, unit).code for unit in (town.class_1, town.class_2)
    ]
    assert queries.door_of(town.round.id, town.other_class.id) is None
    admin.post(under(town, town.school, "/issue"))
    assert "新发 0 个链接，原有的 2 个不变" in admin.page(under(town, town.school))


def test_list_shows_places_extensions_and_what_is_missing(town: Town, admin: Desk) -> None:
    issue(town, town.class_1)
    issue(town, town.class_1, place="图书馆")
    operations.extend(
        link_id=door(town).link_id, closes_at=town.round.closes_at + timedelta(days=1), at=NOON, actor=CLI
    )
    page = text_of(admin.page(under(town, town.school)))
    assert "已发 1/2，截止 12 月 20 日 18:00" in page
    assert "12 月 21 日 18:00 已延长 开放中" in page
    assert "七年级（1）班 图书馆" in page
    assert "七年级（2）班 发放后就有二维码和海报 没有链接" in page


def test_list_and_posters_take_as_many_statements_for_thirty_classes_as_for_one(
    app: Flask, town: Town, watch: Watch
) -> None:
    desk = Desk(app, "xu", ("school_admin", town.county))
    issue(town, town.other_class)
    addresses = [under(town, town.other_school), under(town, town.other_school, "/posters")]

    def statements() -> list[int]:
        numbers = []
        for address in addresses:
            with watch.counting() as seen:
                desk.page(address)
            numbers.append(len(seen))
        return numbers

    desk.page(addresses[1])  # the frozen paper is read once a process
    few = statements()
    issue(town, *(make.a_class(town.other_school, 3, f"c{n}", f"{n} 班") for n in range(29)))
    assert statements() == few == [8, 6]
    assert desk.page(addresses[1]).count('class="a4"') == 30


def test_class_page_has_everything_for_the_wall_the_screen_and_the_group(town: Town, teacher: Desk) -> None:
    issue(town, town.class_1)
    found = door(town)
    page = teacher.page(of_class(town))
    for fact in (
        f"http://fz.test/c/{found.code}", str(found.phrase), found.poster_number, f"{found.code[:4]}-{found.code[4:]}",
        f'href="{of_class(town, "/projector")}"', f'href="{of_class(town, "/poster.pdf")}"',
        f'<img src="{of_class(town, "/qr.png")}"', f'href="/p/{found.poster_number}"',
    ):  # fmt: skip
        assert fact in page
    assert scanned(teacher.get(of_class(town, "/qr.png")).data) == [f"http://fz.test/c/{found.code}"]
    assert scanned(teacher.get(of_class(town, "/qr.png?s=s")).data) == [f"http://fz.test/c/{found.code}?s=s"]
    assert scanned(teacher.get(of_class(town, "/qr.png?s=evil")).data) == [f"http://fz.test/c/{found.code}"]
    drawn = teacher.get(of_class(town, "/qr.svg?s=s"))
    assert (drawn.status_code, drawn.mimetype) == (200, "image/svg+xml")


def test_printed_code_reads_back_through_the_web(town: Town, teacher: Desk, phone: Browser) -> None:
    issue(town, town.class_1)
    (address,) = scanned(teacher.get(of_class(town, "/qr.png")).data)
    landing = phone.get(address.removeprefix("http://fz.test"))
    assert landing.status_code == 200
    assert str(door(town).phrase) in text_of(landing.get_data(as_text=True))


@pytest.mark.parametrize("title", ["六分钟，练一次识骗", "长" * 60])
def test_text_for_the_group_is_short_and_says_what_to_check(town: Town, teacher: Desk, title: str) -> None:
    town.round.title = title
    db.session.commit()
    issue(town, town.class_1)
    found = door(town)
    text = unescape(re.search(r"<textarea[^>]*>([^<]*)<", teacher.page(of_class(town)))[1]).replace(
        "\u00a0", " "
    )
    assert len(text) <= LONGEST_INVITATION
    assert text.startswith(f"【{title}】" if len(title) < 20 else "【长长长")
    for part in (
        f"http://fz.test/c/{found.code}?s=g ", "12 月 20 日 18:00", f"“{found.phrase}”",
        "不要密码、验证码、银行卡，也不收钱",
    ):  # fmt: skip
        assert part in text


def test_class_without_a_link_offers_one(town: Town, teacher: Desk) -> None:
    page = teacher.page(of_class(town))
    assert "这里现在没有能用的链接" in page
    assert {teacher.get(of_class(town, tail)).status_code for tail in GETS[1:]} == {404}
    assert teacher.post(of_class(town, "/issue")).location == of_class(town)
    assert door(town).code in teacher.page(of_class(town))


def test_another_place_gets_its_own_code_and_poster(town: Town, teacher: Desk) -> None:
    issue(town, town.class_1)
    answer = teacher.post(of_class(town, "/issue"), place="图书馆")
    address = of_class(town, "?place=图书馆")
    assert answer.status_code == 303
    found = door(town, place="图书馆")
    assert found.code in teacher.page(answer.location)
    assert found.code in teacher.page(address)
    sheet = teacher.page(of_class(town, "/poster?place=图书馆"))
    assert "七年级（1）班 · 图书馆" in sheet
    assert "请贴在图书馆" in sheet
    assert teacher.get(of_class(town, "?place=%00")).status_code == 404
    assert teacher.post(of_class(town, "/issue"), place="两\n行").status_code == 400


def test_projector_shows_one_large_code_and_how_to_check_it(town: Town, teacher: Desk) -> None:
    issue(town, town.class_1)
    page = teacher.page(of_class(town, "/projector"))
    assert re.findall(r'<img src="([^"]+)"', page) == [of_class(town, "/qr.svg?s=s")]
    for fact in (
        "七年级（1）班",
        str(door(town).phrase),
        "fz.test",
        f"fz.test/c/{door(town).code}",
        "都不是我们",
    ):
        assert fact in page
    assert not re.search(r"<script|style=|onclick=", page)


def test_poster_page_names_everything_and_shows_the_accounts(town: Town, teacher: Desk) -> None:
    issue(town, town.class_1)
    found = door(town)
    page = teacher.page(of_class(town, "/poster")).replace("\u00a0", " ")
    for fact in (
        "阳光县教育局 · 阳光县公安局", "10 道题，约 3 分钟", "七年级（1）班", "阳光县实验中学", str(found.phrase),
        "12 月 20 日 18:00", f"fz.test/c/{found.code}", f"fz.test/p/{found.poster_number}", "96110", "终结诈骗",
        "阳光反诈先锋",
    ):  # fmt: skip
        assert fact in page
    srcs = re.findall(r'<img src="([^"]+)"', page)
    assert srcs == [f"/staff/campaigns/{town.round.campaign_id}/accounts/{n}.png" for n in (1, 2)]
    assert [teacher.get(src).status_code for src in srcs] == [200, 200]
    assert "测试·不计入" not in page


def test_poster_picture_for_the_group_decodes_with_its_source(town: Town, teacher: Desk) -> None:
    pytest.importorskip("typst", reason="typst is not installed: poster pictures are not tested")
    issue(town, town.class_1)
    answer = teacher.get(of_class(town, "/poster.png"))
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert scanned(answer.data) == sorted(
        ["https://example.com/1", "https://example.com/2", f"http://fz.test/c/{door(town).code}?s=g"]
    )


def test_posters_of_a_school_are_one_pdf(town: Town, admin: Desk) -> None:
    pytest.importorskip("typst", reason="typst is not installed: PDF posters are not tested")
    assert admin.get(under(town, town.school, "/posters.pdf")).status_code == 409
    issue(town, town.class_1, town.class_2, town.other_class)
    answer = admin.get(under(town, town.school, "/posters.pdf"))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(re.findall(rb"/Type\s*/Page\b", answer.data)) == 2
    one = admin.get(of_class(town, "/poster.pdf"))
    assert len(re.findall(rb"/Type\s*/Page\b", one.data)) == 1


def test_too_many_posters_at_once_are_refused(
    town: Town, admin: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(town, town.class_1, town.class_2)
    monkeypatch.setattr("quizsvc.link.views.MOST_POSTERS", 1)
    answer = admin.get(under(town, town.school, "/posters.pdf"))
    assert (answer.status_code, "请按学校下载" in answer.get_data(as_text=True)) == (400, True)


def test_posters_of_a_test_campaign_are_watermarked(app: Flask, town: Town) -> None:
    trial = make.a_round(town.school, town.paper, make.a_campaign(town.school, is_test=True))
    make.a_link(trial, town.class_1)
    desk = Desk(app, "lin", ("class_teacher", town.class_1))
    for tail in ("", "/projector", "/poster"):
        assert "测试·不计入" in desk.page(f"/staff/links/{trial.id}/{town.class_1.id}{tail}")


def test_code_is_repointed_to_another_class_and_round_without_reprinting(
    town: Town, admin: Desk, phone: Browser
) -> None:
    issue(town, town.class_1)
    before = door(town)
    spring = make.a_round(town.county, town.paper, code="spring-1", title="春季再练一次")
    page = admin.page(of_class(town))
    assert "春季再练一次（spring-1）" in page
    assert "八年级（1）班" not in page

    answer = admin.post(of_class(town, "/repoint"), round_id=str(spring.id), unit_id=str(town.class_2.id))

    assert answer.location == f"/staff/links/{spring.id}/{town.class_2.id}"
    assert before.code in admin.page(answer.location)
    landing = text_of(phone.get(f"/c/{before.code}").get_data(as_text=True))
    assert ("七年级（2）班" in landing, str(before.phrase) in landing) == (True, True)


@pytest.mark.parametrize("field", ["unit_id", "round_id"])
def test_repointing_to_what_one_does_not_manage_is_404(
    app: Flask, town: Town, admin: Desk, field: str
) -> None:
    issue(town, town.class_1)
    before = door(town)
    foreign_round = make.a_round(town.other_school, town.paper)
    fields = {"round_id": str(town.round.id), "unit_id": str(town.class_2.id)}
    fields[field] = str(town.other_class.id if field == "unit_id" else foreign_round.id)
    assert admin.post(of_class(town, "/repoint"), **fields).status_code == 404
    assert door(town) == before
    for bad in ("", "x", "0", "99999999999999999999"):
        assert admin.post(of_class(town, "/repoint"), **{**fields, field: bad}).status_code == 400


def test_revoked_and_unknown_codes_get_the_same_bytes(town: Town, teacher: Desk, app: Flask, at: Any) -> None:
    issue(town, town.class_1)
    code = door(town).code
    assert app.test_client().get(f"/c/{code}").status_code == 200
    answer = teacher.post(of_class(town, "/revoke"))
    assert answer.location == of_class(town)
    assert "这里现在没有能用的链接" in teacher.page(of_class(town))

    at(clock.now() + timedelta(seconds=11))  # a landing page is remembered for ten seconds
    revoked = app.test_client().get(f"/c/{code}")
    unknown = app.test_client().get("/c/000000" + "0")
    assert UNKNOWN in revoked.get_data(as_text=True)
    assert (revoked.status_code, revoked.data) == (unknown.status_code, unknown.data) == (404, unknown.data)
    assert sorted(revoked.headers.keys()) == sorted(unknown.headers.keys())


def test_class_is_extended_alone(town: Town, teacher: Desk, at: Any) -> None:
    issue(town, town.class_1, town.class_2)
    assert teacher.post(of_class(town, "/extend"), closes_at="2026-12-22T12:00").status_code == 303
    assert door(town).closes_at.isoformat() == "2026-12-22T04:00:00+00:00"
    assert not door(town, town.class_2).extended
    page = text_of(teacher.page(of_class(town)))
    assert "12 月 22 日 12:00 已延长" in page
    for bad in ("", "soon", "2026-12-01T08:00"):
        assert teacher.post(of_class(town, "/extend"), closes_at=bad).status_code == 400
    at(make.CLOSES + timedelta(hours=1))
    assert door(town).state(make.CLOSES + timedelta(hours=1)) == "open"


def test_people_reach_the_links_of_their_own_units_only(app: Flask, town: Town) -> None:
    issue(town, town.class_1)
    desks = {
        "teacher": Desk(app, "lin", ("class_teacher", town.class_1)),
        "monitor": Desk(app, "chen", ("monitor", town.class_1)),
        "admin": Desk(app, "he", ("school_admin", town.school)),
        "colleague": Desk(app, "wang", ("class_teacher", town.class_2)),
        "other_admin": Desk(app, "xu", ("school_admin", town.other_school)),
        "auditor": Desk(app, "sun", ("auditor", town.county)),
    }
    seen = {
        name: {desk.get(of_class(town, tail)).status_code for tail in GETS} for name, desk in desks.items()
    }
    assert seen == {
        "teacher": {200}, "monitor": {200}, "admin": {200},
        "colleague": {404}, "other_admin": {404}, "auditor": {404},
    }  # fmt: skip
    lists = {name: desk.get(under(town, town.school)).status_code for name, desk in desks.items()}
    assert lists == {**dict.fromkeys(desks, 404), "admin": 200}
    for name in ("monitor", "colleague", "other_admin", "auditor"):
        assert {desks[name].post(of_class(town, tail)).status_code for tail in POSTS} == {404}, name
        assert desks[name].post(under(town, town.school, "/issue")).status_code == 404
    assert "停用" not in text_of(desks["monitor"].page(of_class(town)))
    stranger = app.test_client()
    assert {stranger.get(of_class(town, tail)).status_code for tail in GETS} == {303}
    assert door(town).revoked_at is None


def test_round_that_has_nothing_to_do_with_the_unit_is_404(app: Flask, town: Town, teacher: Desk) -> None:
    foreign = make.a_round(town.other_school, town.paper)
    assert teacher.get(f"/staff/links/{foreign.id}/{town.class_1.id}").status_code == 404
    assert teacher.get(f"/staff/links/999/{town.class_1.id}").status_code == 404
    assert teacher.get(f"/staff/links/{town.round.id}/999").status_code == 404


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (make.OPENS - timedelta(days=1), "活动 12 月 1 日 08:00 开始"),
        (NOON, "活动正在进行，12 月 20 日 18:00 截止"),
        (make.CLOSES, "活动已经在 12 月 20 日 18:00 结束"),
    ],
)
def test_anybody_may_ask_whether_a_poster_is_ours(
    town: Town, phone: Browser, at: Any, watch: Watch, moment: Any, sentence: str
) -> None:
    link = make.a_link(town.round, town.class_1, poster_number="2026-0001")
    at(moment)
    with watch.counting() as seen:
        answer = phone.get("/p/2026-0001")
    page = text_of(answer.get_data(as_text=True))
    assert (answer.status_code, len(seen)) == (200, 1)
    for fact in (
        "这张海报是真的", sentence, "七年级（1）班", "阳光县实验中学", "阳光县教育局、阳光县公安局",
        "http://fz.test/c/ 开头", "我们不要密码",
    ):  # fmt: skip
        assert fact in page
    assert (link.code in page, "青禾" in page) == (
        False,
        False,
    )  # numbers can be counted through, codes must not leak


def test_revoked_poster_is_ours_but_no_longer_good(town: Town, phone: Browser) -> None:
    make.a_link(town.round, town.class_1, poster_number="2026-0001", revoked_at=make.OPENS)
    answer = phone.get("/p/2026-0001")
    assert (answer.status_code, "这张海报已停用" in answer.get_data(as_text=True)) == (200, True)


@pytest.mark.parametrize("number", ["2026-0002", "x", "2026-0001x", "%00", "2026-" + "9" * 400, "'; DROP"])
def test_unknown_poster_says_how_to_report_it(town: Town, phone: Browser, number: str) -> None:
    answer = phone.get(f"/p/{number}")
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "96110" in page, "没有发过这个编号" in page) == (404, True, True)


def test_text_for_groups_of_a_contest_promises_nothing_for_forwarding(town: Town) -> None:
    contest = make.a_contest(town.county, paper=town.paper, published=False, title="长" * 60)
    door = queries.door(contest.links[0].code)
    text = views.invitation(door, door.address("https://fz.example.test", "g"))

    assert len(text) <= 140
    assert text.endswith("不要密码、验证码、银行卡，也不收钱，不用转发。")
    assert [word for word in ("机会", "邀请", "关注") if word in text] == []


def test_poster_and_screen_of_a_contest_speak_of_nicknames_not_of_seats(town: Town, app: Flask) -> None:
    contest = make.a_contest(town.county, paper=town.paper, published=False)
    desk = Desk(app, "li", ("organizer", town.county))
    address = f"/staff/links/{contest.round.id}/{town.county.id}"
    for page in (desk.page(f"{address}/poster"), desk.page(f"{address}/projector")):
        assert "起个昵称" in page
        assert "序号" not in page
    assert "推广单位" in desk.page(f"{address}/poster")
    assert "教室" not in desk.page(f"{address}/poster")
    assert (
        "班"
        not in desk.page(f"/staff/links/{contest.round.id}/under/{town.county.id}").partition("<thead>")[0]
    )
