from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.models import Participant
from quizsvc.campaign.models import RoundUnit
from quizsvc.core import assembly, bankfile
from quizsvc.core.indicators import Rate, Tally
from quizsvc.db import db
from quizsvc.report import queries
from quizsvc.report.queries import HeatCell, Ring, Trap
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Exemption, Headcount
from tests import make
from tests.conftest import NOON
from tests.report.conftest import RIGHT, WRONG, Room, a_room
from tests.support import Watch, sqlite_only

URL = "https://fz.example"


def board(room: Room, **changes: Any) -> queries.Board:
    row = room.row
    around = rollup.surroundings(row.id, room.unit.id)
    values: dict[str, Any] = {"public_url": URL, "at": NOON, "seats": True}
    return queries.board(row, around.unit, **{**values, **changes})


def coverage(room: Room, unit: Any = None, at: datetime = NOON, inside: bool = False) -> queries.Coverage:
    row = room.row
    return queries.coverage(row, rollup.surroundings(row.id, (unit or room.county).id), at, inside=inside)


def excuse(room: Room, seat: int) -> None:
    enrolment = room.sit(seat, RIGHT, RIGHT, RIGHT).participant_id
    person = db.session.get(Participant, enrolment)
    make.saved(
        Exemption(
            enrolment_id=person.enrolment_id, reason="住院", approved_by="cli", approved_at=make.LONG_AGO
        )
    )


# the board


def test_board_tells_done_open_and_untouched(room: Room) -> None:
    for seat in (1, 2, 3):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    room.sit(4, RIGHT, WRONG, WRONG)
    room.sit(4, RIGHT, RIGHT, RIGHT, ordinal=2)
    room.begin(5, answered=2)
    shown = board(room)
    assert shown.tally == Tally(
        expected=12, done=4, aware=4, first_aware=3, full=4, score=120, out_of=120, open=1
    )
    assert (shown.missing, shown.todo, shown.undone, shown.seats_differ) == (8, 7, 8, False)
    assert shown.ring == Ring(12, (("r1", 4), ("r2", 1)))
    assert [(cell.seat, cell.state, cell.text) for cell in shown.seats or ()][:6] == [
        (1, "done", "已完成"),
        (2, "done", "已完成"),
        (3, "done", "已完成"),
        (4, "done", "已完成"),
        (5, "open", "2/3"),
        (6, "none", "未开始"),
    ]


def test_board_of_undone_shows_only_those(room: Room) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    room.begin(2, answered=1)
    shown = board(room, undone=True)
    assert [cell.seat for cell in shown.seats or ()] == list(range(2, 13))


def test_exempt_seats_are_told_and_never_undone(room: Room) -> None:
    excuse(room, 12)
    shown = board(room)
    assert (shown.tally.expected, shown.tally.exempt, shown.tally.done, shown.undone) == (11, 1, 0, 11)
    assert [(cell.state, cell.text) for cell in shown.seats or ()][-1] == ("exempt", "免测")
    assert [cell.seat for cell in board(room, undone=True).seats or ()] == list(range(1, 12))


@sqlite_only
def test_a_complete_class_closes_its_ring(app: Flask, at: Any) -> None:
    room = a_room(pupils=2)
    for seat in (1, 2):
        room.sit(seat, RIGHT, WRONG, WRONG)
    assert (board(room).ring, board(room).missing) == (Ring(2, (("rk", 2),)), 0)


@sqlite_only
def test_a_surplus_never_closes_the_ring(app: Flask, at: Any) -> None:
    room = a_room(pupils=3)
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=1, set_by="cli", set_at=make.OPENS))
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    assert (board(room).ring, board(room).undone) == (Ring(2, (("r1", 2), ("r2", 0))), 1)
    assert "已有 2 人完成。还没做的同学请在" in board(room).group_text


@sqlite_only
def test_a_large_unit_has_a_hundred_ticks(room: Room) -> None:
    make.saved(
        Headcount(unit_id=room.unit.id, term=make.TERM, expected=3000, set_by="cli", set_at=make.OPENS)
    )
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    assert board(room).ring == Ring(100, (("r1", 0), ("r2", 0)))


@sqlite_only
def test_a_unit_with_nobody_has_an_empty_ring(room: Room) -> None:
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=0, set_by="cli", set_at=make.OPENS))
    assert board(room).ring == Ring(0, ())


