"""Staff pages of class links, their QR codes and posters; the public page of a poster."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import clock
from quizsvc.campaign import queries as campaign
from quizsvc.core.access import Permission
from quizsvc.core.refusal import Refusal
from quizsvc.link import files, forms, operations, queries
from quizsvc.link.files import Poster
from quizsvc.link.queries import Door
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.settings import Settings
from quizsvc.web import qr
from quizsvc.web.download import attachment, picture
from quizsvc.web.filters import moment
from quizsvc.web.guard import actor, check, guarded, may, public

LONGEST_INVITATION = 140
MOST_POSTERS = 300
REPORT_LINE = "96110"
FOR_EVERYBODY: dict[str, Any] = {
    "whose": "推广单位",
    "steps": (("起个昵称", "不注册，不填手机号"), ("答完看成绩", "不收费，不用转发")),
}
"""What a poster says in a contest that is played under nicknames."""
WITHOUT_MARKS: dict[str, dict[str, Any]] = {
    "receipt": {
        "headline": ("先读一读", "再交回执"),
        "lede": "请家长用微信扫码，读完告知书，选“是”或“否”。",
        "steps": (("点孩子的序号", "再核对班级和序号"), ("选是或否", "写上名字，不收费")),
        "asked": "请家长扫码，读完告知书，选“是”或“否”",
        "where": "家长看得到的地方",
    },
    "pledge": {
        "headline": ("先读一遍", "再签名字"),
        "lede": "微信扫码，读完责任书全文，再签名。",
        "steps": (("点自己的序号", "再核对单位和序号"), ("读完签名", "签好的那份可以留着")),
        "asked": "请扫码读完责任书全文，再签名",
        "where": "签的人看得到的地方",
    },
    "adoption": {
        "headline": ("一项一项", "都做到了吗"),
        "lede": "微信扫码，一项一项看做到了没有，没做到的照着做。",
        "steps": (("点自己的序号", "再核对单位和序号"), ("一项一项填", "做到了随时可以改")),
        "asked": "请扫码一项一项填，做到了随时可以改",
        "where": "人来人往的地方",
    },
    "survey": {
        "headline": ("说一说", "您的想法"),
        "lede": "微信扫码，答几个问题，不记名。",
        "steps": (("点自己的序号", "只记谁答过"), ("答完就交", "谁答了什么，谁也查不到")),
        "asked": "请扫码答几个问题，不记名",
        "where": "人来人往的地方",
    },
}
"""What posters, screens and messages say of what is read and signed, or asked without marks."""
NAMELESS_STEP = ("直接打开", "不注册，不写姓名")
_POSTER_NUMBER = re.compile(r"[0-9]{4}-[0-9]{4,8}")

blueprint = Blueprint("link", __name__, template_folder="templates")


class NoLink(Refusal):
    """The unit has no live link into the round."""

    def __init__(self) -> None:
        super().__init__("这个班现在没有能用的链接，请先发放。", status=404)


@dataclass(frozen=True, slots=True)
class Row:
    """One class in the list, with its link if it has one."""

    unit_id: int
    unit_name: str
    place: str
    door: Door | None
    state: str


@blueprint.get("/staff/links/<int:round_id>/under/<int:unit_id>")
@guarded(Permission.SHOW_LINKS)
def under(round_id: int, unit_id: int) -> str:
    """List the links of all classes under a unit."""
    round_, unit = _entered(Permission.SHOW_LINKS, round_id, unit_id)
    rows = _rows(round_, unit.path, clock.now())
    return render_template(
        "link/links.html",
        round=round_,
        unit=unit,
        rows=rows,
        linked=sum(row.door is not None for row in rows if not row.place),
        classes=sum(not row.place for row in rows),
        may_manage=may(Permission.MANAGE_LINKS, unit.path),
        host=_settings().public_host,
    )


@blueprint.post("/staff/links/<int:round_id>/under/<int:unit_id>/issue")
@guarded(Permission.MANAGE_LINKS)
def issue_all(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Give every class under a unit its link."""
    round_, unit = _entered(Permission.MANAGE_LINKS, round_id, unit_id)
    issued = operations.issue_links(
        round_id=round_id,
        unit_ids=[one.id for one in queries.classes(round_, unit.path)],
        at=clock.now(),
        actor=actor(),
    )
    flash(f"新发 {issued.new} 个链接，原有的 {issued.existing} 个不变。")
    return redirect(url_for(".under", round_id=round_id, unit_id=unit_id), 303)


