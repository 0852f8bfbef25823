"""Markup of other systems: fragments of HTML into plain text, XML within limits, plain text into either."""

import re
from collections.abc import Callable
from html import escape, unescape
from html.entities import html5
from xml.etree.ElementTree import Element, TreeBuilder

from defusedxml import DefusedXmlException, ElementTree

from quizsvc import uploads
from quizsvc.core import exchange
from quizsvc.core.bankfile import Item, Vocabulary

MOST_ELEMENTS = 100_000
MOST_LEVELS = 60
NO_PICTURES = "图片、声音、公式和附件没有导入。有的题少了它们会读不懂，请逐题看看。"

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
    }
    | {
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
    }
    | {"p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_CELLS = frozenset({"td", "th"})
_HIDDEN = frozenset({"head", "script", "style", "template", "title"})
_RUBY = frozenset({"rp", "rt"})  # how a character is read, beside the character
_PICTURES = frozenset({"audio", "embed", "iframe", "img", "math", "object", "picture", "svg", "video"})

_SPACE = re.compile(r"[ \t\r\n\f]+")
_GAPS = re.compile("[ \u00a0]+")
# Every alternative ends before the next "<" or takes the whole rest, so hostile input is read once only.
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    rf"|<({'|'.join(sorted(_HIDDEN))})\b[^<>]*+>.*?(?:</\1\s*+>|\Z)"
    r"|<r[pt]\b[^<>]*+>[^<]*+"
    r"""|</?([a-z][a-z0-9:-]*+)(?:(?:"[^"<]*+"|'[^'<]*+'|[^<>"'])*+>|[^<>]*+>)"""
    r"|<[!?][^<>]*+>",
    re.DOTALL | re.IGNORECASE,
)
_PICTURE = re.compile(rf"<(?:{'|'.join(sorted(_PICTURES))})\b", re.IGNORECASE)
_ENTITY = re.compile("&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")

_ENCODING = re.compile(rb"""\s{0,99}<\?xml\s[^<>]{0,99}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,40})""")
_ENCODINGS = frozenset({b"utf-8", b"utf-16", b"us-ascii", b"ascii", b"gb2312", b"gbk", b"gb18030"})
_DECLARATION = re.compile(r"\s*+<\?xml\s[^<>]*+>")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def plain(html: str) -> str:
    """Turn a fragment of HTML into the lines a reader sees, in time linear in its length."""
    text = _MARKUP.sub(_break, _SPACE.sub(" ", html))
    return _lines(_ENTITY.sub(_character, text))


def pictured(html: str) -> bool:
    """Tell whether a fragment of HTML shows something that is no text."""
    return _PICTURE.search(html) is not None


def tree(body: bytes, *, broken: str, most_elements: int = MOST_ELEMENTS) -> Element:
    """Parse XML that declares nothing, refers to nothing outside, and is no larger than questions are."""
    parser = ElementTree.DefusedXMLParser(target=_Bounded(most_elements), forbid_dtd=True)
    try:
        parser.feed(_decoded(body, broken=broken))
        root: Element = parser.close()
    except DefusedXmlException:
        raise uploads.Unreadable(
            "文件里有 DTD 或实体声明（<!DOCTYPE …>），为了安全没有打开。请去掉声明后再上传。"
        ) from None
    except ElementTree.ParseError as error:
        line, column = error.position
        raise uploads.Unreadable(f"{broken}第 {line} 行第 {column + 1} 个字符附近不合 XML 的规则。") from None
    return root


def words(element: Element, *, skip: Callable[[Element], bool] | None = None, exact: bool = False) -> str:
    """Read an element of XHTML as plain() would; exact when we wrote it and every space is meant."""
    said: list[str] = []
    _say(element, said, skip or (lambda _: False), exact=exact)
    return "".join(said) if exact else _lines("".join(said))


def shows_pictures(element: Element) -> bool:
    """Tell whether an element of XHTML shows something that is no text."""
    return any(local(one.tag).lower() in _PICTURES for one in element.iter())


def local(tag: str) -> str:
    """Strip the namespace from a name."""
    return tag.rpartition("}")[2]


def escaped(text: str) -> str:
    """Write a text for XML, between tags or quotation marks; what XML cannot hold is left out."""
    return escape(_UNWRITABLE.sub("", text)).replace("\r", "&#13;")


def losses(item: Item) -> tuple[str, ...]:
    """Say what no file of XML can carry of an item."""
    draft = exchange.draft_of(item, Vocabulary(topics={}, beliefs={}))
    texts = (draft.stem, draft.explanation, *(choice.text for choice in draft.choices), *draft.tags)
    if any(map(_UNWRITABLE.search, texts)):
        return *exchange.losses(item), "文字里有看不见的控制字符，文件里放不下，导出时去掉了。"
    return exchange.losses(item)


class _Bounded(TreeBuilder):
    """Elements as they come, until there are too many of them, or too many inside one another."""

    def __init__(self, most_elements: int) -> None:
        super().__init__()
        self._left, self._levels = most_elements, 0

    def start(self, tag: str, attributes: dict[str, str], /) -> Element:
        self._left -= 1
        self._levels += 1
        if self._left < 0 or self._levels > MOST_LEVELS:
            raise uploads.Unreadable("文件里的内容太多，或者一层套一层太深，没有打开。请分成几个文件再上传。")
        return super().start(tag, attributes)

    def end(self, tag: str, /) -> Element:
        self._levels -= 1
        return super().end(tag)


def _decoded(body: bytes, *, broken: str) -> str:
    """The text without its declaration, which may name an encoding that an editor has changed since."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _ENCODING.match(body)
        if declared is not None and declared[1].lower() not in _ENCODINGS:
            name = declared[1].decode("ascii")
            raise uploads.Unreadable(f"这个文件的编码是 {name}，读不了。请用 UTF-8 编码重新导出。") from None
        text = uploads.text(body, broken=broken)
    declaration = _DECLARATION.match(text)
    return text if declaration is None else "\n" * declaration[0].count("\n") + text[declaration.end() :]


def _break(found: re.Match[str]) -> str:
    return _edge((found[2] or "").lower())


def _edge(name: str) -> str:
    return "\n" if name in _BLOCKS else " " if name in _CELLS else ""


def _character(found: re.Match[str]) -> str:
    if found[1].startswith("#"):
        return unescape(found[0])
    return html5.get(f"{found[1]};", found[0])


def _say(element: Element, said: list[str], skip: Callable[[Element], bool], *, exact: bool) -> None:
    name = local(element.tag).lower()
    if name in _HIDDEN or name in _RUBY or skip(element):
        return
    edge = _edge(name) if name == "br" or not exact else ""
    said += edge, _spoken(element.text, exact=exact)
    for child in element:
        _say(child, said, skip, exact=exact)
        said.append(_spoken(child.tail, exact=exact))
    if name != "br":
        said.append(edge)


def _spoken(text: str | None, *, exact: bool) -> str:
    return (text or "") if exact else _SPACE.sub(" ", text or "")


def _lines(text: str) -> str:
    """Lines without gaps at their ends, and no empty ones: a paragraph is a line here."""
    return "\n".join(filter(None, (_GAPS.sub(" ", line).strip() for line in text.split("\n"))))
