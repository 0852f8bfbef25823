"""`quizsvc contest verify | simulate`."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quizsvc.cli import main
from quizsvc.core import draw, rehearsal
from quizsvc.core.rulebook import Tier


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


def test_the_protocol_is_what_was_said_as_a_table(folder: Path, tmp_path: Path):
    said = simulated(folder, "--protocol", str(tmp_path / "run.md")).output
    rows = [line.strip("| ").split(" | ") for line in (tmp_path / "run.md").read_text("utf-8").splitlines()]
    names = [name for name, _ in rows[2:]]

    assert rows[:2] == [["环节", "数字"], ["---", "---"]]
    assert all(f"{name}：{figures}\n" in said for name, figures in rows[2:])
    assert [name for name in names if " · " not in name] == [
        "参赛", "各种人", "作答", "裁定", "并列", "达到门槛", "分批顺延", "中奖", "逾期", "递补", "发出",
    ]  # fmt: skip
    assert len(names) == 11 + 5


def test_a_protocol_is_not_written_over_and_not_by_a_dry_run(folder: Path, tmp_path: Path):
    simulated(folder, "--dry-run", "--protocol", str(tmp_path / "run.md"))
    assert not (tmp_path / "run.md").exists()
    (tmp_path / "run.md").write_text("x")
    for there in ("run.md", "none/run.md"):
        done = contest(
            "simulate", "--players", "3", "--out", str(folder), "--protocol", str(tmp_path / there)
        )
        assert (done.exit_code, "换一个文件名" in done.output) == (1, True)
    assert not folder.exists()


def test_a_lost_prize_stops_the_simulation(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def none(tiers: tuple[Tier, ...], *_: object) -> rehearsal.Outcome:
        return rehearsal.Outcome((), (), (), (), (), {}, 1)

    monkeypatch.setattr(rehearsal, "hand_out", none)
    done = contest("simulate", "--players", "300", "--out", str(folder))

    assert (done.exit_code, "奖品对不上" in done.output) == (1, True)
    assert not folder.exists()


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
