"""Rings as our own SVG: one tick is one person or one question; fills only, so that they print."""

from collections.abc import Sequence
from functools import lru_cache

from flask import Flask
from markupsafe import Markup

FEW = 12  # up to here the gaps between ticks are narrower
CIRCLE = 'cx="18" cy="18" r="15.9155"'  # a circumference of 100


def ring(total: int, parts: Sequence[tuple[str, int]], label: str) -> Markup:
    """Draw a ring of `total` ticks, coloured by (class, count) in order round it; the rest stays grey."""
    head = Markup('<svg class="ring" viewBox="0 0 36 36" role="img" aria-label="{}">').format(label)
    return head + _ticks(total, tuple((name, count) for name, count in parts)) + Markup("</svg>")


@lru_cache(maxsize=1024)
def _ticks(total: int, parts: tuple[tuple[str, int], ...]) -> Markup:
    if not total:
        return Markup(f'<circle class="r0" {CIRCLE}/>')  # noqa: S704 numbers and our own class names
    arcs, start = [_arc("r0", 0, total, total)], 0
    for name, count in parts:
        arcs.append(_arc(name, start, count, total))
        start += count
    return Markup("".join(arcs))  # noqa: S704 numbers and our own class names


def _arc(name: str, start: int, count: int, total: int) -> str:
    if not count:
        return ""
    step = 100 / total
    tick = step * (0.66 if total <= FEW else 0.62)
    dashes = (
        f"{tick:.3f} {step - tick:.3f} " * (count - 1) + f"{tick:.3f} {100 - (count - 1) * step - tick:.3f}"
    )
    offset = f"{-start * step:.3f}"
    return f'<circle class="{name}" {CIRCLE} stroke-dasharray="{dashes}" stroke-dashoffset="{offset}"/>'


def init_app(app: Flask) -> None:
    """Give templates `ring()`."""
    app.jinja_env.globals["ring"] = ring
