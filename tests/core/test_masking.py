"""Masked names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.masking import family_name, masked_name, masked_nickname, masked_winner

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


@pytest.mark.parametrize(
    ("nickname", "masked"), [("青禾同学", "青**"), (" 山 ", "山**"), ("", "**"), ("𠮷", "𠮷**")]
)
def test_masked_nickname_keeps_its_first_character_and_not_its_length(nickname: str, masked: str):
    assert masked_nickname(nickname) == masked


@pytest.mark.parametrize(
    ("name", "family"),
    [("李明航", "李"), ("欧阳小明", "欧阳"), ("欧阳", "欧"), (" 司马光 ", "司马"), ("", "")],
)
def test_family_name_is_the_first_character_or_a_well_known_pair(name: str, family: str):
    assert family_name(name) == family


def test_winner_is_shown_by_ends_and_of_a_contest_for_minors_by_family_name_alone():
    assert masked_winner("欧阳小明", "13800131234", minors=False) == "欧*明 138****1234"
    assert masked_winner("欧阳小明", "13800131234", minors=True) == "欧阳同学"
