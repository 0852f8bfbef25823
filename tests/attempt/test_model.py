"""The operations of an attempt against the toy of model.py; `make drill` plays longer, and with planted faults."""

from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.attempt.model import machine

FEW = settings(
    max_examples=15, stateful_step_count=30, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_operations_do_what_the_toy_does(app: Flask, at: Any) -> None:
    run_state_machine_as_test(machine(at), settings=FEW)
