"""Sentences of a text, their lengths, and what a writer is told."""

import pytest

from quizsvc.core import readinglevel
from quizsvc.core.readinglevel import Level
from tests import make


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("　\n……\n——\n", ()),
        ("别转账。", ("别转账。",)),
        ("别转账", ("别转账",)),
        ("别转账！！打 110？好", ("别转账！！", "打 110？", "好")),
        ("先问：“是你吗？”再说", ("先问：“是你吗？”", "再说")),
        ("一\n二\n\n三", ("一", "二", "三")),
        ("一、看；二、听。", ("一、看；二、听。",)),
    ],
)
def test_a_sentence_ends_with_its_mark_or_its_line(text: str, found: tuple[str, ...]) -> None:
    assert readinglevel.sentences(text) == found


def test_lengths_leave_white_space_out_and_the_mean_is_rounded_up() -> None:
    assert readinglevel.level("打 110。\n字字字字字字") == Level(2, "字字字字字字", 6, 6)
    assert readinglevel.level("好。字字字。") == Level(2, "字字字。", 4, 3)


def test_the_first_of_equally_long_sentences_is_named() -> None:
    assert readinglevel.level("一一。二二。").longest == "一一。"


def test_a_text_of_nothing_has_no_level_and_no_advice() -> None:
    assert readinglevel.level("\n。") == Level(0, "", 0, 0)
    assert readinglevel.advice(readinglevel.level("")) == ""


@pytest.mark.parametrize(
    ("longest", "mean", "told"),
    [
        (60, 28, ""),
        (61, 28, "最长的一句 61 字，建议拆开。"),
        (60, 29, "平均一句 29 字，最好不超过 28 字。"),
        (72, 30, "最长的一句 72 字，建议拆开。平均一句 30 字，最好不超过 28 字。"),
    ],
)
def test_only_what_is_longer_than_the_limits_is_told(longest: int, mean: int, told: str) -> None:
    assert readinglevel.advice(Level(3, "字", longest, mean)) == told


def test_everything_that_is_read_of_a_sheet_is_measured() -> None:
    notice = make.a_document(closing="有事打 110。\n多保重。")
    assert readinglevel.words(notice).split("\n") == [
        "涉诈风险提示单",
        "阳光县反诈中心",
        "请和孩子一起读一遍。",
        "先交钱再返利的，都是诈骗。",
        "让您转到安全账户的，都是诈骗。",
        "有事打 110。",
        "多保重。",
        "上面的内容，您都知道了吗？",
    ]
    assert readinglevel.words(make.an_adoption(opening="照实填。")).split("\n") == [
        "反诈工具使用情况",
        "照实填。",
        "装了国家反诈中心 App 吗？",
        "下载",
        "注册",
        "打开以后，第一页最上面是什么？",
        "报案助手",
        "天气",
        "关注了学校公众号吗？",
    ]
    asked = make.a_questionnaire(opening="不记名。", closing="谢谢。")
    assert readinglevel.words(asked).split("\n") == [
        "反诈宣传意见",
        "不记名。",
        "您收到过诈骗电话吗？",
        "收到过",
        "没有",
        "当时慌不慌？",
        "不慌",
        "很慌",
        "还想对我们说什么？",
        "谢谢。",
    ]
