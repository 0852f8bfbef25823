"""Reads of the draws: what is frozen, what stands in the way of freezing, the result, its files, who won."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, func, select

from quizsvc.attempt import queries as attempt
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.contest import queries as contest
from quizsvc.contest.models import Progress, Ruling
from quizsvc.core import draw as lots
from quizsvc.core import publicvalue, rulebook
from quizsvc.core.draw import Winner
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.core.rulebook import Rules, Source
from quizsvc.db import db
from quizsvc.draw.models import Draw, Notice, Piece, Result
from quizsvc.draw.models import Winner as WinnerOf
from quizsvc.rulebook import queries as rules_of

LINES_A_PIECE: Final = 10_000
LEAST_NOTICE: Final = timedelta(hours=1)
LATER_SOURCES: Final = "（不是的话，请另出一版规则，换后面的来源）"
WALK: Final = "walk.txt"
"""The order in which prizes are given, kept where it is not the order drawn; follows from order.txt and waves.txt."""

PUBLISHED: Final = lots.FILES


class UnknownDraw(Unknown):
    """There is no such draw."""

    def __init__(self) -> None:
        super().__init__("没有这次抽奖，可能网址抄错了。")


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The public value and what follows from it."""

    public_value: str
    proof: str
    seed: str
    order_hash: str
    drawn_at: datetime
    drawn_by: str


@dataclass(frozen=True, slots=True)
class DrawRow:
    """A frozen list, and its result once it is drawn."""

    round_id: int
    id: str
    rules_version: int
    rules_hash: str
    list_hash: str
    entries: int
    waves: tuple[tuple[int, int], ...]
    """What had to be reached in 1/100 percent, and how many have."""
    sources: tuple[Source, ...]
    frozen_at: datetime
    frozen_by: str
    result: ResultRow | None

    @property
    def known_at(self) -> datetime:
        """From when on all public values are known."""
        return max((source.at for source in self.sources), default=self.frozen_at)

    @property
    def by_lot(self) -> bool:
        """Say whether anything is drawn; a contest may give all its prizes by standing."""
        return self.entries > 0


@dataclass(frozen=True, slots=True)
class WinnerRow:
    """Who holds which prize when the draw is made."""

    tier: int
    number: int
    by: str
    place: int
    entry_id: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """What was said between freezing and drawing."""

    number: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """What must not have changed between looking and freezing."""

    rulings: int
    seen_until: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that freezing will write, made beforehand: it takes a while."""

    round: RoundRow
    version: rules_of.VersionRow
    mark: Mark
    waves: tuple[lots.Wave, ...]
    placed: tuple[Winner, ...]
    """Those who win by standing; they are not in the list."""

    @property
    def entries(self) -> list[str]:
        """All ids of all waves, sorted."""
        return sorted(entry for wave in self.waves for entry in wave.entries)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something freezing waits for. blocks: whether it cannot be passed over in writing."""

    met: bool
    words: str
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Drawn:
    """Everything that drawing will write, made beforehand."""

    draw: DrawRow
    public_value: str
    files: dict[str, bytes]
    winners: tuple[Winner, ...]
    replaced: tuple[int, ...]
    """Positions of the sources for which dice were thrown instead."""


_DRAWS = select(Draw, Result).outerjoin(Result, Result.draw_id == Draw.id)


def draw_of(round_id: int) -> DrawRow | None:
    """Return the draw of a round, None before its list is frozen (1 statement)."""
    row = db.session.execute(_DRAWS.where(Draw.round_id == round_id)).one_or_none()
    return None if row is None else _draw(row)


def draw_named(draw_id: str) -> DrawRow:
    """Return a draw by its public name, or refuse when there is none (1 statement)."""
    row = db.session.execute(_DRAWS.where(Draw.id == draw_id)).one_or_none()
    if row is None:
        raise UnknownDraw
    return _draw(row)


def winners(draw_id: str) -> list[WinnerRow]:
    """List the winners of a draw, highest tier first; nobody before it is drawn (1 statement)."""
    rows = db.session.execute(
        select(WinnerOf.tier, WinnerOf.number, WinnerOf.by, WinnerOf.place, WinnerOf.entry_id)
        .join(Result, Result.draw_id == WinnerOf.draw_id)
        .where(WinnerOf.draw_id == draw_id)
        .order_by(WinnerOf.tier, WinnerOf.number)
    )
    return [WinnerRow(*row) for row in rows]


def notices(draw_id: str) -> list[NoticeRow]:
    """List what was said about a draw, oldest first (1 statement)."""
    rows = db.session.execute(
        select(Notice.number, Notice.text, Notice.at).where(Notice.draw_id == draw_id).order_by(Notice.number)
    )
    return [NoticeRow(*row) for row in rows]


