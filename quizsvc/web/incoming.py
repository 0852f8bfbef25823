"""Requests as they come in: octets that are no text, parts without a name and files for texts are no surprise."""

from collections.abc import Collection
from typing import Any
from urllib.parse import quote_from_bytes

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict

FILES = frozenset({"file", "image"})
"""What the file fields of our pages are called; a form would take a file of another name for a text."""

_ASCII = bytes(range(128))


class Incoming(Request):
    """Flask's request, whatever it holds."""

    is_json = False  # no page takes JSON; Flask-WTF would take its numbers and lists for texts

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.query_string.isascii():  # raw octets need not be UTF-8; quoted ones may be anything
            self.query_string = quote_from_bytes(self.query_string, _ASCII).encode()

    def _load_form_data(self) -> None:
        super()._load_form_data()
        if None in self.form:
            self.form = _named(self.form, self.form.keys() - {None})
        if strangers := self.files.keys() - FILES:
            for name, file in self.files.items(multi=True):
                if name in strangers:
                    file.close()
            self.files = _named(self.files, FILES)


def _named(fields: Any, names: Collection[str]) -> ImmutableMultiDict[str, Any]:
    return ImmutableMultiDict([(name, value) for name, value in fields.items(multi=True) if name in names])
