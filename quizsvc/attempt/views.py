"""The student's pages (/c/<code>, /a/<attempt>, /r/<receipt>) and the teacher's page of one seat."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import clock
from quizsvc.attempt import forms, operations, pieces, queries
from quizsvc.attempt.queries import Sheet
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import assembly, linkcode, marking, pacing, quota, term, window
from quizsvc.core.access import Permission
from quizsvc.core.marking import Saved
from quizsvc.core.refusal import Refusal
from quizsvc.link import queries as link
from quizsvc.link.queries import Door
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.rulebook import queries as rulebook
from quizsvc.web import guesses, headers, health, phone, qr
from quizsvc.web.guard import actor, guarded, public
from quizsvc.web.guard import check as require

blueprint = Blueprint("attempt", __name__, template_folder="templates")
seats = Blueprint("seat", __name__, template_folder="templates", url_prefix="/staff")

PAGES = {
    "receipt": "declaration.page",
    "pledge": "declaration.page",
    "adoption": "declaration.page",
    "survey": "survey.page",
}
"""Where the code of a round leads that has no questions."""
SIZED = {"attempt", *(endpoint.partition(".")[0] for endpoint in PAGES.values())}
"""Blueprints whose pages come in two sizes of text."""
DOORWAY_LASTS = timedelta(seconds=10)
MOST_DOORWAYS = 2000
_SEED = re.compile(r"[0-9a-f]{8}")


def _door(code: str) -> Door:
    with guesses.counting_unknown_codes(link.UnknownLink):
        return link.door(linkcode.parse(code))


@dataclass(slots=True)
class Doorway:
    """What stands behind a code, as it was seconds ago: at the bell a whole class scans within one minute.

    Only the landing page and the question "is this you?" look here; whoever starts is checked afresh.
    """

    door: Door
    places: dict[int, roster.Place]
    until: datetime
    pages: dict[tuple[str, bool, str], str]
    contest: "Contest | None" = None


@dataclass(frozen=True, slots=True)
class Contest:
    """What the page of a contest says beside its round, and what it asks of those who join."""

    announced: bool
    who: str
    places: Mapping[int, str]
    trades: Mapping[int, str]
    roles: tuple[str, ...]


_doorways: dict[str, Doorway] = {}


def forget() -> None:
    """Forget what was read; for tests, which empty the tables."""
    _doorways.clear()


def _doorway(code: str, at: datetime) -> Doorway:
    known = _doorways.get(code)
    if known is not None and known.until - DOORWAY_LASTS <= at < known.until:
        return known
    door = _door(code)
    public_one = door.round.is_public
    places = (
        {} if public_one else {place.seat: place for place in roster.places(door.unit_id, door.round.term)}
    )
    contest = _contest(door.round) if door.round.is_contest else None
    if len(_doorways) >= MOST_DOORWAYS:
        _doorways.clear()
    _doorways[code] = fresh = Doorway(door, places, at + DOORWAY_LASTS, {}, contest)
    return fresh


def _contest(round_: RoundRow) -> Contest:
    rules = rulebook.in_force(round_.id)
    return Contest(
        announced=rules is not None,
        who="" if rules is None else rules.rules.who,
        places=queries.picks(round_.place_root_id, but=round_.trade_root_id),
        trades=queries.picks(round_.trade_root_id),
        roles=quota.roles(campaign.round_papers(round_.id)),
    )


@blueprint.after_app_request
def remember_size(response: Response) -> Response:
    """Keep the choice of large text for a year."""
    if request.blueprint in SIZED and "size" in request.args and request.args["size"] in ("lg", "md"):
        year_s = 365 * 24 * 3600
        https = current_app.config["SETTINGS"].https
        chosen = request.args["size"]
        name = phone.cookie_name("size")
        response.set_cookie(name, chosen, max_age=year_s, samesite="Lax", httponly=True, secure=https)
    return response


@blueprint.app_context_processor
def text_size() -> dict[str, Any]:
    """Tell templates whether large text is on."""
    kept = request.cookies.get(phone.cookie_name("size"), "")
    return {"large": request.args.get("size", kept) == "lg", "size_link": _size_link}


def _size_link() -> str:
    kept = {name: value for name, value in request.args.items() if name != "size"}
    return f"?{urlencode({**kept, 'size': 'md' if text_size()['large'] else 'lg'})}"


@blueprint.get("/")
@public
def front() -> ResponseReturnValue:
    """Take the code that stands on the poster, typed by hand."""
    typed = request.args.get("code", "")
    if typed:
        return redirect(url_for("attempt.landing", code=linkcode.parse(typed)), 303)
    return render_template("attempt/front.html")


@blueprint.get("/c/<code>")
@public
def landing(code: str) -> ResponseReturnValue:
    """Show whose link this is and the seats to tap."""
    at = clock.now()
    doorway = _doorway(code, at)
    door, secret = doorway.door, phone.device()
    if not door.round.is_quiz:
        return redirect(_page_of(door), 303)
    state = window.Window(door.round.opens_at, door.closes_at).state(at)
    if door.round.is_public:
        return _play_landing(doorway, state, secret, at)
    mine = queries.of_device(door.round.id, door.unit_id, secret) if secret else []
    if mine:
        return _landing(doorway, state, mine)
    source = request.args.get("s", "") if request.args.get("s", "") in forms.SOURCES else ""
    kept = (source, text_size()["large"], state)
    if kept not in doorway.pages:
        doorway.pages[kept] = _landing(doorway, state, mine)
    return doorway.pages[kept]


def _page_of(door: Door) -> str:
    """Where the round of a door is taken part in, with what the address says beside the code."""
    query = urlencode(list(request.args.items(multi=True)))
    return url_for(PAGES[door.round.kind], code=door.code) + (f"?{query}" if query else "")


def _landing(doorway: Doorway, state: str, mine: Sequence[queries.DeviceAttempt]) -> str:
    door = doorway.door
    frozen = paper.frozen(door.round.paper_id)
    return render_template(
        "attempt/landing.html",
        door=door,
        state=state,
        seats=[place.seat for place in doorway.places.values() if not place.exempt],
        mine=mine,
        items=frozen.blueprint.item_count,
        minutes=paper.minutes(frozen),
        term=term.term_label(door.round.term),
        source=request.args.get("s", ""),
        contest=doorway.contest,
    )


def _play_landing(doorway: Doorway, state: str, secret: str, at: datetime) -> ResponseReturnValue:
    player = queries.player_on_phone(doorway.door.round.id, secret) if secret else None
    if player is not None:
        return _player_landing(doorway, state, player, at)
    kept = (_source(), text_size()["large"], state)
    if kept not in doorway.pages:
        doorway.pages[kept] = _joining_page(doorway, state)
    page = make_response(doorway.pages[kept])
    # here and not with the start: when the answer to a start is lost, the phone that repeats it is known
    return page if secret else phone.remember(page, phone.fresh())


def _source() -> str:
    given = request.values.get("s", "")
    return given if given in forms.SOURCES else ""


def _joining_page(doorway: Doorway, state: str, fault: str = "") -> str:
    return render_template("attempt/join.html", state=state, fault=fault, **_of_contest(doorway))


def _of_contest(doorway: Doorway) -> dict[str, Any]:
    frozen = paper.frozen(doorway.door.round.paper_id)
    return {
        "door": doorway.door,
        "contest": doorway.contest,
        "items": frozen.blueprint.item_count,
        "minutes": paper.minutes(frozen),
        "source": _source(),
    }


def _player_landing(doorway: Doorway, state: str, player: queries.PlayerRow, at: datetime) -> str:
    return render_template(
        "attempt/player.html",
        state=state,
        player=player,
        own=_own_goes(doorway.door.round, queries.goes_of(player.participant_id), at),
        **_of_contest(doorway),
    )


@dataclass(frozen=True, slots=True)
class OwnGoes:
    """The goes of a player so far, by day; how many are left now, and the one that runs."""

    days: tuple[tuple[date, tuple[queries.GoLine, ...]], ...]
    left: int
    running: queries.GoLine | None
    newest: queries.GoLine | None
    change_code: str
    """Of the newest go whose traces have not been erased; empty when there is none."""


def _own_goes(round_: RoundRow, goes: Sequence[queries.GoLine], at: datetime) -> OwnGoes:
    days: dict[date, list[queries.GoLine]] = {}
    for go in goes:
        days.setdefault(clock.local_day(go.started_at), []).append(go)
    now = quota.period(round_.per, clock.local_day(at))
    return OwnGoes(
        days=tuple((day, tuple(of_day)) for day, of_day in sorted(days.items(), reverse=True)),
        left=quota.left(round_.attempts, [go.period for go in goes], now),
        running=next((go for go in goes if go.submitted_at is None), None),
        newest=goes[-1] if goes else None,
        change_code=next((go.change_code for go in reversed(goes) if go.change_code), ""),
    )


@blueprint.post("/c/<code>/play")
@public
def play(code: str) -> ResponseReturnValue:
    """Join a contest on this phone, or go on with what it plays."""
    at, secret = clock.now(), phone.device() or phone.fresh()
    try:
        with guesses.counting_unknown_codes(link.UnknownLink):
            started = operations.play(
                code=linkcode.parse(code),
                joining=forms.joining_from(request.form),
                source=forms.source_from(request.form),
                device=secret,
                at=at,
                room=health.room_to_begin(),
            )
    except operations.BadJoining as refusal:
        doorway = _doorway(code, at)
        state = window.Window(doorway.door.round.opens_at, doorway.door.closes_at).state(at)
        page = make_response(_joining_page(doorway, state, refusal.text), refusal.status)
        return phone.remember(page, secret)
    return phone.remember(_to(started), secret)


@blueprint.get("/k/<code>/me")
@public
def me(code: str) -> ResponseReturnValue:
    """Show a player their own page: nickname, entry, goes so far and left, the code for another phone."""
    round_ = _contest_of(code)
    secret = phone.device()
    player = queries.player_on_phone(round_.id, secret) if secret else None
    return _own_page(round_, player)


def _own_page(round_: RoundRow, player: queries.PlayerRow | None, *, mistyped: bool = False) -> str:
    at = clock.now()
    own = _own_goes(round_, queries.goes_of(player.participant_id) if player else (), at)
    named = roster.units([one for one in (player.place_id, player.trade_id) if one]) if player else {}
    return render_template(
        "attempt/me.html",
        round=round_,
        player=player,
        named=[unit.name for unit in named.values()],
        own=own,
        state=round_.window().state(at),
        scores="score" in _told(round_, at),
        mistyped=mistyped,
    )


def _told(round_: RoundRow, at: datetime) -> tuple[str, ...]:
    return round_.review_after_close if at >= round_.closes_at else round_.review_after_submit


def _contest_of(code: str) -> RoundRow:
    round_ = campaign.round_by_code(code)
    if not round_.is_public:
        raise campaign.UnknownRound
    return round_


@blueprint.post("/k/<code>/me")
@public
def change_phone(code: str) -> ResponseReturnValue:
    """Go on with a player on this phone, proved by the code their other phone shows."""
    return _changed(_contest_of(code))


def _changed(round_: RoundRow) -> ResponseReturnValue:
    at, given = clock.now(), forms.resume_from(request.form)
    found = queries.change(given[: operations.RECEIPT_LENGTH])
    secret = phone.device() or phone.fresh()
    try:
        if found is None or found.round_id != round_.id:
            guesses.count_unknown_receipt(at)
            raise operations.WrongCode
        guesses.count_change_code(found.participant_id, at)
        operations.change_phone(change=given, device=secret, at=at)
    except operations.WrongCode as refusal:
        player = queries.player_on_phone(round_.id, secret)
        return make_response(_own_page(round_, player, mistyped=True), refusal.status)
    return phone.remember(make_response(redirect(url_for("attempt.me", code=round_.code), 303)), secret)


@blueprint.get("/c/<code>/practice")
@public
def rehearse(code: str) -> ResponseReturnValue:
    """Show an item of the practice paper of a contest; nothing is stored or counted."""
    door = _practising_door(code)
    seed = request.args.get("seed", "")
    if not _SEED.fullmatch(seed):
        return redirect(url_for("attempt.rehearse", code=code, seed=secrets.token_hex(4)), 303)
    step = request.args.get("step", "0")
    return _rehearsal(door, seed, int(step) if step.isdecimal() and len(step) < 4 else 0, ())


@blueprint.post("/c/<code>/practice")
@public
def rehearse_answer(code: str) -> ResponseReturnValue:
    """Say at once whether the choice is right; until it is, try again."""
    door = _practising_door(code)
    seed = request.args.get("seed", "")
    if not _SEED.fullmatch(seed):
        raise forms.Unreadable
    step, chosen = forms.practice_from(request.form)
    return _rehearsal(door, seed, step, chosen)


def _practising_door(code: str) -> Door:
    door = _doorway(code, clock.now()).door
    if door.round.practice_paper_id is None:
        raise Refusal("这次竞赛没有练习。", status=404)
    return door


def _rehearsal(door: Door, seed: str, step: int, chosen: tuple[str, ...]) -> ResponseReturnValue:
    frozen = paper.frozen(door.round.practice_paper_id or 0)
    form = paper.sample(frozen, seed)
    back = url_for("attempt.landing", code=door.code)
    if step >= len(form):
        return render_template("attempt/rehearsed.html", door=door, items=len(form), back=back)
    onward = url_for("attempt.rehearse", code=door.code, seed=seed, step=step + 1)
    return _practice_item(
        frozen, (form[step],), f"{seed}|{step}", chosen, step=step, steps=len(form), back=back, onward=onward
    )


@blueprint.get("/c/<code>/about")
@public
def about(code: str) -> ResponseReturnValue:
    """Say what is recorded, for how long, and whom to ask."""
    return render_template("attempt/about.html", door=_door(code))


@blueprint.post("/c/<code>/who")
@public
def who(code: str) -> ResponseReturnValue:
    """Repeat the class and the seat, for the pupil to confirm."""
    at = clock.now()
    doorway = _doorway(code, at)
    door, seat = doorway.door, forms.seat_from(request.form)
    if not door.round.is_quiz:
        raise operations.NoQuestions
    window.Window(door.round.opens_at, door.closes_at).check(at)
    place = doorway.places.get(seat)
    if place is None or place.exempt:
        raise operations.SeatTaken(seat)
    masked = roster.masked_name(place.enrolment_id) if door.round.identity == "roster" else None
    page = make_response(
        render_template(
            "attempt/who.html", door=door, seat=seat, masked=masked, source=request.form.get("s", "")
        )
    )
    if (
        masked is None
    ):  # after no-store the back button of the first question would ask to send the form again
        page.headers["Cache-Control"] = "private, no-cache"
    # here and not with the start: when the answer to a start is lost, the phone that repeats it is known
    return page if phone.device() else phone.remember(page, phone.fresh())


@blueprint.get("/c/<code>/who")
@blueprint.get("/c/<code>/play")
@blueprint.get("/c/<code>/start")
@blueprint.get("/c/<code>/resume")
@public
def from_the_middle(code: str) -> ResponseReturnValue:
    """Lead a reloaded or copied address back to where one begins."""
    return redirect(url_for("attempt.landing", code=code), 303)


@blueprint.post("/c/<code>/start")
@public
def start(code: str) -> ResponseReturnValue:
    """Begin, or go on with what this phone has begun."""
    secret = phone.device() or phone.fresh()
    with guesses.counting_unknown_codes(link.UnknownLink):
        started = operations.start(
            code=linkcode.parse(code),
            seat=forms.seat_from(request.form),
            source=forms.source_from(request.form),
            device=secret,
            at=clock.now(),
            room=health.room_to_begin(),
        )
    return phone.remember(_to(started), secret)


@blueprint.post("/c/<code>/resume")
@public
def resume(code: str) -> ResponseReturnValue:
    """Go on with a seat's attempt on this phone, proved by the resume code."""
    door, at = _door(code), clock.now()
    if door.round.is_public:
        return _changed(door.round)
    seat = forms.seat_from(request.form)
    guesses.count_resume_code(door.unit_id, seat, at)
    secret = phone.device() or phone.fresh()
    started = operations.take_over(
        code=door.code, seat=seat, resume=forms.resume_from(request.form), device=secret, at=at
    )
    return phone.remember(_to(started), secret)


