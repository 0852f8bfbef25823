"""Builders: rows with plain defaults, no randomness. Each returns the row it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from quizsvc.attempt.models import Attempt, Participant
from quizsvc.bank.models import Bank, Item, ItemVersion
from quizsvc.bulletin import models as bulletins
from quizsvc.campaign.models import Campaign, Round, RoundUnit
from quizsvc.core import adoption, bankfile, bulletin, document, linkcode, questionnaire, rulebook
from quizsvc.core import draw as lots
from quizsvc.core.indicators import Tally
from quizsvc.core.sheettext import Body, kind_of
from quizsvc.db import db
from quizsvc.declaration import queries as declared
from quizsvc.declaration.models import Declaration, ItemState
from quizsvc.draw.models import Draw, Piece, Result, Winner
from quizsvc.link.models import Link
from quizsvc.paper import queries as papers
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Enrolment, Headcount, Person, Unit
from quizsvc.rulebook import queries as announced
from quizsvc.rulebook.models import Version
from quizsvc.staff.models import RoleGrant, Staff
from quizsvc.survey.models import Box, Turnout
from quizsvc.web import qr

TERM = "2026-2027-1"
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
OPENS = datetime(2026, 12, 1, tzinfo=UTC)
CLOSES = datetime(2026, 12, 20, 10, 0, tzinfo=UTC)  # 18:00 in China
_number = count(1)


def saved(row: Any) -> Any:
    db.session.add(row)
    db.session.commit()
    return row


def a_unit(code: str, name: str, kind: str, parent: Unit | None = None, position: int = 0) -> Unit:
    path = f"{parent.path if parent else ''}{code}/"
    return saved(
        Unit(parent_id=parent.id if parent else None, path=path, code=code, name=name, kind=kind,
             position=position, created_at=LONG_AGO)
    )  # fmt: skip


def a_county() -> Unit:
    return a_unit("yg", "阳光县", "county")


def a_school(county: Unit, code: str = "sy", name: str = "阳光县实验中学") -> Unit:
    return a_unit(code, name, "school", county)


def a_class(
    parent: Unit, pupils: int = 3, code: str = "703", name: str = "七年级（3）班", names: bool = False
) -> Unit:
    """A class with seats 1..pupils and a head-count; with `names`, persons behind the seats."""
    unit = a_unit(code, name, "class", parent)
    seats = range(1, pupils + 1)
    persons = [
        Person(school_id=parent.id, student_number=f"{code}{seat:02}", name=f"李{'明安宁远'[seat % 4]}航",
               created_at=LONG_AGO)
        for seat in seats
        if names
    ]  # fmt: skip
    db.session.add_all(persons)
    db.session.flush()
    ids = [person.id for person in persons] or [None] * pupils
    places = [
        {"unit_id": unit.id, "term": TERM, "seat": seat, "person_id": person_id, "joined_at": LONG_AGO}
        for seat, person_id in zip(seats, ids, strict=True)
    ]
    if places:
        db.session.execute(insert(Enrolment), places)
    db.session.add(Headcount(unit_id=unit.id, term=TERM, expected=pupils, set_by="cli", set_at=LONG_AGO))
    db.session.commit()
    return unit


def an_item(code: str = "brushing-01", **changes: Any) -> bankfile.Item:
    """A sound single-choice item whose key is its second option."""
    values: dict[str, Any] = {
        "code": code,
        "kind": "single_choice",
        "topic": "brushing",
        "audiences": ("junior",),
        "difficulty": 1,
        "stem": f"遇到第 {code} 种情况，怎么做最稳妥？",
        "options": (
            bankfile.Option("先付一点试试", belief="first_payout_real"),
            bankfile.Option("停下来问问老师", key=True),
            bankfile.Option("转给同学一起做"),
            bankfile.Option("回复对方再商量"),
        ),
        "explanation": bankfile.Explanation("先给小利。", "要先付钱。", "停下，告诉老师。"),
        "source": "风险提示单 2023",
        "reviewed_on": date(2026, 11, 15),
    }
    return bankfile.Item(**{**values, **changes})


def an_item_version(item: bankfile.Item, bank: Bank | None = None) -> ItemVersion:
    return item_versions([item], bank)[0]


def item_versions(items: Sequence[bankfile.Item], bank: Bank | None = None) -> list[ItemVersion]:
    """Published items, all in one go: most tests need a paper, and each commit costs them all."""
    bank = (
        bank
        or db.session.query(Bank).first()
        or saved(Bank(code="test", name="测试题库", created_at=LONG_AGO))
    )
    rows = [Item(bank_id=bank.id, code=item.code) for item in items]
    db.session.add_all(rows)
    db.session.flush()
    contents = [_content(item) for item in items]
    versions = [
        ItemVersion(item_id=row.id, number=1, content=content, content_hash=hashed, created_at=LONG_AGO,
                    state="published", origin="file", author="cli", published_at=LONG_AGO)
        for row, (content, hashed) in zip(rows, contents, strict=True)
    ]  # fmt: skip
    db.session.add_all(versions)
    db.session.flush()
    ids = [version.id for version in versions]
    db.session.commit()
    db.session.scalars(select(ItemVersion).where(ItemVersion.id.in_(ids))).all()  # all read again in one go
    return versions


@cache
def _content(item: bankfile.Item) -> tuple[dict[str, Any], str]:
    return bankfile.content_of(item), bankfile.content_hash(item)


def a_paper(
    items: int = 3, points: int = 10, drawn: int | None = None, pool: list[bankfile.Item] | None = None
) -> Paper:
    """A frozen paper that draws `drawn` (default all) of `items` single-choice items."""
    pool = pool or [an_item(f"brushing-{n:02}") for n in range(1, items + 1)]
    content = {
        "blueprint": {"rules": [{"count": drawn or len(pool), "points": points}], "fixed": []},
        "items": [
            {"version": version.id, "bank": "test", "item": dict(version.content)}
            for version in item_versions(pool)
        ],
    }
    named: dict[str, Any] = {"code": f"paper-{next(_number)}", "kind": "quiz", "title": "反诈知识测试"}
    hashed = papers.content_hash(**named, content=content)
    return saved(Paper(**named, content=content, content_hash=hashed, frozen_at=LONG_AGO))


def a_document(kind: str = "receipt", **changes: Any) -> document.Document:
    """A notice of two points that guardians answer, or a pledge of them that staff sign."""
    values: dict[str, Any] = {
        "kind": kind,
        "title": "涉诈风险提示单" if kind == "receipt" else "反诈责任书",
        "issuer": ("阳光县反诈中心",),
        "opening": "请和孩子一起读一遍。",
        "points": ("先交钱再返利的，都是诈骗。", "让您转到安全账户的，都是诈骗。"),
        "closing": "",
        "question": "上面的内容，您都知道了吗？" if kind == "receipt" else "我保证做到以上各条。",
        "signer": "guardian" if kind == "receipt" else "staff",
    }
    return document.Document(**{**values, **changes})


def an_adoption(*items: adoption.Item, **changes: Any) -> adoption.Adoption:
    """Two things to adopt: an app in two steps with a check, and an account that may not apply."""
    staff = adoption.Target("roster", "教职工", 10000)
    made = items or (
        adoption.Item(
            text="装了国家反诈中心 App 吗？",
            steps=("下载", "注册"),
            may_not_apply=False,
            targets=(staff, adoption.Target("population", "居民", 6000)),
            due_on=date(2027, 5, 30),
            check=adoption.Check("打开以后，第一页最上面是什么？", ("报案助手", "天气"), 0),
        ),
        adoption.Item("关注了学校公众号吗？", (), True, (staff,), None, None),
    )
    return adoption.Adoption(**{"title": "反诈工具使用情况", "opening": "", "items": made, **changes})


def a_questionnaire(*questions: questionnaire.Question, **changes: Any) -> questionnaire.Questionnaire:
    """A question that decides whether a second is asked, and one in words."""
    made = questions or (
        questionnaire.Question("choice", "您收到过诈骗电话吗？", True, options=("收到过", "没有")),
        questionnaire.Question(
            "rating", "当时慌不慌？", False, low=1, high=5, ends=("不慌", "很慌"),
            shown_if=(questionnaire.Condition(0, (0,)),),
        ),
        questionnaire.Question("long", "还想对我们说什么？", False, high=500),
    )  # fmt: skip
    values: dict[str, Any] = {"title": "反诈宣传意见", "opening": "", "closing": "", "words": ()}
    return questionnaire.Questionnaire(**{**values, "questions": made, **changes})


def a_sheet_paper(sheet: str | Body = "receipt", **changes: Any) -> int:
    """The id of a frozen text or survey: a body, or the plain one of its kind (receipt, pledge, adoption, survey)."""
    if isinstance(sheet, str):
        plain = {"adoption": an_adoption, "survey": a_questionnaire}
        sheet = plain[sheet](**changes) if sheet in plain else a_document(sheet, **changes)
    content = papers.sheet_content(sheet)
    named: dict[str, Any] = {"code": f"sheet-{next(_number)}", "kind": kind_of(sheet), "title": sheet.title}
    hashed = papers.content_hash(**named, content=content)
    return saved(Paper(**named, content=content, content_hash=hashed, frozen_at=LONG_AGO)).id


def a_campaign(unit: Unit, **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "code": f"campaign-{next(_number)}", "name": "2026 秋季反诈测试", "unit_id": unit.id, "term": TERM,
        "target_permyriad": 10000, "target_on": date(2026, 12, 20), "organisers": ["阳光县教育局", "阳光县公安局"],
        "hotline": "96110", "is_test": False, "erase_on": date(2027, 2, 1), "created_at": LONG_AGO,
    }  # fmt: skip
    return saved(Campaign(**{**values, **changes}))


def a_round(
    unit: Unit, paper: Paper | None = None, campaign: Campaign | None = None, **changes: Any
) -> Round:
    """A running test round over a unit: three attempts, best counts, threshold 80 %, no time limit."""
    values: dict[str, Any] = {
        "code": f"round-{next(_number)}", "campaign_id": (campaign or a_campaign(unit)).id,
        "paper_id": changes.get("paper_id") or (paper or a_paper()).id, "kind": "test",
        "title": "六分钟，练一次识骗", "identity": "seat",
        "opens_at": OPENS, "closes_at": CLOSES, "limit_s": None, "attempts": 3, "counted": "best",
        "threshold_permyriad": 8000, "review_after_submit": ["score", "answers", "key", "explanation"],
        "review_after_close": ["score", "answers", "key", "explanation"], "frozen_at": OPENS, "created_at": LONG_AGO,
    }  # fmt: skip
    row = saved(Round(**{**values, **changes}))
    saved(RoundUnit(round_id=row.id, unit_id=unit.id))
    return row


def a_sheet_round(unit: Unit, kind: str = "receipt", sheet: int | None = None, **changes: Any) -> Round:
    """A running round of receipts, pledges, adoption or a survey over a unit, asked by seat."""
    values: dict[str, Any] = {
        "kind": kind, "title": {"receipt": "风险告知回执", "pledge": "反诈责任书", "adoption": "反诈工具使用情况",
                                "survey": "反诈宣传问卷"}[kind],
        "attempts": {"receipt": 3, "pledge": 1, "adoption": 20, "survey": 1}[kind], "counted": "last",
        "late": "reject", "threshold_permyriad": 10000, "review_after_submit": [], "review_after_close": [],
    }  # fmt: skip
    wanted: Any = sheet or a_sheet_paper(kind)
    return a_round(unit, campaign=changes.pop("campaign", None), **{**values, "paper_id": wanted, **changes})


def a_link(round_: Round, unit: Unit, code: str = "7K3M9Q2", **changes: Any) -> Link:
    values: dict[str, Any] = {
        "code": code, "round_id": round_.id, "unit_id": unit.id, "place": "", "phrase_word": "青禾",
        "phrase_number": 27, "poster_number": f"2026-{next(_number):04}", "created_at": LONG_AGO,
    }  # fmt: skip
    return saved(Link(**{**values, **changes}))


@dataclass(frozen=True, slots=True)
class Contest:
    """A contest with its links, one for each door."""

    campaign: Campaign
    round: Round
    paper: Paper
    rules: rulebook.Rules
    links: tuple[Link, ...]


DRAW_AT = datetime(2026, 12, 28, 2, 0, tzinfo=UTC)
SOURCES = tuple(
    rulebook.Source(kind="lottery", name=f"双色球 20261{issue} 期", bits=24,
                    at=datetime(2026, 12, day, 13, 15, tzinfo=UTC))
    for issue, day in ((47, 22), (48, 24), (49, 27))
)  # fmt: skip
TIERS = (
    rulebook.Tier(name="一等奖", item="平板电脑", number=2, value_yuan=1500, by="standing"),
    rulebook.Tier(name="二等奖", item="蓝牙耳机", number=3, value_yuan=200, by="draw"),
    rulebook.Tier(name="三等奖", item="保温杯", number=10, value_yuan=50, by="draw"),
)


def rules_of(round_: rulebook.Round, **changes: Any) -> rulebook.Rules:
    """Sound rules without gaps: two prizes by standing, thirteen by lot among those with full marks, then 90 %."""
    values: dict[str, Any] = {
        "who": "阳光县居民，自愿参加。", "scoring": "答对得分，多选题全部选对才得分。", "qualifies": (10000, 9000),
        "tiers": TIERS, "selection": "一等奖按名次，二、三等奖抽奖。", "draw_at": DRAW_AT, "sources": SOURCES,
        "fallback": "哪一期没有开奖，就用下一期。", "published_where": "阳光县教育局网站",
        "claim": "凭领奖码到县教育局一楼领奖，工作日 9:00—17:00。", "documents": "本人身份证件，看过就还。",
        "forfeiture": "逾期不领视为放弃，由候补的人领。", "tax": "税费由主办单位承担。",
        "fairness": "一人用多个身份、用程序答题的，查实后取消资格，可以申诉。",
        "privacy": "只收昵称；得奖的人领奖时再留手机号，领完三十天内删除。", "contact": "阳光县教育局 0555-1234567",
    }  # fmt: skip
    return rulebook.Rules(round=round_, **{**values, **changes})


def announce(round_: Round, at: datetime = LONG_AGO, **changes: Any) -> rulebook.Rules:
    """Publish the next version of a round's rules, as it stands, without asking anybody."""
    rules = rules_of(announced.facts(round_.id), **changes)
    content, before = rulebook.written(rules), announced.in_force(round_.id)
    saved(
        Version(round_id=round_.id, number=before.number + 1 if before else 1, content=content,
                hash=rulebook.content_hash(content), reason="把话说清楚" if before else "", published_at=at,
                published_by="cli")
    )  # fmt: skip
    return rules


