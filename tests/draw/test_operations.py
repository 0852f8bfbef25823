"""Freezing, notices, drawing: once, by two people, never too early, always audited."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from quizsvc import audit
from quizsvc.audit import Actor, AuditEntry
from quizsvc.contest.models import Flag, Ruling
from quizsvc.core import draw as lots
from quizsvc.core import rulebook
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Source, Tier
from quizsvc.db import db
from quizsvc.draw import operations, queries
from quizsvc.draw.models import Draw, Piece, Result, Winner
from quizsvc.upkeep import invariants
from tests import make
from tests.draw.conftest import DRAW_AT, OVER, VALUE
from tests.support import sqlite_only

FREEZER, WITNESS = Actor("staff:7"), Actor("staff:8")


def freeze(stage: Any, at: Any = OVER, **changes: Any) -> str:
    given = {"confirmation": stage.contest.round.code, "waiver": "", "actor": FREEZER, **changes}
    return operations.freeze(plan=queries.plan(stage.round_id, at), at=at, **given)


def record(
    stage: Any, value: str = VALUE, at: Any = DRAW_AT, replaced: tuple[int, ...] = (), **changes: Any
) -> None:
    code = stage.contest.round.code
    given = {"confirmation": code, "code": code, "proof": "公证员掷，三方在场", "actor": WITNESS, **changes}
    draw = queries.draw_of(stage.round_id)
    operations.run_draw(drawn=queries.drawn(draw, [value] * len(draw.sources), replaced), at=at, **given)


def rows(table: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(table))


def bundle(draw_id: str) -> dict[str, bytes]:
    return {name: queries.body(draw_id, name) for name in queries.sizes(draw_id)}


def test_the_list_holds_whoever_qualifies_and_nobody_who_wins_by_standing(stage):
    draw = queries.draw_named(freeze(stage))

    assert queries.body(draw.id, lots.ENTRIES).decode().splitlines() == sorted(stage.entries[2:])
    assert draw.entries == 9
    assert draw.waves == ((10000, 6), (9000, 3))
    assert draw.list_hash == lots.list_hash(stage.entries[2:])
    assert draw.rules_hash == rulebook.content_hash(queries.rulebook_content(draw.id))
    assert draw.frozen_at == OVER
    assert draw.result is None
    assert queries.winners(draw.id) == []
    assert db.session.scalars(select(AuditEntry.action)).all().count("draw.frozen") == 1


@sqlite_only
def test_without_too_few_there_is_one_wave(ended):
    stage = ended(tiers=(Tier(name="一等奖", item="书", number=2, value_yuan=30, by="draw"),))
    draw = queries.draw_named(freeze(stage))

    assert draw.waves == ((10000, 8),)
    assert list(queries.sizes(draw.id)) == [lots.ENTRIES, lots.RULES]
    assert len(draw.id) == operations.NAME_LENGTH


def test_a_draw_can_be_verified_from_its_published_files(stage):
    draw_id = freeze(stage)
    record(stage)
    won = queries.winners(draw_id)

    assert lots.problems(bundle(draw_id)) == []
    assert [(one.tier, one.by, one.place) for one in won[:3]] == [
        (0, "standing", 1),
        (0, "standing", 2),
        (1, "draw", 1),
    ]
    assert [one.entry_id for one in won[:2]] == stage.entries[:2]
    assert {one.entry_id for one in won[2:8]} == set(stage.entries[2:8])
    assert len(won) == 11
    result = queries.draw_named(draw_id).result
    assert (result.public_value, result.drawn_by) == (VALUE, WITNESS.text)
    assert json.loads(queries.body(draw_id, lots.DRAW))["seed"] == result.seed


def test_the_next_in_line_is_found_by_place(stage):
    draw_id = freeze(stage)
    record(stage)
    walked = [one.entry_id for one in queries.winners(draw_id) if one.by == "draw"]

    assert queries.entry_after(draw_id, 0) == (1, walked[0])
    assert queries.entry_after(draw_id, 8) == (9, walked[8])
    assert queries.entry_after(draw_id, 9) is None
    assert [queries.place_of(draw_id, one) for one in walked] == list(range(1, 10))
    assert queries.place_of(draw_id, "0" * 16) is None


def test_long_files_lie_in_pieces(stage, monkeypatch):
    monkeypatch.setattr(queries, "LINES_A_PIECE", 2)
    draw_id = freeze(stage)
    record(stage)
    walked = [one.entry_id for one in queries.winners(draw_id) if one.by == "draw"]

    assert lots.problems(bundle(draw_id)) == []
    assert len(list(queries.pieces(draw_id, lots.ENTRIES))) == 5
    assert [queries.entry_after(draw_id, place) for place in (1, 2, 8, 9)] == [
        (2, walked[1]), (3, walked[2]), (9, walked[8]), None,
    ]  # fmt: skip
    assert [queries.place_of(draw_id, one) for one in walked] == list(range(1, 10))
    assert queries.is_listed(draw_id, walked[4])
    assert not queries.is_listed(draw_id, stage.entries[0])


def test_a_list_is_frozen_once(stage):
    freeze(stage)
    with pytest.raises(operations.FrozenAlready):
        freeze(stage)

    assert rows(Draw) == 1


@sqlite_only
@pytest.mark.parametrize(
    ("when", "words"),
    [(make.CLOSES + timedelta(seconds=30), "答题时间已过"), (DRAW_AT - timedelta(minutes=59), "1 小时以后")],
)
def test_a_list_is_frozen_neither_too_early_nor_too_late(stage, when, words: str):
    with pytest.raises(operations.NotYet, match=words):
        freeze(stage, at=when)

    assert rows(Draw) == rows(Piece) == rows(Winner) == 0


def test_an_open_go_stops_freezing(stage, at):
    go = db.session.execute(select(make.Attempt).limit(1)).scalar_one()
    go.submitted_at = go.score = go.correct = None
    db.session.commit()

    with pytest.raises(operations.NotYet, match="现在 1 份"):
        freeze(stage)


@sqlite_only
def test_weak_sources_stop_freezing(ended):
    stage = ended(sources=(Source(kind="dice", name="骰子", at=DRAW_AT, bits=20),))
    with pytest.raises(operations.NotYet, match="20 比特"):
        freeze(stage)


@sqlite_only
def test_nobody_who_qualifies_stops_freezing(ended):
    stage = ended(scores=(100, 100, 50))
    with pytest.raises(operations.NotYet, match="没有人达到"):
        freeze(stage)


@sqlite_only
def test_rules_that_are_not_announced_stop_freezing(stage):
    contest = make.a_contest(stage.county, paper=stage.contest.paper, published=False)

    assert [one.words for one in queries.conditions(contest.round.id, OVER)] == ["先公布规则"]
    with pytest.raises(Refusal, match="还没有公布"):
        queries.plan(contest.round.id, OVER)


@sqlite_only
def test_the_code_has_to_be_typed(stage):
    with pytest.raises(Refusal, match="原样写一遍"):
        freeze(stage, confirmation="yes")


def flagged(stage: Any) -> int:
    who = db.session.scalars(select(make.Participant.id).order_by(make.Participant.id)).first()
    make.saved(Flag(round_id=stage.round_id, participant_id=who, kind="burst", detail={}, found_at=OVER))
    return who


@sqlite_only
def test_an_open_review_has_to_be_answered_for_in_writing(stage):
    flagged(stage)
    with pytest.raises(operations.NotYet, match="写明为什么不等"):
        freeze(stage)
    freeze(stage, waiver="公证处已经约好，复核另行公布")

    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "draw.frozen")).one()
    assert json.loads(entry.detail)["open_reviews"] == 1
    assert "公证处" not in entry.detail
    assert audit.private_of([entry.seq])


def test_a_ruling_between_looking_and_freezing_is_noticed(stage):
    plan = queries.plan(stage.round_id, OVER)
    make.saved(
        Ruling(
            round_id=stage.round_id,
            participant_id=flagged(stage),
            verdict="excluded",
            reason="程序答题",
            at=OVER,
            by="staff:7",
        )
    )
    with pytest.raises(operations.NotYet, match="刚才有变动"):
        operations.freeze(plan=plan, confirmation=stage.contest.round.code, waiver="", at=OVER, actor=FREEZER)

    assert stage.entries[0] not in {one.entry_id for one in queries.plan(stage.round_id, OVER).placed}


def test_a_draw_happens_once(stage):
    draw_id = freeze(stage)
    record(stage)
    before = bundle(draw_id)
    with pytest.raises(operations.DrawnAlready):
        record(stage, value=VALUE[::-1])

    assert bundle(draw_id) == before
    assert rows(Result) == 1


def test_the_constraint_alone_lets_nobody_draw_twice(stage):
    draw_id = freeze(stage)
    record(stage)
    values = {
        "draw_id": draw_id,
        "public_value": "1",
        "proof": "",
        "seed": "s",
        "order_hash": "o",
        "drawn_at": OVER,
    }
    with pytest.raises(IntegrityError):
        make.saved(Result(**values, frozen_by="staff:7", drawn_by="staff:9"))
    db.session.rollback()


@sqlite_only
def test_whoever_froze_the_list_does_not_record_the_value(stage):
    draw_id = freeze(stage)
    with pytest.raises(operations.SamePerson):
        record(stage, actor=FREEZER)
    with pytest.raises(IntegrityError):
        make.saved(
            Result(draw_id=draw_id, public_value="1", proof="", seed="s", order_hash="o", drawn_at=OVER,
                   frozen_by="staff:7", drawn_by="staff:7")
        )  # fmt: skip
    db.session.rollback()

    assert rows(Result) == rows(Winner) - 2 == 0


@sqlite_only
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"at": DRAW_AT - timedelta(seconds=1)}, "还没有到"),
        ({"proof": " 是 "}, "写明号码"),
        ({"confirmation": ""}, "原样写一遍"),
        ({"replaced": (0,)}, "先发一则公告"),
    ],
)
def test_a_value_is_not_taken_too_early_or_without_its_proof(stage, changes: dict[str, Any], words: str):
    freeze(stage)
    with pytest.raises(Refusal, match=words):
        record(stage, **changes)

    assert rows(Result) == 0


@sqlite_only
def test_nothing_is_drawn_before_the_list_is_frozen(stage):
    with pytest.raises(operations.NotYet, match="还没有封存"):
        operations.announce_notice(round_id=stage.round_id, text="改期", at=OVER, actor=FREEZER)


def test_notices_are_numbered_and_end_with_the_draw(stage):
    draw_id = freeze(stage)
    for words in ("公证员改为王女士。", "时间不变。"):
        operations.announce_notice(round_id=stage.round_id, text=words, at=OVER, actor=FREEZER)
    with pytest.raises(Refusal, match="1 到 500"):
        operations.announce_notice(round_id=stage.round_id, text=" ", at=OVER, actor=FREEZER)
    record(stage)
    with pytest.raises(operations.DrawnAlready):
        operations.announce_notice(round_id=stage.round_id, text="再抽一次", at=DRAW_AT, actor=FREEZER)

    assert [(one.number, one.text) for one in queries.notices(draw_id)] == [
        (1, "公证员改为王女士。"),
        (2, "时间不变。"),
    ]


@sqlite_only
def test_dice_take_the_place_of_a_source_that_failed(ended):
    stage = ended(sources=tuple(Source(kind="lottery", name="双色球", at=DRAW_AT, bits=24) for _ in range(3)))
    draw_id = freeze(stage)
    operations.announce_notice(
        round_id=stage.round_id, text="三期都没有开奖，改用掷骰子。", at=OVER, actor=FREEZER
    )
    record(stage, value="1 2 3 4 5 6 1 2 3 4", replaced=(0, 1, 2))

    assert queries.draw_named(draw_id).result.public_value == ";".join(["1234561234"] * 3)
    assert lots.problems(bundle(draw_id)) == []


@sqlite_only
def test_a_contest_may_give_all_its_prizes_by_standing(ended):
    stage = ended(tiers=(Tier(name="冠军", item="书", number=2, value_yuan=30, by="standing"),), sources=())
    draw = queries.draw_named(freeze(stage))
    assert not draw.by_lot
    record(stage, at=OVER)

    assert [one.entry_id for one in queries.winners(draw.id)] == stage.entries[:2]
    assert queries.entry_after(draw.id, 0) is None


@sqlite_only
def test_an_unknown_draw_is_refused(app):
    with pytest.raises(queries.UnknownDraw):
        queries.draw_named("NOSUCHDRAW")


def found_by_the_doctor() -> tuple[int, int, str]:
    finding = next(one for one in invariants.examine(DRAW_AT) if one.id == "I10")
    return finding.checked, finding.faults, "".join(finding.examples)


def test_the_doctor_computes_every_draw_again(stage):
    freeze(stage)
    assert found_by_the_doctor() == (1, 0, "")
    record(stage)

    assert found_by_the_doctor() == (1, 0, "")


@sqlite_only
@pytest.mark.parametrize(
    ("planted", "words"),
    [
        ("UPDATE draw_draw SET entries = 3", "名单"),
        ("UPDATE draw_draw SET rules_hash = 'x'", "规则"),
        ("UPDATE draw_result SET public_value = '1'", "公开数值"),
        ("UPDATE draw_winner SET entry_id = 'X' WHERE tier = 1 AND number = 1", "中奖的人"),
        ("DELETE FROM draw_piece WHERE file = 'order.txt'", "缺少文件 order.txt"),
        ("DELETE FROM draw_piece WHERE file = 'draw.json'", "缺少文件 draw.json"),
    ],
)
def test_the_doctor_names_a_draw_that_somebody_changed(stage, planted: str, words: str):
    freeze(stage)
    record(stage)
    db.session.execute(text(planted))
    db.session.commit()
    checked, wrong, said = found_by_the_doctor()

    assert (checked, wrong, words in said) == (1, 1, True), said
