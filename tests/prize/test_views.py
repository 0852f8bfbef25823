"""Pages about prizes: the winner's own, the public list, certificates; console, prizes and counter of the staff."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from quizsvc.attempt.models import Attempt, Player
from quizsvc.attempt.queries import device_hash
from quizsvc.audit import AuditEntry
from quizsvc.contest.models import Ruling
from quizsvc.core.lifecycle import IRREVERSIBLE, Move
from quizsvc.core.rulebook import Tier
from quizsvc.db import db
from quizsvc.prize import operations, queries
from quizsvc.prize.models import Certificate, Claim
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk
from tests.prize.conftest import DRAWN, TIERS, Contest, entry
from tests.support import Browser, Watch

ANNOUNCED = DRAWN + timedelta(hours=1)
HANDING = ANNOUNCED + timedelta(days=6)
DAY = timedelta(days=1)
K = "/k/yg-2026"


@pytest.fixture
def announced(contest: Contest, at: Any) -> Contest:
    """Its winners are public."""
    contest.announce(at(ANNOUNCED))
    return contest


@pytest.fixture
def handing(announced: Contest, at: Any) -> Contest:
    """Prizes are handed out; player 1 has claimed."""
    announced.claim(1, ANNOUNCED, phone="13800131234")
    announced.hand_out_from(at(HANDING))
    return announced


def shown(answer: Any) -> str:
    """What a page says, without its markup."""
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def staff(contest: Contest, role: str, login: str = "") -> Desk:
    return Desk(contest.app, login or role, (role, contest.county))


def audited(action: str) -> int:
    return db.session.query(AuditEntry).filter_by(action=action).count()


def resumable(contest: Contest, number: int, code: str = "R2345678") -> str:
    """Give a player a go with a resume code."""
    award = contest.award(number)
    round_ = db.session.get(queries.Round, contest.id)
    link = make.a_link(round_, contest.county, code="7K3M9Q2")
    make.saved(
        Attempt(
            id="a" * 24, participant_id=award.participant_id, round_id=contest.id, unit_id=contest.county.id,
            link_id=link.id, source="poster", period="2026-12-02", ordinal=1, allowed=3, seed="s", form=[[0, 10]],
            answers={}, device_hash=None, resume=code, receipt=None, started_at=ANNOUNCED, limit_ends_at=None,
            saved_at=None, submitted_at=ANNOUNCED, overdue=False, score=10, out_of=10, correct=[True],
        )
    )  # fmt: skip
    return code


# The winner


def test_winner_sees_the_prize_and_claims_it_on_the_phone_that_played(announced: Contest) -> None:
    phone = announced.phone_of(1)
    page = shown(phone.get(f"{K}/prize"))
    award = announced.award(1)
    code = f"{award.claim_code[:4]}-{award.claim_code[4:]}"
    for words in (
        "恭喜，你得了一等奖",
        "电话手表",
        "800 元",
        code,
        "1 月 9 日为止",
        "绝不收费",
        "不要验证码",
        "身份证",
    ):
        assert words.replace(" ", "") in page.replace(" ", "").replace("\xa0", ""), words

    sent = phone.post(
        f"{K}/prize/claim", data={"claim_code": code, "phone": "138 0013 1234", "name": "李明航"}
    )

    assert (sent.status_code, sent.location) == (303, f"{K}/prize")
    page = phone.get(f"{K}/prize").text
    assert "李*航 138****1234" in page
    assert "13800131234" not in page
    assert "领奖码的二维码" in page


def test_phone_that_did_not_win_is_told_kindly_and_sees_no_code(announced: Contest, phone: Browser) -> None:
    codes = [row.claim_code for row in announced.awards()]
    for browser in (phone, announced.phone_of(5)):
        page = browser.get(f"{K}/prize").text
        assert "这台手机没有中奖记录" in page
        assert [code for code in codes if code in page] == []


def test_nothing_is_told_before_the_winners_are_public(contest: Contest, at: Any) -> None:
    at(DRAWN)

    assert "还没有公示" in shown(contest.phone_of(1).get(f"{K}/prize"))
    assert "还没有公示" in shown(contest.phone_of(1).get(f"{K}/winners"))


def test_another_phone_opens_the_prize_with_claim_code_and_resume_code(
    announced: Contest, phone: Browser
) -> None:
    resume, code = resumable(announced, 1), announced.award(1).claim_code
    wrong = [
        {"claim_code": code, "resume": "R2345679"},
        {"claim_code": announced.award(2).claim_code, "resume": resume},
        {"claim_code": code},
    ]
    for data in wrong:
        assert phone.post(f"{K}/prize/open", data=data).status_code == 403
        assert (
            phone.post(f"{K}/prize/claim", data={**data, "phone": "13800131234", "name": "李"}).status_code
            == 403
        )

    right = {"claim_code": code.lower(), "resume": f"{resume[:4]}-{resume[4:]}"}
    assert "恭喜" in phone.post(f"{K}/prize/open", data=right).text
    assert "恭喜" in phone.post(f"{K}/prize/open", data={**right, "resume": f"C000-0000-{resume}"}).text
    kept = phone.post(f"{K}/prize/claim", data={**right, "phone": "13800131234", "name": "李明航"})
    assert "登记好了" in kept.text
    assert db.session.query(Claim).count() == 1


def test_guessing_codes_is_slowed_down(announced: Contest, phone: Browser) -> None:
    data = {"claim_code": announced.award(1).claim_code, "resume": "00000000"}
    answers = [phone.post(f"{K}/prize/open", data=data).status_code for _ in range(12)]

    assert answers == [403] * 10 + [429] * 2


@pytest.mark.parametrize("typed", ["", "1234", "ZZZZZZZZ", "☃" * 8, "x" * 999])
def test_text_that_is_no_claim_code_is_refused(announced: Contest, phone: Browser, typed: str) -> None:
    answer = phone.post(f"{K}/prize/open", data={"claim_code": typed, "resume": "R2345678"})

    assert (answer.status_code, "一共 8 位" in answer.text) == (400, True)


def test_another_winners_prize_is_not_claimed_from_my_phone(announced: Contest) -> None:
    data = {"claim_code": announced.award(2).claim_code, "phone": "13800131234", "name": "李明航"}

    assert announced.phone_of(1).post(f"{K}/prize/claim", data=data).status_code == 403
    assert db.session.query(Claim).count() == 0


def test_contest_for_minors_asks_for_a_guardian(drawn: Callable[..., Contest], at: Any) -> None:
    contest = drawn(minors=True)
    contest.announce(at(ANNOUNCED))

    assert "监护人姓名" in contest.phone_of(1).get(f"{K}/prize").text


def test_seat_that_won_sees_its_prize_on_the_phone_it_answered_with(
    announced: Contest, phone: Browser
) -> None:
    """In a school contest there are no players' phones, only the phones of the goes."""
    resumable(announced, 1)
    award = announced.award(1)
    db.session.query(queries.Round).update({"identity": "seat"})
    db.session.query(Player).update({"device_hash": None, "nickname": ""})
    db.session.query(Attempt).update({"device_hash": device_hash("s" * 22)})
    db.session.commit()
    phone.set_cookie("phone", "s" * 22)

    assert "恭喜，你得了一等奖" in phone.get(f"{K}/prize").text
    data = {"claim_code": award.claim_code, "phone": "13800131234", "name": "李明航"}
    assert phone.post(f"{K}/prize/claim", data=data).status_code == 303
    assert "没有中奖记录" in announced.phone_of(1).get(f"{K}/prize").text


