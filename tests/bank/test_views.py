"""Staff pages of the banks."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from quizsvc import formats
from quizsvc.audit import CLI, AuditEntry
from quizsvc.bank import files, forms, operations, queries
from quizsvc.core import bankfile
from quizsvc.db import db
from quizsvc.roster.models import Unit
from tests import make
from tests.conftest import NOON
from tests.desk import Desk, text_of
from tests.support import Browser, Watch

SCENE = bankfile.Scene("sms", "1069 开头号码", "三倍赔付 <b>名额有限</b>", ("三倍赔付",))


def imported(*items: bankfile.Item) -> None:
    operations.import_bank(code="test", name="测试题库", items=items, at=NOON, actor=CLI)


def drafts(*items: bankfile.Item) -> None:
    """Write a next wording of each item on the pages."""
    numbers = {row.item.code: row.number for row in queries.newest("test")}
    for item in items:
        operations.save_item(
            bank_code="test", item=item, opened=numbers.get(item.code, 0), vocabulary=files.vocabulary(),
            at=NOON, actor=CLI,
        )  # fmt: skip


def a_colleague(app: Flask) -> Desk:
    return Desk(app, "colleague", ("organizer", db.session.query(Unit).first()))


class Form(HTMLParser):
    """Reads what a browser would post of the form on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._select = ""
        self._area = ""
        self.feed(page)

    def _add(self, name: str, value: str) -> None:
        self.fields.setdefault(name, []).append(value)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type") == "checkbox":
            if "checked" in given:
                self._add(given["name"], given["value"])
        elif tag == "input" and "name" in given:
            self._add(given["name"], given.get("value", ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self._add(self._select, given["value"])
        elif tag == "textarea":
            self._area = given["name"]
            self._add(self._area, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = self.fields[self._area][-1].removeprefix("\n")  # as a browser does
            self.fields[self._area][-1] = text.replace("\n", "\r\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area][-1] += data


def fields_of(desk: Desk, address: str) -> dict[str, list[str]]:
    found = Form(desk.page(f"/staff/banks/test/{address}").partition("<main")[2]).fields
    return {name: values for name, values in found.items() if name not in ("csrf_token", "q1")}


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


@pytest.mark.parametrize(
    "address",
    ["/staff/banks", "/staff/items", "/staff/banks/test", "/staff/banks/test/brushing-01",
     *(f"/staff/banks/test/{name}" for name in ("new", "import", "review", "export/toml", "brushing-01/edit",
                                                "brushing-01/history", "brushing-01/phone"))],
)  # fmt: skip
def test_pages_are_for_those_who_manage_banks(app: Flask, at: Any, phone: Browser, address: str) -> None:
    imported(make.an_item())
    school = make.a_school(make.a_county())
    teacher = Desk(app, "lin", ("class_teacher", make.a_class(school)))
    admin = Desk(app, "he", ("school_admin", school))

    assert teacher.get(address).status_code == 404
    assert admin.get(address).status_code == 404
    assert phone.get(address).status_code == 303


@pytest.mark.parametrize(
    "address", ["/staff/banks/nothing", "/staff/banks/test/nothing", "/staff/banks/nothing/brushing-01",
                "/staff/banks/test/brushing-01?version=2"]
)  # fmt: skip
def test_unknown_bank_item_or_version_is_404(bureau: Desk, address: str) -> None:
    imported(make.an_item())

    assert bureau.get(address).status_code == 404


def test_list_is_friendly_without_any_bank(bureau: Desk) -> None:
    page = bureau.page("/staff/banks")

    assert "还没有题库。" in page
    assert "<table" not in page


def test_bank_page_counts_and_lists(bureau: Desk) -> None:
    imported(
        make.an_item("brushing-01", scene=SCENE),
        make.an_item("police-01", topic="fake_police", difficulty=3, audiences=("senior",)),
    )

    page = bureau.page("/staff/banks/test")

    assert '<b>容易 <span class="n">1</span> · 较难 <span class="n">1</span></b>' in page
    assert "已发布" in page
    assert "冒充公检法及政府机关" in page
    assert [code in page for code in ("brushing-01", "police-01")] == [True, True]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("topic=brushing", ["a-1", "b-1"]),
        ("topic=fake_police", ["c-1"]),
        ("kind=single_choice", ["a-1", "b-1", "c-1"]),
        ("kind=multiple_choice", []),
        ("audience=senior", ["b-1", "c-1"]),
        ("difficulty=2&topic=brushing", ["b-1"]),
        ("topic=", ["a-1", "b-1", "c-1"]),
        ("topic=<script>", []),
        ("q=第 a-1 种", ["a-1"]),
        ("q=Ｂ-1", ["b-1"]),
        ("q=%20", ["a-1", "b-1", "c-1"]),
        ("q=种 怎么做 c-1", ["c-1"]),
        ("q=问问老师", ["a-1", "b-1", "c-1"]),
        ("q=没有这句话", []),
        ("state=published", ["a-1", "b-1", "c-1"]),
        ("state=draft", []),
        ("page=99", ["a-1", "b-1", "c-1"]),
    ],
)
def test_bank_page_filters_items(bureau: Desk, query: str, shown: list[str]) -> None:
    imported(
        make.an_item("a-1"),
        make.an_item("b-1", audiences=("junior", "senior"), difficulty=2),
        make.an_item("c-1", topic="fake_police", audiences=("senior",)),
    )

    page = bureau.page(f"/staff/banks/test?{query}")

    assert [code for code in ("a-1", "b-1", "c-1") if f"/staff/banks/test/{code}" in page] == shown
    assert "<script>" not in page.replace("<script src=", "")


def test_item_page_shows_the_item_whole(bureau: Desk) -> None:
    imported(
        make.an_item(
            scene=SCENE, twin="pair-a", region="阳光县", valid_until=(NOON + timedelta(days=99)).date()
        )
    )

    page = bureau.page("/staff/banks/test/brushing-01")

    assert "<mark>三倍赔付</mark> &lt;b&gt;名额有限&lt;/b&gt;" in page
    for text in ("停下来问问老师", "✓ 正确", "先给小利。", "要先付钱。", "停下，告诉老师。", "风险提示单 2023",
                 "pair-a", "阳光县", "2027-03-21", "2026-11-15", "刷单返利", "先收到过小额返利"):  # fmt: skip
        assert text in page, text
    assert page.count("✓ 正确") == 1
    assert "重新启用" not in page


def test_item_page_shows_earlier_wordings(bureau: Desk) -> None:
    first = make.an_item()
    imported(first)
    imported(replace(first, stem="换一种问法？"))

    newest = bureau.page("/staff/banks/test/brushing-01")
    earlier = bureau.page("/staff/banks/test/brushing-01?version=1")

    assert ("换一种问法？" in newest, first.stem in newest, "旧版本" in newest) == (True, False, False)
    assert ("换一种问法？" in earlier, first.stem in earlier, "旧版本" in earlier) == (False, True, True)


@pytest.mark.parametrize(
    ("address", "statements"),
    [
        ("/staff/banks", 1),
        ("/staff/items?q=怎么做", 1),
        ("/staff/banks/test", 2),
        ("/staff/banks/test?state=draft&page=2", 2),
        ("/staff/banks/test/review", 2),
        ("/staff/banks/test/new", 1),
        ("/staff/banks/test/import", 1),
        ("/staff/banks/test/b-00", 1),
        ("/staff/banks/test/b-00/edit", 2),
        ("/staff/banks/test/b-00/history", 1),
        ("/staff/banks/test/b-00/phone", 1),
    ],
)
def test_pages_take_as_many_statements_for_many_items(
    bureau: Desk, watch: Watch, address: str, statements: int
) -> None:
    bureau.get("/staff/banks")
    for count in (1, 60 if "page=" in address else 12):
        items = [make.an_item(f"b-{number:02}") for number in range(count)]
        imported(*items)
        drafts(*(replace(item, difficulty=3) for item in items))
        with watch.counting() as seen:
            assert bureau.get(address).status_code == 200
        of_bank = [statement for statement in seen if "bank_" in statement]
        assert len(of_bank) == statements, "\n".join(seen)
        assert len(seen) == statements + 1, "\n".join(seen)


def test_long_lists_come_in_pages(bureau: Desk) -> None:
    imported(*(make.an_item(f"b-{number:03}") for number in range(120)))

    first, last = bureau.page("/staff/items?q=怎么做"), bureau.page("/staff/items?q=怎么做&page=3")

    assert "第 1 页，共 3 页" in text_of(first)
    assert "page=2" in first
    assert [code for code in ("b-000", "b-049", "b-050", "b-119") if f"/test/{code}" in first] == [
        "b-000",
        "b-049",
    ]
    assert [code for code in ("b-099", "b-100", "b-119") if f"/test/{code}" in last] == ["b-100", "b-119"]
    assert "下一页" not in last


def test_search_over_all_banks_names_the_bank_and_leaves_out_what_is_retired(bureau: Desk) -> None:
    imported(make.an_item("a-1"), make.an_item("a-2"))
    operations.import_bank(code="rural", name="乡村题库", items=[make.an_item("a-3")], at=NOON, actor=CLI)
    operations.retire(bank_code="test", item_code="a-2", at=NOON, actor=CLI)

    page, retired = bureau.page("/staff/items"), bureau.page("/staff/items?state=retired")

    assert [code for code in ("a-1", "a-2", "a-3") if f"/{code}" in page] == ["a-1", "a-3"]
    assert ("乡村题库" in page, "/staff/banks/test/a-2" in retired, "/a-1" in retired) == (True, True, False)


# --- the editor


def test_editor_gives_back_exactly_what_it_was_given(bureau: Desk) -> None:
    """Opens every kind of item there is in the editor and saves it untouched."""
    folder = files.read_folder(files.SHELF / "secondary", today=NOON.date())
    kinds = {
        (item.kind, item.scene is not None, item.genuine, bool(item.twin), len(item.options)): item
        for item in folder.items
    }
    odd = make.an_item(
        "odd-1", scene=replace(SCENE, text="第一行\n\n第三行 <i>&amp;", tells=("第一行", "第三行 <i>&amp;")),
        region="阳光县", valid_until=(NOON + timedelta(days=99)).date(), stem="\"引号\" 和 <b>？",
        options=(*(bankfile.Option(f"选项 {n}", key=n == 3, pinned=n == 7) for n in range(8)),),
    )  # fmt: skip
    imported(odd, *kinds.values())

    for item in (odd, *kinds.values()):
        answer = bureau.post(f"/staff/banks/test/{item.code}/edit", **fields_of(bureau, f"{item.code}/edit"))
        assert answer.status_code == 303, text_of(answer.get_data(as_text=True))
    assert {row.number for row in queries.newest("test")} == {1}
    assert len(kinds) > 8


def test_edit_is_saved_as_a_draft_and_shown(bureau: Desk) -> None:
    imported(make.an_item())
    typed = {**fields_of(bureau, "brushing-01/edit"), "stem": "换一种问法？", "difficulty": "3"}

    answer = bureau.post("/staff/banks/test/brushing-01/edit", **typed)

    assert answer.location == "/staff/banks/test/brushing-01"
    page = text_of(bureau.page(answer.location))
    assert ("存成了第 2 版草稿" in page, "试卷现在抽到的是第 1 版" in page) == (True, True)
    (row,) = queries.newest("test")
    assert (row.item.stem, row.item.difficulty, row.state, row.author) == (
        "换一种问法？", 3, "draft", f"staff:{bureau.staff_id}",
    )  # fmt: skip


def test_edit_with_faults_comes_back_with_everything_that_was_typed(bureau: Desk) -> None:
    imported(make.an_item())
    typed = {
        **fields_of(bureau, "brushing-01/edit"),
        "stem": "",
        "option4": "",
        "key4": "1",
        "reviewed_on": "昨天",
    }

    answer = bureau.post("/staff/banks/test/brushing-01/edit", **typed)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 400
    assert [sentence in page for sentence in (
        "选项 D 勾了正确答案，但没有写文字。", "核对日期要写成 2026-11-15 这样的日期。", "题干没有写。",
    )] == [True] * 3  # fmt: skip
    assert "停下来问问老师" in page
    assert queries.newest("test")[0].number == 1


def test_edit_opened_before_somebody_elses_is_refused_kindly(bureau: Desk) -> None:
    imported(make.an_item())
    typed = {**fields_of(bureau, "brushing-01/edit"), "stem": "我的问法？"}
    drafts(make.an_item(stem="同事的问法？"))

    answer = bureau.post("/staff/banks/test/brushing-01/edit", **typed)
    page = answer.get_data(as_text=True)

    assert (answer.status_code, "这道题刚刚有人改过" in page, "我的问法？" in page) == (409, True, True)
    assert queries.newest("test")[0].item.stem == "同事的问法？"


def test_new_item_gets_a_free_code(bureau: Desk) -> None:
    imported(make.an_item("brushing-01"))
    typed = {
        "kind": "true_false", "topic": "brushing", "audience": ["junior", "parent"], "difficulty": "1",
        "stem": "先垫付再返现，可以放心做，对吗？", "option1": "对", "option2": "不对", "key2": "1",
    }  # fmt: skip

    answer = bureau.post("/staff/banks/test/new", **typed)

    assert answer.location == "/staff/banks/test/brushing-02"
    row = queries.newest("test")[1]
    assert (row.state, row.item.audiences, row.item.options[1].key) == ("draft", ("junior", "parent"), True)
    taken = bureau.post("/staff/banks/test/new", **typed, code="brushing-01")
    assert (taken.status_code, "已经有题在用" in taken.get_data(as_text=True)) == (409, True)


def test_unknown_bank_or_item_cannot_be_written(bureau: Desk) -> None:
    imported(make.an_item())
    typed = fields_of(bureau, "brushing-01/edit")

    for address in ("test/nothing/edit", "nothing/brushing-01/edit", "nothing/new", "nothing/publish",
                    "test/nothing/retire", "nothing/import/preview"):  # fmt: skip
        assert bureau.post(f"/staff/banks/{address}", **typed).status_code == 404, address


def test_preview_looks_like_the_phone_and_says_what_is_wrong_and_saves_nothing(bureau: Desk) -> None:
    imported(make.an_item(scene=SCENE))
    typed = {**fields_of(bureau, "brushing-01/edit"), "stem": "<b>新的</b>问法？", "source": ""}

    page = bureau.post("/staff/banks/test/preview", **typed).get_data(as_text=True)

    assert "quiz." in page
    assert "&lt;b&gt;新的&lt;/b&gt;问法？" in page
    assert page.count('class="opt"') == 4
    assert "来源没有写。" in page
    assert queries.newest("test")[0].number == 1
    assert "quiz." in bureau.page("/staff/banks/test/brushing-01/phone")


def test_preview_of_nothing_is_a_page_too(bureau: Desk) -> None:
    assert bureau.post("/staff/banks/test/preview").status_code == 200


# --- versions


def test_history_marks_what_is_gone_and_what_is_new(bureau: Desk) -> None:
    imported(make.an_item(stem="先付 8 元，怎么做？"))
    drafts(make.an_item(stem="先付 12 元，怎么做？"))

    page = bureau.page("/staff/banks/test/brushing-01/history")

    assert '<del><span class="vh">删去：</span>8</del><ins><span class="vh">加上：</span>12</ins>' in page
    assert "改了 1 处" in text_of(page)
    back = bureau.page("/staff/banks/test/brushing-01/history?earlier=2&later=1")
    assert "</span>12</del>" in back
    assert bureau.get("/staff/banks/test/brushing-01/history?later=3").status_code == 404


def test_history_of_one_wording_has_nothing_to_compare(bureau: Desk) -> None:
    imported(make.an_item())

    assert "这是第一版" in bureau.page("/staff/banks/test/brushing-01/history")


def test_item_is_retired_and_brought_back(bureau: Desk) -> None:
    imported(make.an_item())

    assert bureau.post("/staff/banks/test/brushing-01/retire").status_code == 303
    assert "重新启用" in bureau.page("/staff/banks/test/brushing-01")
    assert "/brushing-01" not in bureau.page("/staff/banks/test")
    assert bureau.post("/staff/banks/test/brushing-01/retire").status_code == 409
    assert bureau.post("/staff/banks/test/brushing-01/bring-back").status_code == 303
    assert len(queries.latest("test")) == 1


# --- the review


def test_review_walks_through_the_drafts_and_publication_follows(bureau: Desk) -> None:
    imported()
    drafts(make.an_item("a-1"), make.an_item("a-2"))

    page = bureau.page("/staff/banks/test/review")
    assert ("第 1 道，共 2 道草稿" in text_of(page), "通过（已审）" in page) == (True, True)
    answer = bureau.post("/staff/banks/test/a-1/review", number="1")
    following = bureau.page(answer.location)
    assert "第 1 道，共 1 道草稿" in text_of(following)
    assert "a-2" in following
    bureau.post("/staff/banks/test/a-2/review", number="1")
    done = bureau.page("/staff/banks/test/review")
    assert ("没有等着审的草稿了" in done, "全部发布" in done) == (True, True)
    assert queries.latest("test") == []

    assert bureau.post("/staff/banks/test/publish").location == "/staff/banks/test"
    assert [row.item.code for row in queries.latest("test")] == ["a-1", "a-2"]
    assert bureau.post("/staff/banks/test/publish").status_code == 409


def test_one_reviewed_item_is_published_from_its_page(bureau: Desk) -> None:
    imported()
    drafts(make.an_item("a-1"), make.an_item("a-2"))
    for code in ("a-1", "a-2"):
        bureau.post(f"/staff/banks/test/{code}/review", number="1")

    assert 'value="a-1"' in bureau.page("/staff/banks/test/a-1")
    assert bureau.post("/staff/banks/test/publish", item="a-1").location == "/staff/banks/test/a-1"
    assert [row.item.code for row in queries.latest("test")] == ["a-1"]


def test_review_says_when_the_reviewer_is_the_author(app: Flask, bureau: Desk) -> None:
    imported(make.an_item())
    bureau.post(
        "/staff/banks/test/brushing-01/edit",
        **{**fields_of(bureau, "brushing-01/edit"), "stem": "换一种问法？"},
    )
    colleague = a_colleague(app)

    assert "这一版是你自己写的" in bureau.page("/staff/banks/test/review")
    page = colleague.page("/staff/banks/test/review")
    assert ("这一版是你自己写的" in page, f"{bureau.staff_id} 号账号写的" in page) == (False, True)


def test_review_of_an_item_with_errors_offers_no_approval(bureau: Desk) -> None:
    imported()
    drafts(make.an_item(source=""))

    page = bureau.page("/staff/banks/test/review")

    assert ("来源没有写。" in page, "通过（已审）" in page) == (True, False)
    assert bureau.post("/staff/banks/test/brushing-01/review", number="1").status_code == 400
    assert bureau.post("/staff/banks/test/brushing-01/review", number="7").status_code == 409


def test_item_edited_from_the_review_returns_to_it(bureau: Desk) -> None:
    imported()
    drafts(make.an_item(source=""))
    fields = fields_of(bureau, "brushing-01/edit?reviewing=1")

    answer = bureau.post("/staff/banks/test/brushing-01/edit", **{**fields, "source": "警方通报"})

    assert (answer.status_code, answer.location) == (303, "/staff/banks/test/review?item=brushing-01")
    assert "通过（已审）" in bureau.page(answer.location)


def test_draft_is_retired_from_the_review(bureau: Desk) -> None:
    imported()
    drafts(make.an_item())

    answer = bureau.post("/staff/banks/test/brushing-01/retire", reviewing="1")

    assert answer.location.startswith("/staff/banks/test/review")
    assert "没有等着审的草稿了" in bureau.page(answer.location)


# --- codes


def test_reserved_codes_are_the_pages_that_stand_where_an_item_would(app: Flask) -> None:
    pages = [rule.rule.split("/") for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]

    named = {page[4] for page in pages if page[:3] == ["", "staff", "banks"] and len(page) > 4}
    assert {name for name in named if not name.startswith("<")} == bankfile.RESERVED_CODES


@pytest.mark.parametrize("code", sorted(bankfile.RESERVED_CODES))
def test_reserved_code_is_refused_in_the_editor_and_in_an_import(bureau: Desk, code: str) -> None:
    imported()
    item = make.an_item(code)
    body = formats.WRITERS["toml"].write([item], files.vocabulary(), title="题库")

    with pytest.raises(operations.Faulty):
        drafts(item)
    page = text_of(previewed(bureau, body.decode()).get_data(as_text=True))

    assert f"题号“{code}”是网页地址里的词" in page
    assert queries.newest("test") == []


# --- imports


PLAIN = """1. 对方要你先垫付 50 元，怎么做最稳妥？
A. 先垫付试一次
B. 不垫付，告诉老师
C. 让同学先试
答案：B
解析：先返小钱，再骗大钱。
"""
BROKEN = (
    PLAIN
    + """
2. 这道题没有答案，怎么办？
A. 猜
B. 改
C. 删
"""
)
GIVEN = {"topic": "brushing", "audience": ["junior"], "difficulty": "2", "source": "校本题库"}


def previewed(desk: Desk, text: str = PLAIN, **changes: Any) -> Any:
    return desk.post("/staff/banks/test/import/preview", **{**GIVEN, "pasted": text, **changes})


def seal_of(answer: Any) -> str:
    found = re.search(r'name="seal" value="([^"]+)"', answer.get_data(as_text=True))
    return unescape(found[1]) if found else ""


def confirmed(desk: Desk, seal: str, **fields: str) -> Any:
    return desk.post("/staff/banks/test/import", seal=seal, **fields)


def test_import_is_previewed_confirmed_and_again_changes_nothing(bureau: Desk) -> None:
    imported()

    preview = previewed(bureau)
    assert "新增 1（1 new），修改 0（0 changed）" in preview.get_data(as_text=True)
    assert queries.newest("test") == []
    answer = confirmed(bureau, seal_of(preview))
    assert answer.location == "/staff/banks/test?state=draft#items"
    assert "导入完成：新增 1，修改 0，相同 0。" in bureau.page("/staff/banks/test")
    (row,) = queries.newest("test")
    assert (row.state, row.item.source, row.author) == ("draft", "校本题库", f"staff:{bureau.staff_id}")

    again = previewed(bureau).get_data(as_text=True)
    assert ("和题库里一样" in again, "0 new, 0 changed" in again, 'name="seal"' in again) == (
        True,
        True,
        False,
    )
    entries = [entry.action for entry in db.session.query(AuditEntry).order_by(AuditEntry.seq)]
    assert entries == ["bank.import", "bank.import"]


def test_import_of_an_uploaded_file(bureau: Desk) -> None:
    imported()
    file = (io.BytesIO(PLAIN.encode("gb18030")), "题目.txt")

    assert confirmed(bureau, seal_of(previewed(bureau, "", file=file))).status_code == 303
    assert len(queries.newest("test")) == 1


def test_preview_shows_the_fields_that_change(bureau: Desk) -> None:
    imported()
    confirmed(bureau, seal_of(previewed(bureau)))

    page = previewed(bureau, PLAIN.replace("先返小钱", "先返小利")).get_data(as_text=True)

    assert "修改 1（1 changed）" in page
    assert '</span>钱</del><ins><span class="vh">加上：</span>利</ins>' in page


def test_preview_tells_beside_each_question_what_is_not_taken(bureau: Desk) -> None:
    imported()

    page = text_of(previewed(bureau, PLAIN.replace("解析：", "难度：<神级>\n解析：")).get_data(as_text=True))

    assert "怎么做最稳妥？ 不认识的难度“<神级>”，用了“中等”。" in page


def test_preview_sums_up_what_is_not_taken_of_many(bureau: Desk) -> None:
    imported()
    one = PLAIN.replace("解析：", "难度：神级\n解析：")
    text = "\n".join(one.replace("1. ", f"{number}. 第 {number} 次，") for number in range(1, 10))

    page = text_of(previewed(bureau, text).get_data(as_text=True))

    assert page.count("不认识的难度") == 1
    assert "注意 9 道题：不认识的难度“神级”，用了“中等”。" in page


def test_rejected_questions_hold_the_others_back_unless_ticked(bureau: Desk) -> None:
    imported()

    preview = previewed(bureau, BROKEN)
    page = text_of(preview.get_data(as_text=True))
    assert ("有 1 题没法导入" in page, "没有标出正确答案" in page, "其余 1 题先导入" in page) == (
        True,
        True,
        True,
    )
    refused = confirmed(bureau, seal_of(preview))
    assert (refused.status_code, queries.newest("test")) == (400, [])
    assert confirmed(bureau, seal_of(preview), others="1").status_code == 303
    assert len(queries.newest("test")) == 1


def test_nothing_can_be_confirmed_when_all_is_rejected(bureau: Desk) -> None:
    imported()

    assert seal_of(previewed(bureau, BROKEN.partition("\n\n")[2])) == ""


def test_bank_that_moved_on_asks_for_another_look(bureau: Desk) -> None:
    imported()
    seal = seal_of(previewed(bureau))
    confirmed(bureau, seal)

    answer = confirmed(bureau, seal)

    assert (answer.status_code, "预览之后题库有了变动" in answer.get_data(as_text=True)) == (409, True)


def test_seal_is_good_for_its_bank_and_its_reader_and_an_hour(app: Flask, bureau: Desk) -> None:
    imported()
    operations.import_bank(code="rural", name="乡村题库", items=[], at=NOON, actor=CLI)
    seal = seal_of(previewed(bureau))
    colleague = a_colleague(app)

    refused = [
        confirmed(colleague, seal),
        bureau.post("/staff/banks/rural/import", seal=seal),
        confirmed(bureau, seal[:-2] + "xx"),
        confirmed(bureau, ""),
    ]

    assert [answer.status_code for answer in refused] == [400] * 4
    assert all("预览已经过期" in answer.get_data(as_text=True) for answer in refused)
    assert queries.newest() == []
    assert len(forms.opened(seal, at=NOON + timedelta(seconds=3600)).items) == 1
    with pytest.raises(forms.Expired):
        forms.opened(seal, at=NOON + timedelta(seconds=3601))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pasted": " "}, "请选一个题目文件"),
        ({"topic": "nothing"}, "请选一个主题"),
        ({"audience": []}, "请选适用人群"),
        ({"audience": ["martian"]}, "请选适用人群"),
        ({"difficulty": "9"}, "请选难度"),
        ({"difficulty": "一"}, "请选难度"),
        ({"source": "长" * 201}, "来源太长了"),
    ],
)
def test_upload_that_lacks_something_comes_back_with_what_was_given(
    bureau: Desk, changes: dict[str, Any], sentence: str
) -> None:
    imported()

    answer = previewed(bureau, **changes)
    page = answer.get_data(as_text=True)

    assert (answer.status_code, sentence in page, "文件里没写的，用这些" in page) == (400, True, True)
    assert ("A. 先垫付试一次" in page) == (changes.get("pasted", PLAIN) == PLAIN)


