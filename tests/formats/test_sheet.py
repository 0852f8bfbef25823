"""Questions in tables: every way sites write them, what cannot be understood, and the way there and back."""

import io
import zipfile
from dataclasses import replace
from datetime import date, datetime, time

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import exchange
from quizsvc.core.bankfile import Explanation, Item, Option, Scene
from quizsvc.core.exchange import Choice, Draft, Reading, Rejected
from quizsvc.formats import sheet
from quizsvc.uploads import Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY, items

relaxed = settings(deadline=None, database=None)

FOUR = ("不理会", "先垫付", "转给同学", "回复问问")
HEADINGS = ("题型", "题干", "选项A", "选项B", "选项C", "选项D", "正确答案")
CHANNELS = "短信、聊天、群聊、电话、网页、海报、应用、邮件"
HINT = "请写选项的字母，例如 A，多选写 AC；判断题写“对”或“错”。"
SIMPLE = Item(
    code="brushing-01",
    kind="single_choice",
    topic="brushing",
    audiences=("junior", "senior"),
    difficulty=2,
    stem="最稳妥的做法是？",
    options=tuple(Option(text, place == 0) for place, text in enumerate(FOUR)),
    explanation=Explanation("先返小钱。", "要先垫付。", "不垫付。"),
    source="反电信网络诈骗法",
    reviewed_on=date(2026, 11, 15),
)


def csv_file(*rows: tuple[str, ...]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


def workbook(*rows: tuple[object, ...]) -> bytes:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body, {"default_date_format": "yyyy-mm-dd"}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                page.write(number, column, value)
    return body.getvalue()


def only(reading: Reading) -> Draft:
    assert reading.rejected == ()
    (draft,) = reading.drafts
    return draft


def asked(answer: str, options: tuple[str, ...] = FOUR, kind: str = "") -> Reading:
    headings = ("题型", "题干", *(f"选项{letter}" for letter in "ABCDEFGH"[: len(options)]), "正确答案")
    return sheet.reading_of([headings, (kind, "怎么做？", *options, answer)])


def keys(draft: Draft) -> str:
    return "".join("ABCDEFGHIJ"[place] for place, choice in enumerate(draft.choices) if choice.key)


def with_column(heading: str, *cells: str) -> Reading:
    rows = [(*HEADINGS, heading)]
    rows += [("", f"第 {number} 问？", *FOUR, "A", cell) for number, cell in enumerate(cells, start=1)]
    return sheet.reading_of(rows)


def refusal(body: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        sheet.read(body)
    return refused.value.text


# --- the answer


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("A", "A"), ("b", "B"), ("Ｃ", "C"), ("AB", "AB"), ("BA", "AB"), ("A,B", "AB"), ("A、B", "AB"), ("A|B", "AB"),
        ("A；C", "AC"), ("A B D", "ABD"), ("A┋B", "AB"), ("A$;$B", "AB"), ("A\nB", "AB"), ("A和C", "AC"), ("A.", "A"),
        ("1", "A"), ("1,3", "AC"), ("１、３", "AC"), ("13", "AC"), ("2;4", "BD"), ("不理会", "A"),
        ("先垫付|转给同学", "BC"), ("不理会，先垫付", "AB"), ("B.先垫付", "B"), ("A. 不理会\nD. 回复问问", "AD"),
    ],
)  # fmt: skip
def test_an_answer_is_understood_however_it_is_written(answer: str, found: str):
    assert keys(only(asked(answer))) == found


@pytest.mark.parametrize(
    "answer", ["E", "AE", "AA", "0", "5", "1,5", "不知道", "不理会|走开", "A.先垫付", "对", "14A"]
)
def test_an_answer_that_fits_no_option_is_told_with_its_row_and_column(answer: str):
    wanted = Rejected("第 2 行", "怎么做？", f"“正确答案”一列写的“{answer}”对不上选项。{HINT}")
    assert asked(answer) == Reading("表格", (), (wanted,))


def test_a_missing_answer_is_told():
    assert asked("").rejected == (Rejected("第 2 行", "怎么做？", f"“正确答案”一列空着。{HINT}"),)


