"""The staff's pages of declarations: a unit, its seats, who signed, lists of units, what was adopted."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from python_calamine import CalamineWorkbook

from quizsvc import audit
from quizsvc.campaign import queries as campaign
from quizsvc.declaration import operations
from quizsvc.declaration.queries import Item
from quizsvc.roster.models import Unit
from tests import make
from tests.conftest import NOON
from tests.declaration.conftest import NO, Scene, a_scene, declare
from tests.desk import Desk, text_of
from tests.support import Watch, sqlite_only

pytestmark = sqlite_only

ADOPTED = (Item(0, "adopted", 0b11, "checked"), Item(1, "adopted", 0, "declared"))
PARTLY = (Item(0, "partial", 0b01, "declared"), Item(1, "na", 0, "declared"))


@pytest.fixture(autouse=True)
def noon(at: Any) -> Any:
    return at


def teacher(app: Flask, scene: Scene, role: str = "class_teacher", unit: Unit | None = None) -> Desk:
    return Desk(app, role, (role, unit or scene.unit))


def address(scene: Scene, rest: str = "") -> str:
    return f"/staff/rounds/{scene.round.id}/declarations/{scene.unit.id}{rest}"


def actions() -> list[str]:
    return [entry.action for entry in audit.newest(limit=20) if entry.action != "access.denied"][::-1]


# a class


def test_a_teacher_enters_a_pile_of_sheets_and_sees_what_is_missing(app: Flask) -> None:
    scene = a_scene()
    declare(NO, seat=2)
    desk = teacher(app, scene)
    page = desk.page(address(scene))
    text = text_of(page)
    assert "七年级（3）班 回执 风险告知回执" in text
    assert "1 / 3 还差 2 人 回执率 33.3% 1/3 人 知晓率 0.0% 0/3 人 目标 100%： 还没到" in text
    assert [re.sub(r"\s+", " ", one) for one in re.findall(r'name="(?:yes|no)" value="\d"', page)] == [
        'name="yes" value="1"', 'name="no" value="1"', 'name="yes" value="3"', 'name="no" value="3"',
    ]  # fmt: skip
    assert 'class="g2" data-seat="2"' in page
    assert "投屏" in text
    sent = desk.post(address(scene, "/papers"), yes=["1", "2"], on="2026-12-11")
    assert (sent.status_code, sent.location) == (303, address(scene))
    again = text_of(desk.page(address(scene)))
    assert "录入了 1 份。 2 号之前已经交过，没有改动" in again.replace("。2", "。 2")
    assert "2 / 3 还差 1 人 回执率 66.6% 2/3 人 知晓率 33.3% 1/3 人" in again
    page = desk.page(address(scene))
    assert "录的 1 份（纸上 12 月 11 日），为什么作废" in text_of(page)
    (entered_at,) = re.findall(r'name="entered_at" value="(.+?)"', page)
    wrong = address(scene, "/papers/void")
    assert desk.post(wrong, entered_at=entered_at, reason="日期写错了").location == address(scene)
    assert "录的 1 份" not in desk.page(address(scene))
    for odd in ("x", "2026-12-12T04:00:00"):
        assert desk.post(wrong, entered_at=odd, reason="日期写错了").status_code == 400
    assert actions() == ["declaration.papers_entered", "declaration.pile_void"]


def test_a_refused_pile_keeps_every_tick(app: Flask) -> None:
    scene = a_scene()
    desk = teacher(app, scene)
    answer = desk.post(address(scene, "/papers"), yes=["1", "3"], no=["2"], on="2026-12-13")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "还没有记下 纸上的日期还没有到，请再看一下。" in text_of(page)
    assert re.findall(r'name="(\w+)" value="(\d)" checked', page) == [("yes", "1"), ("no", "2"), ("yes", "3")]
    assert 'value="2026-12-13"' in page
    both = desk.post(address(scene, "/papers"), yes="1", no="1", on="2026-12-11")
    assert "1 号同时勾了“是”和“否”" in both.get_data(as_text=True)
    assert desk.post(address(scene, "/papers"), yes="x", on="2026-12-11").status_code == 400
    assert "纸上的日期没有看懂" in desk.post(address(scene, "/papers"), yes="1", on="20261211").get_data(
        as_text=True
    )
    assert actions() == []


def test_names_are_for_a_class_of_the_roster_and_each_view_is_recorded(app: Flask) -> None:
    scene = a_scene(names=True, identity="roster")
    assert "李安航" in teacher(app, scene).page(address(scene))
    assert actions() == ["report.names_seen"]
    admin = teacher(app, scene, "school_admin", scene.county)
    page = admin.page(address(scene))
    assert "李安航" not in page
    assert 'name="yes" value="1"' in page
    organizer = teacher(app, scene, "organizer", scene.county)
    page = organizer.page(address(scene))
    assert "data-seat" not in page
    assert "座位只给本班老师看" in page
    assert "人数太少不列" in page
    assert actions() == ["report.names_seen"]


def test_a_seat_is_voided_with_a_reason_that_stays_private(app: Flask) -> None:
    scene = a_scene()
    declare(NO, seat=2)
    desk = teacher(app, scene)
    seat = address(scene, "/seats/2")
    assert "2 号：回了“否”" in text_of(desk.page(seat))
    assert desk.post(f"{seat}/void", reason="错了").status_code == 400
    assert desk.post(f"{seat}/void", reason="家长点错了").status_code == 303
    text = text_of(desk.page(seat))
    assert "2 号：还没交" in text
    assert "作废：家长点错了" in text
    (entry,) = audit.newest(limit=1)
    assert entry.action == "declaration.void"
    assert "家长点错了" not in entry.detail
    assert desk.post(f"{seat}/void", reason="再来一次").status_code == 409
    assert desk.get(address(scene, "/seats/9")).status_code == 404


def test_after_the_day_of_erasing_the_counts_stay_and_the_seats_are_gone(app: Flask, at: Any) -> None:
    scene = a_scene()
    declare(seat=1)
    late = at(datetime(2027, 2, 1, 4, tzinfo=UTC))
    assert operations.erase_declarations(round_id=scene.round.id, at=late) == 1
    page = teacher(app, scene).page(address(scene))
    assert "data-seat" not in page
    assert "已按约定删除到座位的对应关系" in page
    assert "1 / 3" in text_of(page)


# who signed


def test_signers_are_listed_printed_and_archived_and_each_is_recorded(app: Flask) -> None:
    scene = a_scene("pledge")
    declare(seat=1)
    operations.enter_papers(
        round_=campaign.round_of(scene.round.id), unit_id=scene.unit.id, answers={3: True}, on=NOON.date(), at=NOON,
        actor=audit.CLI,
    )  # fmt: skip
    desk = teacher(app, scene, "school_admin", scene.county)
    assert "1 王秀英" in text_of(desk.page(address(scene, "/signers")))
    printed = desk.page(address(scene, "/copies"))
    assert printed.count('class="leaf"') == 2
    assert "王秀英" in printed
    assert "见纸质原件" in printed
    assert desk.page(address(scene, "/copies?both=1")).count('class="leaf"') == 4
    (one,) = set(re.findall(r"copies/(\w+)", desk.page(address(scene, "/seats/1"))))
    assert desk.page(address(scene, f"/copies/{one}")).count('class="leaf"') == 1
    assert desk.get(address(scene, "/copies/none")).status_code == 404
    rows = archived(desk, scene)
    assert [(row[2], row[4], row[9], row[11]) for row in rows[1:3]] == [
        ("王秀英", "责任书", "手机", "已签"), ("", "责任书", "纸质", "已签"),
    ]  # fmt: skip
    assert actions() == [
        "declaration.papers_entered", "declaration.signers_seen", "declaration.printed", "declaration.printed",
        "declaration.printed", "declaration.archived",
    ]  # fmt: skip
    for role in ("organizer", "auditor", "monitor"):
        assert teacher(app, scene, role, scene.county).get(address(scene, "/signers")).status_code == 404


def archived(desk: Desk, scene: Scene, form: str = "csv") -> Sequence[Sequence[Any]]:
    body = desk.get(address(scene, f"/archive.{form}")).get_data()
    if form == "csv":
        return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    book = CalamineWorkbook.from_filelike(io.BytesIO(body))
    return book.get_sheet_by_index(0).to_python(skip_empty_area=False)


def test_what_was_signed_prints_the_same_after_everything_around_it_has_changed(app: Flask) -> None:
    scene = a_scene()
    declare(seat=1)
    desk = teacher(app, scene)
    before = articles(desk.page(address(scene, "/copies")))
    assert len(before) == 1
    scene.unit.name, scene.round.title = "八年级（3）班", "换了名字"
    make.saved(scene.unit)
    make.a_sheet_round(
        scene.county, "receipt", make.a_sheet_paper("receipt", question="新的文本，您知道了吗？")
    )
    page = desk.page(address(scene, "/copies"))
    assert "八年级（3）班" in page
    assert articles(page) == before


def articles(page: str) -> list[str]:
    return re.findall(r"<article.*?</article>", page, re.S)


def test_the_archive_holds_every_kind_of_a_term_and_no_formula(app: Flask, watch: Watch) -> None:
    scene = a_scene()
    scene.unit.name = "=1+1"
    make.saved(scene.unit)
    adoption = make.a_sheet_round(scene.county, "adoption")
    make.a_declaration(scene.round, scene.unit, 1, channel="paper", noted_on=NOON.date())
    make.a_declaration(scene.round, scene.unit, 2, met=False, replaced_at=NOON)
    make.a_declaration(adoption, scene.unit, 1, PARTLY, met=False, helped=True)
    elsewhere = make.a_campaign(scene.county, term="2025-2026-2")
    make.a_declaration(make.a_sheet_round(scene.county, campaign=elsewhere), scene.unit, 3)
    make.a_declaration(
        make.a_sheet_round(scene.county, campaign=make.a_campaign(scene.county, is_test=True)), scene.unit, 3
    )
    desk = teacher(app, scene, "counselor", scene.county)
    with watch.counting() as seen:
        rows = archived(desk, scene)
    assert len([one for one in seen if "declaration_" in one and one.startswith("SELECT")]) == 2
    table = rows[1 : rows.index([])]
    assert {row[0] for row in table} == {"'=1+1"}
    assert [(*row[4:5], *row[8:16]) for row in table] == [
        ("回执", "2026-12-12", "纸质", "", "是", "", "", "", "有效"),
        ("回执", table[1][8], "手机", "", "否", "", "", "", "换成了新的"),
        (
            "使用情况",
            table[2][8],
            "手机",
            "是",
            "还有没做到的",
            "装了国家反诈中心 App 吗？",
            "做了一部分",
            "",
            "有效",
        ),
        ("使用情况", table[3][8], "手机", "是", "还有没做到的", "关注了学校公众号吗？", "不适用", "", "有效"),
    ]
    assert ["份数", "3"] in rows
    book = archived(desk, scene, "xlsx")
    assert [row[0] for row in book] == ["单位", *["'=1+1"] * 4]
    assert [row[1] for row in book][1:] == [1.0, 2.0, 1.0, 1.0]


# lists of units


def test_companies_where_nobody_signed_come_first_in_counts_alone(app: Flask, watch: Watch) -> None:
    scene = a_scene("receipt")
    make.a_class(scene.county, 2, "xg", "西工有限公司")
    for seat in (1, 2, 3):
        declare(seat=seat, device=f"{seat}" * 22)
    listed = f"/staff/rounds/{scene.round.id}/declarations"
    desk = teacher(app, scene, "organizer", scene.county)
    with watch.counting() as seen:
        text = text_of(desk.page(listed))
    assert len([one for one in seen if "staff_" not in one and "audit_" not in one]) == 6
    assert "共 2 个单位， 1 个还没有人交 。已交 3 / 应交 5 人，还差 2 人。" in text
    assert "西工有限公司 0.0% 0/2 2 人数太少不列 还没有人交 阳光县" in text
    assert text.index("西工有限公司") < text.index("七年级（3）班")
    assert "七年级（3）班 100% 3/3 0 人数太少不列 ✓ 全部已交 阳光县实验中学" in text
    own = text_of(teacher(app, scene).page(listed))
    assert "西工有限公司" not in own
    assert "3/3 0 100% 3/3 ✓ 全部已交" in own
    assert "阳光县实验中学" in text_of(desk.page(f"{listed}?under={scene.unit.parent_id}"))
    above = desk.get(f"{listed}/{scene.county.id}")
    assert (above.status_code, above.location) == (303, f"{listed}?under={scene.county.id}")
    other = make.a_unit("xh", "新河县", "county")
    stranger = Desk(app, "stranger", ("organizer", other))
    assert stranger.get(listed).status_code == 404
    assert stranger.get(f"{listed}?under={scene.county.id}").status_code == 404
    assert stranger.get(f"{listed}/{scene.unit.id}").status_code == 404
    test = make.a_round(scene.county)
    assert desk.get(f"/staff/rounds/{test.id}/declarations").status_code == 404
    assert desk.get(f"/staff/rounds/{scene.round.id}/adoption/{scene.unit.id}").status_code == 404


# what was adopted


def test_a_teacher_sees_every_item_and_notes_what_was_seen(app: Flask) -> None:
    scene = a_scene("adoption")
    make.a_declaration(scene.round, scene.unit, 1, ADOPTED)
    make.a_declaration(scene.round, scene.unit, 2, PARTLY, met=False)
    desk = teacher(app, scene)
    page = desk.page(address(scene))
    text = text_of(page)
    assert "1. 装了国家反诈中心 App 吗？ 教职工： 33.3% 1/3 目标 100% 还没到" in text
    assert "2. 关注了学校公众号吗？ 教职工： 50.0% 1/2 目标 100% 还没到 另有不适用 1 人" in text
    assert re.findall(r'name="seen" value="([\d-]+)"', page) == ["1-0", "1-1"]
    assert desk.post(address(scene, "/seen"), seen=["1-0"]).status_code == 303
    text = text_of(desk.page(address(scene)))
    assert "✓ 当面看过" in text
    assert desk.post(address(scene, "/seen"), seen=["1"]).status_code == 400
    seat = desk.page(address(scene, "/seats/1"))
    assert "老师当面核对" in seat
    assert desk.post(address(scene, "/seats/1/unseen"), item="0").status_code == 303
    assert "老师当面核对" not in desk.page(address(scene, "/seats/1"))
    assert "○ 注册" in text_of(desk.page(address(scene, "/seats/2")))
    assert desk.get(address(scene, "/signers")).status_code == 404
    assert actions() == ["declaration.verified", "declaration.unverified"]


def test_a_village_of_ten_thousand_types_what_it_has_counted(app: Flask) -> None:
    scene = a_scene("adoption", referrals=True)
    village = make.a_class(scene.county, 6, "qs", "青山村")
    for seat in (1, 2, 3, 4, 5):
        make.a_declaration(scene.round, village, seat, ADOPTED)
    report = f"/staff/rounds/{scene.round.id}/adoption/{village.id}"
    desk = teacher(app, scene, "organizer", scene.county)
    assert "居民 — 0/0 60% 还没填常住人口" in text_of(desk.page(report))
    refused = desk.post(
        f"{report}/total", item="0", adopted="6,100", counted_on="2026-12-11", source="入户登记"
    )
    assert refused.status_code == 409
    assert "请先填这个单位的常住人口" in refused.get_data(as_text=True)
    assert 'value="6,100"' in refused.get_data(as_text=True)
    assert desk.post(f"{report}/population", people="一万", source="2025 年户籍统计").status_code == 400
    assert desk.post(f"{report}/population", people="10,000", source="2025 年户籍统计").status_code == 303
    text = text_of(desk.page(report))
    assert "居民 0.0% 5/10,000 60% 还没到 — 答对核对题 5 人" in text
    sent = desk.post(f"{report}/total", item="0", adopted="6,100", counted_on="2026-12-11", source="入户登记")
    assert (sent.status_code, sent.location) == (303, report)
    text = text_of(desk.page(report))
    assert "教职工 83.3% 5/6 100% 还没到 0 答对核对题 5 人" in text
    assert "居民 61.0% 6,100/10,000 60% ✓ 达到 — 人工统计 6,100 人" in text
    assert "我：第 1 项做到 6,100 人（12 月 11 日 统计），入户登记" in text.replace("日统计", "日 统计")
    county = text_of(desk.page(f"/staff/rounds/{scene.round.id}/adoption/{scene.county.id}"))
    assert "阳光县实验中学 人数太少 — 0/0 人数太少" in county
    assert "青山村 83.3% 5/6 61.0% 6,100/10,000 ✓ 人工统计 83.3% 5/6" in county
    monitor = teacher(app, scene, "monitor", scene.county)
    assert "人工统计（人）" not in monitor.page(report)
    assert monitor.post(f"{report}/population", people="1", source="不归我填").status_code == 404
    assert actions() == ["declaration.population", "declaration.total"]


def test_without_seats_answers_are_counted_and_never_people(app: Flask) -> None:
    scene = a_scene("adoption", identity="anonymous")
    for _ in range(2):
        make.a_declaration(scene.round, scene.unit, None, ADOPTED)
    text = text_of(teacher(app, scene).page(address(scene)))
    assert "2 份 不记座号" in text
    assert "这一场不记座号" in text
    assert "只数收到几份" in text
    report = text_of(
        teacher(app, scene, "auditor", scene.unit).page(
            f"/staff/rounds/{scene.round.id}/adoption/{scene.unit.id}"
        )
    )
    assert "教职工 — 0/0 100% 这一场不记座号" in report
