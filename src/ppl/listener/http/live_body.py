"""A body whose lines are stored while it comes, however long it is, and also if it never ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from ppl.listener.http.handover import Handover
from ppl.model import Clock
from ppl.sources.kinds import Piece, ReadAlong
from ppl.sources.packed import Unpacking

#: Bytes of memory that count for each such body: what was read from the connection, and an entry that goes on.
LIVE_BYTES = 128 * 1024

#: Bytes that are unpacked at a time.
_UNPACKED = 16 * 1024


class LiveBody:
    """A body on its way through its reader to the writer.

    Args:
        reader: reads its lines.
        unpacking: undoes its compression; ``None``: it has none.
        handover: takes the lines; also an attribute.
        clock: gives the µs of receipt.

    Attributes:
        is_over: whether nothing of it is wanted any more.
    """

    def __init__(self, reader: ReadAlong, unpacking: Unpacking | None, handover: Handover, clock: Clock) -> None:
        self.is_over = False
        self.handover = handover
        self._reader, self._unpacking = reader, unpacking
        self._clock = clock
        self._arrived: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Bytes have come; :meth:`read` reads them."""
        self._arrived.append(data)

    @property
    def has_more(self) -> bool:
        """Whether bytes have come that :meth:`read` has not read."""
        return bool(self._arrived) and not self.is_over

    async def read(self) -> None:
        """Hand over the lines that have come; the next call waits for this one.

        Raises:
            BodyUnreadable: the bytes are not compressed as they should be.
            UploadUnavailable: see :meth:`~ppl.listener.http.handover.Handover.give`.
        """
        # What comes in the same turn is read together.
        await self.handover.turns.turn()
        data = b"".join(self._arrived)
        self._arrived.clear()
        for part in self._unpacked(data):
            if self.is_over:
                return
            await self._give(self._reader.feed(part, self._clock()))
            # A part may hold nothing that is handed over.
            if self.handover.turns.is_over:
                await self.handover.turns.turn()

    async def finish(self) -> None:
        """Hand over what is left at the end of the body.

        Raises:
            BodyUnreadable: the body is not what its protocol sends.
            UploadUnavailable: see :meth:`~ppl.listener.http.handover.Handover.give`.
        """
        await self._give(self._reader.finish(self._clock()))
        if self._unpacking is not None:
            self._unpacking.finish()

    async def _give(self, pieces: Iterator[Piece]) -> None:
        await self.handover.give(takewhile(lambda _: not self.is_over, pieces))

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        if self._unpacking is None:
            for start in range(0, len(data), _UNPACKED):
                yield data[start : start + _UNPACKED]
            return
        self._unpacking.feed(data)
        while part := self._unpacking.read(_UNPACKED):
            yield part