def test_seats_that_differ_from_the_frozen_head_count_are_told(room: Room) -> None:
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=14, set_by="cli", set_at=make.OPENS))
    assert board(room).seats_differ


@sqlite_only
def test_board_without_seats_has_counts_only(room: Room) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    shown = board(room, seats=False)
    assert (shown.seats, shown.traps, shown.tally.done, shown.seats_differ) == (None, None, 1, False)
    assert "已完成 1/12，还差 11 人" in shown.group_text


def test_board_follows_the_longer_time_of_its_class(room: Room) -> None:
    room.link.closes_at = make.CLOSES + timedelta(days=2)
    db.session.commit()
    after = make.CLOSES + timedelta(hours=1)
    shown = board(room, at=after)
    assert (shown.state, shown.closes_at) == ("open", make.CLOSES + timedelta(days=2))
    assert "12 月 22 日 18:00 前完成" in shown.group_text


def test_names_come_only_when_asked_for(app: Flask, at: Any) -> None:
    room = a_room(pupils=3, identity="roster")
    assert [cell.who for cell in board(room, names=True).seats or ()] == ["李安航", "李宁航", "李远航"]
    assert [cell.who for cell in board(room).seats or ()] == [None, None, None]


# reminders


@sqlite_only
@pytest.mark.parametrize("identity", ["seat", "roster"])
def test_reminders_never_hold_a_name_or_a_seat(app: Flask, at: Any, identity: str) -> None:
    room = a_room(pupils=9, identity=identity)
    room.sit(1, RIGHT, RIGHT, RIGHT)
    shown = board(room, names=True)
    for text in (shown.group_text, shown.parents_text):
        assert "李" not in text
        assert "号" not in text.replace("12 月 20 日", "").replace("公众号", "")
        told = text.replace("1/9", "").replace("8 人", "").replace("3 道题", "").replace("2 分钟", "")
        for noise in ("12 月 20 日 18:00", "青禾 27", "96110", "7K3M9Q2", "（3）班"):
            told = told.replace(noise, "")
        assert [character for character in told if character.isdecimal()] == []


# the worst questions


@sqlite_only
def test_traps_are_withheld_from_fewer_than_ten(room: Room) -> None:
    for seat in range(1, 10):
        room.sit(seat, WRONG, WRONG, WRONG)
    assert queries.traps(room.row, room.unit.path) == queries.Traps((), "人数太少，先不下结论")


def test_traps_name_the_hardest_first_with_the_most_tempting_option(room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, RIGHT if seat > 2 else None, WRONG if seat <= 5 else RIGHT, RIGHT)
    found = queries.traps(room.row, room.unit.path)
    assert found.worst == (
        Trap("刷单返利", "5 人选了“先付一点试试”", Rate(5, 10), 50),
        Trap("刷单返利", "2 人没有作答", Rate(2, 10), 20),
    )
    assert found.note == "建议：班会先讲“刷单返利”这一题，每 10 人里约有 5 人第一次没答对。"


