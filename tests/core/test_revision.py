"""What two wordings of an item do not share."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import bankfile, revision
from tests.make import an_item

WORDS = bankfile.Vocabulary({"brushing": "刷单返利"}, {"first_payout_real": "先收到过小额返利，平台就是真的"})
SCENE = bankfile.Scene("sms", "1069", "名额有限", ("有限",))
TEXTS = st.text("先付ab12 \n元。", max_size=40)


def pairs(before: str, after: str) -> list[tuple[str, str]]:
    return [(piece.fate, piece.text) for piece in revision.pieces(before, after)]


def test_fields_are_written_with_their_names() -> None:
    item = an_item(
        scene=SCENE, twin="pair", region="阳光县", valid_until=date(2027, 1, 31), audiences=("junior", "senior"),
        options=(bankfile.Option("甲", belief="first_payout_real"), bankfile.Option("乙", key=True, pinned=True)),
    )  # fmt: skip

    assert revision.fields(item, WORDS) == {
        "题型": "单选", "主题": "刷单返利", "人群": "初中、高中", "难度": "容易", "情景渠道": "短信",
        "情景发送者": "1069", "情景内容": "名额有限", "破绽原文": "有限", "题干": item.stem,
        "选项 A": "甲（危险想法：先收到过小额返利，平台就是真的）", "选项 B": "乙（正确，固定在最后）",
        "骗术": "先给小利。", "破绽": "要先付钱。", "应对": "停下，告诉老师。", "来源": "风险提示单 2023",
        "核对日期": "2026-11-15", "有效到": "2027-01-31", "地区": "阳光县", "同组题": "pair",
    }  # fmt: skip


def test_slugs_without_a_name_are_written_as_they_are() -> None:
    item = an_item(
        kind="essay", topic="x", audiences=("martian",), difficulty=9, genuine=True, source="",
        scene=replace(SCENE, channel="pigeon", tells=()), options=(bankfile.Option("甲", belief="odd"),),
    )  # fmt: skip

    written = revision.fields(item, WORDS)

    assert [written[label] for label in ("题型", "主题", "人群", "难度", "情景渠道", "真实消息", "选项 A")] == [
        "essay", "x", "martian", "9", "pigeon", "是", "甲（危险想法：odd）",
    ]  # fmt: skip
    assert [label for label in ("破绽原文", "来源", "有效到") if label in written] == []


def test_equal_wordings_have_no_changes() -> None:
    assert revision.changes(an_item(scene=SCENE), an_item(scene=SCENE), WORDS) == ()


def test_changes_tell_the_fields_that_differ_and_what_is_gone() -> None:
    before = an_item(scene=SCENE, stem="先付 8 元，怎么做？")
    after = an_item(stem="先付 12 元，怎么做？", difficulty=3)

    found = revision.changes(before, after, WORDS)

    assert [change.label for change in found] == [
        "难度", "题干", "情景渠道", "情景发送者", "情景内容", "破绽原文",
    ]  # fmt: skip
    assert found[0].pieces == (revision.Piece("gone", "容易"), revision.Piece("new", "较难"))
    assert [(piece.fate, piece.text) for piece in found[1].pieces] == [
        ("kept", "先付 "), ("gone", "8"), ("new", "12"), ("kept", " 元，怎么做？"),
    ]  # fmt: skip
    assert found[2].pieces == (revision.Piece("gone", "短信"),)


def test_pieces_never_cut_a_number_or_a_word() -> None:
    assert pairs("96110", "96119") == [("gone", "96110"), ("new", "96119")]
    assert pairs("点开 App", "点开 Apps") == [("kept", "点开 "), ("gone", "App"), ("new", "Apps")]


def test_pieces_of_nothing() -> None:
    assert pairs("", "") == []
    assert pairs("", "新") == [("new", "新")]


@given(TEXTS, TEXTS)
def test_pieces_join_to_both_texts(before: str, after: str) -> None:
    found = pairs(before, after)

    assert "".join(text for fate, text in found if fate != "new") == before
    assert "".join(text for fate, text in found if fate != "gone") == after
    assert all(text for _, text in found)
