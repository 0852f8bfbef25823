"""Questions as teachers paste them."""

import time
import tracemalloc
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.exchange import Draft, Reading
from quizsvc.formats import plaintext
from quizsvc.uploads import Unreadable
from tests.patience import in_time

relaxed = settings(deadline=None, database=None, max_examples=40)

AB = "A. 转账\nB. 报警\n"
TRUE_FALSE = ("对", "不对")


class Told(NamedTuple):
    """What matters of a draft."""

    stem: str
    texts: tuple[str, ...]
    keys: str
    kind: str = ""
    explanation: str = ""


def told(draft: Draft) -> Told:
    keys = "".join(letter for letter, choice in zip("ABCDEFGHIJ", draft.choices, strict=False) if choice.key)
    return Told(
        draft.stem, tuple(choice.text for choice in draft.choices), keys, draft.kind, draft.explanation
    )


def clean(text: str) -> Reading:
    """A reading nothing of which was rejected."""
    reading = plaintext.read(text)
    assert reading.rejected == ()
    return reading


def only(text: str) -> Told:
    (draft,) = clean(text).drafts
    return told(draft)


def stems(text: str) -> list[tuple[str, str]]:
    """Stem and key of every question."""
    return [(one.stem, one.keys) for one in map(told, clean(text).drafts)]


def reasons(text: str) -> list[tuple[str, str, str]]:
    return [(one.place, one.text, one.reason) for one in plaintext.read(text).rejected]


# --- numbers


@pytest.mark.parametrize(
    "number",
    [
        *(
            "1. ",
            "1.",
            "1、",
            "１．",
            "1）",
            "1) ",
            "（1）",
            "(1) ",
            "(1)、",
            "【1】",
            "[1] ",
            "1 ",
            "1：",
            "1\t",
        ),
        *(
            "第1题 ",
            "第一题：",
            "第 1 题、",
            "Q1 ",
            "Q1. ",
            "q1：",
            "Question 1. ",
            "题1：",
            "题目 1、",
            "一、",
            "",
        ),
    ],
)
def test_numbers_are_not_part_of_the_stem(number: str) -> None:
    assert only(f"{number}遇到诈骗怎么办？\n{AB}答案：B") == Told("遇到诈骗怎么办？", ("转账", "报警"), "B")


@pytest.mark.parametrize("number", ["", "1. ", "1.\n", "1. [单选题]\n"])
def test_parts_may_be_labelled(number: str) -> None:
    asked = f"题目：怎么办？\n选项：\n{AB}答案：B\n".replace("题目", "题干" if number else "题目")

    assert stems(number + asked + asked) == [("怎么办？", "B"), ("怎么办？", "B")]


def test_number_may_stand_on_a_line_of_its_own() -> None:
    assert only(f"1.\n怎么办？\n{AB}答案：B").stem == "怎么办？"


def test_figures_are_no_numbers_of_questions() -> None:
    text = f"1. 充值\n3.5 万元\n96110 打来电话\n怎么办？\n{AB}答案：B\n2.2026 年怎么办？\n{AB}答案：A"

    assert stems(text) == [("充值\n3.5 万元\n96110 打来电话\n怎么办？", "B"), ("2026 年怎么办？", "A")]


def test_statements_below_a_stem_are_part_of_it() -> None:
    text = "1. 正确的有\n（1）不转账\n（2）转账\nA. （1）\nB. （2）\n答案：A\n2. 二\n" + AB + "答案：B"

    assert stems(text) == [("正确的有\n（1）不转账\n（2）转账", "A"), ("二", "B")]


def test_tens_in_chinese_are_numbers() -> None:
    text = "".join(f"第{number}题 问{number}\n{AB}" for number in ("九", "十", "十一", "二十", "二十一"))
    answers = "答案：9.A 10.B 11.A 20.B 21.A"

    assert [key for _, key in stems(text + answers)] == ["A", "B", "A", "B", "A"]


