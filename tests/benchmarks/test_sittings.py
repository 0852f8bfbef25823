"""The benchmark still runs: every sitting at both servers is verified, and it ends its servers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import bank, servers, sittings
from benchmarks.phone import Page, Wrong

PROJECT = Path(__file__).parents[2]
SITTINGS = 6
WARM_UP = 4
SAVES = 2


def test_bench_verifies_every_sitting_and_measures_both_servers() -> None:
    """One short run of the whole command."""
    run = subprocess.run(
        [
            sys.executable, "-m", "benchmarks.sittings", "--json", "--repeat", "1", "--clients", "2",
            "--sittings", str(SITTINGS), "--saves", str(SAVES), "--longest", "60",
            "--warm-up", str(WARM_UP), "--processes", "2",
        ],
        cwd=PROJECT, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout)

    assert found["ours"]["verified"] == SITTINGS + WARM_UP
    assert found["floor"]["verified"] == SITTINGS * sittings.FLOOR_TIMES + WARM_UP
    steps = ["landing", "who", "start", "questions", "save", "submit", "result"]
    assert list(found["ours"]["request_ms"]) == steps
    assert found["ours"]["requests"] == 6 + SAVES
    assert list(found["floor"]["request_ms"]) == ["questions", "submit", "result"]
    assert found["floor"]["requests"] == 3
    ours, floor = found["ours"]["cpu_ms"]["median"], found["floor"]["cpu_ms"]["median"]
    assert min(ours, floor) > 0
    assert found["ratio"]["median"] == pytest.approx(ours / floor, abs=0.01)


def test_bank_has_one_marked_answer_a_question_and_enough_traps() -> None:
    asked = bank.questions()
    assert len({question.trap for question in asked}) >= bank.ASKED
    for question in asked:
        marked = [place for place, text in enumerate(question.options) if text.endswith(bank.RIGHT)]
        assert marked == [question.key]
        assert all(text.endswith((bank.RIGHT, bank.WRONG)) for text in question.options)


def test_page_refuses_another_status_and_a_missing_part() -> None:
    page = Page("GET /x", 200, {}, "七年级")
    assert page.require(200, "七年级") is page
    with pytest.raises(Wrong, match="200 instead of 303"):
        page.location()
    with pytest.raises(Wrong, match="no '八年级'"):
        page.require(200, "八年级")


def test_percentiles_are_nearest_ranks_in_milliseconds() -> None:
    hundred = [place / 1000 for place in range(1, 101)]
    assert sittings.percentiles(hundred) == {"p50": 50, "p95": 95, "p99": 99}
    assert sittings.percentiles([0.004]) == {"p50": 4, "p95": 4, "p99": 4}


def test_processes_from_ps_and_from_proc_agree() -> None:
    if not servers.HAS_PROC:
        pytest.skip("no /proc here")
    by_ps = next(process for process in servers._from_ps() if process.pid == os.getpid())
    by_proc = next(process for process in servers._from_proc() if process.pid == os.getpid())
    assert by_ps.parent == by_proc.parent == os.getppid()
    assert by_ps.resident == pytest.approx(by_proc.resident, rel=0.2)


@pytest.mark.parametrize(
    ("time", "seconds"), [("00:00:07", 7), ("1-02:03:04", 93784), ("0:01.25", 1.25), ("61:00", 3660)]
)
def test_seconds_of_ps_are_read_in_all_its_forms(time: str, seconds: float) -> None:
    assert servers._seconds(time) == seconds
