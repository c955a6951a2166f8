"""Errors of the search language."""

from __future__ import annotations

from ppl.errors import PplError


class QueryError(PplError):
    """The query cannot be parsed, or exceeds a limit.

    Attributes:
        position: index of the character where parsing failed, from 0; the query's length if that is its end.
        expected: what would have been valid there, worded to follow "expected".
    """

    code = "bad_query"

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"At character {position + 1} of the query: expected {expected}.")
        self.position = position
        self.expected = expected


class BadValue(Exception):
    """A part of a query is wrong. The caller, which knows the part's position, turns it into a :class:`QueryError`.

    Attributes:
        expected: what would have been valid.
        offset: index of the error within the part, from 0.
    """

    def __init__(self, expected: str, offset: int = 0) -> None:
        super().__init__(expected)
        self.expected = expected
        self.offset = offset
