"""What published banks and blueprints promise: enough of everything, keys that hide, nothing unfit, room to draw."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from quizsvc.bank import files
from quizsvc.core import assembly, bankfile
from quizsvc.core.bankfigures import Figures, figures
from quizsvc.core.bankfile import Item
from quizsvc.paper import files as blueprints
from quizsvc.paper import queries as papers
from quizsvc.settings import PROJECT

TODAY = date(2026, 12, 12)
FOLDERS = {
    folder.code: folder for folder in (files.read_folder(path, today=TODAY) for path in files.folders())
}
ITEMS = [(bank, item) for bank, folder in FOLDERS.items() for item in folder.items]
ALL: Figures = figures({bank: folder.items for bank, folder in FOLDERS.items()}, TODAY)
GUIDE = PROJECT / "docs" / "BANKS.md"

AUDIENCES = (
    "primary_lower", "primary_upper", "junior", "senior", "university", "staff", "parent", "elderly", "finance_staff",
    "netizen",
)  # fmt: skip

ALPHA = 0.05
"""A bank where chance alone had the say would fail a test below once in twenty times."""

CHI_SQUARE_3, CHI_SQUARE_1 = 7.815, 3.841
"""Upper 5 % points of chi-square for 3 and for 1 degrees of freedom. Source: any table of K. Pearson's test."""

UNFIT = (
    "裸", "色情", "性", "约炮", "嫖", "妓", "赌", "博彩", "下注", "彩票", "自杀", "轻生", "自残", "割腕", "跳楼",
    "上吊", "毒品", "吸毒", "血腥", "砍", "杀", "去死", "尸", "洗澡", "内衣",
)  # fmt: skip
HARMLESS = re.compile("男性|女性|性别|性格|个性|可能性|重要性|一次性|真实性|安全性|随机性|任性|杀毒|杀猪盘")


def texts(item: Item) -> Iterator[str]:
    yield item.stem
    if item.scene is not None:
        yield item.scene.sender
        yield item.scene.text
    yield from (option.text for option in item.options)
    yield from (item.explanation.trick, item.explanation.tell, item.explanation.action)


def chi_square(counts: list[int]) -> float:
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


# --- enough of everything


def test_there_are_six_hundred_items_in_all() -> None:
    assert ALL.items >= 600


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_audience_has_forty_items(audience: str) -> None:
    assert ALL.by_audience[audience] >= 40


def test_twenty_topics_have_twelve_items_each() -> None:
    assert sum(count >= 12 for count in ALL.by_topic.values()) >= 20
    assert set(ALL.by_topic) == set(FOLDERS["secondary"].vocabulary.topics)


def test_half_of_the_items_have_a_scene_and_a_fifth_of_the_scenes_is_honest() -> None:
    assert 2 * ALL.scenes >= ALL.items
    assert 5 * ALL.genuine >= ALL.scenes


@pytest.mark.parametrize("bank", FOLDERS)
def test_every_bank_has_scenes_and_honest_messages(bank: str) -> None:
    one = figures({bank: FOLDERS[bank].items}, TODAY)

    assert 2 * one.scenes >= one.items
    assert 5 * one.genuine >= one.scenes


def test_a_hundred_tricks_come_in_two_sets_of_clothes() -> None:
    assert ALL.twins >= 100
    assert ALL.twin_items >= 2 * ALL.twins


@pytest.mark.parametrize("bank", FOLDERS)
def test_check_finds_nothing(bank: str) -> None:
    assert FOLDERS[bank].faults == ()


# --- what is written


def test_every_item_says_how_the_trick_works_what_gives_it_away_and_what_to_do() -> None:
    lines = {
        f"{bank}/{item.code}": (item.explanation.trick, item.explanation.tell, item.explanation.action)
        for bank, item in ITEMS
    }

    assert [name for name, three in lines.items() if not all(line.strip() for line in three)] == []
    assert [name for name, three in lines.items() if len(set(three)) < 3] == []


def test_every_item_names_its_source_in_words() -> None:
    assert [
        f"{bank}/{item.code}" for bank, item in ITEMS if not re.search("[\u4e00-\u9fff]{4}", item.source)
    ] == []


def test_minors_read_nothing_unfit() -> None:
    found = [
        (f"{bank}/{item.code}", word)
        for bank, item in ITEMS
        if bankfile.MINORS.intersection(item.audiences)
        for text in texts(item)
        for word in UNFIT
        if word in HARMLESS.sub("", text)
    ]

    assert found == []


def test_a_bank_for_minors_has_no_item_for_others() -> None:
    mixed = [
        bank for bank, folder in FOLDERS.items() if _for_minors(folder) and not _for_minors(folder, only=True)
    ]

    assert sorted(bank for bank, folder in FOLDERS.items() if _for_minors(folder)) == ["primary", "secondary"]
    assert mixed == []


def _for_minors(folder: files.BankFolder, *, only: bool = False) -> bool:
    judge = all if only else any
    return judge(audience in bankfile.MINORS for item in folder.items for audience in item.audiences)


# --- keys that hide


def test_the_longest_option_is_the_key_no_more_often_than_chance() -> None:
    """One-sided exact test; where two options share the length nobody can bet on it, so it does not count."""
    assert ALL.key_longest.rate.whole >= 50
    assert ALL.key_longest.chance > ALPHA


