"""The student's way over HTTP, without script: landing, seat, questions, check, result, practice."""

import re
from datetime import timedelta
from typing import Any

import pytest

from quizsvc.attempt.models import Attempt
from quizsvc.db import db
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON


def text_of(response: Any) -> str:
    return response.get_data(as_text=True)


def test_landing_shows_class_phrase_and_every_seat(classroom: Classroom, phone: Any) -> None:
    page = text_of(phone.get(f"/c/{CODE}"))

    assert re.findall(r'name="seat" value="(\d+)"', page) == ["1", "2", "3"]
    for said in ("七年级（3）班", "阳光县实验中学", "青禾", "27", "2026 年秋季学期", "这里不问密码"):
        assert said in page


def test_landing_takes_a_code_typed_by_hand(classroom: Classroom, phone: Any) -> None:
    assert phone.get(f"/c/{CODE.lower()[:3]}-{CODE.lower()[3:]}").status_code == 200


@pytest.mark.parametrize("code", ["7K3M9Q0", "ZZZZZZZ", "1", "%00", "7K3M9QC0"])
def test_wrong_code_is_a_kind_404(classroom: Classroom, phone: Any, code: str) -> None:
    assert phone.get(f"/c/{code}").status_code == 404


def test_front_page_takes_the_code_typed_from_the_poster(classroom: Classroom, phone: Any) -> None:
    assert "最后 7 位" in text_of(phone.get("/"))
    assert phone.get(f"/?code={CODE.lower()}").headers["Location"] == f"/c/{CODE}"
    assert phone.get("/?code=7K3M9Q0").status_code == 404


def test_landing_is_remembered_for_seconds_and_starting_is_checked_afresh(
    classroom: Classroom, phone: Any, at: Any, watch: Any
) -> None:
    phone.get(f"/c/{CODE}")
    with watch.counting() as warm:
        phone.get(f"/c/{CODE}")
    classroom.link.revoked_at = NOON
    db.session.commit()

    assert warm == []
    assert Pupil(phone).start().status_code == 404
    at(NOON + timedelta(seconds=11))
    assert phone.get(f"/c/{CODE}").status_code == 404


def test_landing_before_and_after_the_window_says_when(classroom: Classroom, phone: Any, at: Any) -> None:
    at(classroom.round.opens_at - timedelta(seconds=1))
    before = text_of(phone.get(f"/c/{CODE}"))
    at(classroom.round.closes_at)
    after = text_of(phone.get(f"/c/{CODE}"))

    assert "还没到开始的时间" in before
    assert "这一场已经结束" in after
    assert 'name="seat"' not in before + after


def test_exempt_seat_is_not_on_the_grid_and_cannot_start(classroom: Classroom, phone: Any) -> None:
    from quizsvc.roster.models import Enrolment, Exemption

    enrolment = db.session.query(Enrolment).filter_by(unit_id=classroom.unit.id, seat=2).one()
    make.saved(Exemption(enrolment_id=enrolment.id, reason="长期病假", approved_by="cli", approved_at=NOON))

    assert re.findall(r'name="seat" value="(\d+)"', text_of(phone.get(f"/c/{CODE}"))) == ["1", "3"]
    assert Pupil(phone, 2).start().status_code == 409


def test_who_repeats_seat_and_class_without_a_name(classroom: Classroom, phone: Any) -> None:
    page = text_of(phone.post(f"/c/{CODE}/who", data={"seat": "2"}))

    assert "七年级（3）班，2 号" in page


def test_who_masks_the_name_in_a_roster_round(app: Any, at: Any, phone: Any) -> None:
    a_classroom(identity="roster")

    page = text_of(phone.post(f"/c/{CODE}/who", data={"seat": "1"}))

    assert "你是李*航吗？" in page
    assert "李安航" not in page


@pytest.mark.parametrize("seat", ["", "0", "999", "x", "1.5", "-1", "9999999999"])
def test_odd_seat_is_refused(classroom: Classroom, phone: Any, seat: str) -> None:
    assert phone.post(f"/c/{CODE}/who", data={"seat": seat}).status_code == 400
    assert phone.post(f"/c/{CODE}/start", data={"seat": seat}).status_code == 400


