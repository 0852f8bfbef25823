"""Reads over the banks."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bank import operations, queries
from quizsvc.core import bankfile
from quizsvc.core.exchange import Choice, Defaults, Draft, Reading, Rejected, draft_of
from tests.conftest import NOON
from tests.make import an_item
from tests.support import Watch

SCENE = bankfile.Scene("sms", "1069", "请查收", ())


def test_counts_tell_each_sort_in_its_order() -> None:
    items = [
        an_item("a", audiences=("senior", "junior"), twin="pair", scene=SCENE, genuine=True),
        an_item("b", topic="police", kind="true_false", difficulty=3, twin="pair"),
        an_item("c", topic="police", audiences=("staff",), scene=SCENE),
    ]

    counted = queries.counts(items)

    assert (counted.items, counted.scenes, counted.genuine, counted.twins) == (3, 2, 1, 1)
    assert list(counted.by_topic.items()) == [("brushing", 1), ("police", 2)]
    assert list(counted.by_kind.items()) == [("single_choice", 2), ("true_false", 1)]
    assert list(counted.by_audience.items()) == [("junior", 2), ("senior", 1), ("staff", 1)]
    assert list(counted.by_difficulty.items()) == [(1, 2), (3, 1)]


def test_counts_of_nothing() -> None:
    counted = queries.counts([])

    assert (counted.items, counted.twins, counted.by_topic, counted.by_kind) == (0, 0, {}, {})


def test_latest_of_one_bank_by_code(app: Flask) -> None:
    for code in ("b", "a"):
        operations.import_bank(
            code=code, name=code, items=[an_item("z-1"), an_item("a-1")], at=NOON, actor=CLI
        )

    assert [(row.bank_code, row.item.code) for row in queries.latest()] == [
        ("a", "a-1"), ("a", "z-1"), ("b", "a-1"), ("b", "z-1"),
    ]  # fmt: skip
    assert [(row.bank_code, row.item.code) for row in queries.latest("b")] == [("b", "a-1"), ("b", "z-1")]


@pytest.mark.parametrize("count", [1, 30])
def test_reads_take_one_statement_each(app: Flask, watch: Watch, count: int) -> None:
    items = [an_item(f"brushing-{number:02}") for number in range(count)]
    operations.import_bank(code="test", name="测试题库", items=items, at=NOON, actor=CLI)

    for read in (
        queries.banks,
        queries.latest,
        queries.newest,
        lambda: queries.history("test", "brushing-00"),
    ):
        with watch.counting() as seen:
            read()
        assert len(seen) == 1, "\n".join(seen)


def test_history_tells_every_wording_and_when_the_item_was_retired(app: Flask) -> None:
    first, second = an_item("a-1"), an_item("a-1", stem="另一种问法？")
    later = NOON + timedelta(days=1)
    operations.import_bank(code="test", name="测试题库", items=[first], at=NOON, actor=CLI)
    operations.import_bank(code="test", name="测试题库", items=[second], at=later, actor=CLI)
    operations.import_bank(code="test", name="测试题库", items=[], at=later, actor=CLI, retire_missing=True)

    history = queries.history("test", "a-1")

    assert (history.bank_name, history.retired_at) == ("测试题库", later)
    imported = ("published", "file", "cli", None, None)
    assert history.wordings == (
        queries.Wording(2, later, bankfile.content_hash(second), second, *imported, later),
        queries.Wording(1, NOON, bankfile.content_hash(first), first, *imported, NOON),
    )
    assert history.published == history.wordings[0]
    assert history.wording(None).number == 2
    assert history.wording(1).item == first
    with pytest.raises(queries.UnknownItem):
        history.wording(3)


@pytest.mark.parametrize(("bank", "item"), [("test", "nothing"), ("nothing", "a-1")])
def test_history_of_an_unknown_item_is_refused(app: Flask, bank: str, item: str) -> None:
    operations.import_bank(code="test", name="测试题库", items=[an_item("a-1")], at=NOON, actor=CLI)

    with pytest.raises(queries.UnknownItem) as refused:
        queries.history(bank, item)

    assert refused.value.status == 404


def test_comparison_sorts_items_by_what_an_import_would_do(app: Flask) -> None:
    known = [an_item("same-1"), an_item("changed-1"), an_item("gone-1"), an_item("retired-1")]
    operations.import_bank(code="test", name="测试题库", items=known, at=NOON, actor=CLI)
    operations.import_bank(
        code="test", name="测试题库", items=known[:3], at=NOON, actor=CLI, retire_missing=True
    )

    found = queries.compared("test", [known[0], replace(known[1], difficulty=3), known[3], an_item("new-1")])

    assert (found.new, found.changed, found.same, found.revived, found.missing) == (
        ("new-1",), ("changed-1",), ("same-1", "retired-1"), ("retired-1",), ("gone-1",),
    )  # fmt: skip


WORDS = bankfile.Vocabulary({"brushing": "刷单返利"}, {"first_payout_real": "先收到过小额返利，平台就是真的"})
DEFAULTS = Defaults("brushing", ("junior",), 2, "校本题库", NOON.date())
ASKED = Draft(
    place="第 3 行",
    stem="对方要你先垫付，怎么办？",
    choices=(Choice("照做"), Choice("停下", key=True), Choice("先付一半")),
    explanation="先停下，再核实。",
)


def plan(*drafts: Draft, allowed: frozenset[str] = bankfile.DRAFT_RULES) -> queries.ImportPlan:
    return queries.plan_import("test", Reading("纯文本", drafts), DEFAULTS, WORDS, allowed=allowed)


def bank_of(*items: bankfile.Item) -> None:
    operations.import_bank(code="test", name="测试题库", items=items, at=NOON, actor=CLI)


def test_plan_of_a_new_question_takes_the_defaults(app: Flask) -> None:
    bank_of()

    found = plan(ASKED)

    (new,) = found.new
    assert (new.place, new.before, new.item.topic, new.item.audiences, new.item.source) == (
        "第 3 行", None, "brushing", ("junior",), "校本题库",
    )  # fmt: skip
    assert (found.changed, found.same, found.rejected, found.changes) == ((), (), (), 1)


def test_plan_of_what_the_bank_has_changes_nothing(app: Flask) -> None:
    known = [an_item("a-1"), an_item("a-2")]
    bank_of(*known)

    found = plan(*(draft_of(item, WORDS) for item in known))

    assert (len(found.same), found.new, found.changed, found.changes) == (2, (), (), 0)


def test_plan_compares_with_the_newest_wording_in_any_state(app: Flask) -> None:
    bank_of(an_item("a-1"))
    edited = an_item("a-1", stem="换一种问法，怎么做最稳妥？")
    operations.save_item(bank_code="test", item=edited, opened=1, vocabulary=WORDS, at=NOON, actor=CLI)

    assert [len(found) for found in (plan(draft_of(edited, WORDS)).same, plan(draft_of(edited, WORDS)).changed)] == [
        1, 0,
    ]  # fmt: skip
    (changed,) = plan(draft_of(an_item("a-1"), WORDS)).changed
    assert (changed.item, changed.before) == (an_item("a-1"), edited)


def test_plan_rejects_with_the_place_what_the_lint_does_not_let_through(app: Flask) -> None:
    bank_of()
    twins = Draft("第 9 行", "两个一样？", (Choice("同", key=True), Choice("同"), Choice("异")))
    reading = Reading("纯文本", (ASKED, twins), (Rejected("第 20 行", "坏的", "没有选项。"),))

    found = queries.plan_import("test", reading, DEFAULTS, WORDS)

    assert [(one.place, one.reason) for one in found.rejected] == [
        ("第 20 行", "没有选项。"), ("第 9 行", "有两个选项的文字相同。"),
    ]  # fmt: skip
    assert [one.place for one in found.new] == ["第 3 行"]


def test_plan_lets_a_draft_lack_what_publication_needs(app: Flask) -> None:
    bank_of()
    bare = replace(ASKED, explanation="")

    assert [one.text for one in plan(bare).remarks] == ["解析没有写。请写骗术、破绽、应对，每样一句。"]
    assert [one.reason for one in plan(bare, allowed=frozenset()).rejected] == [
        "解析没有写。请写骗术、破绽、应对，每样一句。"
    ]


def test_plan_warns_of_a_question_that_the_bank_already_asks(app: Flask) -> None:
    bank_of(an_item("a-1", stem="对方要你先垫付，怎么办"))

    assert "题干同另一道题一样" in "".join(one.text for one in plan(ASKED).remarks)


def test_plan_counts_a_retired_item_that_comes_back_as_a_change(app: Flask) -> None:
    bank_of(an_item("a-1"), an_item("a-2"))
    operations.retire(bank_code="test", item_code="a-1", at=NOON, actor=CLI)

    found = plan(draft_of(an_item("a-1"), WORDS))

    assert (len(found.same), [one.item.code for one in found.revived], found.changes) == (1, ["a-1"], 1)


def test_plan_tells_at_the_row_what_the_file_says_and_the_item_does_not(app: Flask) -> None:
    bank_of(an_item("a-1"))
    told = ("不认识的主题“钓鱼”，用了“刷单返利”。", "选项的反馈没有导入。")
    spoken = replace(
        ASKED, tags=("topic:钓鱼",), choices=(Choice("停下", key=True), Choice("照做", note="再想想"))
    )
    same = replace(draft_of(an_item("a-1"), WORDS), place="第 9 行")
    spoken_same = replace(same, tags=(*same.tags, "audience:火星人"))

    found = plan(spoken, spoken_same)

    assert [(one.place, one.notes) for one in (*found.new, *found.same)] == [
        ("第 3 行", told), ("第 9 行", ("不认识的人群“火星人”，用了“初中”。",)),
    ]  # fmt: skip
    assert found.notes == ()


@pytest.mark.parametrize(
    ("count", "notes", "beside"),
    [
        (queries.MOST_ALIKE, ("图片没有导入。",), 1),
        (
            queries.MOST_ALIKE + 1,
            ("图片没有导入。", f"{queries.MOST_ALIKE + 1} 道题：不认识的难度“9”，用了“中等”。"),
            0,
        ),
    ],
)
def test_plan_sums_up_what_it_would_tell_of_many(
    app: Flask, count: int, notes: tuple[str, ...], beside: int
) -> None:
    bank_of()
    drafts = [
        replace(ASKED, stem=f"第 {number} 种情况，怎么办？", tags=("difficulty:9",))
        for number in range(count)
    ]
    own = replace(ASKED, tags=("topic:钓鱼",))

    found = queries.plan_import(
        "test", Reading("GIFT", (*drafts, own), (), ("图片没有导入。",)), DEFAULTS, WORDS
    )

    assert found.notes == notes
    assert [len(one.notes) for one in found.new] == [*[beside] * count, 1]


def test_plan_tells_nothing_of_what_is_rejected(app: Flask) -> None:
    bank_of()
    twins = Draft(
        "第 9 行", "两个一样？", (Choice("同", key=True), Choice("同"), Choice("异")), tags=("topic:x",)
    )
    reading = Reading("纯文本", tuple(replace(twins, stem=f"{number}？") for number in range(9)))

    assert queries.plan_import("test", reading, DEFAULTS, WORDS).notes == ()


@pytest.mark.parametrize("count", [1, 30])
def test_plan_takes_two_statements(app: Flask, watch: Watch, count: int) -> None:
    bank_of(*(an_item(f"a-{number:02}") for number in range(count)))

    with watch.counting() as seen:
        plan(ASKED)

    assert len(seen) == 2, "\n".join(seen)


def test_banks_count_what_waits_for_review_and_publication(app: Flask) -> None:
    bank_of(an_item("a-1"), an_item("a-2"), an_item("a-3"), an_item("a-4"))
    for code in ("a-1", "a-2", "a-3"):
        edited = an_item(code, stem=f"{code} 换一种问法？")
        operations.save_item(bank_code="test", item=edited, opened=1, vocabulary=WORDS, at=NOON, actor=CLI)
    operations.approve(bank_code="test", item_code="a-1", number=2, vocabulary=WORDS, at=NOON, actor=CLI)
    operations.retire(bank_code="test", item_code="a-3", at=NOON, actor=CLI)

    assert queries.banks() == [queries.BankRow("test", "测试题库", items=3, versions=7, drafts=1, reviewed=1)]
    assert queries.bank("test").drafts == 1
    with pytest.raises(queries.UnknownBank):
        queries.bank("nothing")


def test_faults_of_an_item_are_told_among_the_live_items_of_its_bank(app: Flask) -> None:
    twin = an_item("a-2", stem="遇到第 a-1 种情况，怎么做最稳妥？")
    bank_of(an_item("a-1"), twin)

    def rules() -> list[str]:
        found = queries.faults(queries.newest("test"), an_item("a-1"), WORDS, NOON.date())
        return [fault.rule for fault in found]

    assert rules() == ["duplicate-stem"]
    operations.retire(bank_code="test", item_code="a-2", at=NOON, actor=CLI)
    assert rules() == []