def a_contest(
    unit: Unit,
    doors: Sequence[Unit] = (),
    *,
    paper: Paper | None = None,
    campaign: Campaign | None = None,
    rules: dict[str, Any] | None = None,
    published: bool = True,
    **changes: Any,
) -> Contest:
    """A running contest of nicknames over a unit: three goes a day at ten of forty questions, rules announced.

    `rules` are changes to `rules_of`, `changes` to the round; `doors` get a link each (default: the unit itself).
    """
    campaign = campaign or a_campaign(unit, name="2026 反诈知识竞赛")
    paper = paper or a_paper(items=40, drawn=10)
    round_ = a_round(
        unit, paper, campaign,
        **{"kind": "contest", "identity": "nickname", "title": "全民反诈知识竞赛", "per": "day",
           "code": f"contest-{next(_number)}", **changes},
    )  # fmt: skip
    said = rules_of(announced.facts(round_.id), **(rules or {}))
    if published:
        announce(round_, **(rules or {}))
    links = tuple(
        a_link(round_, door, code=linkcode.compose(f"C{next(_number):05}")) for door in doors or (unit,)
    )
    return Contest(campaign, round_, paper, said, links)


def a_draw(round_: Round, entries: Sequence[str] = (), *, drawn: bool = True, **changes: Any) -> Draw:
    """The frozen list of a contest, and its result: the first entry wins by standing, the others are drawn."""
    version = announced.in_force(round_.id)
    listed = sorted(entries or [linkcode.body_from(32**15 + next(_number), 16) for _ in range(20)])
    values: dict[str, Any] = {
        "id": linkcode.body_from(next(_number), 10), "rules_version": version.number, "rules_hash": version.hash,
        "waves": [{"at_least": 10000, "entries": len(listed) - 1}], "frozen_by": "staff:1",
        "sources": rulebook.written(version.rules)["sources"], "frozen_at": DRAW_AT - timedelta(days=7),
    }  # fmt: skip
    first, *rest = listed
    row = saved(
        Draw(round_id=round_.id, list_hash=lots.list_hash(rest), entries=len(rest), **{**values, **changes})
    )
    files = {lots.ENTRIES: lots.listed_text(rest), lots.RULES: rulebook.text(version.content).encode()}
    won: Sequence[lots.Winner] = lots.winners_by_standing(version.rules.tiers, [(1, first)])
    if drawn:
        value = ";".join(["01-02-03-04-05-06+07"] * len(version.rules.sources))
        files |= lots.result_files(
            draw_id=row.id,
            rules_hash=row.rules_hash,
            rules=version.rules,
            entries=rest,
            waves={},
            value=value,
        )
        said = lots.loaded(files[lots.DRAW])
        order = files[lots.ORDER].decode().splitlines()
        won = (*won, *lots.winners(version.rules.tiers, order))
        saved(
            Result(draw_id=row.id, public_value=value, proof="中国福利彩票网，公证处在场", seed=said["seed"],
                   order_hash=sha256(files[lots.ORDER]).hexdigest(), drawn_at=DRAW_AT, frozen_by=row.frozen_by,
                   drawn_by="staff:2")
        )  # fmt: skip
    for name, body in files.items():
        saved(Piece(draw_id=row.id, file=name, number=0, body=body))
    for one in won:
        saved(
            Winner(draw_id=row.id, tier=one.tier, number=one.number, by=one.by, place=one.place,
                   entry_id=one.entry_id)
        )  # fmt: skip
    return row


