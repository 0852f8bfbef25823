"""TOML, the format of our own question banks: a file as question_banks/ has it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from quizsvc.core import bankfile, exchange, tablefile
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
from quizsvc.core.exchange import Draft, Reading, Rejected
from quizsvc.uploads import Unreadable

FORM = "TOML"
LONGEST = 750_000
MOST_LINES = 40_000
SCHEMA = "#:schema ../bank.schema.json"

# Names joined by this many dots are tables inside tables; the time to read them grows with the square.
_DEEP = re.compile(r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){40}""")

_Shape = type | list["_Shape"] | Mapping[str, "_Shape"]
_SCENE: _Shape = {"channel": str, "sender": str, "text": str, "tells": [str]}
_OPTION: _Shape = {"text": str, "key": bool, "belief": str, "pinned": bool}
_EXPLANATION: _Shape = {"trick": str, "tell": str, "action": str}
_ITEM: _Shape = {
    "code": str,
    "kind": str,
    "topic": str,
    "audiences": [str],
    "difficulty": int,
    "stem": str,
    "source": str,
    "reviewed_on": date,
    "valid_until": date,
    "twin": str,
    "genuine": bool,
    "region": str,
    "scene": _SCENE,
    "options": [_OPTION],
    "explanation": _EXPLANATION,
}
_OPTIONAL = frozenset(
    {"valid_until", "twin", "genuine", "region", "scene", "tells", "key", "belief", "pinned"}
)


class _Unfit(Exception):
    """A question that cannot be taken; `path` leads to what is wrong with it."""

    def __init__(self, text: str, path: tablefile.Path = ()) -> None:
        super().__init__(text)
        self.path = path


def read(text: str) -> Reading:
    """Read an item file; a question that does not have its shape is rejected with its first fault."""
    if len(text) > LONGEST or text.count("\n") > MOST_LINES:
        raise Unreadable("TOML 文件太长，请分成几个文件，每个不超过 1000 道题。")
    if _DEEP.search(text):
        raise Unreadable("TOML 文件里有一个名字用点连得太长，读不了。")
    try:
        table = tablefile.read(text.encode(), form="toml")
    except tablefile.Unreadable as unreadable:
        raise Unreadable(f"第 {unreadable.line} 行：{unreadable.text}") from None
    listed = table.values.get("item")
    if not isinstance(listed, list) or not listed:
        raise Unreadable("没有找到题。每道题要从 [[item]] 开始，两层方括号。")
    drafts: list[Draft] = []
    rejected: list[Rejected] = []
    for index, values in enumerate(listed):
        try:
            item = _item(values)
        except _Unfit as unfit:
            line = table.line(("item", index, *unfit.path))
            rejected.append(Rejected(f"第 {line} 行", _beginning(values), str(unfit)))
        else:
            place = f"第 {table.line(('item', index))} 行"
            drafts.append(exchange.draft_of(item, Vocabulary({}, {}), place))
    others = "、".join(sorted(table.values.keys() - {"item"}))
    notes = (f"只导入了 [[item]] 里的题，没有导入：{others[:60]}。",) if others else ()
    return Reading(FORM, tuple(drafts), tuple(rejected), notes)


