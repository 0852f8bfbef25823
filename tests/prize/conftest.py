"""A contest that has been drawn: eight players on eight phones, three prizes by lot, one by standing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.models import Participant, Player
from quizsvc.attempt.queries import device_hash
from quizsvc.audit import Actor
from quizsvc.campaign.models import Round
from quizsvc.contest.models import Score
from quizsvc.core import rulebook
from quizsvc.core.rulebook import Rules, Source, Tier
from quizsvc.db import db
from quizsvc.draw.models import Draw, Piece, Result, Winner
from quizsvc.prize import operations, queries
from quizsvc.prize.queries import AwardRow
from quizsvc.roster.models import Unit
from quizsvc.rulebook.models import Version
from tests import make
from tests.support import Browser

OPENS = datetime(2026, 12, 1, tzinfo=UTC)
CLOSES = datetime(2026, 12, 8, 10, tzinfo=UTC)
DRAWN = datetime(2026, 12, 10, 10, tzinfo=UTC)
ORGANIZER, WITNESS, CLERK = Actor("staff:1"), Actor("staff:2"), Actor("staff:3")
PLAYERS = 8
TIERS = (
    Tier(name="一等奖", item="电话手表", number=1, value_yuan=800, by="draw"),
    Tier(name="二等奖", item="书包", number=2, value_yuan=120, by="draw"),
    Tier(name="勤学奖", item="词典", number=1, value_yuan=60, by="standing"),
)


def entry(number: int) -> str:
    """The entry id of a player; they were drawn in the order of their numbers, the last stands first."""
    return f"E{number:015}"


def secret(number: int) -> str:
    """What the phone of a player keeps in its cookie."""
    return f"phone-{number:016}"


@dataclass
class Contest:
    """A drawn contest and what tests do with it."""

    app: Flask
    county: Unit
    id: int  # of the round
    draw_id: str

    @property
    def key_file(self) -> Any:
        return self.app.config["SETTINGS"].key_file

    def announce(self, at: datetime) -> int:
        return operations.announce(round_id=self.id, key_file=self.key_file, at=at, actor=ORGANIZER)

    def hand_out_from(self, at: datetime) -> None:
        operations.open_handing_out(round_id=self.id, at=at, actor=ORGANIZER)

    def awards(self) -> list[AwardRow]:
        db.session.rollback()
        return queries.awards(self.id)

    def award(self, number: int) -> AwardRow:
        """The prize of a player."""
        return next(row for row in self.awards() if row.entry_id == entry(number))

    def claim(self, number: int, at: datetime, phone: str | None = None, **changes: Any) -> None:
        values = {
            "round_id": self.id, "award_id": self.award(number).id, "phone": phone or f"138{number:08}",
            "name": "李明航", "guardian": None, "key_file": self.key_file, "at": at,
        }  # fmt: skip
        operations.claim(**{**values, **changes})

    def hand_over(self, number: int, at: datetime, by: Actor = CLERK) -> None:
        operations.hand_over(round_id=self.id, award_id=self.award(number).id, how="counter", at=at, actor=by)

    def phone_of(self, number: int) -> Browser:
        """The phone on which a player played."""
        browser = self.app.test_client()
        browser.set_cookie("phone", secret(number))
        return browser


def rules_of(round_: Round, **changes: Any) -> Rules:
    facts = rulebook.Round(
        title=round_.title, organisers=("阳光县公安局",), opens_at=round_.opens_at, closes_at=round_.closes_at,
        attempts=3, per="day", limit_s=None, pace="sheet", item_s=None, papers=("p" * 64,), is_test=False,
    )  # fmt: skip
    rules = Rules(
        round=facts, who="阳光县居民", tiers=TIERS, draw_at=DRAWN, qualifies=(8000,), published_days=5, claim_days=30,
        sources=(Source(kind="dice", name="现场掷骰子", at=DRAWN, bits=67),), claim="到县公安局一楼大厅领",
        documents="身份证", forfeiture="过期视为放弃，由后面的人递补", tax="税费由主办方承担", contact="0531-96110",
        published_where="竞赛页",
    )  # fmt: skip
    return replace(rules, **changes)


def build(app: Flask, players: int = PLAYERS, minors: bool = False, **changes: Any) -> Contest:
    """Make a drawn contest; changes are of its rules."""
    county = make.a_county()
    place = make.a_unit("ct", "城头街道", "street", county)
    round_ = make.a_round(
        county, kind="contest", identity="nickname", opens_at=OPENS, closes_at=CLOSES, per="day",
        title="阳光县反诈知识竞赛", code="yg-2026",
    )  # fmt: skip
    rules = rules_of(round_, minors=minors, **changes)
    content = rulebook.written(rules)
    make.saved(
        Version(
            round_id=round_.id, number=1, content=content, hash=rulebook.content_hash(content), reason="",
            published_at=OPENS - timedelta(days=3), published_by=ORGANIZER.text,
        )
    )  # fmt: skip
    for number in range(1, players + 1):
        _a_player(round_, place, number)
    return Contest(app, county, round_.id, _a_draw(round_, rules, players))


@pytest.fixture
def drawn(app: Flask) -> Callable[..., Contest]:
    """Make a drawn contest; changes are of its rules."""
    return partial(build, app)


@pytest.fixture
def contest(drawn: Callable[..., Contest]) -> Contest:
    """A drawn contest."""
    return drawn()


def _a_player(round_: Round, place: Unit, number: int) -> None:
    participant = Participant(
        round_id=round_.id, unit_id=place.id, enrolment_id=None, extension_s=0, created_at=OPENS
    )
    db.session.add(participant)
    db.session.flush()
    db.session.add(
        Player(
            participant_id=participant.id, round_id=round_.id, device_hash=device_hash(secret(number)),
            nickname=f"青禾{number}号", place_id=place.id, trade_id=None, role="", entry_id=entry(number),
            joined_at=OPENS,
        )
    )  # fmt: skip
    db.session.add(
        Score(
            participant_id=participant.id, round_id=round_.id, unit_id=place.id, place_id=place.id, trade_id=None,
            goes=2, points=100 + number, out_of=200, used_s=300, reached_at=OPENS, best_permyriad=9000,
        )
    )  # fmt: skip


def _a_draw(round_: Round, rules: Rules, players: int) -> str:
    """The last player has the prize by standing, the others are drawn in the order of their numbers."""
    draw_id = "draw-1"
    order = [entry(number) for number in range(1, players)]
    db.session.add(
        Draw(
            round_id=round_.id, id=draw_id, rules_version=1, rules_hash="r" * 64, list_hash="l" * 64,
            entries=len(order), waves=[{"at_least": 8000, "entries": len(order)}], sources=[],
            frozen_at=DRAWN - timedelta(days=1), frozen_by=ORGANIZER.text,
        )
    )  # fmt: skip
    db.session.flush()
    files = {
        "order.txt": "".join(f"{one}\n" for one in order),
        "rules.json": rulebook.text(rulebook.written(rules)),
    }
    for name, body in files.items():
        db.session.add(Piece(draw_id=draw_id, file=name, number=0, body=body.encode()))
    db.session.add(
        Result(
            draw_id=draw_id, public_value="1 2 3", proof="现场", seed="s" * 64, order_hash="o" * 64, drawn_at=DRAWN,
            frozen_by=ORGANIZER.text, drawn_by=WITNESS.text,
        )
    )  # fmt: skip
    db.session.flush()
    drawn_prizes = [
        (index, n)
        for index, tier in enumerate(rules.tiers)
        if tier.by == "draw"
        for n in range(1, tier.number + 1)
    ]
    for (tier, number), (place, one) in zip(drawn_prizes, enumerate(order, 1), strict=False):
        db.session.add(
            Winner(draw_id=draw_id, tier=tier, number=number, by="draw", place=place, entry_id=one)
        )
    for index, tier in enumerate(rules.tiers):
        if tier.by == "standing":
            db.session.add(
                Winner(draw_id=draw_id, tier=index, number=1, by="standing", place=1, entry_id=entry(players))
            )
    db.session.commit()
    return draw_id
