"""Template filters: days and moments in China, receipts in groups."""

from datetime import date, datetime

from flask import Flask

from quizsvc.clock import SHANGHAI
from quizsvc.core.linkcode import grouped

NBSP = "\u00a0"


def day(value: date | datetime) -> str:
    """Write a day: 12 月 20 日."""
    local = value.astimezone(SHANGHAI) if isinstance(value, datetime) else value
    return f"{local.month}{NBSP}月{NBSP}{local.day}{NBSP}日"


def moment(value: datetime) -> str:
    """Write a moment: 12 月 20 日 18:00."""
    return f"{day(value)}{NBSP}{value.astimezone(SHANGHAI):%H:%M}"


def clock_time(value: datetime) -> str:
    """Write the time of day: 15:42."""
    return f"{value.astimezone(SHANGHAI):%H:%M}"


def thousands(value: int) -> str:
    """Write a number with separators: 41,286."""
    return f"{value:,}"


def init_app(app: Flask) -> None:
    """Give templates the filters."""
    for function in (day, moment, clock_time, thousands, grouped):
        app.jinja_env.filters[function.__name__] = function
