"""What somebody saw in a preview, carried by their own page to the confirmation: signed, compressed, short-lived."""

from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

SEALED_FOR_S = 3600


class Broken(Exception):
    """A seal that is too old, or was never ours."""


def sealed(value: Any, *, purpose: str, at: datetime) -> str:
    """Write plain values as one text that only this service can have made; `purpose` keeps seals apart."""
    return _serializer(purpose).dumps([int(at.timestamp()), value])


def opened(text: str, *, purpose: str, at: datetime) -> Any:
    """Return what was sealed, or raise Broken when it is not ours or older than an hour."""
    try:
        sealed_at, value = _serializer(purpose).loads(text)
    except BadData:
        raise Broken from None
    if at.timestamp() - sealed_at > SEALED_FOR_S:
        raise Broken
    return value


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SETTINGS"].verifying_keys, salt=purpose)