@cache
def a_code(url: str, pixels: int = 480) -> bytes:
    """A picture of a code; drawing one takes longer than most tests."""
    return qr.png(url, pixels=pixels)


def an_attempt(round_: Round, unit: Unit, seat: int, **changes: Any) -> Attempt:
    """An attempt of a seat; submitted with full marks unless told otherwise (`submitted_at=None` leaves it open)."""
    enrolment = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=seat).one()
    link = db.session.query(Link).filter_by(round_id=round_.id, unit_id=unit.id).first() or a_link(
        round_, unit, code=f"L{next(_number):06}"
    )
    participant = db.session.query(Participant).filter_by(
        round_id=round_.id, enrolment_id=enrolment.id
    ).first() or saved(
        Participant(
            round_id=round_.id, unit_id=unit.id, enrolment_id=enrolment.id, extension_s=0, created_at=OPENS
        )
    )
    number = next(_number)
    submitted_at = changes.pop("submitted_at", OPENS + timedelta(hours=number))
    values: dict[str, Any] = {
        "id": f"attempt{number:017}", "participant_id": participant.id, "round_id": round_.id, "unit_id": unit.id,
        "link_id": link.id, "source": "poster", "period": "round", "ordinal": 1, "allowed": round_.attempts,
        "seed": f"seed-{number}", "form": [[0, 10], [1, 10], [2, 10]], "answers": {}, "device_hash": "d" * 64,
        "resume": f"R{number:07}", "receipt": f"C{number:07}", "started_at": OPENS, "limit_ends_at": None,
        "saved_at": None, "submitted_at": submitted_at, "overdue": False,
        "score": None if submitted_at is None else 30, "out_of": 30,
        "correct": None if submitted_at is None else [True, True, True],
    }  # fmt: skip
    return saved(Attempt(**{**values, **changes}))


