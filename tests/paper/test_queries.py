"""Frozen papers, and what participants see of them."""

import time
from collections import Counter
from dataclasses import fields, replace
from itertools import chain

import pytest
from flask import Flask

from quizsvc.bank import queries as bank
from quizsvc.core import assembly, bankfile, marking
from quizsvc.core.assembly import Fixed, Rule
from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries
from tests import make
from tests.make import an_item
from tests.paper.conftest import MANY, TOPICS, Freeze, a_desk, a_draft, a_plan, frozen_id, imported
from tests.patience import in_time
from tests.support import Watch

SCENE = bankfile.Scene("sms", "1069 开头号码", "三倍赔付，名额有限。", ("三倍赔付",))
TRUE_FALSE = an_item(
    "true-01", kind="true_false", options=(bankfile.Option("对"), bankfile.Option("不对", key=True))
)


def whole_form(paper: queries.FrozenPaper) -> list[list[int]]:
    return [[item.index, 10] for item in paper.items]


# pools


def test_pool_holds_what_rules_and_fixed_items_take(app: Flask) -> None:
    imported(an_item("a"), an_item("b", topic="police"), an_item("c", audiences=("senior",)))
    imported(an_item("d"), an_item("e"), code="other")

    pool = queries.pool(a_plan(Rule(1, 10, topic="brushing", audience="junior"), fixed=(("other/e", 5),)))

    assert [(version.bank_code, version.item.code) for version in pool.versions] == [
        ("other", "e"),
        ("test", "a"),
    ]
    assert pool.blueprint.fixed == (Fixed(0, 5),)
    assert [(one.ref, one.group, one.bank) for one in pool.candidates] == [
        (0, "other/e", "other"), (1, "test/a", "test"),
    ]  # fmt: skip


def test_pool_refuses_unknown_banks_and_fixed_items(app: Flask) -> None:
    imported(an_item("a"))

    with pytest.raises(Refusal, match="题库里还没有发布了的题：nothing。请先导入，或者把草稿审过、发布。"):
        queries.pool(a_plan(banks=("test", "nothing")))
    with pytest.raises(Refusal, match="固定题不在题库里：test/b、test/c。"):
        queries.pool(a_plan(fixed=(("test/b", 1), ("test/a", 1), ("test/c", 1))))


def test_twins_form_one_group_within_their_bank_only() -> None:
    items = [an_item("a", twin="pair"), an_item("b", twin="pair"), an_item("pair")]

    assert [queries.candidate(0, "test", item).group for item in items] == [
        "test:pair",
        "test:pair",
        "test/pair",
    ]
    assert queries.candidate(0, "other", items[0]).group == "other:pair"


def test_rule_rows_tell_the_choice_in_groups(app: Flask) -> None:
    imported(an_item("a", twin="pair"), an_item("b", twin="pair"), an_item("c"), an_item("d", topic="police"))
    pool = queries.pool(a_plan(Rule(1, 10, topic="brushing"), Rule(2, 5), fixed=(("test/d", 20),)))

    assert queries.rule_rows(pool.blueprint, pool.candidates, TOPICS) == [
        queries.RuleRow("固定题", 1, 20, 1, 0),
        queries.RuleRow("刷单返利", 1, 10, 2, 0),
        queries.RuleRow("任意题", 2, 10, 3, 1),
    ]


# frozen papers


def test_frozen_takes_one_statement_once_and_then_none(app: Flask, watch: Watch) -> None:
    imported(*(an_item(f"a-{number:02}") for number in range(30)))
    paper_id = frozen_id(a_plan())

    with watch.counting() as cold:
        first = queries.frozen(paper_id)
    with watch.counting() as warm:
        again = queries.frozen(paper_id)
    queries.forget()
    with watch.counting() as forgotten:
        read_anew = queries.frozen(paper_id)

    assert (len(cold), len(warm), len(forgotten)) == (1, 0, 1)
    assert again is first
    assert read_anew.content_hash == first.content_hash


