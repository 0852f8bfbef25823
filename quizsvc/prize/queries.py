"""Reads of the prizes: where contests stand, who holds which prize, what is left, certificates."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, false, func, or_, select, union_all

from quizsvc import vault
from quizsvc.attempt.models import Attempt, Participant, Player
from quizsvc.attempt.queries import device_hash
from quizsvc.campaign.models import Campaign, Round
from quizsvc.campaign.queries import ROUND_COLUMNS, HomeUnit, RoundRow, UnknownRound, round_row
from quizsvc.contest.models import Score
from quizsvc.contest.queries import excluded_ids
from quizsvc.core import lifecycle
from quizsvc.core.lifecycle import Fact, Facts, Move
from quizsvc.core.refusal import Unknown
from quizsvc.core.retention import CONTACTS_STAY
from quizsvc.core.rulebook import Rules, Tier
from quizsvc.db import db, within
from quizsvc.draw import queries as draw
from quizsvc.draw.models import Draw, Result
from quizsvc.prize.models import Award, Certificate, Claim, Handover, PhoneKey
from quizsvc.prize.models import Move as Moved
from quizsvc.roster.models import Unit
from quizsvc.rulebook import queries as rulebook
from quizsvc.rulebook.models import Version

END_NAMES: Final = {"forfeited": "逾期没有领", "declined": "本人放弃", "disqualified": "取消资格"}
HOW_NAMES: Final = {"counter": "当面领", "post": "邮寄"}
MET: Final = "达标"
MOST_DUE: Final = 200


class UnknownContest(Unknown):
    """There is no such contest."""

    def __init__(self) -> None:
        super().__init__("没有这个竞赛，可能网址抄错了。")


class UnknownAward(Unknown):
    """There is no such prize in this contest."""

    def __init__(self) -> None:
        super().__init__("没有这个领奖码。请对着中奖人的手机再看一遍，一共 8 位。")


class UnknownCertificate(Unknown):
    """There is no certificate of this number."""

    def __init__(self) -> None:
        super().__init__("没有这个编号的证书。请对着证书再看一遍编号。")


@dataclass(frozen=True, slots=True)
class AwardRow:
    """A prize of one entry with what has become of it; `shown` is what the public may see once it is claimed."""

    id: int
    round_id: int
    tier: int
    number: int
    place: int
    entry_id: str
    participant_id: int | None
    claim_code: str | None
    granted_at: datetime
    claim_until: datetime
    ended_at: datetime | None
    end_kind: str | None
    end_reason: str | None
    ended_by: str | None
    claimed_at: datetime | None
    shown: str | None
    by_guardian: bool
    handed_at: datetime | None
    handed_by: str | None
    how: str | None
    nickname: str
    unit_name: str | None

    @property
    def state(self) -> str:
        """Name what the prize is at: ended, handed, claimed or waiting."""
        if self.ended_at is not None:
            return "ended"
        if self.handed_at is not None:
            return "handed"
        return "waiting" if self.claimed_at is None else "claimed"

    @property
    def entry_masked(self) -> str:
        """Write the entry so that its owner knows it: the ends alone."""
        return f"{self.entry_id[:4]}…{self.entry_id[-4:]}"

    def is_lapsed(self, at: datetime) -> bool:
        """Say whether nobody came for the prize in time."""
        return self.state in ("waiting", "claimed") and lifecycle.lapsed(self.claim_until, at)


@dataclass(frozen=True, slots=True)
class Contact:
    """How a winner can be reached, opened."""

    phone: str
    name: str
    guardian: str | None


@dataclass(frozen=True, slots=True)
class Stock:
    """The prizes of one tier: how many there are, were handed out, are held by somebody, and are nobody's."""

    tier: Tier
    number: int
    handed: int
    held: int

    @property
    def left(self) -> int:
        """Return how many prizes nobody holds or has."""
        return self.number - self.handed - self.held


@dataclass(frozen=True, slots=True)
class Attribution:
    """How many players came through the links of a unit, and how many goes they handed in."""

    unit_name: str
    players: int
    goes: int


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """What a certificate says; no name, anywhere."""

    code: str
    title: str
    issued_at: datetime
    round_title: str
    round_code: str
    organisers: tuple[str, ...]
    is_test: bool
    withdrawn: bool
    """The player has been excluded since."""


