"""Command line of the roster: import, unit, headcount, list."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.core import rosterplan
from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import Plan
from quizsvc.core.term import term_label, term_of
from quizsvc.core.unitname import KIND_NAMES
from quizsvc.roster import files, operations, queries
from quizsvc.roster.queries import UnitRow

MOST_FAULTS = 50

TERM = click.option("--term", required=True, help="学期，例如 2026-2027-1。")
DRY_RUN = click.option("--dry-run", is_flag=True, help="只看会改什么，不写入。")


@click.group()
def roster() -> None:
    """名册：单位、名单、应测人数。"""


@roster.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--under", "path", required=True, help="名单所属的单位，写它的路径，例如 yg/sy/。")
@TERM
@DRY_RUN
@click.option(
    "--leave-missing/--remove-missing",
    "leave_missing",
    default=True,
    help="名单里没有的人：保持不动（默认），或者移出。",
)
@with_appcontext
def import_(file: Path, path: str, term: str, dry_run: bool, leave_missing: bool) -> None:
    """导入名单（CSV、XLSX、XLS）；有一行不对就一个人也不导入。"""
    unit = queries.unit_at(_slashed(path))
    term_label(term)
    if file.stat().st_size > files.LARGEST_FILE:
        raise files.Unreadable(files.TOO_LARGE)
    sheet = files.read_roster(file.read_bytes())
    plan = queries.plan_import(unit.id, term, sheet)
    held = plan.held if leave_missing else ()
    for fault in (plan.rejected or held)[:MOST_FAULTS]:
        click.echo(f"第 {fault.line} 行（{fault.column}）：{fault.reason}", err=True)
    if plan.rejected:
        raise Refusal(f"有 {len(plan.rejected)} 行要先改好，一个人也没有导入。")
    if dry_run:
        click.echo(f"{_planned(plan, leave_missing)}没有写入。")
        return
    done = operations.import_units_and_places(
        unit_id=unit.id, term=term, sheet=sheet, at=clock.now(), actor=CLI, remove_missing=not leave_missing
    )
    click.echo(
        f"新单位 {done.units}，新增 {done.new}，改动 {done.changed}，换班 {done.moved}，返回 {done.returned}，"
        f"移出 {done.left}，不变 {done.same}；改了 {done.headcounts} 个{KIND_NAMES.get(sheet.form, '班')}的应测人数。"
    )


@roster.command()
@click.argument("path")
@click.argument("name")
@click.argument("kind")
@DRY_RUN
@with_appcontext
def unit(path: str, name: str, kind: str, dry_run: bool) -> None:
    """新建一个单位：PATH 是它的路径，最后一段是它的代号；KIND 是 county、school、grade、class 等。"""
    above, _, code = _slashed(path)[:-1].rpartition("/")
    parent = queries.unit_at(f"{above}/") if above else None
    if dry_run:
        click.echo(f"会在{parent.name if parent else '最上层'}下面新建“{name}”（{code}）。没有写入。")
        return
    made = queries.unit(
        operations.add_unit(
            parent_id=parent.id if parent else None,
            name=name,
            kind=kind,
            code=code,
            at=clock.now(),
            actor=CLI,
        )
    )
    click.echo(f"新建了“{made.name}”：{made.path}")


@roster.command()
@click.argument("path")
@click.argument("number", type=click.IntRange(0, rosterplan.LARGEST_SEAT))
@TERM
@DRY_RUN
@with_appcontext
def headcount(path: str, number: int, term: str, dry_run: bool) -> None:
    """设一个班的应测人数。"""
    row = queries.unit_at(_slashed(path))
    if dry_run:
        if queries.children(row.id):
            raise operations.NotAClass
        filled = rosterplan.fill(queries.known_places(row.path, term), number)
        click.echo(f"会添上 {len(filled.opened)} 个座号，去掉 {len(filled.closed)} 个。没有写入。")
        return
    counted = operations.set_headcount(unit_id=row.id, term=term, expected=number, at=clock.now(), actor=CLI)
    before = "没有设过" if counted.before is None else f"{counted.before} 人"
    click.echo(f"{row.name}：原来{before}，现在 {counted.after} 人。")


@roster.command("list")
@click.argument("path", default="")
@click.option("--term", default="", help="学期；不写就是现在的学期。")
@click.option("--json", "as_json", is_flag=True, help="写成 JSON，给脚本用。")
@with_appcontext
def list_(path: str, term: str, as_json: bool) -> None:
    """列出单位和各班人数；不写路径就列出全部。"""
    term = term or term_of(clock.local_day(clock.now()))
    term_label(term)
    roots = [queries.unit_at(_slashed(path))] if path else queries.children(None)
    told = [line for root in roots for line in _told(root, term)]
    if as_json:
        click.echo(json.dumps({"term": term, "units": told}, ensure_ascii=False, indent=2))
        return
    for line in told:
        count = "" if line["expected"] is None else f"  应测 {line['expected']}，免测 {line['exempt']}"
        click.echo(f"{line['path']}  {line['name']}{count}")
    click.echo(f"{len(told)} 个单位，{term_label(term)}。")


def _told(root: UnitRow, term: str) -> list[dict[str, object]]:
    """Describe a unit and everything under it; counts stand on the classes."""
    counts = {line.unit.id: line for line in queries.class_lines(root.path, term)}
    told: list[dict[str, object]] = []
    for row in queries.under(root.path):
        line = counts.get(row.id)
        facts: dict[str, object] = asdict(row)
        del facts["id"], facts["parent_id"], facts["position"]
        facts["expected"] = line.expected if line else None
        facts["named"] = line.named if line else 0
        facts["exempt"] = line.exempt if line else 0
        told.append(facts)
    return told


def _planned(plan: Plan, leave_missing: bool) -> str:
    new = len(plan.new) + sum(len(count.fill.opened) for count in plan.counts)
    gone = 0 if leave_missing else len(plan.missing)
    gone += len(plan.replaced) + sum(len(count.fill.closed) for count in plan.counts)
    return (
        f"新单位 {len(plan.new_units)}，新增 {new}，改动 {len(plan.changed)}，换班 {len(plan.moved)}，"
        f"返回 {len(plan.returned)}，移出 {gone}，不变 {len(plan.same)}；名单里没有的 {len(plan.missing)}。"
    )


def _slashed(path: str) -> str:
    return f"{path.strip('/')}/"
