import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from quizsvc.core import notices
from quizsvc.core.indicators import Tally
from quizsvc.core.notices import Notice, Piece

CHINA = timezone(timedelta(hours=8))
AT = datetime(2026, 12, 12, 15, 42, tzinfo=CHINA)

NOTICE = Notice(
    unit_name="七年级（3）班",
    title="反诈测试",
    state="open",
    expected=45,
    done=37,
    missing=8,
    opens_at=datetime(2026, 12, 1, 8, 0, tzinfo=CHINA),
    closes_at=datetime(2026, 12, 12, 20, 0, tzinfo=CHINA),
    at=AT,
    items=10,
    minutes=6,
    phrase="青禾 27",
    address="https://fz.example/c/7K3M9Q2?s=g",
    hotline="96110",
)


def sentence(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def lead(
    tally: Tally, *, missing: int | None = None, gaps: tuple[tuple[str, int], ...] = (), siblings: int = 0
) -> str:
    told = tally.expected - tally.done if missing is None else missing
    return sentence(
        notices.lead(
            scope="全县",
            people="名学生",
            tally=tally,
            missing=told,
            gaps=gaps,
            siblings=siblings,
            counter="所学校",
        )
    )


def test_group_text_has_counts_deadline_way_phrase_and_vow() -> None:
    assert notices.group_text(NOTICE) == (
        "【七年级（3）班】反诈测试：已完成 37/45，还差 8 人。还没做的同学请在今晚 20:00 前完成，10 道题，约 6 分钟："
        "微信扫班级海报上的码，或打开 https://fz.example/c/7K3M9Q2?s=g ，先核对“青禾 27”。"
        "页面不会要密码、验证码和银行卡，也不会让你转账。做过的同学不用再做，进不去的请告诉我。"
    )


def test_parents_text_asks_for_help_and_promises_nothing_is_sold() -> None:
    assert notices.parents_text(NOTICE) == (
        "各位家长好。【七年级（3）班】反诈测试：已完成 37/45，还差 8 人。请您提醒还没做的孩子在今晚 20:00 前完成，"
        "10 道题，约 6 分钟：可以用您的手机，微信扫班级海报上的码，或打开 https://fz.example/c/7K3M9Q2?s=g ，"
        "先核对“青禾 27”。页面不会要密码、验证码和银行卡，也不会让你转账。不收费，不用关注公众号，也不用转发。"
        "有疑问请直接问我，也可以拨打 96110。"
    )


MONDAY = date(2026, 12, 7)
RECEIPT = replace(NOTICE, title="家长回执", kind="receipt", done=45, missing=0)


def test_weekly_text_has_a_line_a_round_the_tip_and_the_vow() -> None:
    assert notices.weekly_text(
        [NOTICE, RECEIPT], unit_name="七年级（3）班", monday=MONDAY, tip="先挂断。"
    ) == (
        "【七年级（3）班】本周反诈提醒（12 月 7 日至 12 月 13 日）\n"
        "1. 反诈测试：已完成 37/45，还差 8 人。今晚 20:00 截止：微信扫班级海报上的码，"
        "或打开 https://fz.example/c/7K3M9Q2?s=g ，先核对“青禾 27”。\n"
        "2. 家长回执：45 人都交了，谢谢大家！\n"
        "记一条：先挂断。\n"
        "页面不会要密码、验证码和银行卡，也不会让你转账。"
    )


def test_weekly_text_of_a_week_without_anything_open() -> None:
    over = replace(NOTICE, state="closed")

    assert notices.weekly_text([], unit_name="一班", monday=MONDAY, tip="").splitlines()[1:] == [
        "这一周没有要做的。"
    ]
    assert notices.weekly_text([over], unit_name="一班", monday=MONDAY, tip="").splitlines()[1:] == [
        "1. 反诈测试：已经结束，完成 37/45。"
    ]


def test_tips_go_round_week_by_week() -> None:
    tips = ("甲", "乙", "丙")
    weeks = [MONDAY + timedelta(weeks=number) for number in range(6)]

    told = [notices.tip_of(tips, monday) for monday in weeks]
    assert sorted(told[:3]) == sorted(tips)
    assert told[:3] == told[3:]


@pytest.mark.parametrize("write", [notices.group_text, notices.parents_text])
def test_every_figure_in_a_reminder_is_one_it_may_tell(write: Callable[[Notice], str]) -> None:
    figures = re.findall(r"[0-9]+", re.sub(r"https?://\S+", "", write(NOTICE)))
    assert set(figures) <= {"3", "37", "45", "8", "20", "00", "10", "6", "27", "96110"}


@pytest.mark.parametrize("write", [notices.group_text, notices.parents_text])
def test_nobody_is_asked_when_all_are_done(write: Callable[[Notice], str]) -> None:
    done = replace(NOTICE, done=45, missing=0)
    assert write(done) == "【七年级（3）班】反诈测试：45 人都完成了，谢谢大家！"


@pytest.mark.parametrize(("expected", "said"), [(45, "已经结束，完成 37/45。"), (0, "已经结束，37 人完成。")])
def test_nobody_is_asked_after_the_end(expected: int, said: str) -> None:
    assert (
        notices.group_text(replace(NOTICE, state="closed", expected=expected))
        == f"【七年级（3）班】反诈测试：{said}"
    )


def test_before_the_start_the_opening_is_told() -> None:
    text = notices.group_text(replace(NOTICE, state="before", done=0, missing=45))
    assert text.startswith("【七年级（3）班】反诈测试：12 月 1 日 08:00 开始。请同学们在今晚 20:00 前完成，")


def test_without_a_link_no_way_in_is_told() -> None:
    text = notices.group_text(replace(NOTICE, phrase="", address=""))
    assert "约 6 分钟。页面不会要" in text
    assert "核对" not in text


def test_without_head_count_no_gap_is_told() -> None:
    text = notices.group_text(replace(NOTICE, expected=0, missing=0))
    assert "已有 37 人完成。" in text
    assert "还差" not in text


def test_a_surplus_is_no_reason_to_stop_asking() -> None:
    text = notices.group_text(replace(NOTICE, done=46, missing=0))
    assert text.startswith("【七年级（3）班】反诈测试：已有 46 人完成。还没做的同学请在今晚 20:00 前完成，")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 12, 12, 17, 0, tzinfo=CHINA), "今晚 17:00"),
        (datetime(2026, 12, 12, 16, 59, tzinfo=CHINA), "今天 16:59"),
        (datetime(2026, 12, 13, 18, 0, tzinfo=CHINA), "明天 18:00"),
        (datetime(2026, 12, 14, 18, 0, tzinfo=CHINA), "12 月 14 日 18:00"),
        (datetime(2026, 12, 11, 18, 0, tzinfo=CHINA), "12 月 11 日 18:00"),
    ],
)
def test_moments_are_told_as_people_say_them(moment: datetime, said: str) -> None:
    assert notices.moment_text(moment, AT) == said


