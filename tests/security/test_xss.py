"""No text of anybody becomes markup: every payload in every text column, on every page, for everybody who sees it.

R16, T18. Each page is drawn twice, with harmless texts and with hostile ones in their place: the two must consist of
the same elements with the same attributes. tests/browser/test_xss.py lets a real browser look.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import JSON, String, update
from werkzeug.routing import Rule

from quizsvc.attempt import views as doorways
from quizsvc.core import bankfile, bounds
from quizsvc.db import Base, db
from quizsvc.formats import WRITERS
from quizsvc.paper import queries as paper
from tests import make
from tests.security.furnishing import furnish
from tests.security.injections import PAYLOADS, all_of
from tests.support import rewritable
from tests.world import (
    PHONE,
    Ledger,
    Place,
    Upload,
    World,
    address,
    build,
    nothing_is_kept,
    plain_fields,
    routes,
    signed_cookie,
    signed_token,
    who_may,
)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MACHINE = {
    "audit_entry": {"prev", "hash"},
    "audit_head": {"hash"},
    "audit_leaf": {"attempt_id", "answers_hash"},
    "audit_detail": {"name", "salt"},
    "bank_bank": {"code"},
    "bank_item": {"code"},
    "bank_item_version": {"content_hash", "state", "origin"},
    "campaign_campaign": {"term"},
    "campaign_round": {
        "code", "kind", "identity", "late", "counted", "per", "pace", "review_after_submit", "review_after_close",
    },
    "rulebook_version": {"hash"},
    "bulletin_draft": {"period"},
    "bulletin_issue": {"period", "hash", "anchor_hash"},
    "paper_paper": {"kind", "content_hash"},
    "paper_sheet_draft": {"kind"},
    "paper_draft": {"kind", "audience", "banks", "rules", "fixed"},
    "attempt_player": {"device_hash", "role", "entry_id"},
    "contest_board": {"stage", "body"},
    "contest_flag": {"kind", "detail"},
    "contest_ruling": {"verdict"},
    "draw_draw": {"id", "rules_hash", "list_hash", "waves", "sources"},
    "draw_notice": {"draw_id"},
    "campaign_round_paper": {"day", "role"},
    "draw_result": {"draw_id", "public_value", "seed", "order_hash"},
    "draw_piece": {"draw_id", "file", "body"},
    "draw_winner": {"draw_id", "by", "entry_id"},
    "prize_move": {"stage"},
    "prize_phone_key": {"key"},
    "prize_award": {"entry_id", "claim_code", "end_kind"},
    "prize_claim": {"phone", "phone_hash", "name", "guardian"},  # sealed
    "prize_handover": {"how"},
    "prize_certificate": {"code"},
    "rights_request": {"receipt_hash", "attempt_id", "kind", "reason", "state"},
    "declaration_declaration": {
        "id", "text_hash", "signer", "channel", "device_hash", "receipt", "name", "signature",  # the last two: sealed
    },
    "declaration_item": {"declaration_id", "state", "proof"},
    "declaration_referral": {"code"},
    "survey_turnout": {"head"},
    "survey_box": {"kind"},
    "roster_unit": {"path", "kind"},
    "roster_headcount": {"term"},
    "roster_enrolment": {"term"},
    "link_link": {"code", "place", "poster_number"},
    "attempt_attempt": {
        "id", "source", "period", "seed", "form", "answers", "device_hash", "receipt", "correct", "resume",
    },
    "attempt_late": {"attempt_id", "answers", "was", "answers_hash"},
    "attempt_item_sum": {"chosen"},
    "staff_staff": {"password_hash", "totp_secret"},
    "staff_role_grant": {"role"},
    "staff_invitation": {"token_hash"},
    "staff_recovery_code": {"code_hash"},
    "staff_ended_sign_in": {"key_hash"},
    "jobs_lease": {"name", "holder"},
    "throttle_bucket": {"key"},
}  # fmt: skip
"""Text columns nobody types into: words of ours, numbers of rows, hashes. Addresses are sent hostile further below."""

KEPT = {
    "code",
    "kind",
    "topic",
    "channel",
    "belief",
    "bank",
    "twin",
    "reviewed_on",
    "valid_until",
    "version",
    "audiences",
    "audience",
    "per",
    "pace",
    "papers",
    "strategy",
    "board",
    "by",
    "at",
    "opens_at",
    "closes_at",
    "draw_at",
    "board_freezes_at",
    "period",
    "listing",
    "starts_on",
    "ends_on",
    "dated_on",
}
"""Keys inside stored questions, papers and rules that hold words of ours, numbers and moments."""

QUERY = (
    "code", "earlier", "item", "later", "next", "page", "place", "q", "s", "scheme", "seed", "show", "size", "step",
    "term", "topic", "unit", "version", "all", "bank", "word", "edit", "from", "until", "action", "who", "p", "entry",
)  # fmt: skip

LOOKING = ("", "lin", "he", "bureau", "monitor", "auditor", "root")
"""Who looks at a page: the first of these who may; at a report also the second, who sees less of it."""

FILES = {
    "assets.file", "health.readyz", "bank.export", "bank.template", "roster.template", "report.scores_file",
    "report.coverage_file", "rulebook.content", "prizes.winners_file", "surveys.counts_file", "declarations.archive",
    "dossier.class_file",
    "draw.file", "draw.verifier", "draw.bundle",
}  # fmt: skip

Text = Callable[[int], str]
Shape = list[tuple[str, tuple[str, ...]]]


def harmless(number: int) -> str:
    """Plain words, as long as the payloads: pages treat long texts in their own way."""
    return "\n".join("平常的话 " * (len(line) // 5 + 1) for line in all_of(number).split("\n"))


class Elements(HTMLParser):
    """Lists elements with their attributes, and what must never stand in an address."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shape: Shape = []
        self.bad: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(sorted(name for name, _ in attributes))))
        for name, value in attributes:
            target = "".join((value or "").split()).casefold().strip("\x01")
            if name in ("href", "src", "action", "formaction", "data", "content") and (
                target.startswith(("javascript:", "vbscript:", "//", "\\"))
                or (target.startswith("data:") and target not in ("data:,",))
            ):
                self.bad.append(f"<{tag} {name}={value!r}>")
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.bad.append(f"<{tag} {name}>")
        if tag == "odd-one":
            self.bad.append("<odd-one>")
        if tag == "script" and not dict(attributes).get("src", "").startswith("/static/"):
            self.bad.append("<script> of its own")

    def handle_comment(self, data: str) -> None:
        self.shape.append(("<!--", ()))

    def handle_decl(self, decl: str) -> None:
        self.shape.append((f"<!{decl}", ()))


