"""Moodle XML: what Moodle exports is understood, and our own items come back as they were."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import exchange
from quizsvc.core.bankfile import Explanation, Item, Option
from quizsvc.core.exchange import Choice, Draft, Reading, Rejected
from quizsvc.formats import markup, moodle
from quizsvc.uploads import Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY, items
from tests.patience import in_time

relaxed = settings(deadline=None, database=None, max_examples=25)

SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
<!-- question: 0  -->
  <question type="category">
    <category><text>$course$/top/反诈</text></category>
  </question>
  <question type="multichoice">
    <name><text>刷单 01</text></name>
    <questiontext format="html">
      <text><![CDATA[<p dir="ltr">先垫付再返利，<b>可信</b>吗？<br></p><p>请选一项&nbsp;&lt;A&gt;</p>]]></text>
    </questiontext>
    <generalfeedback format="html"><text><![CDATA[<p>返利是诱饵。</p>]]></text></generalfeedback>
    <idnumber>fraud-01</idnumber>
    <single>true</single>
    <correctfeedback format="html"><text>您的回答正确。</text></correctfeedback>
    <answer fraction="0" format="html">
      <text><![CDATA[<p>可信</p>]]></text>
      <feedback format="html"><text><![CDATA[<p>再想想</p>]]></text></feedback>
    </answer>
    <answer fraction="100" format="html">
      <text>&lt;p&gt;不可信 &amp;amp; 报警&lt;/p&gt;</text>
      <feedback format="html"><text></text></feedback>
    </answer>
    <answer fraction="33.33333"><text>问问
家人</text></answer>
    <tags><tag><text>期中</text></tag></tags>
  </question>
  <question type="multichoice">
    <name><text></text></name>
    <questiontext format="markdown"><text> 哪些要停一停？ </text></questiontext>
    <single>false</single>
    <answer fraction="50"><text>垫付</text><feedback><text>对</text></feedback></answer>
    <answer fraction="50"><text>保密</text><feedback><text>也对</text></feedback></answer>
    <answer fraction="-100"><text>问家长</text></answer>
  </question>
  <question type="truefalse">
    <name><text>判断</text></name>
    <questiontext format="plain_text"><text>公安会在网上办案。</text></questiontext>
    <answer fraction="100"><text>false</text><feedback><text>公安不会。</text></feedback></answer>
    <answer fraction="0"><text>true</text></answer>
  </question>
</quiz>
"""


@pytest.fixture
def example():
    """A plain item."""
    return Item(
        code="example-1",
        kind="single_choice",
        topic="brushing",
        audiences=("netizen",),
        difficulty=1,
        stem="哪个安全？",
        options=(Option("甲"), Option("乙", True), Option("丙")),
        explanation=Explanation("骗", "破", "应"),
        source="来源",
        reviewed_on=DEFAULTS.day,
    )


def question(inner: str, kind: str = "multichoice") -> Reading:
    """What is read of a file with one question."""
    text = "<questiontext><text>题干</text></questiontext>"
    return moodle.read(f'<quiz><question type="{kind}">{text}{inner}</question></quiz>'.encode())


def reason(inner: str, kind: str = "multichoice") -> str:
    """Why the only question of a file is not taken."""
    (rejected,) = question(inner, kind).rejected
    assert (rejected.place, rejected.text) == ("第 1 题", "题干")
    return rejected.reason


def answers(*fractions: object) -> str:
    """Answers with these fractions."""
    return "".join(
        f'<answer fraction="{fraction}"><text>选项 {place}</text></answer>'
        for place, fraction in enumerate(fractions)
    )


def taken_back(*several: Item) -> tuple[Item, ...]:
    """The items after they were written, read and taken by a bank that knows nothing."""
    reading = moodle.read(moodle.write(several, VOCABULARY, title="题库"))
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert (reading.notes, rejected) == ((), ())
    return tuple(one.item for one in taken)


def test_a_file_of_moodle_is_read():
    assert moodle.read(SAMPLE.encode()) == Reading(
        "Moodle XML",
        (
            Draft(
                "第 1 题（刷单 01）",
                "先垫付再返利，可信吗？\n请选一项 <A>",
                (Choice("可信", note="再想想"), Choice("不可信 & 报警", True), Choice("问问\n家人")),
                explanation="返利是诱饵。",
                tags=("期中",),
            ),
            Draft(
                "第 2 题",
                "哪些要停一停？",
                (Choice("垫付", True, "对"), Choice("保密", True, "也对"), Choice("问家长")),
                explanation="对\n也对",
            ),
            Draft(
                "第 3 题（判断）",
                "公安会在网上办案。",
                (Choice("对"), Choice("不对", True, "公安不会。")),
                kind="true_false",
                explanation="公安不会。",
            ),
        ),
        notes=(moodle.PARTS,),
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("shortanswer", "填空题"),
        ("numerical", "数值题"),
        ("matching", "配对题"),
        ("essay", "问答题"),
        ("cloze", "完形填空题"),
        ("stack", "“stack”类型的题"),
    ],
)
def test_other_questions_are_rejected_with_a_way_on(kind, name):
    assert reason(answers(100, 0), kind) == (
        f"这是{name}，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。"
    )


