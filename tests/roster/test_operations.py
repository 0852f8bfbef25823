"""Imports are whole or nothing, repeatable, and keep who somebody is; head-counts and exemptions are told once."""

import json
import random
import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from quizsvc.audit import CLI, Actor, AuditEntry
from quizsvc.core.refusal import Refusal
from quizsvc.core.rosterplan import Row, Sheet
from quizsvc.core.term import MistypedTerm
from quizsvc.db import db
from quizsvc.roster import operations, queries
from quizsvc.roster.models import Enrolment, Exemption, Headcount, Person, Unit
from quizsvc.roster.operations import Blocked, ChangedMeanwhile, Counted, Imported
from tests import make
from tests.conftest import NOON
from tests.patience import in_time
from tests.roster.conftest import Tree, rows
from tests.support import Watch, sqlite_only

ADMIN = Actor("staff:7")
LATER = NOON + timedelta(days=1)


def seats(*lines: tuple[str, ...]) -> Sheet:
    """Lines of class, seat, number, name in 七年级."""
    made = []
    for line, given in enumerate(lines, start=2):
        class_name, seat, number, name = (*given, "", "")[:4]
        made.append(Row(line, grade="七年级", class_name=class_name, seat=seat, number=number, name=name))
    return Sheet("seats", tuple(made))


def counts(*lines: tuple[str, str]) -> Sheet:
    return Sheet(
        "counts",
        tuple(Row(n, grade="七年级", class_name=c, count=k) for n, (c, k) in enumerate(lines, start=2)),
    )


def imported(unit: Unit, sheet: Sheet, at: datetime = NOON, **options: Any) -> Imported:
    return operations.import_units_and_places(
        unit_id=unit.id, term=make.TERM, sheet=sheet, at=at, actor=ADMIN, **options
    )


def seated(unit: Unit) -> list[tuple[int, str | None, str | None]]:
    """Seat, number and name of the live places of a class."""
    return [
        tuple(row)
        for row in db.session.query(Enrolment.seat, Person.student_number, Person.name)
        .outerjoin(Person, Person.id == Enrolment.person_id)
        .filter(Enrolment.unit_id == unit.id, Enrolment.left_at.is_(None))
        .order_by(Enrolment.seat)
    ]


def heads(unit: Unit) -> list[int]:
    return [line.expected for line in queries.headcount_history(unit.id, make.TERM)]


def place_of(number: str) -> Any:
    return (
        db.session.query(Enrolment.id, Enrolment.unit_id, Enrolment.seat, Enrolment.left_at)
        .join(Person, Person.id == Enrolment.person_id)
        .filter(Person.student_number == number)
        .one()
    )


WHOLE = (("1", "1", "A1", "李明"), ("1", "2", "A2", "王芳"), ("1", "3", "A3", "张伟"))


def test_a_new_school_is_built_from_its_file(tree: Tree):
    sheet = Sheet(
        "seats",
        (
            Row(2, "第二中学", "", "八年级", "10", "1", "B1", "钱进"),
            Row(3, "第二中学", "", "八年级", "2班", "1", "B2", "孙丽"),
            Row(4, "第二中学", "", "八年级", "2班", "2"),
            Row(5, "第二中学", "", "八年级", "2班", "3", "", "周全"),
        ),
    )
    assert imported(tree.county, sheet) == Imported(
        units=4, new=4, changed=0, moved=0, returned=0, left=0, same=0, headcounts=2
    )
    school = queries.children(tree.county.id)[-1]
    grade = queries.children(school.id)[0]
    classes = queries.children(grade.id)
    assert (school.name, school.kind, grade.name, grade.kind) == ("第二中学", "school", "八年级", "grade")
    assert [(row.name, row.kind, row.position) for row in classes] == [
        ("八年级（2）班", "class", 2), ("八年级（10）班", "class", 10),
    ]  # fmt: skip
    second = db.session.get(Unit, classes[0].id)
    (one, two, three) = seated(second)
    assert (one, two) == ((1, "B2", "孙丽"), (2, None, None))
    assert (three[0], three[2], three[1][0]) == (3, "周全", "#")
    assert heads(second) == [3]
    assert {school_id for (school_id,) in rows(Person, Person.school_id)} == {tree.school.id, school.id}


