"""The commands `quizsvc campaign` and `quizsvc round`."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import click
from click.core import ParameterSource
from flask.cli import with_appcontext

from quizsvc import audit, clock
from quizsvc.campaign import files, forms, operations, queries
from quizsvc.core import quota
from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster

DAY = click.DateTime(["%Y-%m-%d"])
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
OF_QUIZZES = ("limit_min", "late", "attempts", "per", "pace", "item_s", "practice", "places", "trades", "also",
              "counted", "threshold", "after_submit", "after_close")  # fmt: skip
"""Options that only rounds with questions and a key have."""
PARTS = click.Choice(operations.ALL_PARTS)


@click.group()
def campaign() -> None:
    """活动：新建、公众号、列表。"""


@campaign.command("open")
@click.option("--code", required=True, help="代号，例如 2026-autumn")
@click.option("--name", required=True, help="活动名称")
@click.option("--unit", "unit_path", required=True, help="范围：单位的路径，例如 yg/")
@click.option("--term", required=True, help="学期，例如 2026-2027-1")
@click.option("--target-on", type=DAY, required=True, help="达标日期")
@click.option("--target", "target_percent", type=click.IntRange(1, 100), default=100, help="知晓率目标（%）")
@click.option("--organiser", "organisers", multiple=True, required=True, help="主办单位，可写几次")
@click.option("--hotline", default="96110", help="咨询电话")
@click.option("--erase-on", type=DAY, required=True, help="清除个人信息的日期")
@click.option("--test", "is_test", is_flag=True, help="测试活动：不计入任何报表，以后不能改")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def open_(
    code: str, name: str, unit_path: str, term: str, target_on: datetime, target_percent: int,
    organisers: tuple[str, ...], hotline: str, erase_on: datetime, is_test: bool, dry_run: bool,
) -> None:  # fmt: skip
    """新建一个活动。"""
    plan = operations.CampaignPlan(
        code=code, name=name, unit_id=roster.unit_at(unit_path).id, term=term, target_on=target_on.date(),
        organisers=organisers, erase_on=erase_on.date(), target_permyriad=target_percent * 100,
        hotline=hotline, is_test=is_test,
    )  # fmt: skip
    operations.open_campaign(plan=plan, at=clock.now(), actor=audit.CLI, dry_run=dry_run)
    click.echo(f"{_verb(dry_run)}活动 {code}{'（测试·不计入）' if is_test else ''}")


@campaign.command()
@click.argument("code")
@click.argument("position", type=click.IntRange(1, operations.MOST_ACCOUNTS))
@click.argument("name")
@click.argument("image", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def account(code: str, position: int, name: str, image: Path, dry_run: bool) -> None:
    """给活动设第 POSITION 个公众号的名称和二维码图片。"""
    campaign_id = queries.campaign_by_code(code).id
    png = files.cleaned(image.read_bytes())
    operations.set_account(
        campaign_id=campaign_id, position=position, name=name, image=png, at=clock.now(), actor=audit.CLI,
        dry_run=dry_run,
    )  # fmt: skip
    click.echo(f"{_verb(dry_run)}第 {position} 个公众号：{name}，{len(png):,} 字节")


@campaign.command("list")
@click.option("--json", "as_json", is_flag=True, help="给脚本用的 JSON")
@with_appcontext
def list_campaigns(as_json: bool) -> None:
    """列出所有活动。"""
    found = queries.campaigns(("",))
    if as_json:
        click.echo(_json(found))
        return
    for one in found:
        mark = "  测试·不计入" if one.is_test else ""
        click.echo(
            f"{one.code}  {one.name}  {one.unit_name}  {one.term}  {one.target_on} 达标  "
            f"{one.rounds} 个场次  {one.accounts} 个公众号{mark}"
        )
    click.echo(f"共 {len(found)} 个活动")


@click.group("round")
def round_() -> None:
    """场次：新建、延长、提前结束、列表。"""


@round_.command("open")
@click.option("--campaign", "campaign_code", required=True, help="活动代号")
@click.option("--code", required=True, help="场次代号，例如 2026-autumn-1")
@click.option("--title", help="标题；不写就用这一种场次常用的")
@click.option("--paper", "paper_code", required=True, help="试卷、告知书、责任书、调查表或问卷的代号")
@click.option("--unit", "unit_paths", multiple=True, required=True, help="参加的单位的路径，可写几次")
@click.option("--opens", type=MOMENT, required=True, help="开始，北京时间，例如 2026-12-01T08:00")
@click.option("--closes", type=MOMENT, required=True, help="结束，北京时间")
@click.option(
    "--kind",
    type=click.Choice(list(operations.KINDS)),
    default="test",
    help="、".join(operations.KINDS.values()),
)
@click.option("--identity", type=click.Choice(list(operations.IDENTITIES)), default="seat", help="认人方式")
@click.option("--limit-min", type=click.IntRange(1), help="答题限时（分钟），不写就不限时")
@click.option(
    "--late", type=click.Choice(list(operations.LATE)), default="submit_from_saved", help="到时没交怎么办"
)
@click.option("--attempts", type=int, default=3, help="每人可以答几次")
@click.option("--per", type=click.Choice(list(quota.PER)), default="round", help="竞赛：次数按整场还是每天")
@click.option(
    "--pace", type=click.Choice(list(operations.PACES)), default="sheet", help="竞赛：整张卷子，还是一题一题"
)
@click.option("--item-s", type=int, help="竞赛一题一题作答：每题几秒")
@click.option("--practice", help="竞赛：练习卷的代号")
@click.option("--places", help="竞赛：所在地从哪个单位的下一级里挑，写路径")
@click.option("--trades", help="竞赛：行业或成员单位从哪个单位的下一级里挑，写路径")
@click.option(
    "--also", multiple=True, help="竞赛：换试卷，例如 '2026-12-01 scenes-1'、'家长 parents-1'，可写几次"
)
@click.option("--counted", type=click.Choice(list(operations.COUNTED)), default="best", help="按哪一次计")
@click.option("--threshold", type=click.IntRange(1, 100), default=80, help="知晓标准（得分占满分的 %）")
@click.option("--after-submit", type=PARTS, multiple=True, help="交卷后能看；不写就是全部，竞赛只有得分")
@click.option("--after-close", type=PARTS, multiple=True, default=operations.ALL_PARTS, help="结束后能看")
@click.option("--approval", default="", help="学生签的责任书：批准文号")
@click.option("--referrals", is_flag=True, help="使用情况：填过的人可以领推广码")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@click.pass_context
@with_appcontext
def open_round(
    context: click.Context, campaign_code: str, code: str, title: str | None, paper_code: str,
    unit_paths: tuple[str, ...], opens: datetime,
    closes: datetime, kind: str, identity: str, limit_min: int | None, late: str, attempts: int, per: str, pace: str,
    item_s: int | None, practice: str | None, places: str | None, trades: str | None, also: tuple[str, ...],
    counted: str, threshold: int, after_submit: tuple[str, ...], after_close: tuple[str, ...], approval: str,
    referrals: bool, dry_run: bool,
) -> None:  # fmt: skip
    """新建一个场次。"""
    if kind in operations.SHEET_ATTEMPTS and any(_written(context, name) for name in OF_QUIZZES):
        raise Refusal(
            f"{operations.KINDS[kind]}没有限时、次数、知晓标准和看答案这些设置：对谁都一样，请不要写。"
        )
    codes = {row.code: row.id for row in paper.papers()}
    plan = operations.RoundPlan(
        code=code,
        title=title or forms.FORMS[kind].usual_title,
        paper_id=_paper_id(codes, paper_code),
        unit_ids=tuple(roster.unit_at(path).id for path in unit_paths),
        opens_at=_moment(opens),
        closes_at=_moment(closes),
        kind=kind,
        identity=identity,
        per=per,
        pace=pace,
        item_s=item_s,
        practice_paper_id=_paper_id(codes, practice) if practice else None,
        place_root_id=roster.unit_at(places).id if places else None,
        trade_root_id=roster.unit_at(trades).id if trades else None,
        papers=forms.papers_from(also, codes),
        limit_s=None if limit_min is None else limit_min * 60,
        late=late,
        attempts=attempts,
        counted=counted,
        threshold_permyriad=threshold * 100,
        review_after_submit=after_submit or (operations.ALL_PARTS if kind == "test" else ("score",)),
        review_after_close=after_close,
        approval=approval,
        referrals=referrals,
    )
    drive = queries.campaign_by_code(campaign_code)
    operations.open_round(
        campaign_id=drive.id,
        plan=plan.settled(),
        at=clock.now(),
        actor=audit.CLI,
        dry_run=dry_run,
    )
    click.echo(f"{_verb(dry_run)}场次 {code}{'（测试·不计入）' if drive.is_test else ''}")


@round_.command()
@click.argument("code")
@click.option("--closes", type=MOMENT, required=True, help="新的结束时间，北京时间")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def prolong(code: str, closes: datetime, dry_run: bool) -> None:
    """延长一个场次。"""
    row = queries.round_by_code(code)
    operations.prolong(
        round_id=row.id, closes_at=_moment(closes), at=clock.now(), actor=audit.CLI, dry_run=dry_run
    )
    click.echo(f"{_verb(dry_run)}场次 {code}：结束时间 {_local(row.closes_at)} → {closes:%Y-%m-%d %H:%M}")


@round_.command()
@click.argument("code")
@click.option("--dry-run", is_flag=True, help="只检查，不写入")
@with_appcontext
def close(code: str, dry_run: bool) -> None:
    """提前结束一个场次。"""
    row = queries.round_by_code(code)
    operations.close_early(round_id=row.id, at=clock.now(), actor=audit.CLI, dry_run=dry_run)
    click.echo(f"{_verb(dry_run)}场次 {code}：原定 {_local(row.closes_at)} 结束，现在结束")


@round_.command("list")
@click.option("--json", "as_json", is_flag=True, help="给脚本用的 JSON")
@with_appcontext
def list_rounds(as_json: bool) -> None:
    """列出所有场次。"""
    found = queries.rounds_over(("",))
    if as_json:
        click.echo(_json(found))
        return
    at = clock.now()
    for one in found:
        mark = f"  {one.watermark}" if one.watermark else ""
        click.echo(
            f"{one.code}  {one.title}  {_local(one.opens_at)} 至 {_local(one.closes_at)}  "
            f"{queries.STATE_NAMES[one.window().state(at)]}{mark}"
        )
    click.echo(f"共 {len(found)} 个场次")


def _written(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _paper_id(codes: Mapping[str, int], code: str) -> int:
    if code not in codes:
        raise Refusal(f"没有代号是“{code}”的试卷。")
    return codes[code]


def _moment(local: datetime) -> datetime:
    return local.replace(tzinfo=clock.SHANGHAI)


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}"


def _verb(dry_run: bool) -> str:
    return "检查通过，没有写入：" if dry_run else "已写入："


def _json(rows: Sequence[queries.CampaignRow] | Sequence[queries.RoundRow]) -> str:
    return json.dumps(
        [dataclasses.asdict(row) for row in rows],
        ensure_ascii=False,
        indent=2,
        default=lambda one: one.isoformat(),
    )
