"""The download of a class file."""

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue

from quizsvc import audit, clock, tables
from quizsvc.core.access import Permission
from quizsvc.core.term import term_label, term_of
from quizsvc.dossier import files, queries
from quizsvc.roster import queries as roster
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, check, guarded, may, me

blueprint = Blueprint("dossier", __name__, url_prefix="/staff")


@blueprint.get("/classes/<int:unit_id>/file.xlsx")
@guarded(Permission.EXPORT_SCORES)
def class_file(unit_id: int) -> ResponseReturnValue:
    """Send everything a class did in a term by seat, with names for its own teachers; each export is recorded."""
    unit = roster.unit(unit_id)
    check(Permission.EXPORT_SCORES, unit.path)
    if unit.kind != "class":
        abort(404)
    at = clock.now()
    term = request.args.get("term", term_of(clock.local_day(at)))
    term_label(term)
    file = queries.class_file(unit, term, at, names=may(Permission.SEE_NAMES, unit.path))
    place = audit.record_alone(
        actor=actor(), action="dossier.exported", on=f"unit:{unit.id}", at=at, term=term, names=file.named,
        rows=len(file.scores) + len(file.receipts) + len(file.pledges) + len(file.uses),
    )  # fmt: skip
    name = f"{files.title(file)}-{at.astimezone(clock.SHANGHAI):%Y%m%d-%H%M}.xlsx"
    return attachment(
        files.workbook(file, place, who=me().name, at=at), name=name, mimetype=tables.MIMETYPES["xlsx"]
    )