def test_the_same_file_again_changes_nothing(tree: Tree):
    sheet = seats(*WHOLE, ("2", "1"), ("2", "2", "", "钱进"), ("3", "1", "C1", "新来"))
    imported(tree.school, sheet)
    place = queries.place(tree.named.id, make.TERM, 2)
    operations.exempt(enrolment_id=place.enrolment_id, reason="休学一年", at=NOON, actor=ADMIN)
    before = [
        rows(table, *table.__table__.columns) for table in (Unit, Person, Enrolment, Headcount, Exemption)
    ]

    again = imported(tree.school, sheet, LATER)

    assert again == Imported(units=0, new=0, changed=0, moved=0, returned=0, left=0, same=6, headcounts=0)
    after = [
        rows(table, *table.__table__.columns) for table in (Unit, Person, Enrolment, Headcount, Exemption)
    ]
    assert after == before
    assert queries.place(tree.named.id, make.TERM, 2).exempt


@sqlite_only
def test_names_and_seats_change_in_place(tree: Tree):
    ids = {number: place_of(number).id for number in ("A1", "A2", "A3")}
    done = imported(tree.school, seats(("1", "2", "A1", "李铭"), ("1", "1", "A2"), ("1", "9", "A3", "张伟")))
    assert (done.changed, done.same, done.headcounts) == (3, 0, 1)
    assert seated(tree.named) == [(1, "A2", "王芳"), (2, "A1", "李铭"), (9, "A3", "张伟")]
    assert {number: place_of(number).id for number in ids} == ids


def test_a_move_keeps_the_place_its_exemption_and_both_head_counts_right(tree: Tree):
    place = place_of("A1")
    operations.exempt(enrolment_id=place.id, reason="休学一年", at=NOON, actor=ADMIN)
    done = imported(tree.school, seats(("2", "2", "A1", "李明"), ("2", "9", "A2", "王芳")))
    assert (done.moved, done.left, done.headcounts) == (2, 1, 2)
    assert (place_of("A1").id, place_of("A1").unit_id) == (place.id, tree.bare.id)
    assert queries.place(tree.bare.id, make.TERM, 2).exempt
    assert [seat for seat, _, _ in seated(tree.bare)] == [1, 2, 3, 4, 9]
    assert (heads(tree.named), heads(tree.bare)) == ([1, 0], [5, 4])


@sqlite_only
def test_missing_pupils_stay_unless_they_are_to_leave(tree: Tree):
    sheet = seats(("1", "1", "A1", "李明"))
    assert imported(tree.school, sheet).left == 0
    assert len(seated(tree.named)) == 3
    done = imported(tree.school, sheet, LATER, remove_missing=True)
    assert (done.left, done.same, done.headcounts) == (2, 1, 1)
    assert seated(tree.named) == [(1, "A1", "李明")]
    assert heads(tree.named)[0] == 1
    assert place_of("A2").left_at == LATER
    assert len(seated(tree.bare)) == 4  # the file does not speak of that class


@sqlite_only
def test_a_returning_pupil_is_the_same_person_on_the_same_place(tree: Tree):
    place = place_of("A2")
    operations.exempt(enrolment_id=place.id, reason="休学一年", at=NOON, actor=ADMIN)
    imported(tree.school, seats(("1", "1", "A1")), remove_missing=True)
    people = rows(Person, Person.id)

    done = imported(tree.school, seats(("2", "7", "A2", "王芳")), LATER)

    assert (done.returned, done.new) == (1, 0)
    assert place_of("A2") == (place.id, tree.bare.id, 7, None)
    assert rows(Person, Person.id) == people
    assert queries.place(tree.bare.id, make.TERM, 7).exempt


