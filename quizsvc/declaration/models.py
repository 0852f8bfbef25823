"""Tables of the declarations: one row for what a head declares, item by item where there are items; typed totals."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, LINKS, label, stays
from quizsvc.db import Base

_HEAD = stays("without the seat it is a declaration of an unknown head")
_FACT = stays("without the seat it is a fact about an unknown head, and every rate is made of such")
_STANDS = text("voided_at IS NULL AND replaced_at IS NULL")


class Declaration(Base):
    """What a head has declared; it is never changed: a later one of the same head replaces it and both stay.

    `met` is the only thing the kinds differ in: told "yes" (receipt), signed (pledge), everything adopted (adoption).
    """

    __tablename__ = "declaration_declaration"
    __table_args__ = (
        Index("uq_declaration_declaration_head", "round_id", "enrolment_id", unique=True,
              sqlite_where=_STANDS, postgresql_where=_STANDS),
        Index("uq_declaration_declaration_device", "round_id", "device_hash", unique=True,
              sqlite_where=text("voided_at IS NULL AND replaced_at IS NULL AND nameless"),
              postgresql_where=text("voided_at IS NULL AND replaced_at IS NULL AND nameless")),
        Index("ix_declaration_declaration_heads", "round_id", "unit_id", "met",
              sqlite_where=_STANDS, postgresql_where=_STANDS),
        CheckConstraint("signer IN ('', 'guardian', 'student', 'staff', 'head', 'resident')", name="signer"),
        CheckConstraint("channel IN ('phone', 'paper')", name="channel"),
    )  # fmt: skip
    plain = ("round_id", "unit_id", "link_id", "paper_id", "text_hash", "signer", "channel", "nameless", "noted_on",
             "voided_at", "replaced_at")  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True, info=label("pseudonym", _HEAD))  # 120 random bits
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    enrolment_id: Mapped[int | None] = mapped_column(
        ForeignKey("roster_enrolment.id"), info=label("pseudonym", LINKS)
    )
    link_id: Mapped[int | None] = mapped_column(ForeignKey("link_link.id"))  # None: a sheet of paper
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper_paper.id"))
    text_hash: Mapped[str]  # of the exact text that was read
    signer: Mapped[str]  # as the document names them; "" adoption: whose seat it is
    channel: Mapped[str]
    # answered without a seat: one a phone, "n answers" and never "n people"
    nameless: Mapped[bool]
    met: Mapped[bool] = mapped_column(info=label("pseudonym", _FACT))
    # somebody filled it in for the one it is about
    helped: Mapped[bool] = mapped_column(info=label("pseudonym", _FACT))
    device_hash: Mapped[str | None] = mapped_column(info=label("technical", LINKS))
    receipt: Mapped[str | None] = mapped_column(unique=True, info=label("pseudonym", LINKS))
    name: Mapped[str | None] = mapped_column(info={"sealed": True, **label("personal", LINKS)})  # as typed
    # strokes as an SVG path in a box of 300 × 100
    signature: Mapped[str | None] = mapped_column(info={"sealed": True, **label("personal", LINKS)})
    declared_at: Mapped[datetime] = mapped_column(info=label("pseudonym", _FACT))
    # paper: the date on the sheet
    noted_on: Mapped[date | None]
    noted_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))  # who entered the paper
    # whose promotion code led here
    referral_id: Mapped[int | None] = mapped_column(
        ForeignKey("declaration_referral.id"), info=label("pseudonym", LINKS)
    )
    # taken over from the exemption when the enrolment is let go: stands outside the denominator for good
    excused: Mapped[bool] = mapped_column(server_default=false(), info=label("pseudonym", _FACT))
    replaced_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(info=label("words", LINKS))


class ItemState(Base):
    """How far one head has come with one thing to adopt, and how we know."""

    __tablename__ = "declaration_item"
    __table_args__ = (
        CheckConstraint("state IN ('adopted', 'partial', 'not', 'na')", name="state"),
        CheckConstraint("proof IN ('declared', 'checked', 'verified')", name="proof"),
    )
    plain = ("item",)

    declaration_id: Mapped[str] = mapped_column(
        ForeignKey("declaration_declaration.id"), primary_key=True, info=label("pseudonym", _HEAD)
    )
    item: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # index of the item in the paper
    state: Mapped[str] = mapped_column(info=label("pseudonym", _FACT))
    steps: Mapped[int] = mapped_column(info=label("pseudonym", _FACT))  # bit n: step n is done
    proof: Mapped[str] = mapped_column(info=label("pseudonym", _FACT))


class Population(Base):
    """How many people live in a unit, as somebody has typed it; the newest counts."""

    __tablename__ = "declaration_population"
    __table_args__ = (CheckConstraint("people >= 0", name="people"),)
    plain = ("id", "round_id", "unit_id", "people", "source", "set_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    people: Mapped[int]
    source: Mapped[str]  # where the number comes from, as 2025 年户籍统计
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Total(Base):
    """How many people of a unit had adopted an item when somebody went and counted; the newest counts."""

    __tablename__ = "declaration_total"
    __table_args__ = (CheckConstraint("adopted >= 0", name="adopted"),)
    plain = ("id", "round_id", "unit_id", "item", "adopted", "source", "counted_on", "set_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    item: Mapped[int]
    adopted: Mapped[int]
    source: Mapped[str]  # how it was counted, as 入户登记表
    counted_on: Mapped[date]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Referral(Base):
    """The promotion code of one head of a unit; it counts who came by it and is shown to its owner alone."""

    __tablename__ = "declaration_referral"
    __table_args__ = (UniqueConstraint("round_id", "enrolment_id"),)
    plain = ("id", "round_id", "unit_id", "made_at")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    enrolment_id: Mapped[int | None] = mapped_column(
        ForeignKey("roster_enrolment.id"), info=label("pseudonym", LINKS)
    )
    code: Mapped[str | None] = mapped_column(unique=True, info=label("pseudonym", LINKS))  # 8 characters
    made_at: Mapped[datetime]