def a_declaration(
    round_: Round, unit: Unit, seat: int | None = 1, items: Sequence[declared.Item] = (), **changes: Any
) -> Declaration:
    """What a seat has declared on a phone (`seat=None`: a phone without a seat); met unless told otherwise."""
    enrolment_id = None
    if seat is not None:
        enrolment_id = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=seat).one().id
    sheet, number = papers.sheet(round_.paper_id), next(_number)
    of_document = isinstance(sheet.body, document.Document)
    values: dict[str, Any] = {
        "id": f"declared{number:016}", "round_id": round_.id, "unit_id": unit.id, "enrolment_id": enrolment_id,
        "link_id": None, "paper_id": round_.paper_id,
        "text_hash": document.digest(sheet.body) if of_document else sheet.content_hash,
        "signer": sheet.body.signer if of_document else "", "channel": "phone", "nameless": seat is None, "met": True,
        "helped": False, "device_hash": declared.device_hash(f"{number:022}"), "receipt": f"Y{number:07}",
        "declared_at": OPENS + timedelta(hours=number), "excused": False,
    }  # fmt: skip
    row = saved(Declaration(**{**values, **changes}))
    for one in items:
        saved(
            ItemState(declaration_id=row.id, item=one.item, state=one.state, steps=one.steps, proof=one.proof)
        )
    return row


