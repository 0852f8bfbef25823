"""The class file as one workbook; no text can start a formula, numbers stay numbers."""

from collections.abc import Iterable
from datetime import datetime

from quizsvc.core import indicators
from quizsvc.core.ledger import Anchor
from quizsvc.core.term import term_label
from quizsvc.dossier.queries import File, SignedLine
from quizsvc.tables import Cell, Page, anchor_notes, book_bytes, local, percent

RATES_MEAN = "比率的分母是在册的人减去批准免的，没有参加的人也在分母里；一律舍去尾数，不认人的只数份数。"


def title(file: File) -> str:
    """Name the workbook."""
    return f"{file.unit.name} {term_label(file.term)} 班级档案"


def workbook(file: File, place: Anchor, *, who: str, at: datetime) -> bytes:
    """Write the file of a class, with where the audit log stood when it was issued."""
    notes = (
        ("单位", file.unit.name),
        ("学期", term_label(file.term)),
        ("数据截至", local(at)),
        ("导出人", who),
        ("口径", RATES_MEAN),
        *(("已删除", f"{one.title}：已按约定删除到座位的对应关系，只剩人数") for one in file.erased),
        *anchor_notes(place),
    )
    pages = [Page(name, headers, tuple(rows)) for name, headers, rows in _sheets(file)]
    return book_bytes(title(file), pages, notes, at)


def _sheets(file: File) -> Iterable[tuple[str, tuple[str, ...], Iterable[tuple[Cell, ...]]]]:
    who = ("姓名",) if file.named else ()
    signed = ("场次", "座号", *who, "状态")
    how = ("怎么交的", "时间", "文本指纹")
    yield "汇总", ("种类", "场次", "应", "已", "还差", "比率（%）", "达到（%）"), _summary(file)
    yield (
        "测试",
        ("场次", "座号", *who, "首测得分", "计入得分", "满分", "是否达标", "交卷时间", "作答次数", "状态"),
        (
            (
                line.round.title, line.seat, *_who(file, line.who), line.score.first, line.score.counted,
                line.score.out_of or None,
                None if line.score.counted is None else "达标" if line.score.met else "再练一练",
                local(line.score.submitted_at) or None, line.score.attempts,
                line.score.state,
            )
            for line in file.scores
        ),
    )  # fmt: skip
    yield "回执", (*signed, "是否知晓", *how), (_signed(file, line, ("是", "否")) for line in file.receipts)
    yield "责任书", (*signed, *how), (_signed(file, line, None) for line in file.pledges)
    yield (
        "使用情况",
        ("场次", "座号", *who, "项目", "状态", "怎么知道的"),
        (
            (line.round.title, line.seat, *_who(file, line.who), line.item, line.state, line.proof)
            for line in file.uses
        ),
    )


def _who(file: File, name: str | None) -> tuple[Cell, ...]:
    return (name,) if file.named else ()


def _summary(file: File) -> Iterable[tuple[Cell, ...]]:
    for line in file.lines:
        tally, words = line.tally, line.round.words
        nobody = line.round.is_nameless
        met = indicators.awareness(tally) if line.round.is_quiz or words.met else None
        yield (
            words.name,
            line.round.title,
            None if nobody else tally.expected,
            tally.done,
            None if nobody else line.missing,
            percent(indicators.coverage(tally)),
            None if met is None else percent(met),
        )


def _signed(file: File, line: SignedLine, told: tuple[str, str] | None) -> tuple[Cell, ...]:
    yes_or_no = () if told is None else (None if line.met is None else told[0] if line.met else told[1],)
    when = local(line.declared_at) or None
    return (line.round.title, line.seat, *_who(file, line.who), line.state, *yes_or_no, line.channel, when,
            line.text_hash)  # fmt: skip
