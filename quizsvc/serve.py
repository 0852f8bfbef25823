"""The default server: one socket, several processes of waitress, one process for periodic jobs."""

import gc
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import structlog
from waitress.server import create_server

from quizsvc import clock, jobs, wsgi
from quizsvc.attempt.cli import close_overdue
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.settings import Settings

log = structlog.get_logger()

SWEEP_EVERY_S = 30


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket that all processes share."""
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as taken:
        opened.close()
        raise Refusal(
            f"端口 {port} 用不了（{taken.strerror}）。换一个试试，例如 make demo PORT={port + 1}。"
        ) from taken
    opened.listen(1024)
    return opened


def run(settings: Settings, opened: socket.socket) -> None:
    """Serve until told to stop; a process that dies is started again."""
    work: list[Callable[[], None]] = [lambda: answer(settings, opened)] * settings.processes
    work.append(lambda: sweep(settings))
    children = {_fork(task): task for task in work}

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for child in children:
            with suppress(ProcessLookupError):  # it may have died this very moment
                os.kill(child, signal.SIGTERM)
        for child in children:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while True:
        child, status = os.wait()
        log.warning("process ended, starting another", status=status)
        threading.Event().wait(0.5)  # a process that cannot start must not spin
        task = children.pop(child)
        children[_fork(task)] = task


def _fork(task: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes it on as SIGTERM
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        task()
    finally:
        os._exit(0)


def answer(settings: Settings, opened: socket.socket) -> None:
    """Answer requests in this process."""
    application = wsgi.application(settings)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue at the bell is no news
    gc.freeze()  # what start-up made stays; the collector need not walk it again and again
    create_server(
        application,
        sockets=[opened],
        threads=settings.threads,
        ident=None,
        channel_timeout=60,
        connection_limit=1000,
        clear_untrusted_proxy_headers=not settings.trusted_proxies,  # else what our proxy says would be lost
    ).run()


def sweep(settings: Settings) -> None:
    """Close overdue attempts, one process at a time among all machines."""
    application = wsgi.application(settings)
    holder = secrets.token_hex(8)
    pause = threading.Event()
    while True:
        with application.app_context():
            try:
                if jobs.due(name="submit-overdue", holder=holder, every_s=SWEEP_EVERY_S, at=clock.now()):
                    close_overdue()
            except Exception:  # a job that fails is tried again; it must not end the sweeper
                log.exception("sweep failed")
                db.session.rollback()
        pause.wait(SWEEP_EVERY_S)
