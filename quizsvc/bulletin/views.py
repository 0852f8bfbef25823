"""Staff pages of the bulletins: the list, the desk at which one is written, what was issued, the week's reminders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import clock, tables
from quizsvc.bulletin import files, forms, operations, queries
from quizsvc.bulletin.queries import DraftRow, IssuedRow
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import CampaignRow
from quizsvc.clock import local_day
from quizsvc.core import bulletin, notices
from quizsvc.core.access import Permission, reaches, scopes
from quizsvc.core.bulletin import PERIODS, Issue
from quizsvc.core.refusal import Refusal
from quizsvc.core.term import term_label
from quizsvc.core.unitname import counter
from quizsvc.roster import queries as roster
from quizsvc.roster.queries import UnitRow
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, check, deny, guarded, may, me

blueprint = Blueprint("bulletin", __name__, url_prefix="/staff/bulletins", template_folder="templates")

DRAFT: Final = "/drafts/<int:draft_id>"
OF_UNIT: Final = "/<int:campaign_id>/<int:unit_id>"
MIMETYPES: Final = {
    "pdf": "application/pdf",
    "docx": files.WORD_TYPE,
    "xlsx": tables.MIMETYPES["xlsx"],
}


@dataclass(frozen=True, slots=True)
class Begun:
    """A campaign with something to report, and the units of somebody it can be reported of."""

    campaign: CampaignRow
    units: tuple[UnitRow, ...]


@blueprint.get("")
@guarded(Permission.SEE_BULLETINS)
def index() -> str:
    """List what was issued for my units, above and under them; what I am writing; what I may begin."""
    mine = scopes(me(), Permission.ISSUE_BULLETINS)
    return render_template(
        "bulletin/index.html",
        issued=queries.issues_for(scopes(me(), Permission.SEE_BULLETINS)),
        drafts=queries.drafts_in(mine),
        begun=_begun(mine),
        weekly=_begun(scopes(me(), Permission.SHOW_LINKS)),
        periods=PERIODS,
        term_label=term_label,
    )


def _begun(paths: Sequence[str]) -> list[Begun]:
    """List the campaigns with something to report, and for each the units of mine it can be reported of."""
    told = {one.campaign_id for one in campaign.rounds_over(paths) if not (one.is_public or one.is_test)}
    found = [one for one in campaign.campaigns_touching(paths) if one.id in told]
    units = roster.at_paths({path for one in found for path in _tops(one.unit_path, paths)})
    by_path = {unit.path: unit for unit in units}
    return [Begun(one, tuple(by_path[path] for path in _tops(one.unit_path, paths))) for one in found]


def _tops(home: str, paths: Sequence[str]) -> list[str]:
    """The campaign's own unit when it is mine, else those of my units that lie in it."""
    if any(home.startswith(path) for path in paths):
        return [home]
    return [path for path in paths if path.startswith(home)]


@blueprint.route(f"/new{OF_UNIT}", methods=["GET", "POST"])
@guarded(Permission.ISSUE_BULLETINS)
def begin(campaign_id: int, unit_id: int) -> ResponseReturnValue:
    """Take the figures of this moment and begin a bulletin, or go on with the one that is being written."""
    drive, unit = _of_unit(Permission.ISSUE_BULLETINS, campaign_id, unit_id)
    form = forms.Begin()
    if form.validate_on_submit():
        at = clock.now()
        try:
            draft_id = operations.begin(
                campaign_id=drive.id, unit_id=unit.id, period=form.period.data, at=at, actor=actor()
            )
        except Refusal as refusal:
            form.form_errors.append(refusal.text)
            return render_template("bulletin/begin.html", form=form, drive=drive, unit=unit), refusal.status
        return redirect(url_for(".edit", draft_id=draft_id), 303)
    status = 400 if form.errors else 200
    return render_template("bulletin/begin.html", form=form, drive=drive, unit=unit), status


def _of_unit(permission: Permission, campaign_id: int, unit_id: int) -> tuple[CampaignRow, UnitRow]:
    unit = roster.unit(unit_id)
    check(permission, unit.path)
    drive = campaign.campaign_of(campaign_id)
    if not unit.path.startswith(drive.unit_path):
        abort(404)
    return drive, unit


