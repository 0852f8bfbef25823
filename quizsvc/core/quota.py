"""How many goes one has, a day or in all, and which paper a go is on."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Final

from quizsvc.core.refusal import Refusal

PER: Final = {"round": "整场", "day": "每天"}
WHOLE = "round"
LONGEST_ROLE = 8
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Papers = Mapping[tuple[str, str], int]
"""Papers by day and role; "" stands for every day and for everybody."""


def period(per: str, started_on: date) -> str:
    """Name the period a go counts for; a go that runs past midnight stays in the day on which it began.

    per: a key of PER
    started_on: the day in China on which the go was started
    return: "round", or the day as 2026-12-01
    Source: features.md F-042
    """
    return WHOLE if per == "round" else started_on.isoformat()


def left(allowed: int, periods: Collection[str], now: str) -> int:
    """Count the goes that are left.

    allowed: goes in one period, >= 1
    periods: one entry for each go that was started and is not void
    now: the period that runs
    return: goes, never below 0
    """
    return max(allowed - sum(one == now for one in periods), 0)


def paper_of(papers: Papers, own: int, *, day: str, role: str) -> int:
    """Pick the paper of a go.

    papers: those that take the place of the round's own; by days, by roles, or by both in every pair
    own: the round's own, for whatever is not in `papers`
    day: on which the go starts, 2026-12-01
    role: as the player chose it, "" without one
    return: one of the papers, or own
    """
    for key in ((day, role), (day, ""), ("", role)):
        if key in papers:
            return papers[key]
    return own


def roles(papers: Papers) -> tuple[str, ...]:
    """List the roles a player may choose.

    papers: as in paper_of
    return: each role once, in order of its letters; empty when nobody is asked
    """
    return tuple(sorted({role for _, role in papers if role}))


def written(papers: Mapping[tuple[str, str], str]) -> list[str]:
    """Write which paper is for when and whom, one line each, as `read` takes it.

    papers: codes of papers by day and role
    return: lines by day and role, for instance 2026-12-01 家长 scenes-1
    """
    return [" ".join(part for part in (*key, code) if part) for key, code in sorted(papers.items())]


def read(lines: Iterable[str]) -> dict[tuple[str, str], str]:
    """Read which paper is for when and whom: a day, a role, or a day and a role, then the code of the paper.

    lines: as an organizer types them; empty ones are skipped
    return: codes of papers by day and role
    raise Refusal: a line has another shape, a day or role comes twice, or the lines are not all by day, all by role
        or all by both
    """
    papers: dict[tuple[str, str], str] = {}
    for number, line in enumerate(lines, start=1):
        *parts, code = line.split() or [""]
        if not code:
            continue
        days = [part for part in parts if _DAY.fullmatch(part)]
        names = [part for part in parts if not _DAY.fullmatch(part)]
        if not parts or len(days) > 1 or len(names) > 1 or not all(_is_day(day) for day in days):
            raise Refusal(
                f"第 {number} 行没有看懂。每行写“日期 试卷代号”或“角色 试卷代号”，例如 2026-12-01 scenes-1。"
            )
        if names and not (len(names[0]) <= LONGEST_ROLE and names[0].isprintable()):
            raise Refusal(f"第 {number} 行的角色最多 {LONGEST_ROLE} 个字。")
        key = ("".join(days), "".join(names))
        if key in papers:
            raise Refusal(f"第 {number} 行和前面的重复了：{' '.join(parts)}。")
        papers[key] = code
    if len({(bool(day), bool(role)) for day, role in papers}) > 1:
        raise Refusal("要么每行都按日期，要么每行都按角色，要么每行都写日期和角色，不能混着写。")
    everywhere = {role for _, role in papers}
    for day in {day for day, _ in papers}:
        if {role for one, role in papers if one == day} != everywhere:
            raise Refusal(f"{day} 没有给每个角色都写上试卷。")
    return papers


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