def test_blank_lines_are_not_needed_and_do_no_harm() -> None:
    text = f"1. 一\n{AB}答案：A\n2. 二\n{AB}答案：B"

    assert stems(text) == stems(text.replace("\n", "\n\n")) == stems(text.replace("\n", "\r\n　\r\n"))


def test_places_are_the_lines_an_editor_shows() -> None:
    reading = clean(f"\ufeff题库\r\n\r\n1. 一\v二\r\n{AB}答案：A\r\n\r2. 二\n{AB}答案：B")

    assert [draft.place for draft in reading.drafts] == ["第 3 行", "第 8 行"]
    assert reading.drafts[0].stem == "一\n二"


# --- kinds


@pytest.mark.parametrize(
    "mark", ["[单选题]", "【单选】", "（单选题）", "[单选题, 2 分]", "［单项选择题］", "(单选) "]
)
@pytest.mark.parametrize(
    "form", ["1. {mark}怎么办？", "1. 怎么办？{mark}", "1. 怎么办？ {mark} *", "1. {mark}\n怎么办？"]
)
def test_marks_of_kind_are_understood_and_taken_away(form: str, mark: str) -> None:
    told_ = only(f"{form.format(mark=mark)}\n{AB}答案：B")

    assert (told_.stem, told_.kind) == ("怎么办？", "single_choice")


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("[多选题]", "multiple_choice"),
        ("【多项选择题】", "multiple_choice"),
        ("（判断）", "true_false"),
        ("多选题：", "multiple_choice"),
        ("[不定项选择题]", ""),
        ("[选择题]", ""),
    ],
)
def test_kinds(mark: str, kind: str) -> None:
    assert only(f"1. {mark}哪个？\nA. 对\nB. 错\n答案：A").kind == kind


def test_line_of_its_own_may_tell_the_kind() -> None:
    assert only(f"1. 怎么办？\n{AB}答案：AB\n题型：多选题").kind == "multiple_choice"
    assert only(f"1. 怎么办？\n{AB}答案：AB\n题型：作文").kind == ""


@pytest.mark.parametrize(
    "heading",
    [
        *("一、单选题（每题 2 分，共 20 分）", "二、单项选择题：请选一个", "（一）单选题", "第一部分 单选题"),
        *("单选题", "单选题：", "单选题（共 10 题）", "1. 单选题（每题 2 分）", "单选题 共 10 题"),
    ],
)
def test_headings_tell_the_kind_of_what_follows(heading: str) -> None:
    reading = clean(
        f"{heading}\n1. 一\n{AB}答案：A\n2. [多选题]二\n{AB}答案：AB\n三、判断题\n3. 三\n答案：对"
    )

    assert [draft.kind for draft in reading.drafts] == ["single_choice", "multiple_choice", "true_false"]


def test_heading_without_a_kind_ends_the_kind_before_it() -> None:
    reading = clean(f"一、单选题\n1. 一\n{AB}答案：A\n二、网络诈骗\n1. 二\n{AB}答案：B")

    assert [draft.kind for draft in reading.drafts] == ["single_choice", ""]


def test_points_and_limits_are_no_part_of_a_stem() -> None:
    assert only(f"1. （2分）怎么办？[多选题] [最多选择2项]（分值：5 分）\n{AB}答案：AB").stem == "怎么办？"


@pytest.mark.parametrize(
    "text", ["1. 电话是____。[填空题]\n答案：110", "四、简答题\n1. 电话是____。\n答案：110"]
)
def test_other_kinds_are_rejected(text: str) -> None:
    ((_, _, reason),) = reasons(text)

    assert reason == "只能导入单选题、多选题和判断题。"


# --- options


