"""Taking figures, writing a bulletin, issuing it. What has been issued is never changed."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, update

from quizsvc import audit
from quizsvc.bulletin import queries
from quizsvc.bulletin.models import Draft, Issued
from quizsvc.bulletin.queries import DraftRow
from quizsvc.campaign import queries as campaign
from quizsvc.clock import local_day
from quizsvc.core import bulletin
from quizsvc.core.bulletin import Figures, Head, Issue, Texts
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, insert, operation
from quizsvc.roster import queries as roster


class NoBulletinHere(Refusal):
    """No bulletin is written about this."""


class ChangedMeanwhile(Refusal):
    """Somebody else has saved, issued or thrown away the draft since it was opened."""

    def __init__(self) -> None:
        super().__init__("刚才有别人改过、发出或删掉了这份拟稿。请打开最新的再看一遍。", status=409)


@operation
def begin(
    *, campaign_id: int, unit_id: int, period: str, at: datetime, actor: audit.Actor, dry_run: bool = False
) -> int:
    """Take the figures of this moment and write a first draft; return its id, or that of the one there is."""
    drive, unit = campaign.campaign_of(campaign_id), roster.unit(unit_id)
    if not unit.path.startswith(drive.unit_path):
        raise NoBulletinHere(f"{unit.name}不在这个活动的范围里。")
    if unit.kind == "class":
        raise NoBulletinHere("班级不用出通报，看班级看板就够了。")
    if drive.is_test:
        raise NoBulletinHere("测试活动不计入，不出通报。")
    if period not in bulletin.PERIODS:
        raise NoBulletinHere("请选周报、月通报或年度通报。")
    figures = queries.figures(drive, unit, at)
    if not figures.sections:
        raise NoBulletinHere(f"{drive.name}在{unit.name}还没有场次，没有数可报。")
    last = queries.newest(campaign_id, unit_id, period)
    before = bulletin.issue_read(last.content) if last else None
    first, end = bulletin.span(period, local_day(at))
    issue = Issue(
        period=period,
        starts_on=first,
        ends_on=end,
        issue_no=0,
        corrects=0,
        head=_head(figures, period, drive.organisers, before, at),
        listing=before.listing if before else "lacking",
        texts=bulletin.texts(figures, before.figures if before else None),
        figures=figures,
        before=before.figures if before else None,
    )
    kept = _kept(issue, campaign_id, unit_id, None, at, actor)
    if dry_run:
        db.session.rollback()
    return kept


def _head(
    figures: Figures, period: str, organisers: tuple[str, ...], before: Issue | None, at: datetime
) -> Head:
    """Take over what the issue before had, all but its number and its day."""
    if before:
        return replace(before.head, number="", dated_on=local_day(at))
    office = organisers[0] if organisers else figures.unit
    return Head(bulletin.title(figures, period), office, "", "各单位", local_day(at))


@operation
def correct(*, bulletin_id: int, at: datetime, actor: audit.Actor) -> int:
    """Begin the issue that takes the place of one that was issued; return its draft.

    Its figures are taken anew, and so are the sentences that nobody had edited.
    """
    wrong = queries.issued(bulletin_id)
    if wrong.corrected_by:
        raise Refusal(f"这一期已经由第 {wrong.corrected_by} 期更正过了。", status=409)
    drive, unit = campaign.campaign_of(wrong.campaign_id), roster.unit_at(wrong.unit_path)
    figures = queries.figures(drive, unit, at)
    issue = replace(
        wrong.issue,
        issue_no=0,
        corrects=wrong.issue.issue_no,
        head=replace(wrong.issue.head, number="", dated_on=local_day(at)),
        texts=_renewed(wrong.issue, figures),
        figures=figures,
    )
    return _kept(issue, drive.id, unit.id, bulletin_id, at, actor)


def _kept(
    issue: Issue, campaign_id: int, unit_id: int, corrects_id: int | None, at: datetime, actor: audit.Actor
) -> int:
    added: int | None = db.session.execute(
        insert(Draft)
        .values(
            campaign_id=campaign_id, unit_id=unit_id, period=issue.period, corrects_id=corrects_id,
            content=bulletin.issue_written(issue), saved_at=at, saved_by=actor.text,
        )
        .on_conflict_do_nothing()
        .returning(Draft.id)
    ).scalar_one_or_none()  # fmt: skip
    if added is None:
        there = queries.draft_of(campaign_id, unit_id, issue.period)
        if corrects_id is not None or there is None:
            raise Refusal("这个单位有一份同类的拟稿还没发出，请先发出或删掉它。", status=409)
        return there
    audit.record(
        actor=actor, action="bulletin.begun", on=f"unit:{unit_id}", at=at, draft=added, period=issue.period,
        campaign=campaign_id, corrects=issue.corrects,
    )  # fmt: skip
    return added


@operation
def save(
    *,
    draft_id: int,
    head: Head,
    listing: str,
    texts: Texts,
    seen: datetime,
    at: datetime,
    actor: audit.Actor,
) -> None:
    """Keep what was written; `seen` is when the draft was saved that was opened."""
    row = queries.draft(draft_id)
    _put(row, replace(row.issue, head=head, listing=listing, texts=texts), seen, at, actor)


@operation
def take_again(*, draft_id: int, seen: datetime, at: datetime, actor: audit.Actor) -> None:
    """Take the figures of this moment; sentences that nobody has edited are written anew."""
    row = queries.draft(draft_id)
    drive, unit = campaign.campaign_of(row.campaign_id), roster.unit_at(row.unit_path)
    figures = queries.figures(drive, unit, at)
    _put(row, replace(row.issue, figures=figures, texts=_renewed(row.issue, figures)), seen, at, actor)


def _renewed(old: Issue, figures: Figures) -> Texts:
    given, fresh = bulletin.texts(old.figures, old.before), bulletin.texts(figures, old.before)
    return bulletin.rewritten(old.texts, given, fresh)


def _put(row: DraftRow, issue: Issue, seen: datetime, at: datetime, actor: audit.Actor) -> None:
    statement = update(Draft).where(Draft.id == row.id, Draft.saved_at == seen)
    values = {"content": bulletin.issue_written(issue), "saved_at": at, "saved_by": actor.text}
    if db.session.execute(statement.values(**values).returning(Draft.id)).scalar_one_or_none() is None:
        raise ChangedMeanwhile


@operation
def issue(*, draft_id: int, seen: datetime, at: datetime, actor: audit.Actor, dry_run: bool = False) -> int:
    """Issue a draft as it was looked at, under the next number; return the id of the bulletin. This is for good."""
    row = _taken(draft_id, seen)
    unit = roster.unit_at(row.unit_path)
    last = queries.newest(row.campaign_id, unit.id, row.issue.period)
    whole = replace(row.issue, issue_no=last.issue_no + 1 if last else 1)
    content = bulletin.issue_written(whole)
    fingerprint = bulletin.digest(content)
    place = audit.record(
        actor=actor, action="bulletin.issued", on=f"unit:{unit.id}", at=at, hash=fingerprint,
        campaign=row.campaign_id, period=whole.period, issue_no=whole.issue_no, corrects=whole.corrects,
    )  # fmt: skip
    added: int | None = db.session.execute(
        insert(Issued)
        .values(
            campaign_id=row.campaign_id, unit_id=unit.id, period=whole.period, issue_no=whole.issue_no,
            corrects_id=row.corrects_id, content=content, hash=fingerprint, issued_at=at, issued_by=actor.text,
            anchor_seq=place.seq, anchor_hash=place.hash,
        )
        .on_conflict_do_nothing()
        .returning(Issued.id)
    ).scalar_one_or_none()  # fmt: skip
    if added is None:
        raise ChangedMeanwhile
    if dry_run:
        db.session.rollback()
    return added


@operation
def discard(*, draft_id: int, seen: datetime, at: datetime, actor: audit.Actor) -> None:
    """Throw a draft away."""
    row = _taken(draft_id, seen)
    audit.record(
        actor=actor, action="bulletin.discarded", on=f"draft:{draft_id}", at=at, campaign=row.campaign_id,
        period=row.issue.period,
    )  # fmt: skip


def _taken(draft_id: int, seen: datetime) -> DraftRow:
    """Take a draft away as it was looked at."""
    row = queries.draft(draft_id)
    gone = db.session.execute(
        delete(Draft).where(Draft.id == draft_id, Draft.saved_at == seen).returning(Draft.id)
    ).scalar_one_or_none()
    if gone is None:
        raise ChangedMeanwhile
    return row
