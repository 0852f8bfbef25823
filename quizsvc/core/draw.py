"""The draw: the frozen list, the order that a public value gives it, who wins, and what is wrong in a bundle.

docs/algorithms/draw.md says the same in words, for a second program and for checking by hand.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from quizsvc.core import rulebook
from quizsvc.core.rulebook import Rules, Tier

ENTRIES: Final = "entries.txt"
WAVES: Final = "waves.txt"
RULES: Final = "rules.json"
DRAW: Final = "draw.json"
ORDER: Final = "order.txt"
WINNERS: Final = "winners.json"
ALWAYS: Final = (ENTRIES, DRAW, ORDER, WINNERS)
FILES: Final = (ENTRIES, WAVES, RULES, DRAW, ORDER, WINNERS)
"""All files of a bundle, in the order in which they come into being."""

_SHORTENED = 32
_ENTRY = re.compile(r"[!-~]+")  # what looks the same on every screen and sorts alike in every language
_HOLDS_WAVES = re.compile(r"\.w([0-9a-f]{32})$")
FIELDS: Final = ("draw_id", "rules_hash", "list_hash", "public_value", "seed")


@dataclass(frozen=True, slots=True)
class Wave:
    """Those who are taken together. at_least: 1/100 percent; entries: ids, sorted, none of an earlier wave."""

    at_least: int
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Winner:
    """Who holds a prize.

    tier: index in the tiers of the rules
    number: 1, 2, … within the tier
    by: a key of core.rulebook.BY
    place: from 1; by lot the place in the walk, by standing the rank
    entry_id: whose it is
    """

    tier: int
    number: int
    by: str
    place: int
    entry_id: str


def list_hash(entries: Iterable[str]) -> str:
    """Hash a list of entries; the order in which they are given does not matter.

    entries: ids of printable ASCII characters without spaces
    return: SHA-256 of the sorted ids joined by LF, 64 hexadecimal digits
    raise ValueError: an id is there twice, or holds another character
    Source: features.md 4.6
    """
    given = sorted(entries)
    if not all(map(_ENTRY.fullmatch, given)):
        raise ValueError("an entry id has a character that is not allowed")
    if any(one == other for one, other in pairwise(given)):
        raise ValueError("an entry is in the list twice")
    return _hash("\n".join(given))


def seed(*, draw_id: str, rules_hash: str, listed: str, public_value: str) -> str:
    """Bind everything that was announced to the value that nobody knew.

    draw_id, rules_hash: as announced
    listed: of `list_hash`
    public_value: in its normal form
    return: 64 hexadecimal digits
    Source: design.md 10
    """
    return _hash("|".join((draw_id, rules_hash, listed, public_value)))


def order(drawn: str, entries: Iterable[str]) -> list[str]:
    """Put all entries in the order drawn.

    drawn: of `seed`
    entries: ids, each once
    return: all of them, by SHA-256 of "seed|id" ascending
    """
    head = f"{drawn}|".encode()
    return sorted(entries, key=lambda entry: sha256(head + entry.encode()).digest())


def cascade(steps: Iterable[tuple[int, Iterable[str]]], wanted: int) -> tuple[Wave, ...]:
    """Take those who reach the first step, and those of the next ones in turn while there are fewer than prizes.

    steps: what must be reached in 1/100 percent, falling, with all who reach it; read no further than needed
    wanted: prizes by lot, >= 0
    return: one wave for each step that was needed, at least one unless there are no steps
    Source: domain.md 4.2
    """
    waves: list[Wave] = []
    known: set[str] = set()
    for at_least, reached in steps:
        fresh = sorted(set(reached) - known)
        known.update(fresh)
        waves.append(Wave(at_least, tuple(fresh)))
        if len(known) >= wanted:
            break
    return tuple(waves)


def named_with_waves(draw_id: str, waves: bytes) -> str:
    """Bind the waves to the draw: their hash becomes part of its name, which stands in the seed.

    draw_id: without "|"
    waves: waves.txt
    return: the id with ".w" and 32 hexadecimal digits
    """
    return f"{draw_id}.w{sha256(waves).hexdigest()[:_SHORTENED]}"


def walk(drawn: Iterable[str], waves: Mapping[str, int]) -> list[str]:
    """Put an order in the sequence in which prizes are given.

    drawn: of `order`
    waves: the wave of each id; ids that are not in it are of the first
    return: wave by wave, each in the order drawn
    """
    return sorted(drawn, key=lambda entry: waves.get(entry, 1))


def winners(tiers: Sequence[Tier], walked: Sequence[str]) -> tuple[Winner, ...]:
    """Give the prizes by lot, highest tier first, one to an entry.

    tiers: all of the rules; those by standing are passed over
    walked: of `walk`
    return: as many as there are prizes by lot, or entries
    """
    prizes = _prizes(tiers, "draw")
    return tuple(
        Winner(tier, number, "draw", place, entry)
        for place, ((tier, number), entry) in enumerate(zip(prizes, walked, strict=False), 1)
    )


def winners_by_standing(tiers: Sequence[Tier], ranked: Iterable[tuple[int, str]]) -> tuple[Winner, ...]:
    """Give the prizes by standing, highest tier first.

    tiers: all of the rules; those by lot are passed over
    ranked: rank and entry id of those at the top, any order; of a shared rank the smaller id comes first
    return: as many as there are prizes by standing, or ranked
    """
    prizes = _prizes(tiers, "standing")
    return tuple(
        Winner(tier, number, "standing", rank, entry)
        for (tier, number), (rank, entry) in zip(prizes, sorted(ranked), strict=False)
    )


def prizes_by(tiers: Sequence[Tier], way: str) -> int:
    """Count prizes. tiers: any; way: a key of core.rulebook.BY; return: how many are given that way."""
    return sum(tier.number for tier in tiers if tier.by == way)


def listed_text(entries: Iterable[str]) -> bytes:
    """Write entries.txt or order.txt. entries: ids; return: one a line, each ending with LF."""
    return "".join(f"{entry}\n" for entry in entries).encode()


def waves_text(waves: Sequence[Wave]) -> bytes:
    """Write waves.txt. waves: any; return: "<id> <wave>" lines sorted by id, waves counted from 1."""
    numbered = sorted((entry, number) for number, wave in enumerate(waves, 1) for entry in wave.entries)
    return "".join(f"{entry} {number}\n" for entry, number in numbered).encode()


def waves_read(text: bytes) -> dict[str, int]:
    """Read waves.txt.

    text: of `waves_text`
    return: the wave of each id
    raise ValueError: it is no such text
    """
    pairs = [line.split(" ") for line in _lines(text.decode())]
    return {entry: int(number) for entry, number in pairs}


def result_files(
    *,
    draw_id: str,
    rules_hash: str,
    rules: Rules,
    entries: Sequence[str],
    waves: Mapping[str, int],
    value: str,
) -> dict[str, bytes]:
    """Draw, and write what follows.

    draw_id, rules_hash, rules: as announced
    entries: the frozen list
    waves: of `waves_read`, empty when there is one wave
    value: the public value in its normal form
    return: draw.json, order.txt and winners.json
    raise ValueError: of `list_hash`
    """
    listed = list_hash(entries)
    drawn = seed(draw_id=draw_id, rules_hash=rules_hash, listed=listed, public_value=value)
    ordered = order(drawn, entries)
    said = dict(zip(FIELDS, (draw_id, rules_hash, listed, value, drawn), strict=True))
    won = [
        {
            "tier": rules.tiers[one.tier].name,
            "number": one.number,
            "place": one.place,
            "entry_id": one.entry_id,
        }
        for one in winners(rules.tiers, walk(ordered, waves))
    ]
    return {DRAW: _json(said), ORDER: listed_text(ordered), WINNERS: _json(won)}


def problems(files: Mapping[str, bytes]) -> list[str]:
    """Look for everything that is wrong in a bundle.

    files: by name, of FILES; waves.txt and rules.json may be missing
    return: zh-CN sentences, empty when it can be verified
    """
    missing = [f"缺少文件 {name}。" for name in ALWAYS if name not in files]
    return missing or _Check(files).said


def unchecked(files: Mapping[str, bytes]) -> list[str]:
    """Say what `problems` cannot look at in a bundle.

    files: by name
    return: zh-CN sentences
    """
    said = [f"{name} 不是验算要用的文件，没有核对。" for name in sorted(files) if name not in FILES]
    if RULES not in files:
        said.append("没有 rules.json：奖项的名称和数量、规则有没有改过，都没有核对。")
    return said


def loaded(text: str | bytes | None) -> Any:
    """Read a JSON file of a bundle. text: any; return: what it says, None when it is no JSON."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return None


