"""Scores and head counts, laid out as tables."""

from collections.abc import Sequence
from datetime import datetime

from quizsvc.campaign.queries import RoundRow
from quizsvc.core import indicators
from quizsvc.core.unitname import KIND_NAMES
from quizsvc.report.queries import Scores
from quizsvc.rollup.queries import Level
from quizsvc.roster.queries import UnitRow
from quizsvc.tables import Cell, Sheet, local, percent

RATES_MEAN = (
    "完成率=已测÷应测；首测知晓率=第一次就达标的人数÷应测；学后知晓率=计分作答达标的人数÷应测。"
    "没有参加的人在分母里；一律舍去尾数。"
)
SCORES_MEAN = "首测是第一次有效作答的得分；计入是按场次规则取的得分；作废的作答不在内。"
ERASED = "已按约定删除到座位的对应关系，这里没有到座位的成绩；人数和比率不变。"
FEW_HIDDEN = f"应测不满 {indicators.SMALLEST_SHOWN} 人的单位只列人数，不列达标情况。"


def scores_sheet(scores: Scores, round_: RoundRow, unit: UnitRow, *, who: str, at: datetime) -> Sheet:
    """Lay out the scores of a class by seat: no names leave the page, and nobody is ranked."""
    return Sheet(
        title=f"{unit.name} {round_.title} 成绩",
        headers=("座号", "首测得分", "计入得分", "满分", "是否达标", "交卷时间", "迟交", "作答次数", "状态"),
        rows=tuple(
            (
                row.seat,
                row.first,
                row.counted,
                row.out_of or None,
                None if row.counted is None else "达标" if row.met else "再练一练",
                local(row.submitted_at) or None,
                "迟交" if row.late else None,
                row.attempts,
                row.state,
            )
            for row in scores.rows
        ),
        notes=_notes(
            round_, unit, len(scores.rows), ERASED if scores.erased else SCORES_MEAN, who=who, at=at
        ),
    )


def counts_sheet(
    levels: Sequence[Level], round_: RoundRow, unit: UnitRow, *, who: str, at: datetime
) -> Sheet:
    """Lay out the head counts of a unit and everything under it."""
    depth = unit.path.count("/")
    names = {level.unit.path: level.unit.name for level in levels}
    if not round_.is_quiz:
        return _told_sheet(levels, round_, unit, names, who=who, at=at)
    return Sheet(
        title=f"{unit.name} {round_.title} 覆盖",
        headers=(
            "单位", "层级", "类型", "编号", "应测", "免测", "已测", "进行中", "还差", "首测达标", "学后达标",
            "满分人数", "完成率（%）", "首测知晓率（%）", "学后知晓率（%）", "需核对",
        ),
        rows=tuple(_counts_row(level, depth, names) for level in levels),
        notes=_notes(round_, unit, len(levels), f"{RATES_MEAN}{FEW_HIDDEN}", who=who, at=at),
    )  # fmt: skip


def _told_sheet(
    levels: Sequence[Level], round_: RoundRow, unit: UnitRow, names: dict[str, str], *, who: str, at: datetime
) -> Sheet:
    """Lay out who has declared or answered; what kind of round it is decides the words."""
    words, depth = round_.words, unit.path.count("/")
    heads = (words.expected, "免", words.done, "还差", f"{words.coverage}（%）")
    met = (f"{words.met}人数", f"{words.met}（%）") if words.met else ()
    meaning = (
        "不认人，一台手机一份；只数份数，不算比率。"
        if round_.is_nameless
        else f"{words.coverage}={words.done}÷{words.expected}。没有{words.verb}的人在分母里；一律舍去尾数。{FEW_HIDDEN}"
    )
    return Sheet(
        title=f"{unit.name} {round_.title} 覆盖",
        headers=("单位", "层级", "类型", "编号", *heads, *met),
        rows=tuple(
            (*_place(level, depth, names), *_told_row(level, met=bool(met), nameless=round_.is_nameless))
            for level in levels
        ),
        notes=_notes(round_, unit, len(levels), meaning, who=who, at=at),
    )


def _told_row(level: Level, *, met: bool, nameless: bool) -> tuple[Cell, ...]:
    tally = level.tally
    if nameless:
        return (None, None, tally.done, None, None, *((None, None) if met else ()))
    few = indicators.hidden_small(tally.expected)
    rate = (None, None) if few else (tally.aware, percent(indicators.awareness(tally)))
    heads = (tally.expected, tally.exempt, tally.done, level.missing, percent(indicators.coverage(tally)))
    return (*heads, *(rate if met else ()))


def _place(level: Level, depth: int, names: dict[str, str]) -> tuple[Cell, ...]:
    unit = level.unit
    codes = unit.path.split("/")[:-1]
    above = ["/".join(codes[:length]) + "/" for length in range(depth, len(codes))]
    return (
        " / ".join(names[path] for path in (*above, unit.path) if path in names),
        len(codes) - depth + 1,
        KIND_NAMES.get(unit.kind, unit.kind),
        unit.path,
    )


def _counts_row(level: Level, depth: int, names: dict[str, str]) -> tuple[Cell, ...]:
    tally = level.tally
    hidden = indicators.hidden_small(tally.expected)
    return (
        *_place(level, depth, names),
        tally.expected,
        tally.exempt,
        tally.done,
        tally.open,
        level.missing,
        None if hidden else tally.first_aware,
        None if hidden else tally.aware,
        None if hidden else tally.full,
        percent(indicators.coverage(tally)),
        None if hidden else percent(indicators.first_awareness(tally)),
        None if hidden else percent(indicators.awareness(tally)),
        "已测多于应测" if level.over else None,
    )


def _notes(
    round_: RoundRow, unit: UnitRow, rows: int, meaning: str, *, who: str, at: datetime
) -> tuple[tuple[str, Cell], ...]:
    notes: list[tuple[str, Cell]] = [
        ("单位", unit.name),
        ("场次", f"{round_.title}（{round_.code}）"),
        ("数据截至", local(at)),
        ("导出人", who),
        ("口径", meaning),
        *([("达标线（%）", round_.threshold_permyriad / 100)] if round_.is_quiz else []),
        ("行数", rows),
    ]
    return ((("注意", round_.watermark),) if round_.watermark else ()) + tuple(notes)