@pytest.mark.parametrize(
    "options",
    [
        "A. 转账\nB. 报警\nC. 聊天",
        "A、转账\nB、报警\nC、聊天",
        "Ａ．转账\nＢ．报警\nＣ．聊天",
        "(A) 转账\n(B) 报警\n(C) 聊天",
        "（A）转账\n（B）报警\n（C）聊天",
        "A) 转账\nB) 报警\nC) 聊天",
        "A：转账\nB：报警\nC：聊天",
        "a. 转账\nb. 报警\nc. 聊天",
        "A 转账\nB 报警\nC 聊天",
        "A，转账\nB，报警\nC，聊天",
        "○ 转账\n○ 报警\n○ 聊天",
        "□转账 □报警 □聊天",
        "○A. 转账\n○B. 报警\n○C. 聊天",
        "A. 转账 B. 报警 C. 聊天",
        "A.转账B.报警C.聊天",
        "A、转账；B、报警；C、聊天".replace("；", " "),
        "A. 转账\tB. 报警\nC. 聊天",
        "(A)转账 (B)报警 (C)聊天",
        "A. 转\n账\nB. 报警\nC. 聊天",
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_options(options: str, between: str) -> None:
    assert only(f"1. 怎么办？{between}{options}\n答案：B") == Told("怎么办？", ("转账", "报警", "聊天"), "B")


@pytest.mark.parametrize(
    "options", ["A. 转账 B. 报警", "（A）转账（B）报警", " A．转账\nB．报警", "A.转账B.报警"]
)
def test_options_in_the_line_of_the_stem(options: str) -> None:
    assert only(f"1. 怎么办？{options}\n答案：B") == Told("怎么办？", ("转账", "报警"), "B")


def test_letters_inside_texts_are_no_options() -> None:
    text = "1. A、B两人谁对？\nA. 计划B、计划C\nB. 计划D\n答案：A"

    assert only(text) == Told("A、B两人谁对？", ("计划B、计划C", "计划D"), "A")


def test_letters_that_name_people_are_no_options() -> None:
    assert only("1. A、B、C三人都被骗了。（√）").stem == "A、B、C三人都被骗了。"


def test_ten_options_in_a_line() -> None:
    assert (
        only("1. 数？\n" + " ".join(f"{letter}.{letter}数" for letter in "ABCDEFGHIJ") + "\n答案：J").keys
        == "J"
    )


def test_english_lines_of_an_option_keep_their_space() -> None:
    assert only("Which?\nA. call the\npolice\nB. pay\nANSWER: A").texts == ("call the police", "pay")


@pytest.mark.parametrize(
    "options",
    [
        "A. 转账\nB. 报警(正确答案)",
        "A. 转账\nB. 报警 【正确】",
        "A. 转账\nB. 报警 √",
        "A. 转账\n*B. 报警",
        "○ 转账\n● 报警",
        "□ A. 转账\n☑ B. 报警",
        "□ 转账 ☑ 报警",
    ],
)
def test_options_may_be_marked_right_where_they_stand(options: str) -> None:
    assert only(f"1. 怎么办？[单选题]\n{options}") == Told("怎么办？", ("转账", "报警"), "B", "single_choice")


@pytest.mark.parametrize(
    ("options", "letter"), [("B. 一\nC. 二", "B"), ("A. 一\nC. 二", "C"), ("A. 一\nA. 二", "A")]
)
def test_letters_out_of_order_are_rejected(options: str, letter: str) -> None:
    assert reasons(f"1. 怎么办？\n{options}\n答案：A") == [
        ("第 1 行", "怎么办？", f"选项的字母要从 A 起一个接一个，这里的 {letter} 接不上。")
    ]


# --- answers


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "答案：AB",
            "答案:A、B",
            "【答案】AB",
            "［答案］A，B",
            "正确答案：A、B",
            "参考答案：A B",
            "标准答案： ab。",
        ),
        *(
            "ANSWER: AB",
            "Answer: A,B",
            "答：AB",
            "答案 AB",
            "答案：（AB）",
            "(答案：AB)",
            "【正确答案】：AB",
            "答案：选AB项",
        ),
        *("正确答案是：AB", "本题答案：A和B", "答案：\nAB", "正确选项：A;B", "答案：AB\n答案：A B"),
    ],
)
def test_answers(answer: str) -> None:
    assert only(f"1. 怎么办？\nA. 报警\nB. 挂断\nC. 转账\n{answer}").keys == "AB"


