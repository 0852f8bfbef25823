"""What keeps rules from being announced, what may change afterwards, and the sentences that follow from them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from quizsvc.core import publicvalue
from quizsvc.core.publicvalue import LEAST_BITS
from quizsvc.core.rulebook import BOARDS, BY, LABELS, SOURCES, Round, Rules, Source, Tier, moment, percent
from quizsvc.core.standing import STRATEGIES
from quizsvc.core.window import GRACE_S

BOARDS_FOR_MINORS: Final = frozenset({"off", "hidden"})
FREE: Final = "不收费、不要密码验证码、不用转发。"
FOR_MINORS: Final = "自愿参加，成绩不作为升学、评优的依据。"
UNKNOWN_FOR = timedelta(hours=1)
"""How long after the last go a public value must stay unknown: until then the list is frozen."""

MOST_YUAN_BY_LOT = 50_000
LEAST_IN_A_UNIT = 5
_ALWAYS = {
    "who": "请写明谁可以参加。",
    "scoring": "请写明怎么计分。",
    "fairness": "请写明什么算作弊、发现后怎么处理。",
    "privacy": "请写明收集什么个人信息、留到什么时候。",
    "contact": "请写明投诉和咨询的电话或地点。",
}
_WITH_PRIZES = {
    "selection": "请写明获奖者怎么产生。",
    "published_where": "请写明在哪里公示获奖名单。",
    "claim": "请写明在哪里、什么时间、怎么领奖。",
    "documents": "请写明领奖要带什么。",
    "forfeiture": "请写明逾期不领怎么办。",
    "tax": "请写明税费由谁承担。",
}
_STAYS = {
    "round.opens_at", "round.attempts", "round.per", "round.limit_s", "round.pace", "round.item_s", "round.papers",
    "round.is_test", "who", "minors", "scoring", "strategy", "qualifies", "tiers", "selection", "sources", "fallback",
    "forfeiture", "tax", "board_least",
}  # fmt: skip
_ONLY_LATER = {
    "draw_at": "抽奖时间只能推后，不能提前。",
    "published_days": "公示天数只能加长，不能缩短。",
    "claim_days": "领奖期限只能放宽，不能缩短。",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that must be mended before the rules can be published.

    field: a key of LABELS
    sentence: what is missing or may not be, zh-CN
    """

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between two versions.

    field: a key of LABELS
    label: its name on pages
    old, new: the values in words, zh-CN
    """

    field: str
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Sentences:
    """What the program does, in the words in which it is printed; nobody writes them, so they cannot be wrong.

    summary: one sentence
    joining, period, attempts, paper, standing, draw, board: sentences in their order; draw is empty without prizes
        by lot
    """

    summary: str
    joining: tuple[str, ...]
    period: tuple[str, ...]
    attempts: tuple[str, ...]
    paper: tuple[str, ...]
    standing: tuple[str, ...]
    draw: tuple[str, ...]
    board: tuple[str, ...]


def gaps(rules: Rules) -> list[Gap]:
    """List what keeps the rules from being published.

    rules: any
    return: in the order of LABELS, empty when they may be published
    Source: features.md F-041, F-044, F-049, domain.md 4.3
    """
    found = [Gap(field, sentence) for part in _PARTS for field, sentence in part(rules)]
    return sorted(found, key=lambda gap: list(LABELS).index(gap.field))


def changes(before: Rules, after: Rules) -> list[Change]:
    """List the fields in which two versions differ.

    before, after: any
    return: in the order of LABELS
    """
    old, new = _by_field(before), _by_field(after)
    return [
        Change(field, label, _in_words(field, old[field]), _in_words(field, new[field]))
        for field, label in LABELS.items()
        if old[field] != new[field]
    ]


def started(before: Rules, after: Rules, at: datetime) -> bool:
    """Tell whether people may have played.

    before: the version in force. after: what is to follow it
    at: aware
    return: True from the opening on that either of them says
    """
    return min(before.round.opens_at, after.round.opens_at) <= at


def refused_changes(before: Rules, after: Rules, *, started: bool) -> list[Gap]:
    """List the changes that may not be announced any more, because people have played under other rules.

    before: the version in force. after: what is to follow it
    started: whether the round has opened
    return: in the order of LABELS; empty before the start
    Source: domain.md 4.3 (no change of prizes, conditions or amounts after the start)
    """
    if not started:
        return []
    old, new = _by_field(before), _by_field(after)
    refused = {
        field: f"比赛已经开始，“{LABELS[field]}”不能再改。" for field in _STAYS if old[field] != new[field]
    }
    refused |= {
        field: sentence for field, sentence in _ONLY_LATER.items() if _shrinks(old[field], new[field])
    }
    return [Gap(field, refused[field]) for field in LABELS if field in refused]


def most_bits(source: Source) -> int:
    """Tell how much chance a public value can carry.

    source: its kind, and its name: the lottery, or how many times the dice are thrown
    return: whole bits, rounded down; 0 when the name does not say
    """
    most = publicvalue.most_bits(source.kind, source.name)
    if most is not None:
        return most
    throws = re.search("[0-9]{1,3}", source.name)
    return (6 ** int(throws.group())).bit_length() - 1 if throws else 0


def sentences(rules: Rules) -> Sentences:
    """Write down what follows from the facts.

    rules: without gaps; with gaps the sentences say what is there
    return: zh-CN
    """
    return Sentences(
        summary=_summary(rules),
        joining=(FREE, *([FOR_MINORS] if rules.minors else [])),
        period=(f"{moment(rules.round.opens_at)} 开始，{moment(rules.round.closes_at)} 截止（北京时间）。",),
        attempts=tuple(_attempts(rules.round)),
        paper=tuple(_paper(rules.round)),
        standing=tuple(f"{one}。" for one in STRATEGIES[rules.strategy].chain)
        if rules.strategy in STRATEGIES
        else (),
        draw=tuple(_draw(rules)),
        board=tuple(_board(rules)),
    )


def _shrinks(old: Any, new: Any) -> bool:
    return bool(old != new and (old is None or new is None or new < old))


def _summary(rules: Rules) -> str:
    prizes = sum(tier.number for tier in rules.tiers)
    won = f"共 {prizes} 份奖品" if prizes else "没有奖品"
    return f"{_number_of_goes(rules.round)}，{moment(rules.round.closes_at)} 截止，{won}。"


def _number_of_goes(round_: Round) -> str:
    return f"每人{'每天' if round_.per == 'day' else '一共'}可以答 {round_.attempts} 次"


def _attempts(round_: Round) -> Iterator[str]:
    yield f"{_number_of_goes(round_)}。"
    if round_.per == "day":
        yield "一天从北京时间 0 点算起；开始答题的那一刻在哪一天，就算哪一天的。当天没用的次数不留到第二天。"
    yield "练习不算次数，也不算成绩。"
    if round_.limit_s is not None:
        yield f"每次限时 {_span(round_.limit_s)}，时间以服务器为准。"


def _paper(round_: Round) -> Iterator[str]:
    if round_.pace == "strict":
        yield "一次只出一道题，答完才出下一题，不能回头。"
        if round_.item_s is not None:
            yield f"每道题限时 {_span(round_.item_s)}。"
    else:
        yield "一次看到全部题目，交卷前都可以改。"
    yield "各人拿到的题目和选项次序可能不同。"
    yield f"试卷已经定稿，指纹：{'、'.join(paper[:8] for paper in round_.papers)}。"


def _draw(rules: Rules) -> Iterator[str]:
    if not any(tier.by == "draw" for tier in rules.tiers):
        return
    first, *others = rules.qualifies or (0,)
    yield f"有一次得分达到满分的 {percent(first)}，就进入抽奖。每人只有一个参赛编号，答得再多也是一份机会。"
    for step in others:
        yield f"进入抽奖的人比奖品少时，再补入达到 {percent(step)} 的人，排在前面的人之后。"
    if any(tier.by == "standing" for tier in rules.tiers):
        yield "每人最多得一个奖：已经按名次得奖的人，不再参加抽奖。"
    else:
        yield "每人最多得一个奖。"
    yield "比赛截止后，先公布参加抽奖的全部参赛编号和它们的指纹（SHA-256），从这时起名单不能增减。"
    named = "，再".join(f"{source.name}（{moment(source.at)}）" for source in rules.sources)
    yield f"次序由谁也不能事先知道的公开号码决定：{named}。"
    yield (
        "抽奖编号、规则指纹、名单指纹、公开号码用竖线连起来算出 SHA-256，叫种子；每个参赛编号再和种子连起来算一次，"
        "按结果从小到大排出全部次序。奖项从高到低依次取，后面的人依次候补。"
    )
    if rules.draw_at is not None:
        yield f"抽奖时间：{moment(rules.draw_at)}。"
    yield "全部文件公开，任何人都可以自己重算一遍。"


def _board(rules: Rules) -> Iterator[str]:
    yield f"个人排行榜：{BOARDS.get(rules.board, '')}。昵称只显示第一个字。"
    if rules.board == "frozen" and rules.board_freezes_at is not None:
        yield f"{moment(rules.board_freezes_at)} 封榜，之后的成绩到最后才公布。"
    yield f"单位榜按参与率排，一样的比平均得分率；都没有应参加人数时比平均得分率。满 {rules.board_least} 人才上榜。"


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} 秒"
    return f"{minutes} 分 {rest} 秒" if rest else f"{minutes} 分钟"


Faults = Iterator[tuple[str, str]]


def _texts(rules: Rules) -> Faults:
    wanted = {**_ALWAYS, **(_WITH_PRIZES if rules.tiers else {})}
    yield from ((field, sentence) for field, sentence in wanted.items() if not getattr(rules, field).strip())
    if not rules.round.organisers:
        yield "round.organisers", "活动还没有写主办单位。"
    if not rules.round.papers:
        yield "round.papers", "场次还没有试卷。"


def _prizes(rules: Rules) -> Faults:
    if rules.round.is_test:
        if rules.tiers:
            yield "tiers", "测试活动不能设奖品。请把奖项删掉，或者另开一个正式活动。"
        return
    if not rules.tiers:
        yield "tiers", "请至少写一个奖项。只发证书也要写，价值填 0。"
    names = [tier.name.strip() for tier in rules.tiers]
    if len(set(names)) < len(names):
        yield "tiers", "奖项名称不能重复。"
    for tier in rules.tiers:
        yield from (("tiers", sentence) for sentence in _faults_of(tier))
    for by in BY:
        values = [tier.value_yuan for tier in rules.tiers if tier.by == by]
        if values != sorted(values, reverse=True):
            yield "tiers", f"{BY[by]}的奖项要从高到低写，价值高的在前。"


def _faults_of(tier: Tier) -> Iterator[str]:
    name = tier.name.strip() or "没有名称的奖项"
    if not tier.name.strip():
        yield "每个奖项都要有名称，例如一等奖。"
    if not tier.item.strip():
        yield f"{name}：请写明奖品是什么。"
    if tier.number < 1:
        yield f"{name}：名额至少 1 个。"
    if tier.value_yuan < 0:
        yield f"{name}：请写明每份价值多少元，只发证书的填 0。"
    if tier.by not in BY:
        yield f"{name}：请选按名次还是抽奖。"
    if tier.by == "draw" and tier.value_yuan > MOST_YUAN_BY_LOT:
        yield f"{name}：抽奖的奖品最高不能超过 5 万元（反不正当竞争法）。"


def _order(rules: Rules) -> Faults:
    if rules.strategy not in STRATEGIES:
        yield "strategy", "请选一种排名办法。"
    if rules.strategy == "daily_sum" and rules.round.per != "day":
        yield "strategy", "“每天最好成绩相加”只能用在按天计次数的场次。"
    steps = rules.qualifies
    falling = all(higher > lower for higher, lower in pairwise(steps))
    if not steps or not falling or not all(1 <= step <= 10000 for step in steps):
        yield "qualifies", "进入抽奖的成绩要在满分的 0.01% 到 100% 之间，从高到低写。"


def _lot(rules: Rules) -> Faults:
    if not any(tier.by == "draw" for tier in rules.tiers):
        return
    if rules.draw_at is None:
        yield "draw_at", "请写明抽奖时间。"
    elif rules.draw_at <= rules.round.closes_at:
        yield "draw_at", "抽奖时间要在比赛截止之后。"
    elif any(rules.draw_at < source.at for source in rules.sources):
        yield "draw_at", "抽奖时间不能早于公开号码开出的时间。"
    if not rules.fallback.strip():
        yield "fallback", "请写明公开号码没有按时开出时怎么办。"
    if sum(source.bits for source in rules.sources) < LEAST_BITS:
        yield "sources", f"公开号码合起来至少要有 {LEAST_BITS} 比特，例如双色球连续三期，或者一轮 drand。"
    earliest = rules.round.closes_at + timedelta(seconds=GRACE_S) + UNKNOWN_FOR
    for source in rules.sources:
        yield from (("sources", sentence) for sentence in _faults_in(source, earliest))
    if len({source.name.strip() for source in rules.sources}) < len(rules.sources):
        yield "sources", "同一个公开号码不能用两次。"


def _faults_in(source: Source, earliest: datetime) -> Iterator[str]:
    name = source.name.strip() or "没有名称的号码"
    if source.kind not in SOURCES:
        yield f"{name}：请选公开号码的种类。"
    elif not source.name.strip():
        yield "每个公开号码都要写明是哪一个，例如双色球 2026135 期。"
    elif not 1 <= source.bits <= most_bits(source):
        yield f"{name}：最多能算 {most_bits(source)} 比特。彩票名称要写在最前面，骰子要写明掷几次。"
    if source.at < earliest:
        yield f"{name}：要在截止 1 小时以后开出，{moment(earliest)} 或更晚。名单要在开号之前定下。"


def _minors(rules: Rules) -> Faults:
    if not rules.minors:
        return
    if not rules.approval.strip():
        yield "approval", "有未成年人参加的比赛，要写批准文号。"
    if rules.tiers and "监护人" not in rules.claim + rules.documents:
        yield "claim", "有未成年人参加时，领奖办法里要写明由监护人陪同或代领。"
    if rules.board in BOARDS and rules.board not in BOARDS_FOR_MINORS:
        yield "board", "有未成年人参加时，比赛中不公布个人名次。"


def _days(rules: Rules) -> Faults:
    if rules.published_days < 1:
        yield "published_days", "公示至少 1 天。"
    if rules.claim_days < 1:
        yield "claim_days", "领奖期限至少 1 天。"
    if rules.board not in BOARDS:
        yield "board", "请选排行榜怎么公布。"
    if rules.board == "frozen":
        if rules.board_freezes_at is None:
            yield "board_freezes_at", "请写明什么时候封榜。"
        elif not rules.round.opens_at < rules.board_freezes_at <= rules.round.closes_at:
            yield "board_freezes_at", "封榜时间要在开始之后、截止之前。"
    if rules.board_least < LEAST_IN_A_UNIT:
        yield "board_least", f"单位上榜至少要 {LEAST_IN_A_UNIT} 人，人太少会认出是谁。"


_PARTS: Final[tuple[Callable[[Rules], Faults], ...]] = (_texts, _prizes, _order, _lot, _minors, _days)


def _by_field(rules: Rules) -> dict[str, Any]:
    values = {f"round.{part.name}": getattr(rules.round, part.name) for part in fields(rules.round)}
    return values | {part.name: getattr(rules, part.name) for part in fields(rules) if part.name != "round"}


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "round.per": lambda per: "每天" if per == "day" else "整个比赛",
    "round.pace": lambda pace: "一题一题答" if pace == "strict" else "一次看到全部题目",
    "round.limit_s": lambda seconds: "不限时" if seconds is None else _span(seconds),
    "round.item_s": lambda seconds: "不限时" if seconds is None else _span(seconds),
    "strategy": lambda strategy: STRATEGIES[strategy].name if strategy in STRATEGIES else strategy,
    "board": lambda board: BOARDS.get(board, board),
    "qualifies": lambda steps: "、".join(percent(step) for step in steps),
}


def _in_words(field: str, value: Any) -> str:
    if field in _WORDS:
        return _WORDS[field](value)
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple):
        return "；".join(_one_in_words(one) for one in value) or "没有"
    return "没有" if value in (None, "") else str(value)


def _one_in_words(one: Any) -> str:
    if isinstance(one, Tier):
        return f"{one.name} {one.number} 名：{one.item}，{one.value_yuan} 元，{BY.get(one.by, one.by)}"
    if isinstance(one, Source):
        return f"{SOURCES.get(one.kind, one.kind)} {one.name}，{moment(one.at)}，{one.bits} 比特"
    return str(one)