@sqlite_only
def test_a_new_term_enrols_the_same_people_again(tree: Tree):
    done = operations.import_units_and_places(
        unit_id=tree.school.id, term="2026-2027-2", sheet=seats(*WHOLE), at=NOON, actor=ADMIN
    )
    assert (done.new, done.same) == (3, 0)
    assert len(rows(Person, Person.id)) == 3
    assert len(queries.places(tree.named.id, make.TERM)) == 3


@sqlite_only
def test_a_seat_of_somebody_missing_is_free_only_when_they_leave(tree: Tree):
    sheet = seats(("1", "1", "A1", "李明"), ("1", "2", "N1", "新来"))
    with pytest.raises(Blocked) as refused:
        imported(tree.school, sheet)
    assert refused.value.text == (
        "有 1 行要先改好，一个人也没有导入。第 3 行（座号）：2 号现在是名单里没有的另一位同学：要先把他移出，"
        "或者改座号。也可以勾选“把名单里没有的人移出”。"
    )
    done = imported(tree.school, sheet, remove_missing=True)
    assert (done.new, done.left) == (1, 2)
    assert seated(tree.named) == [(1, "A1", "李明"), (2, "N1", "新来")]


@sqlite_only
def test_a_nameless_place_slides_and_nobody_is_lost(tree: Tree):
    make.saved(Enrolment(unit_id=tree.named.id, term=make.TERM, seat=4, joined_at=make.LONG_AGO))
    imported(tree.school, seats(("1", "4", "A1"), ("1", "1", "A2")))
    assert seated(tree.named) == [(1, "A2", "王芳"), (2, None, None), (3, "A3", "张伟"), (4, "A1", "李明")]


@sqlite_only
def test_a_number_and_a_name_come_to_a_nameless_place(tree: Tree):
    first = queries.place(tree.bare.id, make.TERM, 1)
    assert imported(tree.school, seats(("2", "1", "N1", "新来"), ("2", "2", "", "钱进"))).changed == 2
    assert queries.place(tree.bare.id, make.TERM, 1).enrolment_id == first.enrolment_id
    assert imported(tree.school, seats(("2", "2", "N2", "钱进"))).changed == 1
    assert seated(tree.bare)[:2] == [(1, "N1", "新来"), (2, "N2", "钱进")]
    assert len(rows(Person, Person.id)) == 5


def test_a_wrong_last_line_stores_nothing(tree: Tree):
    tables = (Unit, Person, Enrolment, Headcount, AuditEntry)
    before = [rows(table, *table.__table__.columns) for table in tables]
    sheet = seats(
        *(("5", str(seat), f"B{seat}", "新同学") for seat in range(1, 31)), ("5", "30", "B31", "末行")
    )
    with pytest.raises(Blocked) as refused:
        imported(tree.school, sheet, remove_missing=True)
    assert refused.value.text == (
        "有 1 行要先改好，一个人也没有导入。第 32 行（座号）：座号 30 在这个班里重复：第 31 行也是 30 号。"
    )
    assert [rows(table, *table.__table__.columns) for table in tables] == before


