"""A contest that never was: players, goes, ties and too few who qualify, made of a seed, to try a draw on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from quizsvc.core import linkcode, publicvalue, standing
from quizsvc.core.rulebook import Round, Rules, Source, Tier
from quizsvc.core.standing import Tally

ITEMS: Final = 10
DAYS: Final = 10
GOES_A_DAY: Final = 3
STEPS: Final = (10000, 9000, 8000, 0)
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Player:
    """What one simulated player has reached.

    entry_id: 16 characters of linkcode.ALPHABET
    goes: how many formal goes, >= 1
    best_permyriad: of the best of them
    used_s: for the best of them, whole seconds
    reached_s: when, in seconds since the opening
    excluded: whether the organizer ruled this player out
    """

    entry_id: str
    goes: int
    best_permyriad: int
    used_s: int
    reached_s: int
    excluded: bool


def players(number: int, seed: str, *, scarce: bool = False) -> Iterator[Player]:
    """Simulate players: most of them able, some guessing, one in fifty a program that is always right at once.

    number: how many, >= 0
    seed: the same seed, the same players
    scarce: whether full marks are so rare that they cannot fill the prizes
    return: one after the other
    """
    for index in range(number):
        yield _player(sha256(f"{seed}|{index}".encode()).digest(), scarce)


def ranked(played: Iterable[Player], opens_at: datetime) -> list[tuple[int, str]]:
    """Rank players by their best go; those ruled out are left out.

    played: any order
    opens_at: aware; from when their moments are counted
    return: as core.standing.ranked
    """
    tallies = {
        one.entry_id: Tally(
            one.best_permyriad, 10_000, one.used_s, opens_at + timedelta(seconds=one.reached_s)
        )
        for one in played
        if not one.excluded
    }
    return standing.ranked(tallies, "best")


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


def _player(chance: bytes, scarce: bool) -> Player:
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
    return Player(
        entry_id=_letters(chance[22:], 16),
        goes=goes,
        best_permyriad=best * 10_000 // ITEMS,
        used_s=8 + moment % 4 if program else 60 + moment % 240,
        reached_s=counted // GOES_A_DAY * _SECONDS_A_DAY + moment % (60 if program else 3600),
        excluded=program and chance[18] < 200,
    )


def _right(luck: int, able: int, scarce: bool) -> int:
    """How many answers are right: four sorts of people, from guessing to sure."""
    right = min(ITEMS, 3 + able + luck % 6)
    return min(right, ITEMS - 1) if scarce and luck % 61 else right


def _letters(chance: bytes, length: int) -> str:
    return linkcode.body_from(int.from_bytes(chance, "big"), length)
