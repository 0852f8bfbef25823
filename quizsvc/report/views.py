"""Staff pages: my classes, class board, scores, question analysis, coverage, definitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import audit, clock, tables
from quizsvc.bank import queries as bank
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import indicators, roundkind
from quizsvc.core.access import Permission, scopes
from quizsvc.core.term import term_label
from quizsvc.core.unitname import KIND_NAMES
from quizsvc.report import files, queries
from quizsvc.rollup import queries as rollup
from quizsvc.rollup.queries import Surroundings
from quizsvc.roster.queries import UnitRow
from quizsvc.web import qr
from quizsvc.web.download import attachment
from quizsvc.web.filters import clock_time
from quizsvc.web.guard import actor, check, guarded, may, me

blueprint = Blueprint("report", __name__, url_prefix="/staff", template_folder="templates")

CLASS = "/rounds/<int:round_id>/classes/<int:unit_id>"
COVERAGE = "/rounds/<int:round_id>/coverage/<int:unit_id>"
CHANGE = "/rounds/<int:round_id>/change/<int:unit_id>"


@blueprint.get("/classes")
@guarded(Permission.SEE_COUNTS)
def classes() -> ResponseReturnValue:
    """List my classes; with one class in one round, go straight to its board."""
    paths = _my_paths()
    if not paths:
        return redirect(url_for(".coverage_index"), 303)
    earlier = "earlier" in request.args
    at = clock.now()
    rows = queries.my_classes(paths, at, earlier=earlier)
    if len(rows) == 1 and not earlier:
        return redirect(_page(rows[0].round, rows[0].unit), 303)
    return render_template(
        "report/classes.html",
        rows=[(row, _page(row.round, row.unit)) for row in rows],
        at=at,
        earlier=earlier,
    )


@blueprint.get(CLASS)
@guarded(Permission.SEE_COUNTS)
def board(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show how far a class is; seats and names only to its own teachers, and each view of names is recorded."""
    round_, unit, school = _class(Permission.SEE_COUNTS, round_id, unit_id, quiz=False)
    if not round_.is_quiz:
        return redirect(_page(round_, unit), 303)
    at, undone = clock.now(), _undone()
    tag = queries.live_tag(round_, unit.id, at, may(Permission.SEE_SEATS, unit.path), undone)
    shown = _board(round_, unit, at, names=_names_shown(round_, unit))
    if any(cell.who for cell in shown.seats or ()):
        audit.record_alone(actor=actor(), action="report.names_seen", on=_of_class(round_, unit), at=at)
    return render_template(
        "report/board.html",
        board=shown,
        school=school,
        tabs=_tabs(round_, unit),
        tag=tag,
        qr=Markup(qr.svg(shown.door.address(_public_url()))) if shown.door else "",  # noqa: S704 our own markup
        may_link=may(Permission.SHOW_LINKS, unit.path),
        others=_others(round_, unit),
        may_file=may(Permission.EXPORT_SCORES, unit.path),
        **_board_values(shown, undone),
    )


