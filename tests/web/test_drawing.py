"""Rings: one tick a head, in order, and labels that cannot break out."""

import re

from quizsvc.web.drawing import ring


def ticks(svg: str) -> dict[str, int]:
    """Count the ticks of each class: pairs of a dash and its gap."""
    return {
        name: len(dashes.split()) // 2
        for name, dashes in re.findall(r'class="(r\d)"[^>]*dasharray="([^"]+)"', svg)
    }


def test_ring_has_one_tick_a_head() -> None:
    assert ticks(ring(45, [("r1", 37), ("r2", 3)], "")) == {"r0": 45, "r1": 37, "r2": 3}


def test_ring_begins_each_part_where_the_last_one_ended() -> None:
    assert re.findall(r'dashoffset="([^"]+)"', ring(10, [("r1", 8), ("r3", 2)], "")) == [
        "0.000",
        "0.000",
        "-80.000",
    ]


def test_every_part_goes_once_round() -> None:
    for dashes in re.findall(r'dasharray="([^"]+)"', ring(7, [("r1", 3), ("r2", 4)], "")):
        assert round(sum(map(float, dashes.split())), 1) == 100.0


def test_empty_ring_is_a_plain_circle() -> None:
    assert "dasharray" not in ring(0, [("r1", 0)], "没有人")


def test_label_is_escaped() -> None:
    assert '"><script' not in ring(3, [], '"><script>')
