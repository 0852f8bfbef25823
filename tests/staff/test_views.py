"""Sign-in, account, invitation and people as a browser sees them."""

import base64
import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from quizsvc.audit import CLI, AuditEntry
from quizsvc.core import onetime
from quizsvc.core.access import Role
from quizsvc.db import db
from quizsvc.staff import operations, queries, views
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from quizsvc.web import qr
from tests import make
from tests.conftest import NOON
from tests.signing import post, signed_in, token
from tests.staff import second_step
from tests.support import Browser, Watch

GOOD = "青山绿水小船晚霞四个词"
BETTER = "another good phrase 7"
WRONG = "登录名或密码不对"


@pytest.fixture
def lin(app: Flask, at: Any) -> Staff:
    """Teaches 七（3）班 and has set a password."""
    unit = make.a_class(make.a_school(make.a_county()))
    staff = make.a_staff("lin", "林老师", ("class_teacher", unit))
    staff.password_hash = queries.HASHER.hash(GOOD)
    return make.saved(staff)


@pytest.fixture
def school(app: Flask, at: Any) -> dict[str, Any]:
    """The people of two schools of one county."""
    county = make.a_county()
    here, there = make.a_school(county), make.a_school(county, "ez", "第二中学")
    three, four = make.a_class(here, code="703"), make.a_class(here, code="704", name="七年级（4）班")
    other = make.a_class(there, code="801", name="八年级（1）班")
    return {
        "county": county, "here": here, "there": there, "three": three, "four": four, "other": other,
        "root": make.a_staff("root", "管理员", ("sysadmin", None)),
        "bureau": make.a_staff("bureau", "教育局", ("organizer", county)),
        "he": make.a_staff("he", "何主任", ("school_admin", here)),
        "lin": make.a_staff("lin", "林老师", ("class_teacher", three)),
        "both": make.a_staff("both", "两校老师", ("class_teacher", four), ("class_teacher", other)),
        "mei": make.a_staff("mei", "梅老师", ("class_teacher", other)),
    }  # fmt: skip


def enter(browser: Browser, login: str = "lin", password: str = GOOD, **query: str) -> Any:
    fields = {"login": login, "password": password, "csrf_token": token(browser)}
    return browser.post("/staff/sign-in", data=fields, query_string=query)


def trail(action: str) -> list[tuple[str, str]]:
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.seq))
    return [(row.actor, row.object) for row in rows]


# Sign-in


def test_right_password_opens_the_staff_pages_with_a_fresh_session(lin: Staff, phone: Browser) -> None:
    with phone.session_transaction() as session:
        session["left by a visitor"] = "x"

    done = enter(phone)

    assert (done.status_code, done.location) == (303, "/staff/")
    with phone.session_transaction() as session:
        assert sorted(session) == ["_fresh", "_id", "_user_id", "seen", "since"]
        assert session["_user_id"].startswith(f"{lin.id}:1:")
    assert "林老师" in phone.get("/staff/account").text
    assert trail("staff.signed_in") == [(f"staff:{lin.id}", f"staff:{lin.id}")]


def test_fresh_installation_has_no_account_to_enter_with(app: Flask, at: Any, phone: Browser) -> None:
    guesses = [
        ("admin", "admin"),
        ("admin", ""),
        ("admin", "123456"),
        ("root", "root"),
        ("quizsvc", "quizsvc"),
    ]

    assert queries.everybody() == []
    assert [enter(phone, login, password).status_code for login, password in guesses] == [400] * 5


def test_cookie_is_for_this_host_and_scripts_cannot_read_it(lin: Staff, phone: Browser) -> None:
    cookie = enter(phone).headers["Set-Cookie"]

    assert [part.strip() for part in cookie.split(";")[1:]] == ["HttpOnly", "Path=/", "SameSite=Lax"]


def test_login_typed_by_a_chinese_keyboard_is_understood(lin: Staff, phone: Browser) -> None:
    assert enter(phone, " ＬＩＮ ").status_code == 303


@pytest.mark.parametrize(
    ("login", "password"), [("nobody", GOOD), ("lin", "wrong"), ("两 个 词", GOOD), ("lin", f"{GOOD} ")]
)
def test_answer_does_not_tell_whether_the_login_exists(
    lin: Staff, phone: Browser, login: str, password: str
) -> None:
    page = enter(phone, login, password)

    assert page.status_code == 400
    assert page.text.count(WRONG) == 2  # summary and field
    assert password not in page.text
    assert phone.get("/staff/account").status_code == 303


def test_pages_of_a_wrong_password_and_an_unknown_login_are_the_same(lin: Staff, phone: Browser) -> None:
    def body(login: str) -> str:
        page = enter(phone, login, "wrong").text
        return re.sub(r'name="csrf_token"[^>]*>', "", page).replace(f'value="{login}"', "")

    assert body("lin") == body("nix")


