"""The command `quizsvc link`."""

import json
from datetime import datetime
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from quizsvc import audit, clock
from quizsvc.campaign import queries as campaign
from quizsvc.core import linkcode
from quizsvc.link import operations, queries
from quizsvc.roster import queries as roster
from quizsvc.settings import Settings

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.group()
def link() -> None:
    """班级链接：发放、列表、换指向、停用、延长。"""


@link.command()
@click.argument("round_code")
@click.option("--unit", "unit_path", help="只发这个单位下面的班，写路径；不写就是整个场次")
@click.option("--place", default="", help="地点，例如 图书馆；不写就是教室")
@click.option("--dry-run", is_flag=True, help="只数，不写入")
@with_appcontext
def issue(round_code: str, unit_path: str | None, place: str, dry_run: bool) -> None:
    """给场次里的每个班发一个链接；已经有的不变。"""
    round_ = campaign.round_by_code(round_code)
    path = roster.unit_at(unit_path).path if unit_path else round_.campaign_unit_path
    issued = operations.issue_links(
        round_id=round_.id,
        unit_ids=[unit.id for unit in queries.classes(round_, path)],
        place=place,
        at=clock.now(),
        actor=audit.CLI,
        dry_run=dry_run,
    )
    click.echo(f"{_verb(dry_run)}新发 {issued.new} 个链接，原有 {issued.existing} 个不变")


@link.command("list")
@click.argument("round_code")
@click.option("--unit", "unit_path", help="只列这个单位下面的班，写路径")
@click.option("--all", "with_revoked", is_flag=True, help="连停用的一起列")
@click.option("--json", "as_json", is_flag=True, help="给脚本用的 JSON")
@with_appcontext
def list_links(round_code: str, unit_path: str | None, with_revoked: bool, as_json: bool) -> None:
    """列出场次的班级链接。"""
    round_ = campaign.round_by_code(round_code)
    path = roster.unit_at(unit_path).path if unit_path else round_.campaign_unit_path
    rows = [_facts(door) for door in queries.doors_of(round_.id, path, revoked=with_revoked)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        mark = f"  {round_.watermark}" if round_.watermark else ""
        click.echo(
            f"{row['code']}  {row['school']}{row['unit']}{row['place']}  {row['phrase']}  {row['poster']}  "
            f"{queries.STATE_NAMES[row['state']]}{mark}"
        )
    click.echo(f"共 {len(rows)} 个链接")


@link.command()
@click.argument("code")
@click.option("--round", "round_code", help="新的场次代号")
@click.option("--unit", "unit_path", help="新的班级，写路径")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def repoint(code: str, round_code: str | None, unit_path: str | None, dry_run: bool) -> None:
    """让印好的码通到另一个场次或班级。"""
    door = queries.door(linkcode.parse(code))
    operations.repoint(
        link_id=door.link_id,
        round_id=campaign.round_by_code(round_code).id if round_code else None,
        unit_id=roster.unit_at(unit_path).id if unit_path else None,
        at=clock.now(),
        actor=audit.CLI,
        dry_run=dry_run,
    )
    click.echo(f"{_verb(dry_run)}{door.code} 换了指向")


@link.command()
@click.argument("code")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def revoke(code: str, dry_run: bool) -> None:
    """停用一个链接，不能恢复。"""
    door = queries.door(linkcode.parse(code))
    operations.revoke(link_id=door.link_id, at=clock.now(), actor=audit.CLI, dry_run=dry_run)
    click.echo(f"{_verb(dry_run)}{door.code}（{door.school_name}{door.unit_name}）停用")


@link.command()
@click.argument("code")
@click.option("--closes", type=MOMENT, required=True, help="这个班的结束时间，北京时间")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def extend(code: str, closes: datetime, dry_run: bool) -> None:
    """只给一个班延长。"""
    door = queries.door(linkcode.parse(code))
    operations.extend(
        link_id=door.link_id,
        closes_at=closes.replace(tzinfo=clock.SHANGHAI),
        at=clock.now(),
        actor=audit.CLI,
        dry_run=dry_run,
    )
    click.echo(f"{_verb(dry_run)}{door.code} 延长到 {closes:%Y-%m-%d %H:%M}")


def _facts(door: queries.Door) -> dict[str, Any]:
    settings: Settings = current_app.config["SETTINGS"]
    return {
        "code": door.code,
        "address": door.address(settings.public_url),
        "unit": door.unit_name,
        "unit_path": door.unit_path,
        "school": door.school_name,
        "place": door.place,
        "phrase": str(door.phrase),
        "poster": door.poster_number,
        "closes_at": door.closes_at.isoformat(),
        "state": door.state(clock.now()),
    }


def _verb(dry_run: bool) -> str:
    return "检查通过，没有写入：" if dry_run else "已写入："
