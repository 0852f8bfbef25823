"""The public proof of a draw with its files and the stage for the hall; the desk where it is frozen and drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from quizsvc import audit, clock
from quizsvc.attempt import queries as attempt
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import draw as lots
from quizsvc.core import lifecycle, publicvalue, rulebook
from quizsvc.core.access import Permission
from quizsvc.core.lifecycle import Move
from quizsvc.core.masking import masked_nickname
from quizsvc.core.rulebook import Rules
from quizsvc.draw import files, forms, operations, queries
from quizsvc.draw.queries import DrawRow, WinnerRow
from quizsvc.roster import queries as roster
from quizsvc.web import qr
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, check, guarded, may, public, who

blueprint = Blueprint("draw", __name__, url_prefix="/d", template_folder="templates")
desk_of = Blueprint("draw_desk", __name__, url_prefix="/staff/contests", template_folder="templates")

FILE_NAMES: Final = {
    lots.ENTRIES: "封存的名单",
    lots.WAVES: "每个编号在第几批",
    lots.RULES: "规则原文",
    lots.DRAW: "抽奖编号、指纹、公开数值",
    lots.ORDER: "抽出的全部顺序",
    lots.WINNERS: "中奖编号",
}
ONE_BY_ONE: Final = 5
"""A grade with so few prizes is revealed one winner at a time on the stage."""

A_SCREEN: Final = 12
LONGEST_ENTRY: Final = 40
KEPT_S: Final = 3600


@dataclass(frozen=True, slots=True)
class TierShown:
    """A grade of prizes with those who hold them."""

    name: str
    item: str
    number: int
    by: str
    winners: tuple[WinnerRow, ...]


@dataclass(frozen=True, slots=True)
class Download:
    """A file to be fetched."""

    name: str
    words: str
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands that somebody asked for."""

    entry_id: str
    listed: bool
    place: int | None
    prize: str


@dataclass(frozen=True, slots=True)
class Screen:
    """What the stage shows at one step. part: list, value or win; shown: how many of the winners are revealed."""

    part: str
    tier: TierShown | None = None
    first: int = 0
    shown: int = 0

    @property
    def winners(self) -> tuple[WinnerRow, ...]:
        """Those who have been revealed, and the one who comes next with them."""
        return self.tier.winners[self.first : self.shown] if self.tier else ()


@blueprint.get("/<draw_id>")
@public
def proof(draw_id: str) -> str:
    """Show everybody what was frozen, what was drawn, and how to check it."""
    draw = queries.draw_named(draw_id)
    rules = queries.rules(draw_id)
    tiers = _tiers(rules, queries.winners(draw_id))
    return render_template(
        "draw/proof.html",
        draw=draw,
        round=campaign.round_of(draw.round_id),
        rules=rules,
        tiers=tiers,
        notices=queries.notices(draw_id),
        downloads=[Download(name, FILE_NAMES[name], size) for name, size in queries.sizes(draw_id).items()],
        verifier=len(files.verifier()),
        source_names=rulebook.SOURCES,
        place=_asked(draw, tiers),
        entry=_entry(),
    )


@blueprint.get(
    '/<draw_id>/<any("entries.txt","waves.txt","rules.json","draw.json","order.txt","winners.json"):file>'
)
@public
def file(draw_id: str, file: str) -> Response:
    """Send one file of a draw as it was written; none of them ever changes."""
    queries.draw_named(draw_id)
    size = queries.sizes(draw_id).get(file)
    if size is None:
        abort(404)
    return _streamed(_apart(draw_id, file), file, size)


@blueprint.get("/<draw_id>/verify.py")
@public
def verifier(draw_id: str) -> Response:
    """Send the program with which anybody can check a draw on their own computer."""
    queries.draw_named(draw_id)
    return attachment(files.verifier(), name=files.VERIFIER, mimetype=files.mimetype(files.VERIFIER))


@blueprint.get("/<draw_id>/bundle.zip")
@public
def bundle(draw_id: str) -> Response:
    """Send everything in one ZIP."""
    draw = queries.draw_named(draw_id)
    parts = [(name, _apart(draw.id, name)) for name in queries.sizes(draw.id)]
    made_at = draw.result.drawn_at if draw.result else draw.frozen_at
    response = _streamed(files.zipped(parts, made_at), "bundle.zip", None)
    del response.headers["Cache-Control"]  # the draw adds files to it
    name = f"draw-{draw.id[: operations.NAME_LENGTH]}.zip"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    return response


