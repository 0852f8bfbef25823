from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from quizsvc.attempt.models import Attempt, Participant
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign, RoundUnit
from quizsvc.core import assembly, indicators
from quizsvc.core.indicators import Tally
from quizsvc.core.itemstats import ItemCount
from quizsvc.core.progress import Day
from quizsvc.db import db
from quizsvc.paper.models import Paper
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Enrolment, Exemption, Headcount
from quizsvc.roster.queries import UnknownUnit
from tests import make

VOID = {"voided_at": make.OPENS + timedelta(days=1), "void_reason": "不是本人"}


def tally_of(round_: Any, unit: Any) -> Tally:
    db.session.rollback()
    return rollup.unit_tallies(campaign.round_of(round_.id), unit.path)[unit.id]


def a_class_with_round(pupils: int = 5, **changes: Any) -> tuple[Any, Any]:
    unit = make.a_class(make.a_school(make.a_county()), pupils=pupils)
    return unit, make.a_round(unit, **changes)


def go(round_: Any, unit: Any, seat: int, score: int | None, ordinal: int = 1, **changes: Any) -> Any:
    if score is None:
        return make.an_attempt(round_, unit, seat, ordinal=ordinal, submitted_at=None, **changes)
    return make.an_attempt(round_, unit, seat, ordinal=ordinal, score=score, **changes)


def exempt(unit: Any, seat: int, **changes: Any) -> None:
    enrolment = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=seat).one()
    make.saved(
        Exemption(
            enrolment_id=enrolment.id, reason="住院", approved_by="cli", approved_at=make.LONG_AGO, **changes
        )
    )


def test_a_unit_without_attempts_is_expected_and_not_done(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=4)
    assert tally_of(round_, unit) == Tally(expected=4)


def test_each_person_counts_once_with_first_and_best(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=5)
    go(round_, unit, 1, 30)
    go(round_, unit, 2, 10)
    go(round_, unit, 2, 30, ordinal=2)
    go(round_, unit, 3, 20)
    go(round_, unit, 3, 10, ordinal=2)
    go(round_, unit, 4, None)
    assert tally_of(round_, unit) == Tally(
        expected=5, done=3, aware=2, first_aware=1, full=2, score=80, out_of=90, open=1
    )


@pytest.mark.parametrize(("counted", "aware", "score"), [("best", 2, 60), ("first", 1, 40), ("last", 1, 40)])
def test_the_policy_picks_the_go_that_counts(app: Any, counted: str, aware: int, score: int) -> None:
    unit, round_ = a_class_with_round(pupils=2, counted=counted)
    go(round_, unit, 1, 30)
    go(round_, unit, 1, 10, ordinal=2)
    go(round_, unit, 2, 10)
    go(round_, unit, 2, 30, ordinal=2)
    tally = tally_of(round_, unit)
    assert (tally.done, tally.aware, tally.first_aware, tally.score, tally.out_of) == (2, aware, 1, score, 60)


def test_void_attempts_never_count(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=3)
    go(round_, unit, 1, 30, **VOID)
    go(round_, unit, 1, 10)
    go(round_, unit, 2, 30, **VOID)
    go(round_, unit, 3, 10, **VOID)
    go(round_, unit, 3, 30, ordinal=2)
    assert tally_of(round_, unit) == Tally(
        expected=3, done=2, aware=1, first_aware=1, full=1, score=40, out_of=60
    )


def test_a_second_go_begun_does_not_make_a_person_open_again(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2)
    go(round_, unit, 1, 30)
    go(round_, unit, 1, None, ordinal=2)
    tally = tally_of(round_, unit)
    assert (tally.done, tally.open, tally.score, tally.out_of) == (1, 0, 30, 30)


def test_the_threshold_is_met_without_rounding(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2, threshold_permyriad=8000)
    go(round_, unit, 1, 80, out_of=100)
    go(round_, unit, 2, 79, out_of=100)
    tally = tally_of(round_, unit)
    assert (tally.done, tally.aware, tally.first_aware, tally.full) == (2, 1, 1, 0)