def contests_under(paths: Sequence[str]) -> list[RoundRow]:
    """List the contests of campaigns that belong to the subtrees, newest first (1 statement)."""
    rows = db.session.execute(
        _contests().where(within(HomeUnit.path, paths)).order_by(Round.opens_at.desc(), Round.id.desc())
    ).mappings()
    return [round_row(row) for row in rows]


def contest_of(round_id: int) -> RoundRow:
    """Return a contest for its desks, or refuse when there is none (1 statement)."""
    found = _found(Round.id == round_id)
    if found is None:
        raise UnknownRound
    return found


def contest_by_code(code: str) -> RoundRow:
    """Return the contest of a code, or refuse when there is none or its rules are not announced (1 statement)."""
    found = _found(and_(Round.code == code, rulebook.RELEASED))
    if found is None:
        raise UnknownContest
    return found


def facts(rounds: Sequence[RoundRow]) -> dict[int, Facts]:
    """Return what the stages of contests follow from (3 statements)."""
    done: dict[int, dict[Move, Fact]] = {round_.id: {} for round_ in rounds}
    first = select(Version.round_id, Version.published_at, Version.published_by).where(
        Version.round_id.in_(done), Version.number == 1
    )
    for announced in db.session.execute(first):
        done[announced.round_id][Move.PUBLISH] = Fact(announced.published_at, announced.published_by)
    drawn = (
        select(Draw.round_id, Draw.frozen_at, Draw.frozen_by, Result.drawn_at, Result.drawn_by)
        .outerjoin(Result, Result.draw_id == Draw.id)
        .where(Draw.round_id.in_(done))
    )
    for row in db.session.execute(drawn):
        done[row.round_id][Move.FREEZE] = Fact(row.frozen_at, row.frozen_by)
        if row.drawn_at is not None:
            done[row.round_id][Move.DRAW] = Fact(row.drawn_at, row.drawn_by)
    for moved in db.session.execute(
        select(Moved.round_id, Moved.stage, Moved.at, Moved.by).where(Moved.round_id.in_(done))
    ):
        done[moved.round_id][MOVES[moved.stage]] = Fact(moved.at, moved.by)
    return {
        round_.id: Facts(opens_at=round_.opens_at, closes_at=round_.closes_at, done=done[round_.id])
        for round_ in rounds
    }


MOVES: Final = {"announced": Move.ANNOUNCE, "handing_out": Move.HAND_OUT, "closed": Move.CLOSE}
"""What the moves are called in the table."""


def drawn_rules(round_id: int) -> Rules | None:
    """Return the rules the prizes stand in: those the list was frozen under, else the newest (2 statements)."""
    draw_id = db.session.execute(select(Draw.id).where(Draw.round_id == round_id)).scalar_one_or_none()
    if draw_id is not None:
        return draw.rules(draw_id)
    version = rulebook.in_force(round_id)
    return version.rules if version else None


def awards(
    round_id: int, *, limit: int | None = None, offset: int = 0, only: Collection[ColumnElement[bool]] = ()
) -> list[AwardRow]:
    """List the prizes of a contest by tier and number, the ended ones before those that took their place."""
    rows = db.session.execute(
        _AWARDS.where(Award.round_id == round_id, *only)
        .order_by(Award.tier, Award.number, Award.id)
        .limit(limit)
        .offset(offset)
    ).mappings()
    return [AwardRow(**row) for row in rows]


def award_count(round_id: int) -> int:
    """Count the prizes of a contest, ended ones included (1 statement)."""
    return db.session.execute(select(func.count()).where(Award.round_id == round_id)).scalar_one()


def award_of(round_id: int, award_id: int) -> AwardRow:
    """Return a prize of a contest, or refuse when there is none (1 statement)."""
    return _one_award(round_id, Award.id == award_id)


def award_of_code(round_id: int, claim_code: str) -> AwardRow:
    """Return the prize of a claim code, or refuse when there is none in this contest (1 statement)."""
    return _one_award(round_id, Award.claim_code == claim_code)


def awards_on_phone(round_: RoundRow, device: str) -> list[AwardRow]:
    """List the prizes of the players, or of the seats, that played on this phone (1 statement)."""
    mine = device_hash(device)
    if round_.is_public:
        return awards(round_.id, only=(Player.device_hash == mine,))
    played = select(Attempt.id).where(
        Attempt.participant_id == Award.participant_id, Attempt.device_hash == mine
    )
    return awards(round_.id, only=(played.exists(),))


