"""Keys: rotated while people sign in, finished after a break, retired when nothing needs them; signing keys."""

import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from quizsvc import vault
from quizsvc.app import create_app
from quizsvc.audit import CLI, AuditEntry
from quizsvc.core import onetime
from quizsvc.core.refusal import Refusal
from quizsvc.db import db
from quizsvc.declaration import queries as declared
from quizsvc.settings import Settings, kept_secret
from quizsvc.staff import operations, queries
from quizsvc.staff.models import Staff
from quizsvc.upkeep import keys
from quizsvc.web import sealing
from tests import make
from tests.conftest import NOON, settings_for
from tests.signing import post, signed_in, token
from tests.staff.second_step import SECRET, code
from tests.support import Browser, Watch

COLUMN = "staff_staff.totp_secret"


@pytest.fixture
def key_file(app: Flask) -> Iterator[Path]:
    """A ring with one key of its own."""
    path: Path = app.config["SETTINGS"].key_file
    for file in (path, vault.retired_beside(path)):
        file.unlink(missing_ok=True)
    vault.kept_ring(path)
    yield path
    for file in (path, vault.retired_beside(path)):
        file.unlink(missing_ok=True)


@pytest.fixture
def run(app: Flask, at: Any, key_file: Path) -> Callable[..., Result]:
    def command(*words: str) -> Result:
        return app.test_cli_runner().invoke(keys.keys, list(words))

    return command


