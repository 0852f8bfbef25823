"""Board, big screen and appeal of a contest for everybody (/k/<code>/…), and the fairness desk of the staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.attempt import queries as attempt
from quizsvc.attempt.queries import ContestGo, PlayerRow
from quizsvc.campaign import queries as campaign
from quizsvc.contest import forms, operations, queries
from quizsvc.contest.queries import BoardRow, CaseRow, Open, RulingRow
from quizsvc.core import integrity, standing
from quizsvc.core.access import Permission
from quizsvc.core.indicators import NOTHING, Rate
from quizsvc.core.masking import masked_nickname
from quizsvc.core.refusal import Unknown
from quizsvc.roster import queries as roster
from quizsvc.web import phone
from quizsvc.web.filters import clock_time
from quizsvc.web.guard import actor, check, guarded, may, public, who

blueprint = Blueprint("contest", __name__, url_prefix="/k", template_folder="templates")
review = Blueprint(
    "review", __name__, url_prefix="/staff/contests/<int:round_id>/review", template_folder="templates"
)

STAGES: Final = {
    standing.LIVE: "实时",
    standing.FROZEN: "已封榜",
    standing.FINAL: "最终",
}
RANKED_AT_ONCE: Final = 50_000
"""In a larger field a player asks for the own rank: it takes the database a tenth of a second."""
ON_SCREEN: Final = 8
SECONDS_A_MINUTE: Final = 60


class NoContest(Unknown):
    """There is no contest of that code, or its rules have not been announced."""

    def __init__(self) -> None:
        super().__init__("没有这个竞赛，或者规则还没有公布。请核对网址，或扫本单位的二维码。")


@dataclass(frozen=True, slots=True)
class Shown:
    """The board players see at a moment, and how it may be asked for again."""

    contest: Open
    stage: str
    board: BoardRow | None
    live_as_of: datetime | None
    players: int
    goes: int

    @property
    def tag(self) -> str:
        """Name what is shown, for the browser to ask whether there is something newer."""
        moments = (self.board.as_of if self.board else None, self.live_as_of)
        return "-".join([self.stage, *(f"{one.timestamp():.0f}" if one else "" for one in moments)])


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A unit as it is printed."""

    name: str
    rank: int | None
    players: int
    participation: str
    fraction: str
    over: bool
    mean: str
    percent: float


@blueprint.get("/<code>/board")
@public
def board(code: str) -> str:
    """Show the board that was announced, and to a phone that plays how it stands."""
    at = clock.now()
    shown = _shown(code, at)
    player = _own_player(shown.contest)
    is_out = player is not None and queries.is_out(shown.contest.round.id, player.participant_id)
    asked = "mine" in request.args or shown.players <= RANKED_AT_ONCE
    ranked = player is not None and not is_out and _ranks_now(shown)
    rank = queries.own_rank(shown.contest, player.participant_id) if player and ranked and asked else None
    return render_template(
        "contest/board.html",
        round=shown.contest.round,
        rules=shown.contest.version.rules,
        stage=shown.stage,
        stages=STAGES,
        board=shown.board,
        boards=_boards(shown.board),
        leaders=_leaders(shown.contest, shown.board),
        names=shown.contest.names,
        strategy=standing.STRATEGIES[shown.contest.version.rules.strategy],
        players=shown.players,
        goes=shown.goes,
        over=at >= shown.contest.over_at,
        player=player,
        is_out=is_out,
        ranked=ranked,
        asked=asked,
        rank=rank,
    )


def _shown(code: str, at: datetime) -> Shown:
    """Read what players may see (4 to 5 statements)."""
    round_ = campaign.round_by_code(code)
    contest = queries.contest_of(round_, at)
    if contest is None:
        raise NoContest
    kept = queries.boards(round_.id)
    rules = contest.version.rules
    stage = standing.stage(rules.board, rules.board_freezes_at, at, final=standing.FINAL in kept)
    newest = standing.FINAL if standing.FINAL in kept else standing.LIVE
    found = {
        name: queries.board(round_.id, name)
        for name in sorted({stage, newest})
        if name in kept  # what is off or hidden was never kept under its name
    }
    figures = _figures(found.get(newest))["counted"]
    return Shown(
        contest, stage, found.get(stage), kept.get(newest), figures.get("players", 0), figures.get("goes", 0)
    )


def _figures(kept: BoardRow | None) -> dict[str, dict[str, int]]:
    return kept.body["figures"] if kept else {"all": {}, "counted": {}, "clean": {}}


def _own_player(contest: Open) -> PlayerRow | None:
    secret = phone.device()
    if not secret or not contest.round.is_public:
        return None
    return attempt.player_on_phone(contest.round.id, secret)


