"""Opening campaigns and rounds, their official accounts, closing early, prolonging. All of it is audited."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from quizsvc import audit, clock
from quizsvc.campaign import queries
from quizsvc.campaign.models import Campaign, OfficialAccount, Round, RoundPaper, RoundUnit
from quizsvc.core import quota
from quizsvc.core.document import Document
from quizsvc.core.refusal import Refusal
from quizsvc.core.roundkind import QUIZZES, WORDS
from quizsvc.core.term import term_label
from quizsvc.db import db, insert, operation
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.paper.queries import FrozenPaper
from quizsvc.roster.models import Unit

KINDS: Final = {kind: words.name for kind, words in WORDS.items()}
IDENTITIES: Final = {
    "seat": "点序号",
    "roster": "点序号，再核对打星号的姓名",
    "nickname": "自己起昵称，一台手机一人",
    "anonymous": "不认人，一台手机一份",
}
IDENTITIES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "test": ("seat", "roster"),
    "contest": ("nickname", "seat"),
    "receipt": ("seat", "roster"),
    "pledge": ("seat", "roster"),
    "adoption": ("seat", "roster", "anonymous"),
    "survey": ("seat", "anonymous"),
}
PACES: Final = {"sheet": "整张卷子，可以来回改", "strict": "一题一题作答，不能回头（决赛用）"}
COUNTED: Final = {"best": "最好的一次", "first": "第一次", "last": "最后一次"}
LATE: Final = {
    "submit_from_saved": "用已保存的答案自动交卷",
    "accept_flagged": "再等 30 分钟，迟交的另外标明",
    "reject": "不算，可以重做",
}
REVIEW_PARTS: Final = {"score": "得分", "answers": "自己的选择", "key": "正确答案", "explanation": "解析"}
ALL_PARTS: Final = tuple(REVIEW_PARTS)
NEEDS_ANSWERS: Final = frozenset({"key", "explanation"})
PAPER_KINDS: Final = {
    kind: "quiz" if kind in QUIZZES else kind for kind in KINDS
}  # kind of round -> of paper

SHEET_ATTEMPTS: Final = {"receipt": 3, "pledge": 1, "adoption": 20, "survey": 1}
"""How often a head may declare or answer; the last declaration stands. Nobody chooses it."""

MOST_ACCOUNTS = 3
MOST_ATTEMPTS = 20
MOST_IMAGE_BYTES = 200 * 1024
SHORTEST_ITEM_S, LONGEST_ITEM_S = 5, 600
MOST_PAPERS = 200
MOST_ROLES = 8
MOST_PICKS = 200
LONGEST_APPROVAL = 60
LONGEST_NAME = 60
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_HOTLINE = re.compile(r"[0-9][0-9-]{2,15}")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignPlan:
    """What an organizer decides about a campaign; `is_test` stays as it is for ever."""

    code: str
    name: str
    unit_id: int
    term: str
    target_on: date
    organisers: tuple[str, ...]
    erase_on: date
    target_permyriad: int = 10000
    hotline: str = "96110"
    is_test: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundPlan:
    """What an organizer decides about a round; `frozen_at` None is the opening."""

    code: str
    title: str
    paper_id: int
    unit_ids: tuple[int, ...]
    opens_at: datetime
    closes_at: datetime
    kind: str = "test"
    identity: str = "seat"
    limit_s: int | None = None
    late: str = "submit_from_saved"
    attempts: int = 3
    counted: str = "best"
    threshold_permyriad: int = 8000
    review_after_submit: tuple[str, ...] = ALL_PARTS
    review_after_close: tuple[str, ...] = ALL_PARTS
    frozen_at: datetime | None = None
    per: str = "round"
    pace: str = "sheet"
    item_s: int | None = None
    practice_paper_id: int | None = None
    place_root_id: int | None = None
    trade_root_id: int | None = None
    papers: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """In place of the round's own, by day and role."""
    approval: str = ""
    """Pledges of pupils: the paper they may be asked under."""
    referrals: bool = False
    """Adoption by seat: whether who has declared may get a promotion code."""

    def settled(self) -> "RoundPlan":
        """Return the plan with what its kind decides for everybody, where it is read and signed or asked unmarked."""
        if self.kind not in SHEET_ATTEMPTS:
            return self
        return replace(
            self,
            limit_s=None,
            late="reject",
            attempts=SHEET_ATTEMPTS[self.kind],
            counted="last",
            threshold_permyriad=10000,
            review_after_submit=(),
            review_after_close=(),
            approval=self.approval.strip(),
        )


