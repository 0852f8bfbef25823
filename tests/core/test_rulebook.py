"""Rules as values, as JSON and as a hash."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from quizsvc.core import rulebook
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Round, Rules, Source, Tier

moments = some.integers(0, 10**8).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
words = some.text(some.characters(exclude_categories=("C", "Z")), max_size=12)
counts = some.integers(0, 10_000)
rounds = some.builds(
    Round, title=words, organisers=some.tuples(words), opens_at=moments, closes_at=moments, attempts=counts,
    per=some.sampled_from(["round", "day"]), limit_s=some.none() | counts, pace=words, item_s=some.none() | counts,
    papers=some.tuples(words, words), is_test=some.booleans(),
)  # fmt: skip
tiers = some.builds(
    Tier, name=words, item=words, number=counts, value_yuan=counts, by=some.sampled_from([*rulebook.BY])
)
sources = some.builds(
    Source, kind=some.sampled_from([*rulebook.SOURCES]), name=words, at=moments, bits=counts
)
all_rules = some.builds(
    Rules, round=rounds, who=words, minors=some.booleans(), approval=words,
    qualifies=some.lists(counts, max_size=3).map(tuple),
    tiers=some.lists(tiers, max_size=3).map(tuple), draw_at=some.none() | moments,
    sources=some.lists(sources, max_size=3).map(tuple), contact=words, published_days=counts,
    board_freezes_at=some.none() | moments,
)  # fmt: skip

ROUND = Round(
    title="竞赛", organisers=("县教育局",), opens_at=datetime(2026, 12, 1, tzinfo=UTC),
    closes_at=datetime(2026, 12, 20, 10, tzinfo=UTC), attempts=3, per="day", limit_s=None, pace="sheet", item_s=None,
    papers=("a" * 64,), is_test=False,
)  # fmt: skip
CHANGED: dict[type, Any] = {bool: True, int: 77, str: "别的"}


@settings(max_examples=20)
@given(all_rules)
def test_what_is_written_is_read_back_even_through_json(rules: Rules) -> None:
    content = rulebook.written(rules)

    assert rulebook.read(content) == rules
    assert rulebook.read(json.loads(rulebook.text(content))) == rules


@settings(max_examples=20)
@given(all_rules)
def test_equal_rules_have_one_text_whatever_zone_their_moments_are_in(rules: Rules) -> None:
    there = timezone(timedelta(hours=8))
    moved = replace(
        rules,
        round=replace(rules.round, opens_at=rules.round.opens_at.astimezone(there)),
        draw_at=rules.draw_at and rules.draw_at.astimezone(there),
    )

    assert moved == rules
    assert rulebook.text(rulebook.written(moved)) == rulebook.text(rulebook.written(rules))
    assert rulebook.content_hash(rulebook.written(moved)) == rulebook.content_hash(rulebook.written(rules))


@settings(max_examples=20)
@given(all_rules, all_rules)
def test_other_rules_have_another_hash(one: Rules, other: Rules) -> None:
    hashes = {rulebook.content_hash(rulebook.written(rules)) for rules in (one, other)}

    assert len(hashes) == (1 if one == other else 2)


def other_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value + timedelta(seconds=1)
    if value is None:
        return 7
    if isinstance(value, tuple):
        return (*value, "b" * 64) if value and isinstance(value[0], str) else (*value, 5)
    return not value if isinstance(value, bool) else CHANGED[type(value)]


def test_any_changed_field_gives_another_hash() -> None:
    rules = Rules(round=ROUND, draw_at=ROUND.closes_at, board_freezes_at=ROUND.closes_at, strategy="best")
    rows: dict[str, Any] = {
        "tiers": (Tier(name="一等奖", item="书", number=1, value_yuan=0, by="draw"),),
        "sources": (Source(kind="drand", name="drand 1", at=ROUND.closes_at, bits=256),),
    }
    changed = [
        replace(rules, round=replace(ROUND, **{one.name: other_value(getattr(ROUND, one.name))}))
        for one in fields(Round)
    ] + [
        replace(rules, **{one.name: rows.get(one.name) or other_value(getattr(rules, one.name))})
        for one in fields(Rules)
        if one.name != "round"
    ]  # fmt: skip

    hashes = {rulebook.content_hash(rulebook.written(one)) for one in (rules, *changed)}

    assert len(hashes) == 1 + len(fields(Round)) + len(fields(Rules)) - 1


def test_text_is_one_sorted_line() -> None:
    assert rulebook.text({"b": "抽奖", "a": [1]}) == '{"a":[1],"b":"抽奖"}\n'


@pytest.mark.parametrize("content", [{}, {"round": {}}, {"round": {"organisers": []}, "tiers": 3}])
def test_what_is_no_content_is_not_read(content: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        rulebook.read(content)


def test_every_field_has_a_label() -> None:
    names = {f"round.{one.name}" for one in fields(Round)} | {one.name for one in fields(Rules)} - {"round"}

    assert rulebook.LABELS.keys() == names
    assert len(set(rulebook.LABELS.values())) == len(names)


def test_tidied_text_has_no_invisible_characters() -> None:
    rules = Rules(
        round=ROUND, who=" 本县\u3000居民\u200b\r\n 自愿 ", contact="\u00a0",
        tiers=(Tier(name="一等奖\n", item=" 书 \t 包 ", number=1, value_yuan=0, by="draw"),),
        sources=(Source(kind="drand", name=" drand\u00a01 ", at=ROUND.closes_at, bits=256),),
    )  # fmt: skip

    tidy = rulebook.tidied(rules)

    assert (tidy.who, tidy.contact) == ("本县 居民\n自愿", "")
    assert (tidy.tiers[0].name, tidy.tiers[0].item, tidy.sources[0].name) == ("一等奖", "书 包", "drand 1")
    assert rulebook.tidied(tidy) == tidy


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"who": "字" * 1001}, "谁可以参加：最多写 1000 个字。"),
        ({"contact": "a\x00b"}, "投诉和咨询：里面有显示不出来的字符，请重新输入。"),
        ({"contact": "\ud800"}, "投诉和咨询：里面有显示不出来的字符，请重新输入。"),
        ({"published_days": 366}, "公示天数：最多 365。"),
        ({"qualifies": tuple(range(11, 0, -1))}, "进入抽奖的成绩：最多 10。"),
        ({"draw_at": datetime(1, 1, 1, tzinfo=UTC)}, "抽奖时间：年份要在 2020 到 2099 之间。"),
        ({"board_freezes_at": datetime(2100, 1, 1, tzinfo=UTC)}, "封榜时间：年份要在 2020 到 2099 之间。"),
        (
            {"tiers": (Tier(name="一", item="书", number=100_001, value_yuan=0, by="draw"),)},
            "奖项：最多 100,000。",
        ),
        (
            {"sources": (Source(kind="dice", name="字" * 61, at=ROUND.closes_at, bits=1),)},
            "公开号码：最多写 60 个字。",
        ),
    ],
)
def test_what_no_rules_can_hold_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refusal) as refused:
        rulebook.tidied(Rules(round=ROUND, **changes))

    assert refused.value.text == said


def test_moments_and_shares_are_printed_as_in_china() -> None:
    assert rulebook.moment(datetime(2026, 12, 19, 16, 5, tzinfo=UTC)) == "2026年12月20日 00:05"
    assert [rulebook.percent(share) for share in (10000, 8750, 1, 9005)] == [
        "100%",
        "87.5%",
        "0.01%",
        "90.05%",
    ]