@blueprint.get(DRAFT)
@guarded(Permission.ISSUE_BULLETINS)
def edit(draft_id: int) -> str:
    """Show the sentences of a draft, to be edited."""
    row = _draft(draft_id)
    return _editor(row, forms.filled(row.issue, row.saved_at))


@blueprint.post(DRAFT)
@guarded(Permission.ISSUE_BULLETINS)
def save(draft_id: int) -> ResponseReturnValue:
    """Keep the sentences."""
    row, form = _draft(draft_id), forms.Editor()
    if not form.validate():
        return _editor(row, form), 400
    seen = forms.moment(form.seen.data)
    try:
        operations.save(
            draft_id=draft_id, head=form.head(), listing=form.listing.data, texts=form.texts(), seen=seen,
            at=clock.now(), actor=actor(),
        )  # fmt: skip
    except operations.ChangedMeanwhile as refusal:
        form.form_errors.append(refusal.text)
        return _editor(row, form), refusal.status
    flash("拟稿已保存，还没有发出。")
    return redirect(
        url_for(".preview" if request.form.get("step") == "preview" else ".edit", draft_id=draft_id), 303
    )


def _editor(row: DraftRow, form: forms.Editor) -> str:
    return render_template(
        "bulletin/edit.html",
        row=row,
        form=form,
        act=_act(row),
        periods=PERIODS,
        odd=_unfounded(row.issue),
    )


def _draft(draft_id: int) -> DraftRow:
    row = queries.draft(draft_id)
    check(Permission.ISSUE_BULLETINS, row.unit_path)
    return row


def _act(row: DraftRow) -> forms.Act:
    return forms.Act(formdata=None, data={"seen": row.saved_at.isoformat()})


def _unfounded(issue: Issue) -> tuple[str, ...]:
    """List the numbers in the sentences that are none of the figures."""
    given = bulletin.texts(issue.figures, issue.before)
    cells = (
        bulletin.cell_text(cell)
        for table in bulletin.tables(issue.figures, issue.before, "all")
        for row in table.rows
        for cell in row
    )
    parts = (getattr(given, name) for name in bulletin.Texts.__slots__)
    return bulletin.unfounded(issue.texts, [*parts, *cells])


@blueprint.get(f"{DRAFT}/preview")
@guarded(Permission.ISSUE_BULLETINS)
def preview(draft_id: int) -> str:
    """Show a draft as it would be printed, with the button that issues it."""
    row = _draft(draft_id)
    return _page(row.issue, bulletin.foot(), draft=row, act=_act(row), odd=_unfounded(row.issue))


def _page(issue: Issue, foot: tuple[str, ...], **shown: object) -> str:
    return render_template(
        "bulletin/issue.html",
        issue=issue,
        parts=bulletin.paragraphs(issue.texts),
        placed=files.placed(issue),
        cell_text=bulletin.cell_text,
        breakable=_breakable,
        foot=foot,
        **shown,
    )


def _breakable(line: str) -> Markup:
    """Let a line end between a rate and its two numbers; set in full width, it would be torn apart otherwise."""
    return Markup("%<wbr>（").join(line.split("%（"))


@blueprint.post(f"{DRAFT}/figures")
@guarded(Permission.ISSUE_BULLETINS)
def take_again(draft_id: int) -> ResponseReturnValue:
    """Take the figures of this moment instead."""
    _draft(draft_id)
    seen = forms.moment(request.form.get("seen"))
    operations.take_again(draft_id=draft_id, seen=seen, at=clock.now(), actor=actor())
    flash("已经换成现在的数，改过的段落没有动，请核对。")
    return redirect(url_for(".edit", draft_id=draft_id), 303)


@blueprint.post(f"{DRAFT}/issue")
@guarded(Permission.ISSUE_BULLETINS)
def issue(draft_id: int) -> ResponseReturnValue:
    """Issue a draft; this is for good."""
    _draft(draft_id)
    seen = forms.moment(request.form.get("seen"))
    bulletin_id = operations.issue(draft_id=draft_id, seen=seen, at=clock.now(), actor=actor())
    flash("已发出。下属单位的老师现在能在“通报”里看到。")
    return redirect(url_for(".issued", bulletin_id=bulletin_id), 303)