@operation
def open_campaign(*, plan: CampaignPlan, at: datetime, actor: audit.Actor, dry_run: bool = False) -> int:
    """Open a campaign and return its id."""
    _check_campaign(plan)
    if db.session.execute(select(Unit.id).where(Unit.id == plan.unit_id)).first() is None:
        raise Refusal("没有这个单位，请重新选择。")
    campaign_id: int | None = db.session.execute(
        insert(Campaign)
        .values(
            code=plan.code, name=plan.name.strip(), unit_id=plan.unit_id, term=plan.term,
            target_permyriad=plan.target_permyriad, target_on=plan.target_on,
            organisers=[organiser.strip() for organiser in plan.organisers], hotline=plan.hotline,
            is_test=plan.is_test, erase_on=plan.erase_on, created_at=at,
        )
        .on_conflict_do_nothing(index_elements=[Campaign.code])
        .returning(Campaign.id)
    ).scalar_one_or_none()  # fmt: skip
    if campaign_id is None:
        raise Refusal(f"已经有代号是“{plan.code}”的活动了，请换一个代号。", status=409)
    audit.record(
        actor=actor, action="campaign.open", on=f"campaign:{campaign_id}", at=at, code=plan.code,
        name=plan.name, unit=plan.unit_id, term=plan.term, target_permyriad=plan.target_permyriad,
        target_on=plan.target_on, organisers=plan.organisers, hotline=plan.hotline, is_test=plan.is_test,
        erase_on=plan.erase_on,
    )  # fmt: skip
    _end(dry_run)
    return campaign_id


@operation
def set_account(
    *,
    campaign_id: int,
    position: int,
    name: str,
    image: bytes,
    at: datetime,
    actor: audit.Actor,
    dry_run: bool = False,
) -> None:
    """Set or replace the official account at a position; the image comes from campaign.files.cleaned."""
    if not 1 <= position <= MOST_ACCOUNTS:
        raise Refusal(f"公众号的位置是 1 到 {MOST_ACCOUNTS}。")
    name = _named(name, "公众号名称", 30)
    if not image.startswith(_PNG) or len(image) > MOST_IMAGE_BYTES:
        raise Refusal("公众号二维码要用 200 KB 以内的 PNG 图片。")
    queries.campaign_of(campaign_id)
    account = insert(OfficialAccount).values(
        campaign_id=campaign_id, position=position, name=name, image=image
    )
    db.session.execute(
        account.on_conflict_do_update(
            index_elements=[OfficialAccount.campaign_id, OfficialAccount.position],
            set_={"name": account.excluded.name, "image": account.excluded.image},
        )
    )
    audit.record(
        actor=actor, action="campaign.account", on=f"campaign:{campaign_id}", at=at, position=position,
        name=name, bytes=len(image),
    )  # fmt: skip
    _end(dry_run)


