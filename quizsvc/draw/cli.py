"""The command `quizsvc contest`: check a draw's bundle, write one from a simulated contest."""

from datetime import UTC, datetime
from pathlib import Path

import click

from quizsvc.core import draw, rehearsal, rulebook
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules

MOST_PLAYERS = 5_000_000
OPENED_AT = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # the simulated contest opens at midnight in China
SHOWN_AT_A_TIME = 2000


class Unsound(Refusal):
    """A bundle is not what it says."""


@click.group()
def contest() -> None:
    """竞赛：验算抽奖文件，模拟一场。"""


@contest.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def verify(folder: Path) -> None:
    """验算一个文件夹里的抽奖文件；不用数据库，只读不改。"""
    files = {
        file.name: file.read_bytes() if file.name in draw.FILES else b""
        for file in sorted(folder.iterdir())
        if file.is_file()
    }
    wrong = draw.problems(files)
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        raise Unsound(f"有 {len(wrong)} 处不对，这份抽奖结果不能验证。请留好这些文件，向主办方提出。")
    for sentence in draw.unchecked(files):
        click.echo(f"提示：{sentence}")
    entries = files[draw.ENTRIES].count(b"\n") or 1
    click.echo(f"可以验证：{entries:,} 个编号的顺序和中奖结果，就是按公布的规则算出来的。")


@contest.command()
@click.option("--players", "number", required=True, type=click.IntRange(1, MOST_PLAYERS), help="多少人参加")
@click.option(
    "--out", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="写到哪里"
)
@click.option("--seed", default="quizsvc", show_default=True, help="同一个种子，写出同样的文件")
@click.option("--scarce", is_flag=True, help="满分的人比奖品少，要往下顺延")
@click.option("--dry-run", is_flag=True, help="只算，不写文件")
def simulate(number: int, folder: Path, seed: str, scarce: bool, dry_run: bool) -> None:
    """模拟一场竞赛再抽奖，写出可以验算的文件；不用数据库。"""
    if folder.is_dir() and any(folder.iterdir()):
        raise Refusal(f"{folder} 里已经有文件了，请换一个空的文件夹。")
    played = _played(number, seed, scarce)
    rules = rehearsal.rules(number, OPENED_AT, scarce=scarce)
    files, told = _drawn(played, rules, seed)
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in files.items():
            (folder / name).write_bytes(body)
    for line in told:
        click.echo(line)
    click.echo(
        "检查通过，没有写文件。" if dry_run else f"已写入 {folder}，验算：quizsvc contest verify {folder}"
    )


def _played(number: int, seed: str, scarce: bool) -> list[rehearsal.Player]:
    played = []
    with click.progressbar(length=number, label="模拟参加的人") as bar:
        for one in rehearsal.players(number, seed, scarce=scarce):
            played.append(one)
            if not len(played) % SHOWN_AT_A_TIME:
                bar.update(SHOWN_AT_A_TIME)
        bar.update(number % SHOWN_AT_A_TIME)
    return played


def _drawn(
    played: list[rehearsal.Player], rules: Rules, seed: str
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Write the files of a simulated draw, and what there is to tell about it."""
    ranks = rehearsal.ranked(played, OPENED_AT)
    placed = draw.winners_by_standing(rules.tiers, ranks)
    out = {one.entry_id for one in placed}
    left = [one for one in played if not one.excluded and one.entry_id not in out]
    wanted = draw.prizes_by(rules.tiers, "draw")
    waves = draw.cascade(
        ((step, (one.entry_id for one in left if one.best_permyriad >= step)) for step in rules.qualifies),
        wanted,
    )
    entries = sorted(entry for wave in waves for entry in wave.entries)
    if not entries:
        raise Refusal("模拟的人太少，没有人达到抽奖的条件，请多写几个人。")
    content = rulebook.written(rules)
    frozen = {draw.ENTRIES: draw.listed_text(entries), draw.RULES: rulebook.text(content).encode()}
    draw_id = rehearsal.draw_id(seed)
    if len(waves) > 1:
        frozen[draw.WAVES] = draw.waves_text(waves)
        draw_id = draw.named_with_waves(draw_id, frozen[draw.WAVES])
    files = frozen | draw.result_files(
        draw_id=draw_id,
        rules_hash=rulebook.content_hash(content),
        rules=rules,
        entries=entries,
        waves=draw.waves_read(frozen.get(draw.WAVES, b"")),
        value=rehearsal.public_value(seed),
    )
    return files, _told(played, waves, wanted, len(ranks) - len({rank for rank, _ in ranks}))


def _told(
    played: list[rehearsal.Player],
    waves: tuple[draw.Wave, ...],
    wanted: int,
    shared: int,
) -> tuple[str, ...]:
    steps = "，".join(f"{wave.at_least // 100} 分以上 {len(wave.entries):,} 人" for wave in waves)
    return (
        f"参加 {len(played):,} 人，作答 {sum(one.goes for one in played):,} 次，"
        f"排除 {sum(one.excluded for one in played):,} 人，名次并列 {shared:,} 人",
        f"抽奖名单：{steps}；奖品 {wanted:,} 份",
    )
