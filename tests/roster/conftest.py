"""阳光县 with 实验中学 (七年级: 七年级（1）班 with names, 七年级（2）班 with a head-count only) and another school."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from quizsvc.db import db
from quizsvc.roster.models import Enrolment, Person, Unit
from tests import make
from tests.desk import Desk


@dataclass
class Tree:
    county: Unit
    school: Unit
    grade: Unit
    named: Unit
    bare: Unit
    other_school: Unit
    other_class: Unit


@pytest.fixture
def tree(app: Flask, at: Any) -> Tree:
    county = make.a_county()
    school = make.a_school(county)
    grade = make.a_unit("g7", "七年级", "grade", school, 7)
    named = make.a_class(grade, 0, "c1", "七年级（1）班")
    for seat, name in enumerate(("李明", "王芳", "张伟"), start=1):
        person = make.saved(
            Person(school_id=school.id, student_number=f"A{seat}", name=name, created_at=make.LONG_AGO)
        )
        make.saved(
            Enrolment(
                unit_id=named.id, term=make.TERM, seat=seat, person_id=person.id, joined_at=make.LONG_AGO
            )
        )
    bare = make.a_class(grade, 4, "c2", "七年级（2）班")
    other = make.a_school(county, "yz", "阳光县第一中学")
    return Tree(county, school, grade, named, bare, other, make.a_class(other, 2, "801", "八年级（1）班"))


@pytest.fixture
def admin(app: Flask, tree: Tree) -> Desk:
    """The administrator of 实验中学."""
    return Desk(app, "admin", ("school_admin", tree.school))


def rows(table: type, *columns: Any) -> list[tuple[Any, ...]]:
    """All rows of a table, some columns, in the order of those."""
    return sorted((tuple(row) for row in db.session.query(*columns or (table,)).all()), key=repr)
