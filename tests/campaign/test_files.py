"""Uploaded pictures: drawn anew, hostile ones refused."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from quizsvc.campaign import files
from quizsvc.core.refusal import Refusal
from quizsvc.web import qr
from tests.campaign.conftest import a_picture

READABLE = "PNG 或 JPG"


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A PNG as an attacker would write it, of any size in few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def opened(body: bytes) -> Image.Image:
    with Image.open(BytesIO(body)) as image:
        image.load()
        return image


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_picture_becomes_a_small_square_png(form: str) -> None:
    image = opened(files.cleaned(a_picture(400, 360, form)))
    assert (image.format, image.size) == ("PNG", (400, 400))
    assert image.convert("L").getpixel((150, 150)) < 20
    assert image.convert("L").getpixel((300, 300)) > 235


def test_large_picture_is_reduced_and_still_scans() -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    address = "http://weixin.qq.com/r/xyzXYZ0123456789"
    image = opened(files.cleaned(qr.png(address, pixels=1600)))
    assert image.size == (600, 600)
    assert [found.text for found in zxingcpp.read_barcodes(image.convert("L"))] == [address]


def test_transparent_picture_gets_a_white_ground() -> None:
    body = BytesIO()
    Image.new("RGBA", (200, 200), (0, 0, 0, 0)).save(body, "PNG")
    assert opened(files.cleaned(body.getvalue())).convert("RGB").getpixel((100, 100)) == (255, 255, 255)


def test_nothing_hidden_in_a_picture_survives() -> None:
    secret = "<script>alert(1)</script>"
    notes = PngInfo()
    notes.add_text("Comment", secret)
    with_exif = Image.Exif()
    with_exif[0x010E] = secret
    body = a_picture(pnginfo=notes, exif=with_exif, icc_profile=secret.encode()) + secret.encode()
    assert secret.encode() in body

    kept = files.cleaned(body)

    assert secret.encode() not in kept
    assert opened(kept).info == {}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", READABLE),
        (b"hello", READABLE),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", READABLE),
        (b"\x89PNG\r\n\x1a\n", READABLE),
        (a_picture()[:120], READABLE),
        (a_picture(form="GIF"), READABLE),
        (a_picture(form="BMP", width=160, height=160), READABLE),
        (png_of(50_000, 50_000, b"\0" * 1000), READABLE),
        (png_of(10_000, 10_000, b"\0" * 1000), READABLE),
        (png_of(300, 300, b"\0" * 10), READABLE),
        (png_of(2**31 - 1, 1, b""), READABLE),
        (png_of(0, 0, b""), READABLE),
        (png_of(4001, 4001, b""), "边长最多"),
        (a_picture(149, 149), "图片太小"),
        (a_picture(300, 200), "正方形"),
        (a_picture() + b"\0" * 200 * 1024, "超过 200 KB"),
    ],
)
def test_picture_that_is_none_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        files.cleaned(body)


def test_damaged_pictures_are_refused_or_drawn_but_never_a_bug() -> None:
    sound = a_picture(160, 160)
    outcomes = set()
    for place in range(len(sound)):
        for change in (0x00, 0xFF, sound[place] ^ 0x10):
            damaged = sound[:place] + bytes((change,)) + sound[place + 1 :]
            try:
                outcomes.add(opened(files.cleaned(damaged)).format)
            except Refusal:
                outcomes.add("refused")
    assert outcomes == {"PNG", "refused"}
