"""Staff pages of the banks: what is in them, the editor, the review, imports and exports."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import audit, clock, formats, uploads
from quizsvc.bank import files, forms, operations, queries
from quizsvc.bank.models import DRAFT
from quizsvc.bank.queries import STATE_NAMES, History, ImportPlan, ItemRow, Wording
from quizsvc.core import bankfile, revision
from quizsvc.core.access import Permission
from quizsvc.core.bankfile import Vocabulary
from quizsvc.core.refusal import Refusal
from quizsvc.formats import sheet
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, guarded, me, who

blueprint = Blueprint("bank", __name__, template_folder="templates", url_prefix="/staff")

PAGE = 50
MOST_SHOWN = 200
LARGEST_POST = uploads.LARGEST_FILE + 256 * 1024
LARGE_POSTS = ("bank.preview_import", "bank.import_")
USAGE = "report.item_usage"  # downstream; linked where it is there


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as a participant sees it; the macros of the attempt pages take it."""

    kind: str
    kind_name: str
    audience_name: str | None
    channel_name: str | None
    sender: str | None
    scene_text: str | None
    stem: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list of items, and where the pages beside it are."""

    rows: Sequence[ItemRow]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a preview, with what would change in it."""

    place: str
    item: bankfile.Item
    changes: tuple[revision.Change, ...]
    notes: tuple[str, ...]