def test_page_of_the_sign_in_suits_password_managers(app: Flask, at: Any, phone: Browser) -> None:
    page = phone.get("/staff/sign-in").text

    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert 'data-shows="password"' in page
    assert page.count("<h1>") == 1
    assert "onpaste" not in page


def test_empty_form_names_both_fields(lin: Staff, phone: Browser) -> None:
    page = enter(phone, "", "")

    assert page.status_code == 400
    assert "<title>错误：登录" in page.text
    assert [text in page.text for text in ("登录名：请填写登录名。", "密码：请填写密码。")] == [True, True]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/staff/people?q=x", "/staff/people?q=x"),
        ("", "/staff/"),
        ("https://evil.example/", "/staff/"),
        ("//evil.example/staff/", "/staff/"),
        ("\\\\evil.example", "/staff/"),
        ("/\\evil.example", "/staff/"),
        ("javascript:alert(1)", "/staff/"),
        ("/c/7K3M9Q2", "/staff/"),
        ("staff/people", "/staff/"),
    ],
)
def test_only_own_pages_follow_the_sign_in(lin: Staff, phone: Browser, asked: str, given: str) -> None:
    done = enter(phone, next=asked)

    assert (done.status_code, done.location) == (303, given)


def test_stranger_is_sent_to_sign_in_and_back(lin: Staff, phone: Browser) -> None:
    sent = phone.get("/staff/account?x=1")
    done = enter(phone, next="/staff/account?x=1")

    assert (sent.status_code, sent.location) == (303, "/staff/sign-in?next=/staff/account?x%3D1")
    assert done.location == "/staff/account?x=1"


def test_account_without_any_grant_is_told_so_after_the_right_password(
    app: Flask, at: Any, phone: Browser
) -> None:
    staff = make.a_staff("free", "没有授权的人")
    staff.password_hash = queries.HASHER.hash(GOOD)
    make.saved(staff)

    assert WRONG in enter(phone, "free", "wrong").text
    page = enter(phone, "free")

    assert page.status_code == 409
    assert "没有管理任何单位" in page.text


def test_old_hash_is_renewed_at_the_sign_in(
    lin: Staff, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.password_hash = queries.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    make.saved(lin)

    assert enter(phone).status_code == 303
    assert not queries.credentials("lin").outdated


# Limits


def test_eleventh_try_of_a_login_waits_and_opens_again_by_itself(lin: Staff, phone: Browser, at: Any) -> None:
    pages = [enter(phone, password="wrong").status_code for _ in range(10)]
    stopped = enter(phone)
    other = enter(phone, "he", "wrong")
    at(NOON + timedelta(minutes=15))
    again = enter(phone)

    assert pages == [400] * 10
    assert stopped.status_code == 429
    assert "过 15 分钟再试" in stopped.text
    assert other.status_code == 400
    assert again.status_code == 303


def test_limit_of_a_login_does_not_depend_on_how_it_is_written(lin: Staff, phone: Browser) -> None:
    for login in ("lin", "LIN", " ｌｉｎ ", "Lin", "lIn") * 2:
        enter(phone, login, "wrong")

    assert enter(phone).status_code == 429


def test_school_behind_one_address_is_stopped_only_after_a_hundred_tries(
    lin: Staff, phone: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        queries.Credentials, "match", lambda found, password: found.staff_id and password == GOOD
    )
    fields = {"password": "wrong", "csrf_token": token(phone)}

    pages = [phone.post("/staff/sign-in", data={"login": f"t{n}", **fields}).status_code for n in range(101)]
    elsewhere = phone.post(
        "/staff/sign-in",
        data={**fields, "login": "lin", "password": GOOD},
        environ_base={"REMOTE_ADDR": "192.0.2.9"},
    )

    assert pages == [400] * 100 + [429]
    assert elsewhere.status_code == 303


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("a socket", "a socket", True),
    ],
)
def test_address_is_kept_as_a_keyed_hash_of_its_network(app: Flask, one: str, two: str, same: bool) -> None:
    def keyed(address: str) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return views._keyed_address()

    assert (keyed(one) == keyed(two)) is same
    assert re.fullmatch(r"[0-9a-f]{32}", keyed(one))


def test_tries_are_audited_without_what_was_typed(lin: Staff, phone: Browser) -> None:
    enter(phone, "nobody.here", "secret-one")
    for _ in range(10):
        enter(phone, password="secret-two")
    for _ in range(5):
        enter(phone, password=GOOD)

    rows = db.session.scalars(select(AuditEntry)).all()
    written = json.dumps([[row.actor, row.object, row.detail] for row in rows], ensure_ascii=False)
    assert (
        trail("staff.sign_in_refused")
        == [("visitor", "staff:unknown")] + [("visitor", f"staff:{lin.id}")] * 10
    )
    assert trail("staff.sign_in_stopped") == [("visitor", "staff")]  # a flood is noted once
    assert [text for text in ("nobody.here", "secret", GOOD, "127.0.0.1") if text in written] == []


