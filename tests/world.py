"""Two counties with everything that hangs on a unit, and plain forms: for the tests that walk the URL map.

The routes come from the URL map, so a new route is tested from its first day. An argument of a route that `a_place`
does not know fails with its name; a posted field that `plain_fields` does not know is sent as "1".
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask, current_app, request_started
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from quizsvc import clock, vault
from quizsvc.attempt.models import Attempt, Participant, Player
from quizsvc.attempt.queries import device_hash
from quizsvc.bulletin import models as bulletins
from quizsvc.campaign.models import Campaign, OfficialAccount, Round
from quizsvc.contest import models as contests
from quizsvc.core import linkcode, rulebook, sheettext
from quizsvc.core.access import Identity, permits, scopes
from quizsvc.db import Base, db
from quizsvc.declaration import queries as declared
from quizsvc.declaration.models import Population
from quizsvc.draw.models import Draw, Notice
from quizsvc.link.models import Link
from quizsvc.paper import queries as paper
from quizsvc.paper.models import Draft, Paper, SheetDraft
from quizsvc.prize import models as prize
from quizsvc.prize import queries as prizes
from quizsvc.rights.models import Request
from quizsvc.roster.models import Enrolment, Unit
from quizsvc.rulebook import models as rules
from quizsvc.staff import queries as staff
from quizsvc.staff.models import Invitation, RoleGrant, Staff
from quizsvc.web.guard import PUBLIC
from tests import make
from tests.conftest import NOON
from tests.support import ALLOWED_ON_GET, WRITES

PEOPLE = {
    "lin": ("class_teacher", "own"),
    "wang": ("class_teacher", "neighbour"),
    "tutor": ("counselor", "school"),
    "he": ("school_admin", "school"),
    "bureau": ("organizer", "county"),
    "outsider": ("organizer", "other county"),
    "stranger": ("class_teacher", "foreign"),
    "monitor": ("monitor", "own"),
    "auditor": ("auditor", "county"),
    "clerk": ("clerk", "county"),
    "witness": ("witness", "county"),
    "root": ("sysadmin", None),
    "nobody": None,
}
WHERE = ("own", "neighbour", "foreign", "school")
CONTEST_BLUEPRINTS = (
    "rulebook", "rules_desk", "contest", "review", "draw", "draw_desk", "prize", "prizes",
)  # fmt: skip
"""Blueprints whose `round_id` and `code` are those of the county's contest."""

CODES = [linkcode.compose(f"7K3M9{number}") for number in range(4)]
PHONE = "p" * 22
"""The secret of the phone that has the attempts of the own class: seat 2 is open, seat 3 is handed in."""

TOKEN = "a" * 40
FAR = 7_000_000
"""Numbers of the foreign county's rows begin here, so that one of them on a page or in a write tells where from."""

