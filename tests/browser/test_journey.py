"""A pupil's way on a real phone browser: answers, interruptions, handing in."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from quizsvc import audit
from quizsvc.attempt import operations
from quizsvc.attempt.models import Attempt
from quizsvc.campaign import queries as campaign
from quizsvc.db import db
from tests.browser.conftest import Phone, Room, Server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OFFLINE = ("net::ERR_INTERNET_DISCONNECTED",)
MINUTE = timedelta(minutes=1)
KEPT = "暂时连不上，答案在手机里，连上网自动上传"
NOT_YET = "还没交上，答案在手机里，连上网自动交卷"

# Notes every sentence of the save line that a screen reader would say.
LISTEN = """
window.spoken = [];
new MutationObserver(function () {
  var line = document.getElementById('save');
  if (line.getAttribute('aria-live') !== 'off') window.spoken.push(line.textContent);
}).observe(document.getElementById('save'), { childList: true, characterData: true, subtree: true });
"""

SHIFTS = """
new Promise(resolve => {
  new PerformanceObserver(list => resolve(list.getEntries().map(one => one.value)))
    .observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve([]), 100));
})
"""


def sitting(phone: Phone, room: Room) -> str:
    """Open the questions of an attempt that this phone has begun, with a clock that the test can turn."""
    attempt_id = room.started()
    phone.own()
    phone.page.clock.install(time=0)
    phone.visit(f"/a/{attempt_id}")
    return attempt_id


def save_line(page: Page, text: str) -> None:
    expect(page.locator("#save")).to_have_text(text)


def saved(phone: Phone, attempt_id: str) -> dict[int, tuple[str, ...]]:
    """What the server has, once the page has waited its second and says that it is saved."""
    phone.page.clock.fast_forward(1000)
    save_line(phone.page, "答案已保存")
    return {position: answer.chosen for position, answer in phone.server.sheet(attempt_id).answers.items()}


def expect_shown(page: Page, ids: list[str]) -> None:
    """Hold the screen to these questions; a click needs a moment to arrive."""
    visible = page.locator(".q:visible")
    expect(visible).to_have_count(len(ids))
    for place, one in enumerate(ids):
        expect(visible.nth(place)).to_have_id(one)


def chosen(page: Page) -> list[str]:
    return page.eval_on_selector_all("input:checked", "all => all.map(one => one.value)")


def answer_all(phone: Phone, positions: range | list[int] = range(1, 11)) -> None:
    for position in positions:
        phone.page.evaluate(f"location.hash = '#q{position}'")
        expect(phone.page.locator(f"#q{position}")).to_be_visible()
        phone.tap()


def to_check(page: Page) -> None:
    page.evaluate("location.hash = '#check'")
    expect(page.locator("#next")).to_have_text("交卷")


def hand_in(page: Page) -> None:
    """Tap 交卷, later than the second tap of a double tap."""
    to_check(page)
    page.clock.fast_forward(600)
    page.click("#next")


def result_of(page: Page) -> str:
    page.wait_for_url("**/result")
    return page.inner_text("main")


def test_pupil_scans_answers_and_learns(phone: Phone, server: Server) -> None:
    attempt_id = phone.begin(server.opened())
    page, titles = phone.page, []

    for position in range(1, 11):
        expect_shown(page, [f"q{position}"])
        expect(page.locator("#pos")).to_have_text(f"{position} / 10")
        if position > 1:
            expect(page.locator(f"#q{position} h2")).to_be_focused()
        titles.append(page.title())
        phone.tap()
        page.click("#next")
    expect_shown(page, ["check"])
    page.wait_for_function("since => performance.now() - since > 500", arg=page.evaluate("performance.now()"))
    page.click("#next")

    assert len(set(titles)) == 10
    assert "完成回执" in result_of(page)
    assert server.sheet(attempt_id).submitted_at is not None
    assert len(server.sheet(attempt_id).answers) == 10


def test_answers_given_offline_are_saved_when_back(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(OFFLINE)
    attempt_id = sitting(phone, server.opened())
    first = phone.tap()
    assert saved(phone, attempt_id) == {1: (first,)}

    phone.context.set_offline(True)
    save_line(phone.page, KEPT)
    phone.page.click("#next")
    second = phone.tap()
    phone.page.click("#next")
    third = phone.tap(1)
    save_line(phone.page, KEPT)
    assert len(server.sheet(attempt_id).answers) == 1
    phone.context.set_offline(False)

    assert saved(phone, attempt_id) == {1: (first,), 2: (second,), 3: (third,)}


def test_reload_keeps_answers_and_place(phone: Phone, server: Server) -> None:
    attempt_id = sitting(phone, server.opened())
    answer_all(phone, [1, 2])
    saved(phone, attempt_id)
    before = chosen(phone.page)

    phone.page.reload()

    assert chosen(phone.page) == before
    expect_shown(phone.page, ["q2"])


def test_page_killed_right_after_a_tap_loses_nothing(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(OFFLINE)
    attempt_id = sitting(phone, server.opened())
    phone.context.set_offline(True)  # so that not even the last breath of the page reaches the server
    token = phone.tap(1)
    phone.page.close()
    assert server.sheet(attempt_id).answers == {}
    phone.context.set_offline(False)

    phone.page = phone.tab()
    phone.visit(f"/a/{attempt_id}")

    assert chosen(phone.page) == [token]
    phone.page.clock.fast_forward(1000)
    for _ in range(150):  # the closed page's own request may still arrive; then there is nothing left to say
        if stored := {at: answer.chosen for at, answer in server.sheet(attempt_id).answers.items()}:
            break
        phone.page.wait_for_timeout(100)
    assert stored == {1: (token,)}


def test_back_and_forward_move_between_questions(phone: Phone, server: Server) -> None:
    sitting(phone, server.opened())
    page = phone.page
    page.click("#next")
    page.click("#next")
    expect_shown(page, ["q3"])

    for move, question in ((page.go_back, "q2"), (page.go_back, "q1"), (page.go_forward, "q2")):
        move()
        expect_shown(page, [question])

    expect(page.locator("#q2 h2")).to_be_focused()


def test_check_page_lists_blanks_and_leads_there_and_back(phone: Phone, server: Server) -> None:
    sitting(phone, server.opened())
    answer_all(phone, [1, 3, 4, 5, 6, 8, 9, 10])
    phone.page.click("#flag")
    to_check(phone.page)
    blanks = phone.page.locator("#blanks")

    expect(blanks).to_contain_text("还有 2 题没作答")
    assert re.findall(r"第 (\d+) 题：", blanks.inner_text()) == ["2", "7"]
    assert phone.page.locator("#sum .tag:visible").all_inner_texts() == ["没作答", "没作答", "已标记"]
    blanks.locator("a:visible").last.click()
    expect_shown(phone.page, ["q7"])
    phone.tap()
    phone.page.click("#next")
    expect_shown(phone.page, ["check"])
    expect(blanks).to_contain_text("还有 1 题没作答")


def test_handing_in_offline_waits_and_then_goes_by_itself(
    phones: Callable[..., Phone], server: Server
) -> None:
    phone = phones(OFFLINE)
    attempt_id = sitting(phone, server.opened())
    phone.context.set_offline(True)
    answer_all(phone)
    hand_in(phone.page)
    save_line(phone.page, NOT_YET)
    assert server.sheet(attempt_id).submitted_at is None

    phone.context.set_offline(False)

    assert "完成回执" in result_of(phone.page)
    assert len(server.sheet(attempt_id).answers) == 10


def test_back_from_the_result_does_not_reopen_the_questions(phone: Phone, server: Server) -> None:
    room = server.opened()
    attempt_id = room.started()
    phone.own()
    phone.page.clock.install(time=0)
    phone.page.goto(room.address)
    phone.page.click("text=接着做")
    for position in range(1, 10):
        expect(phone.page.locator("#pos")).to_have_text(f"{position} / 10")
        phone.page.click("#next")
    expect(phone.page.locator("#pos")).to_have_text("10 / 10")
    hand_in(phone.page)
    result_of(phone.page)

    phone.page.go_back()

    expect(phone.page).to_have_url(room.address)
    phone.page.go_forward()
    expect(phone.page).to_have_url(f"{server.url}/a/{attempt_id}/result")


def test_stale_tab_is_told_and_shows_the_newer_answer(phone: Phone, server: Server) -> None:
    attempt_id = sitting(phone, server.opened(paper="single"))
    old = phone.tab()
    old.goto(phone.page.url)
    newer = phone.tap(0)
    assert saved(phone, attempt_id) == {1: (newer,)}

    old.locator(".q.on .opt").nth(1).click()

    save_line(old, "另一处刚改过，已换成新的答案")
    assert chosen(old) == [newer]
    assert saved(phone, attempt_id) == {1: (newer,)}


def test_tab_of_an_attempt_that_is_finished_elsewhere_goes_to_the_result(
    phones: Callable[..., Phone], server: Server
) -> None:
    phone = phones(("409 (CONFLICT)",))
    room = server.opened()
    attempt_id = sitting(phone, room)
    room.hand_in(attempt_id, right=lambda position: True)

    phone.tap()

    assert "识破了 10 个骗局" in result_of(phone.page)


def test_seat_given_free_by_the_teacher_starts_again_without_a_hint(
    phones: Callable[..., Phone], server: Server
) -> None:
    phone = phones(("409 (CONFLICT)",))
    room = server.opened()
    attempt_id = sitting(phone, room)
    room.void(attempt_id)

    phone.tap()

    assert "这次作答已经作废" in result_of(phone.page)
    assert phone.page.locator(".opt, .why").count() == 0
    for step in (".btn", "button[value='27']", "text=是我，开始答题"):
        phone.follow(step)
    expect(phone.page.locator("#pos")).to_have_text("1 / 10")
    assert phone.attempt_id != attempt_id


def test_second_phone_goes_on_with_the_resume_code(phones: Callable[..., Phone], server: Server) -> None:
    room = server.opened(paper="single")
    first, second = phones(("403 (FORBIDDEN)",)), phones(("409 (CONFLICT)",))
    first.page.clock.install(time=0)
    attempt_id = first.begin(room)
    token = first.tap()
    saved(first, attempt_id)
    code = re.search(r"用续答码 (\S+)", first.page.inner_text(".code8"))[1]

    second.page.goto(room.address)
    second.page.click("button[value='27']")
    second.page.click("text=是我，开始答题")
    second.page.fill("#resume", "0000-0000")
    second.page.click("text=在这台手机上接着做")
    expect(second.page.locator("[role=alert]")).to_contain_text("续答码和 27 号对不上")
    second.page.fill("#resume", code.lower())
    second.follow("text=在这台手机上接着做")

    assert second.attempt_id == attempt_id
    assert chosen(second.page) == [token]
    first.tap(1)
    expect(first.page.locator("h1")).to_have_text("这次作答在另一台手机上")
    assert server.sheet(attempt_id).answers[1].chosen == (token,)


def test_double_tap_hands_in_once(phone: Phone, server: Server) -> None:
    room = server.opened()
    attempt_id = sitting(phone, room)
    posts: list[str] = []
    phone.page.on(
        "request", lambda request: posts.append(request.url) if request.url.endswith("/submit") else None
    )
    to_check(phone.page)
    phone.page.clock.fast_forward(600)
    phone.page.dblclick("#next")
    result_of(phone.page)

    assert len(posts) == 1
    with server.app.app_context():
        leaves = db.session.query(audit.AuditLeaf).filter_by(attempt_id=attempt_id).count()
        assert (leaves, db.session.query(Attempt).filter_by(round_id=room.round_id).count()) == (1, 1)


def test_double_tap_on_the_last_question_does_not_hand_in(phone: Phone, server: Server) -> None:
    attempt_id = sitting(phone, server.opened())
    phone.visit(f"/a/{attempt_id}#q10")
    phone.page.clock.pause_at(3600)

    phone.page.click("#next")
    expect(phone.page.locator("#next")).to_have_text("交卷")
    phone.page.click("#next")
    phone.page.clock.run_for(400)
    phone.page.click("#next")
    assert server.sheet(attempt_id).submitted_at is None
    phone.page.clock.run_for(200)
    phone.page.click("#next")

    assert "完成回执" in result_of(phone.page)


def test_time_runs_out_and_what_was_chosen_is_handed_in(phone: Phone, server: Server) -> None:
    attempt_id = sitting(phone, server.opened(limit_s=60))
    token = phone.tap()
    with server.app.app_context():
        begun = db.session.get_one(Attempt, attempt_id)
        begun.started_at -= MINUTE
        begun.limit_ends_at -= MINUTE
        db.session.commit()
    phone.page.clock.fast_forward(60_000)

    assert "完成回执" in result_of(phone.page)
    assert server.sheet(attempt_id).submitted_at is not None
    assert {p: a.chosen for p, a in server.sheet(attempt_id).answers.items() if a.chosen} == {1: (token,)}


def test_more_time_from_the_teacher_reaches_the_open_page(phone: Phone, server: Server) -> None:
    room = server.opened(limit_s=60)
    attempt_id = sitting(phone, room)
    with server.app.app_context():
        operations.extend(
            round_=campaign.round_of(room.round_id),
            unit_id=server.sheet(attempt_id).unit_id,
            seat=27,
            minutes=20,
            at=datetime.now(UTC),
            actor=audit.CLI,
        )

    phone.page.clock.fast_forward(61_000)
    expect(phone.page.locator("#left")).to_have_text(re.compile(r"^20:[0-5]\d$"))
    assert server.sheet(attempt_id).submitted_at is None


def test_warnings_at_five_minutes_and_one_are_spoken_and_nothing_else(phone: Phone, server: Server) -> None:
    sitting(phone, server.opened(limit_s=1200))
    phone.page.evaluate(LISTEN)

    phone.page.clock.run_for(1000)
    phone.page.clock.fast_forward(900_000)
    phone.page.clock.fast_forward(240_000)

    expect(phone.page.locator("#save")).to_have_text("还剩 1 分钟，到时自动交卷")
    assert phone.page.evaluate("spoken") == ["还剩 5 分钟，到时自动交卷", "还剩 1 分钟，到时自动交卷"]


def test_short_round_does_not_speak_of_five_minutes(phone: Phone, server: Server) -> None:
    sitting(phone, server.opened(limit_s=240))
    phone.page.evaluate(LISTEN)

    phone.page.clock.run_for(5000)

    expect(phone.page.locator("#left")).to_have_text(re.compile(r"3:5\d"))
    assert phone.page.evaluate("spoken") == []


def test_server_that_is_busy_gets_the_answers_later(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(("503 (Service Unavailable)",))
    attempt_id = sitting(phone, server.opened())
    refusals = [1, 2]

    def busy(route: Route) -> None:
        if refusals:
            refusals.pop()
            route.fulfill(status=503, headers={"Retry-After": "2"}, body="稍等一下")
        else:
            route.continue_()

    phone.context.route("**/save", busy)
    phone.page.reload()
    token = phone.tap()
    for _ in range(2):
        phone.page.clock.run_for(6000)
        save_line(phone.page, KEPT)
    assert server.sheet(attempt_id).answers == {}
    phone.page.clock.run_for(6000)

    assert saved(phone, attempt_id) == {1: (token,)}


@pytest.mark.parametrize(
    ("status", "body"), [(200, "<h1>请登录无线网</h1>"), (403, "blocked by the firewall"), (400, "")]
)
def test_reply_that_is_not_ours_does_not_count_as_saved(
    phones: Callable[..., Phone], server: Server, status: int, body: str
) -> None:
    phone = phones(("403 (Forbidden)", "400 (Bad Request)"))
    attempt_id = sitting(phone, server.opened())
    phone.context.route("**/save", lambda route: route.fulfill(status=status, body=body))

    token = phone.tap()
    phone.page.clock.run_for(6000)
    save_line(phone.page, KEPT)
    phone.context.unroute("**/save")
    phone.page.clock.run_for(6000)

    assert saved(phone, attempt_id) == {1: (token,)}


def test_phone_keeps_nothing_after_the_receipt(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(OFFLINE)
    sitting(phone, server.opened())
    phone.context.set_offline(True)
    phone.tap()
    assert phone.page.evaluate("Object.keys(localStorage).length") == 1
    phone.context.set_offline(False)
    hand_in(phone.page)
    result_of(phone.page)

    assert phone.page.evaluate("Object.keys(localStorage)") == []


def test_save_line_speaks_only_of_trouble(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(OFFLINE)
    attempt_id = sitting(phone, server.opened())
    phone.page.evaluate(LISTEN)
    answer_all(phone, [1, 2])
    saved(phone, attempt_id)
    answer_all(phone, [3])
    saved(phone, attempt_id)
    assert phone.page.evaluate("spoken") == []

    phone.context.set_offline(True)
    answer_all(phone, [4, 5])
    save_line(phone.page, KEPT)
    phone.context.set_offline(False)
    saved(phone, attempt_id)

    assert phone.page.evaluate("spoken") == [KEPT, "答案已保存"]


def test_keyboard_alone_answers_a_question(phone: Phone, server: Server) -> None:
    attempt_id = sitting(phone, server.opened(paper="single"))
    keys = phone.page.keyboard
    phone.page.locator("#q1 h2").focus()
    for key in ("Tab", "Space", "ArrowDown", "Tab"):
        keys.press(key)
    while phone.page.evaluate("document.activeElement.id") != "next":
        keys.press("Tab")
    keys.press("Space")

    expect(phone.page.locator("#q2 h2")).to_be_focused()
    second = phone.page.locator("#q1 input[type=radio]").nth(1).get_attribute("value")
    assert saved(phone, attempt_id) == {1: (second,)}


def without_script(phone: Phone, server: Server, attempt_id: str) -> str:
    """Fill in the long form, look at the check page, hand in; return the result."""
    page = phone.page
    assert len(page.locator("fieldset:visible").all()) == 10
    assert page.locator("#next, #save, #flag, #back").locator("visible=true").count() == 0
    for position in range(1, 10):
        page.locator(f"#q{position} .opt").first.click()
    phone.follow("button[value='check']")
    expect(page.locator("[role=alert]")).to_contain_text("还有 1 题没作答")
    phone.follow("[role=alert] a")
    assert page.url.endswith("#q10")
    assert len(chosen(page)) == 9
    page.locator("#q10 .opt").first.click()
    phone.follow("button[value='check']")
    expect(page.locator("[role=alert]")).to_have_count(0)
    page.click("button:text-is('交卷')")
    assert len(server.sheet(attempt_id).answers) == 10
    return result_of(page)


def test_whole_way_without_script(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(java_script_enabled=False)
    room = server.opened()
    attempt_id = phone.begin(room)

    assert "完成回执" in without_script(phone, server, attempt_id)
    phone.follow("text=保存完成证明")
    expect(phone.page.locator("h1")).to_have_text("已完成反诈知识测试")
    expect(phone.page.locator("img")).to_be_visible()


def test_script_that_fails_at_the_start_leaves_the_long_form(phone: Phone, server: Server) -> None:
    phone.context.add_init_script("history.replaceState = function () { throw new Error('too old'); };")
    attempt_id = sitting(phone, server.opened())

    assert "完成回执" in without_script(phone, server, attempt_id)


def test_questions_do_not_jump_while_they_load(phone: Phone, server: Server) -> None:
    sitting(phone, server.opened())

    assert sum(phone.page.evaluate(SHIFTS)) < 0.001


def test_code_typed_by_hand_leads_to_the_class(phone: Phone, server: Server) -> None:
    room = server.opened()
    phone.visit("/")

    phone.page.fill("#code", room.code.lower())
    phone.follow("text=进入我的班级")

    assert phone.page.url == room.address
    assert phone.page.locator(".seat button").count() == 45


def test_page_of_a_busy_server_offers_to_try_again(phones: Callable[..., Phone], server: Server) -> None:
    phone = phones(("503 (SERVICE UNAVAILABLE)",))
    room = server.opened()
    with server.busy("attempt.landing"):
        phone.page.goto(room.address)
        expect(phone.page.locator("h1")).to_have_text("稍等一下")

    phone.page.click("a.btn")
    expect(phone.page.locator("h1")).to_have_text("六分钟，练一次识骗")


def test_practice_says_at_once_and_lets_try_again(phone: Phone, server: Server) -> None:
    room = server.opened(paper="single")
    attempt_id = room.submitted(right=lambda position: position != 1)
    phone.own()
    phone.visit(f"/a/{attempt_id}/result")
    page = phone.page
    page.click("text=再练一遍这 1 题")

    page.click("text=看看对不对")
    expect(page.locator("[role=alert]")).to_contain_text("先选一个答案")
    page.click(f".opt:has(input[value='{room.practice_token(attempt_id, right=False)}'])")
    page.click("text=看看对不对")
    expect(page.locator("[role=alert]")).to_contain_text("再想一想")
    assert chosen(page) == []
    page.click(f".opt:has(input[value='{room.practice_token(attempt_id, right=True)}'])")
    page.click("text=看看对不对")

    expect(page.locator("article .tag")).to_have_text("✓ 对了")


def test_large_text_is_one_link_away_and_stays(phone: Phone, server: Server) -> None:
    room = server.opened()
    phone.page.goto(room.address)
    for step in ("text=大字版", "button[value='27']", "text=是我，开始答题"):
        phone.follow(step)

        expect(phone.page.locator("html")).to_have_css("font-size", "20px")


def test_back_from_the_first_question_shows_the_seat_again(phone: Phone, server: Server) -> None:
    phone.begin(server.opened())

    phone.page.go_back()
    expect(phone.page.locator("h1")).to_have_text("七年级（3）班，27 号")
    phone.page.click("text=是我，开始答题")

    expect(phone.page.locator("#pos")).to_have_text("1 / 10")
