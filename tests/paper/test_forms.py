"""What the paper desk understands of a posted form and of an address."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from quizsvc.bank.queries import VersionRow
from quizsvc.core import bankfile
from quizsvc.core.assembly import Rule
from quizsvc.core.refusal import Refusal
from quizsvc.paper import forms
from tests.make import an_item

TOPICS = {"brushing": "刷单返利"}
relaxed = settings(deadline=None, database=None)


def fields(**values: str) -> MultiDict[str, str]:
    return MultiDict(values)


def a_version(number: int = 1, bank: str = "test", **changes: Any) -> VersionRow:
    return VersionRow(number, number, 1, bank, an_item(f"item-{number:03}", **changes))


@pytest.mark.parametrize(
    ("search", "taken"),
    [
        (forms.Search(), True),
        (forms.Search(bank="test"), True),
        (forms.Search(bank="other"), False),
        (forms.Search(audience="junior"), True),
        (forms.Search(audience="senior"), False),
        (forms.Search(topic="brushing"), True),
        (forms.Search(topic="police"), False),
        (forms.Search(kind="single_choice"), True),
        (forms.Search(kind="true_false"), False),
        (forms.Search(difficulty="1"), True),
        (forms.Search(difficulty="2"), False),
        (forms.Search(words="最稳妥"), True),
        (forms.Search(words="ITEM-001"), True),
        (forms.Search(words="三倍  问问老师"), True),
        (forms.Search(words="三倍 没有这个词"), False),
        (forms.Search(topic="brushing", difficulty="3"), False),
    ],
)
def test_search_takes_what_agrees_in_everything(search: forms.Search, taken: bool) -> None:
    assert search.takes(a_version(scene=bankfile.Scene("sms", "寄件人", "三倍赔付"))) is taken


def test_desk_that_was_asked_nothing_shows_what_is_for_its_audience() -> None:
    assert forms.search_from(fields(), audience="junior") == forms.Search(audience="junior")
    assert forms.search_from(fields(), audience=None) == forms.Search()
    assert forms.search_from(fields(audience=""), audience="junior") == forms.Search()


def test_words_are_cut_and_odd_pages_are_the_first() -> None:
    search = forms.search_from(fields(words=" " + "字" * 90, page="x"), audience=None)

    assert (search.words, search.page) == ("字" * forms.LONGEST_WORDS, 1)
    assert forms.search_from(fields(page="9" * 40), audience=None).page == 1


def test_address_of_a_search_asks_for_it_again() -> None:
    search = forms.Search("test", "", "brushing", "single_choice", "2", "三倍 赔付", 3)

    assert forms.search_from(MultiDict(search.address()), audience="junior") == search


@pytest.mark.parametrize(
    ("count", "page", "shown", "pages"),
    [(0, 1, 0, 1), (50, 1, 50, 1), (51, 1, 50, 2), (51, 2, 1, 2), (51, 3, 1, 2), (51, 0, 50, 2)],
)
def test_pages_hold_fifty(count: int, page: int, shown: int, pages: int) -> None:
    latest = [a_version(number) for number in range(count)]

    found = forms.found(forms.Search(page=page), latest)

    assert (len(found.versions), found.count, found.pages) == (shown, count, pages)
    assert found.versions == tuple(latest[(found.page - 1) * 50 :][:50])


def test_look_is_read_from_its_own_address() -> None:
    look = forms.Look(seed="7f", large=True, dark=True, script=False)

    assert forms.look_from(MultiDict(look.address())) == look
    assert forms.look_from(MultiDict(look.address(dark=False))) == replace(look, dark=False)
    assert forms.look_from(fields()) == forms.Look()


def test_seed_is_cut() -> None:
    assert forms.seed_from(fields(seed="s" * 90)) == "s" * 32


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "101", "²", "9" * 50])
def test_odd_points_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="分数要写 0 到 100 的整数。"):
        forms.points_from(fields(points=text))


def test_numbers_are_read() -> None:
    posted = fields(points=" 0 ", revision="12", place="3")

    assert forms.points_from(posted) == 0
    assert forms.revision_from(posted) == 12
    assert forms.place_from(posted) == 3


def test_rule_is_read_whole() -> None:
    posted = fields(
        count="2",
        points="5",
        topic="brushing",
        kind="true_false",
        difficulty="3",
        audience="junior",
        bank="test",
    )

    rule = forms.rule_from(posted, topics=TOPICS, banks=["test"])

    assert rule == Rule(2, 5, "brushing", "true_false", 3, "junior", "test")


def test_rule_leaves_open_what_is_not_chosen() -> None:
    assert forms.rule_from(fields(count="1", points="0", topic=""), topics=TOPICS, banks=[]) == Rule(1, 0)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("topic", "没有这样的骗术"), ("kind", "没有这样的题型"), ("difficulty", "没有这样的难度"),
        ("audience", "没有这样的人群"), ("bank", "没有这样的题库"), ("count", "题数要写 1 到 200 的整数"),
    ],
)  # fmt: skip
def test_rule_with_a_word_nobody_knows_is_refused(name: str, text: str) -> None:
    with pytest.raises(Refusal, match=text):
        forms.rule_from(
            fields(**{"count": "1", "points": "1", name: "nothing"}), topics=TOPICS, banks=["test"]
        )


def test_item_is_found_by_bank_and_code() -> None:
    latest = [a_version(1), a_version(1, bank="other"), a_version(2)]

    assert forms.version_from(fields(item="other/item-001"), latest) is latest[1]


@pytest.mark.parametrize("item", ["", "item-001", "test/", "test/item-009", "test/item-001/x"])
def test_item_that_is_not_published_is_refused(item: str) -> None:
    with pytest.raises(Refusal, match="或者它还没有发布"):
        forms.version_from(fields(item=item), [a_version(1)])


def test_settings_keep_known_banks_only() -> None:
    posted = MultiDict(
        [
            ("code", " a "),
            ("title", " 标题 "),
            ("audience", ""),
            ("draws_from", "test"),
            ("draws_from", "nothing"),
        ]
    )

    assert forms.settings_from(posted, banks=["test", "other"]) == forms.Settings(
        "a", "标题", None, ("test",)
    )


@relaxed
@given(st.dictionaries(st.sampled_from(["bank", "audience", "topic", "kind", "words", "page"]), st.text()))
def test_any_address_is_a_search(values: dict[str, str]) -> None:
    search = forms.search_from(MultiDict(values), audience="junior")

    assert forms.found(search, [a_version(1)]).pages == 1
    assert forms.search_from(MultiDict(search.address()), audience="senior") == search
