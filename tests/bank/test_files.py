"""Bank folders: tests/banks holds one tiny bank for every feature and one for every fault."""

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from quizsvc.bank import files
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal

BANKS = Path(__file__).parent.parent / "banks"
TODAY = date(2026, 12, 12)

PLAIN = bankfile.Item(
    code="brushing-01",
    kind="single_choice",
    topic="brushing",
    audiences=("junior",),
    difficulty=1,
    stem="先付 5 元任务费，再返 20 元，怎么做最稳妥？",
    options=(
        bankfile.Option("付 5 元试试"),
        bankfile.Option("不付，告诉老师", key=True),
        bankfile.Option("请同学代付"),
    ),
    explanation=bankfile.Explanation("先给小利，再要大钱。", "做事拿报酬，却要先付钱。", "停下，告诉老师。"),
    source="风险提示单 2023",
    reviewed_on=date(2026, 11, 15),
)
PARCEL = bankfile.Scene(
    "sms", "1069 开头号码", "您的快递丢失，可三倍赔付，名额有限。", ("三倍赔付", "名额有限")
)
FIRST, SECOND, THIRD = PLAIN.options

GOOD = {
    "single_choice": [PLAIN],
    "multiple_choice": [
        replace(
            PLAIN,
            kind="multiple_choice",
            options=(*PLAIN.options, bankfile.Option("拨打 96110 咨询", key=True)),
        )
    ],
    "true_false": [
        replace(
            PLAIN,
            kind="true_false",
            stem="先付 5 元任务费，再返 20 元，可以放心做，对吗？",
            options=(bankfile.Option("对"), bankfile.Option("不对", key=True)),
        )
    ],
    "scene": [replace(PLAIN, scene=PARCEL)],
    "genuine": [
        replace(
            PLAIN,
            genuine=True,
            scene=replace(PARCEL, text="您的快递已到学校门口驿站，请凭取件码领取。", tells=()),
        )
    ],
    "twins": [
        replace(PLAIN, twin="brushing-a"),
        replace(PLAIN, code="brushing-02", twin="brushing-a", stem="先垫 8 元，做完就退，怎么做最稳妥？"),
    ],
    "pinned_and_belief": [
        replace(
            PLAIN,
            options=(
                replace(FIRST, belief="first_payout_real"),
                SECOND,
                bankfile.Option("都不合适", pinned=True),
            ),
        )
    ],
    "dated_and_regional": [replace(PLAIN, valid_until=date(2027, 12, 31), region="阳光县")],
    "two_files": [
        PLAIN,
        replace(PLAIN, code="police-01", topic="police", stem="电话里说你涉案，要你保密，怎么做最稳妥？"),
    ],
    "json": [PLAIN],
    "inline_tables": [PLAIN],
    "text_of_many_lines": [
        replace(PLAIN, scene=replace(PARCEL, text="【快递】您的包裹丢失。\n[[item]]\n可三倍赔付，名额有限。"))
    ],
    "byte_order_mark": [PLAIN],
}

