"""`quizsvc bulletin`: what it prints, what it writes, what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.bulletin.cli import bulletin
from tests.bulletin.conftest import Drive


@pytest.fixture
def run(app: Flask, drive: Drive) -> Any:
    return lambda *words: app.test_cli_runner().invoke(bulletin, [str(word) for word in words])


def test_a_bulletin_is_drafted_issued_and_written(run: Any, drive: Drive, tmp_path: Path) -> None:
    told = run("draft", drive.campaign.code)
    assert told.exit_code == 0, told.output
    assert "拟稿 1：关于 2026 秋季反诈测试进展情况的通报（拟稿），数据截至 2026-12-12 12:00" in told.output

    told = run("issue", 1, "--out", tmp_path / "out")
    assert told.exit_code == 0, told.output
    assert "（第 1 期），指纹" in told.output
    files = sorted(tmp_path.glob("out/*"))
    assert [one.suffix for one in files] == [".docx", ".pdf"]

    bodies = [one.read_bytes() for one in files]
    assert run("export", 1, tmp_path / "again").exit_code == 0
    assert [one.read_bytes() for one in sorted(tmp_path.glob("again/*"))] == bodies


def test_a_dry_run_writes_nothing(run: Any, drive: Drive) -> None:
    assert "可以拟：阳光县的月通报，没有写入" in run("draft", drive.campaign.code, "--dry-run").output
    assert run("list").output == "共 0 份拟稿，0 期已发出\n"
    run("draft", drive.campaign.code)
    assert "（拟稿），没有发出" in run("issue", 1, "--dry-run").output
    assert "共 1 份拟稿，0 期已发出" in run("list").output


def test_what_there_is_is_listed(run: Any, drive: Drive) -> None:
    run("draft", drive.campaign.code)
    run("issue", 1)
    run("draft", drive.campaign.code, "--period", "week")

    told = run("list").output
    assert (
        "已发出 1  阳光县  月通报  2026-12-12 12:00  关于 2026 秋季反诈测试进展情况的通报（第 1 期）" in told
    )
    assert "共 1 份拟稿，1 期已发出" in told
    both = json.loads(run("list", "--json").output)
    assert [(one["state"], one["period"], one["unit"]) for one in both] == [
        ("draft", "week", "yg/"), ("issued", "month", "yg/"),
    ]  # fmt: skip


def test_a_unit_and_a_period_can_be_chosen(run: Any, drive: Drive) -> None:
    told = run("draft", drive.campaign.code, "--under", "/yg/sy/", "--period", "week")

    assert "进展情况的周报" in told.output
    assert run("draft", drive.campaign.code, "--under", "yg/nowhere").exit_code == 1
    assert run("draft", "no-such-campaign").exit_code == 1
    assert run("issue", 99).exit_code == 1


def test_the_week_is_printed_for_each_class(run: Any, drive: Drive) -> None:
    told = run("week", drive.campaign.code)

    assert told.exit_code == 0, told.output
    assert told.stdout.count("本周反诈提醒") == 2
    assert "2026-12-07 至 2026-12-13，2 个班" in told.stderr
    assert "七年级" not in run("week", drive.campaign.code, "--under", "yg/ez").stdout
