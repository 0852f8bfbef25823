"""No cell of an exported table starts a formula, and no text is lost."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quizsvc.core.cells import DANGEROUS, guarded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("七年级（3）班", "七年级（3）班"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
        (" ", " "),
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@cmd", "'@cmd"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠x", "'＠x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\nx", "'\nx"),
        ("\0x", "'\0x"),
        ("  =1", "'  =1"),
        ("\u3000=1", "'\u3000=1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b\u00a0=1", "'\u200b\u00a0=1"),
        (" \t", "' \t"),
    ],
)
def test_cell(text: str, expected: str) -> None:
    assert guarded(text) == expected


def first_visible(text: str) -> str:
    seen = (
        character
        for character in text
        if character in DANGEROUS or not (character.isspace() or unicodedata.category(character) == "Cf")
    )
    return next(seen, "")


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n\0＝＋－＠ \u3000\ufeff\u200b'a1中"), max_size=8))
@example("\ufeff \t=")
def test_no_cell_starts_a_formula_and_nothing_is_lost(text: str) -> None:
    cell = guarded(text)

    assert first_visible(cell) not in DANGEROUS
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert guarded(cell) == cell
