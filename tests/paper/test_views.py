"""Staff pages of the papers, and the desk at which one is put together."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask

from quizsvc.core.assembly import Rule
from quizsvc.paper import files, queries, views
from quizsvc.paper.views import READY
from tests import make
from tests.desk import Desk, text_of
from tests.make import an_item
from tests.paper.conftest import a_draft, a_plan, frozen_id, imported
from tests.support import Browser, Watch

POLICE = files.topic_names()["fake_police"]


@pytest.fixture
def bureau(app: Flask, at: Any) -> Desk:
    """An organizer of the county."""
    return Desk(app, "bureau", ("organizer", make.a_county()))


@pytest.fixture
def paper(app: Flask) -> queries.FrozenPaper:
    """Two of three items."""
    imported(*(an_item(f"brushing-{number}") for number in range(3)))
    return queries.frozen(frozen_id(a_plan(Rule(2, 10, topic="brushing"))))


@pytest.mark.parametrize(
    "address",
    [
        "/staff/papers", "/staff/papers/new", "/staff/papers/{id}", "/staff/papers/{id}?seed=a",
        "/staff/papers/{id}/print/key.pdf", "/staff/papers/drafts/{draft}", "/staff/papers/drafts/{draft}/freeze",
    ],
)  # fmt: skip
def test_pages_are_for_those_who_manage_banks(
    app: Flask, at: Any, phone: Browser, paper: queries.FrozenPaper, address: str
) -> None:
    school = make.a_school(make.a_county())
    teacher = Desk(app, "lin", ("class_teacher", make.a_class(school)))
    admin = Desk(app, "he", ("school_admin", school))
    address = address.format(id=paper.id, draft=a_draft())

    assert teacher.get(address).status_code == 404
    assert admin.get(address).status_code == 404
    assert phone.get(address).status_code == 303


def test_list_is_friendly_without_any_paper(bureau: Desk) -> None:
    page = bureau.page("/staff/papers")

    assert "还没有试卷。" in page
    assert "<table" not in page


def test_list_tells_papers(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = text_of(bureau.page("/staff/papers")).replace("\u00a0", " ")

    assert f"反诈知识测试 semester 测试 2 20 3 12 月 12 日 12:00 {paper.content_hash[:8]}" in page


def test_unknown_paper_is_404(bureau: Desk) -> None:
    assert bureau.get("/staff/papers/77").status_code == 404


def test_paper_page_tells_rules_choice_total_and_hash(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = bureau.page(f"/staff/papers/{paper.id}")

    assert "刷单返利 2 20 3 组" in text_of(page)
    assert "合计 2 20 3 题" in text_of(page)
    assert f'title="{paper.content_hash}"' in page
    assert "抽出的一份" not in page


def test_sample_is_one_form_with_its_key(bureau: Desk, paper: queries.FrozenPaper) -> None:
    page = bureau.page(f"/staff/papers/{paper.id}?seed=one")

    assert re.findall(r"第&nbsp;(\d+)&nbsp;题", page) == ["1", "2"]
    assert page.count("✓ 正确") == 2
    assert page.count("停下来问问老师") == 2


def test_sample_of_a_seed_is_always_the_same_and_the_button_draws_another(
    bureau: Desk, paper: queries.FrozenPaper
) -> None:
    address = f"/staff/papers/{paper.id}"
    samples = [bureau.page(f"{address}?seed=one").split('id="sample"')[1] for _ in range(2)]
    buttons = re.findall(r'href="([^"]+seed=[^"]+#sample)"', bureau.page(address) + bureau.page(address))

    assert samples[0] == samples[1]
    assert len(set(buttons)) == 2
    assert bureau.get(buttons[0].split("#")[0]).status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_pages_take_as_many_statements_for_many_items(
    app: Flask, bureau: Desk, watch: Watch, count: int
) -> None:
    imported(*(an_item(f"brushing-{number:02}") for number in range(count)))
    for number in range(count):
        frozen_id(a_plan(Rule(count, 10), code=f"paper-{number:02}"))
    [newest, *_] = queries.papers()
    bureau.page("/staff/papers")
    counts = []
    for address in ("/staff/papers", f"/staff/papers/{newest.id}", f"/staff/papers/{newest.id}?seed=a"):
        with watch.counting() as seen:
            bureau.page(address)
        counts.append(len([statement for statement in seen if "paper_" in statement]))
        assert len(seen) == counts[-1] + 1, "\n".join(seen)

    assert counts == [2, 1, 0]  # papers and drafts; a paper once a process


def test_list_tells_drafts_and_what_became_of_them(bureau: Desk) -> None:
    imported(*(an_item(f"brushing-{number}") for number in range(3)))
    draft_id = a_draft(Rule(2, 10), title="写到一半")
    done = a_draft(Rule(2, 10), title="写好了")
    post(bureau, done, "freeze")

    page = bureau.page("/staff/papers")

    assert "正在做的草稿 1 份" in text_of(page)
    assert f'href="/staff/papers/drafts/{draft_id}">写到一半' in page
    assert 'href="/staff/papers/1">写好了' in page
    assert page.count("✓ 已冻结") == 1


@pytest.mark.parametrize(("part", "name"), [("paper", "试卷"), ("sheet", "答题卡"), ("key", "答案")])
def test_paper_is_printed_part_by_part(
    bureau: Desk, paper: queries.FrozenPaper, part: str, name: str
) -> None:
    pytest.importorskip("typst", reason="typst is not installed: printed papers are not tested")
    address = f"/staff/papers/{paper.id}/print/{part}.pdf?seed=7f"

    answer = bureau.get(address)

    assert f'href="{address}"' in bureau.page(f"/staff/papers/{paper.id}?seed=7f")
    assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert unquote(answer.headers["Content-Disposition"]).endswith(f"反诈知识测试-{name}-7f.pdf")


def test_part_that_nobody_prints_is_not_found(bureau: Desk, paper: queries.FrozenPaper) -> None:
    assert bureau.get(f"/staff/papers/{paper.id}/print/nothing.pdf").status_code == 404


# drafts


def post(bureau: Desk, draft_id: int, action: str, revision: int | None = None, **fields: Any) -> Any:
    """Press a button of the desk, at the newest revision unless told otherwise."""
    known = revision or queries.draft(draft_id).revision
    path = f"/staff/papers/drafts/{draft_id}/{action}"
    return bureau.post(path, revision=str(known), **fields)


def test_new_draft_begins_from_scratch_with_all_banks(bureau: Desk) -> None:
    imported(an_item("a"))
    imported(an_item("b"), code="other")

    answer = bureau.post("/staff/papers/drafts")

    [row] = queries.drafts()
    assert (answer.status_code, answer.location) == (303, f"/staff/papers/drafts/{row.id}")
    assert (row.code, row.banks, row.rules, row.fixed) == ("paper-2026-12-12", ("other", "test"), (), ())
    assert row.author == f"staff:{bureau.staff_id}"


def test_new_draft_begins_with_a_ready_blueprint(bureau: Desk) -> None:
    page = bureau.page("/staff/papers/new")

    bureau.post("/staff/papers/drafts", start="semester_junior")

    plan = files.read_plan(READY / "semester_junior.toml")
    [row] = queries.drafts()
    assert plan.title in page
    assert 'value="semester_junior"' in page
    assert (row.code, row.title, row.audience) == (plan.code, plan.title, "junior")
    assert row.plan(plan.topics) == plan


def test_blueprint_that_is_not_there_is_refused(bureau: Desk) -> None:
    assert bureau.post("/staff/papers/drafts", start="../vocabulary").status_code == 400
    assert queries.drafts() == []


def test_blueprint_that_cannot_be_read_is_told(
    bureau: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half.toml").write_text("code = ")
    monkeypatch.setattr(views, "READY", tmp_path)

    assert "有 1 份组卷规则读不了：half.toml。" in text_of(bureau.page("/staff/papers/new"))


def test_frozen_paper_is_copied_into_a_draft(bureau: Desk, paper: queries.FrozenPaper) -> None:
    answer = bureau.post(f"/staff/papers/{paper.id}/copy")

    [row] = queries.drafts()
    assert answer.location == f"/staff/papers/drafts/{row.id}"
    assert (row.code, row.rules) == ("semester-2", paper.blueprint.rules)
    assert "已复制成新的草稿" in bureau.page(answer.location)


@pytest.fixture
def draft_id(bureau: Desk) -> int:
    """One of two police items, and a fixed one of four about brushing."""
    imported(
        *(an_item(f"brushing-{number}") for number in range(4)),
        *(an_item(f"police-{number}", topic="fake_police") for number in range(2)),
    )
    return a_draft(
        Rule(1, 10, topic="fake_police", audience="junior"), fixed=(("test/brushing-1", 5),), title="期末卷"
    )


def test_desk_tells_counters_totals_and_time(bureau: Desk, draft_id: int) -> None:
    page = bureau.page(f"/staff/papers/drafts/{draft_id}")

    assert "每人 2 道题 ，满分 15 分，约 1 分钟。" in text_of(page)
    assert f"{POLICE} ✓ 1/2" in text_of(page)
    assert "期末卷" in page
    assert page.count("✓ 已加入") == 1
    assert len(re.findall(r'name="item" value="test/[^"]+" aria-label', page)) == 5


def test_desk_marks_what_is_missing_with_shape_and_words(bureau: Desk, draft_id: int) -> None:
    post(bureau, draft_id, "rules/change", place="0", count="3", points="10", topic="fake_police")

    page = text_of(bureau.page(f"/staff/papers/drafts/{draft_id}"))

    assert f"{POLICE} ▲ 3/2 缺 1" in page
    assert f"▲ {POLICE}：需 3，缺 1" in page


def test_desk_of_an_empty_draft_has_no_frame(bureau: Desk) -> None:
    imported(an_item("a"))

    page = bureau.page(f"/staff/papers/drafts/{a_draft(rules=())}")

    assert "<iframe" not in page
    assert "加了题，这里就是学生手机上的样子。" in page


def test_desk_filters_the_bank_and_keeps_the_look(bureau: Desk, draft_id: int) -> None:
    page = bureau.page(f"/staff/papers/drafts/{draft_id}?topic=fake_police&words=police-1&size=lg&seed=7f")

    assert re.findall(r'id="bank-test/([^"]+)"', page) == ["police-1"]
    assert f"/staff/papers/drafts/{draft_id}/preview?v=1&amp;seed=7f&amp;size=lg" in page
    assert "没有符合筛选的题" in bureau.page(f"/staff/papers/drafts/{draft_id}?words=x-y-z")


def test_bank_comes_in_pages_of_fifty(bureau: Desk) -> None:
    imported(*(an_item(f"brushing-{number:03}") for number in range(60)))
    address = f"/staff/papers/drafts/{a_draft(rules=())}"

    first, second = bureau.page(address), bureau.page(f"{address}?page=2")

    assert [page.count('id="bank-test/') for page in (first, second)] == [50, 10]
    assert "下一页" in first
    assert "上一页" in second


def test_desk_allows_frames_of_our_own_and_may_not_lie_in_one(bureau: Desk, draft_id: int) -> None:
    policy = bureau.get(f"/staff/papers/drafts/{draft_id}").headers["Content-Security-Policy"]

    assert "frame-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(("script", "sandbox"), [("on", "allow-scripts"), ("off", "")])
def test_frame_never_sends_a_form(bureau: Desk, draft_id: int, script: str, sandbox: str) -> None:
    page = bureau.page(f"/staff/papers/drafts/{draft_id}?script={script}")

    assert re.findall(r'sandbox="([^"]*)"', page) == [sandbox]


def test_edits_come_back_to_where_they_were_made(bureau: Desk, draft_id: int) -> None:
    address = f"/staff/papers/drafts/{draft_id}/items?topic=brushing&page=2&seed=7f&evil=1"

    answer = bureau.post(address, revision="1", item="test/brushing-3", points="10")

    assert answer.status_code == 303
    assert answer.location == (
        f"/staff/papers/drafts/{draft_id}?topic=brushing&page=2&seed=7f#bank-test/brushing-3"
    )


def test_every_button_of_the_desk_does_what_it_says(bureau: Desk, draft_id: int) -> None:
    post(bureau, draft_id, "items", item="test/brushing-3", points="10")
    post(bureau, draft_id, "items/move", item="test/brushing-3", by="-1")
    post(bureau, draft_id, "items/points", item="test/brushing-3", points="7")
    post(bureau, draft_id, "rules", count="2", points="1", kind="single_choice")
    post(bureau, draft_id, "settings", title="新标题", code="next", audience="senior", draws_from=["test"])
    row = queries.draft(draft_id)
    assert (row.title, row.code, row.audience) == ("新标题", "next", "senior")
    assert row.fixed == (("test/brushing-3", 7), ("test/brushing-1", 5))
    assert row.rules == (Rule(1, 10, topic="fake_police"), Rule(2, 1, kind="single_choice"))

    post(bureau, draft_id, "items/remove", item="test/brushing-3")
    post(bureau, draft_id, "items/move", item="test/brushing-1", by="1")
    post(bureau, draft_id, "rules/remove", place="1")
    row = queries.draft(draft_id)
    assert (row.fixed, row.rules) == ((("test/brushing-1", 5),), (Rule(1, 10, topic="fake_police"),))

    answer = post(bureau, draft_id, "discard")
    assert "草稿“新标题”已删除。" in bureau.page(answer.location)
    assert queries.drafts() == []


def test_swap_says_why_this_one(bureau: Desk, draft_id: int) -> None:
    answer = post(bureau, draft_id, "items/swap", item="test/brushing-1")

    assert queries.draft(draft_id).fixed == (("test/brushing-2", 5),)
    assert answer.location.endswith("#item-test/brushing-2")
    assert "换成了 test/brushing-2（同一骗术、同题型、同难度的另一道题）。" in bureau.page(answer.location)


@pytest.mark.parametrize(
    ("action", "fields", "sentence"),
    [
        ("items", {"item": "test/nothing", "points": "1"}, "题库里没有这道题"),
        ("items", {"item": "test/brushing-2", "points": "many"}, "分数要写 0 到 100 的整数"),
        ("items", {"item": "test/brushing-1", "points": "1"}, "这道题已经在试卷上了"),
        ("rules", {"count": "0", "points": "1"}, "题数要写 1 到 200 的整数"),
        ("rules", {"count": "1", "points": "1", "topic": "nothing"}, "没有这样的骗术"),
        ("settings", {"code": "A B", "title": "标题", "draws_from": "test"}, "代号只能用小写字母"),
        ("items/remove", {"item": "test/nothing"}, "这份草稿刚才在别处改过"),
    ],
)
def test_refused_edit_changes_nothing_and_says_why_on_the_desk(
    bureau: Desk, draft_id: int, action: str, fields: dict[str, str], sentence: str
) -> None:
    before = queries.draft(draft_id)

    answer = post(bureau, draft_id, action, **fields)

    assert answer.status_code == 303
    assert sentence in bureau.page(answer.location)
    assert queries.draft(draft_id) == before


def test_edit_of_a_page_that_is_behind_is_refused_kindly(bureau: Desk, draft_id: int) -> None:
    post(bureau, draft_id, "items/points", item="test/brushing-1", points="9")

    answer = post(bureau, draft_id, "items/points", revision=1, item="test/brushing-1", points="1")

    assert "刚才那一步没有做" in bureau.page(answer.location)
    assert queries.draft(draft_id).fixed == (("test/brushing-1", 9),)


def test_draft_that_is_not_there_is_404(bureau: Desk) -> None:
    assert bureau.get("/staff/papers/drafts/7").status_code == 404
    assert bureau.post("/staff/papers/drafts/7/items/remove", revision="1", item="a").status_code == 404
    assert bureau.post("/staff/papers/drafts/7/freeze", revision="1").status_code == 404


def test_freeze_page_says_what_it_means(bureau: Desk, draft_id: int) -> None:
    page = text_of(bureau.page(f"/staff/papers/drafts/{draft_id}/freeze"))

    assert "可以冻结了 ：2 道题，满分 15 分，约 1 分钟。" in page
    assert "以后 不能再改" in page
    assert "冻结这份试卷" in page


def test_freeze_page_without_enough_items_has_no_button(bureau: Desk, draft_id: int) -> None:
    post(bureau, draft_id, "rules", count="9", points="1", topic="fake_police")

    page = text_of(bureau.page(f"/staff/papers/drafts/{draft_id}/freeze"))
    answer = post(bureau, draft_id, "freeze")

    assert f"▲ {POLICE}：需 9，缺 8" in page
    assert "冻结这份试卷" not in page
    assert answer.status_code == 409
    assert queries.papers() == []


def test_frozen_draft_leads_to_its_paper_for_ever(bureau: Desk, draft_id: int) -> None:
    answer = post(bureau, draft_id, "freeze")

    [paper] = queries.papers()
    assert (answer.status_code, answer.location) == (303, f"/staff/papers/{paper.id}")
    assert "已冻结。从现在起" in bureau.page(answer.location)
    for address in (f"/staff/papers/drafts/{draft_id}", f"/staff/papers/drafts/{draft_id}/freeze"):
        assert bureau.get(address).location == f"/staff/papers/{paper.id}"
    behind = post(bureau, draft_id, "items/remove", item="test/brushing-1")
    assert "已经冻结成试卷，不能再改" in bureau.browser.get(behind.location, follow_redirects=True).text


@pytest.mark.parametrize("count", [1, 60])
def test_desk_takes_as_many_statements_for_many_items(bureau: Desk, watch: Watch, count: int) -> None:
    imported(*(an_item(f"brushing-{number:02}") for number in range(count)))
    names = tuple((f"test/brushing-{number:02}", 1) for number in range(min(count, 30)))
    draft_id = a_draft(*[Rule(1, 1)] * min(count, 30), fixed=names)
    counts = []
    for address in (f"/staff/papers/drafts/{draft_id}", f"/staff/papers/drafts/{draft_id}/freeze"):
        with watch.counting() as seen:
            bureau.page(address)
        counts.append(len(seen))

    assert counts == [4, 3]  # who one is, the draft, the items, and the names of the banks
