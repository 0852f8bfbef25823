"""What is done with words of others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.wording import MASK, found, masked


@pytest.mark.parametrize(
    "number",
    [
        "1380013", "13800138000", "138 0013 8000", "138-0013-8000", "１３８００１３８０００", "138\n0013\n8000",
        "１３８　００１３　８０００", "1\u200b3800138000", "幺三八零零幺三八零零零", "11010119900307123X",
        "1·3·8·0·0·1·3",
    ],
)  # fmt: skip
def test_long_numbers_are_masked_however_they_are_written(number: str):
    assert masked(f"找我{number}谢谢") == f"找我{MASK}谢谢"


@pytest.mark.parametrize(
    "text", ["2026 年 12 月", "花了 300000 元", "96110", "第 1 节到第 8 节", "", "1，2，3，4，5，6，7"]
)
def test_short_numbers_stay(text: str):
    assert masked(text) == text


@settings(max_examples=60)
@given(st.text("0１二 -x啊", max_size=40))
def test_what_has_been_masked_has_nothing_left_to_mask(text: str):
    assert masked(masked(text)) == masked(text)
    assert len(masked(text)) <= len(text)


@pytest.mark.parametrize("text", ["这个QQ群", "这个ｑｑ群", "这个Q q群", "这个ＱＱ　群", "Q\u200bQ"])
def test_listed_words_are_found_whatever_their_width_and_case(text: str):
    assert found(text, ["微信", "q Q", " "]) == ("q Q",)


def test_words_that_are_not_there_are_not_found():
    assert found("今天的课很好", ["微信", "Q"]) == ()
