"""Answers are taken once, none is lost, no place is sold twice, and nothing stored leads back to anybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit, vault
from quizsvc.audit import AuditEntry, AuditLeaf
from quizsvc.campaign import operations as rounds
from quizsvc.campaign import queries as campaign
from quizsvc.core import linkcode, questionnaire
from quizsvc.core.questionnaire import FEWEST_SHOWN, Question
from quizsvc.core.refusal import Refusal
from quizsvc.core.window import Closed
from quizsvc.db import db
from quizsvc.link import operations as links
from quizsvc.link import queries as link
from quizsvc.roster.models import Enrolment, Exemption
from quizsvc.survey import operations, queries
from quizsvc.survey.models import Box, Taken, Turnout
from tests import make
from tests.conftest import NOON

CODE = linkcode.compose("5RVEY0")
AGE = Question("number", "多大？", False, low=0, high=1000)
MORE = Question("short", "一句话", False, high=50)
LONG = Question("long", "一段话", False, high=50)
ROOM = Question("choice", "去哪一场？", True, options=("上午", "下午", "都行"), capacities=(3, 1, None))
PUPILS = 24


@pytest.fixture
def key_file(app: Flask, tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def unit(app: Flask) -> Any:
    return make.a_class(make.a_school(make.a_county()), pupils=PUPILS)


@pytest.fixture
def answer(key_file: Path) -> Callable[..., bool]:
    def answer(
        seat: int | None,
        *,
        device: str = "",
        at: Any = NOON,
        code: str = CODE,
        helped: bool = False,
        **fields: Any,
    ) -> bool:
        typed = {name: [str(value)] for name, value in fields.items()}
        return operations.answer(
            code=code, seat=seat, device=device, fields=typed, key_file=key_file, at=at, helped=helped
        )

    return answer


def boxes(kind: str = "choices") -> list[Box]:
    db.session.rollback()
    return db.session.query(Box).filter_by(kind=kind).order_by(Box.question, Box.number).all()


def lying(kind: str = "choices") -> list[Any]:
    return [one for box in boxes(kind) for one in box.answers]


def at_once(app: Flask, answer: Callable[..., bool], each: Callable[[int], dict[str, Any]]) -> list[Any]:
    """Let each seat answer, eight threads at a time."""
    db.session.rollback()

    def one(seat: int) -> Any:
        with app.app_context():
            try:
                return answer(seat, **each(seat))
            except Refusal as refusal:
                return type(refusal).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(one, range(1, PUPILS + 1)))


def test_answers_of_a_seat_are_taken_once(unit: Any, answer: Any, key_file: Path) -> None:
    round_ = make.a_survey(unit, AGE, MORE)

    assert answer(7, q0=12, q1="很好 13800138000")
    assert answer(7, q0=99, q1="又来") is False

    assert lying() == [{"0": 12}]
    assert lying("words") == [{"1": "很好 （号码已隐去）"}]
    seat = db.session.query(Enrolment).filter_by(seat=7).one()
    row = campaign.round_of(round_.id)
    assert queries.turned_out(row, unit.id, key_file=key_file) == {seat.id}


def test_phone_without_a_seat_answers_once(unit: Any, answer: Any) -> None:
    make.a_survey(unit, AGE, identity="anonymous")

    assert [answer(None, device=phone, q0=1) for phone in ("a" * 22, "b" * 22, "a" * 22)] == [
        True,
        True,
        False,
    ]
    assert db.session.query(Turnout).count() == len(lying()) == 2


def test_seat_that_is_unknown_or_excused_is_refused_in_the_same_words(unit: Any, answer: Any) -> None:
    make.a_survey(unit, AGE)
    excused = db.session.query(Enrolment).filter_by(seat=2).one().id
    make.saved(Exemption(enrolment_id=excused, reason="休学", approved_by="cli", approved_at=make.LONG_AGO))

    for seat in (2, 99, None):
        with pytest.raises(operations.SeatRefused, match="号现在不能开始"):
            answer(seat, q0=1)
    assert db.session.query(Turnout).count() == db.session.query(Box).count() == 0


def test_what_does_not_fit_or_comes_late_is_refused_and_writes_nothing(unit: Any, answer: Any) -> None:
    make.a_survey(unit, AGE)

    with pytest.raises(operations.Faulty) as refused:
        answer(1, q0="很大")
    assert set(refused.value.reading.faults) == {0}
    with pytest.raises(Closed):
        answer(1, at=make.CLOSES, q0=1)
    assert db.session.query(Turnout).count() == db.session.query(Box).count() == 0


def test_round_of_another_kind_takes_no_answers(unit: Any, answer: Any) -> None:
    make.a_link(make.a_round(unit), unit, code=CODE)

    with pytest.raises(campaign.UnknownRound):
        answer(1, q0=1)


def test_nothing_acknowledged_is_lost_when_all_answer_at_once(app: Flask, unit: Any, answer: Any) -> None:
    make.a_survey(unit, AGE, MORE, LONG)

    told = at_once(app, answer, lambda seat: {"q0": seat, "q1": f"话{seat}", "q2": f"段{seat}"})

    everybody = range(1, PUPILS + 1)
    assert told == [True] * PUPILS
    assert sorted(one["0"] for one in lying()) == list(everybody)
    assert sorted(map(str, lying("words"))) == sorted(
        [str({"1": f"话{seat}"}) for seat in everybody] + [str({"2": f"段{seat}"}) for seat in everybody]
    )
    assert db.session.query(Turnout).count() == sum(box.count for box in boxes()) == PUPILS


def test_places_of_an_option_are_never_oversold(app: Flask, unit: Any, answer: Any) -> None:
    make.a_survey(unit, ROOM)

    told = at_once(app, answer, lambda seat: {"q0": seat % 2})

    assert (told.count(True), told.count("OptionsFull")) == (4, PUPILS - 4)
    assert {(row.option, row.taken) for row in db.session.query(Taken)} == {(0, 3), (1, 1)}
    assert len(lying()) == db.session.query(Turnout).count() == 4
    assert queries.full(boxes()[0].round_id) == {(0, 0), (0, 1)}


def test_refused_for_want_of_places_nothing_is_taken_and_another_option_is_free(
    unit: Any, answer: Any
) -> None:
    make.a_survey(unit, ROOM, ROOM)
    answer(1, q0=1, q1=0)
    answer(2, q0=0, q1=1)

    with pytest.raises(operations.OptionsFull) as refused:
        answer(3, q0=1, q1=0)
    assert refused.value.questions == (0,)
    assert {(row.question, row.option, row.taken) for row in db.session.query(Taken)} == {
        (0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)
    }  # fmt: skip
    assert answer(3, q0=2, q1=2)


def test_nothing_stored_joins_who_with_what(unit: Any, answer: Any) -> None:
    """The raw tables: no column of one occurs in the other but round and unit, no moment, no number in order."""
    make.a_survey(unit, AGE, MORE, campaign=make.a_campaign(db.session.get(type(unit), unit.parent_id)))
    before = (db.session.query(AuditEntry).count(), db.session.query(AuditLeaf).count())
    for seat in range(1, 10):
        answer(seat, q0=seat, q1=f"话{seat}")

    turnout, box = Turnout.__table__, Box.__table__
    assert set(turnout.columns.keys()) == {"round_id", "head", "unit_id"}
    assert set(box.columns.keys()) - {"count", "answers"} == {
        "round_id",
        "unit_id",
        "kind",
        "question",
        "number",
    }
    assert [one for one in lying() if set(one) != {"0"}] == []
    heads = [row.head for row in db.session.query(Turnout)]
    assert not any(head in str([*lying(), *lying("words")]) for head in heads)
    assert (db.session.query(AuditEntry).count(), db.session.query(AuditLeaf).count()) == before
    words = boxes("words")[0]
    assert (words.unit_id, boxes()[0].unit_id) == (unit.parent_id, unit.id)


def test_answers_do_not_lie_in_the_order_in_which_they_came(unit: Any, answer: Any) -> None:
    """Nine answers lie in one of 362,880 orders; of the three that would tell, one comes up in 120,000 runs."""
    make.a_survey(unit, AGE)
    newest = []
    for seat in range(1, 10):
        answer(seat, q0=seat)
        newest.append(lying()[-1]["0"] == seat)

    came = list(range(1, 10))
    order = [one["0"] for one in lying()]
    assert sorted(order) == came
    assert order not in (came, came[::-1])
    assert newest != [True] * 9


def test_every_answer_that_is_put_in_shuffles_the_whole_box(
    unit: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed: list[int] = []
    monkeypatch.setattr(
        operations._chance, "shuffle", lambda box: (mixed.append(len(box)), box.sort(key=str))
    )
    make.a_survey(unit, AGE)

    for seat in range(1, 16):
        answer(seat, q0=100 - seat)

    # the tenth moves five on into a box of their own, the fifteenth five more into the same
    assert mixed == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 6, 7, 8, 9, 10, 10]
    assert [box.count for box in boxes()] == [5, 10]
    assert [one["0"] for one in boxes()[1].answers] == sorted(one["0"] for one in boxes()[1].answers)


def test_full_box_is_followed_by_another(unit: Any, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_IN_A_BOX", 10)
    make.a_survey(unit, AGE)
    for seat in range(1, 23):
        answer(seat, q0=seat)

    assert [(box.number, box.count) for box in boxes()] == [(0, 7), (1, 10), (2, 5)]
    assert sorted(one["0"] for one in lying()) == list(range(1, 23))


def shown(round_: Any, at: Any = NOON) -> int:
    db.session.rollback()
    return queries.results(campaign.round_of(round_.id), "", at).answers


def test_what_is_shown_never_grows_by_fewer_than_five(unit: Any, answer: Any) -> None:
    round_ = make.a_survey(unit, AGE)
    seen = []
    for seat in range(1, 18):
        answer(seat, q0=seat)
        seen.append(shown(round_))
    seen.append(shown(round_, make.CLOSES))

    steps = [after - before for before, after in zip([0, *seen], seen, strict=False)]
    assert {step for step in steps if step} == {5, 7}
    assert min(step for step in steps if step) >= FEWEST_SHOWN
    assert seen[-1] == 17


def test_help_lies_in_the_answer_alone_and_is_counted_in_the_whole_round(unit: Any, answer: Any) -> None:
    school = db.session.get(type(unit), unit.parent_id)
    round_ = make.a_survey(unit, AGE, MORE, campaign=make.a_campaign(school))
    for seat in range(1, 16):
        answer(seat, q0=seat, q1="话", helped=seat < 8)
    row = campaign.round_of(round_.id)
    paths = ("", school.path, unit.path)

    assert sorted(one["0"] for one in lying() if one.get("helped")) == list(range(1, 8))
    assert {str(one) for one in lying("words")} == {"{'1': '话'}"}
    over = [queries.results(row, path, make.CLOSES) for path in paths]
    assert [(one.answers, one.results[0].n, one.helped) for one in over] == [
        (15, 15, 7),
        (15, 15, 7),
        (15, 15, 0),
    ]
    counted = [one for box in boxes() if box.number > 0 for one in box.answers]
    assert queries.results(row, "", NOON).helped == questionnaire.helped(counted)


def test_head_names_nobody_without_the_key_and_is_known_after_the_key_has_changed(
    unit: Any, answer: Any, key_file: Path, tmp_path: Path
) -> None:
    round_ = make.a_survey(unit, AGE)
    answer(1, q0=1)
    seat = db.session.query(Enrolment).filter_by(seat=1).one()
    head, row = db.session.query(Turnout).one().head, campaign.round_of(round_.id)
    subject = queries.seat_subject(seat.id)

    assert head == queries.heads(key_file, round_.id, subject)[0]
    assert head not in queries.heads(tmp_path / "other", round_.id, subject)
    assert head not in queries.heads(key_file, round_.id + 1, subject)
    vault.add_key(key_file)
    vault.retire_old_keys(key_file)
    assert answer(1, q0=1) is False
    assert queries.turned_out(row, unit.id, key_file=key_file) == {seat.id}


def test_who_has_answered_is_erased_on_its_day_and_how_many_stays(
    unit: Any, answer: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MOST_ERASED", 2)
    round_ = make.a_survey(unit, AGE, MORE)
    for seat in range(1, 4):
        answer(seat, q0=seat, q1="话")
    due = NOON.replace(year=2027, month=2, day=1)

    with pytest.raises(operations.NotYet):
        operations.erase_turnout(round_id=round_.id, at=due - timedelta(days=1))
    with pytest.raises(operations.NotYet):
        operations.erase_words(round_id=round_.id, at=due)
    with pytest.raises(campaign.UnknownRound):
        operations.erase_words(round_id=round_.id + 1, at=due)
    assert [operations.erase_turnout(round_id=round_.id, at=due) for _ in range(3)] == [2, 1, 0]
    assert [operations.erase_words(round_id=round_.id, at=due + timedelta(days=150)) for _ in range(2)] == [
        1,
        0,
    ]

    row = campaign.round_of(round_.id)
    assert queries.turned_out(row, unit.id, key_file=key_file) == frozenset()
    assert db.session.query(Turnout).count() == len(lying()) == 3
    assert lying("words") == []


def test_survey_that_has_ended_is_opened_again_for_nobody(unit: Any, key_file: Path) -> None:
    round_ = make.a_survey(unit, AGE)
    door, later, by = link.door(CODE), make.CLOSES + timedelta(days=1), audit.CLI
    links.extend(link_id=door.link_id, closes_at=later, at=NOON, actor=by)
    row = campaign.round_of(round_.id)

    assert [queries.is_over(row, moment) for moment in (NOON, make.CLOSES, later)] == [False, False, True]
    for again in (
        lambda: links.extend(
            link_id=door.link_id, closes_at=later + timedelta(days=1), at=make.CLOSES, actor=by
        ),
        lambda: rounds.prolong(round_id=round_.id, closes_at=later, at=make.CLOSES, actor=by),
    ):
        with pytest.raises(Refusal, match="问卷已经结束"):
            again()