def write(items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
    """Write an item file; a belief stays the slug that `quizsvc bank check` looks up in the vocabulary."""
    comment = f"# {''.join(one if one.isprintable() else ' ' for one in title)}".rstrip()
    tables = ("\n".join(lines) + "\n" for item in items for lines in _tables(item))
    return "\n".join([f"{SCHEMA}\n{comment}\n", *tables]).encode()


def losses(item: Item) -> tuple[str, ...]:
    """Say what an item file cannot carry of an item."""
    return exchange.losses(item)


def _item(values: Any) -> Item:
    """The item that a table tells, when it has its shape and can go on as a draft."""
    _check(values, _ITEM, ())
    days = {name: str(values[name]) for name in ("reviewed_on", "valid_until") if name in values}
    item = bankfile.item_of({**values, **days})
    _check_words(item)
    for lost in exchange.losses(item):
        raise _Unfit(f"{lost}请换种写法。")
    return item


def _check_words(item: Item) -> None:
    """Raise _Unfit for the first word of a fixed list that is not in it: a draft would drop it unseen."""
    said: list[tuple[str, tablefile.Path, object, Mapping[Any, str]]] = [
        *(("适用人群", ("audiences",), audience, AUDIENCE_NAMES) for audience in item.audiences),
        ("难度", ("difficulty",), item.difficulty, DIFFICULTY_NAMES),
        *([("渠道", ("scene", "channel"), item.scene.channel, CHANNEL_NAMES)] if item.scene else []),
    ]
    for name, path, word, known in said:
        if word not in known:
            words = "、".join(map(str, known))
            raise _Unfit(f"{name}“{str(word)[:20]}”不认识。可以用：{words}。", path)


def _check(value: object, shape: _Shape, path: tablefile.Path) -> None:
    """Raise _Unfit for the first thing that does not have its shape."""
    kind = shape if isinstance(shape, type) else list if isinstance(shape, list) else dict
    if not (type(value) is kind or (kind is date and _is_day(value))):
        name = "string" if kind is str else kind.__name__
        raise _Unfit(tablefile.sentence(f"{name}_type", path, value), path)
    if isinstance(shape, list) and isinstance(value, list):
        for index, entry in enumerate(value):
            _check(entry, shape[0], (*path, index))
    if isinstance(shape, Mapping) and isinstance(value, dict):
        _check_names(value, shape, path)
        for name, entry in value.items():
            _check(entry, shape[name], (*path, name))


def _check_names(values: Mapping[str, object], fields: Mapping[str, _Shape], path: tablefile.Path) -> None:
    for name in fields:
        if name not in values and name not in _OPTIONAL:
            raise _Unfit(tablefile.sentence("missing", (*path, name), None), (*path, name))
    for name in values:
        if name not in fields:
            raise _Unfit(tablefile.sentence("extra_forbidden", (*path, name), None, fields), (*path, name))


def _is_day(value: object) -> bool:
    """Tell whether a value is a day in quotation marks, as many write it."""
    try:
        date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _beginning(values: Any) -> str:
    """The stem, or the code when there is none."""
    words = (values.get(name) for name in ("stem", "code")) if isinstance(values, dict) else ()
    return next((" ".join(word[:200].split())[:40] for word in words if isinstance(word, str)), "")


def _tables(item: Item) -> Iterator[list[str]]:
    """The lines of each table of an item, in the order the banks keep."""
    yield [
        "[[item]]",
        f"code = {_quoted(item.code)}",
        f"kind = {_quoted(item.kind)}",
        f"topic = {_quoted(item.topic)}",
        f"audiences = {_listed(item.audiences)}",
        f"difficulty = {item.difficulty}",
        f"stem = {_quoted(item.stem)}",
        f"source = {_quoted(item.source)}",
        f"reviewed_on = {item.reviewed_on.isoformat()}",
        *([f"valid_until = {item.valid_until.isoformat()}"] if item.valid_until else []),
        *([f"twin = {_quoted(item.twin)}"] if item.twin else []),
        *(["genuine = true"] if item.genuine else []),
        *([f"region = {_quoted(item.region)}"] if item.region else []),
    ]
    if item.scene is not None:
        yield _scene_lines(item.scene)
    for option in item.options:
        yield _option_lines(option)
    yield _explanation_lines(item.explanation)


def _scene_lines(scene: Scene) -> list[str]:
    return [
        "[item.scene]",
        f"channel = {_quoted(scene.channel)}",
        f"sender = {_quoted(scene.sender)}",
        f"text = {_quoted(scene.text)}",
        f"tells = {_listed(scene.tells)}",
    ]


def _option_lines(option: Option) -> list[str]:
    return [
        "[[item.options]]",
        f"text = {_quoted(option.text)}",
        *(["key = true"] if option.key else []),
        *([f"belief = {_quoted(option.belief)}"] if option.belief else []),
        *(["pinned = true"] if option.pinned else []),
    ]


def _explanation_lines(explanation: Explanation) -> list[str]:
    return [
        "[item.explanation]",
        f"trick = {_quoted(explanation.trick)}",
        f"tell = {_quoted(explanation.tell)}",
        f"action = {_quoted(explanation.action)}",
    ]


def _listed(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _quoted(text: str) -> str:
    """A basic string: JSON escapes the same characters, but for one that TOML forbids."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