@pytest.mark.parametrize("answer", ["B. 报警", "B、报警。", "报警", "B （报警）", "B"])
def test_answer_may_repeat_the_option(answer: str) -> None:
    assert only(f"1. 怎么办？\n{AB}答案：{answer}").keys == "B"


@pytest.mark.parametrize(
    "line",
    ["1. 怎么办？ 答案：B\n" + AB, "1. 怎么办？\nA. 转账\nB. 报警 【答案】B", f"1. 怎么办（B）？\n{AB}"],
)
def test_answer_may_stand_in_another_line(line: str) -> None:
    assert only(line).keys == "B"


def test_words_after_an_answer_are_explanation() -> None:
    assert only(f"1. 怎么办？\n{AB}答案：B，先报警").explanation == "先报警"
    assert only("1. 不能转账\n答案：对，不能").explanation == "不能"


@pytest.mark.parametrize(
    ("bracket", "stem"),
    [
        ("（ B ）", "怎么办（　）？"),
        ("(B)", "怎么办（　）？"),
        ("（Ａ，Ｂ）", "怎么办（　）？"),
        ("（　　）", "怎么办（　　）？"),
    ],
)
def test_answer_in_brackets_leaves_a_gap(bracket: str, stem: str) -> None:
    answer = "" if bracket.strip("（）　") else "答案：B"
    assert only(f"1. 怎么办{bracket}？\n{AB}{answer}").stem == stem


def test_brackets_that_are_no_answer_stay() -> None:
    assert only(f"1. 甲（C）说的对吗？\n{AB}答案：B").stem == "甲（C）说的对吗？"


def test_answer_may_stand_in_brackets_and_below() -> None:
    assert only(f"1. 怎么办（B）？\n{AB}答案：B") == Told("怎么办（　）？", ("转账", "报警"), "B")


def test_two_answers_that_differ_are_rejected() -> None:
    in_brackets, twice = f"1. 怎么办（A）？\n{AB}答案：B", f"1. 怎么办？\n{AB}答案：A\n答案：B"

    assert [one[2] for one in reasons(in_brackets) + reasons(twice)] == [
        "题干括号里的答案和后面的答案不一样，请改成一样。",
        "写了两个答案：“A”和“B”，请留下一个。",
    ]


@pytest.mark.parametrize("answer", ["C", "AAB", "不知道", "Bob", "对"])
def test_answers_that_fit_no_option_are_rejected(answer: str) -> None:
    assert reasons(f"1. 怎么办？\n{AB}答案：{answer}") == [
        ("第 1 行", "怎么办？", f"答案“{answer}”和选项对不上。请写成“答案：A”，几个答案写成“答案：AB”。")
    ]


# --- true or false


@pytest.mark.parametrize("word", ["对", "√", "正确", "T", "True", "✓", "是", "A"])
def test_right(word: str) -> None:
    assert only(f"1. [判断题]刷单违法。\n答案：{word}") == Told("刷单违法。", TRUE_FALSE, "A", "true_false")


@pytest.mark.parametrize("word", ["错", "×", "错误", "F", "FALSE", "不对", "否", "B"])
def test_wrong(word: str) -> None:
    assert only(f"1. [判断题]刷单合法。（　）\n答案：{word}") == Told(
        "刷单合法。", TRUE_FALSE, "B", "true_false"
    )


@pytest.mark.parametrize(
    "text",
    [
        "1. 刷单违法（√）",
        "1. 刷单违法。( T )",
        "（ 对 ）刷单违法",
        "刷单违法（正确）。",
        "1. 刷单违法 （ √ ）",
    ],
)
def test_true_or_false_needs_no_options_and_no_mark(text: str) -> None:
    told_ = only(text)

    assert (told_.stem.rstrip("。"), told_.texts, told_.keys, told_.kind) == (
        *("刷单违法", TRUE_FALSE, "A", "true_false"),
    )


