"""Command line of the banks: check, import, export, list, schema."""

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import click
from flask.cli import with_appcontext

from quizsvc import audit, clock, formats
from quizsvc.audit import CLI
from quizsvc.bank import files, forms, operations, queries
from quizsvc.bank.models import WEB
from quizsvc.core import bankfigures, bankfile, revision
from quizsvc.core.exchange import Defaults, Reading
from quizsvc.core.indicators import Rate
from quizsvc.core.refusal import Refusal

SEVERITY_NAMES = {"error": "错误", "warning": "提醒"}
TOPIC_WIDTH, COUNT_WIDTH = 26, 6
COLUMNS = ("题数", *bankfile.KIND_NAMES.values(), *bankfile.DIFFICULTY_NAMES.values(), "情景", "真实")
NAMED = 10

PATHS = click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="写成 JSON，给脚本用。")


@click.group()
def bank() -> None:
    """题库：检查、导入、导出、列出。"""


@bank.command()
@PATHS
@AS_JSON
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """检查题库文件夹；不写路径就检查 question_banks/ 里的全部题库。有错误时以 1 退出。"""
    found = _read(paths)
    today = clock.local_day(clock.now())
    errors = sum(len(folder.errors) for folder in found)
    warnings = sum(len(folder.faults) for folder in found) - errors
    if as_json:
        banks = [_told(folder, today) for folder in found]
        told = {"banks": banks, "all": _figured(found, today), "errors": errors, "warnings": warnings}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for folder in found:
            _show(f"{folder.name}（{folder.code}）", [folder], today)
            for fault in folder.faults:
                click.echo(_line(fault))
        if len(found) > 1:
            _show("全部题库", found, today)
        click.echo(f"{errors} 处错误，{warnings} 处提醒。")
    if errors:
        raise SystemExit(1)


@bank.command("import")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--bank", "bank_code", default="", help="题目文件：导入到哪个题库，写代号。")
@click.option("--name", default="", help="题目文件：题库的名字，新题库要写。")
@click.option("--topic", default="", help="题目文件：没写主题的题归到哪个主题。")
@click.option(
    "--audience",
    "audiences",
    multiple=True,
    type=click.Choice(bankfile.AUDIENCES),
    help="题目文件：没写人群的题给谁做，可以写几次。",
)
@click.option(
    "--difficulty",
    type=click.IntRange(1, 3),
    default=2,
    show_default=True,
    help="题目文件：没写难度的题有多难。",
)
@click.option("--source", default="", help="题目文件：没写来源的题出自哪里。")
@click.option("--publish", is_flag=True, help="题目文件：导入后马上发布；有一处错误就一题也不导入。")
@click.option("--dry-run", is_flag=True, help="只看会改什么，不写入。")
@click.option("--retire-missing", is_flag=True, help="题库文件夹：文件里已经没有的题，停用。")
@with_appcontext
def import_(
    paths: tuple[Path, ...],
    bank_code: str,
    name: str,
    topic: str,
    audiences: tuple[str, ...],
    difficulty: int,
    source: str,
    publish: bool,
    dry_run: bool,
    retire_missing: bool,
) -> None:
    """导入题库文件夹，或者别处来的题目文件；有一处错误就一题也不导入。

    文件夹里的题导入后就是已发布的；题目文件里的题先是草稿。改过的题成为新的版本，旧版本不变。
    """  # fmt: skip
    single = [path for path in paths if path.is_file()]
    if single and len(single) < len(paths):
        raise Refusal("题库文件夹和题目文件请分两次导入。")
    if not single and (bank_code or name or topic or audiences or source or publish):
        raise Refusal("--bank、--topic 等选项只用于题目文件，题库文件夹里都写着。")
    if not single:
        _import_folders(paths, dry_run=dry_run, retire_missing=retire_missing)
        return
    if retire_missing:
        raise Refusal("--retire-missing 只用于题库文件夹。")
    if not bank_code:
        raise Refusal("请写 --bank 题库代号，例如 --bank secondary。")
    words = files.vocabulary()
    slugs = {called: slug for slug, called in words.topics.items()}
    day = clock.local_day(clock.now())
    defaults = forms.checked_defaults(
        Defaults(slugs.get(topic, topic), audiences, difficulty, source.strip(), day), words
    )
    _import_files(single, defaults, code=bank_code, name=name.strip(), publish=publish, dry_run=dry_run)


