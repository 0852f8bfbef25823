"""No page of a pupil asks for what swindlers ask for: money, cards, numbers, codes, telephones, names. T31."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.settings import PROJECT
from quizsvc.web.guard import PUBLIC
from tests.world import PHONE, Ledger, World, address, routes

PACKAGE = PROJECT / "quizsvc"
ASKED = {
    ("hidden", "n"), ("radio", "q"), ("checkbox", "q"),  # answers and their sequence
    ("hidden", "seat"), ("button", "seat"), ("hidden", "s"), ("hidden", "step"), ("button", "step"),
    ("text", "code"),  # of the poster
    ("text", "entry"),  # one's number in the published list of a draw
    ("text", "resume"), ("hidden", "resume"),  # of the attempt
    ("text", "nickname"), ("select", ""), ("radio", "role"), ("hidden", "item"),  # of a contest, and where one plays
    ("text", "claim_code"),  # of a prize, for who lost the phone that won it
    ("text", "seat"), ("radio", "yes"), ("checkbox", "helped"), ("hidden", "strokes"), ("hidden", "by"),  # signed
    ("hidden", "shown"), ("textarea", "q"), ("text", "q"),  # of a survey
    ("hidden", "kind"), ("radio", "reason"), ("text", "note"),  # what is to be corrected or deleted of one's own data
}  # fmt: skip
"""Everything a pupil's page may ask, by kind and name; a number at the end of a name is a position."""

FORBIDDEN = re.compile(
    r"身份证|银行卡|卡号|支付|转账|付款|充值|手机号|电话号码|验证码|姓名|家庭住址|住址|密码|微信|QQ|邮箱|人脸|生日"
    r"|\b(?:id_?card|bank|card|cvv|pay|money|amount|sms|otp|captcha|phone|mobile|tel|pin|password|passwd|name|email|address|wechat|birth)",
    re.I,
)
TYPES = {"password", "tel", "email", "file", "number", "date", "url"}


class Questions(HTMLParser):
    """Lists what a page asks: every field with its kind, name and the words beside it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str, str]] = []
        self.labels: dict[str, str] = {}
        self._label: str | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "label":
            self._label = given.get("for", "")
            self.labels.setdefault(self._label, "")
        if tag in ("input", "select", "textarea") or (tag == "button" and "name" in given):
            kind = given.get("type", "text") if tag == "input" else tag
            words = " ".join(
                given.get(one, "")
                for one in ("placeholder", "aria-label", "title", "autocomplete", "inputmode")
            )
            self.fields.append((kind, given.get("name", ""), f"{words} #{given.get('id', '')}"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._label = None

    def handle_data(self, data: str) -> None:
        if self._label is not None:
            self.labels[self._label] += data


def faults(page: str) -> list[str]:
    """Say what a page asks that it must not."""
    read, found = Questions(page), []
    for kind, name, words in read.fields:
        label = read.labels.get(words.rpartition("#")[2], "")
        plain = re.sub(r"\d+$", "", name)
        if (kind, plain) not in ASKED and not (kind == "button" and not name):
            found.append(f"{kind} {name}")
        if kind in TYPES:
            found.append(f"type {kind}")
        if kind not in ("radio", "checkbox") and FORBIDDEN.search(f"{plain} {words} {label}"):
            found.append(f"{name}: {label or words}")
    return found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_of_a_pupil_asks_a_forbidden_question(app: Flask, world: World, ledger: Ledger) -> None:
    pages, asked = {}, 0
    for rule, method in routes(app):
        public = app.view_functions[rule.endpoint].access == PUBLIC  # type: ignore[attr-defined]
        if not public or rule.rule.startswith("/staff") or rule.rule.endswith(".png"):
            continue
        form = {"seat": "2", "resume": "0" * 8, "step": "0"} if method == "POST" else None
        answer: Any = app.test_client(use_cookies=False).open(
            address(rule, world.places["own"]), method=method, data=form, headers={"Cookie": f"phone={PHONE}"}
        )
        if answer.mimetype == "text/html":
            pages[f"{method} {rule.rule}"] = faults(answer.text)
            asked += len(Questions(answer.text).fields)

    assert pages.pop("GET /v/<number>/print") == [
        "text ",
        ": 姓名",
    ]  # no name, no form: it is printed, never sent
    for method in (
        "GET",
        "POST",
    ):  # whoever signs a notice or a pledge writes a name under it, and nothing else
        assert pages.pop(f"{method} /c/<code>/declare") == ["text name", "name: 家长姓名"]
    assert {name: found for name, found in pages.items() if found} == {}
    assert len(pages) > 15
    assert asked > 20


def test_no_template_of_a_pupil_has_another_field() -> None:
    """Also in branches that no page above has taken."""
    folders = [PACKAGE / "attempt" / "templates", PACKAGE / "rights" / "templates"]
    found: dict[str, list[str]] = {}
    for file in (one for folder in folders for one in folder.rglob("*.html") if is_a_pupils(one)):
        source = re.sub(
            r"\{[{%#].*?[}%#]\}",
            lambda tag: "1" if tag[0].startswith("{{ position") else "",
            file.read_text(),
        )
        bad = [one for one in faults(source) if not one.startswith((" ", "hidden n", "hidden q", " q"))]
        if bad:
            found[file.name] = bad

    assert found == {}


def test_winners_alone_are_asked_who_they_are_and_nothing_else() -> None:
    """A telephone and names, where a prize is claimed; no code is ever sent to that telephone."""
    page = PACKAGE / "prize" / "templates" / "prize" / "prize.html"
    source = re.sub(r"\{[{%#].*?[}%#]\}", "", page.read_text())
    fields = {
        (kind, name) for kind, name, _ in Questions(source).fields if (kind, name) not in ASKED and name
    }

    assert fields == {
        ("hidden", "claim_code"), ("hidden", "title"),
        ("text", "phone"), ("text", "name"), ("text", "guardian"),
    }  # fmt: skip
    assert "不会发验证码" in page.read_text()


def is_a_pupils(file: Path) -> bool:
    return "base_staff" not in file.read_text()


@pytest.mark.parametrize(
    "field",
    [
        '<input name="phone" type="tel">',
        '<input name="idcard">',
        '<label for="x">验证码</label><input id="x" name="code">',
        '<input name="code" placeholder="银行卡号">',
        '<input type="password" name="resume">',
        "<textarea name=note></textarea>",
        '<input name="name">',
        '<input name="code" autocomplete="tel">',
        '<select name="bank"></select>',
        '<input type="file" name="face">',
    ],
)
def test_forbidden_question_is_found(field: str) -> None:
    assert faults(f"<form>{field}</form>") != []
    assert faults('<label for="code">海报网址的最后 7 位</label><input id="code" name="code">') == []
