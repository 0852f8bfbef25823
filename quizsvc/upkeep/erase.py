"""`quizsvc erase`: what the rules of core.retention say must be gone, found in every slice and erased for good."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import click
from flask.cli import with_appcontext
from sqlalchemy import SelectBase, func, select
from sqlalchemy.exc import OperationalError

from quizsvc import audit, clock
from quizsvc.attempt import operations as attempts
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.cli import close_overdue
from quizsvc.attempt.models import Attempt, Late, Participant, Player
from quizsvc.audit import Actor, AuditDetail
from quizsvc.campaign import operations as campaigns
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import ErasureRow
from quizsvc.contest import operations as contests
from quizsvc.contest import queries as contest
from quizsvc.contest.models import Appeal, Flag, Ruling, Score
from quizsvc.core import retention
from quizsvc.core.refusal import Refusal
from quizsvc.db import Base, db
from quizsvc.declaration import operations as declarations
from quizsvc.declaration import queries as declaration
from quizsvc.declaration.models import Declaration, Referral
from quizsvc.prize import operations as prizes
from quizsvc.prize import queries as prize
from quizsvc.prize.models import Award, Certificate, Claim
from quizsvc.rights import operations as requests
from quizsvc.rights import queries as rights
from quizsvc.rights.models import Request
from quizsvc.roster import operations as rosters
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Person
from quizsvc.staff import operations as staffs
from quizsvc.staff import queries as staff
from quizsvc.staff.models import Invitation, RecoveryCode, Staff
from quizsvc.survey import operations as surveys
from quizsvc.survey import queries as survey
from quizsvc.survey.models import Box, Turnout
from quizsvc.upkeep.progress import Progress, bars, silent

LOCK_WITHIN_S = 10
EVERY_S = 3600


Batch = Callable[[], int]
"""One transaction that erases some of what there is and returns how much; to be called until that is 0."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of thing of one owner: from which day it must be gone, how much there is, and how it goes."""

    owner: str
    kind: str
    from_on: date | None
    """None: each by a day of its own, and only those whose day has come are counted."""
    count: Callable[[], int]
    batches: Callable[[], Iterable[Batch]]
    tables: tuple[type[Base], ...]
    marks: bool = False
    """The step belongs to a campaign that is not marked as erased yet."""

    def due(self, on: date) -> bool:
        """Say whether it must be gone on a day."""
        return self.from_on is None or self.from_on <= on


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was carried out, and how much it erased."""

    step: Step
    count: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did; `busy` names what could not be wiped from the disk because it was in use."""

    done: tuple[Done, ...]
    busy: tuple[str, ...]


def steps(at: datetime) -> list[Step]:
    """List everything that is to be erased, now or later, without changing anything."""
    rows = campaign.erasures()
    return [
        *(step for row in rows for step in _of_campaign(row, at)),
        *_names(rows, at),
        _of_its_own(
            "名册", "已不在任何座位上的人", partial(roster.count_of, roster.persons_without_places()),
            partial(rosters.erase_persons, at=at), Person,
        ),
        *_of_others(at),
    ]  # fmt: skip


