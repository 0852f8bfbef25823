"""Forms of the staff pages; shapes only, the rules are in the operations and in core."""

import re

from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, RadioField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from quizsvc.core.access import ROLE_NAMES, Role

_NUMBER = re.compile(r"[0-9]{1,9}")
_MOST = Length(max=200, message="太长了，请缩短。")


def unit_from(text: str) -> int | None:
    """Read a unit's number from an address; anything else is no unit."""
    return int(text) if _NUMBER.fullmatch(text) else None


class SignIn(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """Login and password."""

    login = StringField(
        "登录名",
        validators=[InputRequired("请填写登录名。"), _MOST],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "密码",
        validators=[InputRequired("请填写密码。"), _MOST],
        render_kw={"autocomplete": "current-password"},
    )


class Code(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """A one-time code, of an app or printed."""

    code = StringField(
        "验证码",
        validators=[InputRequired("请填写验证码。"), _MOST],
        render_kw={
            "autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false",
        },
    )  # fmt: skip


class PresentPassword(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """The present password, before something that weakens or renews the second step."""

    current = PasswordField(
        "现在的密码",
        validators=[InputRequired("请填写现在的密码。"), _MOST],
        render_kw={"autocomplete": "current-password"},
    )


class SetUp(Code, PresentPassword):
    """The code the app shows, and the password: whoever only holds an open session sets nothing up."""


class NewPassword(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    """A new password, twice."""

    password = PasswordField(
        "新密码",
        validators=[InputRequired("请填写新密码。"), _MOST],
        render_kw={"autocomplete": "new-password"},
    )
    repeated = PasswordField(
        "再填一次新密码",
        validators=[EqualTo("password", "两次填的不一样，请再填一次。")],
        render_kw={"autocomplete": "new-password"},
    )


class ChangePassword(NewPassword):
    """The present password and a new one."""

    current = PasswordField(
        "现在的密码",
        validators=[InputRequired("请填写现在的密码。"), _MOST],
        render_kw={"autocomplete": "current-password"},
    )


class _WithRole(FlaskForm):  # type: ignore[misc]  # Flask-WTF carries no types
    login = StringField(
        "登录名",
        validators=[InputRequired("请填写登录名。"), _MOST],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    role = RadioField("身份", validate_choice=False)

    def offer(self, roles: list[Role]) -> None:
        """Offer these roles and take no other."""
        self.role.choices = [(role.value, ROLE_NAMES[role]) for role in roles]

    def validate_role(self, field: Field) -> None:
        """Take only a role that was offered."""
        if field.data not in [value for value, _ in field.choices]:
            raise ValidationError("请选一个身份。")


class Invite(_WithRole):
    """Somebody new: name, login, role."""

    name = StringField(
        "姓名", validators=[InputRequired("请填写姓名。"), _MOST], render_kw={"autocomplete": "off"}
    )


class GiveRole(_WithRole):
    """One more role for an account that exists."""
