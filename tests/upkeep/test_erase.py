"""Erasing: on its day and not before, batch by batch, and no number of any report is another one afterwards."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from quizsvc import audit, clock
from quizsvc.attempt import operations as attempts
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt, ItemSum, Late, Participant
from quizsvc.audit import AuditEntry
from quizsvc.campaign.models import Campaign
from quizsvc.core.refusal import Refusal
from quizsvc.core.window import Closed
from quizsvc.db import db
from quizsvc.report import queries as report
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Enrolment, Exemption, Person
from quizsvc.staff.models import Invitation, Staff
from quizsvc.upkeep import erase
from tests import make
from tests.desk import Desk
from tests.report.conftest import RIGHT, WRONG, Room, a_room
from tests.support import sqlite_only

ERASE_DAY = datetime(2027, 2, 1, 0, 30, tzinfo=UTC)
ANSWERS_DAY = ERASE_DAY + timedelta(days=150)


@pytest.fixture
def room(app: Flask, at: Any) -> Room:
    """A class of twelve with names: two goes, a void one, one excused after the test, one who has left."""
    room = a_room(identity="roster")
    for seat in range(1, 11):
        room.sit(seat, RIGHT, RIGHT if seat % 2 else WRONG, RIGHT if seat % 3 else None)
    room.sit(2, RIGHT, RIGHT, RIGHT, ordinal=2)
    room.sit(11, WRONG, WRONG, WRONG, voided_at=make.OPENS, void_reason="序号被别人点了")
    excuse(room, 9)
    place(room, 10).left_at = make.CLOSES
    evidence = Late(
        attempt_id=goes(room)[0].id, number=1, at=make.CLOSES, answers={"1": [9, []]}, acceptable=False
    )
    make.saved(evidence)
    return room


def place(room: Room, seat: int) -> Enrolment:
    return db.session.query(Enrolment).filter_by(unit_id=room.unit.id, seat=seat).one()


def excuse(room: Room, seat: int) -> None:
    make.saved(
        Exemption(
            enrolment_id=place(room, seat).id,
            reason="住院，医生有证明",
            approved_by="cli",
            approved_at=make.OPENS,
        )
    )


def goes(room: Room) -> list[Attempt]:
    return list(db.session.scalars(select(Attempt).filter_by(round_id=room.round.id).order_by(Attempt.id)))


def run(at: Callable[[datetime], datetime], moment: datetime) -> erase.Outcome:
    at(moment)
    outcome = erase.carry_out(on=clock.local_day(moment), at=moment, actor=audit.CLI)
    db.session.expire_all()
    return outcome


def figures(room: Room) -> Any:
    """Everything that is computed from the goes of a round."""
    row = room.row
    found = report.scores(row, room.unit.id, ERASE_DAY, names=False)
    return (
        rollup.unit_tallies(row, room.county.path),
        rollup.item_counts(row, room.county.path),
        rollup.daily_done(row, room.county.path),
        rollup.item_uses("test", [room.county.path]),
        report.item_table(row, room.unit.path, inside=True),
        report.traps(row, room.unit.path),
        (found.bands, found.done, found.out_of, found.starts),
    )


def test_nothing_goes_before_its_day(room: Room, at: Any) -> None:
    eve = ERASE_DAY.replace(day=1, month=1)

    assert {one.count for one in run(at, eve).done} == {0}
    assert {go.receipt is None for go in goes(room)} == {False}
    with pytest.raises(attempts.NotYet, match="2027-02-01 才可以清除"):
        attempts.erase_places(round_id=room.round.id, at=eve)
    with pytest.raises(attempts.NotYet, match="2027-07-01"):
        attempts.erase_answers(round_id=room.round.id, unit_id=room.unit.id, at=ERASE_DAY)


def test_on_its_day_nothing_leads_from_a_go_to_a_person(room: Room, at: Any) -> None:
    run(at, ERASE_DAY)

    assert {(go.device_hash, go.resume, go.receipt, go.void_reason) for go in goes(room)} == {(None,) * 4}
    assert set(db.session.scalars(select(Participant.enrolment_id))) == {None}
    assert db.session.scalars(select(Participant.excused)).all().count(True) == 1
    assert [db.session.scalar(select(func.count()).select_from(table)) for table in (Late, Person)] == [0, 0]
    assert set(db.session.scalars(select(Enrolment.person_id))) == {None}
    assert set(db.session.scalars(select(Exemption.reason))) == {""}
    assert all(go.seed for go in goes(room))  # the answers have half a year more


def test_no_figure_of_any_report_changes(room: Room, at: Any) -> None:
    before = figures(room)

    run(at, ERASE_DAY)
    assert figures(room) == before

    run(at, ANSWERS_DAY)
    assert figures(room) == before
    assert {(go.seed, str(go.answers)) for go in goes(room)} == {("", "{}")}
    assert before[0][room.unit.id].done == 9


@sqlite_only
def test_figures_would_change_if_the_excused_were_forgotten_or_the_sums(room: Room, at: Any) -> None:
    """The canaries of the test before."""
    before = figures(room)
    run(at, ANSWERS_DAY)

    db.session.execute(update(Participant).values(excused=False))
    db.session.commit()
    assert figures(room)[0] != before[0]

    db.session.query(ItemSum).delete()
    db.session.commit()
    assert figures(room)[1] != before[1]


def test_run_that_is_broken_off_goes_on_where_it_was(
    room: Room, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = figures(room)
    monkeypatch.setattr(attempts, "MOST_ERASED", 2)
    whole, calls = attempts.erase_answers, []

    def breaks(**named: Any) -> int:
        calls.append(named)
        if len(calls) == 3:
            raise RuntimeError("power cut")
        return whole(**named)

    monkeypatch.setattr(attempts, "erase_answers", breaks)
    with pytest.raises(RuntimeError):
        run(at, ANSWERS_DAY)
    db.session.expire_all()
    assert sorted({bool(go.seed) for go in goes(room)}) == [False, True]
    assert figures(room) == before

    run(at, ANSWERS_DAY)

    assert {go.seed for go in goes(room)} == {""}
    assert figures(room) == before


def test_campaign_is_written_down_once(room: Room, at: Any) -> None:
    run(at, ERASE_DAY)
    run(at, ANSWERS_DAY)
    run(at, ANSWERS_DAY + timedelta(hours=1))

    entries = db.session.execute(
        select(AuditEntry.action, AuditEntry.detail)
        .where(AuditEntry.action.like("campaign.%eras%"))
        .order_by(AuditEntry.seq)
    ).all()
    campaign = db.session.get(Campaign, room.round.campaign_id)
    assert [tuple(entry) for entry in entries] == [
        ("campaign.erased", '{"attempts":12,"heads":11}'),
        ("campaign.answers_erased", '{"attempts":12,"heads":11}'),
    ]
    assert (campaign.erased_at, campaign.cleared_at) == (ERASE_DAY, ANSWERS_DAY)


@sqlite_only
def test_nobody_begins_again_afterwards(room: Room, at: Any) -> None:
    run(at, ERASE_DAY)

    with pytest.raises(Closed):
        attempts.start(code=room.link.code, seat=1, source="poster", device="x" * 22, at=ERASE_DAY)
    with pytest.raises(attempts.SeatTaken):
        attempts.take_over(code=room.link.code, seat=1, resume="", device="x" * 22, at=ERASE_DAY)


@sqlite_only
def test_class_pages_say_kindly_that_the_seats_are_gone(room: Room, app: Flask, at: Any) -> None:
    at(ERASE_DAY)
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    bureau = Desk(app, "li", ("organizer", room.county))
    coverage = as_told(bureau.page(room.coverage(room.county)))
    exported = as_told(bureau.page(room.coverage(room.county, "/counts.csv")))
    items = as_told(teacher.page(room.page("/items")))

    run(at, ERASE_DAY)

    assert as_told(bureau.page(room.coverage(room.county))) == coverage
    assert as_told(bureau.page(room.coverage(room.county, "/counts.csv"))) == exported
    assert as_told(teacher.page(room.page("/items"))) == items
    for tail in ("", "/live", "/scores", "/scores.csv"):
        page = teacher.page(room.page(tail))
        assert "已按约定删除到座位的对应关系" in page
        assert "没做</em>" not in page
    assert "9 人已交卷" in teacher.page(room.page("/scores"))


def as_told(page: str) -> str:
    """The page without what names a moment: the token of its forms and the head of the audit log."""
    return re.sub(r'(?<=csrf_token" value=")[^"]+|链头.*', "", page)


def test_names_stay_while_another_campaign_of_the_term_needs_them(room: Room, at: Any) -> None:
    other = make.a_class(room.school, code="704", names=True)
    make.a_campaign(room.unit, erase_on=date(2027, 3, 1))

    run(at, ERASE_DAY)
    named = {
        unit_id
        for unit_id in db.session.scalars(select(Enrolment.unit_id).where(Enrolment.person_id.is_not(None)))
    }
    assert named == {room.unit.id}
    assert other.id not in named

    run(at, ERASE_DAY + timedelta(days=28))
    assert db.session.scalar(select(func.count()).select_from(Person)) == 0


def test_names_that_no_campaign_covers_go_after_the_term(room: Room, at: Any) -> None:
    county = make.a_unit("xh", "新河县", "county")
    make.a_class(make.a_school(county, "xs", "新河中学"), code="901", names=True)

    run(at, datetime(2027, 7, 29, 4, tzinfo=UTC))
    left = db.session.scalar(select(func.count()).select_from(Person))
    run(at, datetime(2027, 7, 30, 4, tzinfo=UTC))

    assert (left, db.session.scalar(select(func.count()).select_from(Person))) == (3, 0)


def test_staff_lose_name_and_links_in_time(app: Flask, at: Any) -> None:
    person, other = make.a_staff("wang", "王敏"), make.a_staff("he", "何静")
    for number, (used_at, expires_at) in enumerate(
        [
            (make.OPENS, make.CLOSES),
            (None, make.OPENS),
            (None, ERASE_DAY),
            (ERASE_DAY - timedelta(days=29), ERASE_DAY),
        ]
    ):
        make.saved(
            Invitation(staff_id=person.id, token_hash=f"{number}", expires_at=expires_at, used_at=used_at,
                       created_at=make.OPENS)
        )  # fmt: skip
    person.ended_at, person.password_hash = ERASE_DAY - timedelta(days=180), "$argon2id$"
    other.ended_at = ERASE_DAY - timedelta(days=179)
    db.session.commit()

    run(at, ERASE_DAY)

    assert db.session.scalars(select(Invitation.token_hash).order_by(Invitation.token_hash)).all() == [
        "2",
        "3",
    ]
    assert db.session.execute(
        select(Staff.login, Staff.name, Staff.password_hash).order_by(Staff.id)
    ).all() == [
        (f"#{person.id}", "已停用的账号", None),
        ("he", "何静", None),
    ]


@sqlite_only
def test_command_lists_first_and_erases_then(room: Room, app: Flask, at: Any) -> None:
    runner = app.test_cli_runner()
    at(ERASE_DAY)
    listed = runner.invoke(erase.erase, ["--dry-run"])
    later = runner.invoke(erase.erase, ["--dry-run", "--on", "2027-07-01"])
    early = runner.invoke(erase.erase, ["--on", "2027-07-01"])

    name = f"2026 秋季反诈测试（{db.session.get(Campaign, room.round.campaign_id).code}）"
    assert listed.output.splitlines() == [
        f"2027-02-01 起  {name}  作答和座位的联系  11 项  到期",
        f"2027-02-01 起  {name}  手机、回执、续答码、作废原因  12 项  到期",
        f"2027-07-01 起  {name}  答案  12 项  还没有到期",
        f"2027-02-01 起  {name}  姓名  12 项  到期",
        f"2027-02-01 起  {name}  免测原因  1 项  到期",
        "预演：按 2027-02-01 算，没有清除任何内容。",
    ]
    assert f"2027-07-01 起  {name}  答案  12 项  到期" in later.output
    assert isinstance(early.exception, Refusal)
    assert {go.receipt is None for go in goes(room)} == {False}

    done = runner.invoke(erase.erase, [])
    assert f"2027-02-01 起  {name}  姓名  12 项  已清除" in done.output
    assert "到期的  名册  已不在任何座位上的人  12 项  已清除" in done.output
    assert runner.invoke(erase.erase, []).output.strip().splitlines()[-1] == "没有到期的内容。"


def test_command_says_what_could_not_be_wiped_and_the_next_run_marks(
    room: Room, app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = app.test_cli_runner()
    at(ERASE_DAY)
    with monkeypatch.context() as busy:
        busy.setattr(erase, "wipe", lambda tables: ("attempt_attempt",))
        refused = runner.invoke(erase.erase, [])
    db.session.expire_all()
    marked = db.session.get(Campaign, room.round.campaign_id).erased_at
    erase.sweep()
    db.session.expire_all()

    assert isinstance(refused.exception, Refusal)
    assert "磁盘上的旧内容还没有擦掉：attempt_attempt" in refused.exception.text
    assert (marked, db.session.get(Campaign, room.round.campaign_id).erased_at) == (None, ERASE_DAY)
    assert runner.invoke(erase.erase, ["--wipe"]).output.splitlines() == [
        "没有到期的内容。",
        "磁盘上的旧内容擦过了。",
    ]


def test_granted_deletion_leaves_the_head_and_its_score(room: Room, at: Any) -> None:
    before, first = figures(room), goes(room)[0]

    assert attempts.erase_attempt(attempt_id=first.id, at=ERASE_DAY, actor=audit.JOB)
    assert not attempts.erase_attempt(attempt_id=first.id, at=ERASE_DAY, actor=audit.JOB)

    db.session.expire_all()
    kept = db.session.get(Attempt, first.id)
    assert (kept.answers, kept.seed, kept.device_hash, kept.resume, kept.receipt) == (
        {},
        "",
        None,
        None,
        None,
    )
    assert figures(room) == before
    with pytest.raises(attempt.UnknownAttempt):
        attempt.sheet_by_receipt("")
