"""Items: what is wrong with them, their canonical form, and where the tells are."""

import json
from dataclasses import replace
from datetime import date
from itertools import pairwise, product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.bankfile import (
    AUDIENCE_NAMES,
    AUDIENCES,
    CHANNEL_NAMES,
    CLEARLY,
    KIND_NAMES,
    KINDS,
    Explanation,
    Fault,
    Item,
    Option,
    Scene,
    Vocabulary,
    at_least,
    content_hash,
    content_of,
    item_of,
    lint,
    longest,
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


def explained(**changes: str) -> Item:
    return replace(BRUSHING, explanation=replace(BRUSHING.explanation, **changes))


def beside(text: str, *, key: bool) -> tuple[Option, ...]:
    """An option among others of its length."""
    others = [Option("做" * (len(text) - 2) + f"{n:02}") for n in range(2)]
    return (Option(text, key=key), replace(others[0], key=not key), others[1])


def guessable(number: int, *, key_is_longest: bool) -> Item:
    """One of many items with three options, one of which is the longest."""
    options = (
        Option("挂断以后告诉家长", key=key_is_longest),
        Option("先转给他", key=not key_is_longest),
        Option("回电话问"),
    )
    return replace(BRUSHING, code=f"b-{number}", stem="问" * (number + 5), options=options)


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
        with_options(Option("3.5%", key=True), Option("35%"), Option("350%")),
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
        (with_options(RIGHT), "option-count"),
        (with_options(RIGHT, *(Option(f"这样做 {n}") for n in range(8))), "option-count"),
        (multiple(RIGHT, replace(OTHER, key=True)), "option-count"),
        (
            multiple(RIGHT, replace(OTHER, key=True), *(Option(f"这样做 {n}") for n in range(7))),
            "option-count",
        ),
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
        *(
            (replace(BRUSHING, code=code), "reserved-code")
            for code in ("new", "import", "review", "export", "usage")
        ),
        (replace(BRUSHING, stem=""), "empty-text"),
        (replace(BRUSHING, source="\n"), "no-source"),
        (replace(BRUSHING, explanation=Explanation("", "　", "\n")), "no-explanation"),
        (replace(BRUSHING, scene=None, genuine=True), "genuine-without-scene"),
        (replace(BRUSHING, stem="收到这条短信，\u200b怎么做？"), "control-character"),
        (with_scene(sender="1069\x07"), "control-character"),
        (explained(action="不垫付。\ufffd"), "control-character"),
        (with_options(RIGHT, WRONG, OTHER, Option("回复\ue000问清楚")), "control-character"),
        (with_options(RIGHT, WRONG, OTHER, Option("回复\ud800问清楚")), "control-character"),
        (replace(BRUSHING, audiences=("senior",), stem="去博彩网站，怎么办？"), "unfit-for-minors"),
        (with_scene(text="先约 炮，三倍赔付，名额有限。"), "unfit-for-minors"),
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
        (with_options(RIGHT, WRONG), "unusual-option-count"),
        (with_options(RIGHT, *(Option(f"这样做 {n}") for n in range(5))), "unusual-option-count"),
        (multiple(RIGHT, replace(OTHER, key=True), LAST), "unusual-option-count"),
        (explained(trick=""), "thin-explanation"),
        (explained(tell=" ", action=""), "thin-explanation"),
        (with_scene(tells=()), "no-tells"),
        (replace(BRUSHING, reviewed_on=date(2026, 12, 2)), "reviewed-in-future"),
        (replace(BRUSHING, stem="2023 年有多少人遇到？约 3 万。"), "undated-figure"),
        (explained(trick="２０２３年占８０％。"), "undated-figure"),
        (replace(BRUSHING, audiences=("primary_lower",), stem="问" * 41), "long-for-children"),
        (replace(BRUSHING, audiences=("primary_upper", "junior"), options=beside("问" * 16, key=True)),
         "long-for-children"),
        (with_options(RIGHT, WRONG, OTHER, Option("转")), "uneven-options"),
        (with_options(RIGHT, WRONG, OTHER, Option("Ａ．回复问清楚")), "letter-first"),
        (with_options(RIGHT, WRONG, OTHER, Option("（b）回复问清楚")), "letter-first"),
        (with_options(RIGHT, WRONG, OTHER, Option("C、回复问清楚")), "letter-first"),
        (with_options(RIGHT, WRONG, OTHER, Option("A 和 C 都对")), "letter-named"),
        (explained(tell="选项 B 是骗子的话。"), "letter-named"),
        (explained(tell="B 项是骗子的话。"), "letter-named"),
        (explained(action="答案是 D，不垫付。"), "letter-named"),
        (replace(TRUE_FALSE, stem="这条短信不是不能信，对吗？"), "double-negation"),
        (with_scene(text="点 https://t.xx 领取，三倍赔付，名额有限。"), "live-address"),
        (with_scene(text="点 ＷＷＷ．t 领取，三倍赔付，名额有限。"), "live-address"),
        (with_scene(text="上 fanli.top 领取，三倍赔付，名额有限。"), "live-address"),
        (with_scene(sender="kefu@t"), "live-address"),
        (with_scene(text="打 138 0013 8000，三倍赔付，名额有限。"), "personal-number"),
        (with_scene(text="打 0755-83210000，三倍赔付，名额有限。"), "personal-number"),
        (with_scene(text="卡号 6222020000000000000，三倍赔付，名额有限。"), "personal-number"),
        (with_scene(text="证号 11010119900101001x，三倍赔付，名额有限。"), "personal-number"),
    ],
)  # fmt: skip
def test_lint_asks_for_a_second_look(item: Item, rule: str):
    assert rules(item) == [(rule, "warning")]


