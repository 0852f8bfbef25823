"""Every action the code records has a name for readers, and what is typed about people stays out of the chain."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from quizsvc.audit import ACTION_NAMES
from quizsvc.core import ledger
from quizsvc.settings import PROJECT

RECORDERS = {"record", "record_alone"}
ABOUT_PEOPLE = {
    "reason",
    "note",
    "remark",
    "words",
    "text",
    "answer",
    "name_of",
    "login",
    "person",
    "phone",
    "who",
}
CONSTANTS = {"SEALING": ledger.SEALING}


@pytest.fixture(scope="module", autouse=True)
def felled() -> Iterator[None]:
    """Let go of the trees: the collector of garbage would walk them during all tests that come after."""
    yield
    trees.cache_clear()


@cache
def trees() -> dict[Path, ast.Module]:
    files = [file for file in (PROJECT / "quizsvc").rglob("*.py") if "record" in file.read_text()]
    found = {file: ast.parse(file.read_text()) for file in files}
    audit = found[PROJECT / "quizsvc" / "audit.py"]
    audit.body = [
        node for node in audit.body if getattr(node, "name", "") != "record_alone"
    ]  # hands on its action
    return {file: tree for file, tree in found.items() if any(calls(tree))}


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in RECORDERS:
                yield node


def assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that are given a text, one by one or several in a row."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = (
                zip(target.elts, value.elts, strict=True) if both_tuples(target, value) else [(target, value)]
            )
            for one, text in pairs:
                if (
                    isinstance(one, ast.Name)
                    and isinstance(text, ast.Constant)
                    and isinstance(text.value, str)
                ):
                    yield one.id, text.value


def both_tuples(*nodes: ast.expr) -> bool:
    return all(isinstance(node, ast.Tuple) for node in nodes)


def texts(tree: ast.Module, value: ast.expr) -> set[str]:
    """What an expression may be: a text, a name given one in the module, or a parameter that callers give one."""
    if isinstance(value, ast.Constant):
        return {str(value.value)}
    if isinstance(value, ast.Attribute):
        return {CONSTANTS[value.attr]}
    if isinstance(value, ast.IfExp):
        return texts(tree, value.body) | texts(tree, value.orelse)
    assert isinstance(value, ast.Name), ast.dump(value)
    return {text for name, text in given(tree) if name == value.id}


@cache
def given(tree: ast.Module) -> set[tuple[str, str]]:
    return {*assigned(tree), *passed(tree)}


def passed(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Parameters that calls in the module give a text, by name or by place."""
    places = {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            in_order = zip(places.get(getattr(node.func, "id", ""), ()), node.args, strict=False)
            for name, text in [*in_order, *((one.arg, one.value) for one in node.keywords)]:
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield str(name), text.value


def recorded(tree: ast.Module) -> set[str]:
    """The actions a module records; a call whose action nobody can tell fails here with its line."""
    found = set()
    for call in calls(tree):
        action = next(keyword.value for keyword in call.keywords if keyword.arg == "action")
        known = texts(tree, action)
        assert known, f"line {call.lineno}: which action?"
        found |= known
    return found


def all_recorded() -> set[str]:
    found: set[str] = set()
    for tree in trees().values():
        found |= recorded(tree)
    return found


def typed_about_people(tree: ast.Module) -> list[str]:
    return [
        f"line {call.lineno}: {keyword.arg}"
        for call in calls(tree)
        for keyword in call.keywords
        if keyword.arg in ABOUT_PEOPLE
    ]


def test_every_recorded_action_has_a_name_and_every_name_an_action() -> None:
    assert sorted(all_recorded()) == sorted(ACTION_NAMES)


def test_names_are_chinese_and_different() -> None:
    assert len(set(ACTION_NAMES.values())) == len(ACTION_NAMES)
    assert [action for action, name in ACTION_NAMES.items() if not "一" <= name[0] <= "鿿"] == []


def test_action_without_a_name_is_noticed() -> None:
    planted = ast.parse('audit.record(actor=CLI, action="new.thing", on="x", at=at)')

    assert recorded(planted) == {"new.thing"}


def test_words_about_people_are_recorded_as_private_only() -> None:
    faults = {str(file): typed_about_people(tree) for file, tree in trees().items()}

    assert {file: found for file, found in faults.items() if found} == {}


def test_words_that_would_enter_the_chain_are_noticed() -> None:
    planted = ast.parse('record(actor=CLI, action="attempt.void", on="x", at=at, reason=reason)')

    assert typed_about_people(planted) == ["line 1: reason"]
