"""Everything odd that a client may send: one list of classes, each applied to any route of the URL map.

A class takes the plain request of a route, which would be granted, and returns it with one thing changed: an argument
of the address, a name of the query, a field, the whole body, a header or the method. Nothing here knows a route.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote_from_bytes

from itsdangerous import URLSafeTimedSerializer

from quizsvc.db import Base
from tests.world import Upload

MARK = "<i zq7>'\"&"
"""Markup that must come back as text."""

ECHO = b"<i zq7"
SET = "X-Zq7"
"""The header that a line break in a value would set."""

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "zq7boundary"
LARGEST = 256 * 1024

Fields = Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as raw as a client may send it: octets of the path before they are quoted, the query after."""

    method: str
    path: bytes
    query: bytes = b""
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] | None = None

    def with_headers(self, **headers: str) -> "Asked":
        """Return it with other variables of the WSGI environment."""
        return replace(self, headers={**(self.headers or {}), **headers})


@dataclass(frozen=True, slots=True)
class Plain:
    """A request that would be granted, with all that may be changed in it."""

    asked: Asked
    arguments: Mapping[str, bytes]
    write: Callable[[Mapping[str, bytes]], bytes]
    names: Sequence[str]
    fields: Fields

    def at(self, path: bytes) -> Asked:
        """Ask for another address."""
        return replace(self.asked, path=path)

    def query(self, query: bytes) -> Asked:
        """Ask with a query."""
        return replace(self.asked, query=query)

    def form(self, fields: Fields) -> Asked:
        """Send other fields in the way this form is sent."""
        return sent(self.asked, fields)

    def body(self, body: bytes, content_type: str | None = FORM) -> Asked:
        """Send these octets."""
        return replace(self.asked, body=body, content_type=content_type)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One class. `only_posts`: it lies in what is posted."""

    name: str
    variants: Callable[[Plain], Iterator[Asked]]
    only_posts: bool = False


def octets(value: Any) -> bytes:
    """Return a value as octets, also one that no encoding knows."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def urlencoded(fields: Fields) -> bytes:
    """Write fields as a form or a query does."""
    return b"&".join(
        f"{quote_from_bytes(octets(name))}={quote_from_bytes(octets(value))}".encode()
        for name, value in fields
    )


def multipart(fields: Fields) -> bytes:
    """Write fields as a form with files does; names and file names stand in it as they are."""
    written = []
    for name, value in fields:
        head = b'Content-Disposition: form-data; name="' + octets(name) + b'"'
        if isinstance(value, Upload):
            head += b'; filename="' + octets(value.name) + b'"\r\nContent-Type: ' + value.mimetype.encode()
            value = value.body
        written.append(b"--" + BOUNDARY.encode() + b"\r\n" + head + b"\r\n\r\n" + octets(value) + b"\r\n")
    return b"".join(written) + b"--" + BOUNDARY.encode() + b"--\r\n"


def sent(asked: Asked, fields: Fields) -> Asked:
    """Put fields into a request: as a form with files when there is a file."""
    if any(isinstance(value, Upload) for _, value in fields):
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return replace(asked, body=multipart(fields), content_type=kind)
    return replace(asked, body=urlencoded(fields), content_type=FORM)


