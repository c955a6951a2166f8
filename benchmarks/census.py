"""What the census of senders costs beside a flood, and how fast it counts.

Run ``python -m benchmarks.census`` from the project's root. The rounds send the same flood in turns: with the census
running; with the census kept out by its own lock; and with the census catching up on a history that is not counted yet.
At the end, the census counts everything with nothing beside it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import closing

import psycopg2

from benchmarks.ingest import ingest, lines, until_ppl_stored
from benchmarks.running import running_ppl, spread
from ppl.store.connecting.locks import CENSUS_KEY
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import eventually

_HELD = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {CENSUS_KEY[1]} AND granted"
_BEHIND = (
    "SELECT 1 FROM event_count e LEFT JOIN census c USING (destination_id)"
    " WHERE e.last_id > coalesce(c.counted_to, -1) LIMIT 1"
)


def main() -> None:
    """Parse the arguments, run the rounds, print the rates and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=800_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = lines(arguments.lines)
    rates: dict[str, list[float]] = {"without": [], "with": [], "catching up": []}
    with running_ppl() as (ppl, who), closing(psycopg2.connect(ppl.dsn)) as keeper, keeper.cursor() as cursor:
        keeper.autocommit = True
        administrator = as_administrator(ppl.dsn, "ppl")

        def out() -> None:
            """Stop the census from running."""
            execute(administrator, f"SELECT pg_terminate_backend(pid) FROM ({_HELD}) AS held")
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", CENSUS_KEY)

        def back() -> None:
            """Let the census run again, and wait until it does."""
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", CENSUS_KEY)
            eventually(lambda: execute(administrator, _HELD), "the census", 30)

        def empty() -> None:
            execute(
                administrator, "TRUNCATE event, event_count, census, sender, sender_hour, event_quarter; CHECKPOINT"
            )

        def behind() -> None:
            """Let the census run; what the previous round stored is not counted yet."""
            execute(administrator, "CHECKPOINT")
            back()

        modes: list[tuple[str, Callable[[], None]]] = [("with", empty), ("without", empty), ("catching up", behind)]
        for round_ in range(arguments.rounds):
            for name, prepare in modes:
                if name == "without":
                    out()
                prepare()
                ((before,),) = ppl.rows("SELECT coalesce(sum(count), 0)::bigint FROM event_count")
                wanted = before + arguments.lines
                rate = ingest(who.port, [data], arguments.lines, lambda: until_ppl_stored(ppl.dsn, wanted))  # noqa: B023
                rates[name].append(rate)
                print(f"round {round_ + 1}, {name}: {rate:,.0f} rows/s", flush=True)
        eventually(lambda: not execute(administrator, _BEHIND), "all is counted", 600)
        execute(administrator, "TRUNCATE census, sender, sender_hour, event_quarter")
        ((stored,),) = ppl.rows("SELECT sum(count)::bigint FROM event_count")
        eventually(lambda: execute(administrator, "SELECT FROM census"), "the census has begun", 30)
        start = time.perf_counter()
        eventually(lambda: not execute(administrator, _BEHIND), "all is counted", 600)
        seconds = time.perf_counter() - start
        assert ppl.rows("SELECT sum(count)::bigint FROM sender WHERE kind = 0") == [(stored,)]
    for name, found in rates.items():
        ratio = statistics.median(found) / statistics.median(rates["without"])
        print(f"{name}: {spread(found)} rows/s; ratio: {ratio:.2f}")
    print(f"alone, resting half of the time: {stored / seconds:,.0f} events/s counted")


if __name__ == "__main__":
    main()
