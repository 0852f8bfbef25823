"""Rates, tallies and what is summed."""

from dataclasses import astuple, fields
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.indicators import (
    DEFINITIONS,
    Rate,
    Tally,
    awareness,
    coverage,
    first_awareness,
    full_mark_rate,
    hidden_small,
    mean_text,
    missing,
    pass_rate,
    permyriad,
    total,
)

relaxed = settings(deadline=None, database=None)

heads = st.integers(0, 1_000_000)
tallies = st.builds(Tally, **{field.name: heads for field in fields(Tally)})

CLASS = Tally(
    expected=45, done=37, aware=30, first_aware=21, full=9, score=3163, out_of=3700, exempt=2, open=3
)


@pytest.mark.parametrize(
    ("part", "whole", "hundredths"),
    [
        (9999, 10000, 9999),
        (499_999, 500_000, 9999),
        (1, 3, 3333),
        (2, 3, 6666),
        (0, 1, 0),
        (45, 45, 10000),
        (46, 45, 10222),
    ],
)
def test_permyriad_is_rounded_down(part: int, whole: int, hundredths: int):
    assert permyriad(part, whole) == hundredths


def test_permyriad_of_nobody_is_an_error():
    with pytest.raises(ZeroDivisionError):
        permyriad(0, 0)


@pytest.mark.parametrize(
    ("rate", "hundredths", "text", "fraction", "over"),
    [
        (Rate(39_874, 41_286), 9657, "96.5%", "39,874/41,286", False),
        (Rate(499_999, 500_000), 9999, "99.9%", "499,999/500,000", False),
        (Rate(45, 45), 10000, "100%", "45/45", False),
        (Rate(0, 45), 0, "0.0%", "0/45", False),
        (Rate(1, 10_000), 1, "0.0%", "1/10,000", False),
        (Rate(1, 2), 5000, "50.0%", "1/2", False),
        (Rate(0, 0), None, "—", "0/0", False),
        (Rate(3, 0), None, "—", "3/0", True),
        (Rate(103, 100), 10300, "103.0%", "103/100", True),
        (Rate(100_001, 100_000), 10000, "100.0%", "100,001/100,000", True),
    ],
)
def test_rate_is_written_with_one_decimal_rounded_down(
    rate: Rate, hundredths: int | None, text: str, fraction: str, over: bool
):
    assert (rate.permyriad, rate.text, rate.fraction, rate.over) == (hundredths, text, fraction, over)


@relaxed
@given(st.integers(1, 10**9).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_rate_is_100_percent_only_when_nobody_is_left(pair: tuple[int, int]):
    rate = Rate(*pair)

    assert (rate.text == "100%") == (rate.permyriad == 10000) == (rate.part == rate.whole)
    assert Fraction(rate.text.removesuffix("%")) <= Fraction(100 * rate.part, rate.whole)


@relaxed
@given(heads, st.integers(1, 1_000_000))
def test_rate_written_is_less_than_a_tenth_below_the_truth(part: int, whole: int):
    rate = Rate(part, whole)

    assert 0 <= Fraction(100 * part, whole) - Fraction(rate.text.removesuffix("%")) < Fraction(1, 10)
    assert rate.over == (part > whole)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (coverage(CLASS), Rate(37, 45)),
        (awareness(CLASS), Rate(30, 45)),
        (first_awareness(CLASS), Rate(21, 45)),
        (pass_rate(CLASS), Rate(30, 37)),
        (full_mark_rate(CLASS), Rate(9, 37)),
    ],
)
def test_indicators_have_their_numerator_and_denominator(rate: Rate, expected: Rate):
    assert rate == expected


def test_awareness_of_a_class_nobody_opened_is_zero_and_not_unknown():
    unopened = Tally(expected=45)

    assert (awareness(unopened).text, coverage(unopened).text, pass_rate(unopened).text) == (
        "0.0%",
        "0.0%",
        "—",
    )


@pytest.mark.parametrize(
    ("tally", "text"),
    [
        (CLASS, "85.4"),
        (Tally(done=3, score=260, out_of=300), "86.6"),
        (Tally(done=3, score=300, out_of=300), "100.0"),
        (Tally(done=100_000, score=9_999_999, out_of=10_000_000), "99.9"),
        (Tally(done=2, score=0, out_of=200), "0.0"),
        (Tally(expected=45), "—"),
        (Tally(done=3), "—"),
        (Tally(score=10, out_of=10), "—"),
    ],
)
def test_mean_is_on_the_scale_of_100_rounded_down(tally: Tally, text: str):
    assert mean_text(tally) == text


@pytest.mark.parametrize(
    ("tally", "heads_missing"),
    [(CLASS, 8), (Tally(expected=45, done=45), 0), (Tally(expected=45, done=47), 0)],
)
def test_missing_is_never_negative(tally: Tally, heads_missing: int):
    assert missing(tally) == heads_missing


def test_total_of_nothing_is_zero():
    assert total([]) == Tally.ZERO == Tally(0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_total_of_unequal_classes_is_not_the_mean_of_their_rates():
    small, large = Tally(expected=10, done=10, aware=10), Tally(expected=90, done=90, aware=45)

    assert awareness(total([small, large])).text == "55.0%"


@relaxed
@given(st.lists(tallies, max_size=8))
def test_total_is_the_sum_of_heads_count_by_count(parts: list[Tally]):
    sums = tuple(sum(column) for column in zip(*map(astuple, parts), strict=True)) or astuple(Tally.ZERO)

    assert astuple(total(parts)) == sums
    assert total(reversed(parts)) == total(parts)


@relaxed
@given(st.lists(tallies, min_size=1, max_size=8), st.integers(0, 8))
def test_total_of_totals_is_the_total(parts: list[Tally], cut: int):
    assert total([total(parts[:cut]), total(parts[cut:])]) == total(parts)


@relaxed
@given(st.lists(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1))
def test_rate_of_a_parent_lies_between_those_of_its_children(children: list[tuple[int, int]]):
    parts = [Tally(expected=expected, done=expected, aware=aware) for aware, expected in children]

    rate = awareness(total(parts))

    shares = [Fraction(aware, expected) for aware, expected in children]
    assert min(shares) <= Fraction(rate.part, rate.whole) <= max(shares)


@pytest.mark.parametrize(
    ("count", "k", "hidden"),
    [(0, 5, False), (1, 5, True), (4, 5, True), (5, 5, False), (6, 5, False), (9, 10, True), (1, 1, False)],
)
def test_hidden_small_hides_what_could_point_at_a_person(count: int, k: int, hidden: bool):
    assert hidden_small(count, k) is hidden


def test_hidden_small_starts_at_five():
    assert [count for count in range(8) if hidden_small(count)] == [1, 2, 3, 4]


def test_definitions_explain_every_indicator_once_in_full_sentences():
    codes = [definition.code for definition in DEFINITIONS]

    assert codes == [
        "expected",
        "done",
        "coverage",
        "awareness",
        "first_awareness",
        "pass_rate",
        "full_mark_rate",
        "mean",
        "item_awareness",
        "hit_rate",
        "false_alarm_rate",
        "misconception",
        "return_rate",
        "receipt_awareness",
        "all_adopted",
        "missing",
        "rollup",
    ]
    assert len({definition.name for definition in DEFINITIONS}) == len(DEFINITIONS)
    assert all(definition.formula.endswith("。") for definition in DEFINITIONS)
