"""The pages of a receipt, a pledge or an adoption survey (/c/<code>/declare) and the copy to keep (/y/<receipt>)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from quizsvc import audit, clock, tables, vault
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import adoption as rules
from quizsvc.core import indicators, linkcode, notices, roundkind, signature, window
from quizsvc.core.access import Permission, scopes
from quizsvc.core.document import SIGNERS, Document
from quizsvc.core.refusal import Refusal
from quizsvc.core.term import term_label
from quizsvc.declaration import files, forms, operations, queries
from quizsvc.link import queries as link
from quizsvc.link.queries import Door
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.web import guesses, health, phone, qr
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, check, guarded, may, me, public, who

blueprint = Blueprint("declaration", __name__, template_folder="templates")

FAULTS: tuple[tuple[type[Refusal], str], ...] = (
    (forms.BadSeat, "seat"),
    (signature.BadName, "name"),
    (signature.BadStrokes, "sign"),
    (queries.NoAnswer, "answer"),
)
"""What is told on the page itself, and the field it speaks of."""

WHOSE = {
    "guardian": "孩子的班内序号",
    "student": "你的班内序号",
    "staff": "您在名单里的序号",
    "head": "贵单位在名单里的序号",
    "resident": "您在名单里的序号",
    "": "您的序号",
}
"""Whose number is asked for, by who signs."""

MOST_TICKS = 200


def _door(code: str) -> Door:
    with guesses.counting_unknown_codes(link.UnknownLink):
        door = link.door(linkcode.parse(code))
    if not door.round.is_declaration:
        raise queries.OtherKind
    return door


@blueprint.get("/c/<code>/declare")
@public
def page(code: str) -> ResponseReturnValue:
    """Show what is to be read, and under it what is declared."""
    secret = phone.device()
    answer = make_response(_page(_door(code)))
    # here and not with the answer: when that is lost, the phone that repeats it is known
    return answer if secret else phone.remember(answer, phone.fresh())


def _page(door: Door, fault: Refusal | None = None) -> str:
    sheet, round_ = paper.sheet(door.round.paper_id), door.round
    signer = sheet.body.signer if isinstance(sheet.body, Document) else ""
    places = [] if round_.is_nameless else roster.places(door.unit_id, round_.term)
    own = queries.of_device(round_.id, door.unit_id, phone.device())
    return render_template(
        "declaration/page.html",
        door=door,
        round=round_,
        sheet=sheet.body,
        kind=round_.kind,
        term=term_label(round_.term),
        state=door.window().state(clock.now()),
        seats=[place.seat for place in places if not place.exempt],
        own=own,
        signer=SIGNERS.get(signer, ""),
        whose=WHOSE[signer],
        unapproved=round_.kind == "pledge" and signer == "student" and not round_.approval,
        by=forms.by_from(request.values),
        picked=_picked(round_, own),
        today=clock.local_day(clock.now()),
        fault=fault and (_anchor(fault), fault.text),
        longest_name=signature.LONGEST_NAME,
    )


def _picked(round_: RoundRow, own: list[tuple[int | None, queries.Line]]) -> dict[str, list[str]]:
    """What is ticked on the page: as it was posted, or of an adoption survey as this phone has filled it in before."""
    if request.method == "POST":
        return {name: request.form.getlist(name) for name in request.form}
    if round_.kind != "adoption" or len(own) != 1:
        return {}
    picks = {"adopted": ["yes"], "not": ["no"], "na": ["na"]}
    return {
        f"i{one.item}": [str(bit) for bit in range(one.steps.bit_length()) if one.steps >> bit & 1]
        or picks[one.state]
        for one in queries.items_of(own[0][1].id)
    }


def _anchor(fault: Refusal) -> str:
    return next((name for kind, name in FAULTS if isinstance(fault, kind)), "form")


@blueprint.post("/c/<code>/declare")
@public
def declare(code: str) -> ResponseReturnValue:
    """Store what was filled in and lead to its copy; of names on a roster the person is asked back once."""
    at, secret = clock.now(), phone.device() or phone.fresh()
    door = _door(code)
    door.window().check(at)
    try:
        seat = None if door.round.is_nameless else forms.seat_from(request.form)
        given = forms.given_from(request.form, paper.sheet(door.round.paper_id).body)
        queries.read(door.round.paper_id, door.round.approval, given)
        if door.round.identity == "roster" and request.form.get("sure") != "1":
            return phone.remember(make_response(_who(door, seat, given)), secret)
    except tuple(kind for kind, _ in FAULTS) as fault:
        return phone.remember(make_response(_page(door, fault), fault.status), secret)
    receipt = operations.declare(
        code=door.code,
        seat=seat,
        given=given,
        device=secret,
        by=forms.by_from(request.form),
        key_file=current_app.config["SETTINGS"].key_file,
        at=at,
        room=health.room_to_begin(),
    )
    return phone.remember(make_response(redirect(url_for(".copy", receipt=receipt), 303)), secret)


def _who(door: Door, seat: int | None, given: queries.Given) -> str:
    """Repeat the seat and the masked name before anything is stored."""
    place = None if seat is None else roster.place(door.unit_id, door.round.term, seat)
    if place is None or place.exempt:
        raise operations.SeatTaken(seat)
    return render_template(
        "declaration/who.html",
        door=door,
        seat=seat,
        given=given,
        masked=roster.masked_name(place.enrolment_id),
        fields=forms.kept_from(request.form),
    )


@blueprint.errorhandler(operations.SeatTaken)
@blueprint.errorhandler(operations.SaidYes)
@blueprint.errorhandler(operations.TooOften)
def unchanged(refusal: Refusal) -> ResponseReturnValue:
    """Say that nothing was changed, and what one can do."""
    door = _door(str((request.view_args or {})["code"]))
    return make_response(
        render_template(
            "declaration/unchanged.html",
            door=door,
            text=refusal.text,
            taken=isinstance(refusal, operations.SeatTaken),
            receipt=getattr(refusal, "receipt", ""),
        ),
        refusal.status,
    )


@blueprint.errorhandler(window.NotOpenYet)
@blueprint.errorhandler(window.Closed)
def outside_window(_refusal: Refusal) -> ResponseReturnValue:
    """Show the page, which says when."""
    arguments = request.view_args or {}
    endpoint = ".page" if "code" in arguments else ".copy"
    return redirect(url_for(endpoint, **arguments), 303)


def _copy(receipt: str) -> queries.Copy:
    try:
        return queries.copy(forms.receipt_from(receipt))
    except queries.UnknownDeclaration:
        guesses.count_unknown_receipt(clock.now())
        raise


def _mine(receipt: str) -> queries.Copy:
    copy = _copy(receipt)
    if not copy.line.of_phone(phone.device()):
        raise operations.OtherPhone
    return copy


def _signed(copy: queries.Copy) -> dict[str, Any]:
    """What is printed and never changes: the frozen text, and the row."""
    ring = vault.kept_ring(current_app.config["SETTINGS"].key_file)
    return {
        "copy": copy,
        "line": copy.line,
        "sheet": paper.sheet(copy.line.paper_id).body,
        "signature": queries.signatures([copy.line.id], ring)[copy.line.id],
        "items": queries.items_of(copy.line.id),
        "on": clock.local_day(copy.line.declared_at),
    }


@blueprint.get("/y/<receipt>")
@public
def copy(receipt: str) -> ResponseReturnValue:
    """Show the signed copy to its own phone; to others that there is one, without any name."""
    found = _copy(receipt)
    if not found.line.of_phone(phone.device()):
        return render_template("declaration/seen.html", copy=found, line=found.line)
    return render_template(
        "declaration/copy.html",
        open=found.round.window().state(clock.now()) == "open",
        promotion=queries.promotion(found.round.id, found.line.enrolment_id)
        if found.round.referrals
        else None,
        kind=found.round.kind,
        **_signed(found),
    )


@blueprint.get("/y/<receipt>/print")
@public
def printed(receipt: str) -> ResponseReturnValue:
    """Show the copy as it is printed: a pledge for both sides."""
    found = _mine(receipt)
    sides = ("甲方（发文单位）留存", "乙方（签字人）留存") if found.round.kind == "pledge" else ("本人留存",)
    return render_template("declaration/print.html", sides=sides, **_signed(found))


@blueprint.get("/y/<receipt>.png")
@public
def picture(receipt: str) -> ResponseReturnValue:
    """Draw the code of a copy's own page, to be kept in the phone."""
    return _drawn(f"/y/{_copy(receipt).line.receipt}")