# How long a sign-in lasts


@pytest.mark.parametrize(
    ("steps_min", "status"),
    [([29], 200), ([30], 303), ([29] * 24, 200), ([29] * 24 + [24], 303), ([20, 29, 29], 200)],
    ids=["29 min idle", "30 min idle", "11.6 h in use", "12 h in use", "seen again and again"],
)
def test_sign_in_ends_after_half_an_hour_idle_or_twelve_hours(
    lin: Staff, phone: Browser, at: Any, steps_min: list[int], status: int
) -> None:
    enter(phone)
    minutes = 0
    for step in steps_min:
        minutes += step
        at(NOON + timedelta(minutes=minutes))
        page = phone.get("/staff/account")

    assert page.status_code == status


def test_sign_out_ends_this_device_only(lin: Staff, app: Flask) -> None:
    here, there = signed_in(app, lin), signed_in(app, lin)

    done = post(here, "/staff/sign-out")

    assert (done.status_code, done.location) == (303, "/staff/sign-in")
    assert "已退出" in here.get("/staff/sign-in").text
    assert here.get("/staff/account").status_code == 303
    assert there.get("/staff/account").status_code == 200


def test_every_page_offers_to_sign_out(lin: Staff, app: Flask) -> None:
    browser = signed_in(app, lin)

    offered = re.search(
        r'<form class="out" method="post" action="(.*?)">.*?value="(.*?)"', browser.get("/staff/account").text
    )

    assert offered is not None
    assert offered[1] == "/staff/sign-out"
    assert browser.post(offered[1], data={"csrf_token": offered[2]}).location == "/staff/sign-in"
    assert 'class="out"' not in browser.get("/staff/sign-in").text


def test_sign_out_everywhere_ends_all_devices(lin: Staff, app: Flask) -> None:
    here, there = signed_in(app, lin), signed_in(app, lin)

    assert post(here, "/staff/account/sign-out-everywhere").status_code == 303
    assert [browser.get("/staff/account").status_code for browser in (here, there)] == [303, 303]


def test_new_password_ends_the_other_sign_ins_and_keeps_this_one(lin: Staff, app: Flask) -> None:
    here, there = signed_in(app, lin), signed_in(app, lin)

    done = post(here, "/staff/account", current=GOOD, password=BETTER, repeated=BETTER)

    assert (done.status_code, done.location) == (303, "/staff/account")
    assert here.get("/staff/account").status_code == 200
    assert there.get("/staff/account").status_code == 303
    assert queries.credentials("lin").match(BETTER)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "请填写现在的密码"),
        ({"current": "wrong", "password": BETTER, "repeated": BETTER}, "现在的密码不对"),
        ({"current": GOOD, "password": BETTER, "repeated": "other"}, "两次填的不一样"),
        ({"current": GOOD, "password": "short", "repeated": "short"}, "至少要 10 个字符"),
        ({"current": GOOD, "password": "lin-lin-lin", "repeated": "lin-lin-lin"}, "太容易被猜到"),
    ],
)
def test_password_stays_when_the_form_has_a_fault(
    lin: Staff, app: Flask, fields: dict[str, str], sentence: str
) -> None:
    page = post(signed_in(app, lin), "/staff/account", **fields)

    assert page.status_code == 400
    assert sentence in page.text
    assert queries.credentials("lin").match(GOOD)
    assert queries.credentials("lin").epoch == 1


def test_present_password_cannot_be_guessed_without_end(lin: Staff, app: Flask) -> None:
    browser = signed_in(app, lin)
    fields = {"current": "wrong", "password": BETTER, "repeated": BETTER}

    pages = [post(browser, "/staff/account", **fields).status_code for _ in range(11)]

    assert pages == [400] * 10 + [429]


def test_change_of_role_is_felt_at_the_next_request(school: dict[str, Any], app: Flask) -> None:
    he = signed_in(app, school["he"])
    grant = db.session.scalars(select(RoleGrant).where(RoleGrant.staff_id == school["he"].id)).one()

    before = he.get("/staff/people").status_code
    operations.grant(
        staff_id=school["he"].id, role=Role.AUDITOR, unit_id=school["there"].id, at=NOON, actor=CLI
    )
    operations.revoke(grant_id=grant.id, at=NOON, actor=CLI)

    assert (before, he.get("/staff/people").status_code) == (200, 404)
    operations.end(staff_id=school["he"].id, at=NOON, actor=CLI)
    assert he.get("/staff/account").status_code == 303


# The second step: setting it up and doing without it (signing in with it: tests/security/test_two_step.py)


def codes_on(page: Any) -> list[str]:
    return re.findall(r"<li>((?:[0-9A-Z]{4} ){2}[0-9A-Z]{4})</li>", page.text)


def secret_on(page: Any) -> bytes:
    return base64.b32decode(re.search(r'id="secret"[^>]*value="([A-Z2-7]{32})"', page.text)[1])


