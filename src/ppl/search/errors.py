"""What can be wrong with a query."""

from __future__ import annotations

from ppl.errors import PplError


class QueryError(PplError):
    """The query cannot be understood, or is beyond a limit.

    Attributes:
        position: index of the character where it went wrong, from 0; the query's length at its end.
        expected: what would have been right there, as the end of a sentence.
    """

    code = "bad_query"

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"At character {position + 1} of the query expected {expected}.")
        self.position = position
        self.expected = expected


class BadValue(Exception):
    """A part of a query is wrong; whoever knows where the part stands makes a :class:`QueryError` of it.

    Attributes:
        expected: what would have been right.
        offset: index within the part, from 0.
    """

    def __init__(self, expected: str, offset: int = 0) -> None:
        super().__init__(expected)
        self.expected = expected
        self.offset = offset
