"""Pages of campaigns and rounds, as staff see them and as they must not."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign import operations, queries
from quizsvc.db import db
from tests import make
from tests.campaign.conftest import County, a_picture
from tests.desk import Desk, text_of
from tests.support import Watch

FORM = {
    "name": "2026 冬季反诈测试", "code": "winter", "term": "2026-2027-1", "target_percent": "100",
    "target_on": "2026-12-30", "organisers": "阳光县教育局\r\n\r\n 阳光县公安局 ", "hotline": "96110",
    "erase_on": "2027-06-30",
}  # fmt: skip
ROUND = {
    "title": "六分钟，练一次识骗", "code": "winter-1", "opens_at": "2026-12-14T08:00", "closes_at": "2026-12-20T18:00",
    "identity": "seat", "limit_min": "", "attempts": "3", "counted": "best", "threshold_percent": "80",
    "review_after_submit": ["score", "answers"], "review_after_close": ["score", "answers", "key"],
}  # fmt: skip


def upload(desk: Desk, county: County, body: bytes, position: int = 1, name: str = "终结诈骗") -> Any:
    return desk.post(
        f"/staff/campaigns/{county.campaign.id}/accounts/{position}",
        name=name,
        image=(BytesIO(body), "code.png"),
    )


def test_campaign_is_opened_from_its_form(county: County, bureau: Desk) -> None:
    answer = bureau.post("/staff/campaigns/new", **FORM, unit_id=str(county.school.id))

    row = queries.campaign_by_code("winter")
    assert (answer.status_code, answer.location) == (303, f"/staff/campaigns/{row.id}")
    assert (row.unit_id, row.organisers, row.is_test) == (
        county.school.id,
        ("阳光县教育局", "阳光县公安局"),
        False,
    )
    assert str(row.target_on) == "2026-12-30"
    assert "2026 冬季反诈测试" in bureau.page("/staff/campaigns")


def test_campaign_form_offers_homes_above_grades_and_coming_terms(county: County, bureau: Desk) -> None:
    page = bureau.page("/staff/campaigns/new")
    assert re.findall(r"<option[^>]*>([^<]+)</option>", page) == [
        "阳光县", "阳光县实验中学", "阳光县第一中学", "2026 年秋季学期", "2027 年春季学期",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"name": ""}, 400, "请填写这一项"),
        ({"target_on": "soon"}, 400, "达标日期"),
        ({"target_percent": "101"}, 400, "知晓率目标"),
        ({"term": "2020-2021-1"}, 400, "学期"),
        ({"code": "autumn"}, 409, "已经有代号是“autumn”的活动"),
        ({"erase_on": "2026-12-30"}, 400, "清除个人信息的日子要在目标日期之后"),
        ({"organisers": " \n "}, 400, "至少写一个主办单位"),
    ],
)
def test_campaign_form_with_faults_is_shown_again_with_what_was_typed(
    county: County, bureau: Desk, changes: dict[str, str], status: int, sentence: str
) -> None:
    answer = bureau.post("/staff/campaigns/new", **{**FORM, "unit_id": str(county.unit.id), **changes})

    page = answer.get_data(as_text=True)
    assert (answer.status_code, answer.request.method) == (status, "POST")
    assert sentence in page
    assert "<title>错误：" in page
    assert 'value="2027-06-30"' in page or 'value="2026-12-30"' in page
    assert [row.code for row in queries.campaigns([""])] == ["autumn"]


def test_campaign_for_a_foreign_unit_is_not_offered_and_not_taken(county: County, bureau: Desk) -> None:
    answer = bureau.post("/staff/campaigns/new", **FORM, unit_id=str(county.elsewhere.id))
    assert answer.status_code == 400
    assert len(queries.campaigns([""])) == 1


def test_campaign_page_says_what_is_missing_before_printing(county: County, bureau: Desk) -> None:
    make.a_unit("703", "七年级（3）班", "class", county.grade)
    page = text_of(bureau.page(f"/staff/campaigns/{county.campaign.id}"))
    for fact in (
        "✓ 好了 4 个班，本学期应测 115 人",
        "还差 还有 1 个班没有人数：七年级（3）班",
        "还差 公众号二维码 0 个，海报上要有 2 个",
        "还差 还没有场次",
        "还差 海报上印的网址：fz.test（不是 https，只能演示用）",
    ):
        assert fact in page

    upload(bureau, county, a_picture(), 1)
    upload(bureau, county, a_picture(), 2, "国家反诈中心")
    make.a_round(county.school, county.paper, county.campaign)
    page = text_of(bureau.page(f"/staff/campaigns/{county.campaign.id}"))
    for fact in (
        "✓ 好了 公众号二维码 2 个",
        "✓ 好了 场次 1 个",
        f"✓ 好了 试卷“反诈知识测试”已定稿，指纹 {county.paper.content_hash[:8]}",
    ):
        assert fact in page


def test_campaign_page_takes_as_many_statements_for_many_classes(
    county: County, bureau: Desk, watch: Watch
) -> None:
    address = f"/staff/campaigns/{county.campaign.id}"
    with watch.counting() as few:
        bureau.page(address)
    for number in range(30):
        make.a_class(county.other_school, 5, f"9{number:02}", f"九年级（{number}）班")
    with watch.counting() as many:
        bureau.page(address)
    assert len(many) == len(few) == 6, many


def test_account_picture_is_drawn_anew_and_shown_to_whoever_prints(
    app: Flask, county: County, bureau: Desk
) -> None:
    assert upload(bureau, county, a_picture(form="JPEG")).status_code == 303
    address = f"/staff/campaigns/{county.campaign.id}/accounts/1.png"
    picture = bureau.get(address)
    assert (picture.status_code, picture.mimetype) == (200, "image/png")
    assert picture.data == queries.account_image(county.campaign.id, 1)
    assert f'src="{address}"' in bureau.page(f"/staff/campaigns/{county.campaign.id}")

    teacher = Desk(app, "lin", ("class_teacher", county.class_1))
    outsider = Desk(app, "far", ("organizer", county.elsewhere))
    auditor = Desk(app, "audit", ("auditor", county.unit))
    found = [desk.get(address).status_code for desk in (teacher, outsider, auditor)]
    assert found == [200, 404, 404]
    assert bureau.get(address.replace("1.png", "2.png")).status_code == 404


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "PNG 或 JPG"),
        (b"GIF89a" + b"\0" * 300, "PNG 或 JPG"),
        (b"<svg onload='alert(1)'/>", "PNG 或 JPG"),
        (a_picture() + b"\0" * (201 * 1024), "超过 200 KB"),
        (b"\0" * (300 * 1024), "太大"),
    ],
)
def test_hostile_upload_is_refused_and_keeps_the_old_picture(
    county: County, bureau: Desk, body: bytes, sentence: str
) -> None:
    upload(bureau, county, a_picture())
    before = queries.account_image(county.campaign.id, 1)

    answer = upload(bureau, county, body)

    assert answer.status_code in (400, 413)
    assert sentence in answer.get_data(as_text=True)
    db.session.rollback()
    assert queries.account_image(county.campaign.id, 1) == before


def test_round_is_opened_from_its_form_in_the_time_of_china(county: County, bureau: Desk) -> None:
    units = [str(county.school.id), str(county.grade.id)]
    answer = bureau.post(
        f"/staff/campaigns/{county.campaign.id}/rounds/new",
        **ROUND,
        late="accept_flagged",
        paper_id=str(county.paper.id),
        unit_ids=units,
    )

    row = queries.round_by_code("winter-1")
    assert row.late == "accept_flagged"
    assert (answer.status_code, answer.location) == (303, f"/staff/rounds/{row.id}")
    assert (row.opens_at, row.closes_at) == (
        datetime(2026, 12, 14, 0, 0, tzinfo=UTC),
        datetime(2026, 12, 20, 10, 0, tzinfo=UTC),
    )
    assert (row.limit_s, row.threshold_permyriad) == (None, 8000)
    assert row.review_after_close == ("score", "answers", "key")
    assert queries.round_paths(row.id) == ("yg/sy/",)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"closes_at": "2026-12-14T08:00"}, "结束时间要在开始时间之后"),
        ({"closes_at": "tomorrow"}, "结束"),
        ({"unit_ids": []}, "请至少选一个参加的单位"),
        ({"unit_ids": ["99999999999999999999"]}, "请至少选一个参加的单位"),
        ({"unit_ids": ["x"]}, "参加的单位"),
        ({"paper_id": "999"}, "试卷"),
        ({"attempts": "0"}, "每人可以答几次"),
        ({"late": "whenever"}, "到时没交怎么办"),
        ({"review_after_submit": ["key"]}, "要看正确答案"),
        ({"review_after_submit": ["photo"]}, "交卷后能看"),
        ({"limit_min": "一"}, "答题限时"),
    ],
)
def test_round_form_with_faults_is_shown_again(
    county: County, bureau: Desk, changes: dict[str, Any], sentence: str
) -> None:
    fields = {**ROUND, "paper_id": str(county.paper.id), "unit_ids": [str(county.school.id)], **changes}
    answer = bureau.post(f"/staff/campaigns/{county.campaign.id}/rounds/new", **fields)

    page = answer.get_data(as_text=True)
    assert (answer.status_code, queries.rounds_over([""])) == (400, [])
    assert sentence in text_of(page)
    assert 'value="2026-12-14T08:00"' in page
    assert not re.search("Not a valid|Invalid|required", text_of(page))


def test_round_form_lists_units_as_a_tree_and_proposes_tomorrow(county: County, bureau: Desk) -> None:
    page = bureau.page(f"/staff/campaigns/{county.campaign.id}/rounds/new")
    ticks = re.findall(r'class="tick d(\d)"><input[^>]*value="\d+"( checked)?>([^<]+)<', page)
    assert ticks == [
        ("0", " checked", "阳光县"), ("1", "", "阳光县实验中学"), ("2", "", "七年级"), ("3", "", "七年级（1）班"),
        ("3", "", "七年级（2）班"), ("1", "", "阳光县第一中学"), ("2", "", "八年级（1）班"),
    ]  # fmt: skip
    assert 'value="2026-12-13T08:00"' in page


def test_round_form_leaves_classes_out_of_a_long_tree(
    county: County, bureau: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quizsvc.campaign.views.MOST_TICKS", 6)
    page = bureau.page(f"/staff/campaigns/{county.campaign.id}/rounds/new")
    assert len(re.findall(r'class="tick d', page)) == 4


def test_round_page_shows_window_and_policy(county: County, bureau: Desk) -> None:
    row = make.a_round(
        county.school, county.paper, county.campaign, review_after_submit=["score"], limit_s=1200
    )
    page = text_of(bureau.page(f"/staff/rounds/{row.id}"))
    for fact in (
        "到时没交 用已保存的答案自动交卷", "进行中",
        "12 月 1 日 08:00 至 12 月 20 日 18:00", "阳光县实验中学", "点序号", "20 分钟",
        "每人 3 次，按最好的一次计", "得到满分的 80%", "交卷后能看 得分 结束后能看 得分、自己的选择、正确答案、解析",
        "但答案一公布就不能了",
    ):  # fmt: skip
        assert fact in page
    assert f'href="/staff/links/{row.id}/under/{county.unit.id}"' in bureau.page(f"/staff/rounds/{row.id}")


def test_round_is_prolonged_and_ended_from_its_page(county: County, bureau: Desk, at: Any) -> None:
    row = make.a_round(county.school, county.paper, county.campaign)
    answer = bureau.post(f"/staff/rounds/{row.id}/prolong", closes_at="2026-12-21T12:00")
    assert (answer.status_code, answer.location) == (303, f"/staff/rounds/{row.id}")
    assert queries.round_of(row.id).closes_at == datetime(2026, 12, 21, 4, 0, tzinfo=UTC)

    assert bureau.post(f"/staff/rounds/{row.id}/prolong", closes_at="2026-12-20T12:00").status_code == 400
    assert bureau.post(f"/staff/rounds/{row.id}/prolong", closes_at="").status_code == 400

    now = at(datetime(2026, 12, 12, 4, 10, tzinfo=UTC))
    assert bureau.post(f"/staff/rounds/{row.id}/close").status_code == 303
    db.session.rollback()
    assert queries.round_of(row.id).closes_at == now
    at(now + timedelta(minutes=1))
    assert bureau.post(f"/staff/rounds/{row.id}/close").status_code == 410
    assert "提前结束" not in bureau.page(f"/staff/rounds/{row.id}")


def test_test_campaign_is_marked_everywhere(county: County, bureau: Desk) -> None:
    trial = make.a_campaign(county.unit, is_test=True)
    row = make.a_round(county.school, county.paper, trial)
    for address in ("/staff/campaigns", f"/staff/campaigns/{trial.id}", f"/staff/rounds/{row.id}"):
        assert "测试·不计入" in bureau.page(address)


def test_nobody_but_organizers_of_the_subtree_gets_in(app: Flask, county: County) -> None:
    row = make.a_round(county.school, county.paper, county.campaign)
    pages = [
        f"/staff/campaigns/{county.campaign.id}",
        f"/staff/campaigns/{county.campaign.id}/rounds/new",
        f"/staff/rounds/{row.id}",
    ]
    posts = [
        f"/staff/campaigns/{county.campaign.id}/accounts/1",
        f"/staff/campaigns/{county.campaign.id}/rounds/new",
        f"/staff/rounds/{row.id}/prolong",
        f"/staff/rounds/{row.id}/close",
    ]
    people = {
        "of_school": Desk(app, "he", ("organizer", county.school)),
        "elsewhere": Desk(app, "far", ("organizer", county.elsewhere)),
        "admin": Desk(app, "xu", ("school_admin", county.unit)),
        "teacher": Desk(app, "lin", ("class_teacher", county.class_1)),
        "auditor": Desk(app, "sun", ("auditor", county.unit)),
    }
    for name, desk in people.items():
        assert [desk.get(page).status_code for page in pages] == [404] * 3, name
        assert [desk.post(page).status_code for page in posts] == [404] * 4, name
    assert people["admin"].get("/staff/campaigns").status_code == 404
    assert people["elsewhere"].page("/staff/campaigns").count("2026 秋季反诈测试") == 0

    stranger = app.test_client()
    assert [stranger.get(page).status_code for page in pages] == [303] * 3
    assert {stranger.post(page).status_code for page in posts} <= {400, 401}
    db.session.rollback()
    assert queries.round_of(row.id).closes_at == make.CLOSES


def test_changes_name_the_person_in_the_audit_log(county: County, bureau: Desk) -> None:
    bureau.post("/staff/campaigns/new", **FORM, unit_id=str(county.unit.id))
    entry = db.session.query(operations.audit.AuditEntry).one()
    assert (entry.actor, entry.action) == (f"staff:{bureau.staff_id}", "campaign.open")
