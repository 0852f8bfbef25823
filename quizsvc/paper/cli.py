"""Command line of the papers: check a blueprint, freeze it, list what is frozen."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.paper import files, operations, queries

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def paper() -> None:
    """试卷：检查组卷规则、冻结、列出。"""


@paper.command()
@FILE
@with_appcontext
def check(file: Path) -> None:
    """看组卷规则能不能抽满题；抽不满时说出每条缺几道，并以 1 退出。"""
    plan = files.read_plan(file)
    if _shown(plan, queries.pool(plan)):
        raise SystemExit(1)


@paper.command()
@FILE
@click.option("--dry-run", is_flag=True, help="只检查，不冻结。")
@with_appcontext
def freeze(file: Path, dry_run: bool) -> None:
    """冻结一份试卷：规则和题目从此不变；同样的内容再冻结一次，还是同一份。"""
    plan = files.read_plan(file)
    pool = queries.pool(plan)
    if short := _shown(plan, pool):
        raise queries.Unfillable(short)
    if dry_run:
        click.echo("这是检查，没有冻结。")
        return
    paper_id = operations.freeze_paper(
        code=plan.code,
        title=plan.title,
        kind=plan.kind,
        blueprint=pool.blueprint,
        versions=pool.versions,
        topics=plan.topics,
        at=clock.now(),
        actor=CLI,
    )
    click.echo(f"已冻结，编号 {paper_id}，指纹 {queries.frozen(paper_id).content_hash}")


@paper.command("list")
@click.option("--json", "as_json", is_flag=True, help="写成 JSON，给脚本用。")
@with_appcontext
def list_(as_json: bool) -> None:
    """列出已经冻结的试卷。"""
    rows = queries.papers()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2, default=str))
        return
    for row in rows:
        click.echo(
            f"{row.id}  {row.code}  {row.title}：{row.item_count} 题 {row.total_points} 分，"
            f"从 {row.pool} 题中抽，指纹 {row.content_hash[:16]}"
        )
    click.echo(f"共 {len(rows)} 份试卷。")


def _shown(plan: queries.Plan, pool: queries.Pool) -> list[str]:
    """Print the rules and return what they lack."""
    rows = queries.rule_rows(pool.blueprint, pool.candidates, plan.topics)
    blueprint = pool.blueprint
    click.echo(
        f"{plan.title}（{plan.code}）：{blueprint.item_count} 题 {blueprint.total_points} 分，"
        f"从 {len(pool.versions)} 题中抽"
    )
    for row in rows:
        click.echo(f"  {row.label}：{row.count} 题 {row.points} 分，可选 {row.choice} 组")
    short = queries.shortfall_texts(rows)
    for text in short:
        click.echo(f"  题不够  {text}")
    return short