def test_unknown_paper_is_refused_every_time(app: Flask) -> None:
    for _ in range(2):
        with pytest.raises(queries.UnknownPaper) as refused:
            queries.frozen(1)
        assert refused.value.status == 404


def test_frozen_reads_a_paper_without_topic_names(app: Flask) -> None:
    paper = queries.frozen(make.a_paper(items=3).id)

    assert (paper.topics, paper.blueprint.item_count) == ({}, 3)
    assert [one.ref for one in paper.candidates] == [0, 1, 2]


def test_candidates_are_named_by_their_place_in_the_paper(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), an_item("b", twin="pair"), MANY)

    assert [(one.ref, one.group, one.kind) for one in paper.candidates] == [
        (0, "test/a", "single_choice"), (1, "test:pair", "single_choice"), (2, "test/many-01", "multiple_choice"),
    ]  # fmt: skip
    assert [sorted(item.key) for item in paper.items] == [[1], [1], [1, 3]]


def test_blueprint_survives_the_way_through_json() -> None:
    blueprint = assembly.Blueprint(
        (
            Rule(2, 10, topic="police", kind="single_choice", difficulty=1, audience="junior", bank="test"),
            Rule(1, 0),
        ),
        (Fixed(3, 5),),
    )

    assert queries.blueprint_of(queries.written(blueprint)) == blueprint


@pytest.mark.parametrize("count", [1, 30])
def test_papers_takes_one_statement(app: Flask, watch: Watch, count: int) -> None:
    imported(*(an_item(f"a-{number:02}") for number in range(5)))
    for number in range(count):
        frozen_id(a_plan(code=f"paper-{number:02}"))

    with watch.counting() as seen:
        rows = queries.papers()

    assert len(seen) == 1
    assert len(rows) == count
    first = queries.frozen(rows[0].id)
    assert rows[0] == queries.PaperRow(
        first.id,
        f"paper-{count - 1:02}",
        "反诈知识测试",
        "quiz",
        2,
        20,
        5,
        first.content_hash,
        first.frozen_at,
    )


# what participants see


def test_view_shows_position_kind_scene_stem_and_options(freeze: Freeze) -> None:
    paper = freeze(an_item("a", scene=SCENE), MANY, replace(TRUE_FALSE, audiences=("junior", "senior")))

    view = queries.view(paper, [[2, 5], [0, 10], [1, 10]], "seed")

    assert view.title == "反诈知识测试"
    assert [(item.position, item.kind, item.kind_name, item.audience_name) for item in view.items] == [
        (1, "true_false", "判断", None), (2, "single_choice", "单选", "初中"), (3, "multiple_choice", "多选", "初中"),
    ]  # fmt: skip
    assert [(item.channel_name, item.sender, item.scene_text) for item in view.items] == [
        (None, None, None), ("短信", "1069 开头号码", "三倍赔付，名额有限。"), (None, None, None),
    ]  # fmt: skip
    assert [option.letter for option in view.items[1].options] == ["A", "B", "C", "D"]
    assert {option.text for option in view.items[1].options} == {option.text for option in an_item().options}
    assert [option.text for option in view.items[0].options] == ["对", "不对"]


def test_view_has_nothing_that_tells_the_key(freeze: Freeze) -> None:
    canary = "CANARY"
    item = an_item(
        f"{canary.lower()}-code",
        stem="怎么做最稳妥？",
        topic=f"{canary}-topic",
        twin=f"{canary}-twin",
        region=f"{canary}-region",
        source=f"{canary}-source",
        explanation=bankfile.Explanation(f"{canary}-trick", f"{canary}-tell", f"{canary}-action"),
        scene=replace(SCENE, tells=("三倍赔付",)),
        options=tuple(
            replace(option, belief=f"{canary}-belief") if option.belief else option
            for option in an_item().options
        ),
    )
    honest = replace(item, code="honest-01", twin=None, genuine=True, scene=replace(SCENE, tells=()))
    paper = freeze(item, honest)
    text = repr(queries.view(paper, whole_form(paper), "seed"))

    assert canary not in text.upper()
    for word in (
        "key",
        "True",
        "False",
        "genuine",
        "difficulty",
        "version",
        "hash",
        "frozenset",
        "index",
        "seed",
    ):
        assert word not in text, word