# The public list


def test_list_of_winners_masks_them_and_says_where_objections_go(announced: Contest, phone: Browser) -> None:
    announced.claim(1, ANNOUNCED, phone="13800131234")
    page = shown(phone.get(f"{K}/winners"))

    for words in (
        "李*航 138****1234",
        "E000…0001",
        "青**",
        "0531-96110",
        "12 月 15 日",
        "自己核对抽奖的过程",
    ):
        assert words in page.replace("\xa0", " "), words
    for hidden in ("13800131234", "李明航", "青禾2号", entry(1)):
        assert hidden not in page, hidden


def test_names_and_contact_disappear_when_the_days_of_publication_are_over(
    announced: Contest, phone: Browser, at: Any
) -> None:
    announced.claim(1, ANNOUNCED)
    at(ANNOUNCED + 6 * DAY)
    page = shown(phone.get(f"{K}/winners"))

    assert "公示已经结束" in page
    for gone in ("李*航", "138****", "青**", "0531-96110"):
        assert gone not in page, gone
    assert "E000…0001" in page


def test_prize_that_was_passed_on_is_struck_through_and_its_heir_published_anew(
    announced: Contest, phone: Browser, at: Any
) -> None:
    later = at(ANNOUNCED + 20 * DAY)
    operations.disqualify(
        round_id=announced.id, award_id=announced.award(1).id, reason="工作人员家属", at=later,
        actor=operations.VISITOR,
    )  # fmt: skip
    answer = phone.get(f"{K}/winners")

    assert '<del class="n">E000…0001</del>' in answer.text
    assert "取消资格，已顺延" in shown(answer)
    assert "家属" not in answer.text
    assert shown(answer).count("青**") == 1


