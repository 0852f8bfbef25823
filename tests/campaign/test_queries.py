"""Reads of campaigns and rounds: who is found, in what order, in how many statements."""

from datetime import timedelta

import pytest

from quizsvc.campaign import queries
from quizsvc.core.window import Window
from quizsvc.db import db
from tests import make
from tests.campaign.conftest import County
from tests.support import Watch


def test_round_row_carries_what_its_campaign_says(county: County) -> None:
    made = make.a_round(county.school, county.paper, county.campaign, code="one", limit_s=600)

    row = queries.round_of(made.id)
    assert row == queries.round_by_code("one")
    assert (row.campaign_id, row.campaign_name) == (county.campaign.id, "2026 秋季反诈测试")
    assert (row.campaign_unit_id, row.campaign_unit_path) == (county.unit.id, "yg/")
    assert (row.term, row.hotline, row.organisers) == (make.TERM, "96110", ("阳光县教育局", "阳光县公安局"))
    assert row.window() == Window(make.OPENS, make.CLOSES)
    assert (row.limit_s, row.watermark, row.revealed_by_closing()) == (600, "", ())


def test_round_of_a_test_campaign_is_watermarked(county: County) -> None:
    trial = make.a_campaign(county.unit, is_test=True)
    made = make.a_round(county.school, county.paper, trial)
    assert queries.round_of(made.id).watermark == "测试·不计入"


def test_unknown_rounds_and_campaigns_are_refused_as_404(county: County) -> None:
    for read in (
        lambda: queries.round_of(9),
        lambda: queries.round_by_code("no"),
        lambda: queries.campaign_of(9),
        lambda: queries.campaign_by_code("no"),
    ):
        with pytest.raises((queries.UnknownRound, queries.UnknownCampaign)) as refused:
            read()
        assert refused.value.status == 404


def test_rounds_over_finds_rounds_above_and_below_newest_first(county: County, watch: Watch) -> None:
    of_grade = make.a_round(county.grade, county.paper, county.campaign, code="grade")
    of_county = make.a_round(
        county.unit, county.paper, county.campaign, code="county", opens_at=make.OPENS + timedelta(days=1)
    )
    of_other = make.a_round(county.other_school, county.paper, county.campaign, code="other")
    make.saved(make.RoundUnit(round_id=of_grade.id, unit_id=county.other_class.id))

    def codes(*paths: str) -> list[str]:
        db.session.rollback()
        with watch.counting() as seen:
            found = [row.code for row in queries.rounds_over(paths)]
        assert len(seen) == 1, seen
        return found

    assert codes("yg/sy/g7/701/") == ["county", "grade"]
    assert codes("yg/sy/") == ["county", "grade"]
    assert codes("yg/yz/") == ["county", "other", "grade"]
    assert codes("yg/") == ["county", "other", "grade"]
    assert codes("yg/s/") == ["county"]
    assert codes("yg/sy/", "yg/yz/") == ["county", "other", "grade"]
    assert codes("hb/") == []
    assert codes() == []
    assert codes("") == ["county", "other", "grade"]
    assert [of_county.id, of_other.id, of_grade.id] == [row.id for row in queries.rounds_over([""])]


def test_round_units_are_listed_by_path(county: County) -> None:
    made = make.a_round(county.school, county.paper, county.campaign)
    make.saved(make.RoundUnit(round_id=made.id, unit_id=county.other_class.id))
    assert queries.round_paths(made.id) == ("yg/sy/", "yg/yz/801/")
    assert queries.round_units(made.id) == [
        (county.school.id, "yg/sy/", "阳光县实验中学"),
        (county.other_class.id, "yg/yz/801/", "八年级（1）班"),
    ]


def test_campaigns_belong_to_the_subtrees_one_manages(county: County) -> None:
    narrow = make.a_campaign(county.school, code="narrow", created_at=make.LONG_AGO + timedelta(days=1))
    make.a_round(county.school, county.paper, narrow)

    def codes(*paths: str) -> list[str]:
        return [row.code for row in queries.campaigns(paths)]

    assert codes("yg/") == codes("") == ["narrow", "autumn"]
    assert codes("yg/sy/") == ["narrow"]
    assert codes("yg/sy/g7/") == codes("hb/") == codes() == []
    assert [(row.rounds, row.accounts) for row in queries.campaigns(["yg/"])] == [(1, 0), (0, 0)]
    assert [row.code for row in queries.rounds_of(narrow.id)] == [
        row.code for row in queries.rounds_over(["yg/sy/"])
    ]
