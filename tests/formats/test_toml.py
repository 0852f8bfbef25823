"""Item files: as question_banks/ has them, read back as they were, and faults told kindly."""

import time
import tomllib
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.bank import files
from quizsvc.core import bankfile, exchange
from quizsvc.core.bankfile import Explanation, Item, Option, Scene
from quizsvc.core.exchange import Choice, Draft, Rejected
from quizsvc.formats import toml
from quizsvc.uploads import Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY, items
from tests.patience import in_time

relaxed = settings(deadline=None, database=None)

INVISIBLE = "\r\x00\x01\x08\x0b\x1f\x7f\x85\u200b\ufeff\u202e"

FULL = Item(
    code="a-1",
    kind="single_choice",
    topic="police",
    audiences=("junior", "senior"),
    difficulty=2,
    stem='“安全账户”是 "真" 的吗？',
    options=(
        Option("不是", key=True),
        Option("是", belief="first_payout_real"),
        Option("不知道", pinned=True),
    ),
    explanation=Explanation("甲。", "乙。", ""),
    source="手册",
    reviewed_on=date(2026, 11, 15),
    scene=Scene("sms", "1069\\", "第一行\n第二行", ("第一", "二行")),
    twin="a",
    region="阳光县",
    valid_until=date(2027, 12, 31),
)
GENUINE = replace(
    FULL,
    code="a-2",
    scene=replace(FULL.scene, tells=()) if FULL.scene else None,
    genuine=True,
    twin=None,
    region=None,
    valid_until=None,
)
WRITTEN = r"""#:schema ../bank.schema.json
# 一班 的题

[[item]]
code = "a-1"
kind = "single_choice"
topic = "police"
audiences = ["junior", "senior"]
difficulty = 2
stem = "“安全账户”是 \"真\" 的吗？"
source = "手册"
reviewed_on = 2026-11-15
valid_until = 2027-12-31
twin = "a"
region = "阳光县"

[item.scene]
channel = "sms"
sender = "1069\\"
text = "第一行\n第二行"
tells = ["第一", "二行"]

[[item.options]]
text = "不是"
key = true

[[item.options]]
text = "是"
belief = "first_payout_real"

[[item.options]]
text = "不知道"
pinned = true

[item.explanation]
trick = "甲。"
tell = "乙。"
action = ""

[[item]]
code = "a-2"
"""
GOOD = toml.write([GENUINE], VOCABULARY, title="").decode()


def taken_back(*given_items: Item) -> tuple[Item, ...]:
    """The items after they were written, read and taken by a bank that knows nothing."""
    reading = toml.read(toml.write(given_items, VOCABULARY, title="题库").decode())
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert rejected == ()
    return tuple(one.item for one in taken)


def reason(text: str) -> tuple[str, str]:
    """Where and why the only question of a text is rejected."""
    reading = toml.read(text)
    assert reading.drafts == ()
    [rejected] = reading.rejected
    return rejected.place, rejected.reason


def test_write_looks_like_the_banks() -> None:
    written = toml.write([FULL, GENUINE], VOCABULARY, title="一班\n的题").decode()

    assert written.startswith(WRITTEN)
    assert 'reviewed_on = 2026-11-15\ngenuine = true\n\n[item.scene]\nchannel = "sms"\n' in written
    assert '\ntells = []\n\n[[item.options]]\ntext = "不是"\n' in written


def test_write_gives_back_a_bank_as_it_was_written_by_hand() -> None:
    folder = files.SHELF / "secondary"
    bank = files.read_folder(folder, today=DEFAULTS.day)
    by_hand = "\n\n".join(
        path.read_text("utf-8").split("\n\n", 1)[1].rstrip() for path in sorted(folder.glob("[0-9]*.toml"))
    )

    written = toml.write(bank.items, bank.vocabulary, title="").decode().split("\n\n", 1)[1].rstrip()

    assert [tomllib.loads(text) for text in (written,)] == [tomllib.loads(by_hand)]
    alike = sum(one == other for one, other in zip(written.split("\n"), by_hand.split("\n"), strict=False))
    assert alike == len(by_hand.split("\n"))


