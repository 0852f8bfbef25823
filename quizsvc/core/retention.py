"""How long each thing about people is kept, what happens then, and until when a request is answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from quizsvc.core.term import ends_on

Data = Literal["personal", "words", "pseudonym", "technical", "secret", "proof"]

ANSWERS_STAY: Final = timedelta(days=150)
NAMES_STAY_WITHOUT_CAMPAIGN: Final = timedelta(days=180)
INVITATIONS_STAY: Final = timedelta(days=30)
ACCOUNTS_STAY: Final = timedelta(days=180)
REQUESTS_STAY: Final = timedelta(days=30)
CONTACTS_STAY: Final = timedelta(days=30)
ANSWER_WITHIN: Final = 15
"""Working days in which a request about somebody's own data is answered. Source: reliability.md 4.3"""

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule of keeping.

    until: English, when the value goes; "" when it stays
    then: English, what happens to it then; why it may stay, when it stays
    """

    until: str
    then: str

    @property
    def stays(self) -> bool:
        """Tell whether nothing ever clears the value."""
        return not self.until


_ERASE_DAY = "the campaign's day of erasing"
LINKS: Final = Kept(_ERASE_DAY, "emptied")
TURNOUT: Final = Kept(_ERASE_DAY, "drawn anew, so that only how many answered stays")
LATE: Final = Kept(_ERASE_DAY, "the row is deleted")
ANSWERS: Final = Kept(f"{_ERASE_DAY} + {ANSWERS_STAY.days} days", "emptied; the sums per question stay")
NAMES: Final = Kept(
    "the last day of erasing of the campaigns that cover the class in that term; "
    f"without any, the end of the term + {NAMES_STAY_WITHOUT_CAMPAIGN.days} days",
    "cut from the seat, and deleted when no seat is left",
)
EXCUSES: Final = Kept(NAMES.until, "emptied; that somebody was excused stays")
INVITATIONS: Final = Kept(f"{INVITATIONS_STAY.days} days after it was used or expired", "the row is deleted")
ACCOUNTS: Final = Kept(
    f"{ACCOUNTS_STAY.days} days after the account was ended", "replaced by the number of the account"
)
REQUESTS: Final = Kept(
    f"{REQUESTS_STAY.days} days after the request was decided, at the latest {_ERASE_DAY}",
    "emptied; its kind and what became of it stay",
)
DETAILS: Final = Kept(
    "the day written into the row", "emptied with its salt; the chain of hashes still verifies"
)
CONTACTS: Final = Kept(
    f"{CONTACTS_STAY.days} days after the prize was handed out or lapsed, at the latest {_ERASE_DAY}",
    "the row is deleted",
)
COUNTERS: Final = Kept(
    "a day after the window of the limit", "the row is deleted at the next try of any kind"
)
RECOVERY: Final = Kept(
    "when the account ends, its second step is turned off or other codes are made", "the row is deleted"
)
SIGN_INS: Final = Kept("when the sign-in could last no longer", "the row is deleted at the next sign-out")


def stays(why: str) -> Kept:
    """Make the rule of a value that is never cleared.

    why: English, the reason, not empty
    return: a rule that stays
    """
    return Kept("", why)


ACTOR: Final = stays("the number of an account, whose name goes with the account")


def label(data: Data, kept: Kept) -> dict[str, Any]:
    """Label a column that is about people, for `info=` of the column.

    data: personal (a name or a school's number), words (typed about somebody), pseudonym (of a head; the school may
        hold the key), technical (of a device), secret (proves who somebody is), proof (a hash in the audit chain)
    kept: the rule of keeping
    return: {"data": data, "kept": kept}
    Source: reliability.md 4.1
    """
    return {"data": data, "kept": kept}


def answers_go_on(erase_on: date) -> date:
    """Tell from which day the answers of a campaign must be gone.

    erase_on: the campaign's day of erasing, in China; everything that ties answers to a seat goes on that day
    return: the first day without answers
    Source: reliability.md 4.1, term + 30 days for the seat and term + 180 days for the answers
    """
    return erase_on + ANSWERS_STAY


def names_go_on(erase_ons: Iterable[date], term: str) -> date:
    """Tell from which day the names of a class in a term must be gone.

    erase_ons: the days of erasing of the campaigns of the term whose subtree holds the class; may be empty
    term: as core.term writes it
    return: the last of the days, or, where no campaign ever used the names, 180 days after the term's end
    raise MistypedTerm: the text is not a semester
    Source: reliability.md 4.1
    """
    return max(erase_ons, default=ends_on(term) + NAMES_STAY_WITHOUT_CAMPAIGN)


def invitations_go(at: datetime) -> datetime:
    """Tell which one-time links must be gone.

    at: aware
    return: aware; links that were used or expired up to this moment, 30 days before
    """
    return at - INVITATIONS_STAY


def accounts_go(at: datetime) -> datetime:
    """Tell of which ended accounts login and name must be gone.

    at: aware
    return: aware; accounts ended up to this moment, 180 days before: so long somebody can be told who approved what
    """
    return at - ACCOUNTS_STAY


def requests_go(at: datetime) -> datetime:
    """Tell of which requests the words must be gone.

    at: aware
    return: aware; requests decided up to this moment, 30 days before: so long the answer can be read
    """
    return at - REQUESTS_STAY


def answer_due_on(asked_on: date) -> date:
    """Tell until which day a request about somebody's own data is to be answered.

    asked_on: the day in China on which it was made
    return: the 15th working day after it; Saturdays and Sundays are left out, holidays are not known
    Source: reliability.md 4.3

    >>> answer_due_on(date(2026, 12, 11))
    datetime.date(2027, 1, 1)
    """
    day, left = asked_on, ANSWER_WITHIN
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day
