"""Posted fields of the page of a survey, read into plain values."""

import unicodedata
from typing import Final

from werkzeug.datastructures import MultiDict

MOST_SEATS: Final = 200


def fields_from(form: MultiDict[str, str]) -> dict[str, list[str]]:
    """Return every answer with all its values, for core.questionnaire to read; other fields are nobody's."""
    return {name: form.getlist(name) for name in form if name.startswith("q")}


def seat_from(form: MultiDict[str, str]) -> int | None:
    """Read the seat number, digits of any width; None when it is none."""
    text = unicodedata.normalize("NFKC", form.get("seat", "")[:20]).strip().removesuffix("号").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_SEATS)) else 0
    return number if 1 <= number <= MOST_SEATS else None


def helped_from(form: MultiDict[str, str]) -> bool:
    """Read whether somebody filled the page in for somebody else."""
    return form.get("helped") == "1"


def listed_from(form: MultiDict[str, str]) -> frozenset[int] | None:
    """Read which questions the page showed; None when it does not say."""
    if "shown" not in form:
        return None
    return frozenset(
        int(one) for one in form["shown"].split(",") if one.isascii() and one.isdigit() and len(one) < 4
    )
