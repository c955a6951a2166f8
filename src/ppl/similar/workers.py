"""The processes that group lines (:mod:`.worker`), as a service: started when needed, ended when idle or with Ppl.

A worker has one job at a time, and an account one worker. If a client disconnects, its worker is killed, and PostgreSQL
then ends the worker's statement. A worker's output is passed on unchanged, no faster than the client takes it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

import ppl
from ppl.errors import StoreUnavailable, TooManySearches
from ppl.search.query import Query
from ppl.search.sql import Condition
from ppl.similar.job import MOST_LINE, Job

#: Most workers at once, and most groupings of one account; all but one of these wait.
MOST_WORKERS, MOST_OF_ACCOUNT = 2, 2

#: Seconds that a grouping may read, that it may take in all with a slow client, that it waits for a worker, and for
#: which an idle worker is kept.
READ_SECONDS, LONGEST_SECONDS, WAIT_SECONDS, IDLE_SECONDS = 60.0, 120.0, 30.0, 60.0

_KEPT_WORDS = 4096

#: Prefixes of environment variables that are for the server only.
_OURS = ("PPL_", "NOTIFY_", "LISTEN_", "WATCHDOG_")


class _Worker(ProcessProtocol):
    """One worker process."""

    transport: Any

    def __init__(self, ended: Callable[[_Worker, str], None]) -> None:
        self._ended = ended
        self.grouping: Grouping | None = None
        self.has_ended = False
        self._words = b""

    def outReceived(self, data: bytes) -> None:
        """Twisted: part of a report. Output without a job is dropped."""
        if self.grouping is not None:
            self.grouping.received(data)

    def errReceived(self, data: bytes) -> None:
        """Twisted: part of the traceback of an internal error."""
        self._words = (self._words + data)[-_KEPT_WORDS:]

    def processEnded(self, reason: Failure) -> None:
        """Twisted: the process has ended, for whatever reason."""
        self.has_ended = True
        # Only the error's name: its text may hold a customer's line.
        last = (self._words.decode("utf-8", "replace").strip().splitlines() or [""])[-1].partition(":")[0]
        self._ended(self, f"{reason.getErrorMessage()} {last}".strip())

    def kill(self) -> None:
        """Kill the process."""
        if self.has_ended:
            return
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess("KILL")
        # Twisted sees the end of the process only once its output is read to the end.
        self.transport.resumeProducing()


@attrs.define(eq=False, slots=False)
class Grouping:
    """One job of an account, from :meth:`Workers.begin` to :meth:`close`."""

    account_id: int
    job: Job
    _workers: Workers
    worker: _Worker | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _data: bytearray = attrs.field(factory=bytearray, init=False)
    _is_done: bool = attrs.field(default=False, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)
    _waiting: Deferred[None] | None = attrs.field(default=None, init=False)
    _timer: Any = attrs.field(default=None, init=False)

    async def first(self) -> bytes:
        """The first report; waits for a worker if none is free.

        Raises:
            StoreUnavailable: no worker became free, PostgreSQL cannot be read, or Ppl stops.
        """
        return await self._next()

    async def rest(self) -> AsyncIterator[bytes]:
        """The other reports, as whole lines; if the grouping fails, the last one says so."""
        try:
            while not self._is_done or self._data:
                try:
                    yield await self._next()
                except StoreUnavailable as error:
                    said = {"error": error.fields, "done": True, "complete": False}
                    yield json.dumps(said).encode("ascii") + b"\n"
                    return
        finally:
            self.close()

    async def _next(self) -> bytes:
        while b"\n" not in self._data:
            if self._failure is not None:
                raise self._failure
            if self.worker is not None:
                self.worker.transport.resumeProducing()
            self._waiting = Deferred()
            await self._waiting
        end = self._data.rindex(b"\n") + 1
        whole = bytes(self._data[:end])
        del self._data[:end]
        return self._checked(whole)

    def _checked(self, lines: bytes) -> bytes:
        last = lines.rstrip().rpartition(b"\n")[2]
        if last.startswith(b'{"failed":'):
            self._workers.release(self, is_free=True)
            raise StoreUnavailable("PostgreSQL cannot be read right now.")
        if b'"done":true' in last[-200:]:
            self._is_done = True
            self._workers.release(self, is_free=True)
        return lines

    # Called by the worker and by Workers

    def given(self, worker: _Worker) -> None:
        """Start the job on ``worker``."""
        self.worker, worker.grouping = worker, self
        self.patience(LONGEST_SECONDS, "Grouping took too long.")
        worker.transport.write(self.job.line())

    def patience(self, seconds: float, sentence: str) -> None:
        """Fail with ``sentence`` after ``seconds``, unless :meth:`no_hurry` is called first."""
        self.no_hurry()
        self._timer = self._workers.reactor.callLater(seconds, self._out_of_patience, sentence)

    def no_hurry(self) -> None:
        """Cancel the timeout that :meth:`patience` set."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _out_of_patience(self, sentence: str) -> None:
        self.failed(sentence)
        self._workers.release(self, is_free=False)

    def received(self, data: bytes) -> None:
        """Take part of a report; once a line is complete, reading pauses until the line is taken."""
        self._data += data
        if len(self._data) > MOST_LINE:
            self._out_of_patience("Grouping failed.")
        elif b"\n" in data:
            if self.worker is not None:
                self.worker.transport.pauseProducing()
            self._wake()

    def failed(self, sentence: str) -> None:
        """Fail with ``sentence``; no report follows."""
        self._failure = self._failure or StoreUnavailable(sentence)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def close(self) -> None:
        """End the grouping, whether it is complete or not; may be called again."""
        if self._is_closed:
            return
        self._is_closed = True
        self.failed("The grouping was cancelled.")
        self._workers.release(self, is_free=False)
        self._workers.forget(self)


