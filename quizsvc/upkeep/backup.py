"""`quizsvc backup`: sealed copies of the whole database while the service runs, looked through, and put back."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import monotonic

import click
import structlog
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from quizsvc import audit, clock, vault
from quizsvc.attempt.models import Attempt
from quizsvc.audit import AuditEntry
from quizsvc.campaign.models import Campaign, Round
from quizsvc.core import ledger
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link.models import Link
from quizsvc.settings import Settings
from quizsvc.upkeep import archive, copies, invariants, postgres_copy, progress, sqlite_copy
from quizsvc.upkeep.archive import Manifest
from quizsvc.upkeep.progress import Progress, silent
from quizsvc.web.health import WrongRevision, require_current_revision

log = structlog.get_logger()

HOUR = timedelta(hours=1)
QUARTER_S = 15 * 60
NEWEST_KEPT, DAYS_KEPT = 48, 30
MAKING = ".quizsvc-making-"
MADE, FAILED = "backup.create", "backup.failed"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that has been made and read back."""

    file: Path
    size: int
    seconds: float
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class CampaignCount:
    """How much of a campaign is in a database."""

    code: str
    name: str
    rounds: int
    submitted: int
    voided: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look through a backup showed, apart from its being whole; faults in words."""

    manifest: Manifest
    faults: tuple[str, ...]
    findings: tuple[invariants.Finding, ...] = ()
    campaigns: tuple[CampaignCount, ...] = ()
    note: str = ""


def create(settings: Settings, folder: Path, at: datetime, show: Progress = silent) -> Made:
    """Copy the database while others write, seal the copy, read it back; what is plain is deleted in any case."""
    begun = monotonic()
    with _writing(folder) as draft_folder:
        file, plain, draft = folder / archive.name_of(at), draft_folder / "dump", draft_folder / "sealed"
        if file.exists():
            raise Refusal(f"已经有 {file.name} 了，请过一秒再试。", status=409)
        plain.touch(mode=0o600)
        on_sqlite = copies.kind_of(settings) == copies.SQLITE
        facts = (sqlite_copy if on_sqlite else postgres_copy).take(settings, plain, show)
        size, hashed = archive.fingerprint(plain, show)
        manifest = Manifest(
            program=version("quizsvc"),
            database=copies.kind_of(settings),
            server=facts.server,
            revision=facts.revision,
            made_at=at,
            rows=facts.rows,
            audit_seq=facts.audit_seq,
            audit_hash=facts.audit_hash,
            dump_bytes=size,
            dump_sha256=hashed,
        )
        ring = vault.kept_ring(settings.key_file)
        archive.write(ring, manifest, plain, draft, show)
        plain.unlink()
        archive.unpack(ring, draft, None, show)
        os.replace(draft, file)
        copies.settle(folder)
    return Made(file, file.stat().st_size, monotonic() - begun, manifest)


def thin_out(folder: Path, kept: Iterable[str]) -> list[str]:
    """Delete the backups of a folder that are not to be kept; other files stay."""
    gone = sorted({file.name for file in files_in(folder)} - set(kept))
    for name in gone:
        (folder / name).unlink()
    return gone


def files_in(folder: Path) -> list[Path]:
    """List the backups of a folder, newest first."""
    found = [file for file in folder.glob("quizsvc-*.qsb") if archive.made_at(file.name)]
    return sorted(found, key=lambda file: file.name, reverse=True)


def newest_of(names: Sequence[str], *, newest: int, days: int) -> list[str]:
    """Choose what stays: the newest ones, and the last of each of the last days before."""
    ordered = sorted(names, reverse=True)
    last_of_day: dict[str, str] = {}
    for name in ordered:
        last_of_day.setdefault(name.split("-")[1], name)
    return sorted({*ordered[:newest], *list(last_of_day.values())[:days]}, reverse=True)


def verify(settings: Settings, file: Path, show: Progress = silent) -> Looked:
    """Open a backup and look through what is in it, without touching any database."""
    ring = _ring(settings)
    archive.manifest_of(ring, file)  # a wrong key is told before anything is unpacked
    with tempfile.TemporaryDirectory(prefix="quizsvc-verify-") as folder:
        dump = Path(folder) / "dump"
        with dump.open("wb") as target:
            manifest = archive.unpack(ring, file, target, show)
        if manifest.database == copies.POSTGRESQL:
            postgres_copy.look_through(dump, manifest.server)
            return Looked(manifest, (), note="指纹和目录都对；要逐条检查内容，请恢复到一个空库。")
        faults = _differences(manifest, sqlite_copy.look_through(dump))
        return _examined(Looked(manifest, faults), replace(settings, database_url=f"sqlite:///{dump}"), show)


def restore(settings: Settings, file: Path, *, overwriting: bool = False, show: Progress = silent) -> Looked:
    """Put a backup into the empty database of the settings, then look it through."""
    ring = _ring(settings)
    manifest = archive.manifest_of(ring, file)
    if manifest.database != copies.kind_of(settings):
        raise Refusal(
            f"这是 {copies.KIND_NAMES[manifest.database]} 的备份，不能恢复到别的数据库。"
            "请用 --to 写一个同类的库。"
        )
    if holds(settings) != 0 and not overwriting:
        raise Refusal("目标数据库里已经有数据，没有动它。请恢复到一个空库，或加 --force 覆盖。", status=409)
    if manifest.database == copies.SQLITE:
        _restore_sqlite(settings, file, ring, show)
    else:
        _restore_postgresql(settings, file, ring, show)
    faults = _differences(manifest, copies.facts_of(settings))
    return _examined(Looked(manifest, faults), settings, show)


def holds(settings: Settings) -> int | None:
    """Count the rows in the database of the settings; None when it cannot be read."""
    on_sqlite = copies.kind_of(settings) == copies.SQLITE
    return sqlite_copy.held(settings) if on_sqlite else postgres_copy.held(settings)


def _restore_sqlite(settings: Settings, file: Path, ring: vault.KeyRing, show: Progress) -> None:
    target = sqlite_copy.file_of(settings)
    with _writing(target.parent) as folder:
        draft = folder / "dump"
        draft.touch(mode=0o600)
        with sqlite_copy.replacing(settings, draft):
            with draft.open("wb") as plain:
                archive.unpack(ring, file, plain, show)
            sqlite_copy.look_through(draft)


def _restore_postgresql(settings: Settings, file: Path, ring: vault.KeyRing, show: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="quizsvc-restore-") as folder:
        dump = Path(folder) / "dump"
        with dump.open("wb") as plain:
            manifest = archive.unpack(ring, file, plain, show)
        postgres_copy.look_through(dump, manifest.server)
        postgres_copy.put(settings, dump, manifest.server)


def _ring(settings: Settings) -> vault.KeyRing:
    """Return our keys and the retired ones; unlike sealing, opening never makes one."""
    if not settings.key_file.is_file():
        raise Refusal(
            f"没有密钥文件 {settings.key_file}，备份打不开。请把保管的那一份放回去（QUIZSVC_KEY_FILE）。"
        )
    return vault.ring_for_backups(settings.key_file)


def _differences(manifest: Manifest, facts: copies.Facts) -> tuple[str, ...]:
    """Tell where tables hold other numbers of rows than the manifest says."""
    names = sorted(manifest.rows.keys() | facts.rows.keys())
    return tuple(
        f"{name}：清单 {manifest.rows.get(name, 0):,} 行，库里 {facts.rows.get(name, 0):,} 行"
        for name in names
        if manifest.rows.get(name, 0) != facts.rows.get(name, 0)
    )


def _examined(looked: Looked, settings: Settings, show: Progress) -> Looked:
    """Add what the doctor says of a database as it was then, if this program can read it, and the counts."""
    with copies.opened(settings):
        try:
            require_current_revision(db.engine)
        except WrongRevision:
            return replace(
                looked, note="备份来自另一个版本：恢复后先运行 quizsvc db upgrade，再运行 quizsvc doctor。"
            )
        return replace(
            looked, findings=tuple(invariants.examine(looked.manifest.made_at, show)), campaigns=_campaigns()
        )


def _campaigns() -> tuple[CampaignCount, ...]:
    goes = (
        select(
            Round.campaign_id,
            func.count(Attempt.submitted_at).label("submitted"),
            func.count(Attempt.voided_at).label("voided"),
        )
        .join(Attempt, Attempt.round_id == Round.id)
        .group_by(Round.campaign_id)
        .subquery()
    )
    rounds = select(func.count()).where(Round.campaign_id == Campaign.id).scalar_subquery()
    rows = db.session.execute(
        select(
            Campaign.code,
            Campaign.name,
            rounds,
            func.coalesce(goes.c.submitted, 0),
            func.coalesce(goes.c.voided, 0),
        )
        .outerjoin(goes, goes.c.campaign_id == Campaign.id)
        .order_by(Campaign.id)
    )
    return tuple(CampaignCount(*row) for row in rows)


@contextmanager
def _writing(folder: Path) -> Iterator[Path]:
    """Give a private folder inside another, one at a time; what an interrupted run left there is deleted first."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.glob(f"{MAKING}*"):
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=MAKING, dir=folder) as made:
            yield Path(made)
    except BlockingIOError:
        raise Refusal(f"{folder} 里正在做另一份备份，请等它做完。", status=409) from None
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> Refusal:
    return Refusal(f"{folder} 写不进去：{error.strerror}。请看看空间和权限；没有留下半份备份。")


