"""What a question is, what is wrong with one, and its one canonical form."""

import hashlib
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any, Literal

KIND_NAMES = {"single_choice": "单选", "multiple_choice": "多选", "true_false": "判断"}
KINDS = tuple(KIND_NAMES)

AUDIENCE_NAMES = {
    "kindergarten": "幼儿园",
    "primary_lower": "小学低年级",
    "primary_upper": "小学高年级",
    "junior": "初中",
    "senior": "高中",
    "university": "大学",
    "new_student": "新生",
    "staff": "教职工",
    "parent": "家长",
    "elderly": "老年人",
    "finance_staff": "财务人员",
    "netizen": "网民",
}
AUDIENCES = tuple(AUDIENCE_NAMES)

CHANNEL_NAMES = {
    "sms": "短信",
    "chat": "聊天",
    "group": "群聊",
    "call": "电话",
    "web": "网页",
    "poster": "海报",
    "app": "应用",
    "mail": "邮件",
}

DIFFICULTY_NAMES = {1: "容易", 2: "中等", 3: "较难"}

OPTION_COUNTS = {"single_choice": (2, 8), "multiple_choice": (3, 8), "true_false": (2, 2)}
USUAL_COUNTS = {"single_choice": (3, 5), "multiple_choice": (4, 5), "true_false": (2, 2)}

RESERVED_CODES = frozenset({"new", "import", "review", "export", "usage"})
"""Codes whose address would be that of another page of the bank."""

DRAFT_RULES = frozenset({"no-explanation", "no-source"})
"""Errors a draft may have: somebody still writes at it. Nothing is published with one."""

MINORS = frozenset({"kindergarten", "primary_lower", "primary_upper", "junior", "senior"})
YOUNG = frozenset({"kindergarten", "primary_lower", "primary_upper"})
YOUNG_STEM, YOUNG_OPTION = 40, 15

UNEVEN = 16
"""Columns (half a Chinese character each) between the shortest and the longest option that anybody sees at a glance."""

CLEARLY = 0.01
"""Chance below which a cue in a bank is no accident."""

_ALL_OF_THE_ABOVE = re.compile("(以上|上述)(选项|各项|几项|说法|做法)?(都|全|均|皆)")
_LETTER_FIRST = re.compile(r"\s*\(?[A-Ha-h][.、:)](?![0-9A-Za-z])")
_LETTER_NAMED = re.compile(
    r"选项 ?[A-H](?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z])[A-H] ?(?:选项|项(?!目))"
    r"|(?<![0-9A-Za-z])[A-H] ?[、和与] ?[A-H] ?(?:都|均|全|正确|错误|对)"
    r"|(?:应|该|故|答案是?|答案为)选? ?[A-H](?![0-9A-Za-z])"
)
_NO = re.compile("[不错否×✗]")
_TWICE_NOT = re.compile("(?:不是|并非|没有|不能|不会|不得)(?:不|没)")
_ADDRESS = re.compile(
    r"https?://|(?<![0-9a-z])www\.|(?<=[0-9a-z])@(?=[0-9a-z])"
    r"|(?<=[0-9a-z])\.(?:com|cn|net|org|top|xyz|vip|cc|app|info|club|site|shop|link|icu|ltd)(?![0-9a-z])",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"(?<![0-9])(?:1[3-9][0-9](?:[ -]?[0-9]{4}){2}|0[0-9]{2,3}[ -]?[0-9]{7,8}|[0-9]{17}X|[0-9]{16,19})(?![0-9X])",
    re.IGNORECASE,
)
_YEAR = re.compile("(?:19|20)[0-9]{2} ?年")
_FIGURE = re.compile("[0-9] ?[多余]?(?:万|亿|%|起|人次)|百分之")
_UNFIT = re.compile(
    "裸聊|色情|约炮|招嫖|嫖娼|卖淫|性爱|一夜情|自杀|轻生|自残|割腕|跳楼(?!价)|赌博|博彩|赌场|网赌"
)
_LINE_BREAKS = frozenset("\n\r\t")
_EMOJI_JOINER = "\u200d"
_REPLACEMENT = "\ufffd"

