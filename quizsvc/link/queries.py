"""Reads of links: the door a code opens, the doors of units, the poster of a number."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import RowMapping, Select, bindparam, literal, select
from sqlalchemy.orm import aliased

from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign, Round
from quizsvc.clock import SHANGHAI
from quizsvc.core.indicators import Tally, missing
from quizsvc.core.linkcode import Phrase
from quizsvc.core.notices import Notice
from quizsvc.core.refusal import Unknown
from quizsvc.core.window import Window
from quizsvc.db import db, run, subtree, within
from quizsvc.link.models import Link
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Unit

STATE_NAMES = {"revoked": "已停用", "before": "未开始", "open": "开放中", "closed": "已结束"}

SCHOOLS = ("school", "college", "company", "village")
"""Kinds of units whose name stands under the class on the poster."""

PUPILS = ("grade", "class")


class UnknownLink(Unknown):
    """No live link has this code; revoked and never issued look the same."""

    def __init__(self) -> None:
        super().__init__("这个码现在不能用。请对照教室里的新海报，或问问老师。")


@dataclass(frozen=True, slots=True)
class Door:
    """One link and the round it leads into, cut off from the database."""

    link_id: int
    code: str
    place: str
    phrase: Phrase
    poster_number: str
    unit_id: int
    unit_name: str
    unit_path: str
    school_name: str
    closes_at: datetime  # the round's close, or this link's own when that is later
    extended: bool
    revoked_at: datetime | None
    round: campaign.RoundRow

    def window(self) -> Window:
        """Return the time in which this door is open."""
        return Window(self.round.opens_at, self.closes_at)

    def state(self, at: datetime) -> Literal["revoked", "before", "open", "closed"]:
        """Tell whether the door is open at a moment."""
        return "revoked" if self.revoked_at is not None else self.window().state(at)

    def address(self, public_url: str, source: str = "") -> str:
        """Write the address; the source says where it is met: "" a poster, "g" a group, "s" a screen."""
        return f"{public_url}/c/{self.code}{'?s=' if source else ''}{source}"


_Above = aliased(Unit, name="above")
# Up the parents by primary key, from the unit itself: a handful of steps on any tree, on both databases.
_climb = (
    select(Unit.name, Unit.kind, Unit.parent_id, literal(0).label("steps"))
    .where(Unit.id == Link.unit_id)
    .correlate(Link)
    .cte("climb", recursive=True, nesting=True)
)
_climb = _climb.union_all(
    select(_Above.name, _Above.kind, _Above.parent_id, _climb.c.steps + 1).join(
        _climb, _climb.c.parent_id == _Above.id
    )
)
_SCHOOL_NAME = (
    select(_climb.c.name)
    .where(_climb.c.kind.in_(SCHOOLS))
    .order_by(_climb.c.steps)
    .limit(1)
    .scalar_subquery()
)

_DOORS: Select[*tuple[Any, ...]] = (
    select(
        Link.id, Link.code, Link.place, Link.phrase_word, Link.phrase_number, Link.poster_number,
        Link.unit_id, Link.closes_at, Link.revoked_at,
        Unit.name.label("unit_name"), Unit.path.label("unit_path"),
        _SCHOOL_NAME.label("school_name"), *campaign.ROUND_COLUMNS,
    )
    .join(Unit, Unit.id == Link.unit_id)
    .join(Round, Round.id == Link.round_id)
    .join(Campaign, Campaign.id == Round.campaign_id)
    .join(campaign.HomeUnit, campaign.HomeUnit.id == Campaign.unit_id)
)  # fmt: skip


_LIVE_DOOR = _DOORS.where(Link.code == bindparam("code"), Link.revoked_at.is_(None))


def door(code: str) -> Door:
    """Return the live link of a canonical code in one statement, or refuse."""
    found = [_door(row) for row in run(_LIVE_DOOR, code=code).mappings()]
    if not found:
        raise UnknownLink
    return found[0]


def doors_of(round_id: int, path: str, *, revoked: bool = False) -> list[Door]:
    """List the live links, on request the revoked ones too, of a round under a unit, by unit and place."""
    low, high = subtree(path)
    statement = _DOORS.where(Link.round_id == round_id, Unit.path >= low, Unit.path < high)
    if not revoked:
        statement = statement.where(Link.revoked_at.is_(None))
    return _doors(statement.order_by(Unit.path, Link.place, Link.id))


def door_of(round_id: int, unit_id: int, place: str = "") -> Door | None:
    """Return the live link of a unit and place into a round, if there is one."""
    found = _doors(
        _DOORS.where(
            Link.round_id == round_id, Link.unit_id == unit_id, Link.place == place, Link.revoked_at.is_(None)
        )
    )
    return found[0] if found else None


def doors_into(round_ids: Collection[int], path: str) -> dict[tuple[int, int], Door]:
    """Return the live links without a place under a unit, by round and unit (1 statement)."""
    found = _doors(
        _DOORS.where(
            Link.round_id.in_(round_ids),
            within(Unit.path, [path]),
            Link.place == "",
            Link.revoked_at.is_(None),
        )
    )
    return {(door.round.id, door.unit_id): door for door in found}


def notice(
    round_: campaign.RoundRow,
    unit_name: str,
    tally: Tally,
    door: Door | None,
    *,
    public_url: str,
    at: datetime,
    items: int = 0,
    minutes: int = 0,
) -> Notice:
    """Gather what a reminder may say about a unit and a round; `items` and `minutes` where there are questions."""
    closes_at = door.closes_at if door else round_.closes_at
    return Notice(
        unit_name=unit_name,
        title=round_.title,
        state=Window(round_.opens_at, closes_at).state(at),
        expected=tally.expected,
        done=tally.done,
        missing=missing(tally),
        opens_at=round_.opens_at.astimezone(SHANGHAI),
        closes_at=closes_at.astimezone(SHANGHAI),
        at=at.astimezone(SHANGHAI),
        items=items,
        minutes=minutes,
        phrase=str(door.phrase) if door else "",
        address=door.address(public_url, "g") if door else "",
        hotline=round_.hotline,
        kind=round_.kind,
        nameless=round_.is_nameless,
    )


def classes(round_: campaign.RoundRow, path: str) -> list[roster.UnitRow]:
    """List the units under a path that get a link into a round: classes, and whatever has a head-count.

    A contest of nicknames knows no classes: every other unit, a member of whatever kind, has a door of its own. Where
    nobody is asked for a seat, whatever has no parts gets one, a village without a head-count too.
    """
    opened_to = campaign.round_paths(round_.id)
    counted = roster.expected_by_unit(path, round_.term, round_.frozen_at)
    units = roster.under(path)
    with_parts = {unit.parent_id for unit in units}
    return [
        unit
        for unit in units
        if unit.path.startswith(opened_to)
        and (
            unit.kind not in PUPILS
            if round_.is_public
            else unit.kind == "class"
            or unit.id in counted
            or (round_.is_nameless and unit.id not in with_parts)
        )
    ]


def poster(poster_number: str) -> Door | None:
    """Return the link, live or revoked, that was printed under a poster number."""
    found = _doors(_DOORS.where(Link.poster_number == poster_number))
    return found[0] if found else None


def _doors(statement: Select[*tuple[Any, ...]]) -> list[Door]:
    return [_door(row) for row in db.session.execute(statement).mappings()]


def _door(row: RowMapping) -> Door:
    round_ = campaign.round_row(row)
    extended = row["closes_at"] is not None and row["closes_at"] > round_.closes_at
    return Door(
        link_id=row["id"],
        code=row["code"],
        place=row["place"],
        phrase=Phrase(row["phrase_word"], row["phrase_number"]),
        poster_number=row["poster_number"],
        unit_id=row["unit_id"],
        unit_name=row["unit_name"],
        unit_path=row["unit_path"],
        school_name=row["school_name"] or "",
        closes_at=row["closes_at"] if extended else round_.closes_at,
        extended=extended,
        revoked_at=row["revoked_at"],
        round=round_,
    )
