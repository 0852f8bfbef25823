"""A county with two schools of one class each, a test and receipts in one campaign, and who writes about them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign.models import Campaign, Round
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk


@dataclass(frozen=True, slots=True)
class Drive:
    """What is reported about; eight of ten in the first class are through, nobody in the second."""

    county: Unit
    schools: tuple[Unit, Unit]
    classes: tuple[Unit, Unit]
    campaign: Campaign
    test: Round
    receipts: Round


@pytest.fixture
def drive(app: Flask, at: Any) -> Drive:
    county = make.a_county()
    schools = make.a_school(county), make.a_school(county, "ez", "第二小学")
    classes = make.a_class(schools[0], 10), make.a_class(schools[1], 6, "301", "三年级（1）班")
    campaign = make.a_campaign(county)
    test = make.a_round(county, campaign=campaign, title="反诈知识测试")
    receipts = make.a_sheet_round(county, campaign=campaign)
    make.a_link(test, classes[0])
    for seat in range(1, 9):
        make.an_attempt(test, classes[0], seat, score=30 if seat < 7 else 10)
    make.a_declaration(receipts, classes[1], 1)
    return Drive(county, schools, classes, campaign, test, receipts)


@pytest.fixture
def staff(app: Flask, drive: Drive) -> Callable[..., Desk]:
    """A desk of somebody with a role over a unit."""
    return lambda role, unit: Desk(app, f"{role}-{unit.code}", (role, unit))


@pytest.fixture
def bureau(staff: Callable[..., Desk], drive: Drive) -> Desk:
    return staff("organizer", drive.county)
