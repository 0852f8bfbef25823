"""Staff pages of campaigns and rounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.campaign import files, forms, operations, queries
from quizsvc.core import quota
from quizsvc.core.access import Permission, scopes
from quizsvc.core.refusal import Refusal
from quizsvc.core.roundkind import WORDS
from quizsvc.core.term import term_label, term_of
from quizsvc.paper import queries as paper
from quizsvc.roster import queries as roster
from quizsvc.settings import Settings
from quizsvc.web.chinese import ChineseForm
from quizsvc.web.download import picture
from quizsvc.web.guard import actor, check, guarded, may, me

ACCOUNTS_WANTED = 2  # the plans: every poster carries the codes of two official accounts
MOST_TICKS = 400
KINDS_OF_PUPILS = ("grade", "class")
OPENED = "场次已建好。接着给各班发放链接和海报。"
HEADINGS = {
    "test": "新建场次",
    "contest": "新建有奖竞赛",
    "receipt": "新建回执",
    "pledge": "新建责任书",
    "adoption": "新建使用情况",
    "survey": "新建问卷",
}

blueprint = Blueprint("campaign", __name__, url_prefix="/staff", template_folder="templates")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the check before posters are printed."""

    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    """One unit to tick, with what lies under it."""

    unit: roster.UnitRow
    depth: int


@blueprint.get("/campaigns")
@guarded(Permission.MANAGE_CAMPAIGNS)
def campaigns() -> str:
    """List the campaigns of one's subtrees."""
    found = queries.campaigns(scopes(me(), Permission.MANAGE_CAMPAIGNS))
    return render_template("campaign/campaigns.html", campaigns=found, term_label=term_label)


@blueprint.route("/campaigns/new", methods=["GET", "POST"])
@guarded(Permission.MANAGE_CAMPAIGNS)
def new_campaign() -> ResponseReturnValue:
    """Open a campaign."""
    at = clock.now()
    form = forms.Campaign()
    form.unit_id.choices = _homes()
    form.term.choices = _terms(at)
    if form.is_submitted():
        return _posted(form, "campaign/new_campaign.html", lambda: _open_campaign(form, at))
    form.target_on.data = clock.local_day(at) + timedelta(days=30)
    form.erase_on.data = clock.local_day(at) + timedelta(days=180)
    return render_template("campaign/new_campaign.html", form=form)


@blueprint.get("/campaigns/<int:campaign_id>")
@guarded(Permission.MANAGE_CAMPAIGNS)
def campaign(campaign_id: int) -> str:
    """Show a campaign: facts, accounts, rounds, what is still missing."""
    at = clock.now()
    row = _managed(campaign_id)
    accounts = queries.accounts(campaign_id)
    rounds = queries.rounds_of(campaign_id)
    return render_template(
        "campaign/campaign.html",
        campaign=row,
        term=term_label(row.term),
        accounts=accounts,
        free=[n for n in range(1, operations.MOST_ACCOUNTS + 1) if n not in {a.position for a in accounts}],
        form=forms.Account(),
        rounds=[(round_, queries.STATE_NAMES[round_.window().state(at)]) for round_ in rounds],
        headings=HEADINGS,
        checklist=_checklist(row, len(accounts), rounds, at),
    )


@blueprint.post("/campaigns/<int:campaign_id>/accounts/<int:position>")
@guarded(Permission.MANAGE_CAMPAIGNS)
def set_account(campaign_id: int, position: int) -> ResponseReturnValue:
    """Set or replace an official account."""
    _managed(campaign_id)
    form = forms.Account()
    if not form.validate():
        raise Refusal("请写好公众号名称，再选一张二维码图片。")
    operations.set_account(
        campaign_id=campaign_id,
        position=position,
        name=form.name.data,
        image=files.cleaned(form.image.data.read()),
        at=clock.now(),
        actor=actor(),
    )
    flash("公众号二维码已更新，海报上马上就是新的。")
    return redirect(url_for("campaign.campaign", campaign_id=campaign_id), 303)