@blueprint.get("/staff/links/<int:round_id>/under/<int:unit_id>/posters")
@guarded(Permission.SHOW_LINKS)
def posters(round_id: int, unit_id: int) -> str:
    """Show the posters of all classes under a unit, to print from the browser."""
    _, unit = _entered(Permission.SHOW_LINKS, round_id, unit_id)
    actions = [
        ("下载 PDF", url_for(".posters_pdf", round_id=round_id, unit_id=unit_id)),
        ("返回", url_for(".under", round_id=round_id, unit_id=unit_id)),
    ]
    return _poster_page(_printable(round_id, unit.path), actions)


@blueprint.get("/staff/links/<int:round_id>/under/<int:unit_id>/posters.pdf")
@guarded(Permission.SHOW_LINKS)
def posters_pdf(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the posters of all classes under a unit as one PDF."""
    _, unit = _entered(Permission.SHOW_LINKS, round_id, unit_id)
    doors = _printable(round_id, unit.path)
    accounts = _accounts(doors)
    pdf = files.posters_pdf([_poster(door, accounts) for door in doors])
    return attachment(pdf, name=f"{unit.name}反诈海报.pdf", mimetype="application/pdf")


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>")
@guarded(Permission.SHOW_LINKS)
def class_link(round_id: int, unit_id: int) -> str:
    """Show the link of one class: QR, address, phrase, poster, text for the group, what may be changed."""
    round_, unit = _entered(Permission.SHOW_LINKS, round_id, unit_id)
    door = queries.door_of(round_id, unit_id, _place())
    at = clock.now()
    shown: dict[str, Any] = {"door": None}
    if door is not None:
        shown = _link_facts(door, at)
    may_manage = may(Permission.MANAGE_LINKS, unit.path)
    if door is not None and may_manage:
        shown |= _choices(door, unit, at)
    return render_template(
        "link/class_link.html", round=round_, unit=unit, place=_place(), may_manage=may_manage, **shown
    )


@blueprint.post("/staff/links/<int:round_id>/<int:unit_id>/issue")
@guarded(Permission.MANAGE_LINKS)
def issue(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Give one class a link, for its classroom or for another place."""
    _entered(Permission.MANAGE_LINKS, round_id, unit_id)
    place = (forms.Issue().place.data or "").strip()
    operations.issue_links(round_id=round_id, unit_ids=[unit_id], place=place, at=clock.now(), actor=actor())
    flash("链接已发放，海报也准备好了。")
    return _to_class(round_id, unit_id, place)


@blueprint.post("/staff/links/<int:round_id>/<int:unit_id>/repoint")
@guarded(Permission.MANAGE_LINKS)
def repoint(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Let the printed code lead elsewhere."""
    door = _door(Permission.MANAGE_LINKS, round_id, unit_id)
    form = forms.Repoint()
    if not form.validate():
        raise Refusal("请选好新的场次和班级。")
    _entered(Permission.MANAGE_LINKS, form.round_id.data, form.unit_id.data)
    operations.repoint(
        link_id=door.link_id,
        round_id=form.round_id.data,
        unit_id=form.unit_id.data,
        at=clock.now(),
        actor=actor(),
    )
    flash("已换指向。印好的海报不用换，扫码就到新的地方。")
    return _to_class(form.round_id.data, form.unit_id.data, door.place)


@blueprint.post("/staff/links/<int:round_id>/<int:unit_id>/revoke")
@guarded(Permission.MANAGE_LINKS)
def revoke(round_id: int, unit_id: int) -> ResponseReturnValue:
    """End a link for ever."""
    door = _door(Permission.MANAGE_LINKS, round_id, unit_id)
    operations.revoke(link_id=door.link_id, at=clock.now(), actor=actor())
    flash("这个链接已停用，旧海报请撕下。需要的话再发一个新的。")
    return _to_class(round_id, unit_id, door.place)


@blueprint.post("/staff/links/<int:round_id>/<int:unit_id>/extend")
@guarded(Permission.MANAGE_LINKS)
def extend(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Give one class more time."""
    door = _door(Permission.MANAGE_LINKS, round_id, unit_id)
    form = forms.Extend()
    if not form.validate():
        raise Refusal("请写好这个班新的结束时间。")
    operations.extend(link_id=door.link_id, closes_at=form.moment(), at=clock.now(), actor=actor())
    flash("这个班已延长，别的班不变。")
    return _to_class(round_id, unit_id, door.place)


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/qr.png")
@guarded(Permission.SHOW_LINKS)
def qr_png(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the QR code as a PNG, which WeChat recognises on a long press."""
    return picture(qr.png(_qr_address(round_id, unit_id)), "image/png")


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/qr.svg")
@guarded(Permission.SHOW_LINKS)
def qr_svg(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the QR code as SVG, sharp at any size."""
    return picture(qr.svg(_qr_address(round_id, unit_id)).encode(), "image/svg+xml")


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/projector")
@guarded(Permission.SHOW_LINKS)
def projector(round_id: int, unit_id: int) -> str:
    """Show the QR code as large as a classroom screen allows."""
    door = _door(Permission.SHOW_LINKS, round_id, unit_id)
    return render_template(
        "link/projector.html",
        door=door,
        host=_settings().public_host,
        typed_url=_typed(door),
        steps=_steps(door.round),
    )


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/poster")
@guarded(Permission.SHOW_LINKS)
def poster(round_id: int, unit_id: int) -> str:
    """Show the poster of a class, to print from the browser."""
    door = _door(Permission.SHOW_LINKS, round_id, unit_id)
    actions = [
        ("下载 PDF", _of_door(".poster_pdf", door)),
        ("返回", _of_door(".class_link", door)),
    ]
    return _poster_page([door], actions)


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/poster.pdf")
@guarded(Permission.SHOW_LINKS)
def poster_pdf(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the poster of a class as PDF."""
    door = _door(Permission.SHOW_LINKS, round_id, unit_id)
    pdf = files.posters_pdf([_poster(door, _accounts([door]))])
    return attachment(pdf, name=f"{door.unit_name}{door.place}反诈海报.pdf", mimetype="application/pdf")


@blueprint.get("/staff/links/<int:round_id>/<int:unit_id>/poster.png")
@guarded(Permission.SHOW_LINKS)
def poster_png(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Send the poster of a class as a picture for the class group."""
    door = _door(Permission.SHOW_LINKS, round_id, unit_id)
    png = files.poster_png(_poster(door, _accounts([door]), source="g"))
    return attachment(png, name=f"{door.unit_name}{door.place}反诈海报.png", mimetype="image/png")


@blueprint.get("/p/<poster_number>")
@public
def public_poster(poster_number: str) -> ResponseReturnValue:
    """Tell anybody whether a poster is ours; the class's code itself is not shown, numbers can be guessed."""
    door = queries.poster(poster_number) if _POSTER_NUMBER.fullmatch(poster_number) else None
    page = render_template(
        "link/public_poster.html",
        door=door,
        state=door.state(clock.now()) if door else "unknown",
        begins=f"{_settings().public_url}/c/",
        host=_settings().public_host,
        report_line=REPORT_LINE,
    )
    return page, 200 if door else 404


def _entered(permission: Permission, round_id: int, unit_id: int) -> tuple[campaign.RoundRow, roster.UnitRow]:
    """The round and the unit, if one may and if they have to do with each other; otherwise 404."""
    unit = roster.unit(unit_id)
    check(permission, unit.path)
    round_ = campaign.round_of(round_id)
    opened_to = campaign.round_paths(round_id)
    if not any(path.startswith(unit.path) or unit.path.startswith(path) for path in opened_to):
        abort(404)
    return round_, unit


def _door(permission: Permission, round_id: int, unit_id: int) -> Door:
    _, unit = _entered(permission, round_id, unit_id)
    door = queries.door_of(round_id, unit.id, _place())
    if door is None:
        raise NoLink
    return door


def _place() -> str:
    place = request.args.get("place", "")
    if not place.isprintable():
        abort(404)
    return place


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _typed(door: Door) -> str:
    """The address as one types it, without the scheme that browsers add."""
    return door.address(_settings().public_url).partition("://")[2]


def _of_door(endpoint: str, door: Door) -> str:
    return url_for(endpoint, round_id=door.round.id, unit_id=door.unit_id, place=door.place or None)


def _to_class(round_id: int, unit_id: int, place: str) -> ResponseReturnValue:
    return redirect(url_for(".class_link", round_id=round_id, unit_id=unit_id, place=place or None), 303)


def _rows(round_: campaign.RoundRow, path: str, at: datetime) -> list[Row]:
    """Every class with its classroom's link or none, and the links of other places after it."""
    doors: dict[int, list[Door]] = {}
    for door in queries.doors_of(round_.id, path):
        doors.setdefault(door.unit_id, []).append(door)
    rows = []
    for unit in queries.classes(round_, path):
        known = doors.pop(unit.id, [])
        if not any(not door.place for door in known):
            rows.append(Row(unit.id, unit.name, "", None, "没有链接"))
        rows += [_row(door, at) for door in known]
    return rows + [_row(door, at) for rest in doors.values() for door in rest]


def _row(door: Door, at: datetime) -> Row:
    return Row(door.unit_id, door.unit_name, door.place, door, queries.STATE_NAMES[door.state(at)])


def _link_facts(door: Door, at: datetime) -> dict[str, Any]:
    return {
        "door": door,
        "address": door.address(_settings().public_url),
        "state": door.state(at),
        "state_name": queries.STATE_NAMES[door.state(at)],
        "invitation": invitation(door, door.address(_settings().public_url, "g")),
        "of_door": _of_door,
    }


def _choices(door: Door, unit: roster.UnitRow, at: datetime) -> dict[str, Any]:
    """Where the code may lead instead: running or coming rounds, classes of the same school."""
    above = [one for one in roster.ancestors(unit.path) if one.kind in queries.SCHOOLS]
    home = above[-1].path if above else unit.path
    return {
        "rounds": [one for one in campaign.rounds_over([unit.path]) if one.window().state(at) != "closed"],
        "classes": [
            one
            for one in roster.under(home)
            if (one.kind == "class" or one.id == unit.id) and may(Permission.MANAGE_LINKS, one.path)
        ],
        "later": (door.closes_at + timedelta(days=1)).astimezone(clock.SHANGHAI).strftime("%Y-%m-%dT%H:%M"),
    }


def _qr_address(round_id: int, unit_id: int) -> str:
    door = _door(Permission.SHOW_LINKS, round_id, unit_id)
    source = request.args.get("s", "")
    return door.address(_settings().public_url, source if source in ("g", "s") else "")


def invitation(door: Door, address: str) -> str:
    """Write the text for the class group: at most 140 characters, no name, no count; a long title is cut."""
    kind = door.round.kind
    asked = WITHOUT_MARKS[kind]["asked"] if kind in WITHOUT_MARKS else "用几分钟练一次识骗"
    said = (
        f"{'反诈有奖竞赛，答题就能参加' if door.round.is_contest else asked}：{address} "
        f"截止 {moment(door.closes_at)}。打开先核对“{door.phrase}”。"
        f"不要密码、验证码、银行卡，也不收钱{'，不用转发' if door.round.is_contest else ''}。"
    )
    room = LONGEST_INVITATION - len(said) - 2
    title = door.round.title if len(door.round.title) <= room else f"{door.round.title[: max(room - 1, 0)]}…"
    return f"【{title}】{said}"


def _printable(round_id: int, path: str) -> list[Door]:
    doors = queries.doors_of(round_id, path)
    if not doors:
        raise Refusal("还没有发放链接，没有海报可以打印。", status=409)
    if len(doors) > MOST_POSTERS:
        raise Refusal(f"一次最多 {MOST_POSTERS} 张海报，这里有 {len(doors)} 张，请按学校下载。")
    return doors


def _accounts(doors: Sequence[Door]) -> tuple[files.Account, ...]:
    """The official accounts of the one campaign the doors belong to."""
    pictures = campaign.account_images(doors[0].round.campaign_id)
    return tuple(files.Account(name, image) for name, image in pictures)


def _steps(round_: campaign.RoundRow) -> tuple[tuple[str, str], ...]:
    """The two steps after the phrase has been compared."""
    if round_.is_public:
        steps: tuple[tuple[str, str], ...] = FOR_EVERYBODY["steps"]
    elif round_.is_quiz:
        steps = Poster.steps
    else:
        steps = WITHOUT_MARKS[round_.kind]["steps"]
    return (NAMELESS_STEP, *steps[1:]) if round_.is_nameless else steps


def _whose(round_: campaign.RoundRow) -> str:
    """What stands above the name of the unit."""
    if round_.is_public:
        return str(FOR_EVERYBODY["whose"])
    return "单位" if round_.is_nameless or round_.kind in ("pledge", "adoption") else "班级"


def _lede(round_: campaign.RoundRow) -> str:
    if not round_.is_quiz:
        return str(WITHOUT_MARKS[round_.kind]["lede"])
    frozen = paper.frozen(round_.paper_id)
    return f"{frozen.blueprint.item_count} 道题，约 {paper.minutes(frozen)} 分钟，看你能识破几个骗局。"


def _hung(door: Door) -> str:
    """Where a poster is to be put up."""
    if door.place:
        return door.place
    if door.round.is_quiz:
        return "人来人往的地方" if door.round.is_public else "教室前门内侧"
    return str(WITHOUT_MARKS[door.round.kind]["where"])


def _poster(door: Door, accounts: tuple[files.Account, ...], source: str = "") -> Poster:
    round_ = door.round
    return Poster(
        headline=("先停一停，", "再扫一扫") if round_.is_quiz else WITHOUT_MARKS[round_.kind]["headline"],
        lede=_lede(round_),
        issuers=" · ".join(round_.organisers),
        class_name=f"{door.unit_name} · {door.place}" if door.place else door.unit_name,
        school_name=door.school_name,
        phrase=str(door.phrase),
        deadline=moment(door.closes_at),
        url=door.address(_settings().public_url, source),
        host=_settings().public_host,
        typed_url=_typed(door),
        hotline=round_.hotline,
        accounts=accounts,
        footnote=f"请贴在{_hung(door)}，高度约 1.3 米",
        poster_number=f"查真伪 {_settings().public_host}/p/{door.poster_number}",
        watermark=round_.watermark,
        whose=_whose(round_),
        steps=_steps(round_),
    )


def _label(round_: campaign.RoundRow) -> str:
    return f"{'答题' if round_.is_quiz else round_.words.name}二维码"


def _poster_page(doors: Sequence[Door], actions: Sequence[tuple[str, str]]) -> str:
    """The posters as a page: pictures of the accounts by address instead of by value."""
    campaign_id = doors[0].round.campaign_id
    srcs = [
        (account.name, url_for("campaign.account_image", campaign_id=campaign_id, position=account.position))
        for account in campaign.accounts(campaign_id)
    ]
    shown = []
    for door in doors:
        sheet = _poster(door, ())
        code = Markup(qr.svg(sheet.url, files.POSTER_LEVEL, label=_label(door.round)))  # noqa: S704 our own markup, no text of others in it
        shown.append({**vars(sheet), "qr_svg": code, "account_srcs": srcs})
    return render_template("link/poster.html", posters=shown, actions=actions)
