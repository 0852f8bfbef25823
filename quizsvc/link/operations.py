"""Issuing links, leading them elsewhere, revoking them, giving one class more time. All of it is audited."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, cast, func, select, update
from sqlalchemy.exc import IntegrityError

from quizsvc import audit, clock
from quizsvc.campaign import queries as campaign
from quizsvc.core import linkcode
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation
from quizsvc.link.models import Link
from quizsvc.roster.models import Unit

LONGEST_PLACE = 20
TRIES = 20


class AlreadyRevoked(Refusal):
    """The link leads nowhere any more."""

    def __init__(self) -> None:
        super().__init__("这个链接已经停用了，请发一个新的。", status=409)


@dataclass(frozen=True, slots=True)
class Issued:
    """How many links are new and how many were there before."""

    new: int
    existing: int


@operation
def issue_links(
    *,
    round_id: int,
    unit_ids: Sequence[int],
    at: datetime,
    actor: audit.Actor,
    place: str = "",
    dry_run: bool = False,
) -> Issued:
    """Give each unit a link into the round, at a place if named; units that have one keep it."""
    place = place.strip()
    if len(place) > LONGEST_PLACE or not place.isprintable():
        raise Refusal(f"地点最多写 {LONGEST_PLACE} 个字，不能换行。")
    wanted = list(dict.fromkeys(unit_ids))
    if not wanted:
        raise Refusal("请先选好要发链接的班级。")
    _check_units(round_id, wanted)
    missing = _without_link(round_id, place, wanted)
    issued: list[int] = []
    for _ in range(TRIES):
        if not missing:
            break
        issued += _insert(round_id, place, missing, at)
        missing = _without_link(round_id, place, wanted)
    if missing:
        raise Refusal("现在有别人也在发链接，请稍后再试。", status=409)
    if issued:
        audit.record(
            actor=actor, action="link.issue", on=f"round:{round_id}", at=at, place=place, links=issued
        )
    _end(dry_run)
    return Issued(new=len(issued), existing=len(wanted) - len(issued))


@operation
def repoint(
    *,
    link_id: int,
    at: datetime,
    actor: audit.Actor,
    round_id: int | None = None,
    unit_id: int | None = None,
    dry_run: bool = False,
) -> None:
    """Let the printed code lead to another round, another unit, or both; more time for the old door ends."""
    link = _live(link_id)
    there = {"round_id": round_id or link.round_id, "unit_id": unit_id or link.unit_id}
    if there == {"round_id": link.round_id, "unit_id": link.unit_id}:
        raise Refusal("新的指向和现在一样，没有改动。")
    _check_units(there["round_id"], [there["unit_id"]])
    _change(link_id, there | {"closes_at": None})
    audit.record(
        actor=actor, action="link.repoint", on=f"link:{link_id}", at=at,
        was={"round_id": link.round_id, "unit_id": link.unit_id}, now=there,
    )  # fmt: skip
    _end(dry_run)


@operation
def revoke(*, link_id: int, at: datetime, actor: audit.Actor, dry_run: bool = False) -> None:
    """End a link for ever; whoever scans it reads the same as for a code that never was."""
    _change(link_id, {"revoked_at": at})
    audit.record(actor=actor, action="link.revoke", on=f"link:{link_id}", at=at)
    _end(dry_run)


@operation
def extend(
    *, link_id: int, closes_at: datetime, at: datetime, actor: audit.Actor, dry_run: bool = False
) -> None:
    """Let one class answer longer than the round."""
    link = _live(link_id)
    round_ = campaign.round_of(link.round_id)
    if round_.is_contest:
        raise Refusal("竞赛的结束时间对谁都一样，不能单独延长。")
    if closes_at <= max(round_.closes_at, at):
        raise Refusal("给这个班的结束时间要比场次的结束时间晚，也要晚于此刻。")
    if round_.window().state(at) == "closed" and round_.is_survey:
        raise Refusal("问卷已经结束，结果也能看了，不能再给这个班延长。", status=409)
    if round_.window().state(at) == "closed" and round_.revealed_by_closing():
        raise Refusal("场次已经结束，答案也已经公布，不能再给这个班延长。", status=409)
    if clock.local_day(closes_at) >= round_.erase_on:
        raise Refusal(
            f"结束时间要早于清除个人信息的日子（{round_.erase_on.month} 月 {round_.erase_on.day} 日）。"
        )
    _change(link_id, {"closes_at": closes_at})
    audit.record(
        actor=actor,
        action="link.extend",
        on=f"link:{link_id}",
        at=at,
        was=link.closes_at,
        closes_at=closes_at,
    )
    _end(dry_run)


def _end(dry_run: bool) -> None:
    """Take everything back when it was only to be checked."""
    if dry_run:
        db.session.rollback()


def _check_units(round_id: int, unit_ids: Iterable[int]) -> None:
    wanted = set(unit_ids)
    campaign.round_of(round_id)
    opened_to = campaign.round_paths(round_id)
    paths = {
        row.id: row.path for row in db.session.execute(select(Unit.id, Unit.path).where(Unit.id.in_(wanted)))
    }
    if paths.keys() != wanted or not all(path.startswith(opened_to) for path in paths.values()):
        raise Refusal("有的单位没有参加这个场次，不能发链接。")


def _without_link(round_id: int, place: str, unit_ids: Iterable[int]) -> list[int]:
    linked = set(
        db.session.execute(
            select(Link.unit_id).where(
                Link.round_id == round_id, Link.place == place, Link.revoked_at.is_(None)
            )
        ).scalars()
    )
    return [unit_id for unit_id in unit_ids if unit_id not in linked]


def _insert(round_id: int, place: str, unit_ids: Sequence[int], at: datetime) -> list[int]:
    """Try once; a code or number somebody else has just taken is left out by its constraint."""
    year = clock.local_day(at).year
    last = db.session.execute(
        select(func.max(cast(func.substr(Link.poster_number, 6), Integer))).where(
            Link.poster_number.startswith(f"{year}-")
        )
    ).scalar_one()
    rows = [_drawn() | {
        "round_id": round_id, "unit_id": unit_id, "place": place, "poster_number": f"{year}-{number:04}",
        "closes_at": None, "revoked_at": None, "created_at": at,
    } for number, unit_id in enumerate(unit_ids, (last or 0) + 1)]  # fmt: skip
    statement = insert(Link).on_conflict_do_nothing().returning(Link.id)
    return list(db.session.execute(statement, rows).scalars())


def _drawn() -> dict[str, Any]:
    phrase = linkcode.phrase(secrets.randbits(64))
    body = linkcode.body_from(secrets.randbits(5 * linkcode.BODY_LENGTH), linkcode.BODY_LENGTH)
    return {"code": linkcode.compose(body), "phrase_word": phrase.word, "phrase_number": phrase.number}


def _live(link_id: int) -> Any:
    link = db.session.execute(
        select(Link.round_id, Link.unit_id, Link.closes_at).where(
            Link.id == link_id, Link.revoked_at.is_(None)
        )
    ).one_or_none()
    if link is None:
        raise AlreadyRevoked
    return link


def _change(link_id: int, values: dict[str, Any]) -> None:
    try:
        changed = db.session.execute(
            update(Link)
            .where(Link.id == link_id, Link.revoked_at.is_(None))
            .values(**values)
            .returning(Link.id)
        ).scalar_one_or_none()
    except IntegrityError as taken:
        raise Refusal("那里已经有一个能用的链接了，请先停用它。", status=409) from taken
    if changed is None:
        raise AlreadyRevoked