def test_exempt_people_stand_outside_both_sides(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=3)
    go(round_, unit, 1, 30)
    go(round_, unit, 2, 30)
    exempt(unit, 2)
    exempt(unit, 3)
    assert tally_of(round_, unit) == Tally(
        expected=1, done=1, aware=1, first_aware=1, full=1, score=30, out_of=30, exempt=2
    )


def test_an_exemption_that_ended_changes_nothing(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2)
    exempt(unit, 1, ended_at=make.OPENS)
    go(round_, unit, 1, 30)
    tally = tally_of(round_, unit)
    assert (tally.expected, tally.exempt, tally.done) == (2, 0, 1)


def test_the_head_count_at_the_freeze_is_the_denominator(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=3)
    make.saved(
        Headcount(
            unit_id=unit.id, term=make.TERM, expected=9, set_by="cli", set_at=make.OPENS + timedelta(days=1)
        )
    )
    assert tally_of(round_, unit).expected == 3


def test_attempts_without_a_head_count_are_shown_and_over(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2)
    db.session.query(Headcount).delete()
    db.session.commit()
    go(round_, unit, 1, 30)
    tally = tally_of(round_, unit)
    assert (tally.expected, tally.done) == (0, 1)
    assert indicators.coverage(tally).over
    assert rollup.levels_under(campaign.round_of(round_.id), unit.path)[0].over == 1


def test_units_outside_the_round_are_not_expected(app: Any) -> None:
    county = make.a_county()
    ours, theirs = make.a_school(county), make.a_school(county, code="ez", name="第二小学")
    inside, outside = make.a_class(ours, pupils=2), make.a_class(theirs, pupils=7)
    round_ = campaign.round_of(make.a_round(ours).id)
    assert rollup.unit_tallies(round_, county.path) == {inside.id: Tally(expected=2)}
    assert outside.id not in rollup.surroundings(round_.id, county.id).reached


def test_other_rounds_do_not_count(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2)
    other = make.a_round(unit, paper=db.session.get(Paper, round_.paper_id))
    go(other, unit, 1, 30)
    assert tally_of(round_, unit) == Tally(expected=2)


def test_levels_sum_heads_and_keep_the_gap_of_each_class(app: Any) -> None:
    county = make.a_county()
    school = make.a_school(county)
    full, half = make.a_class(school, pupils=2, code="701"), make.a_class(school, pupils=3, code="702")
    row = make.a_round(county)
    for seat in (1, 2):
        go(row, full, seat, 30)
    go(row, half, 1, 10)
    make.saved(Headcount(unit_id=full.id, term=make.TERM, expected=1, set_by="cli", set_at=make.OPENS))
    found = rollup.levels_under(campaign.round_of(row.id), county.path)
    assert [
        (level.unit.path, level.tally.expected, level.tally.done, level.missing, level.over)
        for level in found
    ] == [
        ("yg/", 4, 3, 2, 1),
        ("yg/sy/", 4, 3, 2, 1),
        ("yg/sy/701/", 1, 2, 0, 1),
        ("yg/sy/702/", 3, 1, 2, 0),
    ]


def test_levels_of_a_school_leave_the_county_out(app: Any) -> None:
    county = make.a_county()
    school = make.a_school(county)
    make.a_class(school)
    round_ = campaign.round_of(make.a_round(county).id)
    assert [level.unit.path for level in rollup.levels_under(round_, school.path)] == ["yg/sy/", "yg/sy/703/"]


def test_surroundings_tell_above_under_and_reached(app: Any, watch: Any) -> None:
    county = make.a_county()
    school = make.a_school(county)
    one, two = make.a_class(school, code="701"), make.a_class(school, code="702")
    make.a_unit("syx", "实验小学", "school", county)  # its path begins like the school's, but is another
    round_ = make.a_round(one)
    make.saved(RoundUnit(round_id=round_.id, unit_id=two.id))
    db.session.expire_all()
    round_id, school_id = round_.id, school.id
    with watch.counting() as seen:
        around = rollup.surroundings(round_id, school_id)
    assert len(seen) == 1
    assert [unit.path for unit in around.above] == ["yg/"]
    assert [unit.path for unit in around.under] == ["yg/sy/", "yg/sy/701/", "yg/sy/702/"]
    assert around.reached == {one.id, two.id}


