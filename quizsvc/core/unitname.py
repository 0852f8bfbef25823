"""Names of schools, grades and classes: one spelling for many, natural order, short codes."""

import re
import unicodedata
from collections.abc import Collection, Iterable

KIND_NAMES = {
    "city": "市",
    "county": "县区",
    "town": "乡镇街道",
    "bureau": "主管部门",
    "university": "高校",
    "school": "学校",
    "college": "学院",
    "department": "部门",
    "grade": "年级",
    "class": "班级",
    "village": "村社区",
    "company": "企业",
}
"""Kind of a unit -> what people call it."""

SCOPE_WORDS = {
    "city": "全市",
    "county": "全县",
    "town": "全镇",
    "university": "全校",
    "school": "全校",
    "college": "全院",
    "grade": "全年级",
    "class": "全班",
    "village": "全村",
    "company": "全公司",
}
"""Kind of a unit -> how a sentence calls the whole of it."""

COUNTERS = {
    "city": "个市",
    "county": "个县",
    "town": "个乡镇",
    "university": "所高校",
    "school": "所学校",
    "college": "个学院",
    "grade": "个年级",
    "class": "个班",
    "village": "个村",
    "company": "家企业",
}
"""Kind of a unit -> measure word and noun."""

REGIONS = frozenset({"city", "county", "town", "bureau"})
"""Kinds that have schools beneath them."""

LAST = 1000
"""Position of a class that has no number: after all that have one."""

_DIGITS = "零一二三四五六七八九"
_NUMERAL = r"[0-9]{1,2}|[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九]"
_CLASS = re.compile(rf"\(?({_NUMERAL})\)?班?")
_AFTER_GRADE = re.compile(rf"[-—·.]?\(?({_NUMERAL})\)?班?")
_GRADE = re.compile(rf"({_NUMERAL})(?:年级)?")
_STAGE = re.compile(r"([初高])中?([一二三1-3])(?:年级)?")
_INTAKE = re.compile(r"((?:19|20)?[0-9]{2})级|((?:19|20)[0-9]{2})")
_EMBEDDED = re.compile(
    r"((?:[一二三四五六七八九]|[1-9])年级|[初高]中?[一二三1-3](?:年级)?|(?:19|20)?[0-9]{2}级|[一二三四五六七八九1-9](?=\())(.+)"
)
_NUMBERED = re.compile(r"(?:.*（)?([0-9]{1,2})）?班")
_PREFIXES = {"city": "z", "county": "x", "town": "t", "university": "s", "college": "y"}
_CODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,22}[a-z0-9])?")


def counter(kinds: Iterable[str]) -> str:
    """Choose the measure word and noun for units.

    kinds: of each of them, keys of KIND_NAMES; may be empty
    return: 所学校 when all are schools; 个单位 when they differ, or there is no better word

    >>> counter(["class", "class"]), counter(["class", "grade"])
    ('个班', '个单位')
    """
    found = set(kinds)
    return COUNTERS.get(found.pop(), "个单位") if len(found) == 1 else "个单位"


def tidy(text: str) -> str:
    """Take the accidents out of a name.

    text: as somebody typed it
    return: full-width letters, digits and brackets made half-width, no white space, no invisible characters

    >>> tidy(" 七年级（３）班 ")
    '七年级(3)班'
    """
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if not character.isspace() and unicodedata.category(character) not in ("Cf", "Cc")
    )


def key(name: str) -> str:
    """Make two spellings of one name equal.

    name: of a unit, in its canonical form or as typed
    return: the text to compare by
    """
    return tidy(name).casefold()


def numeral(text: str) -> int | None:
    """Read a number below one hundred, in digits or in Chinese.

    text: tidy
    return: the number; None when the text is something else, or zero

    >>> numeral("12"), numeral("十二"), numeral("二十"), numeral("实验")
    (12, 12, 20, None)
    """
    if not re.fullmatch(_NUMERAL, text):
        return None
    if text.isdecimal():
        return int(text) or None
    tens, ten, ones = text.rpartition("十")
    return (10 * (_DIGITS.index(tens) if tens else 1) if ten else 0) + (_DIGITS.index(ones) if ones else 0)


def grade_name(text: str) -> str:
    """Write a grade the usual way.

    text: as typed
    return: "七年级" for 7, 七, 7年级; "初一" for 初中一年级, 初1; "2023级" for 2023, 23级; else the tidy text

    >>> [grade_name(text) for text in ("7", "初1", "23级", "国际部")]
    ['七年级', '初一', '2023级', '国际部']
    """
    bare = tidy(text)
    if found := _INTAKE.fullmatch(bare):
        year = found[1] or found[2]
        return f"{year if len(year) == 4 else '20' + year}级"
    if found := _STAGE.fullmatch(bare):
        return f"{found[1]}{_in_chinese(numeral(found[2]) or 1)}"
    if found := _GRADE.fullmatch(bare):
        number = numeral(found[1])
        if number is not None and number <= 12:
            return f"{_in_chinese(number)}年级"
    return bare


