"""One-time codes: those an authenticator app shows every half minute, and those printed to come back without it."""

import base64
import hashlib
import hmac
import unicodedata
from datetime import datetime
from urllib.parse import quote

from quizsvc.core.linkcode import body_from

DIGITS = 6
STEP_S = 30
WINDOW = 1
SECRET_BYTES = 20
RECOVERY_CODES = 8
RECOVERY_LENGTH = 12
RECOVERY_BITS = 5 * RECOVERY_LENGTH

_LONGEST_TYPED = 64
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})


def code_of(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """Compute the code of one counter value.

    secret: shared with the app, any length; ours have 20 bytes. counter: >= 0, below 2^64. digits: 6..9
    return: that many decimal digits, leading zeros kept
    raise OverflowError: the counter is negative or too large
    Source: RFC 4226 5.3 (SHA-1, because that is what every authenticator app takes)

    >>> code_of(b"12345678901234567890", 1)
    '287082'
    """
    digest = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}}"


def step_at(at: datetime) -> int:
    """Number the half minute in which a moment lies.

    at: aware, from 1970 on
    return: whole steps of 30 s since 1970-01-01T00:00Z
    Source: RFC 6238 4.2
    """
    return int(at.timestamp()) // STEP_S


def fitting_step(secret: bytes, code: str, at: datetime, used: int | None) -> int | None:
    """Find the step whose code this is, one before or after now at most, and later than the last one used.

    secret: as for code_of. code: as `as_typed` returns it. at: aware. used: the step of the last code that was
        accepted; None before the first
    return: the step, to be kept as the last one used; None for a wrong, early, late or used code
    Source: RFC 6238 5.2 (a window for clocks that differ; a code is accepted once)
    """
    now = step_at(at)
    earliest = max(now - WINDOW, 0 if used is None else used + 1)
    fitting = [
        step
        for step in range(earliest, now + WINDOW + 1)
        if hmac.compare_digest(code_of(secret, step).encode(), code.encode())
    ]
    return fitting[0] if fitting else None


def as_typed(text: str) -> str:
    """Bring a code to the form in which it is compared.

    text: anything; small letters, full-width characters, blanks and hyphens are fine; O is read as 0, I and L as 1
    return: the bare code, "" for a text too long to be one

    >>> as_typed(" ２８７ 082")
    '287082'
    >>> as_typed("7k3m-o000-000l")
    '7K3M00000001'
    """
    if len(text) > _LONGEST_TYPED:
        return ""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper().translate(_LOOK_ALIKES)


def recovery_code(number: int) -> str:
    """Write a random number as a code to come back with.

    number: >= 0, drawn evenly from 60 bits or more; bits above are dropped
    return: 12 characters without look-alikes

    >>> recovery_code(33)
    '000000000011'
    """
    return body_from(number, RECOVERY_LENGTH)


def is_recovery_code(code: str) -> bool:
    """Say whether a code has the shape of one that is printed, not of one an app shows.

    code: as `as_typed` returns it
    return: True for its length
    """
    return len(code) == RECOVERY_LENGTH


def secret_text(secret: bytes) -> str:
    """Write a secret as it is typed into an app.

    secret: any length divisible by 5
    return: base32, capitals and digits 2..7, no padding

    >>> secret_text(b"12345")
    'GEZDGNBV'
    """
    return base64.b32encode(secret).decode()


def in_fours(text: str) -> str:
    """Write a text in groups of four with blanks between.

    text: without blanks
    return: groups of four characters, the last as long as it comes

    >>> in_fours("GEZDGNBVGY")
    'GEZD GNBV GY'
    """
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def app_address(secret: bytes, login: str, issuer: str) -> str:
    """Write the address that hands a secret to an authenticator app, as a QR code or a link.

    secret: as for secret_text. login: whose account. issuer: the name of the service
    return: otpauth://totp/…
    Source: the "Key URI Format" of the first authenticator apps, which all others read

    >>> app_address(b"12345", "lin", "反诈")
    'otpauth://totp/%E5%8F%8D%E8%AF%88:lin?secret=GEZDGNBV&issuer=%E5%8F%8D%E8%AF%88&algorithm=SHA1&digits=6&period=30'
    """
    label = f"{quote(issuer, safe='')}:{quote(login, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={secret_text(secret)}&issuer={quote(issuer, safe='')}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )
