"""The main job as one story: bank file, paper, roster, round, links, thirty phones, class board, county page."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from quizsvc.bank.cli import bank
from quizsvc.campaign.cli import campaign, round_
from quizsvc.link.cli import link
from quizsvc.paper.cli import paper
from quizsvc.rollup.cli import rollup
from quizsvc.roster.cli import roster
from quizsvc.staff.cli import staff
from tests.support import Browser

PUPILS = 30
DONE = 28  # of 30: two never come
FIRST_AWARE = 20  # right at the first go
AWARE = 25  # five more after a second go

ITEM = """
[[item]]
code = "story-{n:02}"
kind = "single_choice"
topic = "brushing"
audiences = ["junior"]
difficulty = 1
stem = "第 {n} 个故事里，怎么做最稳妥？"
source = "风险提示单 2023"
reviewed_on = 2026-11-15
[[item.options]]
text = "先付一点试试看{n}"
[[item.options]]
text = "停下来问问老师{n}"
key = true
[[item.options]]
text = "转给同学一起做{n}"
[item.explanation]
trick = "先给小利。"
tell = "要先付钱。"
action = "停下，告诉老师。"
"""

BLUEPRINT = """
code = "story-paper"
title = "反诈知识测试"
kind = "quiz"
banks = ["story"]
[[rule]]
count = 5
points = 20
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A shelf with one bank of eight items and a blueprint of five."""
    folder = tmp_path / "banks" / "story"
    folder.mkdir(parents=True)
    (tmp_path / "banks" / "vocabulary.toml").write_text('[topics]\nbrushing = "刷单返利"\n[beliefs]\n')
    (folder / "bank.toml").write_text(
        'code = "story"\nname = "故事题库"\naudiences = ["junior"]\nmaintainer = "题库组"\nlicence = "CC BY 4.0"\n'
    )
    (folder / "01_brushing.toml").write_text("".join(ITEM.format(n=n) for n in range(1, 9)))
    (tmp_path / "blueprint.toml").write_text(BLUEPRINT)
    rows = [
        "学校,年级,班级,座号",
        *(f"阳光县实验中学,七年级,七年级（3）班,{seat}" for seat in range(1, PUPILS + 1)),
    ]
    rows += [f"阳光县实验中学,七年级,七年级（4）班,{seat}" for seat in range(1, 11)]
    (tmp_path / "roster.csv").write_bytes("\n".join(rows).encode("gb18030"))
    return tmp_path


def said(run: FlaskCliRunner, group: Any, *words: str) -> str:
    done = run.invoke(group, list(words))
    assert done.exit_code == 0, f"{words}: {done.output}{done.exception!r}"
    return done.output


class Phone:
    """One pupil's phone: it reads pages as a person would and answers by the option's text."""

    def __init__(self, app: Flask, address: str, seat: int) -> None:
        self.browser: Browser = app.test_client()
        self.address, self.seat = address, seat

    def sit(self, rights: int) -> str:
        landing = self.browser.get(self.address).get_data(as_text=True)
        assert f'name="seat" value="{self.seat}"' in landing
        confirm = self.browser.post(self._action(landing), data={"seat": self.seat, "s": ""}).get_data(
            as_text=True
        )
        questions = self.browser.post(
            self._action(confirm), data={"seat": self.seat, "s": ""}, follow_redirects=True
        ).get_data(as_text=True)
        fields: dict[str, str] = {}
        for number, block in enumerate(re.findall(r"<fieldset.*?</fieldset>", questions, re.S), start=1):
            options = re.findall(r'name="(q\d+)" value="(\w+)"><span data-k="\w">([^<]+)', block)
            wanted = "停下来问问老师" if number <= rights else "转给同学一起做"
            name, token, _ = next(option for option in options if unescape(option[2]).startswith(wanted))
            fields |= {name: token, name.replace("q", "n"): ""}
        check = self.browser.post(
            self._action(questions), data={**fields, "step": "check"}, follow_redirects=True
        ).get_data(as_text=True)
        return self.browser.post(self._action(check), follow_redirects=True).get_data(as_text=True)

    @staticmethod
    def _action(page: str) -> str:
        return re.search(r'<form[^>]*method="post"[^>]*action="([^"]+)"', page)[1]


def signed_in(app: Flask, invitation: str) -> Browser:
    """Use an invitation link as its receiver would."""
    browser: Browser = app.test_client()
    path = re.search(r"https?://[^/\s]+(/staff/accept/\S+)", invitation)[1]
    page = browser.get(path).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    word = "晴天带伞也无妨 2026"
    done = browser.post(path, data={"csrf_token": token, "password": word, "repeated": word})
    assert done.status_code == 303, done.get_data(as_text=True)
    return browser


def test_from_a_bank_file_to_the_county_page(app: Flask, at: Any, shelf: Path) -> None:
    run = app.test_cli_runner()
    banks = str(shelf / "banks" / "story")
    assert "8 new" in said(run, bank, "import", banks)
    again = said(run, bank, "import", banks)
    assert ("0 new" in again, "0 changed" in again) == (True, True)
    said(run, paper, "freeze", str(shelf / "blueprint.toml"))
    said(run, roster, "unit", "yg", "阳光县", "county")
    said(run, roster, "import", str(shelf / "roster.csv"), "--under", "yg/", "--term", "2026-2027-1")
    said(run, campaign, "open", "--code", "autumn", "--name", "秋季反诈测试", "--unit", "yg/", "--term", "2026-2027-1",
         "--target-on", "2026-12-20", "--organiser", "阳光县教育局", "--erase-on", "2027-02-01")  # fmt: skip
    said(run, round_, "open", "--campaign", "autumn", "--code", "autumn-1", "--paper", "story-paper", "--unit", "yg/",
         "--opens", "2026-12-01T08:00", "--closes", "2026-12-20T18:00")  # fmt: skip
    said(run, link, "issue", "autumn-1")
    doors = json.loads(said(run, link, "list", "autumn-1", "--json"))
    address = next(door["address"] for door in doors if "（3）" in door["unit"])
    path = re.sub(r"^https?://[^/]+", "", address)

    for seat in range(1, DONE + 1):
        phone = Phone(app, path, seat)
        result = phone.sit(rights=4 if seat <= FIRST_AWARE else 3)
        assert f'<b class="n">{80 if seat <= FIRST_AWARE else 60}</b>' in result
        if FIRST_AWARE < seat <= AWARE:
            assert '<b class="n">100</b>' in phone.sit(rights=5)

    shown = json.loads(said(run, rollup, "show", "autumn-1", "--json"))
    heads = {
        unit["name"]: [unit[key] for key in ("expected", "done", "first_aware", "aware", "full")]
        for unit in shown["units"]
    }
    assert heads["七年级（3）班"] == [PUPILS, DONE, FIRST_AWARE, AWARE, AWARE - FIRST_AWARE]
    assert heads["七年级（4）班"] == [10, 0, 0, 0, 0]
    assert heads["阳光县"] == [40, DONE, FIRST_AWARE, AWARE, AWARE - FIRST_AWARE]

    klass = next(unit for unit in shown["units"] if unit["name"] == "七年级（3）班")
    teacher = signed_in(
        app, said(run, staff, "invite", "wang", "王敏", "--role", "class_teacher", "--unit", klass["path"])
    )
    board = words(teacher.get("/staff/classes", follow_redirects=True))
    for figure in ("还差2人", "20/30", "25/30", "66.6%", "83.3%"):
        assert figure in board

    organizer = signed_in(
        app, said(run, staff, "invite", "li", "李科", "--role", "organizer", "--unit", "yg/")
    )
    index = organizer.get("/staff/coverage").get_data(as_text=True)
    county = words(organizer.get(re.search(r'href="(/staff/rounds/\d+/coverage/\d+)"', index)[1]))
    for figure in ("还差12人", "70.0%", "28/40", "50.0%", "20/40", "62.5%", "25/40"):
        assert figure in county


def words(response: Any) -> str:
    """What a person reads on a page, without blanks."""
    return re.sub(r"\s", "", re.sub(r"<[^>]+>", "", unescape(response.get_data(as_text=True))))
