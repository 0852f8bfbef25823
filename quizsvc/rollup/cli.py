"""`quizsvc rollup`: head counts and rates of a round on the command line."""

import json
from typing import Any

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.campaign import queries as campaign
from quizsvc.core import indicators
from quizsvc.rollup import queries
from quizsvc.rollup.queries import Level

RATES = (indicators.coverage, indicators.first_awareness, indicators.awareness)


@click.group()
def rollup() -> None:
    """已测、知晓：按单位汇总。"""


@rollup.command()
@click.argument("round_code", metavar="ROUND")
@click.option("--under", metavar="PATH", help="只看这个单位和它下面的，例如 yg/sy/。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，比率以万分之一为单位。")
@with_appcontext
def show(round_code: str, under: str | None, as_json: bool) -> None:
    """显示一个场次的应测、已测、知晓人数和比率，每一级单位一行。"""
    at = clock.now()
    round_ = campaign.round_by_code(round_code)
    path = round_.campaign_unit_path if under is None else f"{under.strip('/')}/"
    found = queries.levels_under(round_, path)
    if as_json:
        document = {"round": round_.code, "as_of": at.isoformat(), "units": [line(level) for level in found]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    click.echo(f"{round_.code}  截至 {at.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}")
    click.echo("单位\t应测\t已测\t还差\t完成率\t首测知晓率\t学后知晓率")
    for level in found:
        counts = (level.tally.expected, level.tally.done, level.missing)
        rates = [rate(level.tally).text for rate in RATES]
        click.echo("\t".join([level.unit.path, *map(str, counts), *rates]))


def line(level: Level) -> dict[str, Any]:
    """Return one unit as it stands in the JSON."""
    unit, tally = level.unit, level.tally
    return {
        "code": unit.code,
        "path": unit.path,
        "name": unit.name,
        "kind": unit.kind,
        "expected": tally.expected,
        "exempt": tally.exempt,
        "done": tally.done,
        "open": tally.open,
        "aware": tally.aware,
        "first_aware": tally.first_aware,
        "full": tally.full,
        "score": tally.score,
        "out_of": tally.out_of,
        "missing": level.missing,
        "coverage": indicators.coverage(tally).permyriad,
        "awareness": indicators.awareness(tally).permyriad,
        "first_awareness": indicators.first_awareness(tally).permyriad,
    }