def _to(started: operations.Started) -> Response:
    endpoint = "attempt.result" if started.over else "attempt.questions"
    return make_response(redirect(url_for(endpoint, attempt_id=started.attempt_id), 303))


@blueprint.errorhandler(operations.SeatTaken)
def seat_taken(refusal: operations.SeatTaken) -> ResponseReturnValue:
    """Show the one neutral page, with a way on for whoever has the resume code."""
    door = _door(str((request.view_args or {})["code"]))
    return make_response(
        render_template("attempt/taken.html", code=door.code, class_name=door.unit_name, seat=refusal.seat),
        409,
    )


@blueprint.errorhandler(operations.OtherDevice)
def other_device(refusal: operations.OtherDevice) -> ResponseReturnValue:
    """Ask for the resume code on a phone that does not have the attempt."""
    if request.headers.get("X-Requested-With"):
        return Response(refusal.text, status=refusal.status, mimetype="text/plain")
    state = queries.sheet(str((request.view_args or {})["attempt_id"]))
    if state.seat is None:
        return make_response(render_template("attempt/elsewhere.html", state=state), 403)
    return make_response(
        render_template("attempt/taken.html", code=state.code, class_name=state.class_name, seat=state.seat),
        403,
    )


@blueprint.errorhandler(window.NotOpenYet)
@blueprint.errorhandler(window.Closed)
def outside_window(_refusal: Exception) -> ResponseReturnValue:
    """Show the landing page, which says when."""
    return redirect(url_for("attempt.landing", code=(request.view_args or {})["code"]), 303)


