"""How long the sentences of a text are: what a tired parent or an old person has to hold in mind at once."""

import re
from dataclasses import dataclass
from typing import Final

from quizsvc.core.adoption import Adoption
from quizsvc.core.document import Document
from quizsvc.core.questionnaire import Questionnaire

LONGEST: Final = 60
MEAN: Final = 28
"""What a sentence, and sentences on average, may have at most in texts for parents and old people.

A rule of this house, not a measured one: two lines of a phone at the largest type, and one line.
"""

_END = re.compile(r"[。！？!?…]+[”’」』）)]*|\n+")
_NOTHING = re.compile(r"[\s\W_]*")


@dataclass(frozen=True, slots=True)
class Level:
    """How long the sentences of a text are, in characters with their punctuation, white space left out.

    sentences: how many there are, >= 0
    longest: the longest, the first of equals; "" when there is none
    longest_length: of it, >= 0
    mean: of all, rounded up, >= 0
    """

    sentences: int
    longest: str
    longest_length: int
    mean: int


def words(body: Document | Adoption | Questionnaire) -> str:
    """Gather everything that is to be read of a sheet.

    body: any
    return: its texts, one a line, in the order of the page
    """
    lines = [body.title]
    if isinstance(body, Document):
        lines += [*body.issuer, body.opening, *body.points, body.closing, body.question]
    elif isinstance(body, Adoption):
        lines.append(body.opening)
        for item in body.items:
            lines += [item.text, *item.steps]
            lines += [item.check.text, *item.check.options] if item.check else []
    else:
        lines.append(body.opening)
        for question in body.questions:
            lines += [question.text, *question.rows, *question.options, *question.ends]
        lines.append(body.closing)
    return "\n".join(line for line in lines if line)


def sentences(text: str) -> tuple[str, ...]:
    """Cut a text into its sentences.

    text: any; a sentence ends with 。！？!?… and the brackets or quotation marks right after, or with its line
    return: in their order, trimmed, with their last mark; what has no letter, numeral or character is none

    >>> sentences("别转账。先问家人：“是你吗？”\\n打 110")
    ('别转账。', '先问家人：“是你吗？”', '打 110')
    """
    found, begin = [], 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        sentence = text[begin:end].strip()
        begin = end
        if not _NOTHING.fullmatch(sentence):
            found.append(sentence)
    return tuple(found)


def level(text: str) -> Level:
    """Measure the sentences of a text.

    text: any
    return: all 0 and "" for a text without sentences
    """
    found = sentences(text)
    lengths = [len("".join(sentence.split())) for sentence in found]
    if not found:
        return Level(0, "", 0, 0)
    most = max(lengths)
    return Level(len(found), found[lengths.index(most)], most, -(-sum(lengths) // len(found)))


def advice(measured: Level) -> str:
    """Tell the writer what to mend for parents and old people.

    measured: as level() measures it
    return: a sentence, or two; "" when there is nothing to mend

    >>> advice(Level(3, "字" * 72, 72, 30))
    '最长的一句 72 字，建议拆开。平均一句 30 字，最好不超过 28 字。'
    """
    told = []
    if measured.longest_length > LONGEST:
        told.append(f"最长的一句 {measured.longest_length} 字，建议拆开。")
    if measured.mean > MEAN:
        told.append(f"平均一句 {measured.mean} 字，最好不超过 {MEAN} 字。")
    return "".join(told)
