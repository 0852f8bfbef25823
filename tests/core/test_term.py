"""Semesters of days."""

from datetime import date, timedelta

import pytest

from quizsvc.core.term import MistypedTerm, term_label, term_of


@pytest.mark.parametrize(
    ("day", "term"),
    [
        (date(2026, 7, 31), "2025-2026-2"),
        (date(2026, 8, 1), "2026-2027-1"),
        (date(2026, 12, 31), "2026-2027-1"),
        (date(2027, 1, 1), "2026-2027-1"),
        (date(2027, 1, 31), "2026-2027-1"),
        (date(2027, 2, 1), "2026-2027-2"),
        (date(2028, 2, 29), "2027-2028-2"),
        (date(2027, 7, 31), "2026-2027-2"),
    ],
)
def test_term_of_changes_on_the_first_of_august_and_of_february(day: date, term: str):
    assert term_of(day) == term


def test_term_of_every_day_of_four_years_grows_and_has_a_label():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(4 * 365)]

    terms = [term_of(day) for day in days]

    assert terms == sorted(terms)
    assert len({term_label(term) for term in terms}) == len(set(terms)) == 9


@pytest.mark.parametrize(
    ("term", "label"), [("2026-2027-1", "2026 年秋季学期"), ("2026-2027-2", "2027 年春季学期")]
)
def test_term_label_names_the_calendar_year(term: str, label: str):
    assert term_label(term) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-2027",
        "2026-2027-3",
        "2026-2028-1",
        "2027-2026-1",
        "2026-2027-1\n",
        "２０２６-2027-1",
    ],
)
def test_term_label_of_another_text_is_refused(text: str):
    with pytest.raises(MistypedTerm) as refusal:
        term_label(text)

    assert refusal.value.status == 400