@operation
def open_round(
    *, campaign_id: int, plan: RoundPlan, at: datetime, actor: audit.Actor, dry_run: bool = False
) -> int:
    """Open a paper to units in a window under a policy, and return the round's id."""
    campaign = queries.campaign_of(campaign_id)
    _check_round(plan, at)
    _check_erasure(plan.closes_at, campaign.erase_on)
    _check_paper(plan)
    _check_picks(plan)
    unit_ids = _topmost(plan.unit_ids, campaign.unit_path, campaign.unit_name)
    frozen_at = plan.frozen_at or plan.opens_at
    round_id: int | None = db.session.execute(
        insert(Round)
        .values(
            code=plan.code, campaign_id=campaign_id, paper_id=plan.paper_id, kind=plan.kind,
            title=plan.title.strip(), identity=plan.identity, opens_at=plan.opens_at,
            closes_at=plan.closes_at, limit_s=plan.limit_s, late=plan.late, attempts=plan.attempts,
            counted=plan.counted, threshold_permyriad=plan.threshold_permyriad,
            review_after_submit=_in_order(plan.review_after_submit),
            review_after_close=_in_order(plan.review_after_close), frozen_at=frozen_at, created_at=at,
            per=plan.per, pace=plan.pace, item_s=plan.item_s, practice_paper_id=plan.practice_paper_id,
            place_root_id=plan.place_root_id, trade_root_id=plan.trade_root_id,
            approval=plan.approval, referrals=plan.referrals,
        )
        .on_conflict_do_nothing(index_elements=[Round.code])
        .returning(Round.id)
    ).scalar_one_or_none()  # fmt: skip
    if round_id is None:
        raise Refusal(f"已经有代号是“{plan.code}”的场次了，请换一个代号。", status=409)
    db.session.execute(
        insert(RoundUnit), [{"round_id": round_id, "unit_id": unit_id} for unit_id in unit_ids]
    )
    instead = [
        {"round_id": round_id, "day": day, "role": role, "paper_id": paper_id}
        for (day, role), paper_id in sorted(plan.papers.items())
    ]
    if instead:
        db.session.execute(insert(RoundPaper), instead)
    audit.record(
        actor=actor, action="round.open", on=f"round:{round_id}", at=at, code=plan.code, campaign=campaign_id,
        paper=plan.paper_id, units=unit_ids, opens_at=plan.opens_at, closes_at=plan.closes_at,
        limit_s=plan.limit_s, late=plan.late, identity=plan.identity, attempts=plan.attempts, counted=plan.counted,
        threshold_permyriad=plan.threshold_permyriad, review_after_submit=plan.review_after_submit,
        review_after_close=plan.review_after_close, frozen_at=frozen_at, **_told_of_kind(plan),
    )  # fmt: skip
    _end(dry_run)
    return round_id


def _told_of_kind(plan: RoundPlan) -> dict[str, Any]:
    if plan.kind in SHEET_ATTEMPTS:
        return {"kind": plan.kind, "approval": plan.approval, "referrals": plan.referrals}
    if plan.kind != "contest":
        return {}
    return {
        "kind": plan.kind,
        "per": plan.per,
        "pace": plan.pace,
        "item_s": plan.item_s,
        "practice_paper": plan.practice_paper_id,
        "place_root": plan.place_root_id,
        "trade_root": plan.trade_root_id,
        "papers": [[day, role, paper_id] for (day, role), paper_id in sorted(plan.papers.items())],
    }


@operation
def close_early(*, round_id: int, at: datetime, actor: audit.Actor, dry_run: bool = False) -> None:
    """End a running round now."""
    round_ = queries.round_of(round_id)
    round_.window().check(at)
    if round_.opens_at == at:
        raise Refusal("这个场次刚刚开始，请稍后再结束。", status=409)
    db.session.execute(update(Round).where(Round.id == round_id, Round.closes_at > at).values(closes_at=at))
    audit.record(
        actor=actor, action="round.close", on=f"round:{round_id}", at=at, was=round_.closes_at, closes_at=at
    )
    _end(dry_run)


@operation
def prolong(
    *, round_id: int, closes_at: datetime, at: datetime, actor: audit.Actor, dry_run: bool = False
) -> None:
    """Let a round end later."""
    round_ = queries.round_of(round_id)
    if closes_at <= max(round_.closes_at, at):
        raise Refusal("新的结束时间要比现在的结束时间晚，也要晚于此刻。")
    if round_.window().state(at) == "closed" and round_.is_contest:
        raise Refusal("竞赛已经结束，不能再延长：名单和抽奖都以结束时为准。", status=409)
    if round_.window().state(at) == "closed" and round_.is_survey:
        raise Refusal(
            "问卷已经结束，结果也能看了，再收几份就能看出那几份答了什么。需要的话请另开一个场次。", status=409
        )
    if round_.window().state(at) == "closed" and round_.revealed_by_closing():
        raise Refusal("这个场次已经结束，答案也已经公布，不能再延长。需要的话请另开一个场次。", status=409)
    _check_erasure(closes_at, round_.erase_on)
    db.session.execute(
        update(Round).where(Round.id == round_id, Round.closes_at < closes_at).values(closes_at=closes_at)
    )
    audit.record(
        actor=actor,
        action="round.prolong",
        on=f"round:{round_id}",
        at=at,
        was=round_.closes_at,
        closes_at=closes_at,
    )
    _end(dry_run)


