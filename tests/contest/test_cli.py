from datetime import timedelta
from random import Random
from typing import Any

import pytest

from quizsvc.contest import cli, operations, queries
from quizsvc.contest.models import Flag, Score
from quizsvc.contest.queries import OVERLAP
from quizsvc.core.integrity import TILE
from quizsvc.db import db
from quizsvc.paper import queries as paper
from tests import make
from tests.contest.field import a_contest, a_go, a_player

LATER = make.OPENS + timedelta(hours=3)


@pytest.fixture
def contest(app: Any) -> make.Contest:
    return a_contest(make.a_county())


def scores(contest: make.Contest) -> dict[int, tuple[int, int, int]]:
    db.session.rollback()
    rows = db.session.query(Score).filter_by(round_id=contest.round.id)
    return {row.participant_id: (row.goes, row.points, row.best_permyriad) for row in rows}


def count(contest: make.Contest, at: Any = LATER, **how: Any) -> int:
    db.session.commit()
    return cli.count_round(contest.round.id, at, **how)


def test_goes_become_scores(contest: make.Contest) -> None:
    one, two, _idle = (a_player(contest) for _ in range(3))
    a_go(contest, one, 80)
    a_go(contest, one, 90, after_s=300)
    a_go(contest, two, 0)

    assert count(contest) == 3
    assert scores(contest) == {one.participant_id: (2, 90, 9000), two.participant_id: (1, 0, 0)}


def test_counting_again_changes_nothing(contest: make.Contest) -> None:
    player = a_player(contest)
    a_go(contest, player, 90)
    count(contest)
    before = scores(contest)

    assert count(contest) == 0
    count(contest, LATER + timedelta(seconds=1), anew=True)
    assert scores(contest) == before


def test_only_those_who_played_since_are_counted_again(contest: make.Contest) -> None:
    one, two = a_player(contest), a_player(contest)
    a_go(contest, one, 90)
    count(contest)
    a_go(contest, two, 70, submitted_at=LATER + timedelta(seconds=5))

    assert count(contest, LATER + timedelta(seconds=20)) == 1
    assert scores(contest)[two.participant_id] == (1, 70, 7000)


def test_a_go_committed_after_the_look_is_seen_next_time(contest: make.Contest) -> None:
    player = a_player(contest)
    count(contest)
    a_go(contest, player, 90, submitted_at=LATER - OVERLAP + timedelta(seconds=1))  # it waited for the lock

    assert count(contest, LATER + timedelta(seconds=20)) == 1


def test_a_go_dated_back_to_its_deadline_is_seen_however_late_the_sweeper_comes(
    contest: make.Contest,
) -> None:
    player, deadline = a_player(contest), LATER - timedelta(hours=1)
    go = a_go(contest, player, submitted_at=LATER, used_s=7200)
    go.submitted_at, go.score, go.correct, go.limit_ends_at = None, None, None, deadline
    make.saved(go)
    count(contest)
    go.submitted_at, go.score, go.correct = deadline, 60, [True] * 10
    make.saved(go)

    assert count(contest, LATER + timedelta(seconds=20)) == 1
    assert scores(contest)[player.participant_id] == (1, 60, 6000)


def test_a_voided_go_leaves_the_score_and_the_last_one_takes_it_along(contest: make.Contest) -> None:
    player = a_player(contest)
    good, poor = a_go(contest, player, 90), a_go(contest, player, 50, after_s=300)
    count(contest)
    good.voided_at, good.void_reason = LATER, "测试"
    make.saved(good)
    count(contest, LATER + timedelta(seconds=20))
    assert scores(contest)[player.participant_id] == (1, 50, 5000)

    poor.voided_at, poor.void_reason = LATER + timedelta(seconds=25), "测试"
    make.saved(poor)
    count(contest, LATER + timedelta(seconds=40))
    assert scores(contest) == {}