def _mine(attempt_id: str) -> Sheet:
    state = queries.sheet(attempt_id)
    if not state.of_phone(phone.device()):
        raise operations.OtherDevice
    return state


def _to_result(attempt_id: str) -> ResponseReturnValue:
    return redirect(url_for("attempt.result", attempt_id=attempt_id), 303)


@blueprint.get("/a/<attempt_id>")
@public
def questions(attempt_id: str) -> ResponseReturnValue:
    """Show the paper: one long form without script, one question a screen with it."""
    state, at = _mine(attempt_id), clock.now()
    if state.over(at):
        return _to_result(attempt_id)
    if state.pace == "strict":
        return _one_item(state, at)
    written = pieces.written(paper.frozen(state.paper_id), state)
    late = state.arrival(at) == "late"
    return render_template(
        "attempt/paper.html", state=state, written=written, left=_left(state, at), late=late
    )


@blueprint.get("/a/<attempt_id>/check")
@public
def check(attempt_id: str) -> ResponseReturnValue:
    """Show what was saved, before it is handed in (the way without script)."""
    state, at = _mine(attempt_id), clock.now()
    if state.over(at):
        return _to_result(attempt_id)
    if state.pace == "strict":
        return redirect(url_for("attempt.questions", attempt_id=attempt_id), 303)
    return render_template(
        "attempt/check.html",
        state=state,
        sheet=paper.view(paper.frozen(state.paper_id), state.form, state.seed),
        tokens=state.tokens(),
        answered=[position for position, saved in state.answers.items() if saved.chosen],
        left=_left(state, at),
    )


