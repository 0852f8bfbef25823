"""`quizsvc bulletin`: drafts, issues and the week's reminders on the command line."""

import json
from datetime import timedelta
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.bulletin import files, operations, queries
from quizsvc.campaign import queries as campaign
from quizsvc.clock import local_day
from quizsvc.core import bulletin as rules
from quizsvc.core import notices
from quizsvc.core.bulletin import PERIODS
from quizsvc.roster import queries as roster
from quizsvc.tables import local

OF_UNIT = click.option("--under", metavar="PATH", help="哪个单位，例如 yg/sy/；不写就是活动的主办单位。")


@click.group()
def bulletin() -> None:
    """通报：周报、月通报、年度通报，和每个班的本周提醒。"""


@bulletin.command("list")
@click.option("--json", "as_json", is_flag=True, help="给脚本用的 JSON")
@with_appcontext
def list_bulletins(as_json: bool) -> None:
    """列出正在拟的和已发出的通报。"""
    drafts, issues = queries.drafts_in(("",)), queries.issues_for(("",))
    if as_json:
        lines = [(state, one) for state, found in (("draft", drafts), ("issued", issues)) for one in found]
        document = [
            {"state": state, "id": one.id, "campaign": one.campaign_name, "unit": one.unit_path, "period": one.period,
             "heading": one.heading, "at": one.moment.isoformat(), "corrected": one.corrected}
            for state, one in lines
        ]  # fmt: skip
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    for word, found in (("拟稿", drafts), ("已发出", issues)):
        for one in found:
            click.echo(
                f"{word} {one.id}  {one.unit_name}  {PERIODS[one.period]}  {local(one.moment)}  {one.heading}"
            )
    click.echo(f"共 {len(drafts)} 份拟稿，{len(issues)} 期已发出")


@bulletin.command()
@click.argument("campaign_code", metavar="CAMPAIGN")
@click.option("--period", type=click.Choice(list(PERIODS)), default="month", help="周报、月通报还是年度通报")
@OF_UNIT
@click.option("--dry-run", is_flag=True, help="只看能不能拟，不写入")
@with_appcontext
def draft(campaign_code: str, period: str, under: str | None, dry_run: bool) -> None:
    """取现在的数，拟一份通报；已经有拟稿就接着用它。"""
    drive = campaign.campaign_by_code(campaign_code)
    unit = roster.unit_at(_path(under, drive.unit_path))
    draft_id = operations.begin(
        campaign_id=drive.id, unit_id=unit.id, period=period, at=clock.now(), actor=CLI, dry_run=dry_run
    )
    if dry_run:
        click.echo(f"可以拟：{unit.name}的{PERIODS[period]}，没有写入")
        return
    row = queries.draft(draft_id)
    click.echo(f"拟稿 {draft_id}：{row.issue.heading}，数据截至 {local(row.issue.figures.at)}")
    for heading, lines in rules.paragraphs(row.issue.texts):
        click.echo("\n".join(filter(None, (heading, *lines))))
    click.echo(f"发出：quizsvc bulletin issue {draft_id}")


@bulletin.command()
@click.argument("draft_id", type=int)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="发出以后把 PDF 和 Word 写到这里"
)
@click.option("--dry-run", is_flag=True, help="只看能不能发，不发出")
@with_appcontext
def issue(draft_id: int, out: Path | None, dry_run: bool) -> None:
    """发出一份拟稿；发出以后不能改。"""
    row = queries.draft(draft_id)
    bulletin_id = operations.issue(
        draft_id=draft_id, seen=row.saved_at, at=clock.now(), actor=CLI, dry_run=dry_run
    )
    if dry_run:
        click.echo(f"可以发：{row.issue.heading}，没有发出")
        return
    told = queries.issued(bulletin_id)
    click.echo(f"已发出 {bulletin_id}：{told.issue.heading}，指纹 {told.hash[:16]}")
    if out is not None:
        _write(told, out)


@bulletin.command()
@click.argument("bulletin_id", type=int)
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export(bulletin_id: int, out: Path) -> None:
    """把发出的通报写成 PDF 和 Word，每次都一样。"""
    _write(queries.issued(bulletin_id), out)


def _write(row: queries.IssuedRow, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for ending, write in (("docx", files.word), ("pdf", files.pdf)):
        file = out / f"{files.name(row.issue)}.{ending}"
        file.write_bytes(write(row.issue, foot=row.foot))
        click.echo(str(file))


@bulletin.command()
@click.argument("campaign_code", metavar="CAMPAIGN")
@OF_UNIT
@with_appcontext
def week(campaign_code: str, under: str | None) -> None:
    """写出每个班的本周提醒：只写人数，可以复制到班级群。"""
    drive, at = campaign.campaign_by_code(campaign_code), clock.now()
    unit = roster.unit_at(_path(under, drive.unit_path))
    monday, _ = rules.span("week", local_day(at))
    found = queries.reminders(
        drive, unit, public_url=str(current_app.config["SETTINGS"].public_url),
        tip=notices.tip_of(files.tips(), monday), at=at,
    )  # fmt: skip
    told = f"{monday:%Y-%m-%d} 至 {monday + timedelta(days=6):%Y-%m-%d}，{len(found)} 个班"
    click.echo(f"{told}，截至 {local(at)}", err=True)
    click.echo("\n\n".join(one.text for one in found))


def _path(under: str | None, home: str) -> str:
    return home if under is None else f"{under.strip('/')}/"
