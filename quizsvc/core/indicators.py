"""Heads into rates: coverage, awareness and their kin. See docs/algorithms/indicators.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

SMALLEST_SHOWN = 5

NOTHING = "—"


def permyriad(part: int, whole: int) -> int:
    """Divide heads into hundredths of a percent, rounded down.

    part: heads, >= 0; it may exceed whole, and then the result exceeds 10000
    whole: heads, >= 1
    return: floor(10000 * part / whole); 10000 only when part reaches whole
    raise ZeroDivisionError: whole is 0; ask Rate, which has a word for that
    Source: docs/algorithms/indicators.md (stored, shown)

    >>> permyriad(9999, 10000), permyriad(499_999, 500_000), permyriad(1, 3)
    (9999, 9999, 3333)
    """
    return 10000 * part // whole


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of heads that never forgets its two numbers and never rounds up.

    part: heads, >= 0
    whole: heads, >= 0; 0 means there is nobody to speak of
    """

    part: int
    whole: int

    @property
    def permyriad(self) -> int | None:
        """Hundredths of a percent.

        return: floor(10000 * part / whole), not capped; None when whole is 0
        """
        return permyriad(self.part, self.whole) if self.whole else None

    @property
    def over(self) -> bool:
        """Tell that the part exceeds the whole, which is a fault in the data to be shown, not hidden.

        return: True when part > whole, also when whole is 0
        """
        return self.part > self.whole

    @property
    def text(self) -> str:
        """Write the rate for a page.

        return: one decimal, rounded down, with a percent sign; "100%" only when part is whole; a dash when
            whole is 0

        >>> Rate(499_999, 500_000).text, Rate(45, 45).text, Rate(103, 100).text, Rate(0, 0).text
        ('99.9%', '100%', '103.0%', '—')
        """
        if not self.whole:
            return NOTHING
        if self.part == self.whole:
            return "100%"
        return f"{_one_decimal(self.part, self.whole)}%"

    @property
    def fraction(self) -> str:
        """Write the two numbers, thousands apart.

        return: for example "39,874/41,286"
        """
        return f"{self.part:,}/{self.whole:,}"


@dataclass(frozen=True, slots=True)
class Tally:
    """Head counts of a unit in a round at a moment; the only thing that is ever summed up the tree.

    expected: frozen head-count less the approved exemptions, >= 0
    done: people with a valid attempt (submitted, not void), >= 0
    aware: people whose counted attempt met the threshold, 0 <= aware <= done
    first_aware: people whose first attempt met it, 0 <= first_aware <= done
    full: people whose counted attempt has every point, 0 <= full <= done
    score, out_of: points earned and points offered, each summed over the counted attempts of the people done,
        0 <= score <= out_of
    exempt: people excused, >= 0; not in expected
    open: people with an attempt begun and not submitted, >= 0
    """

    expected: int = 0
    done: int = 0
    aware: int = 0
    first_aware: int = 0
    full: int = 0
    score: int = 0
    out_of: int = 0
    exempt: int = 0
    open: int = 0

    ZERO: ClassVar["Tally"]

    def __add__(self, other: "Tally") -> "Tally":
        """Add heads to heads, count by count."""
        return Tally(
            self.expected + other.expected,
            self.done + other.done,
            self.aware + other.aware,
            self.first_aware + other.first_aware,
            self.full + other.full,
            self.score + other.score,
            self.out_of + other.out_of,
            self.exempt + other.exempt,
            self.open + other.open,
        )


Tally.ZERO = Tally()


def total(tallies: Iterable[Tally]) -> Tally:
    """Roll tallies up into the tally of their parent.

    tallies: of units that share nobody
    return: heads summed count by count; Tally.ZERO when there are none
    Source: docs/algorithms/indicators.md (heads, not rates: 10/10 and 45/90 make 55/100)
    """
    return sum(tallies, Tally.ZERO)


def coverage(tally: Tally) -> Rate:
    """Tell what share of the people expected took part (覆盖率).

    tally: head counts
    return: done of expected
    Source: docs/algorithms/indicators.md
    """
    return Rate(tally.done, tally.expected)


def awareness(tally: Tally) -> Rate:
    """Tell what share of the people expected is known to know (知晓率): the figure held against 100 %.

    tally: head counts
    return: aware of expected, so that whoever is absent counts against it
    Source: the county plan's target of 100 % for 知晓率; docs/algorithms/indicators.md
    """
    return Rate(tally.aware, tally.expected)


def first_awareness(tally: Tally) -> Rate:
    """Tell what share of the people expected knew at the first attempt (首测知晓率).

    tally: head counts
    return: first_aware of expected
    Source: docs/algorithms/indicators.md
    """
    return Rate(tally.first_aware, tally.expected)


