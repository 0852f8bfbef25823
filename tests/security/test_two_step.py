"""The second step of a sign-in (T21, T22): no way round it, each code once, few tries, nothing told to guessers."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from quizsvc import vault
from quizsvc.audit import AuditEntry
from quizsvc.core import onetime
from quizsvc.core.access import Permission
from quizsvc.db import db
from quizsvc.staff import operations, queries, views
from quizsvc.staff.models import Staff
from tests import make
from tests.conftest import NOON
from tests.rules.test_routes import address, rules
from tests.signing import post, signed_in, token
from tests.staff.second_step import SECRET, code, printed, turned_on
from tests.support import Browser

GOOD = "青山绿水小船晚霞四个词"
PRINTED = "7K3M9Q2X4V5W"
WRONG = "验证码不对，或者已经用过"


@pytest.fixture
def lin(app: Flask, at: Any) -> Staff:
    """Teaches 七（3）班, has a password and a second step."""
    staff = make.a_staff("lin", "林老师", ("class_teacher", make.a_class(make.a_school(make.a_county()))))
    staff.password_hash = queries.HASHER.hash(GOOD)
    return turned_on(app, staff)


def half(browser: Browser, password: str = GOOD, **query: str) -> Any:
    fields = {"login": "lin", "password": password, "csrf_token": token(browser)}
    return browser.post("/staff/sign-in", data=fields, query_string=query)


def give(browser: Browser, typed: str, **query: str) -> Any:
    page = browser.get("/staff/sign-in/code")
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    fields = {"code": typed, "csrf_token": found[1] if found else token(browser)}
    return browser.post("/staff/sign-in/code", data=fields, query_string=query)


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


# Two steps


def test_password_leads_to_the_code_and_the_code_in(lin: Staff, phone: Browser) -> None:
    first = half(phone, next="/staff/account")
    before = phone.get("/staff/account").status_code
    second = give(phone, code(NOON), next="/staff/account")

    assert (first.status_code, first.location) == (303, "/staff/sign-in/code?next=/staff/account")
    assert before == 303
    assert (second.status_code, second.location) == (303, "/staff/account")
    assert "林老师" in phone.get("/staff/account").text
    assert actions() == ["staff.first_step_passed", "staff.signed_in"]
    assert db.session.get(Staff, lin.id, populate_existing=True).signed_in_at == NOON


def test_wrong_password_never_reaches_the_code(lin: Staff, phone: Browser) -> None:
    assert half(phone, "wrong").status_code == 400
    assert phone.get("/staff/sign-in/code").location == "/staff/sign-in"


def test_each_step_starts_a_fresh_session(lin: Staff, phone: Browser) -> None:
    with phone.session_transaction() as session:
        session["left by a visitor"] = "x"
    half(phone)
    with phone.session_transaction() as session:
        assert sorted(session) == ["half"]
        session["left in between"] = "x"

    give(phone, code(NOON))

    with phone.session_transaction() as session:
        assert sorted(session) == ["_fresh", "_id", "_user_id", "seen", "since"]


def test_half_a_sign_in_opens_nothing(lin: Staff, app: Flask, phone: Browser) -> None:
    half(phone)
    pages = [
        rule for rule in rules(app, "GET") if isinstance(app.view_functions[rule.endpoint].access, Permission)
    ]

    answers = {rule.rule: phone.get(address(app, rule)) for rule in pages}

    assert len(pages) > 30
    assert {
        rule: answer.status_code
        for rule, answer in answers.items()
        if answer.status_code != 303 or not answer.location.startswith("/staff/sign-in?next=")
    } == {}


def test_half_a_sign_in_lasts_five_minutes(lin: Staff, phone: Browser, at: Any) -> None:
    half(phone)
    at(NOON + timedelta(seconds=299))
    still = phone.get("/staff/sign-in/code").status_code
    late = at(NOON + timedelta(seconds=300))

    answer = give(phone, code(late))

    assert still == 200
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in")
    assert phone.get("/staff/account").status_code == 303


def test_half_a_sign_in_ends_with_the_password_it_was_made_with(lin: Staff, phone: Browser) -> None:
    half(phone)
    operations.change_password(staff_id=lin.id, password="another good phrase 7", at=NOON)

    assert give(phone, code(NOON)).location == "/staff/sign-in"


def test_one_time_link_does_not_go_round_the_second_step(lin: Staff, phone: Browser) -> None:
    link = operations.issue_link(staff_id=lin.id, at=NOON, actor=views.VISITOR).path

    done = phone.post(link, data={"csrf_token": token(phone), "password": GOOD + "!", "repeated": GOOD + "!"})

    assert (done.status_code, done.location) == (303, "/staff/sign-in/code")
    assert phone.get("/staff/account").status_code == 303
    assert give(phone, code(NOON)).status_code == 303
    assert phone.get("/staff/account").status_code == 200


def test_planted_way_round_is_noticed(lin: Staff, phone: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_enter_or_half", lambda entered, at: views._enter(entered, at) or True)

    assert half(phone).location == "/staff/"
    assert phone.get("/staff/account").status_code == 200


# Codes


@pytest.mark.parametrize(("steps", "status"), [(-2, 400), (-1, 303), (0, 303), (1, 303), (2, 400)])
def test_clock_of_the_phone_may_be_half_a_minute_off(
    lin: Staff, phone: Browser, steps: int, status: int
) -> None:
    half(phone)

    assert give(phone, code(NOON, steps=steps)).status_code == status


def test_code_is_read_however_the_keyboard_writes_it(lin: Staff, phone: Browser) -> None:
    half(phone)
    six = code(NOON).translate({ord("0") + n: ord("０") + n for n in range(10)})

    assert give(phone, f" {six[:3]} {six[3:]} ").status_code == 303


def test_code_counts_once_and_so_do_those_before_it(lin: Staff, app: Flask, at: Any) -> None:
    def told(typed: str) -> tuple[int, bool]:
        browser = app.test_client()
        half(browser)
        page = give(browser, typed)
        return page.status_code, WRONG in page.text

    answers = [told(code(NOON)), told(code(NOON)), told(code(NOON, steps=-1)), told(code(NOON, steps=1))]

    assert answers == [(303, False), (400, True), (400, True), (303, False)]


def both_at_once(app: Flask, lin: Staff, typed: str) -> list[bool]:
    """Two requests that have both found the code fitting and now use it up."""
    waiting = queries.second_step(lin.id, lin.epoch)
    proof = waiting.fitting(typed, key_file=app.config["SETTINGS"].key_file, at=NOON)
    db.session.rollback()
    start = Barrier(2)

    def use(_number: int) -> bool:
        with app.app_context():
            start.wait()
            try:
                operations.pass_second_step(half=waiting, proof=proof, address="x", at=NOON)
            except operations.WrongCode:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(use, range(2)))


def test_code_brought_by_two_at_once_lets_one_in(lin: Staff, app: Flask) -> None:
    assert both_at_once(app, lin, code(NOON)) == [False, True]


def test_recovery_code_brought_by_two_at_once_lets_one_in(lin: Staff, app: Flask) -> None:
    printed(lin, PRINTED, NOON)

    assert both_at_once(app, lin, PRINTED) == [False, True]


def test_planted_second_use_is_noticed(lin: Staff, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    printed(lin, PRINTED, NOON)
    monkeypatch.setattr(operations, "_use_up_recovery_code", lambda *_ignored: None)

    assert both_at_once(app, lin, PRINTED) == [True, True]


def test_recovery_code_stands_in_for_the_phone_once(lin: Staff, app: Flask) -> None:
    printed(lin, PRINTED, NOON)
    answers = []
    for _ in range(2):
        browser = app.test_client()
        half(browser)
        answers.append(give(browser, "7k3m 9q2x 4v5w").status_code)

    assert answers == [303, 400]
    assert queries.recovery_codes_left(lin.id) == 0
    detail = db.session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "staff.signed_in")).one()
    assert json.loads(detail)["second_step"] == "recovery code"


def test_recovery_code_of_somebody_else_is_worth_nothing(lin: Staff, phone: Browser) -> None:
    printed(make.a_staff("mei", "梅老师"), PRINTED, NOON)
    half(phone)

    assert give(phone, PRINTED).status_code == 400


def test_sixth_try_waits_ten_minutes_even_on_another_device(lin: Staff, app: Flask, at: Any) -> None:
    def tried(typed: str) -> int:
        browser = app.test_client()
        half(browser)
        return give(browser, typed).status_code

    statuses = [tried("000000") for _ in range(5)] + [tried(code(NOON))]
    later = at(NOON + timedelta(minutes=10))

    assert statuses == [400] * 5 + [429]
    assert tried(code(later)) == 303
    assert actions().count("staff.code_refused") == 5


def test_answer_does_not_tell_why_a_code_failed(lin: Staff, app: Flask) -> None:
    row = printed(lin, PRINTED, NOON)
    row.used_at = NOON
    make.saved(row)
    operations.pass_second_step(
        half=queries.second_step(lin.id, 1),
        proof=queries.Proof(step=onetime.step_at(NOON)),
        address="x",
        at=NOON,
    )

    def body(typed: str) -> str:
        browser = app.test_client()
        half(browser)
        text = give(browser, typed).text
        return re.sub(r'name="csrf_token"[^>]*>|value="[^"]*"', "", text)

    wrong, used, used_printed, unknown = (body(one) for one in ("000000", code(NOON), PRINTED, "X" * 12))
    assert WRONG in wrong
    assert wrong == used == used_printed == unknown


def test_what_was_typed_is_not_written_down(lin: Staff, phone: Browser) -> None:
    half(phone)
    give(phone, "135791")
    give(phone, PRINTED)
    give(phone, code(NOON))

    rows = [[row.actor, row.object, row.detail] for row in db.session.scalars(select(AuditEntry))]
    written = json.dumps(rows)
    assert [text for text in ("135791", PRINTED, code(NOON), GOOD, "127.0.0.1") if text in written] == []


def test_lost_key_is_told_kindly_and_recovery_codes_still_work(
    lin: Staff, app: Flask, phone: Browser, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(app.config["SETTINGS"], key_file=tmp_path / "another")
    monkeypatch.setitem(app.config, "SETTINGS", other)
    printed(lin, PRINTED, NOON)
    half(phone)

    lost = give(phone, code(NOON))

    assert (lost.status_code, "请用恢复码登录" in lost.text) == (409, True)
    assert vault.kept_ring(other.key_file).keys[0].id.hex() not in lost.text
    assert give(phone, PRINTED).status_code == 303


def test_secret_moved_to_another_row_does_not_open(lin: Staff, app: Flask) -> None:
    mei = make.a_staff("mei", "梅老师")
    mei.totp_secret = lin.totp_secret
    make.saved(mei)

    with pytest.raises(vault.Unopenable):
        queries.second_step(mei.id, 1).fitting(code(NOON), key_file=app.config["SETTINGS"].key_file, at=NOON)


# Off, offered, required


@pytest.fixture
def choose(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set QUIZSVC_TWO_STEP."""

    def chosen(value: str) -> None:
        monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], two_step=value))

    return chosen


