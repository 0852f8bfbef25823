"""Heads of receipts, pledges, adoption and surveys, and all rounds of a campaign over a unit."""

from datetime import timedelta
from typing import Any

from quizsvc.campaign import queries as campaign
from quizsvc.core.indicators import Tally
from quizsvc.db import db
from quizsvc.paper.models import Paper
from quizsvc.rollup import queries as rollup
from quizsvc.roster import queries as roster
from quizsvc.roster.models import Enrolment, Exemption
from quizsvc.survey.models import Turnout
from tests import make
from tests.support import Watch


def tallies(round_: Any, unit: Any) -> dict[int, Tally]:
    db.session.rollback()
    return rollup.unit_tallies(campaign.round_of(round_.id), unit.path)


def excuse(unit: Any, seat: int) -> None:
    enrolment = db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=seat).one()
    make.saved(
        Exemption(enrolment_id=enrolment.id, reason="休学", approved_by="cli", approved_at=make.LONG_AGO)
    )


def test_receipts_count_whoever_stands_and_a_no_as_handed_in(app: Any) -> None:
    unit = make.a_class(make.a_school(make.a_county()), pupils=6)
    round_ = make.a_sheet_round(unit)
    later = make.OPENS + timedelta(days=1)
    make.a_declaration(round_, unit, 1)
    make.a_declaration(round_, unit, 2, met=False)
    make.a_declaration(round_, unit, 3, met=False, replaced_at=later)
    make.a_declaration(round_, unit, 3)
    make.a_declaration(round_, unit, 4, voided_at=later, void_reason="写错了")
    make.a_declaration(round_, unit, 5)
    excuse(unit, 5)
    assert tallies(round_, unit)[unit.id] == Tally(
        expected=5, exempt=1, done=3, aware=2, first_aware=2, full=2, score=0, out_of=0, open=0
    )


def test_surveys_count_the_turnout_and_nameless_rounds_expect_nobody(app: Any) -> None:
    unit = make.a_class(make.a_school(make.a_county()), pupils=4)
    asked, nameless = (
        make.a_sheet_round(unit, "survey"),
        make.a_sheet_round(unit, "survey", identity="anonymous"),
    )
    loose = make.a_sheet_round(unit, "adoption", identity="anonymous")
    for round_ in (asked, nameless):
        for head in ("a", "b", "c"):
            db.session.add(Turnout(round_id=round_.id, head=head * 64, unit_id=unit.id))
    db.session.commit()
    make.a_declaration(loose, unit, None)
    assert tallies(asked, unit)[unit.id] == Tally(expected=4, done=3, aware=3, first_aware=3, full=3)
    assert tallies(nameless, unit)[unit.id] == Tally(expected=0, done=3, aware=3, first_aware=3, full=3)
    assert tallies(loose, unit)[unit.id] == Tally(expected=0, done=1, aware=1, first_aware=1, full=1)


def test_lines_tell_every_round_over_a_unit_each_with_its_own_denominator(app: Any) -> None:
    county = make.a_county()
    school, elsewhere = make.a_school(county), make.a_school(county, "yz", "一中")
    first, second = make.a_class(school, 5, "701"), make.a_class(school, 4, "702", "七年级（2）班")
    make.a_class(elsewhere, 30, "801", "八年级（1）班")
    drive = make.a_campaign(county)
    test = make.a_round(county, campaign=drive, opens_at=make.OPENS)
    receipt = make.a_sheet_round(first, campaign=drive, opens_at=make.OPENS + timedelta(hours=1))
    make.a_sheet_round(elsewhere, "pledge", campaign=drive)
    make.a_round(
        county,
        paper=db.session.get(Paper, test.paper_id),
        campaign=drive,
        kind="contest",
        identity="nickname",
    )
    survey = make.a_sheet_round(
        school, "survey", campaign=drive, identity="anonymous", opens_at=make.OPENS + timedelta(hours=2)
    )
    make.an_attempt(test, first, 1, score=10)
    make.an_attempt(test, second, 1)
    make.a_declaration(receipt, first, 1)
    make.a_declaration(receipt, first, 2, met=False)
    db.session.add(Turnout(round_id=survey.id, head="a" * 64, unit_id=second.id))
    db.session.commit()

    watch: Watch = app.extensions["watch"]
    drive_id = drive.id
    units = [roster.unit(one.id) for one in (school, first, second)]
    db.session.rollback()
    with watch.counting() as seen:
        of_school = rollup.lines(drive_id, units[0])
    assert len(seen) == 5
    told = [
        (one.round.id, one.tally.done, one.tally.aware, one.tally.expected, one.missing) for one in of_school
    ]
    assert told == [(survey.id, 1, 1, 0, 0), (receipt.id, 2, 1, 5, 3), (test.id, 2, 1, 9, 7)]
    of_first = [
        (one.round.id, one.tally.done, one.tally.expected) for one in rollup.lines(drive.id, units[1])
    ]
    assert of_first == [(survey.id, 0, 0), (receipt.id, 2, 5), (test.id, 1, 5)]
    assert [one.round.id for one in rollup.lines(drive.id, units[2])] == [survey.id, test.id]
    for one in of_school:
        alone = rollup.levels_under(one.round, school.path)[0] if one.tally.done else None
        assert alone is None or (alone.tally, alone.missing) == (one.tally, one.missing)
    assert rollup.item_uses("nothing", [county.path]) == []  # texts have no items, and are no trouble
