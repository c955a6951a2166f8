"""A viewer's session against a model: whatever happens in any order, no event is lost, doubled or out of order."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ppl.errors import StoreUnavailable
from ppl.live.batch import Batch
from ppl.model import Page
from ppl.viewer import session as session_module
from ppl.viewer.effects import Authorise, Effect, ReadEvents, SendError, SendGap, SendLive, SendLogs
from ppl.viewer.requests import GetLogs, Pause, Resume, SendUserData
from ppl.viewer.session import MOST_WAITING, ViewerSession
from tests.viewer.test_session import event, wanted

_NEVER = 10**9

#: Method of a session → what happens, in the words of the table of :mod:`ppl.viewer.session`.
_HAPPENS = {
    "authorised": "authorised",
    "refused": "refused",
    "live": "live events",
    "catch_up": "link restored",
    "results": "results",
    "failed": "failed",
    "congested": "congested",
    "drained": "drained",
}
_REQUESTED = {SendUserData: "send_user_data", Pause: "pause", Resume: "resume"}


def table() -> dict[tuple[str, str], set[str]]:
    """(What happens, state) → the states that may follow."""
    lines = iter((session_module.__doc__ or "").splitlines())
    bars = next(line for line in lines if line.startswith("===="))
    heads = re.split(r"  +", next(lines).strip())[1:]
    assert next(lines) == bars
    found = {}
    for line in lines:
        if line == bars:
            break
        what, *cells = re.split(r"  +", line.strip())
        for head, cell in zip(heads, cells, strict=True):
            found[what, head] = {head} | (set() if cell == "-" else set(cell.split()))
    return found


_TABLE = table()

#: Transitions of the table that were seen: (what happened, state before, state after).
seen: set[tuple[str, str, str]] = set()


class TracedSession(ViewerSession):
    """A session that is held to the table of its module."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name in _HAPPENS:
            return lambda *arguments: self._traced(_HAPPENS[name], value, *arguments)
        if name == "request":
            return lambda request: self._traced(_REQUESTED.get(type(request), "other"), value, request)
        return value

    def _traced(self, what: str, method: Any, *arguments: Any) -> Any:
        before = self.state
        effects = method(*arguments)
        if self.state != before:
            assert self.state in _TABLE.get((what, before), set()), f"{what}: {before} → {self.state}"
            seen.add((what, before, self.state))
        return effects