ISSUED = ("bulletin.issued", "bulletin.issued_file")
_AFTER_SUBMIT = ("attempt.result", "attempt.proof", "attempt.practice", "attempt.practice_answer")
_ARGUMENT = re.compile(r"<(?:[^:<>]*:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Place:
    """A unit with everything that hangs on it, by the name of the route's argument."""

    name: str
    path: str
    campaign_path: str
    ids: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a form."""

    name: str
    body: bytes
    mimetype: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class World:
    """The people by name, the places by where they lie from the own class."""

    people: dict[str, Staff]
    places: dict[str, Place]
    identities: dict[str, Identity | None]
    """Who they are to the guards; None is nobody."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A world as it was when it had just been made, with every row of every table as SQLite has it."""

    keys: bytes
    people: dict[str, int]
    world: World
    rows: dict[str, list[Any]]


_KEPT: dict[str, _Kept] = {}


def build(app: Flask) -> World:
    """Make the world, or on SQLite put its rows back: most tests of whole URL maps begin with it."""
    if db.engine.dialect.name != "sqlite" or db.session.scalars(select(Unit.id)).first() is not None:
        return _built(app)
    address, key_file = str(db.engine.url), app.config["SETTINGS"].key_file
    kept = _KEPT.get(address)
    if kept is None or not key_file.exists() or kept.keys != key_file.read_bytes():
        world = _built(app)
        ids = {name: person.id for name, person in world.people.items()}
        with db.engine.connect() as connection:
            rows = {
                table.name: list(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {table.name}")))
                for table in Base.metadata.sorted_tables
            }
        _KEPT[address] = kept = _Kept(key_file.read_bytes(), ids, world, rows)
    else:
        _put_back(kept.rows)
    people = {name: db.session.get_one(Staff, number) for name, number in kept.people.items()}
    places = {name: replace(place, ids=dict(place.ids)) for name, place in kept.world.places.items()}
    return replace(kept.world, people=people, places=places)


def _put_back(rows: Mapping[str, list[Any]]) -> None:
    db.session.rollback()  # it has looked, and would go on seeing the empty tables
    with db.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, lines in rows.items():
            if lines:
                marks = ", ".join("?" * len(lines[0]))
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", lines)


def _built(app: Flask) -> World:
    """Make two counties, two schools, three classes, one round in each county, and all the people."""
    county = make.a_county()
    school = make.a_school(county)
    own = make.a_class(school, code="703", name="七年级（3）班")
    neighbour = make.a_class(school, code="704", name="七年级（4）班", names=True)
    other_county = make.saved(
        Unit(id=FAR, parent_id=None, path="xh/", code="xh", name="新河县", kind="county", position=0,
             created_at=make.LONG_AGO)
    )  # fmt: skip
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(f"SELECT setval('roster_unit_id_seq', {FAR + 1})"))
    other_school = make.a_school(other_county, "xs", "新河中学")
    foreign = make.a_class(other_school, code="901", name="新河九年级（1）班", names=True)
    papers = make.a_paper()
    draft = _a_draft_of(papers)
    here = make.a_round(county, paper=papers, identity="roster", limit_s=1800)
    contest = _a_contest(county, here, papers)
    _sheets(county, here)
    there = make.a_round(
        other_county, id=FAR, paper=papers, identity="roster", title="新河专场",
        campaign=make.a_campaign(other_county, id=FAR, name="新河专题活动", organisers=["新河县公安局"]),
    )  # fmt: skip
    for round_, account in ((here, "阳光反诈"), (there, "新河反诈")):
        make.saved(
            OfficialAccount(
                campaign_id=round_.campaign_id, position=1, name=account, image=make.a_code("http://fz.test/")
            )
        )
    other_contest = _a_contest(other_county, there, papers, id=FAR + 1, title="新河反诈竞赛")
    _sheets(other_county, there, far=FAR + 2)
    units = {"own": own, "neighbour": neighbour, "school": school, "county": county, "foreign": foreign,
             "other county": other_county, None: None}  # fmt: skip
    people = {
        name: make.a_staff(name, name, (held[0], units[held[1]])) for name, held in PEOPLE.items() if held
    }
    places = {
        "own": _a_place("own", own, county, here, contest, draft.id, 0),
        "neighbour": _a_place("neighbour", neighbour, county, here, contest, draft.id, 1),
        "foreign": _a_place("foreign", foreign, other_county, there, other_contest, draft.id, 2),
        "school": _a_place("school", school, county, here, contest, draft.id, 3),
    }
    places["own"].ids.update(_of_the_phone(here, own))
    identities = {name: staff.identity_of(person.id, person.epoch) for name, person in people.items()}
    return World(people, places, {**identities, "nobody": None})


def _an_account_of(unit: Unit) -> tuple[Staff, int]:
    person = make.a_staff(f"of-{unit.id}", f"{unit.name}的老师", ("class_teacher", unit))
    return person, db.session.scalars(select(RoleGrant.id).where(RoleGrant.staff_id == person.id)).one()


def _a_draft_of(frozen: Paper) -> Draft:
    """A draft that a form of the paper's items can be shown of."""
    names = [f"{one['bank']}/{one['item']['code']}" for one in frozen.content["items"]]
    return make.saved(
        Draft(code="draft", kind="quiz", title="草稿", audience=None, banks=["test"], rules=[],
              fixed=[{"item": name, "points": 10} for name in names], revision=1, author="cli", updated_at=NOON,
              paper_id=None)
    )  # fmt: skip


def _a_sheet() -> dict[str, Any]:
    """One frozen notice for all, and a draft of the next."""
    draft_id = db.session.scalars(select(SheetDraft.id)).first()
    if draft_id is None:
        text = sheettext.write(make.a_document())
        draft_id = make.saved(
            SheetDraft(
                code="sheet-draft", kind="receipt", source=text, revision=1, author="cli", updated_at=NOON
            )
        ).id
        make.a_sheet_paper("receipt")
    paper_id = db.session.scalars(select(Paper.id).where(Paper.kind == "receipt")).first()
    return {"sheets.paper_id": paper_id, "sheets.draft_id": draft_id}


def _a_bulletin(beside: Any, county: Unit) -> dict[str, int]:
    """What the county has issued about the campaign, and the next one that it is writing."""
    campaign = db.session.get(Campaign, beside.campaign_id)
    written = db.session.scalars(
        select(bulletins.Draft).where(bulletins.Draft.campaign_id == campaign.id)
    ).first()
    issued = db.session.scalars(
        select(bulletins.Issued).where(bulletins.Issued.campaign_id == campaign.id)
    ).first()
    return {
        "bulletin.draft_id": (written or make.a_bulletin_draft(campaign, county)).id,
        "bulletin_id": (issued or make.a_bulletin(campaign, county)).id,
    }


def _a_contest(county: Unit, beside: Any, paper_: Paper, **changes: Any) -> Any:
    """A contest of the same campaign whose rules are announced and under revision."""
    campaign = db.session.get(Campaign, beside.campaign_id)
    made = make.a_contest(county, paper=paper_, campaign=campaign, **changes)
    content = rulebook.written(make.rules_of(made.rules.round, contact="阳光县教育局 96110"))
    make.saved(rules.Draft(round_id=made.round.id, content=content, saved_at=NOON, saved_by="cli"))
    drawn = make.a_draw(made.round)
    make.saved(Notice(draw_id=drawn.id, number=1, text="开奖推迟，改用下一期。", at=NOON, by="staff:999"))
    return made.round


def _a_place(
    name: str, unit: Unit, county: Unit, round_: Any, contest: Any, draft_id: int, number: int
) -> Place:
    is_class = unit.kind == "class"
    person, grant_id = _an_account_of(unit)
    link = make.a_link(round_, unit, code=CODES[number]) if is_class else None
    attempt = make.an_attempt(round_, unit, 1) if is_class else None
    token = f"token-{number}"
    make.saved(
        Invitation(staff_id=person.id, token_hash=staff.token_hash(token), created_at=NOON,
                   expires_at=NOON + timedelta(days=1))
    )  # fmt: skip
    enrolments = db.session.scalars(select(Enrolment.id).where(Enrolment.unit_id == unit.id)).all()
    return Place(
        name,
        unit.path,
        county.path,
        {
            **{f"{one}.round_id": contest.id for one in CONTEST_BLUEPRINTS},
            **{f"{one}.code": contest.code for one in CONTEST_BLUEPRINTS},
            "rulebook.number": 1,
            "rules_hash": rulebook.content_hash(db.session.get(rules.Draft, contest.id).content),
            "draw_id": db.session.scalars(select(Draw.id).where(Draw.round_id == contest.id)).one(),
            "draw.file": "entries.txt",
            **_a_prize(contest, number),
            **_a_receipt(round_, unit, number),
            **_a_survey(round_, unit, number),
            "participant_id": _a_flagged_player(contest, unit),
            "verdict": "restored",
            "request_id": _a_request(attempt) if attempt else 0,
            "requests.decide_for_player.request_id": _a_request_of_a_player(contest, unit),
            "attempt.me.code": contest.code,
            "attempt.play.code": db.session.scalars(
                select(Link.code).where(Link.round_id == contest.id)
            ).first(),
            "attempt.change_phone.code": contest.code,
            "decision": "refuse",
            "unit_id": unit.id,
            "round_id": round_.id,
            "campaign_id": round_.campaign_id,
            "paper_id": round_.paper_id,
            "draft_id": draft_id,
            **_a_sheet(),
            **_a_bulletin(round_, county),
            "paper.part": "key",
            "position": 1,
            "seat": 1,
            "enrolment_id": enrolments[0] if enrolments else 0,
            "staff_id": person.id,
            "grant_id": grant_id,
            "token": token,
            "attempt_id": attempt.id if attempt else "none",
            "receipt": attempt.receipt if attempt else "none",
            "poster_number": link.poster_number if link else "2026-0001",
            "form": "xlsx",
            "bulletin.form": "docx",
            "name": "desk.css",
            "report.code": "test",
            "bank.code": "test",
            "bank.item_code": "brushing-01",
            "attempt.code": CODES[number],
            "roster.form": "seats",
        },
    )


def _sheets(county: Unit, beside: Any, far: int | None = None) -> None:
    """Rounds of receipts, of opinions and of what is adopted in the same campaign."""
    campaign = db.session.get(Campaign, beside.campaign_id)
    titles = {"receipt": "家长回执", "survey": "问卷", "adoption": "反诈工具使用情况"}
    for number, (kind, title) in enumerate(titles.items()):
        numbered = {} if far is None else {"id": far + number}
        make.a_sheet_round(county, kind, campaign=campaign, title=f"{county.name}{title}", **numbered)


def _sheet_round(beside: Any, kind: str) -> Round:
    return db.session.scalars(
        select(Round).where(Round.campaign_id == beside.campaign_id, Round.kind == kind)
    ).one()


def _a_receipt(beside: Any, unit: Unit, number: int) -> dict[str, Any]:
    """In a class, what the guardian of seat 1 has signed; the phone has the one of the own class."""
    round_ = _sheet_round(beside, "receipt")
    ids = {"declarations.round_id": round_.id, **_an_adoption(beside, unit)}
    if unit.kind != "class":
        return {**ids, "declaration.code": CODES[0], "declaration.receipt": "none", "declaration_id": "none"}
    code, ring = linkcode.compose(f"7K3D9{number}"), vault.kept_ring(current_app.config["SETTINGS"].key_file)
    link, row = make.a_link(round_, unit, code=code), f"signed{number:018}"
    signed = make.a_declaration(
        round_, unit, id=row, link_id=link.id, name=ring.seal("李大海", place=declared.place_of("name", row)),
        **({"device_hash": declared.device_hash(PHONE)} if number == 0 else {}),
    )  # fmt: skip
    return {
        **ids,
        "declaration.code": code,
        "declaration.receipt": signed.receipt,
        "declaration_id": signed.id,
    }


def _an_adoption(beside: Any, unit: Unit) -> dict[str, Any]:
    """In a class, what seat 1 has adopted, and how many live there."""
    round_ = _sheet_round(beside, "adoption")
    if unit.kind == "class":
        items = (declared.Item(0, "adopted", 3, "declared"), declared.Item(1, "na", 0, "declared"))
        make.a_declaration(round_, unit, items=items)
        make.saved(
            Population(
                round_id=round_.id, unit_id=unit.id, people=90, source="村里统计", set_at=NOON, set_by="cli"
            )
        )
    names = ("adoption", "set_population", "set_total", "verify", "unverify")
    return {f"declarations.{name}.round_id": round_.id for name in names}


def _a_survey(beside: Any, unit: Unit, number: int) -> dict[str, Any]:
    """The door of a class to the opinions of its campaign."""
    round_ = _sheet_round(beside, "survey")
    if unit.kind != "class":
        return {"surveys.round_id": round_.id, "survey.code": CODES[0]}
    code = linkcode.compose(f"7K3S9{number}")
    make.a_link(round_, unit, code=code)
    return {"surveys.round_id": round_.id, "survey.code": code}


def _a_flagged_player(contest: Any, unit: Unit) -> int:
    """Somebody who stood out, whose score does not count, and who has objected."""
    head = make.saved(Participant(round_id=contest.id, unit_id=unit.id, extension_s=0, created_at=NOON))
    here: dict[str, Any] = {"round_id": contest.id, "participant_id": head.id}
    make.saved(
        Player(**here, device_hash=f"{head.id:064}", nickname="青禾同学", place_id=None, trade_id=None, role="",
               entry_id=f"FLAGGED{head.id:09}", joined_at=NOON)
    )  # fmt: skip
    make.saved(contests.Flag(**here, kind="same_device", detail={"players": 3}, found_at=NOON))
    ruling = make.saved(
        contests.Ruling(
            **here, verdict="excluded", cause="other", reason="代人答题，已核实", at=NOON, by="cli"
        )
    )
    make.saved(
        contests.Appeal(ruling_id=ruling.id, round_id=contest.id, words="是我自己答的", at=NOON,
                        answer="已核对，维持", answered_at=NOON, answered_by="cli")
    )  # fmt: skip
    return head.id


def _a_prize(contest: Any, number: int) -> dict[str, Any]:
    """A prize of a contest that was passed on to somebody who has claimed it, a certificate, and the moves so far."""
    known: dict[str, Any] = {"round_id": contest.id, "tier": 2, "number": number + 1, "granted_at": NOON,
                             "claim_until": NOON + timedelta(days=9)}  # fmt: skip
    make.saved(
        prize.Award(**known, place=number + 1, entry_id=f"ENDED{number:011}", claim_code=f"CAFE000{number}",
                    ended_at=NOON, end_kind="declined", end_reason="本人来电说不要了", ended_by="staff:999")
    )  # fmt: skip
    code = f"BEEF00{number}"
    award = make.saved(
        prize.Award(**known, place=number + 9, entry_id=f"AWARD{number:011}",
                    claim_code=code + linkcode.check_character(code))
    )  # fmt: skip
    if db.session.get(prize.Move, (contest.id, "announced")) is None:
        make.saved(prize.Move(round_id=contest.id, stage="announced", at=NOON, by="staff:999"))
    ring = vault.kept_ring(current_app.config["SETTINGS"].key_file)
    sealed = {
        name: ring.seal(text, place=prizes.place(name, award.id))
        for name, text in (("phone", "13800138000"), ("name", "李明航"), ("guardian", "李大海"))
    }
    make.saved(
        prize.Claim(award_id=award.id, round_id=contest.id, phone_hash=f"{number:064}", shown="李*航 138****8000",
                    claimed_at=NOON, **sealed)
    )  # fmt: skip
    if number == 1:
        make.saved(prize.Handover(award_id=award.id, at=NOON, how="counter", by="staff:999"))
    certificate = f"CERTF1CATE0{number}"
    make.saved(
        prize.Certificate(
            code=certificate, round_id=contest.id, participant_id=None, title="达标", issued_at=NOON
        )
    )
    return {
        "award_id": award.id,
        "move": "hand-out",
        "prize.number": certificate,
        "claim_code": award.claim_code,
    }


def _a_request(attempt: Attempt) -> int:
    row = Request(
        round_id=attempt.round_id, unit_id=attempt.unit_id, attempt_id=attempt.id, receipt_hash="0" * 64,
        kind="delete", reason="", note=f"{attempt.receipt} 的附言", state="open", asked_at=NOON, answer="",
        decided_at=None, decided_by=None, done_at=None,
    )  # fmt: skip
    return int(make.saved(row).id)


def _a_request_of_a_player(contest: Any, unit: Unit) -> int:
    row = Request(
        round_id=contest.id, unit_id=unit.id, attempt_id=None, receipt_hash="1" * 64, kind="delete", reason="", note="",
        state="open", asked_at=NOON, answer="", decided_at=None, decided_by=None, done_at=None,
    )  # fmt: skip
    return int(make.saved(row).id)


def _of_the_phone(round_: Any, unit: Unit) -> dict[str, Any]:
    """What the phone may open: an attempt that runs, one that is over, and a seat of the teacher's to change."""
    mine = device_hash(PHONE)
    running = make.an_attempt(round_, unit, 2, submitted_at=None, device_hash=mine)
    over = make.an_attempt(round_, unit, 3, device_hash=mine, score=20, correct=[True, False, True])
    return {"attempt_id": running.id, "seat.seat": 2} | {
        f"{name}.attempt_id": over.id for name in _AFTER_SUBMIT
    }


def known(ids: Mapping[str, Any], endpoint: str, name: str) -> Any:
    """Return what stands for a name at an endpoint: its own value, its blueprint's, or everybody's; None is none."""
    keys = (f"{endpoint}.{name}", f"{endpoint.partition('.')[0]}.{name}", name)
    return next((ids[key] for key in keys if key in ids), None)


def arguments(rule: Rule, place: Place) -> dict[str, str]:
    """Return the arguments of a route as they stand in its address."""
    values = {name: known(place.ids, rule.endpoint, name) for name in rule.arguments}
    missing = [name for name, value in values.items() if value is None]
    assert not missing, (
        f"{rule.endpoint} has an argument that is not known: {missing}; add it to tests/world.py"
    )
    return {name: str(value) for name, value in values.items()}


def written(rule: Rule, values: Mapping[str, bytes]) -> bytes:
    """Write the octets of an address with arguments that may be of no sound kind at all."""
    parts = _ARGUMENT.split(rule.rule)
    return b"".join(values[part] if place % 2 else part.encode() for place, part in enumerate(parts))


def address(rule: Rule, place: Place) -> str:
    """Write the address of a route at a place."""
    values = {name: value.encode() for name, value in arguments(rule, place).items()}
    return quote(written(rule, values))


def with_ids(place: Place, **ids: Any) -> Place:
    """Return the same place with other ids, which are then every endpoint's."""
    others = {name: value for name, value in place.ids.items() if name.rpartition(".")[2] not in ids}
    return replace(place, ids={**others, **ids})


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Walk the URL map: every route with every method of its own."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods))):
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield rule, method


def access_of(app: Flask, rule: Rule) -> Any:
    """Return what a route declares: a permission, or PUBLIC."""
    return app.view_functions[rule.endpoint].access  # type: ignore[attr-defined]  # declared by web.guard


def governing_path(rule: Rule, place: Place) -> str | None:
    """The unit whose permission decides; None when the permission anywhere is enough."""
    if rule.arguments & {"unit_id", "staff_id", "grant_id", "enrolment_id", "request_id"}:
        return place.path
    of_the_county = rule.endpoint.startswith("bulletin.") and "draft_id" in rule.arguments
    if of_the_county or rule.arguments & {"campaign_id", "round_id", "bulletin_id"}:
        return place.campaign_path
    return None


def permitted(rule: Rule, access: Any, person: Identity | None, place: Place) -> bool:
    """Say whether the table lets somebody in here."""
    path = governing_path(rule, place)
    mine = scopes(person, access)
    # a picture printed on posters of every class of the campaign, a list of whatever of a round is mine, and what a
    # unit issues for those under it
    if rule.endpoint in ("campaign.account_image", "declarations.units", *ISSUED):
        return any(one.startswith(path) or path.startswith(one) for one in mine)
    return bool(mine) if path is None else permits(person, access, path)


def who_may(app: Flask, world: World, rule: Rule, place: Place) -> list[str]:
    """List the people who may enter a guarded route here."""
    access = access_of(app, rule)
    if access == PUBLIC:
        return []
    return [name for name in world.people if permitted(rule, access, world.identities[name], place)]


def signed_cookie(app: Flask, person: Staff | None, token: str = TOKEN) -> str:
    """Write the cookie of somebody who has just signed in and whose forms carry `token`."""
    seen = int(clock.now().timestamp())
    session: dict[str, Any] = {"csrf_token": token}
    if person is not None:
        session |= {"_user_id": f"{person.id}:{person.epoch}", "since": seen, "seen": seen}
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(session)}"


