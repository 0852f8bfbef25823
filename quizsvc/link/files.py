"""Class posters as PDF and PNG."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from quizsvc import typesetting
from quizsvc.core.refusal import Refusal
from quizsvc.web import qr

POSTER_LEVEL: qr.Level = "Q"
MOST_ACCOUNTS = 3

_POSTER_SOURCE = Path(__file__).parent / "templates" / "link" / "poster.typ"
_INSTEAD = "不能直接生成海报文件。可以在浏览器里打开海报页直接打印；"


@dataclass(frozen=True)
class Account:
    """An official account whose code is printed beside ours: its name and the PNG of its QR code."""

    name: str
    image: bytes


@dataclass(frozen=True)
class Poster:
    """Everything one class poster says; `watermark` is set for rounds that do not count."""

    headline: tuple[str, str]
    lede: str
    issuers: str
    class_name: str
    school_name: str
    phrase: str
    deadline: str
    url: str
    host: str
    typed_url: str
    hotline: str
    accounts: tuple[Account, ...]
    footnote: str
    poster_number: str
    watermark: str = ""
    whose: str = "班级"  # what stands above the name
    steps: tuple[tuple[str, str], ...] = (("点序号", "再核对班级和序号"), ("答完看解析", "错题可以反复练"))

    def __post_init__(self) -> None:
        if len(self.accounts) > MOST_ACCOUNTS:
            raise Refusal(f"一张海报最多放 {MOST_ACCOUNTS} 个公众号的二维码，请去掉几个再试。")


def posters_pdf(posters: Sequence[Poster]) -> bytes:
    """Return one PDF with one A4 page for each poster."""
    return _typeset(posters, "pdf")


def poster_png(poster: Poster, ppi: float = 144) -> bytes:
    """Return one poster as a PNG picture, for class groups where a PDF is a nuisance."""
    return _typeset([poster], "png", ppi)


def _typeset(posters: Sequence[Poster], form: Literal["pdf", "png"], ppi: float = 144) -> bytes:
    if not posters:
        raise Refusal("还没有可以打印的海报。")
    images: dict[str, list[int]] = {}
    sheets = [_sheet(poster, images) for poster in posters]
    try:
        return typesetting.typeset(
            _POSTER_SOURCE, {"posters": sheets, "images": images}, instead=_INSTEAD, form=form, ppi=ppi
        )
    except typesetting.BrokenPicture as fault:
        raise Refusal("公众号二维码的图片打不开，请换一张 PNG 图片再试。") from fault


def _sheet(poster: Poster, images: dict[str, list[int]]) -> dict[str, object]:
    # typst takes text only, so pictures travel as lists of byte values, once for the whole batch.
    accounts = []
    for account in poster.accounts:
        if not account.image.startswith(qr.PNG_START):
            raise Refusal(f"公众号“{account.name}”的二维码不是 PNG 图片，请换一张再试。")
        key = hashlib.sha256(account.image).hexdigest()
        if key not in images:
            images[key] = list(account.image)
        accounts.append({"name": account.name, "image": key})
    return {**vars(poster), "accounts": accounts, "code": qr.svg(poster.url, POSTER_LEVEL)}
