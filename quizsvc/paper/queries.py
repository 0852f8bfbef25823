"""Reads over the papers: drafts, what a blueprint can draw from, frozen papers, what participants see of them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from string import ascii_uppercase
from typing import Any

from sqlalchemy import Row, func, literal, select

from quizsvc.bank import queries as bank
from quizsvc.core import (
    adoption,
    assembly,
    bankfile,
    document,
    marking,
    questionnaire,
    readinglevel,
    readingtime,
)
from quizsvc.core.blanks import blanks
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.core.sheettext import Body
from quizsvc.db import db
from quizsvc.paper.models import Draft, Paper, SheetDraft

QUIZ = "quiz"
KEPT = 64  # papers a process remembers; a hundred items of one take about 200 KB
LAID_OUT = 5000

FormItems = Sequence[Sequence[int]]
"""What was drawn: (index of the item in the paper, points), in the order it is shown."""


class UnknownPaper(Unknown):
    """No paper has this id."""

    def __init__(self) -> None:
        super().__init__("没有这份试卷。")


class UnknownDraft(Unknown):
    """No draft has this id."""

    def __init__(self) -> None:
        super().__init__("没有这份草稿，可能已经删除了。")


class Unfillable(Refusal):
    """A blueprint that its banks cannot fill; the text says what is missing, rule by rule."""

    def __init__(self, shortfalls: Sequence[str]) -> None:
        super().__init__(f"题不够，试卷没有冻结：{'；'.join(shortfalls)}。", status=409)


@dataclass(frozen=True, slots=True)
class Plan:
    """A blueprint as it is written: fixed items by the name "bank/code"."""

    code: str
    title: str
    kind: str
    banks: tuple[str, ...]
    rules: tuple[assembly.Rule, ...]
    fixed: tuple[tuple[str, int], ...]
    topics: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pool:
    """A plan met with the banks: what its rules and fixed items take, and the blueprint over that."""

    blueprint: assembly.Blueprint
    versions: tuple[bank.VersionRow, ...]
    candidates: tuple[assembly.Candidate, ...]


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule for a reader: items, their points together, groups to choose from, items that lack."""

    label: str
    count: int
    points: int
    choice: int
    missing: int


@dataclass(frozen=True, slots=True, eq=False)
class FrozenItem:
    """One item of a frozen paper; `index` is its name in forms. A process has one object an item."""

    index: int
    version_id: int
    bank: str
    item: bankfile.Item
    key: frozenset[int]
    told: tuple[tuple[str, bool], ...]
    """The scene in pieces, True where a tell is; empty without a scene."""


