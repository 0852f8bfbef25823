"""Writes of the papers: drafts change by change, and the freeze."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain, count
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from quizsvc import audit
from quizsvc.bank.queries import VersionRow
from quizsvc.core import assembly, sheettext
from quizsvc.core.refusal import Refusal
from quizsvc.core.sheettext import Body, kind_of
from quizsvc.db import db, insert, operation
from quizsvc.paper import queries
from quizsvc.paper.models import Draft, Paper, SheetDraft

KINDS = ("quiz",)
MOST_ITEMS = 200
MOST_RULES = 40
LONGEST_TITLE = 60
LONGEST_CODE = 60

_CODE = re.compile("[a-z0-9][a-z0-9-]*")


class DraftChanged(Refusal):
    """The draft has changed since the page was opened."""

    def __init__(self) -> None:
        super().__init__(
            "这份草稿刚才在别处改过，现在是最新的样子。刚才那一步没有做，看一眼再做一次就好。", status=409
        )


class DraftFrozen(Refusal):
    """A draft that has become a paper."""

    def __init__(self) -> None:
        super().__init__("这份草稿已经冻结成试卷，不能再改。要改的话，请把试卷复制成新的草稿。", status=409)


class SheetChanged(Refusal):
    """The draft of a text has changed since the page was opened; what was typed is still on the page."""

    def __init__(self) -> None:
        super().__init__(
            "这份草稿刚才在别处改过，您写的还没有保存，都在下面。请先复制下来，再打开最新的草稿接着改。",
            status=409,
        )


class TooLong(Refusal):
    """A text longer than any sheet."""

    def __init__(self) -> None:
        super().__init__(f"文字太长，没有保存：最多 {sheettext.LONGEST:,} 个字。")


class _CodeTaken(Refusal):
    """A code that another draft or a frozen paper has."""

    def __init__(self, code: str) -> None:
        super().__init__(f"已经有草稿或试卷用了代号“{code}”，请换一个。", status=409)


@operation
def create_draft(*, start: queries.Plan, at: datetime, actor: audit.Actor) -> int:
    """Begin a draft from a plan; where drafts or papers have its code already, it gets a number."""
    audience, rules = _with_common_audience(start.rules)
    code = _free_code(start.code)
    draft = Draft(
        code=code,
        kind=start.kind,
        title=start.title,
        audience=audience,
        banks=list(start.banks),
        rules=[queries.written_rule(rule) for rule in rules],
        fixed=[{"item": item, "points": points} for item, points in start.fixed],
        revision=1,
        author=actor.text,
        updated_at=at,
        paper_id=None,
    )
    _check_size(draft)
    db.session.add(draft)
    _flush(draft)
    audit.record(actor=actor, action="paper.draft", on=f"draft:{draft.id}", at=at, code=code)
    return draft.id


@operation
def settle_draft(
    *,
    draft_id: int,
    revision: int,
    code: str,
    title: str,
    audience: str | None,
    banks: Sequence[str],
    at: datetime,
    actor: audit.Actor,
) -> None:
    """Set what a draft is called, whom it is for and which banks its rules draw from."""
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Refusal(f"标题要写，最多 {LONGEST_TITLE} 个字。")
    _check_code(code)
    if not banks:
        raise Refusal("至少要选一个题库。")
    draft = _opened(draft_id, revision, at, actor)
    if code != draft.code and db.session.scalar(select(Paper.id).where(Paper.code == code)):
        raise _CodeTaken(code)
    draft.code, draft.title, draft.audience, draft.banks = code, title, audience, list(banks)
    _flush(draft)


@operation
def add_rule(*, draft_id: int, revision: int, rule: assembly.Rule, at: datetime, actor: audit.Actor) -> None:
    """Add a rule at the end."""
    draft = _opened(draft_id, revision, at, actor)
    draft.rules = [*draft.rules, queries.written_rule(rule)]
    _check_size(draft)


@operation
def change_rule(
    *, draft_id: int, revision: int, place: int, rule: assembly.Rule, at: datetime, actor: audit.Actor
) -> None:
    """Put a rule in the place of another; the first has place 0."""
    draft = _opened(draft_id, revision, at, actor)
    rules = list(draft.rules)
    if place >= len(rules):
        raise DraftChanged
    rules[place] = queries.written_rule(rule)
    draft.rules = rules
    _check_size(draft)


@operation
def remove_rule(*, draft_id: int, revision: int, place: int, at: datetime, actor: audit.Actor) -> None:
    """Take a rule away; the first has place 0."""
    draft = _opened(draft_id, revision, at, actor)
    if place >= len(draft.rules):
        raise DraftChanged
    draft.rules = [*draft.rules[:place], *draft.rules[place + 1 :]]


@operation
def add_item(
    *, draft_id: int, revision: int, version: VersionRow, points: int, at: datetime, actor: audit.Actor
) -> None:
    """Put an item of a bank on a draft, as its last fixed one."""
    draft, name = _opened(draft_id, revision, at, actor), queries.name_of(version)
    if any(one["item"] == name for one in draft.fixed):
        raise Refusal("这道题已经在试卷上了。", status=409)
    draft.fixed = [*draft.fixed, {"item": name, "points": points}]
    _check_size(draft)


@operation
def swap_item(
    *, draft_id: int, revision: int, item: str, version: VersionRow, at: datetime, actor: audit.Actor
) -> None:
    """Put another item in a fixed item's place, for the same points."""
    draft, name = _opened(draft_id, revision, at, actor), queries.name_of(version)
    place = _place_of(item, draft)
    if any(one["item"] == name for one in draft.fixed):
        raise Refusal("这道题已经在试卷上了。", status=409)
    draft.fixed = _with(draft.fixed, place, {**draft.fixed[place], "item": name})