def test_view_types_have_these_fields_and_no_others() -> None:
    kinds = (queries.PaperView, queries.ItemView, queries.OptionView)

    assert [[field.name for field in fields(kind)] for kind in kinds] == [
        ["title", "items"],
        [
            "position",
            "kind",
            "kind_name",
            "audience_name",
            "channel_name",
            "sender",
            "scene_text",
            "stem",
            "options",
        ],
        ["token", "letter", "text"],
    ]


def test_view_of_key_and_wrong_option_swapped_looks_alike(app: Flask) -> None:
    first = an_item("a")
    swapped = replace(
        first, options=tuple(replace(option, key=not option.key if index < 2 else False, belief=None)
                             for index, option in enumerate(first.options))
    )  # fmt: skip
    views = []
    for code, item in (("one", first), ("two", swapped)):
        imported(item, code=code)
        paper = queries.frozen(frozen_id(a_plan(Rule(1, 10), banks=(code,), code=code)))
        views.append(queries.view(paper, [[0, 10]], "seed"))

    assert views[0] == views[1]


def chi_square(counts: Counter[int], cells: int, draws: int) -> float:
    expected = draws / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))


def test_key_is_equally_often_at_every_letter_and_at_every_rank_of_tokens(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), an_item("b"), an_item("c"))
    key_text = "停下来问问老师"
    draws = 2000
    letters: Counter[int] = Counter()
    ranks: Counter[int] = Counter()
    for number in range(draws):
        options = queries.view(paper, [[1, 10]], f"seed-{number}").items[0].options
        key = next(option for option in options if option.text == key_text)
        letters["ABCD".index(key.letter)] += 1
        ranks[sorted(option.token for option in options).index(key.token)] += 1

    assert chi_square(letters, 4, draws) < 16.27  # 3 degrees of freedom, one in a thousand
    assert chi_square(ranks, 4, draws) < 16.27


def test_items_of_one_form_are_shuffled_each_on_its_own(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), an_item("b"))
    same = 0
    for number in range(400):
        first, second = queries.view(paper, whole_form(paper), f"seed-{number}").items
        same += [option.text for option in first.options] == [option.text for option in second.options]
        assert not {option.token for option in first.options} & {option.token for option in second.options}

    assert 4 <= same <= 40  # one in 24 is what chance gives


def test_view_of_ten_items_takes_less_than_a_millisecond(freeze: Freeze) -> None:
    paper = freeze(*(an_item(f"a-{number}", scene=SCENE) for number in range(10)))
    form = whole_form(paper)

    def once(seed: str) -> float:
        start = time.perf_counter()
        queries.view(paper, form, seed)
        return time.perf_counter() - start

    assert in_time(min(once(f"seed-{number}") for number in range(50)), 0.001)


# answers


def test_tokens_lead_back_to_the_options_they_were_shown_with(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY, TRUE_FALSE)
    form = [[2, 10], [0, 10], [1, 10]]
    view = queries.view(paper, form, "seed")
    for item, (index, _) in zip(view.items, form, strict=True):
        written = paper.items[index].item.options
        for option in item.options:
            chosen = queries.chosen_indices(paper, form, "seed", {item.position: (option.token,)})
            assert chosen[item.position - 1] == {
                next(n for n, one in enumerate(written) if one.text == option.text)
            }
            assert sum(map(len, chosen)) == 1


def test_key_chosen_by_its_tokens_earns_everything(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY, TRUE_FALSE)
    form = [[0, 10], [1, 20], [2, 5]]
    answers = {
        position: [assembly.option_tokens(len(paper.items[index].item.options), seed="seed", ref=index)[place]
                   for place in paper.items[index].key]
        for position, (index, _) in enumerate(form, start=1)
    }  # fmt: skip

    marks = marking.mark(queries.keyed(paper, form), queries.chosen_indices(paper, form, "seed", answers))

    assert marks == marking.Marks(35, 35, (True, True, True))


