"""Bulletins: the figures of a unit and its parts at a moment, the sentences and the tables made of them."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from quizsvc.core import change, indicators
from quizsvc.core.indicators import NOTHING, Rate, Tally, hidden_small
from quizsvc.core.roundkind import WORDS, Words

DEFINITION: Final = 1
"""Version of the indicators and of the form in which figures are kept; it is kept with them."""
PERIODS: Final[Mapping[str, str]] = {"week": "周报", "month": "月通报", "year": "年度通报"}
LISTINGS: Final[Mapping[str, str]] = {
    "lacking": "只列还没到 100% 的单位",
    "all": "列出全部单位，排名次",
    "none": "不列单位",
}
HEADINGS: Final[Mapping[str, str]] = {
    "overall": "总体情况",
    "others": "其他事项",
    "topics": "讲评建议",
    "demands": "下一步要求",
}
"""Part of the text that has a heading -> the heading, in the order in which they stand."""
RATES_MEAN: Final = (
    "各项比率的分母都是应做的人数（名册冻结时在册的减去批准免的），没有参加的人也在分母里；"
    "由各班人数相加再相除，一律舍去尾数，全员做到才写 100%。"
)
FEWEST_SHOWN: Final = 10
WEAK_PERMYRIAD: Final = 9000
MOST_TOPICS: Final = 3
MOST_NAMED: Final = 3

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_MOMENT = re.compile(r"(?<!\d)\d{1,4} ?[年月日号时点期]|(?<!\d)\d{1,2}:\d{2}")
_ORDER = "一二三四五六七八九"

Cell = str | int | Rate


@dataclass(frozen=True, slots=True)
class Part:
    """The heads of a unit in a round.

    unit_id: its id, >= 1
    name: as it was called at the moment of the figures
    tally: heads of the whole subtree
    missing: heads not done, >= 0, summed class by class, so that a surplus in one hides no gap in another
    """

    unit_id: int
    name: str
    tally: Tally
    missing: int

    @property
    def complete(self) -> bool:
        """Tell that everybody has taken part.

        return: False also when nobody is expected or more took part than were expected
        """
        return 0 < self.tally.expected == self.tally.done and not self.missing


@dataclass(frozen=True, slots=True)
class Topic:
    """How one topic of a test was answered first. name: of the topic; correct, shown: 0 <= correct <= shown."""

    name: str
    correct: int
    shown: int


@dataclass(frozen=True, slots=True)
class Section:
    """One round of the campaign.

    round_id: its id, >= 1
    kind: a key of roundkind.WORDS, never a public contest
    nameless: nobody is asked for a seat, so sheets are counted and nobody is expected
    closes_at: aware, in the school's own time zone
    counter: measure word and noun of the parts: 所学校
    whole: the unit the figures are of
    parts: the units right under it that have heads, in the order of the tree
    topics: of a test, any order
    """

    round_id: int
    title: str
    kind: str
    nameless: bool
    closes_at: datetime
    counter: str
    whole: Part
    parts: tuple[Part, ...]
    topics: tuple[Topic, ...] = ()

    @property
    def words(self) -> Words:
        """How pages speak of this kind of round. return: an entry of roundkind.WORDS."""
        return WORDS[self.kind]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a bulletin says in numbers; once taken, it never changes.

    campaign: name of the campaign; term: as people say it
    unit: name of the unit; scope: how a sentence calls it: 全县
    at: aware, in the school's own time zone
    sections: rounds of the campaign, the newest test first, then the others
    """

    campaign: str
    term: str
    unit: str
    scope: str
    at: datetime
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of a bulletin, zh-CN; each may be edited, "" leaves its part out.

    opening: the first paragraph, without a heading
    overall, others, topics, demands: under the headings of HEADINGS; paragraphs are parted by a line break
    """

    opening: str
    overall: str = ""
    others: str = ""
    topics: str = ""
    demands: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of units. headers: zh-CN; rows: as long as the headers each, "" where there is nothing to say."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands around the text, zh-CN; each may be edited, and all but the title may be "".

    title: without the number of the issue; office: who issues it; number: of the document: 教通〔2026〕47 号
    addressee: whom it is sent to; dated_on: the day that stands under it
    """

    title: str
    office: str
    number: str
    addressee: str
    dated_on: date