@pytest.mark.parametrize(
    "item",
    [
        with_options(RIGHT, WRONG, OTHER, Option("A.I. 合成的声音")),
        with_options(RIGHT, WRONG, OTHER, Option("3.5 元一单")),
        with_options(RIGHT, WRONG, OTHER, Option("回短信\n问清楚")),
        with_options(RIGHT, WRONG, OTHER, Option("打 96110 问问")),
        replace(BRUSHING, stem="加入 A 项目以后，对方说什么最可疑？"),
        replace(BRUSHING, stem="扫 Wi-Fi 旁的码 👨‍👩‍👧，最稳妥的做法是？"),
        replace(BRUSHING, stem="不是不可以，这样说可信吗？"),
        replace(BRUSHING, stem="2023 年有多少人遇到？约 3 万。", valid_until=date(2027, 12, 31)),
        replace(BRUSHING, stem="请在 2026 年 12 月前报名，这条能信吗？"),
        replace(BRUSHING, stem="转账 3 万元，下一步做什么？"),
        replace(BRUSHING, audiences=("university",), stem="去博彩网站，怎么办？"),
        replace(BRUSHING, stem="看到“跳楼价”的衣服，怎么做？"),
        replace(BRUSHING, stem="问" * 41),
        replace(BRUSHING, audiences=("primary_upper",), stem="问" * 40, options=beside("问" * 15, key=True)),
        replace(BRUSHING, reviewed_on=TODAY),
        with_scene(text="点链接 t.xx/a，打 138****8000 或 010-12321，10699000 回复，三倍赔付，名额有限。"),
        with_scene(text="订单 202611210001234，三倍赔付，名额有限。"),
        with_scene(text="@全体成员 三倍赔付，名额有限。"),
    ],
)  # fmt: skip
def test_lint_is_silent_about_what_only_looks_like_a_fault(item: Item):
    assert rules(item) == []


