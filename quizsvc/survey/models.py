"""Tables of the surveys: who has answered, and boxes of answers; nothing in one leads to the other.

No key, no time and no order is shared: a turnout has no moment, and answers lie in a box of many, in an order drawn
anew with every answer that is put in. Decision 0027 says what this does and does not hide.
"""

from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import TURNOUT, label
from quizsvc.db import Base


class Turnout(Base):
    """That a head has answered; when and what is not written."""

    __tablename__ = "survey_turnout"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 a row number would tell the order
    plain = ("round_id", "unit_id")

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    # a seat, or a phone where nobody is asked for one; keyed, and drawn anew on the day of erasing
    head: Mapped[str] = mapped_column(primary_key=True, info=label("pseudonym", TURNOUT))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), index=True)


class Box(Base):
    """Answers, shuffled: {question index as text: value} each; a full box is followed by another.

    The choices and numbers of a unit lie together. Answers in words lie apart, in boxes of the campaign's unit, of
    each question its own. Box 0 holds what came in lately; what is shown while the round runs lies in the others.
    """

    __tablename__ = "survey_box"
    __table_args__ = (
        CheckConstraint("kind IN ('choices', 'words')", name="kind"),
        CheckConstraint("count >= 0", name="count"),
    )
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    # words: index of the question they answer; choices: -1
    question: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class Taken(Base):
    """How often an option with a capacity has been taken; the constraint is what cannot be oversold."""

    __tablename__ = "survey_taken"
    __table_args__ = (CheckConstraint("taken BETWEEN 0 AND capacity", name="capacity"),)
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    question: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    option: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    capacity: Mapped[int]
    taken: Mapped[int]
