"""What may never happen to an attempt: lost answers, double submissions, more goes than allowed, late keys."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.attempt.cli import attempt as attempt_cli
from quizsvc.attempt.models import Attempt
from quizsvc.audit import AuditEntry, AuditLeaf
from quizsvc.campaign import queries as campaign
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link import queries as link
from quizsvc.roster.models import Enrolment
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON

TEACHER = audit.Actor.staff(7)


def at_once(app: Flask, work: Callable[[int], Any], times: int) -> list[Any]:
    """Run the same work in many threads, each in its own application context."""
    db.session.rollback()

    def one(number: int) -> Any:
        with app.app_context():
            try:
                return work(number)
            except Refusal as refusal:
                return type(refusal).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(times)))


def test_fifty_parallel_starts_make_one_attempt(classroom: Classroom, app: Flask) -> None:
    door = link.door(CODE)

    started = at_once(
        app, lambda _: operations.start(code=door.code, seat=1, source="poster", device="d" * 22, at=NOON), 50
    )

    assert {one.attempt_id for one in started} == {db.session.query(Attempt).one().id}


def test_fifty_parallel_phones_on_one_seat_make_one_attempt(classroom: Classroom, app: Flask) -> None:
    door = link.door(CODE)

    started = at_once(
        app,
        lambda n: operations.start(code=door.code, seat=1, source="poster", device=f"{n:022}", at=NOON),
        50,
    )

    assert db.session.query(Attempt).count() == 1
    assert started.count("SeatTaken") == 49


def test_fifty_parallel_goes_make_exactly_the_allowed_attempts(classroom: Classroom, app: Flask) -> None:
    door = link.door(CODE)

    def go(_: int) -> Any:
        begun = operations.start(code=door.code, seat=1, source="poster", device="d" * 22, at=NOON)
        operations.submit(attempt_id=begun.attempt_id, device="d" * 22, incoming={}, at=NOON)
        return begun.attempt_id

    at_once(app, go, 50)

    rows = db.session.query(Attempt).order_by(Attempt.ordinal).all()
    assert [row.ordinal for row in rows] == [1, 2, 3]
    assert db.session.query(AuditLeaf).count() == 3


def test_the_limit_is_a_constraint_of_the_table(classroom: Classroom) -> None:
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError):
        make.an_attempt(classroom.round, classroom.unit, 1, ordinal=4)
    db.session.rollback()
    make.an_attempt(classroom.round, classroom.unit, 2)
    with pytest.raises(IntegrityError):
        make.an_attempt(classroom.round, classroom.unit, 2)
    db.session.rollback()


def test_double_taps_give_one_submission_and_one_result(classroom: Classroom, app: Flask) -> None:
    pupil = Pupil(app.test_client())
    pupil.start()
    incoming = {p: queries.Saved(1, tuple(tokens)) for p, tokens in pupil.tokens().items()}
    device = pupil.phone.get_cookie("phone").value

    at_once(
        app,
        lambda _: operations.submit(attempt_id=pupil.attempt_id, device=device, incoming=incoming, at=NOON),
        20,
    )

    assert pupil.sheet.score == 30
    assert db.session.query(AuditLeaf).count() == 1


def test_replay_with_other_answers_shows_what_was_stored(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False))

    again = pupil.submit(pupil.tokens())
    page = again.get_data(as_text=True)

    receipt = pupil.sheet.receipt
    assert again.status_code == 409
    for said in ("已经交过了", "以第一次交的为准", f"{receipt[:4]}-{receipt[4:]}", "3</span> / <span"):
        assert said in page
    assert f'href="/a/{pupil.attempt_id}/result"' in page
    assert pupil.sheet.score == 0


def test_save_after_submit_is_409_and_changes_nothing(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())
    stored = pupil.sheet.answers

    assert pupil.save(pupil.tokens(right=lambda position: False), seq=9).status_code == 409
    assert pupil.sheet.answers == stored


def test_newer_sequence_wins_and_a_stale_tab_is_told(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    right, wrong = pupil.tokens(), pupil.tokens(right=lambda position: False)

    assert pupil.save({1: right[1]}, seq=5).status_code == 204
    stale = pupil.save({1: wrong[1]}, seq=4)
    repeated = pupil.save({1: right[1]}, seq=5)

    assert (stale.status_code, stale.json) == (200, {"1": [5, right[1]]})
    assert repeated.status_code == 204
    assert pupil.sheet.tokens() == {1: tuple(right[1])}


def test_saved_answers_count_when_nothing_is_sent_at_the_end(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.save(pupil.tokens())

    pupil.submit()

    assert pupil.sheet.score == 30


def test_answer_in_the_grace_counts_and_a_later_one_does_not(app: Any, at: Any, phone: Any) -> None:
    a_classroom(limit_s=600)
    pupil = Pupil(phone)
    pupil.start()
    ends = NOON + timedelta(seconds=600)

    at(ends + timedelta(seconds=60))
    assert pupil.save({1: pupil.tokens()[1]}).status_code == 204
    at(ends + timedelta(seconds=61))
    assert pupil.save({2: pupil.tokens()[2]}).status_code == 409
    assert pupil.submit(pupil.tokens()).status_code == 409

    assert (pupil.sheet.score, pupil.sheet.submitted_at, pupil.sheet.overdue) == (10, ends, True)
    assert pupil.submit({1: pupil.tokens()[1]}).headers["Location"] == f"/a/{pupil.attempt_id}/result"


def test_overdue_attempt_reads_as_closed_before_any_job_ran(app: Any, at: Any, phone: Any) -> None:
    a_classroom(limit_s=600)
    pupil = Pupil(phone)
    pupil.start()
    pupil.save({1: pupil.tokens()[1]})
    at(NOON + timedelta(seconds=700))

    page = pupil.result()

    assert "识破了 1 个骗局" in page
    assert "时间到了，已按保存的答案交卷" in page
    assert pupil.sheet.submitted_at is None


def test_sweeper_hands_in_what_was_saved_once(app: Any, at: Any, phone: Any) -> None:
    a_classroom(limit_s=600)
    pupil = Pupil(phone)
    pupil.start()
    pupil.save({1: pupil.tokens()[1]})
    late = at(NOON + timedelta(seconds=661))
    run = app.test_cli_runner()

    first = run.invoke(attempt_cli, ["submit-overdue"])
    second = run.invoke(attempt_cli, ["submit-overdue"])

    assert ("1 份" in first.output, "0 份" in second.output) == (True, True)
    assert (pupil.sheet.score, pupil.sheet.overdue) == (10, True)
    assert pupil.sheet.submitted_at == NOON + timedelta(seconds=600) < late


def test_sweeper_leaves_running_attempts_alone(classroom: Classroom, phone: Any, at: Any) -> None:
    Pupil(phone).start()

    assert queries.ran_out(NOON + timedelta(days=1), 10) == []
    assert len(queries.ran_out(classroom.round.closes_at + timedelta(seconds=61), 10)) == 1


def test_window_end_closes_an_attempt_without_limit(classroom: Classroom, phone: Any, at: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    at(classroom.round.closes_at + timedelta(seconds=61))

    assert pupil.save(pupil.tokens()).status_code == 409


def test_link_extension_keeps_the_class_open(classroom: Classroom, phone: Any, at: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    classroom.link.closes_at = classroom.round.closes_at + timedelta(days=1)
    db.session.commit()
    at(classroom.round.closes_at + timedelta(hours=1))

    assert pupil.save(pupil.tokens()).status_code == 204


def test_extra_time_reaches_a_running_attempt(app: Any, at: Any, phone: Any) -> None:
    room = a_classroom(limit_s=600)
    pupil = Pupil(phone)
    pupil.start()
    round_ = campaign.round_of(room.round.id)

    operations.extend(round_=round_, unit_id=room.unit.id, seat=1, minutes=10, at=NOON, actor=TEACHER)
    at(NOON + timedelta(seconds=1100))

    assert pupil.save(pupil.tokens()).status_code == 204
    assert pupil.sheet.deadline == NOON + timedelta(seconds=1200)


def test_transfer_lets_the_next_phone_go_on(classroom: Classroom, app: Flask) -> None:
    old, new = Pupil(app.test_client()), Pupil(app.test_client())
    old.start()
    old.save({1: old.tokens()[1]})
    assert new.start().status_code == 409

    operations.transfer(
        round_=campaign.round_of(classroom.round.id),
        unit_id=classroom.unit.id,
        seat=old.seat,
        at=NOON,
        actor=TEACHER,
    )
    new.start()

    assert new.attempt_id == old.attempt_id
    assert new.sheet.tokens().keys() == {1}
    assert old.save({2: old.tokens()[2]}, seq=1).status_code == 403


def test_release_voids_with_a_reason_and_frees_the_seat(classroom: Classroom, app: Flask) -> None:
    wrong, right = Pupil(app.test_client()), Pupil(app.test_client())
    wrong.start()
    wrong.submit(wrong.tokens())
    round_ = campaign.round_of(classroom.round.id)

    with pytest.raises(Refusal, match="原因"):
        operations.release(
            round_=round_, unit_id=classroom.unit.id, seat=1, reason="无", at=NOON, actor=TEACHER
        )
    voided = operations.release(
        round_=round_, unit_id=classroom.unit.id, seat=1, reason="同学点错了序号", at=NOON, actor=TEACHER
    )

    assert voided == 1
    assert right.start().status_code == 303
    assert db.session.query(AuditEntry).filter_by(action="attempt.void").count() == 1
    assert [seat.attempts for seat in queries.seats_of(round_, classroom.unit.id)] == [1, 0, 0]


@pytest.mark.parametrize(("counted", "score"), [("best", 20), ("first", 10), ("last", 0)])
def test_seats_tell_first_and_counted_score(app: Any, at: Any, phone: Any, counted: str, score: int) -> None:
    room = a_classroom(counted=counted)
    pupil = Pupil(phone)
    for rights in (1, 2, 0):
        pupil.start()
        pupil.submit(pupil.tokens(right=lambda position, rights=rights: position <= rights))

    seat = queries.seats_of(campaign.round_of(room.round.id), room.unit.id)[0]

    assert (seat.state, seat.attempts, seat.first_score, seat.counted_score) == ("done", 3, 10, score)


def test_second_go_prefers_items_not_seen(app: Any, at: Any, phone: Any) -> None:
    a_classroom(paper=make.a_paper(items=6, drawn=3))
    pupil = Pupil(phone)
    drawn = []
    for _ in range(2):
        pupil.start()
        drawn.append({index for index, _ in pupil.sheet.form})
        pupil.submit()

    assert drawn[0] & drawn[1] == set()


def test_fourth_go_leads_to_the_last_result(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    for _ in range(3):
        pupil.start()
        pupil.submit()

    assert pupil.start().headers["Location"] == f"/a/{pupil.attempt_id}/result"


def test_same_phone_goes_on_where_it_was(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    first = pupil.attempt_id
    pupil.start()

    assert pupil.attempt_id == first


def test_starts_are_told_apart_by_source(classroom: Classroom, app: Flask) -> None:
    for seat, source in ((1, ""), (2, "g"), (3, "s")):
        Pupil(app.test_client(), seat).start(s=source)

    assert queries.starts_by_source(classroom.round.id, classroom.unit.id) == {
        "poster": 1,
        "group": 1,
        "screen": 1,
    }


def test_seat_given_up_by_one_pupil_is_new_to_the_next(classroom: Classroom, app: Flask) -> None:
    leaver = Pupil(app.test_client())
    leaver.start()
    leaver.submit(leaver.tokens())
    enrolment = db.session.query(Enrolment).filter_by(unit_id=classroom.unit.id, seat=1).one()
    enrolment.left_at = NOON
    make.saved(Enrolment(unit_id=classroom.unit.id, term=make.TERM, seat=1, joined_at=NOON))

    joiner = Pupil(app.test_client())
    joiner.start()

    assert joiner.attempt_id != leaver.attempt_id
