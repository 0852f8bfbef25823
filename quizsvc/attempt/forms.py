"""Posted fields of the student's pages, read into plain values; whatever is malformed is refused with 400."""

import re
from collections.abc import Mapping
from typing import Final

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from quizsvc.attempt.operations import Joining
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal

SOURCES: Final[Mapping[str, str]] = {"": "poster", "g": "group", "s": "screen"}
MOST_SEATS = 200
MOST_ITEMS = 100
_TOKEN = re.compile(r"[a-z2-7]{4}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_POSITION = re.compile(r"n([1-9][0-9]{0,2})")


class Unreadable(Refusal):
    """A posted form that no page of ours sends."""

    def __init__(self) -> None:
        super().__init__("没有看懂提交的内容。请返回上一页再试一次。")


def seat_from(fields: MultiDict[str, str]) -> int:
    """Read the seat number."""
    text = fields.get("seat", "").strip()
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MOST_SEATS:
        raise Unreadable
    return int(text)


def source_from(fields: Mapping[str, str]) -> str:
    """Read where the link was found; anything unknown is the poster."""
    return SOURCES.get(fields.get("s", ""), "poster")


def answers_from(fields: MultiDict[str, str]) -> dict[int, Saved]:
    """Read the answers: n<position> is the item's sequence (empty from a page without script), q<position> its tokens.

    An item without a choice is left alone when it has no sequence: a page without script cannot take a choice back.
    """
    answers: dict[int, Saved] = {}
    for name in fields:
        found = _POSITION.fullmatch(name)
        if found is None:
            continue
        position, sequence = int(found[1]), fields[name].strip()
        chosen = tuple(dict.fromkeys(fields.getlist(f"q{position}")))
        if position > MOST_ITEMS or not all(_TOKEN.fullmatch(token) for token in chosen):
            raise Unreadable
        if sequence and not _NUMBER.fullmatch(sequence):
            raise Unreadable
        if sequence or chosen:
            answers[position] = Saved(int(sequence or 0), chosen)
    return answers


def joining_from(fields: Mapping[str, str]) -> Joining | None:
    """Read what somebody writes who joins a contest; None when the page did not ask."""
    if "nickname" not in fields:
        return None
    return Joining(
        nickname=fields["nickname"],
        place_id=_pick_from(fields, "place"),
        trade_id=_pick_from(fields, "trade"),
        role=fields.get("role", ""),
    )


def _pick_from(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "") or "0"
    if not _NUMBER.fullmatch(text):
        raise Unreadable
    return int(text) or None


def item_from(fields: MultiDict[str, str]) -> tuple[int, tuple[str, ...]]:
    """Read the position and the choice of the one item that is on; no choice is a blank."""
    position, chosen = fields.get("item", ""), tuple(dict.fromkeys(fields.getlist("q1")))
    if not _NUMBER.fullmatch(position) or not all(_TOKEN.fullmatch(token) for token in chosen):
        raise Unreadable
    return int(position), chosen


def resume_from(fields: Mapping[str, str]) -> str:
    """Read a resume code as it is stored: capitals, without blanks, look-alikes put right."""
    return fields.get("resume", "").upper().translate(str.maketrans("OIL", "011", " -\u3000"))[:16]


def practice_from(fields: MultiDict[str, str]) -> tuple[int, tuple[str, ...]]:
    """Read the step and the choice of a practice item."""
    step, chosen = fields.get("step", ""), tuple(dict.fromkeys(fields.getlist("q1")))
    if not _NUMBER.fullmatch(step) or not all(_TOKEN.fullmatch(token) for token in chosen):
        raise Unreadable
    return int(step), chosen


class Transfer(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Let a seat go on with another phone."""


class Extend(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """More time for one seat."""

    minutes = IntegerField("加几分钟", [InputRequired("要写分钟数")], default=10)


class Release(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Why a seat's attempts no longer count."""

    reason = StringField("为什么作废")


class AcceptLate(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """Why answers that came too late count."""

    attempt_id = StringField("哪一次", [InputRequired(), Length(max=40)])
    number = IntegerField("第几份", [InputRequired(), NumberRange(1, MOST_ITEMS)])
    reason = StringField("为什么算数")
