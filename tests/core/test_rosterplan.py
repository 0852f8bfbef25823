"""What a roster file would change, without any database."""

from time import process_time

import pytest

from quizsvc.core.rosterplan import (
    Entry,
    Fill,
    Known,
    KnownPerson,
    KnownPlace,
    KnownUnit,
    Listed,
    NotListedHere,
    Plan,
    Rejection,
    Row,
    Sheet,
    TooFewPlaces,
    fill,
    name_of,
    number_of,
    plan,
    scope,
    seat_of,
)

COUNTY = KnownUnit("yg/", "yg", "阳光县", "county", 0)
SCHOOL = KnownUnit("yg/sy/", "sy", "实验中学", "school", 1)
GRADE = KnownUnit("yg/sy/g7/", "g7", "七年级", "grade", 7)
C1 = KnownUnit("yg/sy/g7/c1/", "c1", "七年级（1）班", "class", 1)
C2 = KnownUnit("yg/sy/g7/c2/", "c2", "七年级（2）班", "class", 2)
PERSONS = (
    KnownPerson(1, SCHOOL.path, "A1", "李明"),
    KnownPerson(2, SCHOOL.path, "A2", "王芳"),
    KnownPerson(3, SCHOOL.path, "A3", "张伟"),
    KnownPerson(9, SCHOOL.path, "#stand-in", "赵静"),
)


def known(*places: KnownPlace, target: int = 2, units: tuple[KnownUnit, ...] = (GRADE, C1, C2)) -> Known:
    """The school (2), the county (1) or a class (4) as target."""
    lineage = (COUNTY, SCHOOL, GRADE, C1)[:target]
    beneath = tuple(u for u in (SCHOOL, *units) if u.path.startswith(lineage[-1].path) and u != lineage[-1])
    return Known(lineage, beneath, places, PERSONS)


def place(
    id: int, seat: int, person: int | None = None, unit: KnownUnit = C1, live: bool = True
) -> KnownPlace:
    return KnownPlace(id, unit.path, seat, person, live)


def seats(*rows: tuple[str, ...], grade: str = "七年级") -> Sheet:
    """Rows of class, seat, number, name; numbered from 2 like a file with a heading."""
    made = []
    for line, row in enumerate(rows, start=2):
        class_name, seat, number, name = (*row, "", "")[:4]
        made.append(Row(line, grade=grade, class_name=class_name, seat=seat, number=number, name=name))
    return Sheet("seats", tuple(made))


def counts(*rows: tuple[str, str]) -> Sheet:
    return Sheet(
        "counts", tuple(Row(n, grade="7", class_name=c, count=k) for n, (c, k) in enumerate(rows, start=2))
    )


def told(found: Plan) -> dict[str, list[tuple[int, int, str]]]:
    """The lists of a plan that have something, as (line, seat, was)."""
    lists = ("new", "changed", "moved", "returned", "missing", "same")
    return {
        name: [(entry.line, entry.seat, entry.was) for entry in getattr(found, name)]
        for name in lists
        if getattr(found, name)
    }


def reasons(found: Plan) -> list[tuple[int, str, str]]:
    return [(rejected.line, rejected.column, rejected.reason) for rejected in found.rejected]


def test_everything_as_it_is_changes_nothing():
    found = plan(
        seats(("1", "1", "A1", "李明"), ("1", "2", "A2", "王芳")), known(place(1, 1, 1), place(2, 2, 2))
    )
    assert told(found) == {"same": [(2, 1, ""), (3, 2, "")]}
    assert (found.new_units, found.rejected, found.held) == ((), (), ())


def test_two_pupils_swap_their_seats():
    found = plan(seats(("1", "2", "A1"), ("1", "1", "A2")), known(place(1, 1, 1), place(2, 2, 2)))
    assert told(found) == {"changed": [(2, 2, "原座号 1"), (3, 1, "原座号 2")]}
    assert (found.held, found.replaced) == ((), ())


