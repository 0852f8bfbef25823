"""R11: the operations of an attempt against a toy that says the same rules in another way, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from quizsvc.app import create_app
from quizsvc.attempt import operations, queries
from quizsvc.core import marking, window
from quizsvc.db import db
from tests import postgres
from tests.attempt.model import machine
from tests.conftest import settings_for
from tests.drills import Drill, Outcome

STEPS = 50
EXAMPLES = {True: 2000, False: 40}
LOOKING_FOR_A_FAULT = 400

Plant = Callable[[pytest.MonkeyPatch], None]


@contextmanager
def _database(name: str) -> Iterator[None]:
    with TemporaryDirectory(prefix="quizsvc-model-") as folder:
        path = Path(folder)
        url = f"sqlite:///{path}/model.sqlite" if name == "sqlite" else postgres.fresh_database("model")
        with create_app(settings_for(url, path)).app_context():
            db.create_all()
            yield
            db.session.remove()
            db.engine.dispose()


def _play(name: str, examples: int, plant: Plant | None = None) -> BaseException | None:
    """Play and return what differed."""
    rules = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate], report_multiple_bugs=False,
    )  # fmt: skip
    with _database(name), pytest.MonkeyPatch.context() as patch:

        def set_clock(moment: datetime) -> datetime:
            patch.setattr("quizsvc.clock.now", lambda: moment)
            return moment

        if plant is not None:
            plant(patch)
        try:
            run_state_machine_as_test(machine(set_clock), settings=rules)
        except (AssertionError, ExceptionGroup) as differed:
            return differed
    return None


def run(full: bool) -> Outcome:
    """Play on both databases."""
    databases = ["sqlite", *(["postgres"] if postgres.binaries() else [])]
    differences = [found for name in databases if (found := _play(name, EXAMPLES[full]))]
    said = f"{EXAMPLES[full]} x {STEPS} steps on {' and '.join(databases)}, {len(differences)} differences"
    return Outcome(not differences and len(databases) == 2, said)


def _planted(plant: Plant) -> Callable[[bool], Outcome]:
    def play(_full: bool) -> Outcome:
        differed = _play("sqlite", LOOKING_FOR_A_FAULT, plant)
        return Outcome(differed is None, _first_line(differed))

    return play


def _first_line(differed: BaseException | None) -> str:
    lines = str(differed or "no difference").splitlines() or [type(differed).__name__]
    return lines[0][:100]


def no_deadline(patch: pytest.MonkeyPatch) -> None:
    """Take answers whenever they come."""
    patch.setattr(window, "accepts", lambda at, deadline: True)


def what_comes_last_wins(patch: pytest.MonkeyPatch) -> None:
    """Let a stale tab overwrite newer answers."""
    patch.setattr(marking, "merge", lambda saved, incoming: marking.Merged({**saved, **incoming}, ()))


def any_phone_may_answer(patch: pytest.MonkeyPatch) -> None:
    """Ask nobody whose attempt it is."""
    patch.setattr(operations, "_require_device", lambda state, device: None)


def a_closed_attempt_can_be_handed_in_again(patch: pytest.MonkeyPatch) -> None:
    """Look at the state before, and outside, the transaction that changes it."""
    read = queries.for_writing
    whatever = operations._CLOSE._clone()
    whatever._where_criteria = whatever._where_criteria[:1]
    patch.setattr(operations, "_CLOSE", whatever)
    patch.setattr(queries, "for_writing", lambda key: replace(read(key), submitted_at=None))
    patch.setattr(operations.audit, "record_submission", lambda **facts: None)


def a_seat_goes_on_with_anybody(patch: pytest.MonkeyPatch) -> None:
    """Let a second phone take over what the first has begun."""
    anybody = lambda running, seat, device: operations.Started(running.attempt_id, over=False)  # noqa: E731 one line
    patch.setattr(operations, "_go_on", anybody)


DRILL = Drill(
    "R11",
    "every operation on an attempt does what the rules say, in any order",
    run,
    {
        plant.__name__.replace("_", " "): _planted(plant)
        for plant in (
            no_deadline,
            what_comes_last_wins,
            any_phone_may_answer,
            a_closed_attempt_can_be_handed_in_again,
            a_seat_goes_on_with_anybody,
        )
    },
)