def _one_item(state: Sheet, at: datetime) -> str:
    """The one item that is on; the page knows nothing of the others."""
    on = pacing.on(state.answers, len(state.form)) or len(state.form)
    ends = pacing.ends_at(state.shown_from, state.item_s)
    view = paper.view(paper.frozen(state.paper_id), state.form, state.seed)
    return render_template(
        "attempt/strict.html",
        state=state,
        item=view.items[on - 1],
        on=on,
        items=len(state.form),
        left=_left(state, at),
        item_left=None if ends is None else window.seconds_left(at, ends),
    )


@blueprint.post("/a/<attempt_id>/item")
@public
def answer_item(attempt_id: str) -> ResponseReturnValue:
    """Store the item that is on and show the next; whatever else arrives shows where one is."""
    position, chosen = forms.item_from(request.form)
    try:
        over = operations.answer_item(
            attempt_id=attempt_id, device=phone.device(), position=position, chosen=chosen, at=clock.now()
        )
    except operations.Over:
        over = True
    return (
        _to_result(attempt_id) if over else redirect(url_for("attempt.questions", attempt_id=attempt_id), 303)
    )


def _left(state: Sheet, at: datetime) -> int | None:
    return window.seconds_left(at, state.deadline) if state.limited else None


@blueprint.post("/a/<attempt_id>/save")
@public
def save(attempt_id: str) -> ResponseReturnValue:
    """Store answers: 204 when all are stored, else the stored ones that the page must show instead."""
    incoming, at = forms.answers_from(request.form), clock.now()
    try:
        stale = operations.save(attempt_id=attempt_id, device=phone.device(), incoming=incoming, at=at)
    except operations.Over:
        return _closed(attempt_id, incoming, at)
    if not stale:
        return Response(status=204)
    return {str(position): [saved.seq, list(saved.chosen)] for position, saved in stale.items()}