def _of_campaign(row: ErasureRow, at: datetime) -> Iterator[Step]:
    owner, rounds = f"{row.name}（{row.code}）", row.round_ids

    def count(what: str) -> Callable[[], int]:
        return lambda: attempt.erasable(rounds)[what]

    def by_round(erase: Callable[..., int]) -> Callable[[], Iterable[Batch]]:
        return lambda: [partial(erase, round_id=one, at=at) for one in rounds]

    def by_class(erase: Callable[..., int]) -> Callable[[], Iterable[Batch]]:
        return lambda: [
            partial(erase, round_id=one, unit_id=unit, at=at) for one, unit in attempt.classes_of(rounds)
        ]

    if row.erased_at is None:
        on = row.erase_on
        places, traces, asked = attempts.erase_places, attempts.erase_traces, requests.erase_of_round
        yield Step(owner, "作答和座位的联系", on, count("places"), by_round(places), (Participant,), True)
        yield Step(
            owner,
            "手机、回执、续答码、作废原因",
            on,
            count("traces"),
            by_class(traces),
            (Attempt, Late),
            True,
        )
        worded = partial(rights.count_of, rights.of_rounds(rounds))
        yield Step(owner, "数据请求里的文字", on, worded, by_round(asked), (Request,), True)
        yield from _of_players(owner, on, rounds, by_round)
        yield from _of_declarations(owner, on, rounds, by_round)
    if row.cleared_at is None:
        on = retention.answers_go_on(row.erase_on)
        written = partial(_count_in, rounds, _written)
        yield Step(owner, "问卷里写的话", on, written, by_round(surveys.erase_words), (Box,), True)
        yield Step(owner, "答案", on, count("answers"), by_class(attempts.erase_answers), (Attempt,), True)


def _of_players(
    owner: str, on: date, rounds: Sequence[int], by_round: Callable[..., Callable[[], Iterable[Batch]]]
) -> Iterator[Step]:
    """Let go of who played the contests of a campaign, what is told of them first."""
    for kind, chosen, erase, tables in (
        (
            "参赛人的成绩、标记和申诉",
            contest.remembered,
            contests.erase_scores,
            (Score, Flag, Ruling, Appeal),
        ),
        ("获奖人的联系方式", prize.reachable, prizes.erase_claims, (Claim,)),
        ("奖项、证书和参赛人的联系", prize.holders, prizes.erase_holders, (Award, Certificate)),
        ("参赛人的昵称和手机", attempt.players_of, attempts.erase_players, (Player,)),
    ):
        yield Step(owner, kind, on, partial(_count_in, rounds, chosen), by_round(erase), tables, True)


def _of_declarations(
    owner: str, on: date, rounds: Sequence[int], by_round: Callable[..., Callable[[], Iterable[Batch]]]
) -> Iterator[Step]:
    """Let go of who signed, declared and answered; how many did stays."""

    def count(what: str) -> Callable[[], int]:
        return lambda: declaration.erasable(rounds)[what]

    signed, owned = count("declarations"), count("referrals")
    turned_out = partial(_count_in, rounds, _known_heads)
    yield Step(
        owner, "签名和座位的联系", on, signed, by_round(declarations.erase_declarations), (Declaration,), True
    )
    yield Step(owner, "推广码的主人", on, owned, by_round(declarations.erase_referrals), (Referral,), True)
    yield Step(owner, "谁答过问卷", on, turned_out, by_round(surveys.erase_turnout), (Turnout,), True)


def _known_heads(round_id: int) -> SelectBase:
    return select(Turnout.head).where(
        Turnout.round_id == round_id, Turnout.head.not_like(f"{survey.ERASED}%")
    )


def _written(round_id: int) -> SelectBase:
    return select(Box.number).where(Box.round_id == round_id, Box.kind == "words")


def _count_in(rounds: Sequence[int], chosen: Callable[[int], SelectBase]) -> int:
    return sum(
        db.session.execute(select(func.count()).select_from(chosen(one).subquery())).scalar_one()
        for one in rounds
    )


def _names(rows: Sequence[ErasureRow], at: datetime) -> Iterator[Step]:
    """Give each class to the last campaign that covers it; what none covers goes after the term."""
    for term in roster.named_terms():
        covering = [row for row in rows if row.term == term]  # by day of erasing
        for number, row in enumerate(covering):
            later = [other.unit_path for other in covering[number + 1 :]]
            on = retention.names_go_on([row.erase_on], term)
            yield from _names_under(f"{row.name}（{row.code}）", term, row.unit_path, later, on, at)
        everywhere = [row.unit_path for row in covering]
        on = retention.names_go_on((), term)
        yield from _names_under(f"{term} 没有活动的班", term, "", everywhere, on, at)


