"""Staff pages of the roster: units, head-counts, import with preview, exemptions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import audit, clock, tables
from quizsvc.core.access import Permission, scopes
from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import LISTED, Entry, Form, Plan, listed_under
from quizsvc.core.term import term_label, term_of
from quizsvc.core.unitname import KIND_NAMES, REGIONS
from quizsvc.roster import files, forms, operations, queries
from quizsvc.roster.queries import ClassLine, UnitRow
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, check, guarded, may, me, who

blueprint = Blueprint("roster", __name__, template_folder="templates", url_prefix="/staff")

MOST_SHOWN = 200
LARGEST_POST = files.LARGEST_FILE + 256 * 1024
LARGE_POSTS = ("roster.preview", "roster.import_")
HALF_A_YEAR = timedelta(days=183)
UNITS_OF_UNITS = REGIONS | {"university", "school", "college", "grade"}
TEMPLATE_NAMES: dict[Form, str] = {
    "seats": "名册模板.xlsx",
    "counts": "人数模板.xlsx",
    **{kind: f"{KIND_NAMES[kind]}人数模板.xlsx" for kind in LISTED},
}


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in the table of a page."""

    unit_id: int
    name: str
    group: str
    classes: int
    expected: int | None
    set_by: str
    set_at: datetime | None
    named: int
    exempt: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of the preview: how many there are, and the first of them."""

    title: str
    hint: str
    count: int
    entries: tuple[Entry, ...]


@blueprint.url_value_preprocessor
def take_large_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let a roster through; this runs before anything reads the form."""
    if endpoint in LARGE_POSTS:
        request.max_content_length = LARGEST_POST
        request.max_form_memory_size = LARGEST_POST


@blueprint.get("/roster")
@guarded(Permission.MANAGE_ROSTER)
def index() -> ResponseReturnValue:
    """Show where one keeps the roster; go straight in when it is one unit."""
    paths = scopes(me(), Permission.MANAGE_ROSTER)
    homes = queries.children(None) if "" in paths else queries.at_paths(paths)
    if len(homes) == 1:
        return redirect(url_for("roster.unit", unit_id=homes[0].id), 303)
    return render_template("roster/index.html", homes=homes, kind_names=KIND_NAMES)


@blueprint.get("/roster/<int:unit_id>")
@guarded(Permission.MANAGE_ROSTER)
def unit(unit_id: int) -> ResponseReturnValue:
    """Show a unit: its classes with head-counts, or the places of a class."""
    row = _managed(unit_id)
    term, terms = _terms(row)
    below = queries.children(unit_id)
    shown = {
        "unit": row,
        "above": _above(row),
        "kind_name": KIND_NAMES.get(row.kind, row.kind),
        "term": term,
        "terms": terms,
    }
    if not below and row.kind not in UNITS_OF_UNITS:
        return _class_page(row, term, shown)
    found = [line for line in queries.class_lines(row.path, term) if line.unit.id != unit_id]
    lines = _sums(below, found) if row.kind in REGIONS else [_line(line) for line in found]
    return render_template(
        "roster/unit.html",
        **shown,
        lines=lines,
        region=row.kind in REGIONS,
        expected=sum(line.expected or 0 for line in lines),
        named=sum(line.named for line in lines),
        exempt=sum(line.exempt for line in lines),
        unset=sum(line.expected is None for line in lines),
    )


@blueprint.post("/roster/<int:unit_id>/headcount")
@guarded(Permission.MANAGE_ROSTER)
def set_headcount(unit_id: int) -> ResponseReturnValue:
    """Set how many are expected in a class."""
    _managed(unit_id)
    term = forms.term_from(request.form)
    counted = operations.set_headcount(
        unit_id=unit_id,
        term=term,
        expected=forms.number_from(request.form, "expected", "应测人数"),
        at=clock.now(),
        actor=actor(),
    )
    flash(f"应测人数是 {counted.after} 人。已经冻结名册的场次仍按冻结时的人数算。")
    return redirect(url_for("roster.unit", unit_id=unit_id, term=term), 303)