@blueprint.post("/a/<attempt_id>/submit")
@public
def submit(attempt_id: str) -> ResponseReturnValue:
    """Hand in, or (step=check) store what is there and show the check page; 409 when other answers count already."""
    incoming = forms.answers_from(request.form)
    at = clock.now()
    if request.form.get("step") == "check":
        return _save_and_check(attempt_id, incoming, at)
    try:
        operations.submit(attempt_id=attempt_id, device=phone.device(), incoming=incoming, at=at)
    except operations.Over:
        return _closed(attempt_id, incoming, at)
    if request.headers.get("X-Requested-With"):
        return Response(url_for("attempt.result", attempt_id=attempt_id), mimetype="text/plain")
    return _to_result(attempt_id)


def _save_and_check(attempt_id: str, incoming: Mapping[int, Saved], at: datetime) -> ResponseReturnValue:
    try:
        operations.save(attempt_id=attempt_id, device=phone.device(), incoming=incoming, at=at)
    except operations.Over:
        return _closed(attempt_id, incoming, at)
    return redirect(url_for("attempt.check", attempt_id=attempt_id), 303)


def _closed(attempt_id: str, incoming: Mapping[int, Saved], at: datetime) -> ResponseReturnValue:
    """Keep what came too late, say why it does not count, and show what does."""
    kept = operations.keep_late(attempt_id=attempt_id, device=phone.device(), incoming=incoming, at=at)
    state = queries.sheet(attempt_id)
    heading, text = _why_closed(state, at)
    if request.headers.get("X-Requested-With"):
        return Response(f"{heading}，{text}", status=409, mimetype="text/plain")
    page = render_template(
        "attempt/closed.html",
        state=state,
        heading=heading,
        text=text,
        counts=not state.voided,
        answered=sum(bool(chosen) for chosen in state.tokens().values()),
        kept=kept,
    )
    return make_response(page, 409)


def _why_closed(state: Sheet, at: datetime) -> tuple[str, str]:
    if state.lapsed(at):
        return "时间已经到了", "到时没有交，按本场约定这一次不计。"
    if state.voided:
        return "这次作答已经作废", "这次送来的答案没有存。"
    if state.overdue:
        return "时间已经到了", "已按到时存好的答案交卷。"
    return "已经交过了", "以第一次交的为准，答案没有再改动。"


