"""The phone's own cookie: one random secret, from which only a hash is ever stored."""

import re
import secrets

from flask import Response, current_app, request

HALF_A_YEAR_S = 180 * 24 * 3600
_SECRET = re.compile(r"[A-Za-z0-9_-]{22}")


def device() -> str:
    """Return this phone's secret from its cookie; a phone without one gets an empty text that owns nothing."""
    known = request.cookies.get(cookie_name("phone"), "")
    return known if _SECRET.fullmatch(known) else ""


def fresh() -> str:
    """Make a secret for a phone that has none."""
    return secrets.token_urlsafe(16)


def remember(response: Response, secret: str) -> Response:
    """Keep the secret in the phone."""
    https = current_app.config["SETTINGS"].https
    response.set_cookie(
        cookie_name("phone"), secret, max_age=HALF_A_YEAR_S, httponly=True, samesite="Lax", secure=https
    )
    return response


def forget(response: Response) -> Response:
    """Take the secret out of the phone."""
    response.delete_cookie(
        cookie_name("phone"), httponly=True, samesite="Lax", secure=current_app.config["SETTINGS"].https
    )
    return response


def cookie_name(name: str) -> str:
    """Bind a cookie's name to this host alone, where that can be said."""
    return f"__Host-{name}" if current_app.config["SETTINGS"].https else name
