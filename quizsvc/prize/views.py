"""What winners and everybody see of the prizes, and at the desks: console of a contest, prizes, counter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import audit, clock, tables, throttle
from quizsvc.campaign.queries import RoundRow
from quizsvc.contest import queries as contest
from quizsvc.core import lifecycle, masking
from quizsvc.core.access import Permission, scopes
from quizsvc.core.lifecycle import Move, Stage
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules, Tier
from quizsvc.draw import queries as draw
from quizsvc.prize import files, forms, operations, queries
from quizsvc.prize.queries import AwardRow, UnknownAward
from quizsvc.settings import Settings
from quizsvc.web import phone, qr
from quizsvc.web.download import attachment
from quizsvc.web.filters import NBSP, day
from quizsvc.web.guard import actor, check, guarded, may, me, public, who

blueprint = Blueprint("prize", __name__, template_folder="templates")
desk = Blueprint("prizes", __name__, template_folder="templates", url_prefix="/staff/contests")

A_PAGE: Final = 100
MOST_UNITS: Final = 60
TRIES, WINDOW_S = 10, 600
RESUME_LENGTH: Final = 8
MOVES: Final = {"announce": Move.ANNOUNCE, "hand-out": Move.HAND_OUT, "close": Move.CLOSE}
"""The moves that are made at this desk, as they stand in its addresses."""


class NotProved(Refusal):
    """Whoever asks has neither the winner's phone nor claim code and resume code."""

    def __init__(self) -> None:
        super().__init__("这两个码对不上。请看清每一位，再写一次。", status=403)


