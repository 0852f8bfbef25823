"""Posted fields of the fairness desk and of an appeal."""

from collections.abc import Mapping, Sequence

from flask_wtf import FlaskForm
from wtforms import StringField


class Words(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A reason or an answer; the operation says how long it must be."""

    words = StringField("原因")


def words_from(fields: Mapping[str, str]) -> str:
    """Read what a player wrote in an appeal."""
    return fields.get("words", "")


def chosen_from(values: Sequence[str]) -> list[int]:
    """Read which players were ticked; what is no number is nobody."""
    return sorted(
        {int(value) for value in values if value.isascii() and value.isdecimal() and len(value) < 10}
    )
