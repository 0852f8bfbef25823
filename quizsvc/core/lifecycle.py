"""The life of a contest: its stages in order, which move leads from one to the next, and what a move ends for good."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from enum import Enum
from typing import Final

from quizsvc.core.refusal import Refusal

CHINA: Final = timezone(timedelta(hours=8))


class Stage(Enum):
    """Where a contest stands; nothing stores it, it follows from what has happened."""

    DRAFT = "draft"
    PUBLISHED = "published"
    OPEN = "open"
    OVER = "over"
    FROZEN = "frozen"
    DRAWN = "drawn"
    ANNOUNCED = "announced"
    HANDING_OUT = "handing_out"
    CLOSED = "closed"


NAMES: Final[Mapping[Stage, str]] = {
    Stage.DRAFT: "起草规则",
    Stage.PUBLISHED: "已公布规则",
    Stage.OPEN: "进行中",
    Stage.OVER: "答题已结束",
    Stage.FROZEN: "已封存名单",
    Stage.DRAWN: "已抽奖",
    Stage.ANNOUNCED: "公示中奖名单",
    Stage.HANDING_OUT: "发奖中",
    Stage.CLOSED: "已结束",
}
"""What a reader is told a contest is at."""

LINE: Final[Mapping[Stage, str]] = {
    Stage.DRAFT: "起草",
    Stage.PUBLISHED: "公布规则",
    Stage.OPEN: "答题",
    Stage.FROZEN: "封存名单",
    Stage.DRAWN: "抽奖",
    Stage.ANNOUNCED: "公示",
    Stage.HANDING_OUT: "发奖",
    Stage.CLOSED: "结束",
}
"""The steps as they stand on one line; between playing and freezing the line still stands at playing."""


class Move(Enum):
    """A step that a person takes and nobody takes back; opening and closing for play are the clock's."""

    PUBLISH = "publish"
    FREEZE = "freeze"
    DRAW = "draw"
    ANNOUNCE = "announce"
    HAND_OUT = "hand_out"
    CLOSE = "close"


MOVE_NAMES: Final[Mapping[Move, str]] = {
    Move.PUBLISH: "公布规则",
    Move.FREEZE: "封存名单",
    Move.DRAW: "抽奖",
    Move.ANNOUNCE: "公示中奖名单",
    Move.HAND_OUT: "开始发奖",
    Move.CLOSE: "结束竞赛",
}

IRREVERSIBLE: Final[Mapping[Move, str]] = {
    Move.PUBLISH: "规则公布后一直留在网上，不能收回；以后要改，只能另出一版，写明日期和原因，已经发生的不受影响。",
    Move.FREEZE: "名单封存后，谁也不能再加进去、拿出来；名单的指纹马上公开，任何人都能核对。",
    Move.DRAW: "写下公开数值以后，整个顺序就定了。抽奖只有这一次，不能重抽。",
    Move.ANNOUNCE: "中奖名单公示后不能收回：领奖码发出，公示和领奖的期限从今天开始算。",
    Move.HAND_OUT: "开始发奖后不能退回公示。每发一份记一笔，发出的奖不能撤销。",
    Move.CLOSE: "结束以后，不能再发奖、递补或取消资格，名单就此定下。",
}
"""What can never be taken back after each move, as it is said before the button."""

_ENTERED_BY: Final[Mapping[Stage, Move]] = {
    Stage.PUBLISHED: Move.PUBLISH,
    Stage.FROZEN: Move.FREEZE,
    Stage.DRAWN: Move.DRAW,
    Stage.ANNOUNCED: Move.ANNOUNCE,
    Stage.HANDING_OUT: Move.HAND_OUT,
    Stage.CLOSED: Move.CLOSE,
}
_NEXT: Final[Mapping[Stage, Move]] = {
    Stage.DRAFT: Move.PUBLISH,
    Stage.OVER: Move.FREEZE,
    Stage.FROZEN: Move.DRAW,
    Stage.DRAWN: Move.ANNOUNCE,
    Stage.ANNOUNCED: Move.HAND_OUT,
    Stage.HANDING_OUT: Move.CLOSE,
}
_BEFORE: Final[Mapping[Move, Stage]] = {move: stage for stage, move in _NEXT.items()}
_ORDER: Final = tuple(Stage)


