"""Posted fields of the campaign pages."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from quizsvc.campaign.operations import (
    ALL_PARTS,
    COUNTED,
    IDENTITIES,
    IDENTITIES_OF,
    LATE,
    LONGEST_APPROVAL,
    LONGEST_ITEM_S,
    LONGEST_NAME,
    MOST_ATTEMPTS,
    PACES,
    REVIEW_PARTS,
    SHORTEST_ITEM_S,
    CampaignPlan,
    RoundPlan,
)
from quizsvc.clock import SHANGHAI
from quizsvc.core import quota
from quizsvc.core.refusal import Refusal
from quizsvc.web.chinese import ChineseForm

NEEDED = InputRequired("请填写这一项")
MOST_LIMIT_MIN = 600


class Campaign(ChineseForm):
    """A new campaign."""

    name = StringField("活动名称", [NEEDED, Length(max=LONGEST_NAME)])
    code = StringField("代号", [NEEDED, Length(max=40)])
    unit_id = SelectField("范围", [NEEDED], coerce=int)
    term = SelectField("学期", [NEEDED])
    target_percent = IntegerField("知晓率目标（%）", [NEEDED, NumberRange(1, 100)], default=100)
    target_on = DateField("达标日期", [NEEDED])
    organisers = TextAreaField("主办单位", [NEEDED, Length(max=400)])
    hotline = StringField("咨询电话", [NEEDED, Length(max=16)], default="96110")
    erase_on = DateField("清除个人信息的日期", [NEEDED])
    is_test = BooleanField("这是测试活动：处处标明“测试·不计入”，不进任何报表，以后也不能改成正式活动")

    def plan(self) -> CampaignPlan:
        """Return what was decided."""
        lines = (line.strip() for line in self.organisers.data.splitlines())
        return CampaignPlan(
            code=self.code.data.strip(),
            name=self.name.data.strip(),
            unit_id=self.unit_id.data,
            term=self.term.data,
            target_on=self.target_on.data,
            organisers=tuple(line for line in lines if line),
            erase_on=self.erase_on.data,
            target_permyriad=self.target_percent.data * 100,
            hotline=self.hotline.data.strip(),
            is_test=self.is_test.data,
        )


class Account(ChineseForm):
    """The name and picture of an official account."""

    name = StringField("公众号名称", [NEEDED, Length(max=30)])
    image = FileField("二维码图片", [FileRequired("请选择图片")])


class AnyRound(ChineseForm):
    """What a new round of every kind asks."""

    kind = "test"
    usual_title = "六分钟，练一次识骗"
    title = StringField("标题", [NEEDED, Length(max=LONGEST_NAME)])
    code = StringField("代号", [NEEDED, Length(max=40)])
    paper_id = SelectField("试卷", [NEEDED], coerce=int)
    unit_ids = SelectMultipleField("参加的单位", coerce=int, validate_choice=False)
    opens_at = DateTimeLocalField("开始", [NEEDED], format="%Y-%m-%dT%H:%M")
    closes_at = DateTimeLocalField("结束", [NEEDED], format="%Y-%m-%dT%H:%M")
    identity = SelectField("认人方式")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_submitted():
            self.title.data = self.usual_title
        self.identity.choices = {name: IDENTITIES[name] for name in IDENTITIES_OF[self.kind]}

    def plan(self) -> RoundPlan:
        """Return what was decided."""
        return RoundPlan(
            kind=self.kind,
            code=self.code.data.strip(),
            title=self.title.data.strip(),
            paper_id=self.paper_id.data,
            unit_ids=tuple(unit_id for unit_id in self.unit_ids.data if 0 < unit_id < 2**31),
            opens_at=from_local(self.opens_at.data),
            closes_at=from_local(self.closes_at.data),
            identity=self.identity.data,
        )


class Quiz(AnyRound):
    """A new round in which questions are answered against a key."""

    limit_min = IntegerField("答题限时（分钟）", [Optional(), NumberRange(1, MOST_LIMIT_MIN)])
    attempts = IntegerField("每人可以答几次", [NEEDED, NumberRange(1, MOST_ATTEMPTS)], default=3)
    threshold_percent = IntegerField("知晓标准（得分占满分的 %）", [NEEDED, NumberRange(1, 100)], default=80)
    review_after_close = SelectMultipleField("结束后能看", choices=REVIEW_PARTS, default=ALL_PARTS)

    def plan(self) -> RoundPlan:
        """Return what was decided."""
        return replace(
            super().plan(),
            limit_s=self.limit_min.data * 60 if self.limit_min.data else None,
            attempts=self.attempts.data,
            threshold_permyriad=self.threshold_percent.data * 100,
            review_after_close=tuple(self.review_after_close.data),
        )


class Round(Quiz):
    """A new round of tests."""

    late = SelectField("到时没交怎么办", choices=LATE, default="submit_from_saved")
    counted = SelectField("按哪一次计", choices=COUNTED)
    review_after_submit = SelectMultipleField("交卷后能看", choices=REVIEW_PARTS, default=ALL_PARTS)

    def plan(self) -> RoundPlan:
        """Return what was decided."""
        return replace(
            super().plan(),
            late=self.late.data,
            counted=self.counted.data,
            review_after_submit=tuple(self.review_after_submit.data),
        )


class Contest(Quiz):
    """A new round with prizes."""

    kind = "contest"
    usual_title = "反诈知识竞赛"
    limit_min = IntegerField("每次限时（分钟）", [Optional(), NumberRange(1, MOST_LIMIT_MIN)], default=10)
    attempts = IntegerField("可以答几次", [NEEDED, NumberRange(1, MOST_ATTEMPTS)], default=3)
    per = SelectField("次数按什么算", choices={"day": "每天", "round": "整场"})
    pace = SelectField("作答方式", choices=PACES)
    item_s = IntegerField("每题限时（秒）", [Optional(), NumberRange(SHORTEST_ITEM_S, LONGEST_ITEM_S)])
    papers = TextAreaField("按日期或角色换试卷", [Optional(), Length(max=10_000)])
    practice_paper_id = SelectField("练习卷", coerce=int)
    place_root_id = SelectField("所在地从哪里挑", coerce=int)
    trade_root_id = SelectField("行业或单位从哪里挑", coerce=int)
    threshold_percent = IntegerField(
        "答到多少算掌握（得分占满分的 %）", [NEEDED, NumberRange(1, 100)], default=80
    )
    codes: Mapping[str, int] = {}
    """Papers by their code; the page sets it."""

    def plan(self) -> RoundPlan:
        """Return what was decided; what the rules of contests decide for everybody is not asked."""
        return replace(
            super().plan(),
            review_after_submit=("score",),
            per=self.per.data,
            pace=self.pace.data,
            item_s=self.item_s.data,
            practice_paper_id=self.practice_paper_id.data or None,
            place_root_id=self.place_root_id.data or None,
            trade_root_id=self.trade_root_id.data or None,
            papers=papers_from((self.papers.data or "").splitlines(), self.codes),
        )


class Sheet(AnyRound):
    """A new round of what is read and signed, or asked without marks; its policy is the same for everybody."""

    def plan(self) -> RoundPlan:
        """Return what was decided, and what its kind decides."""
        return super().plan().settled()


class Receipt(Sheet):
    """A new round of receipts."""

    kind = "receipt"
    usual_title = "涉诈风险告知回执"


class Pledge(Sheet):
    """A new round of pledges."""

    kind = "pledge"
    usual_title = "反诈责任书"
    approval = StringField("批准文号", [Length(max=LONGEST_APPROVAL)])

    def plan(self) -> RoundPlan:
        """Return what was decided, and what its kind decides."""
        return replace(super().plan(), approval=self.approval.data or "").settled()


class Adoption(Sheet):
    """A new round that asks what has been installed, followed and switched on."""

    kind = "adoption"
    usual_title = "反诈工具使用情况"
    referrals = BooleanField("填过的人可以领自己的推广码：只数由码带来的份数，不公开、不排名")

    def plan(self) -> RoundPlan:
        """Return what was decided, and what its kind decides."""
        return replace(super().plan(), referrals=self.referrals.data)


class Survey(Sheet):
    """A new round of an opinion survey."""

    kind = "survey"
    usual_title = "反诈宣传问卷"


FORMS: dict[str, type[AnyRound]] = {
    form.kind: form for form in (Round, Contest, Receipt, Pledge, Adoption, Survey)
}
"""The form of each kind of round."""


class Prolong(ChineseForm):
    """A later end."""

    closes_at = DateTimeLocalField("新的结束时间", [NEEDED], format="%Y-%m-%dT%H:%M")


def papers_from(lines: Iterable[str], codes: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Read which paper is for when and whom, or refuse a line or a code."""
    wanted = quota.read(lines)
    unknown = sorted(set(wanted.values()) - codes.keys())
    if unknown:
        raise Refusal(f"没有代号是“{unknown[0][:40]}”的试卷。")
    return {key: codes[code] for key, code in wanted.items()}


def from_local(value: datetime) -> datetime:
    """Read a wall clock time in China as a moment."""
    return value.replace(tzinfo=SHANGHAI)
