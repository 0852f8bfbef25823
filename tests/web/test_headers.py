"""The exact headers of a page, a static file, an error, a file and a redirect; gzip only where it is worth it."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request

from quizsvc.app import create_app
from quizsvc.settings import Settings
from quizsvc.web import headers
from quizsvc.web.assets import asset
from tests.support import Browser

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
            trusted_proxies=1,
            log_level="ERROR",
        )
    )


def test_https_is_demanded_for_a_year_and_cookies_keep_to_it(secure: Flask) -> None:
    answer = secure.test_client().get("/staff/sign-in", base_url="https://fz.test")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
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
