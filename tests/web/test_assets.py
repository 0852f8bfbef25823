"""Static files under hashed names; old names get today's file; no page leads outside."""

import gzip
import re

import pytest
from flask import Flask

from quizsvc.web.assets import ASSETS, FOLDER, asset, load
from tests.support import Browser


def test_address_carries_the_hash_of_the_content(tmp_path: object) -> None:
    (tmp_path / "a.css").write_text("one")
    before = load(tmp_path)["a.css"].address
    (tmp_path / "a.css").write_text("two")

    assert re.fullmatch(r"/static/a\.[0-9a-f]{8}\.css", before)
    assert load(tmp_path)["a.css"].address != before


def test_folder_beside_the_files_is_passed_over(tmp_path: object) -> None:
    (tmp_path / "a.css").write_text("one")
    (tmp_path / "__pycache__").mkdir()

    assert list(load(tmp_path)) == ["a.css"]


def test_every_file_is_served_as_it_is(app: Flask, phone: Browser) -> None:
    for file in (one for one in FOLDER.iterdir() if one.is_file()):
        answer = phone.get(asset(file.name))
        assert (answer.status_code, answer.data) == (200, file.read_bytes()), file.name


def test_file_is_sent_compressed_to_who_takes_it(app: Flask, phone: Browser) -> None:
    answer = phone.get(asset("desk.css"), headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == ASSETS["desk.css"].body


@pytest.mark.parametrize("name", ["desk.00000000.css", "desk.css"])
def test_name_of_another_day_gets_todays_file_not_to_be_kept(app: Flask, phone: Browser, name: str) -> None:
    answer = phone.get(f"/static/{name}")

    assert (answer.status_code, answer.data) == (200, ASSETS["desk.css"].body)
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["none.css", "desk", ".", "..%2f..%2fapp.py", "%2e%2e/app.py", "desk.css%00"]
)
def test_other_names_are_not_found(app: Flask, phone: Browser, name: str) -> None:
    assert phone.get(f"/static/{name}").status_code == 404


def test_styles_and_scripts_load_nothing_from_elsewhere() -> None:
    loads = re.compile(rb"@import|url\(|https?://|XMLHttpRequest\([^)]*http|eval\(|new Function", re.I)

    assert [name for name, one in ASSETS.items() if loads.search(one.body)] == []