@operation
def set_points(
    *, draft_id: int, revision: int, item: str, points: int, at: datetime, actor: audit.Actor
) -> None:
    """Set what a fixed item is worth."""
    draft = _opened(draft_id, revision, at, actor)
    place = _place_of(item, draft)
    draft.fixed = _with(draft.fixed, place, {**draft.fixed[place], "points": points})


@operation
def move_item(
    *, draft_id: int, revision: int, item: str, by: Literal[-1, 1], at: datetime, actor: audit.Actor
) -> None:
    """Move a fixed item one place up (-1) or down (1); at the end of the list it stays."""
    draft = _opened(draft_id, revision, at, actor)
    place = _place_of(item, draft)
    fixed = list(draft.fixed)
    fixed.insert(max(0, place + by), fixed.pop(place))
    draft.fixed = fixed


@operation
def remove_item(*, draft_id: int, revision: int, item: str, at: datetime, actor: audit.Actor) -> None:
    """Take a fixed item off a draft."""
    draft = _opened(draft_id, revision, at, actor)
    place = _place_of(item, draft)
    draft.fixed = [*draft.fixed[:place], *draft.fixed[place + 1 :]]


@operation
def discard_draft(*, draft_id: int, revision: int, at: datetime, actor: audit.Actor) -> None:
    """Throw a draft away."""
    draft = _opened(draft_id, revision, at, actor)
    audit.record(actor=actor, action="paper.discard_draft", on=f"draft:{draft_id}", at=at, code=draft.code)
    db.session.delete(draft)


@operation
def freeze_draft(
    *,
    draft_id: int,
    revision: int,
    pool: queries.Pool,
    topics: Mapping[str, str],
    at: datetime,
    actor: audit.Actor,
) -> int:
    """Freeze what a draft and the banks make together; the draft stays, as a record of where the paper came from."""
    draft = _opened(draft_id, revision, at, actor)
    draft.paper_id = _freeze(
        code=draft.code, title=draft.title, kind=draft.kind, blueprint=pool.blueprint, versions=pool.versions,
        topics=topics, at=at, actor=actor,
    )  # fmt: skip
    return draft.paper_id