@dataclass(frozen=True, slots=True)
class Prize:
    """A prize as its winner sees it."""

    row: AwardRow
    tier: Tier
    qr: Markup | None
    code: str | None
    resume: str
    certificate: str | None
    """Its number, when it has one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A prize as the public list shows it."""

    row: AwardRow
    who: str


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk of a contest the signed-in person may go to."""

    name: str
    address: str


@blueprint.app_template_filter("last_day")
def last_day(until: datetime) -> str:
    """Write the last day of a span that ends at midnight: 12 月 20 日."""
    return day(until - timedelta(microseconds=1))


@blueprint.app_template_filter("full_day")
def full_day(at: datetime) -> str:
    """Write a day with its year: 2026 年 12 月 20 日."""
    return f"{clock.local_day(at).year}{NBSP}年{NBSP}{day(at)}"


# Public pages


@blueprint.get("/k/<code>/prize")
@public
def prize(code: str) -> ResponseReturnValue:
    """Show what was won on this phone, and where to claim it."""
    round_ = queries.contest_by_code(code)
    device = phone.device()
    return _prize_page(round_, queries.awards_on_phone(round_, device) if device else [])


@blueprint.post("/k/<code>/prize/open")
@public
def opened(code: str) -> ResponseReturnValue:
    """Show the same on another phone, to whoever has the claim code and a resume code of the player."""
    round_ = queries.contest_by_code(code)
    return _prize_page(round_, [_proved_by_codes(round_)], resume=request.form.get("resume", ""))


@blueprint.post("/k/<code>/prize/claim")
@public
def claim(code: str) -> ResponseReturnValue:
    """Keep how the winner can be reached."""
    round_ = queries.contest_by_code(code)
    row, by_codes = _proved(round_)
    operations.claim(
        round_id=round_.id,
        award_id=row.id,
        phone=request.form.get("phone", ""),
        name=request.form.get("name", ""),
        guardian=request.form.get("guardian", "") or None,
        key_file=_key_file(),
        at=clock.now(),
    )
    if not by_codes:
        return redirect(url_for(".prize", code=code), 303)
    return _prize_page(round_, [queries.award_of(round_.id, row.id)], resume=request.form.get("resume", ""))


@blueprint.post("/k/<code>/certificate")
@public
def certify(code: str) -> ResponseReturnValue:
    """Give a certificate its number and show it, ready to print."""
    round_ = queries.contest_by_code(code)
    title = request.form.get("title", "")
    mine = _participants(round_)
    if not mine:
        raise NotProved
    number = operations.issue_certificate(
        round_id=round_.id, participant_id=mine[0], title=title, at=clock.now()
    )
    return redirect(url_for(".printed", number=number), 303)


@blueprint.get("/k/<code>/winners")
@public
def winners(code: str) -> ResponseReturnValue:
    """Show who has won what, masked, and where objections go."""
    at = clock.now()
    round_ = queries.contest_by_code(code)
    facts = queries.facts([round_])[round_.id]
    rules = _rules(round_)
    announced = facts.done.get(Move.ANNOUNCE)
    page = forms.page_from(request.args.get("p", ""))
    rows = queries.awards(round_.id, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE)
    until = lifecycle.until(announced.at, rules.published_days) if announced else None
    held = draw.draw_of(round_.id)
    return render_template(
        "prize/winners.html",
        round=round_,
        rules=rules,
        announced=announced,
        until=until,
        open=until is not None and at < until,
        groups=_by_tier(rows[:A_PAGE], rules, at),
        ends=queries.END_NAMES,
        page=page,
        more=len(rows) > A_PAGE,
        proof=url_for("draw.proof", draw_id=held.id) if held and held.result else None,
    )


@blueprint.get("/v/<number>")
@public
def certificate(number: str) -> ResponseReturnValue:
    """Tell anybody whether a certificate is ours, and what it says; there is no name in it."""
    return render_template("prize/certificate.html", certificate=queries.certificate(forms.code_from(number)))


@blueprint.get("/v/<number>/print")
@public
def printed(number: str) -> ResponseReturnValue:
    """Show a certificate ready to print; a name is typed into the page and goes nowhere."""
    found = queries.certificate(forms.code_from(number))
    if found.withdrawn:
        return redirect(url_for(".certificate", number=found.code), 303)
    address = f"{_settings().public_url}{url_for('.certificate', number=found.code)}"
    return render_template(
        "prize/printed.html",
        certificate=found,
        address=address,
        qr=Markup(qr.svg(address, label="核对证书的二维码")),  # noqa: S704 our own markup
    )


def _prize_page(round_: RoundRow, rows: list[AwardRow], *, resume: str = "") -> str:
    at = clock.now()
    facts = queries.facts([round_])[round_.id]
    rules = _rules(round_)
    mine = [row.participant_id for row in rows if row.participant_id] or _participants(round_)
    numbers = queries.certificates_of(mine)
    met = Move.FREEZE in facts.done and bool(mine) and _met(round_, rules, mine[0])
    return render_template(
        "prize/prize.html",
        round=round_,
        rules=rules,
        at=at,
        stage=lifecycle.stage(facts, at),
        announced=facts.done.get(Move.ANNOUNCE),
        prizes=[_shown(row, rules, round_, numbers, resume) for row in rows],
        met=queries.MET if met else None,
        by_codes=bool(resume),
        ends=queries.END_NAMES,
    )


def _met(round_: RoundRow, rules: Rules, participant_id: int) -> bool:
    return queries.has_met(round_.id, participant_id, min(rules.qualifies, default=10000))


def _shown(
    row: AwardRow, rules: Rules, round_: RoundRow, numbers: Mapping[tuple[int, str], str], resume: str
) -> Prize:
    tier = rules.tiers[row.tier]
    picture = None
    if row.claim_code and row.state == "claimed":
        counter = url_for("prizes.counter", round_id=round_.id, code=row.claim_code)
        picture = Markup(qr.svg(f"{_settings().public_url}{counter}", label="领奖码的二维码"))  # noqa: S704 our own markup
    return Prize(
        row, tier, picture, row.claim_code, resume, numbers.get((row.participant_id or 0, tier.name))
    )


def _by_tier(rows: Iterable[AwardRow], rules: Rules, at: datetime) -> list[tuple[Tier, list[Line]]]:
    groups: dict[int, list[Line]] = {}
    for row in rows:
        groups.setdefault(row.tier, []).append(Line(row, _public_name(row, rules, at)))
    return [(rules.tiers[tier], lines) for tier, lines in groups.items()]


def _public_name(row: AwardRow, rules: Rules, at: datetime) -> str:
    """Write who has a prize, masked, for the days it is published: afterwards the list names nobody."""
    over = at >= lifecycle.until(row.granted_at, rules.published_days)
    if over or row.participant_id is None or row.state == "ended":
        return ""
    if rules.minors:
        return " ".join(filter(None, (row.shown, row.unit_name)))
    return row.shown or (masking.masked_nickname(row.nickname) if row.nickname else "")


def _participants(round_: RoundRow) -> list[int]:
    device = phone.device()
    return queries.participants_on_phone(round_, device) if device else []


def _proved(round_: RoundRow) -> tuple[AwardRow, bool]:
    """Return the prize somebody has proved to be theirs, and whether codes did it and not the phone."""
    code = forms.claim_code_from(request.form.get("claim_code", ""))
    device = phone.device()
    for row in queries.awards_on_phone(round_, device) if device else []:
        if row.claim_code == code:
            return row, False
    return _proved_by_codes(round_), True


def _proved_by_codes(round_: RoundRow) -> AwardRow:
    at = clock.now()
    code = forms.claim_code_from(request.form.get("claim_code", ""))
    throttle.take(
        kind="prize",
        subject=f"{round_.id}:{code}",
        limit=TRIES,
        window_s=WINDOW_S,
        at=at,
        text="试的次数太多了，请过十分钟再试。",
    )
    try:
        row = queries.award_of_code(round_.id, code)
    except UnknownAward:
        raise NotProved from None
    resume = forms.code_from(request.form.get("resume", ""))[
        -RESUME_LENGTH:
    ]  # the second half of a change code
    if row.participant_id is None or not queries.resumes(row.participant_id, resume):
        raise NotProved
    return row


# The console


@desk.get("")
@guarded(Permission.SEE_CONTESTS)
def contests() -> ResponseReturnValue:
    """List the contests of one's subtrees, with where each stands."""
    at = clock.now()
    found = queries.contests_under(scopes(me(), Permission.SEE_CONTESTS))
    facts = queries.facts(found)
    rows = [(round_, lifecycle.NAMES[lifecycle.stage(facts[round_.id], at)]) for round_ in found]
    return render_template("prize/contests.html", rows=rows)


