"""The floor: the least Flask program that asks ten questions, marks them and keeps the score."""

import argparse
import json
import os
import secrets
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from types import FrameType

from flask import Flask, abort, redirect, request
from waitress.server import create_server
from werkzeug.wrappers import Response

from benchmarks.bank import AMOUNTS, ASKED, POINTS, questions

TABLE = """
CREATE TABLE IF NOT EXISTS sitting (
    id TEXT PRIMARY KEY, class TEXT NOT NULL, seat INTEGER NOT NULL, answers TEXT NOT NULL,
    score INTEGER NOT NULL, UNIQUE (class, seat)
)
"""
QUIZ = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>反诈知识测试</title></head><body><h1>{{ code }}</h1>
<form method="post"><p><label>序号 <input name="seat" inputmode="numeric" required></label></p>
{% for q in asked %}{% set number = loop.index %}
<fieldset><legend>{{ number }}. {{ q.stem }}</legend><p>{{ q.sender }}：{{ q.message }}</p>
{% for text in q.options %}
<label><input type="radio" name="q{{ number }}" value="{{ loop.index0 }}"><span>{{ text }}</span></label>
{% endfor %}</fieldset>
{% endfor %}<button>交卷</button></form></body></html>
"""
RESULT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>结果</title></head><body>
<h1><b id="score">{{ score }}</b> 分</h1><p>{{ code }} {{ seat }} 号，已交卷。</p></body></html>
"""


def create_app(database: Path) -> Flask:
    """Return the program: three requests, one INSERT a sitting."""
    app = Flask(__name__)
    quiz_page, result_page = app.jinja_env.from_string(QUIZ), app.jinja_env.from_string(RESULT)
    asked = questions()[:: len(AMOUNTS)][:ASKED]
    own = threading.local()

    def connection() -> sqlite3.Connection:
        if not hasattr(own, "connection"):
            own.connection = connect(database)
        opened: sqlite3.Connection = own.connection
        return opened

    @app.get("/q/<code>")
    def quiz(code: str) -> str:
        return quiz_page.render(code=code, asked=asked)

    @app.post("/q/<code>")
    def submit(code: str) -> Response:
        answers = [request.form.get(f"q{number}", "") for number in range(1, ASKED + 1)]
        score = sum(POINTS for one, answer in zip(asked, answers, strict=True) if answer == str(one.key))
        sitting = secrets.token_urlsafe(15)
        connection().execute(
            "INSERT INTO sitting VALUES (?, ?, ?, ?, ?)",
            (sitting, code, int(request.form["seat"]), json.dumps(answers), score),
        )
        return redirect(f"/r/{sitting}", 303)

    @app.get("/r/<sitting>")
    def result(sitting: str) -> str:
        found = (
            connection().execute("SELECT class, seat, score FROM sitting WHERE id = ?", (sitting,)).fetchone()
        )
        if found is None:
            abort(404)
        return result_page.render(code=found[0], seat=found[1], score=found[2])

    return app


def connect(database: Path) -> sqlite3.Connection:
    """Open the database as durably as quizsvc does; every statement is its own transaction."""
    opened = sqlite3.connect(database, timeout=15, isolation_level=None)
    opened.execute("PRAGMA journal_mode=WAL")
    opened.execute("PRAGMA synchronous=FULL")
    return opened


def serve(database: Path, port: int, processes: int, threads: int) -> None:
    """Answer on one socket from several processes of waitress until told to stop."""
    connect(database).execute(TABLE).connection.close()
    opened = socket.create_server(("127.0.0.1", port), backlog=1024)
    children = [_fork(database, opened, threads) for _ in range(processes)]

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for child in children:
        os.waitpid(child, 0)


def _fork(database: Path, opened: socket.socket, threads: int) -> int:
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        create_server(
            create_app(database),
            sockets=[opened],
            threads=threads,
            ident=None,
            channel_timeout=60,
            connection_limit=1000,
        ).run()
    finally:
        os._exit(0)


def main() -> None:
    """Run the floor as `benchmarks.sittings` asks for it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--processes", type=int, default=4)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    serve(given.database, given.port, given.processes, given.threads)


if __name__ == "__main__":
    main()
