"""Command line of the papers: check a blueprint, freeze it, list what is frozen, print forms."""

import json
import secrets
from dataclasses import asdict
from pathlib import Path

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.core import adoption, document, questionnaire, sheettext
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.paper import files, operations, queries

MOST_FORMS = 60

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def paper() -> None:
    """试卷：检查组卷规则、冻结、列出、印成纸卷。"""


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


@paper.group()
def sheet() -> None:
    """文本和问卷：检查、冻结、列出模板。"""


@sheet.command("check")
@FILE
def check_sheet(file: Path) -> None:
    """看一份文本或问卷读不读得懂；读不懂时说出第几行、怎么改，并以 1 退出。"""
    _sheet_shown(files.read_sheet(file))


@sheet.command("freeze")
@FILE
@click.option("--code", help="代号；不写就用文件名。")
@with_appcontext
def freeze_sheet(file: Path, code: str | None) -> None:
    """冻结一份文本或问卷：一个字也不再变；同样的内容再冻结一次，还是同一份。"""
    body = files.read_sheet(file)
    _sheet_shown(body)
    paper_id = operations.freeze_sheet(
        code=code or files.sheet_code(file), body=body, at=clock.now(), actor=CLI
    )
    click.echo(f"已冻结，编号 {paper_id}，指纹 {queries.sheet(paper_id).content_hash}")


@sheet.command("templates")
def templates() -> None:
    """列出现成的文本和问卷。"""
    ready, broken = files.templates()
    for one in ready:
        click.echo(f"{one.name}.txt  {sheettext.KINDS[one.kind]}  {one.title}")
    for name in broken:
        click.echo(f"{name}  读不懂，用 quizsvc paper sheet check 看看")
    click.echo(f"共 {len(ready)} 份模板，在 question_banks/{files.SHEETS}。")


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
        what = f"{row.item_count} 题 {row.total_points} 分，从 {row.pool} 题中抽"
        if row.kind != queries.QUIZ:
            what = sheettext.KINDS[row.kind]
        click.echo(f"{row.id}  {row.code}  {row.title}：{what}，指纹 {row.content_hash[:16]}")
    click.echo(f"共 {len(rows)} 份试卷。")


@paper.command("print")
@click.argument("code")
@click.option("--seed", help="卷号；同一个卷号永远是同一份卷。不写就新抽一份")
@click.option(
    "--forms", type=click.IntRange(1, MOST_FORMS), default=1, help="几份不同的卷，例如 A、B 卷就写 2"
)
@click.option("--with-key", is_flag=True, help="把答案和解析写进另一个文件，名字后面加 -key")
@click.option(
    "-o", "target", required=True, type=click.Path(dir_okay=False, path_type=Path), help="写到哪个 PDF 文件"
)
@with_appcontext
def print_(code: str, seed: str | None, forms: int, with_key: bool, target: Path) -> None:
    """把冻结的试卷印成 PDF，后面是答题卡；几份就写几个文件，名字后面加 -1、-2。"""
    chosen = _by_code(code)
    seed = seed or secrets.token_hex(4)
    wanted = [(seed, target)]
    if forms > 1:
        numbers = range(1, forms + 1)
        wanted = [(f"{seed}-{number}", target.with_stem(f"{target.stem}-{number}")) for number in numbers]
    made = {}
    with click.progressbar(wanted, label="正在排版", hidden=forms == 1) as bar:
        for one, path in bar:
            made[path] = files.printed_together(chosen, seed=one, parts=("paper", "sheet"))
            if with_key:  # in a file of its own, so that it does not go to the copier with the rest
                beside = path.with_stem(f"{path.stem}-key")
                made[beside] = files.printed(chosen, seed=one, part="key")
    for path, pdf in made.items():
        try:
            path.write_bytes(pdf)
        except OSError as error:
            raise Refusal(f"写不了 {path}，请看看文件夹在不在、能不能写。") from error
    for one, path in wanted:
        click.echo(f"已写好 {path}，卷号 {one}")
    if with_key:
        click.echo("名字带 -key 的是答案和解析，只给教师。")


def _by_code(code: str) -> queries.FrozenPaper:
    quizzes = (row for row in queries.papers() if row.kind == queries.QUIZ)
    found = next((row.id for row in quizzes if row.code == code), None)
    if found is None:
        raise Unknown(f"没有代号是“{code}”的试卷。冻结了哪些，可以用 quizsvc paper list 看。")
    return queries.frozen(found)


def _sheet_shown(body: sheettext.Body) -> None:
    """Print what a text or survey is."""
    click.echo(f"{sheettext.KINDS[sheettext.kind_of(body)]}：{body.title}")
    if isinstance(body, document.Document):
        click.echo(
            f"  {len(body.points)} 条，{document.SIGNERS[body.signer]}签，文本指纹 {document.digest(body)}"
        )
    elif isinstance(body, adoption.Adoption):
        for number, item in enumerate(body.items, 1):
            click.echo(f"  {number}. {item.text}")
    else:
        for number, question in enumerate(body.questions, 1):
            click.echo(f"  {number}. [{questionnaire.KINDS[question.kind]}] {question.text}")


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
