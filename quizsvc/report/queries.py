"""Page values: my classes, the class board, scores, question table, coverage. Counts come from rollup."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
)

from quizsvc.attempt import queries as attempt
from quizsvc.attempt.models import Attempt, Participant
from quizsvc.attempt.queries import SeatState
from quizsvc.bank import queries as bank
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import RoundUnit
from quizsvc.campaign.queries import RoundRow
from quizsvc.clock import local_day
from quizsvc.core import change, indicators, itemstats, notices, progress, roundkind, unitname
from quizsvc.core.bankfile import KIND_NAMES
from quizsvc.core.indicators import Rate, Tally
from quizsvc.core.itemstats import ItemCount
from quizsvc.core.notices import Piece
from quizsvc.core.term import term_of
from quizsvc.core.window import State, Window
from quizsvc.db import db, subtree
from quizsvc.link import queries as link
from quizsvc.link.models import Link
from quizsvc.link.queries import Door
from quizsvc.paper import queries as paper
from quizsvc.paper.queries import FrozenItem
from quizsvc.rollup import queries as rollup
from quizsvc.rollup.queries import Level, Surroundings
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Unit
from quizsvc.roster.queries import UnitRow

BANDS = ((0, "60 分以下"), (60, "60–69 分"), (70, "70–79 分"), (80, "80–89 分"), (90, "90–100 分"))
MOST_HEAT_COLUMNS = 16
TRAPS = 3
SOURCES = {"poster": "海报", "group": "班级群", "screen": "投屏"}
MOST_TICKS = 200
MOST_TOPIC_HEADS = 10_000
HUNDRED = 100
OF_CLASSES = tuple(kind for kind in roundkind.WORDS if kind != "contest")
"""Kinds of rounds that a class is held against 100 % in."""
HEAT = ((7000, "h1"), (8500, "h2"), (9500, "h3"))


@dataclass(frozen=True, slots=True)
class Ring:
    """How a ring is drawn: so many ticks, and the first of them in these colours."""

    ticks: int
    parts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class in one round, for the list of my classes."""

    round: RoundRow
    unit: UnitRow
    tally: Tally
    ring: Ring
    missing: int
    state: State
    closes_at: datetime

    @property
    def coverage(self) -> Rate:
        """Return what share of the class has taken part."""
        return indicators.coverage(self.tally)


@dataclass(frozen=True, slots=True)
class SeatCell:
    """One seat of the map; `who` is None where names are not kept or not for this person."""

    seat: int
    who: str | None
    state: str  # done | open | none | exempt
    text: str


@dataclass(frozen=True, slots=True)
class Trap:
    """One of the questions most of the class had wrong."""

    topic: str
    most: str
    wrong: Rate
    percent: int


