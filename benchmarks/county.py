"""A small county for the measurement: classes with seats, one round, one paper of ten drawn from the bank."""

import argparse
import json
from datetime import date, datetime, timedelta
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import insert

from benchmarks import bank
from quizsvc import clock, wsgi
from quizsvc.app import create_app
from quizsvc.bank.models import Bank, Item, ItemVersion
from quizsvc.campaign.models import Campaign, Round, RoundUnit
from quizsvc.core import bankfile, linkcode
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.paper import queries as papers
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Enrolment, Headcount, Unit

TERM = "2026-2027-1"
REVIEW = ["score", "answers", "key", "explanation"]


def build(classes: int, seats: int) -> list[dict[str, str]]:
    """Fill an empty database; list the doors: code of the link, name of the class."""
    at = clock.now()
    county = _added(
        Unit(parent_id=None, path="bx/", code="bx", name="测速县", kind="county", position=0, created_at=at)
    )
    school = _added(
        Unit(
            parent_id=county.id,
            path="bx/xx/",
            code="xx",
            name="测速县第一中学",
            kind="school",
            position=0,
            created_at=at,
        )
    )
    round_id = _round(county, _paper(at), at)
    doors = []
    for number in range(1, classes + 1):
        unit = _class(school, number, seats, at)
        phrase = linkcode.phrase(number)
        link = Link(
            code=linkcode.compose(linkcode.body_from(number * 7919, linkcode.BODY_LENGTH)),
            round_id=round_id, unit_id=unit.id, place="", poster_number=f"B-{number:04}",
            phrase_word=phrase.word, phrase_number=phrase.number, created_at=at,
        )  # fmt: skip
        doors.append({"code": _added(link).code, "name": unit.name})
    db.session.commit()
    return doors


def _added(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def _class(school: Unit, number: int, seats: int, at: datetime) -> Unit:
    code = f"c{number:03}"
    unit: Unit = _added(
        Unit(parent_id=school.id, path=f"{school.path}{code}/", code=code, name=f"七年级（{number}）班",
             kind="class", position=number, created_at=at)
    )  # fmt: skip
    _added(Headcount(unit_id=unit.id, term=TERM, expected=seats, set_by="cli", set_at=at))
    places = [
        {"unit_id": unit.id, "term": TERM, "seat": seat, "joined_at": at} for seat in range(1, seats + 1)
    ]
    db.session.execute(insert(Enrolment), places)
    return unit


def _paper(at: datetime) -> int:
    home = _added(Bank(code="bench", name="测速题库", created_at=at))
    entries = []
    for question in bank.questions():
        item = _item(question)
        kept = _added(Item(bank_id=home.id, code=item.code))
        version = _added(
            ItemVersion(item_id=kept.id, number=1, content=bankfile.content_of(item),
                        content_hash=bankfile.content_hash(item), created_at=at, state="published",
                        origin="file", author="cli", published_at=at)
        )  # fmt: skip
        entries.append({"version": version.id, "bank": home.code, "item": bankfile.content_of(item)})
    rule = {"count": bank.ASKED, "points": bank.POINTS}
    content = {"blueprint": {"rules": [rule], "fixed": []}, "items": entries, "topics": {}}
    named = {"code": "bench", "kind": "quiz", "title": "反诈知识测试"}
    hashed = papers.content_hash(**named, content=content)
    paper: Paper = _added(Paper(**named, content=content, content_hash=hashed, frozen_at=at))
    return paper.id


def _item(question: bank.Question) -> bankfile.Item:
    return bankfile.Item(
        code=f"{question.trap}-{question.number}",
        kind="single_choice",
        topic=question.trap,
        audiences=("junior", "senior"),
        difficulty=1,
        stem=question.stem,
        options=tuple(
            bankfile.Option(text, key=place == question.key) for place, text in enumerate(question.options)
        ),
        explanation=bankfile.Explanation(question.trick, question.tell, question.action),
        source="测速专用",
        reviewed_on=date(2026, 12, 1),
        scene=bankfile.Scene(
            question.channel, question.sender, question.message, tells=(question.message[-8:],)
        ),
        twin=question.trap,
    )


def _round(county: Unit, paper_id: int, at: datetime) -> int:
    campaign = _added(
        Campaign(
            code="bench", name="测速活动", unit_id=county.id, term=TERM, target_permyriad=10000,
            target_on=at.date(), organisers=["测速县教育局", "测速县公安局"], hotline="96110", is_test=False,
            erase_on=at.date() + timedelta(days=90), created_at=at,
        )
    )  # fmt: skip
    round_ = _added(
        Round(
            code="bench", campaign_id=campaign.id, paper_id=paper_id, kind="test", title="六分钟，练一次识骗",
            identity="seat", opens_at=at - timedelta(days=1), closes_at=at + timedelta(days=1), limit_s=None,
            attempts=3, counted="best", threshold_permyriad=8000, review_after_submit=REVIEW,
            review_after_close=REVIEW, frozen_at=at, created_at=at,
        )
    )  # fmt: skip
    _added(RoundUnit(round_id=round_.id, unit_id=county.id))
    return int(round_.id)


def main() -> None:
    """Build the county in the instance of the environment and print its doors as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--classes", type=int, default=20)
    options.add_argument("--seats", type=int, default=50)
    given = options.parse_args()
    app = create_app(wsgi.settings())
    with app.app_context():
        upgrade()
        doors = build(given.classes, given.seats)
    print(json.dumps(doors))


if __name__ == "__main__":
    main()