@pytest.mark.parametrize(
    "claim",
    [
        "被骗后第一时间打 96110 就能紧急止付。",
        "帮信罪最高七年。",
        "帮助信息网络犯罪活动罪最高可判 7 年。",
        "故意输错骗子的密码三次，卡就锁了。",
        "卖卡的人五年内不得开新户。",
        "请他捏住鼻子，就能识破换脸。",
        "挥手一定能看出真假。",
        "有 HTTPS 和小锁头就安全。",
        "收益截图可以证明是真的。",
        "00 开头的电话一律是诈骗。",
        "+ 开头的来电都是诈骗。",
        "领导要求汇款都是诈骗。",
        "２，０００元以下不立案。",
        "两千元以下的案子不予立案。",
        "刷单 100% 违法。",
        "96110 来电永远显示公安部反诈中心。",
        "它的识别率高达 98.7%。",
    ],
)
def test_lint_refuses_a_statement_in_dispute_where_the_item_stands_for_it(claim: str):
    wrong_option = with_options(*beside(claim, key=False))
    judged_wrong = replace(TRUE_FALSE, stem=claim)
    quoted = with_scene(text=f"{claim}三倍赔付，名额有限。")
    judged_right = replace(judged_wrong, options=(Option("对", key=True), Option("不对")))
    right_option = with_options(*beside(claim, key=True))

    assert [rules(item) for item in (wrong_option, judged_wrong, quoted, explained(trick=claim))] == [[]] * 4
    for item in (
        judged_right,
        right_option,
        replace(BRUSHING, stem=claim),
        explained(tell=claim),
        explained(action=claim),
    ):
        assert rules(item) == [("disputed-claim", "error")]


@pytest.mark.parametrize(
    "claim",
    [
        "马上打 110，请求止付，也可以打 96110 咨询。",
        "96110 来电要接；真被骗了，停止付款，打 110。",
        "先打 96110 咨询，停止付款。",
        "帮信罪最高不是七年，是三年。",
        "掩饰、隐瞒犯罪所得罪情节严重的，三到七年。",
        "密码输错几次，卡会锁住。",
        "卖卡的人两年内不得开新户。",
        "十五年内不得开户。",
        "捏鼻子不一定能识破换脸。",
        "https 也不一定安全。",
        "收益截图不能证明什么。",
        "00 开头的电话不都是诈骗，核实后再接。",
        "领导要求汇款，很可能是诈骗。",
        "2000 元以下也有处罚。",
        "刷单不是百分之百违法，但垫资刷单是骗局。",
        "96110 来电不一定显示公安部反诈中心。",
    ],
)
def test_lint_lets_the_truth_about_a_disputed_statement_pass(claim: str):
    assert rules(replace(BRUSHING, stem=claim)) == []


def test_lint_warns_of_a_bank_whose_keys_are_the_longest_options():
    bank = [guessable(n, key_is_longest=True) for n in range(6)]

    assert at_least(4, [3] * 4) > CLEARLY > at_least(5, [3] * 5)
    assert rules(*bank[:4]) == []
    assert rules(*bank) == [("key-longest", "warning")] * 6
    assert "6 道单选题里有 6 道" in lint(bank, VOCABULARY, TODAY)[0].text


def test_lint_blames_only_the_items_whose_key_is_the_longest():
    bank = [guessable(n, key_is_longest=n != 3) for n in range(9)]

    assert [fault.item for fault in lint(bank, VOCABULARY, TODAY)] == [f"b-{n}" for n in range(9) if n != 3]


def test_lint_does_not_mind_the_longest_key_of_multiple_choice():
    bank = [guessable(n, key_is_longest=True) for n in range(6)]
    several = [
        replace(one, kind="multiple_choice", options=(*one.options, Option("告诉班上的老师", key=True)))
        for one in bank
    ]

    assert rules(*several) == []


def test_lint_warns_of_twins_that_differ_in_a_number_only():
    one = replace(BRUSHING, twin="brushing-a", stem="先付 5 元，怎么做？")

    assert (
        rules(one, replace(one, code="brushing-02", stem="先付 500 元，怎么做？"))
        == [("equal-twins", "warning")] * 2
    )
    assert rules(one, replace(one, code="brushing-02")) == [("equal-twins", "warning")] * 2


def test_lint_lets_items_that_are_no_twins_differ_in_a_number_only():
    one = replace(BRUSHING, stem="先付 5 元，怎么做？")

    assert rules(one, replace(one, code="brushing-02", stem="先付 500 元，怎么做？")) == []