@blueprint.get("/a/<attempt_id>/result")
@public
def result(attempt_id: str) -> ResponseReturnValue:
    """Show the score and what is to be learnt, wrong ones first."""
    state, at = _mine(attempt_id), clock.now()
    if not state.over(at):
        return redirect(url_for("attempt.questions", attempt_id=attempt_id), 303)
    marks = _marks(state)
    shown = state.shown(at)
    every = "all" in request.args
    frozen = paper.frozen(state.paper_id)
    review = (
        paper.review(frozen, state.form, state.seed, state.tokens(), marks.correct, right_ones=every)
        if "answers" in shown
        else ()
    )
    if state.is_contest:
        return _played(state, at, marks, shown, review)
    done, expected = queries.class_progress(state)
    more = state.allowed - state.ordinal if at < state.window_closes_at and not state.another_is_open else 0
    return render_template(
        "attempt/result.html",
        state=state,
        got=marks,
        met=marking.met(marks.score, marks.out_of, state.threshold_permyriad),
        to_go=_still_to_get_right(marks, state.threshold_permyriad),
        shown=shown,
        review=review,
        explained=_explained(frozen, state, review, shown),
        every=every,
        name=roster.masked_name(state.enrolment_id)
        if state.enrolment_id and state.identity == "roster"
        else None,
        done=done,
        expected=expected,
        more=more,
        overdue=state.overdue,
        lapsed=state.lapsed(at),
        still_open=at < state.window_closes_at,
    )


def _explained(
    frozen: paper.FrozenPaper, state: Sheet, review: Sequence[paper.ReviewItem], shown: frozenset[str]
) -> dict[int, Markup]:
    return {
        item.position: pieces.explained(pieces.lesson(frozen, state.form[item.position - 1][0]), item, shown)
        for item in review
    }


def _played(
    state: Sheet,
    at: datetime,
    marks: marking.Marks,
    shown: frozenset[str],
    review: Sequence[paper.ReviewItem],
) -> str:
    goes = queries.goes_of(state.participant_id)
    now = quota.period(state.per, clock.local_day(at))
    ended_at = state.submitted_at or state.deadline
    return render_template(
        "attempt/played.html",
        state=state,
        got=marks,
        shown=shown,
        review=review,
        explained=_explained(paper.frozen(state.paper_id), state, review, shown),
        used_s=(ended_at - state.started_at) // timedelta(seconds=1),
        player=queries.player(state.participant_id),
        left=quota.left(state.allowed, [go.period for go in goes], now) if at < state.window_closes_at else 0,
        every="all" in request.args,
    )


def _marks(state: Sheet) -> marking.Marks:
    if state.score is not None and state.correct is not None:
        return marking.Marks(state.score, state.out_of, state.correct)
    frozen = paper.frozen(state.paper_id)
    chosen = paper.chosen_indices(frozen, state.form, state.seed, state.tokens())
    return marking.mark(paper.keyed(frozen, state.form), chosen)


