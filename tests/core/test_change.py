"""Two rounds held against each other: when, with which warnings, how the difference is told, who is the same."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import change
from quizsvc.core.assembly import Rule
from quizsvc.core.change import Incomparable, Pairs, Setting
from quizsvc.core.indicators import Rate

relaxed = settings(deadline=None, database=None)
heads = st.integers(0, 60_000)
RULES = (Rule(5, 10, topic="brushing"), Rule(5, 10, topic="fake_police"))
SETTING = Setting(frozenset({"secondary"}), RULES, frozenset(), 8000, 3, "best")


# when two rounds may be compared


def test_rounds_of_the_same_banks_may_be_compared() -> None:
    other = replace(SETTING, rules=RULES[:1], threshold_permyriad=6000)
    assert change.comparable(SETTING, other)
    change.check(SETTING, other)


@pytest.mark.parametrize("banks", [{"primary"}, {"secondary", "primary"}, set()])
def test_rounds_of_other_banks_are_refused(banks: set[str]) -> None:
    with pytest.raises(Incomparable, match="不是从同样的题库里抽的题") as refused:
        change.check(SETTING, replace(SETTING, banks=frozenset(banks)))
    assert not change.comparable(SETTING, replace(SETTING, banks=frozenset(banks)))
    assert refused.value.status == 409


def test_rounds_of_no_bank_at_all_are_refused() -> None:
    nothing = replace(SETTING, banks=frozenset())
    with pytest.raises(Incomparable):
        change.check(nothing, nothing)


SAME_RULES = "两场从同样的题库里，按同样的规则重新抽题。题目难度相当，不保证每道题都不同。"
OTHER_RULES = "两场的题库相同，但组卷规则不同，难度可能不一样，变化要谨慎看。"


def test_the_same_rules_are_told_as_another_draw() -> None:
    assert change.caveats(SETTING, SETTING) == (SAME_RULES,)


def test_the_order_of_the_rules_does_not_matter() -> None:
    assert change.caveats(SETTING, replace(SETTING, rules=RULES[::-1])) == (SAME_RULES,)


@pytest.mark.parametrize(
    "other", [replace(SETTING, rules=RULES[:1]), replace(SETTING, fixed=frozenset({"secondary/a"}))]
)
def test_other_rules_are_told(other: Setting) -> None:
    assert change.caveats(SETTING, other) == (OTHER_RULES,)


def test_items_that_stand_in_both_are_told_with_their_number() -> None:
    before = replace(SETTING, fixed=frozenset({"secondary/a", "secondary/b"}))
    after = replace(SETTING, fixed=frozenset({"secondary/b", "secondary/c"}))
    assert change.caveats(before, after) == (
        OTHER_RULES,
        "有 1 道题两场都固定出现，学前讲评过的话，学后可能是记住了答案。",
    )


def test_another_threshold_is_told() -> None:
    assert change.caveats(SETTING, replace(SETTING, threshold_permyriad=6050)) == (
        SAME_RULES,
        "两场的达标线不同（80% 和 60.5%），知晓率和达标率不能直接比。",
    )


@pytest.mark.parametrize(
    ("before", "after", "both", "text"),
    [
        (12, 12, 12, ""),
        (
            1,
            12,
            1,
            "两场参加的单位不同：学前 1 个，学后 12 个，其中 1 个两场都有。请到两场都参加了的单位里看。",
        ),
        (
            3,
            3,
            2,
            "两场参加的单位不同：学前 3 个，学后 3 个，其中 2 个两场都有。请到两场都参加了的单位里看。",
        ),
        (
            1,
            1,
            0,
            "两场参加的单位不同：学前 1 个，学后 1 个，其中 0 个两场都有。没有单位两场都参加，比不出什么。",
        ),
    ],
)
def test_other_units_are_told(before: int, after: int, both: int, text: str) -> None:
    assert change.units_told(before, after, both) == text


@pytest.mark.parametrize("other", [replace(SETTING, attempts=1), replace(SETTING, counted="last")])
def test_another_number_of_goes_is_told(other: Setting) -> None:
    assert change.caveats(SETTING, other) == (
        SAME_RULES,
        "两场可以答的次数或计分的办法不同，请以首测知晓率为准。",
    )


# how the difference of two rates is told


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (Rate(30, 45), Rate(33, 45), "升 6.6 个百分点"),  # 6.666…
        (Rate(33, 45), Rate(30, 45), "降 6.6 个百分点"),
        (Rate(1, 3), Rate(2, 6), "没有变化"),
        (Rate(1, 3), Rate(1, 2), "升 16.6 个百分点"),  # 33.3 % and 50 % as shown would make 16.7
        (Rate(4999, 10_000), Rate(5000, 10_000), "升不到 0.1 个百分点"),
        (Rate(5000, 10_000), Rate(4999, 10_000), "降不到 0.1 个百分点"),
        (Rate(0, 45), Rate(45, 45), "升 100.0 个百分点"),
        (Rate(0, 0), Rate(1, 1), "—"),
        (Rate(1, 1), Rate(0, 0), "—"),
        (Rate(103, 100), Rate(100, 100), "降 3.0 个百分点"),
    ],
)
def test_difference_is_told_in_points_cut_towards_zero(before: Rate, after: Rate, text: str) -> None:
    assert change.difference(before, after) == text


@relaxed
@given(heads, st.integers(1, 60_000), heads, st.integers(1, 60_000))
def test_difference_is_never_told_larger_than_it_is(a: int, n: int, b: int, m: int) -> None:
    exact = abs(Fraction(b, m) - Fraction(a, n)) * 100
    text = change.difference(Rate(a, n), Rate(b, m))
    if text == "没有变化":
        assert exact == 0
    elif "不到" in text:
        assert 0 < exact < Fraction(1, 10)
    else:
        told = Fraction(text.split()[1])
        assert told <= exact < told + Fraction(1, 10)


@relaxed
@given(heads, st.integers(1, 60_000), heads, st.integers(1, 60_000))
def test_the_way_back_is_the_same_length(a: int, n: int, b: int, m: int) -> None:
    there, back = change.difference(Rate(a, n), Rate(b, m)), change.difference(Rate(b, m), Rate(a, n))
    assert there.replace("升", "降") == back.replace("升", "降")
    assert there != back or there == "没有变化"


# whether the heads are the same


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (Pairs(40, 0, 0, 3, 9), "两场是同样的 40 人。"),
        (
            Pairs(40, 2, 0, 3, 9),
            "两场都做了的 40 人，只做了学前的 2 人，只做了学后的 0 人。人不完全相同，变化里有一部分可能是换了人。",
        ),
        (
            Pairs(0, 12, 11, 0, 0),
            "两场都做了的 0 人，只做了学前的 12 人，只做了学后的 11 人。人不完全相同，变化里有一部分可能是换了人。",
        ),
        (Pairs(0, 0, 0, 0, 0), "两场都还没有能逐个座位对照的人。"),
    ],
)
def test_it_is_told_whether_the_heads_are_the_same(pairs: Pairs, text: str) -> None:
    assert change.heads_told(pairs) == text


def test_heads_whose_seats_are_gone_are_told_before_all_else() -> None:
    assert change.heads_told(Pairs(40, 0, 0, 3, 9, unknown=5)) == (
        "有 5 人次已按期删去座位，不能逐个对照。其余的人里：两场是同样的 40 人。"
    )


@pytest.mark.parametrize(
    ("pairs", "inside", "told"),
    [
        (Pairs(10, 0, 0, 0, 7), False, True),
        (Pairs(9, 30, 30, 0, 7), True, False),
        (Pairs(40, 0, 0, 3, 9), True, True),
        (Pairs(40, 0, 0, 3, 9), False, False),
        (Pairs(40, 0, 0, 9, 4), False, False),
        (Pairs(40, 0, 0, 5, 5), False, True),
    ],
)
def test_who_turned_is_told_from_ten_on_and_small_counts_only_inside(
    pairs: Pairs, inside: bool, told: bool
) -> None:
    assert change.turned_shown(pairs, inside=inside) is told
