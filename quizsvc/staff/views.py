"""Pages of the staff: sign-in, account, invitation, people. The only place that knows Flask-Login."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from markupsafe import Markup

from quizsvc import audit, clock, throttle, vault
from quizsvc.audit import Actor
from quizsvc.core import onetime
from quizsvc.core.access import ROLE_NAMES, Identity, Permission, Role, roles_to_hand_on, scopes
from quizsvc.core.password import TooEasy
from quizsvc.core.refusal import Refusal
from quizsvc.roster import queries as roster
from quizsvc.settings import Settings
from quizsvc.staff import forms, operations, queries
from quizsvc.web import qr
from quizsvc.web.guard import actor, check, guarded, identity, may, me, public

log = structlog.get_logger()

blueprint = Blueprint("staff", __name__, template_folder="templates", url_prefix="/staff")
manager = LoginManager()
manager.session_protection = None  # the epoch ends sign-ins; addresses change within one school network

LONGEST_S = int(operations.LONGEST_SIGN_IN.total_seconds())
IDLE_S = 30 * 60
SEEN_STEP_S = 60
SIGN_IN_BYTES = 16
WINDOW_S = 15 * 60
TRIES_A_LOGIN = 10
TRIES_AN_ADDRESS = 100
HALF_S = 5 * 60
CODE_WINDOW_S = 10 * 60
TRIES_A_CODE = 5
BEFORE_SET_UP = {"staff.two_step", "staff.sign_out"}
"""All that is open to somebody of whom the second step is required and who has not set it up."""

MOST_PEOPLE = 200
VISITOR = Actor("visitor")

NAVIGATION = (
    (
        "我的班级",
        "report.classes",
        (
            "report.classes",
            "report.board",
            "report.scores",
            "report.items",
            "seat.",
            "declarations.",
            "surveys.",
        ),
    ),
    ("数据请求", "requests.listed", ("requests.",)),
    ("覆盖", "report.coverage_index", ("report.coverage",)),
    ("通报", "bulletin.index", ("bulletin.",)),
    ("活动", "campaign.campaigns", ("campaign.",)),
    ("竞赛", "prizes.contests", ("prizes.", "rules_desk.", "review.", "draw_desk.")),
    ("题库", "bank.banks", ("bank.",)),
    ("试卷", "paper.papers", ("paper.", "sheets.")),
    ("名册", "roster.index", ("roster.",)),
    ("人员", "staff.people", ("staff.people",)),
    ("运行状况", "upkeep.state", ("upkeep.state",)),
    ("操作记录", "ledger.entries", ("ledger.",)),
    ("帮助", "report.definitions", ("report.definitions",)),
)
"""Label, endpoint, and the beginnings of the endpoints that belong to it."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, as Flask-Login wants it."""

    identity: Identity
    epoch: int
    key: str
    set_up_due: bool
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session holds: staff id, epoch, and the key of this one sign-in."""
        return f"{self.identity.staff_id}:{self.epoch}:{self.key}"


class WrongCredentials(Refusal):
    """Unknown login or wrong password: the two look the same."""

    def __init__(self) -> None:
        super().__init__("登录名或密码不对，请再试一次。忘了密码，请找管理员要一个新的链接。")


def init_app(app: Flask) -> None:
    """Know who is signed in on /staff, and give templates the main navigation."""
    manager.user_loader(load)
    # not manager.init_app: its hook reads the session of every response, so that even styles vary by cookie
    app.login_manager = manager  # type: ignore[attr-defined]  # where Flask-Login looks for it
    app.before_request(recognise)
    app.jinja_env.globals["staff_nav"] = navigation


def load(key: str) -> SignedIn | None:
    """Return the person of a session, unless the account, its grants, the epoch or this sign-in have ended."""
    staff_id, epoch, sign_in = _parts(key)
    known = queries.signed_in(int(staff_id), int(epoch), sign_in)
    return _signed_in(known, int(epoch), sign_in) if known else None


def _signed_in(known: queries.Known, epoch: int, sign_in: str) -> SignedIn:
    due = known.answers_for_much and not known.two_step and _two_step() == "required"
    return SignedIn(known.identity, epoch, sign_in, due)


def _parts(key: str) -> list[str]:
    """Take apart what a session holds; one from before sign-ins had keys has an empty one."""
    return [*key.split(":"), "", "", ""][:3]


def recognise() -> ResponseReturnValue | None:
    """Set who is signed in on a staff page: at most 12 hours, and 30 minutes after the last page."""
    if request.path != "/staff" and not request.path.startswith("/staff/"):
        return None
    at_s = int(clock.now().timestamp())
    since, seen = session.get("since", 0), session.get("seen", 0)
    if at_s - since < LONGEST_S and at_s - seen < IDLE_S and current_user.is_authenticated:
        g.identity = current_user.identity
        if at_s - seen >= SEEN_STEP_S:
            session["seen"] = at_s
        if current_user.set_up_due and request.endpoint not in BEFORE_SET_UP:
            return redirect(url_for("staff.two_step"), 303)
    return None


def navigation() -> list[tuple[str, str, bool]]:
    """List the main navigation for the signed-in person: label, address, whether we are there."""
    entries = []
    for label, endpoint, within in NAVIGATION:
        view: Any = current_app.view_functions.get(endpoint)
        if view is not None and scopes(identity(), view.access) and _is_meant(endpoint):
            entries.append((label, url_for(endpoint), (request.endpoint or "").startswith(within)))
    return entries


def _is_meant(endpoint: str) -> bool:
    """Say whether a page one may see is also one's daily work: classes are a teacher's, coverage a leader's."""
    leads = bool(scopes(identity(), Permission.EXPORT_COUNTS))
    teaches = bool(scopes(identity(), Permission.SEE_SEATS)) or not leads
    return {"report.classes": teaches, "report.coverage_index": leads}.get(endpoint, True)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in with login and password."""
    form = forms.SignIn()
    status = 200
    if form.validate_on_submit():
        try:
            whole = _enter_by_password(form.login.data, form.password.data, clock.now())
        except Refusal as refusal:
            form.password.errors = [refusal.text]
            status = refusal.status
        else:
            return redirect(_after_password(whole), 303)
    elif request.method == "GET" and identity() is not None:
        return redirect(url_for("staff.home"), 303)
    return _form_page("staff/sign_in.html", form, status)


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@public
def sign_in_code() -> ResponseReturnValue:
    """Give the one-time code that follows the password."""
    at = clock.now()
    half = _half_signed_in(at)
    if half is None:
        return redirect(url_for("staff.sign_in", next=request.args.get("next")), 303)
    form = forms.Code()
    status = 200
    if form.validate_on_submit():
        try:
            _enter_by_code(half, form.code.data, at)
        except Refusal as refusal:
            form.code.errors = [refusal.text]
            status = refusal.status
        else:
            return redirect(_own_address(request.args.get("next", "")), 303)
    return _form_page("staff/code.html", form, status)


@blueprint.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """Sign out on this device; a copy of its cookie is signed out with it."""
    *_, sign_in = _parts(session.get("_user_id", ""))
    if sign_in:
        operations.end_sign_in(sign_in=sign_in, at=clock.now())
    logout_user()
    session.clear()
    flash("已退出。")
    return redirect(url_for("staff.sign_in"), 303)


@blueprint.get("/")
@guarded(Permission.SIGNED_IN)
def home() -> ResponseReturnValue:
    """Go to the first page this person works with."""
    entries = navigation()
    return redirect(entries[0][1] if entries else url_for("staff.account"), 303)


@blueprint.route("/account", methods=["GET", "POST"])
@guarded(Permission.SIGNED_IN)
def account() -> ResponseReturnValue:
    """Show one's own account; change the password."""
    form = forms.ChangePassword()
    status = 200
    if form.validate_on_submit():
        try:
            _change_password(form.current.data, form.password.data, clock.now())
        except TooEasy as refusal:
            form.password.errors = [refusal.text]
        except Refusal as refusal:
            form.current.errors = [refusal.text]
            status = refusal.status
        else:
            flash("密码已改，其他设备上的登录都已退出。")
            return redirect(url_for("staff.account"), 303)
    person = queries.person(me().staff_id)
    return _form_page(
        "staff/account.html", form, status, person=person, role_names=ROLE_NAMES, offered=_two_step() != "off"
    )


