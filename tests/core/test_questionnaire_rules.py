"""Which questions one meets, what is a valid answer, what was answered, and what may be shown of it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.questionnaire import (
    FEWEST_SHOWN,
    HELPED,
    STRANGE,
    UNANSWERED,
    Condition,
    Question,
    Questionnaire,
    Result,
    checked,
    fields_of,
    helped,
    loaded,
    met_questions,
    read,
    read_answers,
    results,
    showable,
    stored,
    written,
)
from quizsvc.core.refusal import Refusal
from quizsvc.core.wording import MASK

HEARD = Question("choice", "听过吗？", True, options=("听过", "没听过"))
WHERE = Question(
    "choices",
    "在哪里？",
    True,
    options=("课上", "家里", "网上"),
    low=1,
    high=2,
    shown_if=(Condition(0, (0,)),),
)
MARK = Question("rating", "几分？", False, low=1, high=5, ends=("没用", "有用"))
WHY = Question("long", "为什么？", True, high=20, shown_if=(Condition(2, (1, 2)), Condition(1, (2,))))
PARTS = Question("matrix", "各部分怎么样？", True, options=("好", "一般"), rows=("讲解", "材料"))
AGE = Question("number", "多大？", False, low=6, high=120)
WORD = Question("short", "一句话", False, high=8)
ALL = checked(Questionnaire("问卷", "", (HEARD, WHERE, MARK, WHY, PARTS, AGE, WORD), "", ()))
SOUND: dict[str, list[str]] = {
    "q0": ["0"], "q1": ["2", "0"], "q2": ["1"], "q3": ["太短"], "q4r0": ["0"], "q4r1": ["1"], "q5": ["１２"],
    "q6": [" 很\u3000 好 "],
}  # fmt: skip


def test_sound_page_is_read():
    reading = read_answers(ALL, SOUND)

    assert reading.faults == {}
    assert reading.met == (0, 1, 2, 3, 4, 5, 6)
    assert reading.answers == {0: 0, 1: (0, 2), 2: 1, 3: "太短", 4: (0, 1), 5: 12, 6: "很 好"}


def test_answers_of_a_path_that_was_left_are_dropped():
    reading = read_answers(ALL, {**SOUND, "q0": ["1"]})

    assert reading.met == (0, 2, 4, 5, 6)
    assert set(reading.answers) == {0, 2, 4, 5, 6}


def test_question_behind_one_that_is_not_met_is_not_met_whatever_stands_in_its_field():
    assert met_questions(ALL, {0: 1, 1: (2,), 2: 1}) == (0, 2, 4, 5, 6)
    assert met_questions(ALL, {0: 0, 1: (2,), 2: 3}) == (0, 1, 2, 4, 5, 6)


def test_all_faults_are_told_at_once_by_question():
    fields = {
        "q0": ["0"],
        "q1": ["0", "1", "2"],
        "q2": ["6"],
        "q4r0": ["0"],
        "q5": ["十二"],
        "q6": ["九个字的一句话哦哦"],
    }

    assert read_answers(ALL, fields).faults == {
        1: "这一题最多选 2 项，现在选了 3 项。",
        2: STRANGE,
        4: "还有 1 行没有选：材料。",
        5: "这里只写一个整数，比如 25，不带单位。",
        6: "这一题最多写 8 个字，现在有 9 个。",
    }


@pytest.mark.parametrize(
    ("question", "typed", "fault"),
    [
        (HEARD, {}, UNANSWERED),
        (HEARD, {"q0": [""]}, UNANSWERED),
        (HEARD, {"q0": ["2"]}, STRANGE),
        (HEARD, {"q0": ["-1"]}, STRANGE),
        (HEARD, {"q0": ["٣"]}, STRANGE),
        (HEARD, {"q0": ["0", "1"]}, "这一题只能选一个。"),
        (MARK, {"q0": ["0"]}, "请在 1 到 5 里选一个。"),
        (MARK, {"q0": ["1", "2"]}, "请在 1 到 5 里选一个。"),
        (PARTS, {}, UNANSWERED),
        (PARTS, {"q0r0": ["0", "1"]}, "每一行只能选一个。"),
        (AGE, {"q0": ["5"]}, "请写 6 到 120 之间的数。"),
        (AGE, {"q0": ["121"]}, "请写 6 到 120 之间的数。"),
        (AGE, {"q0": ["12.5"]}, "这里只写一个整数，比如 25，不带单位。"),
        (AGE, {"q0": ["9" * 5000]}, "这里只写一个整数，比如 25，不带单位。"),
    ],
)
def test_answer_that_does_not_fit_is_refused(question: Question, typed: Any, fault: str):
    reading = read_answers(Questionnaire("问卷", "", (question,), "", ()), typed)

    assert reading.faults == {0: fault}
    assert reading.answers == {}


def alone(question: Question, *typed: str) -> Any:
    reading = read_answers(Questionnaire("问卷", "", (question,), "", ()), {"q0": typed})
    assert reading.faults == {}
    return reading.answers.get(0)


def test_least_number_of_choices_counts_once_something_is_chosen():
    two = Question("choices", "哪些？", False, options=("甲", "乙", "丙"), low=2, high=3)

    assert alone(two) is None
    assert read_answers(Questionnaire("问卷", "", (two,), "", ()), {"q0": ["1", "1"]}).faults == {
        0: "这一题至少选 2 项，现在选了 1 项。"
    }


@pytest.mark.parametrize(
    ("typed", "number"), [("-3", -3), ("－３", -3), ("\u22123", -3), ("+7", 7), (" 4 ", 4), ("", None)]
)
def test_numbers_are_read_whatever_their_width(typed: str, number: int | None):
    assert alone(Question("number", "多少？", False, low=-10, high=10), typed) == number


def test_words_are_tidied_and_lose_long_numbers():
    long = Question("long", "写吧", False, high=100)

    assert alone(long, "  第一行 \r\n\x00第二行\u200b 138 0013 8000\r\n\r\n") == f"第一行\n第二行 {MASK}"
    assert alone(long, " \n ") is None


def test_matrix_that_need_not_be_answered_may_be_answered_in_part():
    some = Question("matrix", "怎么样？", False, options=("好", "一般"), rows=("讲解", "材料"))
    page = Questionnaire("问卷", "", (some,), "", ())

    assert read_answers(page, {"q0r1": ["0"]}).answers == {0: (None, 0)}
    assert read_answers(page, {}).answers == {}
    assert fields_of(page, {0: (None, 0)}) == {"q0r1": ["0"]}


def paths() -> st.SearchStrategy[dict[str, list[str]]]:
    typed = st.one_of(
        st.lists(st.sampled_from(["0", "1", "2", "3", "9", "", "x"]), max_size=3),
        st.just(["话\n 多１２３４５６７"]),
    )
    return st.dictionaries(st.sampled_from([*SOUND, "q4r9", "q99"]), typed).map(
        lambda some: {**SOUND, **some}
    )


@settings(max_examples=150)
@given(paths())
def test_what_has_been_read_is_read_the_same_again_and_nothing_of_a_question_not_met_survives(fields: Any):
    reading = read_answers(ALL, fields)

    assert set(reading.answers) <= set(reading.met) == set(met_questions(ALL, reading.answers))
    assert set(reading.answers).isdisjoint(reading.faults)
    again = read_answers(ALL, fields_of(ALL, reading.answers))
    assert (again.answers, again.met) == (reading.answers, reading.met)
    assert loaded(json.loads(json.dumps(stored(reading.answers)))) == reading.answers


def test_results_count_what_was_answered():
    given_ = [
        {0: 0, 1: (0, 2), 2: 5, 4: (0, 1), 5: 10, 6: "好"},
        {0: 0, 1: (2,), 2: 4, 4: (0, None), 5: 12, 6: "好"},
        {0: 1, 2: 4, 4: (1, 1), 5: 40, 6: "好"},
        {0: 1, 2: 1, 4: (1, 0), 5: 11, 6: "好"},
        {0: 1, 2: 1, 4: (1, 0), 5: 11, 6: "好"},
    ]

    def of(answers: Any, path: str = "") -> Any:
        return results(ALL, [("a/", one) for one in answers], path)

    assert (
        of(given_)
        == of(given_, "a/")
        == {
            0: Result(5, ((2, 3),), 0, None),
            2: Result(5, ((2, 0, 0, 2, 1),), 15, None),
            4: Result(5, ((2, 3), ()), 0, None),
            5: Result(5, (), 0, (10, 11, 40)),
            6: Result(5, (), 0, None),
        }
    )
    assert of(given_[:4]) == {}
    assert of([{1: (0, 1)}] * 5) == {1: Result(5, ((5, 5, 0),), 0, None)}


def test_question_that_few_have_answered_in_a_neighbour_is_not_shown():
    """Ten answered in each unit; of those in b only four gave their age, and three rated the second part."""
    ten = [{0: 0, 4: (0, 1), 5: 12}] * 10
    few = [*[{0: 0, 4: (0, 1), 5: 12}] * 3, {0: 0, 4: (0, None), 5: 12}, *[{0: 0, 4: (0, None)}] * 6]
    answers = [("c/a/", one) for one in ten] + [("c/b/", one) for one in few]

    shown = {path: results(ALL, answers, path) for path in ("", "c/", "c/a/", "c/b/")}

    assert {path: set(found) for path, found in shown.items()} == {
        "": {0, 4, 5}, "c/": {0, 4, 5}, "c/a/": {0, 4}, "c/b/": {0, 4},
    }  # fmt: skip
    assert shown["c/a/"][4].counts == ((10, 0), ())
    assert shown["c/"][4].counts == ((20, 0), (0, 13))


def test_unit_whose_neighbours_are_few_is_not_shown():
    assert showable({"a/1/": 10, "a/2/": 3}) == {"", "a/"}
    assert showable({"a/1/": 10, "a/2/": 10, "a/3/": 3}) == {"", "a/", "a/1/"}
    assert showable({"a/1/": 10, "a/2/": 3, "a/3/": 2}) == {"", "a/", "a/1/"}
    assert showable({"a/1/": 4}) == frozenset()
    assert showable({"a/": 2, "a/1/": 9}) == {"", "a/"}
    assert showable({"a/1/": 5, "b/1/": 2}) == {""}
    assert showable({"a/1/x/": 6, "a/2/": 7, "a/3/": 1}) == {"", "a/", "a/2/"}


def test_help_stands_beside_the_answers_and_is_none_of_them():
    assert stored({0: 1}, helped=True) == {"0": 1, HELPED: True}
    assert stored({0: 1}) == {"0": 1}
    assert loaded({"0": 1, HELPED: True}) == {0: 1}


@pytest.mark.parametrize(
    ("with_help", "alone", "told"),
    [(0, 9, 0), (4, 9, 0), (5, 9, 5), (5, 5, 5), (9, 4, 0), (9, 1, 0), (9, 0, 9), (4, 0, 0), (0, 0, 0)],
)
def test_help_is_told_of_five_at_least_and_not_beside_a_few(with_help: int, alone: int, told: int):
    assert helped([stored({0: 1}, helped=True)] * with_help + [stored({0: 1})] * alone) == told


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(
            lambda codes: "".join(f"{one}/" for one in codes)
        ),
        st.integers(0, 12),
        max_size=12,
    )
)
def test_no_difference_of_what_is_shown_tells_of_a_few(counts: dict[str, int]):
    def whole(path: str) -> int:
        return sum(count for one, count in counts.items() if one.startswith(path))

    shown = showable(counts)
    for path in shown:
        below = [one for one in shown if one.startswith(path) and one != path]
        largest = [one for one in below if not any(one.startswith(top) and one != top for top in below)]
        left = whole(path) - sum(whole(one) for one in largest)
        assert whole(path) >= FEWEST_SHOWN
        assert left == 0 or left >= FEWEST_SHOWN
    assert ("" in shown) == (sum(counts.values()) >= FEWEST_SHOWN)


def test_values_that_are_no_questionnaire_are_refused() -> None:
    asked = Question("rating", "慌吗？", False, low=1, high=5)
    sound = written(Questionnaire("标题", "", (asked,), "", ()))
    three = {**sound["questions"][0], "ends": ["不慌", "有点慌", "很慌"]}

    for broken in ({**sound, "questions": None}, {**sound, "questions": [three]}):
        with pytest.raises(Refusal):
            read(broken)
    assert written(read(sound)) == sound