def people(app: Flask, count: int) -> list[Staff]:
    """Accounts with a second step, many at once."""
    ring = vault.kept_ring(app.config["SETTINGS"].key_file)
    plain = onetime.secret_text(SECRET)
    rows = [
        Staff(id=number, login=f"t{number:03}", name="某老师", password_hash=None, epoch=1,
              created_at=make.LONG_AGO, totp_secret=ring.seal(plain, place=queries.secret_place(number)))
        for number in range(1, count + 1)
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.commit()
    return rows


def opened(app: Flask) -> set[str]:
    """What all sealed secrets say."""
    ring = vault.kept_ring(app.config["SETTINGS"].key_file)
    rows = db.session.execute(select(Staff.id, Staff.totp_secret).where(Staff.totp_secret.is_not(None)))
    return {ring.open(row.totp_secret, place=queries.secret_place(row.id)) for row in rows}


def ids(path: Path) -> list[str]:
    return [key.id.hex() for key in vault.kept_ring(path).keys]


def test_the_sealed_columns_are_known() -> None:
    assert COLUMN in [str(column) for column in keys.sealed_columns()]
    assert {len(column.table.primary_key.columns) for column in keys.sealed_columns()} == {1}


def test_signatures_are_sealed_anew_with_everything_else(run, app: Flask, key_file: Path) -> None:
    unit = make.a_class(make.a_school(make.a_county()))
    row = make.a_declaration(make.a_sheet_round(unit), unit, 1)
    ring, wrote = vault.kept_ring(key_file), {"name": "王秀英", "signature": "M0 0 L30 40"}
    for column, text in wrote.items():
        setattr(row, column, ring.seal(text, place=declared.place_of(column, row.id)))
    signed = row.id
    db.session.commit()
    assert {"declaration_declaration.name", "declaration_declaration.signature"} <= set(
        map(str, keys.sealed_columns())
    )

    assert run("rotate").exit_code == 0
    assert run("retire").exit_code == 0

    (newest,) = ids(key_file)
    assert keys.held() == {
        (newest, "declaration_declaration.name"): 1, (newest, "declaration_declaration.signature"): 1,
    }  # fmt: skip
    opened = declared.signatures([signed], vault.kept_ring(key_file))[signed]
    assert (opened.name, opened.strokes) == ("王秀英", "M0 0 L30 40")


def test_rotation_seals_everything_with_a_new_key(run, app: Flask, key_file: Path) -> None:
    people(app, 210)
    before = ids(key_file)

    done = run("rotate")

    assert done.exit_code == 0, done.output
    assert ids(key_file)[1:] == before
    assert keys.held() == {(ids(key_file)[0], COLUMN): 210}
    assert opened(app) == {onetime.secret_text(SECRET)}
    assert f"已加新密钥 {ids(key_file)[0]}：210 个值改用它加密，还剩 0 个用旧密钥" in done.output


def test_rotation_that_was_broken_off_goes_on_without_another_key(
    run, app: Flask, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(app, 210)
    reseal, calls = keys.reseal, []

    def until_the_power_fails(**batch: Any) -> keys.Resealed:
        calls.append(batch)
        if len(calls) > 1:
            raise Refusal("断电")
        return reseal(**batch)

    monkeypatch.setattr(keys, "reseal", until_the_power_fails)
    broken = run("rotate")
    halfway, ring = keys.held(), ids(key_file)
    monkeypatch.setattr(keys, "reseal", reseal)
    done = run("rotate")

    assert broken.exit_code == 1
    assert halfway == {(ring[0], COLUMN): 200, (ring[1], COLUMN): 10}
    assert ids(key_file) == ring
    assert keys.held() == {(ring[0], COLUMN): 210}
    assert "接着换完" in done.output


def test_people_sign_in_while_the_keys_are_rotated(app: Flask, at: Any, key_file: Path) -> None:
    staff = [(row.id, row.epoch) for row in people(app, 24)]
    db.session.rollback()
    begun = Event()

    def sign_in(one: tuple[int, int]) -> bool:
        with app.app_context():
            waiting = queries.second_step(*one)
            begun.set()
            proof = waiting.fitting(code(NOON), key_file=key_file, at=NOON)
            operations.pass_second_step(half=waiting, proof=proof, address="x", at=NOON)
            return True

    def set_up(number: int) -> bool:
        """A new secret is sealed in the middle of a rotation."""
        with app.app_context():
            operations.turn_off_two_step(staff_id=number, at=NOON, actor=CLI)
            operations.turn_on_two_step(
                staff_id=number, secret=SECRET, code=code(NOON), key_file=key_file, at=NOON,
                recovery=operations.RecoveryCodes((), ()),
            )  # fmt: skip
            return True

    with ThreadPoolExecutor(3) as pool:
        signing = pool.map(sign_in, staff[:16])
        setting_up = pool.map(set_up, [number for number, _ in staff[16:]])
        begun.wait(10)
        for _ in range(3):
            keys.rotate(key_file, at=NOON, actor=CLI, progress=lambda _seen: None)
        assert all([*signing, *setting_up])

    db.session.rollback()
    keys.rotate(key_file, at=NOON, actor=CLI, progress=lambda _seen: None)
    assert keys.held().total() == 24
    assert opened(app) == {onetime.secret_text(SECRET)}


def test_two_rotations_at_once_lose_no_key(app: Flask, at: Any, key_file: Path) -> None:
    people(app, 30)

    def rotate(_number: int) -> None:
        with app.app_context():
            keys.rotate(key_file, at=NOON, actor=CLI, progress=lambda _seen: None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rotate, range(4)))

    db.session.rollback()
    assert opened(app) == {onetime.secret_text(SECRET)}


def test_planted_cached_ring_is_noticed(app: Flask, at: Any, key_file: Path) -> None:
    """What a process would meet that read the keys once, at its start."""
    row = people(app, 1)[0]
    cached = vault.kept_ring(key_file)
    keys.rotate(key_file, at=NOON, actor=CLI, progress=lambda _seen: None)

    with pytest.raises(vault.Unopenable, match=ids(key_file)[0]):
        cached.open(queries.second_step(row.id, 1).sealed, place=queries.secret_place(row.id))


def test_old_keys_retire_only_when_nothing_needs_them(run, app: Flask, key_file: Path) -> None:
    people(app, 3)
    backup = io.BytesIO()
    vault.kept_ring(key_file).seal_file(io.BytesIO(b"a backup of before"), backup)
    old = ids(key_file)[0]
    alone = run("retire")
    vault.add_key(key_file)
    early = run("retire")
    run("rotate")
    done = run("retire")

    assert (alone.exit_code, early.exit_code, done.exit_code) == (1, 1, 0)
    assert "还有 3 个值" in early.exception.text
    assert f"已退役 1 个密钥：{old}" in done.output
    assert (len(ids(key_file)), old in ids(key_file)) == (1, False)
    assert opened(app) == {onetime.secret_text(SECRET)}
    again = io.BytesIO()
    vault.ring_for_backups(key_file).open_file(io.BytesIO(backup.getvalue()), again)
    assert again.getvalue() == b"a backup of before"
    with pytest.raises(vault.Unopenable, match=old):
        vault.kept_ring(key_file).open_file(io.BytesIO(backup.getvalue()), io.BytesIO())
    assert vault.retired_beside(key_file).stat().st_mode & 0o077 == 0


def test_values_of_a_restored_backup_get_the_newest_key_from_a_retired_one(
    run, app: Flask, key_file: Path
) -> None:
    people(app, 3)
    before = {row.id: row.totp_secret for row in db.session.execute(select(Staff.id, Staff.totp_secret))}
    run("rotate")
    run("retire")
    for number, sealed in before.items():
        db.session.execute(update(Staff).where(Staff.id == number).values(totp_secret=sealed))
    Session.commit(db.session())
    with pytest.raises(vault.Unopenable):
        opened(app)

    done = run("rotate")

    assert done.exit_code == 0, done.output
    assert (len(ids(key_file)), opened(app)) == (1, {onetime.secret_text(SECRET)})


def test_planted_early_retirement_is_noticed(
    run, app: Flask, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(app, 1)
    vault.add_key(key_file)
    monkeypatch.setattr(keys, "_by_older", lambda _counts, _ring: keys.Counter())

    assert run("retire").exit_code == 0
    with pytest.raises(vault.Unopenable):
        opened(app)


def retired_too_early(app: Flask, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The ring is read, then the retirement comes, then the row is written: does the one wait for the other?"""
    number = make.a_staff("lin", "林老师").id
    db.session.rollback()
    kept_ring, read, over = vault.kept_ring, Event(), Event()
    vault.add_key(key_file)

    def slowly(path: Path) -> vault.KeyRing:
        ring = kept_ring(path)
        read.set()
        over.wait(0.1)
        return vault.KeyRing(ring.keys[1:])  # as if it had been read before the new key came

    def set_up() -> None:
        with app.app_context():
            operations.turn_on_two_step(
                staff_id=number, secret=SECRET, code=code(NOON), key_file=key_file, at=NOON,
                recovery=operations.RecoveryCodes((), ()),
            )  # fmt: skip

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(operations.vault, "kept_ring", slowly)
        sealing = pool.submit(set_up)
        read.wait(10)
        patch.setattr(operations.vault, "kept_ring", kept_ring)
        try:
            keys.retire(key_file=key_file, at=NOON, actor=CLI)
        except Refusal:
            return False
        finally:
            over.set()
            sealing.result()
    return True


def test_key_is_not_retired_under_somebody_who_is_sealing_with_it(
    app: Flask, at: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not retired_too_early(app, key_file, monkeypatch)
    assert opened(app) == {onetime.secret_text(SECRET)}


def test_planted_retirement_that_does_not_wait_is_noticed(
    app: Flask, at: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has but one writer, so there nobody can be in the middle."""
    monkeypatch.setattr(keys, "_hold_writers", lambda: None)

    assert retired_too_early(app, key_file, monkeypatch) is (db.engine.dialect.name == "postgresql")


def test_value_whose_key_is_lost_stops_the_rotation_before_it_begins(run, app: Flask, key_file: Path) -> None:
    people(app, 2)
    lost = ids(key_file)[0]
    key_file.unlink()
    fresh = ids(key_file)

    refused = run("rotate")

    assert (refused.exit_code, type(refused.exception)) == (1, vault.Unopenable)
    assert f"缺少 {lost}（2 个值）" in refused.exception.text
    assert ids(key_file) == fresh
    assert f"{lost}\t缺少：请把它找回来\t{COLUMN} 2 个" in run("list").output.splitlines()


def test_values_swapped_between_two_rows_stop_the_rotation_and_are_named(run, app: Flask) -> None:
    one, two = people(app, 2)
    one.totp_secret, two.totp_secret = two.totp_secret, one.totp_secret
    db.session.commit()
    before = keys.held().total()

    refused = run("rotate")

    assert (refused.exit_code, type(refused.exception)) == (1, vault.Unopenable)
    assert refused.exception.text.startswith(f"{COLUMN}:1：")
    assert keys.held().total() == before


@pytest.mark.parametrize("sealed", ["", "x", "not base 64 ☃", "AAAA" * 20])
def test_changed_value_does_not_open(app: Flask, key_file: Path, sealed: str) -> None:
    with pytest.raises(vault.Unopenable):
        vault.kept_ring(key_file).open(sealed, place="x.y:1")


def test_value_changed_during_a_batch_is_left_alone(
    app: Flask, at: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(app, 1)
    vault.add_key(key_file)
    opened_first = keys._opened

    def meanwhile(ring: vault.KeyRing, sealed: str, place: str) -> str:
        db.session.execute(update(Staff).values(totp_secret=None))
        return opened_first(ring, sealed, place)

    monkeypatch.setattr(keys, "_opened", meanwhile)
    (column,) = keys.sealed_columns()[:1]
    keys.reseal(column=Staff.__table__.c.totp_secret, after=None, key_file=key_file, at=NOON)

    assert column.info["sealed"]
    assert db.session.scalars(select(Staff.totp_secret)).all() == [None]


@pytest.mark.parametrize("words", [("rotate",), ("retire",)])
def test_rehearsal_changes_neither_keys_nor_values(
    run, app: Flask, key_file: Path, words: tuple[str, ...]
) -> None:
    people(app, 3)
    vault.add_key(key_file)
    before = (key_file.read_text(), keys.held())

    done = run(*words, "--dry-run")

    assert (done.exit_code, done.output.startswith("预演：")) == (0, True)
    assert (key_file.read_text(), keys.held()) == before


def test_list_says_what_each_key_still_holds_and_never_the_key(run, app: Flask, key_file: Path) -> None:
    people(app, 2)
    vault.add_key(key_file)
    vault.add_key(key_file)
    newest, middle, oldest = ids(key_file)

    listed = run("list").output

    assert listed.splitlines() == [
        f"{newest}\t在用：新内容都用它加密\t没有加密的值",
        f"{middle}\t旧的：只用来打开\t没有加密的值",
        f"{oldest}\t旧的：只用来打开\t{COLUMN} 2 个",
        "共 3 个密钥；给登录签名的密钥 1 个",
    ]
    assert json.loads(run("list", "--json").output)[2] == {
        "key": oldest, "state": "older", "values": {COLUMN: 2},
    }  # fmt: skip
    assert [line for line in key_file.read_text().split() if line in listed] == []


def test_changes_of_keys_are_in_the_audit_log_by_id_alone(run, app: Flask, key_file: Path) -> None:
    run("rotate")
    old, new = ids(key_file)[1], ids(key_file)[0]
    run("retire")

    rows = db.session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.detail)).all()
    told = [(row.actor, row.action, json.loads(row.detail)) for row in rows]
    assert told == [("cli", "keys.added", {"key": new}), ("cli", "keys.retired", {"keys": [old]})]


# Nothing of the keys, and no secret, in the database or in a copy of it


def created(settings: Settings) -> Flask:
    app = create_app(settings)
    app.test_client_class = Browser
    with app.app_context():
        app.extensions["watch"] = Watch(db.engine)
    return app


@pytest.fixture
def on_disk(tmp_path: Path, at: Any) -> Iterator[Flask]:
    """An application of its own on a SQLite file."""
    app = created(settings_for(f"sqlite:///{tmp_path / 'own.sqlite'}", tmp_path))
    with app.app_context():
        db.create_all()
        yield app
        db.session.remove()
        db.engine.dispose()


def spellings(path: Path) -> list[bytes]:
    """Keys and secrets as they could turn up in bytes."""
    raw = [key.secret for key in vault.ring_for_backups(path).keys]
    lines = path.read_text().split()
    return [
        *raw,
        *(secret.hex().encode() for secret in raw),
        *(line.rstrip("=").encode() for line in lines),
        onetime.secret_text(SECRET).encode(),
        SECRET,
    ]


def found_in(folder: Path, hidden: list[bytes]) -> list[bytes]:
    """Which of them lie in the database's files or in a backup of it."""
    with sqlite3.connect(folder / "own.sqlite") as source, sqlite3.connect(folder / "copy.sqlite") as target:
        source.backup(target)
    source.close()
    target.close()
    bodies = [file.read_bytes() for file in folder.iterdir() if re.match(r"(own|copy)\.sqlite", file.name)]
    assert len(bodies) >= 2
    return [text for text in hidden if any(text in body for body in bodies)]


def test_no_key_and_no_secret_lies_in_the_database_or_its_backup(on_disk: Flask, tmp_path: Path) -> None:
    people(on_disk, 5)
    path = on_disk.config["SETTINGS"].key_file
    keys.rotate(path, at=NOON, actor=CLI, progress=lambda _seen: None)
    keys.retire(key_file=path, at=NOON, actor=CLI)
    hidden = spellings(path)

    assert found_in(tmp_path, hidden) == []

    db.session.execute(update(Staff).where(Staff.id == 1).values(name=path.read_text().strip("=\n")))
    Session.commit(db.session())
    assert found_in(tmp_path, hidden) != []


# Signing keys


def served(folder: Path) -> Flask:
    """The application as a start would find it: with the signing keys of its file."""
    settings = settings_for(f"sqlite:///{folder / 'own.sqlite'}", folder)
    values = {**vars(settings), "secret_key": kept_secret(folder / "secret_key")}
    return created(Settings(**values))


def with_cookie(app: Flask, browser: Browser) -> Browser:
    """The same browser before another start of the service."""
    moved = app.test_client()
    moved.set_cookie("quizsvc", browser.get_cookie("quizsvc").value)
    return moved


@pytest.fixture
def lin(on_disk: Flask) -> Staff:
    """Teaches a class."""
    return make.a_staff("lin", "林老师", ("class_teacher", make.a_class(make.a_school(make.a_county()))))


def rotated(app: Flask, *options: str) -> Result:
    with app.app_context():
        return app.test_cli_runner().invoke(keys.keys, ["rotate-signing", *options])


def test_signing_keys_rotate_and_nobody_has_to_sign_in_again(lin: Staff, tmp_path: Path) -> None:
    before = served(tmp_path)
    with before.app_context():
        db.create_all()
        browser = signed_in(before, lin)
        form = token(browser)
        seal = sealing.sealed([1], purpose="roster", at=NOON)

    done = rotated(before)
    after = served(tmp_path)
    with after.app_context():
        previewed = sealing.opened(seal, purpose="roster", at=NOON)
        going_on = with_cookie(after, browser)
        page = going_on.get("/staff/account")
        posted = going_on.post("/staff/account/sign-out-everywhere", data={"csrf_token": form})
        fresh = signed_in(after, make.saved(Staff(login="mei", name="梅", epoch=1, created_at=NOON)))

    assert done.exit_code == 0, done.output
    assert "现在共 2 个" in done.output
    assert (page.status_code, previewed) == (200, [1])
    assert (posted.status_code, posted.location) == (303, "/staff/sign-in")
    with before.app_context():  # the old key alone does not know what the new one has signed
        assert with_cookie(before, fresh).get("/staff/account").status_code == 303


def test_dropping_the_older_signing_keys_ends_the_sessions_of_before(lin: Staff, tmp_path: Path) -> None:
    before = served(tmp_path)
    with before.app_context():
        db.create_all()
        browser = signed_in(before, lin)
        seal = sealing.sealed([1], purpose="roster", at=NOON)
    rotated(before)
    between = served(tmp_path)
    with between.app_context():
        kept = with_cookie(between, browser).get("/staff/account").status_code

    done = rotated(between, "--drop-older")
    after = served(tmp_path)
    with after.app_context():
        ended = with_cookie(after, browser).get("/staff/account").status_code
        with pytest.raises(sealing.Broken):
            sealing.opened(seal, purpose="roster", at=NOON)
        fresh = post(signed_in(after, lin), "/staff/account/sign-out-everywhere").status_code

    assert (kept, ended, fresh) == (200, 303, 303)
    assert "所有人都要重新登录" in done.output
    assert len(after.config["SETTINGS"].signing_keys) == 1


def test_rehearsal_leaves_the_signing_keys(on_disk: Flask, tmp_path: Path) -> None:
    app = served(tmp_path)
    before = (tmp_path / "secret_key").read_text()

    assert rotated(app, "--dry-run").output.startswith("预演：")
    assert (tmp_path / "secret_key").read_text() == before


def test_signing_keys_of_the_environment_are_left_to_whoever_wrote_them(on_disk: Flask) -> None:
    refused = rotated(on_disk)

    assert (refused.exit_code, type(refused.exception)) == (1, Refusal)
    assert "QUIZSVC_SECRET_KEY" in refused.exception.text