@blueprint.route("/account/two-step", methods=["GET", "POST"])
@guarded(Permission.SIGNED_IN)
def two_step() -> ResponseReturnValue:
    """Set the second step up, or show how it stands."""
    _unless_off()
    if queries.person(me().staff_id).two_step:
        return _two_step_page(forms.PresentPassword(formdata=None), 200)
    at, form, secret = clock.now(), forms.SetUp(), _secret_to_set_up()
    if form.validate_on_submit():
        recovery = operations.RecoveryCodes.fresh()
        try:
            _check_present_password(form.current.data, at)
            entered = operations.turn_on_two_step(
                staff_id=me().staff_id,
                secret=secret,
                code=form.code.data,
                recovery=recovery,
                key_file=_key_file(),
                at=at,
            )
        except operations.WrongCode as refusal:
            form.code.errors = [refusal.text]
        except Refusal as refusal:
            form.current.errors = [refusal.text]
        else:
            _enter(entered, at)
            return _recovery_page(recovery)
    address = onetime.app_address(secret, queries.person(me().staff_id).login, _settings().brand)
    return _form_page(
        "staff/set_up.html",
        form,
        200,
        address=address,
        qr=Markup(qr.svg(address, label="两步登录的二维码")),  # noqa: S704 our own markup
        secret=onetime.in_fours(onetime.secret_text(secret)),
        due=current_user.set_up_due,
    )