def test_second_step_is_on_after_one_code_and_gives_eight_codes_to_print(lin: Staff, app: Flask) -> None:
    here, there = signed_in(app, lin), signed_in(app, lin)
    page = here.get("/staff/account/two-step")
    secret = secret_on(page)

    shown = post(here, "/staff/account/two-step", code=second_step.code(NOON, secret=secret), current=GOOD)

    assert (shown.status_code, len(set(codes_on(shown)))) == (200, 8)
    assert here.get("/staff/account").status_code == 200
    assert there.get("/staff/account").status_code == 303
    assert "已打开" in here.get("/staff/account").text
    assert "恢复码还剩 8 个" in here.get("/staff/account/two-step").text
    waiting = queries.second_step(lin.id, 2)
    key_file = app.config["SETTINGS"].key_file
    assert waiting.fitting(codes_on(shown)[3].lower(), key_file=key_file, at=NOON).recovery_id is not None
    assert waiting.fitting(second_step.code(NOON, secret=secret), key_file=key_file, at=NOON) is None
    assert trail("staff.two_step_on") == [(f"staff:{lin.id}", f"staff:{lin.id}")]


def test_page_hands_the_secret_over_in_three_ways(lin: Staff, app: Flask) -> None:
    page = signed_in(app, lin).get("/staff/account/two-step").text
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7]{32})"', page)[1]
    address = unescape(re.search(r'href="(otpauth://[^"]+)"', page)[1])

    assert address == onetime.app_address(base64.b32decode(secret), "lin", "反诈知晓")
    assert " ".join(secret[start : start + 4] for start in range(0, 32, 4)) in page
    assert 'aria-label="两步登录的二维码"' in page
    assert re.search(r'<path d="([^"]+)"/></svg>', page)[1] in qr.svg(address)


def test_page_loaded_again_shows_the_same_secret_to_this_browser_only(lin: Staff, app: Flask) -> None:
    here, there = signed_in(app, lin), signed_in(app, lin)

    first, again, other = (
        secret_on(browser.get("/staff/account/two-step")) for browser in (here, here, there)
    )

    assert first == again != other


@pytest.mark.parametrize(("typed", "sentence"), [("", "请填写现在的密码"), (BETTER, "现在的密码不对")])
def test_second_step_stays_off_without_the_password(
    lin: Staff, app: Flask, typed: str, sentence: str
) -> None:
    browser = signed_in(app, lin)
    secret = secret_on(browser.get("/staff/account/two-step"))

    page = post(browser, "/staff/account/two-step", code=second_step.code(NOON, secret=secret), current=typed)

    assert (page.status_code, sentence in page.text) == (400, True)
    assert not queries.person(lin.id).two_step


@pytest.mark.parametrize(("typed", "sentence"), [("", "请填写验证码"), ("000000", "验证码不对")])
def test_second_step_stays_off_without_a_fitting_code(
    lin: Staff, app: Flask, typed: str, sentence: str
) -> None:
    browser = signed_in(app, lin)

    page = post(browser, "/staff/account/two-step", code=typed, current=GOOD)

    assert (page.status_code, sentence in page.text) == (400, True)
    assert not queries.person(lin.id).two_step
    assert queries.recovery_codes_left(lin.id) == 0


@pytest.mark.parametrize("address", ["/staff/account/two-step/off", "/staff/account/two-step/codes"])
@pytest.mark.parametrize("current", ["", "wrong"])
def test_second_step_is_not_touched_without_the_password(
    lin: Staff, app: Flask, address: str, current: str
) -> None:
    second_step.printed(second_step.turned_on(app, lin), "7K3M9Q2X4V5W", NOON)

    page = post(signed_in(app, lin), address, current=current)

    assert page.status_code == 400
    assert queries.person(lin.id).two_step
    assert queries.recovery_codes_left(lin.id) == 1


def test_recovery_codes_made_anew_end_the_old_ones(lin: Staff, app: Flask) -> None:
    second_step.printed(second_step.turned_on(app, lin), "7K3M9Q2X4V5W", NOON)

    shown = post(signed_in(app, lin), "/staff/account/two-step/codes", current=GOOD)

    waiting, key_file = queries.second_step(lin.id, 1), app.config["SETTINGS"].key_file
    assert (shown.status_code, len(codes_on(shown))) == (200, 8)
    assert waiting.fitting("7K3M9Q2X4V5W", key_file=key_file, at=NOON) is None
    assert queries.recovery_codes_left(lin.id) == 8


