"""Keys: which there are and what they hold, a new one, old ones retired; the keys that sign cookies."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Column, select, text, update

from quizsvc import audit, clock, vault
from quizsvc.audit import Actor, record
from quizsvc.core.refusal import Refusal
from quizsvc.db import Base, db, operation
from quizsvc.settings import Settings, rotate_secret

BATCH = 200


@dataclass(frozen=True, slots=True)
class Resealed:
    """One batch: the last row looked at, how many were looked at and how many got the newest key."""

    last: Any
    seen: int
    changed: int


def sealed_columns() -> list[Column[Any]]:
    """List the columns whose values are sealed."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.info.get("sealed")
    ]


def held() -> Counter[tuple[str, str]]:
    """Count the sealed values by key and column: ("3f2a91c0", "staff_staff.totp_secret")."""
    return Counter(
        (vault.sealed_with(sealed), str(column))
        for column in sealed_columns()
        for sealed in db.session.execute(select(column).where(column.is_not(None))).scalars()
    )


def rotate(key_file: Path, *, at: datetime, actor: Actor, progress: Callable[[int], object]) -> int:
    """Seal every value with the newest key, after adding one unless an earlier rotation is to be finished.

    Retired keys open too: a restored backup brings back values that were sealed with them.
    """
    counts = held()
    ring = vault.ring_for_backups(key_file)  # after the values: read now, it knows every key that sealed them
    _refuse_unknown(counts, ring)
    if not _by_older(counts, ring):
        added = vault.add_key(key_file).keys[0].id.hex()
        audit.record_alone(actor=actor, action="keys.added", on="keys", at=at, key=added)
    changed = 0
    for batch in _batches(key_file, at):
        changed += batch.changed
        progress(batch.seen)
    return changed


@operation
def reseal(*, column: Column[Any], after: Any, key_file: Path, at: datetime) -> Resealed:
    """Seal the values of one batch of rows with the newest key; what somebody changes meanwhile is left as it is."""
    (row,) = column.table.primary_key.columns
    page = select(row, column).where(column.is_not(None)).order_by(row).limit(BATCH)
    found = db.session.execute(page if after is None else page.where(row > after)).all()
    ring = vault.ring_for_backups(key_file)  # after the values: read now, it knows every key that sealed them
    older = [(number, sealed) for number, sealed in found if not ring.sealed_by_newest(sealed)]
    for number, sealed in older:
        place = vault.place(column, number)
        fresh = ring.seal(_opened(ring, sealed, place), place=place)
        db.session.execute(
            update(column.table).where(row == number, column == sealed).values({column.name: fresh})
        )
    return Resealed(found[-1][0] if found else None, len(found), len(older))


@operation
def retire(*, key_file: Path, at: datetime, actor: Actor) -> tuple[str, ...]:
    """Keep the old keys for old backups alone, once no value needs them; return their ids."""
    _hold_writers()
    ring = vault.kept_ring(key_file)
    if len(ring.keys) == 1:
        raise Refusal("只有一个密钥，没有可以退役的。要换新的，请运行：quizsvc keys rotate")
    left = sum(_by_older(held(), ring).values())
    if left:
        raise Refusal(f"还有 {left} 个值用的是旧密钥，不能退役。请先运行：quizsvc keys rotate")
    retired = tuple(key.id.hex() for key in vault.retire_old_keys(key_file))
    record(actor=actor, action="keys.retired", on="keys", at=at, keys=retired)
    return retired


def _hold_writers() -> None:
    """Wait for whoever is sealing a value with an older key, and let nobody begin before we are done."""
    if db.engine.dialect.name == "postgresql":  # SQLite has one writer at a time, and that is us
        for table in sorted({column.table.name for column in sealed_columns()}):
            db.session.execute(text(f"LOCK TABLE {table} IN EXCLUSIVE MODE"))


def _batches(key_file: Path, at: datetime) -> Iterator[Resealed]:
    for column in sealed_columns():
        after = None
        while True:
            batch = reseal(column=column, after=after, key_file=key_file, at=at)
            yield batch
            if batch.seen < BATCH:
                break
            after = batch.last


def _opened(ring: vault.KeyRing, sealed: str, place: str) -> str:
    try:
        return ring.open(sealed, place=place)
    except vault.Unopenable as unopenable:
        raise vault.Unopenable(f"{place}：{unopenable.text}", status=unopenable.status) from unopenable


def _by_older(counts: Counter[tuple[str, str]], ring: vault.KeyRing) -> Counter[tuple[str, str]]:
    newest = ring.keys[0].id.hex()
    return Counter({one: count for one, count in counts.items() if one[0] != newest})


def _refuse_unknown(counts: Counter[tuple[str, str]], ring: vault.KeyRing) -> None:
    known = {key.id.hex() for key in ring.keys}
    lost: Counter[str] = Counter()
    for (key, _), count in counts.items():
        if key not in known:
            lost[key] += count
    if lost:
        told = "，".join(f"{key}（{count} 个值）" for key, count in sorted(lost.items()))
        raise vault.Unopenable(f"密钥文件里缺少 {told}。请先把原来的密钥文件找回来，再换密钥。没有改动。")


