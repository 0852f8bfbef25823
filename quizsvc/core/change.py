"""Two test rounds held against each other, before and after the teaching. See docs/algorithms/change.md."""

from collections import Counter
from dataclasses import dataclass

from quizsvc.core.assembly import Rule
from quizsvc.core.indicators import NOTHING, Rate, hidden_small
from quizsvc.core.refusal import Refusal

FEWEST_PAIRED = 10


class Incomparable(Refusal):
    """Two rounds whose difference would say nothing about anybody."""

    def __init__(self, text: str) -> None:
        """Keep the sentence; the rounds are there, but stand in the way of each other."""
        super().__init__(text, status=409)


@dataclass(frozen=True, slots=True)
class Setting:
    """What of a round decides how far it can be compared.

    banks: codes of the banks that its paper has items of
    rules: of its blueprint, any order
    fixed: items that stand in every form, as "bank/code"
    threshold_permyriad: share of the points that counts as aware, 0..10000
    attempts: how often one may go, >= 1
    counted: which of the goes counts: "best", "first" or "last"
    """

    banks: frozenset[str]
    rules: tuple[Rule, ...]
    fixed: frozenset[str]
    threshold_permyriad: int
    attempts: int
    counted: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """Heads matched by their seat, at their first valid attempt in each round; nobody has a name here.

    both: heads with an attempt in both rounds, >= 0
    only_before, only_after: heads with an attempt in one of them, >= 0
    down: of both, those who met the threshold before and not after (McNemar's b), >= 0
    up: of both, those who met it after and not before (McNemar's c), >= 0; down + up <= both
    unknown: heads, counted once in each round, whose seat has been erased, >= 0
    """

    both: int
    only_before: int
    only_after: int
    down: int
    up: int
    unknown: int = 0


def comparable(before: Setting, after: Setting) -> bool:
    """Say whether two rounds ask about the same things.

    before, after: of the two rounds
    return: True when their items are of the same banks, and of one at least
    """
    return bool(before.banks) and before.banks == after.banks


def check(before: Setting, after: Setting) -> None:
    """Refuse to hold rounds against each other that ask about different things.

    before, after: of the two rounds
    raise Incomparable: they are not comparable()
    """
    if not comparable(before, after):
        raise Incomparable("两场不是从同样的题库里抽的题，分数的变化说明不了什么，不能放在一起比。")


def caveats(before: Setting, after: Setting) -> tuple[str, ...]:
    """Say what the reader of a comparison must know about the two papers.

    before, after: of two rounds that check() lets through
    return: sentences, the first about the draw
    Source: features.md F-109 (an unmatched change is labelled as such)
    """
    same = Counter(before.rules) == Counter(after.rules) and before.fixed == after.fixed
    told = [
        "两场从同样的题库里，按同样的规则重新抽题。题目难度相当，不保证每道题都不同。"
        if same
        else "两场的题库相同，但组卷规则不同，难度可能不一样，变化要谨慎看。"
    ]
    if again := before.fixed & after.fixed:
        told.append(f"有 {len(again)} 道题两场都固定出现，学前讲评过的话，学后可能是记住了答案。")
    if before.threshold_permyriad != after.threshold_permyriad:
        lines = (f"{one.threshold_permyriad / 100:g}%" for one in (before, after))
        told.append(f"两场的达标线不同（{' 和 '.join(lines)}），知晓率和达标率不能直接比。")
    if (before.attempts, before.counted) != (after.attempts, after.counted):
        told.append("两场可以答的次数或计分的办法不同，请以首测知晓率为准。")
    return tuple(told)


def units_told(before: int, after: int, both: int) -> str:
    """Say that the rounds were held in different units, which no rate shows.

    before, after: units with heads in each round, >= 0
    both: units with heads in both, 0..min(before, after)
    return: a sentence, or two; "" when they are the same units
    """
    if before == after == both:
        return ""
    advice = "请到两场都参加了的单位里看。" if both else "没有单位两场都参加，比不出什么。"
    return f"两场参加的单位不同：学前 {before} 个，学后 {after} 个，其中 {both} 个两场都有。{advice}"


def difference(before: Rate, after: Rate) -> str:
    """Tell how far a rate has moved, from its heads and not from the rates as they are shown.

    before, after: of the same indicator
    return: percentage points with one decimal, cut towards zero, so that a change is never told larger than it is;
        what is left of less than a tenth is told as such; a dash when one of the wholes is 0
    Source: docs/algorithms/change.md

    >>> difference(Rate(30, 45), Rate(33, 45)), difference(Rate(1, 2), Rate(1, 2))
    ('升 6.6 个百分点', '没有变化')
    """
    if not before.whole or not after.whole:
        return NOTHING
    moved = after.part * before.whole - before.part * after.whole
    if not moved:
        return "没有变化"
    word = "升" if moved > 0 else "降"
    tenths = 1000 * abs(moved) // (before.whole * after.whole)
    return f"{word} {tenths // 10}.{tenths % 10} 个百分点" if tenths else f"{word}不到 0.1 个百分点"


def heads_told(pairs: Pairs) -> str:
    """Say whether the heads of the two rounds are the same.

    pairs: of one unit
    return: one to three sentences with the counts
    Source: features.md F-109
    """
    gone = f"有 {pairs.unknown} 人次已按期删去座位，不能逐个对照。其余的人里：" if pairs.unknown else ""
    if not (pairs.both or pairs.only_before or pairs.only_after):
        return f"{gone}两场都还没有能逐个座位对照的人。"
    if not (pairs.only_before or pairs.only_after):
        return f"{gone}两场是同样的 {pairs.both} 人。"
    return (
        f"{gone}两场都做了的 {pairs.both} 人，只做了学前的 {pairs.only_before} 人，只做了学后的 {pairs.only_after} 人。"
        "人不完全相同，变化里有一部分可能是换了人。"
    )


def turned_shown(pairs: Pairs, *, inside: bool) -> bool:
    """Tell whether it may be said how many turned from one side of the threshold to the other.

    pairs: of one unit
    inside: whether the reader sees the single seats of the unit anyway
    return: True from FEWEST_PAIRED heads in both on; outside the unit only when neither count is 1 to 4. Both are
        hidden together, for their difference is seen in the rates
    Source: Q. McNemar 1947, Psychometrika 12, 153 (only who turned tells of a change);
        docs/algorithms/indicators.md (hidden)
    """
    small = hidden_small(pairs.down) or hidden_small(pairs.up)
    return pairs.both >= FEWEST_PAIRED and (inside or not small)
