"""How a rule says no: one family of exceptions that carry the sentence the person reads."""


class Refusal(Exception):
    """A request that is not granted, and why, in words for the person who made it.

    text: one or two zh-CN sentences; it names no other person and shows no internals
    status: the HTTP status a page answers with, 400..499, or 503 when the same may be granted later;
        the command line exits 1 whatever it is
    """

    def __init__(self, text: str, *, status: int = 400) -> None:
        """Keep the sentence and the status."""
        super().__init__(text)
        self.text = text
        self.status = status


class Unknown(Refusal):
    """Something that was asked for is not here, or not for this person: the two look the same.

    text: as for Refusal
    status: as for Refusal, 404 unless told otherwise
    """

    def __init__(self, text: str, *, status: int = 404) -> None:
        """Keep the sentence and the status."""
        super().__init__(text, status=status)


class NotYours(Unknown):
    """Something of a unit that is not here, or belongs to others: pages answer both in the very same words.

    text: as for Refusal, for the command line alone
    status: as for Unknown
    """