def test_unknown_finished_and_taken_seats_get_the_same_page(classroom: Classroom, app: Any) -> None:
    done = Pupil(app.test_client(), 1)
    done.start()
    done.submit(done.tokens())
    running = Pupil(app.test_client(), 2)
    running.start()
    stranger = app.test_client()

    pages = {
        seat: text_of(stranger.post(f"/c/{CODE}/start", data={"seat": str(seat)})).replace(
            f"{seat} 号", "N 号"
        )
        for seat in (1, 2, 9)
    }
    bodies = {re.sub(r'value="\d+"', 'value="N"', page) for page in pages.values()}

    assert len(bodies) == 1
    assert "现在不能开始" in bodies.pop()


def test_whole_sitting_without_script(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)

    assert pupil.start().status_code == 303
    paper_page = text_of(phone.get(f"/a/{pupil.attempt_id}"))
    assert paper_page.count("<fieldset") == 3
    checked = pupil.submit(pupil.tokens(right=lambda position: position != 2), step="check")
    assert checked.headers["Location"] == f"/a/{pupil.attempt_id}/check"
    assert "交卷前看一眼" in text_of(phone.get(checked.headers["Location"]))
    handed = pupil.submit()
    assert handed.headers["Location"] == f"/a/{pupil.attempt_id}/result"
    result = pupil.result()

    assert "识破了 2 个骗局" in result
    assert "先看这 1 题" in result
    assert (pupil.sheet.score, pupil.sheet.out_of, pupil.sheet.correct) == (20, 30, (True, False, True))


def test_check_page_names_every_blank(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()

    pupil.submit({1: pupil.tokens()[1]}, step="check")
    page = text_of(phone.get(f"/a/{pupil.attempt_id}/check"))

    assert "还有 2 题没作答" in page
    assert re.findall(r'href="[^"]*#q(\d)">第', page) == ["2", "3"]


def test_answers_saved_without_script_are_shown_again(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    chosen = pupil.tokens()
    pupil.submit(chosen, step="check")

    page = text_of(phone.get(f"/a/{pupil.attempt_id}"))

    assert re.findall(r'value="([a-z2-7]{4})" checked', page) == [
        chosen[position][0] for position in (1, 2, 3)
    ]


def test_page_without_script_changes_its_mind(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False), step="check")

    pupil.submit(pupil.tokens(), step="check")
    pupil.submit()

    assert pupil.sheet.score == 30


def test_result_shows_wrong_ones_first_and_all_on_request(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: position == 1))

    short = pupil.result()
    everything = text_of(phone.get(f"/a/{pupil.attempt_id}/result?all=1"))

    assert len(re.findall("· 答错", short)) == 2
    assert "· 答对" not in short
    assert len(re.findall("· 答对", everything)) == 1
    assert everything.index("· 答错") < everything.index("· 答对")
    for line in ("骗术", "破绽", "应对"):
        assert line in short


def test_result_counts_the_class(classroom: Classroom, app: Any) -> None:
    for seat in (1, 2):
        pupil = Pupil(app.test_client(), seat)
        pupil.start()
        pupil.submit(pupil.tokens())

    page = pupil.result()

    assert "还差 1 人" in page


def test_questions_of_a_finished_attempt_lead_to_the_result(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())

    assert phone.get(f"/a/{pupil.attempt_id}").headers["Location"].endswith("/result")
    assert phone.get(f"/a/{pupil.attempt_id}/check").headers["Location"].endswith("/result")


def test_open_attempt_has_no_result_yet(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()

    assert phone.get(f"/a/{pupil.attempt_id}/result").headers["Location"] == f"/a/{pupil.attempt_id}"


def test_practice_repeats_the_missed_until_right_and_stores_nothing(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: position != 3))
    address = f"/a/{pupil.attempt_id}/practice"
    before = db.session.query(Attempt).count()

    first = text_of(phone.get(address))
    tokens = re.findall(r'name="q1" value="([a-z2-7]{4})"', first)
    pages = [text_of(phone.post(address, data={"step": "0", "q1": token})) for token in tokens]
    done = text_of(phone.get(f"{address}?step=1"))

    assert len([page for page in pages if "✓ 对了" in page]) == 1
    assert len([page for page in pages if "再想一想" in page]) == 3
    assert "练完了" in done
    db.session.rollback()
    assert db.session.query(Attempt).count() == before


