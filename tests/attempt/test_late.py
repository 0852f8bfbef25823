"""What becomes of an attempt that is not handed in: the three policies, late answers as evidence, the sweeper."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Attempt, Late
from quizsvc.audit import AuditEntry, AuditLeaf
from quizsvc.campaign import queries as campaign
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.paper.models import Paper
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.desk import Desk
from tests.support import sqlite_only

TEACHER = audit.Actor.staff(7)
ENDS = NOON + timedelta(seconds=600)
BARELY_LATE, LAST_WAITED, TOO_LATE = (ENDS + timedelta(seconds=s) for s in (61, 1860, 1861))


def right(position: int) -> bool:
    return True


def a_sitting(phone: Any, **changes: Any) -> tuple[Classroom, Pupil]:
    """A pupil of a round with ten minutes, whose first answer is saved."""
    room = a_classroom(limit_s=600, **changes)
    pupil = Pupil(phone)
    pupil.start()
    pupil.save({1: pupil.tokens()[1]})
    return room, pupil


def row(pupil: Pupil) -> Attempt:
    db.session.rollback()
    return db.session.get_one(Attempt, pupil.attempt_id)


def text_of(response: Any) -> str:
    return response.get_data(as_text=True)


# --- accept_flagged


def test_round_that_waits_takes_a_late_hand_in_and_flags_it(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone, late="accept_flagged")
    at(LAST_WAITED)

    assert close_overdue() == 0
    assert "会标明是迟交的" in text_of(phone.get(f"/a/{pupil.attempt_id}"))
    assert pupil.submit(pupil.tokens()).headers["Location"] == f"/a/{pupil.attempt_id}/result"

    stored = row(pupil)
    assert (stored.late, stored.overdue, stored.score, stored.submitted_at) == (True, False, 30, LAST_WAITED)
    assert "这一次是迟交的" in pupil.result()


def test_round_that_waits_hands_in_what_was_saved_when_the_wait_is_over(
    app: Flask, at: Any, phone: Any
) -> None:
    _, pupil = a_sitting(phone, late="accept_flagged")
    at(TOO_LATE)

    assert close_overdue() == 1

    stored = row(pupil)
    assert (stored.late, stored.overdue, stored.score, stored.submitted_at) == (False, True, 10, ENDS)


def test_answers_saved_while_the_round_waits_make_the_attempt_late(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone, late="accept_flagged")
    at(BARELY_LATE)
    assert pupil.save({2: pupil.tokens()[2]}).status_code == 204
    at(TOO_LATE)

    assert close_overdue() == 1

    stored = row(pupil)
    assert (stored.late, stored.score, stored.submitted_at) == (True, 20, BARELY_LATE)


def test_more_time_makes_up_for_being_late(app: Flask, at: Any, phone: Any) -> None:
    room, pupil = a_sitting(phone, late="accept_flagged")
    at(BARELY_LATE)
    pupil.save({2: pupil.tokens()[2]})
    operations.extend(
        round_=campaign.round_of(room.round.id), unit_id=room.unit.id, seat=1, minutes=10, at=BARELY_LATE,
        actor=TEACHER,
    )  # fmt: skip

    pupil.submit(pupil.tokens())

    assert (row(pupil).late, row(pupil).score) == (False, 30)


def test_nothing_is_revealed_while_classmates_may_still_hand_in_late(app: Flask, at: Any, phone: Any) -> None:
    room = a_classroom(late="accept_flagged", review_after_submit=["score"])
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: position == 1))
    closes = room.round.closes_at

    pages = []
    for seconds in (1, 1859, 1861):
        at(closes + timedelta(seconds=seconds))
        pages.append("破绽" in pupil.result())

    assert pages == [False, False, True]


@sqlite_only
def test_landing_leads_back_to_what_may_still_be_handed_in_late(app: Flask, at: Any, phone: Any) -> None:
    room = a_classroom(late="accept_flagged")
    pupil = Pupil(phone)
    pupil.start()
    at(room.round.closes_at + timedelta(minutes=10))

    page = text_of(phone.get(f"/c/{CODE}"))
    assert "1 号还没交，去看看" in page
    address = re.search(rf'href="(/a/{pupil.attempt_id}[^"]*)"', page)[1]
    assert "会标明是迟交的" in text_of(phone.open(address, follow_redirects=True))
    assert pupil.start().headers["Location"] == f"/c/{CODE}"


@sqlite_only
@pytest.mark.parametrize(
    ("policy", "limit_s", "said"),
    [
        ("submit_from_saved", 600, "开始后有 10 分钟，到时按已保存的答案交卷。"),
        ("accept_flagged", 600, "到时没交的再等 30 分钟，迟交的会标明。"),
        ("reject", 600, "到时没有交的不计，可以重新做。"),
        ("reject", None, "18:00 前交卷。断网、锁屏"),
        ("accept_flagged", None, "不限时，可以慢慢看。"),
    ],
)
def test_pupil_is_told_before_the_start_what_happens_at_the_end(
    app: Flask, at: Any, phone: Any, policy: str, limit_s: int | None, said: str
) -> None:
    a_classroom(late=policy, limit_s=limit_s)

    assert said in text_of(phone.post(f"/c/{CODE}/who", data={"seat": "1"}))


# --- reject


def test_round_that_does_not_wait_voids_what_was_not_handed_in(app: Flask, at: Any, phone: Any) -> None:
    room, pupil = a_sitting(phone, late="reject")
    at(BARELY_LATE)
    before_the_sweep = pupil.result()

    assert close_overdue() == 1
    assert close_overdue() == 0

    stored = row(pupil)
    assert (stored.voided_at, stored.void_reason) == (BARELY_LATE, "到时没有交，按本场约定不计")
    assert (stored.overdue, stored.submitted_at, stored.score) == (True, None, None)
    assert db.session.query(AuditLeaf).count() == 0
    for page in (before_the_sweep, pupil.result()):
        assert ("这一次不计" in page, "重新开始" in page, "识破" in page) == (True, True, False)
    assert queries.seats_of(campaign.round_of(room.round.id), room.unit.id)[0].state == "none"


@sqlite_only
@pytest.mark.parametrize("swept", [True, False])
def test_late_hand_in_of_a_round_that_does_not_wait_is_refused_kindly(
    app: Flask, at: Any, phone: Any, swept: bool
) -> None:
    _, pupil = a_sitting(phone, late="reject")
    at(BARELY_LATE)
    if swept:
        close_overdue()

    answer = pupil.submit(pupil.tokens())

    assert answer.status_code == 409
    assert "到时没有交，按本场约定这一次不计。" in text_of(answer)
    assert row(pupil).voided_at == BARELY_LATE
    assert db.session.query(Late).count() == 0


def test_voided_by_the_clock_is_begun_again_on_the_same_phone(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone, late="reject")
    first = pupil.attempt_id
    at(BARELY_LATE)

    pupil.start()

    assert pupil.attempt_id != first
    pupil.submit(pupil.tokens())
    assert (row(pupil).score, row(pupil).ordinal) == (30, 1)


# --- evidence


def test_late_answers_are_kept_once_each_and_at_most_five_times(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone)
    at(BARELY_LATE)
    tokens, wrong = pupil.tokens(), pupil.tokens(right=lambda position: False)

    answers = [pupil.submit({2: tokens[2]}), pupil.submit({2: tokens[2]}), pupil.save(tokens, seq=1)]
    for number in range(2, 8):
        pupil.save({3: wrong[3]}, seq=number)

    assert [answer.status_code for answer in answers] == [409] * 3
    assert "已经留下给老师看" in text_of(answers[0])
    kept = db.session.query(Late).order_by(Late.number).all()
    assert [(late.number, sorted(late.answers), late.at) for late in kept] == [
        (1, ["2"], BARELY_LATE),
        (2, ["2", "3"], BARELY_LATE),
        (3, ["3"], BARELY_LATE),
        (4, ["3"], BARELY_LATE),
        (5, ["3"], BARELY_LATE),
    ]
    assert (row(pupil).score, row(pupil).answers.keys()) == (10, {"1"})


@sqlite_only
def test_what_says_nothing_else_is_no_evidence(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone)
    at(BARELY_LATE)

    assert pupil.submit({1: pupil.tokens()[1]}).status_code == 303
    assert pupil.submit().status_code == 303
    assert pupil.save({1: pupil.tokens()[1]}).status_code == 409
    assert db.session.query(Late).count() == 0


@sqlite_only
def test_late_answers_that_are_not_on_the_paper_are_refused(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone)
    at(BARELY_LATE)

    assert pupil.submit({2: ["aaaa"]}).status_code == 400
    assert pupil.submit({9: ["aaaa"]}).status_code == 400
    assert db.session.query(Late).count() == 0


@sqlite_only
def test_other_answers_after_the_own_hand_in_are_no_evidence(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit({1: pupil.tokens()[1]})

    answer = pupil.submit(pupil.tokens())

    assert (answer.status_code, "留下给老师看" in text_of(answer)) == (409, False)
    assert db.session.query(Late).count() == 0


@sqlite_only
def test_script_is_told_in_one_sentence_and_goes_to_the_result(app: Flask, at: Any, phone: Any) -> None:
    _, pupil = a_sitting(phone)
    at(BARELY_LATE)

    answer = phone.post(
        f"/a/{pupil.attempt_id}/submit",
        data=pupil.fields(pupil.tokens()),
        headers={"X-Requested-With": "quiz"},
    )

    assert (answer.status_code, answer.mimetype) == (409, "text/plain")
    assert text_of(answer) == "时间已经到了，已按到时存好的答案交卷。"


def test_five_is_a_constraint_of_the_table(classroom: Classroom) -> None:
    attempt = make.an_attempt(classroom.round, classroom.unit, 1)
    key = {"attempt_id": attempt.id, "at": NOON, "answers": {}}
    for values in (
        {"number": 6, "acceptable": True},
        {"number": 1, "acceptable": False, "accepted_at": NOON, "answers_hash": "h"},
        {"number": 1, "acceptable": True, "accepted_at": NOON},
    ):
        with pytest.raises(IntegrityError):
            make.saved(Late(**key, **values))
        db.session.rollback()
    make.saved(Late(**key, number=1, acceptable=True, accepted_at=NOON, answers_hash="h"))
    with pytest.raises(IntegrityError):
        make.saved(Late(**key, number=2, acceptable=True, accepted_at=NOON, answers_hash="h"))
    db.session.rollback()


# --- what a teacher may do about it


def accept(
    room: Classroom, pupil: Pupil, number: int = 1, reason: str = "当时断网了", **changes: Any
) -> None:
    values: dict[str, Any] = {
        "round_": campaign.round_of(room.round.id), "unit_id": room.unit.id, "seat": 1,
        "attempt_id": pupil.attempt_id, "number": number, "reason": reason, "at": NOON + timedelta(hours=2),
        "actor": TEACHER,
    }  # fmt: skip
    operations.accept_late(**{**values, **changes})


@pytest.mark.parametrize(
    ("review", "arrives", "acceptable"),
    [
        (["score", "answers", "key", "explanation"], BARELY_LATE, False),
        (["score", "answers"], BARELY_LATE, False),
        (["score"], BARELY_LATE, True),
        ([], BARELY_LATE, True),
        (["score"], LAST_WAITED, True),
        (["score"], TOO_LATE, False),
        ([], TOO_LATE, False),
    ],
)
def test_late_answers_may_count_when_they_came_soon_and_no_answer_had_been_shown(
    app: Flask, at: Any, phone: Any, review: list[str], arrives: datetime, acceptable: bool
) -> None:
    room, pupil = a_sitting(phone, review_after_submit=review)
    at(arrives)
    pupil.submit(pupil.tokens())

    assert db.session.query(Late.acceptable).scalar() is acceptable
    if not acceptable:
        with pytest.raises(Refusal, match="只能留作记录"):
            accept(room, pupil)
        assert (row(pupil).score, row(pupil).late) == (10, False)


def test_what_came_after_the_class_was_shown_the_answers_never_counts(
    app: Flask, at: Any, phone: Any
) -> None:
    room = a_classroom(review_after_submit=[])
    pupil = Pupil(phone)
    pupil.start()
    at(room.round.closes_at + timedelta(seconds=61))

    pupil.submit(pupil.tokens())

    assert db.session.query(Late.acceptable).scalar() is False


def test_accepted_answers_are_marked_flagged_and_traceable_to_the_leaf(
    app: Flask, at: Any, phone: Any
) -> None:
    room, pupil = a_sitting(phone, review_after_submit=["score"])
    at(BARELY_LATE)
    wrong = {2: pupil.tokens(right=lambda position: False)[2]}
    pupil.submit(wrong)
    pupil.submit({2: pupil.tokens()[2]})

    accept(room, pupil, number=2)

    stored = row(pupil)
    late = db.session.query(Late).filter_by(number=2).one()
    leaf = db.session.get_one(AuditLeaf, pupil.attempt_id)
    entry = db.session.query(AuditEntry).filter_by(action="attempt.late_accepted").one()
    assert (stored.score, stored.correct, stored.late, stored.overdue) == (
        20,
        [True, True, False],
        True,
        True,
    )
    assert (leaf.at, stored.submitted_at) == (ENDS, ENDS)
    assert leaf.answers_hash == audit.answers_hash(late.was) != late.answers_hash
    assert late.answers_hash == audit.answers_hash(stored.answers)
    assert (entry.object, entry.actor) == (f"attempt:{pupil.attempt_id}", "staff:7")
    for known in (leaf.answers_hash, late.answers_hash):
        assert known in entry.detail
    assert "断网" not in entry.detail
    assert queries.seats_of(campaign.round_of(room.round.id), room.unit.id)[0].late


def test_one_late_body_counts_and_nothing_is_kept_afterwards(app: Flask, at: Any, phone: Any) -> None:
    room, pupil = a_sitting(phone, review_after_submit=["score"])
    at(BARELY_LATE)
    pupil.submit({2: pupil.tokens()[2]})
    pupil.submit({3: pupil.tokens()[3]})
    accept(room, pupil)

    with pytest.raises(Refusal, match="不能再换"):
        accept(room, pupil, number=2)
    assert pupil.submit(pupil.tokens()).status_code == 409

    assert db.session.query(Late).count() == 2
    assert row(pupil).score == 20


@sqlite_only
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": "嗯"}, "写清"),
        ({"seat": 2}, "没有找到这次作答"),
        ({"seat": 99}, "没有这个序号"),
        ({"number": 2}, "没有找到这次作答"),
        ({"attempt_id": "nobody's"}, "没有找到这次作答"),
    ],
)
def test_acceptance_that_does_not_fit_changes_nothing(
    app: Flask, at: Any, phone: Any, changes: dict[str, Any], sentence: str
) -> None:
    room, pupil = a_sitting(phone, review_after_submit=["score"])
    at(BARELY_LATE)
    pupil.submit(pupil.tokens())

    with pytest.raises(Refusal, match=sentence):
        accept(room, pupil, **changes)

    assert (row(pupil).score, row(pupil).late) == (10, False)
    assert db.session.query(AuditEntry).filter_by(action="attempt.late_accepted").count() == 0


@sqlite_only
def test_voided_attempt_accepts_nothing(app: Flask, at: Any, phone: Any) -> None:
    room, pupil = a_sitting(phone, review_after_submit=["score"])
    at(BARELY_LATE)
    pupil.submit(pupil.tokens())
    release(room)

    with pytest.raises(Refusal, match="没有找到这次作答"):
        accept(room, pupil)


def release(room: Classroom) -> int:
    return operations.release(
        round_=campaign.round_of(room.round.id), unit_id=room.unit.id, seat=1, reason="同学点错了序号",
        at=BARELY_LATE, actor=TEACHER,
    )  # fmt: skip


@sqlite_only
def test_teacher_counts_late_answers_on_the_page_of_the_seat(app: Flask, at: Any, phone: Any) -> None:
    room, pupil = a_sitting(phone, review_after_submit=["score"])
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    address = f"/staff/rounds/{room.round.id}/classes/{room.unit.id}/seats/1"
    assert "到时以后收到的答案" not in teacher.page(address)
    at(BARELY_LATE)
    pupil.submit(pupil.tokens())

    page = teacher.page(address)
    fields = dict(re.findall(r'name="(attempt_id|number)" value="([^"]+)"', page))
    assert ("收到，2 题不同" in page, fields) == (True, {"attempt_id": pupil.attempt_id, "number": "1"})
    assert teacher.post(f"{address}/late", number="1").status_code == 400
    done = teacher.post(f"{address}/late", **fields, reason="当时断网了")

    assert (done.status_code, done.location) == (303, address)
    page = teacher.page(address)
    assert ("✓ 已算数" in page, "迟交</span>" in page, "算数，标为迟交" in page) == (True, True, False)
    scores = teacher.page(f"/staff/rounds/{room.round.id}/classes/{room.unit.id}/scores")
    assert "迟交</span>" in scores


@sqlite_only
def test_seat_page_says_why_late_answers_cannot_count_and_how_many_lapsed(
    app: Flask, at: Any, phone: Any
) -> None:
    room, pupil = a_sitting(phone)
    teacher = Desk(app, "wang", ("class_teacher", room.unit))
    address = f"/staff/rounds/{room.round.id}/classes/{room.unit.id}/seats/1"
    at(BARELY_LATE)
    pupil.submit(pupil.tokens())
    page = teacher.page(address)
    assert ("只留作记录，不能算数" in page, 'name="attempt_id"' in page) == (True, False)

    room.round.late = "reject"
    db.session.commit()
    release(room)
    pupil.start()
    at(BARELY_LATE + timedelta(seconds=661))
    close_overdue()

    page = teacher.page(address)
    assert ("按约定不计的有 1 次" in page, "作废重来" in page) == (True, True)
    said = teacher.post(f"{address}/release", reason="让他再做一次").location
    assert "1 号可以重新开始了" in teacher.page(said)


# --- the sweeper


@pytest.mark.parametrize("policy", ["submit_from_saved", "reject"])
def test_two_sweepers_at_once_end_every_attempt_once(app: Flask, at: Any, policy: str) -> None:
    room = a_classroom(pupils=8, limit_s=600, late=policy)
    for seat in range(1, 9):
        Pupil(app.test_client(), seat).start()
    at(TOO_LATE)
    db.session.rollback()
    together = Barrier(2)

    def sweep(_: int) -> int:
        with app.app_context():
            together.wait(10)
            try:
                return close_overdue()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        closed = list(pool.map(sweep, range(2)))

    assert sum(closed) == 8
    ended = [
        (one.submitted_at, one.voided_at)
        for one in db.session.query(Attempt).filter_by(round_id=room.round.id, overdue=True)
    ]
    assert ended == [(ENDS, None) if policy == "submit_from_saved" else (None, TOO_LATE)] * 8
    assert db.session.query(AuditLeaf).count() == (8 if policy == "submit_from_saved" else 0)


def test_attempts_that_wait_do_not_hold_up_those_that_are_due(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quizsvc.attempt.cli.BATCH", 2)
    room = a_classroom(pupils=5, limit_s=600, late="accept_flagged")
    waiting = [make.an_attempt(room.round, room.unit, seat, submitted_at=None, limit_ends_at=ENDS).id
               for seat in (1, 2, 3)]  # fmt: skip
    other = make.a_round(room.unit, paper=db.session.get(Paper, room.round.paper_id), limit_s=600)
    due = [make.an_attempt(other, room.unit, seat, submitted_at=None, limit_ends_at=ENDS).id
           for seat in (1, 2, 3)]  # fmt: skip
    at(BARELY_LATE)

    assert close_overdue() == 3

    db.session.rollback()
    open_ = {one.id for one in db.session.query(Attempt).filter(Attempt.submitted_at.is_(None))}
    assert (open_, len(due)) == (set(waiting), 3)


def test_attempt_that_runs_is_not_ended_by_the_clock_nor_by_late_answers(
    classroom: Classroom, phone: Any
) -> None:
    pupil = Pupil(phone)
    pupil.start()
    body = {"attempt_id": pupil.attempt_id, "device": phone.get_cookie("phone").value, "at": NOON}

    assert operations.submit_overdue(attempt_id=pupil.attempt_id, at=NOON) is False
    assert operations.keep_late(**body, incoming={1: Saved(1, ())}) is False
    assert row(pupil).submitted_at is None


def test_attempt_begun_after_its_link_would_have_closed_ends_when_it_began(
    app: Flask, at: Any, phone: Any
) -> None:
    """A link of an extended class that is repointed loses its extension, and what was begun in it is over."""
    room = a_classroom()
    pupil = Pupil(phone)
    began = at(room.round.closes_at + timedelta(hours=1))
    db.session.execute(update(Link).values(closes_at=began + timedelta(hours=1)))
    db.session.commit()
    pupil.start()
    db.session.execute(update(Link).values(closes_at=None))
    db.session.commit()

    at(began + timedelta(seconds=60))
    early = close_overdue()
    at(began + timedelta(seconds=61))

    assert (early, close_overdue()) == (0, 1)
    assert pupil.sheet.submitted_at == began
