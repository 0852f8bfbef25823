"""Tables of the prizes: awards and their ends, claims with sealed contacts, hand-overs, stages, certificates."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.retention import ACTOR, CONTACTS, LINKS, label, stays
from quizsvc.db import Base

_PUBLISHED = stays("it is published as proof of the draw; when the player's row is gone it is nobody's")


class Move(Base):
    """A step of a contest that cannot be taken back: who took it and when."""

    __tablename__ = "prize_move"
    __table_args__ = (CheckConstraint("stage IN ('announced', 'handing_out', 'closed')", name="stage"),)
    plain = ("round_id", "stage", "at")

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class PhoneKey(Base):
    """The key under which a round's telephones are hashed: random, and sealed itself, so it outlives rotations."""

    __tablename__ = "prize_phone_key"
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    key: Mapped[str] = mapped_column(info={"sealed": True})


class Award(Base):
    """One prize given to one entry. A prize that is not taken ends here and goes to the next in a new row."""

    __tablename__ = "prize_award"
    __table_args__ = (
        Index(
            "uq_prize_award_prize", "round_id", "tier", "number",
            unique=True, sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL"),
        ),
        UniqueConstraint("round_id", "entry_id"),
        CheckConstraint("(ended_at IS NULL) = (end_kind IS NULL)", name="ended"),
        CheckConstraint("end_kind IN ('forfeited', 'declined', 'disqualified')", name="end_kind"),
    )  # fmt: skip
    plain = ("id", "round_id", "tier", "number", "place", "granted_at", "claim_until", "ended_at", "end_kind")

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    tier: Mapped[int]
    number: Mapped[int]
    entry_id: Mapped[str] = mapped_column(info=label("pseudonym", _PUBLISHED))
    participant_id: Mapped[int | None] = mapped_column(
        ForeignKey("attempt_participant.id"), info=label("pseudonym", LINKS)
    )
    place: Mapped[int]
    claim_code: Mapped[str | None] = mapped_column(unique=True, info=label("secret", LINKS))
    granted_at: Mapped[datetime]
    claim_until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_kind: Mapped[str | None]
    end_reason: Mapped[str | None] = mapped_column(info=label("words", LINKS))
    ended_by: Mapped[str | None] = mapped_column(info=label("pseudonym", ACTOR))


class Claim(Base):
    """How a winner can be reached; sealed, of winners only, one telephone one prize."""

    __tablename__ = "prize_claim"
    __table_args__ = (UniqueConstraint("round_id", "phone_hash"),)
    plain = ("round_id", "claimed_at")

    award_id: Mapped[int] = mapped_column(
        ForeignKey("prize_award.id"), primary_key=True, info=label("pseudonym", CONTACTS)
    )
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    phone: Mapped[str] = mapped_column(info={"sealed": True, **label("personal", CONTACTS)})
    phone_hash: Mapped[str] = mapped_column(info=label("personal", CONTACTS))  # under the round's own key
    name: Mapped[str] = mapped_column(info={"sealed": True, **label("personal", CONTACTS)})
    # of a minor: who comes for the prize
    guardian: Mapped[str | None] = mapped_column(info={"sealed": True, **label("personal", CONTACTS)})
    shown: Mapped[str] = mapped_column(info=label("personal", CONTACTS))  # what the public list says of them
    claimed_at: Mapped[datetime]


class Handover(Base):
    """A prize that was handed out: one row an award, so two clerks cannot hand out the same."""

    __tablename__ = "prize_handover"
    plain = ("award_id", "at", "how")

    award_id: Mapped[int] = mapped_column(ForeignKey("prize_award.id"), primary_key=True)
    at: Mapped[datetime]
    how: Mapped[str]  # counter | post
    by: Mapped[str] = mapped_column(info=label("pseudonym", ACTOR))


class Certificate(Base):
    """A certificate somebody has printed; its number leads to what it says, never to a name."""

    __tablename__ = "prize_certificate"
    __table_args__ = (UniqueConstraint("participant_id", "title"),)
    plain = ("code", "round_id", "title", "issued_at")

    code: Mapped[str] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"))
    participant_id: Mapped[int | None] = mapped_column(
        ForeignKey("attempt_participant.id"), info=label("pseudonym", LINKS)
    )
    title: Mapped[str]
    issued_at: Mapped[datetime]
