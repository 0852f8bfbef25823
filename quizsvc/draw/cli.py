"""The command `quizsvc contest`: check a draw's bundle, write one from a simulated contest."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from quizsvc.core import draw, integrity, rehearsal, rulebook
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
@click.option(
    "--protocol", type=click.Path(dir_okay=False, path_type=Path), help="把这场模拟的记录写成 Markdown 文件"
)
@click.option("--dry-run", is_flag=True, help="只算，不写文件")
def simulate(
    number: int, folder: Path, seed: str, scarce: bool, protocol: Path | None, dry_run: bool
) -> None:
    """模拟一场竞赛，从参赛到抽奖、发奖，写出可以验算的文件；不用数据库。"""
    if folder.is_dir() and any(folder.iterdir()):
        raise Refusal(f"{folder} 里已经有文件了，请换一个空的文件夹。")
    if protocol is not None and (protocol.exists() or not protocol.parent.is_dir()):
        raise Refusal(f"{protocol} 已经有了，或者所在的文件夹不存在，请换一个文件名。")
    played = _played(number, seed, scarce)
    rules = rehearsal.rules(number, OPENED_AT, scarce=scarce)
    files, told = _drawn(played, rules, seed)
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in files.items():
            (folder / name).write_bytes(body)
        if protocol is not None:
            protocol.write_text(_table(told), encoding="utf-8")
    for name, figures in told:
        click.echo(f"{name}：{figures}")
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


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a simulated draw was made of, and who won."""

    ranks: list[tuple[int, str]]
    placed: tuple[draw.Winner, ...]
    waves: tuple[draw.Wave, ...]
    walked: list[str]


def _drawn(
    played: list[rehearsal.Player], rules: Rules, seed: str
) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """Write the files of a simulated draw, and what there is to tell about the whole contest."""
    found = rehearsal.signs(played, OPENED_AT)
    out = rehearsal.ruled_out(played, found)
    stay = [one for place, one in enumerate(played) if place not in out]
    ranks = rehearsal.ranked(stay, OPENED_AT)
    placed = draw.winners_by_standing(rules.tiers, ranks)
    at_the_top = {one.entry_id for one in placed}
    left = [one for one in stay if one.entry_id not in at_the_top]
    waves = draw.cascade(
        ((step, (one.entry_id for one in left if one.best_permyriad >= step)) for step in rules.qualifies),
        draw.prizes_by(rules.tiers, "draw"),
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
    wave_of = draw.waves_read(frozen.get(draw.WAVES, b""))
    files = frozen | draw.result_files(
        draw_id=draw_id,
        rules_hash=rulebook.content_hash(content),
        rules=rules,
        entries=entries,
        waves=wave_of,
        value=rehearsal.public_value(seed),
    )
    walked = draw.walk(files[draw.ORDER].decode().split(), wave_of)
    drawn = _Drawn(ranks, placed, waves, walked)
    return files, [*_told_of_play(played, found, out), *_told_of_prizes(stay, rules, drawn, seed)]


def _told_of_play(
    played: Sequence[rehearsal.Player], found: dict[str, set[int]], out: AbstractSet[int]
) -> list[tuple[str, str]]:
    sorts = Counter(one.sort for one in played)
    cheats = {place for place, one in enumerate(played) if one.cheats}
    told = [
        ("参赛", f"参加 {len(played):,} 人，其中作弊 {len(cheats):,} 人"),
        ("各种人", "，".join(f"{sort.name} {sorts[name]:,} 人" for name, sort in rehearsal.SORTS.items())),
        ("作答", f"{sum(one.goes for one in played):,} 次"),
    ]
    flagged: dict[str, AbstractSet[int]] = {
        **{integrity.KINDS[name].name: places for name, places in found.items()},
        "合计": set().union(*found.values()),
    }
    told += [(f"标记 · {name}", _of_these(places, cheats)) for name, places in flagged.items()]
    told.append(
        (
            "裁定",
            f"有两种标记，或者答得太快又是满分，就排除：{_of_these(out, cheats)}；"
            f"没排除的作弊 {len(cheats - out):,} 人",
        )
    )
    return told


def _of_these(places: AbstractSet[int], cheats: AbstractSet[int]) -> str:
    return f"{len(places):,} 人，作弊 {len(places & cheats):,} 人，没作弊 {len(places - cheats):,} 人"


def _told_of_prizes(
    stay: Sequence[rehearsal.Player], rules: Rules, drawn: _Drawn, seed: str
) -> list[tuple[str, str]]:
    won = (*drawn.placed, *draw.winners(rules.tiers, drawn.walked))
    outcome = rehearsal.hand_out(
        rules.tiers,
        won,
        {"standing": [entry for _, entry in drawn.ranks], "draw": drawn.walked},
        lambda entry_id: rehearsal.fate(seed, entry_id),
    )
    wrong = rehearsal.faults(rules.tiers, outcome)
    if wrong:
        raise Unsound("".join(wrong))
    cheats = {one.entry_id for one in stay if one.cheats}
    shared = len(drawn.ranks) - len({rank for rank, _ in drawn.ranks})
    lots, prizes = draw.prizes_by(rules.tiers, "draw"), sum(tier.number for tier in rules.tiers)
    reached = [
        f"{step // 100} 分以上 {sum(one.best_permyriad >= step for one in stay):,} 人"
        for step in rules.qualifies
    ]
    waves = "，".join(f"{wave.at_least // 100} 分以上 {len(wave.entries):,} 人" for wave in drawn.waves)
    return [
        ("并列", f"名次并列 {shared:,} 人"),
        ("达到门槛", "，".join(reached)),
        ("分批顺延", f"抽奖名单 {len(drawn.waves)} 批，{waves}；抽奖奖品 {lots:,} 份"),
        ("中奖", f"{len(won):,} 人，按名次 {len(drawn.placed):,} 人，其中作弊 {_held(won, cheats):,} 人"),
        ("逾期", f"{len(outcome.lapsed):,} 份没人来领，{len(outcome.failed):,} 份来的不是本人"),
        ("递补", f"{len(outcome.passed):,} 份递给了下一个人，前后等了 {outcome.turns} 轮"),
        (
            "发出",
            f"{len(outcome.handed):,} 份，没有候补收回 {len(outcome.left):,} 份，合计 {prizes:,} 份，"
            f"一份不差，没有人得两份；发给作弊的 {_held(outcome.handed, cheats):,} 份",
        ),
    ]


def _held(prizes: Sequence[draw.Winner | rehearsal.Prize], cheats: AbstractSet[str]) -> int:
    return sum(one.entry_id in cheats for one in prizes)


def _table(told: Sequence[tuple[str, str]]) -> str:
    return "".join(f"| {name} | {figures} |\n" for name, figures in (("环节", "数字"), ("---", "---"), *told))