@bank.command()
@click.argument("code")
@click.option(
    "--form",
    type=click.Choice(tuple(formats.WRITERS)),
    default="toml",
    show_default=True,
    help="格式。",
)
@click.option(
    "--state",
    type=click.Choice(tuple(queries.STATE_NAMES)),
    default=None,
    help="只要这种状态的题；不写就是全部在用的题，包括草稿。",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="写到哪个文件。"
)
@with_appcontext
def export(code: str, form: str, state: str | None, output: Path) -> None:
    """导出题库里的题，每道题取最新的版本。"""
    row, writer = queries.bank(code), formats.WRITERS[form]
    wanted = {state} if state else set(queries.STATE_NAMES) - {queries.RETIRED}
    chosen = [one.item for one in queries.newest(code) if one.state in wanted]
    if not chosen:
        raise Refusal("没有可以导出的题。")
    body = writer.write(chosen, files.vocabulary(), title=row.name)
    audit.record_alone(
        actor=CLI, action="bank.export", on=f"bank:{code}", at=clock.now(), form=form, items=len(chosen)
    )
    output.write_bytes(body)
    for sentence, number in Counter(lost for item in chosen for lost in writer.losses(item)).items():
        click.echo(f"提醒 {number} 题：{sentence}", err=True)
    click.echo(f"{row.name}（{code}）：导出 {len(chosen)} 题，{writer.label}。")


@bank.command("list")
@AS_JSON
@with_appcontext
def list_(as_json: bool) -> None:
    """列出已经导入的题库。"""
    rows = queries.banks()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(f"{row.code}  {row.name}：{row.items} 题，{row.versions} 个版本")
    click.echo(f"共 {len(rows)} 个题库。")


@bank.command()
def schema() -> None:
    """打印题库文件的 JSON Schema，编辑器用它提示字段。"""
    click.echo(files.schema(), nl=False)


def _read(paths: Sequence[Path]) -> list[files.BankFolder]:
    today = clock.local_day(clock.now())
    found = [files.read_folder(path, today=today) for path in files.folders(paths)]
    if len({folder.code for folder in found}) < len(found):
        raise Refusal("有两个文件夹写了同一个题库代号，请先改掉一个。")
    return found


def _import_folders(paths: Sequence[Path], *, dry_run: bool, retire_missing: bool) -> None:
    found = _read(paths)
    errors = [fault for folder in found for fault in folder.errors]
    if errors:
        for fault in errors:
            click.echo(_line(fault), err=True)
        raise Refusal(f"有 {len(errors)} 处错误，一题也没有导入。")
    for folder in found:
        if dry_run:
            imported = _preview(queries.compared(folder.code, folder.items), retire_missing)
        else:
            imported = operations.import_bank(
                code=folder.code,
                name=folder.name,
                items=folder.items,
                at=clock.now(),
                actor=CLI,
                retire_missing=retire_missing,
            )
        click.echo(f"{folder.name}（{folder.code}）：{_summary(imported)}")
    if dry_run:
        click.echo("这是预览，没有写入。")