def test_lines_each_with_its_answer_are_questions() -> None:
    assert stems(
        "刷单违法。（√）\n可以共享屏幕。（×）\n可以转账\n答案：错\n\n要报警（√）\n解析：打 110\n\n别慌（√）"
    ) == [
        ("刷单违法。", "A"),
        ("可以共享屏幕。", "B"),
        ("可以转账", "B"),
        ("要报警", "A"),
        ("别慌", "A"),
    ]


def test_words_choose_among_written_options() -> None:
    assert only("1. 刷单违法 [判断题]\nA. 正确\nB. 错误\n答案：错").keys == "B"
    assert only("1. 刷单违法 [判断题]\nA. 正确\nB. 错误\n答案：F").keys == "B"


def test_a_letter_without_options_is_no_answer_but_to_a_judgement() -> None:
    ((_, _, reason),) = reasons("1. 刷单违法\n答案：A")

    assert reason == "没有选项。选项请写成“A. 文字”，一行一个；判断题的答案请写“对”或“错”。"


# --- explanations and remarks


@pytest.mark.parametrize(
    "heading", ["解析：", "【解析】", "答案解析：", "【答案解析】", "详解:", "[解析]", "Explanation: "]
)
def test_explanations_go_on_until_the_next_question(heading: str) -> None:
    text = f"1. 一\n{AB}答案：B\n{heading}先报警。\n再说：\nA. 不选\n1. 不急\n2. 不转\n\n记住\n2. 二\n{AB}答案：A"
    first, second = map(told, clean(text).drafts)

    assert first.explanation == "先报警。\n再说：\nA. 不选\n1. 不急\n2. 不转\n记住"
    assert second.stem == "二"


def test_explanation_in_the_line_of_the_answer() -> None:
    for line in ("答案：B 解析：先报警", "【答案】B【解析】先报警", "B. 报警 答案：B。解析：先报警"):
        text = f"1. 一\nA. 转账\n{line}" if line.startswith("B.") else f"1. 一\n{AB}{line}"
        assert only(text).explanation == "先报警"


def test_text_below_an_answer_is_explanation() -> None:
    assert only(f"1. 一\n{AB}答案：B\n先报警，\n再等。").explanation == "先报警，\n再等。"


def test_three_lines_are_written_as_ours() -> None:
    text = f"1. 一\n{AB}答案：B\n骗术:先给小利\n【破绽】要垫付\n应对： 报警"

    assert only(text).explanation == "骗术：先给小利\n破绽：要垫付\n应对：报警"
    assert only(f"1. 一\n{AB}答案：B\n解析：骗术:先给小利").explanation == "骗术：先给小利"


def test_question_without_a_number_after_an_explanation() -> None:
    text = f"一？\n{AB}答案：B\n解析：因为。\n\n所以。\n\n二？\n{AB}答案：A\n解析：对。\n三？\n{AB}答案：A"

    assert stems(text) == [("一？", "B"), ("二？", "A"), ("三？", "A")]
    assert told(clean(text).drafts[0]).explanation == "因为。\n所以。"


def test_numbered_question_after_points_of_an_explanation_is_one_even_if_it_is_broken() -> None:
    reading = plaintext.read(f"4. 四\n{AB}答案：B\n解析：因为\n5. 五\n6. 六\n{AB}答案：A")

    assert [draft.stem for draft in reading.drafts] == ["四", "六"]
    assert [one.text for one in reading.rejected] == ["五"]


def test_remarks_become_tags() -> None:
    text = f"1. 一\n{AB}答案：B\n难度：易\n【来源】反诈法\n主题：刷单返利\n适用人群：初中、家长\n"
    text += "知识点：刷单\n分值：2\n来源："
    (draft,) = clean(text).drafts

    assert draft.tags == ("difficulty:1", "source:反诈法", "topic:刷单返利", "audience:初中", "audience:家长")
    assert clean(f"难度：难\n1. 一\n{AB}答案：B\n难度：较难").drafts[0].tags == ("difficulty:较难",)