# --- the sweeper's backups


def make_due() -> None:
    """Make a backup where one is due: each quarter of an hour while a round is open, else each hour."""
    settings: Settings = current_app.config["SETTINGS"]
    folder, at = settings.backup_dir, clock.now()
    if folder is None or not (_hour_old(folder, at) or _any_open(at)):
        return
    try:
        made = create(settings, folder, at)
    except Refusal as refusal:
        log.error("backup failed", reason=refusal.text)
        audit.record_alone(actor=audit.JOB, action=FAILED, on="backup", at=at, why=refusal.text)
        return
    names = [file.name for file in files_in(folder)]
    gone = thin_out(folder, newest_of(names, newest=NEWEST_KEPT, days=DAYS_KEPT))
    log.info("backup made", file=made.file.name, bytes=made.size, deleted=len(gone))
    _remember(made, audit.JOB, at)


def _hour_old(folder: Path, at: datetime) -> bool:
    newest = next((archive.made_at(file.name) for file in files_in(folder)), None)
    return newest is None or at - newest >= HOUR


def _any_open(at: datetime) -> bool:
    longer = select(Link.id).where(Link.round_id == Round.id, Link.closes_at > at).exists()
    open_ = select(Round.id).where(Round.opens_at <= at, (Round.closes_at > at) | longer).limit(1)
    return db.session.execute(open_).first() is not None


