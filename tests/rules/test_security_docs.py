"""What docs/SECURITY.md and docs/asvs.csv point at is there: tests, drills, files, headings; every requirement once."""

import ast
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from quizsvc.attempt import operations as attempt
from quizsvc.core import password
from quizsvc.settings import PROJECT
from quizsvc.staff import operations, views
from tests.rules.test_docs import slug

Row = dict[str, str]

PAGE = PROJECT / "docs" / "SECURITY.md"
TABLE = PROJECT / "docs" / "asvs.csv"
COLUMNS = ["id", "level", "what", "status", "evidence"]
A_CHAPTER = {
    "V1": 27, "V2": 11, "V3": 19, "V4": 10, "V5": 9, "V6": 35, "V7": 18, "V8": 7, "V9": 7, "V10": 29, "V11": 14,
    "V12": 9, "V13": 13, "V14": 9, "V15": 13, "V16": 16, "V17": 7,
}  # fmt: skip
"""How many requirements of level 1 and 2 a chapter of ASVS 5.0.0 has."""

IDS = "3765ed9541ee1523694f731f53d3201978aa23cf9cac70481d40476d8a2d1e27"
"""The hash of their list, "V1.1.1 2" a line; numbers have gaps where a requirement is of level 3."""

_TEST = re.compile(r"(tests/[a-z_]+/test_\w+\.py)::(test_\w+)")
_SHORT = re.compile(r"`([a-z_]+/test_\w+\.py::test_\w+)`")
_CLAIM = re.compile(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", re.M)
_FIGURE = re.compile(r"\bR\d+[ab]?\b")


def rows() -> list[Row]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def functions(path: str) -> frozenset[str]:
    """The test functions of a file; none of a file that is not there."""
    file = PROJECT / path
    body = ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else []
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))


def is_test(reference: str) -> bool:
    named = _TEST.fullmatch(reference)
    return named is not None and named[2] in functions(named[1])


