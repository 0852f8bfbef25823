"""The only reader of the clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present moment, aware UTC."""
    return datetime.now(UTC)


def local_day(at: datetime) -> date:
    """Return the calendar day of a moment in China."""
    return at.astimezone(SHANGHAI).date()
