"""A contest that never was, made of a seed: players, cheats, signs, rulings, and prizes until they are handed out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import chain
from typing import Final, NamedTuple

from quizsvc.core import draw, integrity, linkcode, publicvalue, standing
from quizsvc.core.integrity import Answered, Joined
from quizsvc.core.rulebook import Round, Rules, Source, Tier
from quizsvc.core.standing import Tally

ITEMS: Final = 10
DAYS: Final = 10
GOES_A_DAY: Final = 3
STEPS: Final = (10000, 9000, 8000, 0)
FULL: Final = 10_000
UNIT: Final = 50
"""Players behind one link; those whose numbers follow each other."""
FLOOR_S: Final = integrity.floor_s([Fraction(20)])
"""Of items that take twenty seconds to read."""
LAPSE_PERCENT: Final = 15
FAIL_PERCENT: Final = 1
_SECONDS_A_DAY = 86_400
_SECONDS_A_TILE = int(integrity.TILE.total_seconds())
_SHEET = 9000  # what the copied sheet is worth


class Sort(NamedTuple):
    """A sort of player. name: zh-CN; cheats: whether it is one a fair contest should be without."""

    name: str
    cheats: bool


SORTS: Final[Mapping[str, Sort]] = {
    "plain": Sort("普通参赛人", False),
    "quick": Sort("天生答得快的人", False),
    "family": Sort("一家人共用手机", False),
    "tablet": Sort("教室里的公用平板", False),
    "hall": Sort("会场里一起扫码", False),
    "program": Sort("立刻全对的程序", True),
    "patient": Sort("装成人速度的程序", True),
    "copied": Sort("一个单位里抄答案", True),
    "hired": Sort("雇人成批刷", True),
}
"""Name -> what players are; only the simulation knows."""


@dataclass(frozen=True, slots=True)
class Player:
    """What one simulated player has reached, and what the rules of core.integrity look at, of the best go alone.

    entry_id: 16 characters of linkcode.ALPHABET
    sort: a key of SORTS
    goes: how many formal goes, >= 1
    best_permyriad: of the best of them
    used_s: for the best of them, whole seconds
    reached_s: when, in seconds since the opening
    joined_s: when the first go began, likewise
    unit_id: behind whose link
    device: equal for one phone
    answers: equal for equal choices
    """

    entry_id: str
    sort: str
    goes: int
    best_permyriad: int
    used_s: int
    reached_s: int
    joined_s: int
    unit_id: int
    device: str
    answers: str

    @property
    def cheats(self) -> bool:
        """Tell whether a fair contest should be without this player."""
        return SORTS[self.sort].cheats


@dataclass(frozen=True, slots=True)
class Prize:
    """A prize given to somebody. tier, number: as of core.draw.Winner; entry_id: to whom."""

    tier: int
    number: int
    entry_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of all prizes.

    handed: those that were handed out in the end
    lapsed: those that nobody claimed in time, each time they were given
    failed: those claimed by somebody who was not who should have won
    passed: those given to the next in line
    left: (tier, number) of those that nobody was left for
    reserves: those in line who never got a prize, by core.rulebook.BY
    turns: how many times prizes were waited for, >= 1
    """

    handed: tuple[Prize, ...]
    lapsed: tuple[Prize, ...]
    failed: tuple[Prize, ...]
    passed: tuple[Prize, ...]
    left: tuple[tuple[int, int], ...]
    reserves: Mapping[str, int]
    turns: int


def players(number: int, seed: str, *, scarce: bool = False) -> Iterator[Player]:
    """Simulate players: most of them able, some guessing, one in fifty a program that is always right.

    Of 256 units about 3 are hired, in 5 six players copy a sheet, 8 scan together in a hall, 8 share a tablet, and
    in 58 a family of three shares a phone.

    number: how many, >= 0
    seed: the same seed, the same players
    scarce: whether full marks are so rare that they cannot fill the prizes
    return: one after the other
    """
    for index in range(number):
        if not index % UNIT:
            unit = sha256(f"{seed}|unit|{index // UNIT}".encode()).digest()
        yield _player(sha256(f"{seed}|{index}".encode()).digest(), index, unit, scarce)