def signed_token(app: Flask, token: str = TOKEN) -> str:
    """Write the token of the forms of that session."""
    return str(URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(token))


def plain_fields(place: Place, school: Place) -> dict[str, Any]:
    """Return what a reasonable person would type into every field there is, by its name."""
    ids = place.ids
    open_attempt = db.session.get(Attempt, ids["attempt_id"])
    over = db.session.get(Attempt, ids.get("attempt.practice_answer.attempt_id", "none"))
    frozen = paper.frozen(ids["paper_id"])
    tokens: dict[str, str] = {}
    if open_attempt is not None:
        tokens = _tokens(frozen, open_attempt.form, open_attempt.seed)
        tokens |= {f"n{name[1:]}": "1" for name in tokens}
    if over is not None:  # its second item is the one that was missed
        shown = _tokens(frozen, [(over.form[1][0], 1)], f"{over.seed}|practice|0")
        tokens["attempt.practice_answer.q1"] = shown["q1"]
    return {
        **tokens,
        "seat": "2", "s": "", "resume": "R0000000", "step": "0", "minutes": "10", "reason": "家里有事，老师同意",
        "roster.seat": "1", "term": make.TERM, "expected": "3", "pasted": "班级,座号\n七年级（3）班,1\n",
        "place": "校门口", "paper.place": "0", "attempt.place": "0",
        "trade": "0", "nickname": "小雨点", "attempt.role": "", "round_id": str(ids["round_id"]),
        "unit_id": str(ids["unit_id"]),
        "link.unit_id": str(school.ids["unit_id"]), "unit_ids": str(ids["unit_id"]), "paper_id": str(ids["paper_id"]),
        "campaign.new_campaign.unit_id": str(school.ids["unit_id"]),
        "closes_at": "2026-12-24T18:00", "opens_at": "2026-12-13T08:00", "target_on": "2026-12-30",
        "erase_on": "2027-03-01", "target_percent": "100", "organisers": "阳光县教育局", "hotline": "96110",
        "identity": "seat", "limit_min": "30", "attempts": "3", "counted": "best", "threshold_percent": "80",
        "review_after_submit": "score", "review_after_close": "score", "code": "a-new-one", "name": "新的一个",
        "title": "新的标题", "image": Upload("code.png", make.a_code("http://fz.test/"), "image/png"),
        "bank.pasted": "1. 怎么做最稳妥？\nA. 先付一点\nB. 停下来问老师\n答案：B\n", "topic": "brushing",
        "audience": "junior", "difficulty": "1", "source": "课堂", "item": "test/brushing-01",
        "bank.item": "brushing-01", "number": "1", "opened": "1", "kind": "single_choice", "stem": "接到电话怎么办？",
        "option1": "挂断后告诉老师", "option2": "先付一点试试", "option3": "转给同学一起做", "key1": "on",
        "belief2": "first_payout_real", "trick": "先给小利。", "tell": "要先付钱。", "action": "停下，告诉老师。",
        "reviewed_on": "2026-11-15", "start": "", "revision": "1", "draws_from": "test", "count": "1", "points": "10",
        "by": "-1", "bank": "test", "login": "new-teacher", "staff.people_give.login": "monitor",
        "role": "school_admin", "password": "correct-horse-27", "repeated": "correct-horse-27", "current": "x",
        "unit": str(ids["unit_id"]), "audience.0": "junior", "item_code": "brushing-01",
        **_of_the_rules(ids), **_of_the_bulletin(),
        "sheets.start": "survey", "sheets.text": sheettext.write(make.a_document("pledge")),
        "review.words": "查过了，是现场活动", "review.cause": "too_fast", "review.player": str(ids["participant_id"]),
        "prizes.kind": "declined", "prizes.code": ids["claim_code"], "prize.claim_code": ids["claim_code"],
        "declaration.yes": "yes", "declaration.name": "王秀英", "declaration.by": "", "strokes": "", "helped": "1",
        "declarations.yes": "2", "declarations.on": "2026-12-11", "declarations.seen": "1-0", "declarations.item": "0",
        "declarations.people": "90", "declarations.adopted": "60", "declarations.counted_on": "2026-12-11",
        "declarations.source": "入户登记", "declarations.entered_at": NOON.isoformat(),
        "survey.q0": "0", "survey.q1": "3", "survey.q2": "多讲几个例子", "survey.shown": "0,1,2",
        "sure": "1", "requests.answer": "核对过了，没有问题", "prize.phone": "13900139000", "prize.name": "周周",
    }  # fmt: skip


