"""Blueprint files (question_banks/blueprints/*.toml): rules as an organizer writes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quizsvc.core import assembly, bankfile, tablefile
from quizsvc.core.refusal import Refusal
from quizsvc.paper.queries import Plan
from quizsvc.settings import PROJECT

SHELF = PROJECT / "question_banks"
VOCABULARY = "vocabulary.toml"
MOST = 1000

Code = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]


class BadPlan(Refusal):
    """A blueprint file that is not one; every fault is told, each with its line."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RuleTable(_Shape):
    """[[rule]]: how many items of what sort, and what each is worth."""

    count: int = Field(ge=1, le=MOST)
    points: int = Field(ge=0, le=MOST)
    topic: str | None = None
    kind: str | None = None
    difficulty: int | None = None
    audience: str | None = None
    bank: str | None = None


class FixedTable(_Shape):
    """[[fixed]]: one item that every form has, as "bank/code"."""

    item: str
    points: int = Field(ge=0, le=MOST)


class PlanFile(_Shape):
    """A blueprint file."""

    code: Code
    title: str = Field(min_length=1)
    kind: str = "quiz"
    banks: list[str] = Field(min_length=1)
    audience: str | None = None
    rule: list[RuleTable] = []
    fixed: list[FixedTable] = []


_KNOWN = frozenset(name for shape in (PlanFile, RuleTable, FixedTable) for name in shape.model_fields)


def read_plan(path: Path, *, shelf: Path = SHELF) -> Plan:
    """Read a blueprint file; a rule without an audience takes the file's."""
    try:
        table = tablefile.read(path.read_bytes(), form="toml")
    except tablefile.Unreadable as unreadable:
        raise BadPlan(f"{path.name}:{unreadable.line} {unreadable.text}") from unreadable
    try:
        shape = PlanFile.model_validate(table.values)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        raise BadPlan(
            "\n".join(
                f"{path.name}:{table.line(detail['loc'])} "
                + tablefile.sentence(detail["type"], detail["loc"], detail["input"], _KNOWN)
                for detail in details
            )
        ) from error
    topics = topic_names(shelf)
    faults = [f"{path.name}:{table.line(place)} {text}" for place, text in _unknown_words(shape, topics)]
    if faults:
        raise BadPlan("\n".join(faults))
    return Plan(
        code=shape.code,
        title=shape.title,
        kind=shape.kind,
        banks=tuple(shape.banks),
        rules=tuple(
            assembly.Rule(**{**rule.model_dump(), "audience": rule.audience or shape.audience})
            for rule in shape.rule
        ),
        fixed=tuple((one.item, one.points) for one in shape.fixed),
        topics=topics,
    )


def topic_names(shelf: Path = SHELF) -> dict[str, str]:
    """Read the names of the topics from the banks' vocabulary."""
    try:
        topics = tablefile.read((shelf / VOCABULARY).read_bytes(), form="toml").values.get("topics")
    except (OSError, tablefile.Unreadable) as error:
        raise BadPlan(f"读不了词表 {VOCABULARY}，请先运行 quizsvc bank check。") from error
    if not isinstance(topics, dict):
        raise BadPlan(f"词表 {VOCABULARY} 里没有主题，请先运行 quizsvc bank check。")
    return topics


def _unknown_words(shape: PlanFile, topics: dict[str, str]) -> Iterator[tuple[tablefile.Path, str]]:
    """Words no item can have: a rule that names one would never be filled."""
    if shape.audience is not None and shape.audience not in bankfile.AUDIENCE_NAMES:
        yield ("audience",), f"适用人群“{shape.audience}”不认识。"
    for index, rule in enumerate(shape.rule):
        for name, value, known in (
            ("topic", rule.topic, topics),
            ("kind", rule.kind, bankfile.KIND_NAMES),
            ("difficulty", rule.difficulty, bankfile.DIFFICULTY_NAMES),
            ("audience", rule.audience, bankfile.AUDIENCE_NAMES),
            ("bank", rule.bank, shape.banks),
        ):
            if value is not None and value not in known:
                yield ("rule", index, name), f"{name} 没有“{value}”这个词。"
