"""The files of a draw as they are sent: streamed one by one, or all in one ZIP."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Final

from quizsvc.clock import SHANGHAI
from quizsvc.web.assets import ASSETS

VERIFIER: Final = "verify.py"
MIMETYPES: Final = {
    "txt": "text/plain",
    "json": "application/json",
    "py": "text/x-python",
    "zip": "application/zip",
}


class _Drain(io.RawIOBase):
    """What a ZIP is written to when it is sent at the same time: it can only go on."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, body: bytes) -> int:  # type: ignore[override]  # ours is handed bytes alone
        """Keep bytes until they are taken."""
        self._waiting += body
        return len(body)

    def taken(self) -> bytes:
        """Hand over what has been written since the last time."""
        body = bytes(self._waiting)
        self._waiting.clear()
        return body


def verifier() -> bytes:
    """Return the program with which anybody can check a draw on their own computer."""
    return ASSETS[VERIFIER].body


def mimetype(name: str) -> str:
    """Return the type of a file by its name."""
    return MIMETYPES[name.rpartition(".")[2]]


def zipped(files: Iterable[tuple[str, Iterable[bytes]]], at: datetime) -> Iterator[bytes]:
    """Write files and the program into one ZIP that is sent while it is written; `at` is the date of its members."""
    drain = _Drain()
    local = at.astimezone(SHANGHAI)
    with zipfile.ZipFile(drain, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in chain(files, [(VERIFIER, [verifier()])]):
            info = zipfile.ZipInfo(name, local.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as member:
                for part in parts:
                    member.write(part)
                    yield drain.taken()
    yield drain.taken()
