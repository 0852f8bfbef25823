"""The roster from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.core.refusal import Refusal
from quizsvc.roster import queries
from quizsvc.roster.cli import roster
from quizsvc.roster.models import Person
from tests import make
from tests.roster.conftest import Tree, rows

TEXT = "年级,班级,座号,学号,姓名\n七年级,1,1,A1,李铭\n七年级,5,1,N1,新来\n"


def run(app: Flask, *arguments: Any) -> Any:
    return app.test_cli_runner().invoke(roster, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "名单.csv"
    path.write_text(TEXT, encoding="gb18030")
    return path


def test_a_dry_run_tells_and_changes_nothing(app: Flask, tree: Tree, file: Path):
    result = run(app, "import", file, "--under", "yg/sy", "--term", make.TERM, "--dry-run")
    assert (result.exit_code, result.output) == (
        0, "新单位 1，新增 1，改动 1，换班 0，返回 0，移出 0，不变 0；名单里没有的 2。没有写入。\n",
    )  # fmt: skip
    assert len(rows(Person, Person.id)) == 3


def test_an_import_prints_counts_and_leaves_the_missing(app: Flask, tree: Tree, file: Path):
    result = run(app, "import", file, "--under", "yg/sy/", "--term", make.TERM)
    assert (result.exit_code, result.output) == (
        0, "新单位 1，新增 1，改动 1，换班 0，返回 0，移出 0，不变 0；改了 2 个班的应测人数。\n",
    )  # fmt: skip
    result = run(app, "import", file, "--under", "yg/sy/", "--term", make.TERM, "--remove-missing")
    assert (
        result.output == "新单位 0，新增 0，改动 0，换班 0，返回 0，移出 2，不变 2；改了 1 个班的应测人数。\n"
    )


def test_rejected_lines_are_listed_and_nothing_is_imported(app: Flask, tree: Tree, file: Path):
    file.write_text(TEXT + "七年级,5,1,N2,再来\n七年级,,2,,\n", encoding="utf-8")
    result = run(app, "import", file, "--under", "yg/sy/", "--term", make.TERM)
    assert isinstance(result.exception, Refusal)
    assert result.exception.text == "有 2 行要先改好，一个人也没有导入。"
    assert result.stderr.splitlines() == [
        "第 4 行（座号）：座号 1 在这个班里重复：第 3 行也是 1 号。",
        "第 5 行（班级）：缺少班级。合并的单元格请先拆开，每一行都填上。",
    ]
    assert len(rows(Person, Person.id)) == 3


def test_a_taken_seat_is_listed_unless_the_missing_leave(app: Flask, tree: Tree, file: Path):
    file.write_text("年级,班级,座号,学号\n七年级,1,1,N1\n", encoding="utf-8")
    result = run(app, "import", file, "--under", "yg/sy/", "--term", make.TERM)
    assert "第 2 行（座号）：1 号现在是名单里没有的另一位同学" in result.stderr
    assert isinstance(result.exception, Refusal)
    result = run(app, "import", file, "--under", "yg/sy/", "--term", make.TERM, "--remove-missing")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("path", "term", "text"),
    [
        ("yg/nowhere", make.TERM, "没有找到这个单位，或者它不归你管。"),
        ("yg/sy", "今年", "学期要写成“2026-2027-1”这样：两个相连的年份，再加 1（秋季）或 2（春季）。"),
    ],
)
def test_imports_that_are_refused(path: str, term: str, text: str, app: Flask, tree: Tree, file: Path):
    result = run(app, "import", file, "--under", path, "--term", term)
    assert str(result.exception) == text


def test_a_file_too_large_is_not_even_read(app: Flask, tree: Tree, file: Path):
    with file.open("wb") as big:
        big.truncate(5 * 1024 * 1024 + 1)
    result = run(app, "import", file, "--under", "yg/sy", "--term", make.TERM)
    assert str(result.exception) == "文件太大，最大 5 MB。请只留下名单一张表，去掉图片。"


def test_a_list_of_companies_is_imported_and_again_changes_nothing(app: Flask, tree: Tree, file: Path):
    file.write_text("企业,人数\n东工有限公司,3\n西工有限公司,2\n", encoding="gb18030")
    for new, places, counted in ((2, 5, 2), (0, 0, 0)):
        result = run(app, "import", file, "--under", "yg", "--term", make.TERM)
        assert (result.exit_code, result.output) == (
            0, f"新单位 {new}，新增 {places}，改动 0，换班 0，返回 0，移出 0，不变 0；"
               f"改了 {counted} 个企业的应测人数。\n",
        )  # fmt: skip
    result = run(app, "import", file, "--under", "yg/sy", "--term", make.TERM)
    assert str(result.exception).startswith("“阳光县实验中学”下面不能导入企业名单")


def test_units_are_made_at_their_path(app: Flask, tree: Tree):
    assert run(app, "unit", "hb", "湖滨县", "county").output == "新建了“湖滨县”：hb/\n"
    assert run(app, "unit", "hb/ez", "第二中学", "school", "--dry-run").output == (
        "会在湖滨县下面新建“第二中学”（ez）。没有写入。\n"
    )
    assert [row.path for row in queries.under("hb/")] == ["hb/"]
    assert run(app, "unit", "hb/ez/", "第二中学", "school").exit_code == 0
    assert str(run(app, "unit", "hb/ez/", "别的", "school").exception) == "代号“ez”已经用在别的单位上。"


def test_head_counts_are_set(app: Flask, tree: Tree):
    assert run(app, "headcount", "yg/sy/g7/c2", 6, "--term", make.TERM, "--dry-run").output == (
        "会添上 2 个座号，去掉 0 个。没有写入。\n"
    )
    assert run(app, "headcount", "yg/sy/g7/c2", 6, "--term", make.TERM).output == (
        "七年级（2）班：原来4 人，现在 6 人。\n"
    )
    for dry in ([], ["--dry-run"]):
        result = run(app, "headcount", "yg/sy", 6, "--term", make.TERM, *dry)
        assert str(result.exception) == "应测人数设在班级上：上级单位的人数由各班相加。"
    assert run(app, "headcount", "yg/sy/g7/c2", 100, "--term", make.TERM).exit_code == 2


def test_the_list_in_words_and_as_json(app: Flask, tree: Tree, at: Any):
    assert run(app, "list", "yg/sy").output.splitlines() == [
        "yg/sy/  阳光县实验中学",
        "yg/sy/g7/  七年级",
        "yg/sy/g7/c1/  七年级（1）班  应测 0，免测 0",
        "yg/sy/g7/c2/  七年级（2）班  应测 4，免测 0",
        "4 个单位，2026 年秋季学期。",
    ]
    told = json.loads(run(app, "list", "--json").output)
    assert (told["term"], len(told["units"])) == (make.TERM, 7)
    assert told["units"][3] == {
        "path": "yg/sy/g7/c1/", "code": "c1", "name": "七年级（1）班", "kind": "class", "expected": 0, "named": 3,
        "exempt": 0,
    }  # fmt: skip
