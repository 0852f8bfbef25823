"""The rules of a contest as values: tiers, sources, everything that is announced, and the text that is hashed."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from quizsvc.core.refusal import Refusal

BY: Final = {"draw": "抽奖", "standing": "按名次"}
SOURCES: Final = {"lottery": "彩票开奖号码", "drand": "drand 公共随机数", "dice": "现场掷骰子"}
BOARDS: Final = {"off": "不公布", "open": "实时公布", "frozen": "公布到封榜时刻", "hidden": "结束后才公布"}
LONGEST_TEXT, LONGEST_NAME = 1000, 60
YEARS = range(2020, 2100)
MOST_TIERS, MOST_SOURCES, MOST_STEPS = 12, 6, 10
MOST_OF_A_TIER, MOST_YUAN, MOST_DAYS, MOST_IN_A_UNIT = 100_000, 1_000_000, 365, 100_000
CHINA: Final = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Prizes of one grade.

    name: zh-CN, 一等奖
    item: what is given, zh-CN
    number: how many, >= 1
    value_yuan: of one, whole yuan, >= 0
    by: a key of BY: drawn by lot, or given by rank in the final standing
    """

    name: str
    item: str
    number: int
    value_yuan: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A public value that nobody knows when the list is frozen.

    kind: a key of SOURCES
    name: which one, zh-CN or as its publisher writes it: 双色球 第 2026135 期
    at: aware; when it becomes known
    bits: how much chance it carries, in whole bits, rounded down
    """

    kind: str
    name: str
    at: datetime
    bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What the rules say that the round decides.

    title, organisers: as on the poster
    opens_at, closes_at: aware
    attempts, per: so many goes a "round" or a "day"
    limit_s: seconds for one go, None without a limit
    pace, item_s: "sheet" or "strict" with seconds for one item
    papers: content hashes of all papers of the round, sorted
    is_test: whether it belongs to a test campaign, which holds no prizes
    """

    title: str
    organisers: tuple[str, ...]
    opens_at: datetime
    closes_at: datetime
    attempts: int
    per: str
    limit_s: int | None
    pace: str
    item_s: int | None
    papers: tuple[str, ...]
    is_test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything a contest announces; texts are zh-CN as printed, "" where nothing has been written yet.

    minors, approval: whether minors may take part, and the number under which that was approved
    strategy: a key of core.standing.STRATEGIES
    qualifies: what a go must reach to enter the draw, in 1/100 percent, falling; those after the first are taken
        in turn when too few have reached those before
    tiers: highest first
    draw_at: aware; when the draw is made; None without prizes by lot
    sources, fallback: public values, in the order in which they are written down, and what if one fails
    published_days, claim_days: whole days for objections and for claiming, >= 1
    board, board_freezes_at, board_least: a key of BOARDS, when a frozen one stops, and how many players a unit needs
        to be ranked
    Source: features.md F-041, domain.md 4.3
    """

    round: Round
    who: str = ""
    minors: bool = False
    approval: str = ""
    scoring: str = ""
    strategy: str = "best"
    qualifies: tuple[int, ...] = (10000,)
    tiers: tuple[Tier, ...] = ()
    selection: str = ""
    draw_at: datetime | None = None
    sources: tuple[Source, ...] = ()
    fallback: str = ""
    published_where: str = ""
    published_days: int = 5
    claim: str = ""
    claim_days: int = 30
    documents: str = ""
    forfeiture: str = ""
    tax: str = ""
    fairness: str = ""
    privacy: str = ""
    contact: str = ""
    board: str = "open"
    board_freezes_at: datetime | None = None
    board_least: int = 30


def written(rules: Rules) -> dict[str, Any]:
    """Write rules as plain values that JSON can hold.

    rules: any
    return: names as in Rules; moments as ISO 8601 in UTC, so that equal rules are written alike
    """
    return {name: _plain(value) for name, value in asdict(rules).items()}


def read(content: Mapping[str, Any]) -> Rules:
    """Read rules back from `written`.

    content: what `written` returned, directly or through JSON
    return: equal rules
    raise KeyError, TypeError, ValueError: it is no such content
    """
    values = dict(content)
    values["round"] = Round(
        **{
            **values["round"],
            "organisers": tuple(values["round"]["organisers"]),
            "papers": tuple(values["round"]["papers"]),
            "opens_at": datetime.fromisoformat(values["round"]["opens_at"]),
            "closes_at": datetime.fromisoformat(values["round"]["closes_at"]),
        }
    )
    values["qualifies"] = tuple(values["qualifies"])
    values["tiers"] = tuple(Tier(**tier) for tier in values["tiers"])
    values["sources"] = tuple(
        Source(**{**source, "at": datetime.fromisoformat(source["at"])}) for source in values["sources"]
    )
    for name in ("draw_at", "board_freezes_at"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    return Rules(**values)


def text(content: Mapping[str, Any]) -> str:
    """Write content as the one text that is hashed and published as rules.json.

    content: of `written`
    return: JSON with sorted names, no spaces, Chinese as it is, ending with LF
    """
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def content_hash(content: Mapping[str, Any]) -> str:
    """Hash content.

    content: of `written`
    return: SHA-256 of `text` in UTF-8, 64 hexadecimal digits
    """
    return hashlib.sha256(text(content).encode()).hexdigest()


LABELS: Final = {
    "round.title": "标题",
    "round.organisers": "主办单位",
    "round.opens_at": "开始时间",
    "round.closes_at": "截止时间",
    "round.attempts": "答题次数",
    "round.per": "次数按什么算",
    "round.limit_s": "限时",
    "round.pace": "答题方式",
    "round.item_s": "每题限时",
    "round.papers": "试卷指纹",
    "round.is_test": "是不是测试活动",
    "who": "谁可以参加",
    "minors": "未成年人参加",
    "approval": "批准文号",
    "scoring": "怎么计分",
    "strategy": "怎么排名次",
    "qualifies": "进入抽奖的成绩",
    "tiers": "奖项",
    "selection": "获奖者怎么产生",
    "draw_at": "抽奖时间",
    "sources": "公开号码",
    "fallback": "号码没有开出时",
    "published_where": "在哪里公示",
    "published_days": "公示天数",
    "claim": "怎么领奖",
    "claim_days": "领奖期限",
    "documents": "领奖带什么",
    "forfeiture": "逾期不领",
    "tax": "税费",
    "fairness": "公平规则",
    "privacy": "个人信息",
    "contact": "投诉和咨询",
    "board": "排行榜",
    "board_freezes_at": "封榜时间",
    "board_least": "单位上榜的最少人数",
}
"""Field -> its name on pages; what the round decides begins with "round."."""

_WIDE_SPACES = "\u00a0\u3000\t"


def tidied(rules: Rules) -> Rules:
    """Bring texts into one form and refuse what no rules can hold, whatever else may still be missing.

    rules: any
    return: texts without outer spaces and invisible characters, lines ending with LF
    raise Refusal: a text is too long or not printable, a number is out of all bounds, there are too many rows
    """
    texts: dict[str, Any] = {
        name: _text(name, value) for name, value in asdict(rules).items() if isinstance(value, str)
    }
    tiers = tuple(
        replace(tier, name=_name("tiers", tier.name), item=_name("tiers", tier.item)) for tier in rules.tiers
    )
    sources = tuple(replace(source, name=_name("sources", source.name)) for source in rules.sources)
    for field, number, most in (
        ("tiers", len(tiers), MOST_TIERS),
        ("sources", len(sources), MOST_SOURCES),
        ("qualifies", len(rules.qualifies), MOST_STEPS),
        ("published_days", rules.published_days, MOST_DAYS),
        ("claim_days", rules.claim_days, MOST_DAYS),
        ("board_least", rules.board_least, MOST_IN_A_UNIT),
        *(("tiers", tier.number, MOST_OF_A_TIER) for tier in tiers),
        *(("tiers", tier.value_yuan, MOST_YUAN) for tier in tiers),
    ):
        if number > most:
            raise Refusal(f"{LABELS[field]}：最多 {most:,}。")
    for field, at in (
        ("draw_at", rules.draw_at),
        ("board_freezes_at", rules.board_freezes_at),
        *(("sources", source.at) for source in sources),
    ):
        if at is not None and at.year not in YEARS:
            raise Refusal(f"{LABELS[field]}：年份要在 {YEARS[0]} 到 {YEARS[-1]} 之间。")
    return replace(rules, tiers=tiers, sources=sources, **texts)


def moment(at: datetime) -> str:
    """Write a moment as it is printed in rules.

    at: aware
    return: China's calendar and clock: 2026年12月20日 18:00
    """
    local = at.astimezone(CHINA)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def percent(permyriad: int) -> str:
    """Write a share as it is printed.

    permyriad: in 1/100 percent, 0..10000
    return: without needless zeros: 90%, 87.5%
    """
    return f"{permyriad / 100:g}%"


def _text(field: str, value: str, longest: int = LONGEST_TEXT) -> str:
    value = "".join(" " if one in _WIDE_SPACES else one for one in value if unicodedata.category(one) != "Cf")
    value = "\n".join(line.strip() for line in value.strip().splitlines())
    if len(value) > longest:
        raise Refusal(f"{LABELS[field]}：最多写 {longest} 个字。")
    if not value.replace("\n", "").isprintable():
        raise Refusal(f"{LABELS[field]}：里面有显示不出来的字符，请重新输入。")
    return value


def _name(field: str, value: str) -> str:
    return " ".join(_text(field, value, LONGEST_NAME).split())


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
