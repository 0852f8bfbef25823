"""A school with two classes and a running round, and the people around it."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign.models import OfficialAccount, Round
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk


@dataclass
class Town:
    """阳光县实验中学 with 七年级 (701, 702) and 一中 with 801; one round over the county, two accounts."""

    county: Unit
    school: Unit
    grade: Unit
    class_1: Unit
    class_2: Unit
    other_school: Unit
    other_class: Unit
    round: Round
    paper: Paper


@pytest.fixture
def town(app: Flask, at: Any) -> Town:
    county = make.a_county()
    school = make.a_school(county)
    grade = make.a_unit("g7", "七年级", "grade", school)
    other_school = make.a_school(county, "yz", "阳光县第一中学")
    campaign = make.a_campaign(county, code="autumn")
    for position, name in ((1, "终结诈骗"), (2, "阳光反诈先锋")):
        image = make.a_code(f"https://example.com/{position}", pixels=200)
        make.saved(OfficialAccount(campaign_id=campaign.id, position=position, name=name, image=image))
    paper = make.a_paper(items=12, drawn=10)
    return Town(
        county=county,
        school=school,
        grade=grade,
        class_1=make.a_class(grade, 45, "701", "七年级（1）班"),
        class_2=make.a_class(grade, 40, "702", "七年级（2）班"),
        other_school=other_school,
        other_class=make.a_class(other_school, 30, "801", "八年级（1）班"),
        round=make.a_round(county, paper, campaign, code="autumn-1"),
        paper=paper,
    )


@pytest.fixture
def admin(app: Flask, town: Town) -> Desk:
    """The school's administrator."""
    return Desk(app, "he", ("school_admin", town.school))


@pytest.fixture
def teacher(app: Flask, town: Town) -> Desk:
    """The class teacher of 701."""
    return Desk(app, "lin", ("class_teacher", town.class_1))
