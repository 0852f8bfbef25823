"""How the slices are built: operations, commits, docstrings, imports; test_register has their columns."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest
from sqlalchemy import Column

from quizsvc.db import Base
from quizsvc.settings import PROJECT

PACKAGE = PROJECT / "quizsvc"
SLICES = sorted(
    folder.name
    for folder in PACKAGE.iterdir()
    if (folder / "__init__.py").is_file() and folder.name not in ("core", "web", "formats", "upkeep")
)
MODULES = {"__init__", "models", "queries", "operations", "files", "forms", "pieces", "views", "cli"}
MAY_COMMIT = {"db.py", "throttle.py"}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def columns() -> list[Column]:
    for file in sources():
        if file.name not in ("wsgi.py", "__main__.py"):
            importlib.import_module(
                ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
            )
    return [column for table in Base.metadata.sorted_tables for column in table.columns]


def operations(slice_: str) -> dict[str, FunctionType]:
    if not (PACKAGE / slice_ / "operations.py").is_file():
        return {}
    module = importlib.import_module(f"quizsvc.{slice_}.operations")
    return {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, FunctionType)
        and not name.startswith("_")
        and found.__module__ == module.__name__
    }


def test_slices_are_those_of_the_design() -> None:
    assert SLICES == [
        "attempt", "bank", "bulletin", "campaign", "contest", "declaration", "dossier", "draw", "link", "paper",
        "prize", "report", "rights", "rollup", "roster", "rulebook", "staff", "survey",
    ]  # fmt: skip


@pytest.mark.parametrize("slice_", SLICES)
def test_slice_has_known_modules_and_says_what_it_owns(slice_: str) -> None:
    package = importlib.import_module(f"quizsvc.{slice_}")

    assert {file.stem for file in (PACKAGE / slice_).glob("*.py")} <= MODULES
    assert "owns" in (package.__doc__ or "").lower()


@pytest.mark.parametrize("slice_", SLICES)
def test_every_public_function_of_operations_is_an_operation_with_the_time_handed_in(slice_: str) -> None:
    faults = []
    for name, function in operations(slice_).items():
        parameters = inspect.signature(function).parameters
        if not getattr(function, "is_operation", False):
            faults.append(f"{name} is no @operation")
        if "at" not in parameters:
            faults.append(f"{name} does not take `at`")
        faults += [
            f"{name}({parameter}) is not keyword-only"
            for parameter, kind in parameters.items()
            if kind.kind is not inspect.Parameter.KEYWORD_ONLY
        ]

    assert faults == []


def test_there_are_operations_to_look_at() -> None:
    assert "accept" in operations("staff")


def test_nothing_commits_but_the_operation_decorator() -> None:
    commits = {
        str(file.relative_to(PACKAGE))
        for file in sources()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }

    assert commits == MAY_COMMIT


def test_no_operation_calls_another() -> None:
    names = {name for slice_ in SLICES for name in operations(slice_)}
    faults = [
        f"{slice_}.{node.func.id} inside an operation"
        for slice_ in SLICES
        if (PACKAGE / slice_ / "operations.py").is_file()
        for node in ast.walk(ast.parse((PACKAGE / slice_ / "operations.py").read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in operations(slice_)
    ]

    assert len(names) > 10
    assert faults == []


def test_imports_keep_the_contracts() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