def test_a_database_error_at_the_end_stores_nothing(tree: Tree):
    tables = (Unit, Person, Enrolment, Headcount, AuditEntry)
    before = [rows(table, *table.__table__.columns) for table in tables]

    def fail(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO audit_entry"):
            raise RuntimeError("the disk is full")

    event.listen(db.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(RuntimeError):
            imported(tree.school, seats(("1", "9", "B1", "新来"), ("6", "1", "B2", "新班")))
    finally:
        event.remove(db.engine, "before_cursor_execute", fail)
    assert [rows(table, *table.__table__.columns) for table in tables] == before


def test_what_is_applied_is_what_was_previewed(tree: Tree):
    sheet = seats(("1", "9", "B1", "新来"))
    digest = queries.plan_import(tree.school.id, make.TERM, sheet).digest
    operations.set_headcount(unit_id=tree.bare.id, term=make.TERM, expected=9, at=NOON, actor=ADMIN)
    assert imported(tree.school, sheet, previewed=digest).new == 1
    with pytest.raises(ChangedMeanwhile) as refused:
        imported(tree.school, sheet, previewed=digest)
    assert refused.value.status == 409


def test_head_counts_open_and_close_places_and_are_repeatable(tree: Tree):
    done = imported(tree.school, counts(("2", "6"), ("4", "3")))
    assert (done.units, done.new, done.left, done.headcounts) == (1, 5, 0, 2)
    assert [seat for seat, _, _ in seated(tree.bare)] == [1, 2, 3, 4, 5, 6]
    done = imported(tree.school, counts(("2", "2"), ("4", "3")), LATER)
    assert (done.units, done.new, done.left, done.headcounts) == (0, 0, 4, 1)
    kept = rows(Enrolment, Enrolment.id)
    done = imported(tree.school, counts(("2", "6"), ("4", "3")), LATER)
    assert (done.new, rows(Enrolment, Enrolment.id)) == (4, kept)  # the places left are opened again
    assert heads(tree.bare) == [6, 2, 6, 4]
    assert imported(tree.school, counts(("2", "6"), ("4", "3")), LATER).headcounts == 0


@sqlite_only
def test_the_audit_log_gets_counts_and_no_names(tree: Tree):
    imported(tree.school, seats(("1", "1", "A1", "李铭"), ("5", "1", "B1", "新来")))
    entry = db.session.query(AuditEntry).filter_by(action="roster.import").one()
    assert (entry.actor, entry.object) == ("staff:7", f"unit:{tree.school.id}")
    assert json.loads(entry.detail) == {
        "term": make.TERM, "units": 1, "new": 1, "changed": 1, "moved": 0, "returned": 0, "left": 0,
        "same": 0, "headcounts": 2,
    }  # fmt: skip


@sqlite_only
def test_a_head_count_written_by_an_import_names_who_did_it(tree: Tree):
    imported(tree.school, seats(("5", "1", "B1", "新来")))
    written = [
        row
        for row in rows(Headcount, Headcount.expected, Headcount.set_by, Headcount.set_at)
        if row[2] == NOON
    ]
    assert written == [(1, "staff:7", NOON)]


def test_the_head_count_of_a_class_is_a_history(tree: Tree):
    assert operations.set_headcount(
        unit_id=tree.bare.id, term=make.TERM, expected=6, at=NOON, actor=ADMIN
    ) == Counted(4, 6)
    assert operations.set_headcount(
        unit_id=tree.bare.id, term=make.TERM, expected=6, at=LATER, actor=CLI
    ) == Counted(6, 6)
    assert heads(tree.bare) == [6, 4]
    assert len(seated(tree.bare)) == 6


@sqlite_only
def test_a_first_head_count_of_nobody_is_written(tree: Tree):
    empty = make.a_unit("c9", "七年级（9）班", "class", tree.grade)
    assert operations.set_headcount(
        unit_id=empty.id, term=make.TERM, expected=0, at=NOON, actor=ADMIN
    ) == Counted(None, 0)
    assert heads(empty) == [0]


@sqlite_only
@pytest.mark.parametrize(
    ("which", "expected", "term", "text"),
    [
        ("named", 2, make.TERM, "这个班已有 3 个实名座位，人数不能比它少。"),
        ("bare", 100, make.TERM, "应测人数要写 0 到 99 的整数。"),
        ("bare", -1, make.TERM, "应测人数要写 0 到 99 的整数。"),
        ("grade", 40, make.TERM, "应测人数设在班级上：上级单位的人数由各班相加。"),
        ("bare", 5, "2026", "学期要写成“2026-2027-1”这样：两个相连的年份，再加 1（秋季）或 2（春季）。"),
    ],
)
def test_head_counts_that_are_refused(which: str, expected: int, term: str, text: str, tree: Tree):
    before = rows(Headcount, Headcount.id), rows(Enrolment, Enrolment.id, Enrolment.left_at)
    with pytest.raises(Refusal) as refused:
        operations.set_headcount(
            unit_id=getattr(tree, which).id, term=term, expected=expected, at=NOON, actor=ADMIN
        )
    assert refused.value.text == text
    assert (rows(Headcount, Headcount.id), rows(Enrolment, Enrolment.id, Enrolment.left_at)) == before


@sqlite_only
def test_an_import_into_no_term_is_refused(tree: Tree):
    with pytest.raises(MistypedTerm):
        operations.import_units_and_places(
            unit_id=tree.school.id, term="今年", sheet=seats(*WHOLE), at=NOON, actor=ADMIN
        )


def test_an_exemption_needs_a_reason_and_ends(tree: Tree):
    place = place_of("A1")
    for reason in ("", " 病 假 ", "长" * 101):
        with pytest.raises(Refusal) as refused:
            operations.exempt(enrolment_id=place.id, reason=reason, at=NOON, actor=ADMIN)
        assert refused.value.text == "请写明免测原因，4 到 100 个字。"
    operations.exempt(enrolment_id=place.id, reason=" 休学一年\n手续齐全 ", at=NOON, actor=ADMIN)
    with pytest.raises(Refusal) as refused:
        operations.exempt(enrolment_id=place.id, reason="休学一年", at=NOON, actor=ADMIN)
    assert refused.value.text == "这个座号已经免测，不用再办。"
    operations.end_exemption(enrolment_id=place.id, at=LATER, actor=ADMIN)
    with pytest.raises(Refusal) as refused:
        operations.end_exemption(enrolment_id=place.id, at=LATER, actor=ADMIN)
    assert refused.value.text == "这个座号没有在免测中。"
    operations.exempt(enrolment_id=place.id, reason="又休学了", at=LATER, actor=ADMIN)
    assert [(one.reason, one.approved_by, one.ended_at) for one in queries.exemptions(tree.named.id, make.TERM)] == [
        ("休学一年 手续齐全", "staff:7", LATER), ("又休学了", "staff:7", None),
    ]  # fmt: skip
    details = [
        entry.detail
        for entry in db.session.query(AuditEntry).filter(AuditEntry.action.like("roster.exempt%"))
    ]
    assert details == ["{}"] * 3  # the reason stays in the roster


@sqlite_only
def test_nobody_who_left_is_excused(tree: Tree):
    gone = place_of("A1").id
    imported(tree.school, seats(("1", "2", "A2")), remove_missing=True)
    with pytest.raises(Refusal) as refused:
        operations.exempt(enrolment_id=gone, reason="休学一年", at=NOON, actor=ADMIN)
    assert (refused.value.status, refused.value.text) == (404, "没有这个座号，或者已经移出。")


def test_units_are_added_with_given_and_derived_codes(tree: Tree):
    def add(name: str, kind: str, parent: Unit | None, code: str | None = None) -> str:
        unit_id = operations.add_unit(
            parent_id=parent.id if parent else None, name=name, kind=kind, code=code, at=NOON, actor=CLI
        )
        return queries.unit(unit_id).path

    assert add("湖滨县", "county", None, "hb") == "hb/"
    assert add("八年级", "grade", tree.school) == "yg/sy/g8/"
    assert add("710", "class", tree.grade) == "yg/sy/g7/c10/"
    assert add("Class A", "class", tree.grade) == "yg/sy/g7/c4/"
    made = queries.unit_at("yg/sy/g7/c10/")
    assert (made.name, made.position) == ("七年级（10）班", 10)
    assert queries.unit_at("yg/sy/g7/c4/").name == "Class A"


@sqlite_only
@pytest.mark.parametrize(
    ("name", "kind", "code", "text"),
    [
        ("", "class", "x", "单位名称要写 1 到 60 个字。"),
        ("长" * 61, "class", "x", "单位名称要写 1 到 60 个字。"),
        ("九班", "klass", "x", "不认识的单位类别。可以用："),
        ("九班", "class", "A/B", "代号只能用小写字母、数字和连字符，最多 24 个。"),
        ("九班", "class", "c1", "代号“c1”已经用在别的单位上。"),
        ("七年级(1)班", "class", "x", "这里已经有“七年级（1）班”。"),
    ],
)
def test_units_that_are_refused(name: str, kind: str, code: str, text: str, tree: Tree):
    with pytest.raises(Refusal) as refused:
        operations.add_unit(parent_id=tree.grade.id, name=name, kind=kind, code=code, at=NOON, actor=CLI)
    assert refused.value.text.startswith(text)


def any_seats(chance: random.Random) -> Sheet:
    """A small file: pupils with numbers, with names only, and bare seats, in three classes of five seats."""
    taken: dict[tuple[int, int], tuple[str, ...]] = {}
    for pupil in chance.sample(range(8), chance.randint(1, 8)):
        class_, seat, kind = chance.randint(1, 3), chance.randint(1, 5), chance.random()
        number = f"N{pupil}" if kind < 0.6 else ""
        name = chance.choice("甲乙丙丁") if kind < 0.85 else ""
        taken.setdefault((class_, seat), (str(class_), str(seat), number, name))
    return seats(*taken.values())


@pytest.mark.parametrize("seed", range(6))
def test_any_files_in_a_row_keep_the_roster_whole(seed: int, tree: Tree):
    """Once applied, a file has nothing left to do, its names sit where it says, head-counts are live places."""
    chance = random.Random(seed)
    school = make.a_school(tree.county, "kz", "空中学")
    applied = 0
    for _ in range(10):
        sheet, remove = any_seats(chance), chance.random() < 0.6
        try:
            imported(school, sheet, remove_missing=remove)
        except Blocked:
            continue
        applied += 1
        again = imported(school, sheet, LATER, remove_missing=remove)
        assert again == Imported(0, 0, 0, 0, 0, 0, len(sheet.rows), 0)
        classes = {line.unit.name: line for line in queries.class_lines(school.path, make.TERM)}
        assert all(line.expected == line.places for line in classes.values())
        for row in sheet.rows:
            unit_id = classes[f"七年级（{row.class_name}）班"].unit.id
            place = queries.place(unit_id, make.TERM, int(row.seat))
            assert place
            assert not row.name or queries.names([place.enrolment_id]) == {place.enrolment_id: row.name}
    assert applied
    assert min(seat for (seat,) in rows(Enrolment, Enrolment.seat)) >= 1


def test_statements_of_an_import_do_not_grow_with_its_rows(tree: Tree, watch: Watch):
    lengths = []
    for class_name, length in (("5", 1), ("6", 30)):
        lines = [(class_name, str(seat), f"{class_name}-{seat}", "新同学") for seat in range(1, length + 1)]
        with watch.counting() as seen:
            imported(tree.school, seats(*lines))
        lengths.append(len(seen))
        changed = [(class_name, str(seat), f"{class_name}-{seat}", "改名字") for seat in range(1, length + 1)]
        with watch.counting() as seen:
            imported(tree.school, seats(*changed))
        lengths.append(len(seen))
    assert lengths[:2] == lengths[2:]


def test_five_thousand_rows_take_less_than_five_seconds(tree: Tree):
    sheet = Sheet(
        "seats",
        tuple(
            Row(n + 2, "", "", "八年级", str(n // 50 + 1), str(n % 50 + 1), f"S{n:06}", "新同学") for n in range(4950)
        ),
    )  # fmt: skip
    start = time.monotonic()
    assert imported(tree.school, sheet).new == 4950
    again = imported(tree.school, sheet)
    assert (again.same, again.headcounts) == (4950, 0)
    assert in_time(time.monotonic() - start, 10)


def test_two_imports_at_once_do_not_double_anybody(app: Flask, tree: Tree):
    done: list[Any] = []

    def run() -> None:
        with app.app_context():
            done.append(imported(tree.school, seats(*(("8", str(n), f"T{n}", "同学") for n in range(1, 40)))))
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(result.new for result in done) == [0, 0, 0, 39]
