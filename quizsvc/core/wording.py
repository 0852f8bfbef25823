"""What is done with what people type: numbers that lead to somebody are masked, listed words are found."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

SHORTEST_RUN: Final = 7
"""Digits; a telephone number, an account or an identity card has at least as many."""

MASK: Final = "（号码已隐去）"

_DIGIT: Final = r"[\d〇零一二三四五六七八九幺]"
_BETWEEN: Final = r"[\s\u200b-\u200d\u2060\ufeff.·\-‐-―－．_]{0,3}"
_RUN: Final = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{{SHORTEST_RUN - 1},}}[xXｘＸ]?")


def masked(text: str) -> str:
    """Hide long runs of digits, whatever they are written with.

    text: any; digits of any width or script and Chinese ones count, with up to three blanks, dots or hyphens between
    return: every run of seven digits or more replaced by MASK; shorter ones, as a year or a price, stay
    Source: features.md F-050

    >>> masked("打我电话 138 0013 8000，２０２６年见")
    '打我电话 （号码已隐去），２０２６年见'
    """
    return _RUN.sub(MASK, text)


def found(text: str, words: Iterable[str]) -> tuple[str, ...]:
    """Find listed words, however they are spaced, wide or in capitals.

    text: any
    words: listed ones; one of nothing but blanks is found nowhere
    return: those that occur, in the order of the list

    >>> found("Ｑ q群", ["微信", "QQ"])
    ('QQ',)
    """
    plain = _plain(text)
    return tuple(word for word in words if _plain(word) and _plain(word) in plain)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(
        character
        for character in folded
        if not character.isspace() and unicodedata.category(character) != "Cf"
    )