def test_the_shortest_option_is_the_key_no_more_often_than_chance() -> None:
    assert ALL.key_shortest.rate.whole >= 50
    assert ALL.key_shortest.chance > ALPHA


def test_keys_stand_evenly_in_all_four_places() -> None:
    places = Counter(
        next(place for place, option in enumerate(item.options) if option.key)
        for _, item in ITEMS
        if item.kind == "single_choice" and len(item.options) == 4
    )

    assert sum(places.values()) > 400
    assert chi_square([places[place] for place in range(4)]) < CHI_SQUARE_3


@pytest.mark.parametrize("bank", FOLDERS)
def test_keys_of_a_bank_stand_in_every_place_between_a_sixth_and_a_third(bank: str) -> None:
    places = figures({bank: FOLDERS[bank].items}, TODAY).key_places

    assert len(places) == 4
    assert all(sum(places) / 6 <= count <= sum(places) / 3 for count in places)


def test_true_and_false_are_balanced() -> None:
    assert set(ALL.key_words) == {"对", "不对"}
    assert chi_square(list(ALL.key_words.values())) < CHI_SQUARE_1


def test_the_number_of_right_options_of_multiple_choice_cannot_be_guessed() -> None:
    assert max(ALL.key_counts.values()) <= 0.6 * sum(ALL.key_counts.values())


# --- room to draw

PLANS = {
    path.stem: blueprints.read_plan(path) for path in sorted((files.SHELF / "blueprints").glob("*.toml"))
}
FORMS = {"contest_open": 20}
FOLDS = {"semester_primary_lower": 3, "quiz_elderly": 4}
"""So many forms without a common question can be laid side by side; five, but for the two smallest audiences."""


def candidates(plan: papers.Plan) -> list[assembly.Candidate]:
    return [papers.candidate(ref, bank, item) for ref, (bank, item) in enumerate(ITEMS) if bank in plan.banks]


def test_there_is_a_blueprint_for_everybody() -> None:
    assert list(PLANS) == [
        "contest_open", "quiz_elderly", "quiz_finance", "quiz_parents", "semester_junior", "semester_primary_lower",
        "semester_primary_upper", "semester_senior", "semester_staff", "semester_university",
    ]  # fmt: skip
    audiences = {rule.audience for plan in PLANS.values() for rule in plan.rules}
    assert audiences == {*AUDIENCES, None} - {"netizen"}


@pytest.mark.parametrize("name", PLANS)
def test_blueprint_has_a_code_like_its_file_and_a_hundred_points(name: str) -> None:
    plan = PLANS[name]
    blueprint = assembly.Blueprint(plan.rules)

    assert plan.code == f"{name.replace('_', '-')}-2026-2027-1"
    assert (blueprint.item_count, blueprint.total_points) == (FORMS.get(name, 10), 100)
    assert len({rule.audience for rule in plan.rules}) == 1


@pytest.mark.parametrize("name", PLANS)
def test_every_rule_of_a_blueprint_has_five_times_the_groups_it_needs(name: str) -> None:
    plan = PLANS[name]
    rows = papers.rule_rows(assembly.Blueprint(plan.rules), candidates(plan), plan.topics)

    assert [(row.label, row.choice) for row in rows if row.choice < 5 * row.count or row.missing] == []


@pytest.mark.parametrize("name", PLANS)
def test_blueprint_can_be_filled_many_times_over_at_once(name: str) -> None:
    plan = PLANS[name]
    fold = FOLDS.get(name, 5)
    many = assembly.Blueprint(tuple(replace(rule, count=fold * rule.count) for rule in plan.rules))

    assert assembly.shortfalls(many, candidates(plan)) == ()


@pytest.mark.parametrize("name", PLANS)
def test_drawn_forms_suit_their_audience_and_show_every_topic_named(name: str) -> None:
    plan = PLANS[name]
    blueprint, pool = assembly.Blueprint(plan.rules), candidates(plan)
    audience = plan.rules[0].audience
    for number in range(20):
        drawn = [ITEMS[one.ref][1] for one in assembly.draw(blueprint, pool, seed=str(number))]
        assert len(drawn) == blueprint.item_count
        assert {rule.topic for rule in plan.rules if rule.topic} <= {item.topic for item in drawn}
        assert audience is None or all(audience in item.audiences for item in drawn)
        assert {item.kind for item in drawn} >= {"single_choice", "true_false"}


# --- the guide


def rules_in_the_code() -> set[str]:
    """First arguments of the makers of faults, and the names given to what the shapes refuse."""
    package = PROJECT / "quizsvc"
    found: set[str] = set()
    for file in (package / "core" / "bankfile.py", package / "bank" / "files.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return {word for word in found if word == "expired" or re.fullmatch("[a-z]+(-[a-z]+)+", word)}


def rules_in_the_guide() -> list[str]:
    return re.findall(r"^\| `([a-z-]+)` \|", GUIDE.read_text(encoding="utf-8"), re.M)


def test_guide_names_every_rule_of_the_linter_once() -> None:
    assert sorted(rules_in_the_guide()) == sorted({*rules_in_the_code(), "syntax"})


def test_every_rule_of_the_linter_has_a_sample() -> None:
    bad = Path(__file__).parent.parent / "banks" / "bad"
    shown = {
        fault.rule for path in files.folders([bad]) for fault in files.read_folder(path, today=TODAY).faults
    }

    assert set(rules_in_the_guide()) - shown == {"no-vocabulary"}
