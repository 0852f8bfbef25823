"""What a phone has to load, and whether an old one understands it: no browser needed."""

import gzip
import re
from typing import Any

import pytest

from quizsvc.core import bankfile
from quizsvc.web.assets import ASSETS
from tests import make
from tests.attempt.conftest import CODE, Pupil
from tests.browser.conftest import real_bank

FIRST_WINDOW = 14 * 1024  # what a server may send before the phone has answered once
SHEETS = ("tokens.css", "quiz.css")
SCRIPT = ASSETS["quiz.js"].body

# Newer than Chromium 66 and iOS 12: a browser that does not know them drops the rule, or stops at the script.
NEW_SYNTAX = {
    "arrow": r"=>",
    "let": r"\blet\s",
    "const": r"\bconst\s",
    "class": r"\bclass\s",
    "async": r"\b(?:async|await)\s",
    "of": r"\bfor\s*\([^)]*\sof\s",
    "template": r"`",
    "optional": r"\?\.",
    "nullish": r"\?\?",
    "spread": r"\.\.\.",
}
NEW_STYLE = {
    "inset": r"[;{]\s*inset(?:-\w+)*\s*:",
    "aspect-ratio": r"aspect-ratio\s*:",
    "comparison": r"(?<![\w-])(?:clamp|min|max)\(",
    "selector": r":(?:is|where|has|focus-within)\(",
    "viewport": r"\d[dsl]v[hw]\b",
    "layer": r"@(?:layer|container|property|import)",
    "nesting": r"&",
    "colour": r"(?:color-mix|oklch|light-dark)\(",
    "media range": r"\(\s*(?:width|height)\s*[<>]",
}


def packed(body: bytes) -> int:
    return len(gzip.compress(body, 6, mtime=0))


def css() -> str:
    return "".join(ASSETS[name].body.decode() for name in SHEETS)


def bare(script: str) -> str:
    """The script without comments, texts and patterns."""
    return re.sub(
        r"/\*.*?\*/|//[^\n]*|'(?:[^'\\\n]|\\.)*'|/(?:[^/\\\n ]|\\.)+/(?=[.,;)])", "''", script, flags=re.S
    )


def newer(text: str, features: dict[str, str]) -> list[str]:
    return [name for name, pattern in features.items() if re.search(pattern, text)]


def rules() -> list[str]:
    """Every block of declarations."""
    return re.findall(r"\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css(), flags=re.S))


def weight_of(item: bankfile.Item) -> int:
    texts = [item.stem, item.scene.text if item.scene else "", *(option.text for option in item.options)]
    return len("".join(texts).encode())


@pytest.fixture
def heaviest(app: Any, at: Any) -> Any:
    """A class of fifty behind a paper of the ten longest items of the bank."""
    lightest_first = sorted(real_bank(), key=weight_of)
    of_each_trick = {item.twin or item.code: item for item in lightest_first}  # no paper has two twins
    items = sorted(of_each_trick.values(), key=weight_of)[-10:]
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=50)
    round_ = make.a_round(unit, paper=make.a_paper(pool=items), limit_s=1200)
    make.a_link(round_, unit, code=CODE)
    return app


def test_landing_of_a_class_is_ten_kilobytes_at_most(app: Any, at: Any) -> None:
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=45)
    make.a_link(make.a_round(unit), unit, code=CODE)

    page = app.test_client().get(f"/c/{CODE}").get_data()

    assert page.count(b'name="seat"') == 45
    assert packed(page) + sum(packed(ASSETS[name].body) for name in SHEETS) <= 10 * 1024


def test_questions_arrive_in_the_first_window(heaviest: Any) -> None:
    fixed = sum(packed(ASSETS[name].body) for name in (*SHEETS, "quiz.js"))
    sizes = []
    for seat in range(1, 51):
        pupil = Pupil(heaviest.test_client(), seat)
        pupil.start()
        page = pupil.phone.get(f"/a/{pupil.attempt_id}").get_data()
        assert page.count(b"<fieldset") == 10
        sizes.append(packed(page) + fixed)

    assert len(sizes) == 50
    assert max(sizes) <= FIRST_WINDOW


