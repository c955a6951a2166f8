"""``/healthz`` for monitors and load balancers: a short text, given within seconds even while PostgreSQL hangs."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.store.interface import PeopleStore
from ppl.version import version
from ppl.web.http.answers import Answer
from ppl.web.http.routing import Route, for_anyone
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit

#: Seconds after which the store counts as hanging.
PATIENCE_SECONDS = 1.5

_AWAY = "The database cannot be reached."
_STUCK = "The database does not answer."


class Health:
    """Asks the store one question at a time: requests that arrive meanwhile wait for the same answer.

    Args:
        store: the store to check.
        reactor: gives timers.
    """

    _log = Logger()

    def __init__(self, store: PeopleStore, reactor: Any) -> None:
        self._store, self._reactor = store, reactor
        self._waiting: list[Deferred[str]] = []
        self._is_asking = False

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_anyone("GET", "/healthz", self.show),)

    async def show(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /healthz``: 200 with ``ok`` and the version, or 503 with a sentence."""
        answer: Deferred[str] = Deferred()
        self._waiting.append(answer)
        if not self._is_asking:
            self._is_asking = True
            asking = Deferred.fromCoroutine(self._store.count_accounts())
            asking.addCallbacks(lambda _: "", self._trouble).addCallback(self._tell)
        answer.addTimeout(PATIENCE_SECONDS, self._reactor)
        try:
            trouble = await answer
        except TimeoutError:
            trouble = _STUCK
        if answer in self._waiting:
            self._waiting.remove(answer)
        headers = (("Retry-After", "5"),) if trouble else ()
        return Answer(
            503 if trouble else 200, (trouble or f"ok (Ppl {version()})").encode(), "text/plain; charset=utf-8", headers
        )

    def _trouble(self, failure: Failure) -> str:
        if failure.check(StoreUnavailable):
            return _AWAY
        if not failure.check(StatementTimeout):
            self._log.failure("The health check of the store failed", failure)
        return _STUCK

    def _tell(self, trouble: str) -> None:
        self._is_asking = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(trouble)
