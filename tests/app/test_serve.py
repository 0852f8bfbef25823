"""The server: a process that dies is started again, SIGHUP puts the next program in place, and nobody is cut off."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from benchmarks.servers import free_port
from quizsvc import serve, wsgi
from quizsvc.core.refusal import Refusal

PATIENCE_S = 30


class Tiny:
    """The tiny server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.app.tiny_server", str(self.port)],
                stdout=output, stderr=output, cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )  # fmt: skip

    def ask(self, path: str = "/") -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except (OSError, HTTPException):
            return ""
        finally:
            connection.close()

    def generation(self) -> str:
        return self.ask().partition(" ")[0]

    def until(self, true: Callable[[], bool]) -> None:
        give_up = monotonic() + PATIENCE_S
        while not true():
            assert self.process.poll() is None, self.log.read_text()
            assert monotonic() < give_up, self.log.read_text()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    server = Tiny(tmp_path)
    try:
        server.until(lambda: server.ask() != "")
        yield server
    finally:
        server.process.terminate()
        server.process.wait(PATIENCE_S)


def test_next_program_takes_over_and_nobody_is_cut_off(tiny: Tiny) -> None:
    first, slow = tiny.generation(), list[str]()
    kept = HTTPConnection("127.0.0.1", tiny.port, timeout=PATIENCE_S)
    kept.request("GET", "/")
    assert kept.getresponse().read().decode().startswith(first)

    waiting = threading.Thread(target=lambda: slow.append(tiny.ask("/slow")))
    waiting.start()
    tiny.process.send_signal(signal.SIGHUP)
    answers: list[tuple[str, str | None]] = []

    def of_the_old() -> bool:
        """Ask on the connection from before: answered there, until it is told that this was the last."""
        if not answers or answers[-1][1] != "close":  # never idle: a process that leaves ends what lies idle
            kept.request("GET", "/")
            answer = kept.getresponse()
            answers.append((answer.read().decode().partition(" ")[0], answer.getheader("Connection")))
        return answers[-1][1] == "close"

    # asked all the time: one refusal would be an empty text
    tiny.until(lambda: (of_the_old(), tiny.generation() not in ("", first))[1])
    tiny.until(of_the_old)
    waiting.join()
    kept.close()
    assert {generation for generation, _ in answers} == {first}
    assert slow == [first]

    # a program that would not start leaves the present one in place
    (tiny.folder / "broken").touch()
    answered: list[str] = []  # one of the old may answer until all of them have left
    tiny.until(
        lambda: (
            answered.append(tiny.generation())
            or (len(answered) > 9 and set(answered[-10:]).isdisjoint({first, ""}))
        )
    )
    second = answered[-1]
    tiny.process.send_signal(signal.SIGHUP)
    tiny.until(lambda: tiny.ask() != "" and "would not start" in tiny.log.read_text())
    assert {tiny.generation() for _ in range(10)} == {second}

    # a process that dies is started again, as what its siblings are
    victim = int(tiny.ask().split()[1])
    os.kill(victim, signal.SIGKILL)
    tiny.until(lambda: tiny.ask() != "" and "starting another" in tiny.log.read_text())
    said = {tiny.ask() for _ in range(20)}
    assert {answer.split()[0] for answer in said} == {second}
    assert victim not in {int(answer.split()[1]) for answer in said}

    tiny.process.terminate()
    assert tiny.process.wait(PATIENCE_S) == 0
    assert tiny.ask() == ""


def test_port_in_use_is_told_in_a_sentence() -> None:
    with (
        serve.listen("127.0.0.1", 0) as taken,
        pytest.raises(Refusal, match=r"端口 \d+ 用不了"),
    ):
        serve.listen("127.0.0.1", taken.getsockname()[1])


def test_two_processes_ready_at_once_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = SimpleNamespace(processes=2)
    before = wsgi.Handover(socket=0, processes=[4711], anchor=[0.0, 0.0])
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda process, number: told.append((process, number)))
    with serve.listen("127.0.0.1", 0) as opened:
        parent = serve._Parent(Flask(__name__), settings, opened, before, reloads=True)
        os.write(parent.telling, b".")
        parent._hear(signal.SIGUSR1)
        assert told == []  # one of two: the program before still has to answer

        os.write(parent.telling, b".")
        parent._hear(signal.SIGUSR1)
        parent._hear(signal.SIGUSR1)  # nothing more to read

    assert told == [(4711, signal.SIGHUP)] * 2
    for end in (parent.listening, parent.telling):
        os.close(end)
