"""The commands `quizsvc rules check | publish | show`."""

from dataclasses import replace
from pathlib import Path

import click
from flask.cli import with_appcontext

from quizsvc import audit, clock
from quizsvc.campaign import queries as campaign
from quizsvc.core import announcement, rulebook
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules
from quizsvc.rulebook import files, operations, queries

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def rules() -> None:
    """竞赛规则：检查、公布、显示。"""


@rules.command()
@FILE
@with_appcontext
def check(file: Path) -> None:
    """看规则文件还缺什么；有缺的就一条条说出来，并以 1 退出。"""
    round_id, written = _read(file)
    if _shown(round_id, written):
        raise SystemExit(1)
    click.echo(f"内容齐了，指纹 {rulebook.content_hash(rulebook.written(written))}")


@rules.command()
@FILE
@click.option(
    "--confirm", "confirmation", required=True, help="把场次代号原样写一遍，表示看清楚了：公布后不能收回"
)
@click.option("--reason", default="", help="为什么改；第二版起要写，会一起公布")
@click.option("--dry-run", is_flag=True, help="只检查，不公布")
@with_appcontext
def publish(file: Path, confirmation: str, reason: str, dry_run: bool) -> None:
    """把规则文件公布成新的一版。"""
    round_id, written = _read(file)
    before = queries.in_force(round_id)
    number = operations.publish(
        round_id=round_id,
        rules=written,
        looked_at=rulebook.content_hash(rulebook.written(written)),
        after=before.number if before else 0,
        confirmation=confirmation,
        reason=reason,
        at=clock.now(),
        actor=audit.CLI,
        dry_run=dry_run,
    )
    said = "检查通过，没有公布" if dry_run else "已公布"
    click.echo(f"{said}：第 {number} 版，指纹 {rulebook.content_hash(rulebook.written(written))}")


@rules.command()
@click.argument("code", metavar="ROUND")
@click.option("--json", "as_json", is_flag=True, help="公布的原文，指纹就是它的 SHA-256")
@with_appcontext
def show(code: str, as_json: bool) -> None:
    """显示一个场次现行的规则和所有版本。"""
    versions = queries.versions(campaign.round_by_code(code).id)
    if not versions:
        raise Refusal(f"场次 {code} 还没有公布规则。")
    newest = versions[-1]
    if as_json:
        click.echo(rulebook.text(newest.content), nl=False)
        return
    said = announcement.sentences(newest.rules)
    click.echo(f"{newest.rules.round.title}：{said.summary}")
    for tier in newest.rules.tiers:
        click.echo(f"  {tier.name} {tier.number} 名：{tier.item}，{rulebook.BY[tier.by]}")
    for one in versions:
        reason = f"：{one.reason}" if one.reason else ""
        click.echo(f"第 {one.number} 版  {rulebook.moment(one.published_at)}  {one.hash}{reason}")


def _read(file: Path) -> tuple[int, Rules]:
    """Return the round a file is for and its rules, in the form in which they would be published."""
    shape = files.read_rules(file)
    round_id = campaign.round_by_code(shape.round).id
    facts = queries.facts(round_id)
    return round_id, replace(rulebook.tidied(shape.rules(facts)), round=facts)


def _shown(round_id: int, written: Rules) -> int:
    """Say what keeps rules from being published; return how much that is."""
    before = queries.in_force(round_id)
    found = announcement.gaps(written)
    if before is not None:
        started = announcement.started(before.rules, written, clock.now())
        for change in announcement.changes(before.rules, written):
            click.echo(f"和第 {before.number} 版不同：{change.label}：{change.old} → {change.new}")
        found += announcement.refused_changes(before.rules, written, started=started)
    for gap in found:
        click.echo(f"{rulebook.LABELS[gap.field]}：{gap.sentence}")
    return len(found)
