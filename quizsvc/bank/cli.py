"""Command line of the banks: check, import, list, schema."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from quizsvc import clock
from quizsvc.audit import CLI
from quizsvc.bank import files, operations, queries
from quizsvc.core import bankfile
from quizsvc.core.refusal import Refusal

SEVERITY_NAMES = {"error": "错误", "warning": "提醒"}
TOPIC_WIDTH, COUNT_WIDTH = 26, 6

PATHS = click.argument("paths", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="写成 JSON，给脚本用。")


@click.group()
def bank() -> None:
    """题库：检查、导入、列出。"""


@bank.command()
@PATHS
@AS_JSON
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """检查题库文件夹；不写路径就检查 question_banks/ 里的全部题库。有错误时以 1 退出。"""
    found = _read(paths)
    errors = sum(len(folder.errors) for folder in found)
    warnings = sum(len(folder.faults) for folder in found) - errors
    if as_json:
        told = {"banks": [_told(folder) for folder in found], "errors": errors, "warnings": warnings}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for folder in found:
            _show(folder)
        click.echo(f"{errors} 处错误，{warnings} 处提醒。")
    if errors:
        raise SystemExit(1)


@bank.command("import")
@PATHS
@click.option("--dry-run", is_flag=True, help="只看会改什么，不写入。")
@click.option("--retire-missing", is_flag=True, help="文件里已经没有的题，停用。")
@with_appcontext
def import_(paths: tuple[Path, ...], dry_run: bool, retire_missing: bool) -> None:
    """导入题库；有一处错误就一题也不导入。改过的题成为新的版本，旧版本不变。"""
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


def _preview(found: queries.Comparison, retire_missing: bool) -> operations.Imported:
    retired = len(found.missing) if retire_missing else 0
    return operations.Imported(
        len(found.new), len(found.changed), len(found.same), retired, len(found.revived)
    )


def _summary(imported: operations.Imported) -> str:
    parts = [
        f"新增 {imported.new}（{imported.new} new）",
        f"修改 {imported.changed}（{imported.changed} changed）",
        f"相同 {imported.same}（{imported.same} same）",
    ]
    if imported.retired:
        parts.append(f"停用 {imported.retired}（{imported.retired} retired）")
    if imported.revived:
        parts.append(f"恢复 {imported.revived}（{imported.revived} revived）")
    return "，".join(parts)


def _told(folder: files.BankFolder) -> dict[str, Any]:
    return {
        "code": folder.code,
        "name": folder.name,
        **asdict(queries.counts(folder.items)),
        "faults": [asdict(fault) for fault in folder.faults],
    }


def _show(folder: files.BankFolder) -> None:
    counted = queries.counts(folder.items)
    click.echo(
        f"{folder.name}（{folder.code}）：{counted.items} 题，情景 {counted.scenes}，"
        f"其中真实消息 {counted.genuine}，同组题 {counted.twins} 组"
    )
    click.echo(f"  题型  {_listed(counted.by_kind, bankfile.KIND_NAMES)}")
    click.echo(f"  人群  {_listed(counted.by_audience, bankfile.AUDIENCE_NAMES)}")
    click.echo(f"  难度  {_listed(counted.by_difficulty, bankfile.DIFFICULTY_NAMES)}")
    kinds = list(counted.by_kind)
    _row("主题", [bankfile.KIND_NAMES.get(kind, kind) for kind in kinds] + ["合计"])
    for topic in counted.by_topic:
        of_topic = queries.counts([item for item in folder.items if item.topic == topic])
        name = folder.vocabulary.topics.get(topic, topic)
        _row(name, [str(of_topic.by_kind.get(kind, 0)) for kind in kinds] + [str(of_topic.items)])
    for fault in folder.faults:
        click.echo(_line(fault))


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
