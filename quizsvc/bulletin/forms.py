"""Posted fields of the bulletins."""

from datetime import datetime
from typing import Final

from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from quizsvc.core.bulletin import HEADINGS, LISTINGS, PERIODS, Head, Issue, Texts
from quizsvc.core.refusal import Refusal
from quizsvc.web.chinese import ChineseForm

NEEDED: Final = InputRequired("请填写这一项")
LONGEST_LINE: Final = 100
LONGEST_TITLE: Final = 60
LONGEST_TEXT: Final = 4000


class Incomplete(Refusal):
    """The page that was sent does not say which draft it showed."""

    def __init__(self) -> None:
        super().__init__("这个页面不完整，请重新打开拟稿再试。")


class Begin(ChineseForm):
    """Which bulletin is to be written."""

    period = RadioField("写哪一种", choices=dict(PERIODS), default="month")


def _text(label: str, hint: str = "", rows: int = 4) -> TextAreaField:
    return TextAreaField(label, [Length(max=LONGEST_TEXT)], description=hint, render_kw={"rows": rows})


class Editor(ChineseForm):
    """What may be changed in a draft: everything but the figures."""

    seen = HiddenField()
    title = StringField("标题", [NEEDED, Length(max=LONGEST_TITLE)], description="期数自动加在后面")
    office = StringField("落款单位", [Length(max=LONGEST_LINE)])
    number = StringField(
        "文号", [Length(max=LONGEST_LINE)], description="不填就不印红头；例如 阳教办通〔2026〕47 号"
    )
    addressee = StringField("发给谁", [Length(max=LONGEST_LINE)], description="例如 各中小学、幼儿园")
    dated_on = DateField("落款日期", [NEEDED])
    opening = TextAreaField("开头", [NEEDED, Length(max=LONGEST_TEXT)], render_kw={"rows": 4})
    overall = _text(HEADINGS["overall"])
    others = _text(HEADINGS["others"], "回执、责任书、使用情况和问卷，一行一段", rows=9)
    topics = _text(HEADINGS["topics"], rows=3)
    demands = _text(HEADINGS["demands"])
    listing = RadioField("表格", choices=dict(LISTINGS))

    def head(self) -> Head:
        """Return what stands around the text."""
        lines = {name: (self[name].data or "").strip() for name in ("title", "office", "number", "addressee")}
        lines["addressee"] = lines["addressee"].rstrip(":：")  # the colon is printed
        return Head(**lines, dated_on=self.dated_on.data)

    def texts(self) -> Texts:
        """Return the sentences; browsers send their lines with a carriage return."""
        return Texts(**{name: "\n".join((self[name].data or "").split("\r\n")) for name in Texts.__slots__})


class Act(ChineseForm):
    """A button that stands alone, with the moment at which the draft that was looked at had been saved."""

    seen = HiddenField()


def filled(issue: Issue, saved_at: datetime) -> Editor:
    """Return the editor with a draft in it."""
    values = {name: getattr(issue.head, name) for name in Head.__slots__}
    values |= {name: getattr(issue.texts, name) for name in Texts.__slots__}
    return Editor(formdata=None, data={**values, "listing": issue.listing, "seen": saved_at.isoformat()})


def moment(text: str | None) -> datetime:
    """Read when the draft that was looked at had been saved."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        raise Incomplete from None
    if found.tzinfo is None or not 2000 < found.year < 2200:
        raise Incomplete
    return found
