"""`quizsvc doctor`: the machine around the service, then every invariant of its database. Writes nothing."""

import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text

from quizsvc import audit, clock, jobs
from quizsvc.core.ledger import Entry
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.settings import Settings
from quizsvc.upkeep import backup, invariants, progress
from quizsvc.web.health import WrongRevision, disk, require_current_revision

State = Literal["ok", "notice", "fault"]
MARKS: dict[State, str] = {"ok": "✓", "notice": "注意", "fault": "✗"}

SWEEPER_LATE = timedelta(minutes=5)
SECRET_OLD = timedelta(days=365)
AUTOMATIC_LATE = timedelta(hours=2)
BY_HAND_LATE = timedelta(hours=26)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing around the database: how it is, and when it is not well, what to do."""

    name: str
    state: State
    text: str

    @property
    def line(self) -> str:
        """Tell it in one line."""
        return f"{self.name}：{self.text} {MARKS[self.state]}"


def surroundings(settings: Settings, at: datetime) -> Iterator[Condition]:
    """Look at revision, clock, disk, durability, keys, backups, sweeper (a constant number of statements)."""
    yield _revision()
    trouble = jobs.clock_trouble()
    yield Condition("时钟", "fault" if trouble else "ok", trouble or "没有跳动，和数据库一致")
    yield from _room(settings)
    yield _durability()
    yield _keys(settings)
    yield _signing(settings, at)
    yield _backups(settings, at)
    yield _sweeper(at)


def _revision() -> Condition:
    try:
        require_current_revision(db.engine)
    except WrongRevision as wrong:
        return Condition("版本", "fault", str(wrong))
    return Condition("版本", "ok", f"程序 {version('quizsvc')}，数据库和它相配")


def _room(settings: Settings) -> Iterator[Condition]:
    seen = disk()
    if seen is not None:
        said = f"还有 {backup.size_text(seen.free_mb * 2**20)}"
        yield Condition("磁盘", "fault" if seen.low else "ok", seen.sentence if seen.low else said)
    if settings.backup_dir is not None:
        there = next(one for one in (settings.backup_dir, *settings.backup_dir.parents) if one.exists())
        free = shutil.disk_usage(there).free
        low = free < settings.low_disk_mb * 2**20
        said = f"还有 {backup.size_text(free)}{'，放不下几份备份了：请清理，或换一个文件夹' if low else ''}"
        yield Condition("备份的磁盘", "fault" if low else "ok", said)


def _durability() -> Condition:
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        full = connection.execute(text("PRAGMA synchronous")).scalar_one() >= 2
        sound, how = journal == "wal", f"journal_mode={journal}"
    else:
        row = connection.execute(
            text("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        )
        fsync, commit = row.one()
        sound, full, how = fsync == "on", commit != "off", f"fsync={fsync}，synchronous_commit={commit}"
    if sound and full:
        return Condition("落盘", "ok", "交卷先落盘再应答")
    if sound:
        return Condition("落盘", "notice", "断电可能丢掉最后几秒：请改回 FULL（见 docs/SETTINGS.md）")
    return Condition("落盘", "fault", f"{how}：断电会损坏数据库，请改回来")


def _keys(settings: Settings) -> Condition:
    if not settings.key_file.exists():
        return Condition("密钥文件", "notice", "还没有，第一次备份时会建；建好后请另存一份到别处")
    if _open_to_others(settings.key_file):
        return Condition("密钥文件", "fault", f"别人也能读：请运行 chmod 600 {settings.key_file}")
    return Condition("密钥文件", "ok", "在，只有服务自己能读")


def _signing(settings: Settings, at: datetime) -> Condition:
    file = settings.secret_file
    if not file.exists():
        return Condition("签名密钥", "ok", "来自环境变量")
    if _open_to_others(file):
        return Condition("签名密钥", "fault", f"别人也能读：请运行 chmod 600 {file}")
    age = at - datetime.fromtimestamp(file.stat().st_mtime, UTC)
    if age > SECRET_OLD:
        return Condition("签名密钥", "notice", f"已经用了 {age.days} 天，该换了（quizsvc keys）")
    return Condition("签名密钥", "ok", f"用了 {age.days} 天" if age.days > 0 else "今天换的")


def _open_to_others(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _backups(settings: Settings, at: datetime) -> Condition:
    made = next(iter(audit.newest(limit=1, action=backup.MADE)), None)
    failed = next(iter(audit.newest(limit=1, action=backup.FAILED)), None)
    if failed is not None and (made is None or failed.seq > made.seq):
        why = json.loads(failed.detail).get("why", "")
        return Condition("备份", "fault", f"{ago(at - failed.at)}，自动备份没有做成：{why}")
    automatic = settings.backup_dir is not None
    if made is None:
        how = (
            "等第一次自动备份"
            if automatic
            else "设置 QUIZSVC_BACKUP_DIR 就会自动做，或运行 quizsvc backup create"
        )
        return Condition("备份", "notice", f"还没有做过：{how}")
    said = f"最近一份在 {ago(at - made.at)}，{_size_of(made)}，做完就读回核对过"
    if at - made.at <= (AUTOMATIC_LATE if automatic else BY_HAND_LATE):
        return Condition("备份", "ok", said)
    if automatic:
        return Condition("备份", "fault", f"{said}；自动备份停了，请看服务的日志")
    return Condition("备份", "notice", f"{said}；该再做一份了：quizsvc backup create")


def _size_of(made: Entry) -> str:
    return backup.size_text(json.loads(made.detail).get("bytes", 0))


def _sweeper(at: datetime) -> Condition:
    marked = jobs.last_mark()
    if marked is None:
        return Condition("定时任务", "notice", "还没有运行过：请用 quizsvc serve 启动服务")
    if at - marked > SWEEPER_LATE:
        return Condition(
            "定时任务", "notice", f"{ago(at - marked)}运行过，后来停了：到时的作答没人收，请看服务是否在运行"
        )
    return Condition("定时任务", "ok", f"{ago(at - marked)}运行过")


def ago(span: timedelta) -> str:
    """Write how long ago something was."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in (("天", 86400), ("小时", 3600), ("分钟", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}前"
    return f"{seconds} 秒前"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.option("--quick", is_flag=True, help="只查不用逐份读的。")
@with_appcontext
def doctor(as_json: bool, quick: bool) -> None:
    """体检：机器、备份、定时任务，和数据库里不该有的每一种差错；什么也不改。"""
    at = clock.now()
    around = list(surroundings(current_app.config["SETTINGS"], at))
    findings: list[invariants.Finding] = []
    if around[0].state == "ok":
        with progress.bars() as show:
            findings = list(invariants.examine(at, show, quick=quick))
    wrong = [one.name for one in around if one.state == "fault"] + [one.id for one in findings if one.faults]
    if as_json:
        document = {
            "as_of": at.isoformat(),
            "sound": not wrong,
            "surroundings": [asdict(one) for one in around],
            "invariants": [asdict(one) for one in findings],
        }
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join([*(one.line for one in around), *(one.line for one in findings)]))
    if wrong:
        raise Refusal(f"查出问题：{'、'.join(wrong)}。")
    if not as_json:
        click.echo("没有查出问题。")
