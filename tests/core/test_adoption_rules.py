"""How far somebody has come with an item, and what a unit adds up to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.adoption import (
    Check,
    Count,
    Item,
    Known,
    Reach,
    Target,
    met,
    proof,
    rates,
    reach,
    state,
)
from quizsvc.core.refusal import Refusal

relaxed = settings(deadline=None, database=None)

STAFF = Target("roster", "教职工", 10000)
RESIDENTS = Target("population", "居民", 6000)
APP = Item(
    "装好国家反诈中心 APP 了吗？", (), True, (STAFF,), None, Check("首页最上面是什么？", ("举报", "预警"), 1)
)
FOUR = Item("四步都做了吗？", ("下载", "注册", "选地区", "开预警"), True, (STAFF,), None, None)
PLAIN = Item("接入了境外来电拦截吗？", (), False, (STAFF,), None, None)


@pytest.mark.parametrize(
    ("item", "chosen", "found"),
    [
        (APP, ["yes"], ("adopted", 0)),
        (APP, ["no"], ("not", 0)),
        (APP, ["na"], ("na", 0)),
        (FOUR, ["0", "1", "2", "3"], ("adopted", 0b1111)),
        (FOUR, ["0", "1", "3"], ("partial", 0b1011)),
        (FOUR, ["no"], ("not", 0)),
        (FOUR, ["na"], ("na", 0)),
    ],
)
def test_an_item_is_adopted_only_when_every_step_is_done(
    item: Item, chosen: list[str], found: tuple[str, int]
) -> None:
    assert state(item, chosen) == found


@pytest.mark.parametrize(
    ("item", "chosen"),
    [
        (APP, []), (APP, ["yes", "no"]), (APP, ["0"]), (APP, ["maybe"]),
        (FOUR, []), (FOUR, ["yes"]), (FOUR, ["0", "na"]), (FOUR, ["0", "no"]), (FOUR, ["4"]), (FOUR, ["00"]),
        (PLAIN, ["na"]),
    ],
)  # fmt: skip
def test_what_an_item_does_not_offer_is_refused_by_its_name(item: Item, chosen: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        state(item, chosen)
    assert refused.value.text == f"“{item.text}”还没有选好，请再看一下这一项。"


@pytest.mark.parametrize(
    ("item", "how_far", "picked", "known"),
    [
        (APP, "adopted", 1, "checked"),
        (APP, "adopted", 0, "declared"),
        (APP, "adopted", None, "declared"),
        (APP, "not", 1, "declared"),
        (FOUR, "adopted", 1, "declared"),
    ],
)
def test_a_right_answer_lifts_what_is_adopted_and_nothing_else(
    item: Item, how_far: str, picked: int | None, known: str
) -> None:
    assert proof(item, how_far, picked) == known


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (["adopted", "na"], True), (["na", "na"], True), (["adopted", "partial"], False), (["adopted", "not"], False),
    ],
)  # fmt: skip
def test_met_is_everything_that_applies(states: list[str], found: bool) -> None:
    assert met(states) is found


def line(target: Target, found: Reach, *, nameless: bool = False) -> tuple[str, str, bool]:
    (one,) = rates(Item("装好了吗？", (), True, (target,), None, None), found, nameless=nameless)
    return one.rate.fraction, one.rate.text, one.met


def unit(
    adopted: int = 0, na: int = 0, expected: int = 0, people: int | None = None, total: int | None = None,
    parts: tuple[Reach, ...] = (),
) -> Reach:  # fmt: skip
    return reach(Count(adopted=adopted, na=na), expected, people, total, parts)


def test_sixty_one_of_a_hundred_residents_meet_sixty_percent_and_99_of_100_staff_do_not_meet_all() -> None:
    village = unit(adopted=99, expected=100, people=10_000, total=6_100)
    assert line(RESIDENTS, village) == ("6,100/10,000", "61.0%", True)
    assert line(STAFF, village) == ("99/100", "99.0%", False)


def test_a_target_is_met_from_the_very_head_on_that_reaches_it() -> None:
    assert line(RESIDENTS, unit(people=10_000, total=5_999)) == ("5,999/10,000", "59.9%", False)
    assert line(RESIDENTS, unit(people=10_000, total=6_000)) == ("6,000/10,000", "60.0%", True)
    assert line(STAFF, unit(adopted=100, expected=100)) == ("100/100", "100%", True)


def test_to_whom_it_does_not_apply_leaves_the_denominator() -> None:
    assert line(STAFF, unit(adopted=40, na=5, expected=45)) == ("40/40", "100%", True)
    assert line(STAFF, unit(na=45, expected=45)) == ("0/0", "—", False)


def test_more_answers_than_heads_in_one_unit_take_nothing_from_another() -> None:
    whole = unit(parts=(unit(na=7, expected=5), unit(adopted=10, expected=10)))
    assert line(STAFF, whole) == ("10/10", "100%", True)


def test_answers_without_seats_are_no_heads_of_the_roster() -> None:
    known = unit(adopted=30, expected=45, people=100)
    assert line(STAFF, known, nameless=True) == ("0/0", "—", False)
    assert line(RESIDENTS, known, nameless=True) == ("30/100", "30.0%", False)


def test_a_typed_total_stands_instead_of_what_was_declared_there_and_below() -> None:
    group = unit(adopted=50)
    village = unit(adopted=20, people=1_000, total=600, parts=(group,))
    town = unit(parts=(village, unit(adopted=7, people=500)))
    assert village.known == Known(counted=600)
    assert town.covered == Known(declared=7, counted=600)
    assert line(RESIDENTS, town) == ("607/1,500", "40.4%", False)
    assert town.count.adopted == 77, "what was declared is still told"


def test_a_unit_without_a_population_adds_nobody_to_either_side() -> None:
    town = unit(adopted=5, parts=(unit(adopted=80, total=900), unit(adopted=300, people=500)))
    assert line(RESIDENTS, town) == ("300/500", "60.0%", True)


def test_a_population_typed_above_stands_for_all_below() -> None:
    town = unit(people=2_000, parts=(unit(adopted=80), unit(adopted=300, people=500)))
    assert line(RESIDENTS, town) == ("380/2,000", "19.0%", False)


def test_nobody_lives_there_is_no_target_met() -> None:
    assert line(RESIDENTS, unit(people=0, total=0)) == ("0/0", "—", False)


def test_how_we_know_adds_up_to_the_rate() -> None:
    seen = reach(Count(9, 1, 2, 3, checked=4, verified=2), 20, None, None, ())
    (one,) = rates(APP, seen, nameless=False)
    assert one.known == Known(declared=3, checked=4, verified=2)
    assert one.known.adopted == one.rate.part == 9


@relaxed
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 30)), max_size=5))
def test_a_parent_is_the_sum_of_its_parts(parts: list[tuple[int, int, int]]) -> None:
    below = tuple(unit(adopted=a, na=n, expected=a + n + more, people=a + n + more) for a, n, more in parts)
    whole = unit(parts=below)
    assert whole.count == sum((part.count for part in below), Count())
    assert (whole.asked, whole.people) == (sum(p.asked for p in below), sum(p.people for p in below))
    assert whole.covered.adopted == sum(a for a, _, _ in parts)
