"""Link codes and phrases."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.linkcode import (
    ALPHABET,
    WORDS,
    MistypedCode,
    Phrase,
    body_from,
    check_character,
    compose,
    grouped,
    parse,
    phrase,
    phrase_of,
)

relaxed = settings(deadline=None, database=None)

BASES = ("000000", "7K3M9Q", "ZYXWVT")
bodies = st.text(ALPHABET, min_size=6, max_size=6)

# How each word sounds, without tones, in the order of WORDS.
SOUNDS = """
    qinghe bailu chenguang songlin shanquan shiqiao zhuye hetang
    yunhai xinghe yusan chunsun qiuyue dongxue xiachan meizi
    taoyuan dengta maitian daoxiang feiyan xique lanjing junma
    xiongmao jinyu caihong mingzhu yinxing hongfeng lvzhou ziteng
    huangying yulan moli mudan luwei yangliu pingguo putao
    xigua huasheng fengzheng shubao qianbi gangqin tongluo fanchuan
    huoche zhonglou chengqiang pubu caoyuan shatan daoyu chahu
    migao doujiang mifeng hudie qingting qipan maoyi liangting
"""


def refused(code: str) -> bool:
    try:
        parse(code)
    except MistypedCode:
        return True
    return False


def bodies_with_every_pair_of_neighbours() -> list[str]:
    return [
        base[:place] + first + second + base[place + 2 :]
        for base, place in product(BASES, range(5))
        for first, second in product(ALPHABET, repeat=2)
    ]


def test_alphabet_has_no_look_alikes():
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert set(ALPHABET).isdisjoint("ILOU")


@pytest.mark.parametrize(
    ("body", "code"),
    [("000000", "0000000"), ("100000", "100000A"), ("7K3M9Q", "7K3M9Q8"), ("AB10CD", "AB10CDK")],
)
def test_compose_adds_a_check_character_that_never_changes(body: str, code: str):
    assert compose(body) == code


@pytest.mark.parametrize("body", ["", "7K3M9", "7K3M9Q2"])
def test_compose_of_another_length_is_an_error(body: str):
    with pytest.raises(ValueError, match="6 characters"):
        compose(body)


@pytest.mark.parametrize("body", ["7K3M9U", "7k3m9q", "7K3M9 "])
def test_check_character_of_another_alphabet_is_an_error(body: str):
    with pytest.raises(KeyError):
        check_character(body)


def test_check_character_takes_every_value():
    assert {check_character("00000" + last) for last in ALPHABET} == set(ALPHABET)


def test_every_single_wrong_character_is_caught_at_every_place():
    slips = [
        code[:place] + wrong + code[place + 1 :]
        for code in map(compose, bodies_with_every_pair_of_neighbours()[::31])
        for place, wrong in product(range(7), ALPHABET)
        if wrong != code[place]
    ]

    assert len(slips) > 100_000
    assert [slip for slip in slips if not refused(slip)] == []


def test_every_swap_of_neighbours_is_caught_at_every_place():
    swaps = {
        code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        for code in map(compose, bodies_with_every_pair_of_neighbours())
        for place in range(6)
        if code[place] != code[place + 1]
    }

    assert len(swaps) > 60_000
    assert [swap for swap in swaps if not refused(swap)] == []


def test_every_swap_with_the_check_character_is_caught():
    codes = [compose(f"7K3M{first}{last}") for first, last in product(ALPHABET, repeat=2)]

    swaps = [code[:5] + code[6] + code[5] for code in codes if code[5] != code[6]]

    assert len({code[5:] for code in codes}) == 1024
    assert [swap for swap in swaps if not refused(swap)] == []


@pytest.mark.parametrize(
    "text",
    [
        "100000A",
        "100000a",
        "1000-00A",
        " 1000 00A ",
        "1000-00A\n",
        "1OOOOOA",
        "looooo-a",
        "I00000A",
        "i00000A",
        "L00000A",
        "１０００００Ａ",
        "1000　00A",
        "1000-00A" + " " * 56,
    ],
)
def test_parse_forgives_case_width_spaces_hyphens_and_look_alikes(text: str):
    assert parse(text) == "100000A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "100000",
        "100000AA",
        "100000B",
        "U00000A",
        "100000Ä",
        "https://x/c/100000A",
        "1000-00A" + " " * 57,
        "1" * 100_000,
        "青禾青禾青禾青",
    ],
)
def test_parse_of_anything_else_is_refused(text: str):
    with pytest.raises(MistypedCode) as refusal:
        parse(text)

    assert (refusal.value.status, refusal.value.text) == (404, "这个网址不完整或抄错了，请对照海报再看一眼。")


@relaxed
@given(bodies)
def test_parse_reads_back_what_was_printed(body: str):
    code = compose(body)

    assert parse(code) == parse(code.lower()) == parse(grouped(code)) == code


@relaxed
@given(st.text())
def test_parse_returns_a_code_or_refuses(text: str):
    assert refused(text) or compose(parse(text)[:6]) == parse(text)


@pytest.mark.parametrize(
    ("code", "written"), [("7K3M9Q2F", "7K3M-9Q2F"), ("7K3M9Q8", "7K3M-9Q8"), ("7K3M", "7K3M"), ("", "")]
)
def test_grouped_has_a_hyphen_after_every_fourth(code: str, written: str):
    assert grouped(code) == written


@pytest.mark.parametrize(
    ("number", "length", "body"),
    [
        (0, 6, "000000"),
        (31, 6, "00000Z"),
        (32, 6, "000010"),
        (33, 6, "000011"),
        (32**6 - 1, 6, "ZZZZZZ"),
        (32**6, 6, "000000"),
        (5, 0, ""),
    ],
)
def test_body_from_writes_a_number(number: int, length: int, body: str):
    assert body_from(number, length) == body


@relaxed
@given(st.integers(0, 32**8 - 1))
def test_body_from_loses_nothing(number: int):
    values = [ALPHABET.index(character) for character in body_from(number, 8)]

    assert sum(value * 32**place for place, value in enumerate(reversed(values))) == number


def test_words_are_64_and_share_neither_sound_nor_character():
    sounds = SOUNDS.split()

    assert len(WORDS) == len(set(sounds)) == len(sounds) == 64
    assert len(set("".join(WORDS))) == 2 * 64


def test_words_can_be_printed_with_the_poster_font():
    assert all(len(word) == 2 and len(word.encode("gb2312")) == 4 for word in WORDS)


def test_phrase_of_is_written_as_on_the_poster():
    assert str(phrase_of(0, 27)) == "青禾 27"
    assert phrase_of(63, 99) == Phrase("凉亭", 99)


@pytest.mark.parametrize(("word_index", "number"), [(-1, 27), (64, 27), (0, 9), (0, 100)])
def test_phrase_of_out_of_range_is_an_error(word_index: int, number: int):
    with pytest.raises(ValueError, match="no phrase"):
        phrase_of(word_index, number)


def test_phrase_reaches_every_word_and_number_once():
    phrases = [phrase(number) for number in range(5760)]

    assert len(set(phrases)) == 5760
    assert {one.number for one in phrases} == set(range(10, 100))
    assert phrase(5760) == phrases[0]
