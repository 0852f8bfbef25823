"""What may never happen to a declaration: told twice, told for another, changed, or kept longer than it may be."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from quizsvc import audit, vault
from quizsvc.audit import AuditEntry, AuditLeaf
from quizsvc.campaign import queries as campaign
from quizsvc.core import document, window
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.declaration import operations, queries
from quizsvc.declaration.models import Declaration, ItemState, Referral
from quizsvc.declaration.queries import Given, Item, Picked
from quizsvc.link.queries import UnknownLink
from quizsvc.roster.models import Enrolment, Exemption
from tests import make
from tests.conftest import NOON
from tests.declaration.conftest import NO, OTHER, PHONE, YES, a_scene, declare, key_file
from tests.support import Watch

pytestmark = pytest.mark.usefixtures("app")
TEACHER = audit.Actor.staff(7)
ERASE_DAY = datetime(2027, 2, 1, tzinfo=UTC)
ALL = Given(items={0: Picked(("0", "1"), 0), 1: Picked(("yes",))})
HALF = Given(items={0: Picked(("0",)), 1: Picked(("na",))})


def rows() -> list[Declaration]:
    db.session.rollback()
    return db.session.query(Declaration).order_by(Declaration.declared_at, Declaration.id).all()


def signature_of(row: Declaration) -> queries.Signature:
    return queries.signatures([row.id], vault.kept_ring(key_file()))[row.id]


def test_receipt_stores_the_text_that_was_read_and_seals_who_signed() -> None:
    scene = a_scene()

    receipt = declare(replace(YES, strokes="M1 2L30 40", helped=True))

    (row,) = rows()
    assert (row.receipt, row.met, row.helped, row.signer, row.channel) == (
        receipt, True, True, "guardian", "phone",
    )  # fmt: skip
    assert row.text_hash == document.digest(make.a_document())
    assert (row.round_id, row.unit_id, row.nameless) == (scene.round.id, scene.unit.id, False)
    assert "王秀英" not in repr(vars(row))
    assert signature_of(row) == queries.Signature("王秀英", "M1 2L30 40")


def test_same_again_is_one_receipt_and_one_row(watch: Watch) -> None:
    a_scene()
    first = declare()
    start = len(watch.statements)

    assert declare() == first
    assert watch.written_since(start) == []


def test_no_becomes_yes_on_the_same_phone_and_both_stay() -> None:
    a_scene()
    first = declare(NO)

    second = declare(YES, at=NOON + timedelta(hours=1))

    no, yes = rows()
    assert (no.receipt, no.met, no.replaced_at) == (first, False, NOON + timedelta(hours=1))
    assert (yes.receipt, yes.met, yes.replaced_at) == (second, True, None)


def test_old_no_that_arrives_late_does_not_undo_a_yes() -> None:
    a_scene()
    declare(NO)
    receipt = declare(YES)

    with pytest.raises(operations.SaidYes) as refused:
        declare(NO)
    assert (refused.value.receipt, len(rows())) == (receipt, 2)


@pytest.mark.parametrize("seat", [1, 9, None])
def test_seat_that_is_taken_unknown_or_missing_gets_the_one_sentence(seat: int | None) -> None:
    a_scene()
    declare()

    with pytest.raises(operations.SeatTaken):
        declare(seat=seat, device=OTHER)
    assert len(rows()) == 1


def test_excused_seat_cannot_declare_and_is_not_counted() -> None:
    scene = a_scene()
    declare(seat=2)
    declare(seat=1)
    excused = db.session.query(Enrolment).filter_by(seat=1).one().id
    make.saved(
        Exemption(enrolment_id=excused, reason="休学", approved_by="staff:1", approved_at=make.LONG_AGO)
    )

    with pytest.raises(operations.SeatTaken):
        declare(seat=1)
    assert heads(scene.county.path, scene.round.id) == [(scene.unit.id, 1, 1)]


def heads(path: str, round_id: int) -> list[tuple[int, int, int]]:
    low, high = path, f"{path[:-1]}0"
    found = db.session.execute(queries.HEADS, {"round_id": round_id, "low": low, "high": high})
    return [tuple(row) for row in found]


def test_heads_count_what_stands_and_a_no_is_returned_not_aware() -> None:
    scene = a_scene()
    declare(NO, seat=1)
    declare(YES, seat=1)
    declare(NO, seat=2, device=OTHER)
    declare(YES, seat=3, device=OTHER)
    gone = next(row for row in rows() if row.enrolment_id and row.met and row.replaced_at is None)
    operations.void(
        declaration_id=gone.id, reason="点错了序号", erase_on=ERASE_DAY.date(), at=NOON, actor=TEACHER
    )

    assert heads(scene.county.path, scene.round.id) == [(scene.unit.id, 2, 1)]


def test_without_room_nothing_new_is_taken_and_what_is_there_is_found() -> None:
    a_scene()
    with pytest.raises(operations.NoRoom):
        declare(room=False)
    receipt = declare()

    assert declare(room=False) == receipt


def test_seats_of_a_class_take_two_statements(watch: Watch) -> None:
    scene = a_scene()
    receipt = declare(seat=2)
    round_ = campaign.round_of(scene.round.id)

    with watch.counting() as seen:
        seats = queries.seats_of(round_, scene.unit.id)

    assert len(seen) == 2
    assert [seat.declaration and seat.declaration.receipt for seat in seats] == [None, receipt, None]
    assert queries.line(receipt) == seats[1].declaration


def test_window_kind_and_code_are_checked() -> None:
    scene = a_scene()
    with pytest.raises(window.Closed):
        declare(at=make.CLOSES + timedelta(minutes=1))
    with pytest.raises(UnknownLink):
        declare(code="0000000")
    scene.round.kind = "test"
    db.session.commit()
    with pytest.raises(queries.OtherKind):
        declare()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Given(name="王秀英"), "请选“是”或“否”。"),
        (Given(yes=True), "请打上姓名。"),
        (Given(yes=True, name="13800138000"), "不要写数字"),
        (Given(yes=True, name="王秀英", strokes="M1 2L30 400"), "手写签名没有收到"),
    ],
)
def test_receipt_that_lacks_something_stores_nothing(given: Given, said: str) -> None:
    a_scene()

    with pytest.raises(Refusal) as refused:
        declare(given)
    assert said in refused.value.text
    assert rows() == []


def test_pledge_needs_the_tick_and_is_signed_once() -> None:
    a_scene("pledge")
    with pytest.raises(queries.NoAnswer):
        declare(NO)
    first = declare(YES)

    assert declare(replace(YES, name="别的名字")) == first
    assert signature_of(rows()[0]).name == "王秀英"


def test_pledge_of_pupils_needs_an_approval() -> None:
    scene = a_scene("pledge", sheet=make.a_sheet_paper(make.a_document("pledge", signer="student")))
    with pytest.raises(queries.NotApproved):
        declare()
    scene.round.approval = "阳教〔2026〕12 号"
    db.session.commit()

    declare()

    assert [row.signer for row in rows()] == ["student"]


def test_adoption_is_kept_item_by_item_and_may_be_updated() -> None:
    a_scene("adoption")
    first = declare(HALF)
    second = declare(ALL, at=NOON + timedelta(days=1))

    before, after = rows()
    assert (before.receipt, before.met, after.receipt, after.met, after.signer) == (
        first, False, second, True, "",
    )  # fmt: skip
    assert queries.items_of(before.id) == (Item(0, "partial", 1, "declared"), Item(1, "na", 0, "declared"))
    assert queries.items_of(after.id) == (Item(0, "adopted", 3, "checked"), Item(1, "adopted", 0, "declared"))
    with pytest.raises(queries.NoAnswer):
        declare(Given(items={0: Picked(("no",))}))


def test_what_staff_have_verified_outlasts_the_same_and_an_update() -> None:
    a_scene("adoption")
    receipt = declare(ALL)
    db.session.query(ItemState).filter_by(item=0).update({"proof": "verified"})
    db.session.commit()

    assert declare(ALL) == receipt
    declare(Given(items={0: Picked(("0", "1"), 1), 1: Picked(("no",))}), at=NOON + timedelta(hours=1))

    assert [one.proof for one in queries.items_of(rows()[1].id)] == ["verified", "declared"]


def test_anonymous_adoption_is_one_a_phone_and_counts_answers() -> None:
    scene = a_scene("adoption", identity="anonymous")
    first = declare(ALL, seat=None)
    declare(HALF, seat=None, at=NOON + timedelta(hours=1))
    declare(HALF, seat=None, device=OTHER)

    assert [(row.nameless, row.enrolment_id) for row in rows()] == [(True, None)] * 3
    assert first != rows()[-1].receipt
    assert heads(scene.county.path, scene.round.id) == [(scene.unit.id, 2, 0)]
    with pytest.raises(operations.SeatTaken):
        declare(ALL, seat=1)


def test_updates_end_with_the_goes_of_the_round() -> None:
    a_scene("adoption", attempts=2)
    declare(HALF)
    declare(ALL)

    with pytest.raises(operations.TooOften):
        declare(HALF)


def test_leaf_of_the_chain_says_what_was_declared_and_not_by_whom() -> None:
    a_scene("adoption")
    declare(ALL)

    (row,) = rows()
    leaf = db.session.query(AuditLeaf).one()
    assert (leaf.attempt_id, leaf.at) == (row.id, NOON)
    assert leaf.answers_hash == queries.declared_hash(row.text_hash, row.met, queries.items_of(row.id))


def test_eight_phones_on_one_seat_leave_one_declaration(app: Flask) -> None:
    a_scene()

    told = at_once(app, lambda number: declare(device=f"{number:022}"))

    assert (told.count("SeatTaken"), len(rows())) == (7, 1)


def test_eight_taps_of_one_phone_leave_one_declaration(app: Flask) -> None:
    a_scene()
    declare(NO)

    told = at_once(app, lambda _: declare(YES))

    assert (len(set(told)), len(rows()), db.session.query(AuditLeaf).count()) == (1, 2, 2)


def at_once(app: Flask, work: Callable[[int], Any], times: int = 8) -> list[Any]:
    db.session.rollback()
    together = Barrier(times)

    def one(number: int) -> Any:
        with app.app_context():
            try:
                together.wait()
                return work(number)
            except Refusal as refusal:
                return type(refusal).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_deleting_the_signature_voids_a_pledge_and_not_a_receipt() -> None:
    a_scene("pledge")
    receipt = declare()
    with pytest.raises(operations.OtherPhone):
        operations.delete_signature(receipt=receipt, device=OTHER, at=NOON)

    operations.delete_signature(receipt=receipt, device=PHONE, at=NOON)

    (row,) = rows()
    assert (row.name, row.signature, row.voided_at) == (None, None, NOON)
    assert signature_of(row) == queries.Signature("", "")
    entry = db.session.query(AuditEntry).order_by(AuditEntry.seq.desc()).first()
    assert (entry.action, "王" in entry.detail) == ("declaration.signature_deleted", False)
    assert declare() != receipt  # the seat is free again


def test_receipt_without_its_signature_still_counts_and_nothing_replaced_keeps_the_name() -> None:
    scene = a_scene()
    old = declare(NO)
    new = declare(YES, at=NOON + timedelta(hours=1))
    declare(YES, seat=2, at=NOON + timedelta(hours=2))
    operations.delete_signature(receipt=old, device=PHONE, at=NOON)
    assert [signature_of(row).name for row in rows()] == ["", "王秀英", "王秀英"]

    operations.delete_signature(receipt=new, device=PHONE, at=NOON)

    assert [signature_of(row).name for row in rows()] == ["", "", "王秀英"]
    assert heads(scene.county.path, scene.round.id) == [(scene.unit.id, 2, 2)]


def test_promotion_code_counts_others_of_the_round_alone() -> None:
    scene = a_scene("adoption", referrals=True)
    receipt = declare(ALL, seat=1)
    code = operations.make_referral(receipt=receipt, device=PHONE, at=NOON)
    other = make.a_sheet_round(scene.county, "adoption", referrals=True)
    make.saved(Referral(round_id=other.id, unit_id=scene.unit.id, code="AAAAAAAA", made_at=NOON))
    assert operations.make_referral(receipt=receipt, device=PHONE, at=NOON) == code

    declare(HALF, seat=1, by=code)  # one's own
    declare(HALF, seat=2, device=OTHER, by=code)
    declare(ALL, seat=2, device=OTHER)  # an update keeps it
    declare(ALL, seat=3, device=OTHER, by="AAAAAAAA")

    enrolment_id = db.session.query(Enrolment).filter_by(seat=1).one().id
    made = queries.promotion(rows()[0].round_id, enrolment_id)
    assert made == queries.Promotion(code, 1)
    assert sum(row.referral_id is not None for row in rows()) == 2  # the update and what it replaced
    with pytest.raises(operations.OtherPhone):
        operations.make_referral(receipt=receipt, device=OTHER, at=NOON)


def test_codes_are_neither_made_nor_kept_where_the_round_has_none() -> None:
    scene = a_scene("adoption")
    receipt = declare(ALL)
    with pytest.raises(Refusal):
        operations.make_referral(receipt=receipt, device=PHONE, at=NOON)
    enrolment_id = db.session.query(Enrolment).filter_by(seat=1).one().id
    make.saved(
        Referral(
            round_id=scene.round.id, unit_id=scene.unit.id, enrolment_id=enrolment_id, code="AAAAAAAA", made_at=NOON
        )
    )  # fmt: skip

    declare(ALL, seat=2, by="AAAAAAAA")

    assert [row.referral_id for row in rows()] == [None, None]


def test_erasing_lets_go_of_heads_and_keeps_what_is_counted() -> None:
    scene = a_scene("adoption", referrals=True)
    receipt = declare(ALL, seat=1)
    code = operations.make_referral(receipt=receipt, device=PHONE, at=NOON)
    declare(HALF, seat=2, device=OTHER, by=code)
    excused = db.session.query(Enrolment).filter_by(seat=2).one().id
    make.saved(
        Exemption(enrolment_id=excused, reason="休学", approved_by="staff:1", approved_at=make.LONG_AGO)
    )
    before = heads(scene.county.path, scene.round.id)
    erase = (operations.erase_declarations, operations.erase_referrals)
    with pytest.raises(operations.NotYet):
        operations.erase_declarations(round_id=scene.round.id, at=NOON)

    told = [one(round_id=scene.round.id, at=ERASE_DAY) for one in (*erase, *erase)]

    assert told == [2, 1, 0, 0]
    assert queries.erasable([scene.round.id]) == {"declarations": 0, "referrals": 0}
    assert {(row.enrolment_id, row.device_hash, row.receipt, row.referral_id) for row in rows()} == {
        (None,) * 4
    }
    assert heads(scene.county.path, scene.round.id) == before == [(scene.unit.id, 1, 1)]
    assert [len(queries.items_of(row.id)) for row in rows()] == [2, 2]