@blueprint.get("/campaigns/<int:campaign_id>/accounts/<int:position>.png")
@guarded(Permission.SHOW_LINKS)
def account_image(campaign_id: int, position: int) -> ResponseReturnValue:
    """Show the picture of an official account to whoever prints posters of the campaign."""
    home = queries.campaign_of(campaign_id).unit_path
    mine = scopes(me(), Permission.SHOW_LINKS)
    if not any(path.startswith(home) or home.startswith(path) for path in mine):
        abort(404)
    return picture(queries.account_image(campaign_id, position), "image/png")


@blueprint.route("/campaigns/<int:campaign_id>/rounds/new", methods=["GET", "POST"])
@guarded(Permission.MANAGE_CAMPAIGNS)
def new_round(campaign_id: int) -> ResponseReturnValue:
    """Open a round of a campaign of the kind that ?kind= names; with ?again= one like an earlier one."""
    at = clock.now()
    row = _managed(campaign_id)
    kind = request.args.get("kind", "test")
    if kind not in forms.FORMS:
        abort(404)
    form = forms.FORMS[kind]()
    papers = [one for one in paper.papers() if one.kind == operations.PAPER_KINDS[kind]]
    form.paper_id.label.text = WORDS[kind].paper
    form.paper_id.choices = {one.id: f"{one.title}（{one.code}）" for one in papers}
    if isinstance(form, forms.Contest):
        _offer_contest(form, row, papers)
    shown = {
        "campaign": row,
        "ticks": _ticks(row.unit_path),
        "kind": kind,
        "kind_name": operations.KINDS[kind],
        "paper_name": WORDS[kind].paper,
        "heading": HEADINGS[kind],
    }
    if form.is_submitted():
        return _posted(form, "campaign/new_round.html", lambda: _open_round(form, row, at), **shown)
    local = at.astimezone(clock.SHANGHAI).replace(hour=8, minute=0) + timedelta(days=1)
    form.opens_at.data = local
    form.closes_at.data = local.replace(hour=18) + timedelta(days=7)
    form.unit_ids.data = [row.unit_id]
    _take_over(form, campaign_id)
    return render_template("campaign/new_round.html", form=form, **shown)


def _take_over(form: forms.AnyRound, campaign_id: int) -> None:
    """Fill in what an earlier round of the same campaign and kind was asked about; only its text is chosen anew."""
    again = request.args.get("again", type=int)
    before = next((one for one in queries.rounds_of(campaign_id) if one.id == again), None)
    if before is None or before.kind != form.kind:
        return
    form.title.data, form.identity.data = before.title, before.identity
    form.unit_ids.data = [unit_id for unit_id, _, _ in queries.round_units(before.id)]
    if isinstance(form, forms.Pledge):
        form.approval.data = before.approval


def _offer_contest(form: forms.Contest, row: queries.CampaignRow, papers: Sequence[paper.PaperRow]) -> None:
    form.codes = {one.code: one.id for one in papers}
    form.practice_paper_id.choices = {0: "没有练习"} | {
        one.id: f"{one.title}（{one.code}）" for one in papers
    }
    units = roster.under(row.unit_path)
    parents = {unit.parent_id for unit in units}
    above = {unit.id: unit.name for unit in units if unit.id in parents and unit.kind not in KINDS_OF_PUPILS}
    form.place_root_id.choices = {0: "不问"} | above
    form.trade_root_id.choices = {0: "不问"} | above


@blueprint.get("/rounds/<int:round_id>")
@guarded(Permission.MANAGE_CAMPAIGNS)
def round_(round_id: int) -> str:
    """Show a round: window, policy, units, the way to its links."""
    return _round_page(round_id, forms.Prolong())


@blueprint.post("/rounds/<int:round_id>/prolong")
@guarded(Permission.MANAGE_CAMPAIGNS)
def prolong(round_id: int) -> ResponseReturnValue:
    """Let a round end later."""
    _managed_round(round_id)
    form = forms.Prolong()
    if not form.validate():
        return _round_page(round_id, form), 400
    closes_at = forms.from_local(form.closes_at.data)
    operations.prolong(round_id=round_id, closes_at=closes_at, at=clock.now(), actor=actor())
    flash("已延长。海报上印的截止日期不会变，请告诉各班。")
    return redirect(url_for("campaign.round_", round_id=round_id), 303)


