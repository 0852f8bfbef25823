"""Forms of WTForms whose built-in sentences are Chinese."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms.meta import DefaultMeta


class Chinese:
    """What a form's Meta inherits: take WTForms' own catalogue; Flask-WTF would look for Flask-Babel."""

    locales = ("zh",)

    def get_translations(self, form: Any) -> Any:
        """Return the catalogue."""
        return DefaultMeta.get_translations(self, form)


class ChineseForm(FlaskForm):  # type: ignore[misc]  # untyped library
    """A form whose built-in sentences are Chinese."""

    class Meta(Chinese, FlaskForm.Meta):  # type: ignore[misc]  # untyped library
        """Chinese sentences."""