class _Check:
    """One look at a bundle; stops at what makes the rest meaningless."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.said: list[str] = []
        self._files = files
        texts = {name: self._text(name) for name in FILES if name in files}
        entries = _lines(texts[ENTRIES] or "")
        fields = self._fields(texts[DRAW])
        if self.said or not self._sound(entries, texts) or fields is None:
            return
        waves = self._waves(fields["draw_id"], entries, texts.get(WAVES))
        rules = self._rules(fields["rules_hash"], texts.get(RULES))
        if waves is None:
            return
        self._hashes(fields, entries)
        if rules is not None:
            self._whole(fields, entries, waves, rules)
        else:
            self._plain(fields, entries, waves, texts)

    def _text(self, name: str) -> str | None:
        try:
            return self._files[name].decode()
        except UnicodeDecodeError:
            self.said.append(f"{name} 不是 UTF-8 文本。")
            return None

    def _fields(self, text: str | None) -> dict[str, str] | None:
        value = loaded(text)
        if not isinstance(value, dict):
            self.said.append("draw.json 读不出来。")
            return None
        absent = [name for name in FIELDS if not isinstance(value.get(name), str)]
        self.said += [f"draw.json 里没有 {name}，或者它不是文字。" for name in absent]
        return None if absent else value

    def _sound(self, entries: Sequence[str], texts: Mapping[str, str | None]) -> bool:
        if not entries:
            self.said.append("entries.txt 里没有编号。")
        for number, entry in enumerate(entries, 1):
            if not _ENTRY.fullmatch(entry):
                self.said.append(f"entries.txt 第 {number} 行不是编号。")
                break
        for number, (one, other) in enumerate(pairwise(entries), 2):
            if one >= other:
                what = "和上一行重复" if one == other else "没有排好序"
                self.said.append(f"entries.txt 第 {number} 行{what}。")
                break
        if (texts[ENTRIES] or "").endswith("\n") != (texts[ORDER] or "").endswith("\n"):
            self.said.append("entries.txt 和 order.txt 的最后一行，一个有换行，一个没有。")
        return not self.said

    def _waves(self, draw_id: str, entries: Sequence[str], text: str | None) -> dict[str, int] | None:
        promised = _HOLDS_WAVES.search(draw_id)
        if text is None:
            if promised:
                self.said.append("缺少文件 waves.txt：抽奖编号里有它的指纹。")
            return None if promised else {}
        if promised is None or not sha256(self._files[WAVES]).hexdigest().startswith(promised[1]):
            self.said.append("waves.txt 和抽奖编号里的指纹对不上。")
            return None
        try:
            waves = waves_read(self._files[WAVES])
        except ValueError:
            waves = {}
        if list(waves) != list(entries) or min(waves.values()) < 1:
            self.said.append("waves.txt 和 entries.txt 里的编号不一样。")
            return None
        return waves

    def _rules(self, announced: str, text: str | None) -> Rules | None:
        if text is None:
            return None
        if _hash(text) != announced:
            self.said.append("rules.json 的指纹和 draw.json 里的 rules_hash 不一样。")
        try:
            return rulebook.read(loaded(text))
        except (AttributeError, KeyError, TypeError, ValueError):
            return None  # somebody else's rules: their hash is all that can be said

    def _hashes(self, fields: Mapping[str, str], entries: Sequence[str]) -> None:
        listed = list_hash(entries)
        if listed != fields["list_hash"]:
            self.said.append("entries.txt 的指纹和 draw.json 里的 list_hash 不一样。")
        if _drawn(fields, listed) != fields["seed"]:
            self.said.append("按公式算出的 seed 和 draw.json 里的不一样。")

    def _whole(
        self, fields: Mapping[str, str], entries: Sequence[str], waves: Mapping[str, int], rules: Rules
    ) -> None:
        """Ours: every byte follows from the list, the rules and the value."""
        expected = result_files(
            draw_id=fields["draw_id"], rules_hash=fields["rules_hash"], rules=rules, entries=entries,
            waves=waves, value=fields["public_value"],
        ) | {ENTRIES: listed_text(entries)}  # fmt: skip
        if waves and max(waves.values()) > len(rules.qualifies):
            self.said.append("waves.txt 里的批次比规则里的多。")
        for name, body in expected.items():
            if self._files[name] != body:
                self.said.append(f"{name} 和按公式算出的不一样{_where(self._files[name], body)}。")

    def _plain(
        self,
        fields: Mapping[str, str],
        entries: Sequence[str],
        waves: Mapping[str, int],
        texts: Mapping[str, str | None],
    ) -> None:
        """Without our rules: the order, and that the winners stand at its head."""
        expected = order(_drawn(fields, list_hash(entries)), entries)
        if _lines(texts[ORDER] or "") != expected:
            there = _where((texts[ORDER] or "").encode(), listed_text(expected))
            self.said.append(f"order.txt 和按公式算出的不一样{there}。")
        self._heads(_records(loaded(texts[WINNERS])), walk(expected, waves))

    def _heads(self, records: Sequence[Mapping[str, Any]], walked: Sequence[str]) -> None:
        if not 0 < len(records) <= len(walked):
            self.said.append("winners.json 里没有人，读不出来，或者人数比名单还多。")
            return
        before: Mapping[str, Any] = {}
        for place, (record, entry) in enumerate(zip(records, walked, strict=False), 1):
            if record["entry_id"] != entry:
                self.said.append(f"winners.json 的第 {place} 人和按公式算出的不一样。")
                return
            if not _in_turn(record, before, place):
                self.said.append(f"winners.json 的第 {place} 人，名次或奖项里的序号不对。")
                return
            before = record


def _in_turn(record: Mapping[str, Any], before: Mapping[str, Any], place: int) -> bool:
    """Say whether a record's place and number go on from the record before it; both may be left out."""
    same_tier = "tier" in before and record.get("tier") == before["tier"]
    following = before.get("number", 0) + 1 if same_tier else 1
    return bool(
        _json(record.get("place", place)) == _json(place)
        and ("number" not in record or _json(record["number"]) == _json(following))
    )


def _records(value: Any) -> list[dict[str, Any]]:
    """Everybody whom a list of winners names, however it is nested."""
    if isinstance(value, str):
        return [{"entry_id": value}]
    if isinstance(value, dict):
        if "entry_id" in value:
            return [value]
        value = [one for one in value.values() if isinstance(one, (dict, list))]
    return [record for one in value or () for record in _records(one)] if isinstance(value, list) else []


def _drawn(fields: Mapping[str, str], listed: str) -> str:
    return seed(
        draw_id=fields["draw_id"],
        rules_hash=fields["rules_hash"],
        listed=listed,
        public_value=fields["public_value"],
    )


def _prizes(tiers: Sequence[Tier], way: str) -> list[tuple[int, int]]:
    return [
        (index, number)
        for index, tier in enumerate(tiers)
        if tier.by == way
        for number in range(1, tier.number + 1)
    ]


def _where(there: bytes, expected: bytes) -> str:
    """Say from which line two texts differ."""
    pairs = zip(there.split(b"\n"), expected.split(b"\n"), strict=False)
    number = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), None)
    return f"（从第 {number} 行起）" if number else "（长短不同）"


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
