"""The page of a survey works without script and keeps what was typed; staff see sums, the owner the words."""

from typing import Any

import pytest
from flask import Flask

from quizsvc.audit import AuditEntry
from quizsvc.core import linkcode
from quizsvc.core.questionnaire import Condition, Question
from quizsvc.db import db
from quizsvc.survey.models import Box, Taken, Turnout
from quizsvc.web.assets import ASSETS
from tests import make
from tests.browser.test_weight import FIRST_WINDOW, NEW_STYLE, NEW_SYNTAX, bare, newer, packed
from tests.signing import signed_in
from tests.support import Browser, Watch

CODE = linkcode.compose("5RVEY0")
PAGE = f"/c/{CODE}/survey"
HEARD = Question("choice", "听过吗？", True, options=("听过", "没听过"))
MARK = Question(
    "rating", "几分？", True, low=1, high=5, ends=("没用", "有用"), shown_if=(Condition(0, (0,)),)
)
AGE = Question("number", "多大？", False, low=6, high=120)
SAY = Question("long", "想说什么？", False, high=50)
PARTS = Question("matrix", "各部分？", False, options=("好", "一般"), rows=("讲解", "材料"))
SOME = Question("choices", "在哪？", False, options=("课上", "家里", "网上"), low=1, high=2)
WORD = Question("short", "一句话", False, high=8)
ROOM = Question("choice", "哪一场？", True, options=("上午", "下午"), capacities=(1, None))


@pytest.fixture
def unit(app: Flask, at: Any) -> Any:
    return make.a_class(make.a_school(make.a_county()), pupils=12)


def test_page_asks_what_is_met_and_hides_the_rest_without_script(
    unit: Any, phone: Browser, watch: Watch
) -> None:
    make.a_survey(unit, HEARD, MARK, AGE, SAY, PARTS, SOME, WORD, opening="第一段\n第二段")
    phone.get(PAGE)

    with watch.counting() as seen:
        answer = phone.get(PAGE)

    assert (answer.status_code, len(seen)) == (200, 1)
    assert 'data-if="0:0" hidden disabled' in answer.text
    assert 'name="shown" value="0,2,3,4,5,6,"' in answer.text
    assert "谁答过，老师知道；" in answer.text
    assert "谁答了什么，没有人知道" in answer.text
    assert "请不要写姓名、电话" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_answer_that_opens_a_question_brings_the_page_back_with_it_and_all_that_was_typed(
    unit: Any, phone: Browser
) -> None:
    make.a_survey(unit, HEARD, MARK, AGE, SAY)
    typed = {"shown": "0,2,3,", "seat": "７", "q0": "0", "q2": "十二", "q3": "<b>话"}

    back = phone.post(PAGE, data=typed)
    added = phone.post(PAGE, data={**typed, "q2": "12"})
    sent = phone.post(PAGE, data={**typed, "q2": "12", "q1": "4", "shown": "0,1,2,3,"})
    again = phone.post(
        PAGE, data={**typed, "q2": "12", "q1": "4", "shown": "0,1,2,3,"}, follow_redirects=True
    )

    assert (back.status_code, added.status_code) == (400, 200)
    assert "这里只写一个整数" in back.text
    assert "多了 1 道题" in added.text
    for page in (back, added):
        assert 'value="0" checked' in page.text
        assert "&lt;b&gt;话</textarea>" in page.text
        assert 'name="seat"' in page.text
        assert 'value="７"' in page.text
        assert 'data-if="0:0">' in page.text
        assert 'id="q1f"' not in page.text
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{PAGE}/done")
    assert "已经收到" in again.text
    assert db.session.query(Box).filter_by(kind="choices").one().answers == [{"0": 0, "1": 4, "2": 12}]


def test_seat_that_is_missing_or_refused_is_told_beside_its_field(unit: Any, phone: Browser) -> None:
    make.a_survey(unit, HEARD)

    for seat, status, said in (
        ("", 400, "请写你的序号"),
        ("七", 400, "请写"),
        ("99", 409, "99 号现在不能开始"),
    ):
        answer = phone.post(PAGE, data={"seat": seat, "q0": "1"})
        assert (answer.status_code, said in answer.text, 'id="seat-fault"' in answer.text) == (
            status,
            True,
            True,
        )
        assert 'value="1" checked' in answer.text
    assert db.session.query(Turnout).count() == 0


