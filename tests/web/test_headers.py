"""The exact headers of a page, a static file, an error, a file and a redirect; gzip only where it is worth it."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import UnsupportedMediaType

from quizsvc import tables, throttle
from quizsvc.app import create_app
from quizsvc.bulletin import files as bulletin_files
from quizsvc.core.refusal import Refusal
from quizsvc.settings import Settings
from quizsvc.web import headers
from quizsvc.web.assets import asset
from quizsvc.web.guard import public
from tests.security.sweep import send, targets
from tests.support import Browser
from tests.world import build, nothing_is_kept

EVERYWHERE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def sent(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers if name not in ("Content-Length", "Set-Cookie")}


def test_page_is_never_kept(app: Flask, at: Any, phone: Browser) -> None:
    assert sent(phone.get("/staff/sign-in")) == {
        **EVERYWHERE,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Cookie",
    }


def test_static_file_is_kept_for_ever_and_does_not_vary_by_cookie(app: Flask, phone: Browser) -> None:
    assert sent(phone.get(asset("desk.css"))) == {
        **EVERYWHERE,
        "Content-Type": "text/css; charset=utf-8",
        "Cache-Control": "public, max-age=31536000, immutable",
        "Vary": "Accept-Encoding",
    }


def test_error_page_is_a_page_too(app: Flask, phone: Browser) -> None:
    answer = phone.get("/no/such/page")

    assert answer.status_code == 404
    assert sent(answer) == {
        **EVERYWHERE,
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Cookie",
    }


def test_plain_text_of_health_is_not_kept(app: Flask, phone: Browser) -> None:
    assert sent(phone.get("/healthz")) == {
        **EVERYWHERE,
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Cookie",
    }


@pytest.mark.parametrize(
    ("announce", "changed"),
    [
        (
            headers.hold_frames,
            {"Content-Security-Policy": EVERYWHERE["Content-Security-Policy"] + "; frame-src 'self'"},
        ),
        (
            headers.lie_in_a_frame,
            {
                "Content-Security-Policy": EVERYWHERE["Content-Security-Policy"].replace(
                    "frame-ancestors 'none'", "frame-ancestors 'self'"
                ),
                "X-Frame-Options": "SAMEORIGIN",
            },
        ),
    ],
)
def test_frames_are_ours_alone_and_for_one_answer_alone(
    app: Flask, phone: Browser, monkeypatch: pytest.MonkeyPatch, announce: Any, changed: dict[str, str]
) -> None:
    def framed() -> str:
        announce()
        return "shown"

    with monkeypatch.context() as once:
        once.setitem(app.view_functions, "health.healthz", framed)
        with_frames = sent(phone.get("/healthz"))
    afterwards = sent(phone.get("/healthz"))

    assert {name: with_frames[name] for name in EVERYWHERE} == {**EVERYWHERE, **changed}
    assert {name: afterwards[name] for name in EVERYWHERE} == EVERYWHERE


@pytest.fixture
def secure(tmp_path: Path) -> Flask:
    """The application as it runs behind one proxy under https."""
    return create_app(
        Settings(
            mode="production",
            instance=tmp_path,
            database_url=f"sqlite:///{tmp_path / 'secure.sqlite'}",
            secret_key="tests-only-" + "x" * 32,
            public_url="https://fz.test",
            key_file=tmp_path / "keys",
            trusted_proxies=1,
            log_level="ERROR",
        )
    )


def test_https_is_demanded_for_a_year_and_cookies_keep_to_it(secure: Flask) -> None:
    answer = secure.test_client().get("/staff/sign-in", base_url="https://fz.test")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-quizsvc=")
    assert [part.strip() for part in cookie.split(";")[1:]] == [
        "Secure",
        "HttpOnly",
        "Path=/",
        "SameSite=Lax",
    ]


def test_http_asks_for_nothing(app: Flask, phone: Browser) -> None:
    assert "Strict-Transport-Security" not in phone.get("/healthz").headers


def test_as_many_proxies_are_believed_as_the_settings_say(secure: Flask) -> None:
    seen = {}

    @secure.before_request
    def look() -> None:
        seen.update(address=request.remote_addr, host=request.host, scheme=request.scheme)

    forwarded = {
        "X-Forwarded-For": "198.51.100.1, 192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "fz.test",
    }
    secure.test_client().get("/healthz", headers=forwarded)

    assert seen == {"address": "192.0.2.7", "host": "fz.test", "scheme": "https"}


def test_long_page_is_compressed_when_the_browser_takes_it(app: Flask, at: Any, phone: Browser) -> None:
    plain = phone.get("/staff/sign-in")
    zipped = phone.get("/staff/sign-in", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert {name.strip() for name in zipped.headers["Vary"].split(",")} == {"Accept-Encoding", "Cookie"}
    assert len(zipped.data) < len(plain.data)
    assert gzip.decompress(zipped.data).startswith(b"<!doctype html>")


def packed(response: Response) -> Response:
    headers.compress(response)
    return response


@pytest.mark.parametrize(
    ("body", "mimetype", "encoding"),
    [
        (b"x" * 1024, "text/html", "gzip"),
        (b"x" * 1023, "text/html", None),
        (b"x" * 5000, "image/png", None),
        (b"x" * 5000, "text/csv", "gzip"),
    ],
)
def test_only_long_texts_are_compressed(app: Flask, body: bytes, mimetype: str, encoding: str | None) -> None:
    with app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        answer = packed(Response(body, mimetype=mimetype))

    assert answer.headers.get("Content-Encoding") == encoding


def test_what_is_compressed_already_is_left_alone(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        answer = packed(Response(b"x" * 5000, mimetype="text/html", headers={"Content-Encoding": "gzip"}))

    assert answer.data == b"x" * 5000


PAGE = {
    **EVERYWHERE,
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}
POLICY = EVERYWHERE["Content-Security-Policy"]
HOLDS = {"Content-Security-Policy": f"{POLICY}; frame-src 'self'"}
LIES = {
    "Content-Security-Policy": POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
    "X-Frame-Options": "SAMEORIGIN",
}
IN_FRAMES = {
    "GET /staff/papers/<int:paper_id>": HOLDS,
    "GET /staff/papers/drafts/<int:draft_id>": HOLDS,
    "GET /staff/papers/<int:paper_id>/preview": LIES,
    "GET /staff/papers/drafts/<int:draft_id>/preview": LIES,
}
KINDS = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": tables.MIMETYPES["xlsx"],
    ".docx": bulletin_files.WORD_TYPE,
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".zip": "application/zip",
    "/xlsx": tables.MIMETYPES["xlsx"],
}
PLAIN_TEXT = ("GET /healthz", "GET /readyz")
LIVE = ("GET /staff/rounds/<int:round_id>/classes/<int:unit_id>/live", "GET /k/<code>/screen/live")
OF_A_DRAW = re.compile(r"GET /d/<draw_id>/<any\(.*\):file>")
OF_THE_ANSWER = {"Location", "ETag", "X-As-Of", "Content-Disposition", "Retry-After"}


def due(label: str, answer: Any) -> dict[str, str]:
    """The exact headers of an answer, apart from those that say something of this answer alone."""
    headers = dict(PAGE)
    if answer.status_code == 200:
        headers |= IN_FRAMES.get(label, {})
        kind = next((kind for suffix, kind in KINDS.items() if answer.request.path.endswith(suffix)), None)
        headers["Content-Type"] = kind or (
            "text/plain; charset=utf-8" if label in PLAIN_TEXT else PAGE["Content-Type"]
        )
    if label in PLAIN_TEXT:
        headers["Content-Type"] = "text/plain; charset=utf-8"
    if label.startswith("GET /static/"):
        headers |= {
            "Content-Type": "text/css; charset=utf-8",
            "Cache-Control": "no-cache",
            "Vary": "Accept-Encoding",
        }
    if OF_A_DRAW.fullmatch(label) and answer.status_code == 200:  # written once, and the same for everybody
        headers["Cache-Control"] = "public, max-age=3600"
        headers.pop("Vary")
    if (
        label == "POST /c/<code>/who" and answer.status_code == 200
    ):  # of no name: the way back must not send again
        headers["Cache-Control"] = "private, no-cache"
        headers.pop("Vary")
    return headers


def strange(label: str, answer: Any) -> list[str]:
    """Say which headers are not as they should be."""
    has = {name: value for name, value in sent(answer).items() if name not in OF_THE_ANSWER}
    wanted = due(label, answer)
    names = {name for name, value in has.items() if wanted.get(name) != value} | wanted.keys() - has.keys()
    own = {name for name, _ in answer.headers} & OF_THE_ANSWER
    lead = {"Location"} if 300 <= answer.status_code < 304 else set()
    allowed = {*lead, *({"ETag", "X-As-Of"} if label in LIVE else ()), "Content-Disposition"}
    cookies = [
        cookie
        for cookie in answer.headers.getlist("Set-Cookie")
        if not {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; ")) or "Domain=" in cookie
    ]
    disposition = answer.headers.get("Content-Disposition", "attachment; filename*=UTF-8''x")
    odd = not disposition.startswith("attachment; filename*=UTF-8''") or not disposition.isascii()
    return [
        *(f"{name}: {has.get(name)}, not {wanted.get(name)}" for name in sorted(names)),
        *sorted(own - allowed | lead - own),
        *cookies,
        *([disposition] if odd else []),
    ]


def over_the_map(app: Flask, label: str = "") -> tuple[dict[str, list[str]], set[int]]:
    """Ask for every route as somebody who may, and as a stranger."""
    world = build(app)
    wrong, statuses = {}, set()
    with nothing_is_kept(app):
        for target in targets(app, world, world.places["own"], label):
            for name in (next(iter(target.plains)), "a stranger"):
                answer = send(app, target.plains[name].asked)
                statuses.add(answer.status_code)
                if found := strange(target.label, answer):
                    wrong[f"{target.label} as {name}, {answer.status_code}"] = found
    return wrong, statuses


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_headers_of_every_route_are_exact(app: Flask, at: Any) -> None:
    wrong, statuses = over_the_map(app)

    assert wrong == {}
    assert statuses >= {200, 204, 303, 400, 401, 403, 404, 409}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_changed_header_would_be_noticed(app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def remembered() -> Response:
        return Response(
            "kept", headers={"Cache-Control": "private", "Set-Cookie": "a=b; Path=/", "Server": "x"}
        )

    monkeypatch.setitem(app.view_functions, "health.healthz", public(remembered))

    wrong, _ = over_the_map(app, "GET /healthz")

    assert list(wrong) == ["GET /healthz as the phone, 200", "GET /healthz as a stranger, 200"]
    assert [one.partition(":")[0] for one in wrong["GET /healthz as a stranger, 200"]] == [
        "Cache-Control", "Content-Type", "Server", "Vary", "a=b; Path=/",
    ]  # fmt: skip


def raising(error: Exception) -> Any:
    def view() -> None:
        raise error

    return view


ERRORS: dict[int, dict[str, str]] = {
    400: {}, 401: {}, 403: {}, 404: {}, 405: {"Allow": "GET, HEAD, OPTIONS"}, 409: {}, 413: {}, 415: {}, 429: {},
    500: {}, 503: {"Retry-After": "2"},
}  # fmt: skip
PLANTED = {
    409: Refusal("现在不行。", status=409),
    415: UnsupportedMediaType(),
    429: throttle.TooMany("请过十分钟再试。"),
    500: ZeroDivisionError(),
    503: OperationalError("SELECT 1", {}, Exception("away")),
}


@pytest.mark.parametrize("by_script", [False, True])
@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_headers_of_every_error_are_exact(
    app: Flask, at: Any, phone: Browser, monkeypatch: pytest.MonkeyPatch, status: int, by_script: bool
) -> None:
    asked: dict[int, tuple[str, str, dict[str, Any]]] = {
        400: ("POST", "/staff/sign-in", {}),
        401: ("POST", "/staff/account/sign-out-everywhere", {}),
        403: ("POST", "/c/7K3M9Q2/who", {"headers": {"Origin": "https://evil.example"}}),
        404: ("GET", "/no/such/page", {}),
        405: ("POST", "/healthz", {}),
        413: ("POST", "/staff/sign-in", {"data": {"a": "x" * 300_000}}),
    }
    if status in PLANTED:
        monkeypatch.setitem(app.view_functions, "health.healthz", raising(PLANTED[status]))
    if status in (401, 405):
        monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    method, path, more = asked.get(status, ("GET", "/healthz", {}))
    by = {"X-Requested-With": "XMLHttpRequest"} if by_script else {}

    answer = phone.open(path, method=method, **{**more, "headers": {**more.get("headers", {}), **by}})

    kind = "text/plain" if by_script else "text/html"
    assert answer.status_code == status
    assert sent(answer) == {**PAGE, "Content-Type": f"{kind}; charset=utf-8", **ERRORS[status]}
