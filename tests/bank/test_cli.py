"""quizsvc bank check | import | export | list | schema."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from quizsvc.audit import CLI, AuditEntry
from quizsvc.bank import files, operations, queries
from quizsvc.bank.cli import COLUMNS, COUNT_WIDTH, TOPIC_WIDTH, bank
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests.conftest import NOON
from tests.make import an_item

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
    folders = [files.read_folder(path, today=NOON.date()) for path in files.folders()]
    titles = [line for line in result.output.splitlines() if line.endswith(" 题") and line[0] != " "]
    assert titles == [
        *(f"{folder.name}（{folder.code}）：{len(folder.items)} 题" for folder in folders),
        f"全部题库：{sum(len(folder.items) for folder in folders)} 题",
    ]
    assert result.output.splitlines()[-1] == "0 处错误，0 处提醒。"


def test_check_counts_by_audience_topic_kind_and_difficulty(at: Any) -> None:
    result = CliRunner().invoke(bank, ["check", str(BANKS / "good" / "two_files")])

    assert result.exit_code == 0
    assert result.output == (
        "two_files（two-files）：2 题\n"
        "  人群                        题数  单选  多选  判断  容易  中等  较难  情景  真实\n"
        "  初中                           2     2     0     0     2     0     0     0     0\n"
        "  主题                        题数  单选  多选  判断  容易  中等  较难  情景  真实\n"
        "  刷单返利                       1     1     0     0     1     0     0     0     0\n"
        "  冒充公检法                     1     1     0     0     1     0     0     0     0\n"
        "  合计                           2     2     0     0     2     0     0     0     0\n"
        "  情景 0/2（0.0%），其中真实消息 0/0（—），同组题 0 组 0 题\n"
        "  单选  答案在 A 0 · B 2 · C 0 · D 0\n"
        "        最长的选项是答案 2/2（100%），凭运气约 0.7，最短的是答案 0/2（0.0%），凭运气约 0.7\n"
        "  判断  答案是 —\n"
        "  多选  答案有 —\n"
        "  90 天内到期 0 题，一年以上没有核对 0 题\n"
        "0 处错误，0 处提醒。\n"
    )


def test_check_sums_several_banks_up(at: Any) -> None:
    result = CliRunner().invoke(
        bank, ["check", *(str(BANKS / "good" / name) for name in ("twins", "genuine", "true_false"))]
    )

    lines = result.output.splitlines()
    assert lines[lines.index("全部题库：4 题") :] == [
        "全部题库：4 题",
        "  题库                        题数  单选  多选  判断  容易  中等  较难  情景  真实",
        "  twins                          2     2     0     0     2     0     0     0     0",
        "  genuine                        1     1     0     0     1     0     0     1     1",
        "  true_false                     1     0     0     1     1     0     0     0     0",
        "  人群                        题数  单选  多选  判断  容易  中等  较难  情景  真实",
        "  初中                           4     3     0     1     4     0     0     1     1",
        "  主题                        题数  单选  多选  判断  容易  中等  较难  情景  真实",
        "  刷单返利                       4     3     0     1     4     0     0     1     1",
        "  合计                           4     3     0     1     4     0     0     1     1",
        "  情景 1/4（25.0%），其中真实消息 1/1（100%），同组题 1 组 2 题",
        "  单选  答案在 A 0 · B 3 · C 0 · D 0",
        "        最长的选项是答案 3/3（100%），凭运气约 1.0，最短的是答案 0/3（0.0%），凭运气约 1.0",
        "  判断  答案是 不对 1",
        "  多选  答案有 —",
        "  90 天内到期 0 题，一年以上没有核对 0 题",
        "0 处错误，0 处提醒。",
    ]


def test_check_keeps_the_columns_straight_in_chinese(at: Any) -> None:
    lines = CliRunner().invoke(bank, ["check"]).output.splitlines()

    rows = [
        line
        for line in lines
        if re.fullmatch("  [^，·]+(?: +(?:[0-9]+|题数|真实|情景|单选|多选|判断|容易|中等|较难)){9}", line)
    ]
    ends = {sum(1 + (east_asian_width(one) in "WF") for one in line) for line in rows}
    assert len(rows) > 100
    assert ends == {2 + TOPIC_WIDTH + len(COLUMNS) * COUNT_WIDTH}


def test_check_names_what_is_due(at: Any, shelf: Path) -> None:
    path = shelf / "twins" / "01_items.toml"
    dated = path.read_text().replace(
        "reviewed_on = 2026-11-15", "reviewed_on = 2025-11-15\nvalid_until = 2027-01-31"
    )
    path.write_text(dated)

    output = CliRunner().invoke(bank, ["check", str(shelf)]).output

    both = "2 题（twins/brushing-01、twins/brushing-02）"
    assert f"  90 天内到期 {both}，一年以上没有核对 {both}\n" in output


def test_check_names_no_more_than_ten_of_what_is_due(at: Any, shelf: Path) -> None:
    path = shelf / "twins" / "01_items.toml"
    head, item = path.read_text().split("[[item]]", 1)[0], path.read_text().split("[[item]]")[1]
    item = "[[item]]" + item.replace('twin = "brushing-a"\n', "valid_until = 2027-01-31\n")
    path.write_text(head + "\n".join(item.replace("brushing-01", f"brushing-{n:02}") for n in range(12)))

    output = CliRunner().invoke(bank, ["check", str(shelf)]).output

    assert "  90 天内到期 12 题（twins/brushing-00、" in output
    assert "twins/brushing-09等），一年以上没有核对 0 题\n" in output


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


def test_check_as_json_gives_figures_and_faults(at: Any) -> None:
    result = CliRunner().invoke(
        bank, ["check", str(BANKS / "good" / "scene"), str(BANKS / "bad" / "tell_not_in_text"), "--json"]
    )

    assert result.exit_code == 1
    told = json.loads(result.output)
    assert (told["errors"], told["warnings"]) == (1, 0)
    assert told["banks"][0] == {
        "code": "scene", "name": "scene", "items": 1, "scenes": 1, "genuine": 0, "twins": 0, "twin_items": 0,
        "by_topic": {"brushing": 1}, "by_kind": {"single_choice": 1}, "by_audience": {"junior": 1},
        "by_difficulty": {"1": 1}, "scene_share": {"part": 1, "whole": 1}, "genuine_share": {"part": 0, "whole": 1},
        "key_places": [0, 1, 0, 0], "key_longest": {"part": 1, "whole": 1, "expected": 0.33, "chance": 0.3333},
        "key_shortest": {"part": 0, "whole": 1, "expected": 0.33, "chance": 1.0}, "key_words": {}, "key_counts": {},
        "expiring": [], "review_due": [], "faults": [],
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
    assert {key: told["all"][key] for key in ("items", "scenes", "key_places", "by_topic")} == {
        "items": 2, "scenes": 2, "key_places": [0, 2, 0, 0], "by_topic": {"brushing": 2}
    }  # fmt: skip


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
        {"code": "twins", "name": "twins", "items": 2, "versions": 2, "drafts": 0, "reviewed": 0}
    ]


def test_schema_prints_what_is_published() -> None:
    assert CliRunner().invoke(bank, ["schema"]).output == files.SCHEMA.read_text(encoding="utf-8")


PLAIN = """1. 对方要你先垫付 50 元，怎么做最稳妥？
A. 先垫付试一次
B. 不垫付，告诉老师
C. 让同学先试
答案：B
解析：先返小钱，再骗大钱。
"""
MORE = """2. 陌生人要你共享屏幕，怎么做最稳妥？
A. 打开共享
B. 挂断，自己找官方电话
C. 只共享一分钟
答案：B
"""
DEFAULTS = ("--topic", "刷单返利", "--audience", "junior", "--source", "校本题库")


@pytest.fixture
def written(app: Flask, tmp_path: Path) -> Any:
    """Write a file of questions into an existing bank's neighbourhood and import it."""
    operations.import_bank(code="test", name="测试题库", items=[], at=NOON, actor=CLI)

    def write(text: str, *words: str, name: str = "q.txt", bank: str = "test") -> Result:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return run(app, "import", path, "--bank", bank, *DEFAULTS, *words)

    return write


