"""The roster pages: who may enter, preview before commit, sealed rows, head-counts, exemptions."""

import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import clock
from quizsvc.audit import AuditEntry
from quizsvc.db import db
from quizsvc.roster import forms, queries
from quizsvc.roster.models import Enrolment, Headcount, Person, Unit
from quizsvc.web import sealing
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.roster.conftest import Tree, rows
from tests.support import Watch

HEADING = "年级,班级,座号,学号,姓名\n"
WHOLE = HEADING + "七年级,1,1,A1,李明\n七年级,1,2,A2,王芳\n七年级,1,3,A3,张伟\n"


def preview(desk: Desk, unit: Unit, text: str, **fields: Any) -> Any:
    given = {"term": make.TERM, "file": (io.BytesIO(text.encode()), "名单.csv"), **fields}
    answer = desk.post(f"/staff/roster/{unit.id}/preview", **given)
    answer.request.environ["wsgi.input"].close()  # the client keeps large posts in a file and leaves it open
    return answer


def seal_of(answer: Any) -> str:
    found = re.search(r'name="seal" value="([^"]*)"', answer.get_data(as_text=True))
    assert found
    return html.unescape(found[1])


def confirm(desk: Desk, unit: Unit, seal: str, **fields: Any) -> Any:
    return desk.post(f"/staff/roster/{unit.id}/import", seal=seal, **fields)


def section(page: str, title: str) -> str:
    """The words of one list of the preview."""
    return text_of(page.partition(f"<h2>{title} ")[2].partition("</table>")[0])


def test_whoever_keeps_one_school_goes_straight_to_it(tree: Tree, admin: Desk, app: Flask):
    answer = admin.get("/staff/roster")
    assert (answer.status_code, answer.location) == (303, f"/staff/roster/{tree.school.id}")
    both = Desk(app, "both", ("school_admin", tree.school), ("school_admin", tree.other_school))
    page = text_of(both.page("/staff/roster"))
    assert page.index("阳光县实验中学") < page.index("阳光县第一中学")


def test_the_school_page_lists_classes_with_head_counts_and_who_set_them(tree: Tree, admin: Desk):
    make.saved(
        Headcount(
            unit_id=tree.bare.id, term=make.TERM, expected=4, set_by=f"staff:{admin.staff_id}", set_at=NOON
        )
    )
    page = text_of(admin.page(f"/staff/roster/{tree.school.id}"))
    assert "七年级（2）班 七年级 4 0 · 我 12 月 12 日 12:00" in page.replace("\xa0", " ")
    assert "在册 4 人，其中实名 3 人，免测 0 人。" in page
    assert "李明" not in page


def test_the_county_page_sums_its_schools(tree: Tree, app: Flask):
    county = Desk(app, "county", ("school_admin", tree.county))
    page = text_of(county.page(f"/staff/roster/{tree.county.id}"))
    assert "阳光县第一中学 学校 1 2 0 ·" in page
    assert "阳光县实验中学 学校 2 4 3 ·" in page


def test_an_empty_school_says_what_to_do(tree: Tree, app: Flask):
    empty = make.a_school(tree.county, "kz", "空中学")
    desk = Desk(app, "empty", ("school_admin", empty))
    assert "这里还没有班级。导入名单时会一起建好。" in text_of(desk.page(f"/staff/roster/{empty.id}"))


def test_the_class_page_shows_seats_but_no_names(tree: Tree, admin: Desk):
    page = text_of(admin.page(f"/staff/roster/{tree.named.id}"))
    assert "3 个，其中 3 个实名" in page
    assert not any(name in page for name in ("李明", "王芳", "张伟", "A1"))


FOREIGN = [
    ("get", "/staff/roster/{}"),
    ("get", "/staff/roster/{}/import"),
    ("get", "/staff/roster/{}/template/seats.xlsx"),
    ("post", "/staff/roster/{}/preview"),
    ("post", "/staff/roster/{}/import"),
    ("post", "/staff/roster/{}/headcount"),
    ("post", "/staff/roster/{}/exempt"),
    ("post", "/staff/roster/{}/exempt/end"),
]