def _import_files(
    paths: Sequence[Path], defaults: Defaults, *, code: str, name: str, publish: bool, dry_run: bool
) -> None:
    known = {row.code: row.name for row in queries.banks()}
    if code not in known and not name:
        raise Refusal(f"还没有题库“{code}”。新题库请加上 --name 名字。")
    reading, words = _reading(paths), files.vocabulary()
    allowed = frozenset[str]() if publish else bankfile.DRAFT_RULES
    plan = queries.plan_import(code, reading, defaults, words, allowed=allowed)
    _show_plan(plan, words)
    imported = operations.Imported(len(plan.new), len(plan.changed), len(plan.same), 0, len(plan.revived))
    if not (dry_run or plan.rejected) and (plan.changes or publish):
        imported = operations.import_bank(
            code=code, name=name or None, items=plan.items, at=clock.now(), actor=CLI, origin=WEB,
            publish=publish, previewed=plan.digest,
        )  # fmt: skip
    click.echo(f"{name or known[code]}（{code}）：{_summary(imported)}")
    if dry_run:
        click.echo("这是预览，没有写入。")
    if plan.rejected:
        raise Refusal(f"有 {len(plan.rejected)} 题没法导入，所以一题也没有导入。")


def _reading(paths: Sequence[Path]) -> Reading:
    """Read files as if they were one; a place then names its file."""
    found = [(path, formats.read(path.read_bytes(), name=path.name)) for path in paths]
    if len(found) == 1:
        return found[0][1]
    return Reading(
        form="、".join(dict.fromkeys(reading.form for _, reading in found)),
        drafts=tuple(
            replace(one, place=f"{path.name} {one.place}")
            for path, reading in found
            for one in reading.drafts
        ),
        rejected=tuple(
            replace(one, place=f"{path.name} {one.place}")
            for path, reading in found
            for one in reading.rejected
        ),
        notes=tuple(f"{path.name}：{note}" for path, reading in found for note in reading.notes),
    )


def _show_plan(plan: queries.ImportPlan, words: bankfile.Vocabulary) -> None:
    for note in plan.notes:
        click.echo(f"注意 {note}")
    for one in (*plan.new, *plan.changed, *plan.same):
        for note in one.notes:
            click.echo(f"注意 {one.place} {one.item.code}  {note}")
    for one in plan.changed:
        told = revision.changes(one.before, one.item, words) if one.before else ()
        click.echo(f"修改 {one.place} {one.item.code}  {'、'.join(change.label for change in told)}")
    for remark in plan.remarks:
        click.echo(f"提醒 {remark.place} {remark.item}  {remark.text}")
    for refused in plan.rejected:
        click.echo(f"没法导入 {refused.place} {refused.text}  {refused.reason}", err=True)


def _preview(found: queries.Comparison, retire_missing: bool) -> operations.Imported:
    return operations.Imported(
        new=len(found.new),
        changed=len(found.changed),
        same=len(found.same),
        retired=len(found.missing) if retire_missing else 0,
        revived=len(found.revived),
        kept=len(found.kept),
        published=len(found.unpublished),
    )


def _summary(imported: operations.Imported) -> str:
    parts = [
        f"新增 {imported.new}（{imported.new} new）",
        f"修改 {imported.changed}（{imported.changed} changed）",
        f"相同 {imported.same}（{imported.same} same）",
    ]
    if imported.published:
        parts.append(f"发布 {imported.published}（{imported.published} published）")
    if imported.retired:
        parts.append(f"停用 {imported.retired}（{imported.retired} retired）")
    if imported.revived:
        parts.append(f"恢复 {imported.revived}（{imported.revived} revived）")
    if imported.kept:
        parts.append(f"网页上改过，保留 {imported.kept} 题（{imported.kept} kept）")
    return "，".join(parts)


def _told(folder: files.BankFolder, today: date) -> dict[str, Any]:
    return {
        "code": folder.code,
        "name": folder.name,
        **_figured([folder], today),
        "faults": [asdict(fault) for fault in folder.faults],
    }


def _figured(folders: Sequence[files.BankFolder], today: date) -> dict[str, Any]:
    """The figures for a script: every share with both its numbers."""
    counted = bankfigures.figures({folder.code: folder.items for folder in folders}, today)
    cues = {"key_longest": counted.key_longest, "key_shortest": counted.key_shortest}
    shares = {"scene_share": counted.scene_share, "genuine_share": counted.genuine_share}
    return {
        **asdict(counted),
        **{name: asdict(share) for name, share in shares.items()},
        **{
            name: {**asdict(cue.rate), "expected": round(cue.expected, 2), "chance": round(cue.chance, 4)}
            for name, cue in cues.items()
        },
    }


