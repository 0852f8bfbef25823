"""Counting and looking for the standing, boards as they are kept, rulings on players, appeals, erasing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, update

from quizsvc import audit, clock
from quizsvc.attempt.models import Participant
from quizsvc.contest import queries
from quizsvc.contest.models import Appeal, Board, Flag, Progress, Ruling, Score
from quizsvc.contest.queries import CLEARED, EXCLUDED, RESTORED, Counted
from quizsvc.core import integrity, standing
from quizsvc.core.indicators import permyriad
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.db import db, insert, operation

SHORTEST_REASON: Final = 4
LONGEST_REASON: Final = 300
LONGEST_APPEAL: Final = 300
MOST_ERASED: Final = 500
CAUSES: Final = {**{name: kind.reason for name, kind in integrity.KINDS.items()}, "other": "其他"}
"""What a player is told about an exclusion, by what the ruling keeps."""
VERDICTS: Final = {CLEARED: "看过，没有问题", EXCLUDED: "成绩不计入", RESTORED: "恢复计入"}


class UnknownPlayer(Unknown):
    """The contest has no such player."""

    def __init__(self) -> None:
        super().__init__("这一场里没有这个参赛人，可能网址抄错了。")


class NothingToAppeal(Unknown):
    """The player is not excluded."""

    def __init__(self) -> None:
        super().__init__("你的成绩正常计入，没有要申诉的。")


class NothingToAnswer(Refusal):
    """There is no appeal, or somebody has answered it."""

    def __init__(self) -> None:
        super().__init__("这个申诉已经答复过了，或者没有申诉。", status=409)


class AppealedBefore(Refusal):
    """The player has appealed against this exclusion."""

    def __init__(self) -> None:
        super().__init__("这一次已经申诉过了，请等主办方答复，不用再交。", status=409)


class AppealsClosed(Refusal):
    """The time for objections is over."""

    def __init__(self) -> None:
        super().__init__("申诉的时间已经过了。还有问题，请打规则页上的电话。", status=410)


@operation
def score(
    *,
    round_id: int,
    participant_ids: Sequence[int],
    strategy: str,
    floor_s: int,
    until: datetime | None,
    at: datetime,
) -> int:
    """Write what players have reached by their goes, those handed in until a moment or all; return how many."""
    scores: list[dict[str, Any]] = []
    gone: list[int] = []
    fast: dict[int, dict[str, int]] = {}
    for player in queries.counted(round_id, participant_ids, until):
        if player.goes:
            scores.append(_score(round_id, player, strategy))
            fast |= _fast(player, floor_s)
        else:
            gone.append(player.participant_id)
    if scores:
        _put(Score, scores, ("participant_id",))
    if gone:
        db.session.execute(delete(Score).where(Score.participant_id.in_(gone)))
    _raise(round_id, "too_fast", fast, at)
    return len(scores)


def _score(round_id: int, player: Counted, strategy: str) -> dict[str, Any]:
    reached = standing.tally(player.goes, strategy)
    return {
        "participant_id": player.participant_id,
        "round_id": round_id,
        "unit_id": player.unit_id,
        "place_id": player.place_id,
        "trade_id": player.trade_id,
        "goes": len(player.goes),
        "points": reached.points,
        "out_of": reached.out_of,
        "used_s": reached.used_s,
        "reached_at": reached.reached_at,
        "best_permyriad": max(permyriad(go.score, go.out_of) if go.out_of else 0 for go in player.goes),
    }


def _fast(player: Counted, floor_s: int) -> dict[int, dict[str, int]]:
    fast = [
        go
        for go in player.goes
        if integrity.too_fast(
            items=go.items, used_s=go.used_s, score=go.score, out_of=go.out_of, floor_s=floor_s
        )
    ]
    if not fast:
        return {}
    quickest = min(fast, key=lambda go: (go.used_s, go.submitted_at))
    figures = {
        "goes": len(fast), "used_s": quickest.used_s, "items": quickest.items, "floor_s": floor_s * quickest.items,
    }  # fmt: skip
    return {player.participant_id: figures}


def _raise(round_id: int, kind: str, found: Mapping[int, Mapping[str, int]], at: datetime) -> None:
    """Flag players, or keep the newer figures; only more goes of their own make a flag new again."""
    known = queries.flags_of(list(found), kind) if found else {}
    fresh = [
        {"round_id": round_id, "participant_id": player, "kind": kind, "detail": dict(detail), "found_at": at}
        for player, detail in found.items()
        if player not in known or known[player].get("goes") != detail.get("goes")
    ]
    if fresh:
        _put(Flag, fresh, ("participant_id", "kind"))


def _put(table: type[Any], rows: list[dict[str, Any]], unique: tuple[str, ...]) -> None:
    statement = insert(table)
    changed = {name: getattr(statement.excluded, name) for name in rows[0] if name not in unique}
    db.session.execute(
        statement.on_conflict_do_update(index_elements=list(unique), set_=changed),
        rows,
    )


@operation
def follow(*, round_id: int, seen_until: datetime, looked_until: datetime, at: datetime) -> None:
    """Write down how far the scores follow the goes, and how far these have been compared."""
    values = {
        "round_id": round_id, "seen_until": seen_until, "looked_until": looked_until, "counted_at": at,
    }  # fmt: skip
    _put(Progress, [values], ("round_id",))


@operation
def look(*, round_id: int, begins: datetime, at: datetime) -> int:
    """Compare the goes of one tile with each other and flag what stands out; return how many players."""
    found = queries.seen_in(round_id, begins)
    for kind, players in found.items():
        _raise(round_id, kind, players, at)
    db.session.execute(
        update(Progress)
        .where(Progress.round_id == round_id)
        .values(looked_until=begins + integrity.TILE)
        .execution_options(synchronize_session=False)
    )
    return len({player for players in found.values() for player in players})


@operation
def keep_board(*, round_id: int, stage: str, body: Mapping[str, Any], at: datetime) -> bool:
    """Keep a board as of a moment; a frozen one is written once and never again. Say whether it was written."""
    values = {"round_id": round_id, "stage": stage, "as_of": at, "body": dict(body)}
    if stage == standing.FROZEN:
        written = insert(Board).values(**values).on_conflict_do_nothing().returning(Board.round_id)
        return db.session.execute(written).scalar_one_or_none() is not None
    _put(Board, [values], ("round_id", "stage"))
    return True


@operation
def rule(
    *,
    round_id: int,
    participant_id: int,
    verdict: str,
    cause: str,
    reason: str,
    actor: audit.Actor,
    at: datetime,
) -> None:
    """Decide about a player: look and let be, exclude, restore; each with a reason, the last decision counts."""
    reason = _words(reason, SHORTEST_REASON, LONGEST_REASON, "原因")
    if verdict not in VERDICTS:
        raise Refusal("没有这种处理，请回到上一页重新选。")
    if verdict == EXCLUDED and cause not in CAUSES:
        raise Refusal("请选一个原因类别，参赛人看得到。")
    if not _lock(round_id, [participant_id]):
        raise UnknownPlayer
    is_out = queries.is_out(round_id, participant_id)
    if is_out == (verdict != RESTORED):
        raise Refusal(
            "这个参赛人的成绩已经不计入了。" if is_out else "这个参赛人的成绩本来就计入，不用恢复。",
            status=409,
        )
    told = cause if verdict == EXCLUDED else ""
    _decide(round_id, participant_id, verdict, told, reason, actor, at)


@operation
def clear(
    *, round_id: int, participant_ids: Sequence[int], reason: str, actor: audit.Actor, at: datetime
) -> int:
    """Let several flagged players be, for one reason; who is excluded or unknown is left alone. Return how many."""
    reason = _words(reason, SHORTEST_REASON, LONGEST_REASON, "原因")
    _lock(round_id, participant_ids)
    cleared = queries.clearable(round_id, participant_ids)
    if not cleared:
        raise Refusal("没有勾选还要查看的参赛人。")
    for participant_id in cleared:
        _decide(round_id, participant_id, CLEARED, "", reason, actor, at)
    return len(cleared)


def _decide(
    round_id: int,
    participant_id: int,
    verdict: str,
    cause: str,
    reason: str,
    actor: audit.Actor,
    at: datetime,
) -> None:
    db.session.add(
        Ruling(
            round_id=round_id,
            participant_id=participant_id,
            verdict=verdict,
            cause=cause,
            reason=reason,
            at=at,
            by=actor.text,
        )
    )
    audit.record(
        actor=actor,
        action="contest.cleared"
        if verdict == CLEARED
        else "contest.excluded"
        if verdict == EXCLUDED
        else "contest.restored",
        on=f"participant:{participant_id}",
        at=at,
        private={"reason": reason},
        erase_on=queries.erase_on(round_id),
        round=round_id,
    )


@operation
def appeal(*, round_id: int, participant_id: int, words: str, until: datetime, at: datetime) -> None:
    """Object to one's own exclusion, once for each; the caller has proved that the phone is the player's."""
    words = _words(words, SHORTEST_REASON, LONGEST_APPEAL, "说明")
    _lock(round_id, [participant_id])
    ruling = queries.rulings(round_id, participant_id)[-1:]
    if not ruling or ruling[0].verdict != EXCLUDED:
        raise NothingToAppeal
    if at >= until:
        raise AppealsClosed
    made = db.session.execute(
        insert(Appeal)
        .values(ruling_id=ruling[0].id, round_id=round_id, words=words, at=at, answer="")
        .on_conflict_do_nothing()
        .returning(Appeal.ruling_id)
    ).scalar_one_or_none()
    if made is None:
        raise AppealedBefore


@operation
def answer(*, round_id: int, ruling_id: int, answer: str, actor: audit.Actor, at: datetime) -> None:
    """Answer an appeal in words the player reads; whether to restore is a ruling of its own."""
    answer = _words(answer, SHORTEST_REASON, LONGEST_REASON, "答复")
    answered = db.session.execute(
        update(Appeal)
        .where(Appeal.ruling_id == ruling_id, Appeal.round_id == round_id, Appeal.answered_at.is_(None))
        .values(answer=answer, answered_at=at, answered_by=actor.text)
        .returning(Appeal.ruling_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if answered is None:
        raise NothingToAnswer
    audit.record(
        actor=actor,
        action="contest.appeal_answered",
        on=f"ruling:{ruling_id}",
        at=at,
        private={"answer": answer},
        erase_on=queries.erase_on(round_id),
        round=round_id,
    )


@operation
def erase_scores(*, round_id: int, at: datetime) -> int:
    """Erase what a round kept of up to 500 players: scores, flags, rulings, appeals; the boards lose their names."""
    on = queries.erase_on(round_id)
    if clock.local_day(at) < on:
        raise Refusal(f"约定从 {on} 起才能清除，还没有到。", status=409)
    ids = db.session.scalars(queries.remembered(round_id).limit(MOST_ERASED)).all()
    rulings = select(Ruling.id).where(Ruling.participant_id.in_(ids))
    db.session.execute(delete(Appeal).where(Appeal.ruling_id.in_(rulings)))
    for table in (Ruling, Flag, Score):
        db.session.execute(delete(table).where(table.participant_id.in_(ids)))
    for stage in queries.boards(round_id):
        kept = queries.board(round_id, stage)
        if kept is not None and kept.body["leaders"]:
            db.session.execute(
                update(Board)
                .where(Board.round_id == round_id, Board.stage == stage)
                .values(body={**kept.body, "leaders": []})
            )
    return len(ids)


def _lock(round_id: int, participant_ids: Sequence[int]) -> list[int]:
    """Lock participants of the round in one order, so that two people decide one after the other."""
    found = db.session.scalars(
        select(Participant.id)
        .where(Participant.round_id == round_id, Participant.id.in_(participant_ids))
        .order_by(Participant.id)
        .with_for_update()
    )
    return list(found)


def _words(text: str, least: int, most: int, name: str) -> str:
    words = " ".join(text.split())
    if len(words) < least:
        raise Refusal(f"请写明{name}，至少 {least} 个字。")
    if len(words) > most or not words.isprintable():
        raise Refusal(f"{name}最多 {most} 个字，只写文字。")
    return words