@blueprint.post("/rounds/<int:round_id>/close")
@guarded(Permission.MANAGE_CAMPAIGNS)
def close_round(round_id: int) -> ResponseReturnValue:
    """End a round now."""
    _managed_round(round_id)
    operations.close_early(round_id=round_id, at=clock.now(), actor=actor())
    flash("场次已结束。单独延长过的班级，仍到各自的时间为止。")
    return redirect(url_for("campaign.round_", round_id=round_id), 303)


def _managed(campaign_id: int) -> queries.CampaignRow:
    row = queries.campaign_of(campaign_id)
    check(Permission.MANAGE_CAMPAIGNS, row.unit_path)
    return row


def _managed_round(round_id: int) -> queries.RoundRow:
    row = queries.round_of(round_id)
    check(Permission.MANAGE_CAMPAIGNS, row.campaign_unit_path)
    return row


def _posted(
    form: ChineseForm, template: str, work: Callable[[], str], **shown: object
) -> ResponseReturnValue:
    """Do the work of a valid form and go on to the page it names; otherwise show the form with its faults."""
    status = 400
    if form.validate():
        try:
            return redirect(work(), 303)
        except Refusal as refusal:
            form.form_errors.append(refusal.text)
            status = refusal.status
    return render_template(template, form=form, **shown), status


def _open_campaign(form: forms.Campaign, at: datetime) -> str:
    plan = form.plan()
    check(Permission.MANAGE_CAMPAIGNS, roster.unit(plan.unit_id).path)
    campaign_id = operations.open_campaign(plan=plan, at=at, actor=actor())
    flash("活动已建好。接着上传公众号二维码，再开一个场次。")
    return url_for("campaign.campaign", campaign_id=campaign_id)


def _open_round(form: forms.AnyRound, row: queries.CampaignRow, at: datetime) -> str:
    round_id = operations.open_round(campaign_id=row.id, plan=form.plan(), at=at, actor=actor())
    flash("竞赛已建好。接着写规则，公布以后才能开始答。" if form.plan().kind == "contest" else OPENED)
    return url_for("campaign.round_", round_id=round_id)


def _round_page(round_id: int, form: forms.Prolong) -> str:
    at = clock.now()
    row = _managed_round(round_id)
    state = row.window().state(at)
    if request.method == "GET":
        form.closes_at.data = row.closes_at.astimezone(clock.SHANGHAI) + timedelta(days=1)
    return render_template(
        "campaign/round.html",
        round=row,
        state=state,
        state_name=queries.STATE_NAMES[state],
        paper=_paper_of(row),
        may_see_paper=bool(scopes(me(), Permission.MANAGE_BANKS)),
        units=[name for _, _, name in queries.round_units(round_id)],
        identity=operations.IDENTITIES[row.identity],
        contest=_of_contest(row) if row.is_contest else (),
        of_kind=_of_sheet(row),
        late=operations.LATE[row.late],
        counted=operations.COUNTED[row.counted],
        after_submit=[operations.REVIEW_PARTS[part] for part in row.review_after_submit],
        after_close=[operations.REVIEW_PARTS[part] for part in row.review_after_close],
        form=form,
        may_link=may(Permission.SHOW_LINKS, row.campaign_unit_path),
    )


def _paper_of(row: queries.RoundRow) -> paper.FrozenPaper | paper.Sheet:
    return paper.frozen(row.paper_id) if row.is_quiz else paper.sheet(row.paper_id)


def _of_sheet(row: queries.RoundRow) -> list[tuple[str, str]]:
    """What is read and signed, or asked without marks: the same for everybody, as facts in words."""
    told = {
        "receipt": [
            ("谁来填", "家长或学生，按座位；选“否”也算交了，不算知晓"),
            ("次数", "同一台手机最多改 3 次，最后一次算数，以前的都留着"),
        ],
        "pledge": [
            ("次数", "签一次；签过的不会变，换了文本要另开一场再签"),
            ("批准文号", row.approval or "不用，这一份不是学生签的"),
        ],
        "adoption": [
            ("次数", "做到了随时可以改，最多 20 次，最后一次算数"),
            ("推广码", "填过的人可以领，只数份数，不公开、不排名" if row.referrals else "不发"),
        ],
        "survey": [
            ("次数", "答一次，交了就不能改：谁答了知道，谁答了什么不知道"),
            ("结果", "满 5 份才显示；说明写在问卷里"),
        ],
    }
    return [("种类", operations.KINDS[row.kind]), *told[row.kind]] if not row.is_quiz else []


