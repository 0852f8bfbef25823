"""`quizsvc attempt`: what the clock has to close."""

import click
from flask.cli import with_appcontext

from quizsvc import clock, jobs
from quizsvc.attempt import operations, queries
from quizsvc.core.refusal import Refusal

BATCH = 500


@click.group()
def attempt() -> None:
    """作答：到时自动交卷。"""


def close_overdue() -> int:
    """Hand in every attempt whose time is over, from its saved answers; return how many."""
    closed = 0
    while True:
        at = clock.now()
        due = queries.ran_out(at, BATCH)
        closed += sum(operations.submit_overdue(attempt_id=attempt_id, at=at) for attempt_id in due)
        if len(due) < BATCH:
            return closed


@attempt.command("submit-overdue")
@click.option("--dry-run", is_flag=True, help="只数，不交卷")
@with_appcontext
def submit_overdue(dry_run: bool) -> None:
    """Hand in overdue attempts from their saved answers."""
    if dry_run:
        click.echo(f"到时未交 {len(queries.ran_out(clock.now(), 100_000))} 份")
        return
    trouble = jobs.clock_trouble()
    if trouble is not None:
        raise Refusal(trouble)
    click.echo(f"已替 {close_overdue()} 份到时的作答交卷")
