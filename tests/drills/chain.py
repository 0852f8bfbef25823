"""R25: whatever somebody with all rights over the database changes in the audit log, it is found."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any

from quizsvc.core.ledger import (
    GENESIS,
    ORIGIN,
    PRIVATE,
    SEALING,
    Anchor,
    Entry,
    Leaf,
    Link,
    Private,
    digest,
    entry_hash,
    seal,
    verify,
)
from tests.drills import Drill, Outcome

Links = list[Link]
Change = Callable[[Random, Links], tuple[Links, int]]
"""Changes a chain; says which entry is the first that is not as it was."""

ENTRIES = 300
CHANGES, CHANGES_IN_FULL = 10_000, 100_000
MOST_CUT = 20
MOST_REWRITTEN = 60
AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)


def a_chain() -> Links:
    """An ordinary log: every seventh entry seals up to twelve submissions, every eleventh has private words."""
    links: Links = []
    for seq in range(1, ENTRIES + 1):
        leaves, private, action, detail = (), (), "round.prolong", {"minutes": seq}
        if seq % 7 == 0:
            leaves = tuple(_leaf(seq * 100 + number) for number in range(seq % 12 + 1))
            action, detail = SEALING, seal(leaves)
        elif seq % 11 == 0:
            private = (Private("reason", f"{seq:032x}", f"{seq} 号家里有事"),)
            action, detail = "attempt.void", {PRIVATE: {"reason": digest(private[0].salt, private[0].value)}}
        prev = links[-1].entry.hash if links else GENESIS
        text = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        links.append(Link(_entry(seq, prev, action=action, detail=text), leaves, private))
    return links


def _leaf(number: int) -> Leaf:
    answers_hash = sha256(str(number).encode()).hexdigest()
    return Leaf(f"attempt{number:017}", AT + timedelta(seconds=number), answers_hash)


def _entry(seq: int, prev: str, **changes: Any) -> Entry:
    values = {"seq": seq, "at": AT + timedelta(minutes=seq), "actor": f"staff:{seq % 9}", "action": "round.prolong",
              "on": f"round:{seq % 5}", "detail": "{}", "prev": prev, **changes}  # fmt: skip
    return Entry(**values, hash=entry_hash(**values))


CHAIN = a_chain()


def place(link: Link) -> Anchor:
    """Where an entry stands, as one writes it down."""
    return Anchor(link.entry.seq, link.entry.hash)


PAPER = (place(CHAIN[-1]),)


def flip(chance: Random, links: Links) -> tuple[Links, int]:
    """Turn one bit of one field of an entry, a sealed submission or private words."""
    index = chance.randrange(len(links))
    link = links[index]
    rows = [
        ("entry", link.entry),
        *(("leaves", one) for one in link.leaves),
        *(("private", one) for one in link.private),
    ]
    where, row = chance.choice(rows)
    name = chance.choice(fields(row)).name
    turned = replace(row, **{name: _turned(chance, getattr(row, name))})
    changed = (
        turned if where == "entry" else tuple(turned if one is row else one for one in getattr(link, where))
    )
    return _with(links, index, replace(link, **{where: changed})), index


def _turned(chance: Random, value: Any) -> Any:
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(16)
    if isinstance(value, datetime):
        return value + timedelta(microseconds=chance.choice((-1, 1)) << chance.randrange(40))
    at = chance.randrange(len(value))
    return value[:at] + chr(ord(value[at]) ^ 1 << chance.randrange(7)) + value[at + 1 :]


def swap(chance: Random, links: Links) -> tuple[Links, int]:
    """Exchange two entries, one field of two entries, two sealed submissions or the words of two entries."""
    way = chance.choice(("entries", "numbers", "field", "leaves", "private"))
    among = [
        n for n, link in enumerate(links) if way in ("entries", "numbers", "field") or getattr(link, way)
    ]
    one, other = sorted(chance.sample(among, 2))
    first, second = links[one], links[other]
    if way == "entries":
        first, second = second, first
    elif way == "numbers":  # each takes the other's place altogether, its links with it
        numbers = (first.entry.seq, second.entry.seq)
        first, second = (
            replace(link, entry=replace(link.entry, seq=seq))
            for link, seq in zip((second, first), numbers, strict=True)
        )
    elif way == "field":
        name = chance.choice(("at", "detail", "prev", "hash"))
        first, second = (
            replace(mine, entry=replace(mine.entry, **{name: getattr(its.entry, name)}))
            for mine, its in ((first, second), (second, first))
        )
    else:
        mine, its = getattr(first, way), getattr(second, way)
        first = replace(first, **{way: (its[0], *mine[1:])})
        second = replace(second, **{way: (mine[0], *its[1:])})
    return _with(_with(links, one, first), other, second), one


def delete(chance: Random, links: Links) -> tuple[Links, int]:
    """Take out an entry, a sealed submission or private words; the last entry is cut off by `truncate`."""
    way = chance.choice(("entry", "leaves", "private"))
    if way == "entry":
        index = chance.randrange(len(links) - 1)
        return links[:index] + links[index + 1 :], index
    index = chance.choice([n for n, link in enumerate(links) if getattr(link, way)])
    rows = list(getattr(links[index], way))
    rows.pop(chance.randrange(len(rows)))
    return _with(links, index, replace(links[index], **{way: tuple(rows)})), index


def insert(chance: Random, links: Links) -> tuple[Links, int]:
    """Put in an entry with a right hash, a copy of one, a submission or words."""
    index = chance.randrange(1, len(links))
    link, before = links[index], links[index - 1].entry
    way = chance.choice(("forged", "copied", "leaves", "private"))
    if way == "leaves":
        link = replace(link, leaves=(*link.leaves, _leaf(chance.randrange(10**9))))
        return _with(links, index, link), index
    if way == "private":
        link = replace(link, private=(*link.private, Private(f"name{chance.randrange(9)}", None, None)))
        return _with(links, index, link), index
    added = (
        chance.choice(links) if way == "copied" else Link(_entry(link.entry.seq, before.hash, on="round:9"))
    )
    return [*links[:index], added, *links[index:]], index


def truncate(chance: Random, links: Links) -> tuple[Links, int]:
    """Cut the end off, and let the database say that the chain ends there."""
    left = len(links) - chance.randint(1, MOST_CUT)
    return links[:left], left


def rewrite(chance: Random, links: Links) -> tuple[Links, int]:
    """Change an entry and hash everything behind it anew, as a program of ours would."""
    index = len(links) - chance.randint(1, MOST_REWRITTEN)
    changed, prev = links[:index], links[index].entry.prev
    for link in links[index:]:
        values = {
            field.name: getattr(link.entry, field.name) for field in fields(Entry) if field.name != "hash"
        }
        if link is links[index]:
            values["actor"] = "staff:999"
        values["prev"] = prev
        prev = entry_hash(**values)
        changed.append(replace(link, entry=Entry(**values, hash=prev)))
    return changed, index


def _with(links: Links, index: int, link: Link) -> Links:
    return [*links[:index], link, *links[index + 1 :]]


KINDS: dict[str, Change] = {one.__name__: one for one in (flip, swap, delete, insert, truncate, rewrite)}


def found(links: Links, first: int, anchors: Sequence[Anchor]) -> bool:
    """Say whether a changed chain has a fault; what lies before the first change is verified already."""
    start = max(first - 1, 0)
    after = place(CHAIN[start - 1]) if start else ORIGIN
    return next(verify(links[start:], after=after, anchors=anchors), None) is not None


def missed(number: int, anchors: Sequence[Anchor]) -> Counter[str]:
    """Change the chain so often, in all the ways, each time from the sound one; count what was not found."""
    chance, unseen = Random(25), Counter[str]()
    for index in range(number):
        kind = list(KINDS)[index % len(KINDS)]
        links, first = KINDS[kind](chance, CHAIN)
        unseen[kind] += not found(links, first, anchors)
    return unseen


def _run(full: bool, anchors: Sequence[Anchor]) -> Outcome:
    number = CHANGES_IN_FULL if full else CHANGES
    sound = next(verify(CHAIN, anchors=anchors), None) is None
    unseen = missed(number, anchors)
    leaves = sum(len(link.leaves) for link in CHAIN)
    ways = ", ".join(f"{kind} {count}" for kind, count in unseen.items() if count)
    said = f"{number:,} changes of {ENTRIES} entries with {leaves} submissions, {number - unseen.total():,} found"
    return Outcome(sound and not unseen.total(), f"{said}{f', missed: {ways}' if ways else ''}")


DRILL = Drill(
    figure="R25",
    promise="every change of the audit log is found",
    run=lambda full: _run(full, PAPER),
    canaries={"no anchor": lambda full: _run(full, ())},
)
