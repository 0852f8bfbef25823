from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import adoption, document, questionnaire, sheettext
from quizsvc.core.adoption import Adoption, Check, Item, Target
from quizsvc.core.bounds import tidied
from quizsvc.core.document import Document
from quizsvc.core.questionnaire import Condition, Question, Questionnaire
from quizsvc.core.sheettext import Body, Unclear, read, write
from quizsvc.settings import PROJECT

RECEIPT = """\
回执: 涉诈风险提示单
发布单位：阳光县反诈中心｜阳光县教育局
说明：家长您好。

请和孩子一起读一遍：
1. 先交钱再返利的，都是诈骗。
２、让您转到“安全账户”的，都是诈骗。
最后：拿不准，打 96110。
确认：上面的内容，您都知道了吗？
谁来签：家长
"""
ADOPTION = """\
使用情况：反诈工具使用情况
说明：请照实填。
1. 装了国家反诈中心 App 吗？
步骤：下载｜注册|选地区｜开启全部功能
目标：教职工 100%（在册）
目标：居民 60.5％ (常住人口)
截止：2027年5月30日
核对题：打开以后，第一页最上面是什么？
A. 天气
B．报案助手
答案：B
2. 关注了学校公众号吗？
可选不适用
目标：教职工100%
"""
SURVEY = """\
问卷：反诈宣传意见
1. [单选] 您收到过诈骗电话吗？（必答）
A. 收到过
B. 没有
名额：A 30
2. 【多选 1–2】怎么收到的？
A. 电话
B. 短信
C. 网上
只问：第 1 题选 A 的人
3. [打分 1–5：不慌｜很慌] 当时慌不慌？
只问：第 1 题选 A 的人；第 2 题选 A、C 的人
4. [矩阵] 下面这些，您会吗？
行：挂电话｜打 96110
列：会｜不会
5. [数字 0–120] 您多大年纪？
6. [一句话] 您住在哪个村？(必答)
7. [一段话 最多 300 字] 还想说什么？
只问：第 3 题打 4、5 分的人
最后：谢谢您。
遮住的词：身份证、银行卡
"""


def test_a_receipt_is_read_as_it_is_typed() -> None:
    assert read(RECEIPT) == Document(
        kind="receipt",
        title="涉诈风险提示单",
        issuer=("阳光县反诈中心", "阳光县教育局"),
        opening="家长您好。\n请和孩子一起读一遍：",
        points=("先交钱再返利的，都是诈骗。", "让您转到“安全账户”的，都是诈骗。"),
        closing="拿不准，打 96110。",
        question="上面的内容，您都知道了吗？",
        signer="guardian",
    )


def test_an_adoption_survey_is_read_as_it_is_typed() -> None:
    staff = Target("roster", "教职工", 10000)

    assert read(ADOPTION) == Adoption(
        "反诈工具使用情况",
        "请照实填。",
        (
            Item(
                "装了国家反诈中心 App 吗？", ("下载", "注册", "选地区", "开启全部功能"), False,
                (staff, Target("population", "居民", 6050)), date(2027, 5, 30),
                Check("打开以后，第一页最上面是什么？", ("天气", "报案助手"), 1),
            ),
            Item("关注了学校公众号吗？", (), True, (staff,), None, None),
        ),
    )  # fmt: skip


def test_a_survey_is_read_as_it_is_typed() -> None:
    assert read(SURVEY) == Questionnaire(
        "反诈宣传意见",
        "",
        (
            Question(
                "choice", "您收到过诈骗电话吗？", True, options=("收到过", "没有"), capacities=(30, None)
            ),
            Question("choices", "怎么收到的？", False, options=("电话", "短信", "网上"), low=1, high=2,
                     shown_if=(Condition(0, (0,)),)),
            Question("rating", "当时慌不慌？", False, low=1, high=5, ends=("不慌", "很慌"),
                     shown_if=(Condition(0, (0,)), Condition(1, (0, 2)))),
            Question(
                "matrix", "下面这些，您会吗？", False, options=("会", "不会"), rows=("挂电话", "打 96110")
            ),
            Question("number", "您多大年纪？", False, low=0, high=120),
            Question("short", "您住在哪个村？", True, high=50),
            Question("long", "还想说什么？", False, high=300, shown_if=(Condition(2, (4, 5)),)),
        ),
        "谢谢您。",
        ("身份证", "银行卡"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "kind", "low", "high"),
    [
        ("[多选] 哪些？", "choices", 1, 3),
        ("[多选 最多 2 个] 哪些？", "choices", 1, 2),
        ("[多选 最少 2 个，最多 3 个] 哪些？", "choices", 2, 3),
        ("[多选 选 2-3 个] 哪些？", "choices", 2, 3),
        ("［单选 必答］哪些？", "choice", 0, 0),
    ],
)
def test_how_many_may_be_chosen_is_said_in_several_ways(
    question: str, kind: str, low: int, high: int
) -> None:
    body = read(f"问卷：一二三\n1. {question}\nA. 一\nB. 二\nC. 三")

    assert isinstance(body, Questionnaire)
    assert (body.questions[0].kind, body.questions[0].low, body.questions[0].high) == (kind, low, high)
    assert body.questions[0].required == (kind == "choice")


