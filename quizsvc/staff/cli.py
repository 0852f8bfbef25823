"""The commands `quizsvc staff …`: the first account, links, grants, ends."""

import json
from datetime import timedelta
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from quizsvc import audit, clock
from quizsvc.core.access import ROLE_NAMES, Role
from quizsvc.roster import queries as roster
from quizsvc.staff import operations, queries

STATES = {"invited": "等待设置密码", "active": "可用", "ended": "已停用"}

role_option = click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    callback=lambda _context, _option, value: Role(value),
    help="身份：" + "，".join(f"{role.value} {name}" for role, name in ROLE_NAMES.items()),
)
unit_option = click.option("--unit", "path", help="单位的路径，例如 yg/sy/703；系统管理员不写。")
dry_run_option = click.option("--dry-run", is_flag=True, help="只检查，不写入。")


@click.group()
def staff() -> None:
    """员工账号：邀请、链接、授权、两步登录、停用。"""


@staff.command()
@click.argument("login")
@click.argument("name")
@role_option
@unit_option
@dry_run_option
@with_appcontext
def invite(login: str, name: str, role: Role, path: str | None, dry_run: bool) -> None:
    """开一个账号，打印一次性链接（7 天内有效）。密码由本人打开链接设置。"""
    unit = _unit(path)
    if dry_run:
        queries.check_invitation(login=login, name=name, role=role, unit=unit)
        click.echo(f"预演：可以邀请 {name}，{_place(role, unit)}。没有写入。")
        return
    issued = operations.invite(
        login=login, name=name, role=role, unit_id=unit.id if unit else None, at=clock.now(), actor=audit.CLI
    )
    click.echo(f"已邀请 1 人：{issued.name}（{issued.login}），{_place(role, unit)}")
    _print_link(issued)


@staff.command()
@click.argument("login")
@dry_run_option
@with_appcontext
def link(login: str, dry_run: bool) -> None:
    """给已有的账号一个新的一次性链接，用来设置或重设密码。"""
    person = queries.person_by_login(login)
    if dry_run:
        click.echo(f"预演：会给 {person.name}（{person.login}）一个新链接，旧链接作废。没有写入。")
        return
    _print_link(operations.issue_link(staff_id=person.staff_id, at=clock.now(), actor=audit.CLI))


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="给程序读的格式。")
@with_appcontext
def list_(as_json: bool) -> None:
    """列出全部账号和授权。"""
    people = queries.everybody()
    if as_json:
        click.echo(json.dumps([_plain(person) for person in people], ensure_ascii=False, indent=2))
        return
    for person in people:
        held = (
            "；".join(f"{grant.unit_name} {ROLE_NAMES[grant.role]}" for grant in person.grants) or "没有授权"
        )
        click.echo(f"{person.login}\t{person.name}\t{STATES[person.state]}\t{held}")
    click.echo(f"共 {len(people)} 个账号")


@staff.command()
@click.argument("login")
@dry_run_option
@with_appcontext
def end(login: str, dry_run: bool) -> None:
    """停用账号：退出登录，收回全部授权和链接。"""
    person = queries.person_by_login(login)
    if dry_run:
        click.echo(f"预演：会停用 {person.name}，收回 {len(person.grants)} 个授权。没有写入。")
        return
    operations.end(staff_id=person.staff_id, at=clock.now(), actor=audit.CLI)
    click.echo(f"已停用 1 个账号：{person.name}，收回 {len(person.grants)} 个授权")


@staff.command("reset-two-step")
@click.argument("login")
@dry_run_option
@with_appcontext
def reset_two_step(login: str, dry_run: bool) -> None:
    """手机丢了、恢复码也找不到：关掉一个账号的两步登录，本人登录后可以重新设置。"""
    person = queries.person_by_login(login)
    if dry_run:
        state = "已打开，会关掉" if person.two_step else "没有打开，不用重设"
        click.echo(f"预演：{person.name}的两步登录{state}。没有写入。")
        return
    operations.turn_off_two_step(staff_id=person.staff_id, at=clock.now(), actor=audit.CLI)
    click.echo(f"已重设 1 个账号：{person.name}下次只用密码登录，其他设备上的登录都已退出")


@staff.command()
@click.option("--days", default=180, show_default=True, type=click.IntRange(1, 3650), help="多少天没有登录。")
@click.option("--json", "as_json", is_flag=True, help="给程序读的格式。")
@with_appcontext
def stale(days: int, as_json: bool) -> None:
    """列出很久没有登录的账号，看看是不是该停用了。"""
    people = queries.stale(clock.now() - timedelta(days=days))
    if as_json:
        click.echo(json.dumps([_plain(person) for person in people], ensure_ascii=False, indent=2))
        return
    for person in people:
        last = person.signed_in_on or f"从未（{clock.local_day(person.created_at)} 开通）"
        click.echo(f"{person.login}\t{person.name}\t{last}")
    click.echo(f"共 {len(people)} 个账号 {days} 天没有登录")


@staff.command()
@click.argument("login")
@role_option
@unit_option
@dry_run_option
@with_appcontext
def grant(login: str, role: Role, path: str | None, dry_run: bool) -> None:
    """给已有的账号再加一个授权。"""
    person, unit = queries.person_by_login(login), _unit(path)
    if dry_run:
        queries.check_place(role, unit)
        click.echo(f"预演：会给 {person.name} 加授权 {_place(role, unit)}。没有写入。")
        return
    unit_id = unit.id if unit else None
    operations.grant(staff_id=person.staff_id, role=role, unit_id=unit_id, at=clock.now(), actor=audit.CLI)
    click.echo(f"已加 1 个授权：{person.name}，{_place(role, unit)}")


@staff.command()
@click.argument("login")
@role_option
@unit_option
@dry_run_option
@with_appcontext
def revoke(login: str, role: Role, path: str | None, dry_run: bool) -> None:
    """收回一个授权，对方的下一次点击就生效。"""
    person, unit = queries.person_by_login(login), _unit(path)
    held = queries.held_by(person, role, unit)
    if dry_run:
        click.echo(f"预演：会收回 {person.name} 的授权 {_place(role, unit)}。没有写入。")
        return
    operations.revoke(grant_id=held.grant_id, at=clock.now(), actor=audit.CLI)
    click.echo(f"已收回 1 个授权：{person.name}，{_place(role, unit)}")


def _unit(path: str | None) -> roster.UnitRow | None:
    return roster.unit_at(f"{path.strip('/')}/") if path else None


def _place(role: Role, unit: roster.UnitRow | None) -> str:
    return f"{unit.name if unit else queries.EVERYWHERE} {ROLE_NAMES[role]}"


def _print_link(issued: operations.Issued) -> None:
    click.echo("请把下面的链接只发给本人，7 天内有效，用一次就失效：")
    click.echo(f"{current_app.config['SETTINGS'].public_url}{issued.path}")


def _plain(person: queries.Person) -> dict[str, Any]:
    return {
        "login": person.login,
        "name": person.name,
        "state": person.state,
        "created_at": person.created_at.isoformat(),
        "signed_in_at": person.signed_in_at.isoformat() if person.signed_in_at else None,
        "two_step": person.two_step,
        "grants": [{"role": held.role.value, "unit": held.path} for held in person.grants],
    }
