"""Blueprint files, the two that are published, and forms on paper."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from PIL import Image

from quizsvc import typesetting
from quizsvc.audit import CLI
from quizsvc.bank import files as bank_files
from quizsvc.bank import operations as bank
from quizsvc.core import assembly, bankfile, marking
from quizsvc.core.assembly import Rule
from quizsvc.paper import files, queries
from tests.conftest import NOON
from tests.make import an_item
from tests.paper.conftest import MANY, Freeze, a_plan, frozen_id, imported

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
PARTS: tuple[files.Part, ...] = get_args(files.Part)
HOSTILE = '#panic("x") $a_1$ *b* \\ "引号" #{1+1} @x `r` // /* <b>&amp;</b> -- ...'

needs_typst = pytest.mark.skipif(find_spec("typst") is None, reason="typst is not installed (extra: print)")
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None,
    reason="pdftotext is missing: install poppler-utils to check the printed paper",
)


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


def test_published_blueprint_is_frozen_over_the_published_banks(app: Flask) -> None:
    """What every published blueprint promises is held by tests/rules/test_banks.py; here it meets a database."""
    for path in bank_files.folders():
        folder = bank_files.read_folder(path, today=date(2026, 12, 12))
        bank.import_bank(code=folder.code, name=folder.name, items=folder.items, at=NOON, actor=CLI)

    paper = queries.frozen(frozen_id(files.read_plan(files.SHELF / "blueprints" / "semester_junior.toml")))

    assert (paper.blueprint.item_count, paper.blueprint.total_points) == (10, 100)
    assert len(paper.items) >= 5 * paper.blueprint.item_count
    met: set[int] = set()
    for number in range(60):
        drawn = assembly.draw(paper.blueprint, paper.candidates, seed=str(number))
        assert len(drawn) == 10
        met |= {one.ref for one in drawn}
    assert len(met) > 0.8 * len(paper.items)


def pdf_text(pdf: bytes, folder: Path, *options: str) -> list[str]:
    """Read a PDF page by page."""
    (folder / "form.pdf").write_bytes(pdf)
    command = ["pdftotext", *options, "form.pdf", "-"]
    told = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return told.removesuffix("\f").split("\f")


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]", "", text)


def told(pdf: bytes, folder: Path) -> str:
    return squeezed("".join(pdf_text(pdf, folder, "-raw")))


def with_scene(code: str, text: str = "先转 300 元，不要告诉老师。", **changes: Any) -> bankfile.Item:
    scene = bankfile.Scene("sms", "自称客服的人", text, ("不要告诉老师",))
    return an_item(code, scene=scene, **changes)


TRUE_FALSE = an_item(
    "true-false-01", kind="true_false", options=(bankfile.Option("对"), bankfile.Option("不对", key=True))
)
EIGHT = an_item(
    "eight-01",
    kind="multiple_choice",
    options=tuple(bankfile.Option(f"第 {n} 种做法", key=n in (2, 3, 7)) for n in range(8)),
)
ALL_KINDS = (an_item("single-01"), MANY, TRUE_FALSE, EIGHT, with_scene("scene-01"))


@needs_typst
@needs_poppler
def test_paper_asks_the_items_of_the_form_in_its_order(freeze: Freeze, tmp_path: Path) -> None:
    paper = freeze(*ALL_KINDS)

    text = told(files.printed(paper, seed="abc-1", part="paper"), tmp_path)

    wanted = "反诈知识测试共5题，满分50分卷号abc-1学校班级姓名座位号"
    assert text.startswith(wanted)
    place = 0
    for item in queries.view(paper, queries.sample(paper, "abc-1"), "abc-1").items:
        said = [
            item.stem + f"（{item.kind_name}，10分）",
            *(f"{one.letter}.{one.text}" for one in item.options),
        ]
        if item.scene_text:
            said = ["模拟内容短信自称客服的人", item.scene_text, *said]
        for one in map(squeezed, (f"{item.position}.", *said)):
            place = text.index(one, place) + len(one)
    assert text.endswith("卷号abc-1试卷semester第1页，共1页")


@needs_typst
@needs_poppler
@pytest.mark.parametrize("part", ["paper", "sheet"])
def test_nothing_of_the_key_is_handed_out(freeze: Freeze, tmp_path: Path, part: files.Part) -> None:
    paper = freeze(*ALL_KINDS)

    text = told(files.printed(paper, seed="abc", part=part), tmp_path)

    explanation = ALL_KINDS[0].explanation
    secret = (
        explanation.trick,
        explanation.tell,
        explanation.action,
        ALL_KINDS[0].source,
        "刷单返利",
        "教师",
    )
    assert [one for one in secret if squeezed(one) in text] == []


@needs_typst
@needs_poppler
@pytest.mark.parametrize("seed", ["a", "b", "c", "Z-9"])
def test_key_agrees_with_marking(freeze: Freeze, tmp_path: Path, seed: str) -> None:
    paper = freeze(*ALL_KINDS)
    form = queries.sample(paper, seed)

    text = "\n".join(pdf_text(files.printed(paper, seed=seed, part="key"), tmp_path, "-raw"))

    printed = re.findall(r"^(\d+)\. ([A-H]+) (?:单选|多选|判断)，10 分", text, re.M)
    assert [int(number) for number, _ in printed] == [1, 2, 3, 4, 5]
    orders = [queries.laid_out(paper.items[index], seed)[0] for index, _ in form]
    chosen = [
        frozenset(order["ABCDEFGH".index(letter)] for letter in letters)
        for order, (_, letters) in zip(orders, printed, strict=True)
    ]
    assert chosen == [item.key for item in queries.keyed(paper, form)]
    assert marking.mark(queries.keyed(paper, form), chosen).score == 50
    table = squeezed("".join(f"{number}{letters}10分" for number, letters in printed))
    assert table in squeezed(text)


@needs_typst
@needs_poppler
def test_key_explains_every_item_to_teachers(freeze: Freeze, tmp_path: Path) -> None:
    thin = an_item("thin-01", explanation=bankfile.Explanation("先给小利。", "", "告诉老师。"))

    text = told(files.printed(freeze(thin), seed="abc", part="key"), tmp_path)

    assert text.startswith("教师用：有答案，不要发给答题的人反诈知识测试答案和解析共1题，满分10分卷号abc")
    assert "停下来问问老师骗术先给小利。应对告诉老师。来源：风险提示单2023" in text
    assert text.endswith("卷号abc试卷semester教师用第1页，共1页")


@needs_typst
@needs_poppler
def test_tells_are_underlined_in_the_key_only(freeze: Freeze, tmp_path: Path) -> None:
    scene = bankfile.Scene("sms", "客服", "您好 请先转账 再见", ("请先转账",))
    paper = freeze(an_item(scene=scene))

    assert {
        part: [
            underlined(files.printed(paper, seed="abc", part=part), word, tmp_path)
            for word in scene.text.split()
        ]
        for part in ("paper", "key")
    } == {"paper": [False, False, False], "key": [False, True, False]}


def underlined(pdf: bytes, word: str, folder: Path) -> bool:
    """Tell whether a dark line runs below a word, from its first character to its last."""
    page = "".join(pdf_text(pdf, folder, "-bbox"))
    place = re.search(f'xMin="(.+)" yMin="(.+)" xMax="(.+)" yMax="(.+)">{word}<', page)
    assert place
    left, top, right, bottom = (float(value) * 100 / 72 for value in place.groups())
    [image] = pictures(pdf, folder, dpi=100)
    below = image.crop((round(left) + 2, round(top), round(right) - 2, round(bottom) + 5))
    rows = (below.crop((0, row, below.width, row + 1)) for row in range(below.height))
    return any(max(row.tobytes()) < 160 for row in rows)


def pictures(pdf: bytes, folder: Path, dpi: int) -> list[Image.Image]:
    (folder / "form.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", str(dpi), "-gray", "form.pdf", "page"], cwd=folder, check=True)
    return [Image.open(page) for page in sorted(folder.glob("page-*.pgm"))]


@needs_typst
@needs_poppler
def test_sheet_is_one_page_with_the_letters_of_every_item(freeze: Freeze, tmp_path: Path) -> None:
    paper = freeze(*ALL_KINDS, *(an_item(f"more-{n:02}") for n in range(35)))
    view = queries.view(paper, queries.sample(paper, "abc"), "abc")

    [page] = pdf_text(files.printed(paper, seed="abc", part="sheet"), tmp_path, "-raw")

    rows = re.findall(r"^(\d+) ((?:[A-H] ?)+)(多选)?$", page, re.M)
    assert [(int(number), letters.split(), mark) for number, letters, mark in rows] == [
        (item.position, [one.letter for one in item.options], "多选" * (item.kind == "multiple_choice"))
        for item in view.items
    ]
    assert squeezed(page).startswith("反诈知识测试答题卡共40题，满分400分卷号abc学校班级姓名座位号")


@needs_typst
@needs_poppler
def test_no_item_is_broken_across_pages(freeze: Freeze, tmp_path: Path) -> None:
    items = [with_scene(f"long-{n:02}", f"情景{n:02}头{'国' * 90 * (n % 7)}尾{n:02}") for n in range(20)]
    paper = freeze(*items)

    pages = [squeezed(page) for page in pdf_text(files.printed(paper, seed="abc", part="paper"), tmp_path)]

    assert len(pages) > 3
    for n, item in enumerate(items):
        whole = {f"情景{n:02}头", f"尾{n:02}", squeezed(item.stem)}
        assert [whole & {one for one in whole if one in page} for page in pages].count(whole) == 1
    feet = [page[-len("第1页，共1页") :] for page in pages]
    assert feet == [f"第{number}页，共{len(pages)}页" for number in range(1, len(pages) + 1)]


@needs_typst
@needs_poppler
@pytest.mark.parametrize("part", ["paper", "key"])
@pytest.mark.parametrize("count", [20, 26, 32, 38, 44, 50, 200])
def test_an_item_longer_than_a_page_loses_nothing(
    freeze: Freeze, tmp_path: Path, count: int, part: files.Part
) -> None:
    lines = [f"第{n}句" for n in range(count)]
    paper = freeze(with_scene("long-01", "\n".join(lines)))

    text = told(files.printed(paper, seed="abc", part=part), tmp_path)

    assert re.findall(r"第\d+句", text) == lines


@needs_typst
@needs_poppler
def test_hostile_texts_are_printed_as_they_are(freeze: Freeze, tmp_path: Path) -> None:
    said = squeezed(HOSTILE)
    scene = bankfile.Scene("sms", HOSTILE, HOSTILE, (HOSTILE,))
    options = (
        bankfile.Option("甲" + HOSTILE, key=True),
        bankfile.Option("乙" + HOSTILE),
        bankfile.Option("丙"),
    )
    explanation = bankfile.Explanation(HOSTILE, HOSTILE, HOSTILE)
    item = an_item(stem=HOSTILE, scene=scene, options=options, explanation=explanation, source=HOSTILE)
    paper = replace(freeze(item), title=HOSTILE, topics={"brushing": HOSTILE})

    texts = {part: told(files.printed(paper, seed="abc", part=part), tmp_path) for part in PARTS}

    assert {part: text.count(said) for part, text in texts.items()} == {"paper": 6, "sheet": 1, "key": 10}


@needs_typst
@needs_poppler
@pytest.mark.parametrize("text", ["W" * 300, "！" * 300, "Internationalisation " * 30, "國" * 300])
def test_long_texts_stay_inside_the_margins(freeze: Freeze, tmp_path: Path, text: str) -> None:
    options = (bankfile.Option(text, key=True), bankfile.Option(text + "2"), bankfile.Option("3"))
    paper = freeze(with_scene("long-01", text, stem=text, options=options, source=text))

    for part in PARTS:
        for image in pictures(files.printed(paper, seed="abc", part=part), tmp_path, dpi=50):
            right = round((210 - 16) / 25.4 * 50)
            assert set(image.crop((right, 0, *image.size)).tobytes()) == {255}


@needs_typst
@needs_poppler
def test_marks_stay_with_what_they_close_and_open(freeze: Freeze, tmp_path: Path) -> None:
    stems = [
        f"{'国' * n}{marks}{'国' * 9}" for n in range(36, 45) for marks in ("）。", "？", "，“", "：（", "、")
    ]
    paper = freeze(*(an_item(f"mark-{n:02}", stem=stem) for n, stem in enumerate(stems)))

    text = "".join(pdf_text(files.printed(paper, seed="abc", part="paper"), tmp_path, "-layout"))

    lines = [re.sub(r"^ *\d+\.| ", "", line) for line in text.splitlines() if "国" in line]
    assert len(lines) == 2 * len(stems)
    assert [line for line in lines if line[0] in "）。？，：、" or line[-1] in "“（"] == []


@needs_typst
@needs_poppler
def test_only_the_shipped_font_is_used(freeze: Freeze, tmp_path: Path) -> None:
    (tmp_path / "form.pdf").write_bytes(files.printed(freeze(*ALL_KINDS), seed="abc", part="key"))
    command = ["pdffonts", "form.pdf"]
    listed = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    names = {line.split()[0].partition("+")[2] for line in listed.splitlines()[2:]}
    assert names == {"QuizsvcSansSC-Regular-Identity-H", "QuizsvcSansSC-Bold-Identity-H"}


@needs_typst
def test_a_seed_gives_one_paper_for_ever(freeze: Freeze) -> None:
    paper = freeze(*ALL_KINDS)

    for part in PARTS:
        first, again, other = (files.printed(paper, seed=seed, part=part) for seed in ("abc", "abc", "abd"))
        assert first == again
        assert first != other


@needs_typst
@needs_poppler
def test_each_part_begins_on_the_front_of_a_leaf(freeze: Freeze, tmp_path: Path) -> None:
    paper = freeze(*(with_scene(f"scene-{n:02}") for n in range(9)))

    pdf = files.printed_together(paper, seed="a-1", parts=("paper", "sheet", "sheet"))

    assert [page.rstrip().split("\n")[-1] for page in pdf_text(pdf, tmp_path, "-raw")] == [
        "卷号 a-1 试卷 semester 第 1 页，共 2 页",
        "卷号 a-1 试卷 semester 第 2 页，共 2 页",
        "卷号 a-1 试卷 semester 第 1 页，共 1 页",
        "",
        "卷号 a-1 试卷 semester 第 1 页，共 1 页",
    ]


@needs_typst
@needs_poppler
def test_a_paper_without_points_speaks_of_none(app: Flask, tmp_path: Path) -> None:
    imported(*ALL_KINDS)
    paper = queries.frozen(frozen_id(a_plan(Rule(5, 0))))

    for part in PARTS:
        text = told(files.printed(paper, seed="abc", part=part), tmp_path)
        assert re.findall(r"满分|\d分", text) == []


@pytest.mark.parametrize("seed", ["", "a b", "卷一", "a" * 33, "../a", "a\n"])
def test_a_seed_nobody_can_type_again_is_refused(freeze: Freeze, seed: str) -> None:
    with pytest.raises(files.BadSeed, match="字母、数字和连字符"):
        files.printed(freeze(an_item()), seed=seed, part="paper")


def test_without_typst_the_extra_is_named(freeze: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "typst", None)

    with pytest.raises(typesetting.NotInstalled) as refused:
        files.printed(freeze(an_item()), seed="abc", part="paper")

    assert (refused.value.status, refused.value.text) == (
        501,
        "这台机器没有装排版组件，不能生成试卷文件。要生成 PDF 和图片，请管理员运行 pip install 'quizsvc[print]'。",
    )