def test_keyed_tells_points_key_options_and_single(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY, TRUE_FALSE)

    assert queries.keyed(paper, [[1, 20], [2, 5], [0, 10]]) == (
        marking.KeyedItem(20, frozenset({1, 3}), 4, single=False),
        marking.KeyedItem(5, frozenset({1}), 2, single=True),
        marking.KeyedItem(10, frozenset({1}), 4, single=True),
    )


def test_blank_answers_are_empty_sets(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY)

    assert queries.chosen_indices(paper, whole_form(paper), "seed", {2: ()}) == (frozenset(), frozenset())


@pytest.mark.parametrize("position", [0, 3, -1, 10**9])
def test_position_outside_the_form_is_not_on_the_paper(freeze: Freeze, position: int) -> None:
    paper = freeze(an_item("a"), MANY)

    with pytest.raises(marking.NotOnPaper):
        queries.chosen_indices(paper, whole_form(paper), "seed", {position: ()})


def test_tokens_of_others_are_not_on_the_paper(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY)
    form = whole_form(paper)
    first, second = queries.view(paper, form, "seed").items
    other = queries.view(paper, form, "another seed").items[0]
    foreign = [
        "",
        "A",
        "0",
        "zzzz",
        second.options[0].token,
        other.options[0].token,
        first.options[0].token.upper(),
    ]

    for token in foreign:
        with pytest.raises(marking.NotOnPaper):
            queries.chosen_indices(paper, form, "seed", {1: (first.options[1].token, token)})


# review


def test_review_shows_what_was_chosen_what_is_right_and_why(freeze: Freeze) -> None:
    paper = freeze(an_item("a", scene=SCENE), replace(MANY, topic="police"))
    form = [[1, 10], [0, 10]]
    shown = queries.view(paper, form, "seed").items[1].options
    wrong = next(option for option in shown if option.text == "先付一点试试")

    blank, answered = queries.review(paper, form, "seed", {2: (wrong.token,)}, (False, False))

    assert (blank.position, blank.kind_name, blank.topic_name) == (1, "多选", "冒充公检法")
    assert (blank.blank, blank.right) == (True, False)
    assert (blank.channel_name, blank.sender, blank.scene) == (None, None, ())
    assert [option.key for option in sorted(blank.options, key=lambda option: option.text)] == [
        option.key for option in sorted(MANY.options, key=lambda option: option.text)
    ]
    assert (answered.position, answered.kind_name, answered.topic_name) == (2, "单选", "刷单返利")
    assert (answered.blank, answered.right) == (False, False)
    assert (answered.channel_name, answered.sender) == ("短信", "1069 开头号码")
    assert answered.scene == (("三倍赔付", True), ("，名额有限。", False))
    assert [(option.letter, option.text) for option in answered.options] == [
        (option.letter, option.text) for option in shown
    ]
    assert [option.text for option in answered.options if option.chosen] == ["先付一点试试"]
    assert [option.text for option in answered.options if option.key] == ["停下来问问老师"]
    assert answered.explanation == an_item().explanation
    assert answered.source == an_item().source


def test_review_takes_right_from_the_stored_marks(freeze: Freeze) -> None:
    paper = freeze(an_item("a"), MANY)

    shown = queries.review(paper, whole_form(paper), "seed", {}, (True, False))

    assert [item.right for item in shown] == [True, False]


def test_drawn_forms_are_viewable_and_worth_the_same(freeze: Freeze) -> None:
    paper = freeze(*(an_item(f"a-{number}") for number in range(4)), MANY, TRUE_FALSE)
    blueprint = assembly.Blueprint((Rule(2, 10), Rule(1, 5, kind="multiple_choice")))

    positions = []
    for number in range(50):
        drawn = assembly.draw(blueprint, paper.candidates, seed=str(number))
        form = [[item.ref, item.points] for item in drawn]
        assert sum(one.points for one in queries.keyed(paper, form)) == 25
        positions.append([item.position for item in queries.view(paper, form, str(number)).items])

    assert set(chain.from_iterable(positions)) == {1, 2, 3}
    assert all(one == [1, 2, 3] for one in positions)


