"""The announced rules of a contest for everybody (/k/<code>), and the desk at which they are written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from quizsvc import clock
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow
from quizsvc.core import announcement, lifecycle, rulebook
from quizsvc.core.access import Permission
from quizsvc.core.announcement import Change, Gap, Sentences
from quizsvc.core.refusal import Refusal, Unknown
from quizsvc.core.rulebook import LABELS, Rules
from quizsvc.rulebook import forms, operations, queries
from quizsvc.rulebook.queries import VersionRow
from quizsvc.web.guard import actor, check, guarded, public

blueprint = Blueprint("rulebook", __name__, url_prefix="/k", template_folder="templates")
desk = Blueprint("rules_desk", __name__, url_prefix="/staff/contests", template_folder="templates")

FOUND_ON_THE_POSTER = "没有这个竞赛，或者规则还没有公布。请核对网址，或扫本单位的二维码。"


class NoRules(Unknown):
    """There is no contest of that code, or its rules have not been announced, or not so many versions of them."""

    def __init__(self) -> None:
        super().__init__(FOUND_ON_THE_POSTER)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the paragraphs printed under it; a paragraph may have several lines."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Printed:
    """Rules as they are printed; of a tier, `by` is in words."""

    title: str
    summary: str
    tiers: tuple[rulebook.Tier, ...]
    sections: tuple[Section, ...]
    joining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A version in the list of versions, with what it changed."""

    version: VersionRow
    changes: tuple[Change, ...]
    after_start: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What stands between a draft and its being announced."""

    gaps: tuple[Gap, ...]
    refused: tuple[Gap, ...]
    changes: tuple[Change, ...]

    @property
    def passed(self) -> bool:
        """Say whether the rules may be announced."""
        return not self.gaps and not self.refused


@blueprint.get("/<code>")
@public
def rules(code: str) -> str:
    """Show the rules in force."""
    round_, steps = _announced(code)
    return _public_page(round_, steps, steps[-1])


@blueprint.get("/<code>/rules/<int:number>")
@public
def version(code: str, number: int) -> str:
    """Show a version, old or new, and what it changed."""
    round_, steps = _announced(code)
    return _public_page(round_, steps, _numbered(steps, number))


@blueprint.get("/<code>/rules/<int:number>.json")
@public
def content(code: str, number: int) -> Response:
    """Send the very text whose hash is printed."""
    _, steps = _announced(code)
    body = rulebook.text(_numbered(steps, number).version.content)
    return Response(body, mimetype="application/json")


@desk.get("/<int:round_id>/rules")
@guarded(Permission.RUN_CONTESTS)
def edit(round_id: int) -> str:
    """Show the editor: the draft, or texts to begin with."""
    round_ = _run(round_id)
    facts, draft, before = queries.facts(round_id), queries.draft(round_id), queries.in_force(round_id)
    if draft is not None:
        written, seen = replace(draft.rules, round=facts), draft.saved_at.isoformat()
    else:
        written = forms.suggested(facts) if before is None else replace(before.rules, round=facts)
        seen = ""
    return _editor(round_, forms.filled(written, seen), _checked(written, before), before)


@desk.post("/<int:round_id>/rules")
@guarded(Permission.RUN_CONTESTS)
def save(round_id: int) -> ResponseReturnValue:
    """Save the draft; rows are added and taken away, and what is missing is listed, without saving."""
    round_ = _run(round_id)
    facts, before = queries.facts(round_id), queries.in_force(round_id)
    form = forms.editor(request.form)
    if forms.step(form, request.form.get("step", "")):
        return _editor(round_, form, _so_far(form, facts, before), before)
    if not form.validate():
        return _editor(round_, form, None, before), 400
    written = form.rules(facts)
    try:
        operations.save_draft(
            round_id=round_id, rules=written, seen=_moment(form.seen.data), at=clock.now(), actor=actor()
        )
    except operations.SavedMeanwhile as refusal:
        draft = queries.draft(round_id)
        form.seen.data = draft.saved_at.isoformat() if draft else ""
        form.form_errors.append(refusal.text)
        return _editor(round_, form, None, before), refusal.status
    except Refusal as refusal:
        form.form_errors.append(refusal.text)
        return _editor(round_, form, None, before), refusal.status
    if request.form.get("step") == "publish":
        return redirect(url_for(".check_before", round_id=round_id), 303)
    flash("草稿已保存，还没有公布。")
    return redirect(url_for(".edit", round_id=round_id), 303)


@desk.get("/<int:round_id>/rules/preview")
@guarded(Permission.RUN_CONTESTS)
def preview(round_id: int) -> str:
    """Show the draft as everybody would see it."""
    round_ = _run(round_id)
    draft = _draft(round_id)
    return render_template("rulebook/preview.html", round=round_, printed_rules=_printed(draft))


@desk.get("/<int:round_id>/rules/publish")
@guarded(Permission.RUN_CONTESTS)
def check_before(round_id: int) -> str:
    """Show what would be announced and what cannot be taken back."""
    return _publish_page(_run(round_id), forms.Publish(formdata=None))


@desk.post("/<int:round_id>/rules/publish")
@guarded(Permission.RUN_CONTESTS)
def publish(round_id: int) -> ResponseReturnValue:
    """Announce the draft as the next version."""
    round_ = _run(round_id)
    form = forms.Publish()
    try:
        number = operations.publish(
            round_id=round_id,
            rules=_draft(round_id),
            looked_at=form.looked_at.data or "",
            after=_number(form.after.data),
            confirmation=form.confirmation.data or "",
            reason=form.reason.data or "",
            at=clock.now(),
            actor=actor(),
        )
    except Refusal as refusal:
        form.form_errors.append(refusal.text)
        return _publish_page(round_, form), refusal.status
    flash(f"规则第 {number} 版已公布，从现在起照它办。")
    return redirect(url_for(".edit", round_id=round_id), 303)


def _run(round_id: int) -> RoundRow:
    round_ = campaign.round_of(round_id)
    check(Permission.RUN_CONTESTS, round_.campaign_unit_path)
    if round_.kind != queries.CONTEST:
        raise operations.NoContest
    return round_


def _draft(round_id: int) -> Rules:
    draft = queries.draft(round_id)
    if draft is None:
        raise Refusal("还没有保存过草稿。请先填写并保存。", status=409)
    return replace(draft.rules, round=queries.facts(round_id))


def _checked(written: Rules, before: VersionRow | None) -> Checked:
    gaps = tuple(announcement.gaps(written))
    if before is None:
        return Checked(gaps, (), ())
    started = announcement.started(before.rules, written, clock.now())
    refused = announcement.refused_changes(before.rules, written, started=started)
    return Checked(gaps, tuple(refused), tuple(announcement.changes(before.rules, written)))


def _so_far(form: forms.Editor, facts: rulebook.Round, before: VersionRow | None) -> Checked | None:
    """Check what has been typed; None when it cannot be read yet, and then the form says why."""
    if not form.validate():
        return None
    try:
        return _checked(rulebook.tidied(form.rules(facts)), before)
    except Refusal as refusal:
        form.form_errors.append(refusal.text)
        return None


def _editor(round_: RoundRow, form: forms.Editor, checked: Checked | None, before: VersionRow | None) -> str:
    return render_template(
        "rulebook/edit.html",
        round=round_,
        form=form,
        checked=checked,
        before=before,
        stale=before is not None and before.rules.round != queries.facts(round_.id),
        started=before is not None and announcement.started(before.rules, before.rules, clock.now()),
        labels=LABELS,
        saved=bool(form.seen.data),
    )


def _publish_page(round_: RoundRow, form: forms.Publish) -> str:
    written, before = _draft(round_.id), queries.in_force(round_.id)
    form.looked_at.data = rulebook.content_hash(rulebook.written(written))
    form.after.data = str(before.number if before else 0)
    return render_template(
        "rulebook/publish.html",
        round=round_,
        form=form,
        checked=_checked(written, before),
        before=before,
        started=before is not None and announcement.started(before.rules, written, clock.now()),
        printed_rules=_printed(written),
        irreversible=lifecycle.IRREVERSIBLE[lifecycle.Move.PUBLISH],
        labels=LABELS,
    )


def _announced(code: str) -> tuple[RoundRow, list[Step]]:
    try:
        round_ = campaign.round_by_code(code)
    except Unknown as unknown:
        raise NoRules from unknown
    versions = queries.versions(round_.id)
    if not versions:
        raise NoRules
    opened_at = versions[0].rules.round.opens_at
    steps = [Step(versions[0], (), after_start=False)]
    for before, after in pairwise(versions):
        found = tuple(announcement.changes(before.rules, after.rules))
        steps.append(Step(after, found, after_start=after.published_at >= opened_at))
    return round_, steps


def _numbered(steps: Sequence[Step], number: int) -> Step:
    if not 1 <= number <= len(steps):
        raise NoRules
    return steps[number - 1]


def _public_page(round_: RoundRow, steps: Sequence[Step], step: Step) -> str:
    newest = steps[-1]
    return render_template(
        "rulebook/rules.html",
        round=round_,
        state=round_.window().state(clock.now()),
        step=step,
        steps=steps,
        newest=newest,
        changed_after_start=[one for one in steps if one.after_start],
        printed_rules=_printed(step.version.rules),
    )


def _printed(written: Rules) -> Printed:
    said = announcement.sentences(written)
    return Printed(
        title=written.round.title,
        summary=said.summary,
        tiers=tuple(
            replace(tier, by=rulebook.BY[tier.by]) for tier in written.tiers if tier.by in rulebook.BY
        ),
        sections=tuple(_sections(written, said)),
        joining=said.joining,
    )


def _sections(written: Rules, said: Sentences) -> list[Section]:
    prizes = bool(written.tiers)
    approval = (f"批准文号：{written.approval}",) if written.approval else ()
    days = (f"公示 {written.published_days} 天，有异议请在公示期内提出。",)
    until = (f"名单公布后 {written.claim_days} 天内领取。",)
    sections = (
        Section("谁可以参加", (*_said(written.who), *approval)),
        Section("什么时候", said.period),
        Section("怎么答", (*said.attempts, *said.paper)),
        Section("怎么计分", _said(written.scoring)),
        Section("怎么排名次", said.standing),
        Section("获奖者怎么产生", (*_said(written.selection), *said.draw) if prizes else ()),
        Section("号码没有开出时", _said(written.fallback) if said.draw else ()),
        Section("公示", (*_said(written.published_where), *days) if prizes else ()),
        Section("怎么领奖", (*_said(written.claim), *until, *_said(written.documents)) if prizes else ()),
        Section("逾期不领", _said(written.forfeiture) if prizes else ()),
        Section("税费", _said(written.tax) if prizes else ()),
        Section("排行榜", said.board),
        Section("公平", _said(written.fairness)),
        Section("个人信息", _said(written.privacy)),
        Section("投诉和咨询", _said(written.contact)),
        Section("主办单位", ("、".join(written.round.organisers),)),
    )
    return [section for section in sections if section.paragraphs]


def _said(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _moment(text: str | None) -> datetime | None:
    """Read when the draft was saved that was opened; what is no moment is none of it."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo and found.year in rulebook.YEARS else None


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else -1