def class_name(text: str, grade: str) -> str:
    """Write a class the usual way.

    text: as typed: 3, 3班, （三）班, 七年级3班, 七(3)班, 703, 机器人工程1903
    grade: canonical name of its grade, "" when it has none or the text itself tells it
    return: "七年级（3）班"; without a grade "3班"; a class that is not numbered keeps its name

    >>> class_name("703", "七年级"), class_name("七(3)班", ""), class_name("三班", "")
    ('七年级（3）班', '七年级（3）班', '3班')
    """
    bare = tidy(text)
    number = _class_number(bare, grade)
    if number is not None:
        return f"{grade}（{number}）班" if grade else f"{number}班"
    if found := _EMBEDDED.fullmatch(bare):
        inner = _AFTER_GRADE.fullmatch(found[2])
        number = numeral(inner[1]) if inner else None
        if number is not None:
            return f"{grade_name(found[1])}（{number}）班"
    return bare.replace("(", "（").replace(")", "）")


def grade_told(name: str) -> str:
    """Find the grade that the name of a class tells.

    name: canonical
    return: the grade's canonical name, "" when the class tells none

    >>> grade_told("七年级（3）班"), grade_told("实验班")
    ('七年级', '')
    """
    before = name.partition("（")[0]
    return before if ordinal("grade", before) is not None else ""


def ordinal(kind: str, name: str) -> int | None:
    """Tell the number a unit's name carries, by which people order it.

    kind: of the unit
    name: canonical
    return: 3 for 七年级（3）班, 7 for 七年级 and 初一, 10 for 高一, 2023 for 2023级; None when there is none

    >>> ordinal("class", "七年级（10）班"), ordinal("grade", "高一"), ordinal("school", "第二中学")
    (10, 10, None)
    """
    if kind == "class":
        found = _NUMBERED.fullmatch(name)
        return numeral(found[1]) if found else None
    if kind != "grade":
        return None
    if name.endswith("年级"):
        return numeral(name[:-2])
    if found := _STAGE.fullmatch(name):
        return {"初": 6, "高": 9}[found[1]] + (numeral(found[2]) or 0)
    return int(name[:4]) if _INTAKE.fullmatch(name) else None


def position(kind: str, name: str, last: int) -> int:
    """Give a unit its place among its siblings.

    kind: of the unit
    name: canonical
    last: the largest position among its siblings, 0 when it has none
    return: the number in its name; else, for a class, after all numbered ones; else after the last sibling
    """
    number = ordinal(kind, name)
    if number is not None:
        return number
    return LAST if kind == "class" else last + 1


def code(kind: str, name: str, taken: Collection[str]) -> str:
    """Derive a short ASCII code for a unit.

    kind: of the unit
    name: canonical
    taken: codes of its siblings
    return: "c3" for 七年级（3）班, "g7" for 七年级, else a letter and the next free number; not in taken

    >>> code("class", "七年级（3）班", []), code("class", "3班", ["c3"]), code("school", "实验中学", ["s1"])
    ('c3', 'c3-2', 's2')
    """
    letter = _PREFIXES.get(kind, kind[0])
    number = ordinal(kind, name)
    again = 1
    if number is None:
        number = len(taken) + 1
        while f"{letter}{number}" in taken:
            number += 1
    derived = f"{letter}{number}"
    while derived in taken:
        again += 1
        derived = f"{letter}{number}-{again}"
    return derived


def sound_code(text: str) -> bool:
    """Tell whether a text may be a unit's code.

    text: as typed
    return: True for 1 to 24 small letters, digits and inner hyphens
    """
    return _CODE.fullmatch(text) is not None


def _in_chinese(number: int) -> str:
    """Write 1 to 12 in Chinese."""
    return _DIGITS[number] if number < 10 else f"十{_DIGITS[number - 10] if number > 10 else ''}"


def _class_number(bare: str, grade: str) -> int | None:
    """Read the number of a class, with or without its grade before it."""
    if found := _CLASS.fullmatch(bare):
        return numeral(found[1])
    for spelling in _spellings(grade):
        rest = bare[len(spelling) :]
        found = _AFTER_GRADE.fullmatch(rest)
        if not bare.startswith(spelling) or not found:
            continue
        if spelling.isdecimal() and rest[0].isdecimal() and len(found[1]) != 2:
            continue  # 112 is class 12 of grade 1, but 11 is no class 1 of it
        return numeral(found[1])
    return None


def _spellings(grade: str) -> tuple[str, ...]:
    """List how a grade may be written before the number of a class, longest first."""
    if not grade:
        return ()
    number = ordinal("grade", grade)
    if grade.endswith("年级"):
        return grade, f"{number}年级", grade[:-2], str(number)
    if _INTAKE.fullmatch(grade):
        return grade, grade[2:], grade[:4], grade[2:4]
    if found := _STAGE.fullmatch(grade):
        return f"{found[1]}中{found[2]}年级", grade, f"{found[1]}{numeral(found[2])}"
    return (grade,)
