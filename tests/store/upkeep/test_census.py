"""The census of senders: equal to a count of the events, whatever crashes, and bounded, whatever is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import psycopg2
import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from ppl.errors import StoreUnavailable
from ppl.model import DAY, HOUR, MINUTE, QUARTER, SECOND, Destination, Sender
from ppl.store.connecting.connection import Connection, Parameters, ResultRow
from ppl.store.connecting.locks import CENSUS_KEY
from ppl.store.events import senders
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.census import BUSY_PERIOD, LONGEST_WRITE, MOST_PUT_OFF, Census, CensusLimits
from ppl.store.upkeep.retention import Retention
from tests.fixtures.database import execute, started_store
from tests.store.samples import T0, events
from tests.waiting import until

START = T0 - T0 % HOUR


@attrs.define
class Counting:
    """A store with two destinations, and the census that counts their senders."""

    dsn: str
    store: PostgresStore
    here: Destination
    there: Destination
    account_id: int
    now: int = START
    steady: float = 0.0
    census: Census = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self, connect: Callable[[Any, str], Connection] = Connection, **limits: Any) -> None:
        """Start a new census, as a new process does."""
        self.census = Census(
            reactor,
            self.dsn,
            lambda: self.now,
            lambda: self.steady,
            limits=CensusLimits(**limits),
            connect=connect,
        )

    async def take(self, first_id: int, *hosts: str, **columns: Any) -> None:
        """Store one event from each host."""
        columns.setdefault("destination", self.here)
        await self.store.append([events(first_id, ["x"] * len(hosts), hostname=list(hosts), **columns)])

    async def seen(self, kind: str = "host", destination: Destination | None = None) -> dict[str | None, int]:
        """The senders' names and how often each was seen."""
        found = await self.store.senders((destination or self.here).id, self.now)
        return {each.name: each.count for each in found.senders if each.kind == kind}

    async def sender(self, name: str) -> Sender:
        found = await self.store.senders(self.here.id, self.now)
        (one,) = [each for each in found.senders if (each.kind, each.name) == ("host", name)]
        return one

    def exact(self) -> None:
        """Check that the counts equal a plain count of the events up to the bookmarks."""
        of = "FROM event e JOIN census c USING (destination_id) WHERE e.id <= c.counted_to"
        names = [("hostname", 0), ("file_name", 1), ("host(sender_ip)", 2)]
        scanned = [
            f"SELECT destination_id, {kind}, false, left({name}, 255) AS n, {{}} {of} GROUP BY destination_id, n {{}}"
            for name, kind in names
        ]
        union = " UNION ALL ".join(each.format("min(id), max(id), count(*)", "") for each in scanned)
        assert execute(self.dsn, "SELECT * FROM sender ORDER BY 1, 2, 3, 4") == execute(
            self.dsn, f"SELECT * FROM ({union}) ORDER BY 1, 2, 3, 4"
        )
        union = " UNION ALL ".join(each.format(f"id / {HOUR}, count(*)", ", 5") for each in scanned)
        assert execute(self.dsn, "SELECT * FROM sender_hour ORDER BY 1, 2, 3, 4, 5") == execute(
            self.dsn, f"SELECT * FROM ({union}) ORDER BY 1, 2, 3, 4, 5"
        )
        assert execute(
            self.dsn,
            "SELECT destination_id, quarter, sum(count), sum(bytes) FROM event_quarter GROUP BY 1, 2 ORDER BY 1, 2",
        ) == execute(
            self.dsn,
            f"SELECT destination_id, id / {QUARTER}, count(*), sum(octet_length(concat(hostname, file_name, procid,"
            f" msgid, structured_data, message))) {of} GROUP BY 1, 2 ORDER BY 1, 2",
        )


