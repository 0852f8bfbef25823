"""R24 in small: changes of every sort are found, verify.py agrees. `make drill` asks a browser too, and more often."""

from quizsvc.core import draw
from tests.drills import draws


def test_every_change_of_a_bundle_is_found() -> None:
    assert draws.missed(400, draws.ours) == 0


def test_a_program_that_does_not_look_at_the_list_misses_some() -> None:
    assert draws.missed(400, draws.heedless) > 0


def test_the_program_for_everybody_agrees_with_ours(tmp_path) -> None:
    program, bundles = draws.standalone(), draws.draws(60)

    said = [draws.standalone_says(program, tmp_path, files) for files in bundles]
    assert said == [not draw.problems(files) for files in bundles]
    assert said == [index % 3 != 2 for index in range(60)]
