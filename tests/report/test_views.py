import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit
from quizsvc.audit import AuditEntry
from quizsvc.campaign.models import RoundUnit
from quizsvc.core import ledger
from quizsvc.db import db
from quizsvc.roster.models import Headcount
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.report.conftest import RIGHT, WRONG, Room, a_room
from tests.support import Browser, Watch

INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=[\"']|<script(?![^>]*src=)|(?:src|href)=[\"']https?:")


def actions() -> list[tuple[str, str]]:
    db.session.rollback()
    return [(entry.action, entry.object) for entry in db.session.query(AuditEntry).order_by(AuditEntry.seq)]


# my classes


def test_one_class_in_one_round_goes_straight_to_its_board(room: Room, teacher: Desk) -> None:
    answer = teacher.get("/staff/classes")
    assert (answer.status_code, answer.location) == (303, room.page())


def test_the_list_is_there_when_it_is_asked_for(room: Room, teacher: Desk) -> None:
    assert "七年级（3）班" in text_of(teacher.page("/staff/classes?earlier=1"))


def test_several_classes_are_listed_with_their_gap(app: Flask, room: Room) -> None:
    other = make.a_class(room.school, pupils=2, code="704", name="七年级（4）班")
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT, unit=other)
    desk = Desk(app, "fu", ("counselor", room.school))
    text = text_of(desk.page("/staff/classes"))
    assert "七年级（3）班 测试 反诈测试 0/12 0.0% 还差 12 人 12 月 20 日 18:00 截止 看板" in text
    assert "七年级（4）班 测试 反诈测试 2/2 100% ✓ 全部完成 12 月 20 日 18:00 截止 看板" in text


def test_without_any_round_the_list_says_so(app: Flask, at: Any) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    assert "现在没有正在进行的场次" in Desk(app, "wang", ("class_teacher", unit)).page("/staff/classes")


def test_those_who_lead_are_sent_to_the_coverage(room: Room, bureau: Desk) -> None:
    assert bureau.get("/staff/classes").location == "/staff/coverage"


def test_a_monitor_finds_the_own_class(room: Room, monitor: Desk) -> None:
    assert monitor.get("/staff/classes").location == room.page()


# the board


def test_board_shows_ring_rates_seats_reminder_and_link(room: Room, teacher: Desk) -> None:
    for seat in range(1, 9):
        room.sit(seat, RIGHT, RIGHT, RIGHT if seat > 2 else WRONG)
    room.begin(9, answered=2)
    page = teacher.page(room.page())
    text = text_of(page)
    assert "应测 12 人，已完成 8 人，进行中 1 人，未开始 3 人" in page
    assert "8 / 12 还差 4 人 完成 8 进行中 1 未开始 3" in text
    assert "首测知晓率 50.0% 6 / 12 人 学后知晓率 50.0% 6 / 12 人" in text
    assert "12:00 更新，每 20 秒一次 只看未完成 4 人" in text
    assert "核对码 青禾 27 投屏 打印海报" in text
    assert "已完成 8/12，还差 4 人" in text
    assert "人数太少，先不下结论" in text
    assert page.count("data-seat=") == 12
    assert re.search(r'class="g2" data-seat="9".*?<em>2/3</em>', page)
    assert re.search(r'class="g0" data-seat="10".*?<em>未开始</em>', page)
    assert f'data-live="{room.page("/live")}"' in page
    assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in page


def test_board_of_undone_works_without_script(room: Room, teacher: Desk) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    page = teacher.page(room.page("?show=undone"))
    assert re.findall(r'data-seat="(\d+)"', page) == [str(seat) for seat in range(2, 13)]
    assert f'href="{room.page()}">看全班' in page


def test_board_after_the_end_neither_asks_nor_polls(room: Room, teacher: Desk, at: Any) -> None:
    at(make.CLOSES + timedelta(minutes=1))
    desk = Desk(teacher.browser.application, "wang2", ("class_teacher", room.unit))
    page = desk.page(room.page())
    assert "data-live" not in page
    assert "refresh" not in page
    assert "已经结束，完成 0/12。" in page
    assert "没做 12" in text_of(page)


def test_names_are_shown_to_the_own_teacher_and_each_view_is_recorded(app: Flask, at: Any) -> None:
    room = a_room(pupils=3, identity="roster")
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    for number in (1, 2):
        assert "李安航" in teacher.page(room.page())
        assert actions() == [("report.names_seen", f"round:{room.round.id}/unit:{room.unit.id}")] * number


def test_without_names_nothing_is_recorded(room: Room, teacher: Desk) -> None:
    teacher.page(room.page())
    teacher.page(room.page("/scores"))
    assert actions() == []


