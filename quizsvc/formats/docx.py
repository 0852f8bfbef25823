"""Questions in a Word document: its paragraphs as text, with the numbers Word only draws, then as plain text.

The parts are read as streams, so that a document of a million elements takes no memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from quizsvc import uploads
from quizsvc.core.exchange import Reading
from quizsvc.formats import plaintext
from quizsvc.uploads import Unreadable

FORM = "Word"
DOCUMENT, NUMBERING, STYLES = "word/document.xml", "word/numbering.xml", "word/styles.xml"
TOO_LARGE = "文件太大，最大 5 MB。请去掉图片，或者分成几份。"
BROKEN = "打不开这个 Word 文件：文件损坏或者设了密码。请另存为 docx，或者复制文字直接粘贴。"
TOO_MUCH = "这个 Word 文件太复杂，没有打开。请复制文字直接粘贴。"
NO_PICTURES = "文件里有图片，图片没有导入。有的题少了它会读不懂，请逐题看看。"
MOST_ELEMENTS = 250_000
MOST_TABLES = 8
LEVELS = 9

_PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w:",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w:",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc:",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m:",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m:",
}
_LEFT_OUT = frozenset({"w:del", "w:moveFrom", "w:pPrChange", "mc:Fallback"})
_TEXTS = frozenset({"w:t", "m:t"})
_PICTURES = frozenset({"blip", "imagedata", "OLEObject"})
_CHARACTERS = {"w:tab": "\t", "w:cr": "\v", "w:noBreakHyphen": "-"}
_TABLE_OF_ANSWERS = frozenset({"题号", "题目", "答案", "参考答案", "正确答案"})
# ticks and crosses are often typed in the symbol fonts
_SYMBOLS = {
    "Wingdings": {0xFC: "√", 0xFE: "√", 0xFB: "×", 0xFD: "×", 0xA8: "□", 0x6F: "□"},
    "Wingdings 2": {0x50: "√", 0x52: "√", 0x4F: "×", 0x51: "×", 0xA3: "□"},
}
_CHINESE = "零一二三四五六七八九"
_STEMS = "甲乙丙丁戊己庚辛壬癸"


@dataclass(slots=True)
class _Level:
    """One level of a list: where it begins, how it counts, and the text around the numbers."""

    start: int = 1
    form: str = "decimal"
    text: str = ""


class _Lists:
    """The lists of a document, and the numbers that stand now."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, int], _Level] = {}
        self._kinds: dict[str, str] = {}
        self._anew: dict[tuple[str, int], int] = {}
        self._styles: dict[str, tuple[str, int]] = {}
        self._parents: dict[str, str] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._kind = self._number = self._style = ""
        self._level = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take one element of the part that tells the lists, or of the one that tells the styles."""
        value = attributes.get("w:val", "")
        here = self._levels.setdefault((self._kind, self._level), _Level()) if self._kind else _Level()
        if name == "w:abstractNum":
            self._kind, self._number = attributes.get("w:abstractNumId", ""), ""
        elif name == "w:num":
            self._kind, self._number = "", attributes.get("w:numId", "")
        elif name in ("w:lvl", "w:lvlOverride"):
            self._level = _level(attributes.get("w:ilvl", ""))
        elif name == "w:abstractNumId":
            self._kinds[self._number] = value
        elif name == "w:start":
            here.start = _count(value)
        elif name == "w:numFmt":
            here.form = value
        elif name == "w:lvlText":
            here.text = value
        elif name == "w:startOverride":
            self._anew[self._number, self._level] = _count(value)
        else:
            self._begin_style(name, attributes)

    def _begin_style(self, name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("w:val", "")
        number, level = self._styles.get(self._style, ("", 0))
        if name == "w:style":
            self._style = attributes.get("w:styleId", "")
        elif name == "w:basedOn":
            self._parents[self._style] = value
        elif name == "w:numId":
            self._styles[self._style] = (value, level)
        elif name == "w:ilvl":
            self._styles[self._style] = (number, _level(value))

    def of_style(self, style: str) -> tuple[str, int]:
        """Find the list a style, or one it is based on, puts a paragraph in."""
        for _ in range(LEVELS):
            if style in self._styles:
                return self._styles[style]
            style = self._parents.get(style, "")
        return "", 0

    def label(self, number: str, level: int) -> str:
        """Count one paragraph further and write what Word draws before it."""
        kind = self._kinds.get(number, "")
        here = self._levels.get((kind, level))
        if here is None:
            return ""
        counts = self._counts.setdefault(kind, [None] * LEVELS)
        before = counts[level]
        following = here.start if before is None else before + 1
        counts[level] = self._anew.pop((number, level), following)
        counts[level + 1 :] = [None] * (LEVELS - level - 1)
        if here.form == "bullet":
            return "○ "
        text = here.text
        for place in range(level + 1):
            above = self._levels.get((kind, place), _Level())
            count = counts[place]
            text = text.replace(
                f"%{place + 1}", _counted(above.start if count is None else count, above.form)
            )
        return f"{text} " if text else ""


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is being read; without a list of its own it is in that of its style."""

    texts: list[str] = field(default_factory=list)
    style: str = ""
    number: str | None = None
    level: int | None = None
    gone: bool = False


