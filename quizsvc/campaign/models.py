"""Tables of the campaigns: the drive, its official accounts, its rounds and the units each round is opened to."""

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from quizsvc.core.window import Window
from quizsvc.db import Base


class Campaign(Base):
    """The whole drive: who runs it, for which subtree and term, toward which target."""

    __tablename__ = "campaign_campaign"
    about_people = False

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"))
    term: Mapped[str]
    target_permyriad: Mapped[int]
    target_on: Mapped[date]
    organisers: Mapped[list[str]] = mapped_column(JSON)
    hotline: Mapped[str]
    is_test: Mapped[bool]
    erase_on: Mapped[date]
    erased_at: Mapped[datetime | None]  # since then nothing leads from a go to a seat
    cleared_at: Mapped[datetime | None]  # since then the answers are gone too
    created_at: Mapped[datetime]


class OfficialAccount(Base):
    """An official account whose QR code every poster of the campaign carries."""

    __tablename__ = "campaign_official_account"
    about_people = False
    __table_args__ = (UniqueConstraint("campaign_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign_campaign.id"))
    position: Mapped[int]
    name: Mapped[str]
    image: Mapped[bytes]  # PNG


class Round(Base):
    """One paper opened to some units in one window under one policy."""

    __tablename__ = "campaign_round"
    about_people = False
    __table_args__ = (
        CheckConstraint("opens_at < closes_at", name="window"),
        CheckConstraint("attempts >= 1", name="attempts"),
        CheckConstraint("threshold_permyriad BETWEEN 0 AND 10000", name="threshold"),
        CheckConstraint("late IN ('submit_from_saved', 'accept_flagged', 'reject')", name="late"),
        CheckConstraint("per IN ('round', 'day')", name="per"),
        CheckConstraint("pace IN ('sheet', 'strict')", name="pace"),
        CheckConstraint("item_s IS NULL OR pace = 'strict'", name="item_s"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign_campaign.id"), index=True)
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper_paper.id"))
    kind: Mapped[str]  # test | contest | receipt | pledge | adoption | survey
    title: Mapped[str]
    identity: Mapped[str]  # seat | roster | nickname | anonymous
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    limit_s: Mapped[int | None]
    pace: Mapped[str] = mapped_column(server_default="sheet")  # strict: one item per request, no way back
    item_s: Mapped[int | None]  # strict: seconds for each item
    # what becomes of what is not handed in
    late: Mapped[str] = mapped_column(server_default="submit_from_saved")
    attempts: Mapped[int]
    per: Mapped[str] = mapped_column(server_default="round")  # what the number of attempts is for
    counted: Mapped[str]  # best | first | last
    threshold_permyriad: Mapped[int]
    review_after_submit: Mapped[list[str]] = mapped_column(JSON)  # of score, answers, key, explanation
    review_after_close: Mapped[list[str]] = mapped_column(JSON)
    practice_paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper_paper.id"))
    # players pick one of the units right under each: where they live, where they work or study
    place_root_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    trade_root_id: Mapped[int | None] = mapped_column(ForeignKey("roster_unit.id"))
    # pledges of pupils: the approval they may be asked under; "" elsewhere
    approval: Mapped[str] = mapped_column(server_default="")
    # adoption: whether who has declared may get a promotion code
    referrals: Mapped[bool] = mapped_column(server_default=false())
    frozen_at: Mapped[datetime]  # head-counts set until then are the denominator
    created_at: Mapped[datetime]

    def window(self) -> Window:
        """Return the opening time."""
        return Window(self.opens_at, self.closes_at)


class RoundUnit(Base):
    """A unit, with everything under it, that a round is opened to."""

    __tablename__ = "campaign_round_unit"
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("roster_unit.id"), primary_key=True)


class RoundPaper(Base):
    """A paper that takes the place of the round's own: on one day, for those who chose a role, or both."""

    __tablename__ = "campaign_round_paper"
    about_people = False

    round_id: Mapped[int] = mapped_column(ForeignKey("campaign_round.id"), primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)  # "2026-12-01" in China, "" every day
    role: Mapped[str] = mapped_column(primary_key=True)  # as the player picks it, "" everybody
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper_paper.id"))
