"""QR codes and posters: what a phone reads off the screen, the picture and the paper."""

import io
import json
import re
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import zxingcpp
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from PIL import Image, ImageFont

from quizsvc.core.refusal import Refusal
from quizsvc.link import files
from quizsvc.web import qr
from tests import make

URL = "https://fz.yangguang.edu.cn/c/7K3M9QX"
ACCOUNT_URLS = {
    "终结诈骗": "https://accounts.example/q/one",
    "阳光反诈先锋": "https://accounts.example/q/two",
    "国家反诈中心": "https://accounts.example/q/three",
}
PRINTED = sorted([URL, *list(ACCOUNT_URLS.values())[:2]])
HOSTILE = '#panic("x") $a_1$ *b* \\ "引号" #{1+1} @x `r` // /* <b>&amp;</b>'
TEMPLATES = Path(files.__file__).parent / "templates"
FONTS = Path(files.__file__).parents[1] / "web" / "fonts"

needs_typst = pytest.mark.skipif(find_spec("typst") is None, reason="typst is not installed (extra: print)")
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftoppm") is None,
    reason="pdftoppm is missing: install poppler-utils to check the printed page",
)


def accounts(*names: str) -> tuple[files.Account, ...]:
    return tuple(files.Account(name, make.a_code(ACCOUNT_URLS[name], pixels=330)) for name in names)


def poster(**changes: object) -> files.Poster:
    said: dict[str, object] = {
        "headline": ("先停一停，", "再扫一扫"),
        "lede": "10 个真实骗局，6 分钟，\n看你能识破几个。",
        "issuers": "阳光县教育局 · 阳光县公安局",
        "class_name": "七年级（3）班",
        "school_name": "阳光县实验中学",
        "phrase": "青禾 27",
        "deadline": "12 月 20 日",
        "url": URL,
        "host": "fz.yangguang.edu.cn",
        "typed_url": "fz.yangguang.edu.cn/c/7K3M9QX",
        "hotline": "96110",
        "accounts": accounts("终结诈骗", "阳光反诈先锋"),
        "footnote": "请贴在教室前门内侧，高度约 1.3 米 · 2026 秋",
        "poster_number": "01",
    }
    return files.Poster(**{**said, **changes})  # type: ignore[arg-type]


def codes(image: bytes) -> list[str]:
    return sorted(found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(image))))