@blueprint.get("/<draw_id>/stage")
@public
def stage(draw_id: str) -> str:
    """Show the draw in a hall, step by step; it reveals what has been recorded and decides nothing."""
    draw = queries.draw_named(draw_id)
    round_, rules = campaign.round_of(draw.round_id), queries.rules(draw_id)
    screens = _screens(draw, _tiers(rules, queries.winners(draw_id)))
    step = min(max(request.args.get("step", 0, type=int), 0), len(screens) - 1)
    address = url_for("draw.proof", draw_id=draw.id)
    return render_template(
        "draw/stage.html",
        draw=draw,
        round=round_,
        minors=rules.minors,
        screen=screens[step],
        step=step,
        last=len(screens) - 1,
        names=_names(draw, rules, screens[step].winners),
        qr=Markup(qr.svg(f"{_public_url()}{address}", label="抽奖公示页的二维码")),  # noqa: S704 our own markup
    )


@desk_of.get("/<int:round_id>/draw")
@guarded(Permission.WITNESS_DRAWS)
def desk(round_id: int) -> str:
    """Show where the draw stands, what it waits for, and the one step that comes next."""
    round_ = _entered(Permission.WITNESS_DRAWS, round_id)
    at, draw = clock.now(), queries.draw_of(round_id)
    shown: dict[str, Any] = {}
    if draw is None:
        conditions = queries.conditions(round_id, at)
        shown = {
            "conditions": conditions,
            "blocked": any(not one.met and one.blocks for one in conditions),
            "waived": any(not one.met and not one.blocks for one in conditions),
            "form": forms.Freeze(),
        }
    else:
        shown = {
            "notices": queries.notices(draw.id),
            "known": at >= draw.known_at,
            "mine": actor().text == draw.frozen_by,
            "dice": [publicvalue.dice_for(source.bits) for source in draw.sources],
            "form": forms.Notice(),
        }
    return render_template(
        "draw/desk.html",
        round=round_,
        draw=draw,
        at=at,
        may_freeze=may(Permission.RUN_CONTESTS, round_.campaign_unit_path),
        irreversible={
            "freeze": lifecycle.IRREVERSIBLE[Move.FREEZE],
            "draw": lifecycle.IRREVERSIBLE[Move.DRAW],
        },
        source_names=rulebook.SOURCES,
        who=who,
        **shown,
    )


@desk_of.post("/<int:round_id>/draw/freeze")
@guarded(Permission.RUN_CONTESTS)
def freeze(round_id: int) -> ResponseReturnValue:
    """Freeze the list and publish its hash."""
    _entered(Permission.RUN_CONTESTS, round_id)
    at, form = clock.now(), forms.Freeze()
    if queries.draw_of(round_id) is not None:
        raise operations.FrozenAlready
    operations.freeze(
        plan=queries.plan(round_id, at),
        confirmation=form.confirmation.data or "",
        waiver=form.waiver.data or "",
        at=at,
        actor=actor(),
    )
    flash("名单已经封存，指纹已经公开。请把公示页的网址发出去，越多人记下指纹越好。")
    return redirect(url_for("draw_desk.desk", round_id=round_id), 303)


@desk_of.post("/<int:round_id>/draw/notice")
@guarded(Permission.RUN_CONTESTS)
def notice(round_id: int) -> ResponseReturnValue:
    """Say on the public page what has to be said before the draw."""
    _entered(Permission.RUN_CONTESTS, round_id)
    operations.announce_notice(
        round_id=round_id, text=forms.Notice().text.data or "", at=clock.now(), actor=actor()
    )
    flash("公告已经登在公示页上，不能收回。")
    return redirect(url_for("draw_desk.desk", round_id=round_id), 303)


@desk_of.post("/<int:round_id>/draw/value")
@guarded(Permission.WITNESS_DRAWS)
def value(round_id: int) -> ResponseReturnValue:
    """Record the public value, which decides everything."""
    round_ = _entered(Permission.WITNESS_DRAWS, round_id)
    draw = queries.draw_of(round_id)
    if draw is None:
        raise operations.NotYet("名单还没有封存。")
    if draw.result is not None:
        raise operations.DrawnAlready
    typed = forms.typed(request.form, len(draw.sources))
    operations.run_draw(
        drawn=queries.drawn(draw, typed.values, typed.replaced),
        proof=typed.proof,
        confirmation=typed.confirmation,
        code=round_.code,
        at=clock.now(),
        actor=actor(),
    )
    flash("公开数值已经记下，顺序和中奖编号已经算好，公示页上可以验算了。")
    return redirect(url_for("draw_desk.desk", round_id=round_id), 303)


