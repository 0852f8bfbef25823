"""What others would try early is refused; long words of one's own are not."""

import pytest

from quizsvc.core.password import TooEasy, check_password, normalised

OWN = ("lin.703", "林晓东老师")


@pytest.mark.parametrize(
    "password",
    [
        "青山绿水小船晚霞四个词",
        "青山 绿水 小船 晚霞",
        "correct horse battery",
        "zhangwei and the red bike",
        "Jx7-ukTm2w",
        "password of lanes",
        "x" * 3 + "rain on tin roofs",
        "é" * 3 + "wzq8 tbn5 " + "y" * 115,
    ],
)
def test_password_of_ones_own_is_taken(password: str) -> None:
    check_password(password, OWN)


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "至少要 10 个字符"),
        ("Jx7-ukTm2", "至少要 10 个字符"),
        ("x" * 129, "最多 128 个字符"),
        ("8305917264", "不要只用数字"),
        ("13912345678", "不要只用数字"),
        ("１３９１２３４５６７８", "不要只用数字"),
    ],
)
def test_shape_is_said_first(password: str, sentence: str) -> None:
    with pytest.raises(TooEasy, match=sentence):
        check_password(password, OWN)


@pytest.mark.parametrize(
    "password",
    [
        "123456789a", "a123456789", "woaini1314", "woaini5201314", "WoAiNi1314!", "1qaz2wsx3edc",
        "qwertyuiop", "qwertyuiop12", "poiuytrewq", "asdfghjkl;", "1q2w3e4r5t6y", "abcdefghij",
        "abc123456!", "admin@123456", "Passw0rd!!", "P@ssw0rd2026", "password20261201", "laoshi2025ab",
        "quizsvc2026", "fanzha96110", "aaaaaaaaaaaa", "xkxkxkxkxkxk", "j7kqj7kqj7kq", "aaaabbbbcccc",
        "147258369a", "lin.703lin.703", "LIN.703-2026", "林晓东老师林晓东老师", "林晓东老师20261201",
        "ｗｏａｉｎｉ１３１４",
    ],
)  # fmt: skip
def test_what_others_try_early_is_refused(password: str) -> None:
    with pytest.raises(TooEasy, match="太容易被猜到"):
        check_password(password, OWN)


def test_known_pieces_with_three_other_characters_are_taken() -> None:
    check_password("woaini1314xqz", OWN)


def test_a_login_of_one_character_is_no_piece() -> None:
    check_password("xaxbxdxgxk", ("x",))


def test_full_width_characters_are_brought_to_ordinary_ones() -> None:
    assert normalised("Ａｂｃ　１２３") == "Abc 123"