@operation
def freeze_paper(
    *,
    code: str,
    title: str,
    kind: str,
    blueprint: assembly.Blueprint,
    versions: Sequence[VersionRow],
    topics: Mapping[str, str],
    at: datetime,
    actor: audit.Actor,
) -> int:
    """Freeze rules and pool under their hash; the same paper again is the same row, another one is refused.

    The refs of the blueprint's fixed items are places in `versions`.
    """
    return _freeze(
        code=code, title=title, kind=kind, blueprint=blueprint, versions=versions, topics=topics, at=at,
        actor=actor,
    )  # fmt: skip


@operation
def create_sheet_draft(*, code: str, source: str, at: datetime, actor: audit.Actor) -> int:
    """Begin a text or survey; where drafts or papers have its code already, it gets a number."""
    kind, _ = sheettext.named(source)
    code = _free_code(code)
    _check_code(code)
    draft = SheetDraft(
        code=code,
        kind=kind,
        source=_sized(source),
        revision=1,
        author=actor.text,
        updated_at=at,
        paper_id=None,
    )
    db.session.add(draft)
    _flush(draft)
    audit.record(actor=actor, action="paper.sheet_draft", on=f"sheet:{draft.id}", at=at, code=code)
    return draft.id


@operation
def save_sheet_draft(*, draft_id: int, revision: int, source: str, at: datetime, actor: audit.Actor) -> None:
    """Keep a text as it is typed, sound or not."""
    draft = _opened_sheet(draft_id, revision, at, actor)
    draft.source = _sized(source)
    with suppress(sheettext.Unclear):  # without a first line it stays what it was
        draft.kind, _ = sheettext.named(source)


@operation
def discard_sheet_draft(*, draft_id: int, revision: int, at: datetime, actor: audit.Actor) -> None:
    """Throw a text or survey away."""
    draft = _opened_sheet(draft_id, revision, at, actor)
    audit.record(actor=actor, action="paper.discard_sheet", on=f"sheet:{draft_id}", at=at, code=draft.code)
    db.session.delete(draft)


@operation
def freeze_sheet_draft(*, draft_id: int, revision: int, at: datetime, actor: audit.Actor) -> int:
    """Freeze what a draft says; the draft stays, as a record of where the paper came from."""
    draft = _opened_sheet(draft_id, revision, at, actor)
    draft.paper_id = _freeze_sheet(code=draft.code, body=sheettext.read(draft.source), at=at, actor=actor)
    return draft.paper_id


@operation
def freeze_sheet(*, code: str, body: Body, at: datetime, actor: audit.Actor) -> int:
    """Freeze a text or survey under its hash; the same again is the same row, another of that code is refused."""
    return _freeze_sheet(code=code, body=body, at=at, actor=actor)


def _freeze(
    *,
    code: str,
    title: str,
    kind: str,
    blueprint: assembly.Blueprint,
    versions: Sequence[VersionRow],
    topics: Mapping[str, str],
    at: datetime,
    actor: audit.Actor,
) -> int:
    if kind not in KINDS:
        raise Refusal(f"还没有“{kind}”这种试卷。")
    if blueprint.item_count == 0:
        raise Refusal("这份试卷一道题也没有，没有冻结。")
    candidates = [queries.candidate(index, one.bank_code, one.item) for index, one in enumerate(versions)]
    rows = queries.rule_rows(blueprint, candidates, topics)
    if short := queries.shortfall_texts(rows):
        raise queries.Unfillable(short)
    content = queries.content_of(blueprint, versions, topics)
    paper_id, hashed = _stored(code, kind, title, content, at)
    if paper_id is None:
        return _already(code, hashed)
    audit.record(
        actor=actor, action="paper.freeze", on=f"paper:{code}", at=at, content_hash=hashed,
        items=blueprint.item_count, points=blueprint.total_points, pool=len(versions),
    )  # fmt: skip
    return paper_id


def _freeze_sheet(*, code: str, body: Body, at: datetime, actor: audit.Actor) -> int:
    _check_code(code)
    if missing := queries.unfilled(body):
        raise Refusal(f"还没填好，先不能定稿：{'、'.join(missing)}。请写上真实的文字。", status=409)
    kind = kind_of(body)
    paper_id, hashed = _stored(code, kind, body.title, queries.sheet_content(body), at)
    if paper_id is None:
        return _already(code, hashed)
    audit.record(
        actor=actor, action="paper.freeze_sheet", on=f"paper:{code}", at=at, content_hash=hashed, kind=kind
    )
    return paper_id