@pytest.mark.parametrize("role", ["monitor", "auditor"])
def test_those_who_may_see_counts_see_no_seat_and_no_name(app: Flask, at: Any, role: str) -> None:
    room = a_room(pupils=12, identity="roster")
    room.sit(1, RIGHT, RIGHT, RIGHT)
    desk = Desk(app, "other", (role, room.unit))
    page = desk.page(room.page())
    assert "已完成 1/12，还差 11 人" in page
    assert "data-seat" not in page
    assert "李" not in page
    assert "中招" not in page
    assert actions() == []


def test_school_and_county_get_counts_but_neither_seats_nor_scores(
    room: Room, head: Desk, bureau: Desk
) -> None:
    for desk in (head, bureau):
        assert "data-seat" not in desk.page(room.page())
        assert desk.get(room.page("/scores")).status_code == 404
        assert desk.get(room.page("/scores.csv")).status_code == 404
        assert desk.page(room.page("/items"))


def test_a_link_that_is_missing_is_told(room: Room, teacher: Desk) -> None:
    room.link.revoked_at = make.OPENS
    db.session.commit()
    page = teacher.page(room.page())
    assert "还没有二维码" in page
    assert "核对" not in page


def test_board_of_a_school_leads_to_its_coverage(room: Room, head: Desk) -> None:
    answer = head.get(room.page(unit=room.school))
    assert (answer.status_code, answer.location) == (303, room.coverage(room.school))


def test_seats_lead_to_what_the_teacher_may_do_about_them(room: Room, teacher: Desk) -> None:
    assert f'href="{room.page("/seats/3")}"' in teacher.page(room.page())
    assert teacher.get(room.page("/seats/3")).status_code == 200


@pytest.mark.parametrize("classes", [1, 30])
def test_board_takes_the_same_statements_beside_any_number_of_classes(
    room: Room, teacher: Desk, watch: Watch, classes: int
) -> None:
    for number in range(classes):
        make.a_class(room.school, pupils=2, code=f"c{number}")
    teacher.page(room.page())
    with watch.counting() as seen:
        teacher.page(room.page())
    assert len(seen) == 13


# the part that changes


