"""A county with two schools and the people who run its campaigns."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from quizsvc.campaign.models import Campaign
from quizsvc.paper.models import Paper
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk


@dataclass
class County:
    """阳光县: 实验中学 with 七年级 (701, 702), 一中 with 801; another county beside it."""

    unit: Unit
    school: Unit
    grade: Unit
    class_1: Unit
    class_2: Unit
    other_school: Unit
    other_class: Unit
    elsewhere: Unit
    campaign: Campaign
    paper: Paper


@pytest.fixture
def county(app: Flask, at: Any) -> County:
    unit = make.a_county()
    school = make.a_school(unit)
    grade = make.a_unit("g7", "七年级", "grade", school)
    other = make.a_school(unit, "yz", "阳光县第一中学")
    return County(
        unit=unit,
        school=school,
        grade=grade,
        class_1=make.a_class(grade, 45, "701", "七年级（1）班"),
        class_2=make.a_class(grade, 40, "702", "七年级（2）班"),
        other_school=other,
        other_class=make.a_class(other, 30, "801", "八年级（1）班"),
        elsewhere=make.a_unit("hb", "湖滨县", "county"),
        campaign=make.a_campaign(unit, code="autumn"),
        paper=make.a_paper(items=5, drawn=3),
    )


@pytest.fixture
def bureau(app: Flask, county: County) -> Desk:
    return Desk(app, "bureau", ("organizer", county.unit))


def a_picture(
    width: int = 300, height: int = 300, form: str = "PNG", colour: str = "black", **info: Any
) -> bytes:
    """A picture with a black square in the middle of white."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(colour, (width // 4, height // 4, width // 2, height // 2))
    body = BytesIO()
    image.save(body, form, **info)
    return body.getvalue()
