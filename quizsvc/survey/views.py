"""The page of a survey (/c/<code>/survey), and what staff see: results by unit, texts for the owner alone, turnout."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from quizsvc import audit, clock, tables
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.queries import RoundRow, UnknownRound
from quizsvc.core import linkcode, questionnaire
from quizsvc.core.access import Permission
from quizsvc.core.indicators import Rate
from quizsvc.core.questionnaire import KINDS, WORDED, Question, Questionnaire, Result
from quizsvc.link import queries as link
from quizsvc.link.queries import Door
from quizsvc.roster import queries as roster
from quizsvc.roster.queries import UnitRow
from quizsvc.survey import files, forms, operations, queries
from quizsvc.survey.queries import Results
from quizsvc.web import guesses, phone
from quizsvc.web.download import attachment
from quizsvc.web.guard import actor, guarded, may, me, public
from quizsvc.web.guard import check as require

blueprint = Blueprint("survey", __name__, template_folder="templates")
desk = Blueprint("surveys", __name__, template_folder="templates", url_prefix="/staff")

UNIT = "/rounds/<int:round_id>/survey/<int:unit_id>"
NO_SEAT = "请写你的序号，比如 7。"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the page shows it, with what was typed so far."""

    index: int
    question: Question
    met: bool
    added: bool
    condition: str
    fault: str
    typed: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    full: frozenset[int]


@dataclass(slots=True)
class Filled:
    """A page as it came in: what was typed, and what is to be said about it."""

    fields: Mapping[str, Sequence[str]]
    faults: dict[int, str]
    added: Collection[int] = ()
    seat: str = ""
    helped: bool = False
    seat_fault: str = ""

    @property
    def sound(self) -> bool:
        """Say whether nothing has to be looked at again."""
        return not (self.faults or self.added or self.seat_fault)


def _door(code: str) -> tuple[Door, Questionnaire]:
    with guesses.counting_unknown_codes(link.UnknownLink):
        door = link.door(linkcode.parse(code))
    return door, queries.body(door.round)


@blueprint.get("/c/<code>/survey")
@public
def page(code: str) -> ResponseReturnValue:
    """Show the survey, or when it opens or has closed."""
    door, asked = _door(code)
    shown = make_response(_page(door, asked, Filled({}, {}), clock.now()))
    if door.round.is_nameless and not phone.device():
        # here and not with the answers: when their receipt is lost, the phone that sends them again is known
        return phone.remember(shown, phone.fresh())
    return shown


@blueprint.post("/c/<code>/survey")
@public
def answer(code: str) -> ResponseReturnValue:
    """Take the answers once; show the page again, with everything on it, when something is missing or was added."""
    (door, asked), at = _door(code), clock.now()
    secret, seat = phone.device() or phone.fresh(), forms.seat_from(request.form)
    filled = _filled(door, asked, seat)
    status = 400 if filled.faults or filled.seat_fault else 200
    if filled.sound:
        try:
            first = operations.answer(
                code=door.code,
                seat=seat,
                device=secret,
                fields=filled.fields,
                key_file=_key_file(),
                at=at,
                helped=filled.helped,
            )
        except operations.OptionsFull as refusal:
            filled.faults, status = dict.fromkeys(refusal.questions, refusal.text), refusal.status
        except operations.SeatRefused as refusal:
            filled.seat_fault, status = refusal.text, refusal.status
        else:
            onward = url_for(".done", code=door.code, again=None if first else 1)
            return _remembered(door, make_response(redirect(onward, 303)), secret)
    return _remembered(door, make_response(_page(door, asked, filled, at), status), secret)


def _remembered(door: Door, response: Response, secret: str) -> Response:
    return phone.remember(response, secret) if door.round.is_nameless else response


def _filled(door: Door, asked: Questionnaire, seat: int | None) -> Filled:
    fields = forms.fields_from(request.form)
    reading = questionnaire.read_answers(asked, fields)
    listed = forms.listed_from(request.form)
    added = [] if listed is None else [index for index in reading.met if index not in listed]
    return Filled(
        fields=fields,
        faults={index: fault for index, fault in reading.faults.items() if index not in added},
        added=added,
        seat=request.form.get("seat", "")[:20],
        helped=forms.helped_from(request.form),
        seat_fault="" if seat or door.round.is_nameless else NO_SEAT,
    )


def _page(door: Door, asked: Questionnaire, filled: Filled, at: datetime) -> str:
    return render_template(
        "survey/page.html",
        door=door,
        state=door.window().state(at),
        survey=asked,
        asked=_asked(door.round, asked, filled),
        filled=filled,
        labels=_labels(asked, filled),
    )


def _asked(round_: RoundRow, asked: Questionnaire, filled: Filled) -> list[Asked]:
    met = set(questionnaire.read_answers(asked, filled.fields).met)
    limited = any(question.capacities for question in asked.questions)
    full = queries.full(round_.id) if limited else frozenset()
    return [
        Asked(
            index=index,
            question=question,
            met=index in met,
            added=index in filled.added,
            condition=";".join(
                f"{one.question}:{','.join(map(str, one.any_of))}" for one in question.shown_if
            ),
            fault=filled.faults.get(index, ""),
            typed=tuple(filled.fields.get(f"q{index}", ())),
            rows=tuple(
                (text, tuple(filled.fields.get(f"q{index}r{row}", ())))
                for row, text in enumerate(question.rows)
            ),
            full=frozenset(option for one, option in full if one == index),
        )
        for index, question in enumerate(asked.questions)
    ]