def _end(dry_run: bool) -> None:
    """Take everything back when it was only to be checked."""
    if dry_run:
        db.session.rollback()


def _check_campaign(plan: CampaignPlan) -> None:
    _check_code(plan.code)
    _named(plan.name, "活动名称")
    term_label(plan.term)
    if not plan.organisers:
        raise Refusal("请至少写一个主办单位，海报上要印。")
    for organiser in plan.organisers:
        _named(organiser, "主办单位", 30)
    if not _HOTLINE.fullmatch(plan.hotline):
        raise Refusal("咨询电话只写数字，例如 96110。")
    if not 1 <= plan.target_permyriad <= 10000:
        raise Refusal("目标知晓率要在 0.01% 到 100% 之间。")
    if plan.erase_on <= plan.target_on:
        raise Refusal("清除个人信息的日子要在目标日期之后。")


def _check_round(plan: RoundPlan, at: datetime) -> None:
    _check_code(plan.code)
    _named(plan.title, "场次标题")
    if plan.kind not in KINDS:
        raise Refusal(f"场次种类只能是：{'、'.join(KINDS)}。")
    _one_of(plan.identity, IDENTITIES_OF[plan.kind], "认人方式")
    _one_of(plan.counted, COUNTED, "计分方式")
    _one_of(plan.late, LATE, "到时没交的处理")
    _check_window(plan, at)
    if not 1 <= plan.attempts <= MOST_ATTEMPTS:
        raise Refusal(f"每人可以答的次数是 1 到 {MOST_ATTEMPTS} 次。")
    if not 1 <= plan.threshold_permyriad <= 10000:
        raise Refusal("知晓标准要在 0.01% 到 100% 之间。")
    _check_review(plan)
    if plan.kind == "contest":
        _check_contest(plan)
    else:
        _check_no_contest(plan)
    _check_sheet(plan)


def _check_sheet(plan: RoundPlan) -> None:
    """What is read and signed, or asked without marks, is the same for everybody: no clock, no marks, no review."""
    if plan != plan.settled():
        raise Refusal(f"{KINDS[plan.kind]}没有限时、次数、知晓标准和看答案这些设置：对谁都一样，请不要填。")
    if plan.approval and (
        plan.kind != "pledge" or len(plan.approval) > LONGEST_APPROVAL or not plan.approval.isprintable()
    ):
        raise Refusal(f"批准文号只有学生签的责任书才写，最多 {LONGEST_APPROVAL} 个字，不能换行。")
    if plan.referrals and (plan.kind != "adoption" or plan.identity == "anonymous"):
        raise Refusal("推广码只有点序号的使用情况才能发：不认人的时候，不知道是谁推广的。")


def _check_no_contest(plan: RoundPlan) -> None:
    only_contests = (plan.per != "round", plan.pace != "sheet", plan.item_s, plan.practice_paper_id,
                     plan.place_root_id, plan.trade_root_id, plan.papers)  # fmt: skip
    if any(only_contests):
        raise Refusal("每天的次数、一题一题作答、练习卷、按日期或角色换卷、所在地和行业，只有竞赛才有。")


def _check_contest(plan: RoundPlan) -> None:
    _one_of(plan.per, quota.PER, "次数")
    _one_of(plan.pace, PACES, "作答方式")
    if plan.late != "submit_from_saved":
        raise Refusal("竞赛对谁都一样：到时没交，一律用已保存的答案自动交卷，不收迟交的。")
    if plan.counted != "best":
        raise Refusal("竞赛怎么计成绩写在规则里，这里请选“最好的一次”。")
    if not set(plan.review_after_submit) <= {"score"}:
        raise Refusal(
            "竞赛没结束时别人还在答同样的题，交卷后只能看得分；自己的选择、正确答案、解析要等结束后再看。"
        )
    if plan.pace == "sheet" and plan.item_s is not None:
        raise Refusal("每题限时只在一题一题作答时才有。")
    if plan.pace == "strict" and plan.item_s is None and plan.limit_s is None:
        raise Refusal("一题一题作答要限时：请写答题限时，或者每题限时。")
    if plan.item_s is not None and not SHORTEST_ITEM_S <= plan.item_s <= LONGEST_ITEM_S:
        raise Refusal(f"每题限时是 {SHORTEST_ITEM_S} 到 {LONGEST_ITEM_S} 秒。")
    if plan.identity == "seat" and (
        plan.place_root_id or plan.trade_root_id or any(role for _, role in plan.papers)
    ):
        raise Refusal("点序号的竞赛不问所在地、行业和角色；要问的话，认人方式请选昵称。")
    _check_days(plan)


