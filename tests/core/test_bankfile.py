"""Items: what is wrong with them, their canonical form, and where the tells are."""

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.bankfile import (
    AUDIENCE_NAMES,
    AUDIENCES,
    CHANNEL_NAMES,
    KIND_NAMES,
    KINDS,
    Explanation,
    Fault,
    Item,
    Option,
    Scene,
    Vocabulary,
    content_hash,
    content_of,
    item_of,
    lint,
    segments,
)

relaxed = settings(deadline=None, database=None)

TODAY = date(2026, 12, 1)
VOCABULARY = Vocabulary(
    topics={"brushing": "刷单返利", "police": "冒充公检法"},
    beliefs={"first_payout_real": "第一笔到账了，后面就是真的"},
)
SCENE = Scene(
    "sms", "1069 开头号码", "点赞一条 5 元，先垫付 100 元，三倍赔付，名额有限。", ("三倍赔付", "名额有限")
)
BRUSHING = Item(
    code="brushing-01",
    kind="single_choice",
    topic="brushing",
    audiences=("junior", "senior"),
    difficulty=2,
    stem="收到这条短信，最稳妥的做法是？",
    options=(
        Option("不理会，把它删除", key=True),
        Option("先垫付 100 元试一试", belief="first_payout_real"),
        Option("转给同学一起做"),
        Option("回复问清楚", pinned=True),
    ),
    explanation=Explanation("先给小利，再骗大钱。", "正规兼职不会要求垫付。", "不垫付，拨打 96110 问一问。"),
    source="反电信网络诈骗法 2022 年第 25 条",
    reviewed_on=date(2026, 11, 15),
    scene=SCENE,
)
RIGHT, WRONG, OTHER, LAST = BRUSHING.options
TRUE_FALSE = replace(BRUSHING, kind="true_false", options=(Option("对"), Option("不对", key=True)))
FULL = replace(
    BRUSHING,
    genuine=True,
    twin="brushing-a",
    region="阳光县",
    valid_until=date(2027, 12, 31),
    scene=replace(SCENE, tells=()),
)

texts = st.text(max_size=8)
items = st.builds(
    Item,
    audiences=st.lists(st.sampled_from(AUDIENCES)).map(tuple),
    options=st.lists(st.builds(Option), max_size=4).map(tuple),
    scene=st.none() | st.builds(Scene, tells=st.lists(texts, max_size=3).map(tuple)),
)


def rules(*of: Item) -> list[tuple[str, str]]:
    return [(fault.rule, fault.severity) for fault in lint(of, VOCABULARY, TODAY)]


def multiple(*options: Option) -> Item:
    return replace(BRUSHING, kind="multiple_choice", options=options)


def with_options(*options: Option) -> Item:
    return replace(BRUSHING, options=options)


def with_scene(**changes: Any) -> Item:
    return replace(BRUSHING, scene=replace(SCENE, **changes))


