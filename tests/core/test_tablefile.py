"""Tables written by hand: their values, their lines, and sentences about them."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import tablefile
from tests.patience import in_time

TOML = '''# a comment
title = "x"

[[item]]
code = "a"
a.b.c = 1
text = """
[[item]]
code = "not a key"
"""

[item.scene]
channel = "sms"

[[item.options]]
text = "one"

[[item.options]]
"text" = "two"
list = [
  { text = "inline" },
]

[[item]]  # the second
code = "b"
note = \'\'\'one line\'\'\'
[[item.options]]
text = "three"
'''


def test_toml_places_find_headers_keys_and_list_entries() -> None:
    lines = tablefile.read(TOML.encode(), form="toml").places

    assert {path: lines[path] for path in lines if path[0] == "item"} == {
        ("item",): 4,
        ("item", 0): 4,
        ("item", 0, "code"): 5,
        ("item", 0, "a"): 6,
        ("item", 0, "a", "b"): 6,
        ("item", 0, "a", "b", "c"): 6,
        ("item", 0, "text"): 7,
        ("item", 0, "scene"): 12,
        ("item", 0, "scene", "channel"): 13,
        ("item", 0, "options"): 15,
        ("item", 0, "options", 0): 15,
        ("item", 0, "options", 0, "text"): 16,
        ("item", 0, "options", 1): 18,
        ("item", 0, "options", 1, "text"): 19,
        ("item", 0, "options", 1, "list"): 20,
        ("item", 1): 24,
        ("item", 1, "code"): 25,
        ("item", 1, "note"): 26,
        ("item", 1, "options"): 27,
        ("item", 1, "options", 0): 27,
        ("item", 1, "options", 0, "text"): 28,
    }


LONG, RAW = '"' * 3, "'" * 3


@pytest.mark.parametrize(
    "value",
    [
        f'"x{RAW}y"',
        f"'x{LONG}y'",
        rf'"\"{RAW}"',
        '"#"',
        f"1  # {RAW}",
        f"[  # one {LONG}\n]",
        "[\n['a'],\n['b']\n]",
        "[\n'['\n]",
        f'{LONG}\n[table]\nb = 1\n\\{LONG}{RAW} \\\n""{LONG}',
        f"{RAW}\n[table]\nb = 1\n\\{RAW}''",
        f"[{LONG}\nb = 1\n{LONG}, {RAW}\nb = 2\n{RAW}]",
        f"{LONG}{LONG}",
        f"{RAW}\n# {LONG}\n{RAW}",
        f"{LONG}\n# {RAW}\n{LONG}",
    ],
)
def test_what_follows_a_value_is_found_whatever_the_value_says(value: str) -> None:
    lines = tablefile.read(f"a = {value}\nb = 3\n[table]\nc = 4\n".encode(), form="toml").places

    last = 2 + value.count("\n")
    assert lines == {("a",): 1, ("b",): last, ("table",): last + 1, ("table", "c"): last + 2}


def quoted(text: str, mark: str) -> str:
    """The text as TOML writes it between such marks; what cannot stand there is left out."""
    if mark[0] == "'":
        kept = text.replace("'", "")
        return mark + (kept if mark == RAW else kept.replace("\n", "")) + mark
    if mark == LONG:
        return mark + text.replace("\\", r"\\").replace('"', r"\"") + mark
    return json.dumps(text)


@given(
    st.lists(
        st.tuples(st.text("a=[]{}#'\"\\\n "), st.sampled_from(["'", '"', RAW, LONG])), min_size=1, max_size=6
    ),
    st.booleans(),
)
def test_every_key_is_found_on_its_line(texts: list[tuple[str, str]], listed: bool) -> None:
    written = ""
    expected: dict[tuple[str | int, ...], int] = {}
    for number, (text, mark) in enumerate(texts):
        expected[f"k{number}",] = written.count("\n") + 1
        value = quoted(text, mark)
        written += f"k{number} = " + (f"[\n{value},\n[{value}]\n]\n" if listed else f"{value}  # '\n")

    assert tablefile.read(written.encode(), form="toml").places == expected


@pytest.mark.parametrize("text", ["{} = 1", "[{}]\nb = 1\nc = 1", "[[{}]]\nb = 1\n[[{}]]"])
def test_places_of_names_deeper_than_any_table_of_ours_are_those_around_them(text: str) -> None:
    name = ".".join(["a"] * 100)
    table = tablefile.read(text.replace("{}", name).encode(), form="toml")

    assert set(table.places) == {("a",) * depth for depth in range(1, tablefile.DEEPEST + 1)}
    assert table.line(("a",) * 100) == 1


@pytest.mark.parametrize("text", ["{} = 1", "[{}]", "[[{}]]\n[[{}]]", "[{}]\n" + "b = 1\n" * 9999])
def test_places_of_long_names_take_time_in_proportion(text: str) -> None:
    long = text.replace("{}", ".".join(["a"] * 100_000))
    started = time.process_time()

    assert tablefile.toml_places(long)["a",] == 1
    assert in_time(time.process_time() - started, 2)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("item", 0, "options", 1, "list", 0, "text"), 20),
        (("item", 0, "options", 1, "key"), 18),
        (("item", 1, "explanation", "trick"), 24),
        (("item", 7), 4),
        (("nothing",), 1),
        ((), 1),
    ],
)
def test_line_of_a_value_without_its_own_is_that_of_the_table_around_it(
    path: tuple[str | int, ...], line: int
) -> None:
    assert tablefile.read(TOML.encode(), form="toml").line(path) == line


def paths_of(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: list[tuple[str | int, ...]] = []
    if isinstance(value, dict):
        inner = [deep for name, one in value.items() for deep in paths_of(one, (*path, name))]
    if isinstance(value, list):
        inner = [deep for index, one in enumerate(value) for deep in paths_of(one, (*path, index))]
    return [path, *inner]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=4), st.sampled_from([None, 0, 2]))
def test_json_places_know_every_value_and_only_those(table: dict[str, object], indent: int | None) -> None:
    text = json.dumps(table, indent=indent, ensure_ascii=False)

    places = tablefile.json_places(text)

    assert sorted(places, key=repr) == sorted(paths_of(table), key=repr)


@given(st.dictionaries(st.text(alphabet="abc"), st.lists(st.integers(), min_size=1), min_size=1))
def test_json_places_give_the_line_of_each_value(table: dict[str, list[int]]) -> None:
    text = json.dumps(table, indent=1)
    lines = text.split("\n")

    places = tablefile.json_places(text)

    for name, numbers in table.items():
        for index, number in enumerate(numbers):
            assert lines[places[name, index] - 1].strip(" ,") == str(number)


@pytest.mark.parametrize(
    ("body", "form", "line"),
    [
        (b"a = 1\nb = \n", "toml", 2),
        (b"a = 1\na = 2\n", "toml", 2),
        (b'a = "open\nb = 1', "toml", 1),
        (b'a = """open\nb = 1\n', "toml", 3),
        (b'{"a": 1,\n "b" 2}', "json", 2),
        (b"", "json", 1),
        (b"[1]", "json", 1),
        (b'a = "x"\nb = "\xb7\xb4"\n', "toml", 2),
        (b"a = " + b"[" * 9000, "toml", 1),
        (b'{"a":' + b"[" * 90000 + b"]" * 90000 + b"}", "json", 1),
        (b"a = " + b"1" * 9000, "toml", 1),
        (b'{"a": ' + b"1" * 9000 + b"}", "json", 1),
    ],
    ids=["no value", "twice", "open text", "open at the end", "no colon", "empty", "no table", "not utf-8",
         "deep toml", "deep json", "long number", "long json number"],
)  # fmt: skip
def test_read_refuses_what_is_no_table_and_tells_the_line(body: bytes, form: str, line: int) -> None:
    with pytest.raises(tablefile.Unreadable) as refused:
        tablefile.read(body, form=form)

    assert refused.value.line == line
    assert refused.value.text.endswith("。")


