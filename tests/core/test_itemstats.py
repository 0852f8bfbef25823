"""Counts per item and their words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.indicators import Rate
from quizsvc.core.itemstats import (
    Alertness,
    ItemCount,
    alertness,
    discrimination,
    doubts,
    facility,
    tally,
    tempting,
    verdict,
)

relaxed = settings(deadline=None, database=None)

KEY = frozenset({0})
answers = st.lists(st.frozensets(st.integers(0, 3)).map(lambda chosen: (KEY, 4, chosen)))


def shown(people: int, correct: int) -> ItemCount:
    return ItemCount(people, correct, (correct, people - correct), 0)


def test_tally_counts_people_right_answers_options_and_blanks():
    key = frozenset({0, 2})
    chosen = [{0, 2}, {0}, {0, 2}, set(), {1, 2}]

    count = tally((key, 4, frozenset(one)) for one in chosen)

    assert count == ItemCount(shown=5, correct=2, chosen=(3, 1, 3, 0), blank=1)


def test_tally_of_nobody_is_empty():
    assert tally([]) == ItemCount(0, 0, (), 0)


def test_tally_of_a_survey_item_has_no_right_answers():
    nothing: frozenset[int] = frozenset()

    count = tally([(nothing, 2, nothing), (nothing, 2, frozenset({1}))])

    assert count == ItemCount(shown=2, correct=0, chosen=(0, 1), blank=1)


def test_tally_is_as_long_as_the_longest_answer():
    count = tally([(KEY, 2, KEY), (KEY, 4, frozenset({3})), (KEY, 3, KEY)])

    assert count == ItemCount(shown=3, correct=2, chosen=(2, 0, 0, 1), blank=0)


@relaxed
@given(answers)
def test_tally_never_counts_more_than_were_shown(people: list[tuple[frozenset[int], int, frozenset[int]]]):
    count = tally(people)

    assert count.shown == len(people) >= count.correct + count.blank
    assert all(count.shown - count.blank >= picks for picks in count.chosen)
    assert tally(reversed(people)) == count


def test_facility_is_correct_of_shown():
    assert facility(shown(40, 31)) == Rate(31, 40)


@pytest.mark.parametrize(
    ("people", "correct", "words"),
    [
        (10, 10, "大家都会"),
        (10, 9, "大家都会"),
        (1000, 899, "多数会"),
        (100_000, 89_999, "多数会"),
        (10, 7, "多数会"),
        (1000, 699, "容易中招"),
        (10, 4, "容易中招"),
        (1000, 399, "重灾区"),
        (10, 0, "重灾区"),
        (9, 9, "人数太少，先不下结论"),
        (9, 0, "人数太少，先不下结论"),
        (0, 0, "人数太少，先不下结论"),
    ],
)
def test_verdict_changes_at_90_70_and_40_percent_and_needs_ten_people(people: int, correct: int, words: str):
    assert verdict(shown(people, correct)) == words


@pytest.mark.parametrize(
    ("chosen", "key", "index"),
    [
        ((20, 5, 12, 3), {0}, 2),
        ((20, 5, 12, 3), {0, 2}, 1),
        ((20, 5, 5, 0), {0}, 1),
        ((3, 5, 4, 0), {3}, 1),
        ((20, 0, 0, 0), {0}, None),
        ((0, 0, 0, 0), {0}, None),
        ((), set(), None),
    ],
)
def test_tempting_is_the_wrong_option_chosen_most(chosen: tuple[int, ...], key: set[int], index: int | None):
    assert tempting(ItemCount(40, 0, chosen, 0), frozenset(key)) == index


def test_discrimination_follows_the_rest():
    knowing, guessing = [(True, 0.8), (True, 1.0)], [(False, 0.2), (False, 0.4)]

    assert discrimination((knowing + guessing) * 10) == pytest.approx(0.9487, abs=1e-4)
    assert discrimination([(not right, rest) for right, rest in (knowing + guessing) * 10]) == pytest.approx(
        -0.9487, abs=1e-4
    )


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([(True, 1.0), (False, 0.0)] * 14, id="too few people"),
        pytest.param([(True, 0.5), (True, 1.0)] * 20, id="all right"),
        pytest.param([(True, 0.5), (False, 0.5)] * 20, id="the rest alike"),
    ],
)
def test_discrimination_that_cannot_be_told_is_none(answers: list[tuple[bool, float]]):
    assert discrimination(answers) is None


@relaxed
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=30, max_size=60))
def test_discrimination_stays_within_one(answers: list[tuple[bool, float]]):
    told = discrimination(answers)

    assert told is None or -1.000001 <= told <= 1.000001


@pytest.mark.parametrize(
    ("people", "right", "discriminates", "number"),
    [
        (29, 29, -0.5, 0),
        (100, 98, 0.3, 1),
        (100, 97, 0.3, 0),
        (100, 50, -0.01, 1),
        (100, 99, -0.2, 2),
        (100, 50, None, 0),
    ],
)
def test_doubts_name_what_speaks_against_an_item(
    people: int, right: int, discriminates: float | None, number: int
):
    assert len(doubts(people, right, discriminates)) == number


def test_alertness_adds_up_fraud_and_honest_scenes_apart():
    told = alertness([(False, shown(10, 8)), (False, shown(5, 5)), (True, shown(10, 6))])

    assert told == Alertness(Rate(13, 15), Rate(4, 10))
    assert alertness([]) == Alertness(Rate(0, 0), Rate(0, 0))