VALUES: dict[str, bytes] = {
    name: octets(value)
    for name, value in {
        "NUL": "a\0b",
        "lone surrogate": "\ud800",
        "broken UTF-8": b"\xff\xfe\xc3(",
        "overlong": "长" * 3000 + MARK,
        "parents": "../../../../etc/passwd",
        "line break": f"x\r\n{SET}: 1\r\n\r\n{MARK}",
        "right to left and zero width": "\u202e\u200b\ufeff\u2066文" + MARK,
        "control characters": "\x01\x08\x1b[31m\x7f\x85",
        "astral plane": "\U0001f600\U000e0001\U0010ffff",
        "combining": "a" + "\u0301" * 2000,
        "10^30": "1" + "0" * 30,
        "2^31": str(2**31),
        "2^63": str(2**63),
        "5,000 digits": "9" * 5000,
        "negative": "-1",
        "zero": "0",
        "leading zeros": "000000000000000000002",
        "full-width digits": "１２",
        "Arabic digits": "١٢",
        "superscript digits": "²",
        "fraction": "1.5",
        "exponent": "1e9",
        "NaN": "NaN",
        "infinity": "-Infinity",
        "underscored": "+1_0",
        "hexadecimal": "0x10",
        "nothing": "",
        "blanks": " \t\u3000\u00a0 ",
        "markup": f"<script>alert(1)</script>{MARK}",
        "quoted attribute": f"\" onfocus=alert(1) autofocus x='{MARK}",
        "script address": f"javascript:alert(1)//{MARK}",
        "other site": "//evil.example/staff/",
        "SQL": f"1' OR '1'='1'; DROP TABLE roster_unit;--{MARK}",
        "pattern": "%_\\%' ESCAPE '",
        "template": "{{7*7}}{% for a in b %}${7*7}#{7}",
        "format": "%s%s%n%(x)s{0.__class__}{x!r}",
        "formula": "=cmd|'/c calc'!A0",
        "JSON": '{"$gt":"","seat":[1,{"a":null}]}',
        "null": "null",
        "boolean": "true",
        "impossible date": "2026-02-30T25:61",
        "first year": "0001-01-01T00:00",
        "last year": "9999-12-31T23:59",
        "first day": "0001-01-01",
        "last day": "9999-12-31",
        "long regular": "a" * 4000 + "!",
        "other width": "ＡＢＣ－１，【】",
    }.items()
}
"""What a value may be, anywhere."""


def _in_path(value: bytes, plain: Plain) -> Iterator[Asked]:
    for name in plain.arguments:
        yield plain.at(plain.write({**plain.arguments, name: value}))
    if not plain.arguments:
        yield plain.at(plain.asked.path.rstrip(b"/") + b"/" + value)


def _in_query(value: bytes, plain: Plain) -> Iterator[Asked]:
    for name in plain.names:
        yield plain.query(urlencoded([(name, value)]))
    if not plain.names:
        yield plain.query(urlencoded([("page", value), ("q", value)]))


def _in_field(value: bytes, plain: Plain) -> Iterator[Asked]:
    for place, (name, old) in enumerate(plain.fields):
        new = replace(old, body=value) if isinstance(old, Upload) else value
        yield plain.form([*plain.fields[:place], (name, new), *plain.fields[place + 1 :]])
    yield plain.form([(name, value) for name, _ in plain.fields])


def _fields(change: Callable[[Fields], Fields]) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([plain.form(change(plain.fields))])


def _query(write: Callable[[Sequence[str]], bytes]) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([plain.query(write([*plain.names, "page", "s"]))])


def _body(body: bytes, content_type: str | None = FORM) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([plain.body(body, content_type)])


def _headers(**headers: str) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([plain.asked.with_headers(**headers)])


def _method(method: str) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([replace(plain.asked, method=method)])


def _retyped(content_type: str | None) -> Callable[[Plain], Iterator[Asked]]:
    return lambda plain: iter([replace(plain.asked, content_type=content_type)])


def _cookie(change: Callable[[str], str]) -> Callable[[Plain], Iterator[Asked]]:
    """Change the value of each cookie of the request."""

    def variants(plain: Plain) -> Iterator[Asked]:
        cookies = [
            one.partition("=") for one in (plain.asked.headers or {}).get("HTTP_COOKIE", "").split("; ")
        ]
        changed = "; ".join(f"{name or 'quizsvc'}={change(value)}" for name, _, value in cookies)
        yield plain.asked.with_headers(HTTP_COOKIE=changed)

    return variants


def _part(name: bytes, rest: bytes) -> bytes:
    return b"--" + BOUNDARY.encode() + b"\r\nContent-Disposition: form-data; name=" + name + rest


COLUMNS = sorted({column.name for table in Base.metadata.sorted_tables for column in table.columns})
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FORGED = URLSafeTimedSerializer("x" * 40, salt="cookie-session").dumps({"_user_id": "1:1", "since": 2**40})
GZIPPED = base64.b64decode("H4sIAAAAAAAAA0tMSgYAwkEkNQMAAAA=")

