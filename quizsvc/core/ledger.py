"""The chain of the audit log: how entries and submissions are hashed, and what is wrong with a chain somebody changed.

docs/algorithms/audit.md says the same in words, for a second program.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from quizsvc.core.refusal import Refusal

FaultName = Literal[
    "gap", "order", "link", "entry", "count", "root", "stray", "private", "anchor", "head", "late"
]

GENESIS = "0" * 64
SEALING = "submissions.sealed"
PRIVATE = "private"
MOST_LEAVES = 200
SHOWN_DIGITS = 16
LONGEST_UNSEALED = timedelta(minutes=15)

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_HEX = frozenset("0123456789abcdef")


class BadAnchor(Refusal):
    """What was typed as an anchor is none."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the chain, written down where nobody can change it. hash: 16 to 64 small hexadecimal digits."""

    seq: int
    hash: str

    def __str__(self) -> str:
        """Write it as one types it: `123:9f86…`."""
        return f"{self.seq}:{self.hash}"

    @property
    def short(self) -> str:
        """As it stands at the foot of what is printed: number and sixteen digits."""
        return f"{self.seq}:{self.hash[:SHOWN_DIGITS]}"

    @property
    def grouped(self) -> str:
        """All of it in groups of four, to be copied by hand."""
        digits = [self.hash[start : start + 4] for start in range(0, len(self.hash), 4)]
        return f"{self.seq}: {' '.join(digits)}"


ORIGIN = Anchor(0, GENESIS)
"""Where every chain begins, before its first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact as it is stored. seq: 1, 2, 3…; at: aware; detail: JSON object; prev, hash: 64 hexadecimal digits."""

    seq: int
    at: datetime
    actor: str
    action: str
    on: str
    detail: str
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One submission. at: aware; answers_hash: 64 hexadecimal digits."""

    attempt_id: str
    at: datetime
    answers_hash: str


@dataclass(frozen=True, slots=True)
class Private:
    """A personal value kept beside the chain. salt: 32 hexadecimal digits; salt and value: None once erased."""

    name: str
    salt: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """An entry with what hangs on it. leaves: those it sealed, in any order; private: the values it only hashes."""

    entry: Entry
    leaves: tuple[Leaf, ...] = ()
    private: tuple[Private, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. seq: the entry where it shows; text: one zh-CN sentence."""

    name: FaultName
    seq: int
    text: str


def anchor(text: str) -> Anchor:
    """Read an anchor as somebody copied it.

    text: number, colon, at least 16 digits; spaces anywhere, capitals and a full-width colon are taken
    return: the anchor
    raise BadAnchor: not of this form

    >>> str(anchor("12： 9F86 D081 884C 7D65"))
    '12:9f86d081884c7d65'
    """
    number, colon, digits = "".join(text.split()).replace("：", ":").lower().partition(":")
    sound = colon and number.isascii() and number.isdigit() and len(number) <= SHOWN_DIGITS
    if not sound or not SHOWN_DIGITS <= len(digits) <= len(GENESIS) or not _HEX.issuperset(digits):
        raise BadAnchor(
            f"“{text}”不是链头。写法是 序号:校验值，校验值至少 {SHOWN_DIGITS} 位，例如 12:9f86d081884c7d65。"
        )
    return Anchor(int(number), digits)


def entry_hash(*, seq: int, at: datetime, actor: str, action: str, on: str, detail: str, prev: str) -> str:
    """Hash one entry together with the hash before it.

    seq: its number, 1 and up
    at: aware; hashed in UTC
    actor: who, for example staff:7
    action: what, for example round.open
    on: the thing, for example round:3
    detail: a JSON object as text
    prev: the hash of the entry before, GENESIS for the first
    return: 64 hexadecimal digits
    """
    content = _canonical([seq, _moment(at), actor, action, on, detail])
    return sha256(prev.encode("utf-8", "surrogatepass") + content).hexdigest()


def merkle_root(contents: Iterable[bytes]) -> str:
    """Hash any number of contents into one: a changed, missing, added or moved one gives another root.

    contents: what the leaves hold, in order
    return: 64 hexadecimal digits
    Source: RFC 6962, 2.1. Nodes in pairs from the left, a node without a partner moves up unchanged: the same tree.
    """
    level = [sha256(b"\x00" + content).digest() for content in contents]
    if not level:
        return sha256().hexdigest()
    while len(level) > 1:
        above = [
            sha256(b"\x01" + one + two).digest() for one, two in zip(level[::2], level[1::2], strict=False)
        ]
        level = above + level[len(above) * 2 :]
    return level[0].hex()


def seal(leaves: Sequence[Leaf]) -> dict[str, Any]:
    """Say what an entry that seals submissions holds.

    leaves: 1..MOST_LEAVES, in any order
    return: count and root, the leaves ordered by attempt
    """
    ordered = sorted(leaves, key=lambda leaf: leaf.attempt_id)
    return {"count": len(ordered), "root": merkle_root(_of_leaf(leaf) for leaf in ordered)}


def digest(salt: str, value: str) -> str:
    """Say what the chain holds of a personal value.

    salt: 32 hexadecimal digits, chance
    value: any text
    return: sha256: and 64 hexadecimal digits
    """
    return f"sha256:{sha256((salt + value).encode('utf-8', 'surrogatepass')).hexdigest()}"