def test_list_of_a_contest_for_minors_shows_family_name_and_unit_alone(
    drawn: Callable[..., Contest], at: Any, phone: Browser
) -> None:
    contest = drawn(minors=True)
    contest.announce(at(ANNOUNCED))
    contest.claim(1, ANNOUNCED, phone="13800131234", guardian="李大海")
    page = shown(phone.get(f"{K}/winners"))

    assert "李同学 城头街道" in page
    for hidden in ("138****", "李*航", "青**", "大海"):
        assert hidden not in page, hidden


@pytest.mark.parametrize(
    "address", ["/k/unknown/prize", "/k/unknown/winners", "/v/000000000000", "/v/x/print"]
)
def test_unknown_contests_and_certificates_are_404(announced: Contest, phone: Browser, address: str) -> None:
    assert phone.get(address).status_code == 404


# Certificates


def test_certificate_is_printed_without_sending_a_name_and_checked_by_anybody(
    handing: Contest, phone: Browser
) -> None:
    handing.hand_over(1, HANDING)
    winner = handing.phone_of(1)
    sent = winner.post(f"{K}/certificate", data={"title": "一等奖"})
    number = db.session.scalars(select(Certificate.code)).one()

    assert (sent.status_code, sent.location) == (303, f"/v/{number}/print")
    page = winner.get(sent.location).text
    assert f"{number[:4]}-{number[4:8]}-{number[8:]}" in page
    assert "<form" not in page
    assert "name=" not in page.replace('meta name="viewport"', "")
    checked = shown(phone.get(f"/v/{number.lower()[:4]}-{number[4:]}"))
    for words in ("这张证书是真的", "阳光县反诈知识竞赛", "一等奖", "2026 年 12 月 16 日"):
        assert words in checked.replace("\xa0", " "), words


def test_met_players_have_a_certificate_and_strangers_do_not(announced: Contest, phone: Browser) -> None:
    assert "打印达标证书" in announced.phone_of(5).get(f"{K}/prize").text
    assert announced.phone_of(5).post(f"{K}/certificate", data={"title": "达标"}).status_code == 303
    assert announced.phone_of(5).post(f"{K}/certificate", data={"title": "一等奖"}).status_code == 409
    assert "打印达标证书" not in phone.get(f"{K}/prize").text
    assert phone.post(f"{K}/certificate", data={"title": "达标"}).status_code == 403


def test_certificate_of_somebody_excluded_since_is_withdrawn(announced: Contest, phone: Browser) -> None:
    number = announced.phone_of(5).post(f"{K}/certificate", data={"title": "达标"}).location.split("/")[2]
    assert "这张证书是真的" in phone.get(f"/v/{number}").text
    held = db.session.scalars(select(Certificate.participant_id)).one()
    known = {
        "round_id": announced.id,
        "participant_id": held,
        "reason": "用程序答的",
        "at": DRAWN,
        "by": "staff:1",
    }

    make.saved(Ruling(**known, verdict="excluded"))
    assert "这张证书已经撤回" in phone.get(f"/v/{number}").text
    assert phone.get(f"/v/{number}/print").location == f"/v/{number}"

    make.saved(Ruling(**known, verdict="restored"))
    assert "这张证书是真的" in phone.get(f"/v/{number}").text


# The console


