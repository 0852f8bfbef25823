"""Masked names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.masking import masked_name

relaxed = settings(deadline=None, database=None)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("李明航", "李*航"),
        ("李明", "李*"),
        ("欧阳小明明", "欧*明"),
        ("李", "*"),
        ("", "*"),
        ("  ", "*"),
        (" 李明 ", "李*"),
        ("阿依古丽·买买提", "阿*提"),
        ("𠮷田明", "𠮷*明"),
    ],
)
def test_masked_name_keeps_the_ends_only(name: str, masked: str):
    assert masked_name(name) == masked


@relaxed
@given(st.text())
def test_masked_name_shows_at_most_two_characters_and_not_the_length(name: str):
    masked = masked_name(name)

    assert "*" in masked
    assert len(masked) <= 3
    assert masked != name.strip() or masked == "*" or "*" in name
