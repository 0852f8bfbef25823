"""GIFT files: what Moodle documents is understood, and our own items come back as they were."""

import time
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings

from quizsvc.core import exchange
from quizsvc.core.bankfile import Explanation, Item, Option
from quizsvc.core.exchange import Choice, Draft, Rejected
from quizsvc.formats import gift
from quizsvc.uploads import LARGEST_FILE, Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY, items
from tests.patience import in_time

relaxed = settings(deadline=None, database=None, max_examples=40)

SAMPLE = r"""// 反诈小测，手写
$CATEGORY: $course$/top/诈骗

// question: 7  name: 刷单
// [id:brushing-07] [tag:刷单] [tag:50%25 \]off]
::刷单::先垫付再返利，
可信吗？ {
    ~可信 # 先想一想
    = 不可信 #说对了
    // 选项之间也可以有说明
    ~ 看 1\=1 和 a\:b \{c\} \~d \#e f\\n g\nh
    ####返利是诱饵。
}

::标题里有 \: 冒号:: 转账前要{~先付款 =先核实#对 ~先保密}再决定。

骗子会说“安全账户”。{T}

公安会在网上办案。{FALSE#公安不会#记住了####打 110 问一问。}

[html]<p>哪些要 <b>停</b>&nbsp;一停&#65311;</p><img src\="a.png"><p>多选</p>{
    ~%50%<i>垫付</i>
    ~%50%[plain]<b>
    ~%-100%问家长#&lt;再想想&gt;
}

[markdown]**哪个**安全？{=A ~B}
"""


def read(text: str) -> tuple[Draft, ...]:
    """The drafts of a text that has nothing else."""
    reading = gift.read(text)
    assert (reading.rejected, reading.notes) == ((), ())
    return reading.drafts


def taken_back(item: Item) -> Item:
    """The item after it was written, read and taken by a bank that knows nothing."""
    reading = gift.read(gift.write([item], VOCABULARY, title="题库").decode())
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert rejected == ()
    [one] = taken
    return one.item


def reason(text: str) -> str:
    """Why the only question of a text is rejected."""
    reading = gift.read(text)
    assert reading.drafts == ()
    [rejected] = reading.rejected
    return rejected.reason


def sourced(source: str) -> Item:
    """An item that says where it is from."""
    return Item(
        code="a-1",
        kind="true_false",
        topic="police",
        audiences=("junior",),
        difficulty=1,
        stem="对吗？",
        options=(Option("对", key=True), Option("不对")),
        explanation=Explanation("甲", "乙", "丙"),
        source=source,
        reviewed_on=DEFAULTS.day,
    )


def test_read_understands_what_moodle_documents() -> None:
    reading = gift.read(SAMPLE)

    assert reading.form == "GIFT"
    assert reading.rejected == ()
    assert reading.notes == (
        "图片没有导入，请看看题目离了图片还能不能答。",
        "题目分类（$CATEGORY）没有导入，主题请在题库里选。",
    )
    assert reading.drafts == (
        Draft(
            place="第 6 行",
            stem="先垫付再返利，\n可信吗？",
            choices=(
                Choice("可信", note="先想一想"),
                Choice("不可信", key=True, note="说对了"),
                Choice("看 1=1 和 a:b {c} ~d #e f\\n g\nh"),
            ),
            code="brushing-07",
            explanation="返利是诱饵。",
            tags=("刷单", "50% ]off"),
        ),
        Draft(
            place="第 15 行",
            stem="转账前要____再决定。",
            choices=(Choice("先付款"), Choice("先核实", key=True, note="对"), Choice("先保密")),
        ),
        Draft(
            place="第 17 行",
            stem="骗子会说“安全账户”。",
            choices=(Choice("对", key=True), Choice("不对")),
            kind="true_false",
        ),
        Draft(
            place="第 19 行",
            stem="公安会在网上办案。",
            choices=(Choice("对", note="公安不会"), Choice("不对", key=True, note="记住了")),
            kind="true_false",
            explanation="打 110 问一问。",
        ),
        Draft(
            place="第 21 行",
            stem="哪些要 停 一停？\n多选",
            choices=(Choice("垫付", key=True), Choice("<b>", key=True), Choice("问家长", note="<再想想>")),
        ),
        Draft(place="第 27 行", stem="**哪个**安全？", choices=(Choice("A", key=True), Choice("B"))),
    )


def test_read_counts_lines_whatever_ends_them() -> None:
    lines = ["", "甲？{=a ~b}", "", " \t", "", "// 说明", "$CATEGORY: 乙", "乙？{=a ~b}"]

    for ending in ("\n", "\r\n", "\r"):
        assert [draft.place for draft in gift.read(ending.join(lines)).drafts] == ["第 2 行", "第 8 行"]


