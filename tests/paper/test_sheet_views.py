"""Staff pages and commands of texts and surveys."""

import re
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from quizsvc.core import document, sheettext
from quizsvc.paper import files, forms, queries
from quizsvc.paper.cli import paper
from tests import make
from tests.desk import Desk, text_of
from tests.paper.test_sheets import drafted
from tests.support import Watch, sqlite_only

pytestmark = sqlite_only


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


def test_a_template_becomes_a_paper_and_a_new_version_leaves_it_alone(bureau: Desk) -> None:
    listed = bureau.page("/staff/sheets")
    first = bureau.post("/staff/sheets/drafts", start="risk_notice").location
    blank = bureau.page(first)
    too_early = bureau.get(f"{first}/freeze")
    [draft] = queries.sheet_drafts()
    bureau.post(first, revision="1", text=draft.source.replace("【请填：学校全称】", "阳光县实验中学"))
    frozen = bureau.post(f"{first}/freeze", revision="2").location
    shown = bureau.page(frozen)
    page = text_of(shown)
    copied = bureau.post(f"{frozen}/copy").location
    known = queries.sheet(int(frozen.rpartition("/")[2]))

    assert "还没有冻结的文本和问卷。" in listed
    assert "还要填：学校全称。" in blank
    assert "检查并冻结" not in blank
    assert too_early.location == first
    assert isinstance(known.body, document.Document)
    assert (known.code, known.title) == ("risk-notice", known.body.title)
    exact = unescape(shown.partition('exact9">')[2].partition("</pre>")[0])
    assert sha256(exact.encode()).hexdigest() == document.digest(known.body)
    assert document.digest(known.body) in page
    assert known.body.points[0] in page
    [new, old] = queries.sheet_drafts()
    assert (new.code, new.paper_id, old.paper_id) == ("risk-notice-2", None, known.id)
    assert sheettext.read(new.source) == known.body
    assert copied.endswith(f"/{new.id}")
    assert bureau.get(first).location.endswith(frozen)


def test_a_fault_is_told_with_its_line_and_nothing_typed_is_lost(bureau: Desk) -> None:
    draft_id = drafted("回执：家长告知书")
    address = f"/staff/sheets/drafts/{draft_id}"
    typed = "回执：家长告知书\r\n发布单位：反诈中心\r\n2. 第二条 <b>\r\n"

    bureau.post(address, revision="1", text=typed)
    page = bureau.page(address)
    stale = bureau.post(address, revision="1", text="回执：别的一份")

    assert queries.sheet_draft(draft_id).source == typed.replace("\r\n", "\n").strip()
    assert "第 3 行：编号应该是 1，写的是 2" in page
    assert "这一行写的是：<b>2. 第二条 &lt;b&gt;</b>" in page
    assert "检查并冻结" not in page
    assert bureau.get(f"{address}/freeze").location.endswith(f"{address}#fault")
    assert stale.status_code == 409
    assert "回执：别的一份</textarea>" in stale.text
    assert "您写的还没有保存" in stale.text


@pytest.mark.parametrize("body", [make.a_document("pledge"), make.an_adoption(), make.a_questionnaire()])
def test_the_preview_shows_every_part(bureau: Desk, body: sheettext.Body) -> None:
    page = text_of(bureau.page(f"/staff/sheets/drafts/{drafted(body)}/freeze"))

    wanted = {
        "pledge": ["1. 先交钱再返利的，都是诈骗。", "我保证做到以上各条。", "签名的人：教职工", "再签一次"],
        "adoption": [
            "5 月 30 日前", "☐ 注册", "目标：教职工 100%，居民 60%（常住人口）", "报案助手", "做到了 还没有 不适用",
        ],
        "survey": ["单选 · 必答", "A 收到过", "1 2 3 4 5", "不慌 很慌", "打分 · 只问一部分人", "最多 500 个字"],
    }  # fmt: skip
    assert [
        words for words in wanted[sheettext.kind_of(body)] if words not in page.replace("\u00a0", " ")
    ] == []


