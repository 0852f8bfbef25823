"""A county whose pupils have handed in through the real operations: sound in every invariant."""

from datetime import timedelta

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Round
from quizsvc.core.marking import Saved
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.roster.models import Enrolment, Exemption
from tests import make
from tests.conftest import NOON

SEATS = 6
MINUTE = timedelta(minutes=1)


def at_work() -> Round:
    """Two classes, one round: full marks twice, blank, open, run out, voided, excused; half the leaves sealed."""
    county = make.a_county()
    school = make.a_school(county)
    classes = [make.a_class(school, SEATS, code, f"七年级（{code}）班") for code in ("703", "704")]
    round_ = make.a_round(county, make.a_paper(), limit_s=900)
    codes = [
        make.a_link(round_, unit, code).code
        for unit, code in zip(classes, ("7K3M9Q2", "8K3M9QS"), strict=True)
    ]
    for _ in range(2):
        hand_in(codes[0], 1, right=True)
    hand_in(codes[0], 2, right=False)
    audit.seal_leaves(NOON)
    hand_in(codes[1], 1, right=True)
    for code, seat in ((codes[0], 3), (codes[1], 2)):
        begun = begin(code, seat)
        operations.save(
            attempt_id=begun, device=phone(seat), incoming=answers(begun, right=True), at=NOON + MINUTE
        )
    operations.submit_overdue(attempt_id=begun, at=NOON + 20 * MINUTE)
    hand_in(codes[1], 3, right=True)
    operations.release(
        round_=campaign.round_of(round_.id), unit_id=classes[1].id, seat=3, reason="老师代答了", at=NOON + 30 * MINUTE,
        actor=audit.CLI,
    )  # fmt: skip
    excused = db.session.query(Enrolment).filter_by(unit_id=classes[0].id, seat=4).one()
    make.saved(Exemption(enrolment_id=excused.id, reason="长期病假", approved_by="cli", approved_at=NOON))
    return round_


def phone(seat: int) -> str:
    return f"phone-{seat}"


def begin(code: str, seat: int) -> str:
    return operations.start(code=code, seat=seat, source="poster", device=phone(seat), at=NOON).attempt_id


def answers(attempt_id: str, *, right: bool) -> dict[int, Saved]:
    """The key, or nothing at all."""
    state = queries.sheet(attempt_id)
    frozen = paper.frozen(state.paper_id)
    told = {}
    for position, (index, _points) in enumerate(state.form, start=1):
        _, tokens = paper.laid_out(frozen.items[index], state.seed)
        told[position] = Saved(1, tuple(tokens[one] for one in frozen.items[index].key) if right else ())
    return told


def hand_in(code: str, seat: int, *, right: bool) -> str:
    begun = begin(code, seat)
    operations.submit(
        attempt_id=begun, device=phone(seat), incoming=answers(begun, right=right), at=NOON + 2 * MINUTE
    )
    return begun