@blueprint.get("/y/<receipt>/promote.png")
@public
def promotion_picture(receipt: str) -> ResponseReturnValue:
    """Draw the code that leads others here, for its owner to show."""
    found = _mine(receipt)
    made = queries.promotion(found.round.id, found.line.enrolment_id)
    if made is None or found.code is None:
        raise queries.UnknownDeclaration
    return _drawn(f"/c/{found.code}?by={made.code}")


def _drawn(path: str) -> Response:
    return Response(qr.png(f"{current_app.config['SETTINGS'].public_url}{path}"), mimetype="image/png")


@blueprint.post("/y/<receipt>/promote")
@public
def promote(receipt: str) -> ResponseReturnValue:
    """Make a promotion code, because its owner wants one."""
    found = _mine(receipt)
    operations.make_referral(receipt=found.line.receipt or "", device=phone.device(), at=clock.now())
    return redirect(url_for(".copy", receipt=found.line.receipt, _anchor="promote"), 303)


@blueprint.get("/y/<receipt>/data")
@public
def data(receipt: str) -> ResponseReturnValue:
    """Show everything that is kept of a declaration to the phone that made it."""
    return render_template("declaration/data.html", **_signed(_mine(receipt)))


@blueprint.post("/y/<receipt>/unsign")
@public
def unsign(receipt: str) -> ResponseReturnValue:
    """Delete the name and the strokes at once."""
    found = _mine(receipt)
    operations.delete_signature(receipt=found.line.receipt or "", device=phone.device(), at=clock.now())
    return redirect(url_for(".data", receipt=found.line.receipt), 303)


# The staff's side.

desk = Blueprint("declarations", __name__, url_prefix="/staff", template_folder="templates")

ROUND = "/rounds/<int:round_id>/declarations"
UNIT = f"{ROUND}/<int:unit_id>"
SEAT = f"{UNIT}/seats/<int:seat>"
ADOPTION = "/rounds/<int:round_id>/adoption/<int:unit_id>"


@desk.get(ROUND)
@guarded(Permission.SEE_COUNTS)
def units(round_id: int) -> ResponseReturnValue:
    """List the units of a round that I may see, those where nobody has signed first: counts only."""
    round_ = _round(round_id)
    paths: Sequence[str] = scopes(me(), Permission.SEE_COUNTS)
    under = request.args.get("under", "")
    top = None
    if under:
        top = _unit_in(round_, Permission.SEE_COUNTS, forms.unit_from(under), above=True)
        paths = [top.path]
    elif len(paths) == 1 and paths[0]:
        top = roster.unit_at(paths[0])
    lines = queries.lines_of(round_, paths)
    if not lines:
        raise queries.NotHere
    return render_template(
        "declaration/desk_units.html",
        round=round_,
        top=top,
        at=clock.now(),
        lines=[_unit_row(round_, line) for line in lines],
        whole=indicators.total(line.tally for line in lines),
        missing=sum(line.missing for line in lines),
        may_archive=bool(top) and may(Permission.SEE_SIGNATURES, top.path if top else ""),
        untouched=sum(not line.tally.done for line in lines),
        anchor=audit.anchor(),
    )


