"""The commands campaign and round."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign import queries
from quizsvc.campaign.cli import campaign, round_
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from tests import make
from tests.campaign.conftest import County, a_picture

CAMPAIGN = [
    "open", "--code", "winter", "--name", "冬季反诈测试", "--unit", "yg/sy/", "--term", "2026-2027-1",
    "--target-on", "2026-12-30", "--organiser", "县教育局", "--organiser", "县公安局", "--erase-on", "2027-06-30",
]  # fmt: skip
ROUND = [
    "open", "--campaign", "autumn", "--code", "r-1", "--unit", "yg/sy/", "--unit", "yg/yz/801/",
    "--opens", "2026-12-14T08:00", "--closes", "2026-12-20 18:00", "--attempts", "2", "--after-submit", "score",
    "--late", "reject",
]  # fmt: skip


@pytest.fixture
def run(app: Flask, at: Any) -> Any:
    def invoke(group: Any, *words: str) -> str:
        db.session.rollback()
        result = app.test_cli_runner().invoke(group, list(words), catch_exceptions=True)
        if isinstance(result.exception, Refusal):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_campaign_is_opened_and_listed(county: County, run: Any) -> None:
    assert run(campaign, *CAMPAIGN, "--dry-run") == "检查通过，没有写入：活动 winter\n"
    assert len(queries.campaigns([""])) == 1
    assert run(campaign, *CAMPAIGN, "--test") == "已写入：活动 winter（测试·不计入）\n"

    row = queries.campaign_by_code("winter")
    assert (row.unit_path, row.organisers, row.is_test) == ("yg/sy/", ("县教育局", "县公安局"), True)
    lines = run(campaign, "list").splitlines()
    assert len(lines) == 3
    assert lines[-1] == "共 2 个活动"
    assert [line.endswith("测试·不计入") for line in lines] == [line.startswith("winter") for line in lines]
    listed = json.loads(run(campaign, "list", "--json"))
    assert [one["target_on"] for one in listed if one["code"] == "winter"] == ["2026-12-30"]
    with pytest.raises(Refusal, match="已经有代号"):
        run(campaign, *CAMPAIGN)


def test_account_is_read_from_a_file(county: County, run: Any, tmp_path: Path) -> None:
    image = tmp_path / "code.jpg"
    image.write_bytes(a_picture(form="JPEG"))
    said = run(campaign, "account", "autumn", "1", "终结诈骗", str(image), "--dry-run")
    assert said.startswith("检查通过，没有写入：第 1 个公众号：终结诈骗")
    assert queries.accounts(county.campaign.id) == ()

    assert run(campaign, "account", "autumn", "1", "终结诈骗", str(image)).startswith("已写入：第 1 个公众号")
    assert queries.accounts(county.campaign.id) == (queries.AccountRow(1, "终结诈骗"),)
    image.write_text("no picture")
    with pytest.raises(Refusal, match="PNG 或 JPG"):
        run(campaign, "account", "autumn", "1", "终结诈骗", str(image))


def test_round_is_opened_prolonged_closed_and_listed(county: County, run: Any, at: Any) -> None:
    words = [*ROUND, "--paper", county.paper.code]
    assert run(round_, *words, "--dry-run") == "检查通过，没有写入：场次 r-1\n"
    assert queries.rounds_over([""]) == []
    assert run(round_, *words) == "已写入：场次 r-1\n"

    row = queries.round_by_code("r-1")
    assert queries.round_paths(row.id) == ("yg/sy/", "yg/yz/801/")
    assert (row.attempts, row.review_after_submit, row.late) == (2, ("score",), "reject")
    assert "2026-12-14 08:00 至 2026-12-20 18:00  未开始" in run(round_, "list")

    at(row.opens_at.replace(hour=5))
    later = run(round_, "prolong", "r-1", "--closes", "2026-12-21T18:00", "--dry-run")
    assert later == "检查通过，没有写入：场次 r-1：结束时间 2026-12-20 18:00 → 2026-12-21 18:00\n"
    run(round_, "prolong", "r-1", "--closes", "2026-12-21T18:00")
    assert run(round_, "close", "r-1", "--dry-run").startswith("检查通过")
    assert "至 2026-12-21 18:00  进行中" in run(round_, "list")
    assert run(round_, "close", "r-1") == "已写入：场次 r-1：原定 2026-12-21 18:00 结束，现在结束\n"
    assert run(round_, "list").endswith("已结束\n共 1 个场次\n")
    assert json.loads(run(round_, "list", "--json"))[0]["closes_at"] == "2026-12-14T05:00:00+00:00"


def test_round_on_an_unknown_paper_or_unit_is_refused(county: County, run: Any) -> None:
    with pytest.raises(Refusal, match="没有代号是“none”的试卷"):
        run(round_, *ROUND, "--paper", "none")
    with pytest.raises(Refusal, match="单位"):
        run(round_, *ROUND, "--paper", county.paper.code, "--unit", "yg/none/")


def test_round_of_a_test_campaign_is_listed_with_its_watermark(county: County, run: Any) -> None:
    make.a_round(county.school, county.paper, make.a_campaign(county.unit, is_test=True))
    assert run(round_, "list").splitlines()[0].endswith("测试·不计入")
