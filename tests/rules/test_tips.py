"""What the tips of the weekly reminder promise: enough of them, short, plain, kind, sourced, none told twice."""

import re
import tomllib
from itertools import combinations

import pytest

from quizsvc.core import readinglevel
from quizsvc.settings import PROJECT

FILE = PROJECT / "question_banks" / "tips.toml"
TIPS: list[dict[str, str]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["tip"]
TEXTS = [tip["text"] for tip in TIPS]

WEEKS = 22
"""The longest semester: no week of it repeats a tip."""

SHORTEST, LONGEST = 18, 46
SHARED = 8
"""So many characters in a row in two tips read as the same tip."""

LATIN = {"App", "AI", "96110", "110", "12321"}
"""All that may stand in ASCII, so that no link, no account and no telephone number slips in."""

TOO_SURE = ("一定", "绝对", "肯定", "百分之百", "永远", "都是诈骗", "都是骗")
UNKIND = ("被骗", "受害", "上当", "坐牢", "判刑", "拘留", "倾家荡产", "血本无归", "笨", "贪", "后果")


each = pytest.mark.parametrize("text", TEXTS, ids=[f"tip-{number}" for number in range(1, len(TEXTS) + 1)])


def runs(text: str) -> set[str]:
    return {text[at : at + SHARED] for at in range(len(text) - SHARED + 1)}


def test_tips_last_a_semester() -> None:
    assert len(TIPS) >= WEEKS


def test_tips_are_in_the_shape_the_reminder_reads() -> None:
    assert {tuple(sorted(tip)) for tip in TIPS} == {("source", "text")}


def test_no_tip_is_there_twice() -> None:
    assert sorted(set(TEXTS)) == sorted(TEXTS)


def test_no_two_tips_say_the_same_words() -> None:
    shared = [(one, other, runs(one) & runs(other)) for one, other in combinations(TEXTS, 2)]
    assert [found for found in shared if found[2]] == []


@each
def test_a_tip_is_one_short_line_that_ends_as_a_sentence(text: str) -> None:
    assert SHORTEST <= len(text) <= LONGEST
    assert text == " ".join(text.split())
    assert text.endswith("。")


@each
def test_a_tip_reads_as_easily_as_texts_for_parents_and_old_people(text: str) -> None:
    measured = readinglevel.level(text)
    assert measured.sentences <= 2
    assert measured.longest_length <= readinglevel.LONGEST
    assert readinglevel.advice(measured) == ""


@each
def test_a_tip_holds_no_link_and_no_numbers_but_public_ones(text: str) -> None:
    assert set(re.findall(r"[!-~]+|\d+", text)) <= LATIN


@each
def test_a_tip_neither_frightens_nor_says_more_than_is_true(text: str) -> None:
    assert [word for word in (*TOO_SURE, *UNKIND) if word in text] == []


def test_every_tip_names_its_source() -> None:
    assert [tip["text"] for tip in TIPS if not tip["source"].strip()] == []