class NotNow(Refusal):
    """A move that does not follow on where the contest stands, or not yet."""

    def __init__(self, text: str) -> None:
        """Refuse with 409."""
        super().__init__(text, status=409)


@dataclass(frozen=True, slots=True)
class Fact:
    """That something was done.

    at: aware
    by: who, as the audit log names them
    """

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything the stage of a contest follows from.

    opens_at, closes_at: aware, the window for play
    done: the moves that were made, each with when and by whom
    """

    opens_at: datetime
    closes_at: datetime
    done: Mapping[Move, Fact]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the line.

    stage: a key of LINE; name: its words there
    state: "done", "now" or "later"
    fact: when it was entered and by whom; None for what the clock does, or what is still to come
    """

    stage: Stage
    name: str
    state: str
    fact: Fact | None


def stage(facts: Facts, at: datetime) -> Stage:
    """Tell where a contest stands.

    facts: of the contest
    at: aware
    return: the furthest stage that was reached; without published rules it is a draft whatever the window says
    """
    for reached in reversed(_ORDER):
        if reached is not Stage.PUBLISHED and _ENTERED_BY.get(reached) in facts.done:
            return reached
    if Move.PUBLISH not in facts.done:
        return Stage.DRAFT
    if at < facts.opens_at:
        return Stage.PUBLISHED
    return Stage.OPEN if at < facts.closes_at else Stage.OVER


def following(here: Stage) -> Move | None:
    """Tell which move comes next.

    here: where the contest stands
    return: the move, None while the clock alone leads on, and at the end
    """
    return _NEXT.get(here)


def line(facts: Facts, at: datetime) -> tuple[Step, ...]:
    """Write the life of a contest on one line.

    facts: of the contest
    at: aware
    return: one step for each of LINE, in their order; exactly one of them is "now"
    """
    here = stage(facts, at)
    now = Stage.OPEN if here is Stage.OVER else here
    steps = []
    for one, name in LINE.items():
        place, current = _ORDER.index(one), _ORDER.index(now)
        state = "now" if place == current else "done" if place < current else "later"
        entered = _ENTERED_BY.get(one)
        steps.append(Step(one, name, state, facts.done.get(entered) if entered else None))
    return tuple(steps)


def check(
    move: Move, here: Stage, at: datetime, *, objections_until: datetime | None = None, prizes_left: int = 0
) -> None:
    """Refuse a move that may not be made now.

    move: any
    here: where the contest stands
    at: aware
    objections_until: aware, the end of the days for objections; asked before handing out
    prizes_left: prizes that are neither handed out nor ended for good, >= 0; asked before closing
    raise NotNow: the contest stands elsewhere, objections may still come, or prizes are left
    """
    if here is not _BEFORE[move]:
        raise NotNow(f"现在是“{NAMES[here]}”，不能{MOVE_NAMES[move]}。")
    if move is Move.HAND_OUT and objections_until is not None and at < objections_until:
        last = objections_until.astimezone(CHINA) - timedelta(microseconds=1)
        raise NotNow(f"公示到 {last.month} 月 {last.day} 日为止，过了这天才能开始发奖。")
    if move is Move.CLOSE and prizes_left:
        raise NotNow(f"还有 {prizes_left} 份奖没有发出，也没有了结，请先处理完。")


def until(at: datetime, days: int) -> datetime:
    """Tell when a span of whole days ends.

    at: aware, on the day from which the days are counted; that day itself is not counted
    days: >= 0
    return: aware, in China the midnight after the last day; before it the span still runs

    >>> until(datetime(2026, 12, 1, 23, 59, tzinfo=CHINA), 5).isoformat()
    '2026-12-07T00:00:00+08:00'
    """
    last = at.astimezone(CHINA).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time(), CHINA)


def lapsed(claim_until: datetime, at: datetime) -> bool:
    """Tell whether a prize may be taken back because nobody came for it.

    claim_until: aware, of `until`
    at: aware
    return: True from that moment on
    """
    return at >= claim_until
