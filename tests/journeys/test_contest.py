"""A contest as one story: rules, seven phones, a frozen list, dice, a proof for everybody, prizes over the counter."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskCliRunner

from quizsvc import audit
from quizsvc.contest.cli import count_round
from quizsvc.core import draw as lots
from quizsvc.core.rulebook import Source, Tier
from quizsvc.db import db
from quizsvc.draw.cli import contest as contest_command
from quizsvc.rulebook import operations as rulebook
from quizsvc.rulebook import queries as rules
from quizsvc.upkeep import invariants
from tests import make
from tests.attempt.players import PlayerPhone
from tests.conftest import NOON
from tests.desk import Desk, text_of

OVER = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
DRAW_AT = datetime(2026, 12, 20, 13, 10, tzinfo=UTC)
DICE = "41633526341122334455661266"
WRONG = (0, 0, 1, 2, 3, 4, 8)
"""Wrong answers of each phone, out of ten; the last does not qualify."""


class Story:
    """The contest and everybody in it."""

    def __init__(self, app: Flask, at: Any) -> None:
        self.app, self.at = app, at
        county = make.a_county()
        self.contest = make.a_contest(county, published=False)
        self.round_id, self.code = self.contest.round.id, self.contest.round.code
        self.desks = {role: Desk(app, role, (role, county)) for role in ("organizer", "witness", "clerk")}
        self.phones = [
            PlayerPhone(app.test_client(), self.contest.links[0].code, nickname=f"青禾{number}号")
            for number in range(len(WRONG))
        ]

    def post(self, role: str, tail: str, **fields: Any) -> Any:
        return self.desks[role].post(f"/staff/contests/{self.round_id}/{tail}", **fields)

    def later(self, moment: datetime) -> None:
        """Let time pass; nobody of the staff has been signed out meanwhile."""
        self.at(moment)
        for desk in self.desks.values():
            with desk.browser.session_transaction() as session:
                session.update(since=int(moment.timestamp()), seen=int(moment.timestamp()))

    def announce_rules(self) -> Any:
        said = make.rules_of(
            rules.facts(self.round_id),
            qualifies=(10000, 6000),
            draw_at=DRAW_AT,
            sources=(Source(kind="dice", name="现场掷 26 次骰子", at=DRAW_AT, bits=67),),
            tiers=(
                Tier(name="一等奖", item="平板电脑", number=1, value_yuan=1500, by="standing"),
                Tier(name="二等奖", item="保温杯", number=2, value_yuan=50, by="draw"),
            ),
        )
        rulebook.save_draft(round_id=self.round_id, rules=said, seen=None, at=NOON, actor=audit.CLI)
        page = self.desks["organizer"].page(f"/staff/contests/{self.round_id}/rules/publish")
        given = dict(re.findall(r'name="(looked_at|after)"[^>]*value="([^"]*)"', page))
        return self.post("organizer", "rules/publish", confirmation=self.code, reason="", **given)

    def entry(self, phone: PlayerPhone) -> str:
        """The entry id as its own page shows it."""
        shown = re.search(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b", phone.own_page(self.code))
        assert shown is not None
        return shown[0].replace("-", "")


def test_contest_from_rules_to_the_last_prize(app: Flask, at: Any, tmp_path: Path) -> None:
    story = Story(app, at)

    # nobody plays before the rules are announced
    assert story.phones[0].play().status_code == 409
    assert story.announce_rules().status_code == 303
    public = app.test_client().get(f"/k/{story.code}").get_data(as_text=True)
    assert "平板电脑" in public
    assert "不收费" in public

    # everybody plays one go, nobody sees a key, the ranks follow the points
    for phone, wrong in zip(story.phones, WRONG, strict=True):
        assert phone.whole_go(wrong).status_code == 303
        assert "停下来问问老师" not in phone.result()
    story.later(OVER)
    count_round(story.round_id, OVER)
    entries = [story.entry(phone) for phone in story.phones]

    # whoever was too fast is looked at by a person before the list is frozen
    refused = story.post("organizer", "draw/freeze", confirmation=story.code)
    assert (refused.status_code, "复核" in refused.text) == (409, True)
    desk = story.desks["organizer"].page(f"/staff/contests/{story.round_id}/review")
    flagged = re.findall(r'name="player"[^>]*value="([0-9]+)"', desk)
    assert len(flagged) == len(WRONG) - 1
    cleared = story.post("organizer", "review/cleared", player=flagged, words="现场看着答的，背得熟")
    assert cleared.status_code == 303

    # one freezes, another records what the dice have shown, once
    assert story.post("witness", "draw/freeze", confirmation=story.code).status_code == 404
    assert story.post("organizer", "draw/freeze", confirmation=story.code).status_code == 303
    thrown = {
        "value0": DICE,
        "again0": DICE,
        "proof": "县公安局大厅，公证员掷骰子",
        "confirmation": story.code,
    }
    assert story.post("witness", "draw/value", **thrown).status_code == 409  # the time has not come
    story.later(DRAW_AT)
    assert story.post("organizer", "draw/value", **thrown).status_code == 403
    assert story.post("witness", "draw/value", **thrown).status_code == 303
    assert story.post("witness", "draw/value", **thrown).status_code == 409

    # anybody checks it
    address = re.search(
        r"/d/[0-9A-Za-z.]+", story.desks["organizer"].page(f"/staff/contests/{story.round_id}/draw")
    )
    assert address is not None
    stranger = app.test_client()
    bundle = zipfile.ZipFile(io.BytesIO(stranger.get(f"{address[0]}/bundle.zip").data))
    bundle.extractall(tmp_path)
    checked = FlaskCliRunner(app).invoke(contest_command, ["verify", str(tmp_path)])
    assert (checked.exit_code, "可以验证" in checked.output) == (0, True)
    listed = (tmp_path / lots.ENTRIES).read_text().split()
    won = [one["entry_id"] for one in json.loads((tmp_path / lots.WINNERS).read_text())]
    assert len(won) == 2
    first = min(
        entries[:2], key=lambda entry: entry in listed
    )  # who leads wins by standing, so is not in the list
    assert sorted([*listed, first]) == sorted(entries[:-1])
    assert entries[-1] not in listed

    # winners find their prize on their own phones and claim it; one telephone wins once
    assert story.post("organizer", "move/announce", confirm="公示中奖名单").status_code == 303
    holders = {
        entry: phone for entry, phone in zip(entries, story.phones, strict=True) if entry in [first, *won]
    }
    codes = {}
    for number, (entry, phone) in enumerate(holders.items()):
        page = phone.phone.get(f"/k/{story.code}/prize").get_data(as_text=True)
        codes[entry] = re.search(r'name="claim_code"[^>]*value="([0-9A-Z]{8})"', page)[1]  # type: ignore[index]
        fields = {"claim_code": codes[entry], "phone": f"1380013800{number}", "name": "李明航"}
        assert phone.phone.post(f"/k/{story.code}/prize/claim", data=fields).status_code == 303
    loser = next(phone for entry, phone in zip(entries, story.phones, strict=True) if entry not in holders)
    assert 'name="claim_code" value' not in loser.phone.get(f"/k/{story.code}/prize").get_data(as_text=True)
    masked = stranger.get(f"/k/{story.code}/winners").get_data(as_text=True)
    assert "138****8000" in masked
    assert "李明航" not in masked

    # nothing is handed out before the days for objections are over, and nothing twice
    assert story.post("clerk", "counter/hand-over", code=codes[first], how="counter").status_code == 409
    story.later(DRAW_AT + timedelta(days=6))
    assert story.post("organizer", "move/hand-out", confirm="开始发奖").status_code == 303
    assert story.post("organizer", "move/close", confirm="结束竞赛").status_code == 409
    for code in codes.values():
        assert story.post("clerk", "counter/hand-over", code=code, how="counter").status_code == 303
        assert story.post("clerk", "counter/hand-over", code=code, how="counter").status_code == 409
    assert story.post("organizer", "move/close", confirm="结束竞赛").status_code == 303
    assert "已结束" in text_of(story.desks["organizer"].page(f"/staff/contests/{story.round_id}"))
    db.session.rollback()
    audit.seal_leaves(DRAW_AT + timedelta(days=6))
    assert audit.verify(at=DRAW_AT + timedelta(days=6)).faults == ()
    assert [found.id for found in invariants.examine(DRAW_AT + timedelta(days=6)) if found.faults] == []