def _labels(asked: Questionnaire, filled: Filled) -> list[tuple[str, str]]:
    """Where the faults are, and what they are, for the head of the page."""
    seat = [("seat", filled.seat_fault)] if filled.seat_fault else []
    return seat + [
        (f"q{index}", f"“{asked.questions[index].text[:12]}”{fault}")
        for index, fault in sorted(filled.faults.items())
    ]


@blueprint.get("/c/<code>/survey/done")
@public
def done(code: str) -> ResponseReturnValue:
    """Thank whoever has answered, and say what is done with the answers."""
    door, asked = _door(code)
    return render_template("survey/done.html", door=door, survey=asked, again="again" in request.args)


# What staff see.


@dataclass(frozen=True, slots=True)
class Line:
    """One option, value or row of a result: how often, and of how many."""

    label: str
    rate: Rate

    @property
    def percent(self) -> int:
        """Return whole percents for a bar, rounded down."""
        return (self.rate.permyriad or 0) // 100


@dataclass(frozen=True, slots=True)
class Answered:
    """One question with its result; None where fewer than five have answered it, or where it is in words."""

    number: int
    text: str
    kind: str
    worded: bool
    result: Result | None
    groups: tuple[tuple[str, tuple[Line, ...]], ...]


def _entered(permission: Permission, round_id: int, unit_id: int) -> tuple[RoundRow, Questionnaire, UnitRow]:
    unit = roster.unit(unit_id)
    require(permission, unit.path)
    round_ = campaign.round_of(round_id)
    opened_to = campaign.round_paths(round_id)
    if not any(unit.path.startswith(one) or one.startswith(unit.path) for one in opened_to):
        raise UnknownRound
    return round_, queries.body(round_), unit


@desk.get(UNIT)
@guarded(Permission.SEE_ITEMS)
def results(round_id: int, unit_id: int) -> ResponseReturnValue:
    """Show what a unit has answered, as far as it may be shown, and to its teacher who has answered at all."""
    round_, asked, unit = _entered(Permission.SEE_ITEMS, round_id, unit_id)
    at = clock.now()
    found = queries.results(round_, unit.path, at)
    teaches = may(Permission.SEE_SEATS, unit.path) and not round_.is_nameless and not found.parts
    return render_template(
        "survey/results.html",
        round=round_,
        unit=unit,
        at=at,
        found=found,
        questions=_answered(asked, found),
        places=roster.places(unit.id, round_.term) if teaches else (),
        turned_out=queries.turned_out(round_, unit.id, key_file=_key_file()) if teaches else frozenset(),
        parts=[(one, may(Permission.SEE_ITEMS, one.unit.path)) for one in found.parts],
        may_export=may(Permission.EXPORT_COUNTS, unit.path),
        may_read=may(Permission.MANAGE_CAMPAIGNS, round_.campaign_unit_path),
    )


@desk.get(f"{UNIT}/counts.<any(csv,xlsx):form>")
@guarded(Permission.EXPORT_COUNTS)
def counts_file(round_id: int, unit_id: int, form: str) -> ResponseReturnValue:
    """Send the counts of a unit; each export is recorded."""
    round_, asked, unit = _entered(Permission.EXPORT_COUNTS, round_id, unit_id)
    at = clock.now()
    found = queries.results(round_, unit.path, at)
    lines = files.rows_of(asked, found)
    anchor = audit.record_alone(
        actor=actor(), action="survey.counts_exported", on=f"round:{round_id}/unit:{unit_id}", at=at, form=form,
        rows=len(lines),
    )  # fmt: skip
    sheet = files.counts(asked, found, round_, unit, who=me().name, at=at, anchor=anchor)
    name = f"{sheet.title}-{at.astimezone(clock.SHANGHAI):%Y%m%d-%H%M}.{form}"
    return attachment(tables.file_bytes(sheet, form, at), name=name, mimetype=tables.MIMETYPES[form])


@desk.get("/rounds/<int:round_id>/survey/words")
@guarded(Permission.MANAGE_CAMPAIGNS)
def words(round_id: int) -> ResponseReturnValue:
    """Show the owner of the campaign what was written, of the whole round, in no order that tells anything."""
    round_ = campaign.round_of(round_id)
    require(Permission.MANAGE_CAMPAIGNS, round_.campaign_unit_path)
    asked, at = queries.body(round_), clock.now()
    audit.record_alone(actor=actor(), action="survey.words_seen", on=f"round:{round_id}", at=at)
    return render_template(
        "survey/words.html",
        round=round_,
        at=at,
        written=[(asked.questions[one.question].text, one) for one in queries.words(round_, at)],
    )


def _answered(asked: Questionnaire, found: Results) -> list[Answered]:
    if not found.shown:
        return []
    return [
        Answered(
            number=index + 1,
            text=question.text,
            kind=KINDS[question.kind],
            worded=question.kind in WORDED,
            result=found.results.get(index),
            groups=_groups(question, found.results.get(index)),
        )
        for index, question in enumerate(asked.questions)
    ]


def _groups(question: Question, result: Result | None) -> tuple[tuple[str, tuple[Line, ...]], ...]:
    if result is None:
        return ()
    values = range(question.low, question.high + 1)
    labels = question.options or tuple(f"{value} 分" for value in values if question.kind == "rating")
    return tuple(
        (
            row,
            tuple(
                Line(label, Rate(count, sum(counts) if question.rows else result.n))
                for label, count in zip(labels, counts, strict=True)
            )
            if counts
            else (),
        )
        for row, counts in zip(question.rows or ("",), result.counts, strict=False)
    )


def _key_file() -> Path:
    key_file: Path = current_app.config["SETTINGS"].key_file
    return key_file
