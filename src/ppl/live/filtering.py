"""Filters for live events: each query is compiled once for all viewers that search for it."""

from __future__ import annotations

from weakref import WeakValueDictionary

from ppl.search.query import Query


class Filter:
    """A query and its predicate; equal only to itself.

    Attributes:
        query: the query with which history is searched.
        matches: tells whether a live event matches the query.
    """

    __slots__ = ("__weakref__", "matches", "query")

    def __init__(self, query: Query) -> None:
        self.query = query
        self.matches = query.predicate()


class Filters:
    """The filters in use."""

    def __init__(self) -> None:
        self._filters: WeakValueDictionary[Query, Filter] = WeakValueDictionary()

    def of(self, query: Query) -> Filter | None:
        """The one filter for all queries equal to ``query``; ``None`` if the query finds everything."""
        if query.is_everything:
            return None
        filter_ = self._filters.get(query)
        if filter_ is None:
            filter_ = self._filters[query] = Filter(query)
        return filter_