def test_live_part_is_304_until_something_changes(room: Room, teacher: Desk, watch: Watch) -> None:
    page = teacher.page(room.page())
    tag = f'W/"{re.search(r"data-tag=.(.{24}).", page)[1]}"'
    with watch.counting() as seen:
        same = teacher.browser.get(room.page("/live"), headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"], same.headers["X-As-Of"]) == (
        304,
        b"",
        tag,
        "12:00",
    )
    assert len(seen) == 4
    room.sit(1, RIGHT, RIGHT, RIGHT)
    changed = teacher.browser.get(room.page("/live"), headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
    assert re.findall(r'id="(live-\w+)"', changed.text) == [
        "live-ring",
        "live-seats",
        "live-say",
        "live-traps",
    ]
    assert "已完成 1/12" in changed.text


def test_live_part_never_holds_a_name_and_is_not_recorded(app: Flask, at: Any) -> None:
    room = a_room(pupils=3, identity="roster")
    answer = Desk(app, "wang", ("class_teacher", room.unit)).get(room.page("/live"))
    assert answer.text.count("data-seat=") == 3
    assert "李" not in answer.text
    assert actions() == []


def test_live_part_of_a_monitor_has_counts_only(room: Room, monitor: Desk) -> None:
    text = monitor.get(room.page("/live")).text
    assert re.findall(r'id="(live-\w+)"', text) == ["live-ring", "live-say"]


def test_live_part_keeps_the_filter(room: Room, teacher: Desk) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    assert teacher.get(room.page("/live?show=undone")).text.count("data-seat=") == 11


# scores and questions


def test_scores_show_first_and_counted_by_seat_and_no_rank(room: Room, teacher: Desk) -> None:
    room.sit(2, RIGHT, WRONG, WRONG)
    room.sit(2, RIGHT, RIGHT, RIGHT, ordinal=2)
    text = text_of(teacher.page(room.page("/scores")))
    assert "2 10 30 ✓ 达标 12 月 2 日 08:00 2 已完成" in text
    assert "90–100 分 1" in text
    assert "姓名" not in text
    assert "名次" not in text.replace("这里不排名次", "")


def test_scores_tell_where_attempts_were_started(room: Room, teacher: Desk) -> None:
    for seat, source in ((1, "poster"), (2, "group"), (3, "group"), (4, "screen")):
        room.sit(seat, RIGHT, RIGHT, RIGHT, source=source)

    assert "从哪里开始的：班级群 2 次，海报 1 次，投屏 1 次" in text_of(teacher.page(room.page("/scores")))


def test_scores_with_names_are_recorded(app: Flask, at: Any) -> None:
    room = a_room(pupils=3, identity="roster")
    assert "李宁航" in Desk(app, "wang", ("class_teacher", room.unit)).page(room.page("/scores"))
    assert [action for action, _ in actions()] == ["report.names_seen"]


@pytest.mark.parametrize(
    ("form", "start", "mimetype"),
    [
        ("csv", b"\xef\xbb\xbf", "text/csv"),
        ("xlsx", b"PK", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_scores_are_exported_and_recorded(
    room: Room, teacher: Desk, form: str, start: bytes, mimetype: str
) -> None:
    answer = teacher.get(room.page(f"/scores.{form}"))
    assert (answer.status_code, answer.mimetype, answer.data[: len(start)]) == (200, mimetype, start)
    assert answer.headers["Content-Disposition"].endswith(f"-20261212-1200.{form}")
    assert actions() == [("report.scores_exported", f"round:{room.round.id}/unit:{room.unit.id}")]
    entry = db.session.query(AuditEntry).one()
    assert (entry.actor, entry.detail) == (f"staff:{teacher.staff_id}", f'{{"form":"{form}","rows":12}}')


def test_export_ends_with_its_own_place_in_the_audit_log(room: Room, teacher: Desk) -> None:
    last = teacher.get(room.page("/scores.csv")).data.decode().splitlines()[-2:]
    place = audit.anchor()

    assert last == [f"链头,{place.short}", f"链头全文,{place}"]
    assert audit.verify(at=NOON, anchors=[ledger.anchor(line.partition(",")[2]) for line in last]).sound


@pytest.mark.parametrize("page", ["scores", "coverage"])
def test_printed_pages_say_where_the_audit_log_stood(
    room: Room, teacher: Desk, bureau: Desk, page: str
) -> None:
    place = audit.record_alone(actor=audit.CLI, action="bank.add", on="bank:a", at=NOON)
    shown = {
        "scores": lambda: teacher.page(room.page("/scores")),
        "coverage": lambda: bureau.page(room.coverage(room.county)),
    }[page]()

    assert f'<p class="xs onprint">操作记录链头 {place.short}</p>' in shown


def test_other_forms_of_export_are_not_there(room: Room, teacher: Desk) -> None:
    assert teacher.get(room.page("/scores.pdf")).status_code == 404


def test_questions_are_told_in_four_words(room: Room, teacher: Desk) -> None:
    for seat in range(1, 11):
        room.sit(seat, RIGHT, WRONG if seat <= 7 else RIGHT, RIGHT)
    text = text_of(teacher.page(room.page("/items")))
    assert "重灾区 70% 没答对，7 人选了“先付一点试试”。建议班会讲 2 分钟。 刷单返利 · 单选" in text
    assert "A 先付一点试试 最容易选错 7 人 B 停下来问问老师 ✓ 正确 3 人" in text
    assert "见到这道题的有 10 人，答对 3 人，答对率 30.0%（3/10）" in text


def test_questions_with_too_few_answers_are_withheld(room: Room, teacher: Desk) -> None:
    for seat in range(1, 10):
        room.sit(seat, WRONG, WRONG, WRONG)
    text = text_of(teacher.page(room.page("/items")))
    assert "人数太少，先不下结论" in text
    assert "没答对" not in text


def test_questions_before_any_answer(room: Room, teacher: Desk) -> None:
    assert "还没有人交卷" in teacher.page(room.page("/items"))


# coverage


def test_coverage_opens_with_the_sentence_and_prints_fractions(room: Room, bureau: Desk) -> None:
    for seat in range(1, 9):
        room.sit(seat, RIGHT, RIGHT, RIGHT if seat > 2 else WRONG)
    page = bureau.page(room.coverage(room.county))
    text = text_of(page)
    assert re.search(r"<h1>.*?</h1>", page, re.S)
    assert "全县 12 名学生已有 8 人完成， 还差 4 人 。" in text
    for figure in (
        "完成率 66.6% 8/12",
        "首测知晓率 50.0% 6/12",
        "学后知晓率 50.0% 6/12",
        "满分率 75.0% 6/8",
        "距截止 8 天",
    ):
        assert figure in text
    assert "截至 12 月 12 日 12:00 · 应测 12 人" in text
    assert "要按时到 100%，每天还要完成 1 人。" in text
    assert "12 月 2 日 8 8/12 66.6%" in text
    assert f'href="{room.coverage(room.school)}">阳光县实验中学' in page


def test_those_who_are_done_are_folded_away(room: Room, bureau: Desk) -> None:
    other = make.a_class(make.a_school(room.county, code="ez", name="第二小学"), pupils=5, code="301")
    for seat in range(1, 6):
        room.sit(seat, RIGHT, RIGHT, RIGHT, unit=other)
    text = text_of(bureau.page(room.coverage(room.county)))
    assert "还没到 100% 的 1 所学校" in text
    assert "其余 1 所学校已全部完成 ✓" in text
    assert "第二小学" not in text
    assert "第二小学 100% 5/5" in text_of(bureau.page(room.coverage(room.county, "?all=1")))


def test_when_everybody_is_done_the_page_says_so(app: Flask, at: Any) -> None:
    room = a_room(pupils=5)
    for seat in range(1, 6):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    text = text_of(Desk(app, "li", ("organizer", room.county)).page(room.coverage(room.county)))
    assert "全县 5 名学生全部完成，并且全部达到知晓标准。" in text
    assert "1 所学校全部完成 ✓" in text


def test_the_crumbs_stop_where_the_own_subtree_does(room: Room, bureau: Desk, head: Desk) -> None:
    assert f'href="{room.coverage(room.county)}">阳光县</a>' in bureau.page(room.coverage(room.school))
    assert "阳光县</a>" not in head.page(room.coverage(room.school))


def test_classes_lead_to_their_board_only_for_their_teachers(app: Flask, room: Room, head: Desk) -> None:
    assert f'href="{room.page()}"' not in head.page(room.coverage(room.school))
    assert f'href="{room.coverage(room.unit)}"' in head.page(room.coverage(room.school))
    counselor = Desk(app, "fu", ("counselor", room.school))
    assert f'href="{room.page()}"' in counselor.page(room.coverage(room.school))


def test_data_that_cannot_be_right_is_flagged(room: Room, bureau: Desk) -> None:
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=1, set_by="cli", set_at=make.OPENS))
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    make.a_unit("704", "七年级（4）班", "class", room.school)
    text = text_of(bureau.page(room.coverage(room.county)))
    assert "1 个单位已测人数多于应测（应测按开场时的人数算）" in text
    assert "1 个单位还没登记人数，没有算进来" in text
    assert "200.0% 2/1" in text


@pytest.mark.parametrize("classes", [1, 30])
def test_coverage_takes_eight_statements_for_any_number_of_classes(
    room: Room, bureau: Desk, watch: Watch, classes: int
) -> None:
    for number in range(classes):
        unit = make.a_class(room.school, pupils=2, code=f"c{number}")
        room.sit(1, RIGHT, RIGHT, RIGHT, unit=unit)
    with watch.counting() as seen:
        bureau.page(room.coverage(room.county))
    assert len(seen) == 8


def test_rounds_are_listed_with_the_way_into_my_unit(room: Room, head: Desk) -> None:
    page = head.page("/staff/coverage")
    assert f'href="{room.coverage(room.school)}"' in page
    assert "2026 秋季反诈测试 2026 年秋季学期 反诈测试 测试 完成率" in text_of(page)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_counts_are_exported_and_recorded(room: Room, head: Desk, form: str) -> None:
    answer = head.get(room.coverage(room.school, f"/counts.{form}"))
    assert answer.status_code == 200
    assert actions() == [("report.counts_exported", f"round:{room.round.id}/unit:{room.school.id}")]


def test_teachers_export_no_counts_of_others(room: Room, teacher: Desk) -> None:
    assert teacher.get(room.coverage(room.school, "/counts.csv")).status_code == 404


# everywhere


PAGES = ("board", "live", "scores", "scores.csv", "items", "coverage", "counts.csv")


def address(room: Room, page: str, unit: Any) -> str:
    if page == "board":
        return room.page(unit=unit)
    if page in ("coverage", "counts.csv"):
        return room.coverage(unit, "" if page == "coverage" else "/counts.csv")
    return room.page(f"/{page}", unit=unit)


@pytest.mark.parametrize("page", PAGES)
def test_other_peoples_units_are_not_there(app: Flask, room: Room, page: str) -> None:
    other = make.a_class(make.a_school(room.county, code="ez", name="第二小学"), code="301")
    everything = [(role, other) for role in ("class_teacher", "school_admin", "organizer", "auditor")]
    stranger = Desk(app, "stranger", *everything)
    assert stranger.get(address(room, page, other)).status_code == 200
    foreign, unknown = (
        stranger.get(address(room, page, unit)) for unit in (room.unit, make.Unit(id=999_999))
    )
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.text == unknown.text


@pytest.mark.parametrize("page", PAGES)
def test_units_the_round_is_not_opened_to_are_not_there(app: Flask, room: Room, page: str) -> None:
    elsewhere = make.a_class(make.a_school(make.a_unit("hb", "湖滨县", "county")), code="301")
    everything = [(role, elsewhere) for role in ("class_teacher", "school_admin")]
    assert Desk(app, "who", *everything).get(address(room, page, elsewhere)).status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in(room: Room, phone: Browser) -> None:
    for page in ("/staff/classes", "/staff/coverage", "/staff/help", room.page(), room.coverage(room.county)):
        answer = phone.get(page)
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/staff/sign-in")


@pytest.mark.parametrize("page", ["board", "scores", "items", "coverage"])
def test_a_rehearsal_is_stamped_on_every_page(room: Room, teacher: Desk, page: str) -> None:
    assert "测试·不计入" not in teacher.page(address(room, page, room.unit))
    db.session.get(make.Campaign, room.round.campaign_id).is_test = True
    db.session.commit()
    assert "测试·不计入" in teacher.page(address(room, page, room.unit))
    assert "测试·不计入" in teacher.page("/staff/classes?earlier=1")
    assert "测试·不计入" in teacher.page("/staff/coverage")


def test_pages_are_sound(app: Flask, room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, RIGHT, WRONG, RIGHT)
    desk = Desk(app, "all", ("counselor", room.school), ("organizer", room.county))
    titles = []
    for page in (
        "/staff/classes?earlier=1", "/staff/coverage", "/staff/help", room.page(), room.page("/scores"),
        room.page("/items"), room.coverage(room.county), room.coverage(room.unit),
    ):  # fmt: skip
        html = desk.page(page)
        assert html.count("<h1") == 1, page
        assert '<html lang="zh-CN">' in html
        assert INLINE.search(html) is None, page
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), page
        assert {f for f in re.findall(r'<label[^>]*for="([^"]+)"', html)} <= set(ids), page
        titles.append(re.search(r"<title>(.+?)</title>", html)[1])
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(" · 反诈知晓") for title in titles)


