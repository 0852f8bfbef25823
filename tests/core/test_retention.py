"""When things about people go, and until when a request is answered."""

from datetime import UTC, date, datetime, timedelta

import pytest

from quizsvc.core import retention
from quizsvc.core.term import MistypedTerm

ERASE_ON = date(2027, 2, 1)
NOON = datetime(2026, 12, 12, 4, tzinfo=UTC)


def test_answers_outlast_the_way_to_the_seat_by_150_days() -> None:
    assert retention.answers_go_on(ERASE_ON) == date(2027, 7, 1)


def test_names_go_with_the_last_campaign_that_covers_the_class() -> None:
    assert retention.names_go_on([ERASE_ON, date(2027, 3, 1)], "2026-2027-1") == date(2027, 3, 1)


@pytest.mark.parametrize(
    ("term", "on"), [("2026-2027-1", date(2027, 7, 30)), ("2026-2027-2", date(2028, 1, 27))]
)
def test_names_that_no_campaign_used_go_180_days_after_the_term(term: str, on: date) -> None:
    assert retention.names_go_on([], term) == on


def test_term_that_is_none_is_refused() -> None:
    with pytest.raises(MistypedTerm):
        retention.names_go_on([], "2026")


@pytest.mark.parametrize(
    ("rule", "days"),
    [(retention.invitations_go, 30), (retention.accounts_go, 180), (retention.requests_go, 30)],
)
def test_what_is_over_stays_so_many_days(rule: object, days: int) -> None:
    assert rule(NOON) == NOON - timedelta(days=days)


@pytest.mark.parametrize("asked_on", [date(2026, 12, day) for day in range(7, 14)])
def test_answer_is_due_on_the_fifteenth_working_day(asked_on: date) -> None:
    due = retention.answer_due_on(asked_on)
    between = [asked_on + timedelta(days=number) for number in range(1, (due - asked_on).days + 1)]

    assert sum(day.weekday() < 5 for day in between) == 15
    assert due.weekday() < 5


def test_rule_that_clears_nothing_says_why() -> None:
    rule = retention.stays("because")

    assert (rule.stays, rule.then) == (True, "because")
    assert not retention.LINKS.stays
