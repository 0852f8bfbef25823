"""Public values that nobody knows beforehand: how much chance they carry, and the one way to write each."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod
from typing import Final

from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Source

LEAST_BITS: Final = 64
BETWEEN: Final = ";"
LONGEST: Final = 400
_FACES = 6
_DRAND_BITS = 256
_DRAND = re.compile(r"(?:0x)?([0-9a-f]{64})")
_IGNORED = re.compile(r"[\s,，、.;；:：|/+＋·_—\-]+")
_WORDS = re.compile(r"红球|蓝球|红|蓝|前区|后区|号码|号|特别|基本")


@dataclass(frozen=True, slots=True)
class Group:
    """Numbers that a lottery draws together.

    count: how many
    lowest, highest: of each
    apart: whether none comes twice; such numbers are written in rising order with two digits
    """

    count: int
    lowest: int
    highest: int
    apart: bool = True

    @property
    def outcomes(self) -> int:
        """How many ways it can come out."""
        numbers = self.highest - self.lowest + 1
        return comb(numbers, self.count) if self.apart else int(numbers**self.count)


GAMES: Final[dict[str, tuple[Group, ...]]] = {
    "双色球": (Group(6, 1, 33), Group(1, 1, 16)),
    "大乐透": (Group(5, 1, 35), Group(2, 1, 12)),
    "快乐8": (Group(20, 1, 80),),
    "七星彩": (Group(6, 0, 9, apart=False), Group(1, 0, 14, apart=False)),
    "排列5": (Group(5, 0, 9, apart=False),),
    "福彩3D": (Group(3, 0, 9, apart=False),),
}
"""National lotteries whose numbers can be checked, as their rules stood in 2026; the name of a source holds a key."""


class BadValue(Refusal):
    """What was typed cannot be the value of the source."""


class WeakSources(Refusal):
    """The sources carry less chance than a draw needs, or less than was announced."""


def most_bits(kind: str, name: str) -> int | None:
    """Say how much chance a source can carry.

    kind: a key of core.rulebook.SOURCES
    name: as announced
    return: whole bits rounded down; 0 for a lottery that is not in GAMES; None for dice, which can be many
    """
    if kind == "dice":
        return None
    if kind == "drand":
        return _DRAND_BITS
    game = game_of(name)
    return prod(group.outcomes for group in game).bit_length() - 1 if game else 0


def game_of(name: str) -> tuple[Group, ...] | None:
    """Find the lottery that a name speaks of. name: any; return: its groups, None when it is not in GAMES."""
    plain = "".join(unicodedata.normalize("NFKC", name).split())
    return next((groups for game, groups in GAMES.items() if game in plain), None)


def dice_for(bits: int) -> int:
    """Count the dice. bits: >= 1; return: how many of six faces carry at least so many bits.

    >>> dice_for(67), dice_for(64)
    (26, 25)
    """
    count = 1
    while _FACES**count < 2**bits:
        count += 1
    return count


def refuse_weak(sources: Sequence[Source]) -> None:
    """Refuse sources that somebody could try out.

    sources: all of a draw
    raise WeakSources: a source claims more than it can carry, or all of them fewer than LEAST_BITS bits
    Source: reliability.md 3.9
    """
    for source in sources:
        most = most_bits(source.kind, source.name)
        if most == 0:
            raise WeakSources(f"“{source.name}”的号码没法核对。可以用的彩票有：{'、'.join(GAMES)}。")
        if source.bits < 1 or (most is not None and source.bits > most):
            raise WeakSources(f"“{source.name}”最多算 {most} 比特，规则里写的是 {source.bits} 比特。")
    total = sum(source.bits for source in sources)
    if total < LEAST_BITS:
        raise WeakSources(
            f"随机来源合起来是 {total} 比特，至少要 {LEAST_BITS} 比特，不然有人能试出想要的结果。"
            f"例如现场掷 {dice_for(LEAST_BITS)} 次骰子，或者两期双色球加一期大乐透。"
        )


def normal(source: Source, typed: str) -> str:
    """Write the value of a source in its one form.

    source: which one
    typed: as a person copied it: full-width, with spaces, commas or words such as 红球
    return: 01-08-15-22-27-33+06, 64 hexadecimal digits, or one digit for each die
    raise BadValue: it cannot be its value
    """
    if len(typed) > LONGEST:
        raise BadValue("写得太长了，只写号码。")
    plain = _WORDS.sub(" ", unicodedata.normalize("NFKC", typed)).strip().lower()
    if source.kind == "dice":
        return _dice(plain, dice_for(source.bits))
    if source.kind == "drand":
        return _drand(plain)
    game = game_of(source.name)
    if game is None:
        raise BadValue(f"“{source.name}”的号码没法核对。")
    return _lottery(plain, game)


def combined(sources: Sequence[Source], typed: Sequence[str]) -> str:
    """Join the values of all sources.

    sources: in the order of the rules
    typed: one text each
    return: their normal forms with ";" between
    raise BadValue: one of them cannot be its source's value
    """
    return BETWEEN.join(normal(source, text) for source, text in zip(sources, typed, strict=True))


def _dice(plain: str, count: int) -> str:
    digits = _IGNORED.sub("", plain)
    if not digits.isascii() or not digits.isdigit() or set(digits) - set("123456"):
        raise BadValue("骰子的点数只有 1 到 6，请按掷出的先后一个一个写。")
    if len(digits) != count:
        raise BadValue(f"要 {count} 个点数，写了 {len(digits)} 个。")
    return digits


def _drand(plain: str) -> str:
    found = _DRAND.fullmatch("".join(plain.split()))
    if found is None:
        raise BadValue("drand 的随机数是 64 个字符，由 0–9 和 a–f 组成，请从头到尾复制。")
    return found[1]


def _lottery(plain: str, game: Sequence[Group]) -> str:
    numbers = _numbers(plain, game)
    if len(numbers) != sum(group.count for group in game):
        raise BadValue(f"要 {sum(group.count for group in game)} 个号码，写了 {len(numbers)} 个。")
    parts, start = [], 0
    for group in game:
        parts.append(_group(numbers[start : start + group.count], group))
        start += group.count
    return "+".join(parts)


def _numbers(plain: str, game: Sequence[Group]) -> list[int]:
    """Read numbers; a run without separators is cut where the game's own widths say."""
    found = [part for part in _IGNORED.split(plain) if part]
    if not all(part.isascii() and part.isdigit() for part in found):
        raise BadValue("只写号码和分隔的空格，不要别的字。")
    widths = [2 if group.highest > 9 else 1 for group in game for _ in range(group.count)]
    if len(found) < len(widths) and len("".join(found)) == sum(widths):
        run, found = "".join(found), []
        for width in widths:
            found.append(run[:width])
            run = run[width:]
    return [int(part) for part in found]


def _group(numbers: Sequence[int], group: Group) -> str:
    if not all(group.lowest <= number <= group.highest for number in numbers):
        raise BadValue(f"号码应该在 {group.lowest} 到 {group.highest} 之间：{'、'.join(map(str, numbers))}。")
    if not group.apart:
        return "-".join(map(str, numbers))
    if len(set(numbers)) < len(numbers):
        raise BadValue(f"有号码重复：{'、'.join(map(str, numbers))}。")
    return "-".join(f"{number:02}" for number in sorted(numbers))
