"""Mobile numbers as they are typed and as others see them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core.telephone import MistypedNumber, masked, mobile

relaxed = settings(deadline=None, database=None)
numbers = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        " 138 0013 8000 ",
        "138-0013-8000",
        "+86 138 0013 8000",
        "+86-13800138000",
        "0086 13800138000",
        "8613800138000",
        "１３８００１３８０００",
        "(138) 0013.8000",
    ],
)
def test_number_is_read_however_it_is_typed(typed: str):
    assert mobile(typed) == "13800138000"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380013800",
        "138001380000",
        "12800138000",
        "03800138000",
        "+85213800138000",
        "010-12345678",
        "13800138000a",
        "1380013800O",
        "٣٨٠٠١٣٨٠٠٠١",
        "13800138000" + " " * 40,
        "1" * 1000,
    ],
)
def test_anything_else_is_refused(typed: str):
    with pytest.raises(MistypedNumber, match="11 位"):
        mobile(typed)


@relaxed
@given(numbers)
def test_masked_number_hides_the_four_in_the_middle(number: str):
    shown = masked(mobile(number))

    assert (shown[:3], shown[3:7], shown[7:]) == (number[:3], "****", number[7:])