def _stored(
    code: str, kind: str, title: str, content: dict[str, Any], at: datetime
) -> tuple[int | None, str]:
    """Write a paper and return its id, None when the code is taken, and its hash."""
    hashed = queries.content_hash(code=code, title=title, kind=kind, content=content)
    paper_id = db.session.execute(
        insert(Paper)
        .values(code=code, kind=kind, title=title, content=content, content_hash=hashed, frozen_at=at)
        .on_conflict_do_nothing(index_elements=[Paper.code])
        .returning(Paper.id)
    ).scalar_one_or_none()
    return paper_id, hashed


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code) or len(code) > LONGEST_CODE:
        raise Refusal(f"代号只能用小写字母、数字和连字符“-”，不能用连字符开头，最多 {LONGEST_CODE} 个。")


def _already(code: str, hashed: str) -> int:
    row = db.session.execute(select(Paper.id, Paper.content_hash).where(Paper.code == code)).one()
    if row.content_hash != hashed:
        raise Refusal(f"试卷“{code}”已经冻结，不能再改。要用新的内容，请换一个代号。", status=409)
    return int(row.id)


def _opened(draft_id: int, revision: int, at: datetime, actor: audit.Actor) -> Draft:
    """Take the draft for one change, locked until the change is committed; only the newest revision may change."""
    draft = db.session.scalars(
        select(Draft).where(Draft.id == draft_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if draft is None:
        raise queries.UnknownDraft
    if draft.paper_id is not None:
        raise DraftFrozen
    if draft.revision != revision:
        raise DraftChanged
    draft.revision, draft.updated_at, draft.author = revision + 1, at, actor.text
    return draft


def _opened_sheet(draft_id: int, revision: int, at: datetime, actor: audit.Actor) -> SheetDraft:
    """Take the draft of a text for one change, as `_opened` does."""
    draft = db.session.scalars(
        select(SheetDraft)
        .where(SheetDraft.id == draft_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if draft is None:
        raise queries.UnknownDraft
    if draft.paper_id is not None:
        raise DraftFrozen
    if draft.revision != revision:
        raise SheetChanged
    draft.revision, draft.updated_at, draft.author = revision + 1, at, actor.text
    return draft


def _sized(source: str) -> str:
    if len(source) > sheettext.LONGEST:
        raise TooLong
    return source


def _flush(draft: Draft | SheetDraft) -> None:
    """Write a draft whose code may be somebody else's by now."""
    code = draft.code
    try:
        db.session.flush()
    except IntegrityError as error:
        raise _CodeTaken(code) from error


def _free_code(wanted: str) -> str:
    taken = {
        code
        for table in (Draft, SheetDraft, Paper)
        for code in db.session.scalars(
            select(table.code).where(table.code.startswith(wanted, autoescape=True))
        )
    }
    codes = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(code for code in codes if code not in taken)


def _with_common_audience(
    rules: Sequence[assembly.Rule],
) -> tuple[str | None, list[assembly.Rule]]:
    """The audience that all rules name, and the rules without it; None when they differ."""
    named = {rule.audience for rule in rules}
    if len(named) != 1:
        return None, list(rules)
    return named.pop(), [replace(rule, audience=None) for rule in rules]


def _place_of(item: str, draft: Draft) -> int:
    place = next((place for place, one in enumerate(draft.fixed) if one["item"] == item), None)
    if place is None:
        raise DraftChanged
    return place


def _with(fixed: Sequence[dict[str, Any]], place: int, one: dict[str, Any]) -> list[dict[str, Any]]:
    return [*fixed[:place], one, *fixed[place + 1 :]]


def _check_size(draft: Draft) -> None:
    if len(draft.rules) > MOST_RULES:
        raise Refusal(f"一份试卷最多 {MOST_RULES} 条规则。")
    if len(draft.fixed) + sum(rule["count"] for rule in draft.rules) > MOST_ITEMS:
        raise Refusal(f"一份试卷最多 {MOST_ITEMS} 道题。")
