"""Units, places, names, denominators; and how many statements they take."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from quizsvc.core.rosterplan import Row, Sheet
from quizsvc.roster import queries
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Unit
from quizsvc.roster.queries import Expected, UnknownUnit
from tests import make
from tests.roster.conftest import Tree
from tests.support import Watch

FROZEN = make.LONG_AGO + timedelta(days=30)


def enrolment(unit: Unit, seat: int) -> Enrolment:
    return make.db.session.query(Enrolment).filter_by(unit_id=unit.id, seat=seat).one()


def excuse(unit: Unit, seat: int, ended_at: datetime | None = None) -> Exemption:
    return make.saved(
        Exemption(
            enrolment_id=enrolment(unit, seat).id, reason="休学一年", approved_by="cli", approved_at=FROZEN,
            ended_at=ended_at,
        )
    )  # fmt: skip


def head(unit: Unit, expected: int, set_at: datetime, term: str = make.TERM) -> None:
    make.saved(Headcount(unit_id=unit.id, term=term, expected=expected, set_by="cli", set_at=set_at))


def test_a_unit_is_found_by_id_and_by_path(tree: Tree):
    row = queries.unit(tree.named.id)
    assert row == queries.unit_at("yg/sy/g7/c1/")
    assert (row.parent_id, row.code, row.name, row.kind) == (tree.grade.id, "c1", "七年级（1）班", "class")


def test_unknown_units_are_not_found(tree: Tree):
    for look in (lambda: queries.unit(999), lambda: queries.unit_at("yg/nowhere/")):
        with pytest.raises(UnknownUnit) as refused:
            look()
        assert refused.value.status == 404


def test_units_by_ids_leave_unknown_ones_out(tree: Tree):
    assert {id_: row.name for id_, row in queries.units([tree.school.id, 999]).items()} == {
        tree.school.id: "阳光县实验中学"
    }


def test_ancestors_children_and_subtree(tree: Tree):
    make.a_unit("sy2", "阳光县实验二中", "school", tree.county)  # begins like sy, lies beside it
    assert [row.code for row in queries.ancestors(tree.bare.path)] == ["yg", "sy", "g7", "c2"]
    assert [row.code for row in queries.children(tree.grade.id)] == ["c1", "c2"]
    assert [row.code for row in queries.children(None)] == ["yg"]
    assert [row.code for row in queries.under(tree.school.path)] == ["sy", "g7", "c1", "c2"]


def test_children_come_in_natural_order(tree: Tree):
    for number in (10, 3):
        make.a_unit(f"c{number}", f"七年级（{number}）班", "class", tree.grade, number)
    names = [row.name for row in queries.children(tree.grade.id)]
    assert names[-2:] == ["七年级（3）班", "七年级（10）班"]


def test_places_by_seat_with_exemptions_and_without_those_who_left(tree: Tree):
    excuse(tree.named, 2)
    excuse(tree.named, 1, ended_at=FROZEN)
    gone = enrolment(tree.named, 3)
    gone.left_at = FROZEN
    make.saved(gone)
    found = queries.places(tree.named.id, make.TERM)
    assert [(place.seat, place.exempt, place.person_id is None) for place in found] == [
        (1, False, False), (2, True, False),
    ]  # fmt: skip
    assert queries.place(tree.named.id, make.TERM, 2) == found[1]
    assert queries.place(tree.named.id, make.TERM, 3) is None
    assert queries.places(tree.named.id, "2025-2026-1") == []


def test_names_and_masked_names(tree: Tree):
    named, bare = enrolment(tree.named, 1).id, enrolment(tree.bare, 1).id
    assert queries.names([named, bare, 999]) == {named: "李明"}
    assert (queries.masked_name(named), queries.masked_name(bare)) == ("李*", None)


def test_the_denominator_is_the_newest_head_count_at_the_freeze(tree: Tree):
    head(tree.bare, 6, FROZEN - timedelta(days=1))
    head(tree.bare, 7, FROZEN)
    head(tree.bare, 9, FROZEN + timedelta(days=1))
    head(tree.bare, 9, FROZEN - timedelta(days=1), term="2025-2026-1")
    excuse(tree.bare, 1)
    excuse(tree.bare, 2, ended_at=FROZEN)
    found = queries.expected_by_unit(tree.grade.path, make.TERM, FROZEN)
    assert found == {tree.named.id: Expected(0, 0), tree.bare.id: Expected(7, 1)}


def test_a_first_head_count_after_the_freeze_counts_and_a_later_one_does_not(tree: Tree):
    late = make.a_unit("c3", "七年级（3）班", "class", tree.grade)
    head(late, 41, FROZEN + timedelta(days=2))
    head(late, 43, FROZEN + timedelta(days=3))
    make.a_unit("c4", "七年级（4）班", "class", tree.grade)
    found = queries.expected_by_unit(tree.grade.path, make.TERM, FROZEN)
    assert found[late.id] == Expected(41, 0)
    assert set(found) == {tree.named.id, tree.bare.id, late.id}


def test_of_two_head_counts_of_one_moment_the_last_written_counts(tree: Tree):
    head(tree.bare, 6, FROZEN)
    head(tree.bare, 5, FROZEN)
    assert queries.expected_by_unit(tree.bare.path, make.TERM, FROZEN)[tree.bare.id] == Expected(5, 0)
    assert queries.newest_headcounts(make.TERM, tree.bare.path) == {tree.bare.id: 5}


def test_exemptions_of_those_who_left_do_not_count(tree: Tree):
    excuse(tree.bare, 1)
    gone = enrolment(tree.bare, 1)
    gone.left_at = FROZEN
    make.saved(gone)
    assert queries.expected_by_unit(tree.bare.path, make.TERM, FROZEN)[tree.bare.id] == Expected(4, 0)


def test_class_lines_in_natural_order_with_their_grade(tree: Tree):
    make.a_unit("c10", "七年级（10）班", "class", tree.grade, 10)
    for unit, position in ((tree.named, 1), (tree.bare, 2)):
        unit.position = position
        make.saved(unit)
    excuse(tree.named, 1)
    found = queries.class_lines(tree.school.path, make.TERM)
    assert [
        (line.unit.name, line.group, line.expected, line.places, line.named, line.exempt) for line in found
    ] == [
        ("七年级（1）班", "七年级", 0, 3, 3, 1),
        ("七年级（2）班", "七年级", 4, 4, 0, 0),
        ("七年级（10）班", "七年级", None, 0, 0, 0),
    ]
    assert (found[1].set_by, found[1].set_at) == ("cli", make.LONG_AGO)


def test_history_terms_and_exemptions(tree: Tree):
    head(tree.bare, 5, FROZEN)
    head(tree.bare, 3, FROZEN, term="2025-2026-2")
    excuse(tree.bare, 3, ended_at=FROZEN)
    assert [line.expected for line in queries.headcount_history(tree.bare.id, make.TERM)] == [5, 4]
    assert queries.terms(tree.school.path) == [make.TERM, "2025-2026-2"]
    assert [(one.seat, one.reason, one.ended_at) for one in queries.exemptions(tree.bare.id, make.TERM)] == [
        (3, "休学一年", FROZEN)
    ]


ONE = {
    "unit": (lambda tree: queries.unit(tree.named.id), 1),
    "ancestors": (lambda tree: queries.ancestors(tree.named.path), 1),
    "children": (lambda tree: queries.children(tree.grade.id), 1),
    "under": (lambda tree: queries.under(tree.county.path), 1),
    "units": (lambda tree: queries.units(range(1, 200)), 1),
    "places": (lambda tree: queries.places(tree.bare.id, make.TERM), 1),
    "place": (lambda tree: queries.place(tree.bare.id, make.TERM, 1), 1),
    "names": (lambda tree: queries.names(range(1, 200)), 1),
    "expected": (lambda tree: queries.expected_by_unit(tree.county.path, make.TERM, FROZEN), 1),
    "class_lines": (lambda tree: queries.class_lines(tree.county.path, make.TERM), 3),
    "exemptions": (lambda tree: queries.exemptions(tree.bare.id, make.TERM), 1),
}


@pytest.mark.parametrize("name", ONE)
def test_statements_do_not_grow_with_the_rows(name: str, app: Flask, tree: Tree, watch: Watch):
    look, statements = ONE[name]
    for more in (0, 30):
        for number in range(3, 3 + more):
            make.a_class(tree.grade, 2, f"c{number}", f"七年级（{number}）班")
        with watch.counting() as seen:
            look(tree)
        assert len(seen) == statements, seen


def test_a_plan_takes_five_statements_for_any_file(tree: Tree, watch: Watch):
    for length in (1, 30):
        lines = range(2, length + 2)
        filled = (Row(line, grade="7", class_name="1", seat=str(line), number=f"B{line}") for line in lines)
        sheet = Sheet("seats", tuple(filled))
        with watch.counting() as seen:
            queries.plan_import(tree.school.id, make.TERM, sheet)
        assert len(seen) == 5, seen
