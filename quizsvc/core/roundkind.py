"""The kinds of rounds and the words that pages use of each: one machine, and what is done in it differs."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """How one speaks of a kind of round; every field is zh-CN.

    name: of the kind
    paper: what its paper is called
    expected: of the heads that are asked
    done: of the heads that have taken part
    verb: what they do, to stand after 还没 and 请
    coverage: of the rate of done over expected
    met: of the rate of met over expected, "" where taking part is all there is
    who: who is asked to do it
    """

    name: str
    paper: str
    expected: str
    done: str
    verb: str
    coverage: str
    met: str
    who: str


WORDS: Final = {
    "test": Words("测试", "试卷", "应测", "已测", "做", "完成率", "学后知晓率", "同学"),
    "contest": Words("竞赛", "试卷", "应答", "已答", "答", "参与率", "达标率", "参赛的人"),
    "receipt": Words("回执", "告知书", "应交", "已交", "交", "回执率", "知晓率", "家长"),
    "pledge": Words("责任书", "责任书", "应签", "已签", "签", "签订率", "", "签的人"),
    "adoption": Words("使用情况", "调查表", "应填", "已填", "填", "填报率", "全部做到率", "人"),
    "survey": Words("问卷", "问卷", "应答", "已答", "答", "参与率", "", "人"),
}
QUIZZES: Final = frozenset({"test", "contest"})
DECLARATIONS: Final = frozenset({"receipt", "pledge", "adoption"})


def done_text(kind: str, done: int, expected: int) -> str:
    """Write how many have taken part; what nobody is named in is counted in sheets, never in people.

    kind: a key of WORDS
    done, expected: heads, >= 0; expected 0 means that nobody knows how many there should be
    return: for example "41/45" or "12 份"

    >>> done_text("receipt", 41, 45), done_text("survey", 12, 0)
    ('41/45', '12 份')
    """
    if not expected and kind in ("adoption", "survey"):
        return f"{done:,} 份"
    return f"{done:,}/{expected:,}" if expected else f"{done:,}/—"