def rules(draw_id: str) -> Rules:
    """Return the rules a draw was frozen under (1 statement)."""
    return rulebook.read(rulebook_content(draw_id))


def rulebook_content(draw_id: str) -> dict[str, Any]:
    """Return the content of rules.json (1 statement)."""
    content: dict[str, Any] = lots.loaded(body(draw_id, lots.RULES))
    return content


def sizes(draw_id: str) -> dict[str, int]:
    """Return the published files of a draw with their length in bytes, in their order (1 statement)."""
    rows = db.session.execute(
        select(Piece.file, func.sum(func.length(Piece.body)))
        .where(Piece.draw_id == draw_id)
        .group_by(Piece.file)
    )
    known = {file: int(length) for file, length in rows}
    return {file: known[file] for file in PUBLISHED if file in known}


def piece(draw_id: str, file: str, number: int) -> bytes | None:
    """Return one piece of a file, None after the last (1 statement)."""
    return db.session.execute(
        select(Piece.body).where(Piece.draw_id == draw_id, Piece.file == file, Piece.number == number)
    ).scalar_one_or_none()


def pieces(draw_id: str, file: str) -> Iterator[bytes]:
    """Walk a file piece by piece, one statement each, so that no piece waits in memory for the next."""
    number = 0
    while (part := piece(draw_id, file, number)) is not None:
        yield part
        number += 1


def body(draw_id: str, file: str) -> bytes:
    """Return a whole file, empty when there is none (1 statement)."""
    rows = db.session.scalars(
        select(Piece.body).where(Piece.draw_id == draw_id, Piece.file == file).order_by(Piece.number)
    )
    return b"".join(rows)


def entry_after(draw_id: str, place: int) -> tuple[int, str] | None:
    """Return the next place and its entry in the order prizes are given in, None after the last (2 statements)."""
    number, line = divmod(place, LINES_A_PIECE)
    part = piece(draw_id, WALK, number) or piece(draw_id, lots.ORDER, number)
    listed = (part or b"").decode().splitlines()
    return (place + 1, listed[line]) if line < len(listed) else None


def place_of(draw_id: str, entry_id: str) -> int | None:
    """Return the place of an entry in the order prizes are given in, from 1; None when it is not in the list."""
    wanted = f"\n{entry_id}\n".encode()
    for file in (WALK, lots.ORDER):
        for number, part in enumerate(pieces(draw_id, file)):
            found = (b"\n" + part).find(wanted)
            if found >= 0:
                return number * LINES_A_PIECE + part.count(b"\n", 0, found) + 1
    return None


def is_listed(draw_id: str, entry_id: str) -> bool:
    """Say whether an entry is in the frozen list."""
    wanted = f"\n{entry_id}\n".encode()
    return any(wanted in b"\n" + part for part in pieces(draw_id, lots.ENTRIES))


def drawn_rounds() -> list[int]:
    """List the rounds whose list is frozen (1 statement)."""
    return list(db.session.scalars(select(Draw.round_id).order_by(Draw.round_id)))


def faults(draw: DrawRow) -> list[str]:
    """Compute a draw again from its files, and say where files and tables tell something else (up to 10 statements)."""
    listed = body(draw.id, lots.ENTRIES).decode(errors="replace").splitlines()
    said = []
    if sha256("\n".join(listed).encode()).hexdigest() != draw.list_hash or len(listed) != draw.entries:
        said.append("名单和封存时的指纹不同")
    if sha256(body(draw.id, lots.RULES)).hexdigest() != draw.rules_hash:
        said.append("规则和封存时的指纹不同")
    if draw.result is None or not draw.by_lot or said:
        return said
    files = {name: body(draw.id, name) for name in sizes(draw.id)}
    wrong = lots.problems(files)
    if wrong:
        return wrong
    fields = lots.loaded(files[lots.DRAW])
    held = (draw.id, draw.rules_hash, draw.list_hash, draw.result.public_value, draw.result.seed)
    if tuple(fields[name] for name in lots.FIELDS) != held:
        said.append("draw.json 和记下的公开数值、种子不同")
    won = [one.entry_id for one in winners(draw.id) if one.by == "draw"]
    if [one["entry_id"] for one in lots.loaded(files[lots.WINNERS])] != won:
        said.append("中奖的人和 winners.json 不同")
    return said