@desk.get(UNIT)
@guarded(Permission.SEE_COUNTS)
def unit_page(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show who of a unit has declared; seats only to those who keep them, names only to a class's own teachers."""
    round_, unit = _entered(Permission.SEE_COUNTS, round_id, unit_id, above=True)
    if not unit.path.startswith(campaign.round_paths(round_.id)):
        return redirect(url_for(".units", round_id=round_.id, under=unit.id), 303)
    return _unit_page(round_, unit)


@desk.post(f"{UNIT}/papers")
@guarded(Permission.KEEP_DECLARATIONS)
def enter_papers(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Write down what came back on paper; a refusal shows the page again with what was ticked."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    try:
        entered = operations.enter_papers(
            round_=round_,
            unit_id=unit.id,
            answers=forms.answers_from(request.form),
            on=forms.day_from(request.form, "on", "纸上的日期"),
            at=clock.now(),
            actor=actor(),
        )
    except Refusal as refusal:
        return make_response(_unit_page(round_, unit, trouble=refusal), refusal.status)
    told = [f"录入了 {len(entered.entered)} 份。" if entered.entered else "没有新录入的。"]
    if entered.known:
        told.append(f"{queries.listed(entered.known)}之前已经交过，没有改动；要改的，点座号进去作废再录。")
    flash("".join(told))
    return _to_unit(round_, unit)


@desk.post(f"{UNIT}/papers/void")
@guarded(Permission.KEEP_DECLARATIONS)
def void_pile(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Void all the sheets that were entered in one go, with a reason."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    number = operations.void_pile(
        round_=round_,
        unit_id=unit.id,
        entered_at=forms.moment_from(request.form, "entered_at"),
        reason=request.form.get("reason", ""),
        at=clock.now(),
        actor=actor(),
    )
    flash(f"这一批 {number} 份已作废并留档，可以重新录入。")
    return _to_unit(round_, unit)


@desk.post(f"{UNIT}/seen")
@guarded(Permission.KEEP_DECLARATIONS)
def verify(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Note what a teacher has seen with their own eyes."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    number = operations.verify(
        round_=round_, unit_id=unit.id, picks=forms.seen_from(request.form), at=clock.now(), actor=actor()
    )
    flash(f"记下了 {number} 项当面核对。")
    return _to_unit(round_, unit)


@desk.get(SEAT)
@guarded(Permission.KEEP_DECLARATIONS)
def seat_page(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Show what one seat has declared, and what may be done about it."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    found = _seat(round_, unit, seat)
    line = found.declaration
    return render_template(
        "declaration/desk_seat.html",
        round=round_,
        unit=unit,
        seat=found,
        line=line,
        channels=queries.CHANNEL_NAMES,
        items=_item_rows(round_, line) if line else (),
        earlier=queries.earlier_of(round_.id, found.enrolment_id),
        may_print=bool(line) and round_.kind != "adoption" and may(Permission.SEE_SIGNATURES, unit.path),
        tabs=_tabs(round_, unit),
    )


@desk.post(f"{SEAT}/void")
@guarded(Permission.KEEP_DECLARATIONS)
def void(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Void what stands of a seat, with a reason, so that it can declare again."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    line = _seat(round_, unit, seat).declaration
    if line is None:
        raise Refusal(f"{seat} 号现在没有可作废的。", status=409)
    operations.void(
        declaration_id=line.id,
        reason=request.form.get("reason", ""),
        erase_on=round_.erase_on,
        at=clock.now(),
        actor=actor(),
    )
    flash(f"{seat} 号的那一份已作废并留档，可以重新{round_.words.verb}。")
    return redirect(url_for(".seat_page", round_id=round_.id, unit_id=unit.id, seat=seat), 303)


@desk.post(f"{SEAT}/unseen")
@guarded(Permission.KEEP_DECLARATIONS)
def unverify(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Take back that a teacher has seen something of a seat."""
    round_, unit = _entered(Permission.KEEP_DECLARATIONS, round_id, unit_id)
    picks = {(seat, forms.heads_from(request.form, "item", "项目"))}
    operations.verify(round_=round_, unit_id=unit.id, picks=picks, at=clock.now(), actor=actor(), seen=False)
    flash(f"{seat} 号的当面核对已撤回。")
    return redirect(url_for(".seat_page", round_id=round_.id, unit_id=unit.id, seat=seat), 303)


@desk.get(f"{UNIT}/signers")
@guarded(Permission.SEE_SIGNATURES)
def signers(round_id: int, unit_id: int) -> ResponseReturnValue:
    """List who signed, as they wrote their names; each view is recorded."""
    round_, unit = _of_text(round_id, unit_id)
    at = clock.now()
    rows = queries.signers(round_.id, unit.path)
    opened = queries.signatures([row.line.id for row in rows], _ring())
    audit.record_alone(
        actor=actor(), action="declaration.signers_seen", on=_of_unit(round_, unit), at=at, rows=len(rows)
    )
    return render_template(
        "declaration/desk_signers.html",
        round=round_,
        unit=unit,
        at=at,
        rows=[(row, opened[row.line.id]) for row in rows],
        several=len({row.unit_name for row in rows}) > 1,
        channels=queries.CHANNEL_NAMES,
        tabs=_tabs(round_, unit),
    )


@desk.get(f"{UNIT}/copies")
@desk.get(f"{UNIT}/copies/<declaration_id>")
@guarded(Permission.SEE_SIGNATURES)
def copies(round_id: int, unit_id: int, declaration_id: str = "") -> ResponseReturnValue:
    """Show the signed sheets of a unit, or one of them, to be printed; each view is recorded."""
    round_, unit = _of_text(round_id, unit_id)
    at = clock.now()
    rows = [
        row for row in queries.signers(round_.id, unit.path) if declaration_id in ("", row.line.id)
    ]  # fmt: skip
    if declaration_id and not rows:
        raise queries.UnknownDeclaration
    opened = queries.signatures([row.line.id for row in rows], _ring())
    audit.record_alone(
        actor=actor(), action="declaration.printed", on=_of_unit(round_, unit), at=at, sheets=len(rows)
    )
    return render_template(
        "declaration/desk_copies.html",
        round=round_,
        unit=unit,
        sheets=[(row, opened[row.line.id]) for row in rows],
        sheet=paper.sheet(round_.paper_id),
        days={row.line.id: row.line.noted_on or clock.local_day(row.line.declared_at) for row in rows},
        both=request.args.get("both") == "1",
    )


@desk.get(f"{UNIT}/archive.<any(csv,xlsx):form>")
@guarded(Permission.SEE_SIGNATURES)
def archive(round_id: int, unit_id: int, form: str) -> ResponseReturnValue:
    """Send what a unit has declared in the term of a round, names included; each export is recorded."""
    round_, unit = _entered(Permission.SEE_SIGNATURES, round_id, unit_id, above=True)
    at = clock.now()
    rows = queries.archive(round_, unit.path, _ring())
    place = audit.record_alone(
        actor=actor(),
        action="declaration.archived",
        on=_of_unit(round_, unit),
        at=at,
        form=form,
        rows=len(rows),
    )
    table = files.archive(rows, round_, unit, who=me().name, at=at, anchor=place)
    name = f"{table.title}-{at.astimezone(clock.SHANGHAI):%Y%m%d-%H%M}.{form}"
    return attachment(tables.file_bytes(table, form, at), name=name, mimetype=tables.MIMETYPES[form])


@desk.get(ADOPTION)
@guarded(Permission.SEE_COUNTS)
def adoption(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show how far a unit is with every item, each against its own targets, and how we know."""
    round_, unit = _entered(Permission.SEE_COUNTS, round_id, unit_id, above=True)
    return _adoption_page(round_, unit)


@desk.post(f"{ADOPTION}/population")
@guarded(Permission.KEEP_TOTALS)
def set_population(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Type how many people live in a unit."""
    round_, unit = _entered(Permission.KEEP_TOTALS, round_id, unit_id)
    try:
        operations.set_population(
            round_=round_,
            unit_id=unit.id,
            people=forms.heads_from(request.form, "people", "常住人口"),
            source=request.form.get("source", ""),
            at=clock.now(),
            actor=actor(),
        )
    except Refusal as refusal:
        return make_response(_adoption_page(round_, unit, trouble=refusal), refusal.status)
    flash(f"{unit.name}的常住人口已记下。")
    return redirect(url_for(".adoption", round_id=round_.id, unit_id=unit.id), 303)


@desk.post(f"{ADOPTION}/total")
@guarded(Permission.KEEP_TOTALS)
def set_total(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Type how many people of a unit had adopted an item when somebody counted."""
    round_, unit = _entered(Permission.KEEP_TOTALS, round_id, unit_id)
    try:
        operations.set_total(
            round_=round_,
            unit_id=unit.id,
            item=forms.heads_from(request.form, "item", "项目"),
            adopted=forms.heads_from(request.form, "adopted", "做到的人数"),
            counted_on=forms.day_from(request.form, "counted_on", "统计的日期"),
            source=request.form.get("source", ""),
            at=clock.now(),
            actor=actor(),
        )
    except Refusal as refusal:
        return make_response(_adoption_page(round_, unit, trouble=refusal), refusal.status)
    flash(f"{unit.name}的人工统计已记下。")
    return redirect(url_for(".adoption", round_id=round_.id, unit_id=unit.id), 303)


def _round(round_id: int) -> RoundRow:
    round_ = campaign.round_of(round_id)
    if not round_.is_declaration:
        raise queries.NotHere
    return round_


def _unit_in(
    round_: RoundRow, permission: Permission, unit_id: int, *, above: bool = False
) -> roster.UnitRow:
    """A unit that I may enter and that a round is opened to; `above`: or one that holds such units."""
    unit = roster.unit(unit_id)
    check(permission, unit.path)
    opened = campaign.round_paths(round_.id)
    holds = above and any(path.startswith(unit.path) for path in opened)
    if not unit.path.startswith(opened) and not holds:
        raise queries.NotHere
    return unit


def _entered(
    permission: Permission, round_id: int, unit_id: int, *, above: bool = False
) -> tuple[RoundRow, roster.UnitRow]:
    round_ = _round(round_id)
    return round_, _unit_in(round_, permission, unit_id, above=above)


def _of_text(round_id: int, unit_id: int) -> tuple[RoundRow, roster.UnitRow]:
    """A round in which a text is signed, and a unit of it."""
    round_, unit = _entered(Permission.SEE_SIGNATURES, round_id, unit_id, above=True)
    if round_.kind == "adoption":
        raise queries.NotHere
    return round_, unit


def _seat(round_: RoundRow, unit: roster.UnitRow, seat: int) -> queries.Seat:
    found = next((one for one in queries.seats_of(round_, unit.id) if one.seat == seat), None)
    if found is None:
        raise queries.NotHere
    return found


def _inside(path: str) -> bool:
    """Say whether results of fewer than five may be seen here."""
    return may(Permission.KEEP_DECLARATIONS, path)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One line of the list of units; `met` is None where too few stand behind it, or where it says nothing more."""

    line: queries.UnitLine
    done: str
    rate: indicators.Rate
    met: indicators.Rate | None
    few: bool
    complete: bool


def _unit_row(round_: RoundRow, line: queries.UnitLine) -> UnitRow:
    tally = line.tally
    few = not _inside(line.unit.path) and indicators.hidden_small(tally.expected or tally.done)
    rate = indicators.coverage(tally)
    return UnitRow(
        line=line,
        done=roundkind.done_text(round_.kind, tally.done, tally.expected),
        rate=rate,
        met=None if few or not round_.words.met else _met_rate(round_, tally),
        few=few,
        complete=not line.missing and tally.expected > 0,
    )


def _met_rate(round_: RoundRow, tally: indicators.Tally) -> indicators.Rate:
    """Of those expected; where nobody is asked for a seat, of the answers."""
    return indicators.Rate(tally.aware, tally.done if round_.is_nameless else tally.expected)


def _unit_page(
    round_: RoundRow, unit: roster.UnitRow, *, trouble: Refusal | None = None
) -> ResponseReturnValue:
    at = clock.now()
    keeps = may(Permission.KEEP_DECLARATIONS, unit.path)
    seats = queries.seats_of(round_, unit.id) if keeps and not round_.is_nameless else []
    tally = queries.tally_of(round_, unit)
    if not tally.expected and not tally.done and not seats and queries.has_parts(unit.id):
        return redirect(url_for(".units", round_id=round_.id, under=unit.id), 303)
    erased = clock.local_day(at) >= round_.erase_on and not any(seat.declaration for seat in seats)
    named = round_.identity == "roster" and may(Permission.SEE_NAMES, unit.path)
    names = roster.names([seat.enrolment_id for seat in seats]) if named and seats else {}
    if names:
        audit.record_alone(actor=actor(), action="report.names_seen", on=_of_unit(round_, unit), at=at)
    items = _items(round_)
    states = (
        queries.items_of_many([seat.declaration.id for seat in seats if seat.declaration]) if items else {}
    )
    missing, door = indicators.missing(tally), link.door_of(round_.id, unit.id)
    few = not keeps and indicators.hidden_small(tally.expected or tally.done)
    return render_template(
        "declaration/desk_unit.html",
        round=round_,
        unit=unit,
        at=at,
        state=round_.window().state(at),
        tally=tally,
        missing=missing,
        over=indicators.coverage(tally).over,
        rate=indicators.coverage(tally),
        met=None if few or not round_.words.met else _met_rate(round_, tally),
        few=few,
        target=indicators.Rate(round_.target_permyriad, 10000).text,
        reached=(indicators.coverage(tally).permyriad or 0) >= round_.target_permyriad,
        ticks=_ticks(tally),
        seats=seats,
        erased=erased,
        piles=_piles(seats),
        keeps=keeps,
        names=names,
        items=items,
        states={key: {one.item: one for one in found} for key, found in states.items()},
        state_names=queries.STATE_NAMES,
        lines=_lines_of(round_, unit, items) if items and not few else (),
        may_enter=keeps and _takes_paper(round_, at),
        ticked=_ticked() if trouble else {},
        on=request.form.get("on", "") or clock.local_day(at).isoformat(),
        first_on=clock.local_day(paper.sheet(round_.paper_id).frozen_at),
        last_on=min(clock.local_day(round_.closes_at), clock.local_day(at)),
        trouble=trouble,
        door=door,
        reminder=_reminder(round_, unit, tally, door, at) if keeps else None,
        may_link=may(Permission.SHOW_LINKS, unit.path),
        may_sign=round_.kind != "adoption" and may(Permission.SEE_SIGNATURES, unit.path),
        may_archive=may(Permission.SEE_SIGNATURES, unit.path),
        tabs=_tabs(round_, unit),
    )


def _reminder(
    round_: RoundRow, unit: roster.UnitRow, tally: indicators.Tally, door: Door | None, at: datetime
) -> tuple[str, str]:
    """What may be sent to the unit's group, and to parents: counts only, no names and no seats."""
    public_url = str(current_app.config["SETTINGS"].public_url)
    notice = link.notice(round_, unit.name, tally, door, public_url=public_url, at=at)
    return notices.group_text(notice), notices.parents_text(notice)


def _piles(seats: Sequence[queries.Seat]) -> list[tuple[queries.Line, int]]:
    """What was entered from paper in one go: one of its lines, and how many still stand; the newest first."""
    lines = [seat.declaration for seat in seats if seat.declaration and seat.declaration.channel == "paper"]
    piles = {line.declared_at: line for line in lines}
    count = Counter(line.declared_at for line in lines)
    return [(piles[at], count[at]) for at in sorted(piles, reverse=True)]


def _ticked() -> dict[str, set[str]]:
    """What was ticked on the page that was refused."""
    return {name: set(request.form.getlist(name)) for name in ("yes", "no")}


def _ticks(tally: indicators.Tally) -> tuple[int, tuple[tuple[str, int], ...]]:
    """One tick of the ring a head: met, declared without it, the rest; beyond two hundred, one in a hundred."""
    whole = max(tally.expected, tally.done)
    ticks = whole if whole <= MOST_TICKS else 100
    if not whole:
        return 0, ()
    if tally.expected == tally.done == tally.aware:
        return ticks, (("rk", ticks),)
    met = ticks * tally.aware // whole
    return ticks, (("r1", met), ("r2", ticks * tally.done // whole - met))


def _takes_paper(round_: RoundRow, at: datetime) -> bool:
    return (
        round_.kind in ("receipt", "pledge")
        and not round_.is_nameless
        and at >= round_.opens_at
        and clock.local_day(at) < round_.erase_on
    )


def _items(round_: RoundRow) -> tuple[rules.Item, ...]:
    body = paper.sheet(round_.paper_id).body
    return body.items if isinstance(body, rules.Adoption) else ()


def _item_rows(round_: RoundRow, line: queries.Line) -> list[tuple[rules.Item, queries.Item, str, str]]:
    """The items of an adoption survey with how far a head is: the item, its state, and both in words."""
    items = _items(round_)
    return [
        (
            items[one.item],
            one,
            queries.STATE_NAMES[one.state],
            rules.PROOFS[one.proof] if one.state == "adopted" else "",
        )
        for one in (queries.items_of(line.id) if items else ())
    ]


def _lines_of(
    round_: RoundRow, unit: roster.UnitRow, items: Sequence[rules.Item]
) -> list[tuple[rules.Item, rules.Reach, tuple[rules.Line, ...]]]:
    """Every item of a unit with what is known of it, against each of its targets."""
    _, found = queries.reaches(round_, unit.path, len(items))
    return [
        (item, known, rules.rates(item, known, nameless=round_.is_nameless))
        for item, known in zip(items, found[unit.id], strict=True)
    ]


@dataclass(frozen=True, slots=True)
class PartRow:
    """A unit right under the one of the report: the rate of every target in their order; none where few are."""

    unit: roster.UnitRow
    rates: tuple[rules.Line | None, ...]


def _adoption_page(
    round_: RoundRow, unit: roster.UnitRow, *, trouble: Refusal | None = None
) -> ResponseReturnValue:
    items = _items(round_)
    if not items:
        raise queries.NotHere
    at = clock.now()
    under, found = queries.reaches(round_, unit.path, len(items))

    def lines(of: int) -> list[tuple[rules.Item, rules.Reach, tuple[rules.Line, ...]]]:
        return [
            (item, known, rules.rates(item, known, nameless=round_.is_nameless))
            for item, known in zip(items, found[of], strict=True)
        ]

    def told(line: rules.Line, path: str) -> rules.Line | None:
        hidden = not _inside(path) and indicators.hidden_small(line.rate.whole)
        return None if hidden else line

    parts = [
        PartRow(part, tuple(told(line, part.path) for _, _, of_item in lines(part.id) for line in of_item))
        for part in under
        if part.parent_id == unit.id
    ]
    typed = queries.typed(round_.id, unit.id)
    codes, came = queries.referred(round_.id, unit.path) if round_.referrals else (0, 0)
    counted = [number for number, item in enumerate(items) if _lives(item)]
    return render_template(
        "declaration/desk_adoption.html",
        round=round_,
        unit=unit,
        at=at,
        lines=[
            (item, known, [(line, told(line, unit.path)) for line in of_item])
            for item, known, of_item in lines(unit.id)
        ],
        proofs=rules.PROOFS,
        few_codes=not _inside(unit.path) and any(indicators.hidden_small(one) for one in (codes, came)),
        parts=parts,
        heads=[
            (number, line.target)
            for number, (_, _, of_item) in enumerate(lines(unit.id), 1)
            for line in of_item
        ],
        typed=[(row, who(row.set_by)) for row in typed],
        population=next((row for row in typed if row.item is None), None),
        counted=[(number, items[number]) for number in counted],
        items=items,
        may_type=bool(counted) and may(Permission.KEEP_TOTALS, unit.path),
        today=clock.local_day(at),
        filled=request.form if trouble else {},
        trouble=trouble,
        codes=codes,
        came=came,
        anchor=audit.anchor(),
        tabs=_tabs(round_, unit, whole=bool(parts)),
    )


def _lives(item: rules.Item) -> bool:
    return any(target.basis == "population" for target in item.targets)


def _tabs(round_: RoundRow, unit: roster.UnitRow, *, whole: bool = False) -> list[tuple[str, str, bool]]:
    """The pages of a unit in a round that I may open; `whole`: it has parts, each with a link of its own."""
    tabs = [
        (round_.words.name, "declarations.unit_page", Permission.SEE_COUNTS, True),
        ("分项统计", "declarations.adoption", Permission.SEE_COUNTS, round_.kind == "adoption"),
        ("签收名单", "declarations.signers", Permission.SEE_SIGNATURES, round_.kind != "adoption"),
        ("二维码与海报", "link.under" if whole else "link.class_link", Permission.SHOW_LINKS, True),
    ]
    return [
        (label, url_for(endpoint, round_id=round_.id, unit_id=unit.id), request.endpoint == endpoint)
        for label, endpoint, permission, there in tabs
        if there and may(permission, unit.path)
    ]


def _of_unit(round_: RoundRow, unit: roster.UnitRow) -> str:
    return f"round:{round_.id}/unit:{unit.id}"


def _to_unit(round_: RoundRow, unit: roster.UnitRow) -> ResponseReturnValue:
    return redirect(url_for(".unit_page", round_id=round_.id, unit_id=unit.id), 303)


def _ring() -> vault.KeyRing:
    return vault.kept_ring(current_app.config["SETTINGS"].key_file)