@pytest.mark.parametrize(
    "item",
    [
        BRUSHING,
        TRUE_FALSE,
        replace(BRUSHING, scene=None),
        replace(BRUSHING, genuine=True, scene=replace(SCENE, tells=())),
        replace(BRUSHING, valid_until=TODAY),
        replace(BRUSHING, difficulty=1),
        replace(BRUSHING, difficulty=3),
        multiple(RIGHT, replace(OTHER, key=True), WRONG, LAST),
        multiple(RIGHT, replace(OTHER, key=True), WRONG, LAST, Option("报告班主任")),
        with_options(RIGHT, WRONG, OTHER),
        with_options(RIGHT, WRONG, OTHER, LAST, Option("报告班主任")),
        with_options(RIGHT, WRONG, OTHER, Option("3.5%"), Option("35%")),
    ],
)
def test_lint_of_a_good_item_is_silent(item: Item):
    assert rules(item) == []


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (with_options(replace(RIGHT, key=False), WRONG, OTHER, LAST), "no-key"),
        (multiple(replace(RIGHT, key=False), WRONG, OTHER, LAST), "no-key"),
        (with_options(RIGHT, WRONG, replace(OTHER, key=True), LAST), "two-keys"),
        (replace(TRUE_FALSE, options=(Option("对", key=True), Option("不对", key=True))), "two-keys"),
        (multiple(RIGHT, WRONG, OTHER, LAST), "one-key"),
        (with_options(RIGHT, WRONG), "option-count"),
        (with_options(RIGHT, *(Option(f"做法 {n}") for n in range(5))), "option-count"),
        (multiple(RIGHT, replace(OTHER, key=True), LAST), "option-count"),
        (multiple(RIGHT, replace(OTHER, key=True), *(Option(f"做法 {n}") for n in range(4))), "option-count"),
        (replace(TRUE_FALSE, options=(*TRUE_FALSE.options, Option("不一定"))), "option-count"),
        (with_options(RIGHT, WRONG, OTHER, replace(OTHER, pinned=True)), "equal-options"),
        (with_options(RIGHT, WRONG, Option("拨打 96110"), Option(" 拨打９６１１０")), "equal-options"),
        (replace(BRUSHING, topic="gift"), "unknown-topic"),
        (replace(BRUSHING, audiences=()), "unknown-audience"),
        (replace(BRUSHING, audiences=("junior", "pupil")), "unknown-audience"),
        (replace(BRUSHING, kind="essay"), "unknown-kind"),
        (replace(BRUSHING, difficulty=0), "unknown-difficulty"),
        (replace(BRUSHING, difficulty=4), "unknown-difficulty"),
        (with_options(RIGHT, replace(WRONG, belief="greed"), OTHER, LAST), "unknown-belief"),
        (with_options(replace(RIGHT, belief="first_payout_real"), WRONG, OTHER, LAST), "belief-on-key"),
        (with_scene(tells=("三倍 赔付",)), "tell-not-in-text"),
        (with_scene(tells=("",)), "tell-not-in-text"),
        (with_scene(text=SCENE.text + " ", tells=(" ",)), "tell-not-in-text"),
        (with_scene(channel="fax"), "unknown-channel"),
        (replace(BRUSHING, genuine=True), "genuine-with-tells"),
        (replace(BRUSHING, code=" "), "empty-text"),
        (replace(BRUSHING, stem=""), "empty-text"),
        (replace(BRUSHING, source="\n"), "empty-text"),
        (replace(BRUSHING, explanation=replace(BRUSHING.explanation, trick="")), "empty-text"),
        (replace(BRUSHING, explanation=replace(BRUSHING.explanation, tell="")), "empty-text"),
        (replace(BRUSHING, explanation=replace(BRUSHING.explanation, action="　")), "empty-text"),
        (with_scene(sender=""), "empty-text"),
        (with_scene(text="", tells=()), "empty-text"),
        (with_options(RIGHT, WRONG, OTHER, Option(" ")), "empty-text"),
        (with_options(RIGHT, WRONG, replace(OTHER, pinned=True), LAST), "pinned-twice"),
    ],
)
def test_lint_finds_an_error(item: Item, rule: str):
    assert rules(item) == [(rule, "error")]


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        (with_options(RIGHT, WRONG, OTHER, Option("以上都对", pinned=True)), "all-of-the-above"),
        (with_options(RIGHT, WRONG, OTHER, Option("以上选项全部正确")), "all-of-the-above"),
        (with_options(RIGHT, WRONG, OTHER, Option("上述说法均不对")), "all-of-the-above"),
        (replace(BRUSHING, valid_until=date(2026, 11, 30)), "expired"),
        (replace(BRUSHING, twin="brushing-a"), "lonely-twin"),
    ],
)
def test_lint_asks_for_a_second_look(item: Item, rule: str):
    assert rules(item) == [(rule, "warning")]