def _show(title: str, folders: Sequence[files.BankFolder], today: date) -> None:
    """Print how much there is of each sort, how well the answers hide, and what is due."""
    items = [item for folder in folders for item in folder.items]
    counted = bankfigures.figures({folder.code: folder.items for folder in folders}, today)
    topics = {slug: name for folder in folders for slug, name in folder.vocabulary.topics.items()}
    click.echo(f"{title}：{counted.items} 题")
    if len(folders) > 1:
        _row("题库", COLUMNS)
        for folder in folders:
            _row(folder.name, _cells(folder.items))
    _row("人群", COLUMNS)
    for slug in counted.by_audience:
        _row(bankfile.AUDIENCE_NAMES[slug], _cells([item for item in items if slug in item.audiences]))
    _row("主题", COLUMNS)
    for topic in counted.by_topic:
        _row(topics.get(topic, topic), _cells([item for item in items if item.topic == topic]))
    _row("合计", _cells(items))
    click.echo(
        f"  情景 {_share(counted.scene_share)}，其中真实消息 {_share(counted.genuine_share)}，"
        f"同组题 {counted.twins} 组 {counted.twin_items} 题"
    )
    places = dict(zip(ascii_uppercase, counted.key_places, strict=False))
    click.echo(f"  单选  答案在 {_listed(places, {})}")
    click.echo(
        f"        最长的选项是答案 {_cue(counted.key_longest)}，最短的是答案 {_cue(counted.key_shortest)}"
    )
    click.echo(f"  判断  答案是 {_listed(counted.key_words, {})}")
    several = {f"{number} 个": count for number, count in counted.key_counts.items()}
    click.echo(f"  多选  答案有 {_listed(several, {})}")
    click.echo(f"  90 天内到期 {_due(counted.expiring)}，一年以上没有核对 {_due(counted.review_due)}")


def _cells(items: Sequence[bankfile.Item]) -> list[str]:
    kinds, levels = Counter(item.kind for item in items), Counter(item.difficulty for item in items)
    scenes = [item for item in items if item.scene]
    numbers = (
        len(items),
        *(kinds[kind] for kind in bankfile.KINDS),
        *(levels[level] for level in bankfile.DIFFICULTY_NAMES),
        len(scenes),
        sum(item.genuine for item in scenes),
    )
    return [str(number) for number in numbers]


def _share(rate: Rate) -> str:
    return f"{rate.fraction}（{rate.text}）"


def _cue(cue: bankfigures.Cue) -> str:
    return f"{_share(cue.rate)}，凭运气约 {cue.expected:.1f}"


def _due(names: Sequence[str]) -> str:
    if not names:
        return "0 题"
    more = "等" if len(names) > NAMED else ""
    return f"{len(names)} 题（{'、'.join(names[:NAMED])}{more}）"


def _listed(numbers: Mapping[Any, int], names: Mapping[Any, str]) -> str:
    return " · ".join(f"{names.get(slug, slug)} {number}" for slug, number in numbers.items()) or "—"


def _line(fault: files.FileFault) -> str:
    place = f"{fault.file}:{fault.line}"
    item = f" {fault.item}" if fault.item else ""
    return f"{SEVERITY_NAMES[fault.severity]} {place}{item}  {fault.text}（{fault.rule}）"


def _row(name: str, cells: Sequence[str]) -> None:
    numbers = "".join(" " * max(COUNT_WIDTH - _width(cell), 1) + cell for cell in cells)
    click.echo(f"  {name}{' ' * max(TOPIC_WIDTH - _width(name), 1)}{numbers}")


def _width(text: str) -> int:
    """Columns of a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
