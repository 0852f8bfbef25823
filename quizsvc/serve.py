"""The default server: one socket, several processes of waitress, one process for periodic jobs.

SIGHUP puts the program that now lies on the disk in its place: same process, same socket, no request refused.
"""

import gc
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from flask import Flask
from waitress import wasyncore
from waitress.server import create_server
from waitress.task import WSGITask

from quizsvc import clock, jobs, wsgi
from quizsvc.attempt.cli import close_overdue
from quizsvc.contest import cli as contest
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.upkeep import backup, erase, ledger

log = structlog.get_logger()

Task = Callable[["Post"], None]

SWEEP_EVERY_S = 30
DUTIES: list[tuple[str, int, Callable[[], object]]] = [
    ("submit-overdue", SWEEP_EVERY_S, close_overdue),
    ("count-contests", contest.EVERY_S, contest.keep),
    ("seal-submissions", SWEEP_EVERY_S, ledger.seal),
    ("backup", backup.QUARTER_S, backup.make_due),
    ("erase-requests", SWEEP_EVERY_S, erase.carry_out_requests),
    ("erase", erase.EVERY_S, erase.sweep),
]
"""What the sweeper does: name of the lease, seconds from one time to the next among all machines, what."""

LONGEST_CHECK_S = 60
IDLE_S = 10  # a connection on which nothing comes is closed by a process that leaves
LEAVES_WITHIN_S = 120  # a PDF with the posters of a whole school takes a while
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1}


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


def run(
    application: Flask,
    settings: Settings,
    opened: socket.socket,
    *,
    before: wsgi.Handover | None = None,
    reloads: bool = False,
) -> None:
    """Serve until told to stop; with `reloads` SIGHUP begins anew. Processes `before` leave when ours are ready."""
    gc.collect()
    gc.freeze()  # what start-up made stays and is shared; the collector need not walk it again and again
    _Parent(application, settings, opened, before, reloads).run()


class Post:
    """Where a process stands: it tells the parent that it is ready, and hears that it is to leave."""

    def __init__(self, parent: int, ready: int) -> None:
        self._parent, self._ready = parent, ready
        self.leaving = threading.Event()

    def tell_ready(self) -> None:
        """Tell the parent that requests can be answered here."""
        os.write(self._ready, b".")
        with suppress(ProcessLookupError):
            os.kill(self._parent, signal.SIGUSR1)