def test_lint_names_the_rule_the_item_and_the_reason():
    faults = lint([replace(BRUSHING, topic="gift")], VOCABULARY, TODAY)

    assert faults == (Fault("unknown-topic", "error", "brushing-01", "主题“gift”不在词表里。"),)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (with_options(RIGHT, WRONG), "单选题要有 3 到 5 个选项，现在是 2 个。"),
        (replace(TRUE_FALSE, options=TRUE_FALSE.options[1:]), "判断题要有 2 个选项，现在是 1 个。"),
    ],
)
def test_lint_says_how_many_options_are_wanted(item: Item, text: str):
    assert [fault.text for fault in lint([item], VOCABULARY, TODAY)] == [text]


def test_lint_finds_every_fault_of_an_item():
    item = replace(with_options(Option("以上都对"), Option("以上都对")), topic="gift", stem=" ")

    assert rules(item) == [
        ("empty-text", "error"),
        ("unknown-topic", "error"),
        ("no-key", "error"),
        ("option-count", "error"),
        ("equal-options", "error"),
        ("all-of-the-above", "warning"),
        ("all-of-the-above", "warning"),
    ]


def test_lint_of_an_unknown_kind_does_not_judge_its_number_of_options():
    assert rules(replace(BRUSHING, kind="essay", options=())) == [
        ("unknown-kind", "error"),
        ("no-key", "error"),
    ]


def test_lint_blames_both_items_of_one_code():
    again = replace(BRUSHING, stem="遇到刷单该怎么办？")

    assert rules(BRUSHING, again) == [("duplicate-code", "error")] * 2


@pytest.mark.parametrize("stem", [BRUSHING.stem, "收到这条短信 最稳妥的做法是?"])
def test_lint_warns_of_stems_that_differ_in_punctuation_only(stem: str):
    again = replace(BRUSHING, code="brushing-02", stem=stem)

    assert rules(BRUSHING, again) == [("duplicate-stem", "warning")] * 2


def test_lint_lets_two_scenes_ask_the_same():
    other_scene = replace(with_scene(text="您的快递丢失，三倍赔付，名额有限。"), code="brushing-02")

    assert rules(BRUSHING, other_scene) == []


def test_lint_is_content_with_two_twins():
    one = replace(BRUSHING, twin="brushing-a")

    assert rules(one, replace(one, code="brushing-02", stem="遇到刷单该怎么办？")) == []


def test_lint_of_an_empty_bank_is_silent():
    assert rules() == []


def test_names_cover_the_slugs_in_their_order():
    assert KINDS == tuple(KIND_NAMES) == ("single_choice", "multiple_choice", "true_false")
    assert tuple(AUDIENCE_NAMES) == AUDIENCES
    assert (len(AUDIENCES), len(CHANNEL_NAMES)) == (12, 8)


def test_content_of_holds_everything_and_nothing_else():
    assert content_of(replace(FULL, options=(RIGHT, WRONG))) == {
        "code": "brushing-01",
        "kind": "single_choice",
        "topic": "brushing",
        "audiences": ["junior", "senior"],
        "difficulty": 2,
        "stem": "收到这条短信，最稳妥的做法是？",
        "options": [
            {"text": "不理会，把它删除", "key": True, "belief": None, "pinned": False},
            {"text": "先垫付 100 元试一试", "key": False, "belief": "first_payout_real", "pinned": False},
        ],
        "explanation": {
            "trick": "先给小利，再骗大钱。",
            "tell": "正规兼职不会要求垫付。",
            "action": "不垫付，拨打 96110 问一问。",
        },
        "source": "反电信网络诈骗法 2022 年第 25 条",
        "reviewed_on": "2026-11-15",
        "scene": {"channel": "sms", "sender": "1069 开头号码", "text": SCENE.text, "tells": []},
        "genuine": True,
        "twin": "brushing-a",
        "region": "阳光县",
        "valid_until": "2027-12-31",
    }