@click.group()
def keys() -> None:
    """密钥：加密备份和少数机密内容的密钥，给登录签名的密钥。"""


dry_run_option = click.option("--dry-run", is_flag=True, help="只检查，不写入。")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="给程序读的格式。")
@with_appcontext
def list_(as_json: bool) -> None:
    """列出密钥：哪个在用，每个还管着多少个值。密钥本身不显示。"""
    rows = _listed(_settings().key_file)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        values = "，".join(f"{name} {count} 个" for name, count in sorted(row["values"].items()))
        click.echo(f"{row['key']}\t{STATES[row['state']]}\t{values or '没有加密的值'}")
    click.echo(f"共 {len(rows)} 个密钥；给登录签名的密钥 {len(_settings().signing_keys)} 个")


STATES = {
    "newest": "在用：新内容都用它加密",
    "older": "旧的：只用来打开",
    "retired": "已退役：只用来打开以前的备份",
    "lost": "缺少：请把它找回来",
}


def _listed(key_file: Path) -> list[dict[str, Any]]:
    ring, counts = vault.kept_ring(key_file), held()
    states = {key.id.hex(): "older" for key in ring.keys}
    states[ring.keys[0].id.hex()] = "newest"
    for key in vault.ring_for_backups(key_file).keys:
        states.setdefault(key.id.hex(), "retired")
    for lost in sorted({key for key, _ in counts} - states.keys()):
        states[lost] = "lost"
    return [
        {
            "key": key,
            "state": state,
            "values": {name: count for (id_, name), count in counts.items() if id_ == key},
        }
        for key, state in states.items()
    ]


@keys.command("rotate")
@dry_run_option
@with_appcontext
def rotate_command(dry_run: bool) -> None:
    """加一个新密钥，把所有加密的值换成用它加密。服务不用停；中断了再运行一次就接着做。"""
    key_file = _settings().key_file
    ring, counts = vault.ring_for_backups(key_file), held()
    _refuse_unknown(counts, ring)
    unfinished = bool(_by_older(counts, ring))
    if dry_run:
        begin = "会接着上一次换下去" if unfinished else "会加一个新密钥"
        click.echo(f"预演：{begin}，要看 {counts.total()} 个值。没有写入。")
        return
    with click.progressbar(length=counts.total(), label="正在换密钥") as bar:
        changed = rotate(key_file, at=clock.now(), actor=audit.CLI, progress=bar.update)
    left = sum(_by_older(held(), vault.kept_ring(key_file)).values())
    newest = vault.kept_ring(key_file).keys[0].id.hex()
    click.echo(
        f"{'接着换完' if unfinished else '已加新密钥'} {newest}：{changed} 个值改用它加密，还剩 {left} 个用旧密钥"
    )
    click.echo("请马上把密钥文件再抄一份到保管处：以后的备份要用新密钥才能打开。")
    click.echo(
        "还剩的请再运行一次 quizsvc keys rotate。" if left else "旧密钥可以退役了：quizsvc keys retire"
    )


@keys.command("retire")
@dry_run_option
@with_appcontext
def retire_command(dry_run: bool) -> None:
    """让旧密钥退役：没有值再用它们时，移到旁边的 .retired 文件，只用来打开以前的备份。"""
    key_file = _settings().key_file
    if dry_run:
        ring = vault.kept_ring(key_file)
        left = sum(_by_older(held(), ring).values())
        click.echo(f"预演：有 {len(ring.keys) - 1} 个旧密钥，还有 {left} 个值用着它们。没有写入。")
        return
    retired = retire(key_file=key_file, at=clock.now(), actor=audit.CLI)
    click.echo(f"已退役 {len(retired)} 个密钥：{'，'.join(retired)}")
    click.echo(
        f"它们移到了 {vault.retired_beside(key_file).name}，只用来打开以前的备份。"
        "等那些备份都过期删除了，这个文件也可以删除。"
    )


@keys.command("rotate-signing")
@click.option("--drop-older", is_flag=True, help="旧的马上作废：所有人都要重新登录。密钥泄露时用。")
@dry_run_option
@with_appcontext
def rotate_signing(drop_older: bool, dry_run: bool) -> None:
    """给登录签名换一个新密钥；旧的还认，已经登录的人不受影响。"""
    settings = _settings()
    file = settings.secret_file
    if not file.exists() or tuple(file.read_text().split()) != settings.signing_keys:
        raise Refusal(
            "签名密钥写在 QUIZSVC_SECRET_KEY 里，程序改不了。请自己在最前面加一个新的，和旧的隔一个空格，再重启服务。"
        )
    fate = "旧的作废，所有人都要重新登录" if drop_older else "旧的还认，已经登录的人不受影响"
    if dry_run:
        click.echo(f"预演：会加一个新的签名密钥；{fate}。没有写入。")
        return
    kept = rotate_secret(file, drop_older=drop_older)
    audit.record_alone(
        actor=audit.CLI, action="keys.signing_rotated", on="keys", at=clock.now(), kept=len(kept)
    )
    click.echo(f"已换新的签名密钥，现在共 {len(kept)} 个；{fate}")
    click.echo("重启服务后生效：要停下再启动（restart），不是 reload。")


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