def _of_the_bulletin() -> dict[str, Any]:
    plain = {
        "seen": make.OPENS.isoformat(),
        "period": "week",
        "listing": "all",
        "dated_on": "2026-12-12",
        "title": "通报",
    }
    return {f"bulletin.{name}": value for name, value in plain.items()}


def _of_the_rules(ids: Mapping[str, Any]) -> dict[str, Any]:
    """The forms of the rules of a contest: three prizes, three public values, and what goes with publishing."""
    rows = {f"tiers-{row}-by": "draw" for row in range(3)}
    rows |= {
        f"tiers-{row}-{name}": "1" for row in range(3) for name in ("name", "item", "number", "value_yuan")
    }
    rows |= {f"sources-{row}-name": f"双色球 {row} 期" for row in range(3)}
    rows |= {f"sources-{row}-kind": "lottery" for row in range(3)}
    rows |= {f"sources-{row}-at": "2026-12-27T08:00" for row in range(3)}
    plain = {
        "seen": NOON.isoformat(), "step": "save", "strategy": "best", "board": "open", "minors": "y",
        "qualifies": "100，90", "published_days": "5", "claim_days": "30", "board_least": "30",
        "draw_at": "2026-12-28T10:00", "board_freezes_at": "2026-12-19T10:00",
        "looked_at": ids["rules_hash"], "after": "1", "confirmation": ids["rulebook.code"],
    }  # fmt: skip
    return {f"rules_desk.{name}": value for name, value in {**rows, **plain}.items()}


