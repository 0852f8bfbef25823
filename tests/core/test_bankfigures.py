"""Figures of banks: what there is of each sort, whether the keys hide, what is due."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.bankfigures import Cue, Figures, figures
from quizsvc.core.bankfile import Explanation, Item, Option, Scene
from quizsvc.core.indicators import Rate

relaxed = settings(deadline=None, database=None)

TODAY = date(2026, 12, 1)
SCENE = Scene("sms", "1069 开头号码", "三倍赔付，名额有限。", ("三倍赔付",))
ITEM = Item(
    code="brushing-01",
    kind="single_choice",
    topic="brushing",
    audiences=("junior", "senior"),
    difficulty=2,
    stem="怎么做？",
    options=(Option("先转账"), Option("告诉家长", key=True), Option("回电话")),
    explanation=Explanation("先给小利。", "却要垫付。", "停下。"),
    source="风险提示单 2023",
    reviewed_on=date(2026, 11, 15),
)


def of(*items: Item) -> Figures:
    return figures({"test": items}, TODAY)


def single(*words: str, key: int) -> Item:
    options = tuple(Option(word, key=place == key) for place, word in enumerate(words))
    return replace(ITEM, options=options)


def judged(key: str) -> Item:
    return replace(
        ITEM, kind="true_false", options=tuple(Option(word, key=word == key) for word in ("对", "不对"))
    )


def several(keys: int) -> Item:
    return replace(
        ITEM, kind="multiple_choice", options=tuple(Option(str(n), key=n < keys) for n in range(5))
    )


def test_nothing_has_figures_too():
    assert figures({}, TODAY) == Figures(
        items=0, by_topic={}, by_kind={}, by_audience={}, by_difficulty={}, scenes=0, genuine=0, twins=0, twin_items=0,
        key_places=(0, 0, 0, 0), key_longest=Cue(0, ()), key_shortest=Cue(0, ()), key_words={}, key_counts={},
        expiring=(), review_due=(),
    )  # fmt: skip
    assert (of().scene_share, of().genuine_share) == (Rate(0, 0), Rate(0, 0))


def test_figures_count_every_sort_in_the_order_it_is_told_in():
    counted = of(
        replace(ITEM, topic="police", difficulty=3, audiences=("senior",)),
        judged("对"),
        replace(several(2), difficulty=1),
    )

    assert list(counted.by_topic.items()) == [("brushing", 2), ("police", 1)]
    assert list(counted.by_kind.items()) == [("single_choice", 1), ("multiple_choice", 1), ("true_false", 1)]
    assert list(counted.by_audience.items()) == [("junior", 2), ("senior", 3)]
    assert list(counted.by_difficulty.items()) == [(1, 1), (2, 1), (3, 1)]


def test_shares_of_scenes_keep_both_numbers():
    honest = replace(ITEM, genuine=True, scene=replace(SCENE, tells=()))

    counted = of(ITEM, replace(ITEM, genuine=True), replace(ITEM, scene=SCENE), honest)

    assert (counted.scene_share, counted.genuine_share) == (Rate(2, 4), Rate(1, 2))


def test_twins_are_groups_of_two_or_more_in_one_bank():
    one, other, alone = (replace(ITEM, twin=name) for name in ("a", "b", "c"))

    counted = figures({"first": [one, one, one, other, alone, ITEM], "second": [other, other, one]}, TODAY)

    assert (counted.twins, counted.twin_items) == (2, 5)


def test_key_places_are_told_for_four_options_or_as_many_as_there_are():
    assert of(ITEM, ITEM, single("转", "问", key=0)).key_places == (1, 2, 0, 0)
    assert of(single(*"一二三四五六", key=5)).key_places == (0, 0, 0, 0, 0, 1)
    assert of(judged("对"), several(1)).key_places == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("item", "longest", "shortest"),
    [
        (single("报警", "告诉家长", "转钱", key=1), Cue(1, (3,)), Cue(0, ())),
        (single("报警", "告诉家长", "转钱", key=0), Cue(0, (3,)), Cue(0, ())),
        (single("告诉家长", "转给家长", "转", "问问", key=0), Cue(0, ()), Cue(0, (4,))),
        (single("告诉家长", "转给家长", "转", "问问", key=2), Cue(0, ()), Cue(1, (4,))),
        (judged("不对"), Cue(0, ()), Cue(0, ())),
        (several(1), Cue(0, ()), Cue(0, ())),
    ],
)
def test_a_length_that_two_options_share_gives_nothing_away(item: Item, longest: Cue, shortest: Cue):
    assert (of(item).key_longest, of(item).key_shortest) == (longest, shortest)


def test_a_cue_is_held_against_chance():
    cue = Cue(4, (4, 4, 4, 2))

    assert cue.rate == Rate(4, 4)
    assert cue.expected == pytest.approx(1.25)
    assert cue.chance == pytest.approx(1 / 128)


def test_keys_of_true_or_false_and_of_multiple_choice():
    counted = of(judged("不对"), judged("对"), judged("不对"), several(3), several(2), several(3))

    assert list(counted.key_words.items()) == [("不对", 2), ("对", 1)]
    assert list(counted.key_counts.items()) == [(2, 1), (3, 2)]


@pytest.mark.parametrize(
    ("changes", "expiring", "due"),
    [
        ({}, (), ()),
        ({"valid_until": TODAY + timedelta(days=91)}, (), ()),
        ({"valid_until": TODAY + timedelta(days=90)}, ("test/brushing-01",), ()),
        ({"valid_until": TODAY - timedelta(days=1)}, ("test/brushing-01",), ()),
        ({"reviewed_on": TODAY - timedelta(days=365)}, (), ()),
        ({"reviewed_on": TODAY - timedelta(days=366)}, (), ("test/brushing-01",)),
    ],
)
def test_what_is_due_is_named(changes: dict[str, Any], expiring: tuple[str, ...], due: tuple[str, ...]):
    counted = of(replace(ITEM, **changes))

    assert (counted.expiring, counted.review_due) == (expiring, due)


@relaxed
@given(
    st.lists(st.sampled_from([ITEM, judged("对"), several(2), single("转", "问", key=0)]), max_size=12),
    st.data(),
)
def test_figures_of_banks_add_up(bank: list[Item], data: st.DataObject):
    cut = data.draw(st.integers(0, len(bank)))
    whole, first, second = of(*bank), of(*bank[:cut]), of(*bank[cut:])

    assert whole.items == first.items + second.items == sum(whole.by_kind.values())
    assert whole.key_places == tuple(map(sum, zip(first.key_places, second.key_places, strict=True)))
    assert whole.key_longest.rate.whole == first.key_longest.rate.whole + second.key_longest.rate.whole