def verify(
    links: Iterable[Link],
    *,
    head: Anchor | None = None,
    anchors: Iterable[Anchor] = (),
    sealed: int | None = None,
    after: Anchor = ORIGIN,
) -> Iterator[Fault]:
    """Find what is wrong with a chain, without holding it in memory.

    Who changes an entry and all hashes behind it, or cuts the end off, is found by an anchor alone.

    links: every entry behind `after`, in order
    head: what the database says is the last entry; None leaves that out
    anchors: places written down elsewhere, none of them before `after`
    sealed: how many submissions say of themselves that they are sealed; None leaves that out
    after: the entry before the first link
    return: faults as they are met, none for a sound chain
    """
    written: dict[int, list[str]] = {}
    for one in anchors:
        written.setdefault(one.seq, []).append(one.hash)
    yield from _anchored(after, written.pop(after.seq, []))
    last, leaves = after, 0
    for link in links:
        here = Anchor(link.entry.seq, link.entry.hash)
        yield from _ordered(link.entry, last)
        yield from _content(link)
        yield from _anchored(here, written.pop(here.seq, []))
        last, leaves = here, leaves + len(link.leaves)
    for seq in sorted(written):
        yield Fault("anchor", seq, f"抄下的链头是第 {seq} 条，现在没有这一条：后面的记录被删掉了。")
    if head is not None and head != last:
        yield Fault("head", last.seq, f"数据库说最后是第 {head.seq} 条，实际到第 {last.seq} 条，两边对不上。")
    if sealed is not None and sealed != leaves:
        yield Fault("stray", last.seq, f"标着已封存的交卷有 {sealed} 份，封存记录里找到的有 {leaves} 份。")


def left_open(number: int, oldest: datetime | None, at: datetime) -> Fault | None:
    """Say whether submissions have waited too long to be sealed.

    number: how many wait, 0 and up
    oldest: the earliest of them; None when none waits
    at: now
    return: a fault when one is older than LONGEST_UNSEALED
    """
    if oldest is None or at - oldest <= LONGEST_UNSEALED:
        return None
    minutes = int(LONGEST_UNSEALED.total_seconds()) // 60
    return Fault(
        "late", 0, f"有 {number} 份交卷还没有封存，最早的已超过 {minutes} 分钟：定时任务可能没有在运行。"
    )


def _ordered(entry: Entry, last: Anchor) -> Iterator[Fault]:
    first = last.seq + 1
    if entry.seq > first:
        which = f"第 {first} 条" if entry.seq == first + 1 else f"第 {first} 到 {entry.seq - 1} 条"
        yield Fault("gap", first, f"{which}不见了。")
    elif entry.seq < first:
        yield Fault("order", entry.seq, f"第 {entry.seq} 条排在第 {last.seq} 条之后，次序被改过。")
    elif entry.prev != last.hash:
        yield Fault("link", entry.seq, f"第 {entry.seq} 条和前一条接不上。")


def _content(link: Link) -> Iterator[Fault]:
    entry = link.entry
    hashed = entry_hash(
        seq=entry.seq, at=entry.at, actor=entry.actor, action=entry.action, on=entry.on, detail=entry.detail,
        prev=entry.prev,
    )  # fmt: skip
    if hashed != entry.hash:
        yield Fault("entry", entry.seq, f"第 {entry.seq} 条被改过：内容和校验值不符。")
    if entry.action == SEALING:
        yield from _sealing(link)
    elif link.leaves:
        yield Fault(
            "stray", entry.seq, f"有 {len(link.leaves)} 份交卷挂在第 {entry.seq} 条下，这一条不是封存。"
        )
    if link.private or f'"{PRIVATE}"' in entry.detail:
        yield from _private(link)


def _sealing(link: Link) -> Iterator[Fault]:
    seq, told, found = link.entry.seq, _told(link.entry), seal(link.leaves)
    if told.get("count") != found["count"]:
        yield Fault(
            "count", seq, f"第 {seq} 条封存了 {told.get('count')} 份交卷，现在有 {found['count']} 份。"
        )
    elif told.get("root") != found["root"]:
        yield Fault("root", seq, f"第 {seq} 条封存的交卷被改过。")


def _private(link: Link) -> Iterator[Fault]:
    seq = link.entry.seq
    hashed = _told(link.entry).get(PRIVATE)
    told = dict(hashed) if isinstance(hashed, dict) else {}
    for one in link.private:
        kept = told.pop(one.name, None)
        erased = one.salt is None and one.value is None
        if kept is None or not (erased or digest(one.salt or "", one.value or "") == kept):
            yield Fault("private", seq, f"第 {seq} 条另存的“{one.name}”被改过。")
    for name in told:
        yield Fault("private", seq, f"第 {seq} 条另存的“{name}”不见了。")


def _anchored(here: Anchor, written: Sequence[str]) -> Iterator[Fault]:
    if not all(here.hash.startswith(digits) for digits in written):
        yield Fault("anchor", here.seq, f"第 {here.seq} 条和抄下的链头不同：到这一条为止的记录被改写过。")


def _told(entry: Entry) -> dict[str, Any]:
    """What a detail says; of one that is no JSON object, nothing."""
    try:
        told = json.loads(entry.detail)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _of_leaf(leaf: Leaf) -> bytes:
    return _canonical([leaf.attempt_id, _moment(leaf.at), leaf.answers_hash])


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _canonical(values: list[Any]) -> bytes:
    return _ENCODER.encode(values).encode("utf-8", "surrogatepass")
