"""QR codes as SVG, PNG and terminal text."""

import struct
import zlib
from html import escape
from itertools import pairwise
from typing import Literal

from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode

from quizsvc.core.refusal import Refusal

Level = Literal["M", "Q", "H"]
Matrix = tuple[tuple[bool, ...], ...]
Point = tuple[int, int]

QUIET_ZONE = 4
MOST_PIXELS = 4096

_LEVELS = {"M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
PNG_START = b"\x89PNG\r\n\x1a\n"


def matrix(url: str, level: Level = "M") -> Matrix:
    """Return the modules of the QR code row by row, True where dark, without quiet zone."""
    code = QRCode(error_correction=_LEVELS[level], border=0)
    code.add_data(url)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as overflow:
        raise Refusal("网址太长，放不进二维码。") from overflow
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def svg(url: str, level: Level = "M", *, label: str = "答题二维码") -> str:
    """Return the code as SVG markup of a white square and one path, quiet zone included."""
    modules = matrix(url, level)
    side = len(modules) + 2 * QUIET_ZONE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
        f'role="img" aria-label="{escape(label)}">'
        f'<rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path d="{_outline(modules)}"/></svg>'
    )


def png(url: str, *, level: Level = "M", pixels: int = 480) -> bytes:
    """Return the code as a square black and white PNG of that many pixels a side, all modules equal."""
    modules = matrix(url, level)
    scale = pixels // (len(modules) + 2 * QUIET_ZONE)
    if scale < 1 or pixels > MOST_PIXELS:
        raise Refusal(f"二维码图片的边长要在 {len(modules) + 2 * QUIET_ZONE} 到 {MOST_PIXELS} 像素之间。")
    before = (pixels - scale * len(modules)) // 2
    after = pixels - scale * len(modules) - before
    blank = _scanline("1" * pixels)
    drawn = [
        _scanline("1" * before + "".join(("0" if dark else "1") * scale for dark in row) + "1" * after)
        for row in modules
    ]
    pixel_rows = blank * before + b"".join(line * scale for line in drawn) + blank * after
    header = struct.pack(">IIBBBBB", pixels, pixels, 1, 0, 0, 0, 0)
    return (
        PNG_START
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(pixel_rows, 9))
        + _chunk(b"IEND", b"")
    )


def terminal(url: str) -> str:
    """Return the code in half-block characters, two modules to a character cell."""
    modules = matrix(url)
    side = len(modules) + 2 * QUIET_ZONE
    light = (False,) * side
    margin = (False,) * QUIET_ZONE
    rows = [light] * QUIET_ZONE + [margin + row + margin for row in modules] + [light] * (QUIET_ZONE + 1)
    # Black on white is spelled out, or a dark terminal would show the code inverted.
    black_on_white, plain = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
    shapes = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
    return "\n".join(
        black_on_white + "".join(map(shapes.__getitem__, zip(upper, lower, strict=True))) + plain
        for upper, lower in zip(rows[0:side:2], rows[1 : side + 1 : 2], strict=True)
    )


def _outline(modules: Matrix) -> str:
    # One contour round each dark region instead of a box per module: no hairlines between rows on paper.
    dark = {(x, y) for y, row in enumerate(modules, QUIET_ZONE) for x, on in enumerate(row, QUIET_ZONE) if on}
    onward: dict[Point, list[Point]] = {}
    for x, y in sorted(dark):
        for beside, start, end in (
            ((x, y - 1), (x, y), (x + 1, y)),
            ((x + 1, y), (x + 1, y), (x + 1, y + 1)),
            ((x, y + 1), (x + 1, y + 1), (x, y + 1)),
            ((x - 1, y), (x, y + 1), (x, y)),
        ):
            if beside not in dark:
                onward.setdefault(start, []).append(end)
    contours = []
    while onward:
        contours.append(_contour(onward))
    return "".join(contours)


def _contour(onward: dict[Point, list[Point]]) -> str:
    start = here = next(iter(onward))
    corners = [start]
    while True:
        ends = onward[here]
        there = ends.pop()
        if not ends:
            del onward[here]
        if len(corners) > 1 and (corners[-2][0] == there[0] or corners[-2][1] == there[1]):
            corners.pop()
        if there == start:
            break
        corners.append(there)
        here = there
    moves = [f"M{start[0]} {start[1]}"]
    for (from_x, from_y), (to_x, to_y) in pairwise(corners):
        moves.append(f"v{to_y - from_y}" if from_x == to_x else f"h{to_x - from_x}")
    return "".join(moves) + "z"


def _scanline(bits: str) -> bytes:
    width = -(-len(bits) // 8)
    return b"\x00" + int(bits.ljust(width * 8, "0"), 2).to_bytes(width, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