@blueprint.post("/account/two-step/codes")
@guarded(Permission.SIGNED_IN)
def two_step_codes() -> ResponseReturnValue:
    """Make other recovery codes."""
    _unless_off()
    form = forms.PresentPassword()
    status = 400
    if form.validate_on_submit():
        try:
            _check_present_password(form.current.data, clock.now())
            recovery = operations.RecoveryCodes.fresh()
            operations.renew_recovery_codes(staff_id=me().staff_id, recovery=recovery, at=clock.now())
            return _recovery_page(recovery)
        except Refusal as refusal:
            form.current.errors = [refusal.text]
            status = refusal.status
    return _two_step_page(form, status)


@blueprint.post("/account/two-step/off")
@guarded(Permission.SIGNED_IN)
def two_step_off() -> ResponseReturnValue:
    """Do without the second step from now on."""
    _unless_off()
    form = forms.PresentPassword()
    status = 400
    if form.validate_on_submit():
        try:
            _turn_off_two_step(form.current.data, clock.now())
        except Refusal as refusal:
            form.current.errors = [refusal.text]
            status = refusal.status
        else:
            flash("两步登录已关闭，其他设备上的登录都已退出。")
            return redirect(url_for("staff.account"), 303)
    return _two_step_page(form, status)


@blueprint.post("/account/sign-out-everywhere")
@guarded(Permission.SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    """End one's sign-ins on all devices."""
    operations.end_sign_ins(staff_id=me().staff_id, at=clock.now(), actor=actor())
    session.clear()
    flash("所有设备都已退出。")
    return redirect(url_for("staff.sign_in"), 303)


@blueprint.route("/accept/<token>", methods=["GET", "POST"])
@public
def accept(token: str) -> ResponseReturnValue:
    """Set the password from a one-time link; only the posted form uses the link up."""
    at = clock.now()
    invited = queries.invitation(token, at)
    form = forms.NewPassword()
    if form.validate_on_submit():
        try:
            entered = operations.accept(token=token, password=form.password.data, at=at)
        except TooEasy as refusal:
            form.password.errors = [refusal.text]
        else:
            return redirect(_after_password(_enter_or_half(entered, at)), 303)
    return _form_page("staff/accept.html", form, 200, invited=invited)


def _enter_by_password(login: str, password: str, at: datetime) -> bool:
    """Sign somebody in, at least by half; say whether that was all."""
    address = _keyed_address()
    _limit(login, address, at)
    found = queries.credentials(login)
    if not found.match(password):
        whom = f"staff:{found.staff_id or 'unknown'}"
        audit.record_alone(actor=VISITOR, action="staff.sign_in_refused", on=whom, at=at, address=address)
        raise WrongCredentials
    whole = _enter_or_half(operations.Entered(found.staff_id or 0, found.epoch), at)
    step = operations.sign_in if whole else operations.pass_first_step
    step(found=found, password=password, address=address, at=at)
    return whole


def _enter_or_half(entered: operations.Entered, at: datetime) -> bool:
    """Sign somebody in on this device; when a code is still to come, only note whose it must be."""
    if _two_step() == "off" or queries.second_step(entered.staff_id, entered.epoch) is None:
        _enter(entered, at)
        return True
    session.clear()
    session["half"] = [entered.staff_id, entered.epoch, int(at.timestamp())]
    return False


def _after_password(whole: bool) -> str:
    asked = request.args.get("next", "")
    return _own_address(asked) if whole else url_for("staff.sign_in_code", next=asked or None)


def _half_signed_in(at: datetime) -> queries.SecondStep | None:
    """Return who gave the right password on this device within the last five minutes."""
    staff_id, epoch, since = session.get("half", (0, 0, 0))
    return queries.second_step(staff_id, epoch) if 0 <= at.timestamp() - since < HALF_S else None


def _enter_by_code(half: queries.SecondStep, code: str, at: datetime) -> None:
    text = "验证码试的次数太多了，请过 10 分钟再试。"
    limits = {"limit": TRIES_A_CODE, "window_s": CODE_WINDOW_S}
    throttle.take(kind="sign-in-code", subject=str(half.staff_id), at=at, text=text, **limits)
    address = _keyed_address()
    try:
        proof = half.fitting(code, key_file=_key_file(), at=at)
        if proof is None:
            raise operations.WrongCode
        operations.pass_second_step(half=half, proof=proof, address=address, at=at)
    except operations.WrongCode:
        whom = f"staff:{half.staff_id}"
        audit.record_alone(actor=VISITOR, action="staff.code_refused", on=whom, at=at, address=address)
        raise
    except vault.Unopenable as lost:
        log.error("two-step secret does not open", reason=lost.text)
        raise Refusal("现在核对不了 App 的验证码。请用恢复码登录，或者联系系统管理员。", status=409) from lost
    _enter(operations.Entered(half.staff_id, half.epoch), at)


def _change_password(current: str, password: str, at: datetime) -> None:
    _check_present_password(current, at)
    _enter(operations.change_password(staff_id=me().staff_id, password=password, at=at), at)


def _check_present_password(current: str, at: datetime) -> None:
    found = queries.credentials_of(me().staff_id)
    _limit(found.login, _keyed_address(), at)
    if not found.match(current):
        raise Refusal("现在的密码不对，请再填一次。")


def _turn_off_two_step(current: str, at: datetime) -> None:
    _check_present_password(current, at)
    _enter(operations.turn_off_two_step(staff_id=me().staff_id, at=at, actor=actor()), at)


def _two_step() -> str:
    return str(_settings().two_step)


def _unless_off() -> None:
    if _two_step() == "off":
        abort(404)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _key_file() -> Path:
    return _settings().key_file


def _secret_to_set_up() -> bytes:
    """Return the secret on its way into an app; pages that are loaded again meanwhile show the same one.

    It waits in the cookie, sealed, because a page that is only looked at writes nothing.
    """
    place, ring = vault.place("session.set_up", me().staff_id), vault.kept_ring(_key_file())
    with suppress(vault.Unopenable):
        return base64.b32decode(ring.open(session.get("set_up", ""), place=place))
    secret = secrets.token_bytes(onetime.SECRET_BYTES)
    session["set_up"] = ring.seal(base64.b32encode(secret).decode(), place=place)
    return secret


def _two_step_page(form: forms.PresentPassword, status: int) -> ResponseReturnValue:
    return _form_page(
        "staff/two_step.html",
        form,
        status,
        login=queries.person(me().staff_id).login,
        left=queries.recovery_codes_left(me().staff_id),
        of=onetime.RECOVERY_CODES,
    )


def _recovery_page(recovery: operations.RecoveryCodes) -> ResponseReturnValue:
    return render_template(
        "staff/recovery.html",
        codes=[onetime.in_fours(code) for code in recovery.codes],
        login=queries.person(me().staff_id).login,
        at=clock.now(),
    )


def _enter(entered: operations.Entered, at: datetime) -> None:
    """Sign somebody in on this device; nothing of the visitor's session survives."""
    known = queries.signed_in(entered.staff_id, entered.epoch)
    if known is None:
        raise Refusal("你的账号现在没有管理任何单位。请联系给你开账号的管理员。", status=409)
    session.clear()
    login_user(_signed_in(known, entered.epoch, secrets.token_urlsafe(SIGN_IN_BYTES)))
    session["since"] = session["seen"] = int(at.timestamp())


def _limit(login: str, address: str, at: datetime) -> None:
    """Count a try against its network and its login; both open again by themselves."""
    text = "试的次数太多了，请过 15 分钟再试。急用请找管理员要一个新的链接。"
    try:
        for kind, subject, limit in (
            ("sign-in-address", address, TRIES_AN_ADDRESS),
            ("sign-in-login", queries.folded(login), TRIES_A_LOGIN),
        ):
            throttle.take(kind=kind, subject=subject, limit=limit, window_s=WINDOW_S, at=at, text=text)
    except throttle.TooMany:
        with suppress(throttle.TooMany):  # a flood is noted once a window
            throttle.take(kind="sign-in-noted", subject=address, limit=1, window_s=WINDOW_S, at=at, text=text)
            stopped = "staff.sign_in_stopped"
            audit.record_alone(actor=VISITOR, action=stopped, on="staff", at=at, address=address)
        raise


def _keyed_address() -> str:
    """Hash the visitor's network under our key; the address itself is kept nowhere."""
    network = request.remote_addr or ""
    with suppress(ValueError):
        address = ip_address(network)
        network = address.exploded[:19] if address.version == 6 else network  # a home has a whole /64
    key = _settings().signing_keys[0].encode()
    return hmac.new(key, network.encode(), hashlib.sha256).hexdigest()[:32]


def _own_address(address: str) -> str:
    """Return where to go after the sign-in: a staff page of ours, or home."""
    return address if address.startswith("/staff/") else url_for("staff.home")


def _form_page(template: str, form: FlaskForm, status: int, **values: object) -> ResponseReturnValue:
    """Render a page with a form; one with errors is 400 unless it is told otherwise."""
    if form.errors and status == 200:
        status = 400
    return render_template(template, form=form, **values), status


@blueprint.get("/people")
@guarded(Permission.MANAGE_STAFF)
def people() -> ResponseReturnValue:
    """List who works in a unit and under it."""
    here = _unit()
    words = request.args.get("q", "").strip()[:40]
    paths = (here.path,) if here else scopes(me(), Permission.MANAGE_STAFF)
    found = queries.people_under(paths, words, MOST_PEOPLE + 1)
    above = roster.ancestors(here.path)[:-1] if here else []
    below = roster.children(here.id) if here else _tops(paths)
    return render_template(
        "staff/people.html",
        here=here,
        above=[unit for unit in above if may(Permission.MANAGE_STAFF, unit.path)],
        below=below,
        people=found[:MOST_PEOPLE],
        more=len(found) > MOST_PEOPLE,
        most=MOST_PEOPLE,
        words=words,
        inviting=bool(_offered(here, below)),
        role_names=ROLE_NAMES,
    )


@blueprint.route("/people/invite", methods=["GET", "POST"])
@guarded(Permission.MANAGE_STAFF)
def people_invite() -> ResponseReturnValue:
    """Invite somebody new to a unit; the link is shown once."""
    here = _unit()
    form = forms.Invite()
    form.offer(_offered(here, roster.children(here.id) if here else ()))
    if form.validate_on_submit():
        try:
            issued = operations.invite(
                login=form.login.data,
                name=form.name.data,
                role=Role(form.role.data),
                unit_id=here.id if here else None,
                at=clock.now(),
                actor=actor(),
            )
        except Refusal as refusal:
            form.login.errors = [refusal.text]
        else:
            return _link_page(issued)
    return _role_page("staff/invite.html", form, here)


@blueprint.route("/people/give", methods=["GET", "POST"])
@guarded(Permission.MANAGE_STAFF)
def people_give() -> ResponseReturnValue:
    """Give an account that exists one more role, here."""
    here = _unit()
    form = forms.GiveRole()
    form.offer(_offered(here, roster.children(here.id) if here else ()))
    if form.validate_on_submit():
        try:
            person = _other(queries.person_by_login(form.login.data))
            operations.grant(
                staff_id=person.staff_id,
                role=Role(form.role.data),
                unit_id=here.id if here else None,
                at=clock.now(),
                actor=actor(),
            )
        except Refusal as refusal:
            form.login.errors = [refusal.text]
        else:
            flash(f"已授权：{person.name}，{ROLE_NAMES[Role(form.role.data)]}。")
            return redirect(_people_address(here), 303)
    return _role_page("staff/give.html", form, here)


@blueprint.get("/people/<int:staff_id>")
@guarded(Permission.MANAGE_STAFF)
def people_person(staff_id: int) -> ResponseReturnValue:
    """Show one person with the grants that lie in one's own subtree."""
    person = _visible(staff_id)
    grants = [held for held in person.grants if may(Permission.MANAGE_STAFF, held.path)]
    return render_template(
        "staff/person.html",
        person=person,
        grants=[(held, _may_hand_on(held)) for held in grants],
        elsewhere=len(person.grants) - len(grants),
        mine=person.staff_id == me().staff_id,
        whole=_whole(person),
        role_names=ROLE_NAMES,
        resetting=person.two_step and may(Permission.KEEP_SERVICE, ""),
    )


@blueprint.post("/people/<int:staff_id>/two-step-off")
@guarded(Permission.KEEP_SERVICE)
def people_two_step_off(staff_id: int) -> ResponseReturnValue:
    """Take the second step off for somebody who has lost the phone and the printed codes."""
    person = _other(queries.person(staff_id))
    operations.turn_off_two_step(staff_id=staff_id, at=clock.now(), actor=actor())
    flash(f"已重设：{person.name}下次只用密码登录，登录后可以重新设置两步登录。")
    return redirect(url_for("staff.people_person", staff_id=staff_id), 303)


@blueprint.post("/people/<int:staff_id>/link")
@guarded(Permission.MANAGE_STAFF)
def people_link(staff_id: int) -> ResponseReturnValue:
    """Make a fresh link for somebody; it is shown once."""
    person = _mine_alone(staff_id)
    return _link_page(operations.issue_link(staff_id=person.staff_id, at=clock.now(), actor=actor()))


@blueprint.post("/people/<int:staff_id>/end")
@guarded(Permission.MANAGE_STAFF)
def people_end(staff_id: int) -> ResponseReturnValue:
    """End an account."""
    person = _mine_alone(staff_id)
    operations.end(staff_id=person.staff_id, at=clock.now(), actor=actor())
    flash(f"已停用：{person.name}。")
    return redirect(url_for("staff.people"), 303)


@blueprint.post("/people/<int:staff_id>/grants/<int:grant_id>/revoke")
@guarded(Permission.MANAGE_STAFF)
def people_revoke(staff_id: int, grant_id: int) -> ResponseReturnValue:
    """Take one role back."""
    person = _other(_visible(staff_id))
    held = next((held for held in person.grants if held.grant_id == grant_id), None)
    if held is None:
        abort(404)
    check(Permission.MANAGE_STAFF, held.path)
    if not _may_hand_on(held):
        raise Refusal("这个身份比你的高，请由上级来收回。", status=409)
    operations.revoke(grant_id=grant_id, at=clock.now(), actor=actor())
    flash(f"已收回：{person.name}，{held.unit_name} {ROLE_NAMES[held.role]}。")
    return redirect(url_for("staff.people"), 303)


def _unit() -> roster.UnitRow | None:
    """Return the unit of the address, one's only unit, or None for all of them together."""
    asked = forms.unit_from(request.args.get("unit", ""))
    if asked is not None:
        unit = roster.unit(asked)
        check(Permission.MANAGE_STAFF, unit.path)
        return unit
    paths = scopes(me(), Permission.MANAGE_STAFF)
    return roster.unit_at(paths[0]) if len(paths) == 1 and paths[0] else None


def _tops(paths: Sequence[str]) -> list[roster.UnitRow]:
    """List the units to start from, for somebody who looks after several subtrees or all."""
    return roster.children(None) if "" in paths else roster.at_paths(paths)


def _offered(here: roster.UnitRow | None, below: Sequence[roster.UnitRow]) -> list[Role]:
    """List the roles one may hand on here, highest first."""
    if here is None:
        return [Role.SYSADMIN] if Role.SYSADMIN in roles_to_hand_on(me(), "") else []
    mine = roles_to_hand_on(me(), here.path) - {Role.SYSADMIN}
    if below:
        mine -= queries.OF_ONE_CLASS
    return [role for role in Role if role in mine]


def _role_page(
    template: str, form: forms.Invite | forms.GiveRole, here: roster.UnitRow | None
) -> ResponseReturnValue:
    above_class = here is not None and Role.CLASS_TEACHER.value not in dict(form.role.choices)
    return _form_page(template, form, 200, here=here, above_class=above_class)


def _visible(staff_id: int) -> queries.Person:
    person = queries.person(staff_id)
    paths = ["", *(held.path for held in person.grants)]
    if not any(may(Permission.MANAGE_STAFF, path) for path in paths):
        raise queries.UnknownStaff
    return person


def _other(person: queries.Person) -> queries.Person:
    if person.staff_id == me().staff_id:
        raise Refusal("自己的账号和授权，要请另一位管理员来改。", status=409)
    return person


def _mine_alone(staff_id: int) -> queries.Person:
    """Return somebody whose whole account is in one's hands: a link to set the password opens all of it."""
    person = _other(_visible(staff_id))
    if not _whole(person):
        raise Refusal("这个账号在别处还有授权，或者身份比你的高，请由上级来处理。", status=409)
    return person


def _whole(person: queries.Person) -> bool:
    return all(_may_hand_on(held) for held in person.grants)


def _may_hand_on(held: queries.Held) -> bool:
    return held.role in roles_to_hand_on(me(), held.path)


def _link_page(issued: operations.Issued) -> ResponseReturnValue:
    public_url = current_app.config["SETTINGS"].public_url
    return render_template("staff/link.html", issued=issued, address=f"{public_url}{issued.path}")


def _people_address(here: roster.UnitRow | None) -> str:
    return url_for("staff.people", unit=here.id if here else None)
