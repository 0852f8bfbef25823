"""Fixtures of the tests that walk the URL map."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.world import Ledger, World, build, nothing_is_kept


@pytest.fixture
def world(app: Flask, at: Any) -> World:
    """Two counties and all the people."""
    return build(app)


@pytest.fixture
def ledger(app: Flask, world: World) -> Iterator[Ledger]:
    """Requests keep nothing; what they would have kept is noted."""
    with nothing_is_kept(app) as noted:
        yield noted