@dataclass(frozen=True, slots=True, eq=False)
class FrozenPaper:
    """A frozen paper whole, with its key. It stays on the server.

    A process has one object a paper, so it may be the key of a cache; `fits` are the rules that take each candidate.
    """

    id: int
    code: str
    kind: str
    title: str
    content_hash: str
    frozen_at: datetime
    blueprint: assembly.Blueprint
    items: tuple[FrozenItem, ...]
    candidates: tuple[assembly.Candidate, ...]
    fits: Mapping[int, tuple[int, ...]]
    topics: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A frozen text or survey whole. A process has one object a sheet, so it may be the key of a cache."""

    id: int
    code: str
    kind: str
    title: str
    body: Body
    content_hash: str
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class SheetDraftRow:
    """A text or survey in the making, as it is typed; `paper_id` is what it was frozen as."""

    id: int
    code: str
    kind: str
    source: str
    revision: int
    author: str
    updated_at: datetime
    paper_id: int | None


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One paper in a list; `pool` is how many items it draws from.

    A text or survey has no points and no pool, its items are its points, things to adopt or questions.
    """

    id: int
    code: str
    title: str
    kind: str
    item_count: int
    total_points: int
    pool: int
    content_hash: str
    frozen_at: datetime


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A paper in the making; `fixed` names items as "bank/code", `paper_id` is what it was frozen as."""

    id: int
    code: str
    kind: str
    title: str
    audience: str | None
    banks: tuple[str, ...]
    rules: tuple[assembly.Rule, ...]
    fixed: tuple[tuple[str, int], ...]
    revision: int
    author: str
    updated_at: datetime
    paper_id: int | None

    @property
    def item_count(self) -> int:
        """Count the items of every form."""
        return len(self.fixed) + sum(rule.count for rule in self.rules)

    @property
    def total_points(self) -> int:
        """Sum the points of every form."""
        return sum(points for _, points in self.fixed) + sum(rule.count * rule.points for rule in self.rules)

    def plan(self, topics: Mapping[str, str]) -> Plan:
        """Return it as a blueprint file would: a rule without an audience takes the draft's."""
        return Plan(
            code=self.code,
            title=self.title,
            kind=self.kind,
            banks=self.banks,
            rules=tuple(replace(rule, audience=rule.audience or self.audience) for rule in self.rules),
            fixed=self.fixed,
            topics=topics,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A fixed item of a draft: None when no bank has it any more; `clashes` with an earlier one of its group."""

    name: str
    points: int
    version: bank.VersionRow | None
    clashes: bool


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """A draft met with the banks as they are now: what is there of it, and what is in the way of freezing it."""

    draft: DraftRow
    pool: Pool
    placed: tuple[Placed, ...]
    rules: tuple[RuleRow, ...]
    faults: tuple[str, ...]
    seconds: int

    @property
    def can_be_shown(self) -> bool:
        """Say whether there is at least one item to show."""
        return _filled(self).item_count > 0


@dataclass(frozen=True, slots=True)
class Parallel:
    """An item to take another's place, and why this one."""

    version: bank.VersionRow
    why: str


@dataclass(frozen=True, slots=True)
class OptionView:
    """One answer as a participant sees it."""

    token: str
    letter: str
    text: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """One question as a participant sees it: nothing in it tells the key."""

    position: int
    kind: str
    kind_name: str
    audience_name: str | None
    channel_name: str | None
    sender: str | None
    scene_text: str | None
    stem: str
    options: tuple[OptionView, ...]


@dataclass(frozen=True, slots=True)
class PaperView:
    """What a participant gets. The type has no key, tell, belief, explanation, source, code or topic."""

    title: str
    items: tuple[ItemView, ...]


@dataclass(frozen=True, slots=True)
class ReviewOption:
    """One answer after the test."""

    letter: str
    text: str
    chosen: bool
    key: bool


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One question after the test, with what there is to learn; `scene` is pieces, True where a tell is."""

    position: int
    kind_name: str
    topic_name: str
    channel_name: str | None
    sender: str | None
    scene: tuple[tuple[str, bool], ...]
    stem: str
    options: tuple[ReviewOption, ...]
    right: bool
    blank: bool
    explanation: bankfile.Explanation
    source: str


def pool(plan: Plan) -> Pool:
    """Choose the newest item versions that a plan's rules or fixed items take."""
    return met(plan, bank.latest())


def met(plan: Plan, latest: Sequence[bank.VersionRow]) -> Pool:
    """Choose among these item versions those that a plan's rules or fixed items take."""
    names = dict(plan.fixed)
    absent = sorted(set(plan.banks) - {version.bank_code for version in latest})
    if absent:
        raise Refusal(f"题库里还没有发布了的题：{'、'.join(absent)}。请先导入，或者把草稿审过、发布。")
    versions = [version for version in latest if name_of(version) in names or _wanted(plan, version)]
    index_of = {name_of(version): index for index, version in enumerate(versions)}
    unknown = [name for name in names if name not in index_of]
    if unknown:
        raise Refusal(f"固定题不在题库里：{'、'.join(unknown)}。请先导入题库，或者改组卷规则。")
    return Pool(
        blueprint=assembly.Blueprint(
            plan.rules, tuple(assembly.Fixed(index_of[name], points) for name, points in plan.fixed)
        ),
        versions=tuple(versions),
        candidates=tuple(
            candidate(index, version.bank_code, version.item) for index, version in enumerate(versions)
        ),
    )


def name_of(version: bank.VersionRow) -> str:
    """Name an item as blueprints do: bank/code."""
    return f"{version.bank_code}/{version.item.code}"


def candidate(index: int, bank_code: str, item: bankfile.Item) -> assembly.Candidate:
    """Tell the core about an item under its index in a paper; twins of one bank form one group."""
    return assembly.Candidate(
        ref=index,
        group=f"{bank_code}:{item.twin}" if item.twin else f"{bank_code}/{item.code}",
        topic=item.topic,
        kind=item.kind,
        difficulty=item.difficulty,
        audiences=item.audiences,
        bank=bank_code,
    )


def rule_rows(
    blueprint: assembly.Blueprint, candidates: Sequence[assembly.Candidate], topics: Mapping[str, str]
) -> list[RuleRow]:
    """Tell each rule with its choice; the fixed items, if there are any, come first."""
    missing = {short.rule_index: short.missing for short in assembly.shortfalls(blueprint, candidates)}
    common = len({rule.audience for rule in blueprint.rules}) == 1  # then naming it tells nothing
    rows = [
        RuleRow(
            label=(replace(rule, audience=None) if common else rule).label(topics),
            count=rule.count,
            points=rule.count * rule.points,
            choice=len({one.group for one in candidates if rule.takes(one)}),
            missing=missing.get(index, 0),
        )
        for index, rule in enumerate(blueprint.rules)
    ]
    if blueprint.fixed:
        fixed = len(blueprint.fixed)
        points = sum(item.points for item in blueprint.fixed)
        rows.insert(0, RuleRow("固定题", fixed, points, fixed, missing.get(assembly.FIXED_ITEMS, 0)))
    return rows


def shortfall_texts(rows: Iterable[RuleRow]) -> list[str]:
    """Say what is missing, rule by rule."""
    return [f"{row.label}：需 {row.count}，缺 {row.missing}" for row in rows if row.missing]


def papers() -> list[PaperRow]:
    """List the papers, newest first."""
    parts = [Paper.content["sheet"][name] for name in ("points", "items", "questions")]
    rows = db.session.execute(
        select(
            Paper.id, Paper.code, Paper.title, Paper.kind, Paper.content["blueprint"],
            func.json_array_length(Paper.content["items"]),
            sum((func.coalesce(func.json_array_length(part), 0) for part in parts), literal(0)),
            Paper.content_hash, Paper.frozen_at,
        ).order_by(Paper.frozen_at.desc(), Paper.id.desc())
    )  # fmt: skip
    found = []
    for paper_id, code, title, kind, rules, pool_size, length, content_hash, frozen_at in rows:
        sums = (length, 0, 0)
        if kind == QUIZ:
            plan = blueprint_of(rules)
            sums = (plan.item_count, plan.total_points, pool_size)
        found.append(PaperRow(paper_id, code, title, kind, *sums, content_hash, frozen_at))
    return found


def sheet(paper_id: int) -> Sheet:
    """Return a frozen text or survey; read once a process, since it can never change."""
    return _sheet(paper_id)


def sheet_drafts() -> list[SheetDraftRow]:
    """List the drafts of texts and surveys, what was touched last first."""
    rows = db.session.execute(_SHEET_DRAFTS.order_by(SheetDraft.updated_at.desc(), SheetDraft.id.desc()))
    return [SheetDraftRow(*row) for row in rows]


def sheet_draft(draft_id: int) -> SheetDraftRow:
    """Return a draft of a text or survey."""
    row = db.session.execute(_SHEET_DRAFTS.where(SheetDraft.id == draft_id)).one_or_none()
    if row is None:
        raise UnknownDraft
    return SheetDraftRow(*row)


def unfilled(body: Body) -> list[str]:
    """Say what of a template is still to be filled in."""
    return [one or "内容" for one in blanks(readinglevel.words(body))]


def sheet_content(body: Body) -> dict[str, Any]:
    """Return what a paper keeps of a text or survey."""
    if isinstance(body, document.Document):
        return {"sheet": document.written(body)}
    if isinstance(body, adoption.Adoption):
        return {"sheet": adoption.written(body)}
    return {"sheet": questionnaire.written(body)}


def drafts() -> list[DraftRow]:
    """List the drafts, what was touched last first."""
    rows = db.session.execute(_DRAFTS.order_by(Draft.updated_at.desc(), Draft.id.desc()))
    return [_draft_row(row) for row in rows]


def draft(draft_id: int) -> DraftRow:
    """Return a draft."""
    row = db.session.execute(_DRAFTS.where(Draft.id == draft_id)).one_or_none()
    if row is None:
        raise UnknownDraft
    return _draft_row(row)


def plan_of(paper: FrozenPaper) -> Plan:
    """Return the rules of a frozen paper as a plan, to begin another one with."""
    rules = paper.blueprint.rules
    return Plan(
        code=paper.code,
        title=paper.title,
        kind=paper.kind,
        banks=tuple(sorted({one.bank for one in paper.items} | {rule.bank for rule in rules if rule.bank})),
        rules=rules,
        fixed=tuple(
            (f"{paper.items[one.ref].bank}/{paper.items[one.ref].item.code}", one.points)
            for one in paper.blueprint.fixed
        ),
        topics=paper.topics,
    )


def desk(row: DraftRow, latest: Sequence[bank.VersionRow], topics: Mapping[str, str]) -> Desk:
    """Meet a draft with the banks; what they lack is told and left out, not refused."""
    known = {name_of(version): version for version in latest}
    codes = {version.bank_code for version in latest}
    placed = tuple(_placed(row.fixed, known))
    plan = replace(
        row.plan(topics),
        banks=tuple(code for code in row.banks if code in codes),
        fixed=tuple((one.name, one.points) for one in placed if one.version),
    )
    pool = met(plan, latest)
    rows = rule_rows(pool.blueprint, pool.candidates, topics)
    items = {index: version.item for index, version in enumerate(pool.versions)}
    return Desk(
        draft=row,
        pool=pool,
        placed=placed,
        rules=tuple(rows[bool(plan.fixed) :]),
        faults=(
            *(f"题库“{code}”里还没有发布的题" for code in row.banks if code not in codes),
            *(f"题库里已经没有 {one.name}" for one in placed if one.version is None),
            *(f"{one.name} 和前面的题是同组题，一份卷里只能有一道" for one in placed if one.clashes),
            *shortfall_texts(rows[bool(plan.fixed) :]),
            *(["试卷上还没有题"] if row.item_count == 0 else []),
        ),
        seconds=readingtime.paper_seconds(pool.blueprint, pool.candidates, items),
    )


def sketch(desk: Desk, seed: str) -> tuple[FrozenPaper, FormItems]:
    """Draw a form of a draft, as far as it can be filled, and a paper of just its items that nobody stores."""
    row, pool = desk.draft, desk.pool
    blueprint = _filled(desk)
    drawn = assembly.draw(blueprint, pool.candidates, seed=seed)
    taken = [pool.versions[one.ref] for one in drawn]
    paper = FrozenPaper(
        id=0,
        code=row.code,
        kind=row.kind,
        title=row.title,
        content_hash="",
        frozen_at=row.updated_at,
        blueprint=blueprint,
        items=tuple(_item(index, one.version_id, one.bank_code, one.item) for index, one in enumerate(taken)),
        candidates=(),
        fits={},
        topics={},
    )
    return paper, tuple((index, one.points) for index, one in enumerate(drawn))


def preview(draft_id: int, seed: str) -> tuple[FrozenPaper, FormItems]:
    """Draw a form of a draft as it stands."""
    shown = desk(draft(draft_id), bank.latest(), {})
    if not shown.can_be_shown:
        raise Refusal("试卷上还没有题，加了题就能在这里看。", status=409)
    return sketch(shown, seed)


def sample(paper: FrozenPaper, seed: str) -> FormItems:
    """Draw a form of a frozen paper."""
    drawn = assembly.draw(paper.blueprint, paper.candidates, seed=seed, fitting=paper.fits)
    return tuple((one.ref, one.points) for one in drawn)


def parallel(desk: Desk, name: str, latest: Sequence[bank.VersionRow]) -> Parallel:
    """Choose what may take a fixed item's place: a twin, else an item of the same topic, kind and difficulty.

    Asked again and again it walks through all there are, in the order of the banks.
    """
    of = next((one.version for one in desk.placed if one.name == name), None)
    if of is None:
        raise Refusal("题库里已经没有这道题，换不了。请先移走它，再加一道。", status=409)
    group = _group(of)
    taken = {_group(one.version) for one in desk.placed if one.version and one.name != name}
    readers = {desk.draft.audience} if desk.draft.audience else set(of.item.audiences)
    others = [
        one
        for one in latest
        if one.version_id != of.version_id and readers & set(one.item.audiences) and _group(one) not in taken
    ]
    twins = [one for one in others if _group(one) == group]
    alike = [one for one in others if one.bank_code in {*desk.draft.banks, of.bank_code} and _alike(one, of)]
    for found, why in (
        (twins, "同组题：同一骗术，换一身衣服"),
        (alike, "同一骗术、同题型、同难度的另一道题"),
    ):
        if found:
            later = [one for one in found if name_of(one) > name]
            return Parallel((later or found)[0], why)
    raise Refusal("题库里没有同样骗术、题型和难度的另一道题，没有换。", status=409)


def minutes(paper: FrozenPaper) -> int:
    """Tell how many minutes a form of a paper takes, worked out once a process."""
    return _minutes(paper)


def frozen(paper_id: int) -> FrozenPaper:
    """Return a frozen paper; read once a process, since it can never change."""
    return _frozen(paper_id)


def forget() -> None:
    """Forget what was read; for tests, which empty the tables."""
    _frozen.cache_clear()
    _sheet.cache_clear()
    _minutes.cache_clear()
    laid_out.cache_clear()


def view(paper: FrozenPaper, form: FormItems, seed: str) -> PaperView:
    """Show a form to its participant."""
    items = (_shown(paper.items[index], position, seed) for position, (index, _) in enumerate(form, start=1))
    return PaperView(paper.title, tuple(items))


def item_view(frozen_item: FrozenItem, *, options: tuple[OptionView, ...], position: int = 0) -> ItemView:
    """Show one item with these options; position 0 is none."""
    item, scene = frozen_item.item, frozen_item.item.scene
    return ItemView(
        position=position,
        kind=item.kind,
        kind_name=bankfile.KIND_NAMES[item.kind],
        audience_name=bankfile.AUDIENCE_NAMES[item.audiences[0]] if len(item.audiences) == 1 else None,
        channel_name=bankfile.CHANNEL_NAMES[scene.channel] if scene else None,
        sender=scene.sender if scene else None,
        scene_text=scene.text if scene else None,
        stem=item.stem,
        options=options,
    )


@lru_cache(maxsize=LAID_OUT)
def laid_out(frozen_item: FrozenItem, seed: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the order in which options are shown, and their tokens in written order.

    A phone keeps its connection and so its process: what it was shown is asked again with every save.
    """
    item, index = frozen_item.item, frozen_item.index
    order = assembly.option_order(item.options, kind=item.kind, seed=seed, ref=index)
    return order, assembly.option_tokens(len(item.options), seed=seed, ref=index)


def keyed(paper: FrozenPaper, form: FormItems) -> tuple[marking.KeyedItem, ...]:
    """Return what marking needs to know of a form."""
    return tuple(
        marking.KeyedItem(
            points=points,
            key=paper.items[index].key,
            options=len(paper.items[index].item.options),
            single=paper.items[index].item.kind != "multiple_choice",
        )
        for index, points in form
    )


def chosen_indices(
    paper: FrozenPaper, form: FormItems, seed: str, answers: Mapping[int, Sequence[str]]
) -> tuple[frozenset[int], ...]:
    """Turn option tokens by position into indices of options in written order, position by position."""
    if any(not 1 <= position <= len(form) for position in answers):
        raise marking.NotOnPaper
    return tuple(
        _chosen(paper.items[index], seed, answers.get(position, ()))
        for position, (index, _) in enumerate(form, start=1)
    )


def review(
    paper: FrozenPaper,
    form: FormItems,
    seed: str,
    answers: Mapping[int, Sequence[str]],
    correct: Sequence[bool],
    *,
    right_ones: bool = True,
) -> tuple[ReviewItem, ...]:
    """Show a form after the test: what was chosen, what is right, and why; on request only what went wrong."""
    chosen = chosen_indices(paper, form, seed, answers)
    return tuple(
        _review_item(paper, paper.items[index], position, seed, chosen[position - 1], right)
        for position, ((index, _), right) in enumerate(zip(form, correct, strict=True), start=1)
        if right_ones or not right
    )


def written(blueprint: assembly.Blueprint) -> dict[str, Any]:
    """Turn a blueprint into plain values that JSON can hold."""
    return {
        "rules": [written_rule(rule) for rule in blueprint.rules],
        "fixed": [asdict(item) for item in blueprint.fixed],
    }


def written_rule(rule: assembly.Rule) -> dict[str, Any]:
    """Turn a rule into plain values, without what it leaves open."""
    return {name: value for name, value in asdict(rule).items() if value is not None}


def blueprint_of(values: Mapping[str, Any]) -> assembly.Blueprint:
    """Turn plain values back into a blueprint."""
    return assembly.Blueprint(
        tuple(assembly.Rule(**rule) for rule in values["rules"]),
        tuple(assembly.Fixed(**item) for item in values["fixed"]),
    )


def content_of(
    blueprint: assembly.Blueprint, versions: Sequence[bank.VersionRow], topics: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a paper keeps: rules, every wording whole, the names of its topics."""
    used = sorted({version.item.topic for version in versions})
    return {
        "blueprint": written(blueprint),
        "items": [
            {"version": one.version_id, "bank": one.bank_code, "item": bankfile.content_of(one.item)}
            for one in versions
        ],
        "topics": {topic: topics.get(topic, topic) for topic in used},
    }


def content_hash(*, code: str, title: str, kind: str, content: Mapping[str, Any]) -> str:
    """Name a paper by everything it says: SHA-256 over its canonical JSON."""
    whole = {"code": code, "title": title, "kind": kind, "content": content}
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=KEPT)
def _frozen(paper_id: int) -> FrozenPaper:
    row = db.session.execute(
        select(
            Paper.id, Paper.code, Paper.kind, Paper.title, Paper.content_hash, Paper.frozen_at, Paper.content
        ).where(Paper.id == paper_id)
    ).one_or_none()  # fmt: skip
    if row is None or row.kind != QUIZ:
        raise UnknownPaper
    items = tuple(_frozen_item(index, entry) for index, entry in enumerate(row.content["items"]))
    blueprint = blueprint_of(row.content["blueprint"])
    candidates = tuple(candidate(one.index, one.bank, one.item) for one in items)
    return FrozenPaper(
        id=row.id,
        code=row.code,
        kind=row.kind,
        title=row.title,
        content_hash=row.content_hash,
        frozen_at=row.frozen_at,
        blueprint=blueprint,
        items=items,
        candidates=candidates,
        fits=assembly.fits(blueprint, candidates),
        topics=row.content.get("topics", {}),
    )


@lru_cache(maxsize=KEPT)
def _sheet(paper_id: int) -> Sheet:
    row = db.session.execute(
        select(
            Paper.id, Paper.code, Paper.kind, Paper.title, Paper.content["sheet"].label("sheet"),
            Paper.content_hash, Paper.frozen_at,
        ).where(Paper.id == paper_id)
    ).one_or_none()  # fmt: skip
    if row is None or row.kind not in _SHEET_READERS:
        raise UnknownPaper
    return Sheet(
        id=row.id,
        code=row.code,
        kind=row.kind,
        title=row.title,
        body=_SHEET_READERS[row.kind](row.sheet),
        content_hash=row.content_hash,
        frozen_at=row.frozen_at,
    )


def _frozen_item(index: int, entry: Mapping[str, Any]) -> FrozenItem:
    return _item(index, entry["version"], entry["bank"], bankfile.item_of(entry["item"]))


def _item(index: int, version_id: int, bank_code: str, item: bankfile.Item) -> FrozenItem:
    key = frozenset(place for place, option in enumerate(item.options) if option.key)
    told = bankfile.segments(item.scene.text, item.scene.tells) if item.scene else ()
    return FrozenItem(index, version_id, bank_code, item, key, told)


@lru_cache(maxsize=KEPT)
def _minutes(paper: FrozenPaper) -> int:
    items = {one.index: one.item for one in paper.items}
    return readingtime.minutes(readingtime.paper_seconds(paper.blueprint, paper.candidates, items))


_DRAFTS = select(
    Draft.id, Draft.code, Draft.kind, Draft.title, Draft.audience, Draft.banks, Draft.rules, Draft.fixed,
    Draft.revision, Draft.author, Draft.updated_at, Draft.paper_id,
)  # fmt: skip


_SHEET_DRAFTS = select(
    SheetDraft.id, SheetDraft.code, SheetDraft.kind, SheetDraft.source, SheetDraft.revision, SheetDraft.author,
    SheetDraft.updated_at, SheetDraft.paper_id,
)  # fmt: skip

_SHEET_READERS: Mapping[str, Callable[[Mapping[str, Any]], Body]] = {
    "receipt": document.read,
    "pledge": document.read,
    "adoption": adoption.read,
    "survey": questionnaire.read,
}


def _draft_row(row: Row[Any]) -> DraftRow:
    return DraftRow(
        **{
            **row._mapping,
            "banks": tuple(row.banks),
            "rules": tuple(assembly.Rule(**rule) for rule in row.rules),
            "fixed": tuple((one["item"], one["points"]) for one in row.fixed),
        }
    )


def _placed(fixed: Sequence[tuple[str, int]], known: Mapping[str, bank.VersionRow]) -> Iterator[Placed]:
    groups: set[str] = set()
    for name, points in fixed:
        version = known.get(name)
        group = _group(version) if version else name
        yield Placed(name, points, version, clashes=group in groups)
        groups.add(group)


def _group(version: bank.VersionRow) -> str:
    return candidate(0, version.bank_code, version.item).group


def _alike(one: bank.VersionRow, other: bank.VersionRow) -> bool:
    return (one.item.topic, one.item.kind, one.item.difficulty) == (
        other.item.topic,
        other.item.kind,
        other.item.difficulty,
    )


def _filled(desk: Desk) -> assembly.Blueprint:
    """The part of a draft's blueprint that can be filled today."""
    blueprint = desk.pool.blueprint
    there = [one for one in desk.placed if one.version]
    kept = tuple(fixed for one, fixed in zip(there, blueprint.fixed, strict=True) if not one.clashes)
    rules = tuple(
        replace(rule, count=row.count - row.missing)
        for rule, row in zip(blueprint.rules, desk.rules, strict=True)
    )
    return assembly.Blueprint(rules, kept)


def _shown(frozen_item: FrozenItem, position: int, seed: str) -> ItemView:
    options = frozen_item.item.options
    order, tokens = laid_out(frozen_item, seed)
    return item_view(
        frozen_item,
        position=position,
        options=tuple(
            OptionView(tokens[index], letter, options[index].text)
            for letter, index in zip(ascii_uppercase, order, strict=False)
        ),
    )


def _review_item(
    paper: FrozenPaper, frozen_item: FrozenItem, position: int, seed: str, chosen: frozenset[int], right: bool
) -> ReviewItem:
    item, scene = frozen_item.item, frozen_item.item.scene
    order, _ = laid_out(frozen_item, seed)
    return ReviewItem(
        position=position,
        kind_name=bankfile.KIND_NAMES[item.kind],
        topic_name=paper.topics.get(item.topic, item.topic),
        channel_name=bankfile.CHANNEL_NAMES[scene.channel] if scene else None,
        sender=scene.sender if scene else None,
        scene=frozen_item.told,
        stem=item.stem,
        options=tuple(
            ReviewOption(letter, item.options[index].text, index in chosen, item.options[index].key)
            for letter, index in zip(ascii_uppercase, order, strict=False)
        ),
        right=right,
        blank=not chosen,
        explanation=item.explanation,
        source=item.source,
    )


def _chosen(frozen_item: FrozenItem, seed: str, tokens: Sequence[str]) -> frozenset[int]:
    if not tokens:
        return frozenset()
    _, known = laid_out(frozen_item, seed)
    if not set(tokens) <= set(known):
        raise marking.NotOnPaper
    return frozenset(known.index(token) for token in tokens)


def _wanted(plan: Plan, version: bank.VersionRow) -> bool:
    if version.bank_code not in plan.banks:
        return False
    as_candidate = candidate(0, version.bank_code, version.item)
    return any(rule.takes(as_candidate) for rule in plan.rules)
