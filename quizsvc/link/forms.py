"""Posted fields of the link pages; what is missing is refused by the view in its own words."""

from datetime import datetime

from flask_wtf import FlaskForm
from wtforms import DateTimeLocalField, IntegerField, StringField
from wtforms.validators import InputRequired, NumberRange

from quizsvc.clock import SHANGHAI

ROW = NumberRange(1, 2**31 - 1)


class Repoint(FlaskForm):  # type: ignore[misc]  # untyped library
    """Where a printed code is to lead."""

    round_id = IntegerField("场次", [InputRequired(), ROW])
    unit_id = IntegerField("班级", [InputRequired(), ROW])


class Extend(FlaskForm):  # type: ignore[misc]  # untyped library
    """A later end for one class."""

    closes_at = DateTimeLocalField("这个班的结束时间", [InputRequired()], format="%Y-%m-%dT%H:%M")

    def moment(self) -> datetime:
        """Return the end as a moment; it was typed in China."""
        local: datetime = self.closes_at.data
        return local.replace(tzinfo=SHANGHAI)


class Issue(FlaskForm):  # type: ignore[misc]  # untyped library
    """Where another poster of the class is to hang; empty is the classroom."""

    place = StringField("地点")
