"""Names and strokes: what is taken, and what no page of ours sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import signature
from quizsvc.core.signature import BadName, BadStrokes


@pytest.mark.parametrize(
    "name", ["王秀英", "欧阳 明", "买买提·艾力", "O'Brien", "Anne-Marie", "张三丰", "ངག་དབང"]
)
def test_names_of_people_are_taken_as_they_are(name: str) -> None:
    assert signature.read_name(f" {name}　") == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "请打上姓名"),
        ("　\t", "请打上姓名"),
        ("王1", "不要写数字"),
        ("王①英", "不要写数字"),
        ("13800138000", "不要写数字"),
        ("王", "2 到 20 个字"),
        ("王" * 21, "2 到 20 个字"),
        ("王<b>英", "2 到 20 个字"),
        ("王\u202e英", "2 到 20 个字"),
        ("··", "2 到 20 个字"),
    ],
)
def test_what_is_no_name_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadName) as refused:
        signature.read_name(name)
    assert said in refused.value.text


@pytest.mark.parametrize("path", ["", "M0 0L300 100", "M1 2L3 4L5 6M7 8L9 9"])
def test_strokes_in_the_box_are_taken(path: str) -> None:
    assert signature.read_strokes(path) == path


@pytest.mark.parametrize(
    "path",
    ["M1 2", "L1 2", "M1 2L301 5", "M1 2L3 101", "M1,2L3,4", "m1 2l3 4", "M1 2L3 4z", "M1 2L3 4 ", "M1 2L-3 4",
     "M1 2C1 1 2 2 3 3", "M1 2L3 4\n", "M１ 2L3 4", "M1.5 2L3 4", '"><script>', "M1 2" + "L1 2" * 2050],
)  # fmt: skip
def test_other_strokes_are_refused(path: str) -> None:
    with pytest.raises(BadStrokes):
        signature.read_strokes(path)


@given(st.text(alphabet='ML0123456789 .-,zC"<', max_size=40))
def test_what_passes_holds_nothing_but_moves_lines_and_numbers(path: str) -> None:
    try:
        read = signature.read_strokes(path)
    except BadStrokes:
        return
    assert set(read) <= set("ML0123456789 ")
