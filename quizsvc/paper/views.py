"""Staff pages of the papers: what is frozen, and the desk at which a paper is put together."""

import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.bank import queries as bank
from quizsvc.clock import SHANGHAI
from quizsvc.core import assembly, bankfile, readingtime
from quizsvc.core.access import Permission
from quizsvc.core.refusal import Refusal
from quizsvc.paper import files, forms, operations, queries
from quizsvc.web import headers
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, guarded

blueprint = Blueprint("paper", __name__, template_folder="templates", url_prefix="/staff")

KIND_NAMES = {"quiz": "测试"}
PART_NAMES: Mapping[files.Part, str] = {"paper": "试卷", "sheet": "答题卡", "key": "答案"}
READY = files.SHELF / "blueprints"
NEW_TITLE = "反诈知识测试"
KEPT_IN_ADDRESS = (
    "bank", "topic", "kind", "difficulty", "audience", "words", "page", "seed", "size", "scheme", "script",
)  # fmt: skip

Edit = Callable[[int, int], tuple[str, str]]
"""Changes a draft (id, revision); returns what to say, "" for nothing, and where on the desk to go on."""


@blueprint.get("/papers")
@guarded(Permission.MANAGE_BANKS)
def papers() -> str:
    """List the papers, and the drafts of new ones."""
    drafts = queries.drafts()
    return render_template(
        "paper/papers.html", papers=queries.papers(), drafts=drafts, kind_names=KIND_NAMES,
        making=sum(one.paper_id is None for one in drafts),
    )  # fmt: skip


@blueprint.get("/papers/<int:paper_id>")
@guarded(Permission.MANAGE_BANKS)
def paper(paper_id: int) -> str:
    """Show a paper's rules with what each can choose from; with a seed also one form drawn from it."""
    known = queries.frozen(paper_id)
    seed = request.args.get("seed", "")[:32]
    headers.hold_frames()
    return render_template(
        "paper/paper.html",
        paper=known,
        kind_name=KIND_NAMES[known.kind],
        rules=queries.rule_rows(known.blueprint, known.candidates, known.topics),
        sample=_sample(known, seed) if seed else (),
        seed=seed,
        look=forms.look_from(request.args),
        minutes=queries.minutes(known),
        parts=PART_NAMES,
        another=secrets.token_hex(4),
    )


@blueprint.get("/papers/<int:paper_id>/print/<any(paper,sheet,key):part>.pdf")
@guarded(Permission.MANAGE_BANKS)
def printed(paper_id: int, part: files.Part) -> Response:
    """Send one form, its answer sheet or its key, to be printed."""
    known, seed = queries.frozen(paper_id), forms.seed_from(request.args)
    body = files.printed(known, seed=seed, part=part)
    return attachment(body, name=f"{known.title}-{PART_NAMES[part]}-{seed}.pdf", mimetype="application/pdf")


@blueprint.get("/papers/new")
@guarded(Permission.MANAGE_BANKS)
def new() -> str:
    """Offer what a draft can begin with."""
    ready, broken = [], []
    for file in sorted(READY.glob("*.toml")):
        try:
            ready.append((file.stem, files.read_plan(file)))
        except files.BadPlan:
            broken.append(file.name)
    return render_template("paper/new.html", ready=ready, broken=broken)


@blueprint.post("/papers/drafts")
@guarded(Permission.MANAGE_BANKS)
def create() -> ResponseReturnValue:
    """Begin a draft: from scratch, or from a ready blueprint."""
    at, name = clock.now(), request.form.get("start", "")
    start = _blank(f"paper-{at.astimezone(SHANGHAI):%Y-%m-%d}")
    if name:
        file = next((file for file in READY.glob("*.toml") if file.stem == name), None)
        if file is None:
            raise Refusal("没有这份组卷规则，请从列表里选。")
        start = files.read_plan(file)
    draft_id = operations.create_draft(start=start, at=at, actor=actor())
    return redirect(url_for(".desk", draft_id=draft_id), 303)


@blueprint.post("/papers/<int:paper_id>/copy")
@guarded(Permission.MANAGE_BANKS)
def copy(paper_id: int) -> ResponseReturnValue:
    """Begin a draft from a frozen paper."""
    start = queries.plan_of(queries.frozen(paper_id))
    draft_id = operations.create_draft(start=start, at=clock.now(), actor=actor())
    flash("已复制成新的草稿，原来的试卷不变。题目取自题库现在的版本。")
    return redirect(url_for(".desk", draft_id=draft_id), 303)


def _blank(code: str) -> queries.Plan:
    banks = tuple(row.code for row in bank.banks() if row.items)
    return queries.Plan(code=code, title=NEW_TITLE, kind="quiz", banks=banks, rules=(), fixed=(), topics={})


