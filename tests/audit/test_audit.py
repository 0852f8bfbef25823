"""The audit log in the database: recording, sealing, private words, rows that cannot be changed, verification."""

import hashlib
import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from quizsvc import audit
from quizsvc.audit import CLI, AuditDetail, AuditEntry, AuditLeaf
from quizsvc.core import ledger
from quizsvc.core.ledger import Anchor
from quizsvc.db import db, operation
from tests.conftest import NOON
from tests.support import Watch, rewritable

A_DAY = timedelta(days=1)


def recorded(number: int = 1, **detail: Any) -> list[Anchor]:
    return [
        audit.record_alone(actor=CLI, action="bank.add", on=f"bank:{n}", at=NOON, **detail)
        for n in range(number)
    ]


def handed_in(number: int, first: int = 0) -> None:
    """Leaves as that many submissions would have left them."""
    rows = [
        {
            "attempt_id": f"attempt{n:017}",
            "at": NOON - A_DAY + timedelta(seconds=n),
            "answers_hash": f"{n:064x}",
        }
        for n in range(first, first + number)
    ]
    db.session.execute(insert(AuditLeaf), rows)
    db.session.commit()


def names(**known: Any) -> list[tuple[str, int]]:
    return [(fault.name, fault.seq) for fault in audit.verify(at=NOON, **known).faults]


def tampered(*statements: str) -> None:
    """Change the tables as somebody with all rights over the database can."""
    db.session.rollback()
    with db.engine.begin() as connection, rewritable(connection):
        for statement in statements:
            connection.execute(text(statement))


def blocks() -> list[int | None]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditLeaf.block).order_by(AuditLeaf.attempt_id)))


# recording


def test_entries_form_a_chain_whose_places_are_returned(app: Flask, at: Any) -> None:
    places = recorded(3, name="题库")
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()

    assert [(row.seq, row.hash) for row in rows] == [(place.seq, place.hash) for place in places]
    assert [row.prev for row in rows] == [ledger.GENESIS, *(row.hash for row in rows[:-1])]
    assert audit.anchor() == places[-1]


def test_recording_takes_three_statements(app: Flask, at: Any, watch: Watch) -> None:
    for _ in range(2):  # the first entry ever, and any other
        with watch.counting() as seen:
            recorded()
        assert [statement.split()[0] for statement in seen] == ["INSERT", "INSERT", "UPDATE"]


def test_nothing_is_recorded_when_its_operation_fails(app: Flask, at: Any) -> None:
    @operation
    def failing() -> None:
        audit.record(actor=CLI, action="bank.add", on="bank:a", at=NOON)
        raise ZeroDivisionError

    recorded()
    with pytest.raises(ZeroDivisionError):
        failing()

    assert audit.anchor().seq == 1
    assert audit.verify(at=NOON).sound


def test_empty_log_is_sound_and_begins_at_the_origin(app: Flask, at: Any) -> None:
    found = audit.verify(at=NOON, anchors=[ledger.ORIGIN])

    assert (audit.anchor(), found.sound, found.entries) == (ledger.ORIGIN, True, 0)


def together(app: Flask, work: Callable[[], object], number: int = 2) -> list[object]:
    start, results = threading.Barrier(number), []

    def run() -> None:
        with app.app_context():
            start.wait()
            results.append(work())
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    return results


def test_many_who_record_at_once_form_one_chain_from_its_first_entry(app: Flask, at: Any) -> None:
    together(app, lambda: recorded(10), number=4)

    assert audit.verify(at=NOON).entries == 40
    assert names() == []


# private words


def test_private_words_are_kept_beside_the_chain_which_holds_a_salted_hash(app: Flask, at: Any) -> None:
    recorded(private={"reason": "李明病了"}, attempts=2)
    entry, kept = db.session.query(AuditEntry).one(), db.session.query(AuditDetail).one()
    salted = hashlib.sha256(f"{kept.salt}李明病了".encode()).hexdigest()

    assert (kept.name, kept.value, len(kept.salt)) == ("reason", "李明病了", 32)
    assert entry.detail == f'{{"attempts":2,"private":{{"reason":"sha256:{salted}"}}}}'


