"""Tables written by hand (TOML, JSON): what they say, where each value stands, what is wrong in words."""

import json
import re
import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from quizsvc.core.refusal import Refusal

Path = tuple[str | int, ...]

DEEPEST = 16
"""Parts of a path that has a place of its own; prefixes of longer ones would take memory by the square."""

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_NAMES = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_NAMES})\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_NAMES})\s*=")
_TEXT = re.compile(
    r'''"""(?:[^"\\]++|\\(?:.|\Z)|"{1,2}(?!"))*+(?:"{3,5}|\Z)|"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)'''
    r"""|'{3}(?:[^']++|'{1,2}(?!'))*+'{3,5}|'[^']*+'|#[^\n]*+""",
    re.DOTALL,
)
_AT_LINE = re.compile(r"at line (\d+)")

_SENTENCES = {
    "missing": "缺少“{name}”。",
    "extra_forbidden": "不认识的字段“{name}”。",
    "string_type": "“{name}”要写成文字，两边加引号。",
    "int_type": "“{name}”要写成整数，不加引号。",
    "bool_type": "“{name}”只能写 true 或 false，不加引号。",
    "date_type": "“{name}”要写成日期，例如 2026-11-15。",
    "list_type": "“{name}”要写成列表，两边用方括号。",
    "dict_type": "“{name}”要写成一张表，不能只写一个值。",
    "model_type": "“{name}”要写成一张表，不能只写一个值。",
    "string_pattern_mismatch": "“{name}”只能用小写字母、数字和连字符，现在写的是“{value}”。",
    "greater_than_equal": "“{name}”太小了，现在写的是 {value}。",
    "less_than_equal": "“{name}”太大了，现在写的是 {value}。",
    "too_short": "“{name}”不能是空的。",
    "string_too_short": "“{name}”不能是空的。",
}
_OTHERWISE = "“{name}”写得不对。"


