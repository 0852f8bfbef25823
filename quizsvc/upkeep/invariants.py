"""The invariants I1 to I17: what must hold of any database of ours, checked without writing and in constant memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row, Select, and_, case, exists, func, literal, or_, select, text
from sqlalchemy.orm import aliased

from quizsvc import audit, clock
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt, Late, Participant, Player
from quizsvc.audit import AuditEntry, AuditLeaf
from quizsvc.bank.models import ItemVersion
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Round
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import marking, quota, roundkind, window
from quizsvc.core.marking import Marks
from quizsvc.core.refusal import Refusal
from quizsvc.db import Base, db, subtree
from quizsvc.declaration.models import Declaration
from quizsvc.draw import queries as draws
from quizsvc.draw.models import Draw
from quizsvc.link.models import Link
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Unit
from quizsvc.rulebook.models import Version
from quizsvc.upkeep import declared, erase, issued
from quizsvc.upkeep.progress import Progress, silent

EXAMPLES = 5
HELD = tuple(kind for kind in roundkind.WORDS if kind != "contest")
"""Kinds of rounds whose heads are held against a denominator."""
BATCH = 500
A_DAY = timedelta(days=1)
SHAPELESS = (ValueError, TypeError, LookupError, AttributeError)
"""What reading raises where somebody has put content of another shape."""

OfAttempt = Callable[[Row[Any], Marks | None], str | None]
"""Tell what is wrong with an attempt, given what marking it again gives."""


@dataclass
class Tally:
    """What one check has looked at, and what of it was wrong; of faults the first five are kept in words."""

    checked: int = 0
    faults: int = 0
    examples: list[str] = field(default_factory=list)

    def saw(self, fault: str | None = None) -> None:
        """Count one thing, wrong when there is something to say about it."""
        self.checked += 1
        if fault is not None:
            self.wrong(fault)

    def wrong(self, fault: str) -> None:
        """Count a fault of something counted before, or of something that is not there."""
        self.faults += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(fault)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `note` says why nothing was checked; empty otherwise."""

    id: str
    title: str
    checked: int
    faults: int
    examples: tuple[str, ...]
    note: str = ""

    @property
    def line(self) -> str:
        """Tell it in one line, with its examples under it."""
        if self.note:
            return f"{self.id} {self.title}：{self.note}"
        sound = f"{max(self.checked - self.faults, 0):,} / {self.checked:,} {'✗' if self.faults else '✓'}"
        more = (
            [f"    还有 {self.faults - len(self.examples):,} 处"] if self.faults > len(self.examples) else []
        )
        return "\n".join(
            [f"{self.id} {self.title}：{sound}", *(f"    {one}" for one in self.examples), *more]
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. `deep` ones read every attempt or the whole file, and are left out of a quick look."""

    id: str
    title: str
    deep: bool
    look: Callable[[Tally, datetime], None] | None = None
    of_attempt: OfAttempt | None = None
    absent: Callable[[], str] = str


def examine(at: datetime, show: Progress = silent, *, quick: bool = False) -> Iterator[Finding]:
    """Check every invariant on one moment of the database."""
    chain = Tally()
    if not quick:
        _chain(chain, at, show)
    with _one_moment():
        tallies = {check.id: Tally() for check in CHECKS}
        tallies["I3"] = chain
        if not quick:
            _every_attempt(tallies, show)
        for number, check in enumerate(CHECKS):
            show("检查", number, len(CHECKS))
            note = check.absent() or ("没有查，去掉 --quick 再查" if quick and check.deep else "")
            tally = tallies[check.id]
            if check.look is not None and not note:
                check.look(tally, at)
            yield Finding(check.id, check.title, tally.checked, tally.faults, tuple(tally.examples), note)
        show("检查", len(CHECKS), len(CHECKS))


@contextmanager
def _one_moment() -> Iterator[None]:
    """Read all that follows from one snapshot, and let the database itself refuse any write."""
    db.session.rollback()
    on_sqlite = db.engine.dialect.name == "sqlite"
    if on_sqlite:
        db.session.execute(text("PRAGMA query_only=ON"))
    else:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        db.session.connection(execution_options=options)
    try:
        yield
    finally:
        if on_sqlite:  # before the connection is given back
            db.session.execute(text("PRAGMA query_only=OFF"))
        db.session.rollback()


def _rows(statement: Select[*tuple[Any, ...]]) -> Iterator[Row[Any]]:
    return iter(db.session.execute(statement, execution_options={"yield_per": BATCH}))


# --- every attempt, read once for I2, I4, I5 and I6


def _every_attempt(tallies: dict[str, Tally], show: Progress) -> None:
    whole = db.session.execute(select(func.count()).select_from(Attempt)).scalar_one()
    looks = [(tallies[check.id], check.of_attempt) for check in CHECKS if check.of_attempt]
    number = 0
    try:
        for number, row in enumerate(_rows(_ATTEMPTS)):
            marks = _marks(row)
            for tally, look in looks:
                _count(tally, row, marks, look)
            if number % BATCH == 0:
                show("逐份核对", number, whole)
    except ValueError:
        tallies["I4"].wrong(f"第 {number} 份作答往后有读不出来的内容，后面没有再核对")
    show("逐份核对", whole, whole)


def _count(tally: Tally, row: Row[Any], marks: Marks | None, look: OfAttempt) -> None:
    try:
        fault = look(row, marks)
    except _Passed:
        return
    except SHAPELESS:
        fault = "内容不成样子，读不出来"
    tally.saw(None if fault is None else f"作答 {row.id}：{fault}")


def _marks(row: Row[Any]) -> Marks | None:
    """Mark an attempt; None when it cannot be: its answers have been erased, or are none that its form has."""
    if row.seed == "":
        return None
    try:
        frozen = paper.frozen(row.of_paper_id)
        tokens = {position: saved.chosen for position, saved in attempt.unpacked(row.answers).items()}
        chosen = paper.chosen_indices(frozen, row.form, row.seed, tokens)
        return marking.mark(paper.keyed(frozen, row.form), chosen)
    except (marking.NotOnPaper, *SHAPELESS):
        return None


class _Passed(Exception):
    """An attempt that an invariant says nothing about."""


_taken = aliased(Late, name="taken")
_SAME_DOOR = and_(
    Link.round_id == Attempt.round_id, Link.unit_id == Attempt.unit_id
)  # else more time was taken back
_ACCEPTANCE = (
    select(AuditEntry.detail)
    .where(AuditEntry.action == "attempt.late_accepted", AuditEntry.object == "attempt:" + Attempt.id)
    .scalar_subquery()
)
_FIRST_RULES = (
    select(func.min(Version.published_at)).where(Version.round_id == Attempt.round_id).scalar_subquery()
)
_ATTEMPTS = (
    select(
        Attempt.id, Attempt.round_id, Attempt.seed, Attempt.form, Attempt.answers, Attempt.receipt, Attempt.started_at,
        Attempt.limit_ends_at, Attempt.saved_at, Attempt.submitted_at, Attempt.overdue, Attempt.late, Attempt.score,
        Attempt.out_of, Attempt.correct, Attempt.voided_at, Attempt.period, attempt.PAPER_ID,
        or_(Participant.enrolment_id.is_not(None), Player.nickname != "").label("known"),
        AuditLeaf.at.label("leaf_at"), AuditLeaf.answers_hash,
        Round.opens_at, Round.closes_at, Round.kind, Round.pace, Round.per, _FIRST_RULES.label("rules_at"),
        Link.closes_at.label("link_closes_at"), _SAME_DOOR.label("same_door"),
        _taken.answers.label("late_answers"), _taken.was, _taken.answers_hash.label("late_hash"),
        case((_taken.was.is_not(None), _ACCEPTANCE)).label("acceptance"),
    )
    .join(Participant, Participant.id == Attempt.participant_id)
    .join(Round, Round.id == Attempt.round_id)
    .join(Link, Link.id == Attempt.link_id)
    .outerjoin(Player, Player.participant_id == Attempt.participant_id)
    .outerjoin(AuditLeaf, AuditLeaf.attempt_id == Attempt.id)
    .outerjoin(_taken, and_(_taken.attempt_id == Attempt.id, _taken.accepted_at.is_not(None)))
)  # fmt: skip


def _receipt_and_leaf(row: Row[Any], _marks: Marks | None) -> str | None:
    if row.submitted_at is None or not row.known or row.seed == "":
        raise _Passed
    if not row.receipt:
        return "交了卷，没有回执"
    if row.leaf_at is None:
        raise _Passed  # I3 tells it
    if row.leaf_at != row.submitted_at:
        return f"交卷时间 {row.submitted_at:%F %T}，审计叶是 {row.leaf_at:%F %T}"
    before_late = row.answers if row.was is None else row.was
    if audit.answers_hash(before_late) != row.answers_hash:
        return "答案和交卷时记下的指纹不同"
    if row.was is not None and audit.answers_hash(row.answers) != row.late_hash:
        return "答案和采纳迟到答案时记下的指纹不同"
    if row.was is not None and row.late_hash not in (row.acceptance or ""):
        return "采纳了迟到的答案，操作记录里却没有"
    return None


def _on_the_paper(row: Row[Any], marks: Marks | None) -> str | None:
    if row.seed == "":
        raise _Passed
    if marks is None:
        return "答案不是自己卷面上的选项"
    if row.pace == "strict" and row.submitted_at and not row.overdue and len(row.answers) != len(row.form):
        return "一题一题作答的，没有答到最后一题就交了卷"
    if row.was is not None and not (row.overdue and row.late):
        return "采纳了迟到的答案，却没有标明"
    if row.was is not None and row.answers != {**row.was, **row.late_answers}:
        return "采纳的迟到答案和现在计的答案不同"
    return None


def _marks_again(row: Row[Any], marks: Marks | None) -> str | None:
    if row.submitted_at is None or (marks is None and row.seed != ""):
        raise _Passed  # not handed in, or I4 tells it
    if marks is None:  # the answers have been erased; what is left must still add up
        points = [points for _, points in row.form]
        score = sum(one for one, right in zip(points, row.correct, strict=True) if right)
        marks = Marks(score, sum(points), tuple(row.correct))
    if (marks.score, marks.out_of) != (row.score, row.out_of):
        return f"记的是 {row.score}/{row.out_of} 分，重新判是 {marks.score}/{marks.out_of} 分"
    if list(marks.correct) != row.correct:
        return "每题对错和重新判的不同"
    return None


def _in_time(row: Row[Any], _marks: Marks | None) -> str | None:
    if row.started_at < row.opens_at:
        return "开始得比场次还早"
    if row.kind == "contest" and (row.rules_at is None or row.started_at < row.rules_at):
        return "竞赛的规则还没有公布就开始了"
    day = clock.local_day(row.started_at).isoformat()
    if row.period != (day if row.per == "day" else quota.WHOLE):
        return f"{day} 开始，却算在 {row.period}"
    if row.saved_at is not None and row.saved_at < row.started_at:
        return "保存在开始之前"
    if row.submitted_at is None:
        return None
    if row.submitted_at < max(row.started_at, row.saved_at or row.started_at):
        return "交卷在保存或开始之前"
    closes_at = max(row.closes_at, row.link_closes_at or row.closes_at)
    ends = [one for one in (row.limit_ends_at, closes_at if row.same_door else None) if one is not None]
    most = timedelta(seconds=window.LATE_S if row.late else 0)
    if ends and not window.accepts(row.submitted_at, min(ends) + most):
        return f"交卷时间 {row.submitted_at:%F %T} 过了截止和宽限，却计了分"
    return None


# --- I1


def _once(tally: Tally, _at: datetime) -> None:
    standing = Attempt.voided_at.is_(None)
    tally.checked = db.session.execute(select(func.count()).select_from(Attempt).where(standing)).scalar_one()
    twice = (
        select(Attempt.participant_id, Attempt.period, Attempt.ordinal, func.count().label("count"))
        .where(standing)
        .group_by(Attempt.participant_id, Attempt.period, Attempt.ordinal)
        .having(func.count() > 1)
    )
    for row in _rows(twice):
        tally.wrong(f"参与者 {row.participant_id} 的第 {row.ordinal} 次有 {row.count} 份有效作答")
    double = (
        select(Participant.round_id, Participant.enrolment_id, func.count().label("count"))
        .where(Participant.enrolment_id.is_not(None))
        .group_by(Participant.round_id, Participant.enrolment_id)
        .having(func.count() > 1)
    )
    for row in _rows(double):
        tally.wrong(f"场次 {row.round_id} 里，名册位置 {row.enrolment_id} 有 {row.count} 个参与者")
    both = select(Player.participant_id).join(Participant, Participant.id == Player.participant_id)
    for row in _rows(both.where(Player.nickname != "", Participant.enrolment_id.is_not(None))):
        tally.wrong(f"参与者 {row.participant_id} 又有座位又有昵称")
    running = (
        select(Attempt.participant_id, func.count().label("count"))
        .where(standing, Attempt.submitted_at.is_(None))
        .group_by(Attempt.participant_id)
        .having(func.count() > 1)
    )
    for row in _rows(running):
        tally.wrong(f"参与者 {row.participant_id} 同时有 {row.count} 份没交的作答")


# --- I3


def _chain(tally: Tally, at: datetime, show: Progress) -> None:
    head = audit.anchor().seq
    verdict = audit.verify(at=at, progress=lambda entries: show("核对操作记录", min(entries, head), head))
    for fault in verdict.faults:
        tally.wrong(fault.text)
    tally.faults += verdict.fault_count - len(verdict.faults)


def _leaves(tally: Tally, _at: datetime) -> None:
    submitted = Attempt.submitted_at.is_not(None)
    tally.checked = db.session.execute(
        select(func.count()).select_from(Attempt).where(submitted)
    ).scalar_one()
    without = select(Attempt.id).where(submitted, ~exists().where(AuditLeaf.attempt_id == Attempt.id))
    for row in _rows(without):
        tally.wrong(f"作答 {row.id} 交了卷，没有审计叶")
    there = exists().where(Attempt.id == AuditLeaf.attempt_id, submitted)
    declared = exists().where(Declaration.id == AuditLeaf.attempt_id)
    for row in _rows(select(AuditLeaf.attempt_id).where(~there, ~declared)):
        tally.wrong(f"审计叶 {row.attempt_id} 没有对应的交卷")
    by_phone = Declaration.channel == "phone"
    tally.checked += db.session.execute(
        select(func.count()).select_from(Declaration).where(by_phone)
    ).scalar_one()
    without = select(Declaration.id).where(
        by_phone,
        ~exists().where(AuditLeaf.attempt_id == Declaration.id, AuditLeaf.at == Declaration.declared_at),
    )
    for row in _rows(without):
        tally.wrong(f"签收 {row.id} 没有同一时间的审计叶")


# --- I7 and I8


def _heads_add_up(tally: Tally, _at: datetime) -> None:
    parent = aliased(Unit, name="parent")
    above = func.coalesce(parent.path, "")
    astray = select(Unit.path, Unit.code).outerjoin(parent, parent.id == Unit.parent_id)
    for row in _rows(astray.where(Unit.path != above + Unit.code + literal("/"))):
        tally.wrong(f"单位 {row.path} 的路径和上级对不上，上级的合计里会少了它")
    for round_ in campaign.rounds_over([""], kinds=HELD):
        _heads_of(tally, round_)


def _heads_of(tally: Tally, round_: RoundRow) -> None:
    counted = _counted_one_by_one(round_) if round_.is_quiz else declared.counted_one_by_one(round_)
    told = rollup.unit_tallies(round_, round_.campaign_unit_path)
    for unit_id in sorted(counted.keys() | told.keys()):
        ours, theirs = counted.get(unit_id, Counter()), told.get(unit_id)
        wrong = [
            f"{word} {getattr(theirs, name, 0)}，逐人数是 {ours[name]}"
            for name, word in _HEADS.items()
            if getattr(theirs, name, 0) != ours[name]
        ]
        tally.saw(f"场次 {round_.code} 单位 {unit_id}：{'；'.join(wrong)}" if wrong else None)
    top = next(iter(rollup.levels_under(round_, round_.campaign_unit_path)), None)
    done = sum(one["done"] for one in counted.values())
    if (top.tally.done if top else 0) != done:
        tally.wrong(f"场次 {round_.code}：最上级的已测 {top.tally.done if top else 0}，逐人数是 {done}")


_HEADS = {
    "done": "已测",
    "open": "在做",
    "aware": "知晓",
    "first_aware": "首测知晓",
    "full": "满分",
    "score": "总分",
}


def _counted_one_by_one(round_: RoundRow) -> dict[int, Counter[str]]:
    """Count heads by their own unit, one after the other, by the rules alone."""
    goes = (
        select(
            Participant.id,
            Participant.unit_id,
            Attempt.unit_id.label("counted_in"),
            Attempt.score,
            Attempt.out_of,
        )
        .join(Attempt, Attempt.participant_id == Participant.id)
        .where(Participant.round_id == round_.id, Attempt.voided_at.is_(None), ~attempt.EXCUSED)
        .order_by(Participant.id, Attempt.ordinal)
    )
    heads: dict[int, Counter[str]] = {}
    for _, rows in groupby(_rows(goes), key=lambda row: row.id):
        person = list(rows)
        done = [row.score for row in person if row.score is not None]
        counted = attempt.counted_score(done, round_.counted)
        out_of, heads_of = person[0].out_of, heads.setdefault(person[0].unit_id, Counter())
        heads_of["open"] += counted is None
        if counted is not None:
            heads_of["done"] += 1
            heads_of["aware"] += marking.met(counted, out_of, round_.threshold_permyriad)
            heads_of["first_aware"] += marking.met(done[0], out_of, round_.threshold_permyriad)
            heads_of["full"] += counted == out_of > 0
            heads_of["score"] += counted
    return heads


def _denominators(tally: Tally, _at: datetime) -> None:
    for round_ in campaign.rounds_over([""], kinds=HELD):
        if round_.is_nameless:
            continue
        expected, exempt = _expected_one_by_one(round_)
        for unit_id, told in rollup.unit_tallies(round_, round_.campaign_unit_path).items():
            if unit_id not in expected:
                continue
            heads, excused = expected[unit_id], exempt[unit_id]
            fault = None
            if heads < 0:
                fault = f"应测人数是 {heads}"
            elif (told.expected, told.exempt) != (max(heads - excused, 0), excused):
                fault = f"应测 {told.expected}、免测 {told.exempt}，按名册是 {heads} 减 {excused}"
            tally.saw(None if fault is None else f"场次 {round_.code} 单位 {unit_id}：{fault}")


def _expected_one_by_one(round_: RoundRow) -> tuple[dict[int, int], Counter[int]]:
    """Take the newest head-count set before the freeze, else the first after it; count who is excused."""
    low, high = subtree(round_.campaign_unit_path)
    within = (Unit.path >= low, Unit.path < high)
    counts = (
        select(Headcount.unit_id, Headcount.expected, Headcount.set_at)
        .join(Unit, Unit.id == Headcount.unit_id)
        .where(Headcount.term == round_.term, *within)
        .order_by(Headcount.unit_id, Headcount.set_at, Headcount.id)
    )
    expected: dict[int, int] = {}
    for unit_id, rows in groupby(_rows(counts), key=lambda row: row.unit_id):
        history = list(rows)
        in_time = [row.expected for row in history if row.set_at <= round_.frozen_at]
        expected[unit_id] = in_time[-1] if in_time else history[0].expected
    reached = set(campaign.round_paths(round_.id))
    units = _rows(select(Unit.id, Unit.path).where(*within))
    open_to = {unit.id for unit in units if any(path in reached for path in _upward(unit.path))}
    excused = (
        select(Enrolment.unit_id, Enrolment.id)
        .join(Unit, Unit.id == Enrolment.unit_id)
        .join(Exemption, Exemption.enrolment_id == Enrolment.id)
        .where(
            Enrolment.term == round_.term, Enrolment.left_at.is_(None), Exemption.ended_at.is_(None), *within
        )
        .distinct()
    )
    exempt = Counter(row.unit_id for row in _rows(excused))
    return {unit_id: heads for unit_id, heads in expected.items() if unit_id in open_to}, exempt


def _upward(path: str) -> Iterator[str]:
    """Walk from a unit's path to the root's: a/b/ and a/."""
    codes = path.split("/")[:-1]
    return ("/".join(codes[:depth]) + "/" for depth in range(len(codes), 0, -1))


# --- I9


def _papers(tally: Tally, _at: datetime) -> None:
    columns = (Paper.id, Paper.code, Paper.kind, Paper.title, Paper.content, Paper.content_hash)
    for row in db.session.execute(select(*columns), execution_options={"yield_per": 1}):
        tally.saw(_paper_fault(row))
    lost = select(Round.code).where(~exists().where(Paper.id == Round.paper_id))
    for row in _rows(lost):
        tally.wrong(f"场次 {row.code} 的试卷不见了")


def _paper_fault(row: Row[Any]) -> str | None:
    hashed = paper.content_hash(code=row.code, title=row.title, kind=row.kind, content=row.content)
    if hashed != row.content_hash:
        return f"试卷 {row.code} 的内容和定稿时的指纹不同"
    if row.kind != paper.QUIZ:
        return _sheet_fault(row)
    used = {item["version"] for item in row.content["items"]}
    published: set[int] = set()
    for batch in _batches(sorted(used)):
        there = select(ItemVersion.id).where(ItemVersion.id.in_(batch), ItemVersion.state == "published")
        published |= set(db.session.execute(there).scalars())
    missing = sorted(used - published)
    return f"试卷 {row.code} 用了没有发布的题：{missing[:EXAMPLES]}" if missing else None


def _sheet_fault(row: Row[Any]) -> str | None:
    try:
        paper.sheet(row.id)
    except (Refusal, *SHAPELESS):
        return f"{row.code} 的内容不成样子，读不出来"
    return None


def _batches(values: Sequence[int]) -> Iterator[Sequence[int]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


# --- I10


def _draws(tally: Tally, _at: datetime) -> None:
    for round_id in draws.drawn_rounds():
        draw = draws.draw_of(round_id)
        if draw is not None:
            said = draws.faults(draw)
            tally.saw(f"抽奖 {draw.id}：{'；'.join(said)}" if said else None)


def _no_draws() -> str:
    drawn = db.session.execute(select(exists().where(Draw.id.is_not(None)))).scalar_one()
    return "" if drawn else "不适用，还没有抽奖"


# --- I11


def _retention(tally: Tally, at: datetime) -> None:
    before = at - A_DAY  # the sweeper erases during the day
    for step in erase.steps(before):
        if step.due(clock.local_day(before)):
            count = step.count()
            tally.saw(
                f"{step.owner}：{step.kind} 还有 {count:,} 项，该清除了：quizsvc erase" if count else None
            )


# --- I12


def _of(faults: Callable[[], Iterator[str | None]]) -> Callable[[Tally, datetime], None]:
    def look(tally: Tally, _at: datetime) -> None:
        for fault in faults():
            tally.saw(fault)

    return look


def _whole(tally: Tally, _at: datetime) -> None:
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            tally.saw(_dangling(key.parent, key.column))
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        found = connection.execute(text(f"PRAGMA integrity_check({EXAMPLES})")).scalars().all()
        faults = [line for line in found if line != "ok"]
    else:
        faults = list(connection.execute(_INVALID).scalars())
    tally.saw()
    for line in faults:
        tally.wrong(f"数据库自己说：{line}")


_INVALID = text(
    "SELECT '索引不完整 ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid"
    " UNION ALL SELECT '约束没有检查过 ' || conname FROM pg_constraint WHERE NOT convalidated"
)


def _dangling(child: Any, parent: Any) -> str | None:
    other = parent.table.alias("other")
    found = exists().where(other.c[parent.name] == child)
    count = db.session.execute(
        select(func.count()).select_from(child.table).where(child.is_not(None), ~found)
    ).scalar_one()
    return f"{child.table.name}.{child.name} 有 {count} 行指向不存在的 {parent.table.name}" if count else None


CHECKS = (
    Check("I1", "每人每次只有一份有效作答", False, _once),
    Check("I2", "每份交卷有回执，审计叶和答案一致", True, of_attempt=_receipt_and_leaf),
    Check("I3", "交卷与审计叶一一对应，操作记录接得上", False, _leaves),
    Check("I4", "答案都是自己卷面上的选项", True, of_attempt=_on_the_paper),
    Check("I5", "重新判分，分数一模一样", True, of_attempt=_marks_again),
    Check("I6", "开始、保存、交卷的先后和期限", True, of_attempt=_in_time),
    Check("I7", "各单位人数加得起来", True, _heads_add_up),
    Check("I8", "应测人数等于名册减免测", True, _denominators),
    Check("I9", "试卷定稿后没有变过", False, _papers),
    Check("I10", "中奖与抽奖记录一致", True, _draws, absent=_no_draws),
    Check("I11", "到期的个人信息都清除了", False, _retention),
    Check("I12", "每个引用都指得到，文件完整", True, _whole),
    Check("I13", "每个座位、每台手机只有一份算数的回执、责任书、填报", False, _of(declared.heads)),
    Check("I14", "签的就是定稿的那一份文本", True, _of(declared.texts)),
    Check("I15", "填报的每一项都在调查表上", True, _of(declared.items)),
    Check("I16", "问卷的份数对得上", True, _of(declared.boxes)),
    Check("I17", "发出的通报没有变过", False, _of(issued.unchanged)),
)