def test_numbers_as_options():
    years = ("2022", "2023", "2024", "2025")
    assert keys(only(asked("2024", years))) == "C"
    assert keys(only(asked("C", years))) == "C"


def test_an_answer_that_may_be_a_place_or_a_text_is_not_guessed():
    reading = asked("4", ("3", "4", "5", "6"))
    assert [one.reason for one in reading.rejected] == [
        "“正确答案”一列写的“4”可能是第几个选项，也可能是选项自己的文字。请改写成选项的字母，例如 A。"
    ]
    assert keys(only(asked("3", ("1", "2", "3", "4")))) == "C"


@pytest.mark.parametrize("answer", ["对", "√", "正确", "T", "TRUE", "True", "是", "A", "1"])
def test_a_judgement_needs_no_options(answer: str):
    rows = [("题型", "题目", "答案"), ("判断题", "安全账户不存在。", answer)]
    draft = only(sheet.reading_of(rows))
    assert draft.kind == "true_false"
    assert draft.choices == (Choice("正确", key=True), Choice("错误"))


@pytest.mark.parametrize("answer", ["错", "×", "错误", "F", "FALSE", "否", "B", "2"])
def test_a_judgement_that_is_wrong(answer: str):
    rows = [("题型", "题目", "答案"), ("判断", "安全账户很安全。", answer)]
    assert only(sheet.reading_of(rows)).choices == (Choice("正确"), Choice("错误", key=True))


def test_right_and_wrong_as_an_answer_make_a_judgement_where_no_kind_is_written():
    draft = only(sheet.reading_of([("题目", "答案"), ("安全账户不存在。", "对")]))
    assert (draft.kind, draft.choices) == ("", (Choice("正确", key=True), Choice("错误")))


def test_options_of_a_judgement_keep_their_own_words():
    assert only(asked("对", ("错", "对"), "判断")).choices == (Choice("错"), Choice("对", key=True))
    assert only(asked("F", ("√", "×"), "判断")).choices == (Choice("√"), Choice("×", key=True))


# --- the options


@pytest.mark.parametrize(
    "cell",
    ["不理会|先垫付|转给同学", "不理会；先垫付；转给同学", "不理会;先垫付;转给同学", "不理会\n先垫付\n转给同学",
     "不理会$;$先垫付$;$转给同学", "A. 不理会\nB. 先垫付\nC. 转给同学", "A.不理会 B.先垫付 C.转给同学",
     "A、不理会B、先垫付C、转给同学", "不理会┋先垫付┋转给同学"],
)  # fmt: skip
def test_options_in_one_cell(cell: str):
    draft = only(sheet.reading_of([("题目", "备选答案", "标准答案"), ("怎么做？", cell, "B")]))
    assert draft.choices == (Choice("不理会"), Choice("先垫付", key=True), Choice("转给同学"))


def test_a_letter_inside_an_option_divides_nothing():
    rows = [("题目", "选项", "答案"), ("怎么做？", "下载 B.app 看看|不下载", "B")]
    assert [choice.text for choice in only(sheet.reading_of(rows)).choices] == ["下载 B.app 看看", "不下载"]


def test_blank_options_are_left_out_and_letters_still_mean_their_columns():
    draft = only(asked("D", ("不理会", "", "转给同学", "回复问问")))
    assert draft.choices == (Choice("不理会"), Choice("转给同学"), Choice("回复问问", key=True))
    assert asked("B", ("不理会", "", "转给同学")).drafts == ()


@pytest.mark.parametrize("options", [(), ("不理会",)])
def test_too_few_options_are_told(options: tuple[str, ...]):
    reading = asked("A", options)
    assert reading.rejected[0].reason == "选项少于两个。请写在“选项A”“选项B”这样的列里，一格一个。"


def test_too_many_options_are_told():
    rows = [("题目", "选项", "答案"), ("怎么做？", "|".join("一二三四五六七八九十百"), "A")]
    assert sheet.reading_of(rows).rejected[0].reason == "选项超过 10 个，请减少。"


