"""Sends hostile requests into the application and says what is wrong with an answer."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule

from quizsvc.db import db
from quizsvc.web.guard import PUBLIC
from quizsvc.web.incoming import Incoming
from tests.patience import in_time
from tests.security.hostile import CORPUS, ECHO, SET, Asked, Hostile, Plain, sent
from tests.world import (
    PHONE,
    TOKEN,
    Ledger,
    Place,
    World,
    access_of,
    arguments,
    known,
    plain_fields,
    routes,
    signed_cookie,
    signed_token,
    who_may,
    written,
)

MOST_S = 1.0
HOST = "fz.test"
_SEAL = re.compile(r'name="seal"[^>]*value="([^"]+)"')
INSIDE = (b"Traceback (most recent", b"site-packages", b"sqlalchemy", b"psycopg", b"werkzeug", b"quizsvc/")


def send(app: Flask, asked: Asked) -> Any:
    """Send one request past every check that a client library would make."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path.decode("latin-1"),
        "QUERY_STRING": asked.query.decode("latin-1"),
        "HTTP_HOST": HOST,
        "wsgi.input": io.BytesIO(asked.body),
        "CONTENT_LENGTH": str(len(asked.body)),
    }
    if asked.content_type is not None:
        environ["CONTENT_TYPE"] = asked.content_type
    client = app.test_client(use_cookies=False)
    return client.open("/", environ_overrides=environ | dict(asked.headers or {}))


class _Heard(ImmutableMultiDict[str, Any]):
    """Fields that remember which of them somebody asked for."""

    def __init__(self, fields: Any, names: dict[str, None]) -> None:
        super().__init__(fields)
        self.asked_for = names

    def __getitem__(self, name: str) -> Any:
        self.asked_for[name] = None
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked_for[str(name)] = None
        return super().__contains__(name)

    def getlist(self, name: str, *convert: Any) -> list[Any]:  # type: ignore[override]
        self.asked_for[name] = None
        return super().getlist(name, *convert)


@contextmanager
def listening(app: Flask) -> Iterator[tuple[dict[str, None], dict[str, None]]]:
    """Note which names of the query and which fields requests ask for."""
    names: dict[str, None] = {}
    fields: dict[str, None] = {}

    class Listening(Incoming):
        @cached_property
        def args(self) -> Any:
            return _Heard(super().args, names)

        @cached_property
        def form(self) -> Any:
            return _Heard(super().form, fields)

        @cached_property
        def files(self) -> Any:
            return _Heard(super().files, fields)

    before, app.request_class = app.request_class, Listening
    try:
        yield names, fields
    finally:
        app.request_class = before


@dataclass(frozen=True, slots=True)
class Target:
    """A route with one method, its plain request as each person who may enter, and as strangers."""

    label: str
    usual: int
    plains: Mapping[str, Plain]

    @property
    def any_plain(self) -> Plain:
        """Return the request of the first who may enter."""
        return next(iter(self.plains.values()))

    def plain(self, number: int) -> tuple[str, Plain]:
        """Choose a person, in turn; every eighth is a stranger, whom a guarded route hardly lets in at all."""
        name = list(self.plains)[-1 if number % 8 == 7 else number % max(len(self.plains) - 1, 1)]
        return name, self.plains[name]


def targets(app: Flask, world: World, place: Place, label: str = "") -> list[Target]:
    """Return every route, or one, with the query names and the fields its view asks for when all is well."""
    fields = plain_fields(place, world.places["school"])
    fields |= seals(app, world, place, fields)
    token = signed_token(app, TOKEN)
    cookies = {name: signed_cookie(app, person) for name, person in world.people.items()}
    nobody = {"HTTP_COOKIE": signed_cookie(app, None), "HTTP_X_CSRFTOKEN": token}
    found = []
    for rule, method in routes(app):
        if label not in ("", f"{method} {rule.rule}"):
            continue
        people = {name: nobody | {"HTTP_COOKIE": cookies[name]} for name in who_may(app, world, rule, place)}
        if access_of(app, rule) == PUBLIC:
            people = {"the phone": nobody | {"HTTP_COOKIE": f"phone={PHONE}; {nobody['HTTP_COOKIE']}"}}
        people["a stranger"] = nobody
        found.append(_target(app, rule, method, place, people, fields))
    return found


def seals(app: Flask, world: World, place: Place, fields: Mapping[str, Any]) -> dict[str, str]:
    """Preview an import of each kind, and return what its confirmation has to show."""
    previews = {
        "bank": ("bureau", "/staff/banks/test/import/preview", ("pasted", "topic", "audience", "difficulty")),
        "roster": ("he", f"/staff/roster/{place.ids['unit_id']}/preview", ("pasted", "term")),
    }
    found = {}
    for slice_, (name, path, told) in previews.items():
        cookie = {
            "HTTP_COOKIE": signed_cookie(app, world.people[name]),
            "HTTP_X_CSRFTOKEN": signed_token(app),
        }
        typed = [(field, known(fields, f"{slice_}.preview", field)) for field in told]
        page = send(app, sent(Asked("POST", path.encode(), headers=cookie), typed)).text
        found[f"{slice_}.seal"] = _SEAL.findall(page)[0]
    return found


