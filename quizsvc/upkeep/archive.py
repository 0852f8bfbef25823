"""The file of a backup (.qsb): a manifest and a packed dump in one sealed stream; no step holds it whole."""

import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from quizsvc.clock import SHANGHAI
from quizsvc.core.refusal import Refusal
from quizsvc.upkeep.progress import Progress
from quizsvc.vault import CUT_OR_CHANGED, KeyRing, Unopenable

FORMAT = b"quizsvc-backup-1\n"
LEVEL = 1  # answers and hashes pack to a third at any level, and this one keeps up with a disk
PIECE_BYTES = 1 << 20
_NAME = re.compile(r"quizsvc-(\d{8}-\d{6})\.qsb")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; rows and audit head are counted in the copy itself."""

    program: str
    database: str  # sqlite | postgresql
    server: str
    revision: str
    made_at: datetime
    rows: Mapping[str, int]
    audit_seq: int
    audit_hash: str
    dump_bytes: int
    dump_sha256: str

    def written(self) -> bytes:
        """Return it as one line."""
        values = {**asdict(self), "made_at": self.made_at.isoformat()}
        return json.dumps(values, ensure_ascii=False, sort_keys=True).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Manifest":
        """Read the line."""
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "made_at": datetime.fromisoformat(values["made_at"])})

    @property
    def anchor(self) -> str:
        """The head of the audit log at that moment."""
        return f"{self.audit_seq}:{self.audit_hash}"

    @property
    def total(self) -> int:
        """Count the rows of all tables."""
        return sum(self.rows.values())


def name_of(at: datetime) -> str:
    """Name a file by the moment, in China's time."""
    return f"quizsvc-{at.astimezone(SHANGHAI):%Y%m%d-%H%M%S}.qsb"


def made_at(name: str) -> datetime | None:
    """Read the moment out of a file's name; None for a file that is not a backup of ours."""
    found = _NAME.fullmatch(name)
    return datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=SHANGHAI) if found else None


def fingerprint(dump: Path, progress: Progress) -> tuple[int, str]:
    """Return size and SHA-256 of a dump."""
    hashed, done, whole = hashlib.sha256(), 0, dump.stat().st_size
    with dump.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            hashed.update(piece)
            done += len(piece)
            progress("计算指纹", done, whole)
    return done, hashed.hexdigest()


def write(ring: KeyRing, manifest: Manifest, dump: Path, target: Path, progress: Progress) -> None:
    """Pack and seal a dump into a new file, readable by its owner alone and on the disk when this returns."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, dump.open("rb") as plain:
        for piece in ring.sealed(_packed(manifest, plain, progress)):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def manifest_of(ring: KeyRing, file: Path) -> Manifest:
    """Read the manifest alone; whether the rest of the file is sound is not known then."""
    with file.open("rb") as sealed:
        return _begun(ring.opened(sealed))[0]


def unpack(ring: KeyRing, file: Path, target: BinaryIO | None, progress: Progress) -> Manifest:
    """Write the dump that a backup holds, or only check it against its hash; refuse when a byte is not as it was."""
    with file.open("rb") as sealed:
        pieces = ring.opened(sealed)
        manifest, rest = _begun(pieces)
        hashed, done = hashlib.sha256(), 0
        for piece in _unpacked(rest, pieces):
            hashed.update(piece)
            done += len(piece)
            if done > manifest.dump_bytes:
                break
            if target is not None:
                target.write(piece)
            progress("核对备份", done, manifest.dump_bytes)
    if (done, hashed.hexdigest()) != (manifest.dump_bytes, manifest.dump_sha256):
        raise Unopenable("备份和它自己的清单对不上：内容已经不是当时备份的内容，请换一份备份。")
    return manifest


def _packed(manifest: Manifest, plain: BinaryIO, progress: Progress) -> Iterator[bytes]:
    yield FORMAT + manifest.written()
    packer, done = zlib.compressobj(LEVEL), 0
    while piece := plain.read(PIECE_BYTES):
        yield packer.compress(piece)
        done += len(piece)
        progress("压缩并加密", done, manifest.dump_bytes)
    yield packer.flush()


def _begun(pieces: Iterator[bytes]) -> tuple[Manifest, bytes]:
    """Take the manifest off the beginning; it always lies in the first chunk."""
    first = next(pieces)
    if not first.startswith(FORMAT):
        raise Refusal("这份备份的格式和这个程序不配，请用做备份时的程序版本来打开。")
    line, _, rest = first[len(FORMAT) :].partition(b"\n")
    return Manifest.read(line), rest


def _unpacked(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    try:
        for packed in chain([first], pieces):
            yield from _inflated(unpacker, packed)
        yield unpacker.flush()
    except zlib.error:
        raise Unopenable(CUT_OR_CHANGED) from None


def _inflated(unpacker: Any, packed: bytes) -> Iterator[bytes]:
    """Unpack in bounded pieces: a little that was packed may be much."""
    while packed:
        yield unpacker.decompress(packed, PIECE_BYTES)
        packed = unpacker.unconsumed_tail