def test_read_joins_lines_of_one_question_and_ends_it_at_a_blank_line() -> None:
    reading = gift.read("甲？{\n=a\n\n~b}\n\n乙？{=a\n~b}")

    braces = "大括号没有成对，或者不止一对。一道题用一对大括号，中间不要空行；文字里的大括号前面加反斜杠。"
    assert reading.rejected == (
        Rejected("第 1 行", "甲？{ =a", braces),
        Rejected("第 4 行", "~b}", braces),
    )
    assert [draft.stem for draft in reading.drafts] == ["乙？"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("只是一段说明。", "没有选项，像是一段说明。"),
        ("写一篇短文。{}", "这是问答题，没有选项。"),
        ("几年？{#1822:5}", "这是数值题。"),
        ("谁？{=无人 =没有人}", "这是简答题或填空题。"),
        ("谁？{=%50%无人}", "这是简答题或填空题。"),
        ("配对{=甲 -> 一 =乙 -> 二}", "这是配对题。"),
    ],
)
def test_read_names_the_questions_that_are_no_choice_questions(text: str, words: str) -> None:
    assert reason(text) == f"{words}请改成选择题，在大括号里写出选项，例如 {{=对的 ~错的}}。"


@pytest.mark.parametrize(
    ("answers", "begins"),
    [
        ("~a ~b", "没有标出正确答案。"),
        ("~%-50%a ~%0%b", "没有标出正确答案。"),
        ("=a =b ~c", "有几个“=”，"),
        ("=a ~%50%b ~c", "有的选项给全分，"),
        ("~%50%a ~b", "正确选项的分数加起来不是 100，"),
        ("~%100%a ~%100%b ~c", "正确选项的分数加起来不是 100，"),
        ("= ~b", "有一个选项没有文字，"),
        ("=a ~ #再想想", "有一个选项没有文字，"),
        ("甲 =a ~b", "第一个选项前面还有文字。"),
        ("=a ~b {c}", "大括号没有成对，"),
        ("=a ~b} {=c ~d", "大括号没有成对，"),
        ("=a" + " ~b" * 26, "选项有 27 个，太多了，最多 8 个。"),
    ],
)
def test_read_rejects_what_does_not_say_clearly_which_answers_are_right(answers: str, begins: str) -> None:
    assert reason(f"哪个？{{{answers}}}").startswith(begins)


@pytest.mark.parametrize(
    ("answers", "right"),
    [
        ("=a ~b ~c", "a"),
        ("=a ~%0%b ~%-25%c", "a"),
        ("~%100%a ~b ~c", "a"),
        ("~%33.33333%a ~%33.33333%b ~%33.33333%c", "abc"),
        ("~%75%a ~%25%b ~%-100%c", "ab"),
        ("~%33%a~%33%b~%33%c", "abc"),
    ],
)
def test_read_takes_every_positive_weight_as_right(answers: str, right: str) -> None:
    [draft] = read(f"哪个？{{{answers}}}")

    assert "".join(choice.text for choice in draft.choices if choice.key) == right
    assert [choice.text for choice in draft.choices] == ["a", "b", "c"]


def test_read_keeps_words_with_an_equals_sign_that_is_escaped() -> None:
    [draft] = read(r"::\:\:::x\=1 -> \\\= \q {=\=a\\~\~b # \#c}")

    assert draft.stem == r"x=1 -> \= \q"
    assert draft.choices == (Choice("=a\\", key=True), Choice("~b", note="#c"))


def test_read_refuses_a_file_without_questions() -> None:
    for text in ("", "\n\n \n", "// 说明\n\n$CATEGORY: 甲\n"):
        with pytest.raises(Unreadable, match="没有找到题"):
            gift.read(text)


def test_read_leaves_labels_that_nothing_closes() -> None:
    [draft] = read("// [id:a [tag:b\n// [tag:c] [id:d-1] [tag:e\n甲？{=a ~b}")

    assert (draft.code, draft.tags) == ("d-1", ("c",))


