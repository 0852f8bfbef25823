"""Public values: bits, and one way to write what people copy in many ways."""

from datetime import UTC, datetime
from math import comb, log2

import pytest

from quizsvc.core import publicvalue
from quizsvc.core.publicvalue import BadValue, WeakSources
from quizsvc.core.rulebook import Source

AT = datetime(2026, 12, 21, tzinfo=UTC)


def a_source(kind: str = "lottery", name: str = "双色球 第 2026135 期", bits: int = 24) -> Source:
    return Source(kind=kind, name=name, at=AT, bits=bits)


def test_the_chance_in_a_lottery_is_rounded_down():
    assert publicvalue.most_bits("lottery", "双色球 第 2026135 期") == int(log2(comb(33, 6) * 16)) == 24
    assert publicvalue.most_bits("lottery", "体彩 大 乐 透") == int(log2(comb(35, 5) * comb(12, 2))) == 24
    assert publicvalue.most_bits("lottery", "快乐８") == int(log2(comb(80, 20))) == 61
    assert publicvalue.most_bits("lottery", "福彩3D") == int(log2(1000)) == 9
    assert publicvalue.most_bits("lottery", "七星彩") == int(log2(10**6 * 15)) == 23
    assert publicvalue.most_bits("lottery", "村里的彩票") == 0
    assert publicvalue.most_bits("drand", "quicknet 第 1 轮") == 256
    assert publicvalue.most_bits("dice", "骰子") is None


def test_twenty_six_dice_carry_sixty_seven_bits():
    assert publicvalue.dice_for(67) == 26
    assert int(26 * log2(6)) == 67
    assert publicvalue.dice_for(1) == 1


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([a_source(), a_source()], "合起来是 48 比特"),
        ([a_source(), a_source(), a_source(bits=25)], "最多算 24 比特"),
        ([a_source(name="别的", bits=64)], "没法核对"),
        ([a_source("drand", "quicknet", 0)], "最多算 256 比特"),
        ([], "合起来是 0 比特"),
    ],
)
def test_sources_that_could_be_tried_out_are_refused(sources, words: str):
    with pytest.raises(WeakSources) as refused:
        publicvalue.refuse_weak(sources)

    assert words in refused.value.text


@pytest.mark.parametrize(
    "sources",
    [[a_source(), a_source(), a_source(name="大乐透")], [a_source("dice", "骰子", 64)], [a_source("drand", "d", 256)]],
)  # fmt: skip
def test_sources_with_enough_chance_are_let_through(sources):
    publicvalue.refuse_weak(sources)


@pytest.mark.parametrize(
    ("name", "typed", "written"),
    [
        ("双色球", "01 08 15 22 27 33 + 06", "01-08-15-22-27-33+06"),
        ("双色球", "红球：０８，０１，33、22、15、27　蓝球：6", "01-08-15-22-27-33+06"),
        ("双色球", "01081522273306", "01-08-15-22-27-33+06"),
        ("双色球", "010815222733+06", "01-08-15-22-27-33+06"),
        ("大乐透", "前区 35 01 02 03 04 后区 12 1", "01-02-03-04-35+01-12"),
        ("排列5", "10320", "1-0-3-2-0"),
        ("七星彩", "1 1 1 1 1 1 14", "1-1-1-1-1-1+14"),
        ("七星彩", "11111104", "1-1-1-1-1-1+4"),
    ],
)
def test_one_lottery_result_has_one_form(name: str, typed: str, written: str):
    assert publicvalue.normal(a_source(name=name), typed) == written


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("01 08 15 22 27 34 06", "1 到 33"),
        ("01 08 15 22 27 33 17", "1 到 16"),
        ("01 01 15 22 27 33 06", "重复"),
        ("01 08 15 22 27 33", "要 7 个号码，写了 6 个"),
        ("大约 01 08", "不要别的字"),
        ("01 08 15 22 27 33 ٦", "不要别的字"),
        ("", "写了 0 个"),
        ("1" * 500, "太长"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused(typed: str, words: str):
    with pytest.raises(BadValue) as refused:
        publicvalue.normal(a_source(), typed)

    assert words in refused.value.text


def test_a_lottery_that_is_not_known_has_no_value():
    with pytest.raises(BadValue):
        publicvalue.normal(a_source(name="村里的彩票"), "1 2 3")


def test_dice_are_written_one_after_the_other():
    dice = a_source("dice", "现场掷骰子", 67)

    assert publicvalue.normal(dice, "４１６３３ 52634-11223,34455 666111") == "41633526341122334455666111"
    with pytest.raises(BadValue, match="要 26 个点数，写了 3 个"):
        publicvalue.normal(dice, "123")
    for wrong in ("7" * 26, "一" * 26, "", "١" * 26):
        with pytest.raises(BadValue, match="1 到 6"):
            publicvalue.normal(dice, wrong)


def test_a_drand_value_is_small_hexadecimal():
    drand = a_source("drand", "quicknet", 256)

    assert publicvalue.normal(drand, "0x" + "AB" * 16 + " " + "cd" * 16) == "ab" * 16 + "cd" * 16
    with pytest.raises(BadValue, match="64 个字符"):
        publicvalue.normal(drand, "ab" * 31)


def test_the_values_of_all_sources_stand_in_their_order():
    sources = [a_source(name="排列5"), a_source("dice", "骰子", 5)]

    assert publicvalue.combined(sources, ["12345", "1 2"]) == "1-2-3-4-5;12"
    with pytest.raises(ValueError, match="shorter"):
        publicvalue.combined(sources, ["12345"])