def test_a_description_is_no_question_and_is_left_out_quietly():
    reading = question("", "description")
    assert (reading.drafts, reading.rejected) == ((), ())


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (answers(50, 0), "没有一个选项能得满分。请把正确答案的成绩设为 100% 再导入。"),
        (answers("nan", "x"), "没有一个选项能得满分。请把正确答案的成绩设为 100% 再导入。"),
        (answers(100, 100, 0), "单选题有几个满分的答案。请改成多选题，或者只留一个满分。"),
        (
            "<single>1</single>" + answers(100, 100),
            "单选题有几个满分的答案。请改成多选题，或者只留一个满分。",
        ),
        (
            answers(100) + '<answer fraction="0"><text> </text></answer>',
            "有的选项里没有文字，请补上文字后再导入。",
        ),
        ("", "没有选项。请在原来的系统里补上选项再导入。"),
    ],
)
def test_a_question_without_a_clear_key_is_rejected(inner, said):
    assert reason(inner) == said


def test_a_true_or_false_question_needs_both_answers():
    said = "判断题的答案应该是 true 和 false 两个，其中一个得满分。请在 Moodle 里重新保存这道题。"
    assert reason('<answer fraction="100"><text>是</text></answer>', "truefalse") == said
    both = '<answer fraction="0"><text>true</text></answer><answer fraction="0"><text>false</text></answer>'
    assert reason(both, "truefalse") == said


def test_pictures_are_left_out_with_a_note():
    body = SAMPLE.replace("先垫付再返利，", '先垫付再返利，<img src="@@PLUGINFILE@@/a.png">')
    assert moodle.read(body.encode()).notes == (markup.NO_PICTURES, moodle.PARTS)
    attached = question(answers(100, 0) + '<file name="a.png" encoding="base64">AAAA</file>')
    assert attached.notes == (markup.NO_PICTURES,)


def test_a_stem_that_is_only_a_picture_is_rejected():
    text = '<questiontext format="html"><text>&lt;img src="a.png"&gt;</text></questiontext>'
    body = f'<quiz><question type="multichoice">{text}{answers(100, 0)}</question></quiz>'
    assert moodle.read(body.encode()) == Reading(
        "Moodle XML",
        (),
        (Rejected("第 1 题", "", "题干里没有文字，请补上文字后再导入。"),),
        (markup.NO_PICTURES,),
    )


def test_an_id_of_somebody_else_is_no_code():
    (draft,) = question("<idnumber>17</idnumber>" + answers(100, 0)).drafts
    assert draft.code == ""


@relaxed
@given(st.lists(items(), max_size=3, unique_by=(lambda item: item.code, exchange.scene_and_stem)))
def test_items_come_back_as_they_were(several):
    assert [moodle.losses(item) for item in several] == [()] * len(several)
    assert taken_back(*several) == tuple(several)


@relaxed
@given(items(extra="\x01\x1f\r"))
def test_an_item_that_does_not_come_back_was_told_so(item):
    assert moodle.losses(item) or taken_back(item) == (item,)


@pytest.mark.parametrize("keys", range(2, 8))
def test_right_choices_share_the_grade_and_a_wrong_one_takes_it(example, keys):
    options = tuple(Option(f"选项 {place}", place < keys) for place in range(keys + 1))
    body = moodle.write([replace(example, kind="multiple_choice", options=options)], VOCABULARY, title="题库")
    fractions = [float(one.get("fraction")) for one in markup.tree(body, broken="").iter("answer")]
    assert sum(fractions[:-1]) == pytest.approx(100, abs=0.001)
    assert len(set(fractions[:-1])) == 1
    assert fractions[-1] == -100


def test_a_file_for_moodle_says_everything_in_its_own_words(example):
    options = (Option("甲", belief="first_payout_real"), Option("乙", True, pinned=True), Option("丙"))
    item = replace(example, options=options, stem="哪个 <安全>？")
    root = markup.tree(moodle.write([item], VOCABULARY, title="一/二"), broken="")
    category, asked = root
    assert category.findtext("category/text") == "$course$/top/一//二"
    assert asked.get("type") == "multichoice"
    assert [one.get("fraction") for one in asked.iter("answer")] == ["0", "100", "0"]
    assert asked.findtext("idnumber") == "example-1"
    assert asked.findtext("name/text") == "example-1 哪个 <安全>？"
    assert (asked.findtext("single"), asked.findtext("shuffleanswers")) == ("true", "false")
    assert asked.find("questiontext").attrib == {"format": "plain_text"}
    assert asked.findtext("answer/feedback/text") == VOCABULARY.beliefs["first_payout_real"]
    assert [one.text for one in asked.iterfind("tags/tag/text")] == list(exchange.tags_of(item))


def test_true_or_false_is_written_as_moodle_has_it(example):
    item = replace(example, kind="true_false", options=(Option("对"), Option("不对", True)))
    asked = markup.tree(moodle.write([item], VOCABULARY, title="题库"), broken="").findall("question")[1]
    assert asked.get("type") == "truefalse"
    assert [(one.findtext("text"), one.get("fraction")) for one in asked.iter("answer")] == [
        ("true", "0"),
        ("false", "100"),
    ]
    assert asked.find("single") is None
    assert taken_back(item) == (item,)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body/></html>",
        b"<quiz><question></quiz>",
        b"<!DOCTYPE quiz [<!ENTITY a 'b'>]><quiz>&a;</quiz>",
        b"<quiz>" + b"<question>" * 500_000,
    ],
)
def test_a_file_that_is_something_else_is_refused(body):
    started = time.process_time()
    with pytest.raises(Unreadable):
        moodle.read(body)
    assert in_time(time.process_time() - started, 2)


def test_a_long_file_is_read_in_time():
    one = f'<question type="multichoice"><name><text>{"<![CDATA[<b>]]>" * 50}</text></name>{answers(100, 0)}</question>'
    body = f"<quiz>{one * 4000}</quiz>".encode()
    assert len(body) > 3_000_000
    started = time.process_time()
    assert len(moodle.read(body).rejected) == 4000
    assert in_time(time.process_time() - started, 2)
