"""A contest of the county whose rules are still to be announced, and its organizer."""

from typing import Any

import pytest
from flask import Flask

from quizsvc.campaign.models import Round
from quizsvc.roster.models import Unit
from tests import make
from tests.desk import Desk


@pytest.fixture
def county(app: Flask, at: Any) -> Unit:
    return make.a_county()


@pytest.fixture
def contest(county: Unit) -> Round:
    """It opens on 1 December; the clock stands at the 12th unless a test sets it."""
    return make.a_contest(county, paper=make.a_paper(), published=False, code="quiz-2026").round


@pytest.fixture
def bureau(app: Flask, county: Unit) -> Desk:
    return Desk(app, "bureau", ("organizer", county))
