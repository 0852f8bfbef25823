"""Keys kept outside the database: they seal single values in columns and whole backup files."""

import base64
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from quizsvc.core.refusal import Refusal

KEY_BYTES = 32
ID_BYTES = 4
NONCE_BYTES = 12
TAG_BYTES = 16
SALT_BYTES = 32
CHUNK_BYTES = 1 << 20
MAGIC = b"quizsvc-sealed-1\n"
CUT_OR_CHANGED = "加密的文件打不开：它不完整，或者被改动过。"


class Unopenable(Refusal):
    """A sealed value or file that none of our keys opens: another key, another place, or changed bytes."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key; its id says which one sealed something and tells nothing about it."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Return the first bytes of the key's hash."""
        return hashlib.sha256(b"quizsvc key id" + self.secret).digest()[:ID_BYTES]

    def derived(self, purpose: bytes, salt: bytes = b"") -> AESGCM:
        """Return the cipher of one purpose, so that no two uses share a key."""
        return AESGCM(HKDF(SHA256(), KEY_BYTES, salt or None, b"quizsvc " + purpose).derive(self.secret))


@dataclass(frozen=True)
class KeyRing:
    """The keys of this installation: the first seals, all open."""

    keys: tuple[Key, ...]

    @cached_property
    def _columns(self) -> dict[bytes, AESGCM]:
        return {key.id: key.derived(b"column") for key in self.keys}

    def seal(self, text: str, *, place: str) -> str:
        """Seal a value for one place (table.column:row): moved elsewhere it does not open."""
        key, nonce = self.keys[0], secrets.token_bytes(NONCE_BYTES)
        sealed = self._columns[key.id].encrypt(nonce, text.encode(), place.encode())
        return base64.urlsafe_b64encode(key.id + nonce + sealed).decode()

    def open(self, sealed: str, *, place: str) -> str:
        """Return the value sealed for this place."""
        raw = _decoded(sealed)
        cipher = self._columns.get(raw[:ID_BYTES])
        if cipher is None:
            raise Unopenable(_without(raw[:ID_BYTES]), status=409)
        try:
            nonce, rest = raw[ID_BYTES : ID_BYTES + NONCE_BYTES], raw[ID_BYTES + NONCE_BYTES :]
            return cipher.decrypt(nonce, rest, place.encode()).decode()
        except InvalidTag:
            raise Unopenable("加密的内容打不开：它被改动过，或者不是放在这里的。", status=409) from None

    def sealed_by_newest(self, sealed: str) -> bool:
        """Say whether a value was sealed with the key that seals now."""
        return _decoded(sealed)[:ID_BYTES] == self.keys[0].id

    def seal_file(self, source: BinaryIO, target: BinaryIO) -> None:
        """Seal a stream in chunks; a cut, swapped or changed chunk does not open."""
        for piece in self.sealed(_pieces(source, CHUNK_BYTES)):
            target.write(piece)

    def sealed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Seal what comes in pieces of any size, chunk by chunk, as a file is sealed."""
        key, salt = self.keys[0], secrets.token_bytes(SALT_BYTES)
        yield MAGIC + key.id + salt
        cipher = key.derived(b"file", salt)
        for nonce, chunk in _numbered(pieces, CHUNK_BYTES):
            yield cipher.encrypt(nonce, chunk, None)

    def open_file(self, source: BinaryIO, target: BinaryIO) -> None:
        """Write what was sealed in a stream; refuse when it was changed or cut."""
        for piece in self.opened(source):
            target.write(piece)

    def opened(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield what was sealed in a stream; what came before a refusal is no more than the beginning."""
        head = source.read(len(MAGIC) + ID_BYTES + SALT_BYTES)
        if not head.startswith(MAGIC):
            raise Unopenable("这不是本系统加密的文件。")
        key_id, salt = head[len(MAGIC) :][:ID_BYTES], head[len(MAGIC) + ID_BYTES :]
        if len(salt) < SALT_BYTES:
            raise Unopenable(CUT_OR_CHANGED)
        key = next((key for key in self.keys if key.id == key_id), None)
        if key is None:
            raise Unopenable(_without(key_id))
        cipher = key.derived(b"file", salt)
        sealed_bytes = CHUNK_BYTES + TAG_BYTES
        try:
            for nonce, chunk in _numbered(_pieces(source, sealed_bytes), sealed_bytes):
                yield cipher.decrypt(nonce, chunk, None)
        except InvalidTag:
            raise Unopenable(CUT_OR_CHANGED) from None


