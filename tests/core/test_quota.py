"""Goes a day, and the paper of a go."""

from datetime import date

import pytest

from quizsvc.core import quota
from quizsvc.core.refusal import Refusal

A_DAY = date(2026, 12, 1)


def test_period_is_the_day_of_the_start_or_the_whole_round() -> None:
    assert quota.period("day", A_DAY) == "2026-12-01"
    assert quota.period("round", A_DAY) == "round"


def test_left_counts_only_the_running_period() -> None:
    assert quota.left(3, [], "2026-12-02") == 3
    assert quota.left(3, ["2026-12-01", "2026-12-01", "2026-12-02"], "2026-12-02") == 2
    assert quota.left(3, ["2026-12-02"] * 3, "2026-12-02") == 0


def test_left_never_falls_below_nothing() -> None:
    assert quota.left(1, ["round", "round"], "round") == 0


def test_paper_is_of_the_day_of_the_role_or_of_both() -> None:
    days = {("2026-12-01", ""): 7}
    by_role = {("", "家长"): 8}
    both = {("2026-12-01", "家长"): 9}

    assert quota.paper_of(days, 1, day="2026-12-01", role="") == 7
    assert quota.paper_of(by_role, 1, day="2026-12-01", role="家长") == 8
    assert quota.paper_of(both, 1, day="2026-12-01", role="家长") == 9


def test_paper_is_the_rounds_own_without_another() -> None:
    assert quota.paper_of({}, 1, day="2026-12-01", role="") == 1
    assert quota.paper_of({("2026-12-01", ""): 7}, 1, day="2026-12-02", role="") == 1
    assert quota.paper_of({("", "家长"): 8}, 1, day="2026-12-01", role="学生") == 1


def test_roles_are_named_once_and_only_where_there_are_some() -> None:
    assert quota.roles({("2026-12-01", ""): 7}) == ()
    assert quota.roles({("a", "学生"): 7, ("b", "学生"): 8, ("a", "家长"): 9}) == ("学生", "家长")


@pytest.mark.parametrize(
    ("lines", "papers"),
    [
        ([], {}),
        (["", "  "], {}),
        (["2026-12-01 scenes-1", "", " 2026-12-02  scenes-2 "],
         {("2026-12-01", ""): "scenes-1", ("2026-12-02", ""): "scenes-2"}),
        (["学生 junior", "家长 parents"], {("", "学生"): "junior", ("", "家长"): "parents"}),
        (["2026-12-01 家长 a", "家长 2026-12-02 b"], {("2026-12-01", "家长"): "a", ("2026-12-02", "家长"): "b"}),
    ],
)  # fmt: skip
def test_papers_are_read_line_by_line(lines: list[str], papers: dict[tuple[str, str], str]) -> None:
    assert quota.read(lines) == papers


def test_written_papers_are_read_back() -> None:
    papers = {("2026-12-01", "家长"): "a", ("2026-12-02", "家长"): "b"}

    assert quota.written(papers) == ["2026-12-01 家长 a", "2026-12-02 家长 b"]
    assert quota.read(quota.written(papers)) == papers


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["scenes-1"], "第 1 行没有看懂"),
        (["学生 家长 scenes-1"], "第 1 行没有看懂"),
        (["", "2026-12-01 2026-12-02 scenes-1"], "第 2 行没有看懂"),
        (["2026-13-01 scenes-1"], "第 1 行没有看懂"),
        (["一二三四五六七八九 scenes-1"], "最多 8 个字"),
        (["学\x07生 scenes-1"], "最多 8 个字"),
        (["学生 a", "学生 b"], "第 2 行和前面的重复"),
        (["学生 a", "2026-12-01 b"], "混着写"),
        (["2026-12-01 学生 a", "2026-12-01 家长 b", "2026-12-02 家长 c"], "2026-12-02 没有给每个角色"),
    ],
)
def test_papers_of_another_shape_are_refused(lines: list[str], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        quota.read(lines)
