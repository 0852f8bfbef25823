"""Bank folders: files into items, or every fault with its file and line; the schema that editors use."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from quizsvc.core import bankfile, tablefile
from quizsvc.core.bankfile import Severity
from quizsvc.core.refusal import Refusal
from quizsvc.settings import PROJECT

SHELF = PROJECT / "question_banks"
SCHEMA = SHELF / "bank.schema.json"
HEADER = "bank.toml"
VOCABULARY = "vocabulary.toml"
FORMS = {".toml": "toml", ".json": "json"}

# the field a rule of the lint is about, so that its fault points at that line
_FIELDS: dict[str, tuple[str, ...]] = {
    "no-source": ("source",),
    "reviewed-in-future": ("reviewed_on",),
    "equal-twins": ("twin",),
    "no-tells": ("scene",),
    "unknown-kind": ("kind",),
    "unknown-topic": ("topic",),
    "unknown-audience": ("audiences",),
    "unknown-difficulty": ("difficulty",),
    "unknown-channel": ("scene", "channel"),
    "tell-not-in-text": ("scene", "tells"),
    "genuine-with-tells": ("scene", "tells"),
    "duplicate-stem": ("stem",),
    "expired": ("valid_until",),
    "lonely-twin": ("twin",),
}
_RULES = {
    "missing": "missing-field",
    "extra_forbidden": "unknown-field",
    "string_pattern_mismatch": "bad-code",
}


def _day(value: object) -> object:
    """JSON has no dates, and in TOML many put quotation marks around them."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


Day = Annotated[date, BeforeValidator(_day)]
Code = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]


def _choice(words: Sequence[Any]) -> Any:
    """Words an editor proposes; whether one is right the lint says, with everything else."""
    return Field(json_schema_extra={"enum": list(words)})


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OptionTable(_Shape):
    """One answer."""

    model_config = ConfigDict(title="选项")

    text: str = Field(description="选项文字")
    key: bool = Field(default=False, description="是不是正确答案")
    belief: str | None = Field(
        default=None, description="选它说明有哪种危险想法：词表 beliefs 里的名字，只用于错误选项"
    )
    pinned: bool = Field(default=False, description="打乱顺序时仍放在最后")


class SceneTable(_Shape):
    """The simulated message."""

    model_config = ConfigDict(title="模拟的消息")

    channel: Annotated[str, _choice(tuple(bankfile.CHANNEL_NAMES))] = Field(description="从哪里来")
    sender: str = Field(description="自称是谁")
    text: str = Field(description="消息原文，可以换行")
    tells: list[str] = Field(default=[], description="消息原文里露出破绽的地方，一字不差；真实消息不写")


class ExplanationTable(_Shape):
    """What is learnt, one sentence each."""

    model_config = ConfigDict(title="解析，三项各一句话")

    trick: str = Field(description="骗术")
    tell: str = Field(description="破绽")
    action: str = Field(description="应对")


class ItemTable(_Shape):
    """One question."""

    model_config = ConfigDict(title="题目")

    code: Code = Field(description="题号，在本题库里不重复")
    kind: Annotated[str, _choice(bankfile.KINDS)] = Field(description="题型：单选、多选、判断")
    topic: str = Field(description="主题：词表 topics 里的名字")
    audiences: list[Annotated[str, _choice(bankfile.AUDIENCES)]] = Field(description="适用人群")
    difficulty: Annotated[int, _choice(tuple(bankfile.DIFFICULTY_NAMES))] = Field(
        description="难度：1 容易，2 中等，3 较难"
    )
    stem: str = Field(description="题干")
    options: list[OptionTable] = Field(
        description="选项：单选 3 到 5 个，多选 4 到 5 个（最多 8 个），判断 2 个"
    )
    explanation: ExplanationTable
    source: str = Field(description="事实出自哪里，读得懂的写法")
    reviewed_on: Day = Field(description="最近一次核对的日期")
    valid_until: Day | None = Field(default=None, description="内容有效到哪一天")
    scene: SceneTable | None = None
    genuine: bool = Field(default=False, description="情景是真实、正常的消息")
    twin: str | None = Field(default=None, description="同组题的组名：同一骗术，换一身衣服")
    region: str | None = Field(default=None, description="只适用于哪个地区")


