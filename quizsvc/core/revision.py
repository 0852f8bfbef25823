"""What one wording of an item says that another does not: field by field, piece by piece."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from string import ascii_uppercase
from typing import Literal

from quizsvc.core.bankfile import (
    AUDIENCE_NAMES,
    CHANNEL_NAMES,
    DIFFICULTY_NAMES,
    KIND_NAMES,
    Item,
    Option,
    Vocabulary,
)

Fate = Literal["kept", "gone", "new"]

_WORDS = re.compile(r"[A-Za-z0-9]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both wordings have, only the earlier one, or only the later one. text: never empty."""

    fate: Fate
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. label: its zh-CN name; pieces: they join to both texts, each without the other's."""

    label: str
    pieces: tuple[Piece, ...]


def fields(item: Item, vocabulary: Vocabulary) -> dict[str, str]:
    """Write an item as a reader sees it, field by field.

    item: any; a slug without a name is written as it is
    vocabulary: the names of topics and beliefs
    return: zh-CN label to text, in the order of the form; what is not there is absent
    """
    return {label: text for label, text in _told(item, vocabulary) if text}


def changes(before: Item, after: Item, vocabulary: Vocabulary) -> tuple[Change, ...]:
    """Say in which fields two wordings differ, and how.

    before: the earlier wording
    after: the later one
    vocabulary: the names of topics and beliefs
    return: one entry a field that differs, those of the later wording first; empty for equal wordings
    """
    earlier, later = fields(before, vocabulary), fields(after, vocabulary)
    labels = (*later, *(label for label in earlier if label not in later))
    pairs = ((label, earlier.get(label, ""), later.get(label, "")) for label in labels)
    return tuple(Change(label, pieces(old, new)) for label, old, new in pairs if old != new)


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """Cut two texts into what both have and what only one has.

    before: the earlier text
    after: the later one
    return: in reading order, what is gone before what is new; a number or a Latin word is never cut

    >>> [(piece.fate, piece.text) for piece in pieces("先付 8 元", "先付 12 元")]
    [('kept', '先付 '), ('gone', '8'), ('new', '12'), ('kept', ' 元')]
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    found: list[Piece] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new).get_opcodes():
        gone, added = "".join(old[start:end]), "".join(new[new_start:new_end])
        if tag == "equal":
            found.append(Piece("kept", gone))
        else:
            found += [Piece(fate, text) for fate, text in _fates(gone, added) if text]
    return tuple(found)


def _fates(gone: str, added: str) -> tuple[tuple[Fate, str], ...]:
    return ("gone", gone), ("new", added)


def _told(item: Item, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    yield "题型", KIND_NAMES.get(item.kind, item.kind)
    yield "主题", vocabulary.topics.get(item.topic, item.topic)
    yield "人群", "、".join(AUDIENCE_NAMES.get(slug, slug) for slug in item.audiences)
    yield "难度", DIFFICULTY_NAMES.get(item.difficulty, str(item.difficulty))
    if item.scene is not None:
        yield "情景渠道", CHANNEL_NAMES.get(item.scene.channel, item.scene.channel)
        yield "情景发送者", item.scene.sender
        yield "情景内容", item.scene.text
        yield "破绽原文", "\n".join(item.scene.tells)
    yield "真实消息", "是" if item.genuine else ""
    yield "题干", item.stem
    for letter, option in zip(ascii_uppercase, item.options, strict=False):
        yield f"选项 {letter}", _option(option, vocabulary)
    yield "骗术", item.explanation.trick
    yield "破绽", item.explanation.tell
    yield "应对", item.explanation.action
    yield "来源", item.source
    yield "核对日期", item.reviewed_on.isoformat()
    yield "有效到", item.valid_until.isoformat() if item.valid_until else ""
    yield "地区", item.region or ""
    yield "同组题", item.twin or ""


def _option(option: Option, vocabulary: Vocabulary) -> str:
    belief = vocabulary.beliefs.get(option.belief or "", option.belief or "")
    notes = [
        *(["正确"] if option.key else []),
        *([f"危险想法：{belief}"] if belief else []),
        *(["固定在最后"] if option.pinned else []),
    ]
    return f"{option.text}（{'，'.join(notes)}）" if notes else option.text
