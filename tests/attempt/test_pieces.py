"""The page of questions from its pieces: the same words, order and tokens as the paper says, escaped."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from quizsvc.attempt import pieces, queries
from quizsvc.core.bankfile import Explanation, Option, Scene
from quizsvc.core.marking import Saved
from quizsvc.db import db
from quizsvc.paper import queries as paper
from tests import make
from tests.attempt.conftest import Classroom, Pupil, a_classroom

ODD = replace(
    make.an_item("odd-1"),
    stem="他说“<b>稳赚</b> & 保本”，信吗？",
    scene=Scene("sms", "A & B <客服>", "点 <a> 领 3 倍\n名额有限", ("名额有限",)),
    options=(
        Option("选 <i>甲</i>"),
        Option("选 & 乙", key=True),
        Option('选 "丙"'),
        Option("都不选 '丁'", pinned=True),
    ),
    explanation=Explanation("用 <小利> 引人。", "真的不会 & 不催。", "停下来。"),
)


@pytest.fixture
def sheet(app: Any, at: Any, phone: Any) -> queries.Sheet:
    unit = make.a_class(make.a_school(make.a_county()), pupils=3)
    many = replace(make.an_item("many-1"), kind="multiple_choice", options=(
        Option("一", key=True), Option("二", key=True), Option("三"), Option("四"),
    ))  # fmt: skip
    round_ = make.a_round(unit, paper=make.a_paper(pool=[ODD, many], drawn=2))
    make.a_link(round_, unit, code="7K3M9Q8")
    pupil = Pupil(phone)
    pupil.start()
    db.session.rollback()
    return pupil.sheet


def words(html: str) -> list[str]:
    return [unescape(text) for text in re.findall(r'<span data-k="\w">([^<]*)</span>', html)]


def test_questions_have_the_words_order_and_tokens_of_the_paper(sheet: queries.Sheet, app: Any) -> None:
    frozen = paper.frozen(sheet.paper_id)
    told = paper.view(frozen, sheet.form, sheet.seed)

    with app.test_request_context():
        html = str(pieces.written(frozen, sheet).questions)

    shown = [option for item in told.items for option in item.options]
    assert words(html) == [option.text for option in shown]
    assert re.findall(r'value="([a-z2-7]{4})"', html) == [option.token for option in shown]
    assert re.findall(r'data-k="(\w)"', html) == [option.letter for option in shown]
    assert re.findall(r'id="q(\d+)"', html) == ["1", "2"]
    assert [unescape(stem) for stem in re.findall(r'<h2 tabindex="-1">(.*?)</h2>', html)] == [
        item.stem for item in told.items
    ]
    assert html.count('type="checkbox"') == html.count('type="radio"') == 4
    assert not re.search("[\ue000-\uf8ff]", html)
    assert "<客服>" not in html
    assert "<i>甲" not in html


def test_saved_answers_are_checked_and_numbered(sheet: queries.Sheet, app: Any) -> None:
    frozen = paper.frozen(sheet.paper_id)
    told = paper.view(frozen, sheet.form, sheet.seed).items
    chosen = (told[0].options[2].token, told[0].options[0].token)

    with app.test_request_context():
        html = str(pieces.written(frozen, replace(sheet, answers={1: Saved(7, chosen)})).questions)

    assert sorted(re.findall(r'value="([a-z2-7]{4})" checked', html)) == sorted(chosen)
    assert re.findall(r'data-n="(\d+)"', html) == ["7", "0"]


def test_mentions_and_lines_name_every_position(sheet: queries.Sheet, app: Any) -> None:
    with app.test_request_context():
        written = pieces.written(paper.frozen(sheet.paper_id), sheet)

    assert (
        re.findall(r'href="#q(\d+)"', written.mentions)
        == re.findall(r'href="#q(\d+)"', written.lines)
        == ["1", "2"]
    )
    assert "第 2 题：" in written.mentions


def test_lesson_marks_tells_and_escapes(sheet: queries.Sheet, app: Any) -> None:
    frozen = paper.frozen(sheet.paper_id)
    odd = next(one.index for one in frozen.items if one.item.code == "odd-1")

    with app.test_request_context():
        lesson = pieces.lesson(frozen, odd)

    assert '<span class="mk">名额有限</span>' in lesson.scene
    assert "A &amp; B &lt;客服&gt;" in lesson.scene
    assert "用 &lt;小利&gt; 引人。" in lesson.why


def test_pieces_of_two_papers_do_not_mix(app: Any, at: Any, phone: Any) -> None:
    first: Classroom = a_classroom()
    one, two = (
        paper.frozen(first.round.paper_id),
        paper.frozen(make.a_paper(pool=[ODD]).id),
    )

    with app.test_request_context():
        assert pieces.lesson(one, 0) != pieces.lesson(two, 0)