@desk.get("/<int:round_id>")
@guarded(Permission.SEE_CONTESTS)
def console(round_id: int) -> ResponseReturnValue:
    """Show a contest on one page: where it stands, what comes next, its figures and desks."""
    at = clock.now()
    round_ = _entered(Permission.SEE_CONTESTS, round_id)
    facts = queries.facts([round_])[round_id]
    stage = lifecycle.stage(facts, at)
    following = lifecycle.following(stage)
    rules = queries.drawn_rules(round_id)
    return render_template(
        "prize/console.html",
        round=round_,
        at=at,
        stage=stage.value,
        stage_name=lifecycle.NAMES[stage],
        steps=lifecycle.line(facts, at),
        who=who,
        following=following,
        following_name=lifecycle.MOVE_NAMES[following] if following else None,
        irreversible=lifecycle.IRREVERSIBLE[following] if following else None,
        leads_to=_desk_of(following, round_),
        announced=facts.done.get(Move.ANNOUNCE),
        counts=contest.counts(round_id),
        stock=queries.stock(round_id, rules.tiers) if rules else [],
        units=queries.attributions(round_id, MOST_UNITS),
        desks=_desks(round_),
        screens=_screens(round_, stage),
    )


@desk.get("/<int:round_id>/move/<any('announce','hand-out','close'):move>")
@guarded(Permission.RUN_CONTESTS)
def move(round_id: int, move: str) -> ResponseReturnValue:
    """Say what a step makes irreversible before it is taken."""
    return _move_page(_entered(Permission.RUN_CONTESTS, round_id), move, forms.Confirmed(), 200)


