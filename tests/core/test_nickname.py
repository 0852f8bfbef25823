"""Nicknames: short, no numbers to call, no links, nobody speaks in our name."""

import pytest

from quizsvc.core import nickname
from quizsvc.core.refusal import Refusal


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("小雨点", "小雨点"),
        (" 小 雨 ", "小雨"),
        ("ＡＢ１２", "AB12"),
        ("阿凡提·买买提", "阿凡提·买买提"),
        ("Li-2008", "Li-2008"),
    ],
)
def test_nickname_is_read_as_typed_without_blanks(typed: str, read: str) -> None:
    assert nickname.read(typed) == read


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "2 到 12"),
        ("雨", "2 到 12"),
        ("一二三四五六七八九十一二三", "2 到 12"),
        ("x" * 100_000, "2 到 12"),
        ("小雨😀", "表情"),
        ("<b>小雨</b>", "表情"),
        ("小雨\u200b点", "表情"),
        ("小雨\u202e点", "表情"),
        ("····", "表情"),
        ("13800138000", "手机号"),
        ("小雨12345", "手机号"),
        ("１３８００", "手机号"),
        ("fz.com", "误会"),
        ("WWW.小雨", "误会"),
        ("反诈中心小李", "误会"),
        ("Admin小雨", "误会"),
        ("加我领奖", "误会"),
    ],
)
def test_nickname_is_refused_with_its_reason(typed: str, why: str) -> None:
    with pytest.raises(Refusal, match=why) as refused:
        nickname.read(typed)
    assert refused.value.status == 400


def test_four_digits_are_fine_and_five_are_not() -> None:
    assert nickname.read("小雨2008") == "小雨2008"
    with pytest.raises(Refusal):
        nickname.read("小雨20081")
