"""Questions written from pieces kept with the frozen paper: what no form changes goes through Jinja once a process.

A form changes three things of a question: its position, the order of its options, and their tokens. Each piece
carries a placeholder where they belong; the macros of `_parts.html` write both the pieces and the other pages.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase

from flask import current_app
from markupsafe import Markup

from quizsvc.attempt.queries import Sheet
from quizsvc.core.bankfile import KIND_NAMES
from quizsvc.core.marking import Saved
from quizsvc.paper import queries as paper
from quizsvc.paper.queries import FrozenPaper, ReviewItem

KEPT = 4000
NOTHING_SAVED = Saved(0, ())
MANY = KIND_NAMES["multiple_choice"]

# characters nobody can type, from Unicode's area for private use
POSITION, SEQUENCE, TOKEN, CHECKED, LETTER = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"


@dataclass(frozen=True, slots=True)
class _Question:
    """The pieces of one question of a paper; `options` in written order."""

    opening: str
    options: tuple[str, ...]
    closing: str
    mention: str


@dataclass(frozen=True, slots=True)
class Written:
    """What the page of questions shows of its items: the questions, links to them, lines of the summary."""

    questions: Markup
    mentions: Markup
    lines: Markup


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn from an item, whoever answered it: the scene with its tells, and why."""

    scene: Markup
    why: Markup


def written(frozen: FrozenPaper, state: Sheet) -> Written:
    """Write the questions of an attempt with the answers saved so far."""
    questions, mentions = [], []
    for position, (index, _) in enumerate(state.form, start=1):
        piece = _question(frozen, index)
        saved = state.answers.get(position, NOTHING_SAVED)
        order, tokens = paper.laid_out(frozen.items[index], state.seed)
        options = [
            piece.options[place]
            .replace(TOKEN, tokens[place])
            .replace(CHECKED, " checked" if tokens[place] in saved.chosen else "")
            .replace(LETTER, letter)
            for letter, place in zip(ascii_uppercase, order, strict=False)
        ]
        whole = f"{piece.opening.replace(SEQUENCE, str(saved.seq))}{''.join(options)}{piece.closing}"
        questions.append(whole.replace(POSITION, str(position)))
        mentions.append(piece.mention.replace(POSITION, str(position)))
    return Written(
        questions=Markup("\n".join(questions)),  # noqa: S704 made of what Jinja has escaped
        mentions=Markup("".join(mentions)),  # noqa: S704 made of what Jinja has escaped
        lines=_lines(len(state.form)),
    )


@lru_cache(maxsize=KEPT)
def _question(frozen: FrozenPaper, index: int) -> _Question:
    parts, item = _parts(), frozen.items[index].item
    shown = paper.item_view(frozen.items[index], options=())
    return _Question(
        opening=str(parts["question_opening"](shown, POSITION, SEQUENCE)),
        options=tuple(
            str(parts["option"](item.kind, POSITION, TOKEN, LETTER, option.text, CHECKED))
            for option in item.options
        ),
        closing=str(parts["question_closing"]()),
        mention=str(parts["mention"](POSITION, item.stem)),
    )


@lru_cache(maxsize=20)
def _lines(items: int) -> Markup:
    return Markup("").join(_parts()["line"](position) for position in range(1, items + 1))


@lru_cache(maxsize=KEPT)
def lesson(frozen: FrozenPaper, index: int) -> Lesson:
    """Write what there is to learn from an item of a paper."""
    parts, entry = _parts(), frozen.items[index]
    shown = paper.item_view(entry, options=())
    return Lesson(scene=parts["scene_told"](shown, entry.told), why=parts["why"](entry.item.explanation))


def explained(told: Lesson, item: ReviewItem, shown: Collection[str]) -> Markup:
    """Write an answered item: its scene with the tells, what was chosen and right, and why."""
    key_shown = "key" in shown
    options = (
        _answered(option.text, item.kind_name == MANY, option.chosen, option.key, key_shown).replace(
            LETTER, option.letter
        )
        for option in item.options
        if option.chosen or (option.key and key_shown)
    )
    why = told.why if "explanation" in shown else ""
    return Markup(f"{told.scene}{''.join(options)}{why}")  # noqa: S704 made of what Jinja has escaped


@lru_cache(maxsize=KEPT)
def _answered(text: str, many: bool, chosen: bool, key: bool, key_shown: bool) -> str:
    return str(_parts()["answered"](text, many, chosen, key, key_shown, LETTER))


def _parts() -> Mapping[str, Callable[..., Markup]]:
    return vars(current_app.jinja_env.get_template("attempt/_parts.html").module)
