"""The chain of the audit log: what is hashed, and that no change of a chain goes unnoticed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.core import ledger
from quizsvc.core.ledger import (
    GENESIS,
    LONGEST_UNSEALED,
    ORIGIN,
    Anchor,
    BadAnchor,
    Entry,
    Fault,
    Leaf,
    Link,
    Private,
    anchor,
    digest,
    entry_hash,
    left_open,
    merkle_root,
    seal,
    verify,
)

PROJECT = Path(__file__).parents[2]
relaxed = settings(deadline=None, database=None)

AT = datetime(2026, 12, 12, 4, 0, tzinfo=UTC)
SALT = "5a" * 16


def an_entry(seq: int = 1, prev: str = GENESIS, **changes) -> Entry:
    values = {
        "seq": seq, "at": AT + timedelta(seconds=seq), "actor": "staff:7", "action": "round.open",
        "on": "round:3", "detail": "{}", "prev": prev, **changes,
    }  # fmt: skip
    return Entry(**values, hash=entry_hash(**values))


def a_leaf(number: int) -> Leaf:
    return Leaf(
        f"attempt{number:03}", AT + timedelta(seconds=number), sha256(str(number).encode()).hexdigest()
    )


def a_sealing(seq: int, prev: str, leaves: tuple[Leaf, ...]) -> Link:
    detail = json.dumps(seal(leaves), sort_keys=True, separators=(",", ":"))
    return Link(an_entry(seq, prev, action=ledger.SEALING, on="submissions", detail=detail), leaves)


def with_private(seq: int, prev: str, **values: str) -> Link:
    told = {name: digest(SALT, value) for name, value in values.items()}
    detail = json.dumps({"private": told}, sort_keys=True, separators=(",", ":"))
    kept = tuple(Private(name, SALT, value) for name, value in values.items())
    return Link(an_entry(seq, prev, detail=detail), private=kept)


def a_chain() -> list[Link]:
    """Five entries: plain, sealing three, one with private words, sealing one, plain."""
    one = Link(an_entry())
    two = a_sealing(2, one.entry.hash, tuple(a_leaf(n) for n in (3, 1, 2)))
    three = with_private(3, two.entry.hash, reason="李明病了")
    four = a_sealing(4, three.entry.hash, (a_leaf(4),))
    return [one, two, three, four, Link(an_entry(5, four.entry.hash))]


def named(links, **known) -> list[tuple[str, int]]:
    return [(fault.name, fault.seq) for fault in verify(links, **known)]


def place(link: Link) -> Anchor:
    return Anchor(link.entry.seq, link.entry.hash)


# hashes


def test_entry_hash_is_the_one_of_the_first_release():
    known = entry_hash(
        seq=1, at=AT, actor="cli", action="bank.add", on="bank:a", detail='{"name":"题库"}', prev=GENESIS
    )
    text = f'{GENESIS}[1,"2026-12-12T04:00:00+00:00","cli","bank.add","bank:a","{{\\"name\\":\\"题库\\"}}"]'

    assert known == sha256(text.encode()).hexdigest()


def test_entry_hash_does_not_depend_on_the_zone_a_moment_is_told_in():
    there = AT.astimezone(timezone(timedelta(hours=8)))

    assert an_entry(at=there).hash == an_entry(at=AT).hash


RFC_6962 = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]


@pytest.mark.parametrize(
    ("number", "root"),
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    ],
)
def test_root_is_that_of_certificate_transparency(number: int, root: str):
    assert merkle_root(bytes.fromhex(content) for content in RFC_6962[:number]) == root


def independent(contents: list[bytes]) -> bytes:
    """The tree as RFC 6962 writes it: split at the largest power of two below the number."""
    if len(contents) == 1:
        return sha256(b"\x00" + contents[0]).digest()
    half = 1 << (len(contents) - 1).bit_length() - 1
    return sha256(b"\x01" + independent(contents[:half]) + independent(contents[half:])).digest()


@relaxed
@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_root_equals_that_of_an_independent_program(contents: list[bytes]):
    assert merkle_root(contents) == independent(contents).hex()


@relaxed
@given(st.lists(st.binary(max_size=3), min_size=1, max_size=20), st.lists(st.binary(max_size=3), max_size=20))
def test_other_contents_have_another_root(one: list[bytes], other: list[bytes]):
    assert (merkle_root(one) == merkle_root(other)) == (one == other)


def test_two_hashes_in_a_row_are_no_leaf():
    """Without a mark for leaves and nodes a node could be passed off as a submission."""
    one, two = (sha256(b"\x00" + content).digest() for content in (b"a", b"b"))

    assert merkle_root([b"a", b"b"]) != merkle_root([one + two])


@relaxed
@given(st.permutations([a_leaf(number) for number in range(7)]))
def test_seal_does_not_depend_on_the_order_of_reading(leaves: list[Leaf]):
    assert seal(leaves) == seal(sorted(leaves, key=lambda leaf: leaf.attempt_id))


def test_seal_says_how_many_and_hashes_their_canonical_form():
    leaves = [a_leaf(2), a_leaf(1)]
    contents = [
        f'["attempt00{n}","2026-12-12T04:00:0{n}+00:00","{a_leaf(n).answers_hash}"]'.encode() for n in (1, 2)
    ]

    assert seal(leaves) == {"count": 2, "root": merkle_root(contents)}


def test_digest_holds_salt_and_value():
    assert digest(SALT, "病了") == "sha256:" + sha256(f"{SALT}病了".encode()).hexdigest()


def test_worked_numbers_of_the_documentation():
    told = (PROJECT / "docs" / "algorithms" / "audit.md").read_text()
    first = an_entry(at=AT, actor="cli", action="bank.add", on="bank:demo", detail='{"name":"演示"}')
    moments = [AT, AT + timedelta(seconds=1, microseconds=500), AT]
    sealed = seal([Leaf(f"a{n + 1}", at, str(n) * 64) for n, at in enumerate(moments)])
    detail = json.dumps(sealed, separators=(",", ":"))
    second = an_entry(
        2,
        first.hash,
        at=AT + timedelta(seconds=30),
        actor="job",
        action=ledger.SEALING,
        on="submissions",
        detail=detail,
    )

    assert [
        number
        for number in (
            first.hash,
            detail,
            second.hash,
            f"`{place(Link(second)).short}`",
            digest("0" * 32, "家里有事"),
        )
        if number not in told
    ] == []


# anchors


@pytest.mark.parametrize(
    "text",
    [
        "12:9f86d081884c7d65",
        " 12 : 9f86 d081 884c 7d65 ",
        "12：9F86D081884C7D65",
        "0012:9f86d081884c7d65",
    ],
)
def test_anchor_is_read_as_people_copy_it(text: str):
    assert anchor(text) == Anchor(12, "9f86d081884c7d65")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "12:",
        ":9f86d081884c7d65",
        "12 9f86d081884c7d65",
        "12:9f86d081884c7d6",
        "12:9f86d081884c7d6g",
        "-1:9f86d081884c7d65",
        "１２:9f86d081884c7d65",
        "²:9f86d081884c7d65",
        "12:" + "a" * 65,
        "1" * 17 + ":9f86d081884c7d65",
        "12:9f86:d081884c7d65",
    ],
)
def test_what_is_no_anchor_is_refused_with_the_way_to_write_one(text: str):
    with pytest.raises(BadAnchor, match="序号:校验值"):
        anchor(text)


@relaxed
@given(st.integers(0, 10**12), st.integers(0, 16**64 - 1))
def test_every_way_of_writing_an_anchor_is_read_again(seq: int, number: int):
    written = Anchor(seq, f"{number:064x}")

    assert anchor(str(written)) == anchor(written.grouped) == written
    assert anchor(written.short) == Anchor(seq, written.hash[:16])


# sound chains


def test_sound_chain_has_no_faults():
    chain = a_chain()

    assert named(chain, head=place(chain[-1]), sealed=4, anchors=[ORIGIN, *map(place, chain)]) == []


def test_empty_chain_has_no_faults():
    assert named([], head=ORIGIN, sealed=0) == []


def test_short_anchors_are_enough():
    chain = a_chain()

    assert named(chain, anchors=[anchor(place(link).short) for link in chain]) == []


def test_a_part_is_verified_from_the_entry_before_it():
    chain = a_chain()

    assert named(chain[2:], after=place(chain[1]), anchors=[place(chain[1])]) == []
    assert named(chain[2:], after=Anchor(2, "f" * 64), anchors=[place(chain[1])]) == [
        ("anchor", 2),
        ("link", 3),
    ]


def test_erased_words_leave_the_chain_whole():
    chain = a_chain()
    chain[2] = replace(chain[2], private=(Private("reason", None, None),))

    assert named(chain) == []


@relaxed
@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=8))
def test_any_text_can_be_chained(rows: list[tuple[str, str, str]]):
    prev, links = GENESIS, []
    for seq, (actor, on, detail) in enumerate(rows, start=1):
        links.append(Link(an_entry(seq, prev, actor=actor, on=on, detail=detail)))
        prev = links[-1].entry.hash

    assert named(links) == []


# changed chains


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"seq": 9}, [("gap", 2), ("entry", 9), ("order", 3)]),
        ({"at": AT}, [("entry", 2)]),
        ({"actor": "staff:8"}, [("entry", 2)]),
        ({"on": "round:4"}, [("entry", 2)]),
        ({"prev": "0" * 64}, [("link", 2), ("entry", 2)]),
        ({"hash": "0" * 64}, [("entry", 2), ("link", 3)]),
        ({"detail": '{"count":2}'}, [("entry", 2), ("count", 2)]),
        ({"detail": "[3]"}, [("entry", 2), ("count", 2)]),
        ({"detail": "no json"}, [("entry", 2), ("count", 2)]),
        ({"detail": "[" * 100_000}, [("entry", 2), ("count", 2)]),
        ({"action": "round.close"}, [("entry", 2), ("stray", 2)]),
    ],
)
def test_changed_field_is_found(change: dict, faults: list[tuple[str, int]]):
    chain = a_chain()
    chain[1] = replace(chain[1], entry=replace(chain[1].entry, **change))

    assert named(chain)[: len(faults)] == faults


def test_changed_leaves_are_found():
    chain = a_chain()
    one, *rest = chain[1].leaves
    faults = {
        "changed": replace(chain[1], leaves=(replace(one, answers_hash="0" * 64), *rest)),
        "missing": replace(chain[1], leaves=tuple(rest)),
        "added": replace(chain[1], leaves=(*chain[1].leaves, a_leaf(9))),
        "other": replace(chain[1], leaves=(a_leaf(9), *rest)),
    }

    assert {how: named([chain[0], link, *chain[2:]]) for how, link in faults.items()} == {
        "changed": [("root", 2)],
        "missing": [("count", 2)],
        "added": [("count", 2)],
        "other": [("root", 2)],
    }


def test_leaf_that_no_entry_has_sealed_is_found():
    assert named(a_chain(), sealed=5) == [("stray", 5)]


@pytest.mark.parametrize(
    "private",
    [
        (),
        (Private("reason", SALT, "李明没病"),),
        (Private("reason", "5b" * 16, "李明病了"),),
        (Private("reason", None, "李明病了"),),
        (Private("reason", SALT, None),),
        (Private("reason", SALT, "李明病了"), Private("note", SALT, "另一句")),
    ],
)
def test_changed_private_words_are_found(private: tuple[Private, ...]):
    chain = a_chain()
    chain[2] = replace(chain[2], private=private)

    assert named(chain) == [("private", 3)]


def test_words_beside_an_entry_that_has_none_are_found():
    chain = a_chain()
    chain[0] = replace(chain[0], private=(Private("reason", None, None),))

    assert named(chain) == [("private", 1)]


@pytest.mark.parametrize("text", ['{"private":"reason"}', '{"words":["private"]}'])
def test_detail_that_only_looks_private_is_none(text: str):
    assert named([Link(an_entry(detail=text))]) == []


def test_missing_entries_are_told_by_their_numbers():
    chain = a_chain()

    assert [fault.text for fault in verify([*chain[:1], *chain[3:]])] == ["第 2 到 3 条不见了。"]
    assert [fault.text for fault in verify([*chain[:1], *chain[2:]])] == ["第 2 条不见了。"]


def test_cut_end_is_found_by_head_and_anchor_and_by_nothing_else():
    chain = a_chain()
    short, end = chain[:4], place(chain[-1])

    assert named(short, head=end) == [("head", 4)]
    assert named(short, anchors=[end]) == [("anchor", 5)]
    assert named(short, head=place(short[-1])) == []


def test_chain_written_anew_is_found_by_an_anchor_alone():
    chain = a_chain()
    forged = [chain[0], Link(an_entry(2, chain[0].entry.hash, actor="staff:9"))]
    head = place(forged[-1])

    assert named(forged, head=head) == []
    assert named(forged, head=head, anchors=[place(chain[1])]) == [("anchor", 2)]
    assert named(forged, anchors=[place(chain[0]), place(chain[1]), head]) == [("anchor", 2)]


def test_every_fault_is_a_sentence():
    chain = a_chain()
    broken = [replace(chain[1], leaves=()), chain[0], replace(chain[2], private=())]

    said = [*verify(broken, head=place(chain[4]), anchors=[place(chain[4])], sealed=4)]
    names = {fault.name for fault in said}
    assert names == {"gap", "count", "order", "private", "head", "anchor", "stray"}
    assert all(fault.text.endswith("。") for fault in said)


# unsealed submissions


@pytest.mark.parametrize(
    ("oldest", "late"),
    [
        (None, False),
        (AT, False),
        (AT - LONGEST_UNSEALED, False),
        (AT - LONGEST_UNSEALED - timedelta(microseconds=1), True),
    ],
)
def test_submissions_may_wait_a_quarter_of_an_hour(oldest: datetime | None, late: bool):
    said = left_open(3, oldest, AT)

    assert said == (
        Fault("late", 0, "有 3 份交卷还没有封存，最早的已超过 15 分钟：定时任务可能没有在运行。")
        if late
        else None
    )


# every change of a long chain


def a_long_chain() -> list[Link]:
    links: list[Link] = []
    for seq in range(1, 61):
        prev = links[-1].entry.hash if links else GENESIS
        if seq % 7 == 0:
            links.append(a_sealing(seq, prev, tuple(a_leaf(seq * 10 + n) for n in range(seq % 5 + 1))))
        elif seq % 11 == 0:
            links.append(with_private(seq, prev, reason=f"原因 {seq}"))
        else:
            links.append(Link(an_entry(seq, prev, detail=f'{{"n":{seq}}}')))
    return links


LONG = a_long_chain()


@relaxed
@given(st.lists(st.sampled_from(LONG), max_size=80))
def test_no_other_row_of_the_same_entries_passes(links: list[Link]):
    assert (named(links, head=place(LONG[-1])) == []) == (links == LONG)


@relaxed
@given(st.integers(0, len(LONG) - 1), st.data())
def test_no_other_value_of_a_field_passes(index: int, data: st.DataObject):
    link = LONG[index]
    name = data.draw(st.sampled_from(("seq", "at", "actor", "action", "on", "detail", "prev", "hash")))
    other = data.draw({"seq": st.integers(), "at": st.datetimes(timezones=st.just(UTC))}.get(name, st.text()))
    links = [*LONG[:index], replace(link, entry=replace(link.entry, **{name: other})), *LONG[index + 1 :]]

    assert (named(links) == []) == (other == getattr(link.entry, name))
