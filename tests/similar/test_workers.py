"""The processes that group lines, seen from the server: groupings that wait, slow clients, workers that are killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.errors import StoreUnavailable, TooManySearches
from ppl.search.query import HIGHEST_ID, parse
from ppl.similar import workers as module
from ppl.similar.workers import Grouping, Workers

REPORT = b'{"groups":[],"read":1}\n'
DONE = b'{"read":2,"done":true,"complete":true}\n'


class Process:
    """Stands for a process's transport."""

    def __init__(self, protocol: Any) -> None:
        self.protocol, self.jobs, self.is_paused, self.is_killed = protocol, [], False, False
        protocol.transport = self

    def write(self, line: bytes) -> None:
        self.jobs.append(json.loads(line))

    def pauseProducing(self) -> None:
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.is_paused = False

    def signalProcess(self, name: str) -> None:
        assert name == "KILL"
        self.is_killed = True

    def end(self) -> None:
        """Tell the protocol that the process has ended."""
        self.protocol.processEnded(_Ended())


class _Ended:
    def getErrorMessage(self) -> str:
        return "It was killed."


class Reactor(Clock):
    """A clock that records the processes it spawned."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[Process] = []
        self.environments: list[dict[str, str]] = []

    def spawnProcess(self, protocol: Any, program: str, arguments: list[str], env: dict[str, str]) -> None:
        assert "-P" in arguments
        self.environments.append(env)
        self.processes.append(Process(protocol))


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def workers(reactor: Reactor) -> Iterator[Workers]:
    made = Workers(reactor, "dbname=x password=secret", lambda query: query.sql())
    made.startService()
    yield made
    made.stopService()
    for each in reactor.processes:
        each.end()
    assert reactor.getDelayedCalls() == []


def begin(workers: Workers, account: int = 1, text: str = "") -> Grouping:
    return workers.begin(account, 7, parse(text, UTC, 0), -1, HIGHEST_ID, 1000, 0)


def later(coroutine: Any) -> Deferred[Any]:
    return Deferred.fromCoroutine(coroutine)


def given(deferred: Deferred[Any]) -> Any:
    """The result of ``deferred``; fails the test if it has not fired."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "it must have fired"
    return getattr(results[0], "value", results[0])


async def _all(grouping: Grouping) -> list[dict[str, Any]]:
    return [json.loads(line) async for part in grouping.rest() for line in part.splitlines()]


def test_reports_are_passed_on_as_they_are_and_the_worker_does_the_next_job(workers: Workers, reactor: Reactor) -> None:
    grouping = begin(workers)
    (process,) = reactor.processes
    assert process.jobs[0]["destination_id"] == 7
    first = later(grouping.first())
    process.protocol.outReceived(REPORT[:5])
    assert not first.called
    process.protocol.outReceived(REPORT[5:])
    assert given(first) == REPORT
    rest = later(_all(grouping))
    process.protocol.outReceived(DONE)
    assert [each["read"] for each in given(rest)] == [2]
    begin(workers, 2)
    assert len(reactor.processes) == 1
    assert len(process.jobs) == 2
    grouping.close()


def test_a_worker_is_not_read_from_faster_than_the_client_takes(workers: Workers, reactor: Reactor) -> None:
    grouping = begin(workers)
    (process,) = reactor.processes
    process.protocol.outReceived(REPORT)
    assert process.is_paused
    assert given(later(grouping.first())) == REPORT
    rest = later(_all(grouping))
    assert not process.is_paused
    grouping.close()
    assert process.is_killed
    assert given(rest)[-1]["error"]["code"] == "store_unavailable"


def test_an_account_has_one_worker_and_one_place_in_the_queue(workers: Workers, reactor: Reactor) -> None:
    groupings = [begin(workers), begin(workers)]
    with pytest.raises(TooManySearches):
        begin(workers)
    assert len(reactor.processes) == 1
    begin(workers, 2)
    assert len(reactor.processes) == 2
    begin(workers, 3)
    assert len(reactor.processes) == module.MOST_WORKERS
    groupings[0].close()
    groupings[0].close()
    reactor.processes[0].end()
    assert len(reactor.processes) == 3
    begin(workers)


