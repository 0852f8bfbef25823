"""The list of winners as a file for the sponsor: CSV."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from quizsvc.campaign.queries import RoundRow
from quizsvc.core.ledger import Anchor
from quizsvc.core.rulebook import Rules
from quizsvc.prize.queries import END_NAMES, HOW_NAMES, AwardRow, Contact
from quizsvc.tables import Cell, Sheet, anchor_notes, csv_bytes, local

HEADERS: Final = (
    "奖项", "序号", "奖品", "单价（元）", "参赛编号", "中奖人", "手机号", "监护人", "登记时间", "状态",
    "发奖时间", "领取方式",
)  # fmt: skip
STATES: Final = {"waiting": "等登记", "claimed": "已登记，等领", "handed": "已发出"}


def winners_csv(
    rows: Sequence[AwardRow],
    contacts: Mapping[int, Contact] | None,
    round_: RoundRow,
    rules: Rules,
    *,
    who: str,
    at: datetime,
    anchor: Anchor,
) -> bytes:
    """Write who has won what; with `contacts` in full, without them as the public list shows it."""
    notes: tuple[tuple[str, Cell], ...] = (
        ("竞赛", round_.title),
        ("主办", "、".join(round_.organisers)),
        ("内容", "完整的联系方式，只用于发奖，发完请删除" if contacts is not None else "姓名和手机号已打码"),
        ("份数", len(rows)),
        ("导出人", who),
        ("导出时间", local(at)),
        *anchor_notes(anchor),
    )
    body = tuple(_row(row, contacts, rules) for row in rows)
    return csv_bytes(Sheet(f"{round_.title} 获奖名单", HEADERS, body, notes))


def _row(row: AwardRow, contacts: Mapping[int, Contact] | None, rules: Rules) -> tuple[str | int, ...]:
    tier = rules.tiers[row.tier]
    contact = (contacts or {}).get(row.id)
    shown, _, number = (row.shown or "").partition(" ")
    return (
        tier.name,
        row.number,
        tier.item,
        tier.value_yuan,
        row.entry_masked,
        contact.name if contact else shown,
        contact.phone if contact else number,
        (contact.guardian or "" if contact else "有" if row.by_guardian else ""),
        local(row.claimed_at),
        END_NAMES[row.end_kind] if row.end_kind else STATES[row.state],
        local(row.handed_at),
        HOW_NAMES.get(row.how or "", ""),
    )