# Texts into the database


def texts_of(table: Any) -> Iterator[Any]:
    for column in table.columns:
        if isinstance(column.type, String | JSON) and column.name not in MACHINE.get(table.name, set()):
            yield column


def sheetable(text: str) -> str:
    """What a notice, a pledge or a survey takes of a text."""
    return bounds.tidied("".join(one for one in text if one.isprintable()))[:1500].strip()


def dressed(value: Any, text: Callable[[], str]) -> Any:
    """Put texts in place of all that somebody typed, inside a stored question, paper or list."""
    if isinstance(value, str):
        return text()
    if isinstance(value, list):
        return [dressed(one, text) for one in value]
    if not isinstance(value, dict):
        return value
    if "sheet" in value:  # a longer text is none that a sheet can hold
        old = value["sheet"].get("points", ())
        points = [sheetable(f"{number} {text()}")[:300].strip() for number in range(len(old))]
        whole = {"opening": sheetable(text()), **({"points": points} if points else {})}
        return {"sheet": {**value["sheet"], **whole}}
    if "tells" in value:  # a tell is a part of its scene, or it is not shown
        tell = text()
        return {**value, "sender": text(), "text": f"{text()}{tell}{text()}", "tells": [tell]}
    return {
        key: one if key in KEPT or key == "blueprint" else dressed(one, text) for key, one in value.items()
    }