def participants_on_phone(round_: RoundRow, device: str) -> list[int]:
    """List who played a contest on this phone: one player, or several seats (1 statement)."""
    mine = device_hash(device)
    played = select(Attempt.participant_id).where(Attempt.round_id == round_.id, Attempt.device_hash == mine)
    joined = select(Player.participant_id).where(Player.round_id == round_.id, Player.device_hash == mine)
    asked = joined if round_.is_public else played.distinct().order_by(Attempt.participant_id)
    return list(db.session.scalars(asked))


def resumes(participant_id: int, code: str) -> bool:
    """Say whether a resume code is one of a participant's own (1 statement)."""
    kept = db.session.scalars(
        select(Attempt.resume).where(Attempt.participant_id == participant_id, Attempt.resume.is_not(None))
    ).all()
    return any(secrets.compare_digest(one.encode(), code.encode()) for one in kept if one)


def lapsed(round_id: int, at: datetime) -> list[AwardRow]:
    """List the first of the prizes nobody claimed in time, as many as are ended in one go (1 statement)."""
    unclaimed = (Award.ended_at.is_(None), Award.claim_until <= at, Claim.award_id.is_(None))
    return awards(round_id, limit=MOST_DUE, only=unclaimed)


def prizes_left(round_id: int) -> int:
    """Count the prizes that somebody holds and has not got (1 statement)."""
    return db.session.execute(
        select(func.count())
        .select_from(Award)
        .outerjoin(Handover, Handover.award_id == Award.id)
        .where(Award.round_id == round_id, Award.ended_at.is_(None), Handover.award_id.is_(None))
    ).scalar_one()


def stock(round_id: int, tiers: Sequence[Tier]) -> list[Stock]:
    """Count the prizes of each tier (1 statement)."""
    found = {
        row.tier: (row.handed, row.standing - row.handed)
        for row in db.session.execute(
            select(Award.tier, func.count(Handover.award_id).label("handed"), func.count().label("standing"))
            .outerjoin(Handover, Handover.award_id == Award.id)
            .where(Award.round_id == round_id, or_(Award.ended_at.is_(None), Handover.award_id.is_not(None)))
            .group_by(Award.tier)
        )
    }
    return [Stock(tier, tier.number, *found.get(index, (0, 0))) for index, tier in enumerate(tiers)]


def contacts(award_ids: Collection[int], *, key_file: Path) -> dict[int, Contact]:
    """Open the contacts of some winners (1 statement); the ring is read after them, so it knows their keys."""
    rows = db.session.execute(
        select(Claim.award_id, Claim.phone, Claim.name, Claim.guardian).where(Claim.award_id.in_(award_ids))
    ).all()
    ring = vault.kept_ring(key_file)

    def opened(column: str, award_id: int, sealed: str) -> str:
        return ring.open(sealed, place=place(column, award_id))

    return {
        row.award_id: Contact(
            opened("phone", row.award_id, row.phone),
            opened("name", row.award_id, row.name),
            None if row.guardian is None else opened("guardian", row.award_id, row.guardian),
        )
        for row in rows
    }


def place(column: str, award_id: int) -> str:
    """Name the place for which a value of a claim is sealed: prize_claim.phone:7."""
    return vault.place(Claim.__table__.c[column], award_id)


def key_place(round_id: int) -> str:
    """Name the place for which the key of a round's telephones is sealed."""
    return vault.place(PhoneKey.__table__.c.key, round_id)


def attributions(round_id: int, limit: int) -> list[Attribution]:
    """List the units whose links brought players, most first (1 statement)."""
    players = func.count(Player.participant_id).label("players")
    rows = db.session.execute(
        select(Unit.name, players, func.coalesce(func.sum(Score.goes), 0).label("goes"))
        .select_from(Player)
        .join(Participant, Participant.id == Player.participant_id)
        .join(Unit, Unit.id == Participant.unit_id)
        .outerjoin(Score, Score.participant_id == Player.participant_id)
        .where(Player.round_id == round_id)
        .group_by(Unit.id, Unit.name)
        .order_by(players.desc(), Unit.id)
        .limit(limit)
    )
    return [Attribution(row.name, row.players, int(row.goes)) for row in rows]


