"""What keeps rules from being announced, what may change afterwards, what is printed."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from quizsvc.core import announcement, publicvalue, standing
from quizsvc.core.announcement import Gap
from quizsvc.core.rulebook import LABELS, Rules, Source
from tests.core.test_rulebook import ROUND, all_rules
from tests.make import DRAW_AT, SOURCES, rules_of

SOUND = rules_of(ROUND)
HOUR = timedelta(hours=1)
FIRST, SECOND, THIRD = SOUND.tiers
DRAND = Source(kind="drand", name="drand 第 5000000 轮", at=SOURCES[-1].at, bits=256)
TEST_ROUND = replace(ROUND, is_test=True)


def fields_of(found: list[Gap]) -> list[str]:
    return [gap.field for gap in found]


def test_sound_rules_have_no_gap() -> None:
    assert announcement.gaps(SOUND) == []


def test_everything_is_missing_in_the_order_of_the_page() -> None:
    empty = replace(SOUND, **{one.name: "" for one in fields(Rules) if one.type == "str" or one.type is str})
    found = announcement.gaps(empty)

    assert fields_of(found) == [
        "who", "scoring", "strategy", "selection", "fallback", "published_where", "claim", "documents", "forfeiture",
        "tax", "fairness", "privacy", "contact", "board",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"round": replace(ROUND, organisers=())}, "round.organisers", "还没有写主办单位"),
        ({"round": replace(ROUND, papers=())}, "round.papers", "还没有试卷"),
        ({"contact": "  "}, "contact", "投诉和咨询"),
        ({"tiers": ()}, "tiers", "至少写一个奖项"),
        ({"tiers": (FIRST, replace(SECOND, name="一等奖"), THIRD)}, "tiers", "名称不能重复"),
        ({"tiers": (FIRST, THIRD, SECOND)}, "tiers", "抽奖的奖项要从高到低写"),
        ({"tiers": (replace(FIRST, name=""),)}, "tiers", "都要有名称"),
        ({"tiers": (replace(FIRST, item=""),)}, "tiers", "一等奖：请写明奖品"),
        ({"tiers": (replace(FIRST, number=0),)}, "tiers", "名额至少 1 个"),
        ({"tiers": (replace(FIRST, value_yuan=-1),)}, "tiers", "请写明每份价值"),
        ({"tiers": (replace(FIRST, by="favour"),)}, "tiers", "请选按名次还是抽奖"),
        ({"tiers": (replace(SECOND, value_yuan=50_001),)}, "tiers", "最高不能超过 5 万元"),
        ({"round": TEST_ROUND}, "tiers", "测试活动不能设奖品"),
        ({"strategy": "luck"}, "strategy", "请选一种排名办法"),
        (
            {"strategy": "daily_sum", "round": replace(ROUND, per="round")},
            "strategy",
            "只能用在按天计次数的场次",
        ),
        ({"qualifies": ()}, "qualifies", "从高到低写"),
        ({"qualifies": (9000, 9000)}, "qualifies", "从高到低写"),
        ({"qualifies": (10001,)}, "qualifies", "从高到低写"),
        ({"qualifies": (9000, 0)}, "qualifies", "从高到低写"),
        ({"draw_at": None}, "draw_at", "请写明抽奖时间"),
        ({"draw_at": ROUND.closes_at, "sources": (DRAND,)}, "draw_at", "要在比赛截止之后"),
        ({"draw_at": DRAW_AT - timedelta(days=1)}, "draw_at", "不能早于公开号码"),
        ({"fallback": ""}, "fallback", "没有按时开出"),
        ({"sources": SOURCES[:2]}, "sources", "至少要有 64 比特"),
        ({"sources": ()}, "sources", "至少要有 64 比特"),
        ({"sources": (DRAND, DRAND)}, "sources", "不能用两次"),
        ({"sources": (replace(DRAND, kind="my own"),)}, "sources", "请选公开号码的种类"),
        ({"sources": (replace(DRAND, name=" "),)}, "sources", "写明是哪一个"),
        ({"sources": (replace(DRAND, bits=257),)}, "sources", "最多能算 256 比特"),
        ({"sources": (replace(DRAND, at=ROUND.closes_at + HOUR),)}, "sources", "要在截止 1 小时以后"),
        ({"published_days": 0}, "published_days", "至少 1 天"),
        ({"claim_days": 0}, "claim_days", "至少 1 天"),
        ({"board": "everywhere"}, "board", "请选排行榜"),
        ({"board": "frozen"}, "board_freezes_at", "什么时候封榜"),
        (
            {"board": "frozen", "board_freezes_at": ROUND.closes_at + HOUR},
            "board_freezes_at",
            "要在开始之后、截止之前",
        ),
        ({"board_least": 4}, "board_least", "至少要 5 人"),
    ],
)
def test_one_fault_is_one_gap(changes: dict[str, Any], field: str, said: str) -> None:
    [gap] = announcement.gaps(replace(SOUND, **changes))

    assert gap.field == field
    assert said in gap.sentence


def test_edges_are_no_gaps() -> None:
    last_go = ROUND.closes_at + timedelta(seconds=60)
    edges: dict[str, Any] = {
        "tiers": (replace(SECOND, value_yuan=50_000, number=1), replace(FIRST, value_yuan=90_000)),
        "qualifies": (10000, 1),
        "sources": (replace(DRAND, at=last_go + HOUR),),
        "draw_at": last_go + HOUR,
        "board": "frozen",
        "board_freezes_at": ROUND.closes_at,
        "board_least": 5,
        "published_days": 1,
        "claim_days": 1,
    }

    assert announcement.gaps(replace(SOUND, **edges)) == []


def test_test_campaign_needs_nothing_about_prizes_and_may_have_none() -> None:
    plain = Rules(
        round=TEST_ROUND, who="大家", scoring="答对得分", fairness="不作弊", privacy="只收昵称", contact="办公室"
    )  # fmt: skip

    assert announcement.gaps(plain) == []
    assert fields_of(announcement.gaps(replace(plain, round=ROUND))) == ["tiers"]


def test_prizes_by_rank_alone_need_no_public_value() -> None:
    assert announcement.gaps(replace(SOUND, tiers=(FIRST,), sources=(), draw_at=None, fallback="")) == []


def test_minors_need_an_approval_a_guardian_and_a_board_that_waits() -> None:
    minors = replace(SOUND, minors=True)
    sound = replace(minors, approval="教基〔2026〕1 号", documents="由监护人陪同", board="hidden")

    assert fields_of(announcement.gaps(minors)) == ["approval", "claim", "board"]
    assert fields_of(announcement.gaps(replace(sound, board="frozen", board_freezes_at=ROUND.closes_at))) == [
        "board"
    ]
    assert announcement.gaps(sound) == []
    assert announcement.gaps(replace(sound, board="off")) == []


@pytest.mark.parametrize(
    ("kind", "name", "bits"),
    [
        ("lottery", "双色球 2026135 期", 24),
        ("lottery", "快乐8 2026330 期", 61),
        ("lottery", "我的彩票 1 期", 0),
        ("drand", "drand 第 5 轮", 256),
        ("dice", "现场掷 25 次骰子", 64),
        ("dice", "现场掷骰子", 0),
    ],
)
def test_bits_follow_from_what_the_value_is(kind: str, name: str, bits: int) -> None:
    assert announcement.most_bits(Source(kind=kind, name=name, at=DRAW_AT, bits=0)) == bits


@pytest.mark.parametrize("throws", [1, 7, 25, 26, 100])
def test_dice_are_thrown_as_often_as_the_rules_say(throws: int) -> None:
    """The recorder asks for publicvalue.dice_for(bits) of them."""
    source = Source(kind="dice", name=f"现场掷 {throws} 次骰子", at=DRAW_AT, bits=0)

    assert publicvalue.dice_for(announcement.most_bits(source)) == throws


# --- changes


def test_changes_are_told_in_words() -> None:
    later = replace(
        SOUND,
        round=replace(ROUND, closes_at=ROUND.closes_at + HOUR, limit_s=90, item_s=60, pace="strict", per="round"),
        contact="", minors=True, qualifies=(9500,), tiers=(), board="off", strategy="score", board_freezes_at=DRAW_AT,
    )  # fmt: skip

    told = {
        change.field: (change.label, change.old, change.new) for change in announcement.changes(SOUND, later)
    }

    assert told == {
        "round.closes_at": ("截止时间", "2026年12月20日 18:00", "2026年12月20日 19:00"),
        "round.per": ("次数按什么算", "每天", "整个比赛"),
        "round.limit_s": ("限时", "不限时", "1 分 30 秒"),
        "round.pace": ("答题方式", "一次看到全部题目", "一题一题答"),
        "round.item_s": ("每题限时", "不限时", "1 分钟"),
        "minors": ("未成年人参加", "否", "是"),
        "strategy": ("怎么排名次", "最好的一次", "最高得分"),
        "qualifies": ("进入抽奖的成绩", "100%、90%", "95%"),
        "tiers": (
            "奖项",
            "一等奖 2 名：平板电脑，1500 元，按名次；二等奖 3 名：蓝牙耳机，200 元，抽奖；"
            "三等奖 10 名：保温杯，50 元，抽奖",
            "没有",
        ),
        "contact": ("投诉和咨询", "阳光县教育局 0555-1234567", "没有"),
        "board": ("排行榜", "实时公布", "不公布"),
        "board_freezes_at": ("封榜时间", "没有", "2026年12月28日 10:00"),
    }  # fmt: skip


def test_unknown_words_are_told_as_they_stand() -> None:
    odd = replace(
        SOUND, strategy="luck", board="x", sources=(replace(DRAND, kind="k", name="n"),),
        tiers=(replace(FIRST, by="b"),), round=replace(ROUND, organisers=("甲", "乙"), limit_s=45),
    )  # fmt: skip

    told = {change.field: change.new for change in announcement.changes(SOUND, odd)}

    assert told == {
        "round.organisers": "甲；乙", "round.limit_s": "45 秒", "strategy": "luck", "board": "x",
        "tiers": "一等奖 2 名：平板电脑，1500 元，b", "sources": "k n，2026年12月27日 21:15，256 比特",
    }  # fmt: skip


@settings(max_examples=20)
@given(all_rules, all_rules)
def test_changes_are_there_exactly_when_rules_differ(one: Rules, other: Rules) -> None:
    assert announcement.changes(one, one) == []
    assert bool(announcement.changes(one, other)) == (one != other)


MAY_CHANGE = {
    "round.title": "反诈竞赛", "round.organisers": ("县教育局", "县公安局"), "round.closes_at": ROUND.closes_at - HOUR,
    "approval": "1 号", "draw_at": DRAW_AT + HOUR, "published_where": "公告栏", "published_days": 6, "claim": "二楼领",
    "claim_days": 31, "documents": "身份证", "fairness": "更清楚", "privacy": "更清楚", "contact": "12345",
    "board": "off", "board_freezes_at": ROUND.closes_at,
}  # fmt: skip
MAY_NOT_CHANGE = {
    "round.opens_at": ROUND.opens_at + HOUR, "round.attempts": 2, "round.per": "round", "round.limit_s": 600,
    "round.pace": "strict", "round.item_s": 30, "round.papers": ("b" * 64,), "round.is_test": True, "who": "别人",
    "minors": True, "scoring": "倒扣分", "strategy": "score", "qualifies": (10000,), "tiers": (FIRST, SECOND),
    "selection": "另说", "draw_at": DRAW_AT - HOUR, "sources": (DRAND,), "fallback": "再说", "published_days": 4,
    "claim_days": 29, "forfeiture": "另说", "tax": "自付", "board_least": 31,
}  # fmt: skip


def changed(field: str, value: Any) -> Rules:
    if field.startswith("round."):
        return replace(SOUND, round=replace(ROUND, **{field.removeprefix("round."): value}))
    return replace(SOUND, **{field: value})


def test_every_field_is_known_to_stay_or_not() -> None:
    assert MAY_CHANGE.keys() | MAY_NOT_CHANGE.keys() == LABELS.keys()


@pytest.mark.parametrize(("field", "value"), MAY_CHANGE.items())
def test_clarification_may_be_announced_after_the_start(field: str, value: Any) -> None:
    after = changed(field, value)

    assert after != SOUND
    assert announcement.refused_changes(SOUND, after, started=True) == []


@pytest.mark.parametrize(("field", "value"), MAY_NOT_CHANGE.items())
def test_what_people_played_for_stays_after_the_start(field: str, value: Any) -> None:
    after = changed(field, value)

    assert fields_of(announcement.refused_changes(SOUND, after, started=True)) == [field]
    assert announcement.refused_changes(SOUND, after, started=False) == []


@pytest.mark.parametrize(
    ("opens", "after", "said"),
    [(0, -1, False), (0, 0, True), (-1, -1, True), (1, 0, True)],
)
def test_it_has_started_as_soon_as_one_version_says_so(opens: int, after: int, said: bool) -> None:
    moved = changed("round.opens_at", ROUND.opens_at + opens * HOUR)

    assert announcement.started(SOUND, moved, ROUND.opens_at + after * HOUR) is said


@pytest.mark.parametrize(("old", "new"), [(None, DRAW_AT), (DRAW_AT, None)])
def test_draw_date_neither_appears_nor_goes_after_the_start(old: Any, new: Any) -> None:
    found = announcement.refused_changes(
        replace(SOUND, draw_at=old), replace(SOUND, draw_at=new), started=True
    )

    assert fields_of(found) == ["draw_at"]


# --- sentences


def printed(rules: Rules) -> str:
    said = announcement.sentences(rules)
    return "\n".join(
        (
            said.summary,
            *said.joining,
            *said.period,
            *said.attempts,
            *said.paper,
            *said.standing,
            *said.draw,
            *said.board,
        )
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (SOUND, "每人每天可以答 3 次，2026年12月20日 18:00 截止，共 15 份奖品。"),
        (SOUND, "2026年12月1日 08:00 开始，2026年12月20日 18:00 截止（北京时间）。"),
        (SOUND, "试卷已经定稿，指纹：aaaaaaaa。"),
        (SOUND, "有一次得分达到满分的 100%，就进入抽奖。"),
        (SOUND, "再补入达到 90% 的人"),
        (SOUND, "已经按名次得奖的人，不再参加抽奖"),
        (SOUND, "双色球 2026147 期（2026年12月22日 21:15），再双色球 2026148 期"),
        (SOUND, "抽奖时间：2026年12月28日 10:00。"),
        (SOUND, "满 30 人才上榜"),
        (replace(SOUND, tiers=(SECOND,)), "每人最多得一个奖。"),
        (replace(SOUND, tiers=()), "没有奖品"),
        (replace(SOUND, minors=True), "自愿参加，成绩不作为升学、评优的依据。"),
        (replace(SOUND, board="frozen", board_freezes_at=ROUND.closes_at), "2026年12月20日 18:00 封榜"),
        (replace(SOUND, round=replace(ROUND, per="round", attempts=1)), "每人一共可以答 1 次。"),
        (replace(SOUND, round=replace(ROUND, limit_s=180)), "每次限时 3 分钟，时间以服务器为准。"),
        (replace(SOUND, round=replace(ROUND, pace="strict", item_s=20)), "每道题限时 20 秒。"),
        (replace(SOUND, round=replace(ROUND, pace="strict")), "不能回头"),
        *(
            (replace(SOUND, strategy=name), line)
            for name, one in standing.STRATEGIES.items()
            for line in one.chain
        ),
    ],
)
def test_sentence_follows_from_the_facts(rules: Rules, said: str) -> None:
    assert said in printed(rules)


def test_without_prizes_by_lot_nothing_is_said_about_a_draw() -> None:
    assert announcement.sentences(replace(SOUND, tiers=(FIRST,))).draw == ()


def test_rules_with_gaps_are_printed_as_far_as_they_go() -> None:
    bare = replace(SOUND, qualifies=(), draw_at=None, sources=(), strategy="luck", board="x")

    assert "有一次得分达到满分的 0%" in printed(bare)
    assert announcement.sentences(bare).standing == ()


@settings(max_examples=20)
@given(all_rules)
def test_any_rules_can_be_looked_at(rules: Rules) -> None:
    assert announcement.sentences(rules).joining[0] == announcement.FREE
    assert all(gap.field in LABELS and gap.sentence for gap in announcement.gaps(rules))