class _Parent:
    """Starts processes, starts those again that die, and ends them; answers nothing itself."""

    def __init__(
        self,
        application: Flask,
        settings: Settings,
        opened: socket.socket,
        before: wsgi.Handover | None,
        reloads: bool,
    ) -> None:
        self.settings, self.opened, self.reloads = settings, opened, reloads
        self.application = application  # built once: a process that is started again is what its siblings are
        self.children: dict[int, Task] = {}
        self.before = set(before.processes if before else ())
        self.ready = 0
        self.listening, self.telling = os.pipe()
        os.set_blocking(self.listening, False)

    def run(self) -> None:
        """Wait for signals, one after the other; they are blocked meanwhile, so none interrupts anything."""
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)  # by default it would not even wait
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        for _ in range(self.settings.processes):
            self._fork(lambda post: answer(self.application, self.settings, self.opened, post))
        self._fork(lambda post: sweep(self.application, post))
        while True:
            self._hear(signal.Signals(signal.sigwait(_SIGNALS)))

    def _hear(self, heard: signal.Signals) -> None:
        if heard is signal.SIGCHLD:
            self._bury()
        elif heard is signal.SIGUSR1:
            with suppress(BlockingIOError):  # two who were ready at once have been counted together
                self.ready += len(os.read(self.listening, 1024))
            self._relieve()
        elif heard is signal.SIGHUP and self.reloads:
            self._begin_anew()
        else:
            self._stop()

    def _fork(self, task: Task) -> None:
        parent = os.getpid()
        child = os.fork()
        if child:
            self.children[child] = task
            return
        try:
            _work(task, Post(parent, self.telling))
        finally:
            os._exit(0)

    def _bury(self) -> None:
        while True:
            try:
                child, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not child:
                return
            self.before.discard(child)
            task = self.children.pop(child, None)
            if task is not None:
                log.warning("process ended, starting another", status=status)
                threading.Event().wait(0.5)  # a process that cannot start must not spin
                self._fork(task)

    def _relieve(self) -> None:
        """Let the processes of the program before leave, once as many of ours are ready."""
        if self.ready >= self.settings.processes:
            for child in self.before:
                with suppress(ProcessLookupError):  # it may have died this very moment
                    os.kill(child, signal.SIGHUP)

    def _begin_anew(self) -> None:
        """Become the program that lies on the disk, if it would start; the processes go on meanwhile."""
        command = [sys.executable, *sys.orig_argv[1:]]
        left = wsgi.Handover(self.opened.fileno(), [*self.children, *self.before], list(clock.RUNNING.anchor))
        try:
            subprocess.run(  # noqa: S603 our own command line
                [*command, "--check"], stdin=subprocess.DEVNULL, timeout=LONGEST_CHECK_S, check=True
            )
            log.warning("beginning anew")
            sys.stdout.flush()
            self.opened.set_inheritable(True)
            os.execve(sys.executable, command, left.environ())  # noqa: S606 our own command line
        except (subprocess.SubprocessError, OSError) as refused:
            log.error("the new program would not start, the old one goes on", error=str(refused))

    def _stop(self) -> None:
        everybody = [*self.children, *self.before]
        for child in everybody:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        for child in everybody:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)
        os._exit(0)


def _work(task: Task, post: Post) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes it on as SIGTERM
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda _signal, _frame: post.leaving.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        task(post)
    except Exception:  # the parent only sees that it ended
        log.exception("process failed")


class _LastAnswer(WSGITask):  # type: ignore[misc]  # waitress has no types
    """An answer after which the connection is closed, as its head says: the next one goes to another process."""

    def start(self) -> None:
        super().start()
        self.set_close_on_finish()


def answer(application: Flask, settings: Settings, opened: socket.socket, post: Post) -> None:
    """Answer requests in this process; told to leave, answer on the open connections, then end."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue at the bell is no news
    connections: dict[int, Any] = {}
    server = create_server(
        application,
        map=connections,
        sockets=[opened],
        threads=settings.threads,
        ident=None,
        channel_timeout=60,
        connection_limit=1000,
        clear_untrusted_proxy_headers=not settings.trusted_proxies,  # else what our proxy says would be lost
    )
    post.tell_ready()
    try:
        while not post.leaving.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=connections, count=1)
        server.accepting = False
        server.channel_class.task_class = _LastAnswer
        server.adj.channel_timeout, server.adj.cleanup_interval, server.next_channel_cleanup = IDLE_S, 1, 0
        give_up = monotonic() + LEAVES_WITHIN_S
        while server.active_channels and monotonic() < give_up:
            wasyncore.loop(timeout=0.2, use_poll=True, map=connections, count=1)
    except SystemExit:
        pass
    server.task_dispatcher.shutdown()


def sweep(application: Flask, post: Post) -> None:
    """Do the periodic duties, each by one process at a time among all machines, while the clock may be trusted."""
    holder = secrets.token_hex(8)
    while not post.leaving.is_set():
        with application.app_context():
            _attempt(lambda: _sweep(holder))
        post.leaving.wait(SWEEP_EVERY_S)


def _sweep(holder: str) -> None:
    trouble = jobs.clock_trouble()
    if trouble is not None:
        log.error("nothing is swept", reason=trouble)
        return
    jobs.mark(at=clock.now())
    for name, every_s, duty in DUTIES:
        if jobs.due(name=name, holder=holder, every_s=every_s, at=clock.now()):
            _attempt(duty)


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # what fails is tried again next time; it must not end the sweeper
        log.exception("sweep failed")
        db.session.rollback()