@relaxed
@given(items(extra=INVISIBLE))
def test_an_item_comes_back_exactly(item: Item) -> None:
    assert taken_back(item) == (item,)


@settings(relaxed, max_examples=25)
@given(st.lists(items(extra="\r"), min_size=1, max_size=2, unique_by=lambda item: item.code))
def test_the_bank_accepts_the_file(listed: list[Item]) -> None:
    body = toml.write(listed, VOCABULARY, title="题 \x00\x7f\r\n\u2028 库")
    with TemporaryDirectory() as shelf:
        folder = Path(shelf) / "bank"
        folder.mkdir()
        words = "\n".join(
            f"[{name}]\n" + "\n".join(f"{slug} = '{text}'" for slug, text in texts.items())
            for name, texts in (("topics", VOCABULARY.topics), ("beliefs", VOCABULARY.beliefs))
        )
        (Path(shelf) / files.VOCABULARY).write_text(words, "utf-8")
        (folder / files.HEADER).write_text('code = "bank"\nname = "题库"\n', "utf-8")
        (folder / "01_items.toml").write_bytes(body)
        bank = files.read_folder(folder, today=DEFAULTS.day)

    assert bank.vocabulary == VOCABULARY
    assert bank.items == tuple(listed)
    assert bank.errors == ()


def test_read_gives_each_question_its_line() -> None:
    reading = toml.read(toml.write([FULL, replace(FULL, code="a-3")], VOCABULARY, title="题").decode())

    assert reading.form == "TOML"
    assert (reading.rejected, reading.notes) == ((), ())
    assert [draft.place for draft in reading.drafts] == ["第 4 行", "第 40 行"]
    assert reading.drafts[0] == Draft(
        place="第 4 行",
        stem='【短信】1069\\\n第一行\n第二行\n【问题】“安全账户”是 "真" 的吗？',
        choices=(Choice("不是", key=True), Choice("是", note="first_payout_real"), Choice("不知道")),
        code="a-1",
        kind="single_choice",
        explanation="骗术：甲。\n破绽：乙。",
        tags=exchange.tags_of(FULL),
    )


def test_read_takes_days_in_quotation_marks_and_texts_over_several_lines() -> None:
    text = GOOD.replace("2026-11-15", '"2026-11-15"').replace(r'"第一行\n第二行"', '"""\n第一行\n第二行"""')

    [draft] = toml.read(text).drafts

    assert draft == replace(exchange.draft_of(GENUINE, bankfile.Vocabulary({}, {})), place="第 4 行")


@pytest.mark.parametrize(
    ("found", "put", "line", "words"),
    [
        ('stem = "“安全账户”是 \\"真\\" 的吗？"\n', "", 4, "缺少“stem”。"),
        ('[item.explanation]\ntrick = "甲。"\ntell = "乙。"\naction = ""\n', "", 4, "缺少“explanation”。"),
        ('tell = "乙。"\n', "", 33, "缺少“explanation 的 tell”。"),
        ("difficulty = 2", 'difficulty = "2"', 9, "“difficulty”要写成整数，不加引号。"),
        ("difficulty = 2", "difficulty = true", 9, "“difficulty”要写成整数，不加引号。"),
        ("difficulty = 2", "difficulty = 9", 9, "难度“9”不认识。可以用：1、2、3。"),
        (
            '"senior"',
            '"primary"',
            8,
            f"适用人群“primary”不认识。可以用：{'、'.join(bankfile.AUDIENCES)}。",
        ),
        ("2026-11-15", '"去年"', 12, "“reviewed_on”要写成日期，例如 2026-11-15。"),
        ("2026-11-15", "2026-11-15T00:00:00", 12, "“reviewed_on”要写成日期，例如 2026-11-15。"),
        ("key = true", "key = 1", 23, "“options 第 1 项的 key”只能写 true 或 false，不加引号。"),
        ("pinned = true", "pined = true", 31, "不认识的字段“options 第 3 项的 pined”，是不是“pinned”？"),
        ('"junior", "senior"', '"junior", 3', 8, "“audiences 第 2 项”要写成文字，两边加引号。"),
        ("[[item.options]]", "[[item.scene.options]]", 4, "缺少“options”。"),
        (
            '"sms"',
            '"fax"',
            16,
            "渠道“fax”不认识。可以用：sms、chat、group、call、web、poster、app、mail。",
        ),
    ],
)
def test_read_rejects_a_question_without_its_shape_and_names_the_line(
    found: str, put: str, line: int, words: str
) -> None:
    assert found in GOOD
    assert reason(GOOD.replace(found, put)) == (f"第 {line} 行", words)