def pages(pdf: bytes, folder: Path, dpi: int = 150) -> list[bytes]:
    (folder / "posters.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(dpi), "posters.pdf", "page"], cwd=folder, check=True)
    return [page.read_bytes() for page in sorted(folder.glob("page-*.ppm"))]


def told(tool: str, folder: Path, *arguments: str) -> str:
    command = [tool, "posters.pdf", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def page_text(pdf: bytes, folder: Path) -> str:
    (folder / "posters.pdf").write_bytes(pdf)
    return told("pdftotext", folder, "-")


def render(*posters: files.Poster, actions: list[tuple[str, str]] | None = None) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals["asset"] = lambda name: f"/static/{name}"
    sheets = [
        {
            **vars(one),
            "qr_svg": Markup(qr.svg(one.url, "Q")),
            "account_srcs": [(account.name, f"/account/{n}.png") for n, account in enumerate(one.accounts)],
        }
        for one in posters
    ]
    return environment.get_template("link/poster.html").render(posters=sheets, actions=actions or [])


class Outline(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str, **wanted: str) -> int:
        return sum(
            name == tag and all(attributes.get(key.rstrip("_")) == value for key, value in wanted.items())
            for name, attributes in self.tags
        )


def filled(path: str, side: int) -> tuple[tuple[bool, ...], ...]:
    """Fill an SVG path of M, h, v and z by the even-odd rule, one sample per unit square."""
    upright: set[tuple[int, int]] = set()
    for contour in path.split("z")[:-1]:
        first_x, first_y = x, y = tuple(map(int, contour[1 : re.search("[hv]", contour).start()].split()))  # type: ignore[union-attr]
        steps = [(kind, int(length)) for kind, length in re.findall(r"([hv])(-?\d+)", contour)]
        corners = [(x, y)]
        for kind, length in steps:
            x, y = (x + length, y) if kind == "h" else (x, y + length)
            corners.append((x, y))
        corners.append((first_x, first_y))
        for (from_x, from_y), (to_x, to_y) in pairwise(corners):
            assert (from_x == to_x) != (from_y == to_y)
            if from_x == to_x:
                upright ^= {(from_x, row) for row in range(min(from_y, to_y), max(from_y, to_y))}
    return tuple(
        tuple(sum((edge, row) in upright for edge in range(column + 1)) % 2 == 1 for column in range(side))
        for row in range(side)
    )


def framed(modules: qr.Matrix) -> qr.Matrix:
    side = len(modules) + 8
    blank, margin = ((False,) * side,) * 4, (False,) * 4
    return blank + tuple(margin + row + margin for row in modules) + blank


def test_matrix_grows_with_the_level() -> None:
    assert [len(qr.matrix(URL, level)) for level in ("M", "Q", "H")] == [29, 33, 37]


def test_matrix_of_an_endless_address_is_refused() -> None:
    with pytest.raises(Refusal, match="网址太长"):
        qr.matrix("https://fz.yangguang.edu.cn/" + "x" * 4000)


@pytest.mark.parametrize("level", ["M", "Q", "H"])
def test_svg_path_covers_exactly_the_dark_modules(level: qr.Level) -> None:
    markup = Outline(qr.svg(URL, level))
    modules = qr.matrix(URL, level)
    side = len(modules) + 8
    (drawn,) = [attributes["d"] for tag, attributes in markup.tags if tag == "path"]
    assert filled(str(drawn), side) == framed(modules)
    assert markup.count("svg", viewbox=f"0 0 {side} {side}", role="img") == 1


def test_svg_is_small_labelled_and_without_inline_style() -> None:
    markup = qr.svg(URL, label='七年级"3"班')
    assert (len(markup) < 2500, "style" in markup) == (True, False)
    assert Outline(markup).count("svg", **{"aria-label": '七年级"3"班'}) == 1


@pytest.mark.parametrize("pixels", [37, 100, 480, 481, 4096])
def test_png_is_read_back_at_every_size(pixels: int) -> None:
    image = Image.open(io.BytesIO(qr.png(URL, pixels=pixels)))
    assert (image.size, image.mode) == ((pixels, pixels), "1")
    side = pixels * (4 if pixels < 480 else 1)
    enlarged = image.convert("L").resize((side, side), Image.Resampling.NEAREST)
    assert [found.text for found in zxingcpp.read_barcodes(enlarged)] == [URL]


def test_png_modules_are_equal_and_black_on_white() -> None:
    image = Image.open(io.BytesIO(qr.png(URL, pixels=480))).convert("L")
    modules = qr.matrix(URL)
    scale = 480 // (len(modules) + 8)
    margin = (480 - scale * len(modules)) // 2
    assert margin >= 4 * scale
    seen = tuple(
        tuple(
            set(image.crop((x, y, x + scale, y + scale)).tobytes()) == {0}
            for x in range(margin, margin + scale * len(modules), scale)
        )
        for y in range(margin, margin + scale * len(modules), scale)
    )
    assert seen == modules
    assert set(image.tobytes()) == {0, 255}
    assert set(image.crop((0, 0, 480, margin)).tobytes()) == {255}


@pytest.mark.parametrize("pixels", [0, 36, 4097])
def test_png_of_a_useless_size_is_refused(pixels: int) -> None:
    with pytest.raises(Refusal, match="37 到 4096"):
        qr.png(URL, pixels=pixels)


def test_terminal_shows_the_code_with_its_quiet_zone() -> None:
    lines = qr.terminal(URL).split("\n")
    start, end = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
    assert all(line.startswith(start) and line.endswith(end) for line in lines)
    halves = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}
    cells = [[halves[mark] for mark in line.removeprefix(start).removesuffix(end)] for line in lines]
    rows = [tuple(cell[half] for cell in line) for line in cells for half in (0, 1)]
    side = len(qr.matrix(URL)) + 8
    assert tuple(rows[:side]) == framed(qr.matrix(URL))
    assert [any(row) for row in rows[side:]] == [False]


@needs_typst
def test_poster_picture_holds_our_code_and_every_account() -> None:
    picture = files.poster_png(poster(accounts=accounts(*ACCOUNT_URLS)))
    assert Image.open(io.BytesIO(picture)).size == (1191, 1684)
    assert codes(picture) == sorted([URL, *ACCOUNT_URLS.values()])


@needs_typst
def test_poster_with_watermark_is_still_read() -> None:
    assert codes(files.poster_png(poster(watermark="测试·不计入"))) == PRINTED


@needs_typst
def test_poster_watermark_is_drawn_only_when_given() -> None:
    plain, marked = (
        Image.open(io.BytesIO(files.poster_png(poster(watermark=text), ppi=36))).convert("RGB")
        for text in ("", "测试·不计入")
    )

    def reddish(image: Image.Image) -> int:
        colours = zip(*[iter(image.tobytes())] * 3, strict=True)
        return sum(red > 200 and 180 < green < 235 and abs(green - blue) < 25 for red, green, blue in colours)

    assert reddish(marked) > reddish(plain) + 1000


@needs_typst
@needs_poppler
def test_printed_codes_are_read_and_wide_enough(tmp_path: Path) -> None:
    (page,) = pages(files.posters_pdf([poster(accounts=accounts(*ACCOUNT_URLS))]), tmp_path)
    assert codes(page) == sorted([URL, *ACCOUNT_URLS.values()])
    (ours,) = [found for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(page))) if found.text == URL]
    width_mm = (ours.position.top_right.x - ours.position.top_left.x) / 150 * 25.4
    assert width_mm == pytest.approx(33 * 97.8 / 41, abs=0.6)
    assert width_mm >= 30


