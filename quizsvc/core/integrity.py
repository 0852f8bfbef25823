"""What makes a player worth a look: four signs with their thresholds. Signs are for people to judge, never verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, NamedTuple

TILE: Final = timedelta(minutes=10)
"""Goes are looked at in steps of this length; "within minutes" means within one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A sign.

    name: zh-CN, as the desk lists it
    reason: zh-CN, how the class of it is told to a player who has been excluded
    meaning: zh-CN, what has been seen, and why it may be harmless
    """

    name: str
    reason: str
    meaning: str


KINDS: Final[Mapping[str, Kind]] = {
    "too_fast": Kind(
        "答得太快",
        "作答时间",
        "有的作答平均每题用时比读完题目最少要的时间还短，得分却不低。"
        "也可能是玩了很多天，题都背熟了；先看是第几天、用了多久。",
    ),
    "same_device": Kind(
        "一台手机多人",
        "同一台设备",
        "一天里几个参赛人从同一台手机交卷。也可能是老人、同学借了一台手机，或者是活动现场的公用平板。",
    ),
    "same_answers": Kind(
        "答案一模一样",
        "答案雷同",
        "同一单位的几个人，十分钟里交了一模一样的答案，连错的都一样。"
        "也可能是大家都上了同一个当：题少、错的只有一两道时常有。",
    ),
    "burst": Kind(
        "一分钟里涌入",
        "参赛方式",
        "一个链接在一分钟里进来的新参赛人，远远多过它平常的样子。"
        "也可能是现场活动、课堂上一起扫码；先问这个单位当时有没有活动。",
    ),
}
"""Name of a flag -> what it means."""

LEAST_ITEM_S: Final = 2
READING_SHARE: Final = 4
GOOD_PERMYRIAD: Final = 6000
MANY_PLAYERS: Final = 3
MANY_ALIKE: Final = 3
MANY_JOINS: Final = 30
TIMES_USUAL: Final = 10


class Answered(NamedTuple):
    """A good go with a mistake in it, as far as it can be compared with others.

    participant_id: whose
    unit_id: behind whose link it was made
    answers_hash: equal for equal items with equal choices
    submitted_at: aware
    """

    participant_id: int
    unit_id: int
    answers_hash: str
    submitted_at: datetime


class Joined(NamedTuple):
    """Joins behind one link in one minute.

    link_id: any
    minute: aware, whole minute
    players: who joined, >= 1
    """

    link_id: int
    minute: datetime
    players: tuple[int, ...]


def floor_s(reading_s: Iterable[Fraction]) -> int:
    """Say how many seconds an item takes at the very least.

    reading_s: what the items of a paper take a reader, seconds each
    return: a quarter of their mean, rounded down, at least LEAST_ITEM_S

    >>> floor_s([Fraction(18), Fraction(22)]), floor_s([])
    (5, 2)
    """
    times = list(reading_s)
    mean = sum(times, Fraction(0)) / len(times) if times else Fraction(0)
    return max(LEAST_ITEM_S, int(mean / READING_SHARE))


def good(score: int, out_of: int) -> bool:
    """Tell whether a go is good enough to be worth cheating for.

    score, out_of: points, 0 <= score <= out_of
    return: whether it reaches GOOD_PERMYRIAD; False without points on offer

    >>> good(60, 100), good(59, 100), good(0, 0)
    (True, False, False)
    """
    return out_of > 0 and score * 10000 >= out_of * GOOD_PERMYRIAD


def too_fast(*, items: int, used_s: int, score: int, out_of: int, floor_s: int) -> bool:
    """Tell whether a go was faster than anybody reads, and good all the same.

    items: >= 1 of a go that shows anything
    used_s: seconds by the server's clock, >= 0
    score, out_of: points, 0 <= score <= out_of
    floor_s: seconds an item takes at the least
    return: False for a go that is not `good`: clicking through without reading wins nothing

    >>> too_fast(items=10, used_s=29, score=60, out_of=100, floor_s=3)
    True
    """
    return good(score, out_of) and used_s < items * floor_s


def alike(goes: Iterable[Answered]) -> dict[int, int]:
    """Find players of one unit whose answers agree to the last mistake.

    goes: of one tile, each good and with at least one mistake: full marks and empty sheets are alike by nature;
        several of one player count once
    return: participant -> how many players gave these answers, at least MANY_ALIKE, the largest number of theirs
    """
    groups: dict[tuple[int, str], set[int]] = {}
    for go in goes:
        groups.setdefault((go.unit_id, go.answers_hash), set()).add(go.participant_id)
    found: dict[int, int] = {}
    for players in groups.values():
        if len(players) >= MANY_ALIKE:
            for player in players:
                found[player] = max(len(players), found.get(player, 0))
    return found


def shared(devices: Iterable[tuple[str, int]]) -> dict[int, int]:
    """Find players behind one phone.

    devices: (hash of the phone, participant) of goes of one day, in any order, repeated or not
    return: participant -> how many players handed in from that phone, at least MANY_PLAYERS, the largest of theirs
    """
    phones: dict[str, set[int]] = {}
    for phone, player in devices:
        phones.setdefault(phone, set()).add(player)
    found: dict[int, int] = {}
    for players in phones.values():
        if len(players) >= MANY_PLAYERS:
            for player in players:
                found[player] = max(len(players), found.get(player, 0))
    return found


def bursts(minutes: Sequence[Joined], usual: Mapping[int, Fraction]) -> dict[int, tuple[int, int]]:
    """Find players who came in a rush.

    minutes: joins of one tile
    usual: link -> joins in one of its minutes with any, before the tile; a link without a past is absent
    return: participant -> (joins in that minute, the usual number rounded up, at least 1) where MANY_JOINS came at
        once and TIMES_USUAL as many as usual
    """
    found: dict[int, tuple[int, int]] = {}
    for joined in minutes:
        mean = max(usual.get(joined.link_id, Fraction(1)), Fraction(1))
        if len(joined.players) >= MANY_JOINS and len(joined.players) >= TIMES_USUAL * mean:
            for player in joined.players:
                found[player] = (len(joined.players), -(-mean.numerator // mean.denominator))
    return found


def tile_of(moment: datetime) -> datetime:
    """Find the beginning of the tile a moment lies in.

    moment: aware
    return: aware, a multiple of TILE since midnight
    """
    begins = moment.replace(minute=0, second=0, microsecond=0)
    return begins + TILE * ((moment - begins) // TILE)
