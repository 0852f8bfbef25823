"""Erasing who signed, declared and answered: on its day, all at once, and every count stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from quizsvc import audit, clock
from quizsvc.campaign import queries as campaign
from quizsvc.core import questionnaire
from quizsvc.db import db
from quizsvc.declaration.models import Declaration, Referral
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Exemption
from quizsvc.survey import queries as survey
from quizsvc.survey.models import Box, Turnout
from quizsvc.upkeep import erase
from tests import make

ERASE_DAY = datetime(2027, 2, 1, 0, 30, tzinfo=UTC)
ANSWERS_DAY = ERASE_DAY + timedelta(days=150)
SPEAKING = ("enrolment_id", "device_hash", "receipt", "name", "signature", "referral_id", "void_reason")


def test_signatures_owners_and_turnout_go_and_no_count_changes(app: Flask, at: Any) -> None:
    unit = make.a_class(make.a_school(make.a_county()), pupils=6)
    drive = make.a_campaign(unit)
    receipt = make.a_sheet_round(unit, campaign=drive)
    adoption = make.a_sheet_round(unit, "adoption", campaign=drive, referrals=True)
    asked = make.a_survey(
        unit, questionnaire.Question("long", "还想说什么？", False, high=500), campaign=drive,
        answers=[{0: f"第 {n} 句"} for n in range(6)],
    )  # fmt: skip
    signed = make.a_declaration(receipt, unit, 1, name=b"sealed".hex(), signature="M0 0")
    make.a_declaration(receipt, unit, 2, met=False)
    make.a_declaration(receipt, unit, 3, voided_at=make.CLOSES, void_reason="写错了")
    make.saved(
        Exemption(
            enrolment_id=signed.enrolment_id, reason="休学", approved_by="cli", approved_at=make.LONG_AGO
        )
    )
    owner = make.a_declaration(adoption, unit, 4)
    code = make.saved(
        Referral(round_id=adoption.id, unit_id=unit.id, enrolment_id=owner.enrolment_id, code="AB12CD34",
                 made_at=make.OPENS)
    )  # fmt: skip
    make.a_declaration(adoption, unit, 5, referral_id=code.id)
    rounds = [campaign.round_of(one.id) for one in (receipt, adoption, asked)]
    path = unit.path

    def counts() -> Any:
        db.session.rollback()
        return [rollup.unit_tallies(one, path) for one in rounds]

    before = counts()
    assert [one[unit.id].done for one in before] == [1, 2, 6]

    at(ERASE_DAY)
    outcome = erase.carry_out(on=clock.local_day(ERASE_DAY), at=ERASE_DAY, actor=audit.CLI)
    gone = {one.step.kind: one.count for one in outcome.done if one.count}
    assert gone == {"签名和座位的联系": 5, "推广码的主人": 1, "谁答过问卷": 6} | {
        kind: gone[kind] for kind in gone if kind in ("免测原因",)
    }
    assert counts() == before
    assert {
        tuple(getattr(row, name) for name in SPEAKING) for row in db.session.scalars(select(Declaration))
    } == {(None,) * len(SPEAKING)}
    assert [(row.enrolment_id, row.code) for row in db.session.scalars(select(Referral))] == [(None, None)]
    assert {head[:1] for head in db.session.scalars(select(Turnout.head))} == {survey.ERASED}
    words = select(func.count()).select_from(Box).where(Box.kind == "words")
    assert db.session.scalar(words) == 1

    at(ANSWERS_DAY)
    erase.carry_out(on=clock.local_day(ANSWERS_DAY), at=ANSWERS_DAY, actor=audit.CLI)
    assert counts() == before
    assert db.session.scalar(words) == 0
