"""What staff do about declarations: sheets of paper, what they have seen, numbers they have typed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from quizsvc import audit, vault
from quizsvc.audit import Actor, AuditEntry, AuditLeaf
from quizsvc.campaign import queries as campaign
from quizsvc.core import document
from quizsvc.core.adoption import Count
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.declaration import operations, queries
from quizsvc.declaration.models import Declaration, ItemState, Population, Referral, Total
from quizsvc.declaration.operations import Entered, SeatTaken
from quizsvc.declaration.queries import Item
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption, Headcount
from tests import make
from tests.conftest import NOON
from tests.declaration.conftest import NO, YES, Scene, a_scene, declare, key_file
from tests.support import Watch

pytestmark = pytest.mark.usefixtures("app")

TEACHER = Actor("staff:7")
ON = date(2026, 12, 10)
DONE = (Item(0, "adopted", 0b11, "declared"), Item(1, "na", 0, "declared"))


def row_of(scene: Scene) -> Any:
    return campaign.round_of(scene.round.id)


def enter(scene: Scene, answers: Mapping[int, bool], **changes: Any) -> Entered:
    values: dict[str, Any] = {"on": ON, "at": NOON, "actor": TEACHER, **changes}
    return operations.enter_papers(round_=row_of(scene), unit_id=scene.unit.id, answers=answers, **values)


def kept() -> list[tuple[int | None, bool, str]]:
    db.session.rollback()
    rows = db.session.query(Enrolment.seat, Declaration.met, Declaration.channel).join(
        Declaration, Declaration.enrolment_id == Enrolment.id
    )
    return [(row.seat, row.met, row.channel) for row in rows.order_by(Enrolment.seat)]


def actions() -> list[str]:
    return [entry.action for entry in audit.newest(limit=20)][::-1]


# sheets of paper


def test_sheets_are_written_down_by_seat_with_their_day_and_who_entered_them() -> None:
    scene = a_scene()
    assert enter(scene, {1: True, 3: False}) == Entered((1, 3), ())
    assert kept() == [(1, True, "paper"), (3, False, "paper")]
    row = db.session.query(Declaration).first()
    assert row is not None
    assert (row.noted_on, row.noted_by, row.signer, row.name, row.helped) == (
        ON,
        "staff:7",
        "guardian",
        None,
        False,
    )
    assert row.text_hash == document.digest(make.a_document())
    assert actions() == ["declaration.papers_entered"]
    entry = db.session.query(AuditEntry).one()
    assert row.id in entry.detail
    assert row.text_hash in entry.detail
    assert db.session.query(AuditLeaf).count() == 2


def test_the_same_pile_again_changes_nothing() -> None:
    scene = a_scene()
    enter(scene, {1: True, 3: False})
    assert enter(scene, {1: True, 3: True}) == Entered((), (1, 3))
    assert kept() == [(1, True, "paper"), (3, False, "paper")]
    assert actions() == ["declaration.papers_entered"]


def test_who_declared_on_a_phone_is_left_alone_and_named() -> None:
    scene = a_scene()
    declare(NO, seat=2)
    assert enter(scene, {1: True, 2: True}) == Entered((1,), (2,))
    assert kept() == [(1, True, "paper"), (2, False, "phone")]


def test_a_seat_that_is_written_down_is_taken_for_phones() -> None:
    enter(a_scene(), {1: True})
    with pytest.raises(SeatTaken):
        declare(YES, seat=1)


def test_one_strange_or_excused_seat_and_nothing_is_written() -> None:
    scene = a_scene()
    excused = db.session.query(Enrolment).filter_by(unit_id=scene.unit.id, seat=2).one()
    make.saved(
        Exemption(enrolment_id=excused.id, reason="休学", approved_by="cli", approved_at=NOON, ended_at=None)
    )
    with pytest.raises(Refusal, match="一份也没有录：这里没有 2 号、9 号"):
        enter(scene, {1: True, 2: True, 9: True})
    assert kept() == []


def test_a_pile_that_was_entered_wrongly_is_voided_in_one_go_and_entered_again() -> None:
    scene = a_scene()
    declare(NO, seat=2)
    enter(scene, {1: True, 3: True})
    later = NOON + timedelta(minutes=5)

    def void(reason: str, entered_at: datetime = NOON) -> int:
        return operations.void_pile(
            round_=row_of(scene),
            unit_id=scene.unit.id,
            entered_at=entered_at,
            reason=reason,
            at=later,
            actor=TEACHER,
        )

    with pytest.raises(Refusal, match="4 到 100 个字"):
        void("错了")
    with pytest.raises(Refusal, match="已经作废"):
        void("日期写错了", entered_at=later)
    assert void("日期写错了") == 2
    with pytest.raises(Refusal, match="已经作废"):
        void("日期写错了")
    assert enter(scene, {1: True, 3: True}, on=date(2026, 12, 9), at=later).entered == (1, 3)
    entry = audit.newest(limit=2)[1]
    assert entry.action == "declaration.pile_void"
    assert "日期写错了" not in entry.detail


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"on": date(2026, 12, 13)}, "还没有到"),
        ({"on": date(2026, 8, 31)}, "2026-09-01 到 2026-12-20 之间"),
        ({"on": date(2026, 12, 21), "at": NOON + timedelta(days=20)}, "2026-09-01 到 2026-12-20 之间"),
        ({"at": datetime(2027, 2, 1, 4, tzinfo=UTC)}, "已经按约定清除"),
    ],
)
def test_a_day_on_which_nobody_can_have_signed_is_refused(changes: dict[str, Any], said: str) -> None:
    scene = a_scene()
    with pytest.raises(Refusal, match=said):
        enter(scene, {1: True}, **changes)
    assert kept() == []


def test_sheets_that_were_signed_in_time_may_be_entered_later() -> None:
    assert enter(a_scene(), {1: True}, at=NOON + timedelta(days=20)).entered == (1,)


def test_nothing_ticked_and_other_kinds_are_refused() -> None:
    scene = a_scene()
    with pytest.raises(Refusal, match="还没有勾座号"):
        enter(scene, {})
    nameless = make.a_sheet_round(scene.county, "adoption")
    with pytest.raises(Refusal, match="不能录入纸质回执"):
        enter(Scene(scene.county, scene.unit, nameless), {1: True})


def test_a_pledge_is_entered_when_it_is_signed_and_by_pupils_when_it_is_approved() -> None:
    scene = a_scene("pledge")
    with pytest.raises(Refusal, match="没有签的不用勾"):
        enter(scene, {1: True, 2: False})
    assert enter(scene, {1: True}).entered == (1,)
    pupils = make.a_sheet_paper("pledge", signer="student")
    for approval, entered in (("", False), ("阳教〔2026〕3 号", True)):
        round_ = make.a_sheet_round(scene.county, "pledge", pupils, approval=approval)
        other = Scene(scene.county, scene.unit, round_)
        if entered:
            assert enter(other, {1: True}).entered == (1,)
        else:
            with pytest.raises(queries.NotApproved):
                enter(other, {1: True})


# seen by a teacher


def verify(scene: Scene, *picks: tuple[int, int], **changes: Any) -> int:
    return operations.verify(
        round_=row_of(scene), unit_id=scene.unit.id, picks=picks, at=NOON, actor=TEACHER, **changes
    )


def proofs() -> list[str]:
    db.session.rollback()
    return [
        row.proof for row in db.session.query(ItemState).order_by(ItemState.declaration_id, ItemState.item)
    ]


def test_what_was_seen_is_verified_once_and_may_be_taken_back() -> None:
    scene = a_scene("adoption")
    make.a_declaration(scene.round, scene.unit, 1, DONE)
    make.a_declaration(scene.round, scene.unit, 2, DONE)
    assert verify(scene, (1, 0)) == 1
    assert verify(scene, (1, 0), (2, 0)) == 1
    assert proofs() == ["verified", "declared", "verified", "declared"]
    assert verify(scene, (1, 0), seen=False) == 1
    assert proofs() == ["declared", "declared", "verified", "declared"]
    assert actions() == ["declaration.verified", "declaration.verified", "declaration.unverified"]


@pytest.mark.parametrize("pick", [(1, 1), (1, 5), (2, 0), (9, 0)])
def test_only_what_is_adopted_can_have_been_seen(pick: tuple[int, int]) -> None:
    scene = a_scene("adoption")
    make.a_declaration(scene.round, scene.unit, 1, DONE)
    with pytest.raises(Refusal, match=f"一项也没有记：{pick[0]} 号的第 {pick[1] + 1} 项"):
        verify(scene, (1, 0), pick)
    assert proofs() == ["declared", "declared"]
    with pytest.raises(Refusal, match="还没有勾"):
        verify(scene)


# numbers that were typed


def people(scene: Scene, number: int = 10_000, source: str = "2025 年户籍统计") -> None:
    operations.set_population(
        round_=row_of(scene), unit_id=scene.unit.id, people=number, source=source, at=NOON, actor=TEACHER
    )


def counted(scene: Scene, adopted: int = 6_100, **changes: Any) -> None:
    values: dict[str, Any] = {
        "item": 0,
        "counted_on": ON,
        "source": "村干部入户登记",
        "at": NOON,
        "actor": TEACHER,
    }
    operations.set_total(
        round_=row_of(scene), unit_id=scene.unit.id, adopted=adopted, **{**values, **changes}
    )


def test_the_newest_number_counts_and_the_older_ones_stay() -> None:
    scene = a_scene("adoption")
    people(scene, 9_000)
    people(scene)
    counted(scene, 6_000)
    counted(scene)
    path = scene.county.path
    assert {key: row.number for key, row in queries.populations(scene.round.id, path).items()} == {
        scene.unit.id: 10_000
    }
    assert queries.totals(scene.round.id, path)[scene.unit.id][0].number == 6_100
    assert sorted(row.number for row in queries.typed(scene.round.id, scene.unit.id)) == [
        6_000,
        6_100,
        9_000,
        10_000,
    ]
    assert queries.populations(scene.round.id, "yg/sx/") == {}
    assert actions() == ["declaration.population"] * 2 + ["declaration.total"] * 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda scene: people(scene, -1), "0 到 1 亿"),
        (lambda scene: people(scene, 100_000_001), "0 到 1 亿"),
        (lambda scene: people(scene, source=" x "), "数字从哪里来"),
        (lambda scene: people(scene, source="源" * 61), "数字从哪里来"),
        (lambda scene: counted(scene, 10_001), "不能比常住人口多"),
        (lambda scene: counted(scene, -1), "不能比常住人口多"),
        (lambda scene: counted(scene, source=""), "数字从哪里来"),
        (lambda scene: counted(scene, item=1), "不用填人工统计"),
        (lambda scene: counted(scene, item=2), "不用填人工统计"),
        (lambda scene: counted(scene, counted_on=date(2026, 12, 13)), "还没有到"),
    ],
)
def test_a_number_that_cannot_be_is_refused(wrong: Any, said: str) -> None:
    scene = a_scene("adoption")
    people(scene)
    with pytest.raises(Refusal, match=said):
        wrong(scene)
    db.session.rollback()
    assert (db.session.query(Population).count(), db.session.query(Total).count()) == (1, 0)


def test_a_total_needs_to_know_of_how_many_and_a_receipt_has_none() -> None:
    scene = a_scene("adoption")
    with pytest.raises(Refusal, match="请先填这个单位的常住人口"):
        counted(scene)
    with pytest.raises(Refusal, match="没有常住人口要填"):
        people(Scene(scene.county, scene.unit, make.a_sheet_round(scene.county)))


# lists


def test_units_where_nobody_has_signed_come_first(watch: Watch) -> None:
    scene = a_scene()
    firm = make.a_unit("dg", "东工有限公司", "company", scene.county, position=9)
    make.a_class(scene.county, 1, "xg", "西工有限公司")
    full = make.a_class(scene.county, 1, "ng", "南工有限公司")
    declare(seat=1)
    make.a_declaration(scene.round, full)
    round_ = row_of(scene)
    with watch.counting() as seen:
        lines = queries.lines_of(round_, [scene.county.path])
    assert len(seen) == 4
    assert [(line.unit.name, line.tally.done, line.missing) for line in lines] == [
        ("西工有限公司", 0, 1), ("东工有限公司", 0, 0), ("七年级（3）班", 1, 2), ("南工有限公司", 1, 0),
    ]  # fmt: skip
    assert [line.unit.id for line in queries.lines_of(round_, [firm.path])] == [firm.id]
    assert queries.lines_of(round_, ["zz/"]) == []
    assert len(queries.lines_of(round_, [""])) == 4


def test_items_are_counted_by_unit_without_those_who_are_excused_or_replaced(watch: Watch) -> None:
    scene = a_scene("adoption")
    checked = (Item(0, "adopted", 3, "checked"), Item(1, "not", 0, "declared"))
    make.a_declaration(scene.round, scene.unit, 1, DONE, voided_at=NOON)
    make.a_declaration(scene.round, scene.unit, 1, checked)
    make.a_declaration(scene.round, scene.unit, 2, DONE)
    make.a_declaration(scene.round, scene.unit, 3, DONE, excused=True)
    assert queries.item_counts(scene.round.id, scene.county.path) == {
        scene.unit.id: {0: Count(adopted=2, checked=1), 1: Count(not_=1, na=1)}
    }
    round_ = row_of(scene)
    with watch.counting() as seen:
        units, found = queries.reaches(round_, scene.county.path, 2)
    assert len(seen) == 6
    assert units[0].id == scene.county.id
    assert [(one.asked, one.known.adopted) for one in found[scene.county.id]] == [(3, 2), (2, 0)]


def test_a_round_that_is_not_opened_to_a_unit_asks_nothing_of_it() -> None:
    scene = a_scene("adoption")
    other = make.a_class(scene.county, 4, "z1", "镇一班")
    round_ = campaign.round_of(make.a_sheet_round(scene.unit, "adoption").id)
    units, found = queries.reaches(round_, scene.county.path, 1)
    assert (found[other.id][0].asked, found[scene.county.id][0].asked) == (0, 3)
    assert {scene.county.id, scene.unit.id} <= {unit.id for unit in units}
    assert other.id not in {unit.id for unit in units}
    assert db.session.query(Headcount).count() == 2


def test_codes_are_counted_over_a_unit_and_nobody_is_named() -> None:
    scene = a_scene("adoption", referrals=True)
    made = queries.referred(scene.round.id, scene.county.path)
    assert made == (0, 0)
    seats = db.session.query(Enrolment).filter_by(unit_id=scene.unit.id).order_by(Enrolment.seat).all()
    code = make.saved(
        Referral(
            round_id=scene.round.id,
            unit_id=scene.unit.id,
            enrolment_id=seats[0].id,
            code="ABCDEFGH",
            made_at=NOON,
        )
    )
    make.a_declaration(scene.round, scene.unit, 2, referral_id=code.id)
    make.a_declaration(scene.round, scene.unit, 3, referral_id=code.id, voided_at=NOON)
    assert queries.referred(scene.round.id, scene.county.path) == (1, 1)
    assert queries.referred(scene.round.id, "yg/zz/") == (0, 0)


def test_signers_archive_and_earlier_ones_are_read_with_their_names(watch: Watch) -> None:
    scene = a_scene()
    declare(YES, seat=1)
    enter(scene, {3: True})
    make.a_declaration(scene.round, scene.unit, 3, voided_at=NOON, void_reason="录错了座号")
    round_, unit = row_of(scene), roster.unit(scene.unit.id)
    ring, path = vault.kept_ring(key_file()), scene.county.path
    with watch.counting() as seen:
        listed = queries.signers(round_.id, path)
        kept = queries.archive(round_, path, ring)
        tally = queries.tally_of(round_, unit)
    assert len(seen) == 1 + 2 + 2
    assert [(row.seat, row.line.channel) for row in listed] == [(1, "phone"), (3, "paper")]
    assert sorted((row.seat, row.name, row.line.stands) for row in kept) == [
        (1, "王秀英", True), (3, "", False), (3, "", True),
    ]  # fmt: skip
    assert (tally.expected, tally.done, tally.aware) == (3, 2, 2)
    seat = db.session.query(Enrolment).filter_by(unit_id=scene.unit.id, seat=3).one()
    assert [line.void_reason for line in queries.earlier_of(round_.id, seat.id)] == ["录错了座号"]
    assert (queries.has_parts(scene.county.id), queries.has_parts(scene.unit.id)) == (True, False)
