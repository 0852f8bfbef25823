"""One item a request and no way back: which item is on, and whether its answer came in time."""

from collections.abc import Collection
from datetime import datetime, timedelta

ITEM_GRACE_S = 3


def on(stored: Collection[int], items: int) -> int | None:
    """Tell which item is to be answered now.

    stored: positions that have been stored, answered or blank; 1-based
    items: items of the form, >= 1
    return: the first position that is not stored; None when all are
    """
    return next((position for position in range(1, items + 1) if position not in stored), None)


def ends_at(shown_from: datetime, item_s: int | None) -> datetime | None:
    """Tell until when the item that is on may be answered; the grace comes on top.

    shown_from: aware UTC; the start of the go, or the moment the item before was stored
    item_s: seconds for one item, None when only the whole go is limited
    return: aware UTC, None without a limit
    """
    return None if item_s is None else shown_from + timedelta(seconds=item_s)


def accepts(at: datetime, shown_from: datetime, item_s: int | None) -> bool:
    """Tell whether an answer counts; one that does not is stored as blank.

    at: aware UTC, when the request entered
    shown_from, item_s: as in ends_at
    return: True up to and including the item's end + ITEM_GRACE_S seconds
    Source: issue 5 point 2, strict mode of finals
    """
    ends = ends_at(shown_from, item_s)
    return ends is None or at <= ends + timedelta(seconds=ITEM_GRACE_S)