@pytest.mark.parametrize(
    "headings",
    [("选项A", "选项B"), ("选项 A", "选项 B"), ("Ａ", "Ｂ"), ("a", "b"), ("A选项", "B选项"), ("选项1", "选项2"),
     ("选项（A）", "选项(B)"), ("备选项A*", "备选项B*"), ("选项A（必填）", "选项B（选填）")],
)  # fmt: skip
def test_headings_of_options(headings: tuple[str, str]):
    draft = only(sheet.reading_of([("题干", *headings, "答案"), ("怎么做？", "不理会", "先垫付", "B")]))
    assert draft.choices == (Choice("不理会"), Choice("先垫付", key=True))


# --- the other columns


@pytest.mark.parametrize(
    ("name", "heading"), [(name, one) for name, all_ in sheet.SYNONYMS.items() for one in all_]
)
def test_every_heading_is_known(name: str, heading: str):
    cells = {"stem": "怎么做？", "options": "不理会|先垫付", "answer": "A"}
    values = {
        "kind": "单选题", "difficulty": "难", "channel": "短信", "genuine": "是", "reviewed_on": "2026-11-15",
        "valid_until": "2027-01-31", "beliefs": "B：没事", "pinned": "B", "audiences": "初中",
    }  # fmt: skip
    cells[name] = cells.get(name, values.get(name, "金丝雀"))
    headings = [heading if one == name else sheet.SYNONYMS[one][0] for one in cells]
    reading = sheet.reading_of([[f" {one} *" for one in headings], list(cells.values())])
    plain = Draft("第 2 行", "怎么做？", (Choice("不理会", key=True), Choice("先垫付")))
    believed = (Choice("不理会", key=True), Choice("先垫付", note="没事"))
    wanted = {
        "kind": replace(plain, kind="single_choice", tags=("kind:single_choice",)),
        "trick": replace(plain, explanation="骗术：金丝雀"),
        "tell": replace(plain, explanation="破绽：金丝雀"),
        "action": replace(plain, explanation="应对：金丝雀"),
        "explanation": replace(plain, explanation="金丝雀"),
        "source": replace(plain, tags=("source:金丝雀",)),
        "topic": replace(plain, tags=("topic:金丝雀",)),
        "difficulty": replace(plain, tags=("difficulty:3",)),
        "audiences": replace(plain, tags=("audience:junior",)),
        "channel": replace(plain, stem="【短信】\n\n【问题】怎么做？"),
        "tells": replace(plain, tags=("tell:金丝雀",)),
        "genuine": replace(plain, tags=("genuine",)),
        "reviewed_on": replace(plain, tags=("reviewed:2026-11-15",)),
        "valid_until": replace(plain, tags=("valid-until:2027-01-31",)),
        "region": replace(plain, tags=("region:金丝雀",)),
        "twin": replace(plain, tags=("twin:金丝雀",)),
        "beliefs": replace(plain, choices=believed),
        "pinned": replace(plain, tags=("pinned:2",)),
        "code": replace(plain, code="金丝雀"),
    }
    if name in ("sender", "scene"):  # a message nobody sent by no channel
        assert reading.rejected[0].reason.startswith("“情景渠道”一列空着。有情景时要写短信、")
    else:
        assert only(reading) == wanted.get(name, plain)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("单选", "single_choice"), ("单选题", "single_choice"), ("单项选择题", "single_choice"),
     ("多选题（3分）", "multiple_choice"), ("多项选择", "multiple_choice"), ("判断题", "true_false"),
     ("single_choice", "single_choice"), ("选择题", ""), ("", "")],
)  # fmt: skip
def test_kinds(word: str, kind: str):
    assert only(asked("AB", kind=word)).kind == kind


@pytest.mark.parametrize("word", ["简答题", "填空", "排序题"])
def test_a_kind_that_is_not_taken_is_told(word: str):
    reason = f"“题型”一列写的“{word}”这里不收。这里只收单选题、多选题和判断题。"
    assert asked("A", kind=word).rejected == (Rejected("第 2 行", "怎么做？", reason),)


