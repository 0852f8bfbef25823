"""One spelling for many, natural order, codes that do not collide."""

import pytest

from quizsvc.core import unitname


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("7", "七年级"), ("七", "七年级"), ("７年级", "七年级"), (" 七 年级 ", "七年级"), ("12", "十二年级"),
        ("初1", "初一"), ("初中二年级", "初二"), ("高三", "高三"), ("2023", "2023级"), ("23级", "2023级"),
        ("2023级", "2023级"), ("13", "13"), ("国际部", "国际部"), ("", ""),
    ],
)  # fmt: skip
def test_grade_name(text: str, name: str):
    assert unitname.grade_name(text) == name


@pytest.mark.parametrize(
    ("text", "grade", "name"),
    [
        ("3", "七年级", "七年级（3）班"), ("03", "七年级", "七年级（3）班"), ("3班", "七年级", "七年级（3）班"),
        ("（3）班", "七年级", "七年级（3）班"), ("(三)班", "七年级", "七年级（3）班"),
        ("十二班", "七年级", "七年级（12）班"),
        ("七年级3班", "七年级", "七年级（3）班"), ("七（3）班", "七年级", "七年级（3）班"),
        ("7(3)班", "七年级", "七年级（3）班"),
        ("703", "七年级", "七年级（3）班"), ("703班", "七年级", "七年级（3）班"), ("7-3班", "七年级", "七年级（3）班"),
        ("12", "一年级", "一年级（12）班"), ("112", "一年级", "一年级（12）班"),
        ("七年级（10）班", "", "七年级（10）班"),
        ("七(3)班", "", "七年级（3）班"), ("初一3班", "", "初一（3）班"), ("初一（3）班", "初一", "初一（3）班"),
        ("初13班", "初一", "初一（3）班"), ("2303", "2023级", "2023级（3）班"), ("2023级3班", "", "2023级（3）班"),
        ("3班", "", "3班"), ("机器人工程1903", "2019级", "机器人工程1903"), ("实验班", "七年级", "实验班"),
        ("八年级3班", "七年级", "八年级（3）班"), ("7000", "七年级", "7000"), ("0", "七年级", "0"),
        ("20233", "2023级", "20233"), ("七（甲）班", "", "七（甲）班"), ("初一(重点)班", "", "初一（重点）班"),
        ("专升本(2)", "", "专升本（2）"), ("国际部2班", "国际部", "国际部（2）班"),
    ],
)  # fmt: skip
def test_class_name(text: str, grade: str, name: str):
    assert unitname.class_name(text, grade) == name


def test_class_names_are_stable():
    for text, grade in (
        ("3", "七年级"),
        ("七(3)班", ""),
        ("3班", ""),
        ("实验班", "高一"),
        ("2303", "2023级"),
    ):
        once = unitname.class_name(text, grade)
        assert unitname.class_name(once, grade) == once
        assert unitname.class_name(once, "") == once


@pytest.mark.parametrize(
    ("text", "number"), [("0", None), ("99", 99), ("100", None), ("九十九", 99), ("十", 10)]
)
def test_numeral(text: str, number: int | None):
    assert unitname.numeral(text) == number


def test_numbered_classes_come_in_natural_order_and_others_after_them():
    names = ["实验班", "七年级（10）班", "七年级（2）班"]
    positions = {name: unitname.position("class", name, 0) for name in names}
    assert sorted(names, key=positions.__getitem__) == ["七年级（2）班", "七年级（10）班", "实验班"]


@pytest.mark.parametrize(
    ("kind", "name", "number"),
    [
        ("grade", "七年级", 7), ("grade", "十二年级", 12), ("grade", "初三", 9), ("grade", "高一", 10),
        ("grade", "2023级", 2023), ("grade", "国际部", None), ("class", "3班", 3), ("class", "实验班", None),
        ("school", "第7中学", None),
    ],
)  # fmt: skip
def test_ordinal(kind: str, name: str, number: int | None):
    assert unitname.ordinal(kind, name) == number


def test_schools_without_a_number_keep_the_order_they_came_in():
    assert unitname.position("school", "实验中学", 0) == 1
    assert unitname.position("school", "第一中学", 5) == 6


def test_codes_do_not_collide_and_may_be_given():
    taken: list[str] = []
    for name in ("七年级（3）班", "八年级（3）班", "3班", "实验班", "火箭班"):
        taken.append(unitname.code("class", name, taken))
    assert taken == ["c3", "c3-2", "c3-3", "c4", "c5"]
    assert all(unitname.sound_code(code) for code in (*taken, "703", "yg", "2023-1"))


def test_a_derived_code_skips_a_number_in_use():
    assert unitname.code("school", "实验中学", ["a", "s3"]) == "s4"


@pytest.mark.parametrize("text", ["", "-a", "a-", "A1", "a/b", "a" * 25, "七", "a b"])
def test_unsound_codes(text: str):
    assert not unitname.sound_code(text)
