"""quizsvc bank check | import | list | schema."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from quizsvc.bank import files, queries
from quizsvc.bank.cli import bank
from quizsvc.core.refusal import Refusal
from tests.conftest import NOON

BANKS = Path(__file__).parent.parent / "banks"


def run(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(bank, [str(word) for word in words])


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of banks one may edit: a copy of `twins`."""
    shutil.copytree(BANKS / "good" / "twins", tmp_path / "twins")
    shutil.copy(BANKS / "good" / "vocabulary.toml", tmp_path)
    return tmp_path


def test_check_without_a_path_checks_what_is_published(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check"])

    assert result.exit_code == 0
    names = [files.read_folder(path, today=NOON.date()).name for path in files.folders()]
    assert [line.split("（")[0] for line in result.output.splitlines() if "题，情景" in line] == names
    assert result.output.splitlines()[-1] == "0 处错误，0 处提醒。"


def test_check_counts_by_kind_audience_difficulty_and_topic(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check", str(BANKS / "good" / "two_files")])

    assert result.exit_code == 0
    assert result.output == (
        "two_files（two-files）：2 题，情景 0，其中真实消息 0，同组题 0 组\n"
        "  题型  单选 2\n"
        "  人群  初中 2\n"
        "  难度  容易 2\n"
        "  主题                        单选  合计\n"
        "  刷单返利                       1     1\n"
        "  冒充公检法                     1     1\n"
        "0 处错误，0 处提醒。\n"
    )


def test_check_tells_faults_and_ends_with_one(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check", str(BANKS / "bad" / "many_items")])

    assert result.exit_code == 1
    assert result.output.splitlines()[-4:] == [
        "错误 many_items/01_items.toml:3 brushing-01  没有标出正确答案。（no-key）",
        "错误 many_items/01_items.toml:27 brushing-02  缺少“difficulty”。（missing-field）",
        "错误 many_items/01_items.toml:63 brushing-03  "
        "“options 第 1 项的 belief”要写成文字，两边加引号。（wrong-type）",
        "3 处错误，0 处提醒。",
    ]


def test_check_with_warnings_only_ends_with_zero(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check", str(BANKS / "bad" / "lonely_twin")])

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "0 处错误，1 处提醒。"


def test_check_as_json_gives_counts_and_faults(at: Any) -> None:
    result = CliRunner().invoke(
        bank, ["check", str(BANKS / "good" / "scene"), str(BANKS / "bad" / "tell_not_in_text"), "--json"]
    )

    assert result.exit_code == 1
    told = json.loads(result.output)
    assert (told["errors"], told["warnings"]) == (1, 0)
    assert told["banks"][0] == {
        "code": "scene", "name": "scene", "items": 1, "scenes": 1, "genuine": 0, "twins": 0,
        "by_topic": {"brushing": 1}, "by_kind": {"single_choice": 1}, "by_audience": {"junior": 1},
        "by_difficulty": {"1": 1}, "faults": [],
    }  # fmt: skip
    assert told["banks"][1]["faults"] == [
        {
            "file": "tell_not_in_text/01_items.toml",
            "line": 32,
            "item": "brushing-01",
            "rule": "tell-not-in-text",
            "severity": "error",
            "text": "破绽“限时领取”在情景的内容里找不到，要一字不差。",
        }
    ]


def test_check_needs_no_database(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check", str(BANKS / "good"), "--json"])

    assert result.exit_code == 0
    assert len(json.loads(result.output)["banks"]) == len(list((BANKS / "good").glob("*/bank.toml")))


def test_check_refuses_two_folders_with_one_code(at: Any, shelf: Path) -> None:
    shutil.copytree(shelf / "twins", shelf / "more")

    result = CliRunner().invoke(bank, ["check", str(shelf)])

    assert isinstance(result.exception, Refusal)
    assert result.exception.text == "有两个文件夹写了同一个题库代号，请先改掉一个。"


def test_import_twice_says_nothing_new(app: Flask, shelf: Path) -> None:
    first, second = run(app, "import", shelf), run(app, "import", shelf)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output == "twins（twins）：新增 2（2 new），修改 0（0 changed），相同 0（0 same）\n"
    assert second.output == "twins（twins）：新增 0（0 new），修改 0（0 changed），相同 2（2 same）\n"


def test_dry_run_tells_what_would_change_and_writes_nothing(app: Flask, shelf: Path) -> None:
    run(app, "import", shelf)
    before = queries.latest()
    path = shelf / "twins" / "01_items.toml"
    path.write_text(path.read_text().replace("先垫 8 元", "先垫 9 元").replace("brushing-01", "brushing-03"))

    preview = run(app, "import", shelf, "--dry-run", "--retire-missing")

    assert preview.exit_code == 0
    assert preview.output == (
        "twins（twins）：新增 1（1 new），修改 1（1 changed），相同 0（0 same），停用 1（1 retired）\n"
        "这是预览，没有写入。\n"
    )
    assert queries.latest() == before


def test_dry_run_tells_the_same_as_the_import(app: Flask, shelf: Path) -> None:
    path = shelf / "twins" / "01_items.toml"
    whole = path.read_text()
    half = whole[: whole.index("[[item]]", whole.index("[[item]]") + 1)].replace('twin = "brushing-a"\n', "")
    summaries = []
    for text in (whole, half, whole):
        path.write_text(text)
        preview = run(app, "import", shelf, "--dry-run", "--retire-missing").output.splitlines()[0]
        done = run(app, "import", shelf, "--retire-missing").output.splitlines()[0]
        assert preview == done
        summaries.append(done.split("：")[1])

    assert summaries == [
        "新增 2（2 new），修改 0（0 changed），相同 0（0 same）",
        "新增 0（0 new），修改 1（1 changed），相同 0（0 same），停用 1（1 retired）",
        "新增 0（0 new），修改 1（1 changed），相同 1（1 same），恢复 1（1 revived）",
    ]


def test_import_with_one_fault_anywhere_imports_nothing(app: Flask, shelf: Path) -> None:
    shutil.copytree(BANKS / "bad" / "no_key", shelf / "no_key")

    result = run(app, "import", shelf)

    assert isinstance(result.exception, Refusal)
    assert result.exception.text == "有 1 处错误，一题也没有导入。"
    assert result.output == "错误 no_key/01_items.toml:3 brushing-01  没有标出正确答案。（no-key）\n"
    assert queries.banks() == []


def test_import_lets_warnings_pass(app: Flask) -> None:
    result = run(app, "import", BANKS / "bad" / "lonely_twin")

    assert result.exit_code == 0
    assert len(queries.latest("lonely-twin")) == 1


def test_list_tells_banks(app: Flask, shelf: Path) -> None:
    run(app, "import", shelf)

    assert run(app, "list").output == "twins  twins：2 题，2 个版本\n共 1 个题库。\n"
    assert json.loads(run(app, "list", "--json").output) == [
        {"code": "twins", "name": "twins", "items": 2, "versions": 2}
    ]


def test_schema_prints_what_is_published() -> None:
    assert CliRunner().invoke(bank, ["schema"]).output == files.SCHEMA.read_text(encoding="utf-8")
