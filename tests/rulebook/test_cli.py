"""The commands `quizsvc rules …`."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign.models import Round
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.rulebook import operations, queries
from quizsvc.rulebook.cli import rules
from tests import make
from tests.rulebook.test_files import WHOLE


@pytest.fixture
def run(app: Flask, at: Any, contest: Round) -> Any:
    at(make.OPENS.replace(month=11))

    def invoke(*words: str, code: int = 0) -> str:
        db.session.rollback()
        result = app.test_cli_runner().invoke(rules, list(words), catch_exceptions=True)
        if isinstance(result.exception, Refusal):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "rules.toml"
    written.write_text(WHOLE, encoding="utf-8")
    return written


def test_rules_are_checked_published_and_shown(run: Any, contest: Round, file: Path) -> None:
    assert run("check", str(file)).startswith("内容齐了，指纹 ")
    assert "检查通过，没有公布：第 1 版" in run("publish", str(file), "--confirm", "quiz-2026", "--dry-run")
    assert queries.in_force(contest.id) is None

    assert "已公布：第 1 版" in run("publish", str(file), "--confirm", "quiz-2026")

    version = queries.in_force(contest.id)
    assert version.rules == make.rules_of(queries.facts(contest.id))
    shown = run("show", "quiz-2026")
    assert (
        shown.splitlines()[0]
        == "全民反诈知识竞赛：每人每天可以答 3 次，2026年12月20日 18:00 截止，共 15 份奖品。"
    )
    assert "  一等奖 2 名：平板电脑，按名次" in shown
    assert f"第 1 版  2026年11月1日 08:00  {version.hash}" in shown
    text = run("show", "quiz-2026", "--json")
    assert hashlib.sha256(text.encode()).hexdigest() == version.hash


def test_gaps_are_listed_and_the_command_fails(run: Any, file: Path) -> None:
    file.write_text(
        WHOLE.replace("tax =", "documents2 =").replace("documents2", "approval"), encoding="utf-8"
    )

    assert run("check", str(file), code=1) == "税费：请写明税费由谁承担。\n"
    with pytest.raises(operations.NotYet):
        run("publish", str(file), "--confirm", "quiz-2026")


def test_what_may_not_change_any_more_is_told_before(run: Any, at: Any, file: Path) -> None:
    run("publish", str(file), "--confirm", "quiz-2026")
    at(make.OPENS)
    file.write_text(
        WHOLE.replace("number = 10", "number = 9").replace("0555-1234567", "12345"), encoding="utf-8"
    )

    told = run("check", str(file), code=1)

    assert told.splitlines()[-1] == "奖项：比赛已经开始，“奖项”不能再改。"
    assert "和第 1 版不同：投诉和咨询：阳光县教育局 0555-1234567 → 阳光县教育局 12345" in told
    file.write_text(WHOLE.replace("0555-1234567", "12345"), encoding="utf-8")
    assert "已公布：第 2 版" in run("publish", str(file), "--confirm", "quiz-2026", "--reason", "换了电话")
    assert "：换了电话" in run("show", "quiz-2026")


def test_contest_without_rules_has_nothing_to_show(run: Any) -> None:
    with pytest.raises(Refusal, match="还没有公布规则"):
        run("show", "quiz-2026")
