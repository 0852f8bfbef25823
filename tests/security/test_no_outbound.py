"""The service calls nobody: no module can, and a test that would is stopped. R34, T23."""

import ast
import socket
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from urllib.request import urlopen

import pytest

from quizsvc.settings import PROJECT

PACKAGE = PROJECT / "quizsvc"
CALLERS = (
    "urllib.request", "http.client", "requests", "httpx", "aiohttp", "urllib3", "smtplib", "ftplib", "imaplib",
    "poplib", "telnetlib", "xmlrpc.client", "websocket", "websockets", "paramiko", "webbrowser", "asyncio",
)  # fmt: skip
SOCKETS = {"cli.py", "serve.py", "demo.py"}
"""serve.py listens, on what cli.py may have been handed; demo.py finds the own address on a datagram socket
that sends nothing."""


@cache
def imported(file: Path) -> frozenset[str]:
    """What a file imports, at its head or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def calling(names: Iterable[str]) -> list[str]:
    return sorted(
        {name for name in names if any(name == one or name.startswith(f"{one}.") for one in CALLERS)}
    )


def test_no_module_can_call_anybody() -> None:
    files = list(PACKAGE.rglob("*.py"))

    assert {
        str(file.relative_to(PACKAGE)): names for file in files if (names := calling(imported(file)))
    } == {}
    assert len(files) > 100


def test_sockets_are_opened_where_requests_are_taken_and_nowhere_else() -> None:
    using = {file.name for file in PACKAGE.rglob("*.py") if "socket" in imported(file)}

    assert using == SOCKETS


@pytest.mark.parametrize(
    "source",
    ["import requests", "from urllib import request", "from urllib.request import urlopen", "import http.client as h",
     "def f():\n    import smtplib"],
)  # fmt: skip
def test_module_that_could_is_found(tmp_path: Path, source: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(source)

    assert calling(imported(file)) != []


def connect(address: tuple[str, int]) -> None:
    with socket.socket() as opened:
        opened.connect(address)


def connect_ex(address: tuple[str, int]) -> None:
    with socket.socket() as opened:
        opened.connect_ex(address)


def create_connection(address: tuple[str, int]) -> None:
    socket.create_connection(address, timeout=0.2)


def send_a_datagram(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.sendto(b"x", address)


def ask_for_a_page(address: tuple[str, int]) -> None:
    urlopen(f"http://{address[0]}:{address[1]}/", timeout=0.2)


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("evil.example", 443)])
@pytest.mark.parametrize("way", [connect, connect_ex, create_connection, send_a_datagram, ask_for_a_page])
def test_test_that_reaches_out_is_stopped(
    way: Callable[[tuple[str, int]], None], address: tuple[str, int]
) -> None:
    with pytest.raises(AssertionError, match=f"tried to reach.*{address[0]}"):
        way(address)


def test_question_for_a_name_is_stopped() -> None:
    with pytest.raises(AssertionError, match=r"evil\.example"):
        socket.getaddrinfo("evil.example", 80)


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