@needs_typst
@needs_poppler
def test_pdf_has_one_page_per_poster_in_order(tmp_path: Path) -> None:
    batch = [poster(url=f"{URL}{number}", accounts=()) for number in range(4)]
    printed = pages(files.posters_pdf(batch), tmp_path, dpi=75)
    assert [codes(page) for page in printed] == [[one.url] for one in batch]


@needs_typst
@needs_poppler
def test_hostile_names_are_printed_as_they_are(tmp_path: Path) -> None:
    hostile = poster(class_name=HOSTILE, school_name=HOSTILE, phrase='#"青禾" 27')
    squeezed = re.sub(r"\s", "", page_text(files.posters_pdf([hostile]), tmp_path))
    assert squeezed.count(re.sub(r"\s", "", HOSTILE)) == 2
    assert '#"青禾"27' in squeezed


@needs_typst
@needs_poppler
@pytest.mark.parametrize(
    "field",
    [
        "lede",
        "issuers",
        "class_name",
        "school_name",
        "phrase",
        "deadline",
        "host",
        "typed_url",
        "hotline",
        "footnote",
    ],
)
@pytest.mark.parametrize(
    "text", ["国" * 200, "W" * 200, "Internationalisation " * 12], ids=["han", "run", "words"]
)
def test_long_text_stays_on_its_page_and_off_the_codes(field: str, text: str, tmp_path: Path) -> None:
    (page,) = pages(files.posters_pdf([poster(**{field: text})]), tmp_path, dpi=100)
    assert codes(page) == PRINTED
    image = Image.open(io.BytesIO(page)).convert("L")
    below_band, right_margin = round(90 / 25.4 * 100), round(195.5 / 25.4 * 100)
    assert set(image.crop((right_margin, below_band, *image.size)).tobytes()) == {255}
    assert set(image.crop((0, round(293 / 25.4 * 100), *image.size)).tobytes()) == {255}


@needs_typst
@needs_poppler
def test_long_account_and_headline_stay_on_their_page(tmp_path: Path) -> None:
    crowded = poster(
        headline=("先停一停再想一想，" * 4, "W" * 60),
        accounts=(
            *accounts("终结诈骗"),
            files.Account("官方" * 40, qr.png("https://accounts.example/q/long")),
        ),
    )
    (page,) = pages(files.posters_pdf([crowded]), tmp_path)
    assert codes(page) == sorted([URL, ACCOUNT_URLS["终结诈骗"], "https://accounts.example/q/long"])


@needs_typst
@needs_poppler
def test_only_the_shipped_font_is_used_for_common_text(tmp_path: Path) -> None:
    said = poster(class_name="玥喆堃班", school_name="“阳光”—·—中学（Ⅰ）é")
    (tmp_path / "posters.pdf").write_bytes(files.posters_pdf([said]))
    listed = told("pdffonts", tmp_path).splitlines()[2:]
    names = {line.split()[0].partition("+")[2] for line in listed}
    assert names == {"QuizsvcSansSC-Regular-Identity-H", "QuizsvcSansSC-Bold-Identity-H"}


@needs_typst
@needs_poppler
def test_character_no_font_may_have_is_no_obstacle(tmp_path: Path) -> None:
    pdf = files.posters_pdf([poster(class_name="𠮷\U0010fffd班")])
    assert len(pages(pdf, tmp_path, dpi=36)) == 1