def test_settled_waits_for_what_is_on_its_way(contest: make.Contest) -> None:
    a_go(contest, a_player(contest), submitted_at=LATER - OVERLAP / 2)
    assert not queries.settled(contest.round.id, LATER)
    count(contest)
    assert not queries.settled(contest.round.id, LATER)

    count(contest, LATER + OVERLAP + timedelta(seconds=1))
    assert queries.settled(contest.round.id, LATER + OVERLAP + timedelta(seconds=1))
    make.saved(a_go(contest, a_player(contest), submitted_at=LATER + OVERLAP + timedelta(seconds=2)))
    assert not queries.settled(contest.round.id, LATER + OVERLAP + timedelta(seconds=3))


def test_a_new_version_of_the_rules_counts_everybody_again(contest: make.Contest) -> None:
    player = a_player(contest)
    a_go(contest, player, 80)
    a_go(contest, player, 70, submitted_at=make.OPENS + timedelta(hours=26), day="2026-12-02")
    at = LATER + timedelta(days=2)
    count(contest, at)
    assert scores(contest)[player.participant_id][1] == 80

    make.announce(contest.round, at, strategy="daily_sum")
    count(contest, at + timedelta(seconds=20))
    assert scores(contest)[player.participant_id][1] == 150


def test_the_frozen_board_holds_the_announced_moment_and_is_written_once(app: Any) -> None:
    freezes_at = LATER
    contest = a_contest(make.a_county(), rules={"board": "frozen", "board_freezes_at": freezes_at})
    before, after = a_player(contest, "前面的人"), a_player(contest, "后面的人")
    a_go(contest, before, 80)
    a_go(contest, after, 100, submitted_at=freezes_at + timedelta(seconds=1))
    count(contest, freezes_at + timedelta(minutes=5))  # the job came late

    def names(stage: str) -> list[str]:
        kept = queries.board(contest.round.id, stage)
        assert kept is not None
        return [one["name"] for one in kept.body["leaders"]]

    assert names("frozen") == ["前**"]
    assert names("live") == ["后**", "前**"]
    a_go(contest, before, 100, submitted_at=freezes_at + timedelta(minutes=6), used_s=5)
    count(contest, freezes_at + timedelta(minutes=7))
    frozen = queries.board(contest.round.id, "frozen")
    assert frozen is not None
    assert (frozen.as_of, names("frozen")) == (freezes_at, ["前**"])
    assert names("live") == ["前**", "后**"]
    assert not operations.keep_board(round_id=contest.round.id, stage="frozen", body={}, at=LATER)


def test_the_board_of_a_large_field_is_renewed_less_often_and_misses_nothing(
    contest: make.Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "PLAYERS_A_SECOND", 1 / 200)
    a_go(contest, a_player(contest))
    count(contest)
    a_go(contest, a_player(contest), submitted_at=LATER + timedelta(seconds=5))

    def on_board() -> int:
        kept = queries.board(contest.round.id, "live")
        assert kept is not None
        return kept.body["figures"]["counted"]["players"]

    count(contest, LATER + timedelta(seconds=199))  # one player: 200 s
    assert (len(scores(contest)), on_board()) == (2, 1)
    count(contest, LATER + timedelta(seconds=200))  # the go is older than the overlap by now
    assert on_board() == 2


def test_the_final_board_comes_when_nothing_can_be_handed_in_any_more(contest: make.Contest) -> None:
    player, over_at = a_player(contest), contest.round.closes_at + timedelta(seconds=60)
    open_go = a_go(contest, player, submitted_at=contest.round.closes_at)
    open_go.submitted_at, open_go.score, open_go.correct = None, None, None
    make.saved(open_go)
    count(contest, over_at - timedelta(seconds=1))
    assert set(queries.boards(contest.round.id)) == {"live"}
    count(contest, over_at)
    assert set(queries.boards(contest.round.id)) == {"live"}  # the sweeper has not come by yet

    open_go.submitted_at, open_go.score, open_go.correct = contest.round.closes_at, 90, [True] * 10
    make.saved(open_go)
    count(contest, over_at + timedelta(seconds=20))
    final = queries.board(contest.round.id, "final")
    assert final is not None
    assert final.body["figures"]["counted"]["players"] == 1