def _names_under(
    owner: str, term: str, path: str, spared: Sequence[str], from_on: date, at: datetime
) -> Iterator[Step]:
    for kind, chosen, erase, tables in (
        ("姓名", roster.named_places, rosters.erase_names, (Enrolment, Person)),
        ("免测原因", roster.reasons, rosters.erase_reasons, (Exemption,)),
    ):
        batch: Batch = partial(erase, term=term, path=path, spared=spared, at=at)
        count = partial(roster.count_of, chosen(term, path, spared))
        yield Step(owner, kind, from_on, count, partial(tuple, [batch]), tables)


def _of_others(at: datetime) -> Iterator[Step]:
    on = clock.local_day(at)
    details = select(func.count()).where(AuditDetail.erase_on <= on, AuditDetail.salt.is_not(None))
    yield _of_its_own("人员", "用过或过期 30 天的一次性链接", lambda: staff.erasable(at)["invitations"],
                      partial(staffs.erase_invitations, at=at), Invitation)  # fmt: skip
    yield _of_its_own("人员", "停用 180 天的账号的登录名和姓名", lambda: staff.erasable(at)["accounts"],
                      partial(staffs.erase_accounts, at=at), Staff, RecoveryCode)  # fmt: skip
    yield _of_its_own("数据请求", "答复 30 天以后的文字", partial(rights.count_of, rights.worded(at)),
                      partial(requests.erase_old, at=at), Request)  # fmt: skip
    old = select(func.count()).select_from(prize.old_contacts(at).subquery())
    yield _of_its_own("竞赛", "发完或了结 30 天的获奖人联系方式", lambda: db.session.execute(old).scalar_one(),
                      partial(prizes.erase_old_claims, at=at), Claim)  # fmt: skip
    yield _of_its_own("操作记录", "到期的文字", lambda: db.session.execute(details).scalar_one(),
                      partial(audit.erase_private, on), AuditDetail)  # fmt: skip


def _of_its_own(owner: str, kind: str, count: Callable[[], int], batch: Batch, *tables: type[Base]) -> Step:
    return Step(owner, kind, None, count, partial(tuple, [batch]), tables)


def carry_out(*, on: date, at: datetime, actor: Actor, progress: Progress = silent) -> Outcome:
    """Erase what must be gone on a day, wipe it from the disk, and write down which campaigns are done."""
    close_overdue()
    rows = campaign.erasures()
    due = [step for step in steps(at) if step.due(on)]
    done = tuple(Done(step, _carried_out(step, progress)) for step in due)
    busy = wipe({table for one in done if one.count or one.step.marks for table in one.step.tables} | _in_use)
    if not busy:  # else the next run finds them unmarked and wipes again
        _mark(rows, on, at, actor)
    return Outcome(done, busy)


def _carried_out(step: Step, progress: Progress) -> int:
    whole = 0 if progress is silent else step.count()
    count = 0
    for batch in step.batches():
        while erased := batch():
            count += erased
            progress(f"{step.owner} {step.kind}", count, max(count, whole))
    return count


def _mark(rows: Sequence[ErasureRow], on: date, at: datetime, actor: Actor) -> None:
    for row in rows:
        left = attempt.left_of(row.round_ids) if row.cleared_at is None else {}
        if row.erased_at is None and row.erase_on <= on:
            campaigns.mark_erased(campaign_id=row.id, counts=left, at=at, actor=actor)
        if row.cleared_at is None and retention.answers_go_on(row.erase_on) <= on:
            campaigns.mark_cleared(campaign_id=row.id, counts=left, at=at, actor=actor)


_in_use: set[type[Base]] = set()  # tables that the sweeper has to wipe at its next run


def wipe(tables: set[type[Base]]) -> tuple[str, ...]:
    """Take what was erased from these tables off the disk too; name what was in use and is to be wiped later.

    SQLite overwrites what is deleted (secure_delete); it is in the log until that is written back and cut. PostgreSQL
    leaves old rows lying in the pages even after a plain VACUUM: only a rewritten table is free of them.
    """
    db.session.rollback()  # a reader of our own would hold the log
    if not tables:
        return ()
    if db.engine.dialect.name == "sqlite":
        return () if _cut_log() else ("预写日志",)
    busy = {table for table in tables if not _rewrite(table.__tablename__)}
    _in_use.clear()
    _in_use.update(busy)
    return tuple(sorted(table.__tablename__ for table in busy))