@needs_typst
def test_the_same_posters_give_the_same_bytes() -> None:
    assert files.posters_pdf([poster()]) == files.posters_pdf([poster()])


@needs_typst
@needs_poppler
def test_sixty_posters_share_their_pictures(tmp_path: Path) -> None:
    batch = [poster(class_name=f"七年级（{n}）班", url=f"{URL}{n:02d}") for n in range(60)]
    began = time.perf_counter()
    pdf = files.posters_pdf(batch)
    print(f"60 posters: {time.perf_counter() - began:.2f} s, {len(pdf) / 1000:.0f} kB")
    (tmp_path / "posters.pdf").write_bytes(pdf)
    assert re.findall(r"^Pages:\s+(\d+)$", told("pdfinfo", tmp_path), re.M) == ["60"]
    assert len(pdf) < 60 * 12_000


@needs_typst
def test_no_posters_are_refused() -> None:
    with pytest.raises(Refusal, match="还没有可以打印的海报"):
        files.posters_pdf([])


def test_four_accounts_are_refused() -> None:
    with pytest.raises(Refusal, match="最多放 3 个"):
        poster(accounts=accounts("终结诈骗") * 4)


@needs_typst
@pytest.mark.parametrize(
    ("image", "sentence"),
    [(b"GIF89a", "不是 PNG 图片"), (b"\x89PNG\r\n\x1a\n broken", "打不开"), (b"", "不是 PNG 图片")],
)
def test_account_picture_that_is_no_png_is_refused(image: bytes, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        files.posters_pdf([poster(accounts=(files.Account("终结诈骗", image),))])


def test_without_typst_the_browser_is_named_and_codes_still_work() -> None:
    script = """
import sys, json
sys.modules["typst"] = None
from quizsvc.core.refusal import Refusal
from quizsvc.link import files
from quizsvc.web import qr
one = files.Poster(("a", "b"), "", "", "", "", "", "", "https://a.example/c/1", "", "", "", (), "", "")
try:
    files.posters_pdf([one])
except Refusal as refusal:
    print(json.dumps([refusal.text, refusal.status, len(qr.png(one.url)) > 0]))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    text, status, drawn = json.loads(ran.stdout)
    assert (status, drawn) == (501, True)
    assert all(hint in text for hint in ("浏览器", "打印", "quizsvc[print]"))


def test_page_has_one_sheet_per_poster_and_no_inline_code() -> None:
    actions = [("下载 PDF", "/posters.pdf")]
    page = Outline(render(poster(), poster(class_name="八年级（1）班"), actions=actions))
    assert (page.count("article", class_="a4"), page.count("h1"), page.count("h2")) == (2, 1, 2)
    assert (page.count("script"), page.count("style")) == (0, 0)
    assert [tag for tag, attributes in page.tags if "style" in attributes or "onclick" in attributes] == []
    assert page.count("html", lang="zh-CN", **{"data-theme": "light"}) == 1
    assert page.count("link", rel="stylesheet", href="/static/tokens.css") == 1
    assert page.count("link", rel="stylesheet", href="/static/poster.css") == 1
    assert page.count("img", src="/account/0.png", alt="公众号“终结诈骗”的二维码") == 2
    assert page.count("a", href="/posters.pdf") == 1


def test_page_escapes_names_and_shows_the_watermark_only_when_given() -> None:
    plain = Outline(render(poster(class_name=HOSTILE)))
    marked = Outline(render(poster(watermark="测试·不计入")))
    assert (HOSTILE in plain.text, plain.count("b")) == (True, marked.count("b"))
    assert (plain.count("p", class_="wm"), marked.count("p", class_="wm")) == (0, 1)


@pytest.mark.parametrize("style", ["Regular", "Bold"])
def test_font_is_small_and_has_every_common_character(style: str) -> None:
    file = FONTS / f"QuizsvcSansSC-{style}.otf"
    font = ImageFont.truetype(str(file), 12)
    absent = bytes(font.getmask("\U0010fffd"))
    hanzi = [
        bytes((row, cell)).decode("gb2312")
        for row in range(0xB0, 0xF8)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA) or row > 0xD7
    ]
    others = "玥喆堃翀祎赟䶮①Ⅰ℃√“”‘’—…·、。《》「」【】，！？：；（）￥～0Aaé×÷°"
    assert len(hanzi) == 6763
    assert [sign for sign in [*hanzi, *others] if bytes(font.getmask(sign)) == absent] == []
    assert file.stat().st_size < 2_000_000
