"""What the database holds after the storm, beside what the phones were told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import select

from quizsvc.attempt.models import Attempt
from quizsvc.audit import AuditLeaf, answers_hash
from quizsvc.db import db
from tests.crash.harness import Acknowledged, Journal


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many submissions went wrong, by sort; the line that a script reads."""

    lost: int
    duplicated: int
    unaudited: int
    http500: int
    stuck: int

    def __str__(self) -> str:
        return (
            f"lost {self.lost} duplicated {self.duplicated} unaudited {self.unaudited} http500 {self.http500}"
        )

    @property
    def clean(self) -> bool:
        """Say whether nothing went wrong and nobody was left standing."""
        return not any((self.lost, self.duplicated, self.unaudited, self.http500, self.stuck))


def judge(app: Flask, journal: Journal) -> Verdict:
    """Compare the journal with the database."""
    with app.app_context():
        attempts = {row.id: row for row in db.session.scalars(select(Attempt))}
        leaves = {row.attempt_id: row.answers_hash for row in db.session.scalars(select(AuditLeaf))}
    submitted = {key: row for key, row in attempts.items() if row.submitted_at is not None}
    goes = Counter(row.participant_id for row in attempts.values() if row.voided_at is None)
    return Verdict(
        lost=sum(not _kept(one, submitted) for one in journal.acknowledged),
        duplicated=sum(count - 1 for count in goes.values()),
        unaudited=sum(leaves.get(key) != answers_hash(row.answers) for key, row in submitted.items())
        + len(leaves.keys() - submitted.keys()),
        http500=journal.statuses.get(500, 0),
        stuck=len(journal.stuck),
    )


def _kept(one: Acknowledged, submitted: Mapping[str, Attempt]) -> bool:
    row = submitted.get(one.attempt_id)
    if row is None:
        return False
    stored = {int(position): chosen for position, (_, chosen) in row.answers.items()}
    return stored == {position: [token] for position, token in one.handed_in.items()}