def a_survey(
    unit: Unit,
    *questions: questionnaire.Question,
    answers: Sequence[questionnaire.Answers] = (),
    code: str = linkcode.compose("5RVEY0"),
    **changes: Any,
) -> Round:
    """A running opinion survey over a unit, with a link; `answers` lie in its boxes, of heads nobody knows."""
    said = {name: changes.pop(name) for name in ("words", "opening", "closing") if name in changes}
    asked = a_questionnaire(*questions, **said)
    round_ = a_sheet_round(unit, "survey", a_sheet_paper(asked), **changes)
    a_link(round_, unit, code=code)
    lying: dict[int, list[dict[str, Any]]] = {-1: []} if answers else {}
    for one in answers:
        saved(Turnout(round_id=round_.id, head=f"{next(_number):064}", unit_id=unit.id))
        worded = {index for index in one if asked.questions[index].kind in questionnaire.WORDED}
        plain = {index: given for index, given in one.items() if index not in worded}
        lying[-1].append(questionnaire.stored(plain))
        for index in worded:
            lying.setdefault(index, []).append(questionnaire.stored({index: one[index]}))
    for index, put in lying.items():
        saved(
            Box(round_id=round_.id, unit_id=unit.id, kind="choices" if index < 0 else "words", question=index,
                number=1, count=len(put), answers=put)
        )  # fmt: skip
    return round_


