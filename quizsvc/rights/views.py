"""What is kept of one attempt, for whom it is about (/r/<receipt>/data), and the requests at its teacher's desk."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.queries import Sheet
from quizsvc.core import retention
from quizsvc.core.access import Permission, scopes
from quizsvc.core.refusal import Refusal
from quizsvc.paper import queries as paper
from quizsvc.rights import forms, operations, queries
from quizsvc.rights.queries import RequestRow
from quizsvc.roster import queries as roster
from quizsvc.web import guesses, phone
from quizsvc.web.guard import actor, check, guarded, me, public

blueprint = Blueprint("rights", __name__, template_folder="templates")
requests = Blueprint("requests", __name__, template_folder="templates", url_prefix="/staff")

SOURCES = {"poster": "海报上的二维码", "group": "班级群里的链接", "screen": "教室投屏"}


class NotProved(Refusal):
    """Whoever asks has neither the phone nor the resume code of the attempt."""

    def __init__(self) -> None:
        super().__init__("续答码和这张回执对不上，请看清 8 位，再写一次。", status=403)


@dataclass(frozen=True, slots=True)
class Answered:
    """A question as it was shown, and what was chosen; nothing in it tells the key."""

    position: int
    stem: str
    chosen: tuple[str, ...]


@blueprint.get("/r/<receipt>/data")
@public
def data(receipt: str) -> ResponseReturnValue:
    """Show everything that is kept of an attempt to the phone that made it; others are asked for the resume code."""
    state = _state(receipt)
    if state is None:
        return _erased(receipt)
    return _page(state) if _own(state) else _asked_for_code(state)


@blueprint.post("/r/<receipt>/data")
@public
def opened(receipt: str) -> ResponseReturnValue:
    """Show the same to whoever writes the resume code."""
    state = _state(receipt)
    if state is None:
        return _erased(receipt)
    try:
        return _page(state, _proved(state))
    except NotProved as refusal:
        return make_response(_asked_for_code(state, mistyped=True), refusal.status)


@blueprint.post("/r/<receipt>/data/ask")
@public
def ask(receipt: str) -> ResponseReturnValue:
    """Ask for a correction or a deletion."""
    state = _state(receipt)
    if state is None:
        return _erased(receipt)
    code = _proved(state)
    kind, reason, note = forms.request_from(request.form)
    operations.ask(attempt_id=state.attempt_id, kind=kind, reason=reason, note=note, at=clock.now())
    if code is None:
        return redirect(url_for(".data", receipt=state.receipt), 303)
    return _page(state, code)


def _state(receipt: str) -> Sheet | None:
    """Find the attempt of a receipt; None when it has been erased and a request still tells of it."""
    code = forms.code_from(receipt)
    try:
        return attempt.sheet_by_receipt(code)
    except attempt.UnknownAttempt:
        if queries.of_receipt(code):
            return None
        guesses.count_unknown_receipt(clock.now())
        raise


def _own(state: Sheet) -> bool:
    return state.of_phone(phone.device())


def _proved(state: Sheet) -> str | None:
    """Return the resume code that proves whose attempt it is, None when the phone does; refuse everybody else."""
    if _own(state):
        return None
    if state.seat is None:
        guesses.count_change_code(state.participant_id, clock.now())
    else:
        guesses.count_resume_code(state.unit_id, state.seat, clock.now())
    code = forms.code_from(request.form.get("resume", ""))
    if state.resume is None or not secrets.compare_digest(state.resume.encode(), code.encode()):
        raise NotProved
    return code


def _asked_for_code(state: Sheet, *, mistyped: bool = False) -> str:
    return render_template("rights/code.html", state=state, mistyped=mistyped)


def _erased(receipt: str) -> str:
    return render_template("rights/erased.html", requests=queries.of_receipt(forms.code_from(receipt)))


def _page(state: Sheet, code: str | None = None) -> str:
    at = clock.now()
    shown = state.shown(at)
    held = queries.held(state.attempt_id)
    made = queries.of_receipt(state.receipt or "")
    return render_template(
        "rights/data.html",
        state=state,
        code=code,
        shown=shown,
        answers=_answers(state) if "answers" in shown else None,
        held=held,
        source=SOURCES[held.source],
        name=roster.masked_name(state.enrolment_id)
        if state.enrolment_id and state.identity == "roster"
        else None,
        late=len(attempt.late_bodies([state.attempt_id])),
        answers_go_on=retention.answers_go_on(held.erase_on),
        requests=made,
        open_kinds={row.kind for row in made if row.state == "open"},
        reasons={name: text for name, text in queries.REASONS.items() if state.seat or name != "wrong_place"},
        kinds=operations.KINDS,
        **_of_contest(state),
        longest_note=operations.LONGEST_NOTE,
    )


def _of_contest(state: Sheet) -> dict[str, object]:
    """The entry of a contest, and the place, trade and role a player chose."""
    player = attempt.player(state.participant_id) if state.is_contest else None
    if player is None:
        return {"player": None, "picked": []}
    units = roster.units([one for one in (player.place_id, player.trade_id) if one])
    return {"player": player, "picked": [*(unit.name for unit in units.values()), player.role]}


def _answers(state: Sheet) -> list[Answered]:
    tokens = state.tokens()
    items = paper.view(paper.frozen(state.paper_id), state.form, state.seed).items
    return [
        Answered(
            item.position,
            item.stem,
            tuple(one.text for one in item.options if one.token in tokens.get(item.position, ())),
        )
        for item in items
    ]


@requests.get("/requests")
@guarded(Permission.MANAGE_ATTEMPTS)
def listed() -> ResponseReturnValue:
    """List the requests of my classes; what was typed is shown to their own teachers alone."""
    at = clock.now()
    rows = queries.of_classes(scopes(me(), Permission.MANAGE_ATTEMPTS), at)
    return _listed(rows, at)


@requests.get("/contests/requests")
@guarded(Permission.REVIEW_CONTESTS)
def of_players() -> ResponseReturnValue:
    """List the requests of the players of my contests: nobody but the organizer can answer them."""
    at = clock.now()
    return _listed(queries.of_players(scopes(me(), Permission.REVIEW_CONTESTS), at), at, players=True)


def _listed(rows: list[RequestRow], at: datetime, *, players: bool = False) -> str:
    return render_template(
        "rights/requests.html",
        players=players,
        decide="requests.decide_for_player" if players else "requests.decide",
        open=[row for row in rows if row.state == "open"],
        decided=[row for row in rows if row.state != "open"],
        today=clock.local_day(at),
        kinds=operations.KINDS,
        form=forms.Answer(),
    )


@requests.post("/requests/<int:request_id>/<any(grant,refuse):decision>")
@guarded(Permission.MANAGE_ATTEMPTS)
def decide(request_id: int, decision: str) -> ResponseReturnValue:
    """Grant or refuse a request of one of my classes."""
    row = queries.request_of(request_id)
    check(Permission.MANAGE_ATTEMPTS, row.unit_path)
    if row.by_player:
        raise queries.UnknownRequest
    return _decided(row, decision, "requests.listed")


@requests.post("/contests/requests/<int:request_id>/<any(grant,refuse):decision>")
@guarded(Permission.REVIEW_CONTESTS)
def decide_for_player(request_id: int, decision: str) -> ResponseReturnValue:
    """Grant or refuse a request of a player of one of my contests."""
    row = queries.request_of(request_id)
    check(Permission.REVIEW_CONTESTS, row.unit_path)
    if not row.by_player:
        raise queries.UnknownRequest
    return _decided(row, decision, "requests.of_players")


def _decided(row: RequestRow, decision: str, back: str) -> ResponseReturnValue:
    granted = decision == "grant"
    operations.decide(
        request_id=row.id,
        granted=granted,
        answer=forms.Answer().answer.data or "",
        at=clock.now(),
        actor=actor(),
    )
    flash(_told(row, granted))
    return redirect(url_for(back), 303)


def _told(row: RequestRow, granted: bool) -> str:
    if not granted:
        return f"已答复：没有同意，{'参赛的人' if row.by_player else '同学'}在自己的回执页上看得到原因。"
    if row.kind == "delete":
        return "已同意删除，一分钟内清除。这个人仍算已完成，得分不变。"
    if row.by_player:
        return "已同意更正。要作废成绩的，请到竞赛的复核页处理。"
    return "已同意更正。请到这个序号的页面处理，例如作废重来。"


@requests.app_context_processor
def waiting_requests() -> dict[str, object]:
    """Let the class board and the navigation say how many requests wait."""
    return {"waiting_requests": _waiting}


def _waiting() -> int:
    return queries.waiting(scopes(me(), Permission.MANAGE_ATTEMPTS))
