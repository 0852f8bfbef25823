"""Bulletins: what is kept, what is said of it, who is ranked how, and what may not be edited in unnoticed."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import bulletin
from quizsvc.core.bulletin import Figures, Head, Issue, Part, Section, Texts, Topic
from quizsvc.core.indicators import Rate, Tally

CHINA = timezone(timedelta(hours=8))
AT = datetime(2026, 12, 12, 15, 0, tzinfo=CHINA)
CLOSES = datetime(2026, 12, 16, 18, 0, tzinfo=CHINA)


def a_part(number: int, expected: int, done: int, aware: int | None = None, **changes: int) -> Part:
    aware = done if aware is None else aware
    tally = Tally(expected, done, aware, min(aware, done // 2), 0, aware * 90, done * 100)
    return Part(number, f"{number} 校", replace(tally, **changes), max(expected - done, 0))


def whole_of(parts: tuple[Part, ...]) -> Part:
    tally = sum((one.tally for one in parts), Tally())
    return Part(1000, "阳光县", tally, sum(one.missing for one in parts))


def a_section(*parts: Part, **changes: object) -> Section:
    section = Section(1, "反诈知识测试", "test", False, CLOSES, "所学校", whole_of(parts), parts)
    return replace(section, **changes)


def figures_of(*sections: Section, at: datetime = AT) -> Figures:
    return Figures("秋季学期反诈测试", "2026 年秋季学期", "阳光县", "全县", at, sections)


FULL, HALF, LAST = a_part(1, 100, 100), a_part(2, 100, 50), a_part(3, 50, 10)


# what is kept


heads = st.integers(0, 5000)
tallies = st.builds(Tally, *([heads] * 9))
parts = st.builds(Part, heads, st.text(max_size=9), tallies, heads)
moments = st.integers(1_500_000_000, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, CHINA))
sections = st.builds(
    Section,
    heads,
    st.text(max_size=9),
    st.sampled_from(["test", "receipt", "pledge", "adoption", "survey"]),
    st.booleans(),
    moments,
    st.text(max_size=3),
    parts,
    st.lists(parts, max_size=4).map(tuple),
    st.lists(st.builds(Topic, st.text(max_size=5), heads, heads), max_size=3).map(tuple),
)
all_figures = st.builds(
    Figures, *([st.text(max_size=9)] * 4), moments, st.lists(sections, max_size=4).map(tuple)
)


@given(all_figures)
def test_figures_come_back_as_they_were(figures: Figures) -> None:
    assert bulletin.read(bulletin.written(figures)) == figures


def an_issue(figures: Figures, before: Figures | None = None, **changes: object) -> Issue:
    head = Head("关于反诈测试的通报", "阳光县教育局", "", "各中小学", date(2026, 12, 12))
    texts = bulletin.texts(figures, before)
    first, last = bulletin.span("month", AT.date())
    return replace(Issue("month", first, last, 2, 0, head, "all", texts, figures, before), **changes)


def test_an_issue_comes_back_as_it_was_and_everything_in_it_is_in_its_fingerprint() -> None:
    figures = figures_of(a_section(FULL, HALF))
    issue = an_issue(figures, figures_of(a_section(HALF)))
    plain = bulletin.issue_written(issue)

    assert bulletin.issue_read(plain) == issue
    others = [
        replace(issue, listing="none"),
        replace(issue, issue_no=3),
        replace(issue, before=None),
        replace(issue, corrects=1),
        replace(issue, head=replace(issue.head, office="")),
        replace(issue, texts=replace(issue.texts, demands="")),
        replace(issue, figures=replace(figures, at=AT + timedelta(minutes=1))),
    ]
    prints = {bulletin.digest(bulletin.issue_written(one)) for one in [issue, *others]}
    assert len(prints) == 1 + len(others)


def test_figures_of_another_definition_are_not_read() -> None:
    plain = bulletin.written(figures_of())
    with pytest.raises(ValueError, match="definition 2"):
        bulletin.read({**plain, "definition": 2})


def test_heading_tells_the_number_and_what_is_corrected() -> None:
    issue = an_issue(figures_of(a_section(FULL)))

    assert issue.heading == "关于反诈测试的通报（第 2 期）"
    assert replace(issue, corrects=1).heading == "关于反诈测试的通报（第 2 期，更正第 1 期）"
    assert replace(issue, issue_no=0).heading == "关于反诈测试的通报（拟稿）"


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("week", date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22)),
        ("week", date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        ("month", date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        ("month", date(2027, 2, 1), date(2027, 2, 1), date(2027, 2, 28)),
        ("year", date(2026, 6, 1), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_period_has_a_first_and_a_last_day(period: str, day: date, first: date, last: date) -> None:
    assert bulletin.span(period, day) == (first, last)


@pytest.mark.parametrize(
    ("period", "word"),
    [("week", "进展情况的周报"), ("month", "进展情况的通报"), ("year", "年度完成情况的通报")],
)
def test_title_names_the_campaign_and_the_period(period: str, word: str) -> None:
    assert bulletin.title(figures_of(), period) == f"关于秋季学期反诈测试{word}"


# what is said


def test_opening_tells_the_moment_and_every_rate_with_both_numbers() -> None:
    said = bulletin.texts(figures_of(a_section(FULL, HALF, LAST)))

    assert said.opening == (
        "截至 2026 年 12 月 12 日 15:00，全县应测 250 人，已测 160 人，完成率 64.0%（160/250），还差 90 人，"
        "首测知晓率 32.0%（80/250），学后知晓率 64.0%（160/250）。现将有关情况通报如下。"
    )


def test_overall_says_how_many_parts_are_through_and_where_the_gap_is() -> None:
    few = bulletin.texts(figures_of(a_section(FULL, HALF, LAST)))
    many = bulletin.texts(figures_of(a_section(*(a_part(number, 20, 20 - number) for number in range(1, 6)))))

    assert few.overall == "全县 3 所学校中，1 所全员完成。还差的 90 人在2 校、3 校。"
    assert (
        many.overall
        == "全县 5 所学校中，还没有一所全员完成。还差的 15 人里，12 人（80.0%）在5 校、4 校、3 校。"
    )


def test_overall_when_all_are_through_or_there_is_nothing_to_compare() -> None:
    assert bulletin.texts(figures_of(a_section(FULL, a_part(2, 9, 9)))).overall == (
        "全县 2 所学校中，全部做到了全员完成。"
    )
    assert bulletin.texts(figures_of(a_section(FULL))).overall == ""
    surplus = a_section(FULL, a_part(2, 9, 10))
    assert bulletin.texts(figures_of(surplus)).overall == "全县 2 所学校中，1 所全员完成。"


def test_the_issue_before_is_compared_with() -> None:
    was = figures_of(a_section(a_part(1, 100, 20), HALF), at=AT - timedelta(days=30))
    said = bulletin.texts(figures_of(a_section(FULL, HALF)), was)

    assert said.overall.splitlines()[1] == (
        "与上一期（截至 11 月 12 日）相比，完成率升 40.0 个百分点，首测知晓率升 20.0 个百分点，"
        "学后知晓率升 40.0 个百分点。"
    )


def test_nothing_is_compared_with_another_round_or_with_nobody() -> None:
    now = figures_of(a_section(FULL, HALF))
    other = figures_of(a_section(FULL, HALF, round_id=2))
    nobody = figures_of(a_section(a_part(1, 0, 0), a_part(2, 0, 0)))

    assert bulletin.texts(now, other).overall == bulletin.texts(now).overall
    assert bulletin.texts(now, nobody).overall == bulletin.texts(now).overall


def test_other_rounds_are_told_in_their_own_words() -> None:
    receipt = a_section(a_part(1, 100, 90, 80), round_id=2, title="家长回执", kind="receipt")
    pledge = a_section(a_part(1, 10, 10), round_id=3, title="责任书", kind="pledge")
    nameless = a_section(a_part(1, 0, 1234), round_id=4, title="问卷", kind="survey", nameless=True)
    uncounted = a_section(a_part(1, 0, 3), round_id=5, title="使用情况", kind="adoption")

    assert bulletin.texts(figures_of(a_section(FULL), receipt, pledge, nameless, uncounted)).others == (
        "家长回执：应交 100 人，已交 90 人，回执率 90.0%（90/100），还差 10 人，知晓率 80.0%（80/100）。\n"
        "责任书：应签 10 人，已签 10 人，签订率 100%（10/10）。\n"
        "问卷：收到 1,234 份，不认人，不算比率。\n"
        "使用情况：已填 3 人，还没有登记应填人数。"
    )


def test_what_fewer_than_five_know_is_not_told() -> None:
    said = bulletin.texts(figures_of(a_section(a_part(1, 4, 3))), figures_of(a_section(a_part(1, 4, 1))))

    assert "知晓率" not in said.opening
    assert said.overall == ""


def test_a_campaign_without_rounds_says_so() -> None:
    assert bulletin.texts(figures_of()) == Texts(
        "截至 2026 年 12 月 12 日 15:00，阳光县在这个活动里还没有场次。"
    )


TOPICS = (
    Topic("刷单", 9, 10), Topic("冒充客服", 6, 12), Topic("客服", 5, 10), Topic("少见", 0, 9),
    Topic("网贷", 80, 100), Topic("假警察", 89, 100),
)  # fmt: skip


def test_the_weakest_topics_are_named_with_their_numbers() -> None:
    section = a_section(FULL, topics=TOPICS)

    assert [one.name for one in bulletin.weak_topics(section)] == ["冒充客服", "客服", "网贷"]
    assert bulletin.texts(figures_of(section)).topics == (
        "第一次作答时，答对得少的主题是：“冒充客服” 50.0%（6/12）；“客服” 50.0%（5/10）；“网贷” 80.0%（80/100）。"
        "建议各班用几分钟一起讲一讲。"
    )
    assert bulletin.texts(figures_of(a_section(FULL))).topics == ""


def test_demands_ask_while_there_is_time_and_for_reasons_afterwards() -> None:
    open_ = a_section(FULL, HALF, LAST, topics=TOPICS)
    over = replace(open_, closes_at=AT, topics=())

    assert bulletin.texts(figures_of(open_)).demands == (
        "请还没有全部完成的 2 个单位在 12 月 16 日 18:00 前完成补测，逐个核对，不漏一人；不代做，不在群里公布没做的人。"
        "讲评时请用上面的主题。"
    )
    assert bulletin.texts(figures_of(over)).demands == (
        "这一场已经结束，请还没有全部完成的 2 个单位说明原因，需要补测的，请联系主办单位。"
    )
    pledge = a_section(HALF, kind="pledge")
    assert (
        "请还没有全部签的 1 个单位在 12 月 16 日 18:00 前完成补签"
        in bulletin.texts(figures_of(pledge)).demands
    )


def test_demands_without_parts_and_with_nobody_missing() -> None:
    alone = replace(a_section(), whole=HALF)

    assert bulletin.texts(figures_of(alone)).demands.startswith("请在 12 月 16 日 18:00 前完成补测")
    assert bulletin.texts(figures_of(a_section(FULL))).demands == ""


@given(all_figures, st.none() | all_figures)
def test_every_number_that_is_said_is_one_of_the_figures(figures: Figures, before: Figures | None) -> None:
    said = bulletin.texts(figures, before)

    assert bulletin.unfounded(said, [getattr(said, name) for name in Texts.__slots__]) == ()


def test_numbers_that_were_typed_in_are_noticed_and_days_are_not() -> None:
    given_ = bulletin.texts(figures_of(a_section(FULL, HALF)))
    edited = replace(
        given_,
        demands="请在 12 月 20 日 17:30 前把 51 人补齐，做到 99.5%，一共 3 个班，1,500 人，还是 99.5%。",
    )

    assert bulletin.unfounded(edited, [given_.opening]) == ("51", "99.5", "1,500")
    assert bulletin.unfounded(edited, [given_.opening, "51 99.5% 1,500"]) == ()


def test_sentences_that_nobody_touched_are_renewed() -> None:
    old = bulletin.texts(figures_of(a_section(FULL, HALF)))
    new = bulletin.texts(figures_of(a_section(FULL, LAST)))
    edited = replace(old, demands="请各校自查。")

    assert bulletin.rewritten(edited, old, new) == replace(new, demands="请各校自查。")


def test_headings_are_numbered_and_empty_parts_are_left_out() -> None:
    said = Texts("开头。\n\n 第二段。 ", overall="甲。", topics=" \n", demands="乙。\n丙。")

    assert bulletin.paragraphs(said) == (
        ("", ("开头。", "第二段。")),
        ("一、总体情况", ("甲。",)),
        ("二、下一步要求", ("乙。", "丙。")),
    )


# tables


def test_ranks_are_shared_and_go_by_taking_part_then_knowing_then_score() -> None:
    section = a_section(
        a_part(1, 100, 90, 80), a_part(2, 50, 45, 40), a_part(3, 10, 9, 8, score=1), a_part(4, 10, 9, 7),
        a_part(5, 4, 4), a_part(6, 0, 0), a_part(7, 10, 11),
    )  # fmt: skip

    assert bulletin.ranks(section) == {1: 1, 2: 1, 3: 3, 4: 4}


def test_ranks_of_a_round_without_knowing_go_by_taking_part_alone() -> None:
    section = a_section(a_part(1, 10, 9, 0, score=0, out_of=0), a_part(2, 10, 9, 9), kind="pledge")
    assert bulletin.ranks(replace(section, parts=tuple(replace(one, tally=replace(one.tally, score=0, out_of=0))
                                                       for one in section.parts))) == {1: 1, 2: 1}  # fmt: skip


def test_table_of_all_units_has_every_rate_and_a_rank() -> None:
    was = figures_of(a_section(a_part(2, 100, 40), FULL))
    (table,) = bulletin.tables(figures_of(a_section(LAST, HALF, FULL)), was, "all")

    assert table.title == "反诈知识测试"
    assert table.headers == (
        "学校", "应测", "已测", "还差", "完成率", "首测知晓率", "学后知晓率", "平均分", "较上期", "名次",
    )  # fmt: skip
    assert table.rows == (
        ("1 校", 100, 100, 0, Rate(100, 100), Rate(50, 100), Rate(100, 100), "90.0", "没有变化", 1),
        ("2 校", 100, 50, 50, Rate(50, 100), Rate(25, 100), Rate(50, 100), "90.0", "升 10.0 个百分点", 2),
        ("3 校", 50, 10, 40, Rate(10, 50), Rate(5, 50), Rate(10, 50), "90.0", "—", 3),
    )


def test_table_of_those_that_lack_has_no_ranks_and_the_largest_gap_first() -> None:
    (table,) = bulletin.tables(figures_of(a_section(LAST, FULL, HALF)), None, "lacking")

    assert table.headers == ("学校", "应测", "已测", "还差", "完成率", "首测知晓率", "学后知晓率", "平均分")
    assert [row[0] for row in table.rows] == ["2 校", "3 校"]


def test_small_and_doubtful_units_are_marked() -> None:
    section = a_section(a_part(1, 4, 3), a_part(2, 10, 12), a_part(3, 0, 0), a_part(4, 9, 9))
    was = replace(section, parts=(a_part(4, 4, 3), *section.parts[:3]))
    (table,) = bulletin.tables(figures_of(section), figures_of(was), "all")

    assert table.rows == (
        ("4 校", 9, 9, 0, Rate(9, 9), Rate(4, 9), Rate(9, 9), "90.0", "—", 1),
        ("1 校", 4, 3, 1, Rate(3, 4), "人数太少", "人数太少", "—", "—", "—"),
        ("2 校（人数要核对）", 10, 12, 0, Rate(12, 10), Rate(6, 10), Rate(12, 10), "90.0", "没有变化", "—"),
    )


def test_tables_of_other_kinds_and_none() -> None:
    pledge = a_section(a_part(1, 10, 9), a_part(2, 10, 10), round_id=2, kind="pledge", title="责任书")
    nameless = a_section(a_part(1, 0, 7), round_id=3, kind="survey", nameless=True, title="问卷", counter="")
    figures = figures_of(a_section(FULL), pledge, nameless)

    assert bulletin.tables(figures, None, "none") == ()
    lacking = bulletin.tables(figures, None, "lacking")
    assert [one.title for one in lacking] == ["责任书"]
    assert lacking[0].headers == ("学校", "应签", "已签", "还差", "签订率")
    every = bulletin.tables(figures, figures, "all")
    assert [one.title for one in every] == ["反诈知识测试", "责任书", "问卷"]
    assert every[1].rows[0] == ("2 校", 10, 10, 0, Rate(10, 10), "没有变化", 1)
    assert every[2].headers == ("单位", "份数")
    assert every[2].rows == (("1 校", 7),)
    assert an_issue(figures, listing="lacking").tables == lacking


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("甲校", "甲校"),
        (1200, "1,200"),
        (Rate(39, 40), "97.5%\n39/40"),
        (Rate(0, 0), "—"),
        (Rate(4, 4), "100%\n4/4"),
    ],
)
def test_cells_are_written_for_print(cell: bulletin.Cell, text: str) -> None:
    assert bulletin.cell_text(cell) == text


def test_small_print_names_the_fingerprint_and_the_place() -> None:
    assert bulletin.foot() == (bulletin.RATES_MEAN,)
    assert bulletin.foot("ab" * 32, "7:9f86") == (
        bulletin.RATES_MEAN,
        "数据指纹 abababababababab · 操作记录链头 7:9f86",
    )
