"""我的数据 on the pupil's phone, and the requests at the teacher's desk."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from quizsvc.attempt.models import Attempt
from quizsvc.attempt.operations import SeatTaken, start
from quizsvc.audit import AuditDetail, AuditEntry
from quizsvc.core import linkcode
from quizsvc.db import db
from quizsvc.rights import operations, queries
from quizsvc.rights.models import Request
from quizsvc.upkeep import erase
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.support import Browser


@pytest.fixture
def classroom(app: Flask, at: Any) -> Classroom:
    return a_classroom(identity="roster")


@pytest.fixture
def pupil(classroom: Classroom, phone: Browser) -> Pupil:
    """Seat 1, who has handed in with the second question wrong."""
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(lambda position: position != 2))
    return pupil


@pytest.fixture
def teacher(app: Flask, classroom: Classroom) -> Desk:
    return Desk(app, "wang", ("class_teacher", classroom.unit))


def kept(pupil: Pupil) -> Attempt:
    db.session.expire_all()
    return db.session.get(Attempt, pupil.attempt_id)


def page_of(pupil: Pupil) -> str:
    return f"/r/{kept(pupil).receipt}/data"


def asked(pupil: Pupil, **fields: str) -> Any:
    return pupil.phone.post(f"{page_of(pupil)}/ask", data=fields)


def only_request() -> Request:
    db.session.expire_all()
    return db.session.scalars(select(Request)).one()


# the pupil's own page


def test_page_shows_everything_that_is_kept(pupil: Pupil) -> None:
    answer = pupil.phone.get(page_of(pupil))
    text = text_of(answer.text)

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    for fact in (
        "七年级（3）班 1 号",
        "李*航",
        "开始 12 月 12 日 12:00，从海报上的二维码进来",
        "交卷 12 月 12 日 12:00",
        "得分 20 分，满分 30 分",
        "记了这台手机的一个代码",
        "2027 年 2 月 1 日 起，班级序号和这次作答的联系",
        "2027 年 7 月 1 日 起，答案也删除",
    ):
        assert fact in text
    assert text.count("停下来问问老师") == 2
    for code in (kept(pupil).receipt, kept(pupil).resume):
        assert linkcode.grouped(code) in text


def test_page_is_reached_from_receipt_result_and_the_class(pupil: Pupil) -> None:
    address = page_of(pupil)

    assert f'href="{address}"' in pupil.phone.get(f"/r/{kept(pupil).receipt}").text
    assert f'href="{address}"' in pupil.result()
    assert "我的数据" in pupil.phone.get(f"/c/{CODE}/about").text


def test_answers_wait_until_the_round_shows_them(app: Flask, at: Any, phone: Browser) -> None:
    a_classroom(review_after_submit=["score"])
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())

    text = text_of(phone.get(page_of(pupil)).text)

    assert "3 题的选择都存着" in text
    assert "停下来问问老师" not in text


def test_another_phone_needs_the_resume_code(pupil: Pupil, app: Flask) -> None:
    other, address = app.test_client(), page_of(pupil)
    asks = other.get(address)
    wrong = other.post(address, data={"resume": "00000000"})
    right = other.post(address, data={"resume": kept(pupil).resume.lower()})

    assert asks.status_code == 200
    assert "写上续答码" in asks.text
    assert "停下来问问老师" not in asks.text + wrong.text
    assert (wrong.status_code, right.status_code) == (403, 200)
    assert "得分 20 分" in text_of(right.text)
    assert "把这台手机忘掉" not in right.text
    assert f'name="resume" value="{kept(pupil).resume}"' in right.text


def test_codes_are_not_to_be_guessed(pupil: Pupil, app: Flask) -> None:
    other, address = app.test_client(), page_of(pupil)
    tries = [other.post(address, data={"resume": f"{number:08}"}).status_code for number in range(11)]

    assert tries == [403] * 10 + [429]
    assert other.post(f"{address}/ask", data={"kind": "delete", "resume": "x"}).status_code == 429
    assert other.post(f"/c/{CODE}/resume", data={"seat": "1", "resume": "x"}).status_code == 429  # one limit


def test_receipt_of_nobody_is_not_found(classroom: Classroom, phone: Browser) -> None:
    assert [phone.get("/r/ABCDEFGH/data").status_code, phone.post("/r/ABCDEFGH/data/ask").status_code] == [
        404
    ] * 2


def test_phone_forgets_at_once_and_the_code_still_opens(pupil: Pupil) -> None:
    address, resume = page_of(pupil), kept(pupil).resume
    done = pupil.phone.post(f"/a/{pupil.attempt_id}/forget")

    assert done.status_code == 303
    assert kept(pupil).device_hash is None
    assert pupil.phone.get_cookie("phone") is None
    assert "这台手机已经忘掉它了" in pupil.phone.get(done.location).text
    assert pupil.phone.get(f"/a/{pupil.attempt_id}/result").status_code == 403
    assert "没有记" in text_of(pupil.phone.post(address, data={"resume": resume}).text)


def test_only_the_phone_itself_is_forgotten(pupil: Pupil, app: Flask) -> None:
    assert app.test_client().post(f"/a/{pupil.attempt_id}/forget").status_code == 403
    assert kept(pupil).device_hash is not None


def test_phone_does_not_forget_what_is_not_handed_in(classroom: Classroom, phone: Browser) -> None:
    pupil = Pupil(phone)
    pupil.start()

    assert phone.post(f"/a/{pupil.attempt_id}/forget").status_code == 409
    assert kept(pupil).device_hash is not None


# asking


def test_request_is_made_once_and_shown_with_its_day(pupil: Pupil) -> None:
    first = asked(pupil, kind="correct", reason="wrong_place", note=" 我在  704 班 ")
    again = asked(pupil, kind="correct", reason="other", note="")
    text = text_of(pupil.phone.get(page_of(pupil)).text)

    assert (first.status_code, again.status_code) == (303, 409)
    assert "班级或序号错了，我在 704 班" in text
    assert "1 月 1 日 前答复（15 个工作日" in text
    assert asked(pupil, kind="delete").status_code == 303


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "correct"},
        {"kind": "correct", "reason": "else"},
        {"kind": "delete", "reason": "other"},
        {"kind": "see"},
        {"kind": "correct", "reason": "other", "note": "长" * 101},
        {"kind": "correct", "reason": "other", "note": "a\x00b"},
    ],
)
def test_request_that_no_page_sends_is_refused(pupil: Pupil, fields: dict[str, str]) -> None:
    assert asked(pupil, **fields).status_code == 400
    assert db.session.scalars(select(Request)).all() == []


def test_whoever_has_the_code_may_ask_and_stays_on_the_page(pupil: Pupil, app: Flask) -> None:
    fields = {"kind": "delete", "resume": kept(pupil).resume}
    answer = app.test_client().post(f"{page_of(pupil)}/ask", data=fields)
    stranger = app.test_client().post(f"{page_of(pupil)}/ask", data={"kind": "correct", "reason": "not_me"})

    assert (answer.status_code, stranger.status_code) == (200, 403)
    assert "等老师答复" in answer.text
    assert only_request().kind == "delete"


def test_number_of_requests_ends(pupil: Pupil, teacher: Desk) -> None:
    for _ in range(operations.MOST_REQUESTS):
        assert asked(pupil, kind="delete").status_code == 303
        newest = max(db.session.scalars(select(Request.id)))
        teacher.post(f"/staff/requests/{newest}/refuse", answer="要先说明原因")

    assert asked(pupil, kind="delete").status_code == 429


# at the desk


def test_teacher_sees_the_request_on_the_board_and_grants_it(
    pupil: Pupil, teacher: Desk, classroom: Classroom
) -> None:
    board = f"/staff/rounds/{classroom.round.id}/classes/{classroom.unit.id}"
    assert "个数据请求等你答复" not in teacher.page(board)
    asked(pupil, kind="correct", reason="not_me", note="请作废")

    listed = text_of(teacher.page("/staff/requests"))
    assert "有 1 个数据请求等你答复" in teacher.page(board)
    assert "七年级（3）班 1 号：更正" in listed
    assert "不是我本人做的 ：请作废" in listed
    assert "1 月 1 日 前答复" in listed

    done = teacher.post(f"/staff/requests/{only_request().id}/grant", answer="已经作废，可以重做")
    assert (done.status_code, done.location) == (303, "/staff/requests")
    assert "没有要答复的请求" in teacher.page("/staff/requests")
    assert "已经作废，可以重做" in text_of(pupil.phone.get(page_of(pupil)).text)
    again = teacher.post(f"/staff/requests/{only_request().id}/refuse", answer="改主意了")
    assert again.status_code == 409


def test_refusal_needs_a_reason_which_the_pupil_reads(pupil: Pupil, teacher: Desk) -> None:
    asked(pupil, kind="delete")
    address = f"/staff/requests/{only_request().id}/refuse"

    assert [teacher.post(address, answer=text).status_code for text in ("", "不 行", "长" * 201)] == [400] * 3
    assert only_request().state == "open"
    assert teacher.post(address, answer="期末前要留着核对").status_code == 303
    text = text_of(pupil.phone.get(page_of(pupil)).text)
    assert "没有同意" in text
    assert "期末前要留着核对" in text


def test_decision_is_audited_with_its_words_beside_the_chain(pupil: Pupil, teacher: Desk) -> None:
    asked(pupil, kind="correct", reason="other", note="名字的字错了")
    teacher.post(f"/staff/requests/{only_request().id}/refuse", answer="名册上就是这样写的")

    entry = db.session.scalars(select(AuditEntry).filter_by(action="rights.refused")).one()
    beside = db.session.execute(select(AuditDetail.name, AuditDetail.value, AuditDetail.erase_on)).all()
    assert (entry.actor, entry.object) == (f"staff:{teacher.staff_id}", f"request:{only_request().id}")
    assert "名" not in entry.detail
    on = date(2027, 1, 11)
    assert sorted(tuple(row) for row in beside) == [
        ("answer", "名册上就是这样写的", on),
        ("note", "名字的字错了", on),
    ]


def test_request_of_another_class_is_not_there(pupil: Pupil, app: Flask, classroom: Classroom) -> None:
    asked(pupil, kind="delete")
    other = make.a_class(make.a_school(make.a_unit("xh", "新河县", "county"), "xs"), code="901")
    stranger = Desk(app, "li", ("class_teacher", other))

    assert "七年级（3）班" not in stranger.page("/staff/requests")
    for decision in ("grant", "refuse"):
        assert (
            stranger.post(f"/staff/requests/{only_request().id}/{decision}", answer="随便写写").status_code
            == 404
        )
    assert stranger.post("/staff/requests/999/grant").status_code == 404
    assert only_request().state == "open"


# what was granted, and what is left of requests


def test_granted_deletion_is_carried_out_and_the_receipt_says_so(
    pupil: Pupil, teacher: Desk, at: Any
) -> None:
    asked(pupil, kind="delete")
    asked(pupil, kind="correct", reason="other", note="名字的字错了")
    address = page_of(pupil)
    assert erase.carry_out_requests() == 0
    request_id = db.session.scalars(select(Request.id).filter_by(kind="delete")).one()
    teacher.post(f"/staff/requests/{request_id}/grant")
    at(NOON + timedelta(seconds=30))

    assert (erase.carry_out_requests(), erase.carry_out_requests()) == (1, 0)

    gone = kept(pupil)
    assert (gone.answers, gone.seed, gone.device_hash, gone.resume, gone.receipt) == (
        {},
        "",
        None,
        None,
        None,
    )
    assert (gone.score, gone.submitted_at) == (20, NOON)
    for answer in (pupil.phone.get(address), pupil.phone.post(address), pupil.phone.post(f"{address}/ask")):
        assert (answer.status_code, "已经删除" in answer.text) == (200, True)
        assert "内容已删除，不再处理" in answer.text
        assert "名字的字错了" not in answer.text  # whoever has the receipt alone need not read it
    assert pupil.phone.get(address.removesuffix("/data")).status_code == 404
    assert "已删除" in text_of(teacher.page("/staff/requests"))
    assert db.session.scalars(select(AuditEntry.actor).filter_by(action="attempt.erased")).one() == "job"
    with pytest.raises(SeatTaken):
        start(code=CODE, seat=1, source="poster", device="x" * 22, at=NOON)


def test_words_go_thirty_days_after_the_decision(pupil: Pupil, teacher: Desk, at: Any) -> None:
    asked(pupil, kind="correct", reason="other", note="名字的字错了")
    teacher.post(f"/staff/requests/{only_request().id}/refuse", answer="名册上就是这样写的")

    assert operations.erase_old(at=NOON + timedelta(days=29)) == 0
    assert operations.erase_old(at=NOON + timedelta(days=30)) == 1
    left = only_request()
    assert (left.attempt_id, left.receipt_hash, left.reason, left.note, left.answer) == (
        None,
        None,
        "",
        "",
        "",
    )
    assert (left.kind, left.state) == ("correct", "refused")
    assert "名" not in pupil.phone.get(page_of(pupil)).text.partition("记了什么")[0]


def test_open_request_lapses_with_its_round(pupil: Pupil, teacher: Desk, at: Any) -> None:
    asked(pupil, kind="delete")
    moment = at(datetime(2027, 2, 1, 4, tzinfo=UTC))

    operations.erase_of_round(round_id=only_request().round_id, at=moment)

    assert (only_request().state, only_request().attempt_id) == ("lapsed", None)
    assert erase.carry_out_requests() == 0


def test_constraint_holds_one_open_request_of_a_kind(pupil: Pupil) -> None:
    asked(pupil, kind="delete")
    row = only_request()
    twin = {name: getattr(row, name) for name in row.plain if name != "id"}
    with pytest.raises(Exception, match=r"(?i)unique"):
        make.saved(
            Request(**twin, attempt_id=row.attempt_id, receipt_hash="h", reason="", note="", answer="")
        )
    db.session.rollback()


def test_hash_of_a_receipt_is_no_receipt() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", queries.receipt_hash("ABCD1234"))
