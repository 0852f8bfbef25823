"""One-time codes against the tables of their RFCs; the window, the one use, what people type."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quizsvc.core import onetime
from quizsvc.core.linkcode import ALPHABET

SECRET = b"12345678901234567890"
AT = datetime(2026, 12, 12, 4, 0, 12, tzinfo=UTC)
NOW = int(AT.timestamp()) // 30

RFC_4226_D = (
    "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
)  # fmt: skip
RFC_6238_B = {
    59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924",
    2000000000: "69279037", 20000000000: "65353130",
}  # fmt: skip


@pytest.mark.parametrize(("counter", "code"), list(enumerate(RFC_4226_D)))
def test_codes_of_a_counter_are_those_of_rfc_4226(counter: int, code: str) -> None:
    assert onetime.code_of(SECRET, counter) == code


@pytest.mark.parametrize(("moment_s", "code"), list(RFC_6238_B.items()))
def test_codes_of_a_moment_are_those_of_rfc_6238(moment_s: int, code: str) -> None:
    step = onetime.step_at(datetime.fromtimestamp(moment_s, UTC))

    assert onetime.code_of(SECRET, step, digits=8) == code
    assert onetime.code_of(SECRET, step) == code[-6:]


@pytest.mark.parametrize(("away", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clock_may_differ_by_one_step(away: int, fits: bool) -> None:
    step = onetime.fitting_step(SECRET, onetime.code_of(SECRET, NOW + away), AT, None)

    assert step == (NOW + away if fits else None)


@pytest.mark.parametrize(
    ("used", "away", "fits"),
    [
        (-1, -1, False),
        (-1, 0, True),
        (0, -1, False),
        (0, 0, False),
        (0, 1, True),
        (1, 1, False),
        (5, 1, False),
    ],
)
def test_code_fits_once_and_never_after_a_later_one(used: int, away: int, fits: bool) -> None:
    code = onetime.code_of(SECRET, NOW + away)

    assert (onetime.fitting_step(SECRET, code, AT, NOW + used) is not None) is fits


def test_code_from_the_first_minute_of_all_time_fits() -> None:
    first = datetime.fromtimestamp(0, UTC)

    assert onetime.fitting_step(SECRET, RFC_4226_D[0], first, None) == 0
    assert onetime.fitting_step(SECRET, RFC_4226_D[1], first, None) == 1


@pytest.mark.parametrize("code", ["", "28708", "2870821", "０８７０８２", "abc", "七"])
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert onetime.fitting_step(SECRET, code, AT, None) is None


def test_code_of_another_secret_does_not_fit() -> None:
    assert onetime.fitting_step(SECRET[::-1], onetime.code_of(SECRET, NOW), AT, None) is None


@given(st.binary(min_size=20, max_size=20), st.integers(0, 2**40), st.integers(6, 9))
def test_every_code_has_its_digits(secret: bytes, counter: int, digits: int) -> None:
    code = onetime.code_of(secret, counter, digits)

    assert (len(code), code.isdecimal()) == (digits, True)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("287 082", "287082"),
        ("２８７０８２", "287082"),
        ("28-70-82\n", "287082"),
        ("o7k3 Il", "07K311"),
        ("9" * 65, ""),
    ],
)
def test_typed_code_is_read_kindly(typed: str, code: str) -> None:
    assert onetime.as_typed(typed) == code


@given(st.integers(0, 2**70))
def test_recovery_code_survives_being_written_small_and_grouped(number: int) -> None:
    code = onetime.recovery_code(number)

    assert onetime.is_recovery_code(code)
    assert set(code) <= set(ALPHABET)
    assert onetime.as_typed(onetime.in_fours(code).lower()) == code
    assert code == onetime.recovery_code(number % 2**onetime.RECOVERY_BITS)


def test_app_code_is_no_recovery_code() -> None:
    assert not onetime.is_recovery_code("287082")


def test_address_for_the_app_names_account_and_service() -> None:
    address = onetime.app_address(SECRET, "li n@x", "反诈 知晓")

    assert address == (
        "otpauth://totp/%E5%8F%8D%E8%AF%88%20%E7%9F%A5%E6%99%93:li%20n%40x"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=%E5%8F%8D%E8%AF%88%20%E7%9F%A5%E6%99%93"
        "&algorithm=SHA1&digits=6&period=30"
    )


def test_steps_change_every_thirty_seconds() -> None:
    start = AT.replace(second=0)

    assert [onetime.step_at(start + timedelta(seconds=s)) - onetime.step_at(start) for s in (0, 29, 30, 60)] == [
        0, 0, 1, 2,
    ]  # fmt: skip
