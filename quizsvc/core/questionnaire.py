"""Opinion surveys: questions of several kinds, which of them one meets, and what is a valid answer."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from quizsvc.core import bounds, wording
from quizsvc.core.bounds import Misfit, Place

KINDS: Final = {
    "choice": "单选",
    "choices": "多选",
    "rating": "打分",
    "matrix": "矩阵",
    "number": "数字",
    "short": "一句话",
    "long": "一段话",
}
WORDED: Final = frozenset({"short", "long"})
DIRECTING: Final = frozenset({"choice", "choices", "rating"})
"""Kinds whose answers may decide whether a later question is met."""

MOST_QUESTIONS = 60
MOST_WORDS = 100
MOST_OPTIONS = {"choice": 20, "choices": 20, "matrix": 7}
MOST_CHARACTERS = {"short": 200, "long": 2000}
MOST_ROWS = 12
MOST_RATING = 10
FEWEST_RATING = 3
MOST_PLACES = 100_000
FARTHEST = 1_000_000_000
LONGEST_TEXT = 200
LONGEST_WORD = 20
FEWEST_SHOWN: Final = 5
"""Results appear from so many answers on. Source: features.md F-050"""
HELPED: Final = "helped"
"""Stands beside stored answers that somebody filled in for somebody else, who agreed."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Show a question only to those who answered an earlier one in one of these ways.

    question: index of an earlier question of the kinds choice, choices or rating
    any_of: indices of its options, or its rating values; at least one, rising
    """

    question: int
    any_of: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    kind: a key of KINDS
    text: 1..200 characters
    required: whether it must be answered when it is met
    options: choice, choices: two to twenty; matrix: the columns, two to seven; else none; each 1..60 characters
    rows: matrix: one to twelve, each 1..60 characters; else none
    low, high: rating: 1 and 3..10, number: the least and greatest that is taken, within ±1,000,000,000; short,
        long: 0 and the most characters, 1..200 and 1..2000; choices: the least, from 1 on, and the most that may be
        chosen; else 0
    ends: rating: what the two ends mean, each 1..20 characters, ("", "") when nothing; else ("", "")
    capacities: choice: how many may take each option in all, 1..100,000, None no limit; as many as options and
        not all None, or none at all
    shown_if: all of them must hold; none: everybody meets it
    """

    kind: str
    text: str
    required: bool
    options: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    ends: tuple[str, str] = ("", "")
    capacities: tuple[int | None, ...] = ()
    shown_if: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """A survey as it is frozen in a paper.

    title: 1..60 characters
    opening, closing: "" or paragraphs by LF; the closing says what is done with the answers
    questions: one to sixty
    words: words that make an answer in words be covered until its reader asks for it, at most a hundred, each 1..20
        characters
    """

    title: str
    opening: str
    questions: tuple[Question, ...]
    closing: str
    words: tuple[str, ...]


def written(questionnaire: Questionnaire) -> dict[str, Any]:
    """Write a survey as plain values that JSON can hold.

    questionnaire: any
    return: names as in the classes; lists where they have tuples
    """
    return {
        **asdict(questionnaire),
        "questions": [
            {
                **asdict(question),
                **{name: list(getattr(question, name)) for name in _LISTS},
                "shown_if": [
                    {"question": one.question, "any_of": list(one.any_of)} for one in question.shown_if
                ],
            }
            for question in questionnaire.questions
        ],
        "words": list(questionnaire.words),
    }


def read(values: Mapping[str, Any]) -> Questionnaire:
    """Read a survey back from `written`.

    values: what `written` returned, directly or through JSON
    return: an equal survey
    raise Misfit: it breaks a bound of the classes, or something is missing
    """
    try:
        questions = tuple(_question(one) for one in values["questions"])
        return checked(Questionnaire(**{**values, "questions": questions, "words": tuple(values["words"])}))
    except (KeyError, TypeError, ValueError) as error:
        raise Misfit(Place((), "问卷"), "内容不完整，读不出来") from error