def test_second_step_goes_with_the_password_and_nothing_of_it_is_left(lin: Staff, app: Flask) -> None:
    second_step.printed(second_step.turned_on(app, lin), "7K3M9Q2X4V5W", NOON)
    here, there = signed_in(app, lin), signed_in(app, lin)

    done = post(here, "/staff/account/two-step/off", current=GOOD)

    row = db.session.get(Staff, lin.id, populate_existing=True)
    assert (done.status_code, done.location) == (303, "/staff/account")
    assert (row.totp_secret, row.totp_step, queries.recovery_codes_left(lin.id)) == (None, None, 0)
    assert [browser.get("/staff/account").status_code for browser in (here, there)] == [200, 303]


@pytest.mark.parametrize(
    ("who", "whom", "status"), [("root", "lin", 303), ("bureau", "lin", 404), ("root", "root", 409)]
)
def test_sysadmin_takes_the_second_step_off_somebody_else(
    school: dict[str, Any], app: Flask, who: str, whom: str, status: int
) -> None:
    second_step.turned_on(app, school[whom])
    browser = signed_in(app, school[who])

    offered = "重设两步登录" in browser.get(f"/staff/people/{school[whom].id}").text
    done = post(browser, f"/staff/people/{school[whom].id}/two-step-off")

    assert done.status_code == status
    assert offered is (status == 303)
    assert queries.person(school[whom].id).two_step is (status != 303)
    taken = [(f"staff:{school[who].id}", f"staff:{school[whom].id}")]
    assert trail("staff.two_step_off") == (taken if status == 303 else [])


def test_people_shows_the_day_of_the_last_sign_in(school: dict[str, Any], app: Flask) -> None:
    school["lin"].signed_in_at = NOON - timedelta(days=40)
    make.saved(school["lin"])
    browser = signed_in(app, school["he"])

    listed, page = browser.get("/staff/people").text, browser.get(f"/staff/people/{school['lin'].id}").text

    assert listed.count("2026-11-02") == 1
    assert "从未" in listed
    assert "<dd>2026-11-02</dd>" in page


def test_forged_cookie_is_nobody(lin: Staff, phone: Browser) -> None:
    phone.set_cookie("quizsvc", "eyJfdXNlcl9pZCI6IjE6MSJ9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")

    assert phone.get("/staff/account").status_code == 303


def test_pupils_pages_never_look_at_the_sign_in(lin: Staff, app: Flask, watch: Watch) -> None:
    with watch.counting() as seen:
        signed_in(app, lin).get("/healthz")

    assert seen == []


# The invitation


@pytest.fixture
def link(school: dict[str, Any]) -> str:
    issued = operations.invite(
        login="wang", name="王老师", role=Role.CLASS_TEACHER, unit_id=school["four"].id, at=NOON, actor=CLI
    )
    return issued.path


def test_address_of_the_link_is_the_page(app: Flask, link: str) -> None:
    with app.test_request_context():
        assert app.url_for("staff.accept", token=link.rpartition("/")[2]) == link


def test_looking_at_the_link_does_not_use_it_up(link: str, phone: Browser) -> None:
    pages = [phone.get(link) for _ in range(3)]
    head = phone.head(link)

    assert [page.status_code for page in (*pages, head)] == [200] * 4
    assert "王老师，你好" in pages[2].text
    assert pages[2].headers["Cache-Control"] == "no-store"
    assert db.session.scalars(select(Invitation.used_at)).one() is None


def test_posted_password_signs_in_and_uses_the_link_up(link: str, phone: Browser) -> None:
    with phone.session_transaction() as session:
        session["left by a visitor"] = "x"

    done = phone.post(link, data={"csrf_token": token(phone), "password": GOOD, "repeated": GOOD})
    again = phone.get(link)

    assert (done.status_code, done.location) == (303, "/staff/")
    assert "王老师" in phone.get("/staff/account").text
    with phone.session_transaction() as session:
        assert "left by a visitor" not in session
    assert (again.status_code, "已经用过了" in again.text) == (410, True)


@pytest.mark.parametrize(
    ("password", "repeated"), [("", ""), (GOOD, BETTER), ("1234567890", "1234567890"), ("x" * 201, "x" * 201)]
)
def test_faulty_password_keeps_the_link(link: str, phone: Browser, password: str, repeated: str) -> None:
    page = phone.post(link, data={"csrf_token": token(phone), "password": password, "repeated": repeated})

    assert page.status_code == 400
    assert "<title>错误：设置密码" in page.text
    assert phone.get(link).status_code == 200


def test_expired_and_unknown_links_say_so(link: str, phone: Browser, at: Any) -> None:
    at(NOON + timedelta(days=7))

    expired, unknown = phone.get(link), phone.get("/staff/accept/" + "x" * 43)

    assert (expired.status_code, "已经失效" in expired.text) == (410, True)
    assert (unknown.status_code, "不完整或者不存在" in unknown.text) == (404, True)


# People


def people(page: Any) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/staff/people/\d+">([^<]+)</a>', page.text)


