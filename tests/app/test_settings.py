"""Settings: read from a mapping, documented, and unwilling to run the demo's in production."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from quizsvc.settings import PROJECT, BadSettings, Settings, kept_secret, rotate_secret


def environ(tmp_path: Path, **changes: str) -> dict[str, str]:
    given = {"INSTANCE": str(tmp_path / "instance"), "PUBLIC_URL": "https://fz.example.edu.cn", **changes}
    return {f"QUIZSVC_{name}": value for name, value in given.items()}


def test_production_needs_only_the_public_address(tmp_path: Path) -> None:
    settings = Settings.from_environ(environ(tmp_path))

    assert (settings.mode, settings.https, settings.public_host) == ("production", True, "fz.example.edu.cn")
    assert settings.database_url == f"sqlite:///{tmp_path / 'instance' / 'quizsvc.sqlite'}"
    assert settings.sqlite_synchronous == "FULL"


def test_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = Settings.from_environ(environ(tmp_path)).secret_key
    second = Settings.from_environ(environ(tmp_path)).secret_key
    file = tmp_path / "instance" / "secret_key"

    assert first == second == file.read_text()
    assert len(first) >= 64
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.iterdir()] == ["secret_key"]


def test_secret_key_agrees_between_two_first_starts(tmp_path: Path) -> None:
    assert kept_secret(tmp_path / "key") == kept_secret(tmp_path / "key")


def test_several_signing_keys_are_read_newest_first(tmp_path: Path) -> None:
    by_file, by_environ = "a" * 32 + "\n" + "b" * 40 + "\n", "c" * 32 + "  " + "d" * 32
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "secret_key").write_text(by_file)

    kept = Settings.from_environ(environ(tmp_path))
    given = Settings.from_environ(environ(tmp_path, SECRET_KEY=by_environ))

    assert kept.signing_keys == ("a" * 32, "b" * 40)
    assert kept.verifying_keys == ["b" * 40, "a" * 32]
    assert given.signing_keys == ("c" * 32, "d" * 32)


@pytest.mark.parametrize("text", ["a" * 31, "a" * 32 + " b", "b " + "a" * 32])
def test_every_signing_key_has_to_be_long(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings, match="QUIZSVC_SECRET_KEY"):
        Settings.from_environ(environ(tmp_path, SECRET_KEY=text))


def test_rotated_signing_keys_stand_in_front_and_the_oldest_fall_out(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"
    seen = [kept_secret(file)]
    for _ in range(3):
        seen.insert(0, rotate_secret(file, drop_older=False)[0])
    three = file.read_text().split()
    alone = rotate_secret(file, drop_older=True)

    assert three == seen[:3]
    assert len(set(seen)) == 4
    assert file.read_text().split() == list(alone)
    assert alone[0] not in seen
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_secret_key_never_shows_in_the_settings_text(tmp_path: Path) -> None:
    settings = Settings.from_environ(environ(tmp_path))

    assert settings.secret_key not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PUBLIC_URL": ""}, "QUIZSVC_PUBLIC_URL"),
        ({"PUBLIC_URL": "http://fz.example.edu.cn"}, "https"),
        ({"SECRET_KEY": "short"}, "QUIZSVC_SECRET_KEY"),
        ({"INSTANCE": "instance/demo"}, "演示"),
        ({"DATABASE_URL": "sqlite:////srv/instance/demo/quizsvc.sqlite"}, "演示"),
        ({"PORT": "80a"}, "QUIZSVC_PORT"),
        ({"PORT": "70000"}, "QUIZSVC_PORT"),
        ({"MODE": "test"}, "QUIZSVC_MODE"),
        ({"SQLITE_SYNCHRONOUS": "OFF"}, "QUIZSVC_SQLITE_SYNCHRONOUS"),
        ({"TWO_STEP": "yes"}, "QUIZSVC_TWO_STEP"),
    ],
)
def test_unsafe_or_unclear_settings_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadSettings, match=sentence):
        Settings.from_environ(environ(tmp_path, **changes))


def test_demo_needs_nothing(tmp_path: Path) -> None:
    settings = Settings.from_environ({"QUIZSVC_MODE": "demo", "QUIZSVC_INSTANCE": str(tmp_path)})

    assert (settings.host, settings.public_url) == ("0.0.0.0", "http://127.0.0.1:8000")


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = re.findall(
        r"^\| `QUIZSVC_([A-Z_]+)` \|", (PROJECT / "docs" / "SETTINGS.md").read_text(), re.M
    )

    assert sorted(documented) == sorted(field.name.upper() for field in fields(Settings))
