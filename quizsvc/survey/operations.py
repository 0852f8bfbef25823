"""The use cases of a survey: take the answers of a head once, erase who has answered, erase what was written."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from quizsvc import clock
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import UnknownRound
from quizsvc.core import questionnaire, retention
from quizsvc.core.questionnaire import FEWEST_SHOWN, WORDED, Answers, Questionnaire, Reading
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, insert_unless_there, operation, run
from quizsvc.link import queries as link
from quizsvc.link.queries import Door
from quizsvc.roster import queries as roster
from quizsvc.survey import queries
from quizsvc.survey.models import Box, Taken, Turnout

MOST_IN_A_BOX = 200
MOST_ERASED = 500

_chance = secrets.SystemRandom()


class SeatRefused(Refusal):
    """One neutral sentence for a seat that is excused or unknown."""

    def __init__(self, seat: int) -> None:
        super().__init__(f"{seat} 号现在不能开始。", status=409)


class Faulty(Refusal):
    """Answers that do not fit their questions; the page shows each fault where it is."""

    def __init__(self, reading: Reading) -> None:
        super().__init__("有几题还要再看一下。")
        self.reading = reading


class OptionsFull(Refusal):
    """Options were chosen that nobody can take any more."""

    def __init__(self, questions: Sequence[int]) -> None:
        super().__init__("选的选项刚刚满了，请换一个。", status=409)
        self.questions = tuple(questions)


@operation
def answer(
    *,
    code: str,
    seat: int | None,
    device: str,
    fields: Mapping[str, Sequence[str]],
    key_file: Path,
    at: datetime,
    helped: bool = False,
) -> bool:
    """Take the answers of a seat, or of a phone where seats are not asked; False when there were some before."""
    door = link.door(code)
    asked = queries.body(door.round)
    door.window().check(at)
    reading = questionnaire.read_answers(asked, fields)
    if reading.faults:
        raise Faulty(reading)
    if not _turn_out(door, _subject(door, seat, device), key_file):
        return False
    _take(door.round.id, asked, reading.answers)
    _put_all(door, asked, reading.answers, helped=helped)
    return True


def _subject(door: Door, seat: int | None, device: str) -> str:
    if door.round.identity == "anonymous":
        return queries.phone_subject(device)
    place = None if seat is None else roster.place(door.unit_id, door.round.term, seat)
    if place is None or place.exempt:
        raise SeatRefused(seat or 0)
    return queries.seat_subject(place.enrolment_id)


def _turn_out(door: Door, subject: str, key_file: Path) -> bool:
    known_as = queries.heads(key_file, door.round.id, subject)
    if queries.answered(door.round.id, known_as):
        return False
    added = run(
        insert_unless_there(Turnout, Turnout.head),
        round_id=door.round.id,
        head=known_as[0],
        unit_id=door.unit_id,
    )
    return added.scalar_one_or_none() is not None


def _take(round_id: int, asked: Questionnaire, answers: Answers) -> None:
    """Take a place of each option that has so many; all of them or, when one is full, none."""
    full = []
    for index, chosen in sorted(answers.items()):
        capacities = asked.questions[index].capacities
        capacity = capacities[chosen] if capacities and isinstance(chosen, int) else None
        if capacity is None:
            continue
        option: dict[str, Any] = {"round_id": round_id, "question": index, "option": chosen}
        run(insert_unless_there(Taken, Taken.taken), **option, capacity=capacity, taken=0)
        taken = db.session.execute(
            update(Taken)
            .filter_by(**option)
            .where(Taken.taken < Taken.capacity)
            .values(taken=Taken.taken + 1)
            .returning(Taken.taken)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        if taken is None:
            full.append(index)
    if full:
        raise OptionsFull(full)


def _put_all(door: Door, asked: Questionnaire, answers: Answers, *, helped: bool) -> None:
    """Put choices into the unit's box, and each text into the round's box of its question."""
    worded = {index for index in answers if asked.questions[index].kind in WORDED}
    plain = {index: one for index, one in answers.items() if index not in worded}
    one = questionnaire.stored(plain, helped=helped)
    _put(door.round.id, door.unit_id, "choices", queries.CHOICES, one)
    for index in sorted(worded):
        text = questionnaire.stored({index: answers[index]})
        _put(door.round.id, door.round.campaign_unit_id, "words", index, text)


def _put(round_id: int, unit_id: int, kind: str, question: int, one: dict[str, Any]) -> None:
    """Put an answer into box 0; once it holds enough, move some of them on, whichever, so that as many stay.

    What moves on is shown while the survey runs. It is never less than FEWEST_SHOWN at a time, and what is left
    for the end is never less than that either: nobody can watch a single answer arrive.
    """
    here = {"round_id": round_id, "unit_id": unit_id, "kind": kind, "question": question}
    run(insert_unless_there(Box, Box.number), **here, number=0, count=0, answers=[])
    lately = [*_locked(here, 0), one]
    _chance.shuffle(lately)
    if len(lately) >= 2 * FEWEST_SHOWN:
        _move_on(here, lately[:FEWEST_SHOWN])
        lately = lately[FEWEST_SHOWN:]
    _keep(here, 0, lately)


def _locked(here: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    found = select(Box.answers).filter_by(**here, number=number).with_for_update()
    return list(db.session.execute(found).scalar_one())


def _move_on(here: Mapping[str, Any], some: Sequence[dict[str, Any]]) -> None:
    newest = db.session.execute(
        select(Box.number, Box.count.label("held"))
        .where(*(getattr(Box, name) == value for name, value in here.items()))
        .order_by(Box.number.desc())
        .limit(1)
    ).one()
    if newest.number == 0 or newest.held + len(some) > MOST_IN_A_BOX:
        db.session.execute(insert(Box).values(**here, number=newest.number + 1, count=0, answers=[]))
        _keep(here, newest.number + 1, some)
        return
    whole = [*_locked(here, newest.number), *some]
    _chance.shuffle(whole)
    _keep(here, newest.number, whole)


def _keep(here: Mapping[str, Any], number: int, answers: Sequence[dict[str, Any]]) -> None:
    db.session.execute(
        update(Box)
        .filter_by(**here, number=number)
        .values(answers=list(answers), count=len(answers))
        .execution_options(synchronize_session=False)
    )


# Erasing: batches of one transaction each, to be called until they return 0; docs/PRIVACY.md says when and what.


class NotYet(Refusal):
    """The day on which this may be erased has not come."""

    def __init__(self, on: date) -> None:
        super().__init__(f"{on:%Y-%m-%d} 才可以清除，现在还没有到。", status=409)


@operation
def erase_turnout(*, round_id: int, at: datetime) -> int:
    """Draw up to 500 heads of a round anew: how many have answered stays, and nothing tells who."""
    _lock_due(round_id, at, lambda erase_on: erase_on)
    keyed = (Turnout.round_id == round_id, Turnout.head.not_like(f"{queries.ERASED}%"))
    found = db.session.scalars(select(Turnout.head).where(*keyed).limit(MOST_ERASED)).all()
    for head in found:
        db.session.execute(
            update(Turnout)
            .where(Turnout.round_id == round_id, Turnout.head == head)
            .values(head=f"{queries.ERASED}{secrets.token_hex(16)}")
            .execution_options(synchronize_session=False)
        )
    return len(found)


@operation
def erase_words(*, round_id: int, at: datetime) -> int:
    """Delete up to 500 boxes of what was written in a round; choices and numbers, which name nobody, stay."""
    _lock_due(round_id, at, retention.answers_go_on)
    boxes = select(Box.question, Box.number).where(Box.round_id == round_id, Box.kind == "words")
    found = db.session.execute(boxes.limit(MOST_ERASED)).all()
    for question, number in found:
        db.session.execute(
            delete(Box).filter_by(round_id=round_id, kind="words", question=question, number=number)
        )
    return len(found)


def _lock_due(round_id: int, at: datetime, goes_on: Callable[[date], date]) -> None:
    """Let those who erase in a round queue, and refuse before the day has come."""
    erase_on = db.session.execute(
        select(Campaign.erase_on)
        .join(Round, Round.campaign_id == Campaign.id)
        .where(Round.id == round_id)
        .with_for_update(of=Round, key_share=True)
    ).scalar_one_or_none()
    if erase_on is None:
        raise UnknownRound
    if clock.local_day(at) < goes_on(erase_on):
        raise NotYet(goes_on(erase_on))