def test_practice_offers_a_twin_of_the_missed_item(app: Any, at: Any, phone: Any) -> None:
    pool = [
        make.an_item("a-1", twin="t", stem="原来的题"),
        make.an_item("a-2", twin="t", stem="换了衣服的题"),
    ]
    a_classroom_with = make.a_paper(pool=pool, drawn=1)
    a_classroom(paper=a_classroom_with)
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False))
    address = f"/a/{pupil.attempt_id}/practice"

    stems = {
        re.search(r"<h2>([^<]+)</h2></legend>", text_of(phone.get(f"{address}?step={n}")))[1] for n in (0, 1)
    }

    assert stems == {"原来的题", "换了衣服的题"}


def test_practice_waits_while_another_go_is_open(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False))
    first = pupil.attempt_id
    pupil.start()

    assert pupil.attempt_id != first
    assert phone.get(f"/a/{first}/practice").status_code == 409
    page = text_of(phone.get(f"/a/{first}/result"))
    assert "骗术" not in page
    assert "你有一次正在做" in page


def test_receipt_tells_what_was_done_without_a_name(app: Any, at: Any, phone: Any) -> None:
    a_classroom(identity="roster")
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())
    receipt = pupil.sheet.receipt

    page = text_of(app.test_client().get(f"/r/{receipt[:4]}-{receipt[4:].lower()}"))

    assert "1 号" in page
    assert "达到知晓标准" in page
    assert "航" not in page


def test_receipt_of_an_open_attempt_is_unknown(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()

    assert phone.get(f"/r/{pupil.sheet.receipt}").status_code == 404


def test_guessing_receipts_is_limited(classroom: Classroom, phone: Any) -> None:
    codes = [phone.get(f"/r/0000{number:04}").status_code for number in range(301)]

    assert codes == [404] * 300 + [429]


def test_proof_shows_a_code_of_the_receipt(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens())

    page = text_of(phone.get(f"/a/{pupil.attempt_id}/proof"))
    picture = phone.get(re.search(r'<img src="([^"]+)"', page)[1])

    assert picture.mimetype == "image/png"


def test_another_phone_sees_nothing_of_an_attempt(classroom: Classroom, app: Any) -> None:
    pupil = Pupil(app.test_client())
    pupil.start()
    stranger = app.test_client()

    for path in ("", "/check", "/result", "/proof", "/practice"):
        answer = stranger.get(f"/a/{pupil.attempt_id}{path}")
        assert answer.status_code == 403
        assert "续答码" in text_of(answer)
    assert stranger.post(f"/a/{pupil.attempt_id}/save", data={"n1": "1"}).status_code == 403
    assert stranger.post(f"/a/{pupil.attempt_id}/submit").status_code == 403
    assert pupil.sheet.submitted_at is None


def test_resume_code_moves_the_attempt_to_another_phone(classroom: Classroom, app: Any) -> None:
    old = Pupil(app.test_client())
    old.start()
    chosen = old.tokens()
    old.save(chosen, seq=1)
    resume = old.sheet.resume
    new = app.test_client()

    moved = new.post(f"/c/{CODE}/resume", data={"seat": "1", "resume": f"{resume[:4].lower()}-{resume[4:]}"})

    assert moved.headers["Location"] == f"/a/{old.attempt_id}"
    assert text_of(new.get(f"/a/{old.attempt_id}")).count(" checked") == 3
    assert old.save(chosen, seq=2).status_code == 403


def test_guessing_resume_codes_is_limited(classroom: Classroom, app: Any) -> None:
    Pupil(app.test_client()).start()
    stranger = app.test_client()

    codes = [
        stranger.post(f"/c/{CODE}/resume", data={"seat": "1", "resume": f"0000000{n}"}).status_code
        for n in range(11)
    ]

    assert codes == [409] * 10 + [429]


def test_voided_attempt_tells_nothing_any_more(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: False))
    db.session.query(Attempt).update({"voided_at": NOON, "void_reason": "点错了序号"})
    db.session.commit()

    assert phone.get(f"/a/{pupil.attempt_id}/practice").status_code == 409
    assert "应对" not in pupil.result()


