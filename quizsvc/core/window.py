"""When one may answer, and until when an answer counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from quizsvc.core.refusal import Refusal

GRACE_S = 60
LATE_S = 30 * 60

State = Literal["before", "open", "closed"]
LatePolicy = Literal["submit_from_saved", "accept_flagged", "reject"]
Arrival = Literal["in_time", "late", "over"]


class NotOpenYet(Refusal):
    """The window has not opened; `opens_at` lets the page say when it will.

    opens_at: aware UTC
    """

    def __init__(self, opens_at: datetime) -> None:
        """Keep the moment, refuse with 409."""
        super().__init__("活动还没有开始，到开放时间再来就可以答题。", status=409)
        self.opens_at = opens_at


class Closed(Refusal):
    """The window has closed; `closed_at` lets the page say when it did.

    closed_at: aware UTC
    """

    def __init__(self, closed_at: datetime) -> None:
        """Keep the moment, refuse with 410."""
        super().__init__("活动已经结束，现在不能再答题了。", status=410)
        self.closed_at = closed_at


@dataclass(frozen=True, slots=True)
class Window:
    """The span in which attempts may start, half-open: the opening moment is in, the closing moment is out.

    opens_at, closes_at: aware UTC; when closes_at is not after opens_at the window is never open
    """

    opens_at: datetime
    closes_at: datetime

    def state(self, at: datetime) -> State:
        """Tell where a moment lies.

        at: aware UTC
        return: "before" while at < opens_at, else "open" while at < closes_at, else "closed"
        """
        if at < self.opens_at:
            return "before"
        return "open" if at < self.closes_at else "closed"

    def check(self, at: datetime) -> None:
        """Refuse a moment outside the window.

        at: aware UTC
        raise NotOpenYet: at is before opens_at
        raise Closed: at is closes_at or later
        """
        state = self.state(at)
        if state == "before":
            raise NotOpenYet(self.opens_at)
        if state == "closed":
            raise Closed(self.closes_at)


def deadline(
    started_at: datetime, window_closes_at: datetime, limit_s: int | None, extension_s: int
) -> datetime:
    """Tell until when an attempt may be answered; grace comes on top and is not in it.

    started_at, window_closes_at: aware UTC
    limit_s: seconds allowed for one attempt, >= 0; None when only the window ends it
    extension_s: seconds granted to this attempt on top of the limit, >= 0; it never outlasts the window
    return: aware UTC, the earlier of started_at + limit_s + extension_s and window_closes_at
    """
    if limit_s is None:
        return window_closes_at
    return min(started_at + timedelta(seconds=limit_s + extension_s), window_closes_at)


def accepts(at: datetime, deadline: datetime) -> bool:
    """Tell whether an answer that arrived at a moment still counts.

    at: aware UTC, the server's clock when the request entered
    deadline: aware UTC
    return: True up to and including deadline + GRACE_S seconds
    """
    return at <= deadline + timedelta(seconds=GRACE_S)


def arrival(at: datetime, deadline: datetime, policy: str) -> Arrival:
    """Tell how a hand-in that arrives at a moment is taken.

    at: aware UTC, the server's clock when the request entered
    deadline: aware UTC
    policy: what the round does with an attempt that its pupil has not handed in, a LatePolicy
    return: "in_time" up to and including the grace; then "late" for LATE_S seconds more, the last of them
        included, where the policy is "accept_flagged"; "over" when it counts for nothing by itself
    """
    if accepts(at, deadline):
        return "in_time"
    waits = policy == "accept_flagged" and accepts(at, deadline + timedelta(seconds=LATE_S))
    return "late" if waits else "over"


def seconds_left(at: datetime, deadline: datetime) -> int:
    """Count the whole seconds that remain, without the grace.

    at, deadline: aware UTC
    return: seconds rounded down, never below 0
    """
    return max((deadline - at) // timedelta(seconds=1), 0)
