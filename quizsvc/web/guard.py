"""Who may enter a view: `@public`, `@guarded(permission)`, and `check(permission, unit path)` inside it."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlsplit

from flask import abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from quizsvc import audit, clock, throttle
from quizsvc.audit import Actor
from quizsvc.core.access import Identity, Permission, permits, scopes
from quizsvc.core.refusal import Refusal
from quizsvc.db import operation

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"
DENIED_A_MINUTE = 20
LONGEST_PAGE = 200


def public(view: View) -> View:
    """Declare a view that needs no sign-in."""
    view.access = PUBLIC  # type: ignore[attr-defined]  # tests/rules walk the URL map for it
    return view


def guarded(permission: Permission) -> Callable[[View], View]:
    """Declare a staff view: strangers are sent to sign in, staff without the permission anywhere get 404."""

    def declare(view: View) -> View:
        @wraps(view)
        def entered(*args: Any, **kwargs: Any) -> Any:
            if identity() is None:
                return _to_sign_in()
            if not scopes(identity(), permission):
                deny(permission)
            return view(*args, **kwargs)

        entered.access = permission  # type: ignore[attr-defined]  # tests/rules walk the URL map for it
        return entered  # type: ignore[return-value]  # same signature as the view

    return declare


def identity() -> Identity | None:
    """Return who is signed in, as the staff slice loaded it for this request."""
    known: Identity | None = g.get("identity")
    return known


def me() -> Identity:
    """Return who is signed in; only for guarded views."""
    known = identity()
    if known is None:
        abort(404)
    return known


def actor() -> Actor:
    """Name the signed-in staff member for the audit log."""
    return Actor.staff(me().staff_id)


def who(actor_text: str | None) -> str:
    """Name an audit actor to the person who is signed in, without knowing the staff."""
    kind, _, number = (actor_text or "").partition(":")
    if kind == "staff":
        return "我" if number == str(me().staff_id) else f"{number} 号账号"
    return {"cli": "命令行", "job": "系统"}.get(kind, kind)


def check(permission: Permission, path: str) -> None:
    """Answer 404 unless the signed-in staff member may do this in this unit: units cannot be probed."""
    if not permits(identity(), permission, path):
        deny(permission)


def deny(permission: Permission) -> NoReturn:
    """Answer 404, and note in the audit log which page a signed-in staff member asked for without the permission."""
    if identity() is not None:
        _note(by=actor(), page=quote(request.path)[:LONGEST_PAGE], needed=permission, at=clock.now())
    abort(404)


@operation
def _note(*, by: Actor, page: str, needed: Permission, at: datetime) -> None:
    """Record a denied page: once a minute, and so many a minute of one person that nobody can flood the log."""
    for kind, subject, limit in (
        ("denied", by.text, DENIED_A_MINUTE),
        ("denied-page", f"{by.text} {page}", 1),
    ):
        if throttle.counted(kind=kind, subject=subject, window_s=60, at=at) > limit:
            return
    audit.record(actor=by, action="access.denied", on=f"page:{page}", at=at, needed=needed.value)


def may(permission: Permission, path: str) -> bool:
    """Say whether to show a button."""
    return permits(identity(), permission, path)


def refuse_foreign_origin() -> None:
    """Refuse posts that another site's page sends (the student pages carry no cookie token)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.headers.get("Origin", "null")
    ours = {request.host, urlsplit(current_app.config["SETTINGS"].public_url).netloc}
    foreign = origin != "null" and _host_of(origin) not in ours
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refusal("这个请求来自别的网站，没有处理。请从班级二维码重新进入。", status=403)


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # a bracket that does not close
        return None


def _to_sign_in() -> Response:
    if request.method != "GET":
        abort(401)
    return redirect(url_for("staff.sign_in", next=request.full_path.rstrip("?")), 303)