_DISPUTED = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        ("96110[^10。；]{0,10}(?<!停)止付(?!款)", "报警和止付先打 110；96110 用来劝阻、咨询、举报"),
        ("帮(?:信|助信息网络犯罪活动)罪?最[高多][^不非]{0,4}[七7]年", "帮信罪最高三年"),
        ("故意(?:连续)?[输按]错.{0,8}密码", "故意输错密码锁不住骗子的账户，不要教"),
        (
            "(?<![0-9十])[五5]年内?都?不[得能准]再?[开办]新?(?:户|账户|银行卡|卡)",
            "2024 年的惩戒办法是两年或三年",
        ),
        (
            "(?:捏住?鼻子|挥手)[^不]{0,6}[就必定准]能?(?:识破|识别|分辨|看出|看穿|认出)",
            "捏鼻子、挥手只能帮一点忙，骗子的技术在变",
        ),
        ("(?:https|锁头)[^不]{0,6}(?:就是?|说明|代表|一定|肯定)安全", "诈骗网站也可以有锁头和 https"),
        ("(?:收益|提现|到账|转账|付款)的?截图就?(?:可以|就能|足以|能)证明", "截图可以伪造"),
        (
            "(?:(?<![0-9])00|[+])开头的?(?:号码|电话|来电)?(?:一律|都|全|肯定|一定)是诈骗",
            "要警惕，但不都是，核实后再接",
        ),
        (
            "领导[^不]{0,6}(?:汇款|转账)的?(?:一律|都|全|肯定|一定)是诈骗",
            "很可能是，不都是，要当面或打电话核实",
        ),
        ("(?:2,?000|[两二]千)元以下[^不]{0,4}不予?立案", "2000 元以下也有行政处罚"),
        (
            "刷单[^不]{0,4}(?:100%|百分之百|百分百)是?(?:违法|犯罪)",
            "垫资刷单是骗局，参与虚假交易违法，分开写",
        ),
        ("96110[^不]{0,8}(?:永远|总是|一直|必定|一定)会?显示", "显示什么，因手机和地区不同"),
        ("(?:识别|拦截)率[高达为是]{0,2}[0-9]{2}", "这样的数字没有可靠的来源"),
    )
)
"""Statements that are wrong, out of date or in dispute, and what is so. Written narrowly: what denies them passes.

Source: public explanations of 110, 96110 and 12381; criminal law art. 287-2; the sanctions in force since 2024-12-01
"""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Option:
    """One answer a person can choose.

    text: what it says
    key: True when it is right
    belief: slug of the dangerous belief that choosing it shows, on wrong options only
    pinned: True when it stays last however the others are shuffled
    """

    text: str
    key: bool = False
    belief: str | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The simulated message an item shows.

    channel: a key of CHANNEL_NAMES
    sender: who it claims to be from
    text: plain text, may have line breaks
    tells: exact pieces of text that give the fraud away; empty when the message is genuine
    """

    channel: str
    sender: str
    text: str
    tells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person learns from an item, one sentence each.

    trick: how the fraud works (骗术)
    tell: what gives it away (破绽)
    action: what to do (应对)
    """

    trick: str
    tell: str
    action: str


