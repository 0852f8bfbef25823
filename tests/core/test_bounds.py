"""What sheets may be: every bound of the docstrings, and the place a refusal names."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest

from quizsvc.core import adoption, bounds, document, questionnaire
from quizsvc.core.bounds import Misfit
from tests import make

UNSEEN = "有看不见的字符或多余的空格，请重新输入"
MATRIX = {"kind": "matrix", "options": ["会", "不会"], "rows": ["挂电话"], "capacities": []}
PLAIN = {"low": 0, "high": 0, "ends": ["", ""], "capacities": [], "rows": [], "options": []}


def said(read: Any, values: Mapping[str, Any]) -> str:
    with pytest.raises(Misfit) as refused:
        read(values)
    return refused.value.text.removesuffix("。")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "quiz"}, "种类：没有“quiz”这一种"),
        ({"title": ""}, "标题：还没有写"),
        ({"title": "字" * 61}, "标题：最多写 60 个字，现在有 61 个"),
        ({"title": "上\n下"}, "标题：只能写一行"),
        ({"title": " 空"}, f"标题：{UNSEEN}"),
        ({"title": "零\u200b宽"}, f"标题：{UNSEEN}"),
        ({"title": "响\x07"}, f"标题：{UNSEEN}"),
        ({"title": "e\u0301"}, f"标题：{UNSEEN}"),
        ({"title": 7}, "文本：内容不完整，读不出来"),
        ({"issuer": []}, "发布单位：单位最少 1 个"),
        ({"issuer": [f"单位{number}" for number in range(7)]}, "发布单位：单位最多 6 个"),
        ({"issuer": ["甲", "甲"]}, "发布单位：单位里有两个一样的"),
        ({"opening": "字" * 4001}, "开头的说明：最多写 4000 个字，现在有 4001 个"),
        ({"closing": "一\n\n二"}, f"最后的说明：{UNSEEN}"),
        ({"points": []}, "要点：要点最少 1 个"),
        ({"points": ["好", "字" * 301]}, "第 2 条：最多写 300 个字，现在有 301 个"),
        ({"question": "字" * 201}, "要确认的话：最多写 200 个字，现在有 201 个"),
        ({"signer": "neighbour"}, "谁来签：没有“neighbour”这一种"),
        ({"points": None}, "文本：内容不完整，读不出来"),
        ({"extra": ""}, "文本：内容不完整，读不出来"),
    ],
)
def test_a_document_that_breaks_a_bound_is_refused(changes: dict[str, Any], text: str) -> None:
    assert said(document.read, {**document.written(make.a_document()), **changes}) == text


def of_adoption(**changes: Any) -> dict[str, Any]:
    values = adoption.written(make.an_adoption())
    return {**values, "items": [{**values["items"][0], **changes}, values["items"][1]]}


TARGET = {"basis": "roster", "label": "教职工", "permyriad": 10000}
CHECK = {"text": "在哪里？", "options": ["上", "下"], "right": 0}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"text": "字" * 121}, "第 1 项：最多写 120 个字，现在有 121 个"),
        ({"text": "关注了学校公众号吗？"}, "项目：项目里有两个一样的"),
        ({"may_not_apply": None}, "第 1 项：内容不完整，读不出来"),
        ({"steps": ["下载"]}, "第 1 项的步骤：步骤最少 2 个"),
        ({"steps": [str(number) for number in range(9)]}, "第 1 项的步骤：步骤最多 8 个"),
        ({"steps": ["下载", "字" * 41]}, "第 1 项的步骤：最多写 40 个字，现在有 41 个"),
        ({"targets": []}, "第 1 项的目标：目标最少 1 个"),
        ({"targets": [TARGET, TARGET]}, "第 1 项的目标：目标里有两个一样的"),
        ({"targets": [{**TARGET, "basis": "all"}]}, "第 1 项的目标：没有“all”这一种"),
        ({"targets": [{**TARGET, "label": "字" * 21}]}, "第 1 项的目标：最多写 20 个字，现在有 21 个"),
        ({"targets": [{**TARGET, "permyriad": 0}]}, "第 1 项的目标：要大于 0%，不超过 100%，最多两位小数"),
        (
            {"targets": [{**TARGET, "permyriad": 10001}]},
            "第 1 项的目标：要大于 0%，不超过 100%，最多两位小数",
        ),
        ({"due_on": "1999-01-01"}, "第 1 项的截止：年份要在 2020 到 2099 之间"),
        ({"due_on": "2027-02-30"}, "使用情况：内容不完整，读不出来"),
        ({"check": {**CHECK, "options": ["上"]}}, "第 1 项的核对题：选项最少 2 个"),
        ({"check": {**CHECK, "options": list("一二三四五")}}, "第 1 项的核对题：选项最多 4 个"),
        ({"check": {**CHECK, "right": 2}}, "第 1 项的核对题：答案要是其中一个选项"),
        ({"check": {**CHECK, "text": ""}}, "第 1 项的核对题：还没有写"),
    ],
)
def test_an_adoption_survey_that_breaks_a_bound_is_refused(changes: dict[str, Any], text: str) -> None:
    assert said(adoption.read, of_adoption(**changes)) == text


def test_an_adoption_survey_has_one_to_twelve_things() -> None:
    values = adoption.written(make.an_adoption())

    assert said(adoption.read, {**values, "items": []}) == "项目：项目最少 1 个"
    many = [{**values["items"][1], "text": f"做了 {number} 吗？"} for number in range(13)]
    assert said(adoption.read, {**values, "items": many}) == "项目：项目最多 12 个"
    assert len(adoption.read({**values, "items": many[:12]}).items) == 12


def of_survey(**changes: Any) -> dict[str, Any]:
    values = questionnaire.written(make.a_questionnaire())
    third = {**values["questions"][2], **changes}
    return {**values, "questions": [*values["questions"][:2], third]}


def asked(question: int, *any_of: int) -> list[dict[str, Any]]:
    return [{"question": question, "any_of": list(any_of)}]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kind": "essay"}, "没有“essay”这一种"),
        ({"text": "字" * 201}, "最多写 200 个字，现在有 201 个"),
        ({"required": 1}, "内容不完整，读不出来"),
        ({**PLAIN, "kind": "choice", "options": ["一"]}, "选项最少 2 个"),
        ({**PLAIN, "kind": "choice", "options": [str(n) for n in range(21)]}, "选项最多 20 个"),
        ({**PLAIN, "kind": "choice", "options": ["一", "一"]}, "选项里有两个一样的"),
        ({**PLAIN, "kind": "choice", "options": ["一", "字" * 61]}, "最多写 60 个字，现在有 61 个"),
        ({**PLAIN, "kind": "choice", "options": ["一", "二"], "high": 2}, "单选题不写范围"),
        ({"options": ["一", "二"]}, "一段话题不写选项"),
        ({"rows": ["一"]}, "只有矩阵题写行"),
        ({**PLAIN, **MATRIX, "rows": []}, "行最少 1 个"),
        ({**PLAIN, **MATRIX, "rows": [str(n) for n in range(13)]}, "行最多 12 个"),
        ({**PLAIN, **MATRIX, "options": [str(n) for n in range(8)]}, "列最多 7 个"),
        ({**PLAIN, "kind": "rating", "low": 1, "high": 2}, "打分从 1 开始，到 3 至 10 为止"),
        ({**PLAIN, "kind": "rating", "low": 0, "high": 5}, "打分从 1 开始，到 3 至 10 为止"),
        ({**PLAIN, "kind": "rating", "low": 1, "high": 5, "ends": ["慌", ""]}, "还没有写"),
        ({**PLAIN, "kind": "number", "low": 5, "high": 5}, "数字的范围要从小写到大，不超过 1,000,000,000"),
        ({**PLAIN, "kind": "number", "high": 10**9 + 1}, "数字的范围要从小写到大，不超过 1,000,000,000"),
        ({**PLAIN, "kind": "choices", "options": ["一", "二"], "low": 0, "high": 2},
         "最少选几个、最多选几个，要在 1 和选项的个数之间"),
        ({**PLAIN, "kind": "choices", "options": ["一", "二"], "low": 1, "high": 3},
         "最少选几个、最多选几个，要在 1 和选项的个数之间"),
        ({"kind": "short", "high": 201}, "一句话最多可以让人写 1 到 200 个字"),
        ({"high": 2001}, "一段话最多可以让人写 1 到 2000 个字"),
        ({"high": 0}, "一段话最多可以让人写 1 到 2000 个字"),
        ({"ends": ["一", "二"]}, "只有打分题写两头的意思"),
        ({"capacities": [1]}, "只有单选题可以限名额"),
        ({**PLAIN, "kind": "choice", "options": ["一", "二"], "capacities": [3]}, "名额要写给哪个选项"),
        ({**PLAIN, "kind": "choice", "options": ["一", "二"], "capacities": [None, None]}, "名额要写给哪个选项"),
        ({"shown_if": asked(2, 0)}, "“只问”只能指前面的题"),
        ({"shown_if": asked(-1, 0)}, "“只问”只能指前面的题"),
        ({"shown_if": asked(0)}, "“只问”要写选了哪些，每个写一次"),
        ({"shown_if": asked(0, 1, 0)}, "“只问”要写选了哪些，每个写一次"),
        ({"shown_if": asked(0, 2)}, "“只问”里的选项，第 1 题没有"),
        ({"shown_if": asked(1, 0)}, "“只问”里的选项，第 2 题没有"),
        ({"shown_if": asked(0, 0) + asked(0, 1)}, "“只问”对同一题只写一次"),
    ],
)  # fmt: skip
def test_a_question_that_breaks_a_bound_is_refused(changes: dict[str, Any], text: str) -> None:
    assert said(questionnaire.read, of_survey(**changes)) == f"第 3 题：{text}"


def test_a_capacity_is_a_number_of_people() -> None:
    changes = {**PLAIN, "kind": "choice", "options": ["一", "二"], "capacities": [None, 100_001]}

    assert said(questionnaire.read, of_survey(**changes)) == "第 3 题的名额：要是 1 到 100000 之间的整数"


def test_a_condition_points_to_choices_and_ratings_alone() -> None:
    values = of_survey(**{**PLAIN, "kind": "number", "high": 9})
    last = {**values["questions"][0], "shown_if": asked(2, 1)}

    assert said(questionnaire.read, {**values, "questions": [*values["questions"], last]}) == (
        "第 4 题：“只问”指的第 3 题要是单选、多选或打分题"
    )


def test_a_survey_has_one_to_sixty_questions_and_a_hundred_words() -> None:
    values = questionnaire.written(make.a_questionnaire())
    [first, *_] = values["questions"]

    assert said(questionnaire.read, {**values, "questions": []}) == "问题：要有 1 到 60 题"
    assert said(questionnaire.read, {**values, "questions": [first] * 61}) == "问题：要有 1 到 60 题"
    words = [f"词{number}" for number in range(101)]
    assert said(questionnaire.read, {**values, "words": words}) == "遮住的词：词最多 100 个"
    assert said(questionnaire.read, {**values, "words": ["字" * 21]}) == (
        "遮住的词：最多写 20 个字，现在有 21 个"
    )
    assert (
        len(questionnaire.read({**values, "questions": [first] * 60, "words": words[:100]}).questions) == 60
    )


def test_the_text_that_is_signed_can_be_typed_and_hashed_by_anybody() -> None:
    pledge = make.a_document("pledge", opening="第一段\n第二段", closing="最后一段")

    text = document.text(pledge)

    assert text == (
        "反诈责任书\n阳光县反诈中心\n第一段\n第二段\n1. 先交钱再返利的，都是诈骗。\n"
        "2. 让您转到安全账户的，都是诈骗。\n最后一段\n我保证做到以上各条。"
    )
    assert document.digest(pledge) == sha256(text.encode()).hexdigest()


def test_a_text_is_tidied_before_it_is_kept() -> None:
    assert bounds.tidied("\ufeff　一\u00a0二\t三 \r\n\r\n e\u0301\u200b\u2028四") == "一 二 三\n\u00e9\n四"