class Unreadable(Refusal):
    """A text that is not the table it should be.

    line: where reading stopped, counted from 1
    """

    def __init__(self, text: str, line: int) -> None:
        """Keep the sentence and the line."""
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read.

    values: what it says
    places: path of a value to its line, counted from 1; list entries are counted from 0 in the path
    """

    values: dict[str, Any]
    places: Mapping[Path, int]

    def line(self, path: Sequence[str | int]) -> int:
        """Find where a value stands.

        path: of the value, or of one that should be there
        return: its line; when it has none of its own, that of the nearest table around it, 1 at worst
        """
        for length in range(len(path), 0, -1):
            if (found := self.places.get(tuple(path[:length]))) is not None:
                return found
        return 1


def read(body: bytes, *, form: str) -> Table:
    """Read a table.

    body: the file, UTF-8 with or without a byte order mark
    form: "toml" or "json"
    return: its values and their lines
    raise Unreadable: not UTF-8, not in that form, or no table at its top
    """
    try:
        text = body.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise Unreadable("文件不是 UTF-8 编码，请用编辑器另存为 UTF-8。", line) from None
    try:
        values = tomllib.loads(text) if form == "toml" else json.loads(text)
        places = toml_places(text) if form == "toml" else json_places(text)
    except json.JSONDecodeError as error:
        raise Unreadable("这一行附近不合 JSON 的写法，请检查引号、逗号和括号。", error.lineno) from None
    except tomllib.TOMLDecodeError as error:
        told = _AT_LINE.search(str(error))
        line = int(told[1]) if told else text.count("\n") + 1
        raise Unreadable("这一行附近不合 TOML 的写法，请检查引号、等号、括号和重复的字段。", line) from None
    except (RecursionError, ValueError):
        raise Unreadable("括号套得太深，或者数字太长，读不了。", 1) from None
    if not isinstance(values, dict):
        raise Unreadable("文件的最外层要是一张表。", 1)
    return Table(values, places)


def toml_places(text: str) -> dict[Path, int]:
    """Find the line of every header and key of a TOML text.

    text: valid TOML
    return: path to line; keys inside lists and inline tables have no place of their own, nor has what stands
        deeper than DEEPEST

    >>> toml_places('[[item]]\\ncode = "a"\\n[[item.options]]\\ntext = "b"')["item", 0, "options", 0, "text"]
    4
    """
    places: dict[Path, int] = {}
    lengths: Counter[Path] = Counter()
    table: Path = ()
    open_lists = 0
    for number, line in enumerate(_TEXT.sub(_emptied, text).split("\n"), start=1):
        inside, bare = open_lists > 0, _TEXT.sub("", line)
        open_lists += bare.count("[") - bare.count("]")
        if inside:
            continue
        path: Path = ()
        if header := _HEADER.match(line):
            path = table = _entered(_split(header[2]), lengths, array=header[1] == "[[")
        elif key := _KEY.match(line):
            path = (table + _split(key[1]))[:DEEPEST]
        for length in range(1, len(path) + 1):
            places.setdefault(path[:length], number)
    return places


def json_places(text: str) -> dict[Path, int]:
    """Find the line of every value of a JSON text.

    text: valid JSON
    return: path to line

    >>> json_places('{"item": [\\n{"code": "a"},\\n{"code": "b"}]}')[("item", 1, "code")]
    3
    """
    places: dict[Path, int] = {}
    breaks = [index for index, character in enumerate(text) if character == "\n"]
    decoder = json.JSONDecoder()

    def solid(at: int) -> int:
        while text[at] in " \t\n\r,:":
            at += 1
        return at

    def walk(at: int, path: Path) -> int:
        at = solid(at)
        places[path] = bisect_right(breaks, at) + 1
        if text[at] not in "{[":
            return decoder.raw_decode(text, at)[1]
        keyed, closing = text[at] == "{", "}" if text[at] == "{" else "]"
        at, index = solid(at + 1), 0
        while text[at] != closing:
            name: str | int = index
            if keyed:
                name, at = decoder.raw_decode(text, at)
            at, index = solid(walk(at, (*path, name))), index + 1
        return at + 1

    walk(0, ())
    return places


def sentence(kind: str, path: Sequence[str | int], value: object, known: Collection[str] = ()) -> str:
    """Tell in zh-CN what is wrong with one value.

    kind: the error as pydantic 2 names it
    path: of the value inside its table
    value: what stands there
    known: names of fields there are, to propose one for a name that is not known
    return: one sentence

    >>> sentence("extra_forbidden", ("options", 2, "txt"), "…", {"text", "key"})
    '不认识的字段“options 第 3 项的 txt”，是不是“text”？'
    """
    text = _SENTENCES.get(kind, _OTHERWISE).format(name=spelled(path), value=value)
    if kind == "extra_forbidden" and (near := get_close_matches(str(path[-1]), sorted(known), n=1)):
        return f"{text.removesuffix('。')}，是不是“{near[0]}”？"
    return text


def spelled(path: Sequence[str | int]) -> str:
    """Write a path for a reader.

    path: names, and list entries counted from 0
    return: list entries are counted from 1

    >>> spelled(("scene", "tells", 0))
    'scene 的 tells 第 1 项'
    """
    words = ""
    for part in path:
        if isinstance(part, int):
            words += f" 第 {part + 1} 项"
        else:
            words += f"{'的' if words.endswith('项') else ' 的' if words else ''} {part}"
    return words.strip()


def _entered(names: Path, lengths: Counter[Path], *, array: bool) -> Path:
    """The path a header opens, as far as it has places; a name that is a list means its newest entry."""
    path: Path = ()
    for place, name in enumerate(names[:DEEPEST], start=1):
        path = (*path, name)
        if array and place == len(names):
            lengths[path] += 1
        if lengths[path]:
            path = (*path, lengths[path] - 1)
    return path[:DEEPEST]


def _split(names: str) -> Path:
    """The parts of a dotted name, without quotation marks."""
    return tuple(part.strip("\"'") for part in re.findall(_NAME, names))


def _emptied(text: re.Match[str]) -> str:
    """The line breaks of a text of many lines, so that nothing in it looks like a key; any other as it is."""
    return "\n" * text[0].count("\n") or text[0]
