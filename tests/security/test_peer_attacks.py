"""How others fell: five published attacks on systems of our kind, each beside a small view that it does break.

R41. The attacks are those of scripts against such platforms: a score sent by the client, a user's number as the only
proof, one default password for all, the key inside the payload, a hand-in posted twice at once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient

from quizsvc.attempt.models import Attempt, Participant
from quizsvc.audit import CLI, AuditLeaf
from quizsvc.core.access import Role
from quizsvc.db import db
from quizsvc.roster.models import Enrolment
from quizsvc.staff import operations as staff
from quizsvc.staff.models import Staff
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.conftest import NOON
from tests.signing import post, signed_in, token

AT_ONCE = 8
BOASTS = {
    "score": "100", "testMark": "100", "mark": "100", "correct": "true", "passed": "1", "finish": "1",
    "doTime": "61", "duration": "61", "submitted_at": "2026-12-01T00:00:00Z", "userId": "1", "ordinal": "1",
}  # fmt: skip
DEFAULTS = ("123456", "000000", "admin", "Abc123456", "password")
TELLING = re.compile(
    r"""["'\s](correct\w*|is_?right|right_?answer|answer_?key|analy[sz]e\w*|explanation)["']?\s*[:=]""", re.I
)


@pytest.fixture
def toy() -> Flask:
    """A service of the kind that falls; each test adds its one view."""
    return Flask("toy")


@pytest.fixture
def classroom(app: Flask, at: Any) -> Classroom:
    return a_classroom()