def test_where_it_is_off_nobody_is_asked_and_the_page_is_gone(
    lin: Staff, phone: Browser, choose: Any
) -> None:
    choose("off")

    assert half(phone).location == "/staff/"
    assert "两步登录" not in phone.get("/staff/account").text
    assert phone.get("/staff/account/two-step").status_code == 404
    assert post(phone, "/staff/account/two-step/off", current=GOOD).status_code == 404


def test_where_it_is_required_a_sysadmin_is_led_to_the_set_up(app: Flask, at: Any, choose: Any) -> None:
    browser = signed_in(app, make.a_staff("root", "管理员", ("sysadmin", None)))
    choose("required")

    assert browser.get("/staff/people").location == "/staff/account/two-step"


def test_where_it_is_required_a_leader_can_do_nothing_before_setting_it_up(
    app: Flask, at: Any, choose: Any
) -> None:
    boss = make.a_staff("boss", "领导", ("organizer", make.a_county()))
    boss.password_hash = queries.HASHER.hash(GOOD)
    db.session.commit()
    browser = signed_in(app, boss)
    choose("required")

    def beyond(method: str) -> dict[str, int]:
        """Routes of the staff pages that do something else than lead to the set-up."""
        return {
            rule.endpoint: answer.status_code
            for rule in rules(app, method)
            if rule.rule.startswith("/staff/")
            if (answer := browser.open(address(app, rule), method=method)).location
            != "/staff/account/two-step"
        }

    assert beyond("GET") == {"staff.two_step": 200}
    # without a token they do nothing either; that they answer 400 shows that they are open
    assert beyond("POST") == {"staff.two_step": 400, "staff.sign_out": 400}

    page = browser.get("/staff/account/two-step").text
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]{32})"', page)[1]
    assert '<nav aria-label="主导航"></nav>' in page
    shown = browser.post(
        "/staff/account/two-step",
        data={
            "code": code(NOON, secret=operations.base64.b32decode(secret)),
            "current": GOOD,
            "csrf_token": re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1],
        },
    )
    assert shown.status_code == 200
    assert browser.get("/staff/people").status_code == 200


