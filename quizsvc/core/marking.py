"""Saved answers into one answer each, answers into marks, marks into met. See docs/algorithms/marking.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quizsvc.core.refusal import Refusal


class NotOnPaper(Refusal):
    """Answers that do not fit the paper: too many items, an option it has not, two where one is asked."""

    def __init__(self) -> None:
        """Refuse with 400."""
        super().__init__("答案和这份试卷对不上，请刷新页面后再交一次。")


@dataclass(frozen=True, slots=True)
class KeyedItem:
    """What marking needs to know about one item of a form.

    points: what it is worth, integer >= 0
    key: indices of the right options in written order, each 0 <= index < options; empty when nothing is right
        or wrong (a survey item), and then nobody scores on it
    options: how many options it has, >= 1
    single: True when at most one option may be chosen
    """

    points: int
    key: frozenset[int]
    options: int
    single: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """The result of marking one attempt.

    score: points earned, 0 <= score <= out_of
    out_of: points the form offers, >= 0
    correct: one truth value per item, in the order of the form
    """

    score: int
    out_of: int
    correct: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved answer to one position of a form.

    seq: the page's own count of changes to this position, >= 0, growing
    chosen: option tokens; their order means nothing; () is an answer taken back
    """

    seq: int
    chosen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What is stored after a save.

    answers: position to the answer that stands, every position of both sides
    stale: positions, ascending, whose incoming answer was not taken because a newer or another one stands
    """

    answers: dict[int, Saved]
    stale: tuple[int, ...]


def right(key: frozenset[int], chosen: frozenset[int]) -> bool:
    """Tell whether an answer is right: all right options and no other.

    key, chosen: indices of options in written order
    return: True only when something was chosen and it is exactly the key

    >>> right(frozenset(), frozenset())
    False
    """
    return bool(chosen) and chosen == key


def mark(items: Sequence[KeyedItem], chosen: Sequence[frozenset[int]]) -> Marks:
    """Mark one attempt, all or nothing per item; a blank item earns nothing.

    items: the form's items in its order, length n >= 0
    chosen: n sets of option indices in written order, empty where nothing was chosen
    return: marks with 0 <= score <= out_of and n truth values; the same input gives the same marks for ever
    raise NotOnPaper: the lengths differ, an index is outside its item, or a single item has two choices
    Source: docs/algorithms/marking.md
    """
    if len(items) != len(chosen):
        raise NotOnPaper
    score = out_of = 0
    correct = []
    for item, picked in zip(items, chosen, strict=True):
        if picked and (min(picked) < 0 or max(picked) >= item.options or (item.single and len(picked) > 1)):
            raise NotOnPaper
        hit = right(item.key, picked)
        score += item.points if hit else 0
        out_of += item.points
        correct.append(hit)
    return Marks(score, out_of, tuple(correct))


def merge(saved: Mapping[int, Saved], incoming: Mapping[int, Saved]) -> Merged:
    """Lay arriving answers over stored ones, position by position; the greater sequence number stands.

    saved: position to stored answer
    incoming: position to arriving answer, from a save, a submission or a repeated request
    return: the answers that stand, and the positions whose arriving answer was refused; an equal number with
        the same options is the same request again, which changes nothing and is not stale
    Source: docs/algorithms/marking.md (merge)
    """
    answers = dict(saved)
    stale = []
    for position, arriving in incoming.items():
        stored = saved.get(position)
        if stored is None or arriving.seq > stored.seq:
            answers[position] = arriving
        elif arriving.seq < stored.seq or set(arriving.chosen) != set(stored.chosen):
            stale.append(position)
    return Merged(answers, tuple(sorted(stale)))


def met(score: int, out_of: int, threshold_permyriad: int) -> bool:
    """Tell whether a score reaches the threshold, without rounding.

    score, out_of: points, 0 <= score <= out_of
    threshold_permyriad: 1/100 percent of out_of, 0..10000
    return: True when score / out_of >= threshold; a form without points is never met

    >>> met(79, 99, 8000), met(80, 100, 8000), met(0, 0, 0)
    (False, True, False)
    """
    return out_of > 0 and score * 10000 >= threshold_permyriad * out_of