def _remember(made: Made, actor: audit.Actor, at: datetime) -> None:
    """Write down that the whole database was copied; one of another revision is left as it is."""
    try:
        require_current_revision(db.engine)
    except WrongRevision:
        return
    audit.record_alone(
        actor=actor, action=MADE, on=f"backup:{made.file.name}", at=at, bytes=made.size,
        rows=made.manifest.total, sha256=made.manifest.dump_sha256,
    )  # fmt: skip


# --- the commands


@click.group()
def backup() -> None:
    """备份：加密的整库副本，不用停服务；能核对，能恢复。"""


@backup.command("create")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="放到这个文件夹。")
@click.option("--keep", type=click.IntRange(1), help="新的做好以后，只留最近这么多份。")
@with_appcontext
def create_command(folder: Path | None, keep: int | None) -> None:
    """做一份备份；服务照常运行。"""
    settings: Settings = current_app.config["SETTINGS"]
    folder, at = folder or settings.backup_dir or settings.instance / "backups", clock.now()
    first = not settings.key_file.exists()
    with progress.bars() as show:
        made = create(settings, folder, at, show)
    _remember(made, audit.CLI, at)
    click.echo(f"备份好了：{made.file}")
    click.echo(
        f"  {size_text(made.size)}（原来 {size_text(made.manifest.dump_bytes)}），{made.manifest.total:,} 行，"
        f"用了 {made.seconds:.1f} 秒，已经读回核对"
    )
    click.echo(f"  操作记录链头：{made.manifest.anchor}")
    if keep is not None:
        gone = thin_out(folder, [file.name for file in files_in(folder)][:keep])
        click.echo(f"  删除了较早的 {len(gone)} 份")
    if first:
        click.echo(f"密钥在 {settings.key_file}：请另存一份到别处，没有它，任何备份都打不开。")


@backup.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def verify_command(file: Path) -> None:
    """打开一份备份，从头到尾核对一遍，不动任何数据库。"""
    with progress.bars() as show:
        looked = verify(current_app.config["SETTINGS"], file, show)
    _tell(looked)
    click.echo(f"这份备份完好：{file.name}")