def test_a_new_name_and_a_new_seat_are_told_together():
    found = plan(seats(("1", "5", "A1", "李铭")), known(place(1, 1, 1)))
    assert told(found) == {"changed": [(2, 5, "原座号 1，原姓名 李明")]}


def test_another_class_is_a_move_and_keeps_place_and_person():
    found = plan(seats(("2", "4", "A1", "李明")), known(place(1, 1, 1)))
    assert told(found) == {"moved": [(2, 4, "原在 七年级（1）班 1 号")]}
    assert (found.moved[0].enrolment_id, found.moved[0].person_id, found.moved[0].from_path) == (
        1,
        1,
        C1.path,
    )


def test_somebody_who_left_returns_to_the_same_place():
    left = place(1, 1, 1, live=False)
    found = plan(seats(("2", "4", "A1")), known(left))
    assert told(found) == {"returned": [(2, 4, "")]}
    assert (found.returned[0].enrolment_id, found.returned[0].person_id) == (1, 1)


def test_a_person_known_from_another_term_is_new_and_stays_the_same_person():
    found = plan(seats(("1", "1", "A3", "张伟")), known())
    assert told(found) == {"new": [(2, 1, "")]}
    assert (found.new[0].enrolment_id, found.new[0].person_id) == (None, 3)


def test_missing_are_those_of_the_classes_in_the_file_only():
    found = plan(
        seats(("1", "1", "A1", "李明")),
        known(place(1, 1, 1), place(2, 2, 2), place(3, 3), place(4, 1, 3, unit=C2)),
    )
    assert told(found) == {"same": [(2, 1, "")], "missing": [(0, 2, ""), (0, 3, "")]}
    assert [entry.enrolment_id for entry in found.missing] == [2, 3]


def test_a_nameless_place_gets_its_name():
    found = plan(seats(("1", "1", "B1", "新同学")), known(place(1, 1)))
    assert told(found) == {"changed": [(2, 1, "补上姓名")]}
    assert (found.changed[0].enrolment_id, found.changed[0].person_id) == (1, None)


def test_names_without_numbers_are_known_by_their_seat():
    found = plan(
        seats(("1", "1", "", "赵静"), ("1", "2", "", "王芳"), ("1", "3", "", "钱进")),
        known(place(1, 1, 9), place(2, 2, 2)),
    )
    assert told(found) == {"same": [(2, 1, ""), (3, 2, "")], "new": [(4, 3, "")]}


def test_a_name_without_a_number_is_renamed_in_its_seat():
    found = plan(seats(("1", "1", "", "赵晶")), known(place(1, 1, 9)))
    assert told(found) == {"changed": [(2, 1, "原姓名 赵静")]}


def test_a_name_that_contradicts_a_number_is_rejected():
    found = plan(seats(("1", "1", "", "别人")), known(place(1, 1, 1)))
    assert reasons(found) == [(2, "姓名", "1 号在系统里是另一位有学号的同学：请补上这一行的学号。")]


def test_a_number_is_added_to_somebody_known_by_name():
    found = plan(seats(("1", "1", "B7", "赵静")), known(place(1, 1, 9)))
    assert told(found) == {"changed": [(2, 1, "补上学号")]}
    assert (found.changed[0].person_id, found.changed[0].number) == (9, "B7")


def test_somebody_known_by_name_returns_to_their_seat():
    found = plan(seats(("1", "1", "", "赵静")), known(place(1, 1, 9, live=False)))
    assert told(found) == {"returned": [(2, 1, "")]}


def test_nobody_returns_twice():
    found = plan(seats(("2", "1", "A1", "李明"), ("1", "1", "", "李明")), known(place(1, 1, 1, live=False)))
    assert told(found) == {"returned": [(2, 1, "")], "new": [(3, 1, "")]}


def test_bare_seats_never_take_names_away_and_open_again():
    found = plan(seats(("1", "1"), ("1", "2"), ("1", "3")), known(place(1, 1, 1), place(2, 2, live=False)))
    assert told(found) == {"same": [(2, 1, "")], "returned": [(3, 2, "")], "new": [(4, 3, "")]}