class MortalConnection(Connection):
    """A connection of a process that dies after ``left`` statements."""

    def __init__(self, left: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.left = left

    async def execute(self, sql: str, parameters: Parameters, patience: float) -> list[ResultRow]:
        self.left -= 1
        done = await super().execute(sql, parameters, patience)
        if not self.left:
            self.abandon("the process is gone")  # committed, but the caller never learns of it
            raise StoreUnavailable("the process is gone")
        return done


@pytest_twisted.async_yield_fixture
async def counting(store: PostgresStore, dsn: str) -> AsyncIterator[Counting]:
    account, here = await store.register("one@example.com", "hash", "UTC", "h", range(1, 2), only_first=False)
    _, there = await store.register("two@example.com", "hash", "UTC", "h", range(2, 3), only_first=False)
    made = Counting(dsn, store, here, there, account.id)
    yield made
    made.census.stop()
    await until(lambda: backends(dsn) == 0, "the census's connection closed")


def backends(dsn: str) -> int:
    ((count,),) = execute(
        dsn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", CENSUS_KEY[1:]
    )
    return int(count)


@ensureDeferred
async def test_hosts_files_and_addresses_are_counted_for_each_destination(counting: Counting) -> None:
    await counting.take(START, "web-1", "web-2", "web-1", file_name=["nginx", "nginx", "cron"])
    await counting.take(START + 9, "db", "", sender_ip="2001:db8::1")
    await counting.take(START, "web-1", destination=counting.there)
    await counting.census.run()
    assert await counting.seen() == {"web-1": 2, "web-2": 1, "db": 1, "": 1}
    assert await counting.seen("file") == {"nginx": 2, "cron": 1, "app.log": 2}
    assert await counting.seen("address") == {"192.0.2.1": 3, "2001:db8::1": 2}
    assert await counting.seen(destination=counting.there) == {"web-1": 1}
    one = await counting.sender("web-1")
    assert (one.first_seen, one.last_seen) == (START, START + 2)
    counting.exact()
    found = await counting.store.senders(counting.here.id, counting.now)
    assert (found.counted_to, found.is_complete) == (START + 10, True)


@ensureDeferred
async def test_what_came_since_is_added_and_nothing_is_counted_twice(counting: Counting) -> None:
    for number in range(3):
        await counting.take(START + number * 10, "web-1", "web-2")
        await counting.census.run()
        await counting.census.run()
    assert await counting.seen() == {"web-1": 3, "web-2": 3}
    counting.exact()


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
@ensureDeferred
async def test_statements_end_anywhere_within_slots_hours_and_quarters(counting: Counting, rows: int) -> None:
    counting.restart(rows=rows, run_seconds=600.0)
    for edge in (START, START + QUARTER, START + HOUR, START + 30 * HOUR):
        await counting.take(edge - 2, "a", "b", "a", "c", "a")
    await counting.take(START + HOUR - 3, "a", "d", destination=counting.there)
    await counting.census.run()
    assert await counting.seen() == {"a": 12, "b": 4, "c": 4}
    counting.exact()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2 * HOUR), st.lists(st.sampled_from("abc"), min_size=1)), max_size=6))
@ensureDeferred
async def test_any_events_are_counted_as_a_scan_counts_them(
    counting: Counting, parts: list[tuple[int, list[str]]]
) -> None:
    execute(counting.dsn, "TRUNCATE event, event_count, event_minute, census, sender, sender_hour, event_quarter")
    following = START
    for gap, hosts in parts:
        following += gap
        await counting.take(following, *hosts, file_name=hosts[::-1])
        following += len(hosts)
        if gap % 2:
            await counting.census.run()
            counting.exact()
    await counting.census.run()
    counting.exact()
    assert sum((await counting.seen()).values()) == sum(len(hosts) for _, hosts in parts)


@ensureDeferred
async def test_what_is_still_being_committed_is_not_passed(counting: Counting) -> None:
    await counting.take(START, "a")
    with psycopg2.connect(counting.dsn) as writer, writer.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event (destination_id, id, created_at, sender_ip, hostname) VALUES (%s, %s, 0, '::1', 'late')",
            [counting.here.id, START + 5],
        )
        await counting.take(START + 9, "b")  # by another process, after the first one died while committing
        await counting.census.run()
        await counting.census.run()
        assert await counting.seen() == {}
        writer.commit()
    await counting.census.run()
    assert await counting.seen() == {"a": 1, "late": 1, "b": 1}
    counting.exact()


@ensureDeferred
async def test_while_one_batch_follows_another_what_was_stored_before_is_counted(counting: Counting) -> None:
    with psycopg2.connect(counting.dsn) as one, psycopg2.connect(counting.dsn) as other:
        await counting.take(START, "a")
        one.cursor().execute(f"UPDATE event_{START} SET message = message")
        await counting.census.run()
        other.cursor().execute(f"LOCK TABLE event_{START} IN ROW EXCLUSIVE MODE")
        one.commit()
        await counting.census.run()
        assert await counting.seen() == {"a": 1}


@ensureDeferred
async def test_a_transaction_that_is_left_open_holds_the_census_up_for_a_while_only(counting: Counting) -> None:
    await counting.take(START, "a")
    with psycopg2.connect(counting.dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START} SET message = message")
        await counting.census.run()
        counting.steady += LONGEST_WRITE - 1
        await counting.census.run()
        assert await counting.seen() == {}
        counting.steady += 1
        await counting.census.run()
        assert await counting.seen() == {"a": 1}
        writer.rollback()


