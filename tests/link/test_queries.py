"""Reads of links: one statement each, the school's name, which classes get one."""

import pytest

from quizsvc.campaign import queries as campaign
from quizsvc.core.linkcode import Phrase
from quizsvc.core.window import Window
from quizsvc.db import db
from quizsvc.link import queries
from tests import make
from tests.link.conftest import Town
from tests.support import Watch


def test_door_is_one_statement_with_everything_the_landing_needs(town: Town, watch: Watch) -> None:
    make.a_link(town.round, town.class_1, poster_number="2026-0042")
    db.session.rollback()
    with watch.counting() as seen:
        door = queries.door("7K3M9Q2")
    assert len(seen) == 1, seen
    assert (door.unit_name, door.unit_path, door.school_name) == (
        "七年级（1）班",
        "yg/sy/g7/701/",
        "阳光县实验中学",
    )
    assert (door.phrase, door.poster_number, door.place) == (Phrase("青禾", 27), "2026-0042", "")
    assert door.round == campaign.round_of(town.round.id)
    assert door.window() == Window(make.OPENS, make.CLOSES)
    assert door.address("https://fz.test") == "https://fz.test/c/7K3M9Q2"
    assert door.address("https://fz.test", "g") == "https://fz.test/c/7K3M9Q2?s=g"


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("school",), "0"),
        (("college", "school", "department", "grade"), "1"),
        (("village",), "0"),
        (("company", "workshop"), "0"),
        (("office",), ""),
    ],
)
def test_school_name_is_that_of_the_nearest_school_above(
    town: Town, kinds: tuple[str, ...], expected: str
) -> None:
    parent = town.county
    for depth, kind in enumerate(kinds):
        parent = make.a_unit(f"u{depth}", str(depth), kind, parent)
    unit = make.a_class(parent, 1, "c", "班")
    make.a_link(town.round, unit)
    assert queries.door("7K3M9Q2").school_name == expected


def test_school_itself_may_have_a_link(town: Town) -> None:
    make.a_link(town.round, town.school)
    assert queries.door("7K3M9Q2").school_name == "阳光县实验中学"


def test_doors_are_listed_by_class_and_place_in_one_statement(town: Town, watch: Watch) -> None:
    make.a_link(town.round, town.class_2, "AAAAAAA")
    make.a_link(town.round, town.class_1, "BBBBBBB", place="图书馆")
    make.a_link(town.round, town.class_1, "CCCCCCC")
    make.a_link(town.round, town.class_2, "DDDDDDD", revoked_at=make.OPENS)
    make.a_link(town.round, town.other_class, "EEEEEEE")
    other = make.a_round(town.county, town.paper)
    make.a_link(other, town.class_1, "FFFFFFF")
    db.session.rollback()

    def codes(path: str, **more: bool) -> str:
        with watch.counting() as seen:
            found = "".join(door.code[0] for door in queries.doors_of(town.round.id, path, **more))
        assert len(seen) == 1, seen
        return found

    assert codes("yg/sy/") == "CBA"
    assert codes("yg/") == "CBAE"
    assert codes("yg/sy/g7/702/", revoked=True) == "AD"
    assert codes("yg/s/") == ""
    assert queries.door_of(town.round.id, town.class_1.id, "食堂") is None


def test_poster_is_found_by_its_number_also_when_revoked(town: Town) -> None:
    make.a_link(town.round, town.class_1, poster_number="2026-0007", revoked_at=make.OPENS)
    found = queries.poster("2026-0007")
    assert found is not None
    assert found.state(make.OPENS) == "revoked"
    assert queries.poster("2026-0008") is None


def test_classes_that_get_a_link_lie_in_the_round_and_are_classes_or_counted(town: Town) -> None:
    town.class_2.kind = "team"  # has a head-count
    make.a_unit("art", "美术组", "team", town.school)
    make.a_unit("703", "七年级（3）班", "class", town.grade)
    db.session.commit()
    narrow = make.a_round(town.grade, town.paper)

    def names(round_id: int, path: str) -> list[str]:
        return [unit.name for unit in queries.classes(campaign.round_of(round_id), path)]

    seventh = ["七年级（1）班", "七年级（2）班", "七年级（3）班"]
    assert names(town.round.id, "yg/") == [*seventh, "八年级（1）班"]
    assert names(town.round.id, "yg/sy/") == names(narrow.id, "yg/") == seventh
    assert names(narrow.id, "yg/yz/") == []


def test_contest_of_nicknames_has_a_door_for_every_member_unit(town: Town) -> None:
    make.a_unit("yd", "移动公司", "company", town.county)
    contest = make.a_contest(town.county, paper=town.paper, published=False).round

    found = queries.classes(campaign.round_of(contest.id), "yg/")

    assert {unit.kind for unit in found} == {"county", "school", "company"}
    assert "移动公司" in [unit.name for unit in found]


def test_contest_of_seats_keeps_its_classes(town: Town) -> None:
    contest = make.a_contest(town.county, paper=town.paper, published=False, identity="seat").round

    found = queries.classes(campaign.round_of(contest.id), "yg/")

    assert {unit.kind for unit in found} == {"class"}