def test_a_bare_seat_whose_pupil_moves_on_becomes_a_new_place():
    found = plan(seats(("1", "1"), ("1", "5", "A1")), known(place(1, 1, 1)))
    assert told(found) == {"new": [(2, 1, "")], "changed": [(3, 5, "原座号 1")]}


def test_a_seat_of_somebody_missing_is_held_until_they_leave():
    found = plan(seats(("1", "1", "A2", "王芳")), known(place(1, 1, 1), place(2, 2, 2)))
    assert [(held.line, held.reason) for held in found.held] == [
        (2, "1 号现在是名单里没有的另一位同学：要先把他移出，或者改座号。")
    ]
    assert told(found) == {"changed": [(2, 1, "原座号 2")], "missing": [(0, 1, "")]}


def test_somebody_from_another_class_replaces_a_nameless_place():
    found = plan(seats(("2", "1", "A1")), known(place(1, 1, 1), place(5, 1, unit=C2)))
    assert (told(found), found.replaced, found.shifted) == (
        {"moved": [(2, 1, "原在 七年级（1）班 1 号")]}, (5,), (),
    )  # fmt: skip


def test_a_nameless_place_slides_to_the_seat_that_is_set_free():
    found = plan(
        seats(("1", "3", "A1"), ("1", "1", "A2")), known(place(1, 1, 1), place(2, 2, 2), place(3, 3))
    )
    assert (found.replaced, found.shifted) == ((), ((3, 2),))
    assert told(found)["missing"] == [(0, 3, "")]


def test_a_move_out_of_the_reach_of_the_import_is_rejected():
    found = plan(seats(("1", "1", "A1")), known(place(1, 1, 1, unit=C2), target=4))
    assert reasons(found) == [(2, "学号", "这位同学现在在别的班，不在这次导入的单位里：请在学校一级导入。")]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (Row(2, grade="7", seat="1"), "班级", "缺少班级。合并的单元格请先拆开，每一行都填上。"),
        (Row(2, grade="7", class_name="1"), "座号", "缺少座号。"),
        (Row(2, grade="7", class_name="1", seat="0"), "座号", "座号要写 1 到 99 的整数，这里写的是“0”。"),
        (Row(2, grade="7", class_name="1", seat="100"), "座号", "座号要写 1 到 99 的整数，这里写的是“100”。"),
        (Row(2, grade="7", class_name="1", seat="三"), "座号", "座号要写 1 到 99 的整数，这里写的是“三”。"),
        (Row(2, grade="7", class_name="1", seat="1", number="A 1？"), "学号",
         "学号只能有字母、数字、“-”和“_”，最多 32 个。"),
        (Row(2, grade="7", class_name="1", seat="1", number="2.02E+11"), "学号",
         "学号被表格软件改成了科学计数法，后几位已经丢失。请把这一列设成“文本”，重新填写。"),
        (Row(2, grade="7", class_name="1", seat="1", number="110101201001011234"), "学号",
         "这像是身份证号。这里不收身份证号，请改用学校自己编的学号。"),
        (Row(2, grade="7", class_name="1", seat="1", name="长" * 41), "姓名", "姓名太长，最多 40 个字。"),
        (Row(2, grade="7", class_name="1", seat="1", name="=1+1"), "姓名", "姓名里有不能用的字符。"),
        (Row(2, grade="7", class_name="1", seat="1", name="2026001"), "姓名",
         "姓名里只有数字或符号，请看看是不是填错了列。"),
        (Row(2, school="别的中学", grade="7", class_name="1", seat="1"), "学校",
         "这次导入的是“实验中学”，这一行写的是“别的中学”。"),
        (Row(2, grade="7", class_name="八年级1班", seat="1"), "班级",
         "年级是“七年级”，班级写的却是“八年级（1）班”。"),
        (Row(2, grade="7", class_name="班" * 61, seat="1"), "班级", "名称太长，最多 60 个字。"),
    ],
)  # fmt: skip
def test_rejected_cells(row: Row, column: str, reason: str):
    assert reasons(plan(Sheet("seats", (row,)), known())) == [(2, column, reason)]