def _still_to_get_right(marks: marking.Marks, threshold_permyriad: int) -> int:
    """Count how many more right answers would have reached the threshold."""
    points = marks.out_of // max(len(marks.correct), 1) or 1
    missing = -(-threshold_permyriad * marks.out_of // 10000) - marks.score
    return max(0, -(-missing // points))


@blueprint.get("/a/<attempt_id>/proof")
@public
def proof(attempt_id: str) -> ResponseReturnValue:
    """Show one screen made to be screenshotted."""
    state = _mine(attempt_id)
    if state.submitted_at is None:
        return _to_result(attempt_id)
    return render_template("attempt/proof.html", state=state, own=True, met=_met(state))


def _met(state: Sheet) -> bool:
    marks = _marks(state)
    return marking.met(marks.score, marks.out_of, state.threshold_permyriad)


@blueprint.get("/a/<attempt_id>/practice")
@public
def practice(attempt_id: str) -> ResponseReturnValue:
    """Show a missed item again, then its twin; nothing is stored or counted."""
    state = _practising(attempt_id)
    step = request.args.get("step", "0")
    return _practice_page(state, int(step) if step.isdecimal() and len(step) < 4 else 0, ())


@blueprint.post("/a/<attempt_id>/practice")
@public
def practice_answer(attempt_id: str) -> ResponseReturnValue:
    """Say at once whether the choice is right; until it is, try again."""
    state = _practising(attempt_id)
    step, chosen = forms.practice_from(request.form)
    return _practice_page(state, step, chosen)


def _practising(attempt_id: str) -> Sheet:
    state, at = _mine(attempt_id), clock.now()
    if not state.over(at) or "key" not in state.shown(at):
        raise Refusal("现在还不能练习错题，先把正在做的一次做完。", status=409)
    return state


def _practice_page(state: Sheet, step: int, chosen: tuple[str, ...]) -> str:
    frozen = paper.frozen(state.paper_id)
    steps = _practice_steps(state, frozen)
    if step >= len(steps):
        return render_template("attempt/practised.html", state=state, items=len(steps))
    return _practice_item(
        frozen,
        ((steps[step], 1),),
        f"{state.seed}|practice|{step}",
        chosen,
        step=step,
        steps=len(steps),
        back=url_for("attempt.result", attempt_id=state.attempt_id),
        onward=url_for("attempt.practice", attempt_id=state.attempt_id, step=step + 1),
    )


def _practice_item(
    frozen: paper.FrozenPaper, form: paper.FormItems, seed: str, chosen: tuple[str, ...], **shown: Any
) -> str:
    """One item to practise, and what is to be said about the choice."""
    review = None
    if chosen:
        picked = paper.chosen_indices(frozen, form, seed, {1: chosen})
        marks = marking.mark(paper.keyed(frozen, form), picked)
        review = paper.review(frozen, form, seed, {1: chosen}, marks.correct)[0]
    return render_template(
        "attempt/practice.html",
        item=paper.view(frozen, form, seed).items[0],
        chosen=chosen,
        review=review,
        explained=review
        and pieces.explained(pieces.lesson(frozen, form[0][0]), review, ("key", "explanation")),
        **shown,
    )


def _practice_steps(state: Sheet, frozen: paper.FrozenPaper) -> list[int]:
    """List the missed items, each followed by a twin of the same trick when the paper has one."""
    steps: list[int] = []
    for (index, _points), right in zip(state.form, _marks(state).correct, strict=True):
        if not right:
            twin = assembly.twin_of(index, frozen.candidates, state.seed)
            steps += [index] if twin is None else [index, twin]
    return steps


@blueprint.get("/r/<receipt>")
@public
def receipt(receipt: str) -> ResponseReturnValue:
    """Show what a receipt stands for, without any name."""
    state = _of_receipt(receipt)
    return render_template("attempt/proof.html", state=state, own=False, met=_met(state))


def _of_receipt(receipt: str) -> Sheet:
    try:
        return queries.sheet_by_receipt(forms.resume_from({"resume": receipt}))
    except queries.UnknownAttempt:
        guesses.count_unknown_receipt(clock.now())
        raise


@blueprint.get("/r/<receipt>.png")
@public
def receipt_picture(receipt: str) -> ResponseReturnValue:
    """Draw the code of a receipt's own page, to be kept in the phone."""
    known = _of_receipt(receipt)
    address = f"{current_app.config['SETTINGS'].public_url}/r/{known.receipt}"
    return Response(qr.png(address), mimetype="image/png")


@blueprint.post("/a/<attempt_id>/forget")
@public
def forget_phone(attempt_id: str) -> ResponseReturnValue:
    """Take this phone's secret out of it, and its hash out of the attempt; the resume code still opens it."""
    state = _mine(attempt_id)
    operations.forget_device(attempt_id=attempt_id, device=phone.device(), at=clock.now())
    away = make_response(redirect(url_for("rights.data", receipt=state.receipt, forgotten=1), 303))
    return phone.forget(away)


def _seat(round_id: int, unit_id: int, seat: int) -> tuple[RoundRow, roster.UnitRow, queries.SeatState]:
    unit = roster.unit(unit_id)
    require(Permission.MANAGE_ATTEMPTS, unit.path)
    round_ = campaign.round_of(round_id)
    if not round_.is_quiz or not unit.path.startswith(campaign.round_paths(round_id)):
        abort(404)
    found = next((state for state in queries.seats_of(round_, unit_id) if state.seat == seat), None)
    if found is None:
        abort(404)
    return round_, unit, found


@seats.get("/rounds/<int:round_id>/classes/<int:unit_id>/seats/<int:seat>")
@guarded(Permission.MANAGE_ATTEMPTS)
def seat_page(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Show one seat and what its teacher may do about it."""
    round_, unit, state = _seat(round_id, unit_id, seat)
    known = queries.history(round_, unit_id, seat)
    return render_template(
        "attempt/seat.html",
        round=round_,
        unit=unit,
        seat=state,
        lapsed=known.lapsed if known else 0,
        late=queries.late_bodies([go.attempt_id for go in known.goes]) if known else [],
        transfer=forms.Transfer(),
        extend=forms.Extend(),
        release=forms.Release(),
        accept=forms.AcceptLate(),
    )


@seats.post("/rounds/<int:round_id>/classes/<int:unit_id>/seats/<int:seat>/transfer")
@guarded(Permission.MANAGE_ATTEMPTS)
def transfer(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Let the seat go on with another phone."""
    round_, _, _ = _seat(round_id, unit_id, seat)
    operations.transfer(round_=round_, unit_id=unit_id, seat=seat, at=clock.now(), actor=actor())
    flash(f"{seat} 号可以换手机了：请同学用新手机扫班级码，点 {seat} 号，就接着做。")
    return _back_to_seat()


@seats.post("/rounds/<int:round_id>/classes/<int:unit_id>/seats/<int:seat>/extend")
@guarded(Permission.MANAGE_ATTEMPTS)
def extend(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Give the seat more time."""
    round_, _, _ = _seat(round_id, unit_id, seat)
    form = forms.Extend()
    if not form.validate_on_submit():
        raise Refusal("加时要写分钟数。")
    operations.extend(
        round_=round_,
        unit_id=unit_id,
        seat=seat,
        minutes=form.minutes.data,
        at=clock.now(),
        actor=actor(),
    )
    flash(f"{seat} 号加了 {form.minutes.data} 分钟，马上生效。")
    return _back_to_seat()


@seats.post("/rounds/<int:round_id>/classes/<int:unit_id>/seats/<int:seat>/release")
@guarded(Permission.MANAGE_ATTEMPTS)
def release(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Void the seat's attempts, with a reason, so that it can begin again."""
    round_, _, _ = _seat(round_id, unit_id, seat)
    form = forms.Release()
    count = operations.release(
        round_=round_,
        unit_id=unit_id,
        seat=seat,
        reason=form.reason.data or "",
        at=clock.now(),
        actor=actor(),
    )
    voided = f"{seat} 号的 {count} 次作答已作废并留档，可以重新开始。"
    flash(voided if count else f"{seat} 号可以重新开始了。")
    return _back_to_seat()


@seats.post("/rounds/<int:round_id>/classes/<int:unit_id>/seats/<int:seat>/late")
@guarded(Permission.MANAGE_ATTEMPTS)
def accept_late(round_id: int, unit_id: int, seat: int) -> ResponseReturnValue:
    """Count answers of the seat that arrived after the clock had closed its attempt."""
    round_, _, _ = _seat(round_id, unit_id, seat)
    form = forms.AcceptLate()
    if not form.validate_on_submit():
        raise Refusal("没有看懂是哪一份答案，请返回上一页再试一次。")
    operations.accept_late(
        round_=round_,
        unit_id=unit_id,
        seat=seat,
        attempt_id=form.attempt_id.data,
        number=form.number.data,
        reason=form.reason.data or "",
        at=clock.now(),
        actor=actor(),
    )
    flash(f"{seat} 号迟到的答案已经算数，得分重新算过，标为迟交。")
    return _back_to_seat()


def _back_to_seat() -> Response:
    return make_response(redirect(url_for("seat.seat_page", **(request.view_args or {})), 303))


@seats.get("/papers/<int:paper_id>/preview")
@guarded(Permission.MANAGE_BANKS)
def preview(paper_id: int) -> str:
    """Show a form of a frozen paper as its pupils see it."""
    frozen, seed = paper.frozen(paper_id), _preview_seed()
    return _previewed(frozen, paper.sample(frozen, seed), seed)


@seats.get("/papers/drafts/<int:draft_id>/preview")
@guarded(Permission.MANAGE_BANKS)
def preview_draft(draft_id: int) -> str:
    """Show a form of a draft as its pupils would see it."""
    headers.lie_in_a_frame()  # a draft that has become empty is told inside the frame too
    seed = _preview_seed()
    return _previewed(*paper.preview(draft_id, seed), seed)


def _preview_seed() -> str:
    return request.args.get("seed", "")[:32] or "1"


def _previewed(frozen: paper.FrozenPaper, form: paper.FormItems, seed: str) -> str:
    headers.lie_in_a_frame()
    state = _nobodys(frozen, form, seed)
    dark = request.args.get("scheme") == "dark"
    return render_template(
        "attempt/preview.html", state=state, written=pieces.written(frozen, state), left=None, dark=dark
    )


def _nobodys(frozen: paper.FrozenPaper, form: paper.FormItems, seed: str) -> Sheet:
    """An attempt that nobody makes: it is in no round, and no device owns it."""
    at = frozen.frozen_at
    return Sheet(
        attempt_id="preview", paper_id=frozen.id, seed=seed, form=tuple((index, points) for index, points in form),
        answers={}, device_hash=None, deadline=at, policy="submit_from_saved", pace="sheet", item_s=None,
        saved_at=None, submitted_at=None, voided=False, participant_id=0, round_id=0, unit_id=0, code="",
        title=frozen.title, identity="seat", is_test=False, class_name="预览", unit_path="", term="", frozen_at=at,
        organisers=(), hotline="", kind="test", per="round", round_code="", seat=1, nickname="",
        player_device=None, enrolment_id=0,
        period="round", ordinal=1, allowed=1, resume="00000000", receipt="", started_at=at, window_closes_at=at,
        limited=False, overdue=False, late=False, score=None, out_of=sum(points for _, points in form), correct=None,
        threshold_permyriad=0, review_after_submit=(), review_after_close=(), another_is_open=False,
    )  # fmt: skip
