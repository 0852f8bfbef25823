"""What banks hold in figures: how much of each sort, how well the right answers hide, what needs another look."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum
from typing import TypeVar

from quizsvc.core.bankfile import (
    AUDIENCES,
    DIFFICULTY_NAMES,
    KINDS,
    Item,
    at_least,
    longest,
)
from quizsvc.core.indicators import Rate

SOON = timedelta(days=90)
YEAR = timedelta(days=365)
FEWEST_PLACES = 4

_Slug = TypeVar("_Slug", str, int)


@dataclass(frozen=True, slots=True)
class Cue:
    """How often an outward sign of an option gives the key away.

    shown: how often the key has the sign, 0 <= shown <= len(odds)
    odds: for every item where exactly one option has the sign, the number of its options, >= 2
    """

    shown: int
    odds: tuple[int, ...]

    @property
    def rate(self) -> Rate:
        """Tell how often who trusts the sign is right.

        return: items where the key has the sign, of the items where one option has it; an item where two share
            it helps nobody and does not count
        """
        return Rate(self.shown, len(self.odds))

    @property
    def expected(self) -> float:
        """Tell how often the key would have the sign by chance.

        return: items, >= 0
        """
        return fsum(1 / count for count in self.odds)

    @property
    def chance(self) -> float:
        """Tell how likely so many or more are, if the key is any option alike.

        return: probability, 0 to 1; small when the sign gives the key away
        Source: one-sided exact test, see bankfile.at_least
        """
        return at_least(self.shown, self.odds)


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is in one bank or in several.

    items: questions
    by_topic, by_kind, by_audience, by_difficulty: questions per slug, only where there are any, in the order they
        are told in, topics the largest first; a question for two audiences counts in both
    scenes: questions with a scene
    genuine: of these, the scene is a real, honest message
    twins: groups of two or more
    twin_items: questions in such groups
    key_places: single choice by the place of the key in written order, four places or more
    key_longest, key_shortest: single choice, whether length gives the key away
    key_words: true or false by the text of the right option
    key_counts: multiple choice by the number of right options
    expiring: "bank/code" of what holds for 90 days or less, or no longer
    review_due: "bank/code" of what was reviewed more than a year ago
    """

    items: int
    by_topic: Mapping[str, int]
    by_kind: Mapping[str, int]
    by_audience: Mapping[str, int]
    by_difficulty: Mapping[int, int]
    scenes: int
    genuine: int
    twins: int
    twin_items: int
    key_places: tuple[int, ...]
    key_longest: Cue
    key_shortest: Cue
    key_words: Mapping[str, int]
    key_counts: Mapping[int, int]
    expiring: tuple[str, ...]
    review_due: tuple[str, ...]

    @property
    def scene_share(self) -> Rate:
        """Tell how much is asked about a message.

        return: questions with a scene, of all
        """
        return Rate(self.scenes, self.items)

    @property
    def genuine_share(self) -> Rate:
        """Tell how many messages are honest.

        return: honest scenes, of all scenes
        """
        return Rate(self.genuine, self.scenes)


def figures(banks: Mapping[str, Sequence[Item]], today: date) -> Figures:
    """Count what banks hold.

    banks: code of the bank to its items; twins are of one bank
    today: the day to judge valid_until and reviewed_on by
    return: the figures of all banks together; of items without a key the key is not counted
    """
    placed = [(bank, item) for bank, items in banks.items() for item in items]
    items = [item for _, item in placed]
    groups = Counter((bank, item.twin) for bank, item in placed if item.twin is not None)
    twins = [size for size in groups.values() if size > 1]
    singles = [item for item in items if item.kind == "single_choice"]
    audiences = Counter(audience for item in items for audience in item.audiences)
    return Figures(
        items=len(items),
        by_topic=dict(Counter(item.topic for item in items).most_common()),
        by_kind=_in_order(Counter(item.kind for item in items), KINDS),
        by_audience=_in_order(audiences, AUDIENCES),
        by_difficulty=_in_order(Counter(item.difficulty for item in items), DIFFICULTY_NAMES),
        scenes=sum(item.scene is not None for item in items),
        genuine=sum(item.scene is not None and item.genuine for item in items),
        twins=len(twins),
        twin_items=sum(twins),
        key_places=_key_places(singles),
        key_longest=_cue(singles, shortest=False),
        key_shortest=_cue(singles, shortest=True),
        key_words=_key_words(items),
        key_counts=_key_counts(items),
        expiring=_names(
            (bank, item) for bank, item in placed if item.valid_until and item.valid_until - today <= SOON
        ),
        review_due=_names((bank, item) for bank, item in placed if today - item.reviewed_on > YEAR),
    )


def _in_order(counted: Counter[_Slug], order: Iterable[_Slug]) -> dict[_Slug, int]:
    """The counts above 0, in this order."""
    return {slug: counted[slug] for slug in order if counted[slug]}


def _key_places(singles: Sequence[Item]) -> tuple[int, ...]:
    """How many keys stand first, second and so on."""
    widest = max((len(item.options) for item in singles), default=0)
    counts = Counter(place for item in singles for place, option in enumerate(item.options) if option.key)
    return tuple(counts[place] for place in range(max(widest, FEWEST_PLACES)))


def _cue(singles: Iterable[Item], *, shortest: bool) -> Cue:
    """The length of the key against the lengths of the others."""
    apart = [(item, place) for item in singles if (place := longest(item, shortest=shortest)) is not None]
    return Cue(
        shown=sum(item.options[place].key for item, place in apart),
        odds=tuple(len(item.options) for item, _ in apart),
    )


def _key_words(items: Iterable[Item]) -> dict[str, int]:
    """The right options of true or false, the commonest first."""
    judged = (item for item in items if item.kind == "true_false")
    return dict(
        Counter(option.text for item in judged for option in item.options if option.key).most_common()
    )


def _key_counts(items: Iterable[Item]) -> dict[int, int]:
    """How many right options multiple choice has."""
    several = (item for item in items if item.kind == "multiple_choice")
    return dict(sorted(Counter(sum(option.key for option in item.options) for item in several).items()))


def _names(placed: Iterable[tuple[str, Item]]) -> tuple[str, ...]:
    return tuple(f"{bank}/{item.code}" for bank, item in placed)