# drafts


def test_drafts_are_listed_in_one_statement_whatever_their_number(app: Flask, watch: Watch) -> None:
    counts = []
    for number in range(3):
        a_draft(Rule(1, 10), code=f"draft-{number}")
        with watch.counting() as seen:
            rows = queries.drafts()
        counts.append((len(seen), len(rows)))

    assert counts == [(1, 1), (1, 2), (1, 3)]
    assert rows[0] == queries.draft(rows[0].id)


def test_unknown_draft_is_refused(app: Flask) -> None:
    with pytest.raises(queries.UnknownDraft) as refused:
        queries.draft(1)

    assert refused.value.status == 404


def test_plan_of_a_draft_gives_its_audience_to_rules_without_one(app: Flask) -> None:
    rules = (Rule(1, 10, audience="junior"), Rule(2, 5, topic="police", audience="junior"))
    row = queries.draft(a_draft(*rules, fixed=(("test/a", 7),)))

    assert (row.audience, row.rules) == ("junior", (Rule(1, 10), Rule(2, 5, topic="police")))
    assert (row.item_count, row.total_points) == (4, 27)
    assert row.plan(TOPICS) == a_plan(*rules, fixed=(("test/a", 7),))


def test_paper_becomes_the_plan_it_was_frozen_from(app: Flask) -> None:
    imported(an_item("a"), an_item("b"), an_item("c"))
    plan = a_plan(Rule(2, 10, audience="junior", bank="test"), fixed=(("test/b", 5),))

    assert queries.plan_of(queries.frozen(frozen_id(plan))) == replace(plan, topics={"brushing": "刷单返利"})


def test_desk_tells_choice_and_time(app: Flask) -> None:
    imported(an_item("a"), an_item("b"), an_item("c", topic="police"))

    desk = a_desk(a_draft(Rule(1, 10, topic="brushing"), Rule(1, 5), fixed=(("test/c", 20),)))

    assert [(one.name, one.points, one.version is not None, one.clashes) for one in desk.placed] == [
        ("test/c", 20, True, False)
    ]
    assert desk.rules == (queries.RuleRow("刷单返利", 1, 10, 2, 0), queries.RuleRow("任意题", 1, 5, 3, 0))
    assert (desk.faults, desk.can_be_shown) == ((), True)
    assert desk.seconds > 60


def test_desk_tells_everything_that_is_in_the_way(app: Flask) -> None:
    imported(an_item("a", twin="pair"), an_item("b", twin="pair"))
    fixed = (("test/a", 1), ("test/b", 1), ("test/gone", 1))

    desk = a_desk(a_draft(Rule(2, 10, topic="police"), banks=("test", "empty"), fixed=fixed))

    assert desk.faults == (
        "题库“empty”里还没有发布的题",
        "题库里已经没有 test/gone",
        "test/b 和前面的题是同组题，一份卷里只能有一道",
        "冒充公检法：需 2，缺 2",
    )
    assert a_desk(a_draft(code="blank", rules=())).faults == ("试卷上还没有题",)
    assert not a_desk(a_draft(Rule(1, 1, topic="police"), code="short")).can_be_shown


def test_sketch_shows_what_can_be_filled(app: Flask) -> None:
    imported(an_item("a", twin="pair"), an_item("b", twin="pair"), an_item("c"), an_item("d", topic="police"))
    desk = a_desk(a_draft(Rule(3, 10, topic="brushing"), fixed=(("test/d", 7), ("test/d-gone", 7))))

    paper, form = queries.sketch(desk, "one")

    shown = [(paper.items[index].item.code, points) for index, points in form]
    assert sorted(shown)[1:] == [("c", 10), ("d", 7)]
    assert sorted(shown)[0] in [("a", 10), ("b", 10)]
    assert len(paper.items) == len(form) == 3
    assert len(queries.view(paper, form, "one").items) == 3


