"""`quizsvc serve` that dies at chosen points, with one known bug planted if asked for: for the crash harness only.

python -m tests.crash.faulty PROBABILITY [limits] [BUG]

PROBABILITY is the chance of each fault point to kill its process; BUG is a name of BUGS. With `limits` nobody has any
grace, and several sweepers close all the time what has run out.
"""

import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Thread, Timer
from typing import Any

from flask import Flask, Response, request, url_for

from quizsvc import audit, jobs, serve, wsgi
from quizsvc.attempt import operations, queries
from quizsvc.core import window
from quizsvc.db import db, insert, operation
from quizsvc.web import errors

LATE_S = 0.05
LIMITS, OVERDUE = "limits", "overdue-without-lease"
SWEEPERS, SWEEPS_EVERY_S = 4, 0.2
_chance = random.SystemRandom()


def die_perhaps(probability: float) -> None:
    """Kill this process as a power cut would: nothing runs after it."""
    if _chance.random() < probability:
        os.kill(os.getpid(), signal.SIGKILL)


def plant_faults(probability: float) -> None:
    """Die between the update and its audit leaf, before the commit, and between the commit and the answer."""
    record, session_class = audit.record_submission, db.session().__class__
    commit = session_class.commit

    def recorded(**facts: Any) -> None:
        die_perhaps(probability)
        record(**facts)
        db.session().info["submission"] = True

    def committed(session: Any) -> None:
        submission = session.info.pop("submission", False)
        if submission:
            die_perhaps(probability)
        commit(session)
        if submission:
            die_perhaps(probability)

    audit.record_submission = recorded
    session_class.commit = committed  # type: ignore[method-assign]


def state_checked_outside_the_transaction(_app: Flask) -> None:
    """Take a submission although the attempt is closed already; its leaf is there, so it gets none."""
    read = queries.for_writing

    def always_open(attempt_id: str) -> queries.Progress:
        return replace(read(attempt_id), submitted_at=None)

    def once(**facts: Any) -> None:
        db.session.execute(insert(audit.AuditLeaf).values(**facts).on_conflict_do_nothing())

    queries.for_writing = always_open
    whatever = operations._CLOSE._clone()
    whatever._where_criteria = whatever._where_criteria[:1]  # its id alone, open or not
    operations._CLOSE = whatever
    audit.record_submission = once


def acknowledged_before_the_commit(app: Flask) -> None:
    """Answer at once and hand in a moment later."""
    submit = app.view_functions["attempt.submit"]

    def early(attempt_id: str) -> Response:
        fields = request.form.to_dict(flat=False)
        headers = list(request.headers.items())

        def late() -> None:
            with app.test_request_context(
                f"/a/{attempt_id}/submit", method="POST", data=fields, headers=headers
            ):
                submit(attempt_id)

        Timer(LATE_S, late).start()
        return Response(url_for("attempt.result", attempt_id=attempt_id), mimetype="text/plain")

    app.view_functions["attempt.submit"] = early


def audited_outside_the_transaction(app: Flask) -> None:
    """Write the audit leaf after the commit, in a transaction of its own."""
    record, waiting = audit.record_submission, []

    @operation
    def leaf(**facts: Any) -> None:
        record(**facts)

    @app.after_request
    def write(response: Response) -> Response:
        while waiting:
            die_perhaps(0.05)
            leaf(**waiting.pop())
        return response

    audit.record_submission = lambda **facts: waiting.append(facts)


def a_retry_starts_anew(_app: Flask) -> None:
    """Begin another attempt for a repeated start."""
    queries.History.running = None  # type: ignore[assignment, method-assign]


def overdue_without_a_lease(_app: Flask) -> None:
    """Let every sweeper close what it has found, whoever has closed it meanwhile; the leaf has a number of its own."""
    jobs.due = lambda **_: True
    record, end = audit.record_submission, operations._end
    whatever = operations._CLOSE._clone()
    whatever._where_criteria = whatever._where_criteria[:1]
    operations._CLOSE = whatever

    def numbered(*, attempt_id: str, **facts: Any) -> None:
        again = db.session.get(audit.AuditLeaf, attempt_id) is not None
        record(attempt_id=f"{attempt_id} {_chance.getrandbits(64)}" if again else attempt_id, **facts)

    @operation
    def unchecked(*, attempt_id: str, at: datetime) -> bool:
        end(replace(queries.for_writing(attempt_id), submitted_at=None), at)
        return True

    audit.record_submission = numbered
    operations.submit_overdue = unchecked


def errors_not_mapped(app: Flask) -> None:
    """Call a database that is away our own fault."""
    for kind in errors.UNAVAILABLE:
        app.register_error_handler(kind, errors.broken)


BUGS: dict[str, Callable[[Flask], None]] = {
    "state-outside-transaction": state_checked_outside_the_transaction,
    "acknowledged-before-commit": acknowledged_before_the_commit,
    "audited-outside-transaction": audited_outside_the_transaction,
    "retry-starts-anew": a_retry_starts_anew,
    "errors-not-mapped": errors_not_mapped,
    OVERDUE: overdue_without_a_lease,
}


def limits() -> None:
    """Close without grace, in several sweepers at once, of which the lease lets one work."""
    window.GRACE_S = 0
    serve.SWEEP_EVERY_S = SWEEPS_EVERY_S  # type: ignore[assignment]
    serve.DUTIES[:] = [(name, 1, duty) for name, _, duty in serve.DUTIES if name == "submit-overdue"]
    sweep = serve.sweep

    def several(application: Flask, post: serve.Post) -> None:
        others = [Thread(target=sweep, args=[application, post], daemon=True) for _ in range(SWEEPERS - 1)]
        for other in others:
            other.start()
        sweep(application, post)

    serve.sweep = several


def main() -> None:
    """Plant what is asked for, then serve."""
    probability, bugs = float(sys.argv[1]), [word for word in sys.argv[2:] if word != LIMITS]
    if LIMITS in sys.argv:
        limits()
    build = wsgi.application

    def planted(*arguments: Any) -> Flask:
        app = build(*arguments)
        with app.app_context():
            for bug in bugs:
                BUGS[bug](app)
            plant_faults(probability)
        return app

    wsgi.application = planted
    settings = wsgi.settings()
    serve.run(wsgi.application(settings), settings, serve.listen(settings.host, settings.port))


if __name__ == "__main__":
    main()
