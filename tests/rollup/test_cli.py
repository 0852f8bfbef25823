import json
from datetime import timedelta
from typing import Any

from click.testing import Result
from flask import Flask

from quizsvc.core.refusal import Unknown
from quizsvc.rollup.cli import rollup
from tests import make
from tests.conftest import NOON


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(rollup, ["show", *words])


def a_county_with_a_round() -> Any:
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=3)
    round_ = make.a_round(school, code="autumn")
    make.an_attempt(round_, unit, 1)
    make.an_attempt(round_, unit, 2, score=10, correct=[True, False, False])
    make.an_attempt(round_, unit, 2, ordinal=2, submitted_at=make.OPENS + timedelta(days=9))
    return round_


def test_json_tells_every_level_with_heads_and_rates(app: Flask, at: Any) -> None:
    a_county_with_a_round()
    told = json.loads(run(app, "autumn", "--json").output)
    assert (told["round"], told["as_of"]) == ("autumn", NOON.isoformat())
    assert [unit["path"] for unit in told["units"]] == ["yg/sy/", "yg/sy/703/"]
    assert told["units"][1] == {
        "code": "703", "path": "yg/sy/703/", "name": "七年级（3）班", "kind": "class", "expected": 3, "exempt": 0,
        "done": 2, "open": 0, "aware": 2, "first_aware": 1, "full": 2, "score": 60, "out_of": 60, "missing": 1,
        "coverage": 6666, "awareness": 6666, "first_awareness": 3333,
    }  # fmt: skip


def test_table_tells_the_same_in_words(app: Flask, at: Any) -> None:
    a_county_with_a_round()
    assert run(app, "autumn").output == (
        "autumn  截至 2026-12-12 12:00\n"
        "单位\t应测\t已测\t还差\t完成率\t首测知晓率\t学后知晓率\n"
        "yg/sy/\t3\t2\t1\t66.6%\t33.3%\t66.6%\n"
        "yg/sy/703/\t3\t2\t1\t66.6%\t33.3%\t66.6%\n"
    )


def test_under_takes_a_path_with_or_without_the_last_slash(app: Flask, at: Any) -> None:
    a_county_with_a_round()
    for path in ("yg/sy/703/", "yg/sy/703"):
        told = json.loads(run(app, "autumn", "--under", path, "--json").output)
        assert [unit["path"] for unit in told["units"]] == ["yg/sy/703/"]


def test_unknown_round_and_unknown_unit_are_refused(app: Flask, at: Any) -> None:
    a_county_with_a_round()
    assert isinstance(run(app, "spring").exception, Unknown)
    assert isinstance(run(app, "autumn", "--under", "yg/zz").exception, Unknown)
