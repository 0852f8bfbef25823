"""What an attempt may do, written a second time as a toy; a machine plays both and compares them after every step."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from quizsvc import audit
from quizsvc.attempt import operations, queries
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.campaign import operations as rounds
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign
from quizsvc.core import linkcode
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Enrolment, Unit
from tests import make

OPENS = datetime.fromisoformat("2026-12-01T00:00:00+00:00")
CLOSES = OPENS + timedelta(hours=2)
GRACE, LATE = timedelta(seconds=60), timedelta(minutes=30)
EVERYTHING = ("score", "answers", "key", "explanation")
SEATS, PHONES, ITEMS = (1, 2), ("a" * 22, "b" * 22, "c" * 22), 3
UNKNOWN = "not-on-this-paper"
TEACHER = audit.Actor.staff(7)


_number = count(1)
Body = dict[int, Saved]
Answers = dict[int, tuple[int, tuple[str, ...]]]


@dataclass
class Evidence:
    """A body that came after the clock had closed an attempt, as the toy keeps it."""

    answers: Answers
    acceptable: bool
    accepted: bool = False


@dataclass
class Go:
    """One attempt as the toy sees it."""

    id: str
    phone: str | None
    started: datetime
    closes: datetime
    limit_ends: datetime | None
    policy: str
    resume: str
    right: Mapping[int, str]
    offered: Mapping[int, tuple[str, ...]]
    answers: Answers = field(default_factory=dict)
    saved: datetime | None = None
    submitted: datetime | None = None
    overdue: bool = False
    late: bool = False
    void: bool = False
    lapsed: bool = False
    evidence: list[Evidence] = field(default_factory=list)
    told: Answers | None = None  # what a page with the key has told: it may never change

    @property
    def deadline(self) -> datetime:
        return self.closes if self.limit_ends is None else min(self.limit_ends, self.closes)

    def in_time(self, at: datetime) -> bool:
        return at <= self.deadline + GRACE

    def waited_for(self, at: datetime) -> bool:
        return self.policy == "accept_flagged" and at <= self.deadline + GRACE + LATE

    def over(self, at: datetime) -> bool:
        return self.submitted is not None or self.void or not (self.in_time(at) or self.waited_for(at))

    def hand_in(self, at: datetime, body: Body) -> None:
        self.answers = self.laid_over(body)
        self.submitted, self.late = at, not self.in_time(at)

    def end(self) -> None:
        """What the clock does."""
        self.overdue = True
        if self.policy == "reject":
            self.void = self.lapsed = True
        elif self.saved is not None and not self.in_time(self.saved):
            self.submitted, self.late = self.saved, True
        else:
            self.submitted = self.deadline

    def laid_over(self, body: Body) -> Answers:
        answers = dict(self.answers)
        for position, saved in body.items():
            if position not in answers or saved.seq > answers[position][0]:
                answers[position] = (saved.seq, saved.chosen)
                if not set(saved.chosen) <= set(self.offered[position]):
                    raise operations.marking.NotOnPaper
        return answers

    def other_than(self, answers: Mapping[int, tuple[str, ...]]) -> set[int]:
        return {place for place, chosen in answers.items() if self.answers.get(place, (0, ()))[1] != chosen}

    @property
    def score(self) -> int | None:
        if self.submitted is None:
            return None
        return 10 * sum(self.answers.get(place, (0, ()))[1] == (key,) for place, key in self.right.items())


class Attempts(RuleBasedStateMachine):
    """Two seats, three phones, a sweeper and a teacher; every refusal must be the toy's refusal too."""

    unit: Unit
    campaign: Campaign
    paper: Paper
    set_clock: Callable[[datetime], Any]

    @initialize(
        limit_s=st.sampled_from([None, 300]),
        attempts=st.sampled_from([1, 2]),
        policy=st.sampled_from(["submit_from_saved", "accept_flagged", "reject"]),
        reviews=st.sampled_from([(EVERYTHING, EVERYTHING), ((), EVERYTHING), (("score",), ("score",))]),
        wait=st.integers(0, 3600),
    )
    def open_round(
        self, limit_s: int | None, attempts: int, policy: str, reviews: tuple[tuple[str, ...], ...], wait: int
    ) -> None:
        number = next(_number)
        opened = make.a_round(
            self.unit, paper=self.paper, campaign=self.campaign, opens_at=OPENS, closes_at=CLOSES, limit_s=limit_s,
            attempts=attempts, frozen_at=OPENS, code=f"model-{number}", late=policy,
            review_after_submit=list(reviews[0]), review_after_close=list(reviews[1]),
        )  # fmt: skip
        self.code = linkcode.compose(f"{number:06}")
        make.a_link(opened, self.unit, code=self.code, poster_number=f"model-{number}")
        self.round = campaign.round_of(opened.id)
        self.allowed, self.limit_s, self.closes, self.policy = attempts, limit_s, CLOSES, policy
        self.after_submit, self.after_close = (set(review) for review in reviews)
        self.forgiven = dict.fromkeys(SEATS, 0)
        self.goes: dict[int, list[Go]] = {seat: [] for seat in SEATS}
        self.extension_s = dict.fromkeys(SEATS, 0)
        self.at = self.set_clock(OPENS + timedelta(seconds=wait))

    # --- the toy's own helpers

    def live(self, seat: int) -> list[Go]:
        return [go for go in self.goes[seat] if not go.void]

    def running(self, seat: int) -> Go | None:
        return next((go for go in self.live(seat) if go.submitted is None), None)

    def newest(self, seat: int) -> Go | None:
        return self.goes[seat][-1] if self.goes[seat] else None

    def lapses(self, seat: int) -> int:
        return sum(go.lapsed for go in self.goes[seat]) - self.forgiven[seat]

    def published(self, at: datetime) -> set[str]:
        waits = GRACE + LATE if self.policy == "accept_flagged" else timedelta(0)
        return self.after_close if at >= self.closes + waits else self.after_submit

    def agree(self, real: Callable[[], Any], toy: Callable[[], Any]) -> Any:
        """Run both: they must say the same, and a refusal changes nothing."""
        before = [(go, deepcopy(vars(go))) for goes in self.goes.values() for go in goes]
        try:
            toy()
            expected = "yes"
        except Refusal as refusal:
            expected = type(refusal).__name__
            for go, held in before:
                vars(go).update(held)
        try:
            answer, said = real(), "yes"
        except Refusal as refusal:
            answer, said = None, type(refusal).__name__
        assert expected == said, f"the toy says {expected}, the service {said}"
        return answer

    # --- what may happen

    @rule(seconds=st.one_of(st.integers(1, 90), st.integers(1, 1200)))
    def time_passes(self, seconds: int) -> None:
        self.at = self.set_clock(self.at + timedelta(seconds=seconds))

    @rule()
    def the_round_has_just_closed_and_all_look(self) -> None:
        self.at = self.set_clock(max(self.at, self.closes + GRACE + timedelta(seconds=1)))
        for seat in SEATS:
            self.look(seat)

    @rule(seat=st.sampled_from(SEATS), phone=st.sampled_from(PHONES))
    def start(self, seat: int, phone: str) -> None:
        expected: list[str | None] = []
        begun = self.agree(
            lambda: operations.start(code=self.code, seat=seat, source="poster", device=phone, at=self.at),
            lambda: expected.append(self.begun(seat, phone)),
        )
        if begun is None:
            return
        if expected[0] is None:
            self.goes[seat].append(self.read(begun.attempt_id, seat, phone))
        else:
            assert begun.attempt_id == expected[0]

    def begun(self, seat: int, phone: str) -> str | None:
        """Name the attempt a start leads to, None for a fresh one."""
        if self.at >= self.closes:
            raise operations.queries.window.Closed(self.closes)
        running = self.running(seat)
        if running is not None and not running.over(self.at):
            if running.phone not in (None, phone):
                raise operations.SeatTaken(seat)
            running.phone = phone
            return running.id
        if running is not None:
            running.end()
        live = self.live(seat)
        if live and phone not in {go.phone for go in live}:
            raise operations.SeatTaken(seat)
        if len(live) >= self.allowed:
            return live[-1].id
        if len(live) + self.lapses(seat) >= self.allowed + operations.MOST_LAPSES:
            mine = any(go.lapsed and go.phone == phone for go in self.goes[seat])
            raise operations.TooManyLapses(seat) if mine else operations.SeatTaken(seat)
        return None

    def read(self, attempt_id: str, seat: int, phone: str) -> Go:
        """Learn what was drawn for a new attempt, the key from the frozen paper itself."""
        sheet = queries.sheet(attempt_id)
        frozen = paper.frozen(sheet.paper_id)
        view = paper.view(frozen, sheet.form, sheet.seed)
        keys = {
            place: {o.text for o in frozen.items[index].item.options if o.key}
            for place, (index, _) in enumerate(sheet.form, 1)
        }
        assert sheet.resume not in {go.resume for go in self.goes[seat]}
        return Go(
            id=attempt_id,
            phone=phone,
            started=self.at,
            closes=self.closes,
            policy=self.policy,
            limit_ends=None
            if self.limit_s is None
            else self.at + timedelta(seconds=self.limit_s + self.extension_s[seat]),
            resume=sheet.resume,
            right={
                item.position: next(o.token for o in item.options if o.text in keys[item.position])
                for item in view.items
            },
            offered={item.position: tuple(o.token for o in item.options) for item in view.items},
        )

    @rule(seat=st.sampled_from(SEATS), phone=st.sampled_from(PHONES), knows=st.booleans())
    def take_over(self, seat: int, phone: str, knows: bool) -> None:
        live = self.live(seat)
        code = live[-1].resume if live and knows else "0000ZZZZ"

        def toy() -> None:
            if not live or not knows:
                raise operations.SeatTaken(seat)
            live[-1].phone = phone

        self.agree(
            lambda: operations.take_over(code=self.code, seat=seat, resume=code, device=phone, at=self.at),
            toy,
        )

    def body(self, go: Go, drawn: Mapping[int, tuple[int, int]]) -> Body:
        """Turn drawn numbers into answers: an option, nothing (4) or one that is not on the paper (5)."""
        chosen = {
            place: (*((token,) for token in tokens), (), (UNKNOWN,)) for place, tokens in go.offered.items()
        }
        return {place: Saved(seq, chosen[place][option]) for place, (seq, option) in drawn.items()}

    bodies = st.dictionaries(
        st.integers(1, ITEMS),
        st.tuples(st.integers(1, 6), st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5])),
        max_size=ITEMS,
    )

    @rule(seat=st.sampled_from(SEATS), old=st.booleans(), own=st.integers(0, 3), drawn=bodies)
    def save(self, seat: int, old: bool, own: int, drawn: dict[int, tuple[int, int]]) -> None:
        go = self.goes[seat][0] if old and self.goes[seat] else self.newest(seat)
        if go is None:
            return
        phone, body = go.phone if own and go.phone else PHONES[2], self.body(go, drawn)

        def toy() -> None:
            if go.phone != phone:
                raise operations.OtherDevice
            if go.over(self.at):
                raise operations.Over
            go.answers, go.saved = go.laid_over(body), self.at

        self.agree(lambda: operations.save(attempt_id=go.id, device=phone, incoming=body, at=self.at), toy)

    @rule(seat=st.sampled_from(SEATS), own=st.integers(0, 3), drawn=bodies, twice=st.booleans())
    def submit(self, seat: int, own: int, drawn: dict[int, tuple[int, int]], twice: bool) -> None:
        go = self.newest(seat)
        if go is None:
            return
        phone, body = go.phone if own and go.phone else PHONES[2], self.body(go, drawn)

        def toy() -> None:
            if go.phone != phone:
                raise operations.OtherDevice
            if not go.over(self.at):
                go.hand_in(self.at, body)
                return
            lapsed = go.submitted is None and self.policy == "reject"
            if go.void or lapsed or go.other_than({place: saved.chosen for place, saved in body.items()}):
                raise operations.Over
            if go.submitted is None:
                go.end()

        for _ in range(1 + twice):
            self.agree(
                lambda: operations.submit(attempt_id=go.id, device=phone, incoming=body, at=self.at), toy
            )

    @rule(seat=st.sampled_from(SEATS), own=st.integers(0, 3), drawn=bodies)
    def answers_come_too_late(self, seat: int, own: int, drawn: dict[int, tuple[int, int]]) -> None:
        go = self.newest(seat)
        if go is None:
            return
        phone, body = go.phone if own and go.phone else PHONES[2], self.body(go, drawn)

        def toy() -> None:
            if go.phone != phone:
                raise operations.OtherDevice
            if go.submitted is None and not go.void and go.over(self.at):
                go.end()
            if go.submitted is None or go.void or not go.overdue:
                return
            answers = go.laid_over(body)
            other = {place: answers[place] for place in go.other_than({p: a[1] for p, a in answers.items()})}
            known = other in [kept.answers for kept in go.evidence] or any(
                kept.accepted for kept in go.evidence
            )
            if other and not known and len(go.evidence) < operations.MOST_LATE_BODIES:
                soon = self.at <= go.deadline + GRACE + LATE
                go.evidence.append(Evidence(other, soon and self.published(self.at) <= {"score"}))

        self.agree(
            lambda: operations.keep_late(attempt_id=go.id, device=phone, incoming=body, at=self.at), toy
        )

    @rule(seat=st.sampled_from(SEATS), number=st.integers(1, 2))
    def teacher_counts_late_answers(self, seat: int, number: int) -> None:
        go = self.newest(seat)
        if go is None:
            return

        def toy() -> None:
            if go.void or len(go.evidence) < number:
                raise queries.UnknownAttempt
            body = go.evidence[number - 1]
            if not body.acceptable or any(kept.accepted for kept in go.evidence):
                raise Refusal("")
            go.answers, go.late, body.accepted = {**go.answers, **body.answers}, True, True

        self.agree(
            lambda: operations.accept_late(
                **self.at_seat(seat), attempt_id=go.id, number=number, reason="地铁上没有信号"
            ),
            toy,
        )

    @rule()
    def sweep(self) -> None:
        for go in (go for goes in self.goes.values() for go in goes):
            if go.submitted is None and go.over(self.at) and not go.void:
                go.end()
        close_overdue()

    @rule(seat=st.sampled_from(SEATS))
    def look_at_the_result(self, seat: int) -> None:
        self.look(seat)

    def look(self, seat: int) -> None:
        go = self.newest(seat)
        if go is None:
            return
        sheet = queries.sheet(go.id)
        if sheet.over(self.at) and "key" in sheet.shown(self.at):
            go.told = dict(go.answers)

    @rule(seat=st.sampled_from(SEATS))
    def teacher_moves_to_another_phone(self, seat: int) -> None:
        def toy() -> None:
            running = self.running(seat)
            if running is None:
                raise Refusal("")
            running.phone = None

        self.agree(lambda: operations.transfer(**self.at_seat(seat)), toy)

    @rule(seat=st.sampled_from(SEATS), minutes=st.sampled_from([1, 5, 121]))
    def teacher_gives_time(self, seat: int, minutes: int) -> None:
        def toy() -> None:
            running = self.running(seat)
            if self.limit_s is None or minutes > 120 or running is None or running.over(self.at):
                raise Refusal("")
            self.extension_s[seat] += minutes * 60
            running.limit_ends = running.started + timedelta(seconds=self.limit_s + self.extension_s[seat])

        self.agree(lambda: operations.extend(**self.at_seat(seat), minutes=minutes), toy)

    @rule(seat=st.sampled_from(SEATS), reason=st.sampled_from(["", "点错了序号"]))
    def teacher_voids(self, seat: int, reason: str) -> None:
        def toy() -> None:
            if len(reason) < 4 or not (self.live(seat) or self.lapses(seat)):
                raise Refusal("")
            self.forgiven[seat] += self.lapses(seat)
            for go in self.live(seat):
                go.void = True

        self.agree(lambda: operations.release(**self.at_seat(seat), reason=reason), toy)

    @rule(minutes=st.integers(-5, 30))
    def organizer_prolongs_the_round(self, minutes: int) -> None:
        closes_at = self.closes + timedelta(minutes=minutes)

        def toy() -> None:
            revealed = self.at >= self.closes and self.after_close - self.after_submit
            if closes_at <= max(self.closes, self.at) or revealed:
                raise Refusal("")
            self.closes = closes_at
            for go in (go for goes in self.goes.values() for go in goes):
                go.closes = closes_at

        self.agree(
            lambda: rounds.prolong(round_id=self.round.id, closes_at=closes_at, at=self.at, actor=TEACHER),
            toy,
        )

    def at_seat(self, seat: int) -> dict[str, Any]:
        return {"round_": self.round, "unit_id": self.unit.id, "seat": seat, "at": self.at, "actor": TEACHER}

    # --- what must hold after every step

    @invariant()
    def both_hold_the_same(self) -> None:
        if not hasattr(self, "round"):
            return
        db.session.rollback()
        rows = db.session.execute(
            select(Attempt, Enrolment.seat)
            .join(Participant, Participant.id == Attempt.participant_id)
            .join(Enrolment, Enrolment.id == Participant.enrolment_id)
            .where(Attempt.round_id == self.round.id)
        ).all()
        real = {
            row.id: (
                seat,
                queries.unpacked(row.answers),
                row.device_hash,
                row.submitted_at,
                row.overdue,
                row.late,
                row.score,
                row.voided_at is not None,
                row.limit_ends_at,
            )
            for row, seat in rows
        }
        toy = {
            go.id: (
                seat,
                {place: Saved(*answer) for place, answer in go.answers.items()},
                None if go.phone is None else queries.device_hash(go.phone),
                go.submitted,
                go.overdue,
                go.late,
                go.score,
                go.void,
                go.limit_ends,
            )
            for seat, goes in self.goes.items()
            for go in goes
        }
        assert real == toy
        leaves = db.session.scalars(
            select(audit.AuditLeaf.attempt_id).where(audit.AuditLeaf.attempt_id.in_(real))
        ).all()
        assert sorted(leaves) == sorted(go for go, facts in real.items() if facts[3] is not None)

    @invariant()
    def nothing_told_has_changed(self) -> None:
        if not hasattr(self, "round"):
            return
        for goes in self.goes.values():
            for go in goes:
                assert go.told in (None, go.answers)


def machine(set_clock: Callable[[datetime], Any]) -> type[Attempts]:
    """Bind the machine to a fresh class, campaign and paper of the database in use."""
    unit = make.a_class(make.a_school(make.a_county()), pupils=len(SEATS))
    held = {
        "unit": unit,
        "campaign": make.a_campaign(unit),
        "paper": make.a_paper(ITEMS),
        "set_clock": staticmethod(set_clock),
    }
    return type("AttemptsHere", (Attempts,), held)
