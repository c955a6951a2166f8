"""Spare files of PostgreSQL's write-ahead log, so that commits do not wait for new ones. Used by :mod:`.server`.

While a new file of the log, 16 MB, is created, all commits wait. A checkpoint renames old files to spare ones instead,
at no such cost, and ``min_wal_size`` says how much of them it always keeps. So the embedded PostgreSQL keeps more of
them than by default, and writes the first ones itself before anybody connects. Both are bounded: no more than a small
share of the free disk, and no longer than a few seconds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extensions import cursor as Cursor
from psycopg2.extensions import make_dsn
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from ppl.store.embedded.cluster import Cluster
from ppl.store.embedded.programs import ServerUser

_MEGABYTE = 1 << 20
#: All sizes below are megabytes; this is the size of a file.
_FILE = 16
#: What ``initdb`` writes into ``postgresql.conf`` as ``min_wal_size``: a value of nobody's choice.
_UNCHOSEN = 80
_MOST = 512
_FEWEST = 128
#: The log may keep one part in so many of the free disk.
_SHARE = 20

#: Seconds that writing the spare files may take.
PATIENCE = 3.0

# Where old files are kept for an archive or a replica, a checkpoint makes no spare ones of them: all would be in vain.
_SITUATION = """
    SELECT least(pg_size_bytes(current_setting('min_wal_size')), pg_size_bytes(current_setting('max_wal_size')))
               / 1048576,
           count(*) FILTER (WHERE name ~ '^[0-9A-F]{24}$' AND name > pg_walfile_name(pg_current_wal_lsn())),
           current_setting('wal_recycle')::boolean AND current_setting('archive_mode') = 'off'
               AND pg_size_bytes(current_setting('wal_keep_size')) = 0
               AND NOT EXISTS (SELECT FROM pg_replication_slots)
      FROM pg_ls_waldir()
"""
_NEXT_FILE = "SELECT pg_logical_emit_message(false, 'ppl', ''), pg_switch_wal()"


class SpareFiles:
    """The spare files of the write-ahead log of ``cluster``.

    Args:
        cluster: the files and programs of PostgreSQL.
        is_stopping: tells whether Ppl stops, so that no more files are written.
        patience: seconds that :meth:`write` may take.
    """

    _log = Logger()

    def __init__(self, cluster: Cluster, is_stopping: Callable[[], bool], patience: float = PATIENCE) -> None:
        self._cluster, self._is_stopping, self._patience = cluster, is_stopping, patience
        self._chosen = ""

    async def settings(self, reactor: Any, user: ServerUser) -> dict[str, str]:
        """The settings that make PostgreSQL keep spare files; none if the operator has chosen a size or disk is short.

        They go on the command line, not into ``postgresql.conf``: old installations have them too, and a later start on
        a fuller disk keeps less.
        """
        if not self._chosen:
            self._chosen = await self._cluster.setting(reactor, user, "min_wal_size")
        room = _room(self._cluster.directory / "pg_wal")
        if self._chosen != str(_UNCHOSEN) or room < _FEWEST:
            return {}
        return {"min_wal_size": f"{room}MB"}

    async def write(self) -> None:
        """Write the spare files that the running PostgreSQL would keep, unless it has them; logs when it cannot."""
        room = _room(self._cluster.directory / "pg_wal")
        if room < _FEWEST:
            return
        try:
            await deferToThread(self._write, room)
        except psycopg2.Error as error:
            if not self._is_stopping():
                why = str(error).strip().partition("\n")[0]
                self._log.warn("Spare files of PostgreSQL's log could not be written: {why}", why=why)

    def _write(self, room: int) -> None:
        dsn = make_dsn(self._cluster.dsn, user="postgres", dbname="postgres", connect_timeout=5)
        with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(_SITUATION)
            (kept, spare, is_of_use) = cursor.fetchone() or (0, 0, False)
            # A checkpoint keeps spare files up to this size behind the file that is in use.
            wanted = min(kept, room) // _FILE - 1
            # A few files less, as after a start that was short of time, are no reason to write all of them again.
            if is_of_use and kept > _UNCHOSEN and spare < wanted * 3 // 4:
                written = self._written(cursor, wanted, spare)
                cursor.execute("CHECKPOINT")
                self._log.info("Wrote {count} spare files of PostgreSQL's log", count=written)

    def _written(self, cursor: Cursor, wanted: int, spare: int) -> int:
        """Go on to the next file up to ``wanted`` times, through the ``spare`` ones first; returns how often it did."""
        start = time.monotonic()
        for written in range(1, wanted + 1):
            cursor.execute(_NEXT_FILE)
            taken = time.monotonic() - start
            # Nothing is won before all spare files are used up: a slow disk stops at once instead of shortly before.
            if self._is_stopping() or taken / written * max(written + 1, spare + 1) > self._patience:
                break
        return written


def _room(directory: Path) -> int:
    """The megabytes that the log in ``directory`` may keep, in whole files."""
    try:
        kept = sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
        free = shutil.disk_usage(directory).free
    except OSError:
        return 0
    return min(_MOST, (free + kept) // _MEGABYTE // _SHARE) // _FILE * _FILE