def checked(questionnaire: Questionnaire) -> Questionnaire:
    """Refuse a survey that breaks a bound.

    questionnaire: any
    return: the same
    raise Misfit: what the classes say of their fields does not hold
    """
    bounds.line(questionnaire.title, Place(("title",), "标题"), bounds.LONGEST_TITLE)
    bounds.paragraphs(questionnaire.opening, Place(("opening",), "开头的说明"))
    bounds.paragraphs(questionnaire.closing, Place(("closing",), "最后的说明"))
    questions = questionnaire.questions
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise Misfit(Place(("questions",), "问题"), f"要有 1 到 {MOST_QUESTIONS} 题")
    for index, question in enumerate(questions):
        place = Place(("questions", index), f"第 {index + 1} 题")
        _check_question(question, place)
        _check_conditions(question, questions[:index], place.inside("shown_if"))
    words = Place(("words",), "遮住的词")
    bounds.several(questionnaire.words, words, "词", 0, MOST_WORDS)
    for word in questionnaire.words:
        bounds.line(word, words, LONGEST_WORD)
    return questionnaire


_LISTS = ("options", "rows", "ends", "capacities")


def _question(values: Mapping[str, Any]) -> Question:
    conditions = tuple(Condition(one["question"], tuple(one["any_of"])) for one in values["shown_if"])
    lists = {name: tuple(values[name]) for name in _LISTS}
    return Question(**{**values, **lists, "shown_if": conditions})


def _check_question(question: Question, place: Place) -> None:
    bounds.known(question.kind, place, KINDS)
    bounds.line(question.text, place, LONGEST_TEXT)
    if (type(question.required), type(question.low), type(question.high)) != (bool, int, int):
        raise Misfit(place, "内容不完整，读不出来")
    options = place.inside("options")
    if question.kind in MOST_OPTIONS:
        noun = "列" if question.kind == "matrix" else "选项"
        bounds.several(question.options, options, noun, 2, MOST_OPTIONS[question.kind])
    elif question.options:
        raise Misfit(options, f"{KINDS[question.kind]}题不写选项")
    for index, option in enumerate(question.options):
        bounds.line(option, options.inside(index), bounds.LONGEST_OPTION)
    rows = place.inside("rows")
    if question.kind == "matrix":
        bounds.several(question.rows, rows, "行", 1, MOST_ROWS)
    elif question.rows:
        raise Misfit(rows, "只有矩阵题写行")
    for row in question.rows:
        bounds.line(row, rows, bounds.LONGEST_OPTION)
    _check_range(question, place.inside("high"))
    _check_ends(question, place.inside("ends"))
    _check_capacities(question, place.inside("capacities"))


def _check_range(question: Question, place: Place) -> None:
    low, high = question.low, question.high
    match question.kind:
        case "rating":
            if low != 1 or not FEWEST_RATING <= high <= MOST_RATING:
                raise Misfit(place, f"打分从 1 开始，到 {FEWEST_RATING} 至 {MOST_RATING} 为止")
        case "number":
            if not -FARTHEST <= low < high <= FARTHEST:
                raise Misfit(place, f"数字的范围要从小写到大，不超过 {FARTHEST:,}")
        case "choices":
            if not 1 <= low <= high <= len(question.options):
                raise Misfit(place, "最少选几个、最多选几个，要在 1 和选项的个数之间")
        case "short" | "long":
            most = MOST_CHARACTERS[question.kind]
            if low != 0 or not 1 <= high <= most:
                raise Misfit(place, f"{KINDS[question.kind]}最多可以让人写 1 到 {most} 个字")
        case _:
            if low or high:
                raise Misfit(place, f"{KINDS[question.kind]}题不写范围")


def _check_ends(question: Question, place: Place) -> None:
    if len(question.ends) != 2:
        raise Misfit(place, "打分的两头要写两个词")
    if question.ends == ("", ""):
        return
    if question.kind != "rating":
        raise Misfit(place, "只有打分题写两头的意思")
    for end in question.ends:
        bounds.line(end, place, LONGEST_WORD)


def _check_capacities(question: Question, place: Place) -> None:
    if not question.capacities:
        return
    if question.kind != "choice":
        raise Misfit(place, "只有单选题可以限名额")
    if len(question.capacities) != len(question.options) or not any(question.capacities):
        raise Misfit(place, "名额要写给哪个选项")
    for capacity in question.capacities:
        if capacity is not None:
            bounds.whole(capacity, place.inside(label="的名额"), 1, MOST_PLACES)


