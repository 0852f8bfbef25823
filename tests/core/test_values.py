"""What every module of the core has in common."""

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest

from quizsvc import core
from quizsvc.core.marking import Marks

MODULES = {
    module.name: importlib.import_module(f"quizsvc.core.{module.name}")
    for module in pkgutil.iter_modules(core.__path__)
}
VALUES = [
    value
    for module in MODULES.values()
    for value in vars(module).values()
    if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__qualname__)
def test_values_are_frozen_and_have_no_room_for_more(value: type):
    assert value.__dataclass_params__.frozen
    assert set(value.__slots__) == {field.name for field in fields(value)}


def test_a_value_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Marks(1, 2, ()).score = 2


def test_the_reading_order_names_every_module_once():
    lines = [line.split() for line in core.__doc__.splitlines()]
    named = [words[1] for words in lines if len(words) > 2 and words[0].rstrip(".").isdigit()]

    assert sorted(named) == sorted(MODULES)