def test_import_of_a_file_makes_drafts_and_again_changes_nothing(written: Any) -> None:
    first, second = written(PLAIN), written(PLAIN)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.splitlines()[-1] == (
        "测试题库（test）：新增 1（1 new），修改 0（0 changed），相同 0（0 same）"
    )
    assert second.output.splitlines()[-1] == (
        "测试题库（test）：新增 0（0 new），修改 0（0 changed），相同 1（1 same）"
    )
    (row,) = queries.newest("test")
    assert (row.state, row.number, row.item.topic, row.item.audiences, row.item.difficulty, row.item.source) == (
        "draft", 1, "brushing", ("junior",), 2, "校本题库",
    )  # fmt: skip
    assert queries.latest("test") == []
    assert [entry.action for entry in db.session.query(AuditEntry)] == ["bank.import", "bank.import"]


def test_import_of_a_file_again_publishes_what_was_a_draft(written: Any) -> None:
    written(PLAIN)

    assert written(PLAIN, "--publish").output.splitlines()[-1] == (
        "测试题库（test）：新增 0（0 new），修改 0（0 changed），相同 1（1 same），发布 1（1 published）"
    )
    assert len(queries.latest("test")) == 1


def test_import_that_publishes_takes_no_item_that_lacks_something(written: Any) -> None:
    refused = written(MORE, "--publish")

    assert isinstance(refused.exception, Refusal)
    assert refused.exception.text == "有 1 题没法导入，所以一题也没有导入。"
    assert "解析没有写" in refused.output
    assert queries.newest("test") == []
    assert written(MORE).exit_code == 0


