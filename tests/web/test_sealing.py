"""Seals of previews: ours alone, for one purpose, for an hour."""

from datetime import timedelta

import pytest
from flask import Flask

from quizsvc.web import sealing
from tests.conftest import NOON

VALUE = [7, "名单", [["李明", 1], None]]


def test_seal_gives_back_what_was_sealed_for_an_hour(app: Flask) -> None:
    seal = sealing.sealed(VALUE, purpose="roster", at=NOON)

    assert sealing.opened(seal, purpose="roster", at=NOON + timedelta(seconds=3600)) == VALUE
    with pytest.raises(sealing.Broken):
        sealing.opened(seal, purpose="roster", at=NOON + timedelta(seconds=3601))


def test_seal_of_another_purpose_or_hand_is_broken(app: Flask) -> None:
    seal = sealing.sealed(VALUE, purpose="roster", at=NOON)

    for text, purpose in ((seal, "bank"), (seal[:-2] + "xx", "roster"), ("", "roster"), ("{}", "roster")):
        with pytest.raises(sealing.Broken):
            sealing.opened(text, purpose=purpose, at=NOON)


def test_long_seal_is_compressed(app: Flask) -> None:
    rows = [[f"题 {number}", "同样的文字" * 20] for number in range(500)]

    assert len(sealing.sealed(rows, purpose="bank", at=NOON)) < 20_000