@pytest.mark.parametrize(("method", "address"), FOREIGN)
def test_foreign_units_are_not_found(method: str, address: str, tree: Tree, admin: Desk):
    for unit_id in (tree.other_school.id, tree.other_class.id, tree.county.id, 9999):
        assert getattr(admin, method)(address.format(unit_id)).status_code == 404


@pytest.mark.parametrize("role", ["class_teacher", "organizer", "monitor", "auditor", "sysadmin"])
@pytest.mark.parametrize(("method", "address"), FOREIGN)
def test_other_roles_do_not_enter(role: str, method: str, address: str, tree: Tree, app: Flask):
    desk = Desk(app, role, (role, tree.school))
    assert getattr(desk, method)(address.format(tree.named.id)).status_code == 404


def test_strangers_are_sent_to_sign_in(tree: Tree, phone: Any):
    answer = phone.get(f"/staff/roster/{tree.school.id}")
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/staff/sign-in")


def test_posts_need_the_form_token(tree: Tree, admin: Desk):
    answer = admin.browser.post(
        f"/staff/roster/{tree.bare.id}/headcount", data={"term": make.TERM, "expected": "9"}
    )
    assert answer.status_code == 400
    assert len(queries.headcount_history(tree.bare.id, make.TERM)) == 1


def test_a_preview_lists_everything_by_line_and_changes_nothing(tree: Tree, admin: Desk):
    db.session.query(Enrolment).filter_by(unit_id=tree.named.id, seat=3).update({"left_at": NOON})
    db.session.commit()
    tables = (Unit, Person, Enrolment, Headcount)
    before = [rows(table, *table.__table__.columns) for table in tables]
    text = HEADING + (
        "七年级,1,1,A1,李铭\n七年级,2,9,A2,王芳\n七年级,1,3,A3,张伟\n七年级,12,1,N1,新来\n七年级,2,1,,\n"
    )

    answer = preview(admin, tree.school, text)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "4 七年级（1）班 3 A3 张伟" in section(page, "返回")
    assert "2 七年级（1）班 1 A1 李铭 原姓名 李明" in section(page, "改动")
    assert "3 七年级（2）班 9 A2 王芳 原在 七年级（1）班 2 号" in section(page, "换班")
    assert "5 七年级（12）班 1 N1 新来" in section(page, "新增")
    assert "— 七年级（2）班 2" in section(page, "名单里没有")
    assert "6 七年级（2）班 1" in section(page, "不变")
    assert "新建单位 1 名单里有、系统里没有 七年级（12）班" in text_of(page)
    assert [rows(table, *table.__table__.columns) for table in tables] == before


def test_looking_at_names_is_audited_without_names(tree: Tree, admin: Desk):
    preview(admin, tree.school, WHOLE)
    entry = db.session.query(AuditEntry).one()
    assert (entry.actor, entry.action, entry.object, entry.detail) == (
        f"staff:{admin.staff_id}", "roster.preview", f"unit:{tree.school.id}", f'{{"rows":3,"term":"{make.TERM}"}}',
    )  # fmt: skip


def test_a_confirmed_preview_is_applied_and_again_changes_nothing(tree: Tree, admin: Desk):
    text = WHOLE + "七年级,12,1,N1,新来\n"
    answer = confirm(admin, tree.school, seal_of(preview(admin, tree.school, text)))
    assert (answer.status_code, answer.location) == (303, f"/staff/roster/{tree.school.id}?term={make.TERM}")
    page = text_of(admin.page(answer.location))
    assert "导入完成：新增 1，改动 0，换班 0，返回 0，移出 0，不变 3。" in page
    again = preview(admin, tree.school, text)
    assert "和系统里一样，没有要改的" in again.get_data(as_text=True)
    confirm(admin, tree.school, seal_of(again))
    assert len(rows(Person, Person.id)) == 4


