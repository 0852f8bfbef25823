"""Two rounds of one campaign held against each other, and the page that shows it."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from quizsvc.attempt.models import Participant
from quizsvc.campaign import queries as campaign
from quizsvc.campaign.models import Campaign
from quizsvc.core.change import Incomparable, Pairs
from quizsvc.core.indicators import Rate
from quizsvc.db import db
from quizsvc.report import queries
from quizsvc.report.queries import RateChange, TopicChange
from quizsvc.rollup import queries as rollup
from quizsvc.roster.models import Exemption
from tests import make
from tests.desk import Desk, text_of
from tests.report.conftest import RIGHT, WRONG, Room, a_room
from tests.support import Watch

ALL, NONE = (RIGHT, RIGHT, RIGHT), (WRONG, WRONG, WRONG)


def a_later_round(room: Room, unit: Any = None, **changes: Any) -> Room:
    """The same class in a second round of the same campaign and paper."""
    round_ = make.a_round(
        unit or room.county,
        paper=changes.pop("paper", room.paper),
        campaign=changes.pop("campaign", None) or db.session.get(Campaign, room.round.campaign_id),
        **{"title": "学完再测", "opens_at": make.OPENS + timedelta(days=2), **changes},
    )
    link = make.a_link(round_, room.unit, code=f"R{round_.id:06}")
    return Room(room.county, room.school, room.unit, room.paper, round_, link)


def compare(
    before: Room, after: Room, unit: Any = None, *, inside: bool = True, items: bool = True
) -> queries.Comparison:
    rows = before.row, after.row
    around = [rollup.surroundings(row.id, (unit or before.unit).id) for row in rows]
    return queries.comparison(*rows, (around[0], around[1]), inside=inside, items=items)


def page_of(room: Room, unit: Any = None, tail: str = "") -> str:
    return f"/staff/rounds/{room.round.id}/change/{(unit or room.unit).id}{tail}"


def taught(room: Room, later: Room) -> None:
    """Of twelve: 1–6 right in both, 7–9 turn up, 10 turns down, 11 only before, 12 only after."""
    for seat in range(1, 12):
        room.sit(seat, *(ALL if seat <= 6 or seat == 10 else NONE))
    for seat in (*range(1, 11), 12):
        later.sit(seat, *(NONE if seat == 10 else ALL))


def test_rates_pairs_and_topics_of_both_rounds(room: Room) -> None:
    later = a_later_round(room)
    taught(room, later)
    shown = compare(room, later)
    assert shown.rates == (
        RateChange("完成率", Rate(11, 12), Rate(11, 12), "没有变化"),
        RateChange("首测知晓率", Rate(7, 12), Rate(10, 12), "升 25.0 个百分点"),
        RateChange("知晓率", Rate(7, 12), Rate(10, 12), "升 25.0 个百分点"),
        RateChange("达标率", Rate(7, 11), Rate(10, 11), "升 27.2 个百分点"),
    )
    assert (shown.pairs, shown.turned) == (Pairs(10, 1, 1, down=1, up=3), True)
    assert shown.topics == (TopicChange("刷单返利", Rate(21, 33), Rate(30, 33), "升 27.2 个百分点"),)


def test_outside_small_counts_of_those_who_turned_are_hidden(room: Room) -> None:
    later = a_later_round(room)
    taught(room, later)
    shown = compare(room, later, inside=False, items=False)
    assert (shown.turned, shown.small, shown.topics) == (False, False, ())


def test_a_unit_of_four_tells_outsiders_its_coverage_alone(app: Flask, at: Any) -> None:
    room = a_room(pupils=4)
    later = a_later_round(room)
    for seat in (1, 2):
        later.sit(seat, *ALL)
    shown = compare(room, later, inside=False)
    assert shown.rates == (RateChange("完成率", Rate(0, 4), Rate(2, 4), "升 50.0 个百分点"),)
    assert (shown.small, shown.turned, shown.topics) == (True, False, ())
    assert len(compare(room, later, inside=True).rates) == 4


def test_only_first_valid_attempts_are_matched(room: Room) -> None:
    later = a_later_round(room)
    room.sit(1, *NONE)
    room.sit(1, *ALL, ordinal=2)
    room.sit(2, *NONE, voided_at=make.OPENS)
    room.sit(2, *ALL, ordinal=2)
    for seat in (1, 2, 3):
        later.sit(seat, *ALL)
    room.begin(3, answered=2)
    assert compare(room, later).pairs == Pairs(2, 0, 1, down=0, up=1)


def test_each_round_is_held_to_its_own_threshold(room: Room) -> None:
    later = a_later_round(room, threshold_permyriad=6000)
    for one in (room, later):
        one.sit(1, RIGHT, RIGHT, WRONG)
    shown = compare(room, later)
    assert shown.pairs == Pairs(1, 0, 0, down=0, up=1)
    assert shown.caveats[1].startswith("两场的达标线不同（80% 和 60%）")


def test_the_excused_and_other_units_are_left_out(room: Room) -> None:
    later = a_later_round(room)
    other = make.a_class(room.school, pupils=2, code="704", name="七年级（4）班")
    for one in (room, later):
        one.sit(1, *ALL)
        one.sit(1, *ALL, unit=other)
    head = one_head(room, seat=1)
    assert compare(room, later, unit=room.school).pairs.both == 2
    assert compare(room, later, unit=room.school).caveats[0].startswith("两场从同样的题库里")
    make.saved(Exemption(enrolment_id=head, reason="住院", approved_by="cli", approved_at=make.LONG_AGO))
    assert compare(room, later).pairs == Pairs(0, 0, 0, 0, 0)
    assert compare(room, later, unit=room.school).pairs.both == 1


def one_head(room: Room, seat: int) -> int:
    found = db.session.query(Participant).filter_by(round_id=room.round.id, unit_id=room.unit.id).first()
    assert found is not None
    assert found.enrolment_id is not None
    return found.enrolment_id


def test_heads_whose_seats_are_erased_are_counted_apart(room: Room) -> None:
    later = a_later_round(room)
    for one in (room, later):
        one.sit(1, *ALL)
        one.sit(2, *ALL)
    found = db.session.query(Participant).filter_by(round_id=room.round.id).all()
    for participant in found:
        participant.enrolment_id = None
    db.session.commit()
    assert compare(room, later).pairs == Pairs(0, 0, 2, 0, 0, unknown=2)


def test_a_round_that_more_classes_took_part_in_is_told(room: Room) -> None:
    make.a_class(room.school, pupils=2, code="704", name="七年级（4）班")
    first = a_later_round(room, unit=room.unit, opens_at=make.OPENS - timedelta(days=9))
    shown = compare(first, room, unit=room.school)
    assert shown.caveats[0].startswith("两场参加的单位不同：学前 1 个，学后 2 个，其中 1 个两场都有。")


def test_a_topic_of_fewer_than_ten_answers_tells_nothing(room: Room) -> None:
    later = a_later_round(room)
    room.sit(1, *ALL)
    for seat in range(1, 5):
        later.sit(seat, *ALL)
    assert compare(room, later).topics == (TopicChange("刷单返利", None, Rate(12, 12), "—"),)


def test_topics_of_very_many_heads_are_left_to_smaller_units(room: Room, monkeypatch: Any) -> None:
    later = a_later_round(room)
    taught(room, later)
    monkeypatch.setattr(queries, "MOST_TOPIC_HEADS", 21)
    shown = compare(room, later)
    assert (shown.topics, shown.crowded, shown.pairs.both) == ((), True, 10)
    monkeypatch.setattr(queries, "MOST_TOPIC_HEADS", 22)
    shown = compare(room, later)
    assert (len(shown.topics), shown.crowded) == (1, False)
    assert not compare(room, later, items=False).crowded


def another_bank(room: Room) -> Any:
    paper = make.a_paper(pool=[make.an_item(f"other-{number}") for number in range(3)])
    items = [{**entry, "bank": "primary"} for entry in paper.content["items"]]
    paper.content = {**paper.content, "items": items}
    db.session.commit()
    return paper


def test_rounds_of_other_banks_are_refused(room: Room) -> None:
    later = a_later_round(room, paper=another_bank(room))
    assert not queries.comparable(room.row, later.row)
    with pytest.raises(Incomparable):
        compare(room, later)


def test_only_earlier_tests_of_the_campaign_that_touch_the_unit_are_offered(room: Room) -> None:
    later = a_later_round(room)
    county_two = make.a_unit("xh", "新河县", "county")
    campaign_ = db.session.get(Campaign, room.round.campaign_id)
    a_later_round(room, unit=county_two)  # not opened to the class
    a_later_round(room, kind="contest")
    a_later_round(room, opens_at=make.OPENS + timedelta(days=5))
    a_later_round(room, campaign=make.a_campaign(room.county), opens_at=make.OPENS)
    mine = make.a_round(
        room.unit, paper=room.paper, campaign=campaign_, opens_at=make.OPENS - timedelta(days=1)
    )
    row, path = later.row, room.unit.path
    assert [one.id for one in queries.earlier_tests(row, path)] == [room.round.id, mine.id]
    assert [one.id for one in queries.earlier_tests(row, room.school.path)] == [room.round.id, mine.id]
    assert queries.earlier_tests(campaign.round_of(mine.id), path) == []


def test_the_page_tells_both_rounds_and_what_may_be_made_of_them(room: Room, teacher: Desk) -> None:
    later = a_later_round(room)
    taught(room, later)
    teacher.get(page_of(later))  # the paper is read once a process
    with app_watch(teacher).counting() as seen:
        page = teacher.page(page_of(later))
    text = text_of(page)
    assert "学前：反诈测试（12 月 1 日起）；学后：学完再测（12 月 3 日起）" in text
    assert "首测知晓率 58.3% 7/12 83.3% 10/12 升 25.0 个百分点" in text
    assert "两场都做了的 10 人，只做了学前的 1 人，只做了学后的 1 人。" in text
    assert "原来没达标、后来达标的 3 人；原来达标、后来没达标的 1 人" in text
    assert "刷单返利 63.6% 21/33 90.9% 30/33 升 27.2 个百分点" in text
    assert "两场从同样的题库里，按同样的规则重新抽题。" in text
    assert "<select" not in page
    assert len(seen) == 16


def app_watch(desk: Desk) -> Watch:
    watch: Watch = desk.browser.application.extensions["watch"]
    return watch


def test_the_page_offers_the_rounds_and_refuses_all_others(room: Room, bureau: Desk, monitor: Desk) -> None:
    later = a_later_round(room)
    first = a_later_round(room, opens_at=make.OPENS - timedelta(days=9), title="摸底")
    elsewhere = a_later_round(room, paper=another_bank(room), opens_at=make.OPENS, title="小学题")
    text = text_of(bureau.page(page_of(later, room.county)))
    assert "和哪一场比" in text
    assert "小学题" not in text
    assert "学前：反诈测试" in text
    assert "学前：摸底" in text_of(bureau.page(page_of(later, room.county, f"?before={first.round.id}")))
    assert bureau.get(page_of(later, room.county, f"?before={elsewhere.round.id}")).status_code == 409
    for wrong in (later.round.id, 999_999, "x", ""):
        assert bureau.get(page_of(later, room.county, f"?before={wrong}")).status_code == 404
    assert "还没有可以比的场次" in text_of(bureau.page(page_of(first, room.county)))
    assert "每个主题" not in text_of(monitor.page(page_of(later)))
    assert "学前学后对照" in bureau.page(later.coverage(room.county))
    assert "学前学后对照" in bureau.page(later.page("/items"))