@sqlite_only
def test_traps_say_so_when_everything_was_right(room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    assert queries.traps(room.row, room.unit.path) == queries.Traps((), "到现在为止，每道题都答对了。")


def test_traps_look_at_the_first_go_only(room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, WRONG, RIGHT, RIGHT)
        room.sit(seat, RIGHT, RIGHT, RIGHT, ordinal=2)
    assert [trap.wrong for trap in queries.traps(room.row, room.unit.path).worst] == [Rate(10, 10)]


# the question table


def test_items_tell_verdict_sentence_and_options(room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, RIGHT, WRONG if seat <= 5 else RIGHT, 2 if seat == 1 else RIGHT)
    hard, good, easy = queries.item_table(room.row, room.unit.path, inside=True).lines
    assert (hard.number, hard.verdict, hard.facility) == (1, "容易中招", Rate(5, 10))
    assert hard.sentence == "50% 没答对，5 人选了“先付一点试试”。建议班会讲 2 分钟。"
    assert [(line.letter, line.people, line.percent, line.key, line.tempting) for line in hard.options] == [
        ("A", 5, 50, False, True),
        ("B", 5, 50, True, False),
        ("C", 0, 0, False, False),
        ("D", 0, 0, False, False),
    ]
    assert (good.verdict, good.sentence) == ("大家都会", "10% 没答对，1 人选了“转给同学一起做”。")
    assert (easy.verdict, easy.sentence) == ("大家都会", "大家都答对了。")


@sqlite_only
def test_items_hide_small_counts_outside_the_class(room: Room) -> None:
    for seat in range(1, 11):
        room.sit(seat, WRONG if seat <= 4 else RIGHT, RIGHT, RIGHT)
    line = queries.item_table(room.row, room.unit.path, inside=False).lines[0]
    assert [(option.people, option.percent) for option in line.options] == [
        (None, 0),
        (6, 60),
        (0, 0),
        (0, 0),
    ]


@sqlite_only
def test_items_with_too_few_answers_tell_nothing(room: Room) -> None:
    for seat in range(1, 10):
        room.sit(seat, WRONG, WRONG, WRONG)
    lines = queries.item_table(room.row, room.unit.path, inside=True).lines
    assert {(line.verdict, line.sentence, line.options) for line in lines} == {
        ("人数太少，先不下结论", "", ())
    }


def test_items_tell_hits_and_false_alarms_of_scenes(app: Flask, at: Any) -> None:
    fraud, honest = (
        bankfile.Scene("sms", "1069", "点链接领奖", ("点链接",)),
        bankfile.Scene("sms", "驿站", "取件码 3-2", ()),
    )
    pool = [
        make.an_item("s-01", scene=fraud),
        make.an_item("s-02", scene=honest, genuine=True),
        make.an_item("s-03"),
    ]
    room = a_room(pool=pool)
    for seat in range(1, 11):
        room.sit(seat, RIGHT if seat <= 8 else WRONG, RIGHT if seat <= 6 else WRONG, WRONG)
    told = queries.item_table(room.row, room.unit.path, inside=True).alertness
    assert (told.hits, told.false_alarms) == (Rate(8, 10), Rate(4, 10))


def test_a_forgotten_key_of_a_multiple_choice_is_told(app: Flask, at: Any) -> None:
    pool = [
        make.an_item(
            "m-01",
            kind="multiple_choice",
            options=tuple(
                bankfile.Option(text, key=key)
                for text, key in (("截图留证", True), ("打 96110", True), ("自己解决", False))
            ),
        )
    ]
    room = a_room()
    room.paper = make.saved(make.a_paper(pool=pool))
    room.round.paper_id = room.paper.id
    db.session.commit()
    for seat in range(1, 11):
        seed = f"s{seat}"
        tokens = assembly.option_tokens(3, seed=seed, ref=0)
        picks = tokens[:2] if seat <= 4 else tokens[1:2]
        make.an_attempt(
            room.round, room.unit, seat, seed=seed, form=[[0, 10]], answers={"1": [1, list(picks)]},
            score=10 if seat <= 4 else 0, out_of=10, correct=[seat <= 4],
        )  # fmt: skip
    assert [trap.most for trap in queries.traps(room.row, room.unit.path).worst] == ["6 人漏选“截图留证”"]


# scores


def test_scores_tell_first_counted_and_bands(room: Room) -> None:
    room.sit(1, RIGHT, WRONG, WRONG)
    room.sit(1, RIGHT, RIGHT, RIGHT, ordinal=2)
    room.sit(2, RIGHT, RIGHT, WRONG)
    room.begin(3, answered=1)
    found = queries.scores(room.row, room.unit.id, NOON, names=False)
    one, two, three, four = found.rows[:4]
    assert (one.first, one.counted, one.out_of, one.attempts, one.state, one.met) == (
        10,
        30,
        30,
        2,
        "已完成",
        True,
    )
    assert (two.first, two.counted, two.met) == (20, 20, False)
    assert (three.first, three.counted, three.state) == (None, None, "1/3")
    assert (four.state, four.submitted_at) == ("未开始", None)
    assert [(band.label, band.people, band.percent) for band in found.bands] == [
        ("60 分以下", 0, 0),
        ("60–69 分", 1, 50),
        ("70–79 分", 0, 0),
        ("80–89 分", 0, 0),
        ("90–100 分", 1, 50),
    ]


@sqlite_only
@pytest.mark.parametrize(
    ("score", "band"),
    [(0, 0), (59, 0), (60, 1), (69, 1), (70, 2), (79, 2), (80, 3), (89, 3), (90, 4), (100, 4)],
)
def test_bands_end_where_they_say(room: Room, score: int, band: int) -> None:
    room.sit(1, RIGHT, score=score, out_of=100)
    found = queries.scores(room.row, room.unit.id, NOON, names=False)
    assert [line.people for line in found.bands] == [int(index == band) for index in range(5)]


# coverage


def two_schools(room: Room) -> tuple[Any, Any, Any]:
    """A second school with a class of 30, where nobody has begun, and a third that is done."""
    second = make.a_school(room.county, code="ez", name="第二小学")
    idle = make.a_class(second, pupils=30, code="301", name="三年级（1）班")
    third = make.a_school(room.county, code="sz", name="第三中学")
    done = make.a_class(third, pupils=1, code="801", name="八年级（1）班")
    room.sit(1, RIGHT, RIGHT, RIGHT, unit=done)
    return second, idle, third


def test_coverage_sums_heads_and_sorts_by_the_gap(room: Room) -> None:
    two_schools(room)
    for seat in range(1, 11):
        room.sit(seat, RIGHT, RIGHT, RIGHT if seat > 4 else WRONG)
    page = coverage(room)
    assert (page.tally.expected, page.tally.done, page.tally.aware, page.missing) == (43, 11, 7, 32)
    assert [(row.level.unit.name, row.level.missing, row.complete) for row in page.rows] == [
        ("第二小学", 30, False),
        ("阳光县实验中学", 2, False),
        ("第三中学", 0, True),
    ]
    assert (
        "".join(piece.text for piece in page.lead)
        == "全县 43 名学生已有 11 人完成，还差 32 人，都在 2 所学校。"
    )
    assert (page.counter, page.days_left) == ("所学校", "8 天")


@sqlite_only
def test_coverage_of_a_class_has_no_parts(room: Room) -> None:
    page = coverage(room, room.unit)
    assert (page.rows, page.tally.expected) == ((), 12)
    assert "".join(piece.text for piece in page.lead) == "全班 12 名学生还没有人开始。"


@sqlite_only
def test_coverage_hides_results_of_very_few_people(room: Room) -> None:
    _, _, third = two_schools(room)
    firsts = {row.level.unit.name: row.first for row in coverage(room).rows}
    assert firsts == {"第二小学": Rate(0, 30), "阳光县实验中学": Rate(0, 12), "第三中学": None}
    assert (coverage(room, third).small, coverage(room, third, inside=True).small) == (True, False)


@sqlite_only
def test_coverage_tells_units_without_a_head_count(room: Room) -> None:
    make.a_unit("704", "七年级（4）班", "class", room.school)
    assert coverage(room).uncounted == 1


def test_coverage_tells_a_surplus_and_still_the_gap_beside_it(room: Room) -> None:
    other = make.a_class(room.school, pupils=2, code="704", name="七年级（4）班")
    make.saved(Headcount(unit_id=other.id, term=make.TERM, expected=1, set_by="cli", set_at=make.OPENS))
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT, unit=other)
    for seat in range(1, 12):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    page = coverage(room, room.school)
    assert (page.tally.expected, page.tally.done, page.missing, page.over) == (13, 13, 1, 1)
    assert [(row.level.unit.name, row.complete, row.coverage.text) for row in page.rows] == [
        ("七年级（3）班", False, "91.6%"),
        ("七年级（4）班", False, "200.0%"),
    ]