def test_a_list_of_companies_goes_from_the_preview_to_the_page_of_a_pledge(tree: Tree, app: Flask):
    county = Desk(app, "county", ("school_admin", tree.county))
    text = "企业,人数\n东工有限公司,3\n西工有限公司,2\n"
    answer = preview(county, tree.county, text)
    page = text_of(answer.get_data(as_text=True))
    assert "改人数 2 个企业，不变 0 个企业" in page
    assert "行 企业 现在 导入后 2 东工有限公司 新企业 3 3 西工有限公司 新企业 2" in page
    confirm(county, tree.county, seal_of(answer))
    page = text_of(county.page(f"/staff/roster/{tree.county.id}"))
    assert "东工有限公司 企业 · 3 0 ·" in page
    assert "和系统里一样，没有要改的" in preview(county, tree.county, text).get_data(as_text=True)
    pledge = make.a_sheet_round(tree.county, "pledge")
    page = text_of(county.page(f"/staff/rounds/{pledge.id}/declarations"))
    assert ("东工有限公司 0.0% 0/3 3" in page, "西工有限公司 0.0% 0/2 2" in page) == (True, True)


def test_a_list_that_does_not_belong_here_brings_the_form_back(tree: Tree, admin: Desk):
    answer = preview(admin, tree.school, "企业,人数\n东工有限公司,3\n")
    page = answer.get_data(as_text=True)
    assert (answer.status_code, "“阳光县实验中学”下面不能导入企业名单" in page) == (400, True)


def test_templates_of_lists_stand_where_such_a_list_may_be_imported(tree: Tree, app: Flask):
    county = Desk(app, "county", ("school_admin", tree.county))
    for unit, names in (
        (tree.county, ["名册", "人数", "企业人数", "村社区人数", "部门人数"]),
        (tree.school, ["名册", "人数", "部门人数"]),
        (tree.named, ["名册", "人数"]),
    ):
        page = county.page(f"/staff/roster/{unit.id}/import")
        assert re.findall(r">下载(\w+)模板<", page) == names
    assert county.get(f"/staff/roster/{tree.county.id}/template/company.xlsx").status_code == 200


def test_the_missing_leave_only_when_ticked(tree: Tree, admin: Desk):
    text = HEADING + "七年级,1,1,A1,李明\n"
    answer = preview(admin, tree.school, text)
    assert "把名单里没有的人移出（2 个，记录保留，以后还能回来）" in answer.get_data(as_text=True)
    confirm(admin, tree.school, seal_of(answer))
    assert len(queries.places(tree.named.id, make.TERM)) == 3
    confirm(admin, tree.school, seal_of(preview(admin, tree.school, text)), remove_missing="1")
    assert len(queries.places(tree.named.id, make.TERM)) == 1


def test_a_seat_still_taken_asks_for_the_tick(tree: Tree, admin: Desk):
    answer = preview(admin, tree.school, HEADING + "七年级,1,1,N1,新来\n")
    page = answer.get_data(as_text=True)
    assert re.search(r'name="remove_missing" value="1" required', page)
    refused = confirm(admin, tree.school, seal_of(answer))
    assert (refused.status_code, "也可以勾选" in refused.get_data(as_text=True)) == (400, True)
    assert confirm(admin, tree.school, seal_of(answer), remove_missing="1").status_code == 303


def test_a_rejected_line_blocks_the_confirmation_and_is_linked(tree: Tree, admin: Desk):
    answer = preview(admin, tree.school, WHOLE + "七年级,1,3,A4,周全\n")
    page = answer.get_data(as_text=True)
    assert "第 5 行 座号 座号 3 在这个班里重复：第 4 行也是 3 号。" in text_of(page)
    assert ('href="#row5"' in page, 'id="row5"' in page, 'name="seal"' in page) == (True, True, False)
    assert "名单里没有" not in page