def test_same_words_twice_do_not_have_the_same_hash(app: Flask, at: Any) -> None:
    recorded(2, private={"reason": "李明病了"})

    assert len(set(db.session.scalars(select(AuditEntry.detail)))) == 2


def test_private_words_are_erased_on_their_day_and_the_chain_stays_whole(app: Flask, at: Any) -> None:
    recorded(private={"reason": "到期"}, erase_on=date(2027, 2, 1))
    recorded(private={"reason": "以后"}, erase_on=date(2027, 2, 2))

    assert [audit.erase_private(date(2027, 1, 31)), audit.erase_private(date(2027, 2, 1))] == [0, 1]
    assert audit.erase_private(date(2027, 2, 1)) == 0
    kept = db.session.execute(select(AuditDetail.salt, AuditDetail.value).order_by(AuditDetail.seq)).all()
    assert (kept[0], kept[1].value) == ((None, None), "以后")
    assert names() == []


def test_private_words_stay_a_year_unless_told_otherwise(app: Flask, at: Any) -> None:
    recorded(private={"reason": "没有说到哪天"})

    assert db.session.query(AuditDetail.erase_on).scalar() == date(2027, 12, 12)


# rows that cannot be changed

REFUSED = [
    "UPDATE audit_entry SET actor = 'cli' WHERE seq = 1",
    "UPDATE audit_entry SET hash = hash",
    "DELETE FROM audit_entry WHERE seq = 1",
    "DELETE FROM audit_leaf",
    "UPDATE audit_leaf SET answers_hash = 'x'",
    "UPDATE audit_leaf SET block = NULL",
    "UPDATE audit_leaf SET block = 9, at = CURRENT_TIMESTAMP WHERE block IS NULL",
    "UPDATE audit_leaf SET block = 9 WHERE block = 1",
]
REFUSED_THERE = {
    "sqlite": [
        "INSERT OR REPLACE INTO audit_entry (seq, at, actor, action, object, detail, prev, hash)"
        " SELECT seq, at, 'nobody', action, object, detail, prev, hash FROM audit_entry",
    ],
    "postgresql": ["TRUNCATE audit_leaf", "TRUNCATE audit_entry, audit_detail"],
}


def contents() -> list[Any]:
    with db.engine.connect() as connection:
        tables = (AuditEntry.__table__, AuditLeaf.__table__)
        return [row for table in tables for row in connection.execute(select(table)).all()]


def test_rows_are_neither_changed_nor_deleted(app: Flask, at: Any) -> None:
    handed_in(1)
    audit.seal_leaves(NOON)
    handed_in(1, first=1)
    before = contents()

    for statement in REFUSED + REFUSED_THERE[db.engine.dialect.name]:
        with pytest.raises(IntegrityError, match="written once"), db.engine.begin() as connection:
            connection.execute(text(statement))
    assert contents() == before


def test_sealing_is_the_one_change_of_a_leaf(app: Flask, at: Any) -> None:
    handed_in(1)
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE audit_leaf SET block = 7 WHERE block IS NULL"))

    assert blocks() == [7]


def test_without_the_triggers_rows_could_be_changed(app: Flask, at: Any) -> None:
    """The statements above fail because of the triggers and for no other reason."""
    for statement in REFUSED:
        handed_in(1)
        audit.seal_leaves(NOON)
        handed_in(1, first=1)
        tampered(statement)
        tampered("DELETE FROM audit_leaf", "DELETE FROM audit_entry", "DELETE FROM audit_head")


# sealing