def test_a_grouping_that_waits_too_long_is_refused(workers: Workers, reactor: Reactor) -> None:
    begin(workers), begin(workers, 2)
    waiting = begin(workers, 3)
    first = later(waiting.first())
    reactor.advance(module.WAIT_SECONDS + 1)
    assert isinstance(given(first), StoreUnavailable)
    waiting.close()


def test_a_worker_of_a_client_that_takes_nothing_is_killed_and_still_counts(workers: Workers, reactor: Reactor) -> None:
    groupings = [begin(workers), begin(workers)]
    reactor.processes[0].protocol.outReceived(REPORT)
    reactor.advance(module.WAIT_SECONDS - 1)
    groupings[1].close()
    reactor.advance(module.LONGEST_SECONDS)
    assert reactor.processes[0].is_killed
    # The client may still hold an answer in the server's memory.
    begin(workers)
    with pytest.raises(TooManySearches):
        begin(workers)


def test_a_worker_that_dies_is_an_error_for_its_client_only(
    workers: Workers, reactor: Reactor, nothing_left_behind: list[str], logged: list[str]
) -> None:
    grouping, other = begin(workers), begin(workers, 2)
    first = later(grouping.first())
    reactor.processes[0].protocol.errReceived(b"ValueError: a customer's line\n")
    reactor.processes[0].end()
    assert isinstance(given(first), StoreUnavailable)
    grouping.close()
    reactor.processes[1].protocol.outReceived(DONE)
    assert given(later(other.first())) == DONE
    begin(workers)
    assert len(reactor.processes) == 2
    assert logged == ["A process that groups lines has ended (It was killed. ValueError)"]
    nothing_left_behind.clear()


def test_a_failure_of_postgresql_is_reported_and_the_worker_stays(workers: Workers, reactor: Reactor) -> None:
    grouping = begin(workers)
    reactor.processes[0].protocol.outReceived(b'{"failed":"57P01"}\n')
    error = given(later(grouping.first()))
    assert str(error) == "PostgreSQL cannot be read right now."
    grouping.close()
    assert not reactor.processes[0].is_killed


def test_an_idle_worker_ends(workers: Workers, reactor: Reactor) -> None:
    grouping = begin(workers)
    reactor.processes[0].protocol.outReceived(DONE)
    given(later(grouping.first()))
    reactor.advance(module.IDLE_SECONDS + 1)
    assert reactor.processes[0].is_killed
    begin(workers, 2)
    assert len(reactor.processes) == 2


def test_a_stop_ends_all_and_waits_for_them(workers: Workers, reactor: Reactor) -> None:
    grouping = begin(workers)
    first = later(grouping.first())
    stopped = workers.stopService()
    assert reactor.processes[0].is_killed
    assert isinstance(given(first), StoreUnavailable)
    assert not stopped.called
    reactor.processes[0].end()
    assert stopped.called
    with pytest.raises(StoreUnavailable):
        begin(workers)


def test_a_worker_gets_no_secret_of_the_server(
    workers: Workers, reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PPL_LINK_SECRET", "secret")
    monkeypatch.setenv("PGSERVICE", "kept")
    begin(workers)
    assert reactor.environments[0]["PGSERVICE"] == "kept"
    assert "PPL_LINK_SECRET" not in reactor.environments[0]
    assert "secret" not in repr(workers)


def test_the_condition_has_no_bounds_and_the_job_has_them(workers: Workers, reactor: Reactor) -> None:
    begin(workers, text="after:1790000000 before:1790000100 x")
    (job,) = reactor.processes[0].jobs
    assert (job["after"], job["before"], job["end"]) == (1_789_999_999_999_999, 1_790_000_100_000_000, 1000)
    assert job["parameters"] == ["%x%"]