def _tokens(frozen: paper.FrozenPaper, form: Any, seed: str) -> dict[str, str]:
    view = paper.view(frozen, tuple((index, points) for index, points in form), seed)
    return {f"q{item.position}": item.options[0].token for item in view.items}


class Ledger:
    """What requests would have kept: the tables of the slices that each commit wrote."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.parameters: list[str] = []

    def clear(self) -> None:
        """Begin with the next request."""
        self.commits.clear()
        self.parameters.clear()


@contextmanager
def nothing_is_kept(app: Flask) -> Iterator[Ledger]:
    """Let no commit reach the database, so that one request does not change the next one's world; note what it wrote.

    What a request has written is there until its end: a view reads it again.
    """
    ledger, watch = Ledger(), app.extensions["watch"]
    committed = Session.commit

    def note(session: Session) -> None:
        session.flush()
        tables = [table for table in watch.unsaved if not table.startswith(ALLOWED_ON_GET)]
        if tables:
            ledger.commits.append(tables)
        watch.unsaved.clear()

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        if WRITES.match(statement):
            ledger.parameters.append(repr(parameters))

    def begin(_app: Flask) -> None:
        db.session.rollback()

    Session.commit = note  # type: ignore[method-assign]
    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        with request_started.connected_to(begin, app):
            yield ledger
    finally:
        Session.commit = committed  # type: ignore[method-assign]
        event.remove(db.engine, "before_cursor_execute", hear)
        db.session.rollback()


def fingerprint() -> int:
    """Hash every row of every table of the slices; what the audit and the throttle keep is left out."""
    tables = [table for table in Base.metadata.sorted_tables if not table.name.startswith(ALLOWED_ON_GET)]
    with db.engine.connect() as connection:
        return hash(tuple(repr(sorted(map(repr, connection.execute(select(table))))) for table in tables))