@cache
def headings(file: Path) -> frozenset[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(slug(line.lstrip("#")) for line in lines if line.startswith("#"))


def is_place(reference: str) -> bool:
    """Say whether a file of ours, and its heading if one is named, is there."""
    path, _, heading = reference.partition("#")
    file = PROJECT / path
    return file.is_file() and (not heading or (file.suffix == ".md" and heading in headings(file)))


def is_page(reference: str) -> bool:
    return reference.startswith("docs/") and "#" in reference and is_place(reference)


def naming(known: Callable[[str], bool]) -> Callable[[str], bool]:
    """Evidence that names one place or more, all of which are known."""
    return lambda evidence: bool(evidence.split()) and all(map(known, evidence.split()))


def saying(most: int) -> Callable[[str], bool]:
    """Evidence that is a short reason."""
    return lambda evidence: 0 < len(evidence.split()) <= most


EVIDENCE = {
    "met": naming(is_test),
    "met-by-design": naming(is_place),
    "operator": naming(is_page),
    "not-applicable": saying(12),
    "open": saying(15),
}


def fault(row: Row) -> str:
    """Say what is wrong with a row; "" when nothing is."""
    if row["status"] not in EVIDENCE:
        return f"{row['id']}: no status {row['status']}"
    if not 3 <= len(row["what"].split()) <= 10:
        return f"{row['id']}: what it asks in three to ten words"
    return "" if EVIDENCE[row["status"]](row["evidence"]) else f"{row['id']}: {row['evidence']}"


def test_requirements_are_those_of_levels_one_and_two() -> None:
    found = rows()
    listed = "\n".join(f"{row['id']} {row['level']}" for row in found)

    assert list(found[0]) == COLUMNS
    assert len({row["id"] for row in found}) == len(found) == 253
    assert Counter(row["id"].partition(".")[0] for row in found) == A_CHAPTER
    assert hashlib.sha256(listed.encode()).hexdigest() == IDS


def test_every_requirement_has_a_status_and_evidence_that_is_there() -> None:
    assert [said for row in rows() if (said := fault(row))] == []
    assert {row["status"] for row in rows()} == set(EVIDENCE)


A_TEST = "tests/rules/test_security_docs.py::test_requirements_are_those_of_levels_one_and_two"


@pytest.mark.parametrize(
    ("status", "evidence", "wrong"),
    [
        ("met", A_TEST, False),
        ("met", f"{A_TEST} {A_TEST}_and_three", True),
        ("met", "tests/rules/test_nothing.py::test_nothing", True),
        ("met", f"{A_TEST}[an id]", True),
        ("met", "quizsvc/vault.py", True),
        ("met", "", True),
        ("met-by-design", "quizsvc/vault.py docs/SECURITY.md#hardening", False),
        ("met-by-design", "quizsvc/nothing.py", True),
        ("met-by-design", "quizsvc/vault.py#hardening", True),
        ("met-by-design", "docs/SECURITY.md#softening", True),
        ("operator", "docs/SECURITY.md#hardening", False),
        ("operator", "docs/SECURITY.md", True),
        ("operator", "deploy/nginx.conf", True),
        ("not-applicable", " ".join(["word"] * 12), False),
        ("not-applicable", " ".join(["word"] * 13), True),
        ("open", " ".join(["word"] * 16), True),
        ("open", "", True),
        ("nearly", A_TEST, True),
    ],
)
def test_row_that_names_what_is_not_there_is_noticed(status: str, evidence: str, wrong: bool) -> None:
    row = dict(zip(COLUMNS, ["V1.1.1", "2", "decode input once", status, evidence], strict=True))

    assert bool(fault(row)) == wrong


# the page


@cache
def figures() -> frozenset[str]:
    """The figures that the drills have, as each module says in its DRILL."""
    return frozenset(
        figure
        for file in (PROJECT / "tests" / "drills").glob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if any(isinstance(target, ast.Name) and target.id == "DRILL" for target in node.targets)
        for figure in _figure(node.value)
    )


def _figure(call: ast.Call) -> Iterator[str]:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "figure"]
    for value in [*call.args[:1], *named]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def claims() -> dict[str, str]:
    """What is claimed, and what proves it."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Claims and proofs\n")[2].partition("\n## ")[0]
    return {claim: proof for claim, proof in _CLAIM.findall(section) if claim not in ("Claim", "---")}


def unproved(proof: str) -> list[str]:
    """List what a proof names and is not there; "nothing" when it names nothing at all."""
    tests, drills = _SHORT.findall(proof), _FIGURE.findall(proof)
    rest = re.sub(r"[,\s]|`make crash`", "", _FIGURE.sub("", _SHORT.sub("", proof)))
    missing = [one for one in tests if not is_test(f"tests/{one}")]
    missing += [one for one in drills if one not in figures()]
    return [*missing, *([rest] if rest else []), *([] if tests or drills else ["nothing"])]


def test_every_claim_is_proved_by_what_is_there() -> None:
    assert {claim: missing for claim, proof in claims().items() if (missing := unproved(proof))} == {}
    assert len(claims()) >= 30
    assert sum(proof.count("::") for proof in claims().values()) > 50


@pytest.mark.parametrize(
    ("proof", "missing"),
    [
        ("R4, `rules/test_docs.py::test_glossary_has_each_word_once`, `make crash`", []),
        ("R0", ["R0"]),
        ("`rules/test_docs.py::test_nothing`", ["rules/test_docs.py::test_nothing"]),
        ("`rules/test_nothing.py::test_nothing`", ["rules/test_nothing.py::test_nothing"]),
        ("R4, see the code", ["seethecode"]),
        ("`make crash`", ["nothing"]),
    ],
)
def test_claim_without_a_proof_is_noticed(proof: str, missing: list[str]) -> None:
    assert unproved(proof) == missing


def test_limits_on_the_page_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [sentence for sentence in limits() if sentence not in page] == []


def limits() -> list[str]:
    window, code, half, idle = (
        seconds // 60 for seconds in (views.WINDOW_S, views.CODE_WINDOW_S, views.HALF_S, views.IDLE_S)
    )
    bits, days = 8 * operations.TOKEN_BYTES, operations.VALID_FOR.days
    return [
        f"{views.TRIES_A_LOGIN} tries a login and {views.TRIES_AN_ADDRESS} a network (IPv6: a /64) in {window} minutes",
        f"{views.TRIES_A_CODE} tries an account in {code} minutes, within {half} minutes of the password",
        f"{bits} random bits, once, for {days} days",
        f"after {idle} minutes without a page and after {views.LONGEST_S // 3600} hours",
        f"{password.SHORTEST} to {password.LONGEST} characters",
        f"and {attempt.MOST_LAPSES} that lapsed",
    ]


def test_limit_that_is_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "TRIES_A_LOGIN", 11)

    with pytest.raises(AssertionError):
        test_limits_on_the_page_are_those_of_the_code()