def test_empty_starts_lack_only_what_their_author_must_write(bureau: Desk) -> None:
    for kind, text in forms.STARTS.items():
        assert sheettext.named(text)[0] == kind
        with pytest.raises(sheettext.Unclear):
            sheettext.read(text)
    start = bureau.post("/staff/sheets/drafts", start="survey").location

    assert "[单选] 题目（必答）" in bureau.page(start)
    assert "没有这份模板" in bureau.post("/staff/sheets/drafts", start="../bank").text


@pytest.mark.parametrize("count", [1, 12])
def test_the_list_takes_as_many_statements_for_many_texts(bureau: Desk, watch: Watch, count: int) -> None:
    for number in range(count):
        drafted(code=f"draft-{number}")
        make.a_sheet_paper("survey")
    bureau.page("/staff/sheets")

    with watch.counting() as seen:
        page = bureau.page("/staff/sheets")

    assert len(seen) == STATEMENTS
    assert page.count("反诈宣传意见") >= count
    assert page.count("sheet-") >= count


STATEMENTS = 3


def test_every_template_is_offered_and_can_be_read(bureau: Desk) -> None:
    ready, broken = files.templates()
    page = bureau.page("/staff/sheets")

    assert broken == []
    assert re.findall(r'name="start" value="([a-z_]+)"', page) == [
        *sheettext.KINDS,
        *(one.name for one in ready),
    ]
    assert len(ready) >= 10


def test_templates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "bad.txt").write_text("通知：放假")
    (tmp_path / "sheets" / "latin.txt").write_bytes("回执：一".encode("gbk"))
    (tmp_path / "sheets" / "good_one.txt").write_text("\ufeff" + sheettext.write(make.a_document()))

    ready, broken = files.templates(tmp_path)

    assert [(one.name, one.kind, one.title) for one in ready] == [("good_one", "receipt", "涉诈风险提示单")]
    assert broken == ["bad.txt", "latin.txt"]


def test_quizzes_and_texts_have_lists_of_their_own(bureau: Desk) -> None:
    sheet, quiz = make.a_sheet_paper("pledge"), make.a_paper().id

    quizzes, texts = bureau.page("/staff/papers"), bureau.page("/staff/sheets")

    assert f"/staff/papers/{quiz}" in quizzes
    assert f"/staff/papers/{sheet}" not in quizzes
    assert f'href="/staff/sheets/{sheet}"' in texts
    assert "反诈知识测试" not in texts
    assert bureau.get(f"/staff/papers/{sheet}").status_code == 404
    assert bureau.get(f"/staff/sheets/{quiz}").status_code == 404


def test_commands_check_and_freeze_a_file(app: Flask, at: Any, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        result = app.test_cli_runner().invoke(paper, ["sheet", *arguments])
        return result.exit_code, result.output

    good, bad = tmp_path / "staff_pledge.txt", tmp_path / "bad.txt"
    good.write_text(sheettext.write(make.a_document("pledge")))
    bad.write_text("问卷：看法\n1. 好不好？")

    assert run("check", str(good)) == (
        0, f"责任书：反诈责任书\n  2 条，教职工签，文本指纹 {document.digest(make.a_document('pledge'))}\n",
    )  # fmt: skip
    assert run("check", str(bad))[0] == 1
    assert queries.papers() == []
    first, again = run("freeze", str(good)), run("freeze", str(good))
    [row] = queries.papers()
    assert first == again
    assert (first[0], row.code) == (0, "staff-pledge")
    assert f"已冻结，编号 {row.id}，指纹 {row.content_hash}" in first[1]
    assert "责任书" in app.test_cli_runner().invoke(paper, ["list"]).output
    assert "six_donts_pledge.txt  责任书" in run("templates")[1]