@dataclass(frozen=True, slots=True)
class Item:
    """One question in one wording.

    code: unique in its bank, [a-z0-9-]
    kind: one of KINDS
    topic: slug of the vocabulary
    audiences: one or more of AUDIENCES
    difficulty: 1 easy, 2 medium, 3 hard
    stem: what is asked
    options: in written order
    explanation: shown after the answer
    source: where the fact comes from, for a reader
    reviewed_on: when somebody last checked it
    scene: the simulated message, if there is one
    genuine: True when the scene is a real, honest message
    twin: name of the group of items with the same trick in other clothes
    region: where the item applies, if not everywhere
    valid_until: the last day its facts hold, if they end
    """

    code: str
    kind: str
    topic: str
    audiences: tuple[str, ...]
    difficulty: int
    stem: str
    options: tuple[Option, ...]
    explanation: Explanation
    source: str
    reviewed_on: date
    scene: Scene | None = None
    genuine: bool = False
    twin: str | None = None
    region: str | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words all banks share.

    topics: slug to Chinese name
    beliefs: slug to the dangerous belief in one sentence
    """

    topics: Mapping[str, str]
    beliefs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one item.

    rule: name of the rule, kebab-case
    severity: "error" keeps the bank out, "warning" asks for a second look
    item: code of the item
    text: zh-CN sentence for the person who wrote it
    """

    rule: str
    severity: Severity
    item: str
    text: str


def lint(items: Sequence[Item], vocabulary: Vocabulary, today: date) -> tuple[Fault, ...]:
    """Find what is wrong with the items of one bank.

    items: of one bank, in file order
    vocabulary: the shared words
    today: the day to judge valid_until and reviewed_on by, in the school's own time zone
    return: every fault of every item, in the order of the items; empty when all is well
    Source: T. M. Haladyna, S. M. Downing, M. C. Rodriguez 2002 (item-writing guidelines: one right choice,
        choices that do not overlap and are about equal in length, no "all of the above"); docs/BANKS.md says
        what to do about each
    """
    company = _Company.of(items)
    faults: list[Fault] = []
    for item in items:
        faults += lint_code(item)
        faults += _of_words(item)
        faults += _of_slugs(item, vocabulary)
        faults += _of_key(item)
        faults += _of_options(item, vocabulary)
        faults += _of_scene(item)
        faults += _of_wording(item)
        faults += _of_details(item)
        faults += _of_readers(item)
        faults += _of_days(item, today)
        faults += company.faults(item)
    return tuple(faults)


def lint_code(item: Item) -> tuple[Fault, ...]:
    """Find what is wrong with the code of an item by itself; lint() does it too.

    item: any item
    return: at most one fault
    """
    if item.code not in RESERVED_CODES:
        return ()
    text = f"题号“{item.code}”是网页地址里的词，请换一个，例如“{item.code}-01”。"
    return (_error("reserved-code", item, text),)


def longest(item: Item, *, shortest: bool = False) -> int | None:
    """Find the option whose length sets it apart.

    item: any item
    shortest: look for the shortest instead
    return: place in written order of the one option longer than every other as the eye sees it, see breadth();
        None when two share the length, or there is only one option
    """
    lengths = [breadth(option.text) for option in item.options]
    ends = sorted(lengths, reverse=not shortest)[:2]
    return lengths.index(ends[0]) if len(ends) == 2 and ends[0] != ends[1] else None


def breadth(text: str) -> int:
    """Measure the room a text takes on a line.

    text: any
    return: columns, >= 0: two for a Chinese character or mark, one for a letter, digit or space
    Source: Unicode standard annex 11 (East Asian width; ambiguous marks such as “ are wide in Chinese text)

    >>> breadth("先打 110")
    8
    """
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text.strip())


def at_least(hits: int, odds: Sequence[int]) -> float:
    """Tell how often chance alone would give at least so many hits.

    hits: of independent tries, 0 <= hits
    odds: per try n >= 1, it hits once in n
    return: probability, 0 to 1; exact up to rounding, so that no table or approximation is needed
    Source: R. E. Barlow, K. D. Heidtmann 1984 (the recursion of the Poisson binomial distribution)

    >>> at_least(2, [2, 2]), at_least(0, [])
    (0.25, 1.0)
    """
    chances = [1.0]
    for count in odds:
        hit = 1 / count
        chances = [
            miss * (1 - hit) + before * hit
            for miss, before in zip((*chances, 0.0), (0.0, *chances), strict=True)
        ]
    return math.fsum(chances[hits:])