class Workers(Service):
    """Starts groupings, and gives them to workers.

    Args:
        reactor: spawns processes, and has timers.
        dsn: libpq's DSN of PostgreSQL.
        condition: turns a query into SQL over table ``event``.
    """

    _log = Logger()
    name = "the workers that group lines"

    def __init__(self, reactor: Any, dsn: str, condition: Callable[[Query], Condition]) -> None:
        self.reactor = reactor
        self._dsn, self._condition = dsn, condition
        self._all: set[_Worker] = set()
        self._idle: dict[_Worker, Any] = {}
        self._queue: deque[Grouping] = deque()
        self._of_account: Counter[int] = Counter()
        # Fires when the last worker has ended, for a stop that waits.
        self._ended: Deferred[None] | None = None

    def stopService(self) -> Deferred[None]:
        """Kill all workers; fires when they have ended."""
        super().stopService()
        done: Deferred[None] = Deferred()
        for grouping in [*self._queue, *(each.grouping for each in self._all)]:
            if grouping is not None:
                grouping.failed("Ppl is stopping.")
                self.release(grouping, is_free=False)
        for worker in self._all:
            worker.kill()
        for timer in self._idle.values():
            timer.cancel()
        self._idle.clear()
        if self._all:
            self._ended = done
        else:
            done.callback(None)
        return done

    def begin(
        self, account_id: int, destination_id: int, query: Query, after: int, before: int, now: int, compared: int
    ) -> Grouping:
        """Group the events that ``query`` finds with ``after < id < before``; the caller must close the grouping.

        Args:
            account_id: the account that asks.
            destination_id: a destination that the account may read.
            query: which events to group.
            after, before: ids; ``after`` is ``-1`` for all.
            now: the current time, µs.
            compared: length in µs of the period before the range, with which the range is compared; 0: none.

        Raises:
            TooManySearches: the account has as many groupings as it may.
            StoreUnavailable: Ppl is stopping.
        """
        if not self.running:
            raise StoreUnavailable("Ppl is stopping.")
        if self._of_account[account_id] >= MOST_OF_ACCOUNT:
            raise TooManySearches(f"This account has {MOST_OF_ACCOUNT} groupings under way: wait until one has ended.")
        first, end = query.id_bounds()
        after, before = max(after, first - 1), min(before, end)
        # Without the times that the query may name: the period to compare with lies before them.
        asked = query.without_bounds
        condition, parameters = self._condition(asked)
        job = Job(
            self._dsn,
            destination_id,
            after,
            before,
            condition,
            parameters,
            is_ordered=not query.literals(),
            is_everything=asked.is_everything,
            start=None if after < 0 else after + 1,
            end=min(before, now),
            compared=compared,
            seconds=READ_SECONDS,
        )
        grouping = Grouping(account_id, job, self)
        self._of_account[account_id] += 1
        self._queue.append(grouping)
        grouping.patience(WAIT_SECONDS, "Too many groupings are under way right now; try again later.")
        self._assign()
        return grouping

    def _assign(self) -> None:
        """Give waiting groupings to free workers, one of each account."""
        busy = {each.grouping.account_id for each in self._all if each.grouping is not None}
        for grouping in list(self._queue):
            if grouping.account_id in busy:
                continue
            worker = self._free()
            if worker is None:
                return
            self._queue.remove(grouping)
            busy.add(grouping.account_id)
            grouping.given(worker)

    def _free(self) -> _Worker | None:
        while self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            if not worker.has_ended:
                return worker
        return self._spawn() if len(self._all) < MOST_WORKERS else None

    def _retire(self, worker: _Worker) -> None:
        del self._idle[worker]
        worker.kill()

    def _spawn(self) -> _Worker:
        worker = _Worker(self._worker_ended)
        self._all.add(worker)
        places = [str(Path(ppl.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        # -P: nothing is imported from the directory in which Ppl was started: anybody may own it.
        arguments = [sys.executable, "-P", "-m", "ppl.similar.worker"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, places))
        self.reactor.spawnProcess(worker, sys.executable, arguments, env=environment)
        return worker

    def _worker_ended(self, worker: _Worker, why: str) -> None:
        self._all.discard(worker)
        if (timer := self._idle.pop(worker, None)) is not None:
            timer.cancel()
        if (grouping := worker.grouping) is not None:
            worker.grouping = grouping.worker = None
            self._log.error("A process that groups lines has ended ({why})", why=why)
            grouping.no_hurry()
            grouping.failed("The process that groups lines has ended.")
        if self.running:
            self._assign()
        elif not self._all and self._ended is not None:
            ended, self._ended = self._ended, None
            ended.callback(None)

    def release(self, grouping: Grouping, *, is_free: bool) -> None:
        """Take ``grouping`` off the queue or off its worker; kill the worker unless it ``is_free`` for the next job."""
        grouping.no_hurry()
        if grouping in self._queue:
            self._queue.remove(grouping)
        worker, grouping.worker = grouping.worker, None
        if worker is None:
            return
        worker.grouping = None
        if not is_free or not self.running:
            worker.kill()
            return
        worker.transport.resumeProducing()
        self._idle[worker] = self.reactor.callLater(IDLE_SECONDS, self._retire, worker)
        self._assign()

    def forget(self, grouping: Grouping) -> None:
        """Stop counting ``grouping``: its account may begin another."""
        self._of_account[grouping.account_id] -= 1
        if not self._of_account[grouping.account_id]:
            del self._of_account[grouping.account_id]