@desk_of.get("/<int:round_id>/draw/protocol")
@guarded(Permission.SEE_CONTESTS)
def protocol(round_id: int) -> str:
    """Show the protocol of the draw, to be printed and signed."""
    round_ = _entered(Permission.SEE_CONTESTS, round_id)
    draw = queries.draw_of(round_id)
    if draw is None:
        raise queries.UnknownDraw
    rules = queries.rules(draw.id)
    return render_template(
        "draw/protocol.html",
        round=round_,
        draw=draw,
        rules=rules,
        tiers=_tiers(rules, queries.winners(draw.id)),
        notices=queries.notices(draw.id),
        source_names=rulebook.SOURCES,
        address=f"{_public_url()}{url_for('draw.proof', draw_id=draw.id)}",
        qr=Markup(qr.svg(f"{_public_url()}{url_for('draw.proof', draw_id=draw.id)}")),  # noqa: S704 our own markup
        anchor=audit.anchor(),
        at=clock.now(),
        account=_account,
    )


def _account(actor_text: str) -> str:
    """Name an account on paper, where nobody is "me"."""
    kind, _, number = actor_text.partition(":")
    return f"{number} 号账号" if kind == "staff" else actor_text


def _entered(permission: Permission, round_id: int) -> RoundRow:
    round_ = campaign.round_of(round_id)
    check(permission, round_.campaign_unit_path)
    return round_


def _tiers(rules: Rules, winners: Sequence[WinnerRow]) -> list[TierShown]:
    return [
        TierShown(
            tier.name, tier.item, tier.number, tier.by, tuple(one for one in winners if one.tier == index)
        )
        for index, tier in enumerate(rules.tiers)
    ]


def _screens(draw: DrawRow, tiers: Sequence[TierShown]) -> list[Screen]:
    """The steps of the ceremony: the list, the value, then the grades, the highest last."""
    screens = [Screen("list")]
    if draw.result is None:
        return screens
    screens += [Screen("value")] if draw.by_lot else []
    for tier in reversed(tiers):
        many = len(tier.winners)
        if many <= ONE_BY_ONE:
            screens += [Screen("win", tier, 0, shown) for shown in range(many + 1)]
        else:
            screens += [
                Screen("win", tier, first, min(first + A_SCREEN, many)) for first in range(0, many, A_SCREEN)
            ]
    return screens


def _names(draw: DrawRow, rules: Rules, winners: Sequence[WinnerRow]) -> dict[str, str]:
    """What the hall may read beside an entry: a masked nickname and a unit; of minors the unit alone."""
    known = attempt.players_of_entries(draw.round_id, [one.entry_id for one in winners]) if winners else {}
    units = roster.units(one.place_id for one in known.values() if one.place_id) if known else {}
    told = {}
    for entry, player in known.items():
        nickname = masked_nickname(player.nickname) if player.nickname and not rules.minors else ""
        unit = units[player.place_id].name if player.place_id in units else ""
        told[entry] = " · ".join(part for part in (nickname, unit) if part)
    return told


def _entry() -> str:
    return request.args.get("entry", "").strip().upper()[:LONGEST_ENTRY]


def _asked(draw: DrawRow, tiers: Sequence[TierShown]) -> Place | None:
    """Find the entry that somebody asked for, as people type it."""
    entry = _entry().replace("-", "").replace(" ", "")
    if not entry:
        return None
    prize = next((tier.name for tier in tiers for one in tier.winners if one.entry_id == entry), "")
    if draw.result is None:
        return Place(entry, queries.is_listed(draw.id, entry), None, prize)
    place = queries.place_of(draw.id, entry)
    return Place(entry, place is not None, place, prize)


def _apart(draw_id: str, file: str) -> Iterator[bytes]:
    """Walk a file while it is sent, piece by piece, each in a short transaction of its own."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy has it

    def parts() -> Iterator[bytes]:
        for number in count():
            with app.app_context():
                part = queries.piece(draw_id, file, number)
            if part is None:
                return
            yield part

    return parts()


def _streamed(parts: Iterator[bytes], name: str, size: int | None) -> Response:
    response = Response(parts, mimetype=files.mimetype(name), direct_passthrough=True)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    if size is not None:
        response.content_length = size
    return response


def _public_url() -> str:
    return str(current_app.config["SETTINGS"].public_url)
