"""The key cannot be read, counted or measured out of what a phone gets, under any review policy, until its moment. R15.

tests/security/test_no_key_leak.py reads the pages of one sitting; here every participant route is asked by a phone that
owns attempts of every state, and ten thousand drawn forms are counted.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from math import erfc, exp, gamma, sqrt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.routing import Rule

from quizsvc.attempt import views as doorways
from quizsvc.core import assembly, bankfile
from quizsvc.db import db
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Paper
from quizsvc.web.assets import ASSETS
from quizsvc.web.guard import PUBLIC
from tests import make
from tests.attempt.conftest import CODE, Classroom, Pupil, a_classroom
from tests.world import routes

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CANARY = "金丝雀"
REVIEWS = ("score", "answers", "key", "explanation")
POLICIES = [list(some) for size in range(5) for some in combinations(REVIEWS, size)]
TELLS = {"answers": (), "key": (), "explanation": (f"{CANARY}骗术", f"{CANARY}破绽", f"{CANARY}应对")}
NEVER = (f"{CANARY}来源", f"{CANARY}-twin", f"{CANARY}-topic")


def a_telling_item(number: int) -> bankfile.Item:
    """An item in which everything that tells carries the canary, and whose options say nothing about themselves."""
    return make.an_item(
        f"leak-{number}",
        topic=f"{CANARY}-topic",
        options=tuple(bankfile.Option(f"选项 {number}{one}", key=one == "乙") for one in "甲乙丙丁"),
        explanation=bankfile.Explanation(*TELLS["explanation"]),
        source=NEVER[0],
        twin=f"{NEVER[1]}-{number}",
    )


def participant_routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route that needs no sign-in and is about a class, an attempt or a receipt; what changes something last."""
    found = [
        (rule, method)
        for rule, method in routes(app)
        if app.view_functions[rule.endpoint].access == PUBLIC  # type: ignore[attr-defined]
        and rule.endpoint.partition(".")[0] in ("attempt", "rights", "link")
    ]
    return sorted(found, key=lambda one: (one[1], one[0].endpoint == "attempt.forget_phone"))


def everything_sent(app: Flask, pupil: Pupil, scripts: tuple[str, ...] = ("", "quiz")) -> dict[str, str]:
    """Ask every participant route for what this phone owns, with and without script; headers belong to the answer."""
    state = pupil.sheet
    values = {
        "code": CODE, "attempt_id": state.attempt_id, "receipt": state.receipt, "poster_number": "2026-0001",
    }  # fmt: skip
    wrong = pupil.fields({1: pupil.tokens(right=lambda position: False)[1]}, seq=1)
    cookie = {"Cookie": f"phone={pupil.phone.get_cookie('phone').value}"}
    found = {}
    for rule, method in participant_routes(app):
        missing = rule.arguments - values.keys()
        assert not missing, f"{rule.endpoint} has an argument this test does not know: {missing}"
        if rule.endpoint == "attempt.submit":
            continue
        given = {name: values[name] for name in rule.arguments}
        path = app.url_map.bind("fz.test").build(rule.endpoint, given, method=method)
        for script in scripts:
            form = {**wrong, "seat": "1", "step": "0", "resume": "0" * 8} if method == "POST" else None
            answer = app.test_client(use_cookies=False).open(
                path,
                method=method,
                data=form,
                headers={**cookie, **({"X-Requested-With": script} if script else {})},
                query_string={"all": "1"},
            )
            body = answer.data if not answer.mimetype.startswith("image/") else b""
            name = f"{method} {rule.rule} {'by script' if script else ''}"
            found[name] = body.decode() + str(answer.headers)
    return found


def holding(found: dict[str, str], *words: str) -> list[str]:
    return sorted(name for name, text in found.items() if any(word in text for word in words))


@pytest.fixture
def telling(app: Flask, at: Any) -> Classroom:
    return a_classroom(paper=make.a_paper(pool=[a_telling_item(number) for number in range(3)]), limit_s=600)