class _Document:
    """The paragraphs of a document, those in cells of tables one after the other."""

    def __init__(self, lists: _Lists) -> None:
        self.lines: list[str] = []
        self.pictured = False
        self._lists = lists
        self._paragraphs: list[_Paragraph] = []
        self._rows: list[list[list[str]]] = []
        self._left_out = 0
        self._runs = 0
        self._listening = False

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element."""
        if self._left_out or name in _LEFT_OUT:
            self._left_out += 1
            if name == "w:del" and self._paragraphs and not self._runs:
                self._paragraphs[-1].gone = True
        elif name == "w:p":
            self._paragraphs.append(_Paragraph())
        elif name == "w:tr":
            if len(self._rows) >= MOST_TABLES:  # lines are handed from table to table
                raise Unreadable(TOO_MUCH)
            self._rows.append([])
        elif name == "w:tc" and self._rows:
            self._rows[-1].append([])
        elif name in _PICTURES:
            self.pictured = True
        elif self._paragraphs:
            self._begin_inside(self._paragraphs[-1], name, attributes)

    def _begin_inside(self, paragraph: _Paragraph, name: str, attributes: Mapping[str, str]) -> None:
        value = attributes.get("w:val", "")
        if name == "w:r":
            self._runs += 1
        elif name in _TEXTS:
            self._listening = True
        elif self._runs:
            paragraph.texts.extend(_character(name, attributes))
        elif name == "w:pStyle":
            paragraph.style = value
        elif name == "w:numId":
            paragraph.number = value
        elif name == "w:ilvl":
            paragraph.level = _level(value)

    def say(self, text: str) -> None:
        """Take text between elements."""
        if self._listening and self._paragraphs and not self._left_out:
            self._paragraphs[-1].texts.append(text)

    def finish(self, name: str) -> None:
        """Take the end of an element."""
        if self._left_out:
            self._left_out -= 1
        elif name in _TEXTS:
            self._listening = False
        elif name == "w:r":
            self._runs = max(0, self._runs - 1)
        elif name == "w:p" and self._paragraphs:
            self._add([self._line(self._paragraphs.pop())])
        elif name == "w:tr" and self._rows:
            cells = self._rows.pop()
            joined = bool(cells) and "".join(cells[0]).strip() in _TABLE_OF_ANSWERS
            row = ["\t".join(" ".join(cell) for cell in cells)]
            self._add(row if joined else [line for cell in cells for line in cell])

    def _add(self, lines: list[str]) -> None:
        (self._rows[-1][-1] if self._rows and self._rows[-1] else self.lines).extend(lines)
        if len(self.lines) > plaintext.MOST_LINES:
            raise Unreadable(TOO_MUCH)

    def _line(self, paragraph: _Paragraph) -> str:
        text = "".join(paragraph.texts).replace("\n", " ")
        number, level = self._lists.of_style(paragraph.style)
        number = paragraph.number if paragraph.number is not None else number
        level = paragraph.level if paragraph.level is not None else level
        if paragraph.gone and not text.strip():
            return ""
        label = self._lists.label(number, level)
        return label + text if text.strip() else ""


class _Stream:
    """Tells a part of the document element by element, each by the usual prefix of its name."""

    def __init__(
        self,
        begin: Callable[[str, Mapping[str, str]], None],
        finish: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        self._begin, self._finish = begin, finish
        self.data = say
        self._elements = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise Unreadable(TOO_MUCH)
        self._begin(_name(tag), {_name(key): value for key, value in attributes.items()})

    def end(self, tag: str) -> None:
        self._finish(_name(tag))

    def close(self) -> None:
        return None


def read(body: bytes) -> Reading:
    """Read the questions of a Word document."""
    uploads.checked(body, too_large=TOO_LARGE)
    archive = uploads.archive(body, broken=BROKEN, too_much=TOO_MUCH)
    if DOCUMENT not in archive.names:
        raise Unreadable(BROKEN)
    lists = _Lists()
    for part in (NUMBERING, STYLES):
        if part in archive.names:
            _tell(archive.read(part), _Stream(lists.begin, _nothing, _nothing))
    document = _Document(lists)
    _tell(archive.read(DOCUMENT), _Stream(document.begin, document.finish, document.say))
    reading = plaintext.read("\n".join(document.lines))
    return replace(
        reading,
        form=FORM,
        drafts=tuple(replace(draft, place=_place(draft.place)) for draft in reading.drafts),
        rejected=tuple(replace(one, place=_place(one.place)) for one in reading.rejected),
        notes=(*reading.notes, *([NO_PICTURES] if document.pictured else [])),
    )


def _tell(part: bytes, stream: _Stream) -> None:
    parser = XMLParser(target=stream, forbid_dtd=True)
    try:
        parser.feed(part)
        parser.close()
    except DefusedXmlException:
        raise Unreadable("文件里有 DTD 或实体声明，为了安全没有打开。请复制文字直接粘贴。") from None
    except (ParseError, ValueError, LookupError):
        raise Unreadable(BROKEN) from None


def _nothing(_: str) -> None:
    return None


def _place(place: str) -> str:
    """Word shows no numbers of lines."""
    return f"{place.removesuffix('行')}段"


@lru_cache(maxsize=1024)
def _name(tag: str) -> str:
    space, _, name = tag.rpartition("}")
    return _PREFIXES.get(space[1:], "") + name


def _level(text: str) -> int:
    return int(text) if text in {str(level) for level in range(LEVELS)} else 0


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 1


def _character(name: str, attributes: Mapping[str, str]) -> str:
    if name == "w:br":
        return "" if attributes.get("w:type") in ("page", "column") else "\v"
    if name == "w:sym":
        try:
            code = int(attributes.get("w:char", ""), 16) & 0xFF
        except ValueError:
            return ""
        return _SYMBOLS.get(attributes.get("w:font", ""), {}).get(code, "")
    return _CHARACTERS.get(name, "")


def _counted(count: int, form: str) -> str:
    """A number of a list as Word draws it; forms we do not know as digits."""
    if form in ("upperLetter", "lowerLetter"):
        letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(count - 1) % 26]
        return letter if form == "upperLetter" else letter.lower()
    if form in ("chineseCounting", "chineseCountingThousand", "japaneseCounting", "ideographDigital"):
        return _chinese(count) if count < 100 else str(count)
    if form == "ideographTraditional" and 1 <= count <= len(_STEMS):
        return _STEMS[count - 1]
    return "" if form == "none" else str(count)


def _chinese(count: int) -> str:
    tens, ones = divmod(count, 10)
    head = f"{_CHINESE[tens] if tens > 1 else ''}十" if tens else ""
    return head + (_CHINESE[ones] if ones or not tens else "")
