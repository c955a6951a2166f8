"""PostgreSQL is down when Ppl starts, or goes down later: Ppl says so, waits, and works once it is up."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_twisted import ensureDeferred

from ppl.store.embedded.server import EmbeddedPostgres
from tests.fixtures.database import execute
from tests.fixtures.relp import RelpSender
from tests.fixtures.running import PplProcess, eventually
from tests.waiting import until


@ensureDeferred
async def test_ppl_comes_up_says_so_and_works_when_postgresql_does(
    postgres_server: EmbeddedPostgres, short_directory: Path
) -> None:
    ppl = PplProcess(postgres_server.dsn, short_directory)
    try:
        ppl.start()
        who = ppl.register()
        ppl.stop()
        await postgres_server.stopService()
        said_before = len(ppl.text())
        ppl.start_role("all")
        await until(lambda: "cannot be used" in ppl.text()[said_before:], "a line of log about it")
        sender = RelpSender(who, "early", rate=1_000)
        sender.start()
        await postgres_server.startService()
        ppl.wait_until_ready()
        eventually(lambda: sender.acknowledged > 100, "lines stored")
        sender.finish()
        assert ppl.messages(who.port) == [f"early {number}" for number in range(sender.sent)]
        said = ppl.text()[said_before:]
        reasons = re.findall(r"cannot be used \((.*?)\)", said)
        assert len(reasons) == len(set(reasons)), "each reason once, not at each attempt"
        assert "reachable again" in said
        assert "Traceback" not in said
    finally:
        ppl.stop()


@ensureDeferred
async def test_all_connections_of_a_process_together_say_once_that_postgresql_goes_and_comes(
    postgres_server: EmbeddedPostgres, short_directory: Path
) -> None:
    ppl = PplProcess(postgres_server.dsn, short_directory)
    try:
        ppl.start()
        said_before = len(ppl.text())
        await postgres_server.stopService()
        await until(lambda: "cannot be used" in ppl.text()[said_before:], "a line of log about it")
        await postgres_server.startService()
        every = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE application_name IN ('ppl', 'ppl search')"
        await until(lambda: len(execute(postgres_server.dsn, every)) == 2, "both pools connected")
        await until(lambda: "reachable again" in ppl.text()[said_before:], "a line of log about it")
        said = ppl.text()[said_before:]
        reasons = re.findall(r"cannot be used \((.*?)\)", said)
        assert len(reasons) == len(set(reasons)), "each reason once, not once per pool"
        assert said.count("is reachable again") == 1
    finally:
        ppl.stop()
