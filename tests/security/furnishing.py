"""What the two counties lack for tests of texts: a row in every table, and something in every column."""

from sqlalchemy import update

from quizsvc import audit
from quizsvc.core import bankfile
from quizsvc.db import Base, db
from quizsvc.rights.models import Request
from quizsvc.roster.models import Enrolment, Exemption, Person, Unit
from tests import make
from tests.conftest import NOON
from tests.world import World


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
    whole = db.session.execute(papers.select()).mappings().one()["content"]
    whole["items"][0]["item"] = content
    db.session.execute(update(papers).values(content={**whole, "topics": {"brushing": "刷单"}}))
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
    audit.record_alone(
        actor=audit.Actor("staff:999"),
        action="attempt.void",
        on="attempt:1",
        at=NOON,
        private={"reason": "点错了序号"},
    )