def test_large_file_goes_through_preview_and_confirmation(bureau: Desk) -> None:
    imported()
    text = "\n".join(
        PLAIN.replace("1. ", f"{number}. 第 {number} 次，").replace("先返小钱", f"先返小钱{'，很多次' * 60}")
        for number in range(1, 601)
    )
    assert len(text.encode()) > 400_000

    preview = previewed(bureau, text)

    assert "只列出前 200 道，共 600 道。" in text_of(preview.get_data(as_text=True))
    assert confirmed(bureau, seal_of(preview)).status_code == 303
    assert queries.bank("test").drafts == 600
    assert previewed(bureau, "x" * (6 * 1024 * 1024)).status_code == 413


def test_sheet_to_fill_in_can_be_imported(bureau: Desk) -> None:
    imported()

    answer = bureau.get("/staff/banks/test/import/template.xlsx")

    assert (answer.status_code, answer.data[:2]) == (200, b"PK")
    assert "attachment" in answer.headers["Content-Disposition"]


# --- exports


@pytest.mark.parametrize("form", list(formats.WRITERS))
def test_export_is_a_file_that_can_be_imported_and_changes_nothing(bureau: Desk, form: str) -> None:
    imported(make.an_item("a-1"), make.an_item("a-2", kind="true_false", options=(
        bankfile.Option("对"), bankfile.Option("不对", key=True))))  # fmt: skip

    answer = bureau.get(f"/staff/banks/test/export/{form}?anyway=1")
    again = previewed(bureau, "", file=(io.BytesIO(answer.data), f"x{formats.WRITERS[form].suffix}"))

    assert answer.mimetype == formats.WRITERS[form].mimetype.partition(";")[0]
    assert "attachment; filename*=UTF-8''" in answer.headers["Content-Disposition"]
    assert "相同 2（2 same）" in again.get_data(as_text=True)
    assert [entry.action for entry in db.session.query(AuditEntry)] == ["bank.import", "bank.export"]


