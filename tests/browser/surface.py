"""Every page a student can meet, each with the way there; the accessibility tests walk this list."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from quizsvc.db import db
from quizsvc.paper.models import Paper
from tests import make
from tests.browser.conftest import Phone, Server

Way = Callable[[Phone, Server], None]


def front(phone: Phone, server: Server) -> None:
    phone.visit("/")


def landing(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(45).address)


def landing_going_on(phone: Phone, server: Server) -> None:
    room = server.opened()
    room.started(3)
    room.submitted(seat=4)
    phone.own()
    phone.page.goto(room.address)


def landing_before(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(opens_at=datetime.now(UTC) + timedelta(days=1)).address)


def landing_closed(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(closes_at=datetime.now(UTC) - timedelta(days=1)).address)


def landing_without_seats(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(0).address)


def landing_test(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(campaign=server.test_campaign()).address)


def who(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened().address)
    phone.follow("button[value='27']")


def who_roster(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(identity="roster", limit_s=1200).address)
    phone.follow("button[value='27']")


def taken(phone: Phone, server: Server) -> None:
    room = server.opened()
    room.started(27, device="another-phone")
    phone.page.goto(room.address)
    phone.follow("button[value='27']")
    phone.follow("text=是我，开始答题")


def mistyped(phone: Phone, server: Server) -> None:
    taken(phone, server)
    phone.page.fill("#resume", "0000-0000")
    phone.follow("text=在这台手机上接着做")


def about(phone: Phone, server: Server) -> None:
    phone.page.goto(server.opened(identity="roster").address + "/about")


def at_question(number: int) -> Way:
    def go(phone: Phone, server: Server) -> None:
        attempt_id = server.opened(limit_s=1200).started()
        phone.own()
        phone.visit(f"/a/{attempt_id}#q{number}")
        phone.tap()

    return go


def question(kind: str) -> Way:
    """The first question of a kind, answered."""

    def go(phone: Phone, server: Server) -> None:
        attempt_id = server.opened().started()
        phone.own()
        phone.visit(f"/a/{attempt_id}#q{server.position_of(attempt_id, kind)}")
        phone.tap()

    return go


def check(phone: Phone, server: Server) -> None:
    attempt_id = server.opened().started()
    phone.own()
    for position in (1, 2, 4):
        phone.visit(f"/a/{attempt_id}#q{position}")
        phone.tap()
    phone.page.click("#flag")
    phone.visit(f"/a/{attempt_id}#check")


def long_form(phone: Phone, server: Server) -> None:
    phone.context.route("**/quiz.*.js", lambda route: route.abort())
    attempt_id = server.opened(limit_s=1200).started()
    phone.own()
    phone.visit(f"/a/{attempt_id}")
    phone.page.locator("#q1 .opt").first.click()
    phone.page.locator("#q2 .opt").first.click()


def long_check(phone: Phone, server: Server) -> None:
    long_form(phone, server)
    phone.follow("button[value='check']")


def result(right: Callable[[int], bool], query: str = "", **changes: object) -> Way:
    def go(phone: Phone, server: Server) -> None:
        attempt_id = server.opened(**changes).submitted(right=right)
        phone.own()
        phone.visit(f"/a/{attempt_id}/result{query}")

    return go


def voided(phone: Phone, server: Server) -> None:
    room = server.opened()
    attempt_id = room.submitted(right=lambda position: False)
    room.void(attempt_id)
    phone.own()
    phone.visit(f"/a/{attempt_id}/result")


def practice(phone: Phone, server: Server) -> None:
    attempt_id = server.opened().submitted(right=lambda position: position > 2)
    phone.own()
    phone.visit(f"/a/{attempt_id}/practice")


def practice_answered(right: bool) -> Way:
    """Answer the first practice item, which is one with a single choice."""

    def go(phone: Phone, server: Server) -> None:
        room = server.opened(paper="single")
        attempt_id = room.submitted(right=lambda position: False)
        phone.own()
        phone.visit(f"/a/{attempt_id}/practice")
        token = room.practice_token(attempt_id, right)
        phone.page.click(f".opt:has(input[value='{token}'])")
        phone.follow("text=看看对不对")

    return go


def practised(phone: Phone, server: Server) -> None:
    attempt_id = server.opened().submitted(right=lambda position: position > 2)
    phone.own()
    phone.visit(f"/a/{attempt_id}/practice?step=900")


def proof(phone: Phone, server: Server) -> None:
    attempt_id = server.opened().submitted()
    phone.own()
    phone.visit(f"/a/{attempt_id}/proof")


def receipt(phone: Phone, server: Server) -> None:
    attempt_id = server.opened().submitted(right=lambda position: False)
    phone.visit(f"/r/{server.sheet(attempt_id).receipt}")


def refused(phone: Phone, server: Server) -> None:
    phone.visit("/c/7K3M9Q0")


def moved(phone: Phone, server: Server) -> None:
    phone.visit(f"/a/{server.opened().started(device='another-phone')}")


def contest_rules(phone: Phone, server: Server) -> None:
    now = datetime.now(UTC)
    with server.app.app_context():
        contest = make.a_contest(
            server.school,
            paper=db.session.get(Paper, server.papers["mixed"]),
            opens_at=now - timedelta(days=2),
        )
        make.announce(contest.round, at=now, contact="换了一个电话")
        code = contest.round.code
    phone.visit(f"/k/{code}")


def draw_page(drawn: bool, address: str = "") -> Way:
    """The public page of a draw, or a page below it."""

    def way(phone: Phone, server: Server) -> None:
        with server.app.app_context():
            paper = db.session.get(Paper, server.papers["mixed"])
            draw_id = make.a_draw(make.a_contest(server.school, paper=paper).round, drawn=drawn).id
        phone.visit(f"/d/{draw_id}{address}")

    return way


def sheet_page(kind: str, **changes: Any) -> Way:
    """The page behind the code of a receipt, a pledge, an adoption survey or an opinion survey."""

    def way(phone: Phone, server: Server) -> None:
        phone.page.goto(server.sheet_opened(kind, **changes).address)

    return way


def signed(phone: Phone, server: Server) -> None:
    sheet_page("receipt")(phone, server)
    phone.page.check("input[name='yes'][value='yes']", force=True)
    phone.page.fill("#seat", "27")
    phone.page.fill("#name", "王小明")
    phone.follow("text=签好，交回")


def signed_data(phone: Phone, server: Server) -> None:
    signed(phone, server)
    phone.follow("text=我的数据")


PAGES: dict[str, Way] = {
    "receipt-page": sheet_page("receipt"),
    "pledge-page": sheet_page("pledge"),
    "adoption-page": sheet_page("adoption"),
    "survey-page": sheet_page("survey"),
    "survey-nameless": sheet_page("survey", identity="anonymous"),
    "signed": signed,
    "signed-data": signed_data,
    "draw-waiting": draw_page(False),
    "draw-done": draw_page(True, "?entry=0000000000000000"),
    "draw-stage": draw_page(True, "/stage?step=2"),
    "contest-rules": contest_rules,
    "front": front,
    "landing": landing,
    "landing-going-on": landing_going_on,
    "landing-before": landing_before,
    "landing-closed": landing_closed,
    "landing-without-seats": landing_without_seats,
    "landing-test": landing_test,
    "who": who,
    "who-roster": who_roster,
    "taken": taken,
    "mistyped": mistyped,
    "about": about,
    "question-single": question("single_choice"),
    "question-multiple": question("multiple_choice"),
    "question-true-false": question("true_false"),
    "question-limited": at_question(4),
    "check": check,
    "long-form": long_form,
    "long-check": long_check,
    "result-all-right": result(lambda position: True),
    "result-some-wrong": result(lambda position: position > 2),
    "result-everything": result(lambda position: position % 2 == 0, "?all=1", identity="roster"),
    "result-score-only": result(lambda position: position > 2, review_after_submit=["score"]),
    "result-all": result(lambda position: True, "?all=1"),
    "voided": voided,
    "practice": practice,
    "practice-wrong": practice_answered(right=False),
    "practice-right": practice_answered(right=True),
    "practised": practised,
    "proof": proof,
    "receipt": receipt,
    "refused": refused,
    "moved": moved,
}