def test_where_it_is_required_a_teacher_goes_on_as_before(app: Flask, at: Any, choose: Any) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    browser = signed_in(app, make.a_staff("mei", "梅老师", ("class_teacher", unit)))
    choose("required")

    assert browser.get("/staff/account").status_code == 200


def test_where_it_is_required_turning_it_off_leads_to_the_next_phone(
    app: Flask, at: Any, choose: Any
) -> None:
    boss = make.a_staff("boss", "领导", ("organizer", make.a_county()))
    boss.password_hash = queries.HASHER.hash(GOOD)
    browser = signed_in(app, turned_on(app, boss))
    choose("required")

    before = browser.get("/staff/people").status_code
    post(browser, "/staff/account/two-step/off", current=GOOD)
    after = browser.get("/staff/people")

    assert (before, after.status_code, after.location) == (200, 303, "/staff/account/two-step")


def test_secret_is_sealed_in_the_row_and_in_the_cookie(lin: Staff, app: Flask, at: Any) -> None:
    plain = onetime.secret_text(SECRET)
    mei = make.a_staff("mei", "梅老师", ("class_teacher", db.session.scalars(select(make.Unit)).first()))
    browser = signed_in(app, mei)
    page = browser.get("/staff/account/two-step").text
    shown = re.search(r'id="secret"[^>]*value="([A-Z2-7]{32})"', page)[1]
    with browser.session_transaction() as session:
        kept = json.dumps(dict(session))

    assert plain not in db.session.get(Staff, lin.id).totp_secret
    assert "set_up" in kept
    assert shown not in kept