def test_console_says_where_the_contest_stands_and_what_cannot_be_taken_back(
    contest: Contest, at: Any
) -> None:
    at(DRAWN + timedelta(minutes=5))
    desk = staff(contest, "organizer")
    page = desk.page(f"/staff/contests/{contest.id}")

    assert "已抽奖" in page
    assert IRREVERSIBLE[Move.ANNOUNCE] in page
    assert f'href="/staff/contests/{contest.id}/move/announce"' in page
    assert page.count('aria-current="step"') == 1
    assert "城头街道" in page
    assert "阳光县反诈知识竞赛" in desk.page("/staff/contests")


def test_organizer_leads_a_contest_from_the_draw_to_its_end(contest: Contest, at: Any) -> None:
    here = f"/staff/contests/{contest.id}"
    at(ANNOUNCED)
    desk = staff(contest, "organizer")
    assert "公示中奖名单" in desk.page(f"{here}/move/announce")
    assert desk.post(f"{here}/move/announce", confirm="公示").status_code == 400
    assert contest.awards() == []
    assert desk.post(f"{here}/move/announce", confirm="公示中奖名单").status_code == 303
    assert len(contest.awards()) == 4

    assert "公示到 12 月 15 日为止" in desk.page(f"{here}/move/hand-out")
    at(HANDING)
    desk = staff(contest, "organizer", "days later")
    assert desk.post(f"{here}/move/hand-out", confirm="开始发奖").status_code == 303
    assert "还有 4 份奖没有发出" in desk.page(f"{here}/move/close")
    assert desk.post(f"{here}/move/close", confirm="结束竞赛").status_code == 409


def test_organizer_ends_a_prize_and_all_overdue_ones(announced: Contest, at: Any) -> None:
    desk = staff(announced, "organizer")
    here = f"/staff/contests/{announced.id}/awards"
    award = announced.award(1)

    assert "不能回头" in desk.page(f"{here}/{award.id}")
    assert desk.post(f"{here}/{award.id}", kind="declined", reason="").status_code == 400
    assert desk.post(f"{here}/{award.id}", kind="x", reason="本人不要了").status_code == 400
    assert desk.post(f"{here}/{award.id}", kind="declined", reason="本人不要了").status_code == 303
    assert announced.award(4).tier == 0

    at(ANNOUNCED + 31 * DAY)
    desk = staff(announced, "organizer", "a month later")
    assert "逾期没有登记的：4 份" in desk.page(here)
    assert desk.post(f"{here}/forfeit-due", expected="3").status_code == 409
    assert desk.post(f"{here}/forfeit-due", expected="四").status_code == 400
    assert desk.post(f"{here}/forfeit-due", expected="4").status_code == 303
    assert [row.entry_id for row in announced.awards() if row.state == "waiting"] == [
        entry(5), entry(6), entry(7)
    ]  # fmt: skip


# The counter


def test_clerk_hands_a_prize_over_once(handing: Contest) -> None:
    desk = staff(handing, "clerk")
    here = f"/staff/contests/{handing.id}/counter"
    code = handing.award(1).claim_code

    page = desk.page(f"{here}?code={code}")
    assert "电话手表" in page
    assert "李*航 138****1234" in page
    assert "13800131234" not in page
    assert "发出这份奖" in page
    assert desk.post(f"{here}/hand-over", code=code, how="counter").status_code == 303
    assert desk.post(f"{here}/hand-over", code=code, how="counter").status_code == 409
    assert "不能再发一次" in desk.page(f"{here}?code={code}")
    assert audited("prize.handed_over") == 1


def test_picture_on_the_winners_phone_leads_a_clerk_to_the_prize(handing: Contest) -> None:
    scanned = f"http://fz.test/staff/contests/{handing.id}/counter?code={handing.award(1).claim_code}"
    desk = staff(handing, "clerk")

    found = desk.browser.get(f"/staff/contests/{handing.id}/counter", query_string={"code": scanned})
    assert "电话手表" in shown(found)


def test_full_contact_is_behind_a_button_and_each_view_is_recorded(handing: Contest) -> None:
    desk = staff(handing, "clerk")
    code = handing.award(1).claim_code
    page = desk.post(f"/staff/contests/{handing.id}/counter/contact", code=code)

    assert "13800131234" in page.text
    assert "李明航" in page.text
    assert audited("prize.contact_seen") == 1
    detail = "".join(db.session.scalars(select(AuditEntry.detail)))
    assert "13800131234" not in detail