TOML = "01_items.toml"
BAD = {
    "all_of_the_above": [(TOML, 3, "brushing-01", "all-of-the-above", "warning")],
    "bad_code": [(TOML, 4, "刷单 01", "bad-code", "error")],
    "bad_json": [("01_items.json", 11, "", "syntax", "error")],
    "bad_toml": [(TOML, 8, "", "syntax", "error")],
    "belief_on_key": [(TOML, 3, "brushing-01", "belief-on-key", "error")],
    "blank_explanation": [(TOML, 3, "brushing-01", "no-explanation", "error")],
    "control_character": [(TOML, 3, "brushing-01", "control-character", "error")],
    "disputed_claim": [(TOML, 3, "brushing-01", "disputed-claim", "error")],
    "double_negation": [(TOML, 3, "brushing-01", "double-negation", "warning")],
    "duplicate_code": [("02_more.toml", 4, "brushing-01", "duplicate-code", "error")],
    "duplicate_stem": [
        (TOML, 9, "brushing-01", "duplicate-stem", "warning"),
        (TOML, 34, "brushing-02", "duplicate-stem", "warning"),
    ],
    "empty_text": [(TOML, 3, "brushing-01", "empty-text", "error")],
    "equal_options": [(TOML, 3, "brushing-01", "equal-options", "error")],
    "equal_twins": [
        (TOML, 12, "brushing-01", "equal-twins", "warning"),
        (TOML, 38, "brushing-02", "equal-twins", "warning"),
    ],
    "expired": [(TOML, 12, "brushing-01", "expired", "warning")],
    "genuine_with_tells": [(TOML, 33, "brushing-01", "genuine-with-tells", "error")],
    "genuine_without_scene": [(TOML, 3, "brushing-01", "genuine-without-scene", "error")],
    "header_unreadable": [("bank.toml", 1, "", "syntax", "error")],
    "header_without_name": [("bank.toml", 1, "", "missing-field", "error")],
    "item_not_a_list": [(TOML, 3, "", "wrong-type", "error")],
    "json_faults": [
        ("01_items.json", 10, "brushing-01", "wrong-type", "error"),
        ("01_items.json", 20, "brushing-01", "unknown-field", "error"),
    ],
    "key_longest": [
        (TOML, 3 + 25 * number, f"brushing-0{number + 1}", "key-longest", "warning") for number in range(6)
    ],
    "letter_first": [(TOML, 3, "brushing-01", "letter-first", "warning")],
    "letter_named": [(TOML, 3, "brushing-01", "letter-named", "warning")],
    "live_address": [(TOML, 3, "brushing-01", "live-address", "warning")],
    "lonely_twin": [(TOML, 12, "brushing-01", "lonely-twin", "warning")],
    "long_for_children": [(TOML, 3, "brushing-01", "long-for-children", "warning")],
    "many_items": [
        (TOML, 3, "brushing-01", "no-key", "error"),
        (TOML, 27, "brushing-02", "missing-field", "error"),
        (TOML, 63, "brushing-03", "wrong-type", "error"),
    ],
    "missing_fields": [
        (TOML, 3, "brushing-01", "missing-field", "error"),
        (TOML, 19, "brushing-01", "missing-field", "error"),
        (TOML, 22, "brushing-01", "missing-field", "error"),
    ],
    "no_explanation": [(TOML, 3, "brushing-01", "missing-field", "error")],
    "no_items": [("bank.toml", 1, "", "no-items", "error")],
    "no_key": [(TOML, 3, "brushing-01", "no-key", "error")],
    "no_source": [(TOML, 10, "brushing-01", "no-source", "error")],
    "no_tells": [(TOML, 28, "brushing-01", "no-tells", "warning")],
    "not_utf8": [(TOML, 9, "", "syntax", "error")],
    "one_key": [(TOML, 3, "brushing-01", "one-key", "error")],
    "option_count": [(TOML, 3, "brushing-01", "option-count", "error")],
    "personal_number": [(TOML, 3, "brushing-01", "personal-number", "warning")],
    "pinned_twice": [(TOML, 3, "brushing-01", "pinned-twice", "error")],
    "reserved_code": [(TOML, 4, "import", "reserved-code", "error")],
    "reviewed_in_future": [(TOML, 11, "brushing-01", "reviewed-in-future", "warning")],
    "tell_not_in_text": [(TOML, 32, "brushing-01", "tell-not-in-text", "error")],
    "thin_explanation": [(TOML, 3, "brushing-01", "thin-explanation", "warning")],
    "two_keys": [(TOML, 3, "brushing-01", "two-keys", "error")],
    "undated_figure": [(TOML, 3, "brushing-01", "undated-figure", "warning")],
    "uneven_options": [(TOML, 3, "brushing-01", "uneven-options", "warning")],
    "unfit_for_minors": [(TOML, 3, "brushing-01", "unfit-for-minors", "error")],
    "unknown_audience": [(TOML, 7, "brushing-01", "unknown-audience", "error")],
    "unknown_belief": [(TOML, 3, "brushing-01", "unknown-belief", "error")],
    "unknown_channel": [(TOML, 29, "brushing-01", "unknown-channel", "error")],
    "unknown_difficulty": [(TOML, 8, "brushing-01", "unknown-difficulty", "error")],
    "unknown_fields": [
        (TOML, 3, "brushing-01", "missing-field", "error"),
        (TOML, 10, "brushing-01", "unknown-field", "error"),
        (TOML, 18, "brushing-01", "unknown-field", "error"),
    ],
    "unknown_kind": [(TOML, 5, "brushing-01", "unknown-kind", "error")],
    "unknown_table": [(TOML, 28, "", "unknown-field", "error")],
    "unknown_topic": [(TOML, 6, "brushing-01", "unknown-topic", "error")],
    "unusual_option_count": [(TOML, 3, "brushing-01", "unusual-option-count", "warning")],
    "wrong_types": [
        (TOML, 6, "brushing-01", "wrong-type", "error"),
        (TOML, 7, "brushing-01", "wrong-type", "error"),
        (TOML, 8, "brushing-01", "wrong-type", "error"),
        (TOML, 11, "brushing-01", "wrong-type", "error"),
        (TOML, 18, "brushing-01", "wrong-type", "error"),
    ],
}


def test_every_example_folder_is_tested() -> None:
    assert sorted(path.name for path in files.folders([BANKS / "good"])) == sorted(GOOD)
    assert sorted(path.name for path in files.folders([BANKS / "bad"])) == sorted(BAD)


