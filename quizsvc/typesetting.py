"""Pages set by typst in the shipped font: values go in as data, a PDF or a picture comes out."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from quizsvc.core.refusal import Refusal

try:
    import typst
except ImportError:
    typst = None  # type: ignore[assignment]

_FONT_FOLDER = Path(__file__).parent / "web" / "fonts"
_SYSTEM_FAMILIES = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei")
# The GB 2312 codec knows neither Latin-1 nor "·" and "—" as people type them; the shipped font has them all.
_PLAIN = re.compile("[\x00-\xff\u2010-\u204f\u3000-\u303f\uff00-\uffef]+")


class NotInstalled(Refusal):
    """The extra `print` is not on this machine."""

    def __init__(self, instead: str) -> None:
        super().__init__(
            f"这台机器没有装排版组件，{instead}要生成 PDF 和图片，请管理员运行 pip install 'quizsvc[print]'。",
            status=501,
        )


class BrokenPicture(Refusal):
    """One of the pictures is none."""

    def __init__(self) -> None:
        super().__init__("有一张图片打不开，请换一张再试。")


def typeset(
    template: Path,
    values: Mapping[str, object],
    *,
    instead: str,
    form: Literal["pdf", "png"] = "pdf",
    ppi: float = 144,
) -> bytes:
    """Set a template with these values, each JSON in sys.inputs; `instead` says what to do without typst.

    The same template and values give the same bytes. A text is data there, never markup.
    """
    if typst is None:
        raise NotInstalled(instead)
    inputs = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    rare = any(_has_rare_character(text) for text in inputs.values())
    try:
        return typst.compile(
            template.read_bytes(),
            format=form,
            ppi=ppi,
            font_paths=_fonts(rare),
            sys_inputs={**inputs, "families": json.dumps(_SYSTEM_FAMILIES if rare else ())},
        )
    except typst.TypstError as fault:
        if "failed to decode image" in fault.message:
            raise BrokenPicture from fault
        raise


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