def test_a_changed_roster_asks_for_another_look(tree: Tree, admin: Desk):
    seal = seal_of(preview(admin, tree.school, WHOLE + "七年级,1,9,N1,新来\n"))
    confirm(admin, tree.school, seal)
    answer = confirm(admin, tree.school, seal)
    assert (answer.status_code, "预览之后名册有了变动" in answer.get_data(as_text=True)) == (409, True)


def test_a_seal_is_good_for_an_hour_for_its_unit_and_its_reader(tree: Tree, admin: Desk, app: Flask, at: Any):
    seal = seal_of(preview(admin, tree.school, WHOLE))
    colleague = Desk(app, "colleague", ("school_admin", tree.school))
    for desk, unit, text in (
        (colleague, tree.school, seal),
        (admin, tree.grade, seal),
        (admin, tree.school, seal[:-2] + "xx"),
        (admin, tree.school, ""),
    ):
        answer = confirm(desk, unit, text)
        assert (answer.status_code, "预览已经过期" in answer.get_data(as_text=True)) == (400, True)
    at(NOON + timedelta(seconds=sealing.SEALED_FOR_S))
    assert forms.opened(seal, at=clock.now()).sheet.form == "seats"
    with pytest.raises(forms.Expired):
        forms.opened(seal, at=clock.now() + timedelta(seconds=1))


def test_a_large_roster_goes_through_preview_and_confirmation(tree: Tree, admin: Desk):
    """More than the ordinary limit of a post, in both directions."""
    lines = "".join(
        f"八年级,{n // 50 + 1},{n % 50 + 1},S{n:06},新同学{chr(0x4E00 + n)}\n" for n in range(4950)
    )
    text = HEADING.replace("\n", ",备注\n") + lines.replace("\n", "," + "注" * 30 + "\n")
    assert len(text.encode()) > 512 * 1024
    answer = preview(admin, tree.school, text)
    page = answer.get_data(as_text=True)
    assert "只列出前 200 行，共 4,950 行。" in text_of(page)
    assert page.count("<td>新同学") == 200
    assert confirm(admin, tree.school, seal_of(answer)).status_code == 303
    assert len(rows(Person, Person.id)) == 4953


def test_a_post_beyond_the_limit_is_refused(tree: Tree, admin: Desk):
    answer = preview(admin, tree.school, "x" * (6 * 1024 * 1024))
    assert answer.status_code == 413
    small = admin.post(f"/staff/roster/{tree.bare.id}/headcount", term="x" * 300_000)
    assert small.status_code == 413


@pytest.mark.parametrize(
    ("given", "term", "text"),
    [
        ("", make.TERM, "请选一个名单文件，或者把表格里的几列粘贴到下面的框里。"),
        ("甲,乙\n", make.TERM, "没有找到表头。"),
        (WHOLE, "今年", "学期要写成“2026-2027-1”这样"),
    ],
)
def test_an_unreadable_file_brings_the_form_back_with_the_reason(
    given: str, term: str, text: str, tree: Tree, admin: Desk
):
    answer = preview(admin, tree.school, given, term=term)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, text in page, 'name="pasted"' in page) == (400, True, True)


def test_lines_pasted_from_a_spreadsheet_are_read(tree: Tree, admin: Desk):
    pasted = WHOLE.replace(",", "\t").replace("\n", "\r\n")
    answer = admin.post(f"/staff/roster/{tree.school.id}/preview", term=make.TERM, pasted=pasted)
    assert "不变 3" in text_of(answer.get_data(as_text=True))


