"""quizsvc paper check | freeze | list | print."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from quizsvc.core.refusal import Refusal
from quizsvc.paper import files, queries
from quizsvc.paper.cli import paper
from tests.make import an_item
from tests.paper.conftest import imported

PLAN = """\
code = "small"
title = "小测试"
banks = ["test"]
audience = "junior"

[[rule]]
count = 2
points = 10
topic = "brushing"
kind = "single_choice"

[[fixed]]
item = "test/fixed-01"
points = 20
"""

needs_typst = pytest.mark.skipif(find_spec("typst") is None, reason="typst is not installed (extra: print)")


@pytest.fixture
def plan(app: Flask, tmp_path: Path) -> Path:
    """A blueprint that can be filled."""
    imported(
        *(an_item(f"brushing-{number}") for number in range(3)), an_item("fixed-01", topic="fake_police")
    )
    path = tmp_path / "small.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def run(app: Flask, *words: object) -> Result:
    return app.test_cli_runner().invoke(paper, [str(word) for word in words])


def test_check_tells_rules_and_choice_and_freezes_nothing(app: Flask, plan: Path) -> None:
    result = run(app, "check", plan)

    assert result.exit_code == 0
    assert result.output == (
        "小测试（small）：3 题 40 分，从 4 题中抽\n"
        "  固定题：1 题 20 分，可选 1 组\n"
        "  刷单返利×单选：2 题 20 分，可选 3 组\n"
    )
    assert queries.papers() == []


def test_check_of_an_unfillable_plan_tells_the_shortfall_and_ends_with_one(app: Flask, plan: Path) -> None:
    plan.write_text(PLAN.replace("count = 2", "count = 5"), encoding="utf-8")

    result = run(app, "check", plan)

    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == "  题不够  刷单返利×单选：需 5，缺 2"


def test_freeze_twice_is_one_paper(app: Flask, plan: Path) -> None:
    first, second = run(app, "freeze", plan), run(app, "freeze", plan)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output == second.output
    [row] = queries.papers()
    assert first.output.splitlines()[-1] == f"已冻结，编号 {row.id}，指纹 {row.content_hash}"


def test_freeze_dry_run_writes_nothing(app: Flask, plan: Path) -> None:
    result = run(app, "freeze", plan, "--dry-run")

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "这是检查，没有冻结。"
    assert queries.papers() == []


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_freeze_refuses_with_the_shortfall(app: Flask, plan: Path, options: tuple[str, ...]) -> None:
    plan.write_text(PLAN.replace("count = 2", "count = 5"), encoding="utf-8")

    result = run(app, "freeze", plan, *options)

    assert isinstance(result.exception, Refusal)
    assert result.exception.text == "题不够，试卷没有冻结：刷单返利×单选：需 5，缺 2。"
    assert queries.papers() == []


def test_list_tells_papers(app: Flask, plan: Path) -> None:
    run(app, "freeze", plan)
    [row] = queries.papers()

    assert run(app, "list").output == (
        f"{row.id}  small  小测试：3 题 40 分，从 4 题中抽，指纹 {row.content_hash[:16]}\n共 1 份试卷。\n"
    )
    [told] = json.loads(run(app, "list", "--json").output)
    assert (told["code"], told["item_count"], told["total_points"], told["pool"]) == ("small", 3, 40, 4)
    assert told["content_hash"] == row.content_hash


@needs_typst
def test_print_writes_the_paper_of_a_seed_with_its_sheet(app: Flask, plan: Path, tmp_path: Path) -> None:
    run(app, "freeze", plan)
    target = tmp_path / "卷.pdf"

    result = run(app, "print", "small", "--seed", "abc", "-o", target)

    assert result.output == f"已写好 {target}，卷号 abc\n"
    [row] = queries.papers()
    known = queries.frozen(row.id)
    assert target.read_bytes() == files.printed_together(known, seed="abc", parts=("paper", "sheet"))
    assert sorted(path.name for path in tmp_path.glob("*.pdf")) == ["卷.pdf"]


@needs_typst
def test_print_of_several_forms_keeps_each_and_its_key_apart(app: Flask, plan: Path, tmp_path: Path) -> None:
    run(app, "freeze", plan)

    result = run(
        app, "print", "small", "--seed", "abc", "--forms", 2, "--with-key", "-o", tmp_path / "form.pdf"
    )

    assert result.output.splitlines() == [
        "正在排版",
        f"已写好 {tmp_path / 'form-1.pdf'}，卷号 abc-1",
        f"已写好 {tmp_path / 'form-2.pdf'}，卷号 abc-2",
        "名字带 -key 的是答案和解析，只给教师。",
    ]
    [row] = queries.papers()
    known = queries.frozen(row.id)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.pdf")} == {
        "form-1.pdf": files.printed_together(known, seed="abc-1", parts=("paper", "sheet")),
        "form-1-key.pdf": files.printed(known, seed="abc-1", part="key"),
        "form-2.pdf": files.printed_together(known, seed="abc-2", parts=("paper", "sheet")),
        "form-2-key.pdf": files.printed(known, seed="abc-2", part="key"),
    }


@needs_typst
def test_print_without_a_seed_tells_the_one_it_chose(app: Flask, plan: Path, tmp_path: Path) -> None:
    run(app, "freeze", plan)
    first, again = tmp_path / "first.pdf", tmp_path / "again.pdf"

    seed = run(app, "print", "small", "-o", first).output.split()[-1]
    run(app, "print", "small", "--seed", seed, "-o", again)

    assert len(seed) == 8
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("other",), "没有代号是“other”的试卷。冻结了哪些，可以用 quizsvc paper list 看。"),
        (("small", "--seed", "卷一"), "卷号只能用字母、数字和连字符“-”，最多 32 个。"),
        (("small", "--seed", "a" * 31, "--forms", 2), "卷号只能用字母、数字和连字符“-”，最多 32 个。"),
    ],
)
def test_print_refuses_and_writes_nothing(
    app: Flask, plan: Path, tmp_path: Path, words: tuple[object, ...], sentence: str
) -> None:
    run(app, "freeze", plan)

    result = run(app, "print", *words, "-o", tmp_path / "forms.pdf")

    assert isinstance(result.exception, Refusal)
    assert result.exception.text == sentence
    assert list(tmp_path.glob("*.pdf")) == []


@needs_typst
def test_print_into_a_folder_that_is_not_there_is_refused(app: Flask, plan: Path, tmp_path: Path) -> None:
    run(app, "freeze", plan)
    target = tmp_path / "none" / "forms.pdf"

    result = run(app, "print", "small", "-o", target)

    assert isinstance(result.exception, Refusal)
    assert result.exception.text == f"写不了 {target}，请看看文件夹在不在、能不能写。"