def test_script_is_small() -> None:
    assert packed(SCRIPT) <= 3.3 * 1024


def test_script_is_understood_by_old_phones() -> None:
    assert newer(bare(SCRIPT.decode()), NEW_SYNTAX) == []


@pytest.mark.parametrize(
    ("script", "feature"),
    [
        ("x = a => a;", "arrow"),
        ("let x = 1;", "let"),
        ("const x = 1;", "const"),
        ("x = `a`;", "template"),
        ("x = a?.b;", "optional"),
        ("x = a ?? b;", "nullish"),
        ("f(...a);", "spread"),
        ("for (var a of b) {}", "of"),
        ("async function f() {}", "async"),
    ],
)
def test_newer_script_would_be_noticed(script: str, feature: str) -> None:
    assert newer(bare(script), NEW_SYNTAX) == [feature]


def test_text_that_looks_like_newer_script_is_not() -> None:
    assert (
        bare("a = 'let it be => ...'; /* const */ b = /^=>?$/.exec(c); // `")
        == "a = ''; '' b = ''.exec(c); ''"
    )


def test_style_is_understood_by_old_phones() -> None:
    assert newer(css(), NEW_STYLE) == []
    assert [rule for rule in rules() if re.search(r"(?<![\w-])gap:", rule) and "grid-gap:" not in rule] == []
    assert [
        rule
        for rule in rules()
        if "env(" in rule and not re.search(r"padding:[^;]*;padding-bottom:calc", rule)
    ] == []


@pytest.mark.parametrize(
    ("style", "feature"),
    [
        ("a{color:red;inset:0}", "inset"),
        ("a{aspect-ratio:1}", "aspect-ratio"),
        ("a{width:min(1px,2px)}", "comparison"),
        ("a:is(b){}", "selector"),
        ("a{height:100dvh}", "viewport"),
        ("@layer a{}", "layer"),
        ("a{&:hover{}}", "nesting"),
    ],
)
def test_newer_style_would_be_noticed(style: str, feature: str) -> None:
    assert newer(style, NEW_STYLE) == [feature]


def tokens(scheme: str) -> dict[str, str]:
    """The colours of one scheme; dark overrides light."""
    light, _, dark = ASSETS["tokens.css"].body.decode().partition("@media (prefers-color-scheme:dark)")
    found = dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})\b", light))
    if scheme == "dark":
        found.update(re.findall(r"--(\w+):(#[0-9a-f]{3,6})\b", dark[: dark.index("}}")]))
    return found


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_the_guidelines_say() -> None:
    assert round(contrast("#000", "#ffffff"), 2) == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


GROUNDS = ("paper", "card", "sunk")
TEXTS = {
    "ink": (*GROUNDS, "acct", "okt", "badt", "gapt"),
    "ink2": (*GROUNDS, "acct"),
    "ink3": GROUNDS,
    "acc": ("paper", "card", "acct"),
    "ok": ("paper", "card", "okt"),
    "bad": ("paper", "card", "badt"),
    "gapi": ("paper", "card", "gapt"),
    "on": ("acc", "accd", "ok", "bad"),
}
EDGES = {
    "edge": ("paper", "card"),
    "acc": ("paper", "card", "acct"),
    "ok": ("card", "okt"),
    "bad": ("card", "badt"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (EDGES, 3)], ids=["texts", "edges"])
def test_colours_can_be_told_apart(scheme: str, pairs: dict[str, tuple[str, ...]], least: float) -> None:
    colour = tokens(scheme)
    ratios = {
        f"{one} on {ground}": contrast(colour[one], colour[ground]) for one in pairs for ground in pairs[one]
    }

    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < least} == {}


@pytest.mark.parametrize("ground", ["card", "paper"])
def test_marked_words_can_be_read_in_both_schemes(ground: str) -> None:
    assert contrast(tokens("light")["ink"], tokens("light")["gap"]) >= 4.5
    assert contrast(tokens("dark")["gapi"], tokens("dark")[ground]) >= 4.5