@pytest.mark.parametrize(
    ("words", "levels"),
    [(("易", "中", "难"), "123"), (("容易", "中等", "较难"), "123"), (("1", "2", "3"), "123"), (("1", "3", "5"), "123"),
     (("2", "3", "4"), "123"), (("简单", "一般", "困难"), "123"), (("１", "２", "３"), "123")],
)  # fmt: skip
def test_difficulty_in_words_in_three_levels_and_in_five(words: tuple[str, ...], levels: str):
    drafts = with_column("难度", *words).drafts
    assert [draft.tags for draft in drafts] == [(f"difficulty:{level}",) for level in levels]


@pytest.mark.parametrize(
    ("heading", "cell", "reason"),
    [
        ("难易度", "0.75", "“难易度”一列写的“0.75”看不懂。可以写容易、中等、较难，也可以空着。"),
        ("有效期", "明年", "“有效期”一列写的“明年”看不懂。请写成 2026-11-15 这样的日期。"),
        ("核对日期", "2026-02-30", "“核对日期”一列写的“2026-02-30”看不懂。请写成 2026-11-15 这样的日期。"),
        ("真实", "也许", "“真实”一列写的“也许”看不懂。真实的消息写“是”，别的空着。"),
        ("固定在最后", "E", "“固定在最后”一列写的“E”看不懂。请写那个选项的字母，例如 D，或者空着。"),
        ("固定在最后", "CD", "“固定在最后”一列写的“CD”看不懂。请写那个选项的字母，例如 D，或者空着。"),
        ("危险想法", "没事", "“危险想法”一列写的“没事”看不懂。请写成“B：想法”，一行一个选项。"),
        ("危险想法", "B：没事\nB：行", "“危险想法”一列写的“B：没事 B：行”看不懂。请写成“B：想法”，一行一个选项。"),
        ("危险想法", "E：没事", "“危险想法”一列写的“E：没事”看不懂。请写成“B：想法”，一行一个选项。"),
        ("情景渠道", "飞鸽", f"“情景渠道”一列写的“飞鸽”看不懂。有情景时要写{CHANNELS}中的一种。"),
        ("破绽原文", "x\n" * 51, "破绽原文最多 50 处，请减少。"),
        ("破绽原文", "x;" * 51, None),
    ],
)  # fmt: skip
def test_a_cell_that_is_not_understood_is_told(heading: str, cell: str, reason: str | None):
    rejected = () if reason is None else (Rejected("第 3 行", "第 2 问？", reason),)
    assert with_column(heading, "", cell, "").rejected == rejected


@pytest.mark.parametrize(
    "cell", ["2026-1-5", "2026/1/5", "2026.01.05", "2026年1月5日", "2026-01-05 00:00:00", "２０２６/1/5 0:00"]
)
def test_days(cell: str):
    assert only(with_column("有效期", cell)).tags == ("valid-until:2026-01-05",)


def test_a_chapter_holds_for_the_rows_below_it_as_merged_cells_do():
    drafts = with_column("章节", "", "刷单返利", "", "冒充公检法", "").drafts
    assert [draft.tags for draft in drafts] == [
        (), ("topic:刷单返利",), ("topic:刷单返利",), ("topic:冒充公检法",), ("topic:冒充公检法",),
    ]  # fmt: skip


def test_audiences_and_those_nobody_knows():
    reading = with_column("人群", "初中、高中", "小学，家长", "外星人", "netizen/教职工")
    assert [draft.tags for draft in reading.drafts] == [
        ("audience:junior", "audience:senior"),
        ("audience:primary_lower", "audience:primary_upper", "audience:parent"),
        (),
        ("audience:netizen", "audience:staff"),
    ]
    assert [note.partition("。")[0] for note in reading.notes] == ["不认识的人群没有导入：外星人"]


def test_columns_that_say_nothing_are_named_but_running_numbers_are_not():
    assert with_column("分值", "5").notes == ("没有用到的列：分值。",)
    assert with_column("题号", "5") == with_column("序号", "5")
    assert only(with_column("题号", "17")).code == ""


def test_of_two_columns_that_say_the_same_the_preferred_counts():
    rows = [("题目", "题干", "选项A", "选项B", "答案"), ("一", "怎么做？", "不理会", "先垫付", "A")]
    assert only(sheet.reading_of(rows)).stem == "怎么做？"


