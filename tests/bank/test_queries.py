"""Reads over the banks."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bank import operations, queries
from quizsvc.core import bankfile
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

    for read in (queries.banks, queries.latest, lambda: queries.history("test", "brushing-00")):
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
    assert history.wordings == (
        queries.Wording(2, later, bankfile.content_hash(second), second),
        queries.Wording(1, NOON, bankfile.content_hash(first), first),
    )
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