@pytest.mark.parametrize("name", GOOD)
def test_good_folder_gives_its_items(name: str) -> None:
    folder = files.read_folder(BANKS / "good" / name, today=TODAY)

    assert (folder.code, folder.name) == (name.replace("_", "-"), name)
    assert folder.faults == ()
    assert list(folder.items) == GOOD[name]


@pytest.mark.parametrize("name", BAD)
def test_bad_folder_tells_every_fault_with_file_line_item_and_sentence(name: str) -> None:
    folder = files.read_folder(BANKS / "bad" / name, today=TODAY)

    told = [(fault.file, fault.line, fault.item, fault.rule, fault.severity) for fault in folder.faults]
    assert told == [(f"{name}/{file}", *rest) for file, *rest in BAD[name]]
    assert all(fault.text[-1] in "。？" for fault in folder.faults)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("wrong_types", [
            "“topic”要写成文字，两边加引号。",
            "“audiences”要写成列表，两边用方括号。",
            "“difficulty”要写成整数，不加引号。",
            "“reviewed_on”要写成日期，例如 2026-11-15。",
            "“options 第 2 项的 key”只能写 true 或 false，不加引号。",
        ]),
        ("unknown_fields", [
            "缺少“source”。",
            "不认识的字段“sorce”，是不是“source”？",
            "不认识的字段“options 第 2 项的 keey”，是不是“key”？",
        ]),
        ("unknown_table", ["不认识的字段“items”，是不是“item”？"]),
        ("duplicate_code", ["题号重复：duplicate_code/01_items.toml 第 4 行已经用过“brushing-01”。"]),
        ("reserved_code", ["题号“import”是网页地址里的词，请换一个，例如“import-01”。"]),
        ("bad_code", ["“code”只能用小写字母、数字和连字符，现在写的是“刷单 01”。"]),
    ],
)  # fmt: skip
def test_faults_are_told_in_plain_chinese(name: str, texts: list[str]) -> None:
    folder = files.read_folder(BANKS / "bad" / name, today=TODAY)

    assert [fault.text for fault in folder.faults] == texts


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_vocabulary", [("no-vocabulary", "找不到词表：题库文件夹旁边要有 vocabulary.toml。")]),
        ("broken_vocabulary", [
            ("missing-field", "缺少“topics”。"),
            ("unknown-field", "不认识的字段“topic”，是不是“topics”？"),
        ]),
    ],
)  # fmt: skip
def test_vocabulary_faults_do_not_blame_the_items(name: str, told: list[tuple[str, str]]) -> None:
    folder = files.read_folder(BANKS / name / "single_choice", today=TODAY)

    assert [(fault.rule, fault.text) for fault in folder.faults] == told
    assert {fault.file for fault in folder.faults} == {"vocabulary.toml"}


def test_unreadable_vocabulary_is_one_fault(tmp_path: Path) -> None:
    shutil.copytree(BANKS / "good" / "single_choice", tmp_path / "single_choice")
    (tmp_path / "vocabulary.toml").write_text("[topics]\nbrushing =\n")

    folder = files.read_folder(tmp_path / "single_choice", today=TODAY)

    assert [(fault.file, fault.line, fault.rule) for fault in folder.faults] == [
        ("vocabulary.toml", 2, "syntax")
    ]


def test_expiry_is_judged_by_the_day_given() -> None:
    day_before = files.read_folder(BANKS / "bad" / "expired", today=date(2026, 12, 1))

    assert day_before.faults == ()


def test_folders_refuse_a_place_without_banks(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="这里没有题库"):
        files.folders([tmp_path])


def test_pages_get_no_names_from_a_broken_vocabulary() -> None:
    assert files.vocabulary(BANKS / "broken_vocabulary").topics == {}
    assert files.vocabulary(BANKS / "good").topics == {"brushing": "刷单返利", "police": "冒充公检法"}


def test_published_schema_is_the_one_of_the_program() -> None:
    assert files.SCHEMA.read_text(encoding="utf-8") == files.schema()


def test_schema_proposes_the_words_that_the_lint_knows() -> None:
    item = json.loads(files.schema())["$defs"]["ItemTable"]["properties"]

    assert item["kind"]["enum"] == list(bankfile.KINDS)
    assert item["audiences"]["items"]["enum"] == list(bankfile.AUDIENCES)
    assert item["difficulty"]["enum"] == [1, 2, 3]


def test_published_banks_have_no_faults() -> None:
    faults = {path.name: files.read_folder(path, today=TODAY).faults for path in files.folders()}

    assert faults == dict.fromkeys(faults, ())


def test_published_files_name_their_schema() -> None:
    first_lines = {
        file.name: file.read_text(encoding="utf-8").splitlines()[0]
        for folder in files.folders()
        for file in folder.glob("*.toml")
        if file.name != files.HEADER
    }

    assert first_lines == dict.fromkeys(first_lines, "#:schema ../bank.schema.json")
