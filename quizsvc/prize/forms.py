"""Posted fields of the prizes, and codes as people type or scan them."""

import re
import unicodedata
from typing import Final
from urllib.parse import parse_qs, urlsplit

from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from quizsvc.core import linkcode
from quizsvc.core.refusal import Refusal
from quizsvc.prize.queries import END_NAMES, HOW_NAMES

_LONGEST_SCANNED: Final = 400
_LENGTH: Final = 8
_LOOK_ALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_PAGE: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class MistypedClaimCode(Refusal):
    """A text that cannot be a claim code."""

    def __init__(self) -> None:
        super().__init__("领奖码不对：一共 8 位，字母和数字。请对着手机再看一遍。")


def claim_code_from(text: str) -> str:
    """Read a claim code that was typed, or scanned as the address in its picture."""
    if len(text) > _LONGEST_SCANNED:
        raise MistypedClaimCode
    try:
        scanned = parse_qs(urlsplit(text.strip()).query).get("code", [text])[0]
    except ValueError:  # a bracket that does not close
        raise MistypedClaimCode from None
    code = "".join(unicodedata.normalize("NFKC", scanned).split()).upper().translate(_LOOK_ALIKES)
    sound = len(code) == _LENGTH and set(code) <= set(linkcode.ALPHABET)
    if not sound or linkcode.check_character(code[:-1]) != code[-1]:
        raise MistypedClaimCode
    return code


def code_from(text: str) -> str:
    """Read a resume code or the number of a certificate: capitals, no blanks, look-alikes put right."""
    return "".join(unicodedata.normalize("NFKC", text[:40]).split()).upper().translate(_LOOK_ALIKES)


def page_from(text: str) -> int:
    """Read the number of a page, 1 for anything else."""
    return int(text) if _PAGE.fullmatch(text) else 1


class Confirmed(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """The name of a step, typed by whoever takes it."""

    confirm = StringField(
        "照着写一遍", validators=[InputRequired("请照着写一遍。")], render_kw={"autocomplete": "off"}
    )


class Ending(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """How and why a prize is not taken."""

    kind = RadioField("怎么了结", choices=END_NAMES, validators=[InputRequired("请选一项。")])
    reason = StringField(
        "原因",
        validators=[InputRequired("请写明原因。"), Length(max=200, message="最多 200 个字。")],
        render_kw={"autocomplete": "off"},
    )


class Handing(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """A prize that is handed out."""

    how = RadioField("怎么领的", choices=HOW_NAMES, default="counter")
