"""Uploaded pictures of official accounts: checked, and drawn anew so that nothing else hides in them."""

import struct
import zlib
from io import BytesIO

from PIL import Image

from quizsvc.campaign.operations import MOST_IMAGE_BYTES
from quizsvc.core.refusal import Refusal

FORMATS = ("PNG", "JPEG")  # WeChat hands out the codes of official accounts as JPEG
LEAST_SIDE = 150
MOST_SIDE = 4000
KEPT_SIDE = 600
KEPT_COLOURS = 64
_UNREADABLE = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


def cleaned(body: bytes) -> bytes:
    """Return a small square PNG that shows the same picture and carries nothing else, or refuse."""
    if len(body) > MOST_IMAGE_BYTES:
        raise Refusal("图片超过 200 KB，请压缩或缩小后再传。")
    drawn = BytesIO()
    _picture(body).save(drawn, "PNG", optimize=True)
    if len(drawn.getvalue()) > MOST_IMAGE_BYTES:
        raise Refusal("这张图片太花，存不进 200 KB。请换成公众平台下载的二维码原图。")
    return drawn.getvalue()


def _picture(body: bytes) -> Image.Image:
    try:
        with Image.open(BytesIO(body), formats=FORMATS) as image:
            _check_size(*image.size)
            pixels = image.convert("RGBA")
    except _UNREADABLE as fault:
        raise Refusal("这不是能打开的 PNG 或 JPG 图片，请换一张公众号二维码再试。") from fault
    side = max(pixels.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(pixels, ((side - pixels.width) // 2, (side - pixels.height) // 2))
    square.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return square.convert("RGB").quantize(KEPT_COLOURS)


def _check_size(width: int, height: int) -> None:
    if min(width, height) < LEAST_SIDE:
        raise Refusal(f"图片太小，边长至少 {LEAST_SIDE} 像素，不然印出来扫不了。")
    if max(width, height) > MOST_SIDE:
        raise Refusal(f"图片太大，边长最多 {MOST_SIDE} 像素。")
    if max(width, height) * 10 > min(width, height) * 12:
        raise Refusal("图片要接近正方形，请只截取二维码那一块。")
