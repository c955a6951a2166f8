"""``GET /api/archives``: the archived days of a destination, and each day's file, sent as fast as the client reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from ppl.access.destinations import access_of
from ppl.archive.interface import ArchiveUnavailable, Place
from ppl.archive.keys import date_of
from ppl.archive.thread import in_thread
from ppl.model import Account, Archive, Destination
from ppl.store.interface import Store
from ppl.web.api.events import time_text
from ppl.web.api.export import file_name
from ppl.web.http.answers import Answer, NotFound, StreamedAnswer, Unavailable, json_answer
from ppl.web.http.parameters import destination_of
from ppl.web.http.routing import Route, for_account
from ppl.web.http.visit import Visit

#: Bytes of a file that are read and sent at a time.
PART_BYTES = 1 << 18


class Archives:
    """Handlers of ``/api/archives``; with the cookie or a bearer token.

    Args:
        store: knows which days are archived.
        place: where the files are stored; ``None`` if this process cannot reach any.
        reactor: runs threads, in which files are read.
    """

    def __init__(self, store: Store, place: Place | None, reactor: Any) -> None:
        self._store, self._place, self._reactor = store, place, reactor

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/archives", self.listed),
            for_account(r"/api/archives/(\d{4}-\d\d-\d\d)", self.download),
        )

    @property
    def is_archiving(self) -> bool:
        """Whether past days are archived."""
        return self._place is not None

    async def listed(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/archives``: the archived days, newest first."""
        return json_answer({"archives": await self.days(await self._whose(visit, account))})

    async def days(self, destination: Destination) -> list[dict[str, Any]]:
        """The archived days of ``destination``, newest first, in the form of the API's JSON."""
        return [
            {
                "date": date_of(each.day).isoformat(),
                "events": each.rows,
                "bytes": each.bytes,
                "archived_at": time_text(each.archived_at),
                "downloadable": self._is_here(each),
            }
            for each in await self._store.archives(destination.id)
        ]

    async def download(self, visit: Visit, account: Account, date: str) -> StreamedAnswer:
        """``GET /api/archives/<date>``: the Parquet file of a day."""
        destination = await self._whose(visit, account)
        known = {date_of(each.day).isoformat(): each for each in await self._store.archives(destination.id)}
        if date not in known:
            raise NotFound("There is no archive of that day.")
        archive, place = known[date], self._place
        if place is None or not self._is_here(archive):
            raise NotFound("The archive of that day is stored where this server cannot reach it: ask its operator.")
        try:
            opened = await in_thread(self._reactor, lambda: place.open(archive.key))
        except ArchiveUnavailable as error:
            # The original message is not passed on, since it names the operator's path or bucket.
            raise Unavailable("The archive cannot be read right now.", ArchiveUnavailable.code) from error
        if opened is None:
            raise NotFound("The archive of that day is missing from its storage: ask this server's operator.")
        file, length = opened
        name = file_name(destination, f"{date}.parquet")
        return StreamedAnswer(
            self._parts(file),
            lambda: self._close(file),
            "application/vnd.apache.parquet",
            (("Content-Disposition", f'attachment; filename="{name}"'), ("Content-Length", str(length))),
        )

    async def _whose(self, visit: Visit, account: Account) -> Destination:
        return destination_of(visit.query, await access_of(self._store, account.id))

    def _is_here(self, archive: Archive) -> bool:
        return self._place is not None and archive.place == self._place.name

    async def _parts(self, file: BinaryIO) -> AsyncIterator[bytes]:
        try:
            while part := await in_thread(self._reactor, lambda: file.read(PART_BYTES)):
                yield part
        finally:
            self._close(file)

    def _close(self, file: BinaryIO) -> None:
        # In a thread, since closing waits for a read in progress.
        closing = in_thread(self._reactor, file.close)
        closing.addErrback(lambda _: None)


__all__ = ["Archives"]
