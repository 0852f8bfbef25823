"""Requests that no page of ours sends are read without surprise."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask, request
from flask_wtf.file import FileField

import quizsvc
from quizsvc.campaign import forms
from quizsvc.web.incoming import FILES

PARTS = b"--b\r\nContent-Disposition: form-data; name=%s\r\n\r\n1\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("query", "page"),
    [("page=%ff", "%FF"), ("page=\xff", "%FF"), ("page=\xe4\xb8\xad", "中"), ("page=1", "1")],
)
def test_query_may_hold_any_octets(app: Flask, query: str, page: str) -> None:
    with app.test_request_context("/", environ_overrides={"QUERY_STRING": query}):
        assert request.args["page"] == page
        assert request.full_path.startswith("/?page=")


def test_json_is_no_form(app: Flask) -> None:
    with app.test_request_context("/", method="POST", json={"seat": 1}):
        assert not request.is_json
        assert list(request.form) == []


@pytest.mark.parametrize(("name", "known"), [(b'"seat"', ["seat"]), (b"", [])])
def test_part_without_a_name_is_no_field(app: Flask, name: bytes, known: list[str]) -> None:
    kind = "multipart/form-data; boundary=b"
    with app.test_request_context("/", method="POST", data=PARTS % name, content_type=kind):
        assert list(request.form) == known


def test_file_of_another_name_is_no_field(app: Flask) -> None:
    sent = {name: (BytesIO(b"1"), "a.txt") for name in ("file", "login")}
    with app.test_request_context("/", method="POST", data={**sent, "term": "1"}):
        assert list(request.files) == ["file"]
        assert dict(request.form) == {"term": "1"}
        request.close()


def test_every_file_field_of_our_pages_is_known() -> None:
    pages = Path(quizsvc.__file__).parent.rglob("*.html")
    inputs = [
        tag for page in pages for tag in re.findall(r"<input[^>]*>", page.read_text()) if 'type="file"' in tag
    ]
    named = {name for tag in inputs for name in re.findall(r'\bname="(\w+)"', tag)}
    fields = {
        name
        for name, field in vars(forms.Account).items()
        if getattr(field, "field_class", None) is FileField
    }

    assert len(inputs) >= 2
    assert named | fields == FILES
