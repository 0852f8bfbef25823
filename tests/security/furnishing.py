"""What the two counties lack for tests of texts: a row in every table, and something in every column."""

from sqlalchemy import select, update

from quizsvc import audit
from quizsvc.campaign.models import Campaign, Round
from quizsvc.core import bankfile
from quizsvc.db import Base, db
from quizsvc.declaration.models import Referral, Total
from quizsvc.rights.models import Request
from quizsvc.roster.models import Enrolment, Exemption, Person, Unit
from quizsvc.survey.models import Box
from tests import make
from tests.conftest import NOON
from tests.world import Place, World


def furnish(world: World) -> None:
    """Add what the world lacks: a row for every column, a question with a scene, names behind the seats."""
    own = world.places["own"]
    tables = Base.metadata.tables
    content = bankfile.content_of(
        make.an_item(
            "brushing-01",
            scene=bankfile.Scene("sms", "1069 开头号码", "名额有限，先到先得", tells=("名额有限",)),
            region="阳光县",
        )
    )
    wordings, papers, enrolments = (
        tables[name] for name in ("bank_item_version", "paper_paper", "roster_enrolment")
    )
    quiz = papers.c.kind == "quiz"
    whole = db.session.execute(papers.select().where(quiz)).mappings().one()["content"]
    whole["items"][0]["item"] = content
    db.session.execute(update(papers).where(quiz).values(content={**whole, "topics": {"brushing": "刷单"}}))
    db.session.execute(
        update(wordings)
        .where(wordings.c.id == 1)
        .values(content=content, reviewed_by="staff:999", reviewed_at=NOON)
    )
    db.session.execute(
        update(tables["bank_item"])
        .where(tables["bank_item"].c.id == 3)
        .values(retired_by="cli", retired_at=NOON)
    )
    unit = db.session.get(Unit, own.ids["unit_id"])
    for row in (
        db.session.execute(enrolments.select().where(enrolments.c.unit_id == unit.id)).mappings().all()
    ):
        person = make.saved(
            Person(school_id=unit.parent_id, student_number=f"N{row['id']}", name="李明航", created_at=NOON)
        )
        db.session.execute(update(enrolments).where(enrolments.c.id == row["id"]).values(person_id=person.id))
    excused = make.saved(Enrolment(unit_id=unit.id, term=make.TERM, seat=9, joined_at=NOON))
    make.saved(Exemption(enrolment_id=excused.id, reason="休学", approved_by="staff:999", approved_at=NOON))
    db.session.execute(
        update(tables["attempt_attempt"])
        .where(tables["attempt_attempt"].c.id == own.ids["attempt.result.attempt_id"])
        .values(void_reason="点错了序号")
    )
    db.session.commit()
    make.saved(
        Request(
            round_id=own.ids["round_id"], unit_id=unit.id, attempt_id=own.ids["attempt.result.attempt_id"],
            receipt_hash="0" * 64, kind="delete", reason="other", note="不想留着", state="refused", asked_at=NOON,
            answer="这一场还没有结束", decided_at=NOON, decided_by="staff:999",
        )
    )  # fmt: skip
    _furnish_sheets(own, unit)
    audit.record_alone(
        actor=audit.Actor("staff:999"),
        action="attempt.void",
        on="attempt:1",
        at=NOON,
        private={"reason": "点错了序号"},
    )


def _furnish_sheets(own: Place, unit: Unit) -> None:
    """What was voided of the receipts, a promotion code, a count by hand, and five answers in words."""
    rounds = {
        row.kind: row
        for row in db.session.scalars(select(Round).filter_by(campaign_id=own.ids["campaign_id"]))
    }
    make.a_declaration(
        rounds["receipt"], unit, 2, channel="paper", noted_by="staff:999", noted_on=NOON.date(), voided_at=NOON,
        void_reason="录错了序号",
    )  # fmt: skip
    here = {"round_id": rounds["adoption"].id, "unit_id": unit.id}
    owner = db.session.scalars(select(Enrolment.id).filter_by(unit_id=unit.id, seat=1)).one()
    make.saved(Referral(**here, enrolment_id=owner, code="PR0M0TE1", made_at=NOON))
    make.saved(
        Total(
            **here,
            item=0,
            adopted=40,
            source="入户登记",
            counted_on=NOON.date(),
            set_at=NOON,
            set_by="staff:999",
        )
    )
    home = db.session.get(Campaign, own.ids["campaign_id"]).unit_id
    lying = [{"2": f"多讲几个例子，第 {number} 个"} for number in range(5)]
    make.saved(
        Box(
            round_id=rounds["survey"].id,
            unit_id=home,
            kind="words",
            question=2,
            number=1,
            count=5,
            answers=lying,
        )
    )