def test_a_date_keeps_a_space_from_the_words_before_it() -> None:
    later = replace(NOTICE, closes_at=datetime(2026, 12, 20, 18, 0, tzinfo=CHINA))
    assert "请在 12 月 20 日 18:00 前完成" in notices.group_text(later)


SIX = (
    ("职业中专", 578),
    ("第二小学", 293),
    ("实验中学", 209),
    ("河湾乡", 154),
    ("青石镇", 105),
    ("北岭", 73),
)


def test_lead_tells_the_gap_and_the_few_units_that_hold_it() -> None:
    assert lead(Tally(expected=41286, done=39874), gaps=SIX, siblings=23) == (
        "全县 41,286 名学生已有 39,874 人完成，还差 1,412 人，四分之三以上集中在 3 所学校。"
    )


def test_lead_marks_the_gap_and_only_the_gap() -> None:
    pieces = notices.lead(
        scope="全县",
        people="名学生",
        tally=Tally(expected=9, done=7),
        missing=2,
        gaps=(),
        siblings=0,
        counter="",
    )
    assert [piece.text for piece in pieces if piece.mark == "gap"] == ["还差 2 人"]
    assert [piece.text for piece in pieces if piece.mark == "number"] == ["9", "7"]


@pytest.mark.parametrize(
    ("gaps", "siblings", "where"),
    [
        ((("甲", 5),), 4, "，都在甲"),
        ((("甲", 3), ("乙", 2)), 4, "，都在 2 所学校"),
        ((("甲", 3), ("乙", 2)), 2, "，一半以上在甲"),
        ((("甲", 90), ("乙", 5), ("丙", 3), ("丁", 2)), 4, "，九成以上在甲"),
        ((("甲", 25), ("乙", 25), ("丙", 25), ("丁", 25)), 4, "，一半以上集中在 2 所学校"),
        (
            (("甲", 9), ("乙", 9), ("丙", 9), ("丁", 9), ("戊", 9), ("己", 9), ("庚", 9)),
            9,
            "，分布在 7 所学校",
        ),
        ((), 1, ""),
        ((("甲", 5),), 1, ""),
    ],
)
def test_lead_says_where_as_precisely_as_few_units_allow(
    gaps: tuple[tuple[str, int], ...], siblings: int, where: str
) -> None:
    missing = sum(number for _, number in gaps) or 1
    text = lead(Tally(expected=200, done=200 - missing), gaps=gaps, siblings=siblings)
    assert text == f"全县 200 名学生已有 {200 - missing} 人完成，还差 {missing} 人{where}。"