def test_surroundings_of_an_unknown_unit_are_refused(app: Any) -> None:
    round_ = make.a_round(make.a_county())
    with pytest.raises(UnknownUnit):
        rollup.surroundings(round_.id, 999)


@pytest.mark.parametrize("classes", [1, 30])
def test_tallies_take_three_statements_for_any_number_of_classes(app: Any, watch: Any, classes: int) -> None:
    school = make.a_school(make.a_county())
    units = [make.a_class(school, pupils=2, code=f"c{number}") for number in range(classes)]
    row = make.a_round(school)
    for unit in units:
        go(row, unit, 1, 30)
    round_ = campaign.round_of(row.id)
    with watch.counting() as seen:
        tallies = rollup.unit_tallies(round_, "yg/")
    assert len(seen) == 3
    assert indicators.total(tallies.values()).done == classes


def test_days_count_first_submissions_in_chinese_days(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=4)
    evening = datetime.fromisoformat("2026-12-02T23:59:59+08:00")
    morning = datetime.fromisoformat("2026-12-03T00:00:00+08:00")
    go(round_, unit, 1, 10, submitted_at=evening)
    go(round_, unit, 1, 30, ordinal=2, submitted_at=morning)
    go(round_, unit, 2, 30, submitted_at=morning)
    go(round_, unit, 3, 30, submitted_at=evening, **VOID)
    go(round_, unit, 4, None)
    days = rollup.daily_done(campaign.round_of(round_.id), unit.path)
    assert days == [Day(date(2026, 12, 2), 1), Day(date(2026, 12, 3), 1)]


def answers_of(seed: str, *chosen: tuple[int, ...]) -> dict[str, Any]:
    """Saved answers that choose options by written index, position by position; the builder's form is 0, 1, 2."""
    return {
        str(position): [1, [assembly.option_tokens(4, seed=seed, ref=position - 1)[index] for index in picks]]
        for position, picks in enumerate(chosen, start=1)
    }


def test_items_are_counted_on_first_valid_attempts(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=3)
    go(round_, unit, 1, 10, seed="a", answers=answers_of("a", (1,), (0,), ()))
    go(round_, unit, 1, 30, ordinal=2, seed="b", answers=answers_of("b", (1,), (1,), (1,)))
    go(round_, unit, 2, 30, seed="c", answers=answers_of("c", (0,), (0,), (0,)), **VOID)
    go(round_, unit, 2, 20, seed="d", answers=answers_of("d", (3,), (1,), (1,)))
    go(round_, unit, 3, None, seed="e", answers=answers_of("e", (2,), (2,), (2,)))
    assert rollup.item_counts(campaign.round_of(round_.id), unit.path) == {
        0: ItemCount(shown=2, correct=1, chosen=(0, 1, 0, 1), blank=0),
        1: ItemCount(shown=2, correct=1, chosen=(1, 1, 0, 0), blank=0),
        2: ItemCount(shown=2, correct=1, chosen=(0, 1, 0, 0), blank=1),
    }


def test_items_follow_the_form_whatever_its_order(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=1)
    token = assembly.option_tokens(4, seed="s", ref=2)[1]
    go(round_, unit, 1, 10, seed="s", form=[[2, 10], [0, 20]], answers={"1": [1, [token]]})
    counts = rollup.item_counts(campaign.round_of(round_.id), unit.path)
    assert {index: count.correct for index, count in counts.items()} == {0: 0, 2: 1}