@pytest.mark.parametrize(
    ("who", "listed"),
    [
        ("root", ["管理员", "教育局", "两校老师", "梅老师", "何主任", "林老师"]),
        ("bureau", ["教育局", "两校老师", "梅老师", "何主任", "林老师"]),
        ("he", ["何主任", "林老师", "两校老师"]),
    ],
)
def test_list_is_limited_to_the_own_subtree(
    school: dict[str, Any], app: Flask, who: str, listed: list[str]
) -> None:
    assert people(signed_in(app, school[who]).get("/staff/people")) == listed


def test_list_narrows_by_unit_and_words(school: dict[str, Any], app: Flask) -> None:
    browser = signed_in(app, school["bureau"])

    assert people(browser.get(f"/staff/people?unit={school['there'].id}")) == ["两校老师", "梅老师"]
    assert people(browser.get("/staff/people?q=林")) == ["林老师"]
    assert "没有找到" in browser.get("/staff/people?q=nothing").text


@pytest.mark.parametrize("unit", ["x", "-1", "99999999999999999999", "1.5", ""])
def test_odd_unit_is_read_as_none(school: dict[str, Any], app: Flask, unit: str) -> None:
    assert signed_in(app, school["he"]).get("/staff/people", query_string={"unit": unit}).status_code == 200


def test_list_takes_the_same_statements_for_one_and_for_thirty(
    school: dict[str, Any], app: Flask, watch: Watch
) -> None:
    browser = signed_in(app, school["he"])

    def statements() -> int:
        db.session.expire_all()
        with watch.counting() as seen:
            assert browser.get("/staff/people").status_code == 200
        return len(seen)

    few = statements()
    for number in range(30):
        make.a_staff(f"t{number}", "某老师", ("class_teacher", school["three"]))

    assert (few, statements()) == (5, 5)


def test_list_stops_at_two_hundred_and_says_so(
    school: dict[str, Any], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_PEOPLE", 2)

    page = signed_in(app, school["he"]).get("/staff/people")

    assert people(page) == ["何主任", "林老师"]
    assert "只列出前 2 人" in page.text


def roles(page: Any) -> list[str]:
    return re.findall(r'name="role" type="radio" value="(\w+)"', page.text)


READERS = ["auditor", "witness", "clerk"]


@pytest.mark.parametrize(
    ("who", "where", "offered"),
    [
        ("root", None, ["sysadmin"]),
        ("root", "here", ["organizer", "school_admin", "counselor", *READERS]),
        ("bureau", "county", ["organizer", "school_admin", "counselor", *READERS]),
        ("he", "here", ["school_admin", "counselor", *READERS]),
        ("he", "three", ["school_admin", "counselor", "class_teacher", "monitor", *READERS]),
    ],
)
def test_no_role_above_the_own_is_offered(
    school: dict[str, Any], app: Flask, who: str, where: str | None, offered: list[str]
) -> None:
    unit = school[where].id if where else ""

    page = signed_in(app, school[who]).get(f"/staff/people/invite?unit={unit}")

    assert roles(page) == offered
    assert ("请先在“人员”里点进那个班" in page.text) is (where in ("here", "county"))


def test_invitation_shows_the_link_once(school: dict[str, Any], app: Flask, phone: Browser) -> None:
    browser = signed_in(app, school["he"])
    address = f"/staff/people/invite?unit={school['four'].id}"

    page = post(browser, address, name="王老师", login="wang", role="class_teacher")
    link = re.search(r"http://fz\.test(/staff/accept/[\w-]{43})</textarea>", page.text)[1]
    again = post(browser, address, name="王老师", login="wang", role="class_teacher")

    assert page.status_code == 200
    assert phone.get(link).status_code == 200
    assert (again.status_code, "已经有人用了" in again.text) == (400, True)
    assert [held.path for held in queries.person_by_login("wang").grants] == ["yg/sy/704/"]


@pytest.mark.parametrize(
    ("who", "where", "role"),
    [
        ("he", "here", "organizer"),
        ("he", "here", "sysadmin"),
        ("he", "here", "class_teacher"),
        ("bureau", "county", "sysadmin"),
        ("root", None, "organizer"),
        ("he", "here", "king"),
        ("he", "here", ""),
    ],
)
@pytest.mark.parametrize("page", ["invite", "give"])
def test_forged_role_is_refused(
    school: dict[str, Any], app: Flask, page: str, who: str, where: str | None, role: str
) -> None:
    unit = school[where].id if where else ""
    before = db.session.scalars(select(RoleGrant.id)).all()

    done = post(
        signed_in(app, school[who]), f"/staff/people/{page}?unit={unit}", name="甲", login="mei", role=role
    )

    assert (done.status_code, "请选一个身份" in done.text) == (400, True)
    assert db.session.scalars(select(RoleGrant.id)).all() == before


@pytest.mark.parametrize("page", ["people", "people/invite", "people/give"])
@pytest.mark.parametrize("where", ["county", "there", "other"])
def test_units_outside_the_subtree_are_not_there(
    school: dict[str, Any], app: Flask, page: str, where: str
) -> None:
    assert signed_in(app, school["he"]).get(f"/staff/{page}?unit={school[where].id}").status_code == 404


def test_account_that_exists_gets_one_more_role(school: dict[str, Any], app: Flask) -> None:
    browser = signed_in(app, school["he"])
    address = f"/staff/people/give?unit={school['four'].id}"

    done = post(browser, address, login="LIN", role="class_teacher")
    again = post(browser, address, login="lin", role="class_teacher")
    unknown = post(browser, address, login="nobody", role="class_teacher")

    assert (done.status_code, done.location) == (303, f"/staff/people?unit={school['four'].id}")
    assert [held.path for held in queries.person_by_login("lin").grants] == ["yg/sy/703/", "yg/sy/704/"]
    assert (again.status_code, "已经是班主任" in again.text) == (400, True)
    assert (unknown.status_code, "没有找到这个账号" in unknown.text) == (400, True)


@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [
        ("root", "bureau", 200), ("root", "mei", 200),
        ("bureau", "bureau", 200), ("bureau", "mei", 200), ("bureau", "root", 404),
        ("he", "he", 200), ("he", "lin", 200), ("he", "both", 200),
        ("he", "bureau", 404), ("he", "mei", 404), ("he", "root", 404), ("lin", "lin", 404),
    ],
)  # fmt: skip
def test_person_is_there_for_who_manages_one_of_their_units(
    school: dict[str, Any], app: Flask, who: str, whom: str, status: int
) -> None:
    assert signed_in(app, school[who]).get(f"/staff/people/{school[whom].id}").status_code == status


