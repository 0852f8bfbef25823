"""Posted fields of the editor of the rules, and the texts it suggests."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.meta import DefaultMeta
from wtforms.validators import InputRequired, Length, NumberRange, Optional, StopValidation, ValidationError

from quizsvc.clock import SHANGHAI
from quizsvc.core import announcement, rulebook, standing
from quizsvc.core.rulebook import LABELS, Rules, Source, Tier
from quizsvc.web.chinese import Chinese, ChineseForm

STRATEGIES: Final = {key: one.name for key, one in standing.STRATEGIES.items()}
UNWRITTEN: Final = -1
"""The value of a prize while nobody has said it: a gap, and not a prize worth nothing."""

LOCAL: Final = "%Y-%m-%dT%H:%M"
NEEDED = InputRequired("请填写这一项")
_ROW = re.compile(r"(?:tiers|sources)-[0-9]{1,3}-[a-z_]+", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?", re.ASCII)
_APART = re.compile(r"[\s,，、;；%％]+")


def _long(field: str, hint: str = "") -> TextAreaField:
    return TextAreaField(
        LABELS[field], [Length(max=2 * rulebook.LONGEST_TEXT)], description=hint, render_kw={"rows": 2}
    )


def _moment(field: str, hint: str = "") -> DateTimeLocalField:
    return DateTimeLocalField(LABELS[field], [Optional()], format=LOCAL, description=hint)


class _Row(Form):  # type: ignore[misc]  # untyped library
    class Meta(Chinese, DefaultMeta):  # type: ignore[misc]  # untyped library
        """Chinese sentences."""


class TierRow(_Row):
    """One row of prizes."""

    name = StringField("奖项", [Length(max=rulebook.LONGEST_NAME)])
    item = StringField("奖品", [Length(max=rulebook.LONGEST_NAME)])
    number = IntegerField("名额", [Optional(), NumberRange(0, rulebook.MOST_OF_A_TIER)])
    value_yuan = IntegerField("每份价值（元）", [Optional(), NumberRange(0, rulebook.MOST_YUAN)])
    by = SelectField("怎么产生", choices=rulebook.BY, default="draw")

    @property
    def blank(self) -> bool:
        """Say whether nothing has been written into it."""
        return not (self.name.data or self.item.data or self.number.data or self.value_yuan.data)

    def tier(self) -> Tier:
        """Return what was decided; what has been left out is refused later, with the other gaps."""
        return Tier(
            name=self.name.data or "",
            item=self.item.data or "",
            number=self.number.data or 0,
            value_yuan=UNWRITTEN if self.value_yuan.data is None else self.value_yuan.data,
            by=self.by.data,
        )


def _needed_with_a_name(form: Any, field: Field) -> None:
    """Ask for the time of every value that has a name, and of no other."""
    if not field.raw_data or not field.raw_data[0].strip():
        field.errors = []
        raise StopValidation("请写明什么时候开出" if form.name.data else "")


class SourceRow(_Row):
    """One row of public values."""

    kind = SelectField("种类", choices=rulebook.SOURCES, default="lottery")
    name = StringField("哪一个", [Length(max=rulebook.LONGEST_NAME)])
    at = DateTimeLocalField("什么时候开出", [_needed_with_a_name], format=LOCAL)

    @property
    def blank(self) -> bool:
        """Say whether nothing has been written into it."""
        return not self.name.data and self.at.data is None

    def source(self) -> Source:
        """Return what was decided; its chance follows from what it is."""
        source = Source(kind=self.kind.data, name=self.name.data or "", at=from_local(self.at.data), bits=0)
        return with_bits(source)


class Editor(ChineseForm):
    """The rules, apart from what the round decides."""

    seen = HiddenField()
    who = _long("who", "哪些人可以参加；自愿参加")
    minors = BooleanField("未成年人可以参加（要有批准文号，领奖要有监护人）")
    approval = StringField(LABELS["approval"], [Length(max=200)], description="没有未成年人时可以不填")
    scoring = _long("scoring", "每题几分、多选题怎么算")
    strategy = SelectField(LABELS["strategy"], choices=STRATEGIES)
    qualifies = StringField(
        LABELS["qualifies"],
        [NEEDED, Length(max=100)],
        description="占满分的 %，从高到低，用逗号隔开：前面的人不够时，再补入后面的",
    )
    tiers = FieldList(FormField(TierRow), max_entries=rulebook.MOST_TIERS)
    selection = _long("selection", "一句话说清哪些奖按名次、哪些奖抽")
    draw_at = _moment("draw_at", "北京时间；要在所有公开号码开出之后")
    sources = FieldList(FormField(SourceRow), max_entries=rulebook.MOST_SOURCES)
    fallback = _long("fallback", "例如某一期没有开奖，用哪一期代替")
    published_where = _long("published_where", "网站、公众号或公告栏，写全名")
    published_days = IntegerField(LABELS["published_days"], [NEEDED, NumberRange(1, rulebook.MOST_DAYS)])
    claim = _long("claim", "地点、时间、怎么证明是本人")
    claim_days = IntegerField(
        LABELS["claim_days"],
        [NEEDED, NumberRange(1, rulebook.MOST_DAYS)],
        description="名单公布后多少天内",
    )
    documents = _long("documents", "只看证件，不复印、不拍照")
    forfeiture = _long("forfeiture")
    tax = _long("tax", "奖品按偶然所得计税，谁来承担要写明")
    fairness = _long("fairness", "什么算作弊、查实后怎么办、怎么申诉")
    privacy = _long("privacy", "收什么、谁能看、什么时候删")
    contact = _long("contact", "单位、电话、接听时间")
    board = SelectField(LABELS["board"], choices=rulebook.BOARDS)
    board_freezes_at = _moment("board_freezes_at", "只在“公布到封榜时刻”时填")
    board_least = IntegerField(
        LABELS["board_least"],
        [NEEDED, NumberRange(1, rulebook.MOST_IN_A_UNIT)],
        description="防止从名次认出个人",
    )

    def validate_qualifies(self, field: Field) -> None:
        """Ask for shares."""
        steps(field.data)

    def rules(self, round_: rulebook.Round) -> Rules:
        """Return what was decided, with what the round decides."""
        plain = {
            name: self[name].data or ""
            for name in ("who", "approval", "scoring", "strategy", "selection", "fallback", "published_where", "claim",
                         "documents", "forfeiture", "tax", "fairness", "privacy", "contact", "board")
        }  # fmt: skip
        return Rules(
            round=round_,
            **plain,
            minors=self.minors.data,
            qualifies=steps(self.qualifies.data),
            tiers=tuple(row.form.tier() for row in self.tiers if not row.form.blank),
            sources=tuple(row.form.source() for row in self.sources if not row.form.blank),
            draw_at=_from_local(self.draw_at.data),
            board_freezes_at=_from_local(self.board_freezes_at.data),
            published_days=self.published_days.data,
            claim_days=self.claim_days.data,
            board_least=self.board_least.data,
        )


class Publish(FlaskForm):  # type: ignore[misc]  # untyped library
    """What is typed before rules are announced."""

    looked_at = HiddenField()
    after = HiddenField()
    reason = StringField("为什么改", description="会和新版本一起公布")
    confirmation = StringField("场次代号", description="原样写一遍，表示看清楚了")


def editor(posted: MultiDict[str, str]) -> Editor:
    """Read what was posted; rows with odd names are not there."""
    odd = {name for name in posted if name.startswith(("tiers-", "sources-")) and not _ROW.fullmatch(name)}
    if not odd:
        return Editor(formdata=posted)
    return Editor(formdata=MultiDict(one for one in posted.items(multi=True) if one[0] not in odd))


def filled(rules: Rules, seen: str) -> Editor:
    """Return the editor with rules in it."""
    plain = {name: getattr(rules, name) for name in LABELS if "." not in name}
    return Editor(
        formdata=None,
        data={
            **plain,
            "seen": seen,
            "qualifies": "，".join(f"{step / 100:g}" for step in rules.qualifies),
            "tiers": [_values(tier) for tier in rules.tiers] or [{}],
            "sources": [{**_values(one), "at": one.at.astimezone(SHANGHAI)} for one in rules.sources] or [{}],
            "draw_at": rules.draw_at and rules.draw_at.astimezone(SHANGHAI),
            "board_freezes_at": rules.board_freezes_at and rules.board_freezes_at.astimezone(SHANGHAI),
        },
    )


def step(form: Editor, wanted: str) -> bool:
    """Add or take away a row, when that is the button, or do nothing to check; say whether it was one of these."""
    if wanted == "check":
        return True
    act, _, place = wanted.partition(":")
    rows = {"tier": form.tiers, "source": form.sources}.get(act.partition("-")[2])
    if rows is None:
        return False
    if act.startswith("add-"):
        if len(rows) < rows.max_entries:
            rows.append_entry()
    else:
        rows.entries = [row for row in rows.entries if row.id != place]
    return True


def steps(text: str) -> tuple[int, ...]:
    """Read shares as they are typed: "100, 90" is (10000, 9000)."""
    found = [_PERCENT.fullmatch(word) for word in _APART.split(text.strip()) if word]
    if not found or None in found:
        raise ValidationError("请写百分数，从高到低，用逗号隔开，例如 100，90")
    return tuple(int(one[1]) * 100 + int((one[2] or "0").ljust(2, "0")) for one in found if one is not None)


def with_bits(source: Source) -> Source:
    """Return the same public value with all the chance it can carry."""
    return Source(kind=source.kind, name=source.name, at=source.at, bits=announcement.most_bits(source))


def from_local(value: datetime) -> datetime:
    """Read a wall clock time in China as a moment."""
    return value.replace(tzinfo=SHANGHAI)


def suggested(round_: rulebook.Round) -> Rules:
    """Return rules to begin with: texts that hold for most contests, and what nobody else can know left empty."""
    prizes: dict[str, Any] = {
        "tiers": (
            Tier(name="一等奖", item="", number=1, value_yuan=UNWRITTEN, by="draw"),
            Tier(name="二等奖", item="", number=5, value_yuan=UNWRITTEN, by="draw"),
            Tier(name="三等奖", item="", number=20, value_yuan=UNWRITTEN, by="draw"),
        ),
        "selection": "各奖项都在达到成绩的人里抽取，机会均等，过程和文件全部公开。",
        "draw_at": _morning(round_.closes_at + timedelta(days=3)),
        "fallback": "哪一个号码没有按时开出，就用同一种号码接下来开出的一期；抽奖时间相应推后，并重新公布。",
        "claim": "凭自己手机上的领奖码，到主办单位指定的地点领取。未成年人由监护人陪同或代领。",
        "documents": "本人有效身份证件，看过就还，不复印、不拍照。",
        "forfeiture": "逾期没有领取，视为放弃，由名单上的下一位候补。",
        "tax": "奖品涉及的税费由主办单位承担，得奖的人不用付任何钱。",
    }
    return Rules(
        round=round_,
        who="自愿参加。主办单位和承办单位参与出题、管理的人员不参加评奖。",
        scoring="答对得分，答错、没答都不得分，也不扣分。多选题全部选对才得分。",
        qualifies=(9000, 8000),
        fairness=(
            "一个人用多个身份参加、用程序答题、请人代答的，由人核实后取消资格，不由机器自动判定。"
            "取消时告诉本人理由，本人可以申诉。"
        ),
        privacy=(
            "答题只收昵称和答题记录，不收姓名、手机号、证件号。得奖的人领奖时再留手机号，加密保存，只有发奖的人看得到。"
            "活动结束后按期删除。"
        ),
        board="open",
        **({} if round_.is_test else prizes),
    )


def _morning(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(hour=10, minute=0, second=0, microsecond=0)


def _from_local(value: datetime | None) -> datetime | None:
    return None if value is None else from_local(value)


def _values(row: Tier | Source) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in row.__slots__}
    return {name: None if value == UNWRITTEN else value for name, value in values.items()}