def test_every_wrong_cell_of_a_line_is_told_at_once():
    row = Row(2, grade="7", seat="x", number="?", name="?")
    found = plan(Sheet("seats", (row,)), known())
    assert [rejected.column for rejected in found.rejected] == ["班级", "座号", "学号", "姓名"]


def test_doubled_seats_and_numbers_are_rejected_with_the_first_line():
    found = plan(seats(("1", "1", "A1"), ("1", "01", "A2"), ("2", "1", "A1"), ("2", "2", "")), known())
    assert reasons(found) == [
        (3, "座号", "座号 1 在这个班里重复：第 2 行也是 1 号。"),
        (4, "学号", "学号 A1 重复：第 2 行也是这个学号。"),
    ]


def test_new_units_are_made_parents_first_and_only_when_a_class_needs_them():
    rows = (
        Row(2, school="第二中学", grade="8", class_name="2", seat="1"),
        Row(3, school="第二中学", grade="8", class_name="10", seat="1"),
        Row(4, school="第三中学", grade="9", class_name="", seat="1"),
    )
    found = plan(Sheet("seats", rows), known(target=1))
    assert [(new.path, new.name, new.kind, new.position) for new in found.new_units] == [
        ("yg/s2/", "第二中学", "school", 2),
        ("yg/s2/g8/", "八年级", "grade", 8),
        ("yg/s2/g8/c2/", "八年级（2）班", "class", 2),
        ("yg/s2/g8/c10/", "八年级（10）班", "class", 10),
    ]
    assert [entry.unit_name for entry in found.new] == ["第二中学 八年级（2）班", "第二中学 八年级（10）班"]
    assert {entry.school_path for entry in found.new} == {"yg/s2/"}


def test_a_county_needs_the_school_of_every_row():
    assert reasons(plan(seats(("1", "1")), known(target=1))) == [(2, "学校", "缺少学校。")]


def test_units_are_known_by_name_or_code_in_any_spelling():
    rows = tuple(
        Row(line, school=school, grade=grade, class_name=text, seat=str(line))
        for line, (school, grade, text) in enumerate(
            [("实验中学", "七", "七(1)班"), ("sy", "7年级", "701"), ("实 验 中 学", "g7", "C1")], start=2
        )
    )
    found = plan(Sheet("seats", rows), known(target=1))
    assert (found.new_units, found.rejected) == ((), ())
    assert {entry.path for entry in found.new} == {C1.path}


def test_a_file_without_grades_finds_the_class_under_its_grade():
    found = plan(seats(("七年级1班", "1"), grade=""), known())
    assert (found.new_units, found.new[0].path) == ((), C1.path)


def test_a_class_directly_under_its_school_is_found_from_a_file_with_grades():
    flat = KnownUnit("yg/sy/703/", "703", "七年级（3）班", "class", 3)
    found = plan(seats(("3", "1")), known(units=(flat,)))
    assert (found.new_units, found.new[0].path) == ((), flat.path)


def test_two_classes_of_one_name_are_told_apart_by_their_grade():
    twins = (
        KnownUnit("yg/sy/a/", "a", "东校区", "college", 1),
        KnownUnit("yg/sy/a/c1/", "c1", "实验班", "class", 1000),
        KnownUnit("yg/sy/b/", "b", "西校区", "college", 2),
        KnownUnit("yg/sy/b/c1/", "c1", "实验班", "class", 1000),
    )
    assert reasons(plan(seats(("实验班", "1"), grade=""), known(units=twins))) == [
        (2, "班级", "有 2 个同名的单位，分不清是哪一个：请补全上一级，或到那个单位的页面导入。")
    ]


def test_a_class_takes_rows_without_a_class_and_refuses_others():
    found = plan(seats(("", "1"), ("1班", "2"), ("2班", "3")), known(target=4))
    assert [entry.seat for entry in found.new] == [1, 2]
    assert reasons(found) == [(4, "班级", "这次导入的是“七年级（1）班”，这一行写的是“2班”。")]