def test_page_of_a_person_shows_no_unit_outside_the_subtree(school: dict[str, Any], app: Flask) -> None:
    page = signed_in(app, school["he"]).get(f"/staff/people/{school['both'].id}").text

    assert "七年级（4）班 · 班主任" in page
    assert "八年级（1）班" not in page
    assert "另有 1 个授权在别的单位" in page
    assert "/link" not in page


@pytest.mark.parametrize("step", ["link", "end"])
@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [("he", "both", 409), ("he", "he", 409), ("he", "bureau", 404), ("he", "mei", 404), ("lin", "he", 404)],
)
def test_whole_account_is_only_for_who_manages_all_of_it(
    school: dict[str, Any], app: Flask, step: str, who: str, whom: str, status: int
) -> None:
    before = queries.everybody(), db.session.scalars(select(Invitation.id)).all()

    done = post(signed_in(app, school[who]), f"/staff/people/{school[whom].id}/{step}")

    assert done.status_code == status
    assert (queries.everybody(), db.session.scalars(select(Invitation.id)).all()) == before


def test_organizer_with_a_class_in_my_school_is_not_in_my_hands(school: dict[str, Any], app: Flask) -> None:
    """A link to set the password would hand the school admin the county."""
    operations.grant(
        staff_id=school["bureau"].id, role=Role.CLASS_TEACHER, unit_id=school["four"].id, at=NOON, actor=CLI
    )

    assert post(signed_in(app, school["he"]), f"/staff/people/{school['bureau'].id}/link").status_code == 409
    assert db.session.scalars(select(Invitation.id)).all() == []


def test_fresh_link_for_a_teacher(school: dict[str, Any], app: Flask, phone: Browser) -> None:
    page = post(signed_in(app, school["he"]), f"/staff/people/{school['lin'].id}/link")

    link = re.search(r"http://fz\.test(/staff/accept/[\w-]{43})</textarea>", page.text)[1]
    assert "林老师，你好" in phone.get(link).text


def test_ended_account_leaves_the_list_and_its_browser(school: dict[str, Any], app: Flask) -> None:
    lin, he = signed_in(app, school["lin"]), signed_in(app, school["he"])

    done = post(he, f"/staff/people/{school['lin'].id}/end")

    assert (done.status_code, done.location) == (303, "/staff/people")
    assert people(he.get("/staff/people")) == ["何主任", "两校老师"]
    assert lin.get("/staff/account").status_code == 303


def grant_of(staff: Staff, unit: Any) -> int:
    return db.session.scalars(
        select(RoleGrant.id).where(RoleGrant.staff_id == staff.id, RoleGrant.unit_id == unit.id)
    ).one()


@pytest.mark.parametrize(
    ("who", "whom", "where", "status"),
    [
        ("he", "both", "four", 303), ("he", "both", "other", 404), ("he", "he", "here", 409),
        ("he", "mei", "other", 404), ("bureau", "he", "here", 303), ("root", "bureau", "county", 303),
    ],
)  # fmt: skip
def test_grant_is_taken_back_inside_the_own_subtree_only(
    school: dict[str, Any], app: Flask, who: str, whom: str, where: str, status: int
) -> None:
    grant_id = grant_of(school[whom], school[where])

    done = post(signed_in(app, school[who]), f"/staff/people/{school[whom].id}/grants/{grant_id}/revoke")

    held = [held.grant_id for held in queries.person(school[whom].id).grants]
    assert done.status_code == status
    assert (grant_id in held) is (status != 303)