def test_full_option_is_shown_as_full_and_refused_kindly(unit: Any, phone: Browser, app: Flask) -> None:
    make.a_survey(unit, ROOM, SAY, identity="anonymous", closing="用来排下一次的课。")
    first = phone.get(PAGE)
    assert "已满" not in first.text
    assert "没有人知道你是谁" in first.text
    assert "用来排下一次的课。" in phone.post(PAGE, data={"q0": "0"}, follow_redirects=True).text
    other = app.test_client()

    refused = other.post(PAGE, data={"q0": "0", "q1": "都挺好"})

    assert refused.status_code == 409
    assert "刚刚满了" in refused.text
    assert "已满" in refused.text
    assert "都挺好" in refused.text
    assert db.session.query(Taken).one().taken == db.session.query(Turnout).count() == 1
    assert other.post(PAGE, data={"q0": "1"}).status_code == 303


def test_phone_whose_answer_was_lost_is_known_again(unit: Any, phone: Browser) -> None:
    make.a_survey(unit, HEARD, identity="anonymous")
    phone.get(PAGE)

    told = [phone.post(PAGE, data={"q0": "0"}).headers["Location"] for _ in range(2)]

    assert told == [f"{PAGE}/done", f"{PAGE}/done?again=1"]


def test_survey_that_is_not_open_says_so_and_other_rounds_have_none(
    unit: Any, phone: Browser, at: Any
) -> None:
    make.a_survey(unit, HEARD)
    other = linkcode.compose("7K3M90")
    make.a_link(make.a_round(unit), unit, code=other)
    assert phone.get(f"/c/{other}/survey").status_code == 404
    assert phone.get(f"/c/{linkcode.compose('7K3M91')}/survey").status_code == 404

    at(make.LONG_AGO)
    assert "还没到开始的时间" in phone.get(PAGE).text
    at(make.CLOSES)
    assert "这份问卷已经结束" in phone.get(PAGE).text
    assert phone.post(PAGE, data={"seat": "1", "q0": "0"}).status_code == 410


FULL = {0: 0, 1: 4, 2: 12, 3: "很好", 4: (0, 1), 5: (0, 2), 6: "好"}


def test_results_show_sums_with_their_number_and_the_teacher_who_has_answered(
    unit: Any, app: Flask, at: Any, watch: Watch
) -> None:
    asked = (HEARD, MARK, AGE, SAY, PARTS, SOME, WORD)
    others = [{0: 1, 1: 1}, {0: 1}]
    round_ = make.a_survey(unit, *asked, answers=[FULL] * 6 + others)
    teacher = signed_in(app, make.a_staff("lin", "林老师", ("class_teacher", unit)))
    address = f"/staff/rounds/{round_.id}/survey/{unit.id}"
    teacher.get(address)

    with watch.counting() as seen:
        page = teacher.get(address).text

    assert len(seen) == 12
    assert '平均 <b class="n">3.57</b> 分（25 ÷ 7）' in page
    assert "6/8 " in page
    assert "75.0%" in page
    assert "中位数" in page
    assert "谁答过" in page
    assert "很好" not in page
    assert "counts.csv" not in page
    assert teacher.get(f"/staff/rounds/{round_.id}/survey/words").status_code == 404


def test_help_is_kept_with_the_answer_and_told_of_the_whole_round(
    unit: Any, phone: Browser, app: Flask
) -> None:
    round_ = make.a_survey(unit, HEARD, answers=[{0: 0}] * 6)
    box = db.session.query(Box).one()
    box.answers, box.count = [*box.answers, *[{"0": 1, "helped": True}] * 5], 11
    db.session.commit()
    bureau = signed_in(app, make.a_staff("bureau", "局里", ("organizer", unit)))
    address = f"/staff/rounds/{round_.id}/survey/{unit.id}"

    back = phone.post(PAGE, data={"seat": "", "q0": "1", "helped": "1"})
    phone.post(PAGE, data={"seat": "7", "q0": "1", "helped": "1"})

    assert 'name="helped" value="1" checked' in back.text
    assert 'name="helped" value="1">' in phone.get(PAGE).text
    assert db.session.query(Box).filter_by(number=0).one().answers == [{"0": 1, "helped": True}]
    assert '其中 <b class="n">5</b> 份是有人帮着填的' in bureau.get(address).text
    assert "其中,5 份是有人帮着填的" in bureau.get(f"{address}/counts.csv").text
    box.answers = [{"0": 0}] * 11
    db.session.commit()
    assert "有人帮着填的" not in bureau.get(address).text + bureau.get(f"{address}/counts.csv").text


