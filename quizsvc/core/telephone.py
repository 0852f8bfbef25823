"""Mobile numbers of mainland China as people type them, and as others may see them."""

import re
import unicodedata
from typing import Final

from quizsvc.core.refusal import Refusal

_LONGEST_TYPED: Final = 40
_BETWEEN: Final = re.compile(r"[\s()（）\-–—·.]")
_MOBILE: Final = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})", re.ASCII)


class MistypedNumber(Refusal):
    """A text that is no mobile number of the mainland."""

    def __init__(self) -> None:
        """Refuse with 400."""
        super().__init__("手机号不对：要 11 位，1 开头。请对着看一遍再填。")


def mobile(text: str) -> str:
    """Read a mobile number as a person typed it.

    text: anything; spaces, hyphens, full-width digits and a leading +86, 0086 or 86 are fine
    return: 11 digits
    raise MistypedNumber: it is no mobile number of the mainland
    Source: numbering plan of the mainland: 1, then 3 to 9, then nine digits

    >>> mobile("+86 138-0013 8000")
    '13800138000'
    """
    if len(text) > _LONGEST_TYPED:
        raise MistypedNumber
    found = _MOBILE.fullmatch(_BETWEEN.sub("", unicodedata.normalize("NFKC", text)))
    if found is None:
        raise MistypedNumber
    return found[1]


def masked(number: str) -> str:
    """Hide the middle of a mobile number.

    number: of `mobile`
    return: the first three and the last four digits, four stars between
    Source: domain.md 4.2

    >>> masked("13800131234")
    '138****1234'
    """
    return f"{number[:3]}****{number[-4:]}"
