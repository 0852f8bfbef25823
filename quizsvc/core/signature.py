"""A signature: the name as it is typed, and the strokes of a finger as a path in a box."""

import re
import unicodedata
from typing import Final

from quizsvc.core.refusal import Refusal

LONGEST_NAME: Final = 20
LONGEST_STROKES: Final = 8192
"""Characters."""

WIDTH, HEIGHT = 300, 100
_STROKES: Final = re.compile(r"(?:M[0-9]{1,3} [0-9]{1,3}(?:L[0-9]{1,3} [0-9]{1,3})+)+")
_POINT: Final = re.compile(r"([0-9]{1,3}) ([0-9]{1,3})")
_BESIDE_LETTERS: Final = frozenset(" ·.'-\u0f0b")


class BadName(Refusal):
    """A text that cannot be the name of a person."""


class BadStrokes(Refusal):
    """Strokes that no page of ours sends."""

    def __init__(self) -> None:
        """Refuse with one sentence, whatever is wrong."""
        super().__init__("手写签名没有收到。请清空重新签一次，或者不手写，只打名字。")


def read_name(text: str) -> str:
    """Read the name somebody signs with.

    text: as typed, any length
    return: NFC, 2..LONGEST_NAME letters of any script, with single blanks and the points and hyphens names have
    raise BadName: it is empty, too long, or holds figures or signs

    >>> read_name("  王　秀英 "), read_name("阿依古丽·买买提")
    ('王 秀英', '阿依古丽·买买提')
    """
    name = " ".join(unicodedata.normalize("NFC", text[: 4 * LONGEST_NAME]).replace("•", "·").split())
    if not name:
        raise BadName("请打上姓名。")
    if any(character.isnumeric() and not character.isalpha() for character in name):
        raise BadName("姓名里不要写数字：这里不收电话和证件号。")
    letters = sum(character.isalpha() for character in name)
    signs = {one for one in name if not (one.isalpha() or unicodedata.category(one) in ("Mn", "Mc"))}
    if letters < 2 or len(name) > LONGEST_NAME or not signs <= _BESIDE_LETTERS:
        raise BadName(f"姓名要写 2 到 {LONGEST_NAME} 个字，不要写别的符号。")
    return name


def read_strokes(text: str) -> str:
    """Read the strokes of a finger.

    text: an SVG path as the page writes it, or "" for none
    return: the same; M and L with whole numbers alone, x 0..WIDTH, y 0..HEIGHT, at most LONGEST_STROKES characters
    raise BadStrokes: it is anything else

    >>> read_strokes("M1 2L30 40M5 5L6 6")
    'M1 2L30 40M5 5L6 6'
    """
    if not text:
        return ""
    if len(text) > LONGEST_STROKES or not text.isascii() or not _STROKES.fullmatch(text):
        raise BadStrokes
    if any(int(x) > WIDTH or int(y) > HEIGHT for x, y in _POINT.findall(text)):
        raise BadStrokes
    return text