def _ranks_now(shown: Shown) -> bool:
    """Say whether players are told where they stand: not behind a frozen or hidden board, and minors never."""
    return shown.contest.names and shown.stage in (standing.LIVE, standing.FINAL)


def _boards(kept: BoardRow | None, most: int | None = None) -> list[dict[str, Any]]:
    boards = kept.body["boards"] if kept else []
    return [
        {**one, "lines": [_line(line, rated=one["rated"]) for line in one["lines"][:most]]} for one in boards
    ]


def _line(line: dict[str, Any], *, rated: bool) -> UnitLine:
    """Write a unit; its bar is what its board ranks by, and 0 where it has none of that."""
    taking_part = Rate(line["players"], line["expected"] or 0)
    mean = Rate(line["points"], line["out_of"])
    bar = taking_part if rated else mean
    return UnitLine(
        name=line["name"],
        rank=line["rank"],
        players=line["players"],
        participation=taking_part.text,
        fraction=taking_part.fraction if taking_part.whole else NOTHING,
        over=taking_part.whole > 0 and taking_part.over,
        mean=_share(mean),
        percent=min(bar.permyriad or 0, 10000) / 100,
    )


def _share(points: Rate) -> str:
    return f"{points.text}（{points.fraction} 分）" if points.whole else points.text


def _leaders(contest: Open, kept: BoardRow | None) -> list[dict[str, Any]]:
    if kept is None or not contest.names:
        return []
    return [{**one, "used": duration(one["used_s"])} for one in kept.body["leaders"]]


def duration(seconds: int) -> str:
    """Write seconds as they are read: 2 分 05 秒."""
    minutes, rest = divmod(seconds, SECONDS_A_MINUTE)
    return f"{minutes} 分 {rest:02} 秒" if minutes else f"{rest} 秒"


@blueprint.get("/<code>/screen")
@public
def screen(code: str) -> str:
    """Show the contest to a hall: counts and units, no names."""
    return render_template("contest/screen.html", **_on_screen(_shown(code, clock.now())))


@blueprint.get("/<code>/screen/live")
@public
def screen_live(code: str) -> ResponseReturnValue:
    """Send the changing part of the big screen, or 304 when nothing has changed."""
    at = clock.now()
    shown = _shown(code, at)
    if request.if_none_match.contains_weak(shown.tag):
        response = make_response("", 304)
    else:
        response = make_response(render_template("contest/screen_live.html", **_on_screen(shown)))
    response.set_etag(shown.tag, weak=True)
    response.headers["X-As-Of"] = clock_time(shown.live_as_of or at)
    return response


def _on_screen(shown: Shown) -> dict[str, Any]:
    final = shown.board if shown.stage == standing.FINAL else None
    return {
        "round": shown.contest.round,
        "tag": shown.tag,
        "stage": shown.stage,
        "stages": STAGES,
        "board": shown.board,
        "boards": _boards(shown.board, ON_SCREEN)[:2],
        "as_of": shown.live_as_of,
        "players": shown.players,
        "goes": shown.goes,
        "worst": [
            {**one, "rate": Rate(one["wrong"], one["shown"]).text} for one in final.body["worst"]
        ] if final else [],
    }  # fmt: skip


@blueprint.get("/<code>/appeal")
@public
def appeal(code: str) -> str:
    """Tell a player whose score does not count why, and take the objection; everybody else sees one neutral page."""
    at = clock.now()
    contest = _contest_of(code, at)
    player = _own_player(contest)
    made = queries.rulings(contest.round.id, player.participant_id) if player else []
    exclusions = [one for one in made if one.verdict == queries.EXCLUDED]
    is_out = bool(made) and made[-1].verdict == queries.EXCLUDED
    return render_template(
        "contest/appeal.html",
        round=contest.round,
        rules=contest.version.rules,
        player=player,
        is_out=is_out,
        ruling=exclusions[-1] if exclusions else None,
        cause=operations.CAUSES.get(exclusions[-1].cause, operations.CAUSES["other"]) if exclusions else "",
        until=_appeals_until(contest, exclusions[-1]) if exclusions else None,
        at=at,
        longest=operations.LONGEST_APPEAL,
    )


@blueprint.post("/<code>/appeal")
@public
def send_appeal(code: str) -> ResponseReturnValue:
    """Take a player's objection."""
    at = clock.now()
    contest = _contest_of(code, at)
    player = _own_player(contest)
    made = queries.rulings(contest.round.id, player.participant_id) if player else []
    if player is None or not made:
        raise operations.NothingToAppeal
    operations.appeal(
        round_id=contest.round.id,
        participant_id=player.participant_id,
        words=forms.words_from(request.form),
        until=_appeals_until(contest, made[-1]),
        at=at,
    )
    return redirect(url_for(".appeal", code=code), 303)


