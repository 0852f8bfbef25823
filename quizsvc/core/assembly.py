"""Which questions make a form, in which order, under which option tokens. See docs/algorithms/assembly.md."""

import hashlib
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from quizsvc.core.bankfile import AUDIENCE_NAMES, DIFFICULTY_NAMES, KIND_NAMES, Option
from quizsvc.core.refusal import Refusal

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

FIXED_ITEMS = -1

_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_NO_USES: Mapping[int, int] = MappingProxyType({})
_PAIRS = tuple(first + second for first in LETTERS for second in LETTERS)
_TOKENS_A_DIGEST = 12

Left = TypeVar("Left", bound=Hashable)
Right = TypeVar("Right", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item version that may enter a form.

    ref: its id, unique among the candidates
    group: its twin group, or its own code; two candidates of one group never meet in one form
    topic, kind, difficulty, audiences, bank: what rules select by
    """

    ref: int
    group: str
    topic: str
    kind: str
    difficulty: int
    audiences: tuple[str, ...]
    bank: str


@dataclass(frozen=True, slots=True)
class Rule:
    """How many items of what sort a form has, and what each is worth.

    count: items, >= 0
    points: for each of them, >= 0
    topic, kind, difficulty, audience, bank: what an item must have; None is any
    """

    count: int
    points: int
    topic: str | None = None
    kind: str | None = None
    difficulty: int | None = None
    audience: str | None = None
    bank: str | None = None

    def takes(self, candidate: Candidate) -> bool:
        """Tell whether a candidate may fill this rule.

        candidate: any
        return: True when everything the rule names agrees
        """
        return (
            self.topic in (None, candidate.topic)
            and self.kind in (None, candidate.kind)
            and self.difficulty in (None, candidate.difficulty)
            and (self.audience is None or self.audience in candidate.audiences)
            and self.bank in (None, candidate.bank)
        )

    def label(self, topics: Mapping[str, str] = _NO_NAMES) -> str:
        """Write what the rule selects.

        topics: slug to Chinese name; a slug it lacks is shown as it is
        return: for example "冒充公检法×单选", in the order topic, kind, difficulty, audience, bank;
            "任意题" when the rule names nothing

        >>> Rule(2, 10, topic="police", kind="single_choice").label({"police": "冒充公检法"})
        '冒充公检法×单选'
        """
        parts = (
            self.topic and topics.get(self.topic, self.topic),
            self.kind and KIND_NAMES.get(self.kind, self.kind),
            self.difficulty and DIFFICULTY_NAMES.get(self.difficulty, str(self.difficulty)),
            self.audience and AUDIENCE_NAMES.get(self.audience, self.audience),
            self.bank,
        )
        return "×".join(part for part in parts if part) or "任意题"


@dataclass(frozen=True, slots=True)
class Fixed:
    """One item every form has.

    ref: id of a candidate
    points: what it is worth, >= 0
    """

    ref: int
    points: int


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The plan of a form.

    rules: in the order they are written; they may overlap
    fixed: items every form has, of different groups
    """

    rules: tuple[Rule, ...]
    fixed: tuple[Fixed, ...] = ()

    @property
    def item_count(self) -> int:
        """Count the items of every form.

        return: items, >= 0
        """
        return len(self.fixed) + sum(rule.count for rule in self.rules)

    @property
    def total_points(self) -> int:
        """Sum the points of every form.

        return: points, >= 0
        """
        return sum(item.points for item in self.fixed) + sum(rule.count * rule.points for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A part of a blueprint that the candidates cannot fill.

    rule_index: place of the rule in the blueprint; -1 for the fixed items
    needed: items asked for
    missing: how many of them cannot be had, 1 <= missing <= needed
    """

    rule_index: int
    needed: int
    missing: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """One item of a drawn form.

    ref: id of the candidate
    points: what it is worth here
    """

    ref: int
    points: int


class Infeasible(Refusal):
    """A blueprint that the candidates cannot fill.

    shortfalls: as shortfalls() finds them, at least one
    """

    def __init__(self, shortfalls: tuple[Shortfall, ...]) -> None:
        """Keep the shortfalls, refuse with 409."""
        missing = sum(shortfall.missing for shortfall in shortfalls)
        text = f"符合组卷规则的题不够，还差 {missing} 道。请先补充题目，或者调整组卷规则。"
        super().__init__(text, status=409)
        self.shortfalls = shortfalls


class _Seating(Generic[Left, Right]):
    """A growing matching of lefts to rights with limited seats, by augmenting paths.

    Whoever is seated stays seated, if need be elsewhere. So who gets a seat depends only on the order of
    asking, and once everybody has been asked nobody more could have been seated.
    """

    def __init__(self, seats: Mapping[Right, int]) -> None:
        """Start with every seat free."""
        self.seats = seats
        self.place: dict[Left, Right] = {}
        self._sitting: dict[Right, list[Left]] = {right: [] for right in seats}

    def seat(self, left: Left, wishes: Mapping[Left, Sequence[Right]]) -> bool:
        """Seat one more, moving others along the shortest path; False when that cannot be."""
        wanted_by: dict[Right, Left] = {}
        asking = [left]
        for asker in asking:
            for right in wishes[asker]:
                if right in wanted_by:
                    continue
                wanted_by[right] = asker
                if len(self._sitting[right]) < self.seats[right]:
                    self._shift(left, right, wanted_by)
                    return True
                asking += self._sitting[right]
        return False

    def _shift(self, newcomer: Left, free: Right, wanted_by: Mapping[Right, Left]) -> None:
        """Move everybody on the path one place along, from its free end to the newcomer."""
        mover = wanted_by[free]
        while mover != newcomer:
            left_behind = self.place[mover]
            self._sitting[left_behind].remove(mover)
            self._sit(mover, free)
            free = left_behind
            mover = wanted_by[free]
        self._sit(newcomer, free)

    def _sit(self, left: Left, right: Right) -> None:
        """Note where somebody sits."""
        self.place[left] = right
        self._sitting[right].append(left)


def shortfalls(blueprint: Blueprint, candidates: Sequence[Candidate]) -> tuple[Shortfall, ...]:
    """Tell what keeps a blueprint from being filled; exact, also when rules overlap.

    blueprint: any
    candidates: in any order, refs unique
    return: the fixed items that are unknown or share a group (as rule_index -1), then each rule that stays
        short, in the order of the rules; empty exactly when draw() succeeds. The sum of missing is the least
        possible, and earlier rules are filled before later ones
    Source: H. W. Kuhn 1955 (augmenting paths)

    >>> police = Candidate(1, "police-01", "police", "single_choice", 1, ("junior",), "secondary")
    >>> shortfalls(Blueprint((Rule(1, 10), Rule(1, 10, topic="police"))), [police])
    (Shortfall(rule_index=1, needed=1, missing=1),)
    """
    taken = _groups_of_fixed(blueprint, candidates)
    found = []
    if len(taken) < len(blueprint.fixed):
        found.append(Shortfall(FIXED_ITEMS, len(blueprint.fixed), len(blueprint.fixed) - len(taken)))
    free = [candidate for candidate in candidates if candidate.group not in taken]
    seating = _Seating[tuple[int, int], str]({candidate.group: 1 for candidate in free})
    wishes: dict[tuple[int, int], list[str]] = {}
    for index, rule in enumerate(blueprint.rules):
        fitting = list(dict.fromkeys(candidate.group for candidate in free if rule.takes(candidate)))
        wishes |= {(index, slot): fitting for slot in range(rule.count)}
        missing = sum(not seating.seat((index, slot), wishes) for slot in range(rule.count))
        if missing:
            found.append(Shortfall(index, rule.count, missing))
    return tuple(found)


def fits(blueprint: Blueprint, candidates: Iterable[Candidate]) -> dict[int, tuple[int, ...]]:
    """List for every candidate the rules that take it.

    blueprint: any
    candidates: refs unique
    return: ref to the places of those rules in the blueprint, ascending; empty when none takes it
    """
    return {
        candidate.ref: tuple(index for index, rule in enumerate(blueprint.rules) if rule.takes(candidate))
        for candidate in candidates
    }


def draw(
    blueprint: Blueprint,
    candidates: Sequence[Candidate],
    *,
    seed: str,
    seen: Collection[int] = frozenset(),
    uses: Mapping[int, int] = _NO_USES,
    fitting: Mapping[int, Sequence[int]] | None = None,
) -> tuple[Drawn, ...]:
    """Draw the items of one form.

    blueprint: any
    candidates: in any order, refs unique
    seed: any text; the same arguments give the same form, another seed an independent one
    seen: refs the person has met before; taken only when the blueprint cannot be filled without
    uses: ref to the number of forms it was in, absent is 0; among unseen items the least used come first
    fitting: fits() of the same blueprint and candidates, when many forms are drawn from them
    return: exactly the blueprint's items in the order they are shown, fixed items mixed in; points add up to
        blueprint.total_points; no two items of one group; items alike in all of the above are equally likely
    raise Infeasible: shortfalls() is not empty
    """
    if fitting is None:
        fitting = fits(blueprint, candidates)
    taken = _groups_of_fixed(blueprint, candidates)
    ranked = sorted(
        (one for one in candidates if fitting[one.ref] and one.group not in taken),
        key=lambda one: (one.ref in seen, uses.get(one.ref, 0), _digest("draw", one.ref, seed)),
    )
    members: dict[str, list[Candidate]] = {}
    wishes: dict[str, list[int]] = {}
    for candidate in ranked:
        members.setdefault(candidate.group, []).append(candidate)
        wishes.setdefault(candidate.group, []).extend(fitting[candidate.ref])
    seating = _Seating[str, int]({index: rule.count for index, rule in enumerate(blueprint.rules)})
    for group in members:
        seating.seat(group, wishes)
    if len(taken) + len(seating.place) < blueprint.item_count:
        raise Infeasible(shortfalls(blueprint, candidates))
    drawn = [Drawn(item.ref, item.points) for item in blueprint.fixed]
    for group, index in seating.place.items():
        ref = next(candidate.ref for candidate in members[group] if index in fitting[candidate.ref])
        drawn.append(Drawn(ref, blueprint.rules[index].points))
    return tuple(sorted(drawn, key=lambda one: _digest("show", one.ref, seed)))


def option_order(options: Sequence[Option], *, kind: str, seed: str, ref: int) -> tuple[int, ...]:
    """Shuffle the options of one item in one form.

    options: in written order, length n of 57 at most (256 bits hold no more orders)
    kind: one of KINDS; true_false is not shuffled
    seed: the form's own secret text
    ref: id of the item
    return: a permutation of 0..n-1, written indices in the order they are shown; pinned options stay last,
        all orders of the others are equally likely
    """
    written = range(len(options))
    if kind == "true_false":
        return tuple(written)
    loose = [index for index in written if not options[index].pinned]
    chance = int.from_bytes(_digest("order", ref, seed), "big")
    order = []
    while loose:
        chance, place = divmod(chance, len(loose))
        order.append(loose.pop(place))
    return (*order, *(index for index in written if options[index].pinned))


def option_tokens(count: int, *, seed: str, ref: int) -> tuple[str, ...]:
    """Name the options of one item in one form, so that a name tells nothing.

    count: options, >= 0
    seed: the form's own secret text
    ref: id of the item
    return: count different tokens of 4 characters of LETTERS, the n-th for the n-th option in written
        order; they say nothing of the order shown or of the key
    """
    tokens: dict[str, None] = {}
    for block in range(count):
        chance = int.from_bytes(_digest(f"tokens{block}", ref, seed), "big")
        for _ in range(_TOKENS_A_DIGEST):
            if len(tokens) == count:
                return tuple(tokens)
            tokens[_PAIRS[chance & 1023] + _PAIRS[chance >> 10 & 1023]] = None
            chance >>= 20
    return tuple(tokens)


def twin_of(ref: int, candidates: Iterable[Candidate], seed: str) -> int | None:
    """Find the same trick in other clothes.

    ref: id of the item to replace
    candidates: in any order, the item itself among them
    seed: any text
    return: ref of another candidate of its group, all equally likely; None when there is none
    """
    candidates = tuple(candidates)
    groups = {candidate.group for candidate in candidates if candidate.ref == ref}
    others = (candidate.ref for candidate in candidates if candidate.group in groups and candidate.ref != ref)
    return min(others, key=lambda other: _digest("twin", other, seed), default=None)


def _groups_of_fixed(blueprint: Blueprint, candidates: Sequence[Candidate]) -> frozenset[str]:
    """The groups the fixed items take; fewer than the items when one is unknown or two share a group."""
    if not blueprint.fixed:
        return frozenset()
    group_of = {candidate.ref: candidate.group for candidate in candidates}
    return frozenset(group_of[item.ref] for item in blueprint.fixed if item.ref in group_of)


def _digest(purpose: str, ref: int, seed: str) -> bytes:
    """256 bits that look like chance, others for every purpose, item and seed."""
    return hashlib.sha256(f"{purpose}|{ref}|{seed}".encode()).digest()
