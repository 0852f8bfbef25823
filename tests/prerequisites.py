"""Says, before the tests run, which of their servers and browsers this machine has."""

import shutil
import sys

from tests import postgres

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first is the same engine without a window system around it: the tests take a third less."""


def chromium() -> str | None:
    """Find an installed Chromium."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


def missing() -> list[str]:
    """List what is missing, a line each."""
    lines = []
    if postgres.binaries() is None:
        lines.append(
            "没有 PostgreSQL 服务端（initdb）：PostgreSQL 测试将跳过。Debian: apt install postgresql"
        )
    if chromium() is None:
        lines.append(
            "没有 Chromium：浏览器测试将跳过。Debian: apt install chromium-headless-shell fonts-noto-cjk"
        )
    if shutil.which("pdftoppm") is None:
        lines.append("没有 pdftoppm：海报和纸卷的 PDF 测试将跳过。Debian: apt install poppler-utils")
    if shutil.which("strace") is None:
        lines.append("没有 strace：断电顺序的演练将跳过。Debian: apt install strace")
    return lines


def main() -> None:
    """Print what is missing, loudly."""
    lines = missing()
    for line in lines:
        print(f"!!! {line}", file=sys.stderr)
    if not lines:
        print("SQLite、PostgreSQL、Chromium、poppler、strace 都在，全部测试都会运行。")


if __name__ == "__main__":
    main()