class Viewing(RuleBasedStateMachine):
    """One session, the store it reads, the link that announces, and a client that checks all that it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[int] = []
        self.unannounced: list[int] = []
        self.query: ReadEvents | None = None
        # The page as of an earlier moment, if the store answers late.
        self.read: Page | None = None
        self.is_linked = True
        # What the client has of its view, gaps aside: all from ``known_from`` (0: nothing yet) to ``known_until``.
        self.known_from = self.known_until = 0
        self.was_paused = False
        # The query that the next portion answers, if it answers one.
        self.answered: ReadEvents | None = None

    @initialize(
        before=st.integers(0, 12),
        since=st.none() | st.integers(0, 8),
        portion=st.integers(1, 4),
        queue=st.integers(1, 6),
    )
    def begin(self, before: int, since: int | None, portion: int, queue: int) -> None:
        """The client identifies itself; there may be history."""
        self.session = TracedSession(queue)
        self._commit(before)
        self.unannounced.clear()
        if since is not None:
            # ``since`` is the id of an event that was seen.
            since = min(since, before)
        assert self.session.request(wanted(portion=portion, since=since)) == [Authorise("a:1")]
        if since is not None:
            self.known_from, self.known_until = max(since, 1), since
        self._do(self.session.authorised())

    # What happens

    @rule(count=st.integers(1, 8))
    def commit(self, count: int) -> None:
        """Events are stored."""
        self._commit(count)

    @rule(most=st.integers(1, 8))
    def announce(self, most: int) -> None:
        """The link announces some of the stored events, unless it is lost."""
        now, self.unannounced = self.unannounced[:most], self.unannounced[most:]
        if now and self.is_linked:
            self._do(self.session.live(Batch(map(event, now))))

    @rule()
    def cut(self) -> None:
        """The link is lost, with what it carried."""
        self.is_linked = False

    @rule()
    def link(self) -> None:
        """The link is restored, and the session is told to read what was missed."""
        self.is_linked = True
        self.unannounced.clear()
        self._do(self.session.catch_up())

    @precondition(lambda self: self.query is not None)
    @rule()
    def look(self) -> None:
        """The store reads what it has at this moment, and answers later."""
        self.read = self._page()

    @precondition(lambda self: self.query is not None)
    @rule()
    def answer(self) -> None:
        """The store answers."""
        assert self.query is not None
        page, query = self.read or self._page(), self.query
        self.query = self.read = None
        self.answered = query
        self._do(self.session.results(query.token, page))

    @precondition(lambda self: self.query is not None)
    @rule()
    def fail(self) -> None:
        """The store is away."""
        assert self.query is not None
        query, self.query, self.read = self.query, None, None
        self._do(self.session.failed(query.token, StoreUnavailable("away")))

    @rule()
    def congest(self) -> None:
        """The client does not read."""
        self._do(self.session.congested())

    @rule()
    def drain(self) -> None:
        """The client has read everything."""
        self._do(self.session.drained())

    @rule()
    def get_logs(self) -> None:
        """The client asks for older events."""
        self._do(self.session.request(GetLogs()))

    @rule(after=st.integers(0, 40), before=st.integers(0, 40), only_before=st.booleans())
    def get_range(self, after: int, before: int, only_before: bool) -> None:
        """The client asks for a range of its choice."""
        self._do(self.session.request(GetLogs(before=before, after=None if only_before else after)))

    @rule()
    def pause(self) -> None:
        """The client pauses."""
        self._do(self.session.request(Pause()))

    @rule()
    def resume(self) -> None:
        """The client resumes."""
        self._do(self.session.request(Resume()))

    @rule()
    def settle(self) -> None:
        """Everything under way ends; then the client has everything up to the newest event."""
        self.link()
        self.drain()
        for _ in range(10 * MOST_WAITING):
            if self.query is None:
                break
            self.answer()
        assert self.query is None, "it comes to an end"
        if not self.session.is_paused:
            assert not self.stored or self.known_until >= self.stored[-1], "nothing is lost"

    # The store

    def _commit(self, count: int) -> None:
        last = self.stored[-1] if self.stored else 0
        new = list(range(last + 1, last + 1 + count))
        self.stored += new
        self.unannounced += new

    def _page(self) -> Page:
        query = self.query
        assert query is not None
        first = 0 if query.after is None else bisect_right(self.stored, query.after)
        end = len(self.stored) if query.before is None else bisect_left(self.stored, query.before)
        ids = self.stored[first:end]
        found = ids[: query.limit] if query.kind == "newer" else ids[-query.limit :]
        return Page(tuple(map(event, found)), len(ids) <= query.limit)

    # The client

    def _do(self, effects: list[Effect]) -> None:
        while effects:
            for effect in effects:
                self._take(effect)
            effects = self.session.sent()
        self.was_paused = self.session.is_paused

    def _take(self, effect: Effect) -> None:
        match effect:
            case ReadEvents():
                assert self.query is None, "one query at a time"
                self.query = effect
            case SendLive(events):
                assert not self.was_paused
                self._newer([each.id for each in events])
            case SendGap(skipped, first, last):
                assert self._between(self.known_until, first) == [], "nothing before the gap is left out"
                assert len(self._between(first - 1, last + 1)) == skipped
                self.known_from = self.known_from or first
                self.known_until = last
            case SendLogs():
                self._logs(effect)
            case SendError():
                pass

    def _logs(self, logs: SendLogs) -> None:
        ids = [each.id for each in logs.events]
        answered, self.answered = self.answered, None
        if answered is None:
            assert not ids, "without a query there are no events"
            assert logs.before == 0 or not self.known_from
        elif logs.since is not None:
            assert logs.since == self.known_until
            self._newer(ids)
        elif answered.kind == "newest":
            self.known_from, self.known_until = (ids[0], ids[-1]) if ids else (0, 0)
        elif logs.after is not None:
            assert ids == self._between(logs.after, answered.before or _NEVER)[: len(ids)]
            assert not ids or ids[-1] <= self.known_until, "newer events come live"
        else:
            self._older(ids, logs, answered.before or 0)

    def _newer(self, ids: list[int]) -> None:
        if ids:
            assert ids[0] > self.known_until, "nothing comes twice"
            assert self._between(self.known_until, ids[-1] + 1) == ids, "nothing is left out"
            self.known_from = self.known_from or ids[0]
            self.known_until = ids[-1]

    def _older(self, ids: list[int], logs: SendLogs, before: int) -> None:
        assert before <= self.known_until + 1, "newer events come live"
        assert logs.before is not None or before == self.known_from, "history goes on right before what was sent"
        older = self._between(0, before)
        assert ids == older[len(older) - len(ids) :]
        assert ids or not older
        assert logs.is_oldest == (len(ids) == len(older))
        if ids and before >= self.known_from:
            self.known_from = min(self.known_from or _NEVER, ids[0])

    def _between(self, after: int, before: int) -> list[int]:
        return self.stored[bisect_right(self.stored, after) : bisect_left(self.stored, before)]


TestViewing: Any = Viewing.TestCase
TestViewing.settings = settings(max_examples=150, stateful_step_count=40)