def test_import_of_a_file_tells_what_changes_and_dry_run_writes_nothing(written: Any) -> None:
    written(PLAIN)

    preview = written(PLAIN.replace("先返小钱", "先返小利"), "--dry-run").output.splitlines()

    changed = [line for line in preview if line.startswith("修改")]
    assert [line.rpartition("  ")[2] for line in changed] == ["破绽"]
    assert preview[-2:] == [
        "测试题库（test）：新增 0（0 new），修改 1（1 changed），相同 0（0 same）", "这是预览，没有写入。",
    ]  # fmt: skip
    assert queries.newest("test")[0].number == 1


def test_import_of_a_file_tells_what_it_does_not_take(written: Any) -> None:
    strange = PLAIN.replace("解析：", "难度：神级\n解析：")

    output = written(strange).output.splitlines()

    assert [line for line in output if line.startswith("注意")] == [
        f"注意 第 1 行 {queries.newest('test')[0].item.code}  不认识的难度“神级”，用了“中等”。"
    ]


def test_import_of_several_files_names_the_file_of_each_fault(
    app: Flask, written: Any, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_text(MORE.replace("答案：B\n", ""), encoding="utf-8")

    refused = written(PLAIN, str(tmp_path / "bad.txt"))

    assert isinstance(refused.exception, Refusal)
    assert "没法导入 bad.txt " in refused.output
    assert queries.newest("test") == []


def test_import_of_a_file_into_a_new_bank_needs_its_name(written: Any) -> None:
    refused = written(PLAIN, bank="rural")

    assert isinstance(refused.exception, Refusal)
    assert "还没有题库“rural”" in refused.exception.text
    assert written(PLAIN, "--name", "乡村题库", bank="rural").exit_code == 0
    assert [(row.code, row.name, row.drafts) for row in queries.banks()] == [
        ("rural", "乡村题库", 1), ("test", "测试题库", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("FILE",), "请写 --bank 题库代号"),
        (("FILE", "FOLDER", "--bank", "test"), "请分两次导入"),
        (("FOLDER", "--bank", "test"), "只用于题目文件"),
        (("FOLDER", "--publish"), "只用于题目文件"),
        (("FILE", "--bank", "test", "--retire-missing"), "只用于题库文件夹"),
        (("FILE", "--bank", "test", "--audience", "junior"), "请选一个主题"),
        (("FILE", "--bank", "test", "--topic", "brushing"), "请选适用人群"),
    ],
)
def test_import_with_options_that_do_not_fit_is_refused(
    app: Flask, shelf: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    (tmp_path / "q.txt").write_text(PLAIN, encoding="utf-8")
    places = {"FILE": str(tmp_path / "q.txt"), "FOLDER": str(shelf / "twins")}

    refused = run(app, "import", *(places.get(word, word) for word in words))

    assert isinstance(refused.exception, Refusal)
    assert sentence in refused.exception.text
    assert queries.banks() == []


def test_folder_keeps_what_was_changed_on_the_pages(app: Flask, shelf: Path) -> None:
    run(app, "import", shelf)
    row = queries.newest("twins")[0]
    operations.save_item(
        bank_code="twins", item=replace(row.item, stem="网页上换了问法，怎么做？"), opened=1,
        vocabulary=files.vocabulary(BANKS / "good"), at=NOON, actor=CLI,
    )  # fmt: skip

    for words in (("--dry-run",), ()):
        assert run(app, "import", shelf, *words).output.splitlines()[0] == (
            "twins（twins）：新增 0（0 new），修改 0（0 changed），相同 1（1 same），网页上改过，保留 1 题（1 kept）"
        )
    assert queries.newest("twins")[0].number == 2


@pytest.mark.parametrize("form", ["toml", "gift", "moodle", "qti", "xlsx"])
def test_export_can_be_imported_and_changes_nothing(app: Flask, tmp_path: Path, form: str) -> None:
    operations.import_bank(
        code="test", name="测试题库", items=[an_item("a-1"), an_item("a-2")], at=NOON, actor=CLI
    )
    path = tmp_path / "out"

    done = run(app, "export", "test", "--form", form, "-o", path)
    again = run(app, "import", path, "--bank", "test", *DEFAULTS)

    assert done.exit_code == 0
    assert done.output.splitlines()[-1].startswith("测试题库（test）：导出 2 题，")
    assert again.output.splitlines()[-1].endswith("新增 0（0 new），修改 0（0 changed），相同 2（2 same）")
    assert [entry.action for entry in db.session.query(AuditEntry)] == ["bank.import", "bank.export"]


def test_export_takes_the_items_of_one_state(app: Flask, tmp_path: Path) -> None:
    operations.import_bank(code="test", name="测试题库", items=[an_item("a-1")], at=NOON, actor=CLI)
    path = tmp_path / "out.toml"

    assert isinstance(run(app, "export", "test", "--state", "draft", "-o", path).exception, Refusal)
    assert not path.exists()
    assert run(app, "export", "test", "--state", "published", "-o", path).exit_code == 0
    assert 'code = "a-1"' in path.read_text(encoding="utf-8")
    assert isinstance(run(app, "export", "nothing", "-o", path).exception, queries.UnknownBank)
