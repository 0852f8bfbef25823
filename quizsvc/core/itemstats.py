"""What a class knows, question by question; on first valid attempts only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import sqrt

from quizsvc.core import marking
from quizsvc.core.indicators import Rate

FEWEST_SHOWN = 10
FEWEST_FOR_DISCRIMINATION = 30
TOO_EASY_PERMYRIAD = 9700

TOO_FEW = "人数太少，先不下结论"

_VERDICTS = ((9000, "大家都会"), (7000, "多数会"), (4000, "容易中招"), (0, "重灾区"))


@dataclass(frozen=True, slots=True)
class ItemCount:
    """How the people who were shown an item answered it.

    shown: people, >= 0
    correct: people who chose exactly the key, 0 <= correct <= shown
    chosen: people per option in written order, each 0 <= n <= shown; one person may count in several
    blank: people who chose nothing, 0 <= blank <= shown
    """

    shown: int
    correct: int
    chosen: tuple[int, ...]
    blank: int


@dataclass(frozen=True, slots=True)
class Alertness:
    """Whether people tell fraud from honest messages; without both, "everything is fraud" would score.

    hits: right answers of all given to scenes that are fraud
    false_alarms: wrong answers of all given to scenes that are honest
    """

    hits: Rate
    false_alarms: Rate


def tally(answers: Iterable[tuple[frozenset[int], int, frozenset[int]]]) -> ItemCount:
    """Count the answers to one item.

    answers: per person the key, the number of options, and the options chosen, as indices in written order,
        0 <= index < number of options
    return: the counts, with as many options as the longest answer had; a blank answer counts as shown
    Source: classical item analysis over the people who were shown the item, a blank counted as wrong
    """
    shown = correct = blank = 0
    picks: list[int] = []
    for key, options, chosen in answers:
        picks.extend([0] * (options - len(picks)))
        shown += 1
        correct += marking.right(key, chosen)
        blank += not chosen
        for option in chosen:
            picks[option] += 1
    return ItemCount(shown, correct, tuple(picks), blank)


def plus(one: ItemCount, other: ItemCount) -> ItemCount:
    """Add the counts of one item over two groups of people.

    one, other: counts of the same item over people who are not in the other group
    return: the counts over both, with as many options as the longer one has

    >>> plus(ItemCount(2, 1, (1, 1), 0), ItemCount(1, 0, (), 1))
    ItemCount(shown=3, correct=1, chosen=(1, 1), blank=1)
    """
    chosen = tuple(a + b for a, b in zip_longest(one.chosen, other.chosen, fillvalue=0))
    return ItemCount(one.shown + other.shown, one.correct + other.correct, chosen, one.blank + other.blank)


def facility(count: ItemCount) -> Rate:
    """Tell what share of the people who were shown an item had it right.

    count: the counts of one item
    return: correct of shown
    Source: classical item analysis (facility index of an item that is right or wrong)
    """
    return Rate(count.correct, count.shown)


def verdict(count: ItemCount) -> str:
    """Put the facility of an item into the words of the class page.

    count: the counts of one item
    return: 大家都会 from 90 %, 多数会 from 70 %, 容易中招 from 40 %, 重灾区 below; with fewer than 10 people
        the sentence that it is too early to say

    >>> verdict(ItemCount(shown=1000, correct=899, chosen=(899, 101), blank=0))
    '多数会'
    """
    if count.shown < FEWEST_SHOWN:
        return TOO_FEW
    return next(words for least, words in _VERDICTS if count.correct * 10000 >= least * count.shown)


def tempting(count: ItemCount, key: frozenset[int]) -> int | None:
    """Find the wrong option most people fell for.

    count: the counts of one item
    key: indices of the right options in written order
    return: index in written order, the first of equals; None when nobody chose a wrong one
    """
    wrong = [index for index, people in enumerate(count.chosen) if people and index not in key]
    return max(wrong, key=lambda index: count.chosen[index], default=None)


def alertness(counts: Iterable[tuple[bool, ItemCount]]) -> Alertness:
    """Add up the answers to all scenes of a form.

    counts: per item with a scene whether its message is genuine, and its counts
    return: both rates; their wholes are answers, not people
    Source: signal detection theory, hit rate and false-alarm rate (D. M. Green, J. A. Swets 1966)
    """
    shown, right = {True: 0, False: 0}, {True: 0, False: 0}
    for genuine, count in counts:
        shown[genuine] += count.shown
        right[genuine] += count.correct
    return Alertness(Rate(right[False], shown[False]), Rate(shown[True] - right[True], shown[True]))


def discrimination(answers: Sequence[tuple[bool, float]]) -> float | None:
    """Tell whether those who have an item right also know the rest: corrected item-rest correlation.

    answers: per person whether the item was right, and the share of the other items that was, 0 to 1
    return: point-biserial correlation, -1 to 1; None with fewer than 30 people, or when all answered alike
    Source: classical item analysis (corrected point-biserial discrimination index)

    >>> discrimination([(True, 1.0), (False, 0.0)] * 20)
    1.0
    """
    if len(answers) < FEWEST_FOR_DISCRIMINATION:
        return None
    mean_right = sum(right for right, _ in answers) / len(answers)
    mean_rest = sum(rest for _, rest in answers) / len(answers)
    together = sum((right - mean_right) * (rest - mean_rest) for right, rest in answers)
    spread = sum((right - mean_right) ** 2 for right, _ in answers) * sum(
        (rest - mean_rest) ** 2 for _, rest in answers
    )
    return together / sqrt(spread) if spread > 0 else None


def doubts(shown: int, correct: int, discriminates: float | None) -> tuple[str, ...]:
    """Say why an item wants a second look.

    shown: people who were shown it, >= 0
    correct: how many of them had it right, 0 <= correct <= shown
    discriminates: as discrimination() tells it
    return: sentences; empty with fewer than 30 people or when nothing speaks against it
    Source: features.md F-107 (facility above .97, correlation below 0)
    """
    if shown < FEWEST_FOR_DISCRIMINATION:
        return ()
    found = []
    if correct * 10000 > TOO_EASY_PERMYRIAD * shown:
        found.append("几乎人人都对，测不出什么")
    if discriminates is not None and discriminates < 0:
        found.append("别的题答得好的人反而答错，请核对答案和选项")
    return tuple(found)
