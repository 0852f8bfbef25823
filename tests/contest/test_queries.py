from datetime import timedelta
from random import Random
from typing import Any

import pytest

from quizsvc.attempt.models import Player
from quizsvc.campaign import queries as campaign
from quizsvc.contest import cli, queries
from quizsvc.contest.models import Flag, Ruling, Score
from quizsvc.core import standing
from quizsvc.core.standing import Tally
from quizsvc.db import db
from tests import make
from tests.contest.field import a_contest, a_go, a_player
from tests.support import Watch

NOW = make.OPENS + timedelta(days=1)


def a_score(contest: make.Contest, player: Player, reached: Tally, best: int = 10000) -> None:
    db.session.add(
        Score(
            participant_id=player.participant_id, round_id=contest.round.id, unit_id=contest.links[0].unit_id, goes=1,
            points=reached.points, out_of=reached.out_of, used_s=reached.used_s, reached_at=reached.reached_at,
            best_permyriad=best,
        )
    )  # fmt: skip


def exclude(contest: make.Contest, player: Player, verdict: str = "excluded") -> None:
    db.session.add(
        Ruling(round_id=contest.round.id, participant_id=player.participant_id, verdict=verdict, reason="查实",
               at=NOW, by="cli")
    )  # fmt: skip


@pytest.mark.parametrize("strategy", sorted(standing.STRATEGIES))
def test_the_standing_is_that_of_the_rules(app: Any, strategy: str) -> None:
    contest, chance = a_contest(make.a_county(), rules={"strategy": strategy}), Random(1)
    tallies: dict[str, Tally] = {}
    players: dict[str, int] = {}
    for number in range(40):  # few values, so that everything is tied somewhere
        reached = Tally(
            chance.choice([0, 80, 90]),
            100,
            chance.choice([60, 61]),
            NOW + timedelta(seconds=chance.choice([0, 1])),
        )
        player = a_player(contest)
        a_score(contest, player, reached)
        players[player.entry_id] = player.participant_id
        if number % 10 == 3:
            exclude(contest, player)
        else:
            tallies[player.entry_id] = reached
    db.session.commit()
    expected = standing.ranked(tallies, strategy)
    row = queries.contest_of(campaign.round_of(contest.round.id))

    found = queries.standing(contest.round.id, 100)
    assert [(one.rank, one.entry_id) for one in found] == expected
    assert [(one.rank, one.entry_id) for one in queries.standing(contest.round.id, 7)] == expected[:7]
    assert row is not None
    of_entry = {entry_id: rank for rank, entry_id in expected}
    assert {
        entry_id: queries.own_rank(row, participant_id) for entry_id, participant_id in players.items()
    } == {entry_id: of_entry.get(entry_id) for entry_id in players}


def test_entries_are_those_who_reached_the_step_and_are_not_excluded(app: Any) -> None:
    contest = a_contest(make.a_county())
    full, good, poor, out, back = (a_player(contest) for _ in range(5))
    for player, best in ((full, 10000), (good, 9000), (poor, 8999), (out, 10000), (back, 10000)):
        a_score(contest, player, Tally(best // 100, 100, 60, NOW), best)
    exclude(contest, out)
    exclude(contest, back)
    exclude(contest, back, "restored")
    db.session.commit()

    assert queries.entries(contest.round.id, 10000) == sorted([full.entry_id, back.entry_id])
    assert queries.entries(contest.round.id, 9000) == sorted([full.entry_id, good.entry_id, back.entry_id])
    assert queries.excluded(contest.round.id) == {out.participant_id}


def test_counts_tell_heads(app: Any, watch: Watch) -> None:
    contest = a_contest(make.a_county())
    full, poor, out = (a_player(contest) for _ in range(3))
    for player, best in ((full, 10000), (poor, 5000), (out, 10000)):
        a_score(contest, player, Tally(best // 100, 100, 60, NOW), best)
    exclude(contest, out)
    for kind in ("too_fast", "burst"):
        db.session.add(
            Flag(
                round_id=contest.round.id,
                participant_id=poor.participant_id,
                kind=kind,
                detail={},
                found_at=NOW,
            )
        )
    db.session.commit()

    with watch.counting() as seen:
        counts = queries.counts(contest.round.id)
    assert counts == queries.Counts(players=3, goes=3, qualified=1, flagged=1, excluded=1)
    assert len(seen) == 4


def test_another_contest_has_its_own_standing(app: Any) -> None:
    county = make.a_county()
    one = a_contest(county)
    other = a_contest(county, paper=one.paper, campaign=one.campaign)
    a_score(one, a_player(one), Tally(90, 100, 60, NOW))
    db.session.commit()

    assert (len(queries.standing(one.round.id, 9)), queries.standing(other.round.id, 9)) == (1, [])
    assert queries.counts(other.round.id) == queries.Counts(0, 0, 0, 0, 0)
    assert queries.entries(other.round.id, 0) == []


def test_a_ruling_settles_the_flags_found_before_it_only(app: Any) -> None:
    contest = a_contest(make.a_county())
    player = a_player(contest)
    db.session.add(
        Flag(round_id=contest.round.id, participant_id=player.participant_id, kind="burst", detail={},
             found_at=NOW - timedelta(hours=1))
    )  # fmt: skip
    db.session.commit()
    assert queries.pending(contest.round.id) == 1

    exclude(contest, player, "cleared")
    db.session.commit()
    assert queries.pending(contest.round.id) == 0
    db.session.add(
        Flag(round_id=contest.round.id, participant_id=player.participant_id, kind="too_fast", detail={},
             found_at=NOW + timedelta(hours=1))
    )  # fmt: skip
    db.session.commit()
    assert queries.pending(contest.round.id) == 1


def test_pupils_behind_seats_are_counted_by_class_and_never_listed(app: Any) -> None:
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=6)
    contest = a_contest(school, [unit], identity="seat", per="round", rules={"board_least": 5})
    for seat in range(1, 7):
        make.an_attempt(
            contest.round, unit, seat, started_at=make.OPENS, submitted_at=make.OPENS + timedelta(minutes=9)
        )
    cli.count_round(contest.round.id, NOW)
    board = queries.board(contest.round.id, "live")

    assert board is not None
    assert board.body["leaders"] == []
    assert board.body["boards"][0]["lines"] == [
        {
            "name": "阳光县实验中学 七年级（3）班",
            "rank": 1,
            "expected": 6,
            "players": 6,
            "points": 180,
            "out_of": 180,
        }
    ]


def test_counting_takes_few_statements_a_batch(app: Any, watch: Watch) -> None:
    contest = a_contest(make.a_county())

    def statements(players: int, at: Any) -> int:
        for _ in range(players):
            a_go(contest, a_player(contest), submitted_at=at, used_s=300)
        db.session.commit()
        with watch.counting() as seen:
            cli.count_round(contest.round.id, at)
        return len(seen)

    first = statements(2, NOW)
    assert statements(2, NOW + timedelta(minutes=1)) == statements(15, NOW + timedelta(minutes=2)) < first + 5