def signs(played: Sequence[Player], opens_at: datetime) -> dict[str, set[int]]:
    """Run the rules of core.integrity over everybody.

    played: any
    opens_at: aware; from when their moments are counted
    return: key of core.integrity.KINDS -> places in `played` of those who show it
    """
    return {
        "too_fast": {place for place, one in enumerate(played) if _too_fast(one)},
        "same_device": _behind_one_phone(played),
        "same_answers": _alike(played, opens_at),
        "burst": _rushed(played, opens_at),
    }


def ruled_out(played: Sequence[Player], found: Mapping[str, AbstractSet[int]]) -> set[int]:
    """Rule as a simulated organizer who knows nothing but the signs.

    Excluded is who shows two signs or more, and who was too fast with full marks; everybody else stays. A person
    would ask first, so this errs on both sides more than a person does.

    played: any
    found: of `signs`
    return: places in `played`
    """
    times = Counter(chain.from_iterable(found.values()))
    sure = {place for place in found["too_fast"] if played[place].best_permyriad == FULL}
    return sure | {place for place, shown in times.items() if shown >= 2}


def ranked(played: Iterable[Player], opens_at: datetime) -> list[tuple[int, str]]:
    """Rank players by their best go.

    played: those who were not ruled out, any order
    opens_at: aware; from when their moments are counted
    return: as core.standing.ranked
    """
    tallies = {
        one.entry_id: Tally(one.best_permyriad, FULL, one.used_s, opens_at + timedelta(seconds=one.reached_s))
        for one in played
    }
    return standing.ranked(tallies, "best")


def fate(seed: str, entry_id: str) -> str:
    """Tell what a winner does.

    seed: the same seed, the same fates
    entry_id: the winner's
    return: "lapsed" for LAPSE_PERCENT who do not come, "failed" for FAIL_PERCENT who come and are somebody else,
        "handed" for all others
    """
    chance = int.from_bytes(sha256(f"{seed}|claim|{entry_id}".encode()).digest(), "big") % 100
    if chance < LAPSE_PERCENT:
        return "lapsed"
    return "failed" if chance < LAPSE_PERCENT + FAIL_PERCENT else "handed"


def hand_out(
    tiers: Sequence[Tier],
    won: Iterable[draw.Winner],
    lines: Mapping[str, Iterable[str]],
    fates: Callable[[str], str],
) -> Outcome:
    """Hand prizes out; one that is not claimed goes to the next in line who never had any, as the prize slice does.

    tiers: of the rules
    won: who wins at first
    lines: key of core.rulebook.BY -> entry ids in the order in which prizes by it are given, winners included
    fates: "handed", "lapsed" or "failed" for an entry id
    return: what has become of every prize of the tiers
    """
    given = [Prize(one.tier, one.number, one.entry_id) for one in won]
    had = {one.entry_id for one in given}
    queues = {way: iter(line) for way, line in lines.items()}
    ends: dict[str, list[Prize]] = {"handed": [], "lapsed": [], "failed": []}
    passed: list[Prize] = []
    here = {(one.tier, one.number) for one in given}
    left = [one for one in _stock(tiers) if one not in here]
    turns = 0
    while given:
        turns, due, given = turns + 1, given, []
        for one in due:
            end = fates(one.entry_id)
            ends[end].append(one)
            if end == "handed":
                continue
            entry_id = _next_in_line(queues[tiers[one.tier].by], had)
            if entry_id is None:
                left.append((one.tier, one.number))
                continue
            had.add(entry_id)
            given.append(Prize(one.tier, one.number, entry_id))
        passed += given
    reserves = {way: sum(entry not in had for entry in queue) for way, queue in queues.items()}
    return Outcome(
        tuple(ends["handed"]), tuple(ends["lapsed"]), tuple(ends["failed"]), tuple(passed), tuple(left),
        reserves, turns,
    )  # fmt: skip


def faults(tiers: Sequence[Tier], outcome: Outcome) -> list[str]:
    """Look for a prize that got lost or was doubled, a person with two, and a prize kept from those in line.

    tiers: of the rules
    outcome: of `hand_out`
    return: zh-CN sentences, empty when every prize of the stock ended once
    """
    said = []
    ended = [(one.tier, one.number) for one in outcome.handed] + list(outcome.left)
    if sorted(ended) != _stock(tiers):
        said.append("奖品对不上：有的没有下落，或者发了两次。")
    held = Counter(one.entry_id for one in chain(outcome.handed, outcome.lapsed, outcome.failed))
    if any(times > 1 for times in held.values()):
        said.append("有人得了两份奖。")
    if any(outcome.reserves[tiers[tier].by] for tier, _ in outcome.left):
        said.append("还有人候补，奖却没有往下递。")
    return said