@backup.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", metavar="URL_OR_PATH", help="恢复到这个数据库，不写就是 QUIZSVC_DATABASE_URL。")
@click.option("--force", is_flag=True, help="目标里有数据也覆盖；会再问一次。")
@click.option("--anchor", metavar="SEQ:HASH", help="纸上抄下的操作记录链头，看恢复的和它差多少。")
@with_appcontext
def restore_command(file: Path, to: str | None, force: bool, anchor: str | None) -> None:
    """把一份备份恢复到空的数据库，再从头到尾检查一遍。"""
    settings: Settings = current_app.config["SETTINGS"]
    written = ledger.anchor(anchor) if anchor else None
    target = replace(settings, database_url=_url(to)) if to else settings
    overwriting = force and holds(target) != 0 and _confirmed(target)
    begun = monotonic()
    with progress.bars() as show:
        looked = restore(target, file, overwriting=overwriting, show=show)
    manifest = looked.manifest
    click.echo(
        f"恢复好了：{manifest.made_at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M:%S} 的备份，", nl=False
    )
    click.echo(f"{size_text(manifest.dump_bytes)}，{manifest.total:,} 行，用了 {monotonic() - begun:.1f} 秒")
    if overwriting and manifest.database == copies.SQLITE:
        click.echo(f"原来的库留在 {sqlite_copy.aside(sqlite_copy.file_of(target))}，确认无误后请删除。")
    _tell(looked)
    if clock.local_day(manifest.made_at) < clock.local_day(clock.now()):
        click.echo("备份以后才到期的个人信息又回来了，服务启动后会再清除；现在就清除，请运行 quizsvc erase。")
    if written is not None:
        click.echo(_compared(target, manifest, written))


@backup.command("list")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@with_appcontext
def list_command(folder: Path) -> None:
    """列出一个文件夹里的备份，新的在前。"""
    ring = _ring(current_app.config["SETTINGS"])
    found = files_in(folder)
    for file in found:
        try:
            manifest = archive.manifest_of(ring, file)
        except Refusal as refusal:
            click.echo(f"{file.name}\t{size_text(file.stat().st_size)}\t{refusal.text}")
            continue
        click.echo(
            f"{file.name}\t{size_text(file.stat().st_size)}\t{copies.KIND_NAMES[manifest.database]}\t"
            f"{manifest.revision}\t{manifest.total:,} 行\t{manifest.anchor[:24]}…"
        )
    click.echo(f"共 {len(found)} 份")


def _url(to: str) -> str:
    return to if "://" in to else f"sqlite:///{Path(to).resolve()}"


def _confirmed(settings: Settings) -> bool:
    """Ask for the name of the database that is to be replaced."""
    name = Path(make_url(settings.database_url).database or "").name
    if click.prompt(f"目标里已经有数据，会被覆盖。要继续，请输入数据库的名字 {name}") != name:
        raise Refusal("名字不对，没有动目标数据库。")
    return True


def _tell(looked: Looked) -> None:
    """Print what a look through a backup showed; a fault ends the command with 1."""
    for one in looked.campaigns:
        click.echo(
            f"  {one.name}（{one.code}）：{one.rounds} 个场次，交卷 {one.submitted:,} 份，作废 {one.voided:,} 份"
        )
    click.echo(f"  操作记录链头：{looked.manifest.anchor}")
    for finding in looked.findings:
        click.echo(finding.line)
    if looked.note:
        click.echo(looked.note)
    for fault in looked.faults:
        click.echo(f"  行数不对：{fault}")
    if looked.faults or any(finding.faults for finding in looked.findings):
        raise Refusal("备份里的内容有上面这些问题。")


def _compared(settings: Settings, manifest: Manifest, written: ledger.Anchor) -> str:
    """Tell how a restored log stands to what somebody has copied down."""
    later = written.seq - manifest.audit_seq
    if later > 0:
        return (
            f"抄下的链头是第 {written.seq} 条，备份到第 {manifest.audit_seq} 条：之后的 {later} 条不在里面。"
        )
    with copies.opened(settings):
        found = db.session.execute(select(AuditEntry.hash).where(AuditEntry.seq == written.seq)).scalar()
    if not (found or ledger.GENESIS).startswith(written.hash):
        raise Refusal(f"第 {written.seq} 条操作记录和抄下的链头不同：备份之前记录被改写过。")
    return f"和抄下的链头一致：第 {written.seq} 条没有变，备份里还有之后的 {-later} 条。"


def size_text(count: int) -> str:
    """Write a number of bytes: 12.3 MB."""
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}"
    return f"{count} B"