@relaxed
@given(items)
def test_item_of_undoes_content_of_through_json(item: Item):
    content = json.loads(json.dumps(content_of(item)))

    assert item_of(content) == item
    assert content_of(item_of(content)) == content
    assert content_hash(item_of(content)) == content_hash(item)


def test_item_of_fills_in_what_is_optional():
    content = content_of(BRUSHING)
    for name in ("scene", "genuine", "twin", "region", "valid_until"):
        del content[name]

    assert item_of(content) == replace(BRUSHING, scene=None)


def test_item_of_fills_in_the_tells_of_a_scene():
    content = content_of(FULL)
    del content["scene"]["tells"]

    assert item_of(content) == FULL


def test_item_of_without_a_stem_is_an_error():
    content = content_of(BRUSHING)
    del content["stem"]

    with pytest.raises(KeyError, match="stem"):
        item_of(content)


def test_content_hash_never_changes():
    assert content_hash(BRUSHING) == "ee40ea1142790e355ba9c873521ce43416857860395c6eb2903d21f1cc4b1d79"


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "brushing-02"},
        {"kind": "multiple_choice"},
        {"topic": "police"},
        {"audiences": ("senior", "junior")},
        {"difficulty": 3},
        {"stem": "收到这条短信，最稳妥的做法是"},
        {"options": (WRONG, RIGHT, OTHER, LAST)},
        {"options": (RIGHT, replace(WRONG, belief=None), OTHER, LAST)},
        {"explanation": replace(BRUSHING.explanation, tell="名额有限是在催你。")},
        {"source": "教育部 2025"},
        {"reviewed_on": date(2026, 11, 16)},
        {"scene": None},
        {"scene": replace(SCENE, tells=SCENE.tells[:1])},
        {"genuine": True},
        {"twin": "brushing-a"},
        {"region": "阳光县"},
        {"valid_until": date(2027, 1, 1)},
    ],
)
def test_content_hash_changes_with_every_field(changes: dict[str, Any]):
    assert content_hash(replace(BRUSHING, **changes)) != content_hash(BRUSHING)


@pytest.mark.parametrize(
    ("text", "tells", "pieces"),
    [
        ("", [], ()),
        ("", ["甲"], ()),
        ("甲乙丙", [], (("甲乙丙", False),)),
        ("甲乙丙", ["丁", ""], (("甲乙丙", False),)),
        ("甲乙丙", ["乙"], (("甲", False), ("乙", True), ("丙", False))),
        ("甲乙丙", ["甲乙", "乙丙"], (("甲乙丙", True),)),
        ("甲乙丙丁", ["甲乙", "丙"], (("甲乙丙", True), ("丁", False))),
        ("甲乙甲乙丙甲", ["甲"], (("甲", True), ("乙", False), ("甲", True), ("乙丙", False), ("甲", True))),
        ("甲甲甲乙", ["甲甲"], (("甲甲甲", True), ("乙", False))),
        ("甲\n乙", ["甲\n"], (("甲\n", True), ("乙", False))),
        ("<b>", ["<"], (("<", True), ("b>", False))),
    ],
)
def test_segments_mark_every_tell(text: str, tells: list[str], pieces: tuple[tuple[str, bool], ...]):
    assert segments(text, tells) == pieces


@relaxed
@given(st.text("甲乙丙", max_size=20), st.lists(st.text("甲乙丙", max_size=4), max_size=4))
def test_segments_join_to_the_text_and_mark_just_what_a_tell_covers(text: str, tells: list[str]):
    starts = [(tell, start) for tell in tells for start in range(len(text))]

    pieces = segments(text, tells)

    covered = [
        any(text.startswith(tell, start) and start <= place < start + len(tell) for tell, start in starts)
        for place in range(len(text))
    ]
    assert "".join(piece for piece, _ in pieces) == text
    assert [marked for piece, marked in pieces for _ in piece] == covered
    assert all(left != right for (_, left), (_, right) in pairwise(pieces))