@desk.post("/<int:round_id>/move/<any('announce','hand-out','close'):move>")
@guarded(Permission.RUN_CONTESTS)
def moved(round_id: int, move: str) -> ResponseReturnValue:
    """Take a step, once its name has been typed."""
    round_ = _entered(Permission.RUN_CONTESTS, round_id)
    form = forms.Confirmed()
    name = lifecycle.MOVE_NAMES[MOVES[move]]
    if form.validate_on_submit() and form.confirm.data.strip() != name:
        form.confirm.errors = [f"请写“{name}”，一个字也不差。"]
    if form.errors:
        return _move_page(round_, move, form, 400)
    at = clock.now()
    if move == "announce":
        number = operations.announce(round_id=round_id, key_file=_key_file(), at=at, actor=actor())
        flash(f"已公示 {number} 份奖。中奖人用自己的手机打开竞赛页就能看到领奖码。")
    elif move == "hand-out":
        operations.open_handing_out(round_id=round_id, at=at, actor=actor())
        flash("已开始发奖。发奖员可以在发奖台核对领奖码。")
    else:
        operations.close(round_id=round_id, at=at, actor=actor())
        flash("竞赛已结束。")
    return redirect(url_for("prizes.console", round_id=round_id), 303)


@desk.get("/<int:round_id>/awards")
@guarded(Permission.RUN_CONTESTS)
def awards(round_id: int) -> ResponseReturnValue:
    """List all prizes with what has become of them, and those nobody came for."""
    round_ = _entered(Permission.RUN_CONTESTS, round_id)
    at = clock.now()
    page = forms.page_from(request.args.get("p", ""))
    rows = queries.awards(round_id, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE)
    return render_template(
        "prize/awards.html",
        round=round_,
        rules=_rules(round_),
        at=at,
        rows=rows[:A_PAGE],
        page=page,
        more=len(rows) > A_PAGE,
        due=queries.lapsed(round_id, at),
        most_due=queries.MOST_DUE,
        states={**files.STATES, **queries.END_NAMES},
        who=who,
    )