def place(column: object, row: object) -> str:
    """Name the one place a value is sealed for: a column, which writes itself as table.column, and its row."""
    return f"{column}:{row}"


def sealed_with(sealed: str) -> str:
    """Return the id of the key that sealed a value, in hexadecimal."""
    return _decoded(sealed)[:ID_BYTES].hex()


def _without(key_id: bytes) -> str:
    return f"缺少密钥 {key_id.hex()}：请把加密时用的密钥文件找回来（QUIZSVC_KEY_FILE）。"


def _decoded(sealed: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(sealed.encode())
    except ValueError:
        raw = b""
    if len(raw) < ID_BYTES + NONCE_BYTES + TAG_BYTES:
        raise Unopenable("加密的内容打不开：它不完整。", status=409)
    return raw


def _pieces(source: BinaryIO, size: int) -> Iterator[bytes]:
    return iter(lambda: source.read(size), b"")


def _numbered(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield a nonce and a chunk of this size each; the last nonce is marked, so that a file cannot end early."""
    number, held = 0, bytearray()
    for piece in pieces:
        held += piece
        while len(held) > size:
            yield number.to_bytes(NONCE_BYTES - 1, "big") + b"\0", bytes(held[:size])
            del held[:size]
            number += 1
    yield number.to_bytes(NONCE_BYTES - 1, "big") + b"\1", bytes(held)


def kept_ring(path: Path) -> KeyRing:
    """Return the keys of a file, one a line, newest first; made on first use, readable by its owner alone."""
    if not path.exists():
        _write(path, (Key(secrets.token_bytes(KEY_BYTES)),), replacing=False)
    keys = _keys_in(path)
    if not keys:
        raise Refusal(f"密钥文件是空的：{path}。请从保管处取回，再试一次。")
    return KeyRing(keys)


def ring_for_backups(path: Path) -> KeyRing:
    """Return the keys of a file and those retired from it, which older backups were sealed with."""
    return KeyRing((*kept_ring(path).keys, *_keys_in(retired_beside(path))))


def retired_beside(path: Path) -> Path:
    """Return where the keys go that are retired from a file."""
    return path.with_name(f"{path.name}.retired")


def add_key(path: Path) -> KeyRing:
    """Put a fresh key before the others; from now on it seals."""
    with _alone(path):
        keys = (Key(secrets.token_bytes(KEY_BYTES)), *kept_ring(path).keys)
        _write(path, keys, replacing=True)
    return KeyRing(keys)


def retire_old_keys(path: Path) -> tuple[Key, ...]:
    """Move all keys but the newest to the file of retired ones, and return them."""
    with _alone(path):
        newest, *older = kept_ring(path).keys
        retired = _keys_in(retired_beside(path))
        # first written there and only then taken out here: a power cut between the two loses no key
        _write(
            retired_beside(path), (*(key for key in older if key not in retired), *retired), replacing=True
        )
        _write(path, (newest,), replacing=True)
    return tuple(older)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time change the keys, so that none writes over a key another one has just made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _keys_in(path: Path) -> tuple[Key, ...]:
    return tuple(_key(line, path) for line in path.read_text().split()) if path.exists() else ()


def _key(line: str, path: Path) -> Key:
    try:
        secret = base64.urlsafe_b64decode(line.encode())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise Refusal(f"密钥文件里有一行不是密钥：{path}。请从保管处取回，再试一次。")
    return Key(secret)


def _write(path: Path, keys: tuple[Key, ...], *, replacing: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{base64.urlsafe_b64encode(key.secret).decode()}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    try:
        if replacing:
            os.replace(draft, path)
        else:
            os.link(draft, path)  # of two processes that start at once one wins, and both read its key
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Bring a folder's list of names to the disk: a key that a power cut takes away takes its backups along."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
