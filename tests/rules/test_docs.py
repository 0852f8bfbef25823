"""What the documentation names exists: identifiers, make targets, commands with their options, files, headings."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from quizsvc.cli import main
from quizsvc.settings import PROJECT

pytestmark = pytest.mark.xdist_group("docs")  # the code is read once a process

PACKAGE = PROJECT / "quizsvc"
DOCS = PROJECT / "docs"
DECISIONS = DOCS / "decisions"
PAGES = sorted(
    [
        *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *DOCS.rglob("*.md"),
        *(PROJECT / "deploy").glob("*.md"),
    ]
)
ROOTS = ("quizsvc", "tests", "docs", "deploy", "migrations", "question_banks", "requirements", "benchmarks")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.M)
_PUNCTUATION = re.compile(r"[^\w\- ]")
_MAKE = re.compile(r"(?:^|&& )make ([^\s=]+)(?=\s|$)")
_SETTINGS = re.compile(r"^(?:[A-Z_]+=\S* )+")
_END_OF_COMMAND = re.compile(r"\s(?:\||>|#)\s.*")


def name(file: Path) -> str:
    return str(file.relative_to(PROJECT))


@cache
def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def prose(file: Path) -> str:
    return _FENCE.sub("", text(file))


def shell_lines(file: Path) -> Iterator[str]:
    """The lines of shell blocks, continued lines joined."""
    for language, body in _FENCE.findall(text(file)):
        if language == "sh":
            yield from (line.strip() for line in body.replace("\\\n", " ").splitlines() if line.strip())


def spans(file: Path) -> list[str]:
    return _SPAN.findall(prose(file))


# --- the code as the glossary sees it


@pytest.fixture(scope="module", autouse=True)
def felled() -> Iterator[None]:
    """Let go of the trees: the collector of garbage would walk them during all tests that come after."""
    yield
    trees.cache_clear()


@cache
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(text(file)) for file in PACKAGE.rglob("*.py")}


@cache
def members() -> dict[str, set[str]]:
    """Class -> its fields, columns, enum members and methods; module or slice -> its functions and classes."""
    found: dict[str, set[str]] = {}
    for file, tree in trees().items():
        homes = {file.stem, file.parent.name}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                for home in homes:
                    found.setdefault(home, set()).add(node.name)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, set()).update(_inside(node))
    return found


def _inside(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            yield part.target.id
        elif isinstance(part, ast.Assign):
            yield from (target.id for target in part.targets if isinstance(target, ast.Name))
        elif isinstance(part, ast.FunctionDef):
            yield part.name


@cache
def plain_names() -> set[str]:
    """Classes, functions, parameters, and the slices themselves."""
    nodes = [node for tree in trees().values() for node in ast.walk(tree)]
    named = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return (
        named
        | {node.arg for node in nodes if isinstance(node, ast.arg)}
        | {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")}
    )


@cache
def written_values() -> set[str]:
    return {
        node.value
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def is_in_the_code(identifier: str) -> bool:
    identifier, _, value = identifier.partition(" = ")
    owner, _, member = identifier.rpartition(".")
    known = member in members().get(owner, ()) if owner else member in plain_names()
    return known and (not value or value in written_values())


def glossary_rows() -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| (.+?) \| (`.+?`) \| (.+?) \|$", text(DOCS / "GLOSSARY.md"), re.M)
    return [(chinese, identifiers, meaning) for chinese, identifiers, meaning in rows]


def test_every_row_of_the_glossary_has_three_cells() -> None:
    lines = [line for line in text(DOCS / "GLOSSARY.md").splitlines() if line.startswith("|")]
    tables = text(DOCS / "GLOSSARY.md").count("|---|---|---|")

    assert len(glossary_rows()) == len(lines) - 2 * tables > 100


def test_every_identifier_of_the_glossary_exists() -> None:
    named = [one for _, identifiers, _ in glossary_rows() for one in _SPAN.findall(identifiers)]

    assert [one for one in named if not is_in_the_code(one)] == []


def test_glossary_has_each_word_once() -> None:
    words = [chinese for chinese, _, _ in glossary_rows()]

    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize(
    "identifier",
    ["Nothing", "Round.nothing", "attempt.nothing", "Nothing.code", "Round.identity = nothing_of_the_kind"],
)
def test_identifier_that_is_not_there_is_noticed(identifier: str) -> None:
    assert not is_in_the_code(identifier)


# --- commands


def targets() -> set[str]:
    makefile = text(PROJECT / "Makefile")
    return set(re.findall(r"^([\w./-]+):(?!=)", makefile, re.M))


def test_every_make_target_exists() -> None:
    named = [
        (name(file), target)
        for file in PAGES
        for line in [*shell_lines(file), *spans(file)]
        for target in _MAKE.findall(line)
    ]

    assert len(named) > 10
    assert [one for one in named if one[1] not in targets()] == []


def commands(file: Path) -> Iterator[tuple[list[str], bool]]:
    """The arguments of each `quizsvc …`; whether it is a line to be typed as it stands."""
    for complete, lines in ((True, shell_lines(file)), (False, spans(file))):
        for part in (part for line in lines for part in line.split(" && ")):
            words = shlex.split(_SETTINGS.sub("", _END_OF_COMMAND.sub("", part)))
            if words and (words[0] == "quizsvc" or words[0].endswith("bin/quizsvc")):
                yield words[1:], complete


def fault(words: list[str], complete: bool) -> str:
    """Say what of a command line does not exist; "" when all of it does."""
    command: click.Command = main
    words = list(words)
    while isinstance(command, click.Group) and words:
        word = words.pop(0)
        if word not in command.commands:
            return f"no command {word}"
        command = command.commands[word]
    options = {flag: one for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    given, values = [], []
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            values.append(word)
        elif word not in options:
            return f"no option {word}"
        else:
            given.append(options[word])
            if isinstance(options[word], click.Option) and not options[word].is_flag and words:
                words.pop(0)
    if not complete or isinstance(command, click.Group):
        return ""
    missing = [one.name for one in command.params if one.required and one not in (*given, *arguments)]
    needed = sum(one.required for one in arguments)
    endless = any(one.nargs == -1 for one in arguments)
    if missing:
        return f"missing {missing}"
    return "" if needed <= len(values) and (endless or len(values) <= len(arguments)) else "arguments"


@pytest.mark.parametrize("file", [file for file in PAGES if any(commands(file))], ids=name)
def test_every_command_exists_with_its_options(file: Path) -> None:
    faults = {" ".join(words): fault(words, complete) for words, complete in commands(file)}

    assert {words: said for words, said in faults.items() if said} == {}


def test_commands_are_found_where_they_are_told() -> None:
    told = [words for words, _ in commands(PROJECT / "README.md") if words]

    assert {words[0] for words in told} == set(main.commands)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "no command nonsense"),
        ("bank nonsense", "no command nonsense"),
        ("bank import --nonsense", "no option --nonsense"),
        ("staff invite wang 王敏", "missing ['role']"),
        ("staff link", "arguments"),
        ("staff link wang li", "arguments"),
        ("staff link wang --dry-run", ""),
        ("bank check question_banks/secondary question_banks/primary", ""),
    ],
)
def test_command_that_does_not_exist_is_noticed(line: str, said: str) -> None:
    assert fault(line.split(), complete=True) == said


# --- files and headings


def slug(heading: str) -> str:
    return _PUNCTUATION.sub("", heading.replace("`", "").lower()).strip().replace(" ", "-")


def broken(file: Path) -> Iterator[str]:
    for link in (one or other for one, other in _LINK.findall(prose(file))):
        path, _, anchor = link.partition("#")
        if "://" in path:
            continue
        target = (file.parent / path).resolve() if path else file
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in {slug(heading) for heading in _HEADING.findall(prose(target))}:
            yield f"{link}: no such heading"


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_every_link_inside_resolves(file: Path) -> None:
    assert list(broken(file)) == []


def test_every_file_that_is_named_exists() -> None:
    paths = [
        (name(file), span)
        for file in PAGES
        for span in spans(file)
        if span.partition("/")[0] in ROOTS and "/" in span and not set(" <>*…{") & set(span)
    ]

    assert len(paths) > 50
    assert [(file, path) for file, path in paths if not (PROJECT / path.partition("#")[0]).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    reached = {
        (DOCS / (one or other).partition("#")[0]).resolve()
        for one, other in _LINK.findall(text(DOCS / "README.md"))
    }

    assert [
        name(file) for file in PAGES if file.resolve() not in reached and file != DOCS / "README.md"
    ] == []


# --- decisions

PARTS = ("**Context.** ", "**Decision.** ", "**Consequences.** ")


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(file.name[:4]) for file in DECISIONS.glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("file", sorted(DECISIONS.glob("[0-9]*.md")), ids=name)
def test_decision_is_one_page_with_context_decision_and_consequences(file: Path) -> None:
    title, *paragraphs = text(file).rstrip("\n").split("\n\n")

    assert re.fullmatch(r"[0-9]{4}(-[a-z0-9]+)+\.md", file.name)
    assert title.startswith(f"# {file.name[:4]} ")
    assert "\n" not in title
    assert [next((part for part in PARTS if one.startswith(part)), None) for one in paragraphs] == list(PARTS)
    assert len(text(file).splitlines()) <= 40