def test_grades_stand_beside_each_school_as_heat(room: Room) -> None:
    seven = make.a_unit("g7", "七年级", "grade", room.school, position=7)
    eight = make.a_unit("g8", "八年级", "grade", room.school, position=8)
    second = make.a_school(room.county, code="ez", name="第二小学")
    one = make.a_unit("g1", "一年级", "grade", second, position=1)
    for grade, pupils, done in ((seven, 10, 10), (eight, 10, 9), (one, 10, 6)):
        unit = make.a_class(grade, pupils=pupils, code="c1", name=f"{grade.name}（1）班")
        for seat in range(1, done + 1):
            room.sit(seat, RIGHT, RIGHT, RIGHT, unit=unit)
    page = coverage(room)
    assert page.columns == ("一年级", "七年级", "八年级")
    assert {row.level.unit.name: row.cells for row in page.rows} == {
        "阳光县实验中学": (None, HeatCell("h5", "✓"), HeatCell("h3", "90")),
        "第二小学": (HeatCell("h1", "60"), None, None),
    }


@sqlite_only
@pytest.mark.parametrize(
    ("done", "cell"),
    [(69, ("h1", "69")), (70, ("h2", "70")), (85, ("h3", "85")), (95, ("", "95")), (99, ("", "99"))],
)
def test_heat_follows_the_legend(room: Room, done: int, cell: tuple[str, str]) -> None:
    grade = make.a_unit("g7", "七年级", "grade", room.school, position=7)
    unit = make.a_class(grade, pupils=100, code="c1")
    for seat in range(1, done + 1):
        make.an_attempt(room.round, unit, seat)
    school = next(row for row in coverage(room).rows if row.level.unit.id == room.school.id)
    assert school.cells == (HeatCell(*cell),)