@blueprint.get("/papers/drafts/<int:draft_id>")
@guarded(Permission.MANAGE_BANKS)
def desk(draft_id: int) -> ResponseReturnValue:
    """Show a draft between the bank it takes from and the phone it ends on."""
    row = queries.draft(draft_id)
    if row.paper_id is not None:
        return redirect(url_for(".paper", paper_id=row.paper_id), 303)
    latest, topics = bank.latest(), files.topic_names()
    search, look = forms.search_from(request.args, audience=row.audience), forms.look_from(request.args)
    shown = queries.desk(row, latest, topics)
    headers.hold_frames()
    return render_template(
        "paper/desk.html",
        desk=shown,
        draft=row,
        rules=list(zip(row.rules, shown.rules, strict=True)),
        minutes=readingtime.minutes(shown.seconds),
        placed={one.name for one in shown.placed},
        search=search,
        found=forms.found(search, latest),
        look=look,
        another=secrets.token_hex(4),
        kept={**search.address(), **look.address()},
        banks=bank.banks(),
        name_of=queries.name_of,
        most_points=forms.MOST_POINTS,
        most_items=operations.MOST_ITEMS,
        **_names(topics),
    )


def edit(view: Edit) -> Callable[[int], ResponseReturnValue]:
    """Make a change to a draft a view that returns to the desk, with what was done or why it was not."""

    @wraps(view)
    def changed(draft_id: int) -> ResponseReturnValue:
        try:
            text, anchor = view(draft_id, forms.revision_from(request.form))
        except Refusal as refusal:
            if refusal.status == 404:
                raise
            text, anchor = refusal.text, "sheet"
        if text:
            flash(text)
        kept: dict[str, Any] = {name: request.args[name] for name in KEPT_IN_ADDRESS if name in request.args}
        return redirect(url_for(".desk", draft_id=draft_id, **kept, _anchor=anchor), 303)

    return changed


@blueprint.post("/papers/drafts/<int:draft_id>/settings")
@guarded(Permission.MANAGE_BANKS)
@edit
def settle(draft_id: int, revision: int) -> tuple[str, str]:
    """Change what the draft is called, for whom it is, and where its rules draw from."""
    settings = forms.settings_from(request.form, banks=[row.code for row in bank.banks()])
    operations.settle_draft(
        draft_id=draft_id,
        revision=revision,
        code=settings.code,
        title=settings.title,
        audience=settings.audience,
        banks=settings.banks,
        at=clock.now(),
        actor=actor(),
    )
    return "已保存。", "sheet"


@blueprint.post("/papers/drafts/<int:draft_id>/rules")
@guarded(Permission.MANAGE_BANKS)
@edit
def add_rule(draft_id: int, revision: int) -> tuple[str, str]:
    """Add a rule."""
    rule = _rule()
    operations.add_rule(draft_id=draft_id, revision=revision, rule=rule, at=clock.now(), actor=actor())
    return "", "rules"


@blueprint.post("/papers/drafts/<int:draft_id>/rules/change")
@guarded(Permission.MANAGE_BANKS)
@edit
def change_rule(draft_id: int, revision: int) -> tuple[str, str]:
    """Change a rule."""
    place, rule = forms.place_from(request.form), _rule()
    operations.change_rule(
        draft_id=draft_id, revision=revision, place=place, rule=rule, at=clock.now(), actor=actor()
    )
    return "", f"rule-{place}"


@blueprint.post("/papers/drafts/<int:draft_id>/rules/remove")
@guarded(Permission.MANAGE_BANKS)
@edit
def remove_rule(draft_id: int, revision: int) -> tuple[str, str]:
    """Take a rule away."""
    place = forms.place_from(request.form)
    operations.remove_rule(draft_id=draft_id, revision=revision, place=place, at=clock.now(), actor=actor())
    return "", "rules"


@blueprint.post("/papers/drafts/<int:draft_id>/items")
@guarded(Permission.MANAGE_BANKS)
@edit
def add_item(draft_id: int, revision: int) -> tuple[str, str]:
    """Put an item of the bank on the paper."""
    version = forms.version_from(request.form, bank.latest())
    operations.add_item(
        draft_id=draft_id,
        revision=revision,
        version=version,
        points=forms.points_from(request.form),
        at=clock.now(),
        actor=actor(),
    )
    return "", f"bank-{queries.name_of(version)}"