def content_of(item: Item) -> dict[str, Any]:
    """Turn an item into plain values that JSON can hold: everything it says and nothing else.

    item: any item
    return: one entry per field, days as ISO text, tuples as lists, absent things as None; item_of undoes it
    """
    content = asdict(item)
    content["audiences"] = list(item.audiences)
    content["options"] = [asdict(option) for option in item.options]
    if item.scene is not None:
        content["scene"]["tells"] = list(item.scene.tells)
    content["reviewed_on"] = item.reviewed_on.isoformat()
    content["valid_until"] = item.valid_until.isoformat() if item.valid_until is not None else None
    return content


def item_of(content: Mapping[str, Any]) -> Item:
    """Turn plain values back into an item.

    content: as content_of made it; optional entries may be absent
    return: the item
    raise KeyError: an entry every item needs is absent
    """
    scene = content.get("scene")
    valid_until = content.get("valid_until")
    return Item(
        code=content["code"],
        kind=content["kind"],
        topic=content["topic"],
        audiences=tuple(content["audiences"]),
        difficulty=content["difficulty"],
        stem=content["stem"],
        options=tuple(Option(**option) for option in content["options"]),
        explanation=Explanation(**content["explanation"]),
        source=content["source"],
        reviewed_on=date.fromisoformat(content["reviewed_on"]),
        scene=None if scene is None else Scene(**{**scene, "tells": tuple(scene.get("tells", ()))}),
        genuine=content.get("genuine", False),
        twin=content.get("twin"),
        region=content.get("region"),
        valid_until=None if valid_until is None else date.fromisoformat(valid_until),
    )


