"""The one question that a viewer's session has put to the store: its answer, and how it is asked again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

from ppl.errors import PplError
from ppl.model import Page
from ppl.viewer.effects import Effect, EndReading, ReadEvents, Way
from ppl.viewer.requests import SendUserData

#: What is made of a page; the way is given where it was searched for.
PageHandler = Callable[[Page, Way | None], list[Effect]]

_FIRST_RETRY, _LONGEST_RETRY = 0.25, 5.0


@attrs.frozen
class Asked:
    """A query under way.

    Attributes:
        query: as it was asked.
        answer: what to do with the page.
        holds_live: whether live events must wait for it.
        event: the request to name when it fails, ``None`` for failing silently.
        ends_with_pause: whether a paused viewer wants the answer no more.
        may_end_early: whether less than was asked for is an answer too.
        failure: why it is asked again, ``None`` if it is not.
    """

    query: ReadEvents
    answer: PageHandler
    holds_live: bool
    event: str | None
    ends_with_pause: bool
    may_end_early: bool
    failure: PplError | None = None


class Asking:
    """At most one query at a time, each with a token of its own.

    Attributes:
        token: that of the last query.
        asked: the query under way.
    """

    def __init__(self) -> None:
        self.token = 0
        self.asked: Asked | None = None
        self._retry = _FIRST_RETRY

    @property
    def begins_search(self) -> bool:
        """Whether a view begins with a search that has not come back with anything."""
        asked = self.asked
        return asked is not None and asked.may_end_early and asked.holds_live and asked.failure is None

    @property
    def holds_live(self) -> bool:
        """Whether live events must wait for the answer."""
        return self.asked is not None and self.asked.holds_live

    def ask(
        self,
        wanted: SendUserData,
        kind: Literal["newest", "older", "newer"],
        answer: PageHandler,
        holds_live: bool,
        *,
        before: int | None = None,
        after: int | None = None,
        event: str | None = "get_logs",
        ends_with_pause: bool = False,
        limit: int | None = None,
    ) -> ReadEvents:
        """The query to carry out, in the words of :class:`~ppl.viewer.effects.ReadEvents` and :class:`Asked`."""
        self.token += 1
        search = None if wanted.filter is None else wanted.filter.query
        query = ReadEvents(self.token, kind, limit or wanted.portion, before, after, wanted.sender_ip, search=search)
        # Of what comes after an id nothing may be left out.
        may_end_early = search is not None and not (kind == "newer" and holds_live)
        self.asked = Asked(query, answer, holds_live, event, ends_with_pause, may_end_early)
        return query

    def answered(self, token: int, way: Way | None) -> Asked | None:
        """The query that was asked with that ``token``, ``None`` if it is stale; it ends unless ``way`` goes on."""
        asked = self._of(token)
        if asked is not None and (way is None or way.is_last):
            self.asked = None
            self._retry = _FIRST_RETRY
        return asked

    def go_on(self, answer: PageHandler) -> None:
        """What comes next of the query under way is for ``answer``, and holds nothing."""
        assert self.asked is not None
        self.asked = attrs.evolve(self.asked, answer=answer, holds_live=False)

    def anew(self) -> list[Effect]:
        """The query under way from its beginning, as of now; its answer so far is stale."""
        assert self.asked is not None
        self.token += 1
        stale = self.asked.query.token
        self.asked = attrs.evolve(self.asked, query=attrs.evolve(self.asked.query, token=self.token))
        return [EndReading(stale), self.asked.query]

    def failed(self, token: int) -> Asked | None:
        """The query that was asked with that ``token``, ``None`` if it is stale; it has ended."""
        asked = self._of(token)
        if asked is not None:
            self.asked = None
        return asked

    def again(self, asked: Asked, failure: PplError) -> ReadEvents:
        """The same query once more, after a pause that grows; told of once, the tries that follow are silent."""
        self.token += 1
        query = attrs.evolve(asked.query, token=self.token, delay=self._retry)
        self._retry = min(self._retry * 2, _LONGEST_RETRY)
        self.asked = attrs.evolve(asked, query=query, event=None, failure=failure)
        return query

    def _of(self, token: int) -> Asked | None:
        return self.asked if self.asked is not None and self.asked.query.token == token else None
