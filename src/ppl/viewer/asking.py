"""Keeps the one store query that a viewer's session has under way: the handler of its answer, and the retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import attrs

from ppl.errors import PplError
from ppl.model import Page
from ppl.viewer.effects import Effect, EndReading, ReadEvents, Way
from ppl.viewer.requests import SendUserData

#: Turns a page into effects; if the page comes from a search, the way says how far the search got.
PageHandler = Callable[[Page, Way | None], list[Effect]]

_FIRST_RETRY, _LONGEST_RETRY = 0.25, 5.0


@attrs.frozen
class Asked:
    """A query under way.

    Attributes:
        query: the query itself.
        answer: handles the page.
        holds_live: whether live events must wait for the answer.
        event: the request that the error names if the query fails; ``None``: no error is sent.
        ends_with_pause: whether a paused viewer has no use for the answer.
        may_end_early: whether a part of the wanted events is an answer too.
        failure: why the query is being retried, ``None`` if it is not.
    """

    query: ReadEvents
    answer: PageHandler
    holds_live: bool
    event: str | None
    ends_with_pause: bool
    may_end_early: bool
    failure: PplError | None = None


class Asking:
    """The queries of one session: at most one at a time, each with its own token.

    Attributes:
        token: the token of the last query.
        asked: the query under way, ``None`` if there is none.
    """

    def __init__(self) -> None:
        self.token = 0
        self.asked: Asked | None = None
        self._retry = _FIRST_RETRY

    @property
    def begins_search(self) -> bool:
        """Whether a view is beginning with a search that has not given any result yet."""
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
        """Begin a query; the parameters are those of :class:`~ppl.viewer.effects.ReadEvents` and :class:`Asked`."""
        self.token += 1
        search = None if wanted.filter is None else wanted.filter.query
        query = ReadEvents(self.token, kind, limit or wanted.portion, before, after, wanted.sender_ip, search=search)
        # A read of everything after an id must be complete: live events follow it.
        may_end_early = search is not None and not (kind == "newer" and holds_live)
        self.asked = Asked(query, answer, holds_live, event, ends_with_pause, may_end_early)
        return query

    def answered(self, token: int, way: Way | None) -> Asked | None:
        """The query with that ``token``, ``None`` if the token is stale. The query ends unless ``way`` goes on."""
        asked = self._of(token)
        if asked is not None and (way is None or way.is_last):
            self.asked = None
            self._retry = _FIRST_RETRY
        return asked

    def go_on(self, answer: PageHandler) -> None:
        """Give further parts of the query under way to ``answer``, and let live events go on meanwhile."""
        assert self.asked is not None
        self.asked = attrs.evolve(self.asked, answer=answer, holds_live=False)

    def anew(self) -> list[Effect]:
        """Begin the query under way again, over the store as it is now; answers to its former token are stale."""
        assert self.asked is not None
        self.token += 1
        stale = self.asked.query.token
        self.asked = attrs.evolve(self.asked, query=attrs.evolve(self.asked.query, token=self.token))
        return [EndReading(stale), self.asked.query]

    def failed(self, token: int) -> Asked | None:
        """End the query with that ``token`` and give it; ``None`` if the token is stale."""
        asked = self._of(token)
        if asked is not None:
            self.asked = None
        return asked

    def again(self, asked: Asked, failure: PplError) -> ReadEvents:
        """Retry the query after a delay that grows; only its first failure is reported, retries fail silently."""
        self.token += 1
        query = attrs.evolve(asked.query, token=self.token, delay=self._retry)
        self._retry = min(self._retry * 2, _LONGEST_RETRY)
        self.asked = attrs.evolve(asked, query=query, event=None, failure=failure)
        return query

    def _of(self, token: int) -> Asked | None:
        return self.asked if self.asked is not None and self.asked.query.token == token else None