@blueprint.post(f"{DRAFT}/discard")
@guarded(Permission.ISSUE_BULLETINS)
def discard(draft_id: int) -> ResponseReturnValue:
    """Throw a draft away."""
    _draft(draft_id)
    operations.discard(
        draft_id=draft_id, seen=forms.moment(request.form.get("seen")), at=clock.now(), actor=actor()
    )
    flash("拟稿已删掉。")
    return redirect(url_for(".index"), 303)


@blueprint.get("/<int:bulletin_id>")
@guarded(Permission.SEE_BULLETINS)
def issued(bulletin_id: int) -> str:
    """Show a bulletin as it was issued."""
    row = _issued(bulletin_id)
    may_issue = may(Permission.ISSUE_BULLETINS, row.unit_path)
    return _page(row.issue, row.foot, row=row, may_issue=may_issue)


def _issued(bulletin_id: int) -> IssuedRow:
    row = queries.issued(bulletin_id)
    if not reaches(me(), Permission.SEE_BULLETINS, row.unit_path):
        deny(Permission.SEE_BULLETINS)
    return row


@blueprint.get("/<int:bulletin_id>.<any(pdf,docx,xlsx):form>")
@guarded(Permission.SEE_BULLETINS)
def issued_file(bulletin_id: int, form: str) -> ResponseReturnValue:
    """Send a bulletin as it was issued: the same bytes each time."""
    row = _issued(bulletin_id)
    notes = (
        ("标题", row.issue.heading),
        ("数据截至", tables.local(row.issue.figures.at)),
        ("口径", bulletin.RATES_MEAN),
        ("指纹", row.hash),
        *tables.anchor_notes(row.anchor),
    )
    body = _body(row.issue, form, row.foot, notes)
    return attachment(body, name=f"{files.name(row.issue)}.{form}", mimetype=MIMETYPES[form])


def _body(
    issue: Issue, form: str, foot: tuple[str, ...], notes: tuple[tuple[str, tables.Cell], ...]
) -> bytes:
    if form == "pdf":
        return files.pdf(issue, foot=foot)
    if form == "docx":
        return files.word(issue, foot=foot)
    return files.workbook(issue, notes=notes, at=issue.figures.at)


@blueprint.get(f"{DRAFT}.<any(pdf,docx):form>")
@guarded(Permission.ISSUE_BULLETINS)
def draft_file(draft_id: int, form: str) -> ResponseReturnValue:
    """Send a draft, marked as one, to be shown to whoever has to agree."""
    row = _draft(draft_id)
    body = _body(row.issue, form, bulletin.foot(), ())
    return attachment(body, name=f"{files.name(row.issue)}.{form}", mimetype=MIMETYPES[form])


@blueprint.post("/<int:bulletin_id>/correct")
@guarded(Permission.ISSUE_BULLETINS)
def correct(bulletin_id: int) -> ResponseReturnValue:
    """Begin the issue that takes the place of one with a mistake in it."""
    row = queries.issued(bulletin_id)
    check(Permission.ISSUE_BULLETINS, row.unit_path)
    draft_id = operations.correct(bulletin_id=bulletin_id, at=clock.now(), actor=actor())
    return redirect(url_for(".edit", draft_id=draft_id), 303)


@blueprint.get(f"/week{OF_UNIT}")
@guarded(Permission.SHOW_LINKS)
def week(campaign_id: int, unit_id: int) -> str:
    """Show the week's reminder of each class under a unit: counts only, to be copied into its group."""
    drive, unit = _of_unit(Permission.SHOW_LINKS, campaign_id, unit_id)
    at = clock.now()
    monday, _ = bulletin.span("week", local_day(at))
    found = queries.reminders(
        drive, unit, public_url=str(current_app.config["SETTINGS"].public_url),
        tip=notices.tip_of(files.tips(), monday), at=at,
    )  # fmt: skip
    return render_template(
        "bulletin/week.html",
        drive=drive,
        unit=unit,
        reminders=found,
        counter=counter(one.unit.kind for one in found),
        monday=monday,
        sunday=monday + timedelta(days=6),
        at=at,
    )
