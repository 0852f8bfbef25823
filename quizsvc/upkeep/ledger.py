"""`quizsvc audit`: verify the audit log, print its anchor, read it, seal what was handed in."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from quizsvc import audit as log
from quizsvc import clock
from quizsvc.attempt.models import Attempt
from quizsvc.audit import ACTION_NAMES, AuditLeaf, Verdict
from quizsvc.core import ledger
from quizsvc.core.ledger import Anchor, Entry, Private
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.upkeep import progress

MOST_LISTED = 10_000


class Unsound(Refusal):
    """The log is not what it was."""


@dataclass(frozen=True, slots=True)
class Submissions:
    """How the attempts that were handed in stand to the leaves of the log."""

    recorded: int
    unrecorded: int


def seal() -> int:
    """Seal what was handed in since the last time; the sweeper does it by itself."""
    return log.seal_leaves(clock.now())


def submissions() -> Submissions:
    """Count the attempts that were handed in, with and without a leaf (1 statement)."""
    submitted, recorded = db.session.execute(
        select(func.count(), func.count(AuditLeaf.attempt_id))
        .select_from(Attempt)
        .outerjoin(AuditLeaf, AuditLeaf.attempt_id == Attempt.id)
        .where(Attempt.submitted_at.is_not(None))
    ).one()
    return Submissions(recorded, submitted - recorded)


@click.group()
def audit() -> None:
    """操作记录：核对、抄链头、查看。"""


@audit.command()
@click.option("--anchor", "given", multiple=True, metavar="序号:校验值", help="抄下的链头，可以写几次")
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="写着链头的文件，一行一个，# 开头的行不算",
)
@with_appcontext
def verify(given: tuple[str, ...], anchors: Path | None) -> None:
    """从第一条核对到最后一条；只读不改，服务不用停。"""
    written = _written([*given, *(_lines(anchors) if anchors else ())])
    with progress.bars() as show:
        whole = log.anchor().seq
        found = log.verify(
            at=clock.now(),
            anchors=written,
            progress=lambda entries: show("核对操作记录", min(entries, whole), whole),
        )
    _tell(found, submissions(), len(written))


def _tell(found: Verdict, handed_in: Submissions, anchors: int) -> None:
    click.echo(f"链头 {found.head}")
    click.echo(f"操作记录 {found.entries:,} 条，对过链头 {anchors} 个")
    click.echo(f"交卷 已封存 {found.sealed:,} 份，等着封存 {found.unsealed:,} 份")
    click.echo(f"交卷 有记录的 {handed_in.recorded:,} 份，没有记录的 {handed_in.unrecorded:,} 份")
    for fault in found.faults:
        click.echo(fault.text)
    if found.fault_count > len(found.faults):
        click.echo(f"另有 {found.fault_count - len(found.faults):,} 处，没有一一列出。")
    if handed_in.unrecorded:
        click.echo(f"有 {handed_in.unrecorded:,} 份交卷没有写进记录。")
    if handed_in.unrecorded or not found.sound:
        raise Unsound("操作记录有上面这些问题。请保留现在的数据库，和备份、抄下的链头对照。")
    click.echo(
        "没有发现问题。" if anchors else "没有发现问题。再加上抄下的链头（--anchor），才能发现整段重写。"
    )


@audit.command("head")
@with_appcontext
def show_head() -> None:
    """打印链头，抄在纸上或拍下来，放在别处。"""
    newest = log.anchor()
    click.echo(f"{clock.now().astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}  操作记录链头")
    click.echo(newest.grouped)
    click.echo(f'以后核对：quizsvc audit verify --anchor "{newest.short}"')


@audit.command("list")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="从这一天起，例如 2026-12-01")
@click.option("--actor", default="", help="谁：staff:7、cli、job、visitor")
@click.option("--action", default="", help="做了什么，例如 report.names_seen")
@click.option("--private", is_flag=True, help="连同另存的个人信息（到期就没有了）")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST_LISTED), help="最多几条")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，连同校验值")
@with_appcontext
def list_entries(
    since: datetime | None, actor: str, action: str, private: bool, limit: int, as_json: bool
) -> None:
    """列出操作记录，新的在前。"""
    if action and action not in ACTION_NAMES:
        raise Refusal(f"没有“{action}”这种操作。有：{'、'.join(sorted(ACTION_NAMES))}。")
    entries = log.newest(
        limit=limit, since=_start_of(since.date()) if since else None, actor=actor, action=action
    )
    kept = log.private_of([entry.seq for entry in entries]) if private else {}
    if as_json:
        told = [_value(entry, kept.get(entry.seq, ())) for entry in entries]
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for entry in entries:
        click.echo(_line(entry, kept.get(entry.seq, ())))


@audit.command("seal")
@click.option("--dry-run", is_flag=True, help="只数，不封存")
@with_appcontext
def seal_now(dry_run: bool) -> None:
    """封存还没有封存的交卷；quizsvc serve 每半分钟自己做一次。"""
    if dry_run:
        click.echo(f"等着封存的交卷 {log.waiting()[0]} 份")
        return
    click.echo(f"已封存 {seal()} 份交卷")


def _line(entry: Entry, kept: Iterable[Private]) -> str:
    at = f"{entry.at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S}"
    words = [f"{one.name}＝{one.value if one.value is not None else '（已按期清除）'}" for one in kept]
    said = (str(entry.seq), at, entry.actor, entry.action, name_of(entry.action), entry.on, entry.detail)
    return "\t".join([*said, *words])


def _value(entry: Entry, kept: Iterable[Private]) -> dict[str, Any]:
    """One entry as the tables have it, so that another program can hash it."""
    values = {**asdict(entry), "at": entry.at.isoformat(), "object": entry.on}
    del values["on"]
    return {**values, "private": [asdict(one) for one in kept]}


def name_of(action: str) -> str:
    """Name an action to a reader; one that this program does not know is shown as it is."""
    return ACTION_NAMES.get(action, action)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=clock.SHANGHAI)


def _written(texts: Iterable[str]) -> list[Anchor]:
    return [ledger.anchor(text) for text in texts]


def _lines(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as unreadable:
        raise Refusal(f"{file} 不是文本文件。") from unreadable
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]