def test_definitions_explain_every_indicator(room: Room, teacher: Desk) -> None:
    text = text_of(teacher.page("/staff/help"))
    assert "覆盖率（页面上写“完成率”） 已测人数 ÷ 应测人数。" in text
    assert "没有参加的人也在分母里" in text


def test_a_round_over_several_classes_of_a_school_shows_those_only(room: Room, head: Desk) -> None:
    make.a_class(room.school, pupils=9, code="704", name="七年级（4）班")
    db.session.query(RoundUnit).delete()
    make.saved(RoundUnit(round_id=room.round.id, unit_id=room.unit.id))
    text = text_of(head.page(room.coverage(room.school)))
    assert "全校 12 名学生 还没有人开始 。" in text
    assert "七年级（4）班" not in text


def test_school_finds_its_class_posters_from_the_coverage(room: Room, head: Desk) -> None:
    page = head.page(room.coverage(room.school))

    assert f"/staff/links/{room.round.id}/under/{room.school.id}" in page
    assert head.get(f"/staff/links/{room.round.id}/under/{room.school.id}").status_code == 200


# how items did


def test_usage_of_items_shows_rates_by_round_and_doubts(room: Room, bureau: Desk) -> None:
    for seat in range(1, 13):
        room.sit(seat, RIGHT, RIGHT if seat > 3 else WRONG, WRONG)
    text = text_of(bureau.page("/staff/banks/test/usage"))
    assert "答对率 100% （12/12） 1 个场次用过" in text
    assert "答对率 75.0% （9/12）" in text
    one = text_of(bureau.page("/staff/banks/test/usage?item=brushing-02"))
    assert "答对率 75.0% （9/12）" in one
    assert "12/12" not in one


def test_usage_of_an_unused_bank_says_so_and_of_an_unknown_one_is_refused(room: Room, bureau: Desk) -> None:
    assert "还没有人答过" in bureau.page("/staff/banks/test/usage")
    assert bureau.get("/staff/banks/none/usage").status_code == 404


def test_usage_takes_the_same_statements_for_any_number_of_rounds(
    room: Room, bureau: Desk, watch: Watch
) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    with watch.counting() as one:
        bureau.page("/staff/banks/test/usage")
    for _ in range(3):
        round_ = make.a_round(room.unit, paper=room.paper)
        make.an_attempt(round_, room.unit, 2)
    with watch.counting() as four:
        bureau.page("/staff/banks/test/usage")
    assert len(one) == len(four)
