"""A program that copies again and again while backends are terminated; ``test_copying`` runs it.

``python -m tests.store.terminated DSN TIMES ROW`` prints how often a copy raised ``StoreUnavailable``.
"""

from __future__ import annotations

import sys
from contextlib import closing
from threading import Event

import psycopg2
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from ppl.errors import StoreUnavailable
from ppl.store.connecting.copying import Copier
from ppl.store.events.copy_text import COPIED_COLUMNS, copy_text
from tests.store.samples import events

ROWS = 50_000


def terminate(dsn: str, has_ended: Event) -> None:
    """Terminate the backend that copies, as soon as there is one."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not has_ended.is_set():
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY%'"
            )
            if cursor.rowcount:
                return


async def main(dsn: str, times: str, row: str) -> None:
    copier = Copier(reactor, dsn, 5, 30, 5)
    copier.startService()
    rows = copy_text([events(1, [row] * ROWS)])
    into = f"event_0 ({COPIED_COLUMNS})"
    refused = 0
    for _ in range(int(times)):
        has_ended = Event()
        terminating = deferToThread(terminate, dsn, has_ended)
        try:
            await copier.copy(rows, into, "SELECT 1", None)
        except StoreUnavailable:
            refused += 1
        has_ended.set()
        await terminating
    print(refused)
    copier.stopService()


if __name__ == "__main__":
    react(lambda _: Deferred.fromCoroutine(main(*sys.argv[1:])))
