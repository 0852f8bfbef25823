"""Saving the draft of the rules, and announcing versions. What has been announced is never changed."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from quizsvc import audit
from quizsvc.campaign.models import Round
from quizsvc.campaign.queries import UnknownRound
from quizsvc.core import announcement, rulebook
from quizsvc.core.announcement import Gap
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules
from quizsvc.db import db, insert, operation
from quizsvc.rulebook import queries
from quizsvc.rulebook.models import Draft, Version

LONGEST_REASON: Final = 200


class NoContest(Refusal):
    """The round is no contest, so it has no rules to announce."""

    def __init__(self) -> None:
        super().__init__("这个场次不是竞赛，没有规则要写。", status=409)


class SavedMeanwhile(Refusal):
    """Somebody else has saved the draft since it was opened."""

    def __init__(self) -> None:
        super().__init__("刚才有别人保存过这份规则。请核对后再保存，再保存就以您的为准。", status=409)


class AnnouncedMeanwhile(Refusal):
    """What was looked at before publishing is not what would be published now."""

    def __init__(self) -> None:
        super().__init__("规则、场次或现行版本刚才有变动。请把下面的内容再看一遍，然后公布。", status=409)


class NotYet(Refusal):
    """The rules cannot be published as they are.

    gaps: what is missing or may not be changed any more
    """

    def __init__(self, gaps: list[Gap]) -> None:
        lines = "".join(f"\n· {rulebook.LABELS[gap.field]}：{gap.sentence}" for gap in gaps)
        super().__init__(f"还有 {len(gaps)} 处要改，暂时不能公布。{lines}", status=409)
        self.gaps = gaps


@operation
def save_draft(
    *, round_id: int, rules: Rules, seen: datetime | None, at: datetime, actor: audit.Actor
) -> None:
    """Keep what the organizer has written, gaps and all; `seen` is when the draft was saved that was opened."""
    _contest(round_id)
    rules = replace(rulebook.tidied(rules), round=queries.facts(round_id))
    content = rulebook.written(rules)
    values = {"content": content, "saved_at": at, "saved_by": actor.text}
    if seen is None:
        statement = insert(Draft).values(round_id=round_id, **values).on_conflict_do_nothing()
    else:
        statement = update(Draft).where(Draft.round_id == round_id, Draft.saved_at == seen).values(**values)
    saved = db.session.execute(statement.returning(Draft.round_id)).scalar_one_or_none()
    if saved is None:
        raise SavedMeanwhile
    audit.record(
        actor=actor, action="rules.saved", on=f"round:{round_id}", at=at, hash=rulebook.content_hash(content)
    )


@operation
def publish(
    *,
    round_id: int,
    rules: Rules,
    looked_at: str,
    after: int,
    confirmation: str,
    reason: str,
    at: datetime,
    actor: audit.Actor,
    dry_run: bool = False,
) -> int:
    """Announce rules as the next version and return its number; from now on it is what holds.

    `looked_at` is the hash of the content that was shown before, `after` the number of the version then in force
    (0 without one), `confirmation` the code of the round as it was typed. What the round decides is read anew; the
    draft is the same as the version afterwards.
    """
    code = _contest(round_id)
    before = queries.in_force(round_id)
    rules = replace(rulebook.tidied(rules), round=queries.facts(round_id))
    content = rulebook.written(rules)
    hashed = rulebook.content_hash(content)
    if hashed != looked_at or after != (before.number if before else 0):
        raise AnnouncedMeanwhile
    if confirmation.strip() != code:
        raise Refusal(f"请把场次的代号 {code} 原样写一遍，表示已经看清楚了。")
    reason = _reason(reason) if before else ""
    _check(rules, before, at)
    number: int | None = db.session.execute(
        insert(Version)
        .values(
            round_id=round_id, number=after + 1, content=content, hash=hashed, reason=reason, published_at=at,
            published_by=actor.text,
        )
        .on_conflict_do_nothing()
        .returning(Version.number)
    ).scalar_one_or_none()  # fmt: skip
    if number is None:
        raise AnnouncedMeanwhile
    draft = insert(Draft).values(round_id=round_id, content=content, saved_at=at, saved_by=actor.text)
    db.session.execute(
        draft.on_conflict_do_update(
            index_elements=[Draft.round_id],
            set_={name: draft.excluded[name] for name in ("content", "saved_at", "saved_by")},
        )
    )
    audit.record(
        actor=actor, action="rules.published", on=f"round:{round_id}", at=at, number=number, hash=hashed,
        reason_hash=hashlib.sha256(reason.encode()).hexdigest(),
    )  # fmt: skip
    if dry_run:
        db.session.rollback()
    return number


def _contest(round_id: int) -> str:
    row = db.session.execute(select(Round.code, Round.kind).where(Round.id == round_id)).one_or_none()
    if row is None:
        raise UnknownRound
    if row.kind != queries.CONTEST:
        raise NoContest
    return str(row.code)


def _check(rules: Rules, before: queries.VersionRow | None, at: datetime) -> None:
    if before is None:
        if rules.round.closes_at <= at:
            raise Refusal("场次已经结束，没有人能参加了，不能再公布规则。", status=409)
        found = announcement.gaps(rules)
    else:
        if not announcement.changes(before.rules, rules):
            raise Refusal("和现行的规则完全一样，不用再公布。", status=409)
        started = announcement.started(before.rules, rules, at)
        found = [
            *announcement.gaps(rules),
            *announcement.refused_changes(before.rules, rules, started=started),
        ]
    if found:
        raise NotYet(found)


def _reason(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > LONGEST_REASON or not text.isprintable():
        raise Refusal(f"请写明为什么改，1 到 {LONGEST_REASON} 个字。这句话会公布出来。")
    return text