def test_export_tells_first_what_the_format_cannot_carry(bureau: Desk) -> None:
    scene = bankfile.Scene("sms", "1069", "请看\n【问题】这是消息里的话", ())
    imported(make.an_item("a-1", scene=scene), make.an_item("a-2"))

    page = bureau.get("/staff/banks/test/export/gift")

    assert "装不下全部内容" in page.get_data(as_text=True)
    assert "（ 1 道题）" in text_of(page.get_data(as_text=True))
    assert db.session.query(AuditEntry).filter_by(action="bank.export").count() == 0
    assert "attachment" in bureau.get("/staff/banks/test/export/gift?anyway=1").headers["Content-Disposition"]


def test_export_takes_what_the_search_shows(bureau: Desk) -> None:
    imported(make.an_item("a-1"), make.an_item("b-1", difficulty=3))

    body = bureau.get("/staff/banks/test/export/toml?difficulty=3&anyway=1").get_data(as_text=True)

    assert ('"b-1"' in body, '"a-1"' in body) == (True, False)
    assert bureau.get("/staff/banks/test/export/toml?difficulty=2").status_code == 400
    assert bureau.get("/staff/banks/test/export/pdf").status_code == 404
    assert bureau.get("/staff/banks/nothing/export/toml").status_code == 404


# --- banks


def test_bank_is_made_on_the_page(bureau: Desk) -> None:
    answer = bureau.post("/staff/banks", code="rural", name="乡村题库")

    assert answer.location == "/staff/banks/rural"
    assert "还没有题。" in bureau.page(answer.location)
    assert bureau.post("/staff/banks", code="rural", name="乡村题库").status_code == 409
    assert bureau.post("/staff/banks", code="", name="").status_code == 400


def test_bank_page_counts_the_states(bureau: Desk) -> None:
    imported(make.an_item("a-1"), make.an_item("a-2"), make.an_item("a-3"))
    drafts(make.an_item("a-1", difficulty=3))
    operations.retire(bank_code="test", item_code="a-3", at=NOON, actor=CLI)

    page = text_of(bureau.page("/staff/banks/test"))

    assert "草稿 1 已发布 1 停用 1" in page
    assert "1 道草稿 等人审" in page
    assert "2 道题" in page