def _cut_log() -> bool:
    """Write SQLite's log back and cut it; False when a reader did not let go of it."""
    connection = db.engine.raw_connection()
    try:
        busy, _, _ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return not busy


def _rewrite(table: str) -> bool:
    """Rewrite a table and its indexes; False when others did not leave it alone, or it is not ours to rewrite."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # whoever waits for the whole table makes everybody behind wait too
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_WITHIN_S}s'")
        before = connection.execute(select(func.pg_relation_filenode(table))).scalar_one()
        try:
            connection.exec_driver_sql(f'VACUUM (FULL) "{table}"')  # a role without the right is only warned
        except OperationalError:
            return False
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
        after = connection.execute(select(func.pg_relation_filenode(table))).scalar_one()
    return bool(before != after)


def carry_out_requests() -> int:
    """Delete what participants asked to be deleted and their teachers granted; return how many."""
    granted = rights.to_carry_out()
    for row in granted:
        at = clock.now()
        if row.attempt_id is not None:
            attempts.erase_attempt(attempt_id=row.attempt_id, at=at, actor=audit.JOB)
        requests.carry_out(request_id=row.id, at=at)
    if granted and db.engine.dialect.name == "sqlite":
        wipe({Attempt})
    return len(granted)


def sweep() -> None:
    """Erase what must be gone today; the sweeper calls it."""
    at = clock.now()
    carry_out(on=clock.local_day(at), at=at, actor=audit.JOB)


@click.command("erase")
@click.option("--dry-run", is_flag=True, help="只数，不清除；没到期的也列出来。")
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="按哪一天算到期，例如 2027-02-01；不写就是今天。"
)
@click.option("--wipe", "again", is_flag=True, help="把磁盘上的旧内容再擦一遍，哪怕这次没有到期的。")
@with_appcontext
def erase(dry_run: bool, day: datetime | None, again: bool) -> None:
    """清除到期的个人信息：姓名、作答和座位的联系、答案、链接、账号和请求。"""
    at = clock.now()
    today = clock.local_day(at)
    on = day.date() if day else today
    if dry_run:
        _list(on, at)
        return
    if on > today:
        raise Refusal("这个日子还没有到。要看到那天会清除什么，请加 --dry-run。")
    asked = carry_out_requests()
    with bars() as progress:
        outcome = carry_out(on=on, at=at, actor=audit.CLI, progress=progress)
    lines = [_line(one.step, one.count, "已清除") for one in outcome.done if one.count]
    if asked:
        lines.append(f"同意删除的作答  {asked} 份  已删除")
    click.echo("\n".join(lines) or "没有到期的内容。")
    busy = wipe(_of_people()) if again else outcome.busy
    if busy:
        raise Refusal(
            f"磁盘上的旧内容还没有擦掉：{'、'.join(busy)} 正在使用，或者不归这个数据库用户。"
            "过一会儿运行：quizsvc erase --wipe",
            status=503,
        )
    if again:
        click.echo("磁盘上的旧内容擦过了。")


def _list(on: date, at: datetime) -> None:
    for step in steps(at):
        count = step.count()
        if count:
            click.echo(_line(step, count, "到期" if step.due(on) else "还没有到期"))
    click.echo(f"预演：按 {on} 算，没有清除任何内容。")


def _of_people() -> set[type[Base]]:
    return {mapper.class_ for mapper in Base.registry.mappers if mapper.class_.about_people}


def _line(step: Step, count: int, said: str) -> str:
    since = f"{step.from_on} 起" if step.from_on else "到期的"
    return "  ".join(part for part in (since, step.owner, step.kind, f"{count} 项", said) if part)
