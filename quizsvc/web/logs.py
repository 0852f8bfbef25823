"""Logs: lines of JSON that tell what failed and where, and never what it was about."""

import logging
import sys
import traceback
from collections.abc import Iterator
from itertools import islice

import structlog
from structlog.typing import EventDict, WrappedLogger

LONGEST_CHAIN = 5


def configure(level: str) -> None:
    """Set up the loggers of this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_values,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
    server = logging.getLogger("waitress")
    if not any(isinstance(one, _Retold) for one in server.filters):
        server.addFilter(_Retold())


def without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the way of an exception in place of the exception: its message may hold a name or a whole row."""
    failure = event.pop("exc_info", None)
    error = failure if isinstance(failure, BaseException) else sys.exc_info()[1] if failure else None
    if error is not None:
        event["exception"] = " < ".join(islice(_way(error), LONGEST_CHAIN))
    return event


def _way(error: BaseException | None) -> Iterator[str]:
    """Say which exceptions came of which, and the calls that led to each."""
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        calls = ", ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
        yield f"{type(error).__module__}.{type(error).__qualname__} ({calls})"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class _Retold(logging.Filter):
    """Tells failures of the server our way: it would write the address and the message, and both are secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything else pass."""
        if not record.exc_info or record.exc_info[1] is None:
            return True
        structlog.get_logger().error("server failed", exc_info=record.exc_info[1])
        return False
