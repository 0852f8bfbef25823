"""Questions on their way in and out: what a file says becomes an item, and what it does not say stays."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.bankfile import Explanation, Item, Option, Scene, Vocabulary
from quizsvc.core.exchange import (
    Choice,
    Defaults,
    Draft,
    Reading,
    Rejected,
    choices_of,
    draft_of,
    explanation_text,
    losses,
    scene_and_stem,
    tags_of,
    take,
    truth,
)
from tests.formats import strategies

relaxed = settings(deadline=None, database=None, max_examples=25)

VOCABULARY = Vocabulary(
    topics={"brushing": "刷单返利", "police": "冒充公检法"},
    beliefs={"first_payout_real": "第一笔到账了，后面就是真的", "small_try_ok": "先付一点，不会有事"},
)
DEFAULTS = Defaults("police", ("senior",), 2, "导入的文件", date(2026, 12, 1))
SCENE = Scene("sms", "1069 开头号码", "先垫付 100 元，\n三倍赔付。", ("三倍赔付",))
ITEM = Item(
    code="brushing-01",
    kind="single_choice",
    topic="brushing",
    audiences=("junior", "parent"),
    difficulty=3,
    stem="怎么做？",
    options=(
        Option("不理会", key=True),
        Option("先垫付试一试", belief="first_payout_real"),
        Option("以上都不做", pinned=True),
    ),
    explanation=Explanation("先给小利。", "要垫付。", "报警。"),
    source="反电信网络诈骗法第 25 条",
    reviewed_on=date(2026, 11, 15),
    scene=SCENE,
    twin="brushing-a",
    region="阳光县",
    valid_until=date(2027, 12, 31),
)
CHOICES = (Choice("不理会", key=True), Choice("转账"), Choice("转发"))
DRAFT = Draft("第 1 行", "收到中奖短信怎么办？", CHOICES)


def reading(*drafts: Draft) -> Reading:
    return Reading("纯文本", drafts)


def taken(*drafts: Draft, known: tuple[Item, ...] = ()) -> list[Item]:
    """The items of drafts all of which can be taken."""
    items, rejected = take(reading(*drafts), {item.code: item for item in known}, DEFAULTS, VOCABULARY)
    assert rejected == ()
    return [one.item for one in items]


def reasons(*drafts: Draft) -> list[tuple[str, str]]:
    _, rejected = take(reading(*drafts), {}, DEFAULTS, VOCABULARY)
    return [(one.place, one.reason) for one in rejected]


def notes(draft: Draft, *, known: tuple[Item, ...] = ()) -> tuple[str, ...]:
    """What is told of a draft that can be taken."""
    ((one,), _) = take(reading(draft), {item.code: item for item in known}, DEFAULTS, VOCABULARY)
    return one.notes


def bare(item: Item, **changes: Any) -> Draft:
    """What a file says of an item that knows stem, options and key only."""
    choices = tuple(Choice(option.text, option.key) for option in item.options)
    return replace(Draft("第 9 行", scene_and_stem(item), choices), **changes)


# --- written forms


def test_whole_item_is_written_in_words_and_tags() -> None:
    draft = draft_of(ITEM, VOCABULARY, "items/1.xml")

    assert draft == Draft(
        place="items/1.xml",
        stem="【短信】1069 开头号码\n先垫付 100 元，\n三倍赔付。\n【问题】怎么做？",
        choices=(
            Choice("不理会", key=True),
            Choice("先垫付试一试", note="第一笔到账了，后面就是真的"),
            Choice("以上都不做"),
        ),
        code="brushing-01",
        kind="single_choice",
        explanation="骗术：先给小利。\n破绽：要垫付。\n应对：报警。",
        tags=(
            *("topic:brushing", "kind:single_choice", "audience:junior", "audience:parent", "difficulty:3"),
            *("source:反电信网络诈骗法第 25 条", "reviewed:2026-11-15", "valid-until:2027-12-31"),
            *("twin:brushing-a", "region:阳光县", "tell:三倍赔付", "pinned:3"),
        ),
    )


def test_plain_item_is_written_without_the_tags_it_does_not_need() -> None:
    item = replace(
        ITEM, scene=None, twin=None, region=None, valid_until=None, options=(Option("一"), Option("二"))
    )

    assert scene_and_stem(item) == "怎么做？"
    assert [tag.partition(":")[0] for tag in tags_of(item)] == [
        *("topic", "kind", "audience", "audience", "difficulty", "source", "reviewed")
    ]


def test_genuine_message_is_written_as_a_flag() -> None:
    assert "genuine" in tags_of(replace(ITEM, genuine=True, scene=replace(SCENE, tells=())))


def test_belief_and_channel_without_a_name_are_written_as_they_are() -> None:
    item = replace(ITEM, options=(Option("转账", belief="unknown"),), scene=replace(SCENE, channel="fax"))

    assert choices_of(item, VOCABULARY) == (Choice("转账", note="unknown"),)
    assert scene_and_stem(item).startswith("【fax】")


def test_lines_that_say_nothing_are_not_written() -> None:
    assert explanation_text(Explanation("", "要垫付。", "")) == "破绽：要垫付。"


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("对", True),
        (" √ ", True),
        ("正确。", True),
        ("ＴＲＵＥ", True),
        ("V", True),
        ("错误", False),
        ("×", False),
        ("F", False),
        ("A", None),
        ("", None),
        ("对不起", None),
    ],
)
def test_words_for_right_and_wrong(word: str, meaning: bool | None) -> None:
    assert truth(word) is meaning


# --- there and back


@given(item=strategies.items(), drop=st.sampled_from(("", "source", "explanation", "both")))
@relaxed
def test_item_that_is_written_and_taken_is_the_same(item: Item, drop: str) -> None:
    if drop in ("source", "both"):
        item = replace(item, source="")
    if drop in ("explanation", "both"):
        item = replace(item, explanation=Explanation("", "", ""))
    draft = draft_of(item, strategies.VOCABULARY)
    others = {item.code: replace(ITEM, code=item.code)}

    for known in ({}, others):
        items, rejected = take(reading(draft), known, strategies.DEFAULTS, strategies.VOCABULARY)
        assert ([(one.item, one.notes) for one in items], rejected) == ([(item, ())], ())


@given(items=st.lists(strategies.items(), max_size=4), later=st.dates())
@relaxed
def test_the_same_file_again_changes_nothing(items: list[Item], later: date) -> None:
    drafts = [bare(item, explanation=explanation_text(item.explanation)) for item in items]
    first, _ = take(reading(*drafts), {}, strategies.DEFAULTS, strategies.VOCABULARY)
    known = {one.item.code: one.item for one in first}

    again, _ = take(reading(*drafts), known, replace(strategies.DEFAULTS, day=later), strategies.VOCABULARY)

    assert again == first


@pytest.mark.parametrize(
    "item",
    [
        replace(ITEM, scene=replace(SCENE, text="一\n【问题】二")),
        replace(ITEM, scene=replace(SCENE, sender="一\n二")),
        replace(ITEM, scene=None, stem="【短信】一\n二\n【问题】三"),
        replace(ITEM, explanation=Explanation("一\n应对：二", "三", "四")),
        replace(ITEM, explanation=Explanation("一", " 二", "三")),
        replace(ITEM, audiences=("junior", "junior")),
        replace(ITEM, twin=""),
        replace(ITEM, region=""),
    ],
)
def test_what_the_written_forms_cannot_carry_is_told(item: Item) -> None:
    items, _ = take(reading(draft_of(item, VOCABULARY)), {}, DEFAULTS, VOCABULARY)

    assert len(losses(item)) == 1
    assert items[0].item != item


def test_nothing_is_lost_of_an_ordinary_item() -> None:
    assert losses(ITEM) == losses(replace(ITEM, scene=None)) == ()


# --- new items


def test_new_item_gets_the_defaults_and_a_code_made_from_what_it_asks() -> None:
    (item,) = taken(DRAFT)

    assert item == Item(
        code="q-7211c9b67c69",
        kind="single_choice",
        topic="police",
        audiences=("senior",),
        difficulty=2,
        stem="收到中奖短信怎么办？",
        options=(Option("不理会", key=True), Option("转账"), Option("转发")),
        explanation=Explanation("", "", ""),
        source="导入的文件",
        reviewed_on=date(2026, 12, 1),
    )


@pytest.mark.parametrize("stem", ["收到 中奖短信怎么办？", "收到中奖短信怎么办?", "收到中奖\n短信怎么办？"])
def test_width_and_white_space_make_no_other_code(stem: str) -> None:
    assert taken(replace(DRAFT, stem=stem))[0].code == taken(DRAFT)[0].code


def test_code_the_file_gives_is_kept_if_it_is_one() -> None:
    given_, not_one = taken(replace(DRAFT, code="prize-1"), replace(DRAFT, stem="别的？", code="Prize 1"))

    assert given_.code == "prize-1"
    assert not_one.code.startswith("q-")


def test_two_that_ask_the_same_with_other_choices_are_two() -> None:
    other = replace(DRAFT, choices=(Choice("报警", key=True), Choice("转账")))
    first, second = taken(DRAFT, other)

    assert first.code != second.code
    assert {first.code, second.code}.isdisjoint({taken(DRAFT)[0].code})


@pytest.mark.parametrize(
    ("choices", "kind"),
    [
        ((Choice("对", key=True), Choice("错")), "true_false"),
        ((Choice("错误"), Choice("正确", key=True)), "true_false"),
        ((Choice("对", key=True), Choice("转账")), "single_choice"),
        ((Choice("对", key=True), Choice("错"), Choice("不知道")), "single_choice"),
        ((Choice("一", key=True), Choice("二", key=True), Choice("三")), "multiple_choice"),
    ],
)
def test_choices_decide_the_kind_when_the_file_does_not(choices: tuple[Choice, ...], kind: str) -> None:
    assert taken(replace(DRAFT, choices=choices))[0].kind == kind


def test_kind_of_the_file_counts_and_its_tag_more() -> None:
    assert taken(replace(DRAFT, kind="multiple_choice"))[0].kind == "multiple_choice"
    assert taken(replace(DRAFT, kind="multiple_choice", tags=("kind:true_false",)))[0].kind == "true_false"


@pytest.mark.parametrize("word", ["brushing", "刷单返利", " 刷单 返利"])
def test_topic_is_known_by_slug_and_name(word: str) -> None:
    assert taken(replace(DRAFT, tags=(f"topic:{word}",)))[0].topic == "brushing"


def test_tags_in_words_are_understood_and_others_left_alone() -> None:
    tags = (
        "difficulty:较难",
        "audience:家长",
        "audience:parent",
        "audience:火星人",
        "chapter:3",
        "反诈",
        "pinned:2",
    )
    (item,) = taken(replace(DRAFT, tags=tags))

    assert (item.difficulty, item.audiences) == (3, ("parent",))
    assert [option.pinned for option in item.options] == [False, True, False]


def test_tags_that_mean_nothing_give_the_defaults() -> None:
    tags = ("topic:钓鱼", "difficulty:9", "audience:火星人", "reviewed:昨天", "valid-until:2027-02-30")
    (item,) = taken(replace(DRAFT, tags=tags))

    assert item == taken(DRAFT)[0]


def test_notes_of_wrong_choices_become_beliefs_when_they_are_some() -> None:
    choices = (
        Choice("不理会", key=True, note="第一笔到账了，后面就是真的"),
        Choice("转账", note="第一笔到账了, 后面就是真的"),
        Choice("试试", note="small_try_ok"),
        Choice("转发", note="再想想"),
    )
    (item,) = taken(replace(DRAFT, choices=choices))

    assert [option.belief for option in item.options] == [None, "first_payout_real", "small_try_ok", None]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tags": ("topic:钓鱼",)}, ("不认识的主题“钓鱼”，用了“冒充公检法”。",)),
        ({"tags": ("difficulty:9",)}, ("不认识的难度“9”，用了“中等”。",)),
        ({"tags": ("audience:火星人", "audience:", "audience:水手")}, ("不认识的人群“火星人、水手”，用了“高中”。",)),
        ({"tags": ("audience:火星人", "audience:家长", "audience:staff")},
         ("不认识的人群“火星人”，用了“家长、教职工”。",)),
        ({"tags": (f"topic:{'长' * 99}",)}, (f"不认识的主题“{'长' * 40}…”，用了“冒充公检法”。",)),
        ({"tags": (*("audience:x" for _ in range(99)), "topic: ", "difficulty: ")},
         ("不认识的人群“x”，用了“高中”。",)),
        ({"tags": ("topic:刷单 返利", "audience:家长", "difficulty:较难", "chapter:3", "反诈")}, ()),
        ({"tags": ("topic:", "audience:", "difficulty:")}, ()),
        ({"tags": ("difficulty:难", "topic:x")},
         ("不认识的主题“x”，用了“冒充公检法”。", "不认识的难度“难”，用了“中等”。")),
    ],
)  # fmt: skip
def test_word_of_a_tag_that_nobody_knows_is_told(changes: dict[str, Any], told: tuple[str, ...]) -> None:
    assert notes(replace(DRAFT, **changes)) == told


def test_word_nobody_knows_leaves_a_known_item_alone_and_is_told() -> None:
    draft = bare(ITEM, tags=("topic:钓鱼", "difficulty:9", "audience:火星人"))

    assert taken(draft, known=(ITEM,)) == [ITEM]
    assert notes(draft, known=(ITEM,)) == (
        "不认识的主题“钓鱼”，用了“刷单返利”。",
        "不认识的人群“火星人”，用了“初中、家长”。",
        "不认识的难度“9”，用了“较难”。",
    )


def test_word_of_an_item_that_is_in_no_list_is_told_as_it_is() -> None:
    odd = replace(ITEM, topic="old", audiences=("primary",), difficulty=7)

    assert notes(bare(odd, tags=("topic:x", "audience:x", "difficulty:x")), known=(odd,)) == (
        "不认识的主题“x”，用了“old”。",
        "不认识的人群“x”，用了“primary”。",
        "不认识的难度“x”，用了“7”。",
    )


FEEDBACK = ("选项的反馈没有导入。",)


@pytest.mark.parametrize(
    ("right", "wrong", "explanation", "told"),
    [
        ("", "再想想", "", FEEDBACK),
        ("说得对", "", "", FEEDBACK),
        ("", " ", "", ()),
        ("", "small_try_ok", "", ()),
        ("", "先付一点， 不会有事", "", ()),
        ("small_try_ok", "", "", FEEDBACK),
        ("说得对", "", "说得对", ()),
        ("说得\n对", "", "要垫付。\n对\n说 得", ()),
        ("说得对", "再想想", "说得对", FEEDBACK),
    ],
)
def test_feedback_that_is_no_belief_and_not_in_the_explanation_is_told(
    right: str, wrong: str, explanation: str, told: tuple[str, ...]
) -> None:
    choices = (Choice("不理会", key=True, note=right), Choice("转账", note=wrong), Choice("转发", note=wrong))

    assert notes(replace(DRAFT, choices=choices, explanation=explanation)) == told


def test_feedback_is_told_beside_the_belief_a_known_option_keeps() -> None:
    first, second, third = ITEM.options
    own = replace(ITEM, options=(first, replace(second, belief="unknown"), third))

    assert notes(draft_of(ITEM, VOCABULARY), known=(ITEM,)) == ()
    assert notes(bare(own, choices=choices_of(own, VOCABULARY)), known=(own,)) == ()
    assert (
        notes(bare(own, choices=(*CHOICES[:1], Choice(second.text, note="再想想"))), known=(own,)) == FEEDBACK
    )


@pytest.mark.parametrize(
    ("text", "explanation"),
    [
        ("要垫付。", Explanation("", "要垫付。", "")),
        (
            "先看。\n骗术：给小利。\n再骗。\n破绽：垫付。",
            Explanation("给小利。\n再骗。", "先看。\n垫付。", ""),
        ),
        ("应对：报警。", Explanation("", "", "报警。")),
        ("骗术：给小利。破绽：要垫付。应对：报警。", Explanation("给小利。", "要垫付。", "报警。")),
        ("他说“应对：快转账”，不要信。", Explanation("", "他说“应对：快转账”，不要信。", "")),
    ],
)
def test_explanation_without_headings_is_what_gives_it_away(text: str, explanation: Explanation) -> None:
    assert taken(replace(DRAFT, explanation=text))[0].explanation == explanation


def test_message_of_no_known_channel_is_part_of_the_stem() -> None:
    (item,) = taken(replace(DRAFT, stem="【电报】甲\n乙\n【问题】丙"))

    assert (item.scene, item.stem) == (None, "【电报】甲\n乙\n【问题】丙")


# --- what cannot be taken


def test_drafts_that_cannot_become_an_item_say_why() -> None:
    rejected = reasons(
        replace(DRAFT, place="第 1 行", choices=CHOICES[:1]),
        replace(DRAFT, place="第 2 行", stem="二", choices=CHOICES[1:]),
        replace(DRAFT, place="第 3 行", stem=" "),
        replace(DRAFT, place="第 4 行", stem="【短信】甲\n乙\n【问题】 "),
    )

    assert rejected == [
        ("第 1 行", "选项少于两个。选项请写成“A. 文字”，一行一个。"),
        ("第 2 行", "没有标出正确答案。请加一行“答案：A”。"),
        ("第 3 行", "没有题干。"),
        ("第 4 行", "没有题干。"),
    ]


def test_the_same_question_twice_is_taken_once() -> None:
    items, rejected = take(reading(DRAFT, replace(DRAFT, place="第 7 行")), {}, DEFAULTS, VOCABULARY)

    assert [one.draft for one in items] == [DRAFT]
    assert rejected == (Rejected("第 7 行", "收到中奖短信怎么办？", "和第 1 行是同一道题，请删去一道。"),)


def test_good_one_after_a_bad_one_with_its_code_is_taken() -> None:
    bad = replace(DRAFT, code="prize", choices=())
    good = replace(DRAFT, code="prize", place="第 7 行")
    items, rejected = take(reading(bad, good), {}, DEFAULTS, VOCABULARY)

    assert [one.draft for one in items] == [good]
    assert [one.place for one in rejected] == ["第 1 行"]


def test_what_the_reader_rejected_stays_rejected() -> None:
    before = Rejected("第 3 行", "作文", "只能导入选择题。")
    _, rejected = take(Reading("纯文本", (), (before,)), {}, DEFAULTS, VOCABULARY)

    assert rejected == (before,)


# --- known items


@pytest.mark.parametrize("code", ["", "brushing-01"])
def test_what_a_file_does_not_say_of_a_known_item_stays(code: str) -> None:
    assert taken(bare(ITEM, code=code), known=(ITEM,)) == [ITEM]


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"tags": ("topic:police",)}, replace(ITEM, topic="police")),
        ({"tags": ("topic:police", "difficulty:1")}, replace(ITEM, topic="police", difficulty=1)),
        ({"tags": ("audience:staff",)}, replace(ITEM, audiences=("staff",))),
        (
            {"tags": ("source:校刊", "reviewed:2026-12-24")},
            replace(ITEM, source="校刊", reviewed_on=date(2026, 12, 24)),
        ),
        ({"tags": ("twin:b", "region:月亮县")}, replace(ITEM, twin="b", region="月亮县")),
        ({"tags": ("valid-until:2030-01-01",)}, replace(ITEM, valid_until=date(2030, 1, 1))),
        ({"tags": ("tell:垫付",)}, replace(ITEM, scene=replace(SCENE, tells=("垫付",)))),
        ({"explanation": "破绽：新的。"}, replace(ITEM, explanation=Explanation("", "新的。", ""))),
    ],
)
def test_what_a_file_says_of_a_known_item_counts(changes: dict[str, Any], item: Item) -> None:
    assert taken(bare(ITEM, **changes), known=(ITEM,)) == [item]


def test_file_written_by_us_takes_away_what_it_does_not_name() -> None:
    plain = replace(
        ITEM,
        scene=replace(SCENE, tells=()),
        twin=None,
        region=None,
        valid_until=None,
        options=tuple(replace(option, belief=None, pinned=False) for option in ITEM.options),
        explanation=Explanation("", "", ""),
        source="",
    )

    assert taken(draft_of(plain, VOCABULARY), known=(ITEM,)) == [plain]


def test_choices_of_a_known_item_may_change() -> None:
    choices = (Choice("先垫付试一试", key=True), Choice("不理会"), Choice("以上都不做"), Choice("转发"))
    (item,) = taken(bare(ITEM, choices=choices, tags=("pinned:4",)), known=(ITEM,))

    assert item == replace(
        ITEM,
        options=(
            Option("先垫付试一试", key=True),
            Option("不理会"),
            Option("以上都不做"),
            Option("转发", pinned=True),
        ),
    )


def test_of_two_known_that_ask_the_same_the_one_with_the_choices_is_meant() -> None:
    other = replace(ITEM, code="brushing-02", options=(Option("报警", key=True), Option("转账")))

    assert taken(bare(other), known=(ITEM, other)) == [other]
    assert taken(bare(ITEM), bare(other), known=(ITEM, other)) == [ITEM, other]
    (new,) = taken(bare(ITEM, choices=CHOICES), known=(ITEM, other))
    assert new.code not in ("brushing-01", "brushing-02")


def test_message_is_kept_when_the_file_has_its_question_only() -> None:
    (item,) = taken(bare(ITEM, stem="怎么 做？", code="brushing-01"), known=(ITEM,))

    assert (item.scene, item.stem) == (SCENE, "怎么 做？")


def test_message_goes_when_the_file_asks_something_else() -> None:
    (item,) = taken(bare(ITEM, stem="怎么报警？", code="brushing-01"), known=(ITEM,))

    assert (item.scene, item.stem) == (None, "怎么报警？")


def test_another_message_has_no_tells_and_is_not_known_to_be_genuine() -> None:
    genuine = replace(ITEM, genuine=True, scene=replace(SCENE, tells=()))
    other = bare(replace(ITEM, scene=replace(SCENE, text="别的")), code="brushing-01")

    assert taken(bare(genuine), known=(genuine,)) == [genuine]
    (item,) = taken(other, known=(genuine,))
    assert (item.scene, item.genuine) == (Scene("sms", "1069 开头号码", "别的"), False)


def test_known_item_without_a_message_may_get_one() -> None:
    plain = replace(ITEM, scene=None)

    assert taken(bare(ITEM, code="brushing-01"), known=(plain,))[0].scene == replace(SCENE, tells=())
