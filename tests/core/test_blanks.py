"""What of a template is still to be filled in."""

import pytest

from quizsvc.core.blanks import blanks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("【短信】您的验证码", ()),
        ("阳光县实验中学", ()),
        ("【请填：学校全称】", ("学校全称",)),
        ("【请填:学校】、【 请填 公众号 】、【请填：学校】", ("学校", "公众号")),
        ("【请填】", ("",)),
        ("请填：学校", ()),
    ],
)
def test_blanks_are_found_in_order_and_once(text: str, found: tuple[str, ...]) -> None:
    assert blanks(text) == found
