"""Blueprint files, and the two that are published."""

from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bank import files as bank_files
from quizsvc.bank import operations as bank
from quizsvc.core import assembly
from quizsvc.core.assembly import Rule
from quizsvc.paper import files, queries
from tests.conftest import NOON
from tests.paper.conftest import frozen_id

BANKS = Path(__file__).parent.parent / "banks" / "good"
GOOD = """\
code = "small"
title = "小测试"
kind = "quiz"
banks = ["twins", "scene"]
audience = "junior"

[[rule]]
count = 2
points = 10
topic = "brushing"
kind = "single_choice"

[[rule]]
count = 1
points = 20
difficulty = 3
audience = "senior"
bank = "twins"

[[fixed]]
item = "scene/brushing-01"
points = 5
"""
PUBLISHED = sorted((files.SHELF / "blueprints").glob("*.toml"))


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_plan_is_read_whole(tmp_path: Path) -> None:
    plan = files.read_plan(written(tmp_path, GOOD), shelf=BANKS)

    assert plan == queries.Plan(
        code="small",
        title="小测试",
        kind="quiz",
        banks=("twins", "scene"),
        rules=(
            Rule(2, 10, topic="brushing", kind="single_choice", audience="junior"),
            Rule(1, 20, difficulty=3, audience="senior", bank="twins"),
        ),
        fixed=(("scene/brushing-01", 5),),
        topics={"brushing": "刷单返利", "police": "冒充公检法"},
    )


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        ("count = 2", "count = ", ["plan.toml:8 这一行附近不合 TOML 的写法，请检查引号、等号、括号和重复的字段。"]),
        ("count = 2", "count = 0", ["plan.toml:8 “rule 第 1 项的 count”太小了，现在写的是 0。"]),
        ("count = 2", "count = 2.5", ["plan.toml:8 “rule 第 1 项的 count”要写成整数，不加引号。"]),
        ("points = 20", "points = 2000000", ["plan.toml:15 “rule 第 2 项的 points”太大了，现在写的是 2000000。"]),
        ("topic =", "topick =", ["plan.toml:10 不认识的字段“rule 第 1 项的 topick”，是不是“topic”？"]),
        ('title = "小测试"\n', "", ["plan.toml:1 缺少“title”。"]),
        ('banks = ["twins", "scene"]', "banks = []", ["plan.toml:4 “banks”不能是空的。"]),
        ('"brushing"\nkind = "single_choice"', '"brush"\nkind = "single"', [
            "plan.toml:10 topic 没有“brush”这个词。",
            "plan.toml:11 kind 没有“single”这个词。",
        ]),
        ("difficulty = 3", "difficulty = 9", ["plan.toml:16 difficulty 没有“9”这个词。"]),
        ('bank = "twins"', 'bank = "pairs"', ["plan.toml:18 bank 没有“pairs”这个词。"]),
        ('audience = "junior"', 'audience = "middle"', ["plan.toml:5 适用人群“middle”不认识。"]),
    ],
)  # fmt: skip
def test_faults_of_a_plan_are_told_with_their_lines(
    tmp_path: Path, old: str, new: str, texts: list[str]
) -> None:
    assert GOOD.count(old) == 1

    with pytest.raises(files.BadPlan) as refused:
        files.read_plan(written(tmp_path, GOOD.replace(old, new)), shelf=BANKS)

    assert refused.value.text.split("\n") == texts


@pytest.mark.parametrize("vocabulary", [None, "topics = 1", "= broken"])
def test_plan_needs_the_vocabulary(tmp_path: Path, vocabulary: str | None) -> None:
    if vocabulary is not None:
        (tmp_path / "vocabulary.toml").write_text(vocabulary)

    with pytest.raises(files.BadPlan, match="请先运行 quizsvc bank check"):
        files.read_plan(written(tmp_path, GOOD), shelf=tmp_path)


@pytest.fixture(params=PUBLISHED, ids=[path.stem for path in PUBLISHED])
def published(request: pytest.FixtureRequest, app: Flask) -> queries.FrozenPaper:
    """A published blueprint, frozen over the published banks."""
    for path in bank_files.folders():
        folder = bank_files.read_folder(path, today=date(2026, 12, 12))
        bank.import_bank(code=folder.code, name=folder.name, items=folder.items, at=NOON, actor=CLI)
    return queries.frozen(frozen_id(files.read_plan(request.param)))


def test_published_blueprints_are_the_two_of_the_semester() -> None:
    assert [path.name for path in PUBLISHED] == ["semester_junior.toml", "semester_senior.toml"]


def test_published_blueprint_gives_ten_items_of_ten_points_with_five_times_the_choice(
    published: queries.FrozenPaper,
) -> None:
    blueprint = published.blueprint

    assert (blueprint.item_count, blueprint.total_points) == (10, 100)
    assert len(published.items) >= 5 * blueprint.item_count
    rows = queries.rule_rows(blueprint, published.candidates, published.topics)
    assert [row for row in rows if row.choice < 3 * row.count or row.missing] == []


def test_published_blueprint_draws_every_topic_it_names_every_time(published: queries.FrozenPaper) -> None:
    named = {rule.topic for rule in published.blueprint.rules if rule.topic}
    met: set[int] = set()
    for number in range(60):
        drawn = assembly.draw(published.blueprint, published.candidates, seed=str(number))
        items = [published.items[one.ref].item for one in drawn]
        assert len(items) == 10
        assert named <= {item.topic for item in items}
        assert any(item.kind == "multiple_choice" for item in items)
        assert all(published.blueprint.rules[0].audience in item.audiences for item in items)
        met |= {one.ref for one in drawn}

    assert len(met) > 0.8 * len(published.items)