def pass_rate(tally: Tally) -> Rate:
    """Tell what share of the people who took part met the threshold (达标率).

    tally: head counts
    return: aware of done
    Source: docs/algorithms/indicators.md
    """
    return Rate(tally.aware, tally.done)


def full_mark_rate(tally: Tally) -> Rate:
    """Tell what share of the people who took part has every point (满分率).

    tally: head counts
    return: full of done
    Source: docs/algorithms/indicators.md
    """
    return Rate(tally.full, tally.done)


def mean_text(tally: Tally) -> str:
    """Write the mean score on the scale of 100 (平均分).

    tally: head counts and points
    return: 100 * score / out_of with one decimal, rounded down; a dash when nobody is done or no points were
        offered

    >>> mean_text(Tally(done=3, score=260, out_of=300)), mean_text(Tally(expected=45))
    ('86.6', '—')
    """
    if not tally.done or not tally.out_of:
        return NOTHING
    return _one_decimal(tally.score, tally.out_of)


def missing(tally: Tally) -> int:
    """Count the people who have not taken part.

    tally: head counts
    return: heads, never below 0 even when more took part than were expected
    """
    return max(tally.expected - tally.done, 0)


def hidden_small(count: int, k: int = SMALLEST_SHOWN) -> bool:
    """Tell whether a count is so small that it could point at a person outside the unit.

    count: heads, >= 0
    k: the smallest count that may be shown, >= 1
    return: True for 1 to k - 1; nobody at all may be shown
    Source: docs/algorithms/indicators.md (hidden)

    >>> [count for count in range(8) if hidden_small(count)]
    [1, 2, 3, 4]
    """
    return 0 < count < k


def _one_decimal(part: int, whole: int) -> str:
    """Write 100 * part / whole with one decimal, rounded down, in integers."""
    tenths = 1000 * part // whole
    return f"{tenths // 10}.{tenths % 10}"


@dataclass(frozen=True, slots=True)
class Definition:
    """One indicator as the help page and the foot of every table explain it.

    code: its name in the program
    name: its name on a page
    formula: numerator, denominator and what follows from them, in zh-CN
    """

    code: str
    name: str
    formula: str


DEFINITIONS = (
    Definition("expected", "应测人数", "名册冻结时的在册人数，减去已批准的免测人数。"),
    Definition("done", "已测人数", "至少有一次有效作答的人数。有效指已经交卷，并且没有作废。"),
    Definition("coverage", "覆盖率（页面上写“完成率”）", "已测人数 ÷ 应测人数。"),
    Definition(
        "awareness",
        "知晓率",
        "计分的那次作答达到达标线（默认 80%）的人数 ÷ 应测人数。"
        "没有参加的人也在分母里，对照 100% 目标的就是这一项。",
    ),
    Definition(
        "first_awareness", "首测知晓率", "第一次作答就达到达标线的人数 ÷ 应测人数，总和知晓率并排列。"
    ),
    Definition("pass_rate", "达标率", "达到达标线的人数 ÷ 已测人数，只看参加了的人。"),
    Definition("full_mark_rate", "满分率", "得到满分的人数 ÷ 已测人数。"),
    Definition("mean", "平均分", "计分作答的得分合计 ÷ 卷面总分合计，折合成 100 分。"),
    Definition(
        "item_awareness",
        "单题知晓率",
        "答对这道题的人数 ÷ 见到这道题的人数；一个主题的知晓率把它的题合起来算。",
    ),
    Definition("hit_rate", "识破率", "诈骗情景的题里答对的人次 ÷ 见到这些题的人次。"),
    Definition(
        "false_alarm_rate",
        "误报率",
        "真实消息的题里答错的人次 ÷ 见到这些题的人次。样样都当成诈骗，识破率高，误报率也高。",
    ),
    Definition("misconception", "误解率", "选了带有危险想法的选项的人数 ÷ 见到这类选项的人数。"),
    Definition(
        "return_rate",
        "回执率、签订率、填报率、参与率",
        "已交、已签、已填、已答的人数 ÷ 应做的人数，应做的人数和测试的应测一样算。回执选“否”也算交了。"
        "不认人的场次没有分母，只数份数，写“—”。",
    ),
    Definition("receipt_awareness", "回执的知晓率", "选“是”的人数 ÷ 应交人数。"),
    Definition(
        "all_adopted",
        "全部做到率",
        "适用的每一项都做到了的人数 ÷ 应填人数；单项的比率看“每一项的比率”，不适用的不在那一项的分母里。",
    ),
    Definition("missing", "未测人数", "应测人数减去已测人数，最小是 0。"),
    Definition(
        "rollup",
        "汇总与取整",
        "上级单位的数由各班人数相加再相除，不取比率的平均。比率一律舍去尾数，保留一位小数，"
        "全员做到才写 100%；应测人数为 0 时写“—”；人数超出应测时照实显示，并提示核对名册。",
    ),
)