def test_uses_of_items_are_counted_by_round_on_first_goes_within_the_paths(app: Any, watch: Any) -> None:
    unit, round_ = a_class_with_round(pupils=3)
    go(round_, unit, 1, 20, correct=[True, True, False])
    go(round_, unit, 1, 30, ordinal=2, correct=[True, True, True])
    go(round_, unit, 2, 10, correct=[False, True, False], form=[[1, 10], [0, 10], [2, 10]])
    go(round_, unit, 3, 0, correct=[False, False, False], **VOID)
    db.session.rollback()

    with watch.counting() as statements:
        uses = rollup.item_uses("test", [unit.path])

    assert [(use.code, use.shown, use.correct) for use in uses] == [
        ("brushing-01", 2, 2), ("brushing-02", 2, 1), ("brushing-03", 2, 0),
    ]  # fmt: skip
    assert {use.discrimination for use in uses} == {None}
    assert len(statements) == 2
    assert rollup.item_uses("test", ["elsewhere/"]) == rollup.item_uses("test", []) == []
    assert rollup.item_uses("another", [unit.path]) == []


def test_uses_leave_out_test_campaigns_and_tell_the_correlation_of_thirty(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=30)
    for seat in range(1, 31):
        go(round_, unit, seat, 30, correct=[seat % 2 == 0, seat % 2 == 0, seat % 3 == 0])
    db.session.rollback()

    first = rollup.item_uses("test", [""])[0]

    assert (first.shown, first.correct) == (30, 15)
    assert first.discrimination is not None
    assert first.discrimination > 0.5
    db.session.get(Campaign, round_.campaign_id).is_test = True
    db.session.commit()
    assert rollup.item_uses("test", [""]) == []


def test_heads_are_read_from_the_covering_index(app: Any) -> None:
    unit, round_ = a_class_with_round(pupils=2)
    go(round_, unit, 1, 30)
    values = {"round_id": round_.id, "threshold": 8000, "low": "yg/", "high": "yg0"}
    statement = rollup.heads_select("best").params(**values)
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    connection = db.session.connection()
    if db.engine.dialect.name == "sqlite":
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
        expected = "USING COVERING INDEX ix_attempt_attempt_rollup (round_id=? AND unit_id=?)"
    else:  # two rows are too few for an index by themselves
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}")]
        expected = "using ix_attempt_attempt_rollup on attempt_attempt"
    assert len([step for step in plan if expected in step]) == 1, plan


def test_five_hundred_persons_are_counted_as_plain_python_counts_them(app: Any) -> None:
    school = make.a_school(make.a_county())
    unit = make.a_class(school, pupils=1)
    round_ = make.a_round(school)
    link = make.a_link(round_, unit)
    enrolments = [
        {"unit_id": unit.id, "term": make.TERM, "seat": seat, "joined_at": make.LONG_AGO}
        for seat in range(2, 502)
    ]
    db.session.execute(insert(Enrolment), enrolments)
    ids = [row.id for row in db.session.query(Enrolment.id).filter(Enrolment.seat > 1)]
    joined = {"round_id": round_.id, "unit_id": unit.id, "extension_s": 0, "created_at": make.OPENS}
    db.session.execute(
        insert(Participant), [{**joined, "enrolment_id": enrolment_id} for enrolment_id in ids]
    )
    people = [row.id for row in db.session.query(Participant.id)]
    rows, expected = [], {"aware": 0, "first_aware": 0, "score": 0}
    for number, person in enumerate(people):
        goes = [(number * 7 + ordinal * 13) % 11 * 10 for ordinal in range(1, number % 3 + 2)]
        expected["aware"] += max(goes) >= 80
        expected["first_aware"] += goes[0] >= 80
        expected["score"] += max(goes)
        rows += [
            {
                "id": f"p{person:05}o{ordinal:014}", "participant_id": person, "round_id": round_.id,
                "unit_id": unit.id, "link_id": link.id, "source": "poster", "period": "round", "ordinal": ordinal,
                "allowed": 3, "seed": "s", "form": [], "answers": {}, "resume": "", "receipt": f"{person}-{ordinal}",
                "started_at": make.OPENS, "submitted_at": make.OPENS, "overdue": False, "score": score, "out_of": 100,
                "correct": [],
            }
            for ordinal, score in enumerate(goes, start=1)
        ]  # fmt: skip
    db.session.execute(insert(Attempt), rows)
    db.session.commit()
    tally = tally_of(round_, unit)
    assert tally.done == 500
    assert {name: getattr(tally, name) for name in expected} == expected