def figures_of(campaign: Campaign, unit: Unit, *parts: tuple[str, int, int]) -> bulletin.Figures:
    """Figures of a test over a unit; `parts` are (name, expected, done), everybody done is aware."""
    heads = [
        bulletin.Part(
            number, name, Tally(expected, done, done, done, 0, done * 90, done * 100), expected - done
        )
        for number, (name, expected, done) in enumerate(parts, start=1)
    ]
    tally = sum((one.tally for one in heads), Tally())
    whole = bulletin.Part(unit.id, unit.name, tally, sum(one.missing for one in heads))
    closes_at = CLOSES.astimezone(timezone(timedelta(hours=8)))
    test = bulletin.Section(1, "反诈知识测试", "test", False, closes_at, "所学校", whole, tuple(heads))
    at = closes_at - timedelta(days=8)
    return bulletin.Figures(campaign.name, "2026 年秋季学期", unit.name, "全县", at, (test,))


def an_issue(figures: bulletin.Figures, **changes: Any) -> bulletin.Issue:
    """A monthly bulletin as it is first written, not issued yet."""
    first, last = bulletin.span("month", figures.at.date())
    head = bulletin.Head(bulletin.title(figures, "month"), "阳光县教育局", "", "各学校", figures.at.date())
    values: dict[str, Any] = {
        "period": "month", "starts_on": first, "ends_on": last, "issue_no": 0, "corrects": 0, "head": head,
        "listing": "lacking", "texts": bulletin.texts(figures), "figures": figures, "before": None,
    }  # fmt: skip
    return bulletin.Issue(**{**values, **changes})


def a_bulletin_draft(campaign: Campaign, unit: Unit, **changes: Any) -> bulletins.Draft:
    """A bulletin that is being written."""
    issue = an_issue(figures_of(campaign, unit, ("甲校", 100, 100), ("乙校", 100, 60)), **changes)
    return saved(
        bulletins.Draft(campaign_id=campaign.id, unit_id=unit.id, period=issue.period,
                        content=bulletin.issue_written(issue), saved_at=OPENS, saved_by="cli")
    )  # fmt: skip


def a_bulletin(campaign: Campaign, unit: Unit, **changes: Any) -> bulletins.Issued:
    """A bulletin that was issued."""
    figures = figures_of(campaign, unit, ("甲校", 100, 100), ("乙校", 100, 60))
    issue = an_issue(figures, **{"issue_no": 1, **changes})
    content = bulletin.issue_written(issue)
    return saved(
        bulletins.Issued(campaign_id=campaign.id, unit_id=unit.id, period=issue.period, issue_no=issue.issue_no,
                         content=content, hash=bulletin.digest(content), issued_at=OPENS, issued_by="cli",
                         anchor_seq=1, anchor_hash="9f86" * 16)
    )  # fmt: skip


def a_staff(login: str, name: str, *grants: tuple[str, Unit | None]) -> Staff:
    """A staff member with grants (role, unit)."""
    row = saved(Staff(login=login, name=name, password_hash=None, epoch=1, created_at=LONG_AGO))
    for role, unit in grants:
        saved(
            RoleGrant(
                staff_id=row.id,
                role=role,
                unit_id=unit.id if unit else None,
                granted_by="cli",
                granted_at=LONG_AGO,
            )
        )
    return row
