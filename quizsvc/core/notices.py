"""Sentences made of counts: the reminder for a group, the sentence that opens a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from quizsvc.core.indicators import Tally
from quizsvc.core.roundkind import WORDS
from quizsvc.core.window import State

EVENING_HOUR = 17
FEW = 3
VOW = "页面不会要密码、验证码和银行卡，也不会让你转账。"

_DO = {
    "receipt": ("还没交的家长", "读完告知书，选“是”或“否”"),
    "pledge": ("还没签的人", "读完全文再签名"),
    "adoption": ("还没填的人", "一项一项填，做到了随时可以改"),
    "survey": ("还没答的人", "答几个问题，不记名"),
}
"""Of each kind without marks: who is asked, and what to do."""
_FINISH = {kind: WORDS[kind].verb for kind in _DO}
_MET = {
    "receipt": ("全部交了，并且全部选“是”。", "选“是”", "选“否”，请再讲一讲"),
    "adoption": ("全部填了，并且每一项都做到了。", "每一项都做到了", "还没有全部做到"),
}
"""Of kinds in which taking part is not all: all of them, some of them, the rest."""
_SHARES = ((90, "九成以上"), (75, "四分之三以上"), (50, "一半以上"))


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reminder may say about a class and a round; there is no field for a person.

    unit_name, title: of the class and of the round
    state: where the moment lies in the class's window
    expected, done, missing: heads, >= 0; expected 0 means that nobody has said how many there are
    opens_at, closes_at, at: aware, in the school's own time zone
    items: questions in a form, >= 1; 0 where there is no form
    minutes: that a form takes, >= 1; 0 where nobody can tell
    phrase: the 核对码, "" while the class has no link
    address: of the class's link, "" while it has none
    hotline: whom to ring when in doubt, "" when none was given
    kind: of the round, a key of roundkind.WORDS
    nameless: nobody is asked for a seat, so nobody is expected and nobody is missing
    """

    unit_name: str
    title: str
    state: State
    expected: int
    done: int
    missing: int
    opens_at: datetime
    closes_at: datetime
    at: datetime
    items: int
    minutes: int
    phrase: str
    address: str
    hotline: str
    kind: str = "test"
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence.

    text: to be shown one after the other, without anything between
    mark: "number" and "gap" are set off on a page, "" is plain
    """

    text: str
    mark: Literal["", "number", "gap"] = ""


def moment_text(moment: datetime, at: datetime) -> str:
    """Write a moment the way people say it in a group chat.

    moment, at: aware, in the school's own time zone
    return: "今晚 20:00", "今天 12:00", "明天 18:00", else "12 月 20 日 18:00"

    >>> moment_text(datetime(2026, 12, 20, 18, 0), datetime(2026, 12, 20, 9, 0))
    '今晚 18:00'
    """
    days = (moment.date() - at.date()).days
    clock = f"{moment:%H:%M}"
    if days == 0:
        return f"{'今晚' if moment.hour >= EVENING_HOUR else '今天'} {clock}"
    return f"明天 {clock}" if days == 1 else f"{moment.month} 月 {moment.day} 日 {clock}"


def group_text(notice: Notice) -> str:
    """Write the reminder for the class's own chat group.

    notice: the facts
    return: zh-CN, a few sentences: counts, deadline, how to get in, phrase and vow
    Source: F-035; design.md section 6 (counts only)
    """
    head = f"【{notice.unit_name}】{notice.title}："
    if (short := _without_asking(notice)) is not None:
        return head + short
    if notice.kind in _DO:
        return head + _progress(notice) + _sheet_asked(notice, "用微信扫班级海报上的码")
    who = "还没做的同学请在" if notice.state == "open" else "请同学们在"
    return (
        f"{head}{_progress(notice)}{who}{_by(notice)}前完成，"
        f"{notice.items} 道题，约 {notice.minutes} 分钟{_way_in(notice, '微信扫班级海报上的码')}。"
        f"{VOW}做过的同学不用再做，进不去的请告诉我。"
    )


def parents_text(notice: Notice) -> str:
    """Write the reminder for the parents' chat group.

    notice: the facts
    return: zh-CN, a few sentences; asks for help, promises that nothing is sold, paid or followed
    Source: F-035; design.md section 6 (counts only)
    """
    head = f"【{notice.unit_name}】{notice.title}："
    if (short := _without_asking(notice)) is not None:
        return head + short
    ring = f"，也可以拨打 {notice.hotline}" if notice.hotline else ""
    if notice.kind in _DO:
        asked = _sheet_asked(notice, "用您的手机，微信扫班级海报上的码")
        return f"各位家长好。{head}{_progress(notice)}{asked}有疑问请直接问我{ring}。"
    return (
        f"各位家长好。{head}{_progress(notice)}请您提醒还没做的孩子在"
        f"{_by(notice)}前完成，{notice.items} 道题，"
        f"约 {notice.minutes} 分钟{_way_in(notice, '可以用您的手机，微信扫班级海报上的码')}。"
        f"{VOW}不收费，不用关注公众号，也不用转发。有疑问请直接问我{ring}。"
    )


def _sheet_asked(notice: Notice, scan: str) -> str:
    """Ask for what is read and signed, or answered without marks."""
    who, what = _DO[notice.kind]
    paper = "没有手机的，交纸质的给我。" if notice.kind in ("receipt", "pledge") else ""
    verb = WORDS[notice.kind].verb
    way = _way_in(notice, scan).removeprefix("：")
    return f"请{who}在{_by(notice)}前{f'{way}，' if way else ''}{what}。{VOW}{verb}过的不用再{verb}。{paper}"


def weekly_text(told: Sequence[Notice], *, unit_name: str, monday: date, tip: str) -> str:
    """Write the reminder of a week for the chat group of a class: all that is to be done, and one thing to remember.

    told: of the class, each round that is open or begins or ended in the week, in the order to be told
    unit_name: of the class
    monday: the first day of the week
    tip: one sentence, "" for none
    return: zh-CN, one line a round; the same facts give the same text
    Source: domain.md D-R1 (counts only, no name and no seat number)
    """
    sunday = monday + timedelta(days=6)
    head = f"【{unit_name}】本周反诈提醒（{monday.month} 月 {monday.day} 日至 {sunday.month} 月 {sunday.day} 日）"
    todo = [f"{number}. {one.title}：{_this_week(one)}" for number, one in enumerate(told, start=1)]
    vow = [VOW] if any(one.address and one.state == "open" for one in told) else []
    remember = [f"记一条：{tip}"] if tip else []
    return "\n".join((head, *(todo or ["这一周没有要做的。"]), *remember, *vow))


def _this_week(notice: Notice) -> str:
    if (short := _without_asking(notice)) is not None:
        return short
    return f"{_progress(notice)}{_by(notice).strip()} 截止{_way_in(notice, '微信扫班级海报上的码')}。"


def tip_of(tips: Sequence[str], monday: date) -> str:
    """Choose the tip of a week.

    tips: in the order in which they are to be told, not empty
    monday: the first day of the week
    return: one of them; the weeks go through all of them before one comes again
    """
    return tips[monday.toordinal() // 7 % len(tips)]


def lead(
    *,
    scope: str,
    people: str,
    tally: Tally,
    missing: int,
    gaps: Sequence[tuple[str, int]],
    siblings: int,
    counter: str,
    kind: str = "test",
    nameless: bool = False,
) -> tuple[Piece, ...]:
    """Write the sentence that opens a report: how many are done, how many are missing, where.

    scope: what the sentence is about: 全县, 全校, 全班
    people: what is counted, with its measure word: 名学生
    tally: heads of the whole
    missing: heads not done, summed part by part, so that a surplus in one part hides no gap in another
    gaps: name and missing heads, >= 1, of each part that has a gap, in any order
    siblings: how many parts there are, >= len(gaps)
    counter: measure word and noun of the parts: 所学校
    kind: of the round, a key of roundkind.WORDS
    nameless: nobody is asked for a seat, so sheets are counted and nobody is expected
    return: pieces that read as one sentence
    Source: ux.md decision 6
    """
    if nameless:
        return (Piece(f"{scope}收到 "), Piece(f"{tally.done:,}", "number"), Piece(" 份，不认人，不算比率。"))
    everyone = (Piece(f"{scope} "), Piece(f"{tally.expected:,}", "number"), Piece(f" {people}"))
    finish = f"{_FINISH[kind]}了" if kind in _FINISH else "完成"
    if not tally.expected:
        return _without_expected(scope, tally, finish)
    if not tally.done:
        begun = _FINISH.get(kind, "开始")
        started = Piece("还没有人完成" if tally.open else f"还没有人{begun}", "gap")
        now = Piece(f"，{tally.open:,} 人正在作答。" if tally.open else "。")
        return (*everyone, started, now)
    if missing <= 0 and tally.done > tally.expected:
        return (
            *everyone,
            Piece("里已有 "),
            Piece(f"{tally.done:,}", "number"),
            Piece(f" 人{finish}，人数对不上，请核对名册。"),
        )
    if missing <= 0:
        return (*everyone, *_all_done(tally, kind))
    return (
        *everyone,
        Piece("已有 "),
        Piece(f"{tally.done:,}", "number"),
        Piece(f" 人{finish}，"),
        Piece(f"还差 {missing:,} 人", "gap"),
        Piece(f"{_where(gaps, siblings, counter)}。"),
    )


def _without_asking(notice: Notice) -> str | None:
    """Write what remains to be said when nobody is to be asked for anything, else None."""
    counted = _counted(notice)
    if counted and notice.missing <= 0:
        finish = _FINISH.get(notice.kind, "完成")
        return f"{notice.expected} 人都{finish}了，谢谢大家！"
    if notice.state == "closed":
        return f"已经结束，{'已' if counted and notice.kind in _DO else ''}{_told(notice)}。"
    return None


def _told(notice: Notice) -> str:
    """Write how many are done, in sheets where nobody is asked for a seat."""
    finish = _FINISH.get(notice.kind, "完成")
    if notice.nameless:
        return f"收到 {notice.done} 份"
    return f"{finish} {notice.done}/{notice.expected}" if _counted(notice) else f"{notice.done} 人{finish}"


def _by(notice: Notice) -> str:
    """Write the deadline to stand inside a sentence: figures keep a space from the words around them."""
    text = moment_text(notice.closes_at, notice.at)
    return f" {text} " if text[0].isdecimal() else f"{text} "


def _counted(notice: Notice) -> bool:
    """Tell whether the head-count can be believed: a class in which more are done than expected may lack some."""
    return 0 < notice.expected >= notice.done


def _progress(notice: Notice) -> str:
    """Write how far the class is, or when it will begin."""
    if notice.state == "before":
        return f"{moment_text(notice.opens_at, notice.at)} 开始。"
    if not _counted(notice):
        return f"已{_told(notice)}。" if notice.nameless else f"已有 {_told(notice)}。"
    return f"已{_told(notice)}，还差 {notice.missing} 人。"


def _way_in(notice: Notice, scan: str) -> str:
    """Write how one gets in; without a link there is nothing to say yet."""
    if not notice.address:
        return ""
    return f"：{scan}，或打开 {notice.address} ，先核对“{notice.phrase}”"


def _without_expected(scope: str, tally: Tally, finish: str) -> tuple[Piece, ...]:
    """Say that nobody knows yet how many there should be."""
    if not tally.done:
        return (Piece(f"{scope}还没有应测人数，请先导入名册或登记人数。"),)
    return (
        Piece(f"{scope}已有 "),
        Piece(f"{tally.done:,}", "number"),
        Piece(f" 人{finish}，但还没有登记应测人数。"),
    )


def _all_done(tally: Tally, kind: str) -> tuple[Piece, ...]:
    """Say that all took part, and how many of them are still to learn, or to do."""
    to_learn = tally.expected - tally.aware
    if kind in ("pledge", "survey"):
        return (Piece(f"全部{_FINISH[kind]}了。"),)
    if kind in _MET:
        whole, some, rest = _MET[kind]
        if to_learn <= 0:
            return (Piece(whole),)
        return (
            Piece(f"全部{_FINISH[kind]}了，其中 "),
            Piece(f"{tally.aware:,}", "number"),
            Piece(f" 人{some}，"),
            Piece(f"还有 {to_learn:,} 人{rest}", "gap"),
            Piece("。"),
        )
    if to_learn <= 0:
        return (Piece("全部完成，并且全部达到知晓标准。"),)
    return (
        Piece("全部完成，其中 "),
        Piece(f"{tally.aware:,}", "number"),
        Piece(" 人达到知晓标准，"),
        Piece(f"还有 {to_learn:,} 人可以再练一遍", "gap"),
        Piece("。"),
    )


def _where(gaps: Sequence[tuple[str, int]], siblings: int, counter: str) -> str:
    """Say where the gap is, as precisely as three parts allow."""
    ranked = sorted(gaps, key=lambda gap: -gap[1])
    if siblings < 2 or not ranked:
        return ""
    if len(ranked) == 1:
        return f"，都在{ranked[0][0]}"
    if len(ranked) <= FEW and len(ranked) < siblings:
        return f"，都在 {len(ranked)} {counter}"
    whole = sum(missing for _, missing in ranked)
    for share, words in _SHARES:
        reached = 0
        for few, (name, missing) in enumerate(ranked[:FEW], start=1):
            reached += missing
            if reached * 100 >= share * whole and few * 2 <= len(ranked):
                return f"，{words}在{name}" if few == 1 else f"，{words}集中在 {few} {counter}"
    return f"，分布在 {len(ranked)} {counter}"