def _contest_of(code: str, at: datetime) -> Open:
    contest = queries.contest_of(campaign.round_by_code(code), at)
    if contest is None:
        raise NoContest
    return contest


def _appeals_until(contest: Open, ruling: RulingRow) -> datetime:
    """Say until when one may object: so many days after the end as the rules give, or after a later exclusion."""
    days = timedelta(days=contest.version.rules.published_days)
    return max(contest.round.closes_at, ruling.at) + days


@review.get("")
@guarded(Permission.SEE_REVIEWS)
def desk(round_id: int) -> str:
    """List the players with signs, and every figure with and without them."""
    contest = _reviewed(round_id, Permission.SEE_REVIEWS)
    show = request.args.get("show", "open")
    kind = request.args.get("kind", "")
    after = request.args.get("after", "0")
    show = show if show in queries.SHOWS else "open"
    kind = kind if kind in integrity.KINDS else ""
    cases = queries.cases(
        round_id, show, kind, int(after) if after.isascii() and after.isdecimal() and len(after) < 10 else 0
    )
    newest = queries.board(round_id, standing.LIVE)
    return render_template(
        "contest/desk.html",
        round=contest.round,
        show=show,
        kind=kind,
        shows=queries.SHOWS,
        kinds=integrity.KINDS,
        cases=[_named(contest, one) for one in cases],
        more=cases[-1].participant_id if len(cases) == queries.PAGE else None,
        pending=queries.pending(round_id),
        appeals=queries.open_appeals(round_id),
        figures=_compared(newest),
        as_of=newest.as_of if newest else None,
        links=queries.by_link(round_id),
        may_rule=may(Permission.REVIEW_CONTESTS, contest.round.campaign_unit_path),
        form=forms.Words(),
        shortest=operations.SHORTEST_REASON,
    )


def _reviewed(round_id: int, permission: Permission) -> Open:
    round_ = campaign.round_of(round_id)
    check(permission, round_.campaign_unit_path)
    contest = queries.contest_of(round_)
    if contest is None:
        raise campaign.UnknownRound
    return contest


def _named(contest: Open, case: CaseRow) -> dict[str, Any]:
    """Name a player to the staff; whoever only reads sees the nickname as everybody does."""
    whole = may(Permission.REVIEW_CONTESTS, contest.round.campaign_unit_path)
    nickname = case.nickname if whole else case.nickname and masked_nickname(case.nickname)
    return {
        "id": case.participant_id,
        "name": nickname or f"{case.participant_id} 号参赛人",
        "unit": case.unit_name,
        "goes": case.goes,
        "points": case.points,
        "out_of": case.out_of,
        "used": duration(case.used_s),
        "signs": [(integrity.KINDS[flag.kind], _told(flag)) for flag in case.flags],
        "verdict": operations.VERDICTS.get(case.verdict or "", ""),
        "is_out": case.verdict == queries.EXCLUDED,
        "appealed": case.appealed,
    }


def _told(flag: queries.FlagRow) -> str:
    """Put the figures of a sign into words."""
    seen = flag.detail
    if flag.kind == "too_fast":
        return (
            f"{seen['goes']} 次太快；最快一次 {seen['items']} 题用了 {duration(seen['used_s'])}，"
            f"光读题至少要 {duration(seen['floor_s'])}"
        )
    if flag.kind == "burst":
        return f"那一分钟同一个链接进来 {seen['joined']} 人，平常每分钟约 {seen['usual']} 人"
    together = "用过同一台手机" if flag.kind == "same_device" else "交了一样的答案"
    return f"{seen['players']} 人{together}"


def _compared(kept: BoardRow | None) -> list[dict[str, str]]:
    """Put every figure three times: of all, without the excluded, without the flagged too."""
    names = {"all": "全部", "counted": "去掉不计入的", "clean": "再去掉有标记、没看过的"}
    lines = []
    for name, figures in _figures(kept).items():
        players, qualified = figures.get("players", 0), figures.get("qualified", 0)
        lines.append(
            {
                "name": names[name],
                "players": f"{players:,}",
                "goes": f"{figures.get('goes', 0):,}",
                "qualified": Rate(qualified, players).fraction,
                "qualified_rate": Rate(qualified, players).text,
                "mean": _share(Rate(figures.get("points", 0), figures.get("out_of", 0))),
            }
        )
    return lines


