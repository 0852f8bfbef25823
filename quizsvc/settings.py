"""Settings: one frozen value, made once from the environment by `quizsvc.wsgi`; see docs/SETTINGS.md."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent

Mode = Literal["production", "demo"]
SHORTEST_SECRET = 32
MOST_SIGNING_KEYS = 3


class BadSettings(Exception):
    """A setting is missing or unsafe; the text says which and what to write instead."""


@dataclass(frozen=True)
class Settings:
    """Everything the operator may decide. Each field is the variable QUIZSVC_<FIELD>; docs/SETTINGS.md explains."""

    mode: Mode
    instance: Path
    database_url: str
    secret_key: str = field(repr=False)
    public_url: str
    key_file: Path
    two_step: Literal["off", "offered", "required"] = "offered"
    brand: str = "反诈知晓"
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"
    trusted_proxies: int = 0
    host: str = "127.0.0.1"
    port: int = 8000
    processes: int = 4
    threads: int = 1
    low_disk_mb: int = 200
    backup_dir: Path | None = None
    log_level: str = "INFO"
    footer: str = ""

    @property
    def https(self) -> bool:
        """Whether people reach us by https."""
        return self.public_url.startswith("https://")

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """The keys of the secret key's text: the first signs, all verify."""
        return tuple(self.secret_key.split())

    @property
    def verifying_keys(self) -> list[str]:
        """The same, oldest first, as itsdangerous wants them: it signs with the last."""
        return list(reversed(self.signing_keys))

    @property
    def secret_file(self) -> Path:
        """Where the signing keys are kept unless the environment gives them."""
        return self.instance / "secret_key"

    @property
    def public_host(self) -> str:
        """The host name printed on posters."""
        return urlsplit(self.public_url).netloc

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Read QUIZSVC_* variables; create the secret key in the instance folder when none is given."""
        read = _Reader(environ)
        mode = read.choice("MODE", ("production", "demo"), "production")
        instance = Path(read.text("INSTANCE", str(PROJECT / "instance" / ("demo" if mode == "demo" else ""))))
        instance = instance.resolve()
        instance.mkdir(parents=True, exist_ok=True)
        port = read.number("PORT", 8000, 1, 65535)
        settings = cls(
            mode=mode,  # type: ignore[arg-type]  # choice() has just checked it
            instance=instance,
            database_url=read.text("DATABASE_URL", f"sqlite:///{instance / 'quizsvc.sqlite'}"),
            secret_key=read.text("SECRET_KEY", "") or kept_secret(instance / "secret_key"),
            public_url=read.text("PUBLIC_URL", f"http://127.0.0.1:{port}" if mode == "demo" else "").rstrip(
                "/"
            ),
            key_file=Path(read.text("KEY_FILE", str(instance / "keys"))),
            two_step=read.choice("TWO_STEP", ("off", "offered", "required"), "offered"),  # type: ignore[arg-type]  # checked
            brand=read.text("BRAND", "反诈知晓"),
            sqlite_synchronous=read.choice("SQLITE_SYNCHRONOUS", ("FULL", "NORMAL"), "FULL"),  # type: ignore[arg-type]  # checked
            trusted_proxies=read.number("TRUSTED_PROXIES", 0, 0, 5),
            host=read.text("HOST", "0.0.0.0" if mode == "demo" else "127.0.0.1"),  # noqa: S104 the demo is for phones in the same network
            port=port,
            processes=read.number("PROCESSES", 4, 1, 64),
            threads=read.number("THREADS", 1, 1, 64),
            low_disk_mb=read.number("LOW_DISK_MB", 200, 0, 1_000_000),
            backup_dir=read.folder("BACKUP_DIR"),
            log_level=read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
            footer=read.text("FOOTER", ""),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what must not run: above all the demo's settings in production."""
        if min((len(key) for key in self.signing_keys), default=0) < SHORTEST_SECRET:
            raise BadSettings("QUIZSVC_SECRET_KEY 太短：每个至少 32 个字符，或删掉它，由程序自动生成。")
        if not urlsplit(self.public_url).netloc:
            raise BadSettings(
                "请设置 QUIZSVC_PUBLIC_URL，例如 https://fz.example.edu.cn，二维码里印的就是它。"
            )
        if self.mode == "demo":
            return
        if not self.https:
            raise BadSettings("正式运行必须用 https：请把 QUIZSVC_PUBLIC_URL 写成 https:// 开头的地址。")
        if "demo" in self.instance.parts or "/demo/" in self.database_url:
            raise BadSettings(
                "这是演示用的目录或数据库，不能正式使用：请改 QUIZSVC_INSTANCE 或 QUIZSVC_DATABASE_URL。"
            )


class _Reader:
    """Reads QUIZSVC_* variables and says which one is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(f"QUIZSVC_{name}", "").strip() or default

    def folder(self, name: str) -> Path | None:
        value = self.text(name, "")
        return Path(value).resolve() if value else None

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise BadSettings(f"QUIZSVC_{name} 只能是 {' / '.join(allowed)}，现在写的是“{value}”。")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or not low <= int(value) <= high:
            raise BadSettings(f"QUIZSVC_{name} 要写 {low} 到 {high} 的整数，现在写的是“{value}”。")
        return int(value)


def kept_secret(path: Path) -> str:
    """Return the signing keys kept in a file, made on the first start; two processes starting at once agree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, [secrets.token_urlsafe(48)])
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def rotate_secret(path: Path, *, drop_older: bool) -> tuple[str, ...]:
    """Put a fresh signing key before those of a file, or in their place; return what the file holds now."""
    older = [] if drop_older else path.read_text().split()
    keys = [secrets.token_urlsafe(48), *older][:MOST_SIGNING_KEYS]
    os.replace(_draft(path, keys), path)
    return tuple(keys)


def _draft(path: Path, keys: list[str]) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(keys))
        file.flush()
        os.fsync(file.fileno())
    return draft