def test_grant_above_the_own_role_stays(school: dict[str, Any], app: Flask) -> None:
    boss = make.a_staff("boss", "驻校领导", ("organizer", school["here"]))
    grant_id = grant_of(boss, school["here"])

    done = post(signed_in(app, school["he"]), f"/staff/people/{boss.id}/grants/{grant_id}/revoke")

    assert (done.status_code, "身份比你的高" in done.text) == (409, True)
    assert len(queries.person(boss.id).grants) == 1


def test_grant_of_another_person_cannot_be_named(school: dict[str, Any], app: Flask) -> None:
    grant_id = grant_of(school["lin"], school["three"])

    done = post(signed_in(app, school["he"]), f"/staff/people/{school['both'].id}/grants/{grant_id}/revoke")

    assert done.status_code == 404


# Navigation


def nav(page: Any) -> list[tuple[str, bool]]:
    block = re.search(r'<nav aria-label="主导航">(.*?)</nav>', page.text, re.S)[1]
    return [
        (unescape(label), bool(here))
        for here, label in re.findall(r"<a [^>]*?(aria-current=\"page\")?>([^<]+)</a>", block)
    ]


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        ("sysadmin", ["人员", "运行状况", "操作记录", "帮助"]),
        ("organizer", ["覆盖", "通报", "活动", "竞赛", "题库", "试卷", "人员", "帮助"]),
        ("school_admin", ["覆盖", "通报", "名册", "人员", "帮助"]),
        ("counselor", ["我的班级", "数据请求", "通报", "帮助"]),
        ("class_teacher", ["我的班级", "数据请求", "通报", "帮助"]),
        ("monitor", ["我的班级", "帮助"]),
        ("auditor", ["覆盖", "通报", "竞赛", "帮助"]),
        ("witness", ["竞赛", "帮助"]),
        ("clerk", ["竞赛", "帮助"]),
    ],
)
def test_navigation_of_a_role(school: dict[str, Any], app: Flask, role: str, labels: list[str]) -> None:
    person = make.a_staff("one", "某人", (role, None if role == "sysadmin" else school["three"]))

    assert [label for label, _ in nav(signed_in(app, person).get("/staff/account"))] == labels


@pytest.mark.parametrize("role", ["witness", "clerk"])
def test_who_only_helps_with_a_contest_begins_at_the_contests(
    school: dict[str, Any], app: Flask, role: str
) -> None:
    person = make.a_staff("one", "某人", (role, school["here"]))
    browser = signed_in(app, person)

    sent = browser.get("/staff/")
    assert (sent.status_code, sent.location) == (303, "/staff/contests")
    assert "还没有竞赛" in browser.get(sent.location).text


def test_who_teaches_and_leads_has_both_entries(school: dict[str, Any], app: Flask) -> None:
    person = make.a_staff("one", "某人", ("class_teacher", school["three"]), ("school_admin", school["here"]))

    labels = [label for label, _ in nav(signed_in(app, person).get("/staff/account"))]

    assert labels == ["我的班级", "数据请求", "覆盖", "通报", "名册", "人员", "帮助"]


def test_navigation_leads_only_where_one_may_go(school: dict[str, Any], app: Flask) -> None:
    for who in ("root", "bureau", "he", "lin"):
        browser = signed_in(app, school[who])
        page = browser.get("/staff/account")
        links = re.search(r'<nav aria-label="主导航">(.*?)</nav>', page.text, re.S)[1]
        for address in re.findall(r'href="([^"]+)"', links):
            assert browser.get(address).status_code in (200, 303), (who, address)


def test_navigation_marks_where_we_are(school: dict[str, Any], app: Flask) -> None:
    browser = signed_in(app, school["root"])

    assert ("人员", True) in nav(browser.get("/staff/people"))
    assert ("人员", True) in nav(browser.get(f"/staff/people/{school['lin'].id}"))
    assert ("人员", False) in nav(browser.get("/staff/account"))


def test_home_is_the_first_entry(school: dict[str, Any], app: Flask) -> None:
    assert signed_in(app, school["root"]).get("/staff/").location == "/staff/people"
    assert signed_in(app, school["lin"]).get("/staff/").location == "/staff/classes"
    assert signed_in(app, school["root"]).get("/staff").status_code == 308


def test_every_entry_of_the_navigation_is_a_page(app: Flask) -> None:
    assert [endpoint for _, endpoint, _ in views.NAVIGATION if endpoint not in app.view_functions] == []


def test_sign_in_page_of_somebody_signed_in_leads_home(school: dict[str, Any], app: Flask) -> None:
    done = signed_in(app, school["he"]).get("/staff/sign-in")

    assert (done.status_code, done.location) == (303, "/staff/")