# --- messages

SCENE = "【短信】1069 开头号码\n1. 您的积分\nA. 清零\n\n答案：点 xx 链接\n【问题】怎么办？"


@pytest.mark.parametrize(
    ("number", "after"), [("", "\n"), ("1. ", "\n"), ("1. [单选题]", "\n"), ("1.\n", "\n"), ("1. ", " ")]
)
def test_message_is_taken_as_it_is(number: str, after: str) -> None:
    options = AB if after == "\n" else "A. 转账 B. 报警\n"
    told_ = only(f"{number}{SCENE}{after}{options}答案：B")

    assert (told_.stem, told_.texts, told_.keys) == (SCENE, ("转账", "报警"), "B")


def test_messages_follow_each_other() -> None:
    text = f"{SCENE}\n{AB}答案：B\n\n{SCENE}\n{AB}答案：A"

    assert stems(text) == [(SCENE, "B"), (SCENE, "A")]


def test_introduction_to_a_message_is_asked_after_it() -> None:
    assert only(f"1. 看短信：\n{SCENE}\n{AB}答案：B").stem == SCENE.replace("怎么办？", "看短信：\n怎么办？")


def test_message_without_a_question_is_a_stem() -> None:
    assert only(f"1. 【短信】您的积分清零。怎么办？\n{AB}答案：B").stem == "【短信】您的积分清零。怎么办？"


# --- answers at the end

PAPER = f"一、单选题\n1. 一\n{AB}2. 二\n{AB}3. 三\n{AB}二、判断题\n1. 四\n2. 五\n"
KEYS = [("一", "A"), ("二", "B"), ("三", "B"), ("四", "A"), ("五", "B")]


@pytest.mark.parametrize(
    "answers",
    [
        "参考答案\n一、单选题\n1. A 2. B 3. B\n二、判断题\n1. √ 2. ×",
        "参考答案：\n单选题：\n1-3 ABB\n判断题：\n1-2：√×",
        "答案及解析\n一、单选题\n1.A\n2.B\n3.B\n二、判断题\n1.对\n2.错",
        "答案\n一、单选题\n1～2：A B\n3、B\n二、判断题\n1、正确；2、错误。",
        "一、单选题\n1.【答案】A\n2.【答案】B\n3. 答案：B\n二、判断题\n1.【答案】√\n2.【答案】×",
        "答案：1.A 2.B 3.B 1.√ 2.×",
        "题号 1 2 3\n答案 A B B\n题号\t1\t2\n答案\t√\t×",
        "二、判断题\n1-2 √×\n一、单选题\n1-3 A,B,B",
    ],
)
def test_answers_at_the_end(answers: str) -> None:
    assert stems(PAPER + answers) == KEYS


def test_answers_of_several_letters_at_the_end() -> None:
    text = f"1. 一\n{AB}2. 二\n{AB}答案：1-2 AB B"

    assert [key for _, key in stems(text)] == ["AB", "B"]


def test_explanations_among_the_answers_at_the_end() -> None:
    text = f"1. 一\n{AB}2. 二\n{AB}参考答案\n1.【答案】A【解析】因为\n这样\n2. B 解析：所以"

    assert [told(draft).explanation for draft in clean(text).drafts] == ["因为\n这样", "所以"]


def test_answers_at_the_end_of_questions_without_numbers_are_counted() -> None:
    assert stems(f"一？\n{AB}\n二？\n{AB}\n答案：1.A 2.B") == [("一？", "A"), ("二？", "B")]


def test_answers_after_each_section() -> None:
    text = f"一、单选题\n1. 一\n{AB}答案：1.A\n二、判断题\n1. 二\n2. 三\n答案：1.√ 2.×"

    assert stems(text) == [("一", "A"), ("二", "A"), ("三", "B")]