@blueprint.post("/roster/<int:unit_id>/exempt")
@guarded(Permission.EXEMPT)
def exempt(unit_id: int) -> ResponseReturnValue:
    """Excuse a seat, with a reason; whoever is signed in has approved it."""
    term, seat, enrolment_id = _chosen_place(unit_id)
    operations.exempt(
        enrolment_id=enrolment_id, reason=request.form.get("reason", ""), at=clock.now(), actor=actor()
    )
    flash(f"{seat} 号免测已办好，不再计入应测人数。")
    return redirect(url_for("roster.unit", unit_id=unit_id, term=term), 303)


@blueprint.post("/roster/<int:unit_id>/exempt/end")
@guarded(Permission.EXEMPT)
def end_exemption(unit_id: int) -> ResponseReturnValue:
    """End the exemption of a seat."""
    term, seat, enrolment_id = _chosen_place(unit_id)
    operations.end_exemption(enrolment_id=enrolment_id, at=clock.now(), actor=actor())
    flash(f"{seat} 号不再免测，重新计入应测人数。")
    return redirect(url_for("roster.unit", unit_id=unit_id, term=term), 303)


@blueprint.get("/roster/<int:unit_id>/template/<form>.xlsx")
@guarded(Permission.MANAGE_ROSTER)
def template(unit_id: int, form: Form) -> ResponseReturnValue:
    """Send an empty roster to fill in."""
    row = _managed(unit_id)
    if form not in TEMPLATE_NAMES:
        abort(404)
    body = files.template(form, with_school=row.kind in REGIONS)
    return attachment(body, name=TEMPLATE_NAMES[form], mimetype=tables.MIMETYPES["xlsx"])


@blueprint.get("/roster/<int:unit_id>/import")
@guarded(Permission.MANAGE_ROSTER)
def upload(unit_id: int) -> ResponseReturnValue:
    """Ask for a roster file."""
    return _upload_page(_managed(unit_id))


@blueprint.post("/roster/<int:unit_id>/preview")
@guarded(Permission.MANAGE_ROSTER)
def preview(unit_id: int) -> ResponseReturnValue:
    """Show by row what an import would change; nothing is changed yet."""
    row = _managed(unit_id)
    at = clock.now()
    try:
        term = forms.term_from(request.form)
        sheet = files.read_roster(forms.roster_from(request.form, request.files))
        plan = queries.plan_import(unit_id, term, sheet)
    except Refusal as refusal:
        return _upload_page(row, refusal.text), refusal.status
    audit.record_alone(
        actor=actor(), action="roster.preview", on=f"unit:{unit_id}", at=at, term=term, rows=len(sheet.rows)
    )
    seal = "" if plan.rejected else forms.sealed(
        forms.Previewed(unit_id, me().staff_id, term, plan.digest, sheet), at=at
    )  # fmt: skip
    return render_template(
        "roster/preview.html",
        unit=row,
        above=_above(row),
        term=term,
        term_text=term_label(term),
        rows=len(sheet.rows),
        plan=plan,
        listed=KIND_NAMES.get(plan.form, ""),
        most=MOST_SHOWN,
        lists=_lists(plan),
        nothing=not (plan.new_units or plan.new or plan.changed or plan.moved or plan.returned or plan.missing
                     or plan.changed_counts),
        seal=seal,
    )  # fmt: skip


@blueprint.post("/roster/<int:unit_id>/import")
@guarded(Permission.MANAGE_ROSTER)
def import_(unit_id: int) -> ResponseReturnValue:
    """Apply exactly what was previewed."""
    _managed(unit_id)
    at = clock.now()
    previewed = forms.opened(request.form.get("seal", ""), at=at)
    if (previewed.unit_id, previewed.staff_id) != (unit_id, me().staff_id):
        raise forms.Expired
    imported = operations.import_units_and_places(
        unit_id=unit_id,
        term=previewed.term,
        sheet=previewed.sheet,
        at=at,
        actor=actor(),
        remove_missing="remove_missing" in request.form,
        previewed=previewed.digest,
    )
    flash(
        f"导入完成：新增 {imported.new}，改动 {imported.changed}，换班 {imported.moved}，"
        f"返回 {imported.returned}，移出 {imported.left}，不变 {imported.same}。"
    )
    return redirect(url_for("roster.unit", unit_id=unit_id, term=previewed.term), 303)


