"""How slow this machine is just now: limits of time are written for one that is not busy."""

from time import process_time

LEEWAY = 2
ROUNDS = 200_000
USUAL_S = 0.0105
"""What the yardstick takes on two quiet cores."""


def slowness() -> float:
    """Measure a yardstick; 1 on a usual machine or a faster one, 2 on one that takes twice as long."""
    best = float("inf")
    for _ in range(2):
        begun = process_time()
        total = 0
        for number in range(ROUNDS):
            total += number
        best = min(best, process_time() - begun)
    return max(1.0, best / USUAL_S)


def in_time(took_s: float, most_s: float) -> bool:
    """Say whether something took less than it may on a usual machine; how slow this one is matters only if not.

    The yardstick and the work are never slowed alike, so twice the time is let pass: what these tests guard against
    takes a hundred times as long. The limits themselves are held, on a machine left alone, by `make drill`.
    """
    return took_s < most_s or took_s < LEEWAY * most_s * slowness()
