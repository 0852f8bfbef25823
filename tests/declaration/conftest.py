"""A class with a round of declarations of some kind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app

from quizsvc.campaign.models import Round
from quizsvc.core import linkcode
from quizsvc.declaration import operations
from quizsvc.declaration.queries import Given
from quizsvc.roster.models import Unit
from tests import make
from tests.conftest import NOON

CODE = linkcode.compose("7K3M9Q")
PHONE, OTHER = "p" * 22, "q" * 22
YES = Given(yes=True, name="王秀英")
NO = Given(yes=False, name="王秀英")


@dataclass(frozen=True, slots=True)
class Scene:
    """A class of three seats and its link into a round."""

    county: Unit
    unit: Unit
    round: Round


def a_scene(kind: str = "receipt", *, sheet: int | None = None, names: bool = False, **changes: Any) -> Scene:
    county = make.a_county()
    unit = make.a_class(make.a_school(county), names=names)
    round_ = make.a_sheet_round(county, kind, sheet, **changes)
    make.a_link(round_, unit, code=CODE)
    return Scene(county, unit, round_)


def key_file() -> Path:
    path: Path = current_app.config["SETTINGS"].key_file
    return path


def declare(given: Given = YES, seat: int | None = 1, device: str = PHONE, **changes: Any) -> str:
    values: dict[str, Any] = {"code": CODE, "by": "", "key_file": key_file(), "at": NOON}
    return operations.declare(seat=seat, given=given, device=device, **{**values, **changes})