# Before the hand-in: nothing, whatever the policy


@ON_SQLITE
def test_no_answer_of_any_route_tells_anything_while_the_attempt_is_open(
    app: Flask, telling: Classroom, phone: Any
) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pupil.save(pupil.tokens(right=lambda position: False), seq=2)

    found = everything_sent(app, pupil)

    assert holding(found, CANARY, 'class="mk"', "你选对了", "正确", "答对") == []
    assert len(found) >= 30
    stale = next(text for name, text in found.items() if "/save" in name)
    assert re.match(
        r'\{"1":\[2,\["[a-z2-7]{4}"\]\]\}', stale
    )  # a stale save gets what is stored, and no more


@ON_SQLITE
def test_no_script_or_style_tells_anything(app: Flask) -> None:
    sources = {name: one.body.decode() for name, one in ASSETS.items() if name.endswith((".js", ".css"))}

    assert holding(sources, CANARY, "sourceMappingURL", "correct", "isRight") == []
    assert "quiz.js" in sources


# After it: exactly what the policy of that moment allows


@ON_SQLITE
@pytest.mark.parametrize("policy", POLICIES, ids="+".join)
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_result_shows_what_its_policy_allows(
    app: Flask, at: Any, phone: Any, policy: list[str], closed: bool
) -> None:
    other = [] if policy else list(REVIEWS)  # the policy of the other moment must not matter
    policies = {"review_after_submit": other, "review_after_close": policy}
    if not closed:
        policies = {"review_after_submit": policy, "review_after_close": other}
    room = a_classroom(paper=make.a_paper(pool=[a_telling_item(number) for number in range(3)]), **policies)
    pupil = Pupil(phone)
    pupil.start()
    pupil.submit(pupil.tokens(right=lambda position: position == 1))
    if closed:
        at(room.round.closes_at + timedelta(seconds=1))
        doorways.forget()

    found = everything_sent(app, pupil, scripts=("",))

    assert holding(found, *NEVER) == []
    explained = "answers" in policy and "explanation" in policy
    assert bool(holding(found, *TELLS["explanation"])) == explained or "key" in policy
    assert ("识破了" in found["GET /a/<attempt_id>/result "]) == ("score" in policy)
    assert bool(re.search("你选对了|正确</em>", found["GET /a/<attempt_id>/result "])) == (
        "answers" in policy and "key" in policy
    )
    practising = holding({n: t for n, t in found.items() if "/practice" in n}, "选项 ")
    assert bool(practising) == ("key" in policy)


@ON_SQLITE
def test_result_of_a_first_go_tells_nothing_while_a_second_is_open(
    app: Flask, telling: Classroom, phone: Any
) -> None:
    first = Pupil(phone)
    first.start()
    first.submit(first.tokens(right=lambda position: False))
    second = Pupil(phone)
    second.start()
    assert second.attempt_id != first.attempt_id

    assert holding(everything_sent(app, first), CANARY, "你的选择", "正确</em>") == []


