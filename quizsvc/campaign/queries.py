"""Reads of campaigns, rounds, the units they are opened to and the official accounts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, RowMapping, Select, func, select
from sqlalchemy.orm import QueryableAttribute, aliased

from quizsvc.campaign.models import Campaign, OfficialAccount, Round, RoundPaper, RoundUnit
from quizsvc.core import roundkind
from quizsvc.core.refusal import NotYours, Unknown
from quizsvc.core.window import Window
from quizsvc.db import db, touching, within
from quizsvc.roster.models import Unit

STATE_NAMES = {"before": "未开始", "open": "进行中", "closed": "已结束"}

HomeUnit = aliased(Unit, name="campaign_home_unit")
"""The unit a campaign belongs to; whoever selects ROUND_COLUMNS joins it."""


class UnknownCampaign(NotYours):
    """There is no such campaign."""

    def __init__(self) -> None:
        super().__init__("没有这个活动，可能网址抄错了。")


class UnknownRound(NotYours):
    """There is no such round."""

    def __init__(self) -> None:
        super().__init__("没有这个场次，可能网址抄错了。")


class UnknownAccount(Unknown):
    """The campaign has no official account there."""

    def __init__(self) -> None:
        super().__init__("这里还没有上传公众号二维码。")


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round and what its campaign says, cut off from the database."""

    id: int
    code: str
    campaign_id: int
    campaign_name: str
    campaign_unit_id: int
    campaign_unit_path: str
    term: str
    organisers: tuple[str, ...]
    hotline: str
    is_test: bool
    target_permyriad: int
    target_on: date
    erase_on: date
    paper_id: int
    kind: str
    title: str
    identity: str
    opens_at: datetime
    closes_at: datetime
    limit_s: int | None
    late: str
    attempts: int
    counted: str
    threshold_permyriad: int
    review_after_submit: tuple[str, ...]
    review_after_close: tuple[str, ...]
    frozen_at: datetime
    pace: str
    item_s: int | None
    per: str
    practice_paper_id: int | None
    place_root_id: int | None
    trade_root_id: int | None
    approval: str
    referrals: bool

    @property
    def is_quiz(self) -> bool:
        """Say whether questions are answered against a key; only such a round has attempts."""
        return self.kind in roundkind.QUIZZES

    @property
    def is_declaration(self) -> bool:
        """Say whether heads declare something once: a receipt, a pledge, what they have adopted."""
        return self.kind in roundkind.DECLARATIONS

    @property
    def is_survey(self) -> bool:
        """Say whether opinions are asked, which nobody can lead back to a head."""
        return self.kind == "survey"

    @property
    def is_nameless(self) -> bool:
        """Say whether nobody is asked for a seat: then phones are counted, and there is no denominator."""
        return self.identity == "anonymous"

    @property
    def words(self) -> roundkind.Words:
        """Return how pages speak of this kind of round."""
        return roundkind.WORDS[self.kind]

    @property
    def is_contest(self) -> bool:
        """Say whether prizes may be won here; its goes stand outside the awareness rates."""
        return self.kind == "contest"

    @property
    def is_public(self) -> bool:
        """Say whether players come with a nickname instead of a seat."""
        return self.identity == "nickname"

    def window(self) -> Window:
        """Return the opening time."""
        return Window(self.opens_at, self.closes_at)

    @property
    def watermark(self) -> str:
        """What is stamped on everything of a test campaign; empty for a real one."""
        return "测试·不计入" if self.is_test else ""

    def revealed_by_closing(self) -> tuple[str, ...]:
        """List what participants see only once the round has closed; reopening it would give answers away."""
        return tuple(part for part in self.review_after_close if part not in self.review_after_submit)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign with the number of its rounds and accounts."""

    id: int
    code: str
    name: str
    unit_id: int
    unit_path: str
    unit_name: str
    term: str
    target_permyriad: int
    target_on: date
    organisers: tuple[str, ...]
    hotline: str
    is_test: bool
    erase_on: date
    rounds: int
    accounts: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An official account without its image."""

    position: int
    name: str


