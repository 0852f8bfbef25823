"""How long a paper takes its readers: the minutes that pages promise. An estimate for planning, never a limit."""

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from quizsvc.core.assembly import Blueprint, Candidate
from quizsvc.core.bankfile import Item

ADULT = 360

CHARACTERS_A_MINUTE: Mapping[str, int] = MappingProxyType(
    {
        "kindergarten": 150,
        "primary_lower": 150,
        "primary_upper": 240,
        "junior": 320,
        "elderly": 240,
    }
)
"""Careful silent reading of Chinese, by audience; whoever is not named reads at ADULT.

ADULT: 238 words a minute is the mean of 190 studies of silent reading of non-fiction; a Chinese word has about
one and a half characters. The syllabus asks 300 characters a minute of the end of primary school and 500 of junior
school, skimming allowed; surveys find that most pupils are slower, so upper primary has four fifths of it and junior
a value between that and an adult's. Lower primary and kindergarten are read to, or spell out. Old readers are a
third slower than adults.
Source: M. Brysbaert 2019, How many words do we read per minute?, Journal of Memory and Language 109, 104047;
《义务教育语文课程标准（2011 年版）》第三、四学段“阅读”; S. Trauzettel-Klosinski, K. Dietz 2012, IReST, IOVS 53, 5452
(255 characters of Chinese a minute aloud)
"""

UNHURRIED = frozenset({"kindergarten", "primary_lower", "primary_upper", "elderly"})
CHOICE_S, UNHURRIED_CHOICE_S = 5, 8
AROUND_S = 60
"""Finding the seat before the first question, and looking over the answers after the last."""


def characters(item: Item) -> int:
    """Count what there is to read.

    item: any
    return: characters of scene, stem and options together, white space left out, >= 0
    """
    texts = [item.stem, *(option.text for option in item.options)]
    if item.scene is not None:
        texts.append(item.scene.text)
    return sum(len("".join(text.split())) for text in texts)


def item_seconds(item: Item, audiences: Collection[str]) -> Fraction:
    """Estimate how long one item takes its slowest readers.

    item: any
    audiences: slugs of who reads it; none is adults
    return: seconds, >= 0: reading, and for every decision a pause of CHOICE_S (UNHURRIED_CHOICE_S for children of
        primary school and for the old); a multiple-choice item asks one decision an option, the others one
    """
    speed = min((CHARACTERS_A_MINUTE.get(audience, ADULT) for audience in audiences), default=ADULT)
    pause_s = UNHURRIED_CHOICE_S if UNHURRIED & set(audiences) else CHOICE_S
    decisions = len(item.options) if item.kind == "multiple_choice" else 1
    return Fraction(characters(item) * 60, speed) + pause_s * decisions


def paper_seconds(blueprint: Blueprint, candidates: Sequence[Candidate], items: Mapping[int, Item]) -> int:
    """Estimate how long one form of a paper takes.

    blueprint: its fixed items are among the candidates
    candidates: what it draws from, refs unique
    items: the item of every ref
    return: whole seconds, rounded up, >= AROUND_S: that, the fixed items, and for each rule its count times the mean
        over the candidates that it takes. A rule's audience reads its items; where it names none, and for fixed
        items, the audience that all rules name, else the slowest that an item is for. A rule that takes nothing
        adds nothing

    >>> paper_seconds(Blueprint(()), [], {})
    60
    """
    named = {rule.audience for rule in blueprint.rules}
    common = named if len(named) == 1 else set()
    of_ref = {candidate.ref: candidate for candidate in candidates}
    total = Fraction(AROUND_S)
    for rule in blueprint.rules:
        fitting = [candidate for candidate in candidates if rule.takes(candidate)]
        readers = {rule.audience} if rule.audience else common
        if fitting:
            mean = sum((_seconds(one, items, readers) for one in fitting), Fraction(0)) / len(fitting)
            total += rule.count * mean
    for fixed in blueprint.fixed:
        total += _seconds(of_ref[fixed.ref], items, common)
    return -(-total.numerator // total.denominator)


def minutes(seconds: int) -> int:
    """Turn seconds into the minutes that a page promises.

    seconds: >= 0
    return: the nearest minute, halves up, at least 1

    >>> minutes(20), minutes(89), minutes(90), minutes(330)
    (1, 1, 2, 6)
    """
    return max(1, (seconds + 30) // 60)


def _seconds(candidate: Candidate, items: Mapping[int, Item], readers: Collection[str | None]) -> Fraction:
    """Seconds of one candidate for its readers; without any, for whom it was written."""
    known = {reader for reader in readers if reader is not None}
    return item_seconds(items[candidate.ref], known or candidate.audiences)
