"""Questions on their way in and out: what another system's file says of one, and how it becomes an item.

Every format carries stem, options, key and an explanation. What only our items have travels in words a person can
read (the scene before the stem, three lines of explanation) and in tags. See docs/algorithms/exchange.md.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from quizsvc.core.bankfile import (
    AUDIENCE_NAMES,
    CHANNEL_NAMES,
    DIFFICULTY_NAMES,
    Explanation,
    Item,
    Option,
    Scene,
    Vocabulary,
)

LETTERS = "ABCDEFGHIJ"
RIGHT_WORDS = frozenset({"对", "正确", "是", "√", "✓", "✔", "v", "true", "t", "yes", "y"})
WRONG_WORDS = frozenset(
    {"错", "错误", "不对", "不正确", "否", "×", "✕", "✖", "x", "✗", "✘", "false", "f", "no", "n"}
)

_CODE = re.compile(r"[a-z0-9][a-z0-9-]*")
_SCENE = re.compile(r"【([^】]+)】([^\n]*)\n(.*?)\n【问题】(.*)", re.DOTALL)
_CHANNELS = {name: slug for slug, name in CHANNEL_NAMES.items()}
_AUDIENCES = {slug: slug for slug in AUDIENCE_NAMES} | {name: slug for slug, name in AUDIENCE_NAMES.items()}
_DIFFICULTIES = {str(level): level for level in DIFFICULTY_NAMES} | {
    name: level for level, name in DIFFICULTY_NAMES.items()
}
_LINES = ("骗术：", "破绽：", "应对：")
_HEADING = re.compile(rf"(?={'|'.join(_LINES)})")
_MOST_TOLD = 40  # characters of a word nobody knows
_ALWAYS = frozenset({"topic", "kind", "difficulty", "reviewed"})  # together only tags_of() writes them


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer as a file has it.

    text: what it says
    key: True when the file marks it right
    note: what the file tells whoever chooses it, "" for nothing; a belief of our vocabulary is known again
    """

    text: str
    key: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One question as a file has it.

    place: where it stands, for a reader: "第 12 行", "第 3 行（表 Sheet1）", "items/q3.xml"
    stem: the question, with the scene before it if scene_and_stem() wrote one
    choices: in written order
    code: a code the file gives on purpose, "" otherwise; numbers and titles are no codes
    kind: one of KINDS when the file says so, "" when the choices decide
    explanation: as one text, the three lines if explanation_text() wrote them
    tags: as tags_of() writes them; others are left alone
    """

    place: str
    stem: str
    choices: tuple[Choice, ...]
    code: str = ""
    kind: str = ""
    explanation: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Rejected:
    """One question that cannot be taken.

    place: where it stands, as in Draft
    text: how it begins, for the eye
    reason: a sentence, with how to mend it
    """

    place: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read.

    form: its format, for a reader: "GIFT", "Moodle XML"
    drafts: the questions that can be understood, in file order
    rejected: those that cannot, in file order
    notes: sentences about what was left out of all of them ("图片没有导入。")
    """

    form: str
    drafts: tuple[Draft, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a file that says nothing of it gets.

    topic, audiences, difficulty, source: fields of an Item
    day: the day of the import; becomes reviewed_on of what is new
    """

    topic: str
    audiences: tuple[str, ...]
    difficulty: int
    source: str
    day: date


@dataclass(frozen=True, slots=True)
class Taken:
    """A draft and the item it became.

    notes: sentences about what the file says of it and the item does not
    """

    draft: Draft
    item: Item
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tags:
    """Tags by name; a tag without a colon is a flag."""

    values: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        return self.values[name][0] if name in self.values else ""

    @property
    def whole(self) -> bool:
        """Written by us: what is not there is not so, instead of not said."""
        return self.values.keys() >= _ALWAYS


@dataclass(frozen=True, slots=True)
class _Words:
    """The vocabulary by what stands in files, folded; the names are those of the topics by slug."""

    topics: Mapping[str, str]
    beliefs: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Bank:
    """Codes by what is asked, and by what is asked with which choices: two items may ask the same."""

    asking: Mapping[str, Sequence[str]]
    choosing: Mapping[tuple[str, frozenset[str]], str]

    def code(self, asked: str, choices: Sequence[Choice], *, alone: bool) -> str:
        """The code of the same question with the same choices, or with others if it can only be that one."""
        same = self.asking.get(asked, ())
        only = same[0] if alone and len(same) == 1 else ""
        return self.choosing.get((asked, frozenset(_folded(choice.text) for choice in choices)), only)


def scene_and_stem(item: Item) -> str:
    """Write the scene and the stem as one text.

    item: any
    return: "【短信】发送者\\n内容\\n【问题】题干", or the stem alone when there is no scene
    """
    if item.scene is None:
        return item.stem
    name = CHANNEL_NAMES.get(item.scene.channel, item.scene.channel)
    return f"【{name}】{item.scene.sender}\n{item.scene.text}\n【问题】{item.stem}"


def explanation_text(explanation: Explanation) -> str:
    """Write an explanation as one text.

    explanation: any
    return: the lines that are not empty, each with its heading
    """
    texts = (explanation.trick, explanation.tell, explanation.action)
    return "\n".join(f"{heading}{text}" for heading, text in zip(_LINES, texts, strict=True) if text)


def tags_of(item: Item) -> tuple[str, ...]:
    """Write everything that stem, options and explanation leave out.

    item: any
    return: "name:value" each, in a fixed order
    """
    pinned = [f"pinned:{place}" for place, option in enumerate(item.options, start=1) if option.pinned]
    return (
        f"topic:{item.topic}",
        f"kind:{item.kind}",
        *(f"audience:{audience}" for audience in item.audiences),
        f"difficulty:{item.difficulty}",
        f"source:{item.source}",
        f"reviewed:{item.reviewed_on.isoformat()}",
        *([f"valid-until:{item.valid_until.isoformat()}"] if item.valid_until else []),
        *([f"twin:{item.twin}"] if item.twin else []),
        *([f"region:{item.region}"] if item.region else []),
        *(["genuine"] if item.genuine else []),
        *(f"tell:{tell}" for tell in (item.scene.tells if item.scene else ())),
        *pinned,
    )


def choices_of(item: Item, vocabulary: Vocabulary) -> tuple[Choice, ...]:
    """Write the options of an item; a dangerous belief is told in its sentence.

    item: any
    vocabulary: whose sentences are used
    return: in written order
    """
    return tuple(
        Choice(option.text, option.key, vocabulary.beliefs.get(option.belief or "", option.belief or ""))
        for option in item.options
    )


def draft_of(item: Item, vocabulary: Vocabulary, place: str = "") -> Draft:
    """Write a whole item as a file would have it; take() undoes it.

    item: any
    vocabulary: whose sentences are used for beliefs
    place: where it will stand
    return: the draft
    """
    return Draft(
        place=place,
        stem=scene_and_stem(item),
        choices=choices_of(item, vocabulary),
        code=item.code,
        kind=item.kind,
        explanation=explanation_text(item.explanation),
        tags=tags_of(item),
    )


def losses(item: Item) -> tuple[str, ...]:
    """Say what the written forms above cannot carry of an item, whatever the format.

    item: one the lint finds no error in, but those a draft may have
    return: sentences; empty when take(draft_of(item)) gives the same item
    """
    found = []
    if item.scene is not None and ("\n【问题】" in f"\n{item.scene.text}" or "\n" in item.scene.sender):
        found.append("情景里有“【问题】”开头的行，或者发送者换了行，导入后情景和题干会分错。")
    if item.scene is None and _SCENE.fullmatch(item.stem):
        found.append("题干写得像一个情景，导入后会当成情景。")
    if _explained(explanation_text(item.explanation)) != item.explanation:
        found.append("解析里有“骗术：”“破绽：”“应对：”开头的行，或者两头有空白，导入后会不一样。")
    if len(set(item.audiences)) < len(item.audiences) or "" in (item.twin, item.region):
        found.append("人群写重了，或者同组题、地区写成了空的，导入后会去掉。")
    return tuple(found)


def truth(text: str) -> bool | None:
    """Understand a word for right or wrong.

    text: "对", "√", "TRUE", "错误" and their like, any case and width
    return: True for right, False for wrong, None for anything else
    """
    word = _folded(text).rstrip("。.")
    return True if word in RIGHT_WORDS else False if word in WRONG_WORDS else None


def take(
    reading: Reading, known: Mapping[str, Item], defaults: Defaults, vocabulary: Vocabulary
) -> tuple[tuple[Taken, ...], tuple[Rejected, ...]]:
    """Turn the drafts of a file into items.

    reading: the file
    known: items the bank has, by code
    defaults: for what neither the file nor a known item says
    vocabulary: the shared words; a topic may also be given by its Chinese name
    return: the items in file order, and the drafts that cannot become one with those the reader rejected.
        What a file does not say of a known item stays as it is, and a word nobody knows counts as not said, but
        is told in the notes. A draft is known by its code, else by what it asks, so that the same file again
        changes nothing. A new one gets a code made from what it asks.
    """
    bank, words = _bank(known), _words(vocabulary)
    asked = Counter(_folded(draft.stem) for draft in reading.drafts)
    taken: list[Taken] = []
    rejected = list(reading.rejected)
    places: dict[str, str] = {}
    for draft in reading.drafts:
        code = _code(draft, bank, alone=asked[_folded(draft.stem)] == 1)
        try:
            if code in places:
                raise _Unfit(f"和{places[code]}是同一道题，请删去一道。")
            item = _item(draft, code, known.get(code), defaults, words)
        except _Unfit as unfit:
            rejected.append(Rejected(draft.place, _beginning(draft), str(unfit)))
        else:
            places[code] = draft.place
            taken.append(Taken(draft, item, _notes(draft, item, words)))
    return tuple(taken), tuple(rejected)


class _Unfit(Exception):
    """A draft that cannot become an item; its text says why."""


def _bank(known: Mapping[str, Item]) -> _Bank:
    asking: dict[str, list[str]] = {}
    choosing: dict[tuple[str, frozenset[str]], str] = {}
    for code, item in known.items():
        asked = _folded(scene_and_stem(item))
        asking.setdefault(asked, []).append(code)
        choosing[asked, frozenset(_folded(option.text) for option in item.options)] = code
    return _Bank(asking, choosing)


def _words(vocabulary: Vocabulary) -> _Words:
    """Slugs and names alike."""
    topics, beliefs = vocabulary.topics, vocabulary.beliefs
    return _Words(
        topics={_folded(name): slug for slug, name in topics.items()}
        | {_folded(slug): slug for slug in topics},
        beliefs={_folded(name): slug for slug, name in beliefs.items()}
        | {_folded(slug): slug for slug in beliefs},
        names=topics,
    )


def _code(draft: Draft, bank: _Bank, *, alone: bool) -> str:
    """The code a file gives, else that of the item it is, else one made from what it asks."""
    if _CODE.fullmatch(draft.code):
        return draft.code
    asked = _folded(draft.stem)
    known = bank.code(asked, draft.choices, alone=alone)
    if known:
        return known
    if not alone or asked in bank.asking:
        asked = "\n".join([asked, *(_folded(choice.text) for choice in draft.choices)])
    return f"q-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"


def _item(draft: Draft, code: str, before: Item | None, defaults: Defaults, words: _Words) -> Item:
    tags = _tags(draft.tags)
    kept = None if tags.whole else before
    options = _options(draft, tags, kept, words)
    scene, stem = _scene(draft.stem, tuple(tags.values.get("tell", ())), kept)
    return Item(
        code=code,
        kind=tags.one("kind") or draft.kind or _kind(options),
        topic=words.topics.get(_folded(tags.one("topic"))) or (kept or defaults).topic,
        audiences=_audiences(tags) or (kept or defaults).audiences,
        difficulty=_DIFFICULTIES.get(tags.one("difficulty")) or (kept or defaults).difficulty,
        stem=stem,
        options=options,
        explanation=(
            kept.explanation if kept and not draft.explanation.strip() else _explained(draft.explanation)
        ),
        source=tags.one("source") or ("" if tags.whole else (kept or defaults).source),
        reviewed_on=_day(tags.one("reviewed")) or (before.reviewed_on if before else defaults.day),
        scene=scene,
        genuine="genuine" in tags.values or bool(kept and kept.genuine and scene == kept.scene),
        twin=tags.one("twin") or (kept.twin if kept else None),
        region=tags.one("region") or (kept.region if kept else None),
        valid_until=_day(tags.one("valid-until")) or (kept.valid_until if kept else None),
    )


def _options(draft: Draft, tags: _Tags, kept: Item | None, words: _Words) -> tuple[Option, ...]:
    if len(draft.choices) < 2:
        raise _Unfit("选项少于两个。选项请写成“A. 文字”，一行一个。")
    if not any(choice.key for choice in draft.choices):
        raise _Unfit("没有标出正确答案。请加一行“答案：A”。")
    earlier = {_folded(option.text): option for option in kept.options} if kept else {}
    pinned = tags.one("pinned")
    options = []
    for place, choice in enumerate(draft.choices, start=1):
        was = earlier.get(_folded(choice.text), Option(""))
        belief = words.beliefs.get(_folded(choice.note)) or was.belief
        options.append(
            Option(
                text=choice.text,
                key=choice.key,
                belief=None if choice.key else belief,
                pinned=pinned == str(place) if pinned else was.pinned,
            )
        )
    return tuple(options)


def _kind(options: Sequence[Option]) -> str:
    if len(options) == 2 and {truth(option.text) for option in options} == {True, False}:
        return "true_false"
    return "multiple_choice" if sum(option.key for option in options) > 1 else "single_choice"


def _scene(text: str, tells: tuple[str, ...], kept: Item | None) -> tuple[Scene | None, str]:
    """The scene and what is asked of it; a file that shows neither message nor tells leaves those there are."""
    found = _SCENE.fullmatch(text)
    named = found is not None and found[1] in _CHANNELS
    scene = Scene(_CHANNELS[found[1]], found[2], found[3], tells) if found and named else None
    stem = found[4] if found and named else text
    if not stem.strip():
        raise _Unfit("没有题干。")
    if kept is None or kept.scene is None:
        return scene, stem
    if scene is None:
        return (kept.scene if _folded(stem) == _folded(kept.stem) else None), stem
    return (kept.scene if not tells and scene == replace(kept.scene, tells=()) else scene), stem


def _explained(text: str) -> Explanation:
    """The three lines by their headings; a text without headings is what gives the fraud away.

    A text of one line that begins with a heading may have all three in it.
    """
    parts: dict[str, list[str]] = {}
    heading = ""
    if "\n" not in text and text.startswith(_LINES):
        text = _HEADING.sub("\n", text).lstrip("\n")
    for line in text.split("\n"):
        heading = next((one for one in _LINES if line.startswith(one)), heading)
        parts.setdefault(heading, []).append(line.removeprefix(heading))
    trick, tell, action = ("\n".join(parts.get(one, [])).strip() for one in _LINES)
    loose = "\n".join(parts.get("", [])).strip()
    return Explanation(trick, "\n".join(filter(None, (loose, tell))), action)


def _notes(draft: Draft, item: Item, words: _Words) -> tuple[str, ...]:
    """What the file says of it that nobody knows, and what the item has instead."""
    tags = _tags(draft.tags)
    topic, difficulty = tags.one("topic"), tags.one("difficulty")
    audiences = [word for word in tags.values.get("audience", ()) if word not in _AUDIENCES]
    unknown = (
        (
            "主题",
            [topic] if _folded(topic) not in words.topics else [],
            [words.names.get(item.topic, item.topic)],
        ),
        ("人群", audiences, [AUDIENCE_NAMES.get(slug, slug) for slug in item.audiences]),
        (
            "难度",
            [difficulty] if difficulty not in _DIFFICULTIES else [],
            [DIFFICULTY_NAMES.get(item.difficulty, str(item.difficulty))],
        ),
    )
    told = [
        f"不认识的{field}“{_shortened('、'.join(said))}”，用了“{'、'.join(used)}”。"
        for field, several, used in unknown
        if (said := dict.fromkeys(word.strip() for word in several if word.strip()))
    ]
    return (*told, *(["选项的反馈没有导入。"] if _untold(draft, item, words) else []))


def _untold(draft: Draft, item: Item, words: _Words) -> bool:
    """Say whether a choice has a note that is neither its belief now nor part of the explanation."""
    explained = {_folded(line) for line in draft.explanation.split("\n")}
    return any(
        words.beliefs.get(_folded(choice.note), choice.note) != option.belief
        and not explained.issuperset(_folded(line) for line in choice.note.split("\n") if line.strip())
        for choice, option in zip(draft.choices, item.options, strict=True)
    )


def _tags(tags: Sequence[str]) -> _Tags:
    found: dict[str, list[str]] = {}
    for tag in tags:
        name, _, value = tag.partition(":")
        found.setdefault(name.strip(), []).append(value)
    return _Tags(found)


def _audiences(tags: _Tags) -> tuple[str, ...]:
    words = tags.values.get("audience", ())
    return tuple(dict.fromkeys(_AUDIENCES[word] for word in words if word in _AUDIENCES))


def _day(word: str) -> date | None:
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None


def _beginning(draft: Draft) -> str:
    return " ".join(draft.stem.split())[:40]


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_TOLD else f"{text[:_MOST_TOLD]}…"


def _folded(text: str) -> str:
    """Text without differences of width, case and white space."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