def test_coverage_stays_inside_the_round(room: Room) -> None:
    second, *_ = two_schools(room)
    db.session.query(RoundUnit).delete()
    make.saved(RoundUnit(round_id=room.round.id, unit_id=second.id))
    page = coverage(room)
    assert ([row.level.unit.name for row in page.rows], page.tally.expected) == (["第二小学", "第三中学"], 30)
    assert page.over == 1  # an attempt where the round is not opened is shown, not swallowed


@sqlite_only
def test_parts_without_anybody_are_left_out(room: Room) -> None:
    empty = make.a_class(room.school, pupils=0, code="704", name="七年级（4）班")
    assert empty.name not in {row.level.unit.name for row in coverage(room, room.school).rows}


def test_a_unit_with_parts_and_people_of_its_own_has_a_row_for_them(room: Room) -> None:
    make.saved(
        Headcount(unit_id=room.school.id, term=make.TERM, expected=5, set_by="cli", set_at=make.LONG_AGO)
    )
    page = coverage(room, room.school)
    assert [(row.level.unit.name, row.own, row.level.missing) for row in page.rows] == [
        ("七年级（3）班", False, 12),
        ("阳光县实验中学", True, 5),
    ]


# the curve


def test_curve_adds_days_up_and_tells_the_pace(room: Room) -> None:
    for seat in (1, 2, 3):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    room.sit(4, RIGHT, RIGHT, RIGHT, submitted_at=NOON)
    curve = coverage(room).curve
    assert curve is not None
    assert [(day.on, day.done, day.so_far) for day in curve.days][:3] == [
        (date(2026, 12, 1), 0, Rate(0, 12)),
        (date(2026, 12, 2), 3, Rate(3, 12)),
        (date(2026, 12, 3), 0, Rate(3, 12)),
    ]
    assert (curve.days[-1].on, curve.days[-1].done, curve.days[-1].so_far) == (
        date(2026, 12, 12),
        1,
        Rate(4, 12),
    )
    assert (curve.pace, curve.today_on, curve.last_on) == (1, date(2026, 12, 12), date(2026, 12, 20))
    assert curve.line.startswith("0.0,118.0 19.0,118.0 38.0,88.5 ")
    assert (curve.x, curve.y) == ("228.0", "78.7")
    assert curve.label == "每日累计完成率：12 月 1 日开始，12 月 12 日 33.3%，目标 100%，12 月 20 日截止"


@sqlite_only
def test_there_is_no_curve_before_the_start_or_without_people(room: Room) -> None:
    assert coverage(room, at=make.OPENS - timedelta(minutes=1)).curve is None
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=0, set_by="cli", set_at=make.OPENS))
    assert coverage(room).curve is None


@sqlite_only
def test_after_the_end_the_curve_asks_for_no_pace(room: Room) -> None:
    room.sit(1, RIGHT, RIGHT, RIGHT)
    curve = coverage(room, at=make.CLOSES + timedelta(days=30)).curve
    assert curve is not None
    assert (curve.pace, curve.today_on, curve.x, len(curve.days)) == (0, None, "380.0", 20)


@sqlite_only
def test_a_surplus_never_draws_above_the_target(app: Flask, at: Any) -> None:
    room = a_room(pupils=2)
    make.saved(Headcount(unit_id=room.unit.id, term=make.TERM, expected=1, set_by="cli", set_at=make.OPENS))
    for seat in (1, 2):
        room.sit(seat, RIGHT, RIGHT, RIGHT)
    curve = coverage(room).curve
    assert curve is not None
    assert (curve.y, curve.days[-1].so_far.text) == ("0.0", "200.0%")


