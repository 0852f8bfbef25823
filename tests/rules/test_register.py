"""The register of personal data: every column is in it, and the page for operators says what it says.

`python -m tests.rules.test_register` prints the table that belongs into docs/PRIVACY.md.
"""

import re
from itertools import groupby
from typing import Any, get_args

from sqlalchemy import Column, MetaData, String, Table

from quizsvc.core import retention
from quizsvc.core.retention import Kept, label
from quizsvc.db import Base
from quizsvc.settings import PROJECT
from tests.rules.test_slices import columns

PAGE = PROJECT / "docs" / "PRIVACY.md"
NAMES_PEOPLE = (
    "name",
    "phone",
    "mobile",
    "number",
    "login",
    "address",
    "email",
    "guardian",
    "birth",
    "id_card",
)
WORDS = ("reason", "note", "answer", "answers", "comment", "remark")
NOT_OF_PEOPLE = {
    "audit_detail.name",  # "reason", "note": what the value is
    "bank_bank.name",
    "campaign_campaign.name",
    "campaign_official_account.name",
    "jobs_lease.name",
    "link_link.poster_number",
    "roster_unit.name",
    "rulebook_version.reason",
}


def tables() -> dict[str, type[Base]]:
    columns()  # imports whatever declares a table
    return {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}


def faults(table: Table, *, about_people: bool, plain: tuple[str, ...]) -> list[str]:
    """Say what of a table is not in the register, or in it twice."""
    found = [f"{table.name}.{name}: no such column" for name in plain if name not in table.columns]
    for column in table.columns:
        places = [not about_people, column.name in plain, "data" in column.info]
        if sum(places) != 1:
            found.append(f"{column}: {'not in the register' if not any(places) else 'in the register twice'}")
        if "data" in column.info and not (
            column.info["data"] in get_args(retention.Data) and isinstance(column.info["kept"], Kept)
        ):
            found.append(f"{column}: no label of core.retention")
    return found


def labelled() -> list[Column[Any]]:
    return [column for column in columns() if "data" in column.info]


def test_every_column_of_every_table_is_in_the_register() -> None:
    found = [
        fault
        for name, table in tables().items()
        for fault in faults(Base.metadata.tables[name], about_people=table.about_people, plain=table.plain)
    ]

    assert found == []
    assert len(labelled()) > 50


def test_column_that_is_not_in_the_register_is_noticed() -> None:
    """The canary of the test before."""
    table = Table(
        "elsewhere",
        MetaData(),
        Column("id", String, primary_key=True),
        Column("name", String),
        Column("note", String, info={"data": "words", "kept": "for ever"}),
        Column("reason", String, info=label("words", retention.LINKS)),
    )

    assert faults(table, about_people=True, plain=("id", "gone")) == [
        "elsewhere.gone: no such column",
        "elsewhere.name: not in the register",
        "elsewhere.note: no label of core.retention",
    ]
    assert "elsewhere.reason: in the register twice" in faults(table, about_people=False, plain=())


def test_names_of_people_are_kept_in_roster_and_staff_and_of_winners_sealed() -> None:
    names = {str(column) for column in labelled() if column.info["data"] == "personal"}

    assert names == {
        "declaration_declaration.name",
        "declaration_declaration.signature",
        "prize_claim.guardian",
        "prize_claim.name",
        "prize_claim.phone",
        "prize_claim.phone_hash",
        "prize_claim.shown",
        "roster_person.name",
        "roster_person.student_number",
        "staff_staff.name",
        "staff_staff.login",
    }


def test_text_that_sounds_like_one_about_somebody_is_labelled_or_known_not_to_be() -> None:
    sounding = {
        str(column)
        for column in columns()
        if isinstance(column.type, String)
        and "data" not in column.info
        and any(word in column.name.split("_") for word in NAMES_PEOPLE + WORDS)
    }

    assert sounding == NOT_OF_PEOPLE


def test_column_that_stays_says_why() -> None:
    assert [
        str(column) for column in labelled() if column.info["kept"].stays and not column.info["kept"].then
    ] == []


def lines() -> list[str]:
    """The register as a table: one line for the columns of a table that share class and rule."""

    def rule(column: Column[Any]) -> tuple[str, str, str, str]:
        return column.table.name, column.info["data"], column.info["kept"].until, column.info["kept"].then

    rows = ["| Table | Columns | Class | Kept until | Then |", "|---|---|---|---|---|"]
    for (table, data, until, then), same in groupby(sorted(labelled(), key=rule), key=rule):
        names = ", ".join(f"`{column.name}`" for column in same)
        rows.append(f"| `{table}` | {names} | {data} | {until or 'stays'} | {then} |")
    return rows


def test_page_for_operators_has_the_register() -> None:
    told = re.search(r"<!-- register -->\n(.*?)\n<!-- end -->", PAGE.read_text(encoding="utf-8"), re.S)

    assert told is not None
    assert told[1].splitlines() == lines()


def test_page_for_operators_names_the_tables_without_people() -> None:
    told = re.search(r"Tables about nobody: (.*?)\.\n", PAGE.read_text(encoding="utf-8"), re.S)
    without = sorted(name for name, table in tables().items() if not table.about_people)

    assert told is not None
    assert re.findall(r"`(\w+)`", told[1]) == without


if __name__ == "__main__":
    print("\n".join(lines()))
    print(", ".join(f"`{name}`" for name, table in sorted(tables().items()) if not table.about_people))