@blueprint.url_value_preprocessor
def take_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let a file of questions through; this runs before anything reads the form."""
    if endpoint in LARGE_POSTS:
        request.max_content_length = LARGEST_POST
        request.max_form_memory_size = LARGEST_POST


@blueprint.get("/banks")
@guarded(Permission.MANAGE_BANKS)
def banks() -> str:
    """List the banks."""
    return render_template("bank/banks.html", banks=queries.banks())


@blueprint.post("/banks")
@guarded(Permission.MANAGE_BANKS)
def add_bank() -> ResponseReturnValue:
    """Make an empty bank."""
    code = request.form.get("code", "").strip()
    operations.add_bank(code=code, name=request.form.get("name", ""), at=clock.now(), actor=actor())
    flash("题库建好了，还没有题。可以新写一题，或者导入一个文件。")
    return redirect(url_for(".bank", code=code), 303)


@blueprint.get("/items")
@guarded(Permission.MANAGE_BANKS)
def items() -> str:
    """Search the items of all banks."""
    search = forms.search_from(request.args)
    rows = queries.newest()
    return render_template(
        "bank/items.html",
        listed=_listed([row for row in rows if search.takes(row)]),
        choices=_choices([row.item for row in rows]),
        search=search,
        **_names(),
    )


@blueprint.get("/banks/<code>")
@guarded(Permission.MANAGE_BANKS)
def bank(code: str) -> str:
    """Show what a bank holds, and its items under a search."""
    row = queries.bank(code)
    rows = queries.newest(code)
    live = [one.item for one in rows if one.retired_at is None]
    search = forms.search_from(request.args)
    counted = queries.counts(live)
    topics = [
        (topic, queries.counts([item for item in live if item.topic == topic])) for topic in counted.by_topic
    ]
    states = {state: sum(one.state == state for one in rows) for state in STATE_NAMES}
    return render_template(
        "bank/bank.html",
        bank=row,
        counted=counted,
        topics=topics,
        states={state: number for state, number in states.items() if number},
        listed=_listed([one for one in rows if search.takes(one)]),
        choices=_choices(live),
        search=search,
        writers=formats.WRITERS,
        usage=_usage(code),
        **_names(),
    )


@blueprint.get("/banks/<code>/export/<form>")
@guarded(Permission.MANAGE_BANKS)
def export(code: str, form: str) -> ResponseReturnValue:
    """Send the items that a search shows; tell first what the format cannot carry."""
    row = queries.bank(code)
    writer = formats.WRITERS.get(form)
    if writer is None:
        abort(404)
    search = forms.search_from(request.args)
    chosen = [one.item for one in queries.newest(code) if search.takes(one)]
    if not chosen:
        raise Refusal("这里没有可以导出的题。")
    lost = _lost(chosen, writer)
    if lost and "anyway" not in request.args:
        return render_template(
            "bank/export.html",
            bank=row,
            form=form,
            writer=writer,
            lost=lost,
            search=search,
            count=len(chosen),
        )
    body = writer.write(chosen, files.vocabulary(), title=row.name)
    audit.record_alone(
        actor=actor(), action="bank.export", on=f"bank:{code}", at=clock.now(), form=form, items=len(chosen)
    )
    return attachment(body, name=f"{row.name}{writer.suffix}", mimetype=writer.mimetype)


@blueprint.get("/banks/<code>/import")
@guarded(Permission.MANAGE_BANKS)
def upload(code: str) -> str:
    """Ask for a file of questions."""
    return _upload_page(code)


@blueprint.get("/banks/<code>/import/template.xlsx")
@guarded(Permission.MANAGE_BANKS)
def template(code: str) -> ResponseReturnValue:
    """Send an empty sheet to fill in."""
    queries.bank(code)
    return attachment(sheet.template(), name="题目模板.xlsx", mimetype=formats.WRITERS["xlsx"].mimetype)


@blueprint.post("/banks/<code>/import/preview")
@guarded(Permission.MANAGE_BANKS)
def preview_import(code: str) -> ResponseReturnValue:
    """Show question by question what an import would change; nothing is changed yet."""
    row = queries.bank(code)
    at = clock.now()
    vocabulary = files.vocabulary()
    try:
        defaults = forms.defaults_from(request.form, vocabulary, clock.local_day(at))
        body, name = forms.file_from(request.form, request.files)
        reading = formats.read(body, name=name)
    except Refusal as refusal:
        return _upload_page(code, refusal), refusal.status
    plan = queries.plan_import(code, reading, defaults, vocabulary)
    return render_template(
        "bank/import_preview.html",
        bank=row,
        plan=plan,
        lists=_lists(plan, vocabulary),
        most=MOST_SHOWN,
        seal=forms.sealed(plan, bank_code=code, staff_id=me().staff_id, at=at) if plan.changes else "",
        **_names(),
    )


@blueprint.post("/banks/<code>/import")
@guarded(Permission.MANAGE_BANKS)
def import_(code: str) -> ResponseReturnValue:
    """Apply exactly what was previewed."""
    at = clock.now()
    previewed = forms.opened(request.form.get("seal", ""), at=at)
    if (previewed.bank_code, previewed.staff_id) != (code, me().staff_id):
        raise forms.Expired
    if previewed.rejected and "others" not in request.form:
        raise Refusal("有几题没法导入，所以一题也没有导入。请先改好文件，或者在预览里勾选“其余的先导入”。")
    imported = operations.import_bank(
        code=code,
        name=None,
        items=previewed.items,
        at=at,
        actor=actor(),
        origin="web",
        publish=False,
        previewed=previewed.digest,
    )
    told = summary(replace(imported, same=previewed.same))
    flash(f"导入完成：{told}。新的和改过的都是草稿，审过、发布以后才会进试卷。")
    return redirect(url_for(".bank", code=code, state=DRAFT, _anchor="items"), 303)


@blueprint.get("/banks/<code>/review")
@guarded(Permission.MANAGE_BANKS)
def review(code: str) -> str:
    """Show the drafts of a bank one by one, as participants will see them and with what the lint says."""
    row = queries.bank(code)
    rows = queries.newest(code)
    drafts = [one for one in rows if one.state == DRAFT]
    wanted = request.args.get("item", "")
    place = next((place for place, one in enumerate(drafts) if one.item.code >= wanted), 0)
    if not drafts:
        return render_template("bank/reviewed.html", bank=row)
    draft, vocabulary = drafts[place], files.vocabulary()
    following = drafts[(place + 1) % len(drafts)]
    faults = queries.faults(rows, draft.item, vocabulary, clock.local_day(clock.now()))
    return render_template(
        "bank/review.html",
        bank=row,
        draft=draft,
        item=draft.item,
        shown=_shown(draft.item),
        segments=_segments(draft.item),
        author=who(draft.author),
        mine=draft.author == actor().text,
        place=place + 1,
        total=len(drafts),
        before=drafts[place - 1].item.code if place else "",
        following=following.item.code if len(drafts) > 1 else "",
        faults=faults,
        stopped=any(fault.severity == "error" for fault in faults),
        **_names(),
    )


@blueprint.post("/banks/<code>/publish")
@guarded(Permission.MANAGE_BANKS)
def publish(code: str) -> ResponseReturnValue:
    """Publish everything of a bank that has been reviewed, or one item of it."""
    item_code = request.form.get("item") or None
    published = operations.publish(
        bank_code=code, item_code=item_code, vocabulary=files.vocabulary(), at=clock.now(), actor=actor()
    )
    flash(f"发布了 {published} 题，以后冻结的试卷可以抽到。")
    if item_code:
        return redirect(url_for(".item", code=code, item_code=item_code), 303)
    return redirect(url_for(".bank", code=code), 303)


@blueprint.get("/banks/<code>/new")
@guarded(Permission.MANAGE_BANKS)
def new(code: str) -> str:
    """Ask for a new item."""
    item = forms.blank_item(today=clock.local_day(clock.now()), topic=request.args.get("topic", ""))
    return _editor(code, "", item)


@blueprint.post("/banks/<code>/new")
@guarded(Permission.MANAGE_BANKS)
def add(code: str) -> ResponseReturnValue:
    """Write a new item as a draft."""
    typed_code = request.form.get("code", "").strip()
    taken = [row.item.code for row in queries.newest(code)]
    return _saved(
        code, typed_code or forms.free_code(request.form.get("topic", ""), taken), typed_code, opened=0
    )


@blueprint.post("/banks/<code>/preview")
@guarded(Permission.MANAGE_BANKS)
def preview(code: str) -> str:
    """Show what is typed as a phone will show it, and what the lint says; nothing is saved."""
    at = clock.now()
    typed = forms.typed_item(request.form, code=code, today=clock.local_day(at))
    return render_template(
        "bank/phone.html",
        item=typed.item,
        shown=_shown(typed.item),
        segments=_segments(typed.item),
        sentences=(*typed.unread, *(fault.text for fault in _lint(typed.item, at))),
    )


@blueprint.get("/banks/<code>/<item_code>")
@guarded(Permission.MANAGE_BANKS)
def item(code: str, item_code: str) -> str:
    """Show an item whole, in its newest wording or an earlier one."""
    history = queries.history(code, item_code)
    wording = history.wording(request.args.get("version", type=int))
    return render_template(
        "bank/item.html",
        history=history,
        wording=wording,
        item=wording.item,
        shown=_shown(wording.item),
        segments=_segments(wording.item),
        usage=_usage(code, item_code),
        told=_told(history),
        **_names(),
    )


@blueprint.get("/banks/<code>/<item_code>/phone")
@guarded(Permission.MANAGE_BANKS)
def phone(code: str, item_code: str) -> str:
    """Show one wording of an item as a phone shows it, on a page of its own."""
    history = queries.history(code, item_code)
    wording = history.wording(request.args.get("version", type=int))
    return render_template(
        "bank/phone.html",
        item=wording.item,
        shown=_shown(wording.item),
        segments=_segments(wording.item),
        sentences=(),
    )


@blueprint.get("/banks/<code>/<item_code>/history")
@guarded(Permission.MANAGE_BANKS)
def history(code: str, item_code: str) -> str:
    """Show what changed between two wordings, field by field."""
    found = queries.history(code, item_code)
    newest = found.wordings[0].number
    later = found.wording(request.args.get("later", newest, type=int))
    earlier = found.wording(request.args.get("earlier", max(later.number - 1, 1), type=int))
    return render_template(
        "bank/history.html",
        history=found,
        earlier=earlier,
        later=later,
        changes=revision.changes(earlier.item, later.item, files.vocabulary()),
        told=_told(found),
        state_names=STATE_NAMES,
    )


@blueprint.get("/banks/<code>/<item_code>/edit")
@guarded(Permission.MANAGE_BANKS)
def edit(code: str, item_code: str) -> str:
    """Show an item in the editor."""
    newest = queries.history(code, item_code).wordings[0]
    return _editor(code, item_code, newest.item, opened=newest.number)


@blueprint.post("/banks/<code>/<item_code>/edit")
@guarded(Permission.MANAGE_BANKS)
def save(code: str, item_code: str) -> ResponseReturnValue:
    """Write a new wording of an item as a draft."""
    return _saved(code, item_code, item_code, opened=forms.number_from(request.form, "opened"))


@blueprint.post("/banks/<code>/<item_code>/review")
@guarded(Permission.MANAGE_BANKS)
def approve(code: str, item_code: str) -> ResponseReturnValue:
    """Mark a draft as reviewed and go on to the next one."""
    operations.approve(
        bank_code=code,
        item_code=item_code,
        number=forms.number_from(request.form, "number"),
        vocabulary=files.vocabulary(),
        at=clock.now(),
        actor=actor(),
    )
    flash(f"{item_code} 已经通过。")
    return redirect(url_for(".review", code=code, item=item_code), 303)


@blueprint.post("/banks/<code>/<item_code>/retire")
@guarded(Permission.MANAGE_BANKS)
def retire(code: str, item_code: str) -> ResponseReturnValue:
    """Take an item out of use."""
    operations.retire(bank_code=code, item_code=item_code, at=clock.now(), actor=actor())
    flash(f"{item_code} 已经停用，新的试卷不会再抽到；已经冻结的试卷不变。")
    if "reviewing" in request.form:
        return redirect(url_for(".review", code=code, item=item_code), 303)
    return redirect(url_for(".item", code=code, item_code=item_code), 303)


@blueprint.post("/banks/<code>/<item_code>/bring-back")
@guarded(Permission.MANAGE_BANKS)
def bring_back(code: str, item_code: str) -> ResponseReturnValue:
    """Take an item into use again."""
    operations.bring_back(bank_code=code, item_code=item_code, at=clock.now(), actor=actor())
    flash(f"{item_code} 重新启用了。")
    return redirect(url_for(".item", code=code, item_code=item_code), 303)


def summary(imported: operations.Imported) -> str:
    """Say what an import did."""
    parts = [f"新增 {imported.new}", f"修改 {imported.changed}", f"相同 {imported.same}"]
    if imported.revived:
        parts.append(f"恢复 {imported.revived}")
    return "，".join(parts)


def _saved(code: str, item_code: str, typed_code: str, *, opened: int) -> ResponseReturnValue:
    """Save what was typed; bring the form back with everything in it when something is wrong."""
    at = clock.now()
    typed = forms.typed_item(request.form, code=item_code, today=clock.local_day(at))
    wrong = [
        *typed.unread,
        *(
            fault.text
            for fault in _lint(typed.item, at)
            if fault.severity == "error" and fault.rule not in bankfile.DRAFT_RULES
        ),
    ]
    if wrong:
        return _editor(code, typed_code, typed.item, opened=opened, wrong=wrong), 400
    try:
        number = operations.save_item(
            bank_code=code,
            item=typed.item,
            opened=opened,
            vocabulary=files.vocabulary(),
            at=at,
            actor=actor(),
        )
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return _editor(code, typed_code, typed.item, opened=opened, wrong=[refusal.text]), refusal.status
    flash(
        "没有改动，没有生成新的版本。"
        if number == opened
        else f"存成了第 {number} 版草稿。审过、发布以后才会进试卷。"
    )
    if "reviewing" in request.form:
        return redirect(url_for(".review", code=code, item=item_code), 303)
    return redirect(url_for(".item", code=code, item_code=item_code), 303)


def _editor(
    code: str, item_code: str, item: bankfile.Item, *, opened: int = 0, wrong: Sequence[str] = ()
) -> str:
    return render_template(
        "bank/edit.html",
        bank=queries.bank(code),
        item_code=item_code,
        item=item,
        shown=_shown(item),
        segments=_segments(item),
        opened=opened,
        wrong=wrong,
        reviewing="reviewing" in request.values,
        most_options=forms.MOST_OPTIONS,
        **_names(),
    )


def _upload_page(code: str, refusal: Refusal | None = None) -> str:
    return render_template(
        "bank/upload.html",
        bank=queries.bank(code),
        error=refusal.text if refusal else "",
        place=refusal.field if isinstance(refusal, forms.Unanswered) else "file",
        chose=any(file.filename for file in request.files.values()),
        source_length=forms.LONGEST_SOURCE,
        **_names(),
    )


def _usage(code: str, item_code: str | None = None) -> str:
    known = USAGE in current_app.view_functions
    return url_for(USAGE, code=code, item=item_code) if known else ""


def _lint(item: bankfile.Item, at: datetime) -> tuple[bankfile.Fault, ...]:
    """Find what is wrong with an item by itself; a group of one is no fault while somebody is typing."""
    return bankfile.lint([replace(item, twin=None)], files.vocabulary(), clock.local_day(at))


def _listed(rows: Sequence[ItemRow]) -> Listed:
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return Listed(rows[(page - 1) * PAGE : page * PAGE], len(rows), page, pages)


def _choices(items: Iterable[bankfile.Item]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    counted = queries.counts(list(items))
    return [
        ("topic", "主题", _named(counted.by_topic, files.vocabulary().topics)),
        ("kind", "题型", _named(counted.by_kind, bankfile.KIND_NAMES)),
        ("audience", "人群", _named(counted.by_audience, bankfile.AUDIENCE_NAMES)),
        ("difficulty", "难度", _named(counted.by_difficulty, bankfile.DIFFICULTY_NAMES)),
        ("state", "状态", list(STATE_NAMES.items())),
    ]


def _lists(plan: ImportPlan, vocabulary: Vocabulary) -> list[tuple[str, str, int, list[Entry]]]:
    every = (
        ("新增", "题库里还没有", plan.new),
        ("修改", "题库里有，文字或答案不一样；会成为新的版本", plan.changed),
        ("恢复", "以前停用过，导入后重新启用", plan.revived),
        ("相同", "和题库里一样，不会改动", plan.same),
    )
    return [
        (
            title,
            hint,
            len(planned),
            [
                Entry(
                    one.place,
                    one.item,
                    revision.changes(one.before, one.item, vocabulary) if one.before else (),
                    one.notes,
                )
                for one in planned[:MOST_SHOWN]
            ],
        )
        for title, hint, planned in every
        if planned
    ]


def _lost(chosen: Sequence[bankfile.Item], writer: formats.Writer) -> list[tuple[str, int]]:
    """Return each sentence about what a format loses, and of how many items it is true."""
    counted: dict[str, int] = {}
    for item in chosen:
        for sentence in writer.losses(item):
            counted[sentence] = counted.get(sentence, 0) + 1
    return list(counted.items())


def _told(history: History) -> list[tuple[Wording, str, str]]:
    """Return each wording with the names of who wrote and who reviewed it."""
    return [
        (one, who(one.author), who(one.reviewed_by) if one.reviewed_by else "") for one in history.wordings
    ]


def _shown(item: bankfile.Item) -> Shown:
    scene = item.scene
    names = bankfile.AUDIENCE_NAMES
    return Shown(
        kind=item.kind,
        kind_name=bankfile.KIND_NAMES.get(item.kind, item.kind),
        audience_name=names.get(item.audiences[0]) if len(item.audiences) == 1 else None,
        channel_name=bankfile.CHANNEL_NAMES.get(scene.channel, scene.channel) if scene else None,
        sender=scene.sender if scene else None,
        scene_text=scene.text if scene else None,
        stem=item.stem or "（还没有写题干）",
    )


def _segments(item: bankfile.Item) -> tuple[tuple[str, bool], ...]:
    return bankfile.segments(item.scene.text, item.scene.tells) if item.scene else ()


def _named(slugs: Iterable[Any], names: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(slug), names.get(slug, str(slug))) for slug in slugs]


def _names() -> dict[str, Any]:
    words = files.vocabulary()
    return {
        "topic_names": words.topics,
        "belief_names": words.beliefs,
        "kind_names": bankfile.KIND_NAMES,
        "audience_names": bankfile.AUDIENCE_NAMES,
        "difficulty_names": bankfile.DIFFICULTY_NAMES,
        "channel_names": bankfile.CHANNEL_NAMES,
        "state_names": STATE_NAMES,
    }