@blueprint.get(f"{CLASS}/live")
@guarded(Permission.SEE_COUNTS)
def live(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the changing part of a board, or 304 when nothing has changed. It never carries a name."""
    round_, unit, _ = _class(Permission.SEE_COUNTS, round_id, unit_id)
    at, undone = clock.now(), _undone()
    tag = queries.live_tag(round_, unit.id, at, may(Permission.SEE_SEATS, unit.path), undone)
    if request.if_none_match.contains_weak(tag):
        response = make_response("", 304)
    else:
        shown = _board(round_, unit, at, names=False)
        response = make_response(
            render_template("report/live.html", board=shown, **_board_values(shown, undone))
        )
    response.set_etag(tag, weak=True)
    response.headers["X-As-Of"] = clock_time(at)
    return response


@blueprint.get(f"{CLASS}/scores")
@guarded(Permission.SEE_SEATS)
def scores(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show the scores of a class by seat; nobody is ranked."""
    round_, unit, _ = _class(Permission.SEE_SEATS, round_id, unit_id)
    at = clock.now()
    shown = queries.scores(round_, unit.id, at, names=_names_shown(round_, unit))
    if any(row.who for row in shown.rows):
        audit.record_alone(actor=actor(), action="report.names_seen", on=_of_class(round_, unit), at=at)
    return render_template(
        "report/scores.html",
        round=round_,
        unit=unit,
        at=at,
        scores=shown,
        named=any(row.who for row in shown.rows),
        anchor=audit.anchor(),
        may_export=may(Permission.EXPORT_SCORES, unit.path),
        tabs=_tabs(round_, unit),
    )


@blueprint.get(f"{CLASS}/scores.<any(csv,xlsx):form>")
@guarded(Permission.EXPORT_SCORES)
def scores_file(round_id: int, unit_id: int, form: str) -> ResponseReturnValue:
    """Send the scores of a class by seat number, without names; each export is recorded."""
    round_, unit, _ = _class(Permission.EXPORT_SCORES, round_id, unit_id)
    at = clock.now()
    shown = queries.scores(round_, unit.id, at, names=False)
    sheet = files.scores_sheet(shown, round_, unit, who=me().name, at=at)
    return _sent(sheet, form, action="report.scores_exported", on=_of_class(round_, unit), at=at)


@blueprint.get(f"{CLASS}/items")
@guarded(Permission.SEE_ITEMS)
def items(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show which questions a class fell for."""
    round_, unit, _ = _class(Permission.SEE_ITEMS, round_id, unit_id)
    table = queries.item_table(round_, unit.path, inside=may(Permission.SEE_SEATS, unit.path))
    return render_template(
        "report/items.html",
        round=round_,
        unit=unit,
        at=clock.now(),
        told=[line for line in table.lines if line.enough],
        untold=[line for line in table.lines if not line.enough],
        alertness=table.alertness,
        tabs=_tabs(round_, unit),
    )


@blueprint.get("/banks/<code>/usage")
@guarded(Permission.MANAGE_BANKS)
def item_usage(code: str) -> ResponseReturnValue:
    """Show how the items of a bank did wherever they were used; `?item=` shows one."""
    item = request.args.get("item", "")
    used = queries.used_items(code, sorted(scopes(me(), Permission.MANAGE_BANKS)), item)
    return render_template(
        "report/item_usage.html",
        code=code,
        bank_name=bank.bank(code).name,
        item=item,
        used=used,
        most=rollup.MOST_ATTEMPTS_READ,
        term_label=term_label,
    )


@blueprint.get("/coverage")
@guarded(Permission.SEE_COUNTS)
def coverage_index() -> ResponseReturnValue:
    """List the rounds in my units, each with the way into its coverage."""
    paths = scopes(me(), Permission.SEE_COUNTS)
    at = clock.now()
    return render_template(
        "report/coverage_index.html",
        campaigns=_by_campaign(queries.my_rounds(paths)),
        page=_page,
        at=at,
        term_label=term_label,
    )


@blueprint.get(COVERAGE)
@guarded(Permission.SEE_COUNTS)
def coverage(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show how far a unit is from everyone, and where the gap is: counts only."""
    round_, around = _covered(Permission.SEE_COUNTS, round_id, unit_id)
    at = clock.now()
    shown = queries.coverage(round_, around, at, inside=may(Permission.SEE_SEATS, around.unit.path))
    return render_template(
        "report/coverage.html",
        page=shown,
        anchor=audit.anchor(),
        figures=_figures(shown),
        kind_name=_kind_name(shown),
        rates={"coverage": indicators.coverage(shown.tally)},
        crumbs=[unit for unit in shown.above if may(Permission.SEE_COUNTS, unit.path)],
        every="all" in request.args,
        boards={
            row.level.unit.id
            for row in shown.rows
            if row.leaf and may(Permission.SEE_SEATS, row.level.unit.path)
        },
        may_export=may(Permission.EXPORT_COUNTS, around.unit.path),
        may_links=may(Permission.SHOW_LINKS, around.unit.path),
        may_report=around.unit.kind != "class"
        and not round_.is_test
        and around.unit.path.startswith(round_.campaign_unit_path)
        and may(Permission.ISSUE_BULLETINS, around.unit.path),
        may_board=len(around.under) == 1 and may(Permission.SEE_SEATS, around.unit.path),
        board_page=_board_page,
        results=_results(round_, around.unit),
        others=_others(round_, around.unit),
    )


@blueprint.get(f"{COVERAGE}/counts.<any(csv,xlsx):form>")
@guarded(Permission.EXPORT_COUNTS)
def coverage_file(round_id: int, unit_id: int, form: str) -> ResponseReturnValue:
    """Send the head counts of a unit and everything under it; each export is recorded."""
    round_, around = _covered(Permission.EXPORT_COUNTS, round_id, unit_id)
    at = clock.now()
    levels = queries.levels_of(round_, around)
    sheet = files.counts_sheet(levels, round_, around.unit, who=me().name, at=at)
    return _sent(sheet, form, action="report.counts_exported", on=_of_class(round_, around.unit), at=at)


@blueprint.get(CHANGE)
@guarded(Permission.SEE_COUNTS)
def change(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Hold a test round against an earlier one of its campaign: counts only; `?before=` is the earlier one."""
    round_, around = _covered(Permission.SEE_COUNTS, round_id, unit_id)
    path = around.unit.path
    earlier = queries.earlier_tests(round_, path)
    choices = [one for one in earlier if queries.comparable(one, round_)]
    before: RoundRow | None
    if "before" in request.args:
        asked = request.args.get("before", type=int)
        before = next((one for one in earlier if one.id == asked), None)
        if before is None:
            raise campaign.UnknownRound
    else:
        before = next(iter(choices), None)
    shown = before and queries.comparison(
        before,
        round_,
        (rollup.surroundings(before.id, unit_id), around),
        inside=may(Permission.SEE_SEATS, path),
        items=may(Permission.SEE_ITEMS, path),
    )
    return render_template(
        "report/change.html",
        round=round_,
        before=before,
        choices=choices,
        unit=around.unit,
        shown=shown,
        at=clock.now(),
        anchor=audit.anchor(),
    )


@blueprint.get("/help")
@guarded(Permission.SIGNED_IN)
def definitions() -> ResponseReturnValue:
    """Explain the indicators."""
    return render_template("report/definitions.html", definitions=indicators.DEFINITIONS)


def _my_paths() -> tuple[str, ...]:
    """The subtrees whose classes are mine: those I teach, or, for a monitor, the one I count for."""
    taught = scopes(me(), Permission.SEE_SEATS)
    leads = scopes(me(), Permission.EXPORT_COUNTS)
    return taught if taught or leads else scopes(me(), Permission.SEE_COUNTS)


def _entered(permission: Permission, round_id: int, unit_id: int) -> tuple[RoundRow, Surroundings]:
    round_ = campaign.round_of(round_id)
    around = rollup.surroundings(round_id, unit_id)
    check(permission, around.unit.path)
    return round_, around


def _class(
    permission: Permission, round_id: int, unit_id: int, *, quiz: bool = True
) -> tuple[RoundRow, UnitRow, str]:
    """The round, the class, and the name of its school; a unit with parts has a coverage page instead.

    Without questions there are no scores: with `quiz`, a round of another kind is not there.
    """
    round_, around = _covered(permission, round_id, unit_id)
    if quiz and not round_.is_quiz:
        raise campaign.UnknownRound
    if len(around.under) > 1:
        abort(redirect(url_for(".coverage", round_id=round_id, unit_id=unit_id), 303))
    school = next((unit.name for unit in reversed(around.above) if unit.kind in ("school", "college")), "")
    return round_, around.unit, school


def _covered(permission: Permission, round_id: int, unit_id: int) -> tuple[RoundRow, Surroundings]:
    round_, around = _entered(permission, round_id, unit_id)
    if not around.reached:
        raise campaign.UnknownRound
    return round_, around


def _names_shown(round_: RoundRow, unit: UnitRow) -> bool:
    return round_.identity == "roster" and may(Permission.SEE_NAMES, unit.path)


def _board(round_: RoundRow, unit: UnitRow, at: datetime, *, names: bool) -> queries.Board:
    return queries.board(
        round_,
        unit,
        public_url=_public_url(),
        at=at,
        seats=may(Permission.SEE_SEATS, unit.path),
        names=names,
        undone=_undone(),
    )


def _board_values(board: queries.Board, undone: bool) -> dict[str, Any]:
    """What the changing part needs beside the board."""
    return {
        "round": board.round,
        "unit": board.unit,
        "only_undone": undone,
        "may_change": may(Permission.MANAGE_ATTEMPTS, board.unit.path),
        "first": indicators.first_awareness(board.tally),
        "counted": indicators.awareness(board.tally),
        "over": indicators.coverage(board.tally).over,
        "may_see_items": may(Permission.SEE_ITEMS, board.unit.path),
    }


def _undone() -> bool:
    return request.args.get("show") == "undone"


def _tabs(round_: RoundRow, unit: UnitRow) -> list[tuple[str, str, bool]]:
    """The pages of a class in a round that this person may open."""
    tabs = (
        ("看板", "report.board", Permission.SEE_COUNTS),
        ("成绩", "report.scores", Permission.SEE_SEATS),
        ("题目分析", "report.items", Permission.SEE_ITEMS),
        ("二维码与海报", "link.class_link", Permission.SHOW_LINKS),
    )
    return [
        (label, url_for(endpoint, round_id=round_.id, unit_id=unit.id), request.endpoint == endpoint)
        for label, endpoint, permission in tabs
        if may(permission, unit.path)
    ]


def _figures(page: queries.Coverage) -> list[tuple[str, indicators.Rate, bool]]:
    """Name, rate, and whether too few people stand behind it, for the figures beside the sentence."""
    words = page.round.words
    if page.round.is_nameless:
        return []
    if not page.round.is_quiz:
        met = [(words.met, indicators.awareness(page.tally), page.small)] if words.met else []
        return [(words.coverage, indicators.coverage(page.tally), False), *met]
    return [
        ("完成率", indicators.coverage(page.tally), False),
        ("首测知晓率", indicators.first_awareness(page.tally), page.small),
        ("学后知晓率", indicators.awareness(page.tally), page.small),
        ("满分率", indicators.full_mark_rate(page.tally), page.small),
    ]


def _kind_name(page: queries.Coverage) -> str:
    kinds = {row.level.unit.kind for row in page.rows}
    return KIND_NAMES.get(kinds.pop(), "单位") if len(kinds) == 1 else "单位"


@dataclass(frozen=True, slots=True)
class Other:
    """One round in the strip of a class or a unit: what it is, how far it is, and where it is shown."""

    round: RoundRow
    done: str
    rate: indicators.Rate
    missing: int
    address: str


def _others(round_: RoundRow, unit: UnitRow) -> list[Other]:
    """The other rounds of the campaign over the same unit, each with its own 100 % line (5 statements, 1 for none)."""
    return [
        Other(
            round=line.round,
            done=roundkind.done_text(line.round.kind, line.tally.done, line.tally.expected),
            rate=indicators.coverage(line.tally),
            missing=line.missing,
            address=_page(line.round, unit),
        )
        for line in rollup.lines(round_.campaign_id, unit, but=round_.id)
    ]


def _page(round_: RoundRow, unit: UnitRow) -> str:
    """Where a unit's part in a round is shown."""
    if unit.kind != "class":
        return url_for("report.coverage", round_id=round_.id, unit_id=unit.id)
    return _board_page(round_, unit)


def _board_page(round_: RoundRow, unit: UnitRow) -> str:
    """Where a unit without parts stands in a round, as far as this person may look."""
    endpoint = "report.board"
    if round_.is_declaration:
        endpoint = "declarations.unit_page"
    if round_.is_survey:
        endpoint = "surveys.results" if may(Permission.SEE_ITEMS, unit.path) else "report.coverage"
    return url_for(endpoint, round_id=round_.id, unit_id=unit.id)


def _results(round_: RoundRow, unit: UnitRow) -> list[tuple[str, str]]:
    """What was answered in a round without marks, for whoever may look: labels and addresses."""
    here: dict[str, Any] = {"round_id": round_.id, "unit_id": unit.id}
    found = []
    if round_.is_survey and may(Permission.SEE_ITEMS, unit.path):
        found.append(("看结果", url_for("surveys.results", **here)))
    if round_.kind == "adoption":
        found.append(("每一项的比率", url_for("declarations.adoption", **here)))
    if round_.is_declaration:
        found.append(("各单位名单", url_for("declarations.units", round_id=round_.id, under=unit.id)))
    return found


def _by_campaign(
    rows: Sequence[tuple[RoundRow, list[UnitRow]]],
) -> list[list[tuple[RoundRow, list[UnitRow]]]]:
    """The rounds of each campaign together, the campaign with the newest round first."""
    campaigns: dict[int, list[tuple[RoundRow, list[UnitRow]]]] = {}
    for round_, units in rows:
        campaigns.setdefault(round_.campaign_id, []).append((round_, units))
    return list(campaigns.values())


def _of_class(round_: RoundRow, unit: UnitRow) -> str:
    return f"round:{round_.id}/unit:{unit.id}"


def _public_url() -> str:
    return str(current_app.config["SETTINGS"].public_url)


def _sent(sheet: tables.Sheet, form: str, *, action: str, on: str, at: datetime) -> Response:
    """Record the export, write its place in the audit log at the end of the file, send it."""
    place = audit.record_alone(actor=actor(), action=action, on=on, at=at, form=form, rows=len(sheet.rows))
    body = tables.file_bytes(tables.anchored(sheet, place), form, at)
    name = f"{sheet.title}-{at.astimezone(clock.SHANGHAI):%Y%m%d-%H%M}.{form}"
    return attachment(body, name=name, mimetype=tables.MIMETYPES[form])
