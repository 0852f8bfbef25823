from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from quizsvc.core import integrity
from quizsvc.core.integrity import Answered, Joined

T = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used_s", "score", "flagged"),
    [(29, 60, True), (30, 60, False), (29, 59, False), (0, 100, True), (300, 100, False), (0, 0, False)],
)
def test_a_go_is_too_fast_when_nobody_reads_that_fast_and_it_is_good(
    used_s: int, score: int, flagged: bool
) -> None:
    assert integrity.too_fast(items=10, used_s=used_s, score=score, out_of=100, floor_s=3) == flagged


def test_a_go_without_points_on_offer_is_never_too_fast() -> None:
    assert not integrity.too_fast(items=10, used_s=0, score=0, out_of=0, floor_s=3)


@pytest.mark.parametrize(
    ("reading", "floor_s"), [([], 2), ([4, 4], 2), ([20, 20], 5), ([18, 23], 5), ([24], 6)]
)
def test_the_floor_is_a_quarter_of_reading(reading: list[int], floor_s: int) -> None:
    assert integrity.floor_s(Fraction(one) for one in reading) == floor_s


def go(player: int, answers: str = "same", unit: int = 1) -> Answered:
    return Answered(player, unit, answers, T)


def test_three_with_the_same_mistakes_are_flagged() -> None:
    assert integrity.alike([go(1), go(2), go(3), go(4, "other")]) == {1: 3, 2: 3, 3: 3}


@pytest.mark.parametrize(
    "goes",
    [
        [go(1), go(2)],
        [go(1), go(1), go(1)],
        [go(1), go(2), go(3, unit=2)],
        [go(1, "a"), go(2, "b"), go(3, "c")],
    ],
)
def test_fewer_than_three_players_of_one_unit_are_not_flagged(goes: list[Answered]) -> None:
    assert integrity.alike(goes) == {}


def test_the_larger_group_is_told() -> None:
    small = [go(1, "a"), go(2, "a"), go(3, "a")]
    large = [go(1, "b"), go(4, "b"), go(5, "b"), go(6, "b")]

    assert integrity.alike([*small, *large])[1] == integrity.alike([*large, *small])[1] == 4


@pytest.mark.parametrize(("players", "flagged"), [((1, 2), False), ((1, 2, 3), True), ((1, 1, 1), False)])
def test_three_players_on_one_phone_are_flagged(players: tuple[int, ...], flagged: bool) -> None:
    found = integrity.shared([("phone", player) for player in players])

    assert found == (dict.fromkeys(players, len(players)) if flagged else {})


def test_the_phone_with_most_players_is_told() -> None:
    found = integrity.shared(
        [(phone, one) for phone, players in (("a", 4), ("b", 3)) for one in range(players)]
    )

    assert found == {0: 4, 1: 4, 2: 4, 3: 4}


def joined(number: int, link: int = 1) -> Joined:
    return Joined(link, T, tuple(range(number)))


@pytest.mark.parametrize(
    ("number", "usual", "flagged"),
    [
        (29, Fraction(1), False),
        (30, Fraction(1), True),
        (30, Fraction(1, 10), True),
        (30, Fraction(31, 10), False),
        (31, Fraction(31, 10), True),
    ],
)
def test_a_rush_is_many_and_far_over_the_usual(number: int, usual: Fraction, flagged: bool) -> None:
    assert bool(integrity.bursts([joined(number)], {1: usual})) == flagged


def test_a_link_without_a_past_is_taken_for_quiet() -> None:
    assert integrity.bursts([joined(30)], {})[7] == (30, 1)


def test_the_usual_is_told_rounded_up() -> None:
    assert integrity.bursts([joined(50)], {1: Fraction(21, 10)})[0] == (50, 3)


@pytest.mark.parametrize(("minute", "begins"), [(0, 0), (9, 0), (10, 10), (59, 50)])
def test_tiles_begin_every_ten_minutes(minute: int, begins: int) -> None:
    assert integrity.tile_of(T + timedelta(minutes=minute, seconds=59)) == T + timedelta(minutes=begins)


def test_every_sign_says_what_else_it_may_be() -> None:
    assert set(integrity.KINDS) == {"too_fast", "same_device", "same_answers", "burst"}
    assert all("也可能" in kind.meaning for kind in integrity.KINDS.values())
