"""A text that is read and signed: a risk notice with its receipt, a pledge, an acknowledgement."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from quizsvc.core import bounds
from quizsvc.core.bounds import Misfit, Place

KINDS: Final = {"receipt": "回执", "pledge": "责任书"}
SIGNERS: Final = {
    "guardian": "家长",
    "student": "学生",
    "staff": "教职工",
    "head": "企业负责人或财务人员",
    "resident": "居民",
}
MOST_ISSUERS = 6
MOST_POINTS = 40
LONGEST_ISSUER = 60
LONGEST_POINT = 300
LONGEST_QUESTION = 200


@dataclass(frozen=True, slots=True)
class Document:
    """A text as it is frozen in a paper; every field is plain text, lines end with LF, "" stands for nothing.

    kind: "receipt" (已知晓 是/否) or "pledge" (one statement that is signed)
    title: of the sheet, 1..60 characters
    issuer: who issues it, one line each, one to six of 1..60 characters
    opening: what stands before the points, "" or paragraphs by LF
    points: the statements, each a card on the page, one to forty, each 1..300 characters
    closing: what stands after the points, "" or paragraphs by LF
    question: what is answered with yes or no (receipt), or what is promised (pledge), 1..200 characters
    signer: a key of SIGNERS
    """

    kind: str
    title: str
    issuer: tuple[str, ...]
    opening: str
    points: tuple[str, ...]
    closing: str
    question: str
    signer: str


def text(document: Document) -> str:
    """Write the exact text that is read and signed.

    document: as it is frozen
    return: NFC, lines by LF, points numbered from 1, without a line end after the last line; the same document
        gives the same text for ever
    Source: features.md F-051, F-052
    """
    lines = [document.title, *document.issuer]
    lines += document.opening.split("\n") if document.opening else []
    lines += [f"{number}. {point}" for number, point in enumerate(document.points, 1)]
    lines += document.closing.split("\n") if document.closing else []
    return unicodedata.normalize("NFC", "\n".join([*lines, document.question]))


def digest(document: Document) -> str:
    """Fingerprint the exact text, so that everybody can recompute it from the printed sheet.

    document: as it is frozen
    return: SHA-256 of the text in UTF-8, 64 lower-case hex digits
    """
    return hashlib.sha256(text(document).encode()).hexdigest()


def written(document: Document) -> dict[str, Any]:
    """Write a document as plain values that JSON can hold.

    document: any
    return: names as in Document; lists where it has tuples
    """
    return {**asdict(document), "issuer": list(document.issuer), "points": list(document.points)}


def read(values: Mapping[str, Any]) -> Document:
    """Read a document back from `written`.

    values: what `written` returned, directly or through JSON
    return: an equal document
    raise Misfit: it breaks a bound of Document, or something is missing
    """
    try:
        known = {**values, "issuer": tuple(values["issuer"]), "points": tuple(values["points"])}
        return checked(Document(**known))
    except (KeyError, TypeError, ValueError) as error:
        raise Misfit(Place((), "文本"), "内容不完整，读不出来") from error


def checked(document: Document) -> Document:
    """Refuse a document that breaks a bound.

    document: any
    return: the same
    raise Misfit: what Document says of its fields does not hold
    """
    bounds.known(document.kind, Place(("kind",), "种类"), KINDS)
    bounds.line(document.title, Place(("title",), "标题"), bounds.LONGEST_TITLE)
    bounds.several(document.issuer, Place(("issuer",), "发布单位"), "单位", 1, MOST_ISSUERS)
    for index, issuer in enumerate(document.issuer):
        bounds.line(issuer, Place(("issuer", index), "发布单位"), LONGEST_ISSUER)
    bounds.paragraphs(document.opening, Place(("opening",), "开头的说明"))
    bounds.several(document.points, Place(("points",), "要点"), "要点", 1, MOST_POINTS)
    for index, point in enumerate(document.points):
        bounds.line(point, Place(("points", index), f"第 {index + 1} 条"), LONGEST_POINT)
    bounds.paragraphs(document.closing, Place(("closing",), "最后的说明"))
    bounds.line(document.question, Place(("question",), "要确认的话"), LONGEST_QUESTION)
    bounds.known(document.signer, Place(("signer",), "谁来签"), SIGNERS)
    return document