def _check_days(plan: RoundPlan) -> None:
    first, last = clock.local_day(plan.opens_at).isoformat(), clock.local_day(plan.closes_at).isoformat()
    outside = sorted({day for day, _ in plan.papers if day and not first <= day <= last})
    if outside:
        raise Refusal(f"{outside[0]} 不在开放的日子里（{first} 至 {last}）。")
    if len(plan.papers) > MOST_PAPERS or len(quota.roles(plan.papers)) > MOST_ROLES:
        raise Refusal(f"最多写 {MOST_PAPERS} 行、{MOST_ROLES} 种角色。")


def _check_window(plan: RoundPlan, at: datetime) -> None:
    if plan.closes_at <= plan.opens_at:
        raise Refusal("结束时间要在开始时间之后。")
    if plan.closes_at <= at:
        raise Refusal("结束时间已经过去了，请改到以后。")
    if plan.frozen_at is not None and plan.frozen_at > plan.closes_at:
        raise Refusal("应测人数的冻结时间不能晚于结束时间。")
    open_s = (plan.closes_at - plan.opens_at).total_seconds()
    if plan.limit_s is not None and not 60 <= plan.limit_s <= open_s:
        raise Refusal("答题限时至少 1 分钟，也不能比开放的时间还长；不限时请留空。")


def _check_review(plan: RoundPlan) -> None:
    for moment, parts in (("交卷后", plan.review_after_submit), ("结束后", plan.review_after_close)):
        if not set(parts) <= REVIEW_PARTS.keys():
            raise Refusal(f"{moment}能看的内容只有：{'、'.join(REVIEW_PARTS.values())}。")
        if NEEDS_ANSWERS & set(parts) and "answers" not in parts:
            raise Refusal(f"{moment}要看正确答案或解析，就要同时能看自己的选择。")
    if not set(plan.review_after_submit) <= set(plan.review_after_close):
        raise Refusal("交卷后能看的内容，场次结束后也要能看：看过的收不回来。")


def _check_erasure(closes_at: datetime, erase_on: date) -> None:
    if clock.local_day(closes_at) >= erase_on:
        raise Refusal(f"结束时间要早于清除个人信息的日子（{erase_on.month} 月 {erase_on.day} 日）。")


def _check_paper(plan: RoundPlan) -> None:
    kind = db.session.execute(select(Paper.kind).where(Paper.id == plan.paper_id)).scalar_one_or_none()
    if kind is None:
        raise Refusal("没有这份试卷，请重新选择。")
    if kind != PAPER_KINDS[plan.kind]:
        raise Refusal(f"这一份不是{WORDS[plan.kind].paper}，不能用在{KINDS[plan.kind]}的场次。")
    if plan.kind == "contest":
        _check_papers(plan)
    if plan.kind == "pledge":
        _check_signer(plan)


def _check_signer(plan: RoundPlan) -> None:
    """Pupils are not asked to pledge anything unless somebody answers for it."""
    body = paper.sheet(plan.paper_id).body
    if isinstance(body, Document) and (body.signer == "student") != bool(plan.approval):
        raise Refusal(
            "让学生签的责任书要有上级的批准：请写批准文号。没有批准的，请改用家长签的回执。"
            if body.signer == "student"
            else "批准文号只有学生签的责任书才写，这一份不是学生签的。"
        )


def _check_papers(plan: RoundPlan) -> None:
    """Everybody gets a paper of one weight, and what may be practised is none of it."""
    others = set(plan.papers.values()) | ({plan.practice_paper_id} if plan.practice_paper_id else set())
    quizzes = db.session.scalars(select(Paper.id).where(Paper.id.in_(others), Paper.kind == "quiz")).all()
    if set(quizzes) != others:
        raise Refusal("按日期或角色的试卷、练习卷都要是已定稿的测试卷，请重新选择。")
    played = [paper.frozen(paper_id) for paper_id in sorted({plan.paper_id, *plan.papers.values()})]
    for one in played[1:]:
        if _weight(one) != _weight(played[0]):
            raise Refusal(
                f"各份试卷的题数和总分要一样，成绩才能放在一起比：“{played[0].title}”是 {_told(played[0])}，"
                f"“{one.title}”是 {_told(one)}。"
            )
    if plan.practice_paper_id:
        shared = _items(paper.frozen(plan.practice_paper_id)) & {
            item for one in played for item in _items(one)
        }
        if shared:
            raise Refusal(
                f"练习卷里有 {len(shared)} 道竞赛的题（例如 {min(shared)[1]}）。练习马上给答案，请换一份没有这些题的。"
            )


