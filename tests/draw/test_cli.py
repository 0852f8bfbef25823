"""`quizsvc contest verify | simulate`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quizsvc.cli import main
from quizsvc.core import draw


def contest(*words: str) -> Result:
    return CliRunner().invoke(main, ["contest", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "draw"


def simulated(folder: Path, *words: str) -> Result:
    done = contest("simulate", "--players", "300", "--out", str(folder), *words)
    assert done.exit_code == 0, done.output
    return done


def test_what_is_simulated_can_be_verified(folder: Path):
    said = simulated(folder).output
    done = contest("verify", str(folder))

    assert sorted(file.name for file in folder.iterdir()) == sorted({*draw.FILES} - {draw.WAVES})
    assert "参加 300 人" in said
    assert (done.exit_code, "可以验证" in done.output) == (0, True)


def test_too_few_with_full_marks_are_drawn_in_waves(folder: Path):
    said = simulated(folder, "--scarce").output
    done = contest("verify", str(folder))

    assert (folder / draw.WAVES).exists()
    assert "100 分以上 5 人，90 分以上" in said
    assert (done.exit_code, done.output.count("提示")) == (0, 0)


def test_the_same_seed_writes_the_same_files(tmp_path: Path):
    for name, seed in (("a", "x"), ("b", "x"), ("c", "y")):
        simulated(tmp_path / name, "--seed", seed)
    one, same, other = ((tmp_path / name / draw.ORDER).read_bytes() for name in "abc")

    assert one == same
    assert one != other


def test_a_dry_run_writes_nothing(folder: Path):
    assert "没有写文件" in simulated(folder, "--dry-run").output
    assert not folder.exists()


def test_nothing_is_written_over(folder: Path):
    simulated(folder)
    done = contest("simulate", "--players", "3", "--out", str(folder))

    assert (done.exit_code, "已经有文件" in done.output) == (1, True)


def test_nobody_to_draw_among_is_said(folder: Path):
    done = contest("simulate", "--players", "1", "--seed", "19", "--out", str(folder))

    assert (done.exit_code, "太少" in done.output) == (1, True)


def test_a_changed_bundle_is_refused_with_its_reasons(folder: Path):
    simulated(folder)
    ids = (folder / draw.ENTRIES).read_text().splitlines(keepends=True)
    (folder / draw.ENTRIES).write_text("".join(ids[1:]))
    done = contest("verify", str(folder))

    assert done.exit_code == 1
    assert "list_hash" in done.output
    assert "不能验证" in done.output


def test_four_files_can_be_verified_and_it_is_said_what_was_not_looked_at(folder: Path):
    simulated(folder)
    (folder / draw.RULES).unlink()
    (folder / "readme.md").write_text("x")
    done = contest("verify", str(folder))

    assert done.exit_code == 0
    assert done.output.count("提示：") == 2


def test_an_empty_folder_lacks_everything(tmp_path: Path):
    done = contest("verify", str(tmp_path))

    assert (done.exit_code, done.output.count("缺少文件")) == (1, 4)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path):
    assert contest("verify", str(tmp_path / "none")).exit_code == 2