@ON_SQLITE
def test_staff_view_on_a_participant_page_is_found(
    app: Flask, telling: Classroom, phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the search: a page that is drawn from the staff's view of the paper is named."""
    pupil = Pupil(phone)
    pupil.start()
    frozen = paper.frozen(pupil.sheet.paper_id)
    monkeypatch.setitem(
        app.view_functions, "attempt.check", careless(repr([one.item for one in frozen.items]))
    )

    assert holding(everything_sent(app, pupil), CANARY) == [
        "GET /a/<attempt_id>/check ", "GET /a/<attempt_id>/check by script",
    ]  # fmt: skip


def careless(text: str) -> Any:
    def view(**_: Any) -> str:
        return text

    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


# Position and length


def p_value(counts: list[int]) -> float:
    """The chance of counts at least this uneven, if all places are alike: chi-square, by recursion on its freedom."""
    expected = sum(counts) / len(counts)
    half = sum((count - expected) ** 2 / expected for count in counts) / 2
    freedom = len(counts) - 1
    chance, known = (erfc(sqrt(half)), 1) if freedom % 2 else (exp(-half), 2)
    while known < freedom:
        chance += half ** (known / 2) * exp(-half) / gamma(known / 2 + 1)
        known += 2
    return chance


@pytest.mark.parametrize(
    ("counts", "chance"),
    [
        ([380, 340, 280], 0.000500451),
        ([30, 20, 30, 20], 0.2614641),
        ([50, 50], 1.0),
        ([5, 15, 10, 10, 10], 0.2872975),
    ],
)
def test_chances_are_those_of_the_tables(counts: list[int], chance: float) -> None:
    assert p_value(counts) == pytest.approx(chance, rel=1e-4)


def places_of_the_key(frozen: paper.FrozenPaper, forms: int) -> Iterator[tuple[int, int, int]]:
    """For every item of every drawn form: its index, the place of the key, and the rank of its token."""
    for number in range(forms):
        seed = f"form-{number}"
        drawn = assembly.draw(
            frozen.blueprint, frozen.candidates, seed=seed, seen=frozenset(), fitting=frozen.fits
        )
        for one in drawn:
            entry = frozen.items[one.ref]
            order, tokens = paper.laid_out(entry, seed)
            key = next(place for place, option in enumerate(entry.item.options) if option.key)
            yield one.ref, list(order).index(key), sorted(tokens).index(tokens[key])


@ON_SQLITE
def test_key_stands_everywhere_alike_on_ten_thousand_forms(app: Flask) -> None:
    frozen = paper.frozen(make.a_paper(pool=[a_telling_item(number) for number in range(4)], drawn=1).id)
    places, ranks, both = Counter[int](), Counter[int](), Counter[tuple[int, int]]()
    for index, place, rank in places_of_the_key(frozen, 10_000):
        places[place] += 1
        ranks[rank] += 1
        both[index, place] += 1

    assert sum(places.values()) == 10_000
    for counts in (places, ranks, both):
        assert p_value(list(counts.values())) > 1e-6
    assert (len(places), len(ranks), len(both)) == (4, 4, 16)


def test_key_that_stands_second_a_little_too_often_is_found() -> None:
    """Guards the test above: one form in twenty with the key left where it was written."""
    assert p_value([2375, 2875, 2375, 2375]) < 1e-6
    assert p_value([2460, 2540, 2510, 2490]) > 1e-6


@ON_SQLITE
def test_page_is_as_long_and_packs_as_small_whichever_option_is_right(
    app: Flask, telling: Classroom, phone: Any
) -> None:
    pupil = Pupil(phone)
    pupil.start()
    pages = []
    for right in range(4):
        content = db.session.query(Paper.content).scalar()
        for entry in content["items"]:
            for place, option in enumerate(entry["item"]["options"]):
                option["key"] = place == right
        db.session.execute(update(Paper).values(content=content))
        db.session.commit()
        paper.forget()
        answers = [phone.get(f"/a/{pupil.attempt_id}{part}") for part in ("", "/check")]
        pages.append([answer.data for answer in answers])

    assert pages[1:] == pages[:1] * 3  # byte for byte, so length and compressed size too
    assert len({len(gzip.compress(b"".join(page), mtime=0)) for page in pages}) == 1


@ON_SQLITE
def test_order_and_tokens_come_from_the_seed_and_not_from_the_key(app: Flask) -> None:
    frozen = paper.frozen(make.a_paper(pool=[a_telling_item(0)]).id)
    moved = paper.frozen(
        make.a_paper(
            pool=[
                make.an_item(
                    "leak-9",
                    options=tuple(bankfile.Option(f"选项 0{one}", key=one == "丁") for one in "甲乙丙丁"),
                )
            ]
        ).id
    )

    assert [paper.laid_out(frozen.items[0], f"s{n}") for n in range(50)] == [
        paper.laid_out(moved.items[0], f"s{n}") for n in range(50)
    ]