def test_a_file_of_head_counts_is_previewed_and_applied(tree: Tree, admin: Desk):
    answer = preview(admin, tree.school, "年级,班级,人数\n七年级,2,6\n七年级,4,3\n")
    page = text_of(answer.get_data(as_text=True))
    assert "2 七年级（2）班 4 6" in page
    assert "3 七年级（4）班 新班 3" in page
    confirm(admin, tree.school, seal_of(answer))
    assert queries.newest_headcounts(make.TERM, tree.grade.path)[tree.bare.id] == 6


def test_templates_are_sent_under_their_chinese_name(tree: Tree, admin: Desk):
    answer = admin.get(f"/staff/roster/{tree.school.id}/template/counts.xlsx")
    assert answer.data[:2] == b"PK"
    assert "%E4%BA%BA%E6%95%B0" in answer.headers["Content-Disposition"]
    assert admin.get(f"/staff/roster/{tree.school.id}/template/other.xlsx").status_code == 404


def test_the_head_count_of_a_class_is_set_and_its_history_shown(tree: Tree, admin: Desk):
    address = f"/staff/roster/{tree.bare.id}"
    answer = admin.post(f"{address}/headcount", term=make.TERM, expected="6")
    assert (answer.status_code, answer.location) == (303, f"{address}?term={make.TERM}")
    page = text_of(admin.page(answer.location)).replace("\xa0", " ")
    assert "应测人数是 6 人。" in page
    assert "6 人 现在 12 月 12 日 12:00，我" in page
    assert "4 人 9 月 1 日 08:00，命令行" in page
    for expected, text in (("六", "应测人数要写一个整数。"), ("100", "应测人数要写 0 到 99 的整数。")):
        refused = admin.post(f"{address}/headcount", term=make.TERM, expected=expected)
        assert (refused.status_code, text in refused.get_data(as_text=True)) == (400, True)


def test_an_exemption_is_approved_by_whoever_is_signed_in_and_ended(tree: Tree, admin: Desk):
    address = f"/staff/roster/{tree.named.id}"
    answer = admin.post(f"{address}/exempt", term=make.TERM, seat="2", reason="休学一年")
    page = text_of(admin.page(answer.location)).replace("\xa0", " ")
    assert "2 号 休学一年 12 月 12 日 12:00，我批准" in page
    assert "2 免测" in page
    assert queries.exemptions(tree.named.id, make.TERM)[0].approved_by == f"staff:{admin.staff_id}"
    short = admin.post(f"{address}/exempt", term=make.TERM, seat="1", reason="病")
    assert (short.status_code, "4 到 100 个字" in short.get_data(as_text=True)) == (400, True)
    nobody = admin.post(f"{address}/exempt", term=make.TERM, seat="77", reason="休学一年")
    assert (nobody.status_code, "这个班没有 77 号。" in nobody.get_data(as_text=True)) == (404, True)
    answer = admin.post(f"{address}/exempt/end", term=make.TERM, seat="2")
    assert "2 号不再免测，重新计入应测人数。" in text_of(admin.page(answer.location))


def test_a_page_of_another_term_and_of_no_term(tree: Tree, admin: Desk):
    page = admin.page(f"/staff/roster/{tree.bare.id}?term=2026-2027-2")
    assert '<option value="2026-2027-2" selected>2027 年春季学期' in page
    assert "还没有座号" in page
    assert admin.get(f"/staff/roster/{tree.bare.id}?term=x").status_code == 400


@pytest.mark.parametrize("which", ["school", "bare"])
def test_pages_take_as_many_statements_for_thirty_as_for_one(
    which: str, tree: Tree, admin: Desk, watch: Watch
):
    address = f"/staff/roster/{getattr(tree, which).id}"
    taken = []
    for more in (0, 30):
        for number in range(20, 20 + more):
            make.a_class(tree.grade, 1, f"c{number}", f"七年级（{number}）班")
            make.saved(Enrolment(unit_id=tree.bare.id, term=make.TERM, seat=number, joined_at=NOON))
        with watch.counting() as seen:
            admin.page(address)
        taken.append(len(seen))
    assert taken[0] == taken[1]
