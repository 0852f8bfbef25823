"""Simulated contests: the same seed the same contest, with what a draw has to cope with."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from quizsvc.core import draw, integrity, publicvalue, rehearsal
from quizsvc.core.rehearsal import Outcome, Player, Prize
from quizsvc.core.rulebook import Tier

OPENS = datetime(2026, 12, 1, tzinfo=UTC)


@cache
def a_town() -> tuple[Player, ...]:
    return tuple(rehearsal.players(12_000, "a"))


def test_the_same_seed_makes_the_same_players_and_another_seed_others():
    assert list(rehearsal.players(50, "a")) == list(rehearsal.players(50, "a"))
    assert {one.entry_id for one in rehearsal.players(50, "a")}.isdisjoint(
        one.entry_id for one in rehearsal.players(50, "b")
    )
    assert rehearsal.draw_id("a") != rehearsal.draw_id("b")
    assert list(rehearsal.players(0, "a")) == []


def test_there_are_all_sorts_and_ties_and_players_ruled_out():
    played = a_town()
    out = rehearsal.ruled_out(played, rehearsal.signs(played, OPENS))
    stay = [one for place, one in enumerate(played) if place not in out]
    ranks = rehearsal.ranked(stay, OPENS)

    assert {one.sort for one in played} == set(rehearsal.SORTS)
    assert 0 < len(out) < 600
    assert len({rank for rank, _ in ranks}) < len(ranks)
    assert {entry for _, entry in ranks} == {one.entry_id for one in stay}
    assert {one.best_permyriad for one in played} >= {10000, 9000, 8000}
    assert len({one.entry_id for one in played}) == 12_000
    assert all(0 <= one.joined_s <= one.reached_s < 864_000 for one in played)


def test_signs_are_those_of_the_rules_and_some_of_them_are_false():
    played = a_town()
    found = rehearsal.signs(played, OPENS)
    shown = {name: {played[place].sort for place in places} for name, places in found.items()}
    out = rehearsal.ruled_out(played, found)

    assert set(found) == set(integrity.KINDS)
    assert shown["too_fast"] == {"program", "quick"}
    assert shown["same_device"] == {"family", "tablet"}
    assert shown["same_answers"] >= {"copied", "hired"}
    assert shown["burst"] == {"hall", "hired"}
    assert {place for place, one in enumerate(played) if one.sort in ("program", "hired")} <= out
    assert (
        not {place for place, one in enumerate(played) if one.sort in ("patient", "family", "tablet")} & out
    )
    assert any(not played[place].cheats for place in out)


def a_player(**changed: object) -> Player:
    return replace(next(rehearsal.players(1, "a")), **{"best_permyriad": 9000, "used_s": 90} | changed)  # type: ignore[arg-type]


def test_two_signs_or_full_marks_too_fast_are_ruled_out():
    played = [a_player(), a_player(), a_player(best_permyriad=10000), a_player(best_permyriad=10000)]
    found = {"too_fast": {0, 2}, "burst": {1, 3}, "same_answers": {1}, "same_device": set[int]()}

    assert rehearsal.ruled_out(played, found) == {1, 2}


def test_a_rush_is_measured_by_what_is_usual_behind_the_link():
    crowd = [a_player(unit_id=1, joined_s=7200 + at, reached_s=8000) for at in range(30)]
    before = [a_player(unit_id=1, joined_s=at * 18, reached_s=4000) for at in range(200)]

    assert rehearsal.signs(crowd, OPENS)["burst"] == set(range(30))
    assert rehearsal.signs(crowd[1:], OPENS)["burst"] == set()
    assert rehearsal.signs([*crowd, *before], OPENS)["burst"] == set()


def fates(**said: str):
    return lambda entry_id: said.get(entry_id, "handed")


TIERS = (
    Tier(name="名次奖", item="书", number=1, value_yuan=30, by="standing"),
    Tier(name="一等奖", item="书", number=2, value_yuan=30, by="draw"),
)
LINES = {"standing": list("sabc"), "draw": list("abcd")}


def given(*, lines: dict[str, list[str]] = LINES, **said: str) -> Outcome:
    won = (
        *draw.winners_by_standing(TIERS, enumerate(lines["standing"], 1)),
        *draw.winners(TIERS, lines["draw"]),
    )
    return rehearsal.hand_out(TIERS, won, lines, fates(**said))


def test_prizes_that_are_claimed_are_handed_out_at_once():
    outcome = given()

    assert outcome.handed == (Prize(0, 1, "s"), Prize(1, 1, "a"), Prize(1, 2, "b"))
    assert (outcome.lapsed, outcome.failed, outcome.passed, outcome.left) == ((), (), (), ())
    assert (outcome.turns, outcome.reserves) == (1, {"standing": 1, "draw": 2})
    assert rehearsal.faults(TIERS, outcome) == []


def test_a_prize_nobody_claims_goes_to_the_next_who_never_had_one():
    outcome = given(s="lapsed", a="failed")

    assert outcome.passed == (Prize(0, 1, "c"), Prize(1, 1, "d"))
    assert outcome.lapsed == (Prize(0, 1, "s"),)
    assert outcome.failed == (Prize(1, 1, "a"),)
    assert outcome.handed == (Prize(1, 2, "b"), Prize(0, 1, "c"), Prize(1, 1, "d"))
    assert outcome.turns == 2
    assert rehearsal.faults(TIERS, outcome) == []


def test_a_prize_without_anybody_left_in_line_is_kept():
    outcome = given(a="lapsed", b="lapsed", c="lapsed", d="lapsed")
    few = given(lines={"standing": ["s"], "draw": ["a"]})

    assert outcome.left == ((1, 1), (1, 2))
    assert few.left == ((1, 2),)
    assert rehearsal.faults(TIERS, outcome) == rehearsal.faults(TIERS, few) == []


def test_a_prize_passed_to_somebody_who_has_one_is_noticed(monkeypatch: pytest.MonkeyPatch):
    def careless(queue: Iterator[str], had: object) -> str | None:
        return next(queue, None)

    monkeypatch.setattr(rehearsal, "_next_in_line", careless)

    assert rehearsal.faults(TIERS, given(s="lapsed", a="lapsed")) == ["有人得了两份奖。"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"handed": (Prize(0, 1, "s"), Prize(1, 1, "a"))}, "奖品对不上"),
        ({"handed": (*given().handed, Prize(1, 2, "d"))}, "奖品对不上"),
        ({"handed": (Prize(0, 1, "s"), Prize(1, 1, "a"), Prize(1, 2, "a"))}, "有人得了两份奖"),
        ({"handed": given().handed[:2], "left": ((1, 2),)}, "还有人候补"),
    ],
)
def test_a_wrong_outcome_is_noticed(changed: dict[str, object], said: str):
    faults = rehearsal.faults(TIERS, replace(given(), **changed))  # type: ignore[arg-type]

    assert len(faults) == 1
    assert faults[0].startswith(said)


@pytest.mark.parametrize("scarce", [False, True])
def test_stock_is_conserved_whoever_comes(scarce: bool):
    rules = rehearsal.rules(2000, OPENS, scarce=scarce)
    played = list(rehearsal.players(2000, "a", scarce=scarce))
    ranks = rehearsal.ranked(played, OPENS)
    placed = draw.winners_by_standing(rules.tiers, ranks)
    walked = draw.order("a", {one.entry_id for one in played} - {one.entry_id for one in placed})
    won = (*placed, *draw.winners(rules.tiers, walked))
    lines = {"standing": [entry for _, entry in ranks], "draw": walked}
    outcome = rehearsal.hand_out(rules.tiers, won, lines, lambda one: rehearsal.fate("a", one))
    nobody = rehearsal.hand_out(rules.tiers, won, lines, lambda one: "lapsed")

    assert rehearsal.faults(rules.tiers, outcome) == rehearsal.faults(rules.tiers, nobody) == []
    assert len(outcome.handed) == len(won)
    assert len(outcome.passed) == len(outcome.lapsed) + len(outcome.failed) - len(outcome.left)
    assert len(nobody.left) == sum(tier.number for tier in rules.tiers)
    assert sum(nobody.reserves.values()) == 0


def test_most_winners_come_and_some_are_somebody_else():
    said = [rehearsal.fate("a", str(one)) for one in range(1000)]

    assert said == [rehearsal.fate("a", str(one)) for one in range(1000)]
    assert 800 < said.count("handed") < 880
    assert 120 < said.count("lapsed") < 180
    assert 0 < said.count("failed") < 25


def test_full_marks_can_be_so_rare_that_they_do_not_fill_the_prizes():
    rules = rehearsal.rules(3000, OPENS, scarce=True)
    full = sum(one.best_permyriad == 10000 for one in rehearsal.players(3000, "a", scarce=True))
    plenty = sum(one.best_permyriad == 10000 for one in rehearsal.players(3000, "a"))

    assert full < plenty
    assert full < draw.prizes_by(rules.tiers, "draw")
    assert draw.prizes_by(rehearsal.rules(3000, OPENS).tiers, "draw") < plenty


def test_its_sources_and_value_are_sound():
    rules = rehearsal.rules(5, OPENS)
    publicvalue.refuse_weak(rules.sources)

    assert publicvalue.combined(rules.sources, [rehearsal.public_value("a")]) == rehearsal.public_value("a")
    assert draw.prizes_by(rules.tiers, "standing") == 0