def conditions(round_id: int, at: datetime) -> list[Condition]:
    """List what freezing a contest waits for, met or not (up to 14 statements)."""
    known = contest.contest_of(campaign.round_of(round_id), at)
    if known is None:
        return [Condition(False, "先公布规则")]
    sources = known.version.rules.sources
    by_lot = lots.prizes_by(known.version.rules.tiers, "draw") > 0
    unfinished, pending = attempt.unfinished(round_id), contest.pending(round_id)
    appeals = contest.open_appeals(round_id)
    found = [
        Condition(bool(known.version.rules.tiers) and not known.round.is_test, "规则里有奖项，不是测试活动"),
        Condition(at >= known.over_at, "答题时间已过，补交的时间也已过"),
        Condition(not unfinished, f"没有还开着的作答（现在 {unfinished} 份）"),
        Condition(contest.settled(round_id, at), "成绩已经全部算好"),
        Condition(not pending, f"标记的参赛者都复核过了（还有 {pending} 人）", blocks=False),
        Condition(not appeals, f"申诉都答复了（还有 {appeals} 份）", blocks=False),
    ]
    if by_lot:
        early = all(source.at >= at + LEAST_NOTICE for source in sources)
        found += [
            Condition(
                not _weakness(sources), _weakness(sources).rstrip("。") or "随机来源合起来至少 64 比特"
            ),
            Condition(early, f"每个随机来源都在 1 小时以后才会知道{'' if early else LATER_SOURCES}"),
        ]
    return found


def plan(round_id: int, at: datetime) -> Plan:
    """Make the list of a contest and name those who win by standing (up to 12 statements)."""
    known = contest.contest_of(campaign.round_of(round_id), at)
    if known is None:
        raise Refusal("规则还没有公布，不能封存名单。", status=409)
    mark, tiers = mark_of(round_id), known.version.rules.tiers
    top = contest.standing(round_id, lots.prizes_by(tiers, "standing"))
    placed = lots.winners_by_standing(tiers, [(one.rank, one.entry_id) for one in top])
    out = {one.entry_id for one in placed}
    wanted = lots.prizes_by(tiers, "draw")
    steps = known.version.rules.qualifies if wanted else ()
    waves = lots.cascade(
        ((step, (one for one in contest.entries(round_id, step) if one not in out)) for step in steps), wanted
    )
    return Plan(known.round, known.version, mark, waves, placed)


def mark_of(round_id: int) -> Mark:
    """Return what must stay as it is while a list is made (2 statements)."""
    newest = select(func.coalesce(func.max(Ruling.id), 0)).where(Ruling.round_id == round_id)
    seen = select(Progress.seen_until).where(Progress.round_id == round_id)
    return Mark(db.session.execute(newest).scalar_one(), db.session.execute(seen).scalar_one_or_none())


def sources_used(draw: DrawRow, replaced: Sequence[int]) -> tuple[Source, ...]:
    """Return the sources of a draw, dice of the same weight in place of those that failed."""
    return tuple(
        Source(kind="dice", name=f"代替 {source.name}", at=source.at, bits=source.bits)
        if position in replaced
        else source
        for position, source in enumerate(draw.sources)
    )


def drawn(draw: DrawRow, typed: Sequence[str], replaced: Sequence[int] = ()) -> Drawn:
    """Compute what follows from the public values as somebody typed them (4 statements)."""
    value = publicvalue.combined(sources_used(draw, replaced), typed)
    announced = rules(draw.id)
    entries = body(draw.id, lots.ENTRIES).decode().splitlines()
    waves = lots.waves_read(body(draw.id, lots.WAVES))
    files = lots.result_files(
        draw_id=draw.id,
        rules_hash=draw.rules_hash,
        rules=announced,
        entries=entries,
        waves=waves,
        value=value,
    )
    ordered = files[lots.ORDER].decode().splitlines()
    walked = lots.walk(ordered, waves)
    if walked != ordered:
        files[WALK] = lots.listed_text(walked)
    return Drawn(draw, value, files, lots.winners(announced.tiers, walked), tuple(replaced))


def _weakness(sources: Sequence[Source]) -> str:
    try:
        publicvalue.refuse_weak(sources)
    except publicvalue.WeakSources as weak:
        return weak.text
    return ""


def _draw(row: Row[Draw, Result]) -> DrawRow:
    frozen, result = row.Draw, row.Result
    return DrawRow(
        round_id=frozen.round_id,
        id=frozen.id,
        rules_version=frozen.rules_version,
        rules_hash=frozen.rules_hash,
        list_hash=frozen.list_hash,
        entries=frozen.entries,
        waves=tuple((wave["at_least"], wave["entries"]) for wave in frozen.waves),
        sources=tuple(
            Source(**{**source, "at": datetime.fromisoformat(source["at"])}) for source in frozen.sources
        ),
        frozen_at=frozen.frozen_at,
        frozen_by=frozen.frozen_by,
        result=result
        and ResultRow(
            result.public_value,
            result.proof,
            result.seed,
            result.order_hash,
            result.drawn_at,
            result.drawn_by,
        ),
    )
