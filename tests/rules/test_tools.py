"""The linters run as tests, so that the one test command covers them."""

import subprocess
import sys
from pathlib import Path

import pytest

from quizsvc.settings import PROJECT

BIN = Path(sys.executable).parent

pytestmark = pytest.mark.xdist_group("tools")


@pytest.mark.parametrize(
    "command",
    [["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"]],
    ids=["format", "lint", "types"],
)
def test_tool_is_content(command: list[str]) -> None:
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=PROJECT, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_path_of_a_machine_or_a_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
    texts = {name: (PROJECT / name).read_bytes() for name in tracked if (PROJECT / name).is_file()}

    assert [name for name, body in texts.items() if any(host.encode() in body for host in hosts)] == []


def test_top_level_is_the_one_we_agreed_on() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True).stdout.split()

    assert {name.split("/")[0] for name in tracked} == {
        ".ci", ".gitignore", ".pre-commit-config.yaml", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "README.md",
        "benchmarks", "deploy", "docs", "instance", "migrations", "pyproject.toml", "question_banks", "quizsvc",
        "tests",
    }  # fmt: skip