def test_a_scene():
    headings = (*HEADINGS, "情景渠道", "情景发送者", "情景内容", "破绽原文")
    text = "垫付 100 元；立返\n名额有限"
    row = ("", "怎么做？", *FOUR, "A", "短信", "1069\n开头", text, "垫付 100 元；立返\n名额|有限\n不在里面")
    draft = only(sheet.reading_of([headings, row]))
    assert draft.stem == f"【短信】1069 开头\n{text}\n【问题】怎么做？"
    assert draft.tags == ("tell:垫付 100 元；立返", "tell:名额", "tell:有限", "tell:不在里面")
    (taken,), rejected = exchange.take(Reading("", (draft,)), {}, DEFAULTS, VOCABULARY)
    assert rejected == ()
    assert taken.item.scene == Scene(
        "sms", "1069 开头", text, ("垫付 100 元；立返", "名额", "有限", "不在里面")
    )


def test_an_explanation_in_one_column_stands_before_the_three():
    rows = [(*HEADINGS, "解析", "应对"), ("", "怎么做？", *FOUR, "A", "要先垫付。", "不垫付。")]
    assert only(sheet.reading_of(rows)).explanation == "要先垫付。\n应对：不垫付。"


# --- the file


def test_a_spreadsheet_gives_what_its_author_sees():
    body = workbook(
        ("防诈骗题库",), (), ("题目", "A", "B", "C", "D", "答案", "有效期"),
        ("新法哪年施行？", 2022, 2023.0, "2024", 2025, 1, date(2027, 1, 31)),
        (None,), ("　",), ("安全账户不存在。", *[None] * 4, True, datetime.combine(date(2027, 1, 31), time(8))),
    )  # fmt: skip
    assert sheet.read(body) == Reading(
        "表格",
        (
            Draft(
                "第 4 行", "新法哪年施行？",
                (Choice("2022", key=True), Choice("2023"), Choice("2024"), Choice("2025")),
                tags=("valid-until:2027-01-31",),
            ),
            Draft(
                "第 7 行", "安全账户不存在。", (Choice("正确", key=True), Choice("错误")),
                tags=("valid-until:2027-01-31",),
            ),
        ),
    )  # fmt: skip


def test_a_text_that_looks_like_a_formula_is_a_text():
    options = ("=cmd|'/c calc'!A1", "@x", "+1", "-1")
    row = ("", "=HYPERLINK(1)", *options, "C")
    draft = only(sheet.read(csv_file(HEADINGS, row)))
    assert (draft.stem, tuple(choice.text for choice in draft.choices)) == ("=HYPERLINK(1)", options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_files(encoding: str, delimiter: str):
    text = "\r\n".join(delimiter.join(row) for row in (HEADINGS, ("单选", "怎么做？", *FOUR, "A")))
    draft = only(sheet.read(text.encode(encoding)))
    assert (draft.place, draft.kind, keys(draft)) == ("第 2 行", "single_choice", "A")
    assert sheet.is_table(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1. 怎么做？\nA. 不理会\nB. 先垫付\n答案：A\n",
        "题目\n怎么做？\n",
        "学校,班级,座号\n",
        "题干：怎么做？,\n",
    ],
)
def test_other_texts_are_no_tables(text: str):
    assert not sheet.is_table(text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "文件是空的。"),
        (b"x" * (5 * 1024 * 1024 + 1), sheet.TOO_LARGE),
        ("甲,乙\n1,2\n".encode(), sheet.NO_HEADING),
        (b"\n" * 10 + csv_file(HEADINGS, ("", "怎么做？", *FOUR, "A")), sheet.NO_HEADING),
        ("题干,选项A,选项B\n怎么做？,不理会,先垫付\n".encode(), "缺少“正确答案”一列。"),
        (csv_file(HEADINGS) + b"\n,,,\n\n", "表头下面没有题目。"),
        (csv_file(HEADINGS) + "\n,怎么做？".encode() * 20_001, "表格太长，一次最多 20,000 行。请分成几个文件。"),
        (csv_file(("题干", "答案", *"x" * 59)), "列太多，最多 60 列。请只留下题目需要的几列。"),
        (b"PK\x03\x04" + b"a" * 200, sheet.BROKEN),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 4096, sheet.BROKEN),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, sheet.BROKEN),
    ],
    ids=["empty", "large", "no-heading", "late-heading", "no-answer", "no-rows", "long", "wide", "no-zip", "no-xls",
         "png"],
)  # fmt: skip
def test_files_that_are_refused(body: bytes, text: str):
    assert refusal(body) == text


