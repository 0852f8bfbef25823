"""Staff pages of the papers: what is frozen, and the desk at which a paper is put together."""

import secrets
from collections.abc import Callable, Mapping
from functools import wraps
from string import ascii_uppercase
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.bank import queries as bank
from quizsvc.clock import SHANGHAI
from quizsvc.core import assembly, bankfile, document, questionnaire, readinglevel, readingtime, sheettext
from quizsvc.core.access import Permission
from quizsvc.core.refusal import Refusal
from quizsvc.paper import files, forms, operations, queries
from quizsvc.web import headers
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, guarded

blueprint = Blueprint("paper", __name__, template_folder="templates", url_prefix="/staff")
sheets = Blueprint("sheets", __name__, url_prefix="/staff/sheets")

KIND_NAMES = {"quiz": "测试"}
PART_NAMES: Mapping[files.Part, str] = {"paper": "试卷", "sheet": "答题卡", "key": "答案"}
READY = files.SHELF / "blueprints"
NEW_TITLE = "反诈知识测试"
UNTITLED = "（还没有标题）"
UNIT_NAMES = {"receipt": "条", "pledge": "条", "adoption": "项", "survey": "题"}
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
    quizzes = [row for row in queries.papers() if row.kind == queries.QUIZ]
    return render_template(
        "paper/papers.html", papers=quizzes, drafts=drafts, kind_names=KIND_NAMES,
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


@sheets.get("")
@guarded(Permission.MANAGE_BANKS)
def listed() -> str:
    """List the texts and surveys, the drafts of new ones, and what one may begin with."""
    drafts = queries.sheet_drafts()
    ready, broken = files.templates()
    return render_template(
        "paper/sheets.html",
        sheets=[row for row in queries.papers() if row.kind != queries.QUIZ],
        drafts=[(row, _title(row.source)) for row in drafts],
        making=sum(row.paper_id is None for row in drafts),
        ready=ready,
        broken=broken,
        kind_names=sheettext.KINDS,
        unit_names=UNIT_NAMES,
    )


@sheets.post("/drafts")
@guarded(Permission.MANAGE_BANKS)
def create_sheet() -> ResponseReturnValue:
    """Begin a text or survey: from a template, or from the few lines its kind always has."""
    at, start = clock.now(), request.form.get("start", "")
    source, code = forms.STARTS.get(start), f"{start}-{at.astimezone(SHANGHAI):%Y-%m-%d}"
    if source is None:
        ready, _ = files.templates()
        template = next((one for one in ready if one.name == start), None)
        if template is None:
            raise Refusal("没有这份模板，请从列表里选。")
        source, code = template.source, template.name.replace("_", "-")
    draft_id = operations.create_sheet_draft(code=code, source=source, at=at, actor=actor())
    return redirect(url_for(".editor", draft_id=draft_id), 303)


@sheets.get("/<int:paper_id>")
@guarded(Permission.MANAGE_BANKS)
def sheet(paper_id: int) -> str:
    """Show a frozen text or survey."""
    known = queries.sheet(paper_id)
    return render_template("paper/sheet.html", sheet=known, **_shown(known.body))


@sheets.post("/<int:paper_id>/copy")
@guarded(Permission.MANAGE_BANKS)
def copy_sheet(paper_id: int) -> ResponseReturnValue:
    """Begin a new version of a frozen text or survey."""
    known = queries.sheet(paper_id)
    source = sheettext.write(known.body)
    draft_id = operations.create_sheet_draft(code=known.code, source=source, at=clock.now(), actor=actor())
    flash("已复制成新的草稿，原来的不变：签过的、填过的都还照原来的文字。")
    return redirect(url_for(".editor", draft_id=draft_id), 303)


@sheets.get("/drafts/<int:draft_id>")
@guarded(Permission.MANAGE_BANKS)
def editor(draft_id: int) -> ResponseReturnValue:
    """Show the draft of a text as it is typed, beside how it looks on a phone."""
    row = queries.sheet_draft(draft_id)
    if row.paper_id is not None:
        return redirect(url_for(".sheet", paper_id=row.paper_id), 303)
    return _editor(row, row.source)


@sheets.post("/drafts/<int:draft_id>")
@guarded(Permission.MANAGE_BANKS)
def save_sheet(draft_id: int) -> ResponseReturnValue:
    """Keep what was typed, sound or not; when that is refused, it stays on the page."""
    row, source = queries.sheet_draft(draft_id), forms.source_from(request.form)
    try:
        operations.save_sheet_draft(
            draft_id=draft_id,
            revision=forms.revision_from(request.form),
            source=source,
            at=clock.now(),
            actor=actor(),
        )
    except (operations.SheetChanged, operations.TooLong) as refusal:
        return _editor(row, source, refusal), refusal.status
    return redirect(url_for(".editor", draft_id=draft_id, _anchor="text"), 303)


@sheets.post("/drafts/<int:draft_id>/discard")
@guarded(Permission.MANAGE_BANKS)
def discard_sheet(draft_id: int) -> ResponseReturnValue:
    """Throw the draft of a text away."""
    row = queries.sheet_draft(draft_id)
    operations.discard_sheet_draft(
        draft_id=draft_id, revision=forms.revision_from(request.form), at=clock.now(), actor=actor()
    )
    flash(f"草稿“{_title(row.source)}”已删除。")
    return redirect(url_for(".listed"), 303)


@sheets.get("/drafts/<int:draft_id>/freeze")
@guarded(Permission.MANAGE_BANKS)
def freeze_sheet_page(draft_id: int) -> ResponseReturnValue:
    """Say what freezing a text means; one that cannot be read is sent back to be mended."""
    row = queries.sheet_draft(draft_id)
    if row.paper_id is not None:
        return redirect(url_for(".sheet", paper_id=row.paper_id), 303)
    try:
        body = sheettext.read(row.source)
    except Refusal:
        return redirect(url_for(".editor", draft_id=draft_id, _anchor="fault"), 303)
    if queries.unfilled(body):
        return redirect(url_for(".editor", draft_id=draft_id), 303)
    return render_template("paper/freeze_sheet.html", draft=row, **_shown(body))


@sheets.post("/drafts/<int:draft_id>/freeze")
@guarded(Permission.MANAGE_BANKS)
def freeze_sheet(draft_id: int) -> ResponseReturnValue:
    """Freeze the draft of a text."""
    paper_id = operations.freeze_sheet_draft(
        draft_id=draft_id, revision=forms.revision_from(request.form), at=clock.now(), actor=actor()
    )
    flash("已冻结。从现在起，每一个字都不会再变，可以开场次了。")
    return redirect(url_for(".sheet", paper_id=paper_id), 303)


def _editor(row: queries.SheetDraftRow, source: str, refusal: Refusal | None = None) -> str:
    fault, body = refusal, None
    if refusal is None:
        try:
            body = sheettext.read(source)
        except Refusal as unclear:
            fault = unclear
    line = fault.line if isinstance(fault, sheettext.Unclear) else None
    lines = source.splitlines()
    shown: dict[str, Any] = {
        "kind": row.kind, "kind_name": sheettext.KINDS[row.kind], "signers": document.SIGNERS,
    }  # fmt: skip
    if body is not None:
        shown = _shown(body)
    return render_template(
        "paper/sheet_editor.html",
        draft=row,
        source=source,
        title=_title(source),
        fault=fault.text if fault else "",
        line=lines[line - 1] if line and line <= len(lines) else "",
        stale=refusal is not None,
        **shown,
    )


def _title(source: str) -> str:
    """The title of a draft, whatever else is wrong with it."""
    try:
        _, title = sheettext.named(source)
    except sheettext.Unclear:
        return UNTITLED
    return title or UNTITLED


def _shown(body: sheettext.Body) -> dict[str, Any]:
    """What every page that shows a text or survey gives its template."""
    kind = sheettext.kind_of(body)
    return {
        "body": body,
        "signers": document.SIGNERS,
        "kind": kind,
        "kind_name": sheettext.KINDS[kind],
        "question_kinds": questionnaire.KINDS,
        "text": document.text(body) if isinstance(body, document.Document) else "",
        "text_hash": document.digest(body) if isinstance(body, document.Document) else "",
        "letters": ascii_uppercase,
        "unfilled": queries.unfilled(body),
        "advice": readinglevel.advice(readinglevel.level(readinglevel.words(body))),
    }


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