@dataclass(frozen=True, slots=True)
class Issue:
    """A bulletin, whole: what is printed is made of this alone.

    period: a key of PERIODS; starts_on, ends_on: its first and last day
    issue_no: 1, 2, 3… of its unit, campaign and period; 0 for a draft
    corrects: number of the issue that this one takes the place of, 0 for none
    listing: a key of LISTINGS
    figures, before: of this issue, and of the one it is compared with
    """

    period: str
    starts_on: date
    ends_on: date
    issue_no: int
    corrects: int
    head: Head
    listing: str
    texts: Texts
    figures: Figures
    before: Figures | None

    @property
    def heading(self) -> str:
        """The title as it is printed. return: zh-CN, with the number of the issue."""
        if not self.issue_no:
            return f"{self.head.title}（拟稿）"
        instead = f"，更正第 {self.corrects} 期" if self.corrects else ""
        return f"{self.head.title}（第 {self.issue_no} 期{instead}）"

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables under the text. return: as `tables` makes them."""
        return tables(self.figures, self.before, self.listing)


def written(figures: Figures) -> dict[str, Any]:
    """Write figures as plain values, to be kept.

    figures: any
    return: a JSON object that `read` reads back to equal figures
    """
    plain: dict[str, Any] = json.loads(json.dumps(asdict(figures), default=datetime.isoformat))
    return {"definition": DEFINITION, **plain}


def read(plain: Mapping[str, Any]) -> Figures:
    """Read figures back.

    plain: as `written` wrote it
    return: the same figures
    raise ValueError: they were written under another definition
    """
    if plain["definition"] != DEFINITION:
        raise ValueError(f"figures of definition {plain['definition']}, not {DEFINITION}")
    return Figures(
        **{name: plain[name] for name in ("campaign", "term", "unit", "scope")},
        at=datetime.fromisoformat(plain["at"]),
        sections=tuple(_section(one) for one in plain["sections"]),
    )


def _section(plain: Mapping[str, Any]) -> Section:
    return Section(
        **{name: plain[name] for name in ("round_id", "title", "kind", "nameless", "counter")},
        closes_at=datetime.fromisoformat(plain["closes_at"]),
        whole=_part(plain["whole"]),
        parts=tuple(_part(one) for one in plain["parts"]),
        topics=tuple(Topic(**one) for one in plain["topics"]),
    )


def _part(plain: Mapping[str, Any]) -> Part:
    return Part(plain["unit_id"], plain["name"], Tally(**plain["tally"]), plain["missing"])


def issue_written(issue: Issue) -> dict[str, Any]:
    """Write a whole bulletin as plain values, to be kept and to be fingerprinted.

    issue: any
    return: a JSON object that `issue_read` reads back to an equal issue
    """
    return {
        **{name: getattr(issue, name) for name in ("period", "issue_no", "corrects", "listing")},
        "starts_on": issue.starts_on.isoformat(),
        "ends_on": issue.ends_on.isoformat(),
        "head": {**asdict(issue.head), "dated_on": issue.head.dated_on.isoformat()},
        "texts": asdict(issue.texts),
        "figures": written(issue.figures),
        "before": written(issue.before) if issue.before else None,
    }


def issue_read(plain: Mapping[str, Any]) -> Issue:
    """Read a whole bulletin back.

    plain: as `issue_written` wrote it
    return: the same issue
    raise ValueError: it was written under another definition
    """
    return Issue(
        **{name: plain[name] for name in ("period", "issue_no", "corrects", "listing")},
        starts_on=date.fromisoformat(plain["starts_on"]),
        ends_on=date.fromisoformat(plain["ends_on"]),
        head=Head(**{**plain["head"], "dated_on": date.fromisoformat(plain["head"]["dated_on"])}),
        texts=Texts(**plain["texts"]),
        figures=read(plain["figures"]),
        before=read(plain["before"]) if plain["before"] else None,
    )


def digest(values: Mapping[str, Any]) -> str:
    """Take the fingerprint of what is issued.

    values: JSON values
    return: 64 hexadecimal digits, SHA-256 of the values as JSON with sorted keys and without blanks
    """
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def span(period: str, day: date) -> tuple[date, date]:
    """Tell the first and the last day of the period that a day lies in.

    period: a key of PERIODS
    day: a calendar day in the school's own time zone
    return: Monday and Sunday, the first and the last of the month, 1 January and 31 December

    >>> span("month", date(2028, 2, 9))
    (datetime.date(2028, 2, 1), datetime.date(2028, 2, 29))
    """
    if period == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=6)
    if period == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def title(figures: Figures, period: str) -> str:
    """Name a bulletin, without its number.

    figures: what it tells
    period: a key of PERIODS
    return: zh-CN, one line
    """
    word = {"week": "进展情况的周报", "month": "进展情况的通报", "year": "年度完成情况的通报"}[period]
    apart = " " if figures.campaign[:1].isascii() else ""
    return f"关于{apart}{figures.campaign}{word}"


def texts(figures: Figures, before: Figures | None = None) -> Texts:
    """Write the sentences of a bulletin.

    figures: what it tells
    before: figures of the issue before, to be compared with; None for the first issue
    return: zh-CN; every number in it is one of the figures
    Source: domain.md 3.2 (layout of a unit's bulletin); counts of units only, nobody is named
    """
    if not figures.sections:
        return Texts(f"截至 {_moment(figures.at)}，{figures.unit}在这个活动里还没有场次。")
    main = figures.sections[0]
    weak = weak_topics(main)
    return Texts(
        opening=f"截至 {_moment(figures.at)}，{_told(figures.scope, main)}。现将有关情况通报如下。",
        overall="\n".join(filter(None, (_overall(figures, main), _compared(main, before)))),
        others="\n".join(f"{one.title}：{_told('', one)}。" for one in figures.sections[1:]),
        topics=_topics(weak),
        demands=_demands(figures, main, weak),
    )


def weak_topics(section: Section) -> tuple[Topic, ...]:
    """Pick the topics that should be talked over once more.

    section: of a test
    return: at most MOST_TOPICS of those shown FEWEST_SHOWN times or more and answered right less often than nine
        times in ten, the weakest first
    """
    weak = [
        one
        for one in section.topics
        if one.shown >= FEWEST_SHOWN and one.correct * 10_000 < WEAK_PERMYRIAD * one.shown
    ]
    return tuple(sorted(weak, key=lambda one: (Fraction(one.correct, one.shown), one.name))[:MOST_TOPICS])


def _moment(at: datetime) -> str:
    return f"{at.year} 年 {at.month} 月 {at.day} 日 {at:%H:%M}"


def _rate(name: str, rate: Rate) -> str:
    return f"{name} {rate.text}（{rate.fraction}）"


def _met(section: Section, tally: Tally) -> tuple[tuple[str, Rate], ...]:
    """The rates beside taking part, of those kinds that have them."""
    words = section.words
    if section.kind == "test":
        return ("首测知晓率", indicators.first_awareness(tally)), (words.met, indicators.awareness(tally))
    return ((words.met, indicators.awareness(tally)),) if words.met else ()


def _told(scope: str, section: Section) -> str:
    """Say how far a round is, without a full stop."""
    tally, words, gap = section.whole.tally, section.words, section.whole.missing
    if section.nameless:
        return f"{scope}收到 {tally.done:,} 份，不认人，不算比率"
    if not tally.expected:
        return f"{scope}{words.done} {tally.done:,} 人，还没有登记{words.expected}人数"
    done = _rate(words.coverage, indicators.coverage(tally))
    rates = (
        "" if hidden_small(tally.expected) else "".join(f"，{_rate(*one)}" for one in _met(section, tally))
    )
    lack = f"，还差 {gap:,} 人" if gap else ""
    return (
        f"{scope}{words.expected} {tally.expected:,} 人，{words.done} {tally.done:,} 人，{done}{lack}{rates}"
    )


def _overall(figures: Figures, main: Section) -> str:
    """Say how many parts are through, and where the gap is."""
    parts = [one for one in main.parts if one.tally.expected]
    if len(parts) < 2 or main.nameless:
        return ""
    through = sum(one.complete for one in parts)
    counted = f"{figures.scope} {len(parts)} {main.counter}中，"
    if through == len(parts):
        return f"{counted}全部做到了全员{_finish(main)}。"
    measure = main.counter[:1]
    some = f"{through} {measure}" if through else f"还没有一{measure}"
    first = f"{counted}{some}全员{_finish(main)}。"
    if not main.whole.missing:
        return first
    gaps = sorted((one for one in parts if one.missing), key=lambda one: (-one.missing, one.name))
    named = gaps[:MOST_NAMED]
    names = "、".join(one.name for one in named)
    if len(gaps) <= MOST_NAMED:
        return f"{first}还差的 {main.whole.missing:,} 人在{names}。"
    there = Rate(sum(one.missing for one in named), main.whole.missing)
    return f"{first}还差的 {main.whole.missing:,} 人里，{there.part:,} 人（{there.text}）在{names}。"


def _finish(section: Section) -> str:
    return "完成" if section.kind == "test" else section.words.done.removeprefix("已")


def _compared(main: Section, before: Figures | None) -> str:
    """Say how the rates have moved since the issue before."""
    was = _same_round(main, before)
    if was is None or before is None or main.nameless or hidden_small(main.whole.tally.expected):
        return ""
    moved = [
        (main.words.coverage, indicators.coverage(was.whole.tally), indicators.coverage(main.whole.tally)),
        *(
            (name, old, new)
            for (name, new), (_, old) in zip(
                _met(main, main.whole.tally), _met(main, was.whole.tally), strict=True
            )
        ),
    ]
    told = [f"{name}{change.difference(old, new)}" for name, old, new in moved if old.whole and new.whole]
    if not told:
        return ""
    return f"与上一期（截至 {before.at.month} 月 {before.at.day} 日）相比，{'，'.join(told)}。"


def _same_round(section: Section, before: Figures | None) -> Section | None:
    found = [one for one in before.sections if one.round_id == section.round_id] if before else []
    return found[0] if found else None


def _topics(weak: Sequence[Topic]) -> str:
    if not weak:
        return ""
    told = "；".join(_rate(f"“{one.name}”", Rate(one.correct, one.shown)) for one in weak)
    return f"第一次作答时，答对得少的主题是：{told}。建议各班用几分钟一起讲一讲。"


def _demands(figures: Figures, main: Section, weak: Sequence[Topic]) -> str:
    lacking = [one for one in main.parts if one.missing]
    doing = "补测" if main.kind == "test" else f"补{main.words.verb}"
    if not main.whole.missing or main.nameless:
        return ""
    who = f"请还没有全部{_finish(main)}的 {len(lacking)} 个单位" if lacking else "请"
    if figures.at < main.closes_at:
        by = f"{main.closes_at.month} 月 {main.closes_at.day} 日 {main.closes_at:%H:%M}"
        asked = f"{who}在 {by} 前完成{doing}，逐个核对，不漏一人；不代做，不在群里公布没做的人。"
    else:
        asked = f"这一场已经结束，{who}说明原因，需要{doing}的，请联系主办单位。"
    return asked + ("讲评时请用上面的主题。" if weak else "")


def rewritten(edited: Texts, given: Texts, fresh: Texts) -> Texts:
    """Renew the sentences that nobody has touched.

    edited: as somebody has left them
    given: as `texts` wrote them of the old figures
    fresh: as `texts` writes them of the new ones
    return: part by part the fresh one where the edited is still the given one, else the edited one
    """
    parts = [name for name in Texts.__slots__ if getattr(edited, name) == getattr(given, name)]
    return replace(edited, **{name: getattr(fresh, name) for name in parts})


def unfounded(edited: Texts, grounds: Sequence[str]) -> tuple[str, ...]:
    """List the numbers in edited sentences that the figures did not put there.

    edited: as somebody has left them
    grounds: every text that was made of the figures
    return: the numbers in order, each once; times, dates and single digits are let pass
    """
    known = set(_NUMBER.findall(" ".join(grounds)))
    told = _MOMENT.sub(" ", " ".join(asdict(edited).values()))
    found = (one for one in _NUMBER.findall(told) if one not in known and len(one) > 1)
    return tuple(dict.fromkeys(found))


def paragraphs(said: Texts) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Put headings before the parts that say something.

    said: as it is to be issued
    return: (heading, its paragraphs) in order; the heading of the opening is "", the others are numbered
    """
    found = [("", _lines(said.opening))]
    for name, heading in HEADINGS.items():
        if lines := _lines(getattr(said, name)):
            found.append((f"{_ORDER[len(found) - 1]}、{heading}", lines))
    return tuple(found)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def tables(figures: Figures, before: Figures | None, listing: str) -> tuple[Table, ...]:
    """Set the parts of the unit out, one table a round.

    figures: what is told
    before: figures of the issue before; None for the first issue
    listing: a key of LISTINGS
    return: without the rounds of which there is nothing to list
    """
    if listing == "none":
        return ()
    found = (_table(one, _same_round(one, before), listing) for one in figures.sections)
    return tuple(one for one in found if one.rows)


def _table(section: Section, was: Section | None, listing: str) -> Table:
    noun = section.counter[1:] or "单位"
    if section.nameless:
        rows: list[tuple[Cell, ...]] = [(one.name, one.tally.done) for one in section.parts]
        return Table(section.title, (noun, "份数"), tuple(rows) if listing == "all" else ())
    old = {one.unit_id: one for one in was.parts} if was else {}
    places = ranks(section) if listing == "all" and len(section.parts) > 1 else {}
    parts = [one for one in section.parts if one.tally.expected or one.tally.done]
    if listing == "lacking":
        parts = [one for one in parts if not one.complete]
        parts.sort(key=lambda one: (-one.missing, one.name))
    else:
        unranked = len(parts) + 1
        parts.sort(key=lambda one: (places.get(one.unit_id, unranked), one.name))
    words = section.words
    headers = [noun, words.expected, words.done, "还差", words.coverage]
    headers += [name for name, _ in _met(section, section.whole.tally)]
    headers += ["平均分"] if section.kind == "test" else []
    headers += ["较上期"] if was else []
    headers += ["名次"] if places else []
    return Table(
        section.title,
        tuple(headers),
        tuple(_row(section, one, old.get(one.unit_id), was is not None, places) for one in parts),
    )


def _row(
    section: Section, part: Part, old: Part | None, compared: bool, places: Mapping[int, int]
) -> tuple[Cell, ...]:
    tally = part.tally
    small, over = hidden_small(tally.expected), tally.done > tally.expected
    name = f"{part.name}（人数要核对）" if over else part.name
    cells: list[Cell] = [name, tally.expected, tally.done, part.missing, indicators.coverage(tally)]
    cells += ["人数太少" if small else rate for _, rate in _met(section, tally)]
    if section.kind == "test":
        cells.append(NOTHING if small else indicators.mean_text(tally))
    if compared:
        cells.append(_moved(section, part, old, small))
    if places:
        cells.append(places.get(part.unit_id, NOTHING))
    return tuple(cells)


def _moved(section: Section, part: Part, old: Part | None, small: bool) -> str:
    """Tell the change of the rate held against 100 %, of taking part where there is no other."""
    if old is None or small or hidden_small(old.tally.expected):
        return NOTHING
    rate = indicators.awareness if section.words.met else indicators.coverage
    return change.difference(rate(old.tally), rate(part.tally))


def ranks(section: Section) -> dict[int, int]:
    """Rank the parts of a unit: by taking part, then by knowing, then by mean score; equals share a rank.

    section: any that is not nameless
    return: unit id -> 1, 2, 2, 4…; without parts that nobody or fewer than five are expected in, and without
        those in which more took part than were expected, whose rates cannot be believed
    Source: domain.md 3.2 (ranked by coverage, then awareness, then mean)
    """
    ranked = {
        one.unit_id: (
            Fraction(one.tally.done, one.tally.expected),
            Fraction(one.tally.aware, one.tally.expected) if section.words.met else Fraction(0),
            Fraction(one.tally.score, one.tally.out_of) if one.tally.out_of else Fraction(0),
        )
        for one in section.parts
        if one.tally.expected >= max(one.tally.done, indicators.SMALLEST_SHOWN)
    }
    return {unit_id: 1 + sum(other > mine for other in ranked.values()) for unit_id, mine in ranked.items()}


def foot(fingerprint: str = "", place: str = "") -> tuple[str, ...]:
    """Write what stands in small print under a bulletin.

    fingerprint: `digest` of the issue, "" for a draft
    place: where the audit log stood once the issue was in it, "" for a draft
    return: lines, zh-CN
    """
    if not fingerprint:
        return (RATES_MEAN,)
    return RATES_MEAN, f"数据指纹 {fingerprint[:16]} · 操作记录链头 {place}"


def cell_text(cell: Cell) -> str:
    """Write a cell of a table for print.

    cell: a name, heads or a rate
    return: heads with thousands apart; a rate with its two numbers on a second line

    >>> cell_text(1200), cell_text(Rate(39, 40))
    ('1,200', '97.5%\\n39/40')
    """
    if isinstance(cell, Rate):
        return f"{cell.text}\n{cell.fraction}" if cell.whole else cell.text
    return f"{cell:,}" if isinstance(cell, int) else cell