def test_one_bad_row_keeps_the_others():
    good = ("", "怎么做？", *FOUR, "A")
    reading = sheet.read(csv_file(HEADINGS, good, ("", "", *FOUR, "A"), ("", "怎么办？", *FOUR, "A")))
    assert [draft.place for draft in reading.drafts] == ["第 2 行", "第 4 行"]
    assert reading.rejected == (Rejected("第 3 行", "", "“题干”一列空着。请写上要问什么。"),)


# --- there and back


@given(items(), st.integers(0, 2))
@settings(relaxed, max_examples=25)
def test_what_is_laid_out_is_understood_as_it_was(item: Item, others: int):
    """Beside others, whose columns may be more."""
    wide = replace(SIMPLE, options=tuple(Option(f"选项 {n}", n == 0) for n in range(8 + others)))
    reading = sheet.reading_of(sheet.rows_of((wide, item), VOCABULARY))
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert (item in [one.item for one in taken]) is (sheet.losses(item) == ())
    assert rejected == ()


@given(
    st.lists(items(extra="\x01\r\x7f").filter(lambda item: not sheet.losses(item)), min_size=1, max_size=6)
)
@settings(relaxed, max_examples=5)
def test_a_file_is_taken_back_as_it_was_written(written: list[Item]):
    numbered = [replace(item, code=f"n-{number}") for number, item in enumerate(written)]
    reading = sheet.read(sheet.write(numbered, VOCABULARY, title="题库"))
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert [one.item for one in taken] == numbered
    assert rejected == ()


def test_an_item_in_plain_words_loses_nothing():
    assert sheet.losses(SIMPLE) == ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"stem": "长" * 32_768}, "有一格超过 32,767 个字，表格里放不下，后面的会截掉。"),
        ({"stem": "响\x07铃"}, "文字里有看不见的控制字符，表格里会变样。"),
        ({"stem": "_x005F_x0041_"}, "文字里有看不见的控制字符，表格里会变样。"),
        ({"stem": " 怎么做？"}, "情景和题干前后的空格会去掉。"),
        ({"source": "法律 "}, "来源、地区、同组前后的空格会去掉，有换行的破绽原文会分成几处。"),
        ({"options": tuple(Option(f"{n}", n == 0) for n in range(11))},
         "选项前后的空格会去掉，空的选项和第 10 个以后的选项会丢掉。"),
        ({"kind": "essay"}, "这道题写进表格以后读不回来，请先改好题型、选项、答案和情景。"),
        ({"options": (Option("不理会"), Option("先垫付"))},
         "这道题写进表格以后读不回来，请先改好题型、选项、答案和情景。"),
    ],
)  # fmt: skip
def test_losses_are_told(change: dict[str, object], text: str):
    assert sheet.losses(replace(SIMPLE, **change)) == (text,)


def test_a_written_file_is_plain_strings_and_always_the_same():
    item = replace(SIMPLE, stem="=1+1")
    body = sheet.write((item,), VOCABULARY, title="题库")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert b"=1+1" in archive.read("xl/sharedStrings.xml")
    assert sheet.write((item,), VOCABULARY, title="题库") == body


def test_the_template_is_understood_and_its_examples_are_in_order():
    body = sheet.template()
    reading = sheet.read(body)
    assert [draft.kind for draft in reading.drafts] == ["single_choice", "multiple_choice", "true_false"]
    assert (reading.rejected, reading.notes) == ((), ())
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        page = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "单选题,多选题,判断题" in page
        assert "填写说明" in archive.read("xl/workbook.xml").decode()
        assert 'numFmtId="49"' in archive.read("xl/styles.xml").decode()