def dress(text: Text) -> set[tuple[str, str]]:
    """Write texts into every text column of every row; return the columns that had a row."""
    filled, count = set(), 0

    def another() -> str:
        nonlocal count
        count += 1
        return f"{text(count)} {count}"

    db.session.rollback()
    with db.engine.begin() as connection, rewritable(connection):
        for table in Base.metadata.sorted_tables:
            columns = list(texts_of(table))
            for row in connection.execute(table.select()).mappings().all() if columns else ():
                values = {
                    column.name: dressed(row[column.name], another)
                    for column in columns
                    if row[column.name] is not None
                }
                if values:
                    same_row = [column == row[column.name] for column in table.primary_key.columns]
                    connection.execute(update(table).where(*same_row).values(values))
                    filled |= {(table.name, name) for name in values}
    db.session.expire_all()
    paper.forget()
    doorways.forget()
    return filled


# Pages


def shown(app: Flask, world: World) -> Iterator[tuple[str, Rule, Place, str]]:
    """Every page that somebody may see: a name for it, its route, its place, and who looks."""
    for rule, method in routes(app):
        if method != "GET" or rule.endpoint in FILES or rule.rule.endswith((".png", ".pdf", ".svg")):
            continue
        for where in ("own", "school") if "unit_id" in rule.arguments else ("own",):
            place = world.places[where]
            people = who_may(app, world, rule, place) or [""]
            looking = [person for person in LOOKING if person in people]
            for person in looking[: 2 if rule.endpoint.startswith("report.") else 1]:
                yield f"{rule.endpoint} of {where} for {person or 'anybody'}", rule, place, person


def looked_at(app: Flask, world: World, rule: Rule, place: Place, person: str, query: str = "") -> Any:
    phone = app.test_client()
    phone.set_cookie("phone", PHONE)
    headers = {"Cookie": f"{signed_cookie(app, world.people[person])}; phone={PHONE}"} if person else {}
    browser = app.test_client(use_cookies=False) if person else phone
    return browser.get(address(rule, place) + query, headers=headers)


def drawn(app: Flask, world: World) -> dict[str, str]:
    """The source of every page, with what its headers say about scripts."""
    pages = {}
    for name, rule, place, person in shown(app, world):
        answer = looked_at(app, world, rule, place, person)
        if answer.mimetype == "text/html":
            pages[name] = answer.get_data(as_text=True)
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy, name
            assert "script-src 'self'" in policy or "default-src 'none'" in policy, name
    return pages


def differences(plain: Mapping[str, str], hostile: Mapping[str, str]) -> dict[str, Any]:
    """Say of each page what a hostile text has added to it or changed in it."""
    found: dict[str, Any] = {}
    for name, page in hostile.items():
        before, after = Elements(plain[name]), Elements(page)
        if before.shape != after.shape:
            pairs = zip_longest(before.shape, after.shape)
            found[name] = next(pair for pair in pairs if pair[0] != pair[1])
        elif after.bad:
            found[name] = after.bad[:5]
    return found


@pytest.fixture
def furnished(app: Flask, at: Any) -> World:
    """The two counties with a harmless text in every column."""
    built = build(app)
    furnish(built)
    dress(harmless)
    return built


def test_there_are_enough_payloads() -> None:
    assert len(PAYLOADS) >= 150
    assert all(PAYLOADS[0] in all_of(number) for number in range(3))


@ON_SQLITE
def test_every_text_column_is_ours_or_gets_the_payloads(app: Flask, furnished: World) -> None:
    """A new column fails here until somebody says who writes into it."""
    filled = dress(harmless)
    every = {(table.name, column.name) for table in Base.metadata.sorted_tables for column in texts_of(table)}
    stale = {
        f"{table}.{name}"
        for table, names in MACHINE.items()
        for name in names
        if name not in Base.metadata.tables[table].columns
    }

    assert sorted(every - filled) == []
    assert stale == set()


