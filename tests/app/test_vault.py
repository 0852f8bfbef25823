"""Keys outside the database: what they seal opens with them, in its place and unchanged, and in no other way."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc import vault
from quizsvc.core.refusal import Refusal
from quizsvc.vault import CUT_OR_CHANGED, Key, KeyRing, Unopenable

RING = KeyRing((Key(b"1" * vault.KEY_BYTES),))
OTHER = KeyRing((Key(b"2" * vault.KEY_BYTES),))
BOTH = KeyRing(OTHER.keys + RING.keys)
HEAD = len(vault.MAGIC) + vault.ID_BYTES + vault.SALT_BYTES


def sealed(plain: bytes, ring: KeyRing = RING) -> bytes:
    target = io.BytesIO()
    ring.seal_file(io.BytesIO(plain), target)
    return target.getvalue()


def opened(whole: bytes, ring: KeyRing = RING) -> bytes:
    target = io.BytesIO()
    ring.open_file(io.BytesIO(whole), target)
    return target.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of sixteen bytes, so that little files have several."""
    monkeypatch.setattr(vault, "CHUNK_BYTES", 16)


# --- values


@given(st.text(), st.text())
def test_value_opens_in_its_place(text: str, place: str) -> None:
    assert RING.open(RING.seal(text, place=place), place=place) == text


def test_same_value_is_never_sealed_the_same_way_twice() -> None:
    assert RING.seal("13800138000", place="a:1") != RING.seal("13800138000", place="a:1")


def test_value_does_not_open_in_another_place() -> None:
    with pytest.raises(Unopenable, match="不是放在这里的"):
        RING.open(RING.seal("x", place="staff_staff.totp:1"), place="staff_staff.totp:2")


def test_older_keys_open_and_the_newest_seals() -> None:
    old = RING.seal("x", place="a:1")

    assert BOTH.open(old, place="a:1") == "x"
    assert (BOTH.sealed_by_newest(old), BOTH.sealed_by_newest(BOTH.seal("x", place="a:1"))) == (False, True)
    with pytest.raises(Unopenable, match=f"缺少密钥 {RING.keys[0].id.hex()}"):
        OTHER.open(old, place="a:1")


@pytest.mark.parametrize(
    "spoilt", [lambda text: "", lambda text: "é!", lambda text: text[:12], lambda text: text[:40]]
)
def test_value_that_is_cut_or_none_at_all_is_refused(spoilt: Callable[[str], str]) -> None:
    with pytest.raises(Unopenable):
        RING.open(spoilt(RING.seal("some value", place="a:1")), place="a:1")


# --- files


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 33, 100])
def test_file_opens_whole_at_every_edge_of_a_chunk(small: None, size: int) -> None:
    plain = bytes(range(size))

    assert opened(sealed(plain)) == plain
    assert plain[:8] not in sealed(plain) or size < 8


def test_pieces_of_any_size_make_the_same_chunks(small: None) -> None:
    whole = b"".join(RING.sealed(iter([b"a" * 5, b"", b"b" * 40, b"c"])))

    assert opened(whole) == b"a" * 5 + b"b" * 40 + b"c"
    assert len(whole) == HEAD + 46 + 3 * vault.TAG_BYTES


def test_source_that_gives_little_at_a_time_is_read_whole(small: None) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 3))

    target = io.BytesIO()
    RING.seal_file(Slow(b"x" * 50), target)
    assert opened(target.getvalue()) == b"x" * 50


def faulty(whole: bytes) -> Iterator[tuple[str, bytes]]:
    chunk = 16 + vault.TAG_BYTES
    first, second = whole[HEAD : HEAD + chunk], whole[HEAD + chunk : HEAD + 2 * chunk]
    yield from ((f"cut after {length}", whole[:length]) for length in range(len(vault.MAGIC), len(whole)))
    yield "longer", whole + b"x"
    yield "swapped", whole[:HEAD] + second + first + whole[HEAD + 2 * chunk :]
    yield "repeated", whole[:HEAD] + first + whole[HEAD:]
    yield "one left out", whole[:HEAD] + whole[HEAD + chunk :]
    yield from (
        (f"bit of {place} changed", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        for place in range(HEAD - vault.SALT_BYTES, len(whole))
    )


def test_file_that_was_touched_does_not_open(small: None) -> None:
    told = {}
    for name, broken in faulty(sealed(b"p" * 40)):
        with pytest.raises(Unopenable) as refusal:
            opened(broken)
        told[name] = refusal.value.text

    assert len(told) > 200
    assert set(told.values()) == {CUT_OR_CHANGED}


def test_chunk_of_another_file_under_the_same_key_does_not_open(small: None) -> None:
    one, two = sealed(b"a" * 16), sealed(b"b" * 16)

    with pytest.raises(Unopenable):
        opened(one[:HEAD] + two[HEAD:])


def test_file_of_another_key_or_program_says_so() -> None:
    with pytest.raises(Unopenable, match="缺少密钥"):
        opened(sealed(b"x"), OTHER)
    with pytest.raises(Unopenable, match="不是本系统加密的文件"):
        opened(b"PK\3\4")
    assert opened(sealed(b"x"), BOTH) == b"x"


# --- the file of keys


def test_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    file = tmp_path / "new" / "keys"

    assert vault.kept_ring(file) == vault.kept_ring(file)
    assert file.stat().st_mode & 0o077 == 0
    assert [one.name for one in file.parent.iterdir()] == ["keys"]


def test_key_that_is_added_comes_first(tmp_path: Path) -> None:
    first = vault.kept_ring(tmp_path / "keys").keys
    added = vault.add_key(tmp_path / "keys").keys

    assert added[1:] == first
    assert vault.kept_ring(tmp_path / "keys").keys == added


def test_retired_keys_open_backups_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    old = sealed(b"x", vault.kept_ring(file))
    newest = vault.add_key(file).keys[0]
    retired = vault.retire_old_keys(file)

    assert (vault.kept_ring(file).keys, len(retired)) == ((newest,), 1)
    assert opened(old, vault.ring_for_backups(file)) == b"x"
    with pytest.raises(Unopenable):
        opened(old, vault.kept_ring(file))


@pytest.mark.parametrize("text", ["", "\n", "short", "é" * 43, f"{'A' * 44}\nrest"])
def test_file_that_holds_no_keys_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)

    with pytest.raises(Refusal, match="请从保管处取回"):
        vault.kept_ring(tmp_path / "keys")


def test_key_shows_nowhere() -> None:
    assert RING.keys[0].secret not in RING.keys[0].id
    assert "1111" not in repr(RING)