def _weight(frozen: FrozenPaper) -> tuple[int, int]:
    return frozen.blueprint.item_count, frozen.blueprint.total_points


def _told(frozen: FrozenPaper) -> str:
    return f"{frozen.blueprint.item_count} 题 {frozen.blueprint.total_points} 分"


def _items(frozen: FrozenPaper) -> set[tuple[str, str]]:
    return {(entry.bank, entry.item.code) for entry in frozen.items}


def _check_picks(plan: RoundPlan) -> None:
    for root_id, what in ((plan.place_root_id, "所在地"), (plan.trade_root_id, "行业")):
        if root_id is None:
            continue
        under = db.session.execute(select(func.count()).where(Unit.parent_id == root_id)).scalar_one()
        if not 1 <= under <= MOST_PICKS:
            raise Refusal(f"{what}要选一个下面有 1 到 {MOST_PICKS} 个单位的上级，参加的人从下一级里挑。")
    if plan.place_root_id is not None and plan.place_root_id == plan.trade_root_id:
        raise Refusal("所在地和行业要是两个不同的上级。")


def _topmost(unit_ids: Iterable[int], home_path: str, home_name: str) -> list[int]:
    """The chosen units without those that another chosen one holds; refuses what is not the campaign's."""
    wanted = set(unit_ids)
    if not wanted:
        raise Refusal("请至少选一个参加的单位。")
    paths = {
        row.id: row.path for row in db.session.execute(select(Unit.id, Unit.path).where(Unit.id.in_(wanted)))
    }
    if paths.keys() != wanted or not all(path.startswith(home_path) for path in paths.values()):
        raise Refusal(f"有的单位不在这个活动的范围（{home_name}）里，请重新选择。")
    return sorted(
        unit_id
        for unit_id, path in paths.items()
        if not any(path != other and path.startswith(other) for other in paths.values())
    )


def _in_order(parts: Collection[str]) -> list[str]:
    return [part for part in REVIEW_PARTS if part in parts]


def _one_of(value: str, allowed: Collection[str], what: str) -> None:
    if value not in allowed:
        raise Refusal(f"{what}只能是：{'、'.join(allowed)}。")


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise Refusal("代号只用小写字母、数字和连字符，2 到 40 个字符，例如 2026-autumn。")


def _named(text: str, what: str, longest: int = LONGEST_NAME) -> str:
    text = text.strip()
    if not text or len(text) > longest or not text.isprintable():
        raise Refusal(f"{what}要写 1 到 {longest} 个字，不能换行。")
    return text


@operation
def mark_erased(*, campaign_id: int, counts: Mapping[str, Any], at: datetime, actor: audit.Actor) -> bool:
    """Write down, once, that nothing leads from a campaign's goes to seats any more; False: it stood there."""
    return _mark(Campaign.erased_at, campaign_id, "campaign.erased", counts, at, actor)


@operation
def mark_cleared(*, campaign_id: int, counts: Mapping[str, Any], at: datetime, actor: audit.Actor) -> bool:
    """Write down, once, that the answers of a campaign are gone too; False: it stood there."""
    return _mark(Campaign.cleared_at, campaign_id, "campaign.answers_erased", counts, at, actor)


def _mark(
    column: InstrumentedAttribute[datetime | None],
    campaign_id: int,
    action: str,
    counts: Mapping[str, Any],
    at: datetime,
    actor: audit.Actor,
) -> bool:
    marked = db.session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id, column.is_(None))
        .values({column: at})
        .returning(Campaign.id)
    ).scalar_one_or_none()
    if marked is not None:
        audit.record(actor=actor, action=action, on=f"campaign:{campaign_id}", at=at, **counts)
    return marked is not None