def test_read_takes_a_byte_order_mark_and_other_line_ends() -> None:
    table = tablefile.read(b"\xef\xbb\xbfa = 1\r\n\r\nb = 2\r\n", form="toml")

    assert (table.values, table.line(("b",))) == ({"a": 1, "b": 2}, 3)


@pytest.mark.parametrize(
    ("kind", "path", "value", "expected"),
    [
        ("missing", ("stem",), None, "缺少“stem”。"),
        ("missing", ("options", 0, "text"), None, "缺少“options 第 1 项的 text”。"),
        (
            "extra_forbidden",
            ("explanation", "trik"),
            "",
            "不认识的字段“explanation 的 trik”，是不是“trick”？",
        ),
        ("extra_forbidden", ("zzz",), "", "不认识的字段“zzz”。"),
        ("int_type", ("difficulty",), "1", "“difficulty”要写成整数，不加引号。"),
        ("less_than_equal", ("count",), 2000, "“count”太大了，现在写的是 2000。"),
        ("something_new", ("stem",), None, "“stem”写得不对。"),
    ],
)
def test_sentence(kind: str, path: tuple[str | int, ...], value: object, expected: str) -> None:
    assert tablefile.sentence(kind, path, value, {"trick", "stem"}) == expected


def test_header_below_a_plain_table_has_its_own_line() -> None:
    lines = tablefile.read(b"[plain]\nx = 1\n[plain.inner]\ny = 2\n", form="toml").places

    assert (lines["plain",], lines["plain", "inner"], lines["plain", "inner", "y"]) == (1, 3, 4)