@ON_SQLITE
def test_no_stored_text_becomes_markup(app: Flask, furnished: World) -> None:
    with nothing_is_kept(app):
        plain = drawn(app, furnished)
    dress(all_of)
    with nothing_is_kept(app):
        hostile = drawn(app, furnished)

    assert differences(plain, hostile) == {}
    assert len(plain) > 70
    assert sum("alert(1)" in page for page in hostile.values()) > 60


@ON_SQLITE
def test_one_text_written_as_it_is_would_be_found(
    app: Flask, furnished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards the comparison: one `|safe` in one template, and the pages with it differ."""
    page = "staff/person.html"
    source, _, _ = app.jinja_env.loader.get_source(app.jinja_env, page)
    careless = source.replace("{{ person.name }}", "{{ person.name|safe }}")
    assert careless != source
    monkeypatch.setattr(
        app.jinja_env, "loader", ChoiceLoader([DictLoader({page: careless}), app.jinja_env.loader])
    )
    monkeypatch.setattr(app.jinja_env, "cache", {})
    own = furnished.places["own"]
    rule = next(rule for rule, _ in routes(app) if rule.endpoint == "staff.people_person")

    def one() -> dict[str, str]:
        with nothing_is_kept(app):
            return {"person": looked_at(app, furnished, rule, own, "he").get_data(as_text=True)}

    plain = one()
    dress(all_of)

    assert list(differences(plain, one())) == ["person"]
    assert differences(plain, plain) == {}


# What is typed into addresses, forms and files comes back as text too


SOME = (
    '"><script>alert(1)</script>', "' onmouseover='alert(1)", "javascript:alert(1)", "</title><svg/onload=alert(1)>",
    "<odd-one>", "</textarea><odd-one>",
)  # fmt: skip
HOSTILE = " ".join(SOME)


def strange(answers: Mapping[str, str]) -> dict[str, list[str]]:
    """List the pages that hold an element, an attribute or an address that only a hostile text can have brought."""
    found = {name: Elements(page).bad for name, page in answers.items()}
    return {name: bad[:5] for name, bad in found.items() if bad}


def echoing(answers: Mapping[str, str]) -> list[str]:
    return [name for name, page in answers.items() if "alert(1)" in page]


@ON_SQLITE
def test_what_an_address_asks_for_comes_back_as_text(app: Flask, furnished: World) -> None:
    answers = {}
    query = "?" + urlencode(dict.fromkeys(QUERY, HOSTILE))
    with nothing_is_kept(app):
        for name, rule, place, person in shown(app, furnished):
            answer = looked_at(app, furnished, rule, place, person, query)
            if answer.mimetype == "text/html":
                answers[name] = answer.get_data(as_text=True)

    assert strange(answers) == {}
    assert len(echoing(answers)) > 5


def sent(app: Flask, world: World, rule: Rule, fields: Mapping[str, Any]) -> Any:
    """Post a form at the own place as somebody who may."""
    place = world.places["own"]
    people = who_may(app, world, rule, place)
    cookie = signed_cookie(app, world.people[people[0]]) if people else signed_cookie(app, None)
    return app.test_client(use_cookies=False).post(
        address(rule, place),
        data={"csrf_token": signed_token(app), **fields},
        headers={"Cookie": f"{cookie}; phone={PHONE}"},
    )


@ON_SQLITE
@pytest.mark.parametrize("all_fields", [True, False], ids=["everything", "one sound form"])
def test_what_a_form_was_sent_comes_back_as_text(
    app: Flask, world: World, ledger: Ledger, all_fields: bool
) -> None:
    """Once with nothing sound in it, once with everything sound but the texts, so that it gets further."""
    place = world.places["own"]
    answers = {}
    for rule, method in routes(app):
        if method != "POST":
            continue
        fields: dict[str, Any] = {}
        for name, value in plain_fields(place, world.places["school"]).items():
            slice_, _, bare = name.rpartition(".")
            if not slice_ or rule.endpoint.startswith(slice_):
                hostile = isinstance(value, str) and (all_fields or bare in TEXTS)
                fields[bare] = (
                    HOSTILE[:190]
                    if hostile
                    else ((io.BytesIO(value.body), f"{HOSTILE}.png") if isinstance(value, Upload) else value)
                )
        answer = sent(app, world, rule, fields)
        if answer.mimetype == "text/html":
            answers[rule.rule] = answer.get_data(as_text=True)

    assert strange(answers) == {}
    assert len(answers) > 40
    assert len(echoing(answers)) > 3


TEXTS = (
    "reason", "place", "organisers", "title", "name", "source", "stem", "option1", "option2", "trick", "tell", "action",
    "login", "resume", "term", "code", "note", "answer",
)  # fmt: skip


def by(app: Flask, endpoint: str) -> Rule:
    return next(rule for rule, method in routes(app) if rule.endpoint == endpoint and method == "POST")


@ON_SQLITE
@pytest.mark.parametrize("form", [*WRITERS, "plain text"])
def test_messages_about_a_file_of_questions_are_text(
    app: Flask, world: World, ledger: Ledger, form: str
) -> None:
    """A message that names what is wrong repeats what somebody else wrote into the file."""
    hostile = HOSTILE.replace("</textarea>", "")
    item = make.an_item(
        "hostile-01", stem=f"遇到{hostile}怎么办？", source=hostile, region=hostile[:20], topic="brushing",
        options=(bankfile.Option(f"停下{hostile}", key=True), bankfile.Option(f"付款{hostile}")),
        explanation=bankfile.Explanation(hostile, hostile, hostile),
        scene=bankfile.Scene("sms", hostile, f"名额 {hostile}", tells=(hostile,)),
    )  # fmt: skip
    if form == "plain text":
        body = f"1. {hostile}\nA. {hostile}\nB. {hostile} 二\n答案：{hostile}\n解析：{hostile}\n\n{hostile}\n".encode()
        name = f"{hostile}.txt"
    else:
        body = WRITERS[form].write([item], bankfile.Vocabulary({"brushing": "刷单"}, {}), title=hostile)
        name = f"{hostile}{WRITERS[form].suffix}"

    upload = {"file": (io.BytesIO(body), name)}
    defaults = {"topic": "brushing", "audience": "junior", "difficulty": "1", "source": hostile[:60]}
    answer = sent(app, world, by(app, "bank.preview_import"), upload | defaults)

    assert strange({form: answer.text}) == {}
    assert answer.status_code in (200, 400)
    assert echoing({form: answer.text}) == [form]


@ON_SQLITE
def test_messages_about_a_roster_are_text(app: Flask, world: World, ledger: Ledger) -> None:
    rule, answers = by(app, "roster.preview"), {}
    cells = [one.replace('"', '""') for one in SOME]
    for number, column in enumerate(("年级", "班级", "座号", "学号", "姓名")):
        row = ["七年级", "3", "1", "N1", "李明航"]
        row[number] = f'"{cells[number]} {cells[(number + 1) % len(cells)]}"'
        body = f"年级,班级,座号,学号,姓名\n{','.join(row)}\n{','.join(row)}\n".encode()
        school = world.places["school"]
        upload = {
            "file": (io.BytesIO(body), "<odd-one>.csv"),
            "csrf_token": signed_token(app),
            "term": make.TERM,
        }
        answer = app.test_client(use_cookies=False).post(
            address(rule, school), data=upload, headers={"Cookie": signed_cookie(app, world.people["he"])}
        )
        answers[column] = answer.text

    assert strange(answers) == {}
    assert len(echoing(answers)) >= 2
