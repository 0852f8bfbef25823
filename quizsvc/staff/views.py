"""Pages of the staff: sign-in, account, invitation, people. The only place that knows Flask-Login."""

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

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

from quizsvc import audit, clock, throttle
from quizsvc.audit import Actor
from quizsvc.core.access import ROLE_NAMES, Identity, Permission, Role, roles_to_hand_on, scopes
from quizsvc.core.password import TooEasy
from quizsvc.core.refusal import Refusal
from quizsvc.roster import queries as roster
from quizsvc.staff import forms, operations, queries
from quizsvc.web.guard import actor, check, guarded, identity, may, me, public

blueprint = Blueprint("staff", __name__, template_folder="templates", url_prefix="/staff")
manager = LoginManager()
manager.session_protection = None  # the epoch ends sign-ins; addresses change within one school network

LONGEST_S = 12 * 3600
IDLE_S = 30 * 60
SEEN_STEP_S = 60
WINDOW_S = 15 * 60
TRIES_A_LOGIN = 10
TRIES_AN_ADDRESS = 100
MOST_PEOPLE = 200
VISITOR = Actor("visitor")

NAVIGATION = (
    (
        "我的班级",
        "report.classes",
        ("report.classes", "report.board", "report.scores", "report.items", "seat."),
    ),
    ("覆盖", "report.coverage_index", ("report.coverage",)),
    ("活动", "campaign.campaigns", ("campaign.",)),
    ("题库", "bank.banks", ("bank.",)),
    ("试卷", "paper.papers", ("paper.",)),
    ("名册", "roster.index", ("roster.",)),
    ("人员", "staff.people", ("staff.people",)),
    ("帮助", "report.definitions", ("report.definitions",)),
)
"""Label, endpoint, and the beginnings of the endpoints that belong to it."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, as Flask-Login wants it."""

    identity: Identity
    epoch: int
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the session holds: staff id and epoch."""
        return f"{self.identity.staff_id}:{self.epoch}"


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
    """Return the person of a session, unless the account, its grants or the epoch have ended."""
    staff_id, _, epoch = key.partition(":")
    known = queries.identity_of(int(staff_id), int(epoch))
    return SignedIn(known, int(epoch)) if known else None


def recognise() -> None:
    """Set who is signed in on a staff page: at most 12 hours, and 30 minutes after the last page."""
    if request.path != "/staff" and not request.path.startswith("/staff/"):
        return
    at_s = int(clock.now().timestamp())
    since, seen = session.get("since", 0), session.get("seen", 0)
    if at_s - since < LONGEST_S and at_s - seen < IDLE_S and current_user.is_authenticated:
        g.identity = current_user.identity
        if at_s - seen >= SEEN_STEP_S:
            session["seen"] = at_s


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
            _enter_by_password(form.login.data, form.password.data, clock.now())
        except Refusal as refusal:
            form.password.errors = [refusal.text]
            status = refusal.status
        else:
            return redirect(_own_address(request.args.get("next", "")), 303)
    elif request.method == "GET" and identity() is not None:
        return redirect(url_for("staff.home"), 303)
    return _form_page("staff/sign_in.html", form, status)


@blueprint.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """Sign out on this device."""
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
    return _form_page("staff/account.html", form, status, person=person, role_names=ROLE_NAMES)


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
            _enter(entered, at)
            return redirect(url_for("staff.home"), 303)
    return _form_page("staff/accept.html", form, 200, invited=invited)


def _enter_by_password(login: str, password: str, at: datetime) -> None:
    address = _keyed_address()
    _limit(login, address, at)
    found = queries.credentials(login)
    if not found.match(password):
        whom = f"staff:{found.staff_id or 'unknown'}"
        audit.record_alone(actor=VISITOR, action="staff.sign_in_refused", on=whom, at=at, address=address)
        raise WrongCredentials
    entered = operations.Entered(found.staff_id or 0, found.epoch)
    _enter(entered, at)
    operations.sign_in(found=found, password=password, address=address, at=at)


def _change_password(current: str, password: str, at: datetime) -> None:
    found = queries.credentials_of(me().staff_id)
    _limit(found.login, _keyed_address(), at)
    if not found.match(current):
        raise Refusal("现在的密码不对，请再填一次。")
    _enter(operations.change_password(staff_id=me().staff_id, password=password, at=at), at)


def _enter(entered: operations.Entered, at: datetime) -> None:
    """Sign somebody in on this device; nothing of the visitor's session survives."""
    known = queries.identity_of(entered.staff_id, entered.epoch)
    if known is None:
        raise Refusal("你的账号现在没有管理任何单位。请联系给你开账号的管理员。", status=409)
    session.clear()
    login_user(SignedIn(known, entered.epoch))
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
    key = current_app.config["SETTINGS"].secret_key.encode()
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
    )


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