def test_sketch_leaves_the_second_of_two_twins_out(app: Flask) -> None:
    imported(an_item("a", twin="pair"), an_item("b", twin="pair"))

    paper, _ = queries.sketch(a_desk(a_draft(rules=(), fixed=(("test/b", 1), ("test/a", 2)))), "one")

    assert [one.item.code for one in paper.items] == ["b"]


def test_sketch_of_a_seed_is_always_the_same(app: Flask) -> None:
    imported(*(an_item(f"a-{number}") for number in range(9)))
    desk = a_desk(a_draft(Rule(4, 10)))

    codes = [[one.item.code for one in queries.sketch(desk, seed)[0].items] for seed in ("a", "a", "b", "c")]

    assert codes[0] == codes[1]
    assert len({tuple(one) for one in codes}) > 1


def test_preview_of_a_draft_without_items_is_refused(app: Flask) -> None:
    imported(an_item("a"))

    with pytest.raises(Refusal, match="试卷上还没有题"):
        queries.preview(a_draft(rules=()), "one")


def swapped(desk: queries.Desk, name: str) -> tuple[str, str]:
    found = queries.parallel(desk, name, bank.latest())
    return queries.name_of(found.version), found.why


def test_parallel_item_is_a_twin_first(app: Flask) -> None:
    imported(an_item("a"), an_item("b", twin="pair"), an_item("c", twin="pair"))
    desk = a_desk(a_draft(rules=(), fixed=(("test/c", 1),)))

    assert swapped(desk, "test/c") == ("test/b", "同组题：同一骗术，换一身衣服")


def test_parallel_item_is_otherwise_alike_and_not_on_the_paper_yet(app: Flask) -> None:
    imported(
        an_item("a", difficulty=2), an_item("b", topic="police"), an_item("c", kind="true_false"),
        an_item("d", audiences=("senior",)), an_item("e"), an_item("f", twin="pair"), an_item("g", twin="pair"),
        an_item("h"),
    )  # fmt: skip
    imported(an_item("i"), code="other")
    desk = a_desk(a_draft(rules=(), fixed=(("test/e", 1), ("test/f", 1))))

    assert swapped(desk, "test/e") == ("test/h", "同一骗术、同题型、同难度的另一道题")


def test_parallel_items_are_walked_through_in_a_ring(app: Flask) -> None:
    imported(*(an_item(code) for code in "abc"))
    codes = []
    name = "test/b"
    for number in range(3):
        name, _ = swapped(a_desk(a_draft(rules=(), code=f"draft-{number}", fixed=((name, 1),))), name)
        codes.append(name)

    assert codes == ["test/c", "test/a", "test/b"]


def test_parallel_item_is_for_the_audience_of_the_draft(app: Flask) -> None:
    imported(an_item("a", audiences=("junior", "senior")), an_item("b", audiences=("senior",)))
    junior = a_desk(a_draft(Rule(1, 1, audience="junior"), fixed=(("test/a", 1),)))
    senior = a_desk(a_draft(Rule(1, 1, audience="senior"), code="other", fixed=(("test/a", 1),)))

    with pytest.raises(Refusal, match="没有同样骗术、题型和难度的另一道题"):
        swapped(junior, "test/a")
    assert swapped(senior, "test/a")[0] == "test/b"


def test_item_that_is_gone_has_no_parallel(app: Flask) -> None:
    imported(an_item("a"))

    with pytest.raises(Refusal, match="题库里已经没有这道题"):
        swapped(a_desk(a_draft(rules=(), fixed=(("test/gone", 1),))), "test/gone")


def test_minutes_of_a_paper_are_worked_out_once(freeze: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = freeze(*(an_item(f"a-{number}", stem="字" * 300) for number in range(6)))
    first = queries.minutes(paper)
    monkeypatch.delattr(queries.readingtime, "paper_seconds")

    assert first == queries.minutes(paper) == 8
