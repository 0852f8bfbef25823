"""The counts of a survey, laid out as a table."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from quizsvc.campaign.queries import RoundRow
from quizsvc.core.ledger import Anchor
from quizsvc.core.questionnaire import KINDS, Question, Questionnaire, Result
from quizsvc.roster.queries import UnitRow
from quizsvc.survey.queries import Results
from quizsvc.tables import Cell, Sheet, anchor_notes, local

HEADERS: Final = ("题号", "题目", "类型", "行", "选项", "人次", "这一题的份数")


def rows_of(asked: Questionnaire, found: Results) -> list[tuple[Cell, ...]]:
    """Lay out what may be shown, a line for each option; texts are not among it."""
    lines: list[tuple[Cell, ...]] = []
    for index, result in found.results.items():
        question = asked.questions[index]
        head: tuple[Cell, ...] = (index + 1, question.text, KINDS[question.kind])
        lines += [(*head, *line, result.n) for line in _lines(question, result)]
    return lines


def _lines(question: Question, result: Result) -> Iterable[tuple[Cell, ...]]:
    if result.spread is not None:
        return [
            ("", name, value) for name, value in zip(("最小", "中位数", "最大"), result.spread, strict=True)
        ]
    if question.kind == "rating":
        values = range(question.low, question.high + 1)
        counted = [("", f"{value} 分", count) for value, count in zip(values, result.counts[0], strict=True)]
        return [*counted, ("", "总分", result.total)]
    return [
        (row, option, count)
        for row, counts in zip(question.rows or ("",), result.counts, strict=True)
        if counts
        for option, count in zip(question.options, counts, strict=True)
    ]


def counts(
    asked: Questionnaire,
    found: Results,
    round_: RoundRow,
    unit: UnitRow,
    *,
    who: str,
    at: datetime,
    anchor: Anchor,
) -> Sheet:
    """Lay out the counts of a unit, what the numbers mean, and where the audit log stood."""
    told: tuple[tuple[str, Cell], ...] = (
        ("单位", unit.name),
        ("场次", f"{round_.title}（{round_.code}）"),
        ("计入的份数", found.answers),
        *((("其中", f"{found.helped} 份是有人帮着填的"),) if found.helped else ()),
        ("口径", "不足 5 份的题不列；问卷还开着的时候，最新的几份不计入，结束以后一起计入。"),
        ("数据截至", local(at)),
        ("导出人", who),
        *anchor_notes(anchor),
    )
    return Sheet(
        title=f"{unit.name} {round_.title} 问卷",
        headers=HEADERS,
        rows=tuple(rows_of(asked, found)),
        notes=((("注意", round_.watermark),) if round_.watermark else ()) + told,
    )