@sqlite_only
@pytest.mark.parametrize(
    ("at", "said"),
    [
        (make.OPENS - timedelta(seconds=1), "未开始"),
        (datetime(2026, 12, 12, 15, 59, tzinfo=UTC), "8 天"),
        (datetime(2026, 12, 12, 16, 0, tzinfo=UTC), "7 天"),
        (make.CLOSES - timedelta(hours=3), "3 小时"),
        (make.CLOSES - timedelta(minutes=30), "不到 1 小时"),
        (make.CLOSES, "已截止"),
    ],
)
def test_days_left_are_told_in_local_days(room: Room, at: datetime, said: str) -> None:
    assert queries.days_left(room.row, at) == said


# lists


def test_my_classes_lists_only_mine_with_their_gap(room: Room) -> None:
    make.a_class(room.school, pupils=5, code="704", name="七年级（4）班")
    room.sit(1, RIGHT, RIGHT, RIGHT)
    rows = queries.my_classes([room.unit.path], NOON)
    assert [(row.unit.name, row.tally.done, row.tally.expected, row.missing, row.state) for row in rows] == [
        ("七年级（3）班", 1, 12, 11, "open")
    ]


def test_my_classes_come_in_their_own_order(room: Room) -> None:
    for position, code in ((10, "c10"), (2, "c2")):
        unit = make.a_class(room.school, pupils=1, code=code, name=f"{position} 班")
        unit.position = position
        db.session.commit()
    assert [row.unit.code for row in queries.my_classes([room.school.path], NOON)] == ["703", "c2", "c10"]


def test_rounds_of_earlier_terms_are_listed_on_request(room: Room) -> None:
    later = datetime(2027, 3, 1, tzinfo=UTC)
    assert queries.my_classes([room.unit.path], later) == []
    assert [row.state for row in queries.my_classes([room.unit.path], later, earlier=True)] == ["closed"]


@pytest.mark.parametrize("classes", [1, 30])
def test_my_classes_take_the_same_statements_for_any_number(room: Room, watch: Watch, classes: int) -> None:
    mine = [make.a_class(room.school, pupils=1, code=f"c{number}") for number in range(classes)]
    paths = [unit.path for unit in mine]
    db.session.rollback()
    with watch.counting() as seen:
        rows = queries.my_classes(paths, NOON)
    assert (len(rows), len(seen)) == (classes, 6)


def test_my_rounds_lead_to_my_units_only(room: Room) -> None:
    elsewhere = make.a_unit("hb", "湖滨县", "county")
    other = make.a_round(elsewhere, paper=room.paper)
    found = queries.my_rounds([room.school.path, elsewhere.path])
    assert {(round_.id, tuple(unit.name for unit in units)) for round_, units in found} == {
        (room.round.id, ("阳光县实验中学",)),
        (other.id, ("湖滨县",)),
    }


# the tag of the live part


def test_tag_changes_with_everything_the_board_shows(room: Room) -> None:
    def tag(at: datetime = NOON, *shown: bool) -> str:
        return queries.live_tag(room.row, room.unit.id, at, *shown)

    seen = [tag()]
    assert tag(NOON + timedelta(minutes=5)) == seen[0]
    started = room.begin(1, answered=1)
    seen.append(tag())
    started.saved_at = NOON
    db.session.commit()
    seen.append(tag())
    started.submitted_at, started.score, started.correct = NOON, 10, [True, False, False]
    db.session.commit()
    seen.append(tag())
    started.voided_at = NOON
    db.session.commit()
    seen.append(tag())
    excuse(room, 3)
    seen.append(tag())
    make.saved(
        Headcount(unit_id=room.unit.id, term=make.TERM, expected=9, set_by="cli", set_at=make.LONG_AGO)
    )
    seen.append(tag())
    room.link.closes_at = make.CLOSES + timedelta(days=1)
    db.session.commit()
    seen += [tag(), tag(NOON, True), tag(NOON + timedelta(days=1)), tag(make.CLOSES + timedelta(days=2))]
    assert len(set(seen)) == len(seen)


def test_tag_does_not_follow_other_classes(room: Room) -> None:
    other = make.a_class(room.school, pupils=2, code="704")
    before = queries.live_tag(room.row, room.unit.id, NOON)
    room.sit(1, RIGHT, unit=other)
    assert queries.live_tag(room.row, room.unit.id, NOON) == before
