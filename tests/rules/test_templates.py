"""Every template parses, leads to pages that exist, and carries no inline script or style."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from quizsvc.settings import PROJECT
from tests.support import sqlite_only

PACKAGE = PROJECT / "quizsvc"
TEMPLATES = sorted(PACKAGE.rglob("templates/**/*.html"))
CODE = sorted(file for file in PACKAGE.rglob("*.py"))
_ENDPOINT = re.compile(r"""url_for\(\s*["']([\w.]+)["']""")
BLUEPRINTS = {
    "attempt": ("attempt", "seat"),
    "contest": ("contest", "review"),
    "declaration": ("declaration", "declarations"),
    "paper": ("paper", "sheets"),
    "prize": ("prize", "prizes"),
    "rulebook": ("rulebook", "rules_desk"),
    "survey": ("survey", "surveys"),
}  # a slice with more than the one named like it
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)
_COMMENT = re.compile(r"\{#.*?#\}", re.S)


def source(file: Path) -> str:
    return _COMMENT.sub("", file.read_text())


def slice_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0]


def candidates(file: Path, endpoint: str) -> set[str]:
    """What an endpoint may mean in a file: `.board` is the blueprint's own."""
    if not endpoint.startswith("."):
        return {endpoint}
    slice_ = slice_of(file)
    return {f"{blueprint}{endpoint}" for blueprint in BLUEPRINTS.get(slice_, (slice_,))}


@sqlite_only
def test_every_template_parses_with_known_filters(app: Flask) -> None:
    names = [name for name in app.jinja_env.list_templates() if name.endswith(".html")]

    assert len(names) == len(TEMPLATES)
    for name in names:
        app.jinja_env.get_template(name)


@sqlite_only
@pytest.mark.parametrize("files", [TEMPLATES, CODE], ids=["templates", "code"])
def test_every_link_leads_to_an_endpoint(app: Flask, files: list[Path]) -> None:
    links = [(file, endpoint) for file in files for endpoint in _ENDPOINT.findall(source(file))]

    dead = [
        (str(file.relative_to(PACKAGE)), endpoint)
        for file, endpoint in links
        if not candidates(file, endpoint) & app.view_functions.keys()
    ]
    assert len(links) > 5
    assert dead == []


def holding(pattern: str, text_of: Callable[[Path], str]) -> list[str]:
    found = re.compile(pattern, re.I)
    return [str(file.relative_to(PACKAGE)) for file in TEMPLATES if found.search(text_of(file))]


def markup(file: Path) -> str:
    """The page without what Jinja fills in."""
    return _JINJA.sub("", source(file))


@pytest.mark.parametrize(
    "pattern",
    [
        r"<style\b",
        r"\sstyle\s*=",
        r"<script\b(?![^>]*\bsrc=)",
        r"\son[a-z]+\s*=",
        r"javascript:",
        r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//",
    ],
)
def test_no_template_holds_inline_code_or_another_site(pattern: str) -> None:
    assert holding(pattern, markup) == []


@pytest.mark.parametrize("pattern", [r"\|\s*safe\b", r"autoescape", r"Markup"])
def test_no_template_switches_escaping_off(pattern: str) -> None:
    assert holding(pattern, source) == []


def test_every_form_that_posts_carries_the_token() -> None:
    """Pupils' forms carry none: they use no right of a cookie (docs/decisions/0003)."""
    bare = {
        file.relative_to(PACKAGE).parts[-2:]
        for file in TEMPLATES
        for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", source(file), re.S | re.I)
        if not re.search(r"token\b|hidden_tag", form)
    }

    assert {folder for folder, _ in bare} == {
        "attempt",
        "declaration",
        "rights",
        "contest",
        "prize",
        "survey",
    }
    assert {("attempt", "seat.html"), ("rights", "requests.html")} & bare == set()


def test_no_field_asks_for_what_swindlers_ask_for() -> None:
    """But for the telephone of a winner, on the page where a prize is claimed."""
    asked = re.compile(r"<input[^>]*name=[\"'](?:id_?card|bank|card|sms|otp|phone|mobile|pin)", re.I)
    found = {str(file.relative_to(PACKAGE)): asked.findall(source(file)) for file in TEMPLATES}

    assert [file for file, fields in found.items() if fields] == ["prize/templates/prize/prize.html"]
    assert found["prize/templates/prize/prize.html"] == [
        '<input class="txt n" id="phone{{ row.id }}" name="phone'
    ]