def test_answers_that_fit_no_question_are_rejected() -> None:
    text = f"1. 一\n{AB}2. 二\n{AB}答案：1.A 2.B 3.C\n4-6 AB"

    assert reasons(text) == [
        ("第 7 行", "C", "答案里的第 3 题对不上：这个题号的题有 0 道，答案有 1 个。"),
        ("第 8 行", "AB", "第 4 到 6 题有 3 道，答案的个数对不上。"),
    ]


def test_answers_that_say_the_same_twice_are_fine_and_others_are_not() -> None:
    text = f"1. 一\n{AB}答案：A\n2. 二\n{AB}答案：A\n参考答案\n1.A 2."

    assert stems(text + "A") == [("一", "A"), ("二", "A")]
    assert reasons(text + "B") == [("第 5 行", "二", "题后的答案和答案表里的不一样，请改成一样。")]


@pytest.mark.parametrize("rows", ["题号 1 2\n答案 A", "题号 1 x\n答案 A B"])
def test_tables_that_do_not_fit_are_no_answers(rows: str) -> None:
    assert len(plaintext.read(f"1. 一\n{AB}答案：A\n\n{rows}").drafts) <= 1


# --- what is no question


def test_title_is_told_and_left_out() -> None:
    reading = clean(f"反诈题库\n姓名：____\n\n1. 一\n{AB}答案：A\n\n第 1 页 共 2 页\n- 2 -")

    assert reading.notes == ("开头的“反诈题库 姓名：____”不是题目，没有导入。",)
    assert len(reading.drafts) == 1


@pytest.mark.parametrize(
    ("text", "rejected"),
    [
        (
            "1. 一",
            ("第 1 行", "一", "没有选项，也没有答案。选项请写成“A. 文字”，一行一个，再加一行“答案：A”。"),
        ),
        (f"1. 一\n{AB}", ("第 1 行", "一", "没有标出正确答案。请加一行“答案：A”。")),
        ("1. [判断题]一", ("第 1 行", "[判断题]一", "没有标出正确答案。请加一行“答案：对”。")),
        (f"1. \n{AB}答案：A", ("第 1 行", "转账", "没有题干。")),
        (f"1. 一\n{AB}答案：A\n\n1.", ("第 6 行", "", "没有题干。")),
        (f"{AB}答案：A", ("第 1 行", "转账", "没有题干。")),
        ("解析：因为", ("第 1 行", "", "没有题干。")),
        (
            f"1. 一\n{AB}答案：A\n\n二",
            ("第 6 行", "二", "没有选项，也没有答案。选项请写成“A. 文字”，一行一个，再加一行“答案：A”。"),
        ),
        (f"1. 一\n{AB}答案：A\n{AB}答案：B", ("第 5 行", "转账", "没有题干。")),
        (
            "1. 一\n答案：",
            ("第 1 行", "一", "没有选项，也没有答案。选项请写成“A. 文字”，一行一个，再加一行“答案：A”。"),
        ),
    ],
)
def test_blocks_that_are_no_questions_are_rejected(text: str, rejected: tuple[str, str, str]) -> None:
    assert reasons(text) == [rejected]


def test_rejected_stand_in_the_order_of_the_file() -> None:
    text = f"1.\n2. 二\n{AB}3. 三\n{AB}答案：C\n"

    assert [place for place, _, _ in reasons(text)] == ["第 1 行", "第 2 行", "第 5 行"]


def test_more_options_than_letters_are_rejected() -> None:
    options = "".join(f"○ 选项{number}\n" for number in range(12))
    reading = clean(f"1. 一\n{options}答案：B")

    assert len(reading.drafts[0].choices) == 12


def test_text_without_questions_is_refused() -> None:
    with pytest.raises(Unreadable) as refused:
        plaintext.read("今天天气很好。\n我们去春游。")

    assert str(refused.value).startswith("没有找到题。")


# --- Aiken