@dataclass(frozen=True, slots=True)
class Traps:
    """The worst questions of a class, or why none are named."""

    worst: tuple[Trap, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Board:
    """The class board; without the right to see seats, `seats` is None and the traps are empty."""

    round: RoundRow
    unit: UnitRow
    at: datetime
    state: State
    closes_at: datetime
    tally: Tally
    missing: int
    todo: int
    ring: Ring
    door: Door | None
    group_text: str
    parents_text: str
    seats: tuple[SeatCell, ...] | None
    undone: int
    seats_differ: bool
    erased: bool
    """The way from heads to seats is gone: the counts are all there, the map is not."""
    traps: Traps | None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One seat in the table of scores."""

    seat: int
    who: str | None
    first: int | None
    counted: int | None
    out_of: int
    submitted_at: datetime | None
    attempts: int
    state: str
    met: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One bar of the distribution."""

    label: str
    people: int
    percent: int


@dataclass(frozen=True, slots=True)
class Scores:
    """The table of scores of a class and its distribution."""

    rows: tuple[ScoreRow, ...]
    bands: tuple[Band, ...]
    done: int
    out_of: int
    erased: bool
    """The way from heads to seats is gone: there are no rows, and the distribution is as it was."""
    starts: tuple[tuple[str, int], ...]
    """Where the started attempts came from, and how many."""


@dataclass(frozen=True, slots=True)
class OptionLine:
    """One option of a question with how many chose it; people is None when too few to be shown."""

    letter: str
    text: str
    key: bool
    tempting: bool
    people: int | None
    percent: int


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One question as the class answered it."""

    number: int
    topic: str
    kind: str
    stem: str
    verdict: str
    enough: bool
    sentence: str
    shown: int
    facility: Rate
    blank: int
    options: tuple[OptionLine, ...]


@dataclass(frozen=True, slots=True)
class ItemTable:
    """The questions of a round as a class answered them, and whether it tells fraud from honest messages."""

    lines: tuple[ItemLine, ...]
    alertness: itemstats.Alertness


@dataclass(frozen=True, slots=True)
class UsedItem:
    """One item of a bank over all rounds it was in; `doubts` say why it wants a second look."""

    code: str
    stem: str
    shown: int
    facility: Rate
    last_at: datetime
    doubts: tuple[str, ...]
    uses: tuple[rollup.ItemUse, ...]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """The coverage of one grade, a word of colour and a number."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class ChildRow:
    """One part of a unit in the coverage table; first is None when too few people to show results of."""

    level: Level
    own: bool
    leaf: bool
    complete: bool
    coverage: Rate
    percent: int
    first: Rate | None
    cells: tuple[HeatCell | None, ...]


@dataclass(frozen=True, slots=True)
class CurveDay:
    """One day of the cumulative curve."""

    on: date
    done: int
    so_far: Rate


@dataclass(frozen=True, slots=True)
class Curve:
    """The cumulative curve, in the coordinates of its drawing (380 by 118), and its table."""

    line: str
    area: str
    x: str
    y: str
    anchor: str
    first_on: date | None
    today_on: date | None
    last_on: date
    pace: int
    label: str
    days: tuple[CurveDay, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage page of a unit."""

    round: RoundRow
    unit: UnitRow
    above: tuple[UnitRow, ...]
    at: datetime
    state: State
    lead: tuple[Piece, ...]
    tally: Tally
    missing: int
    over: int
    uncounted: int
    small: bool
    days_left: str
    curve: Curve | None
    counter: str
    columns: tuple[str, ...]
    rows: tuple[ChildRow, ...]


def my_classes(paths: Sequence[str], at: datetime, *, earlier: bool = False) -> list[ClassRow]:
    """List my classes by round, newest first; rounds that ended in earlier terms only on request."""
    term = term_of(local_day(at))
    counted: list[tuple[RoundRow, int, Tally]] = []
    doors: dict[tuple[int, int], Door] = {}
    for round_ in campaign.rounds_over(paths, kinds=OF_CLASSES):
        if not earlier and round_.term != term and round_.window().state(at) == "closed":
            continue
        for top in _common(paths):
            counted.extend(
                (round_, unit_id, tally) for unit_id, tally in rollup.unit_tallies(round_, top).items()
            )
            doors.update(
                {(round_.id, door.unit_id): door for door in link.doors_of(round_.id, top) if not door.place}
            )
    units = roster.units({unit_id for _, unit_id, _ in counted})
    rows = []
    for round_, unit_id, tally in counted:
        unit = units[unit_id]
        if not unit.path.startswith(tuple(paths)):
            continue
        door = doors.get((round_.id, unit_id))
        closes_at = door.closes_at if door else round_.closes_at
        state = Window(round_.opens_at, closes_at).state(at)
        rows.append(ClassRow(round_, unit, tally, _ring(tally), indicators.missing(tally), state, closes_at))
    return sorted(
        rows, key=lambda row: (-row.round.opens_at.timestamp(), row.round.id, _tree_order(row.unit))
    )


def my_rounds(paths: Sequence[str]) -> list[tuple[RoundRow, list[UnitRow]]]:
    """List the rounds in my subtrees, newest first, each with those of my units it touches (3 statements)."""
    rounds = campaign.rounds_over(paths, kinds=OF_CLASSES)
    mine = units_at(paths)
    opened: dict[int, list[str]] = {}
    for round_id, path in db.session.execute(
        select(RoundUnit.round_id, Unit.path)
        .join(Unit, Unit.id == RoundUnit.unit_id)
        .where(RoundUnit.round_id.in_([round_.id for round_ in rounds]))
    ):
        opened.setdefault(round_id, []).append(path)
    return [(round_, [unit for unit in mine if _touches(unit.path, opened[round_.id])]) for round_ in rounds]


def board(
    round_: RoundRow,
    unit: UnitRow,
    *,
    public_url: str,
    at: datetime,
    seats: bool,
    names: bool = False,
    undone: bool = False,
) -> Board:
    """Return the class board: seats and names only for those who may see them."""
    tally = rollup.tallies_among(round_, unit.path, {unit.id}).get(unit.id, Tally.ZERO)
    door = link.door_of(round_.id, unit.id)
    closes_at = door.closes_at if door else round_.closes_at
    frozen = paper.frozen(round_.paper_id)
    notice = link.notice(
        round_,
        unit.name,
        tally,
        door,
        public_url=public_url,
        at=at,
        items=frozen.blueprint.item_count,
        minutes=paper.minutes(frozen),
    )
    erased = seats and _erased(round_, unit.id, at)
    states = attempt.seats_of(round_, unit.id) if seats and not erased else []
    everybody = [seat for seat in states if not seat.exempt]
    return Board(
        round=round_,
        unit=unit,
        at=at,
        state=notice.state,
        closes_at=closes_at,
        tally=tally,
        missing=notice.missing,
        todo=max(tally.expected - tally.done - tally.open, 0),
        ring=_ring(tally),
        door=door,
        group_text=notices.group_text(notice),
        parents_text=notices.parents_text(notice),
        seats=_cells(states, round_, notice.state, names=names, undone=undone) if seats else None,
        undone=sum(seat.state != "done" for seat in everybody),
        seats_differ=seats and not erased and len(everybody) != tally.expected,
        erased=erased,
        traps=traps(round_, unit.path) if seats else None,
    )


def live_tag(round_: RoundRow, unit_id: int, at: datetime, *shown: bool) -> str:
    """Return a tag that changes whenever the changing part of a board does (1 statement)."""
    facts = db.session.execute(_live_facts(), {"round_id": round_.id, "unit_id": unit_id}).one()
    closes_at = max(round_.closes_at, facts.extended_to or round_.closes_at)
    states = (Window(round_.opens_at, closes_at).state(at), local_day(at))
    return hashlib.sha256(repr((round_, unit_id, states, shown, tuple(facts))).encode()).hexdigest()[:24]


def traps(round_: RoundRow, path: str) -> Traps:
    """Return the three questions with the largest share of wrong answers at the first go."""
    frozen = paper.frozen(round_.paper_id)
    counts = rollup.item_counts(round_, path)
    enough = {index: count for index, count in counts.items() if count.shown >= itemstats.FEWEST_SHOWN}
    if not enough:
        return Traps((), itemstats.TOO_FEW)
    ranked = sorted(
        (index for index, count in enough.items() if count.correct < count.shown),
        key=lambda index: (indicators.permyriad(enough[index].correct, enough[index].shown), index),
    )
    if not ranked:
        return Traps((), "到现在为止，每道题都答对了。")
    worst = tuple(_trap(frozen.items[index], enough[index], frozen.topics) for index in ranked[:TRAPS])
    tenth = max(1, round(10 * worst[0].wrong.part / worst[0].wrong.whole))
    return Traps(worst, f"建议：班会先讲“{worst[0].topic}”这一题，每 10 人里约有 {tenth} 人第一次没答对。")


def scores(round_: RoundRow, unit_id: int, at: datetime, *, names: bool) -> Scores:
    """Return the scores of a class by seat, and the distribution over everybody in its denominator."""
    heads = attempt.heads_of(round_, unit_id)
    states = [] if heads.unseated else attempt.seats_of(round_, unit_id)
    starts = attempt.starts_by_source(round_.id, unit_id)
    who = roster.names([seat.enrolment_id for seat in states]) if names else {}
    rows = tuple(
        ScoreRow(
            seat=seat.seat,
            who=who.get(seat.enrolment_id),
            first=seat.first_score,
            counted=seat.counted_score,
            out_of=seat.out_of,
            submitted_at=seat.submitted_at,
            attempts=seat.attempts,
            state=_seat_text(seat, round_.window().state(at)),
            met=seat.met,
            late=seat.late,
        )
        for seat in states
    )
    people = [0] * len(BANDS)
    for score, out_of in heads.scores:
        people[_band(score, out_of)] += 1
    return Scores(
        rows=rows,
        bands=tuple(
            Band(label, number, _percent(number, len(heads.scores)))
            for (_, label), number in zip(BANDS, people, strict=True)
        ),
        done=len(heads.scores),
        out_of=max((out_of for _, out_of in heads.scores), default=0),
        erased=heads.unseated,
        starts=tuple((SOURCES[source], number) for source, number in sorted(starts.items())),
    )


def item_table(round_: RoundRow, path: str, *, inside: bool) -> ItemTable:
    """Tell how each question was answered, hardest first, too few answers last. Small counts only `inside`."""
    frozen = paper.frozen(round_.paper_id)
    counts = rollup.item_counts(round_, path)
    ranked = sorted(
        counts,
        key=lambda index: (
            counts[index].shown < itemstats.FEWEST_SHOWN,
            indicators.permyriad(counts[index].correct, counts[index].shown),
            index,
        ),
    )
    lines = tuple(
        _item_line(number, frozen.items[index], counts[index], frozen.topics, inside=inside)
        for number, index in enumerate(ranked, start=1)
    )
    scenes = [
        (frozen.items[index].item.genuine, count)
        for index, count in counts.items()
        if frozen.items[index].item.scene is not None
    ]
    return ItemTable(lines, itemstats.alertness(scenes))


def used_items(bank_code: str, paths: Sequence[str], code: str = "") -> list[UsedItem]:
    """List the items of a bank that somebody was shown, doubtful ones first (4 statements)."""
    if all(row.code != bank_code for row in bank.banks()):
        raise bank.UnknownBank
    stems = {version.item.code: version.item.stem for version in bank.latest(bank_code)}
    grouped = groupby(rollup.item_uses(bank_code, paths), key=lambda use: use.code)
    items = [_used_item(stems.get(name, "（已停用）"), tuple(uses)) for name, uses in grouped]
    chosen = [item for item in items if code in ("", item.code)]
    return sorted(chosen, key=lambda item: (not item.doubts, item.facility.permyriad or 0, item.code))


def coverage(round_: RoundRow, around: Surroundings, at: datetime, *, inside: bool) -> Coverage:
    """Return the coverage page of a unit (3 statements, 2 for a round without questions).

    `inside`: may see results of fewer than five.
    """
    unit = around.unit
    tallies = rollup.tallies_among(round_, unit.path, around.reached)
    levels = {level.unit.id: level for level in rollup.levels(around.under, tallies)}
    whole = levels.get(unit.id, Level(unit, Tally.ZERO, 0, 0))
    children = [levels[row.id] for row in around.under if row.parent_id == unit.id and row.id in levels]
    parts = [child for child in children if child.tally.expected or child.tally.done]
    if parts and unit.id in tallies:
        own = tallies[unit.id]
        parts.append(Level(unit, own, indicators.missing(own), int(own.done > own.expected)))
    with_parts = {row.parent_id for row in around.under}
    columns, grades = _grades(around, levels) if parts else ((), {})
    rows = tuple(
        _child_row(
            part, part.unit.id == unit.id, part.unit.id not in with_parts, columns, grades, inside=inside
        )
        for part in sorted(parts, key=_by_gap)
    )
    counter = unitname.counter(part.unit.kind for part in parts)
    return Coverage(
        round=round_,
        unit=unit,
        above=around.above,
        at=at,
        state=round_.window().state(at),
        lead=notices.lead(
            scope=unitname.SCOPE_WORDS.get(unit.kind, unit.name),
            people=_people(around, tallies),
            tally=whole.tally,
            missing=whole.missing,
            gaps=[(row.level.unit.name, row.level.missing) for row in rows if row.level.missing],
            siblings=len(rows),
            counter=counter,
            kind=round_.kind,
            nameless=round_.is_nameless,
        ),
        tally=whole.tally,
        missing=whole.missing,
        over=whole.over,
        uncounted=sum(
            row.id in around.reached and row.id not in with_parts and row.id not in tallies
            for row in around.under
        ),
        small=not inside and indicators.hidden_small(whole.tally.expected),
        days_left=days_left(round_, at),
        curve=_curve(round_, whole, rollup.daily_done(round_, unit.path), at) if round_.is_quiz else None,
        counter=counter,
        columns=columns,
        rows=rows,
    )


def levels_of(round_: RoundRow, around: Surroundings) -> list[Level]:
    """List a unit and everything under it with summed heads, by path (2 statements)."""
    return rollup.levels(around.under, rollup.tallies_among(round_, around.unit.path, around.reached))


def units_at(paths: Sequence[str]) -> list[UnitRow]:
    """List the units at some paths, by path (1 statement)."""
    rows = db.session.execute(
        select(Unit.id, Unit.parent_id, Unit.path, Unit.code, Unit.name, Unit.kind, Unit.position)
        .where(Unit.path.in_(paths))
        .order_by(Unit.path)
    )
    return [UnitRow(*row) for row in rows]


def days_left(round_: RoundRow, at: datetime) -> str:
    """Say how long a round still runs."""
    state = round_.window().state(at)
    if state == "before":
        return "未开始"
    if state == "closed":
        return "已截止"
    days = (local_day(round_.closes_at) - local_day(at)).days
    if days:
        return f"{days} 天"
    hours = int((round_.closes_at - at).total_seconds() // 3600)
    return f"{hours} 小时" if hours else "不到 1 小时"


@cache
def _live_facts() -> Select[*tuple[Any, ...]]:
    """Counts and newest moments of what a board is made of; written once a process, filled in by name."""
    round_id, unit_id = bindparam("round_id", type_=Integer), bindparam("unit_id", type_=Integer)
    seats = select(func.count()).where(Enrolment.unit_id == unit_id)
    excused = seats.join_from(Enrolment, Exemption, Exemption.enrolment_id == Enrolment.id)
    doors = and_(Link.round_id == round_id, Link.unit_id == unit_id)
    aside: list[ColumnElement[Any]] = [
        select(func.max(Headcount.id)).where(Headcount.unit_id == unit_id).scalar_subquery(),
        seats.where(Enrolment.left_at.is_(None)).scalar_subquery(),
        excused.scalar_subquery(),
        excused.where(Exemption.ended_at.is_not(None)).scalar_subquery(),
        select(func.max(Link.id)).where(doors).scalar_subquery(),
        select(func.count(Link.revoked_at)).where(doors).scalar_subquery(),
        select(func.max(Link.closes_at)).where(doors).scalar_subquery().label("extended_to"),
    ]
    return select(
        func.count(),
        func.count(Attempt.voided_at),
        func.max(Attempt.started_at),
        func.max(Attempt.saved_at),
        func.max(Attempt.submitted_at),
        *aside,
    ).where(Attempt.round_id == round_id, Attempt.unit_id == unit_id)


def shortened(text: str, most: int = 18) -> str:
    """Cut a text for a line of a table."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _erased(round_: RoundRow, unit_id: int, at: datetime) -> bool:
    return local_day(at) >= round_.erase_on and attempt.unseated(round_.id, unit_id)


def _touches(path: str, opened: Sequence[str]) -> bool:
    return any(path.startswith(one) or one.startswith(path) for one in opened)


def _common(paths: Sequence[str]) -> list[str]:
    """Find, per root, the deepest unit that holds all the paths: one question instead of one a class."""
    common: dict[str, list[str]] = {}
    for path in paths:
        codes = path.split("/")[:-1]
        known = common.setdefault(codes[0], codes)
        same = 0
        while same < min(len(known), len(codes)) and known[same] == codes[same]:
            same += 1
        common[codes[0]] = codes[:same]
    return ["/".join(codes) + "/" for codes in common.values()]


def _tree_order(unit: UnitRow) -> tuple[str, int, str]:
    return unit.path.rpartition(f"{unit.code}/")[0], unit.position, unit.path


def _ring(tally: Tally) -> Ring:
    """One tick a person; beyond two hundred nobody can tell them apart, and a tick is one in a hundred."""
    whole = max(tally.expected, tally.done + tally.open)
    ticks = whole if whole <= MOST_TICKS else HUNDRED
    if 0 < tally.expected == tally.done:
        return Ring(ticks, (("rk", ticks),))
    if not whole:
        return Ring(0, ())
    return Ring(ticks, (("r1", ticks * tally.done // whole), ("r2", ticks * tally.open // whole)))


def _cells(
    states: Sequence[SeatState], round_: RoundRow, state: State, *, names: bool, undone: bool
) -> tuple[SeatCell, ...]:
    who: Mapping[int, str] = roster.names([seat.enrolment_id for seat in states]) if names else {}
    return tuple(
        SeatCell(
            seat=seat.seat,
            who=who.get(seat.enrolment_id),
            state="exempt" if seat.exempt else seat.state,
            text=_seat_text(seat, state),
        )
        for seat in states
        if not undone or (seat.state != "done" and not seat.exempt)
    )


def _seat_text(seat: SeatState, state: State) -> str:
    if seat.exempt:
        return "免测"
    if seat.state == "open":
        return f"{seat.answered}/{seat.items}"
    if seat.state == "done":
        return "已完成"
    return "没做" if state == "closed" else "未开始"


def _trap(entry: FrozenItem, count: ItemCount, topics: Mapping[str, str]) -> Trap:
    wrong = count.shown - count.correct
    return Trap(
        topic=topics.get(entry.item.topic, entry.item.topic),
        most=_most_wrong(entry, count),
        wrong=Rate(wrong, count.shown),
        percent=_percent(wrong, count.shown),
    )


def _most_wrong(entry: FrozenItem, count: ItemCount) -> str:
    """Say what most of those who were wrong did: chose something, left something out, or left it blank."""
    options = entry.item.options
    key = entry.key
    chosen = itemstats.tempting(count, key)
    answered = count.shown - count.blank
    left_out = min(key, key=lambda index: count.chosen[index], default=None) if len(key) > 1 else None
    forgot = answered - count.chosen[left_out] if left_out is not None else 0
    picked = count.chosen[chosen] if chosen is not None else 0
    if left_out is not None and forgot > picked:
        return f"{forgot} 人漏选“{shortened(options[left_out].text)}”"
    if chosen is not None:
        return f"{picked} 人选了“{shortened(options[chosen].text)}”"
    return f"{count.blank} 人没有作答"


def _band(score: int, out_of: int) -> int:
    return max(index for index, (least, _) in enumerate(BANDS) if score * 100 >= least * out_of)


def _percent(part: int, whole: int) -> int:
    return min(100 * part // whole, 100) if whole else 0


def _item_line(
    number: int, entry: FrozenItem, count: ItemCount, topics: Mapping[str, str], *, inside: bool
) -> ItemLine:
    item = entry.item
    enough = count.shown >= itemstats.FEWEST_SHOWN
    tempting = itemstats.tempting(count, entry.key)
    return ItemLine(
        number=number,
        topic=topics.get(item.topic, item.topic),
        kind=KIND_NAMES[item.kind],
        stem=item.stem,
        verdict=itemstats.verdict(count),
        enough=enough,
        sentence=_item_sentence(entry, count) if enough else "",
        shown=count.shown,
        facility=itemstats.facility(count),
        blank=count.blank,
        options=tuple(
            OptionLine(
                letter=chr(ord("A") + index),
                text=option.text,
                key=option.key,
                tempting=index == tempting,
                people=people if inside or not indicators.hidden_small(people) else None,
                percent=_percent(people, count.shown) if inside or not indicators.hidden_small(people) else 0,
            )
            for index, (option, people) in enumerate(zip(item.options, count.chosen, strict=True))
        )
        if enough
        else (),
    )


def _used_item(stem: str, uses: tuple[rollup.ItemUse, ...]) -> UsedItem:
    shown, correct = sum(use.shown for use in uses), sum(use.correct for use in uses)
    told = [sentence for use in uses for sentence in itemstats.doubts(use.shown, 0, use.discrimination)]
    return UsedItem(
        code=uses[0].code,
        stem=stem,
        shown=shown,
        facility=Rate(correct, shown),
        last_at=uses[0].last_at,
        doubts=tuple(dict.fromkeys((*itemstats.doubts(shown, correct, None), *told))),
        uses=uses,
    )


def _item_sentence(entry: FrozenItem, count: ItemCount) -> str:
    wrong = count.shown - count.correct
    if not wrong:
        return "大家都答对了。"
    share = _percent(wrong, count.shown)
    advice = "建议班会讲 2 分钟。" if count.correct * 10 < count.shown * 7 else ""
    return f"{f'{share}%' if share else '不到 1%'} 没答对，{_most_wrong(entry, count)}。{advice}"


def _by_gap(level: Level) -> tuple[int, int, int, str]:
    rate = indicators.coverage(level.tally).permyriad
    return -level.missing, 10000 if rate is None else rate, level.unit.position, level.unit.path


def _grades(
    around: Surroundings, levels: Mapping[int, Level]
) -> tuple[tuple[str, ...], dict[int, dict[str, Level]]]:
    """Find the grades below the parts of a unit: their names in order, and each part's own."""
    parts = {row.id for row in around.under if row.parent_id == around.unit.id and row.kind != "grade"}
    grades: dict[int, dict[str, Level]] = {}
    order: dict[str, tuple[int, str]] = {}
    for row in around.under:
        if row.kind == "grade" and row.parent_id in parts and row.id in levels:
            grades.setdefault(row.parent_id, {})[row.name] = levels[row.id]
            order.setdefault(row.name, (row.position, row.name))
    if len(order) > MOST_HEAT_COLUMNS:
        return (), {}
    return tuple(sorted(order, key=order.__getitem__)), grades


def _child_row(
    part: Level,
    own: bool,
    leaf: bool,
    columns: Sequence[str],
    grades: Mapping[int, dict[str, Level]],
    *,
    inside: bool,
) -> ChildRow:
    rate = indicators.coverage(part.tally)
    mine = {} if own else grades.get(part.unit.id, {})
    hidden = not inside and indicators.hidden_small(part.tally.expected)
    return ChildRow(
        level=part,
        own=own,
        leaf=leaf,
        complete=not part.missing and not part.over and part.tally.expected > 0,
        coverage=rate,
        percent=_percent(part.tally.done, part.tally.expected),
        first=None if hidden else indicators.first_awareness(part.tally),
        cells=tuple(_heat(mine.get(name)) for name in columns),
    )


def _heat(level: Level | None) -> HeatCell | None:
    if level is None or not level.tally.expected:
        return None
    if not level.missing:
        return HeatCell("h5", "✓")
    # a surplus in one class must not paint over the gap of another
    rate = min(indicators.permyriad(level.tally.done, level.tally.expected), 9999)
    return HeatCell(next((name for below, name in HEAT if rate < below), ""), str(rate // 100))


def _people(around: Surroundings, tallies: Mapping[int, Tally]) -> str:
    kinds = {row.kind for row in around.under if row.id in tallies}
    return "名学生" if kinds == {"class"} else "人"


def _curve(round_: RoundRow, whole: Level, days: Sequence[progress.Day], at: datetime) -> Curve | None:
    state = round_.window().state(at)
    expected = whole.tally.expected
    if state == "before" or not expected:
        return None
    first = local_day(round_.opens_at)
    last = max([local_day(round_.closes_at), *(day.on for day in days)])
    today = min(local_day(at), last)
    so_far = progress.cumulative(days, first, today)
    each = (so_far[0], *(after - before for before, after in pairwise(so_far)))
    step = 380 / ((last - first).days + 1)
    points = [(0.0, 118.0)] + [
        ((number + 1) * step, 118 - 118 * min(done, expected) / expected)
        for number, done in enumerate(so_far)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    running = state == "open" and whole.missing > 0
    rate = indicators.coverage(whole.tally).text
    return Curve(
        line=line,
        area=f"M0,118 L{line} L{x:.1f},118Z",
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        anchor="start" if x < 60 else "end" if x > 320 else "middle",
        first_on=first if x > 110 else None,
        today_on=today if state == "open" and today < last else None,
        last_on=last,
        pace=progress.pace_needed(whole.missing, (last - today).days + 1) if running else 0,
        label=(
            f"每日累计完成率：{first.month} 月 {first.day} 日开始，{today.month} 月 {today.day} 日 {rate}，"
            f"目标 100%，{last.month} 月 {last.day} 日截止"
        ),
        days=tuple(
            CurveDay(date.fromordinal(first.toordinal() + number), done, Rate(total, expected))
            for number, (done, total) in enumerate(zip(each, so_far, strict=True))
        ),
    )


# Before and after: two test rounds of one campaign held against each other.


@dataclass(frozen=True, slots=True)
class RateChange:
    """One rate in both rounds; `change` tells the difference in percentage points."""

    name: str
    before: Rate
    after: Rate
    change: str


@dataclass(frozen=True, slots=True)
class TopicChange:
    """The answers to one topic in both rounds; None where fewer than ten were given."""

    name: str
    before: Rate | None
    after: Rate | None
    change: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rounds over one unit. `turned` is whether `pairs.up` and `pairs.down` may be shown."""

    rates: tuple[RateChange, ...]
    small: bool
    """Too few people are expected to show more than the coverage."""
    caveats: tuple[str, ...]
    pairs: change.Pairs
    heads: str
    turned: bool
    topics: tuple[TopicChange, ...]
    crowded: bool
    """Too many took part to read every answer for one page: the topics are told of smaller units."""


def earlier_tests(after: RoundRow, path: str) -> list[RoundRow]:
    """List the tests of a round's campaign that began before it and touch a unit, newest first (2 statements)."""
    rows = [row for row in campaign.rounds_of(after.campaign_id) if row.kind == after.kind == "test"]
    earlier = [row for row in rows if (row.opens_at, row.id) < (after.opens_at, after.id)]
    opened: dict[int, list[str]] = {}
    for round_id, opened_to in db.session.execute(
        select(RoundUnit.round_id, Unit.path)
        .join(Unit, Unit.id == RoundUnit.unit_id)
        .where(RoundUnit.round_id.in_([row.id for row in earlier]))
    ):
        opened.setdefault(round_id, []).append(opened_to)
    return [row for row in earlier if _touches(path, opened[row.id])]


def comparable(before: RoundRow, after: RoundRow) -> bool:
    """Say whether a test draws from the same banks as a later one."""
    return change.comparable(_setting(before), _setting(after))


def comparison(
    before: RoundRow, after: RoundRow, around: tuple[Surroundings, Surroundings], *, inside: bool, items: bool
) -> Comparison:
    """Hold two rounds over one unit against each other (9 statements); `items`: may see how topics were answered."""
    settings = _setting(before), _setting(after)
    change.check(*settings)
    path = around[0].unit.path
    by_unit = [
        rollup.tallies_among(row, path, one.reached) for row, one in zip((before, after), around, strict=True)
    ]
    tallies = [indicators.total(of_units.values()) for of_units in by_unit]
    was, now = (
        {unit_id for unit_id, tally in of_units.items() if tally.expected or tally.done}
        for of_units in by_unit
    )
    told = change.units_told(len(was), len(now), len(was & now))
    pairs = _pairs(before, after, path)
    small = not inside and any(indicators.hidden_small(tally.expected) for tally in tallies)
    crowded = sum(tally.done for tally in tallies) > MOST_TOPIC_HEADS
    named = [("完成率", indicators.coverage)]
    if not small:
        named += [
            ("首测知晓率", indicators.first_awareness),
            ("知晓率", indicators.awareness),
            ("达标率", indicators.pass_rate),
        ]
    return Comparison(
        rates=tuple(_rate_change(name, *map(rate, tallies)) for name, rate in named),
        small=small,
        caveats=(*([told] if told else []), *change.caveats(*settings)),
        pairs=pairs,
        heads=change.heads_told(pairs),
        turned=not small and change.turned_shown(pairs, inside=inside),
        topics=_topic_changes(before, after, path) if items and not (small or crowded) else (),
        crowded=items and crowded,
    )


def _setting(round_: RoundRow) -> change.Setting:
    frozen = paper.frozen(round_.paper_id)
    plan = paper.plan_of(frozen)
    return change.Setting(
        banks=frozenset(one.bank for one in frozen.items),
        rules=plan.rules,
        fixed=frozenset(name for name, _ in plan.fixed),
        threshold_permyriad=round_.threshold_permyriad,
        attempts=round_.attempts,
        counted=round_.counted,
    )


def _rate_change(name: str, before: Rate, after: Rate) -> RateChange:
    return RateChange(name, before, after, change.difference(before, after))


def _topic_changes(before: RoundRow, after: RoundRow, path: str) -> tuple[TopicChange, ...]:
    """The topics, weakest after the teaching first, those with too few answers last."""
    sums: list[dict[str, Rate]] = []
    names: dict[str, str] = {}
    for round_ in (before, after):
        names.update(paper.frozen(round_.paper_id).topics)
        counts = rollup.topic_counts(round_, path)
        sums.append({topic: rate for topic, rate in counts.items() if rate.whole >= itemstats.FEWEST_SHOWN})
    topics = sorted(
        sums[0].keys() | sums[1].keys(),
        key=lambda topic: (
            not (topic in sums[0] and topic in sums[1]),
            (sums[1].get(topic) or Rate(0, 0)).permyriad or 0,
            topic,
        ),
    )
    return tuple(
        TopicChange(
            name=names.get(topic, topic),
            before=sums[0].get(topic),
            after=sums[1].get(topic),
            change=change.difference(sums[0].get(topic, Rate(0, 0)), sums[1].get(topic, Rate(0, 0))),
        )
        for topic in topics
    )


def _pairs(before: RoundRow, after: RoundRow, path: str) -> change.Pairs:
    """Match the heads of both rounds at their first valid attempts (1 statement)."""
    low, high = subtree(path)
    excused = select(Exemption.enrolment_id).where(Exemption.ended_at.is_(None))
    there = select(Enrolment.id).where(Enrolment.id.in_(excused), Enrolment.left_at.is_(None))
    rounds = Participant.round_id.in_((before.id, after.id))
    aside = select(Participant.id).where(rounds, Participant.excused | Participant.enrolment_id.in_(there))
    go = func.min(Attempt.ordinal * literal(rollup.SPREAD, BigInteger) + Attempt.score)
    out_of = func.max(Attempt.out_of)
    threshold = case(
        (Attempt.round_id == before.id, before.threshold_permyriad), else_=after.threshold_permyriad
    )
    # the same integers as core.marking.met
    met = (out_of > 0) & (go % rollup.SPREAD * 10000 >= out_of * threshold)
    firsts = (
        select(
            Participant.enrolment_id.label("head"),
            Attempt.round_id,
            case((met, 1), else_=0).label("met"),
        )
        .join(Participant, Participant.id == Attempt.participant_id)
        .where(
            Attempt.round_id.in_((before.id, after.id)),
            Attempt.submitted_at.is_not(None),
            Attempt.voided_at.is_(None),
            Attempt.unit_id.in_(select(Unit.id).where(Unit.path >= low, Unit.path < high)),
            Attempt.participant_id.not_in(aside),
        )
        .group_by(Attempt.participant_id, Participant.enrolment_id, Attempt.round_id)
        .cte("firsts")
    )
    heads = (
        select(
            func.max(case((firsts.c.round_id == before.id, firsts.c.met))).label("before"),
            func.max(case((firsts.c.round_id == after.id, firsts.c.met))).label("after"),
        )
        .where(firsts.c.head.is_not(None))
        .group_by(firsts.c.head)
        .subquery("heads")
    )
    was, now = heads.c.before, heads.c.after
    counted = {
        "both": was.is_not(None) & now.is_not(None),
        "only_before": now.is_(None),
        "only_after": was.is_(None),
        "down": (was == 1) & (now == 0),
        "up": (was == 0) & (now == 1),
    }
    gone = select(func.count()).select_from(firsts).where(firsts.c.head.is_(None)).scalar_subquery()
    sums = [func.count(case((one, 1))).label(name) for name, one in counted.items()]
    return change.Pairs(**db.session.execute(select(*sums, gone.label("unknown"))).mappings().one())
