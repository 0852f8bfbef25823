"""Characters, seconds an item, seconds a paper, minutes."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import bankfile, readingtime
from quizsvc.core.assembly import Blueprint, Candidate, Fixed, Rule
from quizsvc.core.bankfile import Option, Scene
from tests.make import an_item

relaxed = settings(deadline=None, database=None)
OPTIONS = (Option("一二三四", key=True), Option("一二三四五六"))


def an_item_of(characters: int, **changes: object) -> bankfile.Item:
    """An item with so many characters: ten in the options, the others in the stem."""
    return replace(an_item("a"), stem="字" * (characters - 10), options=OPTIONS, **changes)


def a_candidate(ref: int, topic: str = "brushing", audiences: tuple[str, ...] = ("junior",)) -> Candidate:
    return Candidate(ref, f"group-{ref}", topic, "single_choice", 1, audiences, "test")


def test_characters_are_those_of_scene_stem_and_options_without_white_space() -> None:
    item = replace(an_item("a"), stem="一 二\n三", options=OPTIONS)

    assert readingtime.characters(item) == 13
    assert readingtime.characters(replace(item, scene=Scene("sms", "寄件人", "四 五\n六七"))) == 17


@pytest.mark.parametrize(
    ("audiences", "seconds"),
    [
        ((), 60 + 5),
        (("staff",), 60 + 5),
        (("junior",), Fraction(360 * 60, 320) + 5),
        (("primary_upper",), 90 + 8),
        (("primary_lower",), 144 + 8),
        (("kindergarten",), 144 + 8),
        (("elderly",), 90 + 8),
        (("staff", "primary_lower", "junior"), 144 + 8),
    ],
)
def test_item_takes_its_slowest_readers_as_long(audiences: tuple[str, ...], seconds: Fraction) -> None:
    assert readingtime.item_seconds(an_item_of(360), audiences) == seconds


def test_multiple_choice_asks_one_decision_an_option() -> None:
    one, several = an_item_of(360), an_item_of(360, kind="multiple_choice")

    assert readingtime.item_seconds(several, ("staff",)) - readingtime.item_seconds(one, ("staff",)) == 5


def test_every_audience_that_is_named_is_one() -> None:
    assert set(readingtime.CHARACTERS_A_MINUTE) | readingtime.UNHURRIED <= set(bankfile.AUDIENCES)


def test_rule_takes_the_mean_of_what_it_may_draw() -> None:
    candidates = [a_candidate(0), a_candidate(1), a_candidate(2, "police")]
    items = {0: an_item_of(320), 1: an_item_of(640), 2: an_item_of(3200)}

    assert (
        readingtime.paper_seconds(Blueprint((Rule(2, 10, topic="brushing"),)), candidates, items)
        == 60 + 2 * 95
    )
    assert readingtime.paper_seconds(Blueprint((Rule(2, 10, topic="nothing"),)), candidates, items) == 60


def test_fixed_items_are_added() -> None:
    candidates = [a_candidate(0), a_candidate(1)]
    items = {0: an_item_of(320), 1: an_item_of(640)}

    assert readingtime.paper_seconds(Blueprint((), (Fixed(1, 5),)), candidates, items) == 60 + 125


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ((), 90 + 8),  # for whom it was written
        ((Rule(0, 1),), 90 + 8),
        ((Rule(0, 1, audience="staff"), Rule(0, 1, audience="staff")), 60 + 5),  # for whom the paper is
        ((Rule(0, 1, audience="staff"), Rule(0, 1)), 90 + 8),  # the rules do not agree
    ],
)
def test_audience_of_fixed_items_is_the_one_the_rules_agree_on(rules: tuple[Rule, ...], seconds: int) -> None:
    candidates, items = [a_candidate(0, audiences=("primary_upper", "staff"))], {0: an_item_of(360)}

    assert readingtime.paper_seconds(Blueprint(rules, (Fixed(0, 1),)), candidates, items) == 60 + seconds


def test_rule_is_read_by_its_own_audience() -> None:
    candidates, items = [a_candidate(0, audiences=("primary_upper", "staff"))], {0: an_item_of(360)}
    rules = (Rule(1, 1, audience="staff"), Rule(1, 1, audience="primary_upper"))

    assert readingtime.paper_seconds(Blueprint(rules), candidates, items) == 60 + 65 + 98


def test_part_of_a_second_is_a_second() -> None:
    paper = Blueprint((), (Fixed(0, 1),))

    assert readingtime.paper_seconds(paper, [a_candidate(0)], {0: an_item_of(321)}) == 60 + 66


@relaxed
@given(st.integers(0, 20_000))
def test_minutes_are_the_nearest_and_never_none(seconds: int) -> None:
    told = readingtime.minutes(seconds)

    assert told == 1 or -30 <= seconds - told * 60 < 30
    assert told > 1 or seconds < 90


@relaxed
@given(st.integers(10, 500), st.integers(1, 500))
def test_more_to_read_takes_longer(fewer: int, more: int) -> None:
    short, long = an_item_of(fewer), an_item_of(fewer + more)

    assert readingtime.item_seconds(short, ("junior",)) < readingtime.item_seconds(long, ("junior",))
