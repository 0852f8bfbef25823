"""Issuing, repointing, revoking, extending: what the printed code then does."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from quizsvc.audit import CLI, AuditEntry
from quizsvc.core import linkcode
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.link import operations, queries
from quizsvc.link.models import Link
from quizsvc.link.operations import AlreadyRevoked, Issued
from tests import make
from tests.conftest import NOON
from tests.link.conftest import Town
from tests.support import Watch, sqlite_only


def issue(town: Town, *units: Any, **more: Any) -> Issued:
    unit_ids = [unit.id for unit in units or (town.class_1, town.class_2, town.other_class)]
    return operations.issue_links(round_id=town.round.id, unit_ids=unit_ids, at=NOON, actor=CLI, **more)


def door(town: Town, unit: Any = None, place: str = "") -> queries.Door:
    found = queries.door_of(town.round.id, (unit or town.class_1).id, place)
    assert found is not None
    return found


def actions() -> list[str]:
    return list(db.session.execute(select(AuditEntry.action).order_by(AuditEntry.seq)).scalars())


def links() -> int:
    return db.session.execute(select(func.count()).select_from(Link)).scalar_one()


def test_every_class_gets_one_link_however_often_they_are_issued(town: Town) -> None:
    assert issue(town, town.class_1) == Issued(new=1, existing=0)
    assert issue(town) == Issued(new=2, existing=1)
    assert issue(town) == Issued(new=0, existing=3)
    assert issue(town, town.class_1, town.class_1) == Issued(new=0, existing=1)
    assert (links(), actions()) == (3, ["link.issue", "link.issue"])


def test_issued_link_is_printable_and_leads_to_its_class(town: Town) -> None:
    issue(town)
    for number, unit in enumerate((town.class_1, town.class_2, town.other_class), 1):
        found = door(town, unit)
        assert linkcode.parse(found.code) == found.code
        assert (found.phrase.word in linkcode.WORDS, 10 <= found.phrase.number <= 99) == (True, True)
        assert found.poster_number == f"2026-000{number}"
        assert queries.door(found.code) == found
        assert (found.unit_id, found.round.id, found.state(NOON)) == (unit.id, town.round.id, "open")


def test_poster_numbers_go_on_beyond_four_digits_and_begin_anew_each_year(town: Town) -> None:
    make.a_link(town.round, town.class_1, poster_number="2026-9999")
    issue(town, town.class_2)
    issue(town, town.other_class)
    assert [door(town, unit).poster_number for unit in (town.class_2, town.other_class)] == [
        "2026-10000",
        "2026-10001",
    ]
    new_year = NOON + timedelta(days=20)
    operations.issue_links(
        round_id=town.round.id, unit_ids=[town.class_1.id], place="图书馆", at=new_year, actor=CLI
    )
    assert door(town, town.class_1, "图书馆").poster_number == "2027-0001"


def test_each_place_of_a_class_has_its_own_link(town: Town) -> None:
    issue(town, town.class_1)
    assert issue(town, town.class_1, place=" 图书馆 ") == Issued(new=1, existing=0)
    assert issue(town, town.class_1, place="图书馆") == Issued(new=0, existing=1)
    assert door(town).code != door(town, place="图书馆").code
    for place in ("很" * 21, "两\n行"):
        with pytest.raises(Refusal, match="地点最多写"):
            issue(town, town.class_1, place=place)


def test_code_that_is_taken_is_drawn_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = linkcode.compose("000001")
    make.a_link(town.round, town.other_class, code=taken)
    drawn = iter([0, 1, 0, 1, 0, 2])  # phrase and body: taken twice, then free
    monkeypatch.setattr("secrets.randbits", lambda bits: next(drawn))
    assert issue(town, town.class_1) == Issued(new=1, existing=0)
    assert door(town).code == linkcode.compose("000002")


@sqlite_only
def test_codes_that_are_always_taken_end_in_a_refusal(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    make.a_link(town.round, town.other_class, code=linkcode.compose("000001"))
    monkeypatch.setattr("secrets.randbits", lambda bits: 1)
    with pytest.raises(Refusal, match="稍后再试"):
        issue(town, town.class_1)
    assert links() == 1


@sqlite_only
def test_codes_and_phrases_are_random(town: Town) -> None:
    classes = [make.a_class(town.other_school, 1, f"c{n}", f"{n} 班") for n in range(60)]
    issue(town, *classes)
    found = queries.doors_of(town.round.id, "yg/yz/")
    assert len({one.code[:6] for one in found}) == 60
    assert max(Counter(one.code[0] for one in found).values()) < 15
    assert len({str(one.phrase) for one in found}) > 50


def test_issuing_takes_as_many_statements_for_thirty_classes_as_for_one(town: Town, watch: Watch) -> None:
    classes = [make.a_class(town.other_school, 1, f"c{n}", f"{n} 班") for n in range(30)]
    with watch.counting() as one:
        issue(town, town.class_1)
    with watch.counting() as thirty:
        issue(town, *classes)
    assert len(one) == len(thirty) == 10, thirty


@sqlite_only
def test_links_for_units_outside_the_round_are_refused(town: Town) -> None:
    narrow = make.a_round(town.class_1, town.paper, code="narrow")
    for unit_ids in ([town.class_2.id], [town.class_1.id, town.other_class.id], [999_999], []):
        with pytest.raises(Refusal, match=r"没有参加这个场次|先选好"):
            operations.issue_links(round_id=narrow.id, unit_ids=unit_ids, at=NOON, actor=CLI)
    assert links() == 0


@sqlite_only
def test_dry_runs_change_nothing(town: Town) -> None:
    assert issue(town, dry_run=True) == Issued(new=3, existing=0)
    assert (links(), actions()) == (0, [])
    issue(town, town.class_1)
    before = door(town)
    later = town.round.closes_at + timedelta(days=1)
    operations.extend(link_id=before.link_id, closes_at=later, at=NOON, actor=CLI, dry_run=True)
    operations.repoint(link_id=before.link_id, unit_id=town.class_2.id, at=NOON, actor=CLI, dry_run=True)
    operations.revoke(link_id=before.link_id, at=NOON, actor=CLI, dry_run=True)
    assert (door(town), actions()) == (before, ["link.issue"])


def test_repoint_keeps_code_phrase_and_number_and_leads_elsewhere(town: Town) -> None:
    issue(town, town.class_1)
    before = door(town)
    next_round = make.a_round(town.county, code="spring-1", paper=town.paper)
    operations.extend(
        link_id=before.link_id, closes_at=town.round.closes_at + timedelta(days=1), at=NOON, actor=CLI
    )

    operations.repoint(
        link_id=before.link_id, round_id=next_round.id, unit_id=town.class_2.id, at=NOON, actor=CLI
    )

    after = queries.door(before.code)
    assert (after.code, after.phrase, after.poster_number) == (
        before.code,
        before.phrase,
        before.poster_number,
    )
    assert (after.round.code, after.unit_id, after.unit_name) == (
        "spring-1",
        town.class_2.id,
        "七年级（2）班",
    )
    assert (after.closes_at, after.extended) == (next_round.closes_at, False)
    assert queries.door_of(town.round.id, town.class_1.id) is None
    assert actions()[-1] == "link.repoint"


def test_repoint_to_one_new_thing_leaves_the_other(town: Town) -> None:
    issue(town, town.class_1)
    operations.repoint(link_id=door(town).link_id, unit_id=town.other_class.id, at=NOON, actor=CLI)
    assert door(town, town.other_class).school_name == "阳光县第一中学"


@sqlite_only
def test_repoint_onto_another_link_or_nowhere_is_refused(town: Town) -> None:
    issue(town)
    one = door(town)
    narrow = make.a_round(town.class_2, town.paper, code="narrow")
    with pytest.raises(Refusal, match="已经有一个能用的链接"):
        operations.repoint(link_id=one.link_id, unit_id=town.class_2.id, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="没有参加这个场次"):
        operations.repoint(link_id=one.link_id, round_id=narrow.id, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="和现在一样"):
        operations.repoint(link_id=one.link_id, unit_id=town.class_1.id, at=NOON, actor=CLI)
    assert door(town) == one


def test_revoked_link_opens_nothing_and_makes_room_for_a_new_one(town: Town) -> None:
    issue(town, town.class_1)
    old = door(town)
    operations.revoke(link_id=old.link_id, at=NOON, actor=CLI)

    with pytest.raises(queries.UnknownLink) as revoked:
        queries.door(old.code)
    with pytest.raises(queries.UnknownLink) as unknown:
        queries.door(linkcode.compose("ABCDEF"))
    assert (str(revoked.value), revoked.value.status) == (str(unknown.value), unknown.value.status)
    for again in (
        lambda: operations.revoke(link_id=old.link_id, at=NOON, actor=CLI),
        lambda: operations.repoint(link_id=old.link_id, unit_id=town.class_2.id, at=NOON, actor=CLI),
        lambda: operations.extend(
            link_id=old.link_id, closes_at=NOON + timedelta(days=30), at=NOON, actor=CLI
        ),
    ):
        with pytest.raises(AlreadyRevoked):
            again()

    assert issue(town, town.class_1) == Issued(new=1, existing=0)
    assert door(town).code != old.code
    both = queries.doors_of(town.round.id, "yg/", revoked=True)
    assert [one.state(NOON) for one in both] == ["revoked", "open"]


def test_extended_class_stays_open_when_the_round_has_closed(town: Town) -> None:
    issue(town)
    later = town.round.closes_at + timedelta(days=2)
    operations.extend(link_id=door(town).link_id, closes_at=later, at=NOON, actor=CLI)

    after_round = town.round.closes_at + timedelta(hours=1)
    assert (door(town).closes_at, door(town).extended) == (later, True)
    assert (door(town).state(after_round), door(town, town.class_2).state(after_round)) == ("open", "closed")
    assert door(town).window().closes_at == later
    assert actions()[-1] == "link.extend"


def test_extension_that_a_prolonged_round_overtakes_no_longer_counts(town: Town) -> None:
    issue(town, town.class_1)
    operations.extend(
        link_id=door(town).link_id, closes_at=town.round.closes_at + timedelta(days=1), at=NOON, actor=CLI
    )
    town.round.closes_at += timedelta(days=5)
    db.session.commit()
    assert (door(town).closes_at, door(town).extended) == (town.round.closes_at, False)


@sqlite_only
def test_extension_that_is_none_or_gives_answers_away_is_refused(town: Town) -> None:
    issue(town, town.class_1)
    link_id = door(town).link_id
    closes_at = town.round.closes_at
    with pytest.raises(Refusal, match="要比场次的结束时间晚"):
        operations.extend(link_id=link_id, closes_at=closes_at, at=NOON, actor=CLI)
    with pytest.raises(Refusal, match="清除个人信息的日子（2 月 1 日）"):
        operations.extend(link_id=link_id, closes_at=closes_at + timedelta(days=90), at=NOON, actor=CLI)
    after = closes_at + timedelta(days=1)
    with pytest.raises(Refusal, match="晚于此刻"):
        operations.extend(link_id=link_id, closes_at=after, at=after, actor=CLI)
    town.round.review_after_submit = ["score"]
    db.session.commit()
    with pytest.raises(Refusal, match="答案也已经公布"):
        operations.extend(link_id=link_id, closes_at=after + timedelta(days=1), at=after, actor=CLI)
    assert not door(town).extended


def test_two_issuing_at_once_give_each_class_one_link(app: Flask, town: Town) -> None:
    classes = [make.a_class(town.other_school, 1, f"c{n}", f"{n} 班").id for n in range(20)]
    round_id = town.round.id
    db.session.rollback()
    start = threading.Barrier(4)
    issued: list[Issued] = []

    def work(order: int) -> None:
        with app.app_context():
            start.wait()
            issued.append(
                operations.issue_links(round_id=round_id, unit_ids=classes[::order], at=NOON, actor=CLI)
            )
            db.session.remove()

    threads = [threading.Thread(target=work, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one.new for one in issued) == 20
    assert [one.new + one.existing for one in issued] == [20] * 4
    numbers = [one.poster_number for one in queries.doors_of(round_id, "yg/yz/")]
    assert (len(numbers), len(set(numbers))) == (20, 20)