@relaxed
@given(st.lists(items, max_size=4))
def test_lint_judges_anything_and_names_items_it_was_given(bank: list[Item]):
    faults = lint(bank, VOCABULARY, TODAY)

    assert {fault.item for fault in faults} <= {item.code for item in bank}
    assert all(fault.text.endswith(("。", "？")) for fault in faults)


def test_lint_of_an_endless_line_ends():
    for endless in ("1" * 100_000, "a" * 100_000, "A和" * 50_000, "96110" * 20_000, " " * 100_000 + "问"):
        assert lint([replace(BRUSHING, stem=endless)], VOCABULARY, TODAY) is not None


@pytest.mark.parametrize(
    ("words", "place", "shortest_place"),
    [
        (("报警", "告诉家长", "转钱"), 1, None),
        (("告诉家长", "转给家长", "转"), None, 2),
        (("打 110 问", "打电话问"), 0, 1),
        (("打 9611", "打电话"), 0, 1),
        (("“对”", "不对"), 0, 1),
        (("报警",), None, None),
        ((), None, None),
    ],
)
def test_longest_is_what_the_eye_finds(words: tuple[str, ...], place: int | None, shortest_place: int | None):
    item = with_options(*map(Option, words))

    assert (longest(item), longest(item, shortest=True)) == (place, shortest_place)


@pytest.mark.parametrize(
    ("hits", "odds", "probability"),
    [
        (0, [], 1.0),
        (1, [], 0.0),
        (1, [4], 0.25),
        (2, [4, 2], 0.125),
        (1, [4, 2], 0.625),
        (3, [4] * 5, 0.103515625),
    ],
)
def test_at_least_is_exact(hits: int, odds: list[int], probability: float):
    assert at_least(hits, odds) == pytest.approx(probability, abs=1e-12)


@relaxed
@given(st.lists(st.integers(1, 8), max_size=8), st.integers(0, 9))
def test_at_least_agrees_with_counting_every_outcome(odds: list[int], hits: int):
    chance = sum(
        prod(1 / n if hit else 1 - 1 / n for hit, n in zip(outcome, odds, strict=True))
        for outcome in product((True, False), repeat=len(odds))
        if sum(outcome) >= hits
    )

    assert at_least(hits, odds) == pytest.approx(chance, abs=1e-9)


def test_lint_names_the_rule_the_item_and_the_reason():
    faults = lint([replace(BRUSHING, topic="gift")], VOCABULARY, TODAY)

    assert faults == (Fault("unknown-topic", "error", "brushing-01", "主题“gift”不在词表里。"),)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (with_options(RIGHT), "单选题要有 2 到 8 个选项，现在是 1 个。"),
        (with_options(RIGHT, WRONG), "单选题最好有 3 到 5 个选项，现在是 2 个。"),
        (explained(trick="", action=""), "解析里骗术、应对没有写。"),
        (replace(BRUSHING, code="new"), "题号“new”是网页地址里的词，请换一个，例如“new-01”。"),
        (with_options(RIGHT, WRONG, OTHER, Option("回复\u200b问清楚")),
         "文字里有看不见或坏掉的字符（U+200B），请删掉后重新输入。"),
        (replace(BRUSHING, stem="自杀、博彩怎么办？"), "“博彩、自杀”不适合未成年人，请换一种说法。"),
        (replace(TRUE_FALSE, options=TRUE_FALSE.options[1:]), "判断题要有 2 个选项，现在是 1 个。"),
    ],
)  # fmt: skip
def test_lint_says_what_to_do(item: Item, text: str):
    assert [fault.text for fault in lint([item], VOCABULARY, TODAY)] == [text]


@pytest.mark.parametrize("code", ["new-01", "news", "re-export", "preview"])
def test_lint_lets_codes_pass_that_are_no_page_of_a_bank(code: str):
    assert rules(replace(BRUSHING, code=code)) == []


def test_lint_finds_every_fault_of_an_item():
    item = replace(with_options(Option("以上都对"), Option("以上都对")), topic="gift", stem=" ")

    assert rules(item) == [
        ("empty-text", "error"),
        ("unknown-topic", "error"),
        ("no-key", "error"),
        ("unusual-option-count", "warning"),
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