def has_met(round_id: int, participant_id: int, at_least: int) -> bool:
    """Say whether a player reached a step in one go and is not excluded (1 statement)."""
    return db.session.execute(
        select(
            select(Score.participant_id)
            .where(
                Score.round_id == round_id,
                Score.participant_id == participant_id,
                Score.best_permyriad >= at_least,
                Score.participant_id.not_in(excluded_ids(round_id)),
            )
            .exists()
        )
    ).scalar_one()


def certificates_of(participant_ids: Collection[int]) -> dict[tuple[int, str], str]:
    """Return the numbers of certificates by participant and title (1 statement)."""
    rows = db.session.execute(
        select(Certificate.participant_id, Certificate.title, Certificate.code).where(
            Certificate.participant_id.in_(participant_ids)
        )
    )
    return {(row.participant_id, row.title): row.code for row in rows}


_EXCLUDED_SINCE = Certificate.participant_id.in_(excluded_ids(Certificate.round_id))


def certificate(code: str) -> CertificateRow:
    """Return what a certificate says, or refuse when there is none (1 statement)."""
    row = db.session.execute(
        select(
            Certificate.code, Certificate.title, Certificate.issued_at, Round.title.label("round_title"),
            Round.code.label("round_code"), Campaign.organisers, Campaign.is_test,
            func.coalesce(_EXCLUDED_SINCE, false()).label("withdrawn"),
        )
        .join(Round, Round.id == Certificate.round_id)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .where(Certificate.code == code)
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise UnknownCertificate
    return CertificateRow(**{**row, "organisers": tuple(row["organisers"])})


_AWARDS: Select[*tuple[Any, ...]] = (
    select(
        Award.id, Award.round_id, Award.tier, Award.number, Award.place, Award.entry_id, Award.participant_id,
        Award.claim_code, Award.granted_at, Award.claim_until, Award.ended_at, Award.end_kind, Award.end_reason,
        Award.ended_by, Claim.claimed_at, Claim.shown, Claim.guardian.is_not(None).label("by_guardian"),
        Handover.at.label("handed_at"), Handover.by.label("handed_by"), Handover.how,
        func.coalesce(Player.nickname, "").label("nickname"), Unit.name.label("unit_name"),
    )
    .outerjoin(Claim, Claim.award_id == Award.id)
    .outerjoin(Handover, Handover.award_id == Award.id)
    .outerjoin(Player, Player.participant_id == Award.participant_id)
    .outerjoin(Participant, Participant.id == Award.participant_id)
    .outerjoin(Unit, Unit.id == func.coalesce(Player.trade_id, Player.place_id, Participant.unit_id))
)  # fmt: skip


def _contests() -> Select[Any]:
    return (
        select(*ROUND_COLUMNS)
        .select_from(Round)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .join(HomeUnit, HomeUnit.id == Campaign.unit_id)
        .where(Round.kind == rulebook.CONTEST)
    )


HELD: Final = or_(Award.participant_id.is_not(None), Award.claim_code.is_not(None))
"""An award that still leads to its player."""


def old_contacts(at: datetime) -> Select[int]:
    """Select the awards, handed out or ended so long ago, whose winner can still be reached."""
    before = at - CONTACTS_STAY
    return (
        select(Claim.award_id)
        .join(Award, Award.id == Claim.award_id)
        .outerjoin(Handover, Handover.award_id == Claim.award_id)
        .where(or_(Handover.at <= before, Award.ended_at <= before))
    )


def reachable(round_id: int) -> Select[int]:
    """Select the awards of a round whose winner can be reached."""
    return select(Claim.award_id).where(Claim.round_id == round_id)


def holders(round_id: int) -> CompoundSelect[int]:
    """Select what of a round leads to players: awards, and the players of certificates."""
    return union_all(
        select(Award.id).where(Award.round_id == round_id, HELD),
        select(Certificate.participant_id).where(
            Certificate.round_id == round_id, Certificate.participant_id.is_not(None)
        ),
    )


def _found(condition: ColumnElement[bool]) -> RoundRow | None:
    row = db.session.execute(_contests().where(condition)).mappings().one_or_none()
    return None if row is None else round_row(row)


def _one_award(round_id: int, condition: ColumnElement[bool]) -> AwardRow:
    found = awards(round_id, only=(condition,))
    if not found:
        raise UnknownAward
    return found[0]