def test_leaves_are_sealed_in_blocks_of_two_hundred_oldest_first(app: Flask, at: Any) -> None:
    handed_in(401)

    assert audit.seal_leaves(NOON) == 401
    assert blocks() == [1] * 200 + [2] * 200 + [3]
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
    assert [(row.action, row.actor, row.at) for row in entries] == [(ledger.SEALING, "job", NOON)] * 3
    assert names() == []


def test_nothing_to_seal_writes_nothing(app: Flask, at: Any, watch: Watch) -> None:
    start = len(watch.statements)

    assert audit.seal_leaves(NOON) == 0
    assert watch.written_since(start) == []
    assert audit.seal_block(at=NOON) == 0
    assert audit.anchor() == ledger.ORIGIN


def test_submission_does_not_wait_for_the_chain(app: Flask, at: Any, watch: Watch) -> None:
    @operation
    def submission() -> None:
        audit.record_submission(attempt_id="a", answers_hash="0" * 64, at=NOON)

    with watch.counting() as seen:
        submission()

    assert [statement.split()[:3] for statement in seen] == [["INSERT", "INTO", "audit_leaf"]]


def test_two_who_seal_at_once_take_turns(app: Flask, at: Any) -> None:
    handed_in(500)

    results = together(app, lambda: audit.seal_leaves(NOON))

    assert sum(results) == 500
    assert (names(), None in blocks()) == ([], False)


