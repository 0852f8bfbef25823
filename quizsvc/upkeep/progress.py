"""How far a long step is: handed down as a function, drawn as bars on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

Progress = Callable[[str, int, int], None]
"""Called with the name of the step, how much is done, how much there is; both grow from 0."""


def silent(_step: str, _done: int, _whole: int) -> None:
    """Show nothing: pages, jobs and tests."""


@contextmanager
def bars() -> Iterator[Progress]:
    """Draw a bar a step on the error stream, so that what is printed can be piped on."""
    with ExitStack() as drawn:
        steps: dict[str, tuple[Any, int]] = {}

        def show(step: str, done: int, whole: int) -> None:
            if step not in steps:
                drawn.close()
                bar = click.progressbar(length=max(whole, 1), label=step, file=sys.stderr)
                steps[step] = drawn.enter_context(bar), 0
            bar, before = steps[step]
            bar.update(done - before)
            steps[step] = bar, done

        yield show
