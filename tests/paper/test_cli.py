"""quizsvc paper check | freeze | list."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries
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