QUERIES: dict[str, Callable[[Sequence[str]], bytes]] = {
    "every name twice": lambda names: urlencoded([(name, n) for name in names for n in ("1", "2")]),
    "10,000 parameters": lambda names: b"&".join(b"%s%d=1" % (names[0].encode(), n) for n in range(10_000)),
    "arrays": lambda names: b"&".join(b"%s[]=1&%s[0]=2" % (name.encode(), name.encode()) for name in names),
    "nested brackets": lambda names: names[0].encode() + b"[a]" * 2000 + b"=1",
    "broken percents": lambda names: b"&".join(name.encode() + b"=%&%zz=%u0041&=%f" for name in names),
    "broken names": lambda _: b"%ff=1&%00=1&%ed%a0%80=1",
    "only separators": lambda _: b"&&&===;;;&?&#",
    "raw octets": lambda names: names[0].encode() + b"=\xe4\xb8\xad\xff\x80",
    "60 KB": lambda names: names[0].encode() + b"=" + b"x" * 60_000,
    "names without values": lambda names: "&".join(names).encode(),
    "all columns": lambda _: urlencoded([(name, "1") for name in COLUMNS]),
}

FORMS: dict[str, Callable[[Fields], Fields]] = {
    "no field": lambda _: [],
    "every field three times": lambda fields: [one for one in fields for _ in range(3)],
    "fields as arrays": lambda fields: [(f"{name}[]", value) for name, value in fields],
    "fields as objects": lambda fields: [(f"{name}[a][b]", value) for name, value in fields],
    "mass assignment": lambda fields: [*fields, *((name, "100") for name in COLUMNS)],
    "mass assignment by table": lambda fields: [
        *fields, *((f"{table.name}.{column.name}", "1") for table in Base.metadata.sorted_tables
                   for column in table.columns)],
    "a field of 200 KB": lambda fields: [*fields[1:], (fields[0][0] if fields else "a", "x" * 200_000)],
    "a name of 100 KB": lambda fields: [*fields, ("n" * 100_000, "1")],
    "10,000 fields": lambda fields: [*fields, *((f"f{n}", "") for n in range(10_000))],
    "300 answers": lambda fields: [*fields, *((f"{kind}{n}", "1") for n in range(300) for kind in "nq")],
    "files for texts": lambda fields: [(name, Upload("../../x", octets(getattr(value, "body", value))))
                                       for name, value in fields],
    "texts for files": lambda fields: [(name, getattr(value, "body", value)) for name, value in fields],
    "a file without a name": lambda fields: [*fields, ("file", Upload("", b"")), ("image", Upload("", b""))],
    "a file named outside": lambda fields: [*fields, *((name, Upload("../../../etc/\0passwd", b"canary"))
                                                       for name in ("file", "image"))],
    "a name of quotes": lambda fields: [*fields, ('a";\r\nX-Zq7: 1\r\n\r\n"', "1"), ("file", Upload('"', b"1"))],
}  # fmt: skip

BODIES: dict[str, tuple[bytes, str | None]] = {
    "nothing at all": (b"", None),
    "an empty JSON": (b"", "application/json"),
    "a JSON object": (json.dumps(dict.fromkeys(COLUMNS, 1)).encode(), "application/json"),
    "a JSON null": (b"null", "application/json"),
    "a deep JSON": (b"[" * 100_000, "application/json"),
    "a JSON with surrogates": (b'{"seat":"\\ud800","n1":1e999}', "application/json"),
    "XML": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "application/xml"),
    "octets": (bytes(range(256)) * 4, "application/octet-stream"),
    "raw octets as a form": (bytes(range(256)) * 4, FORM),
    "a form of separators": (b"&=&=;&%&%%&" * 500, FORM),
    "more than is taken": (b"a=" + b"x" * (LARGEST + 1), FORM),
    "parts without a boundary": (multipart([("a", "1")]), "multipart/form-data"),
    "parts with an empty boundary": (multipart([("a", "1")]), "multipart/form-data; boundary="),
    "parts with another boundary": (multipart([("a", "1")]), "multipart/form-data; boundary=other"),
    "parts with a strange boundary": (multipart([("a", "1")]), "multipart/form-data; boundary=\xff\xfe(\\"),
    "half a part": (_part(b'"seat"', b"\r\n\r\n1"), MULTIPART),
    "a part without an end of its head": (_part(b'"seat"', b"; x=y"), MULTIPART),
    "a part without a name": (_part(b"", b"\r\n\r\n1\r\n--zq7boundary--"), MULTIPART),
    "a part with a huge head": (_part(b'"a"', b"\r\nX: " + b"y" * 100_000 + b"\r\n\r\n1"), MULTIPART),
    "3,000 parts": (multipart([(f"f{n}", "") for n in range(3000)]), MULTIPART),
    "a part in another encoding": (
        _part(b'"seat"', b"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+AGEAYg-\r\n--zq7boundary--"), MULTIPART),
    "parts within parts": (
        _part(b'"a"', b"\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n1\r\n--b--"), MULTIPART),
    "a part in base64": (
        _part(b'"seat"', b"\r\nContent-Transfer-Encoding: base64\r\n\r\n====\r\n--zq7boundary--"), MULTIPART),
}  # fmt: skip