AIKEN = "What is phishing?\nA) A sport\nB) A fraud\nANSWER: B\n\nWhom do you call?\nA. 96110\nB. Nobody\nANSWER: A\n"


def test_aiken() -> None:
    reading = clean(AIKEN)

    assert reading.form == "Aiken"
    assert list(map(told, reading.drafts)) == [
        Told("What is phishing?", ("A sport", "A fraud"), "B"),
        Told("Whom do you call?", ("96110", "Nobody"), "A"),
    ]


def test_other_texts_are_not_called_aiken() -> None:
    assert clean(f"{AIKEN}\n三？\n{AB}答案：A").form == clean("刷单违法（√）").form == "纯文本"


# --- limits


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("题" * (plaintext.MOST_CHARACTERS + 1), "一次最多导入 100 万字"),
        ("\n" * plaintext.MOST_LINES, "一次最多导入 50000 行"),
        ("\v" * plaintext.MOST_LINES, "一次最多导入 50000 行"),
        ("1. 一（√）\n" * (plaintext.MOST_QUESTIONS + 1), "一次最多导入 5000 道题"),
        ("答案：1.A\n" * (plaintext.MOST_QUESTIONS + 1), "一次最多导入 5000 道题"),
    ],
)
def test_more_than_a_paper_can_hold_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(Unreadable) as refused:
        plaintext.read(text)

    assert str(refused.value) == f"{sentence}，请分成几份。"


def test_line_longer_than_any_question_is_rejected_unread() -> None:
    text = f"1. 一\n{AB}答案：A\n" + "1.A " * 3000 + f"\n3. 三\n{AB}答案：B"
    reading = plaintext.read(text)

    assert [draft.stem for draft in reading.drafts] == ["一", "三"]
    assert [(one.place, one.reason[:13]) for one in reading.rejected] == [("第 5 行", "这一行超过 10000 字")]


HOSTILE = {
    "digits": "1",
    "spaces": " ",
    "brackets": "(",
    "answers": "答案：A",
    "list": "1.A ",
    "options": "A.x B.x ",
    "kinds": "[单选题 ",
    "points": "(分值 ",
    "circles": "○ ",
    "judgements": "x（√）",
    "explanations": "解析：x",
    "spans": "1-9999 A",
    "letters": "(A",
    "lists of letters": "(A , ",
    "commas": "答案：A ,",
    "headings": "第一部分 一、",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("ending", ["z", "\n", "\n\n"])
def test_no_line_takes_long(piece: str, ending: str) -> None:
    line = f"1. {piece * (plaintext.LONGEST_LINE // len(piece))}"[: plaintext.LONGEST_LINE - 2] + ending
    start = time.process_time()

    with suppress(Unreadable):
        plaintext.read(line * 20)

    assert in_time(time.process_time() - start, 1)


def test_memory_stays_small() -> None:
    text = f"1. 怎么办？\n{AB}答案：A\n解析：因为\n\n" * 1000
    tracemalloc.start()
    reading = plaintext.read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(reading.drafts) == 1000
    assert peak < 20 * 1024 * 1024


PIECES = (
    *(
        "1. ",
        "2、",
        "（3）",
        "A. ",
        "B、",
        "（C）",
        "○ ",
        "答案：",
        "【答案】",
        "A",
        "AB",
        "√",
        "（ B ）",
        "解析：",
        "骗术：",
        "难度：易",
    ),
    *(
        "【短信】",
        "【问题】",
        "一、单选题",
        "判断题",
        "[多选题]",
        "参考答案",
        "1-3 ABC",
        "题号 1 2",
        "怎么办？",
        "\n",
        "\n",
        "\n\n",
        "　",
    ),
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join))
@relaxed
def test_every_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        reading = plaintext.read(text)
    except Unreadable:
        return
    assert reading.drafts or reading.rejected
    for draft in reading.drafts:
        assert len(draft.choices) >= 1
        assert any(choice.key for choice in draft.choices)
        assert draft.stem.strip()
    assert all(one.reason.endswith("。") for one in reading.rejected)