def test_write_gives_moodle_what_it_marks_sensibly() -> None:
    several = Item(
        code="many-1",
        kind="multiple_choice",
        topic="police",
        audiences=("junior",),
        difficulty=2,
        stem="哪些是 {骗}？",
        options=(
            Option("a", key=True),
            Option("b", key=True),
            Option("[c]", key=True),
            Option("d", belief="first_payout_real"),
            Option("%5%e", pinned=True),
        ),
        explanation=Explanation("甲。", "", "乙：#1。"),
        source="手册 [第 2 版], 50%",
        reviewed_on=DEFAULTS.day,
    )
    single = replace(
        several, code="one-1", kind="single_choice", options=(Option("a", key=True), Option("%5%"))
    )
    judged = replace(
        several,
        code="true-1",
        kind="true_false",
        options=(Option("对", belief="first_payout_real"), Option("不对", key=True)),
    )

    written = gift.write([several, single, judged], VOCABULARY, title="一\n二").decode()

    tags = (
        "[tag:topic:police] [tag:kind:multiple_choice] [tag:audience:junior] [tag:difficulty:2] "
        "[tag:source:手册 %5B第 2 版%5D%2C 50%25] [tag:reviewed:2026-12-01]"
    )
    assert written.split("\n\n")[:2] == [
        "// 一 二",
        f"// [id:many-1] {tags} [tag:pinned:5]\n"
        "::many-1::[plain]哪些是 \\{骗\\}？ {\n"
        "\t~%33.33333%a\n"
        "\t~%33.33333%b\n"
        "\t~%33.33333%[plain][c]\n"
        "\t~%-50%d#第一笔到账了，后面就是真的\n"
        "\t~%-50%%5%e\n"
        "\t####骗术：甲。\\n应对：乙：\\#1。\n"
        "}",
    ]
    assert "{\n\t=a\n\t~%0%%5%\n\t####" in written
    assert "{\n\tF#第一笔到账了，后面就是真的#\n\t####" in written


@relaxed
@given(items(extra="\r\x00\x01\x08\x0b\x1f\x7f\x85"))
def test_an_item_comes_back_exactly_when_nothing_is_said_to_be_lost(item: Item) -> None:
    reading = gift.read(gift.write([item], VOCABULARY, title="题").decode())
    taken, _ = exchange.take(reading, {}, DEFAULTS, VOCABULARY)

    assert ([one.item for one in taken] == [item]) is (gift.losses(item) == ())


def test_losses_names_what_the_file_cannot_hold() -> None:
    item = sourced(" \t\n来源 %41 ")
    lost = "题干、选项或解析的开头、结尾有空白，或者有回车、控制字符，GIFT 文件里留不住。"

    assert gift.losses(item) == ()
    assert taken_back(item) == item
    assert gift.losses(replace(item, stem="对吗？ ")) == (lost,)
    assert gift.losses(replace(item, options=(Option("对\r吗", key=True), Option("不对")))) == (lost,)
    unclear = replace(item, explanation=Explanation("甲\n破绽：", "乙", "丙"))
    assert gift.losses(unclear) == exchange.losses(unclear) != ()


@pytest.mark.parametrize(
    "piece",
    [
        *("{", "~a", "\\", "a\n\n", "\n \n", " ", "\r"),
        *("//\n", "[tag:", "[tag:[\\", "$CATEGORY:\n", "<a ", "<!--"),
    ],
)
def test_read_takes_no_longer_than_the_file_is_long(piece: str) -> None:
    count = LARGEST_FILE // 4 // len(piece.encode())
    texts = (piece * count, f"// {piece * count}\n甲？{{=a ~b}}", f"[html]{piece * count}{{=a#{piece}~b}}")
    for text in texts:
        begins = time.process_time()
        with suppress(Unreadable):
            gift.read(text)
        assert in_time(time.process_time() - begins, 2)


def test_read_holds_little_more_than_the_file() -> None:
    text = "甲" * 40 + "{}\n\n" + "{" * LARGEST_FILE + "\n\n" + "乙？{}\n\n" * (gift.MOST_BLOCKS - 3)
    tracemalloc.start()
    try:
        rejected = gift.read(text).rejected
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(rejected) == gift.MOST_BLOCKS - 1
    assert peak < 200 * 1024 * 1024


def test_read_refuses_more_questions_than_anybody_writes_at_once() -> None:
    text = "甲？{=a ~b}\n\n" * gift.MOST_BLOCKS

    assert len(gift.read(text.rstrip()).drafts) == gift.MOST_BLOCKS
    with pytest.raises(Unreadable, match="最多 5000 道"):
        gift.read(text + "乙？{=a ~b}")


def test_write_hides_from_moodle_what_would_end_a_tag() -> None:
    for character in "[]\\<>,%\n\u2028":
        label = gift.write([sourced(f"甲{character}乙")], VOCABULARY, title="").decode()
        assert f"[tag:source:甲{quote(character, safe='')}乙]" in label