_OF_THE_CAMPAIGN: Mapping[str, QueryableAttribute[Any]] = {
    "campaign_name": Campaign.name,
    "campaign_unit_id": Campaign.unit_id,
    "campaign_unit_path": HomeUnit.path,
    "term": Campaign.term,
    "organisers": Campaign.organisers,
    "hotline": Campaign.hotline,
    "is_test": Campaign.is_test,
    "target_permyriad": Campaign.target_permyriad,
    "target_on": Campaign.target_on,
    "erase_on": Campaign.erase_on,
}
_ROUND_FIELDS = tuple(field.name for field in fields(RoundRow))
_LISTS = frozenset({"organisers", "review_after_submit", "review_after_close"})

ROUND_COLUMNS: tuple[Label[Any], ...] = tuple(
    (_OF_THE_CAMPAIGN.get(name) or getattr(Round, name)).label(f"round_{name}") for name in _ROUND_FIELDS
)
"""What a SELECT over Round, Campaign and HomeUnit needs so that round_row() can read its rows."""


def round_row(row: RowMapping) -> RoundRow:
    """Read the round out of a row that has ROUND_COLUMNS among its columns."""
    values: dict[str, Any] = {name: row[f"round_{name}"] for name in _ROUND_FIELDS}
    return RoundRow(**{**values, **{name: tuple(values[name]) for name in _LISTS}})


def round_of(round_id: int) -> RoundRow:
    """Return a round, or refuse when there is none."""
    return _one_round(Round.id == round_id)


def round_by_code(code: str) -> RoundRow:
    """Return the round of a code, or refuse when there is none."""
    return _one_round(Round.code == code)


def rounds_over(paths: Sequence[str], *, kinds: Collection[str] = ()) -> list[RoundRow]:
    """List the rounds, or those of some kinds, whose units hold, or lie inside, one of the subtrees; newest first."""
    there = (
        select(RoundUnit.round_id).join(Unit, Unit.id == RoundUnit.unit_id).where(touching(Unit.path, paths))
    )
    of_kinds = (Round.kind.in_(kinds),) if kinds else ()
    return _rounds(_round_select().where(Round.id.in_(there), *of_kinds))


def rounds_of(campaign_id: int) -> list[RoundRow]:
    """List the rounds of a campaign, newest first."""
    return _rounds(_round_select().where(Round.campaign_id == campaign_id))


def round_units(round_id: int) -> list[tuple[int, str, str]]:
    """List the id, path and name of the units a round is opened to, by path."""
    rows = db.session.execute(
        select(Unit.id, Unit.path, Unit.name)
        .join(RoundUnit, RoundUnit.unit_id == Unit.id)
        .where(RoundUnit.round_id == round_id)
        .order_by(Unit.path)
    )
    return [(row.id, row.path, row.name) for row in rows]


def round_papers(round_id: int) -> dict[tuple[str, str], int]:
    """Return the papers that take the place of a round's own, by day and role (1 statement)."""
    rows = db.session.execute(
        select(RoundPaper.day, RoundPaper.role, RoundPaper.paper_id)
        .where(RoundPaper.round_id == round_id)
        .order_by(RoundPaper.day, RoundPaper.role)
    )
    return {(row.day, row.role): row.paper_id for row in rows}


def round_paths(round_id: int) -> tuple[str, ...]:
    """List the paths of the units a round is opened to."""
    return tuple(path for _, path, _ in round_units(round_id))


def campaigns(paths: Sequence[str]) -> list[CampaignRow]:
    """List the campaigns that belong to units inside the subtrees, newest first."""
    return _campaigns(within(Unit.path, paths))


def campaigns_touching(paths: Sequence[str]) -> list[CampaignRow]:
    """List the campaigns of the units inside the subtrees and of those above them, newest first."""
    return _campaigns(touching(Unit.path, paths))


def campaign_of(campaign_id: int) -> CampaignRow:
    """Return a campaign, or refuse when there is none."""
    return _one_campaign(Campaign.id == campaign_id)


def campaign_by_code(code: str) -> CampaignRow:
    """Return the campaign of a code, or refuse when there is none."""
    return _one_campaign(Campaign.code == code)


