"""The archive of what was signed and adopted, laid out as a table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from quizsvc.campaign.queries import RoundRow
from quizsvc.core import roundkind
from quizsvc.core.adoption import PROOFS, Adoption
from quizsvc.core.document import SIGNERS
from quizsvc.core.ledger import Anchor
from quizsvc.declaration.queries import CHANNEL_NAMES, STATE_NAMES, Archived
from quizsvc.paper import queries as paper
from quizsvc.roster.queries import UnitRow
from quizsvc.tables import Cell, Sheet, anchor_notes, local

HEADERS: Final = (
    "单位", "座号", "签的人写的名字", "以什么身份", "种类", "场次", "文本", "文本指纹（SHA-256）", "时间", "方式",
    "有人帮着填", "结果", "项目", "做到哪一步", "怎么知道的", "状态",
)  # fmt: skip
RESULTS: Final = {
    "receipt": ("是", "否"),
    "pledge": ("已签", "没签"),
    "adoption": ("全部做到", "还有没做到的"),
}
MEANS: Final = (
    "一份一行；使用情况一项一行。文本指纹可以用打印的文本重新算。纸质的时间是纸上写的日期。"
    "换成新的、作废的也留着，看“状态”一列。"
)


def archive(
    rows: Sequence[Archived], round_: RoundRow, unit: UnitRow, *, who: str, at: datetime, anchor: Anchor
) -> Sheet:
    """Lay out what a unit and everything under it has declared in a term."""
    lines = tuple(line for row in rows for line in _lines(row))
    return Sheet(
        title=f"{unit.name} {round_.term} 信息档案",
        headers=HEADERS,
        rows=lines,
        notes=(
            ("单位", unit.name), ("学期", round_.term), ("说明", MEANS), ("份数", len(rows)), ("行数", len(lines)),
            ("导出人", who), ("导出时间", local(at)), *anchor_notes(anchor),
        ),
    )  # fmt: skip


def _lines(row: Archived) -> list[tuple[Cell, ...]]:
    sheet, line = paper.sheet(row.line.paper_id), row.line
    yes, no = RESULTS[row.kind]
    head: tuple[Cell, ...] = (
        row.unit_name,
        row.seat,
        row.name,
        SIGNERS.get(line.signer, ""),
        roundkind.WORDS[row.kind].name,
        row.round_title,
        sheet.title,
        line.text_hash,
        line.noted_on.isoformat() if line.noted_on else local(line.declared_at),
        CHANNEL_NAMES[line.channel],
        "是" if line.helped else None,
        yes if line.met else no,
    )
    stands = "作废" if line.voided_at else "换成了新的" if line.replaced_at else "有效"
    body = sheet.body
    if not isinstance(body, Adoption):
        return [(*head, None, None, None, stands)]
    return [
        (
            *head,
            body.items[one.item].text,
            STATE_NAMES[one.state],
            PROOFS[one.proof] if one.state == "adopted" else None,
            stands,
        )
        for one in row.items
    ]
