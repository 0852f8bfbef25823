"""What the bank pages are told: a search, a file to import, an item as somebody typed it."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from werkzeug.datastructures import FileStorage, MultiDict

from quizsvc.bank.queries import RETIRED, ImportPlan, ItemRow
from quizsvc.core import bankfile
from quizsvc.core.bankfile import Vocabulary
from quizsvc.core.exchange import Defaults
from quizsvc.core.refusal import Refusal
from quizsvc.web import sealing

MOST_OPTIONS = 8
LONGEST_SOURCE = 200
PURPOSE = "bank.import"
ASKED = ("q", "topic", "kind", "audience", "difficulty", "state")


class Expired(Refusal):
    """A preview that is too old, or was never ours."""

    def __init__(self) -> None:
        super().__init__("这次预览已经过期，没有导入。请重新上传。")


class Unanswered(Refusal):
    """A field of the import that was left empty or cannot be; `field` is where it is on the page."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Search:
    """Which items a page shows; "" is any, and any state leaves out what is retired."""

    q: str
    topic: str
    kind: str
    audience: str
    difficulty: str
    state: str

    def takes(self, row: ItemRow) -> bool:
        """Say whether an item is shown."""
        item = row.item
        return (
            self.topic in ("", item.topic)
            and self.kind in ("", item.kind)
            and (not self.audience or self.audience in item.audiences)
            and self.difficulty in ("", str(item.difficulty))
            and (row.state == self.state if self.state else row.state != RETIRED)
            and self._reads(row)
        )

    def words(self) -> dict[str, str]:
        """Return what was asked for, as the arguments of an address."""
        return {name: value for name in ASKED if (value := getattr(self, name))}

    def _reads(self, row: ItemRow) -> bool:
        words = _folded(self.q).split()
        if not words:
            return True
        item = row.item
        scene = (item.scene.sender, item.scene.text) if item.scene else ()
        text = _folded("\n".join((item.code, item.stem, *scene, *(option.text for option in item.options))))
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Previewed:
    """What somebody saw in a preview and may now confirm; `same` and `rejected` are how many."""

    bank_code: str
    staff_id: int
    digest: str
    same: int
    rejected: int
    items: tuple[bankfile.Item, ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """An item as it was typed, and sentences about what could not be read."""

    item: bankfile.Item
    unread: tuple[str, ...]


def search_from(args: MultiDict[str, str]) -> Search:
    """Read a search from an address."""
    return Search(*(args.get(name, "").strip() for name in ASKED))


def file_from(fields: MultiDict[str, str], files: MultiDict[str, FileStorage]) -> tuple[bytes, str]:
    """Read the file and its name, or else the text pasted."""
    file = files.get("file")
    body = file.read() if file else b""
    if file and body:
        return body, file.filename or ""
    body = fields.get("pasted", "").strip().encode()
    if not body:
        raise Refusal("请选一个题目文件，或者把题目粘贴到下面的框里。")
    return body, ""


def defaults_from(fields: MultiDict[str, str], vocabulary: Vocabulary, day: date) -> Defaults:
    """Read what a question gets of which the file says nothing."""
    return checked_defaults(
        Defaults(
            topic=fields.get("topic", ""),
            audiences=tuple(fields.getlist("audience")),
            difficulty=_number(fields.get("difficulty", "")),
            source=fields.get("source", "").strip(),
            day=day,
        ),
        vocabulary,
    )


def checked_defaults(defaults: Defaults, vocabulary: Vocabulary) -> Defaults:
    """Refuse defaults that no item may have."""
    if defaults.topic not in vocabulary.topics:
        raise Unanswered("topic", "请选一个主题，文件里没写主题的题都归到它。")
    if not defaults.audiences or any(slug not in bankfile.AUDIENCE_NAMES for slug in defaults.audiences):
        raise Unanswered("audience", "请选适用人群，至少一种。")
    if defaults.difficulty not in bankfile.DIFFICULTY_NAMES:
        raise Unanswered("difficulty", "请选难度。")
    if len(defaults.source) > LONGEST_SOURCE:
        raise Unanswered("source", f"来源太长了，请写在 {LONGEST_SOURCE} 个字以内。")
    return defaults


def sealed(plan: ImportPlan, *, bank_code: str, staff_id: int, at: datetime) -> str:
    """Write what was previewed and would change as one signed, compressed text."""
    items = {one.item.code: one.item for one in (*plan.new, *plan.changed, *plan.revived)}
    contents = [bankfile.content_of(item) for item in items.values()]
    seen = [bank_code, staff_id, plan.digest, len(plan.same), len(plan.rejected), contents]
    return sealing.sealed(seen, purpose=PURPOSE, at=at)


def opened(text: str, *, at: datetime) -> Previewed:
    """Read what was previewed; refuse what is not ours or older than an hour."""
    try:
        bank_code, staff_id, digest, same, rejected, contents = sealing.opened(text, purpose=PURPOSE, at=at)
    except sealing.Broken:
        raise Expired from None
    items = tuple(bankfile.item_of(content) for content in contents)
    return Previewed(bank_code, staff_id, digest, same, rejected, items)


def typed_item(fields: MultiDict[str, str], *, code: str, today: date) -> Typed:
    """Read every field of an item; what is wrong with what was read, the lint says."""
    unread: list[str] = []
    valid_until = _day(fields, "valid_until", "有效到", unread)
    item = bankfile.Item(
        code=code,
        kind=fields.get("kind", ""),
        topic=fields.get("topic", ""),
        audiences=tuple(slug for slug in bankfile.AUDIENCES if slug in fields.getlist("audience")),
        difficulty=_number(fields.get("difficulty", "")),
        stem=_text(fields, "stem"),
        options=tuple(_options(fields, unread)),
        explanation=bankfile.Explanation(*(_text(fields, name) for name in ("trick", "tell", "action"))),
        source=_text(fields, "source"),
        reviewed_on=_day(fields, "reviewed_on", "核对日期", unread) or today,
        scene=_scene(fields),
        genuine="genuine" in fields,
        twin=_text(fields, "twin") or None,
        region=_text(fields, "region") or None,
        valid_until=valid_until,
    )
    return Typed(item, tuple(unread))


def blank_item(*, today: date, topic: str = "") -> bankfile.Item:
    """Return an item in which nothing is written yet."""
    return bankfile.Item(
        code="",
        kind=bankfile.KINDS[0],
        topic=topic,
        audiences=(),
        difficulty=2,
        stem="",
        options=(),
        explanation=bankfile.Explanation("", "", ""),
        source="",
        reviewed_on=today,
    )


def free_code(topic: str, taken: Collection[str]) -> str:
    """Return the first code made of a topic and a number that no item has."""
    numbers = iter(range(1, len(taken) + 2))
    codes = (f"{topic.replace('_', '-') or 'item'}-{number:02}" for number in numbers)
    return next(code for code in codes if code not in taken)


def number_from(fields: MultiDict[str, str], name: str) -> int:
    """Read a number of a version; 0 when it is none."""
    return _number(fields.get(name, ""))


def _options(fields: MultiDict[str, str], unread: list[str]) -> Iterator[bankfile.Option]:
    for place in range(1, MOST_OPTIONS + 1):
        text, key = _text(fields, f"option{place}"), f"key{place}" in fields
        if not text:
            if key:
                unread.append(f"选项 {'ABCDEFGH'[place - 1]} 勾了正确答案，但没有写文字。")
            continue
        belief = fields.get(f"belief{place}") or None
        yield bankfile.Option(text, key=key, belief=belief, pinned=f"last{place}" in fields)


def _scene(fields: MultiDict[str, str]) -> bankfile.Scene | None:
    channel, sender, text = fields.get("channel", ""), _text(fields, "sender"), _text(fields, "scene")
    tells: Sequence[str] = [line.strip() for line in _text(fields, "tells").split("\n")]
    tells = tuple(line for line in tells if line)
    if not (channel or sender or text or tells):
        return None
    return bankfile.Scene(channel, sender, text, tells)


def _text(fields: MultiDict[str, str], name: str) -> str:
    return fields.get(name, "").replace("\r\n", "\n").strip()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def _day(fields: MultiDict[str, str], name: str, label: str, unread: list[str]) -> date | None:
    text = _text(fields, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        unread.append(f"{label}要写成 2026-11-15 这样的日期。")
        return None


def _folded(text: str) -> str:
    """Text without differences of width and case."""
    return unicodedata.normalize("NFKC", text).casefold()
