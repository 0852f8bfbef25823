"""Simulated contests: the same seed the same contest, with what a draw has to cope with."""

from datetime import UTC, datetime

from quizsvc.core import draw, publicvalue, rehearsal

OPENS = datetime(2026, 12, 1, tzinfo=UTC)


def test_the_same_seed_makes_the_same_players_and_another_seed_others():
    assert list(rehearsal.players(50, "a")) == list(rehearsal.players(50, "a"))
    assert {one.entry_id for one in rehearsal.players(50, "a")}.isdisjoint(
        one.entry_id for one in rehearsal.players(50, "b")
    )
    assert rehearsal.draw_id("a") != rehearsal.draw_id("b")
    assert list(rehearsal.players(0, "a")) == []


def test_there_are_programs_and_ties_and_players_ruled_out():
    played = list(rehearsal.players(3000, "a"))
    ranks = [rank for rank, _ in rehearsal.ranked(played, OPENS)]

    assert 5 < sum(one.excluded for one in played) < 150
    assert len(set(ranks)) < len(ranks)
    assert not {one.entry_id for one in played if one.excluded} & {
        entry for _, entry in rehearsal.ranked(played, OPENS)
    }
    assert {one.best_permyriad for one in played} >= {10000, 9000, 8000}
    assert len({one.entry_id for one in played}) == 3000


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
