"""I17: a bulletin that was changed after it was issued is found out."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from quizsvc.audit import CLI
from quizsvc.bulletin import operations, queries
from quizsvc.bulletin.models import Issued
from quizsvc.core import bulletin
from quizsvc.db import db
from quizsvc.upkeep import issued
from tests import make
from tests.conftest import NOON


@pytest.fixture
def row(app: Flask, at: Any) -> Issued:
    """A bulletin issued by its operations, second of two."""
    county = make.a_county()
    make.a_class(make.a_school(county), 5)
    round_ = make.a_round(county)
    for _ in range(2):
        draft_id = operations.begin(
            campaign_id=round_.campaign_id, unit_id=county.id, period="month", at=NOON, actor=CLI
        )
        done = operations.issue(draft_id=draft_id, seen=queries.draft(draft_id).saved_at, at=NOON, actor=CLI)
    return db.session.get_one(Issued, done)


def faults() -> list[str | None]:
    db.session.commit()
    return list(issued.unchanged())


def test_what_was_issued_is_sound(row: Issued) -> None:
    assert faults() == [None, None]


def test_changed_sentences_are_found(row: Issued) -> None:
    row.content = {**row.content, "texts": {**row.content["texts"], "demands": "没有要求。"}}

    assert faults() == [None, f"通报 {row.id}（第 2 期）的内容和发出时的指纹不同"]


def test_changed_sentences_with_a_fingerprint_to_match_are_found(row: Issued) -> None:
    row.content = {**row.content, "texts": {**row.content["texts"], "demands": "没有要求。"}}
    row.hash = bulletin.digest(row.content)

    assert faults() == [None, f"通报 {row.id}（第 2 期）的指纹和操作记录里的不同"]


def test_a_bulletin_that_was_put_in_by_hand_is_found(row: Issued) -> None:
    db.session.execute(text("UPDATE bulletin_issue SET anchor_seq = 999 WHERE issue_no = 2"))
    assert faults() == [None, f"通报 {row.id}（第 2 期）在操作记录里找不到"]
    db.session.execute(text("UPDATE bulletin_issue SET anchor_seq = 1 WHERE issue_no = 2"))
    assert faults()[1] == f"通报 {row.id}（第 2 期）在操作记录里找不到"
