"""What texts, numbers and lists of a sheet may be: one way to refuse what does not fit, with its place."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from quizsvc.core.refusal import Refusal

LONGEST_TITLE = 60
LONGEST_TEXT = 4000
LONGEST_OPTION = 60
"""Characters."""

_WIDE_SPACES = "\u00a0\u3000\t"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a sheet.

    path: names of fields and indices from 0, outermost first, as ("questions", 2, "options")
    label: how people call it, in zh-CN, as "第 3 题"
    """

    path: tuple[str | int, ...]
    label: str

    def inside(self, *path: str | int, label: str = "") -> "Place":
        """Name something within.

        path: goes on where this one ends
        label: added to this one's
        return: the place of it
        """
        return Place((*self.path, *path), self.label + label)


class Misfit(Refusal):
    """Something that a sheet cannot hold.

    place: where it stands
    said: what is wrong with it, in zh-CN, as "选项最少 2 个"
    """

    def __init__(self, place: Place, said: str) -> None:
        """Keep both, so that whoever read the sheet from a text can name its line."""
        super().__init__(f"{place.label}：{said}。")
        self.place = place
        self.said = said


def tidied(text: str) -> str:
    """Bring a text as it was typed or pasted into the one form that sheets hold.

    text: any
    return: NFC, without invisible characters, empty lines and outer spaces; lines end with LF, wide spaces and tabs
        become plain ones
    """
    lines = (unicodedata.normalize("NFC", _visible(line)).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def line(text: str, place: Place, most: int, *, least: int = 1) -> None:
    """Refuse what is no single line of text.

    text: any
    place: of it
    most, least: characters
    raise Misfit: it is too long, too short, or not as `tidied` gives it
    """
    if "\n" in text:
        raise Misfit(place, "只能写一行")
    _words(text, place, most, least)


def paragraphs(text: str, place: Place) -> None:
    """Refuse what is no text of paragraphs.

    text: any, "" for none
    place: of it
    raise Misfit: it is longer than LONGEST_TEXT, or not as `tidied` gives it
    """
    _words(text, place, LONGEST_TEXT, 0)


def whole(number: int, place: Place, least: int, most: int) -> None:
    """Refuse what is no whole number in these bounds.

    number: any
    place: of it
    least, most: both belong to it
    raise Misfit: it is none
    """
    if type(number) is not int or not least <= number <= most:
        raise Misfit(place, f"要是 {least} 到 {most} 之间的整数")


def several(things: Sequence[object], place: Place, noun: str, least: int, most: int) -> None:
    """Refuse too few or too many of something, and two alike.

    things: hashable
    place: of them all
    noun: what they are, with its counting word in the end, as "选项"
    least, most: both allowed
    raise Misfit: there are too few, too many, or two are equal
    """
    if len(things) < least:
        raise Misfit(place, f"{noun}最少 {least} 个")
    if len(things) > most:
        raise Misfit(place, f"{noun}最多 {most} 个")
    if len(set(things)) < len(things):
        raise Misfit(place, f"{noun}里有两个一样的")


def known(key: str, place: Place, keys: Collection[str]) -> None:
    """Refuse a word that is none of the known ones.

    key: any
    place: of it
    keys: that are allowed
    raise Misfit: it is none of them
    """
    if key not in keys:
        raise Misfit(place, f"没有“{key}”这一种")


def _visible(line: str) -> str:
    if line.isprintable():  # nearly always, and far cheaper than asking each character
        return line
    return "".join(" " if one in _WIDE_SPACES else one for one in line if unicodedata.category(one) != "Cf")


def _words(text: str, place: Place, most: int, least: int) -> None:
    if not isinstance(text, str) or text != tidied(text) or not text.replace("\n", "").isprintable():
        raise Misfit(place, "有看不见的字符或多余的空格，请重新输入")
    if len(text) < least:
        raise Misfit(place, "还没有写")
    if len(text) > most:
        raise Misfit(place, f"最多写 {most} 个字，现在有 {len(text)} 个")
