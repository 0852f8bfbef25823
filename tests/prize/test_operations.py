"""Prizes: announced once, claimed with one telephone each, handed out once, passed on in the order drawn."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from quizsvc.attempt.models import Player
from quizsvc.audit import AuditEntry
from quizsvc.contest.models import Ruling
from quizsvc.core import linkcode
from quizsvc.core.lifecycle import NotNow
from quizsvc.core.refusal import Refusal
from quizsvc.core.telephone import MistypedNumber
from quizsvc.db import db
from quizsvc.draw.models import Result
from quizsvc.prize import operations, queries
from quizsvc.prize.models import Award, Certificate, Claim, Handover, PhoneKey
from quizsvc.prize.operations import AlreadyEnded, AlreadyHandedOut, PhoneTaken
from tests import make
from tests.prize.conftest import CLERK, CLOSES, DRAWN, ORGANIZER, TIERS, Contest, entry
from tests.support import sqlite_only

ANNOUNCED = DRAWN + timedelta(hours=1)
HANDING = ANNOUNCED + timedelta(days=6)
LAPSED = ANNOUNCED + timedelta(days=31)
DAY = timedelta(days=1)
ERASED = datetime.fromisoformat("2027-02-01T00:00:00+08:00")


@pytest.fixture
def announced(contest: Contest) -> Contest:
    """Its winners are public."""
    contest.announce(ANNOUNCED)
    return contest


@pytest.fixture
def handing(announced: Contest) -> Contest:
    """Prizes are handed out, and players 1 and 2 have claimed theirs."""
    announced.claim(1, ANNOUNCED)
    announced.claim(2, ANNOUNCED)
    announced.hand_out_from(HANDING)
    return announced


def holders(contest: Contest) -> list[tuple[int, int, str]]:
    return [(row.tier, row.number, row.entry_id) for row in contest.awards() if row.ended_at is None]


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def end(contest: Contest, number: int, at: datetime, how: Any = operations.decline) -> operations.Passed:
    return how(
        round_id=contest.id,
        award_id=contest.award(number).id,
        reason="本人来电说不要",
        at=at,
        actor=ORGANIZER,
    )


def at_once(contest: Contest, *tries: Callable[[], Any]) -> list[Any]:
    """Let them all begin at the same moment; return what each gave, or how it was refused."""
    begin = Barrier(len(tries))

    def one(work: Callable[[], Any]) -> Any:
        with contest.app.app_context():
            begin.wait(10)
            try:
                return work()
            except Refusal as refusal:
                return type(refusal)

    db.session.rollback()
    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(one, tries))


# Announcing


def test_announcing_gives_each_winner_a_prize_a_code_and_a_deadline(contest: Contest) -> None:
    assert contest.announce(ANNOUNCED) == 4

    rows = contest.awards()
    assert holders(contest) == [(0, 1, entry(1)), (1, 1, entry(2)), (1, 2, entry(3)), (2, 1, entry(8))]
    assert len({row.claim_code for row in rows}) == 4
    assert all(
        len(row.claim_code) == 8 and linkcode.check_character(row.claim_code[:-1]) == row.claim_code[-1]
        for row in rows
    )
    assert {row.claim_until for row in rows} == {datetime.fromisoformat("2027-01-10T00:00:00+08:00")}
    assert {row.participant_id for row in rows} <= set(db.session.scalars(select(Player.participant_id)))
    assert actions() == ["prize.announced"]


def test_winners_are_announced_once(announced: Contest) -> None:
    with pytest.raises(NotNow):
        announced.announce(ANNOUNCED + DAY)

    assert len(announced.awards()) == 4


@sqlite_only
def test_nothing_is_announced_before_the_draw(contest: Contest) -> None:
    db.session.delete(db.session.get(Result, contest.draw_id))
    db.session.commit()

    with pytest.raises(NotNow, match="已封存名单"):
        contest.announce(ANNOUNCED)
    assert (contest.awards(), actions()) == ([], [])


def test_of_two_who_announce_at_once_one_does(contest: Contest) -> None:
    given = at_once(contest, lambda: contest.announce(ANNOUNCED), lambda: contest.announce(ANNOUNCED))

    assert sorted(map(str, given)) == sorted(["4", str(NotNow)])
    assert len(contest.awards()) == 4


# Claiming


def test_claim_is_sealed_and_opens_for_its_own_row_alone(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED, phone="+86 138 0013 1234")
    announced.claim(2, ANNOUNCED)

    row = announced.award(1)
    kept = db.session.get(Claim, row.id)
    found = queries.contacts([row.id], key_file=announced.key_file)[row.id]
    assert (found.phone, found.name, found.guardian) == ("13800131234", "李明航", None)
    assert (row.state, row.shown) == ("claimed", "李*航 138****1234")
    assert "13800131234" not in str(vars(kept))
    assert "李明航" not in str(vars(kept))

    kept.phone = db.session.get(Claim, announced.award(2).id).phone
    db.session.commit()
    with pytest.raises(Refusal, match="打不开"):
        queries.contacts([row.id], key_file=announced.key_file)


def test_one_telephone_gets_one_prize(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED, phone="13800138000")

    with pytest.raises(PhoneTaken):
        announced.claim(2, ANNOUNCED, phone="+86 138-0013-8000")
    assert [row.state for row in announced.awards()] == ["claimed", "waiting", "waiting", "waiting"]


def test_of_claims_at_once_with_one_telephone_one_is_kept(announced: Contest) -> None:
    ids = [announced.award(number).id for number in (1, 2, 3)]

    def claim(award_id: int) -> None:
        operations.claim(
            round_id=announced.id, award_id=award_id, phone="13800138000", name="李明航", guardian=None,
            key_file=announced.key_file, at=ANNOUNCED,
        )  # fmt: skip

    given = at_once(announced, *(lambda one=one: claim(one) for one in ids))

    assert sorted(map(str, given)) == sorted(["None", str(PhoneTaken), str(PhoneTaken)])
    assert [row.state for row in announced.awards()].count("claimed") == 1


@sqlite_only
def test_planted_telephone_hash_that_differs_each_time_is_noticed(
    announced: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = iter("ab")
    monkeypatch.setattr(operations, "_phone_hash", lambda _number, _key: next(hashes))
    announced.claim(1, ANNOUNCED, phone="13800138000")
    announced.claim(2, ANNOUNCED, phone="13800138000")

    assert [row.state for row in announced.awards()].count("claimed") == 2


def test_slip_of_the_pen_is_put_right_until_the_prize_is_gone(handing: Contest) -> None:
    handing.claim(1, HANDING, phone="13911112222", name="李明行")
    assert handing.award(1).shown == "李*行 139****2222"

    with pytest.raises(PhoneTaken):
        handing.claim(1, HANDING, phone="13800000002")
    assert handing.award(1).shown == "李*行 139****2222"

    handing.hand_over(1, HANDING)
    with pytest.raises(AlreadyHandedOut):
        handing.claim(1, HANDING, phone="13911112223")
    assert actions().count("prize.claim_corrected") == 1


@sqlite_only
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"phone": "010-12345678"}, MistypedNumber),
        ({"name": "  "}, Refusal),
        ({"name": "李" * 31}, Refusal),
        ({"name": "李\x00航"}, Refusal),
    ],
)
def test_odd_claims_are_refused_and_keep_nothing(
    announced: Contest, changes: dict[str, str], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        announced.claim(1, ANNOUNCED, **changes)
    assert announced.award(1).state == "waiting"


@sqlite_only
def test_claims_end_with_the_last_day(announced: Contest) -> None:
    until = announced.award(1).claim_until
    announced.claim(1, until - timedelta(seconds=1))

    with pytest.raises(Refusal, match="期限已经过了"):
        announced.claim(2, until)


@sqlite_only
def test_guardian_of_a_minor_is_sealed_and_the_list_shows_the_family_name_alone(
    drawn: Callable[..., Contest],
) -> None:
    contest = drawn(minors=True)
    contest.announce(ANNOUNCED)
    contest.claim(1, ANNOUNCED, guardian="李大海")

    row = contest.award(1)
    assert (row.shown, row.by_guardian) == ("李同学", True)
    assert queries.contacts([row.id], key_file=contest.key_file)[row.id].guardian == "李大海"


@sqlite_only
def test_guardian_is_not_kept_where_no_minors_take_part(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED, guardian="李大海")

    assert db.session.get(Claim, announced.award(1).id).guardian is None


# Handing out


@sqlite_only
def test_prizes_are_handed_out_after_the_days_for_objections(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED)
    with pytest.raises(NotNow, match="公示到 12 月 15 日"):
        announced.hand_out_from(ANNOUNCED + 4 * DAY)
    with pytest.raises(NotNow, match="还不能发奖"):
        announced.hand_over(1, HANDING)

    announced.hand_out_from(HANDING)
    announced.hand_over(1, HANDING)

    row = announced.award(1)
    assert (row.state, row.handed_by, row.how) == ("handed", CLERK.text, "counter")


@sqlite_only
def test_unclaimed_prize_is_not_handed_out(handing: Contest) -> None:
    with pytest.raises(Refusal, match="还没有登记"):
        handing.hand_over(3, HANDING)


def test_two_clerks_cannot_hand_out_one_prize(handing: Contest) -> None:
    award_id = handing.award(1).id

    def hand_over() -> None:
        operations.hand_over(round_id=handing.id, award_id=award_id, how="counter", at=HANDING, actor=CLERK)

    given = at_once(handing, hand_over, hand_over, hand_over)

    assert sorted(map(str, given)) == sorted(["None", *[str(AlreadyHandedOut)] * 2])
    assert db.session.query(Handover).count() == 1
    assert actions().count("prize.handed_over") == 1


def test_database_itself_takes_one_hand_over_and_one_holder_of_a_prize(handing: Contest) -> None:
    handing.hand_over(1, HANDING)
    row = handing.award(1)
    second = Award(
        round_id=handing.id, tier=row.tier, number=row.number, place=9, entry_id="x" * 16, participant_id=None,
        granted_at=HANDING, claim_until=HANDING,
    )  # fmt: skip
    for double in (Handover(award_id=row.id, at=HANDING, how="counter", by="staff:9"), second):
        db.session.add(double)
        with pytest.raises(IntegrityError):
            db.session.commit()
        db.session.rollback()


@sqlite_only
def test_another_way_of_handing_over_is_refused(handing: Contest) -> None:
    with pytest.raises(Refusal, match="请选"):
        operations.hand_over(
            round_id=handing.id, award_id=handing.award(1).id, how="x", at=HANDING, actor=CLERK
        )


# Ending and passing on


@pytest.mark.parametrize(
    ("how", "kind"), [(operations.decline, "declined"), (operations.disqualify, "disqualified")]
)
def test_prize_that_is_not_taken_goes_to_the_next_in_the_order_drawn(
    announced: Contest, how: Any, kind: str
) -> None:
    passed = end(announced, 1, ANNOUNCED + DAY, how)

    assert passed == operations.Passed(entry(4), 0)
    assert holders(announced)[0] == (0, 1, entry(4))
    ended, given = announced.award(1), announced.award(4)
    assert (ended.end_kind, ended.end_reason, ended.ended_by) == (kind, "本人来电说不要", ORGANIZER.text)
    assert given.granted_at == ANNOUNCED + DAY
    assert given.claim_until > ended.claim_until
    assert given.claim_code not in (None, ended.claim_code)
    assert actions()[-1] == f"prize.{kind}"


def test_reserves_are_taken_in_turn_and_then_nobody_is_left(announced: Contest) -> None:
    given = [end(announced, number, ANNOUNCED + DAY).entry_id for number in (2, 1, 4, 5, 6)]

    assert given == [entry(4), entry(5), entry(6), entry(7), None]
    assert queries.stock(announced.id, TIERS)[1].left == 1
    assert holders(announced) == [(0, 1, entry(7)), (1, 2, entry(3)), (2, 1, entry(8))]


def test_prize_by_standing_goes_to_the_next_in_the_standing(announced: Contest) -> None:
    assert end(announced, 8, ANNOUNCED + DAY).entry_id == entry(7)
    assert end(announced, 7, ANNOUNCED + DAY).entry_id == entry(6)
    assert end(announced, 1, ANNOUNCED + DAY).entry_id == entry(4)


def test_reserve_who_was_excluded_meanwhile_is_written_down_and_skipped(announced: Contest) -> None:
    player = db.session.scalars(select(Player).where(Player.entry_id == entry(4))).one()
    make.saved(
        Ruling(round_id=announced.id, participant_id=player.participant_id, verdict="excluded",
               reason="一部手机很多人", at=CLOSES, by=ORGANIZER.text)
    )  # fmt: skip

    passed = end(announced, 1, ANNOUNCED + DAY)

    assert passed == operations.Passed(entry(5), 1)
    skipped = announced.award(4)
    assert (skipped.end_kind, skipped.claim_code) == ("disqualified", None)


@sqlite_only
def test_ended_prize_is_neither_claimed_nor_handed_out_nor_ended_again(handing: Contest) -> None:
    end(handing, 1, HANDING)

    with pytest.raises(AlreadyEnded):
        handing.claim(1, HANDING)
    with pytest.raises(AlreadyEnded):
        handing.hand_over(1, HANDING)
    with pytest.raises(AlreadyEnded):
        end(handing, 1, HANDING)


@sqlite_only
def test_handed_out_prize_is_not_taken_back(handing: Contest) -> None:
    handing.hand_over(1, HANDING)

    with pytest.raises(AlreadyHandedOut):
        end(handing, 1, HANDING, operations.disqualify)
    assert handing.award(1).state == "handed"


def test_ending_and_handing_out_at_once_do_one_of_them(handing: Contest) -> None:
    award_id = handing.award(1).id
    given = at_once(
        handing,
        lambda: operations.hand_over(
            round_id=handing.id, award_id=award_id, how="post", at=HANDING, actor=CLERK
        ),
        lambda: operations.disqualify(
            round_id=handing.id, award_id=award_id, reason="复核不符合", at=HANDING, actor=ORGANIZER
        ),
    )

    state = handing.award(1).state
    assert (state, AlreadyEnded in given, AlreadyHandedOut in given) in (
        ("ended", True, False),
        ("handed", False, True),
    )


def test_two_prizes_ended_at_once_go_to_two_reserves(announced: Contest) -> None:
    ids = [announced.award(number).id for number in (1, 2)]

    def ended(award_id: int) -> str | None:
        return operations.decline(
            round_id=announced.id, award_id=award_id, reason="本人不要了", at=ANNOUNCED, actor=ORGANIZER
        ).entry_id

    given = at_once(announced, *(lambda one=one: ended(one) for one in ids))

    assert sorted(given) == [entry(4), entry(5)]


@sqlite_only
def test_prize_is_forfeited_only_after_its_last_day(announced: Contest) -> None:
    with pytest.raises(Refusal, match="还没有到"):
        end(announced, 1, LAPSED - 2 * DAY, operations.forfeit)

    assert end(announced, 1, LAPSED, operations.forfeit).entry_id == entry(4)


def test_all_overdue_prizes_are_forfeited_once_their_number_was_seen(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED)
    due = queries.lapsed(announced.id, LAPSED)
    assert [row.entry_id for row in due] == [entry(2), entry(3), entry(8)]

    with pytest.raises(Refusal, match="现在是 3 份"):
        operations.forfeit_due(round_id=announced.id, expected=2, at=LAPSED, actor=ORGANIZER)
    passed = operations.forfeit_due(round_id=announced.id, expected=3, at=LAPSED, actor=ORGANIZER)

    assert [one.entry_id for one in passed] == [entry(4), entry(5), entry(7)]
    assert holders(announced) == [(0, 1, entry(1)), (1, 1, entry(4)), (1, 2, entry(5)), (2, 1, entry(7))]
    with pytest.raises(Refusal, match="没有逾期的奖"):
        operations.forfeit_due(round_id=announced.id, expected=0, at=LAPSED, actor=ORGANIZER)


@sqlite_only
@pytest.mark.parametrize("reason", ["", "短", "长" * 201, "有\x00字符在里面"])
def test_ending_a_prize_needs_a_reason(announced: Contest, reason: str) -> None:
    with pytest.raises(Refusal, match="写明原因"):
        operations.decline(
            round_id=announced.id,
            award_id=announced.award(1).id,
            reason=reason,
            at=ANNOUNCED,
            actor=ORGANIZER,
        )


@sqlite_only
def test_reason_stays_out_of_the_chain(announced: Contest) -> None:
    end(announced, 1, ANNOUNCED)

    assert "来电" not in "".join(db.session.scalars(select(AuditEntry.detail)))


# The ledger as a whole


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "hand", "decline", "disqualify", "forfeit", "due"]), st.integers(1, 8)
    ),
    max_size=25,
)


def walk(contest: Contest, steps: list[tuple[str, int]]) -> None:
    """Try steps one after another, whatever comes of them."""
    for what, number in steps:
        held = [row for row in contest.awards() if row.entry_id == entry(number)]
        late = LAPSED + 40 * DAY
        try:
            if what == "due":
                operations.forfeit_due(
                    round_id=contest.id,
                    expected=len(queries.lapsed(contest.id, late)),
                    at=late,
                    actor=ORGANIZER,
                )
            elif held and what == "claim":
                contest.claim(number, HANDING, phone=f"138{held[0].id:08}")
            elif held and what == "hand":
                contest.hand_over(number, HANDING)
            elif held:
                how = {"decline": operations.decline, "disqualify": operations.disqualify}
                end(contest, number, late, how.get(what, operations.forfeit))
        except Refusal:
            continue


def stock_is_sound(contest: Contest) -> bool:
    """No prize is given out more often than there is, and nobody has two."""
    db.session.rollback()
    rows = [row for row in contest.awards() if row.state != "ended" or row.handed_at]
    return (
        all(0 <= one.left <= one.number for one in queries.stock(contest.id, TIERS))
        and len({(row.tier, row.number) for row in rows}) == len(rows)
        and len({row.entry_id for row in rows}) == len(rows)
    )


@settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_stock_never_falls_below_zero(handing: Contest, steps: list[tuple[str, int]]) -> None:
    """One contest goes through all examples, so that it is met in every state."""
    walk(handing, steps)

    assert stock_is_sound(handing)


@sqlite_only
def test_planted_ending_of_a_handed_out_prize_is_noticed(
    handing: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    handing.hand_over(1, HANDING)
    monkeypatch.setattr(
        operations, "_locked_award", lambda _round_id, award_id: db.session.get(Award, award_id)
    )
    assert stock_is_sound(handing)

    walk(handing, [("decline", 1)])

    assert not stock_is_sound(handing)


# Closing


def test_contest_closes_when_every_prize_is_handed_out_or_nobodys(handing: Contest) -> None:
    for number in (1, 2):
        handing.hand_over(number, HANDING)
    with pytest.raises(NotNow, match="还有 2 份奖"):
        operations.close(round_id=handing.id, at=HANDING, actor=ORGANIZER)

    while queries.lapsed(handing.id, LAPSED + 400 * DAY):
        due = len(queries.lapsed(handing.id, LAPSED + 400 * DAY))
        operations.forfeit_due(round_id=handing.id, expected=due, at=LAPSED + 400 * DAY, actor=ORGANIZER)
        db.session.query(Award).update({"claim_until": LAPSED})
        db.session.commit()
    operations.close(round_id=handing.id, at=LAPSED, actor=ORGANIZER)

    assert [one.left for one in queries.stock(handing.id, TIERS)] == [0, 1, 1]
    assert actions()[-1] == "prize.closed"
    with pytest.raises(NotNow):
        operations.close(round_id=handing.id, at=LAPSED, actor=ORGANIZER)
    with pytest.raises(NotNow, match="已经结束"):
        end(handing, 1, LAPSED)


# Certificates


@sqlite_only
def test_certificate_says_what_was_got_and_keeps_its_number(handing: Contest) -> None:
    handing.hand_over(1, HANDING)
    who = handing.award(1).participant_id

    def issue(title: str) -> str:
        return operations.issue_certificate(round_id=handing.id, participant_id=who, title=title, at=HANDING)

    first = issue("一等奖")
    assert issue("一等奖") == first
    assert issue("达标") != first
    assert queries.certificate(first).title == "一等奖"
    assert (len(first), db.session.query(Certificate).count()) == (12, 2)


@sqlite_only
def test_certificate_of_a_prize_waits_until_nobody_can_take_it_back(handing: Contest) -> None:
    for number, title in ((1, "一等奖"), (2, "一等奖"), (5, "二等奖"), (1, "特等奖")):
        player = db.session.scalars(select(Player).where(Player.entry_id == entry(number))).one()
        with pytest.raises(Refusal, match="还不能领"):
            operations.issue_certificate(
                round_id=handing.id, participant_id=player.participant_id, title=title, at=HANDING
            )


# Erasing


def test_contacts_go_thirty_days_after_the_prize_went_or_lapsed(handing: Contest) -> None:
    handing.hand_over(1, HANDING)
    end(handing, 2, HANDING + DAY)

    assert operations.erase_old_claims(at=HANDING + 30 * DAY - timedelta(seconds=1)) == 0
    assert operations.erase_old_claims(at=HANDING + 30 * DAY) == 1
    assert operations.erase_old_claims(at=HANDING + 31 * DAY) == 1
    assert (db.session.query(Claim).count(), operations.erase_old_claims(at=HANDING + 99 * DAY)) == (0, 0)


def test_erasing_a_round_leaves_prizes_that_are_nobodys(handing: Contest) -> None:
    handing.hand_over(1, HANDING)
    operations.issue_certificate(
        round_id=handing.id, participant_id=handing.award(1).participant_id, title="一等奖", at=HANDING
    )
    end(handing, 2, HANDING)

    for erase in (operations.erase_claims, operations.erase_holders):
        with pytest.raises(Refusal, match="2027-02-01"):
            erase(round_id=handing.id, at=ERASED - timedelta(seconds=1))

    def until_done(erase: Any) -> list[int]:
        return list(iter(lambda: erase(round_id=handing.id, at=ERASED), 0))

    assert (until_done(operations.erase_claims), until_done(operations.erase_holders)) == ([2], [6])

    rows = handing.awards()
    assert {(row.participant_id, row.claim_code, row.end_reason, row.shown) for row in rows} == {
        (None, None, None, None)
    }
    assert [row.entry_id for row in rows if row.state == "handed"] == [entry(1)]
    assert db.session.scalars(select(Certificate.participant_id)).all() == [None]
    assert db.session.query(PhoneKey).count() == 0