@pytest.mark.parametrize(("number", "words"), [(2, "先登记"), (3, "先登记")])
def test_counter_sends_unclaimed_winners_back_to_their_phone(
    handing: Contest, number: int, words: str
) -> None:
    code = handing.award(number).claim_code
    page = staff(handing, "clerk").page(f"/staff/contests/{handing.id}/counter?code={code}")

    assert words in page
    assert "发出这份奖" not in page


@pytest.mark.parametrize(("code", "status"), [("12345678", 400), ("0000000", 400), ("00000000", 404)])
def test_counter_says_when_a_code_is_unknown_or_mistyped(handing: Contest, code: str, status: int) -> None:
    answer = staff(handing, "clerk").get(f"/staff/contests/{handing.id}/counter?code={code}")

    assert (answer.status_code, "再看一遍" in answer.text) == (status, True)


def test_clerk_of_another_county_finds_nothing(handing: Contest) -> None:
    elsewhere = make.saved(
        Unit(
            parent_id=None,
            path="xh/",
            code="xh",
            name="新河县",
            kind="county",
            position=1,
            created_at=make.LONG_AGO,
        )
    )
    desk = Desk(handing.app, "far", ("clerk", elsewhere))

    for address in (f"/staff/contests/{handing.id}/counter", f"/staff/contests/{handing.id}/winners.csv"):
        assert desk.get(address).status_code == 404


# The file for the sponsor


def table(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    ("role", "who", "number"), [("clerk", "李明航", "13800131234"), ("auditor", "李*航", "138****1234")]
)
def test_file_of_winners_is_full_for_clerks_and_masked_for_others(
    handing: Contest, role: str, who: str, number: str
) -> None:
    answer = staff(handing, role).get(f"/staff/contests/{handing.id}/winners.csv")
    rows = table(answer)

    assert rows[1][:7] == ["一等奖", "1", "电话手表", "800", "E000…0001", who, number]
    assert len([row for row in rows if row and row[0].endswith("奖")]) == 4
    assert [row[0] for row in rows if row].count("链头全文") == 1
    assert audited("prize.winners_exported") == 1


def test_file_of_winners_starts_no_formula(announced: Contest) -> None:
    announced.claim(1, ANNOUNCED, name='=HYPERLINK("x")')
    rows = table(staff(announced, "clerk").get(f"/staff/contests/{announced.id}/winners.csv"))

    assert rows[1][5] == '\'=HYPERLINK("x")'


# What pages cost


MANY = (
    Tier(name="一等奖", item="电话手表", number=1, value_yuan=800, by="draw"),
    Tier(name="参与奖", item="帆布袋", number=18, value_yuan=20, by="draw"),
)


@pytest.mark.parametrize(("players", "tiers"), [(8, TIERS), (25, MANY)])
def test_pages_take_the_same_statements_however_many_prizes_there_are(
    drawn: Callable[..., Contest], at: Any, watch: Watch, players: int, tiers: tuple[Tier, ...]
) -> None:
    contest = drawn(players, tiers=tiers)
    contest.announce(ANNOUNCED)
    contest.claim(1, ANNOUNCED)
    contest.hand_out_from(at(HANDING))
    organizer, clerk, winner = staff(contest, "organizer"), staff(contest, "clerk"), contest.phone_of(1)
    here = f"/staff/contests/{contest.id}"
    counted = {}
    for name, browser, address in (
        ("prize", winner, f"{K}/prize"),
        ("winners", winner, f"{K}/winners"),
        ("contests", organizer, "/staff/contests"),
        ("console", organizer, here),
        ("awards", organizer, f"{here}/awards"),
        ("counter", clerk, f"{here}/counter?code={contest.award(1).claim_code}"),
    ):
        browser.get(address)
        with watch.counting() as seen:
            assert browser.get(address).status_code == 200
        counted[name] = len(seen)

    assert counted == {"prize": 9, "winners": 8, "contests": 5, "console": 14, "awards": 6, "counter": 9}
