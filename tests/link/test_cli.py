"""The command link."""

import json
from typing import Any

import pytest
from flask import Flask

from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link import queries
from quizsvc.link.cli import link
from tests import make
from tests.link.conftest import Town


@pytest.fixture
def run(app: Flask, at: Any) -> Any:
    def invoke(*words: str) -> str:
        db.session.rollback()
        result = app.test_cli_runner().invoke(link, list(words))
        if isinstance(result.exception, Refusal):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return invoke


def test_links_are_issued_for_a_school_and_then_for_the_rest(town: Town, run: Any) -> None:
    assert run("issue", "autumn-1", "--dry-run") == "检查通过，没有写入：新发 3 个链接，原有 0 个不变\n"
    assert run("issue", "autumn-1", "--unit", "yg/sy/") == "已写入：新发 2 个链接，原有 0 个不变\n"
    assert run("issue", "autumn-1") == "已写入：新发 1 个链接，原有 2 个不变\n"
    assert (
        run("issue", "autumn-1", "--unit", "yg/yz/", "--place", "食堂")
        == "已写入：新发 1 个链接，原有 0 个不变\n"
    )

    listed = json.loads(run("list", "autumn-1", "--json"))
    assert [(one["unit"], one["place"], one["state"]) for one in listed] == [
        ("七年级（1）班", "", "open"), ("七年级（2）班", "", "open"), ("八年级（1）班", "", "open"),
        ("八年级（1）班", "食堂", "open"),
    ]  # fmt: skip
    assert listed[0]["address"] == f"http://fz.test/c/{listed[0]['code']}"
    lines = run("list", "autumn-1", "--unit", "yg/sy/").splitlines()
    assert [line.startswith(one["code"]) for line, one in zip(lines, listed, strict=False)][:2] == [
        True,
        True,
    ]
    assert lines[-1] == "共 2 个链接"


def test_code_as_people_type_it_is_repointed_extended_and_revoked(town: Town, run: Any) -> None:
    run("issue", "autumn-1", "--unit", "yg/sy/g7/701/")
    (door,) = queries.doors_of(town.round.id, "yg/")
    typed = f"{door.code[:4]}-{door.code[4:]}".lower()

    run("repoint", typed, "--unit", "yg/yz/801/", "--dry-run")
    assert queries.door(door.code).unit_name == "七年级（1）班"
    assert run("repoint", typed, "--unit", "yg/yz/801/") == f"已写入：{door.code} 换了指向\n"
    assert queries.door(door.code).unit_name == "八年级（1）班"

    run("extend", typed, "--closes", "2026-12-24 18:00")
    assert queries.door(door.code).closes_at.isoformat() == "2026-12-24T10:00:00+00:00"

    assert run("revoke", typed, "--dry-run").startswith("检查通过")
    assert run("revoke", typed) == f"已写入：{door.code}（阳光县第一中学八年级（1）班）停用\n"
    assert run("list", "autumn-1") == "共 0 个链接\n"
    assert "已停用" in run("list", "autumn-1", "--all")
    with pytest.raises(queries.UnknownLink):
        run("revoke", typed)


def test_mistyped_code_is_refused_before_the_database_is_asked(town: Town, run: Any) -> None:
    with pytest.raises(Refusal, match="抄错了"):
        run("revoke", "7K3M9Q3")


def test_links_of_a_test_campaign_are_listed_with_the_watermark(town: Town, run: Any) -> None:
    trial = make.a_round(town.school, town.paper, make.a_campaign(town.school, is_test=True), code="trial")
    make.a_link(trial, town.class_1)
    assert run("list", "trial").splitlines()[0].endswith("测试·不计入")
