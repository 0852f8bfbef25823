"""Posted fields of the requests."""

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import StringField

_LOOK_ALIKES = str.maketrans("OIL", "011", " -\u3000")


def code_from(text: str) -> str:
    """Read a receipt or a resume code as it is stored: capitals, without blanks, look-alikes put right."""
    return text.upper().translate(_LOOK_ALIKES)[:16]


def request_from(fields: Mapping[str, str]) -> tuple[str, str, str]:
    """Read kind, reason and note of a request; the operation refuses what no page of ours sends."""
    return fields.get("kind", ""), fields.get("reason", ""), fields.get("note", "")


class Answer(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What the participant is told with the decision."""

    answer = StringField("给同学的答复")
