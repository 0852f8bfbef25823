"""Keeping scores, boards and flags up to date, and `quizsvc contest count | rebuild`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.attempt import queries as attempt
from quizsvc.campaign import queries as campaign
from quizsvc.contest import operations, queries
from quizsvc.contest.queries import BATCH, OVERLAP, BoardRow, Open
from quizsvc.core import integrity, standing
from quizsvc.core.refusal import Refusal

EVERY_S: Final = 20
PLAYERS_A_SECOND: Final = 10_000
"""So many players add a second to the time between two live boards: putting one together reads every score."""


def keep() -> int:
    """Count all running contests; return how many players were counted."""
    return sum(count_round(round_id, clock.now()) for round_id in queries.to_count(clock.now()))


def count_round(round_id: int, at: datetime, *, anew: bool = False) -> int:
    """Bring scores, flags and boards of an announced contest up to a moment; return how many players were counted.

    `anew` counts everybody again, and so does a new version of the rules.
    """
    contest = queries.contest_of(campaign.round_of(round_id), at)
    if contest is None or clock.local_day(at) >= contest.round.erase_on:  # what is erased does not come back
        return 0
    kept = queries.boards(round_id)
    live = queries.board(round_id, standing.LIVE)
    anew = anew or live is None or live.body["version"] != contest.version.number
    players = 0
    freezes_at = contest.version.rules.board_freezes_at
    due = contest.version.rules.board == "frozen" and freezes_at is not None and freezes_at <= at
    if freezes_at is not None and due and standing.FROZEN not in kept:
        players += _count(contest, freezes_at, until=freezes_at, anew=anew)
        _keep_board(contest, standing.FROZEN, freezes_at)
    changed = _count(contest, at, until=None, anew=anew, since=live.as_of if live else None)
    _look(contest, at)
    if anew or (_is_stale(contest, live, changed) and _is_old_enough(live, at)):
        _keep_board(contest, standing.LIVE, at)
        kept.pop(standing.FINAL, None)
    over = at >= contest.over_at and not attempt.unfinished(round_id)
    if over and standing.FINAL not in kept:
        _keep_board(contest, standing.FINAL, at)
    return players + changed


def _is_stale(contest: Open, live: BoardRow | None, changed: int) -> bool:
    decided_at = queries.decided_at(contest.round.id)
    return changed > 0 or live is None or (decided_at is not None and decided_at >= live.as_of)


def _is_old_enough(live: BoardRow | None, at: datetime) -> bool:
    if live is None:
        return True
    players: int = live.body["figures"]["all"]["players"]
    return (at - live.as_of).total_seconds() >= players / PLAYERS_A_SECOND


def _count(
    contest: Open, at: datetime, *, until: datetime | None, anew: bool, since: datetime | None = None
) -> int:
    """Count goes up to a moment, or all there are: two who count at once then do not undo each other.

    `since` is the moment of the board; what has been counted after it is counted again, so that the board follows.
    """
    round_id, before = contest.round.id, queries.progress(contest.round.id)
    held_up = queries.held_up(round_id)
    floor_s = queries.floor_s(round_id)
    players = 0
    for batch in (
        _everybody(round_id)
        if anew or before is None
        else _touched(round_id, min(before.seen_until, since or before.seen_until))
    ):
        players += len(batch)
        operations.score(
            round_id=round_id,
            participant_ids=batch,
            strategy=contest.version.rules.strategy,
            floor_s=floor_s,
            until=until,
            at=at,
        )
    operations.follow(
        round_id=round_id,
        seen_until=at if held_up is None else min(at, held_up),
        looked_until=before.looked_until if before else integrity.tile_of(contest.round.opens_at),
        at=at,
    )
    return players


def _everybody(round_id: int) -> Iterator[list[int]]:
    last = 0
    while batch := queries.participants_after(round_id, last, BATCH):
        yield batch
        last = batch[-1]


def _touched(round_id: int, seen_until: datetime) -> Iterable[list[int]]:
    ids = queries.touched(round_id, seen_until - OVERLAP)
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def _look(contest: Open, at: datetime) -> None:
    """Compare the goes of every tile that is complete; those without a go are passed over."""
    followed = queries.progress(contest.round.id)
    if followed is None:
        return
    begins = queries.next_tile(contest.round.id, followed.looked_until)
    while begins is not None and begins + integrity.TILE + OVERLAP <= followed.seen_until:
        operations.look(round_id=contest.round.id, begins=begins, at=at)
        begins = queries.next_tile(contest.round.id, begins + integrity.TILE)


def _keep_board(contest: Open, stage: str, at: datetime) -> None:
    body = queries.body_of(contest)
    if stage == standing.FINAL and "answers" in contest.round.review_after_close:
        body["worst"] = queries.worst(contest)
    operations.keep_board(round_id=contest.round.id, stage=stage, body=body, at=at)


@click.command("count")
@click.argument("round_code", metavar="ROUND")
@with_appcontext
def count(round_code: str) -> None:
    """统计一场竞赛的成绩和榜，平时每 20 秒自动统计。"""
    _told(round_code, anew=False)


@click.command("rebuild")
@click.argument("round_code", metavar="ROUND")
@with_appcontext
def rebuild(round_code: str) -> None:
    """从作答重新统计一场竞赛的全部成绩；作答、处理决定和已封的榜不变。"""
    _told(round_code, anew=True)


def _told(round_code: str, *, anew: bool) -> None:
    round_ = campaign.round_by_code(round_code)
    if queries.contest_of(round_) is None:
        raise Refusal("这一场不是竞赛，或者规则还没有公布，没有成绩可统计。")
    if clock.local_day(clock.now()) >= round_.erase_on:
        raise Refusal("这个活动到人的记录已经到期清除，不能再统计。")
    players = count_round(round_.id, clock.now(), anew=anew)
    figures = queries.counts(round_.id)
    click.echo(
        f"已统计 {players} 人；这一场共 {figures.players} 人、{figures.goes} 次，待复核 {queries.pending(round_.id)} 人"
    )
