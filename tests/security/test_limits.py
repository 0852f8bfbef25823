"""A limit of L lets exactly L through, however many ask at once. R23; across processes: tests/drills/limits.py."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update

from quizsvc import throttle
from quizsvc.db import db, operation
from tests import make
from tests.conftest import NOON

THREADS, LIMIT, WINDOW_S = 100, 37, 600
TEXT = "试得太多了，请过十分钟再试。"

Taking = Callable[[str], None]


def take(subject: str = "one") -> None:
    throttle.take(kind="test", subject=subject, limit=LIMIT, window_s=WINDOW_S, at=NOON, text=TEXT)


def accepted(app: Flask, taking: Taking, subjects: list[str]) -> Counter[str]:
    """Let a hundred threads ask at the same moment; count who was let through."""
    db.session.rollback()
    gate = Barrier(len(subjects), timeout=30)

    def one(subject: str) -> str | None:
        gate.wait()
        with app.app_context():
            try:
                taking(subject)
            except throttle.TooMany:
                return None
            finally:
                db.session.remove()
        return subject

    with ThreadPoolExecutor(len(subjects)) as pool:
        return Counter(subject for subject in pool.map(one, subjects) if subject)


def test_exactly_the_limit_is_let_through(app: Flask) -> None:
    assert accepted(app, take, ["one"] * THREADS) == {"one": LIMIT}
    bucket = db.session.scalars(select(throttle.ThrottleBucket)).one()
    assert bucket.count == THREADS  # the refused ones are counted too


def test_subjects_do_not_use_up_each_others_limit(app: Flask) -> None:
    half = ["one", "two"] * (THREADS // 2)

    assert accepted(app, take, half) == {"one": LIMIT, "two": LIMIT}


def test_next_window_begins_with_nothing(app: Flask) -> None:
    for _ in range(LIMIT):
        take()
    with pytest.raises(throttle.TooMany, match="十分钟"):
        take()

    at = NOON + timedelta(seconds=WINDOW_S)
    throttle.take(kind="test", subject="one", limit=1, window_s=WINDOW_S, at=at, text=TEXT)
    throttle.take(kind="other", subject="one", limit=1, window_s=WINDOW_S, at=NOON, text=TEXT)


def test_subject_is_kept_as_a_hash(app: Flask) -> None:
    take("13800138000")

    bucket = db.session.scalars(select(throttle.ThrottleBucket)).one()
    assert "13800138000" not in bucket.key
    assert len(bucket.key) == len("test:") + 32


def test_limit_that_looks_first_and_counts_afterwards_lets_too_many_through(app: Flask) -> None:
    """Guards the tests above: two that look at the same moment both see room for one."""
    make.saved(throttle.ThrottleBucket(key="k", window=1, count=LIMIT - 1, ends_at=NOON))
    both_have_looked = Barrier(2, timeout=30)
    count = throttle.ThrottleBucket.count

    @operation
    def add() -> None:
        db.session.execute(update(throttle.ThrottleBucket).values(count=count + 1))

    def look_then_count(_subject: str) -> None:
        seen = db.session.scalars(select(count)).one()
        db.session.rollback()
        both_have_looked.wait()
        if seen >= LIMIT:
            raise throttle.TooMany(TEXT)
        add()

    assert accepted(app, look_then_count, ["one"] * 2) == {"one": 2}