def flags(contest: make.Contest) -> dict[tuple[int, str], dict[str, int]]:
    db.session.rollback()
    return {
        (row.participant_id, row.kind): row.detail
        for row in db.session.query(Flag).filter_by(round_id=contest.round.id)
    }


def looked_at(contest: make.Contest) -> dict[tuple[int, str], dict[str, int]]:
    count(contest, LATER + TILE)
    return flags(contest)


def test_a_fast_good_go_is_flagged_with_its_figures(contest: make.Contest) -> None:
    fast, slow, poor = (a_player(contest) for _ in range(3))
    a_go(contest, fast, 100, used_s=29)
    a_go(contest, slow, 100, used_s=30)
    a_go(contest, poor, 50, used_s=3)

    assert looked_at(contest) == {
        (fast.participant_id, "too_fast"): {"goes": 1, "used_s": 29, "items": 10, "floor_s": 30}
    }


def test_one_phone_behind_three_players_is_flagged(contest: make.Contest) -> None:
    players = [a_player(contest) for _ in range(4)]
    for number, player in enumerate(players):
        a_go(contest, player, 100, device_hash="same" if number < 3 else "other", after_s=1000 * number)

    assert looked_at(contest) == {
        (player.participant_id, "same_device"): {"players": 3} for player in players[:3]
    }


def test_the_same_mistakes_in_one_unit_within_a_tile_are_flagged(contest: make.Contest) -> None:
    _, tokens = paper.laid_out(paper.frozen(contest.paper.id).items[0], "seed")
    wrong, other = ({"1": [1, [tokens[choice]]]} for choice in (0, 2))
    alike = [a_player(contest) for _ in range(3)]
    for player in alike:
        a_go(contest, player, 90, answers=wrong)
    a_go(contest, a_player(contest), 90, answers=other)
    a_go(contest, a_player(contest), 90, answers=wrong, after_s=-601)  # in the tile before
    for _ in range(3):
        a_go(contest, a_player(contest), 100)  # full marks look alike by nature
        a_go(contest, a_player(contest), 0)  # and so do empty sheets

    assert set(looked_at(contest)) == {(player.participant_id, "same_answers") for player in alike}


def test_a_rush_through_one_link_is_flagged(contest: make.Contest) -> None:
    begins = make.OPENS + timedelta(hours=2)
    crowd = [a_player(contest, joined_at=begins + timedelta(seconds=one)) for one in range(30)]
    for player in crowd:
        a_go(contest, player, 50, submitted_at=begins + timedelta(minutes=3), used_s=30)
    late = a_player(contest, joined_at=begins + timedelta(seconds=90))
    a_go(contest, late, 50, submitted_at=begins + timedelta(minutes=4), used_s=30)

    assert looked_at(contest) == {
        (player.participant_id, "burst"): {"joined": 30, "usual": 1} for player in crowd
    }


def test_an_honest_field_raises_no_flag(contest: make.Contest) -> None:
    for number in range(12):
        a_go(contest, a_player(contest, joined_at=make.OPENS + timedelta(minutes=number)), 10 * (number % 11))

    assert looked_at(contest) == {}


def test_a_tile_is_looked_at_once_it_is_complete(contest: make.Contest) -> None:
    players = [a_player(contest) for _ in range(3)]
    for player in players:
        a_go(contest, player, 100, device_hash="same")
    ends = make.OPENS + timedelta(hours=2) + TILE
    count(contest, ends + OVERLAP - timedelta(seconds=1))
    assert flags(contest) == {}

    count(contest, ends + OVERLAP)
    assert len(flags(contest)) == 3


