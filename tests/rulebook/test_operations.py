"""Saving drafts, announcing versions."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from quizsvc import audit
from quizsvc.audit import CLI, AuditEntry
from quizsvc.campaign.models import Campaign, Round, RoundPaper
from quizsvc.campaign.queries import UnknownRound
from quizsvc.core import announcement, rulebook
from quizsvc.core.refusal import Refusal
from quizsvc.core.rulebook import Rules
from quizsvc.db import db
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Unit
from quizsvc.rulebook import operations, queries
from quizsvc.rulebook.models import Draft, Version
from tests import make
from tests.conftest import NOON

BEFORE = make.OPENS - timedelta(days=1)
HOUR = timedelta(hours=1)


def sound(contest: Round, **changes: Any) -> Rules:
    return make.rules_of(queries.facts(contest.id), **changes)


def publish(contest: Round, rules: Rules, at: datetime = BEFORE, **given: Any) -> int:
    before = queries.in_force(contest.id)
    now = replace(rulebook.tidied(rules), round=queries.facts(contest.id))
    values: dict[str, Any] = {
        "looked_at": rulebook.content_hash(rulebook.written(now)), "after": before.number if before else 0,
        "confirmation": "quiz-2026", "reason": "把话说清楚",
    }  # fmt: skip
    return operations.publish(round_id=contest.id, rules=rules, at=at, actor=CLI, **{**values, **given})


def entries() -> list[tuple[str, str]]:
    return [tuple(row) for row in db.session.execute(select(AuditEntry.action, AuditEntry.object))]


def rows() -> list[Any]:
    db.session.rollback()
    return [list(db.session.execute(select(table.__table__))) for table in (Draft, Version, AuditEntry)]


# --- drafts


def test_draft_with_gaps_is_kept_and_told(contest: Round) -> None:
    written = Rules(round=queries.facts(contest.id), who=" 大家 ")

    operations.save_draft(round_id=contest.id, rules=written, seen=None, at=NOON, actor=CLI)

    draft = queries.draft(contest.id)
    assert draft == queries.DraftRow(replace(written, who="大家"), NOON, "cli")
    assert entries() == [("rules.saved", f"round:{contest.id}")]


def test_draft_that_somebody_else_saved_meanwhile_is_not_overwritten(contest: Round) -> None:
    first, second = sound(contest, who="甲"), sound(contest, who="乙")
    operations.save_draft(round_id=contest.id, rules=first, seen=None, at=NOON, actor=CLI)

    for seen in (None, NOON - HOUR):
        with pytest.raises(operations.SavedMeanwhile):
            operations.save_draft(round_id=contest.id, rules=second, seen=seen, at=NOON + HOUR, actor=CLI)

    assert queries.draft(contest.id).rules.who == "甲"
    operations.save_draft(round_id=contest.id, rules=second, seen=NOON, at=NOON + HOUR, actor=CLI)
    assert queries.draft(contest.id).rules.who == "乙"


def test_draft_of_a_test_or_of_nothing_is_refused(contest: Round, county: Unit) -> None:
    test = make.a_round(county, paper=db.session.get(Paper, contest.paper_id))

    with pytest.raises(operations.NoContest):
        operations.save_draft(round_id=test.id, rules=sound(contest), seen=None, at=NOON, actor=CLI)
    with pytest.raises(UnknownRound):
        operations.save_draft(round_id=999, rules=sound(contest), seen=None, at=NOON, actor=CLI)
    with pytest.raises(Refusal):
        operations.save_draft(
            round_id=contest.id, rules=sound(contest, who="\x00"), seen=None, at=NOON, actor=CLI
        )
    assert rows() == [[], [], []]


# --- the first version


def test_published_rules_are_in_force_from_that_moment(contest: Round) -> None:
    rules = sound(contest)

    assert publish(contest, rules) == 1

    version = queries.in_force(contest.id)
    assert version is not None
    assert (version.number, version.rules, version.reason, version.published_at, version.published_by) == (
        1, rules, "", BEFORE, "cli",
    )  # fmt: skip
    assert (
        version.hash
        == rulebook.content_hash(rulebook.written(rules))
        == rulebook.content_hash(version.content)
    )
    assert (queries.in_force(contest.id, BEFORE - HOUR), queries.in_force(contest.id, BEFORE)) == (
        None,
        version,
    )
    assert queries.versions(contest.id) == [version]
    assert queries.draft(contest.id).rules == rules
    assert entries() == [("rules.published", f"round:{contest.id}")]


def test_release_follows_from_the_first_version(contest: Round, county: Unit) -> None:
    test = make.a_round(county, paper=db.session.get(Paper, contest.paper_id))

    def released() -> set[int]:
        return set(db.session.scalars(select(Round.id).where(queries.RELEASED)))

    assert released() == {test.id}
    publish(contest, sound(contest))
    assert released() == {test.id, contest.id}


def test_what_the_round_decides_is_read_at_that_moment(contest: Round) -> None:
    rules = sound(contest)
    other = make.a_paper(pool=[make.an_item("other-01")])
    make.saved(RoundPaper(round_id=contest.id, day="2026-12-02", role="", paper_id=other.id))
    db.session.execute(update(Round).values(closes_at=make.CLOSES - HOUR))
    db.session.commit()

    with pytest.raises(operations.AnnouncedMeanwhile):
        publish(contest, rules, looked_at=rulebook.content_hash(rulebook.written(rules)))
    publish(contest, rules)

    announced = queries.in_force(contest.id).rules.round
    assert announced == queries.facts(contest.id)
    assert (announced.closes_at, len(announced.papers)) == (make.CLOSES - HOUR, 2)
    assert other.content_hash in announced.papers


def test_gaps_are_all_told_and_nothing_is_published(contest: Round) -> None:
    with pytest.raises(operations.NotYet) as refused:
        publish(contest, sound(contest, contact="", tax=" ", draw_at=None))

    assert [gap.field for gap in refused.value.gaps] == ["draw_at", "tax", "contact"]
    assert refused.value.text.startswith("还有 3 处要改，暂时不能公布。\n· 抽奖时间：请写明抽奖时间。")
    assert rows() == [[], [], []]


def test_test_campaign_holds_no_prizes(contest: Round) -> None:
    db.session.execute(update(Campaign).values(is_test=True))
    db.session.commit()

    with pytest.raises(operations.NotYet) as refused:
        publish(contest, sound(contest))
    assert [gap.field for gap in refused.value.gaps] == ["tiers"]

    assert publish(contest, sound(contest, tiers=())) == 1
    assert queries.in_force(contest.id).rules.round.is_test


@pytest.mark.parametrize("typed", ["", "quiz", "QUIZ-2026", "quiz-2026x"])
def test_confirmation_is_the_code_of_the_round(contest: Round, typed: str) -> None:
    with pytest.raises(Refusal, match="quiz-2026"):
        publish(contest, sound(contest), confirmation=typed)

    assert rows() == [[], [], []]
    assert publish(contest, sound(contest), confirmation=" quiz-2026 ") == 1


def test_rules_of_a_round_that_is_over_are_not_published_any_more(contest: Round) -> None:
    with pytest.raises(Refusal, match="已经结束"):
        publish(contest, sound(contest), at=make.CLOSES)

    assert publish(contest, sound(contest), at=make.CLOSES - HOUR) == 1


def test_check_alone_publishes_nothing(contest: Round) -> None:
    assert publish(contest, sound(contest), dry_run=True) == 1
    assert rows() == [[], [], []]


# --- later versions


def test_before_the_start_everything_may_change_with_a_reason(contest: Round) -> None:
    publish(contest, sound(contest))

    for reason in ("", "  ", "长" * 201, "a\x00b"):
        with pytest.raises(Refusal, match="为什么改"):
            publish(contest, sound(contest, tiers=make.TIERS[:2]), reason=reason)
    assert publish(contest, sound(contest, tiers=make.TIERS[:2]), reason=" 少了\n一个奖 ") == 2

    first, second = queries.versions(contest.id)
    assert (first.reason, second.reason) == ("", "少了 一个奖")
    assert queries.in_force(contest.id, first.published_at) == second
    assert [change.field for change in announcement.changes(first.rules, second.rules)] == ["tiers"]


def test_after_the_start_only_clarifications_are_taken(contest: Round) -> None:
    publish(contest, sound(contest))

    with pytest.raises(operations.NotYet) as refused:
        publish(contest, sound(contest, tiers=make.TIERS[:2], contact="12345"), at=make.OPENS)
    assert [gap.field for gap in refused.value.gaps] == ["tiers"]
    assert publish(contest, sound(contest, contact="12345"), at=make.OPENS) == 2

    assert queries.in_force(contest.id, make.OPENS - HOUR).rules.contact != "12345"
    assert queries.in_force(contest.id, make.OPENS).rules.contact == "12345"


def test_prolonged_round_is_announced_again(contest: Round) -> None:
    publish(contest, sound(contest))
    db.session.execute(update(Round).values(closes_at=make.CLOSES + HOUR))
    db.session.commit()

    assert queries.in_force(contest.id).rules.round != queries.facts(contest.id)
    assert publish(contest, sound(contest), at=NOON) == 2
    assert queries.in_force(contest.id).rules.round == queries.facts(contest.id)


def test_same_rules_are_not_published_twice(contest: Round) -> None:
    publish(contest, sound(contest))

    with pytest.raises(Refusal, match="完全一样"):
        publish(contest, sound(contest))


def test_version_is_published_once_even_when_two_look_at_the_same_page(contest: Round) -> None:
    rules = sound(contest)
    publish(contest, rules)
    kept = rows()

    with pytest.raises(operations.AnnouncedMeanwhile):
        publish(contest, rules, after=0)
    with pytest.raises(operations.AnnouncedMeanwhile):
        publish(contest, sound(contest, contact="12345"), looked_at=queries.in_force(contest.id).hash)

    assert rows() == kept


def test_parallel_publishing_gives_one_version(app: Flask, contest: Round) -> None:
    rules = sound(contest)
    publish(contest, rules)
    later = [replace(rules, contact=f"第 {number} 个电话") for number in range(4)]
    gate = Barrier(len(later))

    def one(rules: Rules) -> bool:
        with app.app_context():
            gate.wait()
            try:
                publish(contest, rules, after=1)
            except operations.AnnouncedMeanwhile:
                return False
            return True

    with ThreadPoolExecutor(len(later)) as pool:
        done = list(pool.map(one, later))

    db.session.rollback()
    assert sorted(done) == [False, False, False, True]
    announced = queries.versions(contest.id)
    assert [version.number for version in announced] == [1, 2]
    assert announced[1].rules.contact == later[done.index(True)].contact
    assert queries.draft(contest.id).rules == announced[1].rules


def test_number_is_kept_by_the_database(contest: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """Canary: whoever reads an old state of affairs is stopped by the constraint, not by luck."""
    rules = sound(contest)
    publish(contest, rules)
    monkeypatch.setattr(queries, "in_force", lambda _round_id, _at=None: None)

    with pytest.raises(operations.AnnouncedMeanwhile):
        publish(contest, rules, after=0)


def test_unknown_round_has_no_facts(app: Flask) -> None:
    with pytest.raises(UnknownRound):
        queries.facts(999)


def test_changed_text_of_a_version_shows_in_its_hash(contest: Round) -> None:
    publish(contest, sound(contest))
    content = {**queries.in_force(contest.id).content, "tax": "自己付"}
    db.session.execute(update(Version).values(content=content))
    db.session.commit()

    version = queries.in_force(contest.id)
    assert version.hash != rulebook.content_hash(version.content)


def test_audit_says_what_was_published(contest: Round) -> None:
    publish(contest, sound(contest))
    [entry] = db.session.scalars(select(AuditEntry))

    assert audit.ACTION_NAMES[entry.action] == "公布竞赛规则"
    assert f'"hash":"{queries.in_force(contest.id).hash}"' in entry.detail
    assert '"number":1' in entry.detail
    assert f'"reason_hash":"{hashlib.sha256(b"").hexdigest()}"' in entry.detail
