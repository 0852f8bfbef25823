"""Cells of exported tables: no text may start a formula in a spreadsheet program."""

import unicodedata

DANGEROUS = frozenset("=+-@\t\r\n\0＝＋－＠")


def guarded(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would read as a formula.

    text: one cell or header, any length.
    return: the same text, or "'" + text when its first character that is neither a space nor an invisible
    format character is dangerous; nothing is removed.
    Source: reliability.md T17.

    >>> guarded("=1+1"), guarded("七（3）班"), guarded(" @x")
    ("'=1+1", '七（3）班', "' @x")
    """
    for character in text:
        if character in DANGEROUS:
            return f"'{text}"
        if not character.isspace() and unicodedata.category(character) != "Cf":
            return text
    return text
