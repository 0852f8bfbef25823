"""Items of every sort for property tests: sound, and written in characters that file formats trip over."""

import unicodedata
from datetime import date

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from quizsvc.core import exchange
from quizsvc.core.bankfile import (
    AUDIENCES,
    CHANNEL_NAMES,
    DIFFICULTY_NAMES,
    KINDS,
    OPTION_COUNTS,
    Explanation,
    Item,
    Option,
    Scene,
    Vocabulary,
)

VOCABULARY = Vocabulary(
    topics={"brushing": "刷单返利", "police": "冒充公检法", "ai-fake": "AI 换脸与拟声"},
    beliefs={
        "first_payout_real": "第一笔到账了，后面就是真的",
        "small_try_ok": "“=100%”的回报: {保本} ~稳 #1，试 <一点> & 看看",
    },
)
DEFAULTS = exchange.Defaults(
    topic="police", audiences=("netizen",), difficulty=3, source="测试用的来源", day=date(2026, 12, 1)
)

PIECES = (
    *"=~#{}:\\\"'<>&%[]|*^_-/,;$@+`√×，。：【】《》 \t\u3000\u00a0\u2028 钱款諾A1",
    *(
        "\\n",
        "\\",
        "\\\\",
        "]]>",
        "]]",
        "<!--",
        "-->",
        "&amp;",
        "&#10;",
        "<b>粗</b>",
        "<br>",
        "<p",
        "{{",
        "}}",
    ),
    *("####", "->", "::", "//", "$CATEGORY:", "[html]", "~%50%", "=1+1", "%41", "'''", '"""', "\\u0041"),
    *(
        "答案：A",
        "A. ",
        "B、",
        "1. ",
        "骗术：",
        "应对：",
        "【问题】",
        "【短信】",
        "解析：",
        "_x0041_",
        "null",
        "对",
    ),
    *("😀", "👨‍👩‍👧", "🇨🇳", "𠮷", "転账", "e\u0301"),
)
"""What some format gives a meaning, and characters that are lost where text is cut or recoded."""


def texts(*, lines: bool = False, extra: str = "", longest: int = 8) -> SearchStrategy[str]:
    """Texts that are not blank and may begin or end with blanks; without invisible characters but `extra`."""
    pieces = [
        st.sampled_from((*PIECES, *extra, *("\n" * lines))),
        st.characters(
            codec="utf-8",
            exclude_categories=("Cc", "Cf", "Co", "Cs"),
            exclude_characters="\ufffd\ufffe\uffff",
        ),
        st.sampled_from(("验证码", "安全账户", "96110", "先垫付", "a", "0")),
    ]
    return st.lists(st.one_of(pieces), min_size=1, max_size=longest).map("".join).filter(str.strip)


def words() -> SearchStrategy[str]:
    """Slugs, as codes and twins are."""
    return st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True)


@st.composite
def scenes(draw: DrawFn, *, genuine: bool, extra: str = "") -> Scene:
    """A message; its tells are pieces of it."""
    text = draw(texts(lines=True, extra=extra, longest=12))
    tells = []
    for _ in range(0 if genuine else draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text) - 1))
        tells.append(text[start : draw(st.integers(start + 1, len(text)))])
    return Scene(
        channel=draw(st.sampled_from(tuple(CHANNEL_NAMES))),
        sender=draw(texts(extra=extra)),
        text=text,
        tells=tuple(tell for tell in tells if tell.strip()),
    )


@st.composite
def options(draw: DrawFn, kind: str, *, extra: str = "") -> tuple[Option, ...]:
    """As many as the kind allows, as many of them right as it wants; at most one stays last."""
    count = draw(st.integers(*OPTION_COUNTS[kind]))
    various = st.lists(texts(extra=extra), min_size=count, max_size=count, unique_by=_folded)
    written = draw(st.just(["对", "不对"]) | various if kind == "true_false" else various)
    keys = draw(st.integers(2, count)) if kind == "multiple_choice" else 1
    right = set(draw(st.permutations(range(count)))[:keys])
    pinned = draw(st.none() | st.integers(0, count - 1))
    beliefs = st.none() | st.sampled_from(tuple(VOCABULARY.beliefs))
    return tuple(
        Option(text, place in right, None if place in right else draw(beliefs), place == pinned)
        for place, text in enumerate(written)
    )


@st.composite
def _items(draw: DrawFn, extra: str) -> Item:
    kind = draw(st.sampled_from(KINDS))
    scene = draw(st.none() | st.booleans().flatmap(lambda genuine: scenes(genuine=genuine, extra=extra)))
    lines = st.just("") | texts(lines=True, extra=extra).map(str.strip).filter(bool)
    audiences = st.lists(st.sampled_from(AUDIENCES), min_size=1, max_size=3, unique=True)
    return Item(
        code=draw(words()),
        kind=kind,
        topic=draw(st.sampled_from(tuple(VOCABULARY.topics))),
        audiences=tuple(draw(audiences)),
        difficulty=draw(st.sampled_from(tuple(DIFFICULTY_NAMES))),
        stem=draw(texts(extra=extra)),
        options=draw(options(kind, extra=extra)),
        explanation=Explanation(
            draw(lines), draw(texts(lines=True, extra=extra).map(str.strip).filter(bool)), draw(lines)
        ),
        source=draw(texts(extra=extra)),
        reviewed_on=draw(st.dates(date(2000, 1, 1), date(2100, 1, 1))),
        scene=scene,
        genuine=scene is not None and not scene.tells and draw(st.booleans()),
        twin=draw(st.none() | words()),
        region=draw(st.none() | texts(extra=extra)),
        valid_until=draw(st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1))),
    )


def items(*, extra: str = "") -> SearchStrategy[Item]:
    """Items without a fault that stops a bank, all of which exchange can write and take back."""
    return _items(extra).filter(lambda item: not exchange.losses(item))


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