def content_hash(item: Item) -> str:
    """Name an item by what it says.

    item: any item
    return: 64 hexadecimal digits, SHA-256 of the canonical JSON of content_of; equal exactly for equal items
    """
    text = json.dumps(content_of(item), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def segments(text: str, tells: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Cut a message into pieces that give the fraud away and pieces that do not.

    text: the message
    tells: pieces to mark, wherever they occur; empty ones and absent ones mark nothing
    return: pieces that join to text, none empty, True where a tell is; tells that touch are one piece

    >>> segments("三倍赔付，名额有限", ["三倍赔付", "有限"])
    (('三倍赔付', True), ('，名额', False), ('有限', True))
    """
    marked = bytearray(len(text))
    for tell in filter(None, tells):
        start = text.find(tell)
        while start >= 0:
            marked[start : start + len(tell)] = b"\x01" * len(tell)
            start = text.find(tell, start + 1)
    pieces = groupby(zip(text, marked, strict=True), key=lambda pair: pair[1])
    return tuple(("".join(character for character, _ in piece), bool(mark)) for mark, piece in pieces)


@dataclass(frozen=True, slots=True)
class _Company:
    """What can be seen only beside the other items of the bank."""

    codes: Counter[str]
    shown: Counter[str]
    twins: Counter[str | None]
    clothes: Counter[tuple[str | None, str]]
    singles: int
    key_longest: int
    guessable: bool

    @staticmethod
    def of(items: Sequence[Item]) -> "_Company":
        """Count once for all items."""
        singles = [item for item in items if item.kind == "single_choice"]
        apart = [(item, place) for item in singles if (place := longest(item)) is not None]
        hits = sum(item.options[place].key for item, place in apart)
        return _Company(
            codes=Counter(item.code for item in items),
            shown=Counter(_bare(_shown(item)) for item in items),
            twins=Counter(item.twin for item in items),
            clothes=Counter((item.twin, _clothes(item)) for item in items),
            singles=len(singles),
            key_longest=hits,
            guessable=at_least(hits, [len(item.options) for item, _ in apart]) < CLEARLY,
        )

    def faults(self, item: Item) -> Iterator[Fault]:
        """Faults of one item beside the others."""
        if self.codes[item.code] > 1:
            yield _error("duplicate-code", item, "题号重复了，同一题库里每道题的题号只能用一次。")
        if item.twin is not None and self.clothes[item.twin, _clothes(item)] > 1:
            text = f"同组题“{item.twin}”里有一道和它一样，至多改了数字，请换一身衣服：换人、换渠道、换问法。"
            yield _warning("equal-twins", item, text)
        elif self.shown[_bare(_shown(item))] > 1:
            yield _warning("duplicate-stem", item, "情景和题干同另一道题一样，请看看是否重复。")
        if item.twin is not None and self.twins[item.twin] < 2:
            yield _warning("lonely-twin", item, f"同组题“{item.twin}”只有一道，两道才能互换。")
        if self.guessable and item.kind == "single_choice" and _key_is(item, longest(item)):
            text = (
                f"正确答案是最长的选项，这个题库的 {self.singles} 道单选题里有 {self.key_longest} 道这样，"
                "看长短就能猜中，请改短，或者把别的选项写长。"
            )
            yield _warning("key-longest", item, text)


def _of_words(item: Item) -> Iterator[Fault]:
    """Faults of the fields around the options."""
    for name, text in (("题号", item.code), ("题干", item.stem)):
        if not text.strip():
            yield _error("empty-text", item, f"{name}没有写。")
    if not item.source.strip():
        yield _error("no-source", item, "来源没有写。")
    lines = {"骗术": item.explanation.trick, "破绽": item.explanation.tell, "应对": item.explanation.action}
    blank = [name for name, text in lines.items() if not text.strip()]
    if len(blank) == len(lines):
        yield _error("no-explanation", item, "解析没有写。请写骗术、破绽、应对，每样一句。")
    elif blank:
        yield _warning("thin-explanation", item, f"解析里{'、'.join(blank)}没有写。")


def _of_slugs(item: Item, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Faults of words that have to be one of a list."""
    if item.kind not in KIND_NAMES:
        yield _error("unknown-kind", item, f"题型“{item.kind}”不认识。{_choice(KINDS)}")
    if item.topic not in vocabulary.topics:
        text = f"主题“{item.topic}”不在词表里。" if item.topic else "没有写主题。"
        yield _error("unknown-topic", item, text)
    if not item.audiences:
        yield _error("unknown-audience", item, "没有写适用人群。")
    for audience in item.audiences:
        if audience not in AUDIENCE_NAMES:
            yield _error("unknown-audience", item, f"适用人群“{audience}”不认识。{_choice(AUDIENCES)}")
    if item.difficulty not in DIFFICULTY_NAMES:
        yield _error("unknown-difficulty", item, f"难度“{item.difficulty}”不认识。{_choice('123')}")


def _of_key(item: Item) -> Iterator[Fault]:
    """Faults of how many options there are, and how many of them are right."""
    keys = sum(option.key for option in item.options)
    if keys == 0:
        yield _error("no-key", item, "没有标出正确答案。")
    elif keys == 1 and item.kind == "multiple_choice":
        yield _error("one-key", item, "多选题至少要有两个正确答案；只有一个时请改成单选题。")
    elif keys > 1 and item.kind != "multiple_choice":
        yield _error("two-keys", item, "这道题只能有一个正确答案；有几个时请改成多选题。")
    count, kind = len(item.options), KIND_NAMES.get(item.kind, item.kind)
    fewest, most = OPTION_COUNTS.get(item.kind, (0, count))
    usual_fewest, usual_most = USUAL_COUNTS.get(item.kind, (0, count))
    if not fewest <= count <= most:
        wanted = str(most) if fewest == most else f"{fewest} 到 {most}"
        yield _error("option-count", item, f"{kind}题要有 {wanted} 个选项，现在是 {count} 个。")
    elif not usual_fewest <= count <= usual_most:
        text = f"{kind}题最好有 {usual_fewest} 到 {usual_most} 个选项，现在是 {count} 个。"
        yield _warning("unusual-option-count", item, text)


def _of_options(item: Item, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Faults of the options one by one and beside each other."""
    if len({_folded(option.text) for option in item.options}) < len(item.options):
        yield _error("equal-options", item, "有两个选项的文字相同。")
    if sum(option.pinned for option in item.options) > 1:
        yield _error("pinned-twice", item, "只能有一个选项固定在最后。")
    for option in item.options:
        if not option.text.strip():
            yield _error("empty-text", item, "有一个选项没有写文字。")
        if option.belief is not None and option.belief not in vocabulary.beliefs:
            yield _error("unknown-belief", item, f"危险想法“{option.belief}”不在词表里。")
        if option.belief is not None and option.key:
            yield _error("belief-on-key", item, f"正确选项“{option.text}”不能标危险想法。")
        if _ALL_OF_THE_ABOVE.search(option.text):
            yield _warning("all-of-the-above", item, f"选项“{option.text}”打乱顺序后说不通，请换种写法。")
        if _LETTER_FIRST.match(_narrow(option.text)):
            yield _warning("letter-first", item, f"选项“{option.text}”前面不用写字母，顺序会打乱。")
    breadths = sorted(breadth(option.text) for option in item.options if option.text.strip())
    if breadths and breadths[-1] > 2 * breadths[0] and breadths[-1] - breadths[0] >= UNEVEN:
        yield _warning("uneven-options", item, "选项长短相差太多，最长的超过最短的两倍，请写得差不多长。")


def _of_scene(item: Item) -> Iterator[Fault]:
    """Faults of the simulated message."""
    scene = item.scene
    if scene is None:
        if item.genuine:
            yield _error(
                "genuine-without-scene", item, "标了“真实”，却没有写情景。请写上消息，或者去掉标记。"
            )
        return
    if scene.channel not in CHANNEL_NAMES:
        yield _error("unknown-channel", item, f"渠道“{scene.channel}”不认识。{_choice(CHANNEL_NAMES)}")
    for name, text in (("情景的发送者", scene.sender), ("情景的内容", scene.text)):
        if not text.strip():
            yield _error("empty-text", item, f"{name}没有写。")
    if item.genuine and scene.tells:
        yield _error("genuine-with-tells", item, "真实的消息没有破绽，请去掉破绽，或者去掉“真实”标记。")
    if not item.genuine and not scene.tells and scene.text.strip():
        yield _warning("no-tells", item, "没有标出破绽。请标出来；如果这条消息是真的，请写 genuine = true。")
    for tell in scene.tells:
        if not tell.strip() or tell not in scene.text:
            yield _error("tell-not-in-text", item, f"破绽“{tell}”在情景的内容里找不到，要一字不差。")


def _of_wording(item: Item) -> Iterator[Fault]:
    """Faults of single characters and of single statements."""
    hidden = sorted({one for text in _texts(item) for one in text if _invisible(one)})
    if hidden:
        codes = "、".join(f"U+{ord(one):04X}" for one in hidden)
        yield _error("control-character", item, f"文字里有看不见或坏掉的字符（{codes}），请删掉后重新输入。")
    said = [_folded(text) for text in _said(item)]
    for pattern, instead in _DISPUTED:
        if any(map(pattern.search, said)):
            yield _error("disputed-claim", item, f"有一句话不可靠，请改掉：{instead}。")


def _of_details(item: Item) -> Iterator[Fault]:
    """Faults of details that mislead or that may be somebody's."""
    plain = [_narrow(text) for text in _texts(item)]
    if any(map(_ADDRESS.search, plain)):
        text = "写了能打开的网址或邮箱，有人会真的去点。请写成“（链接）”或 t.xx/…。"
        yield _warning("live-address", item, text)
    if any(map(_PERSONAL.search, plain)):
        text = "写了像手机号、座机、身份证或银行卡的号码，可能是真人的。请去掉，或者用星号遮住几位。"
        yield _warning("personal-number", item, text)
    if any(map(_LETTER_NAMED.search, plain)):
        text = "用字母称呼了选项，选项的顺序会打乱，请写出选项说的事。"
        yield _warning("letter-named", item, text)
    if item.kind == "true_false" and _TWICE_NOT.search(item.stem):
        yield _warning("double-negation", item, "判断题的题干用了双重否定，容易读错，请从正面说。")


def _of_readers(item: Item) -> Iterator[Fault]:
    """Faults in the eyes of those it is for."""
    if MINORS.intersection(item.audiences):
        words = sorted({one for text in _texts(item) for one in _UNFIT.findall(_folded(text))})
        if words:
            yield _error("unfit-for-minors", item, f"“{'、'.join(words)}”不适合未成年人，请换一种说法。")
    if YOUNG.intersection(item.audiences):
        longest_option = max((len(option.text) for option in item.options), default=0)
        if len(item.stem) > YOUNG_STEM or longest_option > YOUNG_OPTION:
            text = f"小学生的题，题干最好不超过 {YOUNG_STEM} 字，选项不超过 {YOUNG_OPTION} 字，请写短一些。"
            yield _warning("long-for-children", item, text)


def _of_days(item: Item, today: date) -> Iterator[Fault]:
    """Faults of what it says about time."""
    if item.valid_until is not None and item.valid_until < today:
        yield _warning("expired", item, f"有效期到 {item.valid_until}，请核对后更新。")
    if item.reviewed_on > today:
        yield _warning("reviewed-in-future", item, f"核对日期 {item.reviewed_on} 还没有到，请看看是否写错。")
    if item.valid_until is None:
        text = "\n".join(map(_narrow, _texts(item)))
        if _YEAR.search(text) and _FIGURE.search(text):
            yield _warning("undated-figure", item, "写了某一年的数字，会过时，请加上有效期 valid_until。")


def _error(rule: str, item: Item, text: str) -> Fault:
    """A fault that keeps the bank out."""
    return Fault(rule, "error", item.code, text)


def _warning(rule: str, item: Item, text: str) -> Fault:
    """A fault that asks for a second look."""
    return Fault(rule, "warning", item.code, text)


def _choice(words: Iterable[str]) -> str:
    """The words that may be used, as a sentence."""
    return f"可以用：{'、'.join(words)}。"


def _shown(item: Item) -> str:
    """What a person reads before the options: many items ask the same of different messages."""
    return item.stem if item.scene is None else f"{item.scene.text}\n{item.stem}"


def _texts(item: Item) -> Iterator[str]:
    """Everything a participant may read."""
    if item.scene is not None:
        yield item.scene.sender
        yield item.scene.text
    yield item.stem
    yield from (option.text for option in item.options)
    yield from (item.explanation.trick, item.explanation.tell, item.explanation.action)


def _said(item: Item) -> Iterator[str]:
    """What the item itself holds to be so: no scene, no wrong option, no statement that is to be judged wrong."""
    right = [option.text for option in item.options if option.key]
    if item.kind != "true_false" or not any(map(_NO.search, right)):
        yield item.stem
    yield from right
    yield from (item.explanation.tell, item.explanation.action)


def _key_is(item: Item, place: int | None) -> bool:
    return place is not None and item.options[place].key


def _clothes(item: Item) -> str:
    """What tells a twin from another one: a new amount alone does not."""
    return "".join(one for one in _bare(_shown(item)) if not one.isdigit())


def _invisible(character: str) -> bool:
    """A character that nobody meant to write; export to XML or to a bank of another system fails on it."""
    if character in _LINE_BREAKS or character == _EMOJI_JOINER:
        return False
    return character == _REPLACEMENT or unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"}


def _narrow(text: str) -> str:
    """Text with letters, digits and marks in one width."""
    return unicodedata.normalize("NFKC", text)


def _folded(text: str) -> str:
    """Text without differences of width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _bare(text: str) -> str:
    """Folded text without punctuation, for stems that differ by a comma only."""
    return "".join(one for one in _folded(text) if not unicodedata.category(one).startswith("P"))
