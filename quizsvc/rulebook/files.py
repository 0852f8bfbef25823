"""Rules as an organizer writes them in a TOML file; moments without a zone are China's."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quizsvc.core import announcement, rulebook, tablefile
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules, Source, Tier


class BadRules(Refusal):
    """A file of rules that is not one; every fault is told, each with its line."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TierTable(_Shape):
    """[[tier]]: prizes of one grade, highest first."""

    name: str
    item: str
    number: int = Field(ge=1, le=rulebook.MOST_OF_A_TIER)
    value_yuan: int = Field(ge=0, le=rulebook.MOST_YUAN)
    by: Literal["draw", "standing"] = "draw"


class SourceTable(_Shape):
    """[[source]]: a public value; its chance follows from its kind and name unless fewer bits are claimed."""

    kind: Literal["lottery", "drand", "dice"]
    name: str
    at: datetime
    bits: int | None = Field(default=None, ge=1)


class RulesFile(_Shape):
    """A file of rules; `qualifies` are shares of the points in percent."""

    round: str = Field(min_length=1)
    who: str = ""
    minors: bool = False
    approval: str = ""
    scoring: str = ""
    strategy: str = "best"
    qualifies: list[Annotated[float, Field(gt=0, le=100)]] = Field(default=[100.0], min_length=1)
    tier: list[TierTable] = []
    selection: str = ""
    draw_at: datetime | None = None
    source: list[SourceTable] = []
    fallback: str = ""
    published_where: str = ""
    published_days: int = 5
    claim: str = ""
    claim_days: int = 30
    documents: str = ""
    forfeiture: str = ""
    tax: str = ""
    fairness: str = ""
    privacy: str = ""
    contact: str = ""
    board: str = "open"
    board_freezes_at: datetime | None = None
    board_least: int = 30

    def rules(self, round_: rulebook.Round) -> Rules:
        """Return what the file says, with what the round decides."""
        plain = self.model_dump(
            exclude={"round", "qualifies", "tier", "source", "draw_at", "board_freezes_at"}
        )
        return Rules(
            round=round_,
            **plain,
            qualifies=tuple(round(100 * share) for share in self.qualifies),
            tiers=tuple(Tier(**one.model_dump()) for one in self.tier),
            sources=tuple(_source(one) for one in self.source),
            draw_at=_in_china(self.draw_at),
            board_freezes_at=_in_china(self.board_freezes_at),
        )


_KNOWN = frozenset(name for shape in (RulesFile, TierTable, SourceTable) for name in shape.model_fields)


def read_rules(path: Path) -> RulesFile:
    """Read a file of rules."""
    try:
        table = tablefile.read(path.read_bytes(), form="toml")
    except tablefile.Unreadable as unreadable:
        raise BadRules(f"{path.name}:{unreadable.line} {unreadable.text}") from unreadable
    try:
        return RulesFile.model_validate(table.values)
    except ValidationError as error:
        raise BadRules(
            "\n".join(
                f"{path.name}:{table.line(detail['loc'])} "
                + tablefile.sentence(detail["type"], detail["loc"], detail["input"], _KNOWN)
                for detail in error.errors(include_url=False, include_context=False)
            )
        ) from error


def _source(table: SourceTable) -> Source:
    source = Source(kind=table.kind, name=table.name, at=_aware(table.at), bits=table.bits or 0)
    if table.bits is not None:
        return source
    return Source(kind=source.kind, name=source.name, at=source.at, bits=announcement.most_bits(source))


def _in_china(moment: datetime | None) -> datetime | None:
    return None if moment is None else _aware(moment)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=rulebook.CHINA)