def test_read_rejects_what_cannot_go_on_as_it_is() -> None:
    unclear = replace(FULL, explanation=Explanation("甲\n破绽：", "乙", "丙"))
    [lost] = exchange.losses(unclear)

    written = toml.write([unclear], VOCABULARY, title="").decode()

    assert reason(written) == ("第 4 行", f"{lost}请换种写法。")


def test_read_keeps_the_questions_beside_a_broken_one_and_says_what_it_left_out() -> None:
    reading = toml.read(f'title = "题"\n{GOOD}\n[[item]]\ncode = "b"\n\n[[item]]\nstem = "a\\n b"\n')

    assert [draft.code for draft in reading.drafts] == ["a-2"]
    assert reading.rejected == (
        Rejected("第 39 行", "b", "缺少“kind”。"),
        Rejected("第 42 行", "a b", "缺少“code”。"),
    )
    assert reading.notes == ("只导入了 [[item]] 里的题，没有导入：title。",)
    assert toml.read("item = [1]").rejected == (Rejected("第 1 行", "", "“”要写成一张表，不能只写一个值。"),)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", "没有找到题。"),
        ("item = 1", "没有找到题。"),
        ("item = []", "没有找到题。"),
        ('[[item]]\ncode = "a\n', "第 2 行：这一行附近不合 TOML 的写法"),
        ("x = " + "[" * 5000, "第 1 行：括号套得太深"),
        ("a." * 50 + "a = 1", "TOML 文件里有一个名字用点连得太长"),
        ('"a" . ' * 50 + "a = 1", "TOML 文件里有一个名字用点连得太长"),
        ("\n" * (toml.MOST_LINES + 1), "TOML 文件太长"),
        (" " * (toml.LONGEST + 1), "TOML 文件太长"),
    ],
)
def test_read_refuses_what_is_no_item_file(text: str, begins: str) -> None:
    with pytest.raises(Unreadable) as refused:
        toml.read(text)
    assert str(refused.value).startswith(begins)


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "a.", "a.a.a.a.a.\n", '"a".', "a", "'", '"', "\n", " ", "[[item]]\n", "x = [[["),
        *("a." * 39 + "-\n", "a" * 99 + "\n.", "[[item.options]]\n", "{", "1,", "{a=1},", "a = 1\n"),
    ],
)
@pytest.mark.parametrize("frame", ["{}", "[[item]]\nx = [{}]", '[[item]]\nx = """{}"""'])
def test_read_takes_no_longer_than_the_file_is_long(frame: str, piece: str) -> None:
    count = min(toml.LONGEST // len(piece), toml.MOST_LINES // max(piece.count("\n"), 1)) - 20
    begins = time.process_time()
    with suppress(Unreadable):
        toml.read(frame.format(piece * count))
    assert in_time(time.process_time() - begins, 2)


def test_losses_are_those_of_every_format() -> None:
    unclear = replace(FULL, explanation=Explanation("甲\n破绽：", "乙", "丙"))

    assert toml.losses(FULL) == ()
    assert taken_back(FULL, GENUINE) == (FULL, GENUINE)
    assert toml.losses(unclear) == exchange.losses(unclear) != ()