@pytest.mark.parametrize("step", ["who", "start", "resume"])
def test_address_from_the_middle_leads_back_to_the_landing(
    classroom: Classroom, phone: Any, step: str
) -> None:
    assert phone.get(f"/c/{CODE}/{step}").headers["Location"] == f"/c/{CODE}"


def test_large_text_keeps_where_the_link_was_found(classroom: Classroom, phone: Any) -> None:
    assert 'href="?s=g&amp;size=lg"' in text_of(phone.get(f"/c/{CODE}?s=g"))


def test_score_time_and_identity_from_the_client_change_nothing(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    forged = {
        name: "30"
        for name in ("score", "out_of", "correct", "submitted_at", "enrolment_id", "unit_id", "device_hash")
    }

    pupil.submit(pupil.tokens(right=lambda position: False), **forged)

    assert (pupil.sheet.score, pupil.sheet.correct) == (0, (False, False, False))


@pytest.mark.parametrize(
    "fields",
    [
        {"n1": "1", "q1": "zz"},
        {"n1": "1", "q1": "aaaa"},
        {"n1": "x", "q1": ""},
        {"n9": "1", "q9": "abcd"},
        {"n1": "99999999999"},
        {"n999": "1"},
    ],
)
def test_answers_that_are_not_on_the_paper_are_refused(
    classroom: Classroom, phone: Any, fields: dict[str, str]
) -> None:
    pupil = Pupil(phone)
    pupil.start()

    for step in ("save", "submit"):
        answer = phone.post(f"/a/{pupil.attempt_id}/{step}", data=fields)
        assert answer.status_code == 400, (step, fields)
    assert pupil.sheet.answers == {}
    assert pupil.sheet.submitted_at is None


def test_large_text_is_kept_in_a_cookie(classroom: Classroom, phone: Any) -> None:
    assert 'data-size="lg"' in text_of(phone.get(f"/c/{CODE}?size=lg"))
    assert 'data-size="lg"' in text_of(phone.get(f"/c/{CODE}"))
    assert 'data-size="lg"' not in text_of(phone.get(f"/c/{CODE}?size=md"))


def test_test_rounds_are_watermarked(app: Any, at: Any, phone: Any) -> None:
    school = make.a_school(make.a_county())
    unit = make.a_class(school)
    round_ = make.a_round(unit, campaign=make.a_campaign(unit, is_test=True))
    make.a_link(round_, unit, code=CODE)
    pupil = Pupil(phone)
    pupil.start()
    pages = [text_of(phone.get(path)) for path in (f"/c/{CODE}", f"/a/{pupil.attempt_id}")]
    pupil.submit(pupil.tokens())

    assert all("测试·不计入" in page for page in [*pages, pupil.result()])


def test_pages_are_never_cached_and_never_leave_the_origin(classroom: Classroom, phone: Any) -> None:
    pupil = Pupil(phone)
    pupil.start()
    answers = [phone.get(f"/c/{CODE}"), phone.get(f"/a/{pupil.attempt_id}")]

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        addresses = re.findall(r'(?:src|href|action)="([^"]+)"', text_of(answer))
        assert [a for a in addresses if not a.startswith(("/", "#", "?", "tel:", "data:,"))] == []
        assert not re.search(r"\son\w+=|\sstyle=|<script>|<style", text_of(answer))


def test_statement_counts_hold(classroom: Classroom, phone: Any, watch: Any) -> None:
    pupil = Pupil(phone)
    with watch.counting() as landing:
        phone.get(f"/c/{CODE}")
    with watch.counting() as start:
        pupil.start()
    tokens = pupil.tokens()
    with watch.counting() as questions:
        phone.get(f"/a/{pupil.attempt_id}")
    with watch.counting() as save:
        pupil.save(tokens)
    with watch.counting() as submit:
        pupil.submit(tokens)

    counts = {"landing": landing, "start": start, "questions": questions, "save": save, "submit": submit}
    assert {name: len(seen) for name, seen in counts.items()} == {
        "landing": 3, "start": 3, "questions": 1, "save": 2, "submit": 3,
    }, counts  # fmt: skip
