"""What the demo brings of its own: its texts leave no blank, and what its parents say is taken."""

import pytest

from quizsvc import demo
from quizsvc.core import questionnaire, readinglevel
from quizsvc.core.blanks import blanks
from quizsvc.core.questionnaire import Questionnaire


@pytest.mark.parametrize(
    "template", ["risk_notice", "staff_pledge", "tools_in_use", "village_app_coverage", "parents_opinion"]
)
def test_texts_of_the_demo_have_no_blank_left(template: str) -> None:
    assert blanks(readinglevel.words(demo.filled_in(template))) == ()


def test_opinions_of_the_demo_are_taken() -> None:
    asked = demo.filled_in("parents_opinion")
    assert isinstance(asked, Questionnaire)

    read = [questionnaire.read_answers(asked, demo.opinion(luck)) for luck in range(420)]

    assert [reading.faults for reading in read if reading.faults] == []
    assert {len(reading.met) for reading in read} == {6, 8, 9}