class ItemsFile(_Shape):
    """One file of items."""

    model_config = ConfigDict(title="题库文件")

    item: list[ItemTable]


class HeaderFile(_Shape):
    """bank.toml: the bank's name and where it comes from."""

    code: Code
    name: str = Field(min_length=1)
    audiences: list[str] = []
    maintainer: str = ""
    licence: str = ""
    note: str = ""


class VocabularyFile(_Shape):
    """vocabulary.toml: topics and dangerous beliefs of all banks."""

    topics: dict[str, str]
    beliefs: dict[str, str] = {}


def _fields(*shapes: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for shape in shapes for name in shape.model_fields)


_ITEM_FIELDS = _fields(ItemTable, SceneTable, OptionTable, ExplanationTable)
_VOCABULARY_RULES = ("unknown-topic", "unknown-belief")


@dataclass(frozen=True, slots=True, order=True)
class FileFault:
    """One thing that is wrong, and where; `item` is the item's code, "" for a fault of the file."""

    file: str
    line: int
    item: str
    rule: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True)
class BankFolder:
    """A bank as its files tell it."""

    code: str
    name: str
    items: tuple[bankfile.Item, ...]
    faults: tuple[FileFault, ...]
    vocabulary: bankfile.Vocabulary

    @property
    def errors(self) -> tuple[FileFault, ...]:
        """Return the faults that keep the bank out."""
        return tuple(fault for fault in self.faults if fault.severity == "error")


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it was read, and the list that takes what is wrong with it."""

    name: str
    table: tablefile.Table
    faults: list[FileFault]

    def error(self, path: tablefile.Path, rule: str, text: str, item: str = "") -> None:
        self.faults.append(FileFault(self.name, self.table.line(path), item, rule, "error", text))

    def misfit(
        self, error: ValidationError, known: frozenset[str], within: tablefile.Path = (), item: str = ""
    ) -> None:
        """Note everything that does not have its shape."""
        for detail in error.errors(include_url=False, include_context=False):
            text = tablefile.sentence(detail["type"], detail["loc"], detail["input"], known)
            rule = _RULES.get(detail["type"], "wrong-type")
            self.error((*within, *detail["loc"]), rule, text, item)


@dataclass(frozen=True, slots=True)
class _Placed:
    """An item and where it was read."""

    item: bankfile.Item
    file: _File
    index: int

    def line(self, *path: str) -> int:
        return self.file.table.line(("item", self.index, *path))


def folders(paths: Sequence[Path] = ()) -> list[Path]:
    """Find bank folders: the given ones or those inside them; without any, all of question_banks/."""
    found: list[Path] = []
    for path in paths or (SHELF,):
        inside = [path] if (path / HEADER).is_file() else [file.parent for file in path.glob(f"*/{HEADER}")]
        if not inside:
            raise Refusal(f"这里没有题库：{path}。题库文件夹里要有 {HEADER}。")
        found += sorted(inside)
    return found


def read_folder(path: Path, *, today: date) -> BankFolder:
    """Read one bank; every fault of every file is told at once."""
    faults: list[FileFault] = []
    header = _header(path, faults)
    words = _vocabulary(path.parent, faults)
    files = [file for file in sorted(path.iterdir()) if file.suffix in FORMS and file.name != HEADER]
    placed = [one for file in files for one in _items(file, faults)]
    if not placed and not faults:
        faults.append(FileFault(f"{path.name}/{HEADER}", 1, "", "no-items", "error", "这个题库里没有题。"))
    faults += _judged(placed, words, today)
    return BankFolder(
        code=header.code if header else path.name,
        name=header.name if header else path.name,
        items=tuple(one.item for one in placed),
        faults=tuple(sorted(faults)),
        vocabulary=words or bankfile.Vocabulary({}, {}),
    )


def vocabulary(folder: Path = SHELF) -> bankfile.Vocabulary:
    """Read the shared words for pages; what is not there has no name, and its slug is shown."""
    return _vocabulary(folder, []) or bankfile.Vocabulary({}, {})


def schema() -> str:
    """Return the JSON Schema of the item files, as it is published beside the banks."""
    shape = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ItemsFile.model_json_schema()}
    return json.dumps(shape, ensure_ascii=False, indent=2) + "\n"


def _opened(path: Path, name: str, faults: list[FileFault]) -> _File | None:
    try:
        return _File(name, tablefile.read(path.read_bytes(), form=FORMS[path.suffix]), faults)
    except tablefile.Unreadable as unreadable:
        faults.append(FileFault(name, unreadable.line, "", "syntax", "error", unreadable.text))
        return None


def _header(path: Path, faults: list[FileFault]) -> HeaderFile | None:
    file = _opened(path / HEADER, f"{path.name}/{HEADER}", faults)
    if file is None:
        return None
    try:
        return HeaderFile.model_validate(file.table.values)
    except ValidationError as error:
        file.misfit(error, _fields(HeaderFile))
        return None


def _vocabulary(folder: Path, faults: list[FileFault]) -> bankfile.Vocabulary | None:
    if not (folder / VOCABULARY).is_file():
        text = f"找不到词表：题库文件夹旁边要有 {VOCABULARY}。"
        faults.append(FileFault(VOCABULARY, 1, "", "no-vocabulary", "error", text))
        return None
    file = _opened(folder / VOCABULARY, VOCABULARY, faults)
    if file is None:
        return None
    try:
        shape = VocabularyFile.model_validate(file.table.values)
    except ValidationError as error:
        file.misfit(error, _fields(VocabularyFile))
        return None
    return bankfile.Vocabulary(shape.topics, shape.beliefs)


def _items(path: Path, faults: list[FileFault]) -> Iterator[_Placed]:
    """The well-shaped items of one file; the others become faults."""
    file = _opened(path, f"{path.parent.name}/{path.name}", faults)
    if file is None:
        return
    for name in file.table.values.keys() - {"item"}:
        text = tablefile.sentence("extra_forbidden", (name,), None, _fields(ItemsFile))
        file.error((name,), "unknown-field", text)
    listed = file.table.values.get("item", [])
    if not isinstance(listed, list):
        file.error(("item",), "wrong-type", "题目要写成 [[item]]，两层方括号。")
        return
    for index, values in enumerate(listed):
        try:
            shape = ItemTable.model_validate(values)
        except ValidationError as error:
            code = values.get("code") if isinstance(values, dict) else None
            name = code if isinstance(code, str) else f"第 {index + 1} 题"
            file.misfit(error, _ITEM_FIELDS, ("item", index), name)
        else:
            yield _Placed(bankfile.item_of(shape.model_dump(mode="json")), file, index)


def _judged(placed: Sequence[_Placed], words: bankfile.Vocabulary | None, today: date) -> Iterator[FileFault]:
    """What the lint finds. It names items by code, and codes may repeat, so each goes in under a number."""
    numbered = [replace(one.item, code=str(number)) for number, one in enumerate(placed)]
    for fault in bankfile.lint(numbered, words or bankfile.Vocabulary({}, {}), today):
        if words is None and fault.rule in _VOCABULARY_RULES:
            continue
        one = placed[int(fault.item)]
        line = one.line(*_FIELDS.get(fault.rule, ()))
        yield FileFault(one.file.name, line, one.item.code, fault.rule, fault.severity, fault.text)
    first: dict[str, _Placed] = {}
    for one in placed:
        for fault in bankfile.lint_code(one.item):
            line = one.line("code")
            yield FileFault(one.file.name, line, one.item.code, fault.rule, fault.severity, fault.text)
        before = first.setdefault(one.item.code, one)
        if before is not one:
            text = f"题号重复：{before.file.name} 第 {before.line('code')} 行已经用过“{one.item.code}”。"
            line = one.line("code")
            yield FileFault(one.file.name, line, one.item.code, "duplicate-code", "error", text)