def parallel(work: Callable[[int], Any], times: int = AT_ONCE) -> list[Any]:
    """Do the same work in as many threads, all let go at once."""
    gate = Barrier(times, timeout=20)

    def one(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


# 1: the client says how well it did


def score_after_boasting(client: FlaskClient, path: str, answers: Mapping[str, Any]) -> int:
    """Hand in nothing right and claim everything: in the form, in the address, as JSON."""
    client.post(f"{path}/submit", query_string=BOASTS, data={**answers, **BOASTS})
    client.post(f"{path}/submit", json={**BOASTS, **answers})
    page = client.get(f"{path}/result", query_string=BOASTS).get_data(as_text=True)
    return int(re.search(r'<b class="n">(\d+)</b><br><span class="xs">分', page)[1])


def test_score_from_the_client_is_not_believed(classroom: Classroom, phone: FlaskClient) -> None:
    pupil = Pupil(phone)
    pupil.start()
    wrong = pupil.fields(pupil.tokens(right=lambda position: False))

    assert score_after_boasting(phone, f"/a/{pupil.attempt_id}", wrong) == 0
    assert (pupil.sheet.score, pupil.sheet.submitted_at) == (0, NOON)


def test_score_from_the_client_is_believed_by_a_system_that_falls(toy: Flask) -> None:
    kept = {}

    @toy.post("/a/1/submit")
    def submit() -> str:
        kept.update(request.form)
        return ""

    @toy.get("/a/1/result")
    def result() -> str:
        return f'<b class="n">{kept["score"]}</b><br><span class="xs">分</span>'

    assert score_after_boasting(toy.test_client(), "/a/1", {"q1": "wrong"}) == 100


# 2: a user's number is the only proof


def opened_by_a_number(client: FlaskClient, addresses: Iterable[str], numbers: Iterable[int]) -> list[str]:
    """Ask for everything under every number: in the path, in the query, as a field, as a cookie."""
    opened = []
    for number in numbers:
        names = {name: str(number) for name in ("userId", "user_id", "id", "enrolment_id", "seat", "stuNo")}
        for name, value in names.items():
            client.set_cookie(name, value)
        for address in addresses:
            path = address.format(number)
            got = client.get(path, query_string=names)
            sent = client.post(path.removesuffix("/result") + "/submit", data={**names, **BOASTS})
            opened += [f"{one.request.method} {path}" for one in (got, sent) if one.status_code < 400]
    return opened


def test_no_number_opens_what_somebody_did(classroom: Classroom, phone: FlaskClient, app: Flask) -> None:
    Pupil(phone).start()
    done = make.an_attempt(classroom.round, classroom.unit, 2)
    rows = (Participant.id, Enrolment.id, Enrolment.seat, Enrolment.person_id)
    numbers = {number for column in rows for (number,) in db.session.query(column) if number is not None}
    addresses = ["/a/{}", "/a/{}/result", "/a/{}/proof", "/a/{}/practice", "/r/{}", "/r/{}.png"]

    assert opened_by_a_number(app.test_client(), addresses, sorted(numbers | set(range(12)))) == []
    stranger = app.test_client()
    known = [stranger.get(f"/a/{done.id}{part}") for part in ("", "/result", "/proof", "/check", "/practice")]
    assert {answer.status_code for answer in known} == {403}  # not even the attempt's own name is a proof
    assert "分" not in "".join(answer.text for answer in known)


def test_a_number_opens_everything_in_a_system_that_falls(toy: Flask) -> None:
    @toy.get("/certificate")
    def certificate() -> tuple[str, int]:
        return ("done", 200) if request.args["userId"] == "7" else ("", 404)

    assert opened_by_a_number(toy.test_client(), ["/certificate"], range(9)) == ["GET /certificate"]


# 3: one password for everybody


def entered_by_default(sign_in: Callable[[str, str], bool], logins: Iterable[str]) -> list[tuple[str, str]]:
    """Try at each login what such systems hand out; five tries stay below any limit."""
    return [(login, word) for login in logins for word in (*DEFAULTS[:4], login) if sign_in(login, word)]


def test_no_account_ever_has_a_default_password(classroom: Classroom, app: Flask) -> None:
    for login in ("lin", "wang"):
        issued = staff.invite(
            login=login, name="老师", role=Role.CLASS_TEACHER, unit_id=classroom.unit.id, at=NOON, actor=CLI
        )
    staff.issue_link(staff_id=issued.staff_id, at=NOON, actor=CLI)  # what a forgotten password leads to
    visitor = app.test_client()
    form = {"csrf_token": token(visitor)}

    def sign_in(login: str, word: str) -> bool:
        fields = {**form, "login": login, "password": word}
        return visitor.post("/staff/sign-in", data=fields).status_code == 303

    assert [row.password_hash for row in db.session.query(Staff)] == [None, None]
    assert entered_by_default(sign_in, ["lin", "wang"]) == []


def test_what_a_teacher_may_do_sets_nobodys_secret(classroom: Classroom, app: Flask) -> None:
    """A class teacher's sign-in that resets all pupils to one password finished whole classes elsewhere."""
    pupil = Pupil(app.test_client())
    pupil.start()
    before = db.session.query(Attempt.device_hash, Attempt.resume).one()
    teacher = signed_in(app, make.a_staff("lin", "林老师", ("class_teacher", classroom.unit)))
    seat = f"/staff/rounds/{classroom.round.id}/classes/{classroom.unit.id}/seats/1"
    secrets = {"password": "123456", "resume": "00000000", "device": "d" * 22, "device_hash": "d" * 64}
    doors = [
        rule
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and rule.endpoint.startswith("seat.")
    ]

    post(teacher, f"{seat}/extend", minutes="5", **secrets)

    assert db.session.query(Attempt.device_hash, Attempt.resume).one() == before
    assert {door.endpoint for door in doors} >= {"seat.transfer", "seat.extend", "seat.release"}
    assert [door.rule for door in doors if re.search("password|secret|reset|login", door.rule)] == []
    assert teacher.get(f"/a/{pupil.attempt_id}").status_code == 403  # a sign-in is no pupil's phone


def test_a_default_password_opens_every_account_of_a_system_that_falls(toy: Flask) -> None:
    @toy.post("/login")
    def login() -> tuple[str, int]:
        return ("", 200) if request.form["password"] == "123456" else ("", 401)

    client = toy.test_client()

    def sign_in(login: str, word: str) -> bool:
        return client.post("/login", data={"login": login, "password": word}).status_code == 200

    assert entered_by_default(sign_in, ["lin", "wang"]) == [("lin", "123456"), ("wang", "123456")]


# 4: the key is inside what is sent


def telling(client: FlaskClient, addresses: Iterable[str]) -> list[str]:
    """List the pages whose source names what is right."""
    return [address for address in addresses if TELLING.search(client.get(address).get_data(as_text=True))]


def test_no_page_of_an_open_attempt_names_what_is_right(classroom: Classroom, phone: FlaskClient) -> None:
    pupil = Pupil(phone)
    pupil.start()
    path = f"/a/{pupil.attempt_id}"
    scripts = re.findall(r'src="(/static/[^"]+)"', phone.get(path).text)

    assert telling(phone, [f"/c/{CODE}", path, f"{path}/check", f"{path}/result", *scripts]) == []
    assert scripts


@pytest.mark.parametrize(
    "payload",
    ['{"items":[{"correct":"B"}]}', '<li data-answer-key="B">', "<b correctArray=[1]>", " analyze: x"],
)
def test_the_key_is_found_in_the_payload_of_a_system_that_falls(toy: Flask, payload: str) -> None:
    toy.add_url_rule("/paper", view_func=lambda: payload.replace("data-answer-key", "data answer_key"))

    assert telling(toy.test_client(), ["/paper"]) == ["/paper"]


# 5: handed in twice at once


def accepted_at_once(clients: list[FlaskClient], path: str, fields: Mapping[str, Any]) -> list[str]:
    """Post the same hand-in from every client at the same moment; list where each was sent."""
    answers = parallel(lambda number: clients[number].post(path, data=fields), len(clients))
    return [answer.headers["Location"] for answer in answers if answer.status_code == 303]


def unwatched(app: Flask, phone: FlaskClient) -> Iterator[FlaskClient]:
    """The same phone again and again, without the watch over SQL, which is made for one thread."""
    secret = phone.get_cookie("phone").value
    while True:
        client = FlaskClient(app, app.response_class, use_cookies=True)
        client.set_cookie("phone", secret)
        yield client


def test_twins_of_one_hand_in_are_one_submission(
    classroom: Classroom, phone: FlaskClient, app: Flask
) -> None:
    pupil = Pupil(phone)
    pupil.start()
    fields = pupil.fields(pupil.tokens())
    same = unwatched(app, phone)
    db.session.rollback()

    sent = accepted_at_once([next(same) for _ in range(AT_ONCE)], f"/a/{pupil.attempt_id}/submit", fields)

    assert sent == [f"/a/{pupil.attempt_id}/result"] * AT_ONCE
    assert (db.session.query(Attempt).count(), db.session.query(AuditLeaf).count()) == (1, 1)
    assert pupil.sheet.score == 30


def test_twins_of_one_hand_in_count_twice_in_a_system_that_falls(toy: Flask) -> None:
    counted: list[str] = []
    meanwhile, lock = Barrier(2, timeout=20), Lock()

    @toy.post("/submit")
    def submit() -> Any:
        seat = request.form["seat"]
        if seat not in counted:
            meanwhile.wait()  # both have looked before either writes
            with lock:
                counted.append(seat)
        return redirect("/result", 303)

    accepted_at_once([toy.test_client(), toy.test_client()], "/submit", {"seat": "1"})

    assert counted == ["1", "1"]