HEADERS: dict[str, dict[str, str]] = {
    "no Host": {"HTTP_HOST": ""},
    "another Host": {"HTTP_HOST": "evil.example"},
    "a broken Host": {"HTTP_HOST": "fz.test:99999999/<i zq7>@\xff"},
    "a bracketed Host": {"HTTP_HOST": "[::1"},
    "forwarded": {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_PROTO": "javascript",
                  "HTTP_X_FORWARDED_FOR": "' OR 1=1", "HTTP_FORWARDED": "for=\"[::\";host=evil.example",
                  "HTTP_X_FORWARDED_PREFIX": "//evil.example"},
    "rewritten": {"HTTP_X_ORIGINAL_URL": "/staff/people", "HTTP_X_REWRITE_URL": "/staff/people"},
    "odd Accept": {"HTTP_ACCEPT": "text/plain;q=NaN, */*;q=-1, ;;;, a/b;q=9e999" + ", x/y" * 3000},
    "odd Accept-Encoding": {"HTTP_ACCEPT_ENCODING": "gzip;q=0, \xff, *;q=2, identity;q=zq7"},
    "odd Accept-Language": {"HTTP_ACCEPT_LANGUAGE": "../../zh;q=\u00b2, -, zh-" + "x" * 5000},
    "ranges": {"HTTP_RANGE": "bytes=-1,0-0,9999999999999999999999-,5-1," + "0-1," * 2000,
               "HTTP_IF_RANGE": "\xff"},
    "odd If-None-Match": {"HTTP_IF_NONE_MATCH": 'W/"\xff", *, ""' + ', "x"' * 3000},
    "odd dates": {"HTTP_IF_MODIFIED_SINCE": "Thu, 99 Foo 0000 99:99:99", "HTTP_DATE": "\xff"},
    "a method in a header": {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE", "HTTP_X_METHOD_OVERRIDE": "PUT"},
    "chunked without chunks": {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
    "a longer Content-Length": {"CONTENT_LENGTH": "100000"},
    "a shorter Content-Length": {"CONTENT_LENGTH": "1"},
    "a negative Content-Length": {"CONTENT_LENGTH": "-1"},
    "a worded Content-Length": {"CONTENT_LENGTH": "\xb2"},
    "an endless Content-Length": {"CONTENT_LENGTH": "1" + "0" * 30},
    "a broken Origin": {"HTTP_ORIGIN": "http://[::1"},
    "a worded Origin": {"HTTP_ORIGIN": "\xff<i zq7>", "HTTP_REFERER": "http://[::1"},
    "a broken Referer": {"HTTP_REFERER": "http://[<i zq7>\xff"},
    "odd Sec-Fetch-Site": {"HTTP_SEC_FETCH_SITE": "\xff", "HTTP_SEC_FETCH_MODE": "x" * 5000},
    "called by a script": {"HTTP_X_REQUESTED_WITH": MARK},
    "a packed body": {"HTTP_CONTENT_ENCODING": "gzip", "HTTP_EXPECT": "200-ok"},
    "odd Authorization": {"HTTP_AUTHORIZATION": "Basic \xff====", "HTTP_PROXY_AUTHORIZATION": "Bearer"},
    "a long User-Agent": {"HTTP_USER_AGENT": "\x01" + MARK * 2000},
    "an odd token": {"HTTP_X_CSRFTOKEN": "\xff.\0." + "x" * 5000},
    "an odd path of the server": {"SCRIPT_NAME": "/../..\xff"},
    "another scheme": {"wsgi.url_scheme": "javascript"},
    "an odd address": {"REMOTE_ADDR": "fe80::1%<i zq7>"},
    "no address": {"REMOTE_ADDR": ""},
}  # fmt: skip

COOKIES: dict[str, Callable[[str], str]] = {
    "a cookie with a broken signature": lambda value: value[:-3] + "zzz",
    "a cookie of another key": lambda _: FORGED,
    "a cookie of 60 KB": lambda _: "x" * 60_000,
    "a cookie of raw octets": lambda value: f"\xff\xfe{value}",
    "a cookie of a packed nothing": lambda _: ".eJw=.zzz.zzz",
    "a cookie of quotes": lambda value: f'"\\377\\0{value}\\',
    "cookies twice": lambda value: f"{value}; quizsvc=x; phone={'p' * 22}; phone=",
    "500 cookies": lambda value: value + "; " + "; ".join(f"c{n}={n}" for n in range(500)),
    "cookies without names": lambda value: f"{value}; =; ;;; =x; \xff; $Path=/; __proto__=1",
    "an odd size": lambda value: f"{value}; size=\xff{MARK}",
}

METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD", "CONNECT", "BREW", "post", "")

CORPUS: list[Hostile] = [
    *(Hostile(f"path: {name}", partial(_in_path, value)) for name, value in VALUES.items()),
    Hostile("path: quoted twice", lambda plain: iter([plain.at(plain.asked.path.replace(b"/", b"%2f"))])),
    Hostile("path: doubled slashes", lambda plain: iter([plain.at(plain.asked.path.replace(b"/", b"//"))])),
    Hostile("path: dots", lambda plain: iter([plain.at(plain.asked.path.replace(b"/", b"/./"))])),
    Hostile("path: trailing slash", lambda plain: iter([plain.at(plain.asked.path + b"/")])),
    Hostile("path: capitals", lambda plain: iter([plain.at(plain.asked.path.upper())])),
    *(Hostile(f"query: {name}", partial(_in_query, value)) for name, value in VALUES.items()),
    *(Hostile(f"query: {name}", _query(write)) for name, write in QUERIES.items()),
    *(Hostile(f"field: {name}", partial(_in_field, value), True) for name, value in VALUES.items()),
    *(Hostile(f"form: {name}", _fields(change), True) for name, change in FORMS.items()),
    *(Hostile(f"body: {name}", _body(*body), True) for name, body in BODIES.items()),
    Hostile("body: a form as text", _retyped("text/plain"), True),
    Hostile("body: a form without a kind", _retyped(None), True),
    Hostile("body: a form of a strange kind", _retyped("\xff/;;;charset=zq7"), True),
    Hostile("body: a form in another encoding", _retyped(f"{FORM}; charset=utf-7"), True),
    Hostile("body: a form with a packed tail", lambda plain: iter([plain.body(plain.asked.body + GZIPPED)]), True),
    *(Hostile(f"header: {name}", _headers(**headers)) for name, headers in HEADERS.items()),
    *(Hostile(f"header: {name}", _cookie(change)) for name, change in COOKIES.items()),
    *(Hostile(f"method: {name or 'none'}", _method(name)) for name in METHODS),
]  # fmt: skip
"""All classes."""

FOR_POSTGRES = [
    hostile
    for hostile in CORPUS
    if hostile.name.partition(": ")[2]
    in {"NUL", "lone surrogate", "broken UTF-8", "10^30", "2^31", "2^63", "5,000 digits", "first year", "last year",
        "last day", "astral plane", "control characters", "mass assignment", "raw octets"}
]  # fmt: skip
"""What one database may take and the other may not."""
