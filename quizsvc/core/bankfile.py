"""What a question is, what is wrong with one, and its one canonical form."""

import hashlib
import json
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

OPTION_COUNTS = {"single_choice": (3, 5), "multiple_choice": (4, 5), "true_false": (2, 2)}

_ALL_OF_THE_ABOVE = re.compile("(以上|上述)(选项|各项|几项|说法|做法)?(都|全|均|皆)")

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
    today: the day to judge valid_until by, in the school's own time zone
    return: every fault of every item, in the order of the items; empty when all is well
    Source: T. M. Haladyna, S. M. Downing, M. C. Rodriguez 2002 (item-writing guidelines: one right choice,
        choices that do not overlap, no "all of the above")
    """
    codes = Counter(item.code for item in items)
    stems = Counter(_bare(_shown(item)) for item in items)
    twins = Counter(item.twin for item in items)
    faults: list[Fault] = []
    for item in items:
        faults += _of_words(item, vocabulary)
        faults += _of_key(item)
        faults += _of_options(item, vocabulary)
        faults += _of_scene(item)
        if codes[item.code] > 1:
            faults.append(_error("duplicate-code", item, "题号重复了，同一题库里每道题的题号只能用一次。"))
        if stems[_bare(_shown(item))] > 1:
            faults.append(_warning("duplicate-stem", item, "情景和题干同另一道题一样，请看看是否重复。"))
        if item.valid_until is not None and item.valid_until < today:
            faults.append(_warning("expired", item, f"有效期到 {item.valid_until}，请核对后更新。"))
        if item.twin is not None and twins[item.twin] < 2:
            faults.append(_warning("lonely-twin", item, f"同组题“{item.twin}”只有一道，两道才能互换。"))
    return tuple(faults)


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


def _of_words(item: Item, vocabulary: Vocabulary) -> Iterator[Fault]:
    """Faults of the fields around the options."""
    texts = {
        "题号": item.code,
        "题干": item.stem,
        "来源": item.source,
        "骗术": item.explanation.trick,
        "破绽": item.explanation.tell,
        "应对": item.explanation.action,
    }
    for name, text in texts.items():
        if not text.strip():
            yield _error("empty-text", item, f"{name}没有写。")
    if item.kind not in KIND_NAMES:
        yield _error("unknown-kind", item, f"题型“{item.kind}”不认识。{_choice(KINDS)}")
    if item.topic not in vocabulary.topics:
        yield _error("unknown-topic", item, f"主题“{item.topic}”不在词表里。")
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
    fewest, most = OPTION_COUNTS.get(item.kind, (0, len(item.options)))
    if not fewest <= len(item.options) <= most:
        wanted = str(most) if fewest == most else f"{fewest} 到 {most}"
        kind = KIND_NAMES[item.kind]
        yield _error("option-count", item, f"{kind}题要有 {wanted} 个选项，现在是 {len(item.options)} 个。")


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


def _of_scene(item: Item) -> Iterator[Fault]:
    """Faults of the simulated message."""
    scene = item.scene
    if scene is None:
        return
    if scene.channel not in CHANNEL_NAMES:
        yield _error("unknown-channel", item, f"渠道“{scene.channel}”不认识。{_choice(CHANNEL_NAMES)}")
    for name, text in (("情景的发送者", scene.sender), ("情景的内容", scene.text)):
        if not text.strip():
            yield _error("empty-text", item, f"{name}没有写。")
    if item.genuine and scene.tells:
        yield _error("genuine-with-tells", item, "真实的消息没有破绽，请去掉破绽，或者去掉“真实”标记。")
    for tell in scene.tells:
        if not tell.strip() or tell not in scene.text:
            yield _error("tell-not-in-text", item, f"破绽“{tell}”在情景的内容里找不到，要一字不差。")


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


def _folded(text: str) -> str:
    """Text without differences of width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _bare(text: str) -> str:
    """Folded text without punctuation, for stems that differ by a comma only."""
    return "".join(one for one in _folded(text) if not unicodedata.category(one).startswith("P"))