@review.get("/board")
@guarded(Permission.SEE_REVIEWS)
def live_board(round_id: int) -> str:
    """Show the staff the board as it is, whatever players see."""
    contest = _reviewed(round_id, Permission.SEE_REVIEWS)
    rules, live = contest.version.rules, queries.board(round_id, standing.LIVE)
    final = standing.FINAL in queries.boards(round_id)
    return render_template(
        "contest/live_board.html",
        round=contest.round,
        stage=standing.stage(rules.board, rules.board_freezes_at, clock.now(), final=final),
        board=live,
        boards=_boards(live),
        leaders=_leaders(contest, live),
        names=contest.names,
        strategy=standing.STRATEGIES[rules.strategy],
    )


@review.get("/<int:participant_id>")
@guarded(Permission.SEE_REVIEWS)
def case(round_id: int, participant_id: int) -> str:
    """Show what there is to judge a player by: signs, goes, decisions so far."""
    contest = _reviewed(round_id, Permission.SEE_REVIEWS)
    found = queries.case_of(round_id, participant_id)
    if found is None:
        raise operations.UnknownPlayer
    goes = attempt.contest_goes(round_id, [participant_id]).get(participant_id, [])
    units = roster.units({go.unit_id for go in goes})
    phones = {hashed: number for number, hashed in enumerate(dict.fromkeys(go.device_hash for go in goes), 1)}
    made = queries.rulings(round_id, participant_id)
    return render_template(
        "contest/case.html",
        round=contest.round,
        case=_named(contest, found),
        goes=[_go(go, units[go.unit_id].name, phones) for go in goes],
        rulings=[(one, operations.VERDICTS[one.verdict], who(one.by), who(one.answered_by)) for one in made],
        causes=operations.CAUSES,
        flagged_for=found.flags[0].kind if found.flags else "other",
        open_appeal=next((one for one in made if one.appealed_at and not one.answered_at), None),
        me_excluded=bool(made) and made[-1].by == actor().text,
        may_rule=may(Permission.REVIEW_CONTESTS, contest.round.campaign_unit_path),
        form=forms.Words(),
        shortest=operations.SHORTEST_REASON,
        longest=operations.LONGEST_REASON,
    )


def _go(go: ContestGo, unit_name: str, phones: dict[str | None, int]) -> dict[str, Any]:
    return {
        "started_at": go.started_at,
        "unit": unit_name,
        "score": go.score,
        "out_of": go.out_of,
        "shown": go.items,
        "used": duration(go.used_s),
        "pace": f"{10 * go.used_s // (go.items or 1) / 10:.1f} 秒",
        "phone": f"手机 {phones[go.device_hash]}" if go.device_hash else NOTHING,
    }


@review.post("/<int:participant_id>/<any(cleared,excluded,restored):verdict>")
@guarded(Permission.REVIEW_CONTESTS)
def rule(round_id: int, participant_id: int, verdict: str) -> ResponseReturnValue:
    """Decide about a player."""
    _reviewed(round_id, Permission.REVIEW_CONTESTS)
    operations.rule(
        round_id=round_id,
        participant_id=participant_id,
        verdict=verdict,
        cause=request.form.get("cause", ""),
        reason=forms.Words().words.data or "",
        actor=actor(),
        at=clock.now(),
    )
    flash(f"已记下：{operations.VERDICTS[verdict]}。")
    return redirect(url_for(".case", round_id=round_id, participant_id=participant_id), 303)


@review.post("/cleared")
@guarded(Permission.REVIEW_CONTESTS)
def clear(round_id: int) -> ResponseReturnValue:
    """Let the ticked players be, with one reason for all; those excluded meanwhile are left alone."""
    _reviewed(round_id, Permission.REVIEW_CONTESTS)
    chosen = forms.chosen_from(request.form.getlist("player"))[: queries.PAGE]
    cleared = operations.clear(
        round_id=round_id,
        participant_ids=chosen,
        reason=forms.Words().words.data or "",
        actor=actor(),
        at=clock.now(),
    )
    flash(f"已记下 {cleared} 人：{operations.VERDICTS[queries.CLEARED]}。")
    return redirect(url_for(".desk", round_id=round_id), 303)


@review.post("/<int:participant_id>/answer")
@guarded(Permission.REVIEW_CONTESTS)
def answer(round_id: int, participant_id: int) -> ResponseReturnValue:
    """Answer a player's objection; whoever finds it right restores them as well."""
    _reviewed(round_id, Permission.REVIEW_CONTESTS)
    made = queries.rulings(round_id, participant_id)
    waiting = next((one for one in made if one.appealed_at and not one.answered_at), None)
    if waiting is None:
        raise operations.NothingToAnswer
    operations.answer(
        round_id=round_id,
        ruling_id=waiting.id,
        answer=forms.Words().words.data or "",
        actor=actor(),
        at=clock.now(),
    )
    flash("已答复，参赛人在申诉页上看得到。")
    return redirect(url_for(".case", round_id=round_id, participant_id=participant_id), 303)