def _check_conditions(question: Question, earlier: tuple[Question, ...], place: Place) -> None:
    asked = [condition.question for condition in question.shown_if]
    for condition in question.shown_if:
        if type(condition.question) is not int or not 0 <= condition.question < len(earlier):
            raise Misfit(place, "“只问”只能指前面的题")
        other = earlier[condition.question]
        number = condition.question + 1
        if other.kind not in DIRECTING:
            raise Misfit(place, f"“只问”指的第 {number} 题要是单选、多选或打分题")
        known = range(1, other.high + 1) if other.kind == "rating" else range(len(other.options))
        if not condition.any_of or list(condition.any_of) != sorted(set(condition.any_of)):
            raise Misfit(place, "“只问”要写选了哪些，每个写一次")
        if not set(condition.any_of) <= set(known):
            raise Misfit(place, f"“只问”里的选项，第 {number} 题没有")
    if len(set(asked)) < len(asked):
        raise Misfit(place, "“只问”对同一题只写一次")


# Rules.

Answer = int | str | tuple[int | None, ...]
"""choice: index of an option; choices: indices, ascending; rating, number: the value; short, long: the text;
matrix: for each row the index of a column or None, not all None."""

Answers = Mapping[int, Answer]
"""By index of the question; what was not answered is absent."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}")
_INDEX: Final = re.compile(r"[0-9]{1,4}")
_MINUS: Final = str.maketrans("\u2212\u2013", "--")
UNANSWERED: Final = "这一题还没有答。"
STRANGE: Final = "没有这个选项，请重新选。"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a page of answers says.

    answers: of the questions that are met, and of no other
    faults: zh-CN sentences by index of the question; a question with a fault has no answer
    met: indices of the questions one meets with these answers, ascending
    """

    answers: Answers
    faults: Mapping[int, str]
    met: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What was answered to one question.

    n: how many have answered it, at least FEWEST_SHOWN
    counts: choice, choices: one row, how often each option; rating: one row, how often each value from low on;
        matrix: for each row how often each column, nothing for a row that may not be shown; else none
    total: rating: the sum of all values, so that the mean is total / n; else 0
    spread: number: the least, the median and the greatest; else None
    """

    n: int
    counts: tuple[tuple[int, ...], ...]
    total: int
    spread: tuple[int, float, int] | None


class _Fault(Exception):
    """What is wrong with the answer to one question, in zh-CN."""


def met_questions(questionnaire: Questionnaire, answers: Answers) -> tuple[int, ...]:
    """Tell which questions one meets.

    questionnaire: as frozen
    answers: valid ones, of any of the questions; those of questions that are not met count for nothing
    return: indices, ascending
    Source: features.md F-119
    """
    met: list[int] = []
    for index, question in enumerate(questionnaire.questions):
        if _is_met(question, {one: answers[one] for one in met if one in answers}):
            met.append(index)
    return tuple(met)


def read_answers(questionnaire: Questionnaire, fields: Mapping[str, Sequence[str]]) -> Reading:
    """Read the fields of a page, with all faults at once.

    questionnaire: as frozen
    fields: q<index> for each question, q<index>r<row> for each row of a matrix, from 0; options by index, ratings by
        value; others and what stands in fields of questions that are not met is passed over
    return: the answers; digits may be of any width, words have no long numbers any more
    Source: features.md F-119
    """
    met: list[int] = []
    answers: dict[int, Answer] = {}
    faults: dict[int, str] = {}
    for index, question in enumerate(questionnaire.questions):
        if not _is_met(question, answers):
            continue
        met.append(index)
        try:
            answer = _READERS[question.kind](question, f"q{index}", fields)
        except _Fault as fault:
            faults[index] = str(fault)
            continue
        if answer is not None:
            answers[index] = answer
        elif question.required:
            faults[index] = UNANSWERED
    return Reading(answers, faults, tuple(met))


def fields_of(questionnaire: Questionnaire, answers: Answers) -> dict[str, list[str]]:
    """Write answers as the fields of a page that `read_answers` reads.

    questionnaire: as frozen
    answers: valid
    return: as `read_answers` takes them
    """
    fields: dict[str, list[str]] = {}
    for index, answer in answers.items():
        if questionnaire.questions[index].kind == "matrix":
            rows = enumerate(answer if isinstance(answer, tuple) else ())
            fields |= {f"q{index}r{row}": [str(column)] for row, column in rows if column is not None}
        else:
            fields[f"q{index}"] = [str(one) for one in (answer if isinstance(answer, tuple) else (answer,))]
    return fields


def stored(answers: Answers, *, helped: bool = False) -> dict[str, Any]:
    """Write answers as plain values that JSON can hold.

    answers: valid
    helped: whether somebody filled them in for somebody else
    return: by index as text; lists where there are tuples; HELPED beside them when it is so
    """
    plain = {
        str(index): list(answer) if isinstance(answer, tuple) else answer
        for index, answer in sorted(answers.items())
    }
    return {**plain, HELPED: True} if helped else plain


def loaded(values: Mapping[str, Any]) -> dict[int, Answer]:
    """Read answers back from `stored`.

    values: what `stored` returned, directly or through JSON
    return: the answers
    """
    return {
        int(index): tuple(one) if isinstance(one, list) else one
        for index, one in values.items()
        if index != HELPED
    }


def helped(lists: Iterable[Mapping[str, Any]]) -> int:
    """Count the lists of answers with which somebody was helped, as far as it may be told.

    lists: as `stored` returned them, of all who count in the whole round
    return: how many, as `showable` has it: at least FEWEST_SHOWN, and the others nobody or at least as many; else 0
    Source: docs/decisions/0027
    """
    by_help = Counter("helped/" if HELPED in one else "alone/" for one in lists)
    return by_help["helped/"] if "helped/" in showable(by_help) else 0


def results(
    questionnaire: Questionnaire, answers: Iterable[tuple[str, Answers]], path: str = ""
) -> dict[int, Result]:
    """Count what was answered in a unit, question by question, as far as it may be shown.

    questionnaire: as frozen
    answers: valid ones of the whole survey, one of each who answered, in any order, with the path of their unit
    path: of the unit; "" for all together
    return: by index of the question, those whose numbers are `showable` there; nothing tells of fewer
    Source: features.md F-050
    """
    counts: dict[tuple[int, int], dict[str, int]] = {}
    given: dict[int, list[Answer]] = {}
    for where, one in answers:
        for index, answer in one.items():
            for part in _parts(questionnaire.questions[index], index, answer):
                by_unit = counts.setdefault(part, {})
                by_unit[where] = by_unit.get(where, 0) + 1
            if where.startswith(path):
                given.setdefault(index, []).append(answer)
    shown = {part for part, by_unit in counts.items() if path in showable(by_unit)}
    return {
        index: _result(
            questionnaire.questions[index], given[index], [row for one, row in shown if one == index]
        )
        for index in sorted(given)
        if (index, _WHOLE) in shown
    }


_WHOLE: Final = -1


def _parts(question: Question, index: int, answer: Answer) -> Iterator[tuple[int, int]]:
    """What of a question has been answered: the whole, and the rows of a matrix."""
    yield index, _WHOLE
    if question.kind == "matrix" and isinstance(answer, tuple):
        yield from ((index, row) for row, column in enumerate(answer) if column is not None)


def showable(counts: Mapping[str, int]) -> frozenset[str]:
    """Choose the units whose results may be shown, so that no sum or difference of what is shown tells of a few.

    counts: how many answers lie in each unit itself, by path, every path ending with "/"
    return: paths, of these units and all above them; "" stands for all together. What is left of a shown one when
        the shown ones inside it are taken away is nobody, or at least FEWEST_SHOWN
    Source: features.md F-050, and the secondary suppression of official statistics
    """
    whole: dict[str, int] = {}
    for path, count in counts.items():
        codes = path.split("/")[:-1]
        for depth in range(len(codes) + 1):
            above = "".join(f"{code}/" for code in codes[:depth])
            whole[above] = whole.get(above, 0) + count
    # the largest shown units inside each unit, itself when it is shown: filled from the leaves up
    inside: dict[str, list[str]] = {}
    shown: set[str] = set()
    for path in sorted(whole, key=lambda one: (-one.count("/"), one)):
        tops = sorted(inside.pop(path, []), key=lambda one: (-whole[one], one))
        if whole[path] >= FEWEST_SHOWN:
            left = whole[path] - sum(whole[one] for one in tops)
            if 0 < left < FEWEST_SHOWN:
                smallest = tops[-1]
                shown -= {one for one in shown if one.startswith(smallest)}
            shown.add(path)
            tops = [path]
        if path:
            above = path[: path.rstrip("/").rfind("/") + 1]
            inside.setdefault(above, []).extend(tops)
    return frozenset(shown)


def _is_met(question: Question, answers: Answers) -> bool:
    return all(_holds(condition, answers.get(condition.question)) for condition in question.shown_if)


def _holds(condition: Condition, answer: Answer | None) -> bool:
    given = answer if isinstance(answer, tuple) else (answer,)
    return any(one in condition.any_of for one in given)


Fields = Mapping[str, Sequence[str]]


def _filled(name: str, fields: Fields) -> list[str]:
    return list(dict.fromkeys(one for one in fields.get(name, ()) if one))


def _index(text: str, end: int) -> int:
    if not _INDEX.fullmatch(text) or int(text) >= end:
        raise _Fault(STRANGE)
    return int(text)


def _read_choice(question: Question, name: str, fields: Fields) -> Answer | None:
    chosen = [_index(one, len(question.options)) for one in _filled(name, fields)]
    if len(chosen) > 1:
        raise _Fault("这一题只能选一个。")
    return chosen[0] if chosen else None


def _read_choices(question: Question, name: str, fields: Fields) -> Answer | None:
    chosen = sorted({_index(one, len(question.options)) for one in _filled(name, fields)})
    if not chosen:
        return None
    if len(chosen) < question.low:
        raise _Fault(f"这一题至少选 {question.low} 项，现在选了 {len(chosen)} 项。")
    if len(chosen) > question.high:
        raise _Fault(f"这一题最多选 {question.high} 项，现在选了 {len(chosen)} 项。")
    return tuple(chosen)


def _read_rating(question: Question, name: str, fields: Fields) -> Answer | None:
    chosen = [_index(one, question.high + 1) for one in _filled(name, fields)]
    if len(chosen) > 1 or any(one < question.low for one in chosen):
        raise _Fault(f"请在 {question.low} 到 {question.high} 里选一个。")
    return chosen[0] if chosen else None


def _read_matrix(question: Question, name: str, fields: Fields) -> Answer | None:
    rows: list[int | None] = []
    for row in range(len(question.rows)):
        chosen = [_index(one, len(question.options)) for one in _filled(f"{name}r{row}", fields)]
        if len(chosen) > 1:
            raise _Fault("每一行只能选一个。")
        rows.append(chosen[0] if chosen else None)
    if all(one is None for one in rows):
        return None
    missing = [question.rows[row] for row, one in enumerate(rows) if one is None]
    if question.required and missing:
        raise _Fault(f"还有 {len(missing)} 行没有选：{missing[0]}{'等' if len(missing) > 1 else ''}。")
    return tuple(rows)


def _read_number(question: Question, name: str, fields: Fields) -> Answer | None:
    text = _text(name, fields)
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise _Fault("这里只写一个整数，比如 25，不带单位。")
    if not question.low <= int(text) <= question.high:
        raise _Fault(f"请写 {question.low} 到 {question.high} 之间的数。")
    return int(text)


def _text(name: str, fields: Fields) -> str:
    return unicodedata.normalize("NFKC", "".join(fields.get(name, ())[:1])).strip().translate(_MINUS)


def _read_words(question: Question, name: str, fields: Fields) -> Answer | None:
    lines = [_visible(line) for line in "".join(fields.get(name, ())[:1]).splitlines()]
    text = unicodedata.normalize("NFC", "\n".join(lines)).strip()
    if question.kind == "short":
        text = " ".join(text.split())
    if len(text) > question.high:
        raise _Fault(f"这一题最多写 {question.high} 个字，现在有 {len(text)} 个。")
    return wording.masked(text) or None


def _visible(line: str) -> str:
    seen = (" " if one.isspace() else one for one in line if one.isspace() or one.isprintable())
    return "".join(seen).strip()


_READERS: Final[Mapping[str, Callable[[Question, str, Fields], Answer | None]]] = {
    "choice": _read_choice,
    "choices": _read_choices,
    "rating": _read_rating,
    "matrix": _read_matrix,
    "number": _read_number,
    "short": _read_words,
    "long": _read_words,
}


def _result(question: Question, given: Sequence[Answer], shown: Collection[int]) -> Result:
    n = len(given)
    if question.kind in WORDED:
        return Result(n, (), 0, None)
    rows = [one if isinstance(one, tuple) else (one,) for one in given]
    if question.kind == "matrix":
        by_row = [[one[row] for one in rows if one[row] is not None] for row in range(len(question.rows))]
        columns = range(len(question.options))
        counts = tuple(
            tuple(chosen.count(column) for column in columns) if row in shown else ()
            for row, chosen in enumerate(by_row)
        )
        return Result(n, counts, 0, None)
    values = [one for row in rows for one in row if isinstance(one, int)]
    if question.kind == "number":
        return Result(n, (), 0, (min(values), median(values), max(values)))
    first, end = (
        (question.low, question.high + 1) if question.kind == "rating" else (0, len(question.options))
    )
    counted = tuple(values.count(value) for value in range(first, end))
    return Result(n, (counted,), sum(values) if question.kind == "rating" else 0, None)