def rules(number: int, opens_at: datetime, *, scarce: bool = False) -> Rules:
    """Write the rules of a simulated contest.

    number: how many play
    opens_at: aware
    scarce: as for `players`
    return: rules with prizes by standing and by lot, and sources of at least 64 bits
    """
    closes_at = opens_at + timedelta(days=DAYS)
    placed = (
        [Tier(name="名次奖", item="模拟奖品", number=3, value_yuan=300, by="standing")]
        if number >= 10
        else []
    )
    many = max(3, number // (20 if scarce else 500))
    return Rules(
        round=Round(
            title="模拟竞赛",
            organisers=("模拟主办方",),
            opens_at=opens_at,
            closes_at=closes_at,
            attempts=GOES_A_DAY,
            per="day",
            limit_s=300,
            pace="sheet",
            item_s=None,
            papers=(),
            is_test=True,
        ),
        who="模拟的参与者",
        qualifies=STEPS,
        tiers=(
            *placed,
            Tier(name="一等奖", item="模拟奖品", number=1, value_yuan=500, by="draw"),
            Tier(name="二等奖", item="模拟奖品", number=max(1, many // 10), value_yuan=200, by="draw"),
            Tier(name="三等奖", item="模拟奖品", number=many, value_yuan=50, by="draw"),
        ),
        draw_at=closes_at + timedelta(days=3),
        sources=(Source(kind="dice", name="模拟掷骰子", at=closes_at + timedelta(days=3), bits=67),),
    )


def public_value(seed: str) -> str:
    """Throw the dice of a simulated draw.

    seed: the same seed, the same value
    return: 26 faces
    """
    faces = sha256(f"{seed}|dice".encode()).digest()
    return "".join(str(1 + face % 6) for face in faces[: publicvalue.dice_for(67)])


def draw_id(seed: str) -> str:
    """Name a simulated draw. seed: any; return: the same name for the same seed."""
    return f"sim-{_letters(sha256(f'{seed}|draw'.encode()).digest(), 8)}"


def _player(chance: bytes, index: int, unit: bytes, scarce: bool) -> Player:
    program = chance[0] < 5
    able = chance[1] % 4
    goes = 1 + int.from_bytes(chance[2:4], "big") % (DAYS * GOES_A_DAY)
    best, counted = 0, 0
    for go in range(goes):
        luck = chance[4 + go % 12] ^ (go * 37 & 0xFF)
        right = ITEMS if program else _right(luck, able, scarce)
        if right > best:
            best, counted = right, go
    moment = int.from_bytes(chance[16:18], "big")
    sort = _program(chance) if program else _sort(chance, index % UNIT, unit)
    used_s = _used_s(sort, moment)
    reached_s = used_s + counted // GOES_A_DAY * _SECONDS_A_DAY + moment % (60 if sort == "program" else 3600)
    joined_s = int.from_bytes(chance[19:22], "big") % (reached_s - used_s + 1)
    together = int.from_bytes(unit[4:8], "big") % (DAYS * _SECONDS_A_DAY // _SECONDS_A_TILE - 6)
    begins = together * _SECONDS_A_TILE
    if sort in ("hall", "hired"):
        joined_s = begins + moment % 60
        reached_s = joined_s + used_s
    elif sort == "copied":
        reached_s = begins + 300 + moment % 300
        joined_s = min(joined_s, begins)
    elif sort in ("tablet", "family"):
        reached_s = begins // _SECONDS_A_DAY * _SECONDS_A_DAY + used_s + moment % 3600
        joined_s = reached_s - used_s
    sheet = sort in ("copied", "hired")
    permyriad = _SHEET if sheet else best * FULL // ITEMS
    mistakes = _mistakes(int.from_bytes(chance[6:16], "big"), ITEMS - best)
    return Player(
        entry_id=_letters(chance[22:], 16),
        sort=sort,
        goes=goes,
        best_permyriad=permyriad,
        used_s=used_s,
        reached_s=reached_s,
        joined_s=joined_s,
        unit_id=index // UNIT,
        device=f"{sort} {index // UNIT}" if sort in ("tablet", "family") else str(index),
        answers=f"sheet {index // UNIT}" if sheet else mistakes,
    )


def _program(chance: bytes) -> str:
    return "program" if chance[18] < 200 else "patient"


def _sort(chance: bytes, seat: int, unit: bytes) -> str:
    """Tell what somebody is from where they sit, and what their unit is up to."""
    what = unit[0]
    if what < 3:
        return "hired" if seat < 40 else "plain"
    if what < 8:
        return "copied" if seat < 6 else "plain"
    if what < 16:
        return "hall" if seat < 40 else "plain"
    if what < 24:
        return "tablet" if seat < 12 else "plain"
    if what < 82 and 20 <= seat < 23:
        return "family"
    return "quick" if chance[18] == 0 else "plain"


def _used_s(sort: str, moment: int) -> int:
    """Nobody but programs and the quick is faster than the floor."""
    if sort == "program":
        return 8 + moment % 4
    return 35 + moment % 15 if sort == "quick" else 60 + moment % 240


def _mistakes(chance: int, number: int) -> str:
    """Choose as many items of one fixed form, and a wrong one of three other options for each."""
    items, said = list(range(ITEMS)), []
    for _ in range(number):
        chance, place = divmod(chance, len(items))
        chance, option = divmod(chance, 3)
        said.append(f"{items.pop(place)}{'bcd'[option]}")
    return " ".join(sorted(said))


def _too_fast(one: Player) -> bool:
    return integrity.too_fast(
        items=ITEMS, used_s=one.used_s, score=one.best_permyriad, out_of=FULL, floor_s=FLOOR_S
    )


def _behind_one_phone(played: Sequence[Player]) -> set[int]:
    days: dict[int, list[tuple[str, int]]] = {}
    for place, one in enumerate(played):
        days.setdefault(one.reached_s // _SECONDS_A_DAY, []).append((one.device, place))
    return {place for day in days.values() for place in integrity.shared(day)}


def _alike(played: Sequence[Player], opens_at: datetime) -> set[int]:
    tiles: dict[int, list[int]] = {}
    for place, one in enumerate(played):
        if one.best_permyriad < FULL and integrity.good(one.best_permyriad, FULL):
            tiles.setdefault(one.reached_s // _SECONDS_A_TILE, []).append(place)
    found: set[int] = set()
    for tile, places in tiles.items():
        begins = opens_at + integrity.TILE * tile
        found.update(
            integrity.alike(
                Answered(place, played[place].unit_id, played[place].answers, begins) for place in places
            )
        )
    return found


def _rushed(played: Sequence[Player], opens_at: datetime) -> set[int]:
    links: dict[int, list[tuple[int, int]]] = {}
    for place, one in enumerate(played):
        links.setdefault(one.unit_id, []).append((one.joined_s, place))
    found: set[int] = set()
    for link, joins in links.items():
        minutes: dict[int, list[int]] = {}
        for joined_s, place in joins:
            minutes.setdefault(joined_s // 60, []).append(place)
        for minute, places in minutes.items():
            if len(places) < integrity.MANY_JOINS:
                continue
            begins_s = minute * 60 // _SECONDS_A_TILE * _SECONDS_A_TILE
            before = [joined_s for joined_s, _ in joins if joined_s < begins_s]
            hours = len({joined_s // 3600 for joined_s in before})
            usual = {link: Fraction(len(before), 60 * hours)} if before else {}
            joined = Joined(link, opens_at + timedelta(minutes=minute), tuple(places))
            found.update(integrity.bursts([joined], usual))
    return found


def _stock(tiers: Sequence[Tier]) -> list[tuple[int, int]]:
    return [(place, number) for place, tier in enumerate(tiers) for number in range(1, tier.number + 1)]


def _next_in_line(queue: Iterator[str], had: AbstractSet[str]) -> str | None:
    """Find the next who never had a prize; those who did are passed over for good."""
    return next((entry for entry in queue if entry not in had), None)


def _right(luck: int, able: int, scarce: bool) -> int:
    """How many answers are right: four sorts of people, from guessing to sure."""
    right = min(ITEMS, 3 + able + luck % 6)
    return min(right, ITEMS - 1) if scarce and luck % 61 else right


def _letters(chance: bytes, length: int) -> str:
    return linkcode.body_from(int.from_bytes(chance, "big"), length)