def test_few_answers_are_not_shown_nor_those_beside_them(unit: Any, app: Flask) -> None:
    school = db.session.get(type(unit), unit.parent_id)
    round_ = make.a_survey(school, HEARD, MARK, answers=[{0: 0, 1: 4}] * 6)
    db.session.query(Box).update({"unit_id": unit.id})
    other = make.a_class(school, code="704", name="七年级（4）班")
    make.saved(
        Box(
            round_id=round_.id,
            unit_id=other.id,
            kind="choices",
            question=-1,
            number=1,
            count=2,
            answers=[{"0": 1}] * 2,
        )
    )
    head = signed_in(app, make.a_staff("he", "何主任", ("school_admin", school)))
    page = {one.id: head.get(f"/staff/rounds/{round_.id}/survey/{one.id}").text for one in (unit, other)}

    assert "这里的结果先不单独显示" in page[unit.id]
    assert "不足 5 份，先不显示" in page[other.id]
    assert "6/" not in page[unit.id]
    assert "几分" not in head.get(f"/staff/rounds/{round_.id}/survey/{unit.id}/counts.csv").text
    teacher = signed_in(app, make.a_staff("wang", "王老师", ("class_teacher", other)))
    assert teacher.get(f"/staff/rounds/{round_.id}/survey/{unit.id}").status_code == 404
    county = db.session.get(type(unit), school.parent_id)
    outside = make.a_class(make.a_school(county, "xz", "乡中"))
    bureau = signed_in(app, make.a_staff("bureau", "局里", ("organizer", county)))
    assert bureau.get(f"/staff/rounds/{round_.id}/survey/{outside.id}").status_code == 404


def test_export_holds_the_counts_guarded_and_is_recorded(unit: Any, app: Flask) -> None:
    formula = Question("choice", "=1+1", True, options=("=2", "三"))
    round_ = make.a_survey(unit, formula, MARK, AGE, SAY, PARTS, answers=[FULL_FEW] * 5)
    bureau = signed_in(app, make.a_staff("bureau", "局里", ("organizer", unit)))
    address = f"/staff/rounds/{round_.id}/survey/{unit.id}/counts"

    text = bureau.get(f"{address}.csv").get_data().decode("utf-8-sig")
    book = bureau.get(f"{address}.xlsx").get_data()

    assert "1,'=1+1,单选,,'=2,5,5" in text
    assert "2,几分？,打分,,总分,20,5" in text
    assert "3,多大？,数字,,中位数,12,5" in text
    assert "5,各部分？,矩阵,材料,一般,5,5" in text
    assert "很好" not in text
    assert book.startswith(b"PK")
    assert db.session.query(AuditEntry).filter_by(action="survey.counts_exported").count() == 2


FULL_FEW = {one: FULL[one] for one in range(5)}


def test_words_are_the_owners_alone_covered_when_listed_and_recorded(unit: Any, app: Flask) -> None:
    said = [{0: text} for text in ("挺好", "加ＱＱ群", "有用", "例子多", "<script>")]
    said = [*said[:1], *({**one, 1: "谁也看不见"} for one in said[1:])]
    round_ = make.a_survey(unit, SAY, WORD, answers=said, words=("qq",))
    owner = signed_in(app, make.a_staff("bureau", "局里", ("organizer", unit)))

    page = owner.get(f"/staff/rounds/{round_.id}/survey/words").text

    assert page.count("这一条里有列出的词") == 1
    assert "加ＱＱ群" in page
    assert "&lt;script&gt;" in page
    assert "谁也看不见" not in page
    assert db.session.query(AuditEntry).filter_by(action="survey.words_seen").count() == 1


def test_page_and_script_are_light_and_understood_by_old_phones(unit: Any, phone: Browser) -> None:
    asked = tuple(
        Question(
            one.kind,
            f"第 {number} 次问：{one.text}",
            False,
            one.options,
            one.rows,
            one.low,
            one.high,
            one.ends,
        )
        for number in range(3)
        for one in (HEARD, MARK, AGE, SAY, PARTS, SOME, WORD)
    )
    make.a_survey(unit, *asked)
    names = ("tokens.css", "quiz.css", "survey.css", "survey.js", "aloud.js")

    page = phone.get(PAGE).get_data()

    assert packed(page) + sum(packed(ASSETS[name].body) for name in names) <= FIRST_WINDOW
    assert newer(bare(ASSETS["survey.js"].body.decode()), NEW_SYNTAX) == []
    assert newer(ASSETS["survey.css"].body.decode(), NEW_STYLE) == []
