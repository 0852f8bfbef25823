"""Blueprint files and texts (question_banks/blueprints, sheets) as an organizer writes them, forms on paper as PDF."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quizsvc import typesetting
from quizsvc.core import assembly, bankfile, sheettext, tablefile
from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries
from quizsvc.paper.queries import FrozenPaper, Plan
from quizsvc.settings import PROJECT

SHELF = PROJECT / "question_banks"
VOCABULARY = "vocabulary.toml"
SHEETS = "sheets"
MOST = 1000

Part = Literal["paper", "sheet", "key"]
"""What pupils read, what they fill in, and what only teachers see."""

_PRINT_SOURCE = Path(__file__).parent / "templates" / "paper" / "print.typ"
_INSTEAD = "不能生成试卷文件。"
_LINE = 36  # characters; a line holds 40 of the widest
_SEED = re.compile("[0-9A-Za-z-]{1,32}")

Code = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]


class BadPlan(Refusal):
    """A blueprint file that is not one; every fault is told, each with its line."""


class BadSheet(Refusal):
    """A file that is no text or survey; the fault is told with its line."""


class BadSeed(Refusal):
    """A seed that nobody could copy from the foot of a page and type in again."""

    def __init__(self) -> None:
        super().__init__("卷号只能用字母、数字和连字符“-”，最多 32 个。")


@dataclass(frozen=True, slots=True)
class Template:
    """A text or survey to begin with; `source` is as it stands in its file."""

    name: str
    kind: str
    title: str
    source: str


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


def read_sheet(path: Path) -> sheettext.Body:
    """Read a file in the notation of docs/SHEETS.md."""
    try:
        return sheettext.read(_sheet_text(path))
    except sheettext.Unclear as unclear:
        raise BadSheet(f"{path.name}：{unclear.text}") from unclear


def templates(shelf: Path = SHELF) -> tuple[list[Template], list[str]]:
    """Read all texts that one may begin with, and name the files that cannot be read."""
    ready, broken = [], []
    for path in sorted((shelf / SHEETS).glob("*.txt")):
        try:
            body = read_sheet(path)
        except Refusal:
            broken.append(path.name)
        else:
            ready.append(Template(path.stem, sheettext.kind_of(body), body.title, _sheet_text(path)))
    return ready, broken


def sheet_code(path: Path) -> str:
    """Make the code of a paper of the name of its file."""
    return path.stem.lower().replace("_", "-").replace(" ", "-")


def _sheet_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSheet(f"读不了 {path.name}：请存成 UTF-8 编码的文本文件。") from error


def topic_names(shelf: Path = SHELF) -> dict[str, str]:
    """Read the names of the topics from the banks' vocabulary."""
    try:
        topics = tablefile.read((shelf / VOCABULARY).read_bytes(), form="toml").values.get("topics")
    except (OSError, tablefile.Unreadable) as error:
        raise BadPlan(f"读不了词表 {VOCABULARY}，请先运行 quizsvc bank check。") from error
    if not isinstance(topics, dict):
        raise BadPlan(f"词表 {VOCABULARY} 里没有主题，请先运行 quizsvc bank check。")
    return topics


def printed(paper: FrozenPaper, *, seed: str, part: Part) -> bytes:
    """Print one part of the form a seed draws as a PDF; the same seed gives the same file for ever."""
    return printed_together(paper, seed=seed, parts=(part,))


def printed_together(paper: FrozenPaper, *, seed: str, parts: Sequence[Part]) -> bytes:
    """Print parts of one form as one PDF; each begins on the front of a leaf."""
    if not _SEED.fullmatch(seed):
        raise BadSeed
    form = queries.sample(paper, seed)
    return typesetting.typeset(
        _PRINT_SOURCE,
        {
            "head": {
                "title": paper.title,
                "code": paper.code,
                "seed": seed,
                "total": paper.blueprint.total_points,
            },
            "parts": [
                {"part": part, "items": (_told if part == "key" else _asked)(paper, form, seed)}
                for part in parts
            ],
        },
        instead=_INSTEAD,
    )


def _asked(paper: FrozenPaper, form: queries.FormItems, seed: str) -> list[dict[str, Any]]:
    """The items for pupils: made of what a participant sees, so that no key can slip in."""
    return [
        {
            "points": points,
            "kind": item.kind_name,
            "several": item.kind == "multiple_choice",
            "channel": item.channel_name,
            "sender": item.sender,
            "scene": item.scene_text,
            "stem": item.stem,
            "options": [(option.letter, option.text) for option in item.options],
            "lines": _lines(item.scene_text or "", item.stem, *(option.text for option in item.options)),
        }
        for item, (_, points) in zip(queries.view(paper, form, seed).items, form, strict=True)
    ]


def _told(paper: FrozenPaper, form: queries.FormItems, seed: str) -> list[dict[str, Any]]:
    """The items for teachers, with the key and what there is to learn."""
    items = queries.review(paper, form, seed, {}, [False] * len(form))
    return [
        {
            "points": points,
            "kind": item.kind_name,
            "topic": item.topic_name,
            "channel": item.channel_name,
            "sender": item.sender,
            "scene": item.scene,
            "stem": item.stem,
            "right": [(option.letter, option.text) for option in item.options if option.key],
            "explanation": _explanation(item),
            "source": item.source,
            "lines": _lines(
                "".join(text for text, _ in item.scene),
                item.stem,
                *(option.text for option in item.options if option.key),
                *_explanation(item),
                item.source,
            ),
        }
        for item, (_, points) in zip(items, form, strict=True)
    ]


def _explanation(item: queries.ReviewItem) -> tuple[str, str, str]:
    return item.explanation.trick, item.explanation.tell, item.explanation.action


def _lines(*texts: str) -> int:
    """How many lines these take at most: laying out every item twice to measure it costs as much again."""
    return sum(1 + len(line) // _LINE for text in texts for line in text.splitlines())


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