def test_colleges_are_made_between_university_and_grade():
    university = KnownUnit("dx/", "dx", "东方大学", "university", 0)
    rows = (Row(2, college="机械学院", grade="2023", class_name="机器人工程2301", seat="1"),)
    found = plan(Sheet("seats", rows), Known((university,), (), (), ()))
    assert [(new.path, new.kind) for new in found.new_units] == [
        ("dx/y1/", "college"), ("dx/y1/g2023/", "grade"), ("dx/y1/g2023/c1/", "class"),
    ]  # fmt: skip
    assert found.new[0].school_path == "dx/"


def test_head_counts_open_and_close_nameless_places():
    there = (place(1, 1, 1), place(2, 2), place(3, 3), place(4, 1, unit=C2), place(5, 2, unit=C2, live=False))
    found = plan(counts(("1", "2"), ("2", "3人"), ("5", "2")), known(*there))
    assert [(entry.unit_name, entry.before, entry.after, entry.fill) for entry in found.counts] == [
        ("七年级（1）班", 3, 2, Fill((), (3,))),
        ("七年级（2）班", 1, 3, Fill(((2, 5), (3, None)), ())),
        ("七年级（5）班", None, 2, Fill(((1, None), (2, None)), ())),
    ]
    assert (len(found.changed_counts), found.unchanged_counts) == (3, ())


@pytest.mark.parametrize(
    ("rows", "column", "reason"),
    [
        ([("1", "")], "人数", "缺少人数。"),
        ([("1", "100")], "人数", "人数要写 0 到 99 的整数，这里写的是“100”。"),
        ([("1", "0")], "人数", "这个班已有 1 个实名座位，人数不能比它少。"),
        ([("1", "3"), ("一班", "4")], "班级", "这个班级在第 2 行已经写过人数。"),
    ],
)
def test_rejected_head_counts(rows: list[tuple[str, str]], column: str, reason: str):
    found = plan(counts(*rows), known(place(1, 1, 1)))
    assert reasons(found) == [(1 + len(rows), column, reason)]


def listed(kind: Listed, *rows: tuple[str, str]) -> Sheet:
    """Rows of name and head-count."""
    return Sheet(kind, tuple(Row(n, unit_name=name, count=k) for n, (name, k) in enumerate(rows, start=2)))


def test_a_list_ten_times_as_long_takes_in_proportion():
    """What grows with the square would take a hundred times as long."""

    def took_s(count: int) -> float:
        sheet = listed("company", *((f"第{number}家公司", "3") for number in range(count)))
        begun = process_time()
        plan(sheet, known(target=1))
        return process_time() - begun

    assert min(took_s(6000) for _ in range(2)) < 40 * min(took_s(600) for _ in range(2))


def test_a_list_of_companies_makes_them_right_under_the_county():
    sheet = listed("company", ("东工 有限公司", "3"), ("西工（集团）公司", "0"))
    found = plan(sheet, known(target=1))
    assert [(new.path, new.parent_path, new.name, new.kind, new.position) for new in found.new_units] == [
        ("yg/c2/", "yg/", "东工有限公司", "company", 2),
        ("yg/c3/", "yg/", "西工(集团)公司", "company", 3),
    ]
    assert [(entry.path, entry.unit_name, entry.before, entry.after) for entry in found.changed_counts] == [
        ("yg/c2/", "东工有限公司", None, 3),
        ("yg/c3/", "西工(集团)公司", None, 0),
    ]
    assert (found.form, found.rejected) == ("company", ())


def test_a_list_again_changes_nothing_and_a_new_number_only_the_places():
    firm = KnownUnit("yg/c1/", "c1", "东工有限公司", "company", 1)
    there = known(place(1, 1, unit=firm), place(2, 2, unit=firm), target=1, units=(firm,))
    again = plan(listed("company", (" 东工有限公司", "2人")), there)
    assert (again.new_units, again.changed_counts, len(again.unchanged_counts)) == ((), (), 1)
    fewer = plan(listed("company", ("东工有限公司", "1")), there)
    assert [(entry.before, entry.after, entry.fill) for entry in fewer.counts] == [(2, 1, Fill((), (2,)))]


