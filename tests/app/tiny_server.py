"""A server of three pages for tests/app/test_serve.py: its number, a slow page, and it begins anew on SIGHUP."""

import os
import socket
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if "--check" in sys.argv:
    raise SystemExit(Path("broken").exists())

from flask import Flask

from quizsvc import serve, wsgi

SLOW_S = 0.8
BEGUN = str(time.monotonic())


def number() -> str:
    return f"{BEGUN} {os.getpid()}"


def slow() -> str:
    time.sleep(SLOW_S)
    return BEGUN


def wait(_application: Flask, post: serve.Post) -> None:
    post.leaving.wait()


def main() -> None:
    application = Flask(__name__)
    application.add_url_rule("/", view_func=number)
    application.add_url_rule("/slow", view_func=slow)
    before = wsgi.handover()
    opened = socket.socket(fileno=before.socket) if before else serve.listen("127.0.0.1", int(sys.argv[1]))
    serve.sweep = wait
    settings: Any = SimpleNamespace(processes=2, threads=2, trusted_proxies=0)
    serve.run(application, settings, opened, before=before, reloads=True)


if __name__ == "__main__":
    main()
