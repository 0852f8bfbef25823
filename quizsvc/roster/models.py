"""Tables of the roster: units, persons, enrolments, head-counts, exemptions. The only home of pupils' names."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, EXCUSES, NAMES, label, stays
from quizsvc.db import Base, PathText


class Unit(Base):
    """A node of the organisation tree; `path` is its ancestors' codes and its own, each followed by "/"."""

    __tablename__ = "roster_unit"
    about_people = False
    __table_args__ = (UniqueConstraint("parent_id", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    path: Mapped[str] = mapped_column(PathText, unique=True)
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]  # county school college grade class village company ...
    position: Mapped[int]  # order among its siblings
    created_at: Mapped[datetime]


class Person(Base):
    """The name behind an enrolment, if the school keeps names here."""

    __tablename__ = "roster_person"
    __table_args__ = (UniqueConstraint("school_id", "student_number"),)
    plain = ("id", "school_id", "created_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    student_number: Mapped[str] = mapped_column(info=label("personal", NAMES))
    name: Mapped[str] = mapped_column(info=label("personal", NAMES))
    created_at: Mapped[datetime]


class Enrolment(Base):
    """An expected place in a unit for a term: a seat, with or without a person."""

    __tablename__ = "roster_enrolment"
    __table_args__ = (
        Index(
            "uq_roster_enrolment_seat", "unit_id", "term", "seat",
            unique=True, sqlite_where=text("left_at IS NULL"), postgresql_where=text("left_at IS NULL"),
        ),
        Index(
            "uq_roster_enrolment_person", "person_id", "term",
            unique=True, sqlite_where=text("left_at IS NULL"), postgresql_where=text("left_at IS NULL"),
        ),
    )  # fmt: skip
    plain = ("id", "unit_id", "term", "joined_at", "left_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    term: Mapped[str]
    seat: Mapped[int] = mapped_column(info=label("pseudonym", stays("without a name and a go it is a chair")))
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("roster_person.id"), index=True, info=label("pseudonym", NAMES)
    )
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class Headcount(Base):
    """How many are expected in a unit for a term; the newest row set in time counts, older rows stay."""

    __tablename__ = "roster_headcount"
    __table_args__ = (Index("ix_roster_headcount_unit_term", "unit_id", "term", "set_at"),)
    plain = ("id", "unit_id", "term", "expected", "set_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    term: Mapped[str]
    expected: Mapped[int]
    set_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))  # staff:7, cli
    set_at: Mapped[datetime]


class Exemption(Base):
    """Somebody who is excused, why, and who approved it."""

    __tablename__ = "roster_exemption"
    __table_args__ = (
        Index(
            "uq_roster_exemption_enrolment", "enrolment_id",
            unique=True, sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
    )  # fmt: skip
    plain = ("id", "approved_at", "ended_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    enrolment_id: Mapped[int] = mapped_column(
        ForeignKey("roster_enrolment.id"), info=label("pseudonym", stays("a nameless chair was excused"))
    )
    reason: Mapped[str] = mapped_column(info=label("words", EXCUSES))
    approved_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))
    approved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
