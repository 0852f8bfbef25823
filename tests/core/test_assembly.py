"""Feasibility, draws, order of options and their tokens."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.assembly import (
    LETTERS,
    Blueprint,
    Candidate,
    Drawn,
    Fixed,
    Infeasible,
    Rule,
    Shortfall,
    draw,
    fits,
    option_order,
    option_tokens,
    shortfalls,
    twin_of,
)
from quizsvc.core.bankfile import Option

relaxed = settings(deadline=None, database=None)

# Bounds no fair draw crosses in a lifetime of runs: chi-square with df degrees of freedom, p about 1e-6.
CHI_SQUARE_BOUND = {3: 31, 7: 41, 9: 45, 23: 71}

POLICE = Candidate(1, "police-01", "police", "single_choice", 1, ("junior", "senior"), "secondary")
topics = st.sampled_from(["police", "brushing", "refund"])
kinds = st.sampled_from(["single_choice", "true_false"])


def candidate(
    ref: int, topic: str = "police", *, group: str | None = None, kind: str = "single_choice"
) -> Candidate:
    return replace(POLICE, ref=ref, group=group or f"{topic}-{ref}", topic=topic, kind=kind)


@st.composite
def pools(draw_one: st.DrawFn) -> list[Candidate]:
    size = draw_one(st.integers(0, 6))
    return [
        candidate(
            ref,
            draw_one(topics),
            group=draw_one(st.sampled_from([f"own-{ref}", "a", "b"])),
            kind=draw_one(kinds),
        )
        for ref in range(size)
    ]


small_rules = st.builds(
    Rule, st.integers(0, 2), st.integers(0, 10), topic=st.none() | topics, kind=st.none() | kinds
)
blueprints = st.builds(
    Blueprint,
    st.lists(small_rules, max_size=3).map(tuple),
    st.lists(st.builds(Fixed, st.integers(0, 7), st.integers(0, 10)), max_size=2).map(tuple),
)
seeds = st.text(max_size=6)


def most_filled(rules: Sequence[Rule], pool: Sequence[Candidate], taken: frozenset[str] = frozenset()) -> int:
    """Try every way to fill the slots of the rules and return the most that can be filled."""
    if not rules:
        return 0
    first, rest = rules[0], rules[1:]
    if first.count == 0:
        return most_filled(rest, pool, taken)
    rest = (replace(first, count=first.count - 1), *rest)
    tries = [most_filled(rest, pool, taken)]
    for one in pool:
        if first.takes(one) and one.group not in taken:
            tries.append(1 + most_filled(rest, pool, taken | {one.group}))
    return max(tries)


def groups_of_fixed(blueprint: Blueprint, pool: Sequence[Candidate]) -> frozenset[str]:
    refs = {fixed.ref for fixed in blueprint.fixed}
    return frozenset(one.group for one in pool if one.ref in refs)


def is_a_form(drawn: Sequence[Drawn], blueprint: Blueprint, pool: Sequence[Candidate]) -> bool:
    """Tell whether a form is one the blueprint asks for, by trying every assignment of items to slots."""
    fixed = {Drawn(one.ref, one.points) for one in blueprint.fixed}
    by_ref = {one.ref: one for one in pool}
    loose = [one for one in drawn if one not in fixed]
    slots = [rule for rule in blueprint.rules for _ in range(rule.count)]
    return (
        fixed <= set(drawn)
        and len({by_ref[one.ref].group for one in drawn}) == len(drawn)
        and len(loose) == len(slots)
        and any(
            all(
                rule.takes(by_ref[one.ref]) and rule.points == one.points
                for one, rule in zip(loose, order, strict=True)
            )
            for order in permutations(slots)
        )
    )


def chi_square(counts: Sequence[int]) -> float:
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.parametrize(
    ("rule", "takes"),
    [
        (Rule(1, 10), True),
        (Rule(1, 10, topic="police"), True),
        (Rule(1, 10, topic="brushing"), False),
        (Rule(1, 10, kind="single_choice"), True),
        (Rule(1, 10, kind="true_false"), False),
        (Rule(1, 10, difficulty=1), True),
        (Rule(1, 10, difficulty=2), False),
        (Rule(1, 10, audience="senior"), True),
        (Rule(1, 10, audience="parent"), False),
        (Rule(1, 10, bank="secondary"), True),
        (Rule(1, 10, bank="primary"), False),
        (Rule(1, 10, "police", "single_choice", 1, "junior", "secondary"), True),
        (Rule(1, 10, "police", "single_choice", 2, "junior", "secondary"), False),
    ],
)
def test_rule_takes_what_agrees_with_everything_it_names(rule: Rule, takes: bool):
    assert rule.takes(POLICE) is takes


@pytest.mark.parametrize(
    ("rule", "label"),
    [
        (Rule(1, 10), "任意题"),
        (Rule(1, 10, topic="police", kind="single_choice"), "冒充公检法×单选"),
        (Rule(1, 10, topic="gift"), "gift"),
        (
            Rule(1, 10, "police", "true_false", 3, "new_student", "secondary"),
            "冒充公检法×判断×较难×新生×secondary",
        ),
        (Rule(1, 10, kind="essay", difficulty=9, audience="pupil"), "essay×9×pupil"),
    ],
)
def test_rule_label_names_what_it_selects(rule: Rule, label: str):
    assert rule.label({"police": "冒充公检法"}) == label


def test_rule_label_without_names_shows_the_slug():
    assert Rule(1, 10, topic="police").label() == "police"


def test_blueprint_counts_items_and_points():
    blueprint = Blueprint((Rule(3, 10), Rule(2, 5, topic="police")), (Fixed(1, 20), Fixed(2, 4)))

    assert (blueprint.item_count, blueprint.total_points) == (7, 64)


def test_shortfalls_of_overlapping_rules_find_what_counting_per_rule_misses():
    pool = [candidate(1), candidate(2), candidate(3, "brushing")]
    police, any_topic = Rule(2, 10, topic="police"), Rule(2, 10)

    assert shortfalls(Blueprint((police, any_topic)), pool) == (Shortfall(1, 2, 1),)


def test_shortfalls_move_earlier_rules_to_make_room():
    pool = [candidate(1), candidate(2, "brushing")]

    assert shortfalls(Blueprint((Rule(1, 10), Rule(1, 10, topic="police"))), pool) == ()


def test_shortfalls_count_a_group_of_twins_once():
    pool = [candidate(1, group="police-a"), candidate(2, group="police-a")]

    assert shortfalls(Blueprint((Rule(2, 10),)), pool) == (Shortfall(0, 2, 1),)


@pytest.mark.parametrize(
    ("fixed", "found"),
    [
        ((Fixed(1, 5),), (Shortfall(0, 2, 1),)),
        ((Fixed(3, 5),), ()),
        ((Fixed(9, 5),), (Shortfall(-1, 1, 1),)),
        ((Fixed(9, 5), Fixed(8, 5), Fixed(3, 5)), (Shortfall(-1, 3, 2),)),
        ((Fixed(3, 5), Fixed(3, 5)), (Shortfall(-1, 2, 1),)),
        ((Fixed(1, 5), Fixed(4, 5)), (Shortfall(-1, 2, 1), Shortfall(0, 2, 1))),
    ],
)
def test_shortfalls_seat_the_fixed_items_first(fixed: tuple[Fixed, ...], found: tuple[Shortfall, ...]):
    pool = [
        candidate(1, group="a"),
        candidate(2),
        candidate(3, "brushing"),
        candidate(4, "refund", group="a"),
    ]

    assert shortfalls(Blueprint((Rule(2, 10, topic="police"),), fixed), pool) == found


def test_shortfalls_of_an_empty_blueprint_are_none():
    assert shortfalls(Blueprint(()), []) == ()


@relaxed
@given(blueprints, pools())
def test_shortfalls_are_exactly_what_trying_everything_finds(blueprint: Blueprint, pool: list[Candidate]):
    found = {one.rule_index: one for one in shortfalls(blueprint, pool)}

    taken = groups_of_fixed(blueprint, pool)
    missing = 0
    for index, rule in enumerate(blueprint.rules):
        upto = blueprint.rules[: index + 1]
        missing += found[index].missing if index in found else 0
        assert missing == sum(one.count for one in upto) - most_filled(upto, pool, taken)
        assert index not in found or found[index].needed == rule.count
    assert (found[-1].missing if -1 in found else 0) == len(blueprint.fixed) - len(taken)


@relaxed
@given(blueprints, pools(), seeds, st.frozensets(st.integers(0, 6)))
def test_draw_gives_what_the_blueprint_asks_or_refuses(
    blueprint: Blueprint, pool: list[Candidate], seed: str, seen: frozenset[int]
):
    short = shortfalls(blueprint, pool)

    if short:
        with pytest.raises(Infeasible) as refusal:
            draw(blueprint, pool, seed=seed, seen=seen)
        assert refusal.value.shortfalls == short
    else:
        drawn = draw(blueprint, pool, seed=seed, seen=seen)
        assert len(drawn) == blueprint.item_count
        assert sum(one.points for one in drawn) == blueprint.total_points
        assert is_a_form(drawn, blueprint, pool)


@relaxed
@given(blueprints, pools(), seeds, st.frozensets(st.integers(0, 6)), st.data())
def test_draw_depends_on_the_seed_and_not_on_the_order_of_the_candidates(
    blueprint: Blueprint, pool: list[Candidate], seed: str, seen: frozenset[int], data: st.DataObject
):
    shuffled = data.draw(st.permutations(pool))

    if not shortfalls(blueprint, pool):
        assert draw(blueprint, shuffled, seed=seed, seen=seen) == draw(blueprint, pool, seed=seed, seen=seen)
    assert shortfalls(blueprint, shuffled) == shortfalls(blueprint, pool)


@relaxed
@given(blueprints, pools(), seeds, st.frozensets(st.integers(0, 6)))
def test_draw_takes_seen_items_only_where_unseen_ones_run_out(
    blueprint: Blueprint, pool: list[Candidate], seed: str, seen: frozenset[int]
):
    alone = [replace(one, group=f"own-{one.ref}") for one in pool]
    plain = Blueprint(blueprint.rules)
    if shortfalls(plain, alone):
        return

    drawn = draw(plain, alone, seed=seed, seen=seen)

    unseen = [one for one in alone if one.ref not in seen]
    assert sum(one.ref not in seen for one in drawn) == most_filled(plain.rules, unseen)


def test_draw_prefers_the_least_used_among_the_unseen():
    pool = [candidate(ref) for ref in range(6)]

    forms = [
        draw(
            Blueprint((Rule(3, 10),)),
            pool,
            seed=f"s{n}",
            seen=frozenset({0, 1}),
            uses={0: 0, 1: 0, 2: 9, 3: 1, 4: 2},
        )
        for n in range(50)
    ]

    assert {frozenset(one.ref for one in form) for form in forms} == {frozenset({3, 4, 5})}


def test_draw_takes_an_item_never_used_before_one_used_once():
    pool = [candidate(1), candidate(2)]

    drawn = {draw(Blueprint((Rule(1, 10),)), pool, seed=f"s{n}", uses={1: 1}) for n in range(20)}

    assert drawn == {(Drawn(2, 10),)}


def test_draw_takes_the_unseen_of_two_twins():
    pool = [candidate(1, group="a"), candidate(2, group="a")]

    drawn = [draw(Blueprint((Rule(1, 10),)), pool, seed=f"s{n}", seen=frozenset({1})) for n in range(20)]

    assert set(drawn) == {(Drawn(2, 10),)}


def test_draw_is_not_led_astray_by_an_unseen_twin_no_rule_takes():
    pool = [candidate(1, "refund", group="a"), candidate(2, group="a"), candidate(3)]

    drawn = [
        draw(Blueprint((Rule(1, 10, topic="police"),)), pool, seed=f"s{n}", seen=frozenset({2}))
        for n in range(20)
    ]

    assert set(drawn) == {(Drawn(3, 10),)}


def test_draw_swaps_to_the_other_twin_when_only_that_fills_every_rule():
    pool = [candidate(1, "police", group="a"), candidate(2, "brushing", group="a"), candidate(3, "police")]
    blueprint = Blueprint((Rule(1, 10, topic="police"), Rule(1, 5, topic="brushing")))

    drawn = {frozenset(draw(blueprint, pool, seed=f"s{n}")) for n in range(20)}

    assert drawn == {frozenset({Drawn(3, 10), Drawn(2, 5)})}


def test_draw_with_a_fixed_item_never_adds_its_twin():
    pool = [candidate(1, group="a"), candidate(2, group="a"), candidate(3), candidate(4)]

    forms = [draw(Blueprint((Rule(1, 10),), (Fixed(1, 5),)), pool, seed=f"s{n}") for n in range(40)]

    assert all(Drawn(1, 5) in form and len(form) == 2 for form in forms)
    assert {one.ref for form in forms for one in form} == {1, 3, 4}


def test_draw_that_is_short_refuses_kindly():
    with pytest.raises(Infeasible) as refusal:
        draw(Blueprint((Rule(3, 10),)), [candidate(1)], seed="s")

    assert (refusal.value.status, refusal.value.shortfalls) == (409, (Shortfall(0, 3, 2),))
    assert refusal.value.text == "符合组卷规则的题不够，还差 2 道。请先补充题目，或者调整组卷规则。"


def test_a_stored_seed_gives_the_same_form_for_ever():
    pool = [candidate(ref) for ref in range(10)]
    options = [Option(f"做法 {n}") for n in range(5)]

    assert [one.ref for one in draw(Blueprint((Rule(4, 10),)), pool, seed="2026")] == [7, 6, 1, 9]
    assert option_order(options, kind="single_choice", seed="2026", ref=7) == (1, 4, 3, 0, 2)
    assert option_tokens(4, seed="2026", ref=7) == ("5l6z", "buss", "u3dz", "ipvj")
    assert option_tokens(13, seed="2026", ref=7)[-1] == "5inq"


def test_fits_list_every_rule_that_takes_a_candidate():
    blueprint = Blueprint((Rule(1, 10, topic="police"), Rule(1, 10), Rule(1, 10, topic="loan")))

    assert fits(blueprint, [candidate(7, "police"), candidate(8, "shopping")]) == {7: (0, 1), 8: (1,)}
    assert fits(Blueprint((Rule(1, 10, topic="loan"),)), [candidate(7, "police")]) == {7: ()}


@pytest.mark.parametrize("seed", ["2026", "2027", "spring"])
def test_draw_is_the_same_with_the_fits_at_hand(seed: str):
    pool = [candidate(ref, topic) for ref, topic in enumerate(["police", "brushing", "loan"] * 5)]
    blueprint = Blueprint((Rule(2, 10, topic="police"), Rule(3, 5)))

    assert draw(blueprint, pool, seed=seed, fitting=fits(blueprint, pool)) == draw(blueprint, pool, seed=seed)


def test_draw_is_fair_over_items():
    pool = [candidate(ref, topic) for ref, topic in enumerate(["police", "brushing"] * 5)]

    drawn = Counter(
        one.ref for n in range(2000) for one in draw(Blueprint((Rule(3, 10),)), pool, seed=f"s{n}")
    )

    assert chi_square([drawn[ref] for ref in range(10)]) < CHI_SQUARE_BOUND[9]


def test_draw_is_fair_within_each_of_two_overlapping_rules():
    pool = [candidate(ref, "police" if ref < 8 else "brushing") for ref in range(16)]
    blueprint = Blueprint((Rule(2, 10, topic="police"), Rule(2, 10)))

    drawn = Counter(one.ref for n in range(2000) for one in draw(blueprint, pool, seed=f"s{n}"))

    assert chi_square([drawn[ref] for ref in range(8)]) < CHI_SQUARE_BOUND[7]
    assert chi_square([drawn[ref] for ref in range(8, 16)]) < CHI_SQUARE_BOUND[7]


def test_draw_of_one_is_fair_over_items_with_and_without_twins():
    pool = [candidate(ref, group=f"g{min(ref, 7)}") for ref in range(10)]

    drawn = Counter(draw(Blueprint((Rule(1, 10),)), pool, seed=f"s{n}")[0].ref for n in range(3000))

    assert chi_square([drawn[ref] for ref in range(10)]) < CHI_SQUARE_BOUND[9]


def test_draw_mixes_the_items_of_its_rules():
    pool = [candidate(ref, "police" if ref < 2 else "brushing") for ref in range(4)]
    blueprint = Blueprint((Rule(2, 10, topic="police"), Rule(1, 5, topic="brushing")), (Fixed(3, 1),))

    shown_first = Counter(draw(blueprint, pool, seed=f"s{n}")[0].ref for n in range(2000))

    assert chi_square([shown_first[ref] for ref in range(4)]) < CHI_SQUARE_BOUND[3]


@pytest.mark.parametrize(
    ("count", "pinned"), [(0, set()), (1, set()), (4, set()), (4, {1}), (4, {3}), (5, {0, 2}), (40, {7})]
)
def test_option_order_is_a_permutation_with_the_pinned_last(count: int, pinned: set[int]):
    options = [Option(f"做法 {n}", pinned=n in pinned) for n in range(count)]

    order = option_order(options, kind="single_choice", seed="s", ref=7)

    assert sorted(order) == list(range(count))
    assert order[count - len(pinned) :] == tuple(sorted(pinned))


def test_option_order_of_true_false_is_as_written():
    options = [Option("对"), Option("不对", key=True)]

    assert {option_order(options, kind="true_false", seed=f"s{n}", ref=7) for n in range(50)} == {(0, 1)}


def test_option_order_takes_every_order_equally_often():
    options = [Option("甲"), Option("乙", key=True), Option("丙"), Option("丁")]

    orders = Counter(option_order(options, kind="single_choice", seed=f"s{n}", ref=7) for n in range(4800))

    assert len(orders) == 24
    assert chi_square(list(orders.values())) < CHI_SQUARE_BOUND[23]


def test_option_order_differs_between_items_of_one_form():
    options = [Option(f"做法 {n}") for n in range(5)]

    assert len({option_order(options, kind="single_choice", seed="s", ref=ref) for ref in range(40)}) > 20


@pytest.mark.parametrize("count", [0, 1, 4, 12, 13, 60])
def test_option_tokens_are_distinct_and_short(count: int):
    tokens = option_tokens(count, seed="s", ref=7)

    assert len(tokens) == len(set(tokens)) == count
    assert all(len(token) == 4 and set(token) <= set(LETTERS) for token in tokens)


def test_option_tokens_stay_distinct_where_chance_repeats_one():
    sets = [option_tokens(60, seed=f"s{n}", ref=7) for n in range(2000)]

    assert {len(set(tokens)) for tokens in sets} == {60}


def test_option_tokens_of_fewer_options_begin_the_same():
    assert option_tokens(12, seed="s", ref=7)[:4] == option_tokens(4, seed="s", ref=7)


def test_option_tokens_differ_between_forms_and_items():
    tokens = [option_tokens(4, seed=f"s{n}", ref=ref) for n in range(10) for ref in range(10)]

    assert len({token for four in tokens for token in four}) > 395


@pytest.mark.parametrize("key", range(4))
def test_neither_tokens_nor_places_betray_the_key(key: int):
    options = [Option(f"做法 {n}", key=n == key) for n in range(4)]
    places, ranks, pairs = Counter[int](), Counter[int](), Counter[bool]()

    for n in range(1000):
        order = option_order(options, kind="single_choice", seed=f"s{n}", ref=7)
        tokens = option_tokens(4, seed=f"s{n}", ref=7)
        place, rank = order.index(key), sorted(tokens).index(tokens[key])
        places[place] += 1
        ranks[rank] += 1
        pairs[place == rank] += 1

    assert chi_square([places[place] for place in range(4)]) < CHI_SQUARE_BOUND[3]
    assert chi_square([ranks[rank] for rank in range(4)]) < CHI_SQUARE_BOUND[3]
    assert 180 < pairs[True] < 320


def test_twin_of_is_another_of_the_same_group_fairly():
    pool = [candidate(ref, group="a" if ref < 5 else f"own-{ref}") for ref in range(8)]

    twins = Counter(twin_of(0, pool, f"s{n}") for n in range(2000))

    assert set(twins) == {1, 2, 3, 4}
    assert chi_square([twins[ref] for ref in range(1, 5)]) < CHI_SQUARE_BOUND[3]


@pytest.mark.parametrize("ref", [5, 99])
def test_twin_of_an_item_without_one_is_none(ref: int):
    pool = [candidate(0, group="a"), candidate(1, group="a"), candidate(5)]

    assert twin_of(ref, pool, "s") is None


def test_twin_of_does_not_depend_on_the_order_of_the_candidates():
    pool = [candidate(ref, group="a") for ref in range(6)]

    assert {twin_of(2, order, "s") for order in (pool, pool[::-1])} == {twin_of(2, pool, "s")}