@desk.post("/<int:round_id>/awards/forfeit-due")
@guarded(Permission.RUN_CONTESTS)
def forfeit_due(round_id: int) -> ResponseReturnValue:
    """End all prizes nobody claimed in time; the number of them is typed."""
    _entered(Permission.RUN_CONTESTS, round_id)
    typed = request.form.get("expected", "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 7):
        raise Refusal("请写上逾期的份数，再确认。")
    passed = operations.forfeit_due(round_id=round_id, expected=int(typed), at=clock.now(), actor=actor())
    given = sum(one.entry_id is not None for one in passed)
    flash(f"已了结 {len(passed)} 份逾期的奖，{given} 份顺延给了后面的人。")
    return redirect(url_for("prizes.awards", round_id=round_id), 303)


@desk.get("/<int:round_id>/awards/<int:award_id>")
@guarded(Permission.RUN_CONTESTS)
def award(round_id: int, award_id: int) -> ResponseReturnValue:
    """Show one prize, and what ending it would mean."""
    round_ = _entered(Permission.RUN_CONTESTS, round_id)
    return _award_page(round_, queries.award_of(round_id, award_id), forms.Ending(), 200)


@desk.post("/<int:round_id>/awards/<int:award_id>")
@guarded(Permission.RUN_CONTESTS)
def ended(round_id: int, award_id: int) -> ResponseReturnValue:
    """End a prize that is not taken, with a reason; the next in line gets it."""
    round_ = _entered(Permission.RUN_CONTESTS, round_id)
    row = queries.award_of(round_id, award_id)
    form = forms.Ending()
    if not form.validate_on_submit():
        return _award_page(round_, row, form, 400)
    end = {
        "declined": operations.decline,
        "disqualified": operations.disqualify,
        "forfeited": operations.forfeit,
    }[form.kind.data]
    passed = end(round_id=round_id, award_id=award_id, reason=form.reason.data, at=clock.now(), actor=actor())
    told = "已顺延给后面的人" if passed.entry_id else "后面没有候补了，这份奖不再发出"
    flash(f"已了结这份奖，{told}。")
    return redirect(url_for("prizes.awards", round_id=round_id), 303)


@desk.get("/<int:round_id>/winners.csv")
@guarded(Permission.SEE_CONTESTS)
def winners_file(round_id: int) -> ResponseReturnValue:
    """Send the list of winners: in full to whoever hands prizes out, masked to others; each export is recorded."""
    round_ = _entered(Permission.SEE_CONTESTS, round_id)
    at, rules = clock.now(), _rules(round_)
    rows = queries.awards(round_id)
    full = may(Permission.HAND_OUT_PRIZES, round_.campaign_unit_path)
    contacts = queries.contacts([row.id for row in rows], key_file=_key_file()) if full else None
    place = audit.record_alone(
        actor=actor(),
        action="prize.winners_exported",
        on=f"round:{round_id}",
        at=at,
        full=full,
        rows=len(rows),
    )
    body = files.winners_csv(rows, contacts, round_, rules, who=me().name, at=at, anchor=place)
    name = f"{round_.title} 中奖名单-{at.astimezone(clock.SHANGHAI):%Y%m%d-%H%M}.csv"
    return attachment(body, name=name, mimetype=tables.MIMETYPES["csv"])


# The counter


@desk.get("/<int:round_id>/counter")
@guarded(Permission.HAND_OUT_PRIZES)
def counter(round_id: int) -> ResponseReturnValue:
    """Look a claim code up: what is to be handed to whom."""
    round_ = _entered(Permission.HAND_OUT_PRIZES, round_id)
    typed = request.args.get("code", "")
    try:
        row = queries.award_of_code(round_id, forms.claim_code_from(typed)) if typed else None
    except (UnknownAward, forms.MistypedClaimCode) as unknown:
        return _counter_page(round_, None, fault=unknown.text), unknown.status
    return _counter_page(round_, row)


@desk.post("/<int:round_id>/counter/contact")
@guarded(Permission.HAND_OUT_PRIZES)
def contact(round_id: int) -> ResponseReturnValue:
    """Show how a winner can be reached; each view is recorded."""
    round_ = _entered(Permission.HAND_OUT_PRIZES, round_id)
    row = queries.award_of_code(round_id, forms.claim_code_from(request.form.get("code", "")))
    found = queries.contacts([row.id], key_file=_key_file()).get(row.id)
    audit.record_alone(actor=actor(), action="prize.contact_seen", on=f"award:{row.id}", at=clock.now())
    return _counter_page(round_, row, contact=found)


@desk.post("/<int:round_id>/counter/hand-over")
@guarded(Permission.HAND_OUT_PRIZES)
def hand_over(round_id: int) -> ResponseReturnValue:
    """Write down that the prize has been handed over."""
    _entered(Permission.HAND_OUT_PRIZES, round_id)
    row = queries.award_of_code(round_id, forms.claim_code_from(request.form.get("code", "")))
    how = forms.Handing().how.data or ""
    operations.hand_over(round_id=round_id, award_id=row.id, how=how, at=clock.now(), actor=actor())
    flash("已记下：这份奖发出了。")
    return redirect(url_for("prizes.counter", round_id=round_id, code=row.claim_code), 303)


def _counter_page(
    round_: RoundRow, row: AwardRow | None, *, contact: queries.Contact | None = None, fault: str = ""
) -> str:
    at = clock.now()
    rules = _rules(round_)
    return render_template(
        "prize/counter.html",
        round=round_,
        stage=lifecycle.stage(queries.facts([round_])[round_.id], at).value,
        row=row,
        tier=rules.tiers[row.tier] if row else None,
        lapsed=row is not None and row.is_lapsed(at),
        contact=contact,
        fault=fault,
        typed=request.values.get("code", "")[:40],
        ends=queries.END_NAMES,
        how_names=queries.HOW_NAMES,
        form=forms.Handing(formdata=None),
        who=who,
        documents=rules.documents,
        left=queries.prizes_left(round_.id),
    )


def _entered(permission: Permission, round_id: int) -> RoundRow:
    round_ = queries.contest_of(round_id)
    check(permission, round_.campaign_unit_path)
    return round_


def _rules(round_: RoundRow) -> Rules:
    rules = queries.drawn_rules(round_.id)
    if rules is None:
        raise Refusal("规则还没有公布，没有奖可以看。", status=409)
    return rules


def _move_page(round_: RoundRow, move: str, form: forms.Confirmed, status: int) -> ResponseReturnValue:
    at, step = clock.now(), MOVES[move]
    facts = queries.facts([round_])[round_.id]
    rules = queries.drawn_rules(round_.id)
    page = render_template(
        "prize/move.html",
        round=round_,
        move=move,
        name=lifecycle.MOVE_NAMES[step],
        irreversible=lifecycle.IRREVERSIBLE[step],
        refused=_refusal(step, lifecycle.stage(facts, at), facts, rules, round_.id, at),
        stock=queries.stock(round_.id, rules.tiers) if rules else [],
        rules=rules,
        form=form,
    )
    return page, status


def _refusal(
    step: Move, stage: Stage, facts: lifecycle.Facts, rules: Rules | None, round_id: int, at: datetime
) -> str:
    """Say why a step cannot be taken now; empty when it can."""
    announced = facts.done.get(Move.ANNOUNCE)
    until = lifecycle.until(announced.at, rules.published_days) if announced and rules else None
    try:
        lifecycle.check(step, stage, at, objections_until=until, prizes_left=queries.prizes_left(round_id))
    except lifecycle.NotNow as refusal:
        return refusal.text
    return ""


def _award_page(round_: RoundRow, row: AwardRow, form: forms.Ending, status: int) -> ResponseReturnValue:
    at = clock.now()
    rules = _rules(round_)
    page = render_template(
        "prize/award.html",
        round=round_,
        rules=rules,
        row=row,
        tier=rules.tiers[row.tier],
        lapsed=row.is_lapsed(at),
        states={**files.STATES, **queries.END_NAMES},
        form=form,
        who=who,
    )
    return page, status


DESKS: Final = (
    ("场次", "campaign.round_", Permission.MANAGE_CAMPAIGNS),
    ("规则", "rules_desk.edit", Permission.RUN_CONTESTS),
    ("公平核查", "review.desk", Permission.SEE_REVIEWS),
    ("封存与抽奖", "draw_desk.desk", Permission.WITNESS_DRAWS),
    ("奖品去向", "prizes.awards", Permission.RUN_CONTESTS),
    ("发奖台", "prizes.counter", Permission.HAND_OUT_PRIZES),
    ("中奖名单（CSV）", "prizes.winners_file", Permission.SEE_CONTESTS),
)
"""The desks of a contest in the order of its life."""

MADE_AT: Final = {
    Move.PUBLISH: ("rules_desk.edit", Permission.RUN_CONTESTS),
    Move.FREEZE: ("draw_desk.desk", Permission.WITNESS_DRAWS),
    Move.DRAW: ("draw_desk.desk", Permission.WITNESS_DRAWS),
    Move.ANNOUNCE: ("prizes.move", Permission.RUN_CONTESTS),
    Move.HAND_OUT: ("prizes.move", Permission.RUN_CONTESTS),
    Move.CLOSE: ("prizes.move", Permission.RUN_CONTESTS),
}
"""At which desk each move is made."""


def _desks(round_: RoundRow) -> list[Desk]:
    return [
        Desk(name, url_for(endpoint, round_id=round_.id))
        for name, endpoint, needed in DESKS
        if may(needed, round_.campaign_unit_path)
    ]


def _desk_of(step: Move | None, round_: RoundRow) -> str | None:
    """Return the address where a move is made, None for whoever may not make it."""
    endpoint, needed = MADE_AT[step] if step else ("", Permission.RUN_CONTESTS)
    if step is None or not may(needed, round_.campaign_unit_path):
        return None
    name = next((name for name, one in MOVES.items() if one is step), None)
    return url_for(endpoint, round_id=round_.id, move=name) if name else url_for(endpoint, round_id=round_.id)


def _screens(round_: RoundRow, stage: Stage) -> list[Desk]:
    """List the pages anybody may open: on the phone, in the hall."""
    if stage is Stage.DRAFT:
        return []
    held = draw.draw_of(round_.id)
    shown = [
        Desk("规则页", url_for("rulebook.rules", code=round_.code)),
        Desk("排行榜", url_for("contest.board", code=round_.code)),
        Desk("人数大屏", url_for("contest.screen", code=round_.code)),
        Desk("中奖名单", url_for("prize.winners", code=round_.code)),
    ]
    if held:
        shown += [
            Desk("抽奖公示", url_for("draw.proof", draw_id=held.id)),
            Desk("抽奖现场大屏", url_for("draw.stage", draw_id=held.id)),
        ]
    return shown


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _key_file() -> Path:
    return _settings().key_file
