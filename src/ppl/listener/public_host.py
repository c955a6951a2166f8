"""Moves destinations when the public host of their listener changes; the data directory remembers the previous host.

``<data-dir>/public-hosts`` has an empty file for each public host of a listener with this data directory. A running
listener holds a lock on its own file. A host that has no file yet takes over the hosts whose files no running listener
locks: two listeners with different hosts never take each other's destinations.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.store.interface import PeopleStore


class PublicHost(Service):
    """Moves destinations at the start, and logs which destinations this listener does not serve.

    Args:
        store: has the destinations.
        data_dir: where the hosts are remembered.
        host: ``--public-host``.
        former: ``--former-host``: a host whose destinations are moved in any case, or ``None``.
    """

    _log = Logger()

    def __init__(self, store: PeopleStore, data_dir: Path, host: str, former: str | None) -> None:
        self._store, self._host, self._former = store, host, former
        self._directory = data_dir / "public-hosts"
        self._held: int | None = None

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the destinations are moved."""
        super().startService()
        return Deferred.fromCoroutine(self._follow())

    def stopService(self) -> None:
        """Release the lock, so that another host may take over this one."""
        super().stopService()
        if self._held is not None:
            os.close(self._held)
            self._held = None

    async def _follow(self) -> None:
        if self._former is not None and self._former != self._host:
            await self._move(self._former)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            own = self._directory / self._host
            if not own.exists():
                for file in sorted(self._directory.iterdir()):
                    await self._take_over(file)
            self._held = os.open(own, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._held, fcntl.LOCK_SH)
        except OSError as error:
            # Only a warning: with an external database and certificate, nothing else need be written there.
            self._log.warn(
                "{directory} cannot be written to ({why}): when --public-host changes, destinations follow only with"
                " --former-host",
                directory=self._directory,
                why=error.strerror,
            )
        await self._say_unserved()

    async def _take_over(self, file: Path) -> None:
        held = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another listener runs with this host
            return
        else:
            await self._move(file.name)
            os.unlink(file)
        finally:
            os.close(held)

    async def _move(self, former: str) -> None:
        renamed, kept = await self._store.move_destinations(former, self._host)
        if renamed:
            self._log.warn(
                "{count} moved from {former} to {host}: senders use the new name; links with the old name still work",
                count=_destinations(len(renamed)),
                former=former,
                host=self._host,
            )
        if kept:
            self._log.warn("This listener serves {kept} under their present names", kept=_first(kept))

    async def _say_unserved(self) -> None:
        elsewhere = Counter(each.served_by for each in await self._store.destinations() if each.served_by != self._host)
        for host, count in elsewhere.items():
            self._log.warn(
                "{count} of {other} will not be served here, as --public-host is {host}: where no other listener serves"
                " {other}, nothing is received for them; --former-host {other} moves them here",
                count=_destinations(count),
                other=host,
                host=self._host,
            )


def _destinations(count: int) -> str:
    return f"{count} destination{'' if count == 1 else 's'}"


def _first(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