def test_lead_when_nobody_has_started() -> None:
    assert lead(Tally(expected=45)) == "全县 45 名学生还没有人开始。"


def test_lead_when_some_are_at_it_and_nobody_is_done() -> None:
    assert lead(Tally(expected=45, open=3)) == "全县 45 名学生还没有人完成，3 人正在作答。"


def test_lead_when_all_are_done_and_know() -> None:
    assert lead(Tally(expected=45, done=45, aware=45)) == "全县 45 名学生全部完成，并且全部达到知晓标准。"


def test_lead_when_all_are_done_and_some_are_still_to_learn() -> None:
    assert lead(Tally(expected=1045, done=1045, aware=40)) == (
        "全县 1,045 名学生全部完成，其中 40 人达到知晓标准，还有 1,005 人可以再练一遍。"
    )


def test_lead_never_hides_a_gap_behind_another_units_surplus() -> None:
    """46 of 45 in one class and 44 of 45 in another are 90 of 90, and still one is missing."""
    text = lead(Tally(expected=90, done=90), missing=1, gaps=(("七（1）班", 1),), siblings=2)
    assert text == "全县 90 名学生已有 90 人完成，还差 1 人，都在七（1）班。"


def test_lead_never_calls_a_surplus_complete() -> None:
    assert (
        lead(Tally(expected=38, done=40, aware=40))
        == "全县 38 名学生里已有 40 人完成，人数对不上，请核对名册。"
    )


def test_lead_without_head_counts() -> None:
    assert lead(Tally()) == "全县还没有应测人数，请先导入名册或登记人数。"
    assert lead(Tally(done=7)) == "全县已有 7 人完成，但还没有登记应测人数。"


def told(tally: Tally, missing: int = 0, kind: str = "receipt", nameless: bool = False) -> str:
    return sentence(
        notices.lead(
            scope="全班", people="名学生", tally=tally, missing=missing, gaps=(), siblings=0, counter="", kind=kind,
            nameless=nameless,
        )
    )  # fmt: skip


def test_reminders_of_sheets_name_what_is_done_and_never_minutes() -> None:
    receipt = replace(NOTICE, kind="receipt", title="风险告知回执", items=0, minutes=0)
    said = notices.group_text(receipt)
    assert "请还没交的家长在" in said
    assert "读完告知书，选“是”或“否”" in said
    assert "交过的不用再交。没有手机的，交纸质的给我。" in said
    assert "分钟" not in said
    assert "用您的手机" in notices.parents_text(receipt)
    survey = replace(NOTICE, kind="survey", nameless=True, expected=0, done=12, missing=0, items=0, minutes=0)
    assert "已收到 12 份。" in notices.group_text(survey)
    assert "已经结束，收到 12 份。" in notices.group_text(replace(survey, state="closed"))
    assert "已经结束，已交 " in notices.group_text(replace(receipt, state="closed"))


def test_lead_speaks_of_each_kind_in_its_own_words() -> None:
    assert told(Tally(45, 41, 40), 4) == "全班 45 名学生已有 41 人交了，还差 4 人。"
    assert told(Tally(45), 45) == "全班 45 名学生还没有人交。"
    assert told(Tally(45, 45, 40)) == (
        "全班 45 名学生全部交了，其中 40 人选“是”，还有 5 人选“否”，请再讲一讲。"
    )
    assert told(Tally(45, 45, 45), kind="pledge") == "全班 45 名学生全部签了。"
    assert told(Tally(45, 45, 45), kind="adoption") == "全班 45 名学生全部填了，并且每一项都做到了。"
    assert told(Tally(0, 12, 12), kind="survey", nameless=True) == "全班收到 12 份，不认人，不算比率。"