def test_numbers_may_be_below_zero() -> None:
    body = read("问卷：温度\n1. [数字 −20–40] 几度？")

    assert isinstance(body, Questionnaire)
    assert (body.questions[0].low, body.questions[0].high) == (-20, 40)


KINDS = "先写是哪一种，再写标题，例如“回执：涉诈风险提示单”。有这几种：回执、责任书、使用情况、问卷"
SIGNER = "写成“谁来签：家长”，可以写家长、学生、教职工、企业负责人或财务人员、居民"
CHECK = "选项一行一个，答案写成“答案：B”"
TARGET = "写成“目标：教职工 100%（在册）”或“目标：居民 60%（常住人口）”"
QUESTIONS = "有这几种：单选、多选、打分、矩阵、数字、一句话、一段话"
OPTIONS = "选项一行一个，例如“A. 收到过”；矩阵题写成“列：会｜不会”"
ASKED = "写成“只问：第 2 题选 A、C 的人”"
NO_DIRECTION = f"“只问”指的第 5 题要是单选、多选或打分题。{ASKED}"
EARLIER = f"{ASKED}，只能指前面的题"
PARTS = "“发布单位：…”“说明：…”“最后：…”“确认：…”“谁来签：…”"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, KINDS),
        ("\n通知：放假", 2, KINDS),
        (RECEIPT.replace("２、", "3、"), 7, "编号应该是 2，写的是 3；不是编号就在行首加“\\”"),
        (RECEIPT.replace("谁来签：家长", "谁来签：邻居"), 10, f"不知道“邻居”是谁。{SIGNER}"),
        (RECEIPT.replace("谁来签：家长", ""), 1, f"谁来签，还没有写。{SIGNER}"),
        (RECEIPT.replace("最后：", ""), 8, f"不知道这一行是什么。要点前面写编号（1. …），其他的写成{PARTS}"),
        (RECEIPT.replace("最后：", "说明："), 8, "“说明”在第 3 行已经写过，请合成一处"),
        (ADOPTION.replace("答案：B", "答案：C"), 8, f"第 1 项的核对题，答案要是其中一个选项。{CHECK}"),
        (ADOPTION.replace("答案：B\n", ""), 8, f"第 1 项的核对题，还没有写答案是哪个选项。{CHECK}"),
        (ADOPTION.replace("60.5％", "六成"), 6, f"看不懂目标“居民 六成 (常住人口)”。{TARGET}"),
        (ADOPTION.replace("60.5％", "160%"), 6, f"第 1 项的目标，要大于 0%，不超过 100%，最多两位小数。{TARGET}"),
        (ADOPTION.replace("5月30日", "2月30日"), 7, "“2027年2月30日”不是一个日子。写成“截止：2027-05-30”"),
        (ADOPTION.replace("目标：教职工100%", ""), 12, f"第 2 项的目标，目标最少 1 个。{TARGET}"),
        (SURVEY.replace("A. 收到过\n", ""), 3, "选项的字母要从 A 起挨着写，这里应该是“A. …”"),
        (SURVEY.replace("[单选]", ""), 2, f"题目前面写是哪一种，例如“1. [单选] …”。{QUESTIONS}"),
        (SURVEY.replace("[单选]", "[判断]"), 2, f"没有“判断”这种题。{QUESTIONS}"),
        (SURVEY.replace("B. 没有\n", ""), 2, f"第 1 题，选项最少 2 个。{OPTIONS}"),
        (SURVEY.replace("名额：A 30", "名额：C 30"), 5, "第 1 题，没有选项 C。写成“名额：A 30、B 20”"),
        (SURVEY.replace("第 3 题打", "第 9 题打"), 19, f"看不懂“第 9 题打 4、5 分的人”。{ASKED}，只能指前面的题"),
        (SURVEY.replace("打 4、5 分", "打 4、8 分"), 19, f"第 7 题，“只问”里的选项，第 3 题没有。{ASKED}"),
        (SURVEY.replace("第 3 题打 4、5 分", "第 5 题选 A"), 19, f"第 7 题，{NO_DIRECTION}"),
        (SURVEY.replace("[数字 0–120]", "[数字 多少]"), 16, "看不懂“[数字 多少]”，写成“[数字 0–120]”"),
        ("问卷：空\n名额：A 3", 2, "“名额”要写在带编号的一行下面，例如“1. …”的下一行"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line_and_what_to_write_instead(text: str, line: int, said: str) -> None:
    with pytest.raises(Unclear) as refused:
        read(text)

    assert (refused.value.line, refused.value.text) == (line, f"第 {line} 行：{said}。")


SPECIAL = "\\｜|：:；;、，,。（）()[]【】［］必答选最后说明确认步骤 AaB1２3.．)-–%😀x"
TEXTS = (
    st.text(alphabet=SPECIAL, min_size=1, max_size=16)
    .map(tidied)
    .filter(lambda text: bool(text) and text.isprintable())
)
PARAGRAPHS = st.lists(TEXTS, max_size=3).map("\n".join)


def several(least: int, most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(TEXTS, min_size=least, max_size=most, unique=True).map(tuple)


DOCUMENTS = st.builds(
    Document,
    kind=st.sampled_from(sorted(document.KINDS)),
    title=TEXTS,
    issuer=several(1, 2),
    opening=PARAGRAPHS,
    points=several(1, 3),
    closing=PARAGRAPHS,
    question=TEXTS,
    signer=st.sampled_from(sorted(document.SIGNERS)),
)
TARGETS = st.builds(
    Target, basis=st.sampled_from(sorted(adoption.BASES)), label=TEXTS, permyriad=st.integers(1, 10000)
)
CHECKS = st.builds(Check, text=TEXTS, options=several(2, 3), right=st.integers(0, 1))
ITEMS = st.builds(
    Item,
    text=TEXTS,
    steps=several(2, 3) | st.just(()),
    may_not_apply=st.booleans(),
    targets=st.lists(TARGETS, min_size=1, max_size=2, unique_by=lambda one: one.label).map(tuple),
    due_on=st.none() | st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    check=st.none() | CHECKS,
)
ADOPTIONS = st.builds(
    Adoption,
    title=TEXTS,
    opening=PARAGRAPHS,
    items=st.lists(ITEMS, min_size=1, max_size=2, unique_by=lambda one: one.text).map(tuple),
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    kind = draw(st.sampled_from(sorted(questionnaire.KINDS)))
    options, low, high, more = (), 0, 0, {}
    if kind in ("choice", "choices", "matrix"):
        options = draw(several(2, 4))
    if kind == "choice" and draw(st.booleans()):
        more["capacities"] = (*(None,) * (len(options) - 1), draw(st.integers(1, 99999)))
    if kind == "choices":
        low, high = draw(st.sampled_from([(1, len(options)), (1, 1), (2, 2)]))
    if kind == "matrix":
        more["rows"] = draw(several(1, 3))
    if kind == "rating":
        low, high, more["ends"] = 1, draw(st.integers(3, 10)), draw(several(2, 2) | st.just(("", "")))
    if kind == "number":
        low, high = sorted(draw(st.sets(st.integers(-(10**9), 10**9), min_size=2, max_size=2)))
    if kind in questionnaire.WORDED:
        high = draw(st.integers(1, 200))
    return Question(kind, draw(TEXTS), draw(st.booleans()), options, low=low, high=high, **more)


@st.composite
def surveys(draw: st.DrawFn) -> Questionnaire:
    first = Question("choices", "一", True, ("甲", "乙", "丙"), low=1, high=3)
    second = Question("rating", "二", False, low=1, high=5)
    conditions = st.sampled_from([(), (Condition(0, (0, 2)),), (Condition(1, (5,)), Condition(0, (1,)))])
    rest = [
        Question(
            **{
                name: getattr(one, name)
                for name in ("kind", "text", "required", "options", "rows", "low", "high")
            },
            ends=one.ends,
            capacities=one.capacities,
            shown_if=draw(conditions),
        )
        for one in draw(st.lists(questions(), min_size=1, max_size=3))
    ]
    return Questionnaire(
        draw(TEXTS), draw(PARAGRAPHS), (first, second, *rest), draw(PARAGRAPHS), draw(several(0, 3))
    )


@given(body=DOCUMENTS | ADOPTIONS | surveys())
@settings(max_examples=60, deadline=None)
def test_every_sheet_survives_being_written_as_text(body: Body) -> None:
    assert read(write(body)) == body


@given(body=DOCUMENTS | ADOPTIONS | surveys())
@settings(max_examples=30, deadline=None)
def test_every_sheet_survives_being_written_as_values(body: Body) -> None:
    modules = {Document: document, Adoption: adoption, Questionnaire: questionnaire}
    module = modules[type(body)]

    assert module.read(module.written(body)) == body


def test_every_example_of_the_documentation_is_read() -> None:
    page = (PROJECT / "docs" / "SHEETS.md").read_text()
    examples = [block.partition("```")[0] for block in page.split("```text\n")[1:]]

    assert [sheettext.kind_of(read(example)) for example in examples] == ["receipt", "adoption", "survey"]


def test_a_text_that_is_far_too_long_is_not_read() -> None:
    with pytest.raises(sheettext.Refusal) as refused:
        read("问卷：长" + "长" * sheettext.LONGEST)

    assert refused.value.text == "文字太长：最多 60,000 个字，现在有 60,004 个。"


ODD_LINES = [
    ("使用情况：空\n目标：教职工 100%", 2),
    ("使用情况：空\n1. 装了吗？\nA. 天气", 3),
    ("使用情况：空\n1. 装了吗？\n答案：A", 3),
    ("使用情况：空\n1. 装了吗？\n目标：教职工 100%（火星）", 3),
    ("使用情况：空\n1. 装了吗？\n截止：以后再说", 3),
    ("问卷：空\nA. 收到过", 2),
    ("问卷：空\n1. [单选] 收到过吗？\n列：会｜不会", 3),
    ("问卷：空\n1. [单选] 收到过吗？\n名额：很多", 3),
    ("问卷：空\n只问：第 1 题选 A 的人", 2),
    ("问卷：空\n1. [单选] 收到过吗？\n2. [一句话] 说什么？\n只问：第 1 题选 甲 的人", 4),
    ("问卷：空\n1. [打分 1–5] 慌吗？\n2. [一句话] 说什么？\n只问：第 1 题打 A 分的人", 4),
    ("问卷：空\n1. [打分 1–5：很不满意] 怎么样？", 2),
]


@pytest.mark.parametrize(("text", "line"), ODD_LINES, ids=[text.splitlines()[-1] for text, _ in ODD_LINES])
def test_what_stands_where_it_does_not_belong_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unclear) as refused:
        read(text)

    assert refused.value.line == line


def test_text_that_looks_like_a_mark_is_kept_behind_a_backslash() -> None:
    asked = Question("choice", "这样写（必答）", False, options=("是", "否"), capacities=(30, None))
    sheet = Questionnaire("标题", "请看：\n1. 不是编号", (asked,), "\\从这里开始", ())
    text = write(sheet)

    assert read(text) == sheet
    assert "\n\\1. 不是编号\n" in text
    assert "名额：A 30" in text
    assert "（必答\\）" in text


def test_ends_of_a_rating_may_have_a_line_of_their_own() -> None:
    typed, inline = "1. [打分 1–5] 慌吗？\n两头：不慌｜很慌", "1. [打分 1–5：不慌｜很慌] 慌吗？"

    assert read(f"问卷：空\n{typed}") == read(f"问卷：空\n{inline}")


def test_kind_and_title_are_read_without_the_rest() -> None:
    assert sheettext.named("责任书：六不承诺\n别的什么") == ("pledge", "六不承诺")