@pytest.mark.parametrize(
    ("rows", "column", "reason"),
    [
        ([("", "3")], "企业", "缺少企业的名称。"),
        ([("东工", "")], "人数", "缺少人数。"),
        ([("东工", "3"), ("东 工", "4")], "企业", "这个企业在第 2 行已经写过人数。"),
        ([("实验中学", "3")], "企业", "“实验中学”在系统里是学校，不是企业。"),
        ([("通信行业", "3")], "企业", "“通信行业”下面还有单位，人数由它们相加：请去掉这一行。"),
        ([("东" * 61, "3")], "企业", "名称太长，最多 60 个字。"),
    ],
)
def test_rejected_lines_of_a_list(rows: list[tuple[str, str]], column: str, reason: str):
    trade = KnownUnit("yg/hy/", "hy", "通信行业", "company", 2)
    firm = KnownUnit("yg/hy/yd/", "yd", "移动公司", "company", 1)
    found = plan(listed("company", *rows), known(target=1, units=(trade, firm)))
    assert reasons(found) == [(1 + len(rows), column, reason)]


def test_departments_stand_under_a_school_too_and_companies_do_not():
    found = plan(listed("department", ("教务处", "6")), known())
    assert [(new.path, new.kind) for new in found.new_units] == [("yg/sy/d2/", "department")]
    for kind, target, text in (
        ("company", 2, "“实验中学”下面不能导入企业名单：请到县区、乡镇等地区的页面导入。"),
        ("village", 2, "“实验中学”下面不能导入村社区名单：请到县区、乡镇等地区的页面导入。"),
        (
            "department",
            4,
            "“七年级（1）班”下面不能导入部门名单：请到县区、乡镇等地区、学校或高校的页面导入。",
        ),
    ):
        with pytest.raises(NotListedHere) as refused:
            plan(listed(kind, ("东工", "3")), known(target=target))
        assert refused.value.text == text


def test_fill_keeps_named_places_and_uses_the_lowest_free_seats():
    there = [place(1, 2, 1), place(2, 4)]
    assert fill(there, 4) == Fill(((1, None), (3, None)), ())
    assert fill(there, 1) == Fill((), (2,))
    with pytest.raises(TooFewPlaces):
        fill(there, 0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("李 明", "李明"), ("阿依古丽·买买提", "阿依古丽·买买提"), ("A  B", "A B"), ("", ""),
        ("李\u200b明", "李明"), ("\ue863丽", "\ue863丽"),
    ],
)  # fmt: skip
def test_names(text: str, name: str):
    assert name_of(text) == name


def test_seats_and_numbers_in_full_width():
    assert (seat_of(" ０７号 "), number_of("２０２６-Ａ")) == (7, "2026-A")
    with pytest.raises(Rejection):
        seat_of("1.5")


def test_scope_is_the_school_the_region_or_the_root():
    lone = KnownUnit("yg/c/", "c", "夜校班", "class", 0)
    assert [scope(lineage) for lineage in ((COUNTY, SCHOOL, GRADE), (COUNTY,), (COUNTY, lone))] == [
        "yg/sy/", "yg/", "yg/",
    ]  # fmt: skip


def test_the_digest_names_the_plan():
    entry = Entry(2, "a/", "一班", 1, name="\ud800")
    assert Plan("seats", new=(entry,)).digest == Plan("seats", new=(entry,)).digest
    assert Plan("seats", new=(entry,)).digest != Plan("seats", changed=(entry,)).digest


def test_place_left_by_somebody_of_another_school_is_nobodys() -> None:
    left_by_a_stranger = place(7, 1, person=99, live=False)

    found = plan(seats(("七年级（1）班", "1", "A1", "李明")), known(left_by_a_stranger))

    assert [(entry.seat, entry.name) for entry in found.new] == [(1, "李明")]
    assert found.returned == ()