def _target(
    app: Flask, rule: Rule, method: str, place: Place, people: Mapping[str, Mapping[str, str]], fields: Any
) -> Target:
    values = {name: value.encode() for name, value in arguments(rule, place).items()}
    chosen = {
        name.rpartition(".")[2]: known(fields, rule.endpoint, name.rpartition(".")[2]) for name in fields
    }
    bare = {name: Asked(method, written(rule, values), headers=headers) for name, headers in people.items()}
    heard = _heard(app, f"{method} {rule.rule}", next(iter(bare.values())), chosen)
    told = [(name, chosen.get(name) or "") for name in heard.fields]
    plains = {
        name: Plain(
            asked=sent(asked, told) if method == "POST" else asked,
            arguments=values,
            write=lambda octets: written(rule, octets),
            names=heard.names,
            fields=told,
        )
        for name, asked in bare.items()
    }
    return Target(f"{method} {rule.rule}", heard.usual, plains)


@dataclass(frozen=True, slots=True)
class _Listened:
    usual: int
    names: tuple[str, ...]
    fields: tuple[str, ...]


_KNOWN: dict[str, _Listened] = {}


def _heard(app: Flask, label: str, asked: Asked, chosen: Mapping[str, Any]) -> _Listened:
    """Ask once with every field there is, and hear which of them the view asks for."""
    if label not in _KNOWN:
        token = dict(asked.headers or {})["HTTP_X_CSRFTOKEN"]
        fields = [(name, value) for name, value in chosen.items() if value is not None]
        with listening(app) as (names, read):
            usual = send(
                app, sent(asked, [*fields, ("csrf_token", token)]) if asked.method == "POST" else asked
            )
        told = tuple(name for name in read if name != "csrf_token") if asked.method == "POST" else ()
        _KNOWN[label] = _Listened(usual.status_code, tuple(names), told)
    return _KNOWN[label]


@dataclass(frozen=True, slots=True)
class Trial:
    """One hostile request to be made."""

    target: Target
    person: str
    hostile: str
    asked: Asked


def trials(found: Sequence[Target], corpus: Sequence[Hostile] = tuple(CORPUS)) -> Iterator[Trial]:
    """Walk all classes x all routes x all variants; the person changes from one to the next."""
    for place, target in enumerate(found):
        for number, hostile in enumerate(corpus):
            if hostile.only_posts and not target.label.startswith("POST"):
                continue
            person, plain = target.plain(place + number)
            for asked in hostile.variants(plain):
                yield Trial(target, person, hostile.name, asked)


def thinned(
    found: Sequence[Target], every: int, corpus: Sequence[Hostile] = tuple(CORPUS)
) -> Iterator[Trial]:
    """Walk every class over every `every`-th route, another one for each class, with one variant of each."""
    for place, target in enumerate(found):
        for number, hostile in enumerate(corpus):
            if (place + number) % every or (hostile.only_posts and not target.label.startswith("POST")):
                continue
            person, plain = target.plain((place + number) // every)
            variants = list(hostile.variants(plain))
            yield Trial(target, person, hostile.name, variants[(place + number) // every % len(variants)])


def faults(app: Flask, trial: Trial, ledger: Ledger) -> list[str]:
    """Make a request and say everything that is wrong with its answer."""
    ledger.clear()
    begun = process_time()
    answer = send(app, trial.asked)
    took = process_time() - begun
    if not in_time(took, MOST_S):  # a collection of garbage may fall into one try, not into two
        begun = process_time()
        answer = send(app, trial.asked)
        took = process_time() - begun
        ledger.commits[:] = ledger.commits[-1:]
    wrong = [*_of_state(answer, trial.target.usual, ledger), *_of_answer(answer, trial.asked)]
    if not in_time(took, MOST_S):
        wrong.append(f"took {took:.1f} s")
    try:
        db.session.rollback()
    except SQLAlchemyError as error:
        wrong.append(f"left a broken session: {error}")
    return [f"{trial.hostile} on {trial.target.label} as {trial.person}: {one}" for one in wrong]


def _of_state(answer: Any, usual: int, ledger: Ledger) -> Iterator[str]:
    if answer.status_code >= 500 and answer.status_code != usual:  # not ready is what an old database is
        yield f"answered {answer.status_code}"
    if answer.status_code >= 400 and ledger.commits:
        yield f"answered {answer.status_code} and kept {ledger.commits}"
    if len(ledger.commits) > 1:
        yield f"committed in pieces: {ledger.commits}"


def _of_answer(answer: Any, asked: Asked) -> Iterator[str]:
    body = answer.get_data()
    if answer.headers.get("Content-Encoding") is None:
        if ECHO in body and answer.mimetype in ("text/html", "image/svg+xml", "application/xml"):
            yield "sent markup back"
        if answer.mimetype.startswith("text/") and any(word in body for word in INSIDE):
            yield "showed its inside"
    if SET in answer.headers:
        yield "let a header in"
    location = answer.headers.get("Location", "")
    host = dict(asked.headers or {}).get("HTTP_HOST", HOST)
    if location and (urlsplit(location).netloc not in ("", host) or location.startswith(("//", "/\\"))):
        yield f"led to {location}"
    if "Content-Security-Policy" not in answer.headers:
        yield "had no policy"


def swept(app: Flask, chosen: Iterable[Trial], ledger: Ledger) -> tuple[int, list[str]]:
    """Make all requests; return how many there were and what was wrong."""
    count, wrong = 0, list[str]()
    for trial in chosen:
        count += 1
        wrong += faults(app, trial, ledger)
        app.extensions["watch"].statements.clear()  # of tens of thousands of requests
    return count, wrong