def _of_contest(row: queries.RoundRow) -> list[tuple[str, str]]:
    """What only contests have, as facts in words."""
    papers = {key: paper.frozen(paper_id).code for key, paper_id in queries.round_papers(row.id).items()}
    roots = roster.units([one for one in (row.place_root_id, row.trade_root_id) if one])
    practice = paper.frozen(row.practice_paper_id) if row.practice_paper_id else None
    picks = ((row.place_root_id, "所在地"), (row.trade_root_id, "行业或单位"))
    return [
        ("种类", operations.KINDS[row.kind]),
        ("作答方式", operations.PACES[row.pace] + (f"，每题 {row.item_s} 秒" if row.item_s else "")),
        ("练习卷", f"{practice.title}（{practice.code}）" if practice else "没有练习"),
        *((what, f"从“{roots[one].name}”的下一级里挑") for one, what in picks if one),
        *([("换试卷", "；".join(quota.written(papers)))] if papers else []),
    ]


def _homes() -> dict[int, str]:
    """The units one may open a campaign for: everything above grades and classes."""
    units = [unit for path in scopes(me(), Permission.MANAGE_CAMPAIGNS) for unit in roster.under(path)]
    return {unit.id: unit.name for unit in units if unit.kind not in KINDS_OF_PUPILS}


def _terms(at: datetime) -> dict[str, str]:
    """This semester and what begins within seven months."""
    today = clock.local_day(at)
    terms = (term_of(today + timedelta(days=30 * months)) for months in range(8))
    return {term: term_label(term) for term in terms}


def _ticks(path: str) -> list[Tick]:
    """The units of a campaign as a list with depth; classes only where the list stays readable."""
    units = roster.under(path)
    if len(units) > MOST_TICKS:
        units = [unit for unit in units if unit.kind != "class"]
    above = path.count("/")
    return [Tick(unit, min(unit.path.count("/") - above, 5)) for unit in units]


def _checklist(
    row: queries.CampaignRow, accounts: int, rounds: Sequence[queries.RoundRow], at: datetime
) -> list[Fact]:
    settings: Settings = current_app.config["SETTINGS"]
    demo = "" if settings.https else "（不是 https，只能演示用）"
    classes = [unit for unit in roster.under(row.unit_path) if unit.kind == "class"]
    heads = roster.expected_by_unit(row.unit_path, row.term, at)
    without = [unit.name for unit in classes if unit.id not in heads]
    expected = sum(one.expected for one in heads.values())
    named = "、".join(without[:5]) + ("等" if len(without) > 5 else "")
    papers = {round_.paper_id: _paper_of(round_) for round_ in sorted(rounds, key=lambda one: one.paper_id)}
    names = {round_.paper_id: round_.words.paper for round_ in rounds}
    return [
        Fact(bool(classes) and expected > 0, f"{len(classes)} 个班，本学期应测 {expected:,} 人"),
        Fact(not without, f"还有 {len(without)} 个班没有人数：{named}" if without else "每个班都有人数"),
        Fact(
            accounts >= ACCOUNTS_WANTED,
            f"公众号二维码 {accounts} 个" + ("" if accounts >= ACCOUNTS_WANTED else "，海报上要有 2 个"),
        ),
        Fact(bool(rounds), f"场次 {len(rounds)} 个" if rounds else "还没有场次"),
        *(
            Fact(True, f"{names[paper_id]}“{one.title}”已定稿，指纹 {one.content_hash[:8]}")
            for paper_id, one in papers.items()
        ),
        Fact(settings.https, f"海报上印的网址：{settings.public_host}{demo}"),
    ]
