"""Contacts of winners under changing keys: they open, one telephone stays one prize, and no file holds them."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from quizsvc import vault
from quizsvc.app import create_app
from quizsvc.audit import CLI
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.prize import operations, queries
from quizsvc.prize.models import Claim
from quizsvc.prize.operations import PhoneTaken
from quizsvc.upkeep import keys
from tests.conftest import NOON, settings_for
from tests.prize.conftest import DRAWN, Contest, build
from tests.support import Browser, Watch

ANNOUNCED = DRAWN + timedelta(hours=1)
NUMBER, NAME, GUARDIAN = "13800138000", "欧阳小明", "欧阳大海"
SEALED = ["prize_claim.guardian", "prize_claim.name", "prize_claim.phone", "prize_phone_key.key"]


@pytest.fixture
def claimed(drawn: Callable[..., Contest]) -> Iterator[Contest]:
    """The winner of the first prize has claimed it, under a ring with one key of its own."""
    contest = drawn(minors=True)
    path: Path = contest.key_file
    files = (path, vault.retired_beside(path))
    for file in files:
        file.unlink(missing_ok=True)
    contest.announce(ANNOUNCED)
    contest.claim(1, ANNOUNCED, phone=NUMBER, name=NAME, guardian=GUARDIAN)
    yield contest
    for file in files:
        file.unlink(missing_ok=True)


def rotate(contest: Contest) -> None:
    db.session.rollback()
    keys.rotate(contest.key_file, at=NOON, actor=CLI, progress=lambda _seen: None)
    keys.retire(key_file=contest.key_file, at=NOON, actor=CLI)


def test_everything_of_a_claim_that_names_somebody_is_sealed() -> None:
    mine = [str(column) for column in keys.sealed_columns() if str(column).startswith("prize_")]

    assert sorted(mine) == SEALED


def test_contacts_open_after_a_rotation_and_a_telephone_is_still_known(claimed: Contest) -> None:
    before = db.session.execute(select(Claim.phone, Claim.phone_hash)).one()
    rotate(claimed)

    after = db.session.execute(select(Claim.phone, Claim.phone_hash)).one()
    award = claimed.award(1)
    assert queries.contacts([award.id], key_file=claimed.key_file) == {
        award.id: queries.Contact(NUMBER, NAME, GUARDIAN)
    }
    assert (before.phone == after.phone, before.phone_hash == after.phone_hash) == (False, True)
    assert vault.sealed_with(after.phone) == vault.kept_ring(claimed.key_file).keys[0].id.hex()
    with pytest.raises(PhoneTaken):
        claimed.claim(2, ANNOUNCED, phone=NUMBER)


def test_planted_rotation_that_forgets_a_column_is_noticed(
    claimed: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [column for column in keys.sealed_columns() if str(column) != "prize_phone_key.key"]
    monkeypatch.setattr(keys, "sealed_columns", lambda: known)
    rotate(claimed)

    with pytest.raises(vault.Unopenable):
        claimed.claim(2, ANNOUNCED)


def test_telephones_of_two_contests_cannot_be_matched() -> None:
    one, other = (operations._phone_hash(NUMBER, key * 64) for key in "ab")

    assert one != other


def test_without_its_key_nothing_is_claimed_and_nothing_kept(claimed: Contest) -> None:
    claimed.key_file.unlink()

    with pytest.raises(Refusal, match="缺少密钥"):
        claimed.claim(2, ANNOUNCED)
    assert claimed.award(2).state == "waiting"


def found_in(folder: Path, hidden: list[str]) -> list[str]:
    """Which of the texts lie in the database's files or in a copy of it."""
    with sqlite3.connect(folder / "own.sqlite") as source, sqlite3.connect(folder / "copy.sqlite") as target:
        source.backup(target)
    source.close()
    target.close()
    bodies = [file.read_bytes() for file in folder.glob("*.sqlite*")]
    assert len(bodies) >= 2
    return [text for text in hidden if any(text.encode() in body for body in bodies)]


@pytest.fixture
def on_disk(tmp_path: Path, at: Any) -> Iterator[Path]:
    """The folder of an application of its own, in whose contest a prize was claimed."""
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'own.sqlite'}", tmp_path))
    app.test_client_class = Browser
    with app.app_context():
        app.extensions["watch"] = Watch(db.engine)
        db.create_all()
        contest = build(app, minors=True)
        contest.announce(ANNOUNCED)
        contest.claim(1, ANNOUNCED, phone=NUMBER, name=NAME, guardian=GUARDIAN)
        db.session.remove()
        yield tmp_path
        db.session.remove()
        db.engine.dispose()


def test_no_contact_and_no_key_lies_in_the_database_or_a_copy_of_it(on_disk: Path) -> None:
    keys_of = (on_disk / "keys").read_text().split()

    assert found_in(on_disk, [NUMBER, NAME, GUARDIAN, *keys_of]) == []
    assert found_in(on_disk, ["欧阳同学"]) == [
        "欧阳同学"
    ]  # what the public list says is there: the search works
