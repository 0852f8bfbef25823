"""Class posters as PDF and PNG."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from quizsvc.core.refusal import Refusal
from quizsvc.web import qr

try:
    import typst
except ImportError:
    typst = None  # type: ignore[assignment]

POSTER_LEVEL: qr.Level = "Q"
MOST_ACCOUNTS = 3

_HERE = Path(__file__).parent
_POSTER_SOURCE = _HERE / "templates" / "link" / "poster.typ"
_FONT_FOLDER = _HERE.parent / "web" / "fonts"
_SYSTEM_FAMILIES = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei")
# The GB 2312 codec knows neither Latin-1 nor "·" and "—" as people type them; the shipped font has them all.
_PLAIN = re.compile("[\x00-\xff\u2010-\u204f\u3000-\u303f\uff00-\uffef]+")


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
    if typst is None:
        raise Refusal(
            "这台机器没有装排版组件，不能直接生成海报文件。"
            "可以在浏览器里打开海报页直接打印；"
            "要生成 PDF 和图片，请管理员运行 pip install 'quizsvc[print]'。",
            status=501,
        )
    if not posters:
        raise Refusal("还没有可以打印的海报。")
    images: dict[str, list[int]] = {}
    sheets = [_sheet(poster, images) for poster in posters]
    said = json.dumps(sheets, ensure_ascii=False)
    rare = _has_rare_character(said)
    try:
        return typst.compile(
            _POSTER_SOURCE.read_bytes(),
            format=form,
            ppi=ppi,
            font_paths=_fonts(rare),
            sys_inputs={
                "posters": said,
                "images": json.dumps(images),
                "families": json.dumps(_SYSTEM_FAMILIES if rare else ()),
            },
        )
    except typst.TypstError as fault:
        if "failed to decode image" in fault.message:
            raise Refusal("公众号二维码的图片打不开，请换一张 PNG 图片再试。") from fault
        raise


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


@cache
def _fonts(with_system: bool) -> "typst.Fonts":
    return typst.Fonts(
        include_system_fonts=with_system, include_embedded_fonts=False, font_paths=[str(_FONT_FOLDER)]
    )


def _has_rare_character(text: str) -> bool:
    try:
        _PLAIN.sub("", text).encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False