def _managed(unit_id: int) -> UnitRow:
    row = queries.unit(unit_id)
    check(Permission.MANAGE_ROSTER, row.path)
    return row


def _above(row: UnitRow) -> list[tuple[UnitRow, bool]]:
    """List the units above one, with whether their roster page may be opened."""
    return [
        (above, may(Permission.MANAGE_ROSTER, above.path))
        for above in queries.ancestors(row.path)
        if above.id != row.id
    ]


def _terms(row: UnitRow) -> tuple[str, list[tuple[str, str]]]:
    """Return the term of the page, and the terms to choose from with their names."""
    today = clock.local_day(clock.now())
    terms = {term_of(today), term_of(today + HALF_A_YEAR), *queries.terms(row.path)}
    term = request.args.get("term") or term_of(today)
    return term, [(one, term_label(one)) for one in sorted(terms | {term}, reverse=True)]


def _class_page(row: UnitRow, term: str, shown: dict[str, Any]) -> ResponseReturnValue:
    places = queries.places(row.id, term)
    history = queries.headcount_history(row.id, term)
    return render_template(
        "roster/class.html",
        **shown,
        history=[(line.expected, who(line.set_by), line.set_at) for line in history],
        places=places,
        named=sum(place.person_id is not None for place in places),
        excused=[(one, who(one.approved_by)) for one in queries.exemptions(row.id, term)],
        may_exempt=may(Permission.EXEMPT, row.path),
        shortest=operations.SHORTEST_REASON,
        longest=operations.LONGEST_REASON,
    )


def _chosen_place(unit_id: int) -> tuple[str, int, int]:
    """Return term, seat and enrolment of the place a form names."""
    row = queries.unit(unit_id)
    check(Permission.EXEMPT, row.path)
    term = forms.term_from(request.form)
    seat = forms.number_from(request.form, "seat", "座号")
    place = queries.place(unit_id, term, seat)
    if place is None:
        raise Refusal(f"这个班没有 {seat} 号。", status=404)
    return term, seat, place.enrolment_id


def _upload_page(row: UnitRow, error: str = "") -> str:
    term, terms = _terms(row)
    return render_template(
        "roster/upload.html",
        unit=row,
        above=_above(row),
        region=row.kind in REGIONS,
        listed=[(kind, KIND_NAMES[kind]) for kind in listed_under(row.kind)],
        term=request.form.get("term", term),
        terms=terms,
        error=error,
    )


def _line(line: ClassLine) -> Line:
    return Line(
        line.unit.id,
        line.unit.name,
        line.group,
        1,
        line.expected,
        who(line.set_by),
        line.set_at,
        line.named,
        line.exempt,
    )


def _sums(below: Sequence[UnitRow], found: Sequence[ClassLine]) -> list[Line]:
    """Sum the classes up for each unit directly beneath a region; one that has no parts stands for itself."""
    lines = []
    for row in below:
        inside = [
            line
            for line in found
            if line.unit.path.startswith(row.path)
            and (line.unit.id != row.id or row.kind not in UNITS_OF_UNITS)
        ]
        counts = [line.expected for line in inside if line.expected is not None]
        lines.append(
            Line(
                row.id,
                row.name,
                KIND_NAMES.get(row.kind, row.kind),
                sum(line.unit.kind == "class" for line in inside),
                sum(counts) if counts else None,
                "",
                None,
                sum(line.named for line in inside),
                sum(line.exempt for line in inside),
            )
        )
    return lines


def _lists(plan: Plan) -> list[Listed]:
    every = (
        ("新增", "系统里还没有，导入后加上。", plan.new),
        ("改动", "还在原来的班，姓名、学号或座号有变化。", plan.changed),
        ("换班", "从别的班转到名单上的班，答过的题跟着人走。", plan.moved),
        ("返回", "以前移出过，现在又在名单里，还是同一个人。", plan.returned),
        (
            "名单里没有",
            "系统里有、名单里没有。不勾选“移出”就保持不动。",
            () if plan.rejected else plan.missing,  # a line that is wrong may be one of them
        ),
        ("不变", "和系统里一样。", plan.same),
    )
    return [
        Listed(title, hint, len(entries), entries[:MOST_SHOWN]) for title, hint, entries in every if entries
    ]