@blueprint.post("/papers/drafts/<int:draft_id>/items/swap")
@guarded(Permission.MANAGE_BANKS)
@edit
def swap_item(draft_id: int, revision: int) -> tuple[str, str]:
    """Put a parallel item in an item's place; the server chooses it and says why this one."""
    item, latest = request.form.get("item", ""), bank.latest()
    other = queries.parallel(queries.desk(queries.draft(draft_id), latest, {}), item, latest)
    operations.swap_item(
        draft_id=draft_id, revision=revision, item=item, version=other.version, at=clock.now(), actor=actor()
    )
    name = queries.name_of(other.version)
    return f"换成了 {name}（{other.why}）。", f"item-{name}"


@blueprint.post("/papers/drafts/<int:draft_id>/items/points")
@guarded(Permission.MANAGE_BANKS)
@edit
def set_points(draft_id: int, revision: int) -> tuple[str, str]:
    """Set what an item is worth."""
    item, points = request.form.get("item", ""), forms.points_from(request.form)
    operations.set_points(
        draft_id=draft_id, revision=revision, item=item, points=points, at=clock.now(), actor=actor()
    )
    return "", f"item-{item}"


@blueprint.post("/papers/drafts/<int:draft_id>/items/move")
@guarded(Permission.MANAGE_BANKS)
@edit
def move_item(draft_id: int, revision: int) -> tuple[str, str]:
    """Move an item up or down."""
    item, upward = request.form.get("item", ""), request.form.get("by") == "-1"
    operations.move_item(
        draft_id=draft_id,
        revision=revision,
        item=item,
        by=-1 if upward else 1,
        at=clock.now(),
        actor=actor(),
    )
    return "", f"item-{item}"


@blueprint.post("/papers/drafts/<int:draft_id>/items/remove")
@guarded(Permission.MANAGE_BANKS)
@edit
def remove_item(draft_id: int, revision: int) -> tuple[str, str]:
    """Take an item off the paper."""
    item = request.form.get("item", "")
    operations.remove_item(draft_id=draft_id, revision=revision, item=item, at=clock.now(), actor=actor())
    return "", "fixed"


@blueprint.post("/papers/drafts/<int:draft_id>/discard")
@guarded(Permission.MANAGE_BANKS)
def discard(draft_id: int) -> ResponseReturnValue:
    """Throw the draft away."""
    row = queries.draft(draft_id)
    operations.discard_draft(
        draft_id=draft_id, revision=forms.revision_from(request.form), at=clock.now(), actor=actor()
    )
    flash(f"草稿“{row.title}”已删除。")
    return redirect(url_for(".papers"), 303)


@blueprint.get("/papers/drafts/<int:draft_id>/freeze")
@guarded(Permission.MANAGE_BANKS)
def freeze_page(draft_id: int) -> ResponseReturnValue:
    """Say what freezing means, and what is still in its way."""
    row, topics = queries.draft(draft_id), files.topic_names()
    if row.paper_id is not None:
        return redirect(url_for(".paper", paper_id=row.paper_id), 303)
    shown = queries.desk(row, bank.latest(), topics)
    return render_template(
        "paper/freeze.html",
        desk=shown,
        draft=row,
        rows=queries.rule_rows(shown.pool.blueprint, shown.pool.candidates, topics),
        minutes=readingtime.minutes(shown.seconds),
        audience_names=bankfile.AUDIENCE_NAMES,
    )


@blueprint.post("/papers/drafts/<int:draft_id>/freeze")
@guarded(Permission.MANAGE_BANKS)
def freeze(draft_id: int) -> ResponseReturnValue:
    """Freeze the draft."""
    row, topics = queries.draft(draft_id), files.topic_names()
    shown = queries.desk(row, bank.latest(), topics)
    if shown.faults:
        raise queries.Unfillable(shown.faults)
    paper_id = operations.freeze_draft(
        draft_id=draft_id,
        revision=forms.revision_from(request.form),
        pool=shown.pool,
        topics=topics,
        at=clock.now(),
        actor=actor(),
    )
    flash("已冻结。从现在起，这份试卷的规则和题目都不会再变，可以开场次了。")
    return redirect(url_for(".paper", paper_id=paper_id), 303)


def _rule() -> assembly.Rule:
    codes = [row.code for row in bank.banks()]
    return forms.rule_from(request.form, topics=files.topic_names(), banks=codes)


def _sample(known: queries.FrozenPaper, seed: str) -> tuple[queries.ReviewItem, ...]:
    """One form as it looks after the test, nothing chosen."""
    form = queries.sample(known, seed)
    return queries.review(known, form, seed, {}, [False] * len(form))


def _names(topics: Mapping[str, str]) -> dict[str, Any]:
    return {
        "topic_names": topics,
        "kind_names": bankfile.KIND_NAMES,
        "audience_names": bankfile.AUDIENCE_NAMES,
        "difficulty_names": bankfile.DIFFICULTY_NAMES,
        "channel_names": bankfile.CHANNEL_NAMES,
    }