@pytest.mark.parametrize("step", range(1, 12))
@ensureDeferred
async def test_a_crash_at_any_step_leaves_the_counts_exact(counting: Counting, step: int) -> None:
    counting.restart(lambda *arguments: MortalConnection(step, *arguments), rows=2)
    await counting.take(START - 1, "a", "b", "a")
    await counting.take(START + HOUR, "a", "c", destination=counting.there)
    try:
        await counting.census.run()
    except StoreUnavailable:
        counting.exact()
    counting.census.stop()
    counting.restart(rows=2)
    await counting.census.run()
    counting.exact()
    assert await counting.seen() == {"a": 2, "b": 1}
    assert await counting.seen(destination=counting.there) == {"a": 1, "c": 1}


@ensureDeferred
async def test_a_backend_that_is_killed_in_the_middle_takes_its_counts_with_it(counting: Counting) -> None:
    await counting.take(START, "a")
    await counting.census.run()
    await counting.take(START + 5, "a", "b")
    with psycopg2.connect(counting.dsn) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT FROM sender WHERE name = 'a' FOR UPDATE")
        running = Deferred.fromCoroutine(counting.census.run())
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%taken AS%'"
        await until(lambda: execute(counting.dsn, waiting), "a count under way")
        execute(counting.dsn, f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS waiting")
        with pytest.raises(StoreUnavailable):
            await running
        holder.rollback()
    counting.exact()
    await counting.census.run()
    assert await counting.seen() == {"a": 2, "b": 1}
    counting.exact()


@ensureDeferred
async def test_one_process_counts_and_another_goes_on_when_it_ends(counting: Counting) -> None:
    await counting.take(START, "a")
    await counting.census.run()
    other = Census(reactor, counting.dsn, lambda: counting.now, lambda: counting.steady)
    await counting.take(START + 1, "b")
    await other.run()
    assert await counting.seen() == {"a": 1}
    counting.census.stop()
    await until(lambda: backends(counting.dsn) == 0, "the lock is free")
    await other.run()
    assert await counting.seen() == {"a": 1, "b": 1}
    other.stop()


@ensureDeferred
async def test_random_names_share_one_row_when_there_is_no_room(counting: Counting) -> None:
    counting.restart(names=3, rows=4)
    await counting.take(START, "a", "b", "a", *(f"random-{number}" for number in range(20)), "b")
    await counting.take(START + 100, "a", "another", destination=counting.there)
    await counting.census.run()
    assert await counting.seen() == {"a": 2, "b": 2, "random-0": 1, None: 19}
    assert await counting.seen("file") == {"app.log": 24}
    assert await counting.seen(destination=counting.there) == {"a": 1, "another": 1}, "room is per destination"
    assert execute(counting.dsn, "SELECT sum(count) FROM sender_hour WHERE kind = 0 AND is_rest") == [(19,)]


@ensureDeferred
async def test_names_seen_once_make_room_a_day_later(counting: Counting) -> None:
    counting.restart(names=3)
    for hour in range(3):
        await counting.take(START + hour * HOUR, "regular")
    await counting.take(START + 2 * HOUR + 5, *(f"random-{number}" for number in range(20)))
    await counting.take(START + DAY + 4 * HOUR, "regular")
    await counting.census.run()
    await counting.take(START + DAY + 4 * HOUR + 9, "new")
    await counting.census.run()
    assert await counting.seen() == {"regular": 4, "new": 1, None: 20}
    assert not execute(counting.dsn, "SELECT name FROM sender_hour WHERE name LIKE 'random%%'")


@ensureDeferred
async def test_long_names_are_cut(counting: Counting) -> None:
    await counting.take(START, "ä" * 300, "ä" * 299)
    await counting.census.run()
    assert await counting.seen() == {"ä" * 255: 2}
    counting.exact()


@ensureDeferred
async def test_hours_are_kept_for_the_last_week_of_each_sender(counting: Counting) -> None:
    for day in range(12):
        await counting.take(START + day * DAY, "daily", *(["gone"] if day < 3 else []))
        await counting.census.run()
    kept = execute(counting.dsn, "SELECT name, count(*) FROM sender_hour WHERE kind = 0 GROUP BY 1 ORDER BY 1")
    assert kept == [("daily", 7), ("gone", 3)]
    assert await counting.seen() == {"daily": 12, "gone": 3}


@ensureDeferred
async def test_hours_rate_and_silence_are_those_of_the_sender(counting: Counting) -> None:
    for hour in range(6):
        await counting.take(START + hour * HOUR + 59 * MINUTE, "steady", *(["nightly"] if hour in (0, 4, 5) else []))
    await counting.take(START + 5 * HOUR + 59 * MINUTE + 9, "once")
    counting.now = START + 6 * HOUR + 15 * MINUTE
    await counting.census.run()
    steady, nightly = await counting.sender("steady"), await counting.sender("nightly")
    assert steady.hours == (0,) * 17 + (1,) * 6 + (0,)
    assert steady.rate(counting.now) == 0.75 / 60
    assert (steady.hours_seen, steady.longest_pause) == (6, 0)
    assert (nightly.hours_seen, nightly.longest_pause) == (3, 3)
    last = START + 5 * HOUR + 59 * MINUTE
    assert not steady.is_silent(last + HOUR)
    assert steady.is_silent(last + HOUR + 1)
    assert not nightly.is_silent(last + 5 * HOUR + 30 * MINUTE)
    assert nightly.is_silent(last + 5 * HOUR + 30 * MINUTE + 2)
    assert not (await counting.sender("once")).is_silent(last + 1000 * DAY), "was never regular"


@ensureDeferred
async def test_while_much_comes_in_a_run_is_rare_and_each_destination_has_one_statement_until_it_is_far_behind(
    counting: Counting,
) -> None:
    counting.restart(rows=2, busy_rate=-1, look_seconds=0)
    await counting.census.run()
    await counting.take(START, *"aaaaaa")
    await counting.take(START, "b", destination=counting.there)
    counting.steady += BUSY_PERIOD - 1
    await counting.census.run()
    assert await counting.seen() == {}
    counting.steady += 1
    await counting.census.run()
    assert await counting.seen() == {"a": 2}
    assert not (await counting.store.senders(counting.here.id, counting.now)).is_complete
    assert await counting.seen(destination=counting.there) == {"b": 1}
    counting.now += MOST_PUT_OFF + SECOND
    counting.steady += BUSY_PERIOD
    await counting.census.run()
    assert await counting.seen() == {"a": 6}


@ensureDeferred
async def test_a_clock_that_is_set_during_a_count_makes_no_run_rest_or_wait(counting: Counting) -> None:
    steps = iter([DAY, -2 * DAY, 3 * DAY] * 20)

    def leaping() -> int:
        counting.now += next(steps)
        return counting.now

    limits = CensusLimits(rows=1)
    counting.census = Census(reactor, counting.dsn, leaping, lambda: counting.steady, limits=limits)
    await counting.take(START, *"abc")
    await counting.census.run()
    assert await counting.seen() == {"a": 1, "b": 1, "c": 1}


@ensureDeferred
async def test_expired_senders_and_counts_are_deleted(counting: Counting, dsn: str) -> None:
    pool, later = await started_store(dsn, size=1, clock=lambda: START + 4 * DAY)
    await counting.take(START, "old")
    await counting.take(START + 3 * DAY, "new")
    await counting.take(START, "other", destination=counting.there)
    await counting.census.run()
    await counting.store.set_retention(counting.account_id, counting.here.id, 2)
    await Retention(pool, lambda: START + 4 * DAY, None).run()
    assert await counting.seen() == {"new": 1}
    assert await counting.seen(destination=counting.there) == {"other": 1}
    in_all = await counting.store.stored_in_all(counting.here.id)
    assert in_all is not None
    assert (in_all.start, in_all.count) == (START + 3 * DAY, 1)
    assert len(await counting.store.stored_since(counting.here.id, START - START % QUARTER)) == 1
    await later.close_destination(counting.account_id, counting.here.id)
    await Retention(pool, lambda: START + 9 * DAY, None).run()
    await counting.census.run()
    tables = ("sender", "sender_hour", "event_quarter", "census")
    for table in tables:
        assert execute(dsn, f"SELECT DISTINCT destination_id FROM {table}") == [(counting.there.id,)], table
    await pool.stopService()


@ensureDeferred
async def test_events_deleted_before_they_were_counted_are_no_error(counting: Counting, dsn: str) -> None:
    pool, _ = await started_store(dsn, size=1)
    await counting.take(START, "old")
    await counting.take(START + 3 * DAY, "new")
    await Retention(pool, lambda: START + 4 * DAY, 2).run()
    await counting.census.run()
    assert await counting.seen() == {"new": 1}
    await pool.stopService()


def test_every_key_begins_with_the_destination(dsn: str) -> None:
    keys = execute(
        dsn,
        "SELECT DISTINCT (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0])"
        " FROM pg_index WHERE indrelid::regclass::text IN ('census', 'sender', 'sender_hour', 'event_quarter')",
    )
    assert keys == [("destination_id",)]


@ensureDeferred
async def test_the_statement_reads_by_the_key_and_one_slot_only(counting: Counting) -> None:
    for hour in range(4):
        await counting.take(START + hour * HOUR, *("a" * 500))
    execute(counting.dsn, "ANALYZE event")
    asked = {
        "destination": counting.here.id, "after": START + HOUR - 1, "upto": START + HOUR + 400, "rows": 100,
        "names": 500, "slot": START + HOUR,
    }  # fmt: skip
    plan = "\n".join(line for (line,) in execute(counting.dsn, f"EXPLAIN {senders.COUNT}", asked))
    assert f"event_{START + HOUR}_pkey" in plan
    assert f"event_{START}_pkey" not in plan
    assert "Seq Scan on event_" not in plan
