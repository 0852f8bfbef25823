"""R33: every regular expression and every reader of text takes less than 50 ms for 100 KB that mean harm.

T26 of the threat model. The expressions are found in the source, so a new one is tested from its first day. What they
are fed is made of their own characters: each alone, and each pair, over and over, with an end that does not fit.
Files as long as they may be are the affair of test_hostile_uploads.
"""

import ast
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from itertools import permutations
from pathlib import Path
from re import _parser as parser  # type: ignore[attr-defined]
from time import process_time
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

import quizsvc
from quizsvc.attempt import forms as attempt
from quizsvc.bank import forms as bank
from quizsvc.core import (
    bankfile,
    blanks,
    cells,
    linkcode,
    masking,
    onetime,
    password,
    rosterplan,
    sheettext,
    tablefile,
    term,
    unitname,
)
from quizsvc.core.refusal import Refusal
from quizsvc.formats import markup
from quizsvc.paper import forms as paper
from quizsvc.roster import forms as roster
from quizsvc.staff import forms as staff
from tests import make
from tests.patience import in_time

LENGTH = 100_000
LADDER = (10, 14, 18, 22, 1000, LENGTH // 10, LENGTH)
"""Lengths to climb, so that an expression that explodes is found out while it is cheap.

Pairs stop at the last but one: what grows with the square takes too long there already.
"""

MOST_S = 0.05
TRIES = 3
MOST_CHARACTERS = 4
USES = frozenset({"fullmatch", "match", "search", "findall", "finditer", "sub", "split"})
UNKNOWN = frozenset({"fullmatch", "search"})
"""How what is handed on is tried: alone, and at every place of a text."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression as the source has it, and how it is used."""

    where: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


def expressions() -> list[Expression]:
    """Find what modules have compiled, and every call of `re` inside a function."""
    folder = Path(quizsvc.__file__).parent
    found: list[Expression] = []
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        name = ".".join(("quizsvc", *(part for part in parts if part != "__init__")))
        found += _in_module(name, ast.parse(file.read_text()))
    return found


def _in_module(name: str, tree: ast.Module) -> Iterator[Expression]:
    calls = [
        one for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
    ]
    uses: dict[str, set[str]] = {}
    for call in calls:
        uses.setdefault(ast.unparse(call.func.value).partition("[")[0], set()).add(call.func.attr)  # type: ignore[attr-defined]
    module = vars(import_module(name))
    for target, value in module.items():
        for pattern in _patterns(value):
            yield Expression(f"{name}.{target}", pattern, USES & uses.get(target, set()) or UNKNOWN)
    within = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    for call in {one for function in within for one in ast.walk(function) if one in calls}:
        if ast.unparse(call.func.value) == "re" and call.func.attr in {*USES, "compile"}:  # type: ignore[attr-defined]
            pattern = re.compile(_written(call.args[0], module))
            uses_here = UNKNOWN if call.func.attr == "compile" else frozenset({call.func.attr})  # type: ignore[attr-defined]
            yield Expression(f"{name}:{call.lineno}", pattern, uses_here)


def _patterns(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict | tuple | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _patterns(one)


def _written(node: ast.expr, module: dict[str, Any]) -> str:
    """Return the text of an expression; what a function puts into it is taken to be a letter."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(part, module) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return str(module.get(ast.unparse(node.value), "A"))
    return str(module[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node))


def characters(pattern: re.Pattern[Any]) -> list[str]:
    """Return characters that an expression knows, each class and category by one of its own."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    known: dict[str, None] = {}

    def walk(part: Any) -> None:
        if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], int):
            kind, value = str(part[0]), part[1]
            if kind == "LITERAL":
                known[chr(value)] = None
            elif kind == "RANGE":
                known[chr(value[0])] = None
            elif kind == "CATEGORY":
                known[{"SPACE": " ", "DIGIT": "1"}.get(str(value).rpartition("_")[2], "a")] = None
            elif kind in ("ANY", "NOT_LITERAL", "NEGATE"):
                known["x"] = None
            walk(value)
        elif isinstance(part, tuple | list | parser.SubPattern):
            for one in part:
                walk(one)

    walk(parser.parse(text))
    every = list(known) or ["x"]
    return [*every[:: max(1, len(every) // MOST_CHARACTERS)][:MOST_CHARACTERS], "\n"]


def fed(expression: Expression) -> Iterator[tuple[str, Callable[[int], str | bytes]]]:
    """Return what an expression is fed, as functions of the length."""
    own = characters(expression.pattern)
    for one in (*own, *map("".join, permutations(own, 2))):

        def text(length: int, one: str = one) -> str | bytes:
            whole = (one * (length // len(one) + 1))[: length - 1] + "\x00"
            return (
                whole.encode("latin-1", "replace") if isinstance(expression.pattern.pattern, bytes) else whole
            )

        yield one, text


def used(pattern: re.Pattern[Any], use: str, text: str | bytes) -> None:
    if use == "sub":
        pattern.sub(text[:0], text)
    elif use == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, use)(text)


def seconds(work: Callable[[], object]) -> float:
    """Measure the work of this process alone; what is much, but not very much, again."""
    best = float("inf")
    for _ in range(TRIES):
        begun = process_time()
        work()
        best = min(best, process_time() - begun)
        if not MOST_S <= best < 4 * MOST_S:
            break
    return best


def too_slow(found: Collection[Expression]) -> Iterator[str]:
    """Say which expressions take too long for what."""
    for expression in found:
        for one, text in fed(expression):
            for use in sorted(expression.uses):
                for length in LADDER if len(one) == 1 else LADDER[:-1]:
                    took = seconds(lambda: used(expression.pattern, use, text(length)))  # noqa: B023
                    if not in_time(took, MOST_S):
                        yield f"{expression.where}.{use} {one!r} x {length}: {took:.2f} s"
                        break


def test_every_expression_is_cheap() -> None:
    found = expressions()

    assert list(too_slow(found)) == []
    assert len(found) > 100


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(?:a|a)*b", r"\s+$", r"a.*b.*c"])
def test_expression_that_explodes_would_be_noticed(pattern: str) -> None:
    assert next(too_slow([Expression("planted", re.compile(pattern), frozenset({"search"}))]), None)


FIELDS = (
    *(
        "seat",
        "s",
        "resume",
        "step",
        "q1",
        "n1",
        "page",
        "words",
        "seed",
        "term",
        "expected",
        "points",
        "count",
    ),
    *(
        "revision",
        "item",
        "topic",
        "audience",
        "difficulty",
        "kind",
        "bank",
        "code",
        "title",
        "stem",
        "option1",
    ),
    *("scene", "tells", "channel", "sender", "reviewed_on", "valid_until", "source", "pasted", "q"),
)


def typed(text: str) -> MultiDict[str, str]:
    """Every field full of one text."""
    return MultiDict(dict.fromkeys(FIELDS, text))


def an_item(text: str) -> bankfile.Item:
    """An item of a hundred thousand characters."""
    part = text[: LENGTH // 10]
    options = tuple(bankfile.Option(part, key=number == 0) for number in range(4))
    scene = bankfile.Scene("sms", part[:40], part, (part[:5000], part[5000:]))
    return make.an_item(
        stem=part, scene=scene, options=options, explanation=bankfile.Explanation(part, part, part)
    )


SHEET = sheettext.LONGEST - 100
NO_WORDS = bankfile.Vocabulary({"brushing": "刷单"}, {})
READERS: dict[str, Callable[[str], object]] = {
    "linkcode.parse": linkcode.parse,
    "linkcode.grouped": linkcode.grouped,
    "cells.guarded": cells.guarded,
    "masking.masked_name": masking.masked_name,
    "password.check_password": lambda text: password.check_password(password.normalised(text), [text]),
    "onetime.as_typed": lambda text: onetime.is_recovery_code(onetime.as_typed(text)),
    "term.term_label": term.term_label,
    "unitname.class_name": lambda text: unitname.class_name(text, "七年级"),
    "unitname.ordinal": lambda text: unitname.ordinal("class", text),
    "unitname.sound_code": unitname.sound_code,
    "unitname.code": lambda text: unitname.code("class", text, ()),
    "rosterplan.seat_of": rosterplan.seat_of,
    "rosterplan.count_of": rosterplan.count_of,
    "rosterplan.number_of": rosterplan.number_of,
    "rosterplan.name_of": rosterplan.name_of,
    "bankfile.lint": lambda text: bankfile.lint([an_item(text)], NO_WORDS, date(2026, 12, 1)),
    "bankfile.segments": lambda text: bankfile.segments(text, (text[:3], text[-3:])),
    "tablefile.toml": lambda text: tablefile.read(text.encode(), form="toml"),
    "tablefile.json": lambda text: tablefile.read(text.encode(), form="json"),
    "markup.plain": markup.plain,
    "sheettext.read": sheettext.read,
    "sheettext.receipt": lambda text: sheettext.read(f"回执：一\n说明：{text[:SHEET]}"),
    "sheettext.survey": lambda text: sheettext.read(f"问卷：一\n1. [多选 {text[:SHEET]}"),
    "sheettext.condition": lambda text: sheettext.read(f"问卷：一\n1. [单选] 一\n2. [单选] 二\n只问：{text[:SHEET]}"),
    "blanks.blanks": lambda text: blanks.blanks(text.replace("长", "【请填 ")),
    "paper.source_from": lambda text: paper.source_from(MultiDict({"text": text})),
    "attempt.forms": lambda text: (attempt.resume_from(typed(text)), attempt.source_from(typed(text)),
                                   attempt.answers_from(typed(text))),
    "attempt.answers_from": lambda text: attempt.answers_from(MultiDict((one, "1") for one in text.split("\n"))),
    "attempt.seat_from": lambda text: attempt.seat_from(typed(text)),
    "attempt.practice_from": lambda text: attempt.practice_from(typed(text)),
    "bank.search_from": lambda text: bank.search_from(typed(text)),
    "bank.typed_item": lambda text: bank.typed_item(typed(text), code=text, today=date(2026, 12, 1)),
    "paper.search_from": lambda text: paper.search_from(typed(text), audience=None),
    "paper.points_from": lambda text: paper.points_from(typed(text)),
    "roster.term_from": lambda text: roster.term_from(typed(text)),
    "roster.number_from": lambda text: roster.number_from(typed(text), "expected", "人数"),
    "staff.unit_from": staff.unit_from,
}  # fmt: skip
"""Everything that reads what somebody typed or uploaded."""

TEXTS = ("9", "长", " ", "\n", "(", '"\\', "年级（3）班", "\u0301", "&amp;", "[[a]]\n")
MOST_STEEPLY = (
    40  # for ten times the text: what is in proportion takes ten times as long, what is not a hundred
)


def reading(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except (Refusal, rosterplan.Rejection):
        return


def fault(read: Callable[[str], object], one: str) -> str | None:
    """Say what is wrong with the cost of reading a text: what is long may take long, in proportion and no more."""
    text = (one * (LENGTH // len(one) + 1))[:LENGTH]
    took = seconds(lambda: reading(read, text))
    if in_time(took, MOST_S):
        return None
    tenth = seconds(lambda: reading(read, text[: LENGTH // 10]))
    in_proportion = took < MOST_STEEPLY * tenth and in_time(took, 10 * MOST_S)
    return None if in_proportion else f"{one!r}: {tenth:.3f} s, ten times of it {took:.3f} s"


@pytest.mark.parametrize("name", READERS)
def test_every_reader_is_cheap(name: str) -> None:
    assert [wrong for one in TEXTS if (wrong := fault(READERS[name], one))] == []


def test_reader_that_begins_again_and_again_would_be_noticed() -> None:
    assert fault(lambda text: [text.count("b", start) for start in range(0, len(text), 10)], "a")
