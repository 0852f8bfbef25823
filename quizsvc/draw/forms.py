"""Posted fields of the draw's desk; what is missing is refused by the operation in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_wtf import FlaskForm
from wtforms import StringField

from quizsvc.core.refusal import Refusal

LONGEST = 600


class Freeze(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """The code of the round typed once more, and why nobody waits for open reviews."""

    confirmation = StringField("请写场次代号")
    waiver = StringField("为什么不等复核")


class Notice(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """What is to be said on the public page."""

    text = StringField("公告")


@dataclass(frozen=True, slots=True)
class Typed:
    """The public values as the witness copied them, one for each source."""

    values: tuple[str, ...]
    replaced: tuple[int, ...]
    proof: str
    confirmation: str


def typed(fields: Mapping[str, str], sources: int) -> Typed:
    """Read the witness's form; a value is written twice, and both must say the same."""
    values = [fields.get(f"value{place}", "")[:LONGEST] for place in range(sources)]
    again = [fields.get(f"again{place}", "")[:LONGEST] for place in range(sources)]
    for place, (one, other) in enumerate(zip(values, again, strict=True), 1):
        if "".join(one.split()) != "".join(other.split()):
            raise Refusal(f"第 {place} 个来源，两次写的号码不一样。请对照原件，两次都重新写。")
    return Typed(
        values=tuple(values),
        replaced=tuple(place for place in range(sources) if fields.get(f"instead{place}") == "dice"),
        proof=fields.get("proof", ""),
        confirmation=fields.get("confirmation", ""),
    )
