"""Marking, merging and the threshold."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quizsvc.core.marking import KeyedItem, Marks, Merged, NotOnPaper, Saved, mark, merge, met, right

relaxed = settings(deadline=None, database=None)

SINGLE = KeyedItem(points=10, key=frozenset({2}), options=4, single=True)
MULTIPLE = KeyedItem(points=5, key=frozenset({0, 3}), options=5)
SURVEY = KeyedItem(points=0, key=frozenset(), options=3, single=True)


@st.composite
def keyed_items(draw: st.DrawFn) -> KeyedItem:
    options = draw(st.integers(1, 6))
    single = draw(st.booleans())
    key = draw(st.frozensets(st.integers(0, options - 1), max_size=1 if single else options))
    return KeyedItem(draw(st.integers(0, 20)), key, options, single)


@st.composite
def answered_forms(draw: st.DrawFn) -> list[tuple[KeyedItem, frozenset[int]]]:
    items = draw(st.lists(keyed_items(), max_size=8))
    picks = [
        draw(st.frozensets(st.integers(0, item.options - 1), max_size=1 if item.single else item.options))
        for item in items
    ]
    return list(zip(items, picks, strict=True))


answers = st.dictionaries(
    st.integers(0, 9),
    st.builds(Saved, st.integers(0, 5), st.lists(st.sampled_from("abcd"), unique=True).map(tuple)),
)


@pytest.mark.parametrize(
    ("item", "chosen", "score"),
    [
        (SINGLE, {2}, 10),
        (SINGLE, {1}, 0),
        (SINGLE, set(), 0),
        (MULTIPLE, {0, 3}, 5),
        (MULTIPLE, {0}, 0),
        (MULTIPLE, {0, 1}, 0),
        (MULTIPLE, {0, 1, 3}, 0),
        (MULTIPLE, {0, 1, 2, 3, 4}, 0),
        (MULTIPLE, set(), 0),
        (SURVEY, set(), 0),
        (SURVEY, {1}, 0),
    ],
)
def test_mark_is_all_or_nothing(item: KeyedItem, chosen: set[int], score: int):
    marks = mark([item], [frozenset(chosen)])

    assert marks == Marks(score, item.points, (score > 0,))


def test_mark_of_a_form_adds_up_in_its_order():
    marks = mark([SINGLE, MULTIPLE, SINGLE], [frozenset({2}), frozenset({0}), frozenset()])

    assert marks == Marks(10, 25, (True, False, False))


def test_mark_of_an_empty_form_is_nothing_of_nothing():
    assert mark([], []) == Marks(0, 0, ())


def test_mark_of_a_right_answer_worth_nothing_is_correct_and_scores_nothing():
    assert mark([KeyedItem(0, frozenset({1}), 2)], [frozenset({1})]) == Marks(0, 0, (True,))


@pytest.mark.parametrize(
    ("items", "chosen"),
    [
        ([SINGLE], []),
        ([], [frozenset({0})]),
        ([SINGLE, SINGLE], [frozenset({2})]),
        ([SINGLE], [frozenset({4})]),
        ([SINGLE], [frozenset({-1})]),
        ([SINGLE], [frozenset({1, 2})]),
        ([MULTIPLE], [frozenset({0, 5})]),
        ([MULTIPLE], [frozenset({-1, 0})]),
    ],
)
def test_mark_of_answers_that_do_not_fit_is_refused(items: list[KeyedItem], chosen: list[frozenset[int]]):
    with pytest.raises(NotOnPaper) as refusal:
        mark(items, chosen)

    assert refusal.value.status == 400


@relaxed
@given(answered_forms())
def test_mark_stays_between_nothing_and_everything_and_comes_out_the_same_again(
    form: list[tuple[KeyedItem, frozenset[int]]],
):
    items, chosen = [item for item, _ in form], [picked for _, picked in form]

    marks = mark(items, chosen)

    assert 0 <= marks.score <= marks.out_of == sum(item.points for item in items)
    assert marks.score == sum(item.points for item, hit in zip(items, marks.correct, strict=True) if hit)
    assert mark(items, chosen) == marks


@relaxed
@given(answered_forms(), st.data())
def test_mark_does_not_change_when_options_are_written_in_another_order(
    form: list[tuple[KeyedItem, frozenset[int]]], data: st.DataObject
):
    shuffled = []
    for item, picked in form:
        moved_to = data.draw(st.permutations(range(item.options)))
        key = frozenset(moved_to[index] for index in item.key)
        shuffled.append(
            (
                KeyedItem(item.points, key, item.options, item.single),
                frozenset(moved_to[index] for index in picked),
            )
        )

    plain, moved = (
        mark([item for item, _ in one], [picked for _, picked in one]) for one in (form, shuffled)
    )

    assert plain == moved


@relaxed
@given(answered_forms(), st.data())
def test_mark_never_falls_when_an_answer_is_put_right(
    form: list[tuple[KeyedItem, frozenset[int]]], data: st.DataObject
):
    assume(form)
    place = data.draw(st.integers(0, len(form) - 1))
    items, chosen = [item for item, _ in form], [picked for _, picked in form]

    better = mark(items, [*chosen[:place], items[place].key, *chosen[place + 1 :]])

    assert better.score >= mark(items, chosen).score


@pytest.mark.parametrize(
    ("key", "chosen", "hit"),
    [({1}, {1}, True), ({1}, {0}, False), ({1}, set(), False), (set(), set(), False), (set(), {0}, False)],
)
def test_right_needs_a_choice(key: set[int], chosen: set[int], hit: bool):
    assert right(frozenset(key), frozenset(chosen)) is hit


@pytest.mark.parametrize(
    ("stored", "arriving", "stands", "stale"),
    [
        (None, Saved(0, ("a",)), Saved(0, ("a",)), ()),
        (Saved(1, ("a",)), Saved(2, ("b",)), Saved(2, ("b",)), ()),
        (Saved(1, ("a",)), Saved(2, ()), Saved(2, ()), ()),
        (Saved(2, ("a",)), Saved(1, ("b",)), Saved(2, ("a",)), (4,)),
        (Saved(2, ("a",)), Saved(1, ("a",)), Saved(2, ("a",)), (4,)),
        (Saved(2, ("a",)), Saved(2, ("a",)), Saved(2, ("a",)), ()),
        (Saved(2, ("a", "b")), Saved(2, ("b", "a")), Saved(2, ("a", "b")), ()),
        (Saved(2, ("a",)), Saved(2, ("b",)), Saved(2, ("a",)), (4,)),
    ],
)
def test_merge_lets_the_greater_number_stand(
    stored: Saved | None, arriving: Saved, stands: Saved, stale: tuple[int, ...]
):
    merged = merge({} if stored is None else {4: stored}, {4: arriving})

    assert merged == Merged({4: stands}, stale)


def test_merge_keeps_positions_only_one_side_has_and_lists_the_stale_in_order():
    saved = {1: Saved(5, ("a",)), 2: Saved(5, ("a",)), 3: Saved(5, ("a",))}
    incoming = {3: Saved(1, ()), 1: Saved(4, ("b",)), 7: Saved(1, ("c",))}

    assert merge(saved, incoming) == Merged({**saved, 7: Saved(1, ("c",))}, (1, 3))
    assert saved == {1: Saved(5, ("a",)), 2: Saved(5, ("a",)), 3: Saved(5, ("a",))}


@relaxed
@given(answers, answers)
def test_merge_repeated_changes_nothing(saved: dict[int, Saved], incoming: dict[int, Saved]):
    once = merge(saved, incoming)

    twice = merge(once.answers, incoming)

    assert twice.answers == once.answers
    assert twice.stale == once.stale


@relaxed
@given(answers, answers)
def test_merge_never_lets_an_older_answer_win(saved: dict[int, Saved], incoming: dict[int, Saved]):
    merged = merge(saved, incoming)

    assert merged.answers.keys() == saved.keys() | incoming.keys()
    for position, stands in merged.answers.items():
        rivals = [side[position] for side in (saved, incoming) if position in side]
        assert stands in rivals
        assert stands.seq == max(rival.seq for rival in rivals)


@relaxed
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abcd")), max_size=12), st.data())
def test_merge_of_saves_in_any_order_ends_the_same(changes: list[tuple[int, str]], data: st.DataObject):
    saves = [{position: Saved(seq, (token,))} for seq, (position, token) in enumerate(changes)]
    ends = []

    for order in (saves, data.draw(st.permutations(saves))):
        answers: dict[int, Saved] = {}
        for save in order:
            answers = merge(answers, save).answers
        ends.append(answers)

    assert ends[0] == ends[1] == {position: saved for save in saves for position, saved in save.items()}


@pytest.mark.parametrize(
    ("score", "out_of", "threshold", "reached"),
    [
        (80, 100, 8000, True),
        (79, 100, 8000, False),
        (4, 5, 8000, True),
        (79, 99, 8000, False),
        (2, 3, 6666, True),
        (2, 3, 6667, False),
        (0, 100, 0, True),
        (100, 100, 10000, True),
        (99, 100, 10000, False),
        (1, 1, 8000, True),
        (0, 0, 0, False),
        (0, 0, 8000, False),
    ],
)
def test_met_compares_without_rounding(score: int, out_of: int, threshold: int, reached: bool):
    assert met(score, out_of, threshold) is reached
