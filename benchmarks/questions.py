"""The questions that :mod:`benchmarks.search` asks of a Ppl while lines come in, and how long each answer took.

Runs in a process of its own. It asks the store for pages and searches, through the same kind of pools that Ppl itself
uses. Kinds of questions named ``HTTP: …`` go to the running Ppl over HTTP. The kinds take turns until the time is over.
"""

from __future__ import annotations

import http.client
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlencode, urlsplit

from twisted.internet import task
from twisted.internet.defer import Deferred

from benchmarks.history import HOUR, History
from ppl.search.query import parse
from ppl.services.clock import wall_clock
from ppl.store.connecting.pool import Pool
from ppl.store.events.searching import Searches
from ppl.store.postgres import PostgresStore
from tests.fixtures.running import Registered

Taken = dict[str, list[float]]
"""Kind of question → milliseconds of each answer."""

#: Events on a page.
PAGE = 100

#: Statements that draw request ids, each of which one event of the history has; searches look for these.
_SAMPLE = (
    "SELECT substring(message FROM 'request_id=([0-9a-f]+)'), id >= {open} FROM"
    " (SELECT message, id FROM event WHERE destination_id = {searcher} AND id >= {first} ORDER BY random() LIMIT 3000)"
    " AS drawn"
)
_OPEN_SAMPLE = (
    "SELECT substring(message FROM 'request_id=([0-9a-f]+)') FROM"
    " (SELECT message FROM event WHERE destination_id = {searcher} AND id >= {open} ORDER BY random() LIMIT 500)"
    " AS drawn"
)


class Questions:
    """Asks the questions and collects the milliseconds of each answer in ``taken``."""

    def __init__(self, history: History, store: PostgresStore, url: str, who: Registered) -> None:
        self.taken: Taken = defaultdict(list)
        self._history, self._store, self._url, self._who = history, store, url, who
        words = [word for word, is_open in history.rows(_SAMPLE) if not is_open]
        opened = [word for (word,) in history.rows(_OPEN_SAMPLE)]
        share = max(1, len(words) // len(history.lowers))
        #: The open slot has as many of them as any other slot.
        self._words = words + opened[:share]
        self._opened = opened
        self._newest = history.rows("SELECT max(id) FROM event WHERE destination_id = {searcher}")[0][0]

    async def ask_all(self, rounds_end: float) -> None:
        """Ask until the monotonic time ``rounds_end``, and each kind at least once."""
        kinds: Sequence[tuple[int, Callable[[], Awaitable[None]]]] = (
            (4, self._pages),
            (3, self._once),
            (1, self._nowhere),
            (2, self._common),
            (1, self._histogram),
            (1, self._over_http),
        )
        number = 0
        while number == 0 or time.monotonic() < rounds_end:
            for times, ask in kinds:
                for _ in range(times):
                    await ask()
            number += 1
        await self._without_literal()

    async def _timed(self, name: str, answer: Awaitable[Any]) -> Any:
        start = time.monotonic()
        result = await answer
        self.taken[name].append((time.monotonic() - start) * 1000)
        return result

    async def _pages(self) -> None:
        searcher, first = self._history.searcher, self._history.lowers[0]
        page = await self._timed("page, newest", self._store.newest(searcher, PAGE))
        assert len(page.events) == PAGE
        for _ in range(5):
            at = random.randrange(first + HOUR, self._newest)
            page = await self._timed("page, any depth", self._store.older(searcher, at, PAGE))
            assert len(page.events) == PAGE
        page = await self._timed("page, oldest", self._store.newer(searcher, -1, PAGE))
        page = await self._timed("page, up to the oldest", self._store.older(searcher, page.events[-1].id + 1, PAGE))
        assert page.complete
        assert len(page.events) == PAGE

    async def _search(self, text: str, limit: int = PAGE) -> tuple[int, list[float]]:
        """Search to the end, or until a page is full; gives how many were found, and the milliseconds of each step."""
        query = parse(text, UTC, wall_clock())
        search = self._store.search(1, self._history.searcher, query)
        found, steps = 0, []
        try:
            while not search.is_complete and found < limit:
                start = time.monotonic()
                found += len((await search.step(limit - found)).events)
                steps.append((time.monotonic() - start) * 1000)
        finally:
            search.close()
        return found, steps

    async def _once(self) -> None:
        word = random.choice(self._words)
        found, _ = await self._timed("word, once", self._search(word))
        assert found == 1, word
        found, _ = await self._timed("regular expression, once", self._search(f"/request_id={word[:12]}[0-9a-f]+/"))
        assert found == 1, word
        found, _ = await self._timed("its literal", self._search(f"request_id={word[:12]}"))
        assert found == 1, word
        word = random.choice(self._opened)
        found, _ = await self._timed("word, once in the open slot", self._search(word))
        assert found == 1, word

    async def _nowhere(self) -> None:
        for name, word in (
            ("word, nowhere", secrets.token_hex(8)),
            ("words, nowhere, of frequent parts", '"accepted by timed out after"'),
            ("word, nowhere, but with others", "relay"),
        ):
            found, _ = await self._timed(name, self._search(word))
            assert found == 0, word

    async def _common(self) -> None:
        for name, word in (
            ("first page of a word in 2 of 3 events", "GET"),
            ("first page of a word in 1 of 9 events", "timed"),
            ("first page of a word in 1 of 180 events", '"(attempt 7)"'),
        ):
            found, _ = await self._timed(name, self._search(word))
            assert found, word

    async def _histogram(self) -> None:
        now = wall_clock()
        await self._timed("histogram of 24 h", self._store.histogram(self._history.searcher, now - 24 * HOUR, now, 15))

    async def _without_literal(self) -> None:
        started = time.monotonic()
        found, steps = await self._search("/[0-9]{9} [a-z]{20}/")
        assert found == 0
        name = "regular expression without a literal"
        self.taken[name].append((time.monotonic() - started) * 1000)
        self.taken[f"{name}, first step"].append(steps[0])
        self.taken[f"{name}, any step"] += steps

    async def _over_http(self) -> None:
        word = random.choice(self._words)
        for name, path, fields in (
            ("HTTP: page, newest", "/api/events", {}),
            ("HTTP: word, once", "/api/events", {"q": word}),
            ("HTTP: first page of a word in 2 of 3 events", "/api/events", {"q": "GET"}),
            ("HTTP: histogram of 24 h", "/api/histogram", {}),
        ):
            await self._timed(name, self._get(f"{path}?{urlencode(fields)}"))

    async def _get(self, path: str) -> None:
        address = urlsplit(self._url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        connection.request("GET", path, headers={"Cookie": self._who.cookie_header})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        connection.close()


def ask(history: History, url: str, who: Registered, seconds: float, pipe: Connection) -> None:
    """Run in a process of its own: ask for ``seconds``, and send the :data:`Taken` through ``pipe``."""

    async def work(reactor: Any) -> None:
        pool = Pool(reactor, history.dsn, 2)
        searching = Pool(reactor, history.dsn, 3, parameters={"client_connection_check_interval": "500ms"})
        for each in (pool, searching):
            await each.startService()
        store = PostgresStore(pool, wall_clock, HOUR // 1_000_000, Searches(searching))
        questions = Questions(history, store, url, who)
        pipe.send("ready")
        await questions.ask_all(time.monotonic() + seconds)
        for each in (pool, searching):
            await each.stopService()
        pipe.send(dict(questions.taken))

    task.react(lambda reactor: Deferred.fromCoroutine(work(reactor)))
