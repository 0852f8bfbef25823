"""An account with a second step, and the codes its app would show."""

import base64
from datetime import datetime

from flask import Flask

from quizsvc import vault
from quizsvc.core import onetime
from quizsvc.staff import queries
from quizsvc.staff.models import RecoveryCode, Staff
from tests import make

SECRET = b"12345678901234567890"


def turned_on(app: Flask, staff: Staff, secret: bytes = SECRET) -> Staff:
    """Give somebody a second step without the page."""
    ring = vault.kept_ring(app.config["SETTINGS"].key_file)
    staff.totp_secret = ring.seal(base64.b32encode(secret).decode(), place=queries.secret_place(staff.id))
    return make.saved(staff)


def code(at: datetime, *, steps: int = 0, secret: bytes = SECRET) -> str:
    """What the app shows, some half minutes before or after."""
    return onetime.code_of(secret, onetime.step_at(at) + steps)


def printed(staff: Staff, text: str, at: datetime) -> RecoveryCode:
    """A recovery code of somebody."""
    return make.saved(
        RecoveryCode(staff_id=staff.id, code_hash=queries.HASHER.hash(text), created_at=at, used_at=None)
    )