def test_without_the_lock_two_would_seal_the_same_leaves(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the turn is for. On SQLite there is one writer at a time whatever we do."""
    if db.engine.dialect.name == "sqlite":
        return
    handed_in(3)
    recorded()
    both = threading.Barrier(2)
    record = audit.record

    def together_to_here(**fact: Any) -> Anchor:
        both.wait()
        return record(**fact)

    monkeypatch.setattr(audit, "_lock", lambda: None)
    monkeypatch.setattr(audit, "record", together_to_here)
    together(app, lambda: audit.seal_block(at=NOON))
    monkeypatch.undo()

    assert ("count", 3) in names()


# verification


def a_log() -> Anchor:
    """Eight entries, two of which seal three leaves each, one with private words."""
    recorded(3)
    handed_in(3)
    audit.seal_leaves(NOON)
    recorded(private={"reason": "李明病了"})
    handed_in(3, first=3)
    audit.seal_leaves(NOON)
    recorded(2)
    return audit.anchor()


def test_sound_log_is_counted(app: Flask, at: Any) -> None:
    head = a_log()
    handed_in(2, first=6)
    found = audit.verify(at=NOON - A_DAY, anchors=[head, ledger.anchor(head.short)])

    assert (found.head, found.entries, found.sealed, found.unsealed) == (head, 8, 6, 2)
    assert (found.sound, found.faults) == (True, ())


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ("UPDATE audit_entry SET actor = 'cli2' WHERE seq = 2", [("entry", 2)]),
        ("UPDATE audit_entry SET detail = '{}' WHERE seq = 5", [("entry", 5), ("private", 5)]),
        ("DELETE FROM audit_entry WHERE seq = 3", [("gap", 3)]),
        ("DELETE FROM audit_entry WHERE seq = 6", [("gap", 6), ("stray", 8)]),
        ("DELETE FROM audit_entry WHERE seq > 6", [("head", 6)]),
        ("UPDATE audit_leaf SET answers_hash = 'x' WHERE attempt_id LIKE '%4'", [("root", 6)]),
        ("UPDATE audit_leaf SET block = 4 WHERE attempt_id LIKE '%4'", [("count", 4), ("count", 6)]),
        ("UPDATE audit_leaf SET block = 5 WHERE attempt_id LIKE '%4'", [("stray", 5), ("count", 6)]),
        ("UPDATE audit_leaf SET block = 99 WHERE attempt_id LIKE '%4'", [("count", 6), ("stray", 8)]),
        ("UPDATE audit_leaf SET block = NULL WHERE attempt_id LIKE '%4'", [("count", 6), ("late", 0)]),
        ("DELETE FROM audit_leaf WHERE attempt_id LIKE '%4'", [("count", 6)]),
        ("UPDATE audit_detail SET value = '没病'", [("private", 5)]),
        ("DELETE FROM audit_detail", [("private", 5)]),
        ("UPDATE audit_head SET seq = 7", [("head", 8)]),
        ("DELETE FROM audit_head", [("head", 8)]),
    ],
)
def test_tampered_log_is_told_where(app: Flask, at: Any, change: str, faults: list[tuple[str, int]]) -> None:
    a_log()
    tampered(change)

    assert names() == faults


def test_cut_log_with_its_head_moved_back_is_found_by_the_anchor_alone(app: Flask, at: Any) -> None:
    head = a_log()
    before = db.session.get(AuditEntry, 6)
    tampered(
        "DELETE FROM audit_entry WHERE seq > 6", f"UPDATE audit_head SET seq = 6, hash = '{before.hash}'"
    )

    assert names() == []
    assert names(anchors=[head]) == [("anchor", 8)]


def test_rows_that_cannot_be_read_are_a_fault_and_no_crash(app: Flask, at: Any) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL keeps no such values
    a_log()
    for change in ("at = 'long ago'", "detail = CAST(x'ff' AS TEXT)"):
        tampered(f"UPDATE audit_entry SET {change} WHERE seq = 4")
        assert names() == [("entry", 0)]


def test_many_faults_are_counted_and_the_first_are_told(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_FAULTS", 3)
    recorded(8)
    tampered("UPDATE audit_entry SET actor = 'x'")
    found = audit.verify(at=NOON)

    assert (len(found.faults), found.fault_count, found.sound) == (3, 8, False)


def test_log_is_read_in_batches_however_long_it_is(
    app: Flask, at: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_log()
    told: list[int] = []
    with watch.counting() as at_once:
        audit.verify(at=NOON)
    monkeypatch.setattr(audit, "BATCH", 3)
    with watch.counting() as in_batches:
        found = audit.verify(at=NOON, progress=told.append)

    assert (found.sound, told) == (True, [3, 6, 8])
    assert len(in_batches) - len(at_once) == 3 * 2  # three statements a batch


def test_entries_written_meanwhile_are_not_taken_for_faults(
    app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_log()
    monkeypatch.setattr(audit, "BATCH", 3)

    def meanwhile(_entries: int) -> None:
        def write() -> None:
            with app.app_context():
                handed_in(1, first=50 + _entries)
                audit.seal_leaves(NOON)
                db.session.remove()

        writer = threading.Thread(target=write)
        writer.start()
        writer.join()

    found = audit.verify(at=NOON, progress=meanwhile)

    assert (found.sound, found.entries, found.sealed) == (True, 8, 6)
    assert audit.anchor().seq == 11


# reading


def test_newest_entries_come_first_and_can_be_chosen(app: Flask, at: Any) -> None:
    recorded(2)
    audit.record_alone(actor=audit.Actor.staff(7), action="bank.edit", on="bank:a", at=NOON + A_DAY)

    def seqs(**chosen: Any) -> list[int]:
        return [entry.seq for entry in audit.newest(limit=9, **chosen)]

    assert seqs() == [3, 2, 1]
    assert seqs(before=3) == [2, 1]
    assert seqs(since=NOON + A_DAY) == [3]
    assert seqs(actor="cli") == [2, 1]
    assert seqs(action="bank.edit") == [3]
    assert [entry.seq for entry in audit.newest(limit=2)] == [3, 2]


def test_answers_are_hashed_in_their_canonical_form() -> None:
    stored = {"2": [1, ["b"]], "1": [3, ["a"]]}

    assert audit.answers_hash(stored) == hashlib.sha256(b'{"1":[3,["a"]],"2":[1,["b"]]}').hexdigest()