def accounts(campaign_id: int) -> tuple[AccountRow, ...]:
    """List the official accounts of a campaign in their order, without the images."""
    rows = db.session.execute(
        select(OfficialAccount.position, OfficialAccount.name)
        .where(OfficialAccount.campaign_id == campaign_id)
        .order_by(OfficialAccount.position)
    )
    return tuple(AccountRow(row.position, row.name) for row in rows)


def account_images(campaign_id: int) -> tuple[tuple[str, bytes], ...]:
    """List the names and PNG images of the official accounts of a campaign, in one statement."""
    rows = db.session.execute(
        select(OfficialAccount.name, OfficialAccount.image)
        .where(OfficialAccount.campaign_id == campaign_id)
        .order_by(OfficialAccount.position)
    )
    return tuple((row.name, row.image) for row in rows)


def account_image(campaign_id: int, position: int) -> bytes:
    """Return the PNG image of an official account, or refuse when there is none."""
    image = db.session.execute(
        select(OfficialAccount.image).where(
            OfficialAccount.campaign_id == campaign_id, OfficialAccount.position == position
        )
    ).scalar_one_or_none()
    if image is None:
        raise UnknownAccount
    return image


def _round_select() -> Select[Any]:
    return (
        select(*ROUND_COLUMNS)
        .select_from(Round)
        .join(Campaign, Campaign.id == Round.campaign_id)
        .join(HomeUnit, HomeUnit.id == Campaign.unit_id)
    )


def _rounds(statement: Select[Any]) -> list[RoundRow]:
    rows = db.session.execute(statement.order_by(Round.opens_at.desc(), Round.id.desc())).mappings()
    return [round_row(row) for row in rows]


def _one_round(condition: ColumnElement[bool]) -> RoundRow:
    found = _rounds(_round_select().where(condition))
    if not found:
        raise UnknownRound
    return found[0]


def _campaigns(condition: ColumnElement[bool]) -> list[CampaignRow]:
    rounds = select(func.count()).where(Round.campaign_id == Campaign.id).scalar_subquery()
    with_image = select(func.count()).where(OfficialAccount.campaign_id == Campaign.id).scalar_subquery()
    rows = db.session.execute(
        select(
            Campaign.id, Campaign.code, Campaign.name, Campaign.unit_id,
            Unit.path.label("unit_path"), Unit.name.label("unit_name"),
            Campaign.term, Campaign.target_permyriad, Campaign.target_on, Campaign.organisers,
            Campaign.hotline, Campaign.is_test, Campaign.erase_on,
            rounds.label("rounds"), with_image.label("accounts"),
        )
        .join(Unit, Unit.id == Campaign.unit_id)
        .where(condition)
        .order_by(Campaign.created_at.desc(), Campaign.id.desc())
    ).mappings()  # fmt: skip
    return [CampaignRow(**{**row, "organisers": tuple(row["organisers"])}) for row in rows]


def _one_campaign(condition: ColumnElement[bool]) -> CampaignRow:
    found = _campaigns(condition)
    if not found:
        raise UnknownCampaign
    return found[0]


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """A campaign, as far as erasing needs it."""

    id: int
    code: str
    name: str
    unit_path: str
    term: str
    erase_on: date
    erased_at: datetime | None
    cleared_at: datetime | None
    round_ids: tuple[int, ...]


def erasures() -> list[ErasureRow]:
    """List all campaigns by their day of erasing (2 statements)."""
    rounds: dict[int, list[int]] = {}
    for campaign_id, round_id in db.session.execute(select(Round.campaign_id, Round.id).order_by(Round.id)):
        rounds.setdefault(campaign_id, []).append(round_id)
    rows = db.session.execute(
        select(
            Campaign.id, Campaign.code, Campaign.name, Unit.path, Campaign.term, Campaign.erase_on,
            Campaign.erased_at, Campaign.cleared_at,
        )
        .join(Unit, Unit.id == Campaign.unit_id)
        .order_by(Campaign.erase_on, Campaign.id)
    )  # fmt: skip
    return [ErasureRow(*row, round_ids=tuple(rounds.get(row.id, ()))) for row in rows]
