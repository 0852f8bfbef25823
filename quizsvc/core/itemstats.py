"""What a class knows, question by question; on first valid attempts only."""

from collections.abc import Iterable
from dataclasses import dataclass

from quizsvc.core import marking
from quizsvc.core.indicators import Rate

FEWEST_SHOWN = 10

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
