"""One handler for refusals; pages for what is not found, too large or not available."""

import sqlite3

import structlog
from flask import Flask, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from quizsvc.core.refusal import NotYours, Refusal
from quizsvc.db import let_go

log = structlog.get_logger()

SENTENCES = {
    400: ("没有看懂", "刚才提交的内容不完整。请返回上一页再试一次。"),
    401: ("请先登录", "登录后再做这一步。"),
    404: ("没有这一页", "网址可能抄错了，或者这里不归你管。请对照原来的网址再看一眼。"),
    405: ("没有看懂", "请从页面上的按钮进入。"),
    413: ("太大了", "提交的内容太大，没有处理。"),
    415: ("没有看懂", "提交的格式不对。"),
}
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, InternalError)
"""What a database raises that is away, busy or full: the request may succeed in a moment (`is_ours`: when not)."""

READ_ONLY = "25006"  # PostgreSQL: the connection leads to a standby; the driver has no better class for it

BUSY = ("稍等一下", "现在人多，这一步还没有办好。过几秒再试一次就好，已经保存的都在。")
BROKEN = ("出了点问题", "是我们这边的错，已经记下。请过一会儿再试。")


def init_app(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(NotYours, hidden)
    app.register_error_handler(CSRFError, expired_form)
    app.register_error_handler(HTTPException, plain)
    for unavailable in UNAVAILABLE:
        app.register_error_handler(unavailable, busy)
    app.register_error_handler(DataError, unreadable)
    app.register_error_handler(Exception, broken)


def page(status: int, title: str, text: str) -> ResponseReturnValue:
    """Render one sentence as a page, or as plain text for a script."""
    if request.accept_mimetypes.best == "text/plain" or request.headers.get("X-Requested-With"):
        response = make_response(text, status)
        response.mimetype = "text/plain"
        return response
    return make_response(render_template("refused.html", title=title, text=text, status=status), status)


def refused(refusal: Refusal) -> ResponseReturnValue:
    """Show a refusal's own sentence."""
    log.info("refused", refusal=type(refusal).__name__, status=refusal.status)
    response = make_response(
        page(refusal.status, "没有找到" if refusal.status == 404 else "现在不行", refusal.text)
    )
    if refusal.status == 503:
        response.headers["Retry-After"] = "60"
    return response


def hidden(_refusal: NotYours) -> ResponseReturnValue:
    """Answer as `guard.check` does: numbers of units, campaigns and rounds cannot be probed."""
    return page(404, *SENTENCES[404])


def expired_form(_error: CSRFError) -> ResponseReturnValue:
    """Say that a staff form has expired; the log says where, since a foreign page may have sent it."""
    log.info("form without a valid token", route=request.url_rule.rule if request.url_rule else None)
    return page(400, "这个表单过期了", "请返回上一页，刷新后再提交一次。")


def plain(error: HTTPException) -> ResponseReturnValue:
    """Show the sentence of an HTTP error."""
    if error.code is None or error.code < 400:
        return error
    response = make_response(page(error.code, *SENTENCES.get(error.code, SENTENCES[400])))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def is_ours(error: Exception) -> bool:
    """Tell our own mistake from a database's trouble: SQLite has one class for a full disk and a missing table."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, InternalError) and getattr(cause, "sqlstate", None) != READ_ONLY


def busy(error: Exception) -> ResponseReturnValue:
    """Answer 503 when the database is busy, full or away; the phone keeps its answers and retries."""
    if is_ours(error):
        return broken(error)
    log.warning("database unavailable", error=type(error).__name__)
    let_go()
    response = make_response(page(503, *BUSY), 503)
    response.headers["Retry-After"] = "2"
    return response


def unreadable(error: DataError) -> ResponseReturnValue:
    """Answer 400 to what the database cannot even store: a NUL in a text, a number out of range."""
    log.info("unreadable", error=type(error.orig).__name__)
    let_go()
    return page(400, *SENTENCES[400])


def broken(error: Exception) -> ResponseReturnValue:
    """Answer 500 for our own bug, with no detail on the page."""
    route = request.url_rule.rule if request.url_rule else None  # the address itself may be a secret
    log.error("bug", exc_info=error, route=route)
    return page(500, *BROKEN)
