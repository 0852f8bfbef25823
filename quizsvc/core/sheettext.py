"""Texts and surveys as an organizer types them: one plain notation for four kinds of sheets."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase
from typing import Any, Final

from quizsvc.core import adoption, bounds, document, questionnaire
from quizsvc.core.adoption import Adoption, Check, Item, Target
from quizsvc.core.document import Document
from quizsvc.core.questionnaire import Condition, Question, Questionnaire
from quizsvc.core.refusal import Refusal

Body = Document | Adoption | Questionnaire

KINDS: Final = {"receipt": "回执", "pledge": "责任书", "adoption": "使用情况", "survey": "问卷"}
LONGEST: Final = 60_000
"""Characters of a text that is read at all."""

_LETTERS = ascii_uppercase[:20]
_COLONS = "：:"
_BARS = "｜|"
_COMMAS = "、，,；;｜|"
_DIGITS = "0123456789０１２３４５６７８９"
_STOPS = ".．、)）"
_BRACKETS = {"[": "]", "【": "】", "［": "］"}
_LONGEST_LABEL = 8
_LONGEST_NUMBER = 3
_ABOVE_ALL = 0xF0000  # where characters hide that a backslash makes plain

_RANGE = re.compile(r"(-?\d{1,10}) ?[–—~～至到-] ?(-?\d{1,10})")
_COUNT = re.compile(r"最(多|少) ?(\d{1,5}) ?[个项字]?")
_DATE = re.compile(r"(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2}) ?日?")
_SHARE = re.compile(r"(\d{1,3})(?:[.．](\d{1,2}))?[%％]")
_PLACES = re.compile(r"([A-Ta-t]) ?[:：]? ?(\d{1,6}) ?[人个名份]?")
_ASKED = re.compile(r"第 ?(\d{1,3}) ?题 ?(?:选了?|打了?|答)? ?([^的分]{1,80})分?(?:的人|的)?")

_BASES = {
    "在册": "roster",
    "在册的人": "roster",
    "名册": "roster",
    "常住人口": "population",
    "人口": "population",
}
_SIGNERS = {
    **{name: key for key, name in document.SIGNERS.items()},
    "监护人": "guardian", "教师": "staff", "老师": "staff", "企业负责人": "head", "财务人员": "head",
}  # fmt: skip
_REQUIRED = {"必答": True, "选答": False}
_QUESTION_KINDS = {name: key for key, name in questionnaire.KINDS.items()}
_DEFAULT_MOST = {"short": 50, "long": 500}
_DEFAULT_RATING = 5
_MAY_NOT_APPLY = "可选不适用"


class Unclear(Refusal):
    """A line that says nothing a sheet could hold.

    line: from 1
    said: what is wrong and what to write instead, in zh-CN
    """

    def __init__(self, line: int, said: str) -> None:
        """Keep the line, so that the page can mark it."""
        super().__init__(f"第 {line} 行：{said}。")
        self.line = line


@dataclass(frozen=True, slots=True)
class _Line:
    """One line that is not empty: what marks it ("" nothing, else "label", "number", "letter"), by what, and the rest.

    Characters after a backslash are in hiding: `_plain` brings them back.
    """

    number: int
    mark: str
    head: str
    text: str


def kind_of(body: Body) -> str:
    """Name the kind of paper a sheet becomes.

    body: any
    return: "receipt", "pledge", "adoption" or "survey"
    """
    if isinstance(body, Document):
        return body.kind
    return "adoption" if isinstance(body, Adoption) else "survey"


def read(text: str) -> Body:
    """Read a sheet from its text.

    text: as it was typed or pasted; docs/SHEETS.md tells the notation
    return: the sheet, every bound of its class kept
    raise Unclear: a line cannot be understood, or breaks a bound
    """
    if len(text) > LONGEST:
        raise Refusal(f"文字太长：最多 {LONGEST:,} 个字，现在有 {len(text):,} 个。")
    lines = _numbered(text)
    reading = _begun(*next(lines, (1, "")))
    for number, line in lines:
        reading.take(_line(number, line, reading))
    try:
        return reading.body()
    except bounds.Misfit as misfit:
        hint = next((_HINTS[name] for name in reversed(misfit.place.path) if name in _HINTS), "")
        said = f"{misfit.place.label}，{misfit.said}{'。' if hint else ''}{hint}"
        raise Unclear(reading.line_of(misfit.place.path), said) from misfit


def named(text: str) -> tuple[str, str]:
    """Read only what a text is to become.

    text: as for `read`, whatever else may be wrong with it
    return: the kind of paper, and the title, which may be ""
    raise Unclear: the first line does not say it
    """
    return _kind_and_title(*next(_numbered(text), (1, "")))


def write(body: Body) -> str:
    """Write a sheet as text.

    body: any that keeps its bounds
    return: a text that `read` reads back as an equal sheet; lines end with LF
    """
    if isinstance(body, Document):
        lines = _document_lines(body)
    elif isinstance(body, Adoption):
        lines = _adoption_lines(body)
    else:
        lines = _survey_lines(body)
    return "\n".join([f"{KINDS[kind_of(body)]}：{_escaped(body.title)}", *lines, ""])


_HINTS: Final[Mapping[str | int, str]] = {
    "issuer": "写成“发布单位：阳光县反诈中心”，一个单位一行",
    "points": "每条前面写编号，例如“1. 先交钱再返利的，都是诈骗”",
    "question": "写成“确认：上面的内容，您都知道了吗？”",
    "signer": f"写成“谁来签：家长”，可以写{'、'.join(document.SIGNERS.values())}",
    "steps": "写成“步骤：下载｜注册｜选地区”",
    "targets": "写成“目标：教职工 100%（在册）”或“目标：居民 60%（常住人口）”",
    "due_on": "写成“截止：2027-05-30”",
    "check": "选项一行一个，答案写成“答案：B”",
    "options": "选项一行一个，例如“A. 收到过”；矩阵题写成“列：会｜不会”",
    "rows": "写成“行：第一样｜第二样”",
    "ends": "写成“[打分 1–5：很不满意｜很满意]”",
    "capacities": "写成“名额：A 30、B 20”",
    "shown_if": "写成“只问：第 2 题选 A、C 的人”",
    "words": "写成“遮住的词：身份证、银行卡”",
}
"""Name of a field -> what to write there."""


class _Reading:
    """What has been read of a sheet so far, and on which line each part of it stands."""

    labels: Mapping[str, str] = {}
    """Label -> the name of the method that takes its line, or of the paragraphs that begin there."""

    letters = False
    flags: frozenset[str] = frozenset()
    shape = ""

    def __init__(self, title: str, line: int) -> None:
        self.title = title
        self.where: dict[tuple[str | int, ...], int] = {("title",): line}
        self.paragraphs: dict[str, list[str]] = {"opening": [], "closing": []}
        self.part = ""
        self.entry: tuple[str | int, ...] = ()

    def take(self, line: _Line) -> None:
        """Add what a line says."""
        if line.mark == "":
            if not self.part:
                raise Unclear(line.number, f"不知道这一行是什么。{self.shape}")
            self.paragraphs[self.part].append(_plain(line.text))
            return
        self.part = ""
        if line.mark == "number":
            self.number(line)
        elif line.mark == "letter":
            self.letter(line)
        elif (name := self.labels[line.head]) in self.paragraphs:
            self.once(line, name)
            self.part = name
            self.paragraphs[name] += [_plain(line.text)] if line.text else []
        else:
            getattr(self, name)(line)

    def once(self, line: _Line, *path: str | int) -> None:
        """Note where something stands that is said only once."""
        if path in self.where:
            raise Unclear(line.number, f"“{line.head}”在第 {self.where[path]} 行已经写过，请合成一处")
        self.where[path] = line.number

    def inside(self, line: _Line, name: str) -> dict[str, Any]:
        """Return the numbered entry to which a line belongs."""
        if not self.entry:
            raise Unclear(line.number, f"“{line.head}”要写在带编号的一行下面，例如“1. …”的下一行")
        self.once(line, *self.entry, name)
        entry: dict[str, Any] = self.entries()[-1]
        return entry

    def next_number(self, line: _Line, name: str, length: int) -> None:
        """Refuse a number that is not the next."""
        if int(line.head) != length + 1:
            raise Unclear(
                line.number, f"编号应该是 {length + 1}，写的是 {int(line.head)}；不是编号就在行首加“\\”"
            )
        self.entry = (name, length)
        self.where[self.entry] = line.number

    def text_of(self, part: str) -> str:
        return "\n".join(self.paragraphs[part])

    def line_of(self, path: Sequence[str | int]) -> int:
        """Return the line of the innermost part that is known."""
        inner = (tuple(path[:length]) for length in range(len(path), 0, -1))
        return next((self.where[one] for one in inner if one in self.where), self.where["title",])

    # what each kind of sheet does its own way; the last two only where entries have lines of their own
    body: Callable[[], Body]
    number: Callable[[_Line], None]
    letter: Callable[[_Line], None]
    entries: Callable[[], list[dict[str, Any]]]


class _DocumentReading(_Reading):
    labels: Mapping[str, str] = {
        "发布单位": "issuer_", "说明": "opening", "最后": "closing", "确认": "question_", "承诺": "question_",
        "谁来签": "signer_",
    }  # fmt: skip
    shape = "要点前面写编号（1. …），其他的写成“发布单位：…”“说明：…”“最后：…”“确认：…”“谁来签：…”"

    def __init__(self, title: str, line: int, kind: str) -> None:
        super().__init__(title, line)
        self.kind = kind
        self.issuer: list[str] = []
        self.points: list[str] = []
        self.question = self.signer = ""

    def number(self, line: _Line) -> None:
        self.next_number(line, "points", len(self.points))
        self.points.append(_plain(line.text))

    def issuer_(self, line: _Line) -> None:
        for one in _split(line.text, _BARS):
            self.where["issuer", len(self.issuer)] = line.number
            self.issuer.append(one)

    def question_(self, line: _Line) -> None:
        self.once(line, "question")
        self.question = _plain(line.text)

    def signer_(self, line: _Line) -> None:
        self.once(line, "signer")
        if line.text not in _SIGNERS:
            raise Unclear(line.number, f"不知道“{_plain(line.text)}”是谁。{_HINTS['signer']}")
        self.signer = _SIGNERS[line.text]

    def body(self) -> Document:
        if not self.signer:
            raise bounds.Misfit(bounds.Place(("signer",), "谁来签"), "还没有写")
        return document.checked(
            Document(
                kind=self.kind,
                title=self.title,
                issuer=tuple(self.issuer),
                opening=self.text_of("opening"),
                points=tuple(self.points),
                closing=self.text_of("closing"),
                question=self.question,
                signer=self.signer,
            )
        )


class _AdoptionReading(_Reading):
    labels: Mapping[str, str] = {
        "说明": "opening", "步骤": "steps", "目标": "target", "截止": "due_on", "核对题": "check", "答案": "right",
        _MAY_NOT_APPLY: "may_not_apply",
    }  # fmt: skip
    letters = True
    flags = frozenset({_MAY_NOT_APPLY})
    shape = "每一项前面写编号（1. …），下面写“步骤：…”“目标：…”“截止：…”“核对题：…”或“可选不适用”"

    def __init__(self, title: str, line: int) -> None:
        super().__init__(title, line)
        self.items: list[dict[str, Any]] = []

    def entries(self) -> list[dict[str, Any]]:
        return self.items

    def number(self, line: _Line) -> None:
        self.next_number(line, "items", len(self.items))
        self.items.append(
            {"text": _plain(line.text), "steps": (), "may_not_apply": False, "targets": (), "due_on": None}
        )

    def steps(self, line: _Line) -> None:
        self.inside(line, "steps")["steps"] = tuple(_split(line.text, _BARS))

    def may_not_apply(self, line: _Line) -> None:
        self.inside(line, "may_not_apply")["may_not_apply"] = True

    def target(self, line: _Line) -> None:
        if not self.entry:
            self.inside(line, "targets")
        item = self.items[-1]
        self.where[*self.entry, "targets", len(item["targets"])] = line.number
        item["targets"] = (*item["targets"], _target(line))

    def due_on(self, line: _Line) -> None:
        self.inside(line, "due_on")["due_on"] = _day(line)

    def check(self, line: _Line) -> None:
        self.inside(line, "check")["check"] = {"text": _plain(line.text), "options": (), "right": ""}

    def letter(self, line: _Line) -> None:
        check = self.items[-1].get("check") if self.items else None
        if check is None:
            raise Unclear(line.number, "选项只写在“核对题：…”的下面")
        check["options"] = _with_option(check["options"], line)

    def right(self, line: _Line) -> None:
        check = self.items[-1].get("check") if self.items else None
        if check is None:
            raise Unclear(line.number, "“答案”只写在“核对题：…”和它的选项下面")
        self.once(line, *self.entry, "check", "right")
        check["right"] = line.text

    def body(self) -> Adoption:
        items = []
        for index, one in enumerate(self.items):
            check = one.pop("check", None)
            made = None
            if check is not None:
                place = bounds.Place(("items", index, "check", "right"), f"第 {index + 1} 项的核对题")
                right = _letter_index(check["right"])
                if right is None:
                    raise bounds.Misfit(place, "还没有写答案是哪个选项")
                made = Check(check["text"], check["options"], right)
            items.append(Item(**one, check=made))
        return adoption.checked(Adoption(self.title, self.text_of("opening"), tuple(items)))


class _SurveyReading(_Reading):
    labels: Mapping[str, str] = {
        "说明": "opening", "最后": "closing", "遮住的词": "words_", "名额": "capacities", "行": "rows",
        "列": "columns", "两头": "ends", "只问": "shown_if",
    }  # fmt: skip
    letters = True
    shape = (
        "每一题写成“1. [单选] …”，选项写成“A. …”，其他的写成“说明：…”“只问：…”“名额：…”“最后：…”“遮住的词：…”"
    )

    def __init__(self, title: str, line: int) -> None:
        super().__init__(title, line)
        self.questions: list[dict[str, Any]] = []
        self.words: list[str] = []

    def entries(self) -> list[dict[str, Any]]:
        return self.questions

    def number(self, line: _Line) -> None:
        self.next_number(line, "questions", len(self.questions))
        self.questions.append({"options": (), "places": {}, **_question(line)})

    def letter(self, line: _Line) -> None:
        if not self.questions:
            raise Unclear(line.number, "选项要写在一道题的下面，例如“1. [单选] …”的下一行")
        self.questions[-1]["options"] = _with_option(self.questions[-1]["options"], line)

    def words_(self, line: _Line) -> None:
        self.where.setdefault(("words",), line.number)
        self.words += _split(line.text, _COMMAS)

    def rows(self, line: _Line) -> None:
        self.inside(line, "rows")["rows"] = tuple(_split(line.text, _BARS))

    def columns(self, line: _Line) -> None:
        question = self.inside(line, "options")
        if question["kind"] != "matrix":
            raise Unclear(line.number, "只有矩阵题写“列”，单选和多选题的选项写成“A. …”，一行一个")
        question["options"] = tuple(_split(line.text, _BARS))

    def ends(self, line: _Line) -> None:
        self.inside(line, "ends")["ends"] = _ends(line.text, line.number)

    def capacities(self, line: _Line) -> None:
        question = self.inside(line, "capacities")
        for one in _pieces(line.text, _COMMAS):
            said = _PLACES.fullmatch(one)
            letter = _letter_index(said[1]) if said else None
            if said is None or letter is None or letter in question["places"]:
                raise Unclear(
                    line.number, f"看不懂名额“{_plain(one)}”。{_HINTS['capacities']}，每个选项写一次"
                )
            question["places"][letter] = int(said[2])

    def shown_if(self, line: _Line) -> None:
        if not self.entry:
            self.inside(line, "shown_if")
        question = self.questions[-1]
        self.where.setdefault((*self.entry, "shown_if"), line.number)
        for clause in _pieces(line.text, "；;"):
            question["shown_if"] = (*question.get("shown_if", ()), self.condition(clause, line.number))

    def condition(self, clause: str, line: int) -> Condition:
        said = _ASKED.fullmatch(clause)
        if said is None or not 1 <= int(said[1]) < len(self.questions):
            raise Unclear(line, f"看不懂“{_plain(clause)}”。{_HINTS['shown_if']}，只能指前面的题")
        number = int(said[1])
        is_rating = self.questions[number - 1]["kind"] == "rating"
        chosen = [_value(one) if is_rating else _letter_index(one) for one in _listed(said[2])]
        known = [one for one in chosen if one is not None]
        if len(known) < len(chosen) or not chosen:
            said_as = f"“第 {number} 题打 1、2 分的人”" if is_rating else f"“第 {number} 题选 A、C 的人”"
            raise Unclear(line, f"看不懂“{_plain(clause)}”，写成{said_as}")
        return Condition(number - 1, tuple(sorted(set(known))))

    def body(self) -> Questionnaire:
        made = Questionnaire(
            title=self.title,
            opening=self.text_of("opening"),
            questions=tuple(_made(one, index) for index, one in enumerate(self.questions)),
            closing=self.text_of("closing"),
            words=tuple(self.words),
        )
        return questionnaire.checked(made)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """Walk the lines that are not empty, each with its number."""
    for number, line in enumerate(text.splitlines(), 1):
        if tidy := bounds.tidied(line).replace("\n", " "):
            yield number, tidy


def _begun(number: int, line: str) -> _Reading:
    """Begin to read a sheet with its first line."""
    kind, title = _kind_and_title(number, line)
    if kind == "adoption":
        return _AdoptionReading(title, number)
    return _SurveyReading(title, number) if kind == "survey" else _DocumentReading(title, number, kind)


def _kind_and_title(number: int, line: str) -> tuple[str, str]:
    guarded = _guarded(line)
    for kind, name in KINDS.items():
        if guarded.startswith(name) and guarded[len(name) : len(name) + 1] in (*_COLONS, " "):
            return kind, _plain(guarded[len(name) + 1 :]).strip()
    raise Unclear(
        number, f"先写是哪一种，再写标题，例如“回执：涉诈风险提示单”。有这几种：{'、'.join(KINDS.values())}"
    )


def _line(number: int, line: str, reading: _Reading) -> _Line:
    """Say what marks a line; one that begins with a backslash is nothing but text."""
    if line.startswith("\\"):
        return _Line(number, "", "", _guarded(line[1:]))
    mark, head, text = _mark(_guarded(line), reading)
    return _Line(number, mark, head, text)


def _mark(line: str, reading: _Reading | type[_Reading]) -> tuple[str, str, str]:
    digits = len(line) - len(line.lstrip(_DIGITS))
    stop, after = line[digits : digits + 1], line[digits + 1 : digits + 2]
    if 0 < digits <= _LONGEST_NUMBER and stop and stop in _STOPS and not after.isdecimal():
        return "number", line[:digits], line[digits + 1 :].strip()
    letter = _letter_index(line[:1])
    if reading.letters and letter is not None and line[1:2] and line[1:2] in _STOPS:
        return "letter", _LETTERS[letter], line[2:].strip()
    if line in reading.flags:
        return "label", line, ""
    head = line[: _LONGEST_LABEL + 1]
    end = min((place for colon in _COLONS if (place := head.find(colon)) >= 0), default=-1)
    label = "".join(head[:end].split()) if end > 0 else ""
    if label in reading.labels and label not in reading.flags:
        return "label", label, line[end + 1 :].strip()
    return "", "", line


def _target(line: _Line) -> Target:
    text, basis = line.text, "roster"
    if text[-1:] in ("）", ")"):
        opened = max(text.rfind(one) for one in "（(")
        text, said = text[: max(opened, 0)], text[opened + 1 : -1]
        if said.strip() not in _BASES:
            raise Unclear(line.number, f"不知道“{_plain(said)}”是按什么算。{_HINTS['targets']}")
        basis, text = _BASES[said.strip()], text.rstrip()
    start = len(text) - len(text.rstrip(f"{_DIGITS}.．%％"))
    share = _SHARE.fullmatch(text[len(text) - start :])
    if share is None:
        raise Unclear(line.number, f"看不懂目标“{_plain(line.text)}”。{_HINTS['targets']}")
    permyriad = int(share[1]) * 100 + int((share[2] or "").ljust(2, "0"))
    return Target(basis, _plain(text[: len(text) - start]).strip(), permyriad)


def _day(line: _Line) -> date:
    said = _DATE.fullmatch(line.text)
    with suppress(ValueError):
        if said:
            return date(*(int(part) for part in said.groups()))
    raise Unclear(line.number, f"“{_plain(line.text)}”不是一个日子。{_HINTS['due_on']}")


def _question(line: _Line) -> dict[str, Any]:
    """Read "[单选] …（必答）"."""
    closer = _BRACKETS.get(line.text[:1], "")
    inner, found, text = line.text[1:].partition(closer) if closer else ("", "", "")
    if not found:
        raise Unclear(
            line.number,
            f"题目前面写是哪一种，例如“{line.head}. [单选] …”。有这几种：{'、'.join(_QUESTION_KINDS)}",
        )
    inner, text = inner.strip(), text.strip()
    required = False
    for word, is_required in _REQUIRED.items():
        if inner.endswith(word) and not any(colon in inner for colon in _COLONS):
            inner, required = inner.removesuffix(word).rstrip("，, "), is_required
        for suffix in (f"（{word}）", f"({word})"):
            if text.endswith(suffix):
                text, required = text.removesuffix(suffix).rstrip(), is_required
    kind = next((key for name, key in _QUESTION_KINDS.items() if inner.startswith(name)), None)
    if kind is None:
        raise Unclear(line.number, f"没有“{_plain(inner)}”这种题。有这几种：{'、'.join(_QUESTION_KINDS)}")
    said = inner.removeprefix(questionnaire.KINDS[kind]).strip()
    return {"kind": kind, "text": _plain(text), "required": required, **_extent(kind, said, line)}


def _extent(kind: str, said: str, line: _Line) -> dict[str, Any]:
    """Read what stands in the brackets behind the kind of question."""
    made: dict[str, Any] = {}
    if kind == "rating":
        colon = min((place for one in _COLONS if (place := said.find(one)) >= 0), default=len(said))
        if said[colon + 1 :]:
            made["ends"] = _ends(said[colon + 1 :], line.number)
        said = said[:colon].strip() or f"1–{_DEFAULT_RATING}"
    counts = dict(_COUNT.findall(said))
    bare = not said or (kind in ("choices", *_DEFAULT_MOST) and not _COUNT.sub("", said).strip(" ，,、"))
    span = _RANGE.fullmatch(
        said.removeprefix("选").rstrip("个项分 ").strip().replace("－", "-").replace("−", "-")
    )
    if kind in _DEFAULT_MOST and bare:
        return {"high": int(counts.get("多", _DEFAULT_MOST[kind]))}
    if kind == "choices" and bare:
        return {"low": int(counts.get("少", 1)), "high": int(counts["多"]) if counts.get("多") else None}
    if kind in ("choices", "rating", "number") and span:
        return {**made, "low": int(span[1]), "high": int(span[2])}
    if kind in ("choice", "matrix") and bare:
        return made
    raise Unclear(line.number, f"看不懂“[{questionnaire.KINDS[kind]} {_plain(said)}]”，写成{_EXTENTS[kind]}")


_EXTENTS: Final = {
    "choice": "“[单选]”",
    "choices": "“[多选]”或“[多选 1–3]”",
    "rating": "“[打分 1–5]”或“[打分 1–5：很不满意｜很满意]”",
    "matrix": "“[矩阵]”，下面写“行：…｜…”和“列：…｜…”",
    "number": "“[数字 0–120]”",
    "short": "“[一句话 最多 50 字]”",
    "long": "“[一段话 最多 500 字]”",
}


def _made(values: Mapping[str, Any], index: int) -> Question:
    """Make a question of what was read of it; what only its options tell is settled now."""
    values = dict(values)
    places = values.pop("places")
    options = values["options"]
    if places and max(places) >= len(options):
        place = bounds.Place(("questions", index, "capacities"), f"第 {index + 1} 题")
        raise bounds.Misfit(place, f"没有选项 {_LETTERS[max(places)]}")
    if places:
        values["capacities"] = tuple(places.get(option) for option in range(len(options)))
    if values["kind"] == "choices" and values["high"] is None:
        values["high"] = len(options)
    return Question(**values)


def _ends(said: str, line: int) -> tuple[str, str]:
    ends = _split(said, _BARS)
    if len(ends) != 2:
        raise Unclear(line, f"打分的两头要写两个词，中间用“｜”隔开。{_HINTS['ends']}")
    return ends[0], ends[1]


def _with_option(options: tuple[str, ...], line: _Line) -> tuple[str, ...]:
    if len(options) == len(_LETTERS) or line.head != _LETTERS[len(options)]:
        expected = f"{_LETTERS[len(options)]}. …" if len(options) < len(_LETTERS) else "下一题"
        raise Unclear(line.number, f"选项的字母要从 A 起挨着写，这里应该是“{expected}”")
    return (*options, _plain(line.text))


def _letter_index(letter: str) -> int | None:
    """Return which option a letter names; None when it names none."""
    plain = unicodedata.normalize("NFKC", letter).upper()
    return _LETTERS.index(plain) if len(plain) == 1 and plain in _LETTERS else None


def _value(digits: str) -> int | None:
    return int(digits) if digits.isdecimal() else None


def _listed(said: str) -> list[str]:
    """Split "A、C" or "A 或 C"."""
    return _pieces("".join("、" if one in "或和与 /" else one for one in said), _COMMAS)


def _pieces(text: str, separators: str) -> list[str]:
    together = text.translate(dict.fromkeys(map(ord, separators), separators[0]))
    return [one.strip() for one in together.split(separators[0]) if one.strip()]


def _split(text: str, separators: str) -> list[str]:
    return [_plain(one) for one in _pieces(text, separators)]


def _guarded(text: str) -> str:
    """Hide characters that stand behind a backslash; one before a letter or digit is just a backslash."""
    if "\\" not in text:
        return text
    made, rest = [], iter(text)
    for one in rest:
        if one != "\\":
            made.append(one)
            continue
        after = next(rest, "")
        hides = after and not after.isalnum() and not after.isspace() and ord(after) < 0xFFFE
        made.append(chr(_ABOVE_ALL + ord(after)) if hides else one + after)
    return "".join(made)


def _plain(text: str) -> str:
    """Bring hidden characters back."""
    if max(text, default="") < chr(_ABOVE_ALL):
        return text
    return "".join(
        chr(ord(one) - _ABOVE_ALL) if _ABOVE_ALL <= ord(one) < _ABOVE_ALL + 0xFFFE else one for one in text
    )


def _escaped(text: str, special: str = "") -> str:
    """Put a backslash before these characters and before backslashes."""
    for one in ("\\", *special):
        text = text.replace(one, f"\\{one}")
    return text


def _joined(texts: Iterable[str]) -> str:
    return "｜".join(_escaped(one, _BARS) for one in texts)


def _labelled(label: str, text: str, reading: type[_Reading]) -> list[str]:
    """Write paragraphs below a label; none when there are none."""
    if not text:
        return []
    first, *others = (_escaped(line) for line in text.split("\n"))
    return [f"{label}：{first}", *(_as_text(line, reading) for line in others)]


def _as_text(line: str, reading: type[_Reading]) -> str:
    """Put a backslash before a line that would say more than text."""
    mark, _, _ = _mark(_guarded(line), reading)
    return f"\\{line}" if mark or line.startswith("\\") else line


def _document_lines(body: Document) -> list[str]:
    return [
        *(f"发布单位：{_escaped(one, _BARS)}" for one in body.issuer),
        *_labelled("说明", body.opening, _DocumentReading),
        *(f"{number}. {_escaped(point)}" for number, point in enumerate(body.points, 1)),
        *_labelled("最后", body.closing, _DocumentReading),
        f"{'确认' if body.kind == 'receipt' else '承诺'}：{_escaped(body.question)}",
        f"谁来签：{document.SIGNERS[body.signer]}",
    ]


def _adoption_lines(body: Adoption) -> list[str]:
    lines = _labelled("说明", body.opening, _AdoptionReading)
    for number, item in enumerate(body.items, 1):
        lines += ["", f"{number}. {_escaped(item.text)}"]
        lines += [f"步骤：{_joined(item.steps)}"] if item.steps else []
        lines += [_MAY_NOT_APPLY] if item.may_not_apply else []
        lines += [f"目标：{_written_target(target)}" for target in item.targets]
        lines += [f"截止：{item.due_on.isoformat()}"] if item.due_on else []
        if item.check:
            lines += [f"核对题：{_escaped(item.check.text)}", *_options(item.check.options)]
            lines += [f"答案：{_LETTERS[item.check.right]}"]
    return lines


def _written_target(target: Target) -> str:
    whole, rest = divmod(target.permyriad, 100)
    share = f"{whole}.{rest:02}".rstrip("0").rstrip(".") if rest else str(whole)
    basis = {"roster": "在册", "population": "常住人口"}[target.basis]
    return f"{_escaped(target.label)} {share}%（{basis}）"


def _survey_lines(body: Questionnaire) -> list[str]:
    lines = _labelled("说明", body.opening, _SurveyReading)
    for number, question in enumerate(body.questions, 1):
        text = _escaped(question.text)
        if text.endswith(
            tuple(f"{left}{word}{right}" for word in _REQUIRED for left, right in ("（）", "()"))
        ):
            text = f"{text[:-1]}\\{text[-1]}"
        lines += [
            "",
            f"{number}. [{_written_extent(question)}] {text}{'（必答）' if question.required else ''}",
            *_written_details(question, body.questions),
        ]
    lines += ["", *_labelled("最后", body.closing, _SurveyReading)] if body.closing else []
    return [
        *lines,
        *([f"遮住的词：{'、'.join(_escaped(w, _COMMAS) for w in body.words)}"] if body.words else []),
    ]


def _written_extent(question: Question) -> str:
    name = questionnaire.KINDS[question.kind]
    match question.kind:
        case "rating":
            ends = "｜".join(_escaped(end, "｜|]】］") for end in question.ends) if any(question.ends) else ""
            return f"{name} {question.low}–{question.high}{f'：{ends}' if ends else ''}"
        case "choices" if (question.low, question.high) == (1, len(question.options)):
            return name
        case "choices" | "number":
            return f"{name} {question.low}–{question.high}"
        case "short" | "long":
            return f"{name} 最多 {question.high} 字"
        case _:
            return name


def _written_details(question: Question, questions: Sequence[Question]) -> list[str]:
    if question.kind == "matrix":
        lines = [f"行：{_joined(question.rows)}", f"列：{_joined(question.options)}"]
    else:
        lines = _options(question.options)
    if question.capacities:
        places = [
            f"{_LETTERS[option]} {most}"
            for option, most in enumerate(question.capacities)
            if most is not None
        ]
        lines.append(f"名额：{'、'.join(places)}")
    for condition in question.shown_if:
        other = questions[condition.question]
        if other.kind == "rating":
            said = f"打 {'、'.join(str(value) for value in condition.any_of)} 分"
        else:
            said = f"选 {'、'.join(_LETTERS[option] for option in condition.any_of)} "
        lines.append(f"只问：第 {condition.question + 1} 题{said}的人")
    return lines


def _options(options: Sequence[str]) -> list[str]:
    return [f"{letter}. {_escaped(option)}" for letter, option in zip(_LETTERS, options, strict=False)]