def test_a_flag_is_new_again_only_with_more_goes_of_their_own(contest: make.Contest) -> None:
    player = a_player(contest)
    a_go(contest, player, 100, used_s=5)
    count(contest)
    count(contest, LATER + timedelta(seconds=20), anew=True)
    found_at = db.session.query(Flag.found_at).scalar()
    assert found_at == LATER

    a_go(contest, player, 100, submitted_at=LATER + timedelta(seconds=30), used_s=4)
    count(contest, LATER + timedelta(seconds=40))
    db.session.rollback()
    assert db.session.query(Flag.found_at).scalar() == LATER + timedelta(seconds=40)


def test_the_job_counts_announced_contests_that_run(app: Any, at: Any) -> None:
    county = make.a_county()
    running = a_contest(county)
    alike: Any = {"paper": running.paper, "campaign": running.campaign}
    a_go(running, a_player(running))
    unannounced = a_contest(county, published=False, **alike)
    a_go(unannounced, a_player(unannounced))
    to_come = a_contest(county, opens_at=make.OPENS + timedelta(days=18), **alike)
    at(LATER)
    db.session.commit()

    assert queries.to_count(LATER) == [running.round.id]
    assert cli.keep() == 1
    assert (len(scores(running)), len(scores(unannounced))) == (1, 0)
    assert queries.progress(to_come.round.id) is None
    assert queries.to_count(running.round.closes_at + queries.COUNTED_FOR) == []


def test_commands_count_and_rebuild(app: Any, at: Any) -> None:
    contest = a_contest(make.a_county())
    a_go(contest, a_player(contest), used_s=3)
    at(LATER)
    db.session.commit()
    run = app.test_cli_runner().invoke

    counted = run(cli.count, [contest.round.code])
    assert (counted.exit_code, counted.output) == (0, "已统计 1 人；这一场共 1 人、1 次，待复核 1 人\n")
    assert run(cli.count, [contest.round.code]).output.startswith("已统计 0 人；")
    assert run(cli.rebuild, [contest.round.code]).output.startswith("已统计 1 人；")


def test_what_was_erased_is_not_counted_again(contest: make.Contest, app: Any, at: Any) -> None:
    a_go(contest, a_player(contest))
    erased = make.OPENS + timedelta(days=70)

    assert count(contest, at(erased), anew=True) == 0
    assert scores(contest) == {}
    refused = app.test_cli_runner().invoke(cli.rebuild, [contest.round.code])
    assert "已经到期清除" in str(refused.exception.text)


def test_commands_refuse_a_round_without_rules(app: Any) -> None:
    contest = a_contest(make.a_county(), published=False)

    assert "规则还没有公布" in str(
        app.test_cli_runner().invoke(cli.count, [contest.round.code]).exception.text
    )


def test_counting_step_by_step_comes_to_what_counting_anew_does(contest: make.Contest) -> None:
    chance, at = Random(5), make.OPENS + timedelta(hours=1)
    players = [a_player(contest) for _ in range(30)]
    going: list[Any] = []
    for number in range(40):
        at += timedelta(seconds=chance.randint(1, 50))
        going.append(
            begun := a_go(contest, chance.choice(players), submitted_at=at, used_s=10, day=f"day {number}")
        )
        begun.submitted_at, begun.score, begun.correct = None, None, None
        begun.limit_ends_at = at + timedelta(seconds=chance.randint(10, 900))
        if len(going) < 10:
            continue
        go = going.pop(chance.randrange(len(going)))
        over = go.limit_ends_at is not None and go.limit_ends_at < at
        go.submitted_at = go.limit_ends_at if over else at  # what the clock has ended is dated back
        go.score, go.correct = chance.randint(0, 100), [True] * 10
        if chance.random() < 0.2:
            go.voided_at, go.void_reason = at, "测试"
        count(contest, at)
    stepwise = every_column(contest)
    count(contest, at + timedelta(seconds=20), anew=True)

    assert len(stepwise) > 15
    assert every_column(contest) == stepwise


def every_column(contest: make.Contest) -> dict[int, Any]:
    db.session.rollback()
    return {
        row.participant_id: (row.goes, row.points, row.out_of, row.used_s, row.reached_at, row.best_permyriad)
        for row in db.session.query(Score).filter_by(round_id=contest.round.id)
    }
